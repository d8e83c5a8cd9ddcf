/* SSE on packed floats: scaled sums, dot products, a box blur, normalised vectors, and selection by comparison. */

#include <emmintrin.h>

#include "bench.h"

enum { SIZE = 4096 };

static float x[SIZE] __attribute__((aligned(16))), y[SIZE + 8] __attribute__((aligned(16)));

static NOINLINE void scale_and_add(float factor)
{
    __m128 factors = _mm_set1_ps(factor);
    for (u32 i = 0; i < SIZE; i += 4)
        _mm_store_ps(y + i, _mm_add_ps(_mm_mul_ps(_mm_load_ps(x + i), factors), _mm_load_ps(y + i)));
}

static NOINLINE void blur(void)
{
    __m128 third = _mm_set1_ps(1.0f / 3);
    for (u32 i = 0; i < SIZE; i += 4) {
        __m128 total = _mm_add_ps(_mm_loadu_ps(y + i), _mm_add_ps(_mm_loadu_ps(y + i + 1), _mm_loadu_ps(y + i + 2)));
        _mm_store_ps(y + i, _mm_mul_ps(total, third));
    }
}

static NOINLINE float dot(void)
{
    __m128 total = _mm_setzero_ps();
    for (u32 i = 0; i < SIZE; i += 4)
        total = _mm_add_ps(total, _mm_mul_ps(_mm_load_ps(x + i), _mm_load_ps(y + i)));
    float lanes[4];
    _mm_storeu_ps(lanes, total);
    return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

static NOINLINE void normalise(void)
{
    for (u32 i = 0; i < SIZE; i += 4) {
        __m128 v = _mm_load_ps(y + i), squares = _mm_mul_ps(v, v);
        squares = _mm_add_ps(squares, _mm_shuffle_ps(squares, squares, 0x4e));
        squares = _mm_add_ps(squares, _mm_shuffle_ps(squares, squares, 0xb1));
        __m128 length = _mm_sqrt_ps(_mm_max_ps(squares, _mm_set1_ps(1e-6f)));
        __m128 small = _mm_cmplt_ps(length, _mm_set1_ps(0.5f));
        __m128 unit = _mm_div_ps(v, length);
        _mm_store_ps(y + i, _mm_or_ps(_mm_and_ps(small, v), _mm_andnot_ps(small, unit)));
    }
}

static NOINLINE u32 rounded(void)
{
    __m128i total = _mm_setzero_si128();
    for (u32 i = 0; i < SIZE; i += 4)
        total = _mm_add_epi32(total, _mm_cvtps_epi32(_mm_mul_ps(_mm_load_ps(y + i), _mm_set1_ps(1000))));
    total = _mm_add_epi32(total, _mm_shuffle_epi32(total, 0x4e));
    return (u32)_mm_cvtsi128_si32(_mm_add_epi32(total, _mm_shuffle_epi32(total, 0xb1)));
}

static u64 work(void)
{
    u64 seed = 754, sum = 0;
    memset(y, 0, sizeof y);
    for (u32 i = 0; i < SIZE; i++)
        x[i] = (float)((i32)(next_random(&seed) >> 44) - 500000) / 250000;
    for (u32 pass = 0; pass < 16; pass++) {
        scale_and_add(0.5f + (float)pass / 8);
        blur();
        normalise();
        float product = dot();
        u32 bits;
        __builtin_memcpy(&bits, &product, 4);
        sum = mix(mix(sum, bits), rounded());
    }
    return sum;
}

PROGRAM("simd-float", 3200, 0x788a119e856cace8);
