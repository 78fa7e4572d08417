/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the running window share: machine_window.c shows, machine_commands.c and machine_media.c do. */
#pragma once

#include "app/ui/machine_window.h"

#include "app/history.h"
#include "app/ui/rewind_bar.h"
#include "app/ui/screen.h"
#include "app/ui/serial_view.h"
#include "app/ui/status_strip.h"

struct _VitrineMachineWindow {
    AdwApplicationWindow parent;
    VitrineSession *session;
    VitrineHistory *history; /* of its bundle; NULL: it has none */
    gboolean close_at_end, closing, force_close;
    gboolean ending, tried_to_end, must_end; /* because the program or the desktop's session ends */
    gboolean fault_seen, fault_gone; /* why it could not run is something in its description or its files */
    char *view;
    char *complained; /* the complaint that has been told */

    AdwFlap *flap;
    GtkWidget *header, *start_button, *pause_button, *full_screen_button, *off_fresh_button, *off_repair_button,
        *off_start_button, *off_start_label;
    GtkMenuButton *menu_button;
    AdwWindowTitle *title;
    AdwToastOverlay *toasts;
    GtkStack *stack;
    AdwStatusPage *off_page, *working_page;
    GtkRevealer *curtain, *status_revealer;
    VitrineScreen *screen;
    VitrineSerialView *serial;
    VitrineStatusStrip *status;
    VitrineRewindBar *rewind;
    GMenu *keys_section;
    GtkSpinner *spinner;
    GtkDropTarget *drop_target;
};

/* Shows what the session's state is now. */
void machine_window_update(VitrineMachineWindow *self);
/* Writes the state; the window goes when that is done. */
void machine_window_save_and_close(VitrineMachineWindow *self);
/* A menu has closed: the keyboard goes to what the window shows of a running machine. */
void machine_window_return_keyboard(VitrineMachineWindow *self);
/* Gives keyboard and pointer back to the desktop. */
void machine_window_release(VitrineMachineWindow *self);
/* "Right Ctrl + Esc lets the mouse go"; valid until the next call. */
const char *machine_window_release_hint(void);

/* In class_init: the actions, and in init of a window with a session: the menu of the family's keys. */
void machine_commands_install(GtkWidgetClass *widget);
void machine_commands_fill_keys(VitrineMachineWindow *self);
void machine_media_install(GtkWidgetClass *widget);
/* Files dropped on the window or on a drive's light (`drive` NULL: the first that takes them). */
gboolean machine_media_drop(VitrineMachineWindow *self, const char *drive, GSList *files);
