// A block of pixel-face pairs that remembers which face each came from and where in its box it lies, and the stage that
// turns such pairs into points of their faces.
#pragma once

#include "face_order.h"
#include "gendr/blend.h"
#include "gendr/surface.h"
#include "segment.h"

namespace gendr {
inline namespace GENDR_ISA {

constexpr int surface_block =
    512; // pairs: half of coverage's, as a pair has twice the numbers, which must stay in cache

// Pairs [begin, filled) are real, the rest up to `end` is padding, to half a vector: the faces of fine meshes have few.
// `face` counts an image's faces as they are drawn, `number` as they stand in the mesh.
template <class T, class G> struct SurfaceRun : Segment<G> {
    Surface<T> surface;
    int filled, number;

    // The box's pixel k, counted row by row: distances to the lines of the three edges.
    GENDR_HD void normals(T k, G inverse_cols, G &n0, G &n1, G &n2) const {
        const G at = G(k), row = G(int((at + G(0.5)) * inverse_cols)),
                col = at - row * G(this->cols) + this->col_offset;
        n0 = this->triangle.edge[0].normal_at(col, row + this->row_offset);
        n1 = this->triangle.edge[1].normal_at(col, row + this->row_offset);
        n2 = this->triangle.edge[2].normal_at(col, row + this->row_offset);
    }
};

// What the pairs of a block show; likewise the weight of their depth.
template <class T, bool keeps_whole> struct SurfaceStage {
    alignas(64) T b0[surface_block], b1[surface_block], b2[surface_block], mantissa[surface_block],
        steps[surface_block], whole[surface_block];

    template <class G> void run(const SurfaceRun<T, G> &run, const T *__restrict index, T near, T per_depth) {
        const SurfaceRun<T, G> r = run;
        const G inverse_cols = G(1) / G(r.cols);
        const int first = r.begin;
        T *__restrict o0 = b0 + first, *__restrict o1 = b1 + first, *__restrict o2 = b2 + first;
        T *__restrict om = mantissa + first, *__restrict os = steps + first, *__restrict ow = whole + first;
        each_vector(r.end - r.begin, [&](int start, auto width) __attribute__((always_inline)) {
            for (int lane = 0; lane < width; ++lane) {
                const int i = start + lane;
                G n0, n1, n2;
                r.normals(index[i], inverse_cols, n0, n1, n2);
                const SurfacePoint<T> point = r.surface.at(n0, n1, n2);
                const math::Stepped<T> weight = stepped_exp((near - point.depth) * per_depth);
                o0[i] = point.b[0];
                o1[i] = point.b[1];
                o2[i] = point.b[2];
                om[i] = weight.mantissa;
                os[i] = weight.steps;
                if (keeps_whole) ow[i] = point.whole;
            }
        });
    }
};

// Of `lanes` faces, from rows of nine coordinates to rows of 1 / height of each corner, 1 / depth of each, and
// `middle`.
template <class T> void scale_stage(const T *__restrict corner, T *__restrict out, T perspective) {
    constexpr int row = most_segments;
#pragma GCC ivdep
    for (int i = 0; i < lanes; ++i) {
        const T x0 = corner[i], y0 = corner[row + i], z0 = corner[2 * row + i];
        const T x1 = corner[3 * row + i], y1 = corner[4 * row + i], z1 = corner[5 * row + i];
        const T x2 = corner[6 * row + i], y2 = corner[7 * row + i], z2 = corner[8 * row + i];
        const SurfaceScale<T> s = SurfaceScale<T>::of(x0, y0, x1, y1, x2, y2);
        out[i] = s.s0;
        out[row + i] = s.s1;
        out[2 * row + i] = s.s2;
        out[3 * row + i] = Surface<T>::division(z0, perspective);
        out[4 * row + i] = Surface<T>::division(z1, perspective);
        out[5 * row + i] = Surface<T>::division(z2, perspective);
        out[6 * row + i] = s.middle;
    }
}

// Collects pairs, packed; `Pass` is told to `flush()` when the block is full.
template <class T, class G, class Pass> struct SurfaceBlock {
    const Plan<T> &plan;
    ImageFaces<T> faces;
    bool is_perspective;
    int n = 0, runs = 0;
    alignas(64) T found_index[chunk];
    alignas(64) T argument[surface_block + compact_slack], index[surface_block + compact_slack];
    alignas(64) int pixel[surface_block + compact_slack];
    alignas(64) T u[surface_block], a[surface_block], q[surface_block];
    SurfaceRun<T, G> run[most_segments];

    SurfaceBlock(const Plan<T> &plan, const ImageFaces<T> &faces, bool is_perspective)
        : plan(plan), faces(faces), is_perspective(is_perspective) {}

    void begin(int f, const Triangle<G> &triangle) { open(f, triangle, lanes); }
    void end() {
        SurfaceRun<T, G> &r = run[runs];
        r.filled = n;
        r.end = padded(n, half_lanes);
        for (; n < r.end; ++n) {
            argument[n] = index[n] = T(0);
            pixel[n] = pixel[r.begin]; // safe to look up, and ignored
        }
        runs += r.end > r.begin;
    }
    void pairs(int k0, int count, int cols, G col_offset, G row_offset, const T *from, const int *from_pixel) {
        const bool next_rows = run[runs].cols != 0 && run[runs].row_offset != row_offset;
        if (n + padded(count) > surface_block || next_rows) reopen(padded(count));
        run[runs].cols = cols;
        run[runs].col_offset = col_offset;
        run[runs].row_offset = row_offset;
        for (int i = 0; i < padded(count); ++i) found_index[i] = T(k0 + i);
        n += compact<2>(count, from, plan.least, {from, found_index}, {argument + n, index + n}, from_pixel, pixel + n);
    }

    // Before the stages, which take whole vectors: the last run gets what is missing.
    void complete() {
        const int end = padded(n);
        run[runs - 1].end = end;
        for (; n < end; ++n) {
            argument[n] = index[n] = T(0);
            pixel[n] = pixel[run[runs - 1].begin];
        }
    }

    // The surfaces of all runs, several at once: on fine meshes their set-up costs as much as their pixels.
    void set_up_surfaces() {
        const int count = padded(runs);
        for (int i = 0; i < count; ++i)
            for (int k = 0; k < 9; ++k) corner[k][i] = faces.vertices[9 * int64_t(run[i < runs ? i : 0].face) + k];
        for (int first = 0; first < count; first += lanes)
            scale_stage<T>(corner[0] + first, scale[0] + first, T(is_perspective));
        for (int i = 0; i < runs; ++i) {
            Surface<T> &s = run[i].surface;
            for (int k = 0; k < 3; ++k) {
                s.per_distance[k] = scale[k][i];
                s.inverse_depth[k] = scale[3 + k][i];
                s.depth[k] = corner[3 * k + 2][i];
            }
            s.middle = scale[6][i];
        }
    }

  private:
    alignas(64) T corner[9][most_segments], scale[7][most_segments];

    // Of a face of which at least `expected` pairs come.
    void open(int f, const Triangle<G> &triangle, int expected) {
        if (runs == most_segments || n + expected > surface_block) {
            static_cast<Pass *>(this)->flush();
            n = runs = 0;
        }
        run[runs].triangle = triangle;
        run[runs].face = f;
        run[runs].number = faces.number(f);
        run[runs].begin = n;
        run[runs].cols = 0;
    }
    // The same face goes on in a run of its own: the block is full, or the next rows are counted anew.
    void reopen(int expected) {
        const SurfaceRun<T, G> current = run[runs];
        end();
        open(current.face, current.triangle, expected);
    }
};

// The values that a face's corners hold, a row of `stride` numbers for each: [1, depth, attributes ..., 0 ...].
template <class T, class R>
GENDR_HD void corner_rows(const Surface<T> &surface, const T *attributes, int channels, int stride, R *rows) {
    for (int corner = 0; corner < 3; ++corner) {
        R *row = rows + corner * stride;
        row[0] = R(1);
        row[1] = R(surface.depth[corner]);
        for (int k = 0; k < channels; ++k) row[2 + k] = R(attributes[corner * channels + k]);
        for (int k = 2 + channels; k < stride; ++k) row[k] = R(0);
    }
}

} // namespace GENDR_ISA
} // namespace gendr
