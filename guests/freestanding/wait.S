/* Waits forever: cap_enter(1, forever) with nothing submitted. */
    .globl _start
_start:
    mov $2, %eax
    mov $1, %edi
    mov $-1, %rsi
    syscall
    jmp _start
