/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A debugger for the program (GDB's remote protocol, core/gdb_server.h): its threads stop at breakpoints,
 * watched memory, signals and after single steps.
 */
#ifndef VITRINE_USER_GDB_H
#define VITRINE_USER_GDB_H

#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct user_process;
struct user_thread;
struct user_trap;

/* A register as GDB's target descriptions have it (GDB manual, appendix G). Lists end with a NULL name. */
struct user_gdb_register {
    const char *name;
    uint16_t bits;
    const char *type; /* "int", "code_ptr", "data_ptr", "ieee_single", ... */
};

struct user_gdb_feature {
    const char *name;
    const struct user_gdb_register *registers;
};

#define USER_GDB_REGISTER_MOST 16 /* bytes */

/* An instruction set as a debugger sees it. Registers are numbered in the order of the features. */
struct user_gdb_arch {
    const char *architecture;
    const struct user_gdb_feature *features; /* ends with a NULL name */
    /* A register's bytes in the program's order; false: it has none of that number. */
    bool (*get)(struct user_thread *thread, unsigned number, uint8_t *bytes);
    bool (*set)(struct user_thread *thread, unsigned number, const uint8_t *bytes);
    /* The instruction of a breakpoint of GDB's kind; its size, 0: no such kind. */
    unsigned (*breakpoint)(unsigned kind, uint8_t bytes[4]);
    /* The debugger expects to hear of an access to watched memory before it has happened. */
    bool watches_before;
};

/* Waits for a debugger at a port or "unix:PATH", before the program's first instruction. */
bool user_gdb_start(struct user_process *process, const char *where, GError **error);

/* All of the following: with process->gdb set, on the thread itself. */

/* Before the processor runs: stands still as long as the debugger wants. */
void user_gdb_poll(struct user_thread *thread);
/* After it has run: true when the debugger's business explains the event, which then is dealt with. */
bool user_gdb_event(struct user_thread *thread, struct user_trap *trap);
/* A signal for the program: the one that the debugger lets pass (0: none). */
int user_gdb_signal(struct user_thread *thread, int signal, const siginfo_t *info);
/* The program ends: status, or signal (host's number). */
void user_gdb_exited(struct user_process *process, bool killed, int code);
/* Before execve of a program of ours: the value of its option --gdb, to be freed; NULL: nobody looks. */
char *user_gdb_hand_over(struct user_thread *thread);
/* execve has failed. */
void user_gdb_keep(struct user_process *process);
/* In the child of a fork, which nobody looks at. */
void user_gdb_forked(struct user_process *process);
void user_gdb_thread_free(struct user_thread *thread);

#endif
