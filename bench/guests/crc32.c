/* Cyclic redundancy checks three ways: bit by bit to make the table, byte by byte, and four tables at once. */

#include "bench.h"

static u32 tables[4][256];
static u8 data[32768];

static NOINLINE void make_tables(void)
{
    for (u32 i = 0; i < 256; i++) {
        u32 value = i;
        for (u32 bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (value & 1 ? 0xedb88320 : 0);
        tables[0][i] = value;
    }
    for (u32 i = 0; i < 256; i++)
        for (u32 t = 1; t < 4; t++)
            tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 255];
}

static NOINLINE u32 by_bytes(u32 crc, const u8 *bytes, u32 count)
{
    for (u32 i = 0; i < count; i++)
        crc = crc >> 8 ^ tables[0][(crc ^ bytes[i]) & 255];
    return crc;
}

static NOINLINE u32 by_words(u32 crc, const u8 *bytes, u32 count)
{
    for (; count >= 4; count -= 4, bytes += 4) {
        u32 word;
        __builtin_memcpy(&word, bytes, 4);
        crc ^= word;
        crc = tables[3][crc & 255] ^ tables[2][crc >> 8 & 255] ^ tables[1][crc >> 16 & 255] ^ tables[0][crc >> 24];
    }
    return by_bytes(crc, bytes, count);
}

static u64 work(void)
{
    u64 seed = 7;
    make_tables();
    for (u32 i = 0; i < sizeof data; i++)
        data[i] = (u8)(next_random(&seed) >> 24);
    u32 first = ~0u, second = ~0u;
    for (u32 pass = 0; pass < 8; pass++) {
        first = by_bytes(first, data, sizeof data);
        second = by_words(second, data, sizeof data - pass);
    }
    return mix(first, second);
}

PROGRAM("crc32", 300, 0xcc529796c3ea8fc5);
