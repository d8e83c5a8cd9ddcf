/* Big integers in base 10^9: factorials, Fibonacci numbers, digit sums. */
#include "shim.h"
enum { LIMBS = 80, BASE = 1000000000 };
struct big { u32 limb[LIMBS]; int used; };
static void multiply(struct big *n, u32 by) {
  u64 carry = 0;
  for (int i = 0; i < n->used; i++) { carry += (u64)n->limb[i] * by; n->limb[i] = (u32)(carry % BASE); carry /= BASE; }
  if (carry) n->limb[n->used++] = (u32)carry;
}
static void add(struct big *n, const struct big *other) {
  u32 carry = 0;
  int used = n->used > other->used ? n->used : other->used;
  for (int i = 0; i < used || carry; i++) {
    u32 sum = (i < n->used ? n->limb[i] : 0) + (i < other->used ? other->limb[i] : 0) + carry;
    carry = sum >= BASE;
    n->limb[i] = carry ? sum - BASE : sum;
    if (i >= n->used) n->used = i + 1;
  }
}
static void show(const struct big *n) {
  print("%u", (u64)n->limb[n->used - 1]);
  for (int i = n->used - 2; i >= 0; i--) for (u32 unit = BASE / 10, rest = n->limb[i]; unit; unit /= 10) put_char((char)('0' + rest / unit % 10));
  print("\n");
}
int main(void) {
  struct big n = {{1}, 1}, a = {{0}, 1}, b = {{1}, 1};
  for (u32 i = 2; i <= 200; i++) multiply(&n, i);
  show(&n);
  for (int i = 0; i < 1000; i++) { struct big t = b; add(&b, &a); a = t; }
  show(&a);
  u64 digits = 0;
  for (int i = 0; i < n.used; i++) for (u32 x = n.limb[i]; x; x /= 10) digits += x % 10;
  print("%u\n", digits);
  return 0;
}
