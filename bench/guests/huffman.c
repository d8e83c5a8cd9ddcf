/* Huffman coding: frequencies, a tree from a heap, canonical codes, bit-wise writing and reading. */

#include "bench.h"

enum { SIZE = 24576, SYMBOLS = 256 };

static u8 input[SIZE], output[SIZE], bits[SIZE * 2];
static u32 weights[2 * SYMBOLS], parents[2 * SYMBOLS], codes[SYMBOLS];
static u8 lengths[SYMBOLS];
static u16 heap[2 * SYMBOLS];
static u32 heap_size;

static void push(u16 node)
{
    u32 at = heap_size++;
    for (; at > 0 && weights[heap[(at - 1) / 2]] > weights[node]; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = node;
}

static u16 pop(void)
{
    u16 least = heap[0], last = heap[--heap_size];
    u32 at = 0;
    for (u32 child; (child = 2 * at + 1) < heap_size; at = child) {
        if (child + 1 < heap_size && weights[heap[child + 1]] < weights[heap[child]])
            child++;
        if (weights[heap[child]] >= weights[last])
            break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return least;
}

static NOINLINE void make_lengths(void)
{
    memset(weights, 0, sizeof weights);
    for (u32 i = 0; i < SIZE; i++)
        weights[input[i]]++;
    heap_size = 0;
    for (u32 i = 0; i < SYMBOLS; i++)
        if (weights[i] > 0)
            push((u16)i);
    u32 nodes = SYMBOLS;
    while (heap_size > 1) {
        u16 a = pop(), b = pop();
        weights[nodes] = weights[a] + weights[b];
        parents[a] = parents[b] = nodes;
        push((u16)nodes++);
    }
    u32 root = nodes - 1;
    for (u32 i = 0; i < SYMBOLS; i++) {
        lengths[i] = 0;
        if (weights[i] > 0)
            for (u32 node = i; node != root; node = parents[node])
                lengths[i]++;
    }
}

/* Canonical: ordered by length, then by symbol. Gives the first code and the first index of each length. */
static u32 first_code[33], first_index[33];
static u8 order[SYMBOLS];

static NOINLINE void make_codes(void)
{
    u32 code = 0, index = 0;
    for (u32 length = 1; length <= 32; length++) {
        first_code[length] = code;
        first_index[length] = index;
        for (u32 i = 0; i < SYMBOLS; i++)
            if (lengths[i] == length) {
                codes[i] = code++;
                order[index++] = (u8)i;
            }
        code <<= 1;
    }
}

static NOINLINE u32 encode(void)
{
    u64 pending = 0;
    u32 count = 0, out = 0;
    for (u32 i = 0; i < SIZE; i++) {
        pending = pending << lengths[input[i]] | codes[input[i]];
        count += lengths[input[i]];
        for (; count >= 8; count -= 8)
            bits[out++] = (u8)(pending >> (count - 8));
    }
    bits[out++] = (u8)(pending << (8 - count));
    return out;
}

static NOINLINE void decode(void)
{
    u32 at = 0;
    for (u32 i = 0; i < SIZE; i++) {
        u32 code = 0, length = 0, count;
        do {
            code = code << 1 | (bits[at >> 3] >> (7 - (at & 7)) & 1);
            at++;
            length++;
            count = first_index[length + 1] - first_index[length];
        } while (code - first_code[length] >= count);
        output[i] = order[first_index[length] + code - first_code[length]];
    }
}

static u64 work(void)
{
    u64 seed = 1618;
    for (u32 i = 0; i < SIZE; i++) {
        u64 value = next_random(&seed);
        /* The minimum of several values: small symbols are frequent. */
        u8 a = (u8)value, b = (u8)(value >> 8), c = (u8)(value >> 16);
        input[i] = a < b ? (a < c ? a : c) : (b < c ? b : c);
    }
    make_lengths();
    make_codes();
    u32 count = encode();
    decode();
    if (memcmp(input, output, SIZE) != 0)
        return 0;
    u64 sum = count;
    for (u32 i = 0; i < count; i++)
        sum = mix(sum, bits[i]);
    return sum;
}

PROGRAM("huffman", 530, 0x88091c01d05412de);
