/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Volume names first, which profiles know; then libosinfo's database. */
#include "app/medium.h"

#include "images/images.h"

#include <elf.h>
#include <osinfo/osinfo.h>
#include <stdio.h>
#include <string.h>

void medium_free(Medium *medium)
{
    if (!medium)
        return;
    g_free(medium->path);
    g_free(medium->volume);
    g_free(medium->system);
    g_free(medium->system_id);
    g_free(medium->architecture);
    g_free(medium);
}

/* Read once; NULL when the distribution has none. */
static OsinfoDb *database(void)
{
    static gsize ready;
    static OsinfoDb *db;

    if (g_once_init_enter(&ready)) {
        g_autoptr(OsinfoLoader) loader = osinfo_loader_new();
        g_autoptr(GError) error = NULL;
        osinfo_loader_process_default_path(loader, &error);
        if (error)
            g_info("libosinfo: %s", error->message);
        else
            db = g_object_ref(osinfo_loader_get_db(loader));
        g_once_init_leave(&ready, 1);
    }
    return db;
}

static void ask_osinfo(Medium *medium, GCancellable *cancellable)
{
    g_autoptr(GFile) file = g_file_new_for_path(medium->path);
    g_autofree char *uri = g_file_get_uri(file);
    /* No flag: discs of workstations start in other ways than a PC's. */
    g_autoptr(OsinfoMedia) media = osinfo_media_create_from_location_with_flags(uri, cancellable, 0, NULL);
    OsinfoDb *db = media ? database() : NULL;

    if (!db || !osinfo_db_identify_media(db, media))
        return;
    g_autoptr(OsinfoOs) os = osinfo_media_get_os(media);
    medium->architecture = g_strdup(osinfo_media_get_architecture(media));
    if (os) {
        medium->system = g_strdup(osinfo_product_get_name(OSINFO_PRODUCT(os)));
        medium->system_id = g_strdup(osinfo_product_get_short_id(OSINFO_PRODUCT(os)));
    }
}

/* No disk begins like this: its first bytes are a label or a loader's code. */
static gboolean is_elf(const char *path)
{
    char start[SELFMAG] = "";
    FILE *file = fopen(path, "rbe");
    gboolean elf = file && fread(start, 1, sizeof(start), file) == sizeof(start) && !memcmp(start, ELFMAG, SELFMAG);

    if (file)
        fclose(file);
    return elf;
}

Medium *medium_recognise(const struct profiles *profiles, const char *path, GCancellable *cancellable, GError **error)
{
    g_autoptr(Medium) medium = g_new0(Medium, 1);
    g_autofree char *lower = g_ascii_strdown(path, -1);

    medium->path = g_strdup(path);
    medium->format = image_probe(path, error);
    if (!medium->format)
        return NULL;
    medium->volume = profiles_read_volume_name(path);
    medium->disc = medium->volume || g_str_has_suffix(lower, ".iso");
    medium->kernel = !medium->disc && is_elf(path);
    if (!medium->disc)
        return g_steal_pointer(&medium);
    medium->profile = medium->volume ? profiles_recognise(profiles, medium->volume) : NULL;
    ask_osinfo(medium, cancellable);
    if (!medium->profile && medium->system_id)
        medium->profile = profiles_recognise_system(profiles, medium->system_id, medium->architecture);
    if (g_cancellable_set_error_if_cancelled(cancellable, error))
        return NULL;
    return g_steal_pointer(&medium);
}

struct question {
    const struct profiles *profiles;
    char *path;
};

static void question_free(gpointer data)
{
    struct question *question = data;

    g_free(question->path);
    g_free(question);
}

static void recognise_in_thread(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    struct question *question = task_data;
    GError *error = NULL;
    Medium *medium = medium_recognise(question->profiles, question->path, cancellable, &error);

    if (medium)
        g_task_return_pointer(task, medium, (GDestroyNotify)medium_free);
    else
        g_task_return_error(task, error);
}

void medium_recognise_async(const struct profiles *profiles, const char *path, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, user_data);
    struct question *question = g_new0(struct question, 1);

    question->profiles = profiles;
    question->path = g_strdup(path);
    g_task_set_task_data(task, question, question_free);
    g_task_run_in_thread(task, recognise_in_thread);
}

Medium *medium_recognise_finish(GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}
