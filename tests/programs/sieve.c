/* Primes by a sieve of bits, their sums, and totients. */
#include "shim.h"
enum { N = 100000 };
static u64 composite[N / 64 + 1];
static u32 totient[2000];
int main(void) {
  for (u64 i = 2; i * i <= N; i++) if (!(composite[i >> 6] >> (i & 63) & 1)) for (u64 j = i * i; j <= N; j += i) composite[j >> 6] |= 1ull << (j & 63);
  u64 count = 0, sum = 0, gap = 0, before = 2;
  for (u64 i = 2; i <= N; i++) if (!(composite[i >> 6] & 1ull << (i & 63))) { count++, sum += i; if (i - before > gap) gap = i - before; before = i; }
  u64 ones = 0;
  for (int i = 0; i <= N / 64; i++) for (u64 w = composite[i]; w; w &= w - 1) ones++;
  for (u32 i = 0; i < 2000; i++) totient[i] = i;
  for (u32 i = 2; i < 2000; i++) if (totient[i] == i) for (u32 j = i; j < 2000; j += i) totient[j] -= totient[j] / i;
  u64 sum_totient = 0;
  for (int i = 1; i < 2000; i++) sum_totient += totient[i];
  print("%u %u %u %u %u\n", count, sum, gap, ones, sum_totient);
  return 0;
}
