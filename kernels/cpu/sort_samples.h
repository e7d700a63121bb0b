// Small networks: the lanes are samples.
#pragma once

#include "sort_block.h"

namespace gendr {
inline namespace GENDR_ISA {

constexpr int sample_lanes = 16;
constexpr int together = 4; // vectors that go through a network at once

template <class T> struct SampleTile {
    static constexpr int W = sample_lanes, width = W * together;
    const SortSettings &settings;
    const Comparators network;
    int64_t first;
    int used;
    bool bad[W]; // samples that hold NaN

    SampleTile(const SortSettings &s, const Comparators &n, int tile)
        : settings(s), network(n), first(int64_t(tile) * W), used(int(math::min(int64_t(W), s.batch - first))) {}

    int n() const { return settings.wires; }

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

    // Vectors r ... r + count, and zeros up to `together`: those that start on row (or, of the full product, column) r.
    void seed(const T *weights, int r, int count, T *block) const {
        memset(block, 0, sizeof(T) * n() * width);
        for (int k = 0; k < count; ++k) {
            if (settings.product != SortProduct::weights) {
                for (int l = 0; l < W; ++l) block[size_t(r + k) * width + k * W + l] = T(1);
                continue;
            }
            const int64_t each = int64_t(settings.rows) * n();
            const T *own = weights + int64_t(r + k) * n() + (settings.shared_weights ? 0 : first * each);
            for (int i = 0; i < n(); i += turn)
                load_turned<T, W>(own + i, settings.shared_weights ? 0 : each, used, block + size_t(i) * width + k * W,
                                  width, math::min(turn, n() - i));
        }
    }

    // Blocks of `count` vectors from `r` on to or from the product's layout.
    template <class Move> void layout(int r, int count, const Move &move) const {
        const int64_t each = int64_t(settings.rows) * n(), origin = first * each;
        if (settings.product == SortProduct::full) {
            for (int i = 0; i < n(); ++i)
                move(size_t(i) * width, size_t(W), origin + int64_t(i) * n() + r, each, count);
        } else {
            for (int k = 0; k < count; ++k)
                for (int i = 0; i < n(); i += turn)
                    move(size_t(i) * width + k * W, size_t(width), origin + int64_t(r + k) * n() + i, each,
                         math::min(turn, n() - i));
        }
    }

    void fill_bad(T *out, int64_t each) const {
        for (int l = 0; l < used; ++l)
            for (int64_t i = 0; bad[l] && i < each; ++i) out[(first + l) * each + i] = nan_of<T>();
    }
};

template <class T>
void forward_samples(const SortSettings &s, const SortForward<T> &t, const Comparators &network,
                     const Itinerary &itinerary, int index) {
    constexpr int W = sample_lanes;
    SampleTile<T> tile(s, network, index);
    const int n = s.wires;
    const bool wants_product = s.product != SortProduct::none;
    const size_t held = size_t(wants_product ? network.count : n) * W, blocks = size_t(n) * W * together;
    Scratch &scratch = Scratch::of_this_thread();
    scratch.reserve(Degrees<T>::bytes(held, true) + Scratch::bytes_of<T>(size_t(n) * W) +
                    Scratch::bytes_of<T>(wants_product ? blocks : 0));
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
    for (int r = 0; r < s.rows; r += together) {
        const int count = math::min(together, s.rows - r);
        tile.seed(t.weights, r, count, group);
        send<T, W, together, false, false>(network, degrees, group, itinerary.from(r), nullptr);
        tile.layout(r, count, [&](size_t from, size_t stride, int64_t to, int64_t each, int length) {
            store_turned<T, W>(group + from, stride, length, t.product + to, each, tile.used);
        });
    }
    tile.fill_bad(t.product, int64_t(s.rows) * n);
}

template <class T>
void backward_samples(const SortSettings &s, const SortBackward<T> &t, const Comparators &network,
                      const Itinerary &itinerary, int index) {
    constexpr int W = sample_lanes;
    SampleTile<T> tile(s, network, index);
    const int n = s.wires;
    const size_t count = size_t(network.count) * W, block = size_t(n) * W;
    Scratch &scratch = Scratch::of_this_thread();
    scratch.reserve(Degrees<T>::bytes(count, true) + Scratch::bytes_of<T>(count) +
                    Scratch::bytes_of<T>(count * together) + 2 * Scratch::bytes_of<T>(block) +
                    2 * Scratch::bytes_of<T>(block * together));
    T *x = scratch.take<T>(block), *g = scratch.take<T>(block), *vectors = scratch.take<T>(block * together);
    Degrees<T> degrees(scratch, count, true);
    T *of_degrees = scratch.take<T>(count), *kept = scratch.take<T>(count * together);
    T *group = scratch.take<T>(block * together);
    tile.load(t.x, x);
    sort_values<T, W>(s, network, x, degrees);
    memset(of_degrees, 0, count * sizeof(T));
    for (int r = 0; r < s.rows && t.grad_product; r += together) {
        const int some = math::min(together, s.rows - r);
        const Route &route = itinerary.from(r);
        if (some < together) memset(group, 0, sizeof(T) * block * together);
        tile.layout(r, some, [&](size_t to, size_t stride, int64_t from, int64_t each, int length) {
            load_turned<T, W>(t.grad_product + from, each, tile.used, group + to, stride, length);
        });
        tile.seed(t.weights, r, some, vectors);
        send<T, W, together, false, true>(network, degrees, vectors, route, kept);
        send_back<T, W, together, false>(network, degrees, group, route, kept, of_degrees);
        if (!t.grad_weights) continue;
        tile.layout(r, some, [&](size_t from, size_t stride, int64_t to, int64_t each, int length) {
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
