/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of the images library share: the class row of a format, the open image, the host file with
 * its table of operations (which tests replace to inject faults), and the errors' sentences.
 */
#ifndef VITRINE_IMAGES_INTERNAL_H
#define VITRINE_IMAGES_INTERNAL_H

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <inttypes.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "images/images.h"

#define IMAGE_SECTOR    512
#define IMAGE_MAX_CHAIN 256 /* images of a chain */
#define IMAGE_MAX_SIZE  (G_MAXINT64 & ~(guint64)511)

/* ---- Host files (file.c) ---------------------------------------------------------------------------------
 */

typedef struct ImageFile ImageFile;

/* One host file's operations. Results are counts, 0, or a negative errno; short counts are allowed. */
typedef struct ImageFileOps {
    gssize (*preadv)(ImageFile *file, const struct iovec *iov, int count, guint64 offset);
    gssize (*pwritev)(ImageFile *file, const struct iovec *iov, int count, guint64 offset);
    int (*sync)(ImageFile *file);
    int (*punch)(ImageFile *file, guint64 offset, guint64 length);    /* deallocate, reads as zeros */
    int (*zero)(ImageFile *file, guint64 offset, guint64 length);     /* zeros, kept allocated */
    int (*allocate)(ImageFile *file, guint64 offset, guint64 length); /* reserve, contents kept */
    int (*truncate)(ImageFile *file, guint64 size);
    int (*size)(ImageFile *file, guint64 *size);
    /* Whether @offset stands in data or in a hole, and where that ends. */
    int (*extent)(ImageFile *file, guint64 offset, gboolean *data, guint64 *end);
} ImageFileOps;

struct ImageFile {
    const ImageFileOps *ops;
    gpointer ops_data; /* for replaced operations */
    char *path;
    int fd;
    gboolean writable;
    gboolean regular;
    dev_t device;
    ino_t inode;
    gboolean unsynced; /* written since the last sync */
    gboolean lost;     /* a sync failed: what was written may be gone */
};

extern const ImageFileOps image_file_posix;

typedef enum ImageLock {
    IMAGE_LOCK_NONE,
    IMAGE_LOCK_READ,  /* I read a steady image: nobody may write */
    IMAGE_LOCK_WRITE, /* I write: nobody else may write or read a steady image */
} ImageLock;

ImageFile *image_file_open(const char *path, gboolean writable, ImageLock lock, GError **error);
/* Over an open descriptor, which it owns from now on, also on error. */
ImageFile *image_file_wrap(int fd, const char *path, gboolean writable, GError **error);
void image_file_close(ImageFile *file);

/* Whole transfer or error. Reading beyond the end of the file gives zeros. */
gboolean image_file_read(ImageFile *file, guint64 offset, void *buffer, gsize length, GError **error);
gboolean image_file_write(ImageFile *file, guint64 offset, const void *buffer, gsize length, GError **error);
/* @iov is used up. */
gboolean image_file_writev(ImageFile *file, guint64 offset, struct iovec *iov, int count, GError **error);
/* Durable; nothing to do when nothing was written since the last one. */
gboolean image_file_sync(ImageFile *file, GError **error);
/* Lets the host begin to write what it holds, so that the sync at the end of a long copy finds little to do.
 */
void image_file_start_writeback(ImageFile *file);
/* Zeros in the range; @punch gives the space back where the host can. Does not grow the file. */
gboolean image_file_zero(ImageFile *file, guint64 offset, guint64 length, gboolean punch, GError **error);
gboolean image_file_allocate(ImageFile *file, guint64 offset, guint64 length, GError **error);
gboolean image_file_truncate(ImageFile *file, guint64 size, GError **error);
gboolean image_file_size(ImageFile *file, guint64 *size, GError **error);
gboolean image_file_usage(ImageFile *file, guint64 *bytes, GError **error);
gboolean image_file_extent(ImageFile *file, guint64 offset, gboolean *data, guint64 *end, GError **error);

/* ---- New files (newfile.c) -------------------------------------------------------------------------------
 */

/* A file without a name, or with a temporary one, that gets its name when it is whole. */
typedef struct ImageNewFile {
    ImageFile *file; /* whoever takes it leaves NULL here */
    int fd;          /* keeps the file and its lock until the end */
    char *path;      /* final */
    char *temporary; /* name until then; NULL: none */
    ImageFile *old;  /* the file to replace, locked, or NULL */
    gboolean replace;
} ImageNewFile;

/* @own: the existing file of that name, whose lock the caller holds and which may be replaced; or NULL. */
gboolean image_new_file_begin(ImageNewFile *file, const char *path, gboolean overwrite, const ImageFile *own,
                              GError **error);
/* sync, name, sync of the folder. Ends with image_new_file_abort() in any case. */
gboolean image_new_file_finish(ImageNewFile *file, GError **error);
/* Nothing of it is left, unless it was finished. */
void image_new_file_abort(ImageNewFile *file);
/* Is there room for @bytes more beside @path? */
gboolean image_check_space(const char *path, guint64 bytes, GError **error);

/* ---- Locks (lock.c) --------------------------------------------------------------------------------------
 */

gboolean image_file_lock(ImageFile *file, ImageLock lock, GError **error);

/* ---- Formats ---------------------------------------------------------------------------------------------
 */

typedef struct ImageFormat ImageFormat;
typedef struct ImageRun ImageRun;
typedef struct ImagePlace ImagePlace;

struct Image {
    const ImageFormat *format;
    gpointer state; /* of the format */
    ImageFile *file;
    Image *backing;
    char *path;
    ImageOpenFlags flags;
    gboolean writable;
    gboolean guard_ends;      /* raw by probing: don't let the guest write another format's header */
    gboolean explicit_zeroes; /* zeros must be stated even where nothing is below: something will be */
    guint64 size;
    guint32 cluster_size;
    char *backing_file;   /* set by the format's open */
    char *backing_format; /* the same */
    GMutex lock;
};

/* What a file shows of itself to those who look for its format. */
typedef struct ImageEnds {
    guint8 head[IMAGE_SECTOR]; /* zeros behind the end of a shorter file */
    guint8 tail[IMAGE_SECTOR]; /* the last bytes; zeros in a file shorter than that */
} ImageEnds;

/* One format. Functions are called with the image's lock held and ranges checked, except open/create/probe.
 */
struct ImageFormat {
    const char *name;
    gboolean (*probe)(const ImageEnds *ends);
    gboolean (*open)(Image *image, GError **error);
    gboolean (*close)(Image *image, GError **error); /* frees the state in any case */
    gboolean (*pread)(Image *image, guint64 offset, void *buffer, gsize length, GError **error);
    gboolean (*pwrite)(Image *image, guint64 offset, const void *buffer, gsize length, GError **error);
    gboolean (*flush)(Image *image, GError **error);
    gboolean (*write_zeroes)(Image *image, guint64 offset, guint64 length, GError **error);
    gboolean (*discard)(Image *image, guint64 offset, guint64 length, GError **error);
    gboolean (*status)(Image *image, guint64 offset, guint64 length, ImageBlockStatus *status,
                       GError **error);
    gboolean (*resize)(Image *image, guint64 size, gboolean allow_shrink, GError **error);
    void (*info)(Image *image, ImageInfo *info);
    gboolean (*create)(ImageFile *file, const ImageCreateOptions *options, GError **error);
    /* Optional, NULL when the format can't: */
    gboolean (*read_info)(ImageFile *file, ImageInfo *info, GError **error);
    gboolean (*check)(Image *image, ImageRepair repair, ImageCheck *check, const ImageJob *job,
                      GError **error);
    gboolean (*set_backing)(Image *image, const char *file, const char *format, GError **error);
    GPtrArray *(*list_snapshots)(Image *image);
    gboolean (*show_snapshot)(Image *image, const char *which, GError **error);
    /* Compresses one cluster into @out (cluster-sized); thread-safe, without the lock. Returns the length, or
     * 0 when it does not get smaller. */
    gsize (*compress)(Image *image, const void *data, void *out);
    /* Stores the result for the whole, so far unallocated cluster at @offset. */
    gboolean (*write_compressed)(Image *image, guint64 offset, const void *data, gsize length,
                                 GError **error);
    /* For the formats of mapped.c: where the range stands; where a new block would; and that it stands there.
     */
    gboolean (*map)(Image *image, guint64 offset, guint64 length, ImageRun *run, GError **error);
    gboolean (*unpack)(Image *image, guint64 offset, const ImageRun *run, void *buffer, gsize length,
                       GError **error);
    gboolean (*allocate)(Image *image, guint64 offset, ImagePlace *place, GError **error);
    gboolean (*bind)(Image *image, const ImagePlace *place, GError **error);
    /* The raw file beside @path that shall hold the contents of an image with these options; *part is NULL when
     * there is none. create() then makes the file that names it. */
    gboolean (*part)(const char *path, const ImageCreateOptions *options, char **part, GError **error);
    /* A bound on the metadata for @size bytes of disk, for the check of space. */
    guint64 (*overhead)(Image *image, guint64 size);
};

extern const ImageFormat image_format_raw;
extern const ImageFormat image_format_qcow2;
extern const ImageFormat image_format_vmdk;
extern const ImageFormat image_format_vdi;
extern const ImageFormat image_format_vhd;
extern const ImageFormat image_format_vhdx;
extern const ImageFormat image_format_dmg;
extern const ImageFormat image_format_cue;
extern const ImageFormat image_format_bin;

extern const ImageFormat *const image_formats[];
const ImageFormat *image_format_find(const char *name, GError **error);
const ImageFormat *image_format_of_ends(const ImageEnds *ends);
gboolean image_read_ends(ImageFile *file, ImageEnds *ends, GError **error);

/* ---- Formats made of blocks (mapped.c) -------------------------------------------------------------------
 *
 * A format that can say where a range of the disk stands gets reading, writing, zeros, status and a check
 * from here; its row names these functions and brings map(), and allocate() and bind() when it can be
 * written.
 */

struct ImageRun {
    ImageBlock block;
    gboolean compressed; /* read by unpack() */
    ImageFile *file;     /* of DATA */
    guint64 host;        /* its offset there; a compressed run's own number */
    guint64 length;
};

/* A block of the disk and where it shall stand; what is there reads as zeros. */
struct ImagePlace {
    ImageFile *file;
    guint64 host;
    guint64 offset; /* the block's first byte on the disk */
    guint64 length;
    gpointer part; /* the format's own */
};

gboolean image_mapped_pread(Image *image, guint64 offset, void *buffer, gsize length, GError **error);
gboolean image_mapped_pwrite(Image *image, guint64 offset, const void *buffer, gsize length, GError **error);
gboolean image_mapped_zero(Image *image, guint64 offset, guint64 length, GError **error);
gboolean image_mapped_discard(Image *image, guint64 offset, guint64 length, GError **error);
gboolean image_mapped_status(Image *image, guint64 offset, guint64 length, ImageBlockStatus *status,
                             GError **error);
gboolean image_mapped_check(Image *image, ImageRepair repair, ImageCheck *check, const ImageJob *job,
                            GError **error);

/* Sets IMAGE_ERROR_CORRUPT with a sentence; @what completes "is damaged: ". */
gboolean image_damaged(ImageFile *file, GError **error, const char *what);

/* ---- Tables in files (words.c) ---------------------------------------------------------------------------
 *
 * A write-back cache of the sectors that hold a format's tables. What was put reaches the file in
 * image_words_flush(), which syncs the data before, so that a table never points at what is not there.
 */

typedef struct ImageWords {
    ImageFile *file;
    GHashTable *pages;
    gboolean dirty;
} ImageWords;

void image_words_init(ImageWords *words, ImageFile *file);
void image_words_clear(ImageWords *words);
gboolean image_words_get(ImageWords *words, guint64 offset, void *bytes, gsize length, GError **error);
gboolean image_words_put(ImageWords *words, guint64 offset, const void *bytes, gsize length, GError **error);
gboolean image_words_flush(ImageWords *words, GError **error);

/* ---- Images (image.c) ------------------------------------------------------------------------------------
 */

/* Opens an image over an open file, which it owns from now on (also on error). */
Image *image_open_file(ImageFile *file, const ImageFormat *format, ImageOpenFlags flags, GError **error);

/* A format that reads bytes which nobody changes (the image is open for reading only) lets other calls in
 * meanwhile: between the two it touches nothing of the image's state. Nothing happens for writable images. */
void image_let_others_read(Image *image);
void image_read_alone(Image *image);
/* image_file_read() between the two, when it is large enough to pay. */
gboolean image_read_shared(Image *image, ImageFile *file, guint64 offset, void *buffer, gsize length,
                           GError **error);

/* What stands below @image: zeros beyond the backing file's end or without one. */
gboolean image_read_backing(Image *image, guint64 offset, void *buffer, gsize length, GError **error);
/* Does what stands below read as zeros, as far as that is known without reading? */
gboolean image_backing_is_zero(Image *image, guint64 offset, guint64 length);

/* What an image says of the range by itself, or with some of those it stands on: the first of its runs. */
typedef gboolean (*ImageStatusFunc)(Image *image, guint64 offset, guint64 length, ImageBlockStatus *status,
                                    GError **error);
/* Puts the ranges of @from that are its own (@own_status: not unallocated) into @to, where they stand in @from,
 * makes them durable, and compares what @to gives back: IMAGE_ERROR_DIFFERS. */
gboolean image_put_ranges(Image *from, Image *to, ImageStatusFunc own_status, const ImageJob *job,
                          GError **error);

/* How an image at @overlay should name @target: by its bare name in the same folder, else by its whole path.
 */
char *image_backing_name_for(const char *overlay, const char *target);
/* The options that make another image like this one. */
void image_options_like(Image *image, const ImageInfo *info, ImageCreateOptions *options);
/* For work that would lose them. */
gboolean image_refuse_snapshots(const ImageInfo *info, GError **error);
/* @what: the verb of the work that makes sense for an overlay only. */
gboolean image_need_base(Image *image, const char *what, GError **error);

/* Path of a backing file name relative to its overlay's folder; newly allocated. */
char *image_resolve_backing(const char *overlay, const char *backing, GError **error);

gboolean image_buffer_is_zero(const void *buffer, gsize length);

/* Copies the range [offset, offset+length) of @from to @to; zeros become zeros. Both stay at their offsets.
 */
gboolean image_job_step(const ImageJob *job, guint64 done, guint64 total, GError **error);
/* Fills in what the options leave open (size, the base's format) and refuses what cannot be. */
gboolean image_create_options_check(const ImageFormat *format, const char *path, ImageCreateOptions *options,
                                    GError **error);
/* For formats that cannot stand on another. */
gboolean image_refuse_backing(const ImageCreateOptions *options, const char *format, GError **error);
/* Reserves the range of a new file, or fills it with zeros. */
gboolean image_preallocate(ImageFile *file, guint64 offset, guint64 length, ImagePreallocation how,
                           GError **error);
/* What puts the contents into an image that is being made, whose format is given. */
typedef gboolean (*ImageFill)(ImageNewFile *file, const ImageFormat *format, gpointer data, GError **error);
/* Makes @path, and the file beside it that holds the contents where the format wants one. Whoever dies in
 * between leaves at most that file, which nothing names; it is never one that was there before. */
gboolean image_make(const char *path, const ImageFormat *format, const ImageCreateOptions *options,
                    ImageFill fill, gpointer data, GError **error);
/* Makes the new file an image with the contents of @source; what its backing file shows already is left out.
 * Durable on success; the new file has its name only after image_new_file_finish(). */
gboolean image_convert_into(Image *source, ImageNewFile *new_file, const ImageFormat *format,
                            const ImageConvertOptions *options, const ImageJob *job, GError **error);
void image_check_message(ImageCheck *check, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Sets a sentence: the text, the host's reason, and what can be done. */
void image_set_errno(GError **error, int number, const char *format, ...) G_GNUC_PRINTF(3, 4);

static inline guint64 image_align_down(guint64 value, guint64 unit)
{
    return value & ~(unit - 1);
}

static inline guint64 image_align_up(guint64 value, guint64 unit)
{
    return (value + unit - 1) & ~(unit - 1);
}

#endif
