/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The part of fp.c that is the same for singles and doubles; included once for each with
 *   T the host's type, U its bits, BITS, FRACTION bits, NAME(x) the function's name, SQRT, FMA.
 */

#define SIGN      ((U)1 << (BITS - 1))
#define INFINITE  ((((U)1 << (BITS - 1 - FRACTION)) - 1) << FRACTION)
#define QUIET     ((U)1 << (FRACTION - 1))
#define LEAST     ((U)1 << FRACTION) /* smallest normal number */
#define DEFAULT   (INFINITE | QUIET)

static T NAME(value)(U v)
{
    T t;
    memcpy(&t, &v, sizeof t);
    return t;
}

static U NAME(bits)(T t)
{
    U v;
    memcpy(&v, &t, sizeof v);
    return v;
}

static bool NAME(is_nan)(U v)
{
    return (v & ~SIGN) > INFINITE;
}

static bool NAME(is_signalling)(U v)
{
    return NAME(is_nan)(v) && !(v & QUIET);
}

U NAME(arm_fp_nan)(const U *operand, unsigned n, bool default_nan)
{
    if (!default_nan) {
        for (unsigned k = 0; k < n; k++)
            if (NAME(is_signalling)(operand[k]))
                return operand[k] | QUIET;
        for (unsigned k = 0; k < n; k++)
            if (NAME(is_nan)(operand[k]))
                return operand[k];
    }
    return DEFAULT;
}

/* FPUnpack()'s flushing. */
static U NAME(input)(struct arm_fp *e, U v)
{
    if ((e->fpscr & FPSCR_FZ) && (v & INFINITE) == 0 && (v & ~SIGN)) {
        e->flags |= FPSCR_IDC;
        return v & SIGN;
    }
    return v;
}

/* FPProcessNaNs() and its kin; true: *result is a NaN. */
static bool NAME(nans)(struct arm_fp *e, const U *operand, unsigned n, U *result)
{
    bool any = false;
    for (unsigned k = 0; k < n; k++) {
        any = any || NAME(is_nan)(operand[k]);
        if (NAME(is_signalling)(operand[k]))
            e->flags |= FPSCR_IOC;
    }
    if (any)
        *result = NAME(arm_fp_nan)(operand, n, e->fpscr & FPSCR_DN);
    return any;
}

static U NAME(compute)(enum arm_fp_op op, U a, U b, U c)
{
    volatile T x = NAME(value)(a), y = NAME(value)(b), z = NAME(value)(c), r;
    switch (op) {
    case FP_ADD: r = x + y; break;
    case FP_SUB: r = x - y; break;
    case FP_MUL: r = x * y; break;
    case FP_DIV: r = x / y; break;
    case FP_SQRT: r = SQRT(x); break;
    default: r = FMA(x, y, z); break;
    }
    return NAME(bits)(r);
}

/* One operation of numbers, rounded as FPRound() does. */
static U NAME(rounded)(struct arm_fp *e, enum arm_fp_op op, U a, U b, U c)
{
    host_set(e->fpscr & FPSCR_RMODE);
    U r = NAME(compute)(op, a, b, c);
    uint32_t flags = host_flags();
    if ((r & ~SIGN) <= LEAST && ((r & ~SIGN) != 0 || (flags & FPSCR_IXC))) { /* may have been below the least before rounding */
        bool tiny = (r & ~SIGN) < LEAST;
        if (!tiny && (flags & FPSCR_IXC)) {
            host_set(FPSCR_RMODE); /* toward zero */
            tiny = (NAME(compute)(op, a, b, c) & ~SIGN) < LEAST;
        }
        if (tiny && (e->fpscr & FPSCR_FZ)) {
            e->flags |= FPSCR_UFC;
            return r & SIGN;
        }
        if (tiny && (flags & FPSCR_IXC))
            flags |= FPSCR_UFC;
    }
    e->flags |= flags;
    return NAME(is_nan)(r) ? DEFAULT : r;
}

static U NAME(two)(struct arm_fp *e, enum arm_fp_op op, U n, U m)
{
    U operand[2] = {NAME(input)(e, n), NAME(input)(e, m)}, r;
    if (NAME(nans)(e, operand, 2, &r))
        return r;
    return NAME(rounded)(e, op, operand[0], operand[1], 0);
}

static U NAME(fused)(struct arm_fp *e, U d, U n, U m)
{
    U operand[3] = {NAME(input)(e, d), NAME(input)(e, n), NAME(input)(e, m)}, r;
    U x = operand[1] & ~SIGN, y = operand[2] & ~SIGN;
    bool no_product = (x == INFINITE && y == 0) || (x == 0 && y == INFINITE);
    if (NAME(nans)(e, operand, 3, &r)) {
        if (no_product && !NAME(is_signalling)(operand[0])) { /* FPMulAdd(): default NaN for a quiet addend */
            e->flags |= FPSCR_IOC;
            return DEFAULT;
        }
        return r;
    }
    return NAME(rounded)(e, FP_FMA, operand[1], operand[2], operand[0]);
}

static U NAME(extreme)(struct arm_fp *e, U n, U m, bool max)
{
    U operand[2] = {NAME(input)(e, n), NAME(input)(e, m)}, r;
    if (NAME(nans)(e, operand, 2, &r))
        return r;
    if (((operand[0] | operand[1]) & ~SIGN) == 0) /* zeros: +0 is the larger */
        return max ? operand[0] & operand[1] : operand[0] | operand[1];
    T x = NAME(value)(operand[0]), y = NAME(value)(operand[1]);
    return (max ? x > y : x < y) ? operand[0] : operand[1];
}

/* FPRecipStep(), FPRSqrtStep() (A2.7.5, A2.7.6): product and difference each rounded. */
static U NAME(step)(struct arm_fp *e, U n, U m, bool root)
{
    U operand[2] = {NAME(input)(e, n), NAME(input)(e, m)}, r;
    U x = operand[0] & ~SIGN, y = operand[1] & ~SIGN;
    if (NAME(nans)(e, operand, 2, &r))
        return r;
    U product = 0;
    if (!(x == INFINITE && y == 0) && !(x == 0 && y == INFINITE))
        product = NAME(two)(e, FP_MUL, operand[0], operand[1]);
    r = NAME(two)(e, FP_SUB, NAME(bits)(root ? 3 : 2), product);
    return root ? NAME(two)(e, FP_DIV, r, NAME(bits)(2)) : r;
}

U NAME(arm_fp)(struct arm_fp *e, enum arm_fp_op op, U d, U n, U m)
{
    switch (op) {
    case FP_ADD:
    case FP_SUB:
    case FP_MUL:
    case FP_DIV: return NAME(two)(e, op, n, m);
    case FP_NMUL: return NAME(two)(e, FP_MUL, n, m) ^ SIGN;
    case FP_MLA: return NAME(two)(e, FP_ADD, d, NAME(two)(e, FP_MUL, n, m));
    case FP_MLS: return NAME(two)(e, FP_ADD, d, NAME(two)(e, FP_MUL, n, m) ^ SIGN);
    case FP_NMLA: return NAME(two)(e, FP_ADD, d ^ SIGN, NAME(two)(e, FP_MUL, n, m) ^ SIGN);
    case FP_NMLS: return NAME(two)(e, FP_ADD, d ^ SIGN, NAME(two)(e, FP_MUL, n, m));
    case FP_FMA: return NAME(fused)(e, d, n, m);
    case FP_FMS: return NAME(fused)(e, d, n ^ SIGN, m);
    case FP_FNMA: return NAME(fused)(e, d ^ SIGN, n ^ SIGN, m);
    case FP_FNMS: return NAME(fused)(e, d ^ SIGN, n, m);
    case FP_SQRT: {
        U v = NAME(input)(e, m), r;
        return NAME(nans)(e, &v, 1, &r) ? r : NAME(rounded)(e, FP_SQRT, v, 0, 0);
    }
    case FP_MOV: return m;
    case FP_ABS: return m & ~SIGN;
    case FP_NEG: return m ^ SIGN;
    case FP_MAX:
    case FP_MIN: return NAME(extreme)(e, n, m, op == FP_MAX);
    case FP_RECPS:
    case FP_RSQRTS: return NAME(step)(e, n, m, op == FP_RSQRTS);
    case FP_ABD: return NAME(two)(e, FP_SUB, n, m) & ~SIGN;
    }
    return 0;
}

/* Zero or a normal number; `result`: above the least one, which rounding may have lifted. */
static bool NAME(is_plain)(U v, bool result)
{
    U magnitude = v & ~SIGN;
    return magnitude == 0 || (magnitude < INFINITE && magnitude >= LEAST + result);
}

bool NAME(arm_fp_plain)(enum arm_fp_op op, U d, U n, U m, U *r)
{
    bool sum = op >= FP_MLA && op <= FP_NMLS, product = sum || op == FP_MUL || op == FP_NMUL;
    if (!(product || op <= FP_DIV || (op == FP_SQRT && !(m >> (BITS - 1)))) || !NAME(is_plain)(m, false) ||
        (op != FP_SQRT && !NAME(is_plain)(n, false)) || (sum && !NAME(is_plain)(d, false)))
        return false;
    bool exact_zero = op == FP_ADD || op == FP_SUB || op == FP_SQRT || (n & ~SIGN) == 0 ||
                      (product && (m & ~SIGN) == 0);
    uint32_t kept = arm_fp_begin();
    U v = op == FP_SQRT ? NAME(compute)(FP_SQRT, m, 0, 0) : NAME(compute)(product ? FP_MUL : op, n, m, 0);
    bool good = NAME(is_plain)(v, true) && ((v & ~SIGN) || exact_zero);
    if (good && sum) {
        v = NAME(compute)(FP_ADD, op >= FP_NMLA ? d ^ SIGN : d, op == FP_MLS || op == FP_NMLA ? v ^ SIGN : v, 0);
        good = NAME(is_plain)(v, true);
    } else if (op == FP_NMUL) {
        v ^= SIGN;
    }
    if (good)
        *r = v;
    else
        arm_fp_end(kept);
    return good;
}

unsigned NAME(arm_fp_compare)(struct arm_fp *e, U a, U b, bool signal)
{
    a = NAME(input)(e, a);
    b = NAME(input)(e, b);
    if (NAME(is_nan)(a) || NAME(is_nan)(b)) {
        if (signal || NAME(is_signalling)(a) || NAME(is_signalling)(b))
            e->flags |= FPSCR_IOC;
        return 3;
    }
    T x = NAME(value)(a), y = NAME(value)(b);
    return x == y ? 0 : x < y ? 1 : 2;
}

#undef SIGN
#undef INFINITE
#undef QUIET
#undef LEAST
#undef DEFAULT
#undef T
#undef U
#undef BITS
#undef FRACTION
#undef NAME
#undef SQRT
#undef FMA
