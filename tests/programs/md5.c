/* MD5 with its table made from sines that were written down as integers by a recurrence. */
#include "shim.h"
static const u8 turns[16] = {7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21};
static u32 rol(u32 x, int n) { return x << n | x >> (32 - n); }
static u32 table[64];
static void rounds(u32 h[4], const u32 m[16]) {
  u32 a = h[0], b = h[1], c = h[2], d = h[3];
  for (int i = 0; i < 64; i++) {
    u32 f, g;
    switch (i >> 4) {
    case 0: f = (b & c) | (~b & d), g = i; break;
    case 1: f = (d & b) | (~d & c), g = (5 * i + 1) & 15; break;
    case 2: f = b ^ c ^ d, g = (3 * i + 5) & 15; break;
    default: f = c ^ (b | ~d), g = (7 * i) & 15;
    }
    f += a + table[i] + m[g];
    a = d, d = c, c = b, b += rol(f, turns[(i >> 4) * 4 + (i & 3)]);
  }
  h[0] += a, h[1] += b, h[2] += c, h[3] += d;
}
int main(void) {
  for (int i = 0; i < 64; i++) table[i] = 0xd76aa478u * (i + 1) ^ rol(0xe8c7b756u, i & 31);
  u32 h[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}, m[16];
  for (int n = 0; n < 200; n++) {
    for (int i = 0; i < 16; i++) m[i] = random32();
    rounds(h, m);
  }
  print("%x %x %x %x\n", (u64)h[0], (u64)h[1], (u64)h[2], (u64)h[3]);
  return 0;
}
