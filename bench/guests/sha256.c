/* SHA-256 (FIPS 180-4) of a growing message. The round constants are computed as the standard defines them: the
   fractional parts of square and cube roots of primes, by integer search. */

#include "bench.h"

static u32 constants[64], initial[8];

/* The first 32 fractional bits of the square root (degree 2) or cube root (degree 3). */
static u32 root_fraction(u32 prime, u32 degree)
{
    u64 low = 0, high = 1ul << 36;
    while (high - low > 1) {
        u64 middle = (low + high) / 2;
        /* A number with 32 fractional bits; its square has 64, its cube 96. */
        unsigned __int128 power = (unsigned __int128)middle * middle;
        if (degree == 3)
            power *= middle;
        if (power <= (unsigned __int128)prime << 32 * degree)
            low = middle;
        else
            high = middle;
    }
    return (u32)low;
}

static NOINLINE void make_constants(void)
{
    u32 count = 0;
    for (u32 candidate = 2; count < 64; candidate++) {
        u32 divisor = 2;
        while (divisor * divisor <= candidate && candidate % divisor != 0)
            divisor++;
        if (divisor * divisor <= candidate)
            continue;
        if (count < 8)
            initial[count] = root_fraction(candidate, 2);
        constants[count++] = root_fraction(candidate, 3);
    }
}

static NOINLINE void compress(u32 state[8], const u8 *block)
{
    u32 w[64], v[8];
    for (u32 i = 0; i < 16; i++)
        w[i] = (u32)block[4 * i] << 24 | (u32)block[4 * i + 1] << 16 | (u32)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (u32 i = 16; i < 64; i++) {
        u32 a = w[i - 15], b = w[i - 2];
        u32 s0 = rotate_right32(a, 7) ^ rotate_right32(a, 18) ^ a >> 3;
        u32 s1 = rotate_right32(b, 17) ^ rotate_right32(b, 19) ^ b >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    for (u32 i = 0; i < 8; i++)
        v[i] = state[i];
    for (u32 i = 0; i < 64; i++) {
        u32 s1 = rotate_right32(v[4], 6) ^ rotate_right32(v[4], 11) ^ rotate_right32(v[4], 25);
        u32 s0 = rotate_right32(v[0], 2) ^ rotate_right32(v[0], 13) ^ rotate_right32(v[0], 22);
        u32 t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + constants[i] + w[i];
        u32 t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        v[7] = v[6], v[6] = v[5], v[5] = v[4], v[4] = v[3] + t1;
        v[3] = v[2], v[2] = v[1], v[1] = v[0], v[0] = t1 + t2;
    }
    for (u32 i = 0; i < 8; i++)
        state[i] += v[i];
}

static void hash(u32 state[8], const u8 *message, u64 length)
{
    u8 last[128];
    u64 rest = length % 64, tail = rest < 56 ? 64 : 128;
    memcpy(state, initial, sizeof initial);
    for (u64 at = 0; at + 64 <= length; at += 64)
        compress(state, message + at);
    memset(last, 0, sizeof last);
    memcpy(last, message + length - rest, rest);
    last[rest] = 0x80;
    for (u32 i = 0; i < 8; i++)
        last[tail - 1 - i] = (u8)(length * 8 >> 8 * i);
    for (u64 at = 0; at < tail; at += 64)
        compress(state, last + at);
}

static u8 message[2048];

static u64 work(void)
{
    u32 state[8];
    u64 sum = 0;
    if (constants[0] == 0)
        make_constants();
    /* The example of the standard. */
    hash(state, (const u8 *)"abc", 3);
    if (state[0] != 0xba7816bf || state[7] != 0xf20015ad)
        return 0;
    for (u32 i = 0; i < sizeof message; i++)
        message[i] = (u8)(i * 7);
    for (u64 length = 0; length < sizeof message; length += 61) {
        hash(state, message, length);
        for (u32 i = 0; i < 8; i++)
            sum = mix(sum, state[i]);
    }
    return sum;
}

PROGRAM("sha256", 2200, 0x8cf2bab613e86bb1);
