/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every text that a person reads goes through _() (or N_() in a table, and _() where it is shown). */
#pragma once

#include <glib/gi18n-lib.h>
