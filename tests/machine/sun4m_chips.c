/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/machine/sun4m_chips.h"

#include <glib/gstdio.h>

static void set_level(void *opaque, unsigned cpu, unsigned level)
{
    if (!cpu)
        ((struct board *)opaque)->level = level;
}

static bool ready(void *opaque)
{
    return sbus_dma_ready(opaque);
}

static bool from_memory(void *opaque, void *data, uint32_t size)
{
    return sbus_dma_read(opaque, data, size);
}

static bool to_memory(void *opaque, const void *data, uint32_t size)
{
    return sbus_dma_write(opaque, data, size);
}

static void channel(void *opaque, bool on)
{
    if (on)
        esp_dma_enabled(opaque);
}

static uint64_t no_instructions(void *opaque)
{
    return 0;
}

Image *make_image(struct board *b, const char *name, size_t size)
{
    g_autofree char *path = g_build_filename(b->folder, name, NULL);
    g_autofree uint8_t *data = g_malloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = board_image_byte(i);
    g_assert_true(g_file_set_contents(path, (char *)data, (gssize)size, NULL));
    g_autoptr(GError) error = NULL;
    Image *image = image_open(path, "raw", IMAGE_OPEN_WRITABLE, &error);
    g_assert_no_error(error);
    return image;
}

static struct scsi_target *add_target(struct board *b, unsigned id, bool cd, struct block_backend *block)
{
    g_autofree char *name = g_strdup_printf("scsi%u", id);
    struct scsi_target *t = (struct scsi_target *)device_new(b->machine, &scsi_target_class, name);
    t->block = block;
    t->id = id;
    t->cdrom = cd;
    t->physical_block = cd ? 2048 : 512;
    g_assert_true(device_start(&t->dev, NULL));
    return b->esp->target[id] = t;
}

struct board *board_new(void)
{
    struct board *b = g_new0(struct board, 1);
    struct machine_options options = {.deterministic = true, .ns_per_insn = 10, .rtc_base = 1000000000};
    b->folder = g_dir_make_tmp("vitrine-dev-XXXXXX", NULL);
    b->machine = machine_new("test", &options);
    clock_set_instruction_source(b->machine->clock, no_instructions, NULL);
    b->bus = machine_add_bus(b->machine, "system", BUS_BIG_ENDIAN, BUS_UNASSIGNED_ERROR);
    struct ram_block *ram = ram_block_new(b->machine->memory, "ram", 4 << 20, false, NULL);
    bus_map(b->bus, &(struct bus_region){.size = ram->size, .kind = BUS_RAM, .block = ram});

    b->intc = (struct slavio_intc *)device_new(b->machine, &slavio_intc_class, "intc");
    b->intc->cpus = 2;
    b->intc->set_level = set_level;
    b->intc->set_level_opaque = b;
    g_assert_true(device_start(&b->intc->dev, NULL));
    slavio_intc_map(b->intc, b->bus, CPU_IC, SYS_IC);

    b->timer = (struct slavio_timer *)device_new(b->machine, &slavio_timer_class, "timer");
    b->timer->irq[0] = &b->intc->cpu_timers[0];
    b->timer->irq[SLAVIO_TIMER_CPUS] = &b->intc->inputs[SLAVIO_IRQ_TIMER];
    g_assert_true(device_start(&b->timer->dev, NULL));
    slavio_timer_map(b->timer, b->bus, CPU_CT, SYS_CT);

    struct sun4m_iommu *iommu = (struct sun4m_iommu *)device_new(b->machine, &sun4m_iommu_class, "iommu");
    struct bus *dvma = machine_add_bus(b->machine, "dvma", BUS_BIG_ENDIAN, BUS_UNASSIGNED_ERROR);
    iommu->irq = &b->intc->inputs[SLAVIO_IRQ_M2S_ERROR];
    g_assert_true(device_start(&iommu->dev, NULL));
    sun4m_iommu_map(iommu, b->bus, IOMMU, dvma);

    b->dma = (struct sbus_dma *)device_new(b->machine, &sbus_dma_class, "espdma");
    b->esp = (struct esp *)device_new(b->machine, &esp_class, "esp");
    b->disk = block_backend_new(b->machine, "disk0", make_image(b, "disk.raw", DISK_BLOCKS * 512), false);
    b->cd = block_backend_new(b->machine, "cdrom", make_image(b, "cd.iso", CD_BYTES), true);
    b->floppy = block_backend_new(b->machine, "floppy", make_image(b, "floppy.img", 1474560), false);
    add_target(b, 0, false, b->disk);
    add_target(b, 2, true, b->cd);
    b->dma->dvma = dvma;
    b->dma->irq = &b->intc->inputs[SLAVIO_IRQ_SCSI];
    b->dma->reset_out = &b->esp->reset_in;
    b->dma->enabled = channel;
    b->dma->enabled_opaque = b->esp;
    b->esp->irq = &b->dma->irq_in;
    b->esp->dma = (struct esp_dma){ready, from_memory, to_memory, b->dma};
    g_assert_true(device_start(&b->dma->dev, NULL));
    g_assert_true(device_start(&b->esp->dev, NULL));
    sbus_dma_map(b->dma, b->bus, DMA);
    esp_map(b->esp, b->bus, ESP, 4);

    b->nvram = (struct m48t08 *)device_new(b->machine, &m48t08_class, "nvram");
    g_assert_true(device_start(&b->nvram->dev, NULL));
    m48t08_map(b->nvram, b->bus, NVRAM);

    b->fdc = (struct fdc *)device_new(b->machine, &fdc_class, "fdc");
    b->fdc->irq = &b->intc->inputs[SLAVIO_IRQ_FLOPPY];
    b->fdc->drive[0].block = b->floppy;
    g_assert_true(device_start(&b->fdc->dev, NULL));
    fdc_map(b->fdc, b->bus, FDC);
    struct slavio_misc *misc = (struct slavio_misc *)device_new(b->machine, &slavio_misc_class, "misc");
    misc->floppy_terminal_count = &b->fdc->terminal_count;
    g_assert_true(device_start(&misc->dev, NULL));
    slavio_misc_map(misc, b->bus, &(struct slavio_misc_map){.aux1 = AUX1, .aux2 = AUX2, .system_control = SYSCTL});

    b->cfg = (struct fw_cfg *)device_new(b->machine, &fw_cfg_class, "fw-cfg");
    g_assert_true(device_start(&b->cfg->dev, NULL));
    fw_cfg_map(b->cfg, b->bus, FWCFG);
    machine_reset(b->machine, RESET_POWER_ON);
    return b;
}

void board_free(struct board *b)
{
    machine_free(b->machine);
    static const char *const names[] = {"disk.raw", "cd.iso", "floppy.img", "other.iso"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(b->folder, names[i], NULL);
        g_unlink(path);
    }
    g_rmdir(b->folder);
    g_free(b->folder);
    g_free(b);
}

uint32_t rd(struct board *b, uint64_t address, unsigned size)
{
    uint64_t value;
    g_assert_cmpint(bus_read(b->bus, address, size, &value), ==, BUS_OK);
    return (uint32_t)value;
}

void wr(struct board *b, uint64_t address, unsigned size, uint32_t value)
{
    g_assert_cmpint(bus_write(b->bus, address, size, value), ==, BUS_OK);
}

void run_ns(struct board *b, int64_t ns)
{
    struct clock *clock = b->machine->clock;
    int64_t end = clock_now(clock) + ns;
    while (clock_next_deadline(clock) <= end) {
        clock_skip_to(clock, clock_next_deadline(clock));
        clock_run_due(clock);
    }
    clock_skip_to(clock, end);
}
