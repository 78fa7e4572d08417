/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ELF programs: what the headers of an executable say, checked against the bytes that are there.
 *
 * Both classes and both byte orders are read, executables (ET_EXEC) and position-independent ones (ET_DYN).
 * Nothing is mapped here: process loading and kernel loading take the segments from struct elf_image. Source:
 * System V ABI, edition 4.1, chapters 4 and 5; Linux's PT_GNU_STACK.
 */
#ifndef VITRINE_USER_ELF_H
#define VITRINE_USER_ELF_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define ELF_ERROR (elf_error_quark())
GQuark elf_error_quark(void);

enum elf_error {
    ELF_ERROR_NOT_ELF,    /* no ELF magic: a script or something else */
    ELF_ERROR_MALFORMED,  /* ELF, but its headers contradict each other or the file */
    ELF_ERROR_UNSUITABLE, /* a sound file that cannot be run: a relocatable object, no segments */
};

enum elf_machine {
    ELF_SPARC = 2,
    ELF_386 = 3,
    ELF_SPARC32PLUS = 18,
    ELF_PPC = 20,
    ELF_ARM = 40,
    ELF_SPARCV9 = 43,
    ELF_X86_64 = 62,
};

enum elf_type { ELF_EXEC = 2, ELF_DYN = 3 };

/* Segment permissions, as in p_flags. */
#define ELF_PF_X 1u
#define ELF_PF_W 2u
#define ELF_PF_R 4u

struct elf_segment {
    uint64_t offset, file_size;    /* bytes of the file: offset + file_size lies within it */
    uint64_t address, memory_size; /* virtual; memory_size >= file_size, the rest is zero */
    uint64_t physical;             /* p_paddr, for kernels */
    uint32_t flags;                /* ELF_PF_* */
};

struct elf_image {
    bool is64, big_endian;
    uint16_t machine; /* enum elf_machine, or another number */
    uint16_t type;    /* enum elf_type */
    uint32_t flags;   /* e_flags */
    uint64_t entry;
    struct elf_segment *segments; /* PT_LOAD with memory_size > 0, by ascending address, not overlapping */
    unsigned n_segments;
    uint64_t low, high;       /* [low, high): the addresses from the first segment to the end of the last */
    uint64_t program_headers; /* their address in memory, 0 when no segment holds them */
    uint16_t phnum, phentsize;
    char *interpreter;     /* PT_INTERP, or NULL */
    bool stack_executable; /* PT_GNU_STACK absent or with X */
    bool tells_executable; /* PT_GNU_STACK is there: the program names what it executes */
};

/* Reads the headers of the `size` bytes of a file at `data`. On success the image must be given to
 * elf_image_finish(); it does not refer to `data` any more. */
bool elf_parse(const uint8_t *data, size_t size, struct elf_image *image, GError **error);
void elf_image_finish(struct elf_image *image);

#endif
