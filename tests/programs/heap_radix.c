/* Heap sort and radix sort of 64-bit keys agree. */
#include "shim.h"
enum { N = 4000 };
static u64 a[N], b[N], t[N];
static void sift(u64 *h, int root, int n) {
  for (int child; (child = 2 * root + 1) < n; root = child) {
    if (child + 1 < n && h[child] < h[child + 1]) child++;
    if (h[root] >= h[child]) return;
    u64 x = h[root]; h[root] = h[child]; h[child] = x;
  }
}
static void heap_sort(u64 *h, int n) {
  for (int i = n / 2 - 1; i >= 0; i--) sift(h, i, n);
  for (int i = n - 1; i > 0; i--) { u64 x = h[0]; h[0] = h[i]; h[i] = x; sift(h, 0, i); }
}
static void radix_sort(u64 *x, int n) {
  for (int shift = 0; shift < 64; shift += 8) {
    int count[257] = {0};
    for (int i = 0; i < n; i++) count[((x[i] >> shift) & 255) + 1]++;
    for (int i = 0; i < 256; i++) count[i + 1] += count[i];
    for (int i = 0; i < n; i++) t[count[(x[i] >> shift) & 255]++] = x[i];
    for (int i = 0; i < n; i++) x[i] = t[i];
  }
}
int main(void) {
  for (int i = 0; i < N; i++) a[i] = b[i] = (u64)random32() << (random32() % 33) ^ random32();
  heap_sort(a, N);
  radix_sort(b, N);
  u64 different = 0, hash = 0;
  for (int i = 0; i < N; i++) different += a[i] != b[i], hash = (hash << 7 | hash >> 57) ^ a[i];
  print("%u %x %x %x\n", different, a[0], a[N - 1], hash);
  return (int)different;
}
