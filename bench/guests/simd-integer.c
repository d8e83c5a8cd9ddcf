/* SSE2 on integers: scaled sums of 16-bit lanes, byte maxima and differences, and a population count that is
   compared with a plain loop. */

#include <emmintrin.h>

#include "bench.h"

enum { SIZE = 8192 };

static i16 x[SIZE] __attribute__((aligned(16))), y[SIZE] __attribute__((aligned(16)));
static u8 left[SIZE] __attribute__((aligned(16))), right[SIZE] __attribute__((aligned(16)));

static NOINLINE u32 scaled_sum(i16 factor)
{
    __m128i total = _mm_setzero_si128(), factors = _mm_set1_epi16(factor);
    for (u32 i = 0; i < SIZE; i += 8) {
        __m128i a = _mm_load_si128((const __m128i *)(x + i)), b = _mm_load_si128((const __m128i *)(y + i));
        a = _mm_adds_epi16(_mm_mullo_epi16(a, factors), b);
        _mm_store_si128((__m128i *)(y + i), a);
        total = _mm_add_epi32(total, _mm_madd_epi16(a, b));
    }
    total = _mm_add_epi32(total, _mm_shuffle_epi32(total, 0x4e));
    total = _mm_add_epi32(total, _mm_shuffle_epi32(total, 0xb1));
    return (u32)_mm_cvtsi128_si32(total);
}

static NOINLINE u64 byte_extremes(void)
{
    __m128i most = _mm_setzero_si128(), least = _mm_set1_epi8(-1), distance = _mm_setzero_si128();
    for (u32 i = 0; i < SIZE; i += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(left + i)), b = _mm_loadu_si128((const __m128i *)(right + i));
        most = _mm_max_epu8(most, _mm_subs_epu8(a, b));
        least = _mm_min_epu8(least, _mm_avg_epu8(a, b));
        distance = _mm_add_epi64(distance, _mm_sad_epu8(a, b));
    }
    u8 bytes[16];
    u64 sum = (u64)_mm_cvtsi128_si64(distance) + (u64)_mm_cvtsi128_si64(_mm_unpackhi_epi64(distance, distance));
    _mm_storeu_si128((__m128i *)bytes, _mm_packus_epi16(_mm_unpacklo_epi8(most, least), _mm_srli_epi16(most, 8)));
    for (u32 i = 0; i < 16; i++)
        sum = mix(sum, bytes[i]);
    return sum;
}

static NOINLINE u64 population(void)
{
    __m128i total = _mm_setzero_si128();
    __m128i fives = _mm_set1_epi8(0x55), threes = _mm_set1_epi8(0x33), nibbles = _mm_set1_epi8(0x0f);
    for (u32 i = 0; i < SIZE; i += 16) {
        __m128i v = _mm_load_si128((const __m128i *)(left + i));
        v = _mm_sub_epi8(v, _mm_and_si128(_mm_srli_epi64(v, 1), fives));
        v = _mm_add_epi8(_mm_and_si128(v, threes), _mm_and_si128(_mm_srli_epi64(v, 2), threes));
        v = _mm_and_si128(_mm_add_epi8(v, _mm_srli_epi64(v, 4)), nibbles);
        total = _mm_add_epi64(total, _mm_sad_epu8(v, _mm_setzero_si128()));
    }
    return (u64)_mm_cvtsi128_si64(total) + (u64)_mm_cvtsi128_si64(_mm_srli_si128(total, 8));
}

static NOINLINE u32 find_pairs(u8 wanted)
{
    u32 found = 0;
    __m128i pattern = _mm_set1_epi8((char)wanted);
    for (u32 i = 0; i < SIZE; i += 16) {
        __m128i a = _mm_load_si128((const __m128i *)(left + i)), b = _mm_load_si128((const __m128i *)(right + i));
        __m128i either = _mm_or_si128(_mm_cmpeq_epi8(a, pattern), _mm_cmpeq_epi8(b, pattern));
        for (u32 mask = (u32)_mm_movemask_epi8(either); mask != 0; mask &= mask - 1)
            found += i + (u32)__builtin_ctz(mask);
    }
    return found;
}

static u64 work(void)
{
    u64 seed = 128, sum = 0, plain = 0;
    for (u32 i = 0; i < SIZE; i++) {
        u64 value = next_random(&seed);
        x[i] = (i16)(value >> 16), y[i] = (i16)(value >> 32);
        left[i] = (u8)value, right[i] = (u8)(value >> 56);
        for (u32 bits = left[i]; bits != 0; bits &= bits - 1)
            plain++;
    }
    for (u32 pass = 0; pass < 12; pass++) {
        sum = mix(sum, scaled_sum((i16)(pass * 3 + 1)));
        sum = mix(sum, byte_extremes());
        if (population() != plain)
            return 0;
        sum = mix(sum, find_pairs((u8)(pass * 17)));
    }
    return sum;
}

PROGRAM("simd-integer", 6700, 0x59c7d16c1a0cf067);
