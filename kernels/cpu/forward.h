// The forward pass: pairs of several faces are packed into one block, run through the stages, and added to one
// accumulator per pixel.
#pragma once

#include "walk.h"

namespace gendr {
inline namespace GENDR_ISA {

// Accumulates into `state`, and for power families keeps the sum's exponent, for Maximum the maximum, in `alpha`.
template <class T> struct ForwardVisit {
    const Plan<T> &plan;
    T *alpha, *state;
    int n = 0, face = 0;
    alignas(64) T argument[block + compact_slack];
    alignas(64) T a[block], q[block], term[block];
    alignas(64) int pixel[block + compact_slack], exponent[block], owner[block];

    ForwardVisit(const Plan<T> &plan, T *alpha, T *state) : plan(plan), alpha(alpha), state(state) {}

    void begin(int f, const Triangle<T> &) { face = f; }
    void end() {}

    void pairs(int, int count, int, T, const T *from, const int *from_pixel) {
        if (n > block - chunk) flush();
        const int m = n + compact<1>(count, from, plan.least, {from}, {argument + n}, from_pixel, pixel + n);
        if (plan.conorm.family == Family::maximum)
            for (int i = n; i < m; ++i) owner[i] = face;
        n = m;
    }

    void flush() {
        const int filled = n, all = padded(n);
        for (int i = filled; i < all; ++i) argument[i] = T(0);
        plan.probabilities(all, argument, term, a, q, nullptr);
        if (plan.conorm.family == Family::maximum) {
            add_maximum(filled);
        } else {
            plan.conorm.generator(all, a, q, plan.p, term, exponent);
            plan.conorm.family == Family::power ? add_with_exponents(filled) : add(filled);
        }
        n = 0;
    }

    void add(int filled) {
        for (int i = 0; i < filled; ++i) state[pixel[i]] += term[i];
    }
    void add_with_exponents(int filled) {
        const T step = T(5.421010862427522e-20); // 2^-64; a term two steps below is beyond the last bit
        for (int i = 0; i < filled; ++i) {
            T &sum = state[pixel[i]], &sum_exponent = alpha[pixel[i]];
            const T e = T(exponent[i]);
            if (e == sum_exponent) {
                sum += term[i];
            } else if (e > sum_exponent) {
                if (term[i] > T(0)) {
                    sum = (e - sum_exponent == T(1) ? sum * step : T(0)) + term[i];
                    sum_exponent = e;
                }
            } else if (sum_exponent - e == T(1)) {
                sum += term[i] * step;
            }
        }
    }
    void add_maximum(int filled) {
        for (int i = 0; i < filled; ++i) {
            if (a[i] > alpha[pixel[i]]) {
                alpha[pixel[i]] = a[i];
                state[pixel[i]] = T(owner[i]);
            }
        }
    }
};

// L = ln(sum) / p, or ln(1 + sum) / p, from a sum kept as mantissa and exponent.
template <class T> void power_state(int64_t n, T *__restrict state, const T *__restrict exponent, T p, bool offset) {
    const T step = T(44.3614195558365); // 64 ln 2
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
        const T sum = state[i], whole = math::log(math::max(sum, limits<T>::tiny)) + exponent[i] * step;
        const T with_one = -math::neg_log_complement(-math::min(sum, T(1e25)), T(1) + math::min(sum, T(1e25)));
        const T l = offset && exponent[i] <= T(0) ? with_one : whole;
        state[i] = sum > T(0) ? l / p : (offset ? T(0) : T(-1e8));
    }
}

template <class T> void initialise(const Plan<T> &plan, int64_t n, T *alpha, T *state) {
    const Family family = plan.conorm.family;
    const T first_alpha = family == Family::power ? T(-2 * certain_exponent) : T(0);
    const T first_state = family == Family::maximum ? T(-1) : T(0);
    for (int64_t i = 0; i < n; ++i) {
        alpha[i] = first_alpha;
        state[i] = first_state;
    }
}

template <class T> void finish(const Plan<T> &plan, int64_t n, T *alpha, T *state) {
    const Family family = plan.conorm.family;
    if (family == Family::maximum) return;
    if (family == Family::average) {
        const T share = T(1.0 / math::max(plan.settings.faces, 1));
        for (int64_t i = 0; i < n; ++i) state[i] *= share;
    }
    if (family == Family::power) power_state(n, state, alpha, plan.p, plan.conorm.offset);
    // Whole blocks through a buffer, so that the last pixels of a band take the same vector code as all others.
    alignas(64) T in[block] = {}, out[block], in_state[block];
    for (int64_t i = 0; i < n; i += block) {
        const int m = int(math::min<int64_t>(block, n - i));
        memcpy(in, state + i, sizeof(T) * m);
        plan.conorm.aggregate(padded(m), in, plan.p, out, in_state);
        memcpy(alpha + i, out, sizeof(T) * m);
    }
}

template <class T> struct ForwardTask {
    const Plan<T> &plan;
    const CoverageForward<T> &tensors;
    int bands;

    static void run(void *context, int task) {
        const ForwardTask &self = *static_cast<const ForwardTask *>(context);
        const CoverageSettings &s = self.plan.settings;
        const int image = task / self.bands, band = task % self.bands;
        const int row_begin = int(int64_t(s.height) * band / self.bands);
        const int row_end = int(int64_t(s.height) * (band + 1) / self.bands);
        T *alpha = self.tensors.alpha + image * self.plan.pixels(),
          *state = self.tensors.state + image * self.plan.pixels();
        const int64_t first = int64_t(row_begin) * s.width, n = int64_t(row_end - row_begin) * s.width;
        initialise(self.plan, n, alpha + first, state + first);
        ForwardVisit<T> visit(self.plan, alpha, state);
        walk_faces(self.plan, self.tensors.face_vertices, self.tensors.tau[image], image, 0, s.faces, row_begin,
                   row_end, visit);
        visit.flush();
        finish(self.plan, n, alpha + first, state + first);
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
    return nullptr;
}

} // namespace GENDR_ISA
} // namespace gendr
