/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The processor as a device of a machine: reset, saved state, interrupts, and the slices that the machine's loop
 * runs.
 */
#include <string.h>

#include "emulator/core/i18n.h"
#include "emulator/cpu/arm/internal.h"
#include "emulator/cpu/arm/system.h"

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
        system_cpu_wake(&system_of(cpu)->base);
    }
    enum jit_stop stop = system_cpu_run(&system_of(cpu)->base, budget);
    if (stop != JIT_STOP_HALTED)
        return CPU_STOP_BUDGET;
    if (requested(s)) {
        s->jit.halted = false;
        return CPU_STOP_BUDGET;
    }
    cpu->idle = true;
    return CPU_STOP_IDLE;
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
    if (cpu->idle) /* wait for interrupt ends with a masked one, too */
        system_cpu_wake(&system_of(cpu)->base);
    if (!(s->cpsr & (line == ARM_LINE_FIQ ? ARM_CPSR_F : ARM_CPSR_I)))
        jit_end_slice(&s->jit);
}

static void set_idle(struct cpu *cpu)
{
    struct arm_cpu *s = &system_of(cpu)->state;
    if (requested(s))
        return;
    system_cpu_sleep(&system_of(cpu)->base);
}

static const struct cpu_driver driver = {
    .name = "arm",
    .run = run,
    .icount = system_cpu_icount,
    .set_irq = set_irq,
    .kick = system_cpu_kick,
    .set_idle = set_idle,
};

/* ------------------------------------------------------------------------------------------- life */

static bool init(struct device *dev, GError **error)
{
    struct arm_system *sys = (struct arm_system *)dev;
    return system_cpu_start(&sys->base, sys->state.bus, error);
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
    system_cpu_wake(&sys->base);
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
    if (sys->base.jit)
        arm_cpu_finish(&sys->state);
    system_cpu_finish(&sys->base);
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
    sys->base.saved_idle = sys->base.cpu.idle;
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
                    _("The saved processor state holds values that no processor can have."));
        return false;
    }
    return true;
}

static void loaded(struct device *dev)
{
    struct arm_system *sys = (struct arm_system *)dev;
    struct arm_cpu *s = &sys->state;
    sys->base.cpu.idle = sys->base.saved_idle;
    s->jit.halted = sys->base.cpu.idle;
    s->cpsr &= ARM_CPSR_MODE | ARM_CPSR_I | ARM_CPSR_F | ARM_CPSR_A | ARM_CPSR_E;
    arm_set_fpscr(s, arm_get_fpscr(s)); /* also sets MXCSR */
    arm_tlb_flush_all(s);
    arm_update_mode(s);
}

#define S(member) STATE_FIELD(struct arm_system, state.member)
#define A(member) STATE_ARRAY(struct arm_system, state.member)
static const struct state_field fields[] = {
    SYSTEM_CPU_FIELDS(struct arm_system),
    S(jit.pc), S(jit.icount),
    A(r), S(flag_kind), S(flag_a), S(q), S(ge), S(fp_nzcv),
    A(d), S(fpscr), S(fpexc), S(fpinst), S(fpinst2),
    S(exclusive_address), S(exclusive_value), S(exclusive_size),
    S(tpidrurw), S(tpidruro), S(tpidrprw),
    S(cpsr), A(spsr), A(bank_r8[0]), A(bank_r8[1]), A(bank_sp), A(bank_lr), S(irq_line), S(fiq_line),
    S(sctlr), S(actlr), S(cpacr), A(ttbr), S(ttbcr), S(dacr), S(dfsr), S(ifsr), S(dfar), S(ifar), S(adfsr), S(aifsr),
    S(fcse), S(contextidr), S(prrr), S(nmrr), S(vbar), S(mvbar), S(scr), S(sder), S(nsacr), S(csselr), S(par),
    S(wfar), S(pmcr), S(pmcnten), S(pmuserenr), S(pminten), S(pmselr), S(cycles_at),
    STATE_ARRAY_OF(struct arm_system, state.implementation, ((struct arm_system *)0)->state.implementation[0][0][0][0]),
    STATE_END,
};

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
    .describe = system_cpu_describe,
};

static void map_changed(struct jit_cpu *state)
{
    arm_tlb_flush_all((struct arm_cpu *)state);
}

struct arm_system *arm_system_new(struct machine *machine, const char *id, const struct arm_model *model,
                                  struct jit *jit, GError **error)
{
    struct arm_system *sys = (struct arm_system *)system_cpu_new(
        machine, &arm_system_class, id, &driver, arm_model_guest(model), jit, error);
    if (!sys)
        return NULL;
    sys->base.state = &sys->state.jit;
    sys->base.map_changed = map_changed;
    arm_cpu_init(&sys->state, sys->base.jit, model, false);
    return sys;
}
