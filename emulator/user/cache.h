/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The translation cache on disk: a folder with one file of translations (jit/store.h) for each program, build of
 * Vitrine, host processor and set of options, named by the digest of all these.
 *
 * A program looks for its file when it starts; what is found is used as the processor gets there. When it ends or
 * runs another one, and much was translated that the file did not have, a process of its own goes on in its copy of
 * this one's memory: it compiles what was only interpreted, and writes a new file with that and with what the old one
 * had. So the program and who waits for it are not held up. The file holds host code: it and its folder must belong to
 * the user, and nobody else may have the right to write them. Files are replaced as a whole, never changed. The
 * oldest are removed when the folder grows beyond USER_CACHE_BYTES.
 */
#ifndef VITRINE_USER_CACHE_H
#define VITRINE_USER_CACHE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct user_process;
struct user_thread;
struct user_cache;

#define USER_CACHE_BYTES ((uint64_t)512 << 20)

/* The usual folder, $XDG_CACHE_HOME/vitrine/translations; NULL: neither that variable nor $HOME is set. */
char *user_cache_folder(void);

/* Finds the program's file in options.cache and gives it to process->jit. NULL where there is to be no cache. */
struct user_cache *user_cache_open(struct user_process *process);
void user_cache_free(struct user_cache *cache); /* takes NULL */
/* The program ends here, or another one takes its place: keeps what is new. */
void user_cache_keep(struct user_thread *thread);

/* What is in a folder; one that is not there is empty. */
bool user_cache_measure(const char *folder, unsigned *files, uint64_t *bytes, GError **error);
bool user_cache_clear(const char *folder, unsigned *files, uint64_t *bytes, GError **error);

#endif
