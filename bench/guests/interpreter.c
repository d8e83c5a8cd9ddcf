/* A stack machine in a big switch. Its programs: a sieve of primes, collatz chains, and greatest common divisors. */

#include "bench.h"

enum operation {
    HALT, PUSH, GET, SET, LOAD, STORE, ADD, SUB, MUL, DIV, MOD, AND, OR, XOR, SHL, SHR, LESS, EQUAL, NOT, JUMP, JUMP_IF_ZERO,
    DUP, DROP, SWAP, CALL, RETURN, INCREMENT, EMIT,
};

static i64 memory[4096], variables[16];

static NOINLINE u64 interpret(const i16 *code, u32 at)
{
    i64 stack[64], *top = stack;
    u32 returns[64], depth = 0;
    u64 output = 0;
    for (;;) {
        i16 operation = code[at++];
        switch (operation) {
        case HALT: return output;
        case PUSH: *++top = code[at++]; break;
        case GET: *++top = variables[code[at++]]; break;
        case SET: variables[code[at++]] = *top--; break;
        case LOAD: *top = memory[*top & 4095]; break;
        case STORE: memory[top[0] & 4095] = top[-1], top -= 2; break;
        case ADD: top[-1] += top[0], top--; break;
        case SUB: top[-1] -= top[0], top--; break;
        case MUL: top[-1] *= top[0], top--; break;
        case DIV: top[-1] = top[0] != 0 ? top[-1] / top[0] : 0, top--; break;
        case MOD: top[-1] = top[0] != 0 ? top[-1] % top[0] : 0, top--; break;
        case AND: top[-1] &= top[0], top--; break;
        case OR: top[-1] |= top[0], top--; break;
        case XOR: top[-1] ^= top[0], top--; break;
        case SHL: top[-1] = (i64)((u64)top[-1] << (top[0] & 63)), top--; break;
        case SHR: top[-1] >>= top[0] & 63, top--; break;
        case LESS: top[-1] = top[-1] < top[0], top--; break;
        case EQUAL: top[-1] = top[-1] == top[0], top--; break;
        case NOT: *top = !*top; break;
        case JUMP: at = (u32)code[at]; break;
        case JUMP_IF_ZERO: at = *top-- == 0 ? (u32)code[at] : at + 1; break;
        case DUP: top[1] = top[0], top++; break;
        case DROP: top--; break;
        case SWAP: { i64 other = top[0]; top[0] = top[-1], top[-1] = other; break; }
        case CALL: returns[depth++] = at + 1, at = (u32)code[at]; break;
        case RETURN: at = returns[--depth]; break;
        case INCREMENT: variables[code[at++]]++; break;
        case EMIT: output = mix(output, (u64)*top--); break;
        default: return 0;
        }
    }
}

static const i16 sieve[] = {
    /*  0 */ PUSH, 2, SET, 0,
    /*  4 */ GET, 0, PUSH, 2000, LESS, JUMP_IF_ZERO, 52,
    /* 11 */ GET, 0, LOAD, NOT, JUMP_IF_ZERO, 48,
    /* 17 */ GET, 0, EMIT, GET, 0, GET, 0, ADD, SET, 1,
    /* 27 */ GET, 1, PUSH, 2000, LESS, JUMP_IF_ZERO, 48,
    /* 34 */ PUSH, 1, GET, 1, STORE, GET, 1, GET, 0, ADD, SET, 1, JUMP, 27,
    /* 48 */ INCREMENT, 0, JUMP, 4,
    /* 52 */ HALT,
};

static const i16 collatz[] = {
    /*  0 */ PUSH, 1, SET, 0,
    /*  4 */ GET, 0, PUSH, 300, LESS, JUMP_IF_ZERO, 54,
    /* 11 */ PUSH, 0, SET, 2, GET, 0, SET, 1,
    /* 19 */ GET, 1, PUSH, 1, EQUAL, NOT, JUMP_IF_ZERO, 47,
    /* 27 */ INCREMENT, 2, GET, 1, DUP, PUSH, 1, AND, JUMP_IF_ZERO, 41,
    /* 37 */ CALL, 55, JUMP, 43,
    /* 41 */ CALL, 61,
    /* 43 */ SET, 1, JUMP, 19,
    /* 47 */ GET, 2, EMIT, INCREMENT, 0, JUMP, 4,
    /* 54 */ HALT,
    /* 55 */ PUSH, 3, MUL, CALL, 65, RETURN,
    /* 61 */ PUSH, 1, SHR, RETURN,
    /* 65 */ PUSH, 1, ADD, RETURN,
};

static const i16 divisors[] = {
    /*  0 */ PUSH, 1, SET, 0,
    /*  4 */ GET, 0, PUSH, 400, LESS, JUMP_IF_ZERO, 44,
    /* 11 */ GET, 0, PUSH, 360, MUL, SET, 1, PUSH, 9240, SET, 2,
    /* 22 */ GET, 2, JUMP_IF_ZERO, 37,
    /* 26 */ GET, 1, GET, 2, MOD, GET, 2, SET, 1, SET, 2,
    /* 37 */ GET, 2, NOT, JUMP_IF_ZERO, 22,
    /* 42 */ JUMP, 45,
    /* 44 */ HALT,
    /* 45 */ GET, 1, EMIT, INCREMENT, 0, JUMP, 4,
};

static u64 work(void)
{
    memset(memory, 0, sizeof memory);
    u64 sum = interpret(sieve, 0);
    sum = mix(sum, interpret(collatz, 0));
    return mix(sum, interpret(divisors, 0));
}

PROGRAM("interpreter", 450, 0xc973369131f3d71c);
