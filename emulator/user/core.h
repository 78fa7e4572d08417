/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Core files: what is left of a program that dies of a signal, for its debugger.
 *
 * The file is the program's own (its instruction set, its addresses), as Linux would write it on its own machine:
 * NT_PRSTATUS and floating-point registers of each thread, NT_PRPSINFO, NT_AUXV, NT_FILE, and all memory that can be
 * read and has been touched. Its name follows /proc/sys/kernel/core_pattern; where that names a program ("|..."), which
 * only the kernel could start, it is "core" in the current folder. RLIMIT_CORE bounds its size; 0 means none.
 */
#ifndef VITRINE_USER_CORE_H
#define VITRINE_USER_CORE_H

#include <stdbool.h>
#include <stdint.h>

struct user_process;
struct user_thread;

/* Registers that follow one another for debuggers (gdb.h), and where a note has them. Lists end with count 0. */
struct user_core_run {
    uint8_t first, count, bytes;
    uint16_t offset;
};

/* An instruction set's notes: pr_reg of NT_PRSTATUS (linux/elfcore.h, the processor's elf_gregset_t) and another of
 * floating-point registers. */
struct user_core_arch {
    uint16_t general_size, float_size;
    const struct user_core_run *general, *floats;
    const char *float_owner;
    uint32_t float_type;
};

/* Does the kernel write core files for a signal (host's number) whose action is the default? signal(7) */
bool user_core_signal(int signal);
/* Are core files wanted now (RLIMIT_CORE)? Then signals must come through here. */
bool user_core_wanted(void);
/* The process dies of a signal, on the calling thread: writes the file when one is wanted. true: the host's kernel
 * shall say "core dumped" to whoever waits; everything is ready for it to write its own, which disappears. */
bool user_core_write(struct user_thread *thread, int signal);
/* Another thread is writing it: stands still for ever. */
void user_core_park(struct user_thread *thread);

#endif
