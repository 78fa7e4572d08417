/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Translations that outlive their process: a file of records gives back what was put in and nothing else, whatever is
 * done to it; frozen code runs in another arena as it ran in its own, and is not thawed when its parts do not fit.
 */
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emulator/jit/store.h"
#include "tests/unit/frozen.h"

static const uint8_t key[CODE_STORE_KEY_BYTES] = "for this", other_key[CODE_STORE_KEY_BYTES] = "for that";

#define RECORDS 40
#define PER_HASH 3 /* so many have the same hash */

static uint64_t hash_of(unsigned n)
{
    return UINT64_C(0x9e3779b97f4a7c15) * (n / PER_HASH + 1);
}

static GByteArray *payload_of(unsigned n)
{
    GByteArray *bytes = g_byte_array_new();

    for (unsigned i = 0; i < 5 + n * 13; i++) {
        uint8_t byte = (uint8_t)(n * 31 + i * 7);
        g_byte_array_append(bytes, &byte, 1);
    }
    return bytes;
}

static GByteArray *make_file(void)
{
    struct code_store_writer *w = code_store_writer_new(key);
    int fd = memfd_create("store", 0);
    GByteArray *file = g_byte_array_new();

    for (unsigned n = 0; n < RECORDS; n++) {
        g_autoptr(GByteArray) bytes = payload_of(n);
        struct code_store_record r = {hash_of(n), 1000 + n, bytes->data, bytes->len};
        g_assert_true(code_store_add(w, &r));
        g_assert_false(code_store_add(w, &r)); /* one is enough */
    }
    g_assert_cmpuint(code_store_writer_count(w), ==, RECORDS);
    g_assert_true(code_store_write(w, fd));
    code_store_writer_free(w);
    g_byte_array_set_size(file, (guint)lseek(fd, 0, SEEK_END));
    g_assert_cmpint(pread(fd, file->data, file->len, 0), ==, file->len);
    close(fd);
    return file;
}

static struct code_store *open_bytes(const uint8_t *bytes, size_t size, const uint8_t *for_key, GError **error)
{
    int fd = memfd_create("store", 0);
    struct code_store *s;

    g_assert_cmpint(write(fd, bytes, size), ==, (gssize)size);
    s = code_store_open(fd, for_key, error);
    close(fd);
    return s;
}

/* How many records are found by their hashes; each must be what was put in. */
static unsigned count_right(const struct code_store *s)
{
    g_autoptr(GByteArray) buffer = g_byte_array_new();
    unsigned found = 0;

    for (unsigned first = 0; first < RECORDS; first += PER_HASH) {
        struct code_store_record r;
        uint32_t at = 0;

        while (code_store_find(s, hash_of(first), &at, buffer, &r)) {
            g_assert_cmpuint(r.identity, >=, 1000);
            g_assert_cmpuint(r.identity, <, 1000 + RECORDS);
            g_autoptr(GByteArray) want = payload_of((unsigned)r.identity - 1000);
            g_assert_cmpmem(r.payload, r.size, want->data, want->len);
            found++;
        }
    }
    return found;
}

static void test_round_trip(void)
{
    g_autoptr(GByteArray) file = make_file(), buffer = g_byte_array_new();
    g_autoptr(GError) error = NULL;
    struct code_store *s = open_bytes(file->data, file->len, key, &error);
    struct code_store_record r;
    unsigned n = 0;
    uint64_t at = 0;
    uint32_t from = 0;

    g_assert_no_error(error);
    g_assert_cmpuint(code_store_count(s), ==, RECORDS);
    g_assert_cmpuint(count_right(s), ==, RECORDS);
    for (; code_store_next(s, &at, buffer, &r); n++)
        g_assert_cmpuint(r.identity, ==, 1000 + n);
    g_assert_cmpuint(n, ==, RECORDS);
    g_assert_false(code_store_find(s, 12345, &from, buffer, &r));
    code_store_close(s);
}

static void test_refused(void)
{
    g_autoptr(GByteArray) file = make_file();
    GError *error = NULL;

    g_assert_null(open_bytes(file->data, file->len, other_key, &error));
    g_assert_nonnull(error);
    g_clear_error(&error);
    for (guint size = 0; size < file->len; size += size < 200 ? 1 : 97) {
        g_assert_null(open_bytes(file->data, size, key, &error));
        g_assert_nonnull(error);
        g_clear_error(&error);
    }
}

/* Each bit in turn (of a sample of bytes behind the header's): nothing wrong is ever given out. */
static void test_flips(void)
{
    g_autoptr(GByteArray) file = make_file();

    for (guint at = 0; at < file->len; at += at < 400 ? 1 : 29) {
        for (unsigned bit = 0; bit < 8; bit++) {
            file->data[at] ^= (uint8_t)(1u << bit);
            struct code_store *s = open_bytes(file->data, file->len, key, NULL);
            if (at < 128)
                g_assert_null(s);
            if (s)
                g_assert_cmpuint(count_right(s), >=, RECORDS - 2 * PER_HASH);
            code_store_close(s);
            file->data[at] ^= (uint8_t)(1u << bit);
        }
    }
}

struct state {
    union {
        struct jit_cpu cpu;
        uint8_t bytes[1024];
    };
    struct jit_jump_cache jc;
};

static uint32_t run(struct backend *be, const struct compiled *c, struct exit_site **site)
{
    struct state s;
    uint32_t memory[64] = {0}, a = 8;

    memset(&s, 0, sizeof(s));
    memset(&s.jc, 0xff, sizeof(s.jc));
    s.jc.newest = 0;
    memory[2] = 100;
    s.cpu.guest = &frozen_guest;
    s.cpu.mxcsr = 0x1f80;
    s.cpu.window = (uint8_t *)memory;
    s.cpu.jc = &s.jc;
    s.cpu.budget = 10;
    memcpy(s.bytes + 512, &a, 4);
    *site = backend_enter(be, &s.cpu, c->code);
    memcpy(&a, s.bytes + 512, 4);
    g_assert_cmpint(s.cpu.budget, ==, 9);
    return a;
}

static void test_frozen(void)
{
    struct backend *be = backend_create(&frozen_guest, 4 << 20, true, NULL);
    struct backend *second = backend_create(&frozen_guest, 4 << 20, true, NULL);
    g_autoptr(GByteArray) frozen = g_byte_array_new();
    struct compiled c, again;
    struct exit_site *site;
    int32_t heat = 5, other_heat = 7;

    g_assert_nonnull(be);
    g_assert_nonnull(second);
    backend_keep_fixups(be);
    g_assert_true(frozen_compile(be, &heat, &c));
    backend_link(be, &c.site[0], c.code); /* links are undone */
    g_assert_true(backend_freeze(be, &c, frozen));
    backend_link(be, &c.site[0], NULL);
    g_assert_cmpuint(run(be, &c, &site), ==, 8 * 3 + 1 + 100);
    g_assert_cmpint(heat, ==, 4);

    g_assert_cmpint(backend_thaw(second, frozen->data, frozen->len, &other_heat, NULL, &again), ==, BACKEND_THAWED);
    g_assert_cmpuint(again.n_sites, ==, c.n_sites);
    g_assert_cmpuint(again.n_faults, ==, c.n_faults);
    g_assert_cmpuint(again.n_faults, >, 0);
    g_assert_true(backend_find(second, again.code) == &again);
    backend_release(be, &c);
    backend_destroy(be);
    g_assert_cmpuint(run(second, &again, &site), ==, 8 * 3 + 1 + 100);
    g_assert_true(site >= again.site && site < again.site + again.n_sites);
    g_assert_cmpuint(site->pc, ==, 0x2000);
    g_assert_cmpint(other_heat, ==, 6);
    g_assert_cmpint(heat, ==, 4);
    backend_release(second, &again);

    /* Without a counter there is no place for it. */
    g_assert_cmpint(backend_thaw(second, frozen->data, frozen->len, NULL, NULL, &again), ==, BACKEND_THAW_BAD);
    for (guint size = 0; size < frozen->len; size++)
        g_assert_cmpint(backend_thaw(second, frozen->data, size, &heat, NULL, &again), ==, BACKEND_THAW_BAD);
    backend_destroy(second);
}

static void test_full(void)
{
    struct backend *be = backend_create(&frozen_guest, 1 << 16, true, NULL);
    g_autoptr(GByteArray) frozen = g_byte_array_new();
    struct compiled c, more[512];
    unsigned n = 0;
    int32_t heat = 5;

    backend_keep_fixups(be);
    g_assert_true(frozen_compile(be, &heat, &c));
    g_assert_true(backend_freeze(be, &c, frozen));
    while (n < G_N_ELEMENTS(more) &&
           backend_thaw(be, frozen->data, frozen->len, &heat, NULL, &more[n]) == BACKEND_THAWED)
        n++;
    g_assert_cmpuint(n, <, G_N_ELEMENTS(more));
    g_assert_cmpint(backend_thaw(be, frozen->data, frozen->len, &heat, NULL, &more[n]), ==, BACKEND_THAW_FULL);
    while (n--)
        backend_release(be, &more[n]);
    backend_release(be, &c);
    backend_destroy(be);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store/round-trip", test_round_trip);
    g_test_add_func("/store/refused", test_refused);
    g_test_add_func("/store/flips", test_flips);
    g_test_add_func("/store/frozen-code", test_frozen);
    g_test_add_func("/store/full-arena", test_full);
    return g_test_run();
}
