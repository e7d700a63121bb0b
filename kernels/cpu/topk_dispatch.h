// The top-k kernels of the instruction set that dispatch.h chooses.
#pragma once

#include "gendr/topk.h"

namespace gendr {

const TopkKernels &selected_topk_kernels();

} // namespace gendr
