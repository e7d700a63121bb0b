// Blending on the GPU, together with coverage; see coverage.h for what holds for every call.
#pragma once

#include "coverage.h"
#include "gendr/blend.h"

namespace gendr {
namespace cuda {

struct BlendInputs {
    Inputs coverage;
    const void *gamma; // [1], in the precision of the faces; that of the settings is not used
    const void *attributes, *uvs, *texels;
    const int64_t *maps, *map_of_face; // as in SurfaceData
};

struct BlendOutputs {
    ForwardOutputs coverage;
    void *blended, *state; // as in BlendForward
};

struct BlendGradients {
    BackwardTensors coverage;
    const void *blended, *state, *grad_blended;
    void *grad_attributes, *grad_uvs, *grad_texels; // null where nobody asks
    double *grad_gamma;                             // [1]
    bool wants_gamma;
};

size_t blend_forward_workspace(const CoverageSettings &settings, const BlendSettings &blend, bool is_double, int pass);
size_t blend_backward_workspace(const CoverageSettings &settings, const BlendSettings &blend, bool is_double, int pass);

template <class T>
void blend_forward(const CoverageSettings &settings, const BlendSettings &blend, const BlendInputs &inputs,
                   const BlendOutputs &outputs, const Launch &launch);
template <class T>
void blend_backward(const CoverageSettings &settings, const BlendSettings &blend, const BlendInputs &inputs,
                    const BlendGradients &tensors, const Launch &launch);

} // namespace cuda
} // namespace gendr
