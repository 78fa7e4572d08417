/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 32-bit SPARC Linux (V8 and v8plus programs) as an instruction set of user mode. */
#ifndef VITRINE_USER_SPARC_SPARC_H
#define VITRINE_USER_SPARC_SPARC_H

#include "emulator/user/process.h"

extern const struct user_arch user_sparc;

/* abi.c: constants and layouts. */
extern const struct user_abi user_sparc_abi;
extern const struct user_core_arch user_sparc_core;
extern const struct user_gdb_arch user_sparc_gdb; /* gdb.c */

/* signal.c: frames on the program's stack. */
bool user_sparc_push_signal(struct user_thread *thread, int signal, const struct user_action *action,
                            const siginfo_t *info, uint64_t mask);
bool user_sparc_pop_signal(struct user_thread *thread, bool rt, uint64_t *mask);

#endif
