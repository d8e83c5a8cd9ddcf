/* The game of life twice: a byte for each cell with neighbour counts, and 64 cells in a word with full adders. */

#include "bench.h"

enum { SIDE = 64, GENERATIONS = 12 };

static u8 cells[2][SIDE + 2][SIDE + 2];
static u64 rows[2][SIDE];

static NOINLINE void step_bytes(u8 (*to)[SIDE + 2], u8 (*from)[SIDE + 2])
{
    for (u32 i = 0; i <= SIDE + 1; i++) {
        from[i][0] = from[i][SIDE];
        from[i][SIDE + 1] = from[i][1];
    }
    memcpy(from[0], from[SIDE], SIDE + 2);
    memcpy(from[SIDE + 1], from[1], SIDE + 2);
    for (u32 i = 1; i <= SIDE; i++)
        for (u32 j = 1; j <= SIDE; j++) {
            u32 n = from[i - 1][j - 1] + from[i - 1][j] + from[i - 1][j + 1] + from[i][j - 1] + from[i][j + 1] +
                from[i + 1][j - 1] + from[i + 1][j] + from[i + 1][j + 1];
            to[i][j] = n == 3 || (n == 2 && from[i][j]);
        }
}

static u64 left(u64 row) { return row << 1 | row >> 63; }
static u64 right(u64 row) { return row >> 1 | row << 63; }

static NOINLINE void step_words(u64 *to, const u64 *from)
{
    for (u32 i = 0; i < SIDE; i++) {
        u64 up = from[(i + SIDE - 1) % SIDE], here = from[i], down = from[(i + 1) % SIDE];
        u64 neighbours[8] = {left(up), up, right(up), left(here), right(here), left(down), down, right(down)};
        u64 ones = 0, twos = 0, more = 0;
        for (u32 n = 0; n < 8; n++) {
            u64 carry = ones & neighbours[n];
            ones ^= neighbours[n];
            more |= twos & carry;
            twos ^= carry;
        }
        to[i] = twos & ~more & (ones | here);
    }
}

static u64 work(void)
{
    u64 seed = 1970, sum = 0;
    for (u32 i = 0; i < SIDE; i++) {
        rows[0][i] = next_random(&seed) & next_random(&seed);
        for (u32 j = 0; j < SIDE; j++)
            cells[0][i + 1][j + 1] = rows[0][i] >> j & 1;
    }
    for (u32 g = 0; g < GENERATIONS; g++) {
        step_bytes(cells[(g + 1) & 1], cells[g & 1]);
        step_words(rows[(g + 1) & 1], rows[g & 1]);
    }
    for (u32 i = 0; i < SIDE; i++) {
        u64 row = rows[GENERATIONS & 1][i];
        for (u32 j = 0; j < SIDE; j++)
            if (cells[GENERATIONS & 1][i + 1][j + 1] != (row >> j & 1))
                return 0;
        sum = mix(sum, row);
    }
    return sum;
}

PROGRAM("life", 3900, 0xd2fdcc76f18451ae);
