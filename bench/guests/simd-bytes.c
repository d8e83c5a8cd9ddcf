/* SSE2 on text: lower case, search for line ends and widening of bytes to words, sixteen characters at a time. */

#include <emmintrin.h>

#include "bench.h"

enum { SIZE = 16384 };

static u8 text[SIZE] __attribute__((aligned(16))), lower[SIZE] __attribute__((aligned(16)));
static u16 wide[SIZE] __attribute__((aligned(16)));

static NOINLINE void to_lower(void)
{
    /* A signed compare works because the range is moved to the bottom first. */
    __m128i shift = _mm_set1_epi8((char)('A' + 128)), limit = _mm_set1_epi8((char)(-128 + 26)), bit = _mm_set1_epi8(0x20);
    for (u32 i = 0; i < SIZE; i += 16) {
        __m128i v = _mm_load_si128((const __m128i *)(text + i));
        __m128i capital = _mm_cmplt_epi8(_mm_sub_epi8(v, shift), limit);
        _mm_store_si128((__m128i *)(lower + i), _mm_or_si128(v, _mm_and_si128(capital, bit)));
    }
}

static NOINLINE u64 line_lengths(void)
{
    u64 sum = 0;
    u32 start = 0;
    __m128i end = _mm_set1_epi8('\n');
    for (u32 i = 0; i < SIZE; i += 16) {
        u32 mask = (u32)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_load_si128((const __m128i *)(lower + i)), end));
        for (; mask != 0; mask &= mask - 1) {
            u32 at = i + (u32)__builtin_ctz(mask);
            sum = mix(sum, at - start);
            start = at + 1;
        }
    }
    return sum;
}

static NOINLINE void widen(void)
{
    __m128i zero = _mm_setzero_si128();
    for (u32 i = 0; i < SIZE; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(lower + i));
        _mm_store_si128((__m128i *)(wide + i), _mm_unpacklo_epi8(v, zero));
        _mm_store_si128((__m128i *)(wide + i + 8), _mm_unpackhi_epi8(zero, v));
    }
}

static NOINLINE u64 adler(void)
{
    __m128i a = _mm_set1_epi32(1), b = _mm_setzero_si128();
    for (u32 i = 0; i < SIZE; i += 8) {
        __m128i v = _mm_load_si128((const __m128i *)(wide + i));
        a = _mm_add_epi32(a, _mm_unpacklo_epi16(v, _mm_setzero_si128()));
        b = _mm_add_epi32(b, _mm_xor_si128(a, _mm_slli_epi32(_mm_unpackhi_epi16(v, v), 3)));
    }
    u64 parts[2];
    _mm_storeu_si128((__m128i *)parts, _mm_add_epi64(_mm_mul_epu32(a, b), _mm_srli_epi64(b, 7)));
    return parts[0] ^ parts[1];
}

static u64 work(void)
{
    u64 seed = 65537, sum = 0;
    for (u32 i = 0; i < SIZE; i++) {
        u64 value = next_random(&seed) >> 20;
        text[i] = value % 40 == 0 ? '\n' : (u8)(32 + value / 40 % 95);
    }
    for (u32 pass = 0; pass < 10; pass++) {
        to_lower();
        sum = mix(sum, line_lengths());
        widen();
        sum = mix(sum, adler());
        text[pass * 999] ^= 0x20;
    }
    return sum;
}

PROGRAM("simd-bytes", 3400, 0x780c923bcf9b27d1);
