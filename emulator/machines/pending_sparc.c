/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stands in for parts of the board whose files are not in the build (see meson.build): a machine with them
 * says so. */
#include "emulator/cpu/sparc/system.h"

const struct sparc_model *sparc_find_model(const char *id)
{
    static const struct sparc_model none = {.id = "none"};
    return &none;
}

struct sparc_system *sparc_system_new(struct machine *machine, const char *id,
                                      const struct sparc_model *model, struct jit *jit, GError **error)
{
    g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_CONFIG, "This build has no SPARC processor.");
    return NULL;
}
