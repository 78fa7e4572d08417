/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The part of a C library that GCC's torture tests call, for processors that Debian has no cross library for.
 * It stands on the run time of tests/bench/rt.
 */
#include <stdarg.h>

#include "stdio.h"
#include "stdlib.h"
#include "string.h"
#include "tests/bench/rt/rt_os.h"
#include "tests/bench/rt/syscall.h"

void *rt_alloc(size_t bytes);

/* ------------------------------------------------------------------------------------------------ endings */

void abort(void)
{
    /* SIGABRT to ourselves; then in any case an end. */
    rt_syscall(37, rt_syscall(20, 0, 0, 0, 0, 0, 0), 6, 0, 0, 0, 0);
    rt_os_exit(134);
}

void exit(int status)
{
    rt_os_exit(status);
}

void _exit(int status)
{
    rt_os_exit(status);
}

void __assert_fail(const char *what, const char *file, unsigned line, const char *function)
{
    (void)what;
    (void)file;
    (void)line;
    (void)function;
    abort();
}

/* ------------------------------------------------------------------------------------------------ memory */

/* The size stands in front. */
void *malloc(size_t size)
{
    size_t *block = rt_alloc(size + 16);

    *block = size;
    return (char *)block + 16;
}

void *calloc(size_t n, size_t size)
{
    return malloc(n * size);
}

void free(void *block)
{
    (void)block;
}

void *realloc(void *old, size_t size)
{
    void *new = malloc(size);

    if (old) {
        size_t had = *(size_t *)((char *)old - 16);

        memcpy(new, old, had < size ? had : size);
    }
    return new;
}

/* ------------------------------------------------------------------------------------------------ strings */

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n && *a && *a == *b; n--)
        a++, b++;
    return n ? (unsigned char)*a - (unsigned char)*b : 0;
}

char *strncpy(char *to, const char *from, size_t n)
{
    char *at = to;

    for (; n && *from; n--)
        *at++ = *from++;
    while (n--)
        *at++ = 0;
    return to;
}

char *stpcpy(char *to, const char *from)
{
    while ((*to = *from++))
        to++;
    return to;
}

char *strcat(char *to, const char *from)
{
    stpcpy(to + strlen(to), from);
    return to;
}

char *strncat(char *to, const char *from, size_t n)
{
    char *at = to + strlen(to);

    while (n-- && *from)
        *at++ = *from++;
    *at = 0;
    return to;
}

char *strrchr(const char *text, int c)
{
    const char *found = NULL;

    do {
        if (*text == (char)c)
            found = text;
    } while (*text++);
    return (char *)found;
}

char *strstr(const char *text, const char *part)
{
    size_t n = strlen(part);

    for (; *text; text++) {
        if (strncmp(text, part, n) == 0)
            return (char *)text;
    }
    return n ? NULL : (char *)text;
}

void *memchr(const void *from, int c, size_t n)
{
    const unsigned char *at = from;

    for (; n--; at++) {
        if (*at == (unsigned char)c)
            return (void *)at;
    }
    return NULL;
}

void *mempcpy(void *to, const void *from, size_t n)
{
    return (char *)memcpy(to, from, n) + n;
}

int bcmp(const void *a, const void *b, size_t n)
{
    return memcmp(a, b, n);
}

size_t strspn(const char *text, const char *set)
{
    size_t n = 0;

    while (text[n] && strchr(set, text[n]))
        n++;
    return n;
}

size_t strcspn(const char *text, const char *set)
{
    size_t n = 0;

    while (text[n] && !strchr(set, text[n]))
        n++;
    return n;
}

char *strpbrk(const char *text, const char *set)
{
    text += strcspn(text, set);
    return *text ? (char *)text : NULL;
}

int abs(int value)
{
    return value < 0 ? -value : value;
}

long labs(long value)
{
    return value < 0 ? -value : value;
}

int atoi(const char *text)
{
    int value = 0, minus = *text == '-';

    for (text += minus; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + *text - '0';
    return minus ? -value : value;
}

/* ------------------------------------------------------------------------------------------------ output */

struct sink {
    char *to;
    size_t room, length;
};

static void put(struct sink *s, char c)
{
    if (s->length + 1 < s->room)
        s->to[s->length] = c;
    s->length++;
}

static void put_number(struct sink *s, unsigned long long value, unsigned base, int minus, int width,
                       char fill, int upper)
{
    char digits[32];
    int n = 0;

    do {
        unsigned digit = (unsigned)(value % base);

        digits[n++] = (char)(digit < 10 ? '0' + digit : (upper ? 'A' : 'a') + digit - 10);
        value /= base;
    } while (value);
    if (minus)
        digits[n++] = '-';
    for (; width > n; width--)
        put(s, fill);
    while (n)
        put(s, digits[--n]);
}

int vsnprintf(char *to, size_t room, const char *format, va_list list)
{
    struct sink s = {to, room, 0};

    for (; *format; format++) {
        char fill = ' ';
        int width = 0, longs = 0;
        const char *text;
        long long value;

        if (*format != '%') {
            put(&s, *format);
            continue;
        }
        format++;
        if (*format == '0')
            fill = *format++;
        while (*format >= '0' && *format <= '9')
            width = width * 10 + *format++ - '0';
        for (; *format == 'l' || *format == 'h' || *format == 'z'; format++)
            longs += *format == 'l';
        switch (*format) {
        case 'd':
        case 'i':
            value = longs > 1 ? va_arg(list, long long) : va_arg(list, int);
            put_number(&s, value < 0 ? 0 - (unsigned long long)value : (unsigned long long)value, 10,
                       value < 0, width, fill, 0);
            break;
        case 'u':
        case 'x':
        case 'X':
        case 'o':
            put_number(&s, longs > 1 ? va_arg(list, unsigned long long) : va_arg(list, unsigned),
                       *format == 'u'   ? 10
                       : *format == 'o' ? 8
                                        : 16,
                       0, width, fill, *format == 'X');
            break;
        case 'p': put_number(&s, (unsigned long)va_arg(list, void *), 16, 0, 0, ' ', 0); break;
        case 'c': put(&s, (char)va_arg(list, int)); break;
        case 's':
            text = va_arg(list, const char *);
            for (int n = (int)strlen(text); width > n; width--)
                put(&s, ' ');
            while (*text)
                put(&s, *text++);
            break;
        case 'f':
        case 'g':
        case 'e': put_number(&s, (unsigned long long)va_arg(list, double), 10, 0, width, fill, 0); break;
        default: put(&s, *format); break;
        }
    }
    if (room)
        to[s.length < room ? s.length : room - 1] = 0;
    return (int)s.length;
}

int vsprintf(char *to, const char *format, va_list list)
{
    return vsnprintf(to, 1 << 20, format, list);
}

int snprintf(char *to, size_t room, const char *format, ...)
{
    va_list list;
    int n;

    va_start(list, format);
    n = vsnprintf(to, room, format, list);
    va_end(list);
    return n;
}

int sprintf(char *to, const char *format, ...)
{
    va_list list;
    int n;

    va_start(list, format);
    n = vsprintf(to, format, list);
    va_end(list);
    return n;
}

int vprintf(const char *format, va_list list)
{
    char text[4096];
    int n = vsnprintf(text, sizeof(text), format, list);

    rt_os_write(text, strlen(text));
    return n;
}

int printf(const char *format, ...)
{
    va_list list;
    int n;

    va_start(list, format);
    n = vprintf(format, list);
    va_end(list);
    return n;
}

int putchar(int c)
{
    char text = (char)c;

    rt_os_write(&text, 1);
    return c;
}

int puts(const char *text)
{
    rt_os_write(text, strlen(text));
    return putchar('\n');
}
