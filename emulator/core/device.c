/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Devices: making them, their properties, and the log of what guests do wrong with them. */
#include "emulator/core/device.h"

#include <inttypes.h>
#include <string.h>

#include "emulator/core/i18n.h"
#include "emulator/core/machine.h"

/* So many mistakes of the guest are logged per device; a fuzzing guest must not fill the disk. */
#define GUEST_ERROR_LIMIT 100

struct device *device_new(struct machine *machine, const struct device_class *cls, const char *id)
{
    g_assert(cls->size >= sizeof(struct device));
    g_assert(!machine_find_device(machine, id));
    struct device *dev = g_malloc0(cls->size);
    dev->cls = cls;
    dev->machine = machine;
    dev->id = g_strdup(id);
    dev->state = dev;
    dev->state_size = cls->size;
    for (const struct device_property *p = cls->properties; p && p->name; p++) {
        void *member = (char *)dev + p->offset;
        switch (p->type) {
        case PROPERTY_BOOL: *(bool *)member = p->default_value != 0; break;
        case PROPERTY_U32: *(uint32_t *)member = (uint32_t)p->default_value; break;
        case PROPERTY_U64: *(uint64_t *)member = p->default_value; break;
        case PROPERTY_STRING: *(char **)member = g_strdup(p->default_string); break;
        }
    }
    g_ptr_array_add(machine->devices, dev);
    return dev;
}

bool device_start(struct device *dev, GError **error)
{
    g_assert(!dev->started);
    dev->started = true;
    return !dev->cls->init || dev->cls->init(dev, error);
}

void device_free(struct device *dev)
{
    if (dev->started && dev->cls->finish)
        dev->cls->finish(dev);
    for (const struct device_property *p = dev->cls->properties; p && p->name; p++)
        if (p->type == PROPERTY_STRING)
            g_free(*(char **)((char *)dev + p->offset));
    if (dev->buffers)
        g_ptr_array_unref(dev->buffers);
    g_free(dev->id);
    g_free(dev);
}

static const struct device_property *find_property(struct device *dev, const char *name, GError **error)
{
    for (const struct device_property *p = dev->cls->properties; p && p->name; p++)
        if (!strcmp(p->name, name))
            return p;
    g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_PROPERTY, _("The device “%s” (%s) has no property “%s”."),
                dev->id, dev->cls->name, name);
    return NULL;
}

bool device_set_uint(struct device *dev, const char *property, uint64_t value, GError **error)
{
    const struct device_property *p = find_property(dev, property, error);
    if (!p)
        return false;
    uint64_t max = p->max                     ? p->max
                   : p->type == PROPERTY_U32  ? UINT32_MAX
                   : p->type == PROPERTY_BOOL ? 1
                                              : UINT64_MAX;
    if (p->type == PROPERTY_STRING || value < p->min || value > max) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_PROPERTY,
                    _("%" PRIu64
                    " is no value for the property “%s” of the device “%s”: it takes %" PRIu64
                    " to %" PRIu64 "."),
                    value, property, dev->id, p->min, max);
        return false;
    }
    void *member = (char *)dev + p->offset;
    if (p->type == PROPERTY_BOOL)
        *(bool *)member = value != 0;
    else if (p->type == PROPERTY_U32)
        *(uint32_t *)member = (uint32_t)value;
    else
        *(uint64_t *)member = value;
    return true;
}

bool device_set_string(struct device *dev, const char *property, const char *value, GError **error)
{
    const struct device_property *p = find_property(dev, property, error);
    if (!p)
        return false;
    if (p->type != PROPERTY_STRING) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_PROPERTY,
                    _("The property “%s” of the device “%s” takes a number."), property, dev->id);
        return false;
    }
    char **member = (char **)((char *)dev + p->offset);
    g_free(*member);
    *member = g_strdup(value);
    return true;
}

void *device_alloc(struct device *dev, size_t size)
{
    if (!dev->buffers)
        dev->buffers = g_ptr_array_new_with_free_func(g_free);
    void *memory = g_malloc0(size);
    g_ptr_array_add(dev->buffers, memory);
    return memory;
}

void device_guest_error(struct device *dev, const char *format, ...)
{
    if (dev->guest_errors >= GUEST_ERROR_LIMIT)
        return;
    dev->guest_errors++;
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    const char *end = dev->guest_errors == GUEST_ERROR_LIMIT ? " (no more of this device will be logged)" : "";
    g_debug("guest: %s: %s%s", dev->id, text, end);
    FILE *log = dev->machine->guest_log;
    if (log) {
        fprintf(log, "guest: %s: %s%s\n", dev->id, text, end);
        fflush(log);
    }
}

GQuark device_error_quark(void)
{
    return g_quark_from_static_string("vitrine-device-error");
}
