/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/app/memory_moment.h"

#include <string.h>

#define PAGES     12u
#define RAM_BLOCK "ram"

void memory_fill(guint8 *to, gsize size, guint32 a, guint32 b)
{
    for (gsize i = 0; i < size; i += 8) {
        guint64 word = (guint64)b << 32 | a;
        word = i ? (word + i) * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15) : word;
        memcpy(to + i, &word, 8);
    }
}

char *memory_moment_take(const char *bundle, const char *name, guint32 memory)
{
    g_autoptr(MachineIni) machine = history_read_machine(bundle, NULL);
    if (!machine)
        return NULL;
    g_autoptr(HistoryRecord) record = g_new0(HistoryRecord, 1);
    record->id = history_new_id(bundle);
    record->parent = history_here(bundle, machine);
    record->name = g_strdup(name);
    record->machine = machine_ini_copy(machine);
    record->time = g_get_real_time();
    g_autofree char *building = history_begin_node(bundle, record->id, NULL);
    if (!building)
        return NULL;
    g_autofree char *packs = history_ram_folder(bundle), *table = g_build_filename(building, "ram", NULL);
    g_autofree char *state = g_build_filename(building, "state", NULL);
    g_autofree guint8 *pages = g_malloc0(PAGES * RAM_STORE_PAGE);
    for (guint32 i = 0; i < PAGES; i++) /* some are shared by many moments, some are zeros */
        if (i % 4)
            memory_fill(pages + i * RAM_STORE_PAGE, RAM_STORE_PAGE, i, i % 4 == 1 ? 1 : memory);
    gboolean named = FALSE, ok = history_new_layers(bundle, machine, NULL);
    if (ok) {
        g_free(machine->here);
        machine->here = g_strdup(record->id);
        g_free(machine->before);
        machine->before = g_strdup(record->parent);
        named = ok = history_write_machine(bundle, machine, NULL);
    }
    if (ok)
        history_freeze_layers(bundle, record->machine);
    struct ram_writer *writer = ok ? ram_writer_new(packs, NULL, NULL) : NULL;
    ok = writer && vitrine_write_file(state, "state", 5, NULL) && ram_writer_block(writer, RAM_BLOCK, PAGES, NULL) &&
         ram_writer_pages(writer, PAGES, NULL, pages, NULL) && ram_writer_finish(writer, table, NULL);
    ram_writer_free(writer);
    ok = ok && history_finish_node(bundle, building, record, NULL);
    if (!ok) {
        history_drop_node(building);
        if (!named)
            history_collect(bundle, NULL, NULL);
        return NULL;
    }
    return g_steal_pointer(&record->id);
}

gboolean memory_moment_is(const char *bundle, const char *id, guint32 memory)
{
    g_autofree char *path = history_node_file(bundle, id, "ram"), *packs = history_ram_folder(bundle);
    g_autofree guint8 *pages = g_malloc0(PAGES * RAM_STORE_PAGE), *expected = g_malloc0(RAM_STORE_PAGE);
    g_autoptr(GError) error = NULL;
    g_autoptr(RamTable) table = ram_table_read(path, &error);

    if (!table || !ram_table_load(table, packs, RAM_BLOCK, pages, PAGES * RAM_STORE_PAGE, &error))
        g_error("the memory of %s: %s", id, error->message);
    for (guint32 i = 0; memory && i < PAGES; i++) {
        if (i % 4)
            memory_fill(expected, RAM_STORE_PAGE, i, i % 4 == 1 ? 1 : memory);
        else
            memset(expected, 0, RAM_STORE_PAGE);
        if (memcmp(expected, pages + i * RAM_STORE_PAGE, RAM_STORE_PAGE) != 0)
            return FALSE;
    }
    return TRUE;
}
