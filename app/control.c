/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control socket of a machine that is open. */
#include "app/control.h"

#include "app/history_private.h"
#include "app/i18n.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME "control"
#define MAX_LINE    (256 * 1024)

/* The name of a socket is at most 107 bytes long, a folder's may be longer: through a descriptor of the folder. */
static GSocketAddress *address_of(int folder_fd)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d/" SOCKET_NAME, folder_fd);

    return g_unix_socket_address_new(path);
}

static int open_folder(const char *bundle, GError **error)
{
    int fd = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        vitrine_set_errno(error, errno, _("The folder could not be opened"), bundle);
    return fd;
}

/* ---- server ---- */

struct control_server {
    VitrineHistory *history; /* not a reference: it owns the server */
    GSocketService *service;
    char *path;
};

struct request {
    VitrineHistory *history;
    GSocketConnection *connection;
    GDataInputStream *input;
    GCancellable *cancellable;
    JsonObject *object;
    guint watch;
};

static void request_free(struct request *request)
{
    if (request->watch)
        g_source_remove(request->watch);
    g_clear_object(&request->history);
    g_clear_object(&request->connection);
    g_clear_object(&request->input);
    g_clear_object(&request->cancellable);
    g_clear_pointer(&request->object, json_object_unref);
    g_free(request);
}

static void send_line(struct request *request, JsonObject *object)
{
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), object);
    g_autofree char *text = json_to_string(node, FALSE);
    g_autofree char *line = g_strconcat(text, "\n", NULL);
    GSocket *socket = g_socket_connection_get_socket(request->connection);

    /* Small lines; a client that does not read loses them. */
    g_socket_send(socket, line, strlen(line), NULL, NULL);
}

static void on_progress(guint64 done, guint64 total, gpointer user_data)
{
    g_autoptr(JsonObject) object = json_object_new();

    json_object_set_int_member(object, "done", (gint64)done);
    json_object_set_int_member(object, "total", (gint64)total);
    send_line(user_data, object);
}

/* Sends the last line and ends the request. */
static void answer(struct request *request, const char *key, const char *value, const GError *error)
{
    g_autoptr(JsonObject) object = json_object_new();

    if (error) {
        json_object_set_string_member(object, "error", error->message);
    } else {
        json_object_set_boolean_member(object, "ok", TRUE);
        if (key)
            json_object_set_string_member(object, key, value ? value : "");
    }
    send_line(request, object);
    request_free(request);
}

static const char *text_of(JsonObject *object, const char *key)
{
    JsonNode *node = json_object_get_member(object, key);

    return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING
               ? json_node_get_string(node)
               : NULL;
}

static gboolean flag_of(JsonObject *object, const char *key)
{
    JsonNode *node = json_object_get_member(object, key);

    return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_BOOLEAN &&
           json_node_get_boolean(node);
}

static void taken(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VitrineHistoryNode) node = vitrine_history_take_finish(VITRINE_HISTORY(source), result, &error);

    answer(user_data, "node", node ? vitrine_history_node_get_id(node) : NULL, error);
}

static void restored(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VitrineHistoryNode) safety = NULL;

    vitrine_history_restore_finish(VITRINE_HISTORY(source), result, &safety, &error);
    answer(user_data, "safety", safety ? vitrine_history_node_get_id(safety) : NULL, error);
}

static void undone(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;

    vitrine_history_undo_finish(VITRINE_HISTORY(source), result, &error);
    answer(user_data, NULL, NULL, error);
}

static void branched(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(VitrineBundle) bundle = vitrine_history_branch_finish(VITRINE_HISTORY(source), result, &error);

    answer(user_data, "folder", bundle ? vitrine_bundle_get_folder(bundle) : NULL, error);
}

static void deleted(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;

    vitrine_history_delete_finish(VITRINE_HISTORY(source), result, &error);
    answer(user_data, NULL, NULL, error);
}

static gboolean edit(VitrineHistory *history, VitrineHistoryNode *node, JsonObject *object, GError **error)
{
    const char *name = text_of(object, "name"), *note = text_of(object, "note");

    return (!name || vitrine_history_rename(history, node, name, error)) &&
           (!note || vitrine_history_set_note(history, node, note, error)) &&
           (!json_object_has_member(object, "pinned") ||
            vitrine_history_set_pinned(history, node, flag_of(object, "pinned"), error));
}

static enum history_kind kind_of(JsonObject *object)
{
    return g_strcmp0(text_of(object, "kind"), vitrine_history_kind_id(HISTORY_SAFETY)) == 0 ? HISTORY_SAFETY
                                                                                            : HISTORY_MANUAL;
}

static void serve(struct request *r)
{
    VitrineHistory *history = r->history;
    const char *command = text_of(r->object, "command"), *id = text_of(r->object, "node");
    g_autoptr(GError) error = NULL;
    VitrineHistoryNode *node = id ? vitrine_history_find(history, id, &error) : NULL;

    if (error) {
        answer(r, NULL, NULL, error);
    } else if (g_strcmp0(command, "take") == 0) {
        vitrine_history_take_async(history, text_of(r->object, "name"), text_of(r->object, "note"), kind_of(r->object),
                                   r->cancellable, on_progress, r, taken, r);
    } else if (g_strcmp0(command, "undo") == 0) {
        vitrine_history_undo_async(history, r->cancellable, on_progress, r, undone, r);
    } else if (g_strcmp0(command, "present") == 0) {
        if (!history->session || !session_present(history->session))
            error = g_error_new(G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("The machine runs without a window."));
        answer(r, NULL, NULL, error);
    } else if (node && g_strcmp0(command, "restore") == 0) {
        vitrine_history_restore_async(history, node, r->cancellable, on_progress, r, restored, r);
    } else if (node && g_strcmp0(command, "delete") == 0) {
        vitrine_history_delete_async(history, node, r->cancellable, on_progress, r, deleted, r);
    } else if (node && g_strcmp0(command, "branch") == 0 && text_of(r->object, "name")) {
        vitrine_history_branch_async(history, node, text_of(r->object, "name"), flag_of(r->object, "full-copy"),
                                     r->cancellable, on_progress, r, branched, r);
    } else if (node && g_strcmp0(command, "edit") == 0) {
        edit(history, node, r->object, &error);
        answer(r, NULL, NULL, error);
    } else {
        error = g_error_new(G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, _("The running Vitrine does not know how to do "
                                                                      "this; it may be an older one."));
        answer(r, NULL, NULL, error);
    }
}

static gboolean hung_up(GSocket *socket, GIOCondition condition, gpointer data)
{
    struct request *request = data;

    request->watch = 0;
    g_cancellable_cancel(request->cancellable);
    return G_SOURCE_REMOVE;
}

static void line_read(GObject *source, GAsyncResult *result, gpointer user_data)
{
    struct request *request = user_data;
    gsize length = 0;
    g_autofree char *line = g_data_input_stream_read_line_finish(G_DATA_INPUT_STREAM(source), result, &length, NULL);
    g_autoptr(JsonParser) parser = json_parser_new();
    JsonNode *root = line && length < MAX_LINE && json_parser_load_from_data(parser, line, (gssize)length, NULL)
                         ? json_parser_get_root(parser)
                         : NULL;

    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        request_free(request);
        return;
    }
    request->object = json_object_ref(json_node_get_object(root));
    g_autoptr(GSource) watch =
        g_socket_create_source(g_socket_connection_get_socket(request->connection), G_IO_HUP | G_IO_ERR, NULL);
    g_source_set_callback(watch, G_SOURCE_FUNC(hung_up), request, NULL);
    request->watch = g_source_attach(watch, NULL);
    serve(request);
}

static gboolean incoming(GSocketService *service, GSocketConnection *connection, GObject *source, gpointer user_data)
{
    struct control_server *server = user_data;
    struct request *request = g_new0(struct request, 1);

    request->history = g_object_ref(server->history);
    request->connection = g_object_ref(connection);
    request->cancellable = g_cancellable_new();
    request->input = g_data_input_stream_new(g_io_stream_get_input_stream(G_IO_STREAM(connection)));
    g_data_input_stream_read_line_async(request->input, G_PRIORITY_DEFAULT, request->cancellable, line_read, request);
    return TRUE;
}

struct control_server *control_server_new(VitrineHistory *history, GError **error)
{
    const char *bundle = vitrine_bundle_get_folder(vitrine_history_get_bundle(history));
    int fd = open_folder(bundle, error);

    if (fd < 0)
        return NULL;
    struct control_server *server = g_new0(struct control_server, 1);
    g_autoptr(GSocketAddress) address = address_of(fd);
    server->history = history;
    server->path = g_build_filename(bundle, SOCKET_NAME, NULL);
    server->service = g_socket_service_new();
    g_unlink(server->path); /* of one that ended without order: whoever runs the machine holds its lock */
    mode_t mask = umask(0077);
    gboolean ok = g_socket_listener_add_address(G_SOCKET_LISTENER(server->service), address, G_SOCKET_TYPE_STREAM,
                                                G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, error);
    umask(mask);
    close(fd);
    if (!ok) {
        control_server_free(server);
        return NULL;
    }
    g_signal_connect(server->service, "incoming", G_CALLBACK(incoming), server);
    g_socket_service_start(server->service);
    return server;
}

void control_server_free(struct control_server *server)
{
    if (!server)
        return;
    g_signal_handlers_disconnect_by_data(server->service, server);
    g_socket_service_stop(server->service);
    g_socket_listener_close(G_SOCKET_LISTENER(server->service));
    g_unlink(server->path);
    g_object_unref(server->service);
    g_free(server->path);
    g_free(server);
}

/* ---- client ---- */

JsonObject *control_ask(const char *bundle, JsonObject *request, GCancellable *cancellable,
                        VitrineHistoryProgress progress, gpointer progress_data, GError **error)
{
    int fd = open_folder(bundle, error);

    if (fd < 0)
        return NULL;
    g_autoptr(GSocketAddress) address = address_of(fd);
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GSocketConnection) connection =
        g_socket_client_connect(client, G_SOCKET_CONNECTABLE(address), cancellable, error);
    close(fd);
    if (!connection)
        return NULL;
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), request);
    g_autofree char *text = json_to_string(node, FALSE);
    g_autofree char *line = g_strconcat(text, "\n", NULL);
    if (!g_output_stream_write_all(g_io_stream_get_output_stream(G_IO_STREAM(connection)), line, strlen(line), NULL,
                                   cancellable, error))
        return NULL;
    g_autoptr(GDataInputStream) input = g_data_input_stream_new(g_io_stream_get_input_stream(G_IO_STREAM(connection)));
    for (;;) {
        g_autoptr(JsonParser) parser = json_parser_new();
        g_autofree char *reply = g_data_input_stream_read_line(input, NULL, cancellable, error);
        if (!reply) {
            if (error && !*error)
                g_set_error(error, G_IO_ERROR, G_IO_ERROR_CLOSED, _("The Vitrine that runs the machine has ended."));
            return NULL;
        }
        if (!json_parser_load_from_data(parser, reply, -1, error))
            return NULL;
        JsonNode *root = json_parser_get_root(parser);
        JsonObject *object = root && JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root) : NULL;
        if (object && json_object_has_member(object, "ok"))
            return json_object_ref(object);
        if (object && text_of(object, "error")) {
            g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", text_of(object, "error"));
            return NULL;
        }
        if (object && progress)
            progress((guint64)json_object_get_int_member_with_default(object, "done", 0),
                     (guint64)json_object_get_int_member_with_default(object, "total", 0), progress_data);
    }
}
