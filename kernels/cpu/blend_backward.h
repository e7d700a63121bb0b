// The backward pass of blending, together with coverage: as in backward.h, pairs are formed again face by face, and a
// face's gradients are written once.
#pragma once

#include "blend_gradient.h"

namespace gendr {
inline namespace GENDR_ISA {

constexpr int64_t most_row_bytes = 1 << 23; // of images whose rows are made together, unless one alone has more
constexpr size_t most_kept_bytes = 1 << 25; // of rows that wait for the next call

constexpr int prepared_at_once = 64; // pixels

// Whether each pair that is drawn leaves more than 0 in its pixel's sum of coverage: a pixel whose sum is 0 was then
// reached by none. The least probable pair tells.
template <class T> bool pairs_leave_traces(const Plan<T> &plan) {
    alignas(64) T argument[lanes], u[lanes], a[lanes], q[lanes], term[lanes];
    int exponent[lanes];
    for (int i = 0; i < lanes; ++i) argument[i] = plan.least;
    plan.probabilities(lanes, argument, u, a, q, nullptr);
    const double faintest = double(limits<T>::tiny) * 1e6;
    switch (plan.conorm.family) {
    case Family::power:
        return false; // its sums have exponents
    case Family::maximum:
        return a[0] > faintest;
    default:
        plan.conorm.generator(lanes, a, q, plan.p, term, exponent);
    }
    return term[0] > faintest * math::max(plan.settings.faces, 1); // Average divides by the number of faces
}

template <class T> struct BlendBackwardTask {
    const Plan<T> &plan;
    const BlendSettings &settings;
    const BlendBackward<T> &tensors;
    const BackwardTask<T> &coverage;
    TexelSums *texels; // null where nobody asks
    T *rows;           // of the pixels of a group of images, see BlendPixels
    double *in_gamma;  // of each chunk of pixels: the background's share
    BlendParameterSums *sums;
    int chunks_per_image;
    bool reads_background;      // see pairs_leave_traces
    int first_image = 0;        // of the group
    bool out_of_memory = false; // set by any task

    // The rows of a chunk of an image's pixels.
    static void prepare(void *context, int task) {
        const NoDenormals guard;
        const BlendBackwardTask &self = *static_cast<BlendBackwardTask *>(context);
        task += self.first_image * self.chunks_per_image;
        self.settings.channels() == 5 ? self.prepare<5>(task) : self.prepare<0>(task);
    }

    static void run(void *context, int task) {
        const NoDenormals guard;
        BlendBackwardTask &self = *static_cast<BlendBackwardTask *>(context);
        const CoverageSettings &s = self.plan.settings;
        task += self.first_image * self.coverage.tasks_per_image;
        const int image = task / self.coverage.tasks_per_image;
        const int begin = task % self.coverage.tasks_per_image * faces_per_task;
        const int end = math::min(s.face_count(image), begin + faces_per_task);
        self.sums[task] = BlendParameterSums{};
        if (begin >= end) return;
        T *corners = static_cast<T *>(malloc(3 * record_stride(self.settings) * sizeof(T)));
        int which = 0;
        int64_t *list = corners && self.texels ? self.texels->take(which) : nullptr;
        if (!corners || (self.texels && !list)) {
            self.out_of_memory = true;
        } else {
            self.draw(task, image, begin, end, corners, list);
        }
        if (corners && self.texels) self.texels->give_back(which);
        free(corners);
    }

  private:
    // `known` is the number of channels where it is known to the compiler, as it is for three colours.
    template <int known> void prepare(int task) const {
        const int64_t image_begin = task / chunks_per_image * plan.pixels(), image_end = image_begin + plan.pixels();
        const int64_t begin = image_begin + int64_t(task % chunks_per_image) * block;
        const int64_t end = math::min<int64_t>(image_end, begin + block);
        in_gamma[task] = 0.0;
        for (int64_t first = begin; first < end; first += prepared_at_once)
            in_gamma[task] += prepare<known>(first, int(math::min<int64_t>(prepared_at_once, end - first)));
    }

    // Of n pixels in a row. Returns the background's share of d loss / d gamma, times gamma.
    template <int known> double prepare(int64_t first, int n) const {
        const int channels = known ? known : settings.channels(), row = BlendPixels<T>::row_of(channels);
        T *to = rows + row * (first - first_image * plan.pixels());
        if (shows_background(tensors.coverage.state + first, n)) {
            if (reads_background) memset(to, 0, sizeof(T) * row * n);
            return 0.0;
        }
        alignas(64) T factor[prepared_at_once], weight[prepared_at_once] = {}, in_weight[prepared_at_once] = {};
        coverage.factors(first, first + n, factor);
        bool shows_faces = false;
        for (int i = 0; i < n; ++i, to += row) {
            const T *grad = tensors.grad_blended + (first + i) * channels;
            const T *value = tensors.blended + (first + i) * channels;
            double sum = 0.0;
            for (int k = 0; k < channels; ++k) sum += double(grad[k]) * double(value[k]);
            to[0] = factor[i];
            to[1] = T(sum);
            to[2] = tensors.state[2 * (first + i)];
            to[3] = tensors.state[2 * (first + i) + 1];
            if (known)
                for (int k = 0; k < 4; ++k) to[4 + k] = grad[1 + k];
            weight[i] = value[0];
            in_weight[i] = grad[0] - T(sum);
            shows_faces |= value[0] != T(1);
        }
        const bool counts = tensors.wants_gamma && !settings.is_hard && shows_faces;
        return counts ? background_in_gamma(weight, in_weight) : 0.0;
    }

    // Whether coverage's sums tell that no face touched these pixels. Then nobody reads their rows.
    bool shows_background(const T *__restrict sums, int n) const {
        const T none = plan.conorm.family == Family::maximum ? T(-1) : T(0);
        int touched = 0;
#pragma omp simd reduction(+ : touched)
        for (int i = 0; i < n; ++i) touched += sums[i] != none;
        return plan.conorm.family != Family::power && touched == 0;
    }

    static double background_in_gamma(const T *__restrict weight, const T *__restrict in_weight) {
        double sum = 0.0;
#pragma omp simd reduction(+ : sum)
        for (int i = 0; i < prepared_at_once; ++i)
            sum -= double(weight[i] * in_weight[i]) * double(math::log(at_least_tiny(weight[i])));
        return sum;
    }

    void draw(int task, int image, int begin, int end, T *corners, int64_t *list) const {
        const CoverageSettings &s = plan.settings;
        const int64_t first = s.first_face(image) + begin;
        const int attributes = 3 * settings.attribute_channels;
        if (tensors.grad_attributes)
            memset(tensors.grad_attributes + first * attributes, 0, sizeof(T) * attributes * (end - begin));
        if (tensors.grad_uvs) memset(tensors.grad_uvs + first * 6, 0, sizeof(T) * 6 * (end - begin));
        CornerSums corner_sums[faces_per_task];
        sums[task] = plan.wants_double_distances(tensors.coverage.tau[image])
                         ? walk<double>(image, begin, end, corner_sums, corners, list)
                         : walk<T>(image, begin, end, corner_sums, corners, list);
        for (int f = 0; f < end - begin; ++f)
            write(corner_sums[f], tensors.coverage.grad_face_vertices + (first + f) * 9);
    }

    static void write(const CornerSums &sums, T *to) {
        const double largest = limits<T>::largest;
        for (int k = 0; k < 3; ++k) {
            to[3 * k] = T(math::clamp(sums.x[k], -largest, largest));
            to[3 * k + 1] = T(math::clamp(sums.y[k], -largest, largest));
            to[3 * k + 2] = T(math::clamp(sums.z[k], -largest, largest));
        }
    }

    template <class G>
    BlendParameterSums walk(int image, int begin, int end, CornerSums *corner_sums, T *corners, int64_t *list) const {
        const CoverageSettings &s = plan.settings;
        const double tau = tensors.coverage.tau[image];
        const int64_t first = image * plan.pixels();
        const int channels = settings.channels();
        const BlendImage<T> of_image(settings, tensors.surface, s, image);
        const int row = BlendPixels<T>::row_of(channels);
        const BlendPixels<T> pixels{rows + row * (image - first_image) * plan.pixels(), tensors.coverage.state + first,
                                    tensors.grad_blended + channels * first, row, channels};
        const G scale = G((s.is_squared ? 2.0 : 1.0) / tau);
        const ImageFaces<T> faces{plan.face(tensors.coverage.face_vertices, image, 0), nullptr};
        BlendBackwardVisit<T, G> visit(plan, of_image, pixels, tensors, corner_sums, begin, faces, texels, list,
                                       corners, scale);
        walk_faces<G>(plan, faces.vertices, tau, begin, end, 0, s.height, visit);
        visit.flush();
        return visit.sums;
    }
};

// The largest incoming gradient of a texture's channel.
template <class T> double largest_texture_gradient(const BlendBackwardTask<T> &task) {
    const int channels = task.settings.channels();
    double largest = 0.0;
    for (int64_t i = 0; i < task.plan.pixels() * task.plan.settings.batch; ++i)
        for (int k = channels - task.settings.texture_channels; k < channels; ++k)
            largest = math::max(largest, double(math::abs(task.tensors.grad_blended[i * channels + k])));
    return largest;
}

template <class T>
const char *blend_backward(const CoverageSettings &settings, const BlendSettings &blend,
                           const BlendBackward<T> &tensors, const Parallel &parallel) {
    static thread_local GammaTable table;
    static thread_local KeptMemory kept_rows;
    const Plan<T> plan(settings, table);
    const int tasks_per_image = (settings.faces + faces_per_task - 1) / faces_per_task;
    const int chunks_per_image = int((plan.pixels() + block - 1) / block);
    const int64_t image_bytes =
        math::max<int64_t>(plan.pixels() * BlendPixels<T>::row_of(blend.channels()) * sizeof(T), 1);
    const int at_once = int(math::clamp<int64_t>(most_row_bytes / image_bytes, 1, math::max(settings.batch, 1)));
    const int tasks = tasks_per_image * settings.batch, chunks = chunks_per_image * settings.batch;
    T *rows = static_cast<T *>(kept_rows.of(image_bytes * at_once));
    double *in_gamma = static_cast<double *>(malloc(sizeof(double) * (chunks + 1)));
    BlendParameterSums *sums = static_cast<BlendParameterSums *>(malloc(sizeof(BlendParameterSums) * (tasks + 1)));
    const char *error = "out of memory";
    if (rows && in_gamma && sums) {
        const BackwardTask<T> coverage{plan, tensors.coverage, nullptr, nullptr, tasks_per_image};
        BlendBackwardTask<T> task{plan, blend,    tensors, coverage,         nullptr,
                                  rows, in_gamma, sums,    chunks_per_image, !pairs_leave_traces(plan)};
        TexelSums texels(blend.texels * blend.texture_channels,
                         tensors.grad_texels ? largest_texture_gradient(task) : 0.0, plan.pixels() * settings.batch);
        if (tensors.grad_texels) task.texels = &texels;
        for (; task.first_image < settings.batch; task.first_image += at_once) {
            const int images = math::min(at_once, settings.batch - task.first_image);
            parallel.run(parallel.pool, images * chunks_per_image, BlendBackwardTask<T>::prepare, &task);
            parallel.run(parallel.pool, images * tasks_per_image, BlendBackwardTask<T>::run, &task);
        }
        if (tensors.grad_texels) texels.write(tensors.grad_texels);

        double gamma = 0.0, shift = 0.0, p = tensors.coverage.wants_p ? pixel_sum_in_p(plan, tensors.coverage) : 0.0;
        for (int i = 0; i < chunks; ++i) gamma += in_gamma[i];
        for (int image = 0; image < settings.batch; ++image) {
            double tau = 0.0;
            for (int i = image * tasks_per_image; i < (image + 1) * tasks_per_image; ++i) {
                tau += sums[i].tau;
                shift += sums[i].shift;
                p += sums[i].p;
                gamma += sums[i].gamma;
            }
            tensors.coverage.grad_tau[image] = tau / tensors.coverage.tau[image];
        }
        *tensors.coverage.grad_shift = plan.sign * shift;
        *tensors.coverage.grad_p = plan.conorm.negative_p ? -p : p;
        *tensors.grad_gamma = gamma / math::max(blend.gamma, 1e-30);
        error = task.out_of_memory ? "out of memory" : nullptr;
    }
    free(sums);
    free(in_gamma);
    kept_rows.keep_at_most(most_kept_bytes);
    return error;
}

} // namespace GENDR_ISA
} // namespace gendr
