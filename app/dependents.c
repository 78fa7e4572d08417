/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the images of other machines stand on, by their headers. */
#include "app/dependents.h"

#include "app/bundle.h"
#include "app/i18n.h"
#include "images/images.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

char *vitrine_find_file(const char *path, GError **error)
{
    char *real = realpath(path, NULL);

    if (real) {
        char *copy = g_strdup(real);
        free(real);
        return copy;
    }
    if (errno == ENOENT || errno == ENOTDIR)
        return g_canonicalize_filename(path, NULL);
    vitrine_set_errno(error, errno, _("The file could not be read"), path);
    return NULL;
}

gboolean vitrine_is_inside(const char *folder, const char *path)
{
    gsize length = strlen(folder);

    return strncmp(folder, path, length) == 0 && path[length] == '/';
}

/* A symbolic link to a disk that is not plugged in: its machine is there again tomorrow. */
static gboolean refuse_lost_link(const char *machine, GError **error)
{
    GStatBuf info;

    if (g_stat(machine, &info) == 0 || g_lstat(machine, &info) != 0 || !S_ISLNK(info.st_mode))
        return FALSE;
    g_autofree char *name = g_path_get_basename(machine);
    g_autofree char *shown = g_filename_display_name(name);
    g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_NOT_FOUND,
                _("The machine “%s” is a link to a folder that is not there, and nobody knows which disks it stands on. Make "
                  "its folder reachable again, or take the link out of the library."),
                shown);
    return TRUE;
}

gboolean vitrine_find_dependents(const char *bundle, const char *folder, VitrineDependent found, gpointer data,
                                 GError **error)
{
    g_autofree char *library = g_path_get_dirname(bundle);
    g_autofree char *own = g_path_get_basename(bundle);
    g_auto(GStrv) names = vitrine_list_folder(library, error);

    for (guint i = 0; names && names[i]; i++) {
        g_autofree char *machine = g_build_filename(library, names[i], NULL);
        g_autofree char *disks = g_build_filename(machine, "disks", NULL);
        if (strcmp(names[i], own) == 0)
            continue;
        if (refuse_lost_link(machine, error))
            return FALSE;
        g_auto(GStrv) files = vitrine_list_folder(disks, error);
        if (!files)
            return FALSE;
        for (guint k = 0; files[k]; k++) {
            g_autoptr(GError) failure = NULL;
            g_autofree char *path = g_build_filename(disks, files[k], NULL);
            g_autoptr(ImageInfo) info = image_read_info(path, NULL, &failure);
            if (g_error_matches(failure, IMAGE_ERROR, IMAGE_ERROR_IO) ||
                g_error_matches(failure, IMAGE_ERROR, IMAGE_ERROR_READ_ONLY)) {
                g_propagate_error(error, g_steal_pointer(&failure)); /* who knows what it stands on */
                return FALSE;
            }
            g_autofree char *base = info && info->backing_path ? vitrine_find_file(info->backing_path, error) : NULL;
            if (info && info->backing_path && !base)
                return FALSE;
            if (base && vitrine_is_inside(folder, base))
                found(machine, base, data);
        }
    }
    return names != NULL;
}
