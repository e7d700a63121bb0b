// The regularised incomplete gamma functions P(p, x) and Q(p, x).
// double: power series below p + 1, continued fraction above. float: both are density * x times a smooth factor, which
// is read from a cubic Hermite table over sqrt(x) that is filled once per shape p.
#pragma once

#include "math.h"

namespace gendr {
inline namespace GENDR_ISA {

// P / (x f) for x <= p + 1, where f is the density: sum_n x^n / (p (p+1) ... (p+n)).
GENDR_HD double lower_factor(double p, double x) {
    double term = 1.0 / p, sum = term;
    for (int n = 1; n < 1000 && term > sum * 1e-17; ++n) {
        term *= x / (p + n);
        sum += term;
    }
    return sum;
}

// Q / (x f) for x > p + 1: Lentz's evaluation of the continued fraction of Gamma(p, x).
GENDR_HD double upper_factor(double p, double x) {
    double b = x + 1.0 - p, c = 1e300, d = 1.0 / b, h = d;
    for (int i = 1; i < 1000; ++i) {
        const double an = -i * (i - p);
        b += 2.0;
        d = an * d + b;
        c = b + an / c;
        d = 1.0 / d;
        const double step = d * c;
        h *= step;
        if (::fabs(step - 1.0) < 1e-16) break;
    }
    return h;
}

// Cubic pieces over s = sqrt(x): value = c0 + t (c1 + t (c2 + t c3)), t in [0, 1] within the piece.
struct GammaTable {
    static constexpr int pieces = 512;
    float coefficients[4][pieces];
    float pieces_per_unit; // of s
    int split;             // first piece of the upper factor; pieces before it hold the lower one
    double shape = -1.0;
    double log_norm; // ln Gamma(p)

    void fill(double p) {
        if (p == shape) return;
        shape = p;
        log_norm = ::lgamma(p);
        const double s_split = ::sqrt(p + 1.0);
        const double s_end = ::sqrt(p + 14.0 * ::sqrt(p) + 90.0); // Q < 1e-38 beyond
        split = static_cast<int>(pieces * s_split / s_end);
        const double width = s_split / split;
        pieces_per_unit = static_cast<float>(1.0 / width);
        for (int i = 0; i < pieces; ++i) fill_piece(p, i, width);
    }

  private:
    // With R = P / (x f) or Q / (x f): dR/dx = (1 - p R) / x + R for the lower, -(1 + p R) / x + R for the upper
    // factor.
    void fill_piece(double p, int i, double width) {
        double value[2], slope[2];
        for (int end = 0; end < 2; ++end) {
            const double s = (i + end) * width, x = s * s;
            if (i < split) {
                value[end] = lower_factor(p, x);
                const double in_x = x < 1e-12 ? 1.0 / (p * (p + 1.0)) : (1.0 - p * value[end]) / x + value[end];
                slope[end] = in_x * 2.0 * s * width;
            } else {
                value[end] = upper_factor(p, x);
                slope[end] = (-(1.0 + p * value[end]) / x + value[end]) * 2.0 * s * width;
            }
        }
        const double rise = value[1] - value[0];
        coefficients[0][i] = static_cast<float>(value[0]);
        coefficients[1][i] = static_cast<float>(slope[0]);
        coefficients[2][i] = static_cast<float>(3.0 * rise - 2.0 * slope[0] - slope[1]);
        coefficients[3][i] = static_cast<float>(slope[0] + slope[1] - 2.0 * rise);
    }
};

} // namespace GENDR_ISA
} // namespace gendr
