// The backward pass of blending: what a face's pairs give to its corners, texture coordinates, attributes, to texels
// and to the parameters; walks as in walk.cuh.
#pragma once

#include "reduce.cuh"
#include "surface.cuh"

namespace gendr {
namespace cuda {

template <class T> struct BlendBackwardWorkspace : BackwardWorkspace<T> {
    BlendPlan<T> *blend_plan;
    Surface<T> *surfaces;           // [batch, pass_faces]
    T *along;                       // [batch, height, width]: sum over the channels of gradient times value
    unsigned long long *largest;    // the bits of the largest incoming gradient of a texture's channel
    unsigned long long *texel_sums; // [texels, texture_channels], in fixed point

    BlendBackwardWorkspace(Pieces &pieces, const CoverageSettings &s, const BlendSettings &blend, int wanted)
        : BackwardWorkspace<T>(pieces, s, wanted) {
        blend_plan = pieces.take<BlendPlan<T>>(1);
        surfaces = pieces.take<Surface<T>>(int64_t(s.batch) * this->pass_faces);
        along = pieces.take<T>(s.batch * pixels_of(s));
        largest = pieces.take<unsigned long long>(1);
        texel_sums = pieces.take<unsigned long long>(blend.texels * blend.texture_channels);
    }
};

// Fixed point for sums whose terms come in any order. A pixel's shares add up to 1 at most, so that pixels times the
// largest gradient bounds any sum.
struct FixedPoint {
    double scale;

    __device__ FixedPoint(unsigned long long largest_bits, int64_t pixels) {
        double largest;
        memcpy(&largest, &largest_bits, sizeof largest);
        int exponent = 0;
        ::frexp(math::max(largest, 1e-300) * double(math::max<int64_t>(pixels, 1)), &exponent);
        scale = ::ldexp(1.0, math::clamp(61 - exponent, -1000, 1000));
    }
    __device__ void add(unsigned long long *sum, double x) const {
        atomicAdd(sum, static_cast<unsigned long long>(::llrint(x * scale))); // integers: any order gives the same
    }
    __device__ double value(unsigned long long sum) const { return double(static_cast<long long>(sum)) / scale; }
};

template <class T> struct BlendWalkArguments {
    WalkArguments<T> walk;
    BlendData<T> data;
    BlendBackwardWorkspace<T> space;
    const T *blended, *blend_state, *grad;
    T *grad_attributes, *grad_uvs, *grad_texels;
    bool wants_gamma;

    __device__ int channels() const { return data.settings.channels(); }
    __device__ T gradient(int64_t pixel, int channel) const {
        return data.sound(grad[pixel * channels() + channel], bad_gradient);
    }
    __device__ int64_t pixels() const {
        return int64_t(walk.settings.batch) * walk.settings.height * walk.settings.width;
    }
};

// One pair: its point of the face and its share of the pixel.
template <class T, class G> struct BlendPair {
    Normals<G> normals;
    SurfacePoint<T> point;
    T share;

    __device__ BlendPair(const BlendWalkArguments<T> &x, const BlendPlan<T> &plan, const Triangle<G> &triangle,
                         const Surface<T> &surface, const PixelBox &box, int row, int col, int64_t pixel, int face,
                         T probability)
        : normals(triangle, box, row, col), point(surface.at(normals.n0, normals.n1, normals.n2)) {
        const T top = x.blend_state[2 * pixel], inverse = x.blend_state[2 * pixel + 1];
        if (x.data.settings.is_hard) {
            share = top == T(face) ? T(1) : T(0);
        } else {
            const math::Stepped<T> depth = stepped_exp((plan.near - point.depth) * plan.per_depth);
            share =
                probability > limits<T>::tiny ? share_of(probability, depth.mantissa, depth.steps, top, inverse) : T(0);
        }
    }
};

// Gradients of corners, parameters, texture coordinates and texels.
template <class T, class G> struct BlendWalk {
    using Tensor = T;
    static constexpr int sums = 19; // x, y of three corners; z of them; tau, shift, p, gamma; u, v of three corners
    static constexpr int first_parameter = 9, first_uv = 13;
    WalkArguments<T> x;
    BlendWalkArguments<T> blend;

    __device__ bool takes(int image) const { return CoverageWalk<T, G>{x}.takes(image); }

    __device__ void walk(int64_t stored, int image, int face, BoxWalk at, double *sums) const {
        const PairRules<T> rules(x.settings, *x.space.call);
        const PixelBox box = x.space.boxes[stored];
        const Triangle<G> &triangle = *x.space.template triangle<G>(stored);
        const Surface<T> &surface = blend.space.surfaces[stored];
        const BlendPlan<T> plan = *blend.space.blend_plan;
        const double scale = (rules.is_squared ? 2.0 : 1.0) * x.space.images[image].inverse_tau;
        const G inverse_tau = G(x.space.images[image].inverse_tau);
        const int64_t first = int64_t(image) * x.settings.height * x.settings.width;
        for (; at.goes_on(); at.step()) {
            const int row = box.first_row + static_cast<int>(at.row), col = box.first_col + static_cast<int>(at.col);
            const int64_t pixel = first + int64_t(row) * x.settings.width + col;
            T argument;
            if (!reaches(rules, box, triangle, row, col, inverse_tau, argument)) continue;
            const Probability<T> probability = rules.probability(argument);
            const T state = x.state[pixel];
            const bool loses = rules.t_conorm == index_of_Maximum && state != T(face);
            const PairSlope<T> covering(rules, probability, loses ? T(0) : x.space.factor[pixel], state, x.wants_p);
            const BlendPair<T, G> pair(blend, plan, triangle, surface, box, row, col, pixel, face, probability.cdf);
            const T slope =
                covering.slope + blended(pair, plan, surface, triangle, probability, image, face, pixel, sums);
            DistanceSums<G> distance;
            distance.add(gradient_of<T>(triangle, box, row, col, rules.is_squared), G(slope));
            double plane[6] = {};
            distance.add_to(plane);
            for (int i = 0; i < 6; ++i) sums[i] += scale * plane[i];
            sums[first_parameter] -= double(slope) * double(argument);
            sums[first_parameter + 1] += double(slope);
            sums[first_parameter + 2] += covering.in_p;
        }
    }

    // Adds what goes through depth and the point of the face; returns d loss / d argument through the weight.
    __device__ T blended(const BlendPair<T, G> &pair, const BlendPlan<T> &plan, const Surface<T> &surface,
                         const Triangle<G> &triangle, const Probability<T> &probability, int image, int face,
                         int64_t pixel, double *sums) const {
        if (pair.share == T(0)) return T(0);
        const BlendSettings &settings = blend.data.settings;
        const T *z = surface.depth, *b = pair.point.b;
        const T in_seen = blend.gradient(pixel, 1);
        T d[3] = {in_seen * z[0], in_seen * z[1], in_seen * z[2]};
        for (int k = 0; k < settings.attribute_channels; ++k) {
            const T g = blend.gradient(pixel, 2 + k);
            for (int corner = 0; corner < 3; ++corner)
                d[corner] += g * blend.data.attribute(x.settings, image, face, corner, k);
        }
        T product = b[0] * d[0] + b[1] * d[1] + b[2] * d[2], moved1 = d[1], moved2 = d[2];
        if (settings.texture_channels) product += textured(pair, image, face, pixel, moved1, moved2, sums);
        const T in_weight = settings.is_hard ? T(0) : changeable(pair.share) * (product - blend.space.along[pixel]);
        const T in_z = -in_weight * gradient_per_depth(plan.per_depth);
        const SurfaceGradient<T> g =
            surface.gradient(triangle, pair.normals.n0, pair.normals.n1, pair.normals.n2, pair.point,
                             pair.share * d[0] + in_z * z[0], pair.share * moved1 + in_z * z[1],
                             pair.share * moved2 + in_z * z[2], pair.share * in_seen + in_z, settings.is_perspective);
        for (int corner = 0; corner < 3; ++corner) {
            sums[2 * corner] -= double(g.lambda[corner] * g.x);
            sums[2 * corner + 1] -= double(g.lambda[corner] * g.y);
            sums[6 + corner] += double(g.z[corner]);
        }
        // Exponents count from the logarithm of the pixel's sum, which changes nothing: a pixel's shares add up to 1.
        const T a = at_least_tiny(probability.cdf);
        if (blend.wants_gamma)
            sums[first_parameter + 3] -= double(in_weight) * double(math::log(at_least_tiny(pair.share) / a));
        return in_weight * (probability.pdf / a);
    }

    // The gradient's product with the texture's value, and with its change between the corners; texels and coordinates.
    __device__ T textured(const BlendPair<T, G> &pair, int image, int face, int64_t pixel, T &moved1, T &moved2,
                          double *sums) const {
        const BlendData<T> &data = blend.data;
        const int channels = data.settings.texture_channels, first = blend.channels() - channels;
        const TextureLookup lookup = data.lookup(x.settings, image, face, pair.point);
        const FixedPoint fixed(*blend.space.largest, blend.pixels());
        double w[4], value = 0.0, u = 0.0, v = 0.0;
        lookup.weights(w);
        for (int k = 0; k < channels; ++k) {
            double t[4];
            for (int j = 0; j < 4; ++j) t[j] = data.texel(lookup, j, k);
            const double g = double(blend.gradient(pixel, first + k));
            value += g * (w[0] * t[0] + w[1] * t[1] + w[2] * t[2] + w[3] * t[3]);
            u += g * lookup.in_u(t[0], t[1], t[2], t[3]);
            v += g * lookup.in_v(t[0], t[1], t[2], t[3]);
            if (!blend.grad_texels) continue;
            for (int j = 0; j < 4; ++j)
                fixed.add(blend.space.texel_sums + lookup.texel[j] * channels + k, double(pair.share) * g * w[j]);
        }
        for (int corner = 0; corner < 3; ++corner) {
            sums[first_uv + 2 * corner] += double(pair.share) * u * double(pair.point.b[corner]);
            sums[first_uv + 2 * corner + 1] += double(pair.share) * v * double(pair.point.b[corner]);
        }
        // The first corner is left out of all three: only differences count, and they keep their digits.
        T uv[6];
        for (int i = 0; i < 6; ++i) uv[i] = data.uv(x.settings, image, face, i);
        moved1 += T(u) * (uv[2] - uv[0]) + T(v) * (uv[3] - uv[1]);
        moved2 += T(u) * (uv[4] - uv[0]) + T(v) * (uv[5] - uv[1]);
        return T(value);
    }

    __device__ void write(int image, int face, const double *sums) const {
        const int64_t at = first_face(x.settings, image) + face;
        T *gradient = x.grad_face_vertices + at * 9;
        for (int corner = 0; corner < 3; ++corner) {
            gradient[3 * corner] = held<T>(sums[2 * corner]);
            gradient[3 * corner + 1] = held<T>(sums[2 * corner + 1]);
            gradient[3 * corner + 2] = held<T>(sums[6 + corner]);
        }
        double *shares = x.space.face_sums + (int64_t(image) * x.settings.faces + face) * parameters;
        for (int i = 0; i < parameters; ++i) shares[i] = sums[first_parameter + i];
        if (blend.grad_uvs)
            for (int i = 0; i < 6; ++i) blend.grad_uvs[at * 6 + i] = held<T>(sums[first_uv + i]);
    }
};

// Gradients of the attributes [first, first + channels_at_once) of the corners.
template <class T, class G> struct AttributeWalk {
    using Tensor = T;
    static constexpr int channels_at_once = 4;
    static constexpr int sums = 3 * channels_at_once;
    WalkArguments<T> x;
    BlendWalkArguments<T> blend;
    int first;

    __device__ bool takes(int image) const { return CoverageWalk<T, G>{x}.takes(image); }

    __device__ void walk(int64_t stored, int image, int face, BoxWalk at, double *sums) const {
        const PairRules<T> rules(x.settings, *x.space.call);
        const PixelBox box = x.space.boxes[stored];
        const Triangle<G> &triangle = *x.space.template triangle<G>(stored);
        const BlendPlan<T> plan = *blend.space.blend_plan;
        const int count = math::min(channels_at_once, blend.data.settings.attribute_channels - first);
        for (; at.goes_on(); at.step()) {
            const int row = box.first_row + static_cast<int>(at.row), col = box.first_col + static_cast<int>(at.col);
            const int64_t pixel = (int64_t(image) * x.settings.height + row) * x.settings.width + col;
            T argument;
            if (!reaches(rules, box, triangle, row, col, G(x.space.images[image].inverse_tau), argument)) continue;
            const BlendPair<T, G> pair(blend, plan, triangle, blend.space.surfaces[stored], box, row, col, pixel, face,
                                       rules.probability(argument).cdf);
            if (pair.share == T(0)) continue;
            for (int k = 0; k < channels_at_once; ++k) {
                if (k >= count) break;
                const T shared = pair.share * blend.gradient(pixel, 2 + first + k);
                for (int corner = 0; corner < 3; ++corner)
                    sums[corner * channels_at_once + k] += double(shared * pair.point.b[corner]);
            }
        }
    }

    __device__ void write(int image, int face, const double *sums) const {
        const int channels = blend.data.settings.attribute_channels;
        T *to = blend.grad_attributes + (first_face(x.settings, image) + face) * 3 * channels + first;
        for (int corner = 0; corner < 3; ++corner)
            for (int k = 0; k < math::min(channels_at_once, channels - first); ++k)
                to[corner * channels + k] = held<T>(sums[corner * channels_at_once + k]);
    }
};

// Of each pixel: the sum over the channels of gradient times value; the largest gradient of a texture's channel.
template <class T> __global__ void find_along(BlendWalkArguments<T> x) {
    const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i >= x.pixels()) return;
    const int channels = x.channels(), first_texture = channels - x.data.settings.texture_channels;
    double sum = 0.0, largest = 0.0;
    for (int k = 0; k < channels; ++k) {
        const double g = double(x.gradient(i, k));
        sum += g * double(x.blended[i * channels + k]);
        if (k >= first_texture) largest = math::max(largest, math::abs(g));
    }
    x.space.along[i] = T(sum);
    unsigned long long bits; // of a number that is not negative: in the order of the numbers
    memcpy(&bits, &largest, sizeof bits);
    if (largest > 0.0) atomicMax(x.space.largest, bits);
}

// The background's share of d loss / d gamma, times gamma, a number per block of pixels.
template <class T> __global__ void sum_pixels_in_gamma(BlendWalkArguments<T> x) {
    __shared__ double scratch[reducers / warp];
    constexpr int per_block = BackwardWorkspace<T>::pixels_per_block;
    const int64_t first = int64_t(blockIdx.x) * per_block;
    double sum = 0.0;
    for (int64_t i = first + threadIdx.x; i < first + per_block && i < x.pixels(); i += blockDim.x) {
        const double weight = double(x.blended[i * x.channels()]);
        if (!x.data.settings.is_hard && weight > double(limits<T>::tiny))
            sum -= weight * (double(x.gradient(i, 0)) - double(x.space.along[i])) * ::log(weight);
    }
    sum = block_sum(sum, scratch);
    if (threadIdx.x == 0) x.space.pixel_sums[x.space.pixel_blocks + blockIdx.x] = sum;
}

template <class T> __global__ void write_texels(BlendWalkArguments<T> x) {
    const int64_t i = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i >= x.data.settings.texels * x.data.settings.texture_channels) return;
    const FixedPoint fixed(*x.space.largest, x.pixels());
    x.grad_texels[i] = held<T>(fixed.value(x.space.texel_sums[i]));
}

} // namespace cuda
} // namespace gendr
