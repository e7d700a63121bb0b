// The forward pass of blending: the tiles of tiles.cuh, each pixel keeping a record beside its sum.
#pragma once

#include "surface.cuh"
#include "tiles.cuh"

namespace gendr {
namespace cuda {

constexpr int values_at_once = 8; // of a record, in registers: more take another launch each

// Part of a pixel's record: weight, and the values [first, first + values_at_once) of depth, attributes, textures.
template <class T> struct BlendSum {
    double weight, nearest; // the sum of weights; hard: the depth that is seen
    T top;                  // the sum's steps; hard: the face that is seen
    double values[values_at_once];

    __device__ void reset(bool is_hard, const BlendPlan<T> &plan) {
        weight = is_hard ? 0.0 : double(plan.behind_mantissa);
        nearest = double(limits<T>::huge);
        top = is_hard ? T(-1) : plan.behind_steps;
        for (int j = 0; j < values_at_once; ++j) values[j] = 0.0;
    }

    // A pair's weight in units of the sum, and by how much the sum shrinks; false where nothing is added.
    __device__ bool soft_weight(T probability, math::Stepped<T> depth, double &added, double &kept) {
        if (!(probability > limits<T>::tiny)) return false;
        settle(probability, depth.steps);
        const T apart = depth.steps - top;
        added = double(probability) * double(depth.mantissa);
        kept = 1.0;
        if (apart == T(0)) return true;
        if (apart > T(0)) {
            kept = steps_down(apart);
            top = depth.steps;
            return true;
        }
        added *= steps_down(-apart);
        return added > 0.0;
    }
    __device__ bool hard_weight(T argument, T covers, T depth, int face, double &added, double &kept) {
        if (!(argument >= covers) || !(double(depth) < nearest)) return false;
        nearest = double(depth);
        top = T(face);
        added = 1.0;
        kept = 0.0;
        return true;
    }
};

template <class T> struct BlendForwardWorkspace : ForwardWorkspace<T> {
    BlendPlan<T> *blend_plan;
    Surface<T> *surfaces; // [batch, pass_faces]
    BlendSum<T> *records; // [groups, batch, height, width], where there is more than one pass
    int groups;

    BlendForwardWorkspace(Pieces &pieces, const CoverageSettings &s, const BlendSettings &blend, int wanted)
        : ForwardWorkspace<T>(pieces, s, wanted) {
        groups = (blend.channels() - 1 + values_at_once - 1) / values_at_once;
        blend_plan = pieces.take<BlendPlan<T>>(1);
        surfaces = pieces.take<Surface<T>>(int64_t(s.batch) * this->pass_faces);
        records = pieces.take<BlendSum<T>>(s.faces > this->pass_faces ? groups * s.batch * pixels_of(s) : 0);
    }
};

template <class T> struct BlendTileArguments {
    CoverageSettings settings;
    BlendData<T> data;
    BlendForwardWorkspace<T> space;
    Pass pass;
    int group;
    T *alpha, *sums, *blended, *state;
};

template <class T>
__device__ void add_values(const BlendTileArguments<T> &x, BlendSum<T> &record, int image, int face,
                           const SurfacePoint<T> &point, double added, double kept) {
    const int attributes = x.data.settings.attribute_channels, textures = x.data.settings.texture_channels;
    const int first = x.group * values_at_once, end = math::min(first + values_at_once, 1 + attributes + textures);
    record.weight = record.weight * kept + added;
    for (int j = 0; j < values_at_once; ++j) {
        const int v = first + j;
        if (v >= math::min(end, 1 + attributes)) break;
        T value = point.depth;
        if (v > 0) {
            value = T(0);
            for (int corner = 0; corner < 3; ++corner)
                value += point.b[corner] * x.data.attribute(x.settings, image, face, corner, v - 1);
        }
        record.values[j] = record.values[j] * kept + added * double(value);
    }
    if (end <= 1 + attributes) return;
    const TextureLookup lookup = x.data.lookup(x.settings, image, face, point);
    double weights[4];
    lookup.weights(weights);
    for (int j = 0; j < values_at_once; ++j) {
        const int k = first + j - 1 - attributes; // of the texture's channels
        if (k < 0 || k >= textures) continue;
        double value = 0.0;
        for (int i = 0; i < 4; ++i) value += weights[i] * x.data.texel(lookup, i, k);
        record.values[j] = record.values[j] * kept + added * double(T(value));
    }
}

template <class T>
__device__ void write_record(const BlendTileArguments<T> &x, const BlendSum<T> &record, const BlendPlan<T> &plan,
                             int64_t pixel) {
    const bool is_hard = x.data.settings.is_hard, none = is_hard && record.top < T(0);
    const int channels = x.data.settings.channels(), first = 1 + x.group * values_at_once;
    const double inverse = is_hard ? 1.0 : 1.0 / record.weight;
    T *to = x.blended + pixel * channels;
    for (int j = 0; j < values_at_once; ++j)
        if (first + j < channels) to[first + j] = none ? T(0) : T(record.values[j] * inverse);
    if (x.group > 0) return;
    x.state[2 * pixel] = record.top;
    x.state[2 * pixel + 1] = T(inverse);
    to[0] = is_hard ? T(none) : share_of(T(1), plan.behind_mantissa, plan.behind_steps, record.top, T(inverse));
}

template <class T, class G> __global__ void __launch_bounds__(tile_pixels) blend_tiles(BlendTileArguments<T> x) {
    __shared__ StagedFace<G> staged[staged_faces];
    __shared__ Surface<T> surfaces[staged_faces];
    __shared__ int list[staged_faces];
    __shared__ int warp_totals[tile_pixels / warp];

    const CoverageSettings &s = x.settings;
    const int across = (s.width + tile_side - 1) / tile_side, tiles = across * ((s.height + tile_side - 1) / tile_side);
    const int image = static_cast<int>(blockIdx.x) / tiles, tile = static_cast<int>(blockIdx.x) % tiles;
    const ImagePlan &plan = x.space.images[image];
    if (sizeof(T) != sizeof(double) && plan.wants_double != (sizeof(G) == sizeof(double))) return; // the other kernel's

    const TilePixel at(tile, across);
    const bool is_inside = at.row < s.height && at.col < s.width;
    const int64_t pixel = (int64_t(image) * s.height + at.row) * s.width + at.col;
    const int64_t carried = int64_t(x.group) * s.batch * s.height * s.width + pixel;
    const PairRules<T> rules(s, *x.space.call);
    const BlendPlan<T> blend = *x.space.blend_plan;
    const bool is_hard = x.data.settings.is_hard;
    const double outside = s.is_squared ? covers_from * -covers_from : covers_from;
    const T covers = T(math::max(outside / plan.tau, -argument_bound));
    PixelSum<T> sum;
    BlendSum<T> record;
    sum.reset(rules.t_conorm);
    record.reset(is_hard, blend);
    if (is_inside && x.pass.first > 0) {
        sum = x.space.sums[pixel];
        record = x.space.records[carried];
    }

    MaskReader<tile_pixels, staged_faces> reader(x.space.masks + int64_t(blockIdx.x) * x.space.words, x.space.words);
    while (true) {
        __syncthreads(); // the faces staged last are no longer needed
        const int count = reader.next(list, warp_totals);
        if (count == 0) break;
        __syncthreads();
        stage_faces(x.space, image, list, count, staged);
        if (static_cast<int>(threadIdx.x) < count)
            surfaces[threadIdx.x] = x.space.surfaces[int64_t(image) * x.space.pass_faces + list[threadIdx.x]];
        __syncthreads();
        for (int i = 0; i < count && is_inside; ++i) {
            T argument;
            const StagedFace<G> &f = staged[i];
            if (!reaches(rules, f.box, f.triangle, at.row, at.col, G(plan.inverse_tau), argument)) continue;
            const int face = x.pass.first + list[i];
            if (x.group == 0) sum.add(rules, argument, face);
            const Normals<G> n(f.triangle, f.box, at.row, at.col);
            const SurfacePoint<T> point = surfaces[i].at(n.n0, n.n1, n.n2);
            double added, kept;
            const bool counts =
                is_hard ? record.hard_weight(argument, covers, point.depth, face, added, kept)
                        : record.soft_weight(rules.probability(argument).cdf,
                                             stepped_exp((blend.near - point.depth) * blend.per_depth), added, kept);
            if (counts) add_values(x, record, image, face, point, added, kept);
        }
    }
    if (!is_inside) return;
    if (x.pass.first + x.pass.count < s.faces) {
        if (x.group == 0) x.space.sums[pixel] = sum;
        x.space.records[carried] = record;
        return;
    }
    if (x.group == 0) sum.finish(rules, 1.0 / math::max(face_count(s, image), 1), x.alpha[pixel], x.sums[pixel]);
    write_record(x, record, blend, pixel);
}

} // namespace cuda
} // namespace gendr
