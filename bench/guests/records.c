/* Business-like code: records copied by value, string comparisons, enumerations, small procedures with out parameters. */

#include "bench.h"

enum colour { RED, GREEN, BLUE, BLACK };

struct record {
    struct record *partner;
    enum colour colour;
    i32 amount, limit;
    char name[31];
    u8 grade;
};

static struct record records[64];
static i32 table[50], grid[50][50];
static i32 total;
static u8 last_grade;

static NOINLINE int same_text(const char *a, const char *b)
{
    for (; *a == *b; a++, b++)
        if (*a == 0)
            return 1;
    return 0;
}

static NOINLINE void copy_text(char *to, const char *from)
{
    while ((*to++ = *from++) != 0)
        ;
}

static NOINLINE void adjust(i32 in, i32 *out)
{
    i32 local = in + 10;
    do {
        local -= 1;
        *out = local - total;
    } while (last_grade != 'A' && local > in);
}

static NOINLINE enum colour next_colour(enum colour colour)
{
    switch (colour) {
    case RED: return BLACK;
    case GREEN: return total > 100 ? RED : BLACK;
    case BLUE: return GREEN;
    default: return BLUE;
    }
}

static NOINLINE void fill(i32 *row, i32 (*square)[50], i32 x, i32 y)
{
    i32 at = x + 5;
    row[at] = y;
    row[at + 1] = row[at];
    row[at + 30 < 50 ? at + 30 : 49] = at;
    for (i32 i = at; i <= at + 1; i++)
        square[at][i] = at;
    square[at][at - 1] += 1;
    square[at + 20 < 50 ? at + 20 : 49][at] = row[at];
    total = (total + 5) % 1000;
}

static NOINLINE void update(struct record *record)
{
    struct record copy = *record->partner;
    copy.amount = record->amount + 5;
    copy.partner = record;
    if (copy.colour == RED) {
        copy.limit = 6;
        adjust(record->limit, &copy.limit);
        copy.colour = next_colour(record->colour);
    } else {
        copy.grade = (u8)(record->grade % 26 + 'A');
    }
    struct record *partner = record->partner;
    struct record *keep = partner->partner;
    *partner = copy;
    partner->partner = keep;
}

static u64 work(void)
{
    static const char *const names[] = {"FIRST RECORD, A LONG NAME", "SECOND RECORD, LONG NAME", "THIRD RECORD, A LONG NAME"};
    total = 0;
    memset(table, 0, sizeof table);
    memset(grid, 0, sizeof grid);
    for (u32 i = 0; i < COUNT(records); i++) {
        records[i] = (struct record){.partner = &records[(i * 5 + 1) % COUNT(records)], .colour = i % 4, .amount = (i32)i};
        copy_text(records[i].name, names[i % 3]);
    }
    for (u32 i = 0; i < 20000; i++) {
        struct record *record = &records[i % COUNT(records)];
        last_grade = (u8)('A' + (i & 1));
        update(record);
        if (same_text(record->name, record->partner->name))
            record->amount++;
        else if ((i & 31) == 0)
            copy_text(record->name, names[i % 3]);
        fill(table, grid, (i32)(i % 20), (i32)(i & 0xff));
        record->limit += record->amount / (i32)(1 + (i & 7));
    }
    u64 sum = (u64)(i64)total;
    for (u32 i = 0; i < COUNT(records); i++) {
        sum = mix(sum, (u64)(i64)records[i].amount + records[i].colour);
        sum = mix(sum, (u64)(i64)records[i].limit ^ (u8)records[i].name[0]);
    }
    for (u32 i = 0; i < 50; i++)
        sum = mix(sum, (u64)(i64)(table[i] + grid[i][49 - i] + grid[i][i]));
    return sum;
}

PROGRAM("records", 1000, 0x50246eb76433cfa6);
