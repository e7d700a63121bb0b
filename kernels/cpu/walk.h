// Faces over their boxes: every pixel that a face can reach, in chunks, through the distance stage.
#pragma once

#include "compact.h"
#include "face_batch.h"

namespace gendr {
inline namespace GENDR_ISA {

// Pairs k0 .. k0 + n of a box, counted row by row: argument and pixel index. n is a multiple of `lanes`; what
// lies beyond the box is held at the image's last pixel, to be ignored but safe to look up.
template <bool squared, class T, class G>
void distance_stage(const Triangle<G> &triangle, int cols, G col_offset, G row_offset, int k0, int n, G inverse_tau,
                    int first_pixel, int last_pixel, int width, T *__restrict argument, int *__restrict pixel) {
    const G inverse_cols = G(1) / G(cols), bound = G(argument_bound);
    const Triangle<G> t = triangle;
#pragma omp simd
    for (int i = 0; i < n; ++i) {
        const G k = G(k0 + i);
        const int row = int((k + G(0.5)) * inverse_cols);
        const G col = k - G(row) * G(cols);
        const G square = t.signed_square_at(col + col_offset, G(row) + row_offset);
        const T distance = math::sqrt(T(math::abs(square))); // a root in double takes as long as all the rest
        const T signed_distance = square > G(0) ? distance : -distance;
        argument[i] = squared ? T(math::clamp(square * inverse_tau, -bound, bound))
                              : math::clamp(signed_distance * T(inverse_tau), T(-bound), T(bound));
        pixel[i] = math::min(first_pixel + row * width + int(col), last_pixel);
    }
}

// One face's pixels among rows [row_begin, row_end), in chunks.
template <class T, class G, class Visit>
void walk_face(const Plan<T> &plan, const Triangle<G> &triangle, const PixelBox &box, G inverse_tau, int row_begin,
               int row_end, Visit &visit) {
    alignas(64) T argument[chunk];
    alignas(64) int pixel[chunk];
    const int width = plan.settings.width, last_pixel = plan.settings.height * width - 1;
    const int rows_at_once = math::max(1, most_box_pixels / box.cols);
    for (int row = row_begin; row < row_end; row += rows_at_once) {
        const int pairs = math::min(rows_at_once, row_end - row) * box.cols;
        const int first_pixel = (box.first_row + row) * width + box.first_col;
        const G col_offset = G(box.first_col - box.anchor_col), row_offset = G(box.first_row + row - box.anchor_row);
        for (int k = 0; k < pairs; k += chunk) {
            const int n = math::min(chunk, pairs - k);
            (plan.settings.is_squared ? distance_stage<true, T, G>
                                      : distance_stage<false, T, G>)(triangle, box.cols, col_offset, row_offset, k,
                                                                     padded(n), inverse_tau, first_pixel, last_pixel,
                                                                     width, argument, pixel);
            visit.pairs(k, n, box.cols, col_offset, row_offset, argument, pixel);
        }
    }
}

// Whether any of a few faces can touch rows [row_begin, row_end): spares a band of rows the set-up of most faces.
template <class T>
bool may_touch_rows(const T *faces, int count, double radius, const PixelGrid &grid, int row_begin, int row_end) {
    T low = faces[1], high = faces[1];
    for (int i = 1; i < 3 * count; ++i) {
        low = math::min(low, faces[3 * i + 1]);
        high = math::max(high, faces[3 * i + 1]);
    }
    const double h = grid.height;
    const double first = (h - 1.0 - (double(high) + radius) * h) * 0.5,
                 last = (h - 1.0 - (double(low) - radius) * h) * 0.5;
    return last >= row_begin && first < row_end;
}

// Walks the faces [begin, end) of `image_faces` over an image's rows [row_begin, row_end). The visitor is told where a
// face begins (face, triangle) and ends, and is given its pairs (first index, count, columns of the box, offsets of its
// first pixel, arguments, pixels). A face's box is the whole image's, so that a band of rows sees the same numbers as
// the whole image does.
template <class G, class T, class Visit>
void walk_faces(const Plan<T> &plan, const T *image_faces, double tau, int begin, int end, int row_begin, int row_end,
                Visit &visit) {
    const double radius = plan.radius(tau);
    const G inverse_tau = G(1.0 / tau);
    for (int first = begin; first < end; first += lanes) {
        const int count = math::min(lanes, end - first);
        const T *faces = image_faces + 9 * int64_t(first);
        if (!may_touch_rows(faces, count, radius, plan.grid, row_begin, row_end)) continue;
        const FaceBatch<T, G> batch(plan, faces, count, radius);
        for (int lane = 0; lane < count; ++lane) {
            const PixelBox box = batch.box(lane);
            const int from = math::max(row_begin - box.first_row, 0), to = math::min(row_end - box.first_row, box.rows);
            if (box.empty() || from >= to) continue;
            const Triangle<G> triangle = batch.triangle(lane);
            visit.begin(first + lane, triangle);
            walk_face(plan, triangle, box, inverse_tau, from, to, visit);
            visit.end();
        }
    }
}

} // namespace GENDR_ISA
} // namespace gendr
