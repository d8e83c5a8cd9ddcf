/* All ways to place queens that do not attack each other: with bit sets, and with arrays. */

#include "bench.h"

static NOINLINE u32 with_bits(u32 all, u32 columns, u32 left, u32 right)
{
    if (columns == all)
        return 1;
    u32 solutions = 0;
    for (u32 open = all & ~(columns | left | right); open != 0; open &= open - 1) {
        u32 place = open & -open;
        solutions += with_bits(all, columns | place, (left | place) << 1, (right | place) >> 1);
    }
    return solutions;
}

static i32 rows[16];

static int safe(i32 column, i32 row)
{
    for (i32 i = 0; i < column; i++)
        if (rows[i] == row || rows[i] - row == i - column || rows[i] - row == column - i)
            return 0;
    return 1;
}

static NOINLINE u32 with_array(i32 column, i32 size)
{
    if (column == size)
        return 1;
    u32 solutions = 0;
    for (i32 row = 0; row < size; row++)
        if (safe(column, row)) {
            rows[column] = row;
            solutions += with_array(column + 1, size);
        }
    return solutions;
}

static u64 work(void)
{
    u64 sum = 0;
    for (u32 size = 4; size <= 9; size++)
        sum = sum * 1000 + with_bits((1u << size) - 1, 0, 0, 0);
    for (i32 size = 4; size <= 8; size++)
        sum = mix(sum, with_array(0, size));
    return sum;
}

PROGRAM("queens", 2100, 0xb6f21ea97dc4712);
