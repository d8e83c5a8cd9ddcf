/* String functions as a C library has them, over words of any alignment. */
#include "shim.h"
static size_t length(const char *s) { const char *p = s; while (*p) p++; return (size_t)(p - s); }
static int compare(const char *a, const char *b) { while (*a && *a == *b) a++, b++; return (u8)*a - (u8)*b; }
static char *find(char *text, const char *word) {
  for (; *text; text++) { size_t i = 0; while (word[i] && text[i] == word[i]) i++; if (!word[i]) return text; }
  return 0;
}
static size_t span(const char *s, const char *set) {
  size_t n = 0;
  for (; s[n]; n++) { const char *p = set; while (*p && *p != s[n]) p++; if (!*p) break; }
  return n;
}
static char *token(char **rest, const char *separators) {
  char *s = *rest + span(*rest, separators), *start = s;
  if (!*s) return 0;
  while (*s && !span((char[]){*s, 0}, separators)) s++;
  if (*s) *s++ = 0;
  *rest = s;
  return start;
}
static void reverse(char *s) { for (char *e = s + length(s) - 1; s < e; s++, e--) { char t = *s; *s = *e; *e = t; } }
static void upper(char *s) { for (; *s; s++) if (*s >= 'a' && *s <= 'z') *s -= 32; }
static char text[] = "  the quick brown fox, the lazy dog;and the end  of it all";
int main(void) {
  char buffer[160];
  for (int offset = 0; offset < 9; offset++) {
    memcpy(buffer + offset, text, sizeof text);
    print("%d %d %d\n", (i64)length(buffer + offset), (i64)(find(buffer + offset, "the l") - buffer), (i64)compare(buffer + offset, text + offset));
  }
  char *rest = buffer + 8, *word;
  while ((word = token(&rest, " ,;"))) { reverse(word); print("[%s] ", word); }
  upper(text);
  print("\n%s\n", text);
  memmove(text + 3, text, 30), memmove(text + 1, text + 6, 40);
  print("%s %d\n", text, (i64)memcmp("abcd", "abce", 4));
  return 0;
}
