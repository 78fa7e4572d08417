/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Brooktree Bt458 RAMDAC, as TCX and cgthree use it: 256 colours, 4 overlay colours, read mask, blinking. Not
 * a device of its own: its state is a member of the frame buffer's.
 *
 * Source: Brooktree, "Bt451/Bt457/Bt458 125 MHz Monolithic CMOS RAMDAC" data sheet, "Circuit Description" and
 * "Internal Registers".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "emulator/core/state.h"

/* Inputs C1, C0. */
enum bt458_port { BT458_ADDRESS, BT458_PALETTE, BT458_CONTROL, BT458_OVERLAY };

struct bt458 {
    uint8_t address;
    uint8_t component; /* 0 red, 1 green, 2 blue of the entry that is being accessed */
    uint8_t palette[256][3];
    uint8_t overlay[4][3];
    uint8_t pending[3]; /* red and green wait for blue */
    uint8_t read_mask, blink_mask, command, test;
};

#define BT458_FIELDS(type_, member_)                                                                         \
    STATE_FIELD(type_, member_.address), STATE_FIELD(type_, member_.component),                              \
        STATE_ARRAY_OF(type_, member_.palette, uint8_t), STATE_ARRAY_OF(type_, member_.overlay, uint8_t),    \
        STATE_ARRAY(type_, member_.pending), STATE_FIELD(type_, member_.read_mask),                          \
        STATE_FIELD(type_, member_.blink_mask), STATE_FIELD(type_, member_.command),                         \
        STATE_FIELD(type_, member_.test)

void bt458_reset(struct bt458 *dac);
uint8_t bt458_read(struct bt458 *dac, enum bt458_port port);
/* True if the picture may look different now. */
bool bt458_write(struct bt458 *dac, enum bt458_port port, uint8_t value);

/* XRGB8888 of the 256 pixel values, with read mask and blinking (`blink_on`: the phase in which pixels show).
 */
void bt458_colours(const struct bt458 *dac, bool blink_on, uint32_t colours[256]);
uint32_t bt458_overlay_colour(const struct bt458 *dac, unsigned index);
/* Whether blinking pixels show in this frame (counted from anywhere); true if nothing blinks. */
bool bt458_blink_on(const struct bt458 *dac, uint64_t frame);
