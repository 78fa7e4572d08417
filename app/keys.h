/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Characters and key names as key codes of linux/input-event-codes.h. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* The key that types `character` on a US keyboard; false if none does. */
bool keys_for_character(gunichar character, unsigned *code, bool *shift);

/* "Stop+A", "Ctrl+Alt+Delete": codes, ending with 0, at most `max` with the 0; false if a name is unknown. */
bool keys_parse_chord(const char *text, unsigned *codes, unsigned max);
