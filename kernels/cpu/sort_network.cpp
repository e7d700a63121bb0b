// Relaxed sorting networks on the CPU, compiled once per instruction set; see coverage.cpp for what that forbids.
#include "no_denormals.h"
#include "sort_samples.h"
#include "sort_vectors.h"

namespace gendr {
inline namespace GENDR_ISA {

namespace {

// A tile of samples keeps four arrays of its comparators; beyond this many bytes they would not stay in cache, and a
// matrix is better made sample by sample. Decided by the network alone, so that a sample's numbers never depend on
// others. The values alone are light: they may spill further.
template <class T> bool by_samples(const SortSettings &s) {
    const size_t bytes = size_t(s.comparators) * sample_lanes * sizeof(T);
    return bytes <= (s.product == SortProduct::none ? size_t(1) << 20 : size_t(48) << 10);
}

template <class F> void in_parallel(const Parallel &parallel, int tasks, const F &body) {
    const auto call = [](void *context, int task) {
        const NoDenormals guard; // an entry of P is a product of a factor for each layer
        (*static_cast<const F *>(context))(task);
    };
    parallel.run(parallel.pool, tasks, call, const_cast<F *>(&body));
}

int tiles(const SortSettings &s) { return (s.batch + sample_lanes - 1) / sample_lanes; }

// Alone, where the threads would take longer to wake up.
void find_routes(Itinerary &itinerary, const SortSettings &s, const Parallel &parallel) {
    if (int64_t(itinerary.groups) * s.comparators > 1 << 18)
        in_parallel(parallel, itinerary.groups, [&](int group) { itinerary.find(group); });
    else
        for (int group = 0; group < itinerary.groups; ++group) itinerary.find(group);
}

template <class T, int V>
void forward_large(const SortSettings &s, const SortForward<T> &t, const Comparators &network,
                   const Parallel &parallel) {
    Itinerary itinerary(s, network, V);
    find_routes(itinerary, s, parallel);
    in_parallel(parallel, s.batch * tasks_per_sample(s),
                [&](int task) { forward_vectors<T, V>(s, t, network, itinerary, task); });
}

template <class T> void forward(const SortSettings &s, const SortForward<T> &t, const Parallel &parallel) {
    const Comparators network{t.pairs, t.starts, s.layers, s.comparators};
    if (by_samples<T>(s)) {
        Itinerary itinerary(s, network, together);
        find_routes(itinerary, s, parallel);
        in_parallel(parallel, tiles(s), [&](int tile) { forward_samples(s, t, network, itinerary, tile); });
        return;
    }
    if (s.rows <= 8) forward_large<T, 8>(s, t, network, parallel);
    else forward_large<T, 32>(s, t, network, parallel);
}

template <class T, int V>
void backward_large(const SortSettings &s, const SortBackward<T> &t, const Comparators &network,
                    const Parallel &parallel) {
    const int parts = tasks_per_sample(s);
    Itinerary itinerary(s, network, V);
    if (t.grad_product) find_routes(itinerary, s, parallel);
    if (parts == 1 || !t.grad_product) {
        in_parallel(parallel, s.batch, [&](int sample) { backward_sample<T, V>(s, t, network, itinerary, sample); });
        return;
    }
    // The task that is the last of its sample finishes it.
    const size_t each = size_t(parts) * s.comparators;
    T *of_degrees = static_cast<T *>(calloc(each * s.batch + 1, sizeof(T)));
    int *missing = static_cast<int *>(malloc(sizeof(int) * (s.batch + 1)));
    if (!of_degrees || !missing) abort();
    for (int b = 0; b < s.batch; ++b) missing[b] = parts;
    in_parallel(parallel, s.batch * parts, [&](int task) {
        const int sample = task / parts;
        backward_share<T, V>(s, t, network, itinerary, task, of_degrees + size_t(task) * s.comparators);
        if (__atomic_sub_fetch(&missing[sample], 1, __ATOMIC_ACQ_REL) == 0)
            backward_finish(s, t, network, sample, of_degrees + each * sample, parts);
    });
    free(of_degrees);
    free(missing);
}

template <class T> void backward(const SortSettings &s, const SortBackward<T> &t, const Parallel &parallel) {
    const Comparators network{t.pairs, t.starts, s.layers, s.comparators};
    if (by_samples<T>(s)) {
        Itinerary itinerary(s, network, together);
        find_routes(itinerary, s, parallel);
        in_parallel(parallel, tiles(s), [&](int tile) { backward_samples(s, t, network, itinerary, tile); });
        return;
    }
    if (s.rows <= 8) backward_large<T, 8>(s, t, network, parallel);
    else backward_large<T, 32>(s, t, network, parallel);
}

} // namespace

const SortKernels &sort_kernels() {
#define GENDR_QUOTE(x) #x
#define GENDR_NAME(x) GENDR_QUOTE(x)
    static constexpr SortKernels kernels = {GENDR_NAME(GENDR_ISA), forward<float>, forward<double>, backward<float>,
                                            backward<double>};
    return kernels;
}

} // namespace GENDR_ISA
} // namespace gendr
