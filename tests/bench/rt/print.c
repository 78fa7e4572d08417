/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Number printing on a small buffer; the writer underneath is the guest's or the host's. */
#include "rt.h"
#include "rt_os.h"

static char buffer[1024];
static unsigned fill;

void rt_flush(void)
{
    rt_os_write(buffer, fill);
    fill = 0;
}

void rt_put_char(char c)
{
    if (fill == sizeof(buffer))
        rt_flush();
    buffer[fill++] = c;
}

void rt_put(const char *text)
{
    while (*text)
        rt_put_char(*text++);
}

void rt_put_u32(uint32_t value)
{
    char digits[10];
    int n = 0;

    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (n)
        rt_put_char(digits[--n]);
}

void rt_put_i32(int32_t value)
{
    if (value < 0) {
        rt_put_char('-');
        rt_put_u32(0u - (uint32_t)value);
    } else {
        rt_put_u32((uint32_t)value);
    }
}

void rt_put_hex32(uint32_t value)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        rt_put_char("0123456789abcdef"[(value >> shift) & 15]);
}

void rt_put_hex64(uint64_t value)
{
    rt_put_hex32((uint32_t)(value >> 32));
    rt_put_hex32((uint32_t)value);
}

void rt_exit(int status)
{
    rt_flush();
    rt_os_exit(status);
}

void rt_fail(const char *why)
{
    rt_put("FAIL: ");
    rt_put(why);
    rt_put("\n");
    rt_exit(1);
}

int32_t rt_atoi(const char *text)
{
    uint32_t value = 0;
    int negative = *text == '-';

    if (negative)
        text++;
    while (*text >= '0' && *text <= '9')
        value = value * 10 + (uint32_t)(*text++ - '0');
    return (int32_t)(negative ? 0u - value : value);
}
