/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ECC memory controller of the SPARCstation 10, 20 and 600MP (EMC, SMC). The memory of an emulated machine has no bit
 * errors: the registers keep what software sets, the fault registers stay empty.
 * Sources: "Sun-4M System Architecture", memory controller; NetBSD sys/arch/sparc/sparc/memeccreg.h (names).
 */
#pragma once

#include "emulator/core/bus.h"

struct sun4m_ecc {
    struct device dev;
    uint32_t id;     /* implementation and version: bits 31..24 of the enable register */
    uint32_t enable, delay, status, video, address[2], diagnostic;
};

extern const struct device_class sun4m_ecc_class;

void sun4m_ecc_map(struct sun4m_ecc *ecc, struct bus *bus, uint64_t base);
