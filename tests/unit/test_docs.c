/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The device that docs/adding-a-device.md shows, as it stands there: it compiles, rings, and survives a saved state. */
#include "tests/unit/devs_common.h"

struct egg_timer;
void egg_timer_map(struct egg_timer *egg, struct bus *bus, uint64_t base); /* its header is not shown */

#include "docs_device.h"

#define BASE 0x71000000u

static void test_egg_timer(void)
{
    struct machine *machine = bench_new();
    struct irq_line pin;
    unsigned rings = 0;
    machine->guest_log = tmpfile();
    irq_init(&pin, bench_pin_changed, &rings, 0);
    struct egg_timer *egg = (struct egg_timer *)device_new(machine, &egg_timer_class, "egg-timer");
    egg->irq = &pin;
    bench_start(&egg->dev);
    egg_timer_map(egg, machine->bus, BASE);
    machine_reset(machine, RESET_POWER_ON);
    poke(machine, BASE + LIMIT, 4, 180000);
    poke(machine, BASE + CONTROL, 4, CONTROL_RUN | CONTROL_IE);
    bench_advance(machine, 179 * NS_PER_SECOND);
    bench_check_state(machine); /* it goes on where it was */
    g_assert_cmpuint(peek(machine, BASE + STATUS, 4), ==, 0);
    g_assert_cmpuint(rings, ==, 0);
    bench_advance(machine, NS_PER_SECOND);
    g_assert_cmpuint(peek(machine, BASE + STATUS, 4), ==, STATUS_RANG);
    g_assert_cmpuint(peek(machine, BASE + CONTROL, 4), ==, CONTROL_IE);
    g_assert_cmpuint(rings, ==, 1);
    poke(machine, BASE + STATUS, 4, 0);
    g_assert_false(pin.level);
    poke(machine, BASE + LIMIT, 4, UINT32_MAX);
    g_assert_cmpuint(peek(machine, BASE + LIMIT, 4), ==, LIMIT_MOST);
    g_assert_cmpuint(egg->dev.guest_errors, ==, 1);
    device_guest_error(&egg->dev, "%d eggs", 13);
    char line[100];
    rewind(machine->guest_log);
    g_assert_nonnull(fgets(line, sizeof line, machine->guest_log));
    g_assert_nonnull(fgets(line, sizeof line, machine->guest_log));
    g_assert_nonnull(strstr(line, "13 eggs\n"));
    machine_free(machine);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/docs/egg-timer", test_egg_timer);
    return g_test_run();
}
