/* Conversions between floating point and integers of every width, at their limits; comparisons with NaN. */
#include "shim.h"
static volatile double values[] = {0.0, -0.0, 0.5, 1.5, 2.5, -0.5, -1.5, 1e9, -1e9, 2147483647.0, -2147483648.0, 4294967295.0, 9007199254740993.0, 1e18, -1e18, 1e300, -1e-310};
int main(void) {
  for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
    double d = values[i];
    float f = (float)d;
    print("%g %g ", d, (double)f);
    if (d > -9e18 && d < 9e18) print("%d ", (i64)d);
    if (d > -2e9 && d < 2e9) print("%d %d ", (i64)(i32)d, (i64)(i32)f);
    if (d >= 0 && d < 1.8e19) print("%u ", (u64)d);
    if (d > -30000 && d < 30000) print("%d %d", (i64)(short)d, (i64)(signed char)(d / 300));
    print("\n");
  }
  for (int shift = 0; shift < 64; shift += 3) {
    u64 x = 0xfedcba9876543211u >> shift;
    i64 s = (i64)0xfedcba9876543211u >> shift;
    print("%g %g %g %g %g\n", (double)x, (double)s, (double)(float)x, (double)(float)s, (double)(u32)x);
  }
  volatile double zero = 0, nan = zero / zero, infinity = 1 / zero;
  print("%d%d%d%d%d%d %d%d%d\n", (i64)(nan < 1), (i64)(nan > 1), (i64)(nan == nan), (i64)(nan != nan), (i64)(nan <= 1), (i64)!(nan >= 1), (i64)(infinity > 1e308), (i64)(-infinity < zero), (i64)(zero == -zero));
  return 0;
}
