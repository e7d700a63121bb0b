// Small networks: the lanes are samples.
#pragma once

#include "sort_block.h"

namespace gendr {
inline namespace GENDR_ISA {

constexpr int sample_lanes = 16;

template <class T> struct SampleTile {
    static constexpr int W = sample_lanes;
    const SortSettings &settings;
    const Comparators network;
    int64_t first;
    int used;
    bool bad[W]; // samples that hold NaN

    SampleTile(const SortSettings &s, const Comparators &n, int tile)
        : settings(s), network(n), first(int64_t(tile) * W), used(int(math::min(int64_t(W), s.batch - first))) {}

    int n() const { return settings.wires; }
    bool backwards() const { return settings.product != SortProduct::full; }

    void load(const T *x, T *block) {
        for (int i = 0; i < n(); i += turn)
            load_turned<T, W>(x + first * n() + i, n(), used, block + size_t(i) * W, W, math::min(turn, n() - i));
        int nan[W] = {};
        for (int i = 0; i < n(); ++i) {
            T *wire = block + size_t(i) * W;
#pragma omp simd
            for (int l = 0; l < W; ++l) {
                nan[l] |= is_nan_bits(wire[l]) ? 1 : 0;
                wire[l] = enclosed(wire[l]);
            }
        }
        for (int l = 0; l < W; ++l) bad[l] = nan[l] != 0;
    }

    // The vector that starts on row (or, of the full product, column) `r`.
    void seed(const T *weights, int r, T *block, char *live) const {
        memset(block, 0, sizeof(T) * n() * W);
        if (settings.product != SortProduct::weights) {
            memset(live, 0, n());
            live[r] = 1;
            for (int l = 0; l < W; ++l) block[size_t(r) * W + l] = T(1);
            return;
        }
        memset(live, 1, n());
        const int64_t each = int64_t(settings.rows) * n();
        const T *own = weights + int64_t(r) * n() + (settings.shared_weights ? 0 : first * each);
        for (int i = 0; i < n(); i += turn)
            load_turned<T, W>(own + i, settings.shared_weights ? 0 : each, used, block + size_t(i) * W, W,
                              math::min(turn, n() - i));
    }

    // Blocks of `count` vectors from `r` on to or from the product's layout.
    template <class Move> void layout(int r, int count, const Move &move) const {
        const int64_t each = int64_t(settings.rows) * n(), origin = first * each;
        const size_t block = size_t(n()) * W;
        if (settings.product == SortProduct::full) {
            for (int i = 0; i < n(); ++i) move(size_t(i) * W, block, origin + int64_t(i) * n() + r, each, count);
        } else {
            for (int k = 0; k < count; ++k)
                for (int i = 0; i < n(); i += turn)
                    move(k * block + size_t(i) * W, size_t(W), origin + int64_t(r + k) * n() + i, each,
                         math::min(turn, n() - i));
        }
    }

    void fill_bad(T *out, int64_t each) const {
        for (int l = 0; l < used; ++l)
            for (int64_t i = 0; bad[l] && i < each; ++i) out[(first + l) * each + i] = nan_of<T>();
    }
};

template <class T>
void forward_samples(const SortSettings &s, const SortForward<T> &t, const Comparators &network, int index) {
    constexpr int W = sample_lanes;
    SampleTile<T> tile(s, network, index);
    const int n = s.wires;
    const bool wants_product = s.product != SortProduct::none;
    const size_t held = size_t(wants_product ? network.count : n) * W, blocks = size_t(n) * W * turn;
    Scratch &scratch = Scratch::of_this_thread();
    scratch.reserve(Degrees<T>::bytes(held, true) + Scratch::bytes_of<T>(size_t(n) * W) +
                    Scratch::bytes_of<T>(wants_product ? blocks : 0) + Scratch::bytes_of<char>(n));
    T *x = scratch.take<T>(size_t(n) * W);
    Degrees<T> degrees(scratch, held, wants_product);
    tile.load(t.x, x);
    sort_values<T, W>(s, network, x, degrees);
    for (int i = 0; i < n; i += turn)
        store_turned<T, W>(x + size_t(i) * W, W, math::min(turn, n - i), t.values + tile.first * n + i, n, tile.used);
    T *values = t.values + tile.first * n;
#pragma omp simd
    for (int i = 0; i < tile.used * n; ++i) values[i] = opened(values[i]);
    tile.fill_bad(t.values, n);
    if (!wants_product) return;
    T *group = scratch.take<T>(blocks);
    char *live = scratch.take<char>(n);
    for (int r = 0; r < s.rows; r += turn) {
        const int count = math::min(turn, s.rows - r);
        for (int k = 0; k < count; ++k) {
            T *block = group + size_t(k) * n * W;
            tile.seed(t.weights, r + k, block, live);
            send<T, W, false>(network, tile.backwards(), degrees, block, live, nullptr, nullptr);
        }
        tile.layout(r, count, [&](size_t from, size_t stride, int64_t to, int64_t each, int length) {
            store_turned<T, W>(group + from, stride, length, t.product + to, each, tile.used);
        });
    }
    tile.fill_bad(t.product, int64_t(s.rows) * n);
}

template <class T>
void backward_samples(const SortSettings &s, const SortBackward<T> &t, const Comparators &network, int index) {
    constexpr int W = sample_lanes;
    SampleTile<T> tile(s, network, index);
    const int n = s.wires;
    const size_t count = size_t(network.count) * W, block = size_t(n) * W;
    Scratch &scratch = Scratch::of_this_thread();
    scratch.reserve(Degrees<T>::bytes(count, true) + 2 * Scratch::bytes_of<T>(count) + 3 * Scratch::bytes_of<T>(block) +
                    Scratch::bytes_of<T>(block * turn) + Scratch::bytes_of<int32_t>(network.count) +
                    Scratch::bytes_of<char>(n));
    T *x = scratch.take<T>(block), *g = scratch.take<T>(block), *vector = scratch.take<T>(block);
    Degrees<T> degrees(scratch, count, true);
    T *of_degrees = scratch.take<T>(count), *kept = scratch.take<T>(count), *group = scratch.take<T>(block * turn);
    int32_t *visited = scratch.take<int32_t>(network.count);
    char *live = scratch.take<char>(n);
    tile.load(t.x, x);
    sort_values<T, W>(s, network, x, degrees);
    memset(of_degrees, 0, count * sizeof(T));
    for (int r = 0; r < s.rows && t.grad_product; r += turn) {
        const int vectors = math::min(turn, s.rows - r);
        tile.layout(r, vectors, [&](size_t to, size_t stride, int64_t from, int64_t each, int length) {
            load_turned<T, W>(t.grad_product + from, each, tile.used, group + to, stride, length);
        });
        for (int k = 0; k < vectors; ++k) {
            tile.seed(t.weights, r + k, vector, live);
            const int visits = send<T, W, false>(network, tile.backwards(), degrees, vector, live, kept, visited);
            send_back<T, W, false>(network, degrees, group + k * block, kept, visited, visits, of_degrees);
        }
        if (!t.grad_weights) continue;
        tile.layout(r, vectors, [&](size_t from, size_t stride, int64_t to, int64_t each, int length) {
            store_turned<T, W>(group + from, stride, length, t.grad_weights + to, each, tile.used);
        });
    }
    memset(g, 0, block * sizeof(T));
    if (t.grad_values)
        for (int i = 0; i < n; i += turn)
            load_turned<T, W>(t.grad_values + tile.first * n + i, n, tile.used, g + size_t(i) * W, W,
                              math::min(turn, n - i));
    for (size_t i = 0; i < block; ++i) g[i] = is_hard(x[i]) ? T(0) : g[i];
    values_back<T, W>(network, degrees, of_degrees, g);
    for (int i = 0; i < n; i += turn)
        store_turned<T, W>(g + size_t(i) * W, W, math::min(turn, n - i), t.grad_x + tile.first * n + i, n, tile.used);
    const T *inputs = t.x + tile.first * n;
    T *gradients = t.grad_x + tile.first * n;
#pragma omp simd
    for (int i = 0; i < tile.used * n; ++i) gradients[i] = is_plain(inputs[i]) ? gradients[i] : T(0);
    tile.fill_bad(t.grad_x, n);
    if (t.grad_weights) tile.fill_bad(t.grad_weights, int64_t(s.rows) * n);
}

} // namespace GENDR_ISA
} // namespace gendr
