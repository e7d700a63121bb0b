// Relaxed sorting networks: a block per sample for the values, whose threads share out a layer's comparators; a warp
// per sample and 32 vectors for the product, whose lanes are vectors and share the comparators' degrees. No atomics:
// the warps' sums are added in order.
#include "sort_network.h"
#include "pairs.cuh"
#include "workspace.cuh"

namespace gendr {
namespace cuda {

namespace {

constexpr int sort_threads = 128;
constexpr unsigned every_lane = 0xffffffffu;

inline int chunks_of(const SortSettings &s) { return s.product == SortProduct::none ? 0 : (s.rows + warp - 1) / warp; }

template <class T> struct SortSpace {
    T *wires, *gradient;                 // [batch, wires]
    T *stay, *swap, *difference, *slope; // [batch, comparators]
    T *of_degrees;                       // [batch, chunks, comparators]
    T *block, *block_gradient;           // [units, wires, warp]
    T *kept;                             // [units, comparators, warp]
    int *bad;                            // [batch]: whether a sample holds NaN
    int chunks, units;

    SortSpace(Pieces &pieces, const SortSettings &s, bool backward, int wanted_units) : chunks(chunks_of(s)) {
        const int64_t batch = s.batch, n = s.wires, count = s.comparators;
        wires = pieces.take<T>(batch * n);
        gradient = pieces.take<T>(backward ? batch * n : 0);
        stay = pieces.take<T>(batch * count);
        swap = pieces.take<T>(batch * count);
        difference = pieces.take<T>(backward ? batch * count : 0);
        slope = pieces.take<T>(backward ? batch * count : 0);
        bad = pieces.take<int>(batch);
        of_degrees = pieces.take<T>(backward ? batch * chunks * count : 0);
        const int64_t each = int64_t(sizeof(T)) * warp * (backward ? 2 * n + count : n);
        int64_t most = wanted_units > 0 ? wanted_units : workspace_budget / (each > 0 ? each : 1);
        most = most < 1 ? 1 : most;
        units = static_cast<int>(most < batch * chunks ? most : batch * chunks);
        block = pieces.take<T>(units * n * warp);
        block_gradient = pieces.take<T>(backward ? units * n * warp : 0);
        kept = pieces.take<T>(backward ? units * count * warp : 0);
    }
};

template <class T> __device__ Comparator<T> comparator_at(const SortSettings &s, T difference) {
    const SortArgument<T> argument(s);
    const bool art = s.art > 0.0;
    const T u = art ? argument.replaced(difference) : argument.plain(difference);
    const Probability<T> at = probability_at(s.distribution, u, GammaShape());
    const T slope = at.pdf * (art ? argument.replaced_slope(difference) : argument.plain_slope(difference));
    return decided(difference, Comparator<T>{at.cdf, at.sf, slope});
}

template <class T> __global__ void run_wires(SortSettings s, SortForward<T> t, SortSpace<T> space, bool for_gradient) {
    const int64_t sample = blockIdx.x, n = s.wires;
    T *wires = space.wires + sample * n;
    if (threadIdx.x == 0) {
        int bad = 0;
        for (int i = 0; i < n; ++i) bad |= is_nan_bits(t.x[sample * n + i]) ? 1 : 0;
        space.bad[sample] = bad;
    }
    for (int i = threadIdx.x; i < n; i += blockDim.x) wires[i] = enclosed(t.x[sample * n + i]);
    __syncthreads();
    for (int layer = 0; layer < s.layers; ++layer) {
        for (int c = t.starts[layer] + threadIdx.x; c < t.starts[layer + 1]; c += blockDim.x) {
            const int low = t.pairs[2 * c], high = t.pairs[2 * c + 1];
            const T a = wires[low], b = wires[high], d = b - a;
            const Comparator<T> one = comparator_at(s, d);
            const int64_t at = sample * s.comparators + c;
            space.stay[at] = one.stay;
            space.swap[at] = one.swap;
            if (for_gradient) {
                space.difference[at] = is_hard(d) ? T(0) : d;
                space.slope[at] = one.slope;
            }
            wires[low] = one.stay * a + one.swap * b;
            wires[high] = one.swap * a + one.stay * b;
        }
        __syncthreads();
    }
    if (for_gradient) return;
    for (int i = threadIdx.x; i < n; i += blockDim.x)
        t.values[sample * n + i] = space.bad[sample] ? nan_of<T>() : opened(wires[i]);
}

// Where the lane's vector has its number of wire i, in the product's layout.
struct LaneVector {
    int64_t origin, stride;
    int index;
    bool used;

    __device__ LaneVector(const SortSettings &s, int64_t unit, int chunks) {
        const int64_t sample = unit / chunks, n = s.wires;
        index = static_cast<int>(unit % chunks) * warp + threadIdx.x;
        used = index < s.rows;
        const bool full = s.product == SortProduct::full;
        origin = sample * s.rows * n + (full ? index : index * n);
        stride = full ? n : 1;
    }
};

template <class T>
__device__ void seed_lane(const SortSettings &s, const T *weights, const LaneVector &lane, T *block) {
    for (int i = 0; i < s.wires; ++i) {
        T value = i == lane.index ? T(1) : T(0);
        if (s.product == SortProduct::weights) {
            const int64_t own = s.shared_weights ? int64_t(lane.index) * s.wires : lane.origin;
            value = lane.used ? weights[own + i] : T(0);
        }
        block[int64_t(i) * warp + threadIdx.x] = value;
    }
}

template <class T>
__device__ void store_lane(const SortSettings &s, const T *block, const LaneVector &lane, bool bad, T *product) {
    if (!lane.used) return;
    for (int i = 0; i < s.wires; ++i)
        product[lane.origin + i * lane.stride] = bad ? nan_of<T>() : block[int64_t(i) * warp + threadIdx.x];
}

template <class T>
__global__ void send_vectors(SortSettings s, SortForward<T> t, SortSpace<T> space, int64_t first_unit) {
    const int64_t unit = first_unit + blockIdx.x, sample = unit / space.chunks;
    const LaneVector lane(s, unit, space.chunks);
    T *block = space.block + int64_t(blockIdx.x) * s.wires * warp;
    const T *stay = space.stay + sample * s.comparators, *swap = space.swap + sample * s.comparators;
    seed_lane(s, t.weights, lane, block);
    const bool forwards = s.product == SortProduct::full;
    for (int q = 0; q < s.comparators; ++q) {
        const int c = forwards ? q : s.comparators - 1 - q;
        T &a = block[int64_t(t.pairs[2 * c]) * warp + threadIdx.x];
        T &b = block[int64_t(t.pairs[2 * c + 1]) * warp + threadIdx.x];
        const T u = a, v = b;
        a = stay[c] * u + swap[c] * v;
        b = swap[c] * u + stay[c] * v;
    }
    store_lane(s, block, lane, space.bad[sample], t.product);
}

template <class T>
__global__ void send_back(SortSettings s, SortBackward<T> t, SortSpace<T> space, int64_t first_unit) {
    const int64_t unit = first_unit + blockIdx.x, sample = unit / space.chunks;
    const LaneVector lane(s, unit, space.chunks);
    T *block = space.block + int64_t(blockIdx.x) * s.wires * warp;
    T *gradient = space.block_gradient + int64_t(blockIdx.x) * s.wires * warp;
    T *kept = space.kept + int64_t(blockIdx.x) * s.comparators * warp;
    const T *stay = space.stay + sample * s.comparators, *swap = space.swap + sample * s.comparators;
    seed_lane(s, t.weights, lane, block);
    const bool forwards = s.product == SortProduct::full;
    for (int q = 0; q < s.comparators; ++q) {
        const int c = forwards ? q : s.comparators - 1 - q;
        T &a = block[int64_t(t.pairs[2 * c]) * warp + threadIdx.x];
        T &b = block[int64_t(t.pairs[2 * c + 1]) * warp + threadIdx.x];
        const T u = a, v = b;
        kept[int64_t(q) * warp + threadIdx.x] = u - v;
        a = stay[c] * u + swap[c] * v;
        b = swap[c] * u + stay[c] * v;
    }
    for (int i = 0; i < s.wires; ++i)
        gradient[int64_t(i) * warp + threadIdx.x] = lane.used ? t.grad_product[lane.origin + i * lane.stride] : T(0);
    for (int q = s.comparators - 1; q >= 0; --q) {
        const int c = forwards ? q : s.comparators - 1 - q;
        T &a = gradient[int64_t(t.pairs[2 * c]) * warp + threadIdx.x];
        T &b = gradient[int64_t(t.pairs[2 * c + 1]) * warp + threadIdx.x];
        const T u = a, v = b;
        T sum = lane.used ? kept[int64_t(q) * warp + threadIdx.x] * (u - v) : T(0);
        for (int apart = warp / 2; apart > 0; apart /= 2) sum += __shfl_xor_sync(every_lane, sum, apart);
        if (threadIdx.x == 0) space.of_degrees[unit * s.comparators + c] = sum;
        a = stay[c] * u + swap[c] * v;
        b = swap[c] * u + stay[c] * v;
    }
    if (t.grad_weights) store_lane(s, gradient, lane, space.bad[sample], t.grad_weights);
}

template <class T>
__global__ void finish_samples(SortSettings s, SortBackward<T> t, SortSpace<T> space, bool with_product) {
    const int64_t sample = blockIdx.x, n = s.wires;
    T *g = space.gradient + sample * n;
    const T *wires = space.wires + sample * n;
    for (int i = threadIdx.x; i < n; i += blockDim.x)
        g[i] = t.grad_values && !is_hard(wires[i]) ? t.grad_values[sample * n + i] : T(0);
    __syncthreads();
    for (int layer = s.layers - 1; layer >= 0; --layer) {
        for (int c = t.starts[layer] + threadIdx.x; c < t.starts[layer + 1]; c += blockDim.x) {
            const int64_t at = sample * s.comparators + c;
            T of_stay = 0;
            for (int chunk = 0; with_product && chunk < space.chunks; ++chunk)
                of_stay += space.of_degrees[(sample * space.chunks + chunk) * s.comparators + c];
            const int low = t.pairs[2 * c], high = t.pairs[2 * c + 1];
            const T u = g[low], v = g[high], slope = space.slope[at];
            const T in_difference = slope * of_stay - slope * space.difference[at] * (u - v);
            g[low] = space.stay[at] * u + space.swap[at] * v - in_difference;
            g[high] = space.swap[at] * u + space.stay[at] * v + in_difference;
        }
        __syncthreads();
    }
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        const T gradient = is_plain(t.x[sample * n + i]) ? g[i] : T(0);
        t.grad_x[sample * n + i] = space.bad[sample] ? nan_of<T>() : gradient;
    }
}

} // namespace

template <class T> size_t sort_workspace(const SortSettings &s, bool backward, int units) {
    Pieces pieces{nullptr};
    SortSpace<T>(pieces, s, backward, units);
    return pieces.used;
}

template <class T> void sort_forward(const SortSettings &s, const SortForward<T> &t, const SortPlace &place) {
    if (s.batch == 0) return;
    const cudaStream_t stream = static_cast<cudaStream_t>(place.stream);
    Pieces pieces{static_cast<char *>(place.workspace)};
    const SortSpace<T> space(pieces, s, false, place.units);
    GENDR_LAUNCH(run_wires<T>, s.batch, 1, sort_threads, stream, s, t, space, false);
    const int64_t units = int64_t(s.batch) * space.chunks;
    for (int64_t first = 0; first < units; first += space.units) {
        const int64_t some = units - first < space.units ? units - first : space.units;
        GENDR_LAUNCH(send_vectors<T>, some, 1, warp, stream, s, t, space, first);
    }
}

template <class T> void sort_backward(const SortSettings &s, const SortBackward<T> &t, const SortPlace &place) {
    if (s.batch == 0) return;
    const cudaStream_t stream = static_cast<cudaStream_t>(place.stream);
    Pieces pieces{static_cast<char *>(place.workspace)};
    const SortSpace<T> space(pieces, s, true, place.units);
    const SortForward<T> again{t.x, t.pairs, t.starts, t.weights, nullptr, nullptr};
    GENDR_LAUNCH(run_wires<T>, s.batch, 1, sort_threads, stream, s, again, space, true);
    const bool with_product = t.grad_product != nullptr;
    const int64_t units = with_product ? int64_t(s.batch) * space.chunks : 0;
    for (int64_t first = 0; first < units; first += space.units) {
        const int64_t some = units - first < space.units ? units - first : space.units;
        GENDR_LAUNCH(send_back<T>, some, 1, warp, stream, s, t, space, first);
    }
    GENDR_LAUNCH(finish_samples<T>, s.batch, 1, sort_threads, stream, s, t, space, with_product);
}

#define GENDR_SORT_FOR(T)                                                                                              \
    template size_t sort_workspace<T>(const SortSettings &, bool, int);                                                \
    template void sort_forward<T>(const SortSettings &, const SortForward<T> &, const SortPlace &);                    \
    template void sort_backward<T>(const SortSettings &, const SortBackward<T> &, const SortPlace &);
GENDR_SORT_FOR(float)
GENDR_SORT_FOR(double)

} // namespace cuda
} // namespace gendr
