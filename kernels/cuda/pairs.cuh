// The families at run time: a switch that is the same for all threads of a launch picks the member.
#pragma once

#include "gendr/pair.h"
#include "workspace.cuh"
#include "gendr/reach.h"

namespace gendr {
namespace cuda {

#define GENDR_INDEX(Member) index_of_##Member,
enum DistributionIndex { GENDR_DISTRIBUTIONS(GENDR_INDEX) };
enum TConormIndex { GENDR_T_CONORMS(GENDR_INDEX) };
#undef GENDR_INDEX

template <class T> __device__ Probability<T> probability_at(int distribution, T u, const GammaShape &shape) {
#define GENDR_CASE(D)                                                                                                  \
    case index_of_##D:                                                                                                 \
        return D::at(u, shape);
    switch (distribution) { GENDR_DISTRIBUTIONS(GENDR_CASE) }
#undef GENDR_CASE
    return {T(0), T(1), T(0)};
}

// Calls `visit` with an object of the T-conorm's type.
template <class Visit> __device__ void with_t_conorm(int t_conorm, Visit &&visit) {
#define GENDR_CASE(C)                                                                                                  \
    case index_of_##C:                                                                                                 \
        visit(C());                                                                                                    \
        break;
    switch (t_conorm) { GENDR_T_CONORMS(GENDR_CASE) }
#undef GENDR_CASE
}

__device__ inline double face_cutoff_of(int t_conorm, double cutoff, double p) {
    double result = cutoff;
    with_t_conorm(t_conorm, [&](auto member) { result = decltype(member)::face_cutoff(cutoff, p); });
    return result;
}

__device__ inline bool has_negative_p(int t_conorm) {
    bool result = false;
    with_t_conorm(t_conorm, [&](auto member) { result = negative_p<decltype(member)>(); });
    return result;
}

// The settings and constants that every pair of a launch shares.
template <class T> struct PairRules {
    int distribution, t_conorm;
    bool is_reversed, is_squared;
    T least, sign, shift, p;
    const GammaShape &shape;

    __device__ PairRules(const CoverageSettings &s, const CallPlan<T> &call)
        : distribution(s.distribution), t_conorm(s.t_conorm), is_reversed(s.is_reversed), is_squared(s.is_squared),
          least(call.least), sign(call.sign), shift(call.shift), p(call.p), shape(call.shape) {}

    // From the squared distance, negative outside, to d / tau or |d| d / tau.
    template <class G> __device__ T argument_of(G square, G inverse_tau) const {
        if (is_squared) return T(math::clamp(square * inverse_tau, -G(argument_bound), G(argument_bound)));
        const T distance = math::sqrt(T(math::abs(square)));
        const T signed_distance = square > G(0) ? distance : -distance;
        return math::clamp(signed_distance * T(inverse_tau), -T(argument_bound), T(argument_bound));
    }
    // a, q and the density at an argument.
    __device__ Probability<T> probability(T argument) const {
        const Probability<T> at = probability_at<T>(distribution, sign * argument + shift, shape);
        return {is_reversed ? at.sf : at.cdf, is_reversed ? at.cdf : at.sf, at.pdf};
    }
};

// The argument of a pixel under a face; false where the pixel lies outside the face's box or below the cut-off.
template <class T, class G>
__device__ bool reaches(const PairRules<T> &rules, const PixelBox &box, const Triangle<G> &triangle, int row, int col,
                        G inverse_tau, T &argument) {
    const unsigned in_row = static_cast<unsigned>(row - box.first_row),
                   in_col = static_cast<unsigned>(col - box.first_col);
    if (in_row >= static_cast<unsigned>(box.rows) || in_col >= static_cast<unsigned>(box.cols)) return false;
    const G square = triangle.signed_square_at(G(col - box.anchor_col), G(row - box.anchor_row));
    argument = rules.argument_of(square, inverse_tau);
    return argument >= rules.least;
}

} // namespace cuda
} // namespace gendr
