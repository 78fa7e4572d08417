/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the debugger's server share. */
#ifndef VITRINE_CORE_GDB_PRIVATE_H
#define VITRINE_CORE_GDB_PRIVATE_H

#include "emulator/core/gdb_server.h"

#define GDB_FILES_MOST 64

struct gdb_server {
    const struct gdb_target *target;
    void *opaque;
    int listener, connection, wake;
    char *unix_path;
    GMutex lock; /* of writing to the connection */
    GByteArray *in;
    bool acknowledge, running;
    bool break_reasons; /* the debugger understands "swbreak" */
    bool exec_events;   /* ... and "exec" */
    uint64_t thread;    /* chosen by Hg; 0: the one that stopped */
    struct gdb_stop stop;
    int files[GDB_FILES_MOST]; /* vFile: host's descriptors + 1; 0: free */
};

void gdb_put_packet(struct gdb_server *s, const void *bytes, size_t size);
void gdb_put_text(struct gdb_server *s, const char *text);
void gdb_append_hex(GString *text, const uint8_t *bytes, size_t size);
/* Escapes what frames packets. */
void gdb_append_escaped(GByteArray *to, const uint8_t *bytes, size_t size);
/* A number, up to the first other character. */
uint64_t gdb_parse_hex(const char **at);
/* Pairs of digits, up to the first other character. */
GByteArray *gdb_parse_bytes(const char *at);

#endif
