/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A picture that fits the screen's pixels exactly is cut into tiles: GTK compares the render nodes of two frames and
 * redraws only what is new.
 */
#include "app/ui/picture_tiles.h"

#include <string.h>

#define TILE 128 /* guest pixels */

void picture_tiles_clear(struct picture_tiles *tiles)
{
    g_free(tiles->pixels);
    g_clear_pointer(&tiles->nodes, g_ptr_array_unref);
    *tiles = (struct picture_tiles){0};
}

static int tile_size(const struct picture_tiles *tiles, int length)
{
    return tiles->whole ? length : TILE;
}

static void drop_node(gpointer node)
{
    if (node)
        gsk_render_node_unref(node);
}

/* Forgets the tiles that show a part of this rectangle (guest pixels). */
static void forget(struct picture_tiles *tiles, int x, int y, int width, int height)
{
    int across = tile_size(tiles, tiles->width), down = tile_size(tiles, tiles->height);

    if (!tiles->nodes || width <= 0 || height <= 0)
        return;
    for (int row = y / down; row <= (y + height - 1) / down; row++) {
        for (int column = x / across; column <= (x + width - 1) / across; column++)
            g_clear_pointer(&tiles->nodes->pdata[row * tiles->columns + column], drop_node);
    }
}

void picture_tiles_update(struct picture_tiles *tiles, const struct engine_frame *frame)
{
    int x = CLAMP(frame->damage_x, 0, frame->width), y = CLAMP(frame->damage_y, 0, frame->height);
    int width = CLAMP(frame->damage_width, 0, frame->width - x);
    int height = CLAMP(frame->damage_height, 0, frame->height - y);

    if (tiles->width != frame->width || tiles->height != frame->height) {
        tiles->width = frame->width;
        tiles->height = frame->height;
        tiles->pixels = g_renew(uint32_t, tiles->pixels, (gsize)frame->width * (gsize)frame->height);
        g_clear_pointer(&tiles->nodes, g_ptr_array_unref);
        x = y = 0;
        width = frame->width;
        height = frame->height;
    }
    for (int row = y; row < y + height; row++)
        memcpy(tiles->pixels + (gsize)row * (gsize)tiles->width + x,
               frame->pixels + (gsize)row * (gsize)frame->stride + x, (gsize)width * sizeof(uint32_t));
    forget(tiles, x, y, width, height);
}

/* A part of the picture, in XRGB8888 as cairo's RGB24 is. */
static cairo_surface_t *make_surface(const struct picture_tiles *tiles, int left, int top, int width, int height)
{
    int k = tiles->enlarged;
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width * k, height * k);
    if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS)
        return surface;
    gsize stride = (gsize)cairo_image_surface_get_stride(surface);
    uint8_t *data = cairo_image_surface_get_data(surface);

    cairo_surface_flush(surface);
    for (int y = 0; y < height; y++) {
        uint8_t *row = data + (gsize)y * (gsize)k * stride;
        uint32_t *to = (uint32_t *)(void *)row;
        const uint32_t *from = tiles->pixels + (gsize)(top + y) * (gsize)tiles->width + left;
        for (int x = 0; x < width; x++) {
            for (int i = 0; i < k; i++)
                *to++ = from[x];
        }
        for (int i = 1; i < k; i++)
            memcpy(row + (gsize)i * stride, row, stride);
    }
    cairo_surface_mark_dirty(surface);
    return surface;
}

static GskRenderNode *make_node(const struct picture_tiles *tiles, int left, int top, int width, int height)
{
    float unit_x = tiles->place.size.width / (float)tiles->width, unit_y = tiles->place.size.height / (float)tiles->height;
    graphene_rect_t bounds = GRAPHENE_RECT_INIT(
        tiles->place.origin.x + (float)left * unit_x, tiles->place.origin.y + (float)top * unit_y,
        (float)width * unit_x, (float)height * unit_y);
    GskRenderNode *node = gsk_cairo_node_new(&bounds);
    cairo_surface_t *surface = make_surface(tiles, left, top, width, height);
    cairo_t *cr = gsk_cairo_node_get_draw_context(node);

    cairo_translate(cr, (double)bounds.origin.x, (double)bounds.origin.y);
    cairo_scale(cr, (double)unit_x / tiles->enlarged, (double)unit_y / tiles->enlarged);
    cairo_set_source_surface(cr, surface, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(cr), tiles->whole ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST);
    cairo_pattern_set_extend(cairo_get_source(cr), CAIRO_EXTEND_PAD);
    cairo_rectangle(cr, 0, 0, (double)width * tiles->enlarged, (double)height * tiles->enlarged);
    cairo_fill(cr);
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    return node;
}

static void lay_out(struct picture_tiles *tiles, const graphene_rect_t *place, gboolean whole, int enlarged)
{
    if (tiles->nodes && tiles->whole == whole && tiles->enlarged == enlarged &&
        graphene_rect_equal(&tiles->place, place))
        return;
    tiles->whole = whole;
    tiles->enlarged = enlarged;
    tiles->place = *place;
    tiles->columns = whole ? 1 : (tiles->width + TILE - 1) / TILE;
    tiles->rows = whole ? 1 : (tiles->height + TILE - 1) / TILE;
    g_clear_pointer(&tiles->nodes, g_ptr_array_unref);
    tiles->nodes = g_ptr_array_new_with_free_func(drop_node);
    g_ptr_array_set_size(tiles->nodes, tiles->columns * tiles->rows);
}

void picture_tiles_snapshot(struct picture_tiles *tiles, GtkSnapshot *snapshot, int scale, double x, double y,
                            double width, double height, int enlarged)
{
    if (!tiles->width)
        return;
    gboolean exact = width == (double)tiles->width * enlarged && height == (double)tiles->height * enlarged;
    lay_out(tiles,
            &GRAPHENE_RECT_INIT((float)(x / scale), (float)(y / scale), (float)(width / scale),
                                (float)(height / scale)),
            !exact, enlarged);
    int across = tile_size(tiles, tiles->width), down = tile_size(tiles, tiles->height);
    for (int row = 0; row < tiles->rows; row++) {
        for (int column = 0; column < tiles->columns; column++) {
            int left = column * across, top = row * down;
            gpointer *node = &tiles->nodes->pdata[row * tiles->columns + column];
            if (!*node)
                *node = make_node(tiles, left, top, MIN(across, tiles->width - left), MIN(down, tiles->height - top));
            gtk_snapshot_append_node(snapshot, *node);
        }
    }
}
