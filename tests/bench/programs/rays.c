/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single precision: a small ray tracer with spheres, a floor, shadows and mirrors. */
#include "bench.h"

#define WIDTH   64
#define HEIGHT  48
#define SPHERES 6
#define FAR     1e10f

struct vector {
    float x, y, z;
};

struct sphere {
    struct vector centre;
    float radius, shine;
    struct vector colour;
};

static struct sphere spheres[SPHERES];

static inline struct vector add(struct vector a, struct vector b)
{
    return (struct vector){a.x + b.x, a.y + b.y, a.z + b.z};
}

static inline struct vector scale(struct vector a, float f)
{
    return (struct vector){a.x * f, a.y * f, a.z * f};
}

static inline float dot(struct vector a, struct vector b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static inline struct vector unit(struct vector a)
{
    return scale(a, 1.0f / __builtin_sqrtf(dot(a, a)));
}

static float hit(const struct sphere *s, struct vector from, struct vector direction)
{
    struct vector to = add(s->centre, scale(from, -1));
    float along = dot(to, direction), rest = s->radius * s->radius - dot(to, to) + along * along, near;

    if (rest < 0)
        return FAR;
    rest = __builtin_sqrtf(rest);
    near = along - rest;
    if (near > 0.001f)
        return near;
    near = along + rest;
    return near > 0.001f ? near : FAR;
}

static struct vector trace(struct vector from, struct vector direction, int depth)
{
    static const struct vector light = {0.57735027f, 0.57735027f, -0.57735027f};
    struct vector at, normal, colour;
    float nearest = FAR, bright, shine = 0.25f;
    int which = -1;

    for (int i = 0; i < SPHERES; i++) {
        float t = hit(&spheres[i], from, direction);

        if (t < nearest) {
            nearest = t;
            which = i;
        }
    }
    if (direction.y < -0.001f) {
        float t = (-1 - from.y) / direction.y;

        if (t > 0.001f && t < nearest) {
            nearest = t;
            which = SPHERES;
        }
    }
    if (which < 0)
        return (struct vector){0.3f, 0.4f, 0.5f + 0.5f * direction.y};
    at = add(from, scale(direction, nearest));
    if (which == SPHERES) {
        int square = ((int)(at.x + 1000) + (int)(at.z + 1000)) & 1;

        normal = (struct vector){0, 1, 0};
        colour = square ? (struct vector){0.9f, 0.9f, 0.9f} : (struct vector){0.2f, 0.2f, 0.2f};
    } else {
        normal = scale(add(at, scale(spheres[which].centre, -1)), 1 / spheres[which].radius);
        colour = spheres[which].colour;
        shine = spheres[which].shine;
    }
    bright = dot(normal, light);
    if (bright < 0)
        bright = 0;
    for (int i = 0; i < SPHERES && bright > 0; i++) {
        if (hit(&spheres[i], at, light) < FAR)
            bright = 0;
    }
    colour = scale(colour, 0.2f + 0.8f * bright);
    if (depth > 0) {
        struct vector mirrored = add(direction, scale(normal, -2 * dot(direction, normal)));

        colour = add(scale(colour, 1 - shine), scale(trace(at, unit(mirrored), depth - 1), shine));
    }
    return colour;
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 80), seed = 161803398u, hash = 1;

    for (int i = 0; i < SPHERES; i++) {
        spheres[i].centre = (struct vector){(float)(int32_t)bench_random(&seed) / 1073741824.0f,
                                            (float)(bench_random(&seed) & 0xffff) / 65536.0f - 0.4f,
                                            2 + (float)(bench_random(&seed) & 0xffff) / 16384.0f};
        spheres[i].radius = 0.3f + (float)(bench_random(&seed) & 0xff) / 512.0f;
        spheres[i].shine = (float)(bench_random(&seed) & 0xff) / 400.0f;
        spheres[i].colour = (struct vector){(float)(bench_random(&seed) & 0xff) / 255.0f,
                                            (float)(bench_random(&seed) & 0xff) / 255.0f,
                                            (float)(bench_random(&seed) & 0xff) / 255.0f};
    }
    for (uint32_t i = 0; i < repeat; i++) {
        struct vector eye = {0.1f * (float)i, 0.5f, -2};

        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                struct vector to = {((float)x - WIDTH / 2) / WIDTH, (HEIGHT / 2 - (float)y) / WIDTH, 1};
                struct vector c = trace(eye, unit(to), 3);

                hash = bench_mix_float(bench_mix_float(hash, c.x), c.y + c.z);
            }
        }
    }
    return bench_finish("rays", hash);
}
