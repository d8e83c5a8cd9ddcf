/* Recursion: Ackermann, Hanoi, Hofstadter, mutual calls, and calls through pointers to functions. */
#include "shim.h"
static u32 ackermann(u32 m, u32 n) { return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1)); }
static u64 moves;
static void hanoi(int n, int from, int to, int by) { if (n) { hanoi(n - 1, from, by, to); moves = moves * 3 + (u64)(from * 7 + to); hanoi(n - 1, by, to, from); } }
static int female(int n);
static int male(int n) { return n ? n - female(male(n - 1)) : 0; }
static int female(int n) { return n ? n - male(female(n - 1)) : 1; }
static u64 twice(u64 x) { return 2 * x; }
static u64 next(u64 x) { return x + 1; }
static u64 square(u64 x) { return x * x; }
static u64 fold(u64 (*const *f)(u64), int n, u64 x) { return n ? (*f)(fold(f + 1, n - 1, x)) : x; }
static u64 fibonacci(int n) { return n < 2 ? (u64)n : fibonacci(n - 1) + fibonacci(n - 2); }
int main(void) {
  u64 (*const functions[])(u64) = {twice, next, square, next, twice, next, square};
  hanoi(12, 1, 3, 2);
  print("%u %x %d %d %u %u\n", (u64)ackermann(2, 300), moves, (i64)male(60), (i64)female(61), fold(functions, 7, 3), fibonacci(21));
  return 0;
}
