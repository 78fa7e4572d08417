/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_machine_ini SECONDS SEED: mutated machine.ini files go through the parser. What is accepted must be
 * written and read again with the same result; what is refused must come with a sentence.
 */
#include "app/machine_ini.h"
#include "tests/fuzz/fuzz_text.h"
#include "tests/fuzz/fuzz_time.h"

#include <stdlib.h>
#include <string.h>

static const char *const seeds[] = {
    "[Vitrine]\nVersion=1\n\n[Machine]\nName=Solaris\nModel=ss5\nMemory=128\nDisplay=tcx24\nNetwork="
    "true\nAudio=false\n"
    "Serial=/tmp/log\nMac=08:00:20:12:34:56\nAccelerator=jit\n\n[Disk "
    "0]\nFile=disks/disk0.qcow2\nFormat=qcow2\nUnit=3\n"
    "ReadOnly=false\n[Disk 1]\nFile=/a.img\n[CD-ROM]\nFile=/cd.iso\nReadOnly=true\n[Floppy]\nFile=f\n"
    "[Boot]\nDevice=cdrom\nKernel=vmlinux\nInitrd=i\nAppend=console=tty0\nFirmware=x\n[Use]\nCreated="
    "1\nLastUsed=99999\n"
    "[Notes]\nText=line\\nline\n[Other]\nKey[de]=Wert\n",
    "[Vitrine]\nVersion=1\n[Machine]\nName=a\nModel=b\n",
};
static const char *const words[] = {"[Disk 2]\n",  "[Machine]\n",
                                    "File=",       "\\s\\n\\t\\\\",
                                    "Version=2\n", "Memory=4294967295\n",
                                    "Unit=-1\n",   "=",
                                    "\n",          "[",
                                    "]",           "\xc3\xa4",
                                    "\xff",        "true",
                                    "Name=..\n",   "#\n"};

/* GKeyFile is free about empty lines, and a carriage return before a line's end belongs to the end. */
static char *without_empty_lines(char *text)
{
    char *to = text;

    for (const char *from = text; *from; from++) {
        if (*from == '\n')
            while (to > text && to[-1] == '\r')
                to--;
        if (*from != '\n' || (to > text && to[-1] != '\n'))
            *to++ = *from;
    }
    *to = '\0';
    return text;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? g_ascii_strtod(argv[1], NULL) : 5;
    guint32 seed = argc > 2 ? (guint32)strtoul(argv[2], NULL, 0) : 1;
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    double end = fuzz_seconds() + seconds;
    guint64 runs = 0, accepted = 0;

    while (fuzz_seconds() < end) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GString) text = g_string_new(seeds[g_rand_int_range(rand, 0, G_N_ELEMENTS(seeds))]);
        fuzz_text(rand, text, words, G_N_ELEMENTS(words));
        fuzz_begin_try();
        g_autoptr(MachineIni) machine = machine_ini_parse(text->str, text->len, &error);
        runs++;
        if (!machine) {
            g_assert_nonnull(error);
            g_assert_cmpuint(strlen(error->message), >, 10);
            continue;
        }
        accepted++;
        gsize size, again_size;
        g_autofree char *written = machine_ini_format(machine, &size);
        g_autoptr(MachineIni) again = machine_ini_parse(written, size, &error);
        if (!again)
            g_error("%s\nread:\n%s\nwritten:\n%s", error->message, text->str, written);
        g_autofree char *again_written = machine_ini_format(again, &again_size);
        g_assert_cmpstr(without_empty_lines(written), ==, without_empty_lines(again_written));
    }
    g_print("%" G_GUINT64_FORMAT " files, %" G_GUINT64_FORMAT " accepted\n", runs, accepted);
    return accepted > 0 && accepted < runs ? 0 : 1;
}
