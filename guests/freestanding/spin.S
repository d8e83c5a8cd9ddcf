/* Runs forever without ever entering the kernel. */
    .globl _start
_start:
    inc %rax
    jmp _start
