/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sun4m IOMMU; see the header for sources. The chip's table cache is not modelled: software must flush it
 * after each change of an entry, so that always reading the table gives the same accesses. */
#include "emulator/hw/misc/sun4m_iommu.h"

enum {
    IOMMU_CTRL = 0x0000,
    IOMMU_BASE = 0x0004,
    IOMMU_TLBFLUSH = 0x0014,
    IOMMU_PGFLUSH = 0x0018,
    IOMMU_AFSR = 0x1000,
    IOMMU_AFAR = 0x1004,
    IOMMU_ARBEN = 0x1008,
    IOMMU_SBCFG0 = 0x1010,
    IOMMU_SBCFG4 = 0x1020, /* microSPARC II has five slots; 0x1020 is the memory fault status elsewhere */
    IOMMU_MFSR = 0x1050,
    IOMMU_MFAR = 0x1054,
    IOMMU_MASK_ID = 0x3018,
    IOMMU_SIZE = 0x4000,
};

#define CTRL_ID     0xff000000u
#define CTRL_RANGE  0x0000001cu /* 16 MiB << n */
#define CTRL_DIAG   0x00000002u
#define CTRL_ENABLE 0x00000001u
#define BASE_MASK   0x07fffc00u

#define AFSR_ERR   0x80000000u
#define AFSR_TO    0x20000000u
#define AFSR_S     0x01000000u
#define AFSR_ME    0x00080000u
#define AFSR_RD    0x00040000u
#define AFSR_FAV   0x00020000u
#define AFSR_CLEAR (AFSR_ERR | 0x70000000u | AFSR_ME | AFSR_FAV)

#define PTE_PAGE  0xffffff00u /* physical address bits 35..12 */
#define PTE_WRITE 0x00000004u
#define PTE_VALID 0x00000002u

static void fault(struct sun4m_iommu *iommu, uint64_t address, bool write)
{
    if (iommu->afsr & AFSR_ERR) {
        iommu->afsr |= AFSR_ME;
    } else {
        iommu->afsr = AFSR_ERR | AFSR_TO | AFSR_S | AFSR_FAV | (write ? 0 : AFSR_RD);
        iommu->afar = (uint32_t)address;
    }
    irq_raise(iommu->irq);
}

static bool translate(struct device *dev, uint64_t address, bool write, uint64_t *target, uint64_t *length)
{
    struct sun4m_iommu *iommu = (struct sun4m_iommu *)dev;
    *length = RAM_PAGE_SIZE - (address & (RAM_PAGE_SIZE - 1));
    if (!(iommu->control & CTRL_ENABLE)) {
        *target = address;
        return true;
    }
    uint64_t range = UINT64_C(16) << 20 << ((iommu->control & CTRL_RANGE) >> 2);
    if (address < (UINT64_C(1) << 32) - range) {
        fault(iommu, address, write);
        return false;
    }
    uint64_t index = (address & (range - 1)) >> RAM_PAGE_BITS, pte = 0;
    if (bus_read(iommu->memory, ((uint64_t)iommu->base << 4) + index * 4, 4, &pte) != BUS_OK ||
        !(pte & PTE_VALID) || (write && !(pte & PTE_WRITE))) {
        fault(iommu, address, write);
        return false;
    }
    *target = (pte & PTE_PAGE) << 4 | (address & (RAM_PAGE_SIZE - 1));
    return true;
}

static uint64_t iommu_read(struct device *dev, uint64_t offset, unsigned size)
{
    struct sun4m_iommu *iommu = (struct sun4m_iommu *)dev;
    switch (offset) {
    case IOMMU_CTRL: return iommu->control;
    case IOMMU_BASE: return iommu->base;
    case IOMMU_AFSR: return iommu->afsr;
    case IOMMU_AFAR: return iommu->afar;
    case IOMMU_ARBEN: return iommu->arbitration;
    case IOMMU_MFSR: return iommu->mfsr;
    case IOMMU_MFAR: return iommu->mfar;
    case IOMMU_MASK_ID: return iommu->mask_id;
    default:
        if (offset >= IOMMU_SBCFG0 && offset <= IOMMU_SBCFG4)
            return iommu->sbus_config[(offset - IOMMU_SBCFG0) / 4];
        return 0;
    }
}

static void iommu_write(struct device *dev, uint64_t offset, uint64_t value, unsigned size)
{
    struct sun4m_iommu *iommu = (struct sun4m_iommu *)dev;
    switch (offset) {
    case IOMMU_CTRL:
        iommu->control = iommu->id | ((uint32_t)value & (CTRL_RANGE | CTRL_DIAG | CTRL_ENABLE));
        break;
    case IOMMU_BASE: iommu->base = (uint32_t)value & BASE_MASK; break;
    case IOMMU_TLBFLUSH:
    case IOMMU_PGFLUSH: break;
    case IOMMU_AFSR:
        /* Any write clears the error and lets the next one be recorded. */
        iommu->afsr &= ~AFSR_CLEAR;
        irq_lower(iommu->irq);
        break;
    case IOMMU_AFAR: break;
    case IOMMU_ARBEN: iommu->arbitration = (uint32_t)value; break;
    case IOMMU_MFSR: iommu->mfsr = 0; break;
    case IOMMU_MASK_ID: break;
    default:
        if (offset >= IOMMU_SBCFG0 && offset <= IOMMU_SBCFG4)
            iommu->sbus_config[(offset - IOMMU_SBCFG0) / 4] = (uint32_t)value;
        else
            device_guest_error(dev, "write to unknown register %x", (unsigned)offset);
        break;
    }
}

static void iommu_reset(struct device *dev, enum reset_kind kind)
{
    struct sun4m_iommu *iommu = (struct sun4m_iommu *)dev;
    iommu->control = iommu->id;
    iommu->base = 0;
    iommu->afsr = iommu->afar = iommu->mfsr = iommu->mfar = 0;
    iommu->arbitration = 0;
    for (unsigned i = 0; i < G_N_ELEMENTS(iommu->sbus_config); i++)
        iommu->sbus_config[i] = 0;
    irq_lower(iommu->irq);
}

static const struct state_field fields[] = {
    STATE_FIELD(struct sun4m_iommu, control),
    STATE_FIELD(struct sun4m_iommu, base),
    STATE_FIELD(struct sun4m_iommu, afsr),
    STATE_FIELD(struct sun4m_iommu, afar),
    STATE_FIELD(struct sun4m_iommu, arbitration),
    STATE_FIELD(struct sun4m_iommu, mfsr),
    STATE_FIELD(struct sun4m_iommu, mfar),
    STATE_ARRAY(struct sun4m_iommu, sbus_config),
    STATE_END,
};

static const struct device_property properties[] = {
    {"id", PROPERTY_U32, offsetof(struct sun4m_iommu, id), 0x05000000, NULL, 0, 0,
     "implementation and version in bits 31..24"},
    {"mask-id", PROPERTY_U32, offsetof(struct sun4m_iommu, mask_id), 0x26000000, NULL, 0, 0,
     "chip mask revision"},
    {NULL},
};

const struct device_class sun4m_iommu_class = {
    .name = "sun4m-iommu",
    .description = "SBus I/O memory management unit",
    .size = sizeof(struct sun4m_iommu),
    .version = 1,
    .reset = iommu_reset,
    .fields = fields,
    .properties = properties,
};

void sun4m_iommu_map(struct sun4m_iommu *iommu, struct bus *bus, uint64_t base, struct bus *dvma)
{
    iommu->memory = bus;
    bus_map(bus, &(struct bus_region){.name = "IOMMU",
                                      .start = base,
                                      .size = IOMMU_SIZE,
                                      .kind = BUS_MMIO,
                                      .dev = &iommu->dev,
                                      .read = iommu_read,
                                      .write = iommu_write,
                                      .widths = BUS_WIDTH_32});
    bus_map(dvma, &(struct bus_region){.name = "DVMA",
                                       .start = 0,
                                       .size = UINT64_C(1) << 32,
                                       .kind = BUS_IOMMU,
                                       .dev = &iommu->dev,
                                       .target = bus,
                                       .translate = translate});
}
