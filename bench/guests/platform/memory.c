/* The functions that a compiler may call without being asked. build.sh keeps it from turning them into calls of
   themselves. */

#include "../bench.h"

void *memcpy(void *to, const void *from, u64 count)
{
    u8 *out = to;
    const u8 *in = from;
    for (; count >= 8; count -= 8, out += 8, in += 8)
        __builtin_memcpy(out, in, 8);
    while (count-- > 0)
        *out++ = *in++;
    return to;
}

void *memmove(void *to, const void *from, u64 count)
{
    u8 *out = to;
    const u8 *in = from;
    if (out <= in || out >= in + count)
        return memcpy(to, from, count);
    while (count-- > 0)
        out[count] = in[count];
    return to;
}

void *memset(void *to, int value, u64 count)
{
    u8 *out = to;
    u64 word = (u8)value * 0x0101010101010101ul;
    for (; count >= 8; count -= 8, out += 8)
        __builtin_memcpy(out, &word, 8);
    while (count-- > 0)
        *out++ = (u8)value;
    return to;
}

int memcmp(const void *a, const void *b, u64 count)
{
    const u8 *left = a, *right = b;
    for (u64 i = 0; i < count; i++)
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    return 0;
}
