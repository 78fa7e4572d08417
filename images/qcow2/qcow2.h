/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * qcow2, the parts shared by its files. Source of the format: "qcow2 Image File Format" (the interop
 * specification published with QEMU's documentation); section names in comments are that document's.
 *
 * Order of writes, which is the whole crash safety. Tables live in write-back caches, and
 * qcow2_flush_tables() is the only way from there to the file:
 *
 *     data, copied data, reference counts raised
 *     -- barrier --  reference count table
 *     -- barrier --  L2 tables
 *     -- barrier --  L1 table
 *     -- barrier --  reference counts lowered, space given back
 *
 * So a table on disk never refers to a cluster whose count or contents are not there yet, and a count is
 * never lowered while a table on disk still refers to the cluster. What dies in between leaves counts that
 * are too high: leaks, which a check finds and gives back.
 */
#ifndef VITRINE_IMAGES_QCOW2_H
#define VITRINE_IMAGES_QCOW2_H

#include "images/bytes.h"
#include "images/internal.h"

#define QCOW2_MAGIC              0x514649fbu
#define QCOW2_V2_HEADER          72
#define QCOW2_V3_HEADER          104
#define QCOW2_MIN_CLUSTER_BITS   9
#define QCOW2_MAX_CLUSTER_BITS   21
#define QCOW2_MAX_L1_BYTES       (32u << 20)
#define QCOW2_MAX_REFTABLE_BYTES (8u << 20)
#define QCOW2_MAX_SNAPSHOTS      65536
#define QCOW2_MAX_BACKING_NAME   1023
#define QCOW2_MAX_OFFSET         (G_GUINT64_CONSTANT(1) << 56)

/* "Header": where the fields that change in place stand */
enum {
    QCOW2_AT_SIZE = 24,
    QCOW2_AT_L1 = 36,       /* l1_size, l1_table_offset: 12 bytes */
    QCOW2_AT_REFTABLE = 48, /* refcount_table_offset, refcount_table_clusters: 12 bytes */
    QCOW2_AT_FEATURES = 72, /* incompatible, compatible, autoclear: 24 bytes */
};

#define QCOW2_INCOMPATIBLE_DIRTY       (1u << 0)
#define QCOW2_INCOMPATIBLE_CORRUPT     (1u << 1)
#define QCOW2_INCOMPATIBLE_DATA_FILE   (1u << 2)
#define QCOW2_INCOMPATIBLE_COMPRESSION (1u << 3)
#define QCOW2_INCOMPATIBLE_EXTENDED_L2 (1u << 4)
#define QCOW2_INCOMPATIBLE_KNOWN       0x1fu
#define QCOW2_COMPATIBLE_LAZY          (1u << 0)
#define QCOW2_AUTOCLEAR_BITMAPS        (1u << 0)

enum {
    QCOW2_EXT_END = 0,
    QCOW2_EXT_BACKING_FORMAT = 0xe2792aca,
    QCOW2_EXT_FEATURE_NAMES = 0x6803f857,
    QCOW2_EXT_BITMAPS = 0x23852875,
    QCOW2_EXT_ENCRYPTION = 0x0537be77,
    QCOW2_EXT_DATA_FILE = 0x44415441,
};

/* "L1 table entry", "Standard Cluster Descriptor" */
#define QCOW2_ENTRY_OFFSET     G_GUINT64_CONSTANT(0x00fffffffffffe00)
#define QCOW2_ENTRY_COPIED     (G_GUINT64_CONSTANT(1) << 63)
#define QCOW2_ENTRY_COMPRESSED (G_GUINT64_CONSTANT(1) << 62)
#define QCOW2_ENTRY_ZERO       G_GUINT64_CONSTANT(1)
#define QCOW2_REFTABLE_OFFSET  G_GUINT64_CONSTANT(0xfffffffffffffe00)

typedef enum Qcow2Compression {
    QCOW2_ZLIB = 0,
    QCOW2_ZSTD = 1,
} Qcow2Compression;

typedef struct Qcow2Extension {
    guint32 type;
    guint32 length;
    guint8 *data;
} Qcow2Extension;

typedef struct Qcow2Snapshot {
    char *id, *name;
    gint64 date_ns;
    guint64 clock_ns, state_size;
    guint64 size; /* of the disk */
    guint64 l1_offset;
    guint32 l1_size;
} Qcow2Snapshot;

typedef struct Qcow2Header {
    guint32 version;
    guint32 cluster_bits;
    guint64 size;
    guint32 crypt_method;
    guint32 l1_size;
    guint64 l1_offset;
    guint64 reftable_offset;
    guint32 reftable_clusters;
    guint32 snapshot_count;
    guint64 snapshots_offset;
    guint64 incompatible;
    guint64 compatible;
    guint64 autoclear;
    guint32 refcount_order;
    guint32 header_length;
    guint8 compression;
    GByteArray *more_fields; /* header bytes from 105 on that are not known here, kept */
    char *backing_file;
    char *backing_format;
    GArray *extensions;    /* Qcow2Extension, all but the backing format and the feature names */
    GArray *feature_names; /* Qcow2Extension, 0 or 1: kept as found */
} Qcow2Header;

/* A table of one cluster in memory, big-endian as on disk. */
typedef struct Qcow2Table {
    guint64 offset;
    guint8 *data;
    guint32 dirty_low, dirty_high; /* bytes to write; none when low >= high */
    guint pins;
    GList link; /* in the cache's list, most recently used first */
} Qcow2Table;

typedef struct Qcow2Cache {
    GHashTable *tables; /* offset -> Qcow2Table */
    GQueue used;
    guint limit;
    gboolean dirty; /* some table is */
} Qcow2Cache;

typedef struct Qcow2 {
    Image *image;
    ImageFile *file;
    Qcow2Header header;
    guint cluster_bits;
    guint32 cluster_size;
    guint entry_bits;  /* log2 of the size of an L2 entry: 3, extended 4 */
    guint l2_bits;     /* log2 of the entries of an L2 table */
    gboolean extended; /* extended L2 entries */
    guint sub_bits;    /* log2 of the size of a subcluster; the cluster's without extended entries */
    guint subs;        /* subclusters a cluster: 32, or 1 */
    guint refcount_order;
    guint64 refcount_max;
    guint block_bits; /* log2 of the entries of a refcount block */

    guint64 *l1; /* host order, l1_size entries */
    guint32 l1_size;
    guint32 l1_low, l1_high;
    guint64 *reftable;     /* host order */
    guint32 reftable_size; /* entries */
    guint32 reftable_low, reftable_high;
    gboolean tables_broken; /* refcount table unusable: opened for a check only */
    Qcow2Cache l2_cache, block_cache;

    GHashTable *meta;        /* clusters that hold tables: page of 4096 bits */
    GArray *frees;           /* guint64: cluster numbers whose count is lowered after the next table flush */
    guint64 free_hint;       /* no free cluster below this number */
    guint64 compressed_tail; /* byte after the last compressed data that was written, 0 = none */
    guint64 known_end;       /* the file is at least this long */
    gboolean write_begun;
    gboolean corrupt;
    gboolean repairing;      /* findings are expected: don't mark the image */
    GArray *snapshots;       /* Qcow2Snapshot */
    guint64 snapshots_bytes; /* length of their table */

    guint64 unpacked_offset; /* compressed data that stands in @unpacked; 0 = none */
    guint8 *unpacked;
    GAsyncQueue *unpackers, *packers; /* states that are idle */
} Qcow2;

/* ---- header.c */
gboolean qcow2_header_read(ImageFile *file, Qcow2Header *header, GError **error);
void qcow2_header_clear(Qcow2Header *header);
/* The whole header with extensions and backing name; NULL when it does not fit in a cluster. */
GByteArray *qcow2_header_pack(const Qcow2Header *header, GError **error);
gboolean qcow2_header_write(Qcow2 *q, GError **error);
gboolean qcow2_header_write_features(Qcow2 *q, GError **error);
gboolean qcow2_header_supported(const Qcow2Header *header, const char *path, GError **error);

/* ---- snapshot.c */
gboolean qcow2_snapshots_read(Qcow2 *q, GError **error);
GPtrArray *qcow2_list_snapshots(Image *image);
/* The image, open for reading only, shows the disk of the snapshot from now on. */
gboolean qcow2_show_snapshot(Image *image, const char *which, GError **error);

/* ---- table.c */
void qcow2_cache_init(Qcow2Cache *cache, guint limit);
void qcow2_cache_clear(Qcow2Cache *cache);
/* Pinned: give it back with qcow2_table_unpin(). */
Qcow2Table *qcow2_table_get(Qcow2 *q, Qcow2Cache *cache, guint64 offset, GError **error);
Qcow2Table *qcow2_table_new(Qcow2 *q, Qcow2Cache *cache, guint64 offset, GError **error);
void qcow2_table_unpin(Qcow2Table *table);
void qcow2_table_dirty(Qcow2Cache *cache, Qcow2Table *table, guint32 low, guint32 high);
void qcow2_table_drop(Qcow2Cache *cache, guint64 offset);
gboolean qcow2_cache_write(Qcow2 *q, Qcow2Cache *cache, GError **error);
gboolean qcow2_flush_tables(Qcow2 *q, GError **error);
void qcow2_meta_set(Qcow2 *q, guint64 cluster, gboolean is_meta);
gboolean qcow2_meta_has(Qcow2 *q, guint64 cluster);

/* ---- refcount.c */
gboolean qcow2_refcount_get(Qcow2 *q, guint64 cluster, guint64 *count, GError **error);
gboolean qcow2_refcount_set(Qcow2 *q, guint64 cluster, guint64 count, GError **error);
guint64 qcow2_block_get(const guint8 *block, guint order, guint64 index);
void qcow2_block_set(guint8 *block, guint order, guint64 index, guint64 count);
/* 1 to @max adjacent clusters, counts set to 1. */
gboolean qcow2_alloc(Qcow2 *q, guint64 max, guint64 *offset, guint64 *count, GError **error);
/* Exactly @count adjacent clusters. */
gboolean qcow2_alloc_exact(Qcow2 *q, guint64 count, guint64 *offset, GError **error);
/* Takes back clusters that no table ever referred to. */
void qcow2_release(Qcow2 *q, guint64 offset, guint64 count);
/* Lowers counts when no table on disk refers to them any more. */
void qcow2_free_later(Qcow2 *q, guint64 offset, guint64 count);
gboolean qcow2_apply_frees(Qcow2 *q, GError **error);

/* ---- map.c */
typedef enum Qcow2Kind {
    QCOW2_UNALLOCATED,
    QCOW2_ZERO,
    QCOW2_DATA,
    QCOW2_COMPRESSED,
    QCOW2_INVALID,
} Qcow2Kind;

typedef struct Qcow2Run {
    Qcow2Kind kind;
    guint64 length; /* from the asked offset */
    guint64 host;   /* file offset for DATA; the descriptor for COMPRESSED */
} Qcow2Run;

guint64 qcow2_l2_get(const Qcow2 *q, const Qcow2Table *table, guint index, guint64 *bitmap);
void qcow2_l2_set(Qcow2 *q, Qcow2Table *table, guint index, guint64 entry, guint64 bitmap);
Qcow2Kind qcow2_entry_kind(const Qcow2 *q, guint64 entry, guint64 bitmap, guint sub);
gboolean qcow2_map(Qcow2 *q, guint64 offset, guint64 length, Qcow2Run *run, GError **error);
/* The L2 table for @offset, made or copied so that it may be changed; pinned. */
Qcow2Table *qcow2_l2_for_write(Qcow2 *q, guint64 offset, GError **error);
/* What an entry occupied. */
void qcow2_free_entry(Qcow2 *q, guint64 entry);
void qcow2_compressed_range(const Qcow2 *q, guint64 entry, guint64 *offset, guint64 *length);
gboolean qcow2_corrupt(Qcow2 *q, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);
gboolean qcow2_grow_l1(Qcow2 *q, guint32 entries, GError **error);

/* ---- io.c */
gboolean qcow2_begin_write(Qcow2 *q, GError **error);
gboolean qcow2_read(Qcow2 *q, guint64 offset, void *buffer, gsize length, GError **error);
gboolean qcow2_write(Qcow2 *q, guint64 offset, const void *buffer, gsize length, GError **error);
gboolean qcow2_zero(Qcow2 *q, guint64 offset, guint64 length, gboolean discard, GError **error);
/* Entries of whole clusters become unallocated. */
gboolean qcow2_drop(Qcow2 *q, guint64 offset, guint64 end, GError **error);

/* ---- compress.c */
/* @length bytes of the compressed cluster, from its byte @from on. */
gboolean qcow2_read_compressed(Qcow2 *q, guint64 entry, guint32 from, void *buffer, gsize length,
                               GError **error);
gsize qcow2_compress(Image *image, const void *data, void *out);
gboolean qcow2_write_compressed(Image *image, guint64 offset, const void *data, gsize length, GError **error);
void qcow2_compress_clear(Qcow2 *q);

/* ---- check.c */
gboolean qcow2_check(Image *image, ImageRepair repair, ImageCheck *check, const ImageJob *job,
                     GError **error);

/* ---- create.c */
gboolean qcow2_create(ImageFile *file, const ImageCreateOptions *options, GError **error);
guint64 qcow2_overhead(Image *image, guint64 size);
/* Refcount blocks and clusters of the refcount table for @clusters clusters, counting themselves as well. */
void qcow2_count_refcounts(guint64 clusters, guint cluster_bits, guint order, guint64 *blocks,
                           guint64 *table);

/* ---- format.c */
gboolean qcow2_load_tables(Qcow2 *q, gboolean lenient, GError **error);
void qcow2_unload_tables(Qcow2 *q);
gboolean qcow2_resize(Image *image, guint64 size, gboolean allow_shrink, GError **error);

#endif
