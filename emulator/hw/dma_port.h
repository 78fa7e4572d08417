/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bus-master side of a chip: how it reaches the machine's memory. The board (or a DMA engine such as the
 * SPARC's ledma) gives the pair; a chip knows nothing of IOMMUs. Data are bytes in the order of memory
 * addresses. False means that the bus answered with an error; the bytes before the failing one may have been
 * transferred.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dma_port {
    bool (*read)(void *opaque, uint64_t address, void *data, size_t size);
    bool (*write)(void *opaque, uint64_t address, const void *data, size_t size);
    void *opaque;
};

/* A port that is not wired answers with an error. */
static inline bool dma_port_read(const struct dma_port *port, uint64_t address, void *data, size_t size)
{
    return port->read && port->read(port->opaque, address, data, size);
}

static inline bool dma_port_write(const struct dma_port *port, uint64_t address, const void *data,
                                  size_t size)
{
    return port->write && port->write(port->opaque, address, data, size);
}
