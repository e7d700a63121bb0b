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
    T *along;          // [batch, height, width]
    BlendParameterSums *sums;
    bool out_of_memory = false; // set by any task

    // Sum over the channels of gradient times value, of a chunk of pixels.
    static void products(void *context, int task) {
        const BlendBackwardTask &self = *static_cast<BlendBackwardTask *>(context);
        const int channels = self.settings.channels();
        const int64_t first = int64_t(task) * chunk, total = self.plan.pixels() * self.plan.settings.batch;
        for (int64_t i = first; i < math::min<int64_t>(total, first + chunk); ++i) {
            double sum = 0.0;
            for (int k = 0; k < channels; ++k)
                sum += double(self.tensors.grad_blended[i * channels + k]) *
                       double(self.tensors.blended[i * channels + k]);
            self.along[i] = T(sum);
        }
    }

    static void run(void *context, int task) {
        BlendBackwardTask &self = *static_cast<BlendBackwardTask *>(context);
        const CoverageSettings &s = self.plan.settings;
        const int image = task / self.coverage.tasks_per_image;
        const int begin = task % self.coverage.tasks_per_image * faces_per_task;
        const int end = math::min(s.face_count(image), begin + faces_per_task);
        self.sums[task] = BlendParameterSums{};
        if (begin >= end) return;
        T *rows = static_cast<T *>(malloc(3 * record_stride(self.settings) * sizeof(T)));
        int which = 0;
        int64_t *list = rows && self.texels ? self.texels->take(which) : nullptr;
        if (!rows || (self.texels && !list)) {
            self.out_of_memory = true;
        } else {
            self.draw(task, image, begin, end, rows, list);
        }
        if (rows && self.texels) self.texels->give_back(which);
        free(rows);
    }

  private:
    void draw(int task, int image, int begin, int end, T *rows, int64_t *list) const {
        const CoverageSettings &s = plan.settings;
        const int64_t first = s.first_face(image) + begin;
        const int attributes = 3 * settings.attribute_channels;
        if (tensors.grad_attributes)
            memset(tensors.grad_attributes + first * attributes, 0, sizeof(T) * attributes * (end - begin));
        if (tensors.grad_uvs) memset(tensors.grad_uvs + first * 6, 0, sizeof(T) * 6 * (end - begin));
        CornerSums corner_sums[faces_per_task];
        sums[task] = plan.wants_double_distances(tensors.coverage.tau[image])
                         ? walk<double>(image, begin, end, corner_sums, rows, list)
                         : walk<T>(image, begin, end, corner_sums, rows, list);
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
    BlendParameterSums walk(int image, int begin, int end, CornerSums *corner_sums, T *rows, int64_t *list) const {
        const CoverageSettings &s = plan.settings;
        const double tau = tensors.coverage.tau[image];
        const int64_t first = image * plan.pixels();
        const int channels = settings.channels();
        const BlendImage<T> of_image(settings, tensors.surface, s, image);
        const BlendPixels<T> pixels{coverage.factor + first,
                                    tensors.coverage.state + first,
                                    tensors.state + 2 * first,
                                    tensors.grad_blended + channels * first,
                                    along + first,
                                    channels};
        const G scale = G((s.is_squared ? 2.0 : 1.0) / tau);
        BlendBackwardVisit<T, G> visit(plan, of_image, pixels, tensors, corner_sums, begin,
                                       plan.face(tensors.coverage.face_vertices, image, 0), texels, list, rows, scale);
        walk_faces<G>(plan, tensors.coverage.face_vertices, tau, image, begin, end, 0, s.height, visit);
        visit.flush();
        return visit.sums;
    }
};

// The background's share of d loss / d gamma, times gamma.
template <class T> double background_in_gamma(const BlendBackwardTask<T> &task) {
    const int channels = task.settings.channels();
    double sum = 0.0;
    for (int64_t i = 0; i < task.plan.pixels() * task.plan.settings.batch; ++i) {
        const double weight = task.tensors.blended[i * channels], in_share = task.tensors.grad_blended[i * channels];
        if (weight > double(limits<T>::tiny)) sum -= weight * (in_share - double(task.along[i])) * ::log(weight);
    }
    return task.settings.is_hard ? 0.0 : sum;
}

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
    T *factor = static_cast<T *>(malloc(sizeof(T) * (total + 1)));
    T *along = static_cast<T *>(malloc(sizeof(T) * (total + 1)));
    BlendParameterSums *sums = static_cast<BlendParameterSums *>(malloc(sizeof(BlendParameterSums) * (tasks + 1)));
    const char *error = "out of memory";
    if (factor && along && sums) {
        BackwardTask<T> coverage{plan, tensors.coverage, factor, nullptr, tasks_per_image};
        BlendBackwardTask<T> task{plan, blend, tensors, coverage, nullptr, along, sums};
        parallel.run(parallel.pool, chunks, BackwardTask<T>::factors, &coverage);
        parallel.run(parallel.pool, chunks, BlendBackwardTask<T>::products, &task);
        double gamma = tensors.wants_gamma ? background_in_gamma(task) : 0.0;
        TexelSums texels(blend.texels * blend.texture_channels, largest_texture_gradient(task), total);
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
    free(along);
    free(factor);
    return error;
}

} // namespace GENDR_ISA
} // namespace gendr
