// The backward pass of blending, together with coverage: as in backward.h, pairs are formed again face by face, and a
// face's gradients are written once.
#pragma once

#include "blend_gradient.h"

namespace gendr {
inline namespace GENDR_ISA {

template <class T> struct BlendBackwardTask {
    const Plan<T> &plan;
    const BlendSettings &settings;
    const BlendBackward<T> &tensors;
    const BackwardTask<T> &coverage;
    TexelSums *texels; // null where nobody asks
    T *rows;           // of all pixels, see BlendPixels
    double *in_gamma;  // of each chunk of pixels: the background's share
    BlendParameterSums *sums;
    bool out_of_memory = false; // set by any task

    // The rows of a chunk of pixels.
    static void prepare(void *context, int task) {
        const NoDenormals guard;
        const BlendBackwardTask &self = *static_cast<BlendBackwardTask *>(context);
        self.settings.channels() == 5 ? self.prepare<5>(task) : self.prepare<0>(task);
    }

    static void run(void *context, int task) {
        const NoDenormals guard;
        BlendBackwardTask &self = *static_cast<BlendBackwardTask *>(context);
        const CoverageSettings &s = self.plan.settings;
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
        const int channels = known ? known : settings.channels(), row = BlendPixels<T>::row_of(channels);
        const int64_t first = int64_t(task) * chunk, total = plan.pixels() * plan.settings.batch;
        const int64_t end = math::min<int64_t>(total, first + chunk);
        if (shows_background(tensors.coverage.state + first, int(end - first))) {
            memset(rows + row * first, 0, sizeof(T) * row * (end - first));
            in_gamma[task] = 0.0;
            return;
        }
        alignas(64) T factor[chunk] = {}, weight[chunk] = {}, in_weight[chunk] = {};
        coverage.factors(first, end, factor);
        bool shows_faces = false;
        for (int64_t i = first; i < end; ++i) {
            const T *grad = tensors.grad_blended + i * channels, *value = tensors.blended + i * channels;
            double sum = 0.0;
            for (int k = 0; k < channels; ++k) sum += double(grad[k]) * double(value[k]);
            T *to = rows + row * i;
            to[0] = factor[i - first];
            to[1] = T(sum);
            to[2] = tensors.state[2 * i];
            to[3] = tensors.state[2 * i + 1];
            if (known)
                for (int k = 0; k < 4; ++k) to[4 + k] = grad[1 + k];
            weight[i - first] = value[0];
            in_weight[i - first] = grad[0] - T(sum);
            shows_faces |= value[0] != T(1);
        }
        const bool counts = tensors.wants_gamma && !settings.is_hard && shows_faces;
        in_gamma[task] = counts ? background_in_gamma(weight, in_weight) : 0.0;
    }

    // Whether coverage's sums tell that no face touched these pixels. Then nobody reads their rows.
    bool shows_background(const T *__restrict sums, int n) const {
        const T none = plan.conorm.family == Family::maximum ? T(-1) : T(0);
        int touched = 0;
#pragma omp simd reduction(+ : touched)
        for (int i = 0; i < n; ++i) touched += sums[i] != none;
        return plan.conorm.family != Family::power && touched == 0;
    }

    // The background's share of d loss / d gamma, times gamma, of a chunk of pixels.
    static double background_in_gamma(const T *__restrict weight, const T *__restrict in_weight) {
        double sum = 0.0;
#pragma omp simd reduction(+ : sum)
        for (int i = 0; i < chunk; ++i)
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
        T *to = tensors.coverage.grad_face_vertices + first * 9;
        const double largest = limits<T>::largest;
        for (int f = 0; f < end - begin; ++f) {
            for (int k = 0; k < 3; ++k) {
                to[9 * f + 3 * k] = T(math::clamp(corner_sums[f].x[k], -largest, largest));
                to[9 * f + 3 * k + 1] = T(math::clamp(corner_sums[f].y[k], -largest, largest));
                to[9 * f + 3 * k + 2] = T(math::clamp(corner_sums[f].z[k], -largest, largest));
            }
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
        const BlendPixels<T> pixels{rows + row * first, tensors.coverage.state + first,
                                    tensors.grad_blended + channels * first, row, channels};
        const G scale = G((s.is_squared ? 2.0 : 1.0) / tau);
        BlendBackwardVisit<T, G> visit(plan, of_image, pixels, tensors, corner_sums, begin,
                                       plan.face(tensors.coverage.face_vertices, image, 0), texels, list, corners,
                                       scale);
        walk_faces<G>(plan, tensors.coverage.face_vertices, tau, image, begin, end, 0, s.height, visit);
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
    const Plan<T> plan(settings, table);
    const int64_t total = plan.pixels() * settings.batch;
    const int tasks_per_image = (settings.faces + faces_per_task - 1) / faces_per_task;
    const int tasks = tasks_per_image * settings.batch, chunks = int((total + chunk - 1) / chunk);
    const size_t row_bytes = sizeof(T) * BlendPixels<T>::row_of(blend.channels());
    T *rows = static_cast<T *>(aligned_alloc(64, (row_bytes * (total + 1) + 63) / 64 * 64)); // a row within one line
    double *in_gamma = static_cast<double *>(malloc(sizeof(double) * (chunks + 1)));
    BlendParameterSums *sums = static_cast<BlendParameterSums *>(malloc(sizeof(BlendParameterSums) * (tasks + 1)));
    const char *error = "out of memory";
    if (rows && in_gamma && sums) {
        const BackwardTask<T> coverage{plan, tensors.coverage, nullptr, nullptr, tasks_per_image};
        BlendBackwardTask<T> task{plan, blend, tensors, coverage, nullptr, rows, in_gamma, sums};
        parallel.run(parallel.pool, chunks, BlendBackwardTask<T>::prepare, &task);
        double gamma = 0.0;
        for (int i = 0; i < chunks; ++i) gamma += in_gamma[i];
        TexelSums texels(blend.texels * blend.texture_channels,
                         tensors.grad_texels ? largest_texture_gradient(task) : 0.0, total);
        if (tensors.grad_texels) task.texels = &texels;
        parallel.run(parallel.pool, tasks, BlendBackwardTask<T>::run, &task);
        if (tensors.grad_texels) texels.write(tensors.grad_texels);

        double shift = 0.0, p = tensors.coverage.wants_p ? pixel_sum_in_p(plan, tensors.coverage) : 0.0;
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
    free(rows);
    return error;
}

} // namespace GENDR_ISA
} // namespace gendr
