// Eight doubles of a pixel's record, spelt in vectors, which compilers do not find by themselves here.
#pragma once

#ifdef __AVX512F__
#include <immintrin.h>
#endif

namespace gendr {
inline namespace GENDR_ISA {

constexpr int record_lanes = 8; // records are padded to a multiple

// Doubles in a vector of the machine's own width: compilers take wider ones apart by way of memory.
#if defined(__AVX512F__)
constexpr int vector_lanes = 8;
#elif defined(__AVX__)
constexpr int vector_lanes = 4;
#else
constexpr int vector_lanes = 2;
#endif
typedef double RecordVector
    __attribute__((vector_size(vector_lanes * sizeof(double)), aligned(sizeof(double)), may_alias));

struct RecordLanes {
    static constexpr int parts = record_lanes / vector_lanes;
    RecordVector part[parts];

    static RecordLanes at(const double *from) {
        RecordLanes lanes;
#pragma GCC unroll 4
        for (int i = 0; i < parts; ++i)
            lanes.part[i] = *reinterpret_cast<const RecordVector *>(from + i * vector_lanes);
        return lanes;
    }
    // Five numbers, then zeros.
    template <class T> static RecordLanes of(T a, T b, T c, T d, T e) {
        typedef T Part __attribute__((vector_size(vector_lanes * sizeof(T))));
        const T o = T(0);
#if defined(__AVX512F__)
        const Part part[] = {{a, b, c, d, e, o, o, o}};
#elif defined(__AVX__)
        const Part part[] = {{a, b, c, d}, {e, o, o, o}};
#else
        const Part part[] = {{a, b}, {c, d}, {e, o}, {o, o}};
#endif
        RecordLanes lanes;
#pragma GCC unroll 4
        for (int i = 0; i < parts; ++i) lanes.part[i] = __builtin_convertvector(part[i], RecordVector);
        return lanes;
    }
    void store(double *to) const {
#pragma GCC unroll 4
        for (int i = 0; i < parts; ++i) *reinterpret_cast<RecordVector *>(to + i * vector_lanes) = part[i];
    }
    void add(const RecordLanes &other, double scale) {
#pragma GCC unroll 4
        for (int i = 0; i < parts; ++i) part[i] += other.part[i] * scale;
    }
    void add_to_last(double x) {
#if defined(__AVX512F__)
        part[0] = _mm512_mask_add_pd(part[0], 0x80, part[0], _mm512_set1_pd(x));
#elif defined(__AVX__)
        part[1] += RecordVector{0.0, 0.0, 0.0, 1.0} * x;
#else
        part[3] += RecordVector{0.0, 1.0} * x;
#endif
    }
};

} // namespace GENDR_ISA
} // namespace gendr
