// The backward pass: the pairs are formed again, face by face; each face's gradient is summed and written once. No
// atomics, and fixed tasks, so that the bits do not depend on the threads.
#pragma once

#include "no_denormals.h"
#include "segment.h"
#include <cstdlib>

namespace gendr {
inline namespace GENDR_ISA {

constexpr int faces_per_task = 64; // fixed: sums must not depend on the number of threads

struct ParameterSums {
    double tau = 0.0, shift = 0.0, p = 0.0;
};

template <class T, class G> struct BackwardVisit {
    const Plan<T> &plan;
    const T *factor, *state; // of each pixel: d loss / d state, and the state
    double *face_sums;       // [faces of the task][6]
    ParameterSums sums;
    int first_face;
    G scale; // d argument / d distance (squared: / d (|d| d / 2))
    bool wants_p;
    int n = 0, segments = 0;
    alignas(64) T found[chunk], found_c[chunk], found_l[chunk], found_index[chunk];
    alignas(64) T argument[block + compact_slack], c[block + compact_slack], l[block + compact_slack],
        index[block + compact_slack];
    alignas(64) T u[block], a[block], q[block], slope[block];
    Segment<G> segment[most_segments];

    BackwardVisit(const Plan<T> &plan, const T *factor, const T *state, double *face_sums, int first_face, G scale,
                  bool wants_p)
        : plan(plan), factor(factor), state(state), face_sums(face_sums), first_face(first_face), scale(scale),
          wants_p(wants_p) {}

    void begin(int f, const Triangle<G> &triangle) {
        if (segments == most_segments || n > block - chunk) flush();
        segment[segments].triangle = triangle;
        segment[segments].face = f;
        segment[segments].begin = n;
        segment[segments].cols = 0;
    }
    void end() {
        Segment<G> &s = segment[segments];
        s.end = padded(n);
        for (; n < s.end; ++n) argument[n] = c[n] = l[n] = index[n] = T(0);
        segments += s.end > s.begin;
    }
    // The same face goes on in a segment of its own: the block is full, or the next rows are counted anew.
    void reopen() {
        const Segment<G> current = segment[segments];
        end();
        begin(current.face, current.triangle);
    }

    void pairs(int k0, int count, int cols, G col_offset, G row_offset, const T *from, const int *pixel) {
        const bool next_rows = segment[segments].cols != 0 && segment[segments].row_offset != row_offset;
        if (n > block - chunk || next_rows) reopen();
        segment[segments].cols = cols;
        segment[segments].col_offset = col_offset;
        segment[segments].row_offset = row_offset;
        const Family family = plan.conorm.family;
        if (family == Family::maximum) look_up<Family::maximum>(padded(count), from, pixel);
        else if (family == Family::power) look_up<Family::power>(padded(count), from, pixel);
        else look_up<Family::product>(padded(count), from, pixel);
        for (int i = 0; i < padded(count); ++i) found_index[i] = T(k0 + i);
        if (family == Family::power)
            n += compact<4>(count, found, plan.least, {found, found_c, found_index, found_l},
                            {argument + n, c + n, index + n, l + n}, nullptr, nullptr);
        else
            n += compact<3>(count, found, plan.least, {found, found_c, found_index}, {argument + n, c + n, index + n},
                            nullptr, nullptr);
    }

    // What the pixels of a chunk hold; the argument of a pair without a gradient falls below every cut-off.
    template <Family family> void look_up(int count, const T *from, const int *pixel) {
        const T winner = T(segment[segments].face);
        const T *__restrict factors = factor, *__restrict states = state;
        T *__restrict keys = found, *__restrict cs = found_c, *__restrict ls = found_l;
#pragma omp simd
        for (int i = 0; i < count; ++i) {
            const T pixel_factor = factors[pixel[i]];
            bool counts = pixel_factor != T(0);
            if (family == Family::maximum) counts = counts & (states[pixel[i]] == winner);
            if (family == Family::power) ls[i] = states[pixel[i]];
            cs[i] = pixel_factor;
            keys[i] = counts ? from[i] : -limits<T>::huge;
        }
    }

    void flush() {
        if (n == 0) return;
        plan.probabilities(n, argument, u, a, q, slope);
        if (wants_p) sums.p += plan.conorm.in_p(n, a, q, c, l, plan.p);
        plan.conorm.derivative(n, a, q, c, l, plan.p, slope);
        double in_tau = 0.0, in_shift = 0.0;
#pragma omp simd reduction(+ : in_tau, in_shift)
        for (int i = 0; i < n; ++i) {
            in_tau += double(slope[i]) * double(argument[i]);
            in_shift += double(slope[i]);
        }
        sums.tau -= in_tau;
        sums.shift += in_shift;
        for (int i = 0; i < segments; ++i) {
            const Segment<G> &s = segment[i];
            (plan.settings.is_squared ? gradient_stage<true, T, G>
                                      : gradient_stage<false, T, G>)(s, scale, index + s.begin, slope + s.begin,
                                                                     face_sums + 6 * (s.face - first_face));
        }
        n = segments = 0;
    }
};

template <class T> struct BackwardTask {
    const Plan<T> &plan;
    const CoverageBackward<T> &tensors;
    T *factor; // [batch, height, width]
    ParameterSums *sums;
    int tasks_per_image;

    static void factors(void *context, int task) {
        const NoDenormals guard;
        const BackwardTask &self = *static_cast<const BackwardTask *>(context);
        const int64_t first = int64_t(task) * chunk, total = self.plan.pixels() * self.plan.settings.batch;
        self.factors(first, math::min<int64_t>(total, first + chunk), self.factor + first);
    }
    // d loss / d state of the pixels [first, end), a chunk at most.
    void factors(int64_t first, int64_t end, T *to) const {
        alignas(64) T in[chunk], out[chunk], in_state[chunk];
        const int n = int(end - first), all = padded(n);
        memcpy(in, tensors.state + first, sizeof(T) * n);
        for (int i = n; i < all; ++i) in[i] = T(0);
        if (plan.conorm.family == Family::maximum)
            for (int i = 0; i < all; ++i) in_state[i] = T(1);
        else plan.conorm.aggregate(all, in, plan.p, out, in_state);
        for (int64_t i = first; i < end; ++i) to[i - first] = tensors.grad_alpha[i] * in_state[i - first];
        if (plan.conorm.family == Family::average)
            for (int64_t i = first; i < end; ++i)
                to[i - first] /= T(math::max(plan.settings.face_count(int(i / plan.pixels())), 1));
    }

    template <class G> ParameterSums walk(int image, int begin, int end, double *face_sums) const {
        const double tau = tensors.tau[image];
        const G scale = G((plan.settings.is_squared ? 2.0 : 1.0) / tau);
        const int64_t first = image * plan.pixels();
        BackwardVisit<T, G> visit(plan, factor + first, tensors.state + first, face_sums, begin, scale,
                                  tensors.wants_p);
        walk_faces<G>(plan, plan.face(tensors.face_vertices, image, 0), tau, begin, end, 0, plan.settings.height,
                      visit);
        visit.flush();
        return visit.sums;
    }

    static void run(void *context, int task) {
        const NoDenormals guard;
        const BackwardTask &self = *static_cast<const BackwardTask *>(context);
        const CoverageSettings &s = self.plan.settings;
        const int image = task / self.tasks_per_image, begin = task % self.tasks_per_image * faces_per_task;
        const int end = math::min(s.face_count(image), begin + faces_per_task);
        self.sums[task] = ParameterSums{};
        if (begin >= end) return;
        double face_sums[6 * faces_per_task] = {};
        self.sums[task] = self.plan.wants_double_distances(self.tensors.tau[image])
                              ? self.template walk<double>(image, begin, end, face_sums)
                              : self.template walk<T>(image, begin, end, face_sums);
        T *gradient = self.tensors.grad_face_vertices + (s.first_face(image) + begin) * 9;
        for (int i = 0; i < 3 * (end - begin); ++i) {
            const double largest = limits<T>::largest;
            gradient[3 * i] = T(math::clamp(face_sums[2 * i], -largest, largest));
            gradient[3 * i + 1] = T(math::clamp(face_sums[2 * i + 1], -largest, largest));
            gradient[3 * i + 2] = T(0);
        }
    }
};

// The pixels' own share of d loss / d p: what the inverse generator adds.
template <class T> double pixel_sum_in_p(const Plan<T> &plan, const CoverageBackward<T> &tensors) {
    double sum = 0.0;
    for (int64_t i = 0; i < plan.pixels() * plan.settings.batch; ++i)
        sum += double(tensors.grad_alpha[i]) * plan.conorm.aggregate_in_p(tensors.state[i], plan.p);
    return sum;
}

template <class T>
const char *backward(const CoverageSettings &settings, const CoverageBackward<T> &tensors, const Parallel &parallel) {
    static thread_local GammaTable table;
    const Plan<T> plan(settings, table);
    const int64_t total = plan.pixels() * settings.batch;
    const int tasks_per_image = (settings.faces + faces_per_task - 1) / faces_per_task;
    const int tasks = tasks_per_image * settings.batch;
    T *factor = static_cast<T *>(malloc(sizeof(T) * (total + 1)));
    ParameterSums *sums = static_cast<ParameterSums *>(malloc(sizeof(ParameterSums) * (tasks + 1)));
    if (!factor || !sums) {
        free(factor);
        free(sums);
        return "out of memory";
    }
    BackwardTask<T> task{plan, tensors, factor, sums, tasks_per_image};
    parallel.run(parallel.pool, int((total + chunk - 1) / chunk), BackwardTask<T>::factors, &task);
    parallel.run(parallel.pool, tasks, BackwardTask<T>::run, &task);

    double shift = 0.0, p = tensors.wants_p ? pixel_sum_in_p(plan, tensors) : 0.0;
    for (int image = 0; image < settings.batch; ++image) {
        double tau = 0.0;
        for (int i = image * tasks_per_image; i < (image + 1) * tasks_per_image; ++i) {
            tau += sums[i].tau;
            shift += sums[i].shift;
            p += sums[i].p;
        }
        tensors.grad_tau[image] = tau / tensors.tau[image];
    }
    *tensors.grad_shift = plan.sign * shift;
    *tensors.grad_p = plan.conorm.negative_p ? -p : p;
    free(factor);
    free(sums);
    return nullptr;
}

} // namespace GENDR_ISA
} // namespace gendr
