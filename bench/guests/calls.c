/* Indirect calls: objects with a table of methods, arrays of function pointers, callbacks with a context. */

#include "bench.h"

struct shape;

struct methods {
    i64 (*area)(const struct shape *);
    void (*scale)(struct shape *, i64);
    u32 (*kind)(void);
};

struct shape {
    const struct methods *methods;
    i64 a, b;
};

static i64 box_area(const struct shape *s) { return s->a * s->b; }
static void box_scale(struct shape *s, i64 by) { s->a += by, s->b -= by; }
static u32 box_kind(void) { return 1; }
static i64 ring_area(const struct shape *s) { return (s->a * s->a - s->b * s->b) * 355 / 113; }
static void ring_scale(struct shape *s, i64 by) { s->a ^= by; }
static u32 ring_kind(void) { return 2; }
static i64 wedge_area(const struct shape *s) { return s->a * s->b >> 1; }
static void wedge_scale(struct shape *s, i64 by) { s->b = s->b * 3 - by; }
static u32 wedge_kind(void) { return 3; }

static const struct methods kinds[] = {
    {box_area, box_scale, box_kind},
    {ring_area, ring_scale, ring_kind},
    {wedge_area, wedge_scale, wedge_kind},
};

static u64 add(u64 a, u64 b) { return a + b; }
static u64 less(u64 a, u64 b) { return a < b ? a : b + 1; }
static u64 turn(u64 a, u64 b) { return a << (b & 31) | a >> 7; }
static u64 both(u64 a, u64 b) { return (a & b) + 3 * (a ^ b); }
static u64 scale(u64 a, u64 b) { return a * (b | 1); }

static u64 (*const operations[])(u64, u64) = {add, less, turn, both, scale};

static NOINLINE void for_each(const u32 *values, u32 count, void (*visit)(void *, u32), void *context)
{
    for (u32 i = 0; i < count; i++)
        visit(context, values[i]);
}

static void count_odd(void *context, u32 value) { *(u64 *)context += value & 1; }
static void fold(void *context, u32 value) { *(u64 *)context = mix(*(u64 *)context, value); }

static struct shape shapes[512];
static u32 values[512];

static u64 work(void)
{
    u64 seed = 8675309, sum = 0, odd = 0;
    for (u32 i = 0; i < COUNT(shapes); i++) {
        u64 value = next_random(&seed);
        shapes[i] = (struct shape){&kinds[value % COUNT(kinds)], (i64)(value >> 50), (i64)(value >> 40 & 1023)};
        values[i] = (u32)value;
    }
    for (u32 pass = 0; pass < 24; pass++) {
        for (u32 i = 0; i < COUNT(shapes); i++) {
            struct shape *s = &shapes[i];
            sum += (u64)s->methods->area(s);
            s->methods->scale(s, (i64)(sum & 7));
            sum ^= s->methods->kind();
        }
        for (u32 i = 0; i < COUNT(values); i++)
            sum = operations[values[i] % COUNT(operations)](sum, values[i]);
        for_each(values, COUNT(values), pass & 1 ? fold : count_odd, pass & 1 ? &sum : &odd);
    }
    return mix(sum, odd);
}

PROGRAM("calls", 990, 0xe23f9f6d864c6509);
