/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files and directories in the current folder: numbers, flags, structure layouts, error numbers. */
#include "check.h"

static uint8_t buffer[4096];

static uint32_t word(const void *at, int offset)
{
    return *(const uint32_t *)((const uint8_t *)at + offset);
}

static void contents(void)
{
    static const char text[] = "Hello, file.";
    uint32_t vector[4], stat64[26], stat[16];
    long fd = MUST(CALL3(NR_open, "file", O_RDWR_ | O_CREAT_ | O_EXCL_, 0640)), other;
    uint64_t position;

    EXPECT(CALL3(NR_open, "file", O_RDWR_ | O_CREAT_ | O_EXCL_, 0640), -E_EXIST);
    EXPECT(CALL3(NR_write, fd, text, 12), 12);
    EXPECT(CALL3(NR_lseek, fd, 0, 1), 12);
    EXPECT(CALL3(NR_lseek, fd, -5, 2), 7);
    EXPECT(CALL3(NR_read, fd, buffer, 100), 5);
    EXPECT(memcmp(buffer, "file.", 5), 0);
    EXPECT(CALL5(NR_pwrite64, fd, "XY", 2, 0, 100), 2);
    EXPECT(CALL5(NR_pread64, fd, buffer, 4, 0, 98), 4);
    CHECK(buffer[0] == 0 && buffer[1] == 0 && buffer[2] == 'X' && buffer[3] == 'Y');
    EXPECT(CALL3(NR_ftruncate64, fd, 1, 4), 0);
    EXPECT(CALL5(NR_llseek, fd, 0, 0, &position, 2), 0);
    CHECK(position == 0x100000004ull);
    EXPECT(CALL3(NR_ftruncate64, fd, 0, 12), 0);

    vector[0] = (uint32_t)buffer;
    vector[1] = 5;
    vector[2] = (uint32_t)(buffer + 100);
    vector[3] = 50;
    EXPECT(CALL3(NR_lseek, fd, 0, 0), 0);
    EXPECT(CALL3(NR_readv, fd, vector, 2), 12);
    CHECK(memcmp(buffer, "Hello", 5) == 0 && memcmp(buffer + 100, ", file.", 7) == 0);

    EXPECT(CALL2(NR_fstat64, fd, stat64), 0);
    EXPECT(word(stat64, 16), 0100640);
    EXPECT(word(stat64, 20), 1);
    EXPECT(word(stat64, 48), 0);
    EXPECT(word(stat64, 52), 12);
    CHECK(word(stat64, 72) > 1000000000);
    EXPECT(CALL2(NR_stat64, "file", stat64), 0);
    EXPECT(word(stat64, 52), 12);
    EXPECT(CALL2(NR_stat, "file", stat), 0);
    EXPECT(*(uint16_t *)((uint8_t *)stat + 8), 0100640);
    EXPECT(word(stat, 20), 12);

    other = MUST(CALL1(NR_dup, fd));
    EXPECT(CALL3(NR_fcntl64, other, 3, 0) & ~0x40000l, O_RDWR_);
    EXPECT(CALL3(NR_fcntl64, other, 4, O_APPEND_ | O_NONBLOCK_), 0);
    EXPECT(CALL3(NR_fcntl64, fd, 3, 0) & ~0x40000l, O_RDWR_ | O_APPEND_ | O_NONBLOCK_);
    EXPECT(CALL3(NR_fcntl64, fd, 1, 0), 0);
    EXPECT(CALL3(NR_fcntl64, fd, 2, 1), 0);
    EXPECT(CALL3(NR_fcntl64, fd, 1, 0), 1);
    EXPECT(CALL2(NR_dup2, fd, 30), 30);
    EXPECT(CALL1(NR_close, 30), 0);
    EXPECT(CALL1(NR_close, 30), -E_BADF);
    EXPECT(CALL1(NR_close, other), 0);
    EXPECT(CALL1(NR_close, fd), 0);
    EXPECT(CALL3(NR_write, fd, text, 1), -E_BADF);
}

static void locks(void)
{
    /* struct flock64: type, whence, padding, start, length, pid */
    uint32_t lock[8] = {3u << 16, 0, 0, 0, 0, 0, 0, 0};
    long fd = MUST(CALL3(NR_open, "file", O_RDWR_, 0)), child, status;

    lock[0] = 2u << 16; /* F_WRLCK */
    lock[3] = 4;        /* start */
    lock[5] = 2;        /* length */
    EXPECT(CALL3(NR_fcntl64, fd, 13, lock), 0);
    child = rt_syscall2(NR_fork, &status, 0, 0, 0, 0);
    CHECK(child >= 0);
    if (status) {
        uint32_t ask[8] = {1u << 16, 0, 0, 0, 0, 0, 0, 0}; /* F_RDLCK on everything */

        EXPECT(CALL3(NR_fcntl64, fd, 12, ask), 0);
        EXPECT(ask[0], 2u << 16);
        EXPECT(ask[3], 4);
        EXPECT(ask[5], 2);
        EXPECT(ask[6], CALL0(NR_getppid));
        EXPECT(CALL3(NR_fcntl64, fd, 13, ask), -E_AGAIN);
        rt_exit(0);
    }
    status = -1;
    EXPECT(CALL4(NR_wait4, child, &status, 0, 0), child);
    EXPECT(status, 0);
    EXPECT(CALL1(NR_close, fd), 0);
}

static void names(void)
{
    uint32_t stat64[26];
    int seen = 0, links = 0;
    long fd, n;

    EXPECT(CALL2(NR_mkdir, "folder", 0755), 0);
    EXPECT(CALL2(NR_rename, "file", "folder/file"), 0);
    EXPECT(CALL2(NR_access, "file", 0), -E_NOENT);
    EXPECT(CALL1(NR_rmdir, "folder"), -E_NOTEMPTY);
    EXPECT(CALL2(NR_symlink, "file", "folder/link"), 0);
    EXPECT(CALL2(NR_symlink, "loop", "loop"), 0);
    EXPECT(CALL3(NR_open, "loop", 0, 0), -E_LOOP);
    EXPECT(CALL3(NR_readlink, "folder/link", buffer, sizeof(buffer)), 4);
    EXPECT(memcmp(buffer, "file", 4), 0);
    EXPECT(CALL2(NR_lstat64, "folder/link", stat64), 0);
    EXPECT(word(stat64, 16) & 0170000, 0120000);
    EXPECT(CALL3(NR_open, "folder/file/x", 0, 0), -E_NOTDIR);
    EXPECT(CALL2(NR_link, "folder/file", "folder/second"), 0);

    fd = MUST(CALL3(NR_open, "folder", O_DIRECTORY_, 0));
    while ((n = MUST(CALL3(NR_getdents64, fd, buffer, sizeof(buffer)))) > 0) {
        for (long at = 0; at < n; at += *(uint16_t *)(buffer + at + 16)) {
            CHECK(*(uint16_t *)(buffer + at + 16) >= 20);
            seen++;
            links += buffer[at + 18] == 10; /* DT_LNK */
        }
    }
    EXPECT(seen, 5);
    EXPECT(links, 1);
    EXPECT(CALL3(NR_lseek, fd, 0, 0), 0);
    seen = 0;
    while ((n = MUST(CALL3(NR_getdents, fd, buffer, sizeof(buffer)))) > 0) {
        for (long at = 0; at < n; at += *(uint16_t *)(buffer + at + 8))
            seen++;
    }
    EXPECT(seen, 5);
    EXPECT(CALL1(NR_close, fd), 0);

    EXPECT(CALL1(NR_chdir, "folder"), 0);
    CHECK(MUST(CALL2(NR_getcwd, buffer, sizeof(buffer))) > 7);
    EXPECT(strcmp((char *)buffer + strlen((char *)buffer) - 7, "/folder"), 0);
    EXPECT(CALL1(NR_unlink, "file"), 0);
    EXPECT(CALL1(NR_unlink, "second"), 0);
    EXPECT(CALL1(NR_unlink, "link"), 0);
    EXPECT(CALL1(NR_chdir, ".."), 0);
    EXPECT(CALL1(NR_unlink, "loop"), 0);
    EXPECT(CALL1(NR_rmdir, "folder"), 0);
}

static void mistakes(void)
{
    EXPECT(CALL3(NR_open, 0xdead0000u, 0, 0), -E_FAULT);
    EXPECT(CALL3(NR_open, 16, 0, 0), -E_FAULT);
    EXPECT(CALL3(NR_write, 1, 0xfffffff0u, 64), -E_FAULT);
    EXPECT(CALL2(NR_fstat64, 1, 8), -E_FAULT);
    EXPECT(CALL0(3999), -E_NOSYS);
    EXPECT(CALL3(NR_lseek, 0, 0, 77), -E_INVAL);
    EXPECT(CALL3(NR_read, 99, buffer, 1), -E_BADF);
}

int main(int argc, char **argv)
{
    CALL1(NR_umask, 022);
    contents();
    locks();
    names();
    mistakes();
    return done();
}
