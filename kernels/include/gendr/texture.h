// Texture maps, sampled bilinearly: value and derivative side by side.
//
// uv = (0, 0) is a map's lower left corner and v points up; row 0 of a map is its top; the texel (row i, column j) has
// its centre at u = (j + 1/2) / width, v = 1 - (i + 1/2) / height.
#pragma once

#include "math.h"

namespace gendr {
inline namespace GENDR_ISA {

enum class Wrap { repeat, clamp, mirror };

// One axis of a lookup: two neighbouring texels, the second one's weight, and that weight's derivative in the
// coordinate, in texels per unit.
struct AxisLookup {
    int64_t first, second;
    double weight, slope;
};

GENDR_HD int64_t wrapped_texel(int64_t i, int64_t size, Wrap wrap) {
    if (wrap == Wrap::clamp) return math::clamp(i, int64_t(0), size - 1);
    const int64_t period = wrap == Wrap::mirror ? 2 * size : size;
    int64_t r = i % period;
    if (r < 0) r += period;
    return r < size ? r : period - 1 - r;
}

// The coordinate first goes where numbers are small, so that none overflows: within one period, or to just outside a
// map whose border lasts for ever. `flip` for v, which points against the rows.
GENDR_HD AxisLookup axis_lookup(double coordinate, int64_t size, Wrap wrap, bool flip) {
    const double u = math::clamp(coordinate, -1e300, 1e300); // weights may add up to a little more than 1
    const double period = wrap == Wrap::mirror ? 2.0 : 1.0;
    const double near = wrap == Wrap::clamp ? math::clamp(u, -1.0, 2.0) : u - period * ::floor(u / period);
    const double at = (flip ? 1.0 - near : near) * double(size) - 0.5, below = ::floor(at);
    const int64_t i = int64_t(below);
    const bool moves = (wrap != Wrap::clamp) | (near == u);
    const double slope = moves ? double(size) : 0.0;
    return {wrapped_texel(i, size, wrap), wrapped_texel(i + 1, size, wrap), at - below, flip ? -slope : slope};
}

// The four texels around a point of a map, as indices into the texel list, and their weights.
struct TextureLookup {
    int64_t texel[4]; // (row, column): above left, above right, below left, below right
    AxisLookup across, down;

    GENDR_HD TextureLookup(double u, double v, const int64_t *map, Wrap wrap)
        : across(axis_lookup(u, map[2], wrap, false)), down(axis_lookup(v, map[1], wrap, true)) {
        texel[0] = map[0] + down.first * map[2] + across.first;
        texel[1] = map[0] + down.first * map[2] + across.second;
        texel[2] = map[0] + down.second * map[2] + across.first;
        texel[3] = map[0] + down.second * map[2] + across.second;
    }
    GENDR_HD void weights(double (&w)[4]) const {
        w[0] = (1.0 - down.weight) * (1.0 - across.weight);
        w[1] = (1.0 - down.weight) * across.weight;
        w[2] = down.weight * (1.0 - across.weight);
        w[3] = down.weight * across.weight;
    }
    // d value / d u and d value / d v, from the four texels' values.
    GENDR_HD double in_u(double t0, double t1, double t2, double t3) const {
        return across.slope * ((1.0 - down.weight) * (t1 - t0) + down.weight * (t3 - t2));
    }
    GENDR_HD double in_v(double t0, double t1, double t2, double t3) const {
        return down.slope * ((1.0 - across.weight) * (t2 - t0) + across.weight * (t3 - t1));
    }
};

} // namespace GENDR_ISA
} // namespace gendr
