/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signal frames of 32-bit SPARC Linux (arch/sparc/kernel/signal_32.c, struct signal_frame and
 * rt_signal_frame; asm/sigcontext.h, __siginfo_t and __siginfo_fpu_t).
 *
 *                              signal_frame   rt_signal_frame
 *     window save area, args        0              0         96 bytes, a stack frame for the handler's caller
 *     siginfo_t                     -             96        128
 *     psr pc npc y g0-g7 o0-o7     96            224         80
 *     mask                        176            304          4 (upper word at 192) / 8
 *     address of the FP state     180            312
 *     sigreturn code              184            316          8
 *     sigaltstack                   -            324         12
 *     extra size, window state    196            336          8
 *     FP state                    208            344        264: f0-f31, fsr, queue depth, queue
 */
#include <string.h>

#include "emulator/cpu/sparc/sparc.h"
#include "emulator/user/sparc/sparc.h"
#include "emulator/user/structs.h"

#define MEM(t) (&(t)->process->mem)

enum { OLD_REGS = 96, OLD_MASK = 176, OLD_FPU = 180, OLD_CODE = 184, OLD_MASK_HIGH = 192, OLD_SIZE = 208 };
enum {
    RT_INFO = 96,
    RT_REGS = 224,
    RT_MASK = 304,
    RT_FPU = 312,
    RT_CODE = 316,
    RT_STACK = 324,
    RT_SIZE = 344,
};
enum { REGS_PSR = 0, REGS_PC = 4, REGS_NPC = 8, REGS_Y = 12, REGS_G0 = 16, REGS_SIZE = 80 };
enum { FPU_FSR = 128, FPU_SIZE = 264 };
enum { O0 = 8, SP = 14, O7 = 15 };

/* mov NUMBER, %g1; ta 0x10 */
#define MOV_SIGRETURN    0x821020d8u
#define MOV_RT_SIGRETURN 0x82102065u
#define TA_LINUX_CALL    0x91d02010u

static void put(uint8_t *frame, unsigned at, uint64_t value)
{
    user_store(frame + at, 4, value, true);
}

static uint32_t get(const uint8_t *frame, unsigned at)
{
    return (uint32_t)user_load(frame + at, 4, true);
}

bool user_sparc_push_signal(struct user_thread *thread, int signal, const struct user_action *action,
                            const siginfo_t *info, uint64_t mask)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)thread->cpu;
    bool rt = action->flags & SA_SIGINFO;
    unsigned base = rt ? RT_SIZE : OLD_SIZE, size = base + FPU_SIZE;
    unsigned regs = rt ? RT_REGS : OLD_REGS, code = rt ? RT_CODE : OLD_CODE;
    uint32_t old_sp = (uint32_t)sparc_get_reg(cpu, SP);
    uint32_t sp = (uint32_t)user_signal_stack(thread, action, old_sp);
    uint64_t set = user_sigset_to_guest(thread->process->abi, mask);
    uint8_t frame[RT_SIZE + FPU_SIZE];
    uint32_t at;

    if (!sparc_flush_windows(cpu))
        return false;
    at = (sp - size) & ~15u;
    memset(frame, 0, sizeof(frame));
    /* The frame is where the interrupted function's locals and ins are spilled to while the handler runs. */
    for (unsigned r = 16; r < 32; r++)
        put(frame, (r - 16) * 4, sparc_get_reg(cpu, r));

    put(frame, regs + REGS_PSR,
        (sparc_get_psr(cpu) & ~SPARC_PSR_ICC) | sparc_get_icc(cpu) << 20 | SPARC_PSR_EF);
    put(frame, regs + REGS_PC, cpu->jit.pc);
    put(frame, regs + REGS_NPC, cpu->jit.npc);
    put(frame, regs + REGS_Y, cpu->y);
    for (unsigned r = 1; r < 16; r++)
        put(frame, regs + REGS_G0 + r * 4, sparc_get_reg(cpu, r));
    if (rt) {
        user_pack_siginfo(thread, frame + RT_INFO, info);
        put(frame, RT_MASK, set);
        put(frame, RT_MASK + 4, set >> 32);
        put(frame, RT_FPU, at + base);
        put(frame, RT_STACK, thread->alt_stack);
        put(frame, RT_STACK + 4,
            !thread->alt_size                          ? SS_DISABLE
            : user_signal_on_alt_stack(thread, old_sp) ? SS_ONSTACK
                                                       : 0);
        put(frame, RT_STACK + 8, thread->alt_size);
    } else {
        put(frame, OLD_MASK, set);
        put(frame, OLD_MASK_HIGH, set >> 32);
        put(frame, OLD_FPU, at + base);
    }
    put(frame, code, rt ? MOV_RT_SIGRETURN : MOV_SIGRETURN);
    put(frame, code + 4, TA_LINUX_CALL);
    for (unsigned f = 0; f < 32; f++)
        put(frame, base + f * 4, sparc_get_freg(cpu, f));
    put(frame, base + FPU_FSR, sparc_get_fsr(cpu));

    if (!action->restorer) {
        uint8_t before[8];

        /* The handler returns into the frame: translations of what lay there are void. */
        if (!user_mem_read(MEM(thread), at + code, before, 8))
            return false;
        if (memcmp(before, frame + code, 8) != 0)
            jit_invalidate_range(cpu->jit.jit, at + code, 8);
    }
    if (!user_mem_write(MEM(thread), at, frame, size))
        return false;

    sparc_set_reg(cpu, SP, at);
    sparc_set_reg(cpu, O0, (uint32_t)user_signal_to_guest(thread->process->abi, signal));
    sparc_set_reg(cpu, O0 + 1, at + (rt ? RT_INFO : OLD_REGS));
    sparc_set_reg(cpu, O0 + 2, at + regs);
    /* A function returns to %o7 + 8; libraries give their restorer less 8. */
    sparc_set_reg(cpu, O7, action->restorer ? (uint32_t)action->restorer : at + code - 8);
    cpu->jit.pc = (uint32_t)action->handler;
    cpu->jit.npc = (uint32_t)action->handler + 4;
    return true;
}

bool user_sparc_pop_signal(struct user_thread *thread, bool rt, uint64_t *mask)
{
    struct sparc_cpu *cpu = (struct sparc_cpu *)thread->cpu;
    unsigned base = rt ? RT_SIZE : OLD_SIZE, regs = rt ? RT_REGS : OLD_REGS;
    uint32_t at = (uint32_t)sparc_get_reg(cpu, SP), fpu;
    uint8_t frame[RT_SIZE], state[FPU_SIZE];
    uint64_t set;

    if (at & 7 || !sparc_flush_windows(cpu) || !user_mem_read(MEM(thread), at, frame, base))
        return false;
    if ((get(frame, regs + REGS_PC) | get(frame, regs + REGS_NPC)) & 3 ||
        get(frame, regs + REGS_G0 + SP * 4) & 7)
        return false;
    fpu = get(frame, rt ? RT_FPU : OLD_FPU);
    if (fpu) {
        if (fpu & 7 || !user_mem_read(MEM(thread), fpu, state, sizeof(state)))
            return false;
        for (unsigned f = 0; f < 32; f++)
            sparc_set_freg(cpu, f, get(state, f * 4));
        sparc_set_fsr(cpu, get(state, FPU_FSR));
    }
    for (unsigned r = 1; r < 16; r++)
        sparc_set_reg(cpu, r, get(frame, regs + REGS_G0 + r * 4));
    sparc_set_icc(cpu, get(frame, regs + REGS_PSR) >> 20 & 15);
    cpu->y = get(frame, regs + REGS_Y);
    cpu->jit.pc = get(frame, regs + REGS_PC);
    cpu->jit.npc = get(frame, regs + REGS_NPC);
    if (rt) {
        set = get(frame, RT_MASK) | (uint64_t)get(frame, RT_MASK + 4) << 32;
        thread->alt_stack = get(frame, RT_STACK + 4) & SS_DISABLE ? 0 : get(frame, RT_STACK);
        thread->alt_size = get(frame, RT_STACK + 4) & SS_DISABLE ? 0 : get(frame, RT_STACK + 8);
    } else {
        set = get(frame, OLD_MASK) | (uint64_t)get(frame, OLD_MASK_HIGH) << 32;
    }
    *mask = user_sigset_to_host(thread->process->abi, set);
    return true;
}
