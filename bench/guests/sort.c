/* Quicksort, heapsort and radix sort of the same numbers; all must agree. */

#include "bench.h"

enum { SIZE = 6000 };

static u32 input[SIZE], quick[SIZE], heap[SIZE], radix[SIZE], scratch[SIZE];

static NOINLINE void quicksort(u32 *first, u32 *last)
{
    while (last - first > 12) {
        u32 pivot = first[(last - first) / 2], *low = first, *high = last - 1;
        while (low <= high) {
            while (*low < pivot)
                low++;
            while (*high > pivot)
                high--;
            if (low <= high) {
                u32 other = *low;
                *low++ = *high;
                *high-- = other;
            }
        }
        /* The smaller part recursively, so that the depth stays logarithmic. */
        if (high - first < last - low) {
            quicksort(first, high + 1);
            first = low;
        } else {
            quicksort(low, last);
            last = high + 1;
        }
    }
    for (u32 *at = first + 1; at < last; at++) {
        u32 value = *at, *hole = at;
        for (; hole > first && hole[-1] > value; hole--)
            *hole = hole[-1];
        *hole = value;
    }
}

static void sift(u32 *values, u32 root, u32 count)
{
    u32 value = values[root];
    for (u32 child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && values[child + 1] > values[child])
            child++;
        if (values[child] <= value)
            break;
        values[root] = values[child];
    }
    values[root] = value;
}

static NOINLINE void heapsort(u32 *values, u32 count)
{
    for (u32 i = count / 2; i-- > 0;)
        sift(values, i, count);
    while (count-- > 1) {
        u32 largest = values[0];
        values[0] = values[count];
        values[count] = largest;
        sift(values, 0, count);
    }
}

static NOINLINE void radixsort(u32 *values, u32 count)
{
    u32 *from = values, *to = scratch;
    for (u32 shift = 0; shift < 32; shift += 8) {
        u32 starts[257] = {0};
        for (u32 i = 0; i < count; i++)
            starts[(from[i] >> shift & 255) + 1]++;
        for (u32 i = 0; i < 256; i++)
            starts[i + 1] += starts[i];
        for (u32 i = 0; i < count; i++)
            to[starts[from[i] >> shift & 255]++] = from[i];
        u32 *other = from;
        from = to;
        to = other;
    }
}

static u64 work(void)
{
    u64 seed = 99, sum = 0;
    for (u32 i = 0; i < SIZE; i++)
        input[i] = (u32)next_random(&seed) >> (i & 7);
    memcpy(quick, input, sizeof input);
    memcpy(heap, input, sizeof input);
    memcpy(radix, input, sizeof input);
    quicksort(quick, quick + SIZE);
    heapsort(heap, SIZE);
    radixsort(radix, SIZE);
    for (u32 i = 0; i < SIZE; i++) {
        if (quick[i] != heap[i] || quick[i] != radix[i])
            return 0;
        sum = mix(sum, quick[i]);
    }
    return sum;
}

PROGRAM("sort", 420, 0x90746696bc63d02b);
