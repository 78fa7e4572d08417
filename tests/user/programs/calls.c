/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Linux's calls through a real C library, family by family: what comes back must be what Linux promises.
 * Built for every processor that has a cross compiler; the same program passes natively.
 *
 * Prints "ok", or the line of what failed.
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <mqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "check_libc.h"

static void events(void)
{
    int fd = eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC), semaphore = eventfd(2, EFD_SEMAPHORE);
    uint64_t value;

    CHECK(fd >= 0 && semaphore >= 0);
    CHECK(eventfd_write(fd, 0x100000000ull) == 0);
    CHECK(eventfd_read(fd, &value) == 0 && value == 0x100000003ull);
    CHECK(eventfd_read(fd, &value) == -1 && errno == EAGAIN);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC && fcntl(fd, F_GETFL) & O_NONBLOCK);
    CHECK(read(semaphore, &value, 8) == 8 && value == 1);
    CHECK(read(semaphore, &value, 4) == -1 && errno == EINVAL);
    close(fd);
    close(semaphore);
}

static void timers_as_files(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    struct itimerspec spec = {{0, 2000000}, {0, 1000000}}, now;
    uint64_t count;

    CHECK(fd >= 0 && timerfd_settime(fd, 0, &spec, NULL) == 0);
    CHECK(read(fd, &count, sizeof(count)) == 8 && count >= 1 && count < 10000);
    CHECK(timerfd_gettime(fd, &now) == 0 && now.it_interval.tv_nsec == 2000000);
    close(fd);
}

static void signals_as_files(void)
{
    sigset_t set;
    struct signalfd_siginfo info;
    union sigval value = {.sival_int = 0x12345};
    int fd, status;
    pid_t child;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGCHLD);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    fd = signalfd(-1, &set, SFD_CLOEXEC);
    CHECK(fd >= 0 && sigqueue(getpid(), SIGUSR2, value) == 0);
    CHECK(read(fd, &info, sizeof(info)) == sizeof(info));
    CHECK(info.ssi_signo == SIGUSR2 && info.ssi_int == 0x12345 && info.ssi_pid == (uint32_t)getpid());
    CHECK(info.ssi_code == SI_QUEUE);
    child = fork();
    if (child == 0)
        _exit(9);
    CHECK(read(fd, &info, sizeof(info)) == sizeof(info));
    CHECK(info.ssi_signo == SIGCHLD && info.ssi_status == 9 && info.ssi_pid == (uint32_t)child);
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 9);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    close(fd);
}

static void watches(void)
{
    int fd = inotify_init1(IN_NONBLOCK), watch, file;
    union {
        char bytes[4096];
        struct inotify_event event;
    } buffer;
    ssize_t n;

    CHECK(fd >= 0);
    watch = inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE);
    CHECK(watch > 0);
    file = open("watched-file", O_CREAT | O_RDWR, 0600);
    CHECK(file >= 0 && unlink("watched-file") == 0);
    n = read(fd, &buffer, sizeof(buffer));
    CHECK(n > (ssize_t)sizeof(struct inotify_event));
    CHECK(buffer.event.wd == watch && buffer.event.mask == IN_CREATE);
    CHECK(strcmp(buffer.event.name, "watched-file") == 0);
    CHECK(inotify_rm_watch(fd, watch) == 0);
    close(file);
    close(fd);
}

static void memory_files(void)
{
    int fd = memfd_create("memory", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    char *map;

    CHECK(fd >= 0 && ftruncate(fd, 8192) == 0);
    map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    CHECK(map != MAP_FAILED);
    strcpy(map + 4096, "there");
    CHECK(pread(fd, map, 6, 4096) == 6 && strcmp(map, "there") == 0);
    CHECK(munmap(map, 8192) == 0);
    CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0 && fcntl(fd, F_GET_SEALS) == F_SEAL_SHRINK);
    CHECK(ftruncate(fd, 1) == -1 && errno == EPERM);
    close(fd);
}

static void semaphores(void)
{
    int id = semget(IPC_PRIVATE, 3, 0600 | IPC_CREAT);
    unsigned short values[3] = {1, 2, 3}, got[3];
    struct sembuf operations[2] = {{0, -1, 0}, {2, 4, 0}}, wait = {0, -1, IPC_NOWAIT}, slow = {0, -1, 0};
    struct timespec limit = {0, 1000000};
    struct semid_ds status;
    union {
        int value;
        struct semid_ds *status;
        unsigned short *array;
    } argument;

    CHECK(id >= 0);
    argument.array = values;
    CHECK(semctl(id, 0, SETALL, argument) == 0);
    CHECK(semop(id, operations, 2) == 0);
    argument.array = got;
    CHECK(semctl(id, 0, GETALL, argument) == 0 && got[0] == 0 && got[1] == 2 && got[2] == 7);
    CHECK(semop(id, &wait, 1) == -1 && errno == EAGAIN);
    CHECK(semtimedop(id, &slow, 1, &limit) == -1 && errno == EAGAIN);
    argument.value = 42;
    CHECK(semctl(id, 1, SETVAL, argument) == 0 && semctl(id, 1, GETVAL) == 42);
    CHECK(semctl(id, 0, GETPID) == getpid());
    argument.status = &status;
    CHECK(semctl(id, 0, IPC_STAT, argument) == 0);
    CHECK(status.sem_nsems == 3 && (status.sem_perm.mode & 0777) == 0600 && status.sem_perm.uid == geteuid());
    CHECK(status.sem_ctime > 1600000000 && status.sem_otime >= status.sem_ctime - 1);
    status.sem_perm.mode = 0640;
    CHECK(semctl(id, 0, IPC_SET, argument) == 0 && semctl(id, 0, IPC_STAT, argument) == 0);
    CHECK((status.sem_perm.mode & 0777) == 0640);
    CHECK(semctl(id, 0, IPC_RMID) == 0 && semctl(id, 0, GETPID) == -1 && (errno == EINVAL || errno == EIDRM));
}

static void messages(void)
{
    int id = msgget(IPC_PRIVATE, 0600 | IPC_CREAT);
    struct {
        long type;
        char text[32];
    } out = {5, "first"}, in;
    struct msqid_ds status;

    CHECK(id >= 0 && msgsnd(id, &out, 6, 0) == 0);
    out.type = 7;
    strcpy(out.text, "second");
    CHECK(msgsnd(id, &out, 7, 0) == 0);
    CHECK(msgctl(id, IPC_STAT, &status) == 0 && status.msg_qnum == 2 && status.msg_lspid == getpid());
    CHECK(status.msg_qbytes > 0 && status.msg_stime > 1600000000);
    CHECK(msgrcv(id, &in, sizeof(in.text), 7, 0) == 7 && in.type == 7 && strcmp(in.text, "second") == 0);
    CHECK(msgrcv(id, &in, 2, 0, 0) == -1 && errno == E2BIG);
    CHECK(msgrcv(id, &in, 2, 0, MSG_NOERROR) == 2 && in.type == 5);
    CHECK(msgrcv(id, &in, 2, 0, IPC_NOWAIT) == -1 && errno == ENOMSG);
    CHECK(msgctl(id, IPC_RMID, NULL) == 0);
}

static void shared_memory(void)
{
    int id = shmget(IPC_PRIVATE, 10000, 0600 | IPC_CREAT), status;
    char *at, *other;
    struct shmid_ds about;
    pid_t child;

    CHECK(id >= 0);
    at = shmat(id, NULL, 0);
    CHECK(at != (void *)-1);
    other = shmat(id, NULL, SHM_RDONLY);
    CHECK(other != (void *)-1 && other != at);
    child = fork();
    if (child == 0) {
        strcpy(at, "from the child");
        _exit(shmdt(at) == 0 ? 0 : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(strcmp(other, "from the child") == 0);
    CHECK(shmctl(id, IPC_STAT, &about) == 0 && about.shm_segsz == 10000 && about.shm_nattch == 2);
    CHECK(about.shm_cpid == getpid() && about.shm_perm.cuid == geteuid());
    CHECK(shmdt(at) == 0 && shmdt(at) == -1 && errno == EINVAL && shmdt(other) == 0);
    CHECK(shmctl(id, IPC_STAT, &about) == 0 && about.shm_nattch == 0);
    CHECK(shmctl(id, IPC_RMID, NULL) == 0);
}

static void queues(void)
{
    char name[64], text[64];
    struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 64}, now;
    struct timespec past = {1, 0};
    unsigned priority;
    mqd_t queue;

    snprintf(name, sizeof(name), "/vitrine-test-%d", (int)getpid());
    queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attributes);
    if (queue == (mqd_t)-1 && (errno == ENOSYS || errno == EACCES))
        return;
    CHECK(queue != (mqd_t)-1 && mq_unlink(name) == 0);
    CHECK(mq_send(queue, "low", 4, 1) == 0 && mq_send(queue, "high", 5, 9) == 0);
    CHECK(mq_getattr(queue, &now) == 0 && now.mq_curmsgs == 2 && now.mq_msgsize == 64 &&
          now.mq_flags == O_NONBLOCK);
    CHECK(mq_receive(queue, text, sizeof(text), &priority) == 5 && priority == 9 &&
          strcmp(text, "high") == 0);
    now.mq_flags = 0;
    CHECK(mq_setattr(queue, &now, NULL) == 0);
    CHECK(mq_receive(queue, text, sizeof(text), NULL) == 4);
    CHECK(mq_timedreceive(queue, text, sizeof(text), NULL, &past) == -1 && errno == ETIMEDOUT);
    CHECK(mq_close(queue) == 0);
}

static volatile sig_atomic_t timer_signal, timer_value;

static void on_timer(int signal, siginfo_t *info, void *context)
{
    timer_signal = signal;
    timer_value = info->si_value.sival_int;
}

static void posix_timers(void)
{
    struct sigaction action = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3};
    struct itimerspec once = {{0, 0}, {0, 1000000}}, left;
    timer_t timer;

    CHECK(sigaction(SIGRTMIN + 3, &action, NULL) == 0);
    event.sigev_value.sival_int = 77;
    CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    CHECK(timer_settime(timer, 0, &once, NULL) == 0);
    while (!timer_signal)
        usleep(500);
    CHECK(timer_signal == SIGRTMIN + 3 && timer_value == 77);
    CHECK(timer_gettime(timer, &left) == 0 && left.it_value.tv_nsec == 0);
    CHECK(timer_getoverrun(timer) == 0 && timer_delete(timer) == 0);
    /* The kernel's own call: the signal goes to this thread. */
    timer_signal = 0;
    event.sigev_notify = SIGEV_THREAD_ID;
    event._sigev_un._tid = (int)syscall(SYS_gettid);
    CHECK(timer_create(CLOCK_REALTIME, &event, &timer) == 0 && timer_settime(timer, 0, &once, NULL) == 0);
    while (!timer_signal)
        usleep(500);
    CHECK(timer_delete(timer) == 0);
}

static void *make_message(struct msghdr *message, struct iovec *vector, char *byte, void *control,
                          size_t size)
{
    memset(message, 0, sizeof(*message));
    *vector = (struct iovec){byte, 1};
    message->msg_iov = vector;
    message->msg_iovlen = 1;
    message->msg_control = control;
    message->msg_controllen = size;
    return CMSG_FIRSTHDR(message);
}

static void control_data(void)
{
    int pair[2], one = 1, pipes[2], got[2], n = 0;
    char control[256], byte = 'x';
    struct msghdr message;
    struct iovec vector;
    struct cmsghdr *c;
    struct ucred *who = NULL;

    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0 && pipe(pipes) == 0);
    CHECK(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) == 0);
    CHECK(setsockopt(pair[1], SOL_SOCKET, SO_TIMESTAMP, &one, sizeof(one)) == 0);
    memset(control, 0, sizeof(control));
    c = make_message(&message, &vector, &byte, control, CMSG_SPACE(sizeof(pipes)));
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(pipes));
    memcpy(CMSG_DATA(c), pipes, sizeof(pipes));
    CHECK(sendmsg(pair[0], &message, 0) == 1);
    make_message(&message, &vector, &byte, control, sizeof(control));
    CHECK(recvmsg(pair[1], &message, MSG_CMSG_CLOEXEC) == 1 && !(message.msg_flags & MSG_CTRUNC));
    for (c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        CHECK(c->cmsg_level == SOL_SOCKET);
        if (c->cmsg_type == SCM_RIGHTS) {
            CHECK(c->cmsg_len == CMSG_LEN(sizeof(got)));
            memcpy(got, CMSG_DATA(c), sizeof(got));
            n |= 1;
        } else if (c->cmsg_type == SCM_CREDENTIALS) {
            who = (struct ucred *)CMSG_DATA(c);
            CHECK(who->pid == getpid() && who->uid == getuid() && who->gid == getgid());
            n |= 2;
        } else if (c->cmsg_type == SCM_TIMESTAMP) {
            struct timeval time;

            memcpy(&time, CMSG_DATA(c), sizeof(time));
            CHECK(time.tv_sec > 1600000000 && time.tv_usec < 1000000);
            n |= 4;
        }
    }
    CHECK(n == 7);
    CHECK(write(got[1], "y", 1) == 1 && read(pipes[0], &byte, 1) == 1 && byte == 'y');
    CHECK(fcntl(got[0], F_GETFD) == FD_CLOEXEC);
    /* Too little room for two descriptors. */
    c = make_message(&message, &vector, &byte, control, CMSG_SPACE(sizeof(pipes)));
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(pipes));
    memcpy(CMSG_DATA(c), pipes, sizeof(pipes));
    one = 0;
    CHECK(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) == 0);
    CHECK(setsockopt(pair[1], SOL_SOCKET, SO_TIMESTAMP, &one, sizeof(one)) == 0);
    CHECK(sendmsg(pair[0], &message, 0) == 1);
    make_message(&message, &vector, &byte, control, CMSG_LEN(sizeof(int)));
    CHECK(recvmsg(pair[1], &message, 0) == 1 && message.msg_flags & MSG_CTRUNC);
    close(pair[0]);
    close(pair[1]);
}

static void several_messages(void)
{
    int pair[2];
    char in[3][8], out[3][8] = {"one", "two", "three"};
    struct mmsghdr messages[3];
    struct iovec vectors[3];

    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
    memset(messages, 0, sizeof(messages));
    for (int i = 0; i < 3; i++) {
        vectors[i] = (struct iovec){out[i], strlen(out[i]) + 1};
        messages[i].msg_hdr.msg_iov = &vectors[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    CHECK(sendmmsg(pair[0], messages, 3, 0) == 3 && messages[2].msg_len == 6);
    for (int i = 0; i < 3; i++)
        vectors[i] = (struct iovec){in[i], sizeof(in[i])};
    CHECK(recvmmsg(pair[1], messages, 3, MSG_DONTWAIT, NULL) == 3);
    CHECK(strcmp(in[0], "one") == 0 && strcmp(in[2], "three") == 0 && messages[1].msg_len == 4);
    close(pair[0]);
    close(pair[1]);
}

static void internet(void)
{
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client = socket(AF_INET, SOCK_STREAM, 0),
        peer;
    int udp = socket(AF_INET, SOCK_DGRAM, 0), one = 1, value;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}, from;
    socklen_t size = sizeof(at);
    struct timeval wait = {0, 20000}, told;
    struct linger linger = {1, 3}, lingers;
    struct tcp_info info;
    char control[128], byte = 'z', text[32];
    struct msghdr message;
    struct iovec vector;
    struct cmsghdr *c;

    CHECK(server >= 0 && client >= 0 && udp >= 0);
    CHECK(bind(server, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(server, 1) == 0);
    CHECK(getsockname(server, (struct sockaddr *)&at, &size) == 0 && at.sin_port != 0 && size == sizeof(at));
    CHECK(connect(client, (struct sockaddr *)&at, sizeof(at)) == 0);
    peer = accept4(server, (struct sockaddr *)&from, &size, SOCK_NONBLOCK);
    CHECK(peer >= 0 && from.sin_family == AF_INET && from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    CHECK(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0);
    size = sizeof(told);
    CHECK(getsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &told, &size) == 0 && size == sizeof(told));
    CHECK(told.tv_sec == 0 && told.tv_usec >= 20000 && told.tv_usec < 40000);
    CHECK(recv(client, text, sizeof(text), 0) == -1 && errno == EAGAIN);
    CHECK(setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
    size = sizeof(lingers);
    CHECK(getsockopt(client, SOL_SOCKET, SO_LINGER, &lingers, &size) == 0 && lingers.l_linger == 3);
    CHECK(setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
    size = sizeof(info);
    CHECK(getsockopt(client, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == 1 &&
          info.tcpi_snd_mss > 100);
    CHECK(send(client, "abc", 3, MSG_NOSIGNAL) == 3);
    CHECK(poll(&(struct pollfd){.fd = peer, .events = POLLIN}, 1, -1) == 1); /* the bytes have come */
    CHECK(ioctl(peer, FIONREAD, &value) == 0 && value == 3);
    CHECK(recv(peer, text, sizeof(text), MSG_PEEK) == 3 && recv(peer, text, sizeof(text), 0) == 3);

    memset(&at, 0, sizeof(at));
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    size = sizeof(at);
    CHECK(bind(udp, (struct sockaddr *)&at, sizeof(at)) == 0 &&
          getsockname(udp, (struct sockaddr *)&at, &size) == 0);
    CHECK(setsockopt(udp, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)) == 0);
    CHECK(setsockopt(udp, IPPROTO_IP, IP_RECVTTL, &one, sizeof(one)) == 0);
    CHECK(sendto(udp, &byte, 1, 0, (struct sockaddr *)&at, sizeof(at)) == 1);
    make_message(&message, &vector, &byte, control, sizeof(control));
    CHECK(recvmsg(udp, &message, 0) == 1);
    value = 0;
    for (c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo packet;

            memcpy(&packet, CMSG_DATA(c), sizeof(packet));
            CHECK(packet.ipi_ifindex == (int)if_nametoindex("lo"));
            CHECK(packet.ipi_addr.s_addr == htonl(INADDR_LOOPBACK));
            value |= 1;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) {
            int ttl;

            memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
            CHECK(ttl > 0 && ttl < 256);
            value |= 2;
        }
    }
    CHECK(value == 3);
    close(udp);
    close(server);
    close(client);
    close(peer);
}

static void interfaces(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq request, list[16];
    struct ifconf configuration = {.ifc_len = sizeof(list), .ifc_req = list};
    int found = 0;

    memset(&request, 0, sizeof(request));
    strcpy(request.ifr_name, "lo");
    CHECK(fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0 && request.ifr_flags & IFF_LOOPBACK);
    CHECK(ioctl(fd, SIOCGIFINDEX, &request) == 0 && request.ifr_ifindex > 0);
    CHECK(ioctl(fd, SIOCGIFMTU, &request) == 0 && request.ifr_mtu >= 1280);
    CHECK(ioctl(fd, SIOCGIFCONF, &configuration) == 0);
    for (unsigned i = 0; i < configuration.ifc_len / sizeof(list[0]); i++)
        found |= strcmp(list[i].ifr_name, "lo") == 0 && list[i].ifr_addr.sa_family == AF_INET;
    CHECK(found);
    strcpy(request.ifr_name, "nothing-there");
    CHECK(ioctl(fd, SIOCGIFFLAGS, &request) == -1 && errno == ENODEV);
    close(fd);
}

static void terminals(void)
{
    int master, slave;
    struct winsize size = {30, 100, 0, 0}, now;
    struct termios settings, again;
    char name[64], text[32];
    unsigned number;

    CHECK(openpty(&master, &slave, name, NULL, &size) == 0);
    CHECK(ioctl(slave, TIOCGWINSZ, &now) == 0 && now.ws_row == 30 && now.ws_col == 100);
    CHECK(ioctl(master, TIOCGPTN, &number) == 0 && (int)number == atoi(name + strlen("/dev/pts/")));
    CHECK(tcgetattr(slave, &settings) == 0 && settings.c_lflag & ICANON && settings.c_cc[VINTR] == 3);
    CHECK(settings.c_cc[VEOF] == 4);
    cfmakeraw(&settings);
    settings.c_cc[VMIN] = 2;
    settings.c_cc[VTIME] = 1;
    CHECK(cfsetspeed(&settings, B115200) == 0);
    CHECK(tcsetattr(slave, TCSANOW, &settings) == 0 && tcgetattr(slave, &again) == 0);
    CHECK(!(again.c_lflag & ICANON) && again.c_cc[VMIN] == 2 && again.c_cc[VTIME] == 1);
    CHECK(cfgetospeed(&again) == B115200);
    CHECK(write(master, "ab", 2) == 2 && read(slave, text, sizeof(text)) == 2);
    CHECK(isatty(slave) && ioctl(slave, 0x7fff, 0) == -1 && errno == ENOTTY);
    close(master);
    close(slave);
}

/* Entries that could not be told are told the next time. */
static void folders(void)
{
    char first[4096] = {0}, again[sizeof(first)] = {0};
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    long size = syscall(SYS_getdents64, fd, first, sizeof(first));

    CHECK(size > 0 && lseek(fd, 0, SEEK_SET) == 0);
    CHECK(syscall(SYS_getdents64, fd, (void *)16, sizeof(first)) == -1 && errno == EFAULT);
    CHECK(syscall(SYS_getdents64, fd, again, sizeof(again)) == size && memcmp(first, again, (size_t)size) == 0);
    close(fd);
}

static void file_calls(void)
{
    int fd = open("a-file", O_RDWR | O_CREAT | O_TRUNC, 0644), other = open("b-file", O_RDWR | O_CREAT, 0644),
        pipes[2];
    struct iovec out[2] = {{"hello ", 6}, {"world", 5}}, in[1];
    char text[64];
    loff_t from = 6, to = 0;
    struct statvfs fs;
    struct statx status;
    struct f_owner_ex owner = {F_OWNER_TID, getpid()};
    off_t where = 0;
    int flags;

    CHECK(pipe2(pipes, O_APPEND) == -1 && errno == EINVAL);
    CHECK(fd >= 0 && other >= 0 && pipe2(pipes, O_CLOEXEC) == 0);
    CHECK(fcntl(pipes[0], F_GETOWN) == 0 && fcntl(pipes[0], F_SETOWN, -getpgrp()) == 0);
    CHECK(fcntl(pipes[0], F_GETOWN) == -getpgrp());
    CHECK(fcntl(pipes[0], F_SETOWN_EX, &owner) == 0);
    owner = (struct f_owner_ex){0};
    CHECK(fcntl(pipes[0], F_GETOWN_EX, &owner) == 0 && owner.type == F_OWNER_TID && owner.pid == getpid());
    CHECK(pwritev(fd, out, 2, 0) == 11);
    in[0] = (struct iovec){text, sizeof(text)};
    CHECK(preadv(fd, in, 1, 6) == 5 && memcmp(text, "world", 5) == 0);
    CHECK(pwritev2(fd, out, 1, 0x100000000ll, 0) == 6 && lseek(fd, 0, SEEK_END) == 0x100000006ll);
    CHECK(preadv2(fd, in, 1, 0x100000000ll, 0) == 6 && memcmp(text, "hello ", 6) == 0);
    CHECK(ftruncate(fd, 11) == 0);
    CHECK(copy_file_range(fd, &from, other, &to, 5, 0) == 5 && from == 11 && to == 5);
    CHECK(pread(other, text, 8, 0) == 5 && memcmp(text, "world", 5) == 0);
    from = 0;
    CHECK(splice(fd, &from, pipes[1], NULL, 5, 0) == 5 && from == 5);
    CHECK(read(pipes[0], text, sizeof(text)) == 5 && memcmp(text, "hello", 5) == 0);
    CHECK(vmsplice(pipes[1], out, 2, 0) == 11 && read(pipes[0], text, sizeof(text)) == 11);
    CHECK(sendfile(pipes[1], fd, &where, 11) == 11 && where == 11 && read(pipes[0], text, 64) == 11);
    CHECK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 100000) == 0 || errno == EOPNOTSUPP);
    CHECK(posix_fadvise(fd, 0x100000000ll, 4096, POSIX_FADV_DONTNEED) == 0);
    CHECK(sync_file_range(fd, 0, 11, SYNC_FILE_RANGE_WRITE) == 0);
    CHECK(statvfs(".", &fs) == 0 && fs.f_bsize >= 512 && fs.f_namemax >= 100);
    CHECK(statx(AT_FDCWD, "a-file", 0, STATX_BASIC_STATS, &status) == 0 && status.stx_size == 11);
    CHECK(S_ISREG(status.stx_mode) && status.stx_mtime.tv_sec > 1600000000);
    CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0);
    CHECK(ioctl(fd, FIGETBSZ, &flags) == 0 && flags >= 512);
    CHECK(setxattr("a-file", "user.colour", "green", 5, 0) == 0 || errno == ENOTSUP);
    if (getxattr("a-file", "user.colour", NULL, 0) == 5) {
        CHECK(fgetxattr(fd, "user.colour", text, sizeof(text)) == 5 && memcmp(text, "green", 5) == 0);
        CHECK(flistxattr(fd, text, sizeof(text)) >= 12 && removexattr("a-file", "user.colour") == 0);
        CHECK(getxattr("a-file", "user.colour", text, sizeof(text)) == -1 && errno == ENODATA);
    }
    CHECK(close_range((unsigned)other, (unsigned)other, 0) == 0 && fcntl(other, F_GETFD) == -1);
    close(fd);
    close(pipes[0]);
    close(pipes[1]);
    CHECK(unlink("a-file") == 0 && unlink("b-file") == 0);
}

static void waiting(void)
{
    int fd = epoll_create1(EPOLL_CLOEXEC), pipes[2];
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = 0x1122334455667788ull}, got[4];
    struct timespec limit = {0, 1000000};
    struct timeval value = {0, 1000};
    struct pollfd poll_fd;
    fd_set set;

    CHECK(fd >= 0 && pipe(pipes) == 0 && epoll_ctl(fd, EPOLL_CTL_ADD, pipes[0], &event) == 0);
    CHECK(epoll_wait(fd, got, 4, 1) == 0 && write(pipes[1], "x", 1) == 1);
    CHECK(epoll_wait(fd, got, 4, 1000) == 1 && got[0].events == EPOLLIN);
    CHECK(got[0].data.u64 == 0x1122334455667788ull);
    poll_fd = (struct pollfd){.fd = pipes[0], .events = POLLIN | POLLRDHUP};
    CHECK(ppoll(&poll_fd, 1, &limit, NULL) == 1 && poll_fd.revents == POLLIN);
    FD_ZERO(&set);
    FD_SET(pipes[1], &set);
    CHECK(select(pipes[1] + 1, NULL, &set, NULL, &value) == 1 && FD_ISSET(pipes[1], &set));
    FD_ZERO(&set);
    CHECK(pselect(0, NULL, NULL, NULL, &limit, NULL) == 0);
    close(pipes[1]);
    close(pipes[0]);
    close(fd);
}

static void processes(void)
{
    struct rlimit64 limit;
    struct sysinfo info;
    struct utsname name;
    struct timex clock = {.modes = 0};
    struct rusage usage;
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    struct sched_param parameters;
    struct timespec interval;
    char text[17] = "", source[8] = "abcdefg", target[8] = "";
    cpu_set_t cpus;
    unsigned cpu;
    struct iovec local = {target, 8}, remote = {source, 8};

    CHECK(prlimit64(0, RLIMIT_NOFILE, NULL, &limit) == 0 && limit.rlim_cur >= 16 &&
          limit.rlim_max >= limit.rlim_cur);
    CHECK(sysinfo(&info) == 0 && info.procs > 0 && (uint64_t)info.totalram * info.mem_unit > (1 << 20));
    CHECK(uname(&name) == 0 && strcmp(name.sysname, "Linux") == 0);
    CHECK(prctl(PR_SET_NAME, "a-name-of-a-thread") == 0 && prctl(PR_GET_NAME, text) == 0);
    CHECK(strcmp(text, "a-name-of-a-thr") == 0);
    CHECK(prctl(PR_GET_DUMPABLE) >= 0 && prctl(PR_GET_SECCOMP) <= 0);
    CHECK(prctl(12345) == -1 && errno == EINVAL);
    CHECK(adjtimex(&clock) >= 0 && clock.tick >= 9000 && clock.time.tv_sec > 1600000000);
    CHECK(getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss > 0);
    CHECK(syscall(SYS_capget, &header, data) == 0);
    CHECK(sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) >= 1);
    CHECK(sched_setaffinity(0, sizeof(cpus), &cpus) == 0);
    CHECK(sched_getparam(0, &parameters) == 0 && sched_getscheduler(0) == SCHED_OTHER);
    CHECK(sched_rr_get_interval(0, &interval) == 0 && interval.tv_sec == 0);
    CHECK(syscall(SYS_getcpu, &cpu, NULL, NULL) == 0 && cpu < 4096);
    CHECK(getpriority(PRIO_PROCESS, 0) >= -20 &&
          setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0)) == 0);
    CHECK(process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 8 && strcmp(target, "abcdefg") == 0);
}

static void process_files(void)
{
    siginfo_t info;
    pid_t child = fork();
    int fd;

    if (child == 0) {
        pause();
        _exit(0);
    }
    fd = (int)syscall(434 /* pidfd_open */, child, 0);
    CHECK(fd >= 0 && syscall(424 /* pidfd_send_signal */, fd, SIGTERM, NULL, 0) == 0);
    CHECK(waitid(3 /* P_PIDFD */, (id_t)fd, &info, WEXITED) == 0);
    CHECK(info.si_pid == child && info.si_code == CLD_KILLED && info.si_status == SIGTERM);
    close(fd);
}

static char **arguments;

/* What /proc tells of this process is what it sees itself. */
static void own_process(void)
{
    enum { THREADS = 20, SIZE = 23, START_CODE = 26, END_CODE = 27, STACK = 28, ARGUMENTS = 48, ENVIRONMENT = 50, ALL };
    unsigned long long field[ALL + 1] = {0}, caught = 0;
    unsigned threads = 0;
    char text[4096], *word;
    uintptr_t here = (uintptr_t)&field;
    FILE *file = fopen("/proc/self/stat", "r");

    CHECK(file && fgets(text, sizeof(text), file) && strrchr(text, ')'));
    fclose(file);
    word = strtok(strrchr(text, ')') + 1, " ");
    for (unsigned i = 3; i <= ALL && word; i++, word = strtok(NULL, " "))
        field[i] = strtoull(word, NULL, 10);
    CHECK(field[THREADS] == 1 && field[SIZE] > 0 && field[SIZE] < UINTPTR_MAX);
    CHECK(field[START_CODE] <= (uintptr_t)own_process && (uintptr_t)own_process < field[END_CODE]);
    CHECK(here < field[STACK] && field[STACK] - here < 1 << 20);
    CHECK(field[ARGUMENTS] == (uintptr_t)arguments[0] && field[ENVIRONMENT] == (uintptr_t)environ[0]);

    signal(SIGUSR2, SIG_IGN);
    signal(SIGHUP, (void (*)(int))own_process);
    CHECK((file = fopen("/proc/self/status", "r")) != NULL);
    while (fgets(text, sizeof(text), file)) {
        sscanf(text, "Threads: %u", &threads);
        sscanf(text, "SigCgt: %llx", &caught);
    }
    fclose(file);
    CHECK(threads == 1 && (caught & (1ull << (SIGHUP - 1))) && !(caught & (1ull << (SIGUSR2 - 1))));
    CHECK(!(caught & (1ull << (SIGSEGV - 1))));
    signal(SIGUSR2, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
}

static pthread_mutex_t inheriting;

static void *hold(void *barrier)
{
    CHECK(pthread_mutex_lock(&inheriting) == 0);
    pthread_barrier_wait(barrier);
    usleep(5000);
    CHECK(pthread_mutex_unlock(&inheriting) == 0);
    return NULL;
}

static void locks(void)
{
    pthread_mutexattr_t attributes;
    pthread_barrier_t barrier;
    pthread_t thread;
    int robust;
    pthread_mutex_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    /* Priority inheritance: the kernel hands the lock over. Where it cannot, the library says so. */
    CHECK(pthread_mutexattr_init(&attributes) == 0);
    CHECK(pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0);
    if (pthread_mutex_init(&inheriting, &attributes) == 0) {
        CHECK(pthread_barrier_init(&barrier, NULL, 2) == 0);
        CHECK(pthread_create(&thread, NULL, hold, &barrier) == 0);
        pthread_barrier_wait(&barrier);
        CHECK(pthread_mutex_lock(&inheriting) == 0);
        CHECK(pthread_mutex_unlock(&inheriting) == 0 && pthread_join(thread, NULL) == 0);
    }
    /* A process that dies with a robust lock leaves word of it. */
    CHECK(pthread_mutexattr_init(&attributes) == 0);
    CHECK(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0);
    CHECK(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0);
    CHECK(pthread_mutex_init(shared, &attributes) == 0);
    if (fork() == 0) {
        pthread_mutex_lock(shared);
        _exit(0);
    }
    wait(NULL);
    robust = pthread_mutex_lock(shared);
    CHECK(robust == EOWNERDEAD && pthread_mutex_consistent(shared) == 0 && pthread_mutex_unlock(shared) == 0);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } families[] = {
        {"own process", own_process},
        {"events", events},
        {"timers as files", timers_as_files},
        {"signals as files", signals_as_files},
        {"watches", watches},
        {"memory files", memory_files},
        {"semaphores", semaphores},
        {"messages", messages},
        {"shared memory", shared_memory},
        {"queues", queues},
        {"timers", posix_timers},
        {"control data", control_data},
        {"several messages", several_messages},
        {"internet", internet},
        {"interfaces", interfaces},
        {"terminals", terminals},
        {"folders", folders},
        {"files", file_calls},
        {"waiting", waiting},
        {"processes", processes},
        {"process files", process_files},
        {"locks", locks},
    };

    arguments = argv;
    CHECK(argc > 0);
    alarm(60);
    for (unsigned i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        if (getenv("TRACE"))
            printf("%s\n", families[i].name);
        families[i].run();
    }
    printf("ok\n");
    return 0;
}
