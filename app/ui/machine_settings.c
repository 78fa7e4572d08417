/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A table of settings: how each is shown, and where it stands in the description. */
#include "app/ui/machine_settings.h"

#include "app/history.h"
#include "app/i18n.h"
#include "app/machine_check.h"
#include "app/ui/dialogs.h"
#include "app/ui/names.h"
#include "emulator/engine.h"

#include <stdio.h>
#include <string.h>

enum kind { KIND_TEXT, KIND_CHOICE, KIND_SWITCH, KIND_NUMBER, KIND_FILE };

enum id {
    ID_NAME,
    ID_MODEL,
    ID_MEMORY,
    ID_DISPLAY,
    ID_ACCEL,
    ID_BOOT,
    ID_KERNEL,
    ID_INITRD,
    ID_APPEND,
    ID_FIRMWARE,
    ID_NETWORK,
    ID_MAC,
    ID_AUDIO,
    ID_SERIAL,
    ID_AUTOSAVE,
    ID_AUTOSAVE_KEEP,
    N_SETTINGS
};

/* A group begins where `group` is set. `finding`: what machine_check() calls it. */
static const struct setting {
    const char *group, *title, *subtitle;
    enum kind kind;
    const char *finding;
    double min, max;
} settings[N_SETTINGS] = {
    [ID_NAME] = {N_("Machine"), N_("Name"), NULL, KIND_TEXT, NULL, 0, 0},
    [ID_MODEL] = {NULL, N_("Computer"), NULL, KIND_CHOICE, "model", 0, 0},
    [ID_MEMORY] = {NULL, N_("Memory"), NULL, KIND_CHOICE, "memory", 0, 0},
    [ID_DISPLAY] = {NULL, N_("Graphics Card"), NULL, KIND_CHOICE, "display", 0, 0},
    [ID_ACCEL] = {NULL, N_("Processor Runs"), N_("Interpreted is slow; it helps to find errors"),
                  KIND_CHOICE, NULL, 0, 0},
    [ID_BOOT] = {N_("Start"), N_("Start From"), NULL, KIND_CHOICE, "boot", 0, 0},
    [ID_FIRMWARE] = {NULL, N_("Own Firmware"), NULL, KIND_FILE, "firmware", 0, 0},
    [ID_KERNEL] = {NULL, N_("Kernel From a File"), NULL, KIND_FILE, "kernel", 0, 0},
    [ID_INITRD] = {NULL, N_("Initial RAM Disk"), NULL, KIND_FILE, NULL, 0, 0},
    [ID_APPEND] = {NULL, N_("Kernel Arguments"), NULL, KIND_TEXT, NULL, 0, 0},
    [ID_NETWORK] = {N_("Connections"), N_("Network"), N_("The machine reaches what this computer reaches"),
                    KIND_SWITCH, "network", 0, 0},
    [ID_MAC] = {NULL, N_("Hardware Address (empty: its own)"), NULL, KIND_TEXT, NULL, 0, 0},
    [ID_AUDIO] = {NULL, N_("Sound"), NULL, KIND_SWITCH, "audio", 0, 0},
    [ID_SERIAL] = {NULL, N_("Serial Port"), NULL, KIND_CHOICE, NULL, 0, 0},
    [ID_AUTOSAVE] = {N_("Autosave"), N_("Minutes Between Snapshots"),
                     N_("A running machine takes a snapshot by itself this often; 0 is never"), KIND_NUMBER, NULL,
                     0, 1440},
    [ID_AUTOSAVE_KEEP] = {NULL, N_("Snapshots to Keep"), N_("Older ones go, unless they are pinned"), KIND_NUMBER, NULL,
                          1, 100},
};

static const char *const accel_ids[] = {"jit", "interp", "kvm"};
static const char *const accel_titles[] = {N_("Translated"), N_("Interpreted"), N_("On this processor itself (KVM)")};
static const char *const boot_ids[] = {NULL, "disk", "cdrom", "floppy", "network"};
static const char *const boot_titles[] = {N_("As the firmware likes"), N_("Hard disk"), N_("CD-ROM"), N_("Floppy"),
                                          N_("Network")};
static const char *const serial_ids[] = {"window", "pty", "none"};
static const char *const serial_titles[] = {N_("In the window"), N_("A terminal device of this computer"),
                                            N_("Not connected")};

struct _VitrineMachineSettings {
    GtkWidget parent;
    VitrineBundle *bundle;
    gboolean updating;
    GtkWidget *box, *search, *nothing, *groups;
    GtkInfoBar *open_bar;
    GtkLabel *open_label;
    GtkWidget *rows[N_SETTINGS], *controls[N_SETTINGS], *signs[N_SETTINGS];
    GPtrArray *group_widgets; /* AdwPreferencesGroup */
};

G_DEFINE_FINAL_TYPE(VitrineMachineSettings, vitrine_machine_settings, GTK_TYPE_WIDGET)

/* ---- from the description into the rows ---- */

static guint find_id(const char *const *ids, guint count, const char *id)
{
    for (guint i = 0; i < count; i++) {
        if (g_strcmp0(ids[i], id) == 0)
            return i;
    }
    return 0;
}

static void set_choices(VitrineMachineSettings *self, enum id id, const char *const *titles, guint count,
                        guint selected)
{
    GtkStringList *list = GTK_STRING_LIST(adw_combo_row_get_model(ADW_COMBO_ROW(self->rows[id])));
    guint had = g_list_model_get_n_items(G_LIST_MODEL(list));
    gboolean same = had == count;

    for (guint i = 0; same && i < count; i++)
        same = strcmp(gtk_string_list_get_string(list, i), titles[i]) == 0;
    if (!same) {
        g_autofree const char **ended = g_new0(const char *, count + 1);
        memcpy(ended, titles, count * sizeof(*titles));
        gtk_string_list_splice(list, 0, had, ended);
    }
    adw_combo_row_set_selected(ADW_COMBO_ROW(self->rows[id]), selected);
}

static void set_translated(VitrineMachineSettings *self, enum id id, const char *const *titles, guint count,
                           guint selected)
{
    g_autofree const char **translated = g_new0(const char *, count);

    for (guint i = 0; i < count; i++)
        translated[i] = _(titles[i]);
    set_choices(self, id, translated, count, selected);
}

static void show_model(VitrineMachineSettings *self, const MachineIni *machine)
{
    g_autoptr(GPtrArray) titles = g_ptr_array_new();
    guint selected = GTK_INVALID_LIST_POSITION;

    for (const struct engine_model *const *model = engine_models(); *model; model++) {
        if (strcmp((*model)->id, machine->model) == 0)
            selected = titles->len;
        g_ptr_array_add(titles, (gpointer)_((*model)->title));
    }
    set_choices(self, ID_MODEL, (const char *const *)titles->pdata, titles->len, selected);
}

/* The model's sizes, and the one that is set though it is none of them. */
static GArray *memory_sizes(const MachineIni *machine, const struct engine_model *model)
{
    GArray *sizes = g_array_new(FALSE, FALSE, sizeof(unsigned));
    unsigned own = machine->ram_mib ? machine->ram_mib : model->ram_default_mib;
    gboolean seen = FALSE;

    for (const unsigned *size = model->ram_choices_mib; size && *size; size++) {
        if (!seen && *size > own) {
            g_array_append_val(sizes, own);
            seen = TRUE;
        }
        seen = seen || *size == own;
        g_array_append_val(sizes, *size);
    }
    if (!seen)
        g_array_append_val(sizes, own);
    return sizes;
}

static void show_memory(VitrineMachineSettings *self, const MachineIni *machine, const struct engine_model *model)
{
    g_autoptr(GArray) sizes = memory_sizes(machine, model);
    g_autoptr(GPtrArray) titles = g_ptr_array_new_with_free_func(g_free);
    unsigned own = machine->ram_mib ? machine->ram_mib : model->ram_default_mib;
    guint selected = 0;

    for (guint i = 0; i < sizes->len; i++) {
        unsigned size = g_array_index(sizes, unsigned, i);
        if (size == own)
            selected = i;
        g_ptr_array_add(titles, g_strdup_printf(_("%u MiB"), size));
    }
    set_choices(self, ID_MEMORY, (const char *const *)titles->pdata, titles->len, selected);
}

static void show_display(VitrineMachineSettings *self, const MachineIni *machine, const struct engine_model *model)
{
    g_autoptr(GPtrArray) titles = g_ptr_array_new();
    guint selected = machine->display ? GTK_INVALID_LIST_POSITION : 0;

    for (const struct engine_choice *choice = model->displays; choice && choice->id; choice++) {
        if (g_strcmp0(choice->id, machine->display) == 0)
            selected = titles->len;
        g_ptr_array_add(titles, (gpointer)_(choice->title));
    }
    set_choices(self, ID_DISPLAY, (const char *const *)titles->pdata, titles->len, selected);
    gtk_widget_set_visible(self->rows[ID_DISPLAY], titles->len > 0);
}

static void show_text(VitrineMachineSettings *self, enum id id, const char *text)
{
    if (strcmp(gtk_editable_get_text(GTK_EDITABLE(self->rows[id])), text ? text : "") != 0)
        gtk_editable_set_text(GTK_EDITABLE(self->rows[id]), text ? text : "");
}

static void show_file(VitrineMachineSettings *self, enum id id, const char *file)
{
    g_autofree char *shown = file ? g_filename_display_name(file) : g_strdup(_("None"));

    adw_action_row_set_subtitle(ADW_ACTION_ROW(self->rows[id]), shown);
    gtk_widget_set_visible(self->controls[id], file != NULL); /* the button that takes it away */
}

static void show_findings(VitrineMachineSettings *self, const MachineIni *machine)
{
    g_autoptr(GPtrArray) findings = machine_check(vitrine_bundle_get_folder(self->bundle), machine);

    for (enum id id = 0; id < N_SETTINGS; id++) {
        const struct machine_finding *finding =
            settings[id].finding ? machine_check_find(findings, settings[id].finding) : NULL;
        if (!ADW_IS_ACTION_ROW(self->rows[id]))
            continue;
        if (self->signs[id] && !finding) {
            adw_action_row_remove(ADW_ACTION_ROW(self->rows[id]), self->signs[id]);
            self->signs[id] = NULL;
        } else if (!self->signs[id] && finding) {
            self->signs[id] = gtk_image_new_from_icon_name("dialog-warning-symbolic");
            gtk_widget_add_css_class(self->signs[id], "warning");
            adw_action_row_add_prefix(ADW_ACTION_ROW(self->rows[id]), self->signs[id]);
        }
        if (finding)
            adw_action_row_set_subtitle(ADW_ACTION_ROW(self->rows[id]), finding->text);
        else if (settings[id].kind != KIND_FILE)
            adw_action_row_set_subtitle(ADW_ACTION_ROW(self->rows[id]),
                                        settings[id].subtitle ? _(settings[id].subtitle) : "");
    }
}

static void update(VitrineMachineSettings *self)
{
    const MachineIni *machine = vitrine_bundle_get_machine(self->bundle);
    const struct engine_model *model = machine ? engine_find_model(machine->model) : NULL;
    static const uint8_t no_mac[6] = {0};
    guint minutes = 0, keep = 0;

    enum bundle_state state = vitrine_bundle_get_state(self->bundle);
    gboolean busy = state == BUNDLE_EXPORTING || state == BUNDLE_CHANGING;
    gtk_widget_set_sensitive(self->groups, machine && !busy);
    gtk_label_set_text(self->open_label,
                       state == BUNDLE_EXPORTING ? _("The machine is being exported: it can be changed when that is done.")
                       : busy ? _("Another program changes the machine: wait until that is done.")
                              : _("The machine is running: what is changed here holds from its next start on."));
    gtk_info_bar_set_revealed(self->open_bar, vitrine_bundle_is_open(self->bundle));
    if (!machine)
        return;
    self->updating = TRUE;
    show_text(self, ID_NAME, machine->name);
    show_model(self, machine);
    if (model) {
        show_memory(self, machine, model);
        show_display(self, machine, model);
        gtk_widget_set_visible(self->rows[ID_NETWORK], model->has_network);
        gtk_widget_set_visible(self->rows[ID_MAC], model->has_network);
        gtk_widget_set_visible(self->rows[ID_AUDIO], model->has_audio);
        gtk_widget_set_visible(self->rows[ID_SERIAL], model->serial_ports > 0);
    }
    set_translated(self, ID_ACCEL, accel_titles, g_strcmp0(machine->accel, "kvm") == 0 ? 3 : 2,
                   find_id(accel_ids, G_N_ELEMENTS(accel_ids), machine->accel));
    set_translated(self, ID_BOOT, boot_titles, G_N_ELEMENTS(boot_titles),
                   find_id(boot_ids, G_N_ELEMENTS(boot_ids), machine->boot));
    set_translated(self, ID_SERIAL, serial_titles, G_N_ELEMENTS(serial_titles),
                   find_id(serial_ids, G_N_ELEMENTS(serial_ids), machine->serial));
    show_file(self, ID_KERNEL, machine->kernel);
    show_file(self, ID_INITRD, machine->initrd);
    show_file(self, ID_FIRMWARE, machine->firmware);
    show_text(self, ID_APPEND, machine->append);
    gtk_switch_set_active(GTK_SWITCH(self->controls[ID_NETWORK]), machine->network);
    gtk_switch_set_active(GTK_SWITCH(self->controls[ID_AUDIO]), machine->audio);
    const uint8_t *m = machine->mac;
    g_autofree char *mac = memcmp(m, no_mac, sizeof(no_mac)) == 0
                               ? g_strdup("")
                               : g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
    show_text(self, ID_MAC, mac);
    g_autoptr(VitrineHistory) history = vitrine_history_get(self->bundle);
    vitrine_history_get_autosave(history, &minutes, &keep);
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(self->controls[ID_AUTOSAVE]), minutes);
    gtk_spin_button_set_value(GTK_SPIN_BUTTON(self->controls[ID_AUTOSAVE_KEEP]), keep);
    show_findings(self, machine);
    self->updating = FALSE;
}

/* ---- from the rows into the description ---- */

static void set_text(char **field, const char *text)
{
    g_free(*field);
    *field = text && *text ? g_strdup(text) : NULL;
}

static gboolean parse_mac(const char *text, uint8_t mac[6])
{
    unsigned byte[6] = {0};
    char end;

    if (*text && (strlen(text) != 17 || sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &byte[0], &byte[1], &byte[2],
                                               &byte[3], &byte[4], &byte[5], &end) != 6))
        return FALSE;
    for (int i = 0; i < 6; i++)
        mac[i] = (uint8_t)byte[i];
    return TRUE;
}

static const char *row_text(VitrineMachineSettings *self, enum id id)
{
    return gtk_editable_get_text(GTK_EDITABLE(self->rows[id]));
}

static guint row_selected(VitrineMachineSettings *self, enum id id)
{
    return adw_combo_row_get_selected(ADW_COMBO_ROW(self->rows[id]));
}

/* Takes one row's value over; FALSE with a sentence. */
static gboolean take(VitrineMachineSettings *self, MachineIni *machine, enum id id, GError **error)
{
    const struct engine_model *model = engine_find_model(machine->model);
    guint selected = ADW_IS_COMBO_ROW(self->rows[id]) ? row_selected(self, id) : 0;

    if (selected == GTK_INVALID_LIST_POSITION)
        return TRUE;
    switch (id) {
    case ID_NAME: {
        g_autofree char *name = g_strstrip(g_strdup(row_text(self, id)));
        const char *folder = vitrine_bundle_get_folder(self->bundle);
        g_autofree char *machines_folder = g_path_get_dirname(folder);
        if (!vitrine_bundle_name_is_free(machines_folder, name, folder, error))
            return FALSE;
        set_text(&machine->name, name);
        break;
    }
    case ID_MODEL: set_text(&machine->model, engine_models()[selected]->id); break;
    case ID_MEMORY: {
        g_autoptr(GArray) sizes = memory_sizes(machine, model);
        machine->ram_mib = g_array_index(sizes, unsigned, MIN(selected, sizes->len - 1));
        break;
    }
    case ID_DISPLAY: set_text(&machine->display, model->displays[selected].id); break;
    case ID_ACCEL: set_text(&machine->accel, accel_ids[selected]); break;
    case ID_BOOT: set_text(&machine->boot, boot_ids[selected]); break;
    case ID_SERIAL: set_text(&machine->serial, serial_ids[selected]); break;
    case ID_APPEND: set_text(&machine->append, row_text(self, id)); break;
    case ID_NETWORK: machine->network = gtk_switch_get_active(GTK_SWITCH(self->controls[id])); break;
    case ID_AUDIO: machine->audio = gtk_switch_get_active(GTK_SWITCH(self->controls[id])); break;
    case ID_MAC:
        if (!parse_mac(row_text(self, id), machine->mac)) {
            g_set_error(error, MACHINE_ERROR, MACHINE_ERROR_INVALID,
                        _("A hardware address is six numbers: 08:00:20:c0:ff:ee."));
            return FALSE;
        }
        break;
    case ID_KERNEL:
    case ID_INITRD:
    case ID_FIRMWARE:
    case ID_AUTOSAVE:
    case ID_AUTOSAVE_KEEP:
    case N_SETTINGS: break;
    }
    return TRUE;
}

static void save(VitrineMachineSettings *self, const MachineIni *machine)
{
    g_autoptr(GError) error = NULL;

    if (!vitrine_bundle_save(self->bundle, machine, &error)) {
        dialogs_toast(GTK_WIDGET(self), error->message);
        update(self);
    }
}

static void on_changed(GtkWidget *row, VitrineMachineSettings *self)
{
    enum id id = GPOINTER_TO_UINT(g_object_get_data(G_OBJECT(row), "id"));
    g_autoptr(GError) error = NULL;

    if (self->updating || !self->bundle)
        return;
    g_autoptr(MachineIni) machine = machine_ini_copy(vitrine_bundle_get_machine(self->bundle));
    if (machine && take(self, machine, id, &error))
        save(self, machine);
    if (error) {
        dialogs_toast(GTK_WIDGET(self), error->message);
        update(self);
    }
}

static void on_notify(GtkWidget *row, GParamSpec *spec, VitrineMachineSettings *self)
{
    on_changed(row, self);
}

static void on_autosave_changed(GtkSpinButton *spin, VitrineMachineSettings *self)
{
    g_autoptr(GError) error = NULL;

    if (self->updating || !self->bundle)
        return;
    g_autoptr(VitrineHistory) history = vitrine_history_get(self->bundle);
    guint minutes = (guint)gtk_spin_button_get_value_as_int(GTK_SPIN_BUTTON(self->controls[ID_AUTOSAVE]));
    guint keep = (guint)gtk_spin_button_get_value_as_int(GTK_SPIN_BUTTON(self->controls[ID_AUTOSAVE_KEEP]));
    if (!vitrine_history_set_autosave(history, minutes, keep, &error))
        dialogs_toast(GTK_WIDGET(self), error->message);
}

static char **file_field(MachineIni *machine, enum id id)
{
    return id == ID_KERNEL ? &machine->kernel : id == ID_INITRD ? &machine->initrd : &machine->firmware;
}

static void set_file(VitrineMachineSettings *self, enum id id, const char *path)
{
    g_autoptr(MachineIni) machine = machine_ini_copy(vitrine_bundle_get_machine(self->bundle));

    if (!machine)
        return;
    set_text(file_field(machine, id), path);
    save(self, machine);
}

static void on_file_chosen(GtkWidget *owner, const char *path, gpointer data)
{
    set_file(VITRINE_MACHINE_SETTINGS(owner), GPOINTER_TO_UINT(data), path);
}

static void on_choose(GtkWidget *button, VitrineMachineSettings *self)
{
    guint id = GPOINTER_TO_UINT(g_object_get_data(G_OBJECT(button), "id"));

    dialogs_choose_file(GTK_WIDGET(self), GTK_FILE_CHOOSER_ACTION_OPEN, _(settings[id].title), _("_Open"), NULL,
                        on_file_chosen, GUINT_TO_POINTER(id), NULL);
}

static void on_clear(GtkWidget *button, VitrineMachineSettings *self)
{
    set_file(self, GPOINTER_TO_UINT(g_object_get_data(G_OBJECT(button), "id")), NULL);
}

/* ---- search ---- */

static void on_search_changed(GtkSearchEntry *entry, VitrineMachineSettings *self)
{
    g_autofree char *wanted = g_utf8_casefold(gtk_editable_get_text(GTK_EDITABLE(entry)), -1);
    guint group = 0, group_hits = 0, hits = 0;

    for (enum id id = 0; id < N_SETTINGS; id++) {
        g_autofree char *text = g_strjoin(" ", _(settings[id].title),
                                          settings[id].subtitle ? _(settings[id].subtitle) : "", NULL);
        g_autofree char *folded = g_utf8_casefold(text, -1);
        gboolean found = strstr(folded, wanted) != NULL;
        if (id > 0 && settings[id].group) {
            gtk_widget_set_visible(self->group_widgets->pdata[group++], group_hits > 0);
            group_hits = 0;
        }
        gtk_widget_set_visible(self->rows[id], found);
        group_hits += found;
        hits += found;
    }
    gtk_widget_set_visible(self->group_widgets->pdata[group], group_hits > 0);
    gtk_widget_set_visible(self->nothing, hits == 0);
    if (!*wanted && self->bundle)
        update(self); /* what this model does not have goes again */
}

void vitrine_machine_settings_search(VitrineMachineSettings *self)
{
    gtk_widget_grab_focus(self->search);
}

/* ---- making the rows ---- */

static GtkWidget *icon_button(VitrineMachineSettings *self, enum id id, const char *icon, const char *verb,
                              GCallback clicked)
{
    GtkWidget *button = gtk_button_new_from_icon_name(icon);
    g_autofree char *name = g_strdup_printf("%s: %s", verb, _(settings[id].title));

    gtk_widget_set_valign(button, GTK_ALIGN_CENTER);
    gtk_widget_add_css_class(button, "flat");
    dialogs_name_widget(button, name);
    g_object_set_data(G_OBJECT(button), "id", GUINT_TO_POINTER(id));
    g_signal_connect(button, "clicked", clicked, self);
    return button;
}

static GtkWidget *make_row(VitrineMachineSettings *self, enum id id)
{
    const struct setting *setting = &settings[id];
    GtkWidget *row = NULL, *control = NULL;

    switch (setting->kind) {
    case KIND_TEXT:
        row = adw_entry_row_new();
        adw_entry_row_set_show_apply_button(ADW_ENTRY_ROW(row), TRUE);
        g_signal_connect(row, "apply", G_CALLBACK(on_changed), self);
        break;
    case KIND_CHOICE: {
        g_autoptr(GtkStringList) list = gtk_string_list_new(NULL);
        row = adw_combo_row_new();
        adw_combo_row_set_model(ADW_COMBO_ROW(row), G_LIST_MODEL(list));
        g_signal_connect(row, "notify::selected", G_CALLBACK(on_notify), self);
        break;
    }
    case KIND_SWITCH:
        row = adw_action_row_new();
        control = gtk_switch_new();
        g_signal_connect(control, "notify::active", G_CALLBACK(on_notify), self);
        break;
    case KIND_NUMBER:
        row = adw_action_row_new();
        control = gtk_spin_button_new_with_range(setting->min, setting->max, 1);
        g_signal_connect(control, "value-changed", G_CALLBACK(on_autosave_changed), self);
        break;
    case KIND_FILE:
        row = adw_action_row_new();
        control = icon_button(self, id, "edit-clear-symbolic", _("Take Away"), G_CALLBACK(on_clear));
        break;
    }
    adw_preferences_row_set_use_markup(ADW_PREFERENCES_ROW(row), FALSE);
    adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), _(setting->title));
    g_object_set_data(G_OBJECT(row), "id", GUINT_TO_POINTER(id));
    if (ADW_IS_ACTION_ROW(row)) {
        adw_action_row_set_subtitle_lines(ADW_ACTION_ROW(row), 0);
        if (setting->subtitle)
            adw_action_row_set_subtitle(ADW_ACTION_ROW(row), _(setting->subtitle));
    }
    if (control) {
        gtk_widget_set_valign(control, GTK_ALIGN_CENTER);
        g_object_set_data(G_OBJECT(control), "id", GUINT_TO_POINTER(id));
        adw_action_row_add_suffix(ADW_ACTION_ROW(row), control);
        if (setting->kind == KIND_NUMBER)
            names_say(control, _(setting->title));
    }
    if (setting->kind == KIND_FILE) {
        GtkWidget *choose =
            icon_button(self, id, "document-open-symbolic", _("Choose"), G_CALLBACK(on_choose));
        adw_action_row_add_suffix(ADW_ACTION_ROW(row), choose);
        adw_action_row_set_activatable_widget(ADW_ACTION_ROW(row), choose);
        gtk_accessible_reset_relation(GTK_ACCESSIBLE(choose), GTK_ACCESSIBLE_RELATION_LABELLED_BY);
    } else if (setting->kind == KIND_SWITCH) {
        adw_action_row_set_activatable_widget(ADW_ACTION_ROW(row), control);
    }
    self->controls[id] = control;
    return row;
}

static void make_rows(VitrineMachineSettings *self)
{
    AdwPreferencesGroup *group = NULL;

    for (enum id id = 0; id < N_SETTINGS; id++) {
        if (settings[id].group) {
            group = ADW_PREFERENCES_GROUP(adw_preferences_group_new());
            adw_preferences_group_set_title(group, _(settings[id].group));
            gtk_box_append(GTK_BOX(self->groups), GTK_WIDGET(group));
            g_ptr_array_add(self->group_widgets, group);
        }
        self->rows[id] = make_row(self, id);
        adw_preferences_group_add(group, self->rows[id]);
    }
}

/* ---- object ---- */

void vitrine_machine_settings_set_bundle(VitrineMachineSettings *self, VitrineBundle *bundle)
{
    if (self->bundle == bundle)
        return;
    if (self->bundle)
        g_signal_handlers_disconnect_by_data(self->bundle, self);
    g_set_object(&self->bundle, bundle);
    if (bundle) {
        g_signal_connect_swapped(bundle, "changed", G_CALLBACK(update), self);
        gtk_editable_set_text(GTK_EDITABLE(self->search), "");
        update(self);
    }
}

static void vitrine_machine_settings_dispose(GObject *object)
{
    VitrineMachineSettings *self = VITRINE_MACHINE_SETTINGS(object);

    vitrine_machine_settings_set_bundle(self, NULL);
    g_clear_pointer(&self->box, gtk_widget_unparent);
    g_clear_pointer(&self->group_widgets, g_ptr_array_unref);
    G_OBJECT_CLASS(vitrine_machine_settings_parent_class)->dispose(object);
}

static void vitrine_machine_settings_class_init(VitrineMachineSettingsClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = vitrine_machine_settings_dispose;
    gtk_widget_class_set_template_from_resource(widget, "/org/vitrine/Vitrine/machine_settings.ui");
    gtk_widget_class_bind_template_child(widget, VitrineMachineSettings, box);
    gtk_widget_class_bind_template_child(widget, VitrineMachineSettings, search);
    gtk_widget_class_bind_template_child(widget, VitrineMachineSettings, nothing);
    gtk_widget_class_bind_template_child(widget, VitrineMachineSettings, groups);
    gtk_widget_class_bind_template_child(widget, VitrineMachineSettings, open_bar);
    gtk_widget_class_bind_template_child(widget, VitrineMachineSettings, open_label);
    gtk_widget_class_bind_template_callback(widget, on_search_changed);
}

static void vitrine_machine_settings_init(VitrineMachineSettings *self)
{
    self->group_widgets = g_ptr_array_new();
    gtk_widget_init_template(GTK_WIDGET(self));
    make_rows(self);
}
