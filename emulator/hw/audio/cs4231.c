/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CS4231 codec and APC: registers and timer; see the header for sources. */
#include "emulator/hw/audio/cs4231_internal.h"
#include "emulator/core/i18n.h"

#include <string.h>

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

#define CALIBRATION_SAMPLES 168 /* DS139, "Autocalibration" */

/* ---- timer (DS139, I20/I21): ticks of 9.92 or 9.969 us ---- */

static void schedule_timer(struct cs4231 *codec)
{
    unsigned base = codec->reg[I21_TIMER_HIGH] << 8 | codec->reg[I20_TIMER_LOW];
    if (!(codec->reg[I16_FEATURE_1] & I16_TIMER_ENABLE) || !base) {
        clock_event_cancel(&codec->timer_event);
        return;
    }
    int64_t tick = codec->reg[I8_PLAYBACK_FORMAT] & 1 ? 9920 : 9969;
    clock_event_set(&codec->timer_event, cs4231_now(codec) + tick * base);
}

static void timer_due(void *opaque)
{
    struct cs4231 *codec = opaque;
    cs4231_interrupt(codec, I24_TIMER_INT);
    cs4231_update_irq(codec);
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
    cs4231_update_streams(codec);
}

static unsigned current_index(const struct cs4231 *codec)
{
    return codec->index & (cs4231_mode_2(codec) ? 0x1f : 0x0f);
}

static uint8_t read_indirect(struct cs4231 *codec)
{
    unsigned index = current_index(codec);
    uint8_t value = codec->reg[index];
    if (index == I11_ERROR_STATUS && cs4231_now(codec) < codec->calibration_end)
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
        if (!cs4231_mode_2(codec))
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
    cs4231_update_streams(codec);
}

static void write_index(struct cs4231 *codec, uint8_t value)
{
    bool was_mce = codec->index & R0_MCE;
    codec->index = value & (R0_MCE | R0_TRD | R0_INDEX);
    if (was_mce && !(value & R0_MCE) && codec->reg[I9_INTERFACE] & I9_CALIBRATION)
        codec->calibration_end =
            cs4231_now(codec) + (int64_t)muldiv64(CALIBRATION_SAMPLES, NS_PER_SECOND, cs4231_sample_rate(codec));
    cs4231_update_streams(codec);
}

/* Which byte programmed I/O moves next: upper half of a sample, and of the left channel (8-bit formats read
 * "upper"). */
static uint8_t pio_position(struct cs4231 *codec, bool capture, uint8_t upper, uint8_t left)
{
    enum cs4231_format format = cs4231_sample_format(codec, capture);
    unsigned sample = cs4231_sample_size(format);
    uint32_t at = (capture ? &codec->capture : &codec->play)->fifo_bytes;
    bool is_upper = sample == 1 || (at & 1) == (format == CS4231_FORMAT_S16_LE);
    bool is_left = cs4231_channels(codec, capture) == 1 || at / sample % 2 == 0;
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
    cs4231_apc_load_next(codec, &codec->play_dma, APC_PDMA_GO);
    cs4231_apc_load_next(codec, &codec->capture_dma, APC_CDMA_GO);
    cs4231_update_streams(codec);
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
    cs4231_apc_load_next(codec, apc, capture ? APC_CDMA_GO : APC_PDMA_GO);
    cs4231_update_streams(codec);
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
    cs4231_run_streams(codec);
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
    cs4231_run_streams(codec);
    switch (offset) {
    case CODEC_R0: write_index(codec, (uint8_t)value); break;
    case CODEC_R1: write_indirect(codec, (uint8_t)value); break;
    case CODEC_R2: /* any value acknowledges */
        codec->interrupt = false;
        codec->reg[I24_FEATURE_STATUS] = 0;
        codec->reg[I11_ERROR_STATUS] = 0;
        cs4231_update_streams(codec);
        break;
    default: write_pio(codec, (uint8_t)value); break;
    }
}

static uint64_t apc_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct cs4231 *codec = DEVICE_OF(dev, struct cs4231, dev);
    offset += APC_CSR;
    cs4231_run_streams(codec);
    cs4231_schedule_streams(codec);
    if (offset == APC_CSR)
        return cs4231_apc_csr(codec);
    if (offset < APC_CAPTURE)
        return 0;
    return read_apc(offset < APC_PLAY ? &codec->capture_dma : &codec->play_dma, offset & 0xf);
}

static void apc_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct cs4231 *codec = DEVICE_OF(dev, struct cs4231, dev);
    offset += APC_CSR;
    cs4231_run_streams(codec);
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
    clock_event_init(&codec->stream_event, dev->machine->clock, stream, cs4231_streams_due, codec);
    clock_event_init(&codec->timer_event, dev->machine->clock, timer, timer_due, codec);
    return true;
}

static void cs4231_finish(struct device *dev)
{
    struct cs4231 *codec = DEVICE_OF(dev, struct cs4231, dev);
    cs4231_set_running(codec, false, false);
    cs4231_set_running(codec, true, false);
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
    cs4231_run_streams(DEVICE_OF(dev, struct cs4231, dev));
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
                            _("The sound chip’s state is out of range."));
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
