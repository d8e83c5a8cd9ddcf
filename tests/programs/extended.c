/* Arithmetic of 80 bits: series, products, conversions, comparisons. */
#include "shim.h"
static void show(long double x) { u8 bytes[16]; __builtin_memcpy(bytes, &x, 10); for (int i = 9; i >= 0; i--) print("%x%x", (u64)(bytes[i] >> 4), (u64)(bytes[i] & 15)); print(" "); }
int main(void) {
  long double e = 1, term = 1, harmonic = 0, product = 1;
  for (int i = 1; i < 30; i++) term /= i, e += term;
  for (int i = 1; i < 1000; i++) harmonic += 1.0L / i, product *= 1 + 1.0L / ((long double)i * i);
  show(e), show(harmonic), show(product);
  print("\n");
  volatile long double values[] = {0.5L, -1.25L, 1e18L, -3.999999999999999999L, 1e-30L, 65536.5L};
  for (int i = 0; i < 6; i++) {
    long double x = values[i];
    print("%g %g %d %d ", (double)x, (double)(float)x, (i64)(x < 1e19L && x > -1e19L ? (i64)x : 0), (i64)(x > 0.75L));
    show(-x), show(x * x + 1 / x);
    print("\n");
  }
  return 0;
}
