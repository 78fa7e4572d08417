/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Going back and on with Linux at full work: it reads and writes its disk, talks to the network, waits for its timer,
 * computes, and is typed at. Moments are taken whenever they come, and gone on from by another engine, compiling or
 * interpreting, or in the same one. Each time all of that goes on, and what the guest checks by itself is right.
 * And with a host whose disk is full: nothing of what the guest wrote is lost, nor written where it does not belong.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/input-event-codes.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "emulator/core/machine_private.h"
#include "emulator/engine_private.h"
#include "images/images.h"
#include "tests/machine/guest.h"

enum { DISK, NETWORK, TIMER, MEMORY, WORKS };
static const char *const work_names[WORKS] = {"disk", "network", "timer", "memory"};

struct bed {
    struct guest guest;
    char *folder, *place; /* place: where the machine's overlay stands */
    char *base, *now, *then; /* the disk's original; overlays: the machine's, and that of the moment */
    GRand *random;
    unsigned questions, keys;
};

/* ---- the disk goes along ---- */

static void copy_file(const char *from, const char *to)
{
    g_autofree char *data = NULL;
    g_autoptr(GError) error = NULL;
    gsize size;
    g_file_get_contents(from, &data, &size, &error);
    g_assert_no_error(error);
    g_file_set_contents_full(to, data, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0600, &error);
    g_assert_no_error(error);
}

static void exchange_disk(struct bed *bed, const char *from, const char *to)
{
    g_autoptr(GError) error = NULL;
    Image *image = engine_take_disk(bed->guest.engine, 0);
    image_close(image, &error);
    g_assert_no_error(error);
    copy_file(from, to);
    image = image_open(bed->now, "qcow2", IMAGE_OPEN_WRITABLE, &error);
    g_assert_no_error(error);
    engine_give_disk(bed->guest.engine, 0, image);
}

static bool keep_disk(void *opaque, GError **error)
{
    struct bed *bed = opaque;
    exchange_disk(bed, bed->now, bed->then);
    return true;
}

static bool bring_disk(void *opaque, GError **error)
{
    struct bed *bed = opaque;
    exchange_disk(bed, bed->then, bed->now);
    return true;
}

/* ---- the guest's work ---- */

static const char *const script[] = {
    "stty -echo\r",
    "mkdir -p /d; mount -t ext2 /dev/sda1 /d; ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up\r",
    "printf '#!/bin/sh\\necho key $1. >/dev/ttyS0\\n' >/bin/k; chmod +x /bin/k\r",
    "head -c 200000 /dev/urandom >/noise; cp /noise /d/noise\r",
    "n() { i=$((i+1)); echo $i >/n.$1.new; mv /n.$1.new /n.$1; }\r",
    "bad() { echo BAD $1 >/dev/ttyS0; }\r",
    "(while :; do cp /noise /d/copy; sync; echo 3 >/proc/sys/vm/drop_caches; cmp /noise /d/copy || bad disk; "
    "cmp /noise /d/noise || bad disk; n disk; done) &\r",
    "(while :; do ping -c 1 -W 2 10.0.2.2 >/dev/null && n network; done) &\r",
    "(while :; do usleep 3000; n timer; done) &\r",
    "(m=$(sha256sum </noise); while :; do [ \"$m\" = \"$(sha256sum </noise)\" ] || bad memory; n memory; done) &\r",
    "sleep 1; echo at wo''rk\r",
};

static const char *const complaints[] = {"BAD",     "Oops",      "BUG",  "I/O error", "Unable to handle", "anic",
                                         "Watchdog", "timed out", "hung", "FAIL",      "rror mode"};

static void check_complaints(struct bed *bed)
{
    struct watch *w = &bed->guest.watch;
    g_mutex_lock(&w->lock);
    for (unsigned i = 0; i < G_N_ELEMENTS(complaints); i++)
        if (said(w, complaints[i]))
            g_error("the guest complains: %s", w->serial->str);
    g_mutex_unlock(&w->lock);
}

static bool answered(const struct watch *w, const char *pattern, unsigned long *counts)
{
    g_autoptr(GMatchInfo) match = NULL;
    g_autoptr(GRegex) regex = g_regex_new(pattern, 0, 0, NULL);
    if (!g_regex_match(regex, w->serial->str, 0, &match))
        return false;
    for (int i = 0; i < WORKS; i++) {
        g_autofree char *number = g_match_info_fetch(match, i + 1);
        counts[i] = strtoul(number, NULL, 10);
    }
    return true;
}

/* How far the works are. The line may hold what was typed half when the moment was taken: ^U throws it away. */
static void ask_counts(struct bed *bed, unsigned long *counts)
{
    struct guest *guest = &bed->guest;
    unsigned number = ++bed->questions;
    g_autofree char *question = g_strdup_printf("\x15\recho ans$(cat /n.disk) $(cat /n.network) $(cat /n.timer) "
                                                "$(cat /n.memory) wer%u.\r", number);
    g_autofree char *pattern = g_strdup_printf("ans(\\d+) (\\d+) (\\d+) (\\d+) wer%u\\.", number);
    guest_type(guest, question);
    AWAIT_GUEST(guest, answered(w, pattern, counts));
}

static void press(struct bed *bed, unsigned code)
{
    engine_key(bed->guest.engine, code, true);
    g_usleep(20000);
    engine_key(bed->guest.engine, code, false);
    g_usleep(20000);
}

/* "k 123" at the keyboard; the answer comes down the line. */
static void use_keyboard(struct bed *bed)
{
    static const unsigned digits[] = {KEY_0, KEY_1, KEY_2, KEY_3, KEY_4, KEY_5, KEY_6, KEY_7, KEY_8, KEY_9};
    g_autofree char *answer = g_strdup_printf("key %u.", 100 + ++bed->keys);
    engine_release_all_keys(bed->guest.engine);
    press(bed, KEY_ENTER);
    press(bed, KEY_K);
    press(bed, KEY_SPACE);
    for (const char *p = answer + 4; *p != '.'; p++)
        press(bed, digits[*p - '0']);
    press(bed, KEY_ENTER);
    AWAIT_GUEST(&bed->guest, said(w, answer));
}

static void all_goes_on(struct bed *bed)
{
    unsigned long first[WORKS], now[WORKS];
    struct await await = await_begin(GUEST_SECONDS);
    ask_counts(bed, first);
    use_keyboard(bed);
    for (bool all = false; !all;) {
        ask_counts(bed, now);
        all = true;
        const bool late = !await_more(&await);
        for (unsigned i = 0; i < WORKS; i++) {
            all &= now[i] > first[i];
            if (now[i] <= first[i] && late)
                g_error("the guest's %s stands still at %lu", work_names[i], now[i]);
        }
        check_complaints(bed);
        if (!all)
            g_usleep(50000);
    }
}

/* ---- the test ---- */

static gpointer press_on(gpointer data)
{
    while (!g_atomic_int_get((gint *)data))
        ;
    return NULL;
}

/* `small`: the machine's overlay stands on a file system of this size, in bytes; 0 = in the folder with the others. */
static void make_bed(struct bed *bed, const char *guests, unsigned small)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *packed = g_build_filename(guests, "sun4m", "disk.img.zst", NULL);
    *bed = (struct bed){.folder = g_dir_make_tmp("vitrine-going-on-XXXXXX", &error), .random = g_rand_new_with_seed((guint32)g_test_rand_int())};
    g_assert_no_error(error);
    bed->base = g_build_filename(bed->folder, "base.img", NULL);
    bed->place = g_build_filename(bed->folder, "place", NULL);
    g_mkdir(bed->place, 0700);
    if (small) {
        g_autofree char *options = g_strdup_printf("size=%u", small);
        g_assert_cmpint(mount("none", bed->place, "tmpfs", 0, options), ==, 0);
    }
    bed->now = g_build_filename(bed->place, "now.qcow2", NULL);
    bed->then = g_build_filename(bed->folder, "then.qcow2", NULL);
    const char *const unpack[] = {"zstd", "-dqf", packed, "-o", bed->base, NULL};
    int status;
    g_spawn_sync(NULL, (char **)unpack, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, &error);
    g_assert_no_error(error);
    g_spawn_check_wait_status(status, &error);
    g_assert_no_error(error);
    image_create_overlay(bed->now, bed->base, "raw", &error);
    g_assert_no_error(error);
    guest_init(&bed->guest);
    bed->guest.also = keep_disk;
    bed->guest.ready = bring_disk;
    bed->guest.opaque = bed;
    struct engine_config *config = bed->guest.config;
    config->ram_mib = 64;
    config->kernel = g_build_filename(guests, "sun4m", "vmlinux", NULL);
    config->initrd = g_build_filename(guests, "sun4m", "initramfs.cpio.gz", NULL);
    config->append = g_strdup("console=tty0 console=ttyS0 do=shell net=off");
    config->serial[0].kind = ENGINE_SERIAL_CALLBACK;
    engine_config_add_disk(config, bed->now, -1, false);
}

static void free_bed(struct bed *bed)
{
    guest_finish(&bed->guest);
    const char *const files[] = {bed->base, bed->now, bed->then};
    for (unsigned i = 0; i < G_N_ELEMENTS(files); i++)
        g_unlink(files[i]);
    umount(bed->place); /* if it is one */
    g_rmdir(bed->place);
    g_rmdir(bed->folder);
    g_free(bed->place);
    g_free(bed->base);
    g_free(bed->now);
    g_free(bed->then);
    g_free(bed->folder);
    g_rand_free(bed->random);
}

static void one_round(struct bed *bed, unsigned round, unsigned rounds)
{
    struct guest *guest = &bed->guest;
    GRand *random = bed->random;
    g_usleep((gulong)g_rand_int_range(random, 0, 500000));
    const bool held = g_rand_boolean(random), in_place = g_rand_int_range(random, 0, 3) == 0;
    if (held) /* in the middle of a line */
        engine_key(guest->engine, KEY_K, true);
    if (g_rand_boolean(random))
        g_bytes_unref(guest_take(guest, random));
    g_autoptr(GBytes) state = guest_take(guest, random);
    if (held)
        engine_key(guest->engine, KEY_K, false);
    g_usleep((gulong)g_rand_int_range(random, 0, 300000));
    if (!in_place) {
        guest->config->accel = g_rand_int_range(random, 0, 4) == 0 ? ENGINE_ACCEL_INTERP : ENGINE_ACCEL_JIT;
        engine_power_off(guest->engine); /* nothing is written any more */
        engine_wait(guest->engine, -1);
        engine_sync(guest->engine);
        copy_file(bed->then, bed->now);
        guest_another_engine(guest);
    }
    g_test_message("round %u of %u: %s", round + 1, rounds,
                   in_place                                     ? "the same engine"
                   : guest->config->accel == ENGINE_ACCEL_INTERP ? "another engine, interpreting"
                                                                 : "another engine");
    guest_load(guest, state, in_place);
    engine_resume(guest->engine);
    all_goes_on(bed);
}

/* Linux at its prompt; false: the test is skipped. */
static bool boot(struct bed *bed, unsigned small)
{
    const char *guests = g_getenv("VITRINE_TEST_GUESTS");
    if (!guest_have_firmware())
        return false;
    if (!guests) {
        g_test_skip("VITRINE_TEST_GUESTS is not set");
        return false;
    }
    make_bed(bed, guests, small);
    bed->guest.engine = guest_engine(&bed->guest);
    engine_set_watched(bed->guest.engine, true);
    engine_start(bed->guest.engine);
    AWAIT_GUEST(&bed->guest, said(w, "GUEST-SHELL ready"));
    check_complaints(bed);
    return true;
}

static void test_linux_at_work(void)
{
    struct bed bed;
    unsigned long counts[WORKS];
    gint stop = 0;
    GThread *load[2];
    if (!boot(&bed, 0))
        return;
    for (unsigned i = 0; i < G_N_ELEMENTS(script); i++) {
        guest_type(&bed.guest, script[i]);
        g_usleep(300000);
    }
    AWAIT_GUEST(&bed.guest, said(w, "at work"));
    ask_counts(&bed, counts);
    all_goes_on(&bed);
    for (unsigned i = 0; i < G_N_ELEMENTS(load); i++)
        load[i] = g_thread_new("load", press_on, &stop);
    const unsigned rounds = g_test_slow() ? 60 : 3;
    for (unsigned round = 0; round < rounds; round++)
        one_round(&bed, round, rounds);
    g_atomic_int_set(&stop, 1);
    for (unsigned i = 0; i < G_N_ELEMENTS(load); i++)
        g_thread_join(load[i]);
    free_bed(&bed);
}

/* ---- no room on the host ---- */

static bool own_mounts; /* this process may mount, and nobody else sees it */

/* Before there are threads. */
static void get_own_mounts(void)
{
    const unsigned user = getuid(), group = getgid();
    if (unshare(CLONE_NEWNS)) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
            return;
        g_autofree char *users = g_strdup_printf("0 %u 1", user), *groups = g_strdup_printf("0 %u 1", group);
        const char *const files[][2] = {
            {"/proc/self/setgroups", "deny"}, {"/proc/self/uid_map", users}, {"/proc/self/gid_map", groups}};
        for (unsigned i = 0; i < G_N_ELEMENTS(files); i++) {
            int fd = open(files[i][0], O_WRONLY | O_CLOEXEC);
            if (fd < 0 || write(fd, files[i][1], strlen(files[i][1])) < 0)
                return;
            close(fd);
        }
    }
    own_mounts = !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* Leaves so many bytes. */
static void fill(struct bed *bed, uint64_t left)
{
    struct statvfs info;
    g_autofree char *path = g_build_filename(bed->place, "filler", NULL);
    g_assert_cmpint(statvfs(bed->place, &info), ==, 0);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    g_assert_cmpint(posix_fallocate(fd, 0, (off_t)(info.f_bavail * info.f_frsize - left)), ==, 0);
    close(fd);
}

static void make_room(struct bed *bed)
{
    g_autofree char *path = g_build_filename(bed->place, "filler", NULL);
    g_unlink(path);
}

/* The machine has paused by itself, and says why. */
static void await_full(struct bed *bed)
{
    struct await await = await_begin(GUEST_SECONDS);
    while (engine_get_state(bed->guest.engine) != ENGINE_PAUSED) {
        g_assert_true(await_more(&await));
        g_usleep(10000);
    }
    g_autofree char *message = engine_message(bed->guest.engine);
    g_assert_nonnull(message);
    g_assert_nonnull(strstr(message, "full"));
}

static void test_full_disk(void)
{
    if (!own_mounts) {
        g_test_skip("no file system of one's own can be mounted here");
        return;
    }
    struct bed bed;
    if (!boot(&bed, 32 << 20))
        return;
    GLogLevelFlags fatal = g_log_set_always_fatal(G_LOG_FATAL_MASK); /* writing warns that there is no room */
    struct guest *guest = &bed.guest;
    guest_ask(guest,
              "mkdir /d; mount -t ext2 /dev/sda1 /d; head -c 1000000 /dev/urandom >/a; cp /a /d/a; sync; echo rea''dy\r",
              "ready");
    g_autoptr(GBytes) state = guest_take(guest, bed.random);

    /* With room again it writes what waited. */
    fill(&bed, 300 << 10);
    guest_type(guest, "head -c 3000000 /dev/urandom >/b; cp /b /d/b; sync; echo 3 >/proc/sys/vm/drop_caches; "
                      "cmp /a /d/a && cmp /b /d/b && echo all the''re\r");
    await_full(&bed);
    make_room(&bed);
    engine_resume(guest->engine);
    AWAIT_GUEST(guest, said(w, "all there"));

    /* Gone back, what waited is nobody's any more. */
    fill(&bed, 300 << 10);
    guest_type(guest, "head -c 4000000 /dev/urandom >/d/c; sync\r");
    await_full(&bed);
    make_room(&bed);
    guest_load(guest, state, true);
    g_assert_null(guest->engine->machine->priv->parked);
    engine_resume(guest->engine);
    guest_ask(guest, "\x15\recho 3 >/proc/sys/vm/drop_caches; cmp /a /d/a || echo B''AD; ls /d/b /d/c; echo ba''ck\r", "back");
    check_complaints(&bed);
    AWAIT_GUEST(guest, said(w, "/d/b: No such file") && said(w, "/d/c: No such file"));
    free_bed(&bed);
    g_log_set_always_fatal(fatal);
}

/* Whoever gives up waiting for this test ends it so. */
static void ended(int number)
{
    static const char text[] = "Bail out! Ended from outside, in the middle of its work.\n";
    _exit(write(STDOUT_FILENO, text, sizeof text - 1) < 0 ? 2 : 1);
}

int main(int argc, char **argv)
{
    signal(SIGTERM, ended);
    get_own_mounts();
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/going-on/full-disk", test_full_disk);
    g_test_add_func("/going-on/linux-at-work", test_linux_at_work);
    return g_test_run();
}
