/* Regular expressions: a pattern is compiled to a nondeterministic automaton, which then runs over text as a bit set. */

#include "bench.h"

/* One state for each character of the pattern: what it accepts, and whether it repeats or may be left out. */
struct state {
    u8 kind, low, high, repeats, optional;
};

enum { LITERAL, ANY, RANGE, TEXT = 12000 };

static struct state states[64];
static char text[TEXT + 1];

static NOINLINE u32 compile(const char *pattern)
{
    u32 count = 0;
    while (*pattern != 0) {
        struct state *state = &states[count++];
        *state = (struct state){.kind = LITERAL, .low = (u8)*pattern};
        if (*pattern == '.') {
            state->kind = ANY;
        } else if (*pattern == '[') {
            *state = (struct state){.kind = RANGE, .low = (u8)pattern[1], .high = (u8)pattern[3]};
            pattern += 4;
        }
        pattern++;
        if (*pattern == '*')
            state->repeats = state->optional = 1, pattern++;
        else if (*pattern == '+')
            state->repeats = 1, pattern++;
        else if (*pattern == '?')
            state->optional = 1, pattern++;
    }
    return count;
}

static int accepts(const struct state *state, u8 c)
{
    switch (state->kind) {
    case LITERAL: return state->low == c;
    case RANGE: return state->low <= c && c <= state->high;
    default: return 1;
    }
}

/* State i is waiting when bit i is set; bit `count` means that the pattern ended. */
static u64 close(u64 set, u32 count)
{
    for (u32 i = 0; i < count; i++)
        if (set >> i & 1 && states[i].optional)
            set |= 2ul << i;
    return set;
}

static NOINLINE u32 count_matches(u32 count, const char *s)
{
    u32 matches = 0;
    u64 first = close(1, count), set = 0;
    for (; *s != 0; s++) {
        u64 next = 0;
        set |= first;
        for (u64 rest = set & ((1ul << count) - 1); rest != 0; rest &= rest - 1) {
            u32 i = (u32)__builtin_ctzl(rest);
            if (accepts(&states[i], (u8)*s))
                next |= states[i].repeats ? 3ul << i : 2ul << i;
        }
        set = close(next, count);
        matches += set >> count & 1;
    }
    return matches;
}

static u64 work(void)
{
    static const char *const patterns[] = {"ab*c", "[a-c]+d.e?f", "x[0-9]+y", "a.?b.?c.?d", "[a-z][0-9][a-z]+[0-9]"};
    u64 seed = 112358, sum = 0;
    for (u32 i = 0; i < TEXT; i++) {
        u64 value = next_random(&seed) >> 30;
        text[i] = value % 5 == 0 ? (char)('0' + value / 5 % 10) : (char)('a' + value / 5 % 6 + (value % 11 == 0 ? 18 : 0));
    }
    text[TEXT] = 0;
    for (u32 i = 0; i < COUNT(patterns); i++)
        sum = mix(sum, count_matches(compile(patterns[i]), text));
    return sum;
}

PROGRAM("pattern", 350, 0x5dd3e60ce4d26cbe);
