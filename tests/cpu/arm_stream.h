/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random streams of ARM or Thumb instructions, made from the rows of the instruction tables. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define BODY_MAX   120
#define BLOCK      2048 /* bytes of one stream's data */
#define DATA_BYTES 1024 /* the window that loads and stores reach */
#define IN         1024 /* initial state: r0..r14, CPSR */
#define OUT        1536 /* final state: the same */
#define BASE       1    /* register: points to the block */
#define COUNT      11   /* register: turns of the loop */

struct item {
    uint32_t word;
    uint8_t size; /* 2 or 4; Thumb words: first halfword << 16 | second */
};

struct stream {
    struct item body[BODY_MAX];
    unsigned n, loops;
    bool thumb;
    uint8_t block[BLOCK];
};

/* What the streams are for: features of the processor (ARM_V6 ...), instruction set. Ended by stream_end(). */
void stream_begin(uint32_t features, bool thumb);
void stream_end(void);
void stream_generate(GRand *r, struct stream *s);
