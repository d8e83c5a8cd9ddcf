/* Numbers of many words: schoolbook multiplication, modular exponentiation by Montgomery multiplication, and division
   by a small number for decimal digits. */

#include "bench.h"

enum { WORDS = 16 };

typedef unsigned __int128 u128;

static NOINLINE void multiply(u64 *result, const u64 *a, const u64 *b, u32 words)
{
    memset(result, 0, 2 * words * sizeof *result);
    for (u32 i = 0; i < words; i++) {
        u64 carry = 0;
        for (u32 j = 0; j < words; j++) {
            u128 t = (u128)a[i] * b[j] + result[i + j] + carry;
            result[i + j] = (u64)t;
            carry = (u64)(t >> 64);
        }
        result[i + words] = carry;
    }
}

static u64 subtract(u64 *a, const u64 *b, u32 words)
{
    u64 borrow = 0;
    for (u32 i = 0; i < words; i++) {
        u64 difference = a[i] - b[i], next = (a[i] < b[i]) | (difference < borrow);
        a[i] = difference - borrow;
        borrow = next;
    }
    return borrow;
}

static int less(const u64 *a, const u64 *b, u32 words)
{
    for (u32 i = words; i-- > 0;)
        if (a[i] != b[i])
            return a[i] < b[i];
    return 0;
}

static u64 modulus[WORDS], inverse;

/* result = a * b / 2^(64 * WORDS) modulo the modulus. */
static NOINLINE void montgomery(u64 *result, const u64 *a, const u64 *b)
{
    u64 t[WORDS + 2] = {0};
    for (u32 i = 0; i < WORDS; i++) {
        u64 carry = 0;
        for (u32 j = 0; j < WORDS; j++) {
            u128 x = (u128)a[j] * b[i] + t[j] + carry;
            t[j] = (u64)x;
            carry = (u64)(x >> 64);
        }
        u128 x = (u128)t[WORDS] + carry;
        t[WORDS] = (u64)x;
        t[WORDS + 1] = (u64)(x >> 64);
        u64 m = t[0] * inverse;
        carry = (u64)(((u128)m * modulus[0] + t[0]) >> 64);
        for (u32 j = 1; j < WORDS; j++) {
            x = (u128)m * modulus[j] + t[j] + carry;
            t[j - 1] = (u64)x;
            carry = (u64)(x >> 64);
        }
        x = (u128)t[WORDS] + carry;
        t[WORDS - 1] = (u64)x;
        t[WORDS] = t[WORDS + 1] + (u64)(x >> 64);
    }
    if (t[WORDS] != 0 || !less(t, modulus, WORDS))
        subtract(t, modulus, WORDS);
    memcpy(result, t, WORDS * sizeof *result);
}

static NOINLINE u32 digit_sum(u64 *value, u32 words)
{
    u32 sum = 0;
    for (;;) {
        u32 remainder = 0, any = 0;
        for (u32 i = words; i-- > 0;) {
            u64 high = (u64)remainder << 32 | value[i] >> 32;
            u64 low = high % 1000000000 << 32 | (u32)value[i];
            value[i] = high / 1000000000 << 32 | low / 1000000000;
            remainder = (u32)(low % 1000000000);
            any |= value[i] != 0;
        }
        for (; remainder > 0; remainder /= 10)
            sum += remainder % 10;
        if (!any)
            return sum;
    }
}

static u64 work(void)
{
    u64 seed = 1234577, a[WORDS], b[WORDS], product[2 * WORDS], one[WORDS] = {1}, sum = 0;
    for (u32 i = 0; i < WORDS; i++) {
        modulus[i] = next_random(&seed);
        a[i] = next_random(&seed);
        b[i] = next_random(&seed);
    }
    modulus[0] |= 1;
    modulus[WORDS - 1] |= 1ul << 63;
    /* Newton's iteration doubles the correct bits of the inverse; an odd number is its own inverse modulo 8. */
    inverse = modulus[0];
    for (u32 i = 0; i < 5; i++)
        inverse *= 2 - modulus[0] * inverse;
    inverse = -inverse;

    for (u32 i = 0; i < 60; i++) {
        multiply(product, a, b, WORDS);
        memcpy(a, product + WORDS / 2, sizeof a);
        sum = mix(sum, product[2 * WORDS - 1]);
    }
    sum = mix(sum, digit_sum(product, 2 * WORDS));

    a[WORDS - 1] = b[WORDS - 1] = 1;
    u64 result[WORDS];
    memcpy(result, a, sizeof result);
    for (u32 bit = 0; bit < 400; bit++) {
        montgomery(result, result, result);
        if (b[bit / 64] >> bit % 64 & 1)
            montgomery(result, result, a);
    }
    montgomery(result, result, one);
    for (u32 i = 0; i < WORDS; i++)
        sum = mix(sum, result[i]);
    return sum;
}

PROGRAM("bigint", 710, 0xec5fcbafe9046c4c);
