/* The game of life, 64 cells a word, by carry-save adders. */
#include "shim.h"
static u64 grid[64], fresh[64];
static u64 turn(u64 x, int n) { return n > 0 ? x << 1 | x >> 63 : x >> 1 | x << 63; }
static void step(void) {
  for (int y = 0; y < 64; y++) {
    u64 ones = 0, twos = 0, fours = 0;
    for (int dy = -1; dy <= 1; dy++) for (int dx = -1; dx <= 1; dx++) {
      if (!dx && !dy) continue;
      u64 row = grid[(y + dy) & 63], x = dx ? turn(row, dx) : row, carry = ones & x;
      ones ^= x;
      fours |= twos & carry;
      twos ^= carry;
    }
    fresh[y] = twos & ~fours & (ones | grid[y]);
  }
  memcpy(grid, fresh, sizeof grid);
}
int main(void) {
  for (int y = 0; y < 64; y++) grid[y] = (u64)random32() << 32 | random32();
  for (int i = 0; i < 100; i++) step();
  u64 hash = 0;
  for (int y = 0; y < 64; y++) hash = turn(hash, 1) ^ grid[y];
  for (int y = 0; y < 8; y++) { for (int x = 0; x < 64; x++) put_char(grid[y] >> x & 1 ? '#' : '.'); put_char('\n'); }
  print("%x\n", hash);
  return 0;
}
