/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a program finds below its sysroot, which test_arm.c has made:
 *
 *     etc/here                 "inside"
 *     etc/link -> /etc/here    a link that must not lead out
 *     etc/up -> ../../../etc/here
 *     etc/nowhere -> /no/such/file
 *     opt/                     an empty folder
 *     bin/names                this program; bin/script runs it
 *
 * Argument 1: "sysroot" or "root"; argument 2: a file outside, below the user's folders. Prints "ok".
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_libc.h"

static bool holds(const char *file, const char *text)
{
    char buffer[64] = "";
    int fd = open(file, O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, buffer, sizeof(buffer) - 1) : -1;

    close(fd);
    return n >= 0 && strcmp(buffer, text) == 0;
}

static bool in_folder(const char *folder, const char *name)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    bool found = false;

    while (dir && (entry = readdir(dir)))
        found = found || strcmp(entry->d_name, name) == 0;
    if (dir)
        closedir(dir);
    return found;
}

static void test_links(void)
{
    char text[PATH_MAX], name[32];
    struct stat link, target;
    int folder;

    CHECK(holds("/etc/here", "inside") && holds("/etc/link", "inside") && holds("/etc/up", "inside"));
    CHECK(holds("/etc/../etc/./link", "inside") && holds("//etc//here", "inside"));
    CHECK(open("/etc/nowhere", O_RDONLY) == -1 && errno == ENOENT);
    CHECK(lstat("/etc/nowhere", &link) == 0 && S_ISLNK(link.st_mode));
    CHECK(stat("/etc/link", &target) == 0 && S_ISREG(target.st_mode) && lstat("/etc/link", &link) == 0 &&
          S_ISLNK(link.st_mode));
    CHECK(readlink("/etc/link", text, sizeof(text)) == 9 && memcmp(text, "/etc/here", 9) == 0);
    CHECK(open("/etc/link", O_RDONLY | O_NOFOLLOW) == -1 && errno == ELOOP);
    CHECK(realpath("/etc/link", text) && strcmp(text, "/etc/here") == 0);
    CHECK(open("/etc/here/below", O_RDONLY) == -1 && errno == ENOTDIR);
    CHECK((folder = open("/etc", O_RDONLY | O_DIRECTORY)) >= 0);
    CHECK(fstatat(folder, "link", &link, 0) == 0 && link.st_ino == target.st_ino);
    CHECK(faccessat(folder, "up", R_OK, 0) == 0);
    snprintf(name, sizeof(name), "/proc/self/fd/%d", folder);
    CHECK(readlink(name, text, sizeof(text)) == 4 && memcmp(text, "/etc", 4) == 0);
    close(folder);
}

static void test_folders(void)
{
    char text[PATH_MAX];

    CHECK(chdir("/etc") == 0 && getcwd(text, sizeof(text)) && strcmp(text, "/etc") == 0);
    CHECK(holds("link", "inside") && holds("../etc/up", "inside") && holds("../../../etc/here", "inside"));
    CHECK(readlink("/proc/self/cwd", text, sizeof(text)) == 4);
    CHECK(chdir("..") == 0 && getcwd(text, sizeof(text)) && strcmp(text, "/") == 0);
    CHECK(in_folder("/", "opt") && in_folder(".", "etc"));
    CHECK((size_t)readlink("/proc/self/exe", text, sizeof(text)) == strlen("/bin/names"));
}

/* Places in a folder, which 32-bit programs keep in 31 bits. */
static void test_places(void)
{
    DIR *dir = opendir("/etc");
    struct dirent *entry;
    char second[256];
    long place;

    CHECK(dir && readdir(dir) && (place = telldir(dir)) != -1 && (entry = readdir(dir)));
    strcpy(second, entry->d_name);
    while (readdir(dir))
        ;
    seekdir(dir, place);
    CHECK((entry = readdir(dir)) && strcmp(entry->d_name, second) == 0);
    closedir(dir);
}

static void test_new_files(void)
{
    int fd = open("/opt/new", O_CREAT | O_EXCL | O_RDWR, 0600);

    CHECK(fd >= 0 && write(fd, "new", 3) == 3 && close(fd) == 0);
    CHECK(holds("/opt/new", "new") && in_folder("/opt", "new"));
    CHECK(symlink("/opt/new", "/opt/link") == 0 && holds("/opt/link", "new"));
    CHECK(rename("/opt/new", "/opt/newer") == 0 && !holds("/opt/link", "new"));
    CHECK(rename("/opt/newer", "/opt/link") == 0 && holds("/opt/link", "new"));
    CHECK(link("/opt/link", "/opt/hard") == 0 && unlink("/opt/link") == 0 && holds("/opt/hard", "new"));
    CHECK(mkdir("/opt/folder", 0700) == 0 && mkdir("/opt/folder", 0700) == -1 && errno == EEXIST);
    CHECK(truncate("/opt/hard", 1) == 0 && holds("/opt/hard", "n"));
    CHECK(unlink("/opt/hard") == 0 && rmdir("/opt/folder") == 0 && !in_folder("/opt", "hard"));
}

static struct sockaddr_un local(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    CHECK(strlen(name) < sizeof(address.sun_path));
    strcpy(address.sun_path, name);
    return address;
}

/* One side binds and hears, the other calls by every call that takes a name. */
static void exchange(const char *name, bool tells)
{
    struct sockaddr_un address = local(name), seen;
    socklen_t size = sizeof(seen);
    struct iovec part = {(char[]){"two"}, 3};
    struct msghdr message = {
        .msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = &part, .msg_iovlen = 1};
    char text[8];
    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), served;

    CHECK(bind(server, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(server, 1) == 0);
    CHECK(getsockname(server, (struct sockaddr *)&seen, &size) == 0);
    CHECK(!tells || (strcmp(seen.sun_path, name) == 0 &&
                     size == offsetof(struct sockaddr_un, sun_path) + strlen(name) + 1));
    CHECK(connect(client, (struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK((served = accept(server, NULL, NULL)) >= 0 && write(client, "hi", 2) == 2 &&
          read(served, text, 8) == 2);
    size = sizeof(seen);
    CHECK(getpeername(client, (struct sockaddr *)&seen, &size) == 0 &&
          (!tells || strcmp(seen.sun_path, name) == 0));
    close(server);
    close(client);
    close(served);
    CHECK(unlink(name) == 0);

    server = socket(AF_UNIX, SOCK_DGRAM, 0);
    client = socket(AF_UNIX, SOCK_DGRAM, 0);
    CHECK(bind(server, (struct sockaddr *)&address, sizeof(address)) == 0);
    CHECK(sendto(client, "one", 3, 0, (struct sockaddr *)&address, sizeof(address)) == 3);
    CHECK(sendmsg(client, &message, 0) == 3 && read(server, text, 8) == 3 && read(server, text, 8) == 3);
    CHECK(memcmp(text, "two", 3) == 0 && unlink(name) == 0);
    CHECK(sendto(client, "one", 3, 0, (struct sockaddr *)&address, sizeof(address)) == -1 && errno == ENOENT);
    close(server);
    close(client);
}

static void test_sockets(void)
{
    char folder[101], deep[PATH_MAX];

    exchange("/opt/socket", true);
    CHECK(chdir("/opt") == 0);
    exchange("socket", false);
    /* In the host's words this is too long for an address. */
    memset(folder, 'f', sizeof(folder) - 1);
    folder[sizeof(folder) - 1] = 0;
    CHECK(mkdir(folder, 0700) == 0);
    snprintf(deep, sizeof(deep), "%s/s", folder);
    exchange(deep, false);
    CHECK(rmdir(folder) == 0 && chdir("/") == 0);
}

static void test_outside(const char *how, const char *outside)
{
    bool root = strcmp(how, "root") == 0;

    /* Folders of the user are the host's, but not with a root; those of the kernel always. */
    CHECK(holds(outside, "outside") == !root);
    CHECK(access("/proc/self/status", R_OK) == 0 && access("/dev/null", W_OK) == 0);
    CHECK((access("/usr/lib/os-release", F_OK) == 0) == (!root && access("/usr/lib/os-release", F_OK) == 0));
    if (root)
        CHECK(access("/usr", F_OK) == -1 && access("/etc/passwd", F_OK) == -1);
}

static int run(const char *file, const char *argument)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        execl(file, file, argument, NULL);
        _exit(errno == ENOENT ? 111 : 112);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_programs(void)
{
    CHECK(run("/bin/names", "seven") == 7);
    CHECK(run("/bin/script", "eight") == 8);
    CHECK(run("/bin/none", "seven") == 111);
    CHECK(chdir("/bin") == 0 && run("./names", "seven") == 7 && run("script", "eight") == 8);
    CHECK(run("/proc/self/exe", "seven") == 7);
}

static void test_chroot(void)
{
    char text[PATH_MAX];

    if (geteuid() != 0) {
        CHECK(chroot("/etc") == -1 && errno == EPERM);
        return;
    }
    CHECK(chroot("/etc") == 0 && chdir("/") == 0);
    CHECK(holds("/here", "inside") && access("/etc", F_OK) == -1);
    CHECK(getcwd(text, sizeof(text)) && strcmp(text, "/") == 0);
    CHECK(access("/bin/names", F_OK) == -1);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "seven") == 0)
        return strcmp(argv[0], "/proc/self/exe") == 0 || strstr(argv[0], "names") ? 7 : 1;
    if (argc == 4 && strcmp(argv[1], "option") == 0)
        return strstr(argv[2], "script") && strcmp(argv[3], "eight") == 0 ? 8 : 2;
    CHECK(argc == 3);
    test_links();
    test_folders();
    test_places();
    test_new_files();
    test_sockets();
    test_outside(argv[1], argv[2]);
    test_programs();
    test_chroot();
    puts("ok");
    return 0;
}
