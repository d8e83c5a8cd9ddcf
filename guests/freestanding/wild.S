/* Jumps to an address where nothing is mapped. */
    .globl _start
_start:
    movabs $0x123456789000, %rax
    jmp *%rax
