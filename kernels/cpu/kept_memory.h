// Memory that outlives the calls.
#pragma once

#include <cstddef>
#include <cstdlib>

namespace gendr {
inline namespace GENDR_ISA {

// Memory that a thread keeps from band to band and call to call: fresh pages cost more than the pixels on them.
class KeptMemory {
  public:
    KeptMemory() = default;
    KeptMemory(const KeptMemory &) = delete;
    KeptMemory &operator=(const KeptMemory &) = delete;
    ~KeptMemory() { free(data_); }

    // Null where there is none; what it held is lost.
    void *of(size_t bytes) {
        if (bytes <= bytes_) return data_;
        free(data_);
        bytes = (bytes + 63) / 64 * 64;
        data_ = aligned_alloc(64, bytes); // a record that lies across two cache
                                          // lines takes twice the time
        bytes_ = data_ ? bytes : 0;
        return data_;
    }

    // Gives back what is larger.
    void keep_at_most(size_t bytes) {
        if (bytes_ <= bytes) return;
        free(data_);
        data_ = nullptr;
        bytes_ = 0;
    }

  private:
    void *data_ = nullptr;
    size_t bytes_ = 0;
};

} // namespace GENDR_ISA
} // namespace gendr
