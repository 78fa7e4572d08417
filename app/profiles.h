/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Systems that the wizard offers (data/profiles/NAME.ini) and families of computers (data/families/NAME.ini).
 * All that the windows know of a family beyond the engine's model rows stands there. Compiled in; a file of
 * the same name in $XDG_DATA_HOME/vitrine/profiles replaces or adds.
 */
#pragma once

#include <glib.h>

enum profile_medium { PROFILE_MEDIUM_NONE, PROFILE_MEDIUM_CDROM, PROFILE_MEDIUM_DISK, PROFILE_MEDIUM_KERNEL };

struct profile {
    char *id, *title, *summary; /* title and summary: translated */
    char *family, *model;
    char *machine; /* what a machine made from it is called at first */
    char *boot, *append, *display;
    unsigned order, memory_mib;
    guint64 disk_size; /* 0 = none */
    enum profile_medium medium;
    char **volumes; /* patterns of the volume names of its install CDs; may be NULL */
    char **systems;       /* patterns of libosinfo's short names ("netbsd*"); may be NULL */
    char **architectures; /* patterns of its processors; may be NULL */
};

struct family_chord {
    char *title;
    unsigned codes[8]; /* linux/input-event-codes.h, ends with 0 */
};

struct family {
    char *id, *title;
    GPtrArray *chords; /* struct family_chord */
};

/* All that a program needs, loaded once and kept by the caller. */
struct profiles {
    GPtrArray *profiles; /* struct profile, in the order to show them */
    GPtrArray *families; /* struct family */
};
struct profiles *profiles_load(void);
void profiles_free(struct profiles *profiles);

const struct family *profiles_find_family(const struct profiles *profiles, const char *id);
/* The profile whose install CD has this volume name; NULL. */
const struct profile *profiles_recognise(const struct profiles *profiles, const char *volume);

/* The profile for a system that libosinfo has recognised on a disc; `architecture` may be NULL. NULL. */
const struct profile *profiles_recognise_system(const struct profiles *profiles, const char *system,
                                                const char *architecture);

/* The volume name of an ISO 9660 image (ECMA-119 8.4.7), NULL if it is none; g_free(). Reads 2 KiB. */
char *profiles_read_volume_name(const char *path);
