/* Bodies under gravity in double precision: square roots, divisions, and long chains of dependent operations. */

#include "bench.h"

struct body {
    double x[3], v[3], mass;
};

enum { BODIES = 6 };

static struct body bodies[BODIES];

static NOINLINE void advance(double dt)
{
    for (u32 i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        for (u32 j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            double dx = a->x[0] - b->x[0], dy = a->x[1] - b->x[1], dz = a->x[2] - b->x[2];
            double squared = dx * dx + dy * dy + dz * dz + 0.01;
            double pull = dt / (squared * __builtin_sqrt(squared));
            a->v[0] -= dx * b->mass * pull;
            a->v[1] -= dy * b->mass * pull;
            a->v[2] -= dz * b->mass * pull;
            b->v[0] += dx * a->mass * pull;
            b->v[1] += dy * a->mass * pull;
            b->v[2] += dz * a->mass * pull;
        }
    }
    for (u32 i = 0; i < BODIES; i++)
        for (u32 k = 0; k < 3; k++)
            bodies[i].x[k] += dt * bodies[i].v[k];
}

static NOINLINE double energy(void)
{
    double total = 0;
    for (u32 i = 0; i < BODIES; i++) {
        const struct body *a = &bodies[i];
        total += a->mass * (a->v[0] * a->v[0] + a->v[1] * a->v[1] + a->v[2] * a->v[2]) / 2;
        for (u32 j = i + 1; j < BODIES; j++) {
            double squared = 0.01;
            for (u32 k = 0; k < 3; k++) {
                double d = a->x[k] - bodies[j].x[k];
                squared += d * d;
            }
            total -= a->mass * bodies[j].mass / __builtin_sqrt(squared);
        }
    }
    return total;
}

static u64 work(void)
{
    u64 seed = 299792458, sum = 0, bits;
    for (u32 i = 0; i < BODIES; i++) {
        for (u32 k = 0; k < 3; k++) {
            bodies[i].x[k] = (double)(i32)next_random(&seed) / 1e9;
            bodies[i].v[k] = (double)(i32)next_random(&seed) / 1e10;
        }
        bodies[i].mass = 0.1 + 0.05 * i;
    }
    for (u32 i = 0; i < 2000; i++) {
        advance(0.001);
        if (i % 100 == 0) {
            double value = energy();
            __builtin_memcpy(&bits, &value, 8);
            sum = mix(sum, bits);
        }
    }
    return sum;
}

PROGRAM("nbody", 1200, 0x879538eee4d91bcc);
