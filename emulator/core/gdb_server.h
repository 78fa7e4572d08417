/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * GDB's remote serial protocol over a socket (GDB manual, appendix E), for whatever can be stopped and looked
 * at: a foreign program, or the processors of a machine. All-stop mode.
 *
 * One thread serves: it calls gdb_server_run(), and all of the target's functions are called from there.
 * While the target runs, any other thread tells with gdb_server_notify() that there is something to report.
 */
#ifndef VITRINE_CORE_GDB_SERVER_H
#define VITRINE_CORE_GDB_SERVER_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct gdb_server;

/* GDB's own signal numbers that everybody needs (include/gdb/signals.def). */
enum { GDB_SIGNAL_NONE = 0, GDB_SIGNAL_INT = 2, GDB_SIGNAL_TRAP = 5, GDB_SIGNALS = 152 };

enum gdb_reason {
    GDB_REASON_SIGNAL,
    GDB_REASON_BREAK,
    GDB_REASON_WRITE,
    GDB_REASON_READ,
    GDB_REASON_ACCESS,
    GDB_REASON_EXEC, /* the process runs another program, which the target's object "exec-file" names */
};

struct gdb_stop {
    uint64_t thread; /* which, 1 or more */
    int signal;      /* GDB's number */
    enum gdb_reason reason;
    uint64_t address; /* of the watched bytes */
};

/* As in Z packets. */
enum gdb_point { GDB_POINT_SOFTWARE, GDB_POINT_HARDWARE, GDB_POINT_WRITE, GDB_POINT_READ, GDB_POINT_ACCESS };

enum gdb_how { GDB_CONTINUE, GDB_STEP, GDB_STAY };

struct gdb_action {
    uint64_t thread; /* 0: all that no earlier action names */
    enum gdb_how how;
    int signal; /* to be delivered first: GDB's number, 0: none */
};

struct gdb_target {
    /* The target description (XML); it decides which registers there are. */
    const char *(*description)(void *opaque);
    /* Fills in at most `most` threads; returns how many there are. */
    unsigned (*threads)(void *opaque, uint64_t *threads, unsigned most);
    /* Appends one register's bytes in the target's byte order, or sets it; false: no such register or thread.
     */
    bool (*read_register)(void *opaque, uint64_t thread, unsigned number, GByteArray *bytes);
    bool (*write_register)(void *opaque, uint64_t thread, unsigned number, const uint8_t *bytes, size_t size);
    unsigned (*register_size)(void *opaque, unsigned number); /* bytes; 0: no such register */
    bool (*read_memory)(void *opaque, uint64_t address, void *to, size_t size);
    bool (*write_memory)(void *opaque, uint64_t address, const void *from, size_t size);
    /* Sets or removes a point; `kind` is its bytes, or a breakpoint's kind. */
    bool (*point)(void *opaque, enum gdb_point type, uint64_t address, unsigned kind, bool set);
    void (*resume)(void *opaque, const struct gdb_action *actions, unsigned count);
    /* Asks for a stop, which then is notified like any other. */
    void (*interrupt)(void *opaque);
    /* After a notification: brings everything to a stand and tells why; false: there was nothing. */
    bool (*stopped)(void *opaque, struct gdb_stop *stop);
    void (*detach)(void *opaque); /* nobody looks any more: run on */
    void (*kill)(void *opaque);
    /* qXfer objects: "auxv", "exec-file", "siginfo"; false: not known. NULL: none. */
    bool (*object)(void *opaque, const char *object, uint64_t thread, GByteArray *bytes);
    /* The host's name of a file of the target, to be freed; NULL function: files are not offered. */
    char *(*file)(void *opaque, const char *name);
    /* Signals that need not be reported, by GDB's numbers. NULL: all are. */
    void (*pass)(void *opaque, const bool *signals);
};

/* Listens at `where`: a port of the loopback interface, or "unix:PATH"; or takes over the debugger that
 * gdb_server_hand_over() gave away. The target begins as stopped. */
struct gdb_server *gdb_server_new(const char *where, const struct gdb_target *target, void *opaque,
                                  GError **error);
void gdb_server_free(struct gdb_server *server);
/* Waits for a debugger. */
bool gdb_server_accept(struct gdb_server *server, GError **error);
/* Before this process executes a program that shall go on with the debugger: what it calls `where`, to be freed.
 * NULL: there is no debugger. When the other program could not be begun, the debugger is kept. */
char *gdb_server_hand_over(struct gdb_server *server);
void gdb_server_keep(struct gdb_server *server);
/* Serves until the debugger leaves, which detaches. */
void gdb_server_run(struct gdb_server *server);
/* From any thread: the target has stopped somewhere. */
void gdb_server_notify(struct gdb_server *server);
/* From any thread: the target has ended, by a status or by a signal (GDB's number). Tells it at once. */
void gdb_server_exited(struct gdb_server *server, bool killed, int code);

#endif
