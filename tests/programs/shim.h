/*
 * What a program of this folder has: a start, an end, and output. Linux system calls, so that the same file runs
 * natively and on capjit, where the test answers them. The program's exit code is what main returns.
 */
#ifndef SHIM_H
#define SHIM_H
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;

int main(void);

static long shim_call(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

static char shim_buffer[4096];
static size_t shim_used;

static void shim_flush(void) {
  shim_call(1, 1, (long)shim_buffer, (long)shim_used);
  shim_used = 0;
}

static void put_char(char c) {
  if (shim_used == sizeof shim_buffer) shim_flush();
  shim_buffer[shim_used++] = c;
}

static void put(const char *text) {
  while (*text) put_char(*text++);
}

static void put_number(u64 value, unsigned base) {
  char digits[64];
  int n = 0;
  do digits[n++] = "0123456789abcdef"[value % base];
  while (value /= base);
  while (n) put_char(digits[--n]);
}

static void put_signed(i64 value) {
  if (value < 0) put_char('-');
  put_number(value < 0 ? -(u64)value : (u64)value, 10);
}

/* The bits of a double, so that every one of them counts. */
static void put_double(double value) {
  u64 bits;
  __builtin_memcpy(&bits, &value, 8);
  put_number(bits, 16);
}

/* %d %u %x take 64 bits, %s text, %c a character, %g the bits of a double. */
__attribute__((unused)) static void print(const char *format, ...) {
  va_list list;
  va_start(list, format);
  for (; *format; format++) {
    if (*format != '%') {
      put_char(*format);
      continue;
    }
    switch (*++format) {
    case 'd': put_signed(va_arg(list, i64)); break;
    case 'u': put_number(va_arg(list, u64), 10); break;
    case 'x': put_number(va_arg(list, u64), 16); break;
    case 's': put(va_arg(list, const char *)); break;
    case 'c': put_char((char)va_arg(list, int)); break;
    case 'g': put_double(va_arg(list, double)); break;
    default: put_char(*format);
    }
  }
  va_end(list);
}

/* Compilers call these whether asked or not. */
__attribute__((used)) void *memcpy(void *to, const void *from, size_t n) {
  void *d = to;
  __asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(n) : : "memory");
  return to;
}
__attribute__((used)) void *memset(void *to, int byte, size_t n) {
  void *d = to;
  __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(byte) : "memory");
  return to;
}
__attribute__((used)) void *memmove(void *to, const void *from, size_t n) {
  u8 *d = to;
  const u8 *s = from;
  if (d <= s || d >= s + n) return memcpy(to, from, n);
  d += n - 1, s += n - 1;
  __asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
  return to;
}
__attribute__((used)) int memcmp(const void *a, const void *b, size_t n) {
  const u8 *x = a, *y = b;
  for (volatile size_t i = 0; i < n; i++)
    if (x[i] != y[i]) return x[i] - y[i];
  return 0;
}

static u32 shim_seed = 12345;
/* The same numbers everywhere. */
__attribute__((unused)) static u32 random32(void) {
  shim_seed ^= shim_seed << 13;
  shim_seed ^= shim_seed >> 17;
  return shim_seed ^= shim_seed << 5;
}

__attribute__((used)) static void shim_main(void) {
  long code = main();
  shim_flush();
  shim_call(60, code, 0, 0);
  __builtin_unreachable();
}
__asm__(".globl _start\n_start: xorl %ebp, %ebp\n\tandq $-16, %rsp\n\tcall shim_main\n");
#endif
