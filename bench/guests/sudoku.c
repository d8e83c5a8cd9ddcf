/* Backtracking with candidate sets: solves grids from which cells were taken out, counting the nodes of the search. */

#include "bench.h"

static u8 grid[81];
static u16 in_row[9], in_column[9], in_box[9];
static u32 nodes;

static u32 box_of(u32 cell) { return cell / 27 * 3 + cell % 9 / 3; }

static void place(u32 cell, u32 digit)
{
    u16 bit = (u16)(1 << digit);
    in_row[cell / 9] ^= bit;
    in_column[cell % 9] ^= bit;
    in_box[box_of(cell)] ^= bit;
}

static u32 count_bits(u32 set)
{
    u32 count = 0;
    for (; set != 0; set &= set - 1)
        count++;
    return count;
}

static NOINLINE u32 solve(void)
{
    u32 best = 81, best_count = 10, best_set = 0;
    nodes++;
    for (u32 cell = 0; cell < 81; cell++) {
        if (grid[cell] != 0)
            continue;
        u32 set = 0x3fe & ~(u32)(in_row[cell / 9] | in_column[cell % 9] | in_box[box_of(cell)]);
        u32 count = count_bits(set);
        if (count < best_count)
            best = cell, best_count = count, best_set = set;
    }
    if (best == 81)
        return 1;
    for (; best_set != 0; best_set &= best_set - 1) {
        u32 digit = (u32)__builtin_ctz(best_set);
        grid[best] = (u8)digit;
        place(best, digit);
        if (solve())
            return 1;
        place(best, digit);
        grid[best] = 0;
    }
    return 0;
}

static u64 work(void)
{
    u64 seed = 81, sum = 0;
    for (u32 puzzle = 0; puzzle < 4; puzzle++) {
        memset(in_row, 0, sizeof in_row);
        memset(in_column, 0, sizeof in_column);
        memset(in_box, 0, sizeof in_box);
        memset(grid, 0, sizeof grid);
        /* A shifted pattern is a solved grid; most of it is taken out. */
        for (u32 i = 0; i < 24; i++) {
            u32 cell = (u32)(next_random(&seed) % 81), row = cell / 9, column = cell % 9;
            u32 digit = (row * 3 + row / 3 + column + puzzle) % 9 + 1;
            if (grid[cell] == 0) {
                grid[cell] = (u8)digit;
                place(cell, digit);
            }
        }
        nodes = 0;
        if (!solve())
            return 0;
        sum = mix(sum, nodes);
        for (u32 i = 0; i < 81; i++)
            sum = mix(sum, grid[i]);
    }
    return sum;
}

PROGRAM("sudoku", 300, 0xb18c548aab396bcf);
