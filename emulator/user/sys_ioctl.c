/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ioctl: by the table of the guest's kernel interface; terminal settings by their own tables. */
#include <asm/termbits.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "emulator/user/calls.h"
#include "emulator/user/process.h"

#define MEM(t) (&(t)->process->mem)
#define ABI(t) ((t)->process->abi)

/* The kernel's struct termios: four words of flags, the line discipline, control characters. */
static bool write_termios(struct user_thread *t, uint64_t to, const struct termios *host)
{
    const struct user_abi *abi = ABI(t);
    const struct user_termios *layout = abi->termios;
    uint8_t packed[64] = {0};

    user_store(packed, 4, host->c_iflag, abi->big_endian);
    user_store(packed + 4, 4, host->c_oflag, abi->big_endian);
    user_store(packed + 8, 4, user_bits_to_guest(layout->cflag, host->c_cflag), abi->big_endian);
    user_store(packed + 12, 4, user_bits_to_guest(layout->lflag, host->c_lflag), abi->big_endian);
    packed[16] = host->c_line;
    for (unsigned i = 0; i < layout->n_cc; i++)
        packed[17 + i] = layout->cc[i] >= 0 ? host->c_cc[layout->cc[i]] : 0;
    if (layout->min_is_eof && !(host->c_lflag & ICANON)) {
        packed[17 + 4] = host->c_cc[VMIN];
        packed[17 + 5] = host->c_cc[VTIME];
    }
    return user_mem_write(MEM(t), to, packed, layout->size);
}

static bool read_termios(struct user_thread *t, uint64_t from, struct termios *host)
{
    const struct user_abi *abi = ABI(t);
    const struct user_termios *layout = abi->termios;
    uint8_t packed[64];

    if (!user_mem_read(MEM(t), from, packed, layout->size))
        return false;
    memset(host, 0, sizeof(*host));
    host->c_iflag = (tcflag_t)user_load(packed, 4, abi->big_endian);
    host->c_oflag = (tcflag_t)user_load(packed + 4, 4, abi->big_endian);
    host->c_cflag = user_bits_to_host(layout->cflag, (uint32_t)user_load(packed + 8, 4, abi->big_endian));
    host->c_lflag = user_bits_to_host(layout->lflag, (uint32_t)user_load(packed + 12, 4, abi->big_endian));
    host->c_line = packed[16];
    host->c_cc[VMIN] = 1;
    for (unsigned i = 0; i < layout->n_cc; i++) {
        if (layout->cc[i] >= 0)
            host->c_cc[layout->cc[i]] = packed[17 + i];
    }
    if (layout->min_is_eof && !(host->c_lflag & ICANON)) {
        host->c_cc[VMIN] = packed[17 + 4];
        host->c_cc[VTIME] = packed[17 + 5];
    }
    return true;
}

static void swap_units(const struct user_abi *abi, const struct user_ioctl *row, uint8_t *to,
                       const uint8_t *from, bool to_guest)
{
    for (unsigned at = 0; at < row->size; at += row->unit) {
        if (to_guest)
            user_store(to + at, row->unit, user_load(from + at, row->unit, G_BYTE_ORDER == G_BIG_ENDIAN),
                       abi->big_endian);
        else
            user_store(to + at, row->unit, user_load(from + at, row->unit, abi->big_endian),
                       G_BYTE_ORDER == G_BIG_ENDIAN);
    }
}

int64_t user_sys_ioctl(struct user_thread *t, const uint64_t *a)
{
    const struct user_abi *abi = ABI(t);
    const struct user_ioctl *row = NULL;
    uint8_t host[64], guest[64];
    struct termios settings;
    int64_t result;

    for (unsigned i = 0; i < abi->n_ioctls && !row; i++) {
        if (abi->ioctls[i].guest == (uint32_t)a[1])
            row = &abi->ioctls[i];
    }
    if (!row)
        return -ENOTTY;
    switch ((enum user_ioctl_kind)row->kind) {
    case USER_IOCTL_PLAIN: return USER_HOST(t, SYS_ioctl, a[0], row->host, a[2], 0, 0, 0);
    case USER_IOCTL_READ:
        memset(host, 0, sizeof(host));
        result = USER_HOST(t, SYS_ioctl, a[0], row->host, host, 0, 0, 0);
        if (result < 0)
            return result;
        swap_units(abi, row, guest, host, true);
        return user_mem_write(MEM(t), a[2], guest, row->size) ? result : -EFAULT;
    case USER_IOCTL_WRITE:
        if (!user_mem_read(MEM(t), a[2], guest, row->size))
            return -EFAULT;
        swap_units(abi, row, host, guest, false);
        return USER_HOST(t, SYS_ioctl, a[0], row->host, host, 0, 0, 0);
    case USER_IOCTL_TERMIOS_READ:
        result = USER_HOST(t, SYS_ioctl, a[0], row->host, &settings, 0, 0, 0);
        if (result < 0)
            return result;
        return write_termios(t, a[2], &settings) ? 0 : -EFAULT;
    case USER_IOCTL_TERMIOS_WRITE:
        if (!read_termios(t, a[2], &settings))
            return -EFAULT;
        return USER_HOST(t, SYS_ioctl, a[0], row->host, &settings, 0, 0, 0);
    }
    return -ENOTTY;
}
