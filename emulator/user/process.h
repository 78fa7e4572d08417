/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A foreign Linux program that runs inside this process: its memory, threads, signal actions and how its
 * instruction set and kernel interface look.
 *
 * The generic part knows Linux; struct user_arch is one instruction set's row: registers, system call table,
 * constants and structure layouts where they differ from this host. Files, sockets, process numbers and
 * credentials are the host's own, so most calls go straight through.
 */
#ifndef VITRINE_USER_PROCESS_H
#define VITRINE_USER_PROCESS_H

#include <glib.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "emulator/jit/jit.h"
#include "emulator/user/abi.h"
#include "emulator/user/cache.h"
#include "emulator/user/core.h"
#include "emulator/user/elf.h"
#include "emulator/user/gdb.h"
#include "emulator/user/limits.h"
#include "emulator/user/mem.h"
#include "emulator/user/paths.h"

struct user_thread;
struct user_process;

/* Why the processor stopped. */
enum user_event {
    USER_EVENT_NONE,    /* asked to: look for signals */
    USER_EVENT_CALL,    /* a system call */
    USER_EVENT_FAULT,   /* a signal for what the program did: signal, code, address */
    USER_EVENT_HANDLED, /* the instruction set's row dealt with it */
};

struct user_trap {
    enum user_event event;
    int signal;       /* host's number */
    int code;         /* si_code */
    uint64_t address; /* si_addr, guest */
    /* The processor's own words for it, which some signal frames hold. */
    uint32_t number, error;
};

/* What a program wants to happen on a signal (host's number, flags as SA_* of the host, masks by host
 * signals). */
struct user_action {
    uint64_t handler; /* guest address, or 0 (default), or 1 (ignore) */
    uint64_t restorer;
    uint64_t flags;
    uint64_t mask;
};

#define USER_CALL_PLACES 512 /* Linux's system calls have numbers below 504; the last eight are private ones */
#define USER_N_ACTIONS 65 /* by signal; 0 is not used */

/* One instruction set. */
struct user_arch {
    const char *name;         /* "sparc" */
    const uint16_t *machines; /* ELF machine numbers it runs; ends with 0 */
    bool is64;
    const struct user_abi *abi;
    uint64_t window_size;   /* bytes of address space */
    uint64_t task_size;     /* end of what programs may use */
    uint64_t mmap_base;     /* where mmap begins to look */
    uint64_t dyn_base;      /* where position-independent programs go */
    unsigned stack_reserve; /* bytes that lie below argc at the start */
    size_t cpu_size;        /* of the processor's state, which begins with struct jit_cpu */

    /* The processor of a command line name, NULL: the one for this program. NULL result: unknown name. */
    const void *(*find_model)(const char *name, const struct elf_image *image);
    const struct jit_guest *(*guest)(const void *model);
    /* Whether its pages can be readable and not executable. */
    bool (*knows_execute)(const void *model);
    uint64_t (*hwcap)(const void *model);
    const char *(*platform)(const void *model);                 /* AT_PLATFORM */
    const char *(*machine)(const struct user_process *process); /* what uname tells */
    char *(*cpuinfo)(const struct user_process *process);       /* /proc/cpuinfo; NULL: the host's */
    /* Pages that the kernel gives to each program; NULL: none. */
    bool (*map_kernel_pages)(struct user_process *process, GError **error);
    void (*cpu_init)(struct jit_cpu *cpu, const struct user_process *process);
    void (*cpu_finish)(struct jit_cpu *cpu);
    void (*cpu_copy)(struct jit_cpu *to, const struct jit_cpu *from);
    /* At the start of a program: argc lies at sp + stack_reserve. */
    void (*start)(struct jit_cpu *cpu, uint64_t entry, uint64_t sp);

    void (*run)(struct user_thread *thread, struct user_trap *trap);
    uint64_t (*get_pc)(const struct jit_cpu *cpu);
    uint64_t (*get_sp)(const struct jit_cpu *cpu);
    /* The pending system call: its number and its raw arguments (as many as abi->call_args). */
    uint32_t (*call_number)(const struct jit_cpu *cpu, uint64_t *args);
    /* Ends it: a value, or the guest's errno when `failed`. */
    void (*call_done)(struct jit_cpu *cpu, bool failed, uint64_t value);
    /* The second result of calls that have two; NULL: there are none. */
    void (*set_second)(struct jit_cpu *cpu, uint64_t value);
    /* Writes to the stack what stands in registers only (SPARC's windows); NULL: nothing does. false: the
     * stack is bad. */
    bool (*settle)(struct jit_cpu *cpu);
    /* A new thread or process: its registers as the child of fork or clone; sp 0: unchanged. */
    bool (*child)(struct user_thread *thread, struct jit_cpu *cpu, uint64_t sp, int parent);
    void (*set_tls)(struct jit_cpu *cpu, uint64_t value);

    /* Pushes the frame of a handler and enters it. false: the stack is bad. `info` as the host gave it. */
    bool (*push_signal)(struct user_thread *thread, int signal, const struct user_action *action,
                        const siginfo_t *info, uint64_t mask);
    /* Undoes it. false: the frame is bad. */
    bool (*pop_signal)(struct user_thread *thread, bool rt, uint64_t *mask);

    const struct user_gdb_arch *gdb; /* for debuggers (gdb.h) */
    const struct user_core_arch *core; /* for core files (core.h) */
};

/* All instruction sets; ends with NULL. */
extern const struct user_arch *const user_archs[];

struct user_options {
    const char *sysroot; /* names of the program are looked for there first; NULL: none */
    bool root;           /* ... and nowhere else */
    const char *cpu;     /* processor model, NULL: by the program */
    const char *argv0;   /* NULL: argv[0] */
    const char *self;    /* this program's file, for execve of foreign programs */
    bool strace, stats;
    const char *strace_file; /* absolute; the log is appended to it; NULL: standard error */
    enum jit_accel accel;
    unsigned max_tier; /* as struct jit_options; 2 is usual */
    FILE *jit_log;     /* NULL: none */
    const char *cache; /* folder of the translation cache, absolute; NULL: none */
    const char *limits; /* user_limits_text() of the program that started this one; NULL: the host's */
};

struct user_process {
    const struct user_arch *arch;
    const struct user_abi *abi;
    const void *model;
    struct user_options options;
    struct user_mem mem;
    struct jit *jit;
    struct user_cache *cache;        /* NULL: none */
    char *exe;                       /* absolute host name of the program */
    char *own_sysroot;               /* options.sysroot at the start; NULL: none */
    char **arguments;                /* as it got them */
    GByteArray *auxv;                /* as it stands on its stack */
    uint64_t stack_low, stack_high;  /* of the first thread */
    uint64_t stack_start;            /* where its stack pointer was at first */
    /* Where the strings of its arguments and, behind them, of its environment lie. */
    uint64_t arguments_at, arguments_end, environment_end;
    struct elf_image image;
    struct user_limits limits;

    bool watches_signals; /* user_signal_watch() */
    gint dumping;         /* a thread writes a core file: the others stand still */
    gint parked;          /* as many do */
    GMutex lock;        /* threads, actions */
    GPtrArray *threads; /* struct user_thread, all that live */
    struct user_action action[USER_N_ACTIONS];
    struct user_gdb *gdb; /* the debugger, or NULL */
    FILE *strace;
    const struct user_thread *strace_open; /* whose call's line is not complete */
    GHashTable *unknown;  /* numbers of unknown calls that were reported */
    GHashTable *ioctls;   /* rows of ioctls.c by the guest's number; NULL until one is asked for */
    GArray *specials;     /* of proc.c: open files that it deals with; NULL until there are some */
    gint n_specials;
    bool in_proc; /* its current folder is one of /proc */
    GHashTable *attached; /* sizes of System V segments by their addresses */
    uint64_t load_bias;
    pid_t pid;
    const struct user_syscall *calls[USER_CALL_PLACES]; /* by number (syscall.c); NULL: unknown */
    gint told_old_abi; /* the program was told that its calling convention is not offered */
};

/* Guest instructions that a processor does before its thread looks around; signals end a slice at once. */
#define USER_SLICE 100000000

struct user_thread {
    struct user_process *process;
    struct jit_cpu *cpu;
    int64_t slice;               /* USER_SLICE, or 1 while a debugger steps */
    struct user_gdb_thread *gdb; /* the debugger's part; NULL: none yet */
    pthread_t host;
    pid_t tid;
    bool vfork_child;            /* of a process of its own, in the memory of its parent, which waits */
    struct user_action *actions; /* the process's; a copy while it is a vfork child */
    struct user_limits *limits;  /* the same */

    /* Signals: a host handler leaves one here and blocks the others until it is delivered. */
    volatile sig_atomic_t pending; /* host's signal number, 0: none */
    siginfo_t pending_info;
    uint64_t mask;       /* blocked, by host signals (bit n - 1) */
    uint64_t saved_mask; /* sigsuspend and its kin: what comes back after the handler */
    bool mask_saved;
    uint64_t alt_stack, alt_size; /* sigaltstack; size 0: none */

    /* The system call that goes on. */
    unsigned strace_at; /* the first argument that the log has not shown */
    bool has_second;
    uint64_t second;
    bool restart; /* it was interrupted and is begun again unless a handler without SA_RESTART runs */
    bool restart_allowed;

    uint64_t clear_tid; /* CLONE_CHILD_CLEARTID: zeroed and woken at the thread's end */
    uint64_t robust_list, robust_size;

    /* Of the last fault; some signal frames hold them. */
    uint64_t fault_address;
    uint32_t fault_trap, fault_error;
    bool bus_error; /* the host's last fault was SIGBUS */
};

/* Loads a program and its stack. argv and envp end with NULL. The program is a name as user_path() takes it; one
 * without a slash is looked for along PATH. G_FILE_ERROR_NOENT: it is not there. */
struct user_process *user_process_new(const char *program, char **argv, char **envp,
                                      const struct user_options *options, GError **error);
/* Runs it to its end, which is the end of this process: exit status, or death by the program's signal. */
_Noreturn void user_process_run(struct user_process *process);

/* ------------------------------------------------------------------------------- for the parts of user mode
 */

struct user_thread *user_thread_new(struct user_process *process, const struct jit_cpu *like);
void user_thread_free(struct user_thread *thread);
_Noreturn void user_thread_loop(struct user_thread *thread);
/* The calling host thread's; NULL outside of user mode. */
struct user_thread *user_thread_current(void);
void user_thread_set_current(struct user_thread *thread);
/* Ends the whole process now. */
_Noreturn void user_process_exit(struct user_process *process, int status);
/* In the child of a host fork(): one thread is left. false: no memory for its translations. */
bool user_process_forked(struct user_thread *thread);

/* Loads segments and stack (load.c). `name` is what the program calls its file. */
bool user_load_program(struct user_process *process, struct user_thread *thread, GMappedFile *map,
                       const char *name, char **envp, GError **error);
/* The program's name for a program, along PATH when it has no slash: what is below the sysroot first. Free with g_free(). */
char *user_find_program(const struct user_process *process, const char *name, GError **error);
/* Reads the headers of a program file; *map holds its bytes. */
bool user_load_headers(const char *file, struct elf_image *image, GMappedFile **map, GError **error);
/* Follows "#!" lines: *file (the host's name) and *name (the program's) become the interpreter, and *argv the list
 * with it in front (all allocated). */
bool user_resolve_script(const struct user_process *process, char **file, char **name, char ***argv,
                         GError **error);
/* The row that runs an image, or NULL. */
const struct user_arch *user_find_arch(const struct elf_image *image);

/* Signals (signal.c). */
void user_signal_init(struct user_process *process);
/* Delivers what is pending; called before the processor goes on. */
void user_signal_deliver(struct user_thread *thread);
/* A handler's restorer counts only when this flag is set, on processors that have the flag. */
#define SA_RESTORER_FLAG 0x04000000
/* Makes *trap a fault: the signal, or the one for an access to memory that is not there or not allowed. */
void user_trap_signal(struct user_trap *trap, int signal, int code, uint64_t address);
void user_trap_memory(const struct user_thread *thread, struct user_trap *trap, uint64_t address);
/* The program did something that gives it a signal. */
void user_signal_fault(struct user_thread *thread, const struct user_trap *trap);
void user_signal_set_mask(struct user_thread *thread, uint64_t mask);
/* Deadly signals are wanted before they kill, by a debugger, for a core file, or because memory is shared with other processes, which
 * may wait for what this one has locked (robust lists): gives them handlers on the host. */
void user_signal_watch(struct user_process *process);
/* Keeps the program's signals in the kernel until user_signal_set_mask(). */
void user_signal_block_all(void);
/* Gives the host the action that serves the guest's. */
int user_signal_set_action(struct user_thread *thread, int signal, const struct user_action *action);
_Noreturn void user_signal_die(struct user_process *process, int signal);
/* Where a handler's frame begins to grow: the alternate stack when it is asked for and not in use. */
uint64_t user_signal_stack(struct user_thread *thread, const struct user_action *action, uint64_t sp);
bool user_signal_on_alt_stack(const struct user_thread *thread, uint64_t sp);

/* What a thread that ends leaves behind: its robust list, and the word of CLONE_CHILD_CLEARTID (sys_futex.c).
 */
void user_futex_leave(struct user_thread *thread);
/* The same for all threads of a process that ends. */
void user_futex_leave_all(struct user_process *process);

/* System calls (syscall.c): the table of the process's numbers; the call that a thread's trap asks for. */
void user_calls_init(struct user_process *process);
void user_call(struct user_thread *thread);
/* A handler's result: nothing was done, the call is begun again after the signals have been delivered. */
#define USER_AGAIN (-0x10000)
/* A handler's result: the registers are as they must be (sigreturn). */
#define USER_KEEP (-0x10001)
/* A host system call whose arguments are converted by the letters of struct user_syscall; at most six. */
int64_t user_call_host(struct user_thread *thread, long number, const char *kinds, const uint64_t *args);
/* A host system call that no signal slips past: USER_AGAIN when one is pending or comes before it. Result or
 * -errno. */
int64_t user_host_call(struct user_thread *thread, long number, long a, long b, long c, long d, long e,
                       long f);
#define USER_HOST(t, nr, a, b, c, d, e, f)                                                                   \
    user_host_call(t, nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
/* The kernel's sigaction, for all 64 signals. 0 or -errno. */
int user_host_sigaction(int signal, void *handler, unsigned long flags, uint64_t mask);
/* For the fault handler: moves a context that is about to enter the host's kernel out of there. */
void user_host_call_interrupt(void *ucontext);

#endif
