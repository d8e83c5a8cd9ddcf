/* The Mandelbrot set in single precision: short loops whose length depends on the data, compares, conversions. */

#include "bench.h"

enum { SIDE = 96, LIMIT = 100 };

static NOINLINE u32 escape(float x, float y)
{
    float r = 0, i = 0;
    u32 steps = 0;
    while (steps < LIMIT && r * r + i * i <= 4.0f) {
        float next = r * r - i * i + x;
        i = 2 * r * i + y;
        r = next;
        steps++;
    }
    return steps;
}

static u64 work(void)
{
    u64 sum = 0;
    for (i32 row = 0; row < SIDE; row++)
        for (i32 column = 0; column < SIDE; column++) {
            u32 steps = escape((float)column * 3 / SIDE - 2.2f, (float)row * 2.4f / SIDE - 1.2f);
            sum = sum * 3 + steps + (u32)(1000.0f / (float)(steps + 1));
        }
    return sum;
}

PROGRAM("mandelbrot", 370, 0x78869bfad6423371);
