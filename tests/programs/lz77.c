/* LZ77 with a hash of three bytes: what was packed unpacks to the same. */
#include "shim.h"
enum { N = 20000 };
static u8 plain[N], packed[N * 2], back[N + 300];
static int heads[4096];
static int pack(const u8 *p, int n, u8 *out) {
  int used = 0;
  for (int i = 0; i < 4096; i++) heads[i] = -1;
  for (int i = 0; i < n;) {
    int length = 0, at = -1;
    if (i + 3 < n) {
      u32 h = (p[i] * 33u * 33u + p[i + 1] * 33u + p[i + 2]) & 4095;
      at = heads[h];
      heads[h] = i;
      if (at >= 0 && i - at < 65536) while (length < 255 && i + length < n && p[at + length] == p[i + length]) length++;
    }
    if (length >= 4) {
      out[used++] = 1, out[used++] = (u8)length, out[used++] = (u8)(i - at), out[used++] = (u8)((i - at) >> 8);
      i += length;
    } else out[used++] = 0, out[used++] = p[i++];
  }
  return used;
}
static int unpack(const u8 *p, int n, u8 *out) {
  int used = 0;
  for (int i = 0; i < n;) {
    if (p[i] == 0) { out[used++] = p[i + 1]; i += 2; continue; }
    int length = p[i + 1], distance = p[i + 2] | p[i + 3] << 8;
    for (int k = 0; k < length; k++, used++) out[used] = out[used - distance];
    i += 4;
  }
  return used;
}
int main(void) {
  static const char *words[] = {"capability ", "page ", "frame ", "the ", "of ", "a ", "translator ", "\n"};
  for (int i = 0; i < N;) for (const char *w = words[random32() % 8]; *w && i < N;) plain[i++] = (u8)*w++;
  int size = pack(plain, N, packed), n = unpack(packed, size, back);
  u64 hash = 0;
  for (int i = 0; i < size; i++) hash = hash * 131 + packed[i];
  int same = n == N && !memcmp(plain, back, N);
  print("%d -> %d, %x, same %d\n", (i64)N, (i64)size, hash, (i64)same);
  return !same;
}
