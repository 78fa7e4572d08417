/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a guest's kernel interface differs from the host's: constants and structure layouts, as tables.
 *
 * An instruction set that uses Linux's generic values (asm-generic) leaves the corresponding table NULL.
 */
#ifndef VITRINE_USER_ABI_H
#define VITRINE_USER_ABI_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct user_thread;

/* A flag, or a value within a mask. Lists end with guest_mask 0. */
struct user_bits {
    uint32_t guest_mask, guest;
    uint32_t host_mask, host;
};

/* A pair of equal meaning. Lists end with guest = host = -1. */
struct user_pair {
    int32_t guest, host;
};

/* A field of a structure in guest memory; size 0: there is none. */
struct user_field {
    uint8_t offset, size;
};

struct user_stat_layout {
    uint16_t size;
    struct user_field dev, ino, mode, nlink, uid, gid, rdev, file_size, blksize, blocks;
    struct user_field atime, atime_nsec, mtime, mtime_nsec, ctime, ctime_nsec;
    struct user_field short_ino; /* the lower half of ino once more */
};

struct user_flock_layout {
    uint16_t size;
    struct user_field type, whence, start, length, pid;
};

/* struct ipc64_perm, and semid64_ds, shmid64_ds and msqid64_ds that begin with it. */
struct user_ipc_layout {
    struct user_field key, uid, gid, cuid, cgid, mode, seq;
    uint8_t sem_size, shm_size, msg_size;
    struct user_field sem_otime, sem_ctime, sem_nsems;
    struct user_field shm_segsz, shm_atime, shm_dtime, shm_ctime, shm_cpid, shm_lpid, shm_nattch;
    struct user_field msg_stime, msg_rtime, msg_ctime, msg_cbytes, msg_qnum, msg_qbytes, msg_lspid, msg_lrpid;
};

/* An ioctl whose number is not what the rules for ioctls.c's rows give. */
struct user_ioctl_number {
    uint32_t guest, host;
};

/* The kernel's struct termios where it is not the host's; 36 bytes on all. */
struct user_termios {
    uint8_t n_cc;
    const struct user_bits *cflag, *lflag; /* NULL: as the host */
    const int8_t *cc; /* host index of each of the guest's control characters, -1: none */
    bool min_is_eof;  /* VMIN and VTIME stand in VEOF's and VEOL's places unless ICANON */
};

/* One system call. */
typedef int64_t user_handler(struct user_thread *thread, const uint64_t *a);

/* The columns of the system call table. */
enum user_numbering { USER_ARM_NUMBERS, USER_SPARC_NUMBERS, USER_N_NUMBERINGS };

#define USER_NO_CALL UINT32_MAX

struct user_syscall {
    const char *name;
    user_handler *run; /* NULL: the host's call `host` with the arguments converted by their letters */
    int16_t host;
    /* Arguments, one letter each: d int, u unsigned, x hexadecimal, o octal, p pointer, s file name, n name of a
     * link itself, c name of a file that may be made, D descriptor of the folder that the name behind it begins
     * at, S other string, b bytes (the next argument is their number), l 64 bits in two registers on 32-bit
     * guests (upper first when big-endian), f open flags, g signal, i and q address of an int or a 64-bit number
     * that the kernel reads and writes. A leading '!' says: may be begun again after a signal. */
    const char *args;
    uint32_t number[USER_N_NUMBERINGS]; /* USER_NO_CALL: not there */
};

extern const struct user_syscall user_calls[]; /* calls.c; ends with a NULL name */

struct user_abi {
    bool big_endian;
    uint8_t word;                     /* bytes of a long and of a pointer */
    uint8_t call_args;                /* registers that can hold arguments */
    bool pairs_aligned;               /* 64-bit arguments begin at even registers */
    enum user_numbering numbering;    /* of its system calls */

    const int16_t *errnos; /* guest's number for each of the host's */
    unsigned n_errnos;
    const uint8_t *signal_to_host, *signal_to_guest; /* 65 entries; 0: no such signal; NULL: as the host */
    uint8_t sig_block, sig_unblock, sig_setmask;     /* sigprocmask's how */
    const struct user_bits *open_flags, *mmap_flags, *action_flags, *socket_flags, *poll_events, *pipe_flags;
    const struct user_bits *lock_flags; /* of mlockall */
    const struct user_pair *socket_options; /* of SOL_SOCKET */
    int32_t sol_socket;
    const struct user_pair *fcntl_commands, *lock_types, *rlimits;
    uint64_t rlimit_infinity;
    const struct user_stat_layout *stat, *stat64;
    const struct user_flock_layout *flock, *flock64;
    const struct user_ipc_layout *ipc; /* NULL: the generic ones of 32-bit machines */
    bool ioctl_three_bits;             /* three bits of direction in an ioctl's number, not two */
    const struct user_ioctl_number *ioctls;
    unsigned n_ioctls;
    const struct user_termios *termios;
};

/* Conversions through those tables. A NULL list leaves the value as it is. */
uint32_t user_bits_to_host(const struct user_bits *list, uint32_t guest);
uint32_t user_bits_to_guest(const struct user_bits *list, uint32_t host);
int32_t user_pair_to_host(const struct user_pair *list, int32_t guest, int32_t unknown);
int32_t user_pair_to_guest(const struct user_pair *list, int32_t host, int32_t unknown);
int user_errno_to_guest(const struct user_abi *abi, int host);
int user_signal_to_host(const struct user_abi *abi, uint64_t guest); /* 0: no such signal */
int user_signal_to_guest(const struct user_abi *abi, int host);
uint64_t user_sigset_to_host(const struct user_abi *abi, uint64_t guest);
uint64_t user_sigset_to_guest(const struct user_abi *abi, uint64_t host);
/* Stores a value in a field of a guest structure that is being built at `to`; longer values are cut. */
void user_put_field(const struct user_abi *abi, void *to, struct user_field field, uint64_t value);
uint64_t user_get_field(const struct user_abi *abi, const void *from, struct user_field field);
void user_pack_stat(const struct user_abi *abi, const struct user_stat_layout *layout, void *to,
                    const struct stat *from);

#endif
