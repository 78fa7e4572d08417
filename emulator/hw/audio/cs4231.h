/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Crystal CS4231 audio codec with the APC DMA engine of the SPARCstation 4 and 5.
 *
 * Source: Crystal Semiconductor, "CS4231A Parallel Interface, Multimedia Audio Codec" data sheet (DS139),
 * "Control registers"; the APC after Linux sound/sparc/cs4231.c, NetBSD sys/dev/sbus/cs4231_sbus.c and
 * OpenSolaris audio_4231.h (bit names).
 *
 * Board: device_new(), set dma, irq, audio, device_start(), cs4231_map(). The dma port gets SBus (IOMMU)
 * addresses.
 */
#pragma once

#include "emulator/core/backends.h"
#include "emulator/core/bus.h"
#include "emulator/core/device.h"
#include "emulator/core/irq.h"
#include "emulator/hw/dma_port.h"

/* One direction of the APC: current and next buffer. */
struct apc_channel {
    uint32_t address, count;           /* xVA, xC: bytes still to go */
    uint32_t next_address, next_count; /* xNVA, xNC */
    bool next_valid;                   /* "NVA dirty" is its opposite */
};

#define CS4231_PIO_FIFO 64 /* bytes */

/* One direction of the codec. */
struct cs4231_stream {
    uint16_t count;     /* sample counter, down to the interrupt */
    uint8_t adpcm_byte; /* mono: its high nibble is the next sample if adpcm_half */
    bool adpcm_half;
    uint8_t adpcm_phase;    /* frames since the counter moved */
    int16_t adpcm_value[2]; /* predictors, per channel */
    uint8_t adpcm_index[2];
    uint8_t fifo[CS4231_PIO_FIFO]; /* programmed I/O */
    uint8_t fifo_count;
    uint32_t fifo_bytes; /* moved by the guest since the start: tells which byte of a sample is next */
    bool running;
    uint32_t rate; /* as the stream was started with */
    int64_t start_ns;
    uint64_t frames; /* done since start_ns */
};

struct cs4231 {
    struct device dev;
    struct irq_line *irq;        /* of the APC, true = asserted */
    struct audio_backend *audio; /* NULL = no loudspeaker; not owned */
    struct dma_port dma;

    uint8_t index;           /* R0: index, TRD, MCE */
    uint8_t reg[32];         /* I0..I31 */
    bool interrupt;          /* INT of R2 */
    int64_t calibration_end; /* ns; autocalibration is under way until then */
    uint32_t csr;            /* APC */
    struct apc_channel play_dma, capture_dma;
    struct cs4231_stream play, capture;
    struct clock_event stream_event, timer_event;
};

extern const struct device_class cs4231_class;

/* 64 bytes: codec at + 0, 4, 8, c; APC from + 10 on. */
void cs4231_map(struct cs4231 *codec, struct bus *bus, uint64_t base);
