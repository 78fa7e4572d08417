/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading and writing machine.ini: the table of keys, their bounds, and nothing about folders. */
#include "app/machine_ini.h"

#include "app/i18n.h"

#include <stdio.h>
#include <string.h>

G_DEFINE_QUARK(vitrine - machine - error, machine_ini_error)

enum value_kind { VALUE_TEXT, VALUE_LINE, VALUE_BOOL, VALUE_UINT, VALUE_TIME };

/* One plain value of MachineIni: where it stands in the file and in the struct, and its bound (bytes of a
 * text, greatest number). */
struct value {
    const char *group, *key;
    enum value_kind kind;
    size_t offset;
    guint64 bound;
};

#define FIELD(name) offsetof(MachineIni, name)

static const struct value values[] = {
    {"Machine", "Name", VALUE_LINE, FIELD(name), MACHINE_MAX_NAME},
    {"Machine", "Model", VALUE_LINE, FIELD(model), 64},
    {"Machine", "Memory", VALUE_UINT, FIELD(ram_mib), MACHINE_MAX_RAM_MIB},
    {"Machine", "Display", VALUE_LINE, FIELD(display), 64},
    {"Machine", "Accelerator", VALUE_LINE, FIELD(accel), 16},
    {"Machine", "Network", VALUE_BOOL, FIELD(network), 0},
    {"Machine", "Audio", VALUE_BOOL, FIELD(audio), 0},
    {"Machine", "Serial", VALUE_LINE, FIELD(serial), MACHINE_MAX_TEXT},
    {"Boot", "Device", VALUE_LINE, FIELD(boot), 32},
    {"Boot", "Firmware", VALUE_LINE, FIELD(firmware), MACHINE_MAX_TEXT},
    {"Boot", "Kernel", VALUE_LINE, FIELD(kernel), MACHINE_MAX_TEXT},
    {"Boot", "Initrd", VALUE_LINE, FIELD(initrd), MACHINE_MAX_TEXT},
    {"Boot", "Append", VALUE_LINE, FIELD(append), MACHINE_MAX_TEXT},
    {"Use", "Created", VALUE_TIME, FIELD(created), 0},
    {"Use", "LastUsed", VALUE_TIME, FIELD(last_used), 0},
    {"History", "Here", VALUE_LINE, FIELD(here), 64},
    {"History", "Before", VALUE_LINE, FIELD(before), 64},
    {"History", "Resume", VALUE_LINE, FIELD(resume), 64},
    {"History", "Undo", VALUE_LINE, FIELD(undo), 64},
    {"History", "Running", VALUE_BOOL, FIELD(running), 0},
    {"History", "AutosaveMinutes", VALUE_UINT, FIELD(autosave_minutes), 24 * 60},
    {"History", "AutosaveKeep", VALUE_UINT, FIELD(autosave_keep), 1000},
    {"Notes", "Text", VALUE_TEXT, FIELD(notes), MACHINE_MAX_NOTES},
};

MachineIni *machine_ini_new(const char *name, const char *model)
{
    MachineIni *machine = g_new0(MachineIni, 1);

    machine->name = g_strdup(name);
    machine->model = g_strdup(model);
    machine->network = TRUE;
    machine->audio = TRUE;
    machine->autosave_keep = MACHINE_AUTOSAVE_KEEP;
    machine->rest = g_key_file_new();
    return machine;
}

static void drive_clear(struct machine_drive *drive)
{
    g_free(drive->file);
    g_free(drive->format);
    g_free(drive->base);
    g_free(drive->fingerprint);
    memset(drive, 0, sizeof(*drive));
}

void machine_ini_free(MachineIni *machine)
{
    if (!machine)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        if (values[i].kind == VALUE_TEXT || values[i].kind == VALUE_LINE)
            g_free(G_STRUCT_MEMBER(char *, machine, values[i].offset));
    }
    for (unsigned i = 0; i < machine->disk_count; i++)
        drive_clear(&machine->disks[i]);
    drive_clear(&machine->cdrom);
    drive_clear(&machine->floppy);
    g_key_file_unref(machine->rest);
    g_free(machine);
}

MachineIni *machine_ini_copy(const MachineIni *machine)
{
    gsize size;
    g_autofree char *data = machine_ini_format(machine, &size);

    /* What was formatted can be parsed, unless a caller stored something out of bounds. */
    return machine_ini_parse(data, size, NULL);
}

void machine_ini_set_drive(struct machine_drive *drive, const char *file, const char *format, int unit,
                           gboolean read_only)
{
    char *new_file = g_strdup(file), *new_format = g_strdup(format); /* may be the drive's own */

    drive_clear(drive);
    drive->file = new_file;
    drive->format = new_format;
    drive->unit = unit;
    drive->read_only = read_only;
}

struct machine_drive *machine_ini_add_disk(MachineIni *machine, const char *file, const char *format,
                                           int unit, gboolean read_only, GError **error)
{
    if (machine->disk_count == MACHINE_MAX_DISKS) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_INVALID, _("A machine has at most %d disks."),
                    MACHINE_MAX_DISKS);
        return NULL;
    }
    struct machine_drive *drive = &machine->disks[machine->disk_count++];
    machine_ini_set_drive(drive, file, format, unit, read_only);
    return drive;
}

/* NULL when a machine may be called so. */
static const char *problem_of_name(const char *name)
{
    if (!name || !*name)
        return _("A machine needs a name.");
    if (strlen(name) > MACHINE_MAX_NAME)
        return _("The name of the machine is too long.");
    if (!g_utf8_validate(name, -1, NULL))
        return _("The name of the machine is not valid UTF-8.");
    if (name[0] == '.')
        return _("The name of a machine cannot begin with a dot.");
    for (const char *p = name; *p; p = g_utf8_next_char(p)) {
        if (*p == '/' || !g_unichar_isprint(g_utf8_get_char(p)))
            return _("The name of a machine cannot hold slashes or control characters.");
    }
    return NULL;
}

gboolean machine_ini_name_is_valid(const char *name, GError **error)
{
    const char *problem = problem_of_name(name);

    /* One that has such a name already can be read, and called otherwise. */
    if (!problem && strspn(name, " ") == strlen(name))
        problem = _("A machine needs a name.");
    if (!problem)
        return TRUE;
    g_set_error_literal(error, MACHINE_ERROR, MACHINE_ERROR_INVALID, problem);
    return FALSE;
}

/* ---- reading ---- */

static gboolean bad_value(GError **error, const char *group, const char *key)
{
    g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_SYNTAX,
                _("The machine's description cannot be read: the value of “%s” in [%s] is not possible."),
                key, group);
    return FALSE;
}

/* GKeyFile's escapes (Desktop Entry Specification, "Possible value types"): it complains about others one by one. */
static gboolean escapes_are_known(const char *raw)
{
    for (const char *at = raw; (at = strchr(at, '\\')); at += 2)
        if (!at[1] || !strchr("sntr\\", at[1]))
            return FALSE;
    return TRUE;
}

/* Absent keys leave *text alone. */
static gboolean read_text(GKeyFile *file, const char *group, const char *key, gsize bound, gboolean one_line,
                          char **text, GError **error)
{
    if (!g_key_file_has_key(file, group, key, NULL))
        return TRUE;
    g_autofree char *raw = g_key_file_get_value(file, group, key, NULL);
    if (!raw || !escapes_are_known(raw))
        return bad_value(error, group, key);
    g_autofree char *value = g_key_file_get_string(file, group, key, NULL);
    if (!value || strlen(value) > bound || (one_line && strpbrk(value, "\n\r")))
        return bad_value(error, group, key);
    g_free(*text);
    *text = *value ? g_steal_pointer(&value) : NULL;
    return TRUE;
}

static gboolean read_uint(GKeyFile *file, const char *group, const char *key, guint64 bound, guint64 *number,
                          GError **error)
{
    if (!g_key_file_has_key(file, group, key, NULL))
        return TRUE;
    g_autofree char *value = g_key_file_get_value(file, group, key, NULL);
    if (!value || !g_ascii_string_to_unsigned(value, 10, 0, bound, number, NULL))
        return bad_value(error, group, key);
    return TRUE;
}

static gboolean read_bool(GKeyFile *file, const char *group, const char *key, gboolean *flag, GError **error)
{
    g_autoptr(GError) bad = NULL;

    if (!g_key_file_has_key(file, group, key, NULL))
        return TRUE;
    gboolean value = g_key_file_get_boolean(file, group, key, &bad);
    if (bad)
        return bad_value(error, group, key);
    *flag = value;
    return TRUE;
}

static gboolean read_drive(GKeyFile *file, const char *group, struct machine_drive *drive, GError **error)
{
    guint64 unit = G_MAXUINT64;

    if (!read_text(file, group, "File", MACHINE_MAX_TEXT, TRUE, &drive->file, error) ||
        !read_text(file, group, "Format", 16, TRUE, &drive->format, error) ||
        !read_text(file, group, "Base", MACHINE_MAX_TEXT, TRUE, &drive->base, error) ||
        !read_text(file, group, "Fingerprint", MACHINE_MAX_TEXT, TRUE, &drive->fingerprint, error) ||
        !read_uint(file, group, "Unit", 255, &unit, error) ||
        !read_bool(file, group, "ReadOnly", &drive->read_only, error))
        return FALSE;
    drive->unit = unit == G_MAXUINT64 ? -1 : (int)unit;
    return TRUE;
}

static gboolean read_mac(GKeyFile *file, uint8_t mac[6], GError **error)
{
    g_autofree char *text = NULL;
    unsigned byte[6];
    char end;

    if (!read_text(file, "Machine", "Mac", 17, TRUE, &text, error))
        return FALSE;
    if (!text)
        return TRUE;
    if (strlen(text) != 17 || sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &byte[0], &byte[1], &byte[2],
                                     &byte[3], &byte[4], &byte[5], &end) != 6)
        return bad_value(error, "Machine", "Mac");
    for (int i = 0; i < 6; i++)
        mac[i] = (uint8_t)byte[i];
    return TRUE;
}

/* A file in which a key stands twice in a group (in two parts of it) is made anew, with the value that
 * GKeyFile reads: it would keep the other one for ever. */
static GKeyFile *drop_duplicates(GKeyFile *file)
{
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
    GKeyFile *clean = g_key_file_new();
    gboolean twice = FALSE;

    for (char **group = groups; *group; group++) {
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
        g_auto(GStrv) keys = g_key_file_get_keys(file, *group, NULL, NULL);
        for (char **key = keys; key && *key; key++) {
            g_autofree char *value = g_key_file_get_value(file, *group, *key, NULL);
            twice |= !g_hash_table_add(seen, *key);
            g_key_file_set_value(clean, *group, *key, value ? value : "");
        }
    }
    if (!twice) {
        g_key_file_unref(clean);
        return file;
    }
    g_key_file_unref(file);
    return clean;
}

MachineIni *machine_ini_parse(const char *data, gsize size, GError **error)
{
    g_autoptr(MachineIni) machine = machine_ini_new(NULL, NULL);
    g_autoptr(GError) syntax = NULL;
    GKeyFile *file = machine->rest;
    guint64 version = 0;

    if (size > MACHINE_MAX_FILE) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_SYNTAX,
                    _("The machine's description is too long to be one."));
        return NULL;
    }
    if (!g_utf8_validate(data, (gssize)size, NULL) ||
        !g_key_file_load_from_data(file, data, size, G_KEY_FILE_KEEP_COMMENTS | G_KEY_FILE_KEEP_TRANSLATIONS,
                                   &syntax)) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_SYNTAX,
                    _("The machine's description cannot be read: %s."),
                    syntax ? syntax->message : _("it is not text"));
        return NULL;
    }
    file = machine->rest = drop_duplicates(file);
    if (!read_uint(file, "Vitrine", "Version", G_MAXUINT32, &version, error))
        return NULL;
    if (version == 0) {
        g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_SYNTAX,
                    _("This is not the description of a machine: it names no version."));
        return NULL;
    }
    if (version > MACHINE_INI_VERSION) {
        g_set_error(
            error, MACHINE_ERROR, MACHINE_ERROR_VERSION,
            _("This machine was made by a newer Vitrine (description version %u, this program knows %d). "
              "Please update Vitrine."),
            (unsigned)version, MACHINE_INI_VERSION);
        return NULL;
    }

    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        const struct value *v = &values[i];
        void *field = (char *)machine + v->offset;
        guint64 number = 0;
        gboolean ok = TRUE;
        switch (v->kind) {
        case VALUE_TEXT:
        case VALUE_LINE:
            ok = read_text(file, v->group, v->key, v->bound, v->kind == VALUE_LINE, field, error);
            break;
        case VALUE_BOOL: ok = read_bool(file, v->group, v->key, field, error); break;
        case VALUE_UINT:
            number = *(unsigned *)field; /* an absent key leaves it alone */
            ok = read_uint(file, v->group, v->key, v->bound, &number, error);
            *(unsigned *)field = (unsigned)number;
            break;
        case VALUE_TIME:
            ok = read_uint(file, v->group, v->key, G_MAXUINT32 * G_GUINT64_CONSTANT(64), &number, error);
            *(gint64 *)field = (gint64)number;
            break;
        }
        if (!ok)
            return NULL;
    }
    if (!read_mac(file, machine->mac, error) || !read_drive(file, "CD-ROM", &machine->cdrom, error) ||
        !read_drive(file, "Floppy", &machine->floppy, error))
        return NULL;
    for (unsigned i = 0; i < MACHINE_MAX_DISKS; i++) {
        char group[16];
        g_snprintf(group, sizeof(group), "Disk %u", i);
        if (!g_key_file_has_group(file, group))
            break;
        if (!read_drive(file, group, &machine->disks[machine->disk_count++], error))
            return NULL;
        if (!machine->disks[i].file) {
            bad_value(error, group, "File");
            return NULL;
        }
    }
    if (!machine->model) {
        bad_value(error, "Machine", "Model");
        return NULL;
    }
    const char *problem = problem_of_name(machine->name);
    if (problem) {
        g_set_error_literal(error, MACHINE_ERROR, MACHINE_ERROR_INVALID, problem);
        return NULL;
    }
    return g_steal_pointer(&machine);
}

/* ---- writing ---- */

static void write_text(GKeyFile *file, const char *group, const char *key, const char *text)
{
    if (text && *text)
        g_key_file_set_string(file, group, key, text);
    else
        g_key_file_remove_key(file, group, key, NULL);
}

static void write_drive(GKeyFile *file, const char *group, const struct machine_drive *drive)
{
    if (!drive->file) {
        g_key_file_remove_group(file, group, NULL);
        return;
    }
    write_text(file, group, "File", drive->file);
    write_text(file, group, "Format", drive->format);
    write_text(file, group, "Base", drive->base);
    write_text(file, group, "Fingerprint", drive->fingerprint);
    if (drive->unit >= 0)
        g_key_file_set_integer(file, group, "Unit", drive->unit);
    else
        g_key_file_remove_key(file, group, "Unit", NULL);
    g_key_file_set_boolean(file, group, "ReadOnly", drive->read_only);
}

char *machine_ini_format(const MachineIni *machine, gsize *size)
{
    static const uint8_t no_mac[6] = {0};
    GKeyFile *file = machine->rest;

    g_key_file_set_integer(file, "Vitrine", "Version", MACHINE_INI_VERSION);
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        const struct value *v = &values[i];
        const void *field = (const char *)machine + v->offset;
        switch (v->kind) {
        case VALUE_TEXT:
        case VALUE_LINE: write_text(file, v->group, v->key, *(char *const *)field); break;
        case VALUE_BOOL: g_key_file_set_boolean(file, v->group, v->key, *(const gboolean *)field); break;
        case VALUE_UINT: g_key_file_set_uint64(file, v->group, v->key, *(const unsigned *)field); break;
        case VALUE_TIME: g_key_file_set_int64(file, v->group, v->key, *(const gint64 *)field); break;
        }
    }
    if (memcmp(machine->mac, no_mac, sizeof(no_mac)) != 0) {
        const uint8_t *m = machine->mac;
        g_autofree char *mac =
            g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
        g_key_file_set_string(file, "Machine", "Mac", mac);
    } else {
        g_key_file_remove_key(file, "Machine", "Mac", NULL);
    }
    for (unsigned i = 0; i < MACHINE_MAX_DISKS; i++) {
        char group[16];
        g_snprintf(group, sizeof(group), "Disk %u", i);
        write_drive(file, group, &machine->disks[i]); /* an empty one removes the group */
    }
    write_drive(file, "CD-ROM", &machine->cdrom);
    write_drive(file, "Floppy", &machine->floppy);
    return g_key_file_to_data(file, size, NULL);
}

static gboolean check_file(const char *file, GError **error)
{
    if (!file || (g_utf8_validate(file, -1, NULL) && !strpbrk(file, "\n\r")))
        return TRUE;
    g_autofree char *shown = g_filename_display_name(file);
    g_strdelimit(shown, "\n\r", ' ');
    g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_INVALID,
                _("“%s” cannot be used: its name, or that of a folder it is in, has a line break or is not text in UTF-8. "
                  "Rename it, or copy it to another place."),
                shown);
    return FALSE;
}

gboolean machine_ini_check_files(const MachineIni *machine, GError **error)
{
    gboolean ok = check_file(machine->kernel, error) && check_file(machine->initrd, error) &&
                  check_file(machine->firmware, error) && check_file(machine->cdrom.file, error) &&
                  check_file(machine->floppy.file, error);

    for (unsigned i = 0; ok && i < machine->disk_count; i++)
        ok = check_file(machine->disks[i].file, error) && check_file(machine->disks[i].base, error);
    return ok;
}

char *machine_ini_format_to_write(const MachineIni *machine, gsize *size, GError **error)
{
    if (!machine_ini_check_files(machine, error))
        return NULL;
    g_autofree char *data = machine_ini_format(machine, size);
    g_autoptr(MachineIni) again = machine_ini_parse(data, *size, error);
    return again ? g_steal_pointer(&data) : NULL;
}

static gboolean all_keys_in(GKeyFile *file, GKeyFile *other)
{
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
    gboolean same = TRUE;

    for (char **group = groups; same && *group; group++) {
        g_auto(GStrv) keys = g_key_file_get_keys(file, *group, NULL, NULL);
        for (char **key = keys; same && key && *key; key++) {
            g_autofree char *a = g_key_file_get_value(file, *group, *key, NULL);
            g_autofree char *b = g_key_file_get_value(other, *group, *key, NULL);
            same = g_strcmp0(a, b) == 0;
        }
    }
    return same;
}

gboolean machine_ini_equal(const MachineIni *a, const MachineIni *b)
{
    g_free(machine_ini_format(a, NULL)); /* brings `rest` up to date */
    g_free(machine_ini_format(b, NULL));
    return all_keys_in(a->rest, b->rest) && all_keys_in(b->rest, a->rest);
}

/* ---- shared folders ---- */

#define SHARED "Shared"

void machine_ini_set_shared_folder(MachineIni *machine, const char *file, const char *folder)
{
    if (folder)
        g_key_file_set_string(machine->rest, SHARED, file, folder);
    else
        g_key_file_remove_key(machine->rest, SHARED, file, NULL);
}

char *machine_disk_title(guint number, guint count)
{
    return count == 1 ? g_strdup(_("Hard Disk")) : g_strdup_printf(_("Hard Disk %u"), number + 1);
}

char *machine_ini_get_shared_folder(const MachineIni *machine, const char *file)
{
    return file ? g_key_file_get_string(machine->rest, SHARED, file, NULL) : NULL;
}

void machine_ini_forget_shared_folders(MachineIni *machine)
{
    g_key_file_remove_group(machine->rest, SHARED, NULL);
}
