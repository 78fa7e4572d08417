/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hostile programs: fuzz_programs SECONDS SEED
 *
 * Half of them are random code for SPARC, ARM and Thumb that runs from random places with random registers;
 * half are programs with an interpreter whose headers are damaged, both of them. Each runs in a process of
 * its own. It may be refused with a sentence, end, or be killed by a signal of its own, which the log of its
 * calls tells; any other end is this program's fault. Of Linux's calls only those on the program's own memory
 * and signals are let through.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "emulator/user/process.h"
#include "emulator/user/strace.h"

#define CODE_BASE    0x10000u
#define CODE_SIZE    0x4000u
#define RUNS         3000 /* of one program */
#define SLICE_MOST   300
#define TIME_LIMIT   20 /* seconds */
#define HEADERS_SIZE 0x100u

/* What a run of a child says at its end, in memory that it shares with the parent. */
struct verdict {
    volatile int refused, bad_sentence;
};

static struct verdict *verdict;
static char *folder, *log_name;

static const char *const allowed[] = {
    "exit",
    "exit_group",
    "brk",
    "mmap",
    "mmap2",
    "munmap",
    "mprotect",
    "mremap",
    "madvise",
    "getpid",
    "sigaction",
    "rt_sigaction",
    "sigaltstack",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sigreturn",
    "uname",
    "clock_gettime",
    "set_tls",
    "cacheflush",
    "set_tid_address",
    "set_robust_list",
    "rt_sigpending",
    "getrandom",
    "ugetrlimit",
    NULL,
};

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "exitcode=99:handle_segv=0:handle_sigbus=0:detect_leaks=0";
}

static void put(uint8_t *to, unsigned size, uint64_t value, bool big)
{
    user_store(to, size, value, big);
}

/* A 32-bit program: one segment of code that it may write, one of data, an interpreter when it is named. */
static GByteArray *make_program(uint16_t machine, bool big, unsigned type, uint32_t entry,
                                const char *interpreter)
{
    GByteArray *file = g_byte_array_new();
    unsigned n = interpreter ? 3 : 2;
    uint8_t *b;

    g_byte_array_set_size(file, CODE_SIZE);
    b = file->data;
    memset(b, 0, CODE_SIZE);
    memcpy(b, "\177ELF\1", 5);
    b[5] = big ? 2 : 1;
    b[6] = 1;
    put(b + 16, 2, type, big);
    put(b + 18, 2, machine, big);
    put(b + 20, 4, 1, big);
    put(b + 24, 4, entry, big);
    put(b + 28, 4, 52, big);
    put(b + 36, 4, machine == ELF_ARM ? 0x05000000 : 0, big);
    put(b + 40, 2, 52, big);
    put(b + 42, 2, 32, big);
    put(b + 44, 2, n, big);
    for (unsigned i = 0; i < n; i++) {
        uint8_t *p = b + 52 + i * 32;
        uint32_t offset = i == 2 ? 0xc0 : i == 1 ? CODE_SIZE / 2 : 0;
        uint32_t size = i == 2 && interpreter ? (uint32_t)strlen(interpreter) + 1 : i == 1 ? CODE_SIZE / 2 : CODE_SIZE;

        put(p, 4, i == 2 ? 3 : 1, big);
        put(p + 4, 4, offset, big);
        put(p + 8, 4, CODE_BASE + i * 0x10000 + offset % 0x1000, big);
        put(p + 12, 4, CODE_BASE + i * 0x10000, big);
        put(p + 16, 4, size, big);
        put(p + 20, 4, i == 1 ? size + 0x3000 : size, big);
        put(p + 24, 4, i == 1 ? 6 : 7, big);
    }
    if (interpreter)
        memcpy(b + 0xc0, interpreter, MIN(strlen(interpreter) + 1, HEADERS_SIZE - 0xc0));
    return file;
}

static void mutate(GRand *random, GByteArray *file)
{
    static const uint32_t corners[] = {0, 1, 0xfff, 0x1000, 0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff};
    int changes = g_rand_int_range(random, 0, 5);

    while (changes-- > 0) {
        guint at = (guint)g_rand_int_range(random, 0, HEADERS_SIZE);

        switch (g_rand_int_range(random, 0, 4)) {
        case 0: file->data[at] = (uint8_t)g_rand_int(random); break;
        case 1: file->data[at] ^= (uint8_t)(1u << g_rand_int_range(random, 0, 8)); break;
        case 2:
            put(file->data + (at & ~3u), 4, corners[g_rand_int_range(random, 0, G_N_ELEMENTS(corners))],
                file->data[5] == 2);
            break;
        default:
            if (g_rand_int_range(random, 0, 8) == 0)
                g_byte_array_set_size(file, (guint)g_rand_int_range(random, HEADERS_SIZE, CODE_SIZE));
            break;
        }
    }
}

/* Words that mean something more often than chance would have it. */
static void fill_code(GRand *random, GByteArray *file, uint16_t machine, bool big)
{
    for (guint at = HEADERS_SIZE; at + 4 <= file->len; at += 4) {
        uint32_t word = g_rand_int(random);

        if (machine == ELF_ARM && g_rand_int_range(random, 0, 4)) {
            if (g_rand_int_range(random, 0, 16)) /* always, seldom in the unconditional space */
                word = (word & 0x0fffffff) | 0xe0000000;
            if ((word & 0x0f000000) == 0x0a000000) /* short branches */
                word = (word & 0xff000000) | (word & 0xff);
        } else if (machine == ELF_SPARC && g_rand_int_range(random, 0, 4)) {
            if (word >> 30 == 1) /* short calls */
                word = 0x40000000 | (word & 0xff);
            else if (word >> 30 == 0 && (word >> 22 & 7) == 2)
                word = (word & 0xffc00000) | (word & 0xff);
        }
        put(file->data + at, 4, word, big);
    }
}

static void write_program(const char *name, const GByteArray *file)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);

    g_assert_true(g_file_set_contents_full(path, (const char *)file->data, file->len,
                                           G_FILE_SET_CONTENTS_NONE, 0700, NULL));
}

/* --------------------------------------------------------------------------------------------- the child */

/* Of calls that are not there: they are what is expected. */
static GLogWriterOutput say_nothing(GLogLevelFlags level, const GLogField *fields, gsize count, gpointer data)
{
    return level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING)
               ? g_log_writer_default(level, fields, count, data)
               : G_LOG_WRITER_HANDLED;
}

static void restrict_calls(struct user_process *process)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(process->calls); i++) {
        if (process->calls[i] && !g_strv_contains(allowed, process->calls[i]->name))
            process->calls[i] = NULL;
    }
}

static void set_register(struct user_thread *thread, const char *name, uint64_t value)
{
    const struct user_gdb_arch *arch = thread->process->arch->gdb;
    uint8_t bytes[USER_GDB_REGISTER_MOST];
    unsigned number = 0;

    for (const struct user_gdb_feature *f = arch->features; f->name; f++) {
        for (const struct user_gdb_register *r = f->registers; r->name; r++, number++) {
            if (g_str_equal(r->name, name)) {
                user_store(bytes, r->bits / 8, value, thread->process->abi->big_endian);
                arch->set(thread, number, bytes);
                return;
            }
        }
    }
}

static void scramble(GRand *random, struct user_thread *thread)
{
    const struct user_gdb_arch *arch = thread->process->arch->gdb;
    unsigned number = 0;

    for (const struct user_gdb_feature *f = arch->features; f->name; f++) {
        for (const struct user_gdb_register *r = f->registers; r->name; r++, number++) {
            uint64_t value = (uint64_t)g_rand_int(random) << 32 | g_rand_int(random);
            uint8_t bytes[USER_GDB_REGISTER_MOST];

            /* Mostly addresses that are there. */
            if (r->bits == 32 && g_rand_int_range(random, 0, 3))
                value = CODE_BASE + (value & 0x13ffc);
            if (g_str_equal(r->name, "sp"))
                value = CODE_BASE + 0x11000 + (value & 0xff8);
            user_store(bytes, r->bits / 8, value, thread->process->abi->big_endian);
            arch->set(thread, number, bytes);
        }
    }
}

static void jump(GRand *random, struct user_thread *thread, bool thumb)
{
    uint32_t pc =
        CODE_BASE + HEADERS_SIZE + (uint32_t)g_rand_int_range(random, 0, CODE_SIZE - HEADERS_SIZE - 64);

    pc &= thumb ? ~1u : ~3u;
    set_register(thread, "cpsr", 0x10 | (thumb ? 0x20 : 0) | (g_rand_int(random) & 0xf80f0000));
    set_register(thread, "pc", pc);
    set_register(thread, "npc", pc + 4);
}

static void run_program(guint32 seed, const char *name, bool random_code, bool thumb)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    g_autofree char *program = g_build_filename(folder, name, NULL);
    char *argv[] = {program, (char *)"argument", NULL}, *envp[] = {(char *)"A=b", NULL};
    struct user_options options = {.self = "/nothing", .strace = true, .strace_file = log_name};
    GError *error = NULL;
    struct user_process *process;
    struct user_thread *thread;

    options.accel = g_rand_int_range(random, 0, 4) ? JIT_ACCEL_JIT : JIT_ACCEL_INTERP;
    options.max_tier = (unsigned)g_rand_int_range(random, 1, 3);
    process = user_process_new(program, argv, envp, &options, &error);
    if (!process) {
        verdict->refused = 1;
        verdict->bad_sentence = !g_str_has_suffix(error->message, ".");
        if (verdict->bad_sentence)
            g_printerr("not a sentence: %s\n", error->message);
        _exit(0);
    }
    restrict_calls(process);
    thread = g_ptr_array_index(process->threads, 0);
    for (int i = 0; i < RUNS; i++) {
        struct user_trap trap = {USER_EVENT_NONE};

        if (random_code && i % 8 == 0) {
            scramble(random, thread);
            jump(random, thread, thumb);
        }
        thread->cpu->stop = 0;
        if (thread->pending)
            user_signal_deliver(thread);
        thread->slice = g_rand_int_range(random, 1, SLICE_MOST);
        process->arch->run(thread, &trap);
        if (trap.event == USER_EVENT_CALL)
            user_call(thread);
        else if (trap.event == USER_EVENT_FAULT && (!random_code || g_rand_int_range(random, 0, 1000) == 0))
            user_signal_fault(thread, &trap);
        else if (trap.event == USER_EVENT_FAULT)
            jump(random, thread, thumb);
    }
    user_strace_note(process, "+++ exited with 0 +++");
    _exit(0);
}

/* -------------------------------------------------------------------------------------------- the parent */

/* Did the program itself end, by its own doing? */
static bool is_its_own(int status)
{
    g_autofree char *log = NULL;

    if (verdict->refused)
        return !verdict->bad_sentence && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return true; /* the time limit */
    if (!g_file_get_contents(log_name, &log, NULL, NULL))
        return false;
    return strstr(log, WIFSIGNALED(status) ? "+++ killed by " : "+++ exited with ") != NULL;
}

static void run_child(guint32 seed, const char *name, bool random_code, bool thumb)
{
    pid_t child;
    int status = 0;

    memset(verdict, 0, sizeof(*verdict));
    g_unlink(log_name);
    child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);

        /* The sanitizers' words are wanted, the program's are not: it cannot write. */
        dup2(null, STDOUT_FILENO);
        run_program(seed, name, random_code, thumb);
    }
    for (int i = 0; waitpid(child, &status, WNOHANG) == 0; i++) {
        if (i == TIME_LIMIT * 1000)
            kill(child, SIGKILL);
        g_usleep(1000);
    }
    if (!is_its_own(status)) {
        g_autofree char *log = NULL;

        g_file_get_contents(log_name, &log, NULL, NULL);
        g_printerr("fuzz_programs: program %u (%s%s): status %x, files in %s\n%s\n", seed, name,
                   thumb ? ", Thumb" : "", (unsigned)status, folder, log ? log : "no log");
        exit(1);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        uint16_t machine;
        bool big, thumb;
    } kinds[] = {{ELF_SPARC, true, false}, {ELF_ARM, false, false}, {ELF_ARM, false, true}};
    double seconds = argc > 1 ? atof(argv[1]) : 1;
    guint32 seed = argc > 2 ? (guint32)strtoul(argv[2], NULL, 0) : 1;
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    gint64 end = g_get_monotonic_time() + (gint64)(seconds * 1e6);
    g_autofree char *linker = NULL, *program = NULL;
    guint programs = 0;

    g_log_set_writer_func(say_nothing, NULL, NULL);
    folder = g_dir_make_tmp("vitrine-fuzz-XXXXXX", NULL);
    log_name = g_build_filename(folder, "log", NULL);
    linker = g_build_filename(folder, "linker", NULL);
    program = g_build_filename(folder, "program", NULL);
    verdict = mmap(NULL, sizeof(*verdict), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    g_assert_true(verdict != MAP_FAILED);
    for (; g_get_monotonic_time() < end; programs++) {
        gsize k = (gsize)g_rand_int_range(random, 0, G_N_ELEMENTS(kinds));
        bool random_code = g_rand_boolean(random);
        uint32_t entry = CODE_BASE + HEADERS_SIZE;
        g_autoptr(GByteArray) main_file =
            make_program(kinds[k].machine, kinds[k].big, g_rand_boolean(random) ? 2 : 3, entry,
                         random_code ? NULL : linker);

        fill_code(random, main_file, kinds[k].machine, kinds[k].big);
        if (random_code) {
            put(main_file->data + 16, 2, 2, kinds[k].big);
        } else {
            g_autoptr(GByteArray) other = make_program(kinds[k].machine, kinds[k].big, 3, entry, NULL);

            fill_code(random, other, kinds[k].machine, kinds[k].big);
            mutate(random, main_file);
            mutate(random, other);
            write_program("linker", other);
        }
        write_program("program", main_file);
        run_child(g_rand_int(random), "program", random_code, kinds[k].thumb);
    }
    g_unlink(linker);
    g_unlink(program);
    g_unlink(log_name);
    g_rmdir(folder);
    g_print("fuzz_programs: seed %u, %u programs\n", seed, programs);
    return 0;
}
