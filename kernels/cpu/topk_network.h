// A relaxed comparator network on some samples side by side, one a lane: the values x, and the column v of the
// permutation matrix that belongs to the label. Forward stores two numbers a comparator, from which backward computes
// the rest again.
#pragma once

#include "stages.h"
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace gendr {
inline namespace GENDR_ISA {
namespace topk {

constexpr int samples = 16;             // lanes
constexpr int comparators_at_once = 16; // of one layer, through the distribution's stage

// Differences beyond it are compared hard, without a gradient; infinite scores are `infinite_score`.
constexpr double hard_difference = 1e20, infinite_score = 1e25, largest_argument = 1e18;

// Networks send the smaller value to `low`; ranks count from the largest score. So the wires carry -score.
template <class T> GENDR_HD T enclosed(T score) { return -math::clamp(score, T(-infinite_score), T(infinite_score)); }

struct Comparators {
    const int32_t *pairs, *starts;
    int layers;
    int count() const { return layers ? starts[layers] : 0; }
};

// A thread's arrays, kept from call to call: fresh pages would cost as much as the work.
template <class T> struct Workspace {
    T *x = nullptr, *v = nullptr; // [wires][samples]
    T *d = nullptr, *e = nullptr; // [comparators][samples]: differences of x and of v
    T *value = nullptr;           // [ranked]
    int *index = nullptr;         // [samples][ranked]
    void *block = nullptr;
    size_t bytes = 0;

    ~Workspace() { free(block); }
    bool reserve(int wires, int comparators, int ranked) {
        const size_t of_wires = size_t(wires) * samples, of_comparators = size_t(comparators) * samples;
        const size_t numbers = 2 * of_wires + 2 * of_comparators + size_t(padded(ranked));
        const size_t wanted = numbers * sizeof(T) + size_t(ranked) * samples * sizeof(int);
        if (wanted > bytes) {
            free(block);
            bytes = (wanted + 63) / 64 * 64;
            block = aligned_alloc(64, bytes);
            if (!block) bytes = 0;
        }
        if (wanted > bytes) return false;
        x = static_cast<T *>(block);
        v = x + of_wires;
        d = v + of_wires;
        e = d + of_comparators;
        value = e + of_comparators;
        index = reinterpret_cast<int *>(value + padded(ranked));
        return true;
    }
};

// Rows of scores into lanes, and back. Tiles keep both sides in the first cache.
template <class T> void load(const T *scores, int count, int classes, T *__restrict x) {
    for (int begin = 0; begin < classes; begin += samples) {
        const int end = math::min(classes, begin + samples);
        for (int k = 0; k < samples; ++k)
            for (int i = begin; i < end; ++i)
                x[int64_t(i) * samples + k] = k < count ? enclosed(scores[int64_t(k) * classes + i]) : T(0);
    }
}

template <class T> void store(const T *x, int count, int classes, T *__restrict out) {
    for (int begin = 0; begin < classes; begin += samples) {
        const int end = math::min(classes, begin + samples);
        for (int k = 0; k < count; ++k)
            for (int i = begin; i < end; ++i) out[int64_t(k) * classes + i] = x[int64_t(i) * samples + k];
    }
}

template <class T> struct RelaxedNetwork {
    Comparators network;
    ProbabilityStage<T> stage;
    T scale;
    Workspace<T> &space;

    // `stay` and `swap` of n differences, and where `slope` is not null the derivative of `stay`.
    void probabilities(int n, const T *__restrict d, T *__restrict stay, T *__restrict swap, T *slope) const {
        alignas(64) T argument[comparators_at_once * samples];
        const T factor = scale, most = T(largest_argument), hard = T(hard_difference);
#pragma omp simd
        for (int i = 0; i < n; ++i) argument[i] = math::clamp(d[i] * factor, -most, most);
        stage(n, argument, stay, swap, slope, GammaShape());
#pragma omp simd
        for (int i = 0; i < n; ++i) {
            const T sign = d[i] > T(0) ? T(1) : T(0);
            const bool is_hard = math::abs(d[i]) > hard;
            stay[i] = is_hard ? sign : stay[i];
            swap[i] = is_hard ? T(1) - sign : swap[i];
        }
        if (!slope) return;
#pragma omp simd
        for (int i = 0; i < n; ++i) slope[i] = math::abs(d[i]) > hard ? T(0) : slope[i] * factor;
    }

    template <bool keep> void forward() const {
        alignas(64) T stay[comparators_at_once * samples], swap[comparators_at_once * samples];
        alignas(64) T difference[comparators_at_once * samples];
        for (int layer = 0; layer < network.layers; ++layer) {
            for (int first = network.starts[layer]; first < network.starts[layer + 1]; first += comparators_at_once) {
                const int count = math::min(comparators_at_once, network.starts[layer + 1] - first);
                const int32_t *pairs = network.pairs + 2 * first;
                T *d = keep ? space.d + int64_t(first) * samples : difference;
                for (int c = 0; c < count; ++c) {
                    const T *__restrict low = space.x + int64_t(pairs[2 * c]) * samples;
                    const T *__restrict high = space.x + int64_t(pairs[2 * c + 1]) * samples;
#pragma omp simd
                    for (int k = 0; k < samples; ++k) d[c * samples + k] = high[k] - low[k];
                }
                probabilities(count * samples, d, stay, swap, nullptr);
                for (int c = 0; c < count; ++c) {
                    const int64_t low = int64_t(pairs[2 * c]) * samples, high = int64_t(pairs[2 * c + 1]) * samples;
                    T *e = keep ? space.e + int64_t(first + c) * samples : difference + c * samples;
                    mix(stay + c * samples, swap + c * samples, space.x + low, space.x + high, nullptr);
                    mix(stay + c * samples, swap + c * samples, space.v + low, space.v + high, keep ? e : nullptr);
                }
            }
        }
    }

    static void mix(const T *__restrict stay, const T *__restrict swap, T *__restrict low, T *__restrict high,
                    T *__restrict difference) {
        if (difference) {
#pragma omp simd
            for (int k = 0; k < samples; ++k) difference[k] = low[k] - high[k];
        }
#pragma omp simd
        for (int k = 0; k < samples; ++k) {
            const T a = low[k], b = high[k];
            low[k] = stay[k] * a + swap[k] * b;
            high[k] = swap[k] * a + stay[k] * b;
        }
    }

    // From d mass / d (x, v) after the last layer, in their places, to those before the first; x's then have the sign
    // of the scores.
    void backward() const {
        alignas(64) T stay[comparators_at_once * samples], swap[comparators_at_once * samples];
        alignas(64) T slope[comparators_at_once * samples];
        for (int layer = network.layers - 1; layer >= 0; --layer) {
            for (int first = network.starts[layer]; first < network.starts[layer + 1]; first += comparators_at_once) {
                const int count = math::min(comparators_at_once, network.starts[layer + 1] - first);
                const int32_t *pairs = network.pairs + 2 * first;
                const int64_t offset = int64_t(first) * samples;
                probabilities(count * samples, space.d + offset, stay, swap, slope);
                for (int c = 0; c < count; ++c)
                    unmix(stay + c * samples, swap + c * samples, slope + c * samples, space.d + offset + c * samples,
                          space.e + offset + c * samples, pairs + 2 * c);
            }
        }
    }

    // `gradient` of x is kept with the sign of the scores: the minus of enclosed() and that of d stay(x) cancel into
    // it.
    void unmix(const T *__restrict stay, const T *__restrict swap, const T *__restrict slope, const T *__restrict d,
               const T *__restrict e, const int32_t *pair) const {
        const int64_t low = int64_t(pair[0]) * samples, high = int64_t(pair[1]) * samples;
        T *__restrict g_low = space.x + low, *__restrict g_high = space.x + high;
        T *__restrict u_low = space.v + low, *__restrict u_high = space.v + high;
#pragma omp simd
        for (int k = 0; k < samples; ++k) {
            const T g = g_low[k] - g_high[k], u = u_low[k] - u_high[k];
            // With x = -score: d stay = slope * d(x_high - x_low), and g here is minus the derivative in x.
            const T in_difference = slope[k] * (u * e[k] + g * d[k]);
            const T a = stay[k] * g_low[k] + swap[k] * g_high[k], b = swap[k] * g_low[k] + stay[k] * g_high[k];
            g_low[k] = a + in_difference;
            g_high[k] = b - in_difference;
            const T low_v = u_low[k], high_v = u_high[k];
            u_low[k] = stay[k] * low_v + swap[k] * high_v;
            u_high[k] = swap[k] * low_v + stay[k] * high_v;
        }
    }
};

} // namespace topk
} // namespace GENDR_ISA
} // namespace gendr
