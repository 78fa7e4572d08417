/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sun Type 5 keyboard. It sends one byte when a key goes down (scan code), one when it goes up (scan code +
 * 80), and "all up" (7f) after the last one. It does not repeat: that is the host's business.
 */
#include "emulator/hw/input/sun_keyboard.h"

#include <linux/input-event-codes.h>
#include <string.h>

#include "emulator/core/i18n.h"
#include "emulator/core/machine.h"

enum command {
    COMMAND_RESET = 0x01,
    COMMAND_BELL_ON = 0x02,
    COMMAND_BELL_OFF = 0x03,
    COMMAND_CLICK_ON = 0x0a,
    COMMAND_CLICK_OFF = 0x0b,
    COMMAND_SET_LEDS = 0x0e,
    COMMAND_GET_LAYOUT = 0x0f,
};

enum response {
    RESPONSE_RESET = 0xff,  /* followed by the type */
    RESPONSE_LAYOUT = 0xfe, /* followed by the layout */
    RESPONSE_ALL_UP = 0x7f,
};

#define KEY_RELEASED 0x80
/* Type 4 and Type 5 keyboards both answer 4; the layout tells them apart. */
#define KEYBOARD_TYPE 0x04
/* The self test takes a moment; drivers wait up to a second. */
#define SELF_TEST_TIME (20 * NS_PER_MS)

/* Rows and keys as on the keyboard. Keys that a PC keyboard has and this one lacks go to their nearest kin.
 */
static const uint8_t scan_codes[KEY_CNT] = {
    [KEY_STOP] = 0x01,       [KEY_AGAIN] = 0x03,     [KEY_PROPS] = 0x19,      [KEY_UNDO] = 0x1a,
    [KEY_FRONT] = 0x31,      [KEY_COPY] = 0x33,      [KEY_OPEN] = 0x48,       [KEY_PASTE] = 0x49,
    [KEY_FIND] = 0x5f,       [KEY_CUT] = 0x61,       [KEY_HELP] = 0x76,

    [KEY_F1] = 0x05,         [KEY_F2] = 0x06,        [KEY_F3] = 0x08,         [KEY_F4] = 0x0a,
    [KEY_F5] = 0x0c,         [KEY_F6] = 0x0e,        [KEY_F7] = 0x10,         [KEY_F8] = 0x11,
    [KEY_F9] = 0x12,         [KEY_F10] = 0x07,       [KEY_F11] = 0x09,        [KEY_F12] = 0x0b,
    [KEY_MACRO] = 0x0f,      [KEY_SYSRQ] = 0x16,     [KEY_SCROLLLOCK] = 0x17, [KEY_PAUSE] = 0x15,
    [KEY_VOLUMEDOWN] = 0x02, [KEY_VOLUMEUP] = 0x04,  [KEY_MUTE] = 0x2d,       [KEY_POWER] = 0x30,

    [KEY_ESC] = 0x1d,        [KEY_1] = 0x1e,         [KEY_2] = 0x1f,          [KEY_3] = 0x20,
    [KEY_4] = 0x21,          [KEY_5] = 0x22,         [KEY_6] = 0x23,          [KEY_7] = 0x24,
    [KEY_8] = 0x25,          [KEY_9] = 0x26,         [KEY_0] = 0x27,          [KEY_MINUS] = 0x28,
    [KEY_EQUAL] = 0x29,      [KEY_GRAVE] = 0x2a,     [KEY_BACKSPACE] = 0x2b,

    [KEY_TAB] = 0x35,        [KEY_Q] = 0x36,         [KEY_W] = 0x37,          [KEY_E] = 0x38,
    [KEY_R] = 0x39,          [KEY_T] = 0x3a,         [KEY_Y] = 0x3b,          [KEY_U] = 0x3c,
    [KEY_I] = 0x3d,          [KEY_O] = 0x3e,         [KEY_P] = 0x3f,          [KEY_LEFTBRACE] = 0x40,
    [KEY_RIGHTBRACE] = 0x41, [KEY_BACKSLASH] = 0x58,

    [KEY_LEFTCTRL] = 0x4c,   [KEY_RIGHTCTRL] = 0x4c, [KEY_A] = 0x4d,          [KEY_S] = 0x4e,
    [KEY_D] = 0x4f,          [KEY_F] = 0x50,         [KEY_G] = 0x51,          [KEY_H] = 0x52,
    [KEY_J] = 0x53,          [KEY_K] = 0x54,         [KEY_L] = 0x55,          [KEY_SEMICOLON] = 0x56,
    [KEY_APOSTROPHE] = 0x57, [KEY_ENTER] = 0x59,

    [KEY_LEFTSHIFT] = 0x63,  [KEY_Z] = 0x64,         [KEY_X] = 0x65,          [KEY_C] = 0x66,
    [KEY_V] = 0x67,          [KEY_B] = 0x68,         [KEY_N] = 0x69,          [KEY_M] = 0x6a,
    [KEY_COMMA] = 0x6b,      [KEY_DOT] = 0x6c,       [KEY_SLASH] = 0x6d,      [KEY_RIGHTSHIFT] = 0x6e,
    [KEY_LINEFEED] = 0x6f,   [KEY_102ND] = 0x7c,

    [KEY_CAPSLOCK] = 0x77,   [KEY_LEFTALT] = 0x13,   [KEY_LEFTMETA] = 0x78,   [KEY_SPACE] = 0x79,
    [KEY_RIGHTMETA] = 0x7a,  [KEY_COMPOSE] = 0x43,   [KEY_MENU] = 0x43,       [KEY_RIGHTALT] = 0x0d,

    [KEY_INSERT] = 0x2c,     [KEY_HOME] = 0x34,      [KEY_PAGEUP] = 0x60,     [KEY_DELETE] = 0x42,
    [KEY_END] = 0x4a,        [KEY_PAGEDOWN] = 0x7b,  [KEY_UP] = 0x14,         [KEY_LEFT] = 0x18,
    [KEY_DOWN] = 0x1b,       [KEY_RIGHT] = 0x1c,

    [KEY_NUMLOCK] = 0x62,    [KEY_KPSLASH] = 0x2e,   [KEY_KPASTERISK] = 0x2f, [KEY_KPMINUS] = 0x47,
    [KEY_KP7] = 0x44,        [KEY_KP8] = 0x45,       [KEY_KP9] = 0x46,        [KEY_KPPLUS] = 0x7d,
    [KEY_KP4] = 0x5b,        [KEY_KP5] = 0x5c,       [KEY_KP6] = 0x5d,        [KEY_KP1] = 0x70,
    [KEY_KP2] = 0x71,        [KEY_KP3] = 0x72,       [KEY_KPENTER] = 0x5a,    [KEY_KP0] = 0x5e,
    [KEY_KPDOT] = 0x32,
};

uint8_t sun_keyboard_scan_code(unsigned evdev_code)
{
    return evdev_code < G_N_ELEMENTS(scan_codes) ? scan_codes[evdev_code] : 0;
}

/* ---- to the machine ---- */

static void drain_queue(struct sun_keyboard *kbd)
{
    const struct char_device *port = &kbd->line.device;
    while (kbd->queue_count && port->can_receive && port->can_receive(port->opaque)) {
        uint8_t byte = kbd->queue[kbd->queue_head];
        kbd->queue_head = (kbd->queue_head + 1) % SUN_KEYBOARD_QUEUE;
        kbd->queue_count--;
        port->receive(port->opaque, &byte, 1);
    }
}

static void send(struct sun_keyboard *kbd, uint8_t byte)
{
    if (kbd->queue_count == SUN_KEYBOARD_QUEUE)
        return; /* nobody listens; a driver that comes later resets the keyboard */
    kbd->queue[(kbd->queue_head + kbd->queue_count++) % SUN_KEYBOARD_QUEUE] = byte;
}

static bool any_down(const struct sun_keyboard *kbd)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(kbd->down); i++)
        if (kbd->down[i])
            return true;
    return false;
}

static void key(void *opaque, unsigned code, bool down)
{
    struct sun_keyboard *kbd = opaque;
    uint8_t scan = sun_keyboard_scan_code(code);
    if (!scan)
        return;
    /* Two host keys may stand for one key here: it is down as long as one of them is. */
    if (down ? kbd->down[scan]++ : !kbd->down[scan] || --kbd->down[scan])
        return;
    if (clock_event_is_set(&kbd->reset_event))
        return;
    send(kbd, down ? scan : scan | KEY_RELEASED);
    if (!down && !any_down(kbd))
        send(kbd, RESPONSE_ALL_UP);
    drain_queue(kbd);
}

static void release(void *opaque)
{
    struct sun_keyboard *kbd = opaque;
    if (!any_down(kbd))
        return;
    const bool speaks = !clock_event_is_set(&kbd->reset_event);
    for (unsigned scan = 0; scan < G_N_ELEMENTS(kbd->down); scan++) {
        if (kbd->down[scan] && speaks)
            send(kbd, (uint8_t)(scan | KEY_RELEASED));
        kbd->down[scan] = 0;
    }
    if (speaks)
        send(kbd, RESPONSE_ALL_UP);
    drain_queue(kbd);
}

static void self_test_done(void *opaque)
{
    struct sun_keyboard *kbd = opaque;
    send(kbd, RESPONSE_RESET);
    send(kbd, KEYBOARD_TYPE);
    if (!any_down(kbd))
        send(kbd, RESPONSE_ALL_UP);
    for (unsigned i = 0; i < G_N_ELEMENTS(kbd->down); i++)
        if (kbd->down[i])
            send(kbd, (uint8_t)i);
    drain_queue(kbd);
}

/* ---- from the machine ---- */

static void restart(struct sun_keyboard *kbd)
{
    kbd->queue_head = kbd->queue_count = 0;
    kbd->argument_of = 0;
    kbd->leds = 0;
    kbd->bell = kbd->click = false;
}

static void command(struct sun_keyboard *kbd, uint8_t byte)
{
    if (kbd->argument_of == COMMAND_SET_LEDS) {
        kbd->leds = byte & 0x0f;
        kbd->argument_of = 0;
        return;
    }
    switch (byte) {
    case COMMAND_RESET:
        restart(kbd);
        clock_event_set(&kbd->reset_event, clock_now(kbd->dev.machine->clock) + SELF_TEST_TIME);
        break;
    case COMMAND_BELL_ON: kbd->bell = true; break;
    case COMMAND_BELL_OFF: kbd->bell = false; break;
    case COMMAND_CLICK_ON: kbd->click = true; break;
    case COMMAND_CLICK_OFF: kbd->click = false; break;
    case COMMAND_SET_LEDS: kbd->argument_of = byte; break;
    case COMMAND_GET_LAYOUT:
        send(kbd, RESPONSE_LAYOUT);
        send(kbd, (uint8_t)kbd->layout);
        drain_queue(kbd);
        break;
    default: device_guest_error(&kbd->dev, "unknown command %02x", byte); break;
    }
}

static size_t line_write(struct char_backend *backend, const uint8_t *data, size_t size)
{
    struct sun_keyboard *kbd = DEVICE_OF(backend, struct sun_keyboard, line);
    for (size_t i = 0; i < size; i++)
        command(kbd, data[i]);
    return size;
}

static void line_accept_input(struct char_backend *backend)
{
    drain_queue(DEVICE_OF(backend, struct sun_keyboard, line));
}

static void line_finish(struct char_backend *backend)
{
    /* The line is a part of the keyboard's own struct. */
}

static const struct char_ops line_ops = {
    .write = line_write,
    .accept_input = line_accept_input,
    .finish = line_finish,
};

/* ---- device ---- */

static bool sun_keyboard_init(struct device *dev, GError **error)
{
    struct sun_keyboard *kbd = DEVICE_OF(dev, struct sun_keyboard, dev);
    kbd->line.ops = &line_ops;
    kbd->line.machine = dev->machine;
    kbd->sink = (struct input_sink){.key = key, .release = release, .opaque = kbd};
    g_autofree char *name = g_strdup_printf("%s.self-test", dev->id);
    clock_event_init(&kbd->reset_event, dev->machine->clock, name, self_test_done, kbd);
    return true;
}

static void sun_keyboard_finish(struct device *dev)
{
    clock_event_finish(&DEVICE_OF(dev, struct sun_keyboard, dev)->reset_event);
}

/* The machine's reset line does not reach the keyboard; its supply does. */
static void sun_keyboard_reset(struct device *dev, enum reset_kind kind)
{
    struct sun_keyboard *kbd = DEVICE_OF(dev, struct sun_keyboard, dev);
    if (kind != RESET_POWER_ON)
        return;
    restart(kbd);
    clock_event_set(&kbd->reset_event, clock_now(dev->machine->clock) + SELF_TEST_TIME);
}

static bool sun_keyboard_check(const void *state, GError **error)
{
    const struct sun_keyboard *kbd = state;
    if (kbd->queue_head < SUN_KEYBOARD_QUEUE && kbd->queue_count <= SUN_KEYBOARD_QUEUE)
        return true;
    g_set_error_literal(error, STATE_ERROR, STATE_ERROR_FORMAT, _("The keyboard’s queue is out of range."));
    return false;
}

static const struct state_field sun_keyboard_fields[] = {
    STATE_ARRAY(struct sun_keyboard, queue),
    STATE_FIELD(struct sun_keyboard, queue_head),
    STATE_FIELD(struct sun_keyboard, queue_count),
    STATE_FIELD(struct sun_keyboard, argument_of),
    STATE_FIELD(struct sun_keyboard, leds),
    STATE_FIELD(struct sun_keyboard, bell),
    STATE_FIELD(struct sun_keyboard, click),
    STATE_ARRAY(struct sun_keyboard, down),
    STATE_END,
};

static const struct device_property sun_keyboard_properties[] = {
    {.name = "layout",
     .type = PROPERTY_U32,
     .offset = offsetof(struct sun_keyboard, layout),
     .default_value = 0x21,
     .max = 0xff,
     .description = "layout number of the DIP switches (0x21 = US, Type 5)"},
    {0},
};

const struct device_class sun_keyboard_class = {
    .name = "sun-keyboard",
    .description = "Sun Type 5 keyboard",
    .size = sizeof(struct sun_keyboard),
    .version = 1,
    .init = sun_keyboard_init,
    .reset = sun_keyboard_reset,
    .finish = sun_keyboard_finish,
    .fields = sun_keyboard_fields,
    .check = sun_keyboard_check,
    .properties = sun_keyboard_properties,
};
