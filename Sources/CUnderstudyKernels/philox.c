// Philox4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
// A number depends on (key, purpose, index, position) alone: any part of any stream can be drawn at any time, by anyone.
#define _GNU_SOURCE  // sincos
#include <math.h>

#include "understudy_kernels.h"

static inline void philox_rounds(uint32_t c[4], uint32_t k0, uint32_t k1) {
  for (int round = 0; round < 10; round++) {
    const uint64_t p0 = (uint64_t)0xD2511F53u * c[0], p1 = (uint64_t)0xCD9E8D57u * c[2];
    const uint32_t c1 = c[1], c3 = c[3];
    c[0] = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    c[1] = (uint32_t)p1;
    c[2] = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c[3] = (uint32_t)p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

void us_philox(const uint32_t counter[4], uint64_t key, uint32_t out[4]) {
  for (int i = 0; i < 4; i++) out[i] = counter[i];
  philox_rounds(out, (uint32_t)key, (uint32_t)(key >> 32));
}

static inline void block_at(uint64_t key, uint32_t purpose, uint32_t index, uint64_t block, uint32_t out[4]) {
  const uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), index, purpose};
  us_philox(counter, key, out);
}

void us_philox_words(uint64_t key, uint32_t purpose, uint32_t index, uint64_t first, int64_t count, uint32_t *out) {
  uint32_t words[4];
  uint64_t block = first / 4;
  int64_t skip = (int64_t)(first % 4);
  for (int64_t done = 0; done < count; block++, skip = 0) {
    block_at(key, purpose, index, block, words);
    for (int64_t i = skip; i < 4 && done < count; i++) out[done++] = words[i];
  }
}

// Uniform in (0, 1): 52 bits and a half step, so that neither end is ever returned and every value is exact.
static inline double open_unit(uint32_t low, uint32_t high) {
  const uint64_t bits = (((uint64_t)high << 32) | low) >> 12;
  return ((double)bits + 0.5) * 0x1p-52;
}

void us_philox_normals(uint64_t key, uint32_t purpose, uint32_t index, uint64_t first_pair, int64_t count, double scale,
                       double *out) {
  for (int64_t done = 0; done < count; done += 2, first_pair++) {
    uint32_t words[4];
    block_at(key, purpose, index, first_pair, words);
    const double radius = scale * sqrt(-2 * log(open_unit(words[0], words[1])));
    const double angle = 6.283185307179586 * open_unit(words[2], words[3]);
    double sine, cosine;
    sincos(angle, &sine, &cosine);
    out[done] = radius * cosine;
    if (done + 1 < count) out[done + 1] = radius * sine;
  }
}
