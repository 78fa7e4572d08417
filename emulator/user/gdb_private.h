/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the debugger's target share. All but the target's functions want user_gdb.lock. */
#ifndef VITRINE_USER_GDB_PRIVATE_H
#define VITRINE_USER_GDB_PRIVATE_H

#include "emulator/core/gdb_server.h"
#include "emulator/user/process.h"

struct point {
    enum gdb_point type;
    uint64_t address;
    unsigned size;
    uint8_t saved[4], code[4]; /* breakpoints: the bytes below, and the instruction that stops */
    GByteArray *before;        /* watched for writes: the bytes that were there */
};

struct user_gdb {
    struct user_process *process;
    struct gdb_server *server;
    char *description;

    GMutex lock; /* all below, and every thread's part */
    GCond changed;
    bool halted;      /* all shall stand */
    bool interrupted; /* the debugger asked */
    bool gone;        /* nobody looks any more */
    GArray *points;   /* struct point */
    unsigned lifted;  /* threads that need the watched pages accessible */
    bool pass[65];    /* host's signals that are not reported */
};

struct user_gdb_thread {
    bool parked, stay;
    bool step, stepped;
    bool lifts; /* counted in user_gdb.lifted */
    bool has_event;
    struct gdb_stop event;
    int deliver;    /* host's signal that the debugger wants delivered */
    int unreported; /* one that it has seen already */
    siginfo_t info; /* of the event's signal */
    uint64_t icount;
};

/* gdb_points.c */

/* A point of watched memory, not a breakpoint. */
bool user_gdb_watches(const struct point *p);
bool user_gdb_any_watch(const struct user_gdb *gdb);
/* Gives a thread the rights of watched pages for a while, and takes them away again. */
void user_gdb_lift(struct user_gdb *gdb, struct user_gdb_thread *g);
void user_gdb_unlift(struct user_gdb *gdb, struct user_gdb_thread *g);
/* The host's rights of a page as the program has it. */
int user_gdb_page_prot(const struct user_mem *mem, uint64_t page);
/* With the rights given: a point whose bytes have been written with other ones. */
struct point *user_gdb_written(struct user_gdb *gdb);
/* A point that an access at `address`, of a size that is not known, may touch. */
struct point *user_gdb_touched(struct user_gdb *gdb, uint64_t address);
bool user_gdb_in_watched_page(struct user_gdb *gdb, uint64_t address);
/* Writes into read-only pages too, and voids translations. */
bool user_gdb_force_write(struct user_gdb *gdb, uint64_t address, const void *from, size_t size);
void user_gdb_remove_point(struct user_gdb *gdb, guint index);

/* For struct gdb_target; they take the lock. */
bool user_gdb_read_memory(void *opaque, uint64_t address, void *to, size_t size);
bool user_gdb_write_memory(void *opaque, uint64_t address, const void *from, size_t size);
bool user_gdb_change_point(void *opaque, enum gdb_point type, uint64_t address, unsigned kind, bool set);

#endif
