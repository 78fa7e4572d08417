/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ELF loader (System V ABI, "Object Files", chapters ELF header and program header). */
#include "emulator/machines/loader.h"

#include <elf.h>
#include <string.h>

#include "emulator/core/i18n.h"
#include "emulator/engine.h"

struct reader {
    const uint8_t *data;
    size_t size;
    bool big, wide;
};

static uint64_t get(const struct reader *r, uint64_t offset, unsigned size)
{
    uint64_t value = 0;
    if (offset > r->size || r->size - offset < size)
        return 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)r->data[offset + i] << 8 * (r->big ? size - 1 - i : i);
    return value;
}

bool loader_is_elf(GBytes *file)
{
    gsize size;
    const uint8_t *data = g_bytes_get_data(file, &size);
    return size >= EI_NIDENT && !memcmp(data, ELFMAG, SELFMAG);
}

static bool bad(GError **error, const char *what, const char *why)
{
    g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_FILE, _("%s can’t be loaded: %s."), what, why);
    return false;
}

bool loader_elf(struct bus *bus, GBytes *file, unsigned machine, uint64_t bias, uint64_t base, uint64_t limit,
                const char *what, struct loaded_image *loaded, GError **error)
{
    struct reader r = {0};
    r.data = g_bytes_get_data(file, &r.size);
    if (!loader_is_elf(file) || r.size < sizeof(Elf32_Ehdr))
        return bad(error, what, _("it is not an ELF program"));
    r.big = r.data[EI_DATA] == ELFDATA2MSB;
    r.wide = r.data[EI_CLASS] == ELFCLASS64;
    if (get(&r, offsetof(Elf32_Ehdr, e_machine), 2) != machine)
        return bad(error, what, _("it is a program for another processor"));
    uint64_t table =
        r.wide ? get(&r, offsetof(Elf64_Ehdr, e_phoff), 8) : get(&r, offsetof(Elf32_Ehdr, e_phoff), 4);
    uint64_t count =
        r.wide ? get(&r, offsetof(Elf64_Ehdr, e_phnum), 2) : get(&r, offsetof(Elf32_Ehdr, e_phnum), 2);
    uint64_t entry_size = r.wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    if (!count || table > r.size || (r.size - table) / entry_size < count)
        return bad(error, what, _("its program headers are damaged"));
    *loaded = (struct loaded_image){.start = UINT64_MAX,
                                    .entry = r.wide ? get(&r, offsetof(Elf64_Ehdr, e_entry), 8)
                                                    : get(&r, offsetof(Elf32_Ehdr, e_entry), 4)};
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = table + i * entry_size, offset, address, file_size, memory_size;
        if (get(&r, at, 4) != PT_LOAD)
            continue;
        if (r.wide) {
            offset = get(&r, at + offsetof(Elf64_Phdr, p_offset), 8);
            address = get(&r, at + offsetof(Elf64_Phdr, p_vaddr), 8);
            file_size = get(&r, at + offsetof(Elf64_Phdr, p_filesz), 8);
            memory_size = get(&r, at + offsetof(Elf64_Phdr, p_memsz), 8);
        } else {
            offset = get(&r, at + offsetof(Elf32_Phdr, p_offset), 4);
            address = get(&r, at + offsetof(Elf32_Phdr, p_vaddr), 4);
            file_size = get(&r, at + offsetof(Elf32_Phdr, p_filesz), 4);
            memory_size = get(&r, at + offsetof(Elf32_Phdr, p_memsz), 4);
        }
        if (address >= bias)
            address -= bias;
        address += base;
        if (file_size > memory_size || offset > r.size || r.size - offset < file_size)
            return bad(error, what, _("one of its segments is damaged"));
        if (address > limit || limit - address < memory_size)
            return bad(error, what, _("it does not fit into the memory of this computer"));
        if (rom_write(bus, address, r.data + offset, file_size) != BUS_OK)
            return bad(error, what, _("it asks for addresses where this computer has no memory"));
        static const uint8_t zeros[4096];
        for (uint64_t done = file_size; done < memory_size; done += sizeof zeros) {
            if (rom_write(bus, address + done, zeros, MIN(sizeof zeros, memory_size - done)) != BUS_OK)
                return bad(error, what, _("it asks for addresses where this computer has no memory"));
        }
        loaded->start = MIN(loaded->start, address);
        loaded->end = MAX(loaded->end, address + memory_size);
    }
    if (!loaded->end)
        return bad(error, what, _("it has nothing to load"));
    return true;
}
