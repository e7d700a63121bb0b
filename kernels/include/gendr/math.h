// Elementary functions, branch-free in float so that compilers vectorise the loops that call them.
// The polynomials are weighted least-squares fits (near minimax in relative error) made for these intervals; the worst
// relative error over the whole float range is stated at each function. double goes to the C library.
#pragma once

#include "platform.h"
#include <cmath>
#include <cstdint>
#include <cstring>

namespace gendr {
inline namespace GENDR_ISA {
namespace math {

GENDR_HD int32_t bits(float x) {
    int32_t i;
    memcpy(&i, &x, sizeof i);
    return i;
}

GENDR_HD float from_bits(int32_t i) {
    float x;
    memcpy(&x, &i, sizeof x);
    return x;
}

// The argument of an exponential as n ln 2 + r with |r| <= ln 2 / 2.
struct ReducedExponent {
    float r;
    int32_t n;
};

GENDR_HD ReducedExponent reduce_exponent(float x) {
    const float round_to_integer = 12582912.0f; // 1.5 * 2^23: adding it leaves no fraction bits
    const float n = (x * 1.44269504f + round_to_integer) - round_to_integer;
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    return {r, static_cast<int32_t>(n)};
}

// e^r - 1 for |r| <= ln 2 / 2.
GENDR_HD float expm1_reduced(float r) {
    float p = 1.98581271e-4f;
    p = p * r + 1.39344973e-3f;
    p = p * r + 8.33336171e-3f;
    p = p * r + 4.16664556e-2f;
    p = p * r + 0.166666672f;
    p = p * r + 0.5f;
    return r + r * r * p;
}

// e^r for |r| <= ln 2 / 2. Relative error 1.2e-7.
GENDR_HD float exp_reduced(float r) { return 1.0f + expm1_reduced(r); }

// e^x; 0 below -87, held at e^88 above. Relative error 1.2e-7.
GENDR_HD float exp(float x) {
    const float y = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
    const ReducedExponent e = reduce_exponent(y);
    const float value = exp_reduced(e.r) * from_bits((e.n + 127) << 23);
    return x < -87.0f ? 0.0f : value;
}

// e^x - 1, relatively accurate at 0. Relative error 3e-7.
GENDR_HD float expm1(float x) {
    const float y = x < -80.0f ? -80.0f : (x > 88.0f ? 88.0f : x);
    const ReducedExponent e = reduce_exponent(y);
    const float two_n = from_bits((e.n + 127) << 23);
    return expm1_reduced(e.r) * two_n + (two_n - 1.0f);
}

// ln(x 2^extra) for x > 0 and an integer `extra`. Relative error 2e-7, also around 1: a sum that is kept as mantissa
// and exponent loses nothing here, as it would if two large logarithms were added.
GENDR_HD float log_scaled(float x, float extra) {
    const int32_t two_thirds = 0x3f2aaaab;
    const int32_t offset = bits(x) - two_thirds;
    const float n = static_cast<float>(offset >> 23) + extra;
    const float f = from_bits((offset & 0x007fffff) + two_thirds) - 1.0f;
    float p = 0.114413112f;
    p = p * f - 0.124266133f;
    p = p * f + 0.108911961f;
    p = p * f - 0.122878678f;
    p = p * f + 0.142935529f;
    p = p * f - 0.166733637f;
    p = p * f + 0.199999109f;
    p = p * f - 0.249999434f;
    p = p * f + 0.333333343f;
    const float f2 = f * f;
    return n * 0.693359375f + (f - 0.5f * f2 + (f * f2 * p - n * 2.12194440e-4f));
}

// ln x for x > 0, likewise.
GENDR_HD float log(float x) { return log_scaled(x, 0.0f); }

// 2^n for -126 <= n <= 127.
GENDR_HD float power_of_two(int32_t n, float) { return from_bits((n + 127) << 23); }

// atan x for 0 <= x <= 1. Relative error 1.5e-7.
GENDR_HD float atan_unit(float x) {
    const float z = x * x;
    float p = -1.75390625e-3f;
    p = p * z + 0.0107268365f;
    p = p * z - 0.0308043957f;
    p = p * z + 0.0575518981f;
    p = p * z - 0.0837730318f;
    p = p * z + 0.109420262f;
    p = p * z - 0.142619327f;
    p = p * z + 0.199982658f;
    p = p * z - 0.333332837f;
    p = p * z + 1.0f;
    return x * p;
}

// erfc x for x >= 0. Relative error 3e-7 + x^2 6e-8: the rounding of x^2 is felt in the far tail only.
GENDR_HD float erfc_positive(float x) {
    const float t = 1.0f / (1.0f + 0.4f * x);
    float p = 0.0341407843f;
    p = p * t - 0.103427567f;
    p = p * t + 1.51654251e-3f;
    p = p * t + 0.191993937f;
    p = p * t - 1.64499972e-3f;
    p = p * t + 0.234273329f;
    p = p * t + 0.188737705f;
    p = p * t + 0.229051799f;
    p = p * t + 0.225344837f;
    p = p * t + 1.36801236e-5f;
    return p * exp(-x * x);
}

// erf x for 0 <= x <= 1. Relative error 2e-7.
GENDR_HD float erf_unit(float x) {
    const float z = x * x;
    float p = 7.85385782e-5f;
    p = p * z - 8.01019254e-4f;
    p = p * z + 5.18832775e-3f;
    p = p * z - 0.026853811f;
    p = p * z + 0.112835854f;
    p = p * z - 0.37612626f;
    p = p * z + 1.12837911f;
    return x * p;
}

GENDR_HD float sqrt(float x) { return ::sqrtf(x); }

GENDR_HD double exp_reduced(double r) { return ::exp(r); }
GENDR_HD double exp(double x) { return x < -700.0 ? 0.0 : ::exp(x > 700.0 ? 700.0 : x); }
GENDR_HD double expm1(double x) { return ::expm1(x > 700.0 ? 700.0 : x); }
GENDR_HD double log(double x) { return ::log(x); }
GENDR_HD double log_scaled(double x, double extra) { return ::log(x) + extra * 0.6931471805599453; }
GENDR_HD double power_of_two(int32_t n, double) {
    const int64_t i = (int64_t(n) + 1023) << 52;
    double x;
    memcpy(&x, &i, sizeof x);
    return x;
}
GENDR_HD double atan_unit(double x) { return ::atan(x); }
GENDR_HD double erfc_positive(double x) { return ::erfc(x); }
GENDR_HD double erf_unit(double x) { return ::erf(x); }
GENDR_HD double sqrt(double x) { return ::sqrt(x); }

// -ln(1 - a) from the pair (a, q = 1 - a), relatively accurate at both ends; q > 0.
GENDR_HD float neg_log_complement(float a, float q) {
    const bool small = a < 0.5f;
    const float u = small ? 1.0f - a : q;
    const float lost = small ? (1.0f - u) - a : 0.0f; // what rounding 1 - a left out, exactly
    return -(log(u) + lost / u);
}
GENDR_HD double neg_log_complement(double a, double q) { return a < 0.5 ? -::log1p(-a) : -::log(q); }

template <class T> GENDR_HD T min(T a, T b) { return a < b ? a : b; }
template <class T> GENDR_HD T max(T a, T b) { return a > b ? a : b; }
template <class T> GENDR_HD T abs(T a) { return a < T(0) ? -a : a; }
template <class T> GENDR_HD T clamp(T x, T low, T high) { return min(max(x, low), high); }

// The integer nearest to x; of a number too large to have a fraction, one that rounding cannot tell from it.
GENDR_HD float nearest_integer(float x) { return (x + 12582912.0f) - 12582912.0f; } // 1.5 * 2^23: no fraction bits
GENDR_HD double nearest_integer(double x) { return (x + 6755399441055744.0) - 6755399441055744.0; } // 1.5 * 2^52

// mantissa * 2^(64 steps), mantissa in [1/2, 2^65]: a number of any size, without a rounding of its exponent's whole
// part.
template <class T> struct Stepped {
    T mantissa, steps;
};

// 2^x. Nowhere decreasing, however large x is: it loses no more than x's own rounding does.
template <class T> GENDR_HD Stepped<T> exp2_stepped(T x) {
    const T whole = nearest_integer(x), fraction = clamp(x - whole, T(-0.5), T(0.5));
    const T steps = nearest_integer(whole * T(0.015625) - T(0.5));
    const T rest = clamp(whole - steps * T(64), T(-1), T(65));
    return {exp_reduced(fraction * T(0.6931471805599453)) * power_of_two(int(rest), T(0)), steps};
}

} // namespace math
} // namespace GENDR_ISA
} // namespace gendr
