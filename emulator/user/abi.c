/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Conversions between the guest's and the host's constants and structures. See abi.h. */
#include "emulator/user/abi.h"

#include <errno.h>
#include <string.h>

#include "emulator/user/mem.h"

uint32_t user_bits_to_host(const struct user_bits *list, uint32_t guest)
{
    uint32_t host = 0;

    if (!list)
        return guest;
    for (; list->guest_mask; list++) {
        if ((guest & list->guest_mask) == list->guest)
            host |= list->host;
    }
    return host;
}

uint32_t user_bits_to_guest(const struct user_bits *list, uint32_t host)
{
    uint32_t guest = 0;

    if (!list)
        return host;
    for (; list->guest_mask; list++) {
        if ((host & list->host_mask) == list->host)
            guest |= list->guest;
    }
    return guest;
}

int32_t user_pair_to_host(const struct user_pair *list, int32_t guest, int32_t unknown)
{
    if (!list)
        return guest;
    for (; list->guest != -1 || list->host != -1; list++) {
        if (list->guest == guest)
            return list->host;
    }
    return unknown;
}

int32_t user_pair_to_guest(const struct user_pair *list, int32_t host, int32_t unknown)
{
    if (!list)
        return host;
    for (; list->guest != -1 || list->host != -1; list++) {
        if (list->host == host)
            return list->guest;
    }
    return unknown;
}

int user_errno_to_guest(const struct user_abi *abi, int host)
{
    if (!abi->errnos)
        return host;
    if ((unsigned)host < abi->n_errnos && abi->errnos[host])
        return abi->errnos[host];
    return abi->errnos[EINVAL];
}

int user_signal_to_host(const struct user_abi *abi, uint64_t guest)
{
    return guest < 1 || guest > 64 ? 0 : abi->signal_to_host ? abi->signal_to_host[guest] : (int)guest;
}

int user_signal_to_guest(const struct user_abi *abi, int host)
{
    return host < 1 || host > 64 ? 0 : abi->signal_to_guest ? abi->signal_to_guest[host] : host;
}

uint64_t user_sigset_to_host(const struct user_abi *abi, uint64_t guest)
{
    uint64_t host = 0;

    if (!abi->signal_to_host)
        return guest;
    for (int n = 1; n <= 64; n++) {
        if (guest >> (n - 1) & 1 && abi->signal_to_host[n])
            host |= (uint64_t)1 << (abi->signal_to_host[n] - 1);
    }
    return host;
}

uint64_t user_sigset_to_guest(const struct user_abi *abi, uint64_t host)
{
    uint64_t guest = 0;

    if (!abi->signal_to_guest)
        return host;
    for (int n = 1; n <= 64; n++) {
        if (host >> (n - 1) & 1 && abi->signal_to_guest[n])
            guest |= (uint64_t)1 << (abi->signal_to_guest[n] - 1);
    }
    return guest;
}

void user_put_field(const struct user_abi *abi, void *to, struct user_field field, uint64_t value)
{
    if (field.size)
        user_store((uint8_t *)to + field.offset, field.size, value, abi->big_endian);
}

uint64_t user_get_field(const struct user_abi *abi, const void *from, struct user_field field)
{
    return field.size ? user_load((const uint8_t *)from + field.offset, field.size, abi->big_endian) : 0;
}

void user_pack_stat(const struct user_abi *abi, const struct user_stat_layout *l, void *to,
                    const struct stat *from)
{
    memset(to, 0, l->size);
    user_put_field(abi, to, l->dev, from->st_dev);
    user_put_field(abi, to, l->ino, from->st_ino);
    user_put_field(abi, to, l->short_ino, from->st_ino);
    user_put_field(abi, to, l->mode, from->st_mode);
    user_put_field(abi, to, l->nlink, from->st_nlink);
    user_put_field(abi, to, l->uid, from->st_uid);
    user_put_field(abi, to, l->gid, from->st_gid);
    user_put_field(abi, to, l->rdev, from->st_rdev);
    user_put_field(abi, to, l->file_size, (uint64_t)from->st_size);
    user_put_field(abi, to, l->blksize, (uint64_t)from->st_blksize);
    user_put_field(abi, to, l->blocks, (uint64_t)from->st_blocks);
    user_put_field(abi, to, l->atime, (uint64_t)from->st_atim.tv_sec);
    user_put_field(abi, to, l->atime_nsec, (uint64_t)from->st_atim.tv_nsec);
    user_put_field(abi, to, l->mtime, (uint64_t)from->st_mtim.tv_sec);
    user_put_field(abi, to, l->mtime_nsec, (uint64_t)from->st_mtim.tv_nsec);
    user_put_field(abi, to, l->ctime, (uint64_t)from->st_ctim.tv_sec);
    user_put_field(abi, to, l->ctime_nsec, (uint64_t)from->st_ctim.tv_nsec);
}
