/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine without a processor for tests of single devices: a big-endian bus, fake lines, fake memory for
 * DMA. */
#pragma once

#include <string.h>

#include "emulator/core/machine.h"
#include "emulator/hw/dma_port.h"

static inline struct machine *bench_new(void)
{
    struct machine_options options = {.deterministic = true, .rtc_base = 0};
    struct machine *machine = machine_new("bench", &options);
    machine_add_bus(machine, "bus", BUS_BIG_ENDIAN, BUS_UNASSIGNED_ERROR);
    return machine;
}

static inline void bench_start(struct device *dev)
{
    GError *error = NULL;
    bool ok = device_start(dev, &error);
    g_assert_no_error(error);
    g_assert_true(ok);
}

static inline void bench_advance(struct machine *machine, int64_t ns)
{
    int64_t end = clock_now(machine->clock) + ns;
    for (int64_t next; (next = clock_next_deadline(machine->clock)) <= end;) {
        clock_skip_to(machine->clock, next);
        clock_run_due(machine->clock);
    }
    clock_skip_to(machine->clock, end);
}

static inline uint64_t peek(struct machine *machine, uint64_t address, unsigned size)
{
    uint64_t value;
    g_assert_cmpint(bus_read(machine->bus, address, size, &value), ==, BUS_OK);
    return value;
}

static inline void poke(struct machine *machine, uint64_t address, unsigned size, uint64_t value)
{
    g_assert_cmpint(bus_write(machine->bus, address, size, value), ==, BUS_OK);
}

/* What is saved, then lost by a reset, then loaded, is saved the same again. */
static inline void bench_check_state(struct machine *machine)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) first = machine_save_bytes(machine, false, &error);
    g_assert_no_error(error);
    machine_reset(machine, RESET_POWER_ON);
    bool loaded = machine_load_bytes(machine, first->data, first->len, &error);
    g_assert_no_error(error);
    g_assert_true(loaded);
    g_autoptr(GByteArray) second = machine_save_bytes(machine, false, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(first->data, first->len, second->data, second->len);
}

/* ---- an output pin's other end ---- */

static inline void bench_pin_changed(void *opaque, int number, bool level)
{
    if (level && opaque)
        ++*(unsigned *)opaque;
}

/* ---- a serial line whose far end is the test ---- */

struct bench_line {
    struct char_backend base;
    GByteArray *output; /* what the device sent */
    GByteArray *input;  /* what it has not taken yet */
    struct char_params params;
    bool in_break;
};

static inline size_t bench_line_write(struct char_backend *backend, const uint8_t *data, size_t size)
{
    g_byte_array_append(((struct bench_line *)backend)->output, data, (guint)size);
    return size;
}

static inline void bench_line_feed(struct char_backend *backend)
{
    struct bench_line *line = (struct bench_line *)backend;
    while (line->input->len) {
        size_t room = backend->device.can_receive(backend->device.opaque);
        if (!room)
            return;
        uint8_t byte = line->input->data[0];
        g_byte_array_remove_index(line->input, 0);
        backend->device.receive(backend->device.opaque, &byte, 1);
    }
}

static inline void bench_line_params(struct char_backend *backend, const struct char_params *params)
{
    ((struct bench_line *)backend)->params = *params;
}

static inline void bench_line_break(struct char_backend *backend, bool on)
{
    ((struct bench_line *)backend)->in_break = on;
}

static inline void bench_line_finish(struct char_backend *backend)
{
}

static inline void bench_line_init(struct bench_line *line, struct machine *machine)
{
    static const struct char_ops ops = {
        .write = bench_line_write,
        .accept_input = bench_line_feed,
        .set_params = bench_line_params,
        .set_break = bench_line_break,
        .finish = bench_line_finish,
    };
    *line = (struct bench_line){
        .base = {.ops = &ops, .machine = machine}, .output = g_byte_array_new(), .input = g_byte_array_new()};
}

static inline void bench_line_send(struct bench_line *line, const char *text)
{
    g_byte_array_append(line->input, (const uint8_t *)text, (guint)strlen(text));
    bench_line_feed(&line->base);
}

static inline void bench_line_clear(struct bench_line *line)
{
    g_byte_array_unref(line->output);
    g_byte_array_unref(line->input);
}

/* ---- memory behind a dma_port ---- */

struct bench_memory {
    uint8_t bytes[1 << 20];
    uint64_t limit; /* accesses beyond are bus errors */
};

static inline bool bench_memory_read(void *opaque, uint64_t address, void *data, size_t size)
{
    struct bench_memory *memory = opaque;
    if (address > memory->limit || size > memory->limit - address)
        return false;
    memcpy(data, memory->bytes + address, size);
    return true;
}

static inline bool bench_memory_write(void *opaque, uint64_t address, const void *data, size_t size)
{
    struct bench_memory *memory = opaque;
    if (address > memory->limit || size > memory->limit - address)
        return false;
    memcpy(memory->bytes + address, data, size);
    return true;
}

static inline struct dma_port bench_memory_port(struct bench_memory *memory)
{
    memory->limit = sizeof(memory->bytes);
    return (struct dma_port){.read = bench_memory_read, .write = bench_memory_write, .opaque = memory};
}
