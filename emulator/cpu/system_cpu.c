/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "emulator/cpu/system_cpu.h"
#include "emulator/core/i18n.h"
#include "emulator/core/log.h"

#include <errno.h>
#include <string.h>

/* ---- the JIT of a machine as its options want it ---- */

/* `log`: where it writes, NULL for nowhere; to be closed after it. */
static struct jit *make_jit(struct machine *machine, const struct jit_guest *guest, FILE **log, GError **error)
{
    bool interpret = machine->options.accel == ACCEL_INTERP;
    if (!log_open(machine->options.log, "jit", log, error))
        return NULL;
    struct jit_options options = {
        .log = *log,
        .accel = interpret ? JIT_ACCEL_INTERP : JIT_ACCEL_JIT,
        .deterministic = machine->options.deterministic,
        .max_tier = interpret ? 0 : 2,
    };
    struct jit *jit = jit_create(guest, &options, error);
    if (!jit) {
        log_close(*log);
        *log = NULL;
    }
    return jit;
}

/* ---- memory listener ---- */

static void code_written(void *opaque, struct ram_block *block, uint64_t offset, uint64_t size)
{
    struct system_cpu *sys = opaque;
    jit_code_written(sys->jit, block->host + offset, size);
}

static void tracking_armed(void *opaque, struct ram_block *block, uint64_t offset, uint64_t size)
{
    struct system_cpu *sys = opaque;
    jit_track_writes(sys->jit, block->host + offset, size);
}

static void map_changed(void *opaque, struct bus *bus)
{
    struct system_cpu *sys = opaque;
    if (sys->cpu.dev.started && bus == sys->bus)
        sys->map_changed(sys->state);
}

/* ---- life ---- */

struct system_cpu *system_cpu_new(struct machine *machine, const struct device_class *cls, const char *id,
                                  const struct cpu_driver *driver, const struct jit_guest *guest, struct jit *jit,
                                  GError **error)
{
    bool own = !jit;
    FILE *log = NULL;
    if (own && !(jit = make_jit(machine, guest, &log, error)))
        return NULL;
    struct system_cpu *sys = (struct system_cpu *)device_new(machine, cls, id);
    sys->cpu.driver = driver;
    sys->jit = jit;
    sys->owns_jit = own;
    sys->log = log;
    return sys;
}

bool system_cpu_start(struct system_cpu *sys, struct bus *bus, GError **error)
{
    if (!bus) {
        g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_CONFIG, _("The processor %s has no bus."), sys->cpu.dev.id);
        return false;
    }
    sys->bus = bus;
    sys->listener = (struct memory_listener){
        .opaque = sys,
        .code_written = code_written,
        .tracking_armed = tracking_armed,
        .map_changed = map_changed,
    };
    memory_add_listener(bus_memory(bus), &sys->listener);
    return true;
}

void system_cpu_finish(struct system_cpu *sys)
{
    if (sys->bus)
        memory_remove_listener(bus_memory(sys->bus), &sys->listener);
    if (sys->owns_jit)
        jit_destroy(sys->jit);
    log_close(sys->log);
}

/* ---- running ---- */

void system_cpu_sleep(struct system_cpu *sys)
{
    sys->cpu.idle = true;
    sys->state->halted = true;
    jit_end_slice(sys->state);
}

void system_cpu_wake(struct system_cpu *sys)
{
    sys->cpu.idle = false;
    sys->state->halted = false;
}

enum jit_stop system_cpu_run(struct system_cpu *sys, uint64_t budget)
{
    return jit_run(sys->state, (int64_t)MIN(budget, INT64_MAX / 2));
}

uint64_t system_cpu_icount(const struct cpu *cpu)
{
    return jit_icount(((const struct system_cpu *)cpu)->state);
}

void system_cpu_kick(struct cpu *cpu)
{
    __atomic_store_n(&((struct system_cpu *)cpu)->state->stop, 1, __ATOMIC_RELEASE);
}

void system_cpu_describe(struct device *dev, GString *text)
{
    struct system_cpu *sys = (struct system_cpu *)dev;
    if (sys->owns_jit)
        jit_describe_stats(sys->jit, text);
}
