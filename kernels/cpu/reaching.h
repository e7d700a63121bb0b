// Which of 64 numbers reach another, as the bits of one: what stands out is then found without a look at the rest.
#pragma once

#include <cstdint>
#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace gendr {
inline namespace GENDR_ISA {

// Which of 64 numbers are at least `least`, a bit each.
template <class T> uint64_t reaching(const T *x, T least) {
    uint64_t bits = 0;
    for (int i = 0; i < 64; ++i) bits |= uint64_t(x[i] >= least) << i;
    return bits;
}

#if defined(__AVX512F__) && defined(__AVX512VL__)

inline uint64_t reaching(const float *x, float least) {
    uint64_t bits = 0;
    for (int i = 0; i < 64; i += 16)
        bits |= uint64_t(_mm512_cmp_ps_mask(_mm512_loadu_ps(x + i), _mm512_set1_ps(least), _CMP_GE_OQ)) << i;
    return bits;
}

#elif defined(__AVX2__)

inline uint64_t reaching(const float *x, float least) {
    uint64_t bits = 0;
    for (int i = 0; i < 64; i += 8) {
        const __m256 reached = _mm256_cmp_ps(_mm256_loadu_ps(x + i), _mm256_set1_ps(least), _CMP_GE_OQ);
        bits |= uint64_t(unsigned(_mm256_movemask_ps(reached))) << i;
    }
    return bits;
}

#endif

} // namespace GENDR_ISA
} // namespace gendr
