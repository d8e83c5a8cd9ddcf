/* A JSON reader: a document is written from random values, then read by recursive descent. */

#include "bench.h"

enum { LIMIT = 60000 };

static char text[LIMIT + 64];
static u32 length;
static u64 seed;

static void put(const char *s)
{
    while (*s != 0)
        text[length++] = *s++;
}

static void put_number(u64 value)
{
    char digits[24];
    u32 count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    while (count > 0)
        text[length++] = digits[--count];
}

static void write_value(u32 depth)
{
    static const char *const atoms[] = {"true", "false", "null", "\"a \\\"quoted\\\" text\\n\"", "\"\\u00e9t\\u00e9\""};
    u64 choice = next_random(&seed) >> 20;
    if (depth < 6 && length < LIMIT - 2000 && choice % 3 != 0) {
        u32 count = (u32)(choice >> 8) % 6, object = choice >> 4 & 1;
        put(object ? "{" : "[");
        for (u32 i = 0; i < count; i++) {
            if (i > 0)
                put(", ");
            if (object) {
                put("\"key");
                put_number(i);
                put("\": ");
            }
            write_value(depth + 1);
        }
        put(object ? "}" : "]");
    } else if (choice & 16) {
        put(choice & 32 ? "-" : "");
        put_number((choice >> 8) % 1000000);
    } else {
        put(atoms[(choice >> 8) % COUNT(atoms)]);
    }
}

static const char *at;
static u64 sum;
static u32 errors;

static void space(void)
{
    while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')
        at++;
}

static u32 hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return (u32)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (u32)(c - 'a' + 10);
    errors++;
    return 0;
}

static NOINLINE u64 read_string(void)
{
    u64 hash = 5381;
    for (at++; *at != '"'; at++) {
        u32 value = (u8)*at;
        if (value == 0) {
            errors++;
            return hash;
        }
        if (value == '\\') {
            switch (*++at) {
            case 'n': value = '\n'; break;
            case 't': value = '\t'; break;
            case 'u':
                value = 0;
                for (u32 i = 0; i < 4; i++)
                    value = value << 4 | hex_digit(*++at);
                break;
            default: value = (u8)*at;
            }
        }
        hash = hash * 33 + value;
    }
    at++;
    return hash;
}

static NOINLINE i64 read_number(void)
{
    i64 value = 0, sign = 1;
    if (*at == '-')
        sign = -1, at++;
    while (*at >= '0' && *at <= '9')
        value = value * 10 + (*at++ - '0');
    return sign * value;
}

static void word(const char *expected)
{
    for (; *expected != 0; expected++, at++)
        if (*at != *expected) {
            errors++;
            return;
        }
}

static NOINLINE void read_value(void)
{
    space();
    switch (*at) {
    case '{':
    case '[': {
        char close = *at == '{' ? '}' : ']';
        for (at++, space(); *at != close; space()) {
            if (close == '}') {
                sum = mix(sum, read_string());
                space();
                word(":");
            }
            read_value();
            space();
            if (*at == ',')
                at++, space();
            else if (*at != close) {
                errors++;
                return;
            }
        }
        at++;
        break;
    }
    case '"': sum = mix(sum, read_string()); break;
    case 't': word("true"), sum = mix(sum, 1); break;
    case 'f': word("false"), sum = mix(sum, 2); break;
    case 'n': word("null"), sum = mix(sum, 3); break;
    default: sum = mix(sum, (u64)read_number());
    }
}

static u64 work(void)
{
    if (length == 0) {
        seed = 271828;
        put("[");
        while (length < LIMIT - 4000) {
            write_value(0);
            put(",\n");
        }
        put("null]");
        text[length] = 0;
    }
    at = text;
    sum = 0;
    errors = 0;
    read_value();
    return errors == 0 && *at == 0 ? sum : 0;
}

PROGRAM("json", 2900, 0xbca9edbb871c949c);
