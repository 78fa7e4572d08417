/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Core: buses, clock, saved state and the machine's loop, with a toy device and a toy processor. */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "emulator/core/machine.h"

/* ---- toys ---- */

struct toy {
    struct device dev;
    uint64_t last_offset, last_value;
    unsigned last_size, accesses;
    bool refuse;
    struct bus *bus;
    uint32_t counter;
    uint16_t list[4];
    uint8_t *buffer;
    struct irq_line pin;
    struct clock_event tick;
    uint32_t ticks;
    uint32_t fired_at; /* instruction count of the last tick */
};

static uint64_t toy_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct toy *toy = (struct toy *)dev;
    toy->last_offset = offset;
    toy->last_size = size;
    toy->accesses++;
    if (toy->refuse)
        bus_signal_error(toy->bus);
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value = value << 8 | ((offset + i) & 0xff);
    return value; /* a big-endian register file whose bytes are their offsets */
}

static void toy_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct toy *toy = (struct toy *)dev;
    toy->last_offset = offset;
    toy->last_value = value;
    toy->last_size = size;
    toy->accesses++;
}

static void pin_changed(void *opaque, int number, bool level)
{
    ((struct toy *)opaque)->counter += level ? 1 : 100;
}

static void toy_tick(void *opaque)
{
    struct toy *toy = opaque;
    toy->ticks++;
    toy->fired_at = (uint32_t)machine_icount(toy->dev.machine);
    clock_event_set(&toy->tick, toy->tick.deadline + 1000);
}

static bool toy_init(struct device *dev, GError **error)
{
    struct toy *toy = (struct toy *)dev;
    toy->buffer = device_alloc(dev, 64);
    irq_init(&toy->pin, pin_changed, toy, 0);
    g_autofree char *name = g_strdup_printf("%s.tick", dev->id);
    clock_event_init(&toy->tick, dev->machine->clock, name, toy_tick, toy);
    return true;
}

static void toy_finish(struct device *dev)
{
    clock_event_finish(&((struct toy *)dev)->tick);
}

static bool toy_check(const void *state, GError **error)
{
    const struct toy *toy = state;
    if (toy->list[0] > 1000) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_FORMAT, "The toy is broken.");
        return false;
    }
    return true;
}

static const struct state_field toy_fields[] = {
    STATE_FIELD(struct toy, counter),
    STATE_ARRAY(struct toy, list),
    STATE_BYTES(struct toy, buffer, 64),
    STATE_IRQ_LINES(struct toy, pin),
    STATE_FIELD(struct toy, ticks),
    STATE_FIELD(struct toy, fired_at),
    STATE_END,
};

static const struct device_property toy_properties[] = {
    {"counter", PROPERTY_U32, offsetof(struct toy, counter), 7, NULL, 1, 50, "a number"},
    {NULL},
};

static const struct device_class toy_class = {
    .name = "toy",
    .size = sizeof(struct toy),
    .version = 1,
    .init = toy_init,
    .finish = toy_finish,
    .check = toy_check,
    .fields = toy_fields,
    .properties = toy_properties,
};

/* A processor whose instructions only count; every 777th writes to memory. */
struct toy_cpu {
    struct cpu cpu;
    uint64_t icount;
    bool kicked;
    uint64_t idle_at;    /* goes idle at this count; 0 = never */
    uint64_t asks_every; /* instructions; asks for something from outside; 0 = never */
};

static enum cpu_stop toy_run(struct cpu *cpu, uint64_t budget)
{
    struct toy_cpu *toy = (struct toy_cpu *)cpu;
    toy->kicked = false;
    while (budget-- && !toy->kicked) {
        toy->icount++;
        if (toy->icount % 777 == 0)
            bus_write(cpu->dev.machine->bus, toy->icount % 4096, 4, toy->icount);
        if (toy->asks_every && toy->icount % toy->asks_every == 0)
            machine_note_asked(cpu->dev.machine);
        if (toy->icount == toy->idle_at) {
            cpu->idle = true;
            return CPU_STOP_IDLE;
        }
    }
    return CPU_STOP_BUDGET;
}

static uint64_t toy_icount(const struct cpu *cpu)
{
    return ((const struct toy_cpu *)cpu)->icount;
}

static void toy_set_irq(struct cpu *cpu, unsigned line, unsigned value)
{
    cpu->idle = cpu->idle && !value;
}

static void toy_kick(struct cpu *cpu)
{
    ((struct toy_cpu *)cpu)->kicked = true;
}

static void toy_set_idle(struct cpu *cpu)
{
    cpu->idle = true;
}

static const struct cpu_driver toy_driver = {.name = "toy",
                                             .run = toy_run,
                                             .icount = toy_icount,
                                             .set_irq = toy_set_irq,
                                             .kick = toy_kick,
                                             .set_idle = toy_set_idle};

static const struct state_field toy_cpu_fields[] = {
    STATE_FIELD(struct toy_cpu, icount),
    STATE_FIELD(struct toy_cpu, cpu.idle),
    STATE_FIELD(struct toy_cpu, cpu.stopped),
    STATE_END,
};
static const struct device_class toy_cpu_class = {
    .name = "toy-cpu", .size = sizeof(struct toy_cpu), .version = 1, .fields = toy_cpu_fields};

static struct machine *toy_machine_with(const struct machine_options *options, struct toy **toy,
                                        struct toy_cpu **cpu)
{
    struct machine *machine = machine_new("toy", options);
    struct bus *bus = machine_add_bus(machine, "system", BUS_BIG_ENDIAN, BUS_UNASSIGNED_ERROR);
    struct ram_block *ram = ram_block_new(machine->memory, "ram", 1 << 20, false, NULL);
    bus_map(bus, &(struct bus_region){.size = ram->size, .kind = BUS_RAM, .block = ram});
    *toy = (struct toy *)device_new(machine, &toy_class, "toy");
    (*toy)->bus = bus;
    g_assert_true(device_start(&(*toy)->dev, NULL));
    struct toy_cpu *processor = (struct toy_cpu *)device_new(machine, &toy_cpu_class, "cpu0");
    processor->cpu.driver = &toy_driver;
    machine_add_cpu(machine, &processor->cpu);
    if (cpu)
        *cpu = processor;
    return machine;
}

static struct machine *toy_machine(struct toy **toy, struct toy_cpu **cpu)
{
    return toy_machine_with(&(struct machine_options){.deterministic = true, .ns_per_insn = 10}, toy, cpu);
}

static uint64_t rd(struct bus *bus, uint64_t address, unsigned size)
{
    uint64_t value = 0;
    g_assert_cmpint(bus_read(bus, address, size, &value), ==, BUS_OK);
    return value;
}

/* ---- buses ---- */

static void test_widths_and_orders(void)
{
    struct toy *toy;
    struct machine *machine = toy_machine(&toy, NULL);
    struct bus *bus = machine->bus;
    struct bus_region region = {
        .size = 0x100, .kind = BUS_MMIO, .dev = &toy->dev, .read = toy_read, .write = toy_write};

    region.start = 0x10000000, region.widths = BUS_WIDTH_32;
    bus_map(bus, &region);
    g_assert_cmphex(rd(bus, 0x10000000, 4), ==, 0x00010203);
    g_assert_cmphex(rd(bus, 0x10000002, 1), ==, 0x02); /* the lane of a wider register */
    g_assert_cmpuint(toy->last_size, ==, 4);
    g_assert_cmphex(rd(bus, 0x10000006, 2), ==, 0x0607);
    g_assert_cmphex(rd(bus, 0x10000008, 8), ==, 0x08090a0b0c0d0e0f); /* two halves, the upper one first */
    g_assert_cmphex(rd(bus, 0x10000003, 2), ==, 0x0304);             /* across two registers */
    bus_write(bus, 0x10000011, 1, 0xa5);
    g_assert_cmphex(toy->last_value, ==, 0xa5a5a5a5); /* repeated on all lanes */
    g_assert_cmphex(toy->last_offset, ==, 0x10);

    region.start = 0x20000000, region.widths = BUS_WIDTH_8, region.register_offset = 0x40;
    bus_map(bus, &region);
    g_assert_cmphex(rd(bus, 0x20000000, 4), ==, 0x40414243);
    g_assert_cmpuint(toy->last_size, ==, 1);

    region.start = 0x30000000, region.widths = BUS_WIDTH_32, region.register_offset = 0;
    region.endian = BUS_LITTLE_ENDIAN;
    bus_map(bus, &region);
    g_assert_cmphex(rd(bus, 0x30000000, 4), ==, 0x03020100); /* swapped for the bus */
    g_assert_cmphex(rd(bus, 0x30000000, 1), ==, 0x03);       /* offset 0 is the register's low byte */
    bus_write(bus, 0x30000000, 4, 0x11223344);
    g_assert_cmphex(toy->last_value, ==, 0x44332211);

    region.start = 0x40000000, region.strict = true, region.endian = BUS_BIG_ENDIAN;
    bus_map(bus, &region);
    uint64_t value = 1;
    g_assert_cmpint(bus_read(bus, 0x40000000, 1, &value), ==, BUS_ERROR);
    g_assert_cmpuint(value, ==, 0);
    g_assert_cmpint(bus_read(bus, 0x40000000, 4, &value), ==, BUS_OK);
    toy->refuse = true;
    g_assert_cmpint(bus_read(bus, 0x40000000, 4, &value), ==, BUS_ERROR);
    g_assert_cmpint(bus_read(bus, 0x50000000, 4, &value), ==, BUS_ERROR); /* nothing there */
    g_assert_cmpint(bus_write(bus, 0xfffffffffff, 4, 0), ==, BUS_ERROR);
    machine_free(machine);
}

static void test_views(void)
{
    struct toy *toy;
    struct machine *machine = toy_machine(&toy, NULL);
    struct bus *bus = machine->bus;
    struct bus *other = machine_add_bus(machine, "other", BUS_LITTLE_ENDIAN, BUS_UNASSIGNED_ONES);
    uint32_t generation = memory_map_generation(machine->memory);
    struct bus_region *window = bus_map(bus, &(struct bus_region){.start = 0x8000,
                                                                  .size = 0x1000,
                                                                  .kind = BUS_MMIO,
                                                                  .dev = &toy->dev,
                                                                  .read = toy_read,
                                                                  .priority = 1});
    g_assert_cmpuint(memory_map_generation(machine->memory), >, generation);
    bus_write(bus, 0x7ffc, 4, 0x01020304);
    bus_write(bus, 0x9000, 4, 0x05060708);
    toy->accesses = 0;
    rd(bus, 0x8ffc, 4);
    g_assert_cmpuint(toy->accesses, ==, 1); /* over the memory */
    const struct bus_range *below = bus_find(bus, 0x7fff), *above = bus_find(bus, 0x9000);
    g_assert_cmphex(below->end, ==, 0x8000);
    g_assert_cmphex(above->start, ==, 0x9000);
    g_assert_cmphex(rd(bus, 0x9000, 4), ==, 0x05060708);
    bus_enable(window, false);
    toy->accesses = 0;
    rd(bus, 0x8ffc, 4);
    g_assert_cmpuint(toy->accesses, ==, 0);
    bus_enable(window, true);
    bus_move(window, 0x20000);
    rd(bus, 0x20000, 4);
    g_assert_cmpuint(toy->accesses, ==, 1);

    /* A little-endian bus sees the big-endian one's bytes in place. */
    bus_map(other, &(struct bus_region){
                       .start = 0x100, .size = 0x1000, .kind = BUS_ALIAS, .target = bus, .offset = 0x9000});
    g_assert_cmphex(rd(other, 0x100, 4), ==, 0x08070605);
    g_assert_cmphex(rd(other, 0x4000, 2), ==, 0xffff);
    struct ram_block *block;
    uint64_t offset, length;
    g_assert_nonnull(bus_host_pointer(other, 0x110, &block, &offset, &length));
    g_assert_cmphex(offset, ==, 0x9010);
    g_assert_cmphex(length, ==, 0xff0);

    /* An alias of itself ends. */
    bus_map(other, &(struct bus_region){
                       .start = 0x8000, .size = 0x100, .kind = BUS_ALIAS, .target = other, .offset = 0x8000});
    uint64_t value;
    g_assert_cmpint(bus_read(other, 0x8000, 4, &value), ==, BUS_ERROR);
    uint8_t byte;
    g_assert_cmpint(dma_read(other, 0x8000, &byte, 1), ==, BUS_ERROR);
    g_assert_null(bus_host_pointer(other, 0x8000, &block, &offset, &length));
    machine_free(machine);
}

static bool odd_pages(struct device *dev, uint64_t address, bool write, uint64_t *target, uint64_t *length)
{
    uint64_t page = address >> 12;
    *length = 0x1000 - (address & 0xfff);
    *target = ((page * 2 + 1) << 12) | (address & 0xfff);
    return page < 4 && !(write && page == 3);
}

static void test_dma(void)
{
    struct toy *toy;
    struct machine *machine = toy_machine(&toy, NULL);
    struct bus *dvma = machine_add_bus(machine, "dvma", BUS_BIG_ENDIAN, BUS_UNASSIGNED_ERROR);
    bus_map(dvma, &(struct bus_region){.size = 0x100000,
                                       .kind = BUS_IOMMU,
                                       .target = machine->bus,
                                       .dev = &toy->dev,
                                       .translate = odd_pages});
    uint8_t data[0x2000], back[0x2000];
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    g_assert_cmpint(dma_write(dvma, 0x800, data, sizeof data), ==, BUS_OK);
    struct ram_block *ram = memory_blocks(machine->memory)->pdata[0];
    g_assert_cmpmem(ram->host + 0x1800, 0x800, data, 0x800);
    g_assert_cmpmem(ram->host + 0x3000, 0x1000, data + 0x800, 0x1000);
    g_assert_cmpmem(ram->host + 0x5000, 0x800, data + 0x1800, 0x800);
    g_assert_cmpint(dma_read(dvma, 0x800, back, sizeof back), ==, BUS_OK);
    g_assert_cmpmem(back, sizeof back, data, sizeof data);
    g_assert_cmpint(dma_write(dvma, 0x2800, data, 0x1000), ==, BUS_ERROR); /* page 3 is read-only */
    g_assert_cmpmem(ram->host + 0x5800, 0x800, data, 0x800);               /* what came before it arrived */
    g_assert_cmpint(dma_read(dvma, 0x3fff, back, 2), ==, BUS_ERROR);
    machine_free(machine);
}

struct listener_log {
    uint64_t code_offset, code_size, armed_offset, armed_size;
    unsigned code, armed;
};

static void log_code(void *opaque, struct ram_block *block, uint64_t offset, uint64_t size)
{
    struct listener_log *log = opaque;
    log->code++;
    log->code_offset = offset;
    log->code_size = size;
}

static void log_armed(void *opaque, struct ram_block *block, uint64_t offset, uint64_t size)
{
    struct listener_log *log = opaque;
    log->armed++;
    log->armed_offset = offset;
    log->armed_size = size;
}

static void test_page_flags(void)
{
    struct toy *toy;
    struct machine *machine = toy_machine(&toy, NULL);
    struct ram_block *ram = memory_blocks(machine->memory)->pdata[0];
    struct listener_log log = {0};
    struct memory_listener listener = {.opaque = &log, .code_written = log_code, .tracking_armed = log_armed};
    memory_add_listener(machine->memory, &listener);
    uint8_t dirty[4];
    g_assert_true(
        ram_take_dirty(ram, RAM_PAGE_CLEAN_DISPLAY, 0x4000, 0x4000, dirty)); /* all dirty at first */
    g_assert_cmpmem(dirty, 4, "\1\1\1\1", 4);
    g_assert_cmpuint(log.armed, ==, 1);
    g_assert_cmphex(log.armed_offset, ==, 0x4000);
    g_assert_cmphex(log.armed_size, ==, 0x4000);
    g_assert_false(ram_take_dirty(ram, RAM_PAGE_CLEAN_DISPLAY, 0x4000, 0x4000, dirty));
    g_assert_cmpuint(log.armed, ==, 1);
    bus_write(machine->bus, 0x5ffe, 4, 1); /* across two pages */
    g_assert_true(ram_take_dirty(ram, RAM_PAGE_CLEAN_DISPLAY, 0x4000, 0x4000, dirty));
    g_assert_cmpmem(dirty, 4, "\0\1\1\0", 4);
    /* The two clients do not disturb each other. */
    ram_take_dirty(ram, RAM_PAGE_CLEAN_SNAPSHOT, 0, ram->size, NULL);
    g_assert_false(ram_take_dirty(ram, RAM_PAGE_CLEAN_DISPLAY, 0x4000, 0x4000, NULL));
    ram->page_flags[2] |= RAM_PAGE_CODE;
    uint8_t data[32] = {0};
    dma_write(machine->bus, 0x1ff0, data, 16);
    g_assert_cmpuint(log.code, ==, 0);
    dma_write(machine->bus, 0x1ff0, data, 32);
    g_assert_cmpuint(log.code, ==, 1);
    g_assert_cmphex(log.code_offset, ==, 0x1ff0);
    g_assert_cmphex(log.code_size, ==, 32);
    memory_remove_listener(machine->memory, &listener);
    machine_free(machine);
}

/* ---- clock ---- */

static GString *trace;

static void note(void *opaque)
{
    g_string_append(trace, opaque);
}

static uint64_t fake_icount(void *opaque)
{
    return *(uint64_t *)opaque;
}

static void test_clock_order(void)
{
    uint64_t icount = 0;
    struct clock *clock = clock_new(CLOCK_INSTRUCTIONS, 2.5);
    clock_set_instruction_source(clock, fake_icount, &icount);
    struct clock_event e[5];
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    for (unsigned i = 0; i < 5; i++)
        clock_event_init(&e[i], clock, names[i], note, (void *)(uintptr_t)names[i]);
    trace = g_string_new(NULL);
    clock_event_set(&e[3], 100);
    clock_event_set(&e[1], 50);
    clock_event_set(&e[0], 100); /* after d, which was set first */
    clock_event_set(&e[2], 70);
    clock_event_set(&e[4], 60);
    clock_event_cancel(&e[4]);
    g_assert_cmpint(clock_next_deadline(clock), ==, 50);
    g_assert_cmpuint(clock_instructions_until(clock, 50), ==, 20);
    g_assert_cmpuint(clock_instructions_until(clock, 51), ==, 21); /* the first count that is not before */
    icount = 19;
    g_assert_cmpuint(clock_run_due(clock), ==, 0);
    icount = 20;
    g_assert_cmpuint(clock_run_due(clock), ==, 1);
    clock_skip_to(clock, 100);
    g_assert_cmpint(clock_now(clock), ==, 100);
    clock_skip_to(clock, 10);
    g_assert_cmpint(clock_now(clock), ==, 100);

    /* Saved and loaded into another clock: the same order. */
    g_autoptr(GByteArray) saved = g_byte_array_new();
    clock_save(clock, saved);
    clock_run_due(clock);
    g_assert_cmpstr(trace->str, ==, "bcda");
    g_assert_false(clock_event_is_set(&e[0]));
    g_assert_true(clock_load(clock, saved->data, saved->len, false, NULL));
    g_assert_false(clock_event_is_set(&e[0])); /* only checked */
    g_assert_true(clock_load(clock, saved->data, saved->len, true, NULL));
    g_string_truncate(trace, 0);
    clock_run_due(clock);
    g_assert_cmpstr(trace->str, ==, "cda");
    for (size_t size = 0; size < saved->len; size++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(clock_load(clock, saved->data, size, true, &error));
        g_assert_nonnull(error);
    }
    g_string_free(trace, TRUE);
    for (unsigned i = 0; i < 5; i++)
        clock_event_finish(&e[i]);
    clock_free(clock);
}

static void test_heap_random(void)
{
    struct clock *clock = clock_new(CLOCK_HOST, 0);
    enum { N = 300 };
    static struct clock_event e[N];
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    trace = g_string_new(NULL);
    for (int i = 0; i < N; i++) {
        g_autofree char *name = g_strdup_printf("event%d", i);
        clock_event_init(&e[i], clock, name, note, (void *)(uintptr_t) "");
    }
    for (int round = 0; round < 5000; round++) {
        int i = g_rand_int_range(rand, 0, N);
        if (g_rand_boolean(rand))
            clock_event_set(&e[i], g_rand_int_range(rand, 1, 1000));
        else
            clock_event_cancel(&e[i]);
        int64_t least = INT64_MAX;
        for (int k = 0; k < N; k++)
            if (clock_event_is_set(&e[k]))
                least = MIN(least, e[k].deadline);
        g_assert_cmpint(clock_next_deadline(clock), ==, least);
    }
    for (int i = 0; i < N; i++)
        clock_event_finish(&e[i]);
    g_assert_cmpint(clock_next_deadline(clock), ==, INT64_MAX);
    g_string_free(trace, TRUE);
    clock_free(clock);
}

/* ---- machine and state ---- */

static void test_events_on_exact_counts(void)
{
    struct toy *toy;
    struct machine *machine = toy_machine(&toy, NULL);
    clock_event_set(&toy->tick, 12345);
    machine_set_running(machine, true);
    machine_run_until_icount(machine, 1235); /* 12345 ns / 10 ns, rounded up */
    g_assert_cmpuint(toy->ticks, ==, 1);
    g_assert_cmpuint(toy->fired_at, ==, 1235);
    machine_run_until_icount(machine, 50000);
    g_assert_cmpuint(machine_icount(machine), ==, 50000);
    g_assert_cmpuint(toy->ticks, ==, 1 + (500000 - 12345) / 1000);
    machine_free(machine);
}

static void test_idle_time_is_skipped(void)
{
    struct toy *toy;
    struct toy_cpu *cpu;
    struct machine *machine = toy_machine(&toy, &cpu);
    clock_event_set(&toy->tick, 100 * NS_PER_SECOND); /* would take long on the host's clock */
    cpu->idle_at = 100;
    machine_set_running(machine, true);
    machine_run(machine, 101 * NS_PER_SECOND);
    g_assert_cmpint(clock_now(machine->clock), >=, 101 * NS_PER_SECOND);
    g_assert_cmpuint(machine_icount(machine), ==, 100);
    g_assert_cmpuint(toy->ticks, ==, 1 + NS_PER_SECOND / 1000);
    machine_free(machine);
}

static GByteArray *save(struct machine *machine, bool compress)
{
    g_autoptr(GError) error = NULL;
    GByteArray *bytes = machine_save_bytes(machine, compress, &error);
    g_assert_no_error(error);
    return bytes;
}

static void test_state_round_trip(void)
{
    struct toy *toy, *toy2;
    struct machine *one = toy_machine(&toy, NULL), *two = toy_machine(&toy2, NULL);
    clock_event_set(&toy->tick, 500);
    machine_set_running(one, true);
    machine_run_until_icount(one, 20000);
    toy->list[2] = 77;
    toy->buffer[63] = 99;
    irq_raise(&toy->pin);
    for (int compress = 0; compress < 2; compress++) {
        g_autoptr(GByteArray) saved = save(one, compress);
        g_autoptr(GError) error = NULL;
        machine_load_bytes(two, saved->data, saved->len, &error);
        g_assert_no_error(error);
        g_autoptr(GByteArray) again = save(two, compress);
        g_assert_cmpmem(saved->data, saved->len, again->data, again->len);
    }
    g_assert_cmpuint(toy2->list[2], ==, 77);
    g_assert_cmpuint(toy2->buffer[63], ==, 99);
    g_assert_true(toy2->pin.level);
    g_assert_cmpuint(toy2->counter, ==, toy->counter); /* the handler did not run */
    /* Both go on alike. */
    machine_set_running(two, true);
    machine_run_until_icount(one, 60000);
    machine_run_until_icount(two, 60000);
    g_autoptr(GByteArray) a = save(one, false), b = save(two, false);
    g_assert_cmpmem(a->data, a->len, b->data, b->len);
    machine_free(one);
    machine_free(two);
}

static void test_bad_states_change_nothing(void)
{
    struct toy *toy;
    struct machine *machine = toy_machine(&toy, NULL);
    toy->buffer[0] = 1;
    g_autoptr(GByteArray) before = save(machine, true);
    toy->buffer[0] = 2;
    g_autoptr(GByteArray) good = save(machine, true);
    toy->buffer[0] = 1;
    g_autoptr(GRand) rand = g_rand_new_with_seed(2);
    for (int i = 0; i < 2000; i++) {
        g_autoptr(GError) error = NULL;
        g_autofree uint8_t *copy = g_memdup2(good->data, good->len);
        size_t size = good->len;
        if (i & 1)
            size = (size_t)g_rand_int_range(rand, 0, (gint32)good->len);
        else
            copy[g_rand_int_range(rand, 0, (gint32)good->len)] ^=
                (uint8_t)(1 << g_rand_int_range(rand, 0, 8));
        g_assert_false(machine_load_bytes(machine, copy, size, &error));
        g_assert_nonnull(error);
        g_assert_cmpuint(toy->buffer[0], ==, 1);
    }
    toy->list[0] = 2000; /* well-formed, but the device refuses it */
    g_autoptr(GByteArray) refused = save(machine, true);
    toy->list[0] = 0;
    g_autoptr(GError) error = NULL;
    g_assert_false(machine_load_bytes(machine, refused->data, refused->len, &error));
    g_assert_cmpstr(error->message, ==, "The toy is broken.");
    g_autoptr(GByteArray) after = save(machine, true);
    g_assert_cmpmem(before->data, before->len, after->data, after->len);
    machine_free(machine);
}

static void test_state_file(void)
{
    struct toy *toy;
    struct machine *machine = toy_machine(&toy, NULL);
    g_autofree char *folder = g_dir_make_tmp("vitrine-core-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "state", NULL),
                    *nowhere = g_build_filename(folder, "no", "state", NULL);
    g_autoptr(GError) error = NULL;
    toy->list[1] = 5;
    g_assert_true(machine_save(machine, path, &error));
    toy->list[1] = 6;
    g_assert_true(machine_load(machine, path, &error));
    g_assert_cmpuint(toy->list[1], ==, 5);
    g_assert_false(machine_save(machine, nowhere, &error));
    g_assert_error(error, STATE_ERROR, STATE_ERROR_IO);
    g_clear_error(&error);
    g_assert_false(machine_load(machine, nowhere, &error));
    g_assert_error(error, STATE_ERROR, STATE_ERROR_IO);
    remove(path);
    remove(folder);
    machine_free(machine);
}

static void test_properties(void)
{
    struct toy *toy;
    struct machine *machine = toy_machine(&toy, NULL);
    g_autoptr(GError) error = NULL;
    g_assert_cmpuint(toy->counter, ==, 7);
    g_assert_true(device_set_uint(&toy->dev, "counter", 50, NULL));
    g_assert_cmpuint(toy->counter, ==, 50);
    g_assert_false(device_set_uint(&toy->dev, "counter", 51, &error));
    g_assert_error(error, DEVICE_ERROR, DEVICE_ERROR_PROPERTY);
    g_clear_error(&error);
    g_assert_false(device_set_string(&toy->dev, "colour", "red", &error));
    g_assert_error(error, DEVICE_ERROR, DEVICE_ERROR_PROPERTY);
    g_assert_true(machine_find_device(machine, "toy") == &toy->dev);
    machine_free(machine);
}

static uint64_t instructions_in(struct machine *machine, int64_t ns)
{
    uint64_t before = machine_icount(machine);
    machine_run(machine, clock_now(machine->clock) + ns);
    return machine_icount(machine) - before;
}

/* A firmware at its prompt asks for a key for ever. The host rests then, until the guest does something. */
static void test_a_guest_that_asks_waits(void)
{
    const int64_t look = 300 * NS_PER_MS;
    struct toy *toy;
    struct toy_cpu *cpu;
    struct machine *machine = toy_machine_with(&(struct machine_options){0}, &toy, &cpu);
    struct bus_region region = {.start = 0x10000000, .size = 0x100, .kind = BUS_MMIO, .widths = BUS_WIDTH_32,
                                .dev = &toy->dev, .read = toy_read, .write = toy_write};
    bus_map(machine->bus, &region);
    cpu->asks_every = 1000;
    machine_set_running(machine, true);
    uint64_t at_first = instructions_in(machine, look);
    instructions_in(machine, 3 * NS_PER_SECOND);
    uint64_t waiting = instructions_in(machine, look);
    g_assert_cmpuint(waiting, >, 0);
    g_assert_cmpuint(waiting, <, at_first / 4);

    bus_write(machine->bus, 0x10000000, 4, 1); /* it also drives a device */
    g_assert_cmpuint(instructions_in(machine, look), >, 4 * waiting);
    instructions_in(machine, 3 * NS_PER_SECOND);
    cpu->asks_every = 100000; /* it computes, too */
    g_assert_cmpuint(instructions_in(machine, look), >, 4 * waiting);
    machine_free(machine);
}

static void count_post(struct machine *machine, void *data)
{
    if (++*(int *)data == 1000)
        machine_quit(machine);
}

static gpointer poster(gpointer data)
{
    void **args = data;
    for (int i = 0; i < 1000; i++)
        machine_post(args[0], count_post, args[1]);
    return NULL;
}

static void test_posts_from_a_thread(void)
{
    struct toy *toy;
    struct machine *machine = toy_machine(&toy, NULL);
    int count = 0;
    void *args[] = {machine, &count};
    machine_set_running(machine, true);
    GThread *thread = g_thread_new("poster", poster, args);
    machine_run(machine, -1);
    g_thread_join(thread);
    g_assert_cmpint(count, ==, 1000);
    machine_free(machine);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/bus/widths-and-orders", test_widths_and_orders);
    g_test_add_func("/core/bus/views", test_views);
    g_test_add_func("/core/bus/dma", test_dma);
    g_test_add_func("/core/bus/page-flags", test_page_flags);
    g_test_add_func("/core/clock/order", test_clock_order);
    g_test_add_func("/core/clock/heap", test_heap_random);
    g_test_add_func("/core/machine/exact-counts", test_events_on_exact_counts);
    g_test_add_func("/core/machine/idle-time-is-skipped", test_idle_time_is_skipped);
    g_test_add_func("/core/machine/asking-is-waiting", test_a_guest_that_asks_waits);
    g_test_add_func("/core/machine/posts", test_posts_from_a_thread);
    g_test_add_func("/core/state/round-trip", test_state_round_trip);
    g_test_add_func("/core/state/bad-states", test_bad_states_change_nothing);
    g_test_add_func("/core/state/file", test_state_file);
    g_test_add_func("/core/device/properties", test_properties);
    return g_test_run();
}
