/* A stack machine: the same program by a switch and by a table of labels. */
#include "shim.h"
enum { PUSH, ADD, SUB, MUL, DUP, SWAP, OVER, LESS, JUMP_ZERO, JUMP, LOAD, STORE, PRINT, HALT };
static const i32 program[] = {
  PUSH, 0, STORE, 0, PUSH, 1, STORE, 1, PUSH, 0, STORE, 2,
  LOAD, 2, PUSH, 90, LESS, JUMP_ZERO, 42, LOAD, 1, DUP, LOAD, 0, ADD, STORE, 1, STORE, 0, LOAD, 2, PUSH, 1, ADD, STORE, 2,
  LOAD, 0, PRINT, JUMP, 12, HALT, LOAD, 1, PUSH, 7, MUL, PUSH, 3, SWAP, SUB, OVER, PRINT, PRINT, HALT};
static u64 hash;
static int by_switch(void) {
  i64 stack[16] = {0}, variables[4], *s = stack, t;
  int steps = 0;
  for (const i32 *p = program;; steps++) switch (*p++) {
    case PUSH: *s++ = *p++; break;
    case ADD: s--; s[-1] += *s; break;
    case SUB: s--; s[-1] -= *s; break;
    case MUL: s--; s[-1] = (i64)((u64)s[-1] * (u64)*s); break;
    case DUP: *s = s[-1]; s++; break;
    case SWAP: t = s[-1], s[-1] = s[-2], s[-2] = t; break;
    case OVER: *s = s[-1]; s++; break;
    case LESS: s--; s[-1] = s[-1] < *s; break;
    case JUMP_ZERO: p = *--s ? p + 1 : program + *p; break;
    case JUMP: p = program + *p; break;
    case LOAD: *s++ = variables[*p++]; break;
    case STORE: variables[*p++] = *--s; break;
    case PRINT: hash = hash * 31 + (u64)*--s; break;
    default: return steps;
  }
}
static int by_table(void) {
  static void *labels[] = {&&push, &&add, &&sub, &&mul, &&dup, &&swap, &&over, &&less, &&jump_zero, &&jump, &&load, &&store, &&output, &&halt};
  i64 stack[16] = {0}, variables[4], *s = stack, t;
  const i32 *p = program;
  int steps = -1;
#define NEXT do { steps++; goto *labels[*p++]; } while (0)
  NEXT;
push: *s++ = *p++; NEXT;
add: s--; s[-1] += *s; NEXT;
sub: s--; s[-1] -= *s; NEXT;
mul: s--; s[-1] = (i64)((u64)s[-1] * (u64)*s); NEXT;
dup: over: *s = s[-1]; s++; NEXT;
swap: t = s[-1], s[-1] = s[-2], s[-2] = t; NEXT;
less: s--; s[-1] = s[-1] < *s; NEXT;
jump_zero: p = *--s ? p + 1 : program + *p; NEXT;
jump: p = program + *p; NEXT;
load: *s++ = variables[*p++]; NEXT;
store: variables[*p++] = *--s; NEXT;
output: hash = hash * 31 + (u64)*--s; NEXT;
halt: return steps;
}
int main(void) {
  int a = by_switch();
  u64 first = hash;
  hash = 0;
  int b = by_table();
  print("%d %d %x %x\n", (i64)a, (i64)b, first, hash);
  return a != b || first != hash;
}
