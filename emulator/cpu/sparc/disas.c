/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Disassembler for logs and tests, from the instruction table.
 */
#include "emulator/cpu/sparc/internal.h"

static const char *const reg_name[32] = {
    "%g0", "%g1", "%g2", "%g3", "%g4", "%g5", "%g6", "%g7", "%o0", "%o1", "%o2", "%o3", "%o4", "%o5", "%sp", "%o7",
    "%l0", "%l1", "%l2", "%l3", "%l4", "%l5", "%l6", "%l7", "%i0", "%i1", "%i2", "%i3", "%i4", "%i5", "%fp", "%i7",
};
static const char *const icc_name[16] = {
    "n", "e", "le", "l", "leu", "cs", "neg", "vs", "a", "ne", "g", "ge", "gu", "cc", "pos", "vc",
};
static const char *const fcc_name[16] = {
    "n", "ne", "lg", "ul", "l", "ug", "g", "u", "a", "e", "ue", "ge", "uge", "le", "ule", "o",
};
static const char *const rcond_name[8] = {"?", "z", "lez", "lz", "?", "nz", "gz", "gez"};
static const char *const special_name[4] = {"%y", "%psr", "%wim", "%tbr"};

static void operand2(GString *s, uint32_t w, const char *sign)
{
    if (field_i(w))
        g_string_append_printf(s, "%s%d", sign, field_simm13(w));
    else
        g_string_append_printf(s, "%s%s", sign, reg_name[field_rs2(w)]);
}

static void address(GString *s, uint32_t w)
{
    g_string_append(s, reg_name[field_rs1(w)]);
    if (field_i(w)) {
        if (field_simm13(w))
            g_string_append_printf(s, "%+d", field_simm13(w));
    } else if (field_rs2(w)) {
        operand2(s, w, "+");
    }
}

static void freg(GString *s, unsigned r, char width)
{
    if (width == 'd')
        r = (r & 0x1e) | (r & 1) << 5;
    else if (width == 'q')
        r = (r & 0x1c) | (r & 1) << 5;
    g_string_append_printf(s, "%%f%u", r);
}

void sparc_disassemble(uint32_t pc, uint32_t w, uint32_t features, char *text, size_t size)
{
    bool fpop;
    const struct sparc_row *row = sparc_decode(w, features, &fpop);
    g_autoptr(GString) s = g_string_new(row ? row->name : ".word");
    unsigned rd = field_rd(w), rs1 = field_rs1(w), rs2 = field_rs2(w);
    enum row_format format = row ? row->format : FMT_UNIMP;
    static const char fp_shape[][4] = {
        [FMT_FP_S_S - FMT_FP_S_S] = "ss", "sd", "sq", "ds", "dd", "dq", "qs", "qd", "qq",
    };
    static const char fp_dyadic[][4] = {"ss", "dd", "qq", "sd", "dq"};
    if (!row) {
        g_string_append_printf(s, " 0x%08x", w);
        format = FMT_NONE;
    }
    bool annul = field_a(w) && (format == FMT_BRANCH || format == FMT_BRANCH_P || format == FMT_BRANCH_R);
    if (format == FMT_BRANCH || format == FMT_BRANCH_P)
        g_string_append(s, row->name[0] == 'f' ? fcc_name[field_cond(w)] : icc_name[field_cond(w)]);
    else if (format == FMT_BRANCH_R)
        g_string_append(s, rcond_name[w >> 25 & 7]);
    else if (format == FMT_TRAP)
        g_string_append(s, icc_name[field_cond(w)]);
    else if (format == FMT_MOVR)
        g_string_append(s, rcond_name[w >> 10 & 7]);
    else if (format == FMT_MOVCC)
        g_string_append(s, (w >> 18 & 1 ? icc_name : fcc_name)[rs1 & 15]);
    if (annul)
        g_string_append(s, ",a");
    if (format != FMT_NONE)
        g_string_append_c(s, ' ');
    switch (format) {
    case FMT_NONE: break;
    case FMT_SHIFT:
    case FMT_ARITH:
        g_string_append_printf(s, "%s, ", reg_name[rs1]);
        if (format == FMT_SHIFT && field_i(w))
            g_string_append_printf(s, "%u", w & (w >> 12 & 1 ? 63 : 31));
        else
            operand2(s, w, "");
        g_string_append_printf(s, ", %s", reg_name[rd]);
        break;
    case FMT_SETHI: g_string_append_printf(s, "%%hi(0x%x), %s", w << 10, reg_name[rd]); break;
    case FMT_BRANCH: g_string_append_printf(s, "0x%x", pc + (uint32_t)field_disp22(w)); break;
    case FMT_BRANCH_P: g_string_append_printf(s, "0x%x", pc + (uint32_t)field_disp19(w)); break;
    case FMT_BRANCH_R:
        g_string_append_printf(s, "%s, 0x%x", reg_name[rs1], pc + (uint32_t)field_disp16(w));
        break;
    case FMT_CALL: g_string_append_printf(s, "0x%x", pc + (w << 2)); break;
    case FMT_JMPL:
        address(s, w);
        g_string_append_printf(s, ", %s", reg_name[rd]);
        break;
    case FMT_ADDRESS: address(s, w); break;
    case FMT_TRAP:
        if (rs1)
            g_string_append_printf(s, "%s + ", reg_name[rs1]);
        if (field_i(w))
            g_string_append_printf(s, "%u", w & 127);
        else
            operand2(s, w, "");
        break;
    case FMT_LOAD:
    case FMT_LOAD_A:
    case FMT_LOAD_F:
    case FMT_LOAD_D:
    case FMT_LOAD_FSR:
    case FMT_LOAD_C:
    case FMT_LOAD_CSR:
        g_string_append_c(s, '[');
        address(s, w);
        g_string_append_c(s, ']');
        if (format == FMT_LOAD_A)
            g_string_append_printf(s, " 0x%x", field_asi(w));
        g_string_append(s, ", ");
        if (format == FMT_LOAD_F || format == FMT_LOAD_D)
            freg(s, rd, format == FMT_LOAD_D ? 'd' : 's');
        else
            g_string_append(s, format == FMT_LOAD_FSR   ? "%fsr"
                               : format == FMT_LOAD_CSR ? "%csr"
                               : format == FMT_LOAD_C   ? "%c"
                                                        : reg_name[rd]);
        break;
    case FMT_STORE:
    case FMT_STORE_A:
    case FMT_STORE_F:
    case FMT_STORE_D:
    case FMT_STORE_FSR:
    case FMT_STORE_FQ:
    case FMT_STORE_C:
    case FMT_STORE_CSR:
    case FMT_STORE_CQ:
        if (format == FMT_STORE_F || format == FMT_STORE_D)
            freg(s, rd, format == FMT_STORE_D ? 'd' : 's');
        else
            g_string_append(s, format == FMT_STORE_FSR   ? "%fsr"
                               : format == FMT_STORE_FQ  ? "%fq"
                               : format == FMT_STORE_C   ? "%c"
                               : format == FMT_STORE_CSR ? "%csr"
                               : format == FMT_STORE_CQ  ? "%cq"
                                                         : reg_name[rd]);
        g_string_append(s, ", [");
        address(s, w);
        g_string_append_c(s, ']');
        if (format == FMT_STORE_A)
            g_string_append_printf(s, " 0x%x", field_asi(w));
        break;
    case FMT_RD:
        if (row->aux)
            g_string_append(s, special_name[row->aux]);
        else if (rs1)
            g_string_append_printf(s, "%%asr%u", rs1);
        else
            g_string_append(s, "%y");
        g_string_append_printf(s, ", %s", reg_name[rd]);
        break;
    case FMT_WR:
        g_string_append_printf(s, "%s, ", reg_name[rs1]);
        operand2(s, w, "");
        if (row->aux || !rd)
            g_string_append_printf(s, ", %s", special_name[row->aux]);
        else
            g_string_append_printf(s, ", %%asr%u", rd);
        break;
    case FMT_FP_S_S: case FMT_FP_S_D: case FMT_FP_S_Q: case FMT_FP_D_S: case FMT_FP_D_D: case FMT_FP_D_Q:
    case FMT_FP_Q_S: case FMT_FP_Q_D: case FMT_FP_Q_Q: {
        const char *shape = fp_shape[format - FMT_FP_S_S];
        freg(s, rs2, shape[0]);
        g_string_append(s, ", ");
        freg(s, rd, shape[1]);
        break;
    }
    case FMT_FP_SS_S: case FMT_FP_DD_D: case FMT_FP_QQ_Q: case FMT_FP_SS_D: case FMT_FP_DD_Q: {
        const char *shape = fp_dyadic[format - FMT_FP_SS_S];
        freg(s, rs1, shape[0]);
        g_string_append(s, ", ");
        freg(s, rs2, shape[0]);
        g_string_append(s, ", ");
        freg(s, rd, shape[1]);
        break;
    }
    case FMT_FP_SD_D:
        freg(s, rs1, 's');
        g_string_append(s, ", ");
        freg(s, rs2, 'd');
        g_string_append(s, ", ");
        freg(s, rd, 'd');
        break;
    case FMT_FP_DD_R:
        freg(s, rs1, 'd');
        g_string_append(s, ", ");
        freg(s, rs2, 'd');
        g_string_append_printf(s, ", %s", reg_name[rd]);
        break;
    case FMT_FP_1S_S:
    case FMT_FP_1D_D:
        freg(s, rs1, format == FMT_FP_1D_D ? 'd' : 's');
        g_string_append(s, ", ");
        freg(s, rd, format == FMT_FP_1D_D ? 'd' : 's');
        break;
    case FMT_FP_0_S:
    case FMT_FP_0_D: freg(s, rd, format == FMT_FP_0_D ? 'd' : 's'); break;
    case FMT_FCMP_S:
    case FMT_FCMP_D:
    case FMT_FCMP_Q: {
        char width = "sdq"[format - FMT_FCMP_S];
        freg(s, rs1, width);
        g_string_append(s, ", ");
        freg(s, rs2, width);
        break;
    }
    case FMT_CPOP: g_string_append_printf(s, "0x%x", w & 0x1fffff); break;
    case FMT_UNIMP: g_string_append_printf(s, "0x%x", w & 0x3fffff); break;
    case FMT_MOVCC:
        g_string_append(s, w >> 18 & 1 ? (w >> 12 & 1 ? "%xcc, " : "%icc, ") : "%fcc, ");
        if (field_i(w))
            g_string_append_printf(s, "%d", (int32_t)(w << 21) >> 21);
        else
            operand2(s, w, "");
        g_string_append_printf(s, ", %s", reg_name[rd]);
        break;
    case FMT_MOVR:
        g_string_append_printf(s, "%s, ", reg_name[rs1]);
        if (field_i(w))
            g_string_append_printf(s, "%d", (int32_t)(w << 22) >> 22);
        else
            operand2(s, w, "");
        g_string_append_printf(s, ", %s", reg_name[rd]);
        break;
    case FMT_CASA:
        g_string_append_printf(s, "[%s] 0x%x, %s, %s", reg_name[rs1], field_asi(w), reg_name[rs2], reg_name[rd]);
        break;
    case FMT_PREFETCH:
        g_string_append_c(s, '[');
        address(s, w);
        g_string_append_printf(s, "], %u", rd);
        break;
    }
    g_strlcpy(text, s->str, size);
}

unsigned sparc_guest_disassemble(uint64_t pc, const uint8_t *code, uint32_t avail, char *text, size_t size)
{
    if (avail < 4) {
        g_strlcpy(text, "?", size);
        return avail ? avail : 1;
    }
    uint32_t w = (uint32_t)code[0] << 24 | (uint32_t)code[1] << 16 | (uint32_t)code[2] << 8 | code[3];
    sparc_disassemble((uint32_t)pc, w, SPARC_MULDIV | SPARC_FSMULD | SPARC_V9_SUBSET | SPARC_VIS, text, size);
    return 4;
}
