/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrine image commit|rebase|compact|snapshots: what stands on what, and what need not be there. */
#include "app/cli_image_private.h"

#define JSON_ENTRY(json)                                                                                     \
    {                                                                                                        \
        "json", 0, 0, G_OPTION_ARG_NONE, &(json),                                                            \
            N_("Print JSON, and progress as JSON lines to standard error"), NULL                             \
    }

/* ---- commit, rebase --------------------------------------------------------------------------------------
 */

int image_cli_commit(int argc, char **argv)
{
    g_autofree char *format = NULL;
    gboolean in_place = FALSE, json = FALSE;
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &format, N_("Don't look for the format, it is this"),
         N_("FORMAT")},
        {"in-place", 0, 0, G_OPTION_ARG_NONE, &in_place,
         N_("Write into the base instead, which nothing else may stand on, and empty the overlay"), NULL},
        JSON_ENTRY(json),
        {NULL},
    };
    if (!image_cli_parse(
            &argc, &argv, entries, _("FILE"), 1, 1,
            _("Merges an overlay with the image that it stands on. The base stays as it is: a new file "
              "with the "
              "contents of both, verified, takes the overlay's name.")))
        return STATUS_USAGE;
    g_autoptr(GError) error = NULL;
    ProgressLine progress;
    progress_line_begin(&progress, json);
    gboolean ok = in_place ? image_commit(argv[1], format, &progress.job, &error)
                           : image_merge(argv[1], format, &progress.job, &error);
    return image_cli_end(&progress, ok, error, argv[1]);
}

int image_cli_rebase(int argc, char **argv)
{
    g_autofree char *format = NULL, *backing = NULL, *backing_format = NULL;
    gboolean unsafe = FALSE, json = FALSE;
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &format, N_("Don't look for the format, it is this"),
         N_("FORMAT")},
        {"backing", 'b', 0, G_OPTION_ARG_FILENAME, &backing, N_("The new base; \"\" for none"), N_("FILE")},
        {"backing-format", 'F', 0, G_OPTION_ARG_STRING, &backing_format, N_("Its format"), N_("FORMAT")},
        {"unsafe", 'u', 0, G_OPTION_ARG_NONE, &unsafe, N_("Only write the name: the base was moved"), NULL},
        JSON_ENTRY(json),
        {NULL},
    };
    if (!image_cli_parse(&argc, &argv, entries, _("FILE"), 1, 1,
                         _("Makes an overlay stand on another image, without changing what it shows.")))
        return STATUS_USAGE;
    if (!backing) {
        image_cli_complain(
            _("What should “%s” stand on? Name it with --backing, or give --backing \"\" for nothing."),
            argv[1]);
        return STATUS_USAGE;
    }
    g_autoptr(GError) error = NULL;
    ProgressLine progress;
    progress_line_begin(&progress, json);
    gboolean ok = image_rebase(argv[1], format, backing, backing_format, unsafe, &progress.job, &error);
    return image_cli_end(&progress, ok, error, argv[1]);
}

/* ---- compact ---------------------------------------------------------------------------------------------
 */

int image_cli_compact(int argc, char **argv)
{
    g_autofree char *format = NULL;
    gboolean compress = FALSE, json = FALSE;
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &format, N_("Don't look for the format, it is this"),
         N_("FORMAT")},
        {"compress", 'c', 0, G_OPTION_ARG_NONE, &compress, N_("Compress the data (qcow2)"), NULL},
        JSON_ENTRY(json),
        {NULL},
    };
    if (!image_cli_parse(
            &argc, &argv, entries, _("FILE"), 1, 1,
            _("Writes an image anew without zeros, freed space, and what its base shows anyway. The "
              "new file is verified before it takes the name.")))
        return STATUS_USAGE;
    g_autoptr(GError) error = NULL;
    ProgressLine progress;
    progress_line_begin(&progress, json);
    gboolean ok = image_compact(argv[1], format, compress, &progress.job, &error);
    return image_cli_end(&progress, ok, error, argv[1]);
}

/* ---- snapshots -------------------------------------------------------------------------------------------
 */

static void snapshots_json(const GPtrArray *list)
{
    g_autoptr(JsonBuilder) b = json_builder_new();
    json_builder_begin_array(b);
    for (guint i = 0; i < list->len; i++) {
        const ImageSnapshot *s = list->pdata[i];
        json_builder_begin_object(b);
        image_cli_text(b, "id", s->id);
        image_cli_text(b, "name", s->name);
        image_cli_number(b, "date-ns", (guint64)s->date_ns);
        image_cli_number(b, "vm-clock-ns", s->clock_ns);
        image_cli_number(b, "vm-state-size", s->state_size);
        image_cli_number(b, "virtual-size", s->size);
        json_builder_end_object(b);
    }
    json_builder_end_array(b);
    image_cli_print(b);
}

int image_cli_snapshots(int argc, char **argv)
{
    g_autofree char *format = NULL;
    gboolean json = FALSE;
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &format, N_("Don't look for the format, it is this"),
         N_("FORMAT")},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("Print JSON"), NULL},
        {NULL},
    };
    if (!image_cli_parse(&argc, &argv, entries, _("FILE"), 1, 1,
                         _("Lists the internal snapshots that other programs made. “vitrine image convert "
                           "--snapshot” copies one out.")))
        return STATUS_USAGE;
    g_autoptr(GError) error = NULL;
    g_autoptr(Image) image =
        image_open(argv[1], format, IMAGE_OPEN_READ_ONLY | IMAGE_OPEN_SHARE | IMAGE_OPEN_NO_BACKING, &error);
    if (!image)
        return image_cli_failed(error);
    g_autoptr(GPtrArray) list = image_list_snapshots(image);
    if (json) {
        snapshots_json(list);
        return STATUS_OK;
    }
    for (guint i = 0; i < list->len; i++) {
        const ImageSnapshot *s = list->pdata[i];
        g_autoptr(GDateTime) date = g_date_time_new_from_unix_local(s->date_ns / 1000000000);
        g_autofree char *when = date ? g_date_time_format(date, "%Y-%m-%d %H:%M:%S") : NULL;
        g_autofree char *size = g_format_size_full(s->size, G_FORMAT_SIZE_IEC_UNITS);
        g_autofree char *state = g_format_size_full(s->state_size, G_FORMAT_SIZE_IEC_UNITS);
        g_print("%-4s %-24s %s  %10s  %s\n", s->id, s->name, when ? when : "", size,
                s->state_size ? state : "");
    }
    if (list->len == 0)
        g_print(_("No internal snapshots.\n"));
    return STATUS_OK;
}
