// The set-up of several faces at once, one a vector lane: on fine meshes it costs as much as their pixels.
#pragma once

#include "plan.h"

namespace gendr {
inline namespace GENDR_ISA {

// Boxes and triangles of `lanes` consecutive faces. Lanes beyond the last face, and faces that do not take part, have
// an empty box. G is the precision of distances.
template <class T, class G> class FaceBatch {
  public:
    FaceBatch(const Plan<T> &plan, const T *faces, int count, double radius) {
        for (int i = 0; i < 9; ++i)
            for (int lane = 0; lane < lanes; ++lane) corner_[i][lane] = faces[9 * (lane < count ? lane : 0) + i];
        set(plan.grid, plan.filter, radius);
        for (int lane = count; lane < lanes; ++lane) cols_[lane] = 0;
    }

    PixelBox box(int lane) const {
        return {first_row_[lane], first_col_[lane], rows_[lane], cols_[lane], anchor_row_[lane], anchor_col_[lane]};
    }

    Triangle<G> triangle(int lane) const {
        Triangle<G> t;
        for (int i = 0; i < 3; ++i) {
            const G(*e)[lanes] = edge_[i];
            t.edge[i] = {e[0][lane], e[1][lane], e[2][lane], e[3][lane], e[4][lane],
                         e[5][lane], e[6][lane], e[7][lane], e[8][lane], e[9][lane]};
        }
        t.side = side_[lane];
        t.inside_above = inside_above_[lane];
        t.least_square = least_square_[lane];
        return t;
    }

  private:
    T corner_[9][lanes];
    G edge_[3][10][lanes];
    alignas(64) G side_[lanes], inside_above_[lanes], least_square_[lanes];
    alignas(64) int first_row_[lanes], first_col_[lanes], rows_[lanes], cols_[lanes], anchor_row_[lanes],
        anchor_col_[lanes];

    void set(const PixelGrid grid, const FaceFilter filter, double radius) {
        const double step = 2.0 / grid.height;
#pragma GCC ivdep // not omp simd, which would keep the small structs in memory
        for (int lane = 0; lane < lanes; ++lane) {
            const Corner a = corner_at(corner_[0][lane], corner_[1][lane]);
            const Corner b = corner_at(corner_[3][lane], corner_[4][lane]);
            const Corner c = corner_at(corner_[6][lane], corner_[7][lane]);
            const double area = signed_area(a, b, c), side = area < 0.0 ? -1.0 : 1.0;
            const PixelBox box = pixel_box(a, b, c, radius, grid);
            const bool drawn = filter.keeps(corner_[2][lane], corner_[5][lane], corner_[8][lane], area);
            first_row_[lane] = box.first_row;
            first_col_[lane] = box.first_col;
            rows_[lane] = drawn ? box.rows : 0;
            cols_[lane] = drawn ? box.cols : 0;
            anchor_row_[lane] = box.anchor_row;
            anchor_col_[lane] = box.anchor_col;
            const double x = grid.x(box.anchor_col), y = grid.y(box.anchor_row);
            store(0, lane, Edge<G>::between(a, b, side, x, y, step));
            store(1, lane, Edge<G>::between(b, c, side, x, y, step));
            store(2, lane, Edge<G>::between(c, a, side, x, y, step));
            side_[lane] = G(side);
            inside_above_[lane] = area == 0.0 ? limits<G>::huge : G(0);
            least_square_[lane] = area == 0.0 ? G(1e-36) : G(0);
        }
    }
    GENDR_HD void store(int i, int lane, Edge<G> e) {
        edge_[i][0][lane] = e.normal;
        edge_[i][1][lane] = e.normal_per_col;
        edge_[i][2][lane] = e.normal_per_row;
        edge_[i][3][lane] = e.along;
        edge_[i][4][lane] = e.along_per_col;
        edge_[i][5][lane] = e.along_per_row;
        edge_[i][6][lane] = e.length;
        edge_[i][7][lane] = e.inverse_length;
        edge_[i][8][lane] = e.tangent_x;
        edge_[i][9][lane] = e.tangent_y;
    }
};

} // namespace GENDR_ISA
} // namespace gendr
