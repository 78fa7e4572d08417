/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The SPARC instruction table: every row is found by its own word, becomes valid IR in every mode, and words made by
 * binutils' assembler disassemble to what was assembled.
 */
#include <string.h>

#include "emulator/cpu/sparc/internal.h"

#define ALL (SPARC_V9_SUBSET | SPARC_VIS | SPARC_CASA | SPARC_FSMULD | SPARC_QUAD | SPARC_MULDIV)

static void every_row_decodes_to_itself(void)
{
    uint32_t word;
    const struct sparc_row *row;
    unsigned n = 0;
    for (unsigned i = 0; (row = sparc_row_at(i, &word)); i++, n++) {
        bool fpop;
        const struct sparc_row *v8 = sparc_decode(word, ALL & ~(SPARC_V9_SUBSET | SPARC_VIS), &fpop);
        const struct sparc_row *v9 = sparc_decode(word, ALL, &fpop);
        if (!(row->needs & SPARC_V9_SUBSET))
            g_assert_true(v8 == row);
        else
            g_assert_true(v8 != row);
        if (row->needs & SPARC_V9_SUBSET)
            g_assert_true(v9 == row);
    }
    g_assert_cmpuint(n, >, 180);
}

static void translate_all(const char *model_id, uint32_t mode, bool user)
{
    const struct sparc_model *model = sparc_find_model(model_id);
    const struct jit_guest *guest = sparc_model_guest(model);
    mode |= model->features << SPARC_MODE_FEATURES;
    struct ir_builder *b = ir_builder_create();
    uint32_t word;
    const struct sparc_row *row;
    for (unsigned i = 0; (row = sparc_row_at(i, &word)); i++)
        for (unsigned variant = 0; variant < 6; variant++) {
            static const uint32_t bits[6] = {0, 1u << 13 | 8, 10u << 25 | 3u << 14 | 5, 1u << 29 | 2u << 25,
                                             8u << 25 | 1u << 13, 14u << 25 | 20u << 14 | 0x3fff};
            uint32_t words[2] = {word | bits[variant], variant & 1 ? 0x84006001 : 0xc4006004}; /* add / ld */
            uint8_t code[8];
            for (unsigned k = 0; k < 8; k++)
                code[k] = (uint8_t)(words[k / 4] >> (24 - 8 * (k & 3)));
            for (unsigned npc = 0; npc < 2; npc++) {
                struct jit_insn insn = {.pc = 0x1000, .npc = npc ? 0x2000 : 0x1004, .code = code, .mode = mode};
                insn.avail = variant == 2 ? 4 : 8;
                ir_begin(b, guest, insn.pc, insn.npc, mode, user);
                uint32_t block = ir_block_new(b, insn.pc, insn.npc);
                ir_block_start(b, block);
                ir_block_seal(b, block);
                ir_charge(b, 0);
                ir_set_pc(b, insn.pc, insn.npc);
                guest->translate(b, &insn);
                g_assert_cmpuint(insn.n_done, <=, insn.n_insns);
                g_assert_cmpuint(insn.size, ==, 4 * insn.n_insns);
                ir_insns_done(b, insn.n_insns - insn.n_done);
                switch (insn.flow) {
                case JIT_NEXT:
                case JIT_JUMP:
                    g_assert_true(ir_block_open(b));
                    ir_exit(b, IR_EXIT_DIRECT, IR_HINT_NONE, insn.next_pc, insn.next_npc, IR_NONE, IR_NONE);
                    break;
                case JIT_BRANCH:
                    g_assert_true(ir_block_open(b));
                    ir_exit_if(b, insn.cond, IR_EXIT_DIRECT, insn.taken_pc, insn.taken_npc);
                    ir_exit(b, IR_EXIT_DIRECT, IR_HINT_NONE, insn.next_pc, insn.next_npc, IR_NONE, IR_NONE);
                    break;
                case JIT_INDIRECT:
                    ir_exit(b, IR_EXIT_INDIRECT, insn.hint, insn.return_pc, 0, insn.target, IR_NONE);
                    break;
                case JIT_END: g_assert_false(ir_block_open(b)); break;
                }
                const struct ir_region *r = ir_finish(b, npc == 0);
                const char *wrong = ir_verify(r);
                if (wrong)
                    g_error("%s (%08x): %s", row->name, words[0], wrong);
            }
        }
    ir_builder_destroy(b);
}

static void every_row_makes_valid_ir(void)
{
    translate_all("v8", SPARC_MODE_USER | SPARC_MODE_FPU, true);
    translate_all("v8", SPARC_MODE_USER | SPARC_MODE_FPU | SPARC_MODE_FP_TRAPS, true);
    translate_all("v8plus", SPARC_MODE_USER | SPARC_MODE_FPU, true);
    translate_all("v8plus", SPARC_MODE_USER | SPARC_MODE_FPU | SPARC_MODE_FP_TRAPS, true);
    translate_all("mb86904", SPARC_MODE_SUPERVISOR, false);
    translate_all("mb86904", SPARC_MODE_SUPERVISOR | SPARC_MODE_FPU, false);
    translate_all("mb86904", SPARC_MODE_FPU | SPARC_MODE_FP_TRAPS, false);
    translate_all("tms390z50", 0, false);
}

static void disassembles_what_was_assembled(void)
{
    static const struct {
        uint32_t word;
        const char *text;
    } known[] = {
        {0x86004002, "add %g1, %g2, %g3"},
        {0x80a23fff, "subcc %o0, -1, %g0"},
        {0xa42c0011, "andn %l0, %l1, %l2"},
        {0x92be2005, "xnorcc %i0, 5, %o1"},
        {0x86404002, "addx %g1, %g2, %g3"},
        {0x86e06007, "subxcc %g1, 7, %g3"},
        {0x94520009, "umul %o0, %o1, %o2"},
        {0x94fa0009, "sdivcc %o0, %o1, %o2"},
        {0x95120009, "taddcctv %o0, %o1, %o2"},
        {0x95220009, "mulscc %o0, %o1, %o2"},
        {0x932a201f, "sll %o0, 31, %o1"},
        {0x9332000a, "srl %o0, %o2, %o1"},
        {0x17048d15, "sethi %hi(0x12345400), %o3"},
        {0x9de3bfa0, "save %sp, -96, %sp"},
        {0x81e80000, "restore %g0, %g0, %g0"},
        {0xd2022008, "ld [%o0+8], %o1"},
        {0xd20a0000, "ldub [%o0], %o1"},
        {0xd252000a, "ldsh [%o0+%o2], %o1"},
        {0xd41a2008, "ldd [%o0+8], %o2"},
        {0xd223a040, "st %o1, [%sp+64]"},
        {0xe03b8000, "std %l0, [%sp]"},
        {0xd26a0000, "ldstub [%o0], %o1"},
        {0xd27a2004, "swap [%o0+4], %o1"},
        {0xd2820400, "lda [%o0] 0x20, %o1"},
        {0xc0a20080, "sta %g0, [%o0] 0x4"},
        {0xc3020000, "ld [%o0], %f1"},
        {0xc51a0000, "ldd [%o0], %f2"},
        {0xc7222004, "st %f3, [%o0+4]"},
        {0xc93a0000, "std %f4, [%o0]"},
        {0xc10a0000, "ld [%o0], %fsr"},
        {0xc12a0000, "st %fsr, [%o0]"},
        {0x91400000, "rd %y, %o0"},
        {0x91480000, "rd %psr, %o0"},
        {0xa1500000, "rd %wim, %l0"},
        {0xa1580000, "rd %tbr, %l0"},
        {0x81882001, "wr %g0, 1, %psr"},
        {0x81920000, "wr %o0, %g0, %wim"},
        {0x87a04822, "fadds %f1, %f2, %f3"},
        {0x8da08844, "faddd %f2, %f4, %f6"},
        {0x89a00542, "fsqrtd %f2, %f4"},
        {0x85a01901, "fitod %f1, %f2"},
        {0x87a01a42, "fdtoi %f2, %f3"},
        {0x81a80ac2, "fcmped %f0, %f2"},
        {0x89a04d23, "fsmuld %f1, %f3, %f4"},
        {0x85a000a1, "fnegs %f1, %f2"},
        {0x91d02010, "ta 16"},
        {0x93d06003, "tne %g1 + 3"},
        {0x81cc8000, "rett %l2"},
        {0x81da0000, "flush %o0"},
        {0x00000123, "unimp 0x123"},
        {0x12800004, "bne 0x1010"},
        {0x30bfffff, "ba,a 0xffc"},
        {0x40000010, "call 0x1040"},
        {0xfdf80000, ".word 0xfdf80000"},
    };
    for (unsigned k = 0; k < G_N_ELEMENTS(known); k++) {
        char text[80];
        sparc_disassemble(0x1000, known[k].word, ALL & ~(SPARC_V9_SUBSET | SPARC_VIS), text, sizeof text);
        g_assert_cmpstr(text, ==, known[k].text);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sparc/table/every-row-decodes-to-itself", every_row_decodes_to_itself);
    g_test_add_func("/sparc/table/every-row-makes-valid-ir", every_row_makes_valid_ir);
    g_test_add_func("/sparc/table/disassembles-what-was-assembled", disassembles_what_was_assembled);
    return g_test_run();
}
