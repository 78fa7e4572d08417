/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PulseAudio. The machine's thread writes to one ring and reads from another; the server's callbacks run on
 * the threaded main loop and do the opposite. Playback is fed without end, with silence where the ring is
 * empty, so that the machine never has to wake the loop.
 */
#include "emulator/hw/audio/audio_pulse.h"

#include <gio/gio.h>
#include <pulse/pulseaudio.h>

#include "emulator/core/i18n.h"
#include "emulator/hw/audio/audio_ring.h"

/* How much may lie in the rings: the delay that the ear gets. */
#define LATENCY_MS         80
#define CONNECT_TIMEOUT_US (3 * G_USEC_PER_SEC)

struct pulse_stream {
    pa_stream *stream;
    unsigned rate;
    size_t limit; /* frames in the ring */
    struct audio_ring ring;
};

struct audio_pulse {
    struct audio_backend base;
    pa_threaded_mainloop *loop;
    pa_context *context;
    struct pulse_stream play, capture;
};

/* ---- the server's thread ---- */

static void context_changed(pa_context *context, void *opaque)
{
    pa_threaded_mainloop_signal(((struct audio_pulse *)opaque)->loop, 0);
}

static void want_data(pa_stream *stream, size_t bytes, void *opaque)
{
    struct audio_pulse *pulse = opaque;
    while (bytes >= 4) {
        void *data = NULL;
        size_t size = bytes;
        if (pa_stream_begin_write(stream, &data, &size) < 0 || !data)
            return;
        size = MIN(size, bytes) & ~(size_t)3;
        size_t got = audio_ring_read(&pulse->play.ring, data, size / 4);
        memset((char *)data + got * 4, 0, size - got * 4);
        if (pa_stream_write(stream, data, size, NULL, 0, PA_SEEK_RELATIVE) < 0)
            return;
        bytes -= size;
    }
}

static void have_data(pa_stream *stream, size_t bytes, void *opaque)
{
    struct audio_pulse *pulse = opaque;
    const void *data;
    size_t size;
    while (pa_stream_readable_size(stream) > 0 && pa_stream_peek(stream, &data, &size) == 0 && size) {
        if (data) /* NULL: a hole */
            audio_ring_write(&pulse->capture.ring, data, size / 4, pulse->capture.limit);
        pa_stream_drop(stream);
    }
}

/* ---- the machine's thread ---- */

static void close_stream(struct pulse_stream *stream)
{
    if (!stream->stream)
        return;
    pa_stream_set_write_callback(stream->stream, NULL, NULL);
    pa_stream_set_read_callback(stream->stream, NULL, NULL);
    pa_stream_disconnect(stream->stream);
    pa_stream_unref(stream->stream);
    stream->stream = NULL;
}

static bool pulse_start(struct audio_backend *backend, bool capture, const struct audio_format *format)
{
    struct audio_pulse *pulse = (struct audio_pulse *)backend;
    struct pulse_stream *stream = capture ? &pulse->capture : &pulse->play;
    pa_threaded_mainloop_lock(pulse->loop);
    close_stream(stream);
    /* Nobody reads or writes now. */
    audio_ring_drop(&stream->ring);
    stream->rate = format->rate;
    stream->limit = MIN((size_t)format->rate * LATENCY_MS / 1000, AUDIO_RING_FRAMES);
    pa_sample_spec spec = {.format = PA_SAMPLE_S16NE, .rate = format->rate, .channels = 2};
    /* Connecting is done by the loop: this does not wait for the server. */
    stream->stream = pa_stream_new(pulse->context, capture ? "Recording" : "Playback", &spec, NULL);
    bool ok = stream->stream != NULL;
    if (ok) {
        uint32_t bytes = format->rate * LATENCY_MS / 1000 * 4;
        pa_buffer_attr attributes = {.maxlength = UINT32_MAX,
                                     .tlength = bytes,
                                     .prebuf = 0,
                                     .minreq = UINT32_MAX,
                                     .fragsize = bytes / 4};
        if (capture) {
            pa_stream_set_read_callback(stream->stream, have_data, pulse);
            ok = pa_stream_connect_record(stream->stream, NULL, &attributes, PA_STREAM_ADJUST_LATENCY) >= 0;
        } else {
            pa_stream_set_write_callback(stream->stream, want_data, pulse);
            ok = pa_stream_connect_playback(stream->stream, NULL, &attributes, PA_STREAM_ADJUST_LATENCY, NULL,
                                            NULL) >= 0;
        }
        if (!ok)
            close_stream(stream);
    }
    pa_threaded_mainloop_unlock(pulse->loop);
    return ok;
}

static void pulse_stop(struct audio_backend *backend, bool capture)
{
    struct audio_pulse *pulse = (struct audio_pulse *)backend;
    pa_threaded_mainloop_lock(pulse->loop);
    close_stream(capture ? &pulse->capture : &pulse->play);
    pa_threaded_mainloop_unlock(pulse->loop);
}

static size_t pulse_play(struct audio_backend *backend, const int16_t *samples, size_t frames)
{
    struct audio_pulse *pulse = (struct audio_pulse *)backend;
    return audio_ring_write(&pulse->play.ring, samples, frames, pulse->play.limit);
}

static size_t pulse_record(struct audio_backend *backend, int16_t *samples, size_t frames)
{
    struct audio_pulse *pulse = (struct audio_pulse *)backend;
    return audio_ring_read(&pulse->capture.ring, samples, frames);
}

static pa_volume_t volume_of(unsigned level)
{
    return (pa_volume_t)((uint64_t)MIN(level, 65535) * PA_VOLUME_NORM / 65535);
}

static void pulse_set_volume(struct audio_backend *backend, unsigned left, unsigned right)
{
    struct audio_pulse *pulse = (struct audio_pulse *)backend;
    pa_cvolume volume = {.channels = 2, .values = {volume_of(left), volume_of(right)}};
    pa_threaded_mainloop_lock(pulse->loop);
    if (pulse->play.stream && pa_stream_get_state(pulse->play.stream) == PA_STREAM_READY) {
        pa_operation *operation = pa_context_set_sink_input_volume(
            pulse->context, pa_stream_get_index(pulse->play.stream), &volume, NULL, NULL);
        if (operation)
            pa_operation_unref(operation);
    }
    pa_threaded_mainloop_unlock(pulse->loop);
}

static void pulse_finish(struct audio_backend *backend)
{
    struct audio_pulse *pulse = (struct audio_pulse *)backend;
    if (pulse->loop) {
        pa_threaded_mainloop_lock(pulse->loop);
        close_stream(&pulse->play);
        close_stream(&pulse->capture);
        if (pulse->context) {
            pa_context_set_state_callback(pulse->context, NULL, NULL);
            pa_context_disconnect(pulse->context);
            pa_context_unref(pulse->context);
        }
        pa_threaded_mainloop_unlock(pulse->loop);
        pa_threaded_mainloop_stop(pulse->loop);
        pa_threaded_mainloop_free(pulse->loop);
    }
    g_free(pulse);
}

static const struct audio_ops pulse_ops = {
    .start = pulse_start,
    .stop = pulse_stop,
    .play = pulse_play,
    .record = pulse_record,
    .set_volume = pulse_set_volume,
    .finish = pulse_finish,
};

static void timed_out(pa_mainloop_api *api, pa_time_event *event, const struct timeval *when, void *opaque)
{
    struct audio_pulse *pulse = opaque;
    pa_context_disconnect(pulse->context); /* changes the state, which wakes the waiter */
}

static bool wait_until_ready(struct audio_pulse *pulse)
{
    for (;;) {
        pa_context_state_t state = pa_context_get_state(pulse->context);
        if (state == PA_CONTEXT_READY)
            return true;
        if (!PA_CONTEXT_IS_GOOD(state))
            return false;
        pa_threaded_mainloop_wait(pulse->loop);
    }
}

struct audio_backend *audio_pulse_new(struct machine *machine, const char *name, GError **error)
{
    struct audio_pulse *pulse = g_new0(struct audio_pulse, 1);
    pulse->base = (struct audio_backend){.ops = &pulse_ops, .machine = machine};
    bool ok = false;
    pulse->loop = pa_threaded_mainloop_new();
    if (pulse->loop && pa_threaded_mainloop_start(pulse->loop) >= 0) {
        pa_threaded_mainloop_lock(pulse->loop);
        pa_mainloop_api *api = pa_threaded_mainloop_get_api(pulse->loop);
        pulse->context = pa_context_new(api, name);
        if (pulse->context) {
            pa_context_set_state_callback(pulse->context, context_changed, pulse);
            if (pa_context_connect(pulse->context, NULL, PA_CONTEXT_NOAUTOSPAWN, NULL) >= 0) {
                struct timeval deadline;
                pa_gettimeofday(&deadline);
                pa_timeval_add(&deadline, CONNECT_TIMEOUT_US);
                pa_time_event *timeout = api->time_new(api, &deadline, timed_out, pulse);
                ok = wait_until_ready(pulse);
                api->time_free(timeout);
            }
        }
        pa_threaded_mainloop_unlock(pulse->loop);
    }
    if (!ok) {
        g_set_error(
            error, G_IO_ERROR, G_IO_ERROR_FAILED,
            _("There is no sound: the sound server can’t be reached (%s). Start PulseAudio or PipeWire, or "
            "switch "
            "the machine’s sound off."),
            pa_strerror(pulse->context ? pa_context_errno(pulse->context) : PA_ERR_CONNECTIONREFUSED));
        pulse_finish(&pulse->base);
        return NULL;
    }
    return &pulse->base;
}
