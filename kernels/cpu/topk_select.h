// The m highest scores of a row, the label's always among them.
#pragma once

#include "reaching.h"
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

// NaNs and infinities are told and written by their bits: this file is compiled as if there were none.
inline int32_t magnitude(float x) { return math::bits(x) & 0x7fffffff; }
inline int64_t magnitude(double x) {
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x7fffffffffffffff;
}
inline bool is_nan(int32_t magnitude) { return magnitude > 0x7f800000; }
inline bool is_nan(int64_t magnitude) { return magnitude > 0x7ff0000000000000; }
inline void write_nan(float *at) { *at = math::from_bits(0x7fc00000); }
inline void write_nan(double *at) {
    const int64_t bits = 0x7ff8000000000000;
    memcpy(at, &bits, sizeof bits);
}
inline void write_minus_infinity(float *at) { *at = math::from_bits(int32_t(0xff800000)); }
inline void write_minus_infinity(double *at) {
    const uint64_t bits = 0xfff0000000000000;
    memcpy(at, &bits, sizeof bits);
}

template <class T> bool holds_nan(const T *row, int n) {
    decltype(magnitude(T())) most = 0;
#pragma omp simd reduction(max : most)
    for (int i = 0; i < n; ++i) most = magnitude(row[i]) > most ? magnitude(row[i]) : most;
    return is_nan(most);
}

constexpr int most_chosen = 64; // m
constexpr int many = 128;       // scores from which on it pays to look for those that stand out
constexpr int piece = 64;       // scores that are sifted at once
constexpr int at_hand = 256;    // scores that are ranked by comparing each with all

// A score that at least m of n scores reach, and not many more: the largest of the groups' maxima that m of them reach.
// The scores come from afar and are looked at once, so that NaNs are looked for on the way.
template <int groups, class T> T reached_by(const T *row, int n, int m, bool &has_nan) {
    alignas(64) T most[groups], reach[groups]; // counts of the scores' own width stay in their lanes
    alignas(64) decltype(magnitude(T())) largest[groups];
    for (int j = 0; j < groups; ++j) most[j] = row[j], reach[j] = T(0), largest[j] = magnitude(row[j]);
    int begin = groups;
    for (; begin + groups <= n; begin += groups) {
#pragma omp simd
        for (int j = 0; j < groups; ++j) {
            const T score = row[begin + j];
            most[j] = score > most[j] ? score : most[j];
            largest[j] = magnitude(score) > largest[j] ? magnitude(score) : largest[j];
        }
    }
    int nans = 0;
#pragma omp simd reduction(| : nans)
    for (int j = 0; j < groups; ++j) nans |= is_nan(largest[j]);
    for (; begin < n; ++begin) nans |= is_nan(magnitude(row[begin]));
    has_nan = nans;
    for (int i = 0; i < groups; ++i) {
#pragma omp simd
        for (int j = 0; j < groups; ++j) reach[j] += most[i] >= most[j] ? T(1) : T(0);
    }
    // All of them reach the smallest, so that one is left. Halves instead of OpenMP's reductions: those begin at the
    // largest finite number, and scores may be infinite.
    T lowest;
    write_minus_infinity(&lowest);
    for (int j = 0; j < groups; ++j) most[j] = reach[j] >= T(m) ? most[j] : lowest;
    for (int half = groups / 2; half; half /= 2)
        for (int j = 0; j < half; ++j) most[j] = most[j + half] > most[j] ? most[j + half] : most[j];
    return most[0];
}

// The scores that reach `least`, in order; stops when there are more than `at_hand`.
template <class T> int sift(const T *row, int n, T least, T *kept, int *kept_at) {
    int found = 0;
    for (int begin = 0; begin < n && found <= at_hand; begin += piece) {
        uint64_t bits = 0;
        if (begin + piece <= n) {
            bits = reaching(row + begin, least);
        } else {
            T last[piece] = {};
            memcpy(last, row + begin, sizeof(T) * (n - begin));
            bits = reaching(last, least) & ((uint64_t(1) << (n - begin)) - 1);
        }
        for (; bits; bits &= bits - 1) {
            const int at = begin + __builtin_ctzll(bits);
            kept_at[found] = at;
            kept[found++] = row[at];
        }
    }
    return found;
}

// Writes the places of the m highest of n scores, m <= n: a score's rank is the number of those ahead of it, of equals
// the first is ahead. Nothing branches on the scores, and little on n: up to a whole vector more of them are written.
template <class T> void rank(T *score, const int *at, int n, int m, int *index) {
    typedef T Scores __attribute__((vector_size(lanes * sizeof(T)), aligned(sizeof(T)), may_alias));
    typedef decltype(Scores() > Scores()) Places; // -1 where it holds
    int of_rank[most_chosen + 1];                 // those beyond the m-th share the place after it
    const int all = padded(n);
    for (int i = n; i < all; ++i) write_minus_infinity(score + i); // behind all others
    for (int first = 0; first < all; first += lanes) {
        const Scores own = *reinterpret_cast<const Scores *>(score + first);
        Places ahead = {}, place;
        for (int j = 0; j < lanes; ++j) place[j] = first + j;
        for (int i = 0; i < first; ++i) ahead -= own <= score[i];
        for (int i = first; i < first + lanes; ++i) ahead -= (own < score[i]) | ((own == score[i]) & (place > i));
        for (int i = first + lanes; i < all; ++i) ahead -= own < score[i];
        int to[lanes];
        for (int j = 0; j < lanes; ++j) to[j] = math::min(int(ahead[j]), m);
#pragma omp simd
        for (int j = 0; j < lanes; ++j) of_rank[to[j]] = at[first + j]; // any of those that share the last
    }
    for (int i = 0; i < m; ++i) index[i] = of_rank[i];
}

// Whether the m highest of many scores could be found among few that stand out; not where most are equal, or one is
// NaN.
template <class T> bool select_outstanding(const T *row, int n, int m, int *index, bool &has_nan) {
    T kept[at_hand + piece + lanes]; // rank() reads whole vectors
    int kept_at[at_hand + piece + lanes];
    const T least = m <= 16 ? reached_by<32>(row, n, m, has_nan) : reached_by<64>(row, n, m, has_nan);
    if (has_nan) return false;
    const int found = sift(row, n, least, kept, kept_at);
    if (found > at_hand) return false;
    rank(kept, kept_at, found, m, index);
    return true;
}

constexpr int of_nan = -2, of_none = -1;

// Writes the indices of the m highest of n scores to `index`, highest first, of equals the first first; where the label
// is not among them it replaces the last. Returns the label's place, `of_none` for a negative label, or `of_nan` where
// a score is NaN. `value` has room for m.
template <class T> int select_top(const T *row, int n, int m, int label, T *value, int *index) {
    bool has_nan = n < many && holds_nan(row, n);
    if (n < many || !select_outstanding(row, n, m, index, has_nan)) {
        if (has_nan) return of_nan;
        for (int i = 0, held = 0; i < n; ++i) held = offer(row[i], i, value, index, held, m);
    }
    if (label < 0) return of_none;
    for (int i = 0; i < m; ++i)
        if (index[i] == label) return i;
    index[m - 1] = label;
    return m - 1;
}

} // namespace topk
} // namespace GENDR_ISA
} // namespace gendr
