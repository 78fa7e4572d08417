/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine's only public face. A program lists the models, fills in an engine_config, creates an engine and
 * talks to it with requests; the machine runs on a thread of its own. No call here waits for the guest,
 * except where it says so.
 *
 *   struct engine_config *config = engine_config_new("ss5");
 *   config->ram_mib = 64;
 *   engine_config_add_disk(config, "disk.qcow2", 0, false);
 *   struct engine *engine = engine_new(config, &events, &error);
 *   engine_start(engine);
 *
 * Threads: every function may be called from any one thread of the application at a time (its main thread; the
 * moments also from another one that holds the engine);
 * callbacks run on the engine's thread and must not call engine functions other than those marked "any
 * thread".
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- models ---- */

struct engine_choice {
    const char *id;    /* "tcx8" */
    const char *title; /* "TCX, 256 colours"; translatable (N_) */
};

struct engine_firmware {
    const char *file;    /* name looked for on the firmware search path: "openbios-sparc32" */
    const char *title;   /* "OpenBIOS for SPARC" */
    const char *package; /* Debian package that has it */
    bool required;
};

struct engine_model {
    const char *id;           /* "ss5" */
    const char *title;        /* "SPARCstation 5" */
    const char *family;       /* "sparc": id of the family */
    const char *family_title; /* "Sun SPARC" */
    const char *description;  /* two or three sentences; translatable */
    const char *cpu;          /* "microSPARC II (MB86904), 110 MHz" */
    unsigned year;
    unsigned ram_min_mib, ram_max_mib, ram_default_mib;
    const unsigned *ram_choices_mib;      /* sensible sizes, ends with 0 */
    const struct engine_choice *displays; /* first = default; end with a NULL id */
    unsigned disk_units;                  /* how many hard disks can be attached */
    const unsigned
        *disk_unit_numbers; /* their SCSI/IDE unit numbers in order of preference, disk_units of them */
    bool has_cdrom, has_floppy, has_network, has_audio;
    unsigned serial_ports;
    bool has_pointer, pointer_is_absolute;
    const struct engine_firmware *firmware; /* ends with a NULL file */
};

/* All models, in the order in which to show them; ends with a NULL entry. Any thread. */
const struct engine_model *const *engine_models(void);
const struct engine_model *engine_find_model(const char *id);

/* Full path of a firmware file: VITRINE_FIRMWARE_PATH (colon separated), the user's data folder
 * (…/vitrine/firmware), then the distribution's folders. NULL with a sentence that says what to install. */
char *engine_find_firmware(const struct engine_firmware *firmware, GError **error);

/* ---- configuration ---- */

enum engine_accel { ENGINE_ACCEL_JIT, ENGINE_ACCEL_INTERP, ENGINE_ACCEL_KVM };

enum engine_serial_kind {
    ENGINE_SERIAL_NONE,
    ENGINE_SERIAL_STDIO,
    ENGINE_SERIAL_FILE,     /* output appended to `path` (created) */
    ENGINE_SERIAL_PTY,      /* see engine_serial_pty() */
    ENGINE_SERIAL_CALLBACK, /* output to engine_events.serial_output, input by engine_serial_input() */
};

struct engine_serial {
    enum engine_serial_kind kind;
    char *path;
};

enum engine_audio { ENGINE_AUDIO_NONE, ENGINE_AUDIO_PULSE };

struct Image; /* images/images.h */

struct engine_drive {
    char *path;          /* opened by the engine (format probed), or */
    struct Image *image; /* an open image that the engine takes over */
    int unit;            /* -1 = next free */
    bool read_only;
};

#define ENGINE_MAX_SERIAL 4

/* All strings are owned by the config. */
struct engine_config {
    char *model;
    unsigned ram_mib; /* 0 = the model's default */
    unsigned cpus;    /* 0 = 1 */
    enum engine_accel accel;
    bool deterministic, warp;
    int64_t rtc_base; /* seconds since 1970; INT64_MIN = the host's time (deterministic: a fixed date) */

    char *firmware; /* path; NULL = search */
    char *kernel, *initrd, *append;
    char *display; /* a choice of the model; NULL = default */
    char *boot; /* firmware boot device: "disk", "cdrom", "floppy", "network"; NULL = the firmware's habit */

    GArray *disks;                     /* struct engine_drive */
    struct engine_drive cdrom, floppy; /* empty drive if neither path nor image */

    bool network;   /* user-mode network (libslirp); default true where the model has one */
    uint8_t mac[6]; /* all zero = the model's default */
    struct engine_serial serial[ENGINE_MAX_SERIAL];
    enum engine_audio audio;
    char *nvram; /* file that keeps the battery-backed memory: of exactly its size, or not there yet; NULL = fresh
                    each time */
    char *log;   /* comma-separated log topics, "jit" and "guest", alone or with "=FILE"; NULL = none */
};

/* Defaults of the model; NULL with a sentence if there is no such model. */
struct engine_config *engine_config_new(const char *model, GError **error);
void engine_config_free(struct engine_config *config);
void engine_config_add_disk(struct engine_config *config, const char *path, int unit, bool read_only);

/* ---- the engine ---- */

enum engine_state {
    ENGINE_CREATED,
    ENGINE_RUNNING,
    ENGINE_PAUSED,
    ENGINE_OFF,   /* the guest switched off (exit_status 0), or power was cut */
    ENGINE_ERROR, /* see engine_message() */
};

/* All may be NULL; they run on the engine's thread and must return quickly. */
struct engine_events {
    void (*state_changed)(void *opaque, enum engine_state state, int exit_status);
    void (*frame_ready)(void *opaque); /* a new frame can be acquired; not repeated until one is */
    void (*serial_output)(void *opaque, unsigned port, const uint8_t *data, size_t size);
    void (*media_eject_requested)(void *opaque, const char *drive);
    void *opaque;
};

struct engine;

/* Builds the whole machine; a configuration error is a GError sentence. Takes over the images in the config
 * (not the config itself), also on failure. */
struct engine *engine_new(const struct engine_config *config, const struct engine_events *events,
                          GError **error);
/* Powers off, waits for the thread, frees. */
void engine_free(struct engine *engine);

/* Starts the thread, and the machine running. */
void engine_start(struct engine *engine);
/* The thread, but the machine paused: for engine_load_state() first. */
void engine_start_paused(struct engine *engine);

/* Requests, done at the machine's next safe point. */
void engine_pause(struct engine *engine);
void engine_resume(struct engine *engine);
void engine_reset(struct engine *engine);
void engine_power_off(struct engine *engine); /* pulls the plug; state ENGINE_OFF, exit status 0 */

/* Requests with an answer: `done` runs on the engine's thread; `error` is NULL if all went well and is valid
 * during the call only. `done` may be NULL. */
typedef void (*engine_done)(void *opaque, const GError *error);
void engine_save_state(struct engine *engine, const char *path, engine_done done, void *opaque);
void engine_load_state(struct engine *engine, const char *path, engine_done done, void *opaque);
/* `drive` is "cdrom", "floppy". `path` NULL takes the medium out. `force`: even if the guest holds it locked.
 */
void engine_change_medium(struct engine *engine, const char *drive, const char *path, bool read_only,
                          bool force, engine_done done, void *opaque);
/* As PNG is the application's business: XRGB8888 pixels, freed with g_free(). `done` runs on the engine's
 * thread. */
typedef void (*engine_screenshot_done)(void *opaque, uint32_t *pixels, int width, int height,
                                       double pixel_aspect);
void engine_screenshot(struct engine *engine, engine_screenshot_done done, void *opaque);
/* Runs `fn` at a safe point (disk snapshots of a running machine). */
void engine_at_safe_point(struct engine *engine, void (*fn)(void *opaque), void *opaque);
/* Waits for all requests made so far. Not from a callback. */
void engine_sync(struct engine *engine);

/* ---- moments: the whole machine at one instant, to be read while it runs on ---- */

struct engine_moment;

/* `fn` runs on the engine's thread while the machine stands still, all disk requests are done and none begins;
 * it may call engine_take_disk() and engine_give_disk(), and must be quick. */
typedef bool (*engine_safe_point)(void *opaque, GError **error);
/* The image under the disk, by its number in the configuration, taken away from it (NULL: it had none). The
 * caller closes it, and gives the disk another one of the same size, or the same again, before it returns. */
struct Image *engine_take_disk(struct engine *engine, unsigned disk);
void engine_give_disk(struct engine *engine, unsigned disk, struct Image *image);
unsigned engine_disk_count(struct engine *engine);
/* In the place of a disk's number: the diskette drive, to be looked at and watched, not exchanged. */
#define ENGINE_FLOPPY 0xffu
/* The image now, for image_flush() ahead of a moment; NULL = none. Not while a safe point may replace it. */
struct Image *engine_disk_image(struct engine *engine, unsigned disk);

/* `before_write` (NULL: nobody watches) runs before a disk is written, on the thread that writes: several at a time
 * for several disks. At a safe point, or before the engine starts. A drive goes on being watched with another medium;
 * nothing happens where there is no such drive. */
void engine_watch_disk(struct engine *engine, unsigned disk,
                       void (*before_write)(void *opaque, struct Image *image, uint64_t offset, uint64_t size),
                       void *opaque);

/* The answer: the moment (to be freed), or NULL with the error. On the engine's thread. */
typedef void (*engine_moment_done)(void *opaque, struct engine_moment *moment, const GError *error);
/* The machine stops, `fn` runs (may be NULL; if it fails the moment does), and the machine goes on. `since`:
 * engine_moment_number() of an earlier moment of this engine whose unchanged pages need not be read again, 0 =
 * none. One moment is read at a time: a second waits until the first is freed. */
void engine_take_moment(struct engine *engine, uint64_t since, engine_safe_point fn, void *fn_opaque,
                        engine_moment_done done, void *opaque);
/* Somebody on another thread works with the engine: engine_free() waits for as many releases. Any thread. */
void engine_hold(struct engine *engine);
void engine_release(struct engine *engine);
/* Any thread. engine_free() waits until all moments are freed. */
void engine_moment_free(struct engine_moment *moment);

uint64_t engine_moment_number(const struct engine_moment *moment);
int64_t engine_moment_virtual_ns(const struct engine_moment *moment);
int64_t engine_moment_pause_ns(const struct engine_moment *moment); /* how long the guest stood still */
GBytes *engine_moment_state(const struct engine_moment *moment);    /* devices and clock; a new reference */
GBytes *engine_moment_nvram(const struct engine_moment *moment);    /* a new reference; NULL = has none */
/* XRGB8888 without gaps, owned by the moment; NULL = no picture. */
const uint32_t *engine_moment_picture(const struct engine_moment *moment, int *width, int *height,
                                      double *pixel_aspect);
/* Memory: blocks of pages of 4 KiB. Reading: any one thread, each page at most once; same[i] is 1 for pages that
 * did not change since the earlier moment, which are not put into `data`. */
#define ENGINE_PAGE_SIZE 4096
unsigned engine_moment_blocks(const struct engine_moment *moment);
const char *engine_moment_block_id(const struct engine_moment *moment, unsigned block);
uint64_t engine_moment_block_pages(const struct engine_moment *moment, unsigned block);
void engine_moment_read(struct engine_moment *moment, unsigned block, uint64_t first, uint64_t count,
                        uint8_t *same, uint8_t *data);

/* Puts the machine (of the same configuration) where a moment was. `load` fills in a block's memory, which is
 * zeroed; it runs on the engine's thread. `fn` runs when all is known to fit, before anything changes. `number`
 * in the answer is what a moment taken just then would have had: for `since`. */
struct engine_moment_source {
    GBytes *state;
    bool (*load)(void *opaque, const char *block, uint8_t *to, uint64_t size, GError **error);
    engine_safe_point fn; /* may be NULL */
    void *opaque;
};
typedef void (*engine_moment_loaded)(void *opaque, uint64_t number, const GError *error);
void engine_load_moment(struct engine *engine, const struct engine_moment_source *source,
                        engine_moment_loaded done, void *opaque);

enum engine_state engine_get_state(struct engine *engine); /* any thread */
int engine_exit_status(struct engine *engine); /* any thread; valid in ENGINE_OFF and ENGINE_ERROR */
char *engine_message(struct engine *engine);   /* any thread; why ENGINE_ERROR; g_free() */
/* What the machine must do without though it was asked for (no sound server …), in a sentence; NULL. Any thread; valid
 * as long as the engine. */
const char *engine_complaint(struct engine *engine);
/* Waits until the state is OFF or ERROR, at most timeout_ms (-1 = for ever). Not from a callback. */
bool engine_wait(struct engine *engine, int timeout_ms);

/* ---- input ---- any thread; codes of linux/input-event-codes.h */
void engine_key(struct engine *engine, unsigned code, bool down);
void engine_pointer_relative(struct engine *engine, int dx, int dy);
void engine_pointer_absolute(struct engine *engine, unsigned x, unsigned y); /* 0..65535 of the picture */
void engine_button(struct engine *engine, unsigned code, bool down);         /* BTN_LEFT ... */
void engine_wheel(struct engine *engine, int dx, int dy);
/* Everything that is still down goes up (focus lost). */
void engine_release_all_keys(struct engine *engine);
void engine_serial_input(struct engine *engine, unsigned port, const uint8_t *data, size_t size);
char *engine_serial_pty(struct engine *engine,
                        unsigned port); /* its device name; g_free(); NULL if not a pty */

/* ---- picture: triple buffer ---- */

struct engine_frame {
    const uint32_t *pixels;    /* XRGB8888 in host order; valid until the next acquire */
    int width, height, stride; /* stride in pixels */
    double pixel_aspect;       /* width of a pixel / its height */
    int damage_x, damage_y, damage_width, damage_height; /* changed since the frame acquired before */
    uint64_t serial;                                     /* grows with every frame published */
};

/* Somebody looks: without it the machine draws only for screenshots. */
void engine_set_watched(struct engine *engine, bool watched);
/* The newest frame; false if there is none newer than the one acquired last. Never waits. One consumer
 * thread. */
bool engine_acquire_frame(struct engine *engine, struct engine_frame *frame);

/* ---- figures ---- any thread, never waits */

struct engine_stats {
    uint64_t icount;         /* guest instructions */
    int64_t virtual_ns;      /* the machine's clock */
    double speed_percent;    /* virtual time against real time, last second */
    double mips;             /* last second */
    double host_cpu_percent; /* of one core, the machine's thread, last second */
    uint64_t frames;
    uint64_t net_sent, net_received;
    uint64_t audio_played; /* sample frames */
};
void engine_get_stats(struct engine *engine, struct engine_stats *stats);

/* One drive light. */
struct engine_drive_info {
    char id[16]; /* "disk0", "cdrom", "floppy" */
    bool present, read_only, locked, removable;
    uint64_t operations, bytes_read, bytes_written;
};
/* Fills at most `max`, returns how many drives there are. */
unsigned engine_get_drives(struct engine *engine, struct engine_drive_info *drives, unsigned max);

/* Devices, memory map and counters of the running machine as text (waits for a safe point); g_free(). */
char *engine_describe(struct engine *engine);

#define ENGINE_ERROR_DOMAIN (engine_error_quark())
GQuark engine_error_quark(void);
enum engine_error {
    ENGINE_ERROR_CONFIG,   /* no such model, RAM out of range, two disks on one unit … */
    ENGINE_ERROR_FIRMWARE, /* not found or not usable */
    ENGINE_ERROR_FILE,     /* kernel, initrd, image */
    ENGINE_ERROR_HOST,     /* no KVM, no sound, no memory */
};
