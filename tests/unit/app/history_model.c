/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A machine's whole history under a host that dies, forgets and fails: random operations (write, zero, discard, flush,
 * take with and without memory, go back, undo's node, delete with joining of layers, rename, branch, collect of memory)
 * on a bundle's folder, against a model of every moment: what its disk and its memory held. After each fault the machine
 * is looked at as its next start would do it: every moment that was acknowledged is there, can be read and holds what it
 * held; one that was being deleted may be gone, one that was being taken may be there and is whole; the present holds
 * what was flushed; nothing is left that a collect would not remove.
 *
 *   every  a few operations, as often as they make system calls that touch the disk, with the fault at each of them
 *   life   a long life with a fault every few operations
 *
 * host_faults.h says what the faults are. Each faulty run is a process of its own, and so is each look.
 *     -m slow: 200 lives per fault (HISTORY_SEEDS=FIRST-LAST for a part), and 40 batches per fault for `every`
 */
#include "app/history_store.h"
#include "tests/unit/app/memory_moment.h"
#include "tests/unit/host_faults.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECTORS    128u
#define MAX_NODES  10u

/* A moment. Versions of sectors; 0 = zeros. */
struct node {
    gboolean alive, taking, deleting; /* the latter two: an operation had begun and not succeeded */
    char id[9], name[24], other_name[24];
    guint32 disk[SECTORS], memory; /* memory: what its pages are made of, 0 = none */
};

struct present {
    guint32 flushed[SECTORS], done[SECTORS], tried[SECTORS], zeroed[SECTORS];
};

/* In memory that outlives a process. */
struct model {
    struct node nodes[MAX_NODES];
    struct present present, other; /* other: what it becomes while a moment is gone back to */
    gboolean going_back;
    guint32 version, branches;
    guint64 operations;
};

struct run {
    char *folder, *bundle, *stash;
    struct model *model;
    guint64 *calls;
    GRand *rand;
    Image *image;
    guint operation; /* of step(), the last one */
};

/* ---- the disk of the present ---- */

static Image *open_disk(const char *bundle, const MachineIni *machine, ImageOpenFlags flags, GError **error)
{
    g_autofree char *path = vitrine_bundle_path(bundle, machine->disks[0].file);

    return image_open(path, machine->disks[0].format, flags, error);
}

static gboolean open_present(struct run *run)
{
    g_autoptr(MachineIni) machine = run->image ? NULL : history_read_machine(run->bundle, NULL);

    if (machine)
        run->image = open_disk(run->bundle, machine, IMAGE_OPEN_WRITABLE, NULL);
    return run->image != NULL;
}

static gboolean close_present(struct run *run)
{
    struct present *p = &run->model->present;

    if (!run->image)
        return TRUE;
    if (!image_close(g_steal_pointer(&run->image), NULL))
        return FALSE;
    memcpy(p->flushed, p->done, sizeof p->done);
    return TRUE;
}

static gboolean op_write(struct run *run)
{
    struct present *p = &run->model->present;
    guint32 first = (guint32)g_rand_int_range(run->rand, 0, SECTORS), version = ++run->model->version;
    guint32 wanted = (guint32)g_rand_int_range(run->rand, 1, 30), count = MIN(wanted, SECTORS - first);
    gint32 dice = g_rand_int_range(run->rand, 0, 10);
    gboolean ok;

    if (!open_present(run))
        return FALSE;
    for (guint32 i = first; i < first + count; i++)
        (dice < 7 ? p->tried : p->zeroed)[i] = version;
    if (dice < 7) {
        g_autofree guint8 *bytes = g_malloc(count * 512);
        for (guint32 i = 0; i < count; i++)
            memory_fill(bytes + i * 512, 512, first + i, version);
        ok = image_pwrite(run->image, first * 512, bytes, count * 512, NULL);
    } else if (dice == 9) { /* may leave what was there */
        return image_discard(run->image, first * 512, count * 512, NULL);
    } else {
        ok = image_write_zeroes(run->image, first * 512, count * 512, NULL);
    }
    for (guint32 i = first; ok && i < first + count; i++)
        p->done[i] = version;
    return ok;
}

static gboolean op_flush(struct run *run)
{
    struct present *p = &run->model->present;

    if (!run->image)
        return TRUE;
    if (!image_flush(run->image, NULL))
        return FALSE;
    memcpy(p->flushed, p->done, sizeof p->done);
    return TRUE;
}

/* What the present holds, exactly: a discard may have left things. */
static gboolean read_present(struct run *run, guint32 *versions)
{
    g_autoptr(MachineIni) machine = history_read_machine(run->bundle, NULL);
    Image *image = machine ? open_disk(run->bundle, machine, IMAGE_OPEN_READ_ONLY, NULL) : NULL;
    g_autofree guint8 *bytes = g_malloc(SECTORS * 512);
    gboolean ok = image && image_pread(image, 0, bytes, SECTORS * 512, NULL);

    for (guint32 s = 0; ok && s < SECTORS; s++)
        memcpy(&versions[s], bytes + s * 512 + 4, 4);
    if (image)
        image_close(image, NULL);
    return ok;
}

/* ---- operations ---- */

static struct node *free_slot(struct run *run)
{
    for (guint i = 0; i < MAX_NODES; i++)
        if (!run->model->nodes[i].alive && !run->model->nodes[i].taking)
            return &run->model->nodes[i];
    return NULL;
}

static struct node *pick(struct run *run)
{
    guint first = (guint)g_rand_int_range(run->rand, 0, MAX_NODES);

    for (guint i = 0; i < MAX_NODES; i++)
        if (run->model->nodes[(first + i) % MAX_NODES].alive)
            return &run->model->nodes[(first + i) % MAX_NODES];
    return NULL;
}

static gboolean op_take(struct run *run, gboolean with_memory)
{
    struct node *node = free_slot(run);
    g_autofree char *id = NULL;

    if (!close_present(run))
        return FALSE;
    if (!node)
        return TRUE;
    *node = (struct node){.taking = TRUE, .memory = with_memory ? ++run->model->version : 0};
    host_pause();
    gboolean ok = read_present(run, node->disk);
    host_go_on();
    if (!ok)
        return FALSE;
    g_snprintf(node->name, sizeof node->name, with_memory ? "memory %u" : "node %u", with_memory ? node->memory : ++run->model->version);
    id = with_memory ? memory_moment_take(run->bundle, node->name, node->memory)
                     : history_take_off(run->bundle, node->name, NULL, HISTORY_MANUAL, NULL);
    if (!id)
        return FALSE;
    g_strlcpy(node->id, id, sizeof node->id);
    /* A machine that has memory waiting for it hands that on. */
    g_autoptr(HistoryRecord) record = history_read_one(run->bundle, id, NULL);
    if (record && record->has_ram && !with_memory)
        node->memory = G_MAXUINT32; /* one of the others': it can be read */
    node->alive = TRUE;
    node->taking = FALSE;
    return TRUE;
}

static gboolean op_restore(struct run *run)
{
    const struct node *node = pick(run);
    struct model *model = run->model;

    if (!node)
        return TRUE;
    if (!close_present(run))
        return FALSE;
    memcpy(model->other.flushed, node->disk, sizeof node->disk);
    memcpy(model->other.done, node->disk, sizeof node->disk);
    memcpy(model->other.tried, node->disk, sizeof node->disk);
    memset(model->other.zeroed, 0, sizeof model->other.zeroed);
    model->going_back = TRUE;
    if (!history_restore_off(run->bundle, node->id, NULL, NULL))
        return FALSE;
    model->present = model->other;
    model->going_back = FALSE;
    return history_collect(run->bundle, NULL, NULL);
}

static gboolean op_delete(struct run *run)
{
    struct node *node = pick(run);
    g_autoptr(GError) error = NULL;

    if (!node)
        return TRUE;
    if (!close_present(run))
        return FALSE;
    node->deleting = TRUE;
    if (!history_delete_node(run->bundle, node->id, &error)) {
        gboolean refused = g_error_matches(error, MACHINE_ERROR, MACHINE_ERROR_IN_USE); /* the next start needs it */
        node->deleting = !refused;
        return refused;
    }
    node->alive = node->deleting = FALSE;
    return history_collect(run->bundle, NULL, NULL);
}

static gboolean op_rename(struct run *run)
{
    struct node *node = pick(run);
    g_autoptr(HistoryRecord) record = node ? history_read_one(run->bundle, node->id, NULL) : NULL;

    if (!node)
        return TRUE;
    if (!record)
        return FALSE;
    g_snprintf(node->other_name, sizeof node->other_name, "other %u", ++run->model->version);
    g_free(record->name);
    record->name = g_strdup(node->other_name);
    if (!history_write_record(record, NULL))
        return FALSE;
    g_strlcpy(node->name, node->other_name, sizeof node->name);
    node->other_name[0] = 0;
    return TRUE;
}

/* A machine that stands on this one's layers, or on none: it is looked at and deleted again. */
static gboolean op_branch(struct run *run)
{
    const struct node *node = pick(run);
    g_autofree char *name = g_strdup_printf("Branch %u", ++run->model->branches);

    if (!node)
        return TRUE;
    if (!close_present(run))
        return FALSE;
    g_autofree char *folder = history_branch_off(run->bundle, node->id, name, g_rand_boolean(run->rand), NULL, NULL);
    if (!folder)
        return FALSE;
    g_autoptr(MachineIni) machine = history_read_machine(folder, NULL);
    Image *image = machine ? open_disk(folder, machine, IMAGE_OPEN_READ_ONLY, NULL) : NULL;
    g_autofree guint8 *bytes = g_malloc(SECTORS * 512);
    gboolean ok = image && image_pread(image, 0, bytes, SECTORS * 512, NULL);
    for (guint32 s = 0; ok && s < SECTORS; s++)
        if (memcmp(bytes + s * 512 + 4, &node->disk[s], 4) != 0)
            g_error("the branch of %s holds something else in sector %u", node->id, s);
    if (image)
        image_close(image, NULL);
    return vitrine_remove_tree(folder, NULL) && ok;
}

static gboolean step(struct run *run)
{
    gint32 dice = g_rand_int_range(run->rand, 0, 100);

    run->model->operations++;
    run->operation = (guint)dice;
    if (dice < 50)
        return op_write(run);
    if (dice < 60)
        return op_flush(run);
    if (dice < 68)
        return op_take(run, FALSE);
    if (dice < 76)
        return op_take(run, TRUE);
    if (dice < 83)
        return op_restore(run);
    if (dice < 92)
        return op_delete(run);
    if (dice < 96)
        return op_rename(run);
    return op_branch(run);
}

/* ---- looking ---- */

static void look_at_node(struct run *run, struct node *node, const HistoryRecord *record)
{
    g_autofree char *message = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree guint8 *bytes = g_malloc(SECTORS * 512);

    if (history_check_node(run->bundle, record, TRUE, NULL, &message) != HISTORY_HEALTH_GOOD)
        g_error("moment %s (%s): %s", record->id, record->name, message);
    if (strcmp(record->name, node->name) != 0 && strcmp(record->name, node->other_name) != 0)
        g_error("moment %s is called “%s”, not “%s”", record->id, record->name, node->name);
    g_strlcpy(node->name, record->name, sizeof node->name);
    node->other_name[0] = 0;
    Image *image = open_disk(run->bundle, record->machine, IMAGE_OPEN_READ_ONLY | IMAGE_OPEN_SHARE, &error);
    if (!image || !image_pread(image, 0, bytes, SECTORS * 512, &error))
        g_error("the disk of %s: %s", record->id, error->message);
    image_close(image, NULL);
    for (guint32 s = 0; s < SECTORS; s++)
        if (memcmp(bytes + s * 512 + 4, &node->disk[s], 4) != 0)
            g_error("moment %s holds something else in sector %u", record->id, s);
    if (node->memory && !memory_moment_is(run->bundle, record->id, node->memory == G_MAXUINT32 ? 0 : node->memory))
        g_error("moment %s has another memory", record->id);
}

static gboolean allowed(const struct present *p, guint32 s, guint32 version)
{
    if (!version)
        return !p->flushed[s] || p->zeroed[s] >= p->flushed[s];
    return version >= p->flushed[s] && version <= p->tried[s];
}

static void look_at_present(struct run *run)
{
    struct model *model = run->model;
    guint32 now[SECTORS];

    if (!read_present(run, now))
        g_error("the present cannot be read");
    const struct present *p = &model->present;
    for (guint pass = 0;; pass++) {
        guint32 s = 0;
        while (s < SECTORS && allowed(p, s, now[s]))
            s++;
        if (s == SECTORS)
            break;
        if (pass || !model->going_back)
            g_error("the present has version %u of sector %u, not %u to %u", now[s], s, p->flushed[s], p->tried[s]);
        p = &model->other;
    }
    struct present *q = &model->present;
    for (guint32 s = 0; s < SECTORS; s++) {
        q->flushed[s] = q->done[s] = q->tried[s] = now[s];
        q->zeroed[s] = 0;
    }
    model->going_back = FALSE;
}

/* As the machine's next start does it; what is there then is what counts. */
static void look(struct run *run)
{
    struct model *model = run->model;
    g_autoptr(GError) error = NULL;

    history_recover(run->bundle);
    for (guint round = 0; round < 2; round++) {
        g_autoptr(GPtrArray) records = history_read(run->bundle);
        guint found = 0;
        for (guint i = 0; i < MAX_NODES; i++) {
            struct node *node = &model->nodes[i];
            HistoryRecord *record = NULL;
            for (guint k = 0; k < records->len && !record; k++) {
                HistoryRecord *one = records->pdata[k];
                if (node->alive ? strcmp(one->id, node->id) == 0 : node->taking && strcmp(one->name, node->name) == 0)
                    record = one;
            }
            if (!record && node->alive && !node->deleting)
                g_error("moment %s (%s) is gone", node->id, node->name);
            if (record && record->has_ram && !node->memory)
                node->memory = G_MAXUINT32;
            node->alive = record != NULL;
            node->taking = node->deleting = FALSE;
            if (!record)
                continue;
            g_strlcpy(node->id, record->id, sizeof node->id);
            look_at_node(run, node, record);
            found++;
        }
        if (found != records->len)
            g_error("there are %u moments, %u of them known", records->len, found);
        look_at_present(run);
        /* Nothing that is needed is collected, and it works. */
        if (round == 0 && !history_collect(run->bundle, NULL, &error))
            g_error("collecting: %s", error->message);
    }
}

/* ---- runs ---- */

static void in_process(struct run *run, void (*what)(struct run *run))
{
    guint32 seed = g_rand_int(run->rand);
    pid_t child = fork();

    if (child == 0) {
        g_random_set_seed(seed);
        what(run);
        _exit(0);
    }
    host_wait(child, HOST_FINE, 0, seed);
}

static void faulty_life(struct run *run, HostFault fault, guint64 at, guint operations)
{
    guint32 seed = g_rand_int(run->rand);
    pid_t child = fork();

    if (child == 0) {
        gboolean ok = TRUE;
        run->rand = g_rand_new_with_seed(seed);
        g_random_set_seed(g_rand_int(run->rand)); /* names: a process that is forked would make the same ones again */
        host_watch(fault, at, run->calls, run->stash);
        for (guint i = 0; i < operations && ok && (!at || *run->calls < at); i++)
            ok = step(run);
        if (!ok && fault == HOST_SHORT)
            g_printerr("operation %u failed\n", run->operation);
        ok = close_present(run) && ok;
        _exit(fault == HOST_SHORT && !ok ? 2 : 0);
    }
    host_wait(child, fault, at, seed);
    host_clear_stash(run->stash);
}

static void make_machine(struct run *run)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MachineIni) machine = machine_ini_new("Model", "ss5");
    const struct bundle_disk disk = {.size = SECTORS * 512, .unit = -1};
    g_autofree char *machines = g_build_filename(run->folder, "machines", NULL);
    g_autoptr(VitrineBundle) bundle = vitrine_bundle_create(machines, machine, &disk, 1, NULL, &error);

    g_assert_no_error(error);
    g_assert_nonnull(bundle);
}

static void begin(struct run *run, guint32 seed)
{
    *run = (struct run){.folder = g_dir_make_tmp("vitrine-history-XXXXXX", NULL), .rand = g_rand_new_with_seed(seed)};
    run->bundle = g_build_filename(run->folder, "machines", "Model", NULL);
    run->stash = g_build_filename(run->folder, "stash", NULL);
    run->model = host_shared(sizeof *run->model);
    run->calls = host_shared(sizeof *run->calls);
    in_process(run, make_machine);
}

static void end(struct run *run)
{
    vitrine_remove_tree(run->folder, NULL);
    munmap(run->model, sizeof *run->model);
    munmap(run->calls, sizeof *run->calls);
    g_rand_free(run->rand);
    g_free(run->folder);
    g_free(run->bundle);
    g_free(run->stash);
}

static void copy_tree(const char *from, const char *to)
{
    const char *const words[] = {"cp", "-a", from, to, NULL};
    int status;

    g_assert_true(g_spawn_sync(NULL, (char **)words, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL));
    g_assert_cmpint(status, ==, 0);
}

/* The same operations with the fault at each of their calls in turn. */
static void test_every(gconstpointer data)
{
    HostFault fault = *(const HostFault *)data;
    guint batches = g_test_slow() ? 40 : 3, runs = 0;
    struct run run;

    begin(&run, 1 + (guint32)fault);
    g_autofree char *machines = g_build_filename(run.folder, "machines", NULL);
    g_autofree char *kept = g_build_filename(run.folder, "kept", NULL);
    faulty_life(&run, HOST_FINE, 0, 40);
    in_process(&run, look);
    for (guint batch = 0; batch < batches; batch++) {
        guint operations = (guint)g_rand_int_range(run.rand, 1, 4);
        g_autoptr(GRand) same = g_rand_copy(run.rand);
        g_autofree struct model *before = g_memdup2(run.model, sizeof *run.model);
        copy_tree(machines, kept);
        guint64 stride = g_test_slow() ? 1 : 5;
        for (guint64 at = 1;; at += stride, runs++) {
            g_rand_free(run.rand);
            run.rand = g_rand_copy(same);
            faulty_life(&run, fault, at, operations);
            in_process(&run, look);
            if (*run.calls < at)
                break;
            vitrine_remove_tree(machines, NULL);
            copy_tree(kept, machines);
            *run.model = *before;
        }
        vitrine_remove_tree(kept, NULL);
    }
    g_test_message("%u runs with a fault", runs);
    end(&run);
}

static void test_life(gconstpointer data)
{
    HostFault fault = *(const HostFault *)data;
    guint first = 1, last = g_test_slow() ? 200 : 1;

    if (g_getenv("HISTORY_SEEDS"))
        g_assert_cmpint(sscanf(g_getenv("HISTORY_SEEDS"), "%u-%u", &first, &last), ==, 2);
    for (guint32 seed = first; seed <= last; seed++) {
        struct run run;
        guint faults = 0;
        begin(&run, 1000 + seed);
        for (; faults < (g_test_slow() ? 100 : 12); faults++) {
            faulty_life(&run, fault, (guint64)g_rand_int_range(run.rand, 1, faults % 3 ? 300 : 60), 100);
            in_process(&run, look);
        }
        g_test_message("seed %u: %u faults in %" G_GUINT64_FORMAT " operations", seed, faults, run.model->operations);
        end(&run);
    }
}

int main(int argc, char **argv)
{
    static const HostFault faults[] = {HOST_KILL, HOST_FORGET, HOST_EIO, HOST_EIO_STAYS, HOST_ENOSPC, HOST_SHORT, HOST_READ,
                                       HOST_READ_ONCE};

    host_use_memory_disk();
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(faults); i++) {
        g_autofree char *life = g_strconcat("/history-model/life/", host_fault_names[faults[i]], NULL);
        g_autofree char *every = g_strconcat("/history-model/every/", host_fault_names[faults[i]], NULL);
        g_test_add_data_func(life, &faults[i], test_life);
        g_test_add_data_func(every, &faults[i], test_every);
    }
    return g_test_run();
}
