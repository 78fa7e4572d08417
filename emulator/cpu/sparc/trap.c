/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Traps (chapter 7), and in user mode what a kernel would do for register windows.
 */
#include "emulator/cpu/sparc/internal.h"

/* -------------------------------------------------------------------------------------- windows of a program
 *
 * WIM has one bit set: the window that must not be entered. Windows between CWP and it hold the callers' frames.
 * A window is spilled to the 16 words at its own %sp (the ABI's register save area); v8plus programs keep the
 * lower halves only, as the Linux kernel does for 32-bit programs. */

static uint32_t window_reg(const struct sparc_cpu *cpu, unsigned w, unsigned k) /* k: 0 outs, 8 locals, 16 ins */
{
    unsigned n = sparc_nwin(cpu), at = w * 16 + k;
    if (w == n - 1 && k >= 16 && cpu->cwp != n - 1)
        at = k - 16; /* window 0's outs */
    if (w == 0 && k < 8 && cpu->cwp == n - 1)
        at = n * 16 + k;
    return cpu->model->features & SPARC_V9_SUBSET ? (uint32_t)cpu->window.w64[at] : cpu->window.w32[at];
}

static void set_window_reg(struct sparc_cpu *cpu, unsigned w, unsigned k, uint32_t value)
{
    unsigned n = sparc_nwin(cpu), at = w * 16 + k;
    if (w == n - 1 && k >= 16 && cpu->cwp != n - 1)
        at = k - 16;
    if (w == 0 && k < 8 && cpu->cwp == n - 1)
        at = n * 16 + k;
    if (cpu->model->features & SPARC_V9_SUBSET)
        cpu->window.w64[at] = value;
    else
        cpu->window.w32[at] = value;
}

static bool spill(struct sparc_cpu *cpu, unsigned w)
{
    uint32_t sp = window_reg(cpu, w, 6), frame[16];
    for (unsigned k = 0; k < 16; k++)
        frame[k] = GUINT32_TO_BE(window_reg(cpu, w, 8 + k));
    cpu->jit.exit_info = sp;
    return !(sp & 7) && jit_user_copy(&cpu->jit, sp, frame, sizeof frame, true);
}

static bool fill(struct sparc_cpu *cpu, unsigned w)
{
    uint32_t sp = window_reg(cpu, w, 6), frame[16];
    cpu->jit.exit_info = sp;
    if ((sp & 7) || !jit_user_copy(&cpu->jit, sp, frame, sizeof frame, false))
        return false;
    for (unsigned k = 0; k < 16; k++)
        set_window_reg(cpu, w, 8 + k, GUINT32_FROM_BE(frame[k]));
    return true;
}

static unsigned window_below(const struct sparc_cpu *cpu, unsigned w) /* the one that SAVE enters */
{
    return (w - 1) & (sparc_nwin(cpu) - 1);
}
static unsigned window_above(const struct sparc_cpu *cpu, unsigned w)
{
    return (w + 1) & (sparc_nwin(cpu) - 1);
}
static unsigned invalid_window(const struct sparc_cpu *cpu)
{
    return (unsigned)__builtin_ctz(cpu->wim | 1u << 31);
}

/* The windows above the current one that hold unsaved frames end below the invalid window. SAVE wants the invalid
 * one: the frame behind it goes to memory and becomes the invalid one. */
static bool user_overflow(struct sparc_cpu *cpu)
{
    unsigned victim = window_below(cpu, invalid_window(cpu));
    if (!spill(cpu, victim))
        return false;
    cpu->wim = 1u << victim;
    return true;
}

/* RESTORE wants the invalid window: its frame comes back, and the window behind becomes the invalid one. */
static bool user_underflow(struct sparc_cpu *cpu)
{
    unsigned invalid = invalid_window(cpu);
    if (!fill(cpu, invalid))
        return false;
    cpu->wim = 1u << window_above(cpu, invalid);
    return true;
}

bool sparc_flush_windows(struct sparc_cpu *cpu)
{
    unsigned invalid = invalid_window(cpu);
    for (unsigned w = window_above(cpu, cpu->cwp); w != invalid; w = window_above(cpu, w))
        if (!spill(cpu, w)) {
            cpu->fault_address = (uint32_t)cpu->jit.exit_info;
            return false;
        }
    cpu->wim = 1u << window_above(cpu, cpu->cwp);
    return true;
}

/* --------------------------------------------------------------------------------------------- user mode */

static bool user_raise(struct sparc_cpu *cpu, uint32_t trap)
{
    if (trap == SPARC_TT_WINDOW_OVERFLOW || trap == SPARC_TT_WINDOW_UNDERFLOW) {
        if (trap == SPARC_TT_WINDOW_OVERFLOW ? user_overflow(cpu) : user_underflow(cpu))
            return true;
        trap = SPARC_TT_DATA_ACCESS;
    }
    cpu->jit.exit_reason = trap;
    return false;
}

/* -------------------------------------------------------------------------------------------------- traps */

static void enter_trap(struct sparc_cpu *cpu, uint32_t trap)
{
    cpu->tbr = (cpu->tbr & 0xfffff000) | (trap & 0xff) << 4;
    if (!(cpu->psr & SPARC_PSR_ET)) {
        cpu->error_mode = true;
        cpu->jit.halted = true;
        return;
    }
    cpu->psr = (cpu->psr & ~(SPARC_PSR_PS | SPARC_PSR_ET)) | (cpu->psr & SPARC_PSR_S ? SPARC_PSR_PS : 0) |
               SPARC_PSR_S;
    sparc_set_cwp(cpu, window_below(cpu, cpu->cwp));
    sparc_set_reg(cpu, 17, cpu->jit.pc);
    sparc_set_reg(cpu, 18, cpu->jit.npc);
    cpu->jit.pc = cpu->tbr;
    cpu->jit.npc = (uint32_t)(cpu->tbr + 4);
    sparc_update_mode(cpu);
}

bool sparc_raise(struct jit_cpu *jit)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)jit;
    uint32_t trap = jit->exit_reason;
    if (trap == SPARC_RAISE_TICC) {
        trap = SPARC_TT_SOFTWARE + ((uint32_t)jit->exit_info & 127);
    } else if (trap == SPARC_RAISE_INFO) {
        trap = (uint32_t)jit->exit_info;
        jit->exit_info = cpu->fault_address;
    }
    if (jit->mode & SPARC_MODE_USER)
        return user_raise(cpu, trap);
    enter_trap(cpu, trap);
    return true;
}

bool sparc_interrupt(struct jit_cpu *jit)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)jit;
    uint32_t level = cpu->irl;
    if (!level || !(cpu->psr & SPARC_PSR_ET) || cpu->error_mode)
        return false;
    if (level != 15 && level <= (cpu->psr & SPARC_PSR_PIL) >> 8)
        return false;
    jit->halted = false;
    enter_trap(cpu, SPARC_TT_INTERRUPT + level);
    return true;
}

void sparc_misaligned(struct jit_cpu *jit, uint64_t address, enum jit_access access)
{
    jit->exit_reason = SPARC_TT_MISALIGNED;
    jit->exit_info = address;
}
