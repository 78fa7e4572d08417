/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "emulator/machines/sun4m_kernel.h"

#include <elf.h>
#include <string.h>

#include "emulator/core/i18n.h"
#include "emulator/machines/loader.h"

#define KERNEL_VIRTUAL  0xf0000000ull /* where Linux and SunOS are linked */
#define KERNEL_LOAD     0x4000ull
#define CMDLINE_ADDRESS 0x7ff000ull
#define CMDLINE_MAX     0x1000u
#define INITRD_ADDRESS  0x800000ull
#define MIB             0x100000ull

struct kernel_loader {
    struct device dev;
    struct bus *bus;
    struct ram_block *ram;
    GBytes *kernel, *initrd;
    char *append;
    uint64_t kernel_size, initrd_at;
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_be32(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

/* Linux's header for boot loaders: "HdrS" near the kernel's start (Linux arch/sparc/kernel/head_32.S); the
 * ramdisk's address and size stand 16 and 20 bytes behind it. */
static void tell_ramdisk(struct ram_block *ram, uint64_t address, uint64_t size)
{
    for (uint64_t at = KERNEL_LOAD; at < KERNEL_LOAD + 0x10000; at += 4) {
        uint8_t *p = ram->host + at;
        if (!memcmp(p, "HdrS", 4) && be32(p + 8) >> 16 >= 0x0201) {
            put_be32(p + 16, (uint32_t)address);
            put_be32(p + 20, (uint32_t)size);
            return;
        }
    }
}

/* Puts kernel, ramdisk and command line into memory: now, and again whenever the machine is reset. */
static bool place_kernel(struct kernel_loader *loader, GError **error)
{
    struct loaded_image loaded = {0};
    uint64_t ram = loader->ram->size;
    if (loader_is_elf(loader->kernel)) {
        if (!loader_elf(loader->bus, loader->kernel, EM_SPARC, KERNEL_VIRTUAL, 0, ram, _("The kernel"), &loaded,
                        error))
            return false;
        loader->kernel_size = loaded.end - loaded.start;
    } else {
        gsize size;
        const void *data = g_bytes_get_data(loader->kernel, &size);
        if (size > ram - KERNEL_LOAD) {
            g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_FILE,
                        _("The kernel can’t be loaded: it does not fit into the memory of this computer."));
            return false;
        }
        dma_write(loader->bus, KERNEL_LOAD, data, size);
        loaded.end = KERNEL_LOAD + size;
        loader->kernel_size = size;
    }
    if (loader->initrd) {
        gsize size;
        const void *data = g_bytes_get_data(loader->initrd, &size);
        loader->initrd_at = MAX(INITRD_ADDRESS, (loaded.end + MIB - 1) / MIB * MIB);
        if (loader->initrd_at > ram || size > ram - loader->initrd_at) {
            g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_FILE,
                        _("The initial ramdisk does not fit beside the kernel: give the computer more memory."));
            return false;
        }
        dma_write(loader->bus, loader->initrd_at, data, size);
        tell_ramdisk(loader->ram, loader->initrd_at, size);
    }
    if (loader->append)
        dma_write(loader->bus, CMDLINE_ADDRESS, loader->append, strlen(loader->append) + 1);
    return true;
}

static void kernel_loader_reset(struct device *dev, enum reset_kind kind)
{
    struct kernel_loader *loader = (struct kernel_loader *)dev;
    if (loader->kernel && kind != RESET_POWER_ON)
        place_kernel(loader, NULL);
}

static void kernel_loader_finish(struct device *dev)
{
    struct kernel_loader *loader = (struct kernel_loader *)dev;
    g_clear_pointer(&loader->kernel, g_bytes_unref);
    g_clear_pointer(&loader->initrd, g_bytes_unref);
    g_clear_pointer(&loader->append, g_free);
}

static const struct device_class kernel_loader_class = {
    .name = "kernel-loader",
    .description = "puts a kernel given to the emulator into memory",
    .size = sizeof(struct kernel_loader),
    .version = 1,
    .reset = kernel_loader_reset,
    .finish = kernel_loader_finish,
};

bool sun4m_load_kernel(struct bus *bus, struct ram_block *ram, const struct engine_config *config,
                       struct machine *machine, struct fw_cfg *cfg, GError **error)
{
    struct kernel_loader *loader =
        (struct kernel_loader *)device_new(machine, &kernel_loader_class, "kernel-loader");
    if (!device_start(&loader->dev, error))
        return false;
    loader->bus = bus;
    loader->ram = ram;
    if (!config->kernel && config->initrd) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG, _("An initial ramdisk needs a kernel."));
        return false;
    }
    if (config->append && strlen(config->append) >= CMDLINE_MAX) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_CONFIG,
                    _("The kernel’s command line is too long."));
        return false;
    }
    if (config->kernel) {
        loader->append = config->append && *config->append ? g_strdup(config->append) : NULL;
        loader->kernel = board_load_file(config->kernel, ram->size, _("kernel"), error);
        if (!loader->kernel)
            return false;
        if (config->initrd) {
            loader->initrd = board_load_file(config->initrd, ram->size, _("initial ramdisk"), error);
            if (!loader->initrd)
                return false;
        }
        if (!place_kernel(loader, error))
            return false;
    }
    const bool has_line = loader->append != NULL;
    const char *append = has_line ? loader->append : "";
    const size_t length = strlen(append) + 1,
                 initrd_size = loader->initrd ? g_bytes_get_size(loader->initrd) : 0;
    fw_cfg_add_u32(cfg, FW_CFG_KERNEL_ADDR, config->kernel ? (uint32_t)KERNEL_LOAD : 0);
    fw_cfg_add_u32(cfg, FW_CFG_KERNEL_SIZE, (uint32_t)loader->kernel_size);
    fw_cfg_add_u32(cfg, FW_CFG_KERNEL_CMDLINE, has_line ? (uint32_t)CMDLINE_ADDRESS : 0);
    fw_cfg_add_u32(cfg, FW_CFG_CMDLINE_ADDR, has_line ? (uint32_t)CMDLINE_ADDRESS : 0);
    fw_cfg_add_u32(cfg, FW_CFG_CMDLINE_SIZE, has_line ? (uint32_t)length : 0);
    fw_cfg_add_string(cfg, FW_CFG_CMDLINE_DATA, has_line ? append : "");
    fw_cfg_add_u32(cfg, FW_CFG_INITRD_ADDR, (uint32_t)loader->initrd_at);
    fw_cfg_add_u32(cfg, FW_CFG_INITRD_SIZE, (uint32_t)initrd_size);
    return true;
}
