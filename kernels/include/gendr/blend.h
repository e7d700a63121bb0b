// Blending: what the faces over a pixel show, joined by a softmax of depth or taken from the nearest face.
//
// Soft: w_t ~ a_t exp(e_t), e_t = (near - z_t) / ((far - near) gamma), and w_background ~ exp((eps - 1) / gamma); the
// published exp((far - z) / (far - near) / gamma) less a factor that all share. Weights are kept as
// mantissa * 2^(64 steps), sums likewise, so that no gamma overflows and every sum is exact to the last digits.
// Hard: the nearest face that covers the pixel, the lowest index among equals.
//
// A pixel's record of numbers, blended alike: [weight, depth, attributes ..., texture ...].
#pragma once

#include "coverage.h"
#include "math.h"

namespace gendr {

// What a call of the blending kernels adds to CoverageSettings.
struct BlendSettings {
    bool is_hard;
    bool is_perspective; // attributes and depth are interpolated in 1 / z
    double gamma, eps;
    int attribute_channels, texture_channels;
    bool shared_attributes, shared_uvs; // one set of faces for all images
    int64_t texels, maps;
    int wrap; // of texture coordinates: Wrap

    GENDR_HD int channels() const { return 2 + attribute_channels + texture_channels; }
};

// Where a face's colour comes from: corners, textures, or both.
template <class T> struct SurfaceData {
    const T *attributes;        // [batch or 1, faces, 3, attribute_channels], or null
    const T *uvs;               // [batch or 1, faces, 3, 2], or null
    const T *texels;            // [texels, texture_channels]
    const int64_t *maps;        // [maps, 3]: first texel, height, width
    const int64_t *map_of_face; // [faces] of a mesh, or of the packed list
};

template <class T> struct BlendForward {
    CoverageForward<T> coverage;
    SurfaceData<T> surface;
    T *blended; // [batch, height, width, channels]: the background's weight, depth, features
    T *state;   // [batch, height, width, 2]: steps and 1 / sum (soft), or the winning face, -1 for none, and 1 (hard)
};

template <class T> struct BlendBackward {
    CoverageBackward<T> coverage;
    SurfaceData<T> surface;
    const T *blended, *state, *grad_blended;
    T *grad_attributes; // [batch, faces, 3, attribute_channels], or null
    T *grad_uvs;        // [batch, faces, 3, 2], or null
    T *grad_texels;     // [texels, texture_channels], or null
    double *grad_gamma; // [1]; computed where wants_gamma
    bool wants_gamma;
};

inline namespace GENDR_ISA {

constexpr double covers_from = -1e-6; // a face covers pixels outside by less than this, so that neighbours leave no gap
constexpr int most_steps_apart = 4;   // terms this many steps below a sum add nothing: 2^-66 of it at most
constexpr double one_step = 5.421010862427522e-20; // 2^-64

// A weight e^exponent. The bounds lie beyond 1 / gamma, so that depths keep their order for any gamma.
template <class T> GENDR_HD math::Stepped<T> stepped_exp(T exponent) {
    return math::exp2_stepped(math::clamp(exponent * T(1.4426950408889634), T(-3e31), T(3e31)));
}

// 2^(-64 apart) for a whole number of steps above 0; 0 from `most_steps_apart` on.
template <class T> GENDR_HD double steps_down(T apart) {
    double scale = apart >= T(most_steps_apart) ? 0.0 : one_step;
    for (int k = 1; scale > 0.0 && k < int(apart); ++k) scale *= one_step;
    return scale;
}

// A faint probability hands steps on to its weight: the two together say how much a face counts, and a faint one far in
// front must not drive out the others. Float, which ends at 2^-126, has room for both.
GENDR_HD void settle(float &, float &) {}
GENDR_HD void settle(double &probability, double &steps) {
    const double up[4] = {0x1p512, 0x1p256, 0x1p128, 0x1p64};
    for (int k = 0; k < 4; ++k) {
        const bool is_faint = probability * up[k] < 1.0;
        probability *= is_faint ? up[k] : 1.0;
        steps -= is_faint ? double(8 >> k) : 0.0;
    }
}

// The exponent's scale: e = (near - z) * per_depth.
GENDR_HD double exponent_per_depth(double near, double far, double gamma) {
    return math::min(1.0 / (math::max(far - near, 1e-30) * math::max(gamma, 1e-30)), 1e37);
}

// The exponent's derivative, held where the products of gradients stay finite.
template <class T> GENDR_HD T gradient_per_depth(T per_depth) { return math::min(per_depth, T(1e25)); }

// A face's share of its pixel, from the pixel's sum: a 2^(64 (steps - sum_steps)) mantissa / sum.
template <class T> GENDR_HD T share_of(T probability, T mantissa, T steps, T sum_steps, T inverse_sum) {
    settle(probability, steps);
    const T apart = sum_steps - steps, step = T(one_step);
    const T once = apart >= T(1) ? step : T(1), twice = apart >= T(2) ? step : T(1),
            thrice = apart >= T(3) ? step : T(1);
    const T share = ((probability * mantissa) * once) * (inverse_sum * twice) * thrice;
    return (apart >= T(most_steps_apart)) | (apart < T(0)) ? T(0) : math::min(share, T(1));
}

// The share as far as depth, occlusion and gamma can change it. One that is 1 but for rounding is all that its pixel
// shows: the gradient's difference from its mean is a rounding error there, which 1 / gamma would blow up.
template <class T> GENDR_HD T changeable(T share) {
    return share > T(1) - T(sizeof(T) == sizeof(float) ? 0x1p-21 : 0x1p-50) ? T(0) : share;
}

} // namespace GENDR_ISA
} // namespace gendr
