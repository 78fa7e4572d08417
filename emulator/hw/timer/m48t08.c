/* SPDX-License-Identifier: GPL-3.0-or-later */
/* M48T08 memory with clock; see the header for sources. */
#include "emulator/hw/timer/m48t08.h"

#include <string.h>

#include "emulator/core/machine.h"

/* Clock registers, data sheet table "Register Map" */
enum { CONTROL, SECONDS, MINUTES, HOUR, DAY, DATE, MONTH, YEAR };
#define CONTROL_W    0x80 /* write: registers hold still for setting */
#define CONTROL_R    0x40 /* read: registers hold still for reading */
#define SECONDS_STOP 0x80
#define DAY_FT       0x40 /* frequency test */

static uint8_t to_bcd(int value)
{
    return (uint8_t)((value / 10) << 4 | value % 10);
}

static int from_bcd(uint8_t value)
{
    return (value >> 4) * 10 + (value & 15);
}

static int64_t clock_seconds(const struct m48t08 *nvram)
{
    return nvram->stopped ? nvram->stopped_at : machine_rtc_seconds(nvram->dev.machine) + nvram->offset;
}

/* Copies the counters into the registers that the processor sees. */
static void latch(struct m48t08 *nvram)
{
    int64_t seconds = clock_seconds(nvram);
    g_autoptr(GDateTime) time =
        g_date_time_new_from_unix_utc(CLAMP(seconds, INT64_C(-2208988800), INT64_C(7258118399)));
    if (!time)
        return;
    nvram->clock[SECONDS] =
        (uint8_t)(to_bcd(g_date_time_get_second(time)) | (nvram->stopped ? SECONDS_STOP : 0));
    nvram->clock[MINUTES] = to_bcd(g_date_time_get_minute(time));
    nvram->clock[HOUR] = to_bcd(g_date_time_get_hour(time));
    int weekday = (g_date_time_get_day_of_week(time) % 7 + nvram->weekday_shift % 7 + 7) % 7; /* Sunday = 0 */
    nvram->clock[DAY] = (uint8_t)((nvram->clock[DAY] & DAY_FT) | (weekday + 1));
    nvram->clock[DATE] = to_bcd(g_date_time_get_day_of_month(time));
    nvram->clock[MONTH] = to_bcd(g_date_time_get_month(time));
    int year = g_date_time_get_year(time) - (int)nvram->base_year;
    nvram->clock[YEAR] = to_bcd((year % 100 + 100) % 100);
}

/* W went back to 0: the registers go into the counters. */
static void set_clock(struct m48t08 *nvram)
{
    const uint8_t *r = nvram->clock;
    int year = (int)nvram->base_year + from_bcd(r[YEAR]) % 100;
    int month = CLAMP(from_bcd(r[MONTH] & 0x1f), 1, 12);
    int date =
        CLAMP(from_bcd(r[DATE] & 0x3f), 1, g_date_get_days_in_month((GDateMonth)month, (GDateYear)year));
    g_autoptr(GDateTime) time = g_date_time_new_utc(year, month, date, CLAMP(from_bcd(r[HOUR] & 0x3f), 0, 23),
                                                    CLAMP(from_bcd(r[MINUTES] & 0x7f), 0, 59),
                                                    CLAMP(from_bcd(r[SECONDS] & 0x7f), 0, 59));
    int64_t seconds = g_date_time_to_unix(time);
    nvram->offset = seconds - machine_rtc_seconds(nvram->dev.machine);
    nvram->stopped = r[SECONDS] & SECONDS_STOP;
    nvram->stopped_at = seconds;
    int weekday = g_date_time_get_day_of_week(time) % 7, wanted = ((r[DAY] & 7) + 6) % 7;
    nvram->weekday_shift = (wanted - weekday + 7) % 7;
}

static uint64_t nvram_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct m48t08 *nvram = (struct m48t08 *)dev;
    if (offset < M48T08_CLOCK)
        return nvram->bytes[offset];
    if (!(nvram->clock[CONTROL] & (CONTROL_R | CONTROL_W)))
        latch(nvram);
    return nvram->clock[offset - M48T08_CLOCK];
}

static void nvram_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct m48t08 *nvram = (struct m48t08 *)dev;
    if (offset < M48T08_CLOCK) {
        nvram->bytes[offset] = (uint8_t)value;
        return;
    }
    uint8_t *control = &nvram->clock[CONTROL];
    if (offset == M48T08_CLOCK) {
        if (!(*control & (CONTROL_R | CONTROL_W)) && (value & (CONTROL_R | CONTROL_W)))
            latch(nvram);
        bool set = (*control & CONTROL_W) && !(value & CONTROL_W);
        *control = (uint8_t)value;
        if (set)
            set_clock(nvram);
        return;
    }
    if (*control & CONTROL_W) {
        nvram->clock[offset - M48T08_CLOCK] = (uint8_t)value;
        return;
    }
    /* Without W the write goes to the running counters: the same, one register at a time. */
    latch(nvram);
    nvram->clock[offset - M48T08_CLOCK] = (uint8_t)value;
    set_clock(nvram);
}

static bool nvram_init(struct device *dev, GError **error)
{
    struct m48t08 *nvram = (struct m48t08 *)dev;
    nvram->bytes = device_alloc(dev, M48T08_SIZE);
    return true;
}

static const struct state_field fields[] = {
    STATE_BYTES(struct m48t08, bytes, M48T08_SIZE),
    STATE_FIELD(struct m48t08, offset),
    STATE_ARRAY(struct m48t08, clock),
    STATE_FIELD(struct m48t08, stopped),
    STATE_FIELD(struct m48t08, stopped_at),
    STATE_FIELD(struct m48t08, weekday_shift),
    STATE_END,
};

static const struct device_property properties[] = {
    {"base-year", PROPERTY_U32, offsetof(struct m48t08, base_year), 1968, NULL, 1900, 2100,
     "year of the register value 00"},
    {NULL},
};

const struct device_class m48t08_class = {
    .name = "m48t08",
    .description = "M48T08 battery-backed memory and clock",
    .size = sizeof(struct m48t08),
    .version = 1,
    .init = nvram_init, /* no reset: the battery keeps everything */
    .fields = fields,
    .properties = properties,
};

void m48t08_map(struct m48t08 *nvram, struct bus *bus, uint64_t base)
{
    bus_map(bus, &(struct bus_region){.name = "memory with clock",
                                      .start = base,
                                      .size = M48T08_SIZE,
                                      .kind = BUS_MMIO,
                                      .dev = &nvram->dev,
                                      .read = nvram_read,
                                      .write = nvram_write,
                                      .widths = BUS_WIDTH_8});
}
