/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A hostile guest: random reads and writes on every register of every device of every board, random memory
 * under their DMA, time that passes, input, media changes, resets, saved states. fuzz_devices SECONDS SEED;
 * build it with ASan and UBSan. A crash, a sanitizer's report or a call that does not return is the finding.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "emulator/hw/audio/audio_null.h"
#include "emulator/machines/board.h"
#include "images/images.h"

static GRand *rng;

static uint32_t any(uint32_t below)
{
    return below ? g_rand_int(rng) % below : 0;
}

static uint64_t value(void)
{
    switch (any(6)) {
    case 0: return any(16);
    case 1: return UINT64_C(1) << any(64);
    case 2: return any(256);
    case 3: return ~UINT64_C(0) << any(64);
    case 4: return any(4) * 0x01010101u * any(256);
    default: return (uint64_t)g_rand_int(rng) << 32 | g_rand_int(rng);
    }
}

static uint64_t stopped(void *opaque)
{
    return 0;
}

static Image *scratch_image(const char *folder, const char *name, size_t size)
{
    g_autofree char *path = g_build_filename(folder, name, NULL), *data = g_malloc0(size);
    g_autoptr(GError) error = NULL;
    if (!g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_set_contents(path, data, (gssize)size, &error))
        g_error("%s", error->message);
    Image *image = image_open(path, "raw", IMAGE_OPEN_WRITABLE, &error);
    if (!image)
        g_error("%s", error->message);
    return image;
}

struct target {
    const struct board *board;
    struct machine *machine;
    struct engine_config *config;
    struct board_setup setup;
    uint64_t ram_size;
    const char *folder;
    struct net_backend wire;
};

static void drop_output(void *opaque, const uint8_t *data, size_t size)
{
}

/* Every byte is looked at, so that the sanitizer sees what is not there. */
static void wire_send(struct net_backend *wire, const uint8_t *frame, size_t size)
{
    g_autofree uint8_t *copy = g_memdup2(frame, size);
    (void)copy;
}

static void wire_finish(struct net_backend *wire)
{
}

static void build(struct target *t, const struct board *board, const char *display, const char *folder)
{
    static const struct net_ops wire_ops = {.send = wire_send, .finish = wire_finish};
    g_autoptr(GError) error = NULL;
    memset(t, 0, sizeof *t);
    t->board = board;
    t->folder = folder;
    t->config = engine_config_new(board->model.id, &error);
    struct machine_options options = {
        .accel = ACCEL_INTERP, .deterministic = true, .ns_per_insn = 10, .rtc_base = 1000000000};
    t->machine = machine_new(board->model.id, &options);
    clock_set_instruction_source(t->machine->clock, stopped, NULL);
    t->setup = (struct board_setup){
        .board = board,
        .config = t->config,
        .ram_mib = board->model.ram_min_mib,
        .cpus = 1,
        .display = display,
        .cdrom = block_backend_new(t->machine, "cdrom", scratch_image(folder, "cd", 2048 * 300), true),
        .floppy = block_backend_new(t->machine, "floppy", scratch_image(folder, "floppy", 1474560), false),
        .disk = {{block_backend_new(t->machine, "disk0", scratch_image(folder, "disk", 1 << 20), false),
                  board->model.disk_unit_numbers[0]}},
        .disk_count = 1,
        .net = &t->wire,
        .audio = t->machine->audio = audio_null_new(t->machine),
    };
    t->wire = (struct net_backend){.ops = &wire_ops, .machine = t->machine};
    for (unsigned i = 0; i < board->model.serial_ports; i++) {
        t->setup.serial[i] = char_backend_callback(t->machine, drop_output, NULL);
        g_ptr_array_add(t->machine->char_backends, t->setup.serial[i]);
    }
    if (!board->build(t->machine, &t->setup, &error))
        g_error("%s", error->message);
    t->ram_size = (uint64_t)t->setup.ram_mib << 20;
    machine_reset(t->machine, RESET_POWER_ON);
}

static void destroy(struct target *t)
{
    machine_free(t->machine);
    engine_config_free(t->config);
}

static void pass_time(struct target *t)
{
    struct clock *clock = t->machine->clock;
    int64_t end = clock_now(clock) + any(1 + (1u << any(26)));
    for (unsigned i = 0; i < 200 && clock_next_deadline(clock) <= end; i++) {
        clock_skip_to(clock, clock_next_deadline(clock));
        clock_run_due(clock);
    }
    clock_skip_to(clock, end);
}

static void scribble(struct target *t)
{
    /* Dense tables of small numbers, of addresses in RAM, and noise: what descriptors and page tables look
     * like. */
    uint64_t at = any((uint32_t)t->ram_size - 4096) & ~3u;
    uint8_t data[512];
    unsigned style = any(3);
    for (unsigned i = 0; i < sizeof data; i += 4) {
        uint32_t word = style == 0   ? any(64)
                        : style == 1 ? (any((uint32_t)t->ram_size) >> 4 & 0xffffff00u) | any(8)
                                     : g_rand_int(rng);
        word = GUINT32_TO_BE(word);
        memcpy(data + i, &word, 4);
    }
    dma_write(t->machine->bus, at, data, 1 + any(sizeof data));
}

/* One register file gets several accesses in a row: command sequences need them. */
static void poke(struct target *t)
{
    unsigned count;
    const struct bus_range *view = bus_view(t->machine->bus, &count);
    const struct bus_range *range = &view[any(count)];
    uint64_t start = range->start, size = range->end - range->start;
    enum bus_kind kind = range->region->kind;
    if (kind == BUS_EMPTY)
        return;
    unsigned accesses = 1 + any(kind == BUS_MMIO ? 40 : 3);
    uint64_t limit = any(4) ? MIN(size, 256) : size;
    static const unsigned sizes[] = {1, 2, 4, 4, 4, 8};
    unsigned width = sizes[any(G_N_ELEMENTS(sizes))];
    while (accesses--) {
        uint64_t offset = ((uint64_t)g_rand_int(rng) << 20 ^ g_rand_int(rng)) % limit, got;
        if (any(8))
            offset &= ~(uint64_t)(width - 1);
        if (any(3))
            bus_write(t->machine->bus, start + offset, width, value());
        else
            bus_read(t->machine->bus, start + offset, width, &got);
        if (!any(16))
            width = sizes[any(G_N_ELEMENTS(sizes))];
    }
}

/* ---- drivers: what raw noise does not get past, each with mistakes of its own ---- */

/* Where a device's registers begin on the board's bus; 0 = the board has none. */
static uint64_t registers(struct target *t, const char *device)
{
    const struct device *dev = machine_find_device(t->machine, device);
    unsigned count;
    const struct bus_range *view = bus_view(t->machine->bus, &count);
    for (unsigned i = 0; dev && i < count; i++)
        if (view[i].region->dev == dev)
            return view[i].start;
    return 0;
}

static uint64_t region_named(struct target *t, const char *name)
{
    unsigned count;
    const struct bus_range *view = bus_view(t->machine->bus, &count);
    for (unsigned i = 0; i < count; i++)
        if (!g_strcmp0(view[i].region->name, name))
            return view[i].start;
    return 0;
}

static void out(struct target *t, uint64_t address, unsigned size, uint64_t data)
{
    bus_write(t->machine->bus, address, size, data);
}

static uint64_t in(struct target *t, uint64_t address, unsigned size)
{
    uint64_t got = 0;
    bus_read(t->machine->bus, address, size, &got);
    return got;
}

#define IOMMU_TABLE 0x100000u
#define SHARED      0x200000u /* the drivers' DMA memory: the first pages of the DVMA range */
#define SHARED_SIZE 0x4000u

/* A plausible IOMMU: so that DMA gets somewhere. */
static void set_up_dvma(struct target *t)
{
    uint64_t base = registers(t, "iommu");
    if (!base)
        return;
    out(t, base, 4, 1 | any(8) << 2);
    out(t, base + 4, 4, IOMMU_TABLE >> 4);
    for (unsigned page = 0; page < 4096; page += 1 + any(3))
        out(t, IOMMU_TABLE + page * 4, 4, (any((uint32_t)t->ram_size) >> 4 & 0xffffff00u) | 6);
}

/* The DVMA address of the shared memory, which is mapped there (seldom without write permission). */
static uint32_t shared(struct target *t)
{
    uint64_t base = registers(t, "iommu");
    if (!base)
        return SHARED;
    for (unsigned page = 0; page < SHARED_SIZE / 4096; page++)
        out(t, IOMMU_TABLE + page * 4, 4, (SHARED + page * 4096) >> 4 | (any(30) ? 6 : 2));
    return (uint32_t) - (0x1000000u << (in(t, base, 4) >> 2 & 7));
}

static void fill_shared(struct target *t, uint32_t at, const void *data, size_t size)
{
    dma_write(t->machine->bus, SHARED + at, data, size);
}

/* What SCSI commands send and ask for: sense pages with lengths that may be wrong, noise behind them. */
static const uint8_t mode_pages[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x08, 0x0a, 0x0d,
                                     0x0e, 0x2a, 0x3f, 0x80, 0x83, 0xb0, 0xb2, 0x00};

/* Returns the list's length. */
static uint8_t mode_parameters(struct target *t, bool ten)
{
    uint8_t data[64] = {0};
    unsigned header = ten ? 8 : 4, descriptor = any(2) ? 8 : 0, end = sizeof data;
    data[header - 1] = (uint8_t)(any(10) ? descriptor : any(256));
    data[header + 6] = (uint8_t)(any(3) ? 2u << any(3) : any(256));
    for (unsigned at = header + descriptor; at + 2 < sizeof data;) {
        static const uint8_t sizes[][2] = {{0x01, 6},  {0x01, 10}, {0x03, 22},
                                           {0x08, 18}, {0x0a, 10}, {0x0e, 14}};
        const uint8_t *page = sizes[any(G_N_ELEMENTS(sizes))];
        data[at] = (uint8_t)(any(10) ? page[0] : any(256));
        data[at + 1] = (uint8_t)(any(10) ? page[1] : any(256));
        for (unsigned i = at + 2; i < at + 2 + page[1] && i < sizeof data; i++)
            data[i] = (uint8_t)(any(2) ? 0 : any(256));
        at += page[1] + 2u;
        if (any(2)) {
            end = MIN(at, end);
            break;
        }
    }
    fill_shared(t, 0, data, sizeof data);
    return (uint8_t)end;
}

/* A SCSI command that reaches its target: raw noise rarely selects one. */
static void scsi_command(struct target *t)
{
    uint64_t esp = registers(t, "esp"), dma = registers(t, "espdma");
    if (!esp || !dma)
        return;
    static const uint8_t operations[] = {0x00, 0x03, 0x04, 0x08, 0x0a, 0x12, 0x15, 0x1a, 0x1b, 0x1d,
                                         0x1e, 0x25, 0x28, 0x2a, 0x2e, 0x2f, 0x35, 0x37, 0x41, 0x42,
                                         0x43, 0x44, 0x46, 0x4a, 0x51, 0x52, 0x55, 0x5a, 0x88, 0x8a,
                                         0x93, 0x9e, 0xa0, 0xa8, 0xaa, 0xbd, 0xbe};
    uint32_t memory = shared(t);
    /* INQUIRY and the mode commands have the most forms. */
    static const uint8_t paged[] = {0x12, 0x12, 0x15, 0x1a, 0x55, 0x5a};
    bool with_page = any(2);
    uint8_t operation = with_page ? paged[any(sizeof paged)] : operations[any(sizeof operations)];
    bool select = operation == 0x15 || operation == 0x55;
    uint8_t amount = (uint8_t)(select ? mode_parameters(t, operation == 0x55) : any(64));
    out(t, esp + 4 * 3, 1, 0x01);
    out(t, esp + 4 * 4, 1, any(3) ? (any(2) ? 0 : 2) : any(8));
    out(t, esp + 4 * 2, 1, any(8) ? 0x80 : any(256));
    out(t, esp + 4 * 2, 1, operation);
    for (unsigned i = 1; i < 12; i++) {
        bool page = i == 2 && with_page, length = (i == 4 || i == 8) && any(4);
        out(t, esp + 4 * 2, 1,
            page     ? mode_pages[any(sizeof mode_pages)] | (any(2) ? 0 : any(4) << 6)
            : length ? amount
            : any(3) ? i == 1 && with_page ? any(2) << (select ? 4 : 0) : any(4)
                     : any(256));
    }
    out(t, esp + 4 * 3, 1, any(8) ? 0x42 : 0x41 + any(6));
    for (unsigned i = 0; i < 6; i++) {
        pass_time(t);
        in(t, esp + 4 * 4, 1);
        in(t, esp + 4 * 5, 1);
        out(t, esp, 1, any(2) ? amount : any(256));
        out(t, esp + 4, 1, any(2) ? 0 : any(16));
        out(t, dma, 4, 0x210 | any(2) << 8);
        out(t, dma + 4, 4, any(2) ? memory : 0xff000000u + any(0x1000000));
        out(t, esp + 4 * 3, 1, any(4) ? 0x90 : any(2) ? 0x11 : 0x10 + any(3));
        if (!any(3))
            out(t, esp + 4 * 3, 1, 0x12);
    }
}

/* A floppy command with parameters that mostly name a sector, its bytes moved by hand, the results read. */
static void floppy_command(struct target *t)
{
    static const uint8_t commands[][2] = {
        {0x46, 9}, {0xe6, 9}, {0x45, 9}, {0xc5, 9}, {0x42, 9}, {0x4c, 9}, {0x49, 9}, {0x56, 9}, {0x51, 9},
        {0x59, 9}, {0x5d, 9}, {0x4d, 6}, {0x4a, 2}, {0x07, 2}, {0x0f, 3}, {0x8f, 3}, {0xcf, 3}, {0x08, 1},
        {0x03, 3}, {0x04, 2}, {0x0e, 1}, {0x10, 1}, {0x12, 2}, {0x13, 4}, {0x94, 1}, {0x14, 1}, {0x1f, 1}};
    uint64_t fdc = registers(t, "fdc"), auxiliary = region_named(t, "auxiliary 1");
    if (!fdc)
        return;
    if (!any(4))
        out(t, fdc + 2, 1, any(8) ? 0x1c : any(256));
    if (!any(4))
        out(t, fdc + 7, 1, any(8) ? 0 : any(4)); /* the data rate of the medium */
    const uint8_t *command = commands[any(G_N_ELEMENTS(commands))];
    uint8_t track = (uint8_t)(any(8) ? any(3) : any(256));
    if (command[1] == 9 && any(2)) { /* the head is where it should be */
        const uint8_t seek[] = {0x0f, 0, track, 0x08};
        for (unsigned i = 0; i < sizeof seek; i++)
            out(t, fdc + 5, 1, seek[i]);
        in(t, fdc + 5, 1);
        in(t, fdc + 5, 1);
    }
    const uint32_t side = any(2);
    const uint8_t parameters[] = {command[0],
                                  (uint8_t)(any(8) ? side << 2 : any(256)),
                                  command[0] == 0x4d ? 2 : track,
                                  command[0] == 0x4d ? 18 : (uint8_t)(any(8) ? side : any(256)),
                                  (uint8_t)(any(8) ? 1 + any(18) : any(256)),
                                  (uint8_t)(any(8) ? 2 : any(256)),
                                  (uint8_t)(any(3) ? 18 : any(256)),
                                  0x1b,
                                  0xff};
    for (unsigned i = 0; i < command[1]; i++)
        out(t, fdc + 5, 1, parameters[i]);
    for (unsigned left = any(3) ? any(1100) : any(40000); left; left--) {
        uint64_t status = in(t, fdc + 4, 1);
        if ((status & 0xc0) == 0xc0)
            in(t, fdc + 5, 1);
        else if ((status & 0x90) == 0x90)
            out(t, fdc + 5, 1, any(4) ? any(3) : any(256));
        else if (status & 0x10)
            pass_time(t);
        else
            break;
    }
    if (auxiliary && any(2)) { /* terminal count */
        out(t, auxiliary, 1, 0xf6);
        out(t, auxiliary, 1, 0xf2);
    }
    for (unsigned i = 0; i < 10 && (in(t, fdc + 4, 1) & 0xd0) == 0xd0; i++)
        in(t, fdc + 5, 1);
}

/* The LANCE on an initialisation block and rings in shared memory, frames from the wire. */
static void ethernet(struct target *t)
{
    uint64_t lance = registers(t, "lance"), dma = registers(t, "ledma");
    if (!lance || !dma)
        return;
    if (!any(3)) {
        uint8_t memory[SHARED_SIZE], *block = memory;
        for (unsigned i = 0; i < sizeof memory; i++)
            memory[i] = (uint8_t)any(256);
        uint32_t upper = shared(t);
        block[0] &= 0x80;
        block[1] = (uint8_t)(any(2) ? 0 : any(256));
        for (unsigned ring = 16; ring < 24; ring += 4) {
            uint32_t at = 0x100 + any(2) * 0x400;
            block[ring] = (uint8_t)(at >> 8);
            block[ring + 1] = (uint8_t)at;
            block[ring + 2] = (uint8_t)(any(8) << 5);
            block[ring + 3] = any(20) ? 0 : (uint8_t)any(256);
            for (unsigned i = 0; i < 128; i++) {
                uint8_t *md = memory + at + i * 8;
                md[0] = (uint8_t)(any(30) ? any(SHARED_SIZE >> 8) : any(256));
                md[2] = any(3) ? 0x83 : md[2];
                md[3] = any(30) ? 0 : md[3];
                md[4] = any(2) ? 0xff : md[4] | 0xf0;
            }
        }
        fill_shared(t, 0, memory, sizeof memory);
        out(t, dma, 4, any(10) ? 0x10 : any(256));
        out(t, dma + 12, 4, upper);
        const uint16_t writes[][2] = {{0, 4},    {1, 0},   {2, 0}, {3, any(4) ? 4 : (uint16_t)any(8)},
                                      {0, 0x43}, {0, 0x48}};
        for (unsigned i = 0; i < G_N_ELEMENTS(writes); i++) {
            out(t, lance + 2, 2, writes[i][0]);
            out(t, lance, 2, writes[i][1]);
        }
    }
    for (unsigned i = any(8); i; i--) {
        uint8_t frame[2048];
        for (unsigned j = 0; j < sizeof frame; j++)
            frame[j] = (uint8_t)(j < 6 && any(2) ? 0xff : j * 5);
        const struct net_device *device = &t->wire.device;
        size_t size = any(4) ? 60 + any(1455) : 1 + any(sizeof frame - 1);
        g_autofree uint8_t *exact = g_memdup2(frame, size);
        if (device->receive && device->can_receive(device->opaque))
            device->receive(device->opaque, exact, size);
        pass_time(t);
        if (!any(3))
            out(t, lance, 2, 0x7f48);
    }
}

/* The codec in some format, both directions by DMA or by hand. */
static void audio(struct target *t)
{
    uint64_t codec = registers(t, "audio");
    if (!codec)
        return;
    uint32_t memory = shared(t);
    const uint8_t indirect[][2] = {{0x40 | 12, (uint8_t)(any(2) << 6)},
                                   {0x40 | 8, (uint8_t)any(256)},
                                   {0x40 | 28, (uint8_t)any(256)},
                                   {0x40 | 9, (uint8_t)(any(4) ? any(4) : any(256))},
                                   {13, (uint8_t)any(256)},
                                   {6, (uint8_t)any(64)},
                                   {7, (uint8_t)any(64)},
                                   {14, (uint8_t)any(2)},
                                   {15, (uint8_t)any(256)},
                                   {10, 2},
                                   {16, (uint8_t)any(256)},
                                   {9, (uint8_t)(any(3) ? 3 : any(256))}};
    for (unsigned i = 0; i < G_N_ELEMENTS(indirect); i++) {
        out(t, codec, 1, indirect[i][0]);
        out(t, codec + 4, 1, indirect[i][1]);
        if (i == 3)
            pass_time(t);
    }
    for (unsigned round = any(6); round; round--) {
        for (unsigned channel = 0x20; channel <= 0x30; channel += 0x10) {
            out(t, codec + channel + 8, 4, any(8) ? memory + any(SHARED_SIZE) : g_rand_int(rng));
            out(t, codec + channel + 12, 4, any(8) ? any(SHARED_SIZE) : g_rand_int(rng));
        }
        out(t, codec + 0x10, 4, any(4) ? 0x0ff9f9cu & ~(any(2) ? 0xc0u : 0) : g_rand_int(rng));
        pass_time(t);
        in(t, codec + 0x10, 4);
        for (unsigned i = any(100); i; i--) {
            if (any(2))
                out(t, codec + 12, 1, any(256));
            else
                in(t, codec + 12, 1);
        }
        out(t, codec + 8, 1, 0);
    }
}

/* A number below `size`, mostly near an edge of it or of a row. */
static uint32_t edge(uint32_t size)
{
    static const uint32_t widths[] = {1024, 1152};
    switch (any(4)) {
    case 0: return any(64);
    case 1: return size - 1 - any(64);
    case 2: return (any(size) / 1024 * widths[any(2)] + size - any(64)) % size;
    default: return any(size);
    }
}

/* The frame buffer's engines, planes and cursor, at and over every edge, and a picture of it. */
static void graphics(struct target *t)
{
    static const char *const engines[] = {"tcx.stip", "tcx.blit", "tcx.rstip", "tcx.rblit"},
                      *const planes[] = {"tcx.dfb24", "tcx.rdfb32"};
    const uint32_t pixels = 1 << 20;
    uint64_t thc = region_named(t, "tcx.thc");
    for (unsigned i = 1 + any(30); i; i--) {
        uint64_t engine = region_named(t, engines[any(4)]), plane = region_named(t, planes[any(2)]);
        uint32_t colour = g_rand_int(rng), from = any(4) ? edge(pixels) : 0xffffff;
        uint32_t second = any(2) ? any(32) << 24 | from : g_rand_int(rng);
        uint64_t at = engine + edge(pixels) * 8;
        if (engine && any(2)) {
            out(t, at, 8, (uint64_t)colour << 32 | second);
        } else if (engine) {
            out(t, at, 4, colour);
            out(t, at + 4, 4, second);
        }
        unsigned width = 1u << any(4);
        if (plane)
            out(t, plane + ((edge(pixels) * 4 + any(4)) & -width), width, value());
        if (plane && any(2))
            in(t, plane + ((edge(pixels) * 4 + any(4)) & -width), width);
    }
    if (thc) {
        out(t, thc + 0x8fc, 4, (uint32_t)(edge(1152 + 64) - 32) << 16 | ((edge(900 + 64) - 32) & 0xffff));
        out(t, thc + 0x900 + 4 * any(64), 4, g_rand_int(rng));
        if (!any(4))
            out(t, thc + 0x818, 4, value());
    }
    machine_render(t->machine, any(2));
}

static void outside(struct target *t)
{
    switch (any(8)) {
    case 0: machine_input_key(t->machine, any(KEY_CNT), any(2)); break;
    case 1: machine_input_pointer_relative(t->machine, (int)any(2000) - 1000, (int)any(2000) - 1000); break;
    case 2: machine_input_button(t->machine, BTN_LEFT + any(4), any(2)); break;
    case 3: machine_input_pointer_absolute(t->machine, any(65536), any(65536)); break;
    case 4: {
        uint8_t data[32];
        for (unsigned i = 0; i < sizeof data; i++)
            data[i] = (uint8_t)any(256);
        if (t->setup.serial[0])
            char_backend_callback_input(t->setup.serial[0], data, 1 + any(sizeof data));
        break;
    }
    case 5:
    case 6:
        if (!any(20)) { /* out, and perhaps another one in */
            struct block_backend *drive = any(2) ? t->setup.cdrom : t->setup.floppy;
            bool cd = drive == t->setup.cdrom;
            block_backend_change(drive, NULL, true);
            if (any(2))
                block_backend_change(drive,
                                     cd ? scratch_image(t->folder, any(2) ? "cd" : "cd2", 2048 * 300)
                                        : scratch_image(t->folder, "floppy", 1474560),
                                     cd || any(2));
        }
        break;
    case 7: machine_render(t->machine, any(2)); break;
    }
}

/* Whatever state it is in, it can be saved, loaded, and is the same then. */
static void save_and_load(struct target *t)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) one = machine_save_bytes(t->machine, true, &error);
    if (!one)
        g_error("%s", error->message);
    if (!machine_load_bytes(t->machine, one->data, one->len, &error))
        g_error("a state that was just saved is refused: %s", error->message);
    g_autoptr(GByteArray) two = machine_save_bytes(t->machine, true, &error);
    if (one->len != two->len || memcmp(one->data, two->data, one->len))
        g_error("save, load, save is not the same");
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 5;
    uint32_t seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 1;
    g_autoptr(GTimer) timer = g_timer_new();
    g_autofree char *folder = g_dir_make_tmp("vitrine-fuzz-XXXXXX", NULL);
    uint64_t steps = 0;
    g_log_set_debug_enabled(FALSE);
    while (g_timer_elapsed(timer, NULL) < seconds) {
        rng = g_rand_new_with_seed(seed);
        unsigned boards_known = 0;
        while (boards[boards_known])
            boards_known++;
        const struct board *board = boards[any(boards_known)];
        unsigned displays = 0;
        while (board->model.displays[displays].id)
            displays++;
        const char *display = board->model.displays[any(displays)].id;
        struct target t;
        build(&t, board, display, folder);
        set_up_dvma(&t);
        clock_t step = clock();
        for (unsigned i = 0; i < 4000 && g_timer_elapsed(timer, NULL) < seconds; i++, steps++) {
            switch (any(32)) {
            case 0: outside(&t); break;
            case 1: scribble(&t); break;
            case 2:
            case 3: pass_time(&t); break;
            case 4: scsi_command(&t); break;
            case 8: floppy_command(&t); break;
            case 9: ethernet(&t); break;
            case 10: audio(&t); break;
            case 11: graphics(&t); break;
            case 5:
                if (!any(40))
                    machine_reset(t.machine, any(2) ? RESET_HARD : RESET_POWER_ON);
                break;
            case 6:
                if (!any(60))
                    save_and_load(&t);
                break;
            case 7:
                if (!any(10))
                    set_up_dvma(&t);
                break;
            default: poke(&t); break;
            }
            /* The processor's time: the clock on the wall also runs while the process is stopped. */
            clock_t before = step;
            step = clock();
            if (step - before > 30 * CLOCKS_PER_SEC)
                g_error("seed %u: step %u takes for ever", seed, i);
        }
        destroy(&t);
        g_rand_free(rng);
        seed++;
    }
    static const char *const names[] = {"cd", "cd2", "floppy", "disk"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        g_unlink(path);
    }
    g_rmdir(folder);
    printf("%" G_GUINT64_FORMAT " steps, next seed %u\n", steps, seed);
    return 0;
}
