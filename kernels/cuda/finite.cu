// Which numbers of a tensor are finite, without the host's waiting to know.
#include "finite.h"
#include "report.cuh"

namespace gendr {
namespace cuda {

namespace {

// A thread a number.
template <class T> __global__ void mark(const T *values, int64_t count, bool *marks, int code, int *status) {
    const int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (at >= count) return;
    marks[at] = is_finite(values[at]);
    if (!marks[at]) report(status, static_cast<Status>(code));
}

} // namespace

template <class T>
void mark_finite(const void *values, int64_t count, bool *is_finite, int code, int *status, void *stream) {
    GENDR_LAUNCH(mark<T>, count, 256, 256, static_cast<cudaStream_t>(stream), static_cast<const T *>(values), count,
                 is_finite, code, status);
}

template void mark_finite<float>(const void *, int64_t, bool *, int, int *, void *);
template void mark_finite<double>(const void *, int64_t, bool *, int, int *, void *);

} // namespace cuda
} // namespace gendr
