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

struct program {
    GByteArray *file;         /* ELF; loaded at GUEST_BASE (tests/cpu/window.h) */
    uint32_t code, data, end; /* guest addresses: where it begins, its blocks, behind them */
    unsigned n;               /* blocks */
};

/* Appends the code of a stream that has its block at guest address `block`; called twice with other addresses. */
typedef void (*program_stream)(GByteArray *code, gconstpointer streams, unsigned number, uint32_t block);

/* big: data are big-endian (BE8); flags: of the ELF header. The blocks are zero. Free `file` with g_byte_array_unref(). */
struct program program_build(program_stream emit, gconstpointer streams, unsigned n, unsigned block_size, bool big,
                             uint32_t flags);
uint8_t *program_block(const struct program *p, unsigned number, unsigned block_size);

void program_emit(GByteArray *code, uint32_t word);
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
