/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A machine's history as files, below the windows' VitrineHistory (history.h). A node is a folder that appears
 * and disappears in one rename:
 *
 *   history/ID/node.ini       parent, kind, name, note, time, pin
 *   history/ID/machine.ini    the settings; its disks are the layers that the node holds fast
 *   history/ID/state, ram     devices and the table of memory pages (ram_store.h), when the machine ran
 *   history/ID/resume.state   instead of these: a whole saved state of a machine that was off
 *   history/ID/nvram, thumbnail.png
 *   history/ram/              the packs of memory pages
 *
 * Disk layers are qcow2 files in disks/, each standing on another one or on an original; a layer that something
 * stands on is never written again (mode 0444). The present is machine.ini: its disks are overlays of their own,
 * [History] Here is the node it comes from, Resume the node whose memory (or just NVRAM) it goes on with at the
 * next start, Undo the node that takes back the last restore. Before is where Here was, in case the node Here
 * never appeared.
 *
 * All functions block and may be called from any thread; whoever changes something holds the bundle's lock (or
 * runs the machine), and calls one function at a time.
 */
#pragma once

#include "app/history.h"
#include "app/machine_ini.h"
#include "app/ram_store.h"
#include "images/images.h"

G_BEGIN_DECLS

typedef struct HistoryRecord {
    char *id, *folder;
    char *parent; /* NULL = a root */
    char *name, *note;
    enum history_kind kind;
    gint64 time; /* microseconds since 1970 */
    gint64 order; /* its place among the others: the time, but later than its parent's; set when all are read */
    gboolean pinned;
    gboolean has_ram;
    MachineIni *machine; /* NULL: its file cannot be read */
    char *problem;       /* why */
} HistoryRecord;
void history_record_free(HistoryRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HistoryRecord, history_record_free)

/* All nodes in their order; never NULL. */
GPtrArray *history_read(const char *bundle);
/* The same for who removes what no node needs: NULL with a sentence when there may be nodes, or parts of them, that
 * cannot be read. `without`: id of a node that is going, and may be broken (may be NULL). */
GPtrArray *history_read_all(const char *bundle, const char *without, GError **error);
/* All nodes, machine.ini (NULL: it cannot be read) and the node where the machine is (NULL: nowhere; both are the
 * caller's), as they belong together although somebody else, who has the lock, takes and deletes nodes meanwhile. */
GPtrArray *history_look(const char *bundle, MachineIni **machine, char **here);
HistoryRecord *history_read_one(const char *bundle, const char *id, GError **error);
/* The same for who changes its description: one that cannot be read whole is refused. */
HistoryRecord *history_read_to_change(const char *bundle, const char *id, GError **error);
HistoryRecord *history_find(const GPtrArray *records, const char *id); /* NULL: there is none */
/* node.ini of a folder that is there; what this program does not know in it stays. */
gboolean history_write_record(const HistoryRecord *record, GError **error);
char *history_new_id(const char *bundle);
/* Where the machine is: machine.ini's Here, or Before if that node is not there; NULL = nowhere. g_free(). */
char *history_here(const char *bundle, const MachineIni *machine);

MachineIni *history_read_machine(const char *bundle, GError **error);
gboolean history_write_machine(const char *bundle, const MachineIni *machine, GError **error);

char *history_ram_folder(const char *bundle);
char *history_node_file(const char *bundle, const char *id, const char *file);

/* ---- making a node: history_begin_node(), files into its folder, history_finish_node() ---- */

/* Room that a new node's small files and empty layers want. */
#define HISTORY_NODE_BYTES (4 << 20)
/* A hidden folder that becomes the node `id`. NULL with a sentence. g_free(). */
char *history_begin_node(const char *bundle, const char *id, GError **error);
/* Writes node.ini and machine.ini, brings all to disk, and gives the folder its name. */
gboolean history_finish_node(const char *bundle, const char *building, const HistoryRecord *record, GError **error);
void history_drop_node(const char *building);
/* Space on the host's disk for about so many bytes; FALSE with a sentence. */
gboolean history_check_space(const char *bundle, guint64 bytes, GError **error);

/* ---- disk layers (history_layers.c) ---- */

/* New overlays over the disks of `machine`, which names them afterwards (nothing of it is written to disk). Read-only
 * disks stay. On failure nothing is left behind. */
gboolean history_new_layers(const char *bundle, MachineIni *machine, GError **error);
/* Removes the files of the writable disks of `machine` that the bundle's machine.ini does not name. */
void history_remove_layers(const char *bundle, const MachineIni *machine);
/* The writable disks' files may be read only from now on. */
void history_freeze_layers(const char *bundle, const MachineIni *machine);
/* Does one of the writable disks hold something that its base does not? */
gboolean history_layers_changed(const char *bundle, const MachineIni *machine);

/* What collecting would do, and doing it: layers that no node and no other machine needs are removed, or joined
 * with the one layer that stands on them. `without`: id of a node that counts as gone (may be NULL). */
gboolean history_plan_layers(const char *bundle, const char *without, VitrineHistoryPlan *plan, GError **error);
gboolean history_collect_layers(const char *bundle, const ImageJob *job, GError **error);
/* Bytes of layers that only this node needs, and that it shares. */
void history_layer_usage(const char *bundle, const GPtrArray *records, guint index, guint64 *own, guint64 *shared);

/* Notes the originals of disks that have none noted yet, with fingerprints. TRUE in *changed: `machine` is to be
 * written. */
gboolean history_note_bases(const char *bundle, MachineIni *machine, gboolean *changed, GError **error);
/* VitrineHistoryProblem of originals that are not as they were. */
GPtrArray *history_find_problems(const char *bundle, const MachineIni *machine);
void history_problem_free(VitrineHistoryProblem *problem);
/* Every layer that stands on `from` stands on `to` (a path, or a name in the layers' folder) from now on. */
gboolean history_move_base(const char *bundle, const char *from, const char *to, const ImageJob *job, GError **error);
gboolean history_repair(const char *bundle, const char *path, enum history_repair repair, const char *new_path,
                        const ImageJob *job, GError **error);

/* ---- operations on a machine that is off (history_ops.c) ---- */

/* The present as a new node; returns its id. */
char *history_take_off(const char *bundle, const char *name, const char *note, enum history_kind kind,
                       GError **error);
/* The present is made of the node. `safety` (may be NULL) becomes what Undo goes back to. */
gboolean history_restore_off(const char *bundle, const char *id, const char *undo, GError **error);
gboolean history_changed_off(const char *bundle); /* is there anything that a safety node would keep? */
/* The node is gone; its children are its parent's. Layers and pages are collected apart. */
gboolean history_delete_node(const char *bundle, const char *id, GError **error);
/* Joins and removes what nothing needs any more, disks and memory. */
gboolean history_collect(const char *bundle, const ImageJob *job, GError **error);
/* A new machine's folder. */
char *history_branch_off(const char *bundle, const char *id, const char *machine_name, gboolean full_copy,
                         const ImageJob *job, GError **error);
/* What a crash left behind half done: hidden folders, a Here that never was. */
void history_recover(const char *bundle);
/* One node's files; `deep`: all of their contents. Health and a sentence (g_free(), NULL when good). */
enum history_health history_check_node(const char *bundle, const HistoryRecord *record, gboolean deep,
                                       GCancellable *cancellable, char **message);
VitrineHistoryComparison *history_compare(const char *bundle, const char *a, const char *b, const ImageJob *job,
                                          GError **error); /* ids, NULL = the present */

/* ---- going on from a node ---- */

/* If machine.ini says Resume, gives the node's id (g_free()) and puts its NVRAM in place; else NULL. */
char *history_prepare_start(const char *bundle, const MachineIni *machine, GError **error);

G_END_DECLS
