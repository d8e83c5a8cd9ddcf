/* capOS: the exit code tells, nothing is printed. The kernel enters `_start` as if it had been called. */

#include "rounds.h"

enum { SYS_EXIT = 1 };

__attribute__((noreturn)) void _start(void)
{
    i64 code = run_rounds() != program.checksum;
    for (;;)
        __asm__ volatile("syscall" : : "a"((i64)SYS_EXIT), "D"(code) : "rcx", "r11", "memory");
}
