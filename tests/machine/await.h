/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting in tests. The time in which this process was held up itself does not count. */
#pragma once

#include <glib.h>

#define AWAIT_SECONDS 60
#define AWAIT_LOOK    (G_TIME_SPAN_SECOND / 2) /* that one look counts at most */

struct await {
    gint64 left, before; /* us */
};

static inline struct await await_begin(unsigned seconds)
{
    return (struct await){seconds * G_TIME_SPAN_SECOND, g_get_monotonic_time()};
}

/* Once a look; FALSE: it has been long enough. */
static inline gboolean await_more(struct await *await)
{
    gint64 now = g_get_monotonic_time();
    await->left -= MIN(now - await->before, AWAIT_LOOK);
    await->before = now;
    return await->left > 0;
}

/* For tests whose subject lives in the main context: iterates it until a condition holds. */
#define AWAIT(condition)                                                                                               \
    do {                                                                                                               \
        struct await await_ = await_begin(AWAIT_SECONDS);                                                              \
        while (!(condition)) {                                                                                         \
            if (!await_more(&await_))                                                                                  \
                g_error("waited in vain for " #condition);                                                             \
            if (!g_main_context_iteration(NULL, FALSE))                                                                \
                g_usleep(1000);                                                                                        \
        }                                                                                                              \
    } while (0)
