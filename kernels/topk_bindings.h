// The part of the Python module that belongs to top-k.
#pragma once

#include <pybind11/pybind11.h>

namespace gendr {

void bind_topk(pybind11::module_ &m);

} // namespace gendr
