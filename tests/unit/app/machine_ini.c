/* SPDX-License-Identifier: GPL-3.0-or-later */
/* machine.ini: what is written is read again, bounds hold, and what is unknown is kept. */
#include "app/machine_ini.h"

#include <string.h>

static MachineIni *parse(const char *text, GError **error)
{
    return machine_ini_parse(text, strlen(text), error);
}

static void test_round_trip(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MachineIni) machine = machine_ini_new("Käthe's SPARC", "ss5");
    machine->ram_mib = 128;
    machine->network = FALSE;
    machine->display = g_strdup("cg3");
    machine->append = g_strdup("console=tty0 a=\"b c\\d\"");
    machine->notes = g_strdup("first line\nsecond; line = 3 # not a comment");
    machine->created = 1234567890;
    machine->mac[0] = 8;
    machine->mac[5] = 0xfe;
    g_assert_nonnull(machine_ini_add_disk(machine, "disks/disk0.qcow2", "qcow2", 3, FALSE, &error));
    g_assert_nonnull(machine_ini_add_disk(machine, "/media/ünïcode [x].img", "raw", -1, TRUE, &error));
    machine_ini_set_drive(&machine->cdrom, "/media/cd.iso", NULL, -1, TRUE);

    g_autoptr(MachineIni) copy = machine_ini_copy(machine);
    g_assert_nonnull(copy);
    g_assert_cmpstr(copy->name, ==, "Käthe's SPARC");
    g_assert_cmpstr(copy->model, ==, "ss5");
    g_assert_cmpuint(copy->ram_mib, ==, 128);
    g_assert_false(copy->network);
    g_assert_true(copy->audio);
    g_assert_cmpstr(copy->append, ==, machine->append);
    g_assert_cmpstr(copy->notes, ==, machine->notes);
    g_assert_cmpint(copy->created, ==, 1234567890);
    g_assert_cmpmem(copy->mac, 6, machine->mac, 6);
    g_assert_cmpuint(copy->disk_count, ==, 2);
    g_assert_cmpint(copy->disks[0].unit, ==, 3);
    g_assert_cmpstr(copy->disks[1].file, ==, "/media/ünïcode [x].img");
    g_assert_cmpint(copy->disks[1].unit, ==, -1);
    g_assert_true(copy->disks[1].read_only);
    g_assert_cmpstr(copy->cdrom.file, ==, "/media/cd.iso");
    g_assert_null(copy->floppy.file);
}

static void test_unknown_is_kept(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MachineIni) machine = parse("[Vitrine]\nVersion=1\n[Machine]\nName=a\nModel=ss5\nColour=beige\n"
                                          "[Future]\nWarp=9\n",
                                          &error);
    gsize size;

    g_assert_no_error(error);
    g_free(machine->name);
    machine->name = g_strdup("b");
    g_autofree char *text = machine_ini_format(machine, &size);
    g_assert_nonnull(strstr(text, "Colour=beige"));
    g_assert_nonnull(strstr(text, "[Future]\nWarp=9"));
    g_assert_nonnull(strstr(text, "Name=b"));
}

static void test_drive_taken_out(void)
{
    g_autoptr(MachineIni) machine = machine_ini_new("a", "ss5");
    gsize size;

    machine_ini_set_drive(&machine->cdrom, "/cd.iso", NULL, -1, TRUE);
    g_free(machine_ini_format(machine, &size));
    machine_ini_set_drive(&machine->cdrom, NULL, NULL, -1, TRUE);
    g_autofree char *text = machine_ini_format(machine, &size);
    g_assert_null(strstr(text, "CD-ROM"));
}

struct bad {
    const char *text;
    enum machine_error code;
};

static void test_refused(void)
{
#define HEAD "[Vitrine]\nVersion=1\n[Machine]\nName=a\nModel=ss5\n"
    static const struct bad bad[] = {
        {"", MACHINE_ERROR_SYNTAX},
        {"not a key file", MACHINE_ERROR_SYNTAX},
        {"[Machine]\nName=a\nModel=ss5\n", MACHINE_ERROR_SYNTAX},
        {"[Vitrine]\nVersion=2\n[Machine]\nName=a\nModel=ss5\n", MACHINE_ERROR_VERSION},
        {"[Vitrine]\nVersion=-1\n[Machine]\nName=a\nModel=ss5\n", MACHINE_ERROR_SYNTAX},
        {"[Vitrine]\nVersion=1\n[Machine]\nModel=ss5\n", MACHINE_ERROR_INVALID},
        {"[Vitrine]\nVersion=1\n[Machine]\nName=a\n", MACHINE_ERROR_SYNTAX},
        {"[Vitrine]\nVersion=1\n[Machine]\nName=../etc\nModel=ss5\n", MACHINE_ERROR_INVALID},
        {"[Vitrine]\nVersion=1\n[Machine]\nName=.hidden\nModel=ss5\n", MACHINE_ERROR_INVALID},
        {HEAD "Memory=-5\n", MACHINE_ERROR_SYNTAX},
        {HEAD "Memory=99999999999999999999\n", MACHINE_ERROR_SYNTAX},
        {HEAD "Memory=12x\n", MACHINE_ERROR_SYNTAX},
        {HEAD "Network=perhaps\n", MACHINE_ERROR_SYNTAX},
        {HEAD "Mac=08:00:20:00:00\n", MACHINE_ERROR_SYNTAX},
        {HEAD "Mac=08:00:20:00:00:0g\n", MACHINE_ERROR_SYNTAX},
        {HEAD "[Disk 0]\nFormat=raw\n", MACHINE_ERROR_SYNTAX},
        {HEAD "[Disk 0]\nFile=a\nUnit=256\n", MACHINE_ERROR_SYNTAX},
        {HEAD "[CD-ROM]\nFile=a\\nb\n", MACHINE_ERROR_SYNTAX},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(parse(bad[i].text, &error));
        g_assert_error(error, MACHINE_ERROR, (int)bad[i].code);
        g_assert_true(g_str_has_suffix(error->message, "."));
    }
}

static void test_too_many_disks(void)
{
    g_autoptr(MachineIni) machine = machine_ini_new("a", "ss5");
    g_autoptr(GError) error = NULL;

    for (int i = 0; i < MACHINE_MAX_DISKS; i++)
        g_assert_nonnull(machine_ini_add_disk(machine, "x", NULL, i, FALSE, &error));
    g_assert_null(machine_ini_add_disk(machine, "x", NULL, -1, FALSE, &error));
    g_assert_error(error, MACHINE_ERROR, MACHINE_ERROR_INVALID);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/machine-ini/round-trip", test_round_trip);
    g_test_add_func("/machine-ini/unknown-is-kept", test_unknown_is_kept);
    g_test_add_func("/machine-ini/drive-taken-out", test_drive_taken_out);
    g_test_add_func("/machine-ini/refused", test_refused);
    g_test_add_func("/machine-ini/too-many-disks", test_too_many_disks);
    return g_test_run();
}
