/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asks the engine for its picture, then writes the file on a worker thread. */
#include "app/picture.h"

#include "app/i18n.h"
#include "app/png.h"

struct picture {
    char *path;
    int max_width;
    uint32_t *pixels;
    int width, height;
    double pixel_aspect;
};

static void picture_free(gpointer data)
{
    struct picture *picture = data;

    g_free(picture->path);
    g_free(picture->pixels);
    g_free(picture);
}

static void write_picture(GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
    struct picture *p = task_data;
    GError *error = NULL;

    if (!p->pixels) {
        g_task_return_new_error(task, G_IO_ERROR, G_IO_ERROR_FAILED, _("The machine shows no picture."));
        return;
    }
    g_autoptr(GBytes) png =
        png_encode(p->pixels, p->width, p->height, p->width, p->pixel_aspect, p->max_width, &error);
    if (png &&
        g_file_set_contents(p->path, g_bytes_get_data(png, NULL), (gssize)g_bytes_get_size(png), &error))
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
}

static void on_screenshot(void *opaque, uint32_t *pixels, int width, int height, double pixel_aspect)
{
    g_autoptr(GTask) task = opaque;
    struct picture *picture = g_task_get_task_data(task);

    picture->pixels = pixels;
    picture->width = width;
    picture->height = height;
    picture->pixel_aspect = pixel_aspect;
    g_task_run_in_thread(task, write_picture);
}

void picture_take(struct engine *engine, const char *path, int max_width, GTask *task)
{
    struct picture *picture = g_new0(struct picture, 1);

    picture->path = g_strdup(path);
    picture->max_width = max_width;
    g_task_set_task_data(task, picture, picture_free);
    engine_screenshot(engine, on_screenshot, task);
}
