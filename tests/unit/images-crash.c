/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What dies, fails or loses power in the middle of writing: everything that was flushed is there afterwards,
 * and the tables hold leaks at most.
 *
 * Each sector that a test writes carries its number and a version. Afterwards a sector must show a version
 * between the last flushed one and the last one that was tried.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "images/internal.h"
#include "tests/unit/images-common.h"

#define SECTORS 6144u
#define SIZE    (SECTORS * 512u)

typedef struct Row {
    const char *name;
    gboolean overlay;
    ImageCreateOptions options;
} Row;

static const Row rows[] = {
    {"64k", FALSE, {0}},
    {"4k-overlay", TRUE, {.cluster_size = 4096}},
    {"512", FALSE, {.cluster_size = 512}},
    {"512-overlay-rc64", TRUE, {.cluster_size = 512, .refcount_bits = 64}},
    {"v2-4k", FALSE, {.cluster_size = 4096, .version = 2}},
    {"extended-overlay", TRUE, {.cluster_size = 16384, .extended_l2 = TRUE}},
};

typedef struct Ledger {
    guint32 next;
    guint32 tried[SECTORS];   /* version that a write, finished or not, brought at most */
    guint32 zeroed[SECTORS];  /* version of the last zero or discard that was tried */
    guint32 done[SECTORS];    /* version of the last finished write or zero */
    guint32 flushed[SECTORS]; /* the same at the last finished flush */
} Ledger;

static void sector_fill(guint8 *sector, guint32 number, guint32 version)
{
    fill_pattern(sector, 512, number * 2654435761u + version);
    memcpy(sector, &number, 4);
    memcpy(sector + 4, &version, 4);
}

static void assert_sector(const guint8 *sector, guint32 number, guint32 floor, const Ledger *ledger)
{
    guint8 expected[512];
    if (image_buffer_is_zero(sector, 512)) {
        if (floor != 0 && ledger->zeroed[number] < floor)
            g_error("sector %u lost version %u", number, floor);
        return;
    }
    guint32 version;
    memcpy(&version, sector + 4, 4);
    sector_fill(expected, number, version);
    g_assert_cmpmem(sector, 512, expected, 512);
    if (version < floor || version > ledger->tried[number])
        g_error("sector %u has version %u, not %u to %u", number, version, floor, ledger->tried[number]);
}

static void assert_image(Image *image, const guint32 *floor, const Ledger *ledger)
{
    g_autoptr(GError) error = NULL;
    g_autofree guint8 *bytes = g_malloc(SIZE);
    image_pread(image, 0, bytes, SIZE, &error);
    g_assert_no_error(error);
    for (guint32 s = 0; s < SECTORS; s++)
        assert_sector(bytes + (gsize)s * 512, s, floor[s], ledger);
}

static void assert_leaks_at_most(Image *image)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ImageCheck) check = image_check(image, IMAGE_REPAIR_NONE, NULL, &error);
    g_assert_no_error(error);
    for (guint i = 0; check->corruptions && i < check->messages->len; i++)
        g_test_message("%s", (char *)check->messages->pdata[i]);
    g_assert_cmpuint(check->corruptions, ==, 0);
}

/* One random operation; failures of the host are allowed. */
static void step(Image *image, Ledger *ledger, GRand *rand)
{
    gint32 dice = g_rand_int_range(rand, 0, 100);
    guint32 first = (guint32)g_rand_int_range(rand, 0, SECTORS);
    guint32 count = (guint32)g_rand_int_range(rand, 1, g_rand_int_range(rand, 0, 8) ? 40 : 600);
    count = MIN(count, SECTORS - first);
    guint64 offset = (guint64)first * 512, length = (guint64)count * 512;
    if (dice < 10) {
        if (image_flush(image, NULL))
            memcpy(ledger->flushed, ledger->done, sizeof ledger->done);
        return;
    }
    guint32 version = ++ledger->next;
    if (dice < 70) {
        g_autofree guint8 *bytes = g_malloc(length);
        for (guint32 i = 0; i < count; i++) {
            sector_fill(bytes + i * 512, first + i, version);
            ledger->tried[first + i] = version;
        }
        if (!image_pwrite(image, offset, bytes, length, NULL))
            return;
    } else {
        for (guint32 i = 0; i < count; i++)
            ledger->zeroed[first + i] = version;
        gboolean ok = dice < 85 ? image_write_zeroes(image, offset, length, NULL)
                                : image_discard(image, offset, length, NULL);
        if (!ok || dice >= 85)
            return;
    }
    for (guint32 i = 0; i < count; i++)
        ledger->done[first + i] = version;
}

/* A fresh image of the row, over a base that is full of version 1 when the row wants one. */
static char *make_image(const Row *row, const char *folder, Ledger *ledger)
{
    g_autoptr(GError) error = NULL;
    char *path = g_build_filename(folder, "disk", NULL);
    ImageCreateOptions options = row->options;
    options.size = SIZE;
    ledger->next = 1;
    if (row->overlay) {
        g_autofree guint8 *bytes = g_malloc(SIZE);
        g_autofree char *base = g_build_filename(folder, "base", NULL);
        for (guint32 s = 0; s < SECTORS; s++) {
            sector_fill(bytes + (gsize)s * 512, s, 1);
            ledger->tried[s] = ledger->done[s] = ledger->flushed[s] = 1;
        }
        g_assert_true(g_file_set_contents(base, (char *)bytes, SIZE, NULL));
        options.backing_file = "base";
        options.backing_format = "raw";
    }
    image_create(path, "qcow2", &options, &error);
    g_assert_no_error(error);
    return path;
}

/* ---- Killed ----------------------------------------------------------------------------------------------
 */

static void test_kill(gconstpointer data)
{
    const Row *row = data;
    g_autoptr(GError) error = NULL;
    char *folder = test_folder_new();
    Ledger *ledger = mmap(NULL, sizeof *ledger, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    g_assert_true(ledger != MAP_FAILED);
    g_autofree char *path = make_image(row, folder, ledger);
    GRand *rand = g_rand_new_with_seed(17);
    guint rounds = g_test_slow() ? 60 : 8;
    for (guint round = 0; round < rounds; round++) {
        guint32 seed = g_rand_int(rand);
        pid_t child = fork();
        g_assert_cmpint(child, >=, 0);
        if (child == 0) {
            Image *image = image_open(path, "qcow2", IMAGE_OPEN_WRITABLE, NULL);
            GRand *own = g_rand_new_with_seed(seed);
            if (!image)
                _exit(1);
            for (;;)
                step(image, ledger, own);
        }
        /* after a random number of operations, in the middle of one */
        guint32 until = ledger->next + (guint32)g_rand_int_range(rand, 5, 150);
        volatile guint32 *next = &ledger->next;
        gint64 limit = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
        while (*next < until && g_get_monotonic_time() < limit)
            g_usleep(50);
        g_usleep((gulong)g_rand_int_range(rand, 0, 300));
        kill(child, SIGKILL);
        int status;
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        g_assert_true(WIFSIGNALED(status));

        Image *image = image_open(path, "qcow2", IMAGE_OPEN_READ_ONLY, &error);
        g_assert_no_error(error);
        assert_image(image, ledger->flushed, ledger);
        assert_leaks_at_most(image);
        image_close(image, NULL);
        if (have_qemu_img()) {
            int rc = run_words(folder, "qemu-img check -q -f qcow2 disk");
            g_assert_true(rc == 0 || rc == 3);
        }
        image = image_open(path, "qcow2", IMAGE_OPEN_WRITABLE, &error);
        g_assert_no_error(error);
        g_autoptr(ImageCheck) check = image_check(image, IMAGE_REPAIR_LEAKS, NULL, &error);
        g_assert_no_error(error);
        image_close(image, &error);
        g_assert_no_error(error);
        assert_clean(path);
        /* what was seen is what counts from here on: versions that were not flushed may be gone */
        memcpy(ledger->done, ledger->flushed, sizeof ledger->done);
    }
    g_assert_cmpuint(ledger->next, >, rounds * 4);
    g_rand_free(rand);
    munmap(ledger, sizeof *ledger);
    test_folder_free(folder);
}

/* ---- Power cut: writes between two syncs reach the disk in any order, or not, sector by sector
 * ------------- */

typedef enum OpKind {
    OP_WRITE,
    OP_ZERO,
    OP_TRUNCATE,
    OP_SYNC,
    OP_FLUSHED, /* the image said that all is durable: the ledger's copy of then */
} OpKind;

typedef struct Op {
    OpKind kind;
    guint64 offset, length;
    gpointer bytes;
} Op;

typedef struct Journal {
    GArray *ops;
    GRand *faults; /* NULL: nothing fails */
    gint32 one_in;
    int number;
    gboolean fail_sync;
} Journal;

static void op_clear(gpointer data)
{
    g_free(((Op *)data)->bytes);
}

static gboolean fault(Journal *journal)
{
    return journal->faults && g_rand_int_range(journal->faults, 0, journal->one_in) == 0;
}

static void note(Journal *journal, OpKind kind, guint64 offset, guint64 length, gpointer bytes)
{
    Op op = {kind, offset, length, bytes};
    if (journal->ops)
        g_array_append_val(journal->ops, op);
    else
        g_free(bytes);
}

static gssize noted_preadv(ImageFile *file, const struct iovec *iov, int count, guint64 offset)
{
    Journal *journal = file->ops_data;
    if (journal->number == EIO && fault(journal))
        return -EIO;
    return image_file_posix.preadv(file, iov, count, offset);
}

static gssize noted_pwritev(ImageFile *file, const struct iovec *iov, int count, guint64 offset)
{
    Journal *journal = file->ops_data;
    if (fault(journal))
        return -journal->number;
    gssize n = image_file_posix.pwritev(file, iov, count, offset);
    if (n > 0 && journal->ops) {
        guint8 *bytes = g_malloc((gsize)n);
        gsize at = 0;
        for (int i = 0; i < count && at < (gsize)n; i++) {
            gsize step_length = MIN(iov[i].iov_len, (gsize)n - at);
            memcpy(bytes + at, iov[i].iov_base, step_length);
            at += step_length;
        }
        note(journal, OP_WRITE, offset, (guint64)n, bytes);
    }
    return n;
}

static int noted_sync(ImageFile *file)
{
    Journal *journal = file->ops_data;
    if (journal->fail_sync)
        return -EIO;
    note(journal, OP_SYNC, 0, 0, NULL);
    return 0;
}

static int noted_punch(ImageFile *file, guint64 offset, guint64 length)
{
    note(file->ops_data, OP_ZERO, offset, length, NULL);
    return image_file_posix.punch(file, offset, length);
}

static int noted_zero(ImageFile *file, guint64 offset, guint64 length)
{
    note(file->ops_data, OP_ZERO, offset, length, NULL);
    return image_file_posix.zero(file, offset, length);
}

static int noted_truncate(ImageFile *file, guint64 size)
{
    note(file->ops_data, OP_TRUNCATE, size, 0, NULL);
    return image_file_posix.truncate(file, size);
}

static int noted_allocate(ImageFile *file, guint64 offset, guint64 length)
{
    return image_file_posix.allocate(file, offset, length);
}

static int noted_size(ImageFile *file, guint64 *size)
{
    return image_file_posix.size(file, size);
}

static int noted_extent(ImageFile *file, guint64 offset, gboolean *is_data, guint64 *end)
{
    return image_file_posix.extent(file, offset, is_data, end);
}

static const ImageFileOps noted_ops = {
    .preadv = noted_preadv,
    .pwritev = noted_pwritev,
    .sync = noted_sync,
    .punch = noted_punch,
    .zero = noted_zero,
    .allocate = noted_allocate,
    .truncate = noted_truncate,
    .size = noted_size,
    .extent = noted_extent,
};

static Image *open_noted(const char *path, Journal *journal)
{
    g_autoptr(GError) error = NULL;
    ImageFile *file = image_file_open(path, TRUE, IMAGE_LOCK_WRITE, &error);
    g_assert_no_error(error);
    file->ops = &noted_ops;
    file->ops_data = journal;
    Image *image = image_open_file(file, &image_format_qcow2, IMAGE_OPEN_WRITABLE, &error);
    g_assert_no_error(error);
    return image;
}

static void apply(GByteArray *disk, const Op *op, GRand *rand)
{
    if (op->kind == OP_TRUNCATE) {
        guint before = disk->len;
        g_byte_array_set_size(disk, (guint)op->offset);
        if (disk->len > before)
            memset(disk->data + before, 0, disk->len - before);
        return;
    }
    if (op->kind != OP_WRITE && op->kind != OP_ZERO)
        return;
    guint64 end = op->offset + op->length;
    if (op->kind == OP_WRITE && disk->len < end) {
        guint before = disk->len;
        g_byte_array_set_size(disk, (guint)end);
        memset(disk->data + before, 0, disk->len - before);
    }
    for (guint64 at = op->offset; at < MIN(end, disk->len);) {
        guint64 next = MIN(MIN(end, disk->len), (at | 511) + 1);
        if (!rand || g_rand_boolean(rand)) { /* a sector arrives whole or not at all */
            if (op->kind == OP_WRITE)
                memcpy(disk->data + at, (guint8 *)op->bytes + (at - op->offset), next - at);
            else
                memset(disk->data + at, 0, next - at);
        }
        at = next;
    }
}

static void cut_power(const char *folder, GByteArray *before, const Journal *journal, guint cut,
                      const Ledger *ledger, const guint32 *initial, GRand *rand)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) disk = g_byte_array_new();
    g_byte_array_append(disk, before->data, before->len);
    guint last_sync = 0;
    const guint32 *floor = initial;
    for (guint i = 0; i < cut; i++) {
        const Op *op = &g_array_index(journal->ops, Op, i);
        if (op->kind == OP_SYNC)
            last_sync = i;
        if (op->kind == OP_FLUSHED)
            floor = op->bytes;
    }
    for (guint i = 0; i < cut; i++) {
        const Op *op = &g_array_index(journal->ops, Op, i);
        if (i < last_sync || g_rand_int_range(rand, 0, 4))
            apply(disk, op, i < last_sync || g_rand_boolean(rand) ? NULL : rand);
    }
    g_autofree char *path = g_build_filename(folder, "cut", NULL);
    g_assert_true(g_file_set_contents(path, (char *)disk->data, disk->len, NULL));
    Image *image = image_open(path, "qcow2", IMAGE_OPEN_WRITABLE, &error);
    g_assert_no_error(error);
    assert_image(image, floor, ledger);
    assert_leaks_at_most(image);
    image_close(image, NULL);
}

static void test_power(gconstpointer data)
{
    const Row *row = data;
    guint seeds = g_test_slow() ? 10 : 1;
    for (guint32 seed = 1; seed <= seeds; seed++) {
        char *folder = test_folder_new();
        g_autofree Ledger *ledger = g_new0(Ledger, 1);
        g_autofree char *path = make_image(row, folder, ledger);
        g_autofree guint32 *initial = g_memdup2(ledger->flushed, sizeof ledger->flushed);
        GRand *rand = g_rand_new_with_seed(seed);
        char *contents;
        gsize length;
        g_assert_true(g_file_get_contents(path, &contents, &length, NULL));
        g_autoptr(GByteArray) before = g_byte_array_new_take((guint8 *)contents, length);

        Journal journal = {.ops = g_array_new(FALSE, FALSE, sizeof(Op))};
        g_array_set_clear_func(journal.ops, op_clear);
        Image *image = open_noted(path, &journal);
        for (guint i = 0; i < 250; i++) {
            guint32 version = ledger->next;
            step(image, ledger, rand);
            if (version == ledger->next) /* a flush */
                note(&journal, OP_FLUSHED, 0, 0, g_memdup2(ledger->flushed, sizeof ledger->flushed));
        }
        image_close(image, NULL);
        for (guint i = 0; i < 40; i++) {
            guint cut = (guint)g_rand_int_range(rand, 1, (gint32)journal.ops->len + 1);
            cut_power(folder, before, &journal, cut, ledger, initial, rand);
        }
        g_array_unref(journal.ops);
        g_rand_free(rand);
        test_folder_free(folder);
    }
}

/* ---- Failing hosts ---------------------------------------------------------------------------------------
 */

static void run_faults(const Row *row, int number)
{
    guint seeds = g_test_slow() ? 20 : 2;
    for (guint32 seed = 1; seed <= seeds; seed++) {
        g_autoptr(GError) error = NULL;
        char *folder = test_folder_new();
        g_autofree Ledger *ledger = g_new0(Ledger, 1);
        g_autofree char *path = make_image(row, folder, ledger);
        GRand *rand = g_rand_new_with_seed(seed);
        Journal journal = {.one_in = 12, .number = number};
        Image *image = open_noted(path, &journal);
        for (guint burst = 0; burst < 6; burst++) {
            journal.faults = rand;
            for (guint i = 0; i < 60; i++)
                step(image, ledger, rand);
            /* the host is well again: nothing that was finished is lost, in memory or on disk */
            journal.faults = NULL;
            assert_image(image, ledger->done, ledger);
            image_flush(image, &error);
            g_assert_no_error(error);
            memcpy(ledger->flushed, ledger->done, sizeof ledger->done);
            assert_leaks_at_most(image);
        }
        image_close(image, &error);
        g_assert_no_error(error);
        image = image_open(path, "qcow2", IMAGE_OPEN_READ_ONLY, &error);
        g_assert_no_error(error);
        assert_image(image, ledger->flushed, ledger);
        assert_leaks_at_most(image);
        image_close(image, NULL);
        g_rand_free(rand);
        test_folder_free(folder);
    }
}

static void test_eio(gconstpointer data)
{
    run_faults(data, EIO);
}

static void test_enospc(gconstpointer data)
{
    run_faults(data, ENOSPC);
}

/* After a failed sync the kernel may have dropped data: no later flush may claim that all is well. */
static void test_failed_sync(void)
{
    char *folder = test_folder_new();
    g_autoptr(GError) error = NULL;
    g_autofree Ledger *ledger = g_new0(Ledger, 1);
    g_autofree char *path = make_image(&rows[0], folder, ledger);
    Journal journal = {.fail_sync = TRUE};
    Image *image = open_noted(path, &journal);
    image_pwrite(image, 0, "x", 1, &error);
    g_assert_no_error(error);
    g_assert_false(image_flush(image, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_IO);
    g_clear_error(&error);
    journal.fail_sync = FALSE;
    g_assert_false(image_flush(image, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_IO);
    g_clear_error(&error);
    g_assert_false(image_close(image, &error));
    test_folder_free(folder);
}

static void test_error_codes(void)
{
    char *folder = test_folder_new();
    g_autoptr(GError) error = NULL;
    g_autofree Ledger *ledger = g_new0(Ledger, 1);
    g_autofree char *path = make_image(&rows[0], folder, ledger);
    Journal journal = {.one_in = 1, .number = ENOSPC};
    Image *image = open_noted(path, &journal);
    GRand *rand = g_rand_new_with_seed(1);
    journal.faults = rand;
    g_assert_false(image_pwrite(image, 0, "x", 1, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_NO_SPACE);
    g_clear_error(&error);
    journal.number = EIO;
    g_assert_false(image_pwrite(image, 0, "x", 1, &error));
    g_assert_error(error, IMAGE_ERROR, IMAGE_ERROR_IO);
    journal.faults = NULL;
    image_close(image, NULL);
    g_rand_free(rand);
    test_folder_free(folder);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        GTestDataFunc func;
    } kinds[] = {{"kill", test_kill}, {"power", test_power}, {"eio", test_eio}, {"enospc", test_enospc}};
    g_test_init(&argc, &argv, NULL);
    for (gsize k = 0; k < G_N_ELEMENTS(kinds); k++) {
        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
            g_autofree char *name = g_strdup_printf("/images/crash/%s/%s", kinds[k].name, rows[i].name);
            g_test_add_data_func(name, &rows[i], kinds[k].func);
        }
    }
    g_test_add_func("/images/crash/failed-sync", test_failed_sync);
    g_test_add_func("/images/crash/error-codes", test_error_codes);
    return g_test_run();
}
