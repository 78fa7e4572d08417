/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The debugger's view of memory: reads and writes, breakpoints, watched pages. See gdb.c. */
#include <string.h>
#include <sys/mman.h>

#include "emulator/user/gdb_private.h"

/* No access of an instruction is longer. */
#define ACCESS_MOST 16

bool user_gdb_watches(const struct point *p)
{
    return p->type == GDB_POINT_WRITE || p->type == GDB_POINT_READ || p->type == GDB_POINT_ACCESS;
}

bool user_gdb_any_watch(const struct user_gdb *gdb)
{
    for (guint i = 0; i < gdb->points->len; i++) {
        if (user_gdb_watches(&g_array_index(gdb->points, struct point, i)))
            return true;
    }
    return false;
}

/* The host's rights of a page as the program has it. */
int user_gdb_page_prot(const struct user_mem *mem, uint64_t page)
{
    unsigned bits = user_mem_page(mem, page);

    return (bits & (USER_PAGE_READ | USER_PAGE_EXEC) ? PROT_READ : 0) |
           (bits & USER_PAGE_WRITE ? PROT_WRITE : 0);
}

/* With the lock held: takes the rights of watched pages away, or gives them back. */
static void guard_pages(struct user_gdb *gdb, bool guard)
{
    struct user_mem *mem = &gdb->process->mem;

    for (guint i = 0; i < gdb->points->len; i++) {
        const struct point *p = &g_array_index(gdb->points, struct point, i);

        if (!user_gdb_watches(p))
            continue;
        for (uint64_t page = p->address & USER_PAGE_MASK; page < p->address + p->size;
             page += USER_PAGE_SIZE) {
            int prot = user_gdb_page_prot(mem, page);

            if (!(user_mem_page(mem, page) & USER_PAGE_MAPPED))
                continue;
            if (guard) {
                bool reads = false;

                /* Several points may stand in one page. */
                for (guint j = 0; j < gdb->points->len; j++) {
                    const struct point *q = &g_array_index(gdb->points, struct point, j);

                    reads |= (q->type == GDB_POINT_READ || q->type == GDB_POINT_ACCESS) &&
                             q->address < page + USER_PAGE_SIZE && q->address + q->size > page;
                }
                prot = reads ? PROT_NONE : prot & PROT_READ;
                /* The translator must not believe in what the table says. */
                mem->page[page >> USER_PAGE_BITS] |= USER_PAGE_FILE;
            }
            mprotect(mem->window + page, USER_PAGE_SIZE, prot);
        }
    }
}

void user_gdb_lift(struct user_gdb *gdb, struct user_gdb_thread *g)
{
    if (!g->lifts && gdb->lifted++ == 0)
        guard_pages(gdb, false);
    g->lifts = true;
}

void user_gdb_unlift(struct user_gdb *gdb, struct user_gdb_thread *g)
{
    if (g->lifts && --gdb->lifted == 0)
        guard_pages(gdb, true);
    g->lifts = false;
}

/* With the lock held and the rights given: a point whose bytes have been written with other ones. */
struct point *user_gdb_written(struct user_gdb *gdb)
{
    for (guint i = 0; i < gdb->points->len; i++) {
        struct point *p = &g_array_index(gdb->points, struct point, i);
        g_autofree uint8_t *now = NULL;

        if (!p->before)
            continue;
        now = g_malloc(p->size);
        if (user_mem_read(&gdb->process->mem, p->address, now, p->size) &&
            memcmp(now, p->before->data, p->size) != 0) {
            memcpy(p->before->data, now, p->size);
            return p;
        }
    }
    return NULL;
}

/* A point that an access at `address`, of a size that is not known, may touch. */
struct point *user_gdb_touched(struct user_gdb *gdb, uint64_t address)
{
    /* Accesses are aligned, so this one is no longer than its address is round. */
    uint64_t size = address ? MIN(address & -address, ACCESS_MOST) : ACCESS_MOST;

    for (guint i = 0; i < gdb->points->len; i++) {
        struct point *p = &g_array_index(gdb->points, struct point, i);

        if (user_gdb_watches(p) && address < p->address + p->size && address + size > p->address)
            return p;
    }
    return NULL;
}

bool user_gdb_in_watched_page(struct user_gdb *gdb, uint64_t address)
{
    for (guint i = 0; i < gdb->points->len; i++) {
        const struct point *p = &g_array_index(gdb->points, struct point, i);
        uint64_t first = p->address & USER_PAGE_MASK, last = (p->address + p->size - 1) & USER_PAGE_MASK;

        if (user_gdb_watches(p) && address + ACCESS_MOST > first && address < last + USER_PAGE_SIZE)
            return true;
    }
    return false;
}

/* With the lock held: writes into read-only pages too, and voids translations. */
bool user_gdb_force_write(struct user_gdb *gdb, uint64_t address, const void *from, size_t size)
{
    struct user_mem *mem = &gdb->process->mem;
    uint64_t first = address & USER_PAGE_MASK, end = (address + size + USER_PAGE_SIZE - 1) & USER_PAGE_MASK;
    bool good = user_mem_host(mem, address, size) != NULL;

    for (uint64_t page = first; good && page < end; page += USER_PAGE_SIZE)
        good = user_mem_page(mem, page) & USER_PAGE_MAPPED &&
               mprotect(mem->window + page, USER_PAGE_SIZE, PROT_READ | PROT_WRITE) == 0;
    good = good && user_mem_write(mem, address, from, size);
    for (uint64_t page = first; page < end; page += USER_PAGE_SIZE) {
        if (user_mem_page(mem, page) & USER_PAGE_MAPPED)
            mprotect(mem->window + page, USER_PAGE_SIZE, user_gdb_page_prot(mem, page));
    }
    if (gdb->lifted == 0)
        guard_pages(gdb, true);
    jit_invalidate_range(gdb->process->jit, address, size);
    return good;
}

/* Reads whatever the program's own rights are, with the bytes below breakpoints. */
/* Bytes of the program that a breakpoint lies on. */
static unsigned hidden_bytes(const struct point *p)
{
    return user_gdb_watches(p) ? 0 : (unsigned)MIN(p->size, sizeof(p->saved));
}

bool user_gdb_read_memory(void *opaque, uint64_t address, void *to, size_t size)
{
    struct user_gdb *gdb = opaque;
    struct user_mem *mem = &gdb->process->mem;
    struct user_gdb_thread self = {0};
    bool good;

    g_mutex_lock(&gdb->lock);
    user_gdb_lift(gdb, &self);
    good = user_mem_read(mem, address, to, size);
    user_gdb_unlift(gdb, &self);
    for (guint i = 0; good && i < gdb->points->len; i++) {
        const struct point *p = &g_array_index(gdb->points, struct point, i);

        for (unsigned b = 0; b < hidden_bytes(p); b++) {
            if (p->address + b - address < size)
                ((uint8_t *)to)[p->address + b - address] = p->saved[b];
        }
    }
    g_mutex_unlock(&gdb->lock);
    return good;
}

bool user_gdb_write_memory(void *opaque, uint64_t address, const void *from, size_t size)
{
    struct user_gdb *gdb = opaque;
    g_autofree uint8_t *bytes = g_memdup2(from, size);
    bool good;

    g_mutex_lock(&gdb->lock);
    /* Below a breakpoint the program's bytes change, and the breakpoint stays. */
    for (guint i = 0; i < gdb->points->len; i++) {
        struct point *p = &g_array_index(gdb->points, struct point, i);

        for (unsigned b = 0; b < hidden_bytes(p); b++) {
            uint64_t at = p->address + b - address;

            if (at < size) {
                p->saved[b] = bytes[at];
                bytes[at] = p->code[b];
            }
        }
    }
    good = user_gdb_force_write(gdb, address, bytes, size);
    user_gdb_written(gdb);
    g_mutex_unlock(&gdb->lock);
    return good;
}

static void clear_point(struct point *p)
{
    if (p->before)
        g_byte_array_unref(p->before);
}

static bool insert_point(struct user_gdb *gdb, struct point p, unsigned kind)
{
    struct user_mem *mem = &gdb->process->mem;

    if (user_gdb_watches(&p)) {
        p.size = kind;
        if (!kind || !user_mem_host(mem, p.address, kind) ||
            !(user_mem_page(mem, p.address) & USER_PAGE_MAPPED))
            return false;
        guard_pages(gdb, false);
        if (p.type == GDB_POINT_WRITE) {
            p.before = g_byte_array_new();
            g_byte_array_set_size(p.before, kind);
            if (!user_mem_read(mem, p.address, p.before->data, kind))
                memset(p.before->data, 0, kind);
        }
        g_array_append_val(gdb->points, p);
        if (gdb->lifted == 0)
            guard_pages(gdb, true);
        return true;
    }
    p.size = gdb->process->arch->gdb->breakpoint(kind, p.code);
    if (!p.size || !user_mem_read(mem, p.address, p.saved, p.size) ||
        !user_gdb_force_write(gdb, p.address, p.code, p.size))
        return false;
    g_array_append_val(gdb->points, p);
    return true;
}

void user_gdb_remove_point(struct user_gdb *gdb, guint index)
{
    struct point p = g_array_index(gdb->points, struct point, index);
    struct user_mem *mem = &gdb->process->mem;

    if (user_gdb_watches(&p)) {
        guard_pages(gdb, false);
        g_array_remove_index(gdb->points, index);
        if (gdb->lifted == 0)
            guard_pages(gdb, true);
    } else {
        g_array_remove_index(gdb->points, index);
        /* Unless something else has taken its place. */
        if (user_mem_page(mem, p.address) & USER_PAGE_MAPPED)
            user_gdb_force_write(gdb, p.address, p.saved, p.size);
    }
    clear_point(&p);
}

bool user_gdb_change_point(void *opaque, enum gdb_point type, uint64_t address, unsigned kind, bool set)
{
    struct user_gdb *gdb = opaque;
    bool good = false;
    guint i = 0;

    g_mutex_lock(&gdb->lock);
    while (i < gdb->points->len) {
        const struct point *p = &g_array_index(gdb->points, struct point, i);

        if (p->type == type && p->address == address)
            break;
        i++;
    }
    if (set)
        good =
            i < gdb->points->len || insert_point(gdb, (struct point){.type = type, .address = address}, kind);
    else if ((good = i < gdb->points->len))
        user_gdb_remove_point(gdb, i);
    g_mutex_unlock(&gdb->lock);
    return good;
}

void user_gdb_forked(struct user_process *process)
{
    struct user_gdb *gdb = process->gdb;

    /* This process has a copy of the memory, with the breakpoints in it; the lock may have been another
     * thread's. */
    process->gdb = NULL;
    gdb->lifted = 0;
    guard_pages(gdb, false);
    for (guint i = 0; i < gdb->points->len; i++) {
        struct point *p = &g_array_index(gdb->points, struct point, i);
        uint64_t page = p->address & USER_PAGE_MASK;
        struct user_mem *mem = &process->mem;

        if (user_gdb_watches(p) || !(user_mem_page(mem, page) & USER_PAGE_MAPPED))
            continue;
        mprotect(mem->window + page, 2 * USER_PAGE_SIZE, PROT_READ | PROT_WRITE);
        user_mem_write(mem, p->address, p->saved, p->size);
        mprotect(mem->window + page, USER_PAGE_SIZE, user_gdb_page_prot(mem, page));
    }
}
