/* An open-addressing hash map from short strings to counters, with growth and removal. */

#include "bench.h"

struct entry {
    u32 hash;
    u16 length, state;
    char key[16];
    u64 value;
};

enum { EMPTY, USED, REMOVED, LIMIT = 8192 };

static struct entry tables[2][LIMIT];
static struct entry *table;
static u32 capacity, filled;

static u32 hash_of(const char *key, u32 length)
{
    u32 hash = 2166136261u;
    for (u32 i = 0; i < length; i++)
        hash = (hash ^ (u8)key[i]) * 16777619u;
    return hash;
}

static NOINLINE struct entry *find(const char *key, u32 length, u32 hash)
{
    struct entry *grave = 0;
    for (u32 at = hash;; at++) {
        struct entry *entry = &table[at & (capacity - 1)];
        if (entry->state == EMPTY)
            return grave != 0 ? grave : entry;
        if (entry->state == REMOVED)
            grave = grave != 0 ? grave : entry;
        else if (entry->hash == hash && entry->length == length && memcmp(entry->key, key, length) == 0)
            return entry;
    }
}

static NOINLINE void grow(void)
{
    struct entry *old = table;
    u32 count = capacity;
    table = old == tables[0] ? tables[1] : tables[0];
    capacity *= 2;
    memset(table, 0, capacity * sizeof *table);
    filled = 0;
    for (u32 i = 0; i < count; i++) {
        if (old[i].state != USED)
            continue;
        *find(old[i].key, old[i].length, old[i].hash) = old[i];
        filled++;
    }
}

static NOINLINE u64 *slot(const char *key, u32 length)
{
    if (filled * 4 >= capacity * 3 && capacity < LIMIT)
        grow();
    u32 hash = hash_of(key, length);
    struct entry *entry = find(key, length, hash);
    if (entry->state != USED) {
        filled += entry->state == EMPTY;
        *entry = (struct entry){.hash = hash, .length = (u16)length, .state = USED};
        memcpy(entry->key, key, length);
    }
    return &entry->value;
}

static NOINLINE u32 decimal(char *out, u64 value)
{
    char digits[20];
    u32 count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    for (u32 i = 0; i < count; i++)
        out[i] = digits[count - 1 - i];
    return count;
}

static u64 work(void)
{
    u64 seed = 161803, sum = 0;
    char key[24] = "key-";
    table = tables[0];
    capacity = 64;
    filled = 0;
    memset(table, 0, capacity * sizeof *table);
    for (u32 i = 0; i < 12000; i++) {
        u32 length = 4 + decimal(key + 4, next_random(&seed) % 3000);
        *slot(key, length) += i;
        if (i % 7 == 0) {
            struct entry *entry = find(key, length, hash_of(key, length));
            entry->state = REMOVED;
            sum += entry->value;
        }
    }
    for (u32 i = 0; i < capacity; i++)
        if (table[i].state == USED)
            sum = mix(sum, table[i].value + table[i].length);
    return sum;
}

PROGRAM("hashmap", 580, 0xfa7036db683b8f7f);
