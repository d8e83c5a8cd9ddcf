/* Calls and returns with little between them: Fibonacci, Ackermann, Hanoi and mutually recursive functions. */

#include "bench.h"

static NOINLINE u32 fibonacci(u32 n)
{
    if (n < 2)
        return n;
    u32 before = fibonacci(n - 2);
    return before + fibonacci(n - 1);
}

static NOINLINE u32 ackermann(u32 m, u32 n)
{
    if (m == 0)
        return n + 1;
    return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

static u32 moves;
static u64 history;

static NOINLINE void hanoi(u32 disks, u32 from, u32 to)
{
    if (disks == 0)
        return;
    hanoi(disks - 1, from, 6 - from - to);
    moves++;
    history = history * 3 + from - to;
    hanoi(disks - 1, 6 - from - to, to);
}

static NOINLINE u32 female(u32 n);

static NOINLINE u32 male(u32 n)
{
    return n == 0 ? 0 : n - female(male(n - 1));
}

static NOINLINE u32 female(u32 n)
{
    return n == 0 ? 1 : n - male(female(n - 1));
}

static u64 work(void)
{
    moves = 0;
    history = 0;
    u64 sum = fibonacci(22);
    sum = mix(sum, ackermann(2, 60));
    hanoi(13, 1, 3);
    sum = mix(sum, moves + history);
    return mix(sum, male(32) * 100 + female(33));
}

PROGRAM("recursion", 2400, 0xf8018b8cb9066cd1);
