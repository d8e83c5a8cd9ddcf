/* Does the rounds of the program and compares each result with its constant. */

#include "rounds.h"

/* Kept findable in the file: whoever runs the program may write another percentage behind the mark, in a copy. */
struct {
    char mark[12];
    volatile u32 percent;
} scale __attribute__((section(".data.scale"))) = {"CAPJITSCALE", 100};

u64 run_rounds(void)
{
    u64 rounds = program.rounds * scale.percent / 100;
    u64 sum = program.work();
    for (u64 i = 1; i < rounds && sum == program.checksum; i++)
        sum = program.work();
    return sum;
}
