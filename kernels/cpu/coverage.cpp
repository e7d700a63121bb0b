// Coverage on the CPU, compiled once per instruction set. No std:: templates here or in what this includes: a weak
// symbol compiled for a wide instruction set could replace the one that a narrow machine runs.
#include "gendr/coverage.h"
#include "blend_backward.h"

namespace gendr {
inline namespace GENDR_ISA {

namespace {

struct PairCounter {
    int64_t total = 0;
    void begin(int, const Triangle<float> &) {}
    void end() {}
    void pairs(int, int count, int, float, float, const float *, const int *) { total += count; }
};

int64_t count_pairs(const CoverageSettings &settings, const CoverageForward<float> &tensors) {
    static thread_local GammaTable table;
    const Plan<float> plan(settings, table);
    PairCounter counter;
    for (int image = 0; image < settings.batch; ++image)
        walk_faces<float>(plan, plan.face(tensors.face_vertices, image, 0), tensors.tau[image], 0,
                          settings.face_count(image), 0, settings.height, counter);
    return counter.total;
}

} // namespace

const CoverageKernels &coverage_kernels() {
#define GENDR_QUOTE(x) #x
#define GENDR_NAME(x) GENDR_QUOTE(x)
    static constexpr CoverageKernels kernels = {GENDR_NAME(GENDR_ISA), forward<float>,        forward<double>,
                                                backward<float>,       backward<double>,      count_pairs,
                                                blend_forward<float>,  blend_forward<double>, blend_backward<float>,
                                                blend_backward<double>};
    return kernels;
}

} // namespace GENDR_ISA
} // namespace gendr
