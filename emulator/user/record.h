/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Structures of the kernel interface that differ between guest and host in word size and byte order only,
 * described by a string: the types of the fields in order, each with its natural alignment on either side.
 *
 *     c  a byte            l  a long, signed on widening
 *     h  16 bits           L  an unsigned long or a pointer
 *     i  32 bits           q  64 bits
 *
 * A number before a letter repeats it: struct winsize is "4h", struct timeval "2l". 0 only aligns.
 */
#ifndef VITRINE_USER_RECORD_H
#define VITRINE_USER_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct user_abi;
struct user_thread;

/* No description in this program needs more bytes on either side. */
#define USER_RECORD_MOST 1024

/* Bytes of the structure in the guest; of the host's when `abi` is NULL. */
size_t user_record_size(const struct user_abi *abi, const char *format);
/* Conversions between bytes in guest form and the host's structure. Longs that do not fit are cut. */
void user_record_to_host(const struct user_abi *abi, const char *format, void *host, const void *guest);
void user_record_to_guest(const struct user_abi *abi, const char *format, void *guest, const void *host);
/* The same with guest memory; false: bad address. */
bool user_record_read(struct user_thread *t, uint64_t from, const char *format, void *host);
bool user_record_write(struct user_thread *t, uint64_t to, const char *format, const void *host);

#endif
