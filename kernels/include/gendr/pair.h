// One pixel-face pair under a T-conorm: what it adds to the pixel's sum, and what it takes from the pixel's gradient.
// The CPU's stages call these in loops over blocks, the GPU's kernels once a thread.
//
// Three families of sums (see tconorms.h) share one shape: `term` and its exponent, `derivative` (d loss / d argument,
// from the pixel's factor c, its state l and the density), `in_p` (the pair's share of d loss / d p, times
// `in_p_divisor`), `aggregate` (a pixel's state to its value). A face of zero probability adds nothing, and where a
// strict conorm is certain (q = 0) nothing has a gradient.
#pragma once

#include "tconorms.h"

namespace gendr {
inline namespace GENDR_ISA {

constexpr int certain_exponent = 1 << 20; // of a pair with q = 0 under a strict conorm

template <class T> GENDR_HD T at_least_tiny(T x) { return math::max(x, limits<T>::tiny); }

// What a pixel's state gives: the aggregate and its derivative with respect to the state.
template <class T> struct PixelValue {
    T out, in_state;
};

template <class C, class T> struct ProductPair {
    static constexpr bool has_exponents = false;
    GENDR_HD static T term(T a, T q, T p, int &) {
        const T g = C::generator(at_least_tiny(a), at_least_tiny(q), p);
        return q <= limits<T>::tiny ? limits<T>::huge : (a <= limits<T>::tiny ? T(0) : g);
    }
    GENDR_HD static T derivative(T a, T q, T c, T, T p, T pdf) {
        const T value = c * pdf * C::derivative(at_least_tiny(a), at_least_tiny(q), p);
        return a <= limits<T>::tiny || q <= limits<T>::tiny ? T(0) : value;
    }
    GENDR_HD static double in_p(T a, T q, T c, T, T p) {
        const bool counts = a > limits<T>::tiny && q > limits<T>::tiny;
        return counts ? double(c) * double(C::in_p(a, q, p)) : 0.0;
    }
    GENDR_HD static double in_p_divisor(T) { return 1.0; }
    GENDR_HD static PixelValue<T> aggregate(T state, T p) {
        const bool certain = state >= T(0.5) * limits<T>::huge;
        const Aggregate<T> sum = C::aggregate(certain ? T(1) : state, p);
        return {certain ? T(1) : math::clamp(sum.out, T(0), T(1)), certain ? T(0) : sum.in_state};
    }
    GENDR_HD static double aggregate_in_p(double state, double p) {
        return state >= 0.5 * limits<T>::huge ? 0.0 : C::aggregate(state, p).in_p;
    }
};

template <class C, class T> struct PowerPair {
    static constexpr bool has_exponents = true;
    GENDR_HD static T term(T a, T q, T p, int &exponent) {
        const T l = C::l(at_least_tiny(a), at_least_tiny(q));
        const T log2_term = math::clamp(l * (p * T(1.4426950408889634)), T(-6e7), T(6e7));
        const math::Stepped<T> power = math::exp2_stepped(log2_term);
        const T steps = power.steps;
        T mantissa = power.mantissa;
        // q^p - 1 loses its digits near q = 1 unless it is formed whole.
        if (C::offset) mantissa = steps == T(0) ? math::expm1(p * l) : mantissa;
        const bool certain = C::strict && q <= limits<T>::tiny, nothing = a <= limits<T>::tiny;
        exponent = certain ? certain_exponent : (nothing ? -certain_exponent : int(steps));
        return certain ? T(1) : (nothing ? T(0) : mantissa);
    }
    GENDR_HD static T derivative(T a, T q, T c, T l, T p, T pdf) {
        const T ai = at_least_tiny(a), qi = at_least_tiny(q);
        const T weight = math::exp(math::min(p * (C::l(ai, qi) - l), T(0)));
        const T value = c * pdf * (weight * C::slope(ai, qi));
        return a <= limits<T>::tiny || (C::strict && q <= limits<T>::tiny) ? T(0) : value;
    }
    GENDR_HD static double in_p(T a, T q, T c, T l, T p) {
        if (a <= limits<T>::tiny || (C::strict && q <= limits<T>::tiny)) return 0.0;
        const T own = C::l(a, at_least_tiny(q));
        return double(c) * math::exp(math::min(p * (own - l), T(0))) * own;
    }
    GENDR_HD static double in_p_divisor(T p) { return double(p); }
    GENDR_HD static PixelValue<T> aggregate(T state, T) {
        const Aggregate<T> at = C::aggregate(math::clamp(state, T(-1e8), T(1e8)));
        return {math::clamp(at.out, T(0), T(1)), at.in_state};
    }
    GENDR_HD static double aggregate_in_p(double state, double p) {
        const double l = math::clamp(state, -1e8, 1e8);
        return -C::aggregate(l).in_state * l / p;
    }
};

template <class T> struct AveragePair { // the state is the mean itself
    static constexpr bool has_exponents = false;
    GENDR_HD static T term(T a, T, T, int &) { return a; }
    GENDR_HD static T derivative(T, T, T c, T, T, T pdf) { return pdf * c; }
    GENDR_HD static double in_p(T, T, T, T, T) { return 0.0; }
    GENDR_HD static double in_p_divisor(T) { return 1.0; }
    GENDR_HD static PixelValue<T> aggregate(T state, T) { return {math::min(state, T(1)), T(1)}; }
    GENDR_HD static double aggregate_in_p(double, double) { return 0.0; }
};

// What the members' sums have in common, and the pair of a member. Maximum keeps its winner instead of a sum and takes
// the average's derivative: 1 for the winner.
template <class C> GENDR_HD constexpr bool negative_p() {
    if constexpr (C::family == Family::power) return C::negative_p;
    else return false;
}
template <class C> GENDR_HD constexpr bool has_offset() {
    if constexpr (C::family == Family::power) return C::offset;
    else return false;
}
template <class C> GENDR_HD constexpr bool is_strict() {
    if constexpr (C::family == Family::power) return C::strict;
    else return C::family == Family::product;
}
template <class C, class T, Family family = C::family> struct PairOfFamily;
template <class C, class T> struct PairOfFamily<C, T, Family::product> {
    using type = ProductPair<C, T>;
};
template <class C, class T> struct PairOfFamily<C, T, Family::power> {
    using type = PowerPair<C, T>;
};
template <class C, class T> struct PairOfFamily<C, T, Family::average> {
    using type = AveragePair<T>;
};
template <class C, class T> struct PairOfFamily<C, T, Family::maximum> {
    using type = AveragePair<T>;
};
template <class C, class T> using PairOf = typename PairOfFamily<C, T>::type;

// A sum of terms kept as mantissa and exponent, in steps of 2^64.
template <class T> GENDR_HD void add_with_exponent(double &total, T &total_exponent, T term, int exponent) {
    const double step = 5.421010862427522e-20; // 2^-64; a term two steps below is beyond the last bit
    const T e = T(exponent);
    const double added = double(term);
    if (e == total_exponent) {
        total += added;
    } else if (e > total_exponent && added > 0.0) {
        total = (e - total_exponent == T(1) ? total * step : 0.0) + added;
        total_exponent = e;
    } else if (total_exponent - e == T(1)) {
        total += added * step;
    }
}

// L = ln(sum) / p, or ln(1 + sum) / p, from a sum kept as mantissa and exponent.
template <class T> GENDR_HD T power_state_of(T sum, T exponent, T p, bool offset) {
    const T whole = math::log_scaled(math::max(sum, limits<T>::tiny), exponent * T(64));
    const T bounded = math::min(sum, T(1e25));
    const T with_one = -math::neg_log_complement(-bounded, T(1) + bounded);
    const T l = offset && exponent <= T(0) ? with_one : whole;
    return sum > T(0) ? l / p : (offset ? T(0) : T(-1e8));
}

} // namespace GENDR_ISA
} // namespace gendr
