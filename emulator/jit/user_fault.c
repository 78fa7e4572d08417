/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Host faults while a guest program runs in its address window: in generated code they continue at the side exit of
 * the access, in the interpreter they abandon the unit.
 */
#include <signal.h>
#include <stdlib.h>
#include <ucontext.h>
#include "emulator/jit/runtime.h"

static int by_offset(const void *key, const void *element)
{
    uint32_t offset = *(const uint32_t *)key, at = ((const struct host_fault *)element)->code_offset;
    return offset < at ? -1 : offset > at;
}

#ifdef __x86_64__
static bool redirect(struct jit *jit, ucontext_t *uc)
{
    const uint8_t *pc = (const uint8_t *)(uintptr_t)uc->uc_mcontext.gregs[REG_RIP];
    const struct compiled *c = backend_find(jit->backend, pc);
    if (!c)
        return false;
    uint32_t offset = (uint32_t)(pc - c->code);
    const struct host_fault *f = bsearch(&offset, c->fault, c->n_faults, sizeof(*f), by_offset);
    if (!f)
        return false;
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)(c->code + f->stub_offset);
    return true;
}
#else
static bool redirect(struct jit *jit, ucontext_t *uc)
{
    return false;
}
#endif

bool jit_handle_fault(struct jit_cpu *cpu, int signal, void *siginfo, void *ucontext)
{
    struct cpu_extra *x = cpu->extra;
    struct jit *jit = cpu->jit;
    const siginfo_t *info = siginfo;
    if (jit->backend && redirect(jit, ucontext))
        return true;
    if (!x || !x->recover)
        return false;
    const uint8_t *at = info->si_addr;
    x->fault_address = (uint64_t)(at - cpu->window);
    if (!cpu->guest->address64)
        x->fault_address = (uint32_t)x->fault_address;
#ifdef __x86_64__
    x->fault_write = (((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_ERR] & 2) != 0;
#endif
    /* The handler is not returned from: what it blocked is let through again. */
    pthread_sigmask(SIG_SETMASK, &((ucontext_t *)ucontext)->uc_sigmask, NULL);
    siglongjmp(*x->recover, 1);
}

bool jit_user_copy(struct jit_cpu *cpu, uint64_t address, void *data, size_t size, bool to_guest)
{
    struct cpu_extra *x = cpu->extra;
    sigjmp_buf recover, *outer = x->recover;
    bool ok = false;
    if (!sigsetjmp(recover, 0)) {
        x->recover = &recover;
        if (to_guest)
            memcpy(cpu->window + address, data, size);
        else
            memcpy(data, cpu->window + address, size);
        ok = true;
    }
    x->recover = outer;
    return ok;
}

void jit_request_stop(struct jit_cpu *cpu, void *ucontext)
{
    cpu->stop = 1;
    if (cpu->jit->backend)
        backend_stop(cpu->jit->backend, cpu, ucontext);
}
