/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CS4231 and APC: the streams. Samples are moved in batches: an event falls when the next interrupt is due, at the latest
 * every 10 ms, and whatever looks at a register first brings the streams up to now. So the guest sees counters and
 * addresses that move steadily.
 */
#include "emulator/hw/audio/cs4231_internal.h"

#include <math.h>
#include <string.h>

#define BATCH_TIME   (10 * NS_PER_MS)
#define BATCH_FRAMES 256
/* After the machine stood still for a while, what was missed is not played in fast motion. */
#define CATCH_UP_MAX (200 * NS_PER_MS)

/* ---- clock and format ---- */

/* C2SL and CFS2..0 (DS139, I8): crystal divided. */
unsigned cs4231_sample_rate(const struct cs4231 *codec)
{
    static const unsigned divisor[8] = {3072, 1536, 896, 768, 448, 384, 512, 2560};
    unsigned select = codec->reg[I8_PLAYBACK_FORMAT];
    return (select & 1 ? 16934400u : 24576000u) / divisor[select >> 1 & 7];
}

bool cs4231_mode_2(const struct cs4231 *codec)
{
    return codec->reg[I12_MODE_ID] & I12_MODE_2;
}

/* In mode 1 both directions use I8, and of the format only FMT0 and C/L. */
static uint8_t format_register(const struct cs4231 *codec, bool capture)
{
    if (!cs4231_mode_2(codec))
        return codec->reg[I8_PLAYBACK_FORMAT] & 0x7f;
    return codec->reg[capture ? I28_CAPTURE_FORMAT : I8_PLAYBACK_FORMAT];
}

enum cs4231_format cs4231_sample_format(const struct cs4231 *codec, bool capture)
{
    return format_register(codec, capture) >> 5;
}

unsigned cs4231_channels(const struct cs4231 *codec, bool capture)
{
    return format_register(codec, capture) & FORMAT_STEREO ? 2 : 1;
}

/* Bytes of a frame; ADPCM: 0 (half a byte mono, one byte stereo). */
static unsigned frame_size(const struct cs4231 *codec, bool capture)
{
    enum cs4231_format format = cs4231_sample_format(codec, capture);
    return format == CS4231_FORMAT_ADPCM ? 0 : cs4231_sample_size(format) * cs4231_channels(codec, capture);
}

/* ---- interrupts ---- */

static bool apc_pipe_empty(const struct apc_channel *apc)
{
    return !apc->count && !apc->next_valid;
}

void cs4231_update_irq(struct cs4231 *codec)
{
    uint32_t csr = codec->csr;
    bool pending = (csr & APC_PI && csr & APC_PIE) || (csr & APC_CI && csr & APC_CIE) ||
                   (csr & APC_EI && csr & APC_EIE) || (csr & APC_PMI && csr & APC_PMIE) ||
                   (csr & APC_CMI && csr & APC_CMIE);
    irq_set(codec->irq, pending && csr & APC_IE);
}

/* The codec's own interrupt pin is the APC's general interrupt; its rise is what counts. */
void cs4231_interrupt(struct cs4231 *codec, uint8_t source)
{
    codec->reg[I24_FEATURE_STATUS] |= source;
    if (!codec->interrupt && codec->reg[I10_PIN_CONTROL] & I10_INTERRUPT_ENABLE)
        codec->csr |= APC_EI;
    codec->interrupt = true;
}

/* ---- APC ---- */

void cs4231_apc_load_next(struct cs4231 *codec, struct apc_channel *apc, uint32_t go)
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
        cs4231_apc_load_next(codec, apc, go);
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
        cs4231_apc_load_next(codec, apc, go);
        if (!apc->count)
            codec->csr |= capture ? APC_CMI : APC_PMI;
    }
    return done;
}

uint32_t cs4231_apc_csr(const struct cs4231 *codec)
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
    unsigned upper = capture && cs4231_mode_2(codec) ? I30_CAPTURE_UPPER : I14_PLAYBACK_UPPER;
    uint32_t base = (uint32_t)codec->reg[upper] << 8 | codec->reg[upper + 1];
    if (cs4231_sample_format(codec, capture) == CS4231_FORMAT_ADPCM) {
        unsigned per_word = cs4231_channels(codec, capture) == 2 ? 4 : 8;
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
    cs4231_interrupt(codec, capture ? I24_CAPTURE_INT : I24_PLAYBACK_INT);
}

/* Decodes up to `frames` (<= BATCH_FRAMES) stereo frames; returns how many there were. */
static unsigned decode_frames(struct cs4231 *codec, int16_t *out, unsigned frames)
{
    struct cs4231_stream *stream = &codec->play;
    enum cs4231_format format = cs4231_sample_format(codec, false);
    unsigned channel_count = cs4231_channels(codec, false), got = 0;
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
    audio_play(codec->audio, samples, frames);
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

    enum cs4231_format format = cs4231_sample_format(codec, true);
    unsigned channel_count = cs4231_channels(codec, true), done = 0;
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
    int64_t now = cs4231_now(codec);
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
void cs4231_run_streams(struct cs4231 *codec)
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
    cs4231_update_irq(codec);
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
            MIN(frames, size ? (apc->count + size - 1) / size : apc->count * 2 / cs4231_channels(codec, capture));
    if (codec->reg[I10_PIN_CONTROL] & I10_INTERRUPT_ENABLE && !codec->interrupt)
        frames = MIN(frames, stream->count + 1u);
    return MAX(frames, 1);
}

void cs4231_schedule_streams(struct cs4231 *codec)
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

void cs4231_streams_due(void *opaque)
{
    struct cs4231 *codec = opaque;
    cs4231_run_streams(codec);
    cs4231_schedule_streams(codec);
}

void cs4231_set_running(struct cs4231 *codec, bool capture, bool run)
{
    struct cs4231_stream *stream = capture ? &codec->capture : &codec->play;
    if (run == stream->running && (!run || stream->rate == cs4231_sample_rate(codec)))
        return;
    bool was_running = stream->running;
    stream->running = run;
    if (run) {
        stream->rate = cs4231_sample_rate(codec);
        stream->start_ns = cs4231_now(codec);
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
void cs4231_update_streams(struct cs4231 *codec)
{
    bool changing = codec->index & R0_MCE || codec->csr & APC_CODEC_RESET;
    cs4231_set_running(codec, false, !changing && codec->reg[I9_INTERFACE] & I9_PLAYBACK_ENABLE);
    cs4231_set_running(codec, true, !changing && codec->reg[I9_INTERFACE] & I9_CAPTURE_ENABLE);
    cs4231_schedule_streams(codec);
    cs4231_update_irq(codec);
}
