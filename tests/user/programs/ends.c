/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ends in the way that its first argument names: what the outside sees of exits and deaths. */
#include "check.h"

int main(int argc, char **argv)
{
    volatile uint32_t zero = 0, result;
    uint32_t address = 0;

    if (argc < 2)
        return 50;
    if (CALL2(NR_access, "/no\twhere", 0) != -E_NOENT)
        return 51;
    if (strcmp(argv[1], "exit") == 0)
        return rt_atoi(argv[2]);
    if (strcmp(argv[1], "script") == 0) /* the kernel's order: option, script, argument */
        return strcmp(argv[2] + strlen(argv[2]) - 11, "/bin/script") == 0 && argc == 4 ? 50 + rt_atoi(argv[3])
                                                                                       : 52;
    if (strcmp(argv[1], "abort") == 0)
        CALL2(NR_kill, CALL0(NR_getpid), S_ABRT);
    if (strcmp(argv[1], "user") == 0)
        CALL2(NR_kill, CALL0(NR_getpid), S_USR1);
    __asm__("" : "+r"(address));
    if (strcmp(argv[1], "null") == 0)
        *(volatile uint32_t *)address = 1;
    if (strcmp(argv[1], "misaligned") == 0)
        *(volatile uint32_t *)((uint32_t)argv | 2) = 1;
    if (strcmp(argv[1], "illegal") == 0)
        __asm__ volatile("unimp 5");
    if (strcmp(argv[1], "divide") == 0)
        result = 1000 / zero;
    (void)result;
    return 53;
}
