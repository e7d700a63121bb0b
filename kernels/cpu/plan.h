// One call's constants in the precision of its tensors, and the sizes of its blocks.
#pragma once

#include "cutoff.h"
#include "gendr/reach.h"
#include "gendr/triangle.h"

namespace gendr {
inline namespace GENDR_ISA {

constexpr int chunk = 256;               // pairs that go through the distance stage at once
constexpr int block = 1024;              // pairs that go through the other stages at once
constexpr int most_box_pixels = 1 << 20; // float counts the pixels of a box exactly up to here

template <class T> struct Plan {
    const CoverageSettings &settings;
    PixelGrid grid;
    FaceFilter filter;
    ProbabilityStage<T> probability;
    const ConormStages<T> &conorm;
    GammaShape shape;
    T least, sign, shift, p; // of the arguments: the cut-off, the mirroring, the shift; |p| of the T-conorm

    Plan(const CoverageSettings &s, GammaTable &table)
        : settings(s), grid{s.height, s.width}, filter{s.near, s.far, s.cull},
          probability(probability_stage_of<T>(s.distribution)), conorm(conorm_stages_of<T>(s.t_conorm)),
          sign(s.is_reversed ? T(-1) : T(1)), shift(T(s.shift)), p(T(conorm.negative_p ? -s.p : s.p)) {
        if (s.shape > 0.0) {
            if (sizeof(T) == sizeof(float)) table.fill(s.shape);
            shape = gamma_shape(s.shape, &table, limits<T>::gamma_argument_floor);
        }
        const EffectiveCdf cdf{probability_stage_of<double>(s.distribution), shape, {sign, s.shift, s.is_reversed}};
        least = T(least_argument(cdf, conorm.face_cutoff(s.cutoff, conorm.negative_p ? -s.p : s.p)));
    }

    int64_t pixels() const { return int64_t(settings.height) * settings.width; }
    const T *face(const T *face_vertices, int image, int f) const {
        return face_vertices + (settings.first_face(image) + f) * 9;
    }
    double radius(double tau) const { return reach_of(least, settings.is_squared, tau); }
    bool wants_double_distances(double tau) const {
        const double power = conorm.negative_p ? -settings.p : settings.p;
        return sizeof(T) == sizeof(float) &&
               GENDR_ISA::wants_double_distances(conorm.face_cutoff(1e-6, power), settings.shape, radius(tau));
    }
    void probabilities(int n, const T *argument, T *u, T *a, T *q, T *pdf) const {
#pragma omp simd
        for (int i = 0; i < n; ++i) u[i] = sign * argument[i] + shift;
        settings.is_reversed ? probability(n, u, q, a, pdf, shape) : probability(n, u, a, q, pdf, shape);
    }
};

} // namespace GENDR_ISA
} // namespace gendr
