// A face's run of pairs within a block, and the gradient of its corners from that of its distances.
#pragma once

#include "walk.h"

namespace gendr {
inline namespace GENDR_ISA {

constexpr int most_segments = 64; // faces of a block

// end is padded; cols is 0 until the first pairs come; G is the precision of distances.
template <class G> struct Segment {
    Triangle<G> triangle;
    int face, begin, end, cols;
    G col_offset, row_offset;
};

// Adds the corners' (x, y) gradients to six sums.
template <bool squared, class T, class G>
void gradient_stage(const Segment<G> &segment, G scale, const T *__restrict index, const T *__restrict in_argument,
                    double *sums) {
    const Triangle<G> t = segment.triangle;
    const G cols = G(segment.cols), inverse_cols = G(1) / cols;
    const G col_offset = segment.col_offset, row_offset = segment.row_offset;
    const int n = segment.end - segment.begin;
    G x0 = 0, y0 = 0, x1 = 0, y1 = 0, x2 = 0, y2 = 0;
#pragma omp simd reduction(+ : x0, y0, x1, y1, x2, y2)
    for (int i = 0; i < n; ++i) {
        const G k = G(index[i]), row = G(int((k + G(0.5)) * inverse_cols));
        const DistanceGradient<G> d = distance_gradient<squared>(t, k - row * cols + col_offset, row + row_offset);
        const G x = G(in_argument[i]) * d.x, y = G(in_argument[i]) * d.y;
        x0 += x * d.weight[0];
        y0 += y * d.weight[0];
        x1 += x * d.weight[1];
        y1 += y * d.weight[1];
        x2 += x * d.weight[2];
        y2 += y * d.weight[2];
    }
    const G sum[6] = {x0, y0, x1, y1, x2, y2};
    for (int i = 0; i < 6; ++i) sums[i] += double(scale) * double(sum[i]);
}

} // namespace GENDR_ISA
} // namespace gendr
