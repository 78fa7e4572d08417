/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Saved state. A file is a header and chunks, all little-endian:
 *
 *     "VITRINE\0" u32 format-version u32 chunk-count  then per chunk:  u32 tag-length, tag, u32 version, u64
 * size, bytes
 *
 * The last chunk is "end" and holds the CRC-32 of everything before it. A device's chunk is its field table
 * applied to its state: per field a length-prefixed name, type, count, data. Fields are found by name, so
 * that tables may grow (`since`); a field that is missing although the saved version should have it, or has
 * another shape, refuses the file. RAM blocks are zstd frames, or (since format 2) said to be elsewhere.
 * Everything is parsed into scratch copies and checked before the first byte of the machine changes: a bad
 * file loses nothing.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;

enum state_type {
    STATE_U8 = 1, /* also int8_t */
    STATE_U16,    /* also int16_t */
    STATE_U32,    /* also int32_t, enums, float */
    STATE_U64,    /* also int64_t, double */
    STATE_BUFFER, /* the member is a pointer to `count` bytes (allocated in init) */
    STATE_IRQ,    /* struct irq_line: its level */
    STATE_BOOL,   /* 0 or 1, anything else is damage */
};

/* One saved member; a table ends with a NULL name. */
struct state_field {
    const char *name;
    uint32_t offset;
    uint8_t type;
    uint16_t since; /* first class version that has it; 0 = always */
    uint32_t count; /* array length; bytes of a STATE_BUFFER */
    /* STATE_BUFFER whose size is known only at run time: offset of a uint32_t member with it (0 = use count).
     */
    uint32_t size_offset;
};

#define STATE_SCALAR_TYPE(scalar_)                                                                           \
    (__builtin_types_compatible_p(__typeof__(scalar_), bool) ? STATE_BOOL                                    \
     : sizeof(scalar_) == 1                                  ? STATE_U8                                      \
     : sizeof(scalar_) == 2                                  ? STATE_U16                                     \
     : sizeof(scalar_) == 4                                  ? STATE_U32                                     \
                                                             : STATE_U64)
#define STATE_FIELD_TYPE(type_, member_)                                                                     \
    STATE_SCALAR_TYPE(((type_ *)0)->member_)
/* A scalar member; its type follows from its size (1, 2, 4 or 8 bytes). */
#define STATE_FIELD(type_, member_)                                                                          \
    {                                                                                                        \
        .name = #member_, .offset = offsetof(type_, member_), .type = STATE_FIELD_TYPE(type_, member_),      \
        .count = 1                                                                                           \
    }
/* The same under another name: that of the member before it moved. */
#define STATE_FIELD_NAMED(type_, member_, name_)                                                             \
    {                                                                                                        \
        .name = (name_), .offset = offsetof(type_, member_), .type = STATE_FIELD_TYPE(type_, member_),      \
        .count = 1                                                                                           \
    }
/* A scalar that class versions before `version_` did not have: loading their states leaves it alone. */
#define STATE_FIELD_SINCE(type_, member_, version_)                                                          \
    {                                                                                                        \
        .name = #member_, .offset = offsetof(type_, member_), .type = STATE_FIELD_TYPE(type_, member_),      \
        .since = (version_), .count = 1                                                                      \
    }
/* An array member (of any number of dimensions; `element_` names the scalar). */
#define STATE_ARRAY_OF(type_, member_, element_)                                                             \
    {                                                                                                        \
        .name = #member_, .offset = offsetof(type_, member_),                                                \
        .type = STATE_SCALAR_TYPE(element_),                                                                 \
        .count = sizeof(((type_ *)0)->member_) / sizeof(element_)                                            \
    }
/* A one-dimensional array of scalars. */
#define STATE_ARRAY(type_, member_) STATE_ARRAY_OF(type_, member_, ((type_ *)0)->member_[0])
/* A pointer to a buffer of `bytes_` bytes. */
#define STATE_BYTES(type_, member_, bytes_)                                                                  \
    {                                                                                                        \
        .name = #member_, .offset = offsetof(type_, member_), .type = STATE_BUFFER, .count = (bytes_)        \
    }
/* A pointer to a buffer whose size stands in the uint32_t member `size_`. */
#define STATE_BYTES_SIZED(type_, member_, size_)                                                             \
    {                                                                                                        \
        .name = #member_, .offset = offsetof(type_, member_), .type = STATE_BUFFER,                          \
        .size_offset = offsetof(type_, size_)                                                                \
    }
/* An irq_line, or an array of them. */
#define STATE_IRQ_LINES(type_, member_)                                                                      \
    {                                                                                                        \
        .name = #member_, .offset = offsetof(type_, member_), .type = STATE_IRQ,                             \
        .count = sizeof(((type_ *)0)->member_) / sizeof(struct irq_line)                                     \
    }
#define STATE_END                                                                                            \
    {                                                                                                        \
        .name = NULL                                                                                         \
    }

/* Little-endian byte arrays, for chunks. */
void state_put_u32(GByteArray *out, uint32_t value);
void state_put_u64(GByteArray *out, uint64_t value);
void state_put_string(GByteArray *out, const char *text);

/* A bounds-checked reader: after an overrun every further get fails and `ok` is false. */
struct state_reader {
    const uint8_t *data;
    size_t size, at;
    bool ok;
};
uint32_t state_get_u32(struct state_reader *reader);
uint64_t state_get_u64(struct state_reader *reader);
/* NULL on overrun; free with g_free(). */
char *state_get_string(struct state_reader *reader);
const uint8_t *state_get_bytes(struct state_reader *reader, size_t size);

/* Appends the fields of `state` to `out`. */
void state_save_fields(const struct state_field *fields, const void *state, GByteArray *out);
/* Writes the fields found in data into `state`. `version` is the class version that wrote them. */
bool state_load_fields(const struct state_field *fields, void *state, const char *who, unsigned version,
                       const uint8_t *data, size_t size, GError **error);
/* A copy of the state (`size` bytes) whose STATE_BUFFERs are its own, and its release. */
void *state_scratch_new(const struct state_field *fields, const void *state, size_t size);
void state_scratch_free(const struct state_field *fields, void *scratch);
/* Copies every field from one state into another of the same table. */
void state_copy_fields(const struct state_field *fields, void *to, const void *from);

/* The whole machine; runs on the machine thread at a safe point. Fails with a sentence; a failed load changes
 * nothing, a failed save leaves no file behind (written beside `path`, synced, renamed; the disks are flushed before). */
bool machine_save(struct machine *machine, const char *path, GError **error);
bool machine_load(struct machine *machine, const char *path, GError **error);
/* The same bytes in memory, uncompressed RAM when `compress` is false (for comparing two machines). */
GByteArray *machine_save_bytes(struct machine *machine, bool compress, GError **error);
bool machine_load_bytes(struct machine *machine, const uint8_t *data, size_t size, GError **error);

/* The same without the contents of memory, which are kept elsewhere. */
GByteArray *machine_save_devices(struct machine *machine, GError **error);
/* Where they come from when such a state is loaded: fills `to` (zeroed, `size` bytes) with the block's contents. */
struct state_memory {
    bool (*load)(void *opaque, const char *block, uint8_t *to, uint64_t size, GError **error);
    bool (*ready)(void *opaque, GError **error); /* all fits, nothing has changed yet; may refuse; may be NULL */
    void *opaque;
};
/* `memory` may be NULL for a state that has all in it. */
bool machine_load_parts(struct machine *machine, const uint8_t *data, size_t size,
                        const struct state_memory *memory, GError **error);

#define STATE_ERROR (state_error_quark())
GQuark state_error_quark(void);
enum state_error {
    STATE_ERROR_FORMAT,   /* not a saved state, or damaged */
    STATE_ERROR_MISMATCH, /* of another machine or another version */
    STATE_ERROR_IO,
};
