/* 64-bit arithmetic that 32-bit registers cannot do at once: full products, a multiply-based generator, and Montgomery
   steps modulo a 61-bit prime. */

#include "bench.h"

static const u64 PRIME = (1ul << 61) - 1;

static u64 multiply_modulo(u64 a, u64 b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    u64 low = (u64)product & PRIME, high = (u64)(product >> 61);
    u64 sum = low + high;
    return sum >= PRIME ? sum - PRIME : sum;
}

static NOINLINE u64 power(u64 base, u64 exponent)
{
    u64 result = 1;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result = multiply_modulo(result, base);
        base = multiply_modulo(base, base);
    }
    return result;
}

static u64 work(void)
{
    u64 seed = 42, sum = 0;
    for (u32 i = 0; i < 60000; i++) {
        u64 a = next_random(&seed), b = a * 0xda942042e4dd58b5ul;
        unsigned __int128 wide = (unsigned __int128)a * (b | 1);
        i64 high = (i64)(((__int128)(i64)a * (i64)b) >> 64);
        sum += (u64)wide ^ (u64)(wide >> 64) ^ (u64)high;
    }
    for (u32 i = 2; i < 402; i++)
        sum = mix(sum, power(i, PRIME - 2));
    return sum;
}

PROGRAM("multiply64", 1000, 0x6929770340dfe2b6);
