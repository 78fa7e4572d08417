/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files of /proc that describe the program itself: they tell of its own memory and threads, by every name.
 *
 * Prints "ok", or the line of what failed. Passes natively too.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_libc.h"

static volatile char word[16] = "in memory";
static const char fixed[] = "read-only";

static long seek64(int fd, uint64_t to)
{
    return lseek64(fd, (off64_t)to, SEEK_SET) == (off64_t)to;
}

static void use_memory(int fd)
{
    char text[32] = {0};
    struct iovec vector[2] = {{text, 3}, {text + 16, 6}};
    char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(fd >= 0);
    CHECK(pread64(fd, text, 9, (off64_t)(uintptr_t)word) == 9 && memcmp(text, "in memory", 9) == 0);
    CHECK(seek64(fd, (uintptr_t)word + 3) && read(fd, text, 6) == 6 && memcmp(text, "memory", 6) == 0);
    CHECK(lseek64(fd, 0, SEEK_CUR) == (off64_t)((uintptr_t)word + 9));
    CHECK(preadv64(fd, vector, 2, (off64_t)(uintptr_t)word) == 9 && memcmp(text + 16, "memory", 6) == 0);
    CHECK(pwrite64(fd, "IN", 2, (off64_t)(uintptr_t)word) == 2 && word[0] == 'I');
    CHECK(seek64(fd, (uintptr_t)word) && write(fd, "in", 2) == 2 && write(fd, "_", 1) == 1 && word[2] == '_');
    word[2] = ' ';
    /* A debugger's right: what the program itself may not write. */
    CHECK(pwrite64(fd, "R", 1, (off64_t)(uintptr_t)fixed) == 1 && *(volatile const char *)fixed == 'R');
    /* Up to the hole. */
    CHECK(pages != MAP_FAILED && munmap(pages + 4096, 4096) == 0);
    CHECK(pread64(fd, text, 16, (off64_t)(uintptr_t)pages + 4090) == 6);
    CHECK(pread64(fd, text, 16, (off64_t)(uintptr_t)pages + 4096) == -1 && errno == EIO);
    CHECK(pread64(fd, text, 16, 0) == -1 && errno == EIO);
    CHECK(munmap(pages, 3 * 4096) == 0 && close(fd) == 0);
}

static unsigned count(int fd)
{
    DIR *folder = fdopendir(fd);
    struct dirent *entry;
    unsigned n = 0;

    CHECK(folder != NULL);
    while ((entry = readdir(folder))) {
        char name[300];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof(name), "/proc/self/task/%s/comm", entry->d_name);
        CHECK(access(name, R_OK) == 0);
        n++;
    }
    closedir(folder);
    return n;
}

static char *whole(int folder, const char *name, ssize_t *size)
{
    static _Thread_local char text[65536];
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    ssize_t n, done = 0;

    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    while ((n = read(fd, text + done, sizeof(text) - 1 - (size_t)done)) > 0)
        done += n;
    CHECK(n == 0 && done > 0);
    text[done] = 0;
    if (size)
        *size = done;
    close(fd);
    return text;
}

static unsigned long long field(const char *text, const char *name, int base)
{
    const char *at = strstr(text, name);

    CHECK(at != NULL);
    return strtoull(at + strlen(name), NULL, base);
}

static void *other(void *barrier)
{
    char name[64];
    sigset_t set;

    prctl(PR_SET_NAME, "other one");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_barrier_wait(barrier);
    CHECK(strcmp(whole(AT_FDCWD, "/proc/thread-self/comm", NULL), "other one\n") == 0);
    CHECK(field(whole(AT_FDCWD, "/proc/thread-self/status", NULL), "SigBlk:", 16) == 1u << (SIGUSR1 - 1));
    CHECK(field(whole(AT_FDCWD, "/proc/self/status", NULL), "SigBlk:", 16) == 0);
    CHECK(field(whole(AT_FDCWD, "/proc/thread-self/stat", NULL), "", 10) == (unsigned)syscall(SYS_gettid));
    CHECK(field(whole(AT_FDCWD, "/proc/self/stat", NULL), "", 10) == (unsigned)getpid());
    snprintf(name, sizeof(name), "/proc/%d/task/%d/status", getpid(), (int)syscall(SYS_gettid));
    CHECK(field(whole(AT_FDCWD, name, NULL), "Pid:", 10) == (unsigned)syscall(SYS_gettid));
    CHECK(strstr(whole(AT_FDCWD, name, NULL), "Name:\tother one\n") != NULL);
    pthread_barrier_wait(barrier);
    return NULL;
}

static void threads(void)
{
    pthread_barrier_t barrier;
    pthread_t thread;
    int folder = open("/proc/self", O_RDONLY | O_DIRECTORY);

    CHECK(count(open("/proc/self/task", O_RDONLY | O_DIRECTORY)) == 1);
    CHECK(field(whole(folder, "status", NULL), "Threads:", 10) == 1);
    CHECK(pthread_barrier_init(&barrier, NULL, 2) == 0 && pthread_create(&thread, NULL, other, &barrier) == 0);
    pthread_barrier_wait(&barrier);
    CHECK(count(openat(folder, "task", O_RDONLY | O_DIRECTORY)) == 2);
    CHECK(count(openat(folder, ".//task/", O_RDONLY | O_DIRECTORY)) == 2);
    CHECK(field(whole(folder, "status", NULL), "Threads:", 10) == 2);
    pthread_barrier_wait(&barrier);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(open("/proc/self/task/1/stat", O_RDONLY) == -1 && errno == ENOENT);
    close(folder);
}

/* A mapping of maps or smaps that holds an address: its line. */
static char *mapping(char *text, const void *address)
{
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        unsigned long long start, end;

        if (sscanf(line, "%llx-%llx ", &start, &end) == 2 && start <= (uintptr_t)address && (uintptr_t)address < end)
            return line;
    }
    return NULL;
}

static void files(char **argv)
{
    int folder = open("/proc/self", O_PATH | O_DIRECTORY);
    char path[256], *text, *line, here;
    const char *exe;
    unsigned long long size, resident;
    ssize_t n;

    CHECK((line = mapping(whole(folder, "maps", NULL), (void *)(uintptr_t)mapping)) && strstr(line, " r-xp "));
    CHECK((line = mapping(whole(folder, "smaps", NULL), &here)) && strstr(line, "[stack]") && strstr(line, " rw-p "));
    line += strlen(line) + 1;
    CHECK(strncmp(line, "Size:", 5) == 0);
    CHECK((line = mapping(whole(folder, "smaps", NULL), sbrk(0) - 1)) && strstr(line, "[heap]"));
    CHECK(sscanf(whole(folder, "statm", NULL), "%llu %llu", &size, &resident) == 2 && resident <= size && size < 100000);
    CHECK(size * 4 == field(whole(folder, "status", NULL), "VmSize:", 10));

    /* The last strings of the environment and of the arguments. */
    text = whole(folder, "environ", &n);
    CHECK(strcmp(text, environ[0]) == 0);
    text = whole(folder, "cmdline", &n);
    CHECK(strcmp(text, argv[0]) == 0);
    CHECK(strstr(whole(folder, "limits", NULL), "Max address space"));
    whole(folder, "auxv", &n);
    CHECK(n % (ssize_t)(2 * sizeof(long)) == 0);

    n = readlinkat(folder, "exe", path, sizeof(path) - 1);
    CHECK(n > 0);
    path[n] = 0;
    exe = strrchr(path, '/') + 1;
    CHECK(strcmp(exe, strrchr(argv[0], '/') + 1) == 0);
    CHECK(geteuid() == 0 || (open("/proc/self/maps", O_RDWR) == -1 && errno == EACCES));
    /* From there by relative names. */
    CHECK(fchdir(folder) == 0 && (line = mapping(whole(AT_FDCWD, "maps", NULL), (void *)(uintptr_t)mapping)) &&
          strstr(line, " r-xp "));
    CHECK(memcmp(whole(AT_FDCWD, "exe", NULL), "\177ELF", 4) == 0);
    CHECK(count(open("task", O_RDONLY)) == 1 && chdir("task") == 0);
    snprintf(path, sizeof(path), "%d/cmdline", getpid());
    CHECK(strcmp(whole(AT_FDCWD, path, NULL), argv[0]) == 0);
    CHECK(chdir("/") == 0);
    close(folder);
}

int main(int argc, char **argv)
{
    char path[64];
    int folder = open("/proc/self", O_RDONLY | O_DIRECTORY), status;

    (void)argc;
    snprintf(path, sizeof(path), "/proc/%d/mem", getpid());
    use_memory(open("/proc/self/mem", O_RDWR));
    use_memory(open(path, O_RDWR));
    use_memory(openat(folder, "mem", O_RDWR));
    use_memory(dup(open("/proc/self/mem", O_RDWR)));
    close(folder);
    threads();
    files(argv);
    if (fork() == 0) {
        use_memory(open("/proc/self/mem", O_RDWR));
        CHECK(count(open("/proc/self/task", O_RDONLY)) == 1);
        _exit(0);
    }
    CHECK(wait(&status) > 0 && status == 0);
    puts("ok");
    return 0;
}
