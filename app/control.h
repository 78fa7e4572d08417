/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Speaking with the vitrine that has a machine open: a UNIX socket `control` in the bundle's folder, that only its
 * owner can open. One request per connection, a line of JSON; answered by lines of JSON, the last of which has
 * "ok" or "error".
 *
 *   {"command": "take", "name": …, "note": …, "kind": "manual"}       → {"ok": true, "node": ID}
 *   {"command": "restore", "node": ID}  {"command": "undo"}           → {"ok": true, "safety": ID or ""}
 *   {"command": "branch", "node": ID, "name": …, "full-copy": false}  → {"ok": true, "folder": PATH}
 *   {"command": "delete", "node": ID}                                 → {"ok": true}
 *   {"command": "edit", "node": ID, "name" | "note" | "pinned": …}    → {"ok": true}
 *   {"command": "present"}                                            → {"ok": true}    (shows its window)
 *
 * While it takes long: {"done": N, "total": N}. A connection that is closed cancels its request.
 */
#pragma once

#include "app/history.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

struct control_server;
/* Main thread. */
struct control_server *control_server_new(VitrineHistory *history, GError **error);
void control_server_free(struct control_server *server);

/* Sends a request and waits for the last line; any thread. NULL with what the other program said, or with
 * G_IO_ERROR_NOT_FOUND / G_IO_ERROR_CONNECTION_REFUSED when nobody listens. */
JsonObject *control_ask(const char *bundle, JsonObject *request, GCancellable *cancellable,
                        VitrineHistoryProgress progress, gpointer progress_data, GError **error);

G_END_DECLS
