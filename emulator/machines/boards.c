/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list of boards, in the order in which the library shows them. */
#include "emulator/machines/board.h"
#include "emulator/machines/sun4m.h"

const struct board *const boards[] = {
    &sun4m_ss5,
    &sun4m_ss20,
    &sun4m_classic,
    NULL,
};
