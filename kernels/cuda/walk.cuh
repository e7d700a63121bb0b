// The backward pass: the threads that share a face walk its box, read what the pixels hold, and sum its gradient in
// registers; the sums are joined in a fixed order and written once. No atomics on floats, so the bits are always the
// same.
#pragma once

#include "faces.cuh"

namespace gendr {
namespace cuda {

constexpr int parameters = 4;          // that faces share: tau, the shift, p, gamma
constexpr int most_sums = 20;          // of a face, of any kernel
constexpr int steps_of_partial = 32;   // pairs of a thread that are summed in the precision of distances
constexpr unsigned large_box = 2048;   // pixels from which on a face is shared out among blocks
constexpr int slices_of_all = 4096;    // of large faces together
constexpr int most_slices = 64;        // of one large face
constexpr int64_t slice_blocks = 1024; // that share the slices of large faces; the sums do not depend on it
constexpr int walkers = 256;           // threads that walk a slice
constexpr int faces_per_block = 4;     // small faces, a warp each

template <class T> struct BackwardWorkspace : CallWorkspace<T> {
    T *factor;          // [batch, height, width]: d loss / d state
    double *face_sums;  // [batch, faces, parameters]: a face's share of their gradients
    double *image_sums; // [batch, parameters]
    double *pixel_sums; // [2, pixel_blocks]: the pixels' own share of the gradients of p and gamma
    int *large_count;   // faces of this pass whose box is large ...
    int *large;         // ... and which, in any order
    double *slices;     // [slices_of_all, most_sums]
    int64_t pixel_blocks;

    static constexpr int pixels_per_block = 2048;

    BackwardWorkspace(Pieces &pieces, const CoverageSettings &s, int wanted)
        : CallWorkspace<T>(pieces, s, cuda::faces_per_pass(s, wanted, false)) {
        const int64_t pixels = s.batch * pixels_of(s);
        pixel_blocks = (pixels + pixels_per_block - 1) / pixels_per_block;
        factor = pieces.take<T>(pixels);
        face_sums = pieces.take<double>(int64_t(s.batch) * s.faces * parameters);
        image_sums = pieces.take<double>(int64_t(s.batch) * parameters);
        pixel_sums = pieces.take<double>(2 * pixel_blocks);
        large_count = pieces.take<int>(1);
        large = pieces.take<int>(int64_t(s.batch) * this->pass_faces);
        slices = pieces.take<double>(int64_t(slices_of_all) * most_sums);
    }
};

// What every kernel that walks over faces is called with.
template <class T> struct WalkArguments {
    CoverageSettings settings;
    BackwardWorkspace<T> space;
    Pass pass;
    const T *state;
    T *grad_face_vertices;
    bool wants_p;
};

// The pixels [begin, end) of a face's box, counted row by row, that fall to one of `threads` threads.
struct BoxWalk {
    unsigned cols, rows_of_step, cols_of_step, k, end, row, col, threads;

    __device__ BoxWalk(const PixelBox &box, unsigned begin, unsigned end, unsigned thread, unsigned threads)
        : cols(static_cast<unsigned>(box.cols)), rows_of_step(threads / cols), cols_of_step(threads % cols),
          k(begin + thread), end(end), row(k / cols), col(k % cols), threads(threads) {}

    __device__ bool goes_on() const { return k < end; }
    __device__ void step() {
        k += threads;
        row += rows_of_step;
        col += cols_of_step;
        if (col >= cols) {
            col -= cols;
            ++row;
        }
    }
};

// d loss / d argument of a pair, and what it adds to the gradient of p.
template <class T> struct PairSlope {
    T slope;
    double in_p;

    __device__ PairSlope(const PairRules<T> &rules, T argument, T factor, T state, bool wants_p)
        : PairSlope(rules, rules.probability(argument), factor, state, wants_p) {}
    __device__ PairSlope(const PairRules<T> &rules, const Probability<T> &at, T factor, T state, bool wants_p)
        : slope(0), in_p(0.0) {
        with_t_conorm(rules.t_conorm, [&](auto member) {
            using P = PairOf<decltype(member), T>;
            slope = P::derivative(at.cdf, at.sf, factor, state, rules.p, at.pdf);
            if (wants_p) in_p = P::in_p(at.cdf, at.sf, factor, state, rules.p);
        });
    }
};

template <class T, class G>
__device__ DistanceGradient<G> gradient_of(const Triangle<G> &triangle, const PixelBox &box, int row, int col,
                                           bool is_squared) {
    const G c = G(col - box.anchor_col), r = G(row - box.anchor_row);
    return is_squared ? distance_gradient<true, T>(triangle, c, r) : distance_gradient<false, T>(triangle, c, r);
}

// A gradient in the tensors' precision: held at its largest number, never infinite.
template <class T> __device__ T held(double gradient) {
    const double largest = limits<T>::largest;
    return T(math::clamp(gradient, -largest, largest));
}

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

// The walk that gives coverage's gradients, distances in G. What walks has `sums`, their number; `takes`, whether the
// image is one of this precision's; `walk`, which adds the sums of a thread's share of a box; `write`.
template <class T, class G> struct CoverageWalk {
    using Tensor = T;
    static constexpr int sums = 9; // the gradients of x and y of three corners; of tau, of the shift, of p
    WalkArguments<T> x;

    __device__ bool takes(int image) const {
        return sizeof(T) == sizeof(double) || x.space.images[image].wants_double == (sizeof(G) == sizeof(double));
    }

    __device__ void walk(int64_t stored, int image, int face, BoxWalk at, double *sums) const {
        const PairRules<T> rules(x.settings, *x.space.call);
        const PixelBox box = x.space.boxes[stored];
        const Triangle<G> &triangle = *x.space.template triangle<G>(stored);
        const G inverse_tau = G(x.space.images[image].inverse_tau);
        const int64_t first = int64_t(image) * x.settings.height * x.settings.width;
        const bool is_maximum = rules.t_conorm == index_of_Maximum;
        while (at.goes_on()) {
            DistanceSums<G> partial;
            for (int step = 0; step < steps_of_partial && at.goes_on(); ++step, at.step()) {
                const int row = box.first_row + static_cast<int>(at.row),
                          col = box.first_col + static_cast<int>(at.col);
                const int64_t pixel = first + int64_t(row) * x.settings.width + col;
                const T factor = x.space.factor[pixel], state = x.state[pixel];
                T argument;
                if (factor == T(0) || (is_maximum && state != T(face)) ||
                    !reaches(rules, box, triangle, row, col, inverse_tau, argument))
                    continue;
                const PairSlope<T> pair(rules, argument, factor, state, x.wants_p);
                partial.add(gradient_of<T>(triangle, box, row, col, rules.is_squared), G(pair.slope));
                sums[6] -= double(pair.slope) * double(argument);
                sums[7] += double(pair.slope);
                sums[8] += pair.in_p;
            }
            partial.add_to(sums);
        }
    }

    __device__ void write(int image, int face, const double *sums) const {
        T *gradient = x.grad_face_vertices + (first_face(x.settings, image) + face) * 9;
        const double scale = (x.settings.is_squared ? 2.0 : 1.0) * x.space.images[image].inverse_tau;
        for (int corner = 0; corner < 3; ++corner) {
            gradient[3 * corner] = held<T>(scale * sums[2 * corner]);
            gradient[3 * corner + 1] = held<T>(scale * sums[2 * corner + 1]);
            gradient[3 * corner + 2] = T(0);
        }
        double *shares = x.space.face_sums + (int64_t(image) * x.settings.faces + face) * parameters;
        for (int i = 0; i < parameters; ++i) shares[i] = i < 3 ? sums[6 + i] : 0.0;
    }
};

} // namespace cuda
} // namespace gendr
