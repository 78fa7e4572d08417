/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random mmap, munmap, mprotect and mremap calls beside a model of the pages: contents, protections, results.
 */
#include "check.h"
#include "tests/bench/programs/bench.h"

#define BASE  0x60000000u
#define PAGES 48
#define PAGE  4096u

enum { READ = 1, WRITE = 2, HOLE = 8 };

static uint8_t state[PAGES]; /* READ | WRITE, or HOLE */
static uint32_t content[PAGES];
static int pipe_in, pipe_out;

static uint32_t *at(uint32_t page)
{
    return (uint32_t *)(BASE + page * PAGE);
}

static int readable(uint32_t page)
{
    return !(state[page] & HOLE) && state[page] & READ;
}

/* The kernel reads the page for us: it must fail exactly when the program would. */
static void look(uint32_t page)
{
    uint32_t word;
    long n = CALL3(NR_write, pipe_out, at(page), 4);

    if (readable(page)) {
        EXPECT(n, 4);
        EXPECT(CALL3(NR_read, pipe_in, &word, 4), 4);
        EXPECT(word, content[page]);
        EXPECT(*(volatile uint32_t *)at(page), content[page]);
    } else {
        EXPECT(n, -E_FAULT);
    }
    word = page * 77 + content[page];
    EXPECT(CALL3(NR_write, pipe_out, &word, 4), 4);
    n = CALL3(NR_read, pipe_in, at(page), 4);
    if (!(state[page] & HOLE) && state[page] & WRITE) {
        EXPECT(n, 4);
        content[page] = word;
    } else {
        EXPECT(n, -E_FAULT);
        /* Whether the pipe kept the word is the kernel's affair. */
        CALL3(NR_fcntl64, pipe_in, 4, O_NONBLOCK_);
        CALL3(NR_read, pipe_in, &word, 4);
        CALL3(NR_fcntl64, pipe_in, 4, 0);
    }
}

/* Linux allows no writing without reading in its page tables for private memory here: ask for both. */
static int some_protection(uint32_t *seed)
{
    static const uint8_t kinds[] = {0, READ, READ | WRITE, READ | WRITE};

    return kinds[bench_random(seed) & 3];
}

int main(int argc, char **argv)
{
    uint32_t rounds = argc > 1 ? (uint32_t)rt_atoi(argv[1]) : 3000,
             seed = argc > 2 ? (uint32_t)rt_atoi(argv[2]) : 12345;
    long second;

    pipe_in = (int)MUST(rt_syscall2(NR_pipe, &second, 0, 0, 0, 0));
    pipe_out = (int)second;
    memset(state, HOLE, sizeof(state));
    while (rounds--) {
        uint32_t page = bench_random(&seed) % PAGES, n = 1 + bench_random(&seed) % 8, other;
        int protection = some_protection(&seed), whole = 1;

        if (page + n > PAGES)
            n = PAGES - page;
        switch (bench_random(&seed) % 5) {
        case 0:
            EXPECT(
                CALL6(NR_mmap, at(page), n * PAGE - (bench_random(&seed) & 0xfff), protection, 0x32, -1, 0),
                (long)at(page));
            for (uint32_t i = page; i < page + n; i++) {
                state[i] = (uint8_t)protection;
                content[i] = 0;
            }
            break;
        case 1:
            EXPECT(CALL2(NR_munmap, at(page), n * PAGE), 0);
            memset(state + page, HOLE, n);
            break;
        case 2:
            for (uint32_t i = page; i < page + n && whole; i++) {
                whole = !(state[i] & HOLE);
                if (whole)
                    state[i] = (uint8_t)protection;
            }
            EXPECT(CALL3(NR_mprotect, at(page), n * PAGE, protection), whole ? 0 : -E_NOMEM);
            break;
        case 3:
            /* Move within the area, all of one protection (one mapping cannot be told from two here). */
            other = bench_random(&seed) % (PAGES - n + 1);
            for (uint32_t i = page; i < page + n; i++)
                whole = whole && !(state[i] & HOLE) && state[i] == state[page];
            if (!whole || (other < page + n && page < other + n))
                break;
            /* What moves must be one mapping: make it one. */
            EXPECT(CALL6(NR_mmap, at(page), n * PAGE, READ | WRITE, 0x32, -1, 0), (long)at(page));
            for (uint32_t i = 0; i < n; i++)
                at(page)[i * 1024] = content[other + i] = i * 3 + page;
            EXPECT(CALL5(NR_mremap, at(page), n * PAGE, n * PAGE, 3, at(other)), (long)at(other));
            memset(state + page, HOLE, n);
            memset(state + other, READ | WRITE, n);
            break;
        default: break;
        }
        look(bench_random(&seed) % PAGES);
    }
    for (uint32_t i = 0; i < PAGES; i++)
        look(i);
    return done();
}
