/* A hash table with open addressing: insert, find, delete, grow. */
#include "shim.h"
struct entry { u64 key; u32 value; u8 state; };
static struct entry tables[2][8192], *table = tables[0];
static u32 capacity = 16, count;
static u64 mix(u64 x) { x ^= x >> 33; x *= 0xff51afd7ed558ccd; x ^= x >> 33; x *= 0xc4ceb9fe1a85ec53; return x ^ x >> 33; }
static struct entry *find(u64 key, int inserting) {
  struct entry *grave = 0;
  for (u32 i = (u32)mix(key) & (capacity - 1);; i = (i + 1) & (capacity - 1)) {
    struct entry *e = &table[i];
    if (e->state == 0) return inserting ? grave ? grave : e : 0;
    if (e->state == 2) { if (!grave) grave = e; } else if (e->key == key) return e;
  }
}
static void put_key(u64 key, u32 value);
static void grow(void) {
  struct entry *old = table;
  u32 n = capacity;
  table = old == tables[0] ? tables[1] : tables[0];
  capacity *= 2, count = 0;
  memset(table, 0, capacity * sizeof *table);
  for (u32 i = 0; i < n; i++) if (old[i].state == 1) put_key(old[i].key, old[i].value);
}
static void put_key(u64 key, u32 value) {
  if (count * 4 >= capacity * 3) grow();
  struct entry *e = find(key, 1);
  if (e->state != 1) count++;
  *e = (struct entry){key, value, 1};
}
int main(void) {
  u64 hits = 0, sum = 0;
  for (u32 i = 0; i < 6000; i++) {
    u64 key = random32() % 3000 * 0x123456789ull;
    struct entry *e = find(key, 0);
    if (e && i % 5 == 0) e->state = 2;
    else if (e) hits++, e->value += i;
    else put_key(key, i);
  }
  for (u32 i = 0; i < capacity; i++) if (table[i].state == 1) sum = sum * 33 + table[i].value + (table[i].key ^ i);
  print("%u %u %u %x\n", (u64)capacity, (u64)count, hits, sum);
  return 0;
}
