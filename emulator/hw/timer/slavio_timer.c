/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SLAVIO counter/timers; see the header for sources. */
#include "emulator/hw/timer/slavio_timer.h"

#include "emulator/core/machine.h"

#define SYSTEM         SLAVIO_TIMER_CPUS
#define NS_PER_COUNT   500
#define COUNT_SHIFT    9
#define COUNT_MASK     0x7ffffe00u
#define LIMIT_BIT      0x80000000u
#define CPU_STRIDE     0x1000
#define MAX_LATE_TICKS 100
#define CATCH_UP_PACE  4
#define FAIR_CHANCE    50000 /* instructions in which a guest acknowledges what it is going to */
#define SYSTEM_BANK    0x10000 /* offset of the system registers in this device's register file */

enum {
    REG_LIMIT = 0x0, /* user timer: most significant word */
    REG_COUNT = 0x4, /* user timer: least significant word */
    REG_LIMIT_NO_RESET = 0x8,
    REG_CONTROL = 0xc,       /* user timer: start/stop */
    REG_CONFIGURATION = 0x10 /* system only */
};

static int64_t now(const struct slavio_timer *timer)
{
    return clock_now(timer->dev.machine->clock);
}

/* Counts between two occasions of the limit. */
static int64_t period(const struct slavio_timer *timer, unsigned n)
{
    uint32_t counts = timer->limit[n] >> COUNT_SHIFT;
    return counts ? counts : COUNT_MASK >> COUNT_SHIFT;
}

static bool is_user_timer(const struct slavio_timer *timer, unsigned n)
{
    return n != SYSTEM && (timer->user_mode >> n & 1);
}

/* The next time at which counter n reaches its limit. */
static void arm(struct slavio_timer *timer, unsigned n)
{
    if (is_user_timer(timer, n)) {
        clock_event_cancel(&timer->counter[n].event);
        return;
    }
    int64_t length = period(timer, n) * NS_PER_COUNT, passed = now(timer) - timer->start[n];
    timer->due[n] = timer->start[n] + (passed / length + 1) * length;
    clock_event_set(&timer->counter[n].event, timer->due[n]);
}

static void limit_reached(void *opaque)
{
    struct slavio_counter *counter = opaque;
    struct slavio_timer *timer = counter->timer;
    unsigned n = (unsigned)(counter - timer->counter);
    int64_t length = period(timer, n) * NS_PER_COUNT, time = now(timer);
    uint64_t icount = machine_icount(timer->dev.machine);
    /* A host that gave the guest no time since the occasion before must not make it lose one: its clock, ticks plus
     * counter, would go back. */
    if (timer->reached[n] && timer->limit[n] && clock_mode(timer->dev.machine->clock) == CLOCK_HOST &&
        icount - timer->raised_at[n] < FAIR_CHANCE) {
        clock_event_set(&counter->event, time + length / CATCH_UP_PACE);
        return;
    }
    timer->raised_at[n] = icount;
    timer->reached[n] = 1;
    /* A limit of 0 lets the counter run through without interrupts. */
    if (timer->limit[n])
        irq_raise(timer->irq[n]);
    /* On a busy host the occasion may be noticed late: the missed ones follow at a quicker pace, so that a
     * guest that counts ticks keeps the time; after a long pause they are given up. */
    timer->due[n] += length;
    if (timer->due[n] + MAX_LATE_TICKS * length < time) {
        arm(timer, n);
        return;
    }
    clock_event_set(&timer->counter[n].event, MAX(timer->due[n], time + length / CATCH_UP_PACE));
}

static void acknowledge(struct slavio_timer *timer, unsigned n)
{
    timer->reached[n] = 0;
    irq_lower(timer->irq[n]);
}

static uint32_t read_count(const struct slavio_timer *timer, unsigned n)
{
    /* The counter starts anew when the limit bit shows it, not before: while an occasion is late it stands at its end. */
    int64_t length = period(timer, n);
    int64_t passed = (now(timer) - (timer->due[n] - length * NS_PER_COUNT)) / NS_PER_COUNT;
    uint32_t counts = (uint32_t)CLAMP(passed, 0, length - 1);
    return (counts + 1) << COUNT_SHIFT | (timer->reached[n] ? LIMIT_BIT : 0);
}

static uint64_t user_counts(const struct slavio_timer *timer, unsigned n)
{
    return timer->running[n] ? (uint64_t)(now(timer) - timer->start[n]) / NS_PER_COUNT : timer->stopped[n];
}

static void set_user_counts(struct slavio_timer *timer, unsigned n, uint64_t counts)
{
    timer->stopped[n] = counts & (UINT64_MAX >> COUNT_SHIFT);
    timer->start[n] = now(timer) - (int64_t)(timer->stopped[n] % (INT64_MAX / NS_PER_COUNT)) * NS_PER_COUNT;
}

static uint64_t timer_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct slavio_timer *timer = (struct slavio_timer *)dev;
    unsigned n = offset >= SYSTEM_BANK ? SYSTEM : (unsigned)(offset / CPU_STRIDE);
    switch (offset % CPU_STRIDE) {
    case REG_LIMIT:
        if (is_user_timer(timer, n))
            return user_counts(timer, n) << COUNT_SHIFT >> 32;
        uint32_t limit = timer->limit[n] | (timer->reached[n] ? LIMIT_BIT : 0);
        acknowledge(timer, n);
        return limit;
    case REG_COUNT:
        if (is_user_timer(timer, n))
            return (uint32_t)(user_counts(timer, n) << COUNT_SHIFT);
        return read_count(timer, n);
    case REG_CONTROL: return n != SYSTEM ? timer->running[n] : 0;
    case REG_CONFIGURATION: return n == SYSTEM ? timer->user_mode : 0;
    default: return 0;
    }
}

static void set_limit(struct slavio_timer *timer, unsigned n, uint32_t value, bool restart)
{
    timer->limit[n] = value & COUNT_MASK;
    if (restart)
        timer->start[n] = now(timer);
    acknowledge(timer, n);
    arm(timer, n);
}

static void timer_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct slavio_timer *timer = (struct slavio_timer *)dev;
    unsigned n = offset >= SYSTEM_BANK ? SYSTEM : (unsigned)(offset / CPU_STRIDE);
    switch (offset % CPU_STRIDE) {
    case REG_LIMIT:
        if (is_user_timer(timer, n))
            set_user_counts(timer, n,
                            (value << 32 | (uint32_t)(user_counts(timer, n) << COUNT_SHIFT)) >> COUNT_SHIFT);
        else
            set_limit(timer, n, (uint32_t)value, true);
        break;
    case REG_COUNT:
        if (is_user_timer(timer, n))
            set_user_counts(timer, n,
                            ((user_counts(timer, n) << COUNT_SHIFT & ~UINT64_C(0xffffffff)) | value) >>
                                COUNT_SHIFT);
        else
            device_guest_error(dev, "write to the counter of timer %u", n);
        break;
    case REG_LIMIT_NO_RESET:
        if (!is_user_timer(timer, n))
            set_limit(timer, n, (uint32_t)value, false);
        break;
    case REG_CONTROL:
        if (is_user_timer(timer, n)) {
            set_user_counts(timer, n, user_counts(timer, n));
            timer->running[n] = value & 1;
        }
        break;
    case REG_CONFIGURATION:
        if (n != SYSTEM)
            break;
        for (unsigned i = 0; i < timer->cpus; i++) {
            uint32_t bit = 1u << i;
            if ((timer->user_mode ^ (uint32_t)value) & bit) {
                timer->user_mode ^= bit;
                if (timer->user_mode & bit)
                    irq_lower(timer->irq[i]);
                timer->limit[i] = 0;
                timer->running[i] = 1;
                set_user_counts(timer, i, 0);
                acknowledge(timer, i);
                arm(timer, i);
            }
        }
        break;
    default: break;
    }
}

static bool timer_init(struct device *dev, GError **error)
{
    struct slavio_timer *timer = (struct slavio_timer *)dev;
    for (unsigned n = 0; n < SLAVIO_TIMERS; n++) {
        g_autofree char *name =
            n == SYSTEM ? g_strdup_printf("%s.system", dev->id) : g_strdup_printf("%s.cpu%u", dev->id, n);
        timer->counter[n].timer = timer;
        clock_event_init(&timer->counter[n].event, dev->machine->clock, name, limit_reached,
                         &timer->counter[n]);
    }
    return true;
}

static void timer_reset(struct device *dev, enum reset_kind kind)
{
    struct slavio_timer *timer = (struct slavio_timer *)dev;
    timer->user_mode = 0;
    for (unsigned n = 0; n < SLAVIO_TIMERS; n++) {
        timer->limit[n] = 0;
        timer->start[n] = now(timer);
        timer->running[n] = 1;
        timer->stopped[n] = 0;
        acknowledge(timer, n);
        if (n < timer->cpus || n == SYSTEM)
            arm(timer, n);
    }
}

static void timer_finish(struct device *dev)
{
    struct slavio_timer *timer = (struct slavio_timer *)dev;
    for (unsigned n = 0; n < SLAVIO_TIMERS; n++)
        clock_event_finish(&timer->counter[n].event);
}

static const struct state_field fields[] = {
    STATE_ARRAY(struct slavio_timer, limit),     STATE_ARRAY(struct slavio_timer, start),
    STATE_ARRAY(struct slavio_timer, due),       STATE_ARRAY(struct slavio_timer, reached),
    STATE_ARRAY(struct slavio_timer, stopped),   STATE_ARRAY(struct slavio_timer, running),
    STATE_FIELD(struct slavio_timer, user_mode), STATE_END,
};

static const struct device_property properties[] = {
    {"cpus", PROPERTY_U32, offsetof(struct slavio_timer, cpus), 1, NULL, 1, SLAVIO_TIMER_CPUS,
     "processors with a counter"},
    {NULL},
};

const struct device_class slavio_timer_class = {
    .name = "slavio-timer",
    .description = "SLAVIO counter/timers (NCR89C105)",
    .size = sizeof(struct slavio_timer),
    .version = 1,
    .init = timer_init,
    .reset = timer_reset,
    .finish = timer_finish,
    .fields = fields,
    .properties = properties,
};

void slavio_timer_map(struct slavio_timer *timer, struct bus *bus, uint64_t cpu_base, uint64_t system_base)
{
    for (unsigned cpu = 0; cpu < timer->cpus; cpu++) {
        bus_map(bus, &(struct bus_region){.name = "processor counter",
                                          .start = cpu_base + cpu * CPU_STRIDE,
                                          .size = 0x10,
                                          .kind = BUS_MMIO,
                                          .dev = &timer->dev,
                                          .read = timer_read,
                                          .write = timer_write,
                                          .register_offset = cpu * CPU_STRIDE,
                                          .widths = BUS_WIDTH_32});
    }
    bus_map(bus, &(struct bus_region){.name = "system counter",
                                      .start = system_base,
                                      .size = 0x14,
                                      .kind = BUS_MMIO,
                                      .dev = &timer->dev,
                                      .read = timer_read,
                                      .write = timer_write,
                                      .register_offset = SYSTEM_BANK,
                                      .widths = BUS_WIDTH_32});
}
