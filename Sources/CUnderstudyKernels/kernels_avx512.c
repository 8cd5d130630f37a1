// The kernels for x86-64 processors with AVX-512 (F, BW, DQ, VL): 32 registers of 64 bytes.
#include "kernel_support.h"

#if defined(__x86_64__)
#define VECTOR_BYTES 64
#define PRODUCT_ROWS 12
#define UPDATE_VECTORS 4
#define MULTIPLY_ADD FUSED_MULTIPLY_ADD
#define NAME_f64(stem) stem##_f64_avx512
#define NAME_f32(stem) stem##_f32_avx512
// Without a minimum width the compiler prefers to split every 512-bit vector in two.
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"), min_vector_width(512))), apply_to = function)
#include "kernel_precisions.inc"
#include "kernel_maps.inc"
#pragma clang attribute pop
#endif
