/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Structures described by strings. See record.h. */
#include "emulator/user/record.h"

#include <string.h>

#include "emulator/user/process.h"

/* The next letter of a description with its count, or 0 at the end. */
static char next_field(const char **format, unsigned *count)
{
    *count = g_ascii_isdigit(**format) ? 0 : 1;
    while (g_ascii_isdigit(**format))
        *count = *count * 10 + (unsigned)(*(*format)++ - '0');
    return **format ? *(*format)++ : 0;
}

static unsigned field_size(const struct user_abi *abi, char letter)
{
    switch (letter) {
    case 'c': return 1;
    case 'h': return 2;
    case 'i': return 4;
    case 'q': return 8;
    case 'l':
    case 'L': return abi ? abi->word : sizeof(long);
    default: g_assert_not_reached();
    }
}

static size_t align_to(size_t at, unsigned size)
{
    return (at + size - 1) & ~(size_t)(size - 1);
}

size_t user_record_size(const struct user_abi *abi, const char *format)
{
    size_t at = 0;
    unsigned count, widest = 1;
    char letter;

    while ((letter = next_field(&format, &count))) {
        unsigned size = field_size(abi, letter);

        at = align_to(at, size) + (size_t)size * count;
        widest = MAX(widest, size);
    }
    return align_to(at, widest);
}

static void convert(const struct user_abi *abi, const char *format, uint8_t *host, uint8_t *guest,
                    bool to_host)
{
    size_t h = 0, g = 0;
    unsigned count;
    char letter;

    while ((letter = next_field(&format, &count))) {
        unsigned host_size = field_size(NULL, letter), guest_size = field_size(abi, letter);

        h = align_to(h, host_size);
        g = align_to(g, guest_size);
        for (; count > 0; count--, h += host_size, g += guest_size) {
            if (to_host) {
                uint64_t value = user_load(guest + g, guest_size, abi->big_endian);

                if (letter == 'l' && guest_size == 4)
                    value = (uint64_t)(int64_t)(int32_t)value;
                user_store(host + h, host_size, value, G_BYTE_ORDER == G_BIG_ENDIAN);
            } else {
                user_store(guest + g, guest_size,
                           user_load(host + h, host_size, G_BYTE_ORDER == G_BIG_ENDIAN), abi->big_endian);
            }
        }
    }
}

void user_record_to_host(const struct user_abi *abi, const char *format, void *host, const void *guest)
{
    convert(abi, format, host, (uint8_t *)guest, true);
}

void user_record_to_guest(const struct user_abi *abi, const char *format, void *guest, const void *host)
{
    /* Padding is zero. */
    memset(guest, 0, user_record_size(abi, format));
    convert(abi, format, (uint8_t *)host, guest, false);
}

bool user_record_read(struct user_thread *t, uint64_t from, const char *format, void *host)
{
    const struct user_abi *abi = t->process->abi;
    uint8_t guest[USER_RECORD_MOST];
    size_t size = user_record_size(abi, format);

    g_assert(size <= sizeof(guest));
    if (!user_mem_read(&t->process->mem, from, guest, size))
        return false;
    user_record_to_host(abi, format, host, guest);
    return true;
}

bool user_record_write(struct user_thread *t, uint64_t to, const char *format, const void *host)
{
    const struct user_abi *abi = t->process->abi;
    uint8_t guest[USER_RECORD_MOST];
    size_t size = user_record_size(abi, format);

    g_assert(size <= sizeof(guest));
    user_record_to_guest(abi, format, guest, host);
    return user_mem_write(&t->process->mem, to, guest, size);
}
