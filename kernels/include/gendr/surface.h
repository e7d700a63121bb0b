// What a face shows at a pixel: barycentric coordinates, held to the triangle and corrected for perspective, and depth.
//
// With lambda the pixel's barycentric coordinates on the image plane, l = clamp(lambda, 0, 1) and r_i = l_i / z_i:
//   b_i = r_i / (r_0 + r_1 + r_2),   depth = sum b_i z_i   (1 / z_i counts as 1 for parallel projections).
// Outside of the triangle the clamped coordinates name a point of its boundary. A triangle without area, or thinner
// than `thinnest`, shows its middle everywhere, which is finite and has no gradient in x and y.
#pragma once

#include "triangle.h"

namespace gendr {
inline namespace GENDR_ISA {

constexpr double thinnest = 1e-12;     // half image heights
constexpr double least_depth = 1e-6;   // of a perspective division
constexpr double least_lambda = 1e-30; // of a coordinate that is held to the triangle
constexpr double lambda_bound = 1e6;   // of a coordinate that only scales a gradient

// The point of a face that a pixel sees; `whole` is 1 / (r_0 + r_1 + r_2).
template <class T> struct SurfacePoint {
    T b[3], depth, whole;
};

// The gradient of a loss with respect to the image plane's point and to the corners' depths, and how corners move it.
template <class T> struct SurfaceGradient {
    T x, y;      // d loss / d point
    T lambda[3]; // corner i receives -lambda[i] times (x, y)
    T z[3];
};

// Barycentric coordinates per unit of distance to the edge opposite, 1 / height, of the three corners; `middle` is 1/3
// for a triangle that shows its middle, else 0. Single numbers, so that loops over faces vectorise.
template <class T> struct SurfaceScale {
    T s0, s1, s2, middle;

    GENDR_HD static SurfaceScale of(T x0, T y0, T x1, T y1, T x2, T y2) {
        const Corner a = corner_at(x0, y0), b = corner_at(x1, y1), c = corner_at(x2, y2);
        const double area = math::abs(signed_area(a, b, c));
        const double l0 = distance(b, c), l1 = distance(c, a), l2 = distance(a, b);
        const bool has_height = area > math::max(math::max(l0, l1), l2) * thinnest;
        const double inverse = (has_height ? 1.0 : 0.0) / (has_height ? area : 1.0);
        return {T(l0 * inverse), T(l1 * inverse), T(l2 * inverse), has_height ? T(0) : T(1.0 / 3.0)};
    }

  private:
    GENDR_HD static double distance(Corner a, Corner b) {
        const double dx = a.x - b.x, dy = a.y - b.y;
        return math::sqrt(dx * dx + dy * dy);
    }
};

template <class T> struct Surface {
    T per_distance[3];  // of corner i: lambda_i per unit of distance to the edge opposite, 1 / height
    T middle;           // 1/3 for a triangle that shows its middle, else 0
    T inverse_depth[3]; // of the perspective division
    T depth[3];

    GENDR_HD static Surface of(T x0, T y0, T z0, T x1, T y1, T z1, T x2, T y2, T z2, T perspective) {
        const SurfaceScale<T> s = SurfaceScale<T>::of(x0, y0, x1, y1, x2, y2);
        return {{s.s0, s.s1, s.s2},
                s.middle,
                {division(z0, perspective), division(z1, perspective), division(z2, perspective)},
                {z0, z1, z2}};
    }
    // `perspective` is 1, or 0 for parallel projections: a number, not a choice, so that loops vectorise.
    GENDR_HD static T division(T depth, T perspective) {
        return T(1) / (perspective * math::max(depth, T(least_depth)) + (T(1) - perspective));
    }

    // normal[i] is the distance to edge i's line, which is opposite to corner i + 2.
    template <class G> GENDR_HD SurfacePoint<T> at(G normal0, G normal1, G normal2) const {
        const T l0 = held(T(normal1) * per_distance[0]), l1 = held(T(normal2) * per_distance[1]),
                l2 = held(T(normal0) * per_distance[2]);
        const T r0 = l0 * inverse_depth[0], r1 = l1 * inverse_depth[1], r2 = l2 * inverse_depth[2];
        const T whole = whole_of(r0 + r1 + r2);
        const T b0 = r0 * whole, b1 = r1 * whole, b2 = r2 * whole;
        return {{b0, b1, b2}, b0 * depth[0] + b1 * depth[1] + b2 * depth[2], whole};
    }

    // At the point that `at` gives, from d loss / d b, to which depth's share has been added, and
    // `in_depth` = d loss / d depth of the corners alone.
    template <class G>
    GENDR_HD SurfaceGradient<T> gradient(const Triangle<G> &t, G normal0, G normal1, G normal2,
                                         const SurfacePoint<T> &point, T g0, T g1, T g2, T in_depth,
                                         T perspective) const {
        const T lambda0 = T(normal1) * per_distance[0], lambda1 = T(normal2) * per_distance[1],
                lambda2 = T(normal0) * per_distance[2];
        const T b0 = point.b[0], b1 = point.b[1], b2 = point.b[2], whole = point.whole;
        const T mean = b0 * g0 + b1 * g1 + b2 * g2;
        const T d0 = g0 - mean, d1 = g1 - mean, d2 = g2 - mean; // d loss / d r_i, times r_0 + r_1 + r_2
        const T p0 = d0 * inverse_depth[0] * whole * per_distance[0] * inner(lambda0),
                p1 = d1 * inverse_depth[1] * whole * per_distance[1] * inner(lambda1),
                p2 = d2 * inverse_depth[2] * whole * per_distance[2] * inner(lambda2);
        // d lambda_i / d point is the opposite edge's normal, (-side tangent_y, side tangent_x), per unit of distance.
        const T x = -(p0 * T(t.edge[1].tangent_y) + p1 * T(t.edge[2].tangent_y) + p2 * T(t.edge[0].tangent_y));
        const T y = p0 * T(t.edge[1].tangent_x) + p1 * T(t.edge[2].tangent_x) + p2 * T(t.edge[0].tangent_x);
        return {T(t.side) * x,
                T(t.side) * y,
                {bounded(lambda0), bounded(lambda1), bounded(lambda2)},
                {in_depth * b0 - perspective * d0 * b0 * inverse_depth[0],
                 in_depth * b1 - perspective * d1 * b1 * inverse_depth[1],
                 in_depth * b2 - perspective * d2 * b2 * inverse_depth[2]}};
    }

  private:
    // Never all of them 0: of a face whose area is a rounding error, the coordinates need not add up to 1.
    GENDR_HD T held(T lambda) const { return math::clamp(lambda + middle, T(least_lambda), T(1)); }
    GENDR_HD static T whole_of(T sum) { return T(1) / math::max(sum, limits<T>::tiny * T(1e-7)); }
    GENDR_HD static T inner(T lambda) { return (lambda > T(0)) & (lambda < T(1)) ? T(1) : T(0); }
    GENDR_HD static T bounded(T lambda) { return math::clamp(lambda, T(-lambda_bound), T(lambda_bound)); }
};

} // namespace GENDR_ISA
} // namespace gendr
