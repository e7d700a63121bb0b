// The Python side of the sorting kernels: addresses, sizes, numbers. gendr/sort/_ops.py owns tensors and checks.
#include "sort_bindings.h"
#include "cpu/isotonic.h"
#include "cpu/large_pages.h"
#include "cpu/sort_dispatch.h"
#include "pooled.h"
#include <array>
#include <pybind11/stl.h>

namespace py = pybind11;

namespace gendr {
namespace {

// Addresses in the order of the structs in gendr/sort_network.h; 0 for what is missing.
template <class T> void forward(const SortSettings &s, const std::array<uintptr_t, 6> &a, int threads) {
    PooledThreads pooled{&ThreadPool::of_this_process(), threads};
    const SortForward<T> tensors{
        at<const T>(a[0]), at<const int32_t>(a[1]), at<const int32_t>(a[2]), at<const T>(a[3]), at<T>(a[4]),
        at<T>(a[5])};
    prefer_large_pages(tensors.product, sizeof(T) * s.batch * s.rows * s.wires);
    const SortKernels &kernels = selected_sort_kernels();
    if constexpr (sizeof(T) == sizeof(float)) kernels.forward_f32(s, tensors, parallel_over(pooled));
    else kernels.forward_f64(s, tensors, parallel_over(pooled));
}

template <class T> void backward(const SortSettings &s, const std::array<uintptr_t, 8> &a, int threads) {
    PooledThreads pooled{&ThreadPool::of_this_process(), threads};
    const SortBackward<T> tensors{at<const T>(a[0]),
                                  at<const int32_t>(a[1]),
                                  at<const int32_t>(a[2]),
                                  at<const T>(a[3]),
                                  at<const T>(a[4]),
                                  at<const T>(a[5]),
                                  at<T>(a[6]),
                                  at<T>(a[7])};
    const SortKernels &kernels = selected_sort_kernels();
    if constexpr (sizeof(T) == sizeof(float)) kernels.backward_f32(s, tensors, parallel_over(pooled));
    else kernels.backward_f64(s, tensors, parallel_over(pooled));
}

template <class T>
void blocks(uintptr_t s, uintptr_t w, uintptr_t out, int64_t rows, int64_t n, bool entropic) {
    isotonic_blocks(at<const T>(s), at<const T>(w), at<int64_t>(out), rows, n, entropic);
}

} // namespace

void bind_sort(py::module_ &m) {
    py::class_<SortSettings>(m, "SortSettings")
        .def(py::init([](int distribution, double scale, double art, int batch, int wires, int layers, int comparators,
                         int rows, int product, bool shared_weights) {
                 return SortSettings{distribution,  scale, art,
                                     batch,         wires, layers,
                                     comparators,   rows,  static_cast<SortProduct>(product),
                                     shared_weights};
             }),
             py::kw_only(), py::arg("distribution"), py::arg("scale"), py::arg("art"), py::arg("batch"),
             py::arg("wires"), py::arg("layers"), py::arg("comparators"), py::arg("rows"), py::arg("product"),
             py::arg("shared_weights"));
    const auto unlocked = py::call_guard<py::gil_scoped_release>();
    m.def("sort_forward_float32", &forward<float>, unlocked);
    m.def("sort_forward_float64", &forward<double>, unlocked);
    m.def("sort_backward_float32", &backward<float>, unlocked);
    m.def("sort_backward_float64", &backward<double>, unlocked);
    m.def("isotonic_blocks_float32", &blocks<float>, unlocked);
    m.def("isotonic_blocks_float64", &blocks<double>, unlocked);
}

} // namespace gendr
