/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pointer chasing: a random ring of nodes, a binary search tree with searches and deletions. The nodes fit
 * into a host's first-level cache: what is measured is the code of a dependent load, not the host's memory.
 */
#include "bench.h"

#define NODES 1024

struct node {
    struct node *next, *left, *right;
    uint32_t key, value;
};

static struct node *nodes;

static void make_ring(uint32_t *seed)
{
    uint32_t *order = rt_alloc(NODES * sizeof(*order));

    for (uint32_t i = 0; i < NODES; i++)
        order[i] = i;
    for (uint32_t i = NODES - 1; i > 0; i--) {
        uint32_t j = bench_random(seed) % (i + 1), t = order[i];

        order[i] = order[j];
        order[j] = t;
    }
    for (uint32_t i = 0; i < NODES; i++) {
        nodes[order[i]].next = &nodes[order[(i + 1) % NODES]];
        nodes[order[i]].key = bench_random(seed);
        nodes[order[i]].value = i;
    }
}

static struct node *insert(struct node *root, struct node *n)
{
    struct node **link = &root;

    n->left = n->right = NULL;
    while (*link)
        link = n->key < (*link)->key ? &(*link)->left : &(*link)->right;
    *link = n;
    return root;
}

static struct node *remove_smallest(struct node *root, struct node **gone)
{
    struct node **link = &root;

    while ((*link)->left)
        link = &(*link)->left;
    *gone = *link;
    *link = (*link)->right;
    return root;
}

int main(int argc, char **argv)
{
    uint32_t repeat = bench_repeat(argc, argv, 6000), seed = 362436069u, hash = 1;
    struct node *at;

    nodes = rt_alloc(NODES * sizeof(*nodes));
    make_ring(&seed);
    at = nodes;
    while (repeat--) {
        struct node *root = NULL, *gone;
        uint32_t sum = 0;

        for (int i = 0; i < 24 * NODES; i++) {
            sum += at->value ^ at->key;
            at = at->next;
        }
        hash = bench_mix(hash, sum);
        for (int i = 0; i < NODES / 2; i++, at = at->next)
            root = insert(root, at);
        for (int i = 0; i < NODES / 2; i++) {
            uint32_t key = bench_random(&seed);
            struct node *n = root;

            sum = 0;
            while (n) {
                sum += n->value;
                n = key < n->key ? n->left : n->right;
            }
            hash = bench_mix(hash, sum);
        }
        for (int i = 0; i < NODES / 4; i++) {
            root = remove_smallest(root, &gone);
            hash = bench_mix(hash, gone->value);
        }
        at = at->next->next;
    }
    return bench_finish("chase", hash);
}
