/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The processor as a device of a machine: reset, saved state, interrupts, and the slices that the machine's loop
 * runs.
 */
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include "emulator/cpu/arm/internal.h"
#include "emulator/cpu/arm/system.h"
#include "emulator/cpu/system_jit.h"

static struct arm_system *system_of(const struct cpu *cpu)
{
    return (struct arm_system *)(uintptr_t)cpu;
}

/* ------------------------------------------------------------------------------------------- running */

static bool requested(const struct arm_cpu *s)
{
    return s->irq_line || s->fiq_line;
}

static enum cpu_stop run(struct cpu *cpu, uint64_t budget)
{
    struct arm_cpu *s = &system_of(cpu)->state;
    if (cpu->idle) {
        if (!requested(s))
            return CPU_STOP_IDLE;
        cpu->idle = false;
        s->jit.halted = false;
    }
    enum jit_stop stop = jit_run(&s->jit, (int64_t)MIN(budget, INT64_MAX / 2));
    if (stop != JIT_STOP_HALTED)
        return CPU_STOP_BUDGET;
    if (requested(s)) {
        s->jit.halted = false;
        return CPU_STOP_BUDGET;
    }
    cpu->idle = true;
    return CPU_STOP_IDLE;
}

static uint64_t icount(const struct cpu *cpu)
{
    return jit_icount(&system_of(cpu)->state.jit);
}

static void set_irq(struct cpu *cpu, unsigned line, unsigned value)
{
    struct arm_cpu *s = &system_of(cpu)->state;
    if (line == ARM_LINE_FIQ)
        s->fiq_line = value;
    else
        s->irq_line = value;
    if (!value)
        return;
    if (cpu->idle) { /* wait for interrupt ends with a masked one, too */
        cpu->idle = false;
        s->jit.halted = false;
    }
    if (!(s->cpsr & (line == ARM_LINE_FIQ ? ARM_CPSR_F : ARM_CPSR_I)))
        jit_end_slice(&s->jit);
}

static void kick(struct cpu *cpu)
{
    struct arm_cpu *s = &system_of(cpu)->state;
    __atomic_store_n(&s->jit.stop, 1, __ATOMIC_RELEASE);
}

static void set_idle(struct cpu *cpu)
{
    struct arm_cpu *s = &system_of(cpu)->state;
    if (requested(s))
        return;
    cpu->idle = true;
    s->jit.halted = true;
    jit_end_slice(&s->jit);
}

static const struct cpu_driver driver = {
    .name = "arm",
    .run = run,
    .icount = icount,
    .set_irq = set_irq,
    .kick = kick,
    .set_idle = set_idle,
};

/* -------------------------------------------------------------------------------------- memory listener */

static void code_written(void *opaque, struct ram_block *block, uint64_t offset, uint64_t size)
{
    struct arm_system *sys = opaque;
    jit_code_written(sys->jit, block->host + offset, size);
}

static void tracking_armed(void *opaque, struct ram_block *block, uint64_t offset, uint64_t size)
{
    struct arm_system *sys = opaque;
    jit_track_writes(sys->jit, block->host + offset, size);
}

static void map_changed(void *opaque, struct bus *bus)
{
    struct arm_system *sys = opaque;
    if (sys->cpu.dev.started && bus == sys->state.bus)
        arm_tlb_flush_all(&sys->state);
}

/* ------------------------------------------------------------------------------------------- life */

static bool init(struct device *dev, GError **error)
{
    struct arm_system *sys = (struct arm_system *)dev;
    if (!sys->state.bus) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "The processor %s has no bus.", dev->id);
        return false;
    }
    sys->listener = (struct memory_listener){
        .opaque = sys,
        .code_written = code_written,
        .tracking_armed = tracking_armed,
        .map_changed = map_changed,
    };
    memory_add_listener(bus_memory(sys->state.bus), &sys->listener);
    return true;
}

static void reset(struct device *dev, enum reset_kind kind)
{
    struct arm_system *sys = (struct arm_system *)dev;
    struct arm_cpu *s = &sys->state;
    if (kind == RESET_POWER_ON) { /* registers are undefined then; zero is as good and the same every time */
        memset(s->r, 0, sizeof s->r);
        memset(s->bank_r8, 0, sizeof s->bank_r8);
        memset(s->bank_sp, 0, sizeof s->bank_sp);
        memset(s->bank_lr, 0, sizeof s->bank_lr);
        memset(s->spsr, 0, sizeof s->spsr);
        memset(s->d, 0, sizeof s->d);
        s->irq_line = s->fiq_line = false;
    }
    sys->cpu.idle = false;
    s->jit.halted = false;
    /* 0406C B1.9.1: supervisor mode, interrupts masked, ARM, at the reset vector */
    arm_cp15_reset(s);
    s->sctlr |= sys->reset_sctlr;
    arm_fp_reset(s, false);
    arm_set_processor_mode(s, ARM_MODE_SVC);
    s->jit.pc = s->sctlr & ARM_SCTLR_V ? 0xffff0000 : 0;
    arm_set_cpsr(s, ARM_MODE_SVC | ARM_CPSR_I | ARM_CPSR_F | ARM_CPSR_A);
    arm_clear_exclusive(s);
}

static void finish(struct device *dev)
{
    struct arm_system *sys = (struct arm_system *)dev;
    if (sys->listener.opaque)
        memory_remove_listener(bus_memory(sys->state.bus), &sys->listener);
    if (!sys->jit)
        return;
    arm_cpu_finish(&sys->state);
    if (sys->owns_jit)
        jit_destroy(sys->jit);
    sys->jit = NULL;
    system_jit_close_log(sys->log);
    sys->log = NULL;
}

/* ------------------------------------------------------------------------------------------- saved state */

/* Deferred values take one form, so that equal states are equal bytes. */
static void prepare_save(struct device *dev)
{
    struct arm_system *sys = (struct arm_system *)dev;
    struct arm_cpu *s = &sys->state;
    s->jit.pc &= PC_T | PC_IT | UINT32_MAX;
    arm_set_cpsr(s, arm_get_cpsr(s));
    arm_set_fpscr(s, arm_get_fpscr(s));
    sys->saved_idle = sys->cpu.idle;
}

static bool valid_mode(uint32_t cpsr)
{
    switch (cpsr & ARM_CPSR_MODE) {
    case ARM_MODE_USR:
    case ARM_MODE_FIQ:
    case ARM_MODE_IRQ:
    case ARM_MODE_SVC:
    case ARM_MODE_MON:
    case ARM_MODE_ABT:
    case ARM_MODE_UND:
    case ARM_MODE_SYS: return true;
    default: return false;
    }
}

static bool check(const void *state, GError **error)
{
    const struct arm_system *sys = state;
    const struct arm_cpu *s = &sys->state;
    if (!valid_mode(s->cpsr) || s->flag_kind != ARM_FLAGS_PACKED || s->jit.pc & ~(PC_IT | UINT32_MAX) ||
        s->exclusive_size > 3) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_FORMAT,
                    "The saved processor state holds values that no processor can have.");
        return false;
    }
    return true;
}

static void loaded(struct device *dev)
{
    struct arm_system *sys = (struct arm_system *)dev;
    struct arm_cpu *s = &sys->state;
    sys->cpu.idle = sys->saved_idle;
    s->jit.halted = sys->cpu.idle;
    s->cpsr &= ARM_CPSR_MODE | ARM_CPSR_I | ARM_CPSR_F | ARM_CPSR_A | ARM_CPSR_E;
    arm_set_fpscr(s, arm_get_fpscr(s)); /* also sets MXCSR */
    arm_tlb_flush_all(s);
    arm_update_mode(s);
}

#define S(member) STATE_FIELD(struct arm_system, state.member)
#define A(member) STATE_ARRAY(struct arm_system, state.member)
static const struct state_field fields[] = {
    STATE_FIELD(struct arm_system, saved_idle),
    STATE_FIELD(struct arm_system, cpu.stopped),
    S(jit.pc), S(jit.icount),
    A(r), S(flag_kind), S(flag_a), S(q), S(ge), S(fp_nzcv),
    A(d), S(fpscr), S(fpexc), S(fpinst), S(fpinst2),
    S(exclusive_address), S(exclusive_value), S(exclusive_size),
    S(tpidrurw), S(tpidruro), S(tpidrprw),
    S(cpsr), A(spsr), A(bank_r8[0]), A(bank_r8[1]), A(bank_sp), A(bank_lr), S(irq_line), S(fiq_line),
    S(sctlr), S(actlr), S(cpacr), A(ttbr), S(ttbcr), S(dacr), S(dfsr), S(ifsr), S(dfar), S(ifar), S(adfsr), S(aifsr),
    S(fcse), S(contextidr), S(prrr), S(nmrr), S(vbar), S(mvbar), S(scr), S(sder), S(nsacr), S(csselr), S(par),
    S(tlb_lockdown), S(pmcr), S(pmcnten), S(pmuserenr), S(pminten), S(pmselr), S(cycles_at),
    STATE_ARRAY_OF(struct arm_system, state.implementation, ((struct arm_system *)0)->state.implementation[0][0][0][0]),
    STATE_END,
};

static void describe(struct device *dev, GString *text)
{
    struct arm_system *sys = (struct arm_system *)dev;
    if (sys->owns_jit)
        jit_describe_stats(sys->jit, text);
}

const struct device_class arm_system_class = {
    .name = "arm",
    .description = "ARM processor",
    .size = sizeof(struct arm_system),
    .version = 1,
    .init = init,
    .reset = reset,
    .finish = finish,
    .fields = fields,
    .prepare_save = prepare_save,
    .check = check,
    .loaded = loaded,
    .describe = describe,
};

struct arm_system *arm_system_new(struct machine *machine, const char *id, const struct arm_model *model,
                                  struct jit *jit, GError **error)
{
    bool own = !jit;
    FILE *log = NULL;
    if (own && !(jit = system_jit_new(machine, arm_model_guest(model), &log, error)))
        return NULL;
    struct arm_system *sys = (struct arm_system *)device_new(machine, &arm_system_class, id);
    sys->cpu.driver = &driver;
    sys->jit = jit;
    sys->owns_jit = own;
    sys->log = log;
    arm_cpu_init(&sys->state, jit, model, false);
    return sys;
}
