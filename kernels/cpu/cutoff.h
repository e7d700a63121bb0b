// The argument below which a face is skipped: the quantile of the cut-off probability, found by bisection on the CDF
// itself, so that no distribution needs a second formula.
#pragma once

#include "gendr/coverage.h"
#include "stages.h"

namespace gendr {
inline namespace GENDR_ISA {

struct Standardisation {
    double sign, shift; // u = sign * argument + shift
    bool is_reversed;
};

struct EffectiveCdf {
    ProbabilityStage<double> stage;
    GammaShape shape;
    Standardisation standard;

    double operator()(double argument) const {
        double u[lanes], cdf[lanes], sf[lanes];
        for (int i = 0; i < lanes; ++i) u[i] = standard.sign * argument + standard.shift;
        stage(lanes, u, cdf, sf, nullptr, shape);
        return standard.is_reversed ? sf[0] : cdf[0];
    }
};

// The least argument whose probability is at least `cutoff` (above zero, for a cutoff of 0); -argument_bound if all
// are.
inline double least_argument(const EffectiveCdf &cdf, double cutoff) {
    const auto reaches = [&](double argument) { return cutoff > 0.0 ? cdf(argument) >= cutoff : cdf(argument) > 0.0; };
    if (reaches(-argument_bound)) return -argument_bound;
    // Bisect on a scale that is linear near 0 and logarithmic far out: argument = sinh(s).
    double low = -42.2, high = 42.2;
    for (int i = 0; i < 80; ++i) {
        const double middle = 0.5 * (low + high);
        (reaches(::sinh(middle)) ? high : low) = middle;
    }
    return ::sinh(low);
}

} // namespace GENDR_ISA
} // namespace gendr
