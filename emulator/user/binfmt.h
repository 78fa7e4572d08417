/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How Linux's binfmt_misc recognises the programs that can run here
 * (Documentation/admin-guide/binfmt-misc.rst): the first bytes of their files, one entry a kind of ELF file.
 */
#ifndef VITRINE_USER_BINFMT_H
#define VITRINE_USER_BINFMT_H

#include <glib.h>
#include <stdint.h>

#define USER_BINFMT_BYTES 20 /* up to e_machine */

struct user_binfmt {
    char *name; /* "vitrine-arm" */
    uint8_t magic[USER_BINFMT_BYTES], mask[USER_BINFMT_BYTES];
};

/* The file that binfmt_misc shall start: `vitrine exec` under a name of its own, as it gets no options. It is
 * called with the program's file, its argv[0] and its arguments (flag P), and found even where / is another
 * one (F). */
#define USER_BINFMT_INTERPRETER "vitrine-binfmt"
#define USER_BINFMT_FLAGS       "PF"

/* All kinds, by the table of instruction sets: struct user_binfmt, freed with the array. */
GPtrArray *user_binfmt_list(void);
/* What is written to .../binfmt_misc/register. */
char *user_binfmt_line(const struct user_binfmt *kind, const char *interpreter);

#endif
