/* Fast Fourier transform in double precision, forth and back, with twiddle factors from half-angle formulas. */

#include "bench.h"

enum { BITS = 11, SIZE = 1 << BITS };

static double real[SIZE], imaginary[SIZE], cosines[SIZE / 2], sines[SIZE / 2];

/* cos and sin of 2 pi k / SIZE: the angle is halved BITS - 2 times from a right angle, then multiplied up. */
static NOINLINE void make_twiddles(void)
{
    double c = 0, s = 1;
    for (u32 i = 0; i < BITS - 2; i++) {
        double half = __builtin_sqrt((1 + c) / 2);
        s = s / (2 * half);
        c = half;
    }
    cosines[0] = 1, sines[0] = 0;
    for (u32 k = 1; k < SIZE / 2; k++) {
        cosines[k] = cosines[k - 1] * c - sines[k - 1] * s;
        sines[k] = sines[k - 1] * c + cosines[k - 1] * s;
    }
}

static NOINLINE void transform(double direction)
{
    for (u32 i = 0; i < SIZE; i++) {
        u32 j = 0;
        for (u32 bit = 0; bit < BITS; bit++)
            j |= (i >> bit & 1) << (BITS - 1 - bit);
        if (j > i) {
            double r = real[i], m = imaginary[i];
            real[i] = real[j], imaginary[i] = imaginary[j];
            real[j] = r, imaginary[j] = m;
        }
    }
    for (u32 half = 1; half < SIZE; half *= 2)
        for (u32 start = 0; start < SIZE; start += 2 * half)
            for (u32 k = 0; k < half; k++) {
                u32 low = start + k, high = low + half, twiddle = k * (SIZE / 2 / half);
                double c = cosines[twiddle], s = direction * sines[twiddle];
                double r = real[high] * c - imaginary[high] * s, m = real[high] * s + imaginary[high] * c;
                real[high] = real[low] - r, imaginary[high] = imaginary[low] - m;
                real[low] += r, imaginary[low] += m;
            }
}

static u64 work(void)
{
    u64 seed = 44100, sum = 0;
    make_twiddles();
    for (u32 i = 0; i < SIZE; i++) {
        real[i] = (double)(i32)next_random(&seed) / 2147483648.0;
        imaginary[i] = 0;
    }
    transform(-1);
    for (u32 i = 0; i < SIZE; i++) {
        u64 bits;
        __builtin_memcpy(&bits, &real[i], 8);
        sum = mix(sum, bits);
    }
    transform(1);
    seed = 44100;
    for (u32 i = 0; i < SIZE; i++) {
        double expected = (double)(i32)next_random(&seed) / 2147483648.0;
        if (__builtin_fabs(real[i] / SIZE - expected) > 1e-9)
            return 0;
    }
    return sum;
}

PROGRAM("fft", 3600, 0x74ffc2b033d62098);
