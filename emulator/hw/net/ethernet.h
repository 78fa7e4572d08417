/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Facts of Ethernet (IEEE 802.3) that every controller needs: sizes and the frame check sequence. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define ETHERNET_ADDRESS_SIZE 6
#define ETHERNET_FRAME_MIN    60   /* without FCS */
#define ETHERNET_FRAME_MAX    1514 /* without FCS */
#define ETHERNET_FCS_SIZE     4

/* The CRC register after `size` bytes (reflected polynomial edb88320, preset to ones, not inverted at the
 * end). The FCS is its complement, least significant byte first. */
static inline uint32_t ethernet_crc(const uint8_t *data, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return crc;
}
