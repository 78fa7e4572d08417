/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Firmware configuration channel; see the header for sources. */
#include "emulator/hw/misc/fw_cfg.h"

#include <string.h>

#define ID_TRADITIONAL 1u /* selector and data port, no DMA */
#define NAME_SIZE      56

static uint64_t data_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct fw_cfg *cfg = (struct fw_cfg *)dev;
    GBytes *bytes = g_hash_table_lookup(cfg->items, GUINT_TO_POINTER(cfg->key));
    gsize length = 0;
    const uint8_t *data = bytes ? g_bytes_get_data(bytes, &length) : NULL;
    return cfg->position < length ? data[cfg->position++] : 0;
}

static uint64_t selector_read(struct device *dev, uint64_t offset, unsigned size)
{
    return 0; /* write only */
}

static void selector_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct fw_cfg *cfg = (struct fw_cfg *)dev;
    cfg->key = (uint16_t)value;
    cfg->position = 0;
}

void fw_cfg_add_bytes(struct fw_cfg *cfg, unsigned key, const void *data, size_t size)
{
    g_hash_table_replace(cfg->items, GUINT_TO_POINTER(key), g_bytes_new(data, size));
}

void fw_cfg_add_string(struct fw_cfg *cfg, unsigned key, const char *text)
{
    fw_cfg_add_bytes(cfg, key, text, strlen(text) + 1);
}

void fw_cfg_add_u16(struct fw_cfg *cfg, unsigned key, uint16_t value)
{
    value = GUINT16_TO_LE(value);
    fw_cfg_add_bytes(cfg, key, &value, sizeof value);
}

void fw_cfg_add_u32(struct fw_cfg *cfg, unsigned key, uint32_t value)
{
    value = GUINT32_TO_LE(value);
    fw_cfg_add_bytes(cfg, key, &value, sizeof value);
}

void fw_cfg_add_u64(struct fw_cfg *cfg, unsigned key, uint64_t value)
{
    value = GUINT64_TO_LE(value);
    fw_cfg_add_bytes(cfg, key, &value, sizeof value);
}

static void build_directory(struct fw_cfg *cfg)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    uint32_t count = GUINT32_TO_BE(cfg->files->len);
    g_byte_array_append(out, (uint8_t *)&count, sizeof count);
    for (unsigned i = 0; i < cfg->files->len; i++) {
        GBytes *bytes = g_hash_table_lookup(cfg->items, GUINT_TO_POINTER(FW_CFG_FILE_FIRST + i));
        struct {
            uint32_t size;
            uint16_t select, reserved;
            char name[NAME_SIZE];
        } entry = {GUINT32_TO_BE((uint32_t)g_bytes_get_size(bytes)),
                   GUINT16_TO_BE((uint16_t)(FW_CFG_FILE_FIRST + i)),
                   0,
                   {0}};
        g_strlcpy(entry.name, cfg->files->pdata[i], NAME_SIZE);
        g_byte_array_append(out, (uint8_t *)&entry, sizeof entry);
    }
    fw_cfg_add_bytes(cfg, FW_CFG_FILE_DIR, out->data, out->len);
}

void fw_cfg_add_file(struct fw_cfg *cfg, const char *name, const void *data, size_t size)
{
    fw_cfg_add_bytes(cfg, FW_CFG_FILE_FIRST + cfg->files->len, data, size);
    g_ptr_array_add(cfg->files, g_strdup(name));
    build_directory(cfg);
}

static bool cfg_init(struct device *dev, GError **error)
{
    struct fw_cfg *cfg = (struct fw_cfg *)dev;
    cfg->items = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_bytes_unref);
    cfg->files = g_ptr_array_new_with_free_func(g_free);
    fw_cfg_add_bytes(cfg, FW_CFG_SIGNATURE, "QEMU", 4);
    fw_cfg_add_u32(cfg, FW_CFG_ID, ID_TRADITIONAL);
    build_directory(cfg);
    return true;
}

static void cfg_reset(struct device *dev, enum reset_kind kind)
{
    struct fw_cfg *cfg = (struct fw_cfg *)dev;
    cfg->key = FW_CFG_SIGNATURE;
    cfg->position = 0;
}

static void cfg_finish(struct device *dev)
{
    struct fw_cfg *cfg = (struct fw_cfg *)dev;
    g_clear_pointer(&cfg->items, g_hash_table_unref);
    g_clear_pointer(&cfg->files, g_ptr_array_unref);
}

static const struct state_field fields[] = {
    STATE_FIELD(struct fw_cfg, key),
    STATE_FIELD(struct fw_cfg, position),
    STATE_END,
};

const struct device_class fw_cfg_class = {
    .name = "fw-cfg",
    .description = "Firmware configuration channel",
    .size = sizeof(struct fw_cfg),
    .version = 1,
    .init = cfg_init,
    .reset = cfg_reset,
    .finish = cfg_finish,
    .fields = fields,
};

void fw_cfg_map(struct fw_cfg *cfg, struct bus *bus, uint64_t base)
{
    bus_map(bus, &(struct bus_region){.name = "firmware configuration selector",
                                      .start = base,
                                      .size = 2,
                                      .kind = BUS_MMIO,
                                      .dev = &cfg->dev,
                                      .read = selector_read,
                                      .write = selector_write,
                                      .widths = BUS_WIDTH_16});
    bus_map(bus, &(struct bus_region){.name = "firmware configuration data",
                                      .start = base + 2,
                                      .size = 1,
                                      .kind = BUS_MMIO,
                                      .dev = &cfg->dev,
                                      .read = data_read,
                                      .widths = BUS_WIDTH_8});
}
