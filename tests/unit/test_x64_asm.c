/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The encoder against capstone: every form in every register and with every kind of address must come back as the
 * instruction that was meant.  And the code cache: one memory, two views, never writable and executable at once.
 */
#include <glib.h>
#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>
#include "emulator/jit/arena.h"
#include "emulator/jit/x64_asm.h"

static csh handle;
static struct x64_asm a;

static void begin(void)
{
    a.p = a.sec[a.cur].p = a.sec[a.cur].base;
    x64_need(&a, 256);
}

/* What was written since begin() is exactly one instruction that reads `want`. */
static void expect(const char *want)
{
    cs_insn *i;
    size_t size = x64_offset(&a), n = cs_disasm(handle, a.sec[a.cur].base, size, 0x1000, 0, &i);
    g_assert_cmpuint(n, ==, 1);
    g_autofree char *got = g_strdup_printf("%s %s", i->mnemonic, i->op_str);
    g_assert_cmpuint(i->size, ==, size);
    g_assert_cmpstr(g_strstrip(got), ==, want);
    cs_free(i, n);
}

static const char *const r64[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                  "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
static const char *const r32[] = {"eax", "ecx", "edx",  "ebx",  "esp",  "ebp",  "esi",  "edi",
                                  "r8d", "r9d", "r10d", "r11d", "r12d", "r13d", "r14d", "r15d"};
static const char *const r8[] = {"al",  "cl",  "dl",   "bl",   "spl",  "bpl",  "sil",  "dil",
                                 "r8b", "r9b", "r10b", "r11b", "r12b", "r13b", "r14b", "r15b"};

/* Encodes one instruction and says how it must read. */
#define CHECK(encode, ...)                                                                                   \
    do {                                                                                                     \
        begin();                                                                                             \
        encode;                                                                                              \
        g_autofree char *want_ = g_strdup_printf(__VA_ARGS__);                                               \
        expect(want_);                                                                                       \
    } while (0)

static void registers(void)
{
    static const char *const alu[] = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};

    for (int x = 0; x < 16; x++) {
        for (int y = 0; y < 16; y++) {
            CHECK(x64_mov(&a, true, x, y), "mov %s, %s", r64[x], r64[y]);
            CHECK(x64_mov(&a, false, x, y), "mov %s, %s", r32[x], r32[y]);
            CHECK(x64_movzx8(&a, x, y), "movzx %s, %s", r32[x], r8[y]);
            CHECK(x64_rr(&a, X_0F | 0xaf | X_W, x, y), "imul %s, %s", r64[x], r64[y]);
            CHECK(x64_vrr(&a, X_F2 | X_0F | 0x58, x, y, 15 - x), "vaddsd xmm%d, xmm%d, xmm%d", x, y, 15 - x);
            CHECK(x64_vrr(&a, X_66 | X_0F38 | 0xb9 | X_W, x, y, 3), "vfmadd231sd xmm%d, xmm%d, xmm3", x, y);
            CHECK(x64_vrr(&a, X_66 | X_0F38 | 0xf7, x, 2, y), "shlx %s, %s, edx", r32[x], r32[y]);
            CHECK(x64_vrr(&a, X_0F38 | 0xf2 | X_W, x, y, 9), "andn %s, %s, r9", r64[x], r64[y]);
            CHECK(x64_rr(&a, X_F2 | X_0F | 0x59, x, y), "mulsd xmm%d, xmm%d", x, y);
            for (int o = 0; o < 8; o++) {
                CHECK(x64_alu_rr(&a, (enum x64_alu)o, true, x, y), "%s %s, %s", alu[o], r64[x], r64[y]);
            }
        }
        CHECK(x64_setcc(&a, CC_E, x), "sete %s", r8[x]);
        CHECK(x64_shift_ri(&a, SH_SAR, false, x, 7), "sar %s, 7", r32[x]);
        CHECK(x64_alu_ri(&a, ALU_ADD, false, x, 5), "add %s, 5", r32[x]);
        CHECK(x64_alu_ri(&a, ALU_CMP, true, x, 0x12345), "cmp %s, 0x12345", r64[x]);
        CHECK(x64_imm(&a, x, 0x123456789abcdefu, true), "movabs %s, 0x123456789abcdef", r64[x]);
        CHECK(x64_imm(&a, x, 0x89abcdefu, true), "mov %s, 0x89abcdef", r32[x]);
        CHECK(x64_imm(&a, x, 0, false), "xor %s, %s", r32[x], r32[x]);
    }
}

static void addresses(void)
{
    static const int32_t disp[] = {0, 8, 127, 128, 0x12345};

    for (int b = 0; b < 16; b++) {
        for (unsigned d = 0; d < G_N_ELEMENTS(disp); d++) {
            g_autofree char *tail = disp[d] == 0 ? g_strdup("") : disp[d] < 10 ? g_strdup_printf(" + %d", disp[d]) : g_strdup_printf(" + 0x%x", disp[d]);
            CHECK(x64_load(&a, true, 9, x64_at(b, disp[d])), "mov r9, qword ptr [%s%s]", r64[b], tail);
            CHECK(x64_store(&a, false, x64_at(b, disp[d]), b), "mov dword ptr [%s%s], %s", r64[b], tail, r32[b]);
            CHECK(x64_vrm(&a, X_F3 | X_0F | 0x10, 12, 0, x64_at(b, disp[d])), "vmovss xmm12, dword ptr [%s%s]", r64[b], tail);
            for (int i = 0; i < 16; i++) {
                if (i == RSP) {
                    continue;
                }
                CHECK(x64_rm(&a, X_0F38 | 0xf0, 10, x64_at_index(b, i, 0, disp[d])), "movbe r10d, dword ptr [%s + %s%s]", r64[b], r64[i], tail);
                CHECK(x64_lea(&a, true, 1, x64_at_index(b, i, 3, disp[d])), "lea rcx, [%s + %s*8%s]", r64[b], r64[i], tail);
            }
        }
        CHECK(x64_rm(&a, 0x88 | X_R8, b, x64_at(RDX, 0)), "mov byte ptr [rdx], %s", r8[b]);
        if (b != RSP) {
            CHECK(x64_lea(&a, false, 2, x64_at_index(-1, b, 2, 0)), "lea edx, [%s*4]", r64[b]);
        }
    }
}

static void fillers(void)
{
    for (unsigned n = 1; n <= 9; n++) {
        cs_insn *i;
        begin(), x64_nops(&a, n);
        g_assert_cmpuint(x64_offset(&a), ==, n);
        g_assert_cmpuint(cs_disasm(handle, a.sec[a.cur].base, n, 0, 0, &i), ==, 1);
        cs_free(i, 1);
    }
}

static void arena_has_two_views(void)
{
    struct arena m;
    g_autoptr(GError) error = NULL;
    g_assert_true(arena_init(&m, 1 << 20, &error));
    g_assert_no_error(error);

    uint8_t *x = arena_alloc(&m, 100), *y = arena_alloc(&m, 100);
    g_assert_true(x && y && y >= x + 100 && ((uintptr_t)y & 63) == 0);
    uint8_t code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov eax, 42; ret */
    memcpy(arena_writable(&m, y), code, sizeof(code));
    int (*f)(void);
    memcpy(&f, &y, sizeof(f));
    g_assert_cmpint(f(), ==, 42);
    arena_keep(&m);
    g_assert_null(arena_alloc(&m, 1 << 20));
    uint8_t *z = arena_alloc(&m, 5000);
    arena_reset(&m);
    g_assert_true(arena_alloc(&m, 5000) == z);

    g_autofree char *maps = NULL;
    g_assert_true(g_file_get_contents("/proc/self/maps", &maps, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(maps, "\n", -1);
    unsigned views = 0;
    for (unsigned k = 0; lines[k]; k++) {
        if (strstr(lines[k], "vitrine-code")) {
            views++;
            g_assert_true(!strstr(lines[k], "rwx") && !strstr(lines[k], "-wx"));
        }
    }
    g_assert_cmpuint(views, ==, 2);
    arena_finish(&m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(cs_open(CS_ARCH_X86, CS_MODE_64, &handle), ==, CS_ERR_OK);
    x64_need(&a, 4096);
    g_test_add_func("/x64/encoder/registers", registers);
    g_test_add_func("/x64/encoder/addresses", addresses);
    g_test_add_func("/x64/encoder/fillers", fillers);
    g_test_add_func("/x64/arena/two-views", arena_has_two_views);
    int rc = g_test_run();
    cs_close(&handle);
    for (unsigned s = 0; s < XS_COUNT; s++) {
        g_free(a.sec[s].base);
    }
    return rc;
}
