/* Regular expressions by backtracking, after Pike: . * + ? ^ $ and sets. */
#include "shim.h"
static int here(const char *, const char *);
static int item(const char *p) { if (*p == '[') { int n = 1; while (p[n] != ']') n++; return n + 1; } return *p == '\\' ? 2 : 1; }
static int fits(const char *p, char c) {
  if (!c) return 0;
  if (*p == '.') return 1;
  if (*p == '\\') return p[1] == c;
  if (*p != '[') return *p == c;
  int not = p[1] == '^', in = 0;
  for (p += 1 + not; *p != ']'; p++) if (p[1] == '-' && p[2] != ']') { in |= *p <= c && c <= p[2]; p += 2; } else in |= *p == c;
  return in != not;
}
static int many(const char *p, const char *rest, const char *text, int least, int most) {
  int n = 0;
  while (n < most && fits(p, text[n])) n++;
  for (; n >= least; n--) if (here(rest, text + n)) return 1;
  return 0;
}
static int here(const char *p, const char *text) {
  if (!*p) return 1;
  if (*p == '$' && !p[1]) return !*text;
  int n = item(p);
  switch (p[n]) {
  case '*': return many(p, p + n + 1, text, 0, 1 << 20);
  case '+': return many(p, p + n + 1, text, 1, 1 << 20);
  case '?': return many(p, p + n + 1, text, 0, 1);
  default: return fits(p, *text) && here(p + n, text + 1);
  }
}
static int match(const char *p, const char *text) {
  if (*p == '^') return here(p + 1, text);
  do if (here(p, text)) return 1; while (*text++);
  return 0;
}
int main(void) {
  static const char *patterns[] = {"abc", "^a.c$", "a*b+c?d", "[0-9]+\\.[0-9]+", "^[^aeiou]*$", "x?y?z?end$", "(a|b)", "^.*foo.*bar.*$", "a+a+a+b"};
  static const char *texts[] = {"abc", "xaxc", "aaabbd", "pi is 3.14159", "rhythm", "the end", "afoobarb", "foo and bar", "aaaaaaaaaaaaaaaaab", ""};
  for (int i = 0; i < 9; i++) { for (int k = 0; k < 10; k++) put_char((char)('0' + match(patterns[i], texts[k]))); put_char('\n'); }
  return 0;
}
