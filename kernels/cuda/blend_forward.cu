// Blending, forward: as coverage, with surfaces set up beside the faces and a launch for each part of the record.
#include "blend_tiles.cuh"

namespace gendr {
namespace cuda {

namespace {

template <class T, class G> void launch_tiles(const BlendTileArguments<T> &x, cudaStream_t stream) {
    GENDR_LAUNCH((blend_tiles<T, G>), x.settings.batch * tiles_of(x.settings), 1, tile_pixels, stream, x);
}

} // namespace

size_t blend_forward_workspace(const CoverageSettings &s, const BlendSettings &blend, bool is_double, int pass) {
    Pieces pieces{nullptr};
    if (is_double) BlendForwardWorkspace<double>(pieces, s, blend, pass);
    else BlendForwardWorkspace<float>(pieces, s, blend, pass);
    return pieces.used;
}

template <class T>
void blend_forward(const CoverageSettings &s, const BlendSettings &blend, const BlendInputs &inputs,
                   const BlendOutputs &outputs, const Launch &launch) {
    if (s.batch == 0) return;
    const cudaStream_t stream = static_cast<cudaStream_t>(launch.stream);
    Pieces pieces{static_cast<char *>(launch.workspace)};
    const BlendForwardWorkspace<T> space(pieces, s, blend, launch.faces_per_pass);
    const T *face_vertices = static_cast<const T *>(inputs.coverage.face_vertices);
    const T *gamma = static_cast<const T *>(inputs.gamma);
    launch_plan<T>(s, inputs.coverage, space, stream);
    GENDR_LAUNCH(plan_blend<T>, 1, 1, 1, stream, s, blend, gamma, space.blend_plan, inputs.coverage.status);
    int first = 0;
    do {
        const Pass pass{first, math::min(space.pass_faces, s.faces - first)};
        const int64_t all = int64_t(s.batch) * space.pass_faces;
        launch_set_up<T>(s, inputs.coverage, space, pass, stream);
        GENDR_LAUNCH(set_up_surfaces<T>, all, 128, 128, stream, s, face_vertices, space, pass,
                     blend_data<T>(blend, inputs), space.surfaces);
        launch_bins(s, space, stream);
        for (int group = 0; group < space.groups; ++group) {
            const BlendTileArguments<T> arguments{s,
                                                  blend_data<T>(blend, inputs),
                                                  space,
                                                  pass,
                                                  group,
                                                  static_cast<T *>(outputs.coverage.alpha),
                                                  static_cast<T *>(outputs.coverage.state),
                                                  static_cast<T *>(outputs.blended),
                                                  static_cast<T *>(outputs.state)};
            launch_tiles<T, T>(arguments, stream);
            if constexpr (sizeof(T) == sizeof(float)) launch_tiles<T, double>(arguments, stream);
        }
        first += space.pass_faces;
    } while (first < s.faces);
}

template void blend_forward<float>(const CoverageSettings &, const BlendSettings &, const BlendInputs &,
                                   const BlendOutputs &, const Launch &);
template void blend_forward<double>(const CoverageSettings &, const BlendSettings &, const BlendInputs &,
                                    const BlendOutputs &, const Launch &);

} // namespace cuda
} // namespace gendr
