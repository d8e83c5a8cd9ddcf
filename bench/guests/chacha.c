/* The ChaCha20 block function (RFC 8439): 32-bit additions, exclusive ors and rotations on sixteen words. */

#include "bench.h"

static inline void quarter(u32 *x, u32 a, u32 b, u32 c, u32 d)
{
    x[a] += x[b], x[d] = rotate_left32(x[d] ^ x[a], 16);
    x[c] += x[d], x[b] = rotate_left32(x[b] ^ x[c], 12);
    x[a] += x[b], x[d] = rotate_left32(x[d] ^ x[a], 8);
    x[c] += x[d], x[b] = rotate_left32(x[b] ^ x[c], 7);
}

static NOINLINE void block(const u32 input[16], u32 output[16])
{
    u32 x[16];
    memcpy(x, input, sizeof x);
    for (u32 i = 0; i < 10; i++) {
        quarter(x, 0, 4, 8, 12);
        quarter(x, 1, 5, 9, 13);
        quarter(x, 2, 6, 10, 14);
        quarter(x, 3, 7, 11, 15);
        quarter(x, 0, 5, 10, 15);
        quarter(x, 1, 6, 11, 12);
        quarter(x, 2, 7, 8, 13);
        quarter(x, 3, 4, 9, 14);
    }
    for (u32 i = 0; i < 16; i++)
        output[i] = x[i] + input[i];
}

static u64 work(void)
{
    /* The example of section 2.3.2; its first word of output is e4e7f110. */
    u32 input[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574}, output[16];
    for (u32 i = 0; i < 8; i++)
        input[4 + i] = 0x03020100 + i * 0x04040404;
    input[12] = 1, input[13] = 0x09000000, input[14] = 0x4a000000;
    block(input, output);
    if (output[0] != 0xe4e7f110 || output[15] != 0x4e3c50a2)
        return 0;
    u64 sum = 0;
    for (u32 i = 0; i < 8000; i++) {
        block(input, output);
        sum = mix(sum, output[i & 15] + (u64)output[7]);
        input[12]++;
    }
    return sum;
}

PROGRAM("chacha", 280, 0xafa5cfe7d63af8cc);
