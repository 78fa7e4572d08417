/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ARM processors as devices of a machine with a timer that interrupts: each core runs with its MMU on, waits for
 * interrupts, and goes on from a saved state as if nothing had been; the interpreter and the JIT agree in every byte.
 */
#include <string.h>

#include "emulator/core/irq.h"
#include "emulator/core/machine.h"
#include "emulator/cpu/arm/internal.h"
#include "emulator/cpu/arm/system.h"

#define RAM_SIZE 0x100000
#define TIMER    0x80000000u
#define TABLE    0x10000u
#define TICKS    0x8000u /* what the handler has counted */

/* ------------------------------------------------------------------------------------------- a timer */

struct ticker {
    struct device dev;
    struct cpu *cpu;
    uint32_t pending;
    unsigned raises; /* a write raises this line, less one; 0: it acknowledges */
    struct clock_event tick;
};

#define TICK_NS (37 * NS_PER_US)

static void tick(void *opaque)
{
    struct ticker *t = opaque;
    t->pending++;
    t->cpu->driver->set_irq(t->cpu, ARM_LINE_IRQ, 1);
    clock_event_set(&t->tick, t->tick.deadline + TICK_NS);
}

static uint64_t ticker_read(struct device *dev, uint64_t offset, unsigned size)
{
    return ((struct ticker *)dev)->pending;
}

static void ticker_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct ticker *t = (struct ticker *)dev;
    t->pending = 0;
    t->cpu->driver->set_irq(t->cpu, t->raises ? t->raises - 1 : ARM_LINE_IRQ, t->raises > 0);
}

static bool ticker_init(struct device *dev, GError **error)
{
    struct ticker *t = (struct ticker *)dev;
    clock_event_init(&t->tick, dev->machine->clock, dev->id, tick, t);
    return true;
}

static void ticker_reset(struct device *dev, enum reset_kind kind)
{
    struct ticker *t = (struct ticker *)dev;
    t->pending = 0;
    clock_event_set(&t->tick, clock_now(dev->machine->clock) + TICK_NS);
}

static void ticker_finish(struct device *dev)
{
    clock_event_finish(&((struct ticker *)dev)->tick);
}

static const struct state_field ticker_fields[] = {STATE_FIELD(struct ticker, pending), STATE_END};
static const struct device_class ticker_class = {.name = "ticker",
                                                 .size = sizeof(struct ticker),
                                                 .version = 1,
                                                 .init = ticker_init,
                                                 .reset = ticker_reset,
                                                 .finish = ticker_finish,
                                                 .fields = ticker_fields};

/* ------------------------------------------------------------------------------------------- the machine */

enum { CPACR_WORD = 0x80 / 4, WAIT_WORD = 0xcc / 4, NOP = 0xe1a00000 };

static const uint32_t program[] = {
    /* 00: vectors; an interrupt goes to 20, what should not be stays where it is */
    0xea000010, 0xeafffffe, 0xeafffffe, 0xeafffffe, 0xeafffffe, 0xeafffffe, 0xea000000, 0xeafffffe,
    /* 20: sub lr, lr, #4; push {r0-r3, lr}; [TICKS] += [TIMER]; [TIMER + 4] = ...; ldm sp!, {r0-r3, pc}^ */
    0xe24ee004, 0xe92d400f, 0xe3a00102, 0xe5901000, 0xe5801004, 0xe3a00902, 0xe5902000, 0xe0822001, 0xe5802000,
    0xe8fd800f,
    /* 48: stacks of IRQ and SVC; TTBR = TABLE; DACR = 1; SCTLR.M; nop; nop */
    0xe321f0d2, 0xe3a0da09, 0xe321f0d3, 0xe3a0da0a, 0xe3a00801, 0xee020f10, 0xe3a00001, 0xee030f10, 0xee110f10,
    0xe3800001, 0xee010f10, NOP, NOP,
    /* 7c: mov r0, #0xf00000; CPACR = r0; mov r0, #1 << 30; vmsr fpexc, r0; mov r8, #0xc000; d1 = 3; msr cpsr_c, #0x53 */
    0xe3a0060f, 0xee010f50, 0xe3a00101, 0xeee80a10, 0xe3a08903, 0xe3a00003, 0xee020a10, 0xeeb81bc2, 0xe321f053,
    /* a0: loop: sums in r4 to r9 and in memory; vadd d0, d0, d1; vdiv d3, d0, d1; each 64th time wait for an interrupt */
    0xe2844001, 0xe02551e4, 0xe0966005, 0xe2a77000, 0xe0299594, 0xe20400ff, 0xe7889100, 0xee300b01, 0xee803b01,
    0xe314003f, 0x1afffff4, 0xee070f90, 0xeafffff2,
};

static bool is_vfp(uint32_t word)
{
    return (word & 0x0e000e00) == 0x0e000a00;
}

static struct machine *build(const char *model_id, bool interpret)
{
    const struct arm_model *model = arm_find_model(model_id);
    struct machine_options options = {
        .deterministic = true, .ns_per_insn = 11, .accel = interpret ? ACCEL_INTERP : ACCEL_JIT};
    struct machine *machine = machine_new("bench", &options);
    g_autoptr(GError) error = NULL;
    struct bus *bus = machine_add_bus(machine, "bus", BUS_LITTLE_ENDIAN, BUS_UNASSIGNED_ERROR);
    struct ram_block *ram = ram_block_new(machine->memory, "ram", RAM_SIZE, false, &error);
    bus_map(bus, &(struct bus_region){.name = "ram", .size = RAM_SIZE, .kind = BUS_RAM, .block = ram});
    struct arm_system *cpu = arm_system_new(machine, "cpu0", model, NULL, &error);
    g_assert_no_error(error);
    cpu->state.bus = bus;
    g_assert_true(device_start(&cpu->base.cpu.dev, &error));
    machine_add_cpu(machine, &cpu->base.cpu);
    struct ticker *ticker = (struct ticker *)device_new(machine, &ticker_class, "ticker");
    ticker->cpu = &cpu->base.cpu;
    g_assert_true(device_start(&ticker->dev, &error));
    bus_map(bus, &(struct bus_region){.name = "ticker", .start = TIMER, .size = 8, .kind = BUS_MMIO,
                                      .dev = &ticker->dev, .read = ticker_read, .write = ticker_write,
                                      .widths = BUS_WIDTH_32, .endian = BUS_LITTLE_ENDIAN});
    machine_reset(machine, RESET_POWER_ON);
    for (unsigned k = 0; k < G_N_ELEMENTS(program); k++) {
        uint32_t word = program[k];
        if ((k == CPACR_WORD && !(model->features & ARM_V6)) || (is_vfp(word) && !(model->features & ARM_VFP2)))
            word = NOP;
        if (k == WAIT_WORD && model->features & ARM_V7)
            word = 0xe320f003;
        bus_write(bus, 4 * k, 4, word);
    }
    uint32_t section = model->mmu == ARM_MMU_V5 ? 0xc12 : 0xc02; /* everybody; v5 wants bit 4, which v7 has another use for */
    bus_write(bus, TABLE, 4, section);
    bus_write(bus, TABLE + 4 * (TIMER >> 20), 4, TIMER | section);
    return machine;
}

static GByteArray *saved(struct machine *machine)
{
    g_autoptr(GError) error = NULL;
    GByteArray *state = machine_save_bytes(machine, false, &error);
    g_assert_no_error(error);
    return state;
}

static uint32_t ticks(struct machine *machine)
{
    uint64_t value;
    bus_read(machine->bus, TICKS, 4, &value);
    return (uint32_t)value;
}

static void test_goes_on(gconstpointer model)
{
    static const unsigned stops[] = {1, 25, 1237, 20011, 150001, 400009};
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) last = NULL;
    for (unsigned interpret = 0; interpret < 2; interpret++) {
        struct machine *whole = build(model, interpret), *parts = build(model, interpret);
        machine_set_running(whole, true);
        machine_set_running(parts, true);
        for (unsigned k = 0; k < G_N_ELEMENTS(stops); k++) {
            machine_run_until_icount(parts, stops[k]);
            g_autoptr(GByteArray) first = saved(parts);
            machine_free(parts);
            parts = build(model, interpret);
            g_assert_true(machine_load_bytes(parts, first->data, first->len, &error));
            g_autoptr(GByteArray) second = saved(parts);
            g_assert_cmpmem(first->data, first->len, second->data, second->len);
            machine_set_running(parts, true);
        }
        machine_run_until_icount(whole, stops[G_N_ELEMENTS(stops) - 1]);
        g_autoptr(GByteArray) a = saved(whole), b = saved(parts);
        g_assert_cmpmem(a->data, a->len, b->data, b->len);
        g_assert_cmpuint(ticks(whole), >, 50);
        struct arm_cpu *cpu = &((struct arm_system *)whole->cpus[0])->state;
        g_assert_cmpuint(cpu->r[4], >, 10000);
        if (cpu->model->features & ARM_VFP2)
            g_assert_cmpfloat(((double *)cpu->d)[0], >=, 3.0 * (cpu->r[4] - 1));
        if (last)
            g_assert_cmpmem(a->data, a->len, last->data, last->len);
        else
            last = g_byte_array_ref(a);
        machine_free(whole);
        machine_free(parts);
    }
}

/* A line that a device raises in mid-slice is seen by the next instruction; the other one is masked. */
static void test_at_once(void)
{
    for (unsigned line = 0; line < 2; line++)
        for (unsigned interpret = 0; interpret < 2; interpret++) {
            struct machine *machine = build("arm926ej-s", interpret);
            struct ticker *ticker = (struct ticker *)machine_find_device(machine, "ticker");
            struct arm_cpu *cpu = &((struct arm_system *)machine->cpus[0])->state;
            bool fiq = line == ARM_LINE_FIQ;
            clock_event_cancel(&ticker->tick);
            ticker->raises = line + 1;
            bus_write(machine->bus, 0x300, 4, 0xe5801000); /* str r1, [r0] */
            for (unsigned k = 1; k < 16; k++)
                bus_write(machine->bus, 0x300 + 4 * k, 4, 0xe2844001); /* add r4, r4, #1 */
            cpu->r[0] = TIMER;
            cpu->r[4] = 0;
            arm_set_cpsr(cpu, ARM_MODE_SVC | (fiq ? ARM_CPSR_I : ARM_CPSR_F));
            arm_jump(cpu, 0x300);
            machine_set_running(machine, true);
            machine_run_until_icount(machine, 2);
            g_assert_cmphex(arm_get_cpsr(cpu) & ARM_CPSR_MODE, ==, fiq ? ARM_MODE_FIQ : ARM_MODE_IRQ);
            g_assert_cmphex(cpu->r[14], ==, 0x308);
            g_assert_cmpuint(cpu->r[4], ==, 0);
            machine_free(machine);
        }
}

/* The board's pins choose where it begins. */
static void test_high_vectors(void)
{
    struct machine *machine = build("arm1136jf-s", true);
    struct arm_system *cpu = (struct arm_system *)machine->cpus[0];
    g_assert_cmphex(arm_get_pc(&cpu->state), ==, 0);
    cpu->reset_sctlr = ARM_SCTLR_V;
    machine_reset(machine, RESET_HARD);
    g_assert_cmphex(arm_get_pc(&cpu->state), ==, 0xffff0000);
    g_assert_true(cpu->state.sctlr & ARM_SCTLR_V);
    machine_free(machine);
}

/* A loaded state is a stranger's. */
static void test_refuses(void)
{
    struct machine *machine = build("arm1136jf-s", true);
    struct arm_cpu *cpu = &((struct arm_system *)machine->cpus[0])->state;
    uint32_t cpsr = cpu->cpsr;
    cpu->cpsr = 0x15; /* no mode */
    g_autoptr(GByteArray) bad = saved(machine);
    cpu->cpsr = cpsr;
    g_autoptr(GByteArray) before = saved(machine);
    g_autoptr(GError) error = NULL;
    g_assert_false(machine_load_bytes(machine, bad->data, bad->len, &error));
    g_assert_error(error, STATE_ERROR, STATE_ERROR_FORMAT);
    g_autoptr(GByteArray) after = saved(machine);
    g_assert_cmpmem(before->data, before->len, after->data, after->len);
    machine_free(machine);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (const struct arm_model *m = arm_models; m->id; m++) {
        g_autofree char *path = g_strdup_printf("/arm/machine/%s", m->id);
        g_test_add_data_func(path, m->id, test_goes_on);
    }
    g_test_add_func("/arm/machine/at-once", test_at_once);
    g_test_add_func("/arm/machine/high-vectors", test_high_vectors);
    g_test_add_func("/arm/machine/refuses", test_refuses);
    return g_test_run();
}
