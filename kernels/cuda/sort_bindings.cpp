// The Python side of the GPU's sorting kernels: addresses in the order of the structs in gendr/sort_network.h.
#include "sort_bindings.h"
#include "sort_network.h"
#include <array>
#include <pybind11/stl.h>

namespace py = pybind11;

namespace gendr {
namespace cuda {
namespace {

template <class T> T *at(uintptr_t address) { return reinterpret_cast<T *>(address); }

SortPlace place_at(uintptr_t stream, uintptr_t workspace, int units) {
    return {at<void>(stream), at<void>(workspace), units};
}

template <class T>
void forward(const SortSettings &s, const std::array<uintptr_t, 6> &a, uintptr_t stream, uintptr_t workspace,
             int units) {
    const SortForward<T> tensors{
        at<const T>(a[0]), at<const int32_t>(a[1]), at<const int32_t>(a[2]), at<const T>(a[3]), at<T>(a[4]),
        at<T>(a[5])};
    sort_forward(s, tensors, place_at(stream, workspace, units));
}

template <class T>
void backward(const SortSettings &s, const std::array<uintptr_t, 8> &a, uintptr_t stream, uintptr_t workspace,
              int units) {
    const SortBackward<T> tensors{at<const T>(a[0]),
                                  at<const int32_t>(a[1]),
                                  at<const int32_t>(a[2]),
                                  at<const T>(a[3]),
                                  at<const T>(a[4]),
                                  at<const T>(a[5]),
                                  at<T>(a[6]),
                                  at<T>(a[7])};
    sort_backward(s, tensors, place_at(stream, workspace, units));
}

} // namespace

void bind_sort(py::module_ &m) {
    py::class_<SortSettings>(m, "SortSettings", py::module_local())
        .def(py::init([](int distribution, double scale, double art, int batch, int wires, int layers, int comparators,
                         int rows, int product, bool shared_weights) {
                 SortSettings s{};
                 s.distribution = distribution;
                 s.scale = scale;
                 s.art = art;
                 s.batch = batch;
                 s.wires = wires;
                 s.layers = layers;
                 s.comparators = comparators;
                 s.rows = rows;
                 s.product = static_cast<SortProduct>(product);
                 s.shared_weights = shared_weights;
                 return s;
             }),
             py::kw_only(), py::arg("distribution"), py::arg("scale"), py::arg("art"), py::arg("batch"),
             py::arg("wires"), py::arg("layers"), py::arg("comparators"), py::arg("rows"), py::arg("product"),
             py::arg("shared_weights"));
    const auto unlocked = py::call_guard<py::gil_scoped_release>();
    m.def("sort_workspace_float32", &sort_workspace<float>);
    m.def("sort_workspace_float64", &sort_workspace<double>);
    m.def("sort_forward_float32", &forward<float>, unlocked);
    m.def("sort_forward_float64", &forward<double>, unlocked);
    m.def("sort_backward_float32", &backward<float>, unlocked);
    m.def("sort_backward_float64", &backward<double>, unlocked);
}

} // namespace cuda
} // namespace gendr
