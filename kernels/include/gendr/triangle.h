// A triangle against the pixel grid: which pixels it can reach, its signed distance there, and that distance's
// gradient.
//
// Pixel (row, col) of an H x W image has its centre at x = (2 col + 1 - W) / H, y = (H - 1 - 2 row) / H. Everything is
// counted from a pixel at the triangle and set up in double, so that float32 loses nothing on small triangles far from
// the origin.
#pragma once

#include "math.h"

namespace gendr {
inline namespace GENDR_ISA {

struct PixelGrid {
    int height, width;

    GENDR_HD double x(int col) const { return (2.0 * col + 1.0 - width) / height; }
    GENDR_HD double y(int row) const { return (height - 1.0 - 2.0 * row) / height; }
};

// Pixels first_row <= row < first_row + rows, likewise in columns. The anchor is the box's pixel nearest to the middle
// of the triangle: coordinates are counted from it, so that they are small, and exact, where the distance is.
struct PixelBox {
    int first_row, first_col, rows, cols, anchor_row, anchor_col;

    GENDR_HD bool empty() const { return rows <= 0 || cols <= 0; }
};

struct Corner {
    double x, y;
};

// Whether and how a face takes part at all: the same answer for alpha and for its gradient.
struct FaceFilter {
    double near, far; // all depths must lie between them
    int cull;         // 0 keeps both sides, 1 drops clockwise (back) faces, 2 drops counter-clockwise (front) ones

    GENDR_HD bool keeps(double z0, double z1, double z2, double area) const {
        const double nearest = math::min(math::min(z0, z1), z2), farthest = math::max(math::max(z0, z1), z2);
        return (nearest >= near) & (farthest <= far) & !((cull == 1) & (area < 0.0)) & !((cull == 2) & (area > 0.0));
    }
};

// Beyond this a coordinate is held: far enough to be infinity for any image, near enough that squares stay finite.
constexpr double coordinate_bound = 1e15;

GENDR_HD Corner corner_at(double x, double y) {
    return {math::clamp(x, -coordinate_bound, coordinate_bound), math::clamp(y, -coordinate_bound, coordinate_bound)};
}

// Twice the signed area, positive for corners in counter-clockwise order.
GENDR_HD double signed_area(Corner a, Corner b, Corner c) {
    return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

// The pixels whose centre lies within `radius` of the triangle's bounding box. Rounding is by truncation of
// non-negative numbers, which vectorises everywhere.
GENDR_HD PixelBox pixel_box(Corner a, Corner b, Corner c, double radius, PixelGrid grid) {
    const double left = math::min(a.x, math::min(b.x, c.x)), right = math::max(a.x, math::max(b.x, c.x));
    const double bottom = math::min(a.y, math::min(b.y, c.y)), top = math::max(a.y, math::max(b.y, c.y));
    const double h = grid.height, w = grid.width;
    const double from_col = math::clamp(((left - radius) * h + w - 1.0) * 0.5, 0.0, w);
    const double to_col = math::clamp(((right + radius) * h + w - 1.0) * 0.5, -1.0, w - 1.0);
    const double from_row = math::clamp((h - 1.0 - (top + radius) * h) * 0.5, 0.0, h);
    const double to_row = math::clamp((h - 1.0 - (bottom - radius) * h) * 0.5, -1.0, h - 1.0);
    const int first_col = grid.width - int(w - from_col), last_col = int(to_col + 1.0) - 1;
    const int first_row = grid.height - int(h - from_row), last_row = int(to_row + 1.0) - 1;
    const double middle_col = math::clamp(((left + right) * 0.5 * h + w) * 0.5, from_col, to_col);
    const double middle_row = math::clamp((h - (top + bottom) * 0.5 * h) * 0.5, from_row, to_row);
    return {first_row, first_col, last_row - first_row + 1, last_col - first_col + 1, int(middle_row), int(middle_col)};
}

// An edge as two affine functions of (col, row), counted from the box's anchor: `normal`, the distance to the
// edge's line (positive towards the inside), and `along`, the coordinate along it from the first corner.
template <class T> struct Edge {
    T normal, normal_per_col, normal_per_row;
    T along, along_per_col, along_per_row;
    T length, inverse_length; // 0 and 0 for an edge of no length, which is a point
    T tangent_x, tangent_y;

    // `side` as in Triangle; (x, y) is the centre of the box's anchor, `step` the distance between pixels.
    GENDR_HD static Edge between(Corner from, Corner to, double side, double x, double y, double step) {
        const double dx = to.x - from.x, dy = to.y - from.y, length = math::sqrt(dx * dx + dy * dy);
        const bool has_length = length > 0.0;
        const double inverse = has_length ? 1.0 / length : 0.0;
        const double tx = has_length ? dx * inverse : 1.0, ty = dy * inverse;
        const double nx = -side * ty, ny = side * tx, px = x - from.x, py = y - from.y;
        return {T(px * nx + py * ny),
                T(step * nx),
                T(-step * ny),
                T(px * tx + py * ty),
                T(step * tx),
                T(-step * ty),
                T(length),
                T(inverse),
                T(tx),
                T(ty)};
    }

    GENDR_HD T normal_at(T col, T row) const { return normal + col * normal_per_col + row * normal_per_row; }
    GENDR_HD T along_at(T col, T row) const { return along + col * along_per_col + row * along_per_row; }
};

template <class T> struct Triangle {
    Edge<T> edge[3]; // edge i runs from corner i to corner i + 1
    T side;          // +1 for counter-clockwise corners, -1 for clockwise: the inside is left of an edge times this
    T inside_above;  // a pixel is inside where every edge's normal exceeds this: 0, or huge where there is no inside
    T least_square;  // keeps the distance of a degenerate triangle negative on the segment itself

    GENDR_HD bool inside(T n0, T n1, T n2) const { return math::min(math::min(n0, n1), n2) > inside_above; }

    // The squared distance to the boundary, negative outside.
    GENDR_HD T signed_square_at(T col, T row) const {
        T normal[3], square[3];
        for (int i = 0; i < 3; ++i) {
            normal[i] = edge[i].normal_at(col, row);
            const T along = edge[i].along_at(col, row);
            const T beyond = along - math::clamp(along, T(0), edge[i].length);
            square[i] = normal[i] * normal[i] + beyond * beyond;
        }
        const T least = math::max(math::min(math::min(square[0], square[1]), square[2]), least_square);
        return inside(normal[0], normal[1], normal[2]) ? least : -least;
    }
};

// The gradient of the signed distance d with respect to the three corners: weight[i] * (x, y).
// Squared: of |d| d / 2 instead, that is times |d|, which needs no division.
// Root is the precision of the distance itself, of which nothing is subtracted any more.
template <class T> struct DistanceGradient {
    T x, y, weight[3];
};

template <bool squared, class Root, class T>
GENDR_HD DistanceGradient<T> distance_gradient(const Triangle<T> &f, T col, T row) {
    const T n0 = f.edge[0].normal_at(col, row), n1 = f.edge[1].normal_at(col, row), n2 = f.edge[2].normal_at(col, row);
    const T a0 = f.edge[0].along_at(col, row), a1 = f.edge[1].along_at(col, row), a2 = f.edge[2].along_at(col, row);
    const T f0 = math::clamp(a0, T(0), f.edge[0].length), f1 = math::clamp(a1, T(0), f.edge[1].length),
            f2 = math::clamp(a2, T(0), f.edge[2].length);
    const T b0 = a0 - f0, b1 = a1 - f1, b2 = a2 - f2;
    const T q0 = n0 * n0 + b0 * b0, q1 = n1 * n1 + b1 * b1, q2 = n2 * n2 + b2 * b2;
    const bool first = q0 <= q1 && q0 <= q2, second = !first && q1 <= q2;
    const T normal = first ? n0 : (second ? n1 : n2), beyond = first ? b0 : (second ? b1 : b2);
    const T square = first ? q0 : (second ? q1 : q2);
    const T share = first ? f0 * f.edge[0].inverse_length
                          : (second ? f1 * f.edge[1].inverse_length : f2 * f.edge[2].inverse_length);
    const T tx = first ? f.edge[0].tangent_x : (second ? f.edge[1].tangent_x : f.edge[2].tangent_x);
    const T ty = first ? f.edge[0].tangent_y : (second ? f.edge[1].tangent_y : f.edge[2].tangent_y);

    // A foot in an edge's interior uses the edge's normal, so that the gradient is continuous through d = 0.
    const bool interior = beyond == T(0), outside = !f.inside(n0, n1, n2);
    const T away = outside && normal > T(0) ? T(1) : T(-1);
    T along, across;
    if (squared) {
        along = beyond;
        across = interior ? away * math::abs(normal) : normal;
    } else {
        const T inverse = T(Root(1) / math::sqrt(math::max(Root(square), limits<Root>::tiny)));
        along = beyond * inverse;
        across = interior ? away : normal * inverse;
    }
    const T rest = T(1) - share;
    return {along * tx - f.side * across * ty,
            along * ty + f.side * across * tx,
            {first ? rest : (second ? T(0) : share), first ? share : (second ? rest : T(0)),
             first ? T(0) : (second ? share : rest)}};
}

} // namespace GENDR_ISA
} // namespace gendr
