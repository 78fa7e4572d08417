/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sorting: quicksort, heapsort, merge sort and a radix sort over the same random words. */
#include "bench.h"

#define COUNT 20000

static uint32_t words[COUNT], work[COUNT], spare[COUNT];

static void quicksort(uint32_t *a, int low, int high)
{
    while (low < high) {
        uint32_t pivot = a[low + (high - low) / 2];
        int i = low, j = high;

        while (i <= j) {
            while (a[i] < pivot)
                i++;
            while (a[j] > pivot)
                j--;
            if (i <= j) {
                uint32_t t = a[i];

                a[i++] = a[j];
                a[j--] = t;
            }
        }
        if (j - low < high - i) {
            quicksort(a, low, j);
            low = i;
        } else {
            quicksort(a, i, high);
            high = j;
        }
    }
}

static void sift(uint32_t *a, int at, int count)
{
    uint32_t value = a[at];

    for (;;) {
        int child = 2 * at + 1;

        if (child >= count)
            break;
        if (child + 1 < count && a[child] < a[child + 1])
            child++;
        if (a[child] <= value)
            break;
        a[at] = a[child];
        at = child;
    }
    a[at] = value;
}

static void heapsort(uint32_t *a, int count)
{
    for (int i = count / 2 - 1; i >= 0; i--)
        sift(a, i, count);
    for (int i = count - 1; i > 0; i--) {
        uint32_t t = a[0];

        a[0] = a[i];
        a[i] = t;
        sift(a, 0, i);
    }
}

static void mergesort(uint32_t *a, uint32_t *temporary, int count)
{
    int half = count / 2, i = 0, j = half, k = 0;

    if (count < 12) {
        for (i = 1; i < count; i++) {
            uint32_t value = a[i];

            for (j = i; j > 0 && a[j - 1] > value; j--)
                a[j] = a[j - 1];
            a[j] = value;
        }
        return;
    }
    mergesort(a, temporary, half);
    mergesort(a + half, temporary, count - half);
    while (i < half && j < count)
        temporary[k++] = a[i] <= a[j] ? a[i++] : a[j++];
    while (i < half)
        temporary[k++] = a[i++];
    for (int n = 0; n < k; n++)
        a[n] = temporary[n];
}

static void radixsort(uint32_t *a, uint32_t *temporary, int count)
{
    for (int shift = 0; shift < 32; shift += 8) {
        uint32_t start[257] = {0}, *t;

        for (int i = 0; i < count; i++)
            start[(a[i] >> shift & 255) + 1]++;
        for (int i = 0; i < 256; i++)
            start[i + 1] += start[i];
        for (int i = 0; i < count; i++)
            temporary[start[a[i] >> shift & 255]++] = a[i];
        t = a;
        a = temporary;
        temporary = t;
    }
}

static uint32_t check(uint32_t hash)
{
    for (int i = 1; i < COUNT; i++) {
        if (work[i - 1] > work[i])
            rt_fail("not sorted");
    }
    return bench_mix(bench_mix(hash, work[COUNT / 3]), work[COUNT - 7]);
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 100), seed = 2463534242u, hash = 1;

    while (repeat--) {
        for (int i = 0; i < COUNT; i++)
            words[i] = bench_random(&seed);
        memcpy(work, words, sizeof(words));
        quicksort(work, 0, COUNT - 1);
        hash = check(hash);
        memcpy(work, words, sizeof(words));
        heapsort(work, COUNT);
        hash = check(hash);
        memcpy(work, words, sizeof(words));
        mergesort(work, spare, COUNT);
        hash = check(hash);
        memcpy(work, words, sizeof(words));
        radixsort(work, spare, COUNT);
        hash = check(hash);
    }
    return bench_finish("sort", hash);
}
