/* Dictionary compression with a hash table of recent positions, decompression, comparison. */

#include "bench.h"

enum { SIZE = 32768, HASHES = 4096, WINDOW = 8192, SHORTEST = 4, LONGEST = 255 + SHORTEST };

static u8 input[SIZE], packed[SIZE * 2], output[SIZE];
static u32 heads[HASHES];

static u32 word_at(u32 at)
{
    u32 word;
    __builtin_memcpy(&word, input + at, 4);
    return word;
}

/* A literal is 0, byte; a match is 1, distance (two bytes), length - SHORTEST. Eight kinds share a control byte. */
static NOINLINE u32 compress(void)
{
    u32 at = 0, out = 0, control = 0, bit = 8;
    memset(heads, 0xff, sizeof heads);
    while (at < SIZE) {
        if (bit == 8) {
            control = out++;
            packed[control] = 0;
            bit = 0;
        }
        u32 length = 0, from = 0;
        if (at + SHORTEST <= SIZE) {
            u32 *head = &heads[word_at(at) * 2654435761u >> 20];
            from = *head;
            *head = at;
            if (from < at && at - from < WINDOW)
                while (length < LONGEST && at + length < SIZE && input[from + length] == input[at + length])
                    length++;
        }
        if (length >= SHORTEST) {
            packed[control] |= (u8)(1 << bit);
            packed[out++] = (u8)(at - from);
            packed[out++] = (u8)((at - from) >> 8);
            packed[out++] = (u8)(length - SHORTEST);
            at += length;
        } else {
            packed[out++] = input[at++];
        }
        bit++;
    }
    return out;
}

static NOINLINE u32 decompress(u32 count)
{
    u32 in = 0, at = 0;
    while (in < count) {
        u32 control = packed[in++];
        for (u32 bit = 0; bit < 8 && in < count; bit++) {
            if (control >> bit & 1) {
                u32 distance = packed[in] | (u32)packed[in + 1] << 8, length = packed[in + 2] + (u32)SHORTEST;
                in += 3;
                for (; length > 0; length--, at++)
                    output[at] = output[at - distance];
            } else {
                output[at++] = packed[in++];
            }
        }
    }
    return at;
}

static u64 work(void)
{
    u64 seed = 6022;
    for (u32 at = 0; at < SIZE;) {
        u64 value = next_random(&seed);
        u32 length = (u32)(value & 31) + 1;
        if (at > 100 && value & 64) {
            u32 from = (u32)(value >> 8) % at;
            for (; length > 0 && at < SIZE; length--)
                input[at++] = input[from++];
        } else {
            for (; length > 0 && at < SIZE; length--, value = value >> 3 | value << 61)
                input[at++] = (u8)('a' + (value & 15));
        }
    }
    u32 count = compress();
    if (decompress(count) != SIZE || memcmp(input, output, SIZE) != 0)
        return 0;
    u64 sum = count;
    for (u32 i = 0; i < count; i++)
        sum = mix(sum, packed[i]);
    return sum;
}

PROGRAM("lz", 1700, 0x5ccd268a707cd836);
