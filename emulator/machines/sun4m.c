/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clang-format off: the diagram */
/*
 * Sun's sun4m workstations: SPARCstation 5, SPARCclassic, SPARCstation 20. One board file, one row per
 * computer: the chips are the same (SLAVIO, MACIO, a frame buffer on SBus), their addresses and the processor
 * differ.
 *
 *      processor ── memory
 *          │
 *     bus (36 bits) ──┬── boot PROM
 *                     ├── SLAVIO: interrupts, counters, two serial chips, NVRAM with clock, floppy,
 *                     │           auxiliary, power
 *                     ├── frame buffer (TCX or cgthree)
 *                     ├── CS4231 audio, APC (SPARCstation 5)
 *                     └── IOMMU ── DVMA ──┬── DMA channel ── ESP ── SCSI disks, CD-ROM
 *                                         └── DMA channel ── LANCE ── Ethernet
 *
 * Sources: "Sun-4M System Architecture", NCR89C100/89C105 data manuals, STP1012 user's manual; for what
 * OpenBIOS expects of fw_cfg and NVRAM, its documentation and observed behaviour.
 */
/* clang-format on */
#include <elf.h>
#include <string.h>

#include "emulator/core/i18n.h"
#include "emulator/cpu/sparc/system.h"
#include "emulator/hw/audio/cs4231.h"
#include "emulator/hw/block/esp.h"
#include "emulator/hw/block/fdc.h"
#include "emulator/hw/char/escc.h"
#include "emulator/hw/display/cg3.h"
#include "emulator/hw/display/tcx.h"
#include "emulator/hw/input/sun_keyboard.h"
#include "emulator/hw/input/sun_mouse.h"
#include "emulator/hw/intc/slavio_intc.h"
#include "emulator/hw/misc/apc.h"
#include "emulator/hw/misc/fw_cfg.h"
#include "emulator/hw/misc/sbus_dma.h"
#include "emulator/hw/misc/slavio_misc.h"
#include "emulator/hw/misc/sun4m_ecc.h"
#include "emulator/hw/misc/sun4m_iommu.h"
#include "emulator/hw/net/lance.h"
#include "emulator/hw/timer/m48t08.h"
#include "emulator/hw/timer/slavio_timer.h"
#include "emulator/machines/board.h"
#include "emulator/machines/loader.h"
#include "emulator/machines/sun4m_kernel.h"

#define FW_CFG_BASE  0xd00000510ull
#define PROM_SIZE    0x100000u
#define PROM_VIRTUAL 0xffd00000ull /* where OpenBIOS is linked */

/* fw_cfg keys of this architecture */
#define FW_CFG_SUN4M_DEPTH  (FW_CFG_ARCH_LOCAL + 0)
#define FW_CFG_SUN4M_WIDTH  (FW_CFG_ARCH_LOCAL + 1)
#define FW_CFG_SUN4M_HEIGHT (FW_CFG_ARCH_LOCAL + 2)

/* IDPROM, at the end of the NVRAM's memory: format, machine type, Ethernet address, date, serial number,
 * checksum */
#define IDPROM_OFFSET 0x1fd8
#define NVRAM_CONFIG  0x1fd0 /* what OpenBIOS divides into partitions */

struct sun4m_row {
    const char *cpu;     /* sparc_find_model() */
    uint16_t machine_id; /* fw_cfg */
    uint8_t idprom_type;
    uint32_t iommu_id;
    uint64_t iommu, prom, idreg, dma, esp, lance, framebuffer;
    uint64_t keyboard, serial, nvram, floppy, counter_cpu, counter_system, intc_cpu, intc_system;
    bool mbus; /* the processor is an MBus module */
    uint64_t audio, apc, ecc; /* 0 = none */
    struct slavio_misc_map misc;
    uint64_t empty[4][2]; /* decoded, but empty: start, end */
};

struct sun4m {
    struct machine *machine;
    struct board_setup *setup;
    const struct sun4m_row *row;
    struct bus *bus, *dvma, *lance_bus;
    struct slavio_intc *intc;
    struct ram_block *ram;
};

/* ---- wires ---- */

static void set_cpu_level(void *opaque, unsigned cpu, unsigned level)
{
    struct machine *machine = opaque;
    if (cpu < machine->cpu_count)
        machine->cpus[cpu]->driver->set_irq(machine->cpus[cpu], 0, level);
}

static bool esp_ready(void *opaque)
{
    return sbus_dma_ready(opaque);
}

static bool esp_from_memory(void *opaque, void *data, uint32_t size)
{
    return sbus_dma_read(opaque, data, size);
}

static bool esp_to_memory(void *opaque, const void *data, uint32_t size)
{
    return sbus_dma_write(opaque, data, size);
}

static void esp_channel_changed(void *opaque, bool on)
{
    if (on)
        esp_dma_enabled(opaque);
}

static bool port_read(void *opaque, uint64_t address, void *data, size_t size)
{
    return dma_read(opaque, address, data, size) == BUS_OK;
}

static bool port_write(void *opaque, uint64_t address, const void *data, size_t size)
{
    return dma_write(opaque, address, data, size) == BUS_OK;
}

static void lance_reset_pin(void *opaque, int number, bool level)
{
    if (level)
        lance_reset(opaque);
}

static struct irq_line *irq(struct sun4m *b, enum slavio_irq input)
{
    return &b->intc->inputs[input];
}

/* Makes a device whose struct begins with `struct device`. */
#define NEW(b, type, cls, id) ((type *)device_new((b)->machine, &(cls), id))

/* ---- the blocks of the diagram ---- */

static bool build_memory(struct sun4m *b, GError **error)
{
    const struct sun4m_row *row = b->row;
    uint64_t size = (uint64_t)b->setup->ram_mib << 20;
    b->ram = ram_block_new(b->machine->memory, "ram", size, false, error);
    struct ram_block *prom =
        b->ram ? ram_block_new(b->machine->memory, "prom", PROM_SIZE, true, error) : NULL;
    struct ram_block *id =
        prom ? ram_block_new(b->machine->memory, "sbus-id", RAM_PAGE_SIZE, true, error) : NULL;
    if (!id)
        return false;
    bus_map(b->bus, &(struct bus_region){.name = "memory", .size = size, .kind = BUS_RAM, .block = b->ram});
    bus_map(b->bus,
            &(struct bus_region){
                .name = "boot PROM", .start = row->prom, .size = PROM_SIZE, .kind = BUS_ROM, .block = prom});
    /* FCode identification of the on-board MACIO (SBus slot "f"): "SUNW,macio" devices are found by it. */
    static const uint8_t macio_id[] = {0xfe, 0x81, 0x01, 0x03};
    memcpy(id->host, macio_id, sizeof macio_id);
    bus_map(b->bus, &(struct bus_region){
                        .name = "MACIO id", .start = row->idreg, .size = 4, .kind = BUS_ROM, .block = id});
    for (unsigned i = 0; i < G_N_ELEMENTS(row->empty); i++) {
        if (row->empty[i][1] > row->empty[i][0])
            bus_map(b->bus, &(struct bus_region){.name = "empty",
                                                 .start = row->empty[i][0],
                                                 .size = row->empty[i][1] - row->empty[i][0],
                                                 .kind = BUS_EMPTY,
                                                 .priority = -1});
    }
    return true;
}

static bool load_firmware(struct sun4m *b, GError **error)
{
    const struct sun4m_row *row = b->row;
    g_autoptr(GBytes) firmware = board_load_firmware(b->setup, error);
    if (!firmware)
        return false;
    if (loader_is_elf(firmware)) {
        struct loaded_image loaded;
        return loader_elf(b->bus, firmware, EM_SPARC, PROM_VIRTUAL, row->prom, row->prom + PROM_SIZE,
                          "The firmware", &loaded, error);
    }
    gsize length;
    const void *data = g_bytes_get_data(firmware, &length);
    if (length > PROM_SIZE) {
        g_set_error(error, ENGINE_ERROR_DOMAIN, ENGINE_ERROR_FIRMWARE,
                    _("The firmware is too large: the boot PROM holds 1 MiB."));
        return false;
    }
    rom_write(b->bus, row->prom, data, length);
    return true;
}

static bool build_processors(struct sun4m *b, GError **error)
{
    const struct sparc_model *model = sparc_find_model(b->row->cpu);
    struct jit *jit = NULL;
    g_assert(model);
    for (unsigned i = 0; i < b->setup->cpus; i++) {
        g_autofree char *id = g_strdup_printf("cpu%u", i);
        struct sparc_system *cpu = sparc_system_new(b->machine, id, model, jit, error);
        if (!cpu)
            return false;
        jit = cpu->base.jit;
        cpu->state.bus = b->bus;
        cpu->state.prom_base = b->row->prom;
        if (b->row->mbus) /* the slot straps the module's number, which shows in the port register */
            cpu->state.mxcc_registers[15] = (uint64_t)(8 + i) << 24;
        if (!device_start(&cpu->base.cpu.dev, error))
            return false;
        machine_add_cpu(b->machine, &cpu->base.cpu);
    }
    return true;
}

static bool build_slavio(struct sun4m *b, GError **error)
{
    const struct sun4m_row *row = b->row;
    b->intc = NEW(b, struct slavio_intc, slavio_intc_class, "intc");
    b->intc->cpus = SLAVIO_MAX_CPUS; /* the chip has four sets, whatever is fitted */
    b->intc->set_level = set_cpu_level;
    b->intc->set_level_opaque = b->machine;
    if (!device_start(&b->intc->dev, error))
        return false;
    slavio_intc_map(b->intc, b->bus, row->intc_cpu, row->intc_system);

    struct slavio_timer *timer = NEW(b, struct slavio_timer, slavio_timer_class, "timer");
    timer->cpus = SLAVIO_TIMER_CPUS;
    for (unsigned i = 0; i < SLAVIO_TIMER_CPUS; i++)
        timer->irq[i] = &b->intc->cpu_timers[i];
    timer->irq[SLAVIO_TIMER_CPUS] = irq(b, SLAVIO_IRQ_TIMER);
    if (!device_start(&timer->dev, error))
        return false;
    slavio_timer_map(timer, b->bus, row->counter_cpu, row->counter_system);

    struct fdc *fdc = NEW(b, struct fdc, fdc_class, "fdc");
    fdc->irq = irq(b, SLAVIO_IRQ_FLOPPY);
    fdc->drive[0].block = b->setup->floppy;
    if (!device_start(&fdc->dev, error))
        return false;
    fdc_map(fdc, b->bus, row->floppy);

    struct slavio_misc *misc = NEW(b, struct slavio_misc, slavio_misc_class, "misc");
    misc->floppy_terminal_count = &fdc->terminal_count;
    if (!device_start(&misc->dev, error))
        return false;
    slavio_misc_map(misc, b->bus, &row->misc);
    return true;
}

/* Two serial chips: keyboard and mouse; ttya and ttyb. */
static bool build_serial(struct sun4m *b, GError **error)
{
    struct sun_keyboard *keyboard = NEW(b, struct sun_keyboard, sun_keyboard_class, "keyboard");
    struct sun_mouse *mouse = NEW(b, struct sun_mouse, sun_mouse_class, "mouse");
    if (!device_start(&keyboard->dev, error) || !device_start(&mouse->dev, error))
        return false;
    machine_add_input(b->machine, &keyboard->sink);
    machine_add_input(b->machine, &mouse->sink);

    struct escc *zs1 = NEW(b, struct escc, escc_class, "zs-keyboard");
    zs1->channel[ESCC_A].line = &keyboard->line;
    zs1->channel[ESCC_B].line = &mouse->line;
    zs1->irq = irq(b, SLAVIO_IRQ_KBDMS);
    zs1->preset_baud = 1200; /* OpenBIOS reads the keyboard without setting its port up */
    struct escc *zs0 = NEW(b, struct escc, escc_class, "zs-serial");
    zs0->channel[ESCC_A].line = b->setup->serial[0];
    zs0->channel[ESCC_B].line = b->setup->serial[1];
    zs0->irq = irq(b, SLAVIO_IRQ_SERIAL);
    if (!device_start(&zs1->dev, error) || !device_start(&zs0->dev, error))
        return false;
    escc_map(zs1, b->bus, b->row->keyboard);
    escc_map(zs0, b->bus, b->row->serial);
    return true;
}

static bool build_iommu(struct sun4m *b, GError **error)
{
    struct sun4m_iommu *iommu = NEW(b, struct sun4m_iommu, sun4m_iommu_class, "iommu");
    iommu->id = b->row->iommu_id;
    iommu->irq = irq(b, SLAVIO_IRQ_M2S_ERROR);
    if (!device_start(&iommu->dev, error))
        return false;
    b->dvma = machine_add_bus(b->machine, "dvma", BUS_BIG_ENDIAN, BUS_UNASSIGNED_ERROR);
    sun4m_iommu_map(iommu, b->bus, b->row->iommu, b->dvma);
    return true;
}

static bool add_drive(struct sun4m *b, struct esp *esp, struct block_backend *block, unsigned unit,
                      bool cdrom, GError **error)
{
    g_autofree char *id = g_strdup_printf("scsi%u", unit);
    struct scsi_target *target = NEW(b, struct scsi_target, scsi_target_class, id);
    target->block = block;
    if (!device_set_uint(&target->dev, "id", unit, error) ||
        !device_set_uint(&target->dev, "cdrom", cdrom, error))
        return false;
    /* Sun's PROM boots CD-ROMs in blocks of 512 bytes; drivers that want 2048 say so with MODE SELECT
     * (Linux's sr works with what READ CAPACITY says). The usual block of the medium is what the drive starts
     * with. */
    if (cdrom && (!device_set_string(&target->dev, "product", "CD-ROM", error) ||
                  !device_set_uint(&target->dev, "block-size", 2048, error)))
        return false;
    if (!device_start(&target->dev, error))
        return false;
    esp->target[unit] = target;
    return true;
}

static bool build_scsi(struct sun4m *b, GError **error)
{
    struct sbus_dma *dma = NEW(b, struct sbus_dma, sbus_dma_class, "espdma");
    struct esp *esp = NEW(b, struct esp, esp_class, "esp");
    for (unsigned i = 0; i < b->setup->disk_count; i++)
        if (!add_drive(b, esp, b->setup->disk[i].block, b->setup->disk[i].unit, false, error))
            return false;
    if (b->setup->cdrom && !add_drive(b, esp, b->setup->cdrom, 2, true, error))
        return false;
    dma->dvma = b->dvma;
    dma->irq = irq(b, SLAVIO_IRQ_SCSI);
    dma->reset_out = &esp->reset_in;
    dma->enabled = esp_channel_changed;
    dma->enabled_opaque = esp;
    esp->irq = &dma->irq_in;
    esp->dma =
        (struct esp_dma){.ready = esp_ready, .read = esp_from_memory, .write = esp_to_memory, .opaque = dma};
    if (!device_start(&dma->dev, error) || !device_start(&esp->dev, error))
        return false;
    sbus_dma_map(dma, b->bus, b->row->dma);
    esp_map(esp, b->bus, b->row->esp, 4);
    return true;
}

/* The wire from the DMA channel's reset bit to the LANCE. */
struct lance_wire {
    struct device dev;
    struct irq_line reset;
};
static const struct state_field lance_wire_fields[] = {STATE_IRQ_LINES(struct lance_wire, reset), STATE_END};
static const struct device_class lance_wire_class = {
    .name = "lance-reset-wire",
    .description = "reset line of the Ethernet chip",
    .size = sizeof(struct lance_wire),
    .version = 1,
    .fields = lance_wire_fields,
};

static bool build_ethernet(struct sun4m *b, GError **error)
{
    struct sbus_dma *dma = NEW(b, struct sbus_dma, sbus_dma_class, "ledma");
    struct lance *lance = NEW(b, struct lance, lance_class, "lance");
    struct lance_wire *wire = NEW(b, struct lance_wire, lance_wire_class, "lance-reset");
    b->lance_bus = machine_add_bus(b->machine, "lance", BUS_BIG_ENDIAN, BUS_UNASSIGNED_ERROR);
    if (!device_set_uint(&dma->dev, "ethernet", true, error))
        return false;
    irq_init(&wire->reset, lance_reset_pin, lance, 0);
    dma->dvma = b->dvma;
    dma->irq = irq(b, SLAVIO_IRQ_ETHERNET);
    dma->reset_out = &wire->reset;
    lance->irq = &dma->irq_in;
    lance->net = b->setup->net;
    lance->dma = (struct dma_port){.read = port_read, .write = port_write, .opaque = b->lance_bus};
    if (!device_start(&dma->dev, error) || !device_start(&lance->dev, error) ||
        !device_start(&wire->dev, error))
        return false;
    sbus_dma_map_chip(dma, b->lance_bus);
    sbus_dma_map(dma, b->bus, b->row->dma + 0x10);
    lance_map(lance, b->bus, b->row->lance);
    return true;
}

static bool build_display(struct sun4m *b, unsigned *width, unsigned *height, unsigned *depth, GError **error)
{
    const char *display = b->setup->display;
    *width = 1024;
    *height = 768;
    *depth = 8;
    if (!strcmp(display, "none"))
        return true;
    if (!strcmp(display, "cg3")) {
        struct cg3 *cg3 = NEW(b, struct cg3, cg3_class, "cgthree");
        g_autofree char *rom = board_find_optional(b->setup, "QEMU,cgthree.bin");
        cg3->irq = irq(b, SLAVIO_IRQ_SBUS1 + 4); /* level 5 of the slot: interrupt 9 */
        if ((rom && !device_set_string(&cg3->dev, "rom", rom, error)) || !device_start(&cg3->dev, error))
            return false;
        cg3_map(cg3, b->bus, b->row->framebuffer);
        return true;
    }
    struct tcx *tcx = NEW(b, struct tcx, tcx_class, "tcx");
    g_autofree char *rom = board_find_optional(b->setup, "QEMU,tcx.bin");
    *depth = strcmp(display, "tcx24") ? 8 : 24;
    tcx->irq = irq(b, SLAVIO_IRQ_SBUS1 + 4);
    if (!device_set_uint(&tcx->dev, "depth", *depth, error) ||
        (rom && !device_set_string(&tcx->dev, "rom", rom, error)) || !device_start(&tcx->dev, error))
        return false;
    tcx_map(tcx, b->bus, b->row->framebuffer);
    return true;
}

static bool build_extras(struct sun4m *b, GError **error)
{
    if (b->row->audio) {
        struct cs4231 *codec = NEW(b, struct cs4231, cs4231_class, "audio");
        codec->irq = irq(b, SLAVIO_IRQ_MODULE);
        codec->audio = b->setup->audio;
        codec->dma = (struct dma_port){.read = port_read, .write = port_write, .opaque = b->dvma};
        if (!device_start(&codec->dev, error))
            return false;
        cs4231_map(codec, b->bus, b->row->audio);
    }
    if (b->row->apc) {
        struct apc *apc = NEW(b, struct apc, apc_class, "apc");
        if (!device_start(&apc->dev, error))
            return false;
        apc_map(apc, b->bus, b->row->apc);
    }
    if (b->row->ecc) {
        struct sun4m_ecc *ecc = NEW(b, struct sun4m_ecc, sun4m_ecc_class, "ecc");
        if (!device_start(&ecc->dev, error))
            return false;
        sun4m_ecc_map(ecc, b->bus, b->row->ecc);
    }
    return true;
}

/* ---- what the battery keeps ---- */

static void write_partition(uint8_t *p, uint8_t signature, const char *name, unsigned size)
{
    /* Header of a CHRP NVRAM partition: signature, checksum, length in 16-byte units, name. */
    p[0] = signature;
    p[2] = (uint8_t)(size / 16 >> 8);
    p[3] = (uint8_t)(size / 16);
    size_t length = MIN(strlen(name), 12);
    memcpy(p + 4, name, length);
    unsigned sum = p[0];
    for (unsigned i = 2; i < 16; i++) {
        sum += p[i];
        sum = (sum & 0xff) + (sum >> 8);
    }
    p[1] = (uint8_t)sum;
}

static void write_idprom(const struct sun4m *b, uint8_t *id, const uint8_t mac[6])
{
    memset(id, 0, 16);
    id[0] = 1; /* format */
    id[1] = b->row->idprom_type;
    memcpy(id + 2, mac, 6);
    memcpy(id + 12, mac + 3, 3); /* serial number: the lower part of the host id */
    for (unsigned i = 0; i < 15; i++)
        id[15] ^= id[i];
}

static bool build_nvram(struct sun4m *b, GError **error)
{
    struct m48t08 *nvram = NEW(b, struct m48t08, m48t08_class, "nvram");
    if (!device_start(&nvram->dev, error))
        return false;
    m48t08_map(nvram, b->bus, b->row->nvram);
    uint8_t mac[6] = {0x08, 0x00, 0x20, 0xc0, 0xff, 0xee}; /* 08:00:20 is Sun's */
    static const uint8_t none[6];
    if (memcmp(b->setup->mac, none, 6))
        memcpy(mac, b->setup->mac, 6);
    const unsigned system = 0xc10; /* size of the partition that holds the firmware's variables */
    write_partition(nvram->bytes, 0x70, "common", system);
    /* OpenBIOS gives the sound chip an interrupt that the controller does not have (5, where "on board, level 9" is 29):
     * the boot script in the battery-backed memory, which Sun meant for such things, puts it right. */
    static const char variables[] = "use-nvramrc?=true\0"
                                    "nvramrc=\" /iommu/sbus/SUNW,CS4231\" find-device "
                                    "h# 29 encode-int 0 encode-int encode+ \" intr\" property device-end\0";
    if (b->row->audio)
        memcpy(nvram->bytes + 16, variables, sizeof(variables));
    write_partition(nvram->bytes + system, 0x7f, "777777777777", NVRAM_CONFIG - system);
    write_idprom(b, nvram->bytes + IDPROM_OFFSET, mac);
    b->setup->nvram = nvram->bytes;
    b->setup->nvram_size = M48T08_CLOCK;
    return true;
}

static char boot_letter(const struct board_setup *setup)
{
    const char *boot = setup->config->boot;
    if (boot)
        return !strcmp(boot, "cdrom")     ? 'd'
               : !strcmp(boot, "floppy")  ? 'a'
               : !strcmp(boot, "network") ? 'n'
                                          : 'c';
    return setup->disk_count || !setup->cdrom || !setup->cdrom->present ? 'c' : 'd';
}

static bool sun4m_build(struct machine *machine, struct board_setup *setup, GError **error)
{
    struct sun4m board = {.machine = machine, .setup = setup, .row = setup->board->data}, *b = &board;
    b->bus = machine_add_bus(machine, "system", BUS_BIG_ENDIAN, BUS_UNASSIGNED_ERROR);
    bus_begin_change(b->bus);
    unsigned width, height, depth;
    bool ok = build_memory(b, error) && build_processors(b, error) && build_slavio(b, error) &&
              build_iommu(b, error) && build_serial(b, error) && build_nvram(b, error) &&
              build_scsi(b, error) && build_ethernet(b, error) &&
              build_display(b, &width, &height, &depth, error) && build_extras(b, error);
    bus_end_change(b->bus);
    if (!ok || !load_firmware(b, error))
        return false;

    struct fw_cfg *cfg = NEW(b, struct fw_cfg, fw_cfg_class, "fw-cfg");
    if (!device_start(&cfg->dev, error))
        return false;
    static const uint8_t no_uuid[16];
    fw_cfg_add_bytes(cfg, FW_CFG_UUID, no_uuid, sizeof no_uuid);
    fw_cfg_add_u64(cfg, FW_CFG_RAM_SIZE, b->ram->size);
    fw_cfg_add_u16(cfg, FW_CFG_NOGRAPHIC, !strcmp(setup->display, "none"));
    fw_cfg_add_u16(cfg, FW_CFG_NB_CPUS, (uint16_t)setup->cpus);
    fw_cfg_add_u16(cfg, FW_CFG_MAX_CPUS, (uint16_t)setup->cpus);
    fw_cfg_add_u16(cfg, FW_CFG_MACHINE_ID, b->row->machine_id);
    fw_cfg_add_u16(cfg, FW_CFG_BOOT_DEVICE, (uint16_t)boot_letter(setup));
    fw_cfg_add_u16(cfg, FW_CFG_SUN4M_DEPTH, (uint16_t)depth);
    fw_cfg_add_u16(cfg, FW_CFG_SUN4M_WIDTH, (uint16_t)width);
    fw_cfg_add_u16(cfg, FW_CFG_SUN4M_HEIGHT, (uint16_t)height);
    fw_cfg_map(cfg, b->bus, FW_CFG_BASE);
    return sun4m_load_kernel(b->bus, b->ram, setup->config, machine, cfg, error);
}

/* ---- the rows ---- */

static const struct engine_firmware sun4m_firmware[] = {
    {"openbios-sparc32", N_("OpenBIOS for SPARC"), "openbios-sparc", true},
    {"QEMU,tcx.bin", N_("FCode of the TCX frame buffer"), "openbios-sparc", false},
    {"QEMU,cgthree.bin", N_("FCode of the cgthree frame buffer"), "openbios-sparc", false},
    {NULL, NULL, NULL, false},
};

static const struct engine_choice sun4m_displays[] = {
    {"tcx8", N_("TCX, 256 colours")},
    {"tcx24", N_("TCX S24, 16 million colours")},
    {"cg3", N_("cgthree, 256 colours")},
    {"none", N_("None: console on the serial port")},
    {NULL, NULL},
};

static const unsigned disk_units[] = {0, 1, 3, 4, 5, 6};
static const unsigned ss5_ram[] = {16, 32, 64, 128, 256, 0};
static const unsigned classic_ram[] = {16, 32, 64, 96, 128, 0};
static const unsigned ss20_ram[] = {32, 64, 128, 256, 512, 0};

#define SUN4M_MODEL                                                                                          \
    .family = "sparc", .family_title = N_("Sun SPARC"), .displays = sun4m_displays,                          \
    .disk_units = G_N_ELEMENTS(disk_units), .disk_unit_numbers = disk_units, .has_cdrom = true,              \
    .has_floppy = true, .has_network = true, .serial_ports = 2, .has_pointer = true,                         \
    .firmware = sun4m_firmware

#define JAVELIN_MAP                                                                                          \
    .iommu = 0x10000000, .prom = 0x70000000, .idreg = 0x78000000, .dma = 0x78400000, .esp = 0x78800000,      \
    .lance = 0x78c00000, .framebuffer = 0x50000000, .keyboard = 0x71000000, .serial = 0x71100000,            \
    .nvram = 0x71200000, .floppy = 0x71400000, .counter_cpu = 0x71d00000, .counter_system = 0x71d10000,      \
    .intc_cpu = 0x71e00000, .intc_system = 0x71e10000, .empty = {{0, 0x10000000}, {0x10004000, 0x1ffff000}}

static const struct sun4m_row ss5_row = {
    .cpu = "mb86904",
    .machine_id = 32,
    .idprom_type = 0x80,
    .iommu_id = 0x05000000,
    JAVELIN_MAP,
    .audio = 0x6c000000,
    .apc = 0x6a000000,
    .misc = {.leds = 0x71600000,
             .configuration = 0x71800000,
             .aux1 = 0x71900000,
             .aux2 = 0x71910000,
             .diagnostic = 0x71a00000,
             .modem = 0x71b00000,
             .system_control = 0x71f00000,
             .afx = 0x6e000000},
};

const struct board sun4m_ss5 = {
    .model = {.id = "ss5",
              .title = "SPARCstation 5",
              .description = N_(
                  "Sun’s workstation of 1994 with a microSPARC II processor, SCSI, Ethernet and sound. Runs "
                  "SunOS 4.1.4, Solaris 2.3 to 9, NetBSD, OpenBSD and Linux."),
              .cpu = "microSPARC II (MB86904)",
              .year = 1994,
              .ram_min_mib = 16,
              .ram_max_mib = 256,
              .ram_default_mib = 64,
              .ram_choices_mib = ss5_ram,
              .has_audio = true,
              SUN4M_MODEL},
    .ns_per_insn = 5,
    .build = sun4m_build,
    .data = &ss5_row,
};

static const struct sun4m_row classic_row = {
    .cpu = "tms390s10",
    .machine_id = 36,
    .idprom_type = 0x80,
    .iommu_id = 0x04000000,
    JAVELIN_MAP,
    .audio = 0x6c000000, /* these two because OpenBIOS's device tree names them, and Linux uses them */
    .apc = 0x6a000000,
    .misc = {.leds = 0x71600000,
             .configuration = 0x71800000,
             .aux1 = 0x71900000,
             .aux2 = 0x71910000,
             .diagnostic = 0x71a00000,
             .modem = 0x71b00000,
             .system_control = 0x71f00000},
};

const struct board sun4m_classic = {
    .model = {.id = "classic",
              .title = "SPARCclassic",
              .description = N_(
                  "Sun’s small workstation of 1992 with a microSPARC processor. Runs SunOS 4.1.3c, Solaris "
                  "2.1 to 9, NetBSD and OpenBSD."),
              .cpu = "microSPARC (TMS390S10)",
              .year = 1992,
              .ram_min_mib = 16,
              .ram_max_mib = 128,
              .ram_default_mib = 64,
              .ram_choices_mib = classic_ram,
              SUN4M_MODEL},
    .ns_per_insn = 10,
    .build = sun4m_build,
    .data = &classic_row,
};

static const struct sun4m_row ss20_row = {
    .cpu = "tms390z50",
    .machine_id = 65,
    .mbus = true,
    .ecc = 0xf00000000,
    .idprom_type = 0x72,
    .iommu_id = 0x13000000,
    .iommu = 0xfe0000000,
    .prom = 0xff0000000,
    .idreg = 0xef0000000,
    .dma = 0xef0400000,
    .esp = 0xef0800000,
    .lance = 0xef0c00000,
    .apc = 0xefa000000, /* OpenBIOS's device tree names it, and Linux idles by it */
    .framebuffer = 0xe20000000,
    .keyboard = 0xff1000000,
    .serial = 0xff1100000,
    .nvram = 0xff1200000,
    .floppy = 0xff1700000,
    .counter_cpu = 0xff1300000,
    .counter_system = 0xff1310000,
    .intc_cpu = 0xff1400000,
    .intc_system = 0xff1410000,
    .misc = {.configuration = 0xff1a00000,
             .aux1 = 0xff1800000,
             .aux2 = 0xff1a01000,
             .leds = 0xff1600000,
             .system_control = 0xff1f00000},
    .empty = {{0, 0x100000000}},
};

const struct board sun4m_ss20 = {
    .model = {.id = "ss20",
              .title = "SPARCstation 20",
              .description = N_(
                  "Sun’s fast desktop of 1994 with a SuperSPARC processor. Runs SunOS 4.1.4, Solaris 2.3 to "
                  "9, NetBSD and Linux."),
              .cpu = "SuperSPARC (TMS390Z50)",
              .year = 1994,
              .ram_min_mib = 32,
              .ram_max_mib = 512,
              .ram_default_mib = 128,
              .ram_choices_mib = ss20_ram,
              SUN4M_MODEL},
    .ns_per_insn = 5,
    .build = sun4m_build,
    .data = &ss20_row,
};
