/* AES-128 from its definition: key schedule, encryption, decryption. */
#include "shim.h"
static u8 box[256], unbox[256];
static u8 twice(u8 x) { return (u8)(x << 1 ^ (x >> 7) * 0x1b); }
static u8 times(u8 a, u8 b) { u8 p = 0; for (; b; b >>= 1, a = twice(a)) if (b & 1) p ^= a; return p; }
static void tables(void) {
  u8 p = 1, q = 1;
  do {
    p = p ^ twice(p);
    q ^= (u8)(q << 1), q ^= (u8)(q << 2), q ^= (u8)(q << 4);
    if (q & 0x80) q ^= 9;
    u8 x = (u8)(q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^ (q << 3 | q >> 5) ^ (q << 4 | q >> 4) ^ 0x63);
    box[p] = x, unbox[x] = p;
  } while (p != 1);
  box[0] = 0x63, unbox[0x63] = 0;
}
static u8 keys[176];
static void expand(const u8 *key) {
  memcpy(keys, key, 16);
  u8 round = 1;
  for (int i = 16; i < 176; i += 4) {
    u8 t[4];
    memcpy(t, keys + i - 4, 4);
    if (i % 16 == 0) { u8 x = t[0]; t[0] = box[t[1]] ^ round, t[1] = box[t[2]], t[2] = box[t[3]], t[3] = box[x]; round = twice(round); }
    for (int k = 0; k < 4; k++) keys[i + k] = keys[i - 16 + k] ^ t[k];
  }
}
static void mix(u8 *s, u8 a, u8 b, u8 c, u8 d) {
  for (int i = 0; i < 16; i += 4) { u8 t[4]; for (int k = 0; k < 4; k++) t[k] = times(s[i + k], a) ^ times(s[i + (k + 1) % 4], b) ^ times(s[i + (k + 2) % 4], c) ^ times(s[i + (k + 3) % 4], d); memcpy(s + i, t, 4); }
}
static void add(u8 *s, int round) { for (int i = 0; i < 16; i++) s[i] ^= keys[round * 16 + i]; }
static void encrypt(u8 *s) {
  add(s, 0);
  for (int round = 1; round <= 10; round++) { u8 t[16]; for (int i = 0; i < 16; i++) t[i] = box[s[(i + 4 * (i & 3)) & 15]]; memcpy(s, t, 16); if (round < 10) mix(s, 2, 3, 1, 1); add(s, round); }
}
static void decrypt(u8 *s) {
  for (int round = 10; round; round--) { add(s, round); if (round < 10) mix(s, 14, 11, 13, 9); u8 t[16]; for (int i = 0; i < 16; i++) t[(i + 4 * (i & 3)) & 15] = unbox[s[i]]; memcpy(s, t, 16); }
  add(s, 0);
}
int main(void) {
  u8 key[16], s[16], before[16];
  int wrong = 0;
  tables();
  for (int i = 0; i < 16; i++) key[i] = (u8)i, s[i] = (u8)(i * 17);
  expand(key);
  for (int n = 0; n < 20; n++) {
    memcpy(before, s, 16);
    encrypt(s);
    for (int i = 0; i < 16; i++) print("%x%x", (u64)(s[i] >> 4), (u64)(s[i] & 15));
    print("\n");
    u8 copy[16];
    memcpy(copy, s, 16);
    decrypt(copy);
    wrong += memcmp(copy, before, 16) != 0;
  }
  return wrong;
}
