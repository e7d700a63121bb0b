// Relaxed sorting networks on the GPU: what the bindings call.
#pragma once

#include "gendr/sort_network.h"
#include <cstddef>

namespace gendr {
namespace cuda {

struct SortPlace {
    void *stream, *workspace;
    int units; // vectors go in units of a warp; as many at once. 0: as many as the budget holds
};

// Bytes that a call needs, forward or backward.
template <class T> size_t sort_workspace(const SortSettings &, bool backward, int units);
template <class T> void sort_forward(const SortSettings &, const SortForward<T> &, const SortPlace &);
template <class T> void sort_backward(const SortSettings &, const SortBackward<T> &, const SortPlace &);

} // namespace cuda
} // namespace gendr
