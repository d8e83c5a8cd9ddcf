/* Quicksort with insertion sort for short ranges, and through a comparison function. */
#include "shim.h"
typedef int (*compare_fn)(const void *, const void *);
static void swap(u32 *a, u32 *b) { u32 t = *a; *a = *b; *b = t; }
static void insertion(u32 *a, int n, compare_fn compare) {
  for (int i = 1; i < n; i++)
    for (int j = i; j > 0 && compare(&a[j - 1], &a[j]) > 0; j--) swap(&a[j - 1], &a[j]);
}
static void quick(u32 *a, int n, compare_fn compare) {
  while (n > 12) {
    u32 pivot = a[n / 2];
    int i = 0, j = n - 1;
    while (i <= j) {
      while (compare(&a[i], &pivot) < 0) i++;
      while (compare(&a[j], &pivot) > 0) j--;
      if (i <= j) swap(&a[i++], &a[j--]);
    }
    quick(a, j + 1, compare);
    a += i, n -= i;
  }
  insertion(a, n, compare);
}
static int up(const void *a, const void *b) { u32 x = *(const u32 *)a, y = *(const u32 *)b; return (x > y) - (x < y); }
static int down(const void *a, const void *b) { return up(b, a); }
static u32 data[5000];
int main(void) {
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 5000; i++) data[i] = random32() % 10000;
    quick(data, 5000, round ? down : up);
    u64 sum = 0;
    for (int i = 0; i < 5000; i++) sum = sum * 31 + data[i];
    print("%u %u %u %x\n", (u64)data[0], (u64)data[2500], (u64)data[4999], sum);
  }
  return 0;
}
