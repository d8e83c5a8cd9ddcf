/* Roots of polynomials in double precision by Newton's method and bisection, and an exponential by its series. */

#include "bench.h"

static double value_of(const double *p, double x)
{
    return ((p[3] * x + p[2]) * x + p[1]) * x + p[0];
}

static NOINLINE double newton(const double *p, double x)
{
    for (u32 i = 0; i < 40; i++) {
        double slope = (3 * p[3] * x + 2 * p[2]) * x + p[1];
        if (slope == 0)
            break;
        double step = value_of(p, x) / slope;
        x -= step;
        if (__builtin_fabs(step) < 1e-12 * __builtin_fabs(x))
            break;
    }
    return x;
}

static NOINLINE double bisect(const double *p, double low, double high)
{
    for (u32 i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (value_of(p, middle) > 0)
            high = middle;
        else
            low = middle;
    }
    return low;
}

static NOINLINE double exponential(double x)
{
    double term = 1, total = 1;
    for (i32 n = 1; n < 30; n++) {
        term *= x / n;
        total += term;
    }
    return total;
}

static u64 fold(u64 sum, double value)
{
    u64 bits;
    __builtin_memcpy(&bits, &value, 8);
    return mix(sum, bits);
}

static u64 work(void)
{
    u64 seed = 1545, sum = 0;
    for (u32 i = 0; i < 1000; i++) {
        double p[4];
        for (u32 k = 0; k < 4; k++)
            p[k] = (double)((i32)(next_random(&seed) >> 40) - 8000000) / 1e5;
        p[3] = __builtin_fabs(p[3]) + 1;
        sum = fold(sum, newton(p, (double)i / 100));
        sum = fold(sum, bisect(p, -1000, 1000));
        sum = fold(sum, exponential(p[0] / 40));
        sum += (u64)(i64)(p[1] * 3);
    }
    return sum;
}

PROGRAM("cubic", 390, 0xec0bdcfeac518ba2);
