/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Host I/O packets. See gdb_files.h. */
#include "emulator/core/gdb_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emulator/core/gdb_private.h"

#define READ_MOST 8000

/* The protocol's own error numbers (E.7.6). */
static int protocol_errno(int number)
{
    switch (number) {
    case EPERM:
    case ENOENT:
    case EINTR:
    case EBADF:
    case EACCES:
    case EFAULT:
    case EBUSY:
    case EEXIST:
    case ENODEV:
    case ENOTDIR:
    case EISDIR:
    case EINVAL:
    case ENFILE:
    case EMFILE:
    case EFBIG:
    case ENOSPC:
    case ESPIPE:
    case EROFS: return number;
    case ENAMETOOLONG: return 91;
    default: return 9999;
    }
}

static void put_failure(struct gdb_server *s, int number)
{
    g_autofree char *text = g_strdup_printf("F-1,%x", (unsigned)protocol_errno(number));

    gdb_put_text(s, text);
}

static void put_data(struct gdb_server *s, const void *bytes, size_t size)
{
    g_autoptr(GByteArray) answer = g_byte_array_new();
    g_autofree char *head = g_strdup_printf("F%zx;", size);

    g_byte_array_append(answer, (const uint8_t *)head, (guint)strlen(head));
    gdb_append_escaped(answer, bytes, size);
    gdb_put_packet(s, answer->data, answer->len);
}

/* A file name in hexadecimal digits, as the host names it. */
static char *parse_name(struct gdb_server *s, const char *at)
{
    g_autoptr(GByteArray) bytes = gdb_parse_bytes(at);
    g_autofree char *name = g_strndup((const char *)bytes->data, bytes->len);

    return s->target->file(s->opaque, name);
}

static int descriptor(struct gdb_server *s, const char **at)
{
    uint64_t n = gdb_parse_hex(at);

    return n < GDB_FILES_MOST ? s->files[n] - 1 : -1;
}

static void open_file(struct gdb_server *s, const char *at)
{
    g_autofree char *name = parse_name(s, at);
    const char *flags = strchr(at, ',');
    char text[16];
    int fd, slot = 0;

    if (!flags || (flags++, gdb_parse_hex(&flags) & 3) != 0) {
        put_failure(s, EROFS);
        return;
    }
    while (slot < GDB_FILES_MOST && s->files[slot])
        slot++;
    if (slot == GDB_FILES_MOST) {
        put_failure(s, EMFILE);
        return;
    }
    fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        put_failure(s, errno);
        return;
    }
    s->files[slot] = fd + 1;
    g_snprintf(text, sizeof(text), "F%x", (unsigned)slot);
    gdb_put_text(s, text);
}

static void close_file(struct gdb_server *s, const char *at)
{
    const char *number = at;
    int fd = descriptor(s, &at);

    if (fd < 0) {
        put_failure(s, EBADF);
        return;
    }
    close(fd);
    s->files[gdb_parse_hex(&number)] = 0;
    gdb_put_text(s, "F0");
}

/* pread: FD,COUNT,OFFSET */
static void read_file(struct gdb_server *s, const char *at)
{
    int fd = descriptor(s, &at);
    uint8_t bytes[READ_MOST];
    uint64_t count = 0, offset = 0;
    ssize_t n;

    if (*at == ',') {
        at++;
        count = gdb_parse_hex(&at);
    }
    if (*at == ',') {
        at++;
        offset = gdb_parse_hex(&at);
    }
    n = fd < 0 ? (errno = EBADF, -1) : pread(fd, bytes, MIN(count, sizeof(bytes)), (off_t)offset);
    if (n < 0)
        put_failure(s, errno);
    else
        put_data(s, bytes, (size_t)n);
}

/* struct stat of the protocol (E.7.8): big-endian, 32-bit words but for size, block size and blocks. */
static void stat_file(struct gdb_server *s, const char *at)
{
    int fd = descriptor(s, &at);
    struct stat status;
    uint8_t packed[64];
    unsigned n = 0;

    if (fd < 0 || fstat(fd, &status) != 0) {
        put_failure(s, fd < 0 ? EBADF : errno);
        return;
    }
    const struct {
        uint64_t value;
        unsigned size;
    } fields[] = {
        {status.st_dev, 4},
        {status.st_ino, 4},
        {status.st_mode, 4},
        {status.st_nlink, 4},
        {status.st_uid, 4},
        {status.st_gid, 4},
        {status.st_rdev, 4},
        {(uint64_t)status.st_size, 8},
        {(uint64_t)status.st_blksize, 8},
        {(uint64_t)status.st_blocks, 8},
        {(uint64_t)status.st_atime, 4},
        {(uint64_t)status.st_mtime, 4},
        {(uint64_t)status.st_ctime, 4},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        for (unsigned b = fields[i].size; b-- > 0;)
            packed[n++] = (uint8_t)(fields[i].value >> (8 * b));
    }
    put_data(s, packed, n);
}

static void read_link(struct gdb_server *s, const char *at)
{
    g_autofree char *name = parse_name(s, at);
    char target[4096];
    ssize_t n = readlink(name, target, sizeof(target));

    if (n < 0)
        put_failure(s, errno);
    else
        put_data(s, target, (size_t)n);
}

void gdb_files_serve(struct gdb_server *s, const char *request)
{
    static const struct {
        const char *name;
        void (*run)(struct gdb_server *s, const char *at);
    } requests[] = {
        {"open:", open_file},  {"close:", close_file},   {"pread:", read_file},
        {"fstat:", stat_file}, {"readlink:", read_link},
    };

    /* One file system for all: it is that of process 0, "the one that I see". */
    if (g_str_has_prefix(request, "setfs:")) {
        gdb_put_text(s, "F0");
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(requests); i++) {
        if (g_str_has_prefix(request, requests[i].name)) {
            requests[i].run(s, request + strlen(requests[i].name));
            return;
        }
    }
    gdb_put_text(s, "");
}

void gdb_files_close(struct gdb_server *s)
{
    for (unsigned i = 0; i < GDB_FILES_MOST; i++) {
        if (s->files[i])
            close(s->files[i] - 1);
        s->files[i] = 0;
    }
}
