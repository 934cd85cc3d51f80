// Products of a matrix over GF(2^8) with shards: the one operation that encoding and rebuilding are made of.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace millrace {

constexpr size_t kMostShards = 255;

// targets[r] = sum over c of matrix[r * stride + c] * sources[c], `length` bytes each. No target overlaps another shard.
struct RsJob {
  const uint8_t* matrix;
  size_t stride;
  uint8_t* const* targets;
  size_t target_count;
  const uint8_t* const* sources;
  size_t source_count;
  size_t length;
};

using RsRun = void (*)(const RsJob& job);
struct RsKernel {
  const char* name;
  RsRun run;
};

// The kernels that this processor can run, best first. The last one is always `scalar`.
size_t RsKernels(const RsKernel** kernels);

// For each coefficient, its products with the low nibbles 0x00 to 0x0f and with the high ones 0x00 to 0xf0.
struct alignas(32) RsNibbles {
  uint8_t low[16];
  uint8_t high[16];
};
extern RsNibbles rs_nibbles[256];

// Targets first..first + count, one byte at a time.
void RsScalarPart(const RsJob& job, size_t first, size_t count);

// right = left^-1 * right, by elimination; `left` is size x size, `right` size x columns, both in rows of `stride` bytes. False
// when `left` has no inverse. Both are overwritten.
bool RsSolve(uint8_t* left, uint8_t* right, size_t size, size_t columns, size_t stride);

#if defined(__x86_64__)
void RsSsse3(const RsJob& job);
void RsAvx2(const RsJob& job);
#endif

}  // namespace millrace
