/* Random number generators: Mersenne Twister, PCG, xoshiro, and a chi-square of their bytes. */
#include "shim.h"
static u32 mt[624];
static int position = 624;
static u32 twister(void) {
  if (position == 624) {
    for (int i = 0; i < 624; i++) { u32 y = (mt[i] & 0x80000000) | (mt[(i + 1) % 624] & 0x7fffffff); mt[i] = mt[(i + 397) % 624] ^ y >> 1 ^ (y & 1 ? 0x9908b0df : 0); }
    position = 0;
  }
  u32 y = mt[position++];
  y ^= y >> 11, y ^= y << 7 & 0x9d2c5680, y ^= y << 15 & 0xefc60000;
  return y ^ y >> 18;
}
static u64 pcg_state = 42;
static u32 pcg(void) { u64 s = pcg_state; pcg_state = s * 6364136223846793005u + 1442695040888963407u; u32 x = (u32)((s >> 18 ^ s) >> 27), r = (u32)(s >> 59); return x >> r | x << (-r & 31); }
static u64 xo[4] = {1, 2, 3, 4};
static u64 rotl(u64 x, int k) { return x << k | x >> (64 - k); }
static u32 xoshiro(void) { u64 result = rotl(xo[1] * 5, 7) * 9, t = xo[1] << 17; xo[2] ^= xo[0], xo[3] ^= xo[1], xo[1] ^= xo[2], xo[0] ^= xo[3], xo[2] ^= t, xo[3] = rotl(xo[3], 45); return (u32)result; }
int main(void) {
  u32 (*const generators[])(void) = {twister, pcg, xoshiro, random32};
  mt[0] = 5489;
  for (u32 i = 1; i < 624; i++) mt[i] = 1812433253u * (mt[i - 1] ^ mt[i - 1] >> 30) + i;
  for (int g = 0; g < 4; g++) {
    u32 counts[256] = {0}, last = 0;
    for (int i = 0; i < 5000; i++) { last = generators[g](); counts[last >> 24]++; counts[last & 255]++; }
    double chi = 0;
    for (int i = 0; i < 256; i++) { double d = counts[i] - 10000.0 / 256; chi += d * d / (10000.0 / 256); }
    print("%x %g\n", (u64)last, chi);
  }
  return 0;
}
