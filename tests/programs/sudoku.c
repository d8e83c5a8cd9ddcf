/* Sudoku by candidates as bit sets and backtracking. */
#include "shim.h"
static const char *puzzle = "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79";
static int cells[81], steps;
static u16 rows[9], columns[9], boxes[9];
static int solve(void) {
  int best = -1, least = 10;
  u16 choice = 0;
  steps++;
  for (int i = 0; i < 81; i++) if (!cells[i]) {
    u16 options = (u16)(~(rows[i / 9] | columns[i % 9] | boxes[i / 27 * 3 + i % 9 / 3]) & 0x3fe);
    int n = 0;
    for (u16 o = options; o; o &= (u16)(o - 1)) n++;
    if (n < least) least = n, best = i, choice = options;
  }
  if (best < 0) return 1;
  for (int d = 1; d <= 9; d++) if (choice >> d & 1) {
    u16 bit = (u16)(1 << d), *r = &rows[best / 9], *c = &columns[best % 9], *b = &boxes[best / 27 * 3 + best % 9 / 3];
    cells[best] = d, *r |= bit, *c |= bit, *b |= bit;
    if (solve()) return 1;
    cells[best] = 0, *r ^= bit, *c ^= bit, *b ^= bit;
  }
  return 0;
}
int main(void) {
  for (int i = 0; i < 81; i++) if (puzzle[i] != '.') { int d = puzzle[i] - '0'; cells[i] = d; rows[i / 9] |= (u16)(1 << d), columns[i % 9] |= (u16)(1 << d), boxes[i / 27 * 3 + i % 9 / 3] |= (u16)(1 << d); }
  int solved = solve();
  for (int i = 0; i < 81; i++) print("%d%s", (i64)cells[i], i % 9 == 8 ? "\n" : "");
  print("%d steps\n", (i64)steps);
  return !solved;
}
