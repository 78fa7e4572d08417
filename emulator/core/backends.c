/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The small common parts of back ends: attaching, NULL tolerance, the display surface. */
#include "emulator/core/backends.h"

#include <string.h>

#include "emulator/core/machine.h"

size_t char_write(struct char_backend *backend, const uint8_t *data, size_t size)
{
    return backend ? backend->ops->write(backend, data, size) : size;
}

void char_attach(struct char_backend *backend, const struct char_device *device)
{
    if (!backend)
        return;
    backend->device = *device;
    char_accept_input(backend);
}

void char_accept_input(struct char_backend *backend)
{
    if (backend && backend->ops->accept_input)
        backend->ops->accept_input(backend);
}

void char_set_params(struct char_backend *backend, const struct char_params *params)
{
    if (backend && backend->ops->set_params)
        backend->ops->set_params(backend, params);
}

void char_set_break(struct char_backend *backend, bool on)
{
    if (backend && backend->ops->set_break)
        backend->ops->set_break(backend, on);
}

void char_backend_free(struct char_backend *backend)
{
    if (backend)
        backend->ops->finish(backend);
}

void net_send(struct net_backend *backend, const uint8_t *frame, size_t size)
{
    if (!backend)
        return;
    backend->frames_sent++;
    machine_note_network(backend->machine);
    backend->ops->send(backend, frame, size);
}

void net_attach(struct net_backend *backend, const struct net_device *device)
{
    if (backend) {
        backend->device = *device;
        net_accept_input(backend);
    }
}

void net_accept_input(struct net_backend *backend)
{
    if (backend && backend->ops->accept_input)
        backend->ops->accept_input(backend);
}

void net_backend_free(struct net_backend *backend)
{
    if (backend)
        backend->ops->finish(backend);
}

size_t audio_play(struct audio_backend *backend, const int16_t *samples, size_t frames)
{
    backend->frames_played += frames;
    return backend->ops->play(backend, samples, frames);
}

void audio_backend_free(struct audio_backend *backend)
{
    if (backend)
        backend->ops->finish(backend);
}

void display_resize(struct display_surface *surface, int width, int height, double pixel_aspect)
{
    if (surface->pixels && surface->width == width && surface->height == height) {
        surface->pixel_aspect = pixel_aspect;
        return;
    }
    g_free(surface->pixels);
    *surface = (struct display_surface){
        .pixels = g_new0(uint32_t, (size_t)width * (size_t)height),
        .width = width,
        .height = height,
        .stride = width,
        .pixel_aspect = pixel_aspect,
    };
    display_damage(surface, 0, 0, width, height);
}

void display_damage(struct display_surface *surface, int x, int y, int width, int height)
{
    struct display_rect *damage = &surface->damage;
    int right = MIN(x + width, surface->width), bottom = MIN(y + height, surface->height);
    x = MAX(x, 0);
    y = MAX(y, 0);
    if (right <= x || bottom <= y)
        return;
    if (damage->width) {
        right = MAX(right, damage->x + damage->width);
        bottom = MAX(bottom, damage->y + damage->height);
        x = MIN(x, damage->x);
        y = MIN(y, damage->y);
    }
    *damage = (struct display_rect){x, y, right - x, bottom - y};
}

void display_surface_finish(struct display_surface *surface)
{
    g_clear_pointer(&surface->pixels, g_free);
    *surface = (struct display_surface){0};
}
