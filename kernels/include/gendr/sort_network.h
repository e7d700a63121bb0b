// Relaxed sorting networks: values, and rows of the permutation matrix. The parameters of one call, and the arithmetic
// of one comparator, shared by every backend.
//
// A comparator (low, high) leaves its two values in place to the degree stay = f(x_high - x_low), and exchanges them to
// the degree swap = 1 - f. A layer's matrix is symmetric, so that one routine multiplies from either side: columns of P
// go through the layers from first to last, rows from last to first.
#pragma once

#include "coverage.h"
#include "distributions.h"

namespace gendr {

enum class SortProduct {
    none,    // values only
    full,    // P: the identity's columns, forwards
    first,   // P's first rows: the identity's rows, backwards
    weights, // W P: given rows, backwards
};

struct SortSettings {
    int distribution; // index into GENDR_DISTRIBUTIONS
    double scale;     // multiplies a difference before it meets the distribution
    double art;       // exponent of the activation replacement trick, 0 for none
    int batch, wires, layers, comparators;
    int rows; // of the product
    SortProduct product;
    bool shared_weights; // one W for the whole batch
};

template <class T> struct SortForward {
    const T *x;            // [batch, wires]
    const int32_t *pairs;  // [comparators, 2]: where the smaller value goes, where the larger
    const int32_t *starts; // [layers + 1]
    const T *weights;      // [batch or 1, rows, wires]
    T *values;             // [batch, wires]
    T *product;            // [batch, rows, wires]
};

template <class T> struct SortBackward {
    const T *x;
    const int32_t *pairs, *starts;
    const T *weights;
    const T *grad_values;  // or null
    const T *grad_product; // or null
    T *grad_x;
    T *grad_weights; // [batch, rows, wires], or null
};

inline namespace GENDR_ISA {

// As gendr/sort/sigmoid.py has them: finite input is held at `largest`, infinite input stands at `infinite`, and
// differences beyond `hard` are compared without softness.
template <class T> struct sort_limits;
template <> struct sort_limits<float> {
    static constexpr float largest = 1e30f, infinite = 1e36f, hard = 1e33f;
};
template <> struct sort_limits<double> {
    static constexpr double largest = 1e280, infinite = 1e300, hard = 1e297;
};

// By the bits: the vector files are compiled as if all numbers were finite.
GENDR_HD bool is_nan_bits(float x) { return (math::bits(x) & 0x7fffffff) > 0x7f800000; }
GENDR_HD bool is_infinite_bits(float x) { return (math::bits(x) & 0x7fffffff) == 0x7f800000; }
GENDR_HD int64_t double_bits(double x) {
    int64_t i;
    memcpy(&i, &x, sizeof i);
    return i;
}
GENDR_HD bool is_nan_bits(double x) { return (double_bits(x) & 0x7fffffffffffffff) > 0x7ff0000000000000; }
GENDR_HD bool is_infinite_bits(double x) { return (double_bits(x) & 0x7fffffffffffffff) == 0x7ff0000000000000; }
GENDR_HD bool is_negative_bits(float x) { return math::bits(x) < 0; }
GENDR_HD bool is_negative_bits(double x) { return double_bits(x) < 0; }
GENDR_HD float from_high_bits(float, int32_t high) { return math::from_bits(high); }
GENDR_HD double from_high_bits(double, int32_t high) {
    const uint64_t i = uint64_t(uint32_t(high)) << 32;
    double x;
    memcpy(&x, &i, sizeof x);
    return x;
}
template <class T> GENDR_HD T infinity_of(bool negative) {
    const int32_t positive = sizeof(T) == sizeof(float) ? 0x7f800000 : 0x7ff00000;
    return from_high_bits(T(0), negative ? int32_t(uint32_t(positive) | 0x80000000u) : positive);
}
template <class T> GENDR_HD T nan_of() { return from_high_bits(T(0), 0x7ff80000); }

// The input as the network sees it; NaN becomes 0 (its row's results are overwritten).
template <class T> GENDR_HD T enclosed(T x) {
    const T held = math::clamp(x, -sort_limits<T>::largest, sort_limits<T>::largest);
    const T end = is_negative_bits(x) ? -sort_limits<T>::infinite : sort_limits<T>::infinite;
    return is_nan_bits(x) ? T(0) : (is_infinite_bits(x) ? end : held);
}
template <class T> GENDR_HD T opened(T value) {
    return math::abs(value) > sort_limits<T>::hard ? infinity_of<T>(value < T(0)) : value;
}
// Whether an input passes a gradient: where it was neither held nor infinite.
template <class T> GENDR_HD bool is_plain(T x) {
    return !is_nan_bits(x) & !is_infinite_bits(x) & (math::abs(x) <= sort_limits<T>::largest);
}

// The distribution's argument for a difference d, and the argument's derivative.
template <class T> struct SortArgument {
    T scale, art, bound; // bound keeps |scale d| within what distributions take

    GENDR_HD SortArgument(const SortSettings &s)
        : scale(T(s.scale)), art(T(s.art)), bound(T(1e18 / (s.scale > 1e-12 ? s.scale : 1e-12))) {}
    GENDR_HD T held(T d) const { return math::clamp(d, -bound, bound); }
    GENDR_HD T plain(T d) const { return held(d) * scale; }
    // phi(x) = x / (max(|x|, e)^art + e), e = 1e-10
    GENDR_HD T replaced(T d) const {
        const T x = held(d), power = math::exp(art * math::log(math::max(math::abs(x), T(1e-10))));
        return math::clamp(x / (power + T(1e-10)) * scale, T(-1e18), T(1e18));
    }
    GENDR_HD T plain_slope(T d) const { return math::abs(d) < bound ? scale : T(0); }
    GENDR_HD T replaced_slope(T d) const {
        const T r = math::max(math::abs(held(d)), T(1e-10));
        const T power = math::exp(art * math::log(r)), whole = power + T(1e-10);
        const T inner = math::abs(d) > T(1e-10) ? art * power : T(0);
        return math::abs(replaced(d)) < T(1e18) ? scale * (whole - inner) / (whole * whole) : T(0);
    }
};

// Both degrees of a comparator and the derivative of `stay` in the difference.
template <class T> struct Comparator {
    T stay, swap, slope;
};

template <class T> GENDR_HD bool is_hard(T d) { return math::abs(d) > sort_limits<T>::hard; }

// At an infinite difference: decided, without a gradient.
template <class T> GENDR_HD Comparator<T> decided(T d, Comparator<T> soft) {
    const bool hard = is_hard(d), right = d > T(0);
    return {hard ? (right ? T(1) : T(0)) : soft.stay, hard ? (right ? T(0) : T(1)) : soft.swap,
            hard ? T(0) : soft.slope};
}

} // namespace GENDR_ISA

// One instruction set's kernels.
struct SortKernels {
    const char *instruction_set;
    void (*forward_f32)(const SortSettings &, const SortForward<float> &, const Parallel &);
    void (*forward_f64)(const SortSettings &, const SortForward<double> &, const Parallel &);
    void (*backward_f32)(const SortSettings &, const SortBackward<float> &, const Parallel &);
    void (*backward_f64)(const SortSettings &, const SortBackward<double> &, const Parallel &);
};

} // namespace gendr
