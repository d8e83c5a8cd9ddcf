/* Queens by bits, knight's tour by Warnsdorff, permutations by Heap. */
#include "shim.h"
static int queens(u32 all, u32 columns, u32 left, u32 right) {
  if (columns == all) return 1;
  int count = 0;
  for (u32 free = all & ~(columns | left | right); free;) { u32 bit = free & -free; free ^= bit; count += queens(all, columns | bit, (left | bit) << 1, (right | bit) >> 1); }
  return count;
}
static signed char board[8][8];
static const signed char dx[] = {1, 2, 2, 1, -1, -2, -2, -1}, dy[] = {2, 1, -1, -2, -2, -1, 1, 2};
static int is_free(int x, int y) { return x >= 0 && y >= 0 && x < 8 && y < 8 && !board[x][y]; }
static int ways(int x, int y) { int n = 0; for (int k = 0; k < 8; k++) n += is_free(x + dx[k], y + dy[k]); return n; }
static int tour(int x, int y) {
  for (int step = 1;; step++) {
    board[x][y] = (signed char)step;
    int best = -1, least = 9;
    for (int k = 0; k < 8; k++) if (is_free(x + dx[k], y + dy[k])) { int w = ways(x + dx[k], y + dy[k]); if (w < least) least = w, best = k; }
    if (best < 0) return step;
    x += dx[best], y += dy[best];
  }
}
static u64 seen;
static void permute(char *s, int n) {
  if (n == 1) { u64 h = 0; for (int i = 0; i < 7; i++) h = h * 8 + (u64)s[i]; seen ^= h * h; return; }
  for (int i = 0; i < n; i++) { permute(s, n - 1); int j = n % 2 ? 0 : i; char t = s[j]; s[j] = s[n - 1]; s[n - 1] = t; }
}
int main(void) {
  for (int n = 1; n <= 9; n++) print("%d ", (i64)queens((1u << n) - 1, 0, 0, 0));
  print("\n%d\n", (i64)tour(0, 0));
  char s[7] = {0, 1, 2, 3, 4, 5, 6};
  permute(s, 7);
  print("%x\n", seen);
  return 0;
}
