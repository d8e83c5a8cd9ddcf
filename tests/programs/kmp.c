/* Searching: Knuth-Morris-Pratt, Boyer-Moore-Horspool and Rabin-Karp find the same places. */
#include "shim.h"
enum { N = 8000 };
static char text[N + 1];
static int kmp(const char *p, int m, u64 *sum) {
  int fail[64], count = 0;
  fail[0] = -1;
  for (int i = 0, k = -1; i < m;) { while (k >= 0 && p[i] != p[k]) k = fail[k]; fail[++i] = ++k; }
  for (int i = 0, k = 0; i < N; i++) { while (k >= 0 && text[i] != p[k]) k = fail[k]; if (++k == m) count++, *sum += (u64)i, k = fail[k]; }
  return count;
}
static int horspool(const char *p, int m, u64 *sum) {
  int skip[256], count = 0;
  for (int i = 0; i < 256; i++) skip[i] = m;
  for (int i = 0; i < m - 1; i++) skip[(u8)p[i]] = m - 1 - i;
  for (int i = m - 1; i < N; i += skip[(u8)text[i]]) if (!memcmp(text + i - m + 1, p, (size_t)m)) count++, *sum += (u64)i;
  return count;
}
static int rabin_karp(const char *p, int m, u64 *sum) {
  u32 hash = 0, want = 0, top = 1;
  int count = 0;
  for (int i = 0; i < m; i++) want = want * 257 + (u8)p[i], hash = hash * 257 + (u8)text[i];
  for (int i = 1; i < m; i++) top *= 257;
  for (int i = m - 1;; hash = (hash - top * (u8)text[i - m + 1]) * 257 + (u8)text[i + 1], i++) {
    if (hash == want && !memcmp(text + i - m + 1, p, (size_t)m)) count++, *sum += (u64)i;
    if (i + 1 >= N) return count;
  }
}
int main(void) {
  static const char *patterns[] = {"a", "ab", "abab", "aabbaab", "babababab", "abcab"};
  int wrong = 0;
  for (int i = 0; i < N; i++) text[i] = (char)('a' + (random32() % 5 == 0) + (random32() % 50 == 0));
  for (int k = 0; k < 6; k++) {
    int m = 0;
    while (patterns[k][m]) m++;
    u64 a = 0, b = 0, c = 0;
    int x = kmp(patterns[k], m, &a), y = horspool(patterns[k], m, &b), z = rabin_karp(patterns[k], m, &c);
    wrong += x != y || y != z || a != b || b != c;
    print("%s %d %u\n", patterns[k], (i64)x, a);
  }
  return wrong;
}
