// Coverage, backward: plan, factors, then pass by pass set-up and walks, then the sums over faces and images.
#include "reduce.cuh"

namespace gendr {
namespace cuda {

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
    launch_factors<T>(s, inputs, tensors, space, stream);
    for (int first = 0; first < s.faces; first += space.pass_faces) {
        const Pass pass{first, math::min(space.pass_faces, s.faces - first)};
        const WalkArguments<T> x{s,
                                 space,
                                 pass,
                                 static_cast<const T *>(tensors.state),
                                 static_cast<T *>(tensors.grad_face_vertices),
                                 tensors.wants_p};
        launch_set_up<T>(s, inputs, space, pass, stream);
        launch_list<T>(x, stream);
        launch_walks(CoverageWalk<T, T>{x}, CoverageWalk<T, double>{x}, stream);
    }
    const ParameterGradients to{tensors.grad_shift, tensors.grad_p, nullptr, tensors.wants_p, false};
    const double *no_gamma = nullptr;
    GENDR_LAUNCH(sum_faces<T>, s.batch, 1, reducers, stream, s, space, tensors.grad_tau);
    GENDR_LAUNCH(sum_images<T>, 1, 1, reducers, stream, s, space, to, no_gamma);
}

template void backward<float>(const CoverageSettings &, const Inputs &, const BackwardTensors &, const Launch &);
template void backward<double>(const CoverageSettings &, const Inputs &, const BackwardTensors &, const Launch &);

} // namespace cuda
} // namespace gendr
