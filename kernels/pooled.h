// What every module of bindings needs: tensors by address, and the threads of a call.
#pragma once

#include "cpu/thread_pool.h"
#include "gendr/coverage.h"
#include <cstdint>

namespace gendr {

struct PooledThreads {
    ThreadPool *pool;
    int threads;
};

inline Parallel parallel_over(PooledThreads &threads) {
    const auto run = [](void *pool, int tasks, void (*body)(void *, int), void *context) {
        const PooledThreads &threads = *static_cast<PooledThreads *>(pool);
        threads.pool->run(threads.threads, tasks, body, context);
    };
    return {&threads, run, threads.threads};
}

template <class T> T *at(uintptr_t address) { return reinterpret_cast<T *>(address); }

} // namespace gendr
