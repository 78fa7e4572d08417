/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The address space of a foreign program: one reserved window of host memory, guard zones at both ends.
 *
 * Guest address a stands at host address window + a, and the host's page protections follow the guest's, so
 * an access of translated code is one host instruction and a wrong one is a host fault. Guest pages are never
 * executable on the host. A table of one byte a page remembers what the guest asked for; it may be read in
 * signal handlers.
 *
 * Guest and host pages are 4 KiB both.
 */
#ifndef VITRINE_USER_MEM_H
#define VITRINE_USER_MEM_H

#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "emulator/jit/jit.h"

#define USER_PAGE_BITS 12
#define USER_PAGE_SIZE ((uint64_t)1 << USER_PAGE_BITS)
#define USER_PAGE_MASK (~(USER_PAGE_SIZE - 1))

/* Bits of the page table: protections as the guest set them. The JIT reads them too. */
enum user_page {
    USER_PAGE_READ = JIT_USER_READ,
    USER_PAGE_WRITE = JIT_USER_WRITE,
    USER_PAGE_EXEC = JIT_USER_EXEC,
    USER_PAGE_MAPPED = 8,
    USER_PAGE_SHARED = 16,
    USER_PAGE_FILE = JIT_USER_UNSURE, /* of a file that may become shorter */
    USER_PAGE_GROWS = 64,             /* of the first stack: not counted, because it lies there in one piece */
    USER_PAGE_NOFORK = 128,           /* children of fork do not get it */
};

struct user_mem {
    uint8_t *window;         /* host address of guest address 0 */
    uint64_t size;           /* bytes of the window: addresses at or above it do not exist */
    uint64_t limit;          /* programs' part of it: mmap gives no address at or above */
    uint64_t mmap_base;      /* where the search for a free range begins */
    uint64_t brk_start, brk; /* the heap */
    uint64_t mapped, data;   /* bytes of all mappings, and of private writable ones */
    uint64_t segment;        /* bytes of the program's own data; the heap's limit counts them */
    uint64_t most, most_data; /* RLIMIT_AS and RLIMIT_DATA: no call makes `mapped` and `data` larger; or UINT64_MAX */
    bool has_nofork;         /* there have been pages of USER_PAGE_NOFORK */
    uint8_t *page;           /* enum user_page bits of each page */
    bool big_endian;
    bool read_is_execute; /* what may be read may be executed (READ_IMPLIES_EXEC) */
    GMutex lock; /* held while mappings change */
    /* Called with the lock held when the translations of a range of executable pages are void. */
    void (*invalidate)(void *opaque, uint64_t address, uint64_t size);
    void *opaque;
};

/* Reserves `size` bytes of address space (a multiple of the page size). */
bool user_mem_init(struct user_mem *mem, uint64_t size, bool big_endian, GError **error);
void user_mem_finish(struct user_mem *mem);

/* mmap with the host's PROT_* and MAP_* values; MAP_DENYWRITE says that the file will not become shorter, and
 * MAP_GROWSDOWN that it is a stack (USER_PAGE_GROWS). Returns the guest address, or -errno of the host. */
int64_t user_mem_map(struct user_mem *mem, uint64_t address, uint64_t size, int prot, int flags, int fd,
                     uint64_t offset);
int user_mem_unmap(struct user_mem *mem, uint64_t address, uint64_t size);
int user_mem_protect(struct user_mem *mem, uint64_t address, uint64_t size, int prot);
/* madvise, whose advice the host's kernel shall carry out on what is mapped. 0 or -errno. */
int user_mem_advise(struct user_mem *mem, uint64_t address, uint64_t size, int advice);
/* The contents of a range were changed past the program's rights: translations of it are void. */
void user_mem_changed(struct user_mem *mem, uint64_t address, uint64_t size);
/* In the child of a fork, before anything else is mapped: what it did not get becomes part of the reservation. */
void user_mem_forked(struct user_mem *mem);
/* Bytes from `address` up to the first page that is not mapped, at most `size` (multiples of the page size). */
uint64_t user_mem_mapped(const struct user_mem *mem, uint64_t address, uint64_t size);
/* mremap with the host's MREMAP_* values. The new address, or -errno. */
int64_t user_mem_remap(struct user_mem *mem, uint64_t old, uint64_t old_size, uint64_t new_size, int flags,
                       uint64_t wanted);
/* Moves the end of the heap; returns where it is then. */
uint64_t user_mem_brk(struct user_mem *mem, uint64_t wanted);

/* Page bits of an address; 0 when nothing is mapped there. Safe in signal handlers. */
static inline unsigned user_mem_page(const struct user_mem *mem, uint64_t address)
{
    return address < mem->size ? mem->page[address >> USER_PAGE_BITS] : 0;
}

/* Host address of a guest range that lies within the window, else NULL. The bytes may still be inaccessible:
 * give such a pointer to the host's kernel only (it answers EFAULT), or use the copies below. */
static inline void *user_mem_host(const struct user_mem *mem, uint64_t address, uint64_t size)
{
    return address <= mem->size && size <= mem->size - address ? mem->window + address : NULL;
}

/* Copies that survive a bad guest address: false, and the copy may be partial. */
bool user_mem_read(const struct user_mem *mem, uint64_t address, void *to, size_t size);
bool user_mem_write(const struct user_mem *mem, uint64_t address, const void *from, size_t size);
/* One atomic try on a word of 32 bits as it lies in memory: when it holds *old it becomes `new`, else *old
 * becomes what it holds; *changed tells which. false: bad address. */
bool user_mem_exchange(const struct user_mem *mem, uint64_t address, uint32_t *old, uint32_t new,
                       bool *changed);
/* A string of the guest, at most `most` bytes with its end; NULL: bad address or too long (then *too_long).
 */
char *user_mem_string(const struct user_mem *mem, uint64_t address, size_t most, bool *too_long);

/* One number of 1, 2, 4 or 8 bytes in the guest's byte order. */
bool user_mem_get(const struct user_mem *mem, uint64_t address, unsigned size, uint64_t *value);
bool user_mem_put(const struct user_mem *mem, uint64_t address, unsigned size, uint64_t value);

/* The same within host buffers. */
uint64_t user_load(const void *from, unsigned size, bool big_endian);
void user_store(void *to, unsigned size, uint64_t value, bool big_endian);

/* While a copy runs, the fault handler of its thread calls this first; it does not return when the fault was
 * the copy's. `mask` are the signals that were blocked before the fault. */
void user_mem_copy_fault(const sigset_t *mask);

#endif
