/* A treap: insertion, search, removal and a walk through a balanced binary tree, recursively and in loops. */

#include "bench.h"

struct node {
    struct node *left, *right;
    u32 key, priority, count;
};

enum { NODES = 4000 };

static struct node pool[NODES];
static u32 used;

static struct node *rotate_right(struct node *node)
{
    struct node *left = node->left;
    node->left = left->right;
    left->right = node;
    return left;
}

static struct node *rotate_left(struct node *node)
{
    struct node *right = node->right;
    node->right = right->left;
    right->left = node;
    return right;
}

static NOINLINE struct node *insert(struct node *node, u32 key, u32 priority)
{
    if (node == 0) {
        struct node *fresh = &pool[used++];
        *fresh = (struct node){.key = key, .priority = priority, .count = 1};
        return fresh;
    }
    if (key == node->key) {
        node->count++;
    } else if (key < node->key) {
        node->left = insert(node->left, key, priority);
        if (node->left->priority > node->priority)
            return rotate_right(node);
    } else {
        node->right = insert(node->right, key, priority);
        if (node->right->priority > node->priority)
            return rotate_left(node);
    }
    return node;
}

static NOINLINE struct node *remove_key(struct node *node, u32 key)
{
    if (node == 0)
        return 0;
    if (key < node->key) {
        node->left = remove_key(node->left, key);
    } else if (key > node->key) {
        node->right = remove_key(node->right, key);
    } else if (node->left == 0) {
        return node->right;
    } else if (node->right == 0) {
        return node->left;
    } else if (node->left->priority > node->right->priority) {
        node = rotate_right(node);
        node->right = remove_key(node->right, key);
    } else {
        node = rotate_left(node);
        node->left = remove_key(node->left, key);
    }
    return node;
}

static NOINLINE struct node *find(struct node *node, u32 key)
{
    while (node != 0 && node->key != key)
        node = key < node->key ? node->left : node->right;
    return node;
}

static NOINLINE u64 walk(const struct node *node, u64 sum)
{
    if (node == 0)
        return sum;
    return walk(node->right, mix(walk(node->left, sum), node->key + node->count));
}

static u64 work(void)
{
    u64 seed = 2718, hits = 0;
    struct node *root = 0;
    used = 0;
    for (u32 i = 0; i < NODES; i++) {
        u64 value = next_random(&seed);
        root = insert(root, (u32)value & 0x1fff, (u32)(value >> 32));
    }
    for (u32 i = 0; i < 8000; i++)
        hits += find(root, (u32)next_random(&seed) & 0x1fff) != 0;
    for (u32 key = 0; key < 0x2000; key += 3)
        root = remove_key(root, key);
    return walk(root, hits);
}

PROGRAM("tree", 290, 0x944f8c01b2f56);
