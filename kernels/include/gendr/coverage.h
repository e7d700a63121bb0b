// Coverage: alpha = T-conorm over the faces of F(signed distance / tau). The parameters of one call, plain data shared
// by the bindings and every backend.
#pragma once

#include <cstdint>

namespace gendr {

struct CoverageSettings {
    int distribution; // index into GENDR_DISTRIBUTIONS
    int t_conorm;     // index into GENDR_T_CONORMS
    double shape;     // of the distribution, where it has one
    double shift;     // added to the standardised argument
    double p;         // of the T-conorm, where it has one
    bool is_reversed; // F(x) becomes 1 - F(-x)
    bool is_squared;  // x = |d| d / tau instead of d / tau
    double cutoff;    // faces whose probability at a pixel is below it are skipped there
    double near, far; // a face takes part where all its depths lie in [near, far]
    int cull;         // FaceFilter
    int batch, faces, height, width;
    const int64_t *face_ranges; // [batch, 2], ascending: image i holds the faces [begin, end) of a packed list, at most
                                // `faces` of them; null: every image holds `faces` faces, one image after the other

    int64_t first_face(int image) const { return face_ranges ? face_ranges[2 * image] : int64_t(image) * faces; }
    int face_count(int image) const {
        return face_ranges ? int(face_ranges[2 * image + 1] - face_ranges[2 * image]) : faces;
    }
};

template <class T> struct CoverageForward {
    const T *face_vertices; // [batch, faces, 3, 3], or packed [all faces, 3, 3]
    const double *tau;      // [batch]
    T *alpha;               // [batch, height, width]
    T *state;               // likewise: what the backward pass needs of a pixel's sum
};

template <class T> struct CoverageBackward {
    const T *face_vertices, *state, *grad_alpha;
    const double *tau;
    T *grad_face_vertices; // like face_vertices; packed faces of no image are not written
    double *grad_tau;      // [batch]
    double *grad_shift;    // [1]
    double *grad_p;        // [1]; computed where wants_p
    bool wants_p;
};

// Runs body(context, task) for every task, in any order, on any thread.
struct Parallel {
    void *pool;
    void (*run)(void *pool, int tasks, void (*body)(void *context, int task), void *context);
    int threads;
};

struct BlendSettings;
template <class T> struct BlendForward;
template <class T> struct BlendBackward;

// One instruction set's kernels. They return null, or what went wrong.
struct CoverageKernels {
    const char *instruction_set;
    const char *(*forward_f32)(const CoverageSettings &, const CoverageForward<float> &, const Parallel &);
    const char *(*forward_f64)(const CoverageSettings &, const CoverageForward<double> &, const Parallel &);
    const char *(*backward_f32)(const CoverageSettings &, const CoverageBackward<float> &, const Parallel &);
    const char *(*backward_f64)(const CoverageSettings &, const CoverageBackward<double> &, const Parallel &);
    int64_t (*count_pairs)(const CoverageSettings &, const CoverageForward<float> &);
    const char *(*blend_forward_f32)(const CoverageSettings &, const BlendSettings &, const BlendForward<float> &,
                                     const Parallel &);
    const char *(*blend_forward_f64)(const CoverageSettings &, const BlendSettings &, const BlendForward<double> &,
                                     const Parallel &);
    const char *(*blend_backward_f32)(const CoverageSettings &, const BlendSettings &, const BlendBackward<float> &,
                                      const Parallel &);
    const char *(*blend_backward_f64)(const CoverageSettings &, const BlendSettings &, const BlendBackward<double> &,
                                      const Parallel &);
};

} // namespace gendr
