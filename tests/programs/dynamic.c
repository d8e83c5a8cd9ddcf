/* Tables filled step by step: knapsack, longest common subsequence, edit distance, coins. */
#include "shim.h"
static int max(int a, int b) { return a > b ? a : b; }
static int min(int a, int b) { return a < b ? a : b; }
static int best[2001], table[301][301];
static u64 ways[1001];
static char a[301], b[301];
int main(void) {
  for (int item = 0; item < 60; item++) { int weight = 5 + (int)(random32() % 90), value = (int)(random32() % 500); for (int w = 2000; w >= weight; w--) best[w] = max(best[w], best[w - weight] + value); }
  for (int i = 0; i < 300; i++) a[i] = (char)('a' + random32() % 4), b[i] = (char)('a' + random32() % 4);
  for (int i = 1; i <= 300; i++) for (int j = 1; j <= 300; j++) table[i][j] = a[i - 1] == b[j - 1] ? table[i - 1][j - 1] + 1 : max(table[i - 1][j], table[i][j - 1]);
  int common = table[300][300];
  for (int i = 0; i <= 300; i++) table[i][0] = table[0][i] = i;
  for (int i = 1; i <= 300; i++) for (int j = 1; j <= 300; j++) table[i][j] = min(min(table[i - 1][j], table[i][j - 1]) + 1, table[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
  static const int coins[] = {1, 2, 5, 10, 20, 50, 100, 200};
  ways[0] = 1;
  for (int k = 0; k < 8; k++) for (int i = coins[k]; i <= 1000; i++) ways[i] += ways[i - coins[k]];
  print("%d %d %d %u\n", (i64)best[2000], (i64)common, (i64)table[300][300], ways[1000]);
  return 0;
}
