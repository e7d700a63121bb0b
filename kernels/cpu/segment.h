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

// The sum of `lanes` numbers, as a tree. Compilers sum a vector loop's lanes one after the other, which on a face of
// two dozen pixels takes longer than the loop.
template <class T> GENDR_HD T lane_sum(const T *x) {
    T y[lanes / 2];
    for (int i = 0; i < lanes / 2; ++i) y[i] = x[i] + x[i + lanes / 2];
    for (int i = 0; i < lanes / 4; ++i) y[i] += y[i + lanes / 4];
    for (int i = 0; i < lanes / 8; ++i) y[i] += y[i + lanes / 8];
    return y[0] + y[1];
}

// Adds the corners' (x, y) gradients to six sums.
template <bool squared, class T, class G>
void gradient_stage(const Segment<G> &segment, G scale, const T *__restrict index, const T *__restrict in_argument,
                    double *sums) {
    const Triangle<G> t = segment.triangle;
    const G cols = G(segment.cols), inverse_cols = G(1) / cols;
    const G col_offset = segment.col_offset, row_offset = segment.row_offset;
    const int n = segment.end - segment.begin;
    alignas(64) G sum[6][lanes] = {};
    for (int first = 0; first < n; first += lanes) {
#pragma GCC ivdep
        for (int lane = 0; lane < lanes; ++lane) {
            const G k = G(index[first + lane]), row = G(int((k + G(0.5)) * inverse_cols));
            const DistanceGradient<G> d = distance_gradient<squared>(t, k - row * cols + col_offset, row + row_offset);
            const G x = G(in_argument[first + lane]) * d.x, y = G(in_argument[first + lane]) * d.y;
            sum[0][lane] += x * d.weight[0];
            sum[1][lane] += y * d.weight[0];
            sum[2][lane] += x * d.weight[1];
            sum[3][lane] += y * d.weight[1];
            sum[4][lane] += x * d.weight[2];
            sum[5][lane] += y * d.weight[2];
        }
    }
    for (int i = 0; i < 6; ++i) sums[i] += double(scale) * double(lane_sum(sum[i]));
}

} // namespace GENDR_ISA
} // namespace gendr
