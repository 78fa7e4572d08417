/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sun4m board's chips at register level: SCSI with its DMA channel and IOMMU, counters, interrupts,
 * NVRAM, floppy. */
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "emulator/core/machine.h"
#include "emulator/hw/block/esp.h"
#include "emulator/hw/block/fdc.h"
#include "emulator/hw/intc/slavio_intc.h"
#include "emulator/hw/misc/fw_cfg.h"
#include "emulator/hw/misc/sbus_dma.h"
#include "emulator/hw/misc/slavio_misc.h"
#include "emulator/hw/misc/sun4m_iommu.h"
#include "emulator/hw/timer/m48t08.h"
#include "emulator/hw/timer/slavio_timer.h"
#include "images/images.h"

#define DMA    0x78400000u
#define ESP    0x78800000u
#define IOMMU  0x10000000u
#define FDC    0x71400000u
#define NVRAM  0x71200000u
#define FWCFG  0xd00000510ull
#define CPU_IC 0x71e00000u
#define SYS_IC 0x71e10000u
#define CPU_CT 0x71d00000u
#define SYS_CT 0x71d10000u
#define AUX1   0x71900000u

#define DISK_BLOCKS 4096u
#define CD_BYTES    (600u * 2048u)

struct board {
    struct machine *machine;
    struct bus *bus;
    struct slavio_intc *intc;
    struct slavio_timer *timer;
    struct esp *esp;
    struct sbus_dma *dma;
    struct m48t08 *nvram;
    struct fdc *fdc;
    struct fw_cfg *cfg;
    struct block_backend *disk, *cd, *floppy;
    unsigned level;
    char *folder;
};

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

/* A raw image whose bytes tell where they stand. */
static Image *make_image(struct board *b, const char *name, size_t size)
{
    g_autofree char *path = g_build_filename(b->folder, name, NULL);
    g_autofree uint8_t *data = g_malloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 31 + (i >> 9));
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

static struct board *board_new(void)
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
    slavio_misc_map(misc, b->bus, &(struct slavio_misc_map){.aux1 = AUX1});

    b->cfg = (struct fw_cfg *)device_new(b->machine, &fw_cfg_class, "fw-cfg");
    g_assert_true(device_start(&b->cfg->dev, NULL));
    fw_cfg_map(b->cfg, b->bus, FWCFG);
    machine_reset(b->machine, RESET_POWER_ON);
    return b;
}

static void board_free(struct board *b)
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

static uint32_t rd(struct board *b, uint64_t address, unsigned size)
{
    uint64_t value;
    g_assert_cmpint(bus_read(b->bus, address, size, &value), ==, BUS_OK);
    return (uint32_t)value;
}

static void wr(struct board *b, uint64_t address, unsigned size, uint32_t value)
{
    g_assert_cmpint(bus_write(b->bus, address, size, value), ==, BUS_OK);
}

/* Lets virtual time pass until the condition or for a second. */
static void run_ns(struct board *b, int64_t ns)
{
    struct clock *clock = b->machine->clock;
    int64_t end = clock_now(clock) + ns;
    while (clock_next_deadline(clock) <= end) {
        clock_skip_to(clock, clock_next_deadline(clock));
        clock_run_due(clock);
    }
    clock_skip_to(clock, end);
}

#define ESP_REG(n) (ESP + 4u * (n))
enum { TCLOW, TCMED, FIFO, COMMAND, STATUS, INTERRUPT, STEP, FLAGS, CONFIG1, CONFIG2 = 11, TCHIGH = 14 };

static uint8_t esp_wait(struct board *b)
{
    struct clock *clock = b->machine->clock;
    int64_t end = clock_now(clock) + NS_PER_SECOND;
    while (!(rd(b, ESP_REG(STATUS), 1) & 0x80) && clock_next_deadline(clock) <= end) {
        clock_skip_to(clock, clock_next_deadline(clock));
        clock_run_due(clock);
    }
    g_assert_cmphex(rd(b, ESP_REG(STATUS), 1) & 0x80, ==, 0x80);
    g_assert_cmphex(rd(b, DMA, 4) & 1, ==, 1); /* the channel shows the chip's interrupt */
    return (uint8_t)rd(b, ESP_REG(STATUS), 1);
}

static uint8_t esp_interrupt(struct board *b)
{
    esp_wait(b);
    return (uint8_t)rd(b, ESP_REG(INTERRUPT), 1);
}

#define PTE_TABLE   0x00100000u
#define DVMA_BASE   0xfe000000u
#define BUFFER      0x00200000u
#define BUFFER_DVMA 0xfe010000u

/* A 32 MiB window; the buffer's pages are mapped in reverse order, so that translation shows. */
static void setup_iommu(struct board *b)
{
    wr(b, IOMMU, 4, 1 << 2 | 1);
    wr(b, IOMMU + 4, 4, PTE_TABLE >> 4);
    for (unsigned i = 0; i < 32; i++) {
        uint32_t page = BUFFER + (31 - i) * 0x1000;
        wr(b, PTE_TABLE + ((BUFFER_DVMA - DVMA_BASE) >> 12) * 4 + i * 4, 4, page >> 4 | 6);
    }
    wr(b, DMA, 4, 0x10); /* interrupts on */
}

static uint64_t buffer_address(uint32_t offset)
{
    return BUFFER + (31 - (offset >> 12)) * 0x1000 + (offset & 0xfff);
}

static void dma_command(struct board *b, uint8_t command, uint32_t dvma, uint32_t count, bool to_mem)
{
    wr(b, ESP_REG(TCLOW), 1, count & 0xff);
    wr(b, ESP_REG(TCMED), 1, count >> 8 & 0xff);
    wr(b, DMA, 4, 0x210 | (to_mem ? 0x100 : 0));
    wr(b, DMA + 4, 4, dvma);
    wr(b, ESP_REG(COMMAND), 1, command | 0x80);
}

/* A whole command as Linux's driver does it; returns the status byte. Data are in the buffer's second half.
 */
static uint8_t scsi(struct board *b, unsigned id, const uint8_t *cdb, unsigned length, uint32_t data, bool in,
                    uint32_t *moved)
{
    uint64_t at = buffer_address(0);
    wr(b, at, 1, 0x80); /* IDENTIFY, unit 0 */
    for (unsigned i = 0; i < length; i++)
        wr(b, at + 1 + i, 1, cdb[i]);
    wr(b, ESP_REG(STATUS), 1, id);
    dma_command(b, 0x42, BUFFER_DVMA, length + 1, false);
    uint8_t status = esp_wait(b);
    g_assert_cmphex(rd(b, ESP_REG(STEP), 1), ==, 4);
    g_assert_cmphex(rd(b, ESP_REG(INTERRUPT), 1), ==, 0x18);
    g_assert_cmphex(rd(b, DMA, 4) & 1, ==, 0);
    uint32_t done = 0;
    while ((status & 7) == (in ? 1 : 0)) {
        g_assert_cmpuint(done, <, data);
        uint32_t part = MIN(data - done, 0x8000);
        dma_command(b, 0x10, BUFFER_DVMA + 0x10000 + done % 0x10000, part, in);
        status = esp_wait(b);
        uint32_t left = status & 0x10 ? 0 : rd(b, ESP_REG(TCLOW), 1) | rd(b, ESP_REG(TCMED), 1) << 8;
        g_assert_cmphex(rd(b, ESP_REG(INTERRUPT), 1), ==, 0x10);
        done += part - left;
    }
    if (moved)
        *moved = done;
    g_assert_cmphex(status & 7, ==, 3);
    wr(b, ESP_REG(COMMAND), 1, 0x01);
    wr(b, ESP_REG(COMMAND), 1, 0x11);
    g_assert_cmphex(esp_interrupt(b), ==, 0x08);
    g_assert_cmpuint(rd(b, ESP_REG(FLAGS), 1) & 0x1f, ==, 2);
    uint8_t result = (uint8_t)rd(b, ESP_REG(FIFO), 1);
    g_assert_cmphex(rd(b, ESP_REG(FIFO), 1), ==, 0x00); /* COMMAND COMPLETE */
    wr(b, ESP_REG(COMMAND), 1, 0x12);
    g_assert_cmphex(esp_interrupt(b), ==, 0x20); /* bus free */
    return result;
}

static uint8_t data_byte(struct board *b, uint32_t offset)
{
    return (uint8_t)rd(b, buffer_address(0x10000 + offset), 1);
}

static void clear_attention(struct board *b, unsigned id)
{
    static const uint8_t tur[6];
    g_assert_cmphex(scsi(b, id, tur, 6, 0, true, NULL), ==, 2);
    static const uint8_t sense[6] = {0x03, 0, 0, 0, 18, 0};
    uint32_t moved;
    g_assert_cmphex(scsi(b, id, sense, 6, 18, true, &moved), ==, 0);
    g_assert_cmpuint(moved, ==, 18);
    /* The unit attention went with the command that failed. */
    g_assert_cmphex(data_byte(b, 2), ==, 6);
    g_assert_cmphex(data_byte(b, 12), ==, 0x29);
    g_assert_cmphex(scsi(b, id, tur, 6, 0, true, NULL), ==, 0);
}

static void test_scsi_commands(void)
{
    struct board *b = board_new();
    uint32_t moved;
    setup_iommu(b);
    static const uint8_t inquiry[6] = {0x12, 0, 0, 0, 255, 0};
    g_assert_cmphex(scsi(b, 0, inquiry, 6, 255, true, &moved), ==, 0);
    g_assert_cmpuint(moved, ==, 36);
    g_assert_cmphex(data_byte(b, 0), ==, 0);
    g_assert_cmpint(data_byte(b, 8), ==, 'V');
    g_assert_cmphex(scsi(b, 2, inquiry, 6, 36, true, &moved), ==, 0);
    g_assert_cmphex(data_byte(b, 0), ==, 5);
    g_assert_cmphex(data_byte(b, 1), ==, 0x80);
    clear_attention(b, 0);
    clear_attention(b, 2);

    static const uint8_t capacity[10] = {0x25};
    g_assert_cmphex(scsi(b, 0, capacity, 10, 8, true, &moved), ==, 0);
    g_assert_cmphex(rd(b, buffer_address(0x10000), 4), ==, DISK_BLOCKS - 1);
    g_assert_cmphex(rd(b, buffer_address(0x10004), 4), ==, 512);
    static const uint8_t capacity16[16] = {0x9e, 0x10, [13] = 32};
    g_assert_cmphex(scsi(b, 0, capacity16, 16, 32, true, &moved), ==, 0);
    g_assert_cmphex(rd(b, buffer_address(0x10004), 4), ==, DISK_BLOCKS - 1);
    g_assert_cmphex(scsi(b, 2, capacity, 10, 8, true, &moved), ==, 0);
    g_assert_cmphex(rd(b, buffer_address(0x10004), 4), ==, 2048);

    static const uint8_t beyond[10] = {0x28, 0, 0, 0, DISK_BLOCKS >> 8, 0, 0, 0, 1, 0};
    g_assert_cmphex(scsi(b, 0, beyond, 10, 512, true, &moved), ==, 2);
    g_assert_cmpuint(moved, ==, 0);
    static const uint8_t sense[6] = {0x03, 0, 0, 0, 18, 0};
    scsi(b, 0, sense, 6, 18, true, NULL);
    g_assert_cmphex(data_byte(b, 2), ==, 5);
    g_assert_cmphex(data_byte(b, 12), ==, 0x21);
    static const uint8_t unknown[6] = {0x0c};
    g_assert_cmphex(scsi(b, 0, unknown, 6, 0, true, NULL), ==, 2);
    board_free(b);
}

static void test_scsi_read_write(void)
{
    struct board *b = board_new();
    uint32_t moved;
    setup_iommu(b);
    clear_attention(b, 0);
    /* 100 blocks from 200 on: several transfers, pieces across pages */
    static const uint8_t read10[10] = {0x28, 0, 0, 0, 0, 200, 0, 0, 100, 0};
    g_assert_cmphex(scsi(b, 0, read10, 10, 51200, true, &moved), ==, 0);
    g_assert_cmpuint(moved, ==, 51200);
    for (uint32_t i = 0; i < 51200; i += 37) {
        size_t at = 200 * 512 + i;
        g_assert_cmphex(data_byte(b, i), ==, (uint8_t)(at * 31 + (at >> 9)));
    }
    for (uint32_t i = 0; i < 2048; i++)
        wr(b, buffer_address(0x10000 + i), 1, (i * 13 + 5) & 0xff);
    static const uint8_t write6[6] = {0x0a, 0, 1, 44, 4, 0}; /* blocks 300..303 */
    g_assert_cmphex(scsi(b, 0, write6, 6, 2048, false, &moved), ==, 0);
    g_assert_cmpuint(moved, ==, 2048);
    uint8_t back[2048];
    g_assert_true(image_pread(block_backend_image(b->disk), 300 * 512, back, sizeof back, NULL));
    for (uint32_t i = 0; i < 2048; i++)
        g_assert_cmphex(back[i], ==, (i * 13 + 5) & 0xff);
    static const uint8_t sync[10] = {0x35};
    g_assert_cmphex(scsi(b, 0, sync, 10, 0, true, NULL), ==, 0);
    static const uint8_t read16[16] = {0x88, [8] = 1, 44, [13] = 1};
    g_assert_cmphex(scsi(b, 0, read16, 16, 512, true, &moved), ==, 0);
    g_assert_cmphex(data_byte(b, 1), ==, 18);
    static const uint8_t read12[12] = {0xa8, [4] = 1, 45, [9] = 1};
    g_assert_cmphex(scsi(b, 0, read12, 12, 512, true, &moved), ==, 0);
    g_assert_cmphex(data_byte(b, 0), ==, (512 * 13 + 5) & 0xff);
    /* WRITE SAME (16), UNMAP flag: zeros */
    for (uint32_t i = 0; i < 512; i++)
        wr(b, buffer_address(0x10000 + i), 1, 0);
    static const uint8_t same[16] = {0x93, 0x08, [8] = 1, 44, [13] = 4};
    g_assert_cmphex(scsi(b, 0, same, 16, 512, false, &moved), ==, 0);
    g_assert_true(image_pread(block_backend_image(b->disk), 300 * 512, back, sizeof back, NULL));
    for (uint32_t i = 0; i < 2048; i++)
        g_assert_cmphex(back[i], ==, 0);
    board_free(b);
}

static void test_scsi_absent_target(void)
{
    struct board *b = board_new();
    setup_iommu(b);
    wr(b, ESP_REG(STATUS), 1, 5);
    wr(b, ESP_REG(FIFO), 1, 0x80);
    wr(b, ESP_REG(COMMAND), 1, 0x42);
    g_assert_cmphex(rd(b, ESP_REG(STATUS), 1) & 0x80, ==, 0);
    esp_wait(b);
    g_assert_cmphex(rd(b, ESP_REG(STEP), 1), ==, 0);
    g_assert_cmphex(rd(b, ESP_REG(INTERRUPT), 1), ==, 0x20);
    g_assert_cmphex(rd(b, ESP_REG(STATUS), 1) & 0x80, ==, 0);
    board_free(b);
}

static void test_scsi_programmed_io(void)
{
    struct board *b = board_new();
    static const uint8_t inquiry[] = {0x80, 0x12, 0, 0, 0, 5, 0};
    wr(b, ESP_REG(COMMAND), 1, 0x01);
    for (unsigned i = 0; i < sizeof inquiry; i++)
        wr(b, ESP_REG(FIFO), 1, inquiry[i]);
    g_assert_cmpuint(rd(b, ESP_REG(FLAGS), 1) & 0x1f, ==, 7);
    wr(b, ESP_REG(STATUS), 1, 0);
    wr(b, ESP_REG(COMMAND), 1, 0x42);
    g_assert_cmphex(esp_wait(b) & 7, ==, 1);
    g_assert_cmphex(rd(b, ESP_REG(INTERRUPT), 1), ==, 0x18);
    uint8_t data[5];
    for (unsigned i = 0; i < 5; i++) { /* a byte per command */
        wr(b, ESP_REG(COMMAND), 1, 0x10);
        g_assert_cmphex(esp_interrupt(b), ==, 0x10);
        data[i] = (uint8_t)rd(b, ESP_REG(FIFO), 1);
    }
    g_assert_cmphex(data[2], ==, 5);
    g_assert_cmphex(data[4], ==, 31);
    g_assert_cmphex(rd(b, ESP_REG(STATUS), 1) & 7, ==, 3);
    wr(b, ESP_REG(COMMAND), 1, 0x10); /* the status byte by itself */
    g_assert_cmphex(esp_interrupt(b), ==, 0x10);
    g_assert_cmphex(rd(b, ESP_REG(FIFO), 1), ==, 0);
    g_assert_cmphex(rd(b, ESP_REG(STATUS), 1) & 7, ==, 7);
    wr(b, ESP_REG(COMMAND), 1, 0x10); /* the message: ACK stands */
    g_assert_cmphex(esp_interrupt(b), ==, 0x08);
    g_assert_cmphex(rd(b, ESP_REG(FIFO), 1), ==, 0);
    wr(b, ESP_REG(COMMAND), 1, 0x12);
    g_assert_cmphex(esp_interrupt(b), ==, 0x20);
    board_free(b);
}

/* SELECT WITH ATN AND STOP, then a synchronous negotiation, as Linux's driver does it. */
static void test_scsi_negotiation(void)
{
    struct board *b = board_new();
    static const uint8_t sdtr[] = {0x01, 0x03, 0x01, 25, 15};
    wr(b, ESP_REG(FIFO), 1, 0xc0);
    wr(b, ESP_REG(STATUS), 1, 0);
    wr(b, ESP_REG(COMMAND), 1, 0x43);
    g_assert_cmphex(esp_wait(b) & 7, ==, 6);
    g_assert_cmphex(rd(b, ESP_REG(STEP), 1), ==, 1);
    g_assert_cmphex(rd(b, ESP_REG(INTERRUPT), 1), ==, 0x18);
    for (unsigned i = 0; i < sizeof sdtr; i++)
        wr(b, ESP_REG(FIFO), 1, sdtr[i]);
    wr(b, ESP_REG(COMMAND), 1, 0x10);
    g_assert_cmphex(esp_wait(b) & 7, ==, 7);
    g_assert_cmphex(rd(b, ESP_REG(INTERRUPT), 1), ==, 0x10);
    uint8_t reply[5];
    for (unsigned i = 0; i < 5; i++) {
        wr(b, ESP_REG(COMMAND), 1, 0x10);
        g_assert_cmphex(esp_interrupt(b), ==, 0x08);
        reply[i] = (uint8_t)rd(b, ESP_REG(FIFO), 1);
        wr(b, ESP_REG(COMMAND), 1, 0x12);
        g_assert_cmphex(esp_wait(b) & 7, ==, i < 4 ? 7 : 2); /* then COMMAND */
        g_assert_cmphex(rd(b, ESP_REG(INTERRUPT), 1), ==, 0x10);
    }
    g_assert_cmpmem(reply, 5, sdtr, 5);
    /* ABORT instead of a command: ATN, MESSAGE OUT, bus free */
    wr(b, ESP_REG(COMMAND), 1, 0x1a);
    static const uint8_t tur[6];
    for (unsigned i = 0; i < 6; i++)
        wr(b, ESP_REG(FIFO), 1, tur[i]);
    wr(b, ESP_REG(COMMAND), 1, 0x10);
    g_assert_cmphex(esp_wait(b) & 7, ==, 6);
    g_assert_cmphex(rd(b, ESP_REG(INTERRUPT), 1), ==, 0x10);
    wr(b, ESP_REG(FIFO), 1, 0x06);
    wr(b, ESP_REG(COMMAND), 1, 0x10);
    g_assert_cmphex(esp_interrupt(b), ==, 0x20);
    board_free(b);
}

static void test_scsi_bus_reset(void)
{
    struct board *b = board_new();
    setup_iommu(b);
    clear_attention(b, 0);
    wr(b, ESP_REG(COMMAND), 1, 0x03);
    g_assert_cmphex(esp_interrupt(b), ==, 0x80);
    clear_attention(b, 0); /* the target tells of the reset */
    wr(b, ESP_REG(CONFIG1), 1, 0x47);
    wr(b, ESP_REG(COMMAND), 1, 0x03);
    run_ns(b, NS_PER_MS);
    g_assert_cmphex(rd(b, ESP_REG(STATUS), 1) & 0x80, ==, 0);
    /* Target-mode commands are illegal. */
    wr(b, ESP_REG(COMMAND), 1, 0x24);
    g_assert_cmphex(esp_interrupt(b), ==, 0x40);
    board_free(b);
}

static void test_scsi_dma_fault(void)
{
    struct board *b = board_new();
    setup_iommu(b);
    clear_attention(b, 0);
    wr(b, SYS_IC + 8, 4, 0xffffffff);
    wr(b, buffer_address(0), 1, 0x80);
    static const uint8_t read6[6] = {0x08, 0, 0, 0, 1, 0};
    for (unsigned i = 0; i < 6; i++)
        wr(b, buffer_address(1 + i), 1, read6[i]);
    wr(b, ESP_REG(STATUS), 1, 0);
    dma_command(b, 0x42, BUFFER_DVMA, 7, false);
    esp_interrupt(b);
    dma_command(b, 0x10, 0xff800000, 512, true); /* not mapped */
    g_assert_cmphex(rd(b, DMA, 4) & 2, ==, 2);
    g_assert_cmphex(rd(b, IOMMU + 0x1000, 4) & 0x80000000, ==, 0x80000000);
    g_assert_cmphex(rd(b, IOMMU + 0x1004, 4), ==, 0xff800000);
    g_assert_cmpuint(b->level, ==, 15);
    wr(b, IOMMU + 0x1000, 4, 0);
    wr(b, CPU_IC + 4, 4, 0x8000);
    g_assert_cmpuint(b->level, ==, 4); /* the channel's error remains */
    wr(b, DMA, 4, 0x80);
    wr(b, DMA, 4, 0x10);
    g_assert_cmpuint(b->level, ==, 0);
    board_free(b);
}

static void test_cdrom(void)
{
    struct board *b = board_new();
    uint32_t moved;
    setup_iommu(b);
    clear_attention(b, 2);
    static const uint8_t read10[10] = {0x28, 0, 0, 0, 0, 7, 0, 0, 2, 0};
    g_assert_cmphex(scsi(b, 2, read10, 10, 4096, true, &moved), ==, 0);
    g_assert_cmpuint(moved, ==, 4096);
    size_t at = 7 * 2048 + 100;
    g_assert_cmphex(data_byte(b, 100), ==, (uint8_t)(at * 31 + (at >> 9)));
    static const uint8_t toc[10] = {0x43, 0, 0, 0, 0, 0, 0, 0, 100, 0};
    g_assert_cmphex(scsi(b, 2, toc, 10, 100, true, &moved), ==, 0);
    g_assert_cmpuint(moved, ==, 20);
    g_assert_cmphex(rd(b, buffer_address(0x10000 + 16), 4), ==, 600); /* lead-out */

    /* MODE SELECT: blocks of 512 bytes, as Sun's boot PROM wants them */
    static const uint8_t list[12] = {0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 2, 0};
    for (unsigned i = 0; i < sizeof list; i++)
        wr(b, buffer_address(0x10000 + i), 1, list[i]);
    static const uint8_t select[6] = {0x15, 0x10, 0, 0, 12, 0};
    g_assert_cmphex(scsi(b, 2, select, 6, 12, false, &moved), ==, 0);
    static const uint8_t capacity[10] = {0x25};
    scsi(b, 2, capacity, 10, 8, true, NULL);
    g_assert_cmphex(rd(b, buffer_address(0x10000), 4), ==, 2399);
    g_assert_cmphex(rd(b, buffer_address(0x10004), 4), ==, 512);
    static const uint8_t write10[10] = {0x2a, [8] = 1};
    g_assert_cmphex(scsi(b, 2, write10, 10, 512, false, &moved), ==, 2);

    /* Locked by the guest, then taken out, then another disc */
    static const uint8_t prevent[6] = {0x1e, 0, 0, 0, 1, 0}, tur[6];
    g_assert_cmphex(scsi(b, 2, prevent, 6, 0, true, NULL), ==, 0);
    g_assert_true(b->cd->locked);
    block_backend_change(b->cd, NULL, true);
    g_assert_false(b->cd->locked);
    g_assert_cmphex(scsi(b, 2, tur, 6, 0, true, NULL), ==, 2);
    static const uint8_t sense[6] = {0x03, 0, 0, 0, 18, 0};
    scsi(b, 2, sense, 6, 18, true, NULL);
    g_assert_cmphex(data_byte(b, 2), ==, 2);
    g_assert_cmphex(data_byte(b, 12), ==, 0x3a);
    block_backend_change(b->cd, make_image(b, "other.iso", 2048 * 50), true);
    g_assert_cmphex(scsi(b, 2, tur, 6, 0, true, NULL), ==, 2);
    scsi(b, 2, sense, 6, 18, true, NULL);
    g_assert_cmphex(data_byte(b, 2), ==, 6);
    g_assert_cmphex(data_byte(b, 12), ==, 0x28);
    g_assert_cmphex(scsi(b, 2, tur, 6, 0, true, NULL), ==, 0);
    board_free(b);
}

/* A machine saved in the middle of a read goes on with it. */
static void test_state_in_mid_command(void)
{
    struct board *b = board_new(), *c = board_new();
    struct board *both[] = {b, c};
    for (unsigned i = 0; i < 2; i++) {
        setup_iommu(both[i]);
        clear_attention(both[i], 0);
    }
    static const uint8_t cdb[] = {0x80, 0x28, 0, 0, 0, 0, 9, 0, 0, 4, 0};
    for (unsigned i = 0; i < sizeof cdb; i++)
        wr(b, buffer_address(i), 1, cdb[i]);
    wr(b, ESP_REG(STATUS), 1, 0);
    dma_command(b, 0x42, BUFFER_DVMA, sizeof cdb, false);
    g_assert_cmphex(rd(b, ESP_REG(STATUS), 1) & 0x80, ==, 0); /* the disk is at work */
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) saved = machine_save_bytes(b->machine, true, &error);
    g_assert_no_error(error);
    machine_load_bytes(c->machine, saved->data, saved->len, &error);
    g_assert_no_error(error);
    g_autoptr(GByteArray) again = machine_save_bytes(c->machine, true, &error);
    g_assert_cmpmem(saved->data, saved->len, again->data, again->len);
    for (unsigned i = 0; i < 2; i++) {
        struct board *x = both[i];
        g_assert_cmphex(esp_interrupt(x), ==, 0x18);
        dma_command(x, 0x10, BUFFER_DVMA + 0x10000, 2048, true);
        g_assert_cmphex(esp_interrupt(x), ==, 0x10);
        size_t at = 9 * 512 + 1234;
        g_assert_cmphex(data_byte(x, 1234), ==, (uint8_t)(at * 31 + (at >> 9)));
    }
    board_free(b);
    board_free(c);
}

/* ---- the others ---- */

static void test_interrupt_controller(void)
{
    struct board *b = board_new();
    g_assert_cmphex(rd(b, SYS_IC + 4, 4), ==, 0x7fffffff); /* every source masked after reset */
    irq_raise(&b->intc->inputs[SLAVIO_IRQ_ETHERNET]);
    g_assert_cmpuint(b->level, ==, 0);
    g_assert_cmphex(rd(b, SYS_IC, 4), ==, 0x00010000);
    wr(b, SYS_IC + 8, 4, 0x80010000);
    g_assert_cmpuint(b->level, ==, 6);
    g_assert_cmphex(rd(b, CPU_IC, 4), ==, 1 << 6);
    wr(b, CPU_IC + 8, 4, 1u << (16 + 9)); /* software interrupt 9 */
    g_assert_cmpuint(b->level, ==, 9);
    wr(b, CPU_IC + 4, 4, 1u << (16 + 9));
    g_assert_cmpuint(b->level, ==, 6);
    wr(b, SYS_IC + 0x10, 4, 1); /* to the other processor */
    g_assert_cmpuint(b->level, ==, 0);
    g_assert_cmphex(rd(b, CPU_IC + 0x1000, 4), ==, 1 << 6);
    wr(b, SYS_IC + 0x10, 4, 0);
    wr(b, SYS_IC + 0xc, 4, 0x00010000);
    g_assert_cmpuint(b->level, ==, 0);
    irq_raise(&b->intc->inputs[SLAVIO_IRQ_SBUS1 + 6]);
    wr(b, SYS_IC + 8, 4, 1 << 13);
    g_assert_cmpuint(b->level, ==, 13);
    static const uint8_t levels[] = {2, 3, 5, 7, 9, 11, 13};
    irq_lower(&b->intc->inputs[SLAVIO_IRQ_SBUS1 + 6]);
    for (unsigned i = 0; i < 7; i++) {
        wr(b, SYS_IC + 8, 4, 1u << (7 + i));
        irq_raise(&b->intc->inputs[SLAVIO_IRQ_SBUS1 + i]);
        g_assert_cmpuint(b->level, ==, levels[i]);
        irq_lower(&b->intc->inputs[SLAVIO_IRQ_SBUS1 + i]);
    }
    board_free(b);
}

static void test_counters(void)
{
    struct board *b = board_new();
    wr(b, SYS_IC + 8, 4, 0x80080000);
    wr(b, SYS_CT, 4, 20000 << 9); /* 10 ms */
    run_ns(b, 5 * NS_PER_MS);
    g_assert_cmphex(rd(b, SYS_CT + 4, 4), ==, (10000 + 1) << 9);
    g_assert_cmpuint(b->level, ==, 0);
    run_ns(b, 5 * NS_PER_MS);
    g_assert_cmpuint(b->level, ==, 10);
    g_assert_cmphex(rd(b, SYS_CT + 4, 4) & 0x80000000, ==, 0x80000000);
    g_assert_cmphex(rd(b, SYS_CT, 4), ==, 0x80000000 | 20000 << 9); /* reading acknowledges */
    g_assert_cmpuint(b->level, ==, 0);
    g_assert_cmphex(rd(b, SYS_CT, 4), ==, 20000 << 9);
    for (unsigned i = 0; i < 7; i++) {
        run_ns(b, 10 * NS_PER_MS);
        g_assert_cmpuint(b->level, ==, 10);
        rd(b, SYS_CT, 4);
    }
    wr(b, CPU_CT, 4, 200 << 9);
    run_ns(b, 100 * NS_PER_US);
    g_assert_cmpuint(b->level, ==, 14);
    g_assert_cmphex(rd(b, CPU_IC, 4) & 1 << 14, ==, 1 << 14);
    rd(b, CPU_CT, 4);
    g_assert_cmpuint(b->level, ==, 0);
    /* As user timer: no interrupts, start and stop */
    wr(b, SYS_CT + 0x10, 4, 1);
    wr(b, CPU_CT, 4, 0);
    wr(b, CPU_CT + 4, 4, 0);
    run_ns(b, NS_PER_MS);
    g_assert_cmphex(rd(b, CPU_CT + 4, 4), ==, 2000 << 9);
    wr(b, CPU_CT + 0xc, 4, 0);
    run_ns(b, NS_PER_MS);
    g_assert_cmphex(rd(b, CPU_CT + 4, 4), ==, 2000 << 9);
    wr(b, CPU_CT + 0xc, 4, 1);
    run_ns(b, NS_PER_MS);
    g_assert_cmphex(rd(b, CPU_CT + 4, 4), ==, 4000 << 9);
    board_free(b);
}

static void test_nvram_clock(void)
{
    struct board *b = board_new();
    wr(b, NVRAM + 5, 1, 0xa5);
    g_assert_cmphex(rd(b, NVRAM + 5, 1), ==, 0xa5);
    /* 1000000000 = 2001-09-09 01:46:40 UTC, a Sunday; years count from 1968 */
    wr(b, NVRAM + 0x1ff8, 1, 0x40);
    g_assert_cmphex(rd(b, NVRAM + 0x1ff9, 1), ==, 0x40);
    g_assert_cmphex(rd(b, NVRAM + 0x1ffa, 1), ==, 0x46);
    g_assert_cmphex(rd(b, NVRAM + 0x1ffb, 1), ==, 0x01);
    g_assert_cmphex(rd(b, NVRAM + 0x1ffc, 1) & 7, ==, 1);
    g_assert_cmphex(rd(b, NVRAM + 0x1ffd, 1), ==, 0x09);
    g_assert_cmphex(rd(b, NVRAM + 0x1ffe, 1), ==, 0x09);
    g_assert_cmphex(rd(b, NVRAM + 0x1fff, 1), ==, 0x33);
    run_ns(b, 30 * NS_PER_SECOND);
    g_assert_cmphex(rd(b, NVRAM + 0x1ff9, 1), ==, 0x40); /* held */
    wr(b, NVRAM + 0x1ff8, 1, 0);
    g_assert_cmphex(rd(b, NVRAM + 0x1ff9, 1), ==, 0x10);
    /* Set to 1999-12-31 23:59:58, and over the end of the year */
    static const uint8_t values[] = {0x58, 0x59, 0x23, 0x06, 0x31, 0x12, 0x31};
    wr(b, NVRAM + 0x1ff8, 1, 0x80);
    for (unsigned i = 0; i < 7; i++)
        wr(b, NVRAM + 0x1ff9 + i, 1, values[i]);
    wr(b, NVRAM + 0x1ff8, 1, 0);
    run_ns(b, 3 * NS_PER_SECOND);
    static const uint8_t after[] = {0x01, 0x00, 0x00, 0x07, 0x01, 0x01, 0x32};
    for (unsigned i = 0; i < 7; i++)
        g_assert_cmphex(rd(b, NVRAM + 0x1ff9 + i, 1), ==, after[i]);
    board_free(b);
}

static void test_fw_cfg(void)
{
    struct board *b = board_new();
    fw_cfg_add_u32(b->cfg, FW_CFG_KERNEL_ADDR, 0x12345678);
    fw_cfg_add_file(b->cfg, "etc/hello", "hi", 2);
    wr(b, FWCFG, 2, FW_CFG_SIGNATURE);
    char signature[5] = {0};
    for (unsigned i = 0; i < 4; i++)
        signature[i] = (char)rd(b, FWCFG + 2, 1);
    g_assert_cmpstr(signature, ==, "QEMU");
    g_assert_cmphex(rd(b, FWCFG + 2, 1), ==, 0); /* past the end */
    wr(b, FWCFG, 2, FW_CFG_KERNEL_ADDR);
    g_assert_cmphex(rd(b, FWCFG + 2, 1), ==, 0x78);
    wr(b, FWCFG, 2, FW_CFG_FILE_DIR);
    uint8_t entry[4 + 64];
    for (unsigned i = 0; i < sizeof entry; i++)
        entry[i] = (uint8_t)rd(b, FWCFG + 2, 1);
    g_assert_cmpuint(entry[3], ==, 1);
    g_assert_cmpuint(entry[7], ==, 2);
    g_assert_cmpstr((char *)entry + 12, ==, "etc/hello");
    wr(b, FWCFG, 2, (uint32_t)(entry[8] << 8 | entry[9]));
    g_assert_cmpint((int)rd(b, FWCFG + 2, 1), ==, 'h');
    wr(b, FWCFG, 2, 0x7777);
    g_assert_cmphex(rd(b, FWCFG + 2, 1), ==, 0);
    board_free(b);
}

static void fdc_command(struct board *b, const uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        g_assert_cmphex(rd(b, FDC + 4, 1) & 0xc0, ==, 0x80);
        wr(b, FDC + 5, 1, bytes[i]);
    }
}

static void fdc_result(struct board *b, uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        g_assert_cmphex(rd(b, FDC + 4, 1) & 0xd0, ==, 0xd0);
        bytes[i] = (uint8_t)rd(b, FDC + 5, 1);
    }
    g_assert_cmphex(rd(b, FDC + 4, 1) & 0xd0, ==, 0x80);
}

/* The controller without DMA, as Sun's boards have it: a byte per interrupt, terminal count by the auxiliary
 * register. */
static void test_floppy(void)
{
    struct board *b = board_new();
    uint8_t r[7];
    wr(b, SYS_IC + 8, 4, 0x80400000);
    wr(b, FDC + 2, 1, 0x14);
    run_ns(b, NS_PER_MS);
    g_assert_cmpuint(b->level, ==, 11);
    static const uint8_t sense[] = {0x08};
    for (unsigned i = 0; i < 4; i++) {
        fdc_command(b, sense, 1);
        fdc_result(b, r, 2);
        g_assert_cmphex(r[0], ==, 0xc0 | i);
    }
    g_assert_cmpuint(b->level, ==, 0);
    fdc_command(b, sense, 1);
    fdc_result(b, r, 1);
    g_assert_cmphex(r[0], ==, 0x80);
    static const uint8_t specify[] = {0x03, 0xdf, 0x03}, seek[] = {0x0f, 0, 10};
    fdc_command(b, specify, 3);
    fdc_command(b, seek, 3);
    run_ns(b, 10 * NS_PER_MS);
    fdc_command(b, sense, 1);
    fdc_result(b, r, 2);
    g_assert_cmphex(r[0], ==, 0x20);
    g_assert_cmpuint(r[1], ==, 10);

    /* Two sectors from track 10, head 1, sector 5 */
    static const uint8_t read[] = {0xe6, 0x04, 10, 1, 5, 2, 18, 0x1b, 0xff};
    fdc_command(b, read, 9);
    size_t at = ((10 * 2 + 1) * 18 + 4) * 512;
    for (unsigned i = 0; i < 1024; i++, at++) {
        if (i % 512 == 0)
            run_ns(b, NS_PER_MS);
        g_assert_cmpuint(b->level, ==, 11);
        g_assert_cmphex(rd(b, FDC + 4, 1), ==, 0xf0);
        if (i == 1023)
            break;
        g_assert_cmphex(rd(b, FDC + 5, 1), ==, (uint8_t)(at * 31 + (at >> 9)));
    }
    wr(b, AUX1, 1, 0x06); /* terminal count before the last byte: the command ends in this sector */
    wr(b, AUX1, 1, 0x02);
    fdc_result(b, r, 7);
    g_assert_cmphex(r[0], ==, 0x04);
    g_assert_cmphex(r[1], ==, 0);
    g_assert_cmpuint(r[5], ==, 7);

    static const uint8_t write[] = {0x45, 0x04, 10, 1, 2, 2, 2, 0x1b, 0xff};
    fdc_command(b, write, 9);
    for (unsigned i = 0; i < 512; i++) {
        g_assert_cmphex(rd(b, FDC + 4, 1), ==, 0xb0);
        wr(b, FDC + 5, 1, i & 0xff);
    }
    run_ns(b, NS_PER_MS);
    fdc_result(b, r, 7);
    g_assert_cmphex(r[0], ==, 0x44); /* the end of the cylinder without terminal count */
    g_assert_cmphex(r[1], ==, 0x80);
    uint8_t back[512];
    g_assert_true(
        image_pread(block_backend_image(b->floppy), ((10 * 2 + 1) * 18 + 1) * 512, back, 512, NULL));
    g_assert_cmphex(back[77], ==, 77);

    static const uint8_t wrong[] = {0xe6, 0x04, 11, 1, 5, 2, 18, 0x1b, 0xff}, invalid[] = {0x1f};
    fdc_command(b, wrong, 9);
    fdc_result(b, r, 7);
    g_assert_cmphex(r[0], ==, 0x44);
    g_assert_cmphex(r[2], ==, 0x10);
    fdc_command(b, invalid, 1);
    fdc_result(b, r, 1);
    g_assert_cmphex(r[0], ==, 0x80);
    board_free(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sun4m/scsi/commands", test_scsi_commands);
    g_test_add_func("/sun4m/scsi/read-write", test_scsi_read_write);
    g_test_add_func("/sun4m/scsi/absent-target", test_scsi_absent_target);
    g_test_add_func("/sun4m/scsi/programmed-io", test_scsi_programmed_io);
    g_test_add_func("/sun4m/scsi/negotiation", test_scsi_negotiation);
    g_test_add_func("/sun4m/scsi/bus-reset", test_scsi_bus_reset);
    g_test_add_func("/sun4m/scsi/dma-fault", test_scsi_dma_fault);
    g_test_add_func("/sun4m/scsi/cdrom", test_cdrom);
    g_test_add_func("/sun4m/scsi/state-in-mid-command", test_state_in_mid_command);
    g_test_add_func("/sun4m/interrupt-controller", test_interrupt_controller);
    g_test_add_func("/sun4m/counters", test_counters);
    g_test_add_func("/sun4m/nvram-clock", test_nvram_clock);
    g_test_add_func("/sun4m/fw-cfg", test_fw_cfg);
    g_test_add_func("/sun4m/floppy", test_floppy);
    return g_test_run();
}
