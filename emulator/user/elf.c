/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ELF headers. Every offset is checked against the file before it is used; sums are done in ways that cannot
 * wrap. */
#include "emulator/user/elf.h"
#include "emulator/core/i18n.h"

#include <string.h>

G_DEFINE_QUARK(elf - error - quark, elf_error)

enum { PT_LOAD = 1, PT_INTERP = 3, PT_GNU_STACK = 0x6474e551 };
enum { ET_REL = 1, ET_CORE = 4 };
enum { MAX_PROGRAM_HEADERS = 1024, MAX_INTERPRETER = 4096 };

struct reader {
    const uint8_t *data;
    size_t size;
    bool is64, big_endian;
};

static bool inside(const struct reader *r, uint64_t offset, uint64_t length)
{
    return offset <= r->size && length <= r->size - offset;
}

/* The caller has checked that the bytes are there. */
static uint64_t get(const struct reader *r, uint64_t offset, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | r->data[offset + (r->big_endian ? i : bytes - 1 - i)];
    return value;
}

static bool malformed(GError **error, const char *what)
{
    g_set_error(error, ELF_ERROR, ELF_ERROR_MALFORMED, _("The ELF file is damaged: %s."), what);
    return false;
}

static bool unsuitable(GError **error, const char *what)
{
    g_set_error(error, ELF_ERROR, ELF_ERROR_UNSUITABLE, _("The ELF file cannot be run: %s."), what);
    return false;
}

static int by_address(const void *a, const void *b)
{
    const struct elf_segment *x = a, *y = b;

    return x->address < y->address ? -1 : x->address > y->address;
}

static bool add_segment(const struct reader *r, uint64_t header, struct elf_image *image, GError **error)
{
    struct elf_segment s;
    uint64_t limit = r->is64 ? UINT64_MAX : UINT32_MAX;

    if (r->is64) {
        s.flags = (uint32_t)get(r, header + 4, 4);
        s.offset = get(r, header + 8, 8);
        s.address = get(r, header + 16, 8);
        s.physical = get(r, header + 24, 8);
        s.file_size = get(r, header + 32, 8);
        s.memory_size = get(r, header + 40, 8);
    } else {
        s.offset = get(r, header + 4, 4);
        s.address = get(r, header + 8, 4);
        s.physical = get(r, header + 12, 4);
        s.file_size = get(r, header + 16, 4);
        s.memory_size = get(r, header + 20, 4);
        s.flags = (uint32_t)get(r, header + 24, 4);
    }
    if (s.memory_size == 0)
        return true;
    if (s.memory_size < s.file_size)
        return malformed(error, _("a segment is longer in the file than in memory"));
    if (!inside(r, s.offset, s.file_size))
        return malformed(error, _("a segment lies outside of the file"));
    if (s.memory_size - 1 > limit - s.address || s.address + (s.memory_size - 1) == UINT64_MAX)
        return malformed(error, _("a segment does not fit into the address space"));
    image->segments[image->n_segments++] = s;
    return true;
}

static bool read_interpreter(const struct reader *r, uint64_t header, struct elf_image *image, GError **error)
{
    uint64_t offset = get(r, header + (r->is64 ? 8 : 4), r->is64 ? 8 : 4);
    uint64_t length = get(r, header + (r->is64 ? 32 : 16), r->is64 ? 8 : 4);

    if (image->interpreter)
        return malformed(error, _("it names two interpreters"));
    if (length < 2 || length > MAX_INTERPRETER || !inside(r, offset, length))
        return malformed(error, _("the interpreter's name lies outside of the file"));
    if (r->data[offset + length - 1] != 0)
        return malformed(error, _("the interpreter's name has no end"));
    image->interpreter = g_strndup((const char *)r->data + offset, length);
    return true;
}

static bool read_program_headers(const struct reader *r, uint64_t phoff, struct elf_image *image,
                                 GError **error)
{
    image->segments = g_new0(struct elf_segment, image->phnum);
    image->stack_executable = true;
    for (unsigned i = 0; i < image->phnum; i++) {
        uint64_t header = phoff + (uint64_t)i * image->phentsize;

        switch ((uint32_t)get(r, header, 4)) {
        case PT_LOAD:
            if (!add_segment(r, header, image, error))
                return false;
            break;
        case PT_INTERP:
            if (!read_interpreter(r, header, image, error))
                return false;
            break;
        case PT_GNU_STACK:
            image->tells_executable = true;
            image->stack_executable = get(r, header + (r->is64 ? 4 : 24), 4) & ELF_PF_X;
            break;
        default: break;
        }
    }
    if (image->n_segments == 0)
        return unsuitable(error, _("it has nothing to load"));
    qsort(image->segments, image->n_segments, sizeof(*image->segments), by_address);
    image->low = image->segments[0].address;
    for (unsigned i = 0; i < image->n_segments; i++) {
        const struct elf_segment *s = &image->segments[i];

        if (i > 0 && s->address < image->high)
            return malformed(error, _("its segments overlap"));
        image->high = s->address + s->memory_size;
        if (!image->program_headers && phoff >= s->offset && phoff - s->offset < s->file_size &&
            (uint64_t)image->phnum * image->phentsize <= s->file_size - (phoff - s->offset))
            image->program_headers = s->address + (phoff - s->offset);
    }
    return true;
}

bool elf_parse(const uint8_t *data, size_t size, struct elf_image *image, GError **error)
{
    struct reader r = {data, size, false, false};
    uint64_t phoff;
    bool sound;

    memset(image, 0, sizeof(*image));
    if (size < 16 || memcmp(data, "\177ELF", 4) != 0) {
        g_set_error(error, ELF_ERROR, ELF_ERROR_NOT_ELF, _("This is not an ELF program."));
        return false;
    }
    if ((data[4] != 1 && data[4] != 2) || (data[5] != 1 && data[5] != 2) || data[6] != 1)
        return malformed(error, _("its class, byte order or version is unknown"));
    image->is64 = r.is64 = data[4] == 2;
    image->big_endian = r.big_endian = data[5] == 2;
    if (size < (r.is64 ? 64u : 52u))
        return malformed(error, _("it ends within its header"));

    image->type = (uint16_t)get(&r, 16, 2);
    image->machine = (uint16_t)get(&r, 18, 2);
    image->entry = get(&r, 24, r.is64 ? 8 : 4);
    phoff = get(&r, r.is64 ? 32 : 28, r.is64 ? 8 : 4);
    image->flags = (uint32_t)get(&r, r.is64 ? 48 : 36, 4);
    image->phentsize = (uint16_t)get(&r, r.is64 ? 54 : 42, 2);
    image->phnum = (uint16_t)get(&r, r.is64 ? 56 : 44, 2);

    if (image->type == ET_REL)
        return unsuitable(error, _("it is an object file that has not been linked"));
    if (image->type == ET_CORE)
        return unsuitable(error, _("it is a core dump"));
    if (image->type != ELF_EXEC && image->type != ELF_DYN)
        return unsuitable(error, _("it is neither a program nor a shared object"));
    if (image->phnum == 0)
        return unsuitable(error, _("it has no program headers"));
    if (image->phentsize != (r.is64 ? 56 : 32))
        return malformed(error, _("its program headers have a wrong size"));
    if (image->phnum > MAX_PROGRAM_HEADERS)
        return malformed(error, _("it has too many program headers"));
    if (!inside(&r, phoff, (uint64_t)image->phnum * image->phentsize))
        return malformed(error, _("its program headers lie outside of the file"));

    sound = read_program_headers(&r, phoff, image, error);
    if (!sound)
        elf_image_finish(image);
    return sound;
}

void elf_image_finish(struct elf_image *image)
{
    g_clear_pointer(&image->segments, g_free);
    g_clear_pointer(&image->interpreter, g_free);
    image->n_segments = 0;
}
