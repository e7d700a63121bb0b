// Isotonic regression by pooling adjacent violators: which positions of a row share a value.
#pragma once

#include <cstdint>

namespace gendr {

// For rows s - w that should not increase: writes to `blocks` `[rows, n]` the number of each position's block, from 0.
// Squared error pools means of s - w; `entropic` pools log-sum-exp of s minus that of w. Stable: a block's sums are
// kept relative to its largest element. NaN never pools.
template <class T>
void isotonic_blocks(const T *s, const T *w, int64_t *blocks, int64_t rows, int64_t n, bool entropic);

} // namespace gendr
