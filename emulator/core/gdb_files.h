/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of the target for the debugger (GDB manual, E.7 "Host I/O Packets"), read-only. */
#ifndef VITRINE_CORE_GDB_FILES_H
#define VITRINE_CORE_GDB_FILES_H

struct gdb_server;

/* A packet after "vFile:". */
void gdb_files_serve(struct gdb_server *server, const char *request);
void gdb_files_close(struct gdb_server *server);

#endif
