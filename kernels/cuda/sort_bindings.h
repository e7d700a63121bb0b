// The sorting kernels' part of the module for GPUs.
#pragma once

#include <pybind11/pybind11.h>

namespace gendr {
namespace cuda {

void bind_sort(pybind11::module_ &m);

} // namespace cuda
} // namespace gendr
