/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SLAVIO interrupt controller; see the header for sources. */
#include "emulator/hw/intc/slavio_intc.h"
#include "emulator/core/i18n.h"

#include <string.h>

/* Per-processor registers */
enum { CPU_PENDING = 0x0, CPU_CLEAR = 0x4, CPU_SET = 0x8, CPU_SIZE = 0x10 };
#define CPU_SOFT_BITS 0xfffe0000u
#define CPU_LEVEL15   0x00008000u
#define CPU_STRIDE    0x1000

/* System registers */
enum {
    SYS_PENDING = 0x0,
    SYS_MASK = 0x4,
    SYS_CLEAR_MASK = 0x8,
    SYS_SET_MASK = 0xc,
    SYS_TARGET = 0x10,
    SYS_SIZE = 0x14
};
#define SYS_MASK_ALL  0x80000000u
/* Every source is masked after a reset; the bit over all of them is not: firmware relies on it. */
#define MASK_AT_RESET 0x7fffffffu
#define SYS_WRITABLE  0xfffffff0u
#define SYS_BROADCAST 0x78000000u /* errors go to all processors, at level 15 */

/* Level of each input (0 = none): NCR89C105, "Interrupt Controller". VME levels 1..7 are bits 0..6. */
static const uint8_t input_level[32] = {
    [0] = 2,
    [1] = 3,
    [2] = 5,
    [3] = 7,
    [4] = 9,
    [5] = 11,
    [6] = 13,
    [SLAVIO_IRQ_SBUS1 + 0] = 2,
    [SLAVIO_IRQ_SBUS1 + 1] = 3,
    [SLAVIO_IRQ_SBUS1 + 2] = 5,
    [SLAVIO_IRQ_SBUS1 + 3] = 7,
    [SLAVIO_IRQ_SBUS1 + 4] = 9,
    [SLAVIO_IRQ_SBUS1 + 5] = 11,
    [SLAVIO_IRQ_SBUS1 + 6] = 13,
    [SLAVIO_IRQ_KBDMS] = 12,
    [SLAVIO_IRQ_SERIAL] = 12,
    [SLAVIO_IRQ_ETHERNET] = 6,
    [SLAVIO_IRQ_AUDIO] = 13,
    [SLAVIO_IRQ_SCSI] = 4,
    [SLAVIO_IRQ_TIMER] = 10,
    [SLAVIO_IRQ_VIDEO] = 8,
    [SLAVIO_IRQ_MODULE] = 9,
    [SLAVIO_IRQ_FLOPPY] = 11,
    [SLAVIO_IRQ_VME_ERROR] = 15,
    [SLAVIO_IRQ_ECC_ERROR] = 15,
    [SLAVIO_IRQ_M2S_ERROR] = 15,
    [SLAVIO_IRQ_MODULE_ERROR] = 15,
};

/* The pending register of one processor: bit n = hardware level n, bit 16 + n = software level n. */
static uint32_t cpu_pending(const struct slavio_intc *intc, unsigned cpu)
{
    uint32_t bits = intc->soft[cpu];
    if (!(intc->mask & SYS_MASK_ALL) && cpu == intc->target) {
        uint32_t active = intc->pending & ~intc->mask & ~SYS_BROADCAST;
        while (active) {
            unsigned input = (unsigned)__builtin_ctz(active);
            active &= active - 1;
            bits |= 1u << input_level[input];
        }
    }
    if (intc->cpu_timers[cpu].level)
        bits |= 1u << 14;
    if (intc->level15[cpu])
        bits |= CPU_LEVEL15;
    return bits & ~1u;
}

static void update(struct slavio_intc *intc)
{
    if (!(intc->mask & SYS_MASK_ALL) && (intc->pending & ~intc->mask & SYS_BROADCAST))
        memset(intc->level15, 1, intc->cpus);
    for (unsigned cpu = 0; cpu < intc->cpus; cpu++) {
        uint32_t bits = cpu_pending(intc, cpu);
        bits = (bits | bits >> 16) & 0xfffe;
        uint8_t level = bits ? (uint8_t)(31 - __builtin_clz(bits)) : 0;
        if (level != intc->level[cpu]) {
            intc->level[cpu] = level;
            intc->set_level(intc->set_level_opaque, cpu, level);
        }
    }
}

static void input_changed(void *opaque, int number, bool level)
{
    struct slavio_intc *intc = opaque;
    if (level)
        intc->pending |= 1u << number;
    else
        intc->pending &= ~(1u << number);
    update(intc);
}

static void timer_changed(void *opaque, int number, bool level)
{
    update(opaque);
}

static uint64_t cpu_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct slavio_intc *intc = (struct slavio_intc *)dev;
    unsigned cpu = (unsigned)(offset / CPU_STRIDE);
    return offset % CPU_STRIDE == CPU_PENDING ? cpu_pending(intc, cpu) : 0;
}

static void cpu_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct slavio_intc *intc = (struct slavio_intc *)dev;
    unsigned cpu = (unsigned)(offset / CPU_STRIDE);
    switch (offset % CPU_STRIDE) {
    case CPU_CLEAR:
        intc->soft[cpu] &= ~((uint32_t)value & CPU_SOFT_BITS);
        if (value & CPU_LEVEL15)
            intc->level15[cpu] = 0;
        break;
    case CPU_SET: intc->soft[cpu] |= (uint32_t)value & CPU_SOFT_BITS; break;
    default:
        device_guest_error(dev, "write to read-only register %x", (unsigned)(offset % CPU_STRIDE));
        return;
    }
    update(intc);
}

static uint64_t system_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct slavio_intc *intc = (struct slavio_intc *)dev;
    switch (offset) {
    case SYS_PENDING: return intc->pending;
    case SYS_MASK: return intc->mask;
    case SYS_TARGET: return intc->target;
    default: return 0;
    }
}

static void system_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct slavio_intc *intc = (struct slavio_intc *)dev;
    switch (offset) {
    case SYS_CLEAR_MASK: intc->mask &= ~(uint32_t)value; break;
    case SYS_SET_MASK: intc->mask |= (uint32_t)value & SYS_WRITABLE; break;
    case SYS_TARGET: intc->target = (uint32_t)value & (SLAVIO_MAX_CPUS - 1); break;
    default: device_guest_error(dev, "write to read-only system register %x", (unsigned)offset); return;
    }
    update(intc);
}

static bool intc_init(struct device *dev, GError **error)
{
    struct slavio_intc *intc = (struct slavio_intc *)dev;
    if (!intc->cpus || intc->cpus > SLAVIO_MAX_CPUS || !intc->set_level) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_CONFIG,
                    _("The interrupt controller serves 1 to %d processors."), SLAVIO_MAX_CPUS);
        return false;
    }
    for (int i = 0; i < 32; i++)
        irq_init(&intc->inputs[i], input_changed, intc, i);
    for (int i = 0; i < SLAVIO_MAX_CPUS; i++)
        irq_init(&intc->cpu_timers[i], timer_changed, intc, i);
    intc->mask = MASK_AT_RESET;
    return true;
}

static void intc_reset(struct device *dev, enum reset_kind kind)
{
    struct slavio_intc *intc = (struct slavio_intc *)dev;
    intc->mask = MASK_AT_RESET;
    intc->target = 0;
    memset(intc->soft, 0, sizeof intc->soft);
    memset(intc->level15, 0, sizeof intc->level15);
    update(intc);
}

static bool intc_check(const void *state, GError **error)
{
    const struct slavio_intc *intc = state;
    if (intc->target >= SLAVIO_MAX_CPUS) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_FORMAT, _("The saved interrupt controller is damaged."));
        return false;
    }
    return true;
}

static const struct state_field fields[] = {
    STATE_FIELD(struct slavio_intc, pending),
    STATE_FIELD(struct slavio_intc, mask),
    STATE_FIELD(struct slavio_intc, target),
    STATE_ARRAY(struct slavio_intc, soft),
    STATE_ARRAY(struct slavio_intc, level15),
    STATE_ARRAY(struct slavio_intc, level),
    STATE_IRQ_LINES(struct slavio_intc, inputs),
    STATE_IRQ_LINES(struct slavio_intc, cpu_timers),
    STATE_END,
};

static const struct device_property properties[] = {
    {"cpus", PROPERTY_U32, offsetof(struct slavio_intc, cpus), 1, NULL, 1, SLAVIO_MAX_CPUS,
     "processors served"},
    {NULL},
};

const struct device_class slavio_intc_class = {
    .name = "slavio-intc",
    .description = "SLAVIO interrupt controller (NCR89C105)",
    .size = sizeof(struct slavio_intc),
    .version = 1,
    .init = intc_init,
    .reset = intc_reset,
    .fields = fields,
    .check = intc_check,
    .properties = properties,
};

void slavio_intc_map(struct slavio_intc *intc, struct bus *bus, uint64_t cpu_base, uint64_t system_base)
{
    for (unsigned cpu = 0; cpu < intc->cpus; cpu++) {
        /* One register space for all: the offset tells which processor. */
        bus_map(bus, &(struct bus_region){.name = "processor interrupts",
                                          .start = cpu_base + cpu * CPU_STRIDE,
                                          .size = CPU_SIZE,
                                          .kind = BUS_MMIO,
                                          .dev = &intc->dev,
                                          .read = cpu_read,
                                          .write = cpu_write,
                                          .register_offset = cpu * CPU_STRIDE,
                                          .widths = BUS_WIDTH_32});
    }
    bus_map(bus, &(struct bus_region){.name = "system interrupts",
                                      .start = system_base,
                                      .size = SYS_SIZE,
                                      .kind = BUS_MMIO,
                                      .dev = &intc->dev,
                                      .read = system_read,
                                      .write = system_write,
                                      .widths = BUS_WIDTH_32});
}
