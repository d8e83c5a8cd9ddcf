/* Integer code as a compiler makes it: sorting, wide multiplication and hashing, string instructions, recursion,
   jump tables and indirect calls, division, bit tricks. */

#include "entry.h"

static u64 seed;

static u64 next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static NOINLINE u64 mix(u64 sum, u64 value)
{
    unsigned __int128 wide = (unsigned __int128)(sum ^ value) * 0x9e3779b97f4a7c15ul;
    return (u64)wide ^ (u64)(wide >> 64);
}

static i32 numbers[1000];

static NOINLINE void sort(i32 *first, i32 *last)
{
    if (last - first < 2)
        return;
    i32 pivot = first[(last - first) / 2];
    i32 *low = first, *high = last - 1;
    while (low <= high) {
        while (*low < pivot)
            low++;
        while (*high > pivot)
            high--;
        if (low <= high) {
            i32 swapped = *low;
            *low++ = *high;
            *high-- = swapped;
        }
    }
    sort(first, high + 1);
    sort(low, last);
}

static u64 sorting(void)
{
    u64 sum = 0;
    seed = 12345;
    for (u64 i = 0; i < COUNT(numbers); i++)
        numbers[i] = (i32)next();
    sort(numbers, numbers + COUNT(numbers));
    for (u64 i = 0; i < COUNT(numbers); i++) {
        if (i > 0 && numbers[i - 1] > numbers[i])
            return 0;
        sum = mix(sum, (u64)numbers[i]);
    }
    return sum;
}

static u64 hashing(void)
{
    u64 sum = 1, carries = 0;
    seed = 99;
    for (int i = 0; i < 500; i++) {
        u64 a = next(), b = next(), low;
        sum = mix(sum, a);
        carries += __builtin_add_overflow(a, b, &low);
        carries += __builtin_mul_overflow((i64)a >> 30, (i64)b >> 30, (i64 *)&low);
        i64 high = (i64)(((__int128)(i64)a * (i64)b) >> 64);
        sum = mix(sum, (u64)high);
        sum = (sum << (a & 63)) | (sum >> (-a & 63));
    }
    return sum + carries;
}

static u8 text[600], copy[600];

static u64 strings(void)
{
    u64 sum = 0;
    void *to = text, *from;
    u64 count = 300;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(0x41) : "memory");
    count = 16;
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(count) : "a"(0x1122334455667788ul) : "memory");
    text[250] = 'z';

    to = copy, from = text, count = 75;
    __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
    count = 128;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
    for (u64 i = 0; i < 428; i++)
        if (text[i] != copy[i])
            return 0;

    /* Overlapping and backwards: everything moves up by 5. */
    to = copy + 104, from = copy + 99, count = 100;
    __asm__ volatile("std; rep movsb; cld" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
    sum = mix(sum, (u64)((u8 *)to - copy));

    to = text, count = 600;
    __asm__ volatile("repne scasb" : "+D"(to), "+c"(count) : "a"('z') : "cc", "memory");
    sum = mix(sum, (u64)((u8 *)to - text) * 1000 + count);

    to = copy, from = text, count = 600;
    copy[123] = 'q';
    u8 below;
    __asm__ volatile("repe cmpsb; setb %3" : "+D"(to), "+S"(from), "+c"(count), "=q"(below) : : "cc", "memory");
    sum = mix(sum, count * 2 + below);

    count = 0, to = text, from = copy;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
    for (u64 i = 0; i < 600; i++)
        sum = mix(sum, text[i] * 256ul + copy[i]);
    return sum + (to == text);
}

static NOINLINE u64 ackermann(u64 m, u64 n)
{
    if (m == 0)
        return n + 1;
    return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

static NOINLINE u32 fibonacci(u32 n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static u64 recursion(void)
{
    return ackermann(2, 9) * 1000000 + fibonacci(18);
}

static NOINLINE u64 step(u64 opcode, u64 a, u64 b)
{
    switch (opcode) {
    case 0: return a + b;
    case 1: return a - b * 3;
    case 2: return a ^ (b >> 3);
    case 3: return (u32)a * (u32)b;
    case 4: return b ? a / b : 1;
    case 5: return (u64)((i64)a % ((i64)(b & 0xffff) + 3));
    case 6: return a << (b & 31);
    case 7: return (u64)((i64)a >> (b & 63));
    case 8: return (u64)(i64)(i32)(a * 5);
    case 9: return (u64)(i64)(signed char)(a + b);
    case 10: return (u16)(a * b);
    default: return ~a;
    }
}

static u64 jump_table(void)
{
    u64 sum = 7;
    seed = 4242;
    for (int i = 0; i < 2000; i++) {
        u64 word = next();
        sum = mix(sum + word, step(word % 13, sum, word >> 5));
    }
    return sum;
}

static NOINLINE u64 twice(u64 value) { return value * 2; }
static NOINLINE u64 inverted(u64 value) { return ~value; }
static NOINLINE u64 swapped(u64 value) { return __builtin_bswap64(value); }
static NOINLINE u64 bits(u64 value) { return value ? (u64)(__builtin_ctzl(value) * 64 + __builtin_clzl(value)) : 99; }

static u64 (*const calls[])(u64) = {twice, inverted, swapped, bits};

static u64 indirect_calls(void)
{
    u64 sum = 3;
    seed = 777;
    for (int i = 0; i < 1000; i++)
        sum = mix(sum + next(), calls[next() % COUNT(calls)](sum));
    return sum;
}

static u64 bytes_and_words(void)
{
    u8 byte = 250;
    u16 word = 65000;
    u32 dword = 4000000000u;
    u64 sum = 0;
    for (int i = 0; i < 700; i++) {
        byte = (u8)(byte * 3 + (word >> 4));
        word = (u16)(word - byte * 7);
        dword = (dword >> 3 | dword << 29) + word;
        i64 wide = (signed char)byte + (i64)(short)word;
        sum = mix(sum, dword + (u64)wide);
        if ((signed char)byte < -5 && word > 100)
            sum ^= 0x55;
    }
    return sum;
}

/* What compilers emit only rarely. */
static u64 seldom(void)
{
    u64 sum = 0, a = 0x0123456789abcdef, b = 0xfedcba9876543210, flags;
    __asm__ volatile("add %1, %0; adc %1, %0; sbb $7, %0" : "+r"(a) : "r"(b) : "cc");
    sum = mix(0, a);
    __asm__ volatile("shld $13, %1, %0" : "+r"(a) : "r"(b) : "cc");
    __asm__ volatile("shrd %%cl, %1, %0" : "+r"(b) : "r"(a), "c"(29) : "cc");
    sum = mix(sum, a ^ b);
    __asm__ volatile("stc; rcl $5, %0; rcr $3, %1" : "+r"(a), "+r"(b) : : "cc");
    sum = mix(sum, a ^ b);
    __asm__ volatile("xchg %0, %1; bt $17, %0; setc %b0; bts $33, %1; btr $2, %1; btc $60, %1"
                     : "+r"(a), "+r"(b) : : "cc");
    sum = mix(sum, a + b);
    __asm__ volatile("cmp %1, %0; cmovb %1, %0; cmovg %0, %1" : "+r"(a), "+r"(b) : : "cc");
    sum = mix(sum, a + b);
    u64 old = a;
    __asm__ volatile("lock cmpxchg %2, %0" : "+m"(sum), "+a"(old) : "r"(b) : "cc");
    __asm__ volatile("lock xadd %1, %0" : "+m"(sum), "+r"(b) : : "cc");
    sum = mix(sum, old + b);
    /* CF, ZF, SF and OF of a subtraction; AF and PF with them. */
    __asm__ volatile("sub %2, %1; pushfq; pop %0" : "=r"(flags), "+r"(a) : "r"(b) : "cc");
    sum = mix(sum, flags & 0x8d5);
    __asm__ volatile("enter $32, $0; mov %0, -8(%%rbp); mov -8(%%rbp), %0; leave" : "+a"(sum) : : "memory");
    u64 count = 10;
    __asm__ volatile("1: rol $7, %0; loop 1b" : "+r"(sum), "+c"(count) : : "cc");
    return sum;
}

static const struct check checks[] = {
    {sorting, 0x7a90e74739f6352cul},
    {hashing, 0xb52aaa5cc0c850c4ul},
    {strings, 0x132395686628a3aeul},
    {recursion, 0x0000000001407958ul},
    {jump_table, 0x02f443a866eec586ul},
    {indirect_calls, 0x8f881121999f1a69ul},
    {bytes_and_words, 0x4728195ecc09d0d0ul},
    {seldom, 0x3da86c429917a5b3ul},
};

__attribute__((noreturn)) void _start(void)
{
    run_checks(checks, COUNT(checks));
}
