/* Burrows-Wheeler transform, move to front, run lengths; and all the way back. */
#include "shim.h"
enum { N = 600 };
static char text[N + 1], last[N + 1], back[N + 1];
static int rows[N];
static int less(int a, int b) {
  for (int i = 0; i < N; i++) {
    char x = text[(a + i) % N], y = text[(b + i) % N];
    if (x != y) return x < y;
  }
  return 0;
}
int main(void) {
  for (int i = 0; i < N; i++) text[i] = "abracadabra"[(i * i + random32() % 3) % 11];
  for (int i = 0; i < N; i++) { int j = i; for (; j > 0 && less(i, rows[j - 1]); j--) rows[j] = rows[j - 1]; rows[j] = i; }
  int first = 0;
  for (int i = 0; i < N; i++) { last[i] = text[(rows[i] + N - 1) % N]; if (rows[i] == 0) first = i; }
  u8 front[256];
  for (int i = 0; i < 256; i++) front[i] = (u8)i;
  int zeros = 0;
  u64 hash = 0;
  for (int i = 0; i < N; i++) {
    int k = 0;
    while (front[k] != (u8)last[i]) k++;
    memmove(front + 1, front, (size_t)k);
    front[0] = (u8)last[i];
    zeros += k == 0;
    hash = hash * 257 + (u64)k;
  }
  int counts[256] = {0}, next[N], sum = 0;
  for (int i = 0; i < N; i++) counts[(u8)last[i]]++;
  for (int i = 0; i < 256; i++) { int c = counts[i]; counts[i] = sum; sum += c; }
  for (int i = 0; i < N; i++) next[counts[(u8)last[i]]++] = i;
  for (int i = 0, at = next[first]; i < N; i++, at = next[at]) back[i] = last[at];
  int same = !memcmp(text, back, N);
  print("row %d zeros %d hash %x same %d\n%s\n", (i64)first, (i64)zeros, hash, (i64)same, last);
  return !same;
}
