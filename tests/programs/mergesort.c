/* Merge sort of records, stable, bottom up. */
#include "shim.h"
struct record { i32 key; u16 order; char tag; };
static struct record a[3000], b[3000];
static void merge(struct record *from, struct record *to, int low, int middle, int high) {
  int i = low, j = middle;
  for (int k = low; k < high; k++)
    to[k] = i < middle && (j >= high || from[i].key <= from[j].key) ? from[i++] : from[j++];
}
int main(void) {
  const int n = 3000;
  for (int i = 0; i < n; i++) a[i] = (struct record){(i32)random32() % 100, (u16)i, (char)('a' + i % 26)};
  struct record *from = a, *to = b;
  for (int width = 1; width < n; width *= 2) {
    for (int low = 0; low < n; low += 2 * width) {
      int middle = low + width < n ? low + width : n, high = low + 2 * width < n ? low + 2 * width : n;
      merge(from, to, low, middle, high);
    }
    struct record *t = from; from = to; to = t;
  }
  int stable = 1;
  u64 hash = 0;
  for (int i = 0; i < n; i++) {
    if (i && (from[i].key < from[i - 1].key || (from[i].key == from[i - 1].key && from[i].order < from[i - 1].order))) stable = 0;
    hash = hash * 1099511628211u + (u32)from[i].key * 7 + from[i].order + (u8)from[i].tag;
  }
  print("stable %d hash %x\n", (i64)stable, hash);
  return stable ? 0 : 1;
}
