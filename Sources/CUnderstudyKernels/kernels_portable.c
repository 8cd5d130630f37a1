// The kernels for any processor. Plain x86-64 has no fused multiply-add, so its results differ in their last bits.
#include "kernel_support.h"

#define VECTOR_BYTES 16
#define PRODUCT_ROWS 6
#define UPDATE_VECTORS 3
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define MULTIPLY_ADD FUSED_MULTIPLY_ADD
#else
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#endif
#define NAME_f64(stem) stem##_f64_portable
#define NAME_f32(stem) stem##_f32_portable
#include "kernel_precisions.inc"
#include "kernel_maps.inc"
