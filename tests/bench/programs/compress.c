/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compression: LZ77 with hash chains, canonical Huffman codes for literals, lengths and distances, and back
 * again. */
#include "bench.h"

#define BYTES     65536
#define HASH_BITS 12
#define WINDOW    8192
#define LEAST     4
#define MOST      66
#define TOKENS    (BYTES + 16)
/* 256 literals, 63 lengths (4..66), the end; distances by their number of bits. */
#define END          256
#define FIRST_LENGTH 257
#define SYMBOLS      (FIRST_LENGTH + MOST - LEAST + 1)
#define DISTANCES    16
#define LONGEST      15

static uint8_t input[BYTES], output[BYTES], packed[2 * BYTES];
static uint32_t tokens[TOKENS];
static int token_count;
static int32_t head[1 << HASH_BITS], previous[BYTES];

struct code {
    uint8_t length[SYMBOLS];
    uint16_t bits[SYMBOLS];
    int symbols;
    /* For decoding: symbols sorted by (length, symbol), how many there are of each length. */
    uint16_t sorted[SYMBOLS];
    uint16_t count[LONGEST + 1];
};

static struct code literal_code, distance_code;

struct bits {
    uint8_t *at;
    uint32_t word;
    int fill;
};

static void put_bits(struct bits *b, uint32_t value, int count)
{
    b->word = b->word << count | value;
    b->fill += count;
    while (b->fill >= 8) {
        b->fill -= 8;
        *b->at++ = (uint8_t)(b->word >> b->fill);
    }
}

static inline uint32_t get_bit(struct bits *b)
{
    if (b->fill == 0) {
        b->word = *b->at++;
        b->fill = 8;
    }
    b->fill--;
    return b->word >> b->fill & 1;
}

static uint32_t get_bits(struct bits *b, int count)
{
    uint32_t value = 0;

    while (count--)
        value = value << 1 | get_bit(b);
    return value;
}

static inline uint32_t hash4(const uint8_t *p)
{
    uint32_t word = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];

    return word * 2654435761u >> (32 - HASH_BITS);
}

/* A token is a literal, or length << 16 | distance with length >= LEAST. */
static void find_matches(void)
{
    int at = 0;

    token_count = 0;
    for (int i = 0; i < 1 << HASH_BITS; i++)
        head[i] = -1;
    while (at < BYTES) {
        int best = 0, best_at = 0, most = BYTES - at < MOST ? BYTES - at : MOST;

        if (most >= LEAST) {
            uint32_t h = hash4(input + at);
            int tries = 24;

            for (int old = head[h]; old >= 0 && at - old < WINDOW && tries--; old = previous[old]) {
                int n = 0;

                if (best && input[old + best - 1] != input[at + best - 1])
                    continue;
                while (n < most && input[old + n] == input[at + n])
                    n++;
                if (n > best) {
                    best = n;
                    best_at = old;
                    if (n == most)
                        break;
                }
            }
        }
        if (best < LEAST)
            best = 1;
        tokens[token_count++] = best == 1 ? input[at] : (uint32_t)best << 16 | (uint32_t)(at - best_at);
        for (; best; best--, at++) {
            if (BYTES - at >= LEAST) {
                uint32_t h = hash4(input + at);

                previous[at] = head[h];
                head[h] = at;
            }
        }
    }
}

static int bit_length(uint32_t value)
{
    int n = 0;

    while (value >> n)
        n++;
    return n;
}

/* Huffman lengths by repeatedly joining the two lightest trees; too long codes make the weights flatter. */
static void make_code(struct code *c, uint32_t *weight, int symbols)
{
    static uint32_t tree[2 * SYMBOLS];
    static int16_t parent[2 * SYMBOLS], queue[2 * SYMBOLS];
    int longest;

    c->symbols = symbols;
    do {
        int live = 0, next = symbols;

        for (int i = 0; i < symbols; i++) {
            tree[i] = weight[i];
            parent[i] = -1;
            if (weight[i])
                queue[live++] = (int16_t)i;
        }
        while (live > 1) {
            for (int k = 0; k < 2; k++) {
                int lightest = k;

                for (int i = k + 1; i < live; i++) {
                    if (tree[queue[i]] < tree[queue[lightest]])
                        lightest = i;
                }
                int16_t t = queue[k];

                queue[k] = queue[lightest];
                queue[lightest] = t;
            }
            tree[next] = tree[queue[0]] + tree[queue[1]];
            parent[next] = -1;
            parent[queue[0]] = parent[queue[1]] = (int16_t)next;
            queue[0] = (int16_t)next++;
            queue[1] = queue[--live];
        }
        longest = 0;
        for (int i = 0; i < symbols; i++) {
            int length = 0;

            if (weight[i]) {
                for (int p = parent[i]; p >= 0; p = parent[p])
                    length++;
                if (length == 0)
                    length = 1;
                weight[i] = weight[i] / 2 + 1;
            }
            c->length[i] = (uint8_t)length;
            if (length > longest)
                longest = length;
        }
    } while (longest > LONGEST);
}

static void number_code(struct code *c)
{
    uint32_t bits = 0;
    int n = 0;

    for (int length = 1; length <= LONGEST; length++) {
        c->count[length] = 0;
        for (int i = 0; i < c->symbols; i++) {
            if (c->length[i] == length) {
                c->bits[i] = (uint16_t)bits++;
                c->sorted[n++] = (uint16_t)i;
                c->count[length]++;
            }
        }
        bits <<= 1;
    }
}

static uint32_t decode(struct bits *b, const struct code *c)
{
    uint32_t bits = 0, first = 0, index = 0;

    for (int length = 1; length <= LONGEST; length++) {
        bits = bits << 1 | get_bit(b);
        if (bits - first < c->count[length])
            return c->sorted[index + bits - first];
        index += c->count[length];
        first = (first + c->count[length]) << 1;
    }
    rt_fail("bad code");
}

static int pack(void)
{
    uint32_t literal[SYMBOLS] = {0}, distance[DISTANCES] = {0};
    struct bits b = {packed, 0, 0};

    find_matches();
    for (int i = 0; i < token_count; i++) {
        if (tokens[i] < 256) {
            literal[tokens[i]]++;
        } else {
            literal[FIRST_LENGTH + (tokens[i] >> 16) - LEAST]++;
            distance[bit_length(tokens[i] & 0xffff)]++;
        }
    }
    literal[END] = 1;
    distance[0] = 1;
    make_code(&literal_code, literal, SYMBOLS);
    make_code(&distance_code, distance, DISTANCES);
    number_code(&literal_code);
    number_code(&distance_code);
    for (int i = 0; i < SYMBOLS; i++)
        put_bits(&b, literal_code.length[i], 4);
    for (int i = 0; i < DISTANCES; i++)
        put_bits(&b, distance_code.length[i], 4);
    for (int i = 0; i < token_count; i++) {
        uint32_t symbol = tokens[i] < 256 ? tokens[i] : FIRST_LENGTH + (tokens[i] >> 16) - LEAST;

        put_bits(&b, literal_code.bits[symbol], literal_code.length[symbol]);
        if (tokens[i] >= 256) {
            uint32_t d = tokens[i] & 0xffff;
            int bits = bit_length(d);

            put_bits(&b, distance_code.bits[bits], distance_code.length[bits]);
            put_bits(&b, d & ~(1u << (bits - 1)), bits - 1);
        }
    }
    put_bits(&b, literal_code.bits[END], literal_code.length[END]);
    put_bits(&b, 0, 7);
    return (int)(b.at - packed);
}

static void unpack(void)
{
    struct bits b = {packed, 0, 0};
    uint8_t *to = output;

    for (int i = 0; i < SYMBOLS; i++)
        literal_code.length[i] = (uint8_t)get_bits(&b, 4);
    for (int i = 0; i < DISTANCES; i++)
        distance_code.length[i] = (uint8_t)get_bits(&b, 4);
    number_code(&literal_code);
    number_code(&distance_code);
    for (;;) {
        uint32_t symbol = decode(&b, &literal_code);

        if (symbol == END)
            break;
        if (symbol < 256) {
            *to++ = (uint8_t)symbol;
        } else {
            uint32_t length = symbol - FIRST_LENGTH + LEAST, bits = decode(&b, &distance_code);
            uint32_t distance = 1u << (bits - 1) | get_bits(&b, (int)bits - 1);
            const uint8_t *from = to - distance;

            while (length--)
                *to++ = *from++;
        }
    }
    if (to != output + BYTES || memcmp(input, output, BYTES) != 0)
        rt_fail("what came back differs");
}

static void make_input(uint32_t *seed)
{
    char words[64][12];
    int at = 0;

    for (int i = 0; i < 64; i++) {
        int n = 3 + (int)(bench_random(seed) & 7);

        for (int k = 0; k < n; k++)
            words[i][k] = (char)('a' + (bench_random(seed) & bench_random(seed) & 15));
        words[i][n] = 0;
    }
    while (at < BYTES) {
        const char *word = words[bench_random(seed) & bench_random(seed) & 63];

        while (*word && at < BYTES)
            input[at++] = (uint8_t)*word++;
        if (at < BYTES)
            input[at++] = bench_random(seed) & 15 ? ' ' : (uint8_t)bench_random(seed);
    }
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 200), seed = 777777777u, hash = 1;

    while (repeat--) {
        int size;

        make_input(&seed);
        size = pack();
        hash = bench_mix(hash, (uint32_t)size);
        for (int i = 0; i < size; i += 97)
            hash = bench_mix(hash, packed[i]);
        unpack();
    }
    return bench_finish("compress", hash);
}
