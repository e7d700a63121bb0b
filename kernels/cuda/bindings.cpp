// The Python side of the GPU's kernels: addresses, sizes, numbers. No torch header; gendr/_cuda.py owns tensors.
#include "blend.h"
#include "finite.h"
#include "launch.cuh"
#include "sort_bindings.h"
#include <array>
#include <cstdint>
#include <cuda_runtime.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;

namespace gendr {
namespace cuda {
namespace {

template <class T> T *at(uintptr_t address) { return reinterpret_cast<T *>(address); }

// The call's device is current while this lives; kernels and their launches belong to it.
class OnDevice {
  public:
    explicit OnDevice(int device) {
        check(cudaGetDevice(&before_), "device");
        check(cudaSetDevice(device), "device");
    }
    ~OnDevice() { cudaSetDevice(before_); }
    OnDevice(const OnDevice &) = delete;
    OnDevice &operator=(const OnDevice &) = delete;

  private:
    int before_ = 0;
};

// How many devices there are; 0 without a driver.
int device_count() {
    int count = 0;
    if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
    cudaGetLastError(); // not to be found by the next launch
    return 0;
}

// Where a call runs.
struct Place {
    int device;
    uintptr_t stream, workspace;
    int faces_per_pass;

    Launch launch() const { return {at<void>(stream), at<void>(workspace), faces_per_pass}; }
};

struct InputAddresses {
    uintptr_t face_vertices, tau, shift, p, status;

    Inputs pointers() const {
        return {at<void>(face_vertices), at<double>(tau), at<void>(shift), at<void>(p), at<int>(status)};
    }
};

void forward_call(const CoverageSettings &settings, bool is_double, const Place &place, const InputAddresses &inputs,
                  uintptr_t alpha, uintptr_t state) {
    const OnDevice on_device(place.device);
    const ForwardOutputs outputs{at<void>(alpha), at<void>(state)};
    (is_double ? forward<double> : forward<float>)(settings, inputs.pointers(), outputs, place.launch());
}

void backward_call(const CoverageSettings &settings, bool is_double, const Place &place, const InputAddresses &inputs,
                   uintptr_t state, uintptr_t grad_alpha, uintptr_t grad_face_vertices, uintptr_t grad_tau,
                   uintptr_t grad_shift, uintptr_t grad_p, bool wants_p) {
    const OnDevice on_device(place.device);
    const BackwardTensors tensors{at<void>(state),
                                  at<void>(grad_alpha),
                                  at<void>(grad_face_vertices),
                                  at<double>(grad_tau),
                                  at<double>(grad_shift),
                                  at<double>(grad_p),
                                  wants_p};
    (is_double ? backward<double> : backward<float>)(settings, inputs.pointers(), tensors, place.launch());
}

// Addresses in the order of gendr/_cuda/blend.py.
BlendInputs blend_inputs(const InputAddresses &inputs, const std::array<uintptr_t, 6> &a) {
    return {inputs.pointers(), at<void>(a[0]),    at<void>(a[1]),   at<void>(a[2]),
            at<void>(a[3]),    at<int64_t>(a[4]), at<int64_t>(a[5])};
}

void blend_forward_call(const CoverageSettings &settings, const BlendSettings &blend, bool is_double,
                        const Place &place, const InputAddresses &inputs, const std::array<uintptr_t, 6> &surface,
                        const std::array<uintptr_t, 4> &a) {
    const OnDevice on_device(place.device);
    const BlendOutputs outputs{{at<void>(a[0]), at<void>(a[1])}, at<void>(a[2]), at<void>(a[3])};
    (is_double ? blend_forward<double> : blend_forward<float>)(settings, blend, blend_inputs(inputs, surface), outputs,
                                                               place.launch());
}

void blend_backward_call(const CoverageSettings &settings, const BlendSettings &blend, bool is_double,
                         const Place &place, const InputAddresses &inputs, const std::array<uintptr_t, 6> &surface,
                         const std::array<uintptr_t, 13> &a, bool wants_p, bool wants_gamma) {
    const OnDevice on_device(place.device);
    const BlendGradients tensors{
        {at<void>(a[0]), at<void>(a[1]), at<void>(a[5]), at<double>(a[6]), at<double>(a[7]), at<double>(a[8]), wants_p},
        at<void>(a[2]),
        at<void>(a[3]),
        at<void>(a[4]),
        at<void>(a[9]),
        at<void>(a[10]),
        at<void>(a[11]),
        at<double>(a[12]),
        wants_gamma};
    (is_double ? blend_backward<double> : blend_backward<float>)(settings, blend, blend_inputs(inputs, surface),
                                                                 tensors, place.launch());
}

void mark_finite_call(bool is_double, const Place &place, uintptr_t values, int64_t count, uintptr_t marks, int code,
                      uintptr_t status) {
    const OnDevice on_device(place.device);
    (is_double ? mark_finite<double> : mark_finite<float>)(at<void>(values), count, at<bool>(marks), code,
                                                           at<int>(status), at<void>(place.stream));
}

} // namespace
} // namespace cuda
} // namespace gendr

PYBIND11_MODULE(_kernels_cuda, m) {
    using namespace gendr;
    using namespace gendr::cuda;
    m.doc() = "GPU kernels of gendr; pointers in, pointers out. Use gendr.rasterize.";

    py::class_<CoverageSettings>(m, "CoverageSettings", py::module_local())
        .def(py::init([](int distribution, double shape, bool is_reversed, bool is_squared, int t_conorm, double cutoff,
                         double near, double far, int cull, int batch, int faces, int height, int width,
                         uintptr_t face_ranges) {
                 CoverageSettings s{};
                 s.distribution = distribution;
                 s.shape = shape;
                 s.is_reversed = is_reversed;
                 s.is_squared = is_squared;
                 s.t_conorm = t_conorm;
                 s.cutoff = cutoff;
                 s.near = near;
                 s.far = far;
                 s.cull = cull;
                 s.batch = batch;
                 s.faces = faces;
                 s.height = height;
                 s.width = width;
                 s.face_ranges = at<const int64_t>(face_ranges);
                 return s;
             }),
             py::kw_only(), py::arg("distribution"), py::arg("shape"), py::arg("is_reversed"), py::arg("is_squared"),
             py::arg("t_conorm"), py::arg("cutoff"), py::arg("near"), py::arg("far"), py::arg("cull"), py::arg("batch"),
             py::arg("faces"), py::arg("height"), py::arg("width"), py::arg("face_ranges"));
    py::class_<BlendSettings>(m, "BlendSettings", py::module_local())
        .def(py::init([](bool is_hard, bool is_perspective, double eps, int attribute_channels, int texture_channels,
                         bool shared_attributes, bool shared_uvs, int64_t texels, int64_t maps, int wrap) {
                 return BlendSettings{
                     is_hard,    is_perspective, 0.0,  eps, attribute_channels, texture_channels, shared_attributes,
                     shared_uvs, texels,         maps, wrap};
             }),
             py::kw_only(), py::arg("is_hard"), py::arg("is_perspective"), py::arg("eps"),
             py::arg("attribute_channels"), py::arg("texture_channels"), py::arg("shared_attributes"),
             py::arg("shared_uvs"), py::arg("texels"), py::arg("maps"), py::arg("wrap"));
    py::class_<Place>(m, "Place", py::module_local())
        .def(py::init([](int device, uintptr_t stream, uintptr_t workspace, int faces_per_pass) {
                 return Place{device, stream, workspace, faces_per_pass};
             }),
             py::kw_only(), py::arg("device"), py::arg("stream"), py::arg("workspace"), py::arg("faces_per_pass"));
    py::class_<InputAddresses>(m, "Inputs", py::module_local())
        .def(py::init([](uintptr_t face_vertices, uintptr_t tau, uintptr_t shift, uintptr_t p, uintptr_t status) {
                 return InputAddresses{face_vertices, tau, shift, p, status};
             }),
             py::kw_only(), py::arg("face_vertices"), py::arg("tau"), py::arg("shift"), py::arg("p"),
             py::arg("status"));

    const auto unlocked = py::call_guard<py::gil_scoped_release>();
    m.def("device_count", &device_count, "How many devices there are; 0 without a driver.");
    m.def("cuda_available", [] { return device_count() > 0; });
    m.def("status_codes", [] { return int(status_codes); });
    m.def("forward_workspace", &forward_workspace);
    m.def("backward_workspace", &backward_workspace);
    bind_sort(m);
    m.def("blend_forward_workspace", &blend_forward_workspace);
    m.def("blend_backward_workspace", &blend_backward_workspace);
    m.def("blend_forward", &blend_forward_call, unlocked);
    m.def("blend_backward", &blend_backward_call, unlocked);
    m.def("mark_finite", &mark_finite_call, unlocked);
    m.def("coverage_forward", &forward_call, unlocked);
    m.def("coverage_backward", &backward_call, unlocked);
}
