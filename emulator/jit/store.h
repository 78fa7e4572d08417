/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file of translations: records of bytes that are found by a 64-bit hash. It knows nothing of what they hold.
 *
 *     header    magic, version, key (what the records are for), sizes, digest of the header
 *     records   digest, size, hash, identity, payload; each begins at a multiple of 16
 *     index     open addressing, a power of two of entries: upper half of the hash, place of the record / 16
 *
 * All numbers are the host's, which is part of the key. The file is mapped and only what is looked at is read; nothing
 * in it is trusted: places are checked, and a record counts when its digest is right. A file is written once, under
 * another name, and then renamed; nobody changes it afterwards. If somebody does all the same, or makes it shorter,
 * the caller gets a wrong digest or SIGBUS (see code_store_find()).
 */
#ifndef VITRINE_JIT_STORE_H
#define VITRINE_JIT_STORE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODE_STORE_KEY_BYTES 32

struct code_store;

/* Maps the open file; the descriptor may be closed afterwards. NULL: not such a file, or for another key. */
struct code_store *code_store_open(int fd, const uint8_t key[CODE_STORE_KEY_BYTES], GError **error);
void code_store_close(struct code_store *s); /* takes NULL */
uint32_t code_store_count(const struct code_store *s);
uint64_t code_store_size(const struct code_store *s); /* of the file, bytes */

struct code_store_record {
    uint64_t hash;     /* what it is found by */
    uint64_t identity; /* of two records with the same one, one is enough */
    const uint8_t *payload;
    uint32_t size;     /* of the payload */
};

/* The records with this hash, one after the other: *at is 0 at first. The payload is a copy in `buffer`, whose digest
 * was right. false: no more. May touch pages of the file that are gone: the caller is prepared for SIGBUS. */
bool code_store_find(const struct code_store *s, uint64_t hash, uint32_t *at, GByteArray *buffer,
                     struct code_store_record *record);
/* All records in the order of the file: *at is 0 at first. Stops at the first that is damaged. */
bool code_store_next(const struct code_store *s, uint64_t *at, GByteArray *buffer, struct code_store_record *record);

/* Making one: records are added and written to a descriptor in the end. */
struct code_store_writer;
struct code_store_writer *code_store_writer_new(const uint8_t key[CODE_STORE_KEY_BYTES]);
/* false: there is one with this identity, or no room. */
bool code_store_add(struct code_store_writer *w, const struct code_store_record *record);
uint32_t code_store_writer_count(const struct code_store_writer *w);
/* At the descriptor's place, which is the file's beginning. false: errno. */
bool code_store_write(struct code_store_writer *w, int fd);
void code_store_writer_free(struct code_store_writer *w); /* takes NULL */

/* 128 bits that tell bytes apart; no secret: who can write the file can make them. */
struct code_digest {
    uint64_t word[2];
};
struct code_digest code_digest(const void *data, size_t size, uint64_t seed);

#endif
