/* What every compute program of the benchmarks shares: types, a generator of test data, a checksum, and the record by
   which the platform finds the work. A program does the same work in every round, so one constant checks each of them
   and the number of rounds scales the run. */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed char i8;
typedef signed short i16;
typedef signed int i32;
typedef signed long i64;

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOINLINE __attribute__((noinline))

void *memcpy(void *to, const void *from, u64 count);
void *memmove(void *to, const void *from, u64 count);
void *memset(void *to, int value, u64 count);
int memcmp(const void *a, const void *b, u64 count);

struct program {
    const char *name;
    /* Rounds at scale 100. */
    u64 rounds;
    /* What a round returns, as a real processor computed it. */
    u64 checksum;
    u64 (*work)(void);
};

/* Defined once by each program, through PROGRAM. */
extern const struct program program;

#define PROGRAM(name_, rounds_, checksum_) \
    const struct program program = {name_, rounds_, checksum_, work}

/* Xorshift; the state is the caller's, so that each round can start from the same seed. */
static inline u64 next_random(u64 *state)
{
    u64 x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}

/* Folds a value into a checksum; order matters. */
static inline u64 mix(u64 sum, u64 value)
{
    sum = (sum ^ value) * 0x9e3779b97f4a7c15ul;
    return sum ^ (sum >> 29);
}

static inline u32 rotate_left32(u32 value, u32 count)
{
    return (value << count) | (value >> (-count & 31));
}

static inline u32 rotate_right32(u32 value, u32 count)
{
    return (value >> count) | (value << (-count & 31));
}
