/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What rewind costs: rewind_cost GUESTS [TURNS]. Linux on a SPARCstation 5 does the same work with rewind off and on, in
 * turns; printed are the seconds that it took, and the processor time of the whole program. GUESTS is the folder with
 * sun4m/.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "app/session.h"
#include "tests/machine/await.h"

#define REWIND_MIB 256 /* as the desktop's preferences begin */

static const struct {
    const char *name, *command;
} works[] = {
    {"computing", "gt bench int 6000"},
    {"kernel", "gt bench sys 600"},
    {"memory", "for i in 1 2 3 4 5 6 7 8; do head -c 12000000 /dev/zero >/m$i; done; rm /m*"},
};

struct bench {
    VitrineSession *session;
    GString *serial;
    gboolean started, finished;
};

static void on_serial(VitrineSession *session, guint port, GBytes *bytes, struct bench *b)
{
    gsize size;
    const char *data = g_bytes_get_data(bytes, &size);
    g_string_append_len(b->serial, data, (gssize)size);
}

static void on_started(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!vitrine_session_start_finish(VITRINE_SESSION(source), result, &error))
        g_error("%s", error->message);
    ((struct bench *)data)->started = TRUE;
}

static void on_finished(VitrineSession *session, struct bench *b)
{
    b->finished = TRUE;
}

static double processor_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double run(struct bench *b, const char *command, unsigned number, double *processor)
{
    g_autofree char *line = g_strdup_printf("%s >/dev/null; echo do''ne%u.\r", command, number);
    g_autofree char *answer = g_strdup_printf("done%u.", number);
    double before = processor_seconds();
    gint64 start = g_get_monotonic_time();
    g_string_truncate(b->serial, 0);
    engine_serial_input(vitrine_session_get_engine(b->session), 0, (const uint8_t *)line, strlen(line));
    AWAIT(strstr(b->serial->str, answer));
    *processor += processor_seconds() - before;
    return (double)(g_get_monotonic_time() - start) / 1e6;
}

int main(int argc, char **argv)
{
    unsigned turns = argc > 2 ? (unsigned)atoi(argv[2]) : 3, number = 0;
    g_autoptr(GError) error = NULL;
    if (argc < 2) {
        fputs("usage: rewind_cost GUESTS [TURNS]\n", stderr);
        return 2;
    }
    struct engine_config *config = engine_config_new("ss5", &error);
    struct bench b = {.serial = g_string_new(NULL)};
    if (!config)
        g_error("%s", error->message);
    config->ram_mib = 256;
    config->kernel = g_build_filename(argv[1], "sun4m", "vmlinux", NULL);
    config->initrd = g_build_filename(argv[1], "sun4m", "initramfs.cpio.gz", NULL);
    config->append = g_strdup("console=tty0 console=ttyS0 do=shell net=off");
    config->serial[0].kind = ENGINE_SERIAL_CALLBACK;
    b.session = vitrine_session_new_for_config(config, "cost");
    g_signal_connect(b.session, "serial-output", G_CALLBACK(on_serial), &b);
    g_signal_connect(b.session, "finished", G_CALLBACK(on_finished), &b);
    vitrine_session_start_async(b.session, NULL, on_started, &b);
    AWAIT(b.started);
    AWAIT(strstr(b.serial->str, "GUEST-SHELL ready"));
    VitrineRewind *rewind = vitrine_session_get_rewind(b.session);
    for (unsigned w = 0; w < G_N_ELEMENTS(works); w++) {
        double best[2] = {1e9, 1e9}, sum[2] = {0}, processor[2] = {0}, ignored = 0;
        run(&b, works[w].command, ++number, &ignored); /* what is translated once */
        for (unsigned turn = 0; turn < turns; turn++) {
            for (int on = 0; on < 2; on++) {
                vitrine_rewind_set_enabled(rewind, on, REWIND_MIB);
                if (on) /* the first moment reads all memory */
                    AWAIT(g_list_model_get_n_items(G_LIST_MODEL(rewind)) > 0);
                double seconds = run(&b, works[w].command, ++number, &processor[on]);
                best[on] = MIN(best[on], seconds);
                sum[on] += seconds;
            }
        }
        printf("%-10s off %.2f s  on %.2f s  (best %.2f %.2f)  cost %.1f %% (best %.1f %%)  processor %.2f s %.2f s\n",
               works[w].name, sum[0] / turns, sum[1] / turns, best[0], best[1], (sum[1] / sum[0] - 1) * 100,
               (best[1] / best[0] - 1) * 100, processor[0] / turns, processor[1] / turns);
        fflush(stdout);
    }
    vitrine_session_power_off(b.session);
    AWAIT(b.finished);
    g_object_unref(b.session);
    g_string_free(b.serial, TRUE);
    return 0;
}
