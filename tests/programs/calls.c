/* Arguments of every kind: many, structures by value, variable lists of integers and doubles, results in two registers. */
#include "shim.h"
struct small { i32 a; i16 b; };
struct pair { u64 a, b; };
struct mixed { double d; i64 i; };
struct large { u64 words[9]; };
static __attribute__((noinline)) u64 many(u8 a, i16 b, i32 c, i64 d, u64 e, u32 f, u8 g, i64 h, i16 i, double j, float k) { return (u64)(a + b * 2 + c * 3 + d * 5) + e * 7 + f * 11 + g * 13 + (u64)(h * 17 + i * 19) + (u64)(i64)(j * 23) + (u64)(i64)(k * 29); }
static __attribute__((noinline)) struct pair both(u64 x, struct small s) { return (struct pair){x * (u64)s.a, x + (u64)s.b}; }
static __attribute__((noinline)) struct mixed blend(struct mixed m, float f) { return (struct mixed){m.d * f, m.i - (i64)f}; }
static __attribute__((noinline)) struct large shift(struct large l, u64 by) { for (int i = 0; i < 9; i++) l.words[i] = l.words[(i + 1) % 9] + by; return l; }
static __attribute__((noinline)) double total(int n, ...) {
  va_list list, copy;
  va_start(list, n);
  va_copy(copy, list);
  double sum = 0;
  for (int i = 0; i < n; i++) sum += i % 2 ? va_arg(list, double) : (double)va_arg(list, int);
  for (int i = 0; i < n; i++) sum *= i % 2 ? va_arg(copy, double) : (double)va_arg(copy, int);
  va_end(list);
  va_end(copy);
  return sum;
}
int main(void) {
  struct large l = {{1, 2, 3, 4, 5, 6, 7, 8, 9}};
  u64 sum = 0;
  for (int i = 0; i < 50; i++) {
    sum += many((u8)(i * 9), (i16)-i, i * i, -i, (u64)i << 33, ~0u, 255, i - 25, (i16)(i * 700), i / 3.0, (float)i / 7);
    struct pair p = both(sum, (struct small){i - 9, (i16)(i * 1000)});
    struct mixed m = blend((struct mixed){(double)i, (i64)p.b}, 1.5f);
    l = shift(l, p.a ^ (u64)m.i);
    sum ^= l.words[i % 9] + (u64)(i64)m.d;
  }
  print("%x %g\n", sum, total(12, 1, 2.5, 3, 4.5, 5, 6.5, 7, 8.5, 9, 10.5, 11, 12.5));
  return 0;
}
