/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A static ARM Linux program that runs streams of instructions one after the other, each beside a block of data of its
 * own, and then writes all blocks to its standard output.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Of the program's data; BE32: of its code, too. */
enum program_order { ORDER_LITTLE, ORDER_BE8, ORDER_BE32 };

struct program {
    GByteArray *file;         /* ELF; loaded at GUEST_BASE (tests/cpu/window.h) */
    uint32_t code, data, end; /* guest addresses: where it begins, its blocks, behind them */
    unsigned n;               /* blocks */
};

/* Appends the code of a stream, in the program's order, that has its block at guest address `block`; called twice with
 * other addresses. */
typedef void (*program_stream)(GByteArray *code, gconstpointer streams, unsigned number, uint32_t block);

/* flags: of the ELF header. The blocks are zero. Free `file` with g_byte_array_unref(). */
struct program program_build(program_stream emit, gconstpointer streams, unsigned n, unsigned block_size,
                             enum program_order order, uint32_t flags);
uint8_t *program_block(const struct program *p, unsigned number, unsigned block_size);

/* A word, little-endian. */
void program_emit(GByteArray *code, uint32_t word);
/* Turns ARM words of the code, or Thumb halfwords, into the other order. */
void program_swap_code(GByteArray *code, unsigned from, unsigned to, bool halfwords);
/* Four instructions of every version that set a register and leave the flags alone. */
void program_set(GByteArray *code, unsigned rd, uint32_t value);

static inline void put32(uint8_t *p, uint32_t v)
{
    v = GUINT32_TO_LE(v);
    memcpy(p, &v, 4);
}

static inline uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return GUINT32_FROM_LE(v);
}
