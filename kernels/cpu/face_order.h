// An image's faces tile by tile, whatever their order in the mesh: one after the other they find their pixels' records
// in the cache, and a band of rows skips those that lie elsewhere.
#pragma once

#include "kept_memory.h"
#include "plan.h"

namespace gendr {
inline namespace GENDR_ISA {

constexpr int tiles_per_side = 32, image_tiles = tiles_per_side * tiles_per_side;
constexpr int64_t unordered_pixels = 1 << 16; // what blending keeps of so many is in the cache whatever the order
constexpr size_t most_kept_order = 1 << 25;   // bytes that wait for the next call

// The faces of one image, one after the other, and each one's number in the mesh.
template <class T> struct ImageFaces {
    const T *vertices;
    const int *numbers; // null: 0, 1, 2 ...

    int number(int place) const { return numbers ? numbers[place] : place; }
};

template <class T> bool gains_from_order(const Plan<T> &plan) {
    return plan.pixels() > unordered_pixels && plan.settings.batch > 0 && plan.settings.faces > 1;
}

template <class T> class FaceOrder {
  public:
    // Of all images, of which there are some, with faces. False where there is no memory.
    bool sort(const Plan<T> &plan, const T *face_vertices, const Parallel &parallel) {
        const CoverageSettings &s = plan.settings;
        const size_t faces = size_t(s.faces) * s.batch;
        SortTask task{plan, face_vertices, static_cast<T *>(vertices_.of(9 * sizeof(T) * faces)),
                      static_cast<int *>(numbers_.of(sizeof(int) * faces)),
                      static_cast<uint16_t *>(tiles_.of(sizeof(uint16_t) * faces))};
        if (!task.vertices || !task.numbers || !task.tiles) return false;
        parallel.run(parallel.pool, s.batch, SortTask::run, &task);
        sorted_ = {task.vertices, task.numbers};
        faces_ = s.faces;
        return true;
    }
    ImageFaces<T> of(int image) const {
        const int64_t first = int64_t(image) * faces_;
        return {sorted_.vertices + 9 * first, sorted_.numbers + first};
    }
    void end_call() {
        vertices_.keep_at_most(most_kept_order);
        numbers_.keep_at_most(most_kept_order);
        tiles_.keep_at_most(most_kept_order);
    }

  private:
    KeptMemory vertices_, numbers_, tiles_;
    ImageFaces<T> sorted_{};
    int faces_ = 0;

    struct SortTask {
        const Plan<T> &plan;
        const T *face_vertices;
        T *vertices;
        int *numbers;
        uint16_t *tiles;

        // A counting sort, which leaves the faces of a tile in their order.
        static void run(void *context, int image) {
            const SortTask &self = *static_cast<const SortTask *>(context);
            const CoverageSettings &s = self.plan.settings;
            const int count = s.face_count(image);
            const int64_t first = int64_t(image) * s.faces;
            const T *from = self.plan.face(self.face_vertices, image, 0);
            uint16_t *tiles = self.tiles + first;
            int begin[image_tiles + 1] = {};
            for (int f = 0; f < count; ++f) {
                tiles[f] = tile_of(self.plan.grid, from[9 * int64_t(f)], from[9 * int64_t(f) + 1]);
                ++begin[tiles[f] + 1];
            }
            for (int tile = 1; tile < image_tiles; ++tile) begin[tile] += begin[tile - 1];
            for (int f = 0; f < count; ++f) {
                const int64_t to = first + begin[tiles[f]]++;
                self.numbers[to] = f;
                memcpy(self.vertices + 9 * to, from + 9 * int64_t(f), sizeof(T) * 9);
            }
        }
        static uint16_t tile_of(const PixelGrid &grid, T x, T y) {
            const T per_side = T(tiles_per_side), last = T(tiles_per_side - 1);
            const T col = (x * T(grid.height) / T(grid.width) + T(1)) * per_side / T(2);
            const T row = (T(1) - y) * per_side / T(2);
            return uint16_t(int(math::clamp(row, T(0), last)) * tiles_per_side + int(math::clamp(col, T(0), last)));
        }
    };
};

// Of an image in order, or as they come where there is none.
template <class T>
ImageFaces<T> faces_of(const Plan<T> &plan, const T *face_vertices, int image, const FaceOrder<T> *order) {
    return order ? order->of(image) : ImageFaces<T>{plan.face(face_vertices, image, 0), nullptr};
}

} // namespace GENDR_ISA
} // namespace gendr
