/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ARM Linux, EABI (armel and armhf programs) as an instruction set of user mode. */
#ifndef VITRINE_USER_ARM_ARM_H
#define VITRINE_USER_ARM_ARM_H

#include "emulator/user/process.h"

extern const struct user_arch user_arm, user_armeb;

/* abi.c: constants and layouts. */
extern const struct user_gdb_arch user_arm_gdb; /* gdb.c */
extern const struct user_core_arch user_arm_core;
extern const struct user_abi user_arm_abi, user_armeb_abi;

/* cpu.c: the private calls (asm/unistd.h, __ARM_NR_*). */
user_handler user_sys_arm_breakpoint, user_sys_arm_cacheflush, user_sys_arm_usr32, user_sys_arm_set_tls,
    user_sys_arm_get_tls;

/* signal.c: frames on the program's stack, and the code that handlers without a restorer return to, which stands
 * in the page of kernel helpers. */
void user_arm_fill_trampolines(uint8_t *helper_page);
bool user_arm_push_signal(struct user_thread *thread, int signal, const struct user_action *action,
                          const siginfo_t *info, uint64_t mask);
bool user_arm_pop_signal(struct user_thread *thread, bool rt, uint64_t *mask);

#endif
