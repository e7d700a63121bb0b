#include "topk_dispatch.h"
#include "dispatch.h"
#include <cstring>

namespace gendr {

#define GENDR_DECLARE(isa)                                                                                             \
    namespace isa {                                                                                                    \
    const TopkKernels &topk_kernels();                                                                                 \
    }
#ifdef GENDR_X86
GENDR_DECLARE(x86_64)
GENDR_DECLARE(x86_64_v3)
GENDR_DECLARE(x86_64_v4)
#else
GENDR_DECLARE(baseline)
#endif
#undef GENDR_DECLARE

const TopkKernels &selected_topk_kernels() {
#ifdef GENDR_X86
    const TopkKernels *const all[] = {&x86_64::topk_kernels(), &x86_64_v3::topk_kernels(), &x86_64_v4::topk_kernels()};
#else
    const TopkKernels *const all[] = {&baseline::topk_kernels()};
#endif
    const char *name = selected_kernels().instruction_set; // one that this processor can run
    for (const TopkKernels *kernels : all)
        if (std::strcmp(kernels->instruction_set, name) == 0) return *kernels;
    return *all[0];
}

} // namespace gendr
