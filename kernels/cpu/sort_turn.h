// Samples and vectors change places: from rows in memory to lanes, and back.
#pragma once

#include "gendr/platform.h"
#include <cstdint>
#include <cstring>

namespace gendr {
inline namespace GENDR_ISA {

constexpr int turn = 16; // numbers that are transposed at once

// A 4 x 4 block: to[l * to_stride + k] = from[k * from_stride + l].
template <class T> GENDR_HD void turn_block(const T *from, int64_t from_stride, T *to, int64_t to_stride) {
#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define GENDR_SHUFFLES
    typedef T Four __attribute__((vector_size(4 * sizeof(T))));
    Four a, b, c, d;
    memcpy(&a, from, sizeof a);
    memcpy(&b, from + from_stride, sizeof b);
    memcpy(&c, from + 2 * from_stride, sizeof c);
    memcpy(&d, from + 3 * from_stride, sizeof d);
    const Four low_ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), low_cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    const Four high_ab = __builtin_shufflevector(a, b, 2, 6, 3, 7), high_cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    a = __builtin_shufflevector(low_ab, low_cd, 0, 1, 4, 5);
    b = __builtin_shufflevector(low_ab, low_cd, 2, 3, 6, 7);
    c = __builtin_shufflevector(high_ab, high_cd, 0, 1, 4, 5);
    d = __builtin_shufflevector(high_ab, high_cd, 2, 3, 6, 7);
    memcpy(to, &a, sizeof a);
    memcpy(to + to_stride, &b, sizeof b);
    memcpy(to + 2 * to_stride, &c, sizeof c);
    memcpy(to + 3 * to_stride, &d, sizeof d);
#endif
#endif
#ifndef GENDR_SHUFFLES
    for (int l = 0; l < 4; ++l)
        for (int k = 0; k < 4; ++k) to[l * to_stride + k] = from[k * from_stride + l];
#endif
}

// to[l * to_stride + k] = from[k * from_stride + l] for k < rows, l < columns.
template <class T>
GENDR_HD void turn_all(const T *from, int64_t from_stride, int rows, int columns, T *to, int64_t to_stride) {
    int k = 0;
    for (; k + 4 <= rows; k += 4) {
        int l = 0;
        for (; l + 4 <= columns; l += 4)
            turn_block(from + k * from_stride + l, from_stride, to + l * to_stride + k, to_stride);
        for (; l < columns; ++l)
            for (int i = k; i < k + 4; ++i) to[l * to_stride + i] = from[i * from_stride + l];
    }
    for (; k < rows; ++k)
        for (int l = 0; l < columns; ++l) to[l * to_stride + k] = from[k * from_stride + l];
}

// target[lane * lane_stride + k] = source[k * stride + lane], k < count <= turn.
template <class T, int W>
void store_turned(const T *source, size_t stride, int count, T *target, int64_t lane_stride, int used_lanes) {
    turn_all(source, int64_t(stride), count, used_lanes, target, lane_stride);
}

// The inverse; lanes that are not used become 0.
template <class T, int W>
void load_turned(const T *source, int64_t lane_stride, int used_lanes, T *target, size_t stride, int count) {
    turn_all(source, lane_stride, used_lanes, count, target, int64_t(stride));
    for (int k = 0; k < count; ++k)
        for (int l = used_lanes; l < W; ++l) target[k * stride + l] = T(0);
}

} // namespace GENDR_ISA
} // namespace gendr
