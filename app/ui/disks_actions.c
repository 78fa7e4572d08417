/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Each command: a form where something is to be chosen, then a job on a worker thread. */
#include "app/ui/disks_actions.h"

#include "app/i18n.h"
#include "app/settings.h"
#include "app/size.h"
#include "app/ui/dialogs.h"
#include "app/ui/form.h"
#include "app/ui/jobs.h"
#include "images/images.h"

#include <inttypes.h>
#include <string.h>

static const char *const formats[] = {"qcow2", "raw", "vmdk", "vdi"};
static const char *const format_titles[] = {N_("qcow2 (Vitrine)"), N_("raw (everywhere)"), N_("vmdk (VMware)"),
                                            N_("vdi (VirtualBox)"), NULL};

/* Everything that a job may need. */
struct work {
    char *path, *format, *target, *base;
    guint64 size;
    gboolean compress, shrink, unsafe;
};

static struct work *work_new(VitrineDisk *disk)
{
    struct work *work = g_new0(struct work, 1);

    if (disk) {
        work->path = g_strdup(vitrine_disk_get_path(disk));
        work->format = g_strdup(vitrine_disk_get_format(disk));
    }
    return work;
}

static void work_free(gpointer data)
{
    struct work *work = data;

    g_free(work->path);
    g_free(work->format);
    g_free(work->target);
    g_free(work->base);
    g_free(work);
}

static ImageJob image_job(VitrineJob *job)
{
    return (ImageJob){vitrine_job_get_cancellable(job), vitrine_job_report, job};
}

/* What has been made is listed from now on. */
static void show_target(VitrineJob *job, gpointer target)
{
    if (vitrine_job_get_state(job) == JOB_DONE)
        disks_remember(target);
}

static void free_target(gpointer target, GClosure *closure)
{
    g_free(target);
}

static void run_job(VitrineJobFunc function, struct work *work, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void run_job(VitrineJobFunc function, struct work *work, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *title = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    char *target = g_strdup(work->target);
    g_autoptr(VitrineJob) job = vitrine_job_new(title, function, work, work_free);
    if (target)
        g_signal_connect_data(job, "finished", G_CALLBACK(show_target), target, free_target, 0);
    jobs_add(job);
}

/* "disk.qcow2" as "disk-copy.raw". */
static char *name_for(const char *path, const char *suffix, const char *format)
{
    g_autofree char *base = g_filename_display_basename(path);
    char *dot = strrchr(base, '.');

    if (dot && dot != base)
        *dot = '\0';
    return g_strdup_printf("%s%s.%s", base, suffix, strcmp(format, "raw") == 0 ? "img" : format);
}

/* ---- known images ---- */

void disks_remember(const char *path)
{
    GSettings *settings = vitrine_settings_get();
    g_auto(GStrv) known = g_settings_get_strv(settings, "known-images");

    if (g_strv_contains((const char *const *)known, path))
        return;
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_strv_builder_addv(builder, (const char **)known);
    g_strv_builder_add(builder, path);
    g_auto(GStrv) now = g_strv_builder_end(builder);
    g_settings_set_strv(settings, "known-images", (const char *const *)now);
}

void disks_forget(const char *path)
{
    GSettings *settings = vitrine_settings_get();
    g_auto(GStrv) known = g_settings_get_strv(settings, "known-images");
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

    for (char **other = known; *other; other++) {
        if (strcmp(*other, path) != 0)
            g_strv_builder_add(builder, *other);
    }
    g_auto(GStrv) now = g_strv_builder_end(builder);
    g_settings_set_strv(settings, "known-images", (const char *const *)now);
}

/* ---- why not ---- */

static const char *never(VitrineDisk *disk)
{
    return NULL;
}

static const char *if_unreadable(VitrineDisk *disk)
{
    return vitrine_disk_get_format(disk) ? NULL : _("The image cannot be read.");
}

/* What writes to it. */
static const char *if_in_use(VitrineDisk *disk)
{
    if (!vitrine_disk_get_format(disk))
        return _("The image cannot be read.");
    if (vitrine_disk_is_busy(disk))
        return _("A machine that uses it is running. Power it off first.");
    if (g_list_model_get_n_items(vitrine_disk_get_overlays(disk)) > 0)
        return _("Other images stand on it, so it is never written.");
    return NULL;
}

static const char *if_no_overlay(VitrineDisk *disk)
{
    return vitrine_disk_get_base(disk) ? if_in_use(disk) : _("It stands on no other image.");
}

static const char *if_not_qcow2(VitrineDisk *disk)
{
    if (g_strcmp0(vitrine_disk_get_format(disk), "qcow2") != 0)
        return _("Only images of the kind qcow2 can do this.");
    return if_in_use(disk);
}

static const char *if_wanted(VitrineDisk *disk)
{
    if (vitrine_disk_get_home(disk))
        return _("It belongs to a machine. Take it out on the machine's page.");
    if (vitrine_disk_get_users(disk)[0])
        return _("A machine uses it.");
    if (g_list_model_get_n_items(vitrine_disk_get_overlays(disk)) > 0)
        return _("Other images stand on it.");
    return NULL;
}

/* ---- check and repair ---- */

static gboolean check_work(VitrineJob *job, gpointer data, GError **error)
{
    struct work *work = data;
    ImageJob image_work = image_job(job);
    gboolean repair = work->shrink;
    g_autoptr(Image) image =
        image_open(work->path, work->format,
                   IMAGE_OPEN_FOR_CHECK | (repair ? IMAGE_OPEN_WRITABLE : IMAGE_OPEN_SHARE), error);
    g_autoptr(ImageCheck) check =
        image ? image_check(image, repair ? IMAGE_REPAIR_LEAKS | IMAGE_REPAIR_ERRORS : IMAGE_REPAIR_NONE, &image_work,
                            error)
              : NULL;

    if (!check)
        return FALSE;
    g_autofree char *name = g_filename_display_basename(work->path);
    g_autofree char *text = NULL;
    guint64 fixed = check->corruptions_fixed + check->leaks_fixed, left = check->corruptions + check->leaks;
    if (left == 0 && fixed == 0)
        text = g_strdup_printf(_("“%s” is sound"), name);
    else if (left == 0)
        text = g_strdup_printf(ngettext("“%s” is sound again: %" PRIu64 " error repaired",
                                        "“%s” is sound again: %" PRIu64 " errors repaired", fixed),
                               name, fixed);
    else if (repair)
        text = g_strdup_printf(ngettext("“%s” still has %" PRIu64 " error: bring it back from a copy",
                                        "“%s” still has %" PRIu64 " errors: bring it back from a copy", left),
                               name, left);
    else
        text = g_strdup_printf(ngettext("“%s” has %" PRIu64 " error: Repair may put it right",
                                        "“%s” has %" PRIu64 " errors: Repair can put most of them right", left),
                               name, left);
    vitrine_job_set_result(job, text);
    return TRUE;
}

static void check(GtkWidget *owner, VitrineDisk *disk)
{
    run_job(check_work, work_new(disk), _("Checking “%s”"), vitrine_disk_get_name(disk));
}

static void repair(GtkWidget *owner, VitrineDisk *disk)
{
    struct work *work = work_new(disk);

    work->shrink = TRUE; /* here: write what is found */
    run_job(check_work, work, _("Repairing “%s”"), vitrine_disk_get_name(disk));
}

/* ---- size ---- */

static gboolean resize_work(VitrineJob *job, gpointer data, GError **error)
{
    struct work *work = data;
    Image *image = image_open(work->path, work->format, IMAGE_OPEN_WRITABLE, error);
    gboolean ok = image && image_resize(image, work->size, work->shrink, error);

    return image_close(image, ok ? error : NULL) && ok;
}

static void on_resize(Form *form, GtkWidget *owner, gpointer data)
{
    struct work *work = work_new(data);

    work->shrink = form_get_active(form, "shrink");
    if (!parse_size(form_get_text(form, "size"), 1, &work->size) || work->size == 0) {
        dialogs_toast(owner, _("That is no size. Write it like 512 MiB or 4 GiB."));
        work_free(work);
        return;
    }
    run_job(resize_work, work, _("Resizing “%s”"), vitrine_disk_get_name(data));
}

static void resize(GtkWidget *owner, VitrineDisk *disk)
{
    Form *form = form_new(owner, _("Resize"),
                          _("The machine's system must then use the new room itself, with its own disk tools."),
                          _("_Resize"));
    g_autofree char *size = g_format_size_full(vitrine_disk_get_size(disk), G_FORMAT_SIZE_IEC_UNITS);

    form_add_entry(form, "size", _("New Size"), size);
    form_add_switch(form, "shrink", _("Allow It to Shrink"), _("What stands behind the new end is lost"), FALSE);
    form_run(form, on_resize, g_object_ref(disk), g_object_unref);
}

/* ---- copies ---- */

static gboolean convert_work(VitrineJob *job, gpointer data, GError **error)
{
    struct work *work = data;
    ImageJob image_work = image_job(job);
    ImageConvertOptions options = {.create = {.overwrite = TRUE}, .compress = work->compress, .verify = TRUE};
    g_autoptr(Image) image = image_open(work->path, NULL, IMAGE_OPEN_READ_ONLY, error);

    return image && image_convert(image, work->target, work->format, &options, &image_work, error);
}

static void on_convert(Form *form, GtkWidget *owner, gpointer data)
{
    struct work *work = work_new(data);

    g_free(work->format);
    work->format = g_strdup(formats[form_get_selected(form, "format")]);
    work->compress = form_get_active(form, "compress") && strcmp(work->format, "qcow2") == 0;
    work->target = g_strdup(form_get_text(form, "target"));
    if (!work->target) {
        dialogs_toast(owner, _("Choose where the copy shall be first."));
        work_free(work);
        return;
    }
    run_job(convert_work, work, _("Copying “%s”"), vitrine_disk_get_name(data));
}

static void convert(GtkWidget *owner, VitrineDisk *disk)
{
    Form *form = form_new(owner, _("Convert"),
                          _("Makes a copy of all that the disk shows, on its own feet and of the kind you choose."),
                          _("_Convert"));
    g_autofree char *name = name_for(vitrine_disk_get_path(disk), _("-copy"), "qcow2");
    const char *titles[G_N_ELEMENTS(format_titles)];

    for (size_t i = 0; i < G_N_ELEMENTS(format_titles); i++)
        titles[i] = format_titles[i] ? _(format_titles[i]) : NULL;
    form_add_choice(form, "format", _("Kind"), titles, 0);
    form_add_file(form, "target", _("Where"), NULL, name);
    form_add_switch(form, "compress", _("Compress"), _("Smaller and slower; qcow2 only"), FALSE);
    form_run(form, on_convert, g_object_ref(disk), g_object_unref);
}

static gboolean compact_work(VitrineJob *job, gpointer data, GError **error)
{
    struct work *work = data;
    ImageJob image_work = image_job(job);
    g_autoptr(ImageInfo) before = image_read_info(work->path, work->format, NULL);

    if (!image_compact(work->path, work->format, FALSE, &image_work, error))
        return FALSE;
    g_autoptr(ImageInfo) now = image_read_info(work->path, work->format, NULL);
    guint64 saved = before && now && now->disk_usage < before->disk_usage ? before->disk_usage - now->disk_usage : 0;
    g_autofree char *size = g_format_size_full(saved, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *text = g_strdup_printf(_("Compacted: %s given back"), size);
    vitrine_job_set_result(job, text);
    return TRUE;
}

static void compact(GtkWidget *owner, VitrineDisk *disk)
{
    run_job(compact_work, work_new(disk), _("Compacting “%s”"), vitrine_disk_get_name(disk));
}

/* ---- chains ---- */

static gboolean rebase_work(VitrineJob *job, gpointer data, GError **error)
{
    struct work *work = data;
    ImageJob image_work = image_job(job);

    return image_rebase(work->path, work->format, work->base, NULL, work->unsafe, &image_work, error);
}

static void on_rebase(Form *form, GtkWidget *owner, gpointer data)
{
    struct work *work = work_new(data);

    work->base = g_strdup(form_get_text(form, "base"));
    work->unsafe = form_get_active(form, "moved");
    run_job(rebase_work, work, _("Putting “%s” on another base"), vitrine_disk_get_name(data));
}

static void rebase(GtkWidget *owner, VitrineDisk *disk)
{
    VitrineDisk *base = vitrine_disk_get_base(disk);
    Form *form = form_new(owner, _("Another Base"),
                          _("What the disk shows stays the same: what the other base lacks is copied first."),
                          _("_Change"));

    form_add_file(form, "base", _("New Base"), base ? vitrine_disk_get_path(base) : NULL, NULL);
    form_add_switch(form, "moved", _("It Is the Same Base, Only Moved"), _("Copies nothing; wrong if it differs"),
                    FALSE);
    form_run(form, on_rebase, g_object_ref(disk), g_object_unref);
}

static gboolean stand_alone_work(VitrineJob *job, gpointer data, GError **error)
{
    struct work *work = data;
    ImageJob image_work = image_job(job);

    return image_rebase(work->path, work->format, NULL, NULL, FALSE, &image_work, error);
}

static void stand_alone(GtkWidget *owner, VitrineDisk *disk)
{
    run_job(stand_alone_work, work_new(disk), _("Making “%s” stand alone"), vitrine_disk_get_name(disk));
}

static gboolean merge_work(VitrineJob *job, gpointer data, GError **error)
{
    struct work *work = data;
    ImageJob image_work = image_job(job);

    return image_merge(work->path, work->format, &image_work, error);
}

static void merge(GtkWidget *owner, VitrineDisk *disk)
{
    run_job(merge_work, work_new(disk), _("Joining “%s” with its base"), vitrine_disk_get_name(disk));
}

/* ---- files ---- */

static void open_folder(GtkWidget *owner, VitrineDisk *disk)
{
    g_autofree char *folder = g_path_get_dirname(vitrine_disk_get_path(disk));
    g_autofree char *uri = g_filename_to_uri(folder, NULL, NULL);

    gtk_show_uri(GTK_WINDOW(gtk_widget_get_root(owner)), uri, GDK_CURRENT_TIME);
}

static void remember_again(gpointer path)
{
    disks_remember(path);
}

static void forget(GtkWidget *owner, VitrineDisk *disk)
{
    disks_forget(vitrine_disk_get_path(disk));
    dialogs_toast_button(owner, _("No longer shown here; the file is kept"), _("_Undo"), remember_again,
                         g_strdup(vitrine_disk_get_path(disk)), g_free);
}

const struct disk_action disk_actions[] = {
    {"check", N_("Check"), N_("Looks for errors and changes nothing"), "emblem-ok-symbolic", check, if_unreadable},
    {"repair", N_("Repair"), N_("Puts right what a check finds"), "applications-utilities-symbolic", repair, if_not_qcow2},
    {"resize", N_("Resize…"), N_("Makes the disk bigger or smaller"), "view-fullscreen-symbolic", resize, if_in_use},
    {"convert", N_("Convert…"), N_("A copy of another kind, or compressed"), "edit-copy-symbolic", convert,
     if_unreadable},
    {"compact", N_("Compact"), N_("Gives room back that the disk does not use"), "view-restore-symbolic", compact,
     if_in_use},
    {"rebase", N_("Another Base…"), N_("Lets it stand on another image, or finds one that was moved"),
     "object-flip-vertical-symbolic", rebase, if_no_overlay},
    {"merge", N_("Join With Its Base"), N_("One image less in the chain; the base stays as it is"),
     "go-down-symbolic", merge, if_no_overlay},
    {"alone", N_("Stand Alone"), N_("Takes all that is below into this image"), "object-select-symbolic", stand_alone,
     if_no_overlay},
    {"folder", N_("Open Folder"), N_("Where the file is"), "folder-open-symbolic", open_folder, never},
    {"forget", N_("Forget"), N_("Takes it from this list; the file is kept"), "list-remove-symbolic", forget,
     if_wanted},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

/* ---- a new one ---- */

static gboolean create_work(VitrineJob *job, gpointer data, GError **error)
{
    struct work *work = data;
    ImageCreateOptions options = {.size = work->size, .backing_file = work->base, .overwrite = TRUE};

    return image_create(work->target, work->format, &options, error);
}

static void on_create(Form *form, GtkWidget *owner, gpointer data)
{
    struct work *work = work_new(NULL);
    const char *base = form_get_text(form, "base");

    work->format = g_strdup(formats[form_get_selected(form, "format")]);
    work->target = g_strdup(form_get_text(form, "target"));
    work->base = g_strdup(base);
    if (!work->target)
        dialogs_toast(owner, _("Choose where the image shall be first."));
    else if (base && strcmp(work->format, "qcow2") != 0)
        dialogs_toast(owner, _("Only images of the kind qcow2 can stand on another one."));
    else if (!base && (!parse_size(form_get_text(form, "size"), 1, &work->size) || work->size == 0))
        dialogs_toast(owner, _("That is no size. Write it like 512 MiB or 4 GiB."));
    else {
        g_autofree char *name = g_filename_display_basename(work->target);
        run_job(create_work, work, _("Creating “%s”"), name);
        return;
    }
    work_free(work);
}

void disks_create_image(GtkWidget *owner)
{
    Form *form = form_new(owner, _("New Disk Image"), _("An empty disk, or one that begins as another image is."),
                          _("_Create"));
    const char *titles[G_N_ELEMENTS(format_titles)];

    for (size_t i = 0; i < G_N_ELEMENTS(format_titles); i++)
        titles[i] = format_titles[i] ? _(format_titles[i]) : NULL;
    form_add_entry(form, "size", _("Size"), "4 GiB");
    form_add_choice(form, "format", _("Kind"), titles, 0);
    form_add_file(form, "target", _("Where"), NULL, "disk.qcow2");
    form_add_file(form, "base", _("Stands On (Optional)"), NULL, NULL);
    form_run(form, on_create, NULL, NULL);
}
