/* SPDX-License-Identifier: GPL-3.0-or-later */
/* N bodies under gravity, double precision, with the processor's square root. */
#include "bench.h"

#define BODIES 8

struct body {
    double x[3], v[3], mass;
};

static struct body bodies[BODIES];

static double unit(uint32_t *seed)
{
    return (double)(int32_t)bench_random(seed) / 2147483648.0;
}

static void advance(double dt)
{
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];

        for (int j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            double dx = a->x[0] - b->x[0], dy = a->x[1] - b->x[1], dz = a->x[2] - b->x[2];
            double square = dx * dx + dy * dy + dz * dz + 0.01;
            double pull = dt / (square * __builtin_sqrt(square));

            a->v[0] -= dx * b->mass * pull;
            a->v[1] -= dy * b->mass * pull;
            a->v[2] -= dz * b->mass * pull;
            b->v[0] += dx * a->mass * pull;
            b->v[1] += dy * a->mass * pull;
            b->v[2] += dz * a->mass * pull;
        }
    }
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++)
            bodies[i].x[k] += dt * bodies[i].v[k];
    }
}

static double energy(void)
{
    double e = 0;

    for (int i = 0; i < BODIES; i++) {
        const struct body *a = &bodies[i];

        e += 0.5 * a->mass * (a->v[0] * a->v[0] + a->v[1] * a->v[1] + a->v[2] * a->v[2]);
        for (int j = i + 1; j < BODIES; j++) {
            const struct body *b = &bodies[j];
            double dx = a->x[0] - b->x[0], dy = a->x[1] - b->x[1], dz = a->x[2] - b->x[2];

            e -= a->mass * b->mass / __builtin_sqrt(dx * dx + dy * dy + dz * dz + 0.01);
        }
    }
    return e;
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 450), seed = 299792458u, hash = 1;

    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++) {
            bodies[i].x[k] = 10 * unit(&seed);
            bodies[i].v[k] = unit(&seed);
        }
        bodies[i].mass = 1.5 + unit(&seed);
    }
    while (repeat--) {
        for (int i = 0; i < 250; i++)
            advance(0.005);
        hash = bench_mix_double(hash, energy());
    }
    return bench_finish("nbody", hash);
}
