/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Apple disk images (.dmg, UDIF), read only: plain (UDRW with a trailer, UDRO), zlib (UDZO), bzip2 (UDBZ),
 * ADC (UDCO) and xz (ULMO) runs. The layout is that of files made by the Mac's Disk Utility: a trailer "koly"
 * of 512 bytes, a property list with one table "mish" for each partition, and the runs that the tables list.
 * LZFSE (ULFO) has no library here and is refused.
 */
#include <bzlib.h>
#include <libdeflate.h>
#include <lzma.h>
#include <string.h>

#include "images/bytes.h"
#include "images/internal.h"

enum {
    KOLY_VERSION = 4,
    KOLY_DATA_OFFSET = 24,
    KOLY_DATA_LENGTH = 32,
    KOLY_XML_OFFSET = 216,
    KOLY_XML_LENGTH = 224,
    KOLY_SECTORS = 492,
    KOLY_BYTES = 512,
};

enum {
    MISH_FIRST_SECTOR = 8,
    MISH_DATA_OFFSET = 24,
    MISH_RUNS = 200,
    MISH_HEAD = 204,
    MISH_RUN_BYTES = 40,
};

enum {
    RUN_ZERO = 0,
    RUN_RAW = 1,
    RUN_IGNORE = 2,
    RUN_COMMENT = 0x7ffffffe,
    RUN_ADC = 0x80000004,
    RUN_ZLIB = 0x80000005,
    RUN_BZIP2 = 0x80000006,
    RUN_LZFSE = 0x80000007,
    RUN_LZMA = 0x80000008,
    RUN_END = 0xffffffff,
};

#define MAX_XML      (64u << 20)
#define MAX_RUN      (64u << 20) /* of one compressed run, packed and unpacked */
#define MAX_RUNS     (8u << 20)
#define MAX_LZMA_RAM (128u << 20)

typedef struct DmgRun {
    guint64 start, length; /* on the disk, bytes */
    guint64 at, packed;    /* in the file */
    guint32 type;
} DmgRun;

typedef struct Dmg {
    GArray *runs; /* by start */
    guint64 file_size;
    guint64 data; /* where offsets count from */
    gint64 unpacked_index;
    guint8 *unpacked;
    gsize room;
} Dmg;

static gboolean dmg_probe(const ImageEnds *ends)
{
    return memcmp(ends->tail, "koly", 4) == 0;
}

/* ---- The tables ------------------------------------------------------------------------------------------
 */

static gboolean take_run(Image *image, Dmg *d, const guint8 *raw, guint64 first, guint64 base, GError **error)
{
    guint64 sector = image_get_be64(raw + 8), sectors = image_get_be64(raw + 16);
    DmgRun run = {
        .type = image_get_be32(raw), .at = image_get_be64(raw + 24), .packed = image_get_be64(raw + 32)};
    if (run.type == RUN_COMMENT || run.type == RUN_END || sectors == 0)
        return TRUE;
    const guint64 limit = IMAGE_MAX_SIZE / 512;
    if (sector > limit || first > limit - sector || sectors > limit - sector - first)
        return image_damaged(image->file, error, _("a part of the disk has an impossible place"));
    run.start = (first + sector) * 512;
    run.length = sectors * 512;
    switch (run.type) {
    case RUN_ZERO:
    case RUN_IGNORE: run.type = RUN_ZERO; break;
    case RUN_LZFSE:
        g_set_error(
            error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
            _("“%s” is compressed with LZFSE (ULFO), which is not supported here. Convert it on a Mac: "
              "hdiutil convert -format UDZO."),
            image->path);
        return FALSE;
    case RUN_RAW:
    case RUN_ADC:
    case RUN_ZLIB:
    case RUN_BZIP2:
    case RUN_LZMA:
        if (run.at > d->file_size || base > d->file_size - run.at ||
            run.packed > d->file_size - run.at - base)
            return image_damaged(image->file, error, _("a part of it should stand behind the file's end"));
        run.at += base;
        if (run.type != RUN_RAW && (run.length > MAX_RUN || run.packed > MAX_RUN))
            return image_damaged(image->file, error, _("a compressed part of it is too long"));
        if (run.type == RUN_RAW && run.packed < run.length)
            return image_damaged(image->file, error, _("a part of it is shorter than it says"));
        break;
    default:
        g_set_error(error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
                    _("“%s” has a part of an unknown kind (%08x). Convert it with the program that made it."),
                    image->path, run.type);
        return FALSE;
    }
    if (d->runs->len >= MAX_RUNS)
        return image_damaged(image->file, error, _("it has too many parts"));
    g_array_append_val(d->runs, run);
    return TRUE;
}

static gboolean take_table(Image *image, Dmg *d, const guint8 *table, gsize length, GError **error)
{
    if (length < MISH_HEAD || memcmp(table, "mish", 4))
        return TRUE; /* some other data of the property list */
    guint64 count = image_get_be32(table + MISH_RUNS);
    if (count > (length - MISH_HEAD) / MISH_RUN_BYTES)
        return image_damaged(image->file, error, _("one of its tables is cut off"));
    guint64 base = d->data + image_get_be64(table + MISH_DATA_OFFSET);
    for (guint64 i = 0; i < count; i++) {
        if (!take_run(image, d, table + MISH_HEAD + i * MISH_RUN_BYTES,
                      image_get_be64(table + MISH_FIRST_SECTOR), base, error))
            return FALSE;
    }
    return TRUE;
}

typedef struct Plist {
    Image *image;
    Dmg *d;
    gboolean in_key, in_data, after_key; /* after <key>Data</key> */
    GString *text;
} Plist;

static void plist_start(GMarkupParseContext *context, const char *name, const char **names,
                        const char **values, gpointer user_data, GError **error)
{
    Plist *p = user_data;
    p->in_key = g_str_equal(name, "key");
    p->in_data = g_str_equal(name, "data") && p->after_key;
    g_string_truncate(p->text, 0);
}

static void plist_text(GMarkupParseContext *context, const char *text, gsize length, gpointer user_data,
                       GError **error)
{
    Plist *p = user_data;
    if (p->in_key || p->in_data)
        g_string_append_len(p->text, text, (gssize)length);
}

static void plist_end(GMarkupParseContext *context, const char *name, gpointer user_data, GError **error)
{
    Plist *p = user_data;
    if (p->in_key) {
        p->after_key = g_str_equal(p->text->str, "Data");
    } else if (p->in_data) {
        gsize length;
        g_autofree guint8 *table = g_base64_decode(p->text->str, &length);
        take_table(p->image, p->d, table, length, error);
        p->after_key = FALSE;
    }
    p->in_key = p->in_data = FALSE;
}

static gint by_start(gconstpointer a, gconstpointer b)
{
    const DmgRun *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

static gboolean read_tables(Image *image, Dmg *d, guint64 at, guint64 length, GError **error)
{
    static const GMarkupParser parser = {
        .start_element = plist_start, .end_element = plist_end, .text = plist_text};
    if (length == 0 || length > MAX_XML || at > d->file_size || length > d->file_size - at)
        return image_damaged(image->file, error, _("its property list cannot be where the trailer says"));
    g_autofree char *xml = g_malloc(length);
    if (!image_file_read(image->file, at, xml, length, error))
        return FALSE;
    g_autoptr(GString) text = g_string_new(NULL);
    Plist p = {.image = image, .d = d, .text = text};
    g_autoptr(GError) bad = NULL;
    GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, &p, NULL);
    gboolean ok = g_markup_parse_context_parse(context, xml, (gssize)strnlen(xml, length), &bad) &&
                  g_markup_parse_context_end_parse(context, &bad);
    g_markup_parse_context_free(context);
    if (!ok) {
        if (bad->domain == IMAGE_ERROR)
            g_propagate_error(error, g_steal_pointer(&bad));
        else
            image_damaged(image->file, error, _("its property list cannot be read"));
        return FALSE;
    }
    g_array_sort(d->runs, by_start);
    for (guint i = 1; i < d->runs->len; i++) {
        const DmgRun *before = &g_array_index(d->runs, DmgRun, i - 1), *run = before + 1;
        if (before->start + before->length > run->start)
            return image_damaged(image->file, error, _("two parts of it overlap"));
    }
    return TRUE;
}

/* ---- Open ------------------------------------------------------------------------------------------------
 */

static gboolean dmg_open(Image *image, GError **error)
{
    guint8 koly[KOLY_BYTES];
    Dmg *d = g_new0(Dmg, 1);
    image->state = d;
    d->unpacked_index = -1;
    d->runs = g_array_new(FALSE, FALSE, sizeof(DmgRun));
    if (!image_file_size(image->file, &d->file_size, error))
        return FALSE;
    if (d->file_size < KOLY_BYTES)
        memset(koly, 0, sizeof koly);
    else if (!image_file_read(image->file, d->file_size - KOLY_BYTES, koly, sizeof koly, error))
        return FALSE;
    if (memcmp(koly, "koly", 4)) {
        g_set_error(
            error, IMAGE_ERROR, IMAGE_ERROR_FORMAT,
            _("“%s” is not an Apple disk image with a trailer. If it is a plain disk, open it as “raw”."),
            image->path);
        return FALSE;
    }
    d->data = image_get_be64(koly + KOLY_DATA_OFFSET);
    if (d->data > d->file_size)
        return image_damaged(image->file, error, _("its data cannot be where the trailer says"));
    if (image_get_be64(koly + KOLY_XML_LENGTH) == 0) {
        g_set_error(
            error, IMAGE_ERROR, IMAGE_ERROR_UNSUPPORTED,
            _("“%s” keeps its tables in a resource fork, as images before Mac OS X 10.2 did, which is not "
              "supported here. Convert it on a Mac: hdiutil convert -format UDZO."),
            image->path);
        return FALSE;
    }
    if (!read_tables(image, d, image_get_be64(koly + KOLY_XML_OFFSET), image_get_be64(koly + KOLY_XML_LENGTH),
                     error))
        return FALSE;
    guint64 sectors = image_get_be64(koly + KOLY_SECTORS), end = 0;
    if (d->runs->len) {
        const DmgRun *last = &g_array_index(d->runs, DmgRun, d->runs->len - 1);
        end = last->start + last->length;
    }
    if (sectors > IMAGE_MAX_SIZE / 512)
        return image_damaged(image->file, error, _("the disk would be larger than any"));
    image->size = MAX(sectors * 512, end);
    return TRUE;
}

static gboolean dmg_close(Image *image, GError **error)
{
    Dmg *d = image->state;
    g_array_unref(d->runs);
    g_free(d->unpacked);
    g_clear_pointer(&image->state, g_free);
    return TRUE;
}

/* ---- Reading ---------------------------------------------------------------------------------------------
 */

/* The last run that begins at or before @offset, or -1. */
static gint64 run_at(const Dmg *d, guint64 offset)
{
    gint64 low = -1, high = d->runs->len;
    while (high - low > 1) {
        gint64 middle = (low + high) / 2;
        if (g_array_index(d->runs, DmgRun, (guint)middle).start <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static gboolean dmg_map(Image *image, guint64 offset, guint64 length, ImageRun *run, GError **error)
{
    const Dmg *d = image->state;
    gint64 index = run_at(d, offset);
    const DmgRun *r = index >= 0 ? &g_array_index(d->runs, DmgRun, (guint)index) : NULL;
    run->block = IMAGE_BLOCK_ZERO;
    if (!r || offset >= r->start + r->length) {
        guint64 next =
            index + 1 < d->runs->len ? g_array_index(d->runs, DmgRun, (guint)(index + 1)).start : image->size;
        run->length = MAX(next, offset + 1) - offset;
        return TRUE;
    }
    run->length = r->start + r->length - offset;
    if (r->type == RUN_ZERO)
        return TRUE;
    run->block = IMAGE_BLOCK_DATA;
    run->file = image->file;
    run->compressed = r->type != RUN_RAW;
    run->host = run->compressed ? (guint64)index : r->at + (offset - r->start);
    return TRUE;
}

/* Apple Data Compression: plain bytes, or copies of what came before, in three forms told by the first byte
 */
static gboolean unpack_adc(const guint8 *in, gsize in_length, guint8 *out, gsize out_length)
{
    gsize from = 0, to = 0;
    while (to < out_length && from < in_length) {
        guint8 code = in[from];
        gsize count, distance, head = code & 0x80 ? 1 : code & 0x40 ? 3 : 2;
        if (code & 0x80) {
            count = (code & 0x7fu) + 1;
            if (from + 1 + count > in_length || to + count > out_length)
                return FALSE;
            memcpy(out + to, in + from + 1, count);
            from += 1 + count;
            to += count;
            continue;
        }
        if (from + head > in_length)
            return FALSE;
        if (code & 0x40) {
            count = (code & 0x3fu) + 4;
            distance = ((gsize)in[from + 1] << 8 | in[from + 2]) + 1;
        } else {
            count = (code >> 2 & 0xfu) + 3;
            distance = ((gsize)(code & 3) << 8 | in[from + 1]) + 1;
        }
        if (distance > to || to + count > out_length)
            return FALSE;
        for (; count > 0; count--, to++)
            out[to] = out[to - distance];
        from += head;
    }
    return to == out_length;
}

static gboolean unpack_bytes(guint32 type, guint8 *in, gsize in_length, guint8 *out, gsize out_length)
{
    switch (type) {
    case RUN_ADC: return unpack_adc(in, in_length, out, out_length);
    case RUN_ZLIB: {
        struct libdeflate_decompressor *inflater = libdeflate_alloc_decompressor();
        gboolean ok = inflater && libdeflate_zlib_decompress(inflater, in, in_length, out, out_length,
                                                             NULL) == LIBDEFLATE_SUCCESS;
        libdeflate_free_decompressor(inflater);
        return ok;
    }
    case RUN_BZIP2: {
        unsigned int n = (unsigned int)out_length;
        return BZ2_bzBuffToBuffDecompress((char *)out, &n, (char *)in, (unsigned int)in_length, 0, 0) ==
                   BZ_OK &&
               n == out_length;
    }
    default: {
        uint64_t limit = MAX_LZMA_RAM;
        size_t from = 0, to = 0;
        return lzma_stream_buffer_decode(&limit, 0, NULL, in, &from, in_length, out, &to, out_length) ==
                   LZMA_OK &&
               to == out_length;
    }
    }
}

static gboolean dmg_unpack(Image *image, guint64 offset, const ImageRun *run, void *buffer, gsize length,
                           GError **error)
{
    Dmg *d = image->state;
    const DmgRun *r = &g_array_index(d->runs, DmgRun, (guint)run->host);
    if (d->unpacked_index != (gint64)run->host) {
        g_autofree guint8 *packed = g_malloc(MAX(r->packed, 1));
        d->unpacked_index = -1;
        if (d->room < r->length) {
            g_free(d->unpacked);
            d->unpacked = g_malloc(r->length);
            d->room = r->length;
        }
        if (!image_file_read(image->file, r->at, packed, r->packed, error))
            return FALSE;
        if (!unpack_bytes(r->type, packed, r->packed, d->unpacked, r->length))
            return image_damaged(image->file, error, _("compressed data cannot be unpacked"));
        d->unpacked_index = (gint64)run->host;
    }
    memcpy(buffer, d->unpacked + (offset - r->start), length);
    return TRUE;
}

const ImageFormat image_format_dmg = {
    .name = "dmg",
    .probe = dmg_probe,
    .open = dmg_open,
    .close = dmg_close,
    .pread = image_mapped_pread,
    .status = image_mapped_status,
    .check = image_mapped_check,
    .map = dmg_map,
    .unpack = dmg_unpack,
};
