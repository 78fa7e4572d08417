/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The chips of a sun4m board on a bus of their own, without a processor: what the tests at register level stand on.
 * SCSI drives 0 (disk) and 2 (CD-ROM), a floppy, all with images whose bytes tell where they stand. */
#pragma once

#include <glib.h>

#include "emulator/core/machine.h"
#include "emulator/hw/block/esp.h"
#include "emulator/hw/block/fdc.h"
#include "emulator/hw/intc/slavio_intc.h"
#include "emulator/hw/misc/fw_cfg.h"
#include "emulator/hw/misc/sbus_dma.h"
#include "emulator/hw/misc/slavio_misc.h"
#include "emulator/hw/misc/sun4m_iommu.h"
#include "emulator/hw/timer/m48t08.h"
#include "emulator/hw/timer/slavio_timer.h"
#include "images/images.h"

#define DMA    0x78400000u
#define ESP    0x78800000u
#define IOMMU  0x10000000u
#define FDC    0x71400000u
#define NVRAM  0x71200000u
#define FWCFG  0xd00000510ull
#define CPU_IC 0x71e00000u
#define SYS_IC 0x71e10000u
#define CPU_CT 0x71d00000u
#define SYS_CT 0x71d10000u
#define AUX1   0x71900000u
#define AUX2   0x71910000u
#define SYSCTL 0x71f00000u

#define DISK_BLOCKS 4096u
#define CD_BYTES    (600u * 2048u)

struct board {
    struct machine *machine;
    struct bus *bus;
    struct slavio_intc *intc;
    struct slavio_timer *timer;
    struct esp *esp;
    struct sbus_dma *dma;
    struct m48t08 *nvram;
    struct fdc *fdc;
    struct fw_cfg *cfg;
    struct block_backend *disk, *cd, *floppy;
    unsigned level;
    char *folder;
};
struct board *board_new(void);
void board_free(struct board *b);
/* A raw image in the board's folder, filled with board_image_byte(). Names that board_free() removes: other.iso. */
Image *make_image(struct board *b, const char *name, size_t size);
static inline uint8_t board_image_byte(size_t at)
{
    return (uint8_t)(at * 31 + (at >> 9));
}
/* Accesses that have to succeed. */
uint32_t rd(struct board *b, uint64_t address, unsigned size);
void wr(struct board *b, uint64_t address, unsigned size, uint32_t value);
/* Lets virtual time pass. */
void run_ns(struct board *b, int64_t ns);
