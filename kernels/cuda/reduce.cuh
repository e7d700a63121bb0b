// Before and after the walk over faces: each pixel's factor, and the sums over faces and images that make the gradients
// of tau, the shift and p. Every sum runs in an order that its length alone fixes.
#pragma once

#include "slices.cuh"

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
    if (threadIdx.x == 0) space.pixel_sums[blockIdx.x] = sum;
}

// A block an image.
template <class T>
__global__ void sum_faces(CoverageSettings settings, BackwardWorkspace<T> space, double *grad_tau) {
    __shared__ double scratch[reducers / warp];
    const int image = static_cast<int>(blockIdx.x);
    for (int which = 0; which < parameters; ++which) {
        double sum = 0.0;
        for (int face = static_cast<int>(threadIdx.x); face < face_count(settings, image);
             face += static_cast<int>(blockDim.x))
            sum += space.face_sums[(int64_t(image) * settings.faces + face) * parameters + which];
        sum = block_sum(sum, scratch);
        if (threadIdx.x == 0) space.image_sums[image * parameters + which] = sum;
    }
    if (threadIdx.x == 0) grad_tau[image] = space.image_sums[image * parameters] * space.images[image].inverse_tau;
}

// Where the sums over images and pixels go; gamma is null for coverage alone.
struct ParameterGradients {
    double *shift, *p, *gamma;
    bool wants_p, wants_gamma;
};

// One block. `gamma` is the value of the parameter, where there is one.
template <class T>
__global__ void sum_images(CoverageSettings settings, BackwardWorkspace<T> space, ParameterGradients to,
                           const double *gamma) {
    __shared__ double scratch[reducers / warp];
    double of_images[parameters] = {}, of_pixels[2] = {};
    for (int image = static_cast<int>(threadIdx.x); image < settings.batch; image += static_cast<int>(blockDim.x))
        for (int i = 0; i < parameters; ++i) of_images[i] += space.image_sums[image * parameters + i];
    for (int i = 0; i < 2; ++i)
        if (i == 0 ? to.wants_p : to.wants_gamma)
            for (int64_t k = threadIdx.x; k < space.pixel_blocks; k += blockDim.x)
                of_pixels[i] += space.pixel_sums[i * space.pixel_blocks + k];
    for (int i = 1; i < parameters; ++i) of_images[i] = block_sum(of_images[i], scratch);
    for (int i = 0; i < 2; ++i) of_pixels[i] = block_sum(of_pixels[i], scratch);
    if (threadIdx.x != 0) return;
    *to.shift = double(space.call->sign) * of_images[1];
    double divisor = 1.0;
    with_t_conorm(settings.t_conorm,
                  [&](auto member) { divisor = PairOf<decltype(member), T>::in_p_divisor(space.call->p); });
    const double p = to.wants_p ? of_images[2] / divisor + of_pixels[0] : 0.0;
    *to.p = has_negative_p(settings.t_conorm) ? -p : p;
    if (to.gamma) *to.gamma = to.wants_gamma ? (of_images[3] + of_pixels[1]) / *gamma : 0.0;
}

// What comes before the faces: the plan and the pixels' factors.
template <class T>
void launch_factors(const CoverageSettings &s, const Inputs &inputs, const BackwardTensors &tensors,
                    const BackwardWorkspace<T> &space, cudaStream_t stream) {
    const T *state = static_cast<const T *>(tensors.state), *grad_alpha = static_cast<const T *>(tensors.grad_alpha);
    launch_plan<T>(s, inputs, space, stream);
    GENDR_LAUNCH(find_factors<T>, s.batch * pixels_of(s), 256, 256, stream, s, space, state, grad_alpha, inputs.status);
    if (tensors.wants_p)
        GENDR_LAUNCH(sum_pixels_in_p<T>, space.pixel_blocks, 1, reducers, stream, s, space, state, grad_alpha);
}

} // namespace cuda
} // namespace gendr
