// The backward pass: the threads that share a face walk its box, read what the pixels hold, and sum its gradient in
// registers; the sums are joined in a fixed order and written once. No atomics on floats, so the bits are always the
// same.
#pragma once

#include "faces.cuh"

namespace gendr {
namespace cuda {

constexpr int sums_of_face = 9;      // the gradients of x and y of three corners; of tau, of the shift, of p
constexpr int steps_of_partial = 32; // pairs of a thread that are summed in the precision of distances
constexpr unsigned large_box = 2048; // pixels from which on a face is shared out among blocks
constexpr int slices_of_all = 4096;  // of large faces together
constexpr int most_slices = 64;      // of one large face
constexpr int walkers = 256;         // threads that walk a slice
constexpr int faces_per_block = 4;   // small faces, a warp each

template <class T> struct BackwardWorkspace : CallWorkspace<T> {
    T *factor;          // [batch, height, width]: d loss / d state
    double *face_sums;  // [batch, faces, 3]: a face's share of the gradients of tau, the shift and p
    double *image_sums; // [batch, 3]
    double *pixel_p;    // [pixel_blocks]: the pixels' own share of the gradient of p
    int *large_count;   // faces of this pass whose box is large ...
    int *large;         // ... and which, in any order
    double *slices;     // [slices_of_all, sums_of_face]
    int64_t pixel_blocks;

    static constexpr int pixels_per_block = 2048;

    BackwardWorkspace(Pieces &pieces, const CoverageSettings &s, int wanted)
        : CallWorkspace<T>(pieces, s, cuda::faces_per_pass(s, wanted, false)) {
        const int64_t pixels = s.batch * pixels_of(s);
        pixel_blocks = (pixels + pixels_per_block - 1) / pixels_per_block;
        factor = pieces.take<T>(pixels);
        face_sums = pieces.take<double>(int64_t(s.batch) * s.faces * 3);
        image_sums = pieces.take<double>(int64_t(s.batch) * 3);
        pixel_p = pieces.take<double>(pixel_blocks);
        large_count = pieces.take<int>(1);
        large = pieces.take<int>(int64_t(s.batch) * this->pass_faces);
        slices = pieces.take<double>(int64_t(slices_of_all) * sums_of_face);
    }
};

// What a kernel of the backward pass is called with.
template <class T> struct WalkArguments {
    CoverageSettings settings;
    BackwardWorkspace<T> space;
    Pass pass;
    const T *state;
    T *grad_face_vertices;
    bool wants_p;

    // Whether a kernel for distances in G is the one that draws this image.
    template <class G> __device__ bool takes(int image) const {
        return sizeof(T) == sizeof(double) || space.images[image].wants_double == (sizeof(G) == sizeof(double));
    }
};

// d loss / d argument of a pair, and what it adds to the gradient of p.
template <class T> struct PairSlope {
    T slope;
    double in_p;

    __device__ PairSlope(const PairRules<T> &rules, T argument, T factor, T state, bool wants_p) : slope(0), in_p(0.0) {
        const Probability<T> at = rules.probability(argument);
        with_t_conorm(rules.t_conorm, [&](auto member) {
            using P = PairOf<decltype(member), T>;
            slope = P::derivative(at.cdf, at.sf, factor, state, rules.p, at.pdf);
            if (wants_p) in_p = P::in_p(at.cdf, at.sf, factor, state, rules.p);
        });
    }
};

template <class G> struct DistanceSums {
    G x0 = 0, y0 = 0, x1 = 0, y1 = 0, x2 = 0, y2 = 0;

    __device__ void add(const DistanceGradient<G> &d, G slope) {
        const G x = slope * d.x, y = slope * d.y;
        x0 += x * d.weight[0];
        y0 += y * d.weight[0];
        x1 += x * d.weight[1];
        y1 += y * d.weight[1];
        x2 += x * d.weight[2];
        y2 += y * d.weight[2];
    }
    __device__ void add_to(double *sums) const {
        sums[0] += double(x0);
        sums[1] += double(y0);
        sums[2] += double(x1);
        sums[3] += double(y1);
        sums[4] += double(x2);
        sums[5] += double(y2);
    }
};

// Sums over the pixels [begin, end) of a face's box, counted row by row, that fall to one of `threads` threads.
template <class T, class G>
__device__ void walk_pixels(const WalkArguments<T> &x, const PairRules<T> &rules, const PixelBox &box,
                            const Triangle<G> &triangle, int image, int face, unsigned begin, unsigned end,
                            unsigned thread, unsigned threads, double *sums) {
    const unsigned cols = static_cast<unsigned>(box.cols);
    const unsigned rows_of_step = threads / cols, cols_of_step = threads % cols;
    unsigned k = begin + thread, row = k / cols, col = k % cols;
    const G inverse_tau = G(x.space.images[image].inverse_tau);
    const int64_t first = int64_t(image) * x.settings.height * x.settings.width;
    bool is_maximum = rules.t_conorm == index_of_Maximum;
    while (k < end) {
        DistanceSums<G> partial;
        for (int step = 0; step < steps_of_partial && k < end; ++step) {
            const int at_row = box.first_row + static_cast<int>(row), at_col = box.first_col + static_cast<int>(col);
            const int64_t pixel = first + int64_t(at_row) * x.settings.width + at_col;
            const T factor = x.space.factor[pixel], state = x.state[pixel];
            T argument;
            if (factor != T(0) && (!is_maximum || state == T(face)) &&
                reaches(rules, box, triangle, at_row, at_col, inverse_tau, argument)) {
                const PairSlope<T> pair(rules, argument, factor, state, x.wants_p);
                const G c = G(at_col - box.anchor_col), r = G(at_row - box.anchor_row);
                partial.add(rules.is_squared ? distance_gradient<true>(triangle, c, r)
                                             : distance_gradient<false>(triangle, c, r),
                            G(pair.slope));
                sums[6] -= double(pair.slope) * double(argument);
                sums[7] += double(pair.slope);
                sums[8] += pair.in_p;
            }
            k += threads;
            row += rows_of_step;
            col += cols_of_step;
            if (col >= cols) {
                col -= cols;
                ++row;
            }
        }
        partial.add_to(sums);
    }
}

// The sums of all lanes, in every lane.
__device__ inline void join_lanes(double *sums) {
    for (int i = 0; i < sums_of_face; ++i)
        for (int apart = warp / 2; apart > 0; apart /= 2) sums[i] += __shfl_xor_sync(0xffffffffu, sums[i], apart);
}

// A face's sums become its gradient and its share of the parameters' gradients.
template <class T>
__device__ void write_face(const WalkArguments<T> &x, int image, int face, const double *sums) {
    const int64_t at = first_face(x.settings, image) + face;
    const double scale = (x.settings.is_squared ? 2.0 : 1.0) * x.space.images[image].inverse_tau;
    const double largest = limits<T>::largest;
    for (int corner = 0; corner < 3; ++corner) {
        T *gradient = x.grad_face_vertices + at * 9 + corner * 3;
        gradient[0] = T(math::clamp(scale * sums[2 * corner], -largest, largest));
        gradient[1] = T(math::clamp(scale * sums[2 * corner + 1], -largest, largest));
        gradient[2] = T(0);
    }
    for (int i = 0; i < 3; ++i) x.space.face_sums[(int64_t(image) * x.settings.faces + face) * 3 + i] = sums[6 + i];
}

// A warp a face; large faces are only written down.
template <class T, class G> __global__ void __launch_bounds__(faces_per_block *warp) walk_faces(WalkArguments<T> x) {
    const int lane = static_cast<int>(threadIdx.x) % warp;
    const int64_t at = int64_t(blockIdx.x) * faces_per_block + threadIdx.x / warp;
    const int image = static_cast<int>(at / x.pass.count), within = static_cast<int>(at % x.pass.count);
    if (image >= x.settings.batch || x.pass.first + within >= face_count(x.settings, image)) return;
    if (!x.template takes<G>(image)) return;
    const int64_t stored = int64_t(image) * x.space.pass_faces + within;
    const PixelBox box = x.space.boxes[stored];
    const unsigned pixels = static_cast<unsigned>(box.rows) * static_cast<unsigned>(box.cols);
    if (pixels >= large_box) {
        if (lane == 0) x.space.large[atomicAdd(x.space.large_count, 1)] = static_cast<int>(stored);
        return;
    }
    double sums[sums_of_face] = {};
    if (pixels > 0) {
        const PairRules<T> rules(x.settings, *x.space.call);
        walk_pixels<T, G>(x, rules, box, *x.space.template triangle<G>(stored), image, x.pass.first + within, 0u,
                          pixels, static_cast<unsigned>(lane), unsigned(warp), sums);
    }
    join_lanes(sums);
    if (lane == 0) write_face(x, image, x.pass.first + within, sums);
}

// How many slices each of `count` large faces is cut into: it depends on their number only.
__device__ inline int slices_of(int count) { return math::clamp(slices_of_all / math::max(count, 1), 1, most_slices); }

// A block a slice of a large face.
template <class T, class G> __global__ void __launch_bounds__(walkers) walk_slices(WalkArguments<T> x) {
    __shared__ double of_warp[walkers / warp][sums_of_face];
    const int count = *x.space.large_count, slices = slices_of(count);
    const int thread = static_cast<int>(threadIdx.x), lane = thread % warp;
    const PairRules<T> rules(x.settings, *x.space.call);
    for (int64_t item = blockIdx.x; item < int64_t(count) * slices; item += gridDim.x) {
        const int stored = x.space.large[item / slices], slice = static_cast<int>(item % slices);
        const int image = stored / x.space.pass_faces, face = x.pass.first + stored % x.space.pass_faces;
        if (!x.template takes<G>(image)) continue;
        const PixelBox box = x.space.boxes[stored];
        const int64_t pixels = int64_t(box.rows) * box.cols;
        double sums[sums_of_face] = {};
        walk_pixels<T, G>(x, rules, box, *x.space.template triangle<G>(stored), image, face,
                          static_cast<unsigned>(pixels * slice / slices),
                          static_cast<unsigned>(pixels * (slice + 1) / slices), static_cast<unsigned>(thread),
                          unsigned(walkers), sums);
        join_lanes(sums);
        __syncthreads(); // the slice before has been written
        if (lane == 0)
            for (int i = 0; i < sums_of_face; ++i) of_warp[thread / warp][i] = sums[i];
        __syncthreads();
        if (thread < sums_of_face) {
            double sum = 0.0;
            for (int w = 0; w < walkers / warp; ++w) sum += of_warp[w][thread];
            of_warp[0][thread] = sum;
            if (slices > 1) x.space.slices[item * sums_of_face + thread] = sum;
        }
        __syncwarp();
        if (slices == 1 && thread == 0) write_face(x, image, face, of_warp[0]);
    }
}

// Joins the slices of the large faces, a thread a face.
template <class T> __global__ void join_slices(WalkArguments<T> x) {
    const int count = *x.space.large_count, slices = slices_of(count);
    if (slices == 1) return;
    const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (i >= count) return;
    const int stored = x.space.large[i];
    double sums[sums_of_face] = {};
    for (int slice = 0; slice < slices; ++slice)
        for (int k = 0; k < sums_of_face; ++k)
            sums[k] += x.space.slices[(int64_t(i) * slices + slice) * sums_of_face + k];
    write_face(x, stored / x.space.pass_faces, x.pass.first + stored % x.space.pass_faces, sums);
}

} // namespace cuda
} // namespace gendr
