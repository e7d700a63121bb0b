// A stand-in for the CUDA toolkit: compiles the GPU kernels as plain C++ and runs them on the processor, one fiber per
// thread of a block, so that barriers, shuffles and ballots are real and their absence is seen. Blocks run one after
// the other, fibers in the order that `order` names; shared memory is filled with NaN before each block.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>

#define GENDR_CUDA_SHIM
#define __global__
#define __device__
#define __launch_bounds__(...)
// One block runs at a time, so that static variables serve; their section can be found and overwritten.
#define __shared__ static __attribute__((section("gendr_shared")))

struct gendr_shim_index {
    unsigned x, y, z;
};

namespace gendr_shim {

enum Order { forward, reverse, shuffled, warp_by_warp };

// Of the launches that follow.
void set_order(Order order, unsigned seed);

// Which launch and which memset of those that follow fails, counted from 0; none for -1. It does nothing but leave an
// error behind.
void set_failing(int launch, int memset);
bool memset_fails();

// The error that was left behind last; taking it leaves none.
int take_error();

// Throws std::runtime_error where the threads wait for each other in vain or disagree on what they wait for.
void launch(const char *kernel, unsigned blocks, unsigned threads, const std::function<void()> &body);

gendr_shim_index this_thread();
gendr_shim_index this_block();
gendr_shim_index block_size();
gendr_shim_index grid_size();

enum Collective { sync_warp, ballot, shuffle, shuffle_up, shuffle_xor };

// Waits for all threads of the block; the number of those whose value is not 0.
unsigned block_barrier(bool value);
// Waits for the lanes of `mask`; the value of the lane that `argument` names, or all lanes' bits.
uint64_t meet(Collective what, unsigned mask, uint64_t value, int argument);

template <class T> T exchange(Collective what, unsigned mask, T value, int argument) {
    static_assert(sizeof(T) <= sizeof(uint64_t), "a shuffle moves at most 8 bytes");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    bits = meet(what, mask, bits, argument);
    memcpy(&value, &bits, sizeof value);
    return value;
}

} // namespace gendr_shim

#define threadIdx (gendr_shim::this_thread())
#define blockIdx (gendr_shim::this_block())
#define blockDim (gendr_shim::block_size())
#define gridDim (gendr_shim::grid_size())

inline void __syncthreads() { gendr_shim::block_barrier(true); }
inline int __syncthreads_and(int value) { return gendr_shim::block_barrier(value != 0) == blockDim.x; }
inline void __syncwarp(unsigned mask = 0xffffffffu) { gendr_shim::meet(gendr_shim::sync_warp, mask, 0, 0); }
inline unsigned __ballot_sync(unsigned mask, int value) {
    return static_cast<unsigned>(gendr_shim::meet(gendr_shim::ballot, mask, value != 0, 0));
}
template <class T> T __shfl_sync(unsigned mask, T value, int lane) {
    return gendr_shim::exchange(gendr_shim::shuffle, mask, value, lane);
}
template <class T> T __shfl_up_sync(unsigned mask, T value, unsigned apart) {
    return gendr_shim::exchange(gendr_shim::shuffle_up, mask, value, static_cast<int>(apart));
}
template <class T> T __shfl_xor_sync(unsigned mask, T value, int apart) {
    return gendr_shim::exchange(gendr_shim::shuffle_xor, mask, value, apart);
}
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
template <class T, class U> T atomicAdd(T *at, U value) {
    const T before = *at;
    *at = static_cast<T>(before + value);
    return before;
}
template <class T> T atomicMax(T *at, T value) {
    const T before = *at;
    *at = before < value ? value : before;
    return before;
}

using cudaError_t = int;
using cudaStream_t = void *;
constexpr cudaError_t cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorLaunchOutOfResources = 701;
inline const char *cudaGetErrorString(cudaError_t error) {
    return error == cudaErrorLaunchOutOfResources ? "too many resources requested for launch"
           : error == cudaErrorInvalidValue       ? "invalid argument"
                                                  : "no error";
}
inline cudaError_t cudaGetLastError() { return gendr_shim::take_error(); }
inline cudaError_t cudaGetDevice(int *device) {
    *device = 0;
    return cudaSuccess;
}
inline cudaError_t cudaSetDevice(int) { return cudaSuccess; }
inline cudaError_t cudaGetDeviceCount(int *count) {
    *count = 1;
    return cudaSuccess;
}
inline cudaError_t cudaMemsetAsync(void *at, int value, size_t bytes, cudaStream_t) {
    if (gendr_shim::memset_fails()) return cudaErrorInvalidValue;
    memset(at, value, bytes);
    return cudaSuccess;
}
