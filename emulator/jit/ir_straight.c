/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finishing a region of one block, as nearly all of those are that a program's start needs: what ir_finish.c finds by
 * data flow over blocks and slots, here by one walk over what happened to the slots, and one backward over the values.
 */
#include "emulator/jit/ir_internal.h"

bool ib_is_straight(const struct ir_builder *b)
{
    return b->n_blocks == 2 && b->block[1].n_succs == 0 && !b->n_params;
}

void ib_order_straight(struct ir_builder *b)
{
    if (b->cap_order < 2) {
        b->cap_order = b->cap_blocks;
        b->order = g_renew(uint32_t, b->order, b->cap_order);
    }
    b->n_order = 2;
    for (uint32_t k = 0; k < 2; k++) {
        b->order[k] = b->block[k].rpo = k;
        b->block[k].loop_depth = 0;
        b->block[k].loop = ~0u;
        b->block[k].cold = false;
    }
}

/* ------------------------------------------------------------------------------------------- snapshots */

struct slots {
    uint64_t dirty[3];            /* the value differs from memory, as far as is known */
    ir_ref value[IR_MAX_SLOTS];   /* of dirty ones */
    ir_ref memory[IR_MAX_SLOTS];  /* what memory holds, or IR_NONE: nobody asked */
};

static void set_dirty(struct slots *st, uint32_t s, bool on)
{
    uint64_t bit = UINT64_C(1) << (s & 63);

    st->dirty[s >> 6] = on ? st->dirty[s >> 6] | bit : st->dirty[s >> 6] & ~bit;
}

/* The dirty slots of the mask (NULL: all), into snap[]. */
static void snapshot(struct ir_builder *b, const struct slots *st, const uint64_t *mask, uint32_t *first,
                     uint32_t *count)
{
    uint32_t n = b->n_snaps;

    *first = n;
    while (b->cap_snaps < n + b->n_slots) {
        b->cap_snaps = MAX(256u, b->cap_snaps * 2);
        b->snap = g_renew(struct ir_snap, b->snap, b->cap_snaps);
    }
    for (uint32_t w = 0; w < 3; w++)
        for (uint64_t bits = st->dirty[w] & (mask ? mask[w] : ~UINT64_C(0)); bits; bits &= bits - 1) {
            uint32_t s = w * 64 + (uint32_t)__builtin_ctzll(bits);
            b->snap[n++] = (struct ir_snap){.slot = s, .value = st->value[s]};
        }
    *count = n - b->n_snaps;
    b->n_snaps = n;
}

static void move_bank(const struct ir_builder *b, struct slots *st, const int16_t *from)
{
    struct slots old = *st;

    for (uint32_t s = 0; s < b->n_slots; s++) {
        int16_t f = from[s];
        bool dirty = f >= 0 && (old.dirty[f >> 6] >> (f & 63) & 1);
        set_dirty(st, s, dirty);
        if (dirty)
            st->value[s] = old.value[f];
        st->memory[s] = f < 0 ? IR_NONE : old.memory[f];
    }
}

void ib_snapshots_straight(struct ir_builder *b)
{
    struct slots st;
    const struct ir_exit *last = NULL; /* with the slots as they are now */

    memset(st.dirty, 0, sizeof st.dirty);
    memcpy(st.memory, b->in, b->n_slots * sizeof *b->in); /* block 0: what the region reads at its entry */
    for (uint32_t e = b->block[1].event_head; e; e = b->event[e].next) {
        const struct ib_event *v = &b->event[e];
        if (v->kind == IB_EXIT) {
            struct ir_exit *x = &b->exit[v->value];
            if (last) {
                x->first = last->first;
                x->count = last->count;
            } else {
                snapshot(b, &st, NULL, &x->first, &x->count);
            }
            last = x;
            continue;
        }
        last = NULL;
        switch (v->kind) {
        case IB_PUT:
            st.value[v->slot] = v->value;
            set_dirty(&st, v->slot, st.memory[v->slot] != v->value);
            break;
        case IB_DISCARD: set_dirty(&st, v->slot, false); break;
        case IB_LOADED: st.memory[v->slot] = v->value; break;
        case IB_FLUSHED: {
            struct ib_flush *f = &b->flush[v->value];
            snapshot(b, &st, f->mask, &f->first, &f->count);
            for (uint32_t k = 0; k < f->count; k++) {
                const struct ir_snap *s = &b->snap[f->first + k];
                st.memory[s->slot] = s->value;
                set_dirty(&st, s->slot, false);
            }
            break;
        }
        case IB_FORGET:
            memset(st.dirty, 0, sizeof st.dirty);
            memset(st.memory, 0, sizeof st.memory);
            break;
        case IB_BANK: move_bank(b, &st, b->bank + v->value); break;
        default: break;
        }
    }
}

/* ------------------------------------------------------------------------------------------- dead code */

static void mark(struct ir_builder *b, ir_ref *operand, void *live)
{
    ((uint8_t *)live)[*operand] = 1;
}

/* Operands stand before what uses them. */
void ib_remove_dead_straight(struct ir_builder *b)
{
    uint8_t *live = ib_scratch(b, b->n_insns);

    for (uint32_t block = 2; block-- > 0;)
        for (ir_ref v = b->block[block].tail, prev; v; v = prev) {
            prev = b->link[v].prev;
            if (live[v] || ib_is_root(b, &b->insn[v]))
                ib_each_operand(b, v, mark, live);
            else
                ib_unlink(b, v);
        }
}
