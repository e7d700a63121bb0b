// The forward pass: pairs of several faces are packed into one block, run through the stages, and added to one
// accumulator per pixel.
#pragma once

#include "no_denormals.h"
#include "walk.h"
#include <cstdlib>

namespace gendr {
inline namespace GENDR_ISA {

// The accumulators of an image's pixels. Sums are double, since twenty thousand terms cost float four digits. For power
// families `alpha` keeps the sum's exponent meanwhile, for Maximum the largest argument so far, whose probability is in
// `sum` and face in `state`.
template <class T> struct CoverageSums {
    const Plan<T> &plan;
    T *alpha, *state; // of the image's first pixel, like sum
    double *sum;
    alignas(64) T a[block], q[block], term[block];
    alignas(64) int exponent[block];

    CoverageSums(const Plan<T> &plan, T *alpha, T *state, double *sum)
        : plan(plan), alpha(alpha), state(state), sum(sum) {}

    void reset(int64_t first, int64_t n) {
        const bool is_power = plan.conorm.family == Family::power;
        for (int64_t i = first; i < first + n; ++i) {
            alpha[i] = is_power ? T(-2 * certain_exponent) : -limits<T>::huge;
            state[i] = T(-1); // Maximum: no face yet
        }
    }

    // The pairs' probabilities and what they add; n is padded.
    void evaluate(int n, const T *argument) {
        plan.probabilities(n, argument, term, a, q, nullptr);
        if (plan.conorm.family != Family::maximum) plan.conorm.generator(n, a, q, plan.p, term, exponent);
    }
    void add(int begin, int end, const T *argument, const int *pixel, const int *owner) {
        if (plan.conorm.family == Family::maximum) add_maximum(begin, end, argument, pixel, owner);
        else if (plan.conorm.family == Family::power) add_with_exponents(begin, end, pixel);
        else
            for (int i = begin; i < end; ++i) sum[pixel[i]] += double(term[i]);
    }

  private:
    void add_with_exponents(int begin, int end, const int *pixel) {
        for (int i = begin; i < end; ++i) add_with_exponent(sum[pixel[i]], alpha[pixel[i]], term[i], exponent[i]);
    }
    // The largest argument has the largest probability, and tells faces apart whose probabilities round to 1; of equal
    // ones the first face's counts.
    void add_maximum(int begin, int end, const T *argument, const int *pixel, const int *owner) {
        for (int i = begin; i < end; ++i) {
            const T most = alpha[pixel[i]];
            const bool wins = argument[i] > most || (argument[i] == most && T(owner[i]) < state[pixel[i]]);
            if (wins && a[i] > limits<T>::tiny) {
                alpha[pixel[i]] = argument[i];
                state[pixel[i]] = T(owner[i]);
                sum[pixel[i]] = double(a[i]);
            }
        }
    }
};

// Packs the pairs of several faces into one block.
template <class T> struct ForwardVisit {
    CoverageSums<T> sums;
    int n = 0, face = 0;
    alignas(64) T argument[block + compact_slack];
    alignas(64) int pixel[block + compact_slack], owner[block];

    ForwardVisit(const Plan<T> &plan, T *alpha, T *state, double *sum) : sums(plan, alpha, state, sum) {}

    template <class G> void begin(int f, const Triangle<G> &) { face = f; }
    void end() {}

    template <class G> void pairs(int, int count, int, G, G, const T *from, const int *from_pixel) {
        if (n > block - chunk) flush();
        const int m = n + compact<1>(count, from, sums.plan.least, {from}, {argument + n}, from_pixel, pixel + n);
        if (sums.plan.conorm.family == Family::maximum)
            for (int i = n; i < m; ++i) owner[i] = face;
        n = m;
    }

    void flush() {
        const int filled = n, all = padded(n);
        for (int i = filled; i < all; ++i) argument[i] = T(0);
        sums.evaluate(all, argument);
        sums.add(0, filled, argument, pixel, owner);
        n = 0;
    }
};

template <class T>
void power_state(int n, const T *__restrict sum, const T *__restrict exponent, T p, bool offset, T *__restrict state) {
#pragma omp simd
    for (int i = 0; i < n; ++i) state[i] = power_state_of(sum[i], exponent[i], p, offset);
}

// Alpha and state of n pixels from their sums, in whole blocks through buffers, so that the last pixels of a band take
// the same vector code as all others.
template <class T> void finish(const Plan<T> &plan, int faces, int64_t n, const double *sum, T *alpha, T *state) {
    const Family family = plan.conorm.family;
    if (family == Family::maximum) {
        for (int64_t i = 0; i < n; ++i) alpha[i] = T(sum[i]);
        return;
    }
    const double share = family == Family::average ? 1.0 / math::max(faces, 1) : 1.0;
    alignas(64) T sums[block] = {}, exponents[block] = {}, states[block], out[block], in_state[block];
    for (int64_t first = 0; first < n; first += block) {
        const int m = int(math::min<int64_t>(block, n - first));
        for (int i = 0; i < m; ++i) sums[i] = T(sum[first + i] * share);
        if (family == Family::power) {
            memcpy(exponents, alpha + first, sizeof(T) * m);
            power_state(padded(m), sums, exponents, plan.p, plan.conorm.offset, states);
        }
        const T *result = family == Family::power ? states : sums;
        plan.conorm.aggregate(padded(m), result, plan.p, out, in_state);
        memcpy(state + first, result, sizeof(T) * m);
        memcpy(alpha + first, out, sizeof(T) * m);
    }
}

template <class T> struct ForwardTask {
    const Plan<T> &plan;
    const CoverageForward<T> &tensors;
    int bands;
    bool out_of_memory = false; // set by any task

    static void run(void *context, int task) {
        const NoDenormals guard;
        ForwardTask &self = *static_cast<ForwardTask *>(context);
        const CoverageSettings &s = self.plan.settings;
        const int image = task / self.bands, band = task % self.bands;
        const int row_begin = int(int64_t(s.height) * band / self.bands);
        const int row_end = int(int64_t(s.height) * (band + 1) / self.bands);
        T *alpha = self.tensors.alpha + image * self.plan.pixels(),
          *state = self.tensors.state + image * self.plan.pixels();
        const int64_t first = int64_t(row_begin) * s.width, n = int64_t(row_end - row_begin) * s.width;
        double *sum = static_cast<double *>(calloc(n, sizeof(double)));
        if (!sum) {
            self.out_of_memory = true;
            return;
        }
        ForwardVisit<T> visit(self.plan, alpha, state, sum - first);
        visit.sums.reset(first, n);
        const double tau = self.tensors.tau[image];
        const auto walk = self.plan.wants_double_distances(tau) ? walk_faces<double, T, ForwardVisit<T>>
                                                                : walk_faces<T, T, ForwardVisit<T>>;
        walk(self.plan, self.plan.face(self.tensors.face_vertices, image, 0), tau, 0, s.face_count(image), row_begin,
             row_end, visit);
        visit.flush();
        finish(self.plan, s.face_count(image), n, sum, alpha + first, state + first);
        free(sum);
    }
};

template <class T>
const char *forward(const CoverageSettings &settings, const CoverageForward<T> &tensors, const Parallel &parallel) {
    static thread_local GammaTable table;
    const Plan<T> plan(settings, table);
    // A pixel's sum runs over the faces in order in any band, so the bands are free to follow the threads.
    const int wanted = parallel.threads == 1 ? 1 : 4 * parallel.threads;
    const int bands = math::clamp((wanted + settings.batch - 1) / math::max(settings.batch, 1), 1, settings.height);
    ForwardTask<T> task{plan, tensors, bands};
    parallel.run(parallel.pool, settings.batch * bands, ForwardTask<T>::run, &task);
    return task.out_of_memory ? "out of memory" : nullptr;
}

} // namespace GENDR_ISA
} // namespace gendr
