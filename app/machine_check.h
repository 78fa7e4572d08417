/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is impossible or pointless in a machine's description, in sentences that say what to do about it. The engine
 * refuses what it cannot build by itself; this tells it before, and beside the setting concerned.
 */
#pragma once

#include "app/machine_ini.h"

enum machine_finding_level {
    FINDING_NOTE,  /* it runs, but something set here has no effect */
    FINDING_ERROR, /* it cannot start like this */
};

struct machine_finding {
    enum machine_finding_level level;
    const char *setting; /* "model", "memory", "display", "disks", "cdrom", "floppy", "boot", "kernel",
                            "firmware" */
    char *text;          /* a sentence or two */
};

/* struct machine_finding, errors first; empty when all is well. `folder`: of the bundle. Looks for the files that are
 * named, without opening them. */
GPtrArray *machine_check(const char *folder, const MachineIni *machine);
/* The first about this setting; NULL. */
const struct machine_finding *machine_check_find(const GPtrArray *findings, const char *setting);
