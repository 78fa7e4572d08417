/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vitrine exec`: options, the search along PATH, and over to emulator/user. */
#include "app/cli_exec.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gio/gio.h>
#include <glib/gi18n.h>

#include "emulator/user/process.h"

/* linux/binfmts.h */
#define FLAG_PRESERVE_ARGV0 1

enum { STATUS_USAGE = 2, STATUS_CANNOT_RUN = 126, STATUS_NOT_FOUND = 127 };

enum {
    OPTION_SYSROOT = 256,
    OPTION_ROOT,
    OPTION_CPU,
    OPTION_STRACE,
    OPTION_ACCEL,
    OPTION_LOG,
    OPTION_STATS,
    OPTION_ARGV0,
    OPTION_GDB,
    OPTION_TIER,
    OPTION_CACHE,
    OPTION_LIMITS
};

static const struct option options[] = {
    {"sysroot", required_argument, NULL, OPTION_SYSROOT},
    {"root", required_argument, NULL, OPTION_ROOT},
    {"cpu", required_argument, NULL, OPTION_CPU},
    {"strace", optional_argument, NULL, OPTION_STRACE},
    {"accel", required_argument, NULL, OPTION_ACCEL},
    {"tier", required_argument, NULL, OPTION_TIER},
    {"cache", required_argument, NULL, OPTION_CACHE},
    {"log", required_argument, NULL, OPTION_LOG},
    {"stats", no_argument, NULL, OPTION_STATS},
    {"argv0", required_argument, NULL, OPTION_ARGV0},
    {"gdb", required_argument, NULL, OPTION_GDB},
    {"limits", required_argument, NULL, OPTION_LIMITS}, /* from a program to the one that it starts */
    {"help", no_argument, NULL, 'h'},
    {NULL},
};

static void print_usage(void)
{
    fputs(_("Usage: vitrine exec [OPTION…] PROGRAM [ARGUMENT…]\n"
            "Runs one Linux program that was made for another processor.\n"
            "\n"
            "  --sysroot DIR       look for the program's files below DIR first ($VITRINE_SYSROOT)\n"
            "  --root DIR          the same, and for nothing but devices elsewhere, as chroot does\n"
            "  --cpu MODEL         processor model (ARM: max, cortex-a8, arm1136jf-s …; SPARC: v8, v8plus);\n"
            "                      by default what suits the program\n"
            "  --argv0 NAME        what the program shall see as its name\n"
            "  --gdb PORT|unix:PATH\n"
            "                      wait there for a debugger (GDB) before the first instruction\n"
            "  --strace[=FILE]     log its system calls to standard error, or at the end of FILE\n"
            "  --accel jit|interp  translate its code, or interpret it\n"
            "  --tier 1|2          highest tier of the translator (2)\n"
            "  --cache DIR|off     where translations are kept for the next start (see vitrine cache)\n"
            "  --log jit           log translations to standard error\n"
            "  --stats             print the translator's counters at the end\n"
            "  --help              this text\n"
            "\n"
            "The exit status is the program's; when a signal kills it, this program dies of the same "
            "signal.\n"),
          stdout);
}

static int G_GNUC_PRINTF(1, 2) wrong(const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(stderr, "vitrine exec: %s\n", text);
    return STATUS_USAGE;
}

/* What shall be started for further foreign programs: this file, by its name as long as that leads here. In another
 * root it does not. */
static char *own_name(void)
{
    g_autofree char *name = g_file_read_link("/proc/self/exe", NULL);
    struct stat named, own;

    if (name && stat(name, &named) == 0 && stat("/proc/self/exe", &own) == 0 && named.st_dev == own.st_dev &&
        named.st_ino == own.st_ino)
        return g_steal_pointer(&name);
    return g_strdup("/proc/self/exe");
}

int cli_exec(int argc, char **argv)
{
    struct user_options with = {.accel = JIT_ACCEL_JIT, .max_tier = 2};
    g_autofree char *self = NULL, *sysroot = NULL, *log_file = NULL;
    g_autofree char *cache = user_cache_folder();
    g_autoptr(GError) error = NULL;
    struct user_process *process;
    /* Programs that Linux starts by their names alone (binfmt_misc) get no options. */
    const char *debugger = NULL, *named = g_getenv("VITRINE_SYSROOT");
    int option;

    optind = 1;
    opterr = 0;
    /* "+": what follows the program's name is the program's. */
    while ((option = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
        switch (option) {
        case OPTION_SYSROOT:
        case OPTION_ROOT:
            with.root = option == OPTION_ROOT;
            named = optarg;
            break;
        case OPTION_CPU: with.cpu = optarg; break;
        case OPTION_STRACE:
            with.strace = true;
            g_free(log_file);
            with.strace_file = log_file = optarg ? g_canonicalize_filename(optarg, NULL) : NULL;
            break;
        case OPTION_ACCEL:
            if (g_str_equal(optarg, "jit"))
                with.accel = JIT_ACCEL_JIT;
            else if (g_str_equal(optarg, "interp"))
                with.accel = JIT_ACCEL_INTERP;
            else
                return wrong(_("--accel is jit or interp, not %s."), optarg);
            break;
        case OPTION_TIER:
            if (!g_str_equal(optarg, "1") && !g_str_equal(optarg, "2"))
                return wrong(_("--tier is 1 or 2, not %s."), optarg);
            with.max_tier = (unsigned)(optarg[0] - '0');
            break;
        case OPTION_CACHE:
            g_free(cache);
            cache = g_str_equal(optarg, "off") ? NULL : g_canonicalize_filename(optarg, NULL);
            break;
        case OPTION_LOG:
            if (!g_str_equal(optarg, "jit"))
                return wrong(_("there is no log called %s; there is jit."), optarg);
            with.jit_log = stderr;
            break;
        case OPTION_STATS: with.stats = true; break;
        case OPTION_ARGV0: with.argv0 = optarg; break;
        case OPTION_GDB: debugger = optarg; break;
        case OPTION_LIMITS: with.limits = optarg; break;
        case 'h': print_usage(); return 0;
        default:
            return wrong(_("“%s” is no option, or lacks its value. “vitrine exec --help” lists the options."),
                         argv[optind - 1]);
        }
    }
    if (named && *named) {
        with.sysroot = sysroot = g_canonicalize_filename(named, NULL);
        if (!g_file_test(sysroot, G_FILE_TEST_IS_DIR))
            return wrong(_("There is no folder %s. Name the folder that holds the program's own system."), sysroot);
    }
    if (optind >= argc)
        return wrong(_("Name the program to run. “vitrine exec --help” tells what comes before it."));
    self = own_name();
    with.self = self;
    with.cache = cache;
    process = user_process_new(argv[optind], argv + optind, environ, &with, &error);
    if (!process) {
        fprintf(stderr, "vitrine exec: %s\n", error->message);
        return g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT) ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN;
    }
    if (debugger && !user_gdb_start(process, debugger, &error)) {
        fprintf(stderr, "vitrine exec: %s\n", error->message);
        return STATUS_CANNOT_RUN;
    }
    user_process_run(process);
}

int cli_exec_binfmt(int argc, char **argv)
{
    bool has_name = getauxval(AT_FLAGS) & FLAG_PRESERVE_ARGV0;
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    if (argc < (has_name ? 3 : 2))
        return wrong(_("Linux starts this with a program; run vitrine exec PROGRAM yourself."));
    g_ptr_array_add(words, (char *)"exec");
    if (has_name) {
        g_ptr_array_add(words, (char *)"--argv0");
        g_ptr_array_add(words, argv[2]);
    }
    g_ptr_array_add(words, (char *)"--");
    g_ptr_array_add(words, argv[1]);
    for (int i = has_name ? 3 : 2; i < argc; i++)
        g_ptr_array_add(words, argv[i]);
    g_ptr_array_add(words, NULL);
    return cli_exec((int)words->len - 1, (char **)words->pdata);
}
