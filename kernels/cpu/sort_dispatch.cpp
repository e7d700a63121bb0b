#include "sort_dispatch.h"
#include "dispatch.h"
#include <cstring>

namespace gendr {

#define GENDR_DECLARE(isa)                                                                                             \
    namespace isa {                                                                                                    \
    const SortKernels &sort_kernels();                                                                                 \
    }
#ifdef GENDR_X86
GENDR_DECLARE(x86_64)
GENDR_DECLARE(x86_64_v3)
GENDR_DECLARE(x86_64_v4)
#else
GENDR_DECLARE(baseline)
#endif
#undef GENDR_DECLARE

const SortKernels &selected_sort_kernels() {
    const char *name = selected_kernels().instruction_set;
#ifdef GENDR_X86
    if (std::strcmp(name, "x86_64_v4") == 0) return x86_64_v4::sort_kernels();
    if (std::strcmp(name, "x86_64_v3") == 0) return x86_64_v3::sort_kernels();
    (void)name;
    return x86_64::sort_kernels();
#else
    (void)name;
    return baseline::sort_kernels();
#endif
}

} // namespace gendr
