// The vector kernels. A product with a constant is two table look-ups by shuffle: of the low and of the high nibble.
// Up to six targets are summed in registers while each source is read once. What is left of a shard at its end is done
// by a last block that overlaps the one before.
#if defined(__x86_64__)
#include "rs.h"

#include <immintrin.h>

namespace millrace {

static constexpr size_t kGroup = 6;

template <size_t R>
__attribute__((target("avx2"))) static void Avx2Block(const RsJob& job, size_t first, size_t x) {
  const __m256i nibble = _mm256_set1_epi8(15);
  __m256i sums[R];
  for (size_t r = 0; r < R; r++) sums[r] = _mm256_setzero_si256();
  for (size_t c = 0; c < job.source_count; c++) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(job.sources[c] + x));
    const __m256i low = _mm256_and_si256(bytes, nibble);
    const __m256i high = _mm256_and_si256(_mm256_srli_epi64(bytes, 4), nibble);
    const uint8_t* column = job.matrix + first * job.stride + c;
    for (size_t r = 0; r < R; r++) {
      const RsNibbles& table = rs_nibbles[column[r * job.stride]];
      const __m256i lows = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(table.low)));
      const __m256i highs = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(table.high)));
      sums[r] = _mm256_xor_si256(sums[r], _mm256_xor_si256(_mm256_shuffle_epi8(lows, low),
                                                           _mm256_shuffle_epi8(highs, high)));
    }
  }
  for (size_t r = 0; r < R; r++) {
    auto* target = reinterpret_cast<__m256i*>(job.targets[first + r] + x);
    _mm256_storeu_si256(target, sums[r]);
  }
}

template <size_t R>
__attribute__((target("avx2"))) static void Avx2Group(const RsJob& job, size_t first) {
  if (job.length < 32) return RsScalarPart(job, first, R);
  size_t x = 0;
  for (; x + 32 <= job.length; x += 32) Avx2Block<R>(job, first, x);
  if (x < job.length) Avx2Block<R>(job, first, job.length - 32);
}

template <size_t R>
__attribute__((target("ssse3"))) static void Ssse3Block(const RsJob& job, size_t first, size_t x) {
  const __m128i nibble = _mm_set1_epi8(15);
  __m128i sums[R];
  for (size_t r = 0; r < R; r++) sums[r] = _mm_setzero_si128();
  for (size_t c = 0; c < job.source_count; c++) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(job.sources[c] + x));
    const __m128i low = _mm_and_si128(bytes, nibble);
    const __m128i high = _mm_and_si128(_mm_srli_epi64(bytes, 4), nibble);
    const uint8_t* column = job.matrix + first * job.stride + c;
    for (size_t r = 0; r < R; r++) {
      const RsNibbles& table = rs_nibbles[column[r * job.stride]];
      const __m128i lows = _mm_load_si128(reinterpret_cast<const __m128i*>(table.low));
      const __m128i highs = _mm_load_si128(reinterpret_cast<const __m128i*>(table.high));
      sums[r] = _mm_xor_si128(sums[r], _mm_xor_si128(_mm_shuffle_epi8(lows, low), _mm_shuffle_epi8(highs, high)));
    }
  }
  for (size_t r = 0; r < R; r++) {
    auto* target = reinterpret_cast<__m128i*>(job.targets[first + r] + x);
    _mm_storeu_si128(target, sums[r]);
  }
}

template <size_t R>
__attribute__((target("ssse3"))) static void Ssse3Group(const RsJob& job, size_t first) {
  if (job.length < 16) return RsScalarPart(job, first, R);
  size_t x = 0;
  for (; x + 16 <= job.length; x += 16) Ssse3Block<R>(job, first, x);
  if (x < job.length) Ssse3Block<R>(job, first, job.length - 16);
}

using Group = void (*)(const RsJob& job, size_t first);

static void InGroups(const RsJob& job, const Group (&groups)[kGroup]) {
  for (size_t first = 0; first < job.target_count; first += kGroup) {
    const size_t left = job.target_count - first;
    groups[(left < kGroup ? left : kGroup) - 1](job, first);
  }
}

void RsAvx2(const RsJob& job) {
  static constexpr Group kGroups[kGroup] = {Avx2Group<1>, Avx2Group<2>, Avx2Group<3>,
                                            Avx2Group<4>, Avx2Group<5>, Avx2Group<6>};
  InGroups(job, kGroups);
}

void RsSsse3(const RsJob& job) {
  static constexpr Group kGroups[kGroup] = {Ssse3Group<1>, Ssse3Group<2>, Ssse3Group<3>,
                                            Ssse3Group<4>, Ssse3Group<5>, Ssse3Group<6>};
  InGroups(job, kGroups);
}

}  // namespace millrace
#endif
