/* Signal processing in fixed point: a finite impulse response filter, a lattice, an IIR biquad and a correlation. */

#include "bench.h"

enum { SAMPLES = 2000, TAPS = 32 };

static i16 input[SAMPLES + TAPS], coefficients[TAPS];
static i32 output[SAMPLES];

static NOINLINE void filter(void)
{
    for (u32 i = 0; i < SAMPLES; i++) {
        i32 total = 1 << 14;
        for (u32 t = 0; t < TAPS; t++)
            total += input[i + t] * coefficients[t];
        output[i] = total >> 15;
    }
}

static NOINLINE u64 lattice(void)
{
    i32 state[TAPS] = {0};
    u64 sum = 0;
    for (u32 i = 0; i < SAMPLES / 4; i++) {
        i32 top = input[i] * 256;
        for (u32 t = TAPS - 1; t-- > 0;) {
            top -= (i32)((i64)state[t] * coefficients[t] >> 16);
            state[t + 1] = state[t] + (i32)((i64)top * coefficients[t] >> 16);
        }
        state[0] = top;
        sum = mix(sum, (u64)(i64)top);
    }
    return sum;
}

static NOINLINE u64 biquad(void)
{
    i64 x1 = 0, x2 = 0, y1 = 0, y2 = 0;
    u64 sum = 0;
    for (u32 i = 0; i < SAMPLES; i++) {
        i64 x = output[i];
        i64 y = (x * 4680 + x1 * 9361 + x2 * 4680 + y1 * 17300 - y2 * 6350) >> 14;
        y = y > 32767 ? 32767 : y < -32768 ? -32768 : y;
        x2 = x1, x1 = x, y2 = y1, y1 = y;
        sum += (u64)y * (i | 1);
    }
    return sum;
}

static NOINLINE i64 correlation(u32 lag)
{
    i64 total = 0;
    for (u32 i = 0; i + lag < SAMPLES; i++)
        total += (i64)output[i] * output[i + lag];
    return total;
}

static u64 work(void)
{
    u64 seed = 4410;
    for (u32 i = 0; i < SAMPLES + TAPS; i++)
        input[i] = (i16)((i16)next_random(&seed) / 2 + (i16)(i * 700) / 3);
    for (u32 i = 0; i < TAPS; i++)
        coefficients[i] = (i16)((i32)(i * (TAPS - i)) * 37 - 4000);
    filter();
    u64 sum = mix(lattice(), biquad());
    for (u32 lag = 0; lag < 16; lag++)
        sum = mix(sum, (u64)correlation(lag));
    return sum;
}

PROGRAM("fir", 5400, 0x6f50cff5e1bb1f4e);
