/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CS4231 codec and APC.
 *
 * Samples are moved in batches: an event falls when the next interrupt is due, at the latest every 10 ms, and
 * whatever looks at a register first brings the streams up to now. So the guest sees counters and addresses
 * that move steadily.
 */
#include "emulator/hw/audio/cs4231.h"

#include <math.h>
#include <string.h>

#include "emulator/core/machine.h"
#include "emulator/hw/audio/cs4231_formats.h"

/* R0 (DS139, "Index Address Register"). */
enum { R0_INIT = 0x80, R0_MCE = 0x40, R0_TRD = 0x20, R0_INDEX = 0x1f };

/* R2 (DS139, "Status Register"). */
enum {
    R2_CAPTURE_UPPER = 0x80,
    R2_CAPTURE_LEFT = 0x40,
    R2_CAPTURE_READY = 0x20,
    R2_PLAYBACK_UPPER = 0x08,
    R2_PLAYBACK_LEFT = 0x04,
    R2_PLAYBACK_READY = 0x02,
    R2_INT = 0x01,
};

enum indirect_register {
    I0_LEFT_INPUT = 0,
    I1_RIGHT_INPUT = 1,
    I6_LEFT_OUTPUT = 6,
    I7_RIGHT_OUTPUT = 7,
    I8_PLAYBACK_FORMAT = 8,
    I9_INTERFACE = 9,
    I10_PIN_CONTROL = 10,
    I11_ERROR_STATUS = 11,
    I12_MODE_ID = 12,
    I13_LOOPBACK = 13,
    I14_PLAYBACK_UPPER = 14,
    I15_PLAYBACK_LOWER = 15,
    I16_FEATURE_1 = 16,
    I20_TIMER_LOW = 20,
    I21_TIMER_HIGH = 21,
    I24_FEATURE_STATUS = 24,
    I25_VERSION = 25,
    I28_CAPTURE_FORMAT = 28,
    I30_CAPTURE_UPPER = 30,
    I31_CAPTURE_LOWER = 31,
};

enum {
    OUTPUT_MUTE = 0x80,
    FORMAT_STEREO = 0x10,

    I9_PLAYBACK_ENABLE = 0x01,
    I9_CAPTURE_ENABLE = 0x02,
    I9_CALIBRATION = 0x18,
    I9_PLAYBACK_PIO = 0x40,
    I9_CAPTURE_PIO = 0x80,

    I10_INTERRUPT_ENABLE = 0x02,

    I11_CALIBRATING = 0x20,
    I11_PLAYBACK_UNDERRUN = 0x40,
    I11_CAPTURE_OVERRUN = 0x80,

    I12_MODE_2 = 0x40,
    I12_ID = 0x8a,

    I13_LOOPBACK_ENABLE = 0x01,

    I16_TIMER_ENABLE = 0x40,

    I24_PLAYBACK_UNDERRUN = 0x01,
    I24_CAPTURE_OVERRUN = 0x04,
    I24_PLAYBACK_INT = 0x10,
    I24_CAPTURE_INT = 0x20,
    I24_TIMER_INT = 0x40,
    I24_INTERRUPTS = I24_PLAYBACK_INT | I24_CAPTURE_INT | I24_TIMER_INT,

    I25_CS4231A = 0xa0,
};

/* APC control and status (OpenSolaris's names). */
enum apc_csr_bit {
    APC_IP = 0x800000,
    APC_PI = 0x400000,
    APC_CI = 0x200000,
    APC_EI = 0x100000,
    APC_IE = 0x080000,
    APC_PIE = 0x040000,
    APC_CIE = 0x020000,
    APC_EIE = 0x010000,
    APC_PMI = 0x8000, /* the play pipe became empty */
    APC_PM = 0x4000,  /* it is */
    APC_PD = 0x2000,  /* "PNVA dirty": the next registers are free */
    APC_PMIE = 0x1000,
    APC_CM = 0x0800, /* captured data had nowhere to go */
    APC_CD = 0x0400,
    APC_CMI = 0x0200, /* the capture pipe became empty */
    APC_CMIE = 0x0100,
    APC_PPAUSE = 0x80,
    APC_CPAUSE = 0x40,
    APC_CODEC_RESET = 0x20,
    APC_PDMA_GO = 0x08,
    APC_CDMA_GO = 0x04,
    APC_RESET = 0x01,

    APC_WRITE_1_CLEARS = APC_PI | APC_CI | APC_EI | APC_PMI | APC_CM | APC_CMI,
    APC_CONTROL = APC_IE | APC_PIE | APC_CIE | APC_EIE | APC_PMIE | APC_CMIE | APC_PPAUSE | APC_CPAUSE |
                  APC_CODEC_RESET | APC_PDMA_GO | APC_CDMA_GO | APC_RESET,
};

enum {
    CODEC_R0 = 0x00,
    CODEC_R1 = 0x04,
    CODEC_R2 = 0x08,
    CODEC_R3 = 0x0c,
    APC_CSR = 0x10,
    APC_CAPTURE = 0x20,
    APC_PLAY = 0x30
};
enum { APC_VA = 0x0, APC_C = 0x4, APC_NVA = 0x8, APC_NC = 0xc };

#define APC_COUNT_MASK      0xffffff
#define BATCH_TIME          (10 * NS_PER_MS)
#define BATCH_FRAMES        256
#define CALIBRATION_SAMPLES 168 /* DS139, "Autocalibration" */
/* After the machine stood still for a while, what was missed is not played in fast motion. */
#define CATCH_UP_MAX (200 * NS_PER_MS)

static int64_t now_ns(const struct cs4231 *codec)
{
    return clock_now(codec->dev.machine->clock);
}

/* ---- clock and format ---- */

/* C2SL and CFS2..0 (DS139, I8): crystal divided. */
static unsigned sample_rate(const struct cs4231 *codec)
{
    static const unsigned divisor[8] = {3072, 1536, 896, 768, 448, 384, 512, 2560};
    unsigned select = codec->reg[I8_PLAYBACK_FORMAT];
    return (select & 1 ? 16934400u : 24576000u) / divisor[select >> 1 & 7];
}

static bool mode_2(const struct cs4231 *codec)
{
    return codec->reg[I12_MODE_ID] & I12_MODE_2;
}

/* In mode 1 both directions use I8, and of the format only FMT0 and C/L. */
static uint8_t format_register(const struct cs4231 *codec, bool capture)
{
    if (!mode_2(codec))
        return codec->reg[I8_PLAYBACK_FORMAT] & 0x7f;
    return codec->reg[capture ? I28_CAPTURE_FORMAT : I8_PLAYBACK_FORMAT];
}

static enum cs4231_format sample_format(const struct cs4231 *codec, bool capture)
{
    return format_register(codec, capture) >> 5;
}

static unsigned channels(const struct cs4231 *codec, bool capture)
{
    return format_register(codec, capture) & FORMAT_STEREO ? 2 : 1;
}

/* Bytes of a frame; ADPCM: 0 (half a byte mono, one byte stereo). */
static unsigned frame_size(const struct cs4231 *codec, bool capture)
{
    enum cs4231_format format = sample_format(codec, capture);
    return format == CS4231_FORMAT_ADPCM ? 0 : cs4231_sample_size(format) * channels(codec, capture);
}

/* ---- interrupts ---- */

static bool apc_pipe_empty(const struct apc_channel *apc)
{
    return !apc->count && !apc->next_valid;
}

static void update_irq(struct cs4231 *codec)
{
    uint32_t csr = codec->csr;
    bool pending = (csr & APC_PI && csr & APC_PIE) || (csr & APC_CI && csr & APC_CIE) ||
                   (csr & APC_EI && csr & APC_EIE) || (csr & APC_PMI && csr & APC_PMIE) ||
                   (csr & APC_CMI && csr & APC_CMIE);
    irq_set(codec->irq, pending && csr & APC_IE);
}

/* The codec's own interrupt pin is the APC's general interrupt; its rise is what counts. */
static void codec_interrupt(struct cs4231 *codec, uint8_t source)
{
    codec->reg[I24_FEATURE_STATUS] |= source;
    if (!codec->interrupt && codec->reg[I10_PIN_CONTROL] & I10_INTERRUPT_ENABLE)
        codec->csr |= APC_EI;
    codec->interrupt = true;
}

/* ---- APC ---- */

static void apc_load_next(struct cs4231 *codec, struct apc_channel *apc, uint32_t go)
{
    if (apc->count || !apc->next_valid || !(codec->csr & go))
        return;
    apc->address = apc->next_address;
    apc->count = apc->next_count;
    apc->next_valid = false;
}

/* Moves up to `size` bytes; returns how many there were buffers for. */
static size_t apc_move(struct cs4231 *codec, bool capture, uint8_t *data, size_t size)
{
    struct apc_channel *apc = capture ? &codec->capture_dma : &codec->play_dma;
    uint32_t go = capture ? APC_CDMA_GO : APC_PDMA_GO, pause = capture ? APC_CPAUSE : APC_PPAUSE;
    size_t done = 0;
    if (!(codec->csr & go) || codec->csr & pause || (codec->index & R0_TRD && codec->interrupt))
        return 0;
    while (done < size) {
        apc_load_next(codec, apc, go);
        if (!apc->count)
            break;
        uint32_t chunk = (uint32_t)MIN(size - done, apc->count);
        bool ok = capture ? dma_port_write(&codec->dma, apc->address, data + done, chunk)
                          : dma_port_read(&codec->dma, apc->address, data + done, chunk);
        if (!ok) {
            device_guest_error(&codec->dev, "DMA of %u bytes at %08x failed", chunk, apc->address);
            codec->csr |= APC_EI;
            if (!capture)
                memset(data + done, 0, chunk);
        }
        done += chunk;
        apc->address += chunk;
        apc->count -= chunk;
        if (apc->count)
            continue;
        codec->csr |= capture ? APC_CI : APC_PI;
        apc_load_next(codec, apc, go);
        if (!apc->count)
            codec->csr |= capture ? APC_CMI : APC_PMI;
    }
    return done;
}

static uint32_t apc_csr(const struct cs4231 *codec)
{
    uint32_t csr = codec->csr;
    if (!codec->play_dma.next_valid)
        csr |= APC_PD;
    if (apc_pipe_empty(&codec->play_dma))
        csr |= APC_PM;
    if (!codec->capture_dma.next_valid)
        csr |= APC_CD;
    if (codec->irq && codec->irq->level)
        csr |= APC_IP;
    return csr;
}

/* ---- streams ---- */

/* Bytes for the codec: from the APC or from the FIFO that programmed I/O fills. */
static size_t take_bytes(struct cs4231 *codec, uint8_t *data, size_t size)
{
    struct cs4231_stream *stream = &codec->play;
    if (!(codec->reg[I9_INTERFACE] & I9_PLAYBACK_PIO))
        return apc_move(codec, false, data, size);
    size = MIN(size, stream->fifo_count);
    memcpy(data, stream->fifo, size);
    stream->fifo_count -= (uint8_t)size;
    memmove(stream->fifo, stream->fifo + size, stream->fifo_count);
    return size;
}

static size_t give_bytes(struct cs4231 *codec, uint8_t *data, size_t size)
{
    struct cs4231_stream *stream = &codec->capture;
    if (!(codec->reg[I9_INTERFACE] & I9_CAPTURE_PIO))
        return apc_move(codec, true, data, size);
    size = MIN(size, (size_t)(CS4231_PIO_FIFO - stream->fifo_count));
    memcpy(stream->fifo + stream->fifo_count, data, size);
    stream->fifo_count += (uint8_t)size;
    return size;
}

/* The sample counter (DS139, I14/I15): base + 1 samples from one interrupt to the next; ADPCM counts words of
 * 4 bytes. */
static void count_frames(struct cs4231 *codec, bool capture, unsigned frames)
{
    struct cs4231_stream *stream = capture ? &codec->capture : &codec->play;
    /* In mode 1 there is one counter pair. */
    unsigned upper = capture && mode_2(codec) ? I30_CAPTURE_UPPER : I14_PLAYBACK_UPPER;
    uint32_t base = (uint32_t)codec->reg[upper] << 8 | codec->reg[upper + 1];
    if (sample_format(codec, capture) == CS4231_FORMAT_ADPCM) {
        unsigned per_word = channels(codec, capture) == 2 ? 4 : 8;
        unsigned total = stream->adpcm_phase + frames;
        frames = total / per_word;
        stream->adpcm_phase = (uint8_t)(total % per_word);
    }
    if (frames <= stream->count) {
        stream->count = (uint16_t)(stream->count - frames);
        return;
    }
    frames -= stream->count + 1u;
    stream->count = (uint16_t)(base - frames % (base + 1));
    codec_interrupt(codec, capture ? I24_CAPTURE_INT : I24_PLAYBACK_INT);
}

/* Decodes up to `frames` (<= BATCH_FRAMES) stereo frames; returns how many there were. */
static unsigned decode_frames(struct cs4231 *codec, int16_t *out, unsigned frames)
{
    struct cs4231_stream *stream = &codec->play;
    enum cs4231_format format = sample_format(codec, false);
    unsigned channel_count = channels(codec, false), got = 0;
    if (format == CS4231_FORMAT_ADPCM) {
        for (; got < frames; got++) {
            uint8_t byte = stream->adpcm_byte;
            unsigned low = byte & 15, high = byte >> 4;
            if (channel_count == 1 && stream->adpcm_half) {
                low = high;
            } else {
                if (take_bytes(codec, &byte, 1) != 1)
                    break;
                stream->adpcm_byte = byte;
                low = byte & 15;
                high = byte >> 4;
            }
            stream->adpcm_half = channel_count == 1 && !stream->adpcm_half;
            out[2 * got] = out[2 * got + 1] =
                cs4231_adpcm_decode(low, &stream->adpcm_value[0], &stream->adpcm_index[0]);
            if (channel_count == 2)
                out[2 * got + 1] =
                    cs4231_adpcm_decode(high, &stream->adpcm_value[1], &stream->adpcm_index[1]);
        }
        return got;
    }
    uint8_t raw[BATCH_FRAMES * 4] = {0};
    unsigned sample = cs4231_sample_size(format), frame = sample * channel_count;
    size_t bytes = take_bytes(codec, raw, (size_t)frames * frame);
    got = (unsigned)((bytes + frame - 1) / frame); /* a torso at the end of the last buffer counts as one */
    for (unsigned i = 0; i < got; i++) {
        out[2 * i] = cs4231_decode(format, raw + (size_t)i * frame);
        out[2 * i + 1] =
            channel_count == 2 ? cs4231_decode(format, raw + (size_t)i * frame + sample) : out[2 * i];
    }
    return got;
}

static int16_t scale(int16_t sample, double gain)
{
    return (int16_t)CLAMP(lrint(sample * gain), -32768, 32767);
}

/* 1.5 dB a step. */
static double output_gain(uint8_t reg)
{
    return reg & OUTPUT_MUTE ? 0 : pow(10, -1.5 / 20 * (reg & 0x3f));
}

static double input_gain(uint8_t reg)
{
    return pow(10, 1.5 / 20 * (reg & 0x0f));
}

static void play_frames(struct cs4231 *codec, unsigned frames, const int16_t *monitor)
{
    int16_t samples[BATCH_FRAMES * 2];
    unsigned got = decode_frames(codec, samples, frames);
    count_frames(codec, false, got);
    if (got < frames) {
        memset(samples + (size_t)got * 2, 0, (size_t)(frames - got) * 4);
        codec->reg[I11_ERROR_STATUS] |= I11_PLAYBACK_UNDERRUN;
        codec->reg[I24_FEATURE_STATUS] |= I24_PLAYBACK_UNDERRUN;
    }
    if (!codec->audio)
        return;
    double left = output_gain(codec->reg[I6_LEFT_OUTPUT]), right = output_gain(codec->reg[I7_RIGHT_OUTPUT]);
    double through = codec->reg[I13_LOOPBACK] & I13_LOOPBACK_ENABLE && monitor
                         ? pow(10, -1.5 / 20 * (codec->reg[I13_LOOPBACK] >> 2))
                         : 0;
    for (unsigned i = 0; i < frames; i++) {
        samples[2 * i] = scale(samples[2 * i], left);
        samples[2 * i + 1] = scale(samples[2 * i + 1], right);
        if (through > 0) {
            samples[2 * i] = (int16_t)CLAMP(samples[2 * i] + scale(monitor[2 * i], through), -32768, 32767);
            samples[2 * i + 1] =
                (int16_t)CLAMP(samples[2 * i + 1] + scale(monitor[2 * i + 1], through), -32768, 32767);
        }
    }
    codec->audio->ops->play(codec->audio, samples, frames);
}

/* Leaves what was recorded, as stereo, in `samples`. */
static void capture_frames(struct cs4231 *codec, unsigned frames, int16_t *samples)
{
    struct cs4231_stream *stream = &codec->capture;
    size_t got = codec->audio ? codec->audio->ops->record(codec->audio, samples, frames) : 0;
    memset(samples + got * 2, 0, (frames - got) * 4);
    double left = input_gain(codec->reg[I0_LEFT_INPUT]), right = input_gain(codec->reg[I1_RIGHT_INPUT]);
    for (size_t i = 0; i < got; i++) {
        samples[2 * i] = scale(samples[2 * i], left);
        samples[2 * i + 1] = scale(samples[2 * i + 1], right);
    }

    enum cs4231_format format = sample_format(codec, true);
    unsigned channel_count = channels(codec, true), done = 0;
    if (format == CS4231_FORMAT_ADPCM) {
        for (; done < frames; done++) {
            unsigned nibble =
                cs4231_adpcm_encode(samples[2 * done], &stream->adpcm_value[0], &stream->adpcm_index[0]);
            if (channel_count == 2) {
                stream->adpcm_byte =
                    (uint8_t)(nibble | cs4231_adpcm_encode(samples[2 * done + 1], &stream->adpcm_value[1],
                                                           &stream->adpcm_index[1])
                                           << 4);
            } else if (!stream->adpcm_half) {
                stream->adpcm_byte = (uint8_t)nibble;
                stream->adpcm_half = true;
                continue;
            } else {
                stream->adpcm_byte |= (uint8_t)(nibble << 4);
                stream->adpcm_half = false;
            }
            uint8_t byte = stream->adpcm_byte;
            if (give_bytes(codec, &byte, 1) != 1)
                break;
        }
    } else {
        uint8_t raw[BATCH_FRAMES * 4];
        unsigned sample = cs4231_sample_size(format), frame = sample * channel_count;
        for (unsigned i = 0; i < frames; i++) {
            cs4231_encode(format, samples[2 * i], raw + (size_t)i * frame);
            if (channel_count == 2)
                cs4231_encode(format, samples[2 * i + 1], raw + (size_t)i * frame + sample);
        }
        done = (unsigned)(give_bytes(codec, raw, (size_t)frames * frame) / frame);
    }
    count_frames(codec, true, done);
    if (done < frames) {
        codec->reg[I11_ERROR_STATUS] |= I11_CAPTURE_OVERRUN;
        codec->reg[I24_FEATURE_STATUS] |= I24_CAPTURE_OVERRUN;
        codec->csr |= APC_CM;
    }
}

static uint64_t frames_due(struct cs4231 *codec, struct cs4231_stream *stream)
{
    if (!stream->running)
        return 0;
    int64_t now = now_ns(codec);
    uint64_t total = muldiv64((uint64_t)MAX(now - stream->start_ns, 0), stream->rate, NS_PER_SECOND);
    uint64_t due = total - MIN(stream->frames, total),
             limit = muldiv64(CATCH_UP_MAX, stream->rate, NS_PER_SECOND);
    if (due > limit) {
        stream->frames = total - limit;
        due = limit;
    }
    return due;
}

/* Brings both streams up to now. */
static void run_streams(struct cs4231 *codec)
{
    int16_t recorded[BATCH_FRAMES * 2];
    uint64_t capture = frames_due(codec, &codec->capture), play = frames_due(codec, &codec->play);
    if (!capture && !play)
        return;
    codec->capture.frames += capture;
    codec->play.frames += play;
    while (capture || play) {
        unsigned capture_now = (unsigned)MIN(capture, BATCH_FRAMES),
                 play_now = (unsigned)MIN(play, BATCH_FRAMES);
        if (capture_now && play_now)
            capture_now = play_now = MIN(capture_now, play_now);
        if (capture_now)
            capture_frames(codec, capture_now, recorded);
        if (play_now)
            play_frames(codec, play_now, capture_now ? recorded : NULL);
        capture -= capture_now;
        play -= play_now;
    }
    update_irq(codec);
}

/* Frames until a direction interrupts. */
static uint64_t frames_to_interrupt(const struct cs4231 *codec, bool capture)
{
    const struct cs4231_stream *stream = capture ? &codec->capture : &codec->play;
    const struct apc_channel *apc = capture ? &codec->capture_dma : &codec->play_dma;
    uint64_t frames = muldiv64(BATCH_TIME, stream->rate, NS_PER_SECOND);
    unsigned size = frame_size(codec, capture);
    if (codec->csr & (capture ? APC_CDMA_GO : APC_PDMA_GO) && apc->count)
        frames =
            MIN(frames, size ? (apc->count + size - 1) / size : apc->count * 2 / channels(codec, capture));
    if (codec->reg[I10_PIN_CONTROL] & I10_INTERRUPT_ENABLE && !codec->interrupt)
        frames = MIN(frames, stream->count + 1u);
    return MAX(frames, 1);
}

static void schedule_streams(struct cs4231 *codec)
{
    int64_t deadline = INT64_MAX;
    for (unsigned capture = 0; capture < 2; capture++) {
        const struct cs4231_stream *stream = capture ? &codec->capture : &codec->play;
        if (!stream->running)
            continue;
        uint64_t frames = stream->frames + frames_to_interrupt(codec, capture);
        deadline =
            MIN(deadline, stream->start_ns + (int64_t)muldiv64(frames, NS_PER_SECOND, stream->rate) + 1);
    }
    if (deadline == INT64_MAX)
        clock_event_cancel(&codec->stream_event);
    else
        clock_event_set(&codec->stream_event, deadline);
}

static void streams_due(void *opaque)
{
    struct cs4231 *codec = opaque;
    run_streams(codec);
    schedule_streams(codec);
}

static void set_running(struct cs4231 *codec, bool capture, bool run)
{
    struct cs4231_stream *stream = capture ? &codec->capture : &codec->play;
    if (run == stream->running && (!run || stream->rate == sample_rate(codec)))
        return;
    bool was_running = stream->running;
    stream->running = run;
    if (run) {
        stream->rate = sample_rate(codec);
        stream->start_ns = now_ns(codec);
        stream->frames = 0;
        stream->adpcm_half = false;
        stream->adpcm_phase = stream->fifo_count = 0;
        stream->fifo_bytes = 0;
        memset(stream->adpcm_value, 0, sizeof(stream->adpcm_value));
        memset(stream->adpcm_index, 0, sizeof(stream->adpcm_index));
    }
    if (!codec->audio)
        return;
    if (run)
        codec->audio->ops->start(codec->audio, capture,
                                 &(struct audio_format){.rate = stream->rate, .channels = 2});
    else if (was_running)
        codec->audio->ops->stop(codec->audio, capture);
}

/* The streams run while enabled and no mode is being changed. */
static void update_streams(struct cs4231 *codec)
{
    bool changing = codec->index & R0_MCE || codec->csr & APC_CODEC_RESET;
    set_running(codec, false, !changing && codec->reg[I9_INTERFACE] & I9_PLAYBACK_ENABLE);
    set_running(codec, true, !changing && codec->reg[I9_INTERFACE] & I9_CAPTURE_ENABLE);
    schedule_streams(codec);
    update_irq(codec);
}

/* ---- timer (DS139, I20/I21): ticks of 9.92 or 9.969 us ---- */

static void schedule_timer(struct cs4231 *codec)
{
    unsigned base = codec->reg[I21_TIMER_HIGH] << 8 | codec->reg[I20_TIMER_LOW];
    if (!(codec->reg[I16_FEATURE_1] & I16_TIMER_ENABLE) || !base) {
        clock_event_cancel(&codec->timer_event);
        return;
    }
    int64_t tick = codec->reg[I8_PLAYBACK_FORMAT] & 1 ? 9920 : 9969;
    clock_event_set(&codec->timer_event, now_ns(codec) + tick * base);
}

static void timer_due(void *opaque)
{
    struct cs4231 *codec = opaque;
    codec_interrupt(codec, I24_TIMER_INT);
    update_irq(codec);
    schedule_timer(codec);
}

/* ---- codec registers ---- */

static void reset_codec(struct cs4231 *codec)
{
    static const uint8_t values[32] = {
        [2] = 0x88,
        [3] = 0x88,
        [4] = 0x88,
        [5] = 0x88,
        [I6_LEFT_OUTPUT] = 0x80,
        [I7_RIGHT_OUTPUT] = 0x80,
        [I9_INTERFACE] = 0x08,
        [I12_MODE_ID] = I12_ID,
        [18] = 0x88,
        [19] = 0x88,
        [I25_VERSION] = I25_CS4231A,
        [26] = 0xa0,
    };
    codec->index = 0;
    memcpy(codec->reg, values, sizeof(values));
    codec->interrupt = false;
    codec->calibration_end = 0;
    codec->play.count = codec->capture.count = 0;
    codec->play.fifo_count = codec->capture.fifo_count = 0;
    schedule_timer(codec);
    update_streams(codec);
}

static unsigned current_index(const struct cs4231 *codec)
{
    return codec->index & (mode_2(codec) ? 0x1f : 0x0f);
}

static uint8_t read_indirect(struct cs4231 *codec)
{
    unsigned index = current_index(codec);
    uint8_t value = codec->reg[index];
    if (index == I11_ERROR_STATUS && now_ns(codec) < codec->calibration_end)
        value |= I11_CALIBRATING;
    return value;
}

static void write_indirect(struct cs4231 *codec, uint8_t value)
{
    unsigned index = current_index(codec);
    uint8_t *reg = &codec->reg[index];
    bool mce = codec->index & R0_MCE;
    switch (index) {
    case I8_PLAYBACK_FORMAT:
    case I28_CAPTURE_FORMAT:
        if (!mce) {
            device_guest_error(&codec->dev, "I%u written without MCE", index);
            return;
        }
        *reg = index == I28_CAPTURE_FORMAT ? value & 0xf0 : value;
        break;
    case I9_INTERFACE: /* only the enables change without MCE */
        *reg = mce ? value : (*reg & ~3) | (value & 3);
        break;
    case I11_ERROR_STATUS:
    case I25_VERSION: return; /* read only */
    case I12_MODE_ID: *reg = I12_ID | (value & I12_MODE_2); break;
    case I14_PLAYBACK_UPPER: /* loads the counter */
        *reg = value;
        codec->play.count = (uint16_t)(value << 8 | codec->reg[I15_PLAYBACK_LOWER]);
        if (!mode_2(codec))
            codec->capture.count = codec->play.count;
        break;
    case I30_CAPTURE_UPPER:
        *reg = value;
        codec->capture.count = (uint16_t)(value << 8 | codec->reg[I31_CAPTURE_LOWER]);
        break;
    case I24_FEATURE_STATUS: /* a 0 acknowledges */
        *reg &= value | (uint8_t) ~(I24_INTERRUPTS | I24_PLAYBACK_UNDERRUN | I24_CAPTURE_OVERRUN);
        codec->interrupt = *reg & I24_INTERRUPTS;
        break;
    case I16_FEATURE_1:
        *reg = value;
        schedule_timer(codec);
        break;
    default: *reg = value; break;
    }
    if (index == I20_TIMER_LOW || index == I21_TIMER_HIGH)
        schedule_timer(codec);
    update_streams(codec);
}

static void write_index(struct cs4231 *codec, uint8_t value)
{
    bool was_mce = codec->index & R0_MCE;
    codec->index = value & (R0_MCE | R0_TRD | R0_INDEX);
    if (was_mce && !(value & R0_MCE) && codec->reg[I9_INTERFACE] & I9_CALIBRATION)
        codec->calibration_end =
            now_ns(codec) + (int64_t)muldiv64(CALIBRATION_SAMPLES, NS_PER_SECOND, sample_rate(codec));
    update_streams(codec);
}

/* Which byte programmed I/O moves next: upper half of a sample, and of the left channel (8-bit formats read
 * "upper"). */
static uint8_t pio_position(struct cs4231 *codec, bool capture, uint8_t upper, uint8_t left)
{
    enum cs4231_format format = sample_format(codec, capture);
    unsigned sample = cs4231_sample_size(format);
    uint32_t at = (capture ? &codec->capture : &codec->play)->fifo_bytes;
    bool is_upper = sample == 1 || (at & 1) == (format == CS4231_FORMAT_S16_LE);
    bool is_left = channels(codec, capture) == 1 || at / sample % 2 == 0;
    return (is_upper ? upper : 0) | (is_left ? left : 0);
}

static uint8_t read_status(struct cs4231 *codec)
{
    uint8_t value = codec->interrupt ? R2_INT : 0;
    value |= pio_position(codec, false, R2_PLAYBACK_UPPER, R2_PLAYBACK_LEFT);
    value |= pio_position(codec, true, R2_CAPTURE_UPPER, R2_CAPTURE_LEFT);
    if (codec->play.fifo_count < CS4231_PIO_FIFO)
        value |= R2_PLAYBACK_READY;
    if (codec->capture.fifo_count)
        value |= R2_CAPTURE_READY;
    return value;
}

static uint8_t read_pio(struct cs4231 *codec)
{
    struct cs4231_stream *stream = &codec->capture;
    if (!stream->fifo_count)
        return 0;
    uint8_t value = stream->fifo[0];
    memmove(stream->fifo, stream->fifo + 1, --stream->fifo_count);
    stream->fifo_bytes++;
    return value;
}

static void write_pio(struct cs4231 *codec, uint8_t value)
{
    struct cs4231_stream *stream = &codec->play;
    if (stream->fifo_count == CS4231_PIO_FIFO)
        return;
    stream->fifo[stream->fifo_count++] = value;
    stream->fifo_bytes++;
}

/* ---- the window ---- */

static void write_csr(struct cs4231 *codec, uint32_t value)
{
    uint32_t old = codec->csr;
    codec->csr = (old & ~(uint32_t)APC_CONTROL & ~(value & APC_WRITE_1_CLEARS)) | (value & APC_CONTROL);
    if (value & APC_RESET) {
        codec->play_dma = codec->capture_dma = (struct apc_channel){0};
        codec->csr = APC_RESET;
    }
    if ((value ^ old) & APC_CODEC_RESET && value & APC_CODEC_RESET)
        reset_codec(codec);
    apc_load_next(codec, &codec->play_dma, APC_PDMA_GO);
    apc_load_next(codec, &codec->capture_dma, APC_CDMA_GO);
    update_streams(codec);
}

static void write_apc(struct cs4231 *codec, bool capture, unsigned offset, uint32_t value)
{
    struct apc_channel *apc = capture ? &codec->capture_dma : &codec->play_dma;
    switch (offset) {
    case APC_VA:
        apc->address = value;
        if (!value)
            apc->count = 0;
        break;
    case APC_C: apc->count = value & APC_COUNT_MASK; break;
    case APC_NVA:
        apc->next_address = value;
        if (!value)
            apc->next_valid = false;
        break;
    case APC_NC:
        apc->next_count = value & APC_COUNT_MASK;
        apc->next_valid = apc->next_count;
        break;
    default: break;
    }
    apc_load_next(codec, apc, capture ? APC_CDMA_GO : APC_PDMA_GO);
    update_streams(codec);
}

static uint32_t read_apc(const struct apc_channel *apc, unsigned offset)
{
    switch (offset) {
    case APC_VA: return apc->address;
    case APC_C: return apc->count;
    case APC_NVA: return apc->next_address;
    default: return apc->next_count;
    }
}

/* The codec's bytes are on the lane of address 0 of each word. */
static uint64_t codec_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct cs4231 *codec = DEVICE_OF(dev, struct cs4231, dev);
    if (offset & 3)
        return 0;
    run_streams(codec);
    switch (offset) {
    case CODEC_R0: return codec->index;
    case CODEC_R1: return read_indirect(codec);
    case CODEC_R2: return read_status(codec);
    default: return read_pio(codec);
    }
}

static void codec_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct cs4231 *codec = DEVICE_OF(dev, struct cs4231, dev);
    if (offset & 3)
        return;
    run_streams(codec);
    switch (offset) {
    case CODEC_R0: write_index(codec, (uint8_t)value); break;
    case CODEC_R1: write_indirect(codec, (uint8_t)value); break;
    case CODEC_R2: /* any value acknowledges */
        codec->interrupt = false;
        codec->reg[I24_FEATURE_STATUS] = 0;
        codec->reg[I11_ERROR_STATUS] = 0;
        update_streams(codec);
        break;
    default: write_pio(codec, (uint8_t)value); break;
    }
}

static uint64_t apc_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct cs4231 *codec = DEVICE_OF(dev, struct cs4231, dev);
    offset += APC_CSR;
    run_streams(codec);
    schedule_streams(codec);
    if (offset == APC_CSR)
        return apc_csr(codec);
    if (offset < APC_CAPTURE)
        return 0;
    return read_apc(offset < APC_PLAY ? &codec->capture_dma : &codec->play_dma, offset & 0xf);
}

static void apc_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct cs4231 *codec = DEVICE_OF(dev, struct cs4231, dev);
    offset += APC_CSR;
    run_streams(codec);
    if (offset == APC_CSR)
        write_csr(codec, (uint32_t)value);
    else if (offset >= APC_CAPTURE)
        write_apc(codec, offset < APC_PLAY, offset & 0xf, (uint32_t)value);
}

void cs4231_map(struct cs4231 *codec, struct bus *bus, uint64_t base)
{
    bus_begin_change(bus);
    bus_map(bus, &(struct bus_region){.name = "cs4231.codec",
                                      .start = base,
                                      .size = APC_CSR,
                                      .kind = BUS_MMIO,
                                      .dev = &codec->dev,
                                      .read = codec_read,
                                      .write = codec_write,
                                      .widths = BUS_WIDTH_8,
                                      .endian = bus_endian(bus)});
    bus_map(bus, &(struct bus_region){.name = "cs4231.apc",
                                      .start = base + APC_CSR,
                                      .size = 0x30,
                                      .kind = BUS_MMIO,
                                      .dev = &codec->dev,
                                      .read = apc_read,
                                      .write = apc_write,
                                      .widths = BUS_WIDTH_32,
                                      .endian = bus_endian(bus)});
    bus_end_change(bus);
}

/* ---- device ---- */

static bool cs4231_init(struct device *dev, GError **error)
{
    struct cs4231 *codec = DEVICE_OF(dev, struct cs4231, dev);
    g_autofree char *stream = g_strdup_printf("%s.stream", dev->id);
    g_autofree char *timer = g_strdup_printf("%s.timer", dev->id);
    clock_event_init(&codec->stream_event, dev->machine->clock, stream, streams_due, codec);
    clock_event_init(&codec->timer_event, dev->machine->clock, timer, timer_due, codec);
    return true;
}

static void cs4231_finish(struct device *dev)
{
    struct cs4231 *codec = DEVICE_OF(dev, struct cs4231, dev);
    set_running(codec, false, false);
    set_running(codec, true, false);
    clock_event_finish(&codec->stream_event);
    clock_event_finish(&codec->timer_event);
}

static void cs4231_reset(struct device *dev, enum reset_kind kind)
{
    struct cs4231 *codec = DEVICE_OF(dev, struct cs4231, dev);
    codec->csr = 0;
    codec->play_dma = codec->capture_dma = (struct apc_channel){0};
    reset_codec(codec);
}

static void cs4231_prepare_save(struct device *dev)
{
    run_streams(DEVICE_OF(dev, struct cs4231, dev));
}

static bool cs4231_check(const void *state, GError **error)
{
    const struct cs4231 *codec = state;
    const struct cs4231_stream *streams[2] = {&codec->play, &codec->capture};
    const struct apc_channel *engines[2] = {&codec->play_dma, &codec->capture_dma};
    bool ok = true;
    for (unsigned i = 0; i < 2; i++)
        ok = ok && streams[i]->fifo_count <= CS4231_PIO_FIFO && streams[i]->adpcm_phase < 8 &&
             (!streams[i]->running || (streams[i]->rate >= 5000 && streams[i]->rate <= 70000)) &&
             streams[i]->start_ns >= 0 && streams[i]->start_ns < INT64_C(1) << 61 &&
             engines[i]->count <= APC_COUNT_MASK && engines[i]->next_count <= APC_COUNT_MASK &&
             streams[i]->frames < UINT64_C(1) << 44;
    if (!ok)
        g_set_error_literal(error, STATE_ERROR, STATE_ERROR_FORMAT,
                            "The sound chip’s state is out of range.");
    return ok;
}

/* The loudspeaker follows the state that was loaded. */
static void cs4231_loaded(struct device *dev)
{
    struct cs4231 *codec = DEVICE_OF(dev, struct cs4231, dev);
    if (!codec->audio)
        return;
    for (unsigned capture = 0; capture < 2; capture++) {
        const struct cs4231_stream *stream = capture ? &codec->capture : &codec->play;
        if (stream->running)
            codec->audio->ops->start(codec->audio, capture,
                                     &(struct audio_format){.rate = stream->rate, .channels = 2});
        else
            codec->audio->ops->stop(codec->audio, capture);
    }
}

#define APC_FIELDS(member)                                                                                   \
    STATE_FIELD(struct cs4231, member.address), STATE_FIELD(struct cs4231, member.count),                    \
        STATE_FIELD(struct cs4231, member.next_address), STATE_FIELD(struct cs4231, member.next_count),      \
        STATE_FIELD(struct cs4231, member.next_valid)
#define STREAM_FIELDS(member)                                                                                \
    STATE_FIELD(struct cs4231, member.count), STATE_FIELD(struct cs4231, member.adpcm_byte),                 \
        STATE_FIELD(struct cs4231, member.adpcm_half), STATE_FIELD(struct cs4231, member.adpcm_phase),       \
        STATE_ARRAY(struct cs4231, member.adpcm_value), STATE_ARRAY(struct cs4231, member.adpcm_index),      \
        STATE_ARRAY(struct cs4231, member.fifo), STATE_FIELD(struct cs4231, member.fifo_count),              \
        STATE_FIELD(struct cs4231, member.fifo_bytes), STATE_FIELD(struct cs4231, member.running),           \
        STATE_FIELD(struct cs4231, member.rate), STATE_FIELD(struct cs4231, member.start_ns),                \
        STATE_FIELD(struct cs4231, member.frames)

static const struct state_field cs4231_fields[] = {
    STATE_FIELD(struct cs4231, index),
    STATE_ARRAY(struct cs4231, reg),
    STATE_FIELD(struct cs4231, interrupt),
    STATE_FIELD(struct cs4231, calibration_end),
    STATE_FIELD(struct cs4231, csr),
    APC_FIELDS(play_dma),
    APC_FIELDS(capture_dma),
    STREAM_FIELDS(play),
    STREAM_FIELDS(capture),
    STATE_END,
};

const struct device_class cs4231_class = {
    .name = "cs4231",
    .description = "Crystal CS4231 audio codec with APC DMA",
    .size = sizeof(struct cs4231),
    .version = 1,
    .init = cs4231_init,
    .reset = cs4231_reset,
    .finish = cs4231_finish,
    .fields = cs4231_fields,
    .prepare_save = cs4231_prepare_save,
    .check = cs4231_check,
    .loaded = cs4231_loaded,
};
