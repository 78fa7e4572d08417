/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disassembly for logs: see listing.h. */
#include "emulator/jit/listing.h"

#ifdef HAVE_CAPSTONE
#include <capstone/capstone.h>
#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libcapstone.so." G_STRINGIFY(CS_API_MAJOR)

static bool find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);

    memcpy(function, &found, sizeof(found));
    return found != NULL;
}

unsigned jit_listing_line(enum jit_listing kind, uint64_t pc, const uint8_t *code, size_t avail, char *text,
                          size_t size)
{
    static const struct {
        cs_arch arch;
        cs_mode mode;
    } row[] = {[JIT_LISTING_X86_64] = {CS_ARCH_X86, CS_MODE_64},
               [JIT_LISTING_ARM] = {CS_ARCH_ARM, CS_MODE_ARM},
               [JIT_LISTING_THUMB] = {CS_ARCH_ARM, CS_MODE_THUMB}};
    void *library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
    __typeof__(&cs_open) open;
    __typeof__(&cs_close) close;
    __typeof__(&cs_disasm) disasm;
    __typeof__(&cs_free) release;
    unsigned n = 0;
    cs_insn *insn;
    csh handle;

    if (!library)
        return 0;
    if (find(library, "cs_open", &open) && find(library, "cs_close", &close) && find(library, "cs_disasm", &disasm) &&
        find(library, "cs_free", &release) && open(row[kind].arch, row[kind].mode, &handle) == CS_ERR_OK) {
        if (disasm(handle, code, avail, pc, 1, &insn)) {
            g_snprintf(text, size, "%-8s %s", insn->mnemonic, insn->op_str);
            n = insn->size;
            release(insn, 1);
        }
        close(&handle);
    }
    dlclose(library);
    return n;
}
#else
unsigned jit_listing_line(enum jit_listing kind, uint64_t pc, const uint8_t *code, size_t avail, char *text,
                          size_t size)
{
    return 0;
}
#endif
