/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The SPARCstation 5 with its firmware, in deterministic mode: two runs are the same byte for byte, and a run
 * that was saved, loaded in another process and continued is the same as one that was not. With
 * VITRINE_TEST_GUESTS (a folder with sun4m/vmlinux and sun4m/initramfs.cpio.gz) the Linux guest is booted
 * too. Without the firmware tests are skipped.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "emulator/core/moment.h"
#include "emulator/machines/sun4m.h"

struct run {
    struct machine *machine;
    struct engine_config *config;
    GString *console;
};

static void console_output(void *opaque, const uint8_t *data, size_t size)
{
    g_string_append_len(((struct run *)opaque)->console, (const char *)data, (gssize)size);
}

static bool have_firmware(void)
{
    g_autofree char *path = engine_find_firmware(&sun4m_ss5.model.firmware[0], NULL);
    if (!path)
        g_test_skip("the firmware openbios-sparc32 is not installed");
    return path != NULL;
}

static struct run *run_new(const struct board *board, const char *display, const char *kernel,
                           const char *initrd, const char *append, enum machine_accel accel)
{
    struct run *run = g_new0(struct run, 1);
    g_autoptr(GError) error = NULL;
    run->console = g_string_new(NULL);
    run->config = engine_config_new(board->model.id, &error);
    g_assert_no_error(error);
    run->config->kernel = g_strdup(kernel);
    run->config->initrd = g_strdup(initrd);
    run->config->append = g_strdup(append);
    struct machine_options options = {
        .accel = accel, .deterministic = true, .ns_per_insn = board->ns_per_insn, .rtc_base = 1000000000};
    run->machine = machine_new(board->model.id, &options);
    struct board_setup setup = {
        .board = board,
        .config = run->config,
        .ram_mib = board->model.ram_default_mib,
        .cpus = 1,
        .display = display,
        .cdrom = block_backend_new(run->machine, "cdrom", NULL, true),
        .floppy = block_backend_new(run->machine, "floppy", NULL, false),
        .serial = {char_backend_callback(run->machine, console_output, run)},
    };
    g_ptr_array_add(run->machine->char_backends, setup.serial[0]);
    board->build(run->machine, &setup, &error);
    g_assert_no_error(error);
    machine_reset(run->machine, RESET_POWER_ON);
    machine_set_running(run->machine, true);
    return run;
}

static void run_free(struct run *run)
{
    machine_free(run->machine);
    engine_config_free(run->config);
    g_string_free(run->console, TRUE);
    g_free(run);
}

static GByteArray *save(struct run *run)
{
    g_autoptr(GError) error = NULL;
    GByteArray *bytes = machine_save_bytes(run->machine, false, &error);
    g_assert_no_error(error);
    return bytes;
}

static void assert_same_state(struct run *a, struct run *b)
{
    g_autoptr(GByteArray) one = save(a), two = save(b);
    g_assert_cmpuint(one->len, ==, two->len);
    if (memcmp(one->data, two->data, one->len)) {
        guint at = 0;
        while (one->data[at] == two->data[at])
            at++;
        g_error("states differ from byte %u of %u on", at, one->len);
    }
}

/* Runs until the text is on the console, at most so many instructions. */
static void run_until(struct run *run, const char *text, uint64_t most)
{
    uint64_t end = machine_icount(run->machine) + most;
    while (!strstr(run->console->str, text) && machine_icount(run->machine) < end &&
           run->machine->run_state == MACHINE_RUNNING)
        machine_run_until_icount(run->machine, machine_icount(run->machine) + 5000000);
    if (!strstr(run->console->str, text))
        g_error("“%s” did not come; the console says: %s", text, run->console->str);
}

static void test_prompt(const struct board *board, enum machine_accel accel)
{
    if (!have_firmware())
        return;
    struct run *run = run_new(board, "none", NULL, NULL, NULL, accel);
    run_until(run, "0 > ", 4000000000u);
    g_assert_nonnull(strstr(run->console->str, "OpenBIOS"));
    g_string_truncate(run->console, 0);
    char_backend_callback_input(run->machine->char_backends->pdata[0], (const uint8_t *)"3 4 + .\r", 8);
    run_until(run, "7  ok", 200000000);
    run_free(run);
}

static void test_ss5_prompt(void)
{
    test_prompt(&sun4m_ss5, ACCEL_JIT);
}

static void test_ss5_prompt_interpreted(void)
{
    test_prompt(&sun4m_ss5, ACCEL_INTERP);
}

static void test_ss20_prompt(void)
{
    test_prompt(&sun4m_ss20, ACCEL_JIT);
}

static void test_classic_prompt(void)
{
    test_prompt(&sun4m_classic, ACCEL_JIT);
}

/* The firmware's banner on each frame buffer: the picture has two colours at least. */
static void test_pictures(void)
{
    if (!have_firmware())
        return;
    static const char *const displays[] = {"tcx8", "tcx24", "cg3"};
    for (unsigned i = 0; i < G_N_ELEMENTS(displays); i++) {
        struct run *run = run_new(&sun4m_ss5, displays[i], NULL, NULL, NULL, ACCEL_JIT);
        uint64_t black = 0, white = 0;
        for (unsigned step = 0; step < 100 && (black < 500 || white < 500000); step++) {
            machine_run_until_icount(run->machine, machine_icount(run->machine) + 20000000);
            machine_render(run->machine, true);
            const struct display_surface *s = &run->machine->surface;
            black = white = 0;
            for (int p = 0; s->pixels && p < s->width * s->height; p++) {
                black += (s->pixels[p] & 0xffffff) == 0;
                white += (s->pixels[p] & 0xf0f000) == 0xf0f000;
            }
        }
        g_test_message("%s: %" G_GUINT64_FORMAT " dark, %" G_GUINT64_FORMAT " light pixels", displays[i],
                       black, white);
        g_assert_cmpuint(black, >=, 500);
        g_assert_cmpuint(white, >=, 500000);
        run_free(run);
    }
}

static void test_two_runs(void)
{
    if (!have_firmware())
        return;
    struct run *a = run_new(&sun4m_ss5, "tcx8", NULL, NULL, NULL, ACCEL_JIT),
               *b = run_new(&sun4m_ss5, "tcx8", NULL, NULL, NULL, ACCEL_JIT);
    machine_run_until_icount(a->machine, 150000000);
    for (uint64_t at = 0; at < 150000000;) { /* in odd pieces: where slices end must not matter */
        at = MIN(at + 7654321, 150000000);
        machine_run_until_icount(b->machine, at);
        machine_render(b->machine, false); /* nor that somebody looks */
    }
    g_assert_cmpuint(machine_icount(a->machine), ==, 150000000);
    assert_same_state(a, b);
    g_assert_cmpstr(a->console->str, ==, b->console->str);
    run_free(a);
    run_free(b);
}

static void load(struct run *run, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *bytes = NULL;
    gsize size = 0;
    g_file_get_contents(path, &bytes, &size, &error);
    g_assert_no_error(error);
    machine_load_bytes(run->machine, (const uint8_t *)bytes, size, &error);
    g_assert_no_error(error);
}

static void write_file(const char *path, const void *bytes, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_file_set_contents(path, bytes, (gssize)size, &error);
    g_assert_no_error(error);
}

/* Another process of this program: loads FOLDER/at.state, runs on to an instruction count, and leaves there the state
 * before and after, and what came on the console. */
static int go_on(char **argument)
{
    const char *folder = argument[0];
    struct run *run = run_new(&sun4m_ss5, "tcx8", *argument[2] ? argument[2] : NULL,
                              *argument[3] ? argument[3] : NULL, *argument[4] ? argument[4] : NULL, ACCEL_JIT);
    g_autofree char *at = g_build_filename(folder, "at.state", NULL);
    g_autofree char *again = g_build_filename(folder, "again.state", NULL);
    g_autofree char *end = g_build_filename(folder, "end.state", NULL);
    g_autofree char *console = g_build_filename(folder, "console", NULL);
    load(run, at);
    g_autoptr(GByteArray) loaded = save(run);
    write_file(again, loaded->data, loaded->len);
    machine_run_until_icount(run->machine, g_ascii_strtoull(argument[1], NULL, 10));
    g_autoptr(GByteArray) ended = save(run);
    write_file(end, ended->data, ended->len);
    write_file(console, run->console->str, run->console->len);
    run_free(run);
    return 0;
}

static void assert_file_is(const char *folder, const char *name, const void *bytes, gsize size)
{
    g_autofree char *path = g_build_filename(folder, name, NULL), *contents = NULL;
    g_autoptr(GError) error = NULL;
    gsize length = 0;
    g_file_get_contents(path, &contents, &length, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(contents, length, bytes, size);
    g_unlink(path);
}

/* Saved at random moments, each loaded in a process of its own and continued: all end where the first run ends, and
 * print what it printed after that moment. */
static void save_and_continue(const char *kernel, const char *initrd, const char *append, uint64_t length,
                              unsigned times)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("vitrine-state-XXXXXX", &error);
    g_assert_no_error(error);
    struct run *run = run_new(&sun4m_ss5, "tcx8", kernel, initrd, append, ACCEL_JIT);
    g_autoptr(GPtrArray) states = g_ptr_array_new_with_free_func((GDestroyNotify)g_byte_array_unref);
    g_autofree gsize *printed = g_new(gsize, times);
    uint64_t at = 0;
    for (unsigned i = 0; i < times; i++) {
        at = MIN(at + (uint64_t)(g_rand_double(rand) * 2 * (double)length / (times + 1)), length);
        machine_run_until_icount(run->machine, at);
        g_ptr_array_add(states, save(run));
        printed[i] = run->console->len;
    }
    machine_run_until_icount(run->machine, length);
    g_autoptr(GByteArray) end = save(run);
    g_autofree char *file = g_build_filename(folder, "at.state", NULL);
    g_autofree char *until = g_strdup_printf("%" G_GUINT64_FORMAT, length);
    for (unsigned i = 0; i < times; i++) {
        GByteArray *state = states->pdata[i];
        write_file(file, state->data, state->len);
        const char *argv[] = {"/proc/self/exe", "--go-on",           folder,
                              until,            kernel ? kernel : "", initrd ? initrd : "",
                              append ? append : "", NULL};
        int status = 0;
        g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, &error);
        g_assert_no_error(error);
        g_assert_cmpint(status, ==, 0);
        assert_file_is(folder, "again.state", state->data, state->len); /* save → load → save */
        assert_file_is(folder, "end.state", end->data, end->len);
        assert_file_is(folder, "console", run->console->str + printed[i], run->console->len - printed[i]);
    }
    g_unlink(file);
    g_rmdir(folder);
    run_free(run);
}

static void old_format_loaded(void *opaque, const GError *error)
{
    *(char **)opaque = g_strdup(error ? error->message : "loaded");
}

/* What the moments so far say of the memory. */
struct memory_copy {
    struct machine_moment *moment;
    GHashTable *blocks; /* id → GByteArray * */
};

static gpointer read_moment(gpointer data)
{
    struct memory_copy *copy = data;
    for (unsigned i = 0; i < copy->moment->block_count; i++) {
        const struct ram_block *block = copy->moment->blocks[i].block;
        GByteArray *bytes = g_hash_table_lookup(copy->blocks, block->id);
        if (!bytes) {
            bytes = g_byte_array_new();
            g_byte_array_set_size(bytes, (guint)block->size);
            g_hash_table_insert(copy->blocks, g_strdup(block->id), bytes);
        }
        uint64_t pages = block->size >> RAM_PAGE_BITS;
        for (uint64_t page = 0; page < pages; page += 37) { /* same ones keep what the copy has */
            uint8_t same[37];
            machine_moment_read(copy->moment, i, page, MIN(37, pages - page), same,
                                bytes->data + (page << RAM_PAGE_BITS));
            if (page % 1024 < 37)
                g_usleep(200); /* the guest is to write before all is read */
        }
    }
    return NULL;
}

static bool load_from_copy(void *opaque, const char *block, uint8_t *to, uint64_t size, GError **error)
{
    const GByteArray *bytes = g_hash_table_lookup(((struct memory_copy *)opaque)->blocks, block);
    g_assert_cmpuint(bytes->len, ==, size);
    memcpy(to, bytes->data, size);
    return true;
}

/* Moments that are read while the guest runs on hold what a saved state of the same instant holds, each
 * relative to the one before, and do not change the run. */
static void check_moments(const char *kernel, const char *initrd, const char *append, uint64_t step, unsigned times)
{
    struct run *straight = run_new(&sun4m_ss5, "tcx24", kernel, initrd, append, ACCEL_JIT);
    struct run *taken = run_new(&sun4m_ss5, "tcx24", kernel, initrd, append, ACCEL_JIT);
    struct memory_copy copy = {
        .blocks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_byte_array_unref)};
    uint64_t since = 0;
    for (unsigned i = 1; i <= times; i++) {
        g_autoptr(GError) error = NULL;
        machine_run_until_icount(taken->machine, i * step);
        copy.moment = machine_moment_begin(taken->machine, since, &error);
        g_assert_no_error(error);
        since = copy.moment->number;
        GThread *reader = g_thread_new("reader", read_moment, &copy);
        machine_run_until_icount(taken->machine, i * step + step / 2);
        g_thread_join(reader);
        machine_moment_end(copy.moment);

        machine_run_until_icount(straight->machine, i * step);
        struct run *loaded = run_new(&sun4m_ss5, "tcx24", kernel, initrd, append, ACCEL_JIT);
        const struct state_memory memory = {.load = load_from_copy, .opaque = &copy};
        machine_load_parts(loaded->machine, copy.moment->state->data, copy.moment->state->len, &memory, &error);
        g_assert_no_error(error);
        assert_same_state(straight, loaded);
        run_free(loaded);
        machine_moment_free(copy.moment);
    }
    machine_run_until_icount(straight->machine, times * step + step / 2);
    assert_same_state(straight, taken);
    g_hash_table_unref(copy.blocks);
    run_free(straight);
    run_free(taken);
}

static void test_moments(void)
{
    if (have_firmware())
        check_moments(NULL, NULL, NULL, 20000000, 6);
}

/* States written by earlier formats load for ever. */
static void test_old_formats(void)
{
    if (!have_firmware())
        return;
    static const char *const files[] = {"ss5-format1.state"};
    for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, "states", files[i], NULL);
        struct engine_config *config = engine_config_new("ss5", NULL);
        config->ram_mib = 32;
        config->deterministic = true;
        g_autoptr(GError) error = NULL;
        struct engine *engine = engine_new(config, NULL, &error);
        g_assert_no_error(error);
        engine_config_free(config);
        g_autofree char *contents = NULL;
        engine_start_paused(engine);
        engine_load_state(engine, path, old_format_loaded, &contents);
        engine_sync(engine);
        g_assert_cmpstr(contents, ==, "loaded");
        struct engine_stats before, after;
        engine_get_stats(engine, &before);
        engine_resume(engine);
        engine_wait(engine, 300);
        engine_pause(engine);
        engine_sync(engine);
        engine_get_stats(engine, &after);
        g_assert_cmpuint(after.icount, >, 0);
        g_assert_cmpint(engine_get_state(engine), ==, ENGINE_PAUSED); /* it did not stop at an error */
        engine_free(engine);
    }
}

static void test_firmware_saved_and_continued(void)
{
    if (have_firmware())
        save_and_continue(NULL, NULL, NULL, 150000000, 5);
}

static bool find_guest(char **kernel, char **initrd)
{
    const char *folder = g_getenv("VITRINE_TEST_GUESTS");
    if (!have_firmware())
        return false;
    if (!folder) {
        g_test_skip("VITRINE_TEST_GUESTS names no folder of guests");
        return false;
    }
    *kernel = g_build_filename(folder, "sun4m", "vmlinux", NULL);
    *initrd = g_build_filename(folder, "sun4m", "initramfs.cpio.gz", NULL);
    return true;
}

#define APPEND "console=tty0 console=ttyS0 net=off"

static void test_linux(void)
{
    g_autofree char *kernel = NULL, *initrd = NULL;
    if (!find_guest(&kernel, &initrd))
        return;
    struct run *run = run_new(&sun4m_ss5, "tcx8", kernel, initrd, APPEND, ACCEL_JIT);
    run_until(run, "GUEST-POWEROFF", 6000000000u);
    static const char *const lines[] = {
        "GUEST-OK sha256 409d04e78f7265434f52d8398c0f67ce71ba48c7d9f0f72eb060c4a1c20ec875",
        "GUEST-OK int 4 units check 8d400a80 sieve 1028 mat cbb82ee0",
        "GUEST-OK fpedge 49db6881 nan 7fffffffffffffff",
        "GUEST-OK fork20 190",
        "driver esp",
        "driver sunlance",
        "driver apc",
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(lines); i++)
        if (!strstr(run->console->str, lines[i]))
            g_error("the guest did not print “%s”", lines[i]);
    machine_run_until_icount(run->machine, machine_icount(run->machine) + 2000000000);
    g_assert_cmpint(run->machine->run_state, ==, MACHINE_OFF);
    g_assert_cmpint(run->machine->exit_status, ==, 0);
    run_free(run);
}

static void test_linux_moments(void)
{
    g_autofree char *kernel = NULL, *initrd = NULL;
    if (find_guest(&kernel, &initrd))
        check_moments(kernel, initrd, APPEND, 200000000, 4);
}

static void test_linux_saved_and_continued(void)
{
    g_autofree char *kernel = NULL, *initrd = NULL;
    if (find_guest(&kernel, &initrd))
        save_and_continue(kernel, initrd, APPEND, 1600000000, 20); /* it has powered off by then */
}

int main(int argc, char **argv)
{
    if (argc == 7 && !strcmp(argv[1], "--go-on"))
        return go_on(argv + 2);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sun4m/ss5/prompt", test_ss5_prompt);
    g_test_add_func("/sun4m/ss5/prompt-interpreted", test_ss5_prompt_interpreted);
    g_test_add_func("/sun4m/ss20/prompt", test_ss20_prompt);
    g_test_add_func("/sun4m/classic/prompt", test_classic_prompt);
    g_test_add_func("/sun4m/ss5/pictures", test_pictures);
    g_test_add_func("/sun4m/ss5/two-runs", test_two_runs);
    g_test_add_func("/sun4m/ss5/saved-and-continued", test_firmware_saved_and_continued);
    g_test_add_func("/sun4m/ss5/moments", test_moments);
    g_test_add_func("/sun4m/ss5/old-formats", test_old_formats);
    g_test_add_func("/sun4m/linux/moments", test_linux_moments);
    g_test_add_func("/sun4m/linux/boots", test_linux);
    g_test_add_func("/sun4m/linux/saved-and-continued", test_linux_saved_and_continued);
    return g_test_run();
}
