/* Pointer chasing on linked lists: shuffled links, search, reversal, merge sort, removal. */

#include "bench.h"

struct node {
    struct node *next;
    i32 value;
    u32 tag;
};

enum { NODES = 3000 };

static struct node nodes[NODES];

static struct node *build(u64 *seed)
{
    static u16 order[NODES];
    for (u32 i = 0; i < NODES; i++)
        order[i] = (u16)i;
    for (u32 i = NODES - 1; i > 0; i--) {
        u32 j = (u32)(next_random(seed) % (i + 1));
        u16 other = order[i];
        order[i] = order[j];
        order[j] = other;
    }
    struct node *head = 0;
    for (u32 i = 0; i < NODES; i++) {
        struct node *node = &nodes[order[i]];
        node->value = (i32)next_random(seed) >> 8;
        node->tag = i;
        node->next = head;
        head = node;
    }
    return head;
}

static NOINLINE struct node *reverse(struct node *list)
{
    struct node *result = 0;
    while (list != 0) {
        struct node *next = list->next;
        list->next = result;
        result = list;
        list = next;
    }
    return result;
}

static NOINLINE struct node *find(struct node *list, u32 tag)
{
    while (list != 0 && list->tag != tag)
        list = list->next;
    return list;
}

static NOINLINE struct node *merge(struct node *a, struct node *b)
{
    struct node *head = 0, **end = &head;
    while (a != 0 && b != 0) {
        struct node **least = a->value <= b->value ? &a : &b;
        *end = *least;
        end = &(*least)->next;
        *least = *end;
    }
    *end = a != 0 ? a : b;
    return head;
}

static NOINLINE struct node *merge_sort(struct node *list)
{
    /* Like a binary counter: runs[i] holds 2^i sorted nodes or none. */
    struct node *runs[16] = {0};
    while (list != 0) {
        struct node *run = list;
        list = list->next;
        run->next = 0;
        u32 i = 0;
        for (; runs[i] != 0; i++) {
            run = merge(runs[i], run);
            runs[i] = 0;
        }
        runs[i] = run;
    }
    struct node *result = 0;
    for (u32 i = 0; i < COUNT(runs); i++)
        result = merge(runs[i], result);
    return result;
}

static NOINLINE struct node *without(struct node *list, u32 divisor)
{
    for (struct node **link = &list; *link != 0;) {
        if ((*link)->tag % divisor == 0)
            *link = (*link)->next;
        else
            link = &(*link)->next;
    }
    return list;
}

static u64 work(void)
{
    u64 seed = 31337, sum = 0;
    struct node *list = build(&seed);
    for (u32 i = 0; i < 60; i++) {
        struct node *found = find(list, (u32)(next_random(&seed) % NODES));
        sum = mix(sum, (u64)(i64)found->value);
        if (i % 16 == 0)
            list = reverse(list);
    }
    list = without(merge_sort(reverse(list)), 5);
    i32 last = list->value;
    for (; list != 0; list = list->next) {
        if (list->value < last)
            return 0;
        last = list->value;
        sum = mix(sum, (u64)(i64)last + list->tag);
    }
    return sum;
}

PROGRAM("lists", 870, 0xa85335434ced38f0);
