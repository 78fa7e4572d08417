/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Preferences as an object whose properties widgets can be bound to. */
#include "app/ui/settings.h"

#include "app/bundle.h"

struct _VitrineSettings {
    GObject parent;
    int scaling;
    gboolean flags[4];
    guint save_source;
    gboolean loading;
};

G_DEFINE_FINAL_TYPE(VitrineSettings, vitrine_settings, G_TYPE_OBJECT)

enum { PROP_0, PROP_SCALING, PROP_CAPTURE, PROP_INHIBIT, PROP_STATUS, PROP_SAVE, N_PROPS };
static GParamSpec *props[N_PROPS];

static char *settings_path(void)
{
    return g_build_filename(g_get_user_config_dir(), "vitrine", "settings.ini", NULL);
}

static gboolean save_now(gpointer data)
{
    VitrineSettings *self = data;
    g_autofree char *path = settings_path();
    g_autofree char *folder = g_path_get_dirname(path);
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) error = NULL;
    gsize size;

    self->save_source = 0;
    g_key_file_load_from_file(file, path, G_KEY_FILE_KEEP_COMMENTS,
                              NULL); /* keeps what this version does not know */
    g_key_file_set_integer(file, "Vitrine", "scaling", self->scaling);
    for (guint i = PROP_CAPTURE; i < N_PROPS; i++)
        g_key_file_set_boolean(file, "Vitrine", props[i]->name, self->flags[i - PROP_CAPTURE]);
    g_autofree char *data_out = g_key_file_to_data(file, &size, NULL);
    g_mkdir_with_parents(folder, 0700);
    if (!vitrine_write_file(path, data_out, size, &error))
        g_message("%s", error->message);
    return G_SOURCE_REMOVE;
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    VitrineSettings *self = VITRINE_SETTINGS(object);

    if (id == PROP_SCALING)
        g_value_set_int(value, self->scaling);
    else
        g_value_set_boolean(value, self->flags[id - PROP_CAPTURE]);
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
    VitrineSettings *self = VITRINE_SETTINGS(object);

    if (id == PROP_SCALING)
        self->scaling = g_value_get_int(value);
    else
        self->flags[id - PROP_CAPTURE] = g_value_get_boolean(value);
    if (!self->loading && !self->save_source)
        self->save_source = g_timeout_add(300, save_now, self);
}

static void vitrine_settings_class_init(VitrineSettingsClass *klass)
{
    GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

    G_OBJECT_CLASS(klass)->get_property = get_property;
    G_OBJECT_CLASS(klass)->set_property = set_property;
    props[PROP_SCALING] =
        g_param_spec_int("scaling", NULL, NULL, SCALING_FIT, SCALING_SHARP, SCALING_SHARP, flags);
    props[PROP_CAPTURE] = g_param_spec_boolean("capture-on-click", NULL, NULL, TRUE, flags);
    props[PROP_INHIBIT] = g_param_spec_boolean("inhibit-shortcuts", NULL, NULL, TRUE, flags);
    props[PROP_STATUS] = g_param_spec_boolean("show-status", NULL, NULL, TRUE, flags);
    props[PROP_SAVE] = g_param_spec_boolean("save-on-close", NULL, NULL, FALSE, flags);
    g_object_class_install_properties(G_OBJECT_CLASS(klass), N_PROPS, props);
}

static void vitrine_settings_init(VitrineSettings *self)
{
    g_autofree char *path = settings_path();
    g_autoptr(GKeyFile) file = g_key_file_new();

    self->scaling = SCALING_SHARP;
    for (guint i = PROP_CAPTURE; i < N_PROPS; i++)
        self->flags[i - PROP_CAPTURE] = i != PROP_SAVE;
    if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL))
        return;
    self->loading = TRUE;
    int scaling = g_key_file_get_integer(file, "Vitrine", "scaling", NULL);
    if (g_key_file_has_key(file, "Vitrine", "scaling", NULL) && scaling >= SCALING_FIT &&
        scaling <= SCALING_SHARP)
        self->scaling = scaling;
    for (guint i = PROP_CAPTURE; i < N_PROPS; i++) {
        g_autoptr(GError) error = NULL;
        gboolean flag = g_key_file_get_boolean(file, "Vitrine", props[i]->name, &error);
        if (!error)
            self->flags[i - PROP_CAPTURE] = flag;
    }
    self->loading = FALSE;
}

VitrineSettings *vitrine_settings_get(void)
{
    static VitrineSettings *settings;

    if (!settings)
        settings = g_object_new(VITRINE_TYPE_SETTINGS, NULL);
    return settings;
}
