// Top-k: the probability that the label is among the top ranks, by a relaxed selection network, and its gradient in the
// scores. The parameters of one call, plain data shared by the bindings and every backend.
#pragma once

#include "gendr/coverage.h" // Parallel

namespace gendr {

struct TopkSettings {
    int distribution; // index into GENDR_DISTRIBUTIONS, a symmetric one
    double scale;     // of differences before they meet the distribution
    int batch, classes;
    int ranked; // how many of the highest scores go through the network: its wires; `classes` for all
    int ranks;  // rows of P that the label is looked for in
    int layers;
    bool shared_weights; // one row of weights for the whole batch
    double least_mass;   // 0 for the mass itself; else -log(mass) is what is wanted, of a mass of at least this
};

template <class T> struct TopkTensors {
    const T *scores;       // [batch, classes]; infinities are compared hard, no NaN
    const int64_t *labels; // [batch], a negative one has mass 0
    const T *weights;      // [batch or 1, ranks]: of each row of P
    const int32_t *pairs;  // [comparators, 2]: wires (low, high); the larger score goes to `low`
    const int32_t *starts; // [layers + 1]: where each layer begins
    T *mass;               // [batch]: sum over ranks of weight * P[rank, label], or -log of it
    T *gradient;           // [batch, ranked]: of that, in the scores ranked; null where none is wanted
    int64_t *ranked;       // [batch, ranked]: which scores these are; null where all are, in their order
};

// From the gradient of the ranked scores, times that of each sample's loss, to the gradient of all.
template <class T> struct TopkSpread {
    int batch, classes, ranked;
    const T *grad, *gradient;     // [batch], [batch, ranked]
    const int64_t *ranked_scores; // [batch, ranked]
    T *out;                       // [batch, classes]
};

// One instruction set's kernels. They return null, or what went wrong.
struct TopkKernels {
    const char *instruction_set;
    const char *(*mass_f32)(const TopkSettings &, const TopkTensors<float> &, const Parallel &);
    const char *(*mass_f64)(const TopkSettings &, const TopkTensors<double> &, const Parallel &);
    void (*spread_f32)(const TopkSpread<float> &, const Parallel &);
    void (*spread_f64)(const TopkSpread<double> &, const Parallel &);
};

} // namespace gendr
