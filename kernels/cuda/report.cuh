// How a kernel tells the host what it found wrong, without the host's waiting for it.
#pragma once

#include "coverage.h"
#include "launch.cuh"

namespace gendr {
namespace cuda {

__device__ inline void report(int *status, Status code) {
    if (status) *static_cast<volatile int *>(status + code) = 1;
}

// Whether a number is neither infinite nor NaN.
template <class T> __device__ bool is_finite(T x) { return x - x == T(0); }

} // namespace cuda
} // namespace gendr
