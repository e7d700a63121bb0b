// The gradients of blending and coverage, pair by pair: from pixels to probabilities, depths, barycentric coordinates,
// corners and texels.
#pragma once

#include "backward.h"
#include "blend_forward.h"
#include "blend_pixels.h"
#include "texel_sums.h"

namespace gendr {
inline namespace GENDR_ISA {

// d loss / d (the corners' x, y, z), of one face.
struct CornerSums {
    double x[3] = {}, y[3] = {}, z[3] = {};
};

struct BlendParameterSums : ParameterSums {
    double gamma = 0.0;
};

template <class T, class G> struct BlendBackwardVisit : SurfaceBlock<T, G, BlendBackwardVisit<T, G>> {
    using Base = SurfaceBlock<T, G, BlendBackwardVisit<T, G>>;
    const BlendImage<T> &image;
    const BlendPixels<T> &pixels;
    const BlendBackward<T> &tensors;
    CornerSums *corner_sums; // of face `first_face` and on, as they are drawn
    BlendParameterSums sums;
    const TexelSums *texels;
    int64_t *texel_list;
    T *rows;
    int first_face, stride;
    G scale; // d argument / d distance (squared: / d (|d| d / 2))
    T near, per_depth;
    SurfaceStage<T, true> points;
    alignas(64) T along[surface_block], top[surface_block], inverse[surface_block];
    alignas(64) T grad[4][surface_block];
    alignas(64) T pdf[surface_block], slope[surface_block], c[surface_block], l[surface_block];
    alignas(64) T share[surface_block], d0[surface_block], d1[surface_block], d2[surface_block];
    alignas(64) T in_texture[surface_block], in_u[surface_block], in_v[surface_block], by_weight[surface_block];

    BlendBackwardVisit(const Plan<T> &plan, const BlendImage<T> &image, const BlendPixels<T> &pixels,
                       const BlendBackward<T> &tensors, CornerSums *corner_sums, int first_face,
                       const ImageFaces<T> &faces, const TexelSums *texels, int64_t *texel_list, T *rows, G scale)
        : Base(plan, faces, image.settings.is_perspective), image(image), pixels(pixels), tensors(tensors),
          corner_sums(corner_sums), texels(texels), texel_list(texel_list), rows(rows), first_face(first_face),
          stride(record_stride(image.settings)), scale(scale), near(T(plan.settings.near)),
          per_depth(T(exponent_per_depth(plan.settings.near, plan.settings.far, image.settings.gamma))) {}

    void flush() {
        if (this->n == 0) return;
        this->complete();
        const int n = this->n;
        this->set_up_surfaces();
        for (int i = 0; i < this->runs; ++i)
            points.run(this->run[i], this->index + this->run[i].begin, near, per_depth);
        coverage(n);
        shares(n);
        for (int i = 0; i < this->runs; ++i) {
            const SurfaceRun<T, G> &r = this->run[i];
            corner_rows(r.surface, image.settings.attribute_channels ? image.attributes(r.number) : nullptr,
                        image.settings.attribute_channels, stride, rows);
            gradients(r);
        }
        if (tensors.wants_gamma) gamma(n);
        double in_tau = 0.0, in_shift = 0.0;
#pragma omp simd reduction(+ : in_tau, in_shift)
        for (int i = 0; i < n; ++i) {
            in_tau += double(slope[i]) * double(this->argument[i]);
            in_shift += double(slope[i]);
        }
        sums.tau -= in_tau;
        sums.shift += in_shift;
    }

  private:
    // d loss / d argument through alpha.
    void coverage(int n) {
        const Plan<T> &plan = this->plan;
        plan.probabilities(n, this->argument, this->u, this->a, this->q, pdf);
        if (pixels.rows_have_gradients())
            look_up_eight(n, pixels.rows, this->pixel, {c, along, top, inverse, grad[0], grad[1], grad[2], grad[3]});
        else look_up_four(n, pixels.rows, 4, this->pixel, c, along, top, inverse);
        if (plan.conorm.family == Family::power)
            for (int i = 0; i < n; ++i) l[i] = pixels.sums[this->pixel[i]];
        for (int k = 0; k < this->runs; ++k) {
            const SurfaceRun<T, G> &r = this->run[k];
            if (plan.conorm.family == Family::maximum)
                for (int i = r.begin; i < r.filled; ++i)
                    if (pixels.sums[this->pixel[i]] != T(r.number)) c[i] = T(0);
            for (int i = r.filled; i < r.end; ++i) c[i] = T(0);
        }
        if (tensors.coverage.wants_p) sums.p += plan.conorm.in_p(n, this->a, this->q, c, l, plan.p);
        memcpy(slope, pdf, sizeof(T) * n);
        plan.conorm.derivative(n, this->a, this->q, c, l, plan.p, slope);
    }

    void shares(int n) {
        const T *__restrict a = this->a, *__restrict mantissa = points.mantissa, *__restrict steps = points.steps;
        T *__restrict to = share;
        if (!image.settings.is_hard) {
#pragma omp simd
            for (int i = 0; i < n; ++i) {
                const T w = share_of(a[i], mantissa[i], steps[i], top[i], inverse[i]);
                to[i] = a[i] > limits<T>::tiny ? w : T(0);
            }
        }
        for (int k = 0; k < this->runs; ++k) {
            const SurfaceRun<T, G> &r = this->run[k];
            if (image.settings.is_hard)
                for (int i = r.begin; i < r.filled; ++i) share[i] = top[i] == T(r.number) ? T(1) : T(0);
            for (int i = r.filled; i < r.end; ++i) share[i] = T(0);
        }
    }

    void gradients(const SurfaceRun<T, G> &r) {
        this->plan.settings.is_squared ? gradients<true>(r) : gradients<false>(r);
    }
    template <bool squared> void gradients(const SurfaceRun<T, G> &r) {
        const bool is_textured = image.settings.texture_channels > 0;
        const bool has_further = is_textured || image.settings.attribute_channels > 3;
        if (has_further) further_channels(r);
        if (is_textured) textures(r);
        if (!pixels.rows_have_gradients()) look_up(r, 1);
        if (is_textured) corners<squared, true, true>(r);
        else if (has_further) corners<squared, true, false>(r);
        else corners<squared, false, false>(r);
    }

    // The gradient's product with each corner's attributes beyond the first three, and the gradients of those.
    void further_channels(const SurfaceRun<T, G> &r) {
        const int attributes = image.settings.attribute_channels;
        for (int i = r.begin; i < r.end; ++i) d0[i] = d1[i] = d2[i] = T(0);
        for (int k = 3; k < attributes; ++k) {
            if (k % 4 == 3) look_up(r, k + 2);
            attribute(r, k, grad[(k + 1) % 4], gradient_of(r));
        }
    }
    T *gradient_of(const SurfaceRun<T, G> &r) const {
        return tensors.grad_attributes
                   ? tensors.grad_attributes + (image.first_face + r.number) * 3 * image.settings.attribute_channels
                   : nullptr;
    }

    // The gradients of up to four channels from `first` on into `grad`.
    void look_up(const SurfaceRun<T, G> &r, int first) {
        const int *pixel = this->pixel + r.begin;
        const int n = r.end - r.begin, count = math::min(4, 2 + image.settings.attribute_channels - first);
        if (count == 4)
            look_up_four(n, pixels.grad + first, pixels.channels, pixel, grad[0], grad[1], grad[2], grad[3]);
        else
            for (int k = 0; k < 4; ++k)
                for (int i = 0; i < n; ++i)
                    grad[k][i] = k < count ? pixels.grad[int64_t(pixel[i]) * pixels.channels + first + k] : T(0);
    }

    void attribute(const SurfaceRun<T, G> &r, int k, const T *__restrict of_channel, T *gradient) {
        const int n = r.end - r.begin;
        const T f0 = rows[2 + k], f1 = rows[stride + 2 + k], f2 = rows[2 * stride + 2 + k];
        const T *__restrict shares = share + r.begin;
        const T *__restrict b0 = points.b0 + r.begin, *__restrict b1 = points.b1 + r.begin,
                            *__restrict b2 = points.b2 + r.begin;
        T *__restrict to0 = d0 + r.begin, *__restrict to1 = d1 + r.begin, *__restrict to2 = d2 + r.begin;
        alignas(64) T sum[3][lanes] = {};
        each_vector(n, [&](int first, auto width) __attribute__((always_inline)) {
            for (int lane = 0; lane < width; ++lane) {
                const int i = first + lane;
                const T g = of_channel[i], shared = shares[i] * g;
                to0[i] += g * f0;
                to1[i] += g * f1;
                to2[i] += g * f2;
                sum[0][lane] += shared * b0[i];
                sum[1][lane] += shared * b1[i];
                sum[2][lane] += shared * b2[i];
            }
        });
        if (!gradient) return;
        const int attributes = image.settings.attribute_channels;
        for (int corner = 0; corner < 3; ++corner) gradient[corner * attributes + k] += lane_sum(sum[corner]);
    }

    // Products of the gradient with the texture's value and derivatives; the texels' and corners' gradients.
    void textures(const SurfaceRun<T, G> &r) {
        const int texture_channels = image.settings.texture_channels, wide = pixels.channels;
        const T *uv = image.uvs(r.number);
        const int64_t *map = image.map(r.number);
        double in_uv[6] = {};
        for (int i = r.begin; i < r.end; ++i) {
            in_texture[i] = in_u[i] = in_v[i] = T(0);
            if (i >= r.filled || share[i] == T(0)) continue;
            const double b[3] = {points.b0[i], points.b1[i], points.b2[i]};
            const TextureLookup lookup = image.lookup(uv, map, points.b0[i], points.b1[i], points.b2[i]);
            const T *grad = pixels.grad + int64_t(this->pixel[i]) * wide + (wide - texture_channels);
            double w[4], value = 0.0, u = 0.0, v = 0.0;
            lookup.weights(w);
            for (int k = 0; k < texture_channels; ++k) {
                double t[4];
                for (int j = 0; j < 4; ++j) t[j] = image.data.texels[lookup.texel[j] * texture_channels + k];
                const double g = grad[k];
                value += g * (w[0] * t[0] + w[1] * t[1] + w[2] * t[2] + w[3] * t[3]);
                u += g * lookup.in_u(t[0], t[1], t[2], t[3]);
                v += g * lookup.in_v(t[0], t[1], t[2], t[3]);
                if (texel_list)
                    for (int j = 0; j < 4; ++j)
                        texel_list[lookup.texel[j] * texture_channels + k] +=
                            texels->fixed(double(share[i]) * g * w[j]);
            }
            in_texture[i] = T(value);
            in_u[i] = T(u);
            in_v[i] = T(v);
            for (int j = 0; j < 3; ++j) {
                in_uv[2 * j] += double(share[i]) * u * b[j];
                in_uv[2 * j + 1] += double(share[i]) * v * b[j];
            }
        }
        if (tensors.grad_uvs)
            for (int j = 0; j < 6; ++j) tensors.grad_uvs[(image.first_face + r.number) * 6 + j] += T(in_uv[j]);
    }

    // d loss / d gamma, times gamma. Exponents count from the logarithm of the pixel's sum, which changes nothing, as a
    // pixel's shares add up to 1, and leaves small numbers where one face is all that is seen.
    void gamma(int n) {
        const T *__restrict a = this->a;
        double sum = 0.0;
#pragma omp simd reduction(+ : sum)
        for (int i = 0; i < n; ++i) {
            const T exponent = math::log(at_least_tiny(share[i]) / at_least_tiny(a[i]));
            sum += double(by_weight[i]) * double(exponent);
        }
        sums.gamma -= sum;
    }

    // From a face's pairs to its corners and their first three attributes, in one pass: many short ones would spend
    // their time on loads and stores. `further` adds what d0, d1 and d2 hold, `textured` what `textures` found.
    template <bool squared, bool further, bool textured> void corners(const SurfaceRun<T, G> &run) {
        const SurfaceRun<T, G> r = run;
        const G inverse_cols = G(1) / G(r.cols);
        const T is_perspective = T(image.settings.is_perspective), is_soft = image.settings.is_hard ? T(0) : T(1);
        const T z_scale = gradient_per_depth(per_depth);
        T value[4][3]; // of depth and the attributes, at each corner
        for (int k = 0; k < 4; ++k)
            for (int corner = 0; corner < 3; ++corner) value[k][corner] = rows[corner * stride + 1 + k];
        const T *uv = textured ? image.uvs(r.number) : nullptr;
        // The first corner's gradient is left out of all three: only differences count, and they keep their digits.
        const T u1 = textured ? uv[2] - uv[0] : T(0), v1 = textured ? uv[3] - uv[1] : T(0);
        const T u2 = textured ? uv[4] - uv[0] : T(0), v2 = textured ? uv[5] - uv[1] : T(0);
        const int begin = r.begin;
        const T *__restrict index = this->index + begin, *__restrict a = this->a + begin,
                            *__restrict density = pdf + begin, *__restrict alongs = along + begin,
                            *__restrict shares = share + begin;
        const T *__restrict points0 = points.b0 + begin, *__restrict points1 = points.b1 + begin,
                            *__restrict points2 = points.b2 + begin, *__restrict wholes = points.whole + begin;
        const int skip = pixels.rows_have_gradients() ? begin : 0; // `grad` is of the block or of the run
        const T *__restrict grad0 = grad[0] + skip, *__restrict grad1 = grad[1] + skip,
                            *__restrict grad2 = grad[2] + skip, *__restrict grad3 = grad[3] + skip;
        const T *__restrict further0 = d0 + begin, *__restrict further1 = d1 + begin, *__restrict further2 = d2 + begin;
        const T *__restrict texture = in_texture + begin, *__restrict us = in_u + begin, *__restrict vs = in_v + begin;
        T *__restrict to_slope = slope + begin, *__restrict to_weight = by_weight + begin;
        // x, y, z; three attributes; x, y through the distance, unless that has a precision of its own.
        constexpr bool is_joint = sizeof(T) == sizeof(G);
        alignas(64) T sum[24][lanes] = {};
        alignas(64) G apart[is_joint ? 1 : 8][lanes] = {};
        G(*const moved)[lanes] = is_joint ? reinterpret_cast<G(*)[lanes]>(sum + 18) : apart;
        each_vector(r.end - begin, [&](int first, auto width) __attribute__((always_inline)) {
            for (int lane = 0; lane < width; ++lane) {
                const int i = first + lane;
                const T shared = shares[i], b0 = points0[i], b1 = points1[i], b2 = points2[i];
                const T h0 = grad0[i], h1 = grad1[i], h2 = grad2[i], h3 = grad3[i];
                T c0 = h0 * value[0][0] + h1 * value[1][0] + h2 * value[2][0] + h3 * value[3][0];
                T c1 = h0 * value[0][1] + h1 * value[1][1] + h2 * value[2][1] + h3 * value[3][1];
                T c2 = h0 * value[0][2] + h1 * value[1][2] + h2 * value[2][2] + h3 * value[3][2];
                if constexpr (further) {
                    c0 += further0[i];
                    c1 += further1[i];
                    c2 += further2[i];
                }
                T product = b0 * c0 + b1 * c1 + b2 * c2;
                if constexpr (textured) {
                    product += texture[i];
                    c1 += us[i] * u1 + vs[i] * v1;
                    c2 += us[i] * u2 + vs[i] * v2;
                }
                const T in_weight = is_soft * changeable(shared) * (product - alongs[i]); // d loss / d ln weight
                const T hazard = density[i] / math::max(a[i], limits<T>::tiny);           // the share is 0 where a is
                const T in_z = -in_weight * z_scale, in_argument = to_slope[i] + in_weight * hazard;
                to_slope[i] = in_argument;
                to_weight[i] = in_weight;

                const G k = G(index[i]), row = G(int((k + G(0.5)) * inverse_cols));
                const G col = k - row * G(r.cols) + r.col_offset, image_row = row + r.row_offset;
                const DistanceGradient<G> d = distance_gradient<squared, T>(r.triangle, col, image_row);
                const G x = G(in_argument) * d.x, y = G(in_argument) * d.y;
                moved[0][lane] += x * d.weight[0];
                moved[1][lane] += x * d.weight[1];
                moved[2][lane] += x * d.weight[2];
                moved[3][lane] += y * d.weight[0];
                moved[4][lane] += y * d.weight[1];
                moved[5][lane] += y * d.weight[2];

                const SurfaceGradient<T> g = r.surface.gradient(
                    r.triangle, r.triangle.edge[0].normal_at(col, image_row),
                    r.triangle.edge[1].normal_at(col, image_row), r.triangle.edge[2].normal_at(col, image_row),
                    {{b0, b1, b2}, T(0), wholes[i]}, shared * c0 + in_z * value[0][0], shared * c1 + in_z * value[0][1],
                    shared * c2 + in_z * value[0][2], shared * h0 + in_z, is_perspective);
                sum[0][lane] -= g.lambda[0] * g.x;
                sum[1][lane] -= g.lambda[1] * g.x;
                sum[2][lane] -= g.lambda[2] * g.x;
                sum[3][lane] -= g.lambda[0] * g.y;
                sum[4][lane] -= g.lambda[1] * g.y;
                sum[5][lane] -= g.lambda[2] * g.y;
                sum[6][lane] += g.z[0];
                sum[7][lane] += g.z[1];
                sum[8][lane] += g.z[2];
                const T s0 = shared * b0, s1 = shared * b1, s2 = shared * b2;
                sum[9][lane] += s0 * h1;
                sum[10][lane] += s1 * h1;
                sum[11][lane] += s2 * h1;
                sum[12][lane] += s0 * h2;
                sum[13][lane] += s1 * h2;
                sum[14][lane] += s2 * h2;
                sum[15][lane] += s0 * h3;
                sum[16][lane] += s1 * h3;
                sum[17][lane] += s2 * h3;
            }
        });
        T total[24];
        G plane[8];
        for (int k = 0; k < 24; k += 8) lane_sums(sum + k, total + k);
        if constexpr (is_joint) memcpy(plane, total + 18, 6 * sizeof(T));
        else lane_sums(apart, plane);
        CornerSums &to = corner_sums[r.face - first_face];
        for (int k = 0; k < 3; ++k) {
            to.x[k] += double(total[k]) + double(scale) * double(plane[k]);
            to.y[k] += double(total[3 + k]) + double(scale) * double(plane[3 + k]);
            to.z[k] += double(total[6 + k]);
        }
        T *gradient = gradient_of(r);
        if (!gradient) return;
        const int attributes = image.settings.attribute_channels;
        for (int k = 0; k < math::min(attributes, 3); ++k)
            for (int corner = 0; corner < 3; ++corner) gradient[corner * attributes + k] += total[9 + 3 * k + corner];
    }
};

} // namespace GENDR_ISA
} // namespace gendr
