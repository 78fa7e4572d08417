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
};

static void drop_output(void *opaque, const uint8_t *data, size_t size)
{
}

static void build(struct target *t, const struct board *board, const char *display, const char *folder)
{
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
    };
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

/* A plausible IOMMU: so that DMA gets somewhere. */
static void set_up_dvma(struct target *t)
{
    struct device *iommu = machine_find_device(t->machine, "iommu");
    if (!iommu)
        return;
    unsigned count;
    const struct bus_range *view = bus_view(t->machine->bus, &count);
    for (unsigned i = 0; i < count; i++) {
        if (view[i].region->dev != iommu)
            continue;
        uint64_t base = view[i].start;
        bus_write(t->machine->bus, base, 4, 1 | any(8) << 2);
        bus_write(t->machine->bus, base + 4, 4, 0x100000 >> 4);
        for (unsigned page = 0; page < 4096; page += 1 + any(3)) {
            uint32_t pte = (any((uint32_t)t->ram_size) >> 4 & 0xffffff00u) | 6;
            bus_write(t->machine->bus, 0x100000 + page * 4, 4, pte);
        }
        return;
    }
}

/* A SCSI command that reaches its target: raw noise rarely selects one. */
static void scsi_command(struct target *t)
{
    struct device *dma = machine_find_device(t->machine, "espdma"),
                  *esp = machine_find_device(t->machine, "esp");
    unsigned count;
    const struct bus_range *view = bus_view(t->machine->bus, &count);
    uint64_t esp_base = 0, dma_base = 0;
    for (unsigned i = 0; i < count; i++) {
        if (view[i].region->dev == esp)
            esp_base = view[i].start;
        if (view[i].region->dev == dma)
            dma_base = view[i].start;
    }
    if (!esp || !dma)
        return;
    struct bus *bus = t->machine->bus;
    static const uint8_t operations[] = {0x00, 0x03, 0x04, 0x08, 0x0a, 0x12, 0x15, 0x1a, 0x1b, 0x1d,
                                         0x1e, 0x25, 0x28, 0x2a, 0x2e, 0x2f, 0x35, 0x37, 0x41, 0x42,
                                         0x43, 0x44, 0x46, 0x4a, 0x51, 0x52, 0x55, 0x5a, 0x88, 0x8a,
                                         0x93, 0x9e, 0xa0, 0xa8, 0xaa, 0xbd, 0xbe};
    bus_write(bus, esp_base + 4 * 3, 1, 0x01);
    bus_write(bus, esp_base + 4 * 4, 1, any(3) ? (any(2) ? 0 : 2) : any(8));
    bus_write(bus, esp_base + 4 * 2, 1, any(8) ? 0x80 : any(256));
    bus_write(bus, esp_base + 4 * 2, 1, operations[any(sizeof operations)]);
    for (unsigned i = 0; i < 11; i++)
        bus_write(bus, esp_base + 4 * 2, 1, any(3) ? any(4) : any(256));
    bus_write(bus, esp_base + 4 * 3, 1, any(8) ? 0x42 : 0x41 + any(6));
    for (unsigned i = 0; i < 6; i++) {
        uint64_t got;
        pass_time(t);
        bus_read(bus, esp_base + 4 * 4, 1, &got);
        bus_read(bus, esp_base + 4 * 5, 1, &got);
        bus_write(bus, esp_base, 1, any(256));
        bus_write(bus, esp_base + 4, 1, any(16));
        bus_write(bus, dma_base, 4, 0x210 | any(2) << 8);
        bus_write(bus, dma_base + 4, 4, 0xff000000u + any(0x1000000));
        bus_write(bus, esp_base + 4 * 3, 1, any(4) ? 0x90 : any(2) ? 0x11 : 0x10 + any(3));
        if (!any(3))
            bus_write(bus, esp_base + 4 * 3, 1, 0x12);
    }
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
                block_backend_change(drive, cd ? scratch_image(t->folder, any(2) ? "cd" : "cd2", 2048 * 300)
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
        for (unsigned i = 0; i < 4000 && g_timer_elapsed(timer, NULL) < seconds; i++, steps++) {
            switch (any(32)) {
            case 0: outside(&t); break;
            case 1: scribble(&t); break;
            case 2:
            case 3: pass_time(&t); break;
            case 4: scsi_command(&t); break;
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
            if (g_timer_elapsed(timer, NULL) > seconds + 30)
                g_error("seed %u: a step takes for ever", seed);
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
