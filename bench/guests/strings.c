/* Byte-wise string functions of the usual kind over generated words. */

#include "bench.h"

enum { TEXT = 24000 };

static char text[TEXT + 1], upper[TEXT + 1];

static NOINLINE u64 length_of(const char *s)
{
    u64 length = 0;
    while (s[length] != 0)
        length++;
    return length;
}

static NOINLINE int compare(const char *a, const char *b, u64 count)
{
    for (; count > 0 && *a == *b; count--, a++, b++)
        if (*a == 0)
            return 0;
    return count == 0 ? 0 : (u8)*a - (u8)*b;
}

static NOINLINE const char *find_byte(const char *s, char byte)
{
    while (*s != 0 && *s != byte)
        s++;
    return *s == 0 ? 0 : s;
}

static NOINLINE const char *find_text(const char *s, const char *wanted)
{
    u64 length = length_of(wanted);
    while ((s = find_byte(s, wanted[0])) != 0) {
        if (compare(s, wanted, length) == 0)
            return s;
        s++;
    }
    return 0;
}

static NOINLINE void to_upper(char *out, const char *in)
{
    do
        *out++ = *in >= 'a' && *in <= 'z' ? (char)(*in - 32) : *in;
    while (*in++ != 0);
}

static NOINLINE u32 split(char *s, u64 *sum)
{
    u32 words = 0;
    while (*s != 0) {
        while (*s == ' ')
            s++;
        u64 word = 0;
        char *start = s;
        while (*s != 0 && *s != ' ')
            word = word * 31 + (u8)*s++;
        if (s > start)
            words++, *sum = mix(*sum, word);
    }
    return words;
}

static NOINLINE u32 palindromes(const char *s, u64 length)
{
    u32 found = 0;
    for (u64 middle = 1; middle + 1 < length; middle++)
        for (u64 reach = 1; reach <= middle && middle + reach < length; reach++) {
            if (s[middle - reach] != s[middle + reach])
                break;
            found++;
        }
    return found;
}

static u64 work(void)
{
    static const char *const wanted[] = {"abc", "ca b", "zz", "bacab", "cc ab", "abcabca"};
    u64 seed = 577215, sum = 0;
    for (u32 i = 0; i < TEXT; i++) {
        u64 value = next_random(&seed) >> 33;
        text[i] = value % 6 == 0 ? ' ' : (char)('a' + value % 3);
    }
    text[TEXT] = 0;
    for (u32 i = 0; i < COUNT(wanted); i++) {
        u32 found = 0;
        for (const char *at = text; (at = find_text(at, wanted[i])) != 0; at++)
            found++;
        sum = mix(sum, found);
    }
    to_upper(upper, text);
    sum = mix(sum, split(upper, &sum));
    sum = mix(sum, palindromes(text, TEXT));
    for (u32 i = 0; i < 400; i++) {
        const char *a = text + next_random(&seed) % TEXT, *b = text + next_random(&seed) % TEXT;
        sum += (u64)(i64)compare(a, b, 64) + (find_byte(a, 'b') != 0);
    }
    return mix(sum, length_of(upper));
}

PROGRAM("strings", 340, 0xd59b251333572664);
