/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Register windows: deep calls, flushed windows, returns through frames that were changed in memory,
 * condition traps. */
#include "check.h"

static __attribute__((noinline)) uint32_t deep(uint32_t n, uint32_t a, uint32_t b)
{
    uint32_t below;

    if (n == 0)
        return a ^ b;
    below = deep(n - 1, a + n, b * 3 + a);
    return below + a * n + b;
}

static uint32_t shallow(uint32_t n, uint32_t a, uint32_t b)
{
    uint32_t stack[256][2], result;

    for (uint32_t i = n; i > 0; i--) {
        uint32_t next = b * 3 + a;

        stack[i][0] = a;
        stack[i][1] = b;
        a += i;
        b = next;
    }
    result = a ^ b;
    for (uint32_t i = 1; i <= n; i++)
        result = result + stack[i][0] * i + stack[i][1];
    return result;
}

/* Goes `n` calls down, flushes, and leaves through the frame pointer chain to the marker, as longjmp does. */
struct mark {
    uint32_t sp, fp, pc;
};

__attribute__((returns_twice)) int mark(struct mark *m);
void leave(struct mark *m, int value);
__asm__("	.text\n	.align 4\n	.globl mark, leave\n"
        "mark:\n"
        "	st	%sp, [%o0]\n"
        "	st	%fp, [%o0 + 4]\n"
        "	st	%o7, [%o0 + 8]\n"
        "	retl\n"
        "	 clr	%o0\n"
        "leave:\n"
        "	ta	3\n"
        "	ld	[%o0 + 8], %g4\n"
        "	ld	[%o0 + 4], %g3\n"
        "	mov	%o1, %g2\n"
        "	ld	[%o0], %fp\n"
        "	sub	%fp, 64, %sp\n"
        "	st	%g3, [%fp + 56]\n"
        "	mov	%g4, %o7\n"
        "	retl\n"
        "	 restore	%g2, 0, %o0\n");

static struct mark place;

static __attribute__((noinline)) uint32_t jump_from(uint32_t n)
{
    if (n == 0) {
        leave(&place, 5);
        return 0;
    }
    return jump_from(n - 1) + 1;
}

static __attribute__((noinline)) uint32_t jumping(uint32_t depth)
{
    volatile uint32_t kept = depth * 77;
    volatile int result = mark(&place);

    if (result == 0)
        jump_from(depth);
    EXPECT(result, 5);
    return kept;
}

int main(int argc, char **argv)
{
    uint32_t flags;

    for (uint32_t n = 0; n < 200; n++)
        EXPECT(deep(n, n * 5, 3), shallow(n, n * 5, 3));
    for (uint32_t n = 0; n < 70; n++)
        EXPECT(jumping(n), n * 77);
    /* ta 0x20 reads the condition codes into %g1, ta 0x21 sets them. */
    __asm__ volatile("subcc %%g0, 1, %%g0\n\tta 0x20\n\tmov %%g1, %0" : "=r"(flags) : : "g1", "cc");
    EXPECT(flags, 9); /* N and C */
    __asm__ volatile("mov 4, %%g1\n\tta 0x21\n\tmov 0, %0\n\tbe,a 1f\n\tmov 1, %0\n1:"
                     : "=r"(flags)
                     :
                     : "g1", "cc");
    EXPECT(flags, 1);
    return done();
}
