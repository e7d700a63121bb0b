// The forward pass: a block of threads a tile, a thread a pixel. The tile's faces come through shared memory in their
// order, so that a pixel's sum does not depend on anything but the faces.
#pragma once

#include "bins.cuh"
#include "faces.cuh"

namespace gendr {
namespace cuda {

constexpr int staged_faces = 32;

// The sum of one pixel. Double, since twenty thousand terms cost float four digits. `key` is the sum's exponent for
// power families; for Maximum the largest argument so far, whose probability is the sum and whose face `winner`.
template <class T> struct PixelSum {
    double sum;
    T key;
    int winner;

    __device__ void reset(int t_conorm) {
        sum = 0.0;
        winner = -1;
        key = -limits<T>::huge;
        with_t_conorm(t_conorm, [&](auto member) {
            if (decltype(member)::family == Family::power) key = T(-2 * certain_exponent);
        });
    }

    __device__ void add(const PairRules<T> &rules, T argument, int face) {
        const Probability<T> at = rules.probability(argument);
        with_t_conorm(rules.t_conorm, [&](auto member) {
            using C = decltype(member);
            if constexpr (C::family == Family::maximum) {
                // The largest argument has the largest probability, and tells faces apart that round to 1.
                if (argument > key && at.cdf > limits<T>::tiny) {
                    key = argument;
                    winner = face;
                    sum = double(at.cdf);
                }
            } else {
                int exponent = 0;
                const T term = PairOf<C, T>::term(at.cdf, at.sf, rules.p, exponent);
                if constexpr (C::family == Family::power) add_with_exponent(sum, key, term, exponent);
                else sum += double(term);
            }
        });
    }

    // Whether nothing that follows changes alpha or a gradient: the complement of a strict conorm has underflowed.
    __device__ bool is_final(int t_conorm) const {
        const double largest_exponent = sizeof(T) == sizeof(float) ? 110.0 : 760.0; // e^-x is 0, denormals included
        bool result = false;
        with_t_conorm(t_conorm, [&](auto member) {
            using C = decltype(member);
            if constexpr (C::family == Family::product) result = sum > largest_exponent;
            else result = is_strict<C>() && key >= T(certain_exponent);
        });
        return result;
    }

    // Alpha, and what the backward pass needs: the state, or the winner.
    __device__ void finish(const PairRules<T> &rules, double share, T &alpha, T &state) const {
        with_t_conorm(rules.t_conorm, [&](auto member) {
            using C = decltype(member);
            if constexpr (C::family == Family::maximum) {
                alpha = T(sum);
                state = T(winner);
            } else {
                state = C::family == Family::average ? T(sum * share) : T(sum);
                if constexpr (C::family == Family::power) state = power_state_of(T(sum), key, rules.p, C::offset);
                alpha = PairOf<C, T>::aggregate(state, rules.p).out;
            }
        });
    }
};

template <class T> struct ForwardWorkspace : CallWorkspace<T> {
    int words;         // of a tile's mask
    unsigned *masks;   // [batch, tiles, words]
    PixelSum<T> *sums; // [batch, height, width], where there is more than one pass

    ForwardWorkspace(Pieces &pieces, const CoverageSettings &s, int wanted)
        : CallWorkspace<T>(pieces, s, cuda::faces_per_pass(s, wanted, true)) {
        words = this->pass_faces / warp;
        masks = pieces.take<unsigned>(s.batch * tiles_of(s) * words);
        const bool goes_on = s.faces > this->pass_faces;
        sums = pieces.take<PixelSum<T>>(goes_on ? s.batch * pixels_of(s) : 0);
    }
};

template <class T>
void launch_bins(const CoverageSettings &s, const ForwardWorkspace<T> &space, cudaStream_t stream) {
    const int64_t words = int64_t(s.batch) * space.words;
    check(cudaMemsetAsync(space.masks, 0, sizeof(unsigned) * tiles_of(s) * words, stream), "memset");
    GENDR_LAUNCH(bin_faces, words * warp, 256, 256, stream, s, space.boxes, space.words, space.masks);
}

// A face in shared memory.
template <class G> struct StagedFace {
    PixelBox box;
    Triangle<G> triangle;
};

// Brings the faces of `list` into shared memory, number by number.
template <class T, class G>
__device__ void stage_faces(const CallWorkspace<T> &space, int image, const int *list, int count,
                            StagedFace<G> *staged) {
    constexpr int box_words = sizeof(PixelBox) / sizeof(int), numbers = sizeof(Triangle<G>) / sizeof(G);
    for (int i = static_cast<int>(threadIdx.x); i < count * box_words; i += static_cast<int>(blockDim.x)) {
        const int64_t at = int64_t(image) * space.pass_faces + list[i / box_words];
        reinterpret_cast<int *>(&staged[i / box_words].box)[i % box_words] =
            reinterpret_cast<const int *>(space.boxes + at)[i % box_words];
    }
    for (int i = static_cast<int>(threadIdx.x); i < count * numbers; i += static_cast<int>(blockDim.x)) {
        const int64_t at = int64_t(image) * space.pass_faces + list[i / numbers];
        reinterpret_cast<G *>(&staged[i / numbers].triangle)[i % numbers] =
            reinterpret_cast<const G *>(space.template triangle<G>(at))[i % numbers];
    }
}

// Where a thread's pixel lies. A warp covers 8 x 4 pixels, so that it skips together the faces that do not reach it.
struct TilePixel {
    int row, col;

    __device__ TilePixel(int tile, int tiles_in_row) {
        const int thread = static_cast<int>(threadIdx.x), lane = thread % warp, group = thread / warp;
        row = tile / tiles_in_row * tile_side + group / 2 * 4 + lane / 8;
        col = tile % tiles_in_row * tile_side + group % 2 * 8 + lane % 8;
    }
};

template <class T, class G>
__global__ void __launch_bounds__(tile_pixels)
    cover_tiles(CoverageSettings settings, ForwardWorkspace<T> space, Pass pass, T *alpha, T *state) {
    __shared__ StagedFace<G> staged[staged_faces];
    __shared__ int list[staged_faces];
    __shared__ int warp_totals[tile_pixels / warp];

    const int across = (settings.width + tile_side - 1) / tile_side;
    const int tiles = across * ((settings.height + tile_side - 1) / tile_side);
    const int image = static_cast<int>(blockIdx.x) / tiles, tile = static_cast<int>(blockIdx.x) % tiles;
    const ImagePlan &plan = space.images[image];
    if (sizeof(T) != sizeof(double) && plan.wants_double != (sizeof(G) == sizeof(double))) return; // the other kernel's

    const TilePixel at(tile, across);
    const bool is_inside = at.row < settings.height && at.col < settings.width;
    const int64_t pixel = (int64_t(image) * settings.height + at.row) * settings.width + at.col;
    const PairRules<T> rules(settings, *space.call);
    const G inverse_tau = G(plan.inverse_tau);
    PixelSum<T> sum;
    sum.reset(rules.t_conorm);
    if (is_inside && pass.first > 0) sum = space.sums[pixel];

    MaskReader<tile_pixels, staged_faces> reader(space.masks + int64_t(blockIdx.x) * space.words, space.words);
    bool done = !is_inside || sum.is_final(rules.t_conorm);
    while (!__syncthreads_and(done)) { // and the faces staged last are no longer needed
        const int count = reader.next(list, warp_totals);
        if (count == 0) break;
        __syncthreads();
        stage_faces(space, image, list, count, staged);
        __syncthreads();
        for (int i = 0; i < count && !done; ++i) {
            T argument;
            if (reaches(rules, staged[i].box, staged[i].triangle, at.row, at.col, inverse_tau, argument))
                sum.add(rules, argument, pass.first + list[i]);
        }
        done = done || sum.is_final(rules.t_conorm);
    }
    if (!is_inside) return;
    if (pass.first + pass.count < settings.faces) {
        space.sums[pixel] = sum;
        return;
    }
    sum.finish(rules, 1.0 / math::max(face_count(settings, image), 1), alpha[pixel], state[pixel]);
}

} // namespace cuda
} // namespace gendr
