/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bundles and the library: made whole or not at all, open once, originals untouched, seen when they change.
 */
#include "app/building.h"
#include "app/library.h"

#include "images/images.h"
#include "tests/unit/app/folder.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct place {
    char *folder;
};

static void set_up(struct place *place, gconstpointer data)
{
    place->folder = g_dir_make_tmp("vitrine-test-XXXXXX", NULL);
}

static void tear_down(struct place *place, gconstpointer data)
{
    vitrine_remove_tree(place->folder, NULL);
    g_free(place->folder);
}

static VitrineBundle *make(struct place *place, const char *name, const struct bundle_disk *disks,
                           guint count, GError **error)
{
    g_autoptr(MachineIni) machine = machine_ini_new(name, "ss5");

    return vitrine_bundle_create(place->folder, machine, disks, count, NULL, error);
}

static void test_create(struct place *place, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    const struct bundle_disk disk = {.size = 10 * 1024 * 1024 + 1, .unit = 3};
    g_autoptr(VitrineBundle) bundle = make(place, "One", &disk, 1, &error);

    g_assert_no_error(error);
    const MachineIni *machine = vitrine_bundle_get_machine(bundle);
    g_assert_cmpstr(vitrine_bundle_get_name(bundle), ==, "One");
    g_assert_cmpint(vitrine_bundle_get_state(bundle), ==, BUNDLE_OFF);
    g_assert_cmpuint(machine->disk_count, ==, 1);
    g_assert_cmpint(machine->disks[0].unit, ==, 3);
    g_autofree char *path = vitrine_bundle_path(vitrine_bundle_get_folder(bundle), machine->disks[0].file);
    g_autoptr(Image) image = image_open(path, machine->disks[0].format, IMAGE_OPEN_WRITABLE, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(image_size(image), ==, 10 * 1024 * 1024 + 512);

    g_assert_null(make(place, "One", NULL, 0, &error));
    g_assert_error(error, MACHINE_ERROR, MACHINE_ERROR_EXISTS);
}

/* A machine that was renamed stays in its folder: neither its old name nor its new one leads to two of one name. */
static void test_names_are_free(struct place *place, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VitrineBundle) first = make(place, "One", NULL, 0, &error);
    g_assert_no_error(error);
    const char *folder = vitrine_bundle_get_folder(first);
    g_autoptr(MachineIni) machine = machine_ini_copy(vitrine_bundle_get_machine(first));
    g_free(machine->name);
    machine->name = g_strdup("Other");
    g_assert_true(vitrine_bundle_save(first, machine, &error));

    g_assert_null(make(place, "Other", NULL, 0, &error));
    g_assert_error(error, MACHINE_ERROR, MACHINE_ERROR_EXISTS);
    g_clear_error(&error);
    g_assert_true(vitrine_bundle_name_is_free(place->folder, "Other", folder, &error));
    g_autoptr(VitrineBundle) second = make(place, "One", NULL, 0, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(vitrine_bundle_get_name(second), ==, "One");
    g_assert_cmpstr(vitrine_bundle_get_folder(second), !=, folder);
    g_assert_false(vitrine_bundle_name_is_free(place->folder, "One", folder, NULL));
    for (const char *const *bad = (const char *const[]){"", "   ", ".x", "a/b", "a\nb", "\xff", NULL}; *bad; bad++)
        g_assert_false(vitrine_bundle_name_is_free(place->folder, *bad, NULL, NULL));
}

/* The disk cannot be made: nothing of the machine stays behind. */
static void test_failed_create_leaves_nothing(struct place *place, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    const struct bundle_disk disk = {.file = "/nonexistent/original.img", .unit = -1};

    g_assert_null(make(place, "Two", &disk, 1, &error));
    g_assert_nonnull(error);
    g_assert_cmpuint(count_entries(place->folder), ==, 0);
}

static void test_original_is_never_written(struct place *place, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *original = g_build_filename(place->folder, "original.img", NULL);
    g_autofree char *contents = g_malloc(1024 * 1024);
    char block[4096];

    memset(contents, 0x5a, 1024 * 1024);
    g_assert_true(g_file_set_contents(original, contents, 1024 * 1024, NULL));
    for (int copy = 0; copy < 2; copy++) {
        const struct bundle_disk disk = {.file = original, .copy = copy, .unit = -1};
        g_autoptr(VitrineBundle) bundle = make(place, copy ? "Copy" : "Overlay", &disk, 1, &error);
        g_assert_no_error(error);
        const MachineIni *machine = vitrine_bundle_get_machine(bundle);
        g_autofree char *path =
            vitrine_bundle_path(vitrine_bundle_get_folder(bundle), machine->disks[0].file);
        g_autoptr(Image) image = image_open(path, "qcow2", IMAGE_OPEN_WRITABLE, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(image_chain_length(image), ==, copy ? 1 : 2);
        g_assert_true(image_pread(image, 8192, block, sizeof(block), &error));
        g_assert_cmpint(block[0], ==, 0x5a);
        memset(block, 1, sizeof(block));
        g_assert_true(image_pwrite(image, 8192, block, sizeof(block), &error));
    }
    g_autofree char *after = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(original, &after, &size, NULL));
    g_assert_cmpmem(after, size, contents, 1024 * 1024);
}

static void test_open_once(struct place *place, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VitrineBundle) bundle = make(place, "Three", NULL, 0, &error);
    g_autoptr(VitrineBundle) again = vitrine_bundle_new(vitrine_bundle_get_folder(bundle));

    g_assert_true(vitrine_bundle_lock(bundle, &error));
    g_assert_cmpint(vitrine_bundle_get_state(bundle), ==, BUNDLE_RUNNING);
    g_assert_false(vitrine_bundle_lock(again, &error));
    g_assert_error(error, MACHINE_ERROR, MACHINE_ERROR_IN_USE);
    g_clear_error(&error);
    vitrine_bundle_refresh(again);
    g_assert_cmpint(vitrine_bundle_get_state(again), ==, BUNDLE_RUNNING);
    g_assert_false(vitrine_bundle_delete(again, &error));
    g_assert_error(error, MACHINE_ERROR, MACHINE_ERROR_IN_USE);
    vitrine_bundle_unlock(bundle);
    g_assert_true(vitrine_bundle_lock(again, NULL));
    vitrine_bundle_unlock(again);
    g_assert_true(vitrine_bundle_delete(again, NULL));
    g_assert_cmpuint(count_entries(place->folder), ==, 0);
}

/* Whoever has it open for something else than a run: the others know what for, and what they are refused says so. */
static void test_open_for(struct place *place, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VitrineBundle) bundle = make(place, "Four", NULL, 0, &error);
    g_autoptr(VitrineBundle) other = vitrine_bundle_new(vitrine_bundle_get_folder(bundle));

    g_assert_true(vitrine_bundle_lock_for_export(bundle, &error));
    g_assert_cmpint(vitrine_bundle_get_state(bundle), ==, BUNDLE_EXPORTING);
    vitrine_bundle_refresh(other);
    g_assert_cmpint(vitrine_bundle_get_state(other), ==, BUNDLE_EXPORTING);
    g_assert_true(vitrine_bundle_is_open(other));
    g_assert_false(vitrine_bundle_lock(other, &error));
    g_assert_error(error, MACHINE_ERROR, MACHINE_ERROR_IN_USE);
    g_assert_nonnull(strstr(error->message, "is being exported"));
    g_clear_error(&error);
    g_assert_false(vitrine_bundle_delete(bundle, &error));
    g_assert_nonnull(strstr(error->message, "is being exported"));
    g_clear_error(&error);
    vitrine_bundle_unlock(bundle);

    g_assert_true(vitrine_bundle_lock_for_change(bundle, &error));
    g_assert_cmpint(vitrine_bundle_get_state(bundle), ==, BUNDLE_OFF);
    vitrine_bundle_refresh(other);
    g_assert_cmpint(vitrine_bundle_get_state(other), ==, BUNDLE_CHANGING);
    g_assert_false(vitrine_bundle_lock(other, &error));
    g_assert_nonnull(strstr(error->message, "is being changed"));
    g_clear_error(&error);
    vitrine_bundle_unlock(bundle);

    /* What the last one wrote there does not count when nobody holds it, nor for the next one. */
    vitrine_bundle_refresh(other);
    g_assert_cmpint(vitrine_bundle_get_state(other), ==, BUNDLE_OFF);
    g_assert_true(vitrine_bundle_lock(other, &error));
    vitrine_bundle_refresh(bundle);
    g_assert_cmpint(vitrine_bundle_get_state(bundle), ==, BUNDLE_RUNNING);
    vitrine_bundle_unlock(other);
}

static void test_broken_is_shown(struct place *place, gconstpointer data)
{
    g_autofree char *folder = g_build_filename(place->folder, "Broken", NULL);
    g_autofree char *ini = g_build_filename(folder, "machine.ini", NULL);

    g_mkdir(folder, 0755);
    g_assert_true(g_file_set_contents(ini, "rubbish", -1, NULL));
    g_autoptr(VitrineLibrary) library = vitrine_library_new(place->folder, FALSE);
    g_assert_cmpuint(g_list_model_get_n_items(G_LIST_MODEL(library)), ==, 1);
    g_autoptr(VitrineBundle) bundle = g_list_model_get_item(G_LIST_MODEL(library), 0);
    g_assert_cmpint(vitrine_bundle_get_state(bundle), ==, BUNDLE_BROKEN);
    g_assert_cmpstr(vitrine_bundle_get_name(bundle), ==, "Broken");
    g_assert_nonnull(vitrine_bundle_get_problem(bundle));
}

static void test_hide_and_undo(struct place *place, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VitrineBundle) bundle = make(place, "Four", NULL, 0, &error);
    g_autoptr(VitrineLibrary) library = vitrine_library_new(place->folder, FALSE);

    g_assert_true(vitrine_bundle_hide(bundle, &error));
    vitrine_library_refresh(library);
    g_assert_cmpuint(g_list_model_get_n_items(G_LIST_MODEL(library)), ==, 0);
    g_assert_true(vitrine_bundle_unhide(bundle, &error));
    vitrine_library_refresh(library);
    g_assert_cmpuint(g_list_model_get_n_items(G_LIST_MODEL(library)), ==, 1);
    g_autoptr(VitrineBundle) found = vitrine_library_find(library, "Four", &error);
    g_assert_nonnull(found);
}

/* A machine that others stand on stays until they are gone; one that cannot be looked at may be such a one. */
static void test_stood_on_stays(struct place *place, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    const struct bundle_disk own = {.size = 1024 * 1024, .unit = 3};
    g_autoptr(VitrineBundle) below = make(place, "Below", &own, 1, &error);
    g_autofree char *layer = g_build_filename(vitrine_bundle_get_folder(below), "disks", "disk0.qcow2", NULL);
    const struct bundle_disk overlay = {.file = layer, .unit = 3};
    g_autoptr(VitrineBundle) above = make(place, "Above", &overlay, 1, &error);

    g_assert_no_error(error);
    g_assert_false(vitrine_bundle_hide(below, &error));
    g_assert_error(error, MACHINE_ERROR, MACHINE_ERROR_IN_USE);
    g_assert_nonnull(strstr(error->message, "“Above”"));
    g_clear_error(&error);
    g_assert_false(vitrine_bundle_delete(below, NULL));
    g_assert_cmpint(vitrine_bundle_get_state(below), ==, BUNDLE_OFF);
    g_assert_true(g_file_test(layer, G_FILE_TEST_EXISTS));

    /* Deleted, it does not keep the other one, though it can still be brought back. */
    g_assert_true(vitrine_bundle_hide(above, &error));
    g_assert_true(vitrine_bundle_hide(below, &error));
    g_assert_true(vitrine_bundle_unhide(below, &error));
    g_assert_true(vitrine_bundle_delete(above, &error));

    g_autofree char *link = g_build_filename(place->folder, "Elsewhere", NULL);
    g_assert_cmpint(symlink("/nowhere/at/all", link), ==, 0);
    g_assert_false(vitrine_bundle_delete(below, &error));
    g_assert_nonnull(strstr(error->message, "“Elsewhere”"));
    g_clear_error(&error);
    g_unlink(link);
    g_assert_true(vitrine_bundle_delete(below, &error));
}

/* What was deleted between a look at the library and the start is not opened. */
static void test_gone_is_not_locked(struct place *place, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VitrineBundle) bundle = make(place, "Gone", NULL, 0, &error);
    g_autoptr(VitrineBundle) other = vitrine_bundle_new(vitrine_bundle_get_folder(bundle));

    g_assert_true(vitrine_bundle_delete(other, &error));
    g_assert_false(vitrine_bundle_lock(bundle, &error));
    g_assert_nonnull(error);
}

/* A folder that was copied has the other one's name in it. */
static void test_find_copies(struct place *place, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VitrineBundle) bundle = make(place, "m", NULL, 0, &error);
    g_autofree char *from = g_build_filename(vitrine_bundle_get_folder(bundle), "machine.ini", NULL);
    g_autofree char *description = NULL;
    gsize size;

    g_assert_true(g_file_get_contents(from, &description, &size, NULL));
    for (const char *const *name = (const char *const[]){"a copy of m", "m (2)", NULL}; *name; name++) {
        g_autofree char *folder = g_build_filename(place->folder, *name, NULL);
        g_autofree char *to = g_build_filename(folder, "machine.ini", NULL);
        g_assert_cmpint(g_mkdir(folder, 0755), ==, 0);
        g_assert_true(g_file_set_contents(to, description, (gssize)size, NULL));
    }
    g_autoptr(VitrineLibrary) library = vitrine_library_new(place->folder, FALSE);
    g_autoptr(VitrineBundle) found = vitrine_library_find(library, "m", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(vitrine_bundle_get_folder(found), ==, vitrine_bundle_get_folder(bundle));
    g_autoptr(VitrineBundle) copy = vitrine_library_find(library, "m (2)", &error);
    g_assert_nonnull(copy);
    g_assert_true(vitrine_bundle_delete(found, &error));
    vitrine_library_refresh(library);
    g_assert_null(vitrine_library_find(library, "m", &error));
    g_assert_nonnull(strstr(error->message, "Several machines"));
}

static gboolean give_up(gpointer data)
{
    *(gboolean *)data = TRUE;
    return G_SOURCE_REMOVE;
}

/* A machine made behind the library's back appears by itself, in its place. */
static void test_library_watches(struct place *place, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VitrineBundle) last = make(place, "Z", NULL, 0, &error);
    g_autoptr(VitrineLibrary) library = vitrine_library_new(place->folder, TRUE);
    gboolean late = FALSE;
    guint timeout = g_timeout_add_seconds(8, give_up, &late);

    g_autoptr(VitrineBundle) first = make(place, "A", NULL, 0, &error);
    while (g_list_model_get_n_items(G_LIST_MODEL(library)) < 2 && !late)
        g_main_context_iteration(NULL, TRUE);
    g_assert_false(late);
    g_source_remove(timeout);
    g_autoptr(VitrineBundle) listed = g_list_model_get_item(G_LIST_MODEL(library), 0);
    g_assert_cmpstr(vitrine_bundle_get_name(listed), ==, "A");
    g_autofree char *free_name = vitrine_library_free_name(library, "A");
    g_assert_cmpstr(free_name, ==, "A 2");
}

/* What a killed Vitrine left of a new machine goes when another is made; what somebody else is at, or may be, stays. */
static void test_left_behind(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *machines = g_dir_make_tmp("vitrine-left-XXXXXX", &error);
    static const char *const names[] = {".new-LEFT01", ".new-LOCKED", ".new-YOUNG1", ".new-other-name", "Machine"};
    const struct timespec old[2] = {{.tv_nsec = UTIME_NOW}, {.tv_sec = time(NULL) - 3600}};
    int locked = -1;
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *folder = g_build_filename(machines, names[i], NULL);
        g_autofree char *inside = g_build_filename(folder, "disks", NULL);
        g_mkdir_with_parents(inside, 0755);
        if (i == 1) {
            locked = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            g_assert_cmpint(flock(locked, LOCK_EX | LOCK_NB), ==, 0);
        }
        if (i != 2)
            g_assert_cmpint(utimensat(AT_FDCWD, folder, old, 0), ==, 0);
    }
    VitrineBuilding *building = vitrine_building_new(machines, VITRINE_BUILDING_MACHINE, &error);
    g_assert_no_error(error);
    g_assert_cmpint(utimensat(AT_FDCWD, building->path, old, 0), ==, 0);
    VitrineBuilding *second = vitrine_building_new(machines, VITRINE_BUILDING_MACHINE, &error);
    g_assert_no_error(error);
    g_assert_true(g_file_test(building->path, G_FILE_TEST_IS_DIR));
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *folder = g_build_filename(machines, names[i], NULL);
        g_assert_cmpint(g_file_test(folder, G_FILE_TEST_EXISTS), ==, i != 0);
    }
    g_autofree char *there = g_build_filename(machines, "There", NULL);
    g_autofree char *path = g_strdup(second->path);
    g_assert_true(vitrine_building_finish(building, there, &error));
    vitrine_building_free(building);
    vitrine_building_free(second);
    g_assert_true(g_file_test(there, G_FILE_TEST_IS_DIR));
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    close(locked);
    vitrine_remove_tree(machines, &error);
    g_assert_no_error(error);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, function) g_test_add(path, struct place, NULL, set_up, function, tear_down)
    ADD("/bundle/create", test_create);
    ADD("/bundle/names-are-free", test_names_are_free);
    ADD("/bundle/failed-create-leaves-nothing", test_failed_create_leaves_nothing);
    ADD("/bundle/original-is-never-written", test_original_is_never_written);
    ADD("/bundle/open-once", test_open_once);
    ADD("/bundle/open-for", test_open_for);
    ADD("/bundle/broken-is-shown", test_broken_is_shown);
    ADD("/bundle/hide-and-undo", test_hide_and_undo);
    ADD("/bundle/stood-on-stays", test_stood_on_stays);
    ADD("/bundle/gone-is-not-locked", test_gone_is_not_locked);
    ADD("/library/find-copies", test_find_copies);
    ADD("/library/watches", test_library_watches);
    g_test_add_func("/bundle/left-behind", test_left_behind);
    return g_test_run();
}
