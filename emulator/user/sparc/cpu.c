/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * 32-bit SPARC Linux: registers as its kernel interface uses them.
 *
 * Traps: `ta 0x10` is a system call with its number in %g1 and arguments in %o0-%o5; the carry flag tells of
 * an error. Numbers of the other software traps: SPARC Compliance Definition, chapter "Low-Level System
 * Information", and Linux's arch/sparc/include/uapi/asm/traps.h.
 */
#include "emulator/user/sparc/sparc.h"

#include <string.h>

#include "emulator/cpu/sparc/sparc.h"

#define MEM(t) (&(t)->process->mem)

enum { O0 = 8, O1 = 9, SP = 14, FP = 30, G1 = 1, G7 = 7 };

/* Software traps */
enum {
    TA_BREAKPOINT = 0x01,
    TA_DIV0 = 0x02,
    TA_FLUSH_WINDOWS = 0x03,
    TA_LINUX_CALL = 0x10,
    TA_GETCC = 0x20,
    TA_SETCC = 0x21,
};

/* AT_HWCAP bits (Linux arch/sparc/include/asm/elf_64.h) */
#define HWCAP_FLUSH  1
#define HWCAP_STBAR  2
#define HWCAP_SWAP   4
#define HWCAP_MULDIV 8
#define HWCAP_V9     0x10
#define HWCAP_MUL32  0x100
#define HWCAP_DIV32  0x200
#define HWCAP_FSMULD 0x400
#define HWCAP_V8PLUS 0x800
#define HWCAP_POPC   0x1000
#define HWCAP_VIS    0x2000

static struct sparc_cpu *sparc(const struct jit_cpu *cpu)
{
    return (struct sparc_cpu *)cpu;
}

static const void *find_model(const char *name, const struct elf_image *image)
{
    return sparc_find_model(name ? name : image->machine == ELF_SPARC32PLUS ? "v8plus" : "v8");
}

static const struct jit_guest *guest(const void *model)
{
    return sparc_model_guest(model);
}

/* On 32-bit SPARC Linux every page that can be read can be executed (asm/pgtsrmmu.h). */
static bool knows_execute(const void *model)
{
    return false;
}

static uint64_t hwcap(const void *model)
{
    const struct sparc_model *m = model;

    return HWCAP_FLUSH | HWCAP_STBAR | HWCAP_SWAP | (m->features & SPARC_MULDIV ? HWCAP_MULDIV : 0) |
           (m->features & SPARC_V9_SUBSET
                ? HWCAP_V9 | HWCAP_MUL32 | HWCAP_DIV32 | HWCAP_FSMULD | HWCAP_V8PLUS | HWCAP_POPC
                : 0) |
           (m->features & SPARC_VIS ? HWCAP_VIS : 0);
}

static const char *platform(const void *model)
{
    return "sparc";
}

static const char *machine(const struct user_process *process)
{
    return "sparc";
}

static void cpu_init(struct jit_cpu *cpu, const struct user_process *process)
{
    sparc_cpu_init(sparc(cpu), process->jit, process->model, true);
}

static void cpu_finish(struct jit_cpu *cpu)
{
    sparc_cpu_finish(sparc(cpu));
}

static void cpu_copy(struct jit_cpu *to, const struct jit_cpu *from)
{
    sparc_cpu_copy(sparc(to), sparc(from));
    to->pc = from->pc;
    to->npc = from->npc;
}

static void start(struct jit_cpu *cpu, uint64_t entry, uint64_t sp)
{
    cpu->pc = entry;
    cpu->npc = entry + 4;
    sparc_set_reg(sparc(cpu), SP, sp);
}

static uint64_t get_pc(const struct jit_cpu *cpu)
{
    return cpu->pc;
}

static uint64_t get_sp(const struct jit_cpu *cpu)
{
    return (uint32_t)sparc_get_reg(sparc(cpu), SP);
}

static uint32_t call_number(const struct jit_cpu *cpu, uint64_t *args)
{
    for (unsigned i = 0; i < 6; i++)
        args[i] = (uint32_t)sparc_get_reg(sparc(cpu), O0 + i);
    return (uint32_t)sparc_get_reg(sparc(cpu), G1);
}

static void call_done(struct jit_cpu *cpu, bool failed, uint64_t value)
{
    sparc_set_reg(sparc(cpu), O0, (uint32_t)value);
    sparc_set_carry(sparc(cpu), failed);
    sparc_skip(sparc(cpu));
}

static void set_second(struct jit_cpu *cpu, uint64_t value)
{
    sparc_set_reg(sparc(cpu), O1, (uint32_t)value);
}

static bool settle(struct jit_cpu *cpu)
{
    return sparc_flush_windows(sparc(cpu));
}

/* The child of fork and clone finds its parent's number in %o0 and 1 in %o1. On a new stack it needs the
 * frame that it runs in: its locals and ins return from there. */
static bool child(struct user_thread *thread, struct jit_cpu *cpu, uint64_t sp, int parent)
{
    uint64_t old = get_sp(cpu), frame;

    if (sp && sp != old) {
        uint8_t bytes[4096];
        uint64_t size;

        if (!user_mem_get(MEM(thread), old + 56, 4, &frame))
            return false;
        frame = (uint32_t)sparc_get_reg(sparc(cpu), FP);
        size = frame > old && frame - old <= sizeof(bytes) ? frame - old : 96;
        sp = ((sp & ~(uint64_t)15) - size) & ~(uint64_t)15;
        if (!user_mem_read(MEM(thread), old, bytes, size) || !user_mem_write(MEM(thread), sp, bytes, size))
            return false;
        sparc_set_reg(sparc(cpu), SP, sp);
    }
    sparc_set_reg(sparc(cpu), O1, 1);
    call_done(cpu, false, (uint64_t)parent);
    return true;
}

static void set_tls(struct jit_cpu *cpu, uint64_t value)
{
    sparc_set_reg(sparc(cpu), G7, (uint32_t)value);
}

/* ------------------------------------------------------------------------------------------------- traps */

static void fp_exception(struct sparc_cpu *cpu, struct user_trap *trap)
{
    uint32_t fsr = sparc_get_fsr(cpu), exceptions = fsr & SPARC_FSR_CEXC;
    uint64_t address = cpu->fpq_count ? cpu->fpq_address[0] : cpu->jit.pc;

    /* The kernel empties the queue and takes note of the exception (FSR.ftt becomes none). */
    cpu->fpq_count = 0;
    cpu->fp_exception_pending = false;
    sparc_set_fsr(cpu, fsr & ~(SPARC_FSR_FTT | SPARC_FSR_QNE));
    if ((fsr & SPARC_FSR_FTT) >> 14 != SPARC_FTT_IEEE_754) {
        user_trap_signal(trap, SIGILL, ILL_COPROC, address);
        return;
    }
    /* NV OF UF DZ NX in bits 4 to 0 */
    user_trap_signal(trap, SIGFPE,
          exceptions & 0x10   ? FPE_FLTINV
          : exceptions & 0x08 ? FPE_FLTOVF
          : exceptions & 0x04 ? FPE_FLTUND
          : exceptions & 0x02 ? FPE_FLTDIV
                              : FPE_FLTRES,
          address);
}

static void software_trap(struct user_thread *thread, struct user_trap *trap, unsigned number)
{
    struct sparc_cpu *cpu = sparc(thread->cpu);

    switch (number) {
    case TA_LINUX_CALL: trap->event = USER_EVENT_CALL; break;
    case TA_FLUSH_WINDOWS:
        if (!sparc_flush_windows(cpu)) {
            user_trap_memory(thread, trap, cpu->jit.exit_info);
            break;
        }
        sparc_skip(cpu);
        trap->event = USER_EVENT_HANDLED;
        break;
    case TA_GETCC:
        sparc_set_reg(cpu, G1, sparc_get_icc(cpu));
        sparc_skip(cpu);
        trap->event = USER_EVENT_HANDLED;
        break;
    case TA_SETCC:
        sparc_set_icc(cpu, sparc_get_reg(cpu, G1) & 15);
        sparc_skip(cpu);
        trap->event = USER_EVENT_HANDLED;
        break;
    case TA_BREAKPOINT: user_trap_signal(trap, SIGTRAP, TRAP_BRKPT, cpu->jit.pc); break;
    case TA_DIV0: user_trap_signal(trap, SIGFPE, FPE_INTDIV, cpu->jit.pc); break;
    default: user_trap_signal(trap, SIGILL, ILL_ILLTRP, cpu->jit.pc); break;
    }
}

static void run(struct user_thread *thread, struct user_trap *trap)
{
    struct sparc_cpu *cpu = sparc(thread->cpu);
    uint64_t info;

    trap->event = USER_EVENT_NONE;
    if (jit_run(&cpu->jit, thread->slice) != JIT_STOP_RAISED)
        return;
    info = cpu->jit.exit_info;
    switch (cpu->jit.exit_reason) {
    case SPARC_TT_INSTRUCTION_ACCESS: user_trap_memory(thread, trap, cpu->jit.pc); break;
    case SPARC_TT_DATA_ACCESS:
    case SPARC_TT_DATA_ACCESS_ERROR:
    case SPARC_TT_DATA_STORE_ERROR: user_trap_memory(thread, trap, info); break;
    case SPARC_TT_ILLEGAL:
    case SPARC_TT_UNIMPLEMENTED_FLUSH: user_trap_signal(trap, SIGILL, ILL_ILLOPC, cpu->jit.pc); break;
    case SPARC_TT_PRIVILEGED: user_trap_signal(trap, SIGILL, ILL_PRVOPC, cpu->jit.pc); break;
    case SPARC_TT_FP_DISABLED:
    case SPARC_TT_CP_DISABLED: user_trap_signal(trap, SIGILL, ILL_COPROC, cpu->jit.pc); break;
    case SPARC_TT_MISALIGNED: user_trap_signal(trap, SIGBUS, BUS_ADRALN, info); break;
    case SPARC_TT_FP_EXCEPTION: fp_exception(cpu, trap); break;
    case SPARC_TT_DIVISION_BY_ZERO: user_trap_signal(trap, SIGFPE, FPE_INTDIV, cpu->jit.pc); break;
    default:
        if (cpu->jit.exit_reason >= SPARC_TT_SOFTWARE)
            software_trap(thread, trap, cpu->jit.exit_reason - SPARC_TT_SOFTWARE);
        else /* tag overflow: SIGEMT, which this host lacks */
            user_trap_signal(trap, SIGILL, ILL_ILLTRP, cpu->jit.pc);
        break;
    }
}

static const uint16_t machines[] = {ELF_SPARC, ELF_SPARC32PLUS, 0};

const struct user_arch user_sparc = {
    .name = "SPARC",
    .machines = machines,
    .is64 = false,
    .abi = &user_sparc_abi,
    .window_size = (uint64_t)1 << 32,
    .task_size = 0xf0000000,
    .mmap_base = 0x50000000,
    .dyn_base = 0x02000000,
    .stack_reserve = 64,
    .cpu_size = sizeof(struct sparc_cpu),
    .find_model = find_model,
    .guest = guest,
    .knows_execute = knows_execute,
    .hwcap = hwcap,
    .platform = platform,
    .machine = machine,
    .cpu_init = cpu_init,
    .cpu_finish = cpu_finish,
    .cpu_copy = cpu_copy,
    .start = start,
    .run = run,
    .get_pc = get_pc,
    .get_sp = get_sp,
    .call_number = call_number,
    .call_done = call_done,
    .set_second = set_second,
    .settle = settle,
    .child = child,
    .set_tls = set_tls,
    .push_signal = user_sparc_push_signal,
    .pop_signal = user_sparc_pop_signal,
    .gdb = &user_sparc_gdb,
    .core = &user_sparc_core,
};
