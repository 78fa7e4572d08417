/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SBus DMA channels; see the header for sources. Data passes without a visible FIFO: it is always drained. */
#include "emulator/hw/misc/sbus_dma.h"

enum { DMA_CSR = 0x0, DMA_ADDR = 0x4, DMA_COUNT = 0x8, DMA_TEST = 0xc, DMA_SIZE = 0x10 };
/* Ethernet channel: the third register is the cache-valid, the fourth the base address register */
#define LE_BASE_ADDR DMA_TEST

#define CSR_ID           0xf0000000u
#define CSR_ID_REV2      0xa0000000u
#define CSR_INT          0x00000001u /* the chip's interrupt pin */
#define CSR_ERROR        0x00000002u
#define CSR_DRAINING     0x0000000cu
#define CSR_INT_ENABLE   0x00000010u
#define CSR_INVALIDATE   0x00000020u
#define CSR_DRAIN        0x00000040u
#define CSR_RESET        0x00000080u
#define CSR_WRITE        0x00000100u /* to memory */
#define CSR_ENABLE       0x00000200u
#define CSR_COUNT_ENABLE 0x00002000u
#define CSR_TERMINAL     0x00004000u
#define CSR_TC_DISABLE   0x00800000u /* terminal count makes no interrupt */
#define CSR_READ_ONLY    (CSR_ID | CSR_INT | CSR_ERROR | CSR_DRAINING | CSR_TERMINAL)
/* Written as 1 they act and read as 0. */
#define CSR_ACTIONS (CSR_INVALIDATE | CSR_DRAIN)

static void update_irq(struct sbus_dma *dma)
{
    bool cause = dma->csr & (CSR_INT | CSR_ERROR);
    if (dma->csr & CSR_TERMINAL)
        cause |= !(dma->csr & CSR_TC_DISABLE);
    irq_set(dma->irq, cause && (dma->csr & CSR_INT_ENABLE));
}

static void chip_irq(void *opaque, int number, bool level)
{
    struct sbus_dma *dma = opaque;
    if (level)
        dma->csr |= CSR_INT;
    else
        dma->csr &= ~CSR_INT;
    update_irq(dma);
}

bool sbus_dma_ready(const struct sbus_dma *dma)
{
    return (dma->csr & CSR_ENABLE) && !(dma->csr & (CSR_ERROR | CSR_RESET));
}

static void tell_chip(struct sbus_dma *dma)
{
    if (dma->enabled)
        dma->enabled(dma->enabled_opaque, sbus_dma_ready(dma));
}

static bool moved(struct sbus_dma *dma, uint32_t size, enum bus_result result)
{
    dma->address += size;
    if (dma->csr & CSR_COUNT_ENABLE) {
        dma->count -= MIN(size, dma->count);
        if (!dma->count)
            dma->csr |= CSR_TERMINAL;
    }
    if (result != BUS_OK)
        dma->csr |= CSR_ERROR;
    update_irq(dma);
    return result == BUS_OK;
}

bool sbus_dma_read(struct sbus_dma *dma, void *data, uint32_t size)
{
    return moved(dma, size, dma_read(dma->dvma, dma->address, data, size));
}

bool sbus_dma_write(struct sbus_dma *dma, const void *data, uint32_t size)
{
    return moved(dma, size, dma_write(dma->dvma, dma->address, data, size));
}

static uint64_t reg_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct sbus_dma *dma = (struct sbus_dma *)dev;
    switch (offset) {
    case DMA_CSR: return dma->csr | CSR_ID_REV2;
    case DMA_ADDR: return dma->address;
    case DMA_COUNT: return dma->count;
    default: return dma->test;
    }
}

static void write_csr(struct sbus_dma *dma, uint32_t value)
{
    uint32_t old = dma->csr;
    dma->csr = (old & CSR_READ_ONLY) | (value & ~(CSR_READ_ONLY | CSR_ACTIONS));
    if (value & CSR_INVALIDATE)
        dma->csr &= ~(CSR_ERROR | CSR_TERMINAL);
    if ((old ^ value) & CSR_RESET) {
        irq_set(dma->reset_out, value & CSR_RESET);
        if (value & CSR_RESET)
            dma->csr &= ~(CSR_ERROR | CSR_TERMINAL | CSR_ENABLE);
    }
    update_irq(dma);
    tell_chip(dma);
}

static void reg_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct sbus_dma *dma = (struct sbus_dma *)dev;
    switch (offset) {
    case DMA_CSR: write_csr(dma, (uint32_t)value); break;
    case DMA_ADDR: dma->address = (uint32_t)value; break;
    case DMA_COUNT:
        dma->count = (uint32_t)value & 0x00ffffff;
        dma->csr &= ~CSR_TERMINAL;
        update_irq(dma);
        break;
    default: dma->test = (uint32_t)value; break;
    }
}

/* The LANCE puts out 24 address bits; the base register gives the rest. */
static bool chip_address(struct device *dev, uint64_t address, bool write, uint64_t *target, uint64_t *length)
{
    struct sbus_dma *dma = (struct sbus_dma *)dev;
    *target = (dma->test & 0xff000000u) | address;
    *length = 0x1000000 - address;
    return true;
}

static bool dma_init(struct device *dev, GError **error)
{
    struct sbus_dma *dma = (struct sbus_dma *)dev;
    irq_init(&dma->irq_in, chip_irq, dma, 0);
    return true;
}

static void dma_reset(struct device *dev, enum reset_kind kind)
{
    struct sbus_dma *dma = (struct sbus_dma *)dev;
    dma->csr = dma->irq_in.level ? CSR_INT : 0;
    dma->address = dma->count = 0;
    dma->test = dma->ethernet ? 0xff000000u : 0;
    irq_lower(dma->reset_out);
    update_irq(dma);
}

static const struct state_field fields[] = {
    STATE_FIELD(struct sbus_dma, csr),        STATE_FIELD(struct sbus_dma, address),
    STATE_FIELD(struct sbus_dma, count),      STATE_FIELD(struct sbus_dma, test),
    STATE_IRQ_LINES(struct sbus_dma, irq_in), STATE_END,
};

static const struct device_property properties[] = {
    {"ethernet", PROPERTY_BOOL, offsetof(struct sbus_dma, ethernet), 0, NULL, 0, 0, "channel of the LANCE"},
    {NULL},
};

const struct device_class sbus_dma_class = {
    .name = "sbus-dma",
    .description = "SBus DMA channel (89C100)",
    .size = sizeof(struct sbus_dma),
    .version = 1,
    .init = dma_init,
    .reset = dma_reset,
    .fields = fields,
    .properties = properties,
};

void sbus_dma_map(struct sbus_dma *dma, struct bus *bus, uint64_t base)
{
    bus_map(bus, &(struct bus_region){.name = dma->ethernet ? "Ethernet DMA" : "SCSI DMA",
                                      .start = base,
                                      .size = DMA_SIZE,
                                      .kind = BUS_MMIO,
                                      .dev = &dma->dev,
                                      .read = reg_read,
                                      .write = reg_write,
                                      .widths = BUS_WIDTH_32});
}

void sbus_dma_map_chip(struct sbus_dma *dma, struct bus *chip_bus)
{
    bus_map(chip_bus, &(struct bus_region){.name = "DVMA window",
                                           .start = 0,
                                           .size = 0x1000000,
                                           .kind = BUS_IOMMU,
                                           .dev = &dma->dev,
                                           .target = dma->dvma,
                                           .translate = chip_address});
}
