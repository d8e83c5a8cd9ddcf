/* A reader of JSON that prints it again, sorted out by depth; an arithmetic parser beside it. */
#include "shim.h"
static const char *at;
static int deepest, values;
static void space(void) { while (*at == ' ' || *at == '\n') at++; }
static void value(int depth) {
  space();
  values++;
  if (depth > deepest) deepest = depth;
  if (*at == '{' || *at == '[') {
    char open = *at, close = open == '{' ? '}' : ']';
    put_char(*at++);
    for (space(); *at != close; space()) {
      if (open == '{') { value(depth); space(); put_char(*at++); }
      value(depth + 1);
      space();
      if (*at == ',') put_char(*at++);
    }
    put_char(*at++);
  } else if (*at == '"') {
    do { if (*at == '\\') put_char(*at++); put_char(*at++); } while (*at != '"');
    put_char(*at++);
  } else while (*at && *at != ',' && *at != ']' && *at != '}' && *at != ' ' && *at != ':') put_char(*at++);
}
static i64 sum(void);
static i64 factor(void) {
  i64 n = 0;
  space();
  if (*at == '-') { at++; return -factor(); }
  if (*at == '(') { at++; n = sum(); at++; return n; }
  while (*at >= '0' && *at <= '9') n = n * 10 + *at++ - '0';
  return n;
}
static i64 product(void) { i64 n = factor(); for (;;) { space(); switch (*at) { case '*': at++; n *= factor(); break; case '/': at++; n /= factor(); break; case '%': at++; n %= factor(); break; default: return n; } } }
static i64 sum(void) { i64 n = product(); for (;;) { space(); if (*at == '+') at++, n += product(); else if (*at == '-') at++, n -= product(); else return n; } }
int main(void) {
  at = "{ \"a\": [1, 2.5e3, {\"deep\": [[[\"x\\\"y\"]]]}, null], \"b\" : true,\n \"c\": {}, \"d\": [] }";
  value(0);
  print("\n%d values, depth %d\n", (i64)values, (i64)deepest);
  at = "(1 + 2) * 3 - 100 / 7 % 5 + -(4 - 9) * (2 + 3 * (7 - 12345678 / 3))";
  print("%d\n", sum());
  return 0;
}
