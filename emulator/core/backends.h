/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a device knows of the world outside the machine: structs of a few functions. A device never sees a
 * socket, a file or GTK. All calls in both directions happen on the machine thread; a back end that has
 * threads of its own hands over with machine_post() or a poller (machine.h).
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emulator/core/clock.h"

struct machine;

/* ---- block: a disk, disc or diskette ---- */

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_DISCARD, BLOCK_WRITE_ZEROES };

/*
 * One request. It and its buffer belong to the device and stay put until `done` ran. Completion is always
 * delivered by the request's clock event, so that a machine saved with a request under way loads with it:
 * save `result` and `active` with BLOCK_REQUEST_FIELDS (and the buffer); the event itself is saved with the
 * clock.
 */
struct block_request {
    enum block_op op;
    uint64_t offset; /* bytes */
    uint64_t size;   /* bytes */
    void *buffer;    /* BLOCK_READ, BLOCK_WRITE */
    void (*done)(void *opaque, struct block_request *request);
    void *opaque;
    int32_t result; /* 0 or an errno value */
    bool active;

    struct clock_event delivery;
    struct block_backend *backend;
    struct block_request *next;
};

#define BLOCK_REQUEST_FIELDS(type_, member_)                                                                 \
    STATE_FIELD(type_, member_.result), STATE_FIELD(type_, member_.active)

struct Image;
struct block_backend;
struct block_ops {
    /* Starts the request; exactly one delivery follows, unless cancelled. */
    void (*submit)(struct block_backend *backend, struct block_request *request);
    /* Waits until no worker touches this backend's requests; deliveries stay in their clock events. */
    void (*drain)(struct block_backend *backend);
    void (*finish)(struct block_backend *backend);
};

struct block_backend {
    const struct block_ops *ops;
    struct machine *machine;
    char *id;      /* "disk0", "cdrom", "floppy" */
    uint64_t size; /* bytes; 0 = no medium */
    bool read_only;
    bool present; /* a medium is in */
    /* Removable media: the device is told of a change (already done; `present`, `size`, `read_only` are new),
     * and answers lock requests of the guest here. */
    void (*media_changed)(void *opaque);
    void (*eject_requested)(void *opaque); /* the user pressed the button while `locked` */
    void *device_opaque;
    /* Called before the image is written, on the thread that writes; set with block_backend_watch(). */
    void (*before_write)(void *opaque, struct Image *image, uint64_t offset, uint64_t size);
    void *before_write_opaque;
    bool locked; /* by the guest: the medium can't be taken out without force */
    uint64_t bytes_read, bytes_written, operations; /* drive LED */
};

void block_request_init(struct block_request *request, struct machine *machine, const char *name,
                        void (*done)(void *opaque, struct block_request *request), void *opaque);
void block_request_finish(struct block_request *request);
/* Fails with EIO (delivered as usual) outside the medium; a request must not be active. */
void block_submit(struct block_backend *backend, struct block_request *request);
/* The device was reset: no delivery comes any more; returns when the buffer is free to use. */
void block_cancel(struct block_request *request);

/* A back end over an open image of images/; takes over the image (closes it in finish). `image` may be NULL:
 * an empty drive. Never fails. */
struct block_backend *block_backend_new(struct machine *machine, const char *id, struct Image *image,
                                        bool read_only);
/* The medium is swapped (NULL = taken out) and the device told. */
void block_backend_change(struct block_backend *backend, struct Image *image, bool read_only);
/* The image is taken away from under the back end, or put there, without the device's knowledge: at a safe point
 * with all requests drained, and only for another image of the same contents or for a machine being loaded. */
struct Image *block_backend_take_image(struct block_backend *base);
void block_backend_give_image(struct block_backend *base, struct Image *image);
/* The image under the back end (NULL = none, or another kind). */
struct Image *block_backend_image(struct block_backend *backend);
/* Waits for the requests under way; NULL = nobody watches any more. */
void block_backend_watch(struct block_backend *base,
                         void (*before_write)(void *opaque, struct Image *image, uint64_t offset, uint64_t size),
                         void *opaque);
void block_backend_free(struct block_backend *backend);

/* ---- char: a serial line ---- */

struct char_params {
    unsigned baud, data_bits, stop_bits; /* stop bits: 1 or 2 */
    char parity;                         /* 'n', 'e', 'o' */
};

/* The device's side. can_receive tells how many bytes it takes now; receive gets no more than that. */
struct char_device {
    size_t (*can_receive)(void *opaque);
    void (*receive)(void *opaque, const uint8_t *data, size_t size);
    void (*receive_break)(void *opaque); /* may be NULL */
    void *opaque;
};

struct char_backend;
struct char_ops {
    /* Takes what it can, returns the number of bytes taken. */
    size_t (*write)(struct char_backend *backend, const uint8_t *data, size_t size);
    /* The device can take input again (can_receive grew from 0). May be NULL. */
    void (*accept_input)(struct char_backend *backend);
    void (*set_params)(struct char_backend *backend, const struct char_params *params); /* may be NULL */
    void (*set_break)(struct char_backend *backend, bool on);                           /* may be NULL */
    void (*finish)(struct char_backend *backend);
};
struct char_backend {
    const struct char_ops *ops;
    struct machine *machine;
    struct char_device device; /* all NULL until a device attaches */
};

/* NULL-tolerant: a line without a back end swallows output. */
size_t char_write(struct char_backend *backend, const uint8_t *data, size_t size);
void char_attach(struct char_backend *backend, const struct char_device *device);
void char_accept_input(struct char_backend *backend);
void char_set_params(struct char_backend *backend, const struct char_params *params);
void char_set_break(struct char_backend *backend, bool on);
void char_backend_free(struct char_backend *backend);

/* `in_fd`/`out_fd` may be -1; the descriptors stay the caller's unless `close_fds`. */
struct char_backend *char_backend_fd(struct machine *machine, int in_fd, int out_fd, bool close_fds);
/* Output goes to `output` on the machine thread; input comes by char_backend_callback_input() on the machine
 * thread and is queued until the device takes it. */
struct char_backend *char_backend_callback(struct machine *machine,
                                           void (*output)(void *opaque, const uint8_t *data, size_t size),
                                           void *opaque);
void char_backend_callback_input(struct char_backend *backend, const uint8_t *data, size_t size);
/* A pseudo-terminal; its name can be read from *name (owned by the caller). */
struct char_backend *char_backend_pty(struct machine *machine, char **name, GError **error);

/* ---- net: an Ethernet segment ---- */

struct net_device {
    bool (*can_receive)(void *opaque);
    void (*receive)(void *opaque, const uint8_t *frame, size_t size); /* without FCS */
    void *opaque;
};

struct net_backend;
struct net_ops {
    void (*send)(struct net_backend *backend, const uint8_t *frame,
                 size_t size); /* without FCS, not padded */
    /* The device can take frames again. May be NULL. */
    void (*accept_input)(struct net_backend *backend);
    void (*finish)(struct net_backend *backend);
};
struct net_backend {
    const struct net_ops *ops;
    struct machine *machine;
    struct net_device device;
    uint64_t frames_sent, frames_received; /* activity light */
};

void net_send(struct net_backend *backend, const uint8_t *frame, size_t size); /* NULL-tolerant */
void net_attach(struct net_backend *backend, const struct net_device *device);
void net_accept_input(struct net_backend *backend);
void net_backend_free(struct net_backend *backend);

/* ---- audio ---- */

struct audio_format {
    unsigned rate;     /* Hz */
    unsigned channels; /* 1 or 2; samples are interleaved int16_t in host order */
};

struct audio_backend;
struct audio_ops {
    /* One playback and one capture stream. start may be called again with another format. */
    bool (*start)(struct audio_backend *backend, bool capture, const struct audio_format *format);
    void (*stop)(struct audio_backend *backend, bool capture);
    size_t (*play)(struct audio_backend *backend, const int16_t *samples, size_t frames); /* frames taken */
    size_t (*record)(struct audio_backend *backend, int16_t *samples, size_t frames);     /* frames given */
    void (*set_volume)(struct audio_backend *backend, unsigned left,
                       unsigned right); /* 0..65535; may be NULL */
    void (*finish)(struct audio_backend *backend);
};
struct audio_backend {
    const struct audio_ops *ops;
    struct machine *machine;
    uint64_t frames_played; /* activity light */
};

size_t audio_play(struct audio_backend *backend, const int16_t *samples, size_t frames); /* frames taken */
void audio_backend_free(struct audio_backend *backend); /* NULL-tolerant */

/* ---- display: a picture made by a device ---- */

struct display_rect {
    int x, y, width, height;
};

/* The surface a display device draws on. Pixels are XRGB8888 in host order (X = 0). It persists between
 * renders. */
struct display_surface {
    uint32_t *pixels;
    int width, height;
    int stride;          /* pixels per line */
    double pixel_aspect; /* width of a pixel / its height */
    struct display_rect
        damage; /* union of what was drawn since the surface was last published; width 0 = nothing */
};

/* The device's side; registered with machine_set_display(). render is called about 60 times a second while
 * somebody looks, and for a screenshot: it draws what changed (everything if `full`) and reports it with
 * display_damage(). Rendering must not change anything that the guest can see. */
struct display_source {
    void (*render)(void *opaque, struct display_surface *surface, bool full);
    void *opaque;
};

/* Called by render when the mode changed; the contents are undefined afterwards: draw everything. */
void display_resize(struct display_surface *surface, int width, int height, double pixel_aspect);
void display_damage(struct display_surface *surface, int x, int y, int width, int height);
void display_surface_finish(struct display_surface *surface);

/* ---- input: the user's hands ---- */

/* The device's side; registered with machine_add_input(). Members may be NULL. Codes are Linux evdev's
 * (linux/input-event-codes.h): KEY_*, BTN_LEFT, BTN_RIGHT, BTN_MIDDLE. */
struct input_sink {
    void (*key)(void *opaque, unsigned code, bool down);
    void (*pointer_relative)(void *opaque, int dx, int dy);
    void (*pointer_absolute)(void *opaque, unsigned x, unsigned y); /* 0..65535 of the picture */
    void (*button)(void *opaque, unsigned code, bool down);
    void (*wheel)(void *opaque, int dx, int dy); /* notches; down and right positive */
    void (*release)(void *opaque); /* all keys and buttons are up: a state from another time was loaded */
    void *opaque;
};
