// Large networks: the lanes are vectors of one sample, rows or columns of its matrix. A sample's vectors are divided
// among tasks by their number alone, and the tasks' sums are added in order, so that bits depend neither on threads nor
// on the batch.
#pragma once

#include "sort_block.h"

namespace gendr {
inline namespace GENDR_ISA {

constexpr int vectors_per_task = 128;

// How many tasks share a sample.
inline int tasks_per_sample(const SortSettings &s) {
    if (s.product == SortProduct::none) return 1;
    return math::max(1, (s.rows + vectors_per_task - 1) / vectors_per_task);
}

template <class T, int V> struct VectorTask {
    const SortSettings &settings;
    const Comparators network;
    int sample, begin, end; // vectors
    bool bad = false;       // the sample holds NaN

    VectorTask(const SortSettings &s, const Comparators &n, int task) : settings(s), network(n) {
        const int parts = tasks_per_sample(s), part = task % parts;
        sample = task / parts;
        begin = part * vectors_per_task;
        end = math::min(begin + vectors_per_task, s.rows);
    }

    int n() const { return settings.wires; }
    bool full() const { return settings.product == SortProduct::full; }

    void load(const T *x, T *wires) {
        for (int i = 0; i < n(); ++i) {
            const T value = x[int64_t(sample) * n() + i];
            bad |= is_nan_bits(value);
            wires[i] = enclosed(value);
        }
    }

    // Vectors v ... v + V, of which `count` are used.
    void seed(const T *weights, int v, int count, T *block) const {
        memset(block, 0, sizeof(T) * n() * V);
        if (settings.product != SortProduct::weights) {
            for (int l = 0; l < count; ++l) block[size_t(v + l) * V + l] = T(1);
            return;
        }
        const int64_t origin = settings.shared_weights ? 0 : int64_t(sample) * settings.rows * n();
        for (int i = 0; i < n(); i += turn)
            load_turned<T, V>(weights + origin + int64_t(v) * n() + i, n(), count, block + size_t(i) * V, V,
                              math::min(turn, n() - i));
    }

    void store(const T *block, int v, int count, T *product) const {
        T *own = product + int64_t(sample) * settings.rows * n();
        if (full()) {
            for (int i = 0; i < n(); ++i)
                for (int l = 0; l < count; ++l) own[int64_t(i) * n() + v + l] = block[size_t(i) * V + l];
        } else {
            for (int i = 0; i < n(); i += turn)
                store_turned<T, V>(block + size_t(i) * V, V, math::min(turn, n() - i), own + int64_t(v) * n() + i, n(),
                                   count);
        }
    }

    void fetch(const T *product, int v, int count, T *block) const {
        const T *own = product + int64_t(sample) * settings.rows * n();
        if (full()) {
            for (int i = 0; i < n(); ++i) {
                T *to = block + size_t(i) * V;
                const T *from = own + int64_t(i) * n() + v;
                for (int l = 0; l < count; ++l) to[l] = from[l];
                for (int l = count; l < V; ++l) to[l] = T(0);
            }
        } else {
            for (int i = 0; i < n(); i += turn)
                load_turned<T, V>(own + int64_t(v) * n() + i, n(), count, block + size_t(i) * V, V,
                                  math::min(turn, n() - i));
        }
    }

    void fill_bad(T *out, int64_t each) const {
        for (int64_t i = 0; bad && i < each; ++i) out[sample * each + i] = nan_of<T>();
    }
};

template <class T, int V>
void forward_vectors(const SortSettings &s, const SortForward<T> &t, const Comparators &network,
                     const Itinerary &itinerary, int index) {
    VectorTask<T, V> task(s, network, index);
    const int n = s.wires;
    const bool wants_product = s.product != SortProduct::none;
    const size_t held = wants_product ? network.count : n;
    Scratch &scratch = Scratch::of_this_thread();
    scratch.reserve(Degrees<T>::bytes(held, true) + Scratch::bytes_of<T>(n) + Scratch::bytes_of<T>(size_t(n) * V));
    T *x = scratch.take<T>(n);
    Degrees<T> degrees(scratch, held, wants_product);
    task.load(t.x, x);
    sort_values<T, 1>(s, network, x, degrees);
    if (task.begin == 0) {
        for (int i = 0; i < n; ++i) t.values[int64_t(task.sample) * n + i] = opened(x[i]);
        task.fill_bad(t.values, n);
    }
    if (!wants_product) return;
    T *block = scratch.take<T>(size_t(n) * V);
    for (int v = task.begin; v < task.end; v += V) {
        const int count = math::min(V, task.end - v);
        task.seed(t.weights, v, count, block);
        send<T, V, 1, true, false>(network, degrees, block, itinerary.from(v), nullptr);
        if (task.bad)
            for (size_t i = 0; i < size_t(n) * V; ++i) block[i] = nan_of<T>();
        task.store(block, v, count, t.product);
    }
}

// What the task's vectors give the degrees, added to `of_degrees` `[comparators]`.
template <class T, int V>
void gather(const VectorTask<T, V> &task, const SortBackward<T> &t, const Itinerary &itinerary,
            const Degrees<T> &degrees, Scratch &scratch, T *of_degrees) {
    const Comparators &network = task.network;
    const size_t block = size_t(task.n()) * V;
    T *vector = scratch.take<T>(block), *g = scratch.take<T>(block), *kept = scratch.take<T>(size_t(network.count) * V);
    for (int v = task.begin; v < task.end; v += V) {
        const int count = math::min(V, task.end - v);
        const Route &route = itinerary.from(v);
        task.seed(t.weights, v, count, vector);
        send<T, V, 1, true, true>(network, degrees, vector, route, kept);
        task.fetch(t.grad_product, v, count, g);
        send_back<T, V, 1, true>(network, degrees, g, route, kept, of_degrees);
        if (t.grad_weights) {
            if (task.bad)
                for (size_t i = 0; i < block; ++i) g[i] = nan_of<T>();
            task.store(g, v, count, t.grad_weights);
        }
    }
}

template <class T, int V> size_t gather_bytes(const VectorTask<T, V> &task) {
    const size_t block = size_t(task.n()) * V, comparators = task.network.count;
    return 2 * Scratch::bytes_of<T>(block) + Scratch::bytes_of<T>(comparators * V);
}

// The gradient of the sample's input, from what the degrees get and from that of the sorted values `x`.
template <class T, int V>
void finish(const VectorTask<T, V> &task, const SortBackward<T> &t, const Degrees<T> &degrees, const T *x,
            Scratch &scratch, const T *of_degrees) {
    const int n = task.n();
    const int64_t origin = int64_t(task.sample) * n;
    T *g = scratch.take<T>(n);
    for (int i = 0; i < n; ++i) g[i] = t.grad_values && !is_hard(x[i]) ? t.grad_values[origin + i] : T(0);
    values_back<T, 1>(task.network, degrees, of_degrees, g);
    for (int i = 0; i < n; ++i) t.grad_x[origin + i] = is_plain(t.x[origin + i]) ? g[i] : T(0);
    task.fill_bad(t.grad_x, n);
}

template <class T, int V> size_t retrace_bytes(const VectorTask<T, V> &task) {
    return Degrees<T>::bytes(task.network.count, true) + 2 * Scratch::bytes_of<T>(task.n());
}

// A whole sample as one task: of few vectors, or none.
template <class T, int V>
void backward_sample(const SortSettings &s, const SortBackward<T> &t, const Comparators &network,
                     const Itinerary &itinerary, int sample) {
    VectorTask<T, V> task(s, network, sample * tasks_per_sample(s));
    Scratch &scratch = Scratch::of_this_thread();
    scratch.reserve(retrace_bytes(task) + gather_bytes(task) + Scratch::bytes_of<T>(network.count));
    T *x = scratch.take<T>(s.wires), *of_degrees = scratch.take<T>(network.count);
    Degrees<T> degrees(scratch, network.count, true);
    task.load(t.x, x);
    sort_values<T, 1>(s, network, x, degrees);
    memset(of_degrees, 0, sizeof(T) * network.count);
    if (t.grad_product) gather(task, t, itinerary, degrees, scratch, of_degrees);
    finish(task, t, degrees, x, scratch, of_degrees);
}

// One task's share of what the degrees of a sample get.
template <class T, int V>
void backward_share(const SortSettings &s, const SortBackward<T> &t, const Comparators &network,
                    const Itinerary &itinerary, int index, T *of_degrees) {
    VectorTask<T, V> task(s, network, index);
    Scratch &scratch = Scratch::of_this_thread();
    scratch.reserve(retrace_bytes(task) + gather_bytes(task));
    T *x = scratch.take<T>(s.wires);
    Degrees<T> degrees(scratch, network.count, true);
    task.load(t.x, x);
    sort_values<T, 1>(s, network, x, degrees);
    gather(task, t, itinerary, degrees, scratch, of_degrees);
}

// The rest of a sample whose tasks' sums, `shares` of them, lie one after another.
template <class T>
void backward_finish(const SortSettings &s, const SortBackward<T> &t, const Comparators &network, int sample,
                     T *of_degrees, int shares) {
    VectorTask<T, 1> task(s, network, sample * shares);
    Scratch &scratch = Scratch::of_this_thread();
    scratch.reserve(retrace_bytes(task));
    T *x = scratch.take<T>(s.wires);
    Degrees<T> degrees(scratch, network.count, true);
    task.load(t.x, x);
    sort_values<T, 1>(s, network, x, degrees);
    for (int share = 1; share < shares; ++share)
        for (int c = 0; c < network.count; ++c) of_degrees[c] += of_degrees[size_t(share) * network.count + c];
    finish(task, t, degrees, x, scratch, of_degrees);
}

} // namespace GENDR_ISA
} // namespace gendr
