/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The address space: heap, mappings, protections, and the signals for touching what is not there. */
#include "check.h"
#include "signals.h"

enum { READ = 1, WRITE = 2, EXEC = 4, SHARED = 1, PRIVATE = 2, FIXED = 16, ANONYMOUS = 32 };

static volatile uint32_t fault_address, fault_code, fault_signal;
static volatile uint32_t repair;

/* struct pt_regs at `regs`: psr, pc, npc, y, g0-g7, o0-o7 */
static void on_fault(int signal, uint32_t *info, uint32_t *regs)
{
    fault_signal = (uint32_t)signal;
    fault_code = info[2];
    fault_address = info[3];
    if (repair) {
        EXPECT(CALL3(NR_mprotect, repair, 4096, READ | WRITE), 0);
    } else {
        /* Over the instruction. */
        regs[1] = regs[2];
        regs[2] += 4;
    }
}

static uint32_t *map(uint32_t at, uint32_t size, int prot, int flags, int fd, uint32_t offset)
{
    return (uint32_t *)MUST(CALL6(NR_mmap, at, size, prot, flags, fd, offset));
}

static void heap(void)
{
    long start = CALL1(NR_brk, 0);
    uint32_t *words;

    EXPECT(CALL1(NR_brk, start + 100000), start + 100000);
    words = (uint32_t *)((start + 3) & ~3l);
    for (int i = 0; i < 24000; i++)
        EXPECT(words[i], 0);
    words[24000] = 5;
    EXPECT(CALL1(NR_brk, start), start);
    EXPECT(CALL1(NR_brk, start + 100000), start + 100000);
    EXPECT(words[24000], 0);
    EXPECT(CALL1(NR_brk, 0xf8000000), start + 100000);
}

static void mappings(void)
{
    uint32_t *a = map(0, 65536, READ | WRITE, PRIVATE | ANONYMOUS, -1, 0), *b, *c;
    long fd = MUST(CALL3(NR_open, "mapped", O_RDWR_ | O_CREAT_ | O_TRUNC_, 0600));
    char text[16];

    EXPECT((uint32_t)a & 4095, 0);
    EXPECT(a[16383], 0);
    a[100] = 7;
    /* A hole in the middle, then a page put into it. */
    EXPECT(CALL2(NR_munmap, (uint32_t)a + 8192, 4096), 0);
    CHECK(map((uint32_t)a + 8192, 4096, READ | WRITE, PRIVATE | ANONYMOUS | FIXED, -1, 0) == a + 2048);
    EXPECT(a[100], 7);
    EXPECT(a[2048], 0);
    b = (uint32_t *)MUST(CALL5(NR_mremap, a, 65536, 131072, 1, 0));
    EXPECT(b[100], 7);
    EXPECT(b[32767], 0);
    c = (uint32_t *)MUST(CALL5(NR_mremap, b, 131072, 4096, 0, 0));
    CHECK(c == b);
    EXPECT(c[100], 7);
    EXPECT(CALL2(NR_munmap, c, 4096), 0);
    EXPECT(CALL6(NR_mmap, 4097, 4096, READ, PRIVATE | ANONYMOUS | FIXED, -1, 0), -E_INVAL);
    EXPECT(CALL3(NR_mprotect, 0x20000000, 4096, READ), -E_NOMEM);

    /* A file, shared: what is written to memory is in the file. */
    EXPECT(CALL3(NR_ftruncate64, fd, 0, 8192), 0);
    a = map(0, 8192, READ | WRITE, SHARED, (int)fd, 0);
    b = (uint32_t *)MUST(CALL6(NR_mmap2, 0, 4096, READ | WRITE, PRIVATE, fd, 1));
    memcpy(a + 1024, "in the file", 12);
    EXPECT(CALL5(NR_pread64, fd, text, 12, 0, 4096), 12);
    EXPECT(strcmp(text, "in the file"), 0);
    EXPECT(strcmp((char *)b, "in the file"), 0);
    memcpy(b, "private    ", 12);
    EXPECT(strcmp((char *)(a + 1024), "in the file"), 0);
    EXPECT(CALL2(NR_munmap, a, 8192), 0);
    EXPECT(CALL2(NR_munmap, b, 4096), 0);
    EXPECT(CALL1(NR_close, fd), 0);
    EXPECT(CALL1(NR_unlink, "mapped"), 0);
}

static void faults(void)
{
    volatile uint32_t *page = map(0, 8192, READ, PRIVATE | ANONYMOUS, -1, 0), *file;
    long fd;

    install(S_SEGV, on_fault, SIGINFO);
    install(S_BUS, on_fault, SIGINFO);
    /* Nothing there */
    EXPECT(CALL2(NR_munmap, page + 1024, 4096), 0);
    page[1027] = 1;
    EXPECT(fault_signal, S_SEGV);
    EXPECT(fault_address, (uint32_t)(page + 1027));
    EXPECT(fault_code, 1); /* SEGV_MAPERR */
    {
        volatile uint32_t *nowhere = (volatile uint32_t *)12;

        __asm__("" : "+r"(nowhere));
        (void)*nowhere;
    }
    EXPECT(fault_address, 12);
    /* Not allowed; the handler allows it and the store is made again. */
    repair = (uint32_t)page;
    page[3] = 42;
    EXPECT(fault_address, (uint32_t)(page + 3));
    EXPECT(fault_code, 2); /* SEGV_ACCERR */
    EXPECT(page[3], 42);
    repair = 0;
    /* Behind the end of a file */
    fd = MUST(CALL3(NR_open, "short", O_RDWR_ | O_CREAT_ | O_TRUNC_, 0600));
    EXPECT(CALL3(NR_ftruncate64, fd, 0, 4096), 0);
    file = map(0, 8192, READ | WRITE, SHARED, (int)fd, 0);
    EXPECT(file[5], 0);
    fault_signal = 0;
    file[1030] = 1;
    EXPECT(fault_signal, S_BUS);
    EXPECT(fault_address, (uint32_t)(file + 1030));
    EXPECT(CALL1(NR_unlink, "short"), 0);
    /* Misaligned */
    fault_signal = 0;
    *(volatile uint32_t *)((uint32_t)page + 2) = 1;
    EXPECT(fault_signal, S_BUS);
    EXPECT(fault_code, 1); /* BUS_ADRALN */
}

/* Code written at run time: sethi and or of a value, return. */
static void generated(void)
{
    uint32_t *code = map(0, 4096, READ | WRITE | EXEC, PRIVATE | ANONYMOUS, -1, 0);

    for (uint32_t value = 1; value < 200; value += 33) {
        code[0] = 0x81c3e008;         /* retl */
        code[1] = 0x90102000 | value; /* mov value, %o0 */
        __asm__ volatile("flush %0\n\tflush %0 + 4" : : "r"(code) : "memory");
        EXPECT(((uint32_t(*)(void))code)(), value);
    }
}

/* SPARC has its own numbers for MCL_CURRENT (0x2000), MCL_FUTURE and MCL_ONFAULT. */
static void locked(void)
{
    long got = CALL1(NR_mlockall, 0x2000 | 0x8000);

    EXPECT(CALL1(NR_mlockall, 0), -E_INVAL);
    EXPECT(CALL1(NR_mlockall, 1), -E_INVAL);
    CHECK(got == 0 || got == -E_PERM || got == -E_NOMEM);
    EXPECT(CALL0(NR_munlockall), 0);
}

int main(int argc, char **argv)
{
    locked();
    heap();
    mappings();
    faults();
    generated();
    return done();
}
