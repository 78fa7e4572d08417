/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The processor as a device of a machine: reset, saved state, interrupts, and the slices that the machine's loop
 * runs.
 */
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>
#include "emulator/cpu/sparc/internal.h"
#include "emulator/cpu/sparc/system.h"
#include "emulator/cpu/system_jit.h"

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
        cpu->idle = false;
        s->jit.halted = false;
    }
    enum jit_stop stop = jit_run(&s->jit, (int64_t)MIN(budget, INT64_MAX / 2));
    if (s->error_mode)
        return CPU_STOP_HALTED;
    return stop == JIT_STOP_HALTED && cpu->idle ? CPU_STOP_IDLE : CPU_STOP_BUDGET;
}

static uint64_t icount(const struct cpu *cpu)
{
    return jit_icount(&system_of(cpu)->state.jit);
}

static void set_irq(struct cpu *cpu, unsigned line, unsigned value)
{
    struct sparc_cpu *s = &system_of(cpu)->state;
    s->irl = value & 15;
    if (s->irl && cpu->idle) { /* any request ends the standby of the power controller */
        cpu->idle = false;
        s->jit.halted = false;
    }
    if (interrupt_possible(s))
        jit_end_slice(&s->jit);
}

static void kick(struct cpu *cpu)
{
    struct sparc_cpu *s = &system_of(cpu)->state;
    __atomic_store_n(&s->jit.stop, 1, __ATOMIC_RELEASE);
}

static void set_idle(struct cpu *cpu)
{
    struct sparc_cpu *s = &system_of(cpu)->state;
    if (s->irl)
        return;
    cpu->idle = true;
    s->jit.halted = true;
    jit_end_slice(&s->jit);
}

static const struct cpu_driver driver = {
    .name = "sparcv8",
    .run = run,
    .icount = icount,
    .set_irq = set_irq,
    .kick = kick,
    .set_idle = set_idle,
};

/* -------------------------------------------------------------------------------------- memory listener */

static void code_written(void *opaque, struct ram_block *block, uint64_t offset, uint64_t size)
{
    struct sparc_system *sys = opaque;
    jit_code_written(sys->jit, block->host + offset, size);
}

static void tracking_armed(void *opaque, struct ram_block *block, uint64_t offset, uint64_t size)
{
    struct sparc_system *sys = opaque;
    jit_track_writes(sys->jit, block->host + offset, size);
}

static void map_changed(void *opaque, struct bus *bus)
{
    struct sparc_system *sys = opaque;
    if (sys->cpu.dev.started && bus == sys->state.bus)
        jit_flush_all(&sys->state.jit);
}

/* ------------------------------------------------------------------------------------------- life */

static bool init(struct device *dev, GError **error)
{
    struct sparc_system *sys = (struct sparc_system *)dev;
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
    sys->cpu.idle = false;
    s->jit.halted = false;
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
    if (sys->listener.opaque)
        memory_remove_listener(bus_memory(sys->state.bus), &sys->listener);
    if (!sys->jit)
        return;
    sparc_cpu_finish(&sys->state);
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
    struct sparc_cpu *s = &((struct sparc_system *)dev)->state;
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
    ((struct sparc_system *)dev)->saved_idle = ((struct sparc_system *)dev)->cpu.idle;
}

static bool check(const void *state, GError **error)
{
    const struct sparc_system *sys = state;
    const struct sparc_cpu *s = &sys->state;
    if (s->cwp >= 8 || s->fpq_count > SPARC_FPQ_SIZE || s->cc_kind > SPARC_CC_SUBX || (s->jit.pc & 3) ||
        s->jit.pc > UINT32_MAX || s->jit.npc > UINT32_MAX || s->irl > 15 || s->fpop_kind || s->fcmp_kind) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_FORMAT,
                    "The saved processor state holds values that no processor can have.");
        return false;
    }
    return true;
}

static void loaded(struct device *dev)
{
    struct sparc_system *sys = (struct sparc_system *)dev;
    struct sparc_cpu *s = &sys->state;
    sys->cpu.idle = sys->saved_idle;
    s->psr = (s->psr & ~(SPARC_PSR_IMPL | SPARC_PSR_VER | SPARC_PSR_ICC | SPARC_PSR_CWP)) |
             (uint32_t)s->model->impl << 28 | (uint32_t)s->model->ver << 24;
    s->jit.halted = sys->cpu.idle || s->error_mode;
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
    STATE_FIELD(struct sparc_system, saved_idle),
    STATE_FIELD(struct sparc_system, cpu.stopped),
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

static void describe(struct device *dev, GString *text)
{
    struct sparc_system *sys = (struct sparc_system *)dev;
    if (sys->owns_jit)
        jit_describe_stats(sys->jit, text);
}

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
    .describe = describe,
};

struct sparc_system *sparc_system_new(struct machine *machine, const char *id, const struct sparc_model *model,
                                      struct jit *jit, GError **error)
{
    bool own = !jit;
    FILE *log = NULL;
    if (own && !(jit = system_jit_new(machine, sparc_model_guest(model), &log, error)))
        return NULL;
    struct sparc_system *sys = (struct sparc_system *)device_new(machine, &sparc_system_class, id);
    sys->cpu.driver = &driver;
    sys->jit = jit;
    sys->owns_jit = own;
    sys->log = log;
    sparc_cpu_init(&sys->state, jit, model, false);
    return sys;
}
