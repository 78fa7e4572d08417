/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compares a description with what its model can have. */
#include "app/machine_check.h"

#include "app/bundle.h"
#include "app/i18n.h"
#include "emulator/engine.h"

#include <string.h>

static void finding_free(gpointer data)
{
    struct machine_finding *finding = data;

    g_free(finding->text);
    g_free(finding);
}

static void add(GPtrArray *findings, enum machine_finding_level level, const char *setting, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

static void add(GPtrArray *findings, enum machine_finding_level level, const char *setting, const char *format, ...)
{
    struct machine_finding *finding = g_new0(struct machine_finding, 1);
    va_list arguments;
    guint at = findings->len;

    finding->level = level;
    finding->setting = setting;
    va_start(arguments, format);
    finding->text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (level == FINDING_ERROR) {
        for (at = 0; at < findings->len; at++) {
            const struct machine_finding *other = findings->pdata[at];
            if (other->level != FINDING_ERROR)
                break;
        }
    }
    g_ptr_array_insert(findings, (int)at, finding);
}

static void check_file(GPtrArray *findings, const char *folder, const char *file, const char *setting,
                       const char *what)
{
    if (!file)
        return;
    g_autofree char *path = vitrine_bundle_path(folder, file);
    g_autofree char *shown = g_filename_display_name(path);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        add(findings, FINDING_ERROR, setting, _("%s “%s” is not there. Choose it again, or take it out."), what, shown);
}

static void check_memory(GPtrArray *findings, const MachineIni *machine, const struct engine_model *model)
{
    if (machine->ram_mib && (machine->ram_mib < model->ram_min_mib || machine->ram_mib > model->ram_max_mib))
        add(findings, FINDING_ERROR, "memory",
            _("%u MiB of memory do not fit into a %s: it takes %u to %u MiB."), machine->ram_mib, _(model->title),
            model->ram_min_mib, model->ram_max_mib);
}

static void check_display(GPtrArray *findings, const MachineIni *machine, const struct engine_model *model)
{
    if (!machine->display)
        return;
    for (const struct engine_choice *choice = model->displays; choice && choice->id; choice++) {
        if (strcmp(choice->id, machine->display) == 0)
            return;
    }
    add(findings, FINDING_ERROR, "display", _("A %s has no graphics card “%s”. Choose another one."),
        _(model->title), machine->display);
}

static gboolean knows_unit(const struct engine_model *model, int unit)
{
    for (unsigned i = 0; i < model->disk_units; i++) {
        if ((int)model->disk_unit_numbers[i] == unit)
            return TRUE;
    }
    return FALSE;
}

static void check_disks(GPtrArray *findings, const char *folder, const MachineIni *machine,
                        const struct engine_model *model)
{
    if (machine->disk_count > model->disk_units)
        add(findings, FINDING_ERROR, "disks",
            ngettext("A %s has room for %u hard disk, here are %u. Take some out.",
                     "A %s has room for %u hard disks, here are %u. Take some out.", model->disk_units),
            _(model->title), model->disk_units, machine->disk_count);
    for (unsigned i = 0; i < machine->disk_count; i++) {
        const struct machine_drive *disk = &machine->disks[i];
        check_file(findings, folder, disk->file, "disks", _("The disk image"));
        if (disk->unit < 0)
            continue;
        if (!knows_unit(model, disk->unit))
            add(findings, FINDING_ERROR, "disks", _("A %s has no place for a disk with the number %d."),
                _(model->title), disk->unit);
        for (unsigned j = 0; j < i; j++) {
            if (machine->disks[j].unit == disk->unit)
                add(findings, FINDING_ERROR, "disks",
                    _("Disks %u and %u both have the number %d. Each needs one of its own."), j, i, disk->unit);
        }
    }
}

static void check_media(GPtrArray *findings, const char *folder, const MachineIni *machine,
                        const struct engine_model *model)
{
    check_file(findings, folder, machine->cdrom.file, "cdrom", _("The CD"));
    check_file(findings, folder, machine->floppy.file, "floppy", _("The floppy disk"));
    if (machine->cdrom.file && !model->has_cdrom)
        add(findings, FINDING_ERROR, "cdrom", _("A %s has no CD-ROM drive. Take the CD out."), _(model->title));
    if (machine->floppy.file && !model->has_floppy)
        add(findings, FINDING_ERROR, "floppy", _("A %s has no floppy drive. Take the floppy disk out."),
            _(model->title));
}

static void check_start(GPtrArray *findings, const char *folder, const MachineIni *machine,
                        const struct engine_model *model)
{
    check_file(findings, folder, machine->kernel, "kernel", _("The kernel"));
    check_file(findings, folder, machine->initrd, "kernel", _("The initial RAM disk"));
    check_file(findings, folder, machine->firmware, "firmware", _("The firmware"));
    static const char *const places[] = {"disk", "cdrom", "floppy", "network", NULL};
    if (machine->boot && !g_strv_contains(places, machine->boot))
        add(findings, FINDING_ERROR, "boot",
            _("It cannot start from “%s”, but from disk, cdrom, floppy or network. Choose one of them."), machine->boot);
    if (!machine->kernel && (machine->initrd || machine->append))
        add(findings, FINDING_NOTE, "kernel",
            _("Without a kernel from a file, its initial RAM disk and its arguments have no effect."));
    if (g_strcmp0(machine->boot, "cdrom") == 0 && !machine->cdrom.file && !machine->kernel)
        add(findings, FINDING_NOTE, "boot",
            _("It shall start from a CD, but none is in the drive. Insert one, or start from another place."));
    if (g_strcmp0(machine->boot, "disk") == 0 && machine->disk_count == 0 && !machine->kernel)
        add(findings, FINDING_NOTE, "boot",
            _("It shall start from a disk, but it has none. Add one, or start from another place."));
    if (g_strcmp0(machine->boot, "network") == 0 && !machine->network)
        add(findings, FINDING_NOTE, "boot",
            _("It shall start from the network, which is switched off. Switch it on, or start from another place."));
    for (const struct engine_firmware *firmware = model->firmware;
         !machine->firmware && firmware && firmware->file; firmware++) {
        g_autoptr(GError) error = NULL;
        if (firmware->required)
            g_free(engine_find_firmware(firmware, &error));
        if (error)
            add(findings, FINDING_ERROR, "firmware", "%s", error->message);
    }
}

GPtrArray *machine_check(const char *folder, const MachineIni *machine)
{
    GPtrArray *findings = g_ptr_array_new_with_free_func(finding_free);
    const struct engine_model *model = engine_find_model(machine->model);

    if (!model) {
        add(findings, FINDING_ERROR, "model",
            _("This Vitrine knows no computer “%s”. Choose another one, or use a newer Vitrine."), machine->model);
        return findings;
    }
    check_memory(findings, machine, model);
    check_display(findings, machine, model);
    check_disks(findings, folder, machine, model);
    check_media(findings, folder, machine, model);
    check_start(findings, folder, machine, model);
    return findings;
}

const struct machine_finding *machine_check_find(const GPtrArray *findings, const char *setting)
{
    for (guint i = 0; i < findings->len; i++) {
        const struct machine_finding *finding = findings->pdata[i];
        if (strcmp(finding->setting, setting) == 0)
            return finding;
    }
    return NULL;
}
