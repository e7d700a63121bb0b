// The faces of a pass: each is set up once, in double, by a thread of its own.
#pragma once

#include "plan.cuh"

namespace gendr {
namespace cuda {

// Faces [first, first + count) of every image.
struct Pass {
    int first, count;
};

// The triangle as its edges, counted from the box's anchor.
template <class G>
__device__ Triangle<G> triangle_of(Corner a, Corner b, Corner c, double area, const PixelBox &box,
                                   const PixelGrid &grid) {
    const double side = area < 0.0 ? -1.0 : 1.0, step = 2.0 / grid.height;
    const double x = grid.x(box.anchor_col), y = grid.y(box.anchor_row);
    Triangle<G> t;
    t.edge[0] = Edge<G>::between(a, b, side, x, y, step);
    t.edge[1] = Edge<G>::between(b, c, side, x, y, step);
    t.edge[2] = Edge<G>::between(c, a, side, x, y, step);
    t.side = G(side);
    t.inside_above = area == 0.0 ? limits<G>::huge : G(0);
    t.least_square = area == 0.0 ? G(1e-36) : G(0);
    return t;
}

// A face that holds a number that is not finite is reported and takes no part.
template <class T>
__global__ void set_up_faces(CoverageSettings settings, const T *face_vertices, CallWorkspace<T> space, Pass pass,
                             int *status) {
    const int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
    if (at >= int64_t(settings.batch) * space.pass_faces) return;
    const int image = static_cast<int>(at / space.pass_faces), within = static_cast<int>(at % space.pass_faces);
    PixelBox box = {0, 0, 0, 0, 0, 0};
    if (within < pass.count && pass.first + within < face_count(settings, image)) {
        const T *v = face_vertices + (first_face(settings, image) + pass.first + within) * 9;
        T sum = 0; // of numbers times 0: 0, or NaN
        for (int i = 0; i < 9; ++i) sum += v[i] * T(0);
        const bool finite = sum == T(0);
        if (!finite) report(status, bad_face_vertices);
        const PixelGrid grid{settings.height, settings.width};
        const FaceFilter filter{settings.near, settings.far, settings.cull};
        const Corner a = corner_at(v[0], v[1]), b = corner_at(v[3], v[4]), c = corner_at(v[6], v[7]);
        const double area = signed_area(a, b, c);
        const ImagePlan &plan = space.images[image];
        if (finite && filter.keeps(v[2], v[5], v[8], area)) box = pixel_box(a, b, c, plan.radius, grid);
        if (box.empty()) box.rows = box.cols = 0;
        else if (plan.wants_double)
            *space.template triangle<double>(at) = triangle_of<double>(a, b, c, area, box, grid);
        else *space.template triangle<T>(at) = triangle_of<T>(a, b, c, area, box, grid);
    }
    space.boxes[at] = box;
}

template <class T>
void launch_set_up(const CoverageSettings &s, const Inputs &inputs, const CallWorkspace<T> &space, Pass pass,
                   cudaStream_t stream) {
    GENDR_LAUNCH(set_up_faces<T>, int64_t(s.batch) * space.pass_faces, 128, 128, stream, s,
                 static_cast<const T *>(inputs.face_vertices), space, pass, inputs.status);
}

} // namespace cuda
} // namespace gendr
