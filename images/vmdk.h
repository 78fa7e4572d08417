/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VMDK: the descriptor, shared by its reader and by the images that it describes. */
#ifndef VITRINE_IMAGES_VMDK_H
#define VITRINE_IMAGES_VMDK_H

#include "images/internal.h"

#define VMDK_MAX_TEXT    (64u << 10)
#define VMDK_MAX_EXTENTS 4096u

typedef enum VmdkKind {
    VMDK_FLAT,
    VMDK_SPARSE,
    VMDK_ZERO,
} VmdkKind;

typedef struct VmdkLine {
    VmdkKind kind;
    guint64 sectors;
    guint64 offset; /* of FLAT, in sectors */
    char *name;     /* a bare file name */
} VmdkLine;

/* "Disk Descriptor File" */
typedef struct VmdkText {
    GArray *lines;   /* VmdkLine */
    char *parent;    /* what it stands on, or NULL */
    gint64 cid_at;   /* where the eight digits of the content's number stand in the text, or -1 */
    gboolean orphan; /* it stands on something that it does not name */
} VmdkText;

gboolean vmdk_text_parse(ImageFile *file, const char *text, gsize length, VmdkText *out, GError **error);
void vmdk_text_clear(VmdkText *text);
/* The descriptor of a new image of one extent, sparse or flat, which stands in the file of that name. */
char *vmdk_text_new(const char *name, VmdkKind kind, guint64 sectors);

#endif
