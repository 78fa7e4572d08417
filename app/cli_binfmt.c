/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `vitrine binfmt`: tells Linux (binfmt_misc) to start foreign programs with this one. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gi18n.h>
#include <json-glib/json-glib.h>

#include "app/cli.h"
#include "emulator/user/binfmt.h"

#define KERNEL_FOLDER "/proc/sys/fs/binfmt_misc"

enum { STATUS_FAILED = 1, STATUS_USAGE = 2 };
enum { OPTION_INTERPRETER = 256, OPTION_FOLDER, OPTION_JSON };

static const struct option options[] = {
    {"interpreter", required_argument, NULL, OPTION_INTERPRETER},
    {"folder", required_argument, NULL, OPTION_FOLDER},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL},
};

struct request {
    const char *folder;
    char *interpreter;
    gboolean json;
    GPtrArray *kinds; /* struct user_binfmt, those that are meant */
};

static void print_usage(void)
{
    fputs(_("Usage: vitrine binfmt register|unregister|status|print [OPTION…] [KIND…]\n"
            "Lets Linux start programs for other processors by their names alone (binfmt_misc).\n"
            "\n"
            "  register            for all kinds of programs, or for those that are named (needs root)\n"
            "  unregister          undo it (needs root)\n"
            "  status              which kinds there are, and which are registered\n"
            "  print               the lines for a file in /usr/lib/binfmt.d\n"
            "\n"
            "  --interpreter FILE  the file to start, by default the installed vitrine-binfmt\n"
            "  --folder DIR        where binfmt_misc is mounted (/proc/sys/fs/binfmt_misc)\n"
            "  --json              status as JSON\n"
            "  --help              this text\n"),
          stdout);
}

/* The entry's file, as the kernel tells it; NULL: not registered. */
static char *read_entry(const struct request *r, const struct user_binfmt *kind)
{
    g_autofree char *path = g_build_filename(r->folder, kind->name, NULL);
    char *text;

    return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

/* The value of a line "KEY VALUE", or NULL. */
static char *value_of(const char *text, const char *key)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line; line++) {
        if (g_str_has_prefix(*line, key) && (*line)[strlen(key)] == ' ')
            return g_strdup(*line + strlen(key) + 1);
    }
    return NULL;
}

/* One write, as the kernel wants it; 0 or an error number. */
static int write_file(const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    size_t size = strlen(text);
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC), result = 0;

    if (fd < 0)
        return errno;
    if (write(fd, text, size) != (ssize_t)size)
        result = errno ? errno : EIO;
    close(fd);
    return result;
}

static int explain(const struct request *r, const char *what, int number)
{
    if (number == EACCES || number == EPERM)
        cli_error("binfmt", _("Only the administrator may change what Linux starts; run this with sudo."));
    else if (number == ENOENT)
        cli_error("binfmt",
                  _("Linux does not offer binfmt_misc at %s; mount it: mount -t binfmt_misc binfmt_misc %s"),
                  r->folder, r->folder);
    else
        cli_error("binfmt", _("%s could not be changed: %s."), what, g_strerror(number));
    return STATUS_FAILED;
}

static int do_register(const struct request *r)
{
    g_autofree char *path = g_build_filename(r->folder, "register", NULL);

    if (!g_path_is_absolute(r->interpreter) || strchr(r->interpreter, ':') || strlen(r->interpreter) > 127) {
        cli_error("binfmt", _("Linux wants an absolute name without colons, of at most 127 bytes, not %s."),
                  r->interpreter);
        return STATUS_USAGE;
    }
    if (access(r->interpreter, X_OK) != 0) {
        cli_error("binfmt",
                  _("%s cannot be started: %s. Install Vitrine, or name another file with --interpreter."),
                  r->interpreter, g_strerror(errno));
        return STATUS_FAILED;
    }
    if (access(path, F_OK) != 0)
        return explain(r, r->folder, errno);
    for (guint i = 0; i < r->kinds->len; i++) {
        const struct user_binfmt *kind = g_ptr_array_index(r->kinds, i);
        g_autofree char *line = user_binfmt_line(kind, r->interpreter), *old = read_entry(r, kind);
        int number;

        if (old && (number = write_file(r->folder, kind->name, "-1")) != 0)
            return explain(r, kind->name, number);
        if ((number = write_file(r->folder, "register", line)) != 0)
            return explain(r, kind->name, number);
    }
    return 0;
}

static int do_unregister(const struct request *r)
{
    for (guint i = 0; i < r->kinds->len; i++) {
        const struct user_binfmt *kind = g_ptr_array_index(r->kinds, i);
        g_autofree char *old = read_entry(r, kind);
        int number;

        if (old && (number = write_file(r->folder, kind->name, "-1")) != 0)
            return explain(r, kind->name, number);
    }
    return 0;
}

static int do_status(const struct request *r)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autofree char *state_path = g_build_filename(r->folder, "status", NULL), *state = NULL;
    gboolean there = g_file_get_contents(state_path, &state, NULL, NULL);
    gboolean enabled = there && g_str_has_prefix(state, "enabled");

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "available");
    json_builder_add_boolean_value(builder, there);
    json_builder_set_member_name(builder, "enabled");
    json_builder_add_boolean_value(builder, enabled);
    json_builder_set_member_name(builder, "kinds");
    json_builder_begin_array(builder);
    if (!r->json && !there)
        g_print(_("Linux does not offer binfmt_misc at %s.\n"), r->folder);
    else if (!r->json && !enabled)
        g_print(_("binfmt_misc is switched off as a whole.\n"));
    for (guint i = 0; i < r->kinds->len; i++) {
        const struct user_binfmt *kind = g_ptr_array_index(r->kinds, i);
        g_autofree char *entry = read_entry(r, kind);
        g_autofree char *interpreter = entry ? value_of(entry, "interpreter") : NULL;
        gboolean on = entry && g_str_has_prefix(entry, "enabled");

        json_builder_begin_object(builder);
        json_builder_set_member_name(builder, "name");
        json_builder_add_string_value(builder, kind->name);
        json_builder_set_member_name(builder, "registered");
        json_builder_add_boolean_value(builder, entry != NULL);
        json_builder_set_member_name(builder, "enabled");
        json_builder_add_boolean_value(builder, on);
        json_builder_set_member_name(builder, "interpreter");
        if (interpreter)
            json_builder_add_string_value(builder, interpreter);
        else
            json_builder_add_null_value(builder);
        json_builder_end_object(builder);
        if (r->json)
            continue;
        if (!entry)
            g_print(_("%-20s not registered\n"), kind->name);
        else if (on)
            g_print(_("%-20s registered, starts %s\n"), kind->name, interpreter ? interpreter : "?");
        else
            g_print(_("%-20s registered, but switched off\n"), kind->name);
    }
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    if (r->json) {
        g_autoptr(JsonNode) root = json_builder_get_root(builder);
        g_autofree char *text = json_to_string(root, TRUE);

        g_print("%s\n", text);
    }
    return 0;
}

static int do_print(const struct request *r)
{
    for (guint i = 0; i < r->kinds->len; i++) {
        g_autofree char *line = user_binfmt_line(g_ptr_array_index(r->kinds, i), r->interpreter);

        g_print("%s\n", line);
    }
    return 0;
}

/* Keeps the kinds that are named, with or without "vitrine-"; all when none is. FALSE: an unknown one. */
static gboolean choose_kinds(GPtrArray *kinds, char **names)
{
    g_autofree gboolean *wanted = g_new0(gboolean, kinds->len + 1);

    if (!*names)
        return TRUE;
    for (; *names; names++) {
        gboolean found = FALSE;

        for (guint i = 0; i < kinds->len; i++) {
            const char *name = ((const struct user_binfmt *)g_ptr_array_index(kinds, i))->name;

            if (g_str_equal(name, *names) || g_str_equal(name + strlen("vitrine-"), *names))
                wanted[i] = found = TRUE;
        }
        if (!found) {
            cli_error("binfmt", _("there is no kind of program called %s; see vitrine binfmt status."),
                      *names);
            return FALSE;
        }
    }
    for (guint i = kinds->len; i-- > 0;) {
        if (!wanted[i])
            g_ptr_array_remove_index(kinds, i);
    }
    return TRUE;
}

int cli_binfmt(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(const struct request *r);
    } actions[] = {
        {"register", do_register}, {"unregister", do_unregister}, {"status", do_status}, {"print", do_print}};
    struct request r = {.folder = KERNEL_FOLDER};
    g_autoptr(GPtrArray) kinds = user_binfmt_list();
    g_autofree char *interpreter = g_build_filename(VITRINE_BINDIR, USER_BINFMT_INTERPRETER, NULL);
    int option, result = -1;

    optind = 1;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case OPTION_INTERPRETER:
            g_free(interpreter);
            interpreter = g_strdup(optarg);
            break;
        case OPTION_FOLDER: r.folder = optarg; break;
        case OPTION_JSON: r.json = TRUE; break;
        case 'h': print_usage(); return 0;
        default: return cli_bad_option("binfmt", argv[optind - 1]);
        }
    }
    r.interpreter = interpreter;
    r.kinds = kinds;
    for (gsize i = 0; i < G_N_ELEMENTS(actions) && result < 0 && optind < argc; i++) {
        if (g_str_equal(actions[i].name, argv[optind]))
            result = choose_kinds(kinds, argv + optind + 1) ? actions[i].run(&r) : STATUS_USAGE;
    }
    if (result >= 0)
        return result;
    cli_error("binfmt", _("Say what to do: register, unregister, status or print. “vitrine binfmt --help” tells more."));
    return STATUS_USAGE;
}
