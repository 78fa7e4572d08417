/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lanes for a tree, and the widget that draws one row of them. */
#include "app/ui/history_gutter.h"

#define LANE_WIDTH 18
#define DOT_RADIUS 5.0
#define LINE_WIDTH 2.0

/* ---- lanes ---- */

static guint lowest_free(guint32 used)
{
    for (guint lane = 0; lane < HISTORY_MAX_LANES - 1; lane++) {
        if (!(used & (1u << lane)))
            return lane;
    }
    return HISTORY_MAX_LANES - 1;
}

/* The nearest ancestor that is shown. */
static VitrineHistoryNode *shown_parent(VitrineHistoryNode *node, GHashTable *shown)
{
    do
        node = vitrine_history_node_get_parent(node);
    while (node && !g_hash_table_contains(shown, node));
    return node;
}

static gboolean is_folded(VitrineHistoryNode *node)
{
    GListModel *children = vitrine_history_node_get_children(node);

    return vitrine_history_node_get_kind(node) == HISTORY_AUTOSAVE && !vitrine_history_node_get_pinned(node) &&
           g_list_model_get_n_items(children) <= 1;
}

GArray *history_rows(GListModel *nodes, gboolean fold)
{
    GArray *rows = g_array_new(FALSE, TRUE, sizeof(struct history_row));
    g_autoptr(GHashTable) shown = g_hash_table_new(NULL, NULL);    /* node to row number + 1 */
    g_autoptr(GHashTable) straight = g_hash_table_new(NULL, NULL); /* nodes on the way to the present */
    g_autoptr(GHashTable) children = g_hash_table_new(NULL, NULL); /* node to how many shown children are to come */
    g_autoptr(GHashTable) lanes = g_hash_table_new(NULL, NULL);    /* node to its lane + 1, once it is known */
    guint32 used = 0;

    for (guint i = 0; i < g_list_model_get_n_items(nodes); i++) {
        g_autoptr(VitrineHistoryNode) node = g_list_model_get_item(nodes, i);
        if (fold && is_folded(node))
            continue;
        struct history_row row = {.node = node};
        g_array_append_val(rows, row);
        g_hash_table_insert(shown, node, GUINT_TO_POINTER(rows->len));
    }
    for (guint i = 0; i < rows->len; i++) {
        VitrineHistoryNode *node = g_array_index(rows, struct history_row, i).node;
        VitrineHistoryNode *parent = shown_parent(node, shown);
        if (parent)
            g_hash_table_insert(children, parent,
                                GUINT_TO_POINTER(GPOINTER_TO_UINT(g_hash_table_lookup(children, parent)) + 1));
        if (vitrine_history_node_get_kind(node) == HISTORY_HERE) {
            for (VitrineHistoryNode *up = node; up; up = shown_parent(up, shown))
                g_hash_table_add(straight, up);
        }
    }
    for (guint i = 0; i < rows->len; i++) {
        struct history_row *row = &g_array_index(rows, struct history_row, i);
        guint known = GPOINTER_TO_UINT(g_hash_table_lookup(lanes, row->node));
        row->above = used;
        row->lane = known ? known - 1 : lowest_free(used);
        used &= ~(1u << row->lane);
        /* Its children's lanes begin here: its own goes on to the one that leads to the present, else to the first. */
        if (g_hash_table_contains(children, row->node)) {
            VitrineHistoryNode *heir = NULL;
            for (guint j = i + 1; j < rows->len; j++) {
                VitrineHistoryNode *other = g_array_index(rows, struct history_row, j).node;
                if (shown_parent(other, shown) == row->node &&
                    (!heir || (g_hash_table_contains(straight, other) && !g_hash_table_contains(straight, heir))))
                    heir = other;
            }
            used |= 1u << row->lane;
            row->born |= 1u << row->lane;
            g_hash_table_insert(lanes, heir, GUINT_TO_POINTER(row->lane + 1));
            for (guint j = i + 1; j < rows->len; j++) {
                VitrineHistoryNode *other = g_array_index(rows, struct history_row, j).node;
                if (other == heir || shown_parent(other, shown) != row->node)
                    continue;
                guint lane = lowest_free(used);
                used |= 1u << lane;
                row->born |= 1u << lane;
                g_hash_table_insert(lanes, other, GUINT_TO_POINTER(lane + 1));
            }
        }
        row->below = used;
    }
    return rows;
}

/* ---- drawing ---- */

struct _VitrineHistoryGutter {
    GtkWidget parent;
    struct history_row row;
    guint lanes;
    enum history_kind kind;
    gboolean ram;
};

G_DEFINE_FINAL_TYPE(VitrineHistoryGutter, vitrine_history_gutter, GTK_TYPE_WIDGET)

static double lane_x(guint lane)
{
    return (lane + 0.5) * LANE_WIDTH;
}

/* Few hues, readable on light and dark; the lane to the present mostly has the accent colour. */
static GdkRGBA lane_colour(GtkWidget *widget, guint lane)
{
    static const char *const names[] = {"blue_3", "green_4", "orange_3", "purple_3", "red_2", "brown_3"};
    static const char *const plain[] = {"#3584e4", "#2ec27e", "#ff7800", "#9141ac", "#ed333b", "#986a44"};
    GdkRGBA colour;

    if (!gtk_style_context_lookup_color(gtk_widget_get_style_context(widget), names[lane % G_N_ELEMENTS(names)],
                                        &colour))
        gdk_rgba_parse(&colour, plain[lane % G_N_ELEMENTS(plain)]);
    return colour;
}

static void line(cairo_t *cr, GtkWidget *widget, guint lane, double from_y, double to_y)
{
    GdkRGBA colour = lane_colour(widget, lane);

    gdk_cairo_set_source_rgba(cr, &colour);
    cairo_move_to(cr, lane_x(lane), from_y);
    cairo_line_to(cr, lane_x(lane), to_y);
    cairo_stroke(cr);
}

static void branch(cairo_t *cr, GtkWidget *widget, guint from, guint to, double from_y, double to_y)
{
    GdkRGBA colour = lane_colour(widget, to);
    double x1 = lane_x(from), x2 = lane_x(to), middle = (from_y + to_y) / 2;

    gdk_cairo_set_source_rgba(cr, &colour);
    cairo_move_to(cr, x1, from_y);
    cairo_curve_to(cr, x1, middle, x2, middle, x2, to_y);
    cairo_stroke(cr);
}

static void vitrine_history_gutter_snapshot(GtkWidget *widget, GtkSnapshot *snapshot)
{
    VitrineHistoryGutter *self = VITRINE_HISTORY_GUTTER(widget);
    double width = gtk_widget_get_width(widget), height = gtk_widget_get_height(widget), middle = height / 2;
    const struct history_row *row = &self->row;
    cairo_t *cr = gtk_snapshot_append_cairo(snapshot, &GRAPHENE_RECT_INIT(0, 0, (float)width, (float)height));
    GdkRGBA dot = lane_colour(widget, row->lane), ground = {1, 1, 1, 1};

    if (gtk_widget_get_direction(widget) == GTK_TEXT_DIR_RTL) {
        cairo_translate(cr, width, 0);
        cairo_scale(cr, -1, 1);
    }
    cairo_set_line_width(cr, LINE_WIDTH);
    for (guint lane = 0; lane < HISTORY_MAX_LANES; lane++) {
        guint32 bit = 1u << lane;
        if (row->above & bit)
            line(cr, widget, lane, 0, middle);
        if (row->born & bit && lane != row->lane)
            branch(cr, widget, row->lane, lane, middle, height);
        else if (row->below & bit)
            line(cr, widget, lane, middle, height);
    }
    gtk_style_context_lookup_color(gtk_widget_get_style_context(widget), "view_bg_color", &ground);
    cairo_arc(cr, lane_x(row->lane), middle, self->kind == HISTORY_HERE ? DOT_RADIUS + 2 : DOT_RADIUS, 0, 2 * G_PI);
    gdk_cairo_set_source_rgba(cr, self->ram || self->kind == HISTORY_HERE ? &dot : &ground);
    cairo_fill_preserve(cr);
    gdk_cairo_set_source_rgba(cr, &dot);
    cairo_stroke(cr);
    if (self->kind == HISTORY_HERE) {
        cairo_arc(cr, lane_x(row->lane), middle, 3, 0, 2 * G_PI);
        gdk_cairo_set_source_rgba(cr, &ground);
        cairo_fill(cr);
    }
    cairo_destroy(cr);
}

static void vitrine_history_gutter_measure(GtkWidget *widget, GtkOrientation orientation, int for_size, int *minimum,
                                           int *natural, int *minimum_baseline, int *natural_baseline)
{
    VitrineHistoryGutter *self = VITRINE_HISTORY_GUTTER(widget);

    *minimum = *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? (int)MAX(self->lanes, 1u) * LANE_WIDTH : 44;
}

static void vitrine_history_gutter_class_init(VitrineHistoryGutterClass *klass)
{
    GtkWidgetClass *widget = GTK_WIDGET_CLASS(klass);

    widget->snapshot = vitrine_history_gutter_snapshot;
    widget->measure = vitrine_history_gutter_measure;
    gtk_widget_class_set_accessible_role(widget, GTK_ACCESSIBLE_ROLE_PRESENTATION);
}

static void vitrine_history_gutter_init(VitrineHistoryGutter *self)
{
}

GtkWidget *vitrine_history_gutter_new(const struct history_row *row, guint lanes)
{
    VitrineHistoryGutter *self = g_object_new(VITRINE_TYPE_HISTORY_GUTTER, NULL);

    self->row = *row;
    self->lanes = lanes;
    self->kind = vitrine_history_node_get_kind(row->node);
    self->ram = vitrine_history_node_get_has_ram(row->node);
    self->row.node = NULL; /* may go while the row is still drawn */
    return GTK_WIDGET(self);
}
