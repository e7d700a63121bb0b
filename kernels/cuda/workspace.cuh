// What a call keeps on the device besides its tensors, and how it is laid out in the caller's workspace.
#pragma once

#include "coverage.h"
#include "gendr/distributions.h"
#include "gendr/triangle.h"
#include "launch.cuh"

namespace gendr {
namespace cuda {

constexpr int warp = 32;
constexpr int tile_side = 16;
constexpr int tile_pixels = tile_side * tile_side;
constexpr int64_t workspace_budget = int64_t(128) << 20; // bytes of faces and masks at once

// The constants of a call that only the device knows.
template <class T> struct CallPlan {
    T least, sign, shift, p; // of the arguments: the cut-off, the mirroring, the shift; |p| of the T-conorm
    GammaShape shape;
};

struct ImagePlan {
    double tau, radius, inverse_tau;
    bool wants_double; // float32 with distances in double
};

// The faces of an image: the ranges lie on the device, so that only it can tell.
__device__ inline int64_t first_face(const CoverageSettings &s, int image) {
    return s.face_ranges ? s.face_ranges[2 * image] : int64_t(image) * s.faces;
}
__device__ inline int face_count(const CoverageSettings &s, int image) {
    return s.face_ranges ? static_cast<int>(s.face_ranges[2 * image + 1] - s.face_ranges[2 * image]) : s.faces;
}

// Hands out aligned pieces of a block; of no block, only counts.
struct Pieces {
    char *base;
    size_t used = 0;

    template <class U> U *take(int64_t count) {
        used = (used + 255) / 256 * 256;
        U *at = base ? reinterpret_cast<U *>(base + used) : nullptr;
        used += sizeof(U) * static_cast<size_t>(count);
        return at;
    }
};

inline int tiles_across(int pixels) { return (pixels + tile_side - 1) / tile_side; }
inline int64_t tiles_of(const CoverageSettings &s) { return int64_t(tiles_across(s.width)) * tiles_across(s.height); }
inline int64_t pixels_of(const CoverageSettings &s) { return int64_t(s.width) * s.height; }

// How many faces of each image are set up and binned at once; a multiple of a warp.
inline int faces_per_pass(const CoverageSettings &s, int wanted, bool with_masks) {
    const int64_t batch = s.batch > 0 ? s.batch : 1;
    const int64_t warp_bytes = batch * (int64_t(warp) * (sizeof(Triangle<double>) + sizeof(PixelBox)) +
                                        (with_masks ? tiles_of(s) * int64_t(sizeof(unsigned)) : 0));
    int64_t warps = wanted > 0 ? (wanted + warp - 1) / warp : workspace_budget / warp_bytes;
    const int64_t all = (int64_t(s.faces) + warp - 1) / warp;
    warps = warps > all ? all : warps;
    return static_cast<int>((warps < 1 ? 1 : warps) * warp);
}

// What both directions need: the plan, and the faces of one pass.
template <class T> struct CallWorkspace {
    int pass_faces;
    CallPlan<T> *call;
    ImagePlan *images;
    GammaTable *table;
    PixelBox *boxes; // [batch, pass_faces]; empty for a face that does not take part
    char *triangles; // likewise, in the precision of the image's distances

    CallWorkspace(Pieces &pieces, const CoverageSettings &s, int pass) : pass_faces(pass) {
        call = pieces.take<CallPlan<T>>(1);
        images = pieces.take<ImagePlan>(s.batch);
        table = pieces.take<GammaTable>(1);
        boxes = pieces.take<PixelBox>(int64_t(s.batch) * pass);
        triangles = pieces.take<char>(int64_t(s.batch) * pass * sizeof(Triangle<double>));
    }

    template <class G> GENDR_HD Triangle<G> *triangle(int64_t index) const {
        return reinterpret_cast<Triangle<G> *>(triangles + index * int64_t(sizeof(Triangle<double>)));
    }
};

} // namespace cuda
} // namespace gendr
