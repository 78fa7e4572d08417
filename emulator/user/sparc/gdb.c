/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SPARC's registers for debuggers (GDB manual, G.5.15 "Sparc Features"). */
#include "emulator/user/gdb.h"

#include <elf.h>

#include "emulator/cpu/sparc/sparc.h"
#include "emulator/user/sparc/sparc.h"

#define INT(name)                                                                                            \
    {                                                                                                        \
        name, 32, "uint32"                                                                                   \
    }
#define POINTER(name)                                                                                        \
    {                                                                                                        \
        name, 32, "data_ptr"                                                                                 \
    }
#define CODE(name)                                                                                           \
    {                                                                                                        \
        name, 32, "code_ptr"                                                                                 \
    }
#define FLOAT(name)                                                                                          \
    {                                                                                                        \
        name, 32, "ieee_single"                                                                              \
    }

static const struct user_gdb_register windows[] = {
    INT("g0"),     INT("g1"),  INT("g2"),     INT("g3"),  INT("g4"), INT("g5"), INT("g6"),
    INT("g7"),     INT("o0"),  INT("o1"),     INT("o2"),  INT("o3"), INT("o4"), INT("o5"),
    POINTER("sp"), CODE("o7"), INT("l0"),     INT("l1"),  INT("l2"), INT("l3"), INT("l4"),
    INT("l5"),     INT("l6"),  INT("l7"),     INT("i0"),  INT("i1"), INT("i2"), INT("i3"),
    INT("i4"),     INT("i5"),  POINTER("fp"), CODE("i7"), {NULL},
};

static const struct user_gdb_register floats[] = {
    FLOAT("f0"),  FLOAT("f1"),  FLOAT("f2"),  FLOAT("f3"),  FLOAT("f4"),  FLOAT("f5"),  FLOAT("f6"),
    FLOAT("f7"),  FLOAT("f8"),  FLOAT("f9"),  FLOAT("f10"), FLOAT("f11"), FLOAT("f12"), FLOAT("f13"),
    FLOAT("f14"), FLOAT("f15"), FLOAT("f16"), FLOAT("f17"), FLOAT("f18"), FLOAT("f19"), FLOAT("f20"),
    FLOAT("f21"), FLOAT("f22"), FLOAT("f23"), FLOAT("f24"), FLOAT("f25"), FLOAT("f26"), FLOAT("f27"),
    FLOAT("f28"), FLOAT("f29"), FLOAT("f30"), FLOAT("f31"), {NULL},
};

static const struct user_gdb_register controls[] = {
    INT("y"), INT("psr"), INT("wim"), INT("tbr"), CODE("pc"), CODE("npc"), INT("fsr"), INT("csr"), {NULL},
};

static const struct user_gdb_feature features[] = {
    {"org.gnu.gdb.sparc.cpu", windows},
    {"org.gnu.gdb.sparc.fpu", floats},
    {"org.gnu.gdb.sparc.cp0", controls},
    {NULL},
};

enum { F0 = 32, Y = 64, PSR, WIM, TBR, PC, NPC, FSR, CSR };

/* Bits of the processor's that programs do not change: version, and the FPU is on. */
static uint32_t whole_psr(struct sparc_cpu *cpu)
{
    return (sparc_get_psr(cpu) & ~SPARC_PSR_ICC) | sparc_get_icc(cpu) << 20 | SPARC_PSR_EF;
}

static bool get(struct user_thread *thread, unsigned number, uint8_t *bytes)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)thread->cpu;
    uint64_t value = 0;

    if (number < F0) {
        value = sparc_get_reg(cpu, number);
    } else if (number < Y) {
        value = sparc_get_freg(cpu, number - F0);
    } else {
        switch (number) {
        case Y: value = cpu->y; break;
        case PSR: value = whole_psr(cpu); break;
        case PC: value = cpu->jit.pc; break;
        case NPC: value = cpu->jit.npc; break;
        case FSR: value = sparc_get_fsr(cpu); break;
        case WIM:
        case TBR:
        case CSR: break; /* not of this world */
        default: return false;
        }
    }
    user_store(bytes, 4, value, true);
    return true;
}

static bool set(struct user_thread *thread, unsigned number, const uint8_t *bytes)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)thread->cpu;
    uint32_t value = (uint32_t)user_load(bytes, 4, true);

    if (number < F0) {
        if (number)
            sparc_set_reg(cpu, number, value);
        return true;
    }
    if (number < Y) {
        sparc_set_freg(cpu, number - F0, value);
        return true;
    }
    switch (number) {
    case Y: cpu->y = value; return true;
    case PSR: sparc_set_icc(cpu, value >> 20 & 15); return true;
    case PC: cpu->jit.pc = value & ~3u; return true;
    case NPC: cpu->jit.npc = value & ~3u; return true;
    case FSR: sparc_set_fsr(cpu, value); return true;
    case WIM:
    case TBR:
    case CSR: return true;
    default: return false;
    }
}

/* ta 1 */
static unsigned breakpoint(unsigned kind, uint8_t bytes[4])
{
    if (kind != 4)
        return 0;
    user_store(bytes, 4, 0x91d02001, true);
    return 4;
}

/* The registers of the window, psr, pc, npc, y (elf_gregset_t, arch/sparc/include/asm/elf_32.h); f0 to f31, an unused
 * word, fsr (elf_fpregset_t). */
static const struct user_core_run general_runs[] = {{0, 32, 4, 0},  {PSR, 1, 4, 128}, {PC, 1, 4, 132},
                                                    {NPC, 1, 4, 136}, {Y, 1, 4, 140},   {.count = 0}},
                                  float_runs[] = {{F0, 32, 4, 0}, {FSR, 1, 4, 132}, {.count = 0}};

const struct user_core_arch user_sparc_core = {152, 396, general_runs, float_runs, "CORE", NT_FPREGSET};

const struct user_gdb_arch user_sparc_gdb = {"sparc", features, get, set, breakpoint, false};
