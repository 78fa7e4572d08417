/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the windows stand on: checks of descriptions, jobs, the inventory of disks, logs, media that are recognised. */
#include "app/bundle.h"
#include "app/disks.h"
#include "app/job.h"
#include "app/machine_check.h"
#include "app/machine_log.h"
#include "app/medium.h"
#include "app/share.h"
#include "emulator/engine.h"
#include "images/images.h"

#include <glib/gstdio.h>
#include <locale.h>
#include <string.h>

static char *work_folder(void)
{
    char *folder = g_dir_make_tmp("vitrine-desk-XXXXXX", NULL);

    g_assert_nonnull(folder);
    return folder;
}

/* ---- checks ---- */

static void test_check_finds_what_is_impossible(void)
{
    const struct engine_model *model = engine_models()[0];
    g_autoptr(MachineIni) machine = machine_ini_new("Test", model->id);

    machine->ram_mib = model->ram_max_mib + 1;
    machine->display = g_strdup("no-such-card");
    machine->boot = g_strdup("cdrom");
    machine_ini_set_drive(&machine->cdrom, NULL, NULL, -1, TRUE);
    g_assert_nonnull(machine_ini_add_disk(machine, "disks/gone.qcow2", "qcow2", -1, FALSE, NULL));
    g_autoptr(GPtrArray) findings = machine_check("/nonexistent", machine);
    for (const char *const *setting = (const char *const[]){"memory", "display", "disks", NULL}; *setting; setting++) {
        const struct machine_finding *finding = machine_check_find(findings, *setting);
        g_assert_nonnull(finding);
        g_assert_cmpint(finding->level, ==, FINDING_ERROR);
        g_assert_true(g_str_has_suffix(finding->text, "."));
    }
    g_assert_cmpint(machine_check_find(findings, "boot")->level, ==, FINDING_NOTE);
    /* errors stand first */
    g_assert_cmpint(((struct machine_finding *)findings->pdata[0])->level, ==, FINDING_ERROR);
}

static void test_check_is_content_with_a_default_machine(void)
{
    for (const struct engine_model *const *model = engine_models(); *model; model++) {
        g_autoptr(MachineIni) machine = machine_ini_new("Test", (*model)->id);
        g_autoptr(GPtrArray) findings = machine_check("/nonexistent", machine);
        for (guint i = 0; i < findings->len; i++) {
            const struct machine_finding *finding = findings->pdata[i];
            g_assert_cmpstr(finding->setting, ==, "firmware"); /* which a test machine may lack */
        }
    }
}

static void test_check_knows_unknown_models(void)
{
    g_autoptr(MachineIni) machine = machine_ini_new("Test", "abacus");
    g_autoptr(GPtrArray) findings = machine_check("/", machine);

    g_assert_cmpuint(findings->len, ==, 1);
    g_assert_nonnull(machine_check_find(findings, "model"));
}

/* ---- jobs ---- */

static gboolean count_to_ten(VitrineJob *job, gpointer data, GError **error)
{
    for (int i = 1; i <= 10; i++) {
        vitrine_job_report((guint64)i, 10, job);
        g_usleep(60000 / 10);
    }
    *(int *)data = 10;
    vitrine_job_set_result(job, "counted");
    return TRUE;
}

static gboolean wait_for_cancel(VitrineJob *job, gpointer data, GError **error)
{
    while (!g_cancellable_set_error_if_cancelled(vitrine_job_get_cancellable(job), error))
        g_usleep(1000);
    return FALSE;
}

static gboolean fail(VitrineJob *job, gpointer data, GError **error)
{
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED, "It is broken.");
    return FALSE;
}

static void run(VitrineJob *job)
{
    while (vitrine_job_get_state(job) == JOB_RUNNING)
        g_main_context_iteration(NULL, TRUE);
}

static void test_job_reports_and_ends(void)
{
    int counted = 0;
    g_autoptr(VitrineJob) job = vitrine_job_new("Counting", count_to_ten, &counted, NULL);

    run(job);
    g_assert_cmpint(vitrine_job_get_state(job), ==, JOB_DONE);
    g_assert_cmpint(counted, ==, 10);
    g_assert_cmpstr(vitrine_job_get_result(job), ==, "counted");
    g_assert_cmpfloat(vitrine_job_get_fraction(job), ==, 1);
}

static void test_job_is_cancelled(void)
{
    g_autoptr(VitrineJob) job = vitrine_job_new("Waiting", wait_for_cancel, NULL, NULL);

    vitrine_job_cancel(job);
    run(job);
    g_assert_cmpint(vitrine_job_get_state(job), ==, JOB_CANCELLED);
    g_assert_null(vitrine_job_get_message(job));
}

static void test_job_tells_why_it_failed(void)
{
    g_autoptr(VitrineJob) job = vitrine_job_new("Failing", fail, NULL, NULL);

    run(job);
    g_assert_cmpint(vitrine_job_get_state(job), ==, JOB_FAILED);
    g_assert_cmpstr(vitrine_job_get_message(job), ==, "It is broken.");
}

/* ---- disks ---- */

static void test_disks_are_found_as_trees(void)
{
    g_autofree char *folder = work_folder();
    g_autofree char *machines = g_build_filename(folder, "machines", NULL);
    g_autofree char *base = g_build_filename(folder, "base.qcow2", NULL);
    ImageCreateOptions options = {.size = 1 << 20};
    g_autoptr(GError) error = NULL;
    g_autoptr(MachineIni) machine = machine_ini_new("Test", engine_models()[0]->id);
    const struct bundle_disk disk = {.file = base, .unit = -1};

    g_assert_true(image_create(base, "qcow2", &options, &error));
    g_autoptr(VitrineBundle) bundle = vitrine_bundle_create(machines, machine, &disk, 1, NULL, &error);
    g_assert_no_error(error);
    g_autoptr(VitrineLibrary) library = vitrine_library_new(machines, FALSE);
    g_autofree char *gone = g_build_filename(folder, "gone.qcow2", NULL);
    const char *const more[] = {gone, NULL};
    g_autoptr(DiskSearch) search = disk_search_new(library, more);
    g_autoptr(GListStore) roots = disk_search_run(search, NULL, &error);
    g_assert_no_error(error);

    g_assert_cmpuint(g_list_model_get_n_items(G_LIST_MODEL(roots)), ==, 2);
    for (guint i = 0; i < 2; i++) {
        g_autoptr(VitrineDisk) root = g_list_model_get_item(G_LIST_MODEL(roots), i);
        if (strcmp(vitrine_disk_get_path(root), gone) == 0) {
            g_assert_nonnull(vitrine_disk_get_problem(root));
            continue;
        }
        g_assert_cmpstr(vitrine_disk_get_path(root), ==, base);
        g_assert_null(vitrine_disk_get_problem(root));
        g_assert_null(vitrine_disk_get_home(root));
        g_assert_cmpuint(g_list_model_get_n_items(vitrine_disk_get_overlays(root)), ==, 1);
        g_autoptr(VitrineDisk) overlay = g_list_model_get_item(vitrine_disk_get_overlays(root), 0);
        g_assert_cmpstr(vitrine_disk_get_users(overlay)[0], ==, "Test");
        g_assert_cmpstr(vitrine_disk_get_home(overlay), ==, "Test");
        g_assert_true(vitrine_disk_get_base(overlay) == root);
        g_assert_false(vitrine_disk_is_busy(overlay));
    }
    g_assert_true(vitrine_remove_tree(folder, NULL));
}

static void test_disks_survive_a_circle(void)
{
    g_autofree char *folder = work_folder();
    g_autofree char *a = g_build_filename(folder, "a.qcow2", NULL), *b = g_build_filename(folder, "b.qcow2", NULL);
    g_autoptr(GError) error = NULL;
    ImageCreateOptions options = {.size = 1 << 20};

    g_assert_true(image_create(a, "qcow2", &options, &error));
    options = (ImageCreateOptions){.backing_file = a, .backing_format = "qcow2"};
    g_assert_true(image_create(b, "qcow2", &options, &error));
    /* a stands on b from now on, which stands on a */
    g_autofree char *other = g_build_filename(folder, "c.qcow2", NULL);
    options = (ImageCreateOptions){.backing_file = b, .backing_format = "qcow2"};
    g_assert_true(image_create(other, "qcow2", &options, &error));
    g_assert_cmpint(g_rename(other, a), ==, 0);
    g_autoptr(VitrineLibrary) library = vitrine_library_new(folder, FALSE);
    const char *const more[] = {a, b, NULL};
    g_autoptr(DiskSearch) search = disk_search_new(library, more);
    g_autoptr(GListStore) roots = disk_search_run(search, NULL, &error);
    g_assert_nonnull(roots);
    g_assert_cmpuint(g_list_model_get_n_items(G_LIST_MODEL(roots)), ==, 1);
    g_autoptr(VitrineDisk) root = g_list_model_get_item(G_LIST_MODEL(roots), 0);
    g_assert_nonnull(vitrine_disk_get_problem(root));
    g_assert_true(vitrine_remove_tree(folder, NULL));
}

/* ---- log ---- */

static void test_log_stays_short(void)
{
    g_autofree char *folder = work_folder();
    g_autofree char *long_line = g_strnfill(1000, 'x');

    for (int i = 0; i < 400; i++)
        machine_log(folder, "%d %s", i, long_line);
    g_autofree char *text = machine_log_read(folder);
    g_assert_cmpuint(strlen(text), <=, MACHINE_LOG_MAX);
    g_assert_nonnull(strstr(text, "399 x"));
    g_assert_null(strstr(text, "  0 x"));
    g_assert_true(vitrine_remove_tree(folder, NULL));
}

/* ---- media ---- */

static void test_media_are_recognised(void)
{
    struct profiles *profiles = profiles_load();
    g_autofree char *work = work_folder();
    g_autofree char *folder = g_build_filename(work, "NETBSD-9-SPARC", NULL);
    g_autofree char *iso = g_build_filename(work, "x.iso", NULL), *disk = g_build_filename(work, "d.qcow2", NULL);
    ImageCreateOptions options = {.size = 1 << 20};
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(g_mkdir(folder, 0755), ==, 0);
    g_assert_true(share_make_cd(folder, iso, NULL, NULL, NULL, &error));
    g_autoptr(Medium) disc = medium_recognise(profiles, iso, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(disc->disc);
    g_assert_nonnull(disc->profile);
    g_assert_cmpstr(disc->profile->id, ==, "sparc-netbsd");
    g_assert_true(image_create(disk, "qcow2", &options, NULL));
    g_autoptr(Medium) image = medium_recognise(profiles, disk, NULL, &error);
    g_assert_false(image->disc);
    g_assert_cmpstr(image->format, ==, "qcow2");
    g_assert_false(image->kernel);
    g_autofree char *elf = g_build_filename(work, "vmlinux", NULL);
    g_assert_true(g_file_set_contents(elf, "\177ELF\1\2\1", 7, NULL));
    g_autoptr(Medium) kernel = medium_recognise(profiles, elf, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(kernel->kernel && !kernel->disc);
    g_assert_null(medium_recognise(profiles, work, NULL, &error));
    g_assert_nonnull(error);
    const struct profile *profile = profiles_recognise_system(profiles, "netbsd9", "sparc");
    g_assert_cmpstr(profile->id, ==, "sparc-netbsd");
    g_assert_null(profiles_recognise_system(profiles, "netbsd9", "x86_64"));
    profiles_free(profiles);
    g_assert_true(vitrine_remove_tree(work, NULL));
}

/* Of the sanitizers: libosinfo (1.10) does not free all that it read; only whole call chains tell that it was it. */
const char *__lsan_default_suppressions(void);
const char *__asan_default_options(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libosinfo-1.0\n";
}

const char *__asan_default_options(void)
{
    return "fast_unwind_on_malloc=0";
}

int main(int argc, char **argv)
{
    setlocale(LC_ALL, "C.UTF-8");
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/check/impossible", test_check_finds_what_is_impossible);
    g_test_add_func("/check/default", test_check_is_content_with_a_default_machine);
    g_test_add_func("/check/unknown-model", test_check_knows_unknown_models);
    g_test_add_func("/job/ends", test_job_reports_and_ends);
    g_test_add_func("/job/cancelled", test_job_is_cancelled);
    g_test_add_func("/job/failed", test_job_tells_why_it_failed);
    g_test_add_func("/disks/trees", test_disks_are_found_as_trees);
    g_test_add_func("/disks/circle", test_disks_survive_a_circle);
    g_test_add_func("/log/short", test_log_stays_short);
    g_test_add_func("/media/recognised", test_media_are_recognised);
    return g_test_run();
}
