/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What arrives when it likes: the numbers of faults as ordinary signals that a mask holds back, a changed directory's
 * signal with its descriptor, and System V's settings of a terminal; and calls beside them that check a length or a
 * structure.
 *
 * Prints "ok", or the line of what failed. Passes natively too.
 */
#define _GNU_SOURCE
#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check_libc.h"

static volatile int depth, deepest, seen;
static volatile siginfo_t last;

static void nested(int signal)
{
    deepest = ++depth > deepest ? depth : deepest;
    if (seen++ < 3)
        raise(signal);
    depth--;
}

static void note(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    last = *info;
    seen++;
}

/* A signal that its own handler sends waits for the handler's end, whatever number it has. */
static void masks(void)
{
    static const int numbers[] = {SIGILL, SIGFPE, SIGTRAP, SIGUSR1};

    for (unsigned i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        struct sigaction action = {.sa_handler = nested};
        sigset_t one, waiting;

        seen = deepest = 0;
        CHECK(sigaction(numbers[i], &action, NULL) == 0 && raise(numbers[i]) == 0);
        CHECK(seen == 4 && deepest == 1);

        sigemptyset(&one);
        sigaddset(&one, numbers[i]);
        CHECK(sigprocmask(SIG_BLOCK, &one, NULL) == 0 && raise(numbers[i]) == 0 && seen == 4);
        CHECK(sigpending(&waiting) == 0 && sigismember(&waiting, numbers[i]) == 1);
        CHECK(sigprocmask(SIG_UNBLOCK, &one, NULL) == 0 && seen == 5);
    }
}

static void directory(void)
{
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    char name[] = "/tmp/asynchronousXXXXXX", file[64];
    int watched, made;

    CHECK(mkdtemp(name));
    snprintf(file, sizeof(file), "%s/new", name);
    CHECK(sigaction(SIGRTMIN + 1, &action, NULL) == 0);
    CHECK((watched = open(name, O_RDONLY | O_DIRECTORY)) >= 0);
    CHECK(fcntl(watched, F_SETSIG, SIGRTMIN + 1) == 0 && fcntl(watched, F_NOTIFY, DN_CREATE) == 0);
    seen = 0;
    CHECK((made = open(file, O_CREAT | O_WRONLY, 0600)) >= 0);
    for (int i = 0; i < 100 && !seen; i++)
        usleep(10000);
    CHECK(seen == 1 && last.si_fd == watched && last.si_code > 0);
    close(made), close(watched);
    unlink(file), rmdir(name);
}

static void terminal(void)
{
    int pty = posix_openpt(O_RDWR | O_NOCTTY), end;
    struct termios full, locked;
    struct termio small;

    if (pty < 0) /* no pseudo terminals in this place */
        return;
    CHECK(grantpt(pty) == 0 && unlockpt(pty) == 0 && (end = open(ptsname(pty), O_RDWR | O_NOCTTY)) >= 0);
    CHECK(ioctl(end, TCGETS, &full) == 0 && ioctl(end, TCGETA, &small) == 0);
    CHECK(small.c_iflag == (full.c_iflag & 0xffff) && small.c_lflag == (full.c_lflag & 0xffff));
    CHECK(small.c_cc[VINTR] == full.c_cc[VINTR] && small.c_cc[VERASE] == full.c_cc[VERASE]);
    small.c_lflag &= (unsigned short)~ECHO;
    small.c_cc[VINTR] = 7;
    CHECK(ioctl(end, TCSETAW, &small) == 0 && ioctl(end, TCGETS, &full) == 0);
    CHECK(!(full.c_lflag & ECHO) && full.c_lflag & ICANON && full.c_cc[VINTR] == 7);
    CHECK(ioctl(end, TIOCGLCKTRMIOS, &locked) == 0 && locked.c_lflag == 0);
    close(end), close(pty);
}

static void lengths(void)
{
    char text[256];
    long key = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1), size;

    CHECK(syscall(SYS_epoll_create, 0) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_epoll_create, -1) == -1 && errno == EINVAL);
    CHECK(close((int)syscall(SYS_epoll_create, 1)) == 0);
    if (key < 0) /* a place without keys */
        return;
    CHECK((size = syscall(SYS_keyctl, KEYCTL_DESCRIBE, key, NULL, 0)) > 0);
    CHECK(syscall(SYS_keyctl, KEYCTL_DESCRIBE, key, text, (unsigned)-4096) == size && strlen(text) + 1 == (size_t)size);
}

int main(void)
{
    masks();
    directory();
    terminal();
    lengths();
    puts("ok");
    return 0;
}
