// Coverage, backward: plan, factors, then pass by pass set-up and walks, then the sums over faces and images.
#include "reduce.cuh"

namespace gendr {
namespace cuda {

namespace {

constexpr int64_t slice_blocks = 1024; // that share the slices of large faces; the sums do not depend on it

template <class T, class G> void launch_small(const WalkArguments<T> &x, cudaStream_t stream) {
    GENDR_LAUNCH((walk_faces<T, G>), int64_t(x.settings.batch) * x.pass.count, faces_per_block, faces_per_block * warp,
                 stream, x);
}

template <class T, class G> void launch_large(const WalkArguments<T> &x, cudaStream_t stream) {
    const int64_t most = int64_t(x.settings.batch) * x.pass.count * most_slices;
    GENDR_LAUNCH((walk_slices<T, G>), math::min(slice_blocks, most), 1, walkers, stream, x);
}

template <class T>
void launch_pass(const CoverageSettings &s, const Inputs &inputs, const BackwardTensors &tensors,
                 const BackwardWorkspace<T> &space, Pass pass, cudaStream_t stream) {
    const WalkArguments<T> arguments{s,
                                     space,
                                     pass,
                                     static_cast<const T *>(tensors.state),
                                     static_cast<T *>(tensors.grad_face_vertices),
                                     tensors.wants_p};
    launch_set_up<T>(s, inputs, space, pass, stream);
    check(cudaMemsetAsync(space.large_count, 0, sizeof(int), stream), "memset");
    // Both precisions of distances share one list of large faces, which is complete before any of them is walked.
    launch_small<T, T>(arguments, stream);
    if constexpr (sizeof(T) == sizeof(float)) launch_small<T, double>(arguments, stream);
    if (pixels_of(s) < large_box) return;
    launch_large<T, T>(arguments, stream);
    if constexpr (sizeof(T) == sizeof(float)) launch_large<T, double>(arguments, stream);
    GENDR_LAUNCH(join_slices<T>, slices_of_all, 64, 64, stream, arguments);
}

} // namespace

size_t backward_workspace(const CoverageSettings &s, bool is_double, int faces_per_pass) {
    Pieces pieces{nullptr};
    if (is_double) BackwardWorkspace<double>(pieces, s, faces_per_pass);
    else BackwardWorkspace<float>(pieces, s, faces_per_pass);
    return pieces.used;
}

template <class T>
void backward(const CoverageSettings &s, const Inputs &inputs, const BackwardTensors &tensors, const Launch &launch) {
    const cudaStream_t stream = static_cast<cudaStream_t>(launch.stream);
    Pieces pieces{static_cast<char *>(launch.workspace)};
    const BackwardWorkspace<T> space(pieces, s, launch.faces_per_pass);
    const T *state = static_cast<const T *>(tensors.state), *grad_alpha = static_cast<const T *>(tensors.grad_alpha);
    launch_plan<T>(s, inputs, space, stream);
    GENDR_LAUNCH(find_factors<T>, s.batch * pixels_of(s), 256, 256, stream, s, space, state, grad_alpha, inputs.status);
    if (tensors.wants_p)
        GENDR_LAUNCH(sum_pixels_in_p<T>, space.pixel_blocks, 1, reducers, stream, s, space, state, grad_alpha);
    for (int first = 0; first < s.faces; first += space.pass_faces) {
        const Pass pass{first, math::min(space.pass_faces, s.faces - first)};
        launch_pass<T>(s, inputs, tensors, space, pass, stream);
    }
    GENDR_LAUNCH(sum_faces<T>, s.batch, 1, reducers, stream, s, space, tensors.grad_tau);
    GENDR_LAUNCH(sum_images<T>, 1, 1, reducers, stream, s, space, tensors.grad_shift, tensors.grad_p, tensors.wants_p);
}

template void backward<float>(const CoverageSettings &, const Inputs &, const BackwardTensors &, const Launch &);
template void backward<double>(const CoverageSettings &, const Inputs &, const BackwardTensors &, const Launch &);

} // namespace cuda
} // namespace gendr
