/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sun4m computers; see sun4m.c. */
#pragma once

#include "emulator/machines/board.h"

extern const struct board sun4m_ss5, sun4m_ss20, sun4m_classic;
