/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Machines from strangers: archives whose members, manifest, settings or images lead elsewhere, lie about their sizes or
 * are cut short. Each is refused with a sentence, and nothing is written beside it or left behind.
 */
#include "app/bundle.h"
#include "app/bundle_file.h"
#include "app/history_store.h"
#include "tests/unit/app/bundle_archive.h"
#include "tests/unit/app/folder.h"

#include <archive_entry.h>
#include <glib/gstdio.h>
#include <string.h>

struct place {
    char *folder, *machines, *file, *secret;
    GPtrArray *members; /* struct archive_member * of an honest export, machine.ini and disks first */
};

static void set_up(struct place *place, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    place->folder = g_dir_make_tmp("vitrine-hostile-XXXXXX", NULL);
    place->machines = g_build_filename(place->folder, "machines", NULL);
    place->file = g_build_filename(place->folder, "gift", NULL);
    place->secret = g_build_filename(place->folder, "secret", NULL);
    g_assert_true(g_file_set_contents(place->secret, "secret", -1, NULL));
    g_autoptr(MachineIni) machine = machine_ini_new("Sender", "ss5");
    const struct bundle_disk disk = {.size = 1 << 20, .unit = -1};
    g_autoptr(VitrineBundle) bundle = vitrine_bundle_create(place->machines, machine, &disk, 1, NULL, &error);
    g_assert_no_error(error);
    const char *folder = vitrine_bundle_get_folder(bundle);
    g_autofree char *id = history_take_off(folder, "a moment", NULL, HISTORY_MANUAL, &error);
    g_assert_no_error(error);
    g_assert_nonnull(id);
    bundle_file_export(folder, place->file, NULL, &error);
    g_assert_no_error(error);
    place->members = members_read(place->file);
    g_assert_true(vitrine_remove_tree(folder, NULL));
    g_assert_cmpuint(count_entries(place->machines), ==, 0);
}

static void tear_down(struct place *place, gconstpointer data)
{
    vitrine_remove_tree(place->folder, NULL);
    g_ptr_array_unref(place->members);
    g_free(place->folder);
    g_free(place->machines);
    g_free(place->file);
    g_free(place->secret);
}

static void assert_refused(struct place *place)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = bundle_file_import(place->file, place->machines, NULL, NULL, &error);
    g_autofree char *secret = NULL;

    g_assert_null(folder);
    g_assert_nonnull(error);
    g_test_message("%s", error->message);
    g_assert_true(g_str_has_suffix(error->message, "."));
    g_assert_cmpuint(count_entries(place->machines), ==, 0);
    g_assert_cmpuint(count_entries(place->folder), ==, 3); /* machines, the file, the secret */
    g_assert_true(g_file_get_contents(place->secret, &secret, NULL, NULL));
    g_assert_cmpstr(secret, ==, "secret");
}

static char *import(struct place *place)
{
    g_autoptr(GError) error = NULL;
    char *folder = bundle_file_import(place->file, place->machines, NULL, NULL, &error);

    g_assert_no_error(error);
    return folder;
}

/* The archive with the members as they are now is written and refused. */
static void write_and_refuse(struct place *place, const char *more, gint64 size)
{
    g_autofree char *manifest = members_manifest(place->members, more, size);

    members_write(place->file, place->members, manifest, TRUE);
    assert_refused(place);
}

static void test_honest(struct place *place, gconstpointer data)
{
    g_autofree char *manifest = members_manifest(place->members, "", -1);
    members_write(place->file, place->members, manifest, TRUE);
    g_autofree char *folder = import(place);
    g_assert_true(g_str_has_suffix(folder, "/Gift"));
}

static void test_names(struct place *place, gconstpointer data)
{
    static const char *const names[] = {"../evil", "/tmp/vitrine-evil", "disks/../../evil", "disks/./x", "disks//x",
                                        "evil", "disks/.evil", "files/a\\\\b", "", "machine.ini/x"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        members_add(place->members, names[i], "evil", 4, AE_IFREG);
        write_and_refuse(place, "", -1);
        g_ptr_array_remove_index(place->members, place->members->len - 1);
    }
    g_assert_false(g_file_test("/tmp/vitrine-evil", G_FILE_TEST_EXISTS));
}

static void test_kinds(struct place *place, gconstpointer data)
{
    static const struct {
        mode_t type;
        const char *link;
    } kinds[] = {{AE_IFLNK, "/etc"}, {AE_IFREG, "/etc/passwd"}, {AE_IFREG, "machine.ini"}, {AE_IFCHR, NULL},
                 {AE_IFBLK, NULL},   {AE_IFIFO, NULL},          {AE_IFDIR, NULL}};
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        struct archive_member *m = members_add(place->members, "files/odd", NULL, kinds[i].link && kinds[i].type == AE_IFREG ? 4 : 0,
                               kinds[i].type);
        m->link = g_strdup(kinds[i].link);
        write_and_refuse(place, "", -1);
        g_ptr_array_remove_index(place->members, place->members->len - 1);
    }
}

/* A file where the disks' folder is to be. */
static void test_no_folder(struct place *place, gconstpointer data)
{
    for (guint i = place->members->len; i-- > 0;) {
        const struct archive_member *m = place->members->pdata[i];
        if (g_str_has_prefix(m->path, "disks/"))
            g_ptr_array_remove_index(place->members, i);
    }
    members_add(place->members, "disks", "a file", 6, AE_IFREG);
    members_add(place->members, "files/original", "a file", 6, AE_IFREG);
    write_and_refuse(place, ", \"bases\": [{\"path\": \"/x\", \"file\": \"files/original\"}]", -1);
}

static void test_twice(struct place *place, gconstpointer data)
{
    g_autofree char *once = members_manifest(place->members, "", -1);
    const struct archive_member *m = place->members->pdata[0];

    members_add(place->members, m->path, m->data, m->size, AE_IFREG);
    members_write(place->file, place->members, once, TRUE); /* in the archive only */
    assert_refused(place);
    write_and_refuse(place, "", -1); /* and in the manifest */
    g_ptr_array_remove_index(place->members, place->members->len - 1);
    g_autofree char *more = members_manifest(place->members, "", -1);
    g_ptr_array_remove_index(place->members, place->members->len - 1); /* one that is told is missing */
    members_write(place->file, place->members, more, TRUE);
    assert_refused(place);
}

static void test_sizes(struct place *place, gconstpointer data)
{
    static const gint64 sizes[] = {G_MAXINT64, G_MAXINT64 / 2, G_GINT64_CONSTANT(1) << 60, 0, 1};
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++)
        write_and_refuse(place, "", sizes[i]);
}

static void test_manifests(struct place *place, gconstpointer data)
{
    static const char *const wrong[] = {"", "[]", "{}", "null", "{\"vitrine-bundle\": 1}",
                                        "{\"vitrine-bundle\": 2, \"name\": \"x\", \"files\": []}",
                                        "{\"vitrine-bundle\": 1, \"name\": 7, \"files\": []}",
                                        "{\"vitrine-bundle\": 1, \"name\": \"x\", \"files\": [7, null, []]}",
                                        "{\"vitrine-bundle\": 1, \"name\": \"../x\", \"files\": []}"};
    for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
        members_write(place->file, place->members, wrong[i], TRUE);
        assert_refused(place);
    }
    members_write(place->file, place->members, NULL, TRUE);
    assert_refused(place);
    /* more than one value */
    g_autofree char *honest = members_manifest(place->members, "", -1);
    static const char *const around[][2] = {{"null", ""}, {"", "{}"}, {"\"x\"", ""}, {"", ", 1"}, {"[", "]"}};
    for (gsize i = 0; i < G_N_ELEMENTS(around); i++) {
        g_autofree char *several = g_strconcat(around[i][0], honest, around[i][1], NULL);
        members_write(place->file, place->members, several, TRUE);
        assert_refused(place);
    }
    g_autofree char *spaced = g_strconcat(" \n", honest, "\n ", NULL);
    members_write(place->file, place->members, spaced, TRUE);
    g_autofree char *folder = import(place);
    g_assert_true(vitrine_remove_tree(folder, NULL));
    /* deeper than a parser that calls itself should go */
    static const char *const before[] = {"", "/* \" */ ", "{\"x\": \"[\\\"\", \"y\": "};
    for (gsize i = 0; i < G_N_ELEMENTS(before); i++) {
        g_autofree char *deep = g_strnfill(2000000, '['), *all = g_strconcat(before[i], deep, NULL);
        members_write(place->file, place->members, all, TRUE);
        assert_refused(place);
    }
    /* without the description of a machine */
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    members_write(place->file, none, "{\"vitrine-bundle\": 1, \"name\": \"x\", \"files\": []}", TRUE);
    assert_refused(place);
    write_and_refuse(place, ", \"bases\": [{\"path\": \"/x\", \"file\": \"../../x\"}]", -1);
    g_autofree char *manifest = members_manifest(place->members, ", \"name\": \"../../evil\"", -1);
    members_write(place->file, place->members, manifest, TRUE);
    assert_refused(place);
}

static void test_cut_short(struct place *place, gconstpointer data)
{
    g_autofree char *manifest = members_manifest(place->members, "", -1), *bytes = NULL;
    gsize size;

    members_write(place->file, place->members, manifest, TRUE);
    g_assert_true(g_file_get_contents(place->file, &bytes, &size, NULL));
    for (gsize at = 0; at < size; at += 1 + size / 40) {
        g_assert_true(g_file_set_contents(place->file, bytes, (gssize)at, NULL));
        assert_refused(place);
    }
    /* one bit of what a member holds */
    struct archive_member *m = place->members->pdata[0];
    m->data[0] ^= 1;
    members_write(place->file, place->members, manifest, TRUE);
    assert_refused(place);
}

static struct archive_member *find_member(const struct place *place, const char *suffix, gboolean in_history)
{
    for (guint i = 0; i < place->members->len; i++) {
        struct archive_member *m = place->members->pdata[i];
        if (g_str_has_suffix(m->path, suffix) && g_str_has_prefix(m->path, "history/") == in_history)
            return m;
    }
    g_error("no %s", suffix);
}

/* Settings of the present or of its moment are given a value. */
static void set_value(struct archive_member *m, const char *group, const char *key, const char *value)
{
    g_autoptr(GKeyFile) file = g_key_file_new();

    g_assert_true(g_key_file_load_from_data(file, m->data, m->size, G_KEY_FILE_NONE, NULL));
    g_key_file_set_string(file, group, key, value);
    g_free(m->data);
    m->data = g_key_file_to_data(file, &m->size, NULL);
}

static void test_settings(struct place *place, gconstpointer data)
{
    static const struct {
        const char *group, *key;
    } keys[] = {{"Disk 0", "File"}, {"Boot", "Kernel"},  {"Boot", "Initrd"},
                {"Boot", "Firmware"}, {"CD-ROM", "File"}, {"Floppy", "File"}};
    static const char *const values[] = {"../../secret", "/etc/passwd", "disks/../../../secret", "lock"};

    for (guint where = 0; where < 2; where++) {
        for (gsize k = 0; k < G_N_ELEMENTS(keys); k++) {
            for (gsize v = 0; v < G_N_ELEMENTS(values); v++) {
                if (k >= 4 && v == 1)
                    continue; /* a medium: below */
                struct archive_member *m = find_member(place, "machine.ini", where == 1);
                struct archive_member before = {NULL, g_memdup2(m->data, m->size), m->size, 0, NULL};
                set_value(m, keys[k].group, keys[k].key, values[v]);
                write_and_refuse(place, "", -1);
                g_free(m->data);
                m->data = before.data;
                m->size = before.size;
            }
        }
    }
}

/* What the sender's computer had and this one has not, or has for itself. */
static void test_left_out(struct place *place, gconstpointer data)
{
    struct archive_member *m = find_member(place, "machine.ini", FALSE);

    set_value(m, "CD-ROM", "File", place->secret);
    set_value(m, "Floppy", "File", place->secret);
    set_value(m, "Machine", "Serial", place->secret);
    set_value(m, "Shared", "files/cd0.iso", "/etc");
    g_autofree char *manifest = members_manifest(place->members, "", -1);
    members_write(place->file, place->members, manifest, TRUE);
    g_autofree char *folder = import(place);
    g_autoptr(MachineIni) machine = history_read_machine(folder, NULL);
    g_assert_null(machine->cdrom.file);
    g_assert_null(machine->floppy.file);
    g_assert_null(machine->serial);
    g_autofree char *shared = machine_ini_get_shared_folder(machine, "files/cd0.iso");
    g_assert_null(shared);
}

/* Images that stand on files of this computer, on one another in a circle, or on what is not there. */
static void test_bases(struct place *place, gconstpointer data)
{
    static const char *const bases[] = {"/etc/passwd", "../../secret", "../../../../../../../etc/passwd",
                                        "json:{\\\"file\\\": \\\"/etc/passwd\\\"}", "nbd://localhost/x"};
    g_autoptr(GError) error = NULL;

    for (guint where = 0; where < 2; where++) {
        g_autoptr(MachineIni) machine = NULL;
        struct archive_member *settings = find_member(place, "machine.ini", where == 1);
        machine = machine_ini_parse(settings->data, settings->size, &error);
        g_assert_no_error(error);
        struct archive_member *image = find_member(place, machine->disks[0].file, FALSE);
        struct archive_member before = *image;
        for (gsize i = 0; i < G_N_ELEMENTS(bases) + 1; i++) {
            g_autofree char *path = g_build_filename(place->folder, "made", NULL);
            g_autofree char *self = g_path_get_basename(image->path);
            const ImageCreateOptions options = {.size = 1 << 20,
                                                .backing_file = i < G_N_ELEMENTS(bases) ? bases[i] : self,
                                                .backing_format = i < G_N_ELEMENTS(bases) ? "raw" : "qcow2"};
            image_create(path, "qcow2", &options, &error);
            if (error) { /* not even to be made here */
                g_clear_error(&error);
                continue;
            }
            g_assert_true(g_file_get_contents(path, &image->data, &image->size, NULL));
            g_unlink(path);
            write_and_refuse(place, "", -1);
            g_free(image->data);
        }
        *image = before;
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, function) g_test_add("/hostile-bundle/" path, struct place, NULL, set_up, function, tear_down)
    ADD("honest", test_honest);
    ADD("names", test_names);
    ADD("kinds", test_kinds);
    ADD("no-folder", test_no_folder);
    ADD("twice", test_twice);
    ADD("sizes", test_sizes);
    ADD("manifests", test_manifests);
    ADD("cut-short", test_cut_short);
    ADD("settings", test_settings);
    ADD("left-out", test_left_out);
    ADD("bases", test_bases);
    return g_test_run();
}
