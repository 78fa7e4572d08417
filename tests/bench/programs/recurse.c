/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recursion: Fibonacci, Takeuchi, Ackermann, queens by backtracking and a recursive-descent parser: calls and
 * returns, and on SPARC the register windows with their overflow and underflow. */
#include "bench.h"

static __attribute__((noinline)) uint32_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static __attribute__((noinline)) int tak(int x, int y, int z)
{
    return y >= x ? z : tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y));
}

static __attribute__((noinline)) uint32_t ackermann(uint32_t m, uint32_t n)
{
    if (m == 0)
        return n + 1;
    if (n == 0)
        return ackermann(m - 1, 1);
    return ackermann(m - 1, ackermann(m, n - 1));
}

static __attribute__((noinline)) uint32_t queens(uint32_t all, uint32_t columns, uint32_t left,
                                                 uint32_t right)
{
    uint32_t count = 0;

    if (columns == all)
        return 1;
    for (uint32_t free = all & ~(columns | left | right); free;) {
        uint32_t bit = free & (0u - free);

        free ^= bit;
        count += queens(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return count;
}

/* expression = term { ("+" | "-") term }, term = factor { "*" factor }, factor = digit | "(" expression ")"
 */
static const char *at;

static uint32_t expression(void);

static __attribute__((noinline)) uint32_t factor(void)
{
    uint32_t value;

    if (*at != '(')
        return (uint32_t)(*at++ - '0');
    at++;
    value = expression();
    if (*at++ != ')')
        rt_fail("parser");
    return value;
}

static __attribute__((noinline)) uint32_t term(void)
{
    uint32_t value = factor();

    while (*at == '*') {
        at++;
        value *= factor();
    }
    return value;
}

static __attribute__((noinline)) uint32_t expression(void)
{
    uint32_t value = term();

    while (*at == '+' || *at == '-') {
        if (*at++ == '+')
            value += term();
        else
            value -= term();
    }
    return value;
}

static char *write_expression(char *to, uint32_t *seed, int depth)
{
    if (depth == 0 || (bench_random(seed) & 7) == 0) {
        *to++ = (char)('0' + bench_random(seed) % 10);
        return to;
    }
    *to++ = '(';
    to = write_expression(to, seed, depth - 1);
    *to++ = "+-*"[bench_random(seed) % 3];
    to = write_expression(to, seed, depth - 1);
    *to++ = ')';
    return to;
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 45), seed = 521288629u, hash = 1;
    char *text = rt_alloc(1 << 16);

    while (repeat--) {
        hash = bench_mix(hash, fib(24 + (repeat & 1)));
        hash = bench_mix(hash, (uint32_t)tak(14, 9, 4 + (int)(repeat & 1)));
        hash = bench_mix(hash, ackermann(2, 150 + (repeat & 3)));
        hash = bench_mix(hash, queens((1u << 8) - 1, 0, 0, 0));
        *write_expression(text, &seed, 12) = 0;
        for (int i = 0; i < 10; i++) {
            at = text;
            hash = bench_mix(hash, expression());
        }
    }
    return bench_finish("recurse", hash);
}
