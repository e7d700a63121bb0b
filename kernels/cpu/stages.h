// The stages of a block: short loops over arrays of pixel-face pairs, one per distribution and one per T-conorm, that
// the compiler vectorises. A renderer is a row of function pointers; nothing is compiled per pair of the two families.
// Counts are padded to a multiple of `lanes`, so that no scalar remainder loop ever runs and a pair's numbers do not
// depend on where in a block it stands.
#pragma once

#include "gendr/distributions.h"
#include "gendr/pair.h"
#include <cstddef>
#include <type_traits>

namespace gendr {
inline namespace GENDR_ISA {

constexpr int lanes = 16, half_lanes = lanes / 2;
GENDR_HD int padded(int n, int to = lanes) { return (n + to - 1) / to * to; }

// Calls step(first, width) over n entries, a multiple of `half_lanes`: whole vectors, then perhaps half a one. `step`
// is told the width as a constant and must be inlined, so that its loop over lanes becomes a vector's instructions.
template <class Step> __attribute__((always_inline)) inline void each_vector(int n, const Step &step) {
    int first = 0;
    for (; first + lanes <= n; first += lanes) step(first, std::integral_constant<int, lanes>());
    if (first < n) step(first, std::integral_constant<int, half_lanes>());
}

// u is the standardised argument; pdf may be null.
template <class T>
using ProbabilityStage = void (*)(int n, const T *u, T *cdf, T *sf, T *pdf, const GammaShape &shape);

// What each pair adds to its pixel's sum: mantissa, and for power families the exponent, in steps of 2^64.
template <class T> using GeneratorStage = void (*)(int n, const T *a, const T *q, T p, T *term, int *exponent);

// out: d loss / d argument of each pair, from the pixel's factor c (and L, for power families) and the pdf in `out`.
template <class T> using DerivativeStage = void (*)(int n, const T *a, const T *q, const T *c, const T *l, T p, T *out);

// The sum over the block of each pair's share of d loss / d p.
template <class T> using InPStage = double (*)(int n, const T *a, const T *q, const T *c, const T *l, T p);

// Of one pixel: what its sum gives. For power families the state is L (see tconorms.h).
template <class T> using AggregateStage = void (*)(int n, const T *state, T p, T *out, T *in_state);

template <class T> struct ConormStages {
    Family family;
    bool negative_p, offset, strict;
    GeneratorStage<T> generator;
    DerivativeStage<T> derivative;
    InPStage<T> in_p;
    AggregateStage<T> aggregate;
    double (*aggregate_in_p)(double state, double p);
    double (*face_cutoff)(double cutoff, double p);
};

template <class D, class T>
void probability_stage(int n, const T *__restrict u, T *__restrict cdf, T *__restrict sf, T *__restrict pdf,
                       const GammaShape &shape) {
    if (pdf) {
#pragma omp simd
        for (int i = 0; i < n; ++i) {
            const Probability<T> at = D::at(u[i], shape);
            cdf[i] = at.cdf;
            sf[i] = at.sf;
            pdf[i] = at.pdf;
        }
    } else {
#pragma omp simd
        for (int i = 0; i < n; ++i) {
            const Probability<T> at = D::at(u[i], shape);
            cdf[i] = at.cdf;
            sf[i] = at.sf;
        }
    }
}

// The loops over one family's pairs; P is the pair's mathematics, see pair.h.
template <class P, class T> struct PairStages {
    static void generator(int n, const T *__restrict a, const T *__restrict q, T p, T *__restrict term,
                          int *__restrict exponent) {
        if constexpr (P::has_exponents) {
#pragma omp simd
            for (int i = 0; i < n; ++i) term[i] = P::term(a[i], q[i], p, exponent[i]);
        } else {
            int none = 0;
#pragma omp simd
            for (int i = 0; i < n; ++i) term[i] = P::term(a[i], q[i], p, none);
        }
    }
    static void derivative(int n, const T *__restrict a, const T *__restrict q, const T *__restrict c,
                           const T *__restrict l, T p, T *__restrict out) {
        if constexpr (P::has_exponents) {
#pragma omp simd
            for (int i = 0; i < n; ++i) out[i] = P::derivative(a[i], q[i], c[i], l[i], p, out[i]);
        } else { // l is not filled
#pragma omp simd
            for (int i = 0; i < n; ++i) out[i] = P::derivative(a[i], q[i], c[i], T(0), p, out[i]);
        }
    }
    static double in_p(int n, const T *a, const T *q, const T *c, const T *l, T p) {
        double sum = 0.0;
        for (int i = 0; i < n; ++i) sum += P::in_p(a[i], q[i], c[i], P::has_exponents ? l[i] : T(0), p);
        return sum / P::in_p_divisor(p);
    }
    static void aggregate(int n, const T *__restrict state, T p, T *__restrict out, T *__restrict in_state) {
#pragma omp simd
        for (int i = 0; i < n; ++i) {
            const PixelValue<T> value = P::aggregate(state[i], p);
            out[i] = value.out;
            in_state[i] = value.in_state;
        }
    }
    static double aggregate_in_p(double state, double p) { return P::aggregate_in_p(state, p); }
};

template <class C, class T> constexpr ConormStages<T> conorm_stages() {
    using S = PairStages<PairOf<C, T>, T>;
    return {C::family,     negative_p<C>(), has_offset<C>(), is_strict<C>(),    S::generator,
            S::derivative, S::in_p,         S::aggregate,    S::aggregate_in_p, C::face_cutoff};
}

template <class T> ProbabilityStage<T> probability_stage_of(int distribution) {
#define GENDR_ENTRY(D) probability_stage<D, T>,
    static constexpr ProbabilityStage<T> table[] = {GENDR_DISTRIBUTIONS(GENDR_ENTRY)};
#undef GENDR_ENTRY
    return table[distribution];
}

template <class T> const ConormStages<T> &conorm_stages_of(int t_conorm) {
#define GENDR_ENTRY(C) conorm_stages<C, T>(),
    static constexpr ConormStages<T> table[] = {GENDR_T_CONORMS(GENDR_ENTRY)};
#undef GENDR_ENTRY
    return table[t_conorm];
}

} // namespace GENDR_ISA
} // namespace gendr
