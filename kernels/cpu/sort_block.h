// A block of `W` lanes on every wire, and its way through a network. The lanes are samples, each with its own degrees
// (for small networks), or vectors of one sample that share the degrees (for large ones).
#pragma once

#include "sort_itinerary.h"
#include "sort_turn.h"
#include "stages.h"

namespace gendr {
inline namespace GENDR_ISA {

// Memory of one thread, kept from call to call.
class Scratch {
    char *data_ = nullptr;
    size_t size_ = 0, used_ = 0;

  public:
    static Scratch &of_this_thread() {
        static thread_local Scratch scratch;
        return scratch;
    }
    // Makes room for all that `take` will hand out until the next call.
    void reserve(size_t bytes) {
        used_ = 0;
        if (bytes <= size_) return;
        free(data_);
        size_ = (bytes + bytes / 4 + 4095) / 4096 * 4096;
        data_ = static_cast<char *>(aligned_alloc(4096, size_));
        if (!data_) abort();
    }
    template <class T> T *take(size_t count) {
        T *begin = reinterpret_cast<T *>(data_ + used_);
        used_ += bytes_of<T>(count);
        return begin;
    }
    template <class T> static size_t bytes_of(size_t count) { return (count * sizeof(T) + 127) / 64 * 64; }
    ~Scratch() { free(data_); }
};

// Of all comparators, or of a layer: the degrees, and for gradients the differences and slopes.
template <class T> struct Degrees {
    T *stay, *swap, *difference, *slope, *argument;
    bool keep; // all layers, with slopes; else only the layer at hand

    static size_t bytes(size_t comparators, bool keep) {
        return (keep ? 5 : 4) * Scratch::bytes_of<T>(comparators + lanes);
    }
    Degrees(Scratch &scratch, size_t comparators, bool with_slopes)
        : stay(scratch.take<T>(comparators + lanes)), swap(scratch.take<T>(comparators + lanes)),
          difference(scratch.take<T>(comparators + lanes)),
          slope(with_slopes ? scratch.take<T>(comparators + lanes) : nullptr),
          argument(scratch.take<T>(comparators + lanes)), keep(with_slopes) {}
};

// Of a block `[wires][G][W]`: G vectors, each of W lanes. The lanes' degrees are read once for all G.
template <class T, int W, int G, bool shared, bool keeping>
GENDR_HD void mix(T *__restrict a, T *__restrict b, const T *__restrict stay, const T *__restrict swap,
                  T *__restrict kept) {
#pragma omp simd
    for (int l = 0; l < W; ++l) {
        const T s = shared ? *stay : stay[l], w = shared ? *swap : swap[l];
        for (int g = 0; g < G; ++g) {
            const T u = a[g * W + l], v = b[g * W + l];
            if (keeping) kept[g * W + l] = u - v;
            a[g * W + l] = s * u + w * v;
            b[g * W + l] = w * u + s * v;
        }
    }
}

// The layers are symmetric: gradients pass as values do. What the degree `stay` gets is left in `kept`, lane by lane,
// where lanes share it, else it is added to `gradient`.
template <class T, int W, int G, bool shared>
GENDR_HD void pass_back(T *__restrict a, T *__restrict b, const T *__restrict stay, const T *__restrict swap,
                        T *__restrict kept, T *__restrict gradient) {
    if (shared) {
#pragma omp simd
        for (int l = 0; l < W; ++l) {
            const T u = a[l], v = b[l];
            kept[l] *= u - v;
            a[l] = *stay * u + *swap * v;
            b[l] = *swap * u + *stay * v;
        }
    } else {
#pragma omp simd
        for (int l = 0; l < W; ++l) {
            const T s = stay[l], w = swap[l];
            T sum = gradient[l];
            for (int g = 0; g < G; ++g) {
                const T u = a[g * W + l], v = b[g * W + l];
                sum += kept[g * W + l] * (u - v);
                a[g * W + l] = s * u + w * v;
                b[g * W + l] = w * u + s * v;
            }
            gradient[l] = sum;
        }
    }
}

// Degrees of the comparators first <= c < last, which are one layer, at `x` `[wires][W]`.
template <class T, int W>
void compare(const SortSettings &settings, const Comparators &network, int first, int last, const T *x,
             const Degrees<T> &out) {
    const SortArgument<T> argument(settings);
    const size_t at = out.keep ? size_t(first) * W : 0;
    T *difference = out.difference + at, *u = out.argument, *stay = out.stay + at, *swap = out.swap + at;
    T *slope = out.keep ? out.slope + at : nullptr;
    const int count = (last - first) * W, all = padded(count);
    for (int c = first; c < last; ++c) {
        const T *a = x + size_t(network.low(c)) * W, *b = x + size_t(network.high(c)) * W;
        T *d = difference + size_t(c - first) * W;
#pragma omp simd
        for (int l = 0; l < W; ++l) d[l] = b[l] - a[l];
    }
    for (int i = count; i < all; ++i) difference[i] = T(0);
    const bool art = settings.art > 0.0;
    if (art) {
#pragma omp simd
        for (int i = 0; i < all; ++i) u[i] = argument.replaced(difference[i]);
    } else {
#pragma omp simd
        for (int i = 0; i < all; ++i) u[i] = argument.plain(difference[i]);
    }
    probability_stage_of<T>(settings.distribution)(all, u, stay, swap, slope, GammaShape());
    if (!slope) {
#pragma omp simd
        for (int i = 0; i < all; ++i) {
            const Comparator<T> one = decided(difference[i], Comparator<T>{stay[i], swap[i], T(0)});
            stay[i] = one.stay;
            swap[i] = one.swap;
        }
        return;
    }
    if (art) {
#pragma omp simd
        for (int i = 0; i < all; ++i) slope[i] *= argument.replaced_slope(difference[i]);
    } else {
#pragma omp simd
        for (int i = 0; i < all; ++i) slope[i] *= argument.plain_slope(difference[i]);
    }
#pragma omp simd
    for (int i = 0; i < all; ++i) {
        const Comparator<T> one = decided(difference[i], Comparator<T>{stay[i], swap[i], slope[i]});
        stay[i] = one.stay;
        swap[i] = one.swap;
        slope[i] = one.slope;
        difference[i] = is_hard(difference[i]) ? T(0) : difference[i];
    }
}

// Sends `x` `[wires][W]` through all layers.
template <class T, int W>
void sort_values(const SortSettings &settings, const Comparators &network, T *x, const Degrees<T> &out) {
    for (int layer = 0; layer < network.layers; ++layer) {
        const int first = network.starts[layer], last = network.starts[layer + 1];
        compare<T, W>(settings, network, first, last, x, out);
        const size_t at = out.keep ? size_t(first) * W : 0;
        for (int c = first; c < last; ++c) {
            const size_t i = at + size_t(c - first) * W;
            mix<T, W, 1, false, false>(x + size_t(network.low(c)) * W, x + size_t(network.high(c)) * W, out.stay + i,
                                       out.swap + i, nullptr);
        }
    }
}

// The gradient of `x` from that of the sorted values, in `g` `[wires][W]`, and from that of the degrees.
template <class T, int W>
void values_back(const Comparators &network, const Degrees<T> &at, const T *of_degrees, T *g) {
    for (int c = network.count - 1; c >= 0; --c) {
        const size_t i = size_t(c) * W;
        T *__restrict a = g + size_t(network.low(c)) * W;
        T *__restrict b = g + size_t(network.high(c)) * W;
        const T *stay = at.stay + i, *swap = at.swap + i, *d = at.difference + i, *slope = at.slope + i;
        const T *of_stay = of_degrees + i;
#pragma omp simd
        for (int l = 0; l < W; ++l) {
            const T u = a[l], v = b[l];
            const T in_difference = slope[l] * of_stay[l] - slope[l] * d[l] * (u - v); // d f'(d) is small, d may not be
            a[l] = stay[l] * u + swap[l] * v - in_difference;
            b[l] = swap[l] * u + stay[l] * v + in_difference;
        }
    }
}

// Has the rows that are written next but seven brought into the first cache: loads wait behind stores that miss it.
template <class T, int width> GENDR_HD void fetch_ahead(T *rows) {
    for (int l = 0; l < width; l += int(64 / sizeof(T))) __builtin_prefetch(rows + 8 * width + l, 1);
}

// Sends a block along its route; `kept` takes each comparator's difference of its two wires.
template <class T, int W, int G, bool shared, bool keeping>
void send(const Comparators &network, const Degrees<T> &at, T *block, const Route &route, T *kept) {
    constexpr int width = W * G;
    for (int r = 0; r < route.count; ++r) {
        const Run &run = route.runs[r];
        for (int q = 0, c = run.first; q < run.count; ++q, c += route.step) {
            const size_t i = shared ? size_t(c) : size_t(c) * W;
            mix<T, W, G, shared, keeping>(block + size_t(network.low(c)) * width,
                                          block + size_t(network.high(c)) * width, at.stay + i, at.swap + i, kept);
            if (!keeping) continue;
            fetch_ahead<T, width>(kept);
            kept += width;
        }
    }
}

// Adds the sum of a row's `W` lanes to total[0], of the next row's to total[step], ... Four rows at once: lanes of one
// register are expensive to add, those of four are not.
template <class T, int W> void add_sums(const T *rows, int count, T *total, int step) {
    for (int q = 0; q < count; q += 4) {
        alignas(64) T folded[16], turned[16];
        for (int k = 0; k < 4; ++k) {
            const T *row = rows + size_t(math::min(q + k, count - 1)) * W;
#pragma omp simd
            for (int j = 0; j < 4; ++j) {
                T sum = row[j];
                for (int l = 4; l < W; l += 4) sum += row[l + j];
                folded[4 * k + j] = sum;
            }
        }
        turn_block(folded, 4, turned, 4);
        for (int k = 0; k < math::min(4, count - q); ++k, total += step)
            *total += (turned[k] + turned[4 + k]) + (turned[8 + k] + turned[12 + k]);
    }
}

// The way back of `send`, for the gradient of its outcome. Uses `kept` up.
template <class T, int W, int G, bool shared>
void send_back(const Comparators &network, const Degrees<T> &at, T *gradient, const Route &route, T *kept,
               T *of_degrees) {
    constexpr int width = W * G;
    T *end = kept + size_t(route.visits) * width;
    for (int r = route.count - 1; r >= 0; --r) {
        const Run &run = route.runs[r];
        for (int q = run.count - 1, c = run.first + q * route.step; q >= 0; --q, c -= route.step) {
            const size_t i = shared ? size_t(c) : size_t(c) * W;
            end -= width;
            pass_back<T, W, G, shared>(gradient + size_t(network.low(c)) * width,
                                       gradient + size_t(network.high(c)) * width, at.stay + i, at.swap + i, end,
                                       of_degrees + i);
        }
        if (shared) add_sums<T, W>(end, run.count, of_degrees + run.first, route.step);
    }
}

} // namespace GENDR_ISA
} // namespace gendr
