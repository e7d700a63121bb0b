// Top-k for Python: addresses and sizes; gendr/topk/_ops.py owns tensors and checks.
#include "topk_bindings.h"
#include "cpu/topk_dispatch.h"
#include "pooled.h"
#include <pybind11/stl.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace py = pybind11;

namespace gendr {
namespace {

// Addresses: scores, labels, weights, pairs, starts, mass, gradient and ranked (0 where none is wanted).
template <class T> void mass(const TopkSettings &settings, const std::vector<uintptr_t> &addresses, int threads) {
    const auto at = [&](int i) { return reinterpret_cast<void *>(addresses.at(i)); };
    const TopkTensors<T> tensors{static_cast<const T *>(at(0)),
                                 static_cast<const int64_t *>(at(1)),
                                 static_cast<const T *>(at(2)),
                                 static_cast<const int32_t *>(at(3)),
                                 static_cast<const int32_t *>(at(4)),
                                 static_cast<T *>(at(5)),
                                 static_cast<T *>(at(6)),
                                 static_cast<int64_t *>(at(7))};
    PooledThreads pooled{&ThreadPool::of_this_process(), threads};
    const Parallel parallel = parallel_over(pooled);
    const char *error = nullptr;
    if constexpr (sizeof(T) == sizeof(float)) error = selected_topk_kernels().mass_f32(settings, tensors, parallel);
    else error = selected_topk_kernels().mass_f64(settings, tensors, parallel);
    if (error) throw std::runtime_error(std::string("gendr kernel: ") + error);
}

// Addresses: grad, gradient, ranked and out.
template <class T>
void spread(int batch, int classes, int ranked, const std::vector<uintptr_t> &addresses, int threads) {
    const auto at = [&](int i) { return reinterpret_cast<void *>(addresses.at(i)); };
    const TopkSpread<T> tensors{batch,
                                classes,
                                ranked,
                                static_cast<const T *>(at(0)),
                                static_cast<const T *>(at(1)),
                                static_cast<const int64_t *>(at(2)),
                                static_cast<T *>(at(3))};
    PooledThreads pooled{&ThreadPool::of_this_process(), threads};
    const Parallel parallel = parallel_over(pooled);
    if constexpr (sizeof(T) == sizeof(float)) selected_topk_kernels().spread_f32(tensors, parallel);
    else selected_topk_kernels().spread_f64(tensors, parallel);
}

} // namespace

void bind_topk(py::module_ &m) {
    py::class_<TopkSettings>(m, "TopkSettings")
        .def(py::init([](int distribution, double scale, int batch, int classes, int ranked, int ranks, int layers,
                         bool shared_weights, double least_mass) {
                 return TopkSettings{distribution, scale,  batch,          classes,   ranked,
                                     ranks,        layers, shared_weights, least_mass};
             }),
             py::kw_only(), py::arg("distribution"), py::arg("scale"), py::arg("batch"), py::arg("classes"),
             py::arg("ranked"), py::arg("ranks"), py::arg("layers"), py::arg("shared_weights"), py::arg("least_mass"));
    const auto unlocked = py::call_guard<py::gil_scoped_release>();
    m.def("topk_mass_float32", &mass<float>, unlocked);
    m.def("topk_mass_float64", &mass<double>, unlocked);
    m.def("topk_spread_float32", &spread<float>, unlocked);
    m.def("topk_spread_float64", &spread<double>, unlocked);
}

} // namespace gendr
