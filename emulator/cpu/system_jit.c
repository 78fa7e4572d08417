/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "emulator/cpu/system_jit.h"

#include <errno.h>
#include <string.h>

void system_jit_close_log(FILE *log)
{
    if (log && log != stderr)
        fclose(log);
}

/* Where "jit" or "jit=FILE" among the machine's log topics leads; NULL without that topic, or with *failed.
 */
static FILE *open_jit_log(struct machine *machine, bool *failed, GError **error)
{
    g_auto(GStrv) topics = g_strsplit(machine->options.log ? machine->options.log : "", ",", -1);
    for (char **topic = topics; *topic; topic++) {
        if (strcmp(*topic, "jit") == 0)
            return stderr;
        if (!g_str_has_prefix(*topic, "jit="))
            continue;
        const char *path = *topic + strlen("jit=");
        FILE *log = fopen(path, "we");
        *failed = !log;
        if (!log)
            g_set_error(error, DEVICE_ERROR, DEVICE_ERROR_HOST, "The log “%s” cannot be written: %s.", path,
                        g_strerror(errno));
        return log;
    }
    return NULL;
}

struct jit *system_jit_new(struct machine *machine, const struct jit_guest *guest, FILE **log, GError **error)
{
    bool failed = false, interpret = machine->options.accel == ACCEL_INTERP;
    *log = open_jit_log(machine, &failed, error);
    if (failed)
        return NULL;
    struct jit_options options = {
        .log = *log,
        .accel = interpret ? JIT_ACCEL_INTERP : JIT_ACCEL_JIT,
        .deterministic = machine->options.deterministic,
        .max_tier = interpret ? 0 : 2,
    };
    struct jit *jit = jit_create(guest, &options, error);
    if (!jit) {
        system_jit_close_log(*log);
        *log = NULL;
    }
    return jit;
}
