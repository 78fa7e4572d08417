/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The descriptor of a VMDK image: which files it consists of, and what it stands on. Source: "Virtual Disk
 * Format 5.0", VMware 2011, "The Descriptor File". A descriptor comes from anywhere: extents must stand in
 * its own folder, so that an image does not draw other files of this computer into a guest's disk.
 */
#include <stdio.h>
#include <string.h>

#include "images/vmdk.h"

static void line_clear(gpointer data)
{
    g_free(((VmdkLine *)data)->name);
}

void vmdk_text_clear(VmdkText *text)
{
    g_clear_pointer(&text->lines, g_array_unref);
    g_clear_pointer(&text->parent, g_free);
}

/* The value of NAME = "value" or NAME=value; NULL when the line is something else. */
static char *value_of(const char *line, const char *name)
{
    gsize length = strlen(name);
    if (g_ascii_strncasecmp(line, name, length) != 0)
        return NULL;
    const char *at = line + length;
    while (*at == ' ' || *at == '\t')
        at++;
    if (*at++ != '=')
        return NULL;
    while (*at == ' ' || *at == '\t')
        at++;
    if (*at == '"') {
        const char *end = strchr(at + 1, '"');
        return g_strndup(at + 1, end ? (gsize)(end - at - 1) : strlen(at + 1));
    }
    return g_strchomp(g_strdup(at));
}

/* "RW 4192256 SPARSE "name"", with an offset behind it for FLAT. FALSE without an error: not such a line. */
static gboolean parse_extent(ImageFile *file, const char *line, VmdkLine *out, GError **error)
{
    static const struct {
        const char *name;
        VmdkKind kind;
    } kinds[] = {{"FLAT", VMDK_FLAT}, {"SPARSE", VMDK_SPARSE}, {"ZERO", VMDK_ZERO}, {"VMFS", VMDK_FLAT}};
    char type[16] = "";
    int at = 0;
    *out = (VmdkLine){0};
    if (!g_str_has_prefix(line, "RW ") && !g_str_has_prefix(line, "RDONLY ") &&
        !g_str_has_prefix(line, "NOACCESS "))
        return FALSE;
    if (sscanf(line, "%*s %" SCNu64 " %15s%n", &out->sectors, type, &at) != 2)
        return image_damaged(file, error, _("a line of its descriptor makes no sense"));
    gsize k = 0;
    while (k < G_N_ELEMENTS(kinds) && !g_str_equal(kinds[k].name, type))
        k++;
    if (k == G_N_ELEMENTS(kinds) || g_str_has_prefix(line, "NOACCESS")) {
        g_autofree char *shown = g_utf8_make_valid(type, -1);
        g_set_error(
            error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
            _("“%s” has a part of a kind that is not supported here (%s). Convert it with the program "
              "that made it."),
            file->path, shown);
        return FALSE;
    }
    out->kind = kinds[k].kind;
    if (out->sectors == 0 || out->sectors > IMAGE_MAX_SIZE / 512)
        return image_damaged(file, error, _("a part of it has an impossible size"));
    if (out->kind == VMDK_ZERO)
        return TRUE;
    const char *open = strchr(line + at, '"');
    const char *close = open ? strchr(open + 1, '"') : NULL;
    if (!close)
        return image_damaged(file, error, _("a line of its descriptor names no file"));
    out->name = g_strndup(open + 1, (gsize)(close - open - 1));
    out->offset = g_ascii_strtoull(close + 1, NULL, 10);
    if (!*out->name || strchr(out->name, '/') || strchr(out->name, '\\') || g_str_equal(out->name, "..")) {
        g_autofree char *shown = g_utf8_make_valid(out->name, -1);
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
                    _("“%s” says that a part of it is “%s”; only files in its own folder are opened. Put the "
                      "file there and write its bare name into the descriptor."),
                    file->path, shown);
        g_clear_pointer(&out->name, g_free);
        return FALSE;
    }
    return TRUE;
}

gboolean vmdk_text_parse(ImageFile *file, const char *text, gsize length, VmdkText *out, GError **error)
{
    g_autofree char *copy = g_strndup(text, length);
    g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);
    gsize at = 0;
    gboolean has_parent = FALSE;
    *out = (VmdkText){.lines = g_array_new(FALSE, FALSE, sizeof(VmdkLine)), .cid_at = -1};
    g_array_set_clear_func(out->lines, line_clear);
    for (guint i = 0; lines[i]; at += strlen(lines[i]) + 1, i++) {
        g_autoptr(GError) bad = NULL;
        g_autofree char *line = g_strstrip(g_strdup(lines[i]));
        VmdkLine extent;
        if (parse_extent(file, line, &extent, &bad)) {
            if (out->lines->len >= VMDK_MAX_EXTENTS) {
                g_free(extent.name);
                return image_damaged(file, error, _("it has too many parts"));
            }
            g_array_append_val(out->lines, extent);
        } else if (bad) {
            g_propagate_error(error, g_steal_pointer(&bad));
            return FALSE;
        } else if (g_str_has_prefix(lines[i], "CID=") && strlen(lines[i]) >= 12) {
            out->cid_at = (gint64)at + 4;
        } else {
            g_autofree char *parent_cid = value_of(line, "parentCID");
            char *hint = value_of(line, "parentFileNameHint");
            if (parent_cid)
                has_parent = g_ascii_strcasecmp(parent_cid, "ffffffff") != 0;
            if (hint) {
                g_free(out->parent);
                out->parent = hint;
            }
        }
    }
    if (!has_parent)
        g_clear_pointer(&out->parent, g_free);
    out->orphan = has_parent && !(out->parent && *out->parent);
    return TRUE;
}

char *vmdk_text_new(const char *name, VmdkKind kind, guint64 sectors)
{
    gboolean flat = kind == VMDK_FLAT;
    guint32 cid = g_random_int() & 0xfffffffeu;
    return g_strdup_printf("# Disk DescriptorFile\n"
                           "version=1\n"
                           "CID=%08x\n"
                           "parentCID=ffffffff\n"
                           "createType=\"%s\"\n"
                           "\n"
                           "# Extent description\n"
                           "RW %" PRIu64 " %s \"%s\"%s\n"
                           "\n"
                           "# The Disk Data Base\n"
                           "#DDB\n"
                           "\n"
                           "ddb.virtualHWVersion = \"4\"\n"
                           "ddb.geometry.cylinders = \"%" PRIu64 "\"\n"
                           "ddb.geometry.heads = \"16\"\n"
                           "ddb.geometry.sectors = \"63\"\n"
                           "ddb.adapterType = \"ide\"\n",
                           cid, flat ? "monolithicFlat" : "monolithicSparse", sectors, flat ? "FLAT" : "SPARSE",
                           name, flat ? " 0" : "", MIN(sectors / (16 * 63), 16383));
}
