/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ARM Linux, EABI: registers as its kernel interface uses them.
 *
 * `svc 0` is a system call with its number in r7 and arguments in r0-r6; the result in r0 is a value or -errno.
 * Calls of the old ABI carry their number in the instruction (0x900000 + number) and pass structures in another
 * layout: a kernel without CONFIG_OABI_COMPAT does not offer them, and neither does this. Sources: Linux,
 * arch/arm/kernel/entry-common.S, traps.c and arch/arm/mm/fault.c; Documentation/arm/kernel_user_helpers.rst.
 */
#include "emulator/user/arm/arm.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emulator/core/i18n.h"
#include "emulator/cpu/arm/arm.h"
#include "emulator/user/calls.h"

#define MEM(t) (&(t)->process->mem)

enum { SP = 13, CALL_NUMBER = 7 };

/* e_flags (ELF for the ARM Architecture, table 4-2) */
#define EF_ARM_BE8 0x00800000u

#define OLD_ABI_BASE 0x900000u

/* AT_HWCAP (arch/arm/include/uapi/asm/hwcap.h) */
enum {
    HWCAP_SWP = 1 << 0,
    HWCAP_HALF = 1 << 1,
    HWCAP_THUMB = 1 << 2,
    HWCAP_FAST_MULT = 1 << 4,
    HWCAP_VFP = 1 << 6,
    HWCAP_EDSP = 1 << 7,
    HWCAP_JAVA = 1 << 8,
    HWCAP_NEON = 1 << 12,
    HWCAP_VFPV3 = 1 << 13,
    HWCAP_VFPV3D16 = 1 << 14,
    HWCAP_TLS = 1 << 15,
    HWCAP_VFPV4 = 1 << 16,
    HWCAP_IDIVA = 1 << 17,
    HWCAP_IDIVT = 1 << 18,
    HWCAP_VFPD32 = 1 << 19,
};

/* Instructions that debuggers write as breakpoints (arch/arm/kernel/ptrace.c). */
#define BREAK_ARM    0x07f001f0u
#define BREAK_THUMB  0xde01u
#define BREAK_THUMB2 0xa000f7f0u

static struct arm_cpu *arm(const struct jit_cpu *cpu)
{
    return (struct arm_cpu *)cpu;
}

static const void *find_model(const char *name, const struct elf_image *image)
{
    return arm_find_model(name ? name : "max");
}

static const struct jit_guest *guest(const void *model)
{
    return arm_model_guest(model);
}

/* Linux, arm_elf_read_implies_exec(): page tables know XN from v6 on. */
static bool knows_execute(const void *model)
{
    return ((const struct arm_model *)model)->features & ARM_V6;
}

static uint64_t hwcap(const void *model)
{
    static const struct {
        uint32_t feature, hwcap;
    } bits[] = {
        {ARM_V5E, HWCAP_EDSP},   {ARM_JAZELLE, HWCAP_JAVA},
        {ARM_V6K, HWCAP_TLS},    {ARM_IDIV, HWCAP_IDIVA | HWCAP_IDIVT},
        {ARM_VFP2, HWCAP_VFP},   {ARM_VFP3, HWCAP_VFP | HWCAP_VFPV3},
        {ARM_VFP4, HWCAP_VFPV4}, {ARM_NEON, HWCAP_NEON},
    };
    const struct arm_model *m = model;
    uint64_t value = HWCAP_SWP | HWCAP_HALF | HWCAP_THUMB | HWCAP_FAST_MULT;

    for (unsigned i = 0; i < G_N_ELEMENTS(bits); i++)
        value |= m->features & bits[i].feature ? bits[i].hwcap : 0;
    if (m->features & ARM_VFP3)
        value |= m->features & ARM_D32 ? HWCAP_VFPD32 : HWCAP_VFPV3D16;
    return value;
}

static const char *platform(const void *model)
{
    return ((const struct arm_model *)model)->platform;
}

/* arch/arm/mm/proc-*.S: cpu_arch_name */
static const char *machine(const struct user_process *process)
{
    const struct arm_model *m = process->model;
    bool big = process->abi->big_endian;

    if (m->features & ARM_V7)
        return big ? "armv7b" : "armv7l";
    if (m->features & ARM_V6)
        return big ? "armv6b" : "armv6l";
    if (m->features & ARM_V5E)
        return big ? "armv5teb" : m->features & ARM_JAZELLE ? "armv5tejl" : "armv5tel";
    return big ? "armv4tb" : "armv4tl";
}

static void cpu_init(struct jit_cpu *cpu, const struct user_process *process)
{
    bool big = process->abi->big_endian;

    arm_cpu_init(arm(cpu), process->jit, process->model, true);
    if (big)
        arm_set_big_endian(arm(cpu), process->image.flags & EF_ARM_BE8,
                           !(process->image.flags & EF_ARM_BE8));
}

static void cpu_finish(struct jit_cpu *cpu)
{
    arm_cpu_finish(arm(cpu));
}

static void cpu_copy(struct jit_cpu *to, const struct jit_cpu *from)
{
    arm_cpu_copy(arm(to), arm(from));
    to->pc = from->pc;
}

/* The page of kernel helpers stands above what programs may use. */
static bool map_kernel_pages(struct user_process *process, GError **error)
{
    uint8_t page[4096] = {0};
    int64_t result;

    arm_kuser_page(page);
    user_arm_fill_trampolines(page);
    process->mem.limit = process->mem.size;
    result = user_mem_map(&process->mem, ARM_KUSER_PAGE, sizeof(page), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (result >= 0 && user_mem_write(&process->mem, ARM_KUSER_PAGE, page, sizeof(page)))
        result = user_mem_protect(&process->mem, ARM_KUSER_PAGE, sizeof(page), PROT_READ | PROT_EXEC);
    process->mem.limit = process->arch->task_size;
    if (result >= 0)
        return true;
    g_set_error(error, ELF_ERROR, ELF_ERROR_UNSUITABLE, _("The page of kernel helpers cannot be mapped: %s."),
                g_strerror((int)-result));
    return false;
}

static void start(struct jit_cpu *cpu, uint64_t entry, uint64_t sp)
{
    arm_jump(arm(cpu), (uint32_t)entry);
    arm_set_reg(arm(cpu), SP, (uint32_t)sp);
}

static uint64_t get_pc(const struct jit_cpu *cpu)
{
    return arm_get_pc(arm(cpu));
}

static uint64_t get_sp(const struct jit_cpu *cpu)
{
    return arm_get_reg(arm(cpu), SP);
}

static uint32_t call_number(const struct jit_cpu *cpu, uint64_t *args)
{
    for (unsigned i = 0; i < 7; i++)
        args[i] = arm_get_reg(arm(cpu), i);
    return arm_get_reg(arm(cpu), CALL_NUMBER);
}

static void call_done(struct jit_cpu *cpu, bool failed, uint64_t value)
{
    arm_set_reg(arm(cpu), 0, failed ? 0u - (uint32_t)value : (uint32_t)value);
    arm_skip(arm(cpu));
}

static bool child(struct user_thread *thread, struct jit_cpu *cpu, uint64_t sp, int parent)
{
    if (sp)
        arm_set_reg(arm(cpu), SP, (uint32_t)sp);
    call_done(cpu, false, 0);
    return true;
}

static void set_tls(struct jit_cpu *cpu, uint64_t value)
{
    arm(cpu)->tpidruro = (uint32_t)value;
}

/* /proc/cpuinfo as arch/arm/kernel/setup.c writes it, for as many processors as the host has. */
static char *cpuinfo(const struct user_process *process)
{
    static const char *const names[] = {"swp",   "half",  "thumb",    "26bit", "fastmult", "fpa",
                                        "vfp",   "edsp",  "java",     "iwmmxt", "crunch",  "thumbee",
                                        "neon",  "vfpv3", "vfpv3d16", "tls",   "vfpv4",    "idiva",
                                        "idivt", "vfpd32"};
    const struct arm_model *m = process->model;
    uint64_t features = hwcap(m);
    g_autoptr(GString) text = g_string_new(NULL);
    long n = MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);

    for (long i = 0; i < n; i++) {
        g_string_append_printf(text, "processor\t: %ld\nmodel name\t: %s\nBogoMIPS\t: 100.00\nFeatures\t:", i,
                               m->name);
        for (unsigned f = 0; f < G_N_ELEMENTS(names); f++) {
            if (features >> f & 1)
                g_string_append_printf(text, " %s", names[f]);
        }
        g_string_append_printf(
            text,
            "\nCPU implementer\t: 0x%02x\nCPU architecture: %d\nCPU variant\t: 0x%x\nCPU part\t: 0x%03x\n"
            "CPU revision\t: %u\n\n",
            m->midr >> 24, m->features & ARM_V7 ? 7 : m->features & ARM_V6 ? 6 : m->features & ARM_V5 ? 5 : 4,
            m->midr >> 20 & 15, m->midr >> 4 & 0xfff, m->midr & 15);
    }
    g_string_append_printf(text, "Hardware\t: Vitrine\nRevision\t: 0000\nSerial\t\t: 0000000000000000\n");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* ------------------------------------------------------------------------------------------- private calls */

int64_t user_sys_arm_breakpoint(struct user_thread *t, const uint64_t *a)
{
    struct user_trap trap;

    arm_skip(arm(t->cpu));
    user_trap_signal(&trap, SIGTRAP, TRAP_BRKPT, get_pc(t->cpu));
    user_signal_fault(t, &trap);
    return USER_KEEP;
}

/* start, end, flags (0) */
int64_t user_sys_arm_cacheflush(struct user_thread *t, const uint64_t *a)
{
    if (a[1] < a[0] || a[2])
        return -EINVAL;
    if (!user_mem_host(MEM(t), a[0], a[1] - a[0]))
        return -EFAULT;
    jit_invalidate_range(t->process->jit, a[0], a[1] - a[0]);
    return 0;
}

/* The 32-bit mode is the only one there is. */
int64_t user_sys_arm_usr32(struct user_thread *t, const uint64_t *a)
{
    return 0;
}

int64_t user_sys_arm_set_tls(struct user_thread *t, const uint64_t *a)
{
    set_tls(t->cpu, a[0]);
    return 0;
}

int64_t user_sys_arm_get_tls(struct user_thread *t, const uint64_t *a)
{
    return arm(t->cpu)->tpidruro;
}

/* ------------------------------------------------------------------------------------------------- traps */

static void undefined(struct user_thread *thread, struct user_trap *trap)
{
    const struct arm_cpu *cpu = arm(thread->cpu);
    uint32_t pc = arm_get_pc(cpu);
    uint8_t code[4] = {0};
    uint32_t word;

    /* Code is little-endian but in BE32 programs, which no debugger of today serves. */
    if (!user_mem_read(MEM(thread), pc, code, 4))
        user_mem_read(MEM(thread), pc, code, 2);
    word = (uint32_t)user_load(code, 4, false);
    if (cpu->jit.pc & 1 ? (word & 0xffff) == BREAK_THUMB || word == BREAK_THUMB2
                        : (word & 0x0fffffff) == BREAK_ARM)
        user_trap_signal(trap, SIGTRAP, TRAP_BRKPT, pc);
    else
        user_trap_signal(trap, SIGILL, ILL_ILLOPC, pc);
}

static void software_interrupt(struct user_thread *thread, struct user_trap *trap, uint32_t immediate)
{
    struct user_process *process = thread->process;

    if (immediate < OLD_ABI_BASE) {
        trap->event = USER_EVENT_CALL;
        return;
    }
    if (!g_atomic_int_exchange(&process->told_old_abi, 1))
        g_message("%s: the program uses the old ABI (svc %#x), which is not offered.", process->exe, immediate);
    call_done(thread->cpu, true, ENOSYS);
    trap->event = USER_EVENT_HANDLED;
}

/* What Linux shows as error_code: the fault status register (ARM Architecture Reference Manual, B3.13.3) of a page in
 * the user domain. Programs look at the bit for writes. */
enum {
    FSR_ALIGNMENT = 0x001,
    FSR_TRANSLATION = 0x017,
    FSR_PERMISSION = 0x01f,
    FSR_STATUS = 0x00f, /* what there is of it for code */
    FSR_WRITE = 0x800
};
#define FSR_PREFETCH 0x80000000u /* Linux's own, FSR_LNX_PF */

static uint32_t page_status(const struct user_trap *trap)
{
    return trap->signal == SIGSEGV && trap->code == SEGV_ACCERR ? FSR_PERMISSION : FSR_TRANSLATION;
}

static void run(struct user_thread *thread, struct user_trap *trap)
{
    struct arm_cpu *cpu = arm(thread->cpu);
    uint64_t info;

    trap->event = USER_EVENT_NONE;
    trap->number = 6; /* arch/arm/kernel/traps.c, mm/fault.c: 6 for undefined instructions, 14 for memory */
    trap->error = 0;
    if (jit_run(&cpu->jit, thread->slice) != JIT_STOP_RAISED)
        return;
    info = cpu->jit.exit_info;
    switch (cpu->jit.exit_reason) {
    case ARM_EXC_SVC: software_interrupt(thread, trap, (uint32_t)info); break;
    case ARM_EXC_PREFETCH_ABORT:
        user_trap_memory(thread, trap, info & ~(uint64_t)1);
        trap->number = 14;
        trap->error = FSR_PREFETCH | (page_status(trap) & FSR_STATUS);
        break;
    case ARM_EXC_DATA_ABORT:
        user_trap_memory(thread, trap, info);
        trap->number = 14;
        trap->error = (cpu->dfsr & FSR_WRITE) | page_status(trap);
        break;
    case ARM_EXC_ALIGNMENT:
        user_trap_signal(trap, SIGBUS, BUS_ADRALN, info);
        trap->number = 0;
        trap->error = (cpu->dfsr & FSR_WRITE) | FSR_ALIGNMENT;
        break;
    case ARM_EXC_BREAKPOINT: user_trap_signal(trap, SIGTRAP, TRAP_HWBKPT, arm_get_pc(cpu)); break;
    default: undefined(thread, trap); break;
    }
}

static const uint16_t machines[] = {ELF_ARM, 0};

/* Addresses as on a 64-bit kernel: nearly all of the 4 GiB are the program's. */
#define COMMON                                                                                               \
    .machines = machines, .is64 = false, .window_size = (uint64_t)1 << 32, .task_size = ARM_KUSER_PAGE,      \
    .mmap_base = 0x40000000, .dyn_base = 0x00400000, .stack_reserve = 0, .cpu_size = sizeof(struct arm_cpu), \
    .find_model = find_model, .guest = guest, .knows_execute = knows_execute, .hwcap = hwcap,                \
    .platform = platform, .machine = machine,                                                                \
    .cpu_init = cpu_init, .cpu_finish = cpu_finish, .cpu_copy = cpu_copy,                                    \
    .map_kernel_pages = map_kernel_pages, .cpuinfo = cpuinfo, .start = start, .run = run, .get_pc = get_pc,  \
    .get_sp = get_sp, .call_number = call_number, .call_done = call_done, .child = child,                    \
    .set_tls = set_tls, .push_signal = user_arm_push_signal, .pop_signal = user_arm_pop_signal,                       \
    .gdb = &user_arm_gdb, .core = &user_arm_core

const struct user_arch user_arm = {.name = "ARM", .abi = &user_arm_abi, COMMON};
const struct user_arch user_armeb = {.name = "ARM (big-endian)", .abi = &user_armeb_abi, COMMON};
