// The Python side of the kernels: addresses, sizes, numbers. No torch header; gendr/_ops.py owns tensors and checks.
#include "cpu/dispatch.h"
#include "pooled.h"
#include "gendr/blend.h"
#include "sort_bindings.h"
#include <array>
#include "topk_bindings.h"
#include <cmath>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <stdexcept>

namespace py = pybind11;

namespace gendr {
namespace {

void raise_if(const char *error) {
    if (error) throw std::runtime_error(std::string("gendr kernel: ") + error);
}

template <class T>
void forward(const CoverageSettings &s, uintptr_t face_vertices, uintptr_t tau, uintptr_t alpha, uintptr_t state,
             int threads) {
    PooledThreads pooled{&ThreadPool::of_this_process(), threads};
    const CoverageForward<T> tensors{at<const T>(face_vertices), at<const double>(tau), at<T>(alpha), at<T>(state)};
    const CoverageKernels &kernels = selected_kernels();
    if constexpr (sizeof(T) == sizeof(float)) raise_if(kernels.forward_f32(s, tensors, parallel_over(pooled)));
    else raise_if(kernels.forward_f64(s, tensors, parallel_over(pooled)));
}

template <class T>
void backward(const CoverageSettings &s, uintptr_t face_vertices, uintptr_t tau, uintptr_t state, uintptr_t grad_alpha,
              uintptr_t grad_face_vertices, uintptr_t grad_tau, uintptr_t grad_shift, uintptr_t grad_p, bool wants_p,
              int threads) {
    PooledThreads pooled{&ThreadPool::of_this_process(), threads};
    const CoverageBackward<T> tensors{at<const T>(face_vertices), at<const T>(state),        at<const T>(grad_alpha),
                                      at<const double>(tau),      at<T>(grad_face_vertices), at<double>(grad_tau),
                                      at<double>(grad_shift),     at<double>(grad_p),        wants_p};
    const CoverageKernels &kernels = selected_kernels();
    if constexpr (sizeof(T) == sizeof(float)) raise_if(kernels.backward_f32(s, tensors, parallel_over(pooled)));
    else raise_if(kernels.backward_f64(s, tensors, parallel_over(pooled)));
}

// Addresses in the order of gendr/_ops/blend.py.
template <class T> SurfaceData<T> surface_at(const std::array<uintptr_t, 5> &a) {
    return {at<const T>(a[0]), at<const T>(a[1]), at<const T>(a[2]), at<const int64_t>(a[3]), at<const int64_t>(a[4])};
}

template <class T>
void blend_forward(const CoverageSettings &s, const BlendSettings &blend, const std::array<uintptr_t, 5> &surface,
                   const std::array<uintptr_t, 6> &a, int threads) {
    PooledThreads pooled{&ThreadPool::of_this_process(), threads};
    const BlendForward<T> tensors{{at<const T>(a[0]), at<const double>(a[1]), at<T>(a[2]), at<T>(a[3])},
                                  surface_at<T>(surface),
                                  at<T>(a[4]),
                                  at<T>(a[5])};
    const CoverageKernels &kernels = selected_kernels();
    if constexpr (sizeof(T) == sizeof(float))
        raise_if(kernels.blend_forward_f32(s, blend, tensors, parallel_over(pooled)));
    else raise_if(kernels.blend_forward_f64(s, blend, tensors, parallel_over(pooled)));
}

template <class T>
void blend_backward(const CoverageSettings &s, const BlendSettings &blend, const std::array<uintptr_t, 5> &surface,
                    const std::array<uintptr_t, 15> &a, bool wants_p, bool wants_gamma, int threads) {
    PooledThreads pooled{&ThreadPool::of_this_process(), threads};
    const BlendBackward<T> tensors{{at<const T>(a[0]), at<const T>(a[2]), at<const T>(a[3]), at<const double>(a[1]),
                                    at<T>(a[7]), at<double>(a[8]), at<double>(a[9]), at<double>(a[10]), wants_p},
                                   surface_at<T>(surface),
                                   at<const T>(a[4]),
                                   at<const T>(a[5]),
                                   at<const T>(a[6]),
                                   at<T>(a[11]),
                                   at<T>(a[12]),
                                   at<T>(a[13]),
                                   at<double>(a[14]),
                                   wants_gamma};
    const CoverageKernels &kernels = selected_kernels();
    if constexpr (sizeof(T) == sizeof(float))
        raise_if(kernels.blend_backward_f32(s, blend, tensors, parallel_over(pooled)));
    else raise_if(kernels.blend_backward_f64(s, blend, tensors, parallel_over(pooled)));
}

// The index of the first value that is not finite, or -1.
template <class T> int64_t first_not_finite(uintptr_t address, int64_t count) {
    const T *values = at<const T>(address);
    constexpr int lanes = 16; // sums that do not wait for each other
    const int64_t stride = 4096;
    for (int64_t i = 0; i < count; i += stride) {
        const int64_t end = std::min(count, i + stride);
        T sums[lanes] = {}; // x * 0 is 0 for finite x and NaN otherwise
        int64_t k = i;
        for (; k + lanes <= end; k += lanes)
            for (int lane = 0; lane < lanes; ++lane) sums[lane] += values[k + lane] * T(0);
        for (; k < end; ++k) sums[0] += values[k] * T(0);
        T sum = 0;
        for (int lane = 0; lane < lanes; ++lane) sum += sums[lane];
        if (sum == T(0)) continue;
        for (k = i; k < end; ++k)
            if (!std::isfinite(values[k])) return k;
    }
    return -1;
}

int64_t count_pairs(const CoverageSettings &s, uintptr_t face_vertices, uintptr_t tau) {
    return selected_kernels().count_pairs(s, {at<const float>(face_vertices), at<const double>(tau), nullptr, nullptr});
}

std::vector<std::string> instruction_sets() {
    std::vector<std::string> names;
    for (const CoverageKernels *k : runnable_kernels()) names.push_back(k->instruction_set);
    return names;
}

} // namespace
} // namespace gendr

PYBIND11_MODULE(_kernels, m) {
    using namespace gendr;
    m.doc() = "CPU kernels of gendr; pointers in, pointers out. Use gendr.rasterize.";

    py::class_<CoverageSettings>(m, "CoverageSettings")
        .def(py::init([](int distribution, double shape, double shift, bool is_reversed, bool is_squared, int t_conorm,
                         double p, double cutoff, double near, double far, int cull, int batch, int faces, int height,
                         int width, uintptr_t face_ranges) {
                 return CoverageSettings{distribution,
                                         t_conorm,
                                         shape,
                                         shift,
                                         p,
                                         is_reversed,
                                         is_squared,
                                         cutoff,
                                         near,
                                         far,
                                         cull,
                                         batch,
                                         faces,
                                         height,
                                         width,
                                         at<const int64_t>(face_ranges)};
             }),
             py::kw_only(), py::arg("distribution"), py::arg("shape"), py::arg("shift"), py::arg("is_reversed"),
             py::arg("is_squared"), py::arg("t_conorm"), py::arg("p"), py::arg("cutoff"), py::arg("near"),
             py::arg("far"), py::arg("cull"), py::arg("batch"), py::arg("faces"), py::arg("height"), py::arg("width"),
             py::arg("face_ranges"));

    py::class_<BlendSettings>(m, "BlendSettings")
        .def(py::init([](bool is_hard, bool is_perspective, double gamma, double eps, int attribute_channels,
                         int texture_channels, bool shared_attributes, bool shared_uvs, int64_t texels, int64_t maps,
                         int wrap) {
                 return BlendSettings{
                     is_hard,    is_perspective, gamma, eps, attribute_channels, texture_channels, shared_attributes,
                     shared_uvs, texels,         maps,  wrap};
             }),
             py::kw_only(), py::arg("is_hard"), py::arg("is_perspective"), py::arg("gamma"), py::arg("eps"),
             py::arg("attribute_channels"), py::arg("texture_channels"), py::arg("shared_attributes"),
             py::arg("shared_uvs"), py::arg("texels"), py::arg("maps"), py::arg("wrap"));

    const auto unlocked = py::call_guard<py::gil_scoped_release>();
    m.def("coverage_forward_float32", &forward<float>, unlocked);
    m.def("coverage_forward_float64", &forward<double>, unlocked);
    m.def("coverage_backward_float32", &backward<float>, unlocked);
    m.def("coverage_backward_float64", &backward<double>, unlocked);
    m.def("blend_forward_float32", &blend_forward<float>, unlocked);
    m.def("blend_forward_float64", &blend_forward<double>, unlocked);
    m.def("blend_backward_float32", &blend_backward<float>, unlocked);
    m.def("blend_backward_float64", &blend_backward<double>, unlocked);
    m.def("first_not_finite_float32", &first_not_finite<float>, unlocked);
    m.def("first_not_finite_float64", &first_not_finite<double>, unlocked);
    m.def("count_pairs", &count_pairs, unlocked, "Pixel-face pairs that the forward pass of a call visits.");
    m.def("distribution_names", &distribution_names);
    m.def("t_conorm_names", &t_conorm_names);
    bind_sort(m);
    bind_topk(m);
    m.def("instruction_sets", &instruction_sets, "Those that this processor can run, narrowest first.");
    m.def("selected_instruction_set", [] { return std::string(selected_kernels().instruction_set); });
}
