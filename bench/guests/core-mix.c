/* Three kinds of everyday work on one small working set, tied together by a running check value: sorting and searching
   a linked list, multiplying small matrices of integers, and a state machine over text. */

#include "bench.h"

static u16 check(u16 sum, u16 value)
{
    for (u32 bit = 0; bit < 16; bit++, value >>= 1)
        sum = (u16)(sum >> 1 ^ ((sum ^ value) & 1 ? 0xa001 : 0));
    return sum;
}

struct item {
    struct item *next;
    i16 value, index;
};

enum { ITEMS = 120, SIDE = 14, TEXT = 600 };

static struct item items[ITEMS];

static struct item *make_list(u16 seed)
{
    struct item *list = 0;
    for (u32 i = 0; i < ITEMS; i++) {
        seed = (u16)(seed * 25173 + 13849);
        items[i] = (struct item){list, (i16)(seed >> 3), (i16)i};
        list = &items[i];
    }
    return list;
}

static i32 by_value(const struct item *a, const struct item *b) { return a->value - b->value; }
static i32 by_index(const struct item *a, const struct item *b) { return a->index - b->index; }

/* Merges runs of doubling length until one is left. */
static NOINLINE struct item *sort(struct item *list, i32 (*order)(const struct item *, const struct item *))
{
    for (u32 width = 1;; width *= 2) {
        struct item *a = list, *head = 0, **end = &head;
        u32 merges = 0;
        while (a != 0) {
            struct item *b = a;
            u32 left = 0, right = width;
            merges++;
            while (left < width && b != 0)
                left++, b = b->next;
            while (left > 0 || (right > 0 && b != 0)) {
                if (left > 0 && (right == 0 || b == 0 || order(a, b) <= 0))
                    left--, *end = a, a = a->next;
                else
                    right--, *end = b, b = b->next;
                end = &(*end)->next;
            }
            a = b;
        }
        *end = 0;
        list = head;
        if (merges <= 1)
            return list;
    }
}

static NOINLINE u16 list_part(u16 sum)
{
    struct item *list = sort(make_list(sum), by_value);
    for (struct item *at = list; at != 0; at = at->next)
        sum = check(sum, (u16)at->value);
    i16 wanted = 3;
    for (u32 i = 0; i < 20; i++, wanted = (i16)((wanted * 7 + 1) % ITEMS))
        for (struct item *at = list; at != 0; at = at->next)
            if (at->index == wanted) {
                sum = (u16)(sum + at->value);
                break;
            }
    list = sort(list, by_index);
    return check(sum, (u16)list->value);
}

static i16 left[SIDE][SIDE], right[SIDE][SIDE];
static i32 product[SIDE][SIDE];

static NOINLINE u16 matrix_part(u16 sum)
{
    for (u32 i = 0; i < SIDE; i++)
        for (u32 j = 0; j < SIDE; j++) {
            left[i][j] = (i16)((sum + i * j) % 251);
            right[i][j] = (i16)((sum ^ (i + j)) % 127);
        }
    for (u32 i = 0; i < SIDE; i++)
        for (u32 j = 0; j < SIDE; j++) {
            i32 total = 0;
            for (u32 k = 0; k < SIDE; k++)
                total += left[i][k] * right[k][j] >> 2 & 0xff7;
            product[i][j] = total;
        }
    i32 before = 0;
    for (u32 i = 0; i < SIDE; i++)
        for (u32 j = 0; j < SIDE; j++) {
            sum = check(sum, (u16)(product[i][j] > before ? product[i][j] + 10 : before & 15));
            before = product[i][j];
        }
    return sum;
}

static char text[TEXT + 1];

static NOINLINE u16 state_part(u16 sum)
{
    static const char *const pieces[] = {"5012", "-874", "35.54400", "-110.700", "5.5e+3", "T0.3e-1F", "+", "1.x"};
    u32 length = 0, state = 0, counts[5] = {0};
    for (u16 pick = sum; length < TEXT - 16; pick = (u16)(pick * 5 + 3)) {
        for (const char *from = pieces[pick >> 7 & 7]; *from != 0; from++)
            text[length++] = *from;
        text[length++] = ',';
    }
    text[length] = 0;
    for (u32 i = 0; i < length; i++) {
        char c = text[i];
        if (c == ',') {
            counts[state]++;
            state = 0;
            continue;
        }
        switch (state) {
        case 0: state = c == '+' || c == '-' || (c >= '0' && c <= '9') ? 1 : 4; break;
        case 1: state = c == '.' ? 2 : c >= '0' && c <= '9' ? 1 : 4; break;
        case 2: state = c == 'e' ? 3 : c >= '0' && c <= '9' ? 2 : 4; break;
        case 3: state = c == '+' || c == '-' || (c >= '0' && c <= '9') ? 3 : 4; break;
        default: break;
        }
    }
    for (u32 i = 0; i < COUNT(counts); i++)
        sum = check(sum, (u16)counts[i]);
    return sum;
}

static u64 work(void)
{
    u16 sum = 0x3415;
    for (u32 i = 0; i < 50; i++)
        sum = state_part(matrix_part(list_part(sum)));
    return sum;
}

PROGRAM("core-mix", 220, 0x79ec);
