#include "isotonic.h"
#include <algorithm>
#include <cmath>
#include <vector>

namespace gendr {
namespace {

struct Mean {
    double sum = 0, count = 0;

    Mean(double s, double w) : sum(s - w), count(1) {}
    void pool(const Mean &next) {
        sum += next.sum;
        count += next.count;
    }
    double value() const { return sum / count; }
};

double log_add(double a, double b) { return std::max(a, b) + std::log1p(std::exp(-std::abs(a - b))); }

struct LogSumExp {
    double s, w;

    LogSumExp(double s, double w) : s(s), w(w) {}
    void pool(const LogSumExp &next) {
        s = log_add(s, next.s);
        w = log_add(w, next.w);
    }
    double value() const { return s - w; }
};

template <class Pool> struct Block {
    Pool pool;
    int64_t begin;
};

template <class Pool, class T>
void pool_row(const T *s, const T *w, int64_t *blocks, int64_t n, std::vector<Block<Pool>> &stack) {
    stack.clear();
    for (int64_t i = 0; i < n; ++i) {
        stack.push_back({Pool(s[i], w[i]), i});
        while (stack.size() > 1 && stack.end()[-2].pool.value() <= stack.back().pool.value()) {
            const Pool last = stack.back().pool;
            stack.pop_back();
            stack.back().pool.pool(last);
        }
    }
    for (size_t k = 0; k < stack.size(); ++k) {
        const int64_t end = k + 1 < stack.size() ? stack[k + 1].begin : n;
        std::fill(blocks + stack[k].begin, blocks + end, int64_t(k));
    }
}

template <class Pool, class T> void pool_rows(const T *s, const T *w, int64_t *blocks, int64_t rows, int64_t n) {
    std::vector<Block<Pool>> stack;
    for (int64_t row = 0; row < rows; ++row) pool_row<Pool>(s + row * n, w + row * n, blocks + row * n, n, stack);
}

} // namespace

template <class T>
void isotonic_blocks(const T *s, const T *w, int64_t *blocks, int64_t rows, int64_t n, bool entropic) {
    if (entropic) pool_rows<LogSumExp>(s, w, blocks, rows, n);
    else pool_rows<Mean>(s, w, blocks, rows, n);
}

template void isotonic_blocks(const float *, const float *, int64_t *, int64_t, int64_t, bool);
template void isotonic_blocks(const double *, const double *, int64_t *, int64_t, int64_t, bool);

} // namespace gendr
