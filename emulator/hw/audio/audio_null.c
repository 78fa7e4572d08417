/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "emulator/hw/audio/audio_null.h"

#include <string.h>

static bool null_start(struct audio_backend *backend, bool capture, const struct audio_format *format)
{
    return true;
}

static void null_stop(struct audio_backend *backend, bool capture)
{
}

static size_t null_play(struct audio_backend *backend, const int16_t *samples, size_t frames)
{
    return frames;
}

static size_t null_record(struct audio_backend *backend, int16_t *samples, size_t frames)
{
    return 0;
}

static void null_finish(struct audio_backend *backend)
{
    g_free(backend);
}

static const struct audio_ops null_ops = {
    .start = null_start,
    .stop = null_stop,
    .play = null_play,
    .record = null_record,
    .finish = null_finish,
};

struct audio_backend *audio_null_new(struct machine *machine)
{
    struct audio_backend *backend = g_new0(struct audio_backend, 1);
    backend->ops = &null_ops;
    backend->machine = machine;
    return backend;
}
