/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a drive's image stands on. */
#include "app/ui/drive_words.h"

#include "app/disks.h"
#include "app/history.h"
#include "app/i18n.h"

#include <string.h>

static VitrineDisk *find_disk(GListModel *disks, const char *path)
{
    for (guint i = 0; disks && i < g_list_model_get_n_items(disks); i++) {
        g_autoptr(VitrineDisk) disk = g_list_model_get_item(disks, i);
        VitrineDisk *found = strcmp(vitrine_disk_get_path(disk), path) == 0
                                 ? disk
                                 : find_disk(vitrine_disk_get_overlays(disk), path);
        if (found)
            return found;
    }
    return NULL;
}

/* Of several snapshots with the same contents, the one that the machine comes from. */
static const char *choose(const char *const *snapshots, VitrineBundle *bundle)
{
    g_autoptr(VitrineHistory) history = vitrine_history_get(bundle);
    VitrineHistoryNode *here = vitrine_history_get_here(history),
                       *parent = here ? vitrine_history_node_get_parent(here) : NULL;
    const char *name = parent ? vitrine_history_node_get_name(parent) : NULL;

    for (const char *const *one = snapshots; name && *one; one++) {
        if (strcmp(*one, name) == 0)
            return *one;
    }
    return snapshots[g_strv_length((char **)snapshots) - 1];
}

/* What the present stands on: a snapshot, or an image that is not the machine's. */
static void add_ground(GString *text, VitrineDisk *disk, VitrineBundle *bundle)
{
    for (VitrineDisk *base = vitrine_disk_get_base(disk); base; base = vitrine_disk_get_base(base)) {
        const char *const *snapshots = vitrine_disk_get_moments(base), *home = vitrine_disk_get_home(base);
        if (!home) {
            g_string_append_printf(text, _(", on “%s”"), vitrine_disk_get_name(base));
            return;
        }
        if (g_strcmp0(home, vitrine_bundle_get_name(bundle)) != 0) {
            g_string_append_printf(text, _(", on a disk of “%s”"), home);
            return;
        }
        if (*snapshots) {
            g_string_append_printf(text, _(", on the snapshot “%s”"), choose(snapshots, bundle));
            return;
        }
    }
}

char *drive_words_describe(GListModel *known, VitrineBundle *bundle, const struct machine_drive *drive, gboolean usage)
{
    g_autofree char *path = vitrine_bundle_path(vitrine_bundle_get_folder(bundle), drive->file);
    VitrineDisk *disk = known ? find_disk(known, path) : NULL;

    if (!disk)
        return g_strdup("");
    if (vitrine_disk_get_problem(disk))
        return g_strdup(vitrine_disk_get_problem(disk));
    g_autofree char *size = g_format_size_full(vitrine_disk_get_size(disk), G_FORMAT_SIZE_IEC_UNITS);
    GString *text = g_string_new(size);
    if (usage) {
        g_autofree char *used = g_format_size_full(vitrine_disk_get_usage(disk), G_FORMAT_SIZE_IEC_UNITS);
        g_string_append_printf(text, _(", %s used here"), used);
    }
    add_ground(text, disk, bundle);
    return g_string_free(text, FALSE);
}
