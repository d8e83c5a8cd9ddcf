/* Products of matrices of bytes, words, long words and doubles; determinant by elimination. */
#include "shim.h"
enum { N = 24 };
#define PRODUCT(type, name) \
  static type name##_a[N][N], name##_b[N][N], name##_c[N][N]; \
  __attribute__((noinline)) static void name(void) { \
    for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) name##_a[i][j] = (type)((i64)random32() % 100), name##_b[i][j] = (type)(i - j * 3); \
    for (int i = 0; i < N; i++) for (int k = 0; k < N; k++) for (int j = 0; j < N; j++) name##_c[i][j] += name##_a[i][k] * name##_b[k][j]; \
  }
PRODUCT(signed char, bytes)
PRODUCT(short, words)
PRODUCT(int, longs)
PRODUCT(long, quads)
PRODUCT(float, floats)
PRODUCT(double, doubles)
int main(void) {
  bytes(), words(), longs(), quads(), floats(), doubles();
  u64 hash = 0;
  for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) hash = hash * 31 + (u64)(i64)(bytes_c[i][j] + words_c[i][j] + longs_c[i][j] + quads_c[i][j]);
  print("%x\n", hash);
  for (int i = 0; i < N; i += 5) print("%g %g\n", (double)floats_c[i][N - 1 - i], doubles_c[i][i]);
  double determinant = 1;
  for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) doubles_a[i][j] = (double)(random32() % 1000) / 7.0;
  for (int i = 0; i < N; i++) {
    determinant *= doubles_a[i][i];
    for (int j = i + 1; j < N; j++) { double f = doubles_a[j][i] / doubles_a[i][i]; for (int k = i; k < N; k++) doubles_a[j][k] -= f * doubles_a[i][k]; }
  }
  print("%g\n", determinant);
  return 0;
}
