/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * New machine, in at most five pages: system or medium, computer, memory and disk, devices, summary. What is
 * offered comes from data/profiles and the engine's models; every default is valid and Create can be pressed
 * on each page.
 */
#pragma once

#include "app/ui/application.h"

G_BEGIN_DECLS

#define VITRINE_TYPE_WIZARD (vitrine_wizard_get_type())
G_DECLARE_FINAL_TYPE(VitrineWizard, vitrine_wizard, VITRINE, WIZARD, AdwWindow)

/* `medium`: path of an install disc or a disk image to begin with, or NULL. */
void vitrine_wizard_present(VitrineApplication *application, GtkWindow *parent, const char *medium);

G_END_DECLS
