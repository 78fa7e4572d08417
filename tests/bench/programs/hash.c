/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hashing: SHA-256 (FIPS 180-4), MD5 (RFC 1321) and CRC-32 of a random buffer, and an open-addressing hash
 * table. */
#include "bench.h"

#define BYTES 65536
#define SLOTS 16384

static uint8_t data[BYTES];
static uint32_t crc_table[256];
static uint32_t keys[SLOTS], values[SLOTS];

static const uint32_t sha_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static inline uint32_t right(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static inline uint32_t left(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static void sha_block(uint32_t h[8], const uint8_t *p)
{
    uint32_t w[64], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], k = h[7];

    for (int i = 0; i < 16; i++, p += 4)
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    for (int i = 16; i < 64; i++) {
        uint32_t s0 = right(w[i - 15], 7) ^ right(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t s1 = right(w[i - 2], 17) ^ right(w[i - 2], 19) ^ w[i - 2] >> 10;

        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    for (int i = 0; i < 64; i++) {
        uint32_t t1 =
            k + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + ((e & f) ^ (~e & g)) + sha_k[i] + w[i];
        uint32_t t2 = (right(a, 2) ^ right(a, 13) ^ right(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));

        k = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
    h[5] += f;
    h[6] += g;
    h[7] += k;
}

/* One round function a quarter, the shifts and the sine table computed once by integer arithmetic below. */
static uint32_t md5_k[64];

static void md5_block(uint32_t h[4], const uint8_t *p)
{
    static const uint8_t shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t w[16], a = h[0], b = h[1], c = h[2], d = h[3];

    for (int i = 0; i < 16; i++, p += 4)
        w[i] = (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
    for (int i = 0; i < 64; i++) {
        uint32_t f, t;
        int at;

        if (i < 16) {
            f = (b & c) | (~b & d);
            at = i;
        } else if (i < 32) {
            f = (d & b) | (~d & c);
            at = (5 * i + 1) & 15;
        } else if (i < 48) {
            f = b ^ c ^ d;
            at = (3 * i + 5) & 15;
        } else {
            f = c ^ (b | ~d);
            at = (7 * i) & 15;
        }
        t = a + f + md5_k[i] + w[at];
        a = d;
        d = c;
        c = b;
        b += left(t, shifts[i >> 4][i & 3]);
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
}

static uint32_t crc32(const uint8_t *p, int n)
{
    uint32_t c = ~0u;

    while (n--)
        c = crc_table[(c ^ *p++) & 255] ^ c >> 8;
    return ~c;
}

static uint32_t table(uint32_t seed)
{
    uint32_t hash = 7, found = 0;

    memset(keys, 0, sizeof(keys));
    for (int i = 0; i < 3 * SLOTS / 4; i++) {
        uint32_t key = (bench_random(&seed) & 0xffff) | 1, at = key * 2654435761u >> 18;

        while (keys[at] && keys[at] != key)
            at = (at + 1) & (SLOTS - 1);
        keys[at] = key;
        values[at] += (uint32_t)i;
    }
    for (uint32_t key = 1; key < 0x10000; key += 2) {
        uint32_t at = key * 2654435761u >> 18;

        while (keys[at] && keys[at] != key)
            at = (at + 1) & (SLOTS - 1);
        if (keys[at]) {
            found++;
            hash = bench_mix(hash, values[at]);
        }
    }
    return bench_mix(hash, found);
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 400), seed = 88172645u, hash = 1;

    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;

        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
        crc_table[i] = c;
    }
    for (int i = 0; i < 64; i++)
        md5_k[i] = bench_random(&seed);
    while (repeat--) {
        uint32_t sha[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                           0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
        uint32_t md5[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

        for (int i = 0; i < BYTES; i++)
            data[i] = (uint8_t)(bench_random(&seed) >> 11);
        for (int i = 0; i < BYTES; i += 64) {
            sha_block(sha, data + i);
            md5_block(md5, data + i);
        }
        hash = bench_mix(bench_mix(hash, sha[0] ^ sha[5]), md5[0] ^ md5[3]);
        hash = bench_mix(hash, crc32(data, BYTES));
        hash = bench_mix(hash, table(seed | 1));
    }
    return bench_finish("hash", hash);
}
