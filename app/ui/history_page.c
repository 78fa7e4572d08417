/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The history tab. */
#include "app/ui/history_page.h"

#include "app/history.h"
#include "app/i18n.h"
#include "app/ui/dialogs.h"
#include "app/ui/facts.h"
#include "app/ui/history_actions.h"
#include "app/ui/history_gutter.h"
#include "app/ui/machine_actions.h"
#include "app/ui/thumbnail.h"

#include <string.h>

#define NOTE_SAVE_SECONDS 2

struct _VitrineHistoryPage {
    GtkWidget parent;
    VitrineHistory *history;
    VitrineHistoryNode *node; /* chosen */
    guint note_source, refill_source, show_source;
    char *place; /* where the machine was when the list was filled: the id of the present's parent */
    gboolean updating;

    AdwLeaflet *leaflet;
    GtkWidget *tree_box, *node_box, *picture, *name_label, *time_label, *badges, *note_box, *note_hint, *undo_button;
    GtkListBox *list;
    GtkTextBuffer *note;
    GtkToggleButton *autosaves_button;
    AdwPreferencesGroup *facts_group;
    GtkWidget *restore_button, *pin_button, *back_button, *buttons;
    GtkInfoBar *crash_bar;
    GtkLabel *crash_label;
    GtkBox *problems_box;
};

G_DEFINE_FINAL_TYPE(VitrineHistoryPage, vitrine_history_page, GTK_TYPE_WIDGET)

/* ---- the chosen moment ---- */

static gboolean save_note(gpointer data)
{
    VitrineHistoryPage *self = data;
    g_autoptr(GError) error = NULL;
    GtkTextIter start, end;

    self->note_source = 0;
    gtk_text_buffer_get_bounds(self->note, &start, &end);
    g_autofree char *text = gtk_text_buffer_get_text(self->note, &start, &end, FALSE);
    if (self->node && !vitrine_history_set_note(self->history, self->node, text, &error))
        dialogs_toast(GTK_WIDGET(self), error->message);
    return G_SOURCE_REMOVE;
}

static void flush_note(VitrineHistoryPage *self)
{
    if (!self->note_source)
        return;
    g_source_remove(self->note_source);
    save_note(self);
}

static void on_note_changed(GtkTextBuffer *buffer, VitrineHistoryPage *self)
{
    gtk_widget_set_visible(self->note_hint, gtk_text_buffer_get_char_count(buffer) == 0);
    if (self->updating)
        return;
    if (self->note_source)
        g_source_remove(self->note_source);
    self->note_source = g_timeout_add_seconds(NOTE_SAVE_SECONDS, save_note, self);
}

static void add_badge(VitrineHistoryPage *self, const char *text, const char *css_class)
{
    GtkWidget *label = gtk_label_new(text);

    gtk_widget_add_css_class(label, "node-badge");
    gtk_widget_add_css_class(label, "caption-heading");
    gtk_widget_add_css_class(label, css_class);
    gtk_box_append(GTK_BOX(self->badges), label);
}

static void show_badges(VitrineHistoryPage *self, VitrineHistoryNode *node)
{
    GtkWidget *child;

    while ((child = gtk_widget_get_first_child(self->badges)))
        gtk_box_remove(GTK_BOX(self->badges), child);
    switch (vitrine_history_node_get_kind(node)) {
    case HISTORY_HERE: add_badge(self, _("You are here"), "accent"); break;
    case HISTORY_SAFETY: add_badge(self, _("Kept for safety"), "plain"); break;
    case HISTORY_AUTOSAVE: add_badge(self, _("Autosave"), "plain"); break;
    case HISTORY_START: add_badge(self, _("Beginning"), "plain"); break;
    case HISTORY_MANUAL: break;
    }
    if (vitrine_history_node_get_kind(node) != HISTORY_HERE) {
        if (vitrine_history_node_get_has_ram(node))
            add_badge(self, _("Memory and disks"), "good");
        else
            add_badge(self, _("Disks only"), "plain");
    }
    if (vitrine_history_node_get_pinned(node))
        add_badge(self, _("Pinned"), "accent");
}

static void show_facts(VitrineHistoryPage *self, VitrineHistoryNode *node)
{
    static const char *const words[] = {[HISTORY_HEALTH_UNKNOWN] = N_("Not checked yet"),
                                        [HISTORY_HEALTH_GOOD] = N_("Good"),
                                        [HISTORY_HEALTH_WARNING] = N_("Worth a look"),
                                        [HISTORY_HEALTH_BROKEN] = N_("Cannot be gone back to")};
    const char *message = vitrine_history_node_get_health_message(node);

    const gboolean here = vitrine_history_node_get_kind(node) == HISTORY_HERE;

    facts_clear(self->facts_group);
    gtk_widget_set_visible(GTK_WIDGET(self->facts_group), !here || message);
    if (!here) {
        facts_add_size(self->facts_group, _("Its Own"), vitrine_history_node_get_own_bytes(node));
        facts_add_size(self->facts_group, _("Shared With Others"), vitrine_history_node_get_shared_bytes(node));
    }
    if (message)
        facts_add_sentence(self->facts_group, "dialog-warning-symbolic", _(words[vitrine_history_node_get_health(node)]),
                           message);
    else
        facts_add(self->facts_group, _("Health"), _(words[vitrine_history_node_get_health(node)]));
}

static void update_details(VitrineHistoryPage *self)
{
    VitrineHistoryNode *node = self->node;
    GtkWidget *widget = GTK_WIDGET(self);
    gboolean here = !node || vitrine_history_node_get_kind(node) == HISTORY_HERE;
    gboolean broken = node && vitrine_history_node_get_health(node) == HISTORY_HEALTH_BROKEN;

    gtk_widget_action_set_enabled(widget, "history.restore", !here && !broken);
    gtk_widget_action_set_enabled(widget, "history.branch", node && !broken);
    gtk_widget_action_set_enabled(widget, "history.compare", !here && !broken);
    gtk_widget_action_set_enabled(widget, "history.rename", !here);
    gtk_widget_action_set_enabled(widget, "history.pin", !here);
    gtk_widget_action_set_enabled(widget, "history.delete", !here && !vitrine_history_node_get_pinned(node));
    gtk_widget_set_visible(self->node_box, node != NULL);
    if (!node)
        return;
    g_autofree char *time = machine_describe_time(vitrine_history_node_get_time(node));
    const char *note = vitrine_history_node_get_note(node);
    gtk_label_set_text(GTK_LABEL(self->name_label),
                       here ? _("The Present") : vitrine_history_node_get_name(node));
    gtk_label_set_text(GTK_LABEL(self->time_label), here ? _("Where the machine is now") : time);
    gtk_widget_set_visible(self->note_box, !here);
    vitrine_thumbnail_set_file(VITRINE_THUMBNAIL(self->picture), vitrine_history_node_get_thumbnail(node));
    gtk_button_set_label(GTK_BUTTON(self->pin_button),
                         vitrine_history_node_get_pinned(node) ? _("Un_pin") : _("_Pin"));
    gtk_widget_set_visible(self->restore_button, !here);
    for (GtkWidget *button = gtk_widget_get_first_child(self->buttons); button;
         button = gtk_widget_get_next_sibling(button)) {
        const char *action = gtk_actionable_get_action_name(GTK_ACTIONABLE(button));
        gtk_widget_set_visible(button, !here || g_strcmp0(action, "history.branch") == 0);
    }
    if (!self->note_source) {
        self->updating = TRUE;
        gtk_text_buffer_set_text(self->note, note ? note : "", -1);
        self->updating = FALSE;
    }
    show_badges(self, node);
    show_facts(self, node);
}

static void choose(VitrineHistoryPage *self, VitrineHistoryNode *node)
{
    if (self->node == node)
        return;
    flush_note(self);
    if (self->node)
        g_signal_handlers_disconnect_by_data(self->node, self);
    g_set_object(&self->node, node);
    if (node)
        g_signal_connect_swapped(node, "changed", G_CALLBACK(update_details), self);
    update_details(self);
}

/* ---- the tree ---- */

static GtkWidget *node_words(VitrineHistoryNode *node)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 2), *name, *detail;
    gboolean here = vitrine_history_node_get_kind(node) == HISTORY_HERE;
    const char *note = vitrine_history_node_get_note(node);
    g_autofree char *time = machine_describe_time(vitrine_history_node_get_time(node));
    g_autofree char *first = note ? g_strndup(note, strcspn(note, "\n")) : NULL;
    g_autofree char *text = first && *first ? g_strdup_printf("%s · %s", time, first) : g_strdup(time);

    name = gtk_label_new(here ? _("You are here") : vitrine_history_node_get_name(node));
    detail = gtk_label_new(here ? _("The present") : text);
    for (GtkWidget *label = name;; label = detail) {
        gtk_label_set_xalign(GTK_LABEL(label), 0);
        gtk_label_set_ellipsize(GTK_LABEL(label), PANGO_ELLIPSIZE_END);
        gtk_box_append(GTK_BOX(box), label);
        if (label == detail)
            break;
    }
    gtk_widget_add_css_class(detail, "caption");
    gtk_widget_add_css_class(detail, "dim-label");
    if (here)
        gtk_widget_add_css_class(name, "heading");
    gtk_widget_set_margin_top(box, 4); /* between rows of large text; small text has more room than that */
    gtk_widget_set_margin_bottom(box, 4);
    gtk_widget_set_valign(box, GTK_ALIGN_CENTER);
    gtk_widget_set_hexpand(box, TRUE);
    return box;
}

static GtkWidget *node_icon(const char *icon, const char *tip)
{
    GtkWidget *image = gtk_image_new_from_icon_name(icon);

    gtk_widget_set_tooltip_text(image, tip);
    gtk_widget_set_valign(image, GTK_ALIGN_CENTER);
    gtk_widget_add_css_class(image, "dim-label");
    return image;
}

static GtkWidget *create_row(const struct history_row *row, guint lanes)
{
    GtkWidget *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 9), *item = gtk_list_box_row_new();
    VitrineHistoryNode *node = row->node;
    enum history_kind kind = vitrine_history_node_get_kind(node);

    gtk_box_append(GTK_BOX(box), vitrine_history_gutter_new(row, lanes));
    gtk_box_append(GTK_BOX(box), node_words(node));
    if (vitrine_history_node_get_health(node) >= HISTORY_HEALTH_WARNING)
        gtk_box_append(GTK_BOX(box), node_icon("dialog-warning-symbolic", _("Worth a look")));
    if (vitrine_history_node_get_pinned(node))
        gtk_box_append(GTK_BOX(box), node_icon("view-pin-symbolic", _("Pinned")));
    if (kind == HISTORY_AUTOSAVE || kind == HISTORY_SAFETY)
        gtk_box_append(GTK_BOX(box),
                       node_icon(kind == HISTORY_AUTOSAVE ? "document-save-symbolic" : "security-high-symbolic",
                                 kind == HISTORY_AUTOSAVE ? _("Autosave") : _("Kept for safety")));
    gtk_widget_set_margin_start(box, 6);
    gtk_widget_set_margin_end(box, 12);
    gtk_list_box_row_set_child(GTK_LIST_BOX_ROW(item), box);
    gtk_widget_add_css_class(item, "history-row");
    gtk_accessible_update_property(GTK_ACCESSIBLE(item), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                   kind == HISTORY_HERE ? _("You are here") : vitrine_history_node_get_name(node), -1);
    g_object_set_data_full(G_OBJECT(item), "node", g_object_ref(node), g_object_unref);
    return item;
}

static void clear_list(VitrineHistoryPage *self)
{
    GtkWidget *child;

    while ((child = gtk_widget_get_first_child(GTK_WIDGET(self->list))))
        gtk_list_box_remove(self->list, child);
}

/* Scrolls to the present, when the rows have their places. */
static gboolean show_here(GtkWidget *list, GdkFrameClock *clock, gpointer data)
{
    VitrineHistoryPage *self = VITRINE_HISTORY_PAGE(data);
    GtkAdjustment *adjustment = gtk_list_box_get_adjustment(self->list);
    VitrineHistoryNode *here = self->history ? vitrine_history_get_here(self->history) : NULL;
    graphene_rect_t at;

    for (GtkWidget *row = gtk_widget_get_first_child(list); row; row = gtk_widget_get_next_sibling(row)) {
        if (g_object_get_data(G_OBJECT(row), "node") != here || !gtk_widget_compute_bounds(row, list, &at))
            continue;
        if (at.size.height <= 0)
            return G_SOURCE_CONTINUE;
        gtk_adjustment_clamp_page(adjustment, at.origin.y, at.origin.y + at.size.height);
    }
    self->show_source = 0;
    return G_SOURCE_REMOVE;
}

/* After a moment was taken or gone back to the present may be out of sight. */
static void follow_here(VitrineHistoryPage *self)
{
    VitrineHistoryNode *parent = vitrine_history_node_get_parent(vitrine_history_get_here(self->history));
    const char *place = parent ? vitrine_history_node_get_id(parent) : NULL;

    if (g_strcmp0(place, self->place) != 0 && !self->show_source)
        self->show_source = gtk_widget_add_tick_callback(GTK_WIDGET(self->list), show_here, self, NULL);
    g_free(self->place);
    self->place = g_strdup(place);
}

static void fill_list(VitrineHistoryPage *self)
{
    g_autoptr(GArray) rows =
        history_rows(G_LIST_MODEL(self->history), !gtk_toggle_button_get_active(self->autosaves_button));
    g_autoptr(VitrineHistoryNode) chosen = self->node ? g_object_ref(self->node) : NULL;
    GtkRoot *root = gtk_widget_get_root(GTK_WIDGET(self));
    GtkWidget *focus = root ? gtk_root_get_focus(root) : NULL;
    const gboolean has_keyboard = focus && gtk_widget_is_ancestor(focus, GTK_WIDGET(self->list));
    GtkListBoxRow *select = NULL;
    guint lanes = 1;

    for (guint i = 0; i < rows->len; i++) {
        const struct history_row *row = &g_array_index(rows, struct history_row, i);
        guint32 all = row->above | row->below | 1u << row->lane;
        lanes = MAX(lanes, (guint)g_bit_storage(all));
    }
    self->updating = TRUE;
    clear_list(self);
    for (guint i = 0; i < rows->len; i++) {
        const struct history_row *row = &g_array_index(rows, struct history_row, i);
        GtkWidget *item = create_row(row, lanes);
        gtk_list_box_append(self->list, item);
        if (row->node == chosen || (!select && vitrine_history_node_get_kind(row->node) == HISTORY_HERE))
            select = GTK_LIST_BOX_ROW(item);
    }
    self->updating = FALSE;
    gtk_list_box_select_row(self->list, select);
    if (has_keyboard && select)
        gtk_widget_grab_focus(GTK_WIDGET(select));
    follow_here(self);
    choose(self, select ? g_object_get_data(G_OBJECT(select), "node") : NULL);
    update_details(self);
}

/* ---- what stands in the way ---- */

/* Besides those of enum history_repair: the original is where it was found. */
#define RESPONSE_FOUND 100

static void on_problem_response(GtkInfoBar *bar, int response, VitrineHistoryPage *self)
{
    const GPtrArray *problems = vitrine_history_get_problems(self->history);
    const char *path = g_object_get_data(G_OBJECT(bar), "path");

    for (guint i = 0; i < problems->len; i++) {
        const VitrineHistoryProblem *problem = problems->pdata[i];
        if (g_strcmp0(problem->path, path) != 0)
            continue;
        if (response == RESPONSE_FOUND)
            history_action_relocate(GTK_WIDGET(self), self->history, problem);
        else
            history_action_repair(GTK_WIDGET(self), self->history, problem, (enum history_repair)response);
        return; /* the problems are made anew */
    }
}

static void show_problems(VitrineHistoryPage *self)
{
    const GPtrArray *problems = vitrine_history_get_problems(self->history);
    GtkWidget *child;

    while ((child = gtk_widget_get_first_child(GTK_WIDGET(self->problems_box))))
        gtk_box_remove(self->problems_box, child);
    for (guint i = 0; i < problems->len; i++) {
        const VitrineHistoryProblem *problem = problems->pdata[i];
        GtkWidget *bar = gtk_info_bar_new(), *label = gtk_label_new(problem->message);
        gtk_label_set_wrap(GTK_LABEL(label), TRUE);
        gtk_label_set_xalign(GTK_LABEL(label), 0);
        gtk_widget_set_hexpand(label, TRUE);
        gtk_info_bar_set_message_type(GTK_INFO_BAR(bar), GTK_MESSAGE_WARNING);
        gtk_info_bar_add_child(GTK_INFO_BAR(bar), label);
        if (problem->can_locate && problem->found)
            gtk_info_bar_add_button(GTK_INFO_BAR(bar), _("_Use It There"), RESPONSE_FOUND);
        if (problem->can_locate)
            gtk_info_bar_add_button(GTK_INFO_BAR(bar), _("_Locate…"), HISTORY_REPAIR_LOCATE);
        if (problem->can_rebase)
            gtk_info_bar_add_button(GTK_INFO_BAR(bar), _("_Take As It Is…"), HISTORY_REPAIR_REBASE);
        if (problem->can_discard)
            gtk_info_bar_add_button(GTK_INFO_BAR(bar), _("_Drop Changes…"), HISTORY_REPAIR_DISCARD);
        g_object_set_data_full(G_OBJECT(bar), "path", g_strdup(problem->path), g_free);
        g_signal_connect(bar, "response", G_CALLBACK(on_problem_response), self);
        gtk_box_append(self->problems_box, bar);
    }
}

static void show_crash(VitrineHistoryPage *self)
{
    VitrineHistoryNode *last = NULL;
    gboolean crashed = vitrine_history_was_running(self->history, &last);

    gtk_widget_set_visible(GTK_WIDGET(self->crash_bar), crashed && last);
    if (!crashed || !last)
        return;
    g_autofree char *time = machine_describe_time(vitrine_history_node_get_time(last));
    g_autofree char *text = g_strdup_printf(
        _("Vitrine ended while this machine was running. Its last snapshot: %s. Shall it go on from there?"), time);
    gtk_label_set_text(self->crash_label, text);
}

static void on_crash_response(GtkInfoBar *bar, int response, VitrineHistoryPage *self)
{
    VitrineHistoryNode *last = NULL;

    if (response == GTK_RESPONSE_ACCEPT && vitrine_history_was_running(self->history, &last) && last)
        history_action_go_on(GTK_WIDGET(self), self->history, last);
    else
        vitrine_history_forget_crash(self->history);
    gtk_widget_set_visible(GTK_WIDGET(bar), FALSE);
}

static gboolean refill(gpointer data)
{
    VitrineHistoryPage *self = data;

    self->refill_source = 0;
    fill_list(self);
    show_problems(self);
    show_crash(self);
    gtk_widget_set_visible(self->undo_button, vitrine_history_can_undo(self->history));
    return G_SOURCE_REMOVE;
}

/* Changes come in bursts. */
static void on_history_changed(VitrineHistoryPage *self)
{
    if (!self->refill_source)
        self->refill_source = g_idle_add(refill, self);
}

static void on_row_selected(GtkListBox *list, GtkListBoxRow *row, VitrineHistoryPage *self)
{
    if (row && !self->updating)
        choose(self, g_object_get_data(G_OBJECT(row), "node"));
}

static void on_row_activated(GtkListBox *list, GtkListBoxRow *row, VitrineHistoryPage *self)
{
    adw_leaflet_set_visible_child(self->leaflet, gtk_widget_get_last_child(GTK_WIDGET(self->leaflet)));
}

static void on_back(GtkButton *button, VitrineHistoryPage *self)
{
    adw_leaflet_set_visible_child(self->leaflet, self->tree_box);
}

static void on_autosaves_toggled(GtkToggleButton *button, VitrineHistoryPage *self)
{
    if (self->history)
        fill_list(self);
}

/* ---- commands ---- */

static void on_action(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineHistoryPage *self = VITRINE_HISTORY_PAGE(widget);
    static const struct {
        const char *name;
        void (*run)(GtkWidget *owner, VitrineHistory *history, VitrineHistoryNode *node);
    } commands[] = {
        {"history.restore", history_action_restore}, {"history.branch", history_action_branch},
        {"history.compare", history_action_compare}, {"history.rename", history_action_rename},
        {"history.delete", history_action_delete},
    };

    for (size_t i = 0; self->node && i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            commands[i].run(widget, self->history, self->node);
    }
}

static void take(GtkWidget *widget, const char *name, GVariant *parameter)
{
    history_action_take(widget, VITRINE_HISTORY_PAGE(widget)->history, TRUE);
}

static void undo(GtkWidget *widget, const char *name, GVariant *parameter)
{
    history_action_undo(widget, VITRINE_HISTORY_PAGE(widget)->history);
}

static void verify(GtkWidget *widget, const char *name, GVariant *parameter)
{
    history_action_verify(widget, VITRINE_HISTORY_PAGE(widget)->history);
}

static void pin(GtkWidget *widget, const char *name, GVariant *parameter)
{
    VitrineHistoryPage *self = VITRINE_HISTORY_PAGE(widget);
    g_autoptr(GError) error = NULL;

    if (!vitrine_history_set_pinned(self->history, self->node, !vitrine_history_node_get_pinned(self->node), &error))
        dialogs_toast(widget, error->message);
}

/* ---- object ---- */

void vitrine_history_page_set_bundle(VitrineHistoryPage *self, VitrineBundle *bundle)
{
    if (self->history && vitrine_history_get_bundle(self->history) == bundle)
        return;
    choose(self, NULL);
    clear_list(self);
    if (self->refill_source)
        g_source_remove(self->refill_source);
    self->refill_source = 0;
    if (self->show_source)
        gtk_widget_remove_tick_callback(GTK_WIDGET(self->list), self->show_source);
    self->show_source = 0;
    g_clear_pointer(&self->place, g_free);
    vitrine_history_look_at(&self->history, bundle, self);
    if (!self->history)
        return;
    g_signal_connect_swapped(self->history, "changed", G_CALLBACK(on_history_changed), self);
    g_signal_connect_swapped(self->history, "items-changed", G_CALLBACK(on_history_changed), self);
    refill(self);
}

static void vitrine_history_page_dispose(GObject *object)
{
    VitrineHistoryPage *self = VITRINE_HISTORY_PAGE(object);

    if (self->leaflet) {
        vitrine_history_page_set_bundle(self, NULL);
        gtk_widget_unparent(gtk_widget_get_first_child(GTK_WIDGET(self)));
        self->leaflet = NULL;
    }
    G_OBJECT_CLASS(vitrine_history_page_parent_class)->dispose(object);
}

static void vitrine_history_page_class_init(VitrineHistoryPageClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    G_OBJECT_CLASS(klass)->dispose = vitrine_history_page_dispose;
    g_type_ensure(VITRINE_TYPE_THUMBNAIL);
    gtk_widget_class_set_template_from_resource(widget, "/org/vitrine/Vitrine/history_page.ui");
#define BIND(name) gtk_widget_class_bind_template_child(widget, VitrineHistoryPage, name)
    BIND(leaflet);
    BIND(tree_box);
    BIND(node_box);
    BIND(picture);
    BIND(name_label);
    BIND(time_label);
    BIND(badges);
    BIND(note_box);
    BIND(note_hint);
    BIND(undo_button);
    BIND(list);
    BIND(note);
    BIND(autosaves_button);
    BIND(facts_group);
    BIND(restore_button);
    BIND(pin_button);
    BIND(back_button);
    BIND(buttons);
    BIND(crash_bar);
    BIND(crash_label);
    BIND(problems_box);
#undef BIND
    gtk_widget_class_bind_template_callback(widget, on_note_changed);
    gtk_widget_class_bind_template_callback(widget, on_row_selected);
    gtk_widget_class_bind_template_callback(widget, on_row_activated);
    gtk_widget_class_bind_template_callback(widget, on_back);
    gtk_widget_class_bind_template_callback(widget, on_autosaves_toggled);
    gtk_widget_class_bind_template_callback(widget, on_crash_response);
    for (const char *const *name = (const char *const[]){"history.restore", "history.branch", "history.compare",
                                                         "history.rename", "history.delete", NULL};
         *name; name++)
        gtk_widget_class_install_action(widget, *name, NULL, on_action);
    gtk_widget_class_install_action(widget, "history.take", NULL, take);
    gtk_widget_class_install_action(widget, "history.undo", NULL, undo);
    gtk_widget_class_install_action(widget, "history.verify", NULL, verify);
    gtk_widget_class_install_action(widget, "history.pin", NULL, pin);
}

static void vitrine_history_page_init(VitrineHistoryPage *self)
{
    gtk_widget_init_template(GTK_WIDGET(self));
}
