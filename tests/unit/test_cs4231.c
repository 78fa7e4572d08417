/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sound chip: tones by DMA into a WAV file whose frequency is measured, interrupts, capture, formats,
 * timer. */
#include <glib/gstdio.h>
#include <math.h>

#include "emulator/hw/audio/audio_ring.h"
#include "emulator/hw/audio/audio_wav.h"
#include "emulator/hw/audio/cs4231.h"
#include "emulator/hw/audio/cs4231_formats.h"
#include "tests/unit/devs_common.h"

#define BASE    0x6c000000u
#define INDEX   (BASE + 0x00)
#define DATA    (BASE + 0x04)
#define STATUS  (BASE + 0x08)
#define PIO     (BASE + 0x0c)
#define CSR     (BASE + 0x10)
#define CAPTURE (BASE + 0x20)
#define PLAY    (BASE + 0x30)

struct bench {
    struct machine *machine;
    struct cs4231 *codec;
    struct bench_memory *memory;
    struct irq_line irq;
    unsigned interrupts;
};

static void set_up(struct bench *bench, struct audio_backend *audio)
{
    *bench = (struct bench){.machine = audio ? audio->machine : bench_new()};
    bench->memory = g_new0(struct bench_memory, 1);
    irq_init(&bench->irq, bench_pin_changed, &bench->interrupts, 0);
    bench->codec = (struct cs4231 *)device_new(bench->machine, &cs4231_class, "audio");
    bench->codec->irq = &bench->irq;
    bench->codec->audio = bench->machine->audio = audio;
    bench->codec->dma = bench_memory_port(bench->memory);
    bench_start(&bench->codec->dev);
    cs4231_map(bench->codec, bench->machine->bus, BASE);
    machine_reset(bench->machine, RESET_POWER_ON);
}

static void tear_down(struct bench *bench)
{
    machine_free(bench->machine);
    g_free(bench->memory);
}

static void write_reg(struct bench *bench, unsigned index, unsigned value)
{
    poke(bench->machine, INDEX, 1, index);
    poke(bench->machine, DATA, 1, value);
}

static unsigned read_reg(struct bench *bench, unsigned index)
{
    poke(bench->machine, INDEX, 1, index);
    return (unsigned)peek(bench->machine, DATA, 1);
}

/* Mode 2, format and rate set under MCE, calibration over, outputs open. */
static void configure(struct bench *bench, unsigned play_format, unsigned capture_format)
{
    poke(bench->machine, CSR, 4, 1);
    poke(bench->machine, CSR, 4, 0);
    write_reg(bench, 12, 0x40);
    write_reg(bench, 0x40 | 8, play_format);
    write_reg(bench, 0x40 | 28, capture_format);
    poke(bench->machine, INDEX, 1, 0);
    g_assert_cmphex(read_reg(bench, 11) & 0x20, ==, 0x20);
    bench_advance(bench->machine, 50 * NS_PER_MS);
    g_assert_cmphex(read_reg(bench, 11) & 0x20, ==, 0);
    write_reg(bench, 6, 0);
    write_reg(bench, 7, 0);
}

/* What a driver does: enable, give two buffers, and one more at each interrupt. Returns the buffers given. */
static unsigned play_buffers(struct bench *bench, uint32_t address, uint32_t size, unsigned count)
{
    struct machine *machine = bench->machine;
    poke(machine, CSR, 4, 0x0c0000 | 0x08); /* IE, PIE, GO */
    unsigned given = 0;
    write_reg(bench, 9, 0x09);
    for (unsigned guard = 0; guard < 1000; guard++) {
        while (given < count && peek(machine, CSR, 4) & 0x2000) {
            poke(machine, PLAY + 8, 4, address + given * size);
            poke(machine, PLAY + 12, 4, size);
            given++;
        }
        if (peek(machine, CSR, 4) & 0x4000)
            break;
        bench_advance(machine, 5 * NS_PER_MS);
        if (bench->irq.level) {
            g_assert_cmphex(peek(machine, CSR, 4) & 0x400000, ==, 0x400000);
            poke(machine, CSR, 4, peek(machine, CSR, 4));
            g_assert_false(bench->irq.level);
        }
    }
    write_reg(bench, 9, 0x08);
    return given;
}

/* Frequency and amplitude of one channel of a 16-bit stereo WAV file. */
static void measure(const char *path, unsigned channel, double *frequency, double *amplitude, unsigned *rate)
{
    g_autofree char *data = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(path, &data, &size, NULL));
    g_assert_cmpuint(size, >, 44);
    const uint8_t *header = (const uint8_t *)data;
    *rate = header[24] | header[25] << 8 | header[26] << 16;
    unsigned bytes = header[40] | header[41] << 8 | header[42] << 16 | (unsigned)header[43] << 24;
    g_assert_cmpuint(bytes, ==, size - 44);
    const int16_t *samples = (const int16_t *)(data + 44);
    unsigned crossings = 0;
    size_t frames = bytes / 4, first = 0, last = 0;
    int peak = 0;
    for (size_t i = 1; i < frames; i++) {
        int before = samples[2 * (i - 1) + channel], now = samples[2 * i + channel];
        peak = MAX(peak, ABS(now));
        if (before < 0 && now >= 0) {
            if (!crossings++)
                first = i;
            last = i;
        }
    }
    g_assert_cmpuint(crossings, >, 10);
    *frequency = (double)(crossings - 1) * *rate / (double)(last - first);
    *amplitude = peak;
}

static void test_tone(const void *data)
{
    static const struct {
        const char *name;
        enum cs4231_format format;
        unsigned rate_bits, rate, channels;
    } cases[] = {
        {"u8 mono 8000", CS4231_FORMAT_U8, 0x00, 8000, 1},
        {"mu-law mono 8000", CS4231_FORMAT_ULAW, 0x00, 8000, 1},
        {"a-law stereo 11025", CS4231_FORMAT_ALAW, 0x03, 11025, 2},
        {"s16le stereo 22050", CS4231_FORMAT_S16_LE, 0x07, 22050, 2},
        {"s16be stereo 44100", CS4231_FORMAT_S16_BE, 0x0b, 44100, 2},
        {"s16be mono 48000", CS4231_FORMAT_S16_BE, 0x0c, 48000, 1},
        {"adpcm mono 16000", CS4231_FORMAT_ADPCM, 0x02, 16000, 1},
        {"adpcm stereo 5512", CS4231_FORMAT_ADPCM, 0x01, 5512, 2},
    };
    for (unsigned c = 0; c < G_N_ELEMENTS(cases); c++) {
        g_test_message("%s", cases[c].name);
        g_autofree char *path = NULL;
        int fd = g_file_open_tmp("tone-XXXXXX.wav", &path, NULL);
        g_assert_cmpint(fd, >=, 0);
        close(fd);
        struct machine *machine = bench_new();
        struct audio_backend *audio = audio_wav_new(machine, path, NULL);
        struct bench bench;
        set_up(&bench, audio);
        configure(&bench,
                  (unsigned)cases[c].format << 5 | (cases[c].channels == 2 ? 0x10 : 0) | cases[c].rate_bits,
                  0);

        /* Half a second of 440 Hz, in the chip's format. */
        unsigned frames = cases[c].rate / 2 & ~7u;
        uint8_t *out = bench.memory->bytes + 0x1000;
        int16_t value[2] = {0};
        uint8_t index[2] = {0};
        uint32_t at = 0;
        for (unsigned i = 0; i < frames; i++) {
            int16_t sample = (int16_t)lrint(20000 * sin(2 * G_PI * 440 * i / cases[c].rate));
            if (cases[c].format == CS4231_FORMAT_ADPCM && cases[c].channels == 1) {
                unsigned nibble = cs4231_adpcm_encode(sample, &value[0], &index[0]);
                out[at] = (uint8_t)(i & 1 ? out[at] | nibble << 4 : nibble);
                at += i & 1;
            } else if (cases[c].format == CS4231_FORMAT_ADPCM) {
                unsigned nibble = cs4231_adpcm_encode(sample, &value[0], &index[0]);
                out[at++] = (uint8_t)(nibble | cs4231_adpcm_encode(sample, &value[1], &index[1]) << 4);
            } else {
                for (unsigned channel = 0; channel < cases[c].channels; channel++) {
                    cs4231_encode(cases[c].format, sample, out + at);
                    at += cs4231_sample_size(cases[c].format);
                }
            }
        }
        g_assert_cmpuint(play_buffers(&bench, 0x1000, at / 8, 8), ==, 8);
        g_assert_cmpuint(bench.interrupts, >=, 6);
        tear_down(&bench);

        double frequency, amplitude;
        unsigned rate;
        for (unsigned channel = 0; channel < 2; channel++) {
            measure(path, channel, &frequency, &amplitude, &rate);
            g_assert_cmpuint(rate, ==, cases[c].rate);
            g_assert_cmpfloat_with_epsilon(frequency, 440, 4);
            g_assert_cmpfloat(amplitude, >, 18000);
            g_assert_cmpfloat(amplitude, <, 22500);
        }
        g_unlink(path);
    }
}

static void test_volume_and_mute(void)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("volume-XXXXXX.wav", &path, NULL);
    close(fd);
    struct machine *machine = bench_new();
    struct bench bench;
    set_up(&bench, audio_wav_new(machine, path, NULL));
    configure(&bench, 0xdc, 0); /* 16 bits big-endian, stereo, 48 kHz */
    write_reg(&bench, 6, 4);    /* 6 dB down */
    write_reg(&bench, 7, 0x80); /* mute */
    for (unsigned i = 0; i < 9600; i++) {
        int16_t sample = (int16_t)lrint(20000 * sin(2 * G_PI * 1000 * i / 48000));
        cs4231_encode(CS4231_FORMAT_S16_BE, sample, bench.memory->bytes + i * 4);
        cs4231_encode(CS4231_FORMAT_S16_BE, sample, bench.memory->bytes + i * 4 + 2);
    }
    play_buffers(&bench, 0, 19200, 2);
    tear_down(&bench);
    double frequency, amplitude;
    unsigned rate;
    measure(path, 0, &frequency, &amplitude, &rate);
    g_assert_cmpfloat_with_epsilon(frequency, 1000, 5);
    g_assert_cmpfloat_with_epsilon(amplitude, 20000 * pow(10, -6.0 / 20), 20);
    g_autofree char *data = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(path, &data, &size, NULL));
    for (gsize at = 46; at < size; at += 4)
        g_assert_cmpint(data[at] | data[at + 1], ==, 0);
    g_unlink(path);
}

/* The next registers are free as soon as the engine took them over; the pipe's end is told once. */
static void test_dma_chain(void)
{
    struct bench bench;
    set_up(&bench, NULL);
    configure(&bench, 0x00, 0); /* u8 mono 8 kHz */
    struct machine *machine = bench.machine;
    poke(machine, CSR, 4, 0x0c1008);
    write_reg(&bench, 9, 0x09);
    g_assert_cmphex(peek(machine, CSR, 4) & 0x6000, ==, 0x6000);
    poke(machine, PLAY + 8, 4, 0x100);
    poke(machine, PLAY + 12, 4, 80); /* 10 ms */
    g_assert_cmphex(peek(machine, CSR, 4) & 0x6000, ==, 0x2000);
    poke(machine, PLAY + 8, 4, 0x200);
    poke(machine, PLAY + 12, 4, 80);
    g_assert_cmphex(peek(machine, CSR, 4) & 0x6000, ==, 0);
    g_assert_false(bench.irq.level);
    bench_advance(machine, 5 * NS_PER_MS);
    g_assert_cmphex(peek(machine, PLAY, 4), ==, 0x100 + 40);
    g_assert_cmphex(peek(machine, PLAY + 4, 4), ==, 40);
    bench_advance(machine, 6 * NS_PER_MS);
    g_assert_true(bench.irq.level);
    g_assert_cmphex(peek(machine, CSR, 4) & 0xe0e000, ==, 0xc02000);
    g_assert_cmphex(peek(machine, PLAY, 4), ==, 0x200 + 8);
    g_assert_cmphex(peek(machine, STATUS, 1) & 1, ==, 1); /* the sample counter went by too */
    poke(machine, CSR, 4, peek(machine, CSR, 4));
    g_assert_false(bench.irq.level);
    bench_advance(machine, 10 * NS_PER_MS);
    g_assert_true(bench.irq.level);
    g_assert_cmphex(peek(machine, CSR, 4) & 0x40e000, ==, 0x40e000);
    poke(machine, CSR, 4, peek(machine, CSR, 4));
    bench_advance(machine, 50 * NS_PER_MS);
    g_assert_false(bench.irq.level);
    g_assert_cmphex(read_reg(&bench, 11) & 0x40, ==, 0x40); /* underrun */
    /* Paused it stands still. */
    poke(machine, CSR, 4, 0x0c0088);
    poke(machine, PLAY + 8, 4, 0x300);
    poke(machine, PLAY + 12, 4, 80);
    bench_advance(machine, 50 * NS_PER_MS);
    g_assert_cmphex(peek(machine, PLAY, 4), ==, 0x300);
    bench_check_state(machine);
    poke(machine, CSR, 4, 0x0c0008);
    bench_advance(machine, 50 * NS_PER_MS);
    g_assert_cmphex(peek(machine, PLAY, 4), ==, 0x300 + 80);
    /* A buffer that is not there. */
    bench.memory->limit = 0x1000;
    poke(machine, PLAY + 8, 4, 0x00fffff0);
    poke(machine, PLAY + 12, 4, 80);
    bench_advance(machine, 50 * NS_PER_MS);
    g_assert_cmphex(peek(machine, CSR, 4) & 0x100000, ==, 0x100000);
    tear_down(&bench);
}

struct microphone {
    struct audio_backend base;
    unsigned at;
};

static bool microphone_start(struct audio_backend *backend, bool capture, const struct audio_format *format)
{
    return true;
}

static void microphone_stop(struct audio_backend *backend, bool capture)
{
}

static size_t microphone_play(struct audio_backend *backend, const int16_t *samples, size_t frames)
{
    return frames;
}

static size_t microphone_record(struct audio_backend *backend, int16_t *samples, size_t frames)
{
    struct microphone *microphone = (struct microphone *)backend;
    for (size_t i = 0; i < frames; i++, microphone->at++) {
        samples[2 * i] = (int16_t)microphone->at;
        samples[2 * i + 1] = (int16_t)-microphone->at;
    }
    return frames;
}

static void microphone_finish(struct audio_backend *backend)
{
}

static void test_capture(void)
{
    static const struct audio_ops ops = {
        .start = microphone_start,
        .stop = microphone_stop,
        .play = microphone_play,
        .record = microphone_record,
        .finish = microphone_finish,
    };
    struct microphone microphone = {.base = {.ops = &ops, .machine = bench_new()}};
    struct bench bench;
    set_up(&bench, &microphone.base);
    configure(&bench, 0x00, 0xd0); /* 8 kHz; capture 16 bits big-endian stereo */
    struct machine *machine = bench.machine;
    poke(machine, CSR, 4, 0x0a0004);
    poke(machine, CAPTURE + 8, 4, 0x4000);
    poke(machine, CAPTURE + 12, 4, 320);
    write_reg(&bench, 9, 0x0a);
    bench_advance(machine, 11 * NS_PER_MS);
    g_assert_true(bench.irq.level);
    g_assert_cmphex(peek(machine, CSR, 4) & 0x200600, ==, 0x200600);
    for (unsigned i = 0; i < 80; i++) {
        const uint8_t *frame = bench.memory->bytes + 0x4000 + i * 4;
        g_assert_cmpint((int16_t)(frame[0] << 8 | frame[1]), ==, (int)i);
        g_assert_cmpint((int16_t)(frame[2] << 8 | frame[3]), ==, -(int)i);
    }
    /* The pipe's own interrupt: with the count's acknowledged, enabled alone. */
    poke(machine, CSR, 4, 0x280004);
    g_assert_false(bench.irq.level);
    poke(machine, CSR, 4, 0x080104);
    g_assert_true(bench.irq.level);
    poke(machine, CSR, 4, 0x080304);
    g_assert_false(bench.irq.level);
    bench_advance(machine, 10 * NS_PER_MS);
    g_assert_cmphex(peek(machine, CSR, 4) & 0x800, ==, 0x800); /* dropped on the floor */
    tear_down(&bench);
}

static void test_programmed_io(void)
{
    struct bench bench;
    set_up(&bench, NULL);
    configure(&bench, 0x00, 0x00);
    struct machine *machine = bench.machine;
    write_reg(&bench, 0x40 | 9, 0xc8);
    poke(machine, INDEX, 1, 0);
    bench_advance(machine, 50 * NS_PER_MS);
    write_reg(&bench, 9, 0xcb);
    for (unsigned i = 0; i < 64; i++) {
        g_assert_cmphex(peek(machine, STATUS, 1) & 2, ==, 2);
        poke(machine, PIO, 1, 0x80);
    }
    g_assert_cmphex(peek(machine, STATUS, 1) & 0x22, ==, 0);
    bench_advance(machine, NS_PER_MS); /* eight samples later */
    g_assert_cmphex(peek(machine, STATUS, 1) & 0x22, ==, 0x22);
    g_assert_cmphex(peek(machine, PIO, 1), ==, 0x80);
    bench_check_state(machine);
    tear_down(&bench);
}

static void test_registers_and_timer(void)
{
    struct bench bench;
    set_up(&bench, NULL);
    struct machine *machine = bench.machine;
    g_assert_cmphex(read_reg(&bench, 12), ==, 0x8a);
    g_assert_cmphex(read_reg(&bench, 6), ==, 0x80);
    /* Mode 1 has sixteen registers. */
    write_reg(&bench, 0, 0x0a);
    g_assert_cmphex(read_reg(&bench, 16), ==, 0x0a);
    write_reg(&bench, 12, 0x40);
    g_assert_cmphex(read_reg(&bench, 12), ==, 0xca);
    g_assert_cmphex(read_reg(&bench, 16), ==, 0);
    /* The format needs MCE. */
    write_reg(&bench, 8, 0x5c);
    g_assert_cmphex(read_reg(&bench, 8), ==, 0);

    /* 1000 ticks of 9.969 us, over the APC's general interrupt. */
    poke(machine, CSR, 4, 0x090000);
    write_reg(&bench, 10, 0x02);
    write_reg(&bench, 20, 1000 & 0xff);
    write_reg(&bench, 21, 1000 >> 8);
    write_reg(&bench, 16, 0x40);
    bench_advance(machine, 9960 * NS_PER_US);
    g_assert_false(bench.irq.level);
    bench_advance(machine, 20 * NS_PER_US);
    g_assert_true(bench.irq.level);
    g_assert_cmphex(read_reg(&bench, 24), ==, 0x40);
    g_assert_cmphex(peek(machine, STATUS, 1) & 1, ==, 1);
    poke(machine, STATUS, 1, 0);
    g_assert_cmphex(peek(machine, STATUS, 1) & 1, ==, 0);
    g_assert_cmphex(read_reg(&bench, 24), ==, 0);
    poke(machine, CSR, 4, peek(machine, CSR, 4));
    g_assert_false(bench.irq.level);
    bench_check_state(machine);
    tear_down(&bench);
}

/* Every code of a companded format decodes and encodes to itself. */
static void test_companding(void)
{
    for (unsigned code = 0; code < 256; code++) {
        uint8_t byte = (uint8_t)code, back;
        cs4231_encode(CS4231_FORMAT_ALAW, cs4231_decode(CS4231_FORMAT_ALAW, &byte), &back);
        g_assert_cmphex(back, ==, code);
        cs4231_encode(CS4231_FORMAT_ULAW, cs4231_decode(CS4231_FORMAT_ULAW, &byte), &back);
        g_assert_cmphex(back, ==, code == 0x7f ? 0xff : code); /* two zeros */
    }
    /* ITU-T G.711, largest values (14 and 13 bits, to the left of 16). */
    uint8_t byte = 0x80;
    g_assert_cmpint(cs4231_decode(CS4231_FORMAT_ULAW, &byte), ==, 8031 * 4);
    byte = 0xaa;
    g_assert_cmpint(cs4231_decode(CS4231_FORMAT_ALAW, &byte), ==, 4032 * 8);
}

/* Two threads: what goes in comes out, whole and in order, and never more than the limit lies inside. */
#define RING_TOTAL 200000u

static gpointer fill_ring(gpointer data)
{
    struct audio_ring *ring = data;
    for (unsigned sent = 0; sent < RING_TOTAL;) {
        int16_t chunk[2 * 64];
        unsigned count = MIN(64, RING_TOTAL - sent);
        for (unsigned i = 0; i < count; i++) {
            chunk[2 * i] = (int16_t)(sent + i);
            chunk[2 * i + 1] = (int16_t) ~(sent + i);
        }
        size_t taken = audio_ring_write(ring, chunk, count, 1000);
        sent += (unsigned)taken;
        if (!taken)
            g_thread_yield();
    }
    return NULL;
}

static void test_ring(void)
{
    struct audio_ring *ring = g_new0(struct audio_ring, 1);
    GThread *writer = g_thread_new("writer", fill_ring, ring);
    for (unsigned received = 0; received < RING_TOTAL;) {
        int16_t chunk[2 * 100];
        g_assert_cmpuint(audio_ring_used(ring), <=, 1000);
        size_t got = audio_ring_read(ring, chunk, 100);
        for (size_t i = 0; i < got; i++, received++) {
            g_assert_cmpint(chunk[2 * i], ==, (int16_t)received);
            g_assert_cmpint(chunk[2 * i + 1], ==, (int16_t)~received);
        }
        if (!got)
            g_thread_yield();
    }
    g_thread_join(writer);
    g_assert_cmpuint(audio_ring_used(ring), ==, 0);
    g_free(ring);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/cs4231/tone-of-each-format", NULL, test_tone);
    g_test_add_func("/cs4231/volume-and-mute", test_volume_and_mute);
    g_test_add_func("/cs4231/dma-chain", test_dma_chain);
    g_test_add_func("/cs4231/capture", test_capture);
    g_test_add_func("/cs4231/programmed-io", test_programmed_io);
    g_test_add_func("/cs4231/registers-and-timer", test_registers_and_timer);
    g_test_add_func("/cs4231/companding", test_companding);
    g_test_add_func("/audio-ring/two-threads", test_ring);
    return g_test_run();
}
