/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A shared library that test_gdb stops in. */
volatile int library_calls;

double half(double x)
{
    library_calls++;
    return x / 2;
}

int mix(int a, int b)
{
    int result = a * 3 + b;

    library_calls++;
    return result;
}
