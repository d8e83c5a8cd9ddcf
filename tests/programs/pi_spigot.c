/* Digits of pi by the spigot of Rabinowitz and Wagon, and of e by its series. */
#include "shim.h"
enum { DIGITS = 200, LENGTH = DIGITS * 10 / 3 + 1 };
int main(void) {
  static i32 a[LENGTH], e[DIGITS + 10];
  for (int i = 0; i < LENGTH; i++) a[i] = 2;
  int nines = 0, held = 0, first = 1;
  for (int d = 0; d <= DIGITS; d++) {
    int q = 0;
    for (int i = LENGTH - 1; i >= 0; i--) { int x = 10 * a[i] + q * (i + 1); a[i] = x % (2 * i + 1), q = x / (2 * i + 1); if (i == 0) { a[0] = x % 10, q = x / 10; } }
    if (q == 9) nines++;
    else {
      if (!first) put_char((char)('0' + held + q / 10));
      first = 0;
      for (; nines; nines--) put_char(q == 10 ? '0' : '9');
      held = q % 10;
    }
  }
  print("\n");
  for (int i = 0; i < DIGITS + 10; i++) e[i] = 1;
  for (int d = 0; d < DIGITS; d++) {
    int carry = 0;
    for (int i = DIGITS + 9; i >= 0; i--) { int x = e[i] * 10 + carry; e[i] = x % (i + 2), carry = x / (i + 2); }
    put_char((char)('0' + carry));
  }
  print("\n");
  return 0;
}
