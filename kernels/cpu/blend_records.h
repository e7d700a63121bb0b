// A record for each pixel: what its faces show, summed by weight, while they are drawn, and what the sums come to.
#pragma once

#include "forward.h"
#include "gendr/blend.h"
#include "record_lanes.h"

namespace gendr {
inline namespace GENDR_ISA {

constexpr int finished_at_once = 64; // pixels

// Numbers of a record: its channels, and at the very end the pixel's sum of coverage.
inline int record_stride(const BlendSettings &s) { return (s.channels() + record_lanes) / record_lanes * record_lanes; }

// The steps, or the face, of a pixel that shows the background alone. Its record holds nothing yet.
template <class T> constexpr T untouched = -limits<T>::huge;

// Whether coverage's sum is kept in the record: one look at a pixel serves both. The other families keep more than a
// sum, and hard blending has no record where a face touches a pixel without covering it.
template <class T>
bool joins_coverage(const Plan<T> &plan, const BlendSettings &s) {
    const Family family = plan.conorm.family;
    return !s.is_hard && (family == Family::product || family == Family::average);
}

// From records to the outputs.
template <class T> struct RecordFinish {
    const BlendSettings &settings;
    math::Stepped<T> behind; // the background's weight

    // Of n pixels in a row. `known` is the number of channels where it is known to the compiler, as it is for three
    // colours.
    template <int known>
    void pixels(int64_t n, const double *record, const T *top, T *blended, T *state) const {
        const int channels = known ? known : settings.channels();
        for (int64_t i = 0; i < n; i += finished_at_once) {
            const int count = int(math::min<int64_t>(finished_at_once, n - i));
            T *to = blended + i * channels, *to_state = state + 2 * i;
            if (shows_background(count, top + i)) background(count, channels, to, to_state);
            else few_pixels<known>(count, record + i * record_stride(settings), top + i, to, to_state);
        }
    }

    // Coverage's sums of n pixels, which stand at the ends of their records.
    void coverage_sums(int64_t n, const double *record, const T *top, double *sums) const {
        const int stride = record_stride(settings);
        for (int64_t i = 0; i < n; i += finished_at_once) {
            const int64_t end = math::min<int64_t>(n, i + finished_at_once);
            if (shows_background(int(end - i), top + i))
                for (int64_t k = i; k < end; ++k) sums[k] = 0.0;
            else
                for (int64_t k = i; k < end; ++k) sums[k] = top[k] == untouched<T> ? 0.0 : record[(k + 1) * stride - 1];
        }
    }

  private:
    static bool shows_background(int n, const T *__restrict top) {
        int touched = 0;
#pragma omp simd reduction(+ : touched)
        for (int i = 0; i < n; ++i) touched += top[i] != untouched<T>;
        return touched == 0;
    }

    // What `few_pixels` gives where no face is.
    void background(int n, int channels, T *__restrict blended, T *__restrict state) const {
        const T alone = T(1.0 / double(behind.mantissa)), steps = settings.is_hard ? T(-1) : behind.steps;
        const T whole = settings.is_hard ? T(1) : alone;
        const T weight = settings.is_hard ? T(1) : share_of(T(1), behind.mantissa, steps, steps, whole);
        for (int k = 0; k < n * channels; ++k) blended[k] = T(0);
        for (int i = 0; i < n; ++i) blended[i * channels] = weight;
        for (int i = 0; i < n; ++i) {
            state[2 * i] = steps;
            state[2 * i + 1] = whole;
        }
    }

    template <int known>
    void few_pixels(int n, const double *record, const T *__restrict top, T *blended, T *__restrict state) const {
        const int stride = record_stride(settings), channels = known ? known : settings.channels();
        const bool is_hard = settings.is_hard;
        const double alone = double(T(1.0 / double(behind.mantissa)));
        alignas(64) double inverse[finished_at_once];
        alignas(64) T weight[finished_at_once];
        for (int i = 0; i < n; ++i)
            inverse[i] = is_hard ? 1.0 : (top[i] != untouched<T> ? 1.0 / record[int64_t(i) * stride] : alone);
#pragma omp simd
        for (int i = 0; i < n; ++i) {
            const bool is_touched = top[i] != untouched<T>;
            const T steps = is_touched ? top[i] : (is_hard ? T(-1) : behind.steps), whole = T(inverse[i]);
            const T share = share_of(T(1), behind.mantissa, behind.steps, steps, whole);
            state[2 * i] = steps;
            state[2 * i + 1] = whole;
            weight[i] = is_hard ? (is_touched ? T(0) : T(1)) : share;
        }
        for (int i = 0; i < n; ++i) {
            T *to = blended + int64_t(i) * channels;
            const double *from = record + int64_t(i) * stride;
            to[0] = weight[i];
            if (top[i] == untouched<T>)
                for (int k = 1; k < channels; ++k) to[k] = T(0);
            else if (known == 5) four_values(from, inverse[i], to + 1);
            else
                for (int k = 1; k < channels; ++k) to[k] = T(from[k] * inverse[i]);
        }
    }

    static void four_values(const double *record, double inverse, T *to) {
        typedef double FourSums __attribute__((vector_size(4 * sizeof(double)), aligned(sizeof(double)), may_alias));
        typedef T Four __attribute__((vector_size(4 * sizeof(T)), aligned(sizeof(T)), may_alias));
        *reinterpret_cast<Four *>(to) =
            __builtin_convertvector(*reinterpret_cast<const FourSums *>(record + 1) * inverse, Four);
    }
};

} // namespace GENDR_ISA
} // namespace gendr
