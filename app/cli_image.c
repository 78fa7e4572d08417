/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrine image: the images library for a shell. What changes chains is in cli_image_chain.c. */
#include <inttypes.h>
#include <string.h>

#include "app/cli_image.h"
#include "app/cli_image_private.h"
#include "app/size.h"

typedef struct Command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} Command;

void image_cli_complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_printerr("vitrine image: %s\n", text);
}

int image_cli_failed(const GError *error)
{
    image_cli_complain("%s", error->message);
    return error->code == IMAGE_ERROR_INVALID ? STATUS_USAGE : STATUS_FAILED;
}

gboolean image_cli_parse(int *argc, char ***argv, const GOptionEntry *entries, const char *words, int min,
                         int max, const char *summary)
{
    g_autofree char *name = g_strdup((*argv)[0]);
    g_autofree char *program = g_strdup_printf("vitrine image %s", name);
    g_autoptr(GOptionContext) context = g_option_context_new(words);
    g_autoptr(GError) error = NULL;
    g_autofree char *before = g_strdup(g_get_prgname());
    g_set_prgname(program); /* in the usage line */
    g_option_context_add_main_entries(context, entries, "vitrine");
    g_option_context_set_translation_domain(context, "vitrine");
    g_option_context_set_summary(context, summary);
    gboolean ok = g_option_context_parse(context, argc, argv, &error);
    g_set_prgname(before);
    if (ok && *argc > 1 && g_str_equal((*argv)[1], "--")) {
        memmove(*argv + 1, *argv + 2, (size_t)(*argc - 1) * sizeof **argv);
        (*argc)--;
    }
    if (ok && (*argc - 1 < min || *argc - 1 > max)) {
        g_set_error(&error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _("%s takes: %s"), name, words);
        ok = FALSE;
    }
    if (!ok) {
        image_cli_complain("%s", error->message);
        g_printerr(_("“vitrine image %s --help” shows what it takes.\n"), name);
    }
    return ok;
}

static gboolean want_bytes(const char *text, const char *what, guint64 *bytes)
{
    if (!text || parse_size(text, 1, bytes))
        return TRUE;
    image_cli_complain(_("“%s” is no %s. Write a number of bytes, or for example 64K, 512M or 20G."), text,
                       what);
    return FALSE;
}

static void info_json(JsonBuilder *b, const ImageInfo *info);

int image_cli_end(ProgressLine *progress, gboolean ok, const GError *error, const char *path)
{
    progress_line_end(progress);
    if (!ok)
        return image_cli_failed(error);
    g_autoptr(ImageInfo) info = progress->json && path ? image_read_info(path, NULL, NULL) : NULL;
    if (info) {
        g_autoptr(JsonBuilder) b = json_builder_new();
        info_json(b, info);
        image_cli_print(b);
    }
    return STATUS_OK;
}

/* ---- JSON ------------------------------------------------------------------------------------------------
 */

void image_cli_text(JsonBuilder *b, const char *name, const char *value)
{
    if (!value)
        return;
    g_autofree char *valid = g_utf8_make_valid(value, -1);
    json_builder_set_member_name(b, name);
    json_builder_add_string_value(b, valid);
}

void image_cli_number(JsonBuilder *b, const char *name, guint64 value)
{
    json_builder_set_member_name(b, name);
    json_builder_add_int_value(b, (gint64)value);
}

void image_cli_flag(JsonBuilder *b, const char *name, gboolean value)
{
    json_builder_set_member_name(b, name);
    json_builder_add_boolean_value(b, value);
}

void image_cli_print(JsonBuilder *b)
{
    g_autoptr(JsonNode) root = json_builder_get_root(b);
    g_autofree char *text = json_to_string(root, TRUE);
    g_print("%s\n", text);
}

/* ---- Options that create and convert share ---------------------------------------------------------------
 */

typedef struct NewImage {
    char *format, *backing, *backing_format, *cluster, *compression, *preallocation;
    int compat, refcount_bits;
    gboolean lazy, extended, force;
    ImageCreateOptions options;
} NewImage;

/* The library does not know what its caller's option is called. */
static void tell_force(const GError *error, const char *target)
{
    if (g_error_matches(error, IMAGE_ERROR, IMAGE_ERROR_EXISTS) && g_file_test(target, G_FILE_TEST_EXISTS))
        g_printerr("%s\n", _("With --force it is replaced."));
}

static void new_image_clear(NewImage *n)
{
    g_free(n->format);
    g_free(n->backing);
    g_free(n->backing_format);
    g_free(n->cluster);
    g_free(n->compression);
    g_free(n->preallocation);
}

#define NEW_IMAGE_ENTRIES(n)                                                                                 \
    {"backing",                                                                                              \
     'b',                                                                                                    \
     0,                                                                                                      \
     G_OPTION_ARG_FILENAME,                                                                                  \
     &(n).backing,                                                                                           \
     N_("Stand on this image (relative to the new one)"),                                                    \
     N_("FILE")},                                                                                            \
        {"backing-format", 'F', 0, G_OPTION_ARG_STRING, &(n).backing_format, N_("The format of that image"), \
         N_("FORMAT")},                                                                                      \
        {"cluster-size", 0, 0, G_OPTION_ARG_STRING, &(n).cluster, N_("Unit of allocation, 512 to 2M (64K)"), \
         N_("SIZE")},                                                                                        \
        {"compat",     0, 0, G_OPTION_ARG_INT, &(n).compat, N_("Version of the format: 2 or 3 (3)"),         \
         N_("VERSION")},                                                                                     \
        {"refcount-bits",                                                                                    \
         0,                                                                                                  \
         0,                                                                                                  \
         G_OPTION_ARG_INT,                                                                                   \
         &(n).refcount_bits,                                                                                 \
         N_("Width of reference counts, 1 to 64 (16)"),                                                      \
         N_("BITS")},                                                                                        \
        {"compression", 0, 0, G_OPTION_ARG_STRING, &(n).compression, N_("zlib or zstd (zlib)"), N_("TYPE")}, \
        {"lazy-refcounts",                                                                                   \
         0,                                                                                                  \
         0,                                                                                                  \
         G_OPTION_ARG_NONE,                                                                                  \
         &(n).lazy,                                                                                          \
         N_("Allow other programs to count lazily"),                                                         \
         NULL},                                                                                              \
        {"extended-l2", 0, 0, G_OPTION_ARG_NONE, &(n).extended, N_("Allocate parts of clusters"), NULL},     \
        {"preallocation",                                                                                    \
         0,                                                                                                  \
         0,                                                                                                  \
         G_OPTION_ARG_STRING,                                                                                \
         &(n).preallocation,                                                                                 \
         N_("off, metadata, falloc or full (off)"),                                                          \
         N_("MODE")},                                                                                        \
    {                                                                                                        \
        "force", 0, 0, G_OPTION_ARG_NONE, &(n).force, N_("Replace an existing file"), NULL                   \
    }

static gboolean new_image_options(NewImage *n)
{
    static const char *const modes[] = {"off", "metadata", "falloc", "full"};
    guint64 cluster = 0;
    if (!want_bytes(n->cluster, _("cluster size"), &cluster))
        return FALSE;
    if (n->cluster && (cluster < 512 || cluster > 2 << 20)) {
        image_cli_complain(_("The cluster size must be a power of two from 512 bytes to 2 MiB."));
        return FALSE;
    }
    if (n->compat < 0 || n->refcount_bits < 0) {
        image_cli_complain(_("A negative number makes no sense here."));
        return FALSE;
    }
    if (n->format && !g_str_equal(n->format, "qcow2") &&
        (n->cluster || n->compat || n->refcount_bits || n->compression || n->lazy || n->extended)) {
        image_cli_complain(_("The format %s has no cluster size, version, reference counts, kind of compression or "
                             "extended entries to choose. Leave these options away, or choose qcow2."),
                           n->format);
        return FALSE;
    }
    if (n->backing_format && !n->backing) {
        image_cli_complain(_("--backing-format is the format of the image that --backing names. Name it, or leave the "
                             "format away."));
        return FALSE;
    }
    n->options.cluster_size = (guint32)cluster;
    n->options.version = (guint)n->compat;
    n->options.refcount_bits = (guint)n->refcount_bits;
    n->options.lazy_refcounts = n->lazy;
    n->options.extended_l2 = n->extended;
    n->options.compression = n->compression;
    n->options.backing_file = n->backing;
    n->options.backing_format = n->backing_format;
    n->options.overwrite = n->force;
    if (!n->preallocation)
        return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(modes); i++) {
        if (g_str_equal(modes[i], n->preallocation)) {
            n->options.preallocation = (ImagePreallocation)i;
            return TRUE;
        }
    }
    image_cli_complain(_("“%s” is no way of preallocation: choose off, metadata, falloc or full."),
                       n->preallocation);
    return FALSE;
}

/* ---- create ----------------------------------------------------------------------------------------------
 */

static int run_create(int argc, char **argv)
{
    NewImage n = {0};
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &n.format, N_("qcow2, raw, vmdk, vdi or vhd (qcow2)"),
         N_("FORMAT")},
        NEW_IMAGE_ENTRIES(n),
        {NULL},
    };
    g_autoptr(GError) error = NULL;
    int status = STATUS_USAGE;
    if (image_cli_parse(
            &argc, &argv, entries, _("FILE [SIZE]"), 1, 2,
            _("Makes a new disk image. The size may be left out when the image stands on another.")) &&
        new_image_options(&n) && want_bytes(argc > 2 ? argv[2] : NULL, _("size"), &n.options.size)) {
        n.options.size = (n.options.size + 511) & ~(guint64)511;
        if (argc < 3 && !n.backing)
            image_cli_complain(
                _("How large should “%s” be? Write the size behind its name, for example 20G."), argv[1]);
        else if (!image_create(argv[1], n.format ? n.format : "qcow2", &n.options, &error))
            status = image_cli_failed(error);
        else
            status = STATUS_OK;
        tell_force(error, argv[1]);
    }
    new_image_clear(&n);
    return status;
}

/* ---- info ------------------------------------------------------------------------------------------------
 */

/* The names are those of the field's tools, so that scripts carry over. */
static void info_json(JsonBuilder *b, const ImageInfo *info)
{
    json_builder_begin_object(b);
    image_cli_text(b, "filename", info->path);
    image_cli_text(b, "format", info->format);
    image_cli_number(b, "virtual-size", info->size);
    image_cli_number(b, "file-size", info->file_size);
    image_cli_number(b, "actual-size", info->disk_usage);
    if (info->cluster_size)
        image_cli_number(b, "cluster-size", info->cluster_size);
    image_cli_text(b, "backing-filename", info->backing_file);
    image_cli_text(b, "full-backing-filename", info->backing_path);
    image_cli_text(b, "backing-filename-format", info->backing_format);
    if (info->version) {
        image_cli_number(b, "version", info->version);
        image_cli_number(b, "refcount-bits", info->refcount_bits);
        image_cli_text(b, "compression", info->compression);
        image_cli_flag(b, "lazy-refcounts", info->lazy_refcounts);
        image_cli_flag(b, "extended-l2", info->extended_l2);
        image_cli_flag(b, "dirty-flag", info->dirty);
        image_cli_flag(b, "corrupt", info->corrupt);
        image_cli_flag(b, "external-data", info->external_data);
        image_cli_text(b, "encryption", info->encryption);
        json_builder_set_member_name(b, "snapshots");
        json_builder_begin_array(b);
        for (guint i = 0; info->snapshots && info->snapshots[i]; i++)
            json_builder_add_string_value(b, info->snapshots[i]);
        json_builder_end_array(b);
    }
    json_builder_end_object(b);
}

static void info_print(const ImageInfo *info)
{
    g_autofree char *size = g_format_size_full(info->size, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *usage = g_format_size_full(info->disk_usage, G_FORMAT_SIZE_IEC_UNITS);
    g_print(_("Image:          %s\n"), info->path);
    if (info->version)
        g_print(_("Format:         %s, version %u\n"), info->format, info->version);
    else
        g_print(_("Format:         %s\n"), info->format);
    g_print(_("Disk:           %s (%" PRIu64 " bytes)\n"), size, info->size);
    g_print(_("Space taken:    %s\n"), usage);
    if (info->cluster_size)
        g_print(_("Clusters:       %u bytes\n"), info->cluster_size);
    if (info->version)
        g_print(_("Details:        compression %s, reference counts of %u bits%s%s\n"), info->compression,
                info->refcount_bits, info->lazy_refcounts ? _(", lazy") : "",
                info->extended_l2 ? _(", extended entries") : "");
    if (info->backing_file)
        g_print(_("Stands on:      %s (%s)\n"), info->backing_path ? info->backing_path : info->backing_file,
                info->backing_format ? info->backing_format : _("format not recorded"));
    for (guint i = 0; info->snapshots && info->snapshots[i]; i++)
        g_print(_("Snapshot:       %s\n"), info->snapshots[i]);
    if (info->encryption)
        g_print(_("Encrypted:      %s\n"), info->encryption);
    if (info->external_data)
        g_print(_("Data:           in an external file\n"));
    if (info->dirty)
        g_print(_("Attention:      was not closed properly; a check repairs it\n"));
    if (info->corrupt)
        g_print(_("Attention:      is marked as damaged; check and repair it\n"));
}

static int run_info(int argc, char **argv)
{
    g_autofree char *format = NULL;
    gboolean json = FALSE, chain = FALSE;
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &format, N_("Don't look for the format, it is this"),
         N_("FORMAT")},
        {"chain", 0, 0, G_OPTION_ARG_NONE, &chain, N_("Also the images that it stands on"), NULL},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("Print JSON"), NULL},
        {NULL},
    };
    if (!image_cli_parse(&argc, &argv, entries, _("FILE…"), 1, 1000000,
                         _("Tells what an image is. It may be in use.")))
        return STATUS_USAGE;
    g_autoptr(JsonBuilder) b = json_builder_new();
    gboolean many = chain || argc > 2;
    gboolean first = TRUE;
    if (many)
        json_builder_begin_array(b);
    for (int i = 1; i < argc; i++) {
        g_autofree char *path = g_strdup(argv[i]), *its_format = g_strdup(format);
        for (guint depth = 0; path && depth < 256; depth++) {
            g_autoptr(GError) error = NULL;
            g_autoptr(ImageInfo) info = image_read_info(path, its_format, &error);
            if (!info)
                return image_cli_failed(error);
            if (json) {
                info_json(b, info);
            } else {
                if (!first)
                    g_print("\n");
                info_print(info);
            }
            first = FALSE;
            g_free(path);
            g_free(its_format);
            path = chain ? g_strdup(info->backing_path) : NULL;
            its_format = g_strdup(info->backing_format);
        }
    }
    if (many)
        json_builder_end_array(b);
    if (json)
        image_cli_print(b);
    return STATUS_OK;
}

/* ---- check -----------------------------------------------------------------------------------------------
 */

static void check_print(const ImageCheck *check)
{
    for (guint i = 0; i < check->messages->len; i++)
        g_print("%s\n", (const char *)check->messages->pdata[i]);
    if (check->corruptions_fixed || check->leaks_fixed)
        g_print(_("Repaired: %" PRIu64 " errors, %" PRIu64 " leaked clusters.\n"), check->corruptions_fixed,
                check->leaks_fixed);
    if (check->corruptions)
        g_print(_("%" PRIu64 " errors: the image is damaged. Make a copy, then repair it "
                  "(--repair all).\n"),
                check->corruptions);
    if (check->leaks)
        g_print(_("%" PRIu64 " leaked clusters: space is wasted, nothing is lost (--repair leaks).\n"),
                check->leaks);
    if (!check->corruptions && !check->leaks)
        g_print(_("No errors were found.\n"));
    if (check->total_clusters)
        g_print(_("%" PRIu64 " of %" PRIu64 " clusters are in use (%.1f %%), %" PRIu64 " compressed, %" PRIu64
                  " out of order.\n"),
                check->allocated_clusters, check->total_clusters,
                100.0 * (double)check->allocated_clusters / (double)check->total_clusters,
                check->compressed_clusters, check->fragmented_clusters);
}

static void check_json(const char *path, const ImageCheck *check)
{
    g_autoptr(JsonBuilder) b = json_builder_new();
    json_builder_begin_object(b);
    image_cli_text(b, "filename", path);
    image_cli_number(b, "corruptions", check->corruptions);
    image_cli_number(b, "leaks", check->leaks);
    image_cli_number(b, "corruptions-fixed", check->corruptions_fixed);
    image_cli_number(b, "leaks-fixed", check->leaks_fixed);
    image_cli_number(b, "check-errors", check->errors);
    image_cli_number(b, "total-clusters", check->total_clusters);
    image_cli_number(b, "allocated-clusters", check->allocated_clusters);
    image_cli_number(b, "compressed-clusters", check->compressed_clusters);
    image_cli_number(b, "fragmented-clusters", check->fragmented_clusters);
    image_cli_number(b, "image-end-offset", check->image_end);
    json_builder_set_member_name(b, "messages");
    json_builder_begin_array(b);
    for (guint i = 0; i < check->messages->len; i++)
        json_builder_add_string_value(b, check->messages->pdata[i]);
    json_builder_end_array(b);
    json_builder_end_object(b);
    image_cli_print(b);
}

static int run_check(int argc, char **argv)
{
    g_autofree char *format = NULL, *how = NULL;
    gboolean json = FALSE;
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &format, N_("Don't look for the format, it is this"),
         N_("FORMAT")},
        {"repair", 'r', 0, G_OPTION_ARG_STRING, &how, N_("leaks, or all for errors as well"), N_("WHAT")},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("Print JSON"), NULL},
        {NULL},
    };
    if (!image_cli_parse(
            &argc, &argv, entries, _("FILE"), 1, 1,
            _("Looks for damage. Exit status: 0 clean, 1 could not be checked, 2 damaged, 3 leaked clusters "
              "only.")))
        return STATUS_USAGE;
    ImageRepair repair = IMAGE_REPAIR_NONE;
    if (how && g_str_equal(how, "leaks")) {
        repair = IMAGE_REPAIR_LEAKS;
    } else if (how && g_str_equal(how, "all")) {
        repair = IMAGE_REPAIR_LEAKS | IMAGE_REPAIR_ERRORS;
    } else if (how) {
        image_cli_complain(_("“%s” cannot be repaired: choose leaks or all."), how);
        return STATUS_USAGE;
    }
    g_autoptr(GError) error = NULL;
    ImageOpenFlags flags = IMAGE_OPEN_FOR_CHECK | (repair ? IMAGE_OPEN_WRITABLE : IMAGE_OPEN_NO_BACKING);
    Image *image = image_open(argv[1], format, flags, &error);
    if (!image) {
        image_cli_failed(error);
        return STATUS_FAILED;
    }
    ProgressLine progress;
    progress_line_begin(&progress, FALSE);
    g_autoptr(ImageCheck) check = image_check(image, repair, &progress.job, &error);
    gboolean closed = image_close(image, check ? &error : NULL);
    if (image_cli_end(&progress, check && closed, error, NULL) != STATUS_OK)
        return STATUS_FAILED;
    if (json)
        check_json(argv[1], check);
    else
        check_print(check);
    return check->corruptions ? STATUS_DAMAGED : check->leaks ? STATUS_LEAKS : STATUS_OK;
}

/* ---- map -------------------------------------------------------------------------------------------------
 */

static int run_map(int argc, char **argv)
{
    static const char *const names[] = {"unallocated", "zero", "data"};
    g_autofree char *format = NULL;
    gboolean json = FALSE;
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &format, N_("Don't look for the format, it is this"),
         N_("FORMAT")},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json, N_("Print JSON"), NULL},
        {NULL},
    };
    if (!image_cli_parse(&argc, &argv, entries, _("FILE"), 1, 1,
                         _("Lists which image of the chain holds which part of the disk.")))
        return STATUS_USAGE;
    g_autoptr(GError) error = NULL;
    g_autoptr(Image) image = image_open(argv[1], format, IMAGE_OPEN_READ_ONLY, &error);
    if (!image)
        return image_cli_failed(error);
    g_autoptr(JsonBuilder) b = json_builder_new();
    json_builder_begin_array(b);
    for (guint64 at = 0; at < image_size(image);) {
        ImageBlockStatus status;
        if (!image_block_status(image, at, image_size(image) - at, &status, &error))
            return image_cli_failed(error);
        if (json) {
            json_builder_begin_object(b);
            image_cli_number(b, "start", at);
            image_cli_number(b, "length", status.length);
            image_cli_number(b, "depth", status.depth);
            image_cli_flag(b, "present", status.block != IMAGE_BLOCK_UNALLOCATED);
            image_cli_flag(b, "zero", status.block != IMAGE_BLOCK_DATA);
            image_cli_flag(b, "data", status.block == IMAGE_BLOCK_DATA);
            image_cli_flag(b, "compressed", status.compressed);
            if (status.host_offset >= 0)
                image_cli_number(b, "offset", (guint64)status.host_offset);
            json_builder_end_object(b);
        } else {
            const Image *owner = image;
            for (guint i = 0; i < status.depth && owner; i++)
                owner = image_backing(owner);
            g_print("%#14" PRIx64 " %#14" PRIx64 "  %-11s %s%s\n", at, status.length, names[status.block],
                    owner ? image_path(owner) : "", status.compressed ? _(" (compressed)") : "");
        }
        at += status.length;
    }
    json_builder_end_array(b);
    if (json)
        image_cli_print(b);
    return STATUS_OK;
}

/* ---- compare ---------------------------------------------------------------------------------------------
 */

static int run_compare(int argc, char **argv)
{
    g_autofree char *format_a = NULL, *format_b = NULL;
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &format_a, N_("Format of the first image"), N_("FORMAT")},
        {"second-format", 'F', 0, G_OPTION_ARG_STRING, &format_b, N_("Format of the second image"),
         N_("FORMAT")},
        {NULL},
    };
    if (!image_cli_parse(&argc, &argv, entries, _("FILE FILE"), 2, 2,
                         _("Compares what two images show. Exit status: 0 the same, 1 different or failed.")))
        return STATUS_USAGE;
    g_autoptr(GError) error = NULL;
    g_autoptr(Image) a = image_open(argv[1], format_a, IMAGE_OPEN_READ_ONLY, &error);
    g_autoptr(Image) b = a ? image_open(argv[2], format_b, IMAGE_OPEN_READ_ONLY, &error) : NULL;
    if (!b)
        return image_cli_failed(error);
    ProgressLine progress;
    progress_line_begin(&progress, FALSE);
    gboolean same = image_compare(a, b, NULL, &progress.job, &error);
    int status = image_cli_end(&progress, same, error, NULL);
    if (status != STATUS_OK)
        return status;
    g_print(_("The images show the same.\n"));
    return STATUS_OK;
}

/* ---- convert ---------------------------------------------------------------------------------------------
 */

static int run_convert(int argc, char **argv)
{
    NewImage n = {0};
    g_autofree char *source_format = NULL, *snapshot = NULL;
    gboolean json = FALSE;
    ImageConvertOptions options = {0};
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &source_format, N_("Format of the source"), N_("FORMAT")},
        {"output-format", 'O', 0, G_OPTION_ARG_STRING, &n.format, N_("qcow2, raw, vmdk, vdi or vhd (qcow2)"),
         N_("FORMAT")},
        {"snapshot", 'l', 0, G_OPTION_ARG_STRING, &snapshot,
         N_("The disk as this internal snapshot of the source has it"), N_("SNAPSHOT")},
        {"json", 0, 0, G_OPTION_ARG_NONE, &json,
         N_("Print JSON, and progress as JSON lines to standard error"), NULL},
        {"compress", 'c', 0, G_OPTION_ARG_NONE, &options.compress, N_("Compress the data (qcow2)"), NULL},
        {"verify", 0, 0, G_OPTION_ARG_NONE, &options.verify, N_("Read the result back and compare"), NULL},
        NEW_IMAGE_ENTRIES(n),
        {NULL},
    };
    g_autoptr(GError) error = NULL;
    int status = STATUS_USAGE;
    if (image_cli_parse(&argc, &argv, entries, _("SOURCE TARGET"), 2, 2,
                        _("Writes what an image with all that it stands on shows into a new image.")) &&
        new_image_options(&n)) {
        options.create = n.options;
        ProgressLine progress;
        progress_line_begin(&progress, json);
        g_autoptr(Image) source = snapshot ? image_open_snapshot(argv[1], source_format, snapshot, &error)
                                           : image_open(argv[1], source_format, IMAGE_OPEN_READ_ONLY, &error);
        gboolean ok = source && image_convert(source, argv[2], n.format ? n.format : "qcow2", &options,
                                              &progress.job, &error);
        status = image_cli_end(&progress, ok, error, argv[2]);
        tell_force(error, argv[2]);
    }
    new_image_clear(&n);
    return status;
}

/* ---- resize ----------------------------------------------------------------------------------------------
 */

static int run_resize(int argc, char **argv)
{
    g_autofree char *format = NULL;
    gboolean shrink = FALSE;
    const GOptionEntry entries[] = {
        {"format", 'f', 0, G_OPTION_ARG_STRING, &format, N_("Don't look for the format, it is this"),
         N_("FORMAT")},
        {"shrink", 0, 0, G_OPTION_ARG_NONE, &shrink,
         N_("Allow a smaller size; what stands behind it is lost"), NULL},
        {NULL},
    };
    /* "-1G" is a size here and not options */
    for (int i = 1; i < argc - 1; i++) {
        if (argv[i + 1][0] == '-' && g_ascii_isdigit(argv[i + 1][1])) {
            argv[i + 1][0] = '~';
            break;
        }
    }
    if (!image_cli_parse(&argc, &argv, entries, _("FILE [+|-]SIZE"), 2, 2,
                         _("Changes the size of the disk.")))
        return STATUS_USAGE;
    g_autoptr(GError) error = NULL;
    char sign = argv[2][0];
    guint64 size = 0;
    gboolean relative = sign == '+' || sign == '~';
    if (!want_bytes(argv[2] + (relative ? 1 : 0), _("size"), &size))
        return STATUS_USAGE;
    Image *image = image_open(argv[1], format, IMAGE_OPEN_WRITABLE, &error);
    if (!image)
        return image_cli_failed(error);
    guint64 now = image_size(image);
    if (sign == '+')
        size = size > (guint64)G_MAXINT64 - now ? (guint64)G_MAXINT64 : now + size;
    else if (sign == '~')
        size = now - MIN(size, now);
    size = (size + 511) & ~(guint64)511;
    gboolean refused = size < now && !shrink;
    gboolean ok = image_resize(image, size, shrink, &error);
    if (!image_close(image, ok ? &error : NULL))
        ok = FALSE;
    int status = ok ? STATUS_OK : image_cli_failed(error);
    if (!ok && refused)
        g_printerr("%s\n", _("With --shrink it becomes smaller all the same."));
    return status;
}

/* ---- The command -----------------------------------------------------------------------------------------
 */

static const Command commands[] = {
    {"create", run_create, N_("Make a new image")},
    {"info", run_info, N_("Tell what an image is")},
    {"check", run_check, N_("Look for damage, and repair it")},
    {"map", run_map, N_("List what stands where")},
    {"compare", run_compare, N_("Compare what two images show")},
    {"convert", run_convert, N_("Write an image in another format")},
    {"resize", run_resize, N_("Change the size of the disk")},
    {"commit", image_cli_commit, N_("Merge an overlay with its base")},
    {"rebase", image_cli_rebase, N_("Give an overlay another base")},
    {"compact", image_cli_compact, N_("Write an image anew without what it need not hold")},
    {"snapshots", image_cli_snapshots, N_("List the internal snapshots of an image")},
};

static void print_help(void)
{
    g_print("%s\n  vitrine image %s\n\n%s\n\n%s\n", _("Usage:"), _("COMMAND [OPTION…] FILE…"),
            _("Creates, inspects, checks and converts disk images."), _("Commands:"));
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        g_print("  %-10s %s\n", commands[i].name, _(commands[i].summary));
    g_print("\n%s\n", _("“vitrine image COMMAND --help” shows what a command takes."));
}

int cli_image(int argc, char **argv)
{
    if (argc < 2) {
        image_cli_complain(_("What should be done? “vitrine image --help” lists the commands."));
        return STATUS_USAGE;
    }
    if (g_str_equal(argv[1], "--help") || g_str_equal(argv[1], "-h") || g_str_equal(argv[1], "help")) {
        print_help();
        return STATUS_OK;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (g_str_equal(commands[i].name, argv[1]))
            return commands[i].run(argc - 1, argv + 1);
    }
    image_cli_complain(_("There is no command “%s”. “vitrine image --help” lists the commands."), argv[1]);
    return STATUS_USAGE;
}
