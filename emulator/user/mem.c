/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window of guest memory. See mem.h. */
#include "emulator/user/mem.h"
#include "emulator/core/i18n.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <string.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include <gio/gio.h>

/* Translated code may add a 16-bit displacement to a checked address; the zones catch it. */
#define GUARD_ZONE ((uint64_t)1 << 16)
/* Page 0 stays free, as Linux keeps it (vm.mmap_min_addr): a null pointer faults. */
#define LOWEST_ADDRESS ((uint64_t)1 << 16)

/* Where a guarded copy of this thread resumes after a fault. The signal handler has no other way to know. */
static __thread sigjmp_buf *copy_guard;

bool user_mem_init(struct user_mem *mem, uint64_t size, bool big_endian, GError **error)
{
    uint8_t *whole;

    memset(mem, 0, sizeof(*mem));
    g_mutex_init(&mem->lock);
    mem->size = size;
    mem->limit = size;
    mem->most = mem->most_data = UINT64_MAX;
    mem->big_endian = big_endian;
    whole = mmap(NULL, size + 2 * GUARD_ZONE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (whole == MAP_FAILED) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno),
                    _("No room for the program's address space: %s."), g_strerror(errno));
        return false;
    }
    mem->page = mmap(NULL, size >> USER_PAGE_BITS, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mem->page == MAP_FAILED) {
        g_set_error(error, G_IO_ERROR, g_io_error_from_errno(errno), _("No room for the page table: %s."),
                    g_strerror(errno));
        munmap(whole, size + 2 * GUARD_ZONE);
        mem->page = NULL;
        return false;
    }
    mem->window = whole + GUARD_ZONE;
    return true;
}

void user_mem_finish(struct user_mem *mem)
{
    if (mem->window) {
        munmap(mem->window - GUARD_ZONE, mem->size + 2 * GUARD_ZONE);
        munmap(mem->page, mem->size >> USER_PAGE_BITS);
        mem->window = mem->page = NULL;
    }
    g_mutex_clear(&mem->lock);
}

static bool range_ok(const struct user_mem *mem, uint64_t address, uint64_t size)
{
    return !(address & ~USER_PAGE_MASK) && size && size <= mem->limit && address <= mem->limit - size;
}

/* What pages of these bits count for: they are mappings, and the program's data. */
static bool counts(unsigned bits)
{
    return (bits & (USER_PAGE_MAPPED | USER_PAGE_GROWS)) == USER_PAGE_MAPPED;
}

static bool counts_as_data(unsigned bits)
{
    return counts(bits) && (bits & (USER_PAGE_WRITE | USER_PAGE_SHARED)) == USER_PAGE_WRITE;
}

/* Bytes of a range that count as mappings (`data`: as data) now. */
static uint64_t counted(const struct user_mem *mem, uint64_t address, uint64_t size, bool data)
{
    const uint8_t *page = mem->page + (address >> USER_PAGE_BITS);
    uint64_t n = 0;

    for (uint64_t i = 0; i < size >> USER_PAGE_BITS; i++)
        n += data ? counts_as_data(page[i]) : counts(page[i]);
    return n << USER_PAGE_BITS;
}

/* May a range become one of these bits, where `replaced` counts already? (Linux, may_expand_vm) */
static bool may_map(const struct user_mem *mem, uint64_t size, unsigned bits, uint64_t replaced,
                    uint64_t replaced_data)
{
    return (!counts(bits) || mem->most == UINT64_MAX || mem->mapped - replaced + size <= mem->most) &&
           (!counts_as_data(bits) || mem->most_data == UINT64_MAX ||
            mem->data - replaced_data + size <= mem->most_data);
}

static bool may_replace(const struct user_mem *mem, uint64_t address, uint64_t size, unsigned bits)
{
    if (mem->most == UINT64_MAX && mem->most_data == UINT64_MAX)
        return true;
    return may_map(mem, size, bits, counted(mem, address, size, false), counted(mem, address, size, true));
}

static void set_pages(struct user_mem *mem, uint64_t address, uint64_t size, unsigned bits)
{
    mem->mapped -= counted(mem, address, size, false);
    mem->data -= counted(mem, address, size, true);
    memset(mem->page + (address >> USER_PAGE_BITS), (int)bits, size >> USER_PAGE_BITS);
    mem->mapped += counts(bits) ? size : 0;
    mem->data += counts_as_data(bits) ? size : 0;
}

static bool any_page(const struct user_mem *mem, uint64_t address, uint64_t size, unsigned bits)
{
    const uint8_t *page = mem->page + (address >> USER_PAGE_BITS);

    for (uint64_t i = 0; i < size >> USER_PAGE_BITS; i++) {
        if (page[i] & bits)
            return true;
    }
    return false;
}

uint64_t user_mem_mapped(const struct user_mem *mem, uint64_t address, uint64_t size)
{
    const uint8_t *page = mem->page + (address >> USER_PAGE_BITS);

    for (uint64_t i = 0; i < size >> USER_PAGE_BITS; i++) {
        if (!(page[i] & USER_PAGE_MAPPED))
            return i << USER_PAGE_BITS;
    }
    return size;
}

static void drop_code(struct user_mem *mem, uint64_t address, uint64_t size)
{
    if (mem->invalidate && any_page(mem, address, size, USER_PAGE_EXEC))
        mem->invalidate(mem->opaque, address, size);
}

static unsigned page_bits(const struct user_mem *mem, int prot, int flags)
{
    int executable = mem->read_is_execute ? PROT_READ | PROT_EXEC : PROT_EXEC;

    return USER_PAGE_MAPPED | (prot & PROT_READ ? USER_PAGE_READ : 0) |
           (prot & PROT_WRITE ? USER_PAGE_WRITE : 0) | (prot & executable ? USER_PAGE_EXEC : 0) |
           ((flags & MAP_TYPE) != MAP_PRIVATE ? USER_PAGE_SHARED : 0) |
           (flags & (MAP_ANONYMOUS | MAP_DENYWRITE) ? 0 : USER_PAGE_FILE) |
           (flags & MAP_GROWSDOWN ? USER_PAGE_GROWS : 0);
}

/* What protections do not change. */
#define KEPT_BITS (USER_PAGE_SHARED | USER_PAGE_FILE | USER_PAGE_GROWS | USER_PAGE_NOFORK)

/* The guest's code is read by the translator, never executed in place. */
static int host_prot(int prot)
{
    return (prot & (PROT_READ | PROT_WRITE)) | (prot & PROT_EXEC ? PROT_READ : 0);
}

/* First fit at or above `from`; 0: none. */
static uint64_t find_free(const struct user_mem *mem, uint64_t from, uint64_t size)
{
    uint64_t start = from, at = from;

    while (at < mem->limit) {
        if (mem->page[at >> USER_PAGE_BITS]) {
            start = at + USER_PAGE_SIZE;
        } else if (at + USER_PAGE_SIZE - start >= size) {
            return start;
        }
        at += USER_PAGE_SIZE;
    }
    return 0;
}

static uint64_t choose(const struct user_mem *mem, uint64_t hint, uint64_t size)
{
    uint64_t found;

    hint &= USER_PAGE_MASK;
    if (hint >= LOWEST_ADDRESS && range_ok(mem, hint, size) && !any_page(mem, hint, size, 0xff))
        return hint;
    found = find_free(mem, mem->mmap_base, size);
    if (!found)
        found = find_free(mem, MAX(LOWEST_ADDRESS, mem->brk), size);
    return found;
}

int64_t user_mem_map(struct user_mem *mem, uint64_t address, uint64_t size, int prot, int flags, int fd,
                     uint64_t offset)
{
    unsigned bits = page_bits(mem, prot, flags);
    int64_t result;
    void *got;

    if (size == 0 || offset & ~USER_PAGE_MASK)
        return -EINVAL;
    if (size > mem->limit)
        return -ENOMEM;
    size = (size + USER_PAGE_SIZE - 1) & USER_PAGE_MASK;
    g_mutex_lock(&mem->lock);
    if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (address & ~USER_PAGE_MASK) {
            result = -EINVAL;
            goto out;
        }
        if (!range_ok(mem, address, size)) {
            result = -ENOMEM;
            goto out;
        }
        if (flags & MAP_FIXED_NOREPLACE && any_page(mem, address, size, 0xff)) {
            result = -EEXIST;
            goto out;
        }
    } else {
        address = choose(mem, address, size);
        if (!address) {
            result = -ENOMEM;
            goto out;
        }
    }
    if (!may_replace(mem, address, size, bits)) {
        result = -ENOMEM;
        goto out;
    }
    drop_code(mem, address, size);
    flags &= ~(MAP_FIXED_NOREPLACE | MAP_GROWSDOWN | MAP_32BIT | MAP_HUGETLB);
    got = mmap(mem->window + address, size, host_prot(prot), flags | MAP_FIXED, fd, (off_t)offset);
    if (got == MAP_FAILED) {
        result = -errno;
        goto out;
    }
    set_pages(mem, address, size, bits);
    result = (int64_t)address;
out:
    g_mutex_unlock(&mem->lock);
    return result;
}

/* With the lock held: the range becomes a hole of the reservation again. */
static int punch(struct user_mem *mem, uint64_t address, uint64_t size)
{
    drop_code(mem, address, size);
    if (mmap(mem->window + address, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
             -1, 0) == MAP_FAILED)
        return -errno;
    set_pages(mem, address, size, 0);
    return 0;
}

int user_mem_unmap(struct user_mem *mem, uint64_t address, uint64_t size)
{
    int result;

    if (size > mem->limit)
        return -EINVAL;
    size = (size + USER_PAGE_SIZE - 1) & USER_PAGE_MASK;
    if (!range_ok(mem, address, size))
        return -EINVAL;
    g_mutex_lock(&mem->lock);
    result = punch(mem, address, size);
    g_mutex_unlock(&mem->lock);
    return result;
}

int user_mem_protect(struct user_mem *mem, uint64_t address, uint64_t size, int prot)
{
    uint64_t there;
    int result = 0;

    if (address & ~USER_PAGE_MASK)
        return -EINVAL;
    if (size == 0)
        return 0;
    if (size > mem->limit)
        return -ENOMEM;
    size = (size + USER_PAGE_SIZE - 1) & USER_PAGE_MASK;
    if (!range_ok(mem, address, size))
        return -ENOMEM;
    g_mutex_lock(&mem->lock);
    there = user_mem_mapped(mem, address, size);
    if (there && prot & PROT_WRITE && mem->most_data != UINT64_MAX) {
        uint64_t more = 0;

        for (uint64_t i = 0; i < there; i += USER_PAGE_SIZE) {
            unsigned bits = user_mem_page(mem, address + i);

            more += !counts_as_data(bits) && counts_as_data(bits | USER_PAGE_WRITE) ? USER_PAGE_SIZE : 0;
        }
        if (more && mem->data + more > mem->most_data) {
            g_mutex_unlock(&mem->lock);
            return -ENOMEM;
        }
    }
    if (there) {
        drop_code(mem, address, there);
        if (mprotect(mem->window + address, there, host_prot(prot)) != 0) {
            result = -errno;
        } else {
            uint8_t *page = mem->page + (address >> USER_PAGE_BITS);
            unsigned bits = page_bits(mem, prot, MAP_PRIVATE | MAP_ANONYMOUS);

            mem->data -= counted(mem, address, there, true);
            for (uint64_t i = 0; i < there >> USER_PAGE_BITS; i++)
                page[i] = (uint8_t)(bits | (page[i] & KEPT_BITS));
            mem->data += counted(mem, address, there, true);
        }
    }
    /* As in Linux, what lies before a hole has changed. */
    if (result == 0 && there < size)
        result = -ENOMEM;
    g_mutex_unlock(&mem->lock);
    return result;
}

/* With the lock held: a private range of memory that is no file's grows where it stands. */
static int64_t grow(struct user_mem *mem, uint64_t old, uint64_t old_size, uint64_t new_size, unsigned bits)
{
    uint64_t end = old + old_size, more = new_size - old_size;
    int prot = (bits & USER_PAGE_READ ? PROT_READ : 0) | (bits & USER_PAGE_WRITE ? PROT_WRITE : 0);

    if (bits & (USER_PAGE_SHARED | USER_PAGE_FILE) || !range_ok(mem, end, more) || any_page(mem, end, more, 0xff) ||
        mmap(mem->window + end, more, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        return -ENOMEM;
    set_pages(mem, end, more, bits);
    return (int64_t)old;
}

/* With the lock held: to another place, which is free or to be replaced. `old_size` may be 0: the shared memory is
 * then mapped a second time. */
static int64_t move(struct user_mem *mem, uint64_t old, uint64_t old_size, uint64_t new_size, int flags, uint64_t to)
{
    unsigned bits = mem->page[old >> USER_PAGE_BITS];
    bool stays = flags & MREMAP_DONTUNMAP || old_size == 0;
    int result;

    if (!may_map(mem, new_size, bits, counted(mem, to, new_size, false) + (stays ? 0 : counted(mem, old, old_size, false)),
                 counted(mem, to, new_size, true) + (stays ? 0 : counted(mem, old, old_size, true))))
        return -ENOMEM;
    drop_code(mem, to, new_size);
    drop_code(mem, old, old_size);
    if (mremap(mem->window + old, old_size, new_size, MREMAP_MAYMOVE | MREMAP_FIXED | (flags & MREMAP_DONTUNMAP),
               mem->window + to) == MAP_FAILED)
        return -errno;
    set_pages(mem, to, new_size, bits);
    if (!stays && (result = punch(mem, old, old_size)) < 0)
        return result;
    return (int64_t)to;
}

/* With the lock held, sizes rounded. The order of the checks is that of Linux, mm/mremap.c. */
static int64_t remap(struct user_mem *mem, uint64_t old, uint64_t old_size, uint64_t new_size, int flags,
                     uint64_t wanted)
{
    unsigned bits = user_mem_page(mem, old);
    int64_t result;
    uint64_t to;

    if (!(bits & USER_PAGE_MAPPED))
        return -EFAULT;
    if (flags & MREMAP_FIXED &&
        (!range_ok(mem, wanted, new_size) || (wanted < old + old_size && old < wanted + new_size)))
        return -EINVAL;
    if (old_size == 0 && !(bits & USER_PAGE_SHARED))
        return -EINVAL;
    if (old_size > new_size) {
        if (!range_ok(mem, old + new_size, old_size - new_size))
            return -EINVAL;
        result = punch(mem, old + new_size, old_size - new_size);
        if (result < 0)
            return result;
        old_size = new_size;
    }
    if (old_size == new_size && !(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)))
        return (int64_t)old;
    if (old_size && (!range_ok(mem, old, old_size) || user_mem_mapped(mem, old, old_size) < old_size))
        return -EFAULT;
    if (flags & MREMAP_FIXED)
        return move(mem, old, old_size, new_size, flags, wanted);
    /* With leave to move, a range grows by moving: two pieces that the host's kernel keeps apart could not be moved as
     * one later. */
    if (!(flags & MREMAP_MAYMOVE)) {
        if (old_size == 0 || !may_map(mem, new_size - old_size, bits, 0, 0))
            return -ENOMEM;
        return grow(mem, old, old_size, new_size, bits);
    }
    to = choose(mem, flags & MREMAP_DONTUNMAP ? wanted : 0, new_size);
    return to ? move(mem, old, old_size, new_size, flags, to) : -ENOMEM;
}

int64_t user_mem_remap(struct user_mem *mem, uint64_t old, uint64_t old_size, uint64_t new_size, int flags,
                       uint64_t wanted)
{
    int64_t result;

    if (old & ~USER_PAGE_MASK || flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP) ||
        (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE)) ||
        (flags & MREMAP_DONTUNMAP && old_size != new_size))
        return -EINVAL;
    /* Sizes that the guest's word cannot hold once they are rounded are zero. */
    old_size = (old_size + USER_PAGE_SIZE - 1) & USER_PAGE_MASK & (mem->size - 1);
    new_size = (new_size + USER_PAGE_SIZE - 1) & USER_PAGE_MASK & (mem->size - 1);
    if (new_size == 0)
        return -EINVAL;
    g_mutex_lock(&mem->lock);
    result = remap(mem, old, old_size, new_size, flags, wanted);
    g_mutex_unlock(&mem->lock);
    return result;
}

/* ---------------------------------------------------------------------------------------------- advice */

static bool changes_contents(int advice)
{
    return advice == MADV_DONTNEED || advice == MADV_FREE || advice == MADV_REMOVE;
}

/* With the lock held. */
static void set_nofork(struct user_mem *mem, uint64_t address, uint64_t size, bool set)
{
    uint8_t *page = mem->page + (address >> USER_PAGE_BITS);

    mem->has_nofork |= set;
    for (uint64_t i = 0; i < size >> USER_PAGE_BITS; i++)
        page[i] = (uint8_t)(set ? page[i] | USER_PAGE_NOFORK : page[i] & ~USER_PAGE_NOFORK);
}

int user_mem_advise(struct user_mem *mem, uint64_t address, uint64_t size, int advice)
{
    uint64_t end, piece;
    bool hole = false;
    int result = 0;

    if (address & ~USER_PAGE_MASK || size > mem->limit)
        return -EINVAL;
    size = (size + USER_PAGE_SIZE - 1) & USER_PAGE_MASK;
    if (size == 0)
        return 0;
    if (address >= mem->limit)
        return -ENOMEM;
    if (address + size > mem->size)
        return -EINVAL;
    end = MIN(address + size, mem->limit);
    hole = end < address + size;
    g_mutex_lock(&mem->lock);
    /* What is mapped is advised even when there are holes in the range. */
    for (; address < end && result == 0; address += piece) {
        piece = user_mem_mapped(mem, address, end - address);
        if (!piece) {
            hole = true;
            piece = USER_PAGE_SIZE;
            continue;
        }
        if (changes_contents(advice))
            drop_code(mem, address, piece);
        if (madvise(mem->window + address, piece, advice) != 0)
            result = -errno;
        else if (advice == MADV_DONTFORK || advice == MADV_DOFORK)
            set_nofork(mem, address, piece, advice == MADV_DONTFORK);
    }
    g_mutex_unlock(&mem->lock);
    return result == 0 && hole ? -ENOMEM : result;
}

void user_mem_changed(struct user_mem *mem, uint64_t address, uint64_t size)
{
    uint64_t first = address & USER_PAGE_MASK, end = (address + size + USER_PAGE_SIZE - 1) & USER_PAGE_MASK;

    g_mutex_lock(&mem->lock);
    if (size && end <= mem->size)
        drop_code(mem, first, end - first);
    g_mutex_unlock(&mem->lock);
}

void user_mem_forked(struct user_mem *mem)
{
    uint64_t end;

    for (uint64_t at = 0; mem->has_nofork && at < mem->limit; at = end) {
        for (end = at; end < mem->limit && mem->page[end >> USER_PAGE_BITS] & USER_PAGE_NOFORK;)
            end += USER_PAGE_SIZE;
        if (end > at)
            punch(mem, at, end - at);
        else
            end += USER_PAGE_SIZE;
    }
    mem->has_nofork = false;
}

uint64_t user_mem_brk(struct user_mem *mem, uint64_t wanted)
{
    const unsigned bits = page_bits(mem, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    uint64_t old_end, new_end;

    g_mutex_lock(&mem->lock);
    old_end = (mem->brk + USER_PAGE_SIZE - 1) & USER_PAGE_MASK;
    new_end = (wanted + USER_PAGE_SIZE - 1) & USER_PAGE_MASK;
    if (wanted < mem->brk_start || wanted > mem->limit)
        goto out;
    if (mem->most_data != UINT64_MAX && wanted - mem->brk_start + mem->segment > mem->most_data)
        goto out;
    if (new_end > old_end) {
        if (!may_map(mem, new_end - old_end, bits, 0, 0) || any_page(mem, old_end, new_end - old_end, 0xff) ||
            mmap(mem->window + old_end, new_end - old_end, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
            goto out;
        set_pages(mem, old_end, new_end - old_end, bits);
    } else if (new_end < old_end) {
        if (punch(mem, new_end, old_end - new_end) < 0)
            goto out;
    }
    mem->brk = wanted;
out:
    new_end = mem->brk;
    g_mutex_unlock(&mem->lock);
    return new_end;
}

/* ------------------------------------------------------------------------------------------------ copies */

void user_mem_copy_fault(const sigset_t *mask)
{
    if (copy_guard) {
        pthread_sigmask(SIG_SETMASK, mask, NULL);
        siglongjmp(*copy_guard, 1);
    }
}

static bool guarded_copy(void *to, const void *from, size_t size)
{
    sigjmp_buf guard;

    if (sigsetjmp(guard, 0) != 0) {
        copy_guard = NULL;
        return false;
    }
    copy_guard = &guard;
    atomic_signal_fence(memory_order_seq_cst);
    memcpy(to, from, size);
    atomic_signal_fence(memory_order_seq_cst);
    copy_guard = NULL;
    return true;
}

bool user_mem_read(const struct user_mem *mem, uint64_t address, void *to, size_t size)
{
    const void *from = user_mem_host(mem, address, size);

    return from && guarded_copy(to, from, size);
}

bool user_mem_write(const struct user_mem *mem, uint64_t address, const void *from, size_t size)
{
    void *to = user_mem_host(mem, address, size);

    return to && guarded_copy(to, from, size);
}

bool user_mem_exchange(const struct user_mem *mem, uint64_t address, uint32_t *old, uint32_t new,
                       bool *changed)
{
    uint32_t *word = user_mem_host(mem, address, 4);
    sigjmp_buf guard;

    if (!word || address & 3)
        return false;
    if (sigsetjmp(guard, 0) != 0) {
        copy_guard = NULL;
        return false;
    }
    copy_guard = &guard;
    atomic_signal_fence(memory_order_seq_cst);
    *changed = __atomic_compare_exchange_n(word, old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    atomic_signal_fence(memory_order_seq_cst);
    copy_guard = NULL;
    return true;
}

char *user_mem_string(const struct user_mem *mem, uint64_t address, size_t most, bool *too_long)
{
    g_autoptr(GString) text = g_string_new(NULL);

    *too_long = false;
    while (text->len < most) {
        char piece[256];
        /* Up to the end of the page: the next one may be missing while the string ends before it. */
        size_t n = MIN(sizeof(piece), USER_PAGE_SIZE - (address & ~USER_PAGE_MASK));
        const char *end;

        if (!user_mem_read(mem, address, piece, n))
            return NULL;
        end = memchr(piece, 0, n);
        g_string_append_len(text, piece, end ? end - piece : (gssize)n);
        if (end && text->len < most)
            return g_string_free(g_steal_pointer(&text), FALSE);
        address += n;
    }
    *too_long = true;
    return NULL;
}

uint64_t user_load(const void *from, unsigned size, bool big_endian)
{
    const uint8_t *byte = from;
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value = value << 8 | byte[big_endian ? i : size - 1 - i];
    return value;
}

void user_store(void *to, unsigned size, uint64_t value, bool big_endian)
{
    uint8_t *byte = to;

    for (unsigned i = 0; i < size; i++, value >>= 8)
        byte[big_endian ? size - 1 - i : i] = (uint8_t)value;
}

bool user_mem_get(const struct user_mem *mem, uint64_t address, unsigned size, uint64_t *value)
{
    uint8_t bytes[8];

    if (!user_mem_read(mem, address, bytes, size))
        return false;
    *value = user_load(bytes, size, mem->big_endian);
    return true;
}

bool user_mem_put(const struct user_mem *mem, uint64_t address, unsigned size, uint64_t value)
{
    uint8_t bytes[8];

    user_store(bytes, size, value, mem->big_endian);
    return user_mem_write(mem, address, bytes, size);
}
