/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A machine that runs (or is off): its screen or serial port, the commands for it, the status strip. Every
 * command is an action named machine.*; while the screen has the keyboard, the host key with a letter reaches
 * the same actions.
 */
#pragma once

#include "app/ui/application.h"

G_BEGIN_DECLS

#define VITRINE_TYPE_MACHINE_WINDOW (vitrine_machine_window_get_type())
G_DECLARE_FINAL_TYPE(VitrineMachineWindow, vitrine_machine_window, VITRINE, MACHINE_WINDOW,
                     AdwApplicationWindow)

VitrineMachineWindow *vitrine_machine_window_new(VitrineApplication *application, VitrineSession *session);
void vitrine_machine_window_start(VitrineMachineWindow *self);
/* A session of the same bundle in this window, if the one before is over. */
void vitrine_machine_window_start_again(VitrineMachineWindow *self, enum session_flags flags);
/* The window goes when the guest has switched itself off (`vitrine boot`). */
void vitrine_machine_window_set_close_at_end(VitrineMachineWindow *self, gboolean close_at_end);
/* Ends the machine without a question, because the program or the desktop's session ends: saved, so that it goes on right
 * there. Where that cannot be, it is powered off if it `must` go, else it runs on. TRUE while it is not off yet; called
 * again until it is. */
gboolean vitrine_machine_window_end(VitrineMachineWindow *self, gboolean must);
gboolean vitrine_machine_window_shows(VitrineMachineWindow *self, const char *folder);

G_END_DECLS
