// The stages of a block: short loops over arrays of pixel-face pairs, one per distribution and one per T-conorm, that
// the compiler vectorises. A renderer is a row of function pointers; nothing is compiled per pair of the two families.
// Counts are padded to a multiple of `lanes`, so that no scalar remainder loop ever runs and a pair's numbers do not
// depend on where in a block it stands.
#pragma once

#include "gendr/distributions.h"
#include "gendr/tconorms.h"
#include <cstddef>

namespace gendr {
inline namespace GENDR_ISA {

constexpr int lanes = 16;
GENDR_HD int padded(int n) { return (n + lanes - 1) / lanes * lanes; }

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

// Whether a pair counts: a face of zero probability adds nothing, and where a strict conorm is certain (q = 0) nothing
// has a gradient.
template <class T> GENDR_HD T at_least_tiny(T x) { return math::max(x, limits<T>::tiny); }

template <class C, class T> struct ProductStages {
    static void generator(int n, const T *__restrict a, const T *__restrict q, T p, T *__restrict term, int *) {
#pragma omp simd
        for (int i = 0; i < n; ++i) {
            const T g = C::generator(at_least_tiny(a[i]), at_least_tiny(q[i]), p);
            term[i] = q[i] <= limits<T>::tiny ? limits<T>::huge : (a[i] <= limits<T>::tiny ? T(0) : g);
        }
    }
    static void derivative(int n, const T *__restrict a, const T *__restrict q, const T *__restrict c, const T *, T p,
                           T *__restrict out) {
#pragma omp simd
        for (int i = 0; i < n; ++i) {
            const T value = c[i] * out[i] * C::derivative(at_least_tiny(a[i]), at_least_tiny(q[i]), p);
            out[i] = a[i] <= limits<T>::tiny || q[i] <= limits<T>::tiny ? T(0) : value;
        }
    }
    static double in_p(int n, const T *a, const T *q, const T *c, const T *, T p) {
        double sum = 0.0;
        for (int i = 0; i < n; ++i) {
            const bool counts = a[i] > limits<T>::tiny && q[i] > limits<T>::tiny;
            if (counts) sum += double(c[i]) * C::in_p(a[i], q[i], p);
        }
        return sum;
    }
    static void aggregate(int n, const T *__restrict state, T p, T *__restrict out, T *__restrict in_state) {
#pragma omp simd
        for (int i = 0; i < n; ++i) {
            const bool certain = state[i] >= T(0.5) * limits<T>::huge;
            const Aggregate<T> sum = C::aggregate(certain ? T(1) : state[i], p);
            out[i] = certain ? T(1) : math::clamp(sum.out, T(0), T(1));
            in_state[i] = certain ? T(0) : sum.in_state;
        }
    }
    static double aggregate_in_p(double state, double p) {
        return state >= 0.5 * limits<T>::huge ? 0.0 : C::aggregate(state, p).in_p;
    }
};

constexpr int certain_exponent = 1 << 20; // of a pair with q = 0 under a strict conorm

template <class C, class T> struct PowerStages {
    static void generator(int n, const T *__restrict a, const T *__restrict q, T p, T *__restrict term,
                          int *__restrict exponent) {
        const T log2_per_l = p * T(1.4426950408889634);
#pragma omp simd
        for (int i = 0; i < n; ++i) {
            const T l = C::l(at_least_tiny(a[i]), at_least_tiny(q[i]));
            const T log2_term = math::clamp(l * log2_per_l, T(-6e7), T(6e7));
            T steps = T(int(log2_term * T(0.015625)));
            steps -= steps * T(64) > log2_term ? T(1) : T(0);
            T mantissa = math::exp((log2_term - steps * T(64)) * T(0.6931471805599453));
            // q^p - 1 loses its digits near q = 1 unless it is formed whole.
            if (C::offset) mantissa = steps == T(0) ? math::expm1(p * l) : mantissa;
            const bool certain = C::strict && q[i] <= limits<T>::tiny, nothing = a[i] <= limits<T>::tiny;
            term[i] = certain ? T(1) : (nothing ? T(0) : mantissa);
            exponent[i] = certain ? certain_exponent : (nothing ? -certain_exponent : int(steps));
        }
    }
    static void derivative(int n, const T *__restrict a, const T *__restrict q, const T *__restrict c,
                           const T *__restrict l, T p, T *__restrict out) {
#pragma omp simd
        for (int i = 0; i < n; ++i) {
            const T ai = at_least_tiny(a[i]), qi = at_least_tiny(q[i]);
            const T weight = math::exp(math::min(p * (C::l(ai, qi) - l[i]), T(0)));
            const T value = c[i] * out[i] * (weight * C::slope(ai, qi));
            out[i] = a[i] <= limits<T>::tiny || (C::strict && q[i] <= limits<T>::tiny) ? T(0) : value;
        }
    }
    static double in_p(int n, const T *a, const T *q, const T *c, const T *l, T p) {
        double sum = 0.0;
        for (int i = 0; i < n; ++i) {
            if (a[i] <= limits<T>::tiny || (C::strict && q[i] <= limits<T>::tiny)) continue;
            const T own = C::l(a[i], at_least_tiny(q[i]));
            sum += double(c[i]) * math::exp(math::min(p * (own - l[i]), T(0))) * own;
        }
        return sum / p;
    }
    static void aggregate(int n, const T *__restrict state, T, T *__restrict out, T *__restrict in_state) {
#pragma omp simd
        for (int i = 0; i < n; ++i) {
            const Aggregate<T> at = C::aggregate(math::clamp(state[i], T(-1e8), T(1e8)));
            out[i] = math::clamp(at.out, T(0), T(1));
            in_state[i] = at.in_state;
        }
    }
    static double aggregate_in_p(double state, double p) {
        return -C::aggregate(math::clamp(state, -1e8, 1e8)).in_state * math::clamp(state, -1e8, 1e8) / p;
    }
};

template <class T> struct AverageStages { // the state is the mean itself
    static void generator(int n, const T *__restrict a, const T *, T, T *__restrict term, int *) {
#pragma omp simd
        for (int i = 0; i < n; ++i) term[i] = a[i];
    }
    static void derivative(int n, const T *, const T *, const T *__restrict c, const T *, T, T *__restrict out) {
#pragma omp simd
        for (int i = 0; i < n; ++i) out[i] *= c[i];
    }
    static double in_p(int, const T *, const T *, const T *, const T *, T) { return 0.0; }
    static void aggregate(int n, const T *__restrict state, T, T *__restrict out, T *__restrict in_state) {
        for (int i = 0; i < n; ++i) {
            out[i] = math::min(state[i], T(1));
            in_state[i] = T(1);
        }
    }
    static double aggregate_in_p(double, double) { return 0.0; }
};

template <class S, class C, class T> constexpr ConormStages<T> stages_of(bool negative_p, bool offset, bool strict) {
    return {C::family,    negative_p,        offset,        strict, S::generator, S::derivative, S::in_p,
            S::aggregate, S::aggregate_in_p, C::face_cutoff};
}

template <class C, class T> constexpr ConormStages<T> conorm_stages() {
    if constexpr (C::family == Family::product) return stages_of<ProductStages<C, T>, C, T>(false, false, true);
    else if constexpr (C::family == Family::power)
        return stages_of<PowerStages<C, T>, C, T>(C::negative_p, C::offset, C::strict);
    else return stages_of<AverageStages<T>, C, T>(false, false, false); // Maximum keeps its winner, see coverage.cpp
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
