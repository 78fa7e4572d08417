/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "emulator/hw/audio/cs4231_formats.h"

#include <glib.h>

#define ADPCM_INDEX_MAX 88

/* ITU-T G.711: µ-law is 14-bit sign-magnitude with a bias of 33 and eight chords of 16 steps, all bits
 * inverted. */
static int16_t ulaw_decode(uint8_t code)
{
    code = (uint8_t)~code;
    int magnitude = (((code & 15) * 2 + 33) << (code >> 4 & 7)) - 33;
    return (int16_t)(code & 0x80 ? -magnitude * 4 : magnitude * 4);
}

static unsigned chord_of(unsigned value, unsigned lowest)
{
    unsigned chord = 0;
    while (chord < 7 && value >= lowest << (chord + 1))
        chord++;
    return chord;
}

static uint8_t ulaw_encode(int16_t sample)
{
    unsigned sign = sample < 0 ? 0x80 : 0;
    unsigned magnitude = MIN((unsigned)ABS((int)sample) / 4 + 33, 8191);
    unsigned chord = chord_of(magnitude, 32);
    return (uint8_t) ~(sign | chord << 4 | (magnitude >> (chord + 1) & 15));
}

/* A-law is 13-bit with two linear chords at the bottom, even bits inverted, sign bit set for positive values.
 */
static int16_t alaw_decode(uint8_t code)
{
    code ^= 0x55;
    unsigned chord = code >> 4 & 7;
    int magnitude = (code & 15) * 2 + 1;
    if (chord)
        magnitude = (magnitude + 32) << (chord - 1);
    return (int16_t)(code & 0x80 ? magnitude * 8 : -magnitude * 8);
}

static uint8_t alaw_encode(int16_t sample)
{
    unsigned sign = sample < 0 ? 0 : 0x80;
    unsigned magnitude = (unsigned)(sample < 0 ? ~sample : sample) / 8;
    unsigned chord = chord_of(magnitude, 16);
    return (uint8_t)((sign | chord << 4 | (magnitude >> MAX(chord, 1) & 15)) ^ 0x55);
}

int16_t cs4231_decode(enum cs4231_format format, const uint8_t *data)
{
    switch (format) {
    case CS4231_FORMAT_ULAW: return ulaw_decode(data[0]);
    case CS4231_FORMAT_ALAW: return alaw_decode(data[0]);
    case CS4231_FORMAT_S16_LE: return (int16_t)(data[0] | data[1] << 8);
    case CS4231_FORMAT_S16_BE: return (int16_t)(data[0] << 8 | data[1]);
    default: return (int16_t)((data[0] - 0x80) * 256);
    }
}

void cs4231_encode(enum cs4231_format format, int16_t sample, uint8_t *data)
{
    switch (format) {
    case CS4231_FORMAT_ULAW: data[0] = ulaw_encode(sample); break;
    case CS4231_FORMAT_ALAW: data[0] = alaw_encode(sample); break;
    case CS4231_FORMAT_S16_LE:
        data[0] = (uint8_t)sample;
        data[1] = (uint8_t)(sample >> 8);
        break;
    case CS4231_FORMAT_S16_BE:
        data[0] = (uint8_t)(sample >> 8);
        data[1] = (uint8_t)sample;
        break;
    default: data[0] = (uint8_t)((sample >> 8) + 0x80); break;
    }
}

/* IMA Digital Audio Doc-Pac, "Recommended Practices for Enhancing Digital Audio Compatibility", section 6. */
static const uint16_t adpcm_steps[ADPCM_INDEX_MAX + 1] = {
    7,    8,     9,     10,    11,    12,    13,    14,    16,    17,    19,    21,    23,    25,    28,
    31,   34,    37,    41,    45,    50,    55,    60,    66,    73,    80,    88,    97,    107,   118,
    130,  143,   157,   173,   190,   209,   230,   253,   279,   307,   337,   371,   408,   449,   494,
    544,  598,   658,   724,   796,   876,   963,   1060,  1166,  1282,  1411,  1552,  1707,  1878,  2066,
    2272, 2499,  2749,  3024,  3327,  3660,  4026,  4428,  4871,  5358,  5894,  6484,  7132,  7845,  8630,
    9493, 10442, 11487, 12635, 13899, 15289, 16818, 18500, 20350, 22385, 24623, 27086, 29794, 32767,
};
static const int8_t adpcm_index_steps[8] = {-1, -1, -1, -1, 2, 4, 6, 8};

int16_t cs4231_adpcm_decode(unsigned nibble, int16_t *value, uint8_t *index)
{
    int step = adpcm_steps[MIN(*index, ADPCM_INDEX_MAX)];
    int difference = step >> 3;
    if (nibble & 4)
        difference += step;
    if (nibble & 2)
        difference += step >> 1;
    if (nibble & 1)
        difference += step >> 2;
    *value = (int16_t)CLAMP(*value + (nibble & 8 ? -difference : difference), -32768, 32767);
    *index = (uint8_t)CLAMP(*index + adpcm_index_steps[nibble & 7], 0, ADPCM_INDEX_MAX);
    return *value;
}

unsigned cs4231_adpcm_encode(int16_t sample, int16_t *value, uint8_t *index)
{
    int step = adpcm_steps[MIN(*index, ADPCM_INDEX_MAX)];
    int difference = sample - *value;
    unsigned nibble = 0;
    if (difference < 0) {
        nibble = 8;
        difference = -difference;
    }
    for (unsigned bit = 4; bit; bit >>= 1, step >>= 1)
        if (difference >= step) {
            nibble |= bit;
            difference -= step;
        }
    cs4231_adpcm_decode(nibble, value, index);
    return nibble;
}
