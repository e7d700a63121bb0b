// Gradients of texels. A texel is reached by pairs of many faces and images, so that threads meet here: each adds to a
// list of its own, in 64-bit fixed point, whose sums do not depend on who added what, or when.
#pragma once

#include "plan.h"
#include <cstdlib>

namespace gendr {
inline namespace GENDR_ISA {

constexpr int most_texel_lists = 64;

class TexelSums {
  public:
    // `largest` bounds a pixel's incoming gradients; a pixel's shares add up to 1 at most, so that `pixels * largest`
    // bounds any sum.
    TexelSums(int64_t count, double largest, int64_t pixels) : count_(count) {
        int exponent = 0;
        ::frexp(math::max(largest, 1e-300) * double(math::max<int64_t>(pixels, 1)), &exponent);
        exponent_ = 61 - exponent;
        scale_ = ::ldexp(1.0, math::clamp(exponent_, -1000, 1000));
    }
    ~TexelSums() {
        for (int i = 0; i < most_texel_lists; ++i) free(lists_[i]);
    }
    TexelSums(const TexelSums &) = delete;
    TexelSums &operator=(const TexelSums &) = delete;

    // A list that nobody else adds to until it is given back; null when there is no memory for one.
    int64_t *take(int &which) {
        for (which = 0;; which = (which + 1) % most_texel_lists) {
            if (__atomic_exchange_n(&busy_[which], true, __ATOMIC_ACQUIRE)) continue;
            if (!lists_[which]) lists_[which] = static_cast<int64_t *>(calloc(count_ + 1, sizeof(int64_t)));
            return lists_[which];
        }
    }
    void give_back(int which) { __atomic_store_n(&busy_[which], false, __ATOMIC_RELEASE); }

    int64_t fixed(double x) const { return __builtin_llrint(x * scale_); }

    template <class T> void write(T *gradient) const {
        const double unit = 1.0 / scale_;
        for (int64_t i = 0; i < count_; ++i) {
            int64_t sum = 0;
            for (int k = 0; k < most_texel_lists; ++k)
                if (lists_[k]) sum += lists_[k][i];
            gradient[i] = T(math::clamp(double(sum) * unit, -double(limits<T>::largest), double(limits<T>::largest)));
        }
    }

  private:
    int64_t count_;
    int exponent_;
    double scale_;
    bool busy_[most_texel_lists] = {};
    int64_t *lists_[most_texel_lists] = {};
};

} // namespace GENDR_ISA
} // namespace gendr
