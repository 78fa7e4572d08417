/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GDB's remote protocol: packets and what they ask for. See gdb_server.h. */
#include "emulator/core/gdb_server.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "emulator/core/gdb_files.h"
#include "emulator/core/gdb_private.h"

#define PACKET_MOST    16384
#define MEMORY_MOST    ((PACKET_MOST - 8) / 2)
#define THREADS_MOST   4096
#define ACTIONS_MOST   256
#define REGISTERS_MOST 512
#define INTERRUPT      3

/* -------------------------------------------------------------------------------------------- connection */

/* One debugger is served, once. */
static void hang_up(struct gdb_server *s)
{
    g_mutex_lock(&s->lock);
    if (s->connection >= 0)
        close(s->connection);
    s->connection = -1;
    g_mutex_unlock(&s->lock);
}

static void put_bytes(struct gdb_server *s, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    while (size && s->connection >= 0) {
        ssize_t n = send(s->connection, at, size, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        at += n;
        size -= (size_t)n;
    }
}

void gdb_put_packet(struct gdb_server *s, const void *bytes, size_t size)
{
    g_autoptr(GByteArray) packet = g_byte_array_new();
    const uint8_t *payload = bytes;
    uint8_t sum = 0;
    char end[4];

    g_byte_array_append(packet, (const uint8_t *)"$", 1);
    g_byte_array_append(packet, payload, (guint)size);
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + payload[i]);
    g_snprintf(end, sizeof(end), "#%02x", sum);
    g_byte_array_append(packet, (const uint8_t *)end, 3);
    g_mutex_lock(&s->lock);
    put_bytes(s, packet->data, packet->len);
    g_mutex_unlock(&s->lock);
}

void gdb_put_text(struct gdb_server *s, const char *text)
{
    gdb_put_packet(s, text, strlen(text));
}

/* More bytes; false: the debugger has gone. */
static bool fill(struct gdb_server *s)
{
    uint8_t bytes[4096];
    ssize_t n;

    do
        n = recv(s->connection, bytes, sizeof(bytes), 0);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return false;
    g_byte_array_append(s->in, bytes, (guint)n);
    return true;
}

/* Takes one packet, or an interrupt, out of what has come: the packet's bytes without frame, or NULL with
 * *interrupt, or NULL when more must come first. */
static GByteArray *take_packet(struct gdb_server *s, bool *interrupt)
{
    *interrupt = false;
    while (s->in->len) {
        const uint8_t *in = s->in->data, *end;
        GByteArray *packet;
        uint8_t sum = 0;
        size_t n;

        if (in[0] == INTERRUPT) {
            g_byte_array_remove_range(s->in, 0, 1);
            *interrupt = true;
            return NULL;
        }
        if (in[0] != '$') { /* an acknowledgement, or noise */
            g_byte_array_remove_range(s->in, 0, 1);
            continue;
        }
        end = memchr(in, '#', s->in->len);
        if (!end) {
            /* Too long for any packet that was announced. */
            if (s->in->len > 4 * PACKET_MOST)
                g_byte_array_set_size(s->in, 0);
            return NULL;
        }
        n = (size_t)(end - in);
        if (s->in->len < n + 3)
            return NULL;
        for (size_t i = 1; i < n; i++)
            sum = (uint8_t)(sum + in[i]);
        if (s->acknowledge) {
            bool good = g_ascii_xdigit_value((char)end[1]) * 16 + g_ascii_xdigit_value((char)end[2]) == sum;

            put_bytes(s, good ? "+" : "-", 1);
            if (!good) {
                g_byte_array_remove_range(s->in, 0, (guint)n + 3);
                continue;
            }
        }
        packet = g_byte_array_new();
        g_byte_array_append(packet, in + 1, (guint)n - 1);
        /* Whoever reads it as text finds its end. */
        g_byte_array_append(packet, (const uint8_t *)"", 1);
        packet->len--;
        g_byte_array_remove_range(s->in, 0, (guint)n + 3);
        return packet;
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------------ hexadecimals */

void gdb_append_hex(GString *text, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        g_string_append_printf(text, "%02x", bytes[i]);
}

uint64_t gdb_parse_hex(const char **at)
{
    uint64_t value = 0;

    while (g_ascii_isxdigit(**at))
        value = value << 4 | (unsigned)g_ascii_xdigit_value(*(*at)++);
    return value;
}

GByteArray *gdb_parse_bytes(const char *at)
{
    GByteArray *bytes = g_byte_array_new();

    while (g_ascii_isxdigit(at[0]) && g_ascii_isxdigit(at[1])) {
        uint8_t byte = (uint8_t)(g_ascii_xdigit_value(at[0]) << 4 | g_ascii_xdigit_value(at[1]));

        g_byte_array_append(bytes, &byte, 1);
        at += 2;
    }
    return bytes;
}

void gdb_append_escaped(GByteArray *to, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t pair[2] = {'}', (uint8_t)(bytes[i] ^ 0x20)};

        if (strchr("#$}*", bytes[i]) && bytes[i])
            g_byte_array_append(to, pair, 2);
        else
            g_byte_array_append(to, &bytes[i], 1);
    }
}

static GByteArray *unescape(const uint8_t *bytes, size_t size)
{
    GByteArray *to = g_byte_array_new();

    for (size_t i = 0; i < size; i++) {
        uint8_t byte = bytes[i] == '}' && i + 1 < size ? bytes[++i] ^ 0x20 : bytes[i];

        g_byte_array_append(to, &byte, 1);
    }
    return to;
}

static void ok_or_error(struct gdb_server *s, bool good)
{
    gdb_put_text(s, good ? "OK" : "E01");
}

/* --------------------------------------------------------------------------------------------- registers */

/* 0 and -1 stand for any. */
static uint64_t parse_thread(const char **at)
{
    if (g_str_has_prefix(*at, "-1")) {
        *at += 2;
        return 0;
    }
    return gdb_parse_hex(at);
}

static uint64_t first_thread(struct gdb_server *s)
{
    uint64_t thread = 0;

    s->target->threads(s->opaque, &thread, 1);
    return thread;
}

/* The one that register packets are about. */
static uint64_t chosen(struct gdb_server *s)
{
    return s->thread ? s->thread : s->stop.thread ? s->stop.thread : first_thread(s);
}

static void read_registers(struct gdb_server *s)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned r = 0; r < REGISTERS_MOST && s->target->register_size(s->opaque, r); r++) {
        if (!s->target->read_register(s->opaque, chosen(s), r, bytes)) {
            ok_or_error(s, false);
            return;
        }
    }
    gdb_append_hex(text, bytes->data, bytes->len);
    gdb_put_text(s, text->str);
}

static void write_registers(struct gdb_server *s, const char *at)
{
    g_autoptr(GByteArray) bytes = gdb_parse_bytes(at);
    size_t done = 0;
    bool good = true;

    for (unsigned r = 0; good && r < REGISTERS_MOST; r++) {
        unsigned size = s->target->register_size(s->opaque, r);

        if (!size || done + size > bytes->len)
            break;
        good = s->target->write_register(s->opaque, chosen(s), r, bytes->data + done, size);
        done += size;
    }
    ok_or_error(s, good);
}

static void read_register(struct gdb_server *s, const char *at)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GString) text = g_string_new(NULL);

    if (!s->target->read_register(s->opaque, chosen(s), (unsigned)gdb_parse_hex(&at), bytes)) {
        ok_or_error(s, false);
        return;
    }
    gdb_append_hex(text, bytes->data, bytes->len);
    gdb_put_text(s, text->str);
}

static void write_register(struct gdb_server *s, const char *at)
{
    unsigned number = (unsigned)gdb_parse_hex(&at);
    g_autoptr(GByteArray) bytes = gdb_parse_bytes(*at == '=' ? at + 1 : at);

    ok_or_error(s, bytes->len && bytes->len == s->target->register_size(s->opaque, number) &&
                       s->target->write_register(s->opaque, chosen(s), number, bytes->data, bytes->len));
}

/* ------------------------------------------------------------------------------------------------ memory */

static bool parse_range(const char **at, uint64_t *address, uint64_t *size)
{
    *address = gdb_parse_hex(at);
    if (**at != ',')
        return false;
    ++*at;
    *size = gdb_parse_hex(at);
    return true;
}

static void read_memory(struct gdb_server *s, const char *at)
{
    uint64_t address, size;
    g_autofree uint8_t *bytes = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    if (!parse_range(&at, &address, &size)) {
        ok_or_error(s, false);
        return;
    }
    size = MIN(size, MEMORY_MOST);
    bytes = g_malloc(size + 1);
    /* What can be read of it: up to the end of a page that the next one does not follow. */
    if (!s->target->read_memory(s->opaque, address, bytes, size)) {
        uint64_t good = 0;

        while (good < size && s->target->read_memory(s->opaque, address + good, bytes + good, 1))
            good++;
        size = good;
    }
    if (!size) {
        ok_or_error(s, false);
        return;
    }
    gdb_append_hex(text, bytes, size);
    gdb_put_text(s, text->str);
}

static void write_memory(struct gdb_server *s, const GByteArray *packet, bool binary)
{
    const char *at = (const char *)packet->data + 1;
    uint64_t address, size;
    g_autoptr(GByteArray) bytes = NULL;

    if (!parse_range(&at, &address, &size) || *at++ != ':') {
        ok_or_error(s, false);
        return;
    }
    bytes = binary ? unescape((const uint8_t *)at, (size_t)(packet->data + packet->len - (const uint8_t *)at))
                   : gdb_parse_bytes(at);
    ok_or_error(s, bytes->len == size &&
                       (size == 0 || s->target->write_memory(s->opaque, address, bytes->data, bytes->len)));
}

static void set_point(struct gdb_server *s, const char *at, bool set)
{
    unsigned type = (unsigned)gdb_parse_hex(&at);
    uint64_t address, kind;

    if (type > GDB_POINT_ACCESS) {
        gdb_put_text(s, "");
        return;
    }
    ok_or_error(s, *at++ == ',' && parse_range(&at, &address, &kind) &&
                       s->target->point(s->opaque, (enum gdb_point)type, address, (unsigned)kind, set));
}

/* ------------------------------------------------------------------------------------------ run and stop */

static void report_stop(struct gdb_server *s)
{
    static const char *const reasons[] = {[GDB_REASON_BREAK] = "swbreak",
                                          [GDB_REASON_WRITE] = "watch",
                                          [GDB_REASON_READ] = "rwatch",
                                          [GDB_REASON_ACCESS] = "awatch",
                                          [GDB_REASON_EXEC] = "exec"};
    g_autoptr(GString) text = g_string_new(NULL);

    if (!s->stop.thread)
        s->stop.thread = first_thread(s);
    g_string_printf(text, "T%02xthread:%" G_GINT64_MODIFIER "x;", s->stop.signal, s->stop.thread);
    if (s->stop.reason == GDB_REASON_BREAK) {
        if (s->break_reasons)
            g_string_append(text, "swbreak:;");
    } else if (s->stop.reason == GDB_REASON_EXEC) {
        g_autoptr(GByteArray) file = g_byte_array_new();

        if (s->exec_events && s->target->object(s->opaque, "exec-file", s->stop.thread, file)) {
            g_string_append_printf(text, "%s:", reasons[s->stop.reason]);
            gdb_append_hex(text, file->data, file->len);
            g_string_append_c(text, ';');
        }
    } else if (s->stop.reason != GDB_REASON_SIGNAL) {
        g_string_append_printf(text, "%s:%" G_GINT64_MODIFIER "x;", reasons[s->stop.reason], s->stop.address);
    }
    s->thread = 0;
    gdb_put_text(s, text->str);
}

static void resume(struct gdb_server *s, const struct gdb_action *actions, unsigned count)
{
    s->running = true;
    s->target->resume(s->opaque, actions, count);
}

/* c, s, and C, S with a signal; an address may follow, which nobody sends any more. */
static void resume_simply(struct gdb_server *s, const char *at)
{
    bool step = *at == 's' || *at == 'S', with_signal = *at == 'C' || *at == 'S';
    struct gdb_action actions[2] = {{0}};
    unsigned n = 0;

    at++;
    if (step)
        actions[n++] = (struct gdb_action){.thread = chosen(s), .how = GDB_STEP};
    else
        actions[n++] = (struct gdb_action){.how = GDB_CONTINUE};
    if (with_signal) {
        actions[0].thread = chosen(s);
        actions[0].signal = (int)gdb_parse_hex(&at);
        actions[n++] = (struct gdb_action){.how = step ? GDB_STAY : GDB_CONTINUE};
    }
    resume(s, actions, n);
}

static void resume_by_list(struct gdb_server *s, const char *at)
{
    struct gdb_action actions[ACTIONS_MOST];
    unsigned n = 0;

    while (*at == ';' && n < ACTIONS_MOST) {
        struct gdb_action *a = &actions[n++];
        char how = *++at;

        *a = (struct gdb_action){.how = how == 's' || how == 'S' ? GDB_STEP
                                        : how == 't'             ? GDB_STAY
                                                                 : GDB_CONTINUE};
        if (!how || !strchr("csCSt", how)) {
            ok_or_error(s, false);
            return;
        }
        at++;
        if (how == 'C' || how == 'S')
            a->signal = (int)gdb_parse_hex(&at);
        if (*at == ':') {
            at++;
            a->thread = parse_thread(&at);
        }
    }
    resume(s, actions, n);
}

static void list_threads(struct gdb_server *s, bool as_xml, GByteArray *xml)
{
    g_autofree uint64_t *threads = g_new0(uint64_t, THREADS_MOST);
    unsigned n = MIN(s->target->threads(s->opaque, threads, THREADS_MOST), THREADS_MOST);
    g_autoptr(GString) text = g_string_new(as_xml ? "<?xml version=\"1.0\"?>\n<threads>\n" : "m");

    for (unsigned i = 0; i < n; i++) {
        if (as_xml)
            g_string_append_printf(text, "<thread id=\"%" G_GINT64_MODIFIER "x\"/>\n", threads[i]);
        else
            g_string_append_printf(text, "%s%" G_GINT64_MODIFIER "x", i ? "," : "", threads[i]);
    }
    if (as_xml) {
        g_string_append(text, "</threads>\n");
        g_byte_array_append(xml, (const uint8_t *)text->str, (guint)text->len);
    } else {
        gdb_put_text(s, text->str);
    }
}

static bool is_alive(struct gdb_server *s, uint64_t thread)
{
    g_autofree uint64_t *threads = g_new0(uint64_t, THREADS_MOST);
    unsigned n = MIN(s->target->threads(s->opaque, threads, THREADS_MOST), THREADS_MOST);

    for (unsigned i = 0; i < n; i++) {
        if (threads[i] == thread)
            return true;
    }
    return false;
}

/* ----------------------------------------------------------------------------------------------- queries */

/* qXfer:OBJECT:read:ANNEX:OFFSET,LENGTH */
static void transfer(struct gdb_server *s, const char *at)
{
    g_auto(GStrv) parts = g_strsplit(at, ":", 4);
    g_autoptr(GByteArray) object = g_byte_array_new(), answer = g_byte_array_new();
    uint64_t offset, length;
    const char *range;
    bool known = false;

    if (g_strv_length(parts) != 4 || !g_str_equal(parts[1], "read")) {
        gdb_put_text(s, "");
        return;
    }
    range = parts[3];
    if (!parse_range(&range, &offset, &length)) {
        gdb_put_text(s, "E00");
        return;
    }
    if (g_str_equal(parts[0], "features")) {
        const char *text = s->target->description(s->opaque);

        known = g_str_equal(parts[2], "target.xml");
        if (known)
            g_byte_array_append(object, (const uint8_t *)text, (guint)strlen(text));
    } else if (g_str_equal(parts[0], "threads")) {
        known = true;
        list_threads(s, true, object);
    } else if (s->target->object) {
        known = s->target->object(s->opaque, parts[0], chosen(s), object);
    }
    if (!known) {
        gdb_put_text(s, "E00");
        return;
    }
    offset = MIN(offset, object->len);
    length = MIN(MIN(length, PACKET_MOST / 2 - 8), object->len - offset);
    g_byte_array_append(answer, (const uint8_t *)(offset + length < object->len ? "m" : "l"), 1);
    gdb_append_escaped(answer, object->data + offset, length);
    gdb_put_packet(s, answer->data, answer->len);
}

static void pass_signals(struct gdb_server *s, const char *at)
{
    bool signals[GDB_SIGNALS] = {false};

    while (*at) {
        uint64_t n = gdb_parse_hex(&at);

        if (n < GDB_SIGNALS)
            signals[n] = true;
        if (*at != ';')
            break;
        at++;
    }
    s->target->pass(s->opaque, signals);
    ok_or_error(s, true);
}

static void answer_supported(struct gdb_server *s, const char *at)
{
    g_autoptr(GString) text = g_string_new(NULL);

    s->break_reasons = strstr(at, "swbreak+") != NULL;
    s->exec_events = s->target->object && strstr(at, "exec-events+") != NULL;
    g_string_printf(
        text,
        "PacketSize=%x;QStartNoAckMode+;qXfer:features:read+;qXfer:threads:read+;swbreak+;vContSupported+",
        PACKET_MOST);
    if (s->target->object)
        g_string_append(text, ";qXfer:auxv:read+;qXfer:exec-file:read+;qXfer:siginfo:read+");
    if (s->exec_events)
        g_string_append(text, ";exec-events+");
    if (s->target->pass)
        g_string_append(text, ";QPassSignals+");
    gdb_put_text(s, text->str);
}

static void query(struct gdb_server *s, const char *at)
{
    if (g_str_has_prefix(at, "qSupported")) {
        answer_supported(s, at);
    } else if (g_str_has_prefix(at, "qXfer:")) {
        transfer(s, at + strlen("qXfer:"));
    } else if (g_str_equal(at, "QStartNoAckMode")) {
        ok_or_error(s, true);
        s->acknowledge = false;
    } else if (g_str_equal(at, "qfThreadInfo")) {
        list_threads(s, false, NULL);
    } else if (g_str_equal(at, "qsThreadInfo")) {
        gdb_put_text(s, "l");
    } else if (g_str_equal(at, "qC")) {
        g_autofree char *text = g_strdup_printf("QC%" G_GINT64_MODIFIER "x", chosen(s));

        gdb_put_text(s, text);
    } else if (g_str_has_prefix(at, "qAttached")) {
        gdb_put_text(s, "0"); /* it was started for the debugger, and ends with it */
    } else if (g_str_has_prefix(at, "QPassSignals:") && s->target->pass) {
        pass_signals(s, at + strlen("QPassSignals:"));
    } else {
        gdb_put_text(s, "");
    }
}

/* One packet while the target stands. false: the session has ended. */
static bool serve(struct gdb_server *s, const GByteArray *packet)
{
    const char *at = (const char *)packet->data;

    switch (*at) {
    case '?': report_stop(s); break;
    case 'g': read_registers(s); break;
    case 'G': write_registers(s, at + 1); break;
    case 'p': read_register(s, at + 1); break;
    case 'P': write_register(s, at + 1); break;
    case 'm': read_memory(s, at + 1); break;
    case 'M': write_memory(s, packet, false); break;
    case 'X': write_memory(s, packet, true); break;
    case 'Z': set_point(s, at + 1, true); break;
    case 'z': set_point(s, at + 1, false); break;
    case 'c':
    case 's':
    case 'C':
    case 'S': resume_simply(s, at); break;
    case 'q':
    case 'Q': query(s, at); break;
    case 'H':
        if (at[1] == 'g') {
            at += 2;
            s->thread = parse_thread(&at);
        }
        ok_or_error(s, true);
        break;
    case 'T':
        at++;
        ok_or_error(s, is_alive(s, gdb_parse_hex(&at)));
        break;
    case 'D': ok_or_error(s, true); return false;
    case 'k': s->target->kill(s->opaque); return false;
    case 'v':
        if (g_str_equal(at, "vCont?"))
            gdb_put_text(s, "vCont;c;C;s;S;t");
        else if (g_str_has_prefix(at, "vCont;"))
            resume_by_list(s, at + strlen("vCont"));
        else if (g_str_has_prefix(at, "vKill")) {
            ok_or_error(s, true);
            s->target->kill(s->opaque);
            return false;
        } else if (g_str_has_prefix(at, "vFile:") && s->target->file)
            gdb_files_serve(s, at + strlen("vFile:"));
        else
            gdb_put_text(s, "");
        break;
    default: gdb_put_text(s, ""); break;
    }
    return true;
}

/* While the target runs: an interrupt, or its event. false: the debugger has gone. */
static bool await_stop(struct gdb_server *s)
{
    struct pollfd fds[2] = {{.fd = s->connection, .events = POLLIN}, {.fd = s->wake, .events = POLLIN}};
    bool interrupt;
    uint64_t count;

    if (poll(fds, 2, -1) < 0)
        return errno == EINTR;
    if (fds[0].revents) {
        g_autoptr(GByteArray) packet = NULL;

        if (!fill(s))
            return false;
        packet = take_packet(s, &interrupt);
        if (interrupt)
            s->target->interrupt(s->opaque);
    }
    if (fds[1].revents && read(s->wake, &count, sizeof(count)) == sizeof(count) &&
        s->target->stopped(s->opaque, &s->stop)) {
        s->running = false;
        report_stop(s);
    }
    return true;
}

void gdb_server_run(struct gdb_server *s)
{
    bool goes_on = true;

    /* A debugger that was taken over waits for what its program does. */
    if (s->stop.reason == GDB_REASON_EXEC)
        report_stop(s);
    while (goes_on && s->connection >= 0) {
        g_autoptr(GByteArray) packet = NULL;
        bool interrupt;

        if (s->running) {
            goes_on = await_stop(s);
            continue;
        }
        packet = take_packet(s, &interrupt);
        if (packet)
            goes_on = serve(s, packet);
        else if (!interrupt)
            goes_on = fill(s);
    }
    hang_up(s);
    s->target->detach(s->opaque);
}

void gdb_server_notify(struct gdb_server *s)
{
    uint64_t one = 1;

    if (write(s->wake, &one, sizeof(one)) < 0)
        g_assert(errno == EAGAIN); /* it is awake already */
}

void gdb_server_exited(struct gdb_server *s, bool killed, int code)
{
    char text[8];

    g_snprintf(text, sizeof(text), "%c%02x", killed ? 'X' : 'W', (unsigned)code & 0xff);
    gdb_put_text(s, text);
    g_mutex_lock(&s->lock);
    if (s->connection >= 0)
        shutdown(s->connection, SHUT_WR);
    g_mutex_unlock(&s->lock);
}
