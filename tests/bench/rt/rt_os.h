/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The three things that rt/print.c and rt_alloc() need from below. */
#ifndef VITRINE_TESTS_RT_OS_H
#define VITRINE_TESTS_RT_OS_H

#include <stddef.h>

void rt_os_write(const char *data, size_t n);
_Noreturn void rt_os_exit(int status);

#endif
