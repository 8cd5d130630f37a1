// Kernels for small dense networks and counter-based random numbers.
//
// What these functions are: pure loops over memory that the caller owns. They do not allocate, keep state, read files,
// start threads or check arguments; UnderstudyNumerics wraps each of them once and does.
//
// Legend of dimensions
//   d, n, C   inputs, hidden nodes, outputs
//   B         samples in a batch
//   lane pad  a count rounded up to 64 bytes of scalars (8 doubles, 16 floats)
//
// Every kernel exists once per scalar type and instruction set, and each element of a result is the same sequence of
// fused multiply-adds in all of them: AVX2 and AVX-512 give the same bits. The portable set has no FMA on plain x86-64
// and therefore other last bits.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef enum {
  us_portable = 0,
  us_avx2 = 1,
  us_avx512 = 2,
} us_instruction_set;

// Whether this processor can execute the kernels of a set.
int us_supports(us_instruction_set set);

// Whether this processor executes what compilers make for Intel's Skylake-X; and whether it is one of AMD's.
int us_executes_skylakex(void);
int us_is_amd(void);

// A two-layer network and its memory layout. With biases the constant 1 is the last input feature and the last hidden
// "node", so that a bias is one more weight.
//   first layer   W1[n][input_stride],          the columns past input_width are 0
//   output layer  W2[hidden_width][output_stride], row k is the fan-out of hidden node k; columns past C are 0
//   inputs        X[sample][input_stride],      with the constant 1 in place, columns past input_width are 0
//   targets       T[sample][output_stride],     columns past C are 0
typedef struct {
  int64_t input_width;    // d + 1 with biases, d without
  int64_t hidden_count;   // n
  int64_t hidden_width;   // n + 1 with biases, n without
  int64_t output_count;   // C
  int64_t input_stride;   // lane pad of input_width
  int64_t output_stride;  // lane pad of C
  double negative_slope;  // of the (leaky) ReLU: 0 for ReLU, 1 for a linear network
} us_two_layer_shape;

// Scalars of workspace that a step over `batch` samples needs (any precision).
int64_t us_two_layer_workspace(const us_two_layer_shape *shape, int64_t batch, int64_t lane_pad);

// What one call of `train` does besides the steps themselves.
typedef struct {
  double scale;          // learning rate divided by the batch size
  int update_first;      // 0: the first layer is frozen
  int update_last;       // 0: the output layer is frozen
  int unit_norm_first;   // 1: rescale each first-layer row, without its bias, to unit norm after every step
} us_update;

// A teacher and a student side by side: the hidden nodes of both, whose common output is the residual f* - f.
//   fan_out[node_count + 1][output_stride]: the teacher's fan-out weights, then the student's with the sign changed, then the
//   difference of the output biases; columns past output_count are 0
typedef struct {
  int64_t node_count;     // m + n
  int64_t first_student;  // m
  int64_t output_count;   // C
  int64_t output_stride;  // lane pad of C
  double negative_slope;
} us_joint_shape;

// The kernels of one scalar type; a value for each instruction set.
#define US_KERNELS(SCALAR, SUFFIX)                                                                                              \
  typedef struct {                                                                                                              \
    /* SGD: step_count steps, each over `batch` samples indices[step][batch]; the weights are updated in place:                 \
       W1 += scale sum g_1 x^T, W2 += scale sum f e^T, both gradients taken before either update. */                            \
    void (*train)(const us_two_layer_shape *shape, SCALAR *w1, SCALAR *w2, const SCALAR *inputs,                                \
                  const SCALAR *targets, const uint32_t *indices, int64_t batch, int64_t step_count,                            \
                  const us_update *update, SCALAR *workspace);                                                                  \
    /* Gradient of samples first ..< first + count, added to d1 and d2 (shapes of W1, W2), times scale. */                      \
    void (*accumulate)(const us_two_layer_shape *shape, const SCALAR *w1, const SCALAR *w2, SCALAR *d1,                         \
                       SCALAR *d2, const SCALAR *inputs, const SCALAR *targets, int64_t first, int64_t count,                   \
                       double scale, SCALAR *workspace);                                                                        \
    /* sum over samples of ||T - f(X)||^2, for samples in blocks of `width` (a multiple of the lane pad):                       \
       inputs[block][input_width][width], targets[block][C][width]; the last block holds `count` - earlier samples. */          \
    double (*squared_error)(const us_two_layer_shape *shape, const SCALAR *w1, const SCALAR *w2,                                \
                            const SCALAR *inputs, const SCALAR *targets, int64_t count, int64_t width,                          \
                            SCALAR *workspace);                                                                                 \
    /* C[r][0 ..< columns] (+)= sum_k A(r, k) B[k][0 ..< columns], A(r, k) = a[r * a_row_stride + k * a_depth_stride];          \
       columns is a multiple of the lane pad. */                                                                                \
    void (*product)(int64_t rows, int64_t depth, int64_t columns, const SCALAR *a, int64_t a_row_stride,                        \
                    int64_t a_depth_stride, const SCALAR *b, int64_t b_stride, SCALAR *c, int64_t c_stride,                     \
                    int accumulate);                                                                                            \
    /* For `width` samples (a multiple of the lane pad) with preactivations[node][width], and for each row of                   \
       shifts[shift][node] added to them: |g_k| = |phi'(z_k) v_k . (f* - f)| of the student's nodes. node_maxima[n] and         \
       sample_maxima[width] are raised to the largest of them. workspace: (m + 2 n + 1 + C) * width scalars. */                 \
    void (*shifted_gradients)(const us_joint_shape *shape, const SCALAR *fan_out,                                               \
                              const SCALAR *preactivations, int64_t width, const SCALAR *shifts,                                \
                              int64_t shift_count, SCALAR *node_maxima, SCALAR *sample_maxima,                                  \
                              SCALAR *workspace);                                                                               \
    /* Networks of any depth. Activations and gradients are feature-major, [node][columns], `columns` the lane pad of the       \
       batch; W[node][w_stride] with the bias, if any, in the column behind the last input.                                     \
       Forward: C[rows][columns] = W B, or phi(W B) if `activates`; `depth` counts the bias. */                                 \
    void (*deep_forward)(int64_t rows, int64_t depth, int64_t columns, const SCALAR *w, int64_t w_stride,                       \
                         const SCALAR *b, SCALAR *c, int activates, double slope);                                              \
    /* Backward: C[rows][columns] = W^T B over `depth` rows of W, times phi'(f) unless f is NULL. */                            \
    void (*deep_backward)(int64_t rows, int64_t depth, int64_t columns, const SCALAR *w, int64_t w_stride,                      \
                          const SCALAR *b, SCALAR *c, const SCALAR *f, double slope);                                           \
    /* W[rows][columns] += g[rows][count] x[count][columns], x by row pointers; columns is a multiple of the lane pad. */       \
    void (*deep_update)(int64_t rows, int64_t columns, int64_t count, const SCALAR *g, int64_t g_stride,                        \
                        const SCALAR *const *x, SCALAR *w, int64_t w_stride);                                                   \
    /* out[column][row] = scale * rows[row][column]; both counts are multiples of the lane pad. */                              \
    void (*deep_transpose)(const SCALAR *const *rows, int64_t row_count, int64_t columns, SCALAR *out,                          \
                           int64_t out_stride, double scale);                                                                   \
    /* t = scale (t - y), element by element. */                                                                                \
    void (*deep_residual)(int64_t count, SCALAR *t, const SCALAR *y, double scale);                                             \
    /* t[rows][columns] = scale (one-hot(arg max t) - softmax(y)), sample by sample. */                                         \
    void (*deep_cross_entropy)(int64_t rows, int64_t columns, SCALAR *t, const SCALAR *y, double scale);                        \
    /* Batch normalisation over the first `count` of `columns` samples: z becomes (z - mean) / sqrt(variance + epsilon), and    \
       y = phi(scale z + shift) with that slope; scales and shifts may both be NULL. Biased variances. */                       \
    void (*normalize)(int64_t rows, int64_t columns, int64_t count, SCALAR *z, SCALAR *y, const SCALAR *scales,                 \
                      const SCALAR *shifts, SCALAR *means, SCALAR *variances, SCALAR *inverses, double epsilon,                 \
                      double slope);                                                                                            \
    /* Its way back: g towards scale x + shift becomes g towards what was normalised; d_scales and d_shifts, unless NULL,       \
       are added to. */                                                                                                         \
    void (*normalize_backward)(int64_t rows, int64_t columns, int64_t count, SCALAR *g, const SCALAR *x,                        \
                               const SCALAR *scales, const SCALAR *inverses, SCALAR *d_scales,                                  \
                               SCALAR *d_shifts);                                                                               \
    /* a = phi(z); g = phi'(f) g. */                                                                                            \
    void (*activate)(int64_t count, const SCALAR *z, SCALAR *a, double slope);                                                  \
    void (*gate)(int64_t count, SCALAR *g, const SCALAR *f, double slope);                                                      \
    /* Update rules, g the negative gradient: v = momentum v + g - decay w, w += rate v; and Adam with its bias corrections. */ \
    void (*momentum)(int64_t count, SCALAR *w, SCALAR *v, const SCALAR *g, double momentum, double decay,                       \
                     double rate);                                                                                              \
    void (*adam)(int64_t count, SCALAR *w, SCALAR *m, SCALAR *v, const SCALAR *g, double decay, double rate,                    \
                 double first, double second, double first_correction, double second_correction,                                \
                 double epsilon);                                                                                               \
    /* C[r][0 ..< columns] = sum_k factors[k] A[index[k]][r] B[index[k]][0 ..< columns]; without factors they are 1.            \
       columns is a multiple of the lane pad. */                                                                                \
    void (*gathered_product)(int64_t rows, int64_t depth, int64_t columns, const int32_t *index,                                \
                             const SCALAR *factors, const SCALAR *a, int64_t a_stride, const SCALAR *b,                         \
                             int64_t b_stride, SCALAR *c, int64_t c_stride);                                                    \
    /* out[column][row] = in[row][column], for the lane pad of `columns` columns; the columns of `out` from `rows` to its       \
       lane pad are written, too, and hold nothing of use. */                                                                   \
    void (*transpose)(int64_t rows, int64_t columns, const SCALAR *in, int64_t in_stride, SCALAR *out,                          \
                      int64_t out_stride);                                                                                      \
    /* sums[c] += sum_r x[r][c]^2 for the first `columns` columns. Rows are readable to the lane pad. */                        \
    void (*column_squares)(int64_t rows, int64_t columns, const SCALAR *x, int64_t stride, double *sums);                       \
    /* products[j] = sum_r x[r][index[j]] y[r][j] for the first `count` columns of y. */                                        \
    void (*column_products)(int64_t rows, int64_t count, const int32_t *index, const SCALAR *x, int64_t x_stride,               \
                            const SCALAR *y, int64_t y_stride, double *products);                                               \
    /* Rescale each of `rows` rows to unit norm over its first `width` elements; an all-zero row stays. */                      \
    void (*unit_rows)(int64_t rows, int64_t width, SCALAR *w, int64_t stride);                                                  \
    /* Executes repetitions * 24 * (lanes of one vector) independent fused multiply-adds; returns their sum so that             \
       they are not optimised away, and the number of lanes through `lanes`. For measuring the peak. */                         \
    double (*peak)(int64_t repetitions, int64_t *lanes);                                                                        \
  } us_kernels_##SUFFIX;

US_KERNELS(double, f64)
US_KERNELS(float, f32)
#undef US_KERNELS

// The kernels of a set; NULL if they are not of this kind of processor. Whether this one executes them, us_supports says.
const us_kernels_f64 *us_kernels_of_f64(us_instruction_set set);
const us_kernels_f32 *us_kernels_of_f32(us_instruction_set set);

// One image's map of a layer, in the layouts that a library of convolutions chooses: x[block][position][lane], channel
// `block * lanes + lane`. Lanes past the last channel are 0, and stay so where factors and offsets are 0.
typedef struct {
  int64_t blocks;
  int64_t positions;
  int64_t lanes;
} us_map;

// The normalisation of a batch's maps, by channel: y = phi_after(factor x + offset), of x = phi_before(z); a slope of 1 is no
// activation there.
typedef struct {
  const float *means;
  const float *factors;
  const float *offsets;
  float slope_after;
  float slope_before;
} us_map_normalization;

// Kernels of maps, one image a call.
typedef struct {
  // sums[channel] = sum over positions of x - shift, squares[channel] of its square.
  void (*moments)(const us_map *map, const float *x, const float *shifts, float *sums, float *squares);
  // y = phi(factor x + offset), with that slope; y is not x.
  void (*affine)(const us_map *map, const float *x, float *y, const float *factors, const float *offsets, double slope);
  // g is the gradient at y. sums[channel] = sum of h = phi_after' g, products[channel] of h (x - mean).
  void (*backward_sums)(const us_map *map, const float *g, const float *x, const us_map_normalization *normalization,
                        float *sums, float *products);
  // g, the gradient at y, becomes that at z: factor (h - mean_gradient - slope (x - mean)) phi_before'.
  void (*backward)(const us_map *map, float *g, const float *x, const us_map_normalization *normalization,
                   const float *mean_gradients, const float *slopes);
} us_map_kernels;

// As us_kernels_of_f32.
const us_map_kernels *us_map_kernels_of(us_instruction_set set);

// Philox4x32-10 (Salmon et al., SC 2011): the four words for one counter and key.
void us_philox(const uint32_t counter[4], uint64_t key, uint32_t out[4]);

// Words `first` ... `first + count - 1` of the stream whose counter's high words are (index, purpose).
void us_philox_words(uint64_t key, uint32_t purpose, uint32_t index, uint64_t first, int64_t count, uint32_t *out);

// Standard normal numbers 2 * first_pair ... of the same stream, times scale, by Box-Muller; count of them.
void us_philox_normals(uint64_t key, uint32_t purpose, uint32_t index, uint64_t first_pair, int64_t count, double scale,
                       double *out);
