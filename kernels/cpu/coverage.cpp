// Coverage on the CPU. Each face walks its bounding box, grown by the cut-off distance; the pixel-face pairs of several
// faces are packed into one block, which then goes through the stages. Forward adds to one accumulator per pixel;
// backward recomputes the pairs, sums each face's gradient and writes it once: no atomics, and the same bits for any
// number of threads. Compiled once per instruction set.
#include "gendr/coverage.h"
#include "cutoff.h"
#include "gendr/triangle.h"
#include "stages.h"
#include <cstdlib>

namespace gendr {
inline namespace GENDR_ISA {
namespace {

constexpr int chunk = 256;              // pairs that go through the distance stage at once
constexpr int block = 1024;             // pairs of a block
constexpr int most_segments = 64;       // faces of a backward block
constexpr int faces_per_task = 64;      // of the backward pass; fixed, so that sums do not depend on the threads
constexpr int most_box_pixels = 1 << 20; // float counts the pixels of a box exactly up to here

// One call's constants in the precision of its tensors.
template <class T> struct Plan {
    const CoverageSettings &settings;
    PixelGrid grid;
    FaceFilter filter;
    ProbabilityStage<T> probability;
    const ConormStages<T> &conorm;
    GammaShape shape;
    T least, sign, shift, p; // of the arguments: the cut-off, the mirroring, the shift; |p| of the T-conorm

    Plan(const CoverageSettings &s, GammaTable &table)
        : settings(s), grid{s.height, s.width}, filter{s.near, s.far, s.cull},
          probability(probability_stage_of<T>(s.distribution)), conorm(conorm_stages_of<T>(s.t_conorm)),
          sign(s.is_reversed ? T(-1) : T(1)), shift(T(s.shift)), p(T(conorm.negative_p ? -s.p : s.p)) {
        if (s.shape > 0.0) {
            if (sizeof(T) == sizeof(float)) table.fill(s.shape);
            shape = gamma_shape(s.shape, &table, limits<T>::gamma_argument_floor);
        }
        const EffectiveCdf cdf{probability_stage_of<double>(s.distribution), shape, {sign, s.shift, s.is_reversed}};
        least = T(least_argument(cdf, conorm.face_cutoff(s.cutoff, conorm.negative_p ? -s.p : s.p)));
    }

    int64_t pixels() const { return int64_t(settings.height) * settings.width; }
    const T *face(const T *face_vertices, int image, int f) const {
        return face_vertices + (int64_t(image) * settings.faces + f) * 9;
    }
    // How far outside a face its probability can reach the cut-off.
    double radius(double tau) const {
        if (least >= T(0)) return 0.0;
        const double reach = -double(least) * tau;
        return (settings.is_squared ? math::sqrt(reach) : reach) * (1.0 + 1e-6);
    }
    void probabilities(int n, const T *argument, T *u, T *a, T *q, T *pdf) const {
#pragma omp simd
        for (int i = 0; i < n; ++i)
            u[i] = sign * math::clamp(argument[i], T(-argument_bound), T(argument_bound)) + shift;
        settings.is_reversed ? probability(n, u, q, a, pdf, shape) : probability(n, u, a, q, pdf, shape);
    }
};

// Pairs k0 .. k0 + n of a box, counted row by row: argument and pixel index. n is a multiple of `lanes`.
template <bool squared, class T>
void distance_stage(const Triangle<T> &triangle, int cols, T row_offset, int k0, int n, T inverse_tau, int first_pixel,
                    int width, T *__restrict argument, int *__restrict pixel) {
    const T inverse_cols = T(1) / T(cols);
    const Triangle<T> t = triangle;
#pragma omp simd
    for (int i = 0; i < n; ++i) {
        const T k = T(k0 + i);
        const int row = int((k + T(0.5)) * inverse_cols);
        const T col = k - T(row) * T(cols);
        const T square = t.signed_square_at(col, T(row) + row_offset);
        if (squared) {
            argument[i] = square * inverse_tau;
        } else {
            const T distance = math::sqrt(math::abs(square));
            argument[i] = (square > T(0) ? distance : -distance) * inverse_tau;
        }
        pixel[i] = first_pixel + row * width + int(col);
    }
}

// Walks the faces [begin, end) of an image over rows [row_begin, row_end), chunk by chunk.
// visit.begin(face, triangle, box) may refuse a face; visit.pairs(k0, n, cols, row_offset, argument, pixel) takes them.
template <class T, class Visit>
void walk_faces(const Plan<T> &plan, const T *face_vertices, double tau, int image, int begin, int end, int row_begin,
                int row_end, Visit &visit) {
    alignas(64) T argument[chunk];
    alignas(64) int pixel[chunk];
    const double radius = plan.radius(tau);
    const T inverse_tau = T(1.0 / tau);
    const int width = plan.settings.width;
    for (int f = begin; f < end; ++f) {
        const T *face = plan.face(face_vertices, image, f);
        Corner corner[3];
        load_corners(face, corner);
        // The whole image's box places the triangle, so that a band of rows sees the same numbers as the whole image.
        const PixelBox box = pixel_box(corner, radius, plan.grid);
        const int first = math::max(row_begin - box.first_row, 0), last = math::min(row_end - box.first_row, box.rows);
        if (box.empty() || first >= last || !takes_part(face, corner, plan.filter)) continue;
        Triangle<T> triangle;
        triangle.set(corner, plan.grid, box.first_row, box.first_col);
        visit.begin(f, triangle);
        const int rows_at_once = math::max(1, most_box_pixels / box.cols);
        for (int row = first; row < last; row += rows_at_once) {
            const int pairs = math::min(rows_at_once, last - row) * box.cols;
            const int first_pixel = (box.first_row + row) * width + box.first_col;
            for (int k = 0; k < pairs; k += chunk) {
                const int n = math::min(chunk, pairs - k);
                (plan.settings.is_squared ? distance_stage<true, T> : distance_stage<false, T>)(
                    triangle, box.cols, T(row), k, padded(n), inverse_tau, first_pixel, width, argument, pixel);
                visit.pairs(k, n, box.cols, T(row), argument, pixel);
            }
        }
        visit.end();
    }
}

// ---------------------------------------------------------------------------------------------------- forward

// Accumulates into `state`, and for power families keeps the sum's exponent, for Maximum the maximum, in `alpha`.
template <class T> struct ForwardVisit {
    const Plan<T> &plan;
    T *alpha, *state;
    int n = 0, face = 0;
    alignas(64) T argument[block];
    alignas(64) T a[block], q[block], term[block];
    alignas(64) int pixel[block], exponent[block], owner[block];

    ForwardVisit(const Plan<T> &plan, T *alpha, T *state) : plan(plan), alpha(alpha), state(state) {}

    void begin(int f, const Triangle<T> &) { face = f; }
    void end() {}

    void pairs(int, int count, int, T, const T *from, const int *from_pixel) {
        if (n > block - chunk) flush();
        const T least = plan.least;
        int m = n;
        for (int i = 0; i < count; ++i) {
            argument[m] = from[i];
            pixel[m] = from_pixel[i];
            m += from[i] >= least;
        }
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
        T *alpha = self.tensors.alpha + image * self.plan.pixels(), *state = self.tensors.state + image * self.plan.pixels();
        const int64_t first = int64_t(row_begin) * s.width, n = int64_t(row_end - row_begin) * s.width;
        initialise(self.plan, n, alpha + first, state + first);
        ForwardVisit<T> visit(self.plan, alpha, state);
        walk_faces(self.plan, self.tensors.face_vertices, self.tensors.tau[image], image, 0, s.faces, row_begin, row_end,
                   visit);
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

// --------------------------------------------------------------------------------------------------- backward

// A face's run of pairs in a block.
template <class T> struct Segment {
    Triangle<T> triangle;
    int face, begin, end, cols;
};

struct ParameterSums {
    double tau = 0.0, shift = 0.0, p = 0.0;
};

template <bool squared, class T>
void gradient_stage(const Segment<T> &segment, T scale, const T *__restrict index, const T *__restrict row_offset,
                    const T *__restrict in_argument, double *sums) {
    const Triangle<T> t = segment.triangle;
    const T cols = T(segment.cols), inverse_cols = T(1) / cols;
    const int n = segment.end - segment.begin;
    T x0 = 0, y0 = 0, x1 = 0, y1 = 0, x2 = 0, y2 = 0;
#pragma omp simd reduction(+ : x0, y0, x1, y1, x2, y2)
    for (int i = 0; i < n; ++i) {
        const T row = T(int((index[i] + T(0.5)) * inverse_cols));
        const DistanceGradient<T> d =
            distance_gradient<squared>(t, index[i] - row * cols, row + row_offset[i]);
        const T x = in_argument[i] * d.x, y = in_argument[i] * d.y;
        x0 += x * d.weight[0];
        y0 += y * d.weight[0];
        x1 += x * d.weight[1];
        y1 += y * d.weight[1];
        x2 += x * d.weight[2];
        y2 += y * d.weight[2];
    }
    const T sum[6] = {x0, y0, x1, y1, x2, y2};
    for (int i = 0; i < 6; ++i) sums[i] += double(scale) * double(sum[i]);
}

template <class T> struct BackwardVisit {
    const Plan<T> &plan;
    const T *factor, *state; // of each pixel: d loss / d state, and the state
    double *face_sums;       // [faces of the task][6]
    ParameterSums sums;
    int first_face;
    T scale; // d argument / d distance (squared: / d (|d| d / 2))
    bool wants_p;
    int n = 0, segments = 0;
    alignas(64) T argument[block];
    alignas(64) T u[block], a[block], q[block], slope[block], c[block], l[block], index[block], row_offset[block];
    Segment<T> segment[most_segments];

    BackwardVisit(const Plan<T> &plan, const T *factor, const T *state, double *face_sums, int first_face, T scale,
                  bool wants_p)
        : plan(plan), factor(factor), state(state), face_sums(face_sums), first_face(first_face), scale(scale),
          wants_p(wants_p) {}

    void begin(int f, const Triangle<T> &triangle) {
        if (segments == most_segments || n > block - chunk) flush();
        open(f, triangle);
    }
    void open(int f, const Triangle<T> &triangle) {
        segment[segments].triangle = triangle;
        segment[segments].face = f;
        segment[segments].begin = n;
    }
    void end() {
        Segment<T> &s = segment[segments];
        s.end = padded(n);
        for (; n < s.end; ++n) argument[n] = c[n] = l[n] = index[n] = row_offset[n] = T(0);
        segments += s.end > s.begin;
    }

    void pairs(int k0, int count, int cols, T row, const T *from, const int *pixel) {
        segment[segments].cols = cols;
        if (n > block - chunk) {
            const Segment<T> again = segment[segments];
            end();
            flush();
            open(again.face, again.triangle);
            segment[0].cols = cols;
        }
        const T least = plan.least;
        const bool maximum = plan.conorm.family == Family::maximum;
        const T winner = T(segment[segments].face);
        int m = n;
        for (int i = 0; i < count; ++i) {
            const T pixel_factor = factor[pixel[i]], pixel_state = state[pixel[i]];
            argument[m] = from[i];
            c[m] = pixel_factor;
            l[m] = pixel_state;
            index[m] = T(k0 + i);
            row_offset[m] = row;
            m += (from[i] >= least) & (pixel_factor != T(0)) & (!maximum | (pixel_state == winner));
        }
        n = m;
    }

    void flush() {
        if (n == 0) return;
        plan.probabilities(n, argument, u, a, q, slope);
        if (wants_p) sums.p += plan.conorm.in_p(n, a, q, c, l, plan.p);
        plan.conorm.derivative(n, a, q, c, l, plan.p, slope);
        for (int i = 0; i < n; ++i) {
            sums.tau -= double(slope[i]) * double(argument[i]);
            sums.shift += double(slope[i]);
        }
        for (int i = 0; i < segments; ++i) {
            const Segment<T> &s = segment[i];
            (plan.settings.is_squared ? gradient_stage<true, T> : gradient_stage<false, T>)(
                s, scale, index + s.begin, row_offset + s.begin, slope + s.begin,
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
        const BackwardTask &self = *static_cast<const BackwardTask *>(context);
        const Plan<T> &plan = self.plan;
        const int64_t first = int64_t(task) * chunk, total = plan.pixels() * plan.settings.batch;
        const int64_t end = math::min<int64_t>(total, first + chunk);
        alignas(64) T in[chunk] = {}, out[chunk], in_state[chunk];
        memcpy(in, self.tensors.state + first, sizeof(T) * (end - first));
        if (plan.conorm.family == Family::maximum)
            for (int i = 0; i < chunk; ++i) in_state[i] = T(1);
        else plan.conorm.aggregate(chunk, in, plan.p, out, in_state);
        const T share = plan.conorm.family == Family::average ? T(1.0 / math::max(plan.settings.faces, 1)) : T(1);
        for (int64_t i = first; i < end; ++i)
            self.factor[i] = self.tensors.grad_alpha[i] * in_state[i - first] * share;
    }

    static void run(void *context, int task) {
        const BackwardTask &self = *static_cast<const BackwardTask *>(context);
        const CoverageSettings &s = self.plan.settings;
        const int image = task / self.tasks_per_image, begin = task % self.tasks_per_image * faces_per_task;
        const int end = math::min(s.faces, begin + faces_per_task);
        const double tau = self.tensors.tau[image];
        double face_sums[6 * faces_per_task] = {};
        BackwardVisit<T> visit(self.plan, self.factor + image * self.plan.pixels(),
                               self.tensors.state + image * self.plan.pixels(), face_sums, begin,
                               T((s.is_squared ? 2.0 : 1.0) / tau), self.tensors.wants_p);
        walk_faces(self.plan, self.tensors.face_vertices, tau, image, begin, end, 0, s.height, visit);
        visit.flush();
        self.sums[task] = visit.sums;
        if (!self.tensors.grad_face_vertices) return;
        T *gradient = self.tensors.grad_face_vertices + (int64_t(image) * s.faces + begin) * 9;
        for (int i = 0; i < 3 * (end - begin); ++i) {
            gradient[3 * i] = T(face_sums[2 * i]);
            gradient[3 * i + 1] = T(face_sums[2 * i + 1]);
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

// ---------------------------------------------------------------------------------------------- pixel-face pairs

struct PairCounter {
    int64_t total = 0;
    void begin(int, const Triangle<float> &) {}
    void end() {}
    void pairs(int, int count, int, float, const float *, const int *) { total += count; }
};

int64_t count_pairs(const CoverageSettings &settings, const CoverageForward<float> &tensors) {
    static thread_local GammaTable table;
    const Plan<float> plan(settings, table);
    PairCounter counter;
    for (int image = 0; image < settings.batch; ++image)
        walk_faces(plan, tensors.face_vertices, tensors.tau[image], image, 0, settings.faces, 0, settings.height, counter);
    return counter.total;
}

} // namespace

const CoverageKernels &coverage_kernels() {
#define GENDR_QUOTE(x) #x
#define GENDR_NAME(x) GENDR_QUOTE(x)
    static constexpr CoverageKernels kernels = {GENDR_NAME(GENDR_ISA), forward<float>,   forward<double>,
                                                backward<float>,       backward<double>, count_pairs};
    return kernels;
}

} // namespace GENDR_ISA
} // namespace gendr
