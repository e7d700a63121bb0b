// Blending, backward: as coverage, with walks for what the faces show.
#include "blend_walk.cuh"

namespace gendr {
namespace cuda {

namespace {

template <class T>
void launch_pixels(const BlendWalkArguments<T> &x, int64_t pixels, int64_t texels, cudaStream_t stream) {
    check(cudaMemsetAsync(x.space.largest, 0, sizeof(unsigned long long), stream), "memset");
    check(cudaMemsetAsync(x.space.texel_sums, 0, sizeof(unsigned long long) * texels, stream), "memset");
    GENDR_LAUNCH(find_along<T>, pixels, 256, 256, stream, x);
    if (x.wants_gamma) GENDR_LAUNCH(sum_pixels_in_gamma<T>, x.space.pixel_blocks, 1, reducers, stream, x);
}

template <class T>
void launch_pass(const BlendInputs &inputs, const BlendWalkArguments<T> &x, cudaStream_t stream) {
    const CoverageSettings &s = x.walk.settings;
    const T *face_vertices = static_cast<const T *>(inputs.coverage.face_vertices);
    launch_set_up<T>(s, inputs.coverage, x.space, x.walk.pass, stream);
    GENDR_LAUNCH(set_up_surfaces<T>, int64_t(s.batch) * x.space.pass_faces, 128, 128, stream, s, face_vertices, x.space,
                 x.walk.pass, x.data, x.space.surfaces);
    launch_list<T>(x.walk, stream);
    launch_walks(BlendWalk<T, T>{x.walk, x}, BlendWalk<T, double>{x.walk, x}, stream);
    if (!x.grad_attributes) return;
    for (int k = 0; k < x.data.settings.attribute_channels; k += AttributeWalk<T, T>::channels_at_once)
        launch_walks(AttributeWalk<T, T>{x.walk, x, k}, AttributeWalk<T, double>{x.walk, x, k}, stream);
}

} // namespace

size_t blend_backward_workspace(const CoverageSettings &s, const BlendSettings &blend, bool is_double, int pass) {
    Pieces pieces{nullptr};
    if (is_double) BlendBackwardWorkspace<double>(pieces, s, blend, pass);
    else BlendBackwardWorkspace<float>(pieces, s, blend, pass);
    return pieces.used;
}

template <class T>
void blend_backward(const CoverageSettings &s, const BlendSettings &blend, const BlendInputs &inputs,
                    const BlendGradients &tensors, const Launch &launch) {
    const cudaStream_t stream = static_cast<cudaStream_t>(launch.stream);
    Pieces pieces{static_cast<char *>(launch.workspace)};
    const BlendBackwardWorkspace<T> space(pieces, s, blend, launch.faces_per_pass);
    const BackwardTensors &coverage = tensors.coverage;
    WalkArguments<T> walk{s,
                          space,
                          {0, 0},
                          static_cast<const T *>(coverage.state),
                          static_cast<T *>(coverage.grad_face_vertices),
                          coverage.wants_p};
    BlendWalkArguments<T> x{walk,
                            blend_data<T>(blend, inputs),
                            space,
                            static_cast<const T *>(tensors.blended),
                            static_cast<const T *>(tensors.state),
                            static_cast<const T *>(tensors.grad_blended),
                            static_cast<T *>(tensors.grad_attributes),
                            static_cast<T *>(tensors.grad_uvs),
                            static_cast<T *>(tensors.grad_texels),
                            tensors.wants_gamma};
    const int64_t texels = blend.texels * blend.texture_channels;
    const T *gamma = static_cast<const T *>(inputs.gamma);
    launch_factors<T>(s, inputs.coverage, coverage, space, stream);
    GENDR_LAUNCH(plan_blend<T>, 1, 1, 1, stream, s, blend, gamma, space.blend_plan, inputs.coverage.status);
    launch_pixels<T>(x, s.batch * pixels_of(s), texels, stream);
    for (int first = 0; first < s.faces; first += space.pass_faces) {
        x.walk.pass = {first, math::min(space.pass_faces, s.faces - first)};
        launch_pass<T>(inputs, x, stream);
    }
    if (tensors.grad_texels) GENDR_LAUNCH(write_texels<T>, texels, 256, 256, stream, x);
    const ParameterGradients to{coverage.grad_shift, coverage.grad_p, tensors.grad_gamma, coverage.wants_p,
                                tensors.wants_gamma};
    const double *value = &space.blend_plan->gamma; // an address on the device
    GENDR_LAUNCH(sum_faces<T>, s.batch, 1, reducers, stream, s, space, coverage.grad_tau);
    GENDR_LAUNCH(sum_images<T>, 1, 1, reducers, stream, s, space, to, value);
}

template void blend_backward<float>(const CoverageSettings &, const BlendSettings &, const BlendInputs &,
                                    const BlendGradients &, const Launch &);
template void blend_backward<double>(const CoverageSettings &, const BlendSettings &, const BlendInputs &,
                                     const BlendGradients &, const Launch &);

} // namespace cuda
} // namespace gendr
