/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sample formats of the CS4231: linear, companded (ITU-T G.711) and IMA ADPCM, to and from 16 bits.
 */
#pragma once

#include <stdint.h>

/* Bits 7..5 of I8 and I28. */
enum cs4231_format {
    CS4231_FORMAT_U8 = 0,
    CS4231_FORMAT_ULAW = 1,
    CS4231_FORMAT_S16_LE = 2,
    CS4231_FORMAT_ALAW = 3,
    CS4231_FORMAT_ADPCM = 5,
    CS4231_FORMAT_S16_BE = 6,
};

/* Bytes of one sample of one channel; ADPCM is apart. */
static inline unsigned cs4231_sample_size(enum cs4231_format format)
{
    return format == CS4231_FORMAT_S16_LE || format == CS4231_FORMAT_S16_BE ? 2 : 1;
}

int16_t cs4231_decode(enum cs4231_format format, const uint8_t *data);
void cs4231_encode(enum cs4231_format format, int16_t sample, uint8_t *data);

/* IMA ADPCM, 4 bits a sample; `value` and `index` carry the predictor from sample to sample. */
int16_t cs4231_adpcm_decode(unsigned nibble, int16_t *value, uint8_t *index);
unsigned cs4231_adpcm_encode(int16_t sample, int16_t *value, uint8_t *index);
