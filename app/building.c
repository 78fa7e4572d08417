/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mkdtemp(), flock() on the folder, rename(). */
#include "app/building.h"

#include "app/bundle.h"
#include "app/i18n.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNIQUE "XXXXXX" /* of mkdtemp() */
/* Between making a folder and locking it somebody else may look. */
#define YOUNG_SECONDS 60

static int open_locked(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* What nobody builds any more. */
static void sweep(const char *folder, const char *prefix)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        if (!g_str_has_prefix(name, prefix) || strlen(name) != strlen(prefix) + strlen(UNIQUE))
            continue;
        g_autofree char *path = g_build_filename(folder, name, NULL);
        struct stat info;
        int fd = open_locked(path);
        if (fd < 0)
            continue;
        if (fstat(fd, &info) == 0 && info.st_uid == geteuid() && info.st_mtime + YOUNG_SECONDS < time(NULL))
            vitrine_remove_tree(path, NULL);
        close(fd);
    }
}

VitrineBuilding *vitrine_building_new(const char *folder, const char *prefix, GError **error)
{
    g_autofree char *name = g_strconcat(prefix, UNIQUE, NULL);
    g_autofree char *path = g_build_filename(folder, name, NULL);

    if (g_mkdir_with_parents(folder, 0755) == 0) {
        sweep(folder, prefix);
        if (g_mkdtemp_full(path, 0755)) {
            VitrineBuilding *self = g_new(VitrineBuilding, 1);
            *self = (VitrineBuilding){g_steal_pointer(&path), -1};
            self->lock = open_locked(self->path); /* where that is impossible, it is young for a minute */
            return self;
        }
    }
    vitrine_set_errno(error, errno, _("Nothing can be made in this folder"), folder);
    return NULL;
}

gboolean vitrine_building_finish(VitrineBuilding *self, const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);

    /* rename() replaces an empty folder at most: what another process made meanwhile stays. */
    if (!vitrine_sync_folder(self->path, error))
        return FALSE;
    if (g_rename(self->path, path) != 0)
        return vitrine_set_errno(error, errno, _("The folder could not be made"), path);
    g_clear_pointer(&self->path, g_free);
    return vitrine_sync_folder(folder, error);
}

void vitrine_building_free(VitrineBuilding *self)
{
    if (!self)
        return;
    if (self->path)
        vitrine_remove_tree(self->path, NULL);
    if (self->lock >= 0)
        close(self->lock);
    g_free(self->path);
    g_free(self);
}
