// Which faces reach which tile, as one bit each. A bit mask's size follows from the numbers of faces and pixels alone,
// so the host can reserve it without asking the device, and it cannot overflow; its bits stand in the order of the
// faces, so that every sum runs in that order; and counting the bits before a position is the scan that lists need.
#pragma once

#include "workspace.cuh"

namespace gendr {
namespace cuda {

// Tiles [first_row, last_row] x [first_col, last_col].
struct TileRange {
    int first_row, last_row, first_col, last_col;

    __device__ explicit TileRange(const PixelBox &box) {
        const int none = 1 << 30;
        first_row = box.empty() ? none : box.first_row / tile_side;
        first_col = box.empty() ? none : box.first_col / tile_side;
        last_row = box.empty() ? -1 : (box.first_row + box.rows - 1) / tile_side;
        last_col = box.empty() ? -1 : (box.first_col + box.cols - 1) / tile_side;
    }
    __device__ bool holds(int row, int col) const {
        return row >= first_row && row <= last_row && col >= first_col && col <= last_col;
    }
    // The range that holds those of all lanes.
    __device__ TileRange joined() const {
        TileRange all = *this;
        for (int apart = warp / 2; apart > 0; apart /= 2) {
            all.first_row = math::min(all.first_row, __shfl_xor_sync(0xffffffffu, all.first_row, apart));
            all.first_col = math::min(all.first_col, __shfl_xor_sync(0xffffffffu, all.first_col, apart));
            all.last_row = math::max(all.last_row, __shfl_xor_sync(0xffffffffu, all.last_row, apart));
            all.last_col = math::max(all.last_col, __shfl_xor_sync(0xffffffffu, all.last_col, apart));
        }
        return all;
    }
};

// [batch, tiles, words] of zeros become the masks; a warp writes one word, that of its 32 faces, for all tiles that any
// of them reaches.
static __global__ void bin_faces(CoverageSettings settings, const PixelBox *boxes, int words, unsigned *masks) {
    const int64_t at = (int64_t(blockIdx.x) * blockDim.x + threadIdx.x) / warp;
    const int lane = static_cast<int>(threadIdx.x) % warp;
    if (at >= int64_t(settings.batch) * words) return;
    const int64_t image = at / words, word = at % words;
    const TileRange own(boxes[at * warp + lane]), all = own.joined();
    const int across = (settings.width + tile_side - 1) / tile_side;
    const int64_t tiles = int64_t(across) * ((settings.height + tile_side - 1) / tile_side);
    for (int row = all.first_row; row <= all.last_row; ++row)
        for (int col = all.first_col; col <= all.last_col; ++col) {
            const unsigned reached = __ballot_sync(0xffffffffu, own.holds(row, col));
            if (lane == 0 && reached) masks[(image * tiles + int64_t(row) * across + col) * words + word] = reached;
        }
}

// The faces of a tile's mask in order, `stage` at a time, for a block of `threads` threads.
template <int threads, int stage> struct MaskReader {
    static constexpr int warps = threads / warp;

    const unsigned *mask;
    int words, base, first, total;
    int rank;      // of this thread's next face among those of the words read last
    unsigned left; // of this thread's word

    __device__ MaskReader(const unsigned *mask, int words)
        : mask(mask), words(words), base(-threads), first(0), total(0), rank(0), left(0) {}

    // Puts the next faces into `list` and says how many; 0 at the end. All threads call it and get the same number;
    // `list` is complete, and `warp_totals` free again, after the next barrier.
    __device__ int next(int *list, int *warp_totals) {
        while (first >= total) {
            base += threads;
            if (base >= words) return 0;
            read(warp_totals);
        }
        const int count = math::min(stage, total - first);
        for (; left && rank < first + count; left &= left - 1, ++rank)
            list[rank - first] = (base + static_cast<int>(threadIdx.x)) * warp + __ffs(static_cast<int>(left)) - 1;
        first += count;
        return count;
    }

  private:
    // The next words of the mask, one a thread, and the number of faces before each.
    __device__ void read(int *warp_totals) {
        const int thread = static_cast<int>(threadIdx.x), lane = thread % warp;
        left = base + thread < words ? mask[base + thread] : 0u;
        const int own = __popc(left);
        int upto = own;
        for (int apart = 1; apart < warp; apart *= 2) {
            const int before = __shfl_up_sync(0xffffffffu, upto, apart);
            upto += lane >= apart ? before : 0;
        }
        __syncthreads(); // the totals of the last reading are no longer needed
        if (lane == warp - 1) warp_totals[thread / warp] = upto;
        __syncthreads();
        rank = upto - own;
        total = 0;
        for (int w = 0; w < warps; ++w) {
            rank += w < thread / warp ? warp_totals[w] : 0;
            total += warp_totals[w];
        }
        first = 0;
    }
};

} // namespace cuda
} // namespace gendr
