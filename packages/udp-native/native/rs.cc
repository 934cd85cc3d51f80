// GF(2^8) with the polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11d), as Reed-Solomon codes commonly take.
#include "rs.h"

namespace millrace {

RsNibbles rs_nibbles[256];

static uint8_t Product(uint8_t a, uint8_t b) {
  unsigned result = 0;
  for (unsigned left = a, right = b; right != 0; right >>= 1) {
    if (right & 1) result ^= left;
    left <<= 1;
    if (left & 0x100) left ^= 0x11d;
  }
  return static_cast<uint8_t>(result);
}

void RsScalarPart(const RsJob& job, size_t first, size_t count) {
  for (size_t r = first; r < first + count; r++) {
    const uint8_t* row = job.matrix + r * job.stride;
    for (size_t x = 0; x < job.length; x++) {
      uint8_t sum = 0;
      for (size_t c = 0; c < job.source_count; c++) {
        const RsNibbles& table = rs_nibbles[row[c]];
        const uint8_t byte = job.sources[c][x];
        sum ^= table.low[byte & 15] ^ table.high[byte >> 4];
      }
      job.targets[r][x] = sum;
    }
  }
}

static void RsScalar(const RsJob& job) { RsScalarPart(job, 0, job.target_count); }

namespace {

struct Chosen {
  RsKernel kernels[3];
  size_t count = 0;
  uint8_t inverses[256] = {};
  Chosen() {
    for (unsigned a = 0; a < 256; a++) {
      for (unsigned nibble = 0; nibble < 16; nibble++) {
        rs_nibbles[a].low[nibble] = Product(static_cast<uint8_t>(a), static_cast<uint8_t>(nibble));
        rs_nibbles[a].high[nibble] = Product(static_cast<uint8_t>(a), static_cast<uint8_t>(nibble << 4));
      }
      for (unsigned b = 1; b < 256; b++) {
        if (Product(static_cast<uint8_t>(a), static_cast<uint8_t>(b)) == 1) inverses[a] = static_cast<uint8_t>(b);
      }
    }
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) kernels[count++] = {"avx2", RsAvx2};
    if (__builtin_cpu_supports("ssse3")) kernels[count++] = {"ssse3", RsSsse3};
#endif
    kernels[count++] = {"scalar", RsScalar};
  }
};

// Filled while the module loads, before any thread can call it; never written again.
const Chosen chosen;

}  // namespace

static uint8_t Times(const RsNibbles& factor, uint8_t byte) {
  return factor.low[byte & 15] ^ factor.high[byte >> 4];
}

static void Scale(uint8_t* row, size_t length, uint8_t factor) {
  for (size_t i = 0; i < length; i++) row[i] = Times(rs_nibbles[factor], row[i]);
}

static void AddTimes(uint8_t* row, const uint8_t* other, size_t length, uint8_t factor) {
  for (size_t i = 0; i < length; i++) row[i] ^= Times(rs_nibbles[factor], other[i]);
}

static void Swap(uint8_t* a, uint8_t* b, size_t length) {
  for (size_t i = 0; i < length; i++) {
    const uint8_t byte = a[i];
    a[i] = b[i];
    b[i] = byte;
  }
}

bool RsSolve(uint8_t* left, uint8_t* right, size_t size, size_t columns, size_t stride) {
  for (size_t pivot = 0; pivot < size; pivot++) {
    uint8_t* left_pivot = left + pivot * stride;
    uint8_t* right_pivot = right + pivot * stride;
    size_t found = pivot;
    while (found < size && left[found * stride + pivot] == 0) found++;
    if (found == size) return false;
    if (found != pivot) {
      Swap(left_pivot, left + found * stride, size);
      Swap(right_pivot, right + found * stride, columns);
    }
    const uint8_t scale = chosen.inverses[left_pivot[pivot]];
    // What is left of the pivot has been made 0.
    Scale(left_pivot + pivot, size - pivot, scale);
    Scale(right_pivot, columns, scale);
    for (size_t row = 0; row < size; row++) {
      const uint8_t factor = left[row * stride + pivot];
      if (row == pivot || factor == 0) continue;
      AddTimes(left + row * stride + pivot, left_pivot + pivot, size - pivot, factor);
      AddTimes(right + row * stride, right_pivot, columns, factor);
    }
  }
  return true;
}

size_t RsKernels(const RsKernel** kernels) {
  *kernels = chosen.kernels;
  return chosen.count;
}

}  // namespace millrace
