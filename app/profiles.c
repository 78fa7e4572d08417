/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads profiles and families from the resource and from the user's folder. */
#include "app/profiles.h"

#include "app/size.h"
#include "app/data-resource.h"
#include "app/i18n.h"
#include "app/keys.h"

#include <gio/gio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESOURCE_PREFIX "/org/vitrine/Vitrine/"

static void profile_free(gpointer data)
{
    struct profile *profile = data;

    g_free(profile->id);
    g_free(profile->title);
    g_free(profile->summary);
    g_free(profile->family);
    g_free(profile->model);
    g_free(profile->machine);
    g_free(profile->boot);
    g_free(profile->append);
    g_free(profile->display);
    g_strfreev(profile->volumes);
    g_strfreev(profile->systems);
    g_strfreev(profile->architectures);
    g_free(profile);
}

static void chord_free(gpointer data)
{
    struct family_chord *chord = data;

    g_free(chord->title);
    g_free(chord);
}

static void family_free(gpointer data)
{
    struct family *family = data;

    g_free(family->id);
    g_free(family->title);
    g_ptr_array_unref(family->chords);
    g_free(family);
}

static char *get_text(GKeyFile *file, const char *group, const char *key)
{
    return g_key_file_get_string(file, group, key, NULL);
}

static char *get_translated(GKeyFile *file, const char *group, const char *key)
{
    g_autofree char *text = get_text(file, group, key);

    return text ? g_strdup(_(text)) : NULL;
}

static enum profile_medium parse_medium(const char *text)
{
    if (g_strcmp0(text, "cdrom") == 0)
        return PROFILE_MEDIUM_CDROM;
    if (g_strcmp0(text, "disk") == 0)
        return PROFILE_MEDIUM_DISK;
    if (g_strcmp0(text, "kernel") == 0)
        return PROFILE_MEDIUM_KERNEL;
    return PROFILE_MEDIUM_NONE;
}

static void add_profile(struct profiles *profiles, GKeyFile *file)
{
    static const char group[] = "Profile";
    g_autofree char *id = get_text(file, group, "Id");
    g_autofree char *medium = get_text(file, group, "Medium");
    g_autofree char *size = get_text(file, group, "DiskSize");

    if (!id || !g_key_file_has_key(file, group, "Title", NULL))
        return;
    for (guint i = 0; i < profiles->profiles->len; i++) {
        if (strcmp(((struct profile *)profiles->profiles->pdata[i])->id, id) == 0)
            return; /* the user's own came first */
    }
    struct profile *profile = g_new0(struct profile, 1);
    profile->id = g_steal_pointer(&id);
    profile->title = get_translated(file, group, "Title");
    profile->summary = get_translated(file, group, "Summary");
    profile->family = get_text(file, group, "Family");
    profile->model = get_text(file, group, "Model");
    profile->machine = get_translated(file, group, "Machine");
    profile->boot = get_text(file, group, "Boot");
    profile->append = get_text(file, group, "Append");
    profile->display = get_text(file, group, "Display");
    profile->order = (unsigned)g_key_file_get_uint64(file, group, "Order", NULL);
    profile->memory_mib = (unsigned)g_key_file_get_uint64(file, group, "Memory", NULL);
    profile->volumes = g_key_file_get_string_list(file, group, "Volumes", NULL, NULL);
    profile->systems = g_key_file_get_string_list(file, group, "Systems", NULL, NULL);
    profile->architectures = g_key_file_get_string_list(file, group, "Architectures", NULL, NULL);
    profile->medium = parse_medium(medium);
    if (size && !parse_size(size, 1, &profile->disk_size))
        profile->disk_size = 0;
    g_ptr_array_add(profiles->profiles, profile);
}

static void add_family(struct profiles *profiles, GKeyFile *file)
{
    g_autofree char *id = get_text(file, "Family", "Id");
    g_auto(GStrv) titles = g_key_file_get_keys(file, "Keys", NULL, NULL);

    if (!id || profiles_find_family(profiles, id))
        return;
    struct family *family = g_new0(struct family, 1);
    family->id = g_steal_pointer(&id);
    family->title = get_translated(file, "Family", "Title");
    family->chords = g_ptr_array_new_with_free_func(chord_free);
    for (char **title = titles; title && *title; title++) {
        g_autofree char *keys = get_text(file, "Keys", *title);
        struct family_chord *chord = g_new0(struct family_chord, 1);
        if (!keys || !keys_parse_chord(keys, chord->codes, G_N_ELEMENTS(chord->codes))) {
            g_warning("%s: unknown keys “%s”", family->id, keys);
            g_free(chord);
            continue;
        }
        chord->title = g_strdup(_(*title));
        g_ptr_array_add(family->chords, chord);
    }
    g_ptr_array_add(profiles->families, family);
}

typedef void (*add_function)(struct profiles *profiles, GKeyFile *file);

static void load_folder(struct profiles *profiles, const char *name, add_function add)
{
    g_autofree char *own = g_build_filename(g_get_user_data_dir(), "vitrine", name, NULL);
    g_autoptr(GDir) dir = g_dir_open(own, 0, NULL);
    const char *entry;

    while (dir && (entry = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(own, entry, NULL);
        g_autoptr(GKeyFile) file = g_key_file_new();
        if (g_str_has_suffix(entry, ".ini") && g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL))
            add(profiles, file);
    }

    g_autofree char *folder = g_strconcat(RESOURCE_PREFIX, name, NULL);
    g_auto(GStrv) entries = g_resource_enumerate_children(vitrine_data_get_resource(), folder, 0, NULL);
    for (char **child = entries; child && *child; child++) {
        g_autofree char *path = g_build_filename(folder, *child, NULL);
        g_autoptr(GBytes) bytes = g_resource_lookup_data(vitrine_data_get_resource(), path, 0, NULL);
        g_autoptr(GKeyFile) file = g_key_file_new();
        if (bytes && g_key_file_load_from_bytes(file, bytes, G_KEY_FILE_NONE, NULL))
            add(profiles, file);
    }
}

static int compare_order(gconstpointer a, gconstpointer b)
{
    const struct profile *const *x = a, *const *y = b;

    return (*x)->order != (*y)->order ? ((*x)->order < (*y)->order ? -1 : 1) : strcmp((*x)->id, (*y)->id);
}

struct profiles *profiles_load(void)
{
    struct profiles *profiles = g_new0(struct profiles, 1);

    profiles->profiles = g_ptr_array_new_with_free_func(profile_free);
    profiles->families = g_ptr_array_new_with_free_func(family_free);
    load_folder(profiles, "profiles", add_profile);
    load_folder(profiles, "families", add_family);
    g_ptr_array_sort(profiles->profiles, compare_order);
    return profiles;
}

void profiles_free(struct profiles *profiles)
{
    if (!profiles)
        return;
    g_ptr_array_unref(profiles->profiles);
    g_ptr_array_unref(profiles->families);
    g_free(profiles);
}

const struct family *profiles_find_family(const struct profiles *profiles, const char *id)
{
    for (guint i = 0; i < profiles->families->len; i++) {
        const struct family *family = profiles->families->pdata[i];
        if (strcmp(family->id, id) == 0)
            return family;
    }
    return NULL;
}

static gboolean matches(char **patterns, const char *text)
{
    for (char **pattern = patterns; pattern && *pattern; pattern++) {
        if (g_pattern_match_simple(*pattern, text))
            return TRUE;
    }
    return FALSE;
}

const struct profile *profiles_recognise(const struct profiles *profiles, const char *volume)
{
    for (guint i = 0; i < profiles->profiles->len; i++) {
        const struct profile *profile = profiles->profiles->pdata[i];
        if (matches(profile->volumes, volume))
            return profile;
    }
    return NULL;
}

const struct profile *profiles_recognise_system(const struct profiles *profiles, const char *system,
                                                const char *architecture)
{
    for (guint i = 0; i < profiles->profiles->len; i++) {
        const struct profile *profile = profiles->profiles->pdata[i];
        if (matches(profile->systems, system) && (!architecture || matches(profile->architectures, architecture)))
            return profile;
    }
    return NULL;
}

char *profiles_read_volume_name(const char *path)
{
    enum { SECTOR = 2048, FIRST_DESCRIPTOR = 16, VOLUME_ID = 40, VOLUME_ID_SIZE = 32 };
    char sector[SECTOR];
    FILE *file = fopen(path, "rbe");

    if (!file)
        return NULL;
    bool whole = fseek(file, FIRST_DESCRIPTOR * SECTOR, SEEK_SET) == 0 && fread(sector, SECTOR, 1, file) == 1;
    fclose(file);
    /* type 1 (primary), standard identifier "CD001" (ECMA-119 8.1) */
    if (!whole || memcmp(sector, "\1CD001", 6) != 0)
        return NULL;
    return g_strstrip(g_utf8_make_valid(sector + VOLUME_ID, VOLUME_ID_SIZE));
}
