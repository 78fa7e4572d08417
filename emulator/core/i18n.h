/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The engine's sentences for people go through _() too: in the domain of the program that it is part of. */
#pragma once

#include <glib/gi18n.h>
