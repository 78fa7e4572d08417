/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests whose subject lives in the main context: iterates it until a condition holds, at most a minute. */
#pragma once

#include <glib.h>

#define AWAIT(condition)                                                                                               \
    do {                                                                                                               \
        gint64 end_ = g_get_monotonic_time() + 60 * G_TIME_SPAN_SECOND;                                                \
        while (!(condition)) {                                                                                         \
            if (g_get_monotonic_time() > end_)                                                                         \
                g_error("waited in vain for " #condition);                                                             \
            if (!g_main_context_iteration(NULL, FALSE))                                                                \
                g_usleep(1000);                                                                                        \
        }                                                                                                              \
    } while (0)
