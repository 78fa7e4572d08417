/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See ../libc.c. */
#ifndef TORTURE_STDIO_H
#define TORTURE_STDIO_H
#include <stdarg.h>
#include <stddef.h>
int printf(const char *format, ...);
int vprintf(const char *format, va_list list);
int sprintf(char *to, const char *format, ...);
int vsprintf(char *to, const char *format, va_list list);
int snprintf(char *to, size_t room, const char *format, ...);
int vsnprintf(char *to, size_t room, const char *format, va_list list);
int putchar(int c);
int puts(const char *text);
#endif
