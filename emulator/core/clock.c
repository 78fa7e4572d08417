/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The virtual clock and its heap of named events. */
#include "emulator/core/clock.h"

#include <string.h>

#include "emulator/core/i18n.h"
#include "emulator/core/state.h"

struct clock {
    enum clock_mode mode;
    uint64_t ns_per_insn_32_32; /* fixed point, so that any host counts alike */
    double ns_per_insn;
    uint64_t (*icount)(void *opaque);
    void *icount_opaque;
    void (*deadline_changed)(void *opaque);
    void *deadline_opaque;

    int64_t skipped;    /* added to the instructions' time; host mode: to the host's time */
    int64_t host_start; /* host mode, running: monotonic ns that stands for virtual 0 (less `skipped`) */
    int64_t paused_at;  /* host mode, paused: virtual ns */
    bool paused;

    GHashTable *names; /* name -> struct clock_event * */
    GPtrArray *heap;   /* struct clock_event *, the first is the earliest */
    uint64_t next_order;
};

static int64_t host_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

struct clock *clock_new(enum clock_mode mode, double ns_per_insn)
{
    struct clock *clock = g_new0(struct clock, 1);
    clock->mode = mode;
    clock->ns_per_insn = ns_per_insn;
    clock->ns_per_insn_32_32 = (uint64_t)(ns_per_insn * 4294967296.0);
    clock->paused = true;
    clock->names = g_hash_table_new(g_str_hash, g_str_equal);
    clock->heap = g_ptr_array_new();
    return clock;
}

void clock_free(struct clock *clock)
{
    if (!clock)
        return;
    g_ptr_array_unref(clock->heap);
    g_hash_table_unref(clock->names);
    g_free(clock);
}

void clock_set_instruction_source(struct clock *clock, uint64_t (*icount)(void *opaque), void *opaque)
{
    clock->icount = icount;
    clock->icount_opaque = opaque;
}

void clock_set_deadline_listener(struct clock *clock, void (*changed)(void *opaque), void *opaque)
{
    clock->deadline_changed = changed;
    clock->deadline_opaque = opaque;
}

enum clock_mode clock_mode(const struct clock *clock)
{
    return clock->mode;
}

double clock_ns_per_insn(const struct clock *clock)
{
    return clock->ns_per_insn;
}

static int64_t instruction_ns(const struct clock *clock)
{
    uint64_t icount = clock->icount ? clock->icount(clock->icount_opaque) : 0;
    return (int64_t)((unsigned __int128)icount * clock->ns_per_insn_32_32 >> 32);
}

int64_t clock_now(const struct clock *clock)
{
    if (clock->mode == CLOCK_INSTRUCTIONS)
        return instruction_ns(clock) + clock->skipped;
    return clock->paused ? clock->paused_at : host_ns() - clock->host_start + clock->skipped;
}

uint64_t clock_instructions_until(const struct clock *clock, int64_t deadline)
{
    uint64_t icount = clock->icount ? clock->icount(clock->icount_opaque) : 0;
    int64_t wanted = deadline - clock->skipped;
    if (wanted <= instruction_ns(clock) || !clock->ns_per_insn_32_32)
        return 0;
    /* The least count whose time is not before `wanted`. */
    unsigned __int128 scaled = ((unsigned __int128)wanted << 32) + clock->ns_per_insn_32_32 - 1;
    unsigned __int128 least = scaled / clock->ns_per_insn_32_32;
    return least > UINT64_MAX ? UINT64_MAX - icount : (uint64_t)least - icount;
}

void clock_pause(struct clock *clock)
{
    if (!clock->paused) {
        clock->paused_at = clock_now(clock);
        clock->paused = true;
    }
}

void clock_resume(struct clock *clock)
{
    if (clock->paused) {
        clock->paused = false;
        clock->skipped = clock->mode == CLOCK_HOST ? 0 : clock->skipped;
        clock->host_start = host_ns() - clock->paused_at;
    }
}

void clock_skip_to(struct clock *clock, int64_t ns)
{
    int64_t now = clock_now(clock);
    if (ns <= now)
        return;
    if (clock->mode == CLOCK_HOST && clock->paused)
        clock->paused_at = ns;
    else
        clock->skipped += ns - now;
}

/* ---- the heap: children of i at 2i+1, 2i+2 ---- */

static bool earlier(const struct clock_event *a, const struct clock_event *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->order < b->order;
}

static void place(struct clock *clock, unsigned index, struct clock_event *event)
{
    clock->heap->pdata[index] = event;
    event->heap_index = (int)index;
}

static void sift_up(struct clock *clock, unsigned index)
{
    struct clock_event *event = clock->heap->pdata[index];
    while (index && earlier(event, clock->heap->pdata[(index - 1) / 2])) {
        place(clock, index, clock->heap->pdata[(index - 1) / 2]);
        index = (index - 1) / 2;
    }
    place(clock, index, event);
}

static void sift_down(struct clock *clock, unsigned index)
{
    struct clock_event *event = clock->heap->pdata[index];
    for (;;) {
        unsigned child = 2 * index + 1;
        if (child >= clock->heap->len)
            break;
        if (child + 1 < clock->heap->len && earlier(clock->heap->pdata[child + 1], clock->heap->pdata[child]))
            child++;
        if (!earlier(clock->heap->pdata[child], event))
            break;
        place(clock, index, clock->heap->pdata[child]);
        index = child;
    }
    place(clock, index, event);
}

static void heap_remove(struct clock *clock, struct clock_event *event)
{
    unsigned index = (unsigned)event->heap_index;
    struct clock_event *last = clock->heap->pdata[clock->heap->len - 1];
    g_ptr_array_set_size(clock->heap, (int)clock->heap->len - 1);
    event->heap_index = -1;
    if (last != event) {
        place(clock, index, last);
        sift_up(clock, index);
        sift_down(clock, (unsigned)last->heap_index);
    }
}

static void heap_insert(struct clock *clock, struct clock_event *event, int64_t deadline, uint64_t order)
{
    event->deadline = deadline;
    event->order = order;
    g_ptr_array_add(clock->heap, event);
    event->heap_index = (int)clock->heap->len - 1;
    sift_up(clock, clock->heap->len - 1);
}

void clock_event_init(struct clock_event *event, struct clock *clock, const char *name,
                      void (*fire)(void *opaque), void *opaque)
{
    *event = (struct clock_event){
        .clock = clock, .name = g_strdup(name), .fire = fire, .opaque = opaque, .heap_index = -1};
    bool is_new = g_hash_table_insert(clock->names, event->name, event);
    if (!is_new)
        g_error("two clock events are named “%s”", name);
}

void clock_event_finish(struct clock_event *event)
{
    if (!event->clock)
        return;
    clock_event_cancel(event);
    g_hash_table_remove(event->clock->names, event->name);
    g_clear_pointer(&event->name, g_free);
    event->clock = NULL;
}

void clock_event_set(struct clock_event *event, int64_t deadline)
{
    struct clock *clock = event->clock;
    if (event->heap_index >= 0)
        heap_remove(clock, event);
    heap_insert(clock, event, deadline, clock->next_order++);
    if (clock->heap->pdata[0] == event && clock->deadline_changed)
        clock->deadline_changed(clock->deadline_opaque);
}

void clock_event_cancel(struct clock_event *event)
{
    if (event->clock && event->heap_index >= 0)
        heap_remove(event->clock, event);
}

bool clock_event_is_set(const struct clock_event *event)
{
    return event->clock && event->heap_index >= 0;
}

int64_t clock_next_deadline(const struct clock *clock)
{
    return clock->heap->len ? ((struct clock_event *)clock->heap->pdata[0])->deadline : INT64_MAX;
}

unsigned clock_run_due(struct clock *clock)
{
    /* Events that are set while others fire wait for the next call if they were set after it began: a device
     * that re-arms itself in the past can't hold the loop. */
    unsigned fired = 0;
    int64_t now = clock_now(clock);
    uint64_t limit = clock->next_order;
    while (clock->heap->len) {
        struct clock_event *event = clock->heap->pdata[0];
        if (event->deadline > now || event->order >= limit)
            break;
        heap_remove(clock, event);
        event->fire(event->opaque);
        fired++;
    }
    return fired;
}

/* ---- saved state ---- */

static int by_order(const void *a, const void *b)
{
    const struct clock_event *ea = *(struct clock_event *const *)a, *eb = *(struct clock_event *const *)b;
    return ea->order < eb->order ? -1 : ea->order > eb->order;
}

void clock_save(struct clock *clock, GByteArray *out)
{
    state_put_u32(out, clock->mode);
    state_put_u64(out, (uint64_t)clock_now(clock));
    state_put_u64(out, clock->mode == CLOCK_INSTRUCTIONS ? (uint64_t)clock->skipped : 0);
    /* Only the sequence of the orders matters: renumbered, so that save → load → save is the same file. */
    g_autoptr(GPtrArray) events = g_ptr_array_new();
    for (unsigned i = 0; i < clock->heap->len; i++)
        g_ptr_array_add(events, clock->heap->pdata[i]);
    g_ptr_array_sort(events, by_order);
    state_put_u32(out, events->len);
    for (unsigned i = 0; i < events->len; i++) {
        struct clock_event *event = events->pdata[i];
        state_put_string(out, event->name);
        state_put_u64(out, (uint64_t)event->deadline);
    }
}

bool clock_load(struct clock *clock, const uint8_t *data, size_t size, bool apply, GError **error)
{
    struct state_reader reader = {.data = data, .size = size, .ok = true};
    uint32_t mode = state_get_u32(&reader);
    int64_t now = (int64_t)state_get_u64(&reader), skipped = (int64_t)state_get_u64(&reader);
    uint32_t count = state_get_u32(&reader);
    if (!reader.ok || now < 0 || skipped < 0) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_FORMAT, _("The saved clock is damaged."));
        return false;
    }
    if (mode != (uint32_t)clock->mode) {
        g_set_error(error, STATE_ERROR, STATE_ERROR_MISMATCH,
                    _("The state was saved %s deterministic mode; start the machine the same way to load it."),
                    mode == CLOCK_INSTRUCTIONS ? "in" : "outside");
        return false;
    }
    if (apply) {
        while (clock->heap->len)
            heap_remove(clock, clock->heap->pdata[clock->heap->len - 1]);
        clock->skipped = skipped;
        clock->next_order = 0;
        if (clock->mode == CLOCK_HOST) {
            clock->paused_at = now;
            clock->skipped = 0;
            clock->host_start = host_ns() - now;
        }
    }
    g_autoptr(GHashTable) seen = g_hash_table_new(g_direct_hash, g_direct_equal);
    for (uint32_t i = 0; i < count; i++) {
        g_autofree char *name = state_get_string(&reader);
        int64_t deadline = (int64_t)state_get_u64(&reader);
        if (!reader.ok) {
            g_set_error(error, STATE_ERROR, STATE_ERROR_FORMAT, _("The saved clock is damaged."));
            return false;
        }
        struct clock_event *event = g_hash_table_lookup(clock->names, name);
        if (!event || !g_hash_table_add(seen, event)) {
            g_set_error(error, STATE_ERROR, STATE_ERROR_MISMATCH,
                        _("The saved state has a timer “%s” that this machine %s."), name,
                        event ? "would have twice" : "does not have");
            return false;
        }
        if (apply)
            heap_insert(clock, event, deadline, clock->next_order++);
    }
    return true;
}
