/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sun serial mouse. A report: 80 + buttons (a bit is 0 while the button is held), dx, dy, dx, dy; the second
 * pair is what moved while the first was sent. y is positive upwards.
 */
#include "emulator/hw/input/sun_mouse.h"

#include <linux/input-event-codes.h>

#include "emulator/core/i18n.h"
#include "emulator/core/machine.h"

#define REPORT_SYNC 0x80

enum button_bit { BUTTON_RIGHT = 1, BUTTON_MIDDLE = 2, BUTTON_LEFT = 4, BUTTONS_ALL = 7 };

/* Five bytes of ten bits at 1200 baud would be 42 ms; the mouse is given a faster line so that it moves
 * smoothly. */
#define REPORT_TIME (10 * NS_PER_MS)

static void drain_queue(struct sun_mouse *mouse)
{
    const struct char_device *port = &mouse->line.device;
    while (mouse->queue_count && port->can_receive && port->can_receive(port->opaque)) {
        uint8_t byte = mouse->queue[mouse->queue_head];
        mouse->queue_head = (uint8_t)((mouse->queue_head + 1) % sizeof(mouse->queue));
        mouse->queue_count--;
        port->receive(port->opaque, &byte, 1);
    }
}

static bool has_room(const struct sun_mouse *mouse)
{
    return mouse->queue_count + SUN_MOUSE_REPORT <= (int)sizeof(mouse->queue);
}

static int take(int32_t *distance)
{
    int part = CLAMP(*distance, -127, 127);
    *distance -= part;
    return part;
}

static void queue_report(struct sun_mouse *mouse)
{
    uint8_t report[SUN_MOUSE_REPORT] = {(uint8_t)(REPORT_SYNC | (~mouse->buttons & BUTTONS_ALL))};
    for (unsigned i = 1; i < SUN_MOUSE_REPORT; i += 2) {
        report[i] = (uint8_t)take(&mouse->dx);
        report[i + 1] = (uint8_t)take(&mouse->dy);
    }
    for (unsigned i = 0; i < SUN_MOUSE_REPORT; i++)
        mouse->queue[(mouse->queue_head + mouse->queue_count++) % sizeof(mouse->queue)] = report[i];
}

/* Movement is collected while the line is busy; a button's change never is. */
static void report_movement(struct sun_mouse *mouse)
{
    if ((!mouse->dx && !mouse->dy && !mouse->late) || clock_event_is_set(&mouse->report_event) ||
        mouse->queue_count)
        return;
    mouse->late = false;
    queue_report(mouse);
    clock_event_set(&mouse->report_event, clock_now(mouse->dev.machine->clock) + REPORT_TIME);
    drain_queue(mouse);
}

static void line_free(void *opaque)
{
    report_movement(opaque);
}

static void pointer_relative(void *opaque, int dx, int dy)
{
    struct sun_mouse *mouse = opaque;
    /* Nobody may listen for hours: what is far off any screen is not remembered. */
    mouse->dx = CLAMP(mouse->dx + CLAMP(dx, -4096, 4096), -4096, 4096);
    mouse->dy = CLAMP(mouse->dy - CLAMP(dy, -4096, 4096), -4096, 4096);
    report_movement(mouse);
}

static void button(void *opaque, unsigned code, bool down)
{
    struct sun_mouse *mouse = opaque;
    uint8_t bit = code == BTN_LEFT     ? BUTTON_LEFT
                  : code == BTN_MIDDLE ? BUTTON_MIDDLE
                  : code == BTN_RIGHT  ? BUTTON_RIGHT
                                       : 0;
    uint8_t buttons = down ? mouse->buttons | bit : mouse->buttons & (uint8_t)~bit;
    if (buttons == mouse->buttons)
        return;
    mouse->buttons = buttons;
    mouse->late = !has_room(mouse);
    if (mouse->late)
        return;
    queue_report(mouse);
    drain_queue(mouse);
}

static void release(void *opaque)
{
    static const unsigned all[] = {BTN_LEFT, BTN_MIDDLE, BTN_RIGHT};
    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++)
        button(opaque, all[i], false);
}

static size_t line_write(struct char_backend *backend, const uint8_t *data, size_t size)
{
    return size; /* the mouse does not listen */
}

static void line_accept_input(struct char_backend *backend)
{
    struct sun_mouse *mouse = DEVICE_OF(backend, struct sun_mouse, line);
    drain_queue(mouse);
    report_movement(mouse);
}

static void line_finish(struct char_backend *backend)
{
    /* The line is a part of the mouse's own struct. */
}

static const struct char_ops line_ops = {
    .write = line_write,
    .accept_input = line_accept_input,
    .finish = line_finish,
};

static bool sun_mouse_init(struct device *dev, GError **error)
{
    struct sun_mouse *mouse = DEVICE_OF(dev, struct sun_mouse, dev);
    mouse->line.ops = &line_ops;
    mouse->line.machine = dev->machine;
    mouse->sink =
        (struct input_sink){.pointer_relative = pointer_relative, .button = button, .release = release, .opaque = mouse};
    g_autofree char *name = g_strdup_printf("%s.report", dev->id);
    clock_event_init(&mouse->report_event, dev->machine->clock, name, line_free, mouse);
    return true;
}

static void sun_mouse_finish(struct device *dev)
{
    clock_event_finish(&DEVICE_OF(dev, struct sun_mouse, dev)->report_event);
}

static void sun_mouse_reset(struct device *dev, enum reset_kind kind)
{
    struct sun_mouse *mouse = DEVICE_OF(dev, struct sun_mouse, dev);
    if (kind != RESET_POWER_ON)
        return;
    mouse->dx = mouse->dy = 0;
    mouse->late = false;
    mouse->queue_head = mouse->queue_count = 0;
    clock_event_cancel(&mouse->report_event);
}

static bool sun_mouse_check(const void *state, GError **error)
{
    const struct sun_mouse *mouse = state;
    if (mouse->queue_head < sizeof(mouse->queue) && mouse->queue_count <= sizeof(mouse->queue) &&
        ABS((int64_t)mouse->dx) <= 4096 && ABS((int64_t)mouse->dy) <= 4096)
        return true;
    g_set_error_literal(error, STATE_ERROR, STATE_ERROR_FORMAT, _("The mouse’s queue is out of range."));
    return false;
}

static const struct state_field sun_mouse_fields[] = {
    STATE_FIELD(struct sun_mouse, dx),          STATE_FIELD(struct sun_mouse, dy),
    STATE_FIELD(struct sun_mouse, buttons),     STATE_FIELD(struct sun_mouse, late),
    STATE_ARRAY(struct sun_mouse, queue),       STATE_FIELD(struct sun_mouse, queue_head),
    STATE_FIELD(struct sun_mouse, queue_count), STATE_END,
};

const struct device_class sun_mouse_class = {
    .name = "sun-mouse",
    .description = "Sun three-button serial mouse",
    .size = sizeof(struct sun_mouse),
    .version = 1,
    .init = sun_mouse_init,
    .reset = sun_mouse_reset,
    .finish = sun_mouse_finish,
    .fields = sun_mouse_fields,
    .check = sun_mouse_check,
};
