// Before and after the walk over faces: each pixel's factor, and the sums over faces and images that make the gradients
// of tau, the shift and p. Every sum runs in an order that its length alone fixes.
#pragma once

#include "walk.cuh"

namespace gendr {
namespace cuda {

constexpr int reducers = 256;

// The sum over a block's threads, in thread 0. `scratch` holds a number per warp.
__device__ inline double block_sum(double value, double *scratch) {
    for (int apart = warp / 2; apart > 0; apart /= 2) value += __shfl_xor_sync(0xffffffffu, value, apart);
    __syncthreads(); // of the sum before
    if (threadIdx.x % warp == 0) scratch[threadIdx.x / warp] = value;
    __syncthreads();
    double sum = 0.0;
    for (unsigned w = 0; w < blockDim.x / warp; ++w) sum += scratch[w];
    return sum;
}

// factor = d loss / d state = grad_alpha * d alpha / d state. A gradient that is not finite is reported and counts as
// 0.
template <class T>
__global__ void find_factors(CoverageSettings settings, BackwardWorkspace<T> space, const T *state, const T *grad_alpha,
                             int *status) {
    const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i >= int64_t(settings.batch) * settings.height * settings.width) return;
    const int image = static_cast<int>(i / (int64_t(settings.height) * settings.width));
    const T share = T(1.0 / math::max(face_count(settings, image), 1)), p = space.call->p;
    T incoming = grad_alpha[i];
    if (!is_finite(incoming)) {
        report(status, bad_gradient);
        incoming = T(0);
    }
    T in_state = T(1);
    with_t_conorm(settings.t_conorm, [&](auto member) {
        using C = decltype(member);
        if constexpr (C::family == Family::average) in_state = share;
        else if constexpr (C::family != Family::maximum) in_state = PairOf<C, T>::aggregate(state[i], p).in_state;
    });
    space.factor[i] = incoming * in_state;
}

// What the inverse generator adds to the gradient of p, a number per block of pixels.
template <class T>
__global__ void sum_pixels_in_p(CoverageSettings settings, BackwardWorkspace<T> space, const T *state,
                                const T *grad_alpha) {
    __shared__ double scratch[reducers / warp];
    constexpr int per_block = BackwardWorkspace<T>::pixels_per_block;
    const int64_t first = int64_t(blockIdx.x) * per_block;
    const int64_t pixels = int64_t(settings.batch) * settings.height * settings.width;
    const double p = double(space.call->p);
    double sum = 0.0;
    for (int64_t i = first + threadIdx.x; i < first + per_block && i < pixels; i += blockDim.x)
        if (is_finite(grad_alpha[i]))
            with_t_conorm(settings.t_conorm, [&](auto member) {
                using P = PairOf<decltype(member), T>;
                sum += double(grad_alpha[i]) * P::aggregate_in_p(double(state[i]), p);
            });
    sum = block_sum(sum, scratch);
    if (threadIdx.x == 0) space.pixel_p[blockIdx.x] = sum;
}

// A block an image.
template <class T>
__global__ void sum_faces(CoverageSettings settings, BackwardWorkspace<T> space, double *grad_tau) {
    __shared__ double scratch[reducers / warp];
    const int image = static_cast<int>(blockIdx.x);
    for (int which = 0; which < 3; ++which) {
        double sum = 0.0;
        for (int face = static_cast<int>(threadIdx.x); face < face_count(settings, image);
             face += static_cast<int>(blockDim.x))
            sum += space.face_sums[(int64_t(image) * settings.faces + face) * 3 + which];
        sum = block_sum(sum, scratch);
        if (threadIdx.x == 0) space.image_sums[image * 3 + which] = sum;
    }
    if (threadIdx.x == 0) grad_tau[image] = space.image_sums[image * 3] * space.images[image].inverse_tau;
}

// One block.
template <class T>
__global__ void sum_images(CoverageSettings settings, BackwardWorkspace<T> space, double *grad_shift, double *grad_p,
                           bool wants_p) {
    __shared__ double scratch[reducers / warp];
    double shift = 0.0, pairs_p = 0.0, pixels_p = 0.0;
    for (int image = static_cast<int>(threadIdx.x); image < settings.batch; image += static_cast<int>(blockDim.x)) {
        shift += space.image_sums[image * 3 + 1];
        pairs_p += space.image_sums[image * 3 + 2];
    }
    if (wants_p)
        for (int64_t i = threadIdx.x; i < space.pixel_blocks; i += blockDim.x) pixels_p += space.pixel_p[i];
    shift = block_sum(shift, scratch);
    pairs_p = block_sum(pairs_p, scratch);
    pixels_p = block_sum(pixels_p, scratch);
    if (threadIdx.x != 0) return;
    *grad_shift = double(space.call->sign) * shift;
    double divisor = 1.0;
    with_t_conorm(settings.t_conorm,
                  [&](auto member) { divisor = PairOf<decltype(member), T>::in_p_divisor(space.call->p); });
    const double p = wants_p ? pairs_p / divisor + pixels_p : 0.0;
    *grad_p = has_negative_p(settings.t_conorm) ? -p : p;
}

} // namespace cuda
} // namespace gendr
