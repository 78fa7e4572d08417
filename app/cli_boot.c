/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrine run and vitrine boot: machines that run, in a window or without any display. */
#include "app/cli.h"
#include "app/control.h"
#include "app/ending.h"
#include "app/history.h"
#include "app/i18n.h"
#include "app/library.h"
#include "app/session.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

/* Options that both commands take. */
struct running {
    const char *command;
    gboolean headless, full_screen, stats;
    char *serial, *screenshot, *save_state, *load_state, *type;
    const char *from; /* moment of the history */
    double timeout;   /* seconds; 0 = none */
    double type_delay;

    VitrineSession *session;
    GMainLoop *loop;
    bool begun, stopping, timed_out, interrupted, failed;
    unsigned interrupts;
};

#define RUNNING_OPTIONS(r)                                                                                    \
    {"headless", 0, 0, G_OPTION_ARG_NONE, &(r)->headless, N_("Open no window"), NULL},                        \
        {"fullscreen", 0, 0, G_OPTION_ARG_NONE, &(r)->full_screen, N_("Fill the screen"), NULL},              \
        {"timeout",                                                                                           \
         0,                                                                                                   \
         0,                                                                                                   \
         G_OPTION_ARG_DOUBLE,                                                                                 \
         &(r)->timeout,                                                                                       \
         N_("Stop after so many seconds, with status 124"),                                                   \
         "S"},                                                                                                \
        {"screenshot", 0, 0, G_OPTION_ARG_FILENAME, &(r)->screenshot, N_("Write the last picture"),           \
         "FILE.png"},                                                                                         \
        {"type",     0,                                                                                       \
         0,          G_OPTION_ARG_STRING,                                                                     \
         &(r)->type, N_("Type on the guest's keyboard after the start (\\n is Return)"),                      \
         N_("TEXT")},                                                                                         \
        {"type-delay", 0, 0, G_OPTION_ARG_DOUBLE, &(r)->type_delay, N_("Wait so many seconds before typing"), \
         "S"},                                                                                                \
        {"save-state",                                                                                        \
         0,                                                                                                   \
         0,                                                                                                   \
         G_OPTION_ARG_FILENAME,                                                                               \
         &(r)->save_state,                                                                                    \
         N_("Save the machine when the time is up or on an interrupt"),                                       \
         N_("FILE")},                                                                                         \
        {"load-state", 0, 0, G_OPTION_ARG_FILENAME, &(r)->load_state, N_("Start from a saved machine"),       \
         N_("FILE")},                                                                                         \
    {                                                                                                         \
        "stats", 0, 0, G_OPTION_ARG_NONE, &(r)->stats, N_("Print figures at the end, to standard error"),     \
            NULL                                                                                              \
    }

static void running_clear(struct running *r)
{
    g_free(r->serial);
    g_free(r->screenshot);
    g_free(r->save_state);
    g_free(r->load_state);
    g_free(r->type);
    g_clear_object(&r->session);
    g_clear_pointer(&r->loop, g_main_loop_unref);
}

/* "stdio", "none", "pty" or a file's name. */
static enum engine_serial_kind serial_kind(const char *text)
{
    if (strcmp(text, "stdio") == 0)
        return ENGINE_SERIAL_STDIO;
    if (strcmp(text, "none") == 0)
        return ENGINE_SERIAL_NONE;
    if (strcmp(text, "pty") == 0)
        return ENGINE_SERIAL_PTY;
    return ENGINE_SERIAL_FILE;
}

/* ---- without a window ---- */

static void print_stats(VitrineSession *session)
{
    struct engine *engine = vitrine_session_get_engine(session);
    struct engine_stats stats;
    struct rusage usage;

    if (!engine)
        return;
    engine_get_stats(engine, &stats);
    getrusage(RUSAGE_SELF, &usage);
    g_printerr("instructions %" G_GUINT64_FORMAT
               "\nvirtual-seconds %.6f\nmips %.1f\nframes %" G_GUINT64_FORMAT "\nnet-sent %" G_GUINT64_FORMAT
               "\nnet-received %" G_GUINT64_FORMAT
               "\nuser-seconds %ld.%06ld\nsystem-seconds %ld.%06ld\nmax-rss-kib %ld\n",
               stats.icount, (double)stats.virtual_ns / 1e9, stats.mips, stats.frames, stats.net_sent,
               stats.net_received, (long)usage.ru_utime.tv_sec, (long)usage.ru_utime.tv_usec,
               (long)usage.ru_stime.tv_sec, (long)usage.ru_stime.tv_usec, usage.ru_maxrss);
    g_autofree char *text = engine_describe(engine);
    if (text)
        g_printerr("%s\n", text);
}

static void saved(GObject *source, GAsyncResult *result, gpointer user_data)
{
    struct running *r = user_data;
    g_autoptr(GError) error = NULL;

    if (!vitrine_session_save_state_finish(r->session, result, &error)) {
        cli_error(r->command, "%s", error->message);
        r->failed = true;
        vitrine_session_power_off(r->session);
    }
}

static void stop(struct running *r)
{
    /* It starts, or goes back in its history: as soon as it runs. Or it ends already. */
    r->stopping = true;
    if (!vitrine_session_is_live(r->session))
        return;
    if (r->stats)
        print_stats(r->session);
    if (r->save_state)
        vitrine_session_save_state_async(r->session, r->save_state, TRUE, saved, r);
    else
        vitrine_session_power_off(r->session);
}

static gboolean on_timeout(gpointer data)
{
    struct running *r = data;

    r->timed_out = true;
    stop(r);
    return G_SOURCE_REMOVE;
}

static gboolean on_signal(gpointer data)
{
    struct running *r = data;

    r->interrupted = true;
    if (r->interrupts++ > 0 || vitrine_session_is_over(r->session))
        g_main_loop_quit(r->loop);
    else
        stop(r);
    return G_SOURCE_CONTINUE;
}

static gboolean type_now(gpointer data)
{
    struct running *r = data;
    g_autofree char *text = g_strcompress(r->type);

    g_autofree char *left_out = vitrine_session_type(r->session, text);
    if (left_out)
        g_printerr("%s\n", left_out);
    return G_SOURCE_REMOVE;
}

/* An original that is not as it was can be dealt with from here, too. */
static void tell_repair(VitrineBundle *bundle)
{
    if (!bundle)
        return;
    g_autoptr(VitrineHistory) history = vitrine_history_get(bundle);
    g_autofree char *name = g_shell_quote(vitrine_bundle_get_name(bundle));
    if (vitrine_history_get_problems(history)->len)
        g_printerr(_("“vitrine snapshot %s repair” tells what can be done.\n"), name);
}

static void on_started(GObject *source, GAsyncResult *result, gpointer user_data)
{
    struct running *r = user_data;
    g_autoptr(GError) error = NULL;

    if (!vitrine_session_start_finish(r->session, result, &error)) {
        cli_error(r->command, "%s", error->message);
        tell_repair(vitrine_session_get_bundle(r->session));
        r->failed = true;
        g_main_loop_quit(r->loop);
        return;
    }
}

/* The machine runs for the first time: what shall happen then, and so many seconds later. */
static void begin(struct running *r)
{
    struct engine *engine = vitrine_session_get_engine(r->session);
    g_autofree char *pty = engine ? engine_serial_pty(engine, 0) : NULL;

    r->begun = true;
    if (pty)
        g_printerr(_("The serial port is at %s.\n"), pty);
    if (r->timeout > 0)
        g_timeout_add((guint)MIN(r->timeout * 1000.0, (double)G_MAXUINT), on_timeout, r);
    if (r->type)
        g_timeout_add((guint)MIN(r->type_delay * 1000.0, (double)G_MAXUINT), type_now, r);
}

static void on_state(VitrineSession *session, struct running *r)
{
    enum session_state state = vitrine_session_get_state(session);

    if (state == SESSION_RUNNING && r->stopping)
        stop(r);
    else if (state == SESSION_RUNNING && !r->begun)
        begin(r);
    if ((state == SESSION_OFF || state == SESSION_ERROR) && !r->timed_out && !r->interrupted && r->stats)
        print_stats(session);
}

static void on_finished(VitrineSession *session, struct running *r)
{
    g_main_loop_quit(r->loop);
}

static int run_headless(struct running *r)
{
    r->loop = g_main_loop_new(NULL, FALSE);
    vitrine_watch_end(on_signal, r);
    g_signal_connect(r->session, "finished", G_CALLBACK(on_finished), r);
    vitrine_session_start_async(r->session, NULL, on_started, r);
    g_main_loop_run(r->loop);

    bool started = vitrine_session_get_state(r->session) != SESSION_ERROR || !r->failed;
    if (!started)
        return CLI_USAGE;
    if (vitrine_session_get_state(r->session) == SESSION_ERROR) {
        cli_error(r->command, "%s", vitrine_session_get_message(r->session));
        return vitrine_session_get_exit_status(r->session) ? vitrine_session_get_exit_status(r->session)
                                                           : CLI_FAILED;
    }
    if (r->failed)
        return CLI_FAILED;
    if (r->timed_out)
        return CLI_TIMEOUT;
    if (r->interrupted)
        return 128 + SIGINT;
    return vitrine_session_get_exit_status(r->session);
}

static int run_session(struct running *r)
{
    if (r->load_state)
        vitrine_session_set_load_state(r->session, r->load_state);
    if (r->screenshot)
        vitrine_session_set_final_screenshot(r->session, r->screenshot);
    g_signal_connect(r->session, "state-changed", G_CALLBACK(on_state), r);
    if (r->headless)
        return run_headless(r);
    int status = cli_windows.session(r->session, r->full_screen);
    return r->failed ? CLI_FAILED : r->timed_out ? CLI_TIMEOUT : status;
}

/* Options that can be wrong without any look at the machine. */
static bool check_running(const struct running *r)
{
    if (r->timeout >= 0 && r->type_delay >= 0)
        return true;
    cli_error(r->command, "%s", _("--timeout and --type-delay take seconds: numbers from 0 on."));
    return false;
}

/* ---- run ---- */

/* The machine is open in another Vitrine: its window comes to the front. */
static bool show_window(VitrineBundle *bundle)
{
    if (vitrine_bundle_get_state(bundle) != BUNDLE_RUNNING)
        return false;
    g_autoptr(JsonObject) request = json_object_new();
    json_object_set_string_member(request, "command", "present");
    g_autoptr(JsonObject) reply =
        control_ask(vitrine_bundle_get_folder(bundle), request, NULL, NULL, NULL, NULL);
    if (reply)
        g_printerr(_("“%s” runs already; its window comes to the front.\n"), vitrine_bundle_get_name(bundle));
    return reply != NULL;
}

struct going {
    GMainLoop *loop;
    GAsyncResult *result;
};

static void went(GObject *source, GAsyncResult *result, gpointer user_data)
{
    struct going *going = user_data;

    going->result = g_object_ref(result);
    g_main_loop_quit(going->loop);
}

/* What --from says, before the start. */
static bool go_to_moment(struct running *r, VitrineBundle *bundle, gboolean without_saving)
{
    g_autoptr(GError) error = NULL;

    if (!r->from)
        return true;
    g_autoptr(VitrineHistory) history = vitrine_history_get(bundle);
    VitrineHistoryNode *node = vitrine_history_find(history, r->from, &error);
    if (node && without_saving) {
        vitrine_session_set_from(r->session, vitrine_history_node_get_id(node));
    } else if (node) {
        struct going going = {.loop = g_main_loop_new(NULL, FALSE)};
        vitrine_history_restore_async(history, node, NULL, NULL, NULL, went, &going);
        g_main_loop_run(going.loop);
        vitrine_history_restore_finish(history, going.result, NULL, &error);
        g_object_unref(going.result);
        g_main_loop_unref(going.loop);
    }
    if (error)
        cli_error("run", "%s", error->message);
    return !error;
}

int cli_run(int argc, char **argv)
{
    struct running r = {.command = "run"};
    gboolean without_saving = FALSE, fresh = FALSE;
    g_autofree char *from = NULL;
    const GOptionEntry options[] = {
        {"serial", 0, 0, G_OPTION_ARG_STRING, &r.serial, N_("Where the first serial port goes"),
         "stdio|none|pty|FILE"},
        {"without-saving", 0, 0, G_OPTION_ARG_NONE, &without_saving,
         N_("Forget at the end what the guest wrote"), NULL},
        {"from", 0, 0, G_OPTION_ARG_STRING, &from,
         N_("Go back to this snapshot first; with --without-saving, only look at it"), N_("SNAPSHOT")},
        {"fresh", 0, 0, G_OPTION_ARG_NONE, &fresh, N_("Start anew, not from the saved state"), NULL},
        RUNNING_OPTIONS(&r),
        {NULL},
    };
    int status = CLI_USAGE;

    if (!cli_parse(&argc, &argv, options, "NAME",
                   _("Starts one of your machines; it goes on where it was saved. Ends with status 0 when "
                     "the guest powers "
                     "off, 124 when --timeout has passed."),
                   false))
        return CLI_USAGE;
    g_autoptr(GError) error = NULL;
    if (argc != 2) {
        cli_error("run", "%s", _("Name one machine; “vitrine list” shows them."));
    } else if (check_running(&r)) {
        g_autoptr(VitrineLibrary) library = vitrine_library_new(NULL, FALSE);
        g_autoptr(VitrineBundle) bundle = vitrine_library_find(library, argv[1], &error);
        if (!bundle) {
            cli_error("run", "%s", error->message);
        } else {
            r.session = vitrine_session_new(bundle);
            r.from = from;
            vitrine_session_set_flags(r.session, (without_saving ? SESSION_DISCARD_WRITES : 0) |
                                                     (fresh ? SESSION_FRESH : 0) |
                                                     (r.headless ? SESSION_SILENT : 0));
            if (r.serial)
                vitrine_session_set_serial(r.session, serial_kind(r.serial), r.serial);
            else if (r.headless)
                vitrine_session_set_serial(r.session, ENGINE_SERIAL_NONE, NULL);
            if (!r.headless && !from && show_window(bundle))
                status = CLI_OK;
            else
                status = go_to_moment(&r, bundle, without_saving) ? run_session(&r) : CLI_FAILED;
        }
    }
    running_clear(&r);
    return status;
}

/* ---- boot ---- */

struct boot {
    char *model, *kernel, *initrd, *append, *cdrom, *floppy, *display, *network, *accel, *log, *firmware,
        *boot, *nvram;
    char **disks, **serials;
    gboolean deterministic, warp, snapshot;
    int ram, cpus;
};

static void boot_clear(struct boot *b)
{
    g_free(b->model);
    g_free(b->kernel);
    g_free(b->initrd);
    g_free(b->append);
    g_free(b->cdrom);
    g_free(b->floppy);
    g_free(b->display);
    g_free(b->network);
    g_free(b->accel);
    g_free(b->log);
    g_free(b->firmware);
    g_free(b->boot);
    g_free(b->nvram);
    g_strfreev(b->disks);
    g_strfreev(b->serials);
}

static bool known_accel(const char *name, enum engine_accel *accel)
{
    static const char *const names[] = {
        [ENGINE_ACCEL_JIT] = "jit", [ENGINE_ACCEL_INTERP] = "interp", [ENGINE_ACCEL_KVM] = "kvm"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (strcmp(names[i], name) == 0) {
            *accel = (enum engine_accel)i;
            return true;
        }
    }
    return false;
}

static gboolean needs_file(const char *path)
{
    if (!path || g_file_test(path, G_FILE_TEST_EXISTS))
        return TRUE;
    cli_error("boot", _("There is no file “%s”."), path);
    return FALSE;
}

/* NULL after an error was printed. */
static struct engine_config *boot_config(struct boot *b, bool headless)
{
    g_autoptr(GError) error = NULL;

    if (!b->model) {
        cli_error("boot", "%s", _("Say which computer to start with --model; “vitrine models” lists them."));
        return NULL;
    }
    if (b->network && strcmp(b->network, "user") != 0 && strcmp(b->network, "none") != 0) {
        cli_error("boot", _("The network is “user” or “none”, not “%s”."), b->network);
        return NULL;
    }
    if (b->ram < 0 || b->cpus < 0) {
        cli_error("boot", "%s", _("Memory and processors are counted from 1."));
        return NULL;
    }
    bool files = needs_file(b->kernel) && needs_file(b->initrd) && needs_file(b->cdrom) &&
                 needs_file(b->floppy) && needs_file(b->firmware);
    for (char **disk = b->disks; files && disk && *disk; disk++)
        files = needs_file(*disk);
    if (!files)
        return NULL;
    guint serial_count = b->serials ? g_strv_length(b->serials) : 0;
    if (serial_count > ENGINE_MAX_SERIAL) {
        cli_error("boot", _("A machine has at most %d serial ports."), ENGINE_MAX_SERIAL);
        return NULL;
    }

    struct engine_config *config = engine_config_new(b->model, &error);
    if (!config) {
        cli_error("boot", "%s", error->message);
        return NULL;
    }
    if (b->accel && !known_accel(b->accel, &config->accel)) {
        cli_error("boot", _("The accelerator is “jit”, “interp” or “kvm”, not “%s”."), b->accel);
        engine_config_free(config);
        return NULL;
    }
    if (b->ram)
        config->ram_mib = (unsigned)b->ram;
    if (b->cpus)
        config->cpus = (unsigned)b->cpus;
    config->deterministic = b->deterministic;
    config->warp = b->warp;
    config->kernel = g_steal_pointer(&b->kernel);
    config->initrd = g_steal_pointer(&b->initrd);
    config->append = g_steal_pointer(&b->append);
    config->firmware = g_steal_pointer(&b->firmware);
    config->boot = g_steal_pointer(&b->boot);
    config->nvram = g_steal_pointer(&b->nvram);
    if (b->display) {
        g_free(config->display);
        config->display = g_steal_pointer(&b->display);
    }
    if (b->network)
        config->network = strcmp(b->network, "user") == 0;
    if (b->log) {
        g_free(config->log);
        config->log = g_steal_pointer(&b->log);
    }
    for (char **disk = b->disks; disk && *disk; disk++)
        engine_config_add_disk(config, *disk, -1, false);
    config->cdrom.path = g_steal_pointer(&b->cdrom);
    config->cdrom.read_only = true;
    config->floppy.path = g_steal_pointer(&b->floppy);
    if (!headless) {
        config->audio = ENGINE_AUDIO_PULSE;
        config->serial[0].kind = ENGINE_SERIAL_CALLBACK;
    }
    for (guint i = 0; i < serial_count; i++) {
        config->serial[i].kind = serial_kind(b->serials[i]);
        config->serial[i].path =
            config->serial[i].kind == ENGINE_SERIAL_FILE ? g_strdup(b->serials[i]) : NULL;
    }
    return config;
}

int cli_boot(int argc, char **argv)
{
    struct running r = {.command = "boot"};
    struct boot b = {0};
    const GOptionEntry options[] = {
        {"model", 0, 0, G_OPTION_ARG_STRING, &b.model, N_("Which computer (see “vitrine models”)"), N_("ID")},
        {"kernel", 0, 0, G_OPTION_ARG_FILENAME, &b.kernel, N_("Kernel to start directly"), N_("FILE")},
        {"initrd", 0, 0, G_OPTION_ARG_FILENAME, &b.initrd, N_("Initial RAM disk for the kernel"), N_("FILE")},
        {"append", 0, 0, G_OPTION_ARG_STRING, &b.append, N_("Command line for the kernel"), N_("TEXT")},
        {"disk", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &b.disks,
         N_("Hard disk image, written to; may be repeated"), N_("FILE")},
        {"snapshot", 0, 0, G_OPTION_ARG_NONE, &b.snapshot, N_("Leave the disk images as they are"), NULL},
        {"cdrom", 0, 0, G_OPTION_ARG_FILENAME, &b.cdrom, N_("CD in the drive"), N_("FILE")},
        {"floppy", 0, 0, G_OPTION_ARG_FILENAME, &b.floppy, N_("Floppy disk in the drive"), N_("FILE")},
        {"ram", 0, 0, G_OPTION_ARG_INT, &b.ram, N_("Memory"), N_("MiB")},
        {"cpus", 0, 0, G_OPTION_ARG_INT, &b.cpus, N_("Number of processors"), "N"},
        {"display", 0, 0, G_OPTION_ARG_STRING, &b.display, N_("Graphics card"), N_("ID")},
        {"net", 0, 0, G_OPTION_ARG_STRING, &b.network, N_("Network"), "user|none"},
        {"serial", 0, 0, G_OPTION_ARG_STRING_ARRAY, &b.serials,
         N_("Where the first (then the second…) serial port goes"), "stdio|none|pty|FILE"},
        {"firmware", 0, 0, G_OPTION_ARG_FILENAME, &b.firmware, N_("Firmware instead of the usual one"),
         N_("FILE")},
        {"boot", 0, 0, G_OPTION_ARG_STRING, &b.boot, N_("What the firmware starts from"),
         "disk|cdrom|floppy|network"},
        {"nvram", 0, 0, G_OPTION_ARG_FILENAME, &b.nvram, N_("File that keeps the battery-backed memory"),
         N_("FILE")},
        {"accel", 0, 0, G_OPTION_ARG_STRING, &b.accel, N_("How instructions are run"), "jit|interp|kvm"},
        {"deterministic", 0, 0, G_OPTION_ARG_NONE, &b.deterministic,
         N_("Time from the instruction count: the same run every time"), NULL},
        {"warp", 0, 0, G_OPTION_ARG_NONE, &b.warp, N_("Skip time in which the guest only waits"), NULL},
        {"log", 0, 0, G_OPTION_ARG_STRING, &b.log, N_("What to log, to standard error or a file"),
         "jit|guest[=FILE]"},
        RUNNING_OPTIONS(&r),
        {NULL},
    };
    int status = CLI_USAGE;

    if (!cli_parse(&argc, &argv, options, NULL,
                   _("Starts a machine without keeping it. Ends with status 0 when the guest powers off, 124 "
                     "when --timeout "
                     "has passed, 2 when the configuration is not possible."),
                   false))
        return CLI_USAGE;
    struct engine_config *config = check_running(&r) ? boot_config(&b, r.headless) : NULL;
    if (config) {
        const struct engine_model *model = engine_find_model(config->model);
        r.session = vitrine_session_new_for_config(config, _(model->title));
        vitrine_session_set_flags(r.session, b.snapshot ? SESSION_DISCARD_WRITES : 0);
        status = run_session(&r);
    }
    boot_clear(&b);
    running_clear(&r);
    return status;
}
