// How far a face acts, and what that asks of the arithmetic.
#pragma once

#include "math.h"

namespace gendr {
inline namespace GENDR_ISA {

// How far outside a face its probability can reach the cut-off, from the least argument that counts.
GENDR_HD double reach_of(double least, bool is_squared, double tau) {
    if (least >= 0.0) return 1e-9;
    const double reach = -least * tau;
    return (is_squared ? math::sqrt(reach) : reach) * (1.0 + 1e-6) + 1e-9; // rounding must not lose a pixel at the rim
}

// Whether float32 must have its distances in double. A root makes much of a far face's small probability: it asks for a
// cut-off below 1e-6 where others are content with that. A Gamma of shape p < 1 has an unbounded density at the edge,
// which makes much of the distance's last digits. And where faces act from afar, the foot of the perpendicular on a
// short edge loses its digits.
GENDR_HD bool wants_double_distances(double face_cutoff_of_1e_6, double shape, double reach) {
    return face_cutoff_of_1e_6 < 1e-6 || (shape > 0.0 && shape < 1.0) || reach > 0.5;
}

} // namespace GENDR_ISA
} // namespace gendr
