// Which instruction set's kernels run: the widest that this processor has, or the one GENDR_CPU names.
#pragma once

#include "gendr/coverage.h"
#include <string>
#include <vector>

namespace gendr {

// Those compiled in that this processor can run, narrowest first.
std::vector<const CoverageKernels *> runnable_kernels();

// Throws std::invalid_argument where GENDR_CPU names none of them.
const CoverageKernels &selected_kernels();

// Spec names in the order of the kernels' lists.
std::vector<std::string> distribution_names();
std::vector<std::string> t_conorm_names();

} // namespace gendr
