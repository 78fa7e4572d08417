/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See ../libc.c. */
#ifndef TORTURE_STDLIB_H
#define TORTURE_STDLIB_H
#include <stddef.h>
_Noreturn void abort(void);
_Noreturn void exit(int status);
_Noreturn void _exit(int status);
void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *old, size_t size);
void free(void *block);
int abs(int value);
long labs(long value);
int atoi(const char *text);
#endif
