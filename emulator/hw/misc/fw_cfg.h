/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The firmware configuration channel that OpenBIOS and SeaBIOS look for: a selector and a data port behind
 * which numbered items lie. Values are little-endian on every machine; the file directory alone is
 * big-endian. Source: the interface's public specification ("QEMU Firmware Configuration (fw_cfg) Device").
 */
#pragma once

#include "emulator/core/bus.h"
#include "emulator/core/device.h"

enum fw_cfg_key {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_UUID = 0x02,
    FW_CFG_RAM_SIZE = 0x03,
    FW_CFG_NOGRAPHIC = 0x04,
    FW_CFG_NB_CPUS = 0x05,
    FW_CFG_MACHINE_ID = 0x06,
    FW_CFG_KERNEL_ADDR = 0x07,
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_KERNEL_CMDLINE = 0x09,
    FW_CFG_INITRD_ADDR = 0x0a,
    FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_BOOT_DEVICE = 0x0c,
    FW_CFG_NUMA = 0x0d,
    FW_CFG_BOOT_MENU = 0x0e,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_KERNEL_ENTRY = 0x10,
    FW_CFG_KERNEL_DATA = 0x11,
    FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_ADDR = 0x13,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_SETUP_ADDR = 0x16,
    FW_CFG_SETUP_SIZE = 0x17,
    FW_CFG_SETUP_DATA = 0x18,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,
    FW_CFG_ARCH_LOCAL = 0x8000,
};

struct fw_cfg {
    struct device dev;
    GHashTable *items; /* key -> GBytes */
    GPtrArray *files;  /* names, in order of their keys */
    uint16_t key;
    uint32_t position;
};

extern const struct device_class fw_cfg_class;

/* Items are added by the board after the start, before the machine runs. */
void fw_cfg_add_bytes(struct fw_cfg *cfg, unsigned key, const void *data, size_t size);
void fw_cfg_add_string(struct fw_cfg *cfg, unsigned key, const char *text);
void fw_cfg_add_u16(struct fw_cfg *cfg, unsigned key, uint16_t value);
void fw_cfg_add_u32(struct fw_cfg *cfg, unsigned key, uint32_t value);
void fw_cfg_add_u64(struct fw_cfg *cfg, unsigned key, uint64_t value);
void fw_cfg_add_file(struct fw_cfg *cfg, const char *name, const void *data, size_t size);

/* Selector (16 bits) at `base`, data port at `base` + 2. */
void fw_cfg_map(struct fw_cfg *cfg, struct bus *bus, uint64_t base);
