// The first kernel of a call: the constants that depend on tensors, found on the device so that the host need not wait.
#pragma once

#include "pairs.cuh"
#include "report.cuh"
#include "workspace.cuh"

namespace gendr {
namespace cuda {

// The probability of an argument, in double, as the cut-off is defined by it.
template <class T> struct EffectiveCdf {
    const CoverageSettings &settings;
    const CallPlan<T> &call;
    double shift;

    __device__ double operator()(double argument) const {
        const double u = double(call.sign) * argument + shift;
        const Probability<double> at = probability_at<double>(settings.distribution, u, call.shape);
        return settings.is_reversed ? at.sf : at.cdf;
    }
};

// The least argument whose probability is at least `cutoff` (above zero, for a cutoff of 0), by the same 80 halvings as
// on the CPU: the lanes of a warp evaluate the 31 middles of five halvings at once. Every lane gets the result.
template <class Cdf> __device__ double least_argument(const Cdf &cdf, double cutoff, int lane) {
    const auto reaches = [&](double argument) { return cutoff > 0.0 ? cdf(argument) >= cutoff : cdf(argument) > 0.0; };
    if (reaches(-argument_bound)) return -argument_bound;
    double low = -42.2, high = 42.2; // argument = sinh(s): linear near 0, logarithmic far out
    for (int round = 0; round < 16; ++round) {
        // Lane 1 is the root of a binary tree, lanes 2 n and 2 n + 1 follow lane n where it reaches or does not.
        double from = low, to = high;
        int depth = 0;
        while ((lane >> (depth + 1)) > 0) ++depth;
        for (int bit = depth - 1; bit >= 0; --bit) ((lane >> bit) & 1 ? from : to) = 0.5 * (from + to);
        const unsigned reached = __ballot_sync(0xffffffffu, lane > 0 && reaches(::sinh(0.5 * (from + to))));
        for (int node = 1; node < warp;) {
            const bool there = (reached >> node) & 1;
            (there ? high : low) = 0.5 * (low + high);
            node = 2 * node + (there ? 0 : 1);
        }
    }
    return ::sinh(low);
}

// One warp.
template <class T>
__global__ void plan_call(CoverageSettings settings, Inputs inputs, GammaShape shape, CallWorkspace<T> space) {
    const int lane = static_cast<int>(threadIdx.x);
    const double rounding = 1.0 + 1e-6; // 1e30 in float32 is a little more
    const double given_shift = double(*static_cast<const T *>(inputs.shift));
    const double given_p = double(*static_cast<const T *>(inputs.p));
    const bool shift_is_sound = given_shift >= -1e6 * rounding && given_shift <= 1e6 * rounding;
    const bool p_is_sound = is_finite(given_p);
    if (!shift_is_sound && lane == 0) report(inputs.status, bad_shift);
    if (!p_is_sound && lane == 0) report(inputs.status, bad_p);
    const double shift = shift_is_sound ? given_shift : 0.0;
    const double p = p_is_sound ? (has_negative_p(settings.t_conorm) ? -given_p : given_p) : 2.0;

    CallPlan<T> call{T(0), settings.is_reversed ? T(-1) : T(1), T(shift), T(p), shape};
    call.shape.table = space.table;
    const EffectiveCdf<T> cdf{settings, call, shift};
    call.least = T(least_argument(cdf, face_cutoff_of(settings.t_conorm, settings.cutoff, p), lane));
    if (lane == 0) *space.call = call;

    const double demanded = face_cutoff_of(settings.t_conorm, 1e-6, p);
    for (int image = lane; image < settings.batch; image += warp) {
        double tau = inputs.tau[image];
        if (!(tau >= 1e-30 / rounding && tau <= 1e30 * rounding)) {
            report(inputs.status, bad_tau);
            tau = 1.0;
        }
        const double radius = reach_of(call.least, settings.is_squared, tau);
        const bool wants_double =
            sizeof(T) == sizeof(double) || wants_double_distances(demanded, settings.shape, radius);
        space.images[image] = {tau, radius, 1.0 / tau, wants_double};
    }
}

// The table comes as an argument, so that no copy from the host's memory has to be waited for.
static __global__ void upload_gamma_table(GammaTable table, GammaTable *to) {
    const int *from = reinterpret_cast<const int *>(&table);
    for (unsigned i = threadIdx.x; i < sizeof(GammaTable) / sizeof(int); i += blockDim.x)
        reinterpret_cast<int *>(to)[i] = from[i];
}

template <class T>
void launch_plan(const CoverageSettings &s, const Inputs &inputs, const CallWorkspace<T> &space, cudaStream_t stream) {
    GammaShape shape;
    if (s.shape > 0.0) {
        shape = gamma_shape(s.shape, nullptr, limits<T>::gamma_argument_floor);
        if (sizeof(T) == sizeof(float)) {
            static thread_local GammaTable table;
            table.fill(s.shape);
            GENDR_LAUNCH(upload_gamma_table, 1, 1, 256, stream, table, space.table);
        }
    }
    GENDR_LAUNCH(plan_call<T>, 1, 1, warp, stream, s, inputs, shape, space);
}

} // namespace cuda
} // namespace gendr
