// Coverage, forward: plan, then pass by pass set-up, bins, tiles.
#include "tiles.cuh"

namespace gendr {
namespace cuda {

namespace {

template <class T, class G>
void launch_tiles(const CoverageSettings &s, const ForwardWorkspace<T> &space, Pass pass, const ForwardOutputs &outputs,
                  cudaStream_t stream) {
    GENDR_LAUNCH((cover_tiles<T, G>), s.batch * tiles_of(s), 1, tile_pixels, stream, s, space, pass,
                 static_cast<T *>(outputs.alpha), static_cast<T *>(outputs.state));
}

} // namespace

size_t forward_workspace(const CoverageSettings &s, bool is_double, int faces_per_pass) {
    Pieces pieces{nullptr};
    if (is_double) ForwardWorkspace<double>(pieces, s, faces_per_pass);
    else ForwardWorkspace<float>(pieces, s, faces_per_pass);
    return pieces.used;
}

template <class T>
void forward(const CoverageSettings &s, const Inputs &inputs, const ForwardOutputs &outputs, const Launch &launch) {
    if (s.batch == 0) return;
    const cudaStream_t stream = static_cast<cudaStream_t>(launch.stream);
    Pieces pieces{static_cast<char *>(launch.workspace)};
    const ForwardWorkspace<T> space(pieces, s, launch.faces_per_pass);
    launch_plan<T>(s, inputs, space, stream);
    int first = 0;
    do { // once without faces too: the pixels must be written
        const Pass pass{first, math::min(space.pass_faces, s.faces - first)};
        launch_set_up<T>(s, inputs, space, pass, stream);
        launch_bins(s, space, stream);
        launch_tiles<T, T>(s, space, pass, outputs, stream);
        if constexpr (sizeof(T) == sizeof(float)) launch_tiles<T, double>(s, space, pass, outputs, stream);
        first += space.pass_faces;
    } while (first < s.faces);
}

template void forward<float>(const CoverageSettings &, const Inputs &, const ForwardOutputs &, const Launch &);
template void forward<double>(const CoverageSettings &, const Inputs &, const ForwardOutputs &, const Launch &);

} // namespace cuda
} // namespace gendr
