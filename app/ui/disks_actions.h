/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be done with an image: a table of commands that the Disks window shows as rows; each is a job. */
#pragma once

#include "app/disks.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

struct disk_action {
    const char *id;
    const char *title, *summary; /* translatable (N_) */
    const char *icon;
    void (*run)(GtkWidget *owner, VitrineDisk *disk);
    /* Why it cannot be done with this image, translated; NULL = it can. */
    const char *(*refuse)(VitrineDisk *disk);
};

/* Ends with a NULL id. */
extern const struct disk_action disk_actions[];

/* Asks for size and place of a new image, makes it, and notes it among the known images. */
void disks_create_image(GtkWidget *owner);
/* Images outside of the machines' folders that the Disks window shows. */
void disks_remember(const char *path);
void disks_forget(const char *path);

G_END_DECLS
