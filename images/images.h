/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Disk images: the one public header of the images library.
 *
 * An Image is an open disk image with its chain of backing files. The library is GLib only and knows nothing
 * of emulation: a block device of a machine, the command line and the disks' window all stand on this header.
 *
 * Threads: every call on an open Image may come from any thread, calls on one image are put in order by the
 * image itself. Calls block; whoever must not block calls from a worker thread. Different images are
 * independent, and image_close() is the last call on its image.
 *
 * Errors: functions that take a GError set it in IMAGE_ERROR whenever they return FALSE or NULL; the message
 * is a sentence (or two) for a person: what failed, why, and what can be done.
 *
 * Durability: what was written before a successful image_flush() survives the death of the process and of
 * the host; whatever dies in between leaves an image that opens and holds at most lost ("leaked") clusters.
 *
 * Sizes and offsets are bytes. The size of a disk is a multiple of 512; a raw file whose length is not is
 * read as if it were padded with zeros.
 */
#ifndef VITRINE_IMAGES_H
#define VITRINE_IMAGES_H

#include <gio/gio.h>
#include <glib.h>

G_BEGIN_DECLS

#define IMAGE_ERROR (image_error_quark())
GQuark image_error_quark(void);

typedef enum ImageError {
    IMAGE_ERROR_IO,          /* the host failed to read or write */
    IMAGE_ERROR_NO_SPACE,    /* the host's disk or quota is full: pause, make space, try again */
    IMAGE_ERROR_NOT_FOUND,   /* the file, or a backing file of its chain, is not there */
    IMAGE_ERROR_EXISTS,      /* the file to create is there already */
    IMAGE_ERROR_FORMAT,      /* not an image of the format that was asked for */
    IMAGE_ERROR_UNSUPPORTED, /* a valid image that uses what this library does not do (encryption...) */
    IMAGE_ERROR_CORRUPT,     /* the image's tables contradict themselves */
    IMAGE_ERROR_LOCKED,      /* another program, or another open image here, has the file */
    IMAGE_ERROR_READ_ONLY,   /* a write to an image that was opened for reading, or a read-only file */
    IMAGE_ERROR_RANGE,       /* offset or size beyond the end of the disk */
    IMAGE_ERROR_INVALID,     /* an option that makes no sense */
    IMAGE_ERROR_CANCELLED,   /* stopped through the GCancellable */
    IMAGE_ERROR_DIFFERS,     /* verification found different contents */
} ImageError;

typedef struct Image Image;

/* ---- Formats --------------------------------------------------------------------------------------------
 */

/* Null-terminated list of the names of the formats, "raw" first. */
const char *const *image_format_names(void);

/* The format that the file's header shows, a static string; "raw" when it shows none. NULL on error. Whoever
 * keeps an image in a configuration should record the answer when the image is added and open it by that
 * name ever after: a guest can write any header into the first sectors of a raw disk. */
const char *image_probe(const char *path, GError **error);

/* ---- Open and close -------------------------------------------------------------------------------------
 */

typedef enum ImageOpenFlags {
    IMAGE_OPEN_READ_ONLY = 0,
    IMAGE_OPEN_WRITABLE = 1 << 0,   /* backing files are always opened read-only */
    IMAGE_OPEN_NO_BACKING = 1 << 1, /* only this file: unallocated ranges read as zeros (read-only) */
    IMAGE_OPEN_SHARE = 1 << 2,      /* read-only without locks: look at an image that somebody else writes */
    IMAGE_OPEN_FOR_CHECK = 1 << 3,  /* also open an image that is marked corrupt or dirty, as it is */
} ImageOpenFlags;

/*
 * Opens @path. @format is a name of image_format_names(), or NULL to probe. A raw image that was opened for
 * writing by probing refuses writes that would make its first sector look like another format.
 *
 * The file is locked with the byte-range locks of the field (see images/lock.c): one writer, or any number
 * of readers. A file that an open overlay stands on cannot be opened for writing, and the reverse.
 */
Image *image_open(const char *path, const char *format, ImageOpenFlags flags, GError **error);

/* Flushes, marks the image clean and frees it; also frees it when that fails, which is then reported. NULL
 * is allowed. */
gboolean image_close(Image *image, GError **error);
/* image_close() for g_autoptr: a failure is logged. */
void image_free(Image *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Image, image_free)

guint64 image_size(const Image *image);       /* bytes of the disk as the guest sees it */
const char *image_path(const Image *image);   /* as given to image_open(), or resolved for a backing file */
const char *image_format(const Image *image); /* "raw", "qcow2" */
gboolean image_is_writable(const Image *image);
guint32 image_cluster_size(const Image *image); /* unit of allocation; 0 when the format has none */
guint32 image_granularity(const Image *image);  /* best unit for aligned writes, >= 512 */
Image *image_backing(const Image *image);       /* the next image of the chain, owned by @image, or NULL */
guint image_chain_length(const Image *image);   /* 1 without a backing file */

/* ---- Input and output -----------------------------------------------------------------------------------
 */

/* Whole request or error; [offset, offset + length) must lie inside the disk. Any alignment. */
gboolean image_pread(Image *image, guint64 offset, void *buffer, gsize length, GError **error);
gboolean image_pwrite(Image *image, guint64 offset, const void *buffer, gsize length, GError **error);

/* After this returns TRUE, all writes that returned before it was called are durable. */
gboolean image_flush(Image *image, GError **error);

/* The range reads as zeros afterwards, whatever the backing files hold. Uses no space where the format can
 * say "zero". */
gboolean image_write_zeroes(Image *image, guint64 offset, guint64 length, GError **error);

/* The guest does not need the range's contents any more. Gives space back to the host. Afterwards each byte
 * reads as zero or as before: whole clusters become zeros where the format can say so. A base's old contents
 * never reappear. */
gboolean image_discard(Image *image, guint64 offset, guint64 length, GError **error);

typedef enum ImageBlock {
    IMAGE_BLOCK_UNALLOCATED, /* no image of the chain says anything: reads as zeros */
    IMAGE_BLOCK_ZERO,        /* reads as zeros because an image says so */
    IMAGE_BLOCK_DATA,
} ImageBlock;

typedef struct ImageBlockStatus {
    ImageBlock block;
    gboolean compressed; /* data that is stored compressed */
    guint depth;        /* which image of the chain says so: 0 = this one; the chain length for UNALLOCATED */
    guint64 length;     /* bytes from the asked offset that share this status, > 0 */
    gint64 host_offset; /* where the data stands in that image's file, or -1 */
} ImageBlockStatus;

/* Status of the range that begins at @offset, at most @length bytes long. */
gboolean image_block_status(Image *image, guint64 offset, guint64 length, ImageBlockStatus *status,
                            GError **error);
/* The same for this image alone, not looking into its backing files: UNALLOCATED has depth 1. */
gboolean image_own_block_status(Image *image, guint64 offset, guint64 length, ImageBlockStatus *status,
                                GError **error);

/* ---- Information ----------------------------------------------------------------------------------------
 */

typedef struct ImageInfo {
    char *path;
    const char *format; /* static */
    guint64 size;       /* of the disk */
    guint64 file_size;  /* length of the file */
    guint64 disk_usage; /* bytes that the file takes on the host's disk */
    guint32 cluster_size;
    char *backing_file;   /* as written in the image, or NULL */
    char *backing_path;   /* the same as a path that can be opened, or NULL */
    char *backing_format; /* recorded in the image, or NULL */
    /* qcow2 only */
    guint version; /* 2 or 3; 0 when the format has no versions */
    guint refcount_bits;
    const char *compression; /* static: "zlib", "zstd"; NULL when the format has none */
    gboolean lazy_refcounts;
    gboolean extended_l2;
    gboolean dirty;
    gboolean corrupt;
    const char *encryption; /* static: "aes", "luks", or NULL */
    gboolean external_data;
    char **snapshots; /* names of internal snapshots, NULL-terminated; NULL when there are none */
} ImageInfo;

ImageInfo *image_get_info(Image *image, GError **error);
void image_info_free(ImageInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImageInfo, image_info_free)

/* Header of @path without opening its chain; also tells of images that cannot be opened (encrypted...). Takes
 * no lock. */
ImageInfo *image_read_info(const char *path, const char *format, GError **error);

/* An internal snapshot, made by another program. */
typedef struct ImageSnapshot {
    char *id, *name;
    gint64 date_ns;     /* since 1970 */
    guint64 clock_ns;   /* how long the machine had run */
    guint64 state_size; /* of the machine's saved state, 0 = none */
    guint64 size;       /* of the disk */
} ImageSnapshot;

/* ImageSnapshot each; empty for formats without snapshots. */
GPtrArray *image_list_snapshots(Image *image);
void image_snapshot_free(ImageSnapshot *snapshot);
/* Opens @path for reading only, showing the disk as the internal snapshot @which (identifier or name) has it. */
Image *image_open_snapshot(const char *path, const char *format, const char *which, GError **error);

/* ---- Create ---------------------------------------------------------------------------------------------
 */

typedef enum ImagePreallocation {
    IMAGE_PREALLOCATION_OFF,
    IMAGE_PREALLOCATION_METADATA, /* qcow2: all tables, no data */
    IMAGE_PREALLOCATION_FALLOC,   /* space reserved, reads as zeros */
    IMAGE_PREALLOCATION_FULL,     /* zeros written */
} ImagePreallocation;

/* All zero is a good default: qcow2 then has version 3, clusters of 64 KiB, 16-bit reference counts, zlib. */
typedef struct ImageCreateOptions {
    guint64 size;         /* 0 with a backing file: the backing file's size */
    guint32 cluster_size; /* power of two, 512 to 2 MiB; 0 = 65536 */
    guint version;        /* 2 or 3; 0 = 3 */
    guint refcount_bits;  /* power of two, 1 to 64; 0 = 16 */
    gboolean lazy_refcounts;
    gboolean extended_l2;
    const char *compression;    /* "zlib" or "zstd"; NULL = "zlib" */
    /* Written as it is; relative to the new image's folder; NULL = none. May be in use when size is given. */
    const char *backing_file;
    const char *backing_format; /* NULL: probed now and recorded */
    ImagePreallocation preallocation;
    gboolean overwrite; /* replace an existing file (which must not be in use) */
} ImageCreateOptions;

/* Creates @path; the name appears only when the image is whole and on disk. */
gboolean image_create(const char *path, const char *format, const ImageCreateOptions *options,
                      GError **error);

/* ---- Jobs: all take a GCancellable and a progress callback, both may be NULL -----------------------------
 */

typedef void (*ImageProgress)(guint64 done, guint64 total, gpointer user_data);

typedef struct ImageJob {
    GCancellable *cancellable;
    ImageProgress progress;
    gpointer user_data;
} ImageJob;

typedef struct ImageConvertOptions {
    ImageCreateOptions create; /* size 0 = the source's; a backing file keeps only what differs from it */
    gboolean compress;
    gboolean verify; /* read the result back and compare before it gets its name */
} ImageConvertOptions;

/* Writes what @source shows (its whole chain) to the new file @path: a temporary file beside it, flushed,
 * then renamed. Nothing is left behind on failure. Space on the host is checked before. */
gboolean image_convert(Image *source, const char *path, const char *format,
                       const ImageConvertOptions *options, const ImageJob *job, GError **error);

/*
 * Writes the image @path anew without what it need not hold: zeros, freed clusters, what its base shows anyway.
 * @compress: its data compressed (qcow2). The new file is verified and on the disk before it takes the name.
 */
gboolean image_compact(const char *path, const char *format, gboolean compress, const ImageJob *job,
                       GError **error);

/* TRUE: the same contents, a shorter disk counting as followed by zeros. FALSE with IMAGE_ERROR_DIFFERS and
 * the offset of the first difference (NULL allowed), or another error. */
gboolean image_compare(Image *a, Image *b, guint64 *first_difference, const ImageJob *job, GError **error);

typedef enum ImageRepair {
    IMAGE_REPAIR_NONE = 0,
    IMAGE_REPAIR_LEAKS = 1 << 0,  /* give clusters back that nothing refers to */
    IMAGE_REPAIR_ERRORS = 1 << 1, /* rebuild reference counts and flags, drop entries that point nowhere */
} ImageRepair;

typedef struct ImageCheck {
    guint64 corruptions; /* left after repair */
    guint64 leaks;
    guint64 corruptions_fixed;
    guint64 leaks_fixed;
    guint64 errors; /* things that could not be looked at */
    guint64 total_clusters, allocated_clusters, compressed_clusters, fragmented_clusters;
    guint64 image_end;   /* offset after the last used cluster */
    GPtrArray *messages; /* char *, one finding each, at most 100 */
} ImageCheck;

/* Checks the file of @image (not its backing files). Repair needs an image opened for writing, best with
 * IMAGE_OPEN_FOR_CHECK. NULL when the check itself failed. A format without tables finds nothing. */
ImageCheck *image_check(Image *image, ImageRepair repair, const ImageJob *job, GError **error);
void image_check_free(ImageCheck *check);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImageCheck, image_check_free)

/* New size of the disk; shrinking needs @allow_shrink and loses what stands behind. New space reads as zeros.
 * On TRUE it is on the disk, as after a flush. */
gboolean image_resize(Image *image, guint64 size, gboolean allow_shrink, GError **error);

/*
 * Writes the contents of the overlay @path into the image that it stands on, and empties the overlay. Refused
 * when another image beside the base or beside the overlay stands on the base, or when it is in use.
 */
gboolean image_commit(const char *path, const char *format, const ImageJob *job, GError **error);

/*
 * Makes the overlay @path stand on @backing_file (NULL or "": on nothing) without changing what it shows:
 * what differs between the old and the new chain is copied into the overlay first. @unsafe only changes the
 * name in the header, for a base that was moved.
 */
gboolean image_rebase(const char *path, const char *format, const char *backing_file,
                      const char *backing_format, gboolean unsafe, const ImageJob *job, GError **error);

/* ---- Trees of overlays -----------------------------------------------------------------------------------
 *
 * A tree is files and their backing files; nothing else is kept. A snapshot of a disk: close it (or flush and
 * open it anew), make a new overlay of it, go on in the overlay. A branch: another overlay of the same file.
 * Deleting a node: image_merge() for each of its children, then unlink() of its file.
 */

/* A new qcow2 overlay at @path that stands on @base and shows the same. @base_format NULL: probed and
 * recorded. The base is named by its bare name when it is in the same folder, else by its whole path. */
gboolean image_create_overlay(const char *path, const char *base, const char *base_format, GError **error);

/*
 * The overlay @path takes in what its base holds itself, and stands on what the base stood on. It shows the
 * same as before; the base is not touched, so that others may stand on it. A new file is written, verified
 * and on the disk before it takes the overlay's name: whatever dies in between leaves the old one. Only the
 * two files' own contents are copied, not those of what stands below.
 */
gboolean image_merge(const char *path, const char *format, const ImageJob *job, GError **error);

/* The files of a chain, ImageInfo each, the overlay first, read from their headers without locks. A missing
 * file or a circle is an error that names it. */
GPtrArray *image_chain(const char *path, const char *format, GError **error);

typedef struct ImageUsage {
    guint64 own_bytes;      /* of the disk: data that this file holds */
    guint64 own_zero_bytes; /* of the disk: zeros that this file states */
    guint64 shared_bytes;   /* of the disk: data that shows through from below */
    guint64 disk_bytes;     /* what the file takes on the host's disk */
} ImageUsage;

gboolean image_usage(Image *image, ImageUsage *usage, const ImageJob *job, GError **error);

/*
 * Fingerprint of a file that overlays stand on, one line of text (at most 200 characters) to be kept with the
 * overlay: length, times, inode, and a SHA-256 hash: of the whole contents when @whole or when the file takes
 * at most 64 MiB, else of its head and of samples. A file does not get another fingerprint by being copied
 * with its times, by filling its holes, or, with a hash of the whole, by any copy.
 */
char *image_fingerprint(const char *path, gboolean whole, const ImageJob *job, GError **error);

typedef enum ImageBaseState {
    IMAGE_BASE_SAME,
    IMAGE_BASE_MOVED,   /* not at its path; the same file stands elsewhere */
    IMAGE_BASE_CHANGED, /* another length, other contents, or written to since and nobody can tell */
    IMAGE_BASE_MISSING, /* not there, or unreadable */
} ImageBaseState;

/*
 * Is the file at @path still that of @fingerprint? Usually costs a stat(). A file that is not there is looked
 * for in its folder and in @folders (NULL-terminated, or NULL); @found (NULL allowed) is where it stands.
 * @sentence (NULL allowed): what is the matter and what can be done, NULL when it is the same. Both are the
 * caller's.
 */
ImageBaseState image_fingerprint_check(const char *path, const char *fingerprint, const char *const *folders,
                                       char **found, char **sentence, const ImageJob *job);

G_END_DECLS

#endif
