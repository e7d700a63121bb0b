// The m highest scores of a row, the label's always among them.
#pragma once

#include "compact.h"
#include "topk_network.h"

namespace gendr {
inline namespace GENDR_ISA {
namespace topk {

// Puts (score, index) in its place among the `held` entries of a descending list that has room for m, if it is high
// enough; of equals the first stays first. Returns how many entries are held then.
template <class T> inline int offer(T score, int at, T *value, int *index, int held, int m) {
    if (held == m) {
        if (!(score > value[m - 1])) return held;
        --held;
    }
    int place = held;
    for (; place > 0 && value[place - 1] < score; --place) {
        value[place] = value[place - 1];
        index[place] = index[place - 1];
    }
    value[place] = score;
    index[place] = at;
    return held + 1;
}

constexpr int groups = 64; // of a row, whose maxima bound the m-th highest score from below; so m is at most 64
constexpr int piece = 256; // scores that are sifted at once

// A score that at least m of n scores reach, and not many more: the m-th highest of the groups' maxima.
template <class T> T reached_by(const T *row, int n, int m, T *value, int *index) {
    alignas(64) T most[groups];
    for (int j = 0; j < groups; ++j) most[j] = row[j];
    int begin = groups;
    for (; begin + groups <= n; begin += groups) {
#pragma omp simd
        for (int j = 0; j < groups; ++j) most[j] = row[begin + j] > most[j] ? row[begin + j] : most[j];
    }
    for (int j = 0, held = 0; j < groups; ++j) held = offer(most[j], j, value, index, held, m);
    return value[m - 1];
}

struct Counted {
    int at[piece];
    constexpr Counted() : at() {
        for (int i = 0; i < piece; ++i) at[i] = i;
    }
};
static constexpr Counted counted;

// Puts the m highest of many scores into the list: what does not reach `least` is sifted out by whole vectors.
template <class T> void sift(const T *row, int n, int m, T least, T *value, int *index) {
    T kept[piece + compact_slack];
    int kept_at[piece + compact_slack];
    int held = 0;
    for (int begin = 0; begin < n; begin += piece) {
        const int count = math::min(piece, n - begin), whole = count / lanes * lanes;
        int found = compact<1>(whole, row + begin, least, {row + begin}, {kept}, counted.at, kept_at);
        for (int i = whole; i < count; ++i) { // compact() reads whole vectors
            kept[found] = row[begin + i];
            kept_at[found] = i;
            found += row[begin + i] >= least;
        }
        for (int i = 0; i < found; ++i) held = offer(kept[i], begin + kept_at[i], value, index, held, m);
    }
}

// Writes the indices of the m highest of n scores to `index`, highest first, of equals the first first; where the label
// is not among them it replaces the last. Returns the label's place, or -1 for a negative label. `value` has room for
// m.
template <class T> int select_top(const T *row, int n, int m, int label, T *value, int *index) {
    if (n >= 2 * groups) sift(row, n, m, reached_by(row, n, m, value, index), value, index);
    else
        for (int i = 0, held = 0; i < n; ++i) held = offer(row[i], i, value, index, held, m);
    if (label < 0) return -1;
    for (int i = 0; i < m; ++i)
        if (index[i] == label) return i;
    index[m - 1] = label;
    return m - 1;
}

// Whether a row holds a NaN, by its bits: this file is compiled as if there were none.
inline bool holds_nan(const float *row, int n) {
    int32_t most = 0;
#pragma omp simd reduction(max : most)
    for (int i = 0; i < n; ++i) {
        const int32_t magnitude = math::bits(row[i]) & 0x7fffffff;
        most = magnitude > most ? magnitude : most;
    }
    return most > 0x7f800000;
}
inline bool holds_nan(const double *row, int n) {
    int64_t most = 0;
    for (int i = 0; i < n; ++i) {
        int64_t bits;
        memcpy(&bits, row + i, sizeof bits);
        bits &= 0x7fffffffffffffff;
        most = bits > most ? bits : most;
    }
    return most > 0x7ff0000000000000;
}

inline void write_nan(float *at) { *at = math::from_bits(0x7fc00000); }
inline void write_nan(double *at) {
    const int64_t bits = 0x7ff8000000000000;
    memcpy(at, &bits, sizeof bits);
}

} // namespace topk
} // namespace GENDR_ISA
} // namespace gendr
