/* A first-fit allocator with free lists and joining of neighbours, under binary trees that come and go and under
   buffers of mixed sizes. */

#include "bench.h"

/* Every block starts with its size (a multiple of 16, bit 0: in use) and the size of the block before it. */
struct block {
    u64 size, before;
    struct block *next, *previous;
};

enum { HEAP = 1 << 20, HEADER = 16, CLASSES = 16 };

static u8 heap[HEAP] __attribute__((aligned(16)));
static struct block *lists[CLASSES];

static u32 class_of(u64 size)
{
    u32 bits = 63 - (u32)__builtin_clzl(size);
    return bits < 5 ? 0 : bits - 5 >= CLASSES ? CLASSES - 1 : bits - 5;
}

static struct block *after(struct block *b)
{
    return (struct block *)((u8 *)b + (b->size & ~1ul));
}

static void link(struct block *b)
{
    struct block **head = &lists[class_of(b->size)];
    b->next = *head;
    b->previous = 0;
    if (*head != 0)
        (*head)->previous = b;
    *head = b;
}

static void unlink(struct block *b)
{
    if (b->previous != 0)
        b->previous->next = b->next;
    else
        lists[class_of(b->size)] = b->next;
    if (b->next != 0)
        b->next->previous = b->previous;
}

static void reset(void)
{
    memset(lists, 0, sizeof lists);
    struct block *all = (struct block *)heap;
    *all = (struct block){.size = HEAP - 32};
    *after(all) = (struct block){.size = 1, .before = all->size};
    link(all);
}

static NOINLINE void *allocate(u64 bytes)
{
    u64 size = bytes + HEADER < 32 ? 32 : (bytes + HEADER + 15) & ~15ul;
    for (u32 class = class_of(size); class < CLASSES; class++)
        for (struct block *b = lists[class]; b != 0; b = b->next) {
            if (b->size < size)
                continue;
            unlink(b);
            if (b->size - size >= 32) {
                struct block *rest = (struct block *)((u8 *)b + size);
                rest->size = b->size - size;
                rest->before = size;
                after(rest)->before = rest->size;
                b->size = size;
                link(rest);
            }
            b->size |= 1;
            return (u8 *)b + HEADER;
        }
    return 0;
}

static NOINLINE void release(void *memory)
{
    struct block *b = (struct block *)((u8 *)memory - HEADER);
    b->size &= ~1ul;
    struct block *next = after(b);
    if ((next->size & 1) == 0) {
        unlink(next);
        b->size += next->size;
    }
    struct block *before = (struct block *)((u8 *)b - b->before);
    if (b->before != 0 && (before->size & 1) == 0) {
        unlink(before);
        before->size += b->size;
        b = before;
    }
    after(b)->before = b->size;
    link(b);
}

struct tree {
    struct tree *left, *right;
};

static NOINLINE struct tree *grow(u32 depth)
{
    struct tree *tree = allocate(sizeof *tree);
    tree->left = depth > 0 ? grow(depth - 1) : 0;
    tree->right = depth > 0 ? grow(depth - 1) : 0;
    return tree;
}

static NOINLINE u32 fell(struct tree *tree)
{
    if (tree == 0)
        return 0;
    u32 count = 1 + fell(tree->left) + fell(tree->right);
    release(tree);
    return count;
}

static u64 work(void)
{
    static u8 *buffers[256];
    u64 seed = 24601, sum = 0;
    reset();
    struct tree *old = grow(9);
    for (u32 depth = 2; depth < 11; depth++)
        sum = mix(sum, fell(grow(depth)));
    memset(buffers, 0, sizeof buffers);
    for (u32 i = 0; i < 12000; i++) {
        u64 value = next_random(&seed);
        u8 **buffer = &buffers[value & 255];
        if (*buffer != 0) {
            sum = mix(sum, **buffer);
            release(*buffer);
            *buffer = 0;
        } else {
            u64 size = (value >> 8 & 1023) >> (value >> 20 & 7);
            *buffer = allocate(size + 1);
            (*buffer)[0] = (*buffer)[size] = (u8)i;
        }
    }
    for (u32 i = 0; i < COUNT(buffers); i++)
        if (buffers[i] != 0)
            release(buffers[i]);
    sum = mix(sum, fell(old));
    /* Everything is one free block again. */
    return mix(sum, ((struct block *)heap)->size);
}

PROGRAM("allocator", 1200, 0x84feb5b54a671875);
