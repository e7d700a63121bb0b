#include "dispatch.h"
#include "gendr/distributions.h"
#include "gendr/tconorms.h"
#include <cstdlib>
#include <stdexcept>

namespace gendr {

// The names are CMakeLists.txt's: one copy of coverage.cpp each.
#define GENDR_DECLARE(isa)                                                                                             \
    namespace isa {                                                                                                    \
    const CoverageKernels &coverage_kernels();                                                                         \
    }
#ifdef GENDR_X86
GENDR_DECLARE(x86_64)
GENDR_DECLARE(x86_64_v3)
GENDR_DECLARE(x86_64_v4)
#else
GENDR_DECLARE(baseline)
#endif
#undef GENDR_DECLARE

std::vector<const CoverageKernels *> runnable_kernels() {
    std::vector<const CoverageKernels *> found;
#ifdef GENDR_X86
    __builtin_cpu_init();
    found.push_back(&x86_64::coverage_kernels());
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
        found.push_back(&x86_64_v3::coverage_kernels());
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd") && found.size() == 2)
        found.push_back(&x86_64_v4::coverage_kernels());
#else
    found.push_back(&baseline::coverage_kernels());
#endif
    return found;
}

const CoverageKernels &selected_kernels() {
    const std::vector<const CoverageKernels *> kernels = runnable_kernels();
    const char *wanted = std::getenv("GENDR_CPU");
    if (!wanted || !*wanted) return *kernels.back();
    std::string allowed;
    for (const CoverageKernels *k : kernels) {
        if (std::string(wanted) == k->instruction_set) return *k;
        allowed += std::string(allowed.empty() ? "" : ", ") + k->instruction_set;
    }
    throw std::invalid_argument("GENDR_CPU: expected one of " + allowed + ", got '" + wanted + "'");
}

#define GENDR_PUSH_NAME(Member) names.push_back(Member::name);

std::vector<std::string> distribution_names() {
    std::vector<std::string> names;
    GENDR_DISTRIBUTIONS(GENDR_PUSH_NAME)
    return names;
}

std::vector<std::string> t_conorm_names() {
    std::vector<std::string> names;
    GENDR_T_CONORMS(GENDR_PUSH_NAME)
    return names;
}

} // namespace gendr
