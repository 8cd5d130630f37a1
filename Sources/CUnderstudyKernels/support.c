#include "kernel_support.h"

int64_t us_two_layer_workspace(const us_two_layer_shape *s, int64_t batch, int64_t lane_pad) {
  const int64_t stride = us_pad(batch, lane_pad);
  const int64_t scalars = stride * (s->input_stride + s->hidden_width + s->hidden_count + 2 * s->output_stride);
  const int64_t pointers = 5 * stride + s->output_stride;
  return scalars + 2 * pointers;  // a pointer takes at most two scalars
}

int us_supports(us_instruction_set set) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (set) {
    case us_portable: return 1;
    case us_avx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case us_avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
  }
  return 0;
#else
  return set == us_portable;
#endif
}

#if defined(__x86_64__)
#define KERNELS_OF(SUFFIX)                                                         \
  const us_kernels_##SUFFIX *us_kernels_of_##SUFFIX(us_instruction_set set) {      \
    switch (set) {                                                                 \
      case us_portable: return &us_kernels_##SUFFIX##_portable;                    \
      case us_avx2: return &us_kernels_##SUFFIX##_avx2;                            \
      case us_avx512: return &us_kernels_##SUFFIX##_avx512;                        \
    }                                                                              \
    return NULL;                                                                   \
  }
#else
#define KERNELS_OF(SUFFIX)                                                         \
  const us_kernels_##SUFFIX *us_kernels_of_##SUFFIX(us_instruction_set set) {      \
    return set == us_portable ? &us_kernels_##SUFFIX##_portable : NULL;            \
  }
#endif
KERNELS_OF(f64)
KERNELS_OF(f32)

const us_map_kernels *us_map_kernels_of(us_instruction_set set) {
#if defined(__x86_64__)
  switch (set) {
    case us_portable: return &us_map_kernels_f32_portable;
    case us_avx2: return &us_map_kernels_f32_avx2;
    case us_avx512: return &us_map_kernels_f32_avx512;
  }
  return NULL;
#else
  return set == us_portable ? &us_map_kernels_f32_portable : NULL;
#endif
}

int us_executes_skylakex(void) {
#if defined(__x86_64__)
  // What compilers may use for it: unlike us_avx512, conflict detection and bit manipulation as well.
  return us_supports(us_avx512) && us_supports(us_avx2) && __builtin_cpu_supports("avx512cd") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
#else
  return 0;
#endif
}

int us_is_amd(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_is("amd");
#else
  return 0;
#endif
}
