// The kernels for x86-64 processors with AVX2 and FMA: 16 registers of 32 bytes.
#include "kernel_support.h"

#if defined(__x86_64__)
#define VECTOR_BYTES 32
#define PRODUCT_ROWS 6
#define UPDATE_VECTORS 3
#define MULTIPLY_ADD FUSED_MULTIPLY_ADD
#define NAME_f64(stem) stem##_f64_avx2
#define NAME_f32(stem) stem##_f32_avx2
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#include "kernel_precisions.inc"
#include "kernel_maps.inc"
#pragma clang attribute pop
#endif
