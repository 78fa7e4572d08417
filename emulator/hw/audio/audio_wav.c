/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "emulator/hw/audio/audio_wav.h"
#include "emulator/core/i18n.h"

#include <errno.h>
#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

#define HEADER_SIZE 44
/* Sizes in the header are 32 bits. */
#define DATA_MAX (UINT32_MAX - HEADER_SIZE)

struct audio_wav {
    struct audio_backend base;
    FILE *file;
    struct audio_format file_format; /* rate 0 = no start yet */
    unsigned rate, channels;         /* of what comes in */
    uint32_t data_size;
    uint64_t phase; /* of the resampler: input position, in 1/rate of a file's sample */
};

static void put_u16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, value & 0xffff);
    put_u16(at + 2, value >> 16);
}

static bool write_header(struct audio_wav *wav)
{
    uint8_t header[HEADER_SIZE] = {0};
    unsigned frame = wav->file_format.channels * 2;
    memcpy(header, "RIFF", 4);
    put_u32(header + 4, wav->data_size + HEADER_SIZE - 8);
    memcpy(header + 8, "WAVEfmt ", 8);
    put_u32(header + 16, 16);
    put_u16(header + 20, 1); /* PCM */
    put_u16(header + 22, wav->file_format.channels);
    put_u32(header + 24, wav->file_format.rate);
    put_u32(header + 28, wav->file_format.rate * frame);
    put_u16(header + 32, frame);
    put_u16(header + 34, 16);
    memcpy(header + 36, "data", 4);
    put_u32(header + 40, wav->data_size);
    return fseek(wav->file, 0, SEEK_SET) == 0 && fwrite(header, sizeof(header), 1, wav->file) == 1 &&
           fseek(wav->file, 0, SEEK_END) == 0;
}

static void give_up(struct audio_wav *wav)
{
    g_warning("The sound file could not be written: %s", g_strerror(errno));
    fclose(wav->file);
    wav->file = NULL;
}

static bool wav_start(struct audio_backend *backend, bool capture, const struct audio_format *format)
{
    struct audio_wav *wav = (struct audio_wav *)backend;
    if (capture)
        return false;
    wav->rate = format->rate;
    wav->channels = format->channels;
    wav->phase = 0;
    if (!wav->file_format.rate) {
        wav->file_format = *format;
        if (wav->file && !write_header(wav))
            give_up(wav);
    }
    return wav->file != NULL;
}

static void wav_stop(struct audio_backend *backend, bool capture)
{
}

static size_t wav_play(struct audio_backend *backend, const int16_t *samples, size_t frames)
{
    struct audio_wav *wav = (struct audio_wav *)backend;
    if (!wav->file || !wav->rate)
        return frames;
    /* Each input frame covers file-rate/rate frames of the file. */
    for (size_t i = 0; i < frames; i++) {
        const int16_t *in = samples + i * wav->channels;
        for (wav->phase += wav->file_format.rate; wav->phase >= wav->rate; wav->phase -= wav->rate) {
            uint8_t out[4];
            put_u16(out, (uint16_t)in[0]);
            put_u16(out + 2, (uint16_t)in[wav->channels - 1]);
            size_t size = wav->file_format.channels > 1 ? 4 : 2;
            if (wav->data_size > DATA_MAX - size)
                return frames;
            if (fwrite(out, size, 1, wav->file) != 1) {
                give_up(wav);
                return frames;
            }
            wav->data_size += (uint32_t)size;
        }
    }
    return frames;
}

static size_t wav_record(struct audio_backend *backend, int16_t *samples, size_t frames)
{
    return 0;
}

static void wav_finish(struct audio_backend *backend)
{
    struct audio_wav *wav = (struct audio_wav *)backend;
    if (wav->file) {
        if (!wav->file_format.rate)
            wav->file_format = (struct audio_format){.rate = 44100, .channels = 2};
        if (!write_header(wav))
            give_up(wav);
        else if (fclose(wav->file))
            g_warning("The sound file could not be written: %s", g_strerror(errno));
    }
    g_free(wav);
}

static const struct audio_ops wav_ops = {
    .start = wav_start,
    .stop = wav_stop,
    .play = wav_play,
    .record = wav_record,
    .finish = wav_finish,
};

struct audio_backend *audio_wav_new(struct machine *machine, const char *path, GError **error)
{
    FILE *file = fopen(path, "wb");
    if (!file) {
        int saved = errno;
        g_set_error(error, G_IO_ERROR, (gint)g_io_error_from_errno(saved),
                    _("The sound file “%s” can’t be written: %s."), path, g_strerror(saved));
        return NULL;
    }
    struct audio_wav *wav = g_new0(struct audio_wav, 1);
    wav->base = (struct audio_backend){.ops = &wav_ops, .machine = machine};
    wav->file = file;
    return &wav->base;
}
