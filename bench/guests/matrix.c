/* Dense linear algebra in double precision: a product, and a system solved by elimination with pivoting. */

#include "bench.h"

enum { SIDE = 64 };

static double a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];

static NOINLINE void multiply(void)
{
    for (u32 i = 0; i < SIDE; i++)
        for (u32 j = 0; j < SIDE; j++) {
            double total = 0;
            for (u32 k = 0; k < SIDE; k++)
                total += a[i][k] * b[k][j];
            c[i][j] = total;
        }
}

static NOINLINE void solve(double (*m)[SIDE], double *right)
{
    for (u32 column = 0; column < SIDE; column++) {
        u32 pivot = column;
        for (u32 i = column + 1; i < SIDE; i++)
            if (__builtin_fabs(m[i][column]) > __builtin_fabs(m[pivot][column]))
                pivot = i;
        for (u32 j = 0; j < SIDE; j++) {
            double other = m[pivot][j];
            m[pivot][j] = m[column][j];
            m[column][j] = other;
        }
        double other = right[pivot];
        right[pivot] = right[column];
        right[column] = other;
        for (u32 i = column + 1; i < SIDE; i++) {
            double factor = m[i][column] / m[column][column];
            for (u32 j = column; j < SIDE; j++)
                m[i][j] -= factor * m[column][j];
            right[i] -= factor * right[column];
        }
    }
    for (u32 i = SIDE; i-- > 0;) {
        for (u32 j = i + 1; j < SIDE; j++)
            right[i] -= m[i][j] * right[j];
        right[i] /= m[i][i];
    }
}

static u64 bits_of(double value)
{
    u64 bits;
    __builtin_memcpy(&bits, &value, 8);
    return bits;
}

static u64 work(void)
{
    u64 seed = 314159, sum = 0;
    double right[SIDE];
    for (u32 i = 0; i < SIDE; i++) {
        for (u32 j = 0; j < SIDE; j++) {
            a[i][j] = (double)(i32)(next_random(&seed) >> 32) / 65536.0;
            b[i][j] = (double)(i32)(next_random(&seed) >> 40) * 0.0001 + (i == j);
        }
        right[i] = i;
    }
    multiply();
    for (u32 i = 0; i < SIDE; i++)
        sum = mix(sum, bits_of(c[i][i * 7 % SIDE]));
    solve(c, right);
    for (u32 i = 0; i < SIDE; i++)
        sum = mix(sum, bits_of(right[i]));
    return sum;
}

PROGRAM("matrix", 1200, 0x2518418a9473fa77);
