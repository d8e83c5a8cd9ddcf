/* Matrices of 32-bit integers: product, transposition, and exact determinants modulo a prime. */

#include "bench.h"

enum { SIDE = 40, PRIME = 1000003 };

static u32 a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];
static u32 m[SIDE][SIDE];

static NOINLINE void multiply(void)
{
    for (u32 i = 0; i < SIDE; i++)
        for (u32 j = 0; j < SIDE; j++) {
            u32 total = 0;
            for (u32 k = 0; k < SIDE; k++)
                total += a[i][k] * b[k][j];
            c[i][j] = total;
        }
}

static NOINLINE void transpose(u32 (*x)[SIDE])
{
    for (u32 i = 0; i < SIDE; i++)
        for (u32 j = 0; j < i; j++) {
            u32 other = x[i][j];
            x[i][j] = x[j][i];
            x[j][i] = other;
        }
}

static u32 inverse(u32 value)
{
    u64 result = 1, base = value;
    for (u32 exponent = PRIME - 2; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result = result * base % PRIME;
        base = base * base % PRIME;
    }
    return (u32)result;
}

static NOINLINE u32 determinant(void)
{
    u64 result = 1;
    for (u32 column = 0; column < SIDE; column++) {
        u32 pivot = column;
        while (pivot < SIDE && m[pivot][column] == 0)
            pivot++;
        if (pivot == SIDE)
            return 0;
        for (u32 j = 0; pivot != column && j < SIDE; j++) {
            u32 other = m[pivot][j];
            m[pivot][j] = m[column][j];
            m[column][j] = other;
        }
        result = result * m[column][column] % PRIME * (pivot == column ? 1 : PRIME - 1) % PRIME;
        u64 scale = inverse(m[column][column]);
        for (u32 i = column + 1; i < SIDE; i++) {
            u64 factor = m[i][column] * scale % PRIME;
            for (u32 j = column; factor != 0 && j < SIDE; j++)
                m[i][j] = (u32)((m[i][j] + (PRIME - factor) * m[column][j]) % PRIME);
        }
    }
    return (u32)result;
}

static u64 work(void)
{
    u64 seed = 1337, sum = 0;
    for (u32 i = 0; i < SIDE; i++)
        for (u32 j = 0; j < SIDE; j++) {
            a[i][j] = (u32)(next_random(&seed) >> 40);
            b[i][j] = (u32)(next_random(&seed) >> 52);
        }
    for (u32 pass = 0; pass < 6; pass++) {
        multiply();
        transpose(c);
        for (u32 i = 0; i < SIDE; i++) {
            sum = mix(sum, c[i][(i + pass) % SIDE]);
            for (u32 j = 0; j < SIDE; j++) {
                m[i][j] = c[i][j] % PRIME;
                a[i][j] = c[i][j] >> 8;
            }
        }
        if (pass % 2 == 0)
            sum = mix(sum, determinant());
    }
    return sum;
}

PROGRAM("matrix-int", 1000, 0x553df2d578508b74);
