/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Dominators of a control flow graph (Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm", 2001).
 */
#include "emulator/jit/ir_internal.h"

void ir_cfg_dominators(uint32_t n, const uint32_t *first, const uint32_t *pred, uint32_t *idom)
{
    bool changed = true;

    if (n == 0)
        return;
    for (uint32_t k = 0; k < n; k++)
        idom[k] = ~0u;
    idom[0] = 0;
    while (changed) {
        changed = false;
        for (uint32_t k = 1; k < n; k++) {
            uint32_t d = ~0u;
            for (uint32_t p = first[k]; p < first[k + 1]; p++) {
                uint32_t e = pred[p];
                if (idom[e] == ~0u)
                    continue;
                if (d == ~0u) {
                    d = e;
                    continue;
                }
                while (d != e) {
                    while (d > e)
                        d = idom[d];
                    while (e > d)
                        e = idom[e];
                }
            }
            if (d != ~0u && idom[k] != d) {
                idom[k] = d;
                changed = true;
            }
        }
    }
}
