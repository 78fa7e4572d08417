/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ARM's registers for debuggers (GDB manual, G.5.3 "ARM Features"). */
#include "emulator/user/gdb.h"

#include <elf.h>

#include "emulator/cpu/arm/arm.h"
#include "emulator/user/arm/arm.h"

#define INT(name)                                                                                            \
    {                                                                                                        \
        name, 32, "uint32"                                                                                   \
    }
#define DOUBLE(name)                                                                                         \
    {                                                                                                        \
        name, 64, "ieee_double"                                                                              \
    }

static const struct user_gdb_register core[] = {
    INT("r0"),         INT("r1"),
    INT("r2"),         INT("r3"),
    INT("r4"),         INT("r5"),
    INT("r6"),         INT("r7"),
    INT("r8"),         INT("r9"),
    INT("r10"),        INT("r11"),
    INT("r12"),        {"sp", 32, "data_ptr"},
    {"lr", 32, "int"}, {"pc", 32, "code_ptr"},
    INT("cpsr"),       {NULL},
};

static const struct user_gdb_register vfp[] = {
    DOUBLE("d0"),  DOUBLE("d1"),  DOUBLE("d2"),  DOUBLE("d3"),  DOUBLE("d4"),  DOUBLE("d5"),  DOUBLE("d6"),
    DOUBLE("d7"),  DOUBLE("d8"),  DOUBLE("d9"),  DOUBLE("d10"), DOUBLE("d11"), DOUBLE("d12"), DOUBLE("d13"),
    DOUBLE("d14"), DOUBLE("d15"), DOUBLE("d16"), DOUBLE("d17"), DOUBLE("d18"), DOUBLE("d19"), DOUBLE("d20"),
    DOUBLE("d21"), DOUBLE("d22"), DOUBLE("d23"), DOUBLE("d24"), DOUBLE("d25"), DOUBLE("d26"), DOUBLE("d27"),
    DOUBLE("d28"), DOUBLE("d29"), DOUBLE("d30"), DOUBLE("d31"), INT("fpscr"),  {NULL},
};

/* The Q registers are the debugger's own views of pairs. */
static const struct user_gdb_register none[] = {{NULL}};

static const struct user_gdb_feature features[] = {
    {"org.gnu.gdb.arm.core", core},
    {"org.gnu.gdb.arm.vfp", vfp},
    {"org.gnu.gdb.arm.neon", none},
    {NULL},
};

enum { PC = 15, CPSR = 16, D0 = 17, FPSCR = D0 + 32 };

static bool get(struct user_thread *thread, unsigned number, uint8_t *bytes)
{
    struct arm_cpu *cpu = (struct arm_cpu *)thread->cpu;
    bool big = thread->process->abi->big_endian;

    if (number < CPSR)
        user_store(bytes, 4, arm_get_reg(cpu, number), big);
    else if (number == CPSR)
        user_store(bytes, 4, arm_get_cpsr(cpu), big);
    else if (number < FPSCR)
        user_store(bytes, 8, cpu->d[number - D0], big);
    else if (number == FPSCR)
        user_store(bytes, 4, arm_get_fpscr(cpu), big);
    else
        return false;
    return true;
}

static bool set(struct user_thread *thread, unsigned number, const uint8_t *bytes)
{
    struct arm_cpu *cpu = (struct arm_cpu *)thread->cpu;
    bool big = thread->process->abi->big_endian;

    if (number < CPSR)
        arm_set_reg(cpu, number, (uint32_t)user_load(bytes, 4, big));
    else if (number == CPSR)
        arm_set_cpsr(cpu, (uint32_t)user_load(bytes, 4, big));
    else if (number < FPSCR)
        cpu->d[number - D0] = user_load(bytes, 8, big);
    else if (number == FPSCR)
        arm_set_fpscr(cpu, (uint32_t)user_load(bytes, 4, big));
    else
        return false;
    return true;
}

/* Instructions are little-endian. Kinds: 2 and 3 are Thumb's short and long, 4 ARM's (GDB manual, E.3.1). */
static unsigned breakpoint(unsigned kind, uint8_t bytes[4])
{
    switch (kind) {
    case 2: user_store(bytes, 2, 0xde01, false); return 2;
    case 3:
        user_store(bytes, 2, 0xf7f0, false);
        user_store(bytes + 2, 2, 0xa000, false);
        return 4;
    case 4: user_store(bytes, 4, 0xe7f001f0, false); return 4;
    default: return 0;
    }
}

/* r0 to r15, cpsr, orig_r0 (elf_gregset_t, arch/arm/include/asm/elf.h); d0 to d31 and fpscr (user_vfp). */
static const struct user_core_run general_runs[] = {{0, D0, 4, 0}, {.count = 0}},
                                  float_runs[] = {{D0, 32, 8, 0}, {FPSCR, 1, 4, 256}, {.count = 0}};

const struct user_core_arch user_arm_core = {72, 260, general_runs, float_runs, "LINUX", NT_ARM_VFP};

const struct user_gdb_arch user_arm_gdb = {"arm", features, get, set, breakpoint, true};
