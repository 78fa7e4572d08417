/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ECC memory controller; see the header for sources. */
#include "emulator/hw/misc/sun4m_ecc.h"

enum {
    ECC_EN = 0x00,
    ECC_DLY = 0x04,
    ECC_FSR = 0x08,
    ECC_VCR = 0x0c,
    ECC_AFR0 = 0x10,
    ECC_AFR1 = 0x14,
    ECC_DIAG = 0x18,
    ECC_SIZE = 0x20
};
#define ECC_EN_WRITABLE 0x00ffffffu

static uint64_t ecc_read(struct device *dev, uint64_t offset, unsigned size)
{
    const struct sun4m_ecc *ecc = (struct sun4m_ecc *)dev;
    switch (offset) {
    case ECC_EN: return ecc->id | ecc->enable;
    case ECC_DLY: return ecc->delay;
    case ECC_FSR: return ecc->status;
    case ECC_VCR: return ecc->video;
    case ECC_AFR0: return ecc->address[0];
    case ECC_AFR1: return ecc->address[1];
    case ECC_DIAG: return ecc->diagnostic;
    default: return 0;
    }
}

static void ecc_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct sun4m_ecc *ecc = (struct sun4m_ecc *)dev;
    switch (offset) {
    case ECC_EN: ecc->enable = (uint32_t)value & ECC_EN_WRITABLE; break;
    case ECC_DLY: ecc->delay = (uint32_t)value; break;
    case ECC_FSR: ecc->status = 0; break; /* any write clears */
    case ECC_VCR: ecc->video = (uint32_t)value; break;
    case ECC_DIAG: ecc->diagnostic = (uint32_t)value; break;
    default: break;
    }
}

static void ecc_reset(struct device *dev, enum reset_kind kind)
{
    struct sun4m_ecc *ecc = (struct sun4m_ecc *)dev;
    ecc->enable = ecc->delay = ecc->status = ecc->video = ecc->diagnostic = 0;
    ecc->address[0] = ecc->address[1] = 0;
}

static const struct state_field fields[] = {
    STATE_FIELD(struct sun4m_ecc, enable),     STATE_FIELD(struct sun4m_ecc, delay),
    STATE_FIELD(struct sun4m_ecc, status),     STATE_FIELD(struct sun4m_ecc, video),
    STATE_ARRAY(struct sun4m_ecc, address),    STATE_FIELD(struct sun4m_ecc, diagnostic),
    STATE_END,
};

static const struct device_property properties[] = {
    {"id", PROPERTY_U32, offsetof(struct sun4m_ecc, id), 0x20000000, NULL, 0, 0,
     "implementation and version in bits 31..24"},
    {NULL},
};

const struct device_class sun4m_ecc_class = {
    .name = "sun4m-ecc",
    .description = "ECC memory controller",
    .size = sizeof(struct sun4m_ecc),
    .version = 1,
    .reset = ecc_reset,
    .fields = fields,
    .properties = properties,
};

void sun4m_ecc_map(struct sun4m_ecc *ecc, struct bus *bus, uint64_t base)
{
    bus_map(bus, &(struct bus_region){.name = "memory controller",
                                      .start = base,
                                      .size = ECC_SIZE,
                                      .kind = BUS_MMIO,
                                      .dev = &ecc->dev,
                                      .read = ecc_read,
                                      .write = ecc_write,
                                      .widths = BUS_WIDTH_32});
}
