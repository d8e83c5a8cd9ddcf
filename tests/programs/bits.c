/* Bit tricks of every width, rotates, byte swaps, signed and narrow arithmetic at its edges. */
#include "shim.h"
static u32 reverse(u32 x) { x = (x & 0x55555555) << 1 | (x >> 1 & 0x55555555); x = (x & 0x33333333) << 2 | (x >> 2 & 0x33333333); x = (x & 0x0f0f0f0f) << 4 | (x >> 4 & 0x0f0f0f0f); return __builtin_bswap32(x); }
static u64 morton(u32 x, u32 y) { u64 r = 0; for (int i = 0; i < 32; i++) r |= (u64)(x >> i & 1) << 2 * i | (u64)(y >> i & 1) << (2 * i + 1); return r; }
static int ones(u64 x) { int n = 0; for (; x; x &= x - 1) n++; return n; }
int main(void) {
  u64 h = 0;
  for (int i = 0; i < 500; i++) {
    u32 a = random32(), b = random32() >> (random32() & 31);
    u64 w = (u64)a << 32 | b;
    int n = (int)(random32() & 63);
    h = h * 31 + reverse(a) + morton(a, b) + (u64)ones(w);
    h ^= (w << n | w >> (-n & 63)) + __builtin_bswap64(w) + (u64)__builtin_ctzll(w | 1ull << 63) + (u64)__builtin_clz(a | 1);
    h += (u8)(a + b) * 3u + (u16)(a * b) + (u64)(i64)(i32)(a - b) + (u64)((i64)w >> n) + (u64)(signed char)a;
    i32 sum;
    i64 product;
    h += (u64)__builtin_add_overflow((i32)a, (i32)b, &sum) + (u64)__builtin_mul_overflow((i64)w, (i64)b, &product) + (u32)sum + (u64)product;
    h -= (u64)((i32)a % (i32)(b | 1)) + (u64)((i16)a / (i16)(b | 1)) + a % (b | 1);
    unsigned carry = (w > ~h) + ((i64)w < (i64)h) * 2 + ((u8)a < (u8)b) * 4;
    h += carry;
  }
  print("%x\n", h);
  return 0;
}
