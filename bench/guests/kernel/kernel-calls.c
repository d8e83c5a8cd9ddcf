/* Makes one kind of kernel call many times, with submissions written by hand: what is measured is the kernel, not a
   client library. Which kind and how often is written into a copy of the file (`request`). Exit code 0 when every
   completion was as expected; otherwise the number of the check that failed.

   Capabilities, in this order: 0 console, 1 virtualMemory, 2 processSpawner. A spawned server has 0 endpoint. */

#include "../bench.h"

enum kind { NOTHING, ENTER, NOP, NOP_BATCH, CONSOLE, PROTECT, ROUND_TRIP, SPAWN, REWRITE, SERVE };

struct {
    char mark[12];
    volatile u32 kind, count, spawn_bytes;
    /* Parameters of ProcessSpawner.spawn. */
    volatile u8 spawn[512];
} request __attribute__((section(".data.request"), aligned(16))) = {.mark = "CAPJITCALLS"};

struct submission {
    u8 opcode, flags;
    u16 method;
    u32 cap;
    u64 user_data, address;
    u32 length, result_length;
    u64 result_address, pipeline_dep;
    u16 pipeline_field, transfers;
    u32 call_id;
    u64 disclosure;
};

struct completion {
    u64 user_data;
    i32 result;
    u16 flags, caps;
    u64 badge;
    u32 call_id, reserved;
};

struct ring {
    u32 sq_head, sq_tail, sq_mask, sq_entries, sq_flags, cq_head, cq_tail;
    u8 to_submissions[100];
    struct submission submissions[16];
    struct completion completions[32];
};

_Static_assert(sizeof(struct submission) == 64 && sizeof(struct completion) == 32, "ring layout");
_Static_assert(__builtin_offsetof(struct ring, submissions) == 128, "ring layout");
_Static_assert(__builtin_offsetof(struct ring, completions) == 1152, "ring layout");

enum { OP_CALL = 0, OP_RETURN = 1, OP_RECV = 2, OP_RELEASE = 3, OP_NOP = 5 };
enum { SYS_EXIT = 1, SYS_CAP_ENTER = 2 };
enum { CAP_CONSOLE, CAP_MEMORY, CAP_SPAWNER, CAP_SERVED = 0 };
enum { PAGE = 4096, READ = 1, WRITE = 2, EXECUTE = 4 };

static volatile struct ring *const ring = (struct ring *)0x1200000;

static i64 syscall(i64 number, i64 a, i64 b)
{
    __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b) : "rcx", "r11", "memory");
    return number;
}

__attribute__((noreturn)) static void leave(i64 code)
{
    for (;;)
        syscall(SYS_EXIT, code, 0);
}

static void require(int condition, i64 code)
{
    if (!condition)
        leave(code);
}

static void submit(const struct submission *entry)
{
    u32 tail = ring->sq_tail;
    ring->submissions[tail & 15] = *entry;
    ring->sq_tail = tail + 1;
}

/* Enters the kernel until a completion is there, and takes it. */
static struct completion take(void)
{
    while (ring->cq_head == ring->cq_tail)
        require(syscall(SYS_CAP_ENTER, 1, -1) >= 0, 100);
    u32 head = ring->cq_head;
    struct completion done = ring->completions[head & 31];
    ring->cq_head = head + 1;
    return done;
}

static struct completion run(struct submission entry)
{
    submit(&entry);
    return take();
}

static u8 buffer[1024] __attribute__((aligned(16)));

static struct completion call(u32 cap, u16 method, const volatile void *params, u32 length)
{
    return run((struct submission){
        .opcode = OP_CALL,
        .cap = cap,
        .method = method,
        .address = (u64)params,
        .length = length,
        .result_address = (u64)buffer,
        .result_length = sizeof buffer,
    });
}

/* One segment of a message; the root is a struct of `data` words and `pointers` pointers. */
#define SEGMENT(words) (u64)(words) << 32
#define ROOT(data, pointers) ((u64)(data) << 32 | (u64)(pointers) << 48)

static u64 map_page(void)
{
    u64 params[] = {SEGMENT(4), ROOT(3, 0), 0, PAGE, READ | WRITE};
    struct completion done = call(CAP_MEMORY, 0, params, sizeof params);
    require(done.result == 24, 10);
    return ((u64 *)buffer)[2];
}

static void protect(u64 page, u64 protection)
{
    u64 params[] = {SEGMENT(4), ROOT(3, 0), page, PAGE, protection};
    require(call(CAP_MEMORY, 2, params, sizeof params).result == 0, 11);
}

static void release(u32 cap)
{
    require(run((struct submission){.opcode = OP_RELEASE, .cap = cap}).result == 0, 12);
}

/* The capability of a record behind the result of the last call. */
static u32 result_cap(struct completion done, u32 index)
{
    u32 cap;
    require(index < done.caps, 13);
    memcpy(&cap, buffer + done.result + 16 * index, sizeof cap);
    return cap;
}

static struct completion spawn(void)
{
    struct completion done = call(CAP_SPAWNER, 0, request.spawn, request.spawn_bytes);
    require(done.result > 0, 14);
    return done;
}

static i64 wait_for(u32 handle)
{
    static const u64 no_params[] = {SEGMENT(1), 0};
    require(call(handle, 0, no_params, sizeof no_params).result > 0, 15);
    return ((i64 *)buffer)[2];
}

static void nops(u32 count)
{
    for (u32 i = 0; i < count; i++)
        submit(&(struct submission){.opcode = OP_NOP, .user_data = i});
    for (u32 i = 0; i < count; i++)
        require(take().result == 0, 16);
}

static void write_console(u32 count)
{
    u64 params[] = {SEGMENT(4), ROOT(0, 1), 1 | (u64)(2 | 16 << 3) << 32, 0x6c2061206f727034, 0x0a2e2e2e2e656e69};
    for (u32 i = 0; i < count; i++)
        require(call(CAP_CONSOLE, 0, params, sizeof params).result == 0, 17);
}

static void toggle_protection(u32 count)
{
    u64 page = map_page();
    for (u32 i = 0; i < count; i++)
        protect(page, i & 1 ? READ | WRITE : READ);
}

/* Code that returns a number, written again with another number each time. */
static void rewrite(u32 count)
{
    u64 page = map_page();
    volatile u8 *code = (u8 *)page;
    for (u32 i = 0; i < count; i++) {
        u32 number = i * 2654435761u;
        code[0] = 0xb8; /* mov eax, number; ret */
        memcpy((u8 *)code + 1, &number, sizeof number);
        code[5] = 0xc3;
        protect(page, READ | EXECUTE);
        require(((u32 (*)(void))page)() == number, 18);
        protect(page, READ | WRITE);
    }
}

/* Starts a server with an endpoint of its own, and calls it; method 1 ends it. */
static void round_trips(u32 count)
{
    u64 payload[2] = {0};
    struct completion done = spawn();
    u32 handle = result_cap(done, 0), endpoint = result_cap(done, 2);
    for (u32 i = 0; i <= count; i++) {
        payload[0] = i;
        done = call(endpoint, i == count, payload, sizeof payload);
        require(done.result == 8 && *(u64 *)buffer == i + 1ul, 19);
    }
    require(wait_for(handle) == 0, 20);
}

static void serve(void)
{
    u64 answer = 0;
    for (int last = 0; !last;) {
        struct completion got = run((struct submission){
            .opcode = OP_RECV,
            .cap = CAP_SERVED,
            .result_address = (u64)buffer,
            .result_length = sizeof buffer,
        });
        require(got.result == 56 + 16, 21);
        last = *(u16 *)(buffer + 8) == 1;
        answer = *(u64 *)(buffer + 56) + 1;
        struct completion done = run((struct submission){
            .opcode = OP_RETURN,
            .cap = CAP_SERVED,
            .address = (u64)&answer,
            .length = sizeof answer,
            .call_id = got.call_id,
        });
        require(done.result == 0, 22);
    }
}

static void spawn_many(u32 count)
{
    for (u32 i = 0; i < count; i++) {
        struct completion done = spawn();
        u32 handle = result_cap(done, 0), manager = result_cap(done, 1);
        require(wait_for(handle) == 0, 23);
        release(handle);
        release(manager);
    }
}

__attribute__((noreturn)) void _start(void)
{
    u32 count = request.count;
    switch ((enum kind)request.kind) {
    case NOTHING: break;
    case ENTER:
        for (u32 i = 0; i < count; i++)
            require(syscall(SYS_CAP_ENTER, 0, 0) == 0, 24);
        break;
    case NOP:
        for (u32 i = 0; i < count; i++)
            nops(1);
        break;
    case NOP_BATCH:
        for (u32 i = 0; i < count / 16; i++)
            nops(16);
        break;
    case CONSOLE: write_console(count); break;
    case PROTECT: toggle_protection(count); break;
    case ROUND_TRIP: round_trips(count); break;
    case SPAWN: spawn_many(count); break;
    case REWRITE: rewrite(count); break;
    case SERVE: serve(); break;
    default: leave(99);
    }
    leave(0);
}
