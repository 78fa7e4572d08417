/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The history of a machine: a tree of moments that can be gone back to. A node is what the disks held, the
 * machine's settings and its battery-backed memory, and, if the machine ran, its RAM and devices; with a
 * picture and a note. "You are here" is a node too, the one of kind HISTORY_HERE: its parent is the moment
 * that the machine comes from.
 *
 * One VitrineHistory serves all who look at one bundle in this process. It is a GListModel of all
 * VitrineHistoryNodes, oldest first, a parent before its children; vitrine_history_get_roots() and
 * vitrine_history_node_get_children() are the same nodes as a tree, for GtkTreeListModel. Node objects stay
 * the same while the node lives.
 *
 * Operations work whoever has the machine open: nobody (they take its lock while they last), this process's
 * session, or another vitrine, which is asked through its control socket. At most one runs at a time in one
 * process; others wait. All are asynchronous, on a worker thread; `progress` and `callback` are called in the
 * main context that was the default at the call. A cancelled or failed operation leaves everything as it was.
 *
 * Signals of VitrineHistory, beside GListModel's: "changed" (after any change of tree, health, problems,
 * autosave or crash state); "background" (VitrineJob *: work has begun that nobody asked for). Of
 * VitrineHistoryNode: "changed" (name, note, pin, sizes, health). Main thread only.
 */
#pragma once

#include "app/bundle.h"
#include "app/job.h"

G_BEGIN_DECLS

#define VITRINE_TYPE_HISTORY_NODE (vitrine_history_node_get_type())
G_DECLARE_FINAL_TYPE(VitrineHistoryNode, vitrine_history_node, VITRINE, HISTORY_NODE, GObject)
#define VITRINE_TYPE_HISTORY (vitrine_history_get_type())
G_DECLARE_FINAL_TYPE(VitrineHistory, vitrine_history, VITRINE, HISTORY, GObject)

enum history_kind {
    HISTORY_MANUAL,   /* somebody took it */
    HISTORY_SAFETY,   /* made before going back, so that nothing is lost */
    HISTORY_AUTOSAVE, /* of the ring: fold these */
    HISTORY_START,    /* the machine as it was made, or where a branch began */
    HISTORY_HERE,     /* the present: no files of its own, cannot be restored or deleted */
};
/* "manual", "safety", "autosave", "start", "here": as the command line's --json prints it. */
const char *vitrine_history_kind_id(enum history_kind kind);

enum history_health {
    HISTORY_HEALTH_UNKNOWN, /* not looked at yet */
    HISTORY_HEALTH_GOOD,
    HISTORY_HEALTH_WARNING, /* works, but an original that it stands on is not as it was */
    HISTORY_HEALTH_BROKEN,  /* cannot be gone back to; the sentence says why */
};
const char *vitrine_history_health_id(enum history_health health);

/* ---- nodes ---- */

const char *vitrine_history_node_get_id(VitrineHistoryNode *self); /* "here" for the present */
VitrineHistoryNode *vitrine_history_node_get_parent(VitrineHistoryNode *self); /* NULL: a root; not a ref */
GListModel *vitrine_history_node_get_children(VitrineHistoryNode *self);       /* live; oldest first; not a ref */
guint vitrine_history_node_get_depth(VitrineHistoryNode *self);                /* 0 = a root */
enum history_kind vitrine_history_node_get_kind(VitrineHistoryNode *self);
const char *vitrine_history_node_get_name(VitrineHistoryNode *self); /* never empty; one line */
const char *vitrine_history_node_get_note(VitrineHistoryNode *self); /* NULL: none */
gint64 vitrine_history_node_get_time(VitrineHistoryNode *self);      /* seconds since 1970 */
gboolean vitrine_history_node_get_pinned(VitrineHistoryNode *self);  /* neither the ring nor a delete takes it */
gboolean vitrine_history_node_get_has_ram(VitrineHistoryNode *self); /* goes on running, else starts anew */
/* Path of a PNG, or NULL when there was no picture. Of the present: the bundle's thumbnail. */
const char *vitrine_history_node_get_thumbnail(VitrineHistoryNode *self);
/* Bytes on the host's disk: `own` is what deleting it would free, `shared` what it has with others. */
guint64 vitrine_history_node_get_own_bytes(VitrineHistoryNode *self);
guint64 vitrine_history_node_get_shared_bytes(VitrineHistoryNode *self);
enum history_health vitrine_history_node_get_health(VitrineHistoryNode *self);
const char *vitrine_history_node_get_health_message(VitrineHistoryNode *self); /* NULL when good */

/* ---- the history of a bundle ---- */

/* The one of this bundle (a new reference), made and read at the first call. Never NULL. */
VitrineHistory *vitrine_history_get(VitrineBundle *bundle);
VitrineBundle *vitrine_history_get_bundle(VitrineHistory *self);
/* *place was the history that `owner` looks at, or NULL: its signals no longer reach `owner`. It becomes that of the bundle;
 * NULL where there is no bundle or a broken one. */
void vitrine_history_look_at(VitrineHistory **place, VitrineBundle *bundle, gpointer owner);
/* Looks at the files again; the folder is watched, so this is rarely needed. */
void vitrine_history_refresh(VitrineHistory *self);
GListModel *vitrine_history_get_roots(VitrineHistory *self);         /* not a ref */
VitrineHistoryNode *vitrine_history_get_here(VitrineHistory *self);  /* not a ref */
/* By id, or by name where only one node has it; NULL with a sentence. Not a ref. */
VitrineHistoryNode *vitrine_history_find(VitrineHistory *self, const char *id_or_name, GError **error);
/* An operation is under way. */
gboolean vitrine_history_is_busy(VitrineHistory *self);

/* ---- operations ---- */

/* `total` 0: not known yet. */
typedef void (*VitrineHistoryProgress)(guint64 done, guint64 total, gpointer user_data);

/* Keeps the present as a node. `name` NULL: made from the time. A running guest stops for an instant only;
 * the answer comes when all is on the disk. Finish: the new node, a new reference. */
void vitrine_history_take_async(VitrineHistory *self, const char *name, const char *note,
                                enum history_kind kind, GCancellable *cancellable,
                                VitrineHistoryProgress progress, gpointer progress_data,
                                GAsyncReadyCallback callback, gpointer user_data);
VitrineHistoryNode *vitrine_history_take_finish(VitrineHistory *self, GAsyncResult *result, GError **error);

/* Goes back to `node`. A safety node keeps the present unless nothing changed since its parent. A machine
 * that runs is stopped, and runs on from the node afterwards (session signal "restored"); one that is off
 * goes on from the node when it is started next. Finish: the safety node (new reference) in *safety, or NULL
 * when none was needed. */
void vitrine_history_restore_async(VitrineHistory *self, VitrineHistoryNode *node, GCancellable *cancellable,
                                   VitrineHistoryProgress progress, gpointer progress_data,
                                   GAsyncReadyCallback callback, gpointer user_data);
gboolean vitrine_history_restore_finish(VitrineHistory *self, GAsyncResult *result,
                                        VitrineHistoryNode **safety, GError **error);

/* Undo of the last restore: back to where one was. Kept across runs of Vitrine until the next take or
 * restore. */
gboolean vitrine_history_can_undo(VitrineHistory *self);
void vitrine_history_undo_async(VitrineHistory *self, GCancellable *cancellable,
                                VitrineHistoryProgress progress, gpointer progress_data,
                                GAsyncReadyCallback callback, gpointer user_data);
gboolean vitrine_history_undo_finish(VitrineHistory *self, GAsyncResult *result, GError **error);

/* A new machine that begins at `node`: linked (its disks stand on this machine's, which are fingerprinted), or
 * with full copies. Finish: its bundle, a new reference. */
void vitrine_history_branch_async(VitrineHistory *self, VitrineHistoryNode *node, const char *machine_name,
                                  gboolean full_copy, GCancellable *cancellable,
                                  VitrineHistoryProgress progress, gpointer progress_data,
                                  GAsyncReadyCallback callback, gpointer user_data);
VitrineBundle *vitrine_history_branch_finish(VitrineHistory *self, GAsyncResult *result, GError **error);

/* Small changes of one node's file: they block for a few milliseconds. */
gboolean vitrine_history_rename(VitrineHistory *self, VitrineHistoryNode *node, const char *name, GError **error);
gboolean vitrine_history_set_note(VitrineHistory *self, VitrineHistoryNode *node, const char *note,
                                  GError **error); /* NULL or "": none */
gboolean vitrine_history_set_pinned(VitrineHistory *self, VitrineHistoryNode *node, gboolean pinned,
                                    GError **error);

/* What deleting would do. */
typedef struct VitrineHistoryPlan {
    guint64 freed_bytes;  /* on the host's disk, about */
    guint64 merged_bytes; /* read and written again to join layers */
    guint seconds;        /* about how long that takes */
    guint layers_merged;  /* disk layers that are joined with the one that stands on them */
    guint layers_kept;    /* that stay because several branches stand on them */
    gboolean deferred;    /* some of it waits until the machine is off */
    char *summary;        /* the same in a sentence or two */
} VitrineHistoryPlan;
/* NULL with a sentence when it cannot be deleted (pinned, the present). */
VitrineHistoryPlan *vitrine_history_plan_delete(VitrineHistory *self, VitrineHistoryNode *node, GError **error);
void vitrine_history_plan_free(VitrineHistoryPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VitrineHistoryPlan, vitrine_history_plan_free)

/* Its children become its parent's; all others stay as they are. */
void vitrine_history_delete_async(VitrineHistory *self, VitrineHistoryNode *node, GCancellable *cancellable,
                                  VitrineHistoryProgress progress, gpointer progress_data,
                                  GAsyncReadyCallback callback, gpointer user_data);
gboolean vitrine_history_delete_finish(VitrineHistory *self, GAsyncResult *result, GError **error);

/* What differs between two nodes (either may be the present of a machine that is off). */
typedef struct VitrineHistoryComparison {
    GPtrArray *settings; /* char *: one sentence per setting that differs */
    GPtrArray *disks;    /* struct history_disk_difference * */
    guint64 ram_pages_differing, ram_pages; /* of 4 KiB; 0 of 0 when one of them has no RAM */
} VitrineHistoryComparison;
struct history_disk_difference {
    guint number;               /* of the disk, from 0 */
    char *disk;                 /* "Hard Disk 2" */
    guint64 differing_bytes;    /* in pieces of 64 KiB */
    guint64 size_a, size_b;     /* 0: there is no such disk */
};
void vitrine_history_compare_async(VitrineHistory *self, VitrineHistoryNode *a, VitrineHistoryNode *b,
                                   GCancellable *cancellable, VitrineHistoryProgress progress,
                                   gpointer progress_data, GAsyncReadyCallback callback, gpointer user_data);
VitrineHistoryComparison *vitrine_history_compare_finish(VitrineHistory *self, GAsyncResult *result,
                                                         GError **error);
void vitrine_history_comparison_free(VitrineHistoryComparison *comparison);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VitrineHistoryComparison, vitrine_history_comparison_free)

/* Looks at every node's files; `deep` also reads all RAM and checks every image. Health of the nodes and
 * vitrine_history_get_problems() follow. FALSE only when it could not be done. */
void vitrine_history_verify_async(VitrineHistory *self, gboolean deep, GCancellable *cancellable,
                                  VitrineHistoryProgress progress, gpointer progress_data,
                                  GAsyncReadyCallback callback, gpointer user_data);
gboolean vitrine_history_verify_finish(VitrineHistory *self, GAsyncResult *result, GError **error);

/* ---- originals ---- */

enum history_problem_kind {
    HISTORY_PROBLEM_CHANGED, /* an original has other contents than when it was given to the machine */
    HISTORY_PROBLEM_MISSING, /* it is not there (moved, renamed, deleted, on a disk that is not plugged in) */
};
enum history_repair {
    HISTORY_REPAIR_LOCATE,  /* here it is: `path` must have the fingerprint */
    HISTORY_REPAIR_REBASE,  /* take it as it is now and keep the machine's changes on top */
    HISTORY_REPAIR_DISCARD, /* take it as it is now and drop the machine's changes and history of this disk */
};
typedef struct VitrineHistoryProblem {
    enum history_problem_kind kind;
    guint number;  /* of the disk, from 0 */
    char *disk;    /* "Hard Disk 2" */
    char *path;    /* of the original */
    char *found;   /* where the same file stands now, for LOCATE; NULL = nobody knows */
    char *message; /* which file, what changed, what can be done */
    gboolean can_locate, can_rebase, can_discard;
} VitrineHistoryProblem;
/* What stands in the way of starting; of VitrineHistoryProblem, owned by the history; never NULL. Looked at
 * by vitrine_history_refresh(), before each start, and by verify. */
const GPtrArray *vitrine_history_get_problems(VitrineHistory *self);
/* `path` for LOCATE only. */
void vitrine_history_repair_async(VitrineHistory *self, const VitrineHistoryProblem *problem,
                                  enum history_repair repair, const char *path, GCancellable *cancellable,
                                  VitrineHistoryProgress progress, gpointer progress_data,
                                  GAsyncReadyCallback callback, gpointer user_data);
gboolean vitrine_history_repair_finish(VitrineHistory *self, GAsyncResult *result, GError **error);

/* ---- autosave, and after a crash ---- */

/* Every `minutes` of running one node of kind HISTORY_AUTOSAVE; the newest `keep` unpinned ones stay.
 * `minutes` 0: off. Kept in machine.ini. */
void vitrine_history_get_autosave(VitrineHistory *self, guint *minutes, guint *keep);
gboolean vitrine_history_set_autosave(VitrineHistory *self, guint minutes, guint keep, GError **error);

/* Vitrine ended while the machine ran and nobody has started it since. The newest node with RAM since that
 * start (usually an autosave) is what can be resumed: restore it. NULL in *last when there is none. */
gboolean vitrine_history_was_running(VitrineHistory *self, VitrineHistoryNode **last); /* *last: not a ref */
/* "No, thank you": forgets it. */
void vitrine_history_forget_crash(VitrineHistory *self);

G_END_DECLS
