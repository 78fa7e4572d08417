/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A machine's description as it stands in machine.ini, the one file that every bundle has. A versioned key
 * file (UTF-8); each value is checked against a bound when it is read, and groups or keys that this version
 * does not know are kept when it is written again.
 *
 *   [Vitrine]  Version=1
 *   [Machine]  Name Model Memory(MiB) Display Accelerator Network Audio Serial Mac
 *   [Disk 0] … File Format Unit ReadOnly        a relative File is meant inside the bundle
 *              Base Fingerprint                 the original it stands on
 *   [CD-ROM] [Floppy]  File ReadOnly
 *   [Boot]     Device Firmware Kernel Initrd Append
 *   [Use]      Created LastUsed (seconds since 1970)
 *   [Notes]    Text
 *   [History]  Here Before Resume Undo Running AutosaveMinutes AutosaveKeep
 */
#pragma once

#include <glib.h>
#include <stdint.h>

#define MACHINE_INI_VERSION 1
#define MACHINE_MAX_DISKS   16
#define MACHINE_MAX_FILE    (1024 * 1024) /* bytes of a machine.ini */
#define MACHINE_MAX_TEXT    4096          /* bytes of a path, an argument string */
#define MACHINE_MAX_NAME    200
#define MACHINE_MAX_NOTES   65536
#define MACHINE_AUTOSAVE_KEEP 5
#define MACHINE_MAX_RAM_MIB (1024 * 1024)

#define MACHINE_ERROR (machine_ini_error_quark())
GQuark machine_ini_error_quark(void);
enum machine_error {
    MACHINE_ERROR_SYNTAX,  /* no key file, or a value out of its bounds */
    MACHINE_ERROR_VERSION, /* written by a newer Vitrine */
    MACHINE_ERROR_EXISTS,
    MACHINE_ERROR_NOT_FOUND,
    MACHINE_ERROR_IN_USE,  /* open in another window or program */
    MACHINE_ERROR_INVALID, /* an option that makes no sense for the model */
};

struct machine_drive {
    char *file;   /* NULL: empty */
    char *format; /* name of an image format; NULL = probe */
    int unit;     /* -1 = next free */
    gboolean read_only;
    char *base;        /* the original that its chain ends on, outside of this machine; NULL = none known */
    char *fingerprint; /* of the original, when it was given to the machine */
};

typedef struct MachineIni {
    char *name, *model;
    unsigned ram_mib; /* 0 = the model's default */
    char *display;    /* NULL = the model's first */
    char *accel;      /* "jit", "interp", "kvm"; NULL = jit */
    gboolean network, audio;
    char *serial; /* "window", "none", "pty" or a file's path; NULL = window */
    uint8_t mac[6];
    struct machine_drive disks[MACHINE_MAX_DISKS];
    unsigned disk_count;
    struct machine_drive cdrom, floppy;
    char *boot, *firmware, *kernel, *initrd, *append;
    gint64 created, last_used; /* seconds since 1970; 0 = never */
    char *notes;
    /* Where in its history the machine is (app/history_store.h); NULL: nowhere. */
    char *here, *before, *resume, *undo;
    gboolean running; /* it was started and has not ended in good order */
    unsigned autosave_minutes, autosave_keep;
    GKeyFile *rest; /* what was read, with what this version does not know */
} MachineIni;

MachineIni *machine_ini_new(const char *name, const char *model);
MachineIni *machine_ini_copy(const MachineIni *machine);
void machine_ini_free(MachineIni *machine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MachineIni, machine_ini_free)

/* Reads the contents of a machine.ini; NULL with a sentence. */
MachineIni *machine_ini_parse(const char *data, gsize size, GError **error);
/* Its contents; g_free(). */
char *machine_ini_format(const MachineIni *machine, gsize *size);
/* Its contents to be written: what cannot be read again is refused with a sentence (NULL). g_free(). */
char *machine_ini_format_to_write(const MachineIni *machine, gsize *size, GError **error);
/* FALSE, with a sentence: the name of a file cannot stand in a description. */
gboolean machine_ini_check_files(const MachineIni *machine, GError **error);
/* Do they say the same, also in keys that this program does not know? */
gboolean machine_ini_equal(const MachineIni *a, const MachineIni *b);

void machine_ini_set_drive(struct machine_drive *drive, const char *file, const char *format, int unit,
                           gboolean read_only);
/* NULL with MACHINE_ERROR_INVALID when all places are taken. */
struct machine_drive *machine_ini_add_disk(MachineIni *machine, const char *file, const char *format,
                                           int unit, gboolean read_only, GError **error);
/* A name that may be given to a machine: 1 to MACHINE_MAX_NAME bytes, UTF-8, one line, no slash, no dot in
 * front, not only spaces. */
gboolean machine_ini_name_is_valid(const char *name, GError **error);

/* What people call hard disk `number` (from 0) of `count`: "Hard Disk", or "Hard Disk 2" where there are several. g_free(). */
char *machine_disk_title(guint number, guint count);

/* The folder of this computer that a drive's `file` was made from ([Shared] FILE=FOLDER); NULL. g_free(). */
char *machine_ini_get_shared_folder(const MachineIni *machine, const char *file);
/* `folder` NULL: forgets it. */
void machine_ini_set_shared_folder(MachineIni *machine, const char *file, const char *folder);
void machine_ini_forget_shared_folders(MachineIni *machine);
