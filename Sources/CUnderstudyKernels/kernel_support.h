// What the kernels of all instruction sets share.
#pragma once
#include "understudy_kernels.h"

static inline int64_t us_pad(int64_t count, int64_t lane_pad) { return (count + lane_pad - 1) / lane_pad * lane_pad; }

// A place of an array that may not be there: C knows no offset from NULL.
#define PLACE(array, offset) ((array) ? (array) + (offset) : (array))

#define INLINE static inline __attribute__((always_inline))

#define FUSED_MULTIPLY_ADD(a, b, c) __builtin_elementwise_fma(a, b, c)

// Nothing is contracted behind our back: every multiply-add is written as one.
#pragma clang fp contract(off)

extern const us_kernels_f64 us_kernels_f64_portable, us_kernels_f64_avx2, us_kernels_f64_avx512;
extern const us_kernels_f32 us_kernels_f32_portable, us_kernels_f32_avx2, us_kernels_f32_avx512;
extern const us_map_kernels us_map_kernels_f32_portable, us_map_kernels_f32_avx2, us_map_kernels_f32_avx512;
