/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a program finds at its start: arguments, environment, auxiliary vector, an aligned stack. */
#include "check.h"

static const unsigned long *aux(unsigned long type)
{
    for (const unsigned long *a = rt_auxv; a[0]; a += 2) {
        if (a[0] == type)
            return a + 1;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const unsigned long *phdr = aux(3), *random = aux(25);
    const char *found = NULL;

    EXPECT(argc, 3);
    EXPECT(strcmp(argv[1], "one"), 0);
    EXPECT(strcmp(argv[2], "two words"), 0);
    CHECK(argv[3] == NULL);
    for (char **e = rt_environ; *e; e++) {
        if (memcmp(*e, "VITRINE_TEST=", 13) == 0)
            found = *e + 13;
    }
    CHECK(found && strcmp(found, "is here") == 0);
    EXPECT((unsigned long)__builtin_frame_address(0) & 7, 0);

    CHECK(phdr && aux(4) && aux(5) && aux(6) && aux(9) && aux(16) && random);
    EXPECT(*aux(4), 32);
    EXPECT(*aux(6), 4096);
    EXPECT(*(const uint32_t *)*phdr, 1); /* the first program header is PT_LOAD */
    CHECK(*aux(16) & 4);                 /* HWCAP: swap */
    CHECK(((const uint32_t *)*random)[0] | ((const uint32_t *)*random)[1]);
    CHECK(strlen((const char *)*aux(31)) > 0);
    return done();
}
