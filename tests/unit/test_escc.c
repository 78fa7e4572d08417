/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The serial chip at register level, and the Sun keyboard and mouse on it. */
#include <linux/input-event-codes.h>

#include "emulator/hw/char/escc.h"
#include "emulator/hw/input/sun_keyboard.h"
#include "emulator/hw/input/sun_mouse.h"
#include "tests/unit/devs_common.h"

#define BASE      0x71100000u
#define B_CONTROL (BASE + 0)
#define B_DATA    (BASE + 2)
#define A_CONTROL (BASE + 4)
#define A_DATA    (BASE + 6)

struct bench {
    struct machine *machine;
    struct escc *escc;
    struct irq_line irq;
    unsigned interrupts;
    struct bench_line line_a, line_b;
};

static void set_up(struct bench *bench, const char *property)
{
    *bench = (struct bench){.machine = bench_new()};
    irq_init(&bench->irq, bench_pin_changed, &bench->interrupts, 0);
    bench_line_init(&bench->line_a, bench->machine);
    bench_line_init(&bench->line_b, bench->machine);
    struct device *dev = device_new(bench->machine, &escc_class, "escc");
    if (property)
        g_assert_true(device_set_uint(dev, property, !strcmp(property, "preset-baud") ? 1200 : 1, NULL));
    bench->escc = (struct escc *)dev;
    bench->escc->irq = &bench->irq;
    bench->escc->channel[ESCC_A].line = &bench->line_a.base;
    bench->escc->channel[ESCC_B].line = &bench->line_b.base;
    bench_start(dev);
    escc_map(bench->escc, bench->machine->bus, BASE);
    machine_reset(bench->machine, RESET_POWER_ON);
}

static void tear_down(struct bench *bench)
{
    machine_free(bench->machine);
    bench_line_clear(&bench->line_a);
    bench_line_clear(&bench->line_b);
}

static void write_reg(struct bench *bench, uint64_t control, unsigned reg, uint8_t value)
{
    poke(bench->machine, control, 1, reg);
    poke(bench->machine, control, 1, value);
}

static uint8_t read_reg(struct bench *bench, uint64_t control, unsigned reg)
{
    if (reg)
        poke(bench->machine, control, 1, reg);
    return (uint8_t)peek(bench->machine, control, 1);
}

/* 9600 8n1, receiver and transmitter on. */
static void set_line(struct bench *bench, uint64_t control)
{
    write_reg(bench, control, 4, 0x44);
    write_reg(bench, control, 3, 0xc1);
    write_reg(bench, control, 5, 0xea);
    write_reg(bench, control, 11, 0x50);
    write_reg(bench, control, 12, 14);
    write_reg(bench, control, 13, 0);
    write_reg(bench, control, 14, 0x03);
}

static void test_reset_values(void)
{
    struct bench bench;
    set_up(&bench, NULL);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 0) & 0x45, ==, 0x44);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 1), ==, 0x07);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 3), ==, 0);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 15), ==, 0xf8);
    g_assert_false(bench.irq.level);
    tear_down(&bench);
}

static void test_transmit_and_parameters(void)
{
    struct bench bench;
    set_up(&bench, NULL);
    set_line(&bench, A_CONTROL);
    g_assert_cmpuint(bench.line_a.params.baud, ==, 9600);
    g_assert_cmpuint(bench.line_a.params.data_bits, ==, 8);
    g_assert_cmpint(bench.line_a.params.parity, ==, 'n');
    for (const char *text = "console"; *text; text++) {
        g_assert_cmphex(read_reg(&bench, A_CONTROL, 0) & 4, ==, 4);
        poke(bench.machine, A_DATA, 1, (uint8_t)*text);
    }
    g_assert_cmpmem(bench.line_a.output->data, bench.line_a.output->len, "console", 7);
    g_assert_cmpuint(bench.line_b.output->len, ==, 0);
    /* Seven bits with even parity. */
    write_reg(&bench, A_CONTROL, 4, 0x47);
    write_reg(&bench, A_CONTROL, 5, 0xaa);
    g_assert_cmpuint(bench.line_a.params.data_bits, ==, 7);
    g_assert_cmpint(bench.line_a.params.parity, ==, 'e');
    write_reg(&bench, A_CONTROL, 5, 0xfa);
    g_assert_true(bench.line_a.in_break);
    tear_down(&bench);
}

static void test_receive_interrupt_on_each_character(void)
{
    struct bench bench;
    set_up(&bench, NULL);
    set_line(&bench, A_CONTROL);
    write_reg(&bench, A_CONTROL, 1, 0x10);
    write_reg(&bench, A_CONTROL, 9, 0x09);
    bench_line_send(&bench.line_a, "hello world");
    g_assert_true(bench.irq.level);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 3), ==, 0x20);
    g_assert_cmphex(read_reg(&bench, B_CONTROL, 3), ==, 0);
    /* Three characters are in the chip, the others wait on the line. */
    g_assert_cmpuint(bench.line_a.input->len, ==, 8);
    char text[12] = {0};
    for (unsigned i = 0; read_reg(&bench, A_CONTROL, 0) & 1; i++)
        text[i] = (char)peek(bench.machine, A_DATA, 1);
    g_assert_cmpstr(text, ==, "hello world");
    g_assert_false(bench.irq.level);
    tear_down(&bench);
}

static void test_vector_tells_the_source(void)
{
    struct bench bench;
    set_up(&bench, NULL);
    set_line(&bench, A_CONTROL);
    set_line(&bench, B_CONTROL);
    write_reg(&bench, A_CONTROL, 2, 0xa1);
    write_reg(&bench, A_CONTROL, 9, 0x09);
    write_reg(&bench, A_CONTROL, 1, 0x12);
    write_reg(&bench, B_CONTROL, 1, 0x10);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 2), ==, 0xa1);
    g_assert_cmphex(read_reg(&bench, B_CONTROL, 2), ==, 0xa7); /* nothing: "channel B special" */
    bench_line_send(&bench.line_b, "x");
    g_assert_cmphex(read_reg(&bench, B_CONTROL, 2), ==, 0xa5);
    poke(bench.machine, A_DATA, 1, 'y'); /* transmitter A has the higher priority */
    g_assert_cmphex(read_reg(&bench, B_CONTROL, 2), ==, 0xa9);
    bench_line_send(&bench.line_a, "z");
    g_assert_cmphex(read_reg(&bench, B_CONTROL, 2), ==, 0xad);
    /* Status high: V4..V6 in reverse. */
    write_reg(&bench, A_CONTROL, 9, 0x19);
    g_assert_cmphex(read_reg(&bench, B_CONTROL, 2), ==, (0xa1 & ~0x70) | 0x30);
    write_reg(&bench, A_CONTROL, 9, 0x09);

    /* An acknowledge holds back what is lower; the end of service lets it through. */
    g_assert_cmphex(escc_acknowledge(bench.escc), ==, 0xad);
    g_assert_false(bench.irq.level);
    peek(bench.machine, A_DATA, 1);
    poke(bench.machine, A_CONTROL, 1, 0x38);
    g_assert_true(bench.irq.level);
    poke(bench.machine, A_CONTROL, 1, 0x28); /* reset Tx interrupt pending */
    g_assert_cmphex(escc_acknowledge(bench.escc), ==, 0xa5);
    tear_down(&bench);
}

static void test_external_status_latch(void)
{
    struct bench bench;
    set_up(&bench, NULL);
    set_line(&bench, A_CONTROL);
    write_reg(&bench, A_CONTROL, 9, 0x09);
    write_reg(&bench, A_CONTROL, 15, 0xa8); /* break, CTS, DCD */
    poke(bench.machine, A_CONTROL, 1, 0x10);
    write_reg(&bench, A_CONTROL, 1, 0x01);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 0) & 0x28, ==, 0x28);
    irq_set(&bench.escc->cts[ESCC_A], false);
    g_assert_true(bench.irq.level);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 3), ==, 0x08);
    irq_set(&bench.escc->cts[ESCC_A], true); /* the latch keeps the first change */
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 0) & 0x20, ==, 0);
    poke(bench.machine, A_CONTROL, 1, 0x10);
    g_assert_true(bench.irq.level); /* the way back is a change of its own */
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 0) & 0x20, ==, 0x20);
    poke(bench.machine, A_CONTROL, 1, 0x10);
    g_assert_false(bench.irq.level);

    bench.line_a.base.device.receive_break(bench.line_a.base.device.opaque);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 0) & 0x80, ==, 0x80);
    poke(bench.machine, A_CONTROL, 1, 0x10);
    bench_advance(bench.machine, 10 * NS_PER_MS);
    g_assert_true(bench.irq.level);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 0) & 0x81, ==, 0x01); /* over, and a null is left */
    g_assert_cmphex(peek(bench.machine, A_DATA, 1), ==, 0);
    tear_down(&bench);
}

static void test_loopback_and_overrun(void)
{
    struct bench bench;
    set_up(&bench, NULL);
    set_line(&bench, A_CONTROL);
    write_reg(&bench, A_CONTROL, 14, 0x13);
    for (unsigned i = 0; i < 4; i++) /* one more than fits */
        poke(bench.machine, A_DATA, 1, '0' + i);
    g_assert_cmpuint(bench.line_a.output->len, ==, 0);
    g_assert_cmpint((int)peek(bench.machine, A_DATA, 1), ==, '0');
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 1) & 0x20, ==, 0);
    g_assert_cmpint((int)peek(bench.machine, A_DATA, 1), ==, '1');
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 1) & 0x20, ==, 0x20);
    g_assert_cmpint((int)peek(bench.machine, A_DATA, 1), ==, '3');
    poke(bench.machine, A_CONTROL, 1, 0x30); /* error reset */
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 1) & 0x20, ==, 0);
    tear_down(&bench);
}

/* In "special condition only" the character with the error stays in the FIFO until Error Reset (chapter 4). */
static void test_special_condition_holds_the_fifo(void)
{
    struct bench bench;
    set_up(&bench, NULL);
    set_line(&bench, A_CONTROL);
    write_reg(&bench, A_CONTROL, 14, 0x13);
    write_reg(&bench, A_CONTROL, 9, 0x08);
    write_reg(&bench, A_CONTROL, 1, 0x18);
    for (unsigned i = 0; i < 4; i++)
        poke(bench.machine, A_DATA, 1, '0' + i);
    g_assert_false(bench.irq.level); /* characters alone do not interrupt */
    peek(bench.machine, A_DATA, 1);
    peek(bench.machine, A_DATA, 1);
    g_assert_true(bench.irq.level);
    g_assert_cmphex(read_reg(&bench, B_CONTROL, 2) & 0x0e, ==, 0x0e); /* channel A, special */
    for (unsigned i = 0; i < 3; i++)
        g_assert_cmpint((int)peek(bench.machine, A_DATA, 1), ==, '3');
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 0) & 1, ==, 1);
    poke(bench.machine, A_CONTROL, 1, 0x30);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 0) & 1, ==, 0);
    g_assert_false(bench.irq.level);
    tear_down(&bench);
}

static void test_auto_enables_and_echo(void)
{
    struct bench bench;
    set_up(&bench, NULL);
    set_line(&bench, A_CONTROL);
    write_reg(&bench, A_CONTROL, 3, 0xe1); /* DCD enables the receiver, CTS the transmitter */
    irq_set(&bench.escc->dcd[ESCC_A], false);
    irq_set(&bench.escc->cts[ESCC_A], false);
    bench_line_send(&bench.line_a, "r");
    poke(bench.machine, A_DATA, 1, 't');
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 0) & 5, ==, 0);
    g_assert_cmpuint(bench.line_a.output->len, ==, 0);
    irq_set(&bench.escc->dcd[ESCC_A], true);
    g_assert_cmpint((int)peek(bench.machine, A_DATA, 1), ==, 'r');
    irq_set(&bench.escc->cts[ESCC_A], true);
    write_reg(&bench, A_CONTROL, 3, 0xc1);
    g_assert_cmpuint(bench.line_a.output->len, ==, 1);
    write_reg(&bench, A_CONTROL, 14, 0x0b); /* what comes in goes out again */
    bench_line_send(&bench.line_a, "echo");
    for (const char *text = "echo"; *text; text++)
        g_assert_cmpint((int)peek(bench.machine, A_DATA, 1), ==, *text);
    g_assert_cmpmem(bench.line_a.output->data, bench.line_a.output->len, "techo", 5);
    tear_down(&bench);
}

static void test_zero_count(void)
{
    struct bench bench;
    set_up(&bench, NULL);
    set_line(&bench, A_CONTROL);
    write_reg(&bench, A_CONTROL, 12, 0xfe);
    write_reg(&bench, A_CONTROL, 13, 0x0f); /* 4096 clocks of 4.9 MHz: 0.83 ms */
    write_reg(&bench, A_CONTROL, 9, 0x08);
    write_reg(&bench, A_CONTROL, 15, 0x02);
    poke(bench.machine, A_CONTROL, 1, 0x10);
    write_reg(&bench, A_CONTROL, 1, 0x01);
    bench_advance(bench.machine, 800 * NS_PER_US);
    g_assert_false(bench.irq.level);
    bench_advance(bench.machine, 100 * NS_PER_US);
    g_assert_true(bench.irq.level);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 0) & 2, ==, 2);
    poke(bench.machine, A_CONTROL, 1, 0x10);
    g_assert_false(bench.irq.level);
    tear_down(&bench);
}

static void test_escc_is_told_by_its_extended_register(void)
{
    struct bench bench;
    set_up(&bench, NULL);
    write_reg(&bench, A_CONTROL, 15, 0x01);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 15) & 1, ==, 0);
    tear_down(&bench);
    set_up(&bench, "escc");
    write_reg(&bench, A_CONTROL, 15, 0x01);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 15) & 1, ==, 1);
    write_reg(&bench, A_CONTROL, 7, 0x60);
    write_reg(&bench, A_CONTROL, 4, 0x4c);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 4), ==, 0x4c);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 14), ==, 0x60);
    tear_down(&bench);
}

static void test_paced_characters_take_their_time(void)
{
    struct bench bench;
    set_up(&bench, "paced");
    set_line(&bench, A_CONTROL);
    write_reg(&bench, A_CONTROL, 9, 0x08);
    write_reg(&bench, A_CONTROL, 1, 0x02);
    poke(bench.machine, A_DATA, 1, 'a');
    poke(bench.machine, A_DATA, 1, 'b');
    g_assert_cmpuint(bench.line_a.output->len, ==, 1);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 0) & 4, ==, 0);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 1) & 1, ==, 0);
    bench_advance(bench.machine, 1000 * NS_PER_US);
    g_assert_cmpuint(bench.line_a.output->len, ==, 1);
    bench_advance(bench.machine, 100 * NS_PER_US); /* ten bits at 9600 are 1.04 ms */
    g_assert_cmpuint(bench.line_a.output->len, ==, 2);
    bench_check_state(bench.machine);
    bench_advance(bench.machine, 2 * NS_PER_MS);
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 1) & 1, ==, 1);
    tear_down(&bench);
}

/* Firmware that only reads finds a line that works; a command reset leaves what the chip leaves. */
static void test_preset_line(void)
{
    struct bench bench;
    set_up(&bench, "preset-baud");
    g_assert_cmpuint(bench.line_a.params.baud, ==, 1200);
    bench_line_send(&bench.line_a, "k");
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 0) & 1, ==, 1);
    g_assert_cmpint((int)peek(bench.machine, A_DATA, 1), ==, 'k');
    write_reg(&bench, A_CONTROL, 9, 0xc0);
    bench_line_send(&bench.line_a, "k");
    g_assert_cmphex(read_reg(&bench, A_CONTROL, 0) & 1, ==, 0);
    tear_down(&bench);
}

static void test_state(void)
{
    struct bench bench;
    set_up(&bench, NULL);
    set_line(&bench, A_CONTROL);
    write_reg(&bench, A_CONTROL, 1, 0x13);
    write_reg(&bench, A_CONTROL, 9, 0x09);
    bench_line_send(&bench.line_a, "abc");
    poke(bench.machine, B_CONTROL, 1, 0x0d);
    bench_check_state(bench.machine);
    g_assert_cmpint((int)peek(bench.machine, A_DATA, 1), ==, 'a');
    tear_down(&bench);
}

/* ---- keyboard and mouse ---- */

struct desk {
    struct machine *machine;
    struct escc *escc;
    struct sun_keyboard *keyboard;
    struct sun_mouse *mouse;
};

static void set_desk(struct desk *desk)
{
    desk->machine = bench_new();
    desk->keyboard = (struct sun_keyboard *)device_new(desk->machine, &sun_keyboard_class, "keyboard");
    bench_start(&desk->keyboard->dev);
    desk->mouse = (struct sun_mouse *)device_new(desk->machine, &sun_mouse_class, "mouse");
    bench_start(&desk->mouse->dev);
    desk->escc = (struct escc *)device_new(desk->machine, &escc_class, "escc");
    desk->escc->channel[ESCC_A].line = &desk->keyboard->line;
    desk->escc->channel[ESCC_B].line = &desk->mouse->line;
    bench_start(&desk->escc->dev);
    escc_map(desk->escc, desk->machine->bus, BASE);
    machine_add_input(desk->machine, &desk->keyboard->sink);
    machine_add_input(desk->machine, &desk->mouse->sink);
    machine_reset(desk->machine, RESET_POWER_ON);
    struct bench bench = {.machine = desk->machine};
    set_line(&bench, A_CONTROL);
    set_line(&bench, B_CONTROL);
    bench_advance(desk->machine, NS_PER_SECOND); /* the self test of power on */
    while (peek(desk->machine, A_CONTROL, 1) & 1)
        peek(desk->machine, A_DATA, 1);
}

static void expect(struct desk *desk, uint64_t control, const uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        g_assert_cmphex(peek(desk->machine, control, 1) & 1, ==, 1);
        g_assert_cmphex(peek(desk->machine, control + 2, 1), ==, bytes[i]);
    }
    g_assert_cmphex(peek(desk->machine, control, 1) & 1, ==, 0);
}
#define EXPECT(desk, control, ...)                                                                           \
    expect(desk, control, (const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

static void test_keyboard_commands(void)
{
    struct desk desk;
    set_desk(&desk);
    poke(desk.machine, A_DATA, 1, 0x01);
    bench_advance(desk.machine, 900 * NS_PER_MS);
    EXPECT(&desk, A_CONTROL, 0xff, 0x04, 0x7f);
    poke(desk.machine, A_DATA, 1, 0x0f);
    EXPECT(&desk, A_CONTROL, 0xfe, 0x21);
    poke(desk.machine, A_DATA, 1, 0x0e);
    poke(desk.machine, A_DATA, 1, 0x0f); /* the LEDs, not "get layout" */
    g_assert_cmphex(desk.keyboard->leds, ==, 0x0f);
    poke(desk.machine, A_DATA, 1, 0x02);
    poke(desk.machine, A_DATA, 1, 0x0a);
    g_assert_true(desk.keyboard->bell && desk.keyboard->click);
    poke(desk.machine, A_DATA, 1, 0x03);
    poke(desk.machine, A_DATA, 1, 0x0b);
    g_assert_false(desk.keyboard->bell || desk.keyboard->click);
    g_assert_cmphex(peek(desk.machine, A_CONTROL, 1) & 1, ==, 0);
    machine_free(desk.machine);
}

static void test_keyboard_keys(void)
{
    struct desk desk;
    set_desk(&desk);
    machine_input_key(desk.machine, KEY_STOP, true);
    machine_input_key(desk.machine, KEY_A, true);
    machine_input_key(desk.machine, KEY_A, false);
    EXPECT(&desk, A_CONTROL, 0x01, 0x4d, 0xcd);
    bench_check_state(desk.machine);
    machine_input_key(desk.machine, KEY_STOP, false);
    EXPECT(&desk, A_CONTROL, 0x81, 0x7f);
    /* Both control keys of a PC are the one of the Sun. */
    machine_input_key(desk.machine, KEY_LEFTCTRL, true);
    machine_input_key(desk.machine, KEY_RIGHTCTRL, true);
    machine_input_key(desk.machine, KEY_LEFTCTRL, false);
    EXPECT(&desk, A_CONTROL, 0x4c);
    machine_input_key(desk.machine, KEY_RIGHTCTRL, false);
    EXPECT(&desk, A_CONTROL, 0xcc, 0x7f);
    /* More than the chip's FIFO holds waits in the keyboard. */
    for (unsigned i = 0; i < 10; i++) {
        machine_input_key(desk.machine, KEY_1 + i, true);
        machine_input_key(desk.machine, KEY_1 + i, false);
    }
    for (uint8_t i = 0; i < 10; i++) {
        g_assert_cmphex(peek(desk.machine, A_DATA, 1), ==, 0x1e + i);
        g_assert_cmphex(peek(desk.machine, A_DATA, 1), ==, 0x9e + i);
        g_assert_cmphex(peek(desk.machine, A_DATA, 1), ==, 0x7f);
    }
    machine_free(desk.machine);
}

static void test_keyboard_table_is_one_to_one(void)
{
    unsigned owners[128] = {0};
    for (unsigned code = 0; code < KEY_CNT; code++) {
        uint8_t scan = sun_keyboard_scan_code(code);
        g_assert_cmpuint(scan, <, 0x7e);
        if (scan && code != KEY_RIGHTCTRL && code != KEY_MENU)
            owners[scan]++;
    }
    for (unsigned scan = 1; scan < 0x7e; scan++)
        g_assert_cmpuint(owners[scan], ==, scan != 0x4b && (scan < 0x73 || scan > 0x75));
    g_assert_cmpuint(sun_keyboard_scan_code(KEY_CNT + 5), ==, 0);
}

static void test_mouse_reports(void)
{
    struct desk desk;
    set_desk(&desk);
    machine_input_pointer_relative(desk.machine, 3, 5);
    EXPECT(&desk, B_CONTROL, 0x87, 3, (uint8_t)-5, 0, 0);
    machine_input_button(desk.machine, BTN_LEFT, true);
    EXPECT(&desk, B_CONTROL, 0x83, 0, 0, 0, 0);
    /* Movement while the line is busy is added up; a long way is split. */
    machine_input_pointer_relative(desk.machine, 100, 0);
    machine_input_pointer_relative(desk.machine, 100, -1);
    bench_check_state(desk.machine);
    bench_advance(desk.machine, 20 * NS_PER_MS);
    EXPECT(&desk, B_CONTROL, 0x83, 127, 1, 73, 0);
    machine_input_button(desk.machine, BTN_LEFT, false);
    EXPECT(&desk, B_CONTROL, 0x87, 0, 0, 0, 0);
    /* Nobody listens: the last state is what counts in the end. */
    struct bench bench = {.machine = desk.machine};
    write_reg(&bench, B_CONTROL, 3, 0xc0);
    for (unsigned i = 0; i < 101; i++)
        machine_input_button(desk.machine, BTN_RIGHT, i % 2 == 0);
    write_reg(&bench, B_CONTROL, 3, 0xc1);
    uint8_t last = 0;
    for (unsigned at = 0; peek(desk.machine, B_CONTROL, 1) & 1; at++) {
        uint8_t byte = (uint8_t)peek(desk.machine, B_DATA, 1);
        if (at % 5 == 0)
            last = byte;
        bench_advance(desk.machine, 5 * NS_PER_MS);
    }
    g_assert_cmphex(last, ==, 0x86);
    machine_free(desk.machine);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/escc/special-condition-holds-the-fifo", test_special_condition_holds_the_fifo);
    g_test_add_func("/escc/auto-enables-and-echo", test_auto_enables_and_echo);
    g_test_add_func("/escc/zero-count", test_zero_count);
    g_test_add_func("/escc/reset-values", test_reset_values);
    g_test_add_func("/escc/transmit-and-parameters", test_transmit_and_parameters);
    g_test_add_func("/escc/receive-interrupt-on-each-character", test_receive_interrupt_on_each_character);
    g_test_add_func("/escc/vector-tells-the-source", test_vector_tells_the_source);
    g_test_add_func("/escc/external-status-latch", test_external_status_latch);
    g_test_add_func("/escc/loopback-and-overrun", test_loopback_and_overrun);
    g_test_add_func("/escc/escc-is-told-by-its-extended-register",
                    test_escc_is_told_by_its_extended_register);
    g_test_add_func("/escc/paced-characters-take-their-time", test_paced_characters_take_their_time);
    g_test_add_func("/escc/preset-line", test_preset_line);
    g_test_add_func("/escc/state", test_state);
    g_test_add_func("/sun-keyboard/commands", test_keyboard_commands);
    g_test_add_func("/sun-keyboard/keys", test_keyboard_keys);
    g_test_add_func("/sun-keyboard/table-is-one-to-one", test_keyboard_table_is_one_to_one);
    g_test_add_func("/sun-mouse/reports", test_mouse_reports);
    return g_test_run();
}
