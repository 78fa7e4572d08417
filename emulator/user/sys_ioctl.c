/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ioctl: by the table in ioctls.c; here stand the few whose argument no description fits. */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <linux/fiemap.h>
#include <linux/input.h>
#include <net/if.h>
#include <string.h>
#include <sys/syscall.h>

#include "emulator/user/calls.h"
#include "emulator/user/ioctls.h"
#include "emulator/user/process.h"
#include "emulator/user/record.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

/* The fields of a number made by _IO and its kin (asm-generic/ioctl.h); SPARC, PowerPC and MIPS have three
 * bits of direction and 13 of size. */
#define HOST_DIR(number) ((number) >> 30)
#define HOST_WRITE       1u
#define HOST_READ        2u
#define THREE_NONE       1u
#define THREE_READ       2u
#define THREE_WRITE      4u
#define SIZE_SHIFT       16
#define TYPE_NR(number)  ((number)&0xffffu)

static uint32_t guest_number(const struct user_abi *abi, const struct user_ioctl *row)
{
    uint32_t dir = HOST_DIR(row->host), size;

    if (row->coding == USER_IOCTL_RAW)
        return row->host;
    size = dir ? (uint32_t)user_record_size(abi, row->sized ? row->sized : row->format) : 0;
    if (!abi->ioctl_three_bits)
        return dir << 30 | size << SIZE_SHIFT | TYPE_NR(row->host);
    dir = !dir ? THREE_NONE : (dir & HOST_READ ? THREE_READ : 0) | (dir & HOST_WRITE ? THREE_WRITE : 0);
    return dir << 29 | size << SIZE_SHIFT | TYPE_NR(row->host);
}

static GHashTable *make_map(const struct user_abi *abi)
{
    GHashTable *map = g_hash_table_new(NULL, NULL);

    for (const struct user_ioctl *row = user_ioctls; row->name; row++) {
        uint32_t number = guest_number(abi, row);

        for (unsigned i = 0; i < abi->n_ioctls; i++) {
            if (abi->ioctls[i].host == row->host)
                number = abi->ioctls[i].guest;
        }
        g_hash_table_insert(map, GUINT_TO_POINTER(number), (void *)row);
    }
    return map;
}

const struct user_ioctl *user_ioctl_find(struct user_process *process, uint32_t guest)
{
    const struct user_ioctl *row;

    g_mutex_lock(&process->lock);
    if (!process->ioctls)
        process->ioctls = make_map(process->abi);
    row = g_hash_table_lookup(process->ioctls, GUINT_TO_POINTER(guest));
    g_mutex_unlock(&process->lock);
    return row;
}

/* ------------------------------------------------------------------------------------------- terminals */

/* The kernel's struct termios: four words of flags, the line discipline, control characters. */
static void pack_termios(const struct user_abi *abi, uint8_t *packed, const struct termios *host)
{
    const struct user_termios *layout = abi->termios;

    user_store(packed, 4, host->c_iflag, abi->big_endian);
    user_store(packed + 4, 4, host->c_oflag, abi->big_endian);
    user_store(packed + 8, 4, user_bits_to_guest(layout ? layout->cflag : NULL, host->c_cflag),
               abi->big_endian);
    user_store(packed + 12, 4, user_bits_to_guest(layout ? layout->lflag : NULL, host->c_lflag),
               abi->big_endian);
    packed[16] = host->c_line;
    if (!layout) {
        memcpy(packed + 17, host->c_cc, sizeof(host->c_cc));
        return;
    }
    for (unsigned i = 0; i < layout->n_cc; i++)
        packed[17 + i] = layout->cc[i] >= 0 ? host->c_cc[layout->cc[i]] : 0;
    if (layout->min_is_eof && !(host->c_lflag & ICANON)) {
        packed[17 + 4] = host->c_cc[VMIN];
        packed[17 + 5] = host->c_cc[VTIME];
    }
}

static void unpack_termios(const struct user_abi *abi, struct termios *host, const uint8_t *packed)
{
    const struct user_termios *layout = abi->termios;

    memset(host, 0, sizeof(*host));
    host->c_iflag = (tcflag_t)user_load(packed, 4, abi->big_endian);
    host->c_oflag = (tcflag_t)user_load(packed + 4, 4, abi->big_endian);
    host->c_cflag =
        user_bits_to_host(layout ? layout->cflag : NULL, (uint32_t)user_load(packed + 8, 4, abi->big_endian));
    host->c_lflag = user_bits_to_host(layout ? layout->lflag : NULL,
                                      (uint32_t)user_load(packed + 12, 4, abi->big_endian));
    host->c_line = packed[16];
    if (!layout) {
        memcpy(host->c_cc, packed + 17, sizeof(host->c_cc));
        return;
    }
    host->c_cc[VMIN] = 1;
    for (unsigned i = 0; i < layout->n_cc; i++) {
        if (layout->cc[i] >= 0)
            host->c_cc[layout->cc[i]] = packed[17 + i];
    }
    if (layout->min_is_eof && !(host->c_lflag & ICANON)) {
        host->c_cc[VMIN] = packed[17 + 4];
        host->c_cc[VTIME] = packed[17 + 5];
    }
}

/* 17 bytes and the control characters, which are 19 everywhere in termios2; generic and SPARC's sizes. */
enum { TERMIOS_SIZE = 36, TERMIOS2_SIZE = 44 };

int64_t user_ioctl_termios(struct user_thread *t, const struct user_ioctl *row, int fd, uint64_t argument)
{
    struct termios settings;
    uint8_t packed[TERMIOS2_SIZE] = {0};
    int64_t result;

    if (row->kind == USER_IOCTL_WRITE) {
        if (!user_mem_read(MEM(t), argument, packed, TERMIOS_SIZE))
            return -EFAULT;
        unpack_termios(ABI(t), &settings, packed);
        return USER_HOST(t, SYS_ioctl, fd, row->host, &settings, 0, 0, 0);
    }
    result = USER_HOST(t, SYS_ioctl, fd, row->host, &settings, 0, 0, 0);
    if (result < 0)
        return result;
    pack_termios(ABI(t), packed, &settings);
    return user_mem_write(MEM(t), argument, packed, TERMIOS_SIZE) ? 0 : -EFAULT;
}

/* struct termio, System V's: the lower halves of the flags and eight control characters of struct termios. What
 * it does not name stays (the kernel's user_termio_to_kernel_termios). */
enum { TERMIO_SIZE = 18, TERMIO_CHARACTERS = 8 };

int64_t user_ioctl_termio(struct user_thread *t, const struct user_ioctl *row, int fd, uint64_t argument)
{
    static const struct {
        unsigned long termio, termios;
    } calls[] = {{TCSETA, TCSETS}, {TCSETAW, TCSETSW}, {TCSETAF, TCSETSF}};
    bool big = ABI(t)->big_endian;
    uint8_t packed[TERMIOS2_SIZE] = {0}, small[TERMIO_SIZE] = {0};
    struct termios settings;
    int64_t result;

    result = USER_HOST(t, SYS_ioctl, fd, TCGETS, &settings, 0, 0, 0);
    if (result < 0)
        return result;
    pack_termios(ABI(t), packed, &settings);
    if (row->kind != USER_IOCTL_WRITE) {
        for (unsigned i = 0; i < 4; i++)
            user_store(small + 2 * i, 2, user_load(packed + 4 * i, 4, big) & 0xffff, big);
        memcpy(small + 8, packed + 16, 1 + TERMIO_CHARACTERS);
        return user_mem_write(MEM(t), argument, small, TERMIO_SIZE) ? 0 : -EFAULT;
    }
    if (!user_mem_read(MEM(t), argument, small, TERMIO_SIZE))
        return -EFAULT;
    for (unsigned i = 0; i < 4; i++)
        user_store(packed + 4 * i, 4,
                   (user_load(packed + 4 * i, 4, big) & 0xffff0000) | user_load(small + 2 * i, 2, big), big);
    memcpy(packed + 16, small + 8, 1 + TERMIO_CHARACTERS);
    unpack_termios(ABI(t), &settings, packed);
    for (gsize i = 0; i < G_N_ELEMENTS(calls); i++) {
        if (calls[i].termio == row->host)
            return USER_HOST(t, SYS_ioctl, fd, calls[i].termios, &settings, 0, 0, 0);
    }
    return -ENOTTY;
}

int64_t user_ioctl_termios2(struct user_thread *t, const struct user_ioctl *row, int fd, uint64_t argument)
{
    bool big = ABI(t)->big_endian;
    struct termios2 settings;
    struct termios head;
    uint8_t packed[TERMIOS2_SIZE] = {0};
    int64_t result;

    _Static_assert(sizeof(head) == TERMIOS_SIZE && sizeof(settings) == TERMIOS2_SIZE &&
                       sizeof(head.c_cc) == sizeof(settings.c_cc),
                   "termios2 is termios and two speeds");
    if (row->kind == USER_IOCTL_WRITE) {
        if (!user_mem_read(MEM(t), argument, packed, sizeof(packed)))
            return -EFAULT;
        unpack_termios(ABI(t), &head, packed);
        memcpy(&settings, &head, sizeof(head));
        settings.c_ispeed = (speed_t)user_load(packed + 36, 4, big);
        settings.c_ospeed = (speed_t)user_load(packed + 40, 4, big);
        return USER_HOST(t, SYS_ioctl, fd, row->host, &settings, 0, 0, 0);
    }
    result = USER_HOST(t, SYS_ioctl, fd, row->host, &settings, 0, 0, 0);
    if (result < 0)
        return result;
    memcpy(&head, &settings, sizeof(head));
    pack_termios(ABI(t), packed, &head);
    user_store(packed + 36, 4, settings.c_ispeed, big);
    user_store(packed + 40, 4, settings.c_ospeed, big);
    return user_mem_write(MEM(t), argument, packed, sizeof(packed)) ? 0 : -EFAULT;
}

int64_t user_ioctl_open_flags(struct user_thread *t, const struct user_ioctl *row, int fd, uint64_t argument)
{
    return USER_HOST(t, SYS_ioctl, fd, row->host, user_bits_to_host(ABI(t)->open_flags, (uint32_t)argument),
                     0, 0, 0);
}

/* ----------------------------------------------------------------------------- structures with lists */

#define IFCONF_MOST 1024

/* struct ifconf: bytes of room, address of struct ifreq[]; NULL asks for the room that is needed. */
int64_t user_ioctl_ifconf(struct user_thread *t, const struct user_ioctl *row, int fd, uint64_t argument)
{
    const struct user_abi *abi = ABI(t);
    unsigned word = abi->word, guest_size = word == 4 ? 32 : sizeof(struct ifreq);
    struct ifconf list = {0};
    g_autofree struct ifreq *entries = NULL;
    uint64_t room, to;
    unsigned count;
    int64_t result;

    if (!user_mem_get(MEM(t), argument, 4, &room) || !user_mem_get(MEM(t), argument + word, word, &to))
        return -EFAULT;
    count = to ? (unsigned)MIN(room / guest_size, IFCONF_MOST) : 0;
    entries = g_new0(struct ifreq, count + 1);
    list.ifc_len = (int)(count * sizeof(*entries));
    list.ifc_req = to ? entries : NULL;
    result = USER_HOST(t, SYS_ioctl, fd, row->host, &list, 0, 0, 0);
    if (result < 0)
        return result;
    count = (unsigned)list.ifc_len / sizeof(*entries);
    for (unsigned i = 0; to && i < count; i++) {
        if (!user_record_write(t, to + (uint64_t)i * guest_size, "16ch14c", &entries[i]))
            return -EFAULT;
    }
    return user_mem_put(MEM(t), argument, 4, (uint64_t)count * guest_size) ? result : -EFAULT;
}

#define EXTENTS_MOST  4096
#define EXTENT_FORMAT "5q4i"

int64_t user_ioctl_fiemap(struct user_thread *t, const struct user_ioctl *row, int fd, uint64_t argument)
{
    struct fiemap head;
    g_autofree struct fiemap *map = NULL;
    int64_t result;

    if (!user_record_read(t, argument, row->format, &head))
        return -EFAULT;
    head.fm_extent_count = MIN(head.fm_extent_count, EXTENTS_MOST);
    map = g_malloc0(sizeof(head) + head.fm_extent_count * sizeof(struct fiemap_extent));
    *map = head;
    result = USER_HOST(t, SYS_ioctl, fd, row->host, map, 0, 0, 0);
    if (result < 0)
        return result;
    if (!user_record_write(t, argument, row->format, map))
        return -EFAULT;
    for (unsigned i = 0; i < MIN(map->fm_mapped_extents, head.fm_extent_count); i++) {
        if (!user_record_write(t, argument + sizeof(head) + (uint64_t)i * sizeof(map->fm_extents[0]),
                               EXTENT_FORMAT, &map->fm_extents[i]))
            return -EFAULT;
    }
    return result;
}

/* ---------------------------------------------------------------------------- numbers with a length */

/* Input devices: names are bytes, sets of bits are words, axes six ints (linux/input.h). false: another. */
static bool input_ioctl(struct user_thread *t, int fd, uint32_t number, uint64_t argument, int64_t *result)
{
    const struct user_abi *abi = ABI(t);
    unsigned dir = abi->ioctl_three_bits ? number >> 29 : number >> 30;
    unsigned size = number >> SIZE_SHIFT & (abi->ioctl_three_bits ? 0x1fff : 0x3fff), nr = number & 0xff;
    bool reads = dir == (abi->ioctl_three_bits ? THREE_READ : HOST_READ);
    bool writes = dir == (abi->ioctl_three_bits ? THREE_WRITE : HOST_WRITE);
    bool bits = (nr >= 0x09 && nr <= 0x0a) || (nr >= 0x18 && nr <= 0x3f);
    g_autofree uint8_t *host = NULL;
    uint32_t host_number;

    if ((number >> 8 & 0xff) != 'E' || (!reads && !writes))
        return false;
    if (nr >= 0x40 && nr < 0x80 ? !reads || size != sizeof(struct input_absinfo)
        : nr >= 0xc0            ? !writes
                                : !reads)
        return false;
    host_number = (reads ? HOST_READ : HOST_WRITE) << 30 | size << SIZE_SHIFT | TYPE_NR(number);
    if (nr >= 0x40) {
        struct input_absinfo axis;

        if (size != sizeof(axis))
            return false;
        if (writes && !user_record_read(t, argument, "6i", &axis)) {
            *result = -EFAULT;
            return true;
        }
        *result = USER_HOST(t, SYS_ioctl, fd, host_number, &axis, 0, 0, 0);
        if (reads && *result >= 0 && !user_record_write(t, argument, "6i", &axis))
            *result = -EFAULT;
        return true;
    }
    if (!bits && (nr < 0x06 || nr > 0x08))
        return false;
    host = g_malloc0(size + 8);
    *result = USER_HOST(t, SYS_ioctl, fd, host_number, host, 0, 0, 0);
    if (*result < 0)
        return true;
    /* A set is an array of longs: its bytes stand in the guest's order within each. */
    if (bits && abi->big_endian) {
        for (unsigned at = 0; at + abi->word <= size; at += abi->word) {
            uint64_t value = user_load(host + at, abi->word, false);

            user_store(host + at, abi->word, value, true);
        }
    }
    if (!user_mem_write(MEM(t), argument, host, MIN((uint64_t)*result, size)))
        *result = -EFAULT;
    return true;
}

static void unknown(struct user_process *process, uint32_t number)
{
    bool first;

    g_mutex_lock(&process->lock);
    /* Beyond the numbers of calls. */
    first = g_hash_table_add(process->unknown, GSIZE_TO_POINTER((gsize)1 << 32 | number));
    g_mutex_unlock(&process->lock);
    if (first)
        g_message("%s: the program asked for ioctl %#x, which is not there.", process->exe, number);
}

int64_t user_sys_ioctl(struct user_thread *t, const uint64_t *a)
{
    const struct user_ioctl *row = user_ioctl_find(t->process, (uint32_t)a[1]);
    int fd = (int)a[0];
    uint64_t host[USER_RECORD_MOST / 8] = {0};
    int64_t result;

    if (!row) {
        if (input_ioctl(t, fd, (uint32_t)a[1], a[2], &result))
            return result;
        unknown(t->process, (uint32_t)a[1]);
        return -ENOTTY;
    }
    if (row->run)
        return row->run(t, row, fd, a[2]);
    if (row->kind == USER_IOCTL_PLAIN)
        return USER_HOST(t, SYS_ioctl, fd, row->host, a[2], 0, 0, 0);
    if (row->kind != USER_IOCTL_READ && !user_record_read(t, a[2], row->format, host))
        return -EFAULT;
    result = USER_HOST(t, SYS_ioctl, fd, row->host, host, 0, 0, 0);
    if (result >= 0 && row->kind != USER_IOCTL_WRITE && !user_record_write(t, a[2], row->format, host))
        return -EFAULT;
    return result;
}
