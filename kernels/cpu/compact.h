// Keeps the pairs that matter: of several parallel columns, the entries whose key is at least `least`, packed, in
// order. Compilers do not vectorise this loop, and it is half of a pair's cost when it runs entry by entry.
#pragma once

#include "stages.h"
#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace gendr {
inline namespace GENDR_ISA {

// Entries that a packed store may write beyond the last one kept.
constexpr int compact_slack = lanes;

// The key is a column too. The pixel column may be null. Returns how many entries were kept.
template <int columns, class T>
int compact(int n, const T *key, T least, const T *const (&from)[columns], T *const (&to)[columns],
            const int *from_pixel, int *to_pixel) {
    int kept = 0;
    for (int i = 0; i < n; ++i) {
        for (int c = 0; c < columns; ++c) to[c][kept] = from[c][i];
        if (from_pixel) to_pixel[kept] = from_pixel[i];
        kept += key[i] >= least;
    }
    return kept;
}

#if defined(__AVX512F__) && defined(__AVX512VL__)

template <int columns>
int compact(int n, const float *key, float least, const float *const (&from)[columns], float *const (&to)[columns],
            const int *from_pixel, int *to_pixel) {
    int kept = 0;
    for (int i = 0; i < n; i += 16) {
        const __mmask16 in_range = n - i >= 16 ? 0xffff : (1u << (n - i)) - 1u;
        const __mmask16 keep =
            _mm512_mask_cmp_ps_mask(in_range, _mm512_loadu_ps(key + i), _mm512_set1_ps(least), _CMP_GE_OQ);
        for (int c = 0; c < columns; ++c)
            _mm512_storeu_ps(to[c] + kept, _mm512_maskz_compress_ps(keep, _mm512_loadu_ps(from[c] + i)));
        if (from_pixel)
            _mm512_storeu_si512(to_pixel + kept, _mm512_maskz_compress_epi32(keep, _mm512_loadu_si512(from_pixel + i)));
        kept += __builtin_popcount(keep);
    }
    return kept;
}

#elif defined(__AVX2__)

// For each 8-bit mask the positions of its set bits, one a byte, lowest first.
struct PackingOrder {
    uint64_t positions[256];
    constexpr PackingOrder() : positions() {
        for (int mask = 0; mask < 256; ++mask)
            for (int bit = 0, place = 0; bit < 8; ++bit)
                if (mask >> bit & 1) positions[mask] |= uint64_t(bit) << (8 * place++);
    }
};
static constexpr PackingOrder packing_order;

template <int columns>
int compact(int n, const float *key, float least, const float *const (&from)[columns], float *const (&to)[columns],
            const int *from_pixel, int *to_pixel) {
    int kept = 0;
    for (int i = 0; i < n; i += 8) {
        const int in_range = n - i >= 8 ? 0xff : (1 << (n - i)) - 1;
        const __m256 reached = _mm256_cmp_ps(_mm256_loadu_ps(key + i), _mm256_set1_ps(least), _CMP_GE_OQ);
        const int keep = _mm256_movemask_ps(reached) & in_range;
        const __m256i order = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(int64_t(packing_order.positions[keep])));
        for (int c = 0; c < columns; ++c)
            _mm256_storeu_ps(to[c] + kept, _mm256_permutevar8x32_ps(_mm256_loadu_ps(from[c] + i), order));
        if (from_pixel) {
            const __m256i pixels = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(from_pixel + i));
            _mm256_storeu_si256(reinterpret_cast<__m256i *>(to_pixel + kept),
                                _mm256_permutevar8x32_epi32(pixels, order));
        }
        kept += __builtin_popcount(unsigned(keep));
    }
    return kept;
}

#endif

} // namespace GENDR_ISA
} // namespace gendr
