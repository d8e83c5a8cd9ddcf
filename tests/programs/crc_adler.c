/* CRC-32 by table and by bits, Adler-32, FNV-1a over the same text. */
#include "shim.h"
static u32 table[256];
static u32 crc_bits(const u8 *p, size_t n) {
  u32 crc = ~0u;
  while (n--) {
    crc ^= *p++;
    for (int i = 0; i < 8; i++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
  }
  return ~crc;
}
static u32 crc_table(const u8 *p, size_t n) {
  u32 crc = ~0u;
  while (n--) crc = table[(u8)(crc ^ *p++)] ^ crc >> 8;
  return ~crc;
}
static u32 adler(const u8 *p, size_t n) {
  u32 a = 1, b = 0;
  while (n--) a = (a + *p++) % 65521, b = (b + a) % 65521;
  return b << 16 | a;
}
static u64 fnv(const u8 *p, size_t n) {
  u64 hash = 0xcbf29ce484222325;
  while (n--) hash = (hash ^ *p++) * 0x100000001b3;
  return hash;
}
static u8 text[3333];
int main(void) {
  for (int i = 0; i < 256; i++) { u32 c = i; for (int j = 0; j < 8; j++) c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1; table[i] = c; }
  for (size_t i = 0; i < sizeof text; i++) text[i] = (u8)random32();
  for (size_t n = 1; n < sizeof text; n = n * 3 + 1)
    print("%u: %x %x %x %x\n", (u64)n, (u64)crc_bits(text, n), (u64)crc_table(text, n), (u64)adler(text, n), fnv(text, n));
  return crc_bits(text, 1000) != crc_table(text, 1000);
}
