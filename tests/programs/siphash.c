/* SipHash-2-4 of all prefixes of a text. */
#include "shim.h"
#define ROL(x, n) ((x) << (n) | (x) >> (64 - (n)))
#define ROUND \
  v0 += v1, v1 = ROL(v1, 13) ^ v0, v0 = ROL(v0, 32), v2 += v3, v3 = ROL(v3, 16) ^ v2, \
  v0 += v3, v3 = ROL(v3, 21) ^ v0, v2 += v1, v1 = ROL(v1, 17) ^ v2, v2 = ROL(v2, 32)
static u64 siphash(const u8 *p, u64 n, u64 k0, u64 k1) {
  u64 v0 = k0 ^ 0x736f6d6570736575, v1 = k1 ^ 0x646f72616e646f6d, v2 = k0 ^ 0x6c7967656e657261, v3 = k1 ^ 0x7465646279746573;
  u64 last = n << 56, word;
  const u8 *end = p + (n & ~7ull);
  for (; p < end; p += 8) {
    __builtin_memcpy(&word, p, 8);
    v3 ^= word; ROUND; ROUND; v0 ^= word;
  }
  switch (n & 7) {
  case 7: last |= (u64)p[6] << 48; /* fall through */
  case 6: last |= (u64)p[5] << 40; /* fall through */
  case 5: last |= (u64)p[4] << 32; /* fall through */
  case 4: last |= (u64)p[3] << 24; /* fall through */
  case 3: last |= (u64)p[2] << 16; /* fall through */
  case 2: last |= (u64)p[1] << 8; /* fall through */
  case 1: last |= p[0];
  }
  v3 ^= last; ROUND; ROUND; v0 ^= last;
  v2 ^= 255; ROUND; ROUND; ROUND; ROUND;
  return v0 ^ v1 ^ v2 ^ v3;
}
int main(void) {
  u8 text[64];
  for (int i = 0; i < 64; i++) text[i] = (u8)i;
  for (int n = 0; n < 64; n++) print("%x\n", siphash(text, n, 0x0706050403020100, 0x0f0e0d0c0b0a0908));
  return 0;
}
