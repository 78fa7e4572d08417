/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A processor on a bus with some memory and nothing else, for tests of system mode. */
#pragma once

#include "emulator/core/bus.h"
#include "emulator/jit/jit.h"
#include "tests/cpu/tiers.h"

#define RAM_SIZE 0x400000 /* from address 0 */

struct rig {
    struct memory *memory;
    struct bus *bus;
    struct jit *jit;
    struct memory_listener listener;
    union { /* the instruction set's own: it initialises and finishes it */
        struct arm_cpu *arm;
        struct sparc_cpu *sparc;
    };
};

/* For the tier that the running test is for (tiers.h). */
struct rig *rig_create(enum bus_endian endian, const struct jit_guest *guest, bool eager);
void rig_destroy(struct rig *r);

/* Words on the bus. */
void put(struct rig *r, uint32_t at, uint32_t value);
uint32_t get(struct rig *r, uint32_t at);

#define PUT(at, ...)                                                                                         \
    do {                                                                                                     \
        const uint32_t w_[] = {__VA_ARGS__};                                                                 \
        for (unsigned k_ = 0; k_ < G_N_ELEMENTS(w_); k_++)                                                   \
            put(r, (at) + 4 * k_, w_[k_]);                                                                   \
    } while (0)
