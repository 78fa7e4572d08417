/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The floppy controller of the sun4m board at register level, without DMA as Sun has it. */
#include "tests/machine/sun4m_chips.h"

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

static uint8_t floppy_byte(unsigned track, unsigned head, unsigned sector, unsigned i)
{
    return board_image_byte(((track * 2 + head) * 18 + sector - 1) * 512 + i);
}

/* Motor on, out of reset, 500 kb/s, bytes moved by the processor, the head over a track. */
static void floppy_on_track(struct board *b, uint8_t track)
{
    const uint8_t specify[] = {0x03, 0xdf, 0x03}, seek[] = {0x0f, 0, track}, sense[] = {0x08};
    uint8_t r[2];
    wr(b, FDC + 2, 1, 0x14);
    wr(b, FDC + 7, 1, 0);
    run_ns(b, NS_PER_MS);
    for (unsigned i = 0; i < 4; i++) {
        fdc_command(b, sense, 1);
        fdc_result(b, r, 2);
    }
    fdc_command(b, specify, 3);
    fdc_command(b, seek, 3);
    fdc_command(b, sense, 1);
    fdc_result(b, r, 2);
}

static void floppy_terminal_count(struct board *b)
{
    wr(b, AUX1, 1, 0x06);
    wr(b, AUX1, 1, 0x02);
}

/* Data are found only as they were recorded: in MFM, at the medium's rate (2.1.9, 5.1). */
static void test_floppy_density(void)
{
    struct board *b = board_new();
    uint8_t r[7];
    floppy_on_track(b, 3);
    static const uint8_t read_id[] = {0x4a, 0}, fm[] = {0x0a, 0};
    fdc_command(b, read_id, 2);
    fdc_result(b, r, 7);
    g_assert_cmphex(r[0], ==, 0x00);
    g_assert_cmpuint(r[3], ==, 3);
    fdc_command(b, fm, 2);
    fdc_result(b, r, 7);
    g_assert_cmphex(r[0], ==, 0x40);
    g_assert_cmphex(r[1], ==, 0x01);
    wr(b, FDC + 7, 1, 2); /* 250 kb/s */
    fdc_command(b, read_id, 2);
    fdc_result(b, r, 7);
    g_assert_cmphex(r[1], ==, 0x01);
    wr(b, FDC + 4, 1, 0); /* the other register of the same rate */
    fdc_command(b, read_id, 2);
    fdc_result(b, r, 7);
    g_assert_cmphex(r[1], ==, 0x00);
    board_free(b);
}

/* From the index hole on, whatever the IDs say; EOT sectors and no terminal count needed (5.1.3). */
static void test_floppy_read_track(void)
{
    struct board *b = board_new();
    uint8_t r[7];
    floppy_on_track(b, 7);
    const uint8_t by_id[] = {0x42, 0x04, 7, 1, 1, 2, 3, 0x1b, 0xff}, shifted[] = {0x42, 0x04, 7, 1, 9, 2, 3, 0x1b, 0xff};
    const uint8_t *commands[] = {by_id, shifted};
    for (unsigned n = 0; n < 2; n++) {
        fdc_command(b, commands[n], 9);
        for (unsigned i = 0; i < 3 * 512; i++) {
            if (i % 512 == 0)
                run_ns(b, NS_PER_MS);
            g_assert_cmphex(rd(b, FDC + 5, 1), ==, floppy_byte(7, 1, 1 + i / 512, i % 512));
        }
        fdc_result(b, r, 7);
        g_assert_cmphex(r[0], ==, 0x04);
        g_assert_cmphex(r[1], ==, n ? 0x04 : 0x00); /* no ID was the expected one */
    }
    board_free(b);
}

/* Normal marks where deleted ones are asked for: one sector and CM, or all skipped (table 5-5). */
static void test_floppy_read_deleted(void)
{
    struct board *b = board_new();
    uint8_t r[7];
    floppy_on_track(b, 2);
    const uint8_t keep[] = {0x4c, 0, 2, 0, 5, 2, 18, 0x1b, 0xff}, skip[] = {0x6c, 0, 2, 0, 5, 2, 18, 0x1b, 0xff};
    fdc_command(b, keep, 9);
    run_ns(b, NS_PER_MS);
    for (unsigned i = 0; i < 512; i++)
        g_assert_cmphex(rd(b, FDC + 5, 1), ==, floppy_byte(2, 0, 5, i));
    fdc_result(b, r, 7);
    g_assert_cmphex(r[0], ==, 0x00);
    g_assert_cmphex(r[2], ==, 0x40);
    g_assert_cmpuint(r[5], ==, 5);
    fdc_command(b, skip, 9);
    fdc_result(b, r, 7);
    g_assert_cmphex(r[0], ==, 0x00);
    g_assert_cmphex(r[2], ==, 0x40);
    board_free(b);
}

static void test_floppy_verify_and_scan(void)
{
    struct board *b = board_new();
    uint8_t r[7];
    floppy_on_track(b, 4);
    /* Two sectors by count; up to EOT; past the end of the track. */
    static const uint8_t counted[] = {0x56, 0x80, 4, 0, 6, 2, 18, 0x1b, 2}, all[] = {0x56, 0, 4, 0, 6, 2, 18, 0x1b, 0xff},
                         beyond[] = {0x56, 0, 4, 0, 6, 2, 19, 0x1b, 0xff};
    fdc_command(b, counted, 9);
    run_ns(b, 100 * NS_PER_MS);
    fdc_result(b, r, 7);
    g_assert_cmphex(r[0], ==, 0x00);
    g_assert_cmpuint(r[5], ==, 8);
    fdc_command(b, all, 9);
    run_ns(b, 100 * NS_PER_MS);
    fdc_result(b, r, 7);
    g_assert_cmphex(r[0], ==, 0x00);
    g_assert_cmpuint(r[3], ==, 5);
    g_assert_cmpuint(r[5], ==, 1);
    fdc_command(b, beyond, 9);
    run_ns(b, 100 * NS_PER_MS);
    fdc_result(b, r, 7);
    g_assert_cmphex(r[0], ==, 0x40);
    g_assert_cmphex(r[1], ==, 0x04);

    /* SCAN EQUAL finds the second sector; SCAN LOW OR EQUAL takes the first for bytes that are higher. */
    static const uint8_t equal[] = {0x51, 0, 4, 0, 1, 2, 3, 0x1b, 1}, low[] = {0x59, 0, 4, 0, 1, 2, 3, 0x1b, 1};
    fdc_command(b, equal, 9);
    for (unsigned i = 0; i < 1024; i++) {
        if (i % 512 == 0)
            run_ns(b, NS_PER_MS);
        wr(b, FDC + 5, 1, floppy_byte(4, 0, 2, i % 512));
    }
    fdc_result(b, r, 7);
    g_assert_cmphex(r[0], ==, 0x00);
    g_assert_cmphex(r[2] & 0x08, ==, 0x08);
    fdc_command(b, low, 9);
    run_ns(b, NS_PER_MS);
    for (unsigned i = 0; i < 512; i++)
        wr(b, FDC + 5, 1, 0xfe | (floppy_byte(4, 0, 1, i) & 1));
    fdc_result(b, r, 7);
    g_assert_cmphex(r[0], ==, 0x00);
    g_assert_cmphex(r[2] & 0x0c, ==, 0x00);
    board_free(b);
}

static void test_floppy_format(void)
{
    struct board *b = board_new();
    uint8_t r[7], back[18 * 512];
    floppy_on_track(b, 1);
    static const uint8_t format[] = {0x4d, 0x04, 2, 18, 0x6c, 0xf6};
    fdc_command(b, format, 6);
    for (unsigned sector = 1; sector <= 18; sector++) {
        const uint8_t id[] = {1, 1, (uint8_t)sector, 2};
        for (unsigned i = 0; i < 4; i++)
            wr(b, FDC + 5, 1, id[i]);
        run_ns(b, NS_PER_MS);
    }
    fdc_result(b, r, 7);
    g_assert_cmphex(r[0], ==, 0x04);
    g_assert_true(image_pread(block_backend_image(b->floppy), (1 * 2 + 1) * 18 * 512, back, sizeof back, NULL));
    for (unsigned i = 0; i < sizeof back; i++)
        g_assert_cmphex(back[i], ==, 0xf6);
    /* The sector before and the one after are what they were. */
    g_assert_true(image_pread(block_backend_image(b->floppy), ((1 * 2 + 1) * 18 - 1) * 512, back, 512, NULL));
    g_assert_cmphex(back[511], ==, floppy_byte(1, 0, 18, 511));
    g_assert_true(image_pread(block_backend_image(b->floppy), (2 * 2) * 18 * 512, back, 512, NULL));
    g_assert_cmphex(back[0], ==, floppy_byte(2, 0, 1, 0));
    /* IDs of another track can't be written into an image of plain sectors. */
    fdc_command(b, format, 6);
    for (unsigned i = 0; i < 4; i++)
        wr(b, FDC + 5, 1, i == 3 ? 2 : 5);
    fdc_result(b, r, 7);
    g_assert_cmphex(r[0], ==, 0x44);
    board_free(b);
}

/* RELATIVE SEEK steps inwards with DIR, outwards without (5.2.5). */
static void test_floppy_relative_seek(void)
{
    struct board *b = board_new();
    uint8_t r[2];
    floppy_on_track(b, 10);
    static const uint8_t in[] = {0xcf, 0, 3}, out[] = {0x8f, 0, 5}, home[] = {0x07, 0}, sense[] = {0x08};
    static const struct {
        const uint8_t *command;
        unsigned length, track;
    } steps[] = {{in, 3, 13}, {out, 3, 8}, {home, 2, 0}};
    for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
        fdc_command(b, steps[i].command, steps[i].length);
        fdc_command(b, sense, 1);
        fdc_result(b, r, 2);
        g_assert_cmphex(r[0], ==, 0x20);
        g_assert_cmpuint(r[1], ==, steps[i].track);
    }
    board_free(b);
}

/* The line says "changed" until a seek, and is read with the motor on only (2.1.8). */
static void test_floppy_change(void)
{
    struct board *b = board_new();
    uint8_t r[7];
    floppy_on_track(b, 0);
    static const uint8_t seek[] = {0x0f, 0, 1}, sense[] = {0x08}, status[] = {0x04, 0};
    g_assert_cmphex(rd(b, FDC + 7, 1) & 0x80, ==, 0);
    block_backend_change(b->floppy, make_image(b, "other.iso", 737280), true);
    g_assert_cmphex(rd(b, FDC + 7, 1) & 0x80, ==, 0x80);
    wr(b, FDC + 2, 1, 0x04);
    g_assert_cmphex(rd(b, FDC + 7, 1) & 0x80, ==, 0);
    wr(b, FDC + 2, 1, 0x14);
    fdc_command(b, seek, 3);
    fdc_command(b, sense, 1);
    fdc_result(b, r, 2);
    g_assert_cmphex(rd(b, FDC + 7, 1) & 0x80, ==, 0);
    fdc_command(b, status, 2);
    fdc_result(b, r, 1);
    g_assert_cmphex(r[0], ==, 0x68); /* write protected, ready, two sides, not over track 0 */
    /* Double density is read at 250 kb/s. */
    static const uint8_t read_id[] = {0x4a, 0};
    fdc_command(b, read_id, 2);
    fdc_result(b, r, 7);
    g_assert_cmphex(r[1], ==, 0x01);
    wr(b, FDC + 7, 1, 2);
    fdc_command(b, read_id, 2);
    fdc_result(b, r, 7);
    g_assert_cmphex(r[1], ==, 0);
    board_free(b);
}

/* The controller without DMA, as Sun's boards have it: a byte per interrupt, terminal count by the auxiliary
 * register. */
static void test_floppy(void)
{
    struct board *b = board_new();
    uint8_t r[7];
    wr(b, SYS_IC + 8, 4, 0x80400000);
    wr(b, FDC + 2, 1, 0x14);
    wr(b, FDC + 7, 1, 0);
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
        g_assert_cmphex(rd(b, FDC + 5, 1), ==, board_image_byte(at));
    }
    floppy_terminal_count(b); /* before the last byte: the command ends in this sector */
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
    g_test_add_func("/sun4m/floppy", test_floppy);
    g_test_add_func("/sun4m/floppy/density", test_floppy_density);
    g_test_add_func("/sun4m/floppy/read-track", test_floppy_read_track);
    g_test_add_func("/sun4m/floppy/read-deleted", test_floppy_read_deleted);
    g_test_add_func("/sun4m/floppy/verify-and-scan", test_floppy_verify_and_scan);
    g_test_add_func("/sun4m/floppy/format", test_floppy_format);
    g_test_add_func("/sun4m/floppy/relative-seek", test_floppy_relative_seek);
    g_test_add_func("/sun4m/floppy/change-line", test_floppy_change);
    return g_test_run();
}
