/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The processor as a device of a machine: reset, saved state, interrupts, and the slices that the machine's loop
 * runs.
 */
#include <string.h>

#include "emulator/core/i18n.h"
#include "emulator/cpu/sparc/internal.h"
#include "emulator/cpu/sparc/system.h"

static struct sparc_system *system_of(const struct cpu *cpu)
{
    return (struct sparc_system *)(uintptr_t)cpu;
}

/* ------------------------------------------------------------------------------------------- running */

static bool interrupt_possible(const struct sparc_cpu *s)
{
    return s->irl && (s->psr & SPARC_PSR_ET) && (s->irl == 15 || s->irl > (s->psr & SPARC_PSR_PIL) >> 8);
}

static enum cpu_stop run(struct cpu *cpu, uint64_t budget)
{
    struct sparc_cpu *s = &system_of(cpu)->state;
    if (s->error_mode)
        return CPU_STOP_HALTED;
    if (cpu->idle) {
        if (!s->irl)
            return CPU_STOP_IDLE;
        system_cpu_wake(&system_of(cpu)->base);
    }
    enum jit_stop stop = system_cpu_run(&system_of(cpu)->base, budget);
    if (s->error_mode)
        return CPU_STOP_HALTED;
    return stop == JIT_STOP_HALTED && cpu->idle ? CPU_STOP_IDLE : CPU_STOP_BUDGET;
}

static void set_irq(struct cpu *cpu, unsigned line, unsigned value)
{
    struct sparc_cpu *s = &system_of(cpu)->state;
    s->irl = value & 15;
    if (s->irl && cpu->idle) /* any request ends the standby of the power controller */
        system_cpu_wake(&system_of(cpu)->base);
    if (interrupt_possible(s))
        jit_end_slice(&s->jit);
}

static void set_idle(struct cpu *cpu)
{
    struct sparc_cpu *s = &system_of(cpu)->state;
    if (s->irl)
        return;
    system_cpu_sleep(&system_of(cpu)->base);
}

static const struct cpu_driver driver = {
    .name = "sparcv8",
    .run = run,
    .icount = system_cpu_icount,
    .set_irq = set_irq,
    .kick = system_cpu_kick,
    .set_idle = set_idle,
};

/* ------------------------------------------------------------------------------------------- life */

static bool init(struct device *dev, GError **error)
{
    struct sparc_system *sys = (struct sparc_system *)dev;
    return system_cpu_start(&sys->base, sys->state.bus, error);
}

static void reset(struct device *dev, enum reset_kind kind)
{
    struct sparc_system *sys = (struct sparc_system *)dev;
    struct sparc_cpu *s = &sys->state;
    if (kind == RESET_POWER_ON) { /* registers are undefined then; zero is as good and the same every time */
        memset(s->g, 0, sizeof s->g);
        memset(&s->window, 0, sizeof s->window);
        memset(s->f, 0, sizeof s->f);
        s->y = 0;
        s->wim = 0;
        s->tbr = 0;
        s->irl = 0;
        sparc_set_icc(s, 0);
        sparc_set_cwp(s, 0);
    }
    s->error_mode = false;
    s->fpq_count = 0;
    s->fp_exception_pending = false;
    system_cpu_wake(&sys->base);
    /* V8 7.1: reset enters supervisor mode with traps off, at address 0 */
    s->psr = (s->psr & (SPARC_PSR_IMPL | SPARC_PSR_VER | SPARC_PSR_PIL)) | SPARC_PSR_S | SPARC_PSR_PS;
    sparc_set_fsr(s, 0);
    s->jit.pc = 0;
    s->jit.npc = 4;
    sparc_mmu_reset(s);
}

static void finish(struct device *dev)
{
    struct sparc_system *sys = (struct sparc_system *)dev;
    if (sys->base.jit)
        sparc_cpu_finish(&sys->state);
    system_cpu_finish(&sys->base);
}

/* ------------------------------------------------------------------------------------------- saved state */

/* Deferred values take one form, so that equal states are equal bytes. */
static void prepare_save(struct device *dev)
{
    struct sparc_system *sys = (struct sparc_system *)dev;
    struct sparc_cpu *s = &sys->state;
    unsigned last = sparc_nwin(s) - 1;
    sparc_set_icc(s, sparc_get_icc(s));
    sparc_fsr_settle(s);
    sparc_set_fcc(s, sparc_fcc(s));
    if (s->cwp == last)
        memcpy(s->window.w32, s->window.w32 + (last + 1) * 16, 32);
    else
        memcpy(s->window.w32 + (last + 1) * 16, s->window.w32, 32);
    memset(s->alt_value, 0, sizeof s->alt_value);
    s->fault_address = 0;
    sys->base.saved_idle = sys->base.cpu.idle;
}

static bool check(const void *state, GError **error)
{
    const struct sparc_system *sys = state;
    const struct sparc_cpu *s = &sys->state;
    if (s->cwp >= 8 || s->fpq_count > SPARC_FPQ_SIZE || s->cc_kind > SPARC_CC_SUBX || (s->jit.pc & 3) ||
        s->jit.pc > UINT32_MAX || s->jit.npc > UINT32_MAX || s->irl > 15 || s->fpop_kind || s->fcmp_kind) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_FORMAT,
                    _("The saved processor state holds values that no processor can have."));
        return false;
    }
    return true;
}

static void loaded(struct device *dev)
{
    struct sparc_system *sys = (struct sparc_system *)dev;
    struct sparc_cpu *s = &sys->state;
    /* A device that was loaded before may have interrupted. */
    sys->base.cpu.idle = sys->base.saved_idle && !s->irl;
    s->psr = (s->psr & ~(SPARC_PSR_IMPL | SPARC_PSR_VER | SPARC_PSR_ICC | SPARC_PSR_CWP)) |
             (uint32_t)s->model->impl << 28 | (uint32_t)s->model->ver << 24;
    s->jit.halted = sys->base.cpu.idle || s->error_mode;
    sparc_update_bank(s);
    uint32_t fsr = s->fsr; /* also sets MXCSR */
    unsigned fcc = sparc_fcc(s);
    sparc_set_fsr(s, (fsr & ~SPARC_FSR_FCC) | fcc << 10);
    s->fsr = (s->fsr & ~SPARC_FSR_FTT) | (fsr & SPARC_FSR_FTT);
    jit_flush_all(&s->jit);
    sparc_update_mode(s);
}

#define S(member)          STATE_FIELD(struct sparc_system, state.member)
#define A(member)          STATE_ARRAY(struct sparc_system, state.member)
static const struct state_field fields[] = {
    SYSTEM_CPU_FIELDS(struct sparc_system),
    S(jit.pc), S(jit.npc), S(jit.icount),
    A(g), A(window.w32), A(f), S(y),
    S(cc_kind), S(cc_a), S(cc_b), S(cc_c), S(cwp), S(wim),
    S(fcc_a), S(fcc_b), S(fpop_kind), S(fcmp_kind),
    S(psr), S(tbr), S(fsr),
    A(fpq_address), A(fpq_insn), S(fpq_count), S(fp_exception_pending),
    S(irl), S(error_mode),
    S(mmu_control), S(mmu_context_table), S(mmu_context), S(mmu_fault_status), S(mmu_fault_address),
    S(mmu_afault_status), S(mmu_afault_address), A(mmu_registers), A(breakpoint), A(mxcc_data), A(mxcc_registers),
    STATE_END,
};

const struct device_class sparc_system_class = {
    .name = "sparcv8",
    .description = "SPARC V8 processor",
    .size = sizeof(struct sparc_system),
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

struct sparc_system *sparc_system_new(struct machine *machine, const char *id, const struct sparc_model *model,
                                      struct jit *jit, GError **error)
{
    struct sparc_system *sys = (struct sparc_system *)system_cpu_new(
        machine, &sparc_system_class, id, &driver, sparc_model_guest(model), jit, error);
    if (!sys)
        return NULL;
    sys->base.state = &sys->state.jit;
    sys->base.map_changed = jit_flush_all;
    sparc_cpu_init(&sys->state, sys->base.jit, model, false);
    return sys;
}
