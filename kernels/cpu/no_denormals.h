// Arithmetic without denormal numbers, for the time of a scope.
#pragma once

namespace gendr {
inline namespace GENDR_ISA {

// Shares, probabilities that many faces leave of a pixel's background, and gradients fade over tens of decades. Where a
// product falls below the smallest normal number, an x86 processor takes many times as long for it as for any
// other; such a product is a gradient of 1e-38, and counts as zero here.
class NoDenormals {
  public:
    NoDenormals(const NoDenormals &) = delete;
    NoDenormals &operator=(const NoDenormals &) = delete;
#ifdef __SSE2__
    NoDenormals() : before_(__builtin_ia32_stmxcsr()) { __builtin_ia32_ldmxcsr(before_ | flush_to_zero | as_zero); }
    ~NoDenormals() { __builtin_ia32_ldmxcsr(before_); }

  private:
    static constexpr unsigned flush_to_zero = 1u << 15, as_zero = 1u << 6; // of results, and of operands
    unsigned before_;
#else
    NoDenormals() {}
    ~NoDenormals() {}
#endif
};

} // namespace GENDR_ISA
} // namespace gendr
