/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hostile files of translations: fuzz_store SECONDS SEED
 *
 * A sound file is changed, with and without its digests put right again, and read in every way; what comes out as
 * frozen code is thawed (never run). Nothing may be read or written out of bounds.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emulator/jit/store.h"
#include "tests/unit/frozen.h"

static const uint8_t key[CODE_STORE_KEY_BYTES] = "a key";

static void mutate(GRand *random, GByteArray *bytes)
{
    static const uint32_t odd[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffff0, 0x01000000, 0x10000000};
    int n = 1 << g_rand_int_range(random, 0, 7);

    while (n-- && bytes->len >= 4) {
        guint at = (guint)g_rand_int_range(random, 0, (gint32)bytes->len - 3);

        switch (g_rand_int_range(random, 0, 3)) {
        case 0: bytes->data[at] ^= (uint8_t)(1 << g_rand_int_range(random, 0, 8)); break;
        case 1: bytes->data[at] = (uint8_t)g_rand_int(random); break;
        default:
            at &= ~3u;
            memcpy(bytes->data + at, &odd[g_rand_int_range(random, 0, G_N_ELEMENTS(odd))], 4);
        }
    }
    if (g_rand_int_range(random, 0, 8) == 0)
        g_byte_array_set_size(bytes, (guint)g_rand_int_range(random, 0, (gint32)bytes->len + 1));
}

static GByteArray *copy_of(const GByteArray *bytes)
{
    return g_byte_array_append(g_byte_array_new(), bytes->data, bytes->len);
}

static GByteArray *write_store(GByteArray *const *payload, unsigned n)
{
    struct code_store_writer *w = code_store_writer_new(key);
    GByteArray *file = g_byte_array_new();
    int fd = memfd_create("store", 0);

    for (unsigned i = 0; i < n; i++) {
        struct code_store_record r = {i / 2, i, payload[i]->data, payload[i]->len};
        code_store_add(w, &r);
    }
    if (!code_store_write(w, fd))
        abort();
    g_byte_array_set_size(file, (guint)lseek(fd, 0, SEEK_END));
    if (pread(fd, file->data, file->len, 0) != (ssize_t)file->len)
        abort();
    close(fd);
    code_store_writer_free(w);
    return file;
}

/* The digest of a header that was changed: what a hostile writer can do, too. */
static void seal(GByteArray *file)
{
    const size_t head = 128, digest = head - sizeof(struct code_digest);

    if (file->len >= head) {
        struct code_digest d = code_digest(file->data, digest, 0);
        memcpy(file->data + digest, &d, sizeof(d));
    }
}

static void thaw(struct backend *be, const uint8_t *data, size_t size)
{
    struct compiled c;
    int32_t heat = 1;

    if (backend_thaw(be, data, size, &heat, NULL, &c) == BACKEND_THAWED) {
        for (uint32_t k = 0; k < c.n_sites; k++) {
            backend_link(be, &c.site[k], c.code);
            backend_link(be, &c.site[k], NULL);
        }
        backend_release(be, &c);
    }
    backend_reset(be);
}

static void read_all(struct backend *be, const GByteArray *file)
{
    g_autoptr(GByteArray) buffer = g_byte_array_new();
    int fd = memfd_create("store", 0);
    struct code_store_record r;
    uint64_t at = 0;

    if (write(fd, file->data, file->len) != (ssize_t)file->len)
        abort();
    struct code_store *s = code_store_open(fd, key, NULL);
    close(fd);
    if (!s)
        return;
    for (uint64_t hash = 0; hash < 4; hash++) {
        uint32_t from = 0;
        while (code_store_find(s, hash, &from, buffer, &r))
            thaw(be, r.payload, r.size);
    }
    while (code_store_next(s, &at, buffer, &r)) {
    }
    code_store_close(s);
}

int main(int argc, char **argv)
{
    gint64 end = g_get_monotonic_time() + (argc > 1 ? atoi(argv[1]) : 5) * G_USEC_PER_SEC;
    GRand *random = g_rand_new_with_seed(argc > 2 ? (guint32)atoi(argv[2]) : 1);
    struct backend *be = backend_create(&frozen_guest, 1 << 20, true, NULL);
    g_autoptr(GByteArray) frozen = g_byte_array_new();
    struct compiled c;
    int32_t heat = 1;
    unsigned rounds = 0;

    if (!be)
        return 1;
    backend_keep_fixups(be);
    if (!frozen_compile(be, &heat, &c) || !backend_freeze(be, &c, frozen))
        return 1;
    backend_release(be, &c);
    backend_reset(be);
    for (; g_get_monotonic_time() < end; rounds++) {
        GByteArray *payload[4];

        for (unsigned i = 0; i < G_N_ELEMENTS(payload); i++) {
            payload[i] = copy_of(frozen);
            if (rounds & 1)
                mutate(random, payload[i]); /* under a right digest */
        }
        g_autoptr(GByteArray) file = write_store(payload, G_N_ELEMENTS(payload));
        if (!(rounds & 1)) {
            mutate(random, file);
            if (rounds & 2)
                seal(file);
        }
        read_all(be, file);
        for (unsigned i = 0; i < G_N_ELEMENTS(payload); i++)
            g_byte_array_unref(payload[i]);
    }
    g_print("%u rounds\n", rounds);
    backend_destroy(be);
    g_rand_free(random);
    return 0;
}
