/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Building, describing and freeing a machine, and the calls that devices and the engine make on it. The loop
 * is in loop.c, saved state in machine_state.c. */
#include "emulator/core/machine.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "emulator/core/log.h"
#include "emulator/core/machine_private.h"

/* What a deterministic machine's clock chip shows at power on: 2001-01-01 00:00:00 UTC. */
#define FIXED_RTC_BASE INT64_C(978307200)

struct post {
    void (*fn)(struct machine *machine, void *data);
    void *data;
};

static uint64_t instruction_source(void *opaque)
{
    return machine_icount(opaque);
}

static void deadline_changed(void *opaque)
{
    struct machine *machine = opaque;
    struct machine_private *priv = machine->priv;
    if (priv->running && clock_next_deadline(machine->clock) < priv->slice_deadline) {
        priv->slice_deadline = clock_next_deadline(machine->clock);
        priv->running->driver->kick(priv->running);
    }
}

struct machine *machine_new(const char *id, const struct machine_options *options)
{
    struct machine *machine = g_new0(struct machine, 1);
    machine->id = g_strdup(id);
    machine->options = *options;
    machine->options.log = g_strdup(options->log);
    if (machine->options.rtc_base == INT64_MIN)
        machine->options.rtc_base =
            options->deterministic ? FIXED_RTC_BASE : g_get_real_time() / G_USEC_PER_SEC;
    if (machine->options.ns_per_insn <= 0)
        machine->options.ns_per_insn = 10;
    machine->memory = memory_new();
    machine->buses = g_ptr_array_new();
    machine->clock =
        clock_new(options->deterministic ? CLOCK_INSTRUCTIONS : CLOCK_HOST, machine->options.ns_per_insn);
    clock_set_instruction_source(machine->clock, instruction_source, machine);
    clock_set_deadline_listener(machine->clock, deadline_changed, machine);
    machine->devices = g_ptr_array_new();
    machine->block_backends = g_ptr_array_new();
    machine->char_backends = g_ptr_array_new();
    machine->net_backends = g_ptr_array_new();
    machine->inputs = g_array_new(FALSE, FALSE, sizeof(struct input_sink));
    machine->pollers = g_array_new(FALSE, FALSE, sizeof(struct machine_poller *));
    machine->run_state = MACHINE_PAUSED;

    struct machine_private *priv = machine->priv = g_new0(struct machine_private, 1);
    g_mutex_init(&priv->lock);
    g_queue_init(&priv->posts);
    priv->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (priv->wake_fd < 0)
        g_error("eventfd: %s", g_strerror(errno));
    priv->insns_per_ns = 0.05;
    priv->icount_limit = UINT64_MAX;
    priv->fds = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    return machine;
}

void machine_free(struct machine *machine)
{
    if (!machine)
        return;
    struct machine_private *priv = machine->priv;
    /* Workers first: no completion may arrive while devices go. */
    machine_drain_blocks(machine);
    for (unsigned i = machine->devices->len; i-- > 0;)
        device_free(machine->devices->pdata[i]);
    for (unsigned i = 0; i < machine->block_backends->len; i++)
        block_backend_free(machine->block_backends->pdata[i]);
    for (unsigned i = 0; i < machine->char_backends->len; i++)
        char_backend_free(machine->char_backends->pdata[i]);
    for (unsigned i = 0; i < machine->net_backends->len; i++)
        net_backend_free(machine->net_backends->pdata[i]);
    audio_backend_free(machine->audio);
    for (unsigned i = 0; i < machine->buses->len; i++)
        bus_free(machine->buses->pdata[i]);
    memory_free(machine->memory);
    clock_free(machine->clock);
    display_surface_finish(&machine->surface);
    g_ptr_array_unref(machine->devices);
    g_ptr_array_unref(machine->buses);
    g_ptr_array_unref(machine->block_backends);
    g_ptr_array_unref(machine->char_backends);
    g_ptr_array_unref(machine->net_backends);
    g_array_unref(machine->inputs);
    g_array_unref(machine->pollers);
    for (struct post *post; (post = g_queue_pop_head(&priv->posts));)
        g_free(post);
    g_array_unref(priv->fds);
    close(priv->wake_fd);
    g_mutex_clear(&priv->lock);
    g_free(priv);
    g_free(machine->message);
    g_free((char *)(uintptr_t)machine->options.log);
    log_close(machine->guest_log);
    g_free(machine->id);
    g_free(machine);
}

struct bus *machine_add_bus(struct machine *machine, const char *name, enum bus_endian endian,
                            enum bus_unassigned unassigned)
{
    struct bus *bus = bus_new(machine->memory, name, endian, unassigned);
    g_ptr_array_add(machine->buses, bus);
    if (!machine->bus)
        machine->bus = bus;
    return bus;
}

void machine_add_cpu(struct machine *machine, struct cpu *cpu)
{
    g_assert(machine->cpu_count < MACHINE_MAX_CPUS);
    cpu->index = machine->cpu_count;
    machine->cpus[machine->cpu_count++] = cpu;
}

void machine_set_display(struct machine *machine, const struct display_source *source)
{
    machine->display_source = *source;
}

void machine_add_input(struct machine *machine, const struct input_sink *sink)
{
    g_array_append_val(machine->inputs, *sink);
}

void machine_add_poller(struct machine *machine, struct machine_poller *poller)
{
    g_array_append_val(machine->pollers, poller);
}

void machine_remove_poller(struct machine *machine, struct machine_poller *poller)
{
    for (unsigned i = 0; i < machine->pollers->len; i++) {
        if (g_array_index(machine->pollers, struct machine_poller *, i) == poller) {
            g_array_remove_index(machine->pollers, i);
            return;
        }
    }
}

struct device *machine_find_device(struct machine *machine, const char *id)
{
    for (unsigned i = 0; i < machine->devices->len; i++) {
        struct device *dev = machine->devices->pdata[i];
        if (!strcmp(dev->id, id))
            return dev;
    }
    return NULL;
}

int64_t machine_rtc_seconds(struct machine *machine)
{
    return machine->options.rtc_base + clock_now(machine->clock) / NS_PER_SECOND;
}

/* ---- requests ---- */

static void end_slice(struct machine *machine)
{
    if (machine->priv->running)
        machine->priv->running->driver->kick(machine->priv->running);
}

void machine_request_reset(struct machine *machine)
{
    machine->priv->reset_pending = true;
    end_slice(machine);
}

void machine_request_power_off(struct machine *machine, int exit_status)
{
    machine->priv->off_pending = true;
    machine->priv->off_status = exit_status;
    end_slice(machine);
}

static void set_run_state(struct machine *machine, enum machine_run_state state)
{
    if (machine->run_state == state)
        return;
    machine->run_state = state;
    if (state == MACHINE_RUNNING)
        clock_resume(machine->clock);
    else
        clock_pause(machine->clock);
    machine_update_stats(machine, true);
    if (machine->events.run_state)
        machine->events.run_state(machine->events.opaque, state);
}

void machine_fail(struct machine *machine, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_free(machine->message);
    machine->message = g_strdup_vprintf(format, args);
    va_end(args);
    machine->exit_status = 1;
    end_slice(machine);
    set_run_state(machine, MACHINE_ERROR);
}

void machine_set_running(struct machine *machine, bool running)
{
    if (machine->run_state != MACHINE_PAUSED && machine->run_state != MACHINE_RUNNING)
        return;
    if (running) {
        GSList *parked = g_steal_pointer(&machine->priv->parked);
        parked = g_slist_reverse(parked);
        for (GSList *item = parked; item; item = item->next) {
            struct block_request *request = item->data;
            request->backend->ops->submit(request->backend, request);
        }
        g_slist_free(parked);
        g_clear_pointer(&machine->message, g_free);
    } else {
        end_slice(machine);
    }
    set_run_state(machine, running ? MACHINE_RUNNING : MACHINE_PAUSED);
}

void machine_reset(struct machine *machine, enum reset_kind kind)
{
    machine->priv->reset_pending = false;
    for (unsigned i = 0; i < machine->devices->len; i++) {
        struct device *dev = machine->devices->pdata[i];
        if (dev->cls->reset)
            dev->cls->reset(dev, kind);
    }
    if (machine->events.guest_reset)
        machine->events.guest_reset(machine->events.opaque);
}

/* Called by the loop at a safe point. */
void machine_do_requests(struct machine *machine);
void machine_do_requests(struct machine *machine)
{
    struct machine_private *priv = machine->priv;
    for (;;) {
        g_mutex_lock(&priv->lock);
        struct post *post = g_queue_pop_head(&priv->posts);
        g_mutex_unlock(&priv->lock);
        if (!post)
            break;
        post->fn(machine, post->data);
        g_free(post);
    }
    if (priv->off_pending) {
        priv->off_pending = false;
        machine->exit_status = priv->off_status;
        set_run_state(machine, MACHINE_OFF);
    }
    if (priv->reset_pending)
        machine_reset(machine, RESET_HARD);
}

/* ---- other threads ---- */

void machine_wake(struct machine *machine)
{
    if (!atomic_exchange(&machine->priv->woken, true)) {
        uint64_t one = 1;
        ssize_t ignored = write(machine->priv->wake_fd, &one, sizeof one);
        (void)ignored; /* the counter can't be full: it is read when `woken` goes back */
        struct cpu *cpu = __atomic_load_n(&machine->priv->running, __ATOMIC_SEQ_CST);
        if (cpu)
            cpu->driver->kick(cpu);
    }
}

void machine_post(struct machine *machine, void (*fn)(struct machine *machine, void *data), void *data)
{
    struct post *post = g_new(struct post, 1);
    *post = (struct post){fn, data};
    g_mutex_lock(&machine->priv->lock);
    g_queue_push_tail(&machine->priv->posts, post);
    g_mutex_unlock(&machine->priv->lock);
    machine_wake(machine);
}

void machine_block_completed(struct machine *machine, struct block_request *request)
{
    g_mutex_lock(&machine->priv->lock);
    request->next = machine->priv->completed;
    machine->priv->completed = request;
    g_mutex_unlock(&machine->priv->lock);
    atomic_fetch_sub(&machine->priv->requests_in_flight, 1);
    machine_wake(machine);
}

void machine_collect_completions(struct machine *machine)
{
    struct machine_private *priv = machine->priv;
    g_mutex_lock(&priv->lock);
    struct block_request *list = g_steal_pointer(&priv->completed), *ordered = NULL;
    g_mutex_unlock(&priv->lock);
    while (list) { /* into order of completion */
        struct block_request *next = list->next;
        list->next = ordered;
        ordered = list;
        list = next;
    }
    while (ordered) {
        struct block_request *request = g_steal_pointer(&ordered);
        ordered = g_steal_pointer(&request->next);
        if (request->result == ENOSPC) {
            /* Nothing is lost: the request waits, the guest too, until there is room. */
            priv->parked = g_slist_prepend(priv->parked, request);
            g_free(machine->message);
            machine->message =
                g_strdup_printf("The disk of this computer is full: the machine is paused. Make room for "
                                "“%s” and resume.",
                                request->backend->id);
            machine_set_running(machine, false);
        } else {
            clock_event_set(&request->delivery, clock_now(machine->clock));
        }
    }
}

void machine_drain_blocks(struct machine *machine)
{
    for (unsigned i = 0; i < machine->block_backends->len; i++) {
        struct block_backend *backend = machine->block_backends->pdata[i];
        backend->ops->drain(backend);
    }
}

/* ---- figures, picture, input ---- */

uint64_t machine_icount(const struct machine *machine)
{
    const struct machine_private *priv = machine->priv;
    return priv->base_icount +
           (priv->running ? priv->running->driver->icount(priv->running) - priv->slice_start : 0);
}

void machine_note_network(struct machine *machine)
{
    machine->priv->last_network = machine_host_ns();
}

void machine_get_stats(struct machine *machine, struct machine_stats *stats)
{
    g_mutex_lock(&machine->priv->lock);
    *stats = machine->priv->stats;
    g_mutex_unlock(&machine->priv->lock);
}

void machine_render(struct machine *machine, bool full)
{
    if (!machine->display_source.render)
        return;
    machine->display_source.render(machine->display_source.opaque, &machine->surface, full);
    if (machine->surface.damage.width) {
        if (machine->events.frame)
            machine->events.frame(machine->events.opaque, &machine->surface);
        if (!full)
            machine->priv->asking_since = 0; /* the guest draws, too */
        machine->surface.damage = (struct display_rect){0};
    }
}

void machine_set_watched(struct machine *machine, bool watched)
{
    machine->priv->watched = watched;
    if (watched)
        machine_render(machine, true);
}

#define FOR_EACH_SINK(machine, member, ...)                                                                  \
    for (unsigned i_ = 0; i_ < (machine)->inputs->len; i_++) {                                               \
        const struct input_sink *sink_ = &g_array_index((machine)->inputs, struct input_sink, i_);           \
        if (sink_->member)                                                                                   \
            sink_->member(sink_->opaque, __VA_ARGS__);                                                       \
    }

void machine_input_key(struct machine *machine, unsigned code, bool down)
{
    FOR_EACH_SINK(machine, key, code, down)
}

void machine_input_pointer_relative(struct machine *machine, int dx, int dy)
{
    FOR_EACH_SINK(machine, pointer_relative, dx, dy)
}

void machine_input_pointer_absolute(struct machine *machine, unsigned x, unsigned y)
{
    FOR_EACH_SINK(machine, pointer_absolute, x, y)
}

void machine_input_button(struct machine *machine, unsigned code, bool down)
{
    FOR_EACH_SINK(machine, button, code, down)
}

void machine_input_wheel(struct machine *machine, int dx, int dy)
{
    FOR_EACH_SINK(machine, wheel, dx, dy)
}

void machine_input_release(struct machine *machine)
{
    for (unsigned i = 0; i < machine->inputs->len; i++) {
        const struct input_sink *sink = &g_array_index(machine->inputs, struct input_sink, i);
        if (sink->release)
            sink->release(sink->opaque);
    }
}

char *machine_describe(struct machine *machine)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "machine %s\n", machine->id);
    for (unsigned i = 0; i < machine->devices->len; i++) {
        const struct device *dev = machine->devices->pdata[i];
        g_string_append_printf(text, "device %-16s %-16s %s\n", dev->id, dev->cls->name,
                               dev->cls->description ? dev->cls->description : "");
        for (const struct device_property *p = dev->cls->properties; p && p->name; p++) {
            const void *member = (const char *)dev + p->offset;
            g_string_append_printf(text, "  %s = ", p->name);
            switch (p->type) {
            case PROPERTY_BOOL: g_string_append(text, *(const bool *)member ? "yes" : "no"); break;
            case PROPERTY_U32: g_string_append_printf(text, "%u", *(const uint32_t *)member); break;
            case PROPERTY_U64:
                g_string_append_printf(text, "%" G_GUINT64_FORMAT, *(const uint64_t *)member);
                break;
            case PROPERTY_STRING: {
                const char *string = *(char *const *)member;
                g_string_append(text, string ? string : "(none)");
                break;
            }
            }
            g_string_append_c(text, '\n');
        }
        if (dev->cls->describe)
            dev->cls->describe(machine->devices->pdata[i], text);
    }
    for (unsigned i = 0; i < machine->buses->len; i++) {
        struct bus *bus = machine->buses->pdata[i];
        g_autofree char *map = bus_describe(bus);
        g_string_append_printf(text, "bus %s\n%s", bus_name(bus), map);
    }
    return g_string_free(text, FALSE);
}
