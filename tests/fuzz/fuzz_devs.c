/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random guests for the serial, display, network and audio devices: register accesses of any width at any
 * offset, biased to values that start things, memory full of plausible descriptors, time that passes, frames
 * and key strokes that come in, saved states that are loaded back or mutated first. To be built with
 * sanitizers: fuzz_devs SECONDS SEED
 */
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>

#include "emulator/hw/audio/audio_null.h"
#include "emulator/hw/audio/cs4231.h"
#include "emulator/hw/char/escc.h"
#include "emulator/hw/display/cg3.h"
#include "emulator/hw/display/tcx.h"
#include "emulator/hw/input/sun_keyboard.h"
#include "emulator/hw/input/sun_mouse.h"
#include "emulator/hw/net/lance.h"
#include "tests/unit/devs_common.h"

static uint64_t random_state;

static uint32_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 16);
}

static uint32_t below(uint32_t limit)
{
    return next_random() % limit;
}

static const struct window {
    uint64_t base, size;
} windows[] = {
    {0x71000000, 8},        {0x71100000, 8},        {0x78c00000, 4},        {0x6c000000, 64},
    {0x50200000, 16},       {0x50300000, 0xa00},    {0x50700000, 0x100},    {0x50800000, 0x100000},
    {0x52000000, 0x400000}, {0x54000000, 0x800000}, {0x56000000, 0x800000}, {0x5a000000, 0x400000},
    {0x5c000000, 0x800000}, {0x5e000000, 0x800000}, {0x40400000, 0x20},     {0x40800000, 0x100000},
};

struct guest {
    struct machine *machine;
    struct bench_memory *memory;
    struct lance *lance;
    struct irq_line irq;
    struct net_backend wire;
    struct bench_line line;
};

static void wire_send(struct net_backend *wire, const uint8_t *frame, size_t size)
{
    /* Every byte is looked at, so that the sanitizer sees what is not there. */
    g_autofree uint8_t *copy = g_memdup2(frame, size);
    (void)copy;
}

static void wire_finish(struct net_backend *wire)
{
}

static void start(struct device *dev)
{
    GError *error = NULL;
    if (!device_start(dev, &error))
        g_error("%s", error->message);
}

static void build(struct guest *guest)
{
    static const struct net_ops ops = {.send = wire_send, .finish = wire_finish};
    struct machine *machine = guest->machine = bench_new();
    struct bus *bus = machine->bus;
    guest->memory = g_new0(struct bench_memory, 1);
    irq_init(&guest->irq, bench_pin_changed, NULL, 0);
    bench_line_init(&guest->line, machine);
    guest->wire = (struct net_backend){.ops = &ops, .machine = machine};

    struct sun_keyboard *keyboard =
        (struct sun_keyboard *)device_new(machine, &sun_keyboard_class, "keyboard");
    struct sun_mouse *mouse = (struct sun_mouse *)device_new(machine, &sun_mouse_class, "mouse");
    start(&keyboard->dev);
    start(&mouse->dev);
    machine_add_input(machine, &keyboard->sink);
    machine_add_input(machine, &mouse->sink);
    for (unsigned i = 0; i < 2; i++) {
        struct escc *escc = (struct escc *)device_new(machine, &escc_class, i ? "serial" : "desk");
        escc->escc = i;
        escc->paced = i;
        escc->irq = &guest->irq;
        escc->channel[ESCC_A].line = i ? &guest->line.base : &keyboard->line;
        escc->channel[ESCC_B].line = i ? NULL : &mouse->line;
        start(&escc->dev);
        escc_map(escc, bus, 0x71000000 + i * 0x100000);
    }
    struct tcx *tcx = (struct tcx *)device_new(machine, &tcx_class, "tcx");
    tcx->depth = 24;
    tcx->irq = &guest->irq;
    start(&tcx->dev);
    tcx_map(tcx, bus, 0x50000000);
    struct cg3 *cg3 = (struct cg3 *)device_new(machine, &cg3_class, "cg3");
    cg3->width = 1152;
    cg3->height = 900;
    start(&cg3->dev);
    cg3_map(cg3, bus, 0x40000000);
    if (below(2))
        machine_set_display(machine, &(struct display_source){0});
    struct lance *lance = guest->lance = (struct lance *)device_new(machine, &lance_class, "lance");
    lance->irq = &guest->irq;
    lance->net = &guest->wire;
    lance->dma = bench_memory_port(guest->memory);
    start(&lance->dev);
    lance_map(lance, bus, 0x78c00000);
    struct cs4231 *codec = (struct cs4231 *)device_new(machine, &cs4231_class, "audio");
    codec->irq = &guest->irq;
    codec->audio = machine->audio = audio_null_new(machine);
    codec->dma = bench_memory_port(guest->memory);
    start(&codec->dev);
    cs4231_map(codec, bus, 0x6c000000);
    machine_reset(machine, RESET_POWER_ON);
}

static uint64_t value(void)
{
    switch (below(5)) {
    case 0: return UINT64_C(1) << below(64);
    case 1: return below(256);
    case 2: return (uint64_t)next_random() << 32 | next_random();
    case 3: return next_random() & 0xffff;
    default: return ~UINT64_C(0) >> below(64);
    }
}

static void access_registers(struct guest *guest)
{
    const struct window *window = &windows[below(G_N_ELEMENTS(windows))];
    unsigned size = 1u << below(4);
    uint64_t address = window->base + below((uint32_t)window->size), result;
    if (below(4))
        address &= ~(uint64_t)(size - 1);
    if (below(2))
        bus_write(guest->machine->bus, address, size, value());
    else
        bus_read(guest->machine->bus, address, size, &result);
}

/* An initialisation block and rings somewhere, and the chip started on them. */
static void start_lance(struct guest *guest)
{
    uint8_t *bytes = guest->memory->bytes;
    uint32_t block = below(0xfff0) & ~1u;
    for (unsigned i = 0; i < 24; i++)
        bytes[block + i] = (uint8_t)next_random();
    bytes[block] &= 0x80;
    bytes[block + 17] &= 0xf8;
    bytes[block + 19] &= 0x0f;
    bytes[block + 23] &= 0x0f;
    for (unsigned ring = 16; ring < 24; ring += 4) {
        uint32_t at =
            (uint32_t)(bytes[block + ring + 3] << 16 | bytes[block + ring] << 8 | bytes[block + ring + 1]) &
            0xffff8;
        for (unsigned i = 0; i < 128 && at + i * 8 + 8 <= sizeof(guest->memory->bytes); i++) {
            uint8_t *md = bytes + at + i * 8;
            for (unsigned j = 0; j < 8; j++)
                md[j] = (uint8_t)next_random();
            md[2] |= below(4) ? 0x83 : 0;
            md[3] &= 0x0f;
            if (below(2))
                md[4] |= 0xf8;
        }
    }
    const uint16_t writes[][2] = {{0, 4},   {1, (uint16_t)block}, {2, 0}, {3, (uint16_t)below(8)}, {0, 0x43},
                                  {0, 0x48}};
    for (unsigned i = 0; i < G_N_ELEMENTS(writes); i++) {
        poke(guest->machine, 0x78c00002, 2, writes[i][0]);
        poke(guest->machine, 0x78c00000, 2, writes[i][1]);
    }
}

static void outside_world(struct guest *guest)
{
    uint8_t frame[2048];
    struct machine *machine = guest->machine;
    switch (below(6)) {
    case 0: machine_input_key(machine, below(KEY_CNT), below(2)); break;
    case 1: machine_input_pointer_relative(machine, (int)next_random(), (int)below(1000) - 500); break;
    case 2: machine_input_button(machine, BTN_LEFT + below(4), below(2)); break;
    case 3: bench_line_send(&guest->line, "some text from the line"); break;
    case 4: guest->line.base.device.receive_break(guest->line.base.device.opaque); break;
    default:
        for (unsigned i = 0; i < 14; i++)
            frame[i] = below(2) ? 0xff : (uint8_t)next_random();
        memset(frame + 14, 0xaa, sizeof(frame) - 14);
        if (guest->wire.device.can_receive(guest->wire.device.opaque))
            guest->wire.device.receive(guest->wire.device.opaque, frame, below(sizeof(frame)));
        break;
    }
    if (guest->line.output->len > 1 << 16)
        g_byte_array_set_size(guest->line.output, 0);
    if (guest->line.input->len > 1 << 10)
        g_byte_array_set_size(guest->line.input, 0);
}

/* As it is, or with bytes of device state changed (and the checksum not: refused; the fields are hit directly
 * below). */
static void save_and_load(struct guest *guest)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) saved = machine_save_bytes(guest->machine, true, &error);
    if (!saved)
        g_error("%s", error->message);
    if (!machine_load_bytes(guest->machine, saved->data, saved->len, &error))
        g_error("%s", error->message);
}

/* Random fields that a class's check accepts must be safe to run with. */
static void mutate_device(struct guest *guest)
{
    struct device *dev = guest->machine->devices->pdata[below(guest->machine->devices->len)];
    const struct state_field *fields = dev->cls->fields;
    g_autofree uint8_t *scratch = g_memdup2(dev->state, dev->state_size);
    unsigned count = 0;
    while (fields[count].name)
        count++;
    static const unsigned size_of[] = {[STATE_U8] = 1, [STATE_U16] = 2, [STATE_U32] = 4, [STATE_U64] = 8};
    for (unsigned i = 0; i < 3; i++) {
        const struct state_field *field = &fields[below(count)];
        if (field->type > STATE_U64)
            continue;
        unsigned bytes = size_of[field->type] * field->count;
        uint8_t *at = scratch + field->offset + below(bytes);
        /* What may be a bool stays one. */
        *at = bytes == 1 && *at <= 1 ? (uint8_t)below(2) : (uint8_t)next_random();
    }
    if (dev->cls->check && !dev->cls->check(scratch, NULL))
        return;
    state_copy_fields(fields, dev->state, scratch);
    if (dev->cls->loaded)
        dev->cls->loaded(dev);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 5;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    int64_t end = g_get_monotonic_time() + (int64_t)(seconds * 1e6);
    uint64_t steps = 0, rounds = 0;
    while (g_get_monotonic_time() < end) {
        random_state = (seed + rounds++) * UINT64_C(0x9e3779b97f4a7c15) | 1;
        struct guest guest = {0};
        build(&guest);
        for (unsigned i = 0; i < 20000 && g_get_monotonic_time() < end; i++, steps++) {
            switch (below(40)) {
            case 0: bench_advance(guest.machine, below(3000000)); break;
            case 1:
            case 2: outside_world(&guest); break;
            case 3:
                if (!below(20))
                    start_lance(&guest);
                break;
            case 4:
                if (!below(500))
                    machine_render(guest.machine, below(2));
                break;
            case 5:
                if (!below(200))
                    save_and_load(&guest);
                break;
            case 6:
                if (!below(20))
                    mutate_device(&guest);
                break;
            case 7:
                if (!below(500))
                    machine_reset(guest.machine, below(2) ? RESET_HARD : RESET_POWER_ON);
                break;
            default: access_registers(&guest); break;
            }
        }
        machine_free(guest.machine);
        bench_line_clear(&guest.line);
        g_free(guest.memory);
    }
    printf("%" G_GUINT64_FORMAT " steps in %" G_GUINT64_FORMAT " machines, seed %" G_GUINT64_FORMAT "\n",
           steps, rounds, seed);
    return 0;
}
