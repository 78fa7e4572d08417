/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The machine's loop: requests, due events, the world's file descriptors, then a slice of a CPU, which ends
 * no later than the next event. A machine whose CPUs all wait sleeps until the next event, or skips to it.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "emulator/core/machine_private.h"
#include "emulator/core/i18n.h"

#define SLICE_NS         (1 * NS_PER_MS) /* host time of a slice, about */
#define POLL_EVERY_NS    (1 * NS_PER_MS) /* host time between looks at file descriptors while busy */
#define RENDER_EVERY_NS  (NS_PER_SECOND / 60)
#define STATS_EVERY_NS   (NS_PER_SECOND / 2)
#define NETWORK_GRACE_NS (20 * NS_PER_MS) /* with warp: how long an answer from the network is waited for */
#define ASKING_INSNS     50000               /* a guest that asks at least this often does nothing else */
#define ASKING_NS        (3 * NS_PER_SECOND) /* for so long (host time), and it is believed to wait */
#define NAP_NS           (4 * NS_PER_MS)     /* from then on it rests so long after each question */
#define MIN_BUDGET       500
#define MAX_BUDGET       20000000
#define MULTI_CPU_BUDGET 20000 /* several CPUs take turns this often */

void machine_do_requests(struct machine *machine);

int64_t machine_host_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/* Waits at most `timeout_ns` (0 = look only, -1 = for ever) for file descriptors or a wake-up, and serves
 * them. */
static void poll_world(struct machine *machine, int64_t timeout_ns)
{
    struct machine_private *priv = machine->priv;
    GArray *fds = priv->fds;
    g_array_set_size(fds, 0);
    struct pollfd wake = {.fd = priv->wake_fd, .events = POLLIN};
    g_array_append_val(fds, wake);
    unsigned count = machine->pollers->len;
    g_autofree unsigned *first = g_new(unsigned, count + 1);
    int limit_ms = -1;
    for (unsigned i = 0; i < count; i++) {
        struct machine_poller *poller = g_array_index(machine->pollers, struct machine_poller *, i);
        first[i] = fds->len;
        poller->prepare(poller->opaque, fds, &limit_ms);
    }
    if (limit_ms >= 0 && (timeout_ns < 0 || timeout_ns > limit_ms * NS_PER_MS))
        timeout_ns = limit_ms * NS_PER_MS;
    struct timespec timeout = {.tv_sec = timeout_ns / NS_PER_SECOND, .tv_nsec = timeout_ns % NS_PER_SECOND};
    if (ppoll((struct pollfd *)fds->data, fds->len, timeout_ns < 0 ? NULL : &timeout, NULL) < 0) {
        for (unsigned i = 0; i < fds->len; i++)
            g_array_index(fds, struct pollfd, i).revents = 0;
    }
    if (g_array_index(fds, struct pollfd, 0).revents) {
        uint64_t value;
        ssize_t ignored = read(priv->wake_fd, &value, sizeof value);
        (void)ignored;
    }
    atomic_store(&priv->woken, false);
    /* A dispatch may add or remove pollers (a connection ends): only those that are still there, by identity.
     */
    for (unsigned i = 0; i < count && i < machine->pollers->len; i++) {
        struct machine_poller *poller = g_array_index(machine->pollers, struct machine_poller *, i);
        poller->dispatch(poller->opaque, fds, first[i]);
    }
    priv->last_poll = machine_host_ns();
    machine_collect_completions(machine);
}

void machine_update_stats(struct machine *machine, bool now)
{
    struct machine_private *priv = machine->priv;
    int64_t host_now = machine_host_ns();
    int64_t elapsed = host_now - priv->stats_host;
    if (elapsed < STATS_EVERY_NS && !now)
        return;
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    int64_t cpu_time = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_SECOND +
                       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * NS_PER_US;
    int64_t virtual_now = clock_now(machine->clock);
    uint64_t icount = machine_icount(machine);
    g_mutex_lock(&priv->lock);
    priv->stats.icount = icount;
    priv->stats.virtual_ns = virtual_now;
    if (priv->stats_host && elapsed >= STATS_EVERY_NS) {
        priv->stats.speed_percent = 100.0 * (double)(virtual_now - priv->stats_virtual) / (double)elapsed;
        priv->stats.mips = 1000.0 * (double)(icount - priv->stats_icount) / (double)elapsed;
        priv->stats.host_cpu_percent = 100.0 * (double)(cpu_time - priv->stats_cpu_time) / (double)elapsed;
    }
    g_mutex_unlock(&priv->lock);
    priv->stats_host = host_now;
    priv->stats_virtual = virtual_now;
    priv->stats_icount = icount;
    priv->stats_cpu_time = cpu_time;
}

static struct cpu *next_cpu(struct machine *machine)
{
    for (unsigned i = 0; i < machine->cpu_count; i++) {
        unsigned index = (machine->current_cpu + i) % machine->cpu_count;
        struct cpu *cpu = machine->cpus[index];
        if (!cpu->idle && !cpu->stopped) {
            machine->current_cpu = index;
            return cpu;
        }
    }
    return NULL;
}

/* Whether the guest has done nothing for a while but ask whether something has come from outside. Time that
 * follows the instructions cannot be slept away. */
static bool only_asks(const struct machine *machine)
{
    const struct machine_private *priv = machine->priv;
    return priv->asking_since && machine_host_ns() - priv->asking_since >= ASKING_NS &&
           clock_mode(machine->clock) == CLOCK_HOST;
}

static void note_slice(struct machine *machine, uint64_t executed)
{
    struct machine_private *priv = machine->priv;
    if (executed < 2 * ASKING_INSNS && !priv->asked)
        return; /* too short to tell */
    uint64_t writes = memory_device_writes(machine->memory);
    if (writes != priv->device_writes || executed / MAX(priv->asked, 1) > ASKING_INSNS)
        priv->asking_since = 0;
    else if (!priv->asking_since)
        priv->asking_since = machine_host_ns();
    priv->device_writes = writes;
    priv->asked = 0;
}

static void run_slice(struct machine *machine, struct cpu *cpu, int64_t until_ns)
{
    struct machine_private *priv = machine->priv;
    int64_t deadline = MIN(clock_next_deadline(machine->clock), until_ns < 0 ? INT64_MAX : until_ns);
    const bool counting = clock_mode(machine->clock) == CLOCK_INSTRUCTIONS;
    int64_t host_start = machine_host_ns();

    double wanted = priv->insns_per_ns * (double)SLICE_NS;
    if (!counting) {
        int64_t left = deadline == INT64_MAX ? SLICE_NS : deadline - clock_now(machine->clock);
        wanted = priv->insns_per_ns * (double)CLAMP(left, 0, SLICE_NS);
    }
    uint64_t budget = (uint64_t)CLAMP(wanted, MIN_BUDGET, MAX_BUDGET);
    if (counting && deadline != INT64_MAX)
        budget = MIN(budget, MAX(clock_instructions_until(machine->clock, deadline), 1));
    if (machine->cpu_count > 1)
        budget = MIN(budget, MULTI_CPU_BUDGET);
    if (priv->icount_limit != UINT64_MAX)
        budget = MIN(budget, priv->icount_limit - machine_icount(machine));

    priv->slice_start = cpu->driver->icount(cpu);
    priv->slice_deadline = deadline;
    __atomic_store_n(&priv->running, cpu, __ATOMIC_SEQ_CST);
    enum cpu_stop stop = atomic_load(&priv->woken) ? CPU_STOP_BUDGET : cpu->driver->run(cpu, budget);
    uint64_t executed = cpu->driver->icount(cpu) - priv->slice_start;
    __atomic_store_n(&priv->running, NULL, __ATOMIC_SEQ_CST);
    priv->base_icount += executed;
    note_slice(machine, executed);
    machine->current_cpu = (machine->current_cpu + 1) % machine->cpu_count;

    int64_t host_time = machine_host_ns() - host_start;
    if (host_time > 50 * NS_PER_US && executed) {
        double rate = (double)executed / (double)host_time;
        priv->insns_per_ns = 0.75 * priv->insns_per_ns + 0.25 * rate;
    }
    if (stop == CPU_STOP_HALTED && machine->run_state == MACHINE_RUNNING && !priv->reset_pending &&
        !priv->off_pending)
        machine_fail(machine, _("The processor stopped: it met an error that it can only leave by a reset."));
}

static bool may_skip_time(struct machine *machine)
{
    if (machine->options.deterministic)
        return true;
    return machine->options.warp && !atomic_load(&machine->priv->requests_in_flight) &&
           machine_host_ns() - machine->priv->last_network > NETWORK_GRACE_NS;
}

/* Every CPU waits. */
static void wait_idle(struct machine *machine, int64_t until_ns)
{
    struct machine_private *priv = machine->priv;
    int64_t deadline = MIN(clock_next_deadline(machine->clock), until_ns < 0 ? INT64_MAX : until_ns);
    if (may_skip_time(machine) && deadline != INT64_MAX) {
        if (machine_host_ns() - priv->last_poll >= POLL_EVERY_NS || atomic_load(&priv->woken))
            poll_world(machine, 0);
        if (next_cpu(machine) || atomic_load(&priv->woken) || !may_skip_time(machine))
            return;
        clock_skip_to(machine->clock, MIN(deadline, clock_next_deadline(machine->clock)));
        return;
    }
    int64_t timeout = deadline == INT64_MAX ? -1 : MAX(deadline - clock_now(machine->clock), 0);
    if (machine->options.warp && (timeout < 0 || timeout > NETWORK_GRACE_NS))
        timeout = NETWORK_GRACE_NS;
    if (priv->watched) {
        int64_t to_frame = MAX(priv->last_render + RENDER_EVERY_NS - machine_host_ns(), 0);
        timeout = timeout < 0 ? to_frame : MIN(timeout, to_frame);
    }
    if (machine->options.deterministic && timeout < 0 && priv->icount_limit != UINT64_MAX)
        return;
    poll_world(machine, timeout);
}

/* The guest waits for what comes from outside: the host looks at that, and at nothing else. */
static void nap(struct machine *machine)
{
    poll_world(machine, CLAMP(clock_next_deadline(machine->clock) - clock_now(machine->clock), 0, NAP_NS));
}

static bool limit_reached(struct machine *machine, int64_t until_ns)
{
    struct machine_private *priv = machine->priv;
    if (priv->quit)
        return true;
    if (priv->icount_limit != UINT64_MAX &&
        (machine->run_state != MACHINE_RUNNING || machine_icount(machine) >= priv->icount_limit))
        return true;
    return until_ns >= 0 && (machine->run_state != MACHINE_RUNNING || clock_now(machine->clock) >= until_ns);
}

void machine_note_asked(struct machine *machine)
{
    struct machine_private *priv = machine->priv;
    priv->asked++;
    if (priv->running && only_asks(machine))
        priv->running->driver->kick(priv->running);
}

void machine_run(struct machine *machine, int64_t until_ns)
{
    struct machine_private *priv = machine->priv;
    g_assert(!priv->in_loop);
    priv->in_loop = true;
    for (;;) {
        /* The world before the requests: a post that comes while the wake-up is taken back wakes nobody. */
        if (machine->run_state == MACHINE_RUNNING &&
            (atomic_load(&priv->woken) || machine_host_ns() - priv->last_poll >= POLL_EVERY_NS))
            poll_world(machine, 0);
        machine_do_requests(machine);
        int64_t host_now = machine_host_ns();
        if (machine->run_state != MACHINE_RUNNING) {
            if (limit_reached(machine, until_ns))
                break;
            struct pollfd wake = {.fd = priv->wake_fd, .events = POLLIN};
            poll(&wake, 1, -1);
            uint64_t value;
            ssize_t ignored = read(priv->wake_fd, &value, sizeof value);
            (void)ignored;
            atomic_store(&priv->woken, false);
            machine_collect_completions(machine);
            continue;
        }
        clock_run_due(machine->clock);
        if (limit_reached(machine, until_ns))
            break;
        if (priv->reset_pending || priv->off_pending || machine->run_state != MACHINE_RUNNING)
            continue;
        if (priv->watched && host_now - priv->last_render >= RENDER_EVERY_NS) {
            priv->last_render = host_now;
            machine_render(machine, false);
        }
        if (host_now - priv->stats_host >= STATS_EVERY_NS)
            machine_update_stats(machine, false);
        struct cpu *cpu = next_cpu(machine);
        if (cpu) {
            run_slice(machine, cpu, until_ns);
            if (only_asks(machine))
                nap(machine);
        } else {
            if (priv->icount_limit != UINT64_MAX && clock_next_deadline(machine->clock) == INT64_MAX)
                break; /* nothing will ever happen */
            wait_idle(machine, until_ns);
        }
    }
    priv->quit = false;
    priv->in_loop = false;
}

void machine_quit(struct machine *machine)
{
    machine->priv->quit = true;
}

void machine_run_until_icount(struct machine *machine, uint64_t icount)
{
    machine->priv->icount_limit = icount;
    if (machine_icount(machine) < icount)
        machine_run(machine, -1);
    machine->priv->icount_limit = UINT64_MAX;
}
