/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Field tables: reading and writing the members of a struct by name, always little-endian, always checked. */
#include "emulator/core/state.h"

#include <string.h>

#include "emulator/core/i18n.h"
#include "emulator/core/irq.h"

GQuark state_error_quark(void)
{
    return g_quark_from_static_string("vitrine-state-error");
}

void state_put_u32(GByteArray *out, uint32_t value)
{
    value = GUINT32_TO_LE(value);
    g_byte_array_append(out, (const uint8_t *)&value, sizeof value);
}

void state_put_u64(GByteArray *out, uint64_t value)
{
    value = GUINT64_TO_LE(value);
    g_byte_array_append(out, (const uint8_t *)&value, sizeof value);
}

void state_put_string(GByteArray *out, const char *text)
{
    state_put_u32(out, (uint32_t)strlen(text));
    g_byte_array_append(out, (const uint8_t *)text, (guint)strlen(text));
}

const uint8_t *state_get_bytes(struct state_reader *reader, size_t size)
{
    if (!reader->ok || reader->size - reader->at < size) {
        reader->ok = false;
        return NULL;
    }
    const uint8_t *bytes = reader->data + reader->at;
    reader->at += size;
    return bytes;
}

uint32_t state_get_u32(struct state_reader *reader)
{
    const uint8_t *bytes = state_get_bytes(reader, 4);
    uint32_t value = 0;
    if (bytes)
        memcpy(&value, bytes, 4);
    return GUINT32_FROM_LE(value);
}

uint64_t state_get_u64(struct state_reader *reader)
{
    const uint8_t *bytes = state_get_bytes(reader, 8);
    uint64_t value = 0;
    if (bytes)
        memcpy(&value, bytes, 8);
    return GUINT64_FROM_LE(value);
}

char *state_get_string(struct state_reader *reader)
{
    uint32_t length = state_get_u32(reader);
    const uint8_t *bytes = state_get_bytes(reader, length);
    return bytes && !memchr(bytes, 0, length) ? g_strndup((const char *)bytes, length)
                                              : (reader->ok = false, NULL);
}

static size_t element_size(const struct state_field *field)
{
    switch ((enum state_type)field->type) {
    case STATE_U16: return 2;
    case STATE_U32: return 4;
    case STATE_U64: return 8;
    case STATE_U8:
    case STATE_BUFFER:
    case STATE_BOOL:
    case STATE_IRQ: return 1;
    }
    return 1;
}

static uint32_t field_count(const struct state_field *field, const void *state)
{
    if (field->size_offset)
        return *(const uint32_t *)((const char *)state + field->size_offset);
    return field->count;
}

static void *field_data(const struct state_field *field, const void *state)
{
    char *member = (char *)(uintptr_t)state + field->offset;
    return field->type == STATE_BUFFER ? *(void **)member : member;
}

/* Copies `count` elements between host order and little-endian: the same operation in both directions. */
static void copy_le(void *to, const void *from, uint32_t count, size_t size)
{
    memcpy(to, from, count * size);
#if G_BYTE_ORDER == G_BIG_ENDIAN
    for (uint8_t *p = to; count--; p += size)
        for (size_t i = 0; i < size / 2; i++) {
            uint8_t byte = p[i];
            p[i] = p[size - 1 - i];
            p[size - 1 - i] = byte;
        }
#endif
}

void state_save_fields(const struct state_field *fields, const void *state, GByteArray *out)
{
    for (const struct state_field *field = fields; field && field->name; field++) {
        uint32_t count = field_count(field, state);
        size_t size = element_size(field);
        state_put_string(out, field->name);
        state_put_u32(out, field->type);
        state_put_u32(out, count);
        guint at = out->len;
        g_byte_array_set_size(out, at + (guint)(count * size));
        if (field->type == STATE_IRQ) {
            const struct irq_line *lines = field_data(field, state);
            for (uint32_t i = 0; i < count; i++)
                out->data[at + i] = lines[i].level;
        } else if (count) {
            copy_le(out->data + at, field_data(field, state), count, size);
        }
    }
}

bool state_load_fields(const struct state_field *fields, void *state, const char *who, unsigned version,
                       const uint8_t *data, size_t size, GError **error)
{
    struct state_reader reader = {.data = data, .size = size, .ok = true};
    unsigned known = 0;
    for (const struct state_field *field = fields; field && field->name; field++)
        known++;
    g_autofree bool *seen = g_new0(bool, known + 1);
    while (reader.at < reader.size) {
        g_autofree char *name = state_get_string(&reader);
        uint32_t type = state_get_u32(&reader), count = state_get_u32(&reader);
        const struct state_field *field = NULL;
        for (unsigned i = 0; name && i < known; i++)
            if (!strcmp(fields[i].name, name))
                field = &fields[i];
        if (!reader.ok) {
            g_set_error(error, STATE_ERROR, STATE_ERROR_FORMAT, _("The saved state of “%s” is damaged."), who);
            return false;
        }
        if (!field || field->type != type || field_count(field, state) != count || seen[field - fields]) {
            g_set_error(error, STATE_ERROR, STATE_ERROR_MISMATCH,
                        _("The saved state of “%s” does not fit this machine (its part “%s”)."), who, name);
            return false;
        }
        seen[field - fields] = true;
        size_t element = element_size(field);
        const uint8_t *bytes = state_get_bytes(&reader, (size_t)count * element);
        if (!bytes) {
            g_set_error(error, STATE_ERROR, STATE_ERROR_FORMAT, _("The saved state of “%s” is damaged."), who);
            return false;
        }
        for (uint32_t i = 0; field->type == STATE_BOOL && i < count; i++)
            if (bytes[i] > 1) {
                g_set_error(error, STATE_ERROR, STATE_ERROR_FORMAT, _("The saved state of “%s” is damaged."), who);
                return false;
            }
        if (field->type == STATE_IRQ) {
            struct irq_line *lines = field_data(field, state);
            for (uint32_t i = 0; i < count; i++)
                lines[i].level = bytes[i] != 0;
        } else if (count) {
            copy_le(field_data(field, state), bytes, count, element);
        }
    }
    for (unsigned i = 0; i < known; i++) {
        if (!seen[i] && fields[i].since <= version) {
            g_set_error(error, STATE_ERROR, STATE_ERROR_MISMATCH,
                        _("The saved state of “%s” lacks its part “%s”."), who, fields[i].name);
            return false;
        }
    }
    return true;
}

void *state_scratch_new(const struct state_field *fields, const void *state, size_t size)
{
    char *scratch = g_memdup2(state, size);
    for (const struct state_field *field = fields; field && field->name; field++)
        if (field->type == STATE_BUFFER)
            *(void **)(scratch + field->offset) =
                g_memdup2(field_data(field, state), field_count(field, state));
    return scratch;
}

void state_scratch_free(const struct state_field *fields, void *scratch)
{
    if (!scratch)
        return;
    for (const struct state_field *field = fields; field && field->name; field++)
        if (field->type == STATE_BUFFER)
            g_free(field_data(field, scratch));
    g_free(scratch);
}

void state_copy_fields(const struct state_field *fields, void *to, const void *from)
{
    for (const struct state_field *field = fields; field && field->name; field++) {
        uint32_t count = field_count(field, from);
        if (field->type == STATE_IRQ) {
            struct irq_line *a = field_data(field, to);
            const struct irq_line *b = field_data(field, from);
            for (uint32_t i = 0; i < count; i++)
                a[i].level = b[i].level;
        } else if (count) {
            memcpy(field_data(field, to), field_data(field, from), count * element_size(field));
        }
    }
}
