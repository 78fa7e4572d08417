/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The run-time library of the guest test programs.
 *
 * Debian's cross libc for 32-bit SPARC needs V9 instructions, so programs that must run on a V8 processor
 * bring their own start code, compiler helpers and system calls. The same interface is implemented on the
 * host (rt/native.c), so that a benchmark can also be built as a plain host program and its output compared.
 *
 * Nothing here depends on the byte order or the word size of the machine that runs it.
 */
#ifndef VITRINE_TESTS_RT_H
#define VITRINE_TESTS_RT_H

#include <stddef.h>
#include <stdint.h>

/* The program. Its result is the exit status. */
int main(int argc, char **argv);

/* Output goes to standard output through a buffer which rt_exit() and rt_flush() write out. */
void rt_put(const char *text);
void rt_put_char(char c);
void rt_put_u32(uint32_t value);
void rt_put_i32(int32_t value);
void rt_put_hex32(uint32_t value);
void rt_put_hex64(uint64_t value);
void rt_flush(void);

_Noreturn void rt_exit(int status);
/* Says what went wrong and ends the program with status 1. */
_Noreturn void rt_fail(const char *why);

/* Zeroed memory, aligned to 16 bytes, which lives as long as the program. */
void *rt_alloc(size_t bytes);
/* Wall-clock time in microseconds. */
uint64_t rt_now_us(void);
int32_t rt_atoi(const char *text);

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);
char *strcpy(char *restrict to, const char *restrict from);
char *strchr(const char *text, int c);

#endif
