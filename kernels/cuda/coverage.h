// Coverage on the GPU, as the bindings and the host shim call it. Every pointer is the device's, but `status`, which is
// pinned host memory that the device writes; every call only enqueues on `stream` and returns. Errors are exceptions
// that name the kernel.
#pragma once

#include "gendr/coverage.h"
#include <cstddef>

namespace gendr {
namespace cuda {

// What the device found wrong, seen by the host when it next looks: status[code] becomes 1. Whatever it is, the images
// and gradients that come out are finite; they are not the ones that were asked for.
enum Status {
    bad_face_vertices,
    bad_tau,
    bad_shift,
    bad_p,
    bad_gradient,
    bad_gamma,
    bad_attributes,
    bad_uvs,
    bad_texels,
    bad_maps,
    bad_background, // from here on the host says which, see finite.h
    bad_lights,
    bad_shade,
    bad_camera,
    bad_vertices,
    status_codes
};

// shift and p are read on the device; those of the settings are not used.
struct Inputs {
    const void
        *face_vertices;    // [batch, faces, 3, 3]; packed [all faces, 3, 3] with face_ranges, which the device holds
    const double *tau;     // [batch]
    const void *shift, *p; // [1] each, in the precision of the faces
    int *status;           // [status_codes] of pinned host memory, or null
};

struct ForwardOutputs {
    void *alpha, *state; // [batch, height, width]
};

struct BackwardTensors {
    const void *state, *grad_alpha; // [batch, height, width]
    void *grad_face_vertices;       // like face_vertices; packed faces of no image are not written
    double *grad_tau;               // [batch]
    double *grad_shift, *grad_p;    // [1]; grad_p is 0 unless wants_p
    bool wants_p;
};

// Where and with what a call runs. `faces_per_pass` bounds the workspace: 0 chooses, a number is rounded up to whole
// warps. What comes out depends on it by rounding at most.
struct Launch {
    void *stream;
    void *workspace; // of at least the size that *_workspace names
    int faces_per_pass;
};

size_t forward_workspace(const CoverageSettings &settings, bool is_double, int faces_per_pass);
size_t backward_workspace(const CoverageSettings &settings, bool is_double, int faces_per_pass);

template <class T>
void forward(const CoverageSettings &settings, const Inputs &inputs, const ForwardOutputs &outputs,
             const Launch &launch);
template <class T>
void backward(const CoverageSettings &settings, const Inputs &inputs, const BackwardTensors &tensors,
              const Launch &launch);

} // namespace cuda
} // namespace gendr
