// Memory that an allocator has just had from the system consists of pages that are made when they are first touched:
// of 4 kB, that takes longer than much of what kernels write there.
#pragma once

#include <cstddef>
#include <cstdint>
#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace gendr {

// Asks for pages of 2 MB where an output is so large that the allocator maps it anew each time (glibc: from 32 MB on).
// What smaller ones lie in belongs to the heap and is used again, its pages too.
inline void prefer_large_pages(void *begin, size_t bytes) {
#ifdef MADV_HUGEPAGE
    if (bytes < size_t(32) << 20) return;
    const uintptr_t page = uintptr_t(sysconf(_SC_PAGESIZE));
    const uintptr_t first = (reinterpret_cast<uintptr_t>(begin) + page - 1) / page * page;
    const uintptr_t last = (reinterpret_cast<uintptr_t>(begin) + bytes) / page * page;
    madvise(reinterpret_cast<void *>(first), last - first, MADV_HUGEPAGE); // a wish: where it fails nothing is lost
#else
    (void)begin, (void)bytes;
#endif
}

} // namespace gendr
