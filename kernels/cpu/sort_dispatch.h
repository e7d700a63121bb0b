// The sorting kernels of the instruction set that dispatch.h chooses.
#pragma once

#include "gendr/sort_network.h"

namespace gendr {

const SortKernels &selected_sort_kernels();

} // namespace gendr
