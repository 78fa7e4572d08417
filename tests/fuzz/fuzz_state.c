/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Damaged saved states with a right checksum: what is accepted must not bring a device down afterwards, what
 * is refused must have changed nothing. fuzz_state SECONDS SEED; build it with ASan and UBSan.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "emulator/machines/board.h"

static GRand *rng;

static uint32_t any(uint32_t below)
{
    return below ? g_rand_int(rng) % below : 0;
}

static uint64_t stopped(void *opaque)
{
    return 0;
}

static struct machine *build(const struct board *board, struct engine_config *config)
{
    g_autoptr(GError) error = NULL;
    struct machine_options options = {
        .accel = ACCEL_INTERP, .deterministic = true, .ns_per_insn = 10, .rtc_base = 1000000000};
    struct machine *machine = machine_new(board->model.id, &options);
    clock_set_instruction_source(machine->clock, stopped, NULL);
    struct board_setup setup = {
        .board = board,
        .config = config,
        .ram_mib = board->model.ram_min_mib,
        .cpus = 1,
        .display = board->model.displays[any(3)].id,
        .cdrom = block_backend_new(machine, "cdrom", NULL, true),
        .floppy = block_backend_new(machine, "floppy", NULL, false),
    };
    if (!board->build(machine, &setup, &error))
        g_error("%s", error->message);
    machine_reset(machine, RESET_POWER_ON);
    return machine;
}

/* Some accesses, some time: enough to trip over an index that is out of range. */
static void exercise(struct machine *machine)
{
    unsigned count;
    const struct bus_range *view = bus_view(machine->bus, &count);
    for (unsigned i = 0; i < 200; i++) {
        const struct bus_range *range = &view[any(count)];
        if (range->region->kind != BUS_MMIO)
            continue;
        uint64_t address = range->start + (any((uint32_t)MIN(range->end - range->start, 256)) & ~3u), got;
        if (any(2))
            bus_write(machine->bus, address, 1u << any(3), g_rand_int(rng));
        else
            bus_read(machine->bus, address, 1u << any(3), &got);
    }
    for (unsigned i = 0; i < 50 && clock_next_deadline(machine->clock) != INT64_MAX; i++) {
        clock_skip_to(machine->clock, clock_next_deadline(machine->clock));
        clock_run_due(machine->clock);
    }
    machine_input_key(machine, 30, true);
    machine_input_pointer_relative(machine, 3, 4);
    machine_render(machine, true);
}

static void fix_checksum(GByteArray *bytes)
{
    uint32_t crc = GUINT32_TO_LE((uint32_t)crc32_z(0, bytes->data, bytes->len - 4));
    memcpy(bytes->data + bytes->len - 4, &crc, 4);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 5;
    uint32_t seed = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : 1;
    g_autoptr(GTimer) timer = g_timer_new();
    uint64_t tries = 0, accepted = 0;
    while (g_timer_elapsed(timer, NULL) < seconds) {
        rng = g_rand_new_with_seed(seed++);
        unsigned known = 0;
        while (boards[known])
            known++;
        const struct board *board = boards[any(known)];
        struct engine_config *config = engine_config_new(board->model.id, NULL);
        struct machine *machine = build(board, config);
        for (unsigned round = 0; round < 100 && g_timer_elapsed(timer, NULL) < seconds; round++, tries++) {
            g_autoptr(GByteArray) good = machine_save_bytes(machine, true, NULL), bad = g_byte_array_new();
            g_byte_array_append(bad, good->data, good->len);
            /* The devices' fields come before the memory. */
            guint front = MIN(bad->len - 8, 400000);
            for (unsigned i = 0, n = 1 + any(4); i < n; i++) {
                guint at = any(any(4) ? MIN(front, 12000) : front);
                switch (any(4)) {
                case 0: bad->data[at] ^= (uint8_t)(1u << any(8)); break;
                case 1: bad->data[at] = (uint8_t)any(256); break;
                case 2: bad->data[at] = 0xff; break;
                default: memset(bad->data + at, any(2) ? 0xff : 0, MIN(1 + any(8), bad->len - 4 - at)); break;
                }
            }
            fix_checksum(bad);
            if (machine_load_bytes(machine, bad->data, bad->len, NULL)) {
                accepted++;
                exercise(machine);
                g_autoptr(GByteArray) again = machine_save_bytes(machine, true, NULL);
                if (!machine_load_bytes(machine, again->data, again->len, NULL))
                    g_error("seed %u: a state that was saved is refused", seed - 1);
            } else {
                g_autoptr(GByteArray) after = machine_save_bytes(machine, true, NULL);
                if (after->len != good->len || memcmp(after->data, good->data, good->len))
                    g_error("seed %u: a refused state changed the machine", seed - 1);
            }
        }
        machine_free(machine);
        engine_config_free(config);
        g_rand_free(rng);
    }
    printf("%" G_GUINT64_FORMAT " states, %" G_GUINT64_FORMAT " accepted, next seed %u\n", tries, accepted,
           seed);
    return 0;
}
