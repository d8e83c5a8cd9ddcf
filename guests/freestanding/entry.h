/* What the freestanding C programs share: types, the exit syscall and self-checks.
   The kernel enters `_start` as if it had been called, so it can be plain C. */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed int i32;
typedef signed long i64;

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOINLINE __attribute__((noinline))

static inline __attribute__((noreturn)) void leave(i64 code)
{
    for (;;)
        __asm__ volatile("syscall" : : "a"(1L), "D"(code) : "rcx", "r11", "memory");
}

/* A function and the checksum it gave on a real processor. */
struct check {
    u64 (*run)(void);
    u64 expected;
};

/* Exit code 0, or the number of the first wrong check counted from 1. */
static inline __attribute__((noreturn)) void run_checks(const struct check *checks, u64 count)
{
    i64 wrong = 0;
    for (u64 i = 0; i < count; i++)
        if (checks[i].run() != checks[i].expected && wrong == 0)
            wrong = (i64)i + 1;
    leave(wrong);
}
