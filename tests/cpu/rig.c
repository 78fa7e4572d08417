/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/cpu/rig.h"

static void code_written(void *opaque, struct ram_block *block, uint64_t offset, uint64_t size)
{
    struct rig *r = opaque;
    jit_code_written(r->jit, block->host + offset, size);
}

struct rig *rig_create(enum bus_endian endian, const struct jit_guest *guest, bool eager)
{
    struct rig *r = g_new0(struct rig, 1);
    g_autoptr(GError) error = NULL;
    r->memory = memory_new();
    r->bus = bus_new(r->memory, "system", endian, BUS_UNASSIGNED_ERROR);
    struct ram_block *ram = ram_block_new(r->memory, "ram", RAM_SIZE, false, &error);
    g_assert_no_error(error);
    bus_map(r->bus, &(struct bus_region){.name = "ram", .size = RAM_SIZE, .kind = BUS_RAM, .block = ram});
    struct jit_options options = {.accel = tier ? JIT_ACCEL_JIT : JIT_ACCEL_INTERP,
                                  .deterministic = true,
                                  .max_tier = tier,
                                  .eager = eager};
    r->jit = jit_create(guest, &options, &error);
    g_assert_no_error(error);
    r->listener = (struct memory_listener){.opaque = r, .code_written = code_written};
    memory_add_listener(r->memory, &r->listener);
    return r;
}

void rig_destroy(struct rig *r)
{
    jit_destroy(r->jit);
    memory_remove_listener(r->memory, &r->listener);
    bus_free(r->bus);
    memory_free(r->memory);
    g_free(r);
}

void put(struct rig *r, uint32_t at, uint32_t value)
{
    g_assert_cmpint(bus_write(r->bus, at, 4, value), ==, BUS_OK);
}

uint32_t get(struct rig *r, uint32_t at)
{
    uint64_t value;
    g_assert_cmpint(bus_read(r->bus, at, 4, &value), ==, BUS_OK);
    return (uint32_t)value;
}
