/* 128-bit products and quotients: powers modulo 64-bit primes, Miller-Rabin, inverses. */
#include "shim.h"
typedef unsigned __int128 u128;
/* Remainder of high:low by m, bit by bit, because there is no library to call. */
static u64 reduce(u64 high, u64 low, u64 m) {
  for (int i = 0; i < 64; i++) {
    u64 top = high >> 63;
    high = high << 1 | low >> 63, low <<= 1;
    if (top || high >= m) high -= m;
  }
  return high;
}
static u64 multiply(u64 a, u64 b, u64 m) { u128 p = (u128)a * b; return reduce((u64)(p >> 64) % m, (u64)p, m); }
static u64 hardware(u64 a, u64 b, u64 m) {
  u64 low, high, quotient, rest;
  __asm__("mulq %3" : "=a"(low), "=d"(high) : "a"(a), "r"(b) : "cc");
  __asm__("divq %4" : "=a"(quotient), "=d"(rest) : "a"(low), "d"(high % m), "r"(m) : "cc");
  return rest;
}
static u64 power(u64 base, u64 exponent, u64 m) {
  u64 result = 1;
  for (; exponent; exponent >>= 1, base = multiply(base, base, m)) if (exponent & 1) result = hardware(result, base, m);
  return result;
}
static int prime(u64 n) {
  if (n % 2 == 0) return n == 2;
  u64 d = n - 1;
  int s = __builtin_ctzll(d);
  d >>= s;
  for (u64 a = 2; a < 40 && a < n; a += 1 + (a > 2)) {
    u64 x = power(a, d, n);
    int i = 0;
    if (x == 1) continue;
    while (x != n - 1 && ++i < s) x = multiply(x, x, n);
    if (x != n - 1) return 0;
  }
  return 1;
}
static i64 inverse(i64 a, i64 m) {
  i64 x = 0, next = 1, r = m, rest = a;
  while (rest) { i64 q = r / rest, t = x - q * next; x = next, next = t, t = r - q * rest, r = rest, rest = t; }
  return x < 0 ? x + m : x;
}
int main(void) {
  const u64 p = 18446744073709551557u;
  print("%x %x\n", power(3, p - 1, p), power(1234567, 0xdeadbeef, p));
  for (u64 n = p - 60; n <= p; n += 2) if (prime(n)) print("prime %u\n", n);
  for (i64 a = 2; a < 12; a++) print("%d ", inverse(a, 1000000007));
  print("\n");
  return 0;
}
