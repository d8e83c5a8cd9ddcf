/* Vector code without floating point: moves, compares, shuffles, packs, shifts and arithmetic of SSE2. */

#include "entry.h"
#include <emmintrin.h>

static u64 seed;
static u8 a[256] __attribute__((aligned(16)));
static u8 b[256] __attribute__((aligned(16)));

static u64 next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static void refill(u64 from)
{
    seed = from;
    for (u64 i = 0; i < sizeof a; i++) {
        a[i] = (u8)next();
        b[i] = (u8)(next() >> 9) & 0x8f;
    }
}

static NOINLINE u64 fold(u64 sum, __m128i value)
{
    u64 low = (u64)_mm_cvtsi128_si64(value);
    u64 high = (u64)_mm_cvtsi128_si64(_mm_unpackhi_epi64(value, value));
    return (sum ^ low) * 0x9e3779b97f4a7c15ul + (high ^ (sum >> 29));
}

static __m128i load(const u8 *from) { return _mm_loadu_si128((const __m128i *)from); }

/* The length of a string, 16 bytes at a time. */
static NOINLINE u64 length(const u8 *string)
{
    for (u64 i = 0;; i += 16) {
        int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(load(string + i), _mm_setzero_si128()));
        if (mask)
            return i + (u64)__builtin_ctz((unsigned)mask);
    }
}

static u64 searching(void)
{
    u64 sum = 0;
    refill(1);
    for (u64 end = 3; end < 240; end += 31) {
        for (u64 i = 0; i < sizeof a; i++)
            a[i] |= 1;
        a[end] = 0;
        sum = sum * 1000 + length(a + end % 3);
    }
    return sum;
}

static u64 arithmetic(void)
{
    u64 sum = 1;
    refill(2);
    for (u64 i = 0; i + 17 < sizeof a; i += 5) {
        __m128i x = load(a + i), y = load(b + i);
        sum = fold(sum, _mm_add_epi8(x, y));
        sum = fold(sum, _mm_sub_epi16(x, y));
        sum = fold(sum, _mm_add_epi32(x, y));
        sum = fold(sum, _mm_add_epi64(x, y));
        sum = fold(sum, _mm_sub_epi64(x, y));
        sum = fold(sum, _mm_adds_epu8(x, y));
        sum = fold(sum, _mm_subs_epi16(x, y));
        sum = fold(sum, _mm_mullo_epi16(x, y));
        sum = fold(sum, _mm_mulhi_epu16(x, y));
        sum = fold(sum, _mm_mul_epu32(x, y));
        sum = fold(sum, _mm_madd_epi16(x, y));
        sum = fold(sum, _mm_sad_epu8(x, y));
        sum = fold(sum, _mm_avg_epu8(x, y));
        sum = fold(sum, _mm_min_epu8(x, y));
        sum = fold(sum, _mm_max_epi16(x, y));
    }
    return sum;
}

static u64 compares(void)
{
    u64 sum = 2;
    refill(3);
    for (u64 i = 0; i + 17 < sizeof a; i += 7) {
        __m128i x = load(a + i), y = load(b + i);
        sum = fold(sum, _mm_cmpeq_epi8(x, y));
        sum = fold(sum, _mm_cmpgt_epi8(x, y));
        sum = fold(sum, _mm_cmpgt_epi32(x, y));
        sum = fold(sum, _mm_cmpeq_epi16(_mm_and_si128(x, y), y));
        sum = fold(sum, _mm_andnot_si128(x, _mm_or_si128(x, y)));
        sum = fold(sum, _mm_xor_si128(x, y));
        sum += (u64)_mm_movemask_epi8(x) << (i & 31);
    }
    return sum;
}

static u64 shuffles(void)
{
    u64 sum = 3;
    refill(4);
    for (u64 i = 0; i + 17 < sizeof a; i += 3) {
        __m128i x = load(a + i), y = load(b + i);
        sum = fold(sum, _mm_shuffle_epi32(x, 0x1b));
        sum = fold(sum, _mm_shufflelo_epi16(x, 0x93));
        sum = fold(sum, _mm_shufflehi_epi16(y, 0x6c));
        sum = fold(sum, _mm_unpacklo_epi8(x, y));
        sum = fold(sum, _mm_unpackhi_epi16(x, y));
        sum = fold(sum, _mm_unpacklo_epi32(x, y));
        sum = fold(sum, _mm_unpacklo_epi64(x, y));
        sum = fold(sum, _mm_packs_epi16(x, y));
        sum = fold(sum, _mm_packus_epi16(x, y));
        sum = fold(sum, _mm_packs_epi32(x, y));
        sum = fold(sum, _mm_insert_epi16(x, (int)i, 5));
        sum += (u64)_mm_extract_epi16(y, 6);
    }
    return sum;
}

static u64 shifts(void)
{
    u64 sum = 4;
    refill(5);
    for (u64 i = 0; i + 17 < sizeof a; i += 11) {
        __m128i x = load(a + i);
        __m128i count = _mm_cvtsi64_si128((i64)(i & 127));
        sum = fold(sum, _mm_slli_epi16(x, 3));
        sum = fold(sum, _mm_srai_epi32(x, 9));
        sum = fold(sum, _mm_srli_epi64(x, 31));
        sum = fold(sum, _mm_slli_si128(x, 5));
        sum = fold(sum, _mm_srli_si128(x, 11));
        sum = fold(sum, _mm_sll_epi64(x, count));
        sum = fold(sum, _mm_sra_epi16(x, count));
        sum = fold(sum, _mm_srl_epi32(x, count));
    }
    return sum;
}

/* Aligned, unaligned, partial and across a page. */
static u64 moves(void)
{
    static u8 pages[3 * 4096] __attribute__((aligned(4096)));
    u64 sum = 5;
    refill(6);
    for (u64 i = 0; i < 16; i++) {
        __m128i x = load(a + i);
        _mm_storeu_si128((__m128i *)(pages + 4096 - i), x);
        sum = fold(sum, load(pages + 4096 - 8));
        _mm_store_si128((__m128i *)(pages + 8192 - 16), x);
        _mm_storel_epi64((__m128i *)(pages + 8192 - 3), x);
        sum = fold(sum, _mm_load_si128((__m128i *)(pages + 8192 - 16)));
        sum = fold(sum, _mm_loadl_epi64((__m128i *)(pages + 8192 - 5)));
        sum = fold(sum, _mm_cvtsi32_si128((i32)sum));
        _mm_stream_si128((__m128i *)pages, x);
        sum = fold(sum, _mm_move_epi64(_mm_load_si128((__m128i *)pages)));
    }
    return sum;
}

static const struct check checks[] = {
    {searching, 0x6c34c011da022e23ul},
    {arithmetic, 0xb416b2bfd816aa0eul},
    {compares, 0x84da34283f279456ul},
    {shuffles, 0x3f5212c43547d06bul},
    {shifts, 0xd1c18da89cc00ec6ul},
    {moves, 0x200eeb16977dfefaul},
};

__attribute__((noreturn)) void _start(void)
{
    run_checks(checks, COUNT(checks));
}
