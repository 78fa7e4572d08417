/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds the schema where it is installed, or beside the program where it was built. */
#include "app/settings.h"

/* Where the program stands: built, its schema is in the folder beside; installed into a staging folder, it is below. */
static const char *const folders[] = {"../data", "../share/glib-2.0/schemas"};

static GSettingsSchema *find_schema(void)
{
    GSettingsSchemaSource *installed = g_settings_schema_source_get_default();
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *home = program ? g_path_get_dirname(program) : g_strdup(".");

    /* The program's own come first: they are never older than it. */
    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *folder = g_build_filename(home, folders[i], NULL);
        g_autoptr(GSettingsSchemaSource) source =
            g_settings_schema_source_new_from_directory(folder, installed, TRUE, NULL);
        GSettingsSchema *schema = source ? g_settings_schema_source_lookup(source, VITRINE_APP_ID, FALSE) : NULL;
        if (schema)
            return schema;
    }
    return installed ? g_settings_schema_source_lookup(installed, VITRINE_APP_ID, TRUE) : NULL;
}

GSettings *vitrine_settings_get(void)
{
    static GSettings *settings;

    if (!settings) {
        g_autoptr(GSettingsSchema) schema = find_schema();
        if (schema)
            settings = g_settings_new_full(schema, NULL, NULL);
    }
    return settings;
}

char *vitrine_settings_screenshots_folder(void)
{
    GSettings *settings = vitrine_settings_get();
    g_autofree char *chosen = settings ? g_settings_get_string(settings, "screenshots-folder") : NULL;
    const char *pictures = g_get_user_special_dir(G_USER_DIRECTORY_PICTURES);

    if (chosen && *chosen)
        return g_steal_pointer(&chosen);
    return g_strdup(pictures ? pictures : g_get_home_dir());
}
