/* UTF-8: encoding of generated code points, validating decoding (also of damaged text), and conversion to UTF-16. */

#include "bench.h"

enum { POINTS = 16000 };

static u8 encoded[POINTS * 4];
static u16 wide[POINTS * 4];

static u32 encode(u8 *out, u32 point)
{
    if (point < 0x80) {
        out[0] = (u8)point;
        return 1;
    }
    u32 length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (u32 i = length - 1; i > 0; i--, point >>= 6)
        out[i] = (u8)(0x80 | (point & 0x3f));
    out[0] = (u8)(0xf0 << (4 - length) | point);
    return length;
}

/* Reads one code point and returns its length, or 0 when the bytes are not acceptable UTF-8. */
static u32 decode(const u8 *in, const u8 *end, u32 *point)
{
    u8 first = in[0];
    if (first < 0x80) {
        *point = first;
        return 1;
    }
    u32 length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || end - in < length)
        return 0;
    u32 value = first & (0x7f >> length);
    for (u32 i = 1; i < length; i++) {
        if ((in[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (in[i] & 0x3f);
    }
    static const u32 least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    *point = value;
    return length;
}

static NOINLINE u32 to_utf16(const u8 *in, u32 count, u16 *out)
{
    const u8 *end = in + count;
    u32 units = 0;
    while (in < end) {
        u32 point, length = decode(in, end, &point);
        if (length == 0) {
            out[units++] = 0xfffd;
            in++;
            continue;
        }
        in += length;
        if (point >= 0x10000) {
            point -= 0x10000;
            out[units++] = (u16)(0xd800 | point >> 10);
            out[units++] = (u16)(0xdc00 | (point & 0x3ff));
        } else {
            out[units++] = (u16)point;
        }
    }
    return units;
}

static u64 work(void)
{
    static const u32 limits[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x800, 0xd800, 0x110000};
    u64 seed = 1729, sum = 0;
    u32 count = 0;
    for (u32 i = 0; i < POINTS; i++) {
        u64 value = next_random(&seed);
        count += encode(encoded + count, (u32)((value >> 8 & 0xffffff) % limits[value & 7]));
    }
    for (u32 pass = 0; pass < 2; pass++) {
        u32 units = to_utf16(encoded, count, wide);
        for (u32 i = 0; i < units; i++)
            sum = mix(sum, wide[i]);
        for (u32 i = 0; i < 500; i++)
            encoded[next_random(&seed) % count] ^= 0x41;
    }
    return sum;
}

PROGRAM("utf8", 1300, 0xf93c4508d7ab6b27);
