/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Going back to and fro on a running machine with its picture and keyboard, on a busy computer: each time the guest
 * shows what it showed, knows what it knew, and goes on.
 */
#include <glib/gstdio.h>
#include <linux/input-event-codes.h>
#include <string.h>

#include "app/bundle.h"
#include "app/history.h"
#include "app/session.h"
#include "tests/machine/await.h"

struct watch {
    VitrineSession *session;
    VitrineHistory *history;
    GMainLoop *loop;
    VitrineHistoryNode *node;
    gboolean ok, typed, finished;
    GError *error;
    uint32_t *pixels;
    size_t size;
    gint has_picture;
};

static void on_started(GObject *source, GAsyncResult *result, gpointer data)
{
    struct watch *w = data;
    w->ok = vitrine_session_start_finish(w->session, result, &w->error);
    g_main_loop_quit(w->loop);
}

static void on_taken(GObject *source, GAsyncResult *result, gpointer data)
{
    struct watch *w = data;
    w->node = vitrine_history_take_finish(w->history, result, &w->error);
    g_main_loop_quit(w->loop);
}

static void on_restored(GObject *source, GAsyncResult *result, gpointer data)
{
    struct watch *w = data;
    w->ok = vitrine_history_restore_finish(w->history, result, NULL, &w->error);
    g_main_loop_quit(w->loop);
}

static void on_typed(VitrineSession *session, struct watch *w)
{
    w->typed = TRUE;
}

static void on_finished(VitrineSession *session, struct watch *w)
{
    w->finished = TRUE;
}

static void on_frame(VitrineSession *session, struct watch *w)
{
    struct engine_frame frame;
    if (vitrine_session_get_engine(session))
        engine_acquire_frame(vitrine_session_get_engine(session), &frame);
}

static void on_state(VitrineSession *session, struct watch *w)
{
    struct engine *engine = vitrine_session_get_engine(session);
    if (engine)
        engine_set_watched(engine, TRUE);
}

static void got_picture(void *opaque, uint32_t *pixels, int width, int height, double pixel_aspect)
{
    struct watch *w = opaque;
    g_free(w->pixels);
    w->pixels = pixels;
    w->size = (size_t)width * (size_t)height * 4;
    g_atomic_int_set(&w->has_picture, 1);
}

/* The picture when it has come to rest. */
static guint hash_picture(struct watch *w)
{
    g_atomic_int_set(&w->has_picture, 0);
    engine_screenshot(vitrine_session_get_engine(w->session), got_picture, w);
    AWAIT(g_atomic_int_get(&w->has_picture));
    g_autoptr(GBytes) bytes = g_bytes_new_static(w->pixels, w->size);
    return g_bytes_hash(bytes);
}

static guint rest(struct watch *w)
{
    guint before = 0, now = hash_picture(w), same = 0;
    struct await await = await_begin(AWAIT_SECONDS);
    do {
        gint64 until = g_get_monotonic_time() + 150000;
        while (g_get_monotonic_time() < until)
            if (!g_main_context_iteration(NULL, FALSE))
                g_usleep(1000);
        before = now;
        now = hash_picture(w);
        same = before == now ? same + 1 : 0;
        g_assert_true(await_more(&await));
    } while (same < 3);
    return now;
}

/* What is on the screen after a line was typed. */
static guint type(struct watch *w, const char *line)
{
    guint before = hash_picture(w);
    w->typed = FALSE;
    vitrine_session_type(w->session, line);
    AWAIT(w->typed);
    struct await await = await_begin(AWAIT_SECONDS);
    while (hash_picture(w) == before)
        if (!await_more(&await))
            g_error("the guest stands still");
    return rest(w);
}

static void test_to_and_fro(void)
{
    g_autofree char *firmware = engine_find_firmware(&engine_find_model("ss5")->firmware[0], NULL);
    if (!firmware) {
        g_test_skip("the firmware openbios-sparc32 is not installed");
        return;
    }
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("vitrine-back-XXXXXX", &error);
    g_assert_no_error(error);
    g_autoptr(MachineIni) machine = machine_ini_new("m", "ss5");
    machine->ram_mib = 32;
    machine->network = FALSE;
    machine->audio = FALSE;
    struct bundle_disk disk = {NULL, 64 << 20, FALSE, -1};
    g_autoptr(VitrineBundle) bundle = vitrine_bundle_create(folder, machine, &disk, 1, NULL, &error);
    g_assert_no_error(error);
    struct watch w = {.loop = g_main_loop_new(NULL, FALSE)};
    w.session = vitrine_session_new(bundle);
    w.history = vitrine_history_get(bundle);
    g_signal_connect(w.session, "typed", G_CALLBACK(on_typed), &w);
    g_signal_connect(w.session, "finished", G_CALLBACK(on_finished), &w);
    g_signal_connect(w.session, "frame-ready", G_CALLBACK(on_frame), &w);
    g_signal_connect(w.session, "state-changed", G_CALLBACK(on_state), &w);
    g_signal_connect(w.session, "restored", G_CALLBACK(on_state), &w);
    vitrine_session_start_async(w.session, NULL, on_started, &w);
    g_main_loop_run(w.loop);
    g_assert_no_error(w.error);
    guint blank = hash_picture(&w);
    struct await await = await_begin(2 * AWAIT_SECONDS);
    while (rest(&w) == blank || !w.pixels || (w.pixels[w.size / 8] & 0xf0f000) != 0xf0f000) {
        g_usleep(100000);
        if (!await_more(&await))
            g_error("no prompt");
    }
    type(&w, "variable v 0 v !\n");
    GRand *random = g_rand_new();
    GPtrArray *nodes = g_ptr_array_new();
    guint pictures[64], answers[64];
    unsigned rounds = g_test_slow() ? 60 : 7;
    for (unsigned round = 0; round < rounds; round++) {
        if (nodes->len < 4 || (nodes->len < 12 && g_rand_int_range(random, 0, 4) == 0)) {
            g_autofree char *set = g_strdup_printf("%x v !\n", 0x100 + nodes->len);
            type(&w, set);
            pictures[nodes->len] = type(&w, "v @ .\n");
            vitrine_history_take_async(w.history, "a moment", NULL, HISTORY_MANUAL, NULL, NULL, NULL, on_taken, &w);
            g_main_loop_run(w.loop);
            g_assert_no_error(w.error);
            answers[nodes->len] = type(&w, "v @ .\n");
            g_ptr_array_add(nodes, w.node);
            g_test_message("took %u", nodes->len - 1);
        } else {
            guint k = (guint)g_rand_int_range(random, 0, (int)nodes->len);
            g_test_message("%u: back to %u", round, k);
            vitrine_history_restore_async(w.history, nodes->pdata[k], NULL, NULL, NULL, on_restored, &w);
            g_main_loop_run(w.loop);
            g_assert_no_error(w.error);
            g_assert_cmpuint(rest(&w), ==, pictures[k]);
            g_assert_cmpuint(type(&w, "v @ .\n"), ==, answers[k]);
        }
    }
    vitrine_session_power_off(w.session);
    AWAIT(w.finished);
    g_ptr_array_set_free_func(nodes, g_object_unref);
    g_ptr_array_unref(nodes);
    g_rand_free(random);
    g_object_unref(w.history);
    g_object_unref(w.session);
    g_main_loop_unref(w.loop);
    g_free(w.pixels);
    vitrine_remove_tree(folder, NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/going-back/to-and-fro", test_to_and_fro);
    return g_test_run();
}
