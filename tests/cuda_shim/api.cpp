// The kernels behind plain C functions, for ctypes. Each returns 0, or 1 with the message of what went wrong.
#include "../../kernels/cuda/coverage.h"
#include "cuda_runtime.h"
#include <cstdio>
#include <exception>

namespace {

char message[1024];

gendr::CoverageSettings settings_of(const int *integers, const double *numbers) {
    gendr::CoverageSettings s{};
    s.distribution = integers[0];
    s.t_conorm = integers[1];
    s.is_reversed = integers[2];
    s.is_squared = integers[3];
    s.cull = integers[4];
    s.batch = integers[5];
    s.faces = integers[6];
    s.height = integers[7];
    s.width = integers[8];
    s.shape = numbers[0];
    s.cutoff = numbers[1];
    s.near = numbers[2];
    s.far = numbers[3];
    return s;
}

template <class Call> int guarded(Call &&call) {
    try {
        call();
        return 0;
    } catch (const std::exception &error) {
        snprintf(message, sizeof message, "%s", error.what());
        return 1;
    }
}

} // namespace

extern "C" {

const char *gendr_shim_message() { return message; }

void gendr_shim_order(int order, unsigned seed) { gendr_shim::set_order(static_cast<gendr_shim::Order>(order), seed); }

int64_t gendr_shim_workspace(const int *integers, const double *numbers, int is_double, int backward, int pass) {
    const gendr::CoverageSettings s = settings_of(integers, numbers);
    const auto bytes = backward ? gendr::cuda::backward_workspace : gendr::cuda::forward_workspace;
    return static_cast<int64_t>(bytes(s, is_double, pass));
}

int gendr_shim_forward(const int *integers, const double *numbers, int is_double, int pass,
                       const gendr::cuda::Inputs *inputs, const gendr::cuda::ForwardOutputs *outputs, void *workspace) {
    const auto run = is_double ? gendr::cuda::forward<double> : gendr::cuda::forward<float>;
    return guarded([&] { run(settings_of(integers, numbers), *inputs, *outputs, {nullptr, workspace, pass}); });
}

int gendr_shim_backward(const int *integers, const double *numbers, int is_double, int pass,
                        const gendr::cuda::Inputs *inputs, const gendr::cuda::BackwardTensors *tensors,
                        void *workspace) {
    const auto run = is_double ? gendr::cuda::backward<double> : gendr::cuda::backward<float>;
    return guarded([&] { run(settings_of(integers, numbers), *inputs, *tensors, {nullptr, workspace, pass}); });
}
}
