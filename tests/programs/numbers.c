/* Text to numbers and back: integers in every base, decimals to doubles by exact scaling. */
#include "shim.h"
static u64 parse(const char *s, unsigned base) {
  u64 n = 0;
  for (; *s; s++) n = n * base + (u64)(*s <= '9' ? *s - '0' : *s - 'a' + 10);
  return n;
}
static double decimal(const char *s) {
  double n = 0, scale = 1;
  int negative = *s == '-', point = 0, exponent = 0;
  for (s += negative; *s && *s != 'e'; s++) { if (*s == '.') point = 1; else { n = n * 10 + (*s - '0'); if (point) scale *= 10; } }
  if (*s == 'e') { int sign = s[1] == '-' ? -1 : 1; for (s += 1 + (sign < 0); *s; s++) exponent = exponent * 10 + (*s - '0'); exponent *= sign; }
  for (; exponent > 0; exponent--) n *= 10;
  for (; exponent < 0; exponent++) scale *= 10;
  return (negative ? -n : n) / scale;
}
static void fixed(double x, int digits) {
  if (x < 0) { put_char('-'); x = -x; }
  u64 whole = (u64)x;
  print("%u.", whole);
  x -= (double)whole;
  while (digits--) { x *= 10; int d = (int)x; put_char((char)('0' + d)); x -= d; }
  put_char('\n');
}
int main(void) {
  static const char *texts[] = {"0", "1.5", "-2.25", "3.14159265358979", "1e10", "1.7e-8", "123456.789", "-0.001", "9.99e22"};
  for (int i = 0; i < 9; i++) { double d = decimal(texts[i]); print("%s %g ", texts[i], d); if (d < 1e15 && d > -1e15) fixed(d, 9); else put("big\n"); }
  for (unsigned base = 2; base <= 16; base++) { u64 n = parse("1101", base); print("%u:", n); put_number(n * n * n, base); put_char(' '); }
  print("\n%d %d %u\n", (i64)-9223372036854775807 - 1, (i64)9223372036854775807, (u64)-1);
  for (i64 d = -7; d <= 7; d++) if (d) print("%d,%d ", 100 / d, -100 % d);
  print("\n");
  return 0;
}
