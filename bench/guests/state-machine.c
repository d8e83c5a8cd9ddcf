/* A table-free scanner: states decide over each character whether a field is a number, a word, a date or damaged. */

#include "bench.h"

enum state { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, POWER, WORD, DATE, INVALID, STATES };

enum { LENGTH = 40000 };

static char text[LENGTH + 1];
static u32 finals[STATES], changes[STATES];

static enum state step(enum state state, char c)
{
    u32 digit = c >= '0' && c <= '9', letter = (c >= 'a' && c <= 'z') || c == '_';
    switch (state) {
    case START: return c == '+' || c == '-' ? SIGN : digit ? INTEGER : c == '.' ? POINT : letter ? WORD : INVALID;
    case SIGN: return digit ? INTEGER : c == '.' ? POINT : INVALID;
    case INTEGER: return digit ? INTEGER : c == '.' ? FRACTION : c == 'e' ? EXPONENT : c == '-' ? DATE : INVALID;
    case POINT: return digit ? FRACTION : INVALID;
    case FRACTION: return digit ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case EXPONENT: return digit || c == '-' || c == '+' ? POWER : INVALID;
    case POWER: return digit ? POWER : INVALID;
    case WORD: return digit || letter ? WORD : INVALID;
    case DATE: return digit || c == '-' ? DATE : INVALID;
    default: return INVALID;
    }
}

static NOINLINE const char *scan(const char *at)
{
    enum state state = START;
    for (; *at != 0 && *at != ','; at++) {
        enum state next = step(state, *at);
        changes[next] += next != state;
        state = next;
        if (state == INVALID)
            while (at[1] != 0 && at[1] != ',')
                at++;
    }
    finals[state]++;
    return *at == ',' ? at + 1 : at;
}

static u64 work(void)
{
    static const char *const fields[] = {"1234", "-17", "3.14159", "+.5e-10", "name_7", "2024-01-31", "12e+3", "x!", "--2", "0"};
    u64 seed = 40962, sum = 0;
    u32 length = 0;
    while (length < LENGTH - 16) {
        u64 value = next_random(&seed);
        for (const char *from = fields[(value >> 16) % COUNT(fields)]; *from != 0; from++)
            text[length++] = *from;
        if (value % 9 == 0)
            text[length - 1] = (char)(33 + (value >> 40) % 90);
        text[length++] = ',';
    }
    text[length] = 0;
    memset(finals, 0, sizeof finals);
    memset(changes, 0, sizeof changes);
    for (const char *at = text; *at != 0;)
        at = scan(at);
    for (u32 i = 0; i < STATES; i++)
        sum = mix(mix(sum, finals[i]), changes[i]);
    return sum;
}

PROGRAM("state-machine", 4000, 0xf048e00b6d76bbf6);
