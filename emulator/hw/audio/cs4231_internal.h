/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CS4231: what its two files share. cs4231.c has the registers, cs4231_stream.c clocks, formats, interrupts and the way
 * of the samples through codec and APC. Whatever looks at a register first brings the streams up to now.
 */
#pragma once

#include "emulator/core/machine.h"
#include "emulator/hw/audio/cs4231.h"
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

#define APC_COUNT_MASK 0xffffff

static inline int64_t cs4231_now(const struct cs4231 *codec)
{
    return clock_now(codec->dev.machine->clock);
}

/* As the registers say: frames a second, the extended registers, format and channels of a direction. */
unsigned cs4231_sample_rate(const struct cs4231 *codec);
bool cs4231_mode_2(const struct cs4231 *codec);
enum cs4231_format cs4231_sample_format(const struct cs4231 *codec, bool capture);
unsigned cs4231_channels(const struct cs4231 *codec, bool capture);

void cs4231_update_irq(struct cs4231 *codec);
/* The codec's own interrupt, `source` a bit of I24. */
void cs4231_interrupt(struct cs4231 *codec, uint8_t source);

/* The APC's status register; the next buffer becomes the current one if that is used up and `go` is on. */
uint32_t cs4231_apc_csr(const struct cs4231 *codec);
void cs4231_apc_load_next(struct cs4231 *codec, struct apc_channel *apc, uint32_t go);

/* Brings both streams up to now; sets the event to when the next interrupt is due; does both, for the clock. */
void cs4231_run_streams(struct cs4231 *codec);
void cs4231_schedule_streams(struct cs4231 *codec);
void cs4231_streams_due(void *opaque);
/* Starts and stops them as the registers say now. */
void cs4231_update_streams(struct cs4231 *codec);
void cs4231_set_running(struct cs4231 *codec, bool capture, bool run);
