/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_history SECONDS SEED: a machine whose history's files are damaged (node.ini, machine.ini of the present and of
 * moments, tables and packs of memory, layers of disks; changed, cut short, exchanged, or not there) is read, checked,
 * planned with, taken, gone back in, branched, thinned out and collected. What is refused comes with a sentence; what is
 * read is written again as the same; nothing outside the machine's folder is ever written or removed.
 */
#include "app/bundle.h"
#include "app/history_store.h"
#include "tests/fuzz/fuzz_text.h"
#include "tests/fuzz/fuzz_time.h"
#include "tests/unit/app/memory_moment.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECRET_BYTES 65536

struct kept {
    char *path; /* below the bundle */
    char *data;
    gsize size;
};

struct place {
    char *folder, *bundle, *secret, *neighbour;
    GPtrArray *kept, *folders; /* struct kept *, char * */
    guint8 secret_bytes[SECRET_BYTES];
};

static void must(gboolean ok, GError **error)
{
    if (!ok)
        g_error("%s", error && *error ? (*error)->message : "no error, and no success");
}

/* A call that failed has said why. */
static void sentence(const char *what, gboolean ok, GError **error)
{
    const char *message = *error ? (*error)->message : "";

    if (ok ? *error != NULL : strlen(message) < 10)
        g_error("%s: %s: %s", what, ok ? "done with an error" : "refused without a sentence", message);
    g_clear_error(error);
}

/* ---- the machine as it was made ---- */

static void keep_folder(struct place *place, const char *below)
{
    g_autofree char *folder = g_build_filename(place->bundle, below, NULL);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    g_ptr_array_add(place->folders, g_strdup(below));
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = *below ? g_build_filename(below, name, NULL) : g_strdup(name);
        g_autofree char *full = g_build_filename(place->bundle, path, NULL);
        if (g_file_test(full, G_FILE_TEST_IS_DIR)) {
            keep_folder(place, path);
            continue;
        }
        struct kept *kept = g_new0(struct kept, 1);
        kept->path = g_steal_pointer(&path);
        g_autoptr(GError) error = NULL;
        must(g_file_get_contents(full, &kept->data, &kept->size, &error), &error);
        g_ptr_array_add(place->kept, kept);
    }
}

static void write_file(const char *path, const void *data, gsize size)
{
    FILE *file = fopen(path, "w");

    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        g_error("cannot write %s", path);
}

static void set_up(struct place *place)
{
    g_autoptr(GError) error = NULL;
    *place = (struct place){.folder = g_dir_make_tmp("vitrine-fuzz-history-XXXXXX", NULL)};
    g_autofree char *machines = g_build_filename(place->folder, "machines", NULL);
    place->bundle = g_build_filename(machines, "Fuzz", NULL);
    place->secret = g_build_filename(place->folder, "secret", NULL);
    place->neighbour = g_build_filename(machines, "Neighbour", "disks", "secret", NULL);
    place->kept = g_ptr_array_new();
    place->folders = g_ptr_array_new();
    for (guint i = 0; i < SECRET_BYTES; i++)
        place->secret_bytes[i] = (guint8)(i * 7 + i / 256);
    g_autofree char *theirs = g_path_get_dirname(place->neighbour);
    must(g_mkdir_with_parents(theirs, 0755) == 0, NULL);
    g_autoptr(MachineIni) machine = machine_ini_new("Fuzz", "ss5");
    const struct bundle_disk disk = {.size = 1 << 20, .unit = -1};
    g_autoptr(VitrineBundle) bundle = vitrine_bundle_create(machines, machine, &disk, 1, NULL, &error);
    must(bundle != NULL, &error);
    for (guint i = 0; i < 4; i++) {
        g_autofree char *name = g_strdup_printf("moment %u", i);
        g_autofree char *id = i % 2 ? memory_moment_take(place->bundle, name, i + 1)
                                    : history_take_off(place->bundle, name, "a note", HISTORY_MANUAL, &error);
        must(id != NULL, &error);
        if (i == 2)
            must(history_restore_off(place->bundle, id, NULL, &error), &error);
    }
    keep_folder(place, "");
}

static void put_back(const struct place *place)
{
    vitrine_remove_tree(place->bundle, NULL);
    for (guint i = 0; i < place->folders->len; i++) {
        g_autofree char *path = g_build_filename(place->bundle, place->folders->pdata[i], NULL);
        must(g_mkdir_with_parents(path, 0755) == 0, NULL);
    }
    for (guint i = 0; i < place->kept->len; i++) {
        const struct kept *kept = place->kept->pdata[i];
        g_autofree char *path = g_build_filename(place->bundle, kept->path, NULL);
        write_file(path, kept->data, kept->size);
    }
    write_file(place->secret, place->secret_bytes, SECRET_BYTES);
    write_file(place->neighbour, place->secret_bytes, SECRET_BYTES);
}

static void tear_down(struct place *place)
{
    vitrine_remove_tree(place->folder, NULL);
    for (guint i = 0; i < place->kept->len; i++) {
        struct kept *kept = place->kept->pdata[i];
        g_free(kept->path);
        g_free(kept->data);
        g_free(kept);
    }
    g_ptr_array_unref(place->kept);
    g_ptr_array_set_free_func(place->folders, g_free);
    g_ptr_array_unref(place->folders);
    g_free(place->folder);
    g_free(place->bundle);
    g_free(place->secret);
    g_free(place->neighbour);
}

/* ---- damage ---- */

static char *any_id(const struct place *place, GRand *rand)
{
    g_autoptr(GPtrArray) records = history_read(place->bundle);

    if (!records->len)
        return g_strdup("00000000");
    return g_strdup(((HistoryRecord *)records->pdata[g_rand_int_range(rand, 0, (gint32)records->len)])->id);
}

static void damage_text(const struct place *place, GRand *rand, GString *text)
{
    g_autofree char *id = any_id(place, rand), *other = any_id(place, rand);
    g_autofree char *parent = g_strdup_printf("Parent=%s\n", id), *here = g_strdup_printf("Here=%s\n", other);
    g_autofree char *resume = g_strdup_printf("Resume=%s\n", id), *secret = g_strdup_printf("File=%s\n", place->secret);
    const char *const words[] = {"[Node]\n",
                                 "[History]\n",
                                 "[Disk 0]\n",
                                 "[Disk 1]\n",
                                 parent,
                                 here,
                                 resume,
                                 secret,
                                 "File=../Neighbour/disks/secret\n",
                                 "File=disks/../../Neighbour/disks/secret\n",
                                 "Format=raw\n",
                                 "Format=qcow2\n",
                                 "ReadOnly=true\n",
                                 "ReadOnly=false\n",
                                 "Kind=here\n",
                                 "Kind=safety\n",
                                 "Version=2\n",
                                 "Version=1\n",
                                 "Time=-9223372036854775808\n",
                                 "Time=99999999999999999999\n",
                                 "Parent=..\n",
                                 "Name=\\n\n",
                                 "Name=../../x\n",
                                 "Pinned=true\n",
                                 "\xff",
                                 "=",
                                 "\n",
                                 "[",
                                 "Parent="};

    fuzz_text(rand, text, words, G_N_ELEMENTS(words));
}

static void damage(const struct place *place, GRand *rand)
{
    for (gint32 i = g_rand_int_range(rand, 1, 4); i > 0; i--) {
        const struct kept *kept = place->kept->pdata[g_rand_int_range(rand, 0, (gint32)place->kept->len)];
        const struct kept *other = place->kept->pdata[g_rand_int_range(rand, 0, (gint32)place->kept->len)];
        g_autofree char *path = g_build_filename(place->bundle, kept->path, NULL);
        gint32 dice = g_rand_int_range(rand, 0, 20);
        if (dice == 0) {
            g_unlink(path);
        } else if (dice == 1) {
            write_file(path, other->data, other->size);
        } else if (g_str_has_suffix(path, ".ini")) {
            GString *text = g_string_new_len(kept->data, (gssize)kept->size);
            damage_text(place, rand, text);
            write_file(path, text->str, text->len);
            g_string_free(text, TRUE);
        } else {
            g_autofree char *bytes = g_memdup2(kept->data, MAX(kept->size, 1));
            gsize size = kept->size;
            fuzz_bytes(rand, bytes, &size);
            write_file(path, bytes, size);
        }
    }
}

/* ---- use ---- */

/* Every moment, as it is shown; and its description, written and read again. */
static void look(const struct place *place, gboolean deep)
{
    g_autoptr(GPtrArray) records = history_read(place->bundle);
    guint64 own, shared;

    for (guint i = 0; i < records->len; i++) {
        HistoryRecord *record = records->pdata[i];
        g_autofree char *message = NULL;
        g_autoptr(GError) error = NULL;
        enum history_health health = history_check_node(place->bundle, record, deep, NULL, &message);
        if ((health == HISTORY_HEALTH_GOOD) != (message == NULL) || !record->name || !*record->name)
            g_error("%s: health %u, “%s”", record->id, health, message ? message : "");
        for (guint steps = 0, at = i; records->pdata[at] && ((HistoryRecord *)records->pdata[at])->parent; steps++) {
            guint up = 0;
            if (steps > records->len ||
                !g_ptr_array_find(records, history_find(records, ((HistoryRecord *)records->pdata[at])->parent), &up))
                g_error("the parents of %s lead nowhere", record->id);
            at = up;
        }
        history_layer_usage(place->bundle, records, i, &own, &shared);
        if (record->problem)
            continue;
        sentence("write", history_write_record(record, &error), &error);
        g_autoptr(HistoryRecord) again = history_read_one(place->bundle, record->id, &error);
        if (!again || again->kind != record->kind || again->time != record->time || again->pinned != record->pinned ||
            strcmp(again->name, record->name) != 0 || g_strcmp0(again->note, record->note) != 0 ||
            g_strcmp0(again->parent, record->parent) != 0)
            g_error("%s is not what was written: %s", record->id, error ? error->message : "");
    }
}

static void use(const struct place *place, GRand *rand)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *id = any_id(place, rand), *other = any_id(place, rand);

    switch (g_rand_int_range(rand, 0, 8)) {
    case 0: {
        g_autofree char *taken = history_take_off(place->bundle, "taken", NULL, HISTORY_AUTOSAVE, &error);
        sentence("take", taken != NULL, &error);
        break;
    }
    case 1: sentence("restore", history_restore_off(place->bundle, id, other, &error), &error); break;
    case 2: sentence("delete", history_delete_node(place->bundle, id, &error), &error); break;
    case 3: sentence("collect", history_collect(place->bundle, NULL, &error), &error); break;
    case 4: {
        g_autofree char *folder =
            history_branch_off(place->bundle, id, "Branch", g_rand_boolean(rand), NULL, &error);
        sentence("branch", folder != NULL, &error);
        if (folder)
            vitrine_remove_tree(folder, NULL);
        break;
    }
    case 5: {
        VitrineHistoryPlan plan = {0};
        sentence("plan", history_plan_layers(place->bundle, id, &plan, &error), &error);
        break;
    }
    case 6: {
        VitrineHistoryComparison *comparison =
            history_compare(place->bundle, id, g_rand_boolean(rand) ? other : NULL, NULL, &error);
        sentence("compare", comparison != NULL, &error);
        vitrine_history_comparison_free(comparison);
        break;
    }
    default: {
        g_autoptr(MachineIni) machine = history_read_machine(place->bundle, &error);
        sentence("machine.ini", machine != NULL, &error);
        if (!machine)
            break;
        g_autoptr(GPtrArray) problems = history_find_problems(place->bundle, machine);
        g_autofree char *resumes = history_prepare_start(place->bundle, machine, NULL);
        if (!problems || (resumes && strlen(resumes) != 8))
            g_error("the start is not prepared");
        history_changed_off(place->bundle);
        break;
    }
    }
}

static void look_beside(const struct place *place)
{
    const char *const paths[] = {place->secret, place->neighbour};

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *bytes = NULL;
        gsize size;
        if (!g_file_get_contents(paths[i], &bytes, &size, NULL) || size != SECRET_BYTES ||
            memcmp(bytes, place->secret_bytes, size) != 0)
            g_error("%s was changed", paths[i]);
    }
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? g_ascii_strtod(argv[1], NULL) : 5;
    guint32 first = argc > 2 ? (guint32)strtoul(argv[2], NULL, 0) : 1;
    struct place place;
    guint64 runs = 0;

    if (!g_getenv("TMPDIR") && access("/dev/shm", W_OK) == 0)
        g_setenv("TMPDIR", "/dev/shm", TRUE); /* much is synced */
    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
    set_up(&place);
    for (double end = fuzz_seconds() + seconds; fuzz_seconds() < end; runs++) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(first + (guint32)runs * 7919u);
        g_random_set_seed(first + (guint32)runs);
        put_back(&place);
        damage(&place, rand);
        fuzz_begin_try();
        history_recover(place.bundle);
        look(&place, runs % 4 == 0);
        for (gint32 i = g_rand_int_range(rand, 1, 5); i > 0; i--)
            use(&place, rand);
        look(&place, FALSE);
        look_beside(&place);
    }
    tear_down(&place);
    g_print("%" G_GUINT64_FORMAT " histories from seed %u, clean\n", runs, first);
    return 0;
}
