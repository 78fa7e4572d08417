/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entries for binfmt_misc. See binfmt.h. */
#include "emulator/user/binfmt.h"

#include <elf.h>
#include <string.h>

#include "emulator/user/process.h"

static const struct {
    uint16_t machine;
    const char *little, *big;
} names[] = {
    {ELF_ARM, "arm", "armeb"}, {ELF_SPARC, NULL, "sparc"}, {ELF_SPARC32PLUS, NULL, "sparc32plus"},
    {ELF_386, "i386", NULL},   {ELF_PPC, "ppcle", "ppc"},
};

static const char *name_of(uint16_t machine, bool big_endian)
{
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (names[i].machine == machine)
            return big_endian ? names[i].big : names[i].little;
    }
    return NULL;
}

/* Linux's and System V's files of any ABI version, executables (2) and position-independent ones (3). */
static void fill(struct user_binfmt *kind, const struct user_arch *arch, uint16_t machine)
{
    bool big = arch->abi->big_endian;

    memset(kind->mask, 0xff, sizeof(kind->mask));
    memcpy(kind->magic, ELFMAG, SELFMAG);
    kind->magic[EI_CLASS] = arch->is64 ? ELFCLASS64 : ELFCLASS32;
    kind->magic[EI_DATA] = big ? ELFDATA2MSB : ELFDATA2LSB;
    kind->magic[EI_VERSION] = EV_CURRENT;
    memset(kind->mask + EI_OSABI, 0, EI_NIDENT - EI_OSABI);
    user_store(kind->magic + EI_NIDENT, 2, ET_EXEC, big);
    user_store(kind->mask + EI_NIDENT, 2, 0xfffe, big);
    user_store(kind->magic + EI_NIDENT + 2, 2, machine, big);
}

static void free_kind(gpointer data)
{
    struct user_binfmt *kind = data;

    g_free(kind->name);
    g_free(kind);
}

GPtrArray *user_binfmt_list(void)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(free_kind);

    for (const struct user_arch *const *arch = user_archs; *arch; arch++) {
        for (const uint16_t *machine = (*arch)->machines; *machine; machine++) {
            const char *name = name_of(*machine, (*arch)->abi->big_endian);
            struct user_binfmt *kind;

            if (!name)
                continue;
            kind = g_new0(struct user_binfmt, 1);
            kind->name = g_strconcat("vitrine-", name, NULL);
            fill(kind, *arch, *machine);
            g_ptr_array_add(list, kind);
        }
    }
    return list;
}

static void append_bytes(GString *text, const uint8_t *bytes)
{
    for (unsigned i = 0; i < USER_BINFMT_BYTES; i++)
        g_string_append_printf(text, "\\x%02x", bytes[i]);
}

char *user_binfmt_line(const struct user_binfmt *kind, const char *interpreter)
{
    GString *text = g_string_new(NULL);

    g_string_append_printf(text, ":%s:M::", kind->name);
    append_bytes(text, kind->magic);
    g_string_append_c(text, ':');
    append_bytes(text, kind->mask);
    g_string_append_printf(text, ":%s:%s", interpreter, USER_BINFMT_FLAGS);
    return g_string_free(text, FALSE);
}
