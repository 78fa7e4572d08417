/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random operations on trees of overlays (write, zero, discard, flush, snapshot, branch, restore, delete with
 * merge, resize, compact, reopen) against a flat model of every node: never a lost flushed write, never a node that
 * does not open. Each sector that is written says its number and a version; afterwards a sector shows a version
 * between the last flushed one and the last one that was tried.
 *
 *   model   everything works: the model is exact
 *   every   batches of one to six operations, from opening the leaf to closing it; each batch is done as often as it
 *           makes system calls that touch the disk, with the fault at the first, the second, ... the last of them,
 *           each time from the same files; then without a fault, and the next batch goes on from there
 *   kill, forget, eio, ...
 *           a long life with a fault at a random call every few operations: after each, what is there is what the
 *           next goes on with
 *
 * host_faults.h says what the faults are and how every system call is caught; each faulty run is a process of its own.
 * A short run does a part of this; the long one, with -m slow, is 200 seeds of 10,000 operations for `model` and for
 * each fault, seed N with the kind of image in row N modulo the rows; and 30 batches per row and fault for `every`.
 * TREEMODEL_SEEDS=FIRST-LAST takes a part of the 200.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "images/internal.h"
#include "tests/unit/host_faults.h"
#include "tests/unit/images-common.h"

#define SECTORS   512u /* of the largest disk */
#define MAX_NODES 14u

/* ---- The model
 * ---------------------------------------------------------------------------------------------
 */

typedef struct Node {
    gboolean alive;
    guint32 file;             /* its name's number */
    gint parent;              /* -1: none */
    guint32 size, other_size; /* sectors; while it is resized, either */
    guint32 flushed[SECTORS]; /* version at the last flush that succeeded */
    guint32 done[SECTORS];    /* of the last operation that succeeded */
    guint32 tried[SECTORS];   /* of the last write that was begun */
    guint32 zeroed[SECTORS];  /* of the last zeros that were begun */
} Node;

/* In memory that survives the child. */
typedef struct Tree {
    Node nodes[MAX_NODES];
    gint leaf; /* the node that is open for writing */
    guint32 files, version;
    guint64 operations;
} Tree;

typedef struct Row {
    const char *name;
    ImageCreateOptions options;
} Row;

static const Row rows[] = {
    {"4k", {.cluster_size = 4096}},
    {"64k-extended", {.cluster_size = 65536, .extended_l2 = TRUE}},
    {"512-rc64", {.cluster_size = 512, .refcount_bits = 64}},
    {"v2", {.cluster_size = 4096, .version = 2}},
    {"lazy", {.cluster_size = 8192, .lazy_refcounts = TRUE}},
};

typedef struct Run {
    const Row *row;
    char *folder, *stash;
    Tree *tree;
    guint64 *calls; /* that the watched process made; in memory that outlives it */
    GRand *rand;
    Image *image; /* of the leaf */
} Run;

static char *node_path(const Run *run, const Node *node)
{
    return g_strdup_printf("%s/n%u", run->folder, node->file);
}

static void fill_sector(guint8 *sector, guint32 number, guint32 version)
{
    const guint64 word = (guint64)version << 32 | number;
    for (guint i = 0; i < 512; i += 8) { /* quickly: most of the time goes here */
        guint64 mixed = i ? (word + i) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15) : word;
        memcpy(sector + i, &mixed, 8);
    }
}

/* Whom the file itself names: a merge that was interrupted is done or not. */
static gint parent_of(const Run *run, Image *image)
{
    g_autoptr(ImageInfo) info = image_get_info(image, NULL);
    for (gint i = 0; info->backing_file && i < (gint)MAX_NODES; i++) {
        const Node *node = &run->tree->nodes[i];
        if (node->alive && g_ascii_strtoull(info->backing_file + 1, NULL, 10) == node->file)
            return i;
    }
    g_assert_null(info->backing_file);
    return -1;
}

/* What the node's image shows is allowed by the model; @take: it is what counts from now on. */
static void verify_node(Run *run, Node *node, gboolean take)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = node_path(run, node);
    g_autoptr(Image) image = image_open(path, "qcow2", IMAGE_OPEN_READ_ONLY, &error);
    g_assert_no_error(error);
    guint32 size = (guint32)(image_size(image) / 512);
    g_assert_true(size == node->size || size == node->other_size);
    g_autofree guint8 *bytes = g_malloc(SECTORS * 512);
    image_pread(image, 0, bytes, size * 512, &error);
    g_assert_no_error(error);
    for (guint32 s = 0; s < size; s++) {
        const guint8 *sector = bytes + s * 512;
        guint8 expected[512];
        guint32 version = 0;
        if (image_buffer_is_zero(sector, 512)) {
            if (node->flushed[s] && node->zeroed[s] < node->flushed[s])
                g_error("node %u lost version %u of sector %u", node->file, node->flushed[s], s);
            version = node->flushed[s] && node->zeroed[s] ? node->zeroed[s] : 0;
        } else {
            memcpy(&version, sector + 4, 4);
            fill_sector(expected, s, version);
            g_assert_cmpmem(sector, 512, expected, 512);
            if (version < node->flushed[s] || version > node->tried[s])
                g_error("node %u: sector %u has version %u, not %u to %u", node->file, s, version,
                        node->flushed[s], node->tried[s]);
        }
        if (take) {
            gboolean zero = image_buffer_is_zero(sector, 512);
            node->flushed[s] = node->done[s] = zero ? 0 : version;
            node->tried[s] = zero ? 0 : version;
            node->zeroed[s] = 0;
        }
    }
    if (take) {
        node->size = node->other_size = size;
        node->parent = parent_of(run, image);
    }
    g_autoptr(ImageCheck) check = image_check(image, IMAGE_REPAIR_NONE, NULL, &error);
    g_assert_no_error(error);
    for (guint i = 0; check->corruptions && i < check->messages->len; i++)
        g_test_message("%s: %s", path, (char *)check->messages->pdata[i]);
    g_assert_cmpuint(check->corruptions, ==, 0);
}

static void verify_tree(Run *run, gboolean take, gboolean ask_peer)
{
    for (guint i = 0; i < MAX_NODES; i++) {
        Node *node = &run->tree->nodes[i];
        if (!node->alive)
            continue;
        verify_node(run, node, take);
        if (ask_peer && have_qemu_img()) {
            g_autofree char *line = g_strdup_printf("qemu-img check -q -f qcow2 n%u", node->file);
            int rc = run_words(run->folder, line);
            g_assert_true(rc == 0 || rc == 3);
        }
    }
}

/* ---- Operations: each may fail, and says so
 * ----------------------------------------------------------------
 */

static gboolean open_leaf(Run *run)
{
    g_autofree char *path = node_path(run, &run->tree->nodes[run->tree->leaf]);
    run->image = image_open(path, "qcow2", IMAGE_OPEN_WRITABLE, NULL);
    return run->image != NULL;
}

static gboolean close_leaf(Run *run)
{
    Node *leaf = &run->tree->nodes[run->tree->leaf];
    if (!run->image)
        return TRUE;
    if (!image_close(g_steal_pointer(&run->image), NULL))
        return FALSE;
    memcpy(leaf->flushed, leaf->done, sizeof leaf->done);
    return TRUE;
}

static gboolean op_write(Run *run)
{
    Node *leaf = &run->tree->nodes[run->tree->leaf];
    guint32 first = (guint32)g_rand_int_range(run->rand, 0, (gint32)leaf->size);
    guint32 count = (guint32)g_rand_int_range(run->rand, 1, g_rand_int_range(run->rand, 0, 8) ? 20 : 200);
    count = MIN(count, leaf->size - first);
    guint32 version = ++run->tree->version;
    gint32 dice = g_rand_int_range(run->rand, 0, 10);
    gboolean ok;
    if (dice < 7) {
        g_autofree guint8 *bytes = g_malloc(count * 512);
        for (guint32 i = 0; i < count; i++) {
            fill_sector(bytes + i * 512, first + i, version);
            leaf->tried[first + i] = version;
        }
        ok = image_pwrite(run->image, first * 512, bytes, count * 512, NULL);
    } else {
        for (guint32 i = 0; i < count; i++)
            leaf->zeroed[first + i] = version;
        if (dice == 9) /* a discard may leave what was there */
            return image_discard(run->image, first * 512, count * 512, NULL);
        ok = image_write_zeroes(run->image, first * 512, count * 512, NULL);
    }
    for (guint32 i = 0; ok && i < count; i++)
        leaf->done[first + i] = version;
    return ok;
}

static gboolean op_flush(Run *run)
{
    Node *leaf = &run->tree->nodes[run->tree->leaf];
    if (!image_flush(run->image, NULL))
        return FALSE;
    memcpy(leaf->flushed, leaf->done, sizeof leaf->done);
    return TRUE;
}

static gboolean op_resize(Run *run)
{
    Node *leaf = &run->tree->nodes[run->tree->leaf];
    guint32 size = (guint32)g_rand_int_range(run->rand, 64, SECTORS + 1);
    guint32 version = ++run->tree->version;
    for (guint32 s = MIN(size, leaf->size); s < SECTORS; s++)
        leaf->zeroed[s] = leaf->tried[s] = version;
    leaf->other_size = size;
    if (!image_resize(run->image, size * 512, TRUE, NULL))
        return FALSE;
    for (guint32 s = MIN(size, leaf->size); s < SECTORS; s++)
        leaf->done[s] = leaf->flushed[s] = leaf->tried[s] = leaf->zeroed[s] = 0;
    leaf->size = leaf->other_size = size;
    /* a resize makes durable all that was before it */
    memcpy(leaf->flushed, leaf->done, sizeof leaf->done);
    return TRUE;
}

static gint free_slot(const Tree *tree)
{
    for (guint i = 0; i < MAX_NODES; i++) {
        if (!tree->nodes[i].alive)
            return (gint)i;
    }
    return -1;
}

static guint children_of(const Tree *tree, gint index)
{
    guint n = 0;
    for (guint i = 0; i < MAX_NODES; i++)
        n += tree->nodes[i].alive && tree->nodes[i].parent == index;
    return n;
}

static gint pick_node(Run *run)
{
    gint index;
    do {
        index = g_rand_int_range(run->rand, 0, MAX_NODES);
    } while (!run->tree->nodes[index].alive);
    return index;
}

/* The leaf's node is closed; a new overlay of @base becomes the leaf. */
static gboolean grow(Run *run, gint base)
{
    Tree *tree = run->tree;
    gint slot = free_slot(tree);
    Node *node = &tree->nodes[slot], *from = &tree->nodes[base];
    *node = *from;
    node->alive = FALSE;
    node->file = tree->files++;
    node->parent = base;
    ImageCreateOptions options = run->row->options;
    g_autofree char *path = node_path(run, node), *name = g_strdup_printf("n%u", from->file);
    options.backing_file = name;
    options.backing_format = "qcow2";
    gboolean ok = image_create(path, "qcow2", &options, NULL);
    node->alive = ok;
    if (ok)
        tree->leaf = slot;
    return open_leaf(run) && ok;
}

static gboolean op_snapshot(Run *run)
{
    return free_slot(run->tree) < 0 || (close_leaf(run) && grow(run, run->tree->leaf));
}

static gboolean op_branch(Run *run)
{
    return free_slot(run->tree) < 0 || (close_leaf(run) && grow(run, pick_node(run)));
}

/* Goes on in another node without children. */
static gboolean op_restore(Run *run)
{
    gint index = pick_node(run);
    if (children_of(run->tree, index))
        return TRUE;
    if (!close_leaf(run))
        return FALSE;
    run->tree->leaf = index;
    return open_leaf(run);
}

/* Deletes a node: its children take in what it holds. */
static gboolean op_delete(Run *run)
{
    Tree *tree = run->tree;
    gint index = pick_node(run);
    Node *node = &tree->nodes[index];
    if (index == tree->leaf)
        return TRUE;
    if (!close_leaf(run))
        return FALSE;
    gboolean ok = TRUE;
    for (guint i = 0; ok && i < MAX_NODES; i++) {
        Node *child = &tree->nodes[i];
        if (!child->alive || child->parent != index)
            continue;
        g_autofree char *path = node_path(run, child);
        ok = image_merge(path, "qcow2", NULL, NULL);
        if (ok)
            child->parent = node->parent;
    }
    if (ok && children_of(tree, index) == 0) {
        g_autofree char *path = node_path(run, node);
        ok = unlink(path) == 0;
        node->alive = !ok; /* what was not removed is a node still */
    }
    return open_leaf(run) && ok;
}

static gboolean op_compact(Run *run)
{
    if (!close_leaf(run))
        return FALSE;
    g_autofree char *path = node_path(run, &run->tree->nodes[run->tree->leaf]);
    gboolean ok = children_of(run->tree, run->tree->leaf) ||
                  image_compact(path, "qcow2", g_rand_boolean(run->rand), NULL, NULL);
    return open_leaf(run) && ok;
}

static gboolean op_reopen(Run *run)
{
    return close_leaf(run) && open_leaf(run);
}

/* A leaf that others stand on is never written: the next one begins on it. */
static gboolean step(Run *run)
{
    Tree *tree = run->tree;
    gint32 dice = g_rand_int_range(run->rand, 0, 1000);
    tree->operations++;
    if (children_of(tree, tree->leaf))
        return op_snapshot(run);
    if (dice < 700)
        return op_write(run);
    if (dice < 820)
        return op_flush(run);
    if (dice < 860)
        return op_resize(run);
    if (dice < 890)
        return op_snapshot(run);
    if (dice < 915)
        return op_branch(run);
    if (dice < 935)
        return op_restore(run);
    if (dice < 970)
        return op_delete(run);
    if (dice < 980)
        return op_compact(run);
    return op_reopen(run);
}

/* ---- Runs
 * --------------------------------------------------------------------------------------------------
 */

static void begin(Run *run, const Row *row, guint32 seed)
{
    g_autoptr(GError) error = NULL;
    *run = (Run){.row = row, .folder = test_folder_new(), .rand = g_rand_new_with_seed(seed)};
    run->stash = g_strconcat(run->folder, ".stash", NULL);
    run->tree = host_shared(sizeof *run->tree);
    run->calls = host_shared(sizeof *run->calls);
    Node *root = &run->tree->nodes[0];
    *root = (Node){.alive = TRUE, .parent = -1, .size = SECTORS / 2, .other_size = SECTORS / 2};
    run->tree->files = 1;
    ImageCreateOptions options = row->options;
    options.size = root->size * 512;
    g_autofree char *path = node_path(run, root);
    image_create(path, "qcow2", &options, &error);
    g_assert_no_error(error);
}

static void end(Run *run)
{
    g_rand_free(run->rand);
    munmap(run->tree, sizeof *run->tree);
    munmap(run->calls, sizeof *run->calls);
    test_folder_free(run->folder);
    g_free(run->stash);
}

/* Which of the 200 seeds are this row's. */
static void for_seeds(const Row *row, guint short_count, void (*one)(const Row *row, guint32 seed, gconstpointer data),
                      gconstpointer data)
{
    guint first = 1, last = 200, count = 0;
    if (g_getenv("TREEMODEL_SEEDS"))
        g_assert_cmpint(sscanf(g_getenv("TREEMODEL_SEEDS"), "%u-%u", &first, &last), ==, 2);
    for (guint32 seed = first; seed <= last; seed++) {
        if (seed % G_N_ELEMENTS(rows) != (guint)(row - rows) || (!g_test_slow() && count == short_count))
            continue;
        one(row, seed, data);
        count++;
    }
}

static guint64 operations_wanted(guint64 in_short)
{
    return g_test_slow() ? 10000 : in_short;
}

/* Everything works: the model is exact. In a process of its own, so that this one stays without threads and can fork. */
static void model_seed(const Row *row, guint32 seed, gconstpointer data)
{
    Run run;
    begin(&run, row, seed);
    pid_t child = fork();
    if (child) {
        host_wait(child, HOST_FINE, 0, seed);
        end(&run);
        return;
    }
    g_assert_true(open_leaf(&run));
    for (guint i = 0; run.tree->operations < operations_wanted(500); i++) {
        g_assert_true(step(&run));
        if (i % 250 == 249) {
            g_assert_true(close_leaf(&run));
            verify_tree(&run, TRUE, i % 5000 == 499);
            g_assert_true(open_leaf(&run));
        }
    }
    g_assert_true(close_leaf(&run));
    verify_tree(&run, TRUE, TRUE);
    _exit(0);
}

static void test_model(gconstpointer data)
{
    for_seeds(data, 1, model_seed, NULL);
}

/* A watched process opens the leaf, does up to so many operations or until the fault came, and ends: killed, without
 * closing, or with closing. */
static void faulty_life(Run *run, HostFault fault, guint64 at, guint operations, gboolean closes)
{
    guint32 seed = g_rand_int(run->rand);
    pid_t child = fork();
    if (child == 0) {
        run->rand = g_rand_new_with_seed(seed);
        host_watch(fault, at, run->calls, run->stash);
        gboolean ok = open_leaf(run);
        for (guint i = 0; i < operations && ok && (!at || *run->calls < at); i++)
            ok = step(run);
        if (closes)
            ok = close_leaf(run) && ok;
        /* short writes are nothing that fails */
        _exit(fault == HOST_SHORT && !ok ? 2 : 0);
    }
    host_wait(child, fault, at, seed);
    host_clear_stash(run->stash);
    if (!run->tree->nodes[run->tree->leaf].alive)
        g_error("the leaf is gone");
}

/* A fault every few operations, mostly at one of the first calls, far ones now and then. */
static void fault_seed(const Row *row, guint32 seed, gconstpointer data)
{
    HostFault fault = *(const HostFault *)data;
    static const gint32 reach[] = {12, 30, 30, 80, 200, 800};
    Run run;
    begin(&run, row, seed);
    guint rounds = 0;
    while (run.tree->operations < operations_wanted(200)) {
        guint64 at = (guint64)g_rand_int_range(run.rand, 1, reach[g_rand_int_range(run.rand, 0, G_N_ELEMENTS(reach))]);
        faulty_life(&run, fault, at, 400, !host_fault_kills(fault));
        verify_tree(&run, TRUE, ++rounds % 250 == 0 && seed % 4 == 0);
    }
    g_test_message("seed %u: %u faults in %" G_GUINT64_FORMAT " operations", seed, rounds, run.tree->operations);
    end(&run);
}

static const HostFault faults[] = {HOST_KILL,   HOST_FORGET, HOST_EIO, HOST_EIO_STAYS,
                                   HOST_ENOSPC, HOST_SHORT,  HOST_READ, HOST_READ_ONCE};

/* All files of the folder and the model, to go back to. */
typedef struct Saved {
    GPtrArray *names, *bytes; /* char *, GBytes * */
    Tree tree;
} Saved;

static void save(const Run *run, Saved *saved)
{
    g_autoptr(GDir) dir = g_dir_open(run->folder, 0, NULL);
    const char *name;
    saved->names = g_ptr_array_new_with_free_func(g_free);
    saved->bytes = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    saved->tree = *run->tree;
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(run->folder, name, NULL);
        char *bytes;
        gsize length;
        g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
        g_ptr_array_add(saved->names, g_strdup(name));
        g_ptr_array_add(saved->bytes, g_bytes_new_take(bytes, length));
    }
}

static void go_back(const Run *run, const Saved *saved)
{
    g_autoptr(GDir) dir = g_dir_open(run->folder, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(run->folder, name, NULL);
        g_assert_cmpint(g_unlink(path), ==, 0);
    }
    for (guint i = 0; i < saved->names->len; i++) {
        g_autofree char *path = g_build_filename(run->folder, saved->names->pdata[i], NULL);
        gsize length;
        const void *bytes = g_bytes_get_data(saved->bytes->pdata[i], &length);
        FILE *file = fopen(path, "w");
        g_assert_nonnull(file);
        g_assert_cmpuint(fwrite(bytes, 1, length, file), ==, length);
        g_assert_cmpint(fclose(file), ==, 0);
    }
    *run->tree = saved->tree;
}

static void test_every(gconstpointer data)
{
    const Row *row = data;
    guint batches = g_test_slow() ? 30 : 1, runs = 0;
    Saved saved;
    for (gsize f = 0; f < G_N_ELEMENTS(faults); f++) {
        if (!g_test_slow() && (f + (gsize)(row - rows)) % 3) /* each with some of the rows */
            continue;
        Run run;
        begin(&run, row, 1000 + (guint32)f);
        faulty_life(&run, HOST_FINE, 0, 40, TRUE); /* a tree to begin with */
        for (guint batch = 0; batch < batches; batch++) {
            guint operations = (guint)g_rand_int_range(run.rand, 1, 7);
            g_autoptr(GRand) same = g_rand_copy(run.rand);
            save(&run, &saved);
            for (guint64 at = 1;; at++, runs++) {
                g_rand_free(run.rand);
                run.rand = g_rand_copy(same);
                faulty_life(&run, faults[f], at, operations, TRUE);
                verify_tree(&run, TRUE, at % 50 == 1);
                if (*run.calls < at) /* nothing was left to fail */
                    break;
                go_back(&run, &saved);
            }
            g_ptr_array_unref(saved.names);
            g_ptr_array_unref(saved.bytes);
        }
        end(&run);
    }
    g_test_message("%u runs with a fault", runs);
}

static void test_fault(gconstpointer data)
{
    const Row *row = data;
    g_auto(GStrv) words = g_strsplit(g_test_get_path(), "/", -1);
    for (gsize f = 0; f < G_N_ELEMENTS(faults); f++)
        if (g_strcmp0(words[3], host_fault_names[faults[f]]) == 0)
            for_seeds(row, 1, fault_seed, &faults[f]);
}

static void add(const char *kind, GTestDataFunc function)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_strdup_printf("/images/treemodel/%s/%s", kind, rows[i].name);
        g_test_add_data_func(name, &rows[i], function);
    }
}

int main(int argc, char **argv)
{
    host_use_memory_disk();
    g_test_init(&argc, &argv, NULL);
    add("model", test_model);
    add("every", test_every);
    for (gsize f = 0; f < G_N_ELEMENTS(faults); f++)
        add(host_fault_names[faults[f]], test_fault);
    return g_test_run();
}
