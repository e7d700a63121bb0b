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

constexpr int most_chosen = 64; // m
constexpr int many = 128;       // scores from which on it pays to look for those that stand out
constexpr int piece = 256;      // scores that are sifted at once
constexpr int at_hand = 256;    // scores that are ranked by comparing each with all

// A score that at least m of n scores reach, and not many more: the largest of the groups' maxima that m of them reach.
template <int groups, class T> T reached_by(const T *row, int n, int m) {
    alignas(64) T most[groups], reach[groups]; // counts of the scores' own width stay in their lanes
    for (int j = 0; j < groups; ++j) most[j] = row[j], reach[j] = T(0);
    int begin = groups;
    for (; begin + groups <= n; begin += groups) {
#pragma omp simd
        for (int j = 0; j < groups; ++j) most[j] = row[begin + j] > most[j] ? row[begin + j] : most[j];
    }
    for (int i = 0; i < groups; ++i) {
#pragma omp simd
        for (int j = 0; j < groups; ++j) reach[j] += most[i] >= most[j] ? T(1) : T(0);
    }
    // Halves instead of OpenMP's reductions: those begin at the largest finite number, and scores may be infinite.
    alignas(64) T least[groups]; // all of them reach the smallest
    for (int j = 0; j < groups; ++j) least[j] = most[j];
    for (int half = groups / 2; half; half /= 2)
        for (int j = 0; j < half; ++j) least[j] = least[j + half] < least[j] ? least[j + half] : least[j];
    for (int j = 0; j < groups; ++j) most[j] = reach[j] >= T(m) ? most[j] : least[0];
    for (int half = groups / 2; half; half /= 2)
        for (int j = 0; j < half; ++j) most[j] = most[j + half] > most[j] ? most[j + half] : most[j];
    return most[0];
}

struct Counted {
    int at[piece];
    constexpr Counted() : at() {
        for (int i = 0; i < piece; ++i) at[i] = i;
    }
};
static constexpr Counted counted;

// The scores that reach `least`, in order, sifted by whole vectors; stops when there are more than `at_hand`.
template <class T> int sift(const T *row, int n, T least, T *kept, int *kept_at) {
    int found = 0;
    for (int begin = 0; begin < n && found <= at_hand; begin += piece) {
        const int count = math::min(piece, n - begin), whole = count / lanes * lanes, before = found;
        found += compact<1>(whole, row + begin, least, {row + begin}, {kept + found}, counted.at, kept_at + found);
        for (int i = whole; i < count; ++i) { // compact() reads whole vectors
            kept[found] = row[begin + i];
            kept_at[found] = i;
            found += row[begin + i] >= least;
        }
        for (int i = before; i < found; ++i) kept_at[i] += begin;
    }
    return found;
}

// Writes the places of the m highest of n scores: a score's rank is the number of those ahead of it, of equals the
// first is ahead. Nothing branches on the scores. What follows them, to a whole vector, may be anything.
template <class T> void rank(const T *score, const int *at, int n, int m, int *index) {
    int of_rank[most_chosen + 1]; // those beyond the m-th share the place after it
    for (int first = 0; first < n; first += lanes) {
        T own[lanes], place[lanes], ahead[lanes];
        for (int j = 0; j < lanes; ++j) own[j] = score[first + j], place[j] = T(first + j), ahead[j] = T(0);
        for (int i = 0; i < n; ++i) {
            const T other = score[i], other_place = T(i);
#pragma omp simd
            for (int j = 0; j < lanes; ++j) {
                const T equal = (other == own[j]) & (other_place < place[j]) ? T(1) : T(0);
                ahead[j] += other > own[j] ? T(1) : equal;
            }
        }
        for (int j = 0; j < math::min(lanes, n - first); ++j) of_rank[math::min(int(ahead[j]), m)] = at[first + j];
    }
    for (int i = 0; i < m; ++i) index[i] = of_rank[i];
}

// Whether the m highest of many scores could be found among few that stand out; not where most are equal.
template <class T> bool select_outstanding(const T *row, int n, int m, int *index) {
    T kept[at_hand + piece + compact_slack];
    int kept_at[at_hand + piece + compact_slack];
    const T least = m <= 16 ? reached_by<32>(row, n, m) : reached_by<64>(row, n, m);
    const int found = sift(row, n, least, kept, kept_at);
    if (found > at_hand) return false;
    rank(kept, kept_at, found, m, index);
    return true;
}

// Writes the indices of the m highest of n scores to `index`, highest first, of equals the first first; where the label
// is not among them it replaces the last. Returns the label's place, or -1 for a negative label. `value` has room for
// m.
template <class T> int select_top(const T *row, int n, int m, int label, T *value, int *index) {
    if (n < many || !select_outstanding(row, n, m, index))
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
