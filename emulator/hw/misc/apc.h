/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Aurora Personality Chip: power management of the SPARCstation 4 and 5. A write to its idle register stops
 * the processor's clock until the next interrupt. Source: Linux arch/sparc/kernel/apc.c,
 * arch/sparc/include/asm/apc.h.
 */
#pragma once

#include "emulator/core/bus.h"
#include "emulator/core/machine.h"

struct apc {
    struct device dev;
    uint8_t fan, power, port;
};

extern const struct device_class apc_class;

void apc_map(struct apc *apc, struct bus *bus, uint64_t base);
