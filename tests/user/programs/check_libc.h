/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the test programs with a C library share: a check that says where it failed. */
#ifndef VITRINE_TESTS_USER_CHECK_LIBC_H
#define VITRINE_TESTS_USER_CHECK_LIBC_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            printf("line %d: %s (%s)\n", __LINE__, #condition, strerror(errno));                             \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

#endif
