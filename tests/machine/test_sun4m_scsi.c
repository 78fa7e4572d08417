/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SCSI of the sun4m board at register level: controller, DMA channel, IOMMU, disk and CD-ROM. */
#include "tests/machine/sun4m_chips.h"

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
        g_assert_cmphex(data_byte(b, i), ==, board_image_byte(at));
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

/* INQUIRY by programmed I/O with some messages before it; returns the first byte of the answer. */
static uint8_t inquiry_byte(struct board *b, uint8_t select, const uint8_t *bytes, unsigned count)
{
    wr(b, ESP_REG(COMMAND), 1, 0x01);
    for (unsigned i = 0; i < count; i++)
        wr(b, ESP_REG(FIFO), 1, bytes[i]);
    wr(b, ESP_REG(STATUS), 1, 0);
    wr(b, ESP_REG(COMMAND), 1, select);
    g_assert_cmphex(esp_wait(b) & 7, ==, 1);
    g_assert_cmphex(rd(b, ESP_REG(STEP), 1), ==, 4);
    g_assert_cmphex(rd(b, ESP_REG(INTERRUPT), 1), ==, 0x18);
    wr(b, ESP_REG(COMMAND), 1, 0x10);
    g_assert_cmphex(esp_interrupt(b), ==, 0x10);
    uint8_t type = (uint8_t)rd(b, ESP_REG(FIFO), 1);
    wr(b, ESP_REG(COMMAND), 1, 0x02);
    return type;
}

/* An IDENTIFY message names the unit; without one the command does, as SCSI-1 had it. */
static void test_scsi_unit_numbers(void)
{
    struct board *b = board_new();
    static const uint8_t unit_0[] = {0x12, 0, 0, 0, 5, 0}, unit_1[] = {0x12, 0x20, 0, 0, 5, 0},
                         identified[] = {0x80, 0x12, 0x20, 0, 0, 5, 0}, tagged[] = {0x81, 0x20, 0x07, 0x12, 0, 0, 0, 5, 0};
    g_assert_cmphex(inquiry_byte(b, 0x41, unit_0, sizeof unit_0), ==, 0x00);
    g_assert_cmphex(inquiry_byte(b, 0x41, unit_1, sizeof unit_1), ==, 0x7f); /* no such unit */
    g_assert_cmphex(inquiry_byte(b, 0x42, identified, sizeof identified), ==, 0x00);
    g_assert_cmphex(inquiry_byte(b, 0x46, tagged, sizeof tagged), ==, 0x7f);
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

/* What the IOMMU notes of an access, and the channel's own ways out of an error and to a terminal count. */
static void test_scsi_dma_rights(void)
{
    struct board *b = board_new();
    setup_iommu(b);
    clear_attention(b, 0);
    const uint32_t entry = PTE_TABLE + ((BUFFER_DVMA + 0x10000 - DVMA_BASE) >> 12) * 4;
    static const uint8_t read6[6] = {0x08, 0, 0, 0, 1, 0};
    uint32_t page = rd(b, entry, 4);
    wr(b, entry, 4, page & ~4u); /* read-only */
    wr(b, buffer_address(0), 1, 0x80);
    for (unsigned i = 0; i < 6; i++)
        wr(b, buffer_address(1 + i), 1, read6[i]);
    wr(b, ESP_REG(STATUS), 1, 0);
    dma_command(b, 0x42, BUFFER_DVMA, 7, false);
    esp_interrupt(b);
    dma_command(b, 0x10, BUFFER_DVMA + 0x10000, 512, true);
    g_assert_cmphex(rd(b, DMA, 4) & 2, ==, 2);
    g_assert_cmphex(rd(b, IOMMU + 0x1000, 4) & 0x80040000, ==, 0x80000000); /* an error, of a write */
    wr(b, IOMMU + 0x1000, 4, 0);
    wr(b, DMA, 4, 0x30); /* INVALIDATE ends the channel's error */
    g_assert_cmphex(rd(b, DMA, 4) & 2, ==, 0);
    wr(b, ESP_REG(COMMAND), 1, 0x02);
    dma_command(b, 0x42, 0xff800000, 7, false); /* command bytes from where nothing is */
    g_assert_cmphex(rd(b, IOMMU + 0x1000, 4) & 0x80040000, ==, 0x80040000);
    wr(b, IOMMU + 0x1000, 4, 0);
    wr(b, DMA, 4, 0x30);
    wr(b, ESP_REG(COMMAND), 1, 0x02);
    wr(b, entry, 4, page);

    wr(b, DMA + 8, 4, 7); /* count seven bytes */
    wr(b, ESP_REG(STATUS), 1, 0);
    wr(b, ESP_REG(TCLOW), 1, 7);
    wr(b, ESP_REG(TCMED), 1, 0);
    wr(b, DMA, 4, 0x2210);
    wr(b, DMA + 4, 4, BUFFER_DVMA);
    wr(b, ESP_REG(COMMAND), 1, 0xc2);
    g_assert_cmphex(rd(b, DMA, 4) & 0x4000, ==, 0x4000);
    g_assert_cmpuint(rd(b, DMA + 8, 4), ==, 0);
    wr(b, DMA + 8, 4, 1);
    g_assert_cmphex(rd(b, DMA, 4) & 0x4000, ==, 0);
    board_free(b);
}

/* TRANSFER PAD sends zeros, and the FIFO tells when it was given too much. */
static void test_scsi_pad_and_gross_error(void)
{
    struct board *b = board_new();
    setup_iommu(b);
    clear_attention(b, 0);
    static const uint8_t write6[] = {0x80, 0x0a, 0, 0, 7, 1, 0};
    wr(b, ESP_REG(COMMAND), 1, 0x01);
    for (unsigned i = 0; i < sizeof write6; i++)
        wr(b, ESP_REG(FIFO), 1, write6[i]);
    wr(b, ESP_REG(STATUS), 1, 0);
    wr(b, ESP_REG(COMMAND), 1, 0x42);
    g_assert_cmphex(esp_wait(b) & 7, ==, 0);
    rd(b, ESP_REG(INTERRUPT), 1);
    dma_command(b, 0x18, BUFFER_DVMA, 512, false);
    g_assert_cmphex(esp_wait(b) & 7, ==, 3);
    g_assert_cmphex(rd(b, ESP_REG(INTERRUPT), 1), ==, 0x10);
    uint8_t back[512];
    g_assert_true(image_pread(block_backend_image(b->disk), 7 * 512, back, sizeof back, NULL));
    for (unsigned i = 0; i < sizeof back; i++)
        g_assert_cmphex(back[i], ==, 0);

    wr(b, ESP_REG(COMMAND), 1, 0x01);
    for (unsigned i = 0; i < 16; i++)
        wr(b, ESP_REG(FIFO), 1, i);
    g_assert_cmphex(rd(b, ESP_REG(STATUS), 1) & 0x40, ==, 0);
    wr(b, ESP_REG(FIFO), 1, 16);
    g_assert_cmphex(rd(b, ESP_REG(STATUS), 1) & 0x40, ==, 0x40);
    rd(b, ESP_REG(INTERRUPT), 1);
    g_assert_cmphex(rd(b, ESP_REG(STATUS), 1) & 0x40, ==, 0);
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
    g_assert_cmphex(data_byte(b, 100), ==, board_image_byte(at));
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
    static const uint8_t eject[6] = {0x1b, 0, 0, 0, 2, 0};
    g_assert_cmphex(scsi(b, 2, eject, 6, 0, true, NULL), ==, 2);
    static const uint8_t sense_first[6] = {0x03, 0, 0, 0, 18, 0};
    scsi(b, 2, sense_first, 6, 18, true, NULL);
    g_assert_cmphex(data_byte(b, 12), ==, 0x53); /* removal prevented */
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
        g_assert_cmphex(data_byte(x, 1234), ==, board_image_byte(at));
    }
    board_free(b);
    board_free(c);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sun4m/scsi/commands", test_scsi_commands);
    g_test_add_func("/sun4m/scsi/read-write", test_scsi_read_write);
    g_test_add_func("/sun4m/scsi/absent-target", test_scsi_absent_target);
    g_test_add_func("/sun4m/scsi/programmed-io", test_scsi_programmed_io);
    g_test_add_func("/sun4m/scsi/unit-numbers", test_scsi_unit_numbers);
    g_test_add_func("/sun4m/scsi/negotiation", test_scsi_negotiation);
    g_test_add_func("/sun4m/scsi/bus-reset", test_scsi_bus_reset);
    g_test_add_func("/sun4m/scsi/dma-fault", test_scsi_dma_fault);
    g_test_add_func("/sun4m/scsi/dma-rights", test_scsi_dma_rights);
    g_test_add_func("/sun4m/scsi/pad-and-gross-error", test_scsi_pad_and_gross_error);
    g_test_add_func("/sun4m/scsi/cdrom", test_cdrom);
    g_test_add_func("/sun4m/scsi/state-in-mid-command", test_state_in_mid_command);
    return g_test_run();
}
