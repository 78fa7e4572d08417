/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines that leave the library as one file and come back, as jobs. */
#pragma once

#include "app/bundle.h"

#include <gtk/gtk.h>

G_BEGIN_DECLS

#define TRANSFER_SUFFIX ".vitrine"

/* Asks for a place. The machine must be off; it is locked meanwhile. */
void transfer_export(GtkWidget *owner, VitrineBundle *bundle);
/* Puts the machine in the file into the library, under another name where its own is taken. */
void transfer_import(GtkWidget *owner, const char *path);

G_END_DECLS
