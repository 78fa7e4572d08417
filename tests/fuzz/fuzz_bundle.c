/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_bundle SECONDS SEED: damaged archives of machines are imported: the manifest, the members' names, kinds, order and
 * contents (with right hashes most of the time), and the archive's own bytes. What is refused comes with a sentence and
 * leaves nothing behind; what is accepted is one machine's folder of files; and nothing beside it ever changes.
 */
#include "app/bundle.h"
#include "app/bundle_file.h"
#include "app/history_store.h"
#include "tests/fuzz/fuzz_text.h"
#include "tests/fuzz/fuzz_time.h"
#include "tests/unit/app/bundle_archive.h"

#include <archive_entry.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET "what nobody may change"

struct place {
    char *folder, *machines, *file, *secret;
    GPtrArray *members; /* struct archive_member, of an honest export */
};

static void set_up(struct place *place)
{
    g_autoptr(GError) error = NULL;
    place->folder = g_dir_make_tmp("vitrine-fuzz-bundle-XXXXXX", NULL);
    place->machines = g_build_filename(place->folder, "machines", NULL);
    place->file = g_build_filename(place->folder, "gift", NULL);
    place->secret = g_build_filename(place->folder, "secret", NULL);
    if (!g_file_set_contents(place->secret, SECRET, -1, &error))
        g_error("%s", error->message);
    g_autoptr(MachineIni) machine = machine_ini_new("Sender", "ss5");
    const struct bundle_disk disk = {.size = 1 << 20, .unit = -1};
    g_autoptr(VitrineBundle) bundle = vitrine_bundle_create(place->machines, machine, &disk, 1, NULL, &error);
    const char *folder = bundle ? vitrine_bundle_get_folder(bundle) : NULL;
    g_autofree char *id = folder ? history_take_off(folder, "a moment", NULL, HISTORY_MANUAL, &error) : NULL;
    if (!id || !bundle_file_export(folder, place->file, NULL, &error) || !vitrine_remove_tree(folder, &error))
        g_error("%s", error->message);
    place->members = members_read(place->file);
}

static void tear_down(struct place *place)
{
    vitrine_remove_tree(place->folder, NULL);
    g_ptr_array_unref(place->members);
    g_free(place->folder);
    g_free(place->machines);
    g_free(place->file);
    g_free(place->secret);
}

/* ---- changes ---- */

static void set_text(char **field, const char *value)
{
    char *copy = g_strdup(value);

    g_free(*field);
    *field = copy;
}

static const char *hostile_name(const struct place *place, GRand *rand)
{
    static const char *const names[] = {"../secret",
                                        "../../secret",
                                        "disks/../../../secret",
                                        "/etc/passwd",
                                        "machine.ini",
                                        "disks/base0.raw",
                                        "files/cd0.iso",
                                        "history/ram",
                                        "disks",
                                        "disks/.x",
                                        "",
                                        "disks//disk0.qcow2",
                                        "json:{}",
                                        "manifest.json",
                                        "lock",
                                        "nvram",
                                        "..",
                                        "."};
    gint32 which = g_rand_int_range(rand, -1, G_N_ELEMENTS(names));

    return which < 0 ? place->secret : names[which];
}

static void change_contents(GRand *rand, struct archive_member *m)
{
    static const char *const words[] = {"[Disk 1]\n",
                                        "File=../../secret\n",
                                        "File=/etc/passwd\n",
                                        "Base=/etc/passwd\n",
                                        "[Machine]\n",
                                        "Name=../x\n",
                                        "[History]\n",
                                        "Here=..\n",
                                        "Resume=00000000\n",
                                        "[Node]\n",
                                        "Parent=../../..\n",
                                        "Kind=here\n",
                                        "Version=9\n",
                                        "[Boot]\nKernel=lock\n",
                                        "[CD-ROM]\nFile=../x\n",
                                        "=",
                                        "\n",
                                        "\xff",
                                        "\\s",
                                        "Format=raw\n"};

    if (g_str_has_suffix(m->path, ".ini")) {
        GString *text = g_string_new_len(m->data, (gssize)m->size);
        fuzz_text(rand, text, words, G_N_ELEMENTS(words));
        g_free(m->data);
        m->size = text->len;
        m->data = g_string_free(text, FALSE);
    } else {
        fuzz_bytes(rand, m->data, &m->size);
    }
}

static void change_members(const struct place *place, GRand *rand, GPtrArray *members)
{
    static const mode_t kinds[] = {AE_IFLNK, AE_IFDIR, AE_IFIFO, AE_IFCHR, AE_IFREG};
    guint at = (guint)g_rand_int_range(rand, 0, (gint32)members->len);
    struct archive_member *m = members->pdata[at],
                          *other = members->pdata[g_rand_int_range(rand, 0, (gint32)members->len)];

    switch (g_rand_int_range(rand, 0, 9)) {
    case 0: set_text(&m->path, hostile_name(place, rand)); break;
    case 1: members_add(members, hostile_name(place, rand), SECRET, strlen(SECRET), AE_IFREG); break;
    case 2: members_add(members, m->path, m->data, m->size, AE_IFREG); break;
    case 3:
        m->type = kinds[g_rand_int_range(rand, 0, G_N_ELEMENTS(kinds))];
        if (m->type == AE_IFLNK || g_rand_boolean(rand))
            set_text(&m->link, hostile_name(place, rand));
        break;
    case 4:
        if (members->len > 1)
            g_ptr_array_remove_index(members, at);
        break;
    case 5: {
        g_autofree char *path = m->path;
        m->path = other->path;
        other->path = g_steal_pointer(&path);
        break;
    }
    default: change_contents(rand, m); break;
    }
}

/* What a manifest may say beside its files. */
static char *more_text(const struct place *place, GRand *rand)
{
    GString *more = g_string_new(NULL);
    static const char *const keys[] = {"bases", "moved", "name", "files", "vitrine-bundle", "other"};

    for (gint32 i = g_rand_int_range(rand, 0, 4); i > 0; i--) {
        const char *key = keys[g_rand_int_range(rand, 0, G_N_ELEMENTS(keys))];
        const char *a = hostile_name(place, rand), *b = hostile_name(place, rand);
        switch (g_rand_int_range(rand, 0, 4)) {
        case 0: g_string_append_printf(more, ", \"%s\": \"%s\"", key, a); break;
        case 1: {
            static const guint depths[] = {3, 40, 3000, 500000};
            guint depth = depths[g_rand_int_range(rand, 0, G_N_ELEMENTS(depths))];
            g_autofree char *open = g_strnfill(depth, '['), *shut = g_strnfill(depth, ']');
            g_string_append_printf(more, ", \"%s\": %s%s", key, open, shut);
            break;
        }
        default:
            g_string_append_printf(
                more, ", \"%s\": [{\"path\": \"%s\", \"file\": \"%s\", \"format\": \"raw\"}]", key, a, b);
        }
    }
    return g_string_free(more, FALSE);
}

static void write_gift(const struct place *place, GRand *rand)
{
    static const char *const words[] = {"\"", "{", "}", "[", "]", ",", ":", "null", "1e999", "-1", "99999999999999999999",
                                        "\\u0000", "\"path\"", "\"files\"", "../", "true"};
    g_autoptr(GPtrArray) members = members_copy(place->members);
    for (gint32 i = g_rand_int_range(rand, 0, 4); i > 0; i--)
        change_members(place, rand, members);
    g_autofree char *more = g_rand_int_range(rand, 0, 3) ? g_strdup("") : more_text(place, rand);
    g_autofree char *manifest = members_manifest(members, more, -1);
    for (gint32 i = g_rand_int_range(rand, -6, 2); i > 0; i--) /* now the hashes are wrong */
        change_members(place, rand, members);
    if (g_rand_int_range(rand, 0, 4) == 0) {
        GString *text = g_string_new(manifest);
        fuzz_text(rand, text, words, G_N_ELEMENTS(words));
        g_free(manifest);
        manifest = g_string_free(text, FALSE);
    }
    members_write(place->file, members, g_rand_int_range(rand, 0, 50) ? manifest : NULL, g_rand_boolean(rand));
    if (g_rand_int_range(rand, 0, 3) == 0) {
        g_autofree char *bytes = NULL;
        gsize size;
        g_autoptr(GError) error = NULL;
        if (!g_file_get_contents(place->file, &bytes, &size, &error))
            g_error("%s", error->message);
        fuzz_bytes(rand, bytes, &size);
        if (!g_file_set_contents(place->file, bytes, (gssize)size, &error))
            g_error("%s", error->message);
    }
}

/* ---- what must hold ---- */

static guint look_at_folder(const char *folder, gboolean deep)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    guint count = 0;

    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        GStatBuf info;
        if (g_lstat(path, &info) != 0 || !(S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)))
            g_error("%s is neither a file nor a folder", path);
        if (deep && S_ISDIR(info.st_mode))
            look_at_folder(path, TRUE);
        count++;
    }
    return count;
}

static gboolean try_gift(const struct place *place)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *secret = NULL;
    g_autofree char *folder = bundle_file_import(place->file, place->machines, NULL, NULL, &error);
    guint machines = look_at_folder(place->machines, TRUE);

    if (!folder && (!error || !g_str_has_suffix(error->message, ".")))
        g_error("refused without a sentence: %s", error ? error->message : "");
    if (machines != (folder ? 1 : 0))
        g_error("%u folders are left of an import that %s", machines, folder ? "succeeded" : "failed");
    if (look_at_folder(place->folder, FALSE) != 3)
        g_error("there is something beside the machines' folder");
    if (!g_file_get_contents(place->secret, &secret, NULL, NULL) || strcmp(secret, SECRET) != 0)
        g_error("a file beside the machines' folder has changed");
    if (!folder)
        return FALSE;
    g_autofree char *parent = g_path_get_dirname(folder);
    g_autoptr(MachineIni) machine = history_read_machine(folder, &error);
    if (!machine || strcmp(parent, place->machines) != 0)
        g_error("imported and not to be read: %s", error ? error->message : folder);
    g_autoptr(GPtrArray) records = history_read(folder);
    for (guint i = 0; i < records->len; i++) {
        g_autofree char *message = NULL;
        history_check_node(folder, records->pdata[i], TRUE, NULL, &message);
    }
    if (!vitrine_remove_tree(folder, &error))
        g_error("%s", error->message);
    return TRUE;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? g_ascii_strtod(argv[1], NULL) : 5;
    guint32 first = argc > 2 ? (guint32)strtoul(argv[2], NULL, 0) : 1;
    struct place place;
    guint64 runs = 0, accepted = 0;

    if (!g_getenv("TMPDIR") && access("/dev/shm", W_OK) == 0)
        g_setenv("TMPDIR", "/dev/shm", TRUE); /* every import is synced */
    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
    set_up(&place);
    for (double end = fuzz_seconds() + seconds; fuzz_seconds() < end; runs++) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(first + (guint32)runs * 7919u);
        write_gift(&place, rand);
        fuzz_begin_try();
        accepted += try_gift(&place);
    }
    tear_down(&place);
    g_print("%" G_GUINT64_FORMAT " archives from seed %u, %" G_GUINT64_FORMAT " accepted\n", runs, first, accepted);
    return runs < 50 || (accepted > 0 && accepted < runs) ? 0 : 1;
}
