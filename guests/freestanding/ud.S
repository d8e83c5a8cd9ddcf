/* An instruction that is undefined on purpose. */
    .globl _start
_start:
    ud2
