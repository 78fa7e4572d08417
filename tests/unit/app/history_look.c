/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tree as somebody sees it who reads it while another takes, goes back and deletes: each moment has its parent, the
 * present stands on one of them, and nothing that stays is missing.
 */
#include "app/history_store.h"

#include "app/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define SECONDS 2
#define NODES   6

struct place {
    char *folder;
    char *root; /* the node that stays */
    gint stop;
    guint changes;
};

static char *take(const char *folder, const char *name)
{
    g_autoptr(GError) error = NULL;
    char *id = history_take_off(folder, name, NULL, HISTORY_MANUAL, &error);

    g_assert_no_error(error);
    return id;
}

/* A chain grows from the root by NODES moments; then it goes back to the root, and they are deleted from the middle. */
static gpointer change(gpointer data)
{
    struct place *place = data;
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    g_autoptr(GError) error = NULL;

    while (!g_atomic_int_get(&place->stop)) {
        g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
        for (guint i = 0; i < NODES; i++)
            g_ptr_array_add(ids, take(place->folder, "moment"));
        history_restore_off(place->folder, place->root, NULL, &error);
        g_assert_no_error(error);
        while (ids->len) {
            guint which = (guint)g_rand_int_range(random, 0, (gint32)ids->len);
            history_delete_node(place->folder, ids->pdata[which], &error);
            g_assert_no_error(error);
            g_ptr_array_remove_index(ids, which);
        }
        place->changes += 2 * NODES + 1;
    }
    return NULL;
}

static void test_whole_tree(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *machines = g_dir_make_tmp("vitrine-look-XXXXXX", &error);
    g_assert_no_error(error);
    g_autoptr(MachineIni) wanted = machine_ini_new("ss5", "Station");
    g_autoptr(VitrineBundle) bundle = vitrine_bundle_create(machines, wanted, NULL, 0, NULL, &error);
    g_assert_no_error(error);
    struct place place = {.folder = g_strdup(vitrine_bundle_get_folder(bundle))};
    place.root = take(place.folder, "root");
    GThread *thread = g_thread_new("change", change, &place);
    guint looks = 0;
    for (gint64 end = g_get_monotonic_time() + SECONDS * G_USEC_PER_SEC; g_get_monotonic_time() < end; looks++) {
        MachineIni *machine;
        g_autofree char *here = NULL;
        g_autoptr(GPtrArray) records = history_look(place.folder, &machine, &here);
        guint roots = 0;
        g_assert_nonnull(machine);
        g_assert_nonnull(here);
        g_assert_nonnull(history_find(records, here));
        for (guint i = 0; i < records->len; i++) {
            const HistoryRecord *record = records->pdata[i];
            g_assert_null(record->problem);
            roots += !record->parent;
        }
        g_assert_cmpuint(roots, ==, 1);
        g_assert_nonnull(history_find(records, place.root));
        machine_ini_free(machine);
    }
    g_atomic_int_set(&place.stop, 1);
    g_thread_join(thread);
    g_test_message("%u looks at %u changes", looks, place.changes);
    g_assert_cmpuint(place.changes, >, 0);
    vitrine_remove_tree(machines, &error);
    g_assert_no_error(error);
    g_free(place.folder);
    g_free(place.root);
}

/* Instead of the C library's: a file system that knows no modes, as those of sticks and network drives. */
static gboolean no_modes;
int chmod(const char *path, mode_t mode)
{
    if (!no_modes)
        return fchmodat(AT_FDCWD, path, mode, 0);
    errno = EPERM;
    return -1;
}

static void test_without_modes(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *machines = g_dir_make_tmp("vitrine-look-XXXXXX", &error);
    g_autoptr(MachineIni) wanted = machine_ini_new("ss5", "Station");
    const struct bundle_disk disk = {.size = 1 << 20, .unit = 3};

    no_modes = TRUE;
    g_assert_cmpint(g_chmod(machines, 0755), ==, -1);
    g_autoptr(VitrineBundle) bundle = vitrine_bundle_create(machines, wanted, &disk, 1, NULL, &error);
    g_assert_no_error(error);
    const char *folder = vitrine_bundle_get_folder(bundle);
    g_autofree char *first = take(folder, "first");
    g_free(take(folder, "second"));
    g_assert_true(history_delete_node(folder, first, &error));
    history_collect(folder, NULL, &error);
    g_assert_no_error(error);
    g_autofree char *disks = g_build_filename(folder, "disks", NULL);
    g_auto(GStrv) left = vitrine_list_folder(disks, &error);
    g_assert_cmpuint(g_strv_length(left), ==, 2);
    no_modes = FALSE;
    vitrine_remove_tree(machines, &error);
    g_assert_no_error(error);
}

/* Somebody's hand was in it: a key twice, and one that is not known. */
static void test_description_written_again(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *machines = g_dir_make_tmp("vitrine-look-XXXXXX", &error);
    g_autoptr(MachineIni) wanted = machine_ini_new("ss5", "Station");
    g_autoptr(VitrineBundle) bundle = vitrine_bundle_create(machines, wanted, NULL, 0, NULL, &error);
    g_assert_no_error(error);
    const char *folder = vitrine_bundle_get_folder(bundle);
    g_autofree char *id = take(folder, "first"), *path = history_node_file(folder, id, "node.ini"), *text = NULL;
    g_assert_true(g_file_set_contents(path, "[Node]\nVersion=1\nParent=00000001\nParent=00000002\nNote=a\nNote=b\nName=first\n"
                                            "Colour=red\n", -1, &error));
    g_autoptr(HistoryRecord) record = history_read_one(folder, id, &error);
    g_assert_cmpstr(record->note, ==, "b");
    g_clear_pointer(&record->parent, g_free);
    g_clear_pointer(&record->note, g_free);
    g_assert_true(history_write_record(record, &error));
    g_autoptr(HistoryRecord) again = history_read_one(folder, id, &error);
    g_assert_no_error(error);
    g_assert_null(again->parent);
    g_assert_null(again->note);
    g_assert_true(g_file_get_contents(path, &text, NULL, &error));
    g_assert_nonnull(strstr(text, "Colour=red"));
    vitrine_remove_tree(machines, &error);
    g_assert_no_error(error);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/history/description-written-again", test_description_written_again);
    g_test_add_func("/history/without-modes", test_without_modes);
    g_test_add_func("/history/whole-tree-while-it-changes", test_whole_tree);
    return g_test_run();
}
