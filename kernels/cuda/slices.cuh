// Who walks: a warp a face, or, for a face of many pixels, several blocks a slice of its box each, whose sums are added
// in order. Kernels over any walk of walk.cuh's kind.
#pragma once

#include "walk.cuh"

namespace gendr {
namespace cuda {

__device__ inline bool is_large(const PixelBox &box) {
    return static_cast<unsigned>(box.rows) * static_cast<unsigned>(box.cols) >= large_box;
}

// Lists the pass's large faces, in any order: no sum depends on it.
template <class T> __global__ void list_large(WalkArguments<T> x) {
    const int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (at < int64_t(x.settings.batch) * x.space.pass_faces && is_large(x.space.boxes[at]))
        x.space.large[atomicAdd(x.space.large_count, 1)] = static_cast<int>(at);
}

// The sums of all lanes, in every lane.
__device__ inline void join_lanes(double *sums, int count) {
    for (int i = 0; i < count; ++i)
        for (int apart = warp / 2; apart > 0; apart /= 2) sums[i] += __shfl_xor_sync(0xffffffffu, sums[i], apart);
}

// A warp a face, but for large ones.
template <class Walk> __global__ void __launch_bounds__(faces_per_block *warp) walk_faces(Walk walk) {
    const auto &x = walk.x;
    const unsigned lane = threadIdx.x % warp;
    const int64_t at = int64_t(blockIdx.x) * faces_per_block + threadIdx.x / warp;
    const int image = static_cast<int>(at / x.pass.count), within = static_cast<int>(at % x.pass.count);
    const int face = x.pass.first + within;
    if (image >= x.settings.batch || face >= face_count(x.settings, image) || !walk.takes(image)) return;
    const int64_t stored = int64_t(image) * x.space.pass_faces + within;
    const PixelBox box = x.space.boxes[stored];
    if (is_large(box)) return;
    double sums[Walk::sums] = {};
    if (!box.empty()) {
        const unsigned pixels = static_cast<unsigned>(box.rows) * static_cast<unsigned>(box.cols);
        walk.walk(stored, image, face, BoxWalk(box, 0u, pixels, lane, unsigned(warp)), sums);
    }
    join_lanes(sums, Walk::sums);
    if (lane == 0) walk.write(image, face, sums);
}

// How many slices each of `count` large faces is cut into: it depends on their number only.
__device__ inline int slices_of(int count) { return math::clamp(slices_of_all / math::max(count, 1), 1, most_slices); }

// A block a slice of a large face.
template <class Walk> __global__ void __launch_bounds__(walkers) walk_slices(Walk walk) {
    __shared__ double of_warp[walkers / warp][Walk::sums];
    const auto &x = walk.x;
    const int count = *x.space.large_count, slices = slices_of(count);
    const int thread = static_cast<int>(threadIdx.x), lane = thread % warp;
    for (int64_t item = blockIdx.x; item < int64_t(count) * slices; item += gridDim.x) {
        const int stored = x.space.large[item / slices], slice = static_cast<int>(item % slices);
        const int image = stored / x.space.pass_faces, face = x.pass.first + stored % x.space.pass_faces;
        if (!walk.takes(image)) continue;
        const PixelBox box = x.space.boxes[stored];
        const int64_t pixels = int64_t(box.rows) * box.cols;
        double sums[Walk::sums] = {};
        walk.walk(stored, image, face,
                  BoxWalk(box, static_cast<unsigned>(pixels * slice / slices),
                          static_cast<unsigned>(pixels * (slice + 1) / slices), threadIdx.x, unsigned(walkers)),
                  sums);
        join_lanes(sums, Walk::sums);
        __syncthreads(); // the slice before has been written
        if (lane == 0)
            for (int i = 0; i < Walk::sums; ++i) of_warp[thread / warp][i] = sums[i];
        __syncthreads();
        if (thread < Walk::sums) {
            double sum = 0.0;
            for (int w = 0; w < walkers / warp; ++w) sum += of_warp[w][thread];
            of_warp[0][thread] = sum;
            if (slices > 1) x.space.slices[item * most_sums + thread] = sum;
        }
        __syncwarp();
        if (slices == 1 && thread == 0) walk.write(image, face, of_warp[0]);
    }
}

// Joins the slices of the large faces, a thread a face.
template <class Walk> __global__ void join_slices(Walk walk) {
    const auto &x = walk.x;
    const int count = *x.space.large_count, slices = slices_of(count);
    const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (slices == 1 || i >= count) return;
    const int stored = x.space.large[i];
    double sums[Walk::sums] = {};
    for (int slice = 0; slice < slices; ++slice)
        for (int k = 0; k < Walk::sums; ++k) sums[k] += x.space.slices[(int64_t(i) * slices + slice) * most_sums + k];
    walk.write(stored / x.space.pass_faces, x.pass.first + stored % x.space.pass_faces, sums);
}

template <class T> void launch_list(const WalkArguments<T> &x, cudaStream_t stream) {
    if (pixels_of(x.settings) < large_box) return; // no face can have so many
    check(cudaMemsetAsync(x.space.large_count, 0, sizeof(int), stream), "memset");
    GENDR_LAUNCH(list_large<T>, int64_t(x.settings.batch) * x.space.pass_faces, 256, 256, stream, x);
}

template <class Walk> void launch_walk(const Walk &walk, bool joins, cudaStream_t stream) {
    const int64_t faces = int64_t(walk.x.settings.batch) * walk.x.pass.count;
    GENDR_LAUNCH(walk_faces<Walk>, faces, faces_per_block, faces_per_block * warp, stream, walk);
    if (pixels_of(walk.x.settings) < large_box) return;
    GENDR_LAUNCH(walk_slices<Walk>, math::min(slice_blocks, faces * most_slices), 1, walkers, stream, walk);
    if (joins) GENDR_LAUNCH(join_slices<Walk>, slices_of_all, 64, 64, stream, walk);
}

// The walk in both precisions of distances; the last one joins the slices of both.
template <class OfTensors, class OfDouble>
void launch_walks(const OfTensors &walk, const OfDouble &walk_double, cudaStream_t stream) {
    constexpr bool both = sizeof(typename OfTensors::Tensor) == sizeof(float);
    launch_walk(walk, !both, stream);
    if constexpr (both) launch_walk(walk_double, true, stream);
}

} // namespace cuda
} // namespace gendr
