/* Eight by eight blocks of an image through an integer cosine transform, quantisation, zigzag run lengths, and back. */

#include "bench.h"

enum { BLOCKS = 60 };

/* cos(k * pi / 16) * 2^13 for k = 0..8. */
static const i32 cosines[] = {8192, 8035, 7568, 6811, 5793, 4551, 3135, 1598, 0};
static i32 basis[8][8];

static i32 cosine(u32 k)
{
    k &= 31;
    if (k > 16)
        k = 32 - k;
    return k <= 8 ? cosines[k] : -cosines[16 - k];
}

static void make_basis(void)
{
    for (u32 u = 0; u < 8; u++)
        for (u32 x = 0; x < 8; x++)
            basis[u][x] = u == 0 ? 5793 : cosine((2 * x + 1) * u);
}

static NOINLINE void forward(const i16 *pixels, i32 *out)
{
    i32 rows[64];
    for (u32 y = 0; y < 8; y++)
        for (u32 u = 0; u < 8; u++) {
            i32 total = 0;
            for (u32 x = 0; x < 8; x++)
                total += pixels[8 * y + x] * basis[u][x];
            rows[8 * y + u] = total >> 10;
        }
    for (u32 u = 0; u < 8; u++)
        for (u32 v = 0; v < 8; v++) {
            i32 total = 0;
            for (u32 y = 0; y < 8; y++)
                total += rows[8 * y + u] * basis[v][y];
            out[8 * v + u] = (total + (1 << 17)) >> 18;
        }
}

static NOINLINE void backward(const i32 *in, i16 *pixels)
{
    i32 columns[64];
    for (u32 u = 0; u < 8; u++)
        for (u32 y = 0; y < 8; y++) {
            i32 total = 0;
            for (u32 v = 0; v < 8; v++)
                total += in[8 * v + u] * basis[v][y];
            columns[8 * y + u] = total >> 9;
        }
    for (u32 y = 0; y < 8; y++)
        for (u32 x = 0; x < 8; x++) {
            i32 total = 1 << 18;
            for (u32 u = 0; u < 8; u++)
                total += columns[8 * y + u] * basis[u][x];
            i32 value = total >> 19;
            pixels[8 * y + x] = (i16)(value > 127 ? 127 : value < -128 ? -128 : value);
        }
}

/* The order of the diagonals, alternating in direction. */
static u8 zigzag[64];

static void make_zigzag(void)
{
    u32 at = 0;
    for (i32 d = 0; d < 15; d++)
        for (i32 i = 0; i <= d; i++) {
            i32 x = d & 1 ? i : d - i, y = d - x;
            if (x < 8 && y < 8)
                zigzag[at++] = (u8)(8 * x + y);
        }
}

static NOINLINE u64 run_lengths(const i32 *block, u64 sum)
{
    u32 run = 0;
    for (u32 i = 0; i < 64; i++) {
        i32 value = block[zigzag[i]];
        if (value == 0) {
            run++;
            continue;
        }
        u32 magnitude = (u32)(value < 0 ? -value : value);
        sum = mix(sum, run << 24 | (32 - (u32)__builtin_clz(magnitude)) << 16 | (u16)value);
        run = 0;
    }
    return sum;
}

static u64 work(void)
{
    u64 seed = 640480, sum = 0;
    make_basis();
    make_zigzag();
    for (u32 b = 0; b < BLOCKS; b++) {
        i16 pixels[64];
        i32 block[64];
        u64 value = next_random(&seed);
        for (i32 i = 0; i < 64; i++)
            pixels[i] = (i16)((i32)((value >> (i & 31) & 31) + (value & 7) * (u32)(i & 7)) * 2 - 64 + (i >> 3));
        forward(pixels, block);
        for (i32 i = 0; i < 64; i++) {
            i32 step = 3 + (i & 7) + (i >> 3);
            block[i] = block[i] / step;
        }
        sum = run_lengths(block, sum);
        for (i32 i = 0; i < 64; i++)
            block[i] *= 3 + (i & 7) + (i >> 3);
        backward(block, pixels);
        for (u32 i = 0; i < 64; i++)
            sum += (u64)(i64)pixels[i] * (i + 1);
    }
    return sum;
}

PROGRAM("dct", 4700, 0xe6bfe116a8c86049);
