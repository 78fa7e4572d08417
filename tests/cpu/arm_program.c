/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/cpu/arm_program.h"

#include "tests/cpu/window.h"

#define HEADERS 0x80
#define BE8     0x00800000 /* flag of the ELF header (ELF for the ARM Architecture, 5.2) */

/* Linux's system call write (r7), with r0 to r2 as it wants them, until all is written: a pipe takes less than that at
 * once when the writer was stopped meanwhile. */
static const uint32_t write_all[] = {
    0xef000000, 0xe3500000, 0xc0811000, 0xc0522000, /* svc 0; cmp r0, #0; addgt r1, r1, r0; subsgt r2, r2, r0 */
    0xc3a00001, 0xcafffff9,                         /* movgt r0, #1; bgt */
};

void program_emit(GByteArray *code, uint32_t word)
{
    uint8_t b[4];
    put32(b, word);
    g_byte_array_append(code, b, 4);
}

void program_set(GByteArray *code, unsigned rd, uint32_t value)
{
    program_emit(code, 0xe3a00000 | rd << 12 | (value & 255)); /* mov, then three orr */
    program_emit(code, 0xe3800c00 | rd << 16 | rd << 12 | (value >> 8 & 255));
    program_emit(code, 0xe3800800 | rd << 16 | rd << 12 | (value >> 16 & 255));
    program_emit(code, 0xe3800400 | rd << 16 | rd << 12 | value >> 24);
}

/* A program header of one segment that may be read, written and executed, behind the file's header. */
static void write_headers(uint8_t *h, uint32_t entry, uint32_t size, enum program_order order, uint32_t flags)
{
    bool big = order != ORDER_LITTLE;
    const uint16_t halves[][2] = {{16, 2}, {18, 40}, {40, 52}, {42, 32}, {44, 1}}; /* executable; ARM */
    const uint32_t words[][2] = {{20, 1}, {24, entry}, {28, 52}, {36, flags | (order == ORDER_BE8 ? BE8 : 0)}};
    const uint32_t segment[8] = {1, 0, GUEST_BASE, GUEST_BASE, size, size, 7, 0x1000};

    memcpy(h, "\x7f" "ELF\x01\x01\x01", 7); /* 32 bits, little-endian */
    h[5] = big ? 2 : 1;
    for (unsigned k = 0; k < G_N_ELEMENTS(halves); k++) {
        uint16_t v = big ? GUINT16_TO_BE(halves[k][1]) : GUINT16_TO_LE(halves[k][1]);
        memcpy(h + halves[k][0], &v, 2);
    }
    for (unsigned k = 0; k < G_N_ELEMENTS(words); k++)
        put32(h + words[k][0], big ? GUINT32_SWAP_LE_BE(words[k][1]) : words[k][1]);
    for (unsigned k = 0; k < G_N_ELEMENTS(segment); k++)
        put32(h + 52 + 4 * k, big ? GUINT32_SWAP_LE_BE(segment[k]) : segment[k]);
}

void program_swap_code(GByteArray *code, unsigned from, unsigned to, bool halfwords)
{
    for (unsigned k = from; k < to; k += 4) {
        uint32_t v = GUINT32_SWAP_LE_BE(get32(code->data + k));
        put32(code->data + k, halfwords ? v << 16 | v >> 16 : v);
    }
}

struct program program_build(program_stream emit, gconstpointer streams, unsigned n, unsigned block_size,
                             enum program_order order, uint32_t flags)
{
    struct program p = {.n = n, .code = GUEST_BASE + HEADERS};
    g_autoptr(GByteArray) code = g_byte_array_new();
    for (int pass = 0; pass < 2; pass++) { /* addresses depend on the size of the code */
        g_byte_array_set_size(code, 0);
        for (unsigned k = 0; k < n; k++)
            emit(code, streams, k, p.data + k * block_size);
        unsigned end = code->len;
        program_set(code, 0, 1);
        program_set(code, 1, p.data);
        program_set(code, 2, n * block_size);
        program_set(code, 7, 4); /* write(1, data, size) */
        for (unsigned k = 0; k < G_N_ELEMENTS(write_all); k++)
            program_emit(code, write_all[k]);
        program_set(code, 0, 0);
        program_set(code, 7, 1); /* exit(0) */
        program_emit(code, 0xef000000);
        if (order == ORDER_BE32)
            program_swap_code(code, end, code->len, false);
        p.data = (p.code + code->len + 0xfff) & ~0xfffu;
        p.end = p.data + n * block_size;
    }
    p.file = g_byte_array_new();
    g_byte_array_set_size(p.file, p.end - GUEST_BASE);
    memset(p.file->data, 0, p.file->len);
    write_headers(p.file->data, p.code, p.file->len, order, flags);
    memcpy(p.file->data + HEADERS, code->data, code->len);
    return p;
}

uint8_t *program_block(const struct program *p, unsigned number, unsigned block_size)
{
    return p->file->data + (p->data - GUEST_BASE) + number * block_size;
}
