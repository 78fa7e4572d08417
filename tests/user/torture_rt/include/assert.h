/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See ../libc.c. */
_Noreturn void __assert_fail(const char *what, const char *file, unsigned line, const char *function);
#undef assert
#define assert(x) ((x) ? (void)0 : __assert_fail(#x, __FILE__, __LINE__, __func__))
