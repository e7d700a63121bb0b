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

// The sum of `lanes` numbers, as a tree of vectors: compilers add a vector's lanes one after the other, which on a face
// of two dozen pixels takes longer than its pixels.
template <class T> GENDR_HD T lane_sum(const T *x) {
    typedef T Half __attribute__((vector_size(8 * sizeof(T)), aligned(sizeof(T)), may_alias));
    const Half eight = *reinterpret_cast<const Half *>(x) + *reinterpret_cast<const Half *>(x + 8);
    const auto four =
        __builtin_shufflevector(eight, eight, 0, 1, 2, 3) + __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
    const auto two = __builtin_shufflevector(four, four, 0, 1) + __builtin_shufflevector(four, four, 2, 3);
    return two[0] + two[1];
}
static_assert(lanes == 16, "lane_sum adds 16 numbers");

// The sums of eight rows of `lanes` numbers: rows are added and transposed at once, three steps instead of 8 x 3.
template <class T> GENDR_HD void lane_sums(const T (*x)[lanes], T *sums) {
    typedef T Eight __attribute__((vector_size(8 * sizeof(T)), aligned(sizeof(T)), may_alias));
    Eight row[8], pair[4];
    for (int k = 0; k < 8; ++k)
        row[k] = *reinterpret_cast<const Eight *>(x[k]) + *reinterpret_cast<const Eight *>(x[k] + 8);
    for (int k = 0; k < 4; ++k) // [row k, row k + 4], four numbers each
        pair[k] = __builtin_shufflevector(row[k], row[k + 4], 0, 1, 2, 3, 8, 9, 10, 11) +
                  __builtin_shufflevector(row[k], row[k + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    const Eight even = __builtin_shufflevector(pair[0], pair[2], 0, 1, 8, 9, 4, 5, 12, 13) +
                       __builtin_shufflevector(pair[0], pair[2], 2, 3, 10, 11, 6, 7, 14, 15);
    const Eight odd = __builtin_shufflevector(pair[1], pair[3], 0, 1, 8, 9, 4, 5, 12, 13) +
                      __builtin_shufflevector(pair[1], pair[3], 2, 3, 10, 11, 6, 7, 14, 15);
    *reinterpret_cast<Eight *>(sums) = __builtin_shufflevector(even, odd, 0, 8, 2, 10, 4, 12, 6, 14) +
                                       __builtin_shufflevector(even, odd, 1, 9, 3, 11, 5, 13, 7, 15);
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
            const DistanceGradient<G> d =
                distance_gradient<squared, T>(t, k - row * cols + col_offset, row + row_offset);
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
