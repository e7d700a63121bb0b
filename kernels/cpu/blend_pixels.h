// The pixels as blending's backward pass reads them, and how pairs look them up.
#pragma once

#include "record_lanes.h"
#include <cstdint>

namespace gendr {
inline namespace GENDR_ISA {

// Of one image. A row has four numbers: d loss / d coverage's sum; gradient times
// value, summed over the channels; `state`. With depth and three features it goes on with their gradients, so that one
// look at a pixel finds all.
template <class T> struct BlendPixels {
    const T *rows; // [pixels, row]
    const T *sums; // of coverage
    const T *grad; // [pixels, channels]
    int row, channels;

    static int row_of(int channels) { return channels == 5 ? 8 : 4; }
    bool rows_have_gradients() const { return row == 8; }
};

// Four neighbouring numbers of each of n pixels, `stride` apart, into a column for each. Compilers look numbers up one
// by one; loaded together and transposed they take a quarter of the time. n is a multiple of 4.
template <class T>
void look_up_four(int n, const T *from, int64_t stride, const int *__restrict pixel, T *__restrict c0, T *__restrict c1,
                  T *__restrict c2, T *__restrict c3) {
    typedef T Four __attribute__((vector_size(4 * sizeof(T)), aligned(sizeof(T)), may_alias));
    for (int i = 0; i < n; i += 4) {
        const Four r0 = *reinterpret_cast<const Four *>(from + pixel[i] * stride),
                   r1 = *reinterpret_cast<const Four *>(from + pixel[i + 1] * stride),
                   r2 = *reinterpret_cast<const Four *>(from + pixel[i + 2] * stride),
                   r3 = *reinterpret_cast<const Four *>(from + pixel[i + 3] * stride);
        const Four low01 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5),
                   low23 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5);
        const Four high01 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7),
                   high23 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
        *reinterpret_cast<Four *>(c0 + i) = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
        *reinterpret_cast<Four *>(c1 + i) = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
        *reinterpret_cast<Four *>(c2 + i) = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
        *reinterpret_cast<Four *>(c3 + i) = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
    }
}

// Eight neighbouring numbers likewise; n is a multiple of 8.
template <class T> void look_up_eight(int n, const T *from, const int *__restrict pixel, T *const (&to)[8]) {
    if (sizeof(T) > sizeof(RecordVector) / 8) { // no vector holds eight
        look_up_four(n, from, 8, pixel, to[0], to[1], to[2], to[3]);
        look_up_four(n, from + 4, 8, pixel, to[4], to[5], to[6], to[7]);
        return;
    }
    typedef T Eight __attribute__((vector_size(8 * sizeof(T)), aligned(sizeof(T)), may_alias));
    for (int i = 0; i < n; i += 8) {
        Eight r[8], s[8];
        for (int k = 0; k < 8; ++k) r[k] = *reinterpret_cast<const Eight *>(from + pixel[i + k] * int64_t(8));
        for (int k = 0; k < 8; k += 2) {
            s[k] = __builtin_shufflevector(r[k], r[k + 1], 0, 8, 1, 9, 4, 12, 5, 13);
            s[k + 1] = __builtin_shufflevector(r[k], r[k + 1], 2, 10, 3, 11, 6, 14, 7, 15);
        }
        for (int k = 0; k < 8; k += 4)
            for (int j = 0; j < 2; ++j) {
                r[k + 2 * j] = __builtin_shufflevector(s[k + j], s[k + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
                r[k + 2 * j + 1] = __builtin_shufflevector(s[k + j], s[k + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
            }
        for (int k = 0; k < 4; ++k) {
            *reinterpret_cast<Eight *>(to[k] + i) = __builtin_shufflevector(r[k], r[k + 4], 0, 1, 2, 3, 8, 9, 10, 11);
            *reinterpret_cast<Eight *>(to[k + 4] + i) =
                __builtin_shufflevector(r[k], r[k + 4], 4, 5, 6, 7, 12, 13, 14, 15);
        }
    }
}

} // namespace GENDR_ISA
} // namespace gendr
