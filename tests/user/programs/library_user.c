/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program that uses library.c: linked dynamically, so that a debugger must find the library where it was mapped. */
extern int mix(int a, int b);
extern double half(double x);

int numbers[4];
double fraction;

int main(void)
{
    for (int i = 0; i < 4; i++) {
        numbers[i] = mix(i, 1);
        fraction = half(i + 0.5);
    }
    return numbers[3]; /* 10 */
}
