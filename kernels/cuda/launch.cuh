// The one seam between the kernels and what runs them: a GPU, or the host shim of tests/cuda_shim, which brings its own
// <cuda_runtime.h> and runs one fiber per thread.
#pragma once

#include <cstdint>
#include <cuda_runtime.h>
#include <stdexcept>
#include <string>

namespace gendr {
namespace cuda {

// Throws where the runtime reports an error. An error of a kernel that ran earlier is reported here too: where the
// name leaves a doubt, CUDA_LAUNCH_BLOCKING=1 makes every launch report its own.
inline void check(cudaError_t error, const char *what) {
    if (error == cudaSuccess) return;
    cudaGetLastError(); // what the runtime keeps of it is not to be found by the next launch
    throw std::runtime_error(std::string("gendr CUDA ") + what + ": " + cudaGetErrorString(error));
}

constexpr int64_t most_blocks = 0x7fffffff;

inline unsigned blocks_for(int64_t items, int64_t per_block, const char *kernel) {
    const int64_t blocks = (items + per_block - 1) / per_block;
    if (blocks > most_blocks)
        throw std::runtime_error(std::string("gendr CUDA kernel ") + kernel +
                                 ": expected at most 2^31 - 1 blocks, got " + std::to_string(blocks));
    return static_cast<unsigned>(blocks);
}

} // namespace cuda
} // namespace gendr

// GENDR_LAUNCH(kernel, items, items per block, threads of a block, stream, arguments ...). No items, no launch. A
// kernel with several template arguments stands in parentheses.
#ifdef GENDR_CUDA_SHIM
#define GENDR_RUN(kernel, blocks, threads, stream, ...)                                                                \
    (static_cast<void>(stream), gendr_shim::launch(#kernel, blocks, threads, [=] { kernel(__VA_ARGS__); }))
#else
#define GENDR_RUN(kernel, blocks, threads, stream, ...) kernel<<<blocks, threads, 0, stream>>>(__VA_ARGS__)
#endif
#define GENDR_LAUNCH(kernel, items, per_block, threads, stream, ...)                                                   \
    do {                                                                                                               \
        const unsigned gendr_blocks = ::gendr::cuda::blocks_for(items, per_block, #kernel);                            \
        if (gendr_blocks > 0) {                                                                                        \
            GENDR_RUN(kernel, gendr_blocks, threads, stream, __VA_ARGS__);                                             \
            ::gendr::cuda::check(cudaGetLastError(), "kernel " #kernel);                                               \
        }                                                                                                              \
    } while (false)
