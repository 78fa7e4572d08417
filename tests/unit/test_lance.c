/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Ethernet chip driven by a small driver in a fake memory; and libslirp's DHCP answering a real request.
 */
#include "emulator/hw/net/ethernet.h"
#include "emulator/hw/net/lance.h"
#include "emulator/hw/net/net_slirp.h"
#include "tests/machine/await.h"
#include "tests/unit/devs_common.h"

#define BASE    0x78c00000u
#define RDP     (BASE + 0)
#define RAP     (BASE + 2)
#define BLOCK   0x1000u
#define RX_RING 0x2000u
#define TX_RING 0x3000u
#define RX_DATA 0x10000u
#define TX_DATA 0x20000u
#define RX_SIZE 128u
#define RINGS   4u

static const uint8_t station[6] = {0x08, 0x00, 0x20, 0x11, 0x22, 0x33};

struct bench {
    struct machine *machine;
    struct lance *lance;
    struct bench_memory *memory;
    struct irq_line irq;
    unsigned interrupts;
    struct net_backend wire;
    GPtrArray *sent; /* GBytes */
};

static struct bench *bench_of(struct net_backend *wire)
{
    return DEVICE_OF(wire, struct bench, wire);
}

static void wire_send(struct net_backend *wire, const uint8_t *frame, size_t size)
{
    g_ptr_array_add(bench_of(wire)->sent, g_bytes_new(frame, size));
}

static void wire_finish(struct net_backend *wire)
{
}

static void set_up(struct bench *bench)
{
    static const struct net_ops ops = {.send = wire_send, .finish = wire_finish};
    *bench = (struct bench){.machine = bench_new()};
    bench->memory = g_new0(struct bench_memory, 1);
    bench->sent = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    bench->wire = (struct net_backend){.ops = &ops, .machine = bench->machine};
    irq_init(&bench->irq, bench_pin_changed, &bench->interrupts, 0);
    bench->lance = (struct lance *)device_new(bench->machine, &lance_class, "lance");
    bench->lance->irq = &bench->irq;
    bench->lance->net = &bench->wire;
    bench->lance->dma = bench_memory_port(bench->memory);
    bench_start(&bench->lance->dev);
    lance_map(bench->lance, bench->machine->bus, BASE);
    machine_reset(bench->machine, RESET_POWER_ON);
}

static void tear_down(struct bench *bench)
{
    machine_free(bench->machine);
    g_ptr_array_unref(bench->sent);
    g_free(bench->memory);
}

static void put16(struct bench *bench, uint32_t at, unsigned value)
{
    bench->memory->bytes[at] = (uint8_t)(value >> 8);
    bench->memory->bytes[at + 1] = (uint8_t)value;
}

static unsigned get16(struct bench *bench, uint32_t at)
{
    return bench->memory->bytes[at] << 8 | bench->memory->bytes[at + 1];
}

static void write_csr(struct bench *bench, unsigned csr, unsigned value)
{
    poke(bench->machine, RAP, 2, csr);
    poke(bench->machine, RDP, 2, value);
}

static unsigned csr0(struct bench *bench)
{
    poke(bench->machine, RAP, 2, 0);
    return (unsigned)peek(bench->machine, RDP, 2);
}

static void start(struct bench *bench, unsigned mode, const uint16_t *filter)
{
    put16(bench, BLOCK, mode);
    for (unsigned i = 0; i < 3; i++)
        put16(bench, BLOCK + 2 + 2 * i, station[2 * i + 1] << 8 | station[2 * i]);
    for (unsigned i = 0; i < 4; i++)
        put16(bench, BLOCK + 8 + 2 * i, filter ? filter[i] : 0);
    put16(bench, BLOCK + 16, RX_RING);
    put16(bench, BLOCK + 18, 2 << 13);
    put16(bench, BLOCK + 20, TX_RING);
    put16(bench, BLOCK + 22, 2 << 13);
    for (unsigned i = 0; i < RINGS; i++) {
        uint32_t rx = RX_DATA + i * RX_SIZE;
        put16(bench, RX_RING + 8 * i, rx & 0xffff);
        put16(bench, RX_RING + 8 * i + 2, 0x8000 | rx >> 16);
        put16(bench, RX_RING + 8 * i + 4, (uint16_t)-RX_SIZE);
        put16(bench, RX_RING + 8 * i + 6, 0);
        put16(bench, TX_RING + 8 * i + 2, 0);
    }
    write_csr(bench, 0, 0x0004);
    write_csr(bench, 1, BLOCK & 0xffff);
    write_csr(bench, 2, BLOCK >> 16);
    write_csr(bench, 3, 0x0007);
    write_csr(bench, 0, 0x0001);
    g_assert_cmphex(csr0(bench) & 0x8185, ==, 0x0181); /* IDON, INTR, INIT; no error, and STOP is over */
    write_csr(bench, 0, 0x0142);
    g_assert_cmphex(csr0(bench), ==, mode & 3 ? (mode & 1 ? 0x0053 : 0x0063) : 0x0073);
}

static void queue_tx(struct bench *bench, unsigned index, unsigned flags, const void *data, unsigned size)
{
    uint32_t at = TX_DATA + index * 0x800;
    memcpy(bench->memory->bytes + at, data, size);
    put16(bench, TX_RING + 8 * index, at & 0xffff);
    put16(bench, TX_RING + 8 * index + 4, 0xf000 | (0x1000 - size));
    put16(bench, TX_RING + 8 * index + 6, 0);
    put16(bench, TX_RING + 8 * index + 2, 0x8000 | flags << 8 | at >> 16);
}

static void receive(struct bench *bench, const uint8_t *frame, size_t size)
{
    bench->wire.device.receive(bench->wire.device.opaque, frame, size);
}

static void make_frame(uint8_t *frame, size_t size, const uint8_t to[6])
{
    for (size_t i = 0; i < size; i++)
        frame[i] = (uint8_t)(i * 7);
    memcpy(frame, to, 6);
}

static void test_transmit(void)
{
    struct bench bench;
    set_up(&bench);
    start(&bench, 0, NULL);
    uint8_t frame[200];
    make_frame(frame, sizeof(frame), (const uint8_t[6]){2, 3, 4, 5, 6, 7});
    queue_tx(&bench, 0, 3, frame, 90);
    write_csr(&bench, 0, 0x0048);
    g_assert_cmpuint(bench.sent->len, ==, 1);
    gsize size;
    const void *data = g_bytes_get_data(bench.sent->pdata[0], &size);
    g_assert_cmpmem(data, size, frame, 90);
    g_assert_cmphex(get16(&bench, TX_RING + 2), ==, 0x0302);
    g_assert_cmphex(csr0(&bench) & 0x0280, ==, 0x0280);
    g_assert_true(bench.irq.level);
    write_csr(&bench, 0, 0x0240);
    g_assert_false(bench.irq.level);

    /* One frame in three buffers, the ring's end among them; found by polling. */
    queue_tx(&bench, 1, 2, frame, 60);
    queue_tx(&bench, 2, 0, frame + 60, 60);
    queue_tx(&bench, 3, 1, frame + 120, 80);
    bench_advance(bench.machine, 2 * NS_PER_MS);
    g_assert_cmpuint(bench.sent->len, ==, 2);
    data = g_bytes_get_data(bench.sent->pdata[1], &size);
    g_assert_cmpmem(data, size, frame, 200);
    for (unsigned i = 1; i < 4; i++)
        g_assert_cmphex(get16(&bench, TX_RING + 8 * i + 2) & 0xc000, ==, 0);

    /* A chain without an end: BUFF and UFLO, and the transmitter stops. */
    queue_tx(&bench, 0, 2, frame, 60);
    write_csr(&bench, 0, 0x0048);
    g_assert_cmpuint(bench.sent->len, ==, 2);
    g_assert_cmphex(get16(&bench, TX_RING + 2) & 0xc000, ==, 0x4000);
    g_assert_cmphex(get16(&bench, TX_RING + 6), ==, 0xc000);
    g_assert_cmphex(csr0(&bench) & 0x30, ==, 0x20);
    tear_down(&bench);
}

static void test_receive(void)
{
    struct bench bench;
    set_up(&bench);
    start(&bench, 0, NULL);
    uint8_t frame[300];
    make_frame(frame, sizeof(frame), station);
    receive(&bench, frame, 100);
    g_assert_cmphex(get16(&bench, RX_RING + 2), ==, 0x0301);
    g_assert_cmpuint(get16(&bench, RX_RING + 6), ==, 104);
    g_assert_cmpmem(bench.memory->bytes + RX_DATA, 100, frame, 100);
    /* Frame and FCS leave the well-known remainder in the CRC register. */
    g_assert_cmphex(ethernet_crc(bench.memory->bytes + RX_DATA, 104), ==, 0xdebb20e3);
    g_assert_true(bench.irq.level);
    write_csr(&bench, 0, 0x0440);
    g_assert_false(bench.irq.level);

    /* A short one is padded; a long one goes over three buffers. */
    receive(&bench, frame, 20);
    g_assert_cmpuint(get16(&bench, RX_RING + 14), ==, 64);
    put16(&bench, RX_RING + 2, 0x8001);
    put16(&bench, RX_RING + 10, 0x8001);
    receive(&bench, frame, 300);
    g_assert_cmphex(get16(&bench, RX_RING + 8 * 2 + 2), ==, 0x0201);
    g_assert_cmphex(get16(&bench, RX_RING + 8 * 3 + 2), ==, 0x0001);
    g_assert_cmphex(get16(&bench, RX_RING + 2), ==, 0x0101);
    g_assert_cmpuint(get16(&bench, RX_RING + 6), ==, 304);
    g_assert_cmpmem(bench.memory->bytes + RX_DATA + 2 * RX_SIZE, 256, frame, 256);
    g_assert_cmpmem(bench.memory->bytes + RX_DATA, 44, frame + 256, 44);

    /* Too long for what is left: a buffer error; and nothing left: MISS. */
    receive(&bench, frame, 300);
    g_assert_cmphex(get16(&bench, RX_RING + 10) & 0xff00, ==, 0x4600);
    g_assert_cmphex(csr0(&bench) & 0x1000, ==, 0);
    g_assert_false(bench.wire.device.can_receive(bench.wire.device.opaque));
    receive(&bench, frame, 100);
    g_assert_cmphex(csr0(&bench) & 0x9000, ==, 0x9000);
    bench_check_state(bench.machine);
    tear_down(&bench);
}

static bool is_accepted(struct bench *bench, const uint8_t to[6])
{
    uint8_t frame[60];
    make_frame(frame, sizeof(frame), to);
    for (unsigned i = 0; i < RINGS; i++)
        put16(bench, RX_RING + 8 * i + 2, 0x8001);
    receive(bench, frame, sizeof(frame));
    for (unsigned i = 0; i < RINGS; i++)
        if (!(get16(bench, RX_RING + 8 * i + 2) & 0x8000))
            return true;
    return false;
}

static void test_address_filter(void)
{
    static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                         other[6] = {8, 0, 0x20, 9, 9, 9};
    /* Table of the data sheet: hash 0 and hash 63. */
    static const uint8_t hash_0[6] = {0x85, 0, 0, 0, 0, 0}, hash_63[6] = {0x5d, 0, 0, 0, 0, 0};
    struct bench bench;
    set_up(&bench);
    start(&bench, 0, NULL);
    g_assert_true(is_accepted(&bench, station));
    g_assert_true(is_accepted(&bench, broadcast));
    g_assert_false(is_accepted(&bench, other));
    g_assert_false(is_accepted(&bench, hash_0));
    start(&bench, 0, (const uint16_t[4]){1, 0, 0, 0});
    g_assert_true(is_accepted(&bench, hash_0));
    g_assert_false(is_accepted(&bench, hash_63));
    start(&bench, 0, (const uint16_t[4]){0, 0, 0, 0x8000});
    g_assert_true(is_accepted(&bench, hash_63));
    g_assert_false(is_accepted(&bench, hash_0));
    start(&bench, 0x8000, NULL);
    g_assert_true(is_accepted(&bench, other));
    start(&bench, 1, NULL); /* receiver off */
    g_assert_false(is_accepted(&bench, station));
    tear_down(&bench);
}

static void test_loopback(void)
{
    struct bench bench;
    set_up(&bench);
    start(&bench, 0x0044, NULL); /* internal; the transmitter adds the FCS */
    uint8_t frame[24];
    make_frame(frame, sizeof(frame), station);
    queue_tx(&bench, 0, 3, frame, 20);
    write_csr(&bench, 0, 0x0048);
    g_assert_cmpuint(bench.sent->len, ==, 0);
    g_assert_cmphex(get16(&bench, RX_RING + 2), ==, 0x0301);
    g_assert_cmpuint(get16(&bench, RX_RING + 6), ==, 24);
    g_assert_cmpmem(bench.memory->bytes + RX_DATA, 20, frame, 20);
    uint32_t fcs;
    memcpy(&fcs, bench.memory->bytes + RX_DATA + 20, 4);

    start(&bench, 0x004c, NULL); /* software's FCS is checked */
    memcpy(frame + 20, &fcs, 4);
    queue_tx(&bench, 0, 3, frame, 24);
    write_csr(&bench, 0, 0x0048);
    g_assert_cmphex(get16(&bench, RX_RING + 2), ==, 0x0301);
    frame[20] ^= 1;
    queue_tx(&bench, 1, 3, frame, 24);
    write_csr(&bench, 0, 0x0048);
    g_assert_cmphex(get16(&bench, RX_RING + 10), ==, 0x4b01);

    start(&bench, 0x0054, NULL); /* forced collision */
    queue_tx(&bench, 0, 3, frame, 20);
    write_csr(&bench, 0, 0x0048);
    g_assert_cmphex(get16(&bench, TX_RING + 2) & 0x4000, ==, 0x4000);
    g_assert_cmphex(get16(&bench, TX_RING + 6) & 0x0400, ==, 0x0400);
    tear_down(&bench);
}

static void test_errors(void)
{
    struct bench bench;
    set_up(&bench);
    start(&bench, 0, NULL);
    /* A frame longer than Ethernet allows sets BABL and is sent all the same. */
    uint8_t *big = g_malloc0(1600);
    queue_tx(&bench, 0, 3, big, 1600);
    write_csr(&bench, 0, 0x0048);
    g_assert_cmphex(csr0(&bench) & 0xc000, ==, 0xc000);
    g_assert_cmpuint(bench.sent->len, ==, 1);
    write_csr(&bench, 0, 0x4240);
    g_assert_cmphex(csr0(&bench) & 0xc000, ==, 0);
    g_free(big);
    /* Memory that does not answer. */
    bench.memory->limit = TX_RING;
    write_csr(&bench, 0, 0x0048);
    g_assert_cmphex(csr0(&bench) & 0x8830, ==, 0x8800);
    g_assert_true(bench.irq.level);
    /* CSR1..3 are out of reach while running, and STOP clears everything. */
    bench.memory->limit = sizeof(bench.memory->bytes);
    write_csr(&bench, 0, 0x0004);
    g_assert_cmphex(csr0(&bench), ==, 0x0004);
    g_assert_false(bench.irq.level);
    start(&bench, 0, NULL);
    poke(bench.machine, RAP, 2, 1);
    g_assert_cmphex(peek(bench.machine, RDP, 2), ==, 0);
    tear_down(&bench);
}

/* Without BSWP the bytes of each word change places. */
static void test_byte_order(void)
{
    struct bench bench;
    set_up(&bench);
    start(&bench, 0, NULL);
    write_csr(&bench, 0, 0x0004);
    write_csr(&bench, 3, 0);
    write_csr(&bench, 0, 0x0043);
    queue_tx(&bench, 0, 3, "badcfehgjilknmpo", 16);
    write_csr(&bench, 0, 0x0048);
    gsize size;
    const void *data = g_bytes_get_data(bench.sent->pdata[0], &size);
    g_assert_cmpmem(data, size, "abcdefghijklmnop", 16);
    tear_down(&bench);
}

/* ---- libslirp ---- */

struct guest {
    GMutex lock;
    uint8_t offered[4];
    unsigned offers;
};

static void guest_receive(void *opaque, const uint8_t *frame, size_t size)
{
    struct guest *guest = opaque;
    /* UDP from port 67 to 68, a BOOTREPLY with a DHCP message type 2 somewhere. */
    if (size < 282 || frame[12] != 8 || frame[23] != 17 || frame[35] != 67 || frame[37] != 68 ||
        frame[42] != 2)
        return;
    memcpy(guest->offered, frame + 58, 4);
    guest->offers++;
}

static void quit_if_offered(struct machine *machine, void *data)
{
    machine_quit(machine);
}

static unsigned checksum(const uint8_t *data, unsigned size)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < size; i += 2)
        sum += data[i] << 8 | data[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static void test_slirp_dhcp(void)
{
    struct machine_options options = {.rtc_base = 0};
    struct machine *machine = machine_new("bench", &options);
    GError *error = NULL;
    struct net_backend *net = net_slirp_new(machine, NULL, &error);
    g_assert_no_error(error);
    g_ptr_array_add(machine->net_backends, net);
    struct guest guest = {0};
    net_attach(net, &(struct net_device){.receive = guest_receive, .opaque = &guest});

    uint8_t frame[342] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 8, 0, 0x20, 0x11, 0x22, 0x33, 8, 0};
    uint8_t *ip = frame + 14, *udp = ip + 20, *dhcp = udp + 8;
    ip[0] = 0x45;
    ip[2] = (sizeof(frame) - 14) >> 8;
    ip[3] = (sizeof(frame) - 14) & 0xff;
    ip[8] = 64;
    ip[9] = 17;
    memset(ip + 16, 0xff, 4);
    unsigned sum = checksum(ip, 20);
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
    udp[1] = 68;
    udp[3] = 67;
    udp[4] = (sizeof(frame) - 34) >> 8;
    udp[5] = (sizeof(frame) - 34) & 0xff;
    dhcp[0] = 1;
    dhcp[1] = 1;
    dhcp[2] = 6;
    memcpy(dhcp + 28, frame + 6, 6);
    memcpy(dhcp + 236, (const uint8_t[]){0x63, 0x82, 0x53, 0x63, 53, 1, 1, 0xff}, 8);
    net_send(net, frame, sizeof(frame));

    /* The offer comes by a post; run the loop until it does. */
    struct await await = await_begin(AWAIT_SECONDS);
    while (!guest.offers && await_more(&await)) {
        machine_post(machine, quit_if_offered, NULL);
        machine_run(machine, -1);
        g_usleep(1000);
    }
    g_assert_cmpuint(guest.offers, ==, 1);
    g_assert_cmpmem(guest.offered, 4, ((const uint8_t[]){10, 0, 2, 15}), 4);
    g_assert_cmpuint(net->frames_received, >=, 1);
    machine_free(machine);
}

static void test_slirp_refusals(void)
{
    GError *error = NULL;
    struct machine *machine = bench_new();
    g_assert_null(net_slirp_new(machine, NULL, &error));
    g_assert_error(error, NET_SLIRP_ERROR, NET_SLIRP_ERROR_DETERMINISTIC);
    g_clear_error(&error);
    machine_free(machine);

    struct machine_options options = {0};
    machine = machine_new("bench", &options);
    struct net_forward forward = {.host_port = 0, .guest_port = 0};
    struct net_slirp_config config = {.forwards = &forward, .forward_count = 1};
    g_assert_null(net_slirp_new(machine, &config, &error));
    g_assert_error(error, NET_SLIRP_ERROR, NET_SLIRP_ERROR_FORWARD);
    g_clear_error(&error);
    forward = (struct net_forward){.guest_port = 22, .host_address = "somewhere"};
    g_assert_null(net_slirp_new(machine, &config, &error));
    g_assert_error(error, NET_SLIRP_ERROR, NET_SLIRP_ERROR_FORWARD);
    g_clear_error(&error);
    forward = (struct net_forward){.guest_port = 22}; /* any free port */
    struct net_backend *net = net_slirp_new(machine, &config, &error);
    g_assert_no_error(error);
    g_ptr_array_add(machine->net_backends, net);
    machine_free(machine);
}

/* A saved state has both rings or none: STRT looks at one and starts both halves. */
static void test_impossible_rings_are_refused(void)
{
    struct bench bench;
    set_up(&bench);
    start(&bench, 0, NULL);
    struct lance good = *bench.lance;
    good.csr[0] &= (uint16_t)~0x0030; /* RXON, TXON */
    g_assert_true(lance_class.check(&good, NULL));
    const struct {
        uint16_t rlen, tlen, rx_index;
    } impossible[] = {{4, 0, 0}, {0, 4, 0}, {4, 3, 0}, {256, 4, 0}, {4, 4, 4}};
    for (unsigned i = 0; i < G_N_ELEMENTS(impossible); i++) {
        struct lance bad = good;
        bad.rlen = impossible[i].rlen;
        bad.tlen = impossible[i].tlen;
        bad.rx_index = impossible[i].rx_index;
        g_autoptr(GError) error = NULL;
        g_assert_false(lance_class.check(&bad, &error));
        g_assert_error(error, STATE_ERROR, STATE_ERROR_FORMAT);
    }
    good.rlen = good.tlen = 0;
    g_assert_true(lance_class.check(&good, NULL));
    good.csr[0] |= 0x0010; /* TXON */
    g_assert_false(lance_class.check(&good, NULL));
    tear_down(&bench);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lance/transmit", test_transmit);
    g_test_add_func("/lance/receive", test_receive);
    g_test_add_func("/lance/address-filter", test_address_filter);
    g_test_add_func("/lance/loopback", test_loopback);
    g_test_add_func("/lance/errors", test_errors);
    g_test_add_func("/lance/byte-order", test_byte_order);
    g_test_add_func("/lance/impossible-rings", test_impossible_rings_are_refused);
    g_test_add_func("/net-slirp/dhcp", test_slirp_dhcp);
    g_test_add_func("/net-slirp/refusals", test_slirp_refusals);
    return g_test_run();
}
