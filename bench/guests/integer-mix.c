/* Arithmetic of every width as ordinary code mixes it: narrow wrap-around, sign extension, shifts, division, selects. */

#include "bench.h"

static u64 work(void)
{
    u64 seed = 0x123456789abcdef, sum = 1;
    u8 byte = 17;
    u16 word = 4711;
    i32 signed32 = -12345;
    i64 signed64 = 1;
    for (u32 i = 0; i < 60000; i++) {
        u64 value = next_random(&seed);
        byte = (u8)(byte * 5 + (value >> 3));
        word = (u16)(word - byte * 7 + i);
        signed32 += (i8)byte - (i16)word;
        signed64 = (i64)((u64)signed64 << 1 ^ (u64)signed32) + (i64)(value >> 40);
        if (signed32 < 0)
            sum += (u32)-signed32 / (byte | 1u);
        else
            sum ^= (u32)signed32 % (word | 3u);
        if ((i & 15) == 0)
            sum += (u64)(signed64 / (i64)(value >> 50 | 5));
        sum = (sum << 7 | sum >> 57) + (value > sum ? value - sum : sum & 0xff);
    }
    return mix(sum, (u64)signed64);
}

PROGRAM("integer-mix", 1000, 0x8798225f863893c8);
