/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An ARM processor in system mode on a bus of its own (tests/cpu/rig.h), and what its tests do with it. */
#pragma once

#include "emulator/cpu/arm/internal.h"
#include "tests/cpu/rig.h"

#define CODE     0x4000u
#define DATA     0x20000u
#define TABLE    0x100000u /* first level */
#define COARSE   0x110000u
#define FINE     0x120000u
#define SVC_MODE (ARM_MODE_SVC | ARM_CPSR_I | ARM_CPSR_F | ARM_CPSR_A)

/* At the reset vector, with each vector a branch to itself. */
struct rig *rig_new(const char *model_id);
void rig_free(struct rig *r);

void mode(struct rig *r, uint32_t cpsr);
uint32_t current_mode(struct rig *r);
uint32_t reg(struct rig *r, unsigned n);
void set(struct rig *r, unsigned n, uint32_t value);
/* From pc (bit 0: Thumb) so many instructions. */
void run(struct rig *r, uint32_t pc, unsigned insns);
/* One was just taken, whose handler begins at `vector`. */
void expect_exception(struct rig *r, uint32_t vector, uint32_t in_mode, uint32_t link);

/* Turns the MMU on, with more bits of SCTLR: all of RAM where it is, domain 0, privileged only; 0x10000000 the pages of
 * COARSE; 0x10100000 without access to its domain, 0x10200000 as its manager. Domains: 0 client, 1 none, 2 manager. */
void mmu_on(struct rig *r, uint32_t sctlr);
/* A load or store of r2 at `address`; true when it was done, else it faulted as a data abort. */
bool touch(struct rig *r, uint32_t word, uint32_t address, uint32_t value);
enum { LOAD = 0xe5902000, STORE = 0xe5802000, LOAD_USER = 0xe4b02000, STORE_USER = 0xe4a02000 };
/* Of the last data abort, without its domain. */
unsigned status(struct rig *r);
