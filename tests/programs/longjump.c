/* Leaving nested calls at once: a setjmp of our own. */
#include "shim.h"
typedef u64 jump_buffer[8];
int set_jump(u64 *buffer) __attribute__((returns_twice));
void long_jump(u64 *buffer, int value) __attribute__((noreturn));
__asm__(".globl set_jump\nset_jump: movq %rbx, (%rdi)\n movq %rbp, 8(%rdi)\n movq %r12, 16(%rdi)\n movq %r13, 24(%rdi)\n movq %r14, 32(%rdi)\n"
        " movq %r15, 40(%rdi)\n leaq 8(%rsp), %rdx\n movq %rdx, 48(%rdi)\n movq (%rsp), %rdx\n movq %rdx, 56(%rdi)\n xorl %eax, %eax\n ret\n"
        ".globl long_jump\nlong_jump: movl %esi, %eax\n testl %eax, %eax\n jnz 1f\n incl %eax\n1: movq (%rdi), %rbx\n movq 8(%rdi), %rbp\n"
        " movq 16(%rdi), %r12\n movq 24(%rdi), %r13\n movq 32(%rdi), %r14\n movq 40(%rdi), %r15\n movq 48(%rdi), %rsp\n jmp *56(%rdi)\n");
static jump_buffer outer, inner;
static volatile int depth;
static int dive(int n) {
  if (n > 1000) return 0;
  depth = n;
  if (n == 40) long_jump(outer, 3);
  if (n % 17 == 16) long_jump(inner, n);
  return dive(n + 1) * 2 + n;
}
int main(void) {
  volatile int tries = 0;
  int code = set_jump(outer);
  print("outer %d depth %d\n", (i64)code, (i64)depth);
  if (code == 3) return tries;
  int from = set_jump(inner);
  tries++;
  print("inner %d try %d\n", (i64)from, (i64)tries);
  if (tries < 6) dive(from + 1);
  print("done\n");
  return 99;
}
