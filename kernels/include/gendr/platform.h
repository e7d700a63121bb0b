// What lets one header serve the CPU's vector loops and the GPU: function attributes, and a namespace per instruction
// set.
#pragma once

#if defined(__CUDACC__)
#define GENDR_HD __host__ __device__ __forceinline__
#else
#define GENDR_HD inline __attribute__((always_inline))
#endif

// The CPU's vector files are compiled once per instruction set. Each copy lives in a namespace of its own, so that the
// linker cannot merge a function compiled for a wide instruction set into the code that runs on a narrow one.
#ifndef GENDR_ISA
#define GENDR_ISA portable
#endif

namespace gendr {
inline namespace GENDR_ISA {

// Bounds that keep every intermediate finite. Probabilities at or below `tiny` count as exactly zero; gradients
// beyond `largest` are held there.
template <class T> struct limits;
template <> struct limits<float> {
    static constexpr float tiny = 1e-30f;
    static constexpr float huge = 1e30f;
    static constexpr float largest = 3e38f;
    static constexpr float gamma_argument_floor = 1e-7f; // where the unbounded density of Gamma(p < 1) is cut
};
template <> struct limits<double> {
    static constexpr double tiny = 1e-290;
    static constexpr double huge = 1e290;
    static constexpr double largest = 1e308;
    static constexpr double gamma_argument_floor = 1e-14;
};

} // namespace GENDR_ISA
} // namespace gendr
