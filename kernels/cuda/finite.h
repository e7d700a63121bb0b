// Tensors that reach an image past the other kernels, looked at on the device; see coverage.h for what holds for every
// call.
#pragma once

#include "coverage.h"

namespace gendr {
namespace cuda {

// Writes whether each of `count` numbers is finite, and reports `code` where one is not.
template <class T>
void mark_finite(const void *values, int64_t count, bool *is_finite, int code, int *status, void *stream);

} // namespace cuda
} // namespace gendr
