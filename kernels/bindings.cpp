// The Python side of the kernels: addresses, sizes, numbers. No torch header; gendr/_ops.py owns tensors and checks.
#include "cpu/dispatch.h"
#include "cpu/thread_pool.h"
#include <cmath>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <stdexcept>

namespace py = pybind11;

namespace gendr {
namespace {

struct PooledThreads {
    ThreadPool *pool;
    int threads;
};

Parallel parallel_over(PooledThreads &threads) {
    const auto run = [](void *pool, int tasks, void (*body)(void *, int), void *context) {
        const PooledThreads &threads = *static_cast<PooledThreads *>(pool);
        threads.pool->run(threads.threads, tasks, body, context);
    };
    return {&threads, run, threads.threads};
}

template <class T> T *at(uintptr_t address) { return reinterpret_cast<T *>(address); }

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

// The index of the first value that is not finite, or -1.
template <class T> int64_t first_not_finite(uintptr_t address, int64_t count) {
    const T *values = at<const T>(address);
    const int64_t stride = 4096;
    for (int64_t i = 0; i < count; i += stride) {
        const int64_t end = std::min(count, i + stride);
        T sum = 0; // x * 0 is 0 for finite x and NaN otherwise
        for (int64_t k = i; k < end; ++k) sum += values[k] * T(0);
        if (sum == T(0)) continue;
        for (int64_t k = i; k < end; ++k)
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
                         int width) {
                 return CoverageSettings{distribution, t_conorm, shape, shift, p,     is_reversed, is_squared, cutoff,
                                         near,         far,      cull,  batch, faces, height,      width};
             }),
             py::kw_only(), py::arg("distribution"), py::arg("shape"), py::arg("shift"), py::arg("is_reversed"),
             py::arg("is_squared"), py::arg("t_conorm"), py::arg("p"), py::arg("cutoff"), py::arg("near"),
             py::arg("far"), py::arg("cull"), py::arg("batch"), py::arg("faces"), py::arg("height"), py::arg("width"));

    const auto unlocked = py::call_guard<py::gil_scoped_release>();
    m.def("coverage_forward_float32", &forward<float>, unlocked);
    m.def("coverage_forward_float64", &forward<double>, unlocked);
    m.def("coverage_backward_float32", &backward<float>, unlocked);
    m.def("coverage_backward_float64", &backward<double>, unlocked);
    m.def("first_not_finite_float32", &first_not_finite<float>, unlocked);
    m.def("first_not_finite_float64", &first_not_finite<double>, unlocked);
    m.def("count_pairs", &count_pairs, unlocked, "Pixel-face pairs that the forward pass of a call visits.");
    m.def("distribution_names", &distribution_names);
    m.def("t_conorm_names", &t_conorm_names);
    m.def("instruction_sets", &instruction_sets, "Those that this processor can run, narrowest first.");
    m.def("selected_instruction_set", [] { return std::string(selected_kernels().instruction_set); });
}
