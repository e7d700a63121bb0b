// Top-k on the CPU, compiled once per instruction set; see coverage.cpp for why no std:: templates stand here.
#include "gendr/topk.h"
#include "no_denormals.h"
#include "topk_network.h"
#include "topk_select.h"

namespace gendr {
inline namespace GENDR_ISA {

namespace topk {

// Some samples side by side: their scores into the network, their mass and gradient out of it.
template <class T> struct MassTask {
    const TopkSettings &settings;
    const TopkTensors<T> &tensors;
    const ProbabilityStage<T> stage;
    bool failed = false;

    static void run(void *context, int task) {
        const NoDenormals guard; // the label's share fades by a factor a layer
        MassTask &self = *static_cast<MassTask *>(context);
        static thread_local Workspace<T> workspace;
        if (!self.group(task * samples, workspace)) self.failed = true;
    }

    const T *weights_of(int sample) const {
        return tensors.weights + (settings.shared_weights ? 0 : int64_t(sample) * settings.ranks);
    }

    bool group(int first, Workspace<T> &space) {
        const TopkSettings &s = settings;
        const int count = math::min(samples, s.batch - first);
        const bool chosen = s.ranked < s.classes;
        const Comparators network{tensors.pairs, tensors.starts, s.layers};
        if (!space.reserve(s.ranked, network.count(), chosen ? s.ranked : 0)) return false;
        int label[samples];
        for (int k = 0; k < samples; ++k) label[k] = k < count ? int(tensors.labels[first + k]) : -1;
        const T *scores = tensors.scores + int64_t(first) * s.classes;
        bool bad[samples]; // a row with NaN: its mass is NaN and its gradient zero
        if (chosen) {
            choose(scores, count, bad, label, space);
        } else {
            for (int k = 0; k < count; ++k) bad[k] = holds_nan(scores + int64_t(k) * s.classes, s.classes);
            load(scores, count, s.classes, space.x);
        }
        for (int64_t i = 0; i < int64_t(s.ranked) * samples; ++i) space.v[i] = T(0);
        for (int k = 0; k < count; ++k)
            if (label[k] >= 0) space.v[int64_t(label[k]) * samples + k] = T(1);

        const RelaxedNetwork<T> relaxed{network, stage, T(s.scale), space};
        tensors.gradient ? relaxed.template forward<true>() : relaxed.template forward<false>();
        T slope[samples]; // of what is wanted, in the mass
        for (int k = 0; k < count; ++k) {
            const T *weights = weights_of(first + k);
            T sum = T(0);
            for (int r = 0; r < s.ranks; ++r) sum += weights[r] * space.v[r * samples + k];
            tensors.mass[first + k] = s.least_mass > 0.0 ? surprise(sum, slope[k]) : (slope[k] = T(1), sum);
            if (bad[k]) write_nan(tensors.mass + first + k);
        }
        if (!tensors.gradient) return true;
        gradient(first, count, slope, relaxed, space);
        for (int k = 0; k < count; ++k)
            if (bad[k]) memset(tensors.gradient + int64_t(first + k) * s.ranked, 0, sizeof(T) * s.ranked);
        return true;
    }

    // -log of a mass, which is held to what a probability can be, and its derivative there.
    T surprise(T mass, T &slope) const {
        const T least = T(settings.least_mass), held = math::clamp(mass, least, T(1));
        slope = held == mass ? T(-1) / mass : T(0);
        return -math::log(held);
    }

    void choose(const T *scores, int count, bool *bad, int *label, Workspace<T> &space) const {
        const int m = settings.ranked;
        for (int k = 0; k < samples; ++k) {
            const T *row = scores + int64_t(k) * settings.classes;
            if (k < count) label[k] = select_top(row, settings.classes, m, label[k], space.value, space.index + k * m);
            bad[k] = k < count && label[k] == of_nan;
            if (k >= count || bad[k])
                for (int i = 0; i < m; ++i) space.index[k * m + i] = i, space.x[i * samples + k] = T(0);
            else
                for (int i = 0; i < m; ++i) space.x[i * samples + k] = enclosed(row[space.index[k * m + i]]);
        }
    }

    void gradient(int first, int count, const T *slope, const RelaxedNetwork<T> &relaxed, Workspace<T> &space) const {
        const TopkSettings &s = settings;
        for (int64_t i = 0; i < int64_t(s.ranked) * samples; ++i) space.x[i] = space.v[i] = T(0);
        for (int k = 0; k < count; ++k)
            for (int r = 0; r < s.ranks; ++r) space.v[r * samples + k] = slope[k] * weights_of(first + k)[r];
        relaxed.backward();
        store(space.x, count, s.ranked, tensors.gradient + int64_t(first) * s.ranked);
        if (!tensors.ranked) return;
        int64_t *ranked = tensors.ranked + int64_t(first) * s.ranked;
        for (int i = 0; i < count * s.ranked; ++i) ranked[i] = space.index[i];
    }
};

template <class T> const char *mass(const TopkSettings &s, const TopkTensors<T> &tensors, const Parallel &parallel) {
    MassTask<T> task{s, tensors, probability_stage_of<T>(s.distribution)};
    parallel.run(parallel.pool, (s.batch + samples - 1) / samples, MassTask<T>::run, &task);
    return task.failed ? "out of memory" : nullptr;
}

// Zeros and gradients of some rows, each while it is in the cache.
template <class T> void spread_some(void *context, int task) {
    const TopkSpread<T> &t = *static_cast<const TopkSpread<T> *>(context);
    for (int64_t k = int64_t(task) * samples; k < math::min(t.batch, (task + 1) * samples); ++k) {
        T *row = t.out + k * t.classes;
        memset(row, 0, sizeof(T) * t.classes);
        for (int64_t i = k * t.ranked; i < (k + 1) * t.ranked; ++i) row[t.ranked_scores[i]] = t.grad[k] * t.gradient[i];
    }
}

template <class T> void spread(const TopkSpread<T> &tensors, const Parallel &parallel) {
    TopkSpread<T> context = tensors;
    parallel.run(parallel.pool, (tensors.batch + samples - 1) / samples, spread_some<T>, &context);
}

} // namespace topk

const TopkKernels &topk_kernels() {
#define GENDR_QUOTE(x) #x
#define GENDR_NAME(x) GENDR_QUOTE(x)
    static constexpr TopkKernels kernels = {GENDR_NAME(GENDR_ISA), topk::mass<float>, topk::mass<double>,
                                            topk::spread<float>, topk::spread<double>};
    return kernels;
}

} // namespace GENDR_ISA
} // namespace gendr
