/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The numbers of the system calls are those of Linux's headers, as the cross compilers have them. Arguments: for each
 * instruction set its column and the headers' definitions ("arm FILE", "sparc FILE").
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "emulator/user/abi.h"

static const char *const columns[USER_N_NUMBERINGS] = {[USER_ARM_NUMBERS] = "arm", [USER_SPARC_NUMBERS] = "sparc"};

/* What a name stands for: a number, another name, or "(BASE+number)". */
static bool value_of(GHashTable *definitions, const char *name, uint32_t *value)
{
    const char *text = g_hash_table_lookup(definitions, name);

    if (!text || !*text)
        return false;
    if (g_ascii_isdigit(*text)) {
        *value = (uint32_t)strtoul(text, NULL, 0);
        return true;
    }
    if (*text != '(')
        return value_of(definitions, text, value);
    g_auto(GStrv) terms = g_strsplit_set(text, "()+ ", -1);
    *value = 0;
    for (char **term = terms; *term; term++) {
        uint32_t part = (uint32_t)strtoul(*term, NULL, 0);

        if (**term && !g_ascii_isdigit(**term) && !value_of(definitions, *term, &part))
            return false;
        *value += part;
    }
    return true;
}

static GHashTable *read_definitions(const char *file)
{
    GHashTable *definitions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    g_file_get_contents(file, &text, NULL, &error);
    g_assert_no_error(error);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 3);

        if (g_strv_length(words) == 3 && strcmp(words[0], "#define") == 0)
            g_hash_table_insert(definitions, g_strdup(words[1]), g_strdup(words[2]));
    }
    return definitions;
}

static void test_numbers(gconstpointer data)
{
    char *const *words = (char *const *)data;
    g_autoptr(GHashTable) definitions = read_definitions(words[1]);
    unsigned column = 0, checked = 0, wrong = 0;

    while (strcmp(columns[column], words[0]) != 0)
        g_assert_cmpuint(++column, <, USER_N_NUMBERINGS);
    for (const struct user_syscall *call = user_calls; call->name; call++) {
        g_autofree char *name = g_strconcat("__NR_", call->name, NULL);
        g_autofree char *own = g_strconcat("__ARM_NR_", call->name, NULL);
        uint32_t number;

        if (call->number[column] == USER_NO_CALL)
            continue;
        /* Headers that are older than a call do not have it. */
        if (!value_of(definitions, name, &number) && !value_of(definitions, own, &number))
            continue;
        checked++;
        if (number != call->number[column]) {
            g_test_message("%s is %u, not %u", call->name, number, call->number[column]);
            wrong++;
        }
    }
    g_assert_cmpuint(wrong, ==, 0);
    g_assert_cmpuint(checked, >, 350);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (int i = 1; i + 1 < argc; i += 2) {
        g_autofree char *path = g_strconcat("/numbers/", argv[i], NULL);

        g_test_add_data_func(path, &argv[i], test_numbers);
    }
    return g_test_run();
}
