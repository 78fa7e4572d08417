/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A device is a plain struct whose first member is `struct device`, plus one `static const struct
 * device_class` row. Every device stands in its machine's one list: that list resets, saves, describes and
 * frees it.
 *
 *     struct nvram { struct device dev; uint8_t bytes[8192]; ... };
 *     const struct device_class nvram_class = { .name = "m48t08", .size = sizeof(struct nvram), ... };
 *
 * A board makes a device in three steps: device_new() allocates it (zeroed, property defaults applied), the
 * board sets properties and links (irq lines, buses, back ends), device_start() runs the class's init. The
 * machine owns it then.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emulator/core/state.h"

struct machine;
struct device;

enum reset_kind {
    RESET_POWER_ON, /* supply comes up: everything that is not battery backed */
    RESET_HARD,     /* the machine's reset line */
};

enum property_type {
    PROPERTY_BOOL,   /* bool */
    PROPERTY_U32,    /* uint32_t */
    PROPERTY_U64,    /* uint64_t */
    PROPERTY_STRING, /* char *, owned by the device */
};

/* One configurable member of a device; a table ends with a NULL name. */
struct device_property {
    const char *name;
    enum property_type type;
    size_t offset;          /* of the member in the device's struct */
    uint64_t default_value; /* bool and integers */
    const char *default_string;
    uint64_t min, max;       /* integers; 0,0 = any */
    const char *description; /* one line */
};

struct device_class {
    const char *name;        /* chip name, lower case: "m48t08"; part of saved state */
    const char *description; /* one line for `vitrine info` */
    size_t size;             /* of the whole device struct */
    unsigned version;        /* of the saved fields, from 1 */

    /* All hooks may be NULL. init checks the configuration, allocates, maps; on failure it returns false with
     * a sentence, and finish is called on what was built. */
    bool (*init)(struct device *dev, GError **error);
    void (*reset)(struct device *dev, enum reset_kind kind);
    void (*finish)(struct device *dev);

    const struct state_field *fields; /* ends with a NULL name */
    /* prepare_save brings members that are derived lazily up to date. check gets a *scratch copy* of the
     * state with the loaded fields in it and refuses values that the hooks could not live with (indices,
     * lengths). loaded rebuilds derived members (irq levels need nothing: lines are saved by their owners,
     * see STATE_IRQ). */
    void (*prepare_save)(struct device *dev);
    bool (*check)(const void *state, GError **error);
    void (*loaded)(struct device *dev);

    const struct device_property *properties;
    /* Appends lines about the running device, indented by two spaces, for people who measure. */
    void (*describe)(struct device *dev, GString *text);
};

struct device {
    const struct device_class *cls;
    struct machine *machine;
    char *id;          /* unique in the machine: "esp", "escc0"; part of saved state */
    void *state;       /* base of cls->fields; the device itself unless the class keeps its state elsewhere */
    size_t state_size; /* bytes at `state` */
    unsigned guest_errors;
    bool started;
    GPtrArray *buffers; /* memory allocated with device_alloc() */
};

/* The struct that embeds a device as its member `dev`. */
#define DEVICE_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* Allocates, applies defaults, appends to the machine's list (so that a half-built board is torn down by
 * machine_free()). Never fails. `id` must be unique in the machine. */
struct device *device_new(struct machine *machine, const struct device_class *cls, const char *id);
bool device_start(struct device *dev, GError **error);

/* Setting a property that the class does not have, or out of its range, is a GError sentence. */
bool device_set_uint(struct device *dev, const char *property, uint64_t value, GError **error);
bool device_set_string(struct device *dev, const char *property, const char *value, GError **error);

/* Zeroed memory that lives as long as the device. */
void *device_alloc(struct device *dev, size_t size);

/* A mistake of the guest's (bad register, impossible command): written to the machine's guest log and at debug level, rate
 * limited, never fatal. */
void device_guest_error(struct device *dev, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Runs finish and frees; machine_free() does it. */
void device_free(struct device *dev);

#define DEVICE_ERROR (device_error_quark())
GQuark device_error_quark(void);
enum device_error {
    DEVICE_ERROR_PROPERTY, /* unknown, or out of range */
    DEVICE_ERROR_CONFIG,   /* properties or links that do not fit together */
    DEVICE_ERROR_HOST,
};
