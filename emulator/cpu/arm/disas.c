/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Disassembler for the log.
 */
#include "emulator/cpu/arm/internal.h"

#ifdef HAVE_CAPSTONE
#include <capstone/capstone.h>

unsigned arm_disassemble(uint64_t pc, const uint8_t *code, uint32_t avail, char *text, size_t size)
{
    csh handle;
    cs_insn *insn;
    unsigned n = pc & PC_T ? 2 : 4;
    g_strlcpy(text, "?", size);
    if (avail < n)
        return avail ? avail : 1;
    if (cs_open(CS_ARCH_ARM, pc & PC_T ? CS_MODE_THUMB : CS_MODE_ARM, &handle) != CS_ERR_OK)
        return n;
    if (cs_disasm(handle, code, avail, (uint32_t)pc & ~1u, 1, &insn)) {
        g_snprintf(text, size, "%s %s", insn->mnemonic, insn->op_str);
        n = insn->size;
        cs_free(insn, 1);
    }
    cs_close(&handle);
    return n;
}
#else
unsigned arm_disassemble(uint64_t pc, const uint8_t *code, uint32_t avail, char *text, size_t size)
{
    unsigned n = pc & PC_T ? 2 : 4;
    g_strlcpy(text, "", size);
    for (unsigned k = 0; k < n && k < avail; k++)
        g_snprintf(text + 2 * k, size - 2 * k, "%02x", code[k]);
    return avail < n ? MAX(avail, 1u) : n;
}
#endif
