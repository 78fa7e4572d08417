/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random operations on trees of overlays (write, zero, discard, flush, snapshot, branch, restore, delete with
 * merge, resize, compact, reopen) against a flat model of every node; then the same with the process killed
 * at a system call that touches the disk, with what was not synced kept or lost, and with EIO and ENOSPC from
 * such a call, or EIO from one that reads: never a lost flushed write, never a node that does not open.
 *
 * The program is linked with --wrap for those system calls, so that it counts them, makes one fail, or ends
 * there. Each sector that is written says its number and a version; afterwards a sector shows a version
 * between the last flushed one and the last one that was tried.
 *
 *     test-images-treemodel -m slow      200 seeds of 10,000 operations, and many more faults
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "images/internal.h"
#include "tests/unit/images-common.h"

#define SECTORS   512u /* of the largest disk */
#define MAX_NODES 14u

/* ---- The host: counted, failing, forgetful
 * -----------------------------------------------------------------
 */

typedef enum Fault {
    FAULT_NONE,
    FAULT_KILL,      /* dies there; the host keeps all that was written */
    FAULT_KILL_LOSE, /* dies there; the host loses what was not synced */
    FAULT_EIO,
    FAULT_ENOSPC,
    FAULT_READ, /* EIO from a call that reads; only those count */
} Fault;

typedef struct Synced {
    ino_t inode;
    int fd; /* own */
    guint8 *bytes;
    gsize length;
} Synced;

static struct Host {
    Fault fault;
    guint64 calls, at; /* the call that the fault is for */
    GArray *files;     /* Synced: contents at the last sync, of files with writes since */
} host;

/* What the file holds before its first write after a sync: that is what a lost page cache leaves. */
static void remember(int fd)
{
    struct stat st;
    if (host.fault != FAULT_KILL_LOSE || fstat(fd, &st) < 0)
        return;
    for (guint i = 0; i < host.files->len; i++) {
        if (g_array_index(host.files, Synced, i).inode == st.st_ino)
            return;
    }
    Synced s = {st.st_ino, fcntl(fd, F_DUPFD_CLOEXEC, 0), g_malloc((gsize)st.st_size + 1), (gsize)st.st_size};
    g_assert_cmpint(pread(s.fd, s.bytes, s.length, 0), ==, (gssize)s.length);
    g_array_append_val(host.files, s);
}

static void forget(int fd)
{
    struct stat st;
    if (host.fault != FAULT_KILL_LOSE || fstat(fd, &st) < 0)
        return;
    for (guint i = 0; i < host.files->len; i++) {
        Synced *s = &g_array_index(host.files, Synced, i);
        if (s->inode == st.st_ino) {
            close(s->fd);
            g_free(s->bytes);
            g_array_remove_index_fast(host.files, i);
            return;
        }
    }
}

int __real_ftruncate64(int fd, off_t size);
ssize_t __real_pwritev64(int fd, const struct iovec *iov, int count, off_t offset);
ssize_t __real_preadv64(int fd, const struct iovec *iov, int count, off_t offset);
int __real_fallocate64(int fd, int mode, off_t offset, off_t length);
int __real_linkat(int from, const char *path, int to, const char *name, int flags);
int __real_rename(const char *from, const char *to);
int __real_unlink(const char *path);

/* TRUE: the call fails. */
static gboolean fault_here(gboolean reads)
{
    if (reads != (host.fault == FAULT_READ))
        return FALSE;
    host.calls++;
    if (host.fault == FAULT_NONE || host.calls != host.at)
        return FALSE;
    switch (host.fault) {
    case FAULT_KILL_LOSE:
        for (guint i = 0; i < host.files->len; i++) {
            const Synced *s = &g_array_index(host.files, Synced, i);
            const struct iovec iov = {s->bytes, s->length};
            if (__real_ftruncate64(s->fd, (off_t)s->length) < 0 ||
                __real_pwritev64(s->fd, &iov, 1, 0) != (ssize_t)s->length)
                _exit(9);
        }
        raise(SIGKILL);
        break;
    case FAULT_KILL: raise(SIGKILL); break;
    case FAULT_ENOSPC: errno = ENOSPC; break;
    default: errno = EIO; break;
    }
    return TRUE;
}

ssize_t __wrap_preadv64(int fd, const struct iovec *iov, int count, off_t offset);
ssize_t __wrap_pwritev64(int fd, const struct iovec *iov, int count, off_t offset);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
int __wrap_fallocate64(int fd, int mode, off_t offset, off_t length);
int __wrap_ftruncate64(int fd, off_t size);
int __wrap_linkat(int from, const char *path, int to, const char *name, int flags);
int __wrap_rename(const char *from, const char *to);
int __wrap_unlink(const char *path);

ssize_t __wrap_preadv64(int fd, const struct iovec *iov, int count, off_t offset)
{
    return fault_here(TRUE) ? -1 : __real_preadv64(fd, iov, count, offset);
}

ssize_t __wrap_pwritev64(int fd, const struct iovec *iov, int count, off_t offset)
{
    if (fault_here(FALSE))
        return -1;
    remember(fd);
    return __real_pwritev64(fd, iov, count, offset);
}

/* The real ones would only cost time: the host of this test does not lose its power. */
int __wrap_fdatasync(int fd)
{
    if (fault_here(FALSE))
        return -1;
    forget(fd);
    return 0;
}

int __wrap_fsync(int fd)
{
    return __wrap_fdatasync(fd);
}

int __wrap_fallocate64(int fd, int mode, off_t offset, off_t length)
{
    if (fault_here(FALSE))
        return -1;
    remember(fd);
    return __real_fallocate64(fd, mode, offset, length);
}

int __wrap_ftruncate64(int fd, off_t size)
{
    if (fault_here(FALSE))
        return -1;
    remember(fd);
    return __real_ftruncate64(fd, size);
}

int __wrap_linkat(int from, const char *path, int to, const char *name, int flags)
{
    return fault_here(FALSE) ? -1 : __real_linkat(from, path, to, name, flags);
}

int __wrap_rename(const char *from, const char *to)
{
    return fault_here(FALSE) ? -1 : __real_rename(from, to);
}

int __wrap_unlink(const char *path)
{
    return fault_here(FALSE) ? -1 : __real_unlink(path);
}

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
    gboolean broken; /* an operation failed: the leaf must be opened anew */
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
};

typedef struct Run {
    const Row *row;
    const char *folder;
    Tree *tree;
    GRand *rand;
    Image *image; /* of the leaf */
} Run;

static char *node_path(const Run *run, const Node *node)
{
    return g_strdup_printf("%s/n%u", run->folder, node->file);
}

static void fill_sector(guint8 *sector, guint32 number, guint32 version)
{
    fill_pattern(sector, 512, number * 2654435761u + version);
    memcpy(sector, &number, 4);
    memcpy(sector + 4, &version, 4);
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

static void begin(Run *run, const Row *row, const char *folder, guint32 seed)
{
    g_autoptr(GError) error = NULL;
    *run = (Run){.row = row, .folder = folder, .rand = g_rand_new_with_seed(seed)};
    run->tree = mmap(NULL, sizeof *run->tree, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    g_assert_true(run->tree != MAP_FAILED);
    Node *root = &run->tree->nodes[0];
    *root = (Node){.alive = TRUE, .parent = -1, .size = SECTORS / 2, .other_size = SECTORS / 2};
    run->tree->files = 1;
    ImageCreateOptions options = row->options;
    options.size = root->size * 512;
    g_autofree char *path = node_path(run, root);
    host = (struct Host){.files = g_array_new(FALSE, FALSE, sizeof(Synced))};
    image_create(path, "qcow2", &options, &error);
    g_assert_no_error(error);
}

static void end(Run *run)
{
    g_rand_free(run->rand);
    munmap(run->tree, sizeof *run->tree);
    for (guint i = 0; i < host.files->len; i++)
        g_free(g_array_index(host.files, Synced, i).bytes);
    g_array_unref(host.files);
}

/* Everything works: the model is exact. */
static void test_model(gconstpointer data)
{
    guint seeds = g_test_slow() ? 50 : 1, steps = g_test_slow() ? 10000 : 500;
    for (guint32 seed = 1; seed <= seeds; seed++) {
        char *folder = test_folder_new();
        Run run;
        begin(&run, data, folder, seed);
        g_assert_true(open_leaf(&run));
        for (guint i = 0; i < steps; i++) {
            g_assert_true(step(&run));
            if (i % 250 == 249) {
                g_assert_true(close_leaf(&run));
                verify_tree(&run, TRUE, i % 5000 == 499);
                g_assert_true(open_leaf(&run));
            }
        }
        g_assert_true(close_leaf(&run));
        verify_tree(&run, TRUE, TRUE);
        end(&run);
        test_folder_free(folder);
    }
}

/* One round: operations until the fault came, then the truth. */
static void fault_round(Run *run, Fault fault, guint64 at, gboolean ask_peer)
{
    guint32 seed = g_rand_int(run->rand);
    gboolean dies = fault == FAULT_KILL || fault == FAULT_KILL_LOSE;
    pid_t child = dies ? fork() : 0;
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        GRand *before = run->rand;
        run->rand = g_rand_new_with_seed(seed);
        gboolean ok = open_leaf(run);
        host.fault = fault;
        host.calls = 0;
        host.at = at;
        for (guint i = 0; i < 60 && ok && host.calls < at; i++)
            ok = step(run);
        if (dies)
            _exit(0); /* without closing: the same as being killed there */
        if (run->image)
            image_close(g_steal_pointer(&run->image), NULL);
        host.fault = FAULT_NONE;
        g_rand_free(run->rand);
        run->rand = before;
    } else {
        int status;
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        g_assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
                      (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    }
    if (!run->tree->nodes[run->tree->leaf].alive)
        g_error("the leaf is gone");
    verify_tree(run, TRUE, ask_peer);
}

static void test_fault(const Row *row, Fault fault)
{
    guint seeds = g_test_slow() ? 50 : 1, rounds = g_test_slow() ? 400 : 25;
    for (guint32 seed = 1; seed <= seeds; seed++) {
        char *folder = test_folder_new();
        Run run;
        begin(&run, row, folder, seed);
        for (guint round = 0; round < rounds; round++) /* at every call in turn, far ones now and then */
            fault_round(&run, fault,
                        1 + (round % 5 == 4 ? (guint64)g_rand_int_range(run.rand, 0, 400) : round),
                        (round + 1) % (g_test_slow() ? 200 : 25) == 0);
        end(&run);
        test_folder_free(folder);
    }
}

static void test_kill(gconstpointer data)
{
    test_fault(data, FAULT_KILL);
}

static void test_kill_lose(gconstpointer data)
{
    test_fault(data, FAULT_KILL_LOSE);
}

static void test_eio(gconstpointer data)
{
    test_fault(data, FAULT_EIO);
}

static void test_enospc(gconstpointer data)
{
    test_fault(data, FAULT_ENOSPC);
}

static void test_read(gconstpointer data)
{
    test_fault(data, FAULT_READ);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        GTestDataFunc func;
    } kinds[] = {{"model", test_model},
                 {"kill", test_kill},
                 {"kill-lose", test_kill_lose},
                 {"eio", test_eio},
                 {"enospc", test_enospc},
                 {"read", test_read}};
    if (!g_getenv("TMPDIR") && access("/dev/shm", W_OK) == 0)
        g_setenv("TMPDIR", "/dev/shm", TRUE); /* the disk under this test is a model as well */
    g_test_init(&argc, &argv, NULL);
    for (gsize k = 0; k < G_N_ELEMENTS(kinds); k++) {
        for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
            g_autofree char *name = g_strdup_printf("/images/treemodel/%s/%s", kinds[k].name, rows[i].name);
            g_test_add_data_func(name, &rows[i], kinds[k].func);
        }
    }
    return g_test_run();
}
