/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rewind on a real machine with its firmware: what was typed after a moment is gone when one goes back to it, comes
 * back when one goes forth again, and the disk goes along.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "app/session.h"
#include "tests/machine/await.h"

static bool have_firmware(void)
{
    g_autofree char *path = engine_find_firmware(&engine_find_model("ss5")->firmware[0], NULL);
    if (!path)
        g_test_skip("the firmware openbios-sparc32 is not installed");
    return path != NULL;
}

struct watch {
    VitrineSession *session;
    GString *serial;
    GMainLoop *loop;
    gboolean ok, finished;
    GError *error;
};

static void on_serial(VitrineSession *session, guint port, GBytes *bytes, struct watch *w)
{
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    g_string_append_len(w->serial, data, (gssize)size);
}

static void on_started(GObject *source, GAsyncResult *result, gpointer data)
{
    struct watch *w = data;
    w->ok = vitrine_session_start_finish(w->session, result, &w->error);
    g_main_loop_quit(w->loop);
}

static void on_went(GObject *source, GAsyncResult *result, gpointer data)
{
    struct watch *w = data;
    w->ok = vitrine_rewind_go_finish(VITRINE_REWIND(source), result, &w->error);
    g_main_loop_quit(w->loop);
}

static void on_finished(VitrineSession *session, struct watch *w)
{
    w->finished = TRUE;
}

static void type(struct watch *w, const char *line, const char *answer)
{
    g_string_truncate(w->serial, 0);
    engine_serial_input(vitrine_session_get_engine(w->session), 0, (const uint8_t *)line, strlen(line));
    AWAIT(strstr(w->serial->str, answer));
}

static void go(struct watch *w, VitrineRewind *rewind, guint index)
{
    g_autoptr(VitrineRewindMoment) moment = g_list_model_get_item(G_LIST_MODEL(rewind), index);
    vitrine_rewind_go_async(rewind, moment, NULL, on_went, w);
    g_main_loop_run(w->loop);
    g_assert_no_error(w->error);
    g_assert_true(w->ok);
    g_assert_true(vitrine_rewind_get_position(rewind) == moment);
    AWAIT(vitrine_session_get_state(w->session) == SESSION_PAUSED);
}

/* What became of many requests. */
struct scrub {
    guint there, cancelled, left;
};

static void on_scrubbed(GObject *source, GAsyncResult *result, gpointer data)
{
    struct scrub *scrub = data;
    g_autoptr(GError) error = NULL;
    if (vitrine_rewind_go_finish(VITRINE_REWIND(source), result, &error))
        scrub->there++;
    else
        scrub->cancelled += g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    scrub->left--;
}

/* Through all moments to `index`, as fast as a held key does it. */
static void scrub(struct watch *w, VitrineRewind *rewind, guint index)
{
    g_autoptr(VitrineRewindMoment) wanted = g_list_model_get_item(G_LIST_MODEL(rewind), index);
    struct scrub scrub = {0};
    for (guint i = g_list_model_get_n_items(G_LIST_MODEL(rewind)); i-- > index;) {
        g_autoptr(VitrineRewindMoment) moment = g_list_model_get_item(G_LIST_MODEL(rewind), i);
        scrub.left++;
        vitrine_rewind_go_async(rewind, moment, NULL, on_scrubbed, &scrub);
    }
    const guint asked = scrub.left;
    g_assert_cmpuint(asked, >=, 3);
    AWAIT(!scrub.left);
    g_assert_true(vitrine_rewind_get_position(rewind) == wanted);
    g_assert_cmpuint(scrub.there, >=, 1);
    g_assert_cmpuint(scrub.there + scrub.cancelled, ==, asked);
    g_assert_cmpuint(scrub.cancelled, >, 0);
    AWAIT(vitrine_session_get_state(w->session) == SESSION_PAUSED);
}

static void resume(struct watch *w)
{
    vitrine_session_resume(w->session);
    AWAIT(vitrine_session_get_state(w->session) == SESSION_RUNNING);
}

static void test_back_and_forth(void)
{
    if (!have_firmware())
        return;
    g_autoptr(GError) error = NULL;
    struct engine_config *config = engine_config_new("ss5", &error);
    g_assert_no_error(error);
    config->ram_mib = 32;
    config->serial[0].kind = ENGINE_SERIAL_CALLBACK;
    config->display = g_strdup("none");
    struct watch w = {.serial = g_string_new(NULL), .loop = g_main_loop_new(NULL, FALSE)};
    w.session = vitrine_session_new_for_config(config, "rewound");
    g_signal_connect(w.session, "serial-output", G_CALLBACK(on_serial), &w);
    g_signal_connect(w.session, "finished", G_CALLBACK(on_finished), &w);
    vitrine_session_start_async(w.session, NULL, on_started, &w);
    g_main_loop_run(w.loop);
    g_assert_true(w.ok);
    VitrineRewind *rewind = vitrine_session_get_rewind(w.session);
    GListModel *list = G_LIST_MODEL(rewind);
    g_assert_false(vitrine_rewind_get_enabled(rewind));
    AWAIT(strstr(w.serial->str, "0 > "));

    type(&w, "variable v 11 v !\r", "ok");
    vitrine_rewind_set_enabled(rewind, TRUE, 0);
    AWAIT(g_list_model_get_n_items(list) >= 1);
    type(&w, "22 v !\r", "ok");
    guint second = g_list_model_get_n_items(list);
    AWAIT(g_list_model_get_n_items(list) > second); /* one that began after this line ended */
    AWAIT(g_list_model_get_n_items(list) > second + 1);
    second = g_list_model_get_n_items(list) - 1;
    type(&w, "33 v !\r", "ok");
    type(&w, "v @ .\r", "33");

    go(&w, rewind, 0);
    guint last = g_list_model_get_n_items(list) - 1; /* the present has become a moment */
    g_assert_cmpuint(last, >, second);
    go(&w, rewind, last);
    scrub(&w, rewind, 0);
    go(&w, rewind, last);
    go(&w, rewind, second);
    resume(&w);
    type(&w, "v @ .\r", "22");
    AWAIT(!vitrine_rewind_get_position(rewind));
    g_assert_cmpuint(g_list_model_get_n_items(list), <=, second + 2); /* what came after is gone */
    type(&w, "44 v !\r", "ok");
    go(&w, rewind, 0);
    resume(&w);
    type(&w, "v @ .\r", "11");
    g_assert_cmpuint(vitrine_rewind_get_bytes(rewind), <, 64 << 20);

    vitrine_rewind_set_enabled(rewind, FALSE, 0);
    g_assert_cmpuint(g_list_model_get_n_items(list), ==, 0);
    type(&w, "5 6 + .\r", "b"); /* hexadecimal */
    vitrine_session_power_off(w.session);
    AWAIT(w.finished);
    g_object_unref(w.session);
    g_string_free(w.serial, TRUE);
    g_main_loop_unref(w.loop);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rewind/back-and-forth", test_back_and_forth);
    return g_test_run();
}
