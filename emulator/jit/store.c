/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of translations: see store.h. */
#include "emulator/jit/store.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAGIC   "Vitrcode"
#define VERSION 1
#define UNIT    16               /* records begin at multiples */
#define PROBES  64               /* entries of the index that are looked at */
#define MOST    ((uint64_t)1 << 30) /* bytes of a file */

struct header {
    char magic[8];
    uint32_t version, n_records;
    uint8_t key[CODE_STORE_KEY_BYTES];
    uint64_t size, index; /* of the file; where the index begins */
    uint32_t index_bits, zero;
    uint64_t spare[5];
    struct code_digest digest; /* of what stands before it */
};
_Static_assert(sizeof(struct header) == 128, "written as it is");

struct record {
    struct code_digest digest; /* of what follows, with the payload */
    uint64_t hash, identity;
    uint32_t size, zero; /* of the payload */
    uint64_t spare;
};
_Static_assert(sizeof(struct record) == 48, "written as it is");

struct entry {
    uint32_t tag, place; /* upper half of the hash; record / UNIT, 0: empty */
};

struct code_store {
    const uint8_t *base;
    uint64_t size, index;
    uint32_t index_bits, n_records;
};

/* ----------------------------------------------------------------------------------------------- digest */

static uint64_t word_at(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, 8);
    return v;
}

/* Multiplies to 128 bits and folds; the sum keeps what a factor of zero would lose. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 p = (unsigned __int128)(a | 1) * (b | 1);

    return ((uint64_t)p ^ (uint64_t)(p >> 64)) + a + (b << 32 | b >> 32);
}

struct code_digest code_digest(const void *data, size_t size, uint64_t seed)
{
    const uint8_t *p = data;
    uint64_t x = seed ^ UINT64_C(0x9e3779b97f4a7c15), y = size ^ UINT64_C(0xd1b54a32d192ed03);
    uint8_t last[16] = {0};

    for (; size >= 16; size -= 16, p += 16) {
        x = mix(x ^ word_at(p), UINT64_C(0xa0761d6478bd642f));
        y = mix(y ^ word_at(p + 8), UINT64_C(0xe7037ed1a0b428db)) + (x << 17 | x >> 47);
    }
    if (size) {
        memcpy(last, p, size);
        x = mix(x ^ word_at(last), UINT64_C(0xa0761d6478bd642f));
        y = mix(y ^ word_at(last + 8), UINT64_C(0xe7037ed1a0b428db)) + (x << 17 | x >> 47);
    }
    struct code_digest d = {{mix(x, y ^ UINT64_C(0x8ebc6af09c88c6e3)), mix(y, x ^ UINT64_C(0x589965cc75374cc3))}};
    return d;
}

static bool same_digest(struct code_digest a, struct code_digest b)
{
    return a.word[0] == b.word[0] && a.word[1] == b.word[1];
}

static struct code_digest record_digest(const struct record *r, const uint8_t *payload)
{
    struct code_digest head = code_digest((const uint8_t *)r + sizeof(r->digest), sizeof(*r) - sizeof(r->digest), 0);
    struct code_digest rest = code_digest(payload, r->size, head.word[0]);

    rest.word[1] ^= head.word[1];
    return rest;
}

static uint64_t up(uint64_t n)
{
    return (n + UNIT - 1) & ~(uint64_t)(UNIT - 1);
}

/* ---------------------------------------------------------------------------------------------- reading */

static struct code_store *refuse(GError **error, const char *why)
{
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "The file of translations is not used: %s.", why);
    return NULL;
}

struct code_store *code_store_open(int fd, const uint8_t key[CODE_STORE_KEY_BYTES], GError **error)
{
    struct header h;
    struct stat st;

    if (fstat(fd, &st) != 0 || pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h))
        return refuse(error, "it cannot be read");
    if (memcmp(h.magic, MAGIC, sizeof(h.magic)) != 0 || h.version != VERSION)
        return refuse(error, "it is of another kind");
    if (!same_digest(h.digest, code_digest(&h, offsetof(struct header, digest), 0)))
        return refuse(error, "it is damaged");
    if (memcmp(h.key, key, sizeof(h.key)) != 0)
        return refuse(error, "it was made for something else");
    if (h.size > MOST || st.st_size < 0 || (uint64_t)st.st_size != h.size || h.index % UNIT || h.index < sizeof(h) ||
        h.index > h.size || h.index_bits > 28 || h.size - h.index != sizeof(struct entry) << h.index_bits)
        return refuse(error, "its sizes do not fit together");
    const uint8_t *base = mmap(NULL, h.size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (base == MAP_FAILED)
        return refuse(error, g_strerror(errno));
    struct code_store *s = g_new(struct code_store, 1);
    *s = (struct code_store){base, h.size, h.index, h.index_bits, h.n_records};
    return s;
}

void code_store_close(struct code_store *s)
{
    if (!s)
        return;
    munmap((void *)s->base, s->size);
    g_free(s);
}

uint32_t code_store_count(const struct code_store *s)
{
    return s->n_records;
}

uint64_t code_store_size(const struct code_store *s)
{
    return s->size;
}

/* A copy, so that what was checked is what is used. */
static bool record_at(const struct code_store *s, uint64_t place, GByteArray *buffer, struct code_store_record *out)
{
    struct record r;

    if (place < sizeof(struct header) || place > s->index || s->index - place < sizeof(r))
        return false;
    memcpy(&r, s->base + place, sizeof(r));
    if (r.size > s->index - place - sizeof(r))
        return false;
    g_byte_array_set_size(buffer, r.size);
    if (r.size)
        memcpy(buffer->data, s->base + place + sizeof(r), r.size);
    if (!same_digest(r.digest, record_digest(&r, buffer->data)))
        return false;
    *out = (struct code_store_record){r.hash, r.identity, buffer->data, r.size};
    return true;
}

static struct entry entry_at(const struct code_store *s, uint32_t k)
{
    struct entry e;

    memcpy(&e, s->base + s->index + sizeof(e) * k, sizeof(e));
    return e;
}

bool code_store_find(const struct code_store *s, uint64_t hash, uint32_t *at, GByteArray *buffer,
                     struct code_store_record *record)
{
    const uint32_t mask = (1u << s->index_bits) - 1;

    for (; *at < PROBES && *at <= mask; ++*at) {
        struct entry e = entry_at(s, ((uint32_t)hash + *at) & mask);

        if (!e.place)
            return false;
        if (e.tag != (uint32_t)(hash >> 32) || !record_at(s, (uint64_t)e.place * UNIT, buffer, record) ||
            record->hash != hash)
            continue;
        ++*at;
        return true;
    }
    return false;
}

bool code_store_next(const struct code_store *s, uint64_t *at, GByteArray *buffer, struct code_store_record *record)
{
    if (*at == 0)
        *at = sizeof(struct header);
    if (!record_at(s, *at, buffer, record))
        return false;
    *at += up(sizeof(struct record) + record->size);
    return true;
}

/* ---------------------------------------------------------------------------------------------- writing */

struct code_store_writer {
    struct header h;
    GByteArray *bytes;   /* the records, behind the header */
    GHashTable *known;   /* identities */
    GArray *hashes, *places;
};

struct code_store_writer *code_store_writer_new(const uint8_t key[CODE_STORE_KEY_BYTES])
{
    struct code_store_writer *w = g_new0(struct code_store_writer, 1);

    memcpy(w->h.magic, MAGIC, sizeof(w->h.magic));
    w->h.version = VERSION;
    memcpy(w->h.key, key, sizeof(w->h.key));
    w->bytes = g_byte_array_new();
    w->known = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    w->hashes = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    w->places = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    return w;
}

void code_store_writer_free(struct code_store_writer *w)
{
    if (!w)
        return;
    g_byte_array_free(w->bytes, TRUE);
    g_hash_table_destroy(w->known);
    g_array_free(w->hashes, TRUE);
    g_array_free(w->places, TRUE);
    g_free(w);
}

uint32_t code_store_writer_count(const struct code_store_writer *w)
{
    return w->places->len;
}

bool code_store_add(struct code_store_writer *w, const struct code_store_record *record)
{
    static const uint8_t zeros[UNIT];
    struct record r = {.hash = record->hash, .identity = record->identity, .size = record->size};
    uint64_t place = sizeof(struct header) + w->bytes->len, whole = up(sizeof(r) + record->size);

    /* The index, twice as large as it must be, has to fit too. */
    if (place + whole + 8 * sizeof(struct entry) * (w->places->len + 1) > MOST / 2 ||
        g_hash_table_contains(w->known, &record->identity))
        return false;
    g_hash_table_add(w->known, g_memdup2(&record->identity, sizeof(record->identity)));
    r.digest = record_digest(&r, record->payload);
    g_byte_array_append(w->bytes, (const uint8_t *)&r, sizeof(r));
    g_byte_array_append(w->bytes, record->payload, record->size);
    g_byte_array_append(w->bytes, zeros, (guint)(whole - sizeof(r) - record->size));
    g_array_append_val(w->hashes, record->hash);
    g_array_append_val(w->places, place);
    return true;
}

static bool write_all(int fd, const void *data, size_t size)
{
    const uint8_t *p = data;

    while (size) {
        ssize_t n = write(fd, p, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

bool code_store_write(struct code_store_writer *w, int fd)
{
    struct header *h = &w->h;
    g_autofree struct entry *index = NULL;
    uint32_t mask;

    h->n_records = w->places->len;
    h->index = sizeof(*h) + w->bytes->len;
    h->index_bits = 4;
    while ((1u << h->index_bits) < 2 * h->n_records)
        h->index_bits++;
    mask = (1u << h->index_bits) - 1;
    h->size = h->index + (sizeof(struct entry) << h->index_bits);
    h->digest = code_digest(h, offsetof(struct header, digest), 0);
    index = g_new0(struct entry, mask + 1);
    for (guint k = 0; k < w->places->len; k++) {
        uint64_t hash = g_array_index(w->hashes, uint64_t, k);
        uint32_t at = (uint32_t)hash & mask;

        for (unsigned n = 1; index[at].place && n < PROBES; n++)
            at = (at + 1) & mask;
        if (index[at].place) /* too many with this hash: it will not be found */
            continue;
        index[at].tag = (uint32_t)(hash >> 32);
        index[at].place = (uint32_t)(g_array_index(w->places, uint64_t, k) / UNIT);
    }
    return write_all(fd, h, sizeof(*h)) && write_all(fd, w->bytes->data, w->bytes->len) &&
           write_all(fd, index, sizeof(*index) * (mask + 1));
}
