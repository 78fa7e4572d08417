/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signal frames of ARM Linux, EABI (arch/arm/kernel/signal.c and signal.h; asm/ucontext.h, asm/sigcontext.h).
 *
 *     siginfo_t                       128, in frames of SA_SIGINFO handlers only
 *     ucontext: flags, link, stack      0  4 + 4 + 12
 *       trap, error, old mask          20  12
 *       r0-r15, cpsr, fault address    32  72
 *       signal mask, room for more    104  128
 *       coprocessors                  232  512: VFP, then a word of zero
 *     return code                     744  16
 *
 * VFP: magic, size 8; d0-d31 at 8; fpscr at 264; fpexc, fpinst, fpinst2 at 272; 288 in all.
 */
#include <string.h>

#include "emulator/cpu/arm/arm.h"
#include "emulator/user/arm/arm.h"
#include "emulator/user/structs.h"

#define MEM(t) (&(t)->process->mem)

enum { INFO_SIZE = 128, UC_SIZE = 744, CODE_SIZE = 16, FRAME_SIZE = UC_SIZE + CODE_SIZE };
enum {
    UC_FLAGS = 0,
    UC_STACK = 8,
    UC_TRAP = 20,
    UC_ERROR = 24,
    UC_OLD_MASK = 28,
    UC_R0 = 32,
    UC_CPSR = 96,
    UC_FAULT = 100,
    UC_MASK = 104,
    UC_COPROCESSORS = 232,
};
enum { VFP_D0 = 8, VFP_FPSCR = 264, VFP_FPEXC = 272, VFP_SIZE = 288, VFP_REGISTERS = 32 };
#define VFP_MAGIC      0x56465001u
#define PLAIN_UC_FLAGS 0x5ac3c35au
#define FPEXC_EN       0x40000000u

enum { SP = 13, LR = 14, PC = 15 };

/* Where old kernels had their return code too (KERN_SIGRETURN_CODE). */
#define TRAMPOLINES 0x500u

/* mov r7, #NUMBER; svc 0: in ARM and in Thumb */
static const struct {
    uint32_t arm[2];
    uint16_t thumb[2];
} trampolines[2] = {
    {{0xe3a07077, 0xef000000}, {0x2777, 0xdf00}}, /* sigreturn, 119 */
    {{0xe3a070ad, 0xef000000}, {0x27ad, 0xdf00}}, /* rt_sigreturn, 173 */
};

void user_arm_fill_trampolines(uint8_t *helper_page)
{
    for (unsigned rt = 0; rt < 2; rt++) {
        uint8_t *to = helper_page + TRAMPOLINES + rt * 12;

        for (unsigned i = 0; i < 2; i++) {
            user_store(to + i * 4, 4, trampolines[rt].arm[i], false);
            user_store(to + 8 + i * 2, 2, trampolines[rt].thumb[i], false);
        }
    }
}

static uint32_t trampoline(bool rt, bool thumb)
{
    return ARM_KUSER_PAGE + TRAMPOLINES + rt * 12u + (thumb ? 8 + 1 : 0);
}

static void put(struct user_thread *thread, uint8_t *uc, unsigned at, uint64_t value)
{
    user_store(uc + at, 4, value, thread->process->abi->big_endian);
}

static uint32_t get(struct user_thread *thread, const uint8_t *uc, unsigned at)
{
    return (uint32_t)user_load(uc + at, 4, thread->process->abi->big_endian);
}

static bool has_vfp(const struct arm_cpu *cpu)
{
    return cpu->model->features & (ARM_VFP2 | ARM_VFP3);
}

static void put_context(struct user_thread *thread, uint8_t *uc, uint64_t mask)
{
    struct arm_cpu *cpu = (struct arm_cpu *)thread->cpu;
    bool big = thread->process->abi->big_endian;
    uint64_t set = user_sigset_to_guest(thread->process->abi, mask);
    uint8_t *vfp = uc + UC_COPROCESSORS;

    for (unsigned r = 0; r < 16; r++)
        put(thread, uc, UC_R0 + r * 4, arm_get_reg(cpu, r));
    put(thread, uc, UC_CPSR, arm_get_cpsr(cpu));
    put(thread, uc, UC_TRAP, thread->fault_trap);
    put(thread, uc, UC_ERROR, thread->fault_error);
    put(thread, uc, UC_FAULT, thread->fault_address);
    put(thread, uc, UC_OLD_MASK, set);
    put(thread, uc, UC_MASK, set);
    put(thread, uc, UC_MASK + 4, set >> 32);
    if (has_vfp(cpu)) {
        put(thread, vfp, 0, VFP_MAGIC);
        put(thread, vfp, 4, VFP_SIZE);
        for (unsigned d = 0; d < VFP_REGISTERS; d++)
            user_store(vfp + VFP_D0 + d * 8, 8, cpu->d[d], big);
        put(thread, vfp, VFP_FPSCR, arm_get_fpscr(cpu));
        put(thread, vfp, VFP_FPEXC, FPEXC_EN);
    }
}

bool user_arm_push_signal(struct user_thread *thread, int signal, const struct user_action *action,
                          const siginfo_t *info, uint64_t mask)
{
    struct arm_cpu *cpu = (struct arm_cpu *)thread->cpu;
    bool rt = action->flags & SA_SIGINFO, thumb = action->handler & 1;
    unsigned uc = rt ? INFO_SIZE : 0, size = uc + FRAME_SIZE;
    uint32_t old_sp = arm_get_reg(cpu, SP);
    uint32_t at = ((uint32_t)user_signal_stack(thread, action, old_sp) - size) & ~7u;
    uint8_t frame[INFO_SIZE + FRAME_SIZE] = {0};

    put_context(thread, frame + uc, mask);
    if (rt) {
        user_pack_siginfo(thread, frame, info);
        put(thread, frame + uc, UC_STACK, thread->alt_stack);
        put(thread, frame + uc, UC_STACK + 4,
            !thread->alt_size                          ? SS_DISABLE
            : user_signal_on_alt_stack(thread, old_sp) ? SS_ONSTACK
                                                       : 0);
        put(thread, frame + uc, UC_STACK + 8, thread->alt_size);
    } else {
        put(thread, frame, UC_FLAGS, PLAIN_UC_FLAGS);
    }
    /* Debuggers know a frame by its return code. */
    if (thumb)
        for (unsigned i = 0; i < 2; i++)
            user_store(frame + uc + UC_SIZE + i * 2, 2, trampolines[rt].thumb[i], false);
    else
        for (unsigned i = 0; i < 2; i++)
            user_store(frame + uc + UC_SIZE + i * 4, 4, trampolines[rt].arm[i], false);
    if (!user_mem_write(MEM(thread), at, frame, size))
        return false;

    arm_clear_exclusive(cpu);
    arm_set_reg(cpu, 0, (uint32_t)user_signal_to_guest(thread->process->abi, signal));
    if (rt) {
        arm_set_reg(cpu, 1, at);
        arm_set_reg(cpu, 2, at + uc);
    }
    arm_set_reg(cpu, SP, at);
    arm_set_reg(cpu, LR,
                action->flags & SA_RESTORER_FLAG ? (uint32_t)action->restorer : trampoline(rt, thumb));
    arm_jump(cpu, (uint32_t)action->handler);
    return true;
}

bool user_arm_pop_signal(struct user_thread *thread, bool rt, uint64_t *mask)
{
    struct arm_cpu *cpu = (struct arm_cpu *)thread->cpu;
    uint32_t at = arm_get_reg(cpu, SP);
    uint8_t uc[UC_SIZE];
    const uint8_t *vfp = uc + UC_COPROCESSORS;

    if (at & 7 || !user_mem_read(MEM(thread), at + (rt ? INFO_SIZE : 0), uc, sizeof(uc)))
        return false;
    if (has_vfp(cpu)) {
        if (get(thread, vfp, 0) != VFP_MAGIC || get(thread, vfp, 4) != VFP_SIZE)
            return false;
        for (unsigned d = 0; d < VFP_REGISTERS; d++)
            cpu->d[d] = user_load(vfp + VFP_D0 + d * 8, 8, thread->process->abi->big_endian);
        arm_set_fpscr(cpu, get(thread, vfp, VFP_FPSCR));
    }
    for (unsigned r = 0; r < PC; r++)
        arm_set_reg(cpu, r, get(thread, uc, UC_R0 + r * 4));
    arm_set_cpsr(cpu, get(thread, uc, UC_CPSR));
    arm_set_reg(cpu, PC, get(thread, uc, UC_R0 + PC * 4));
    arm_clear_exclusive(cpu);
    if (rt) {
        bool none = get(thread, uc, UC_STACK + 4) & SS_DISABLE;

        thread->alt_stack = none ? 0 : get(thread, uc, UC_STACK);
        thread->alt_size = none ? 0 : get(thread, uc, UC_STACK + 8);
    }
    *mask = user_sigset_to_host(thread->process->abi,
                                get(thread, uc, UC_MASK) | (uint64_t)get(thread, uc, UC_MASK + 4) << 32);
    return true;
}
