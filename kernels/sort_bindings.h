// The sorting kernels' part of the module.
#pragma once

#include <pybind11/pybind11.h>

namespace gendr {

void bind_sort(pybind11::module_ &m);

} // namespace gendr
