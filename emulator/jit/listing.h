/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Disassembly for logs by the Capstone library.  It is loaded when the first line is asked for: its tables would make
 * up a good part of the time that a small program takes to start.
 */
#ifndef VITRINE_JIT_LISTING_H
#define VITRINE_JIT_LISTING_H

#include <glib.h>
#include <stdint.h>

enum jit_listing { JIT_LISTING_X86_64, JIT_LISTING_ARM, JIT_LISTING_THUMB };

/* The instruction at pc as text; returns its size, or 0 where there is none or the library is not there. */
unsigned jit_listing_line(enum jit_listing kind, uint64_t pc, const uint8_t *code, size_t avail, char *text,
                          size_t size);

#endif
