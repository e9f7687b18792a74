/* Winograd's convolution F(4 x 4, 3 x 3) of channels-last images with a border of one zero.
 *
 * A tile of 4 x 4 pixels of the result takes 36 products per pair of channels in place of 144 (Lavin and Gray 2016,
 * arXiv:1509.09308, section 4.2, whose matrices A, B and G these are). Tiles lie side by side, row after row, one sample
 * after the other. What is between image and image stays in the cache: the input's tiles are spread some at a time, and
 * each thread multiplies a few of them by the matrices of a few outputs, and gathers those at once.
 */
#ifndef REAL

#include <stdint.h>
#include <string.h>

/* Vectors and tiles that a product is worked out for at a time: what the registers hold. */
#if defined(__AVX512F__)
enum { BYTES = 64, VECTORS = 2, MOST_TILES = 14 };
#define KERNELS(K) K(1) K(2) K(3) K(4) K(5) K(6) K(7) K(8) K(9) K(10) K(11) K(12) K(13) K(14)
#elif defined(__AVX__)
enum { BYTES = 32, VECTORS = 2, MOST_TILES = 6 };
#define KERNELS(K) K(1) K(2) K(3) K(4) K(5) K(6)
#else
enum { BYTES = 16, VECTORS = 4, MOST_TILES = 6 };
#define KERNELS(K) K(1) K(2) K(3) K(4) K(5) K(6)
#endif

/* Images whose channels lie side by side; the second one has what is left of all channels, often none. */
typedef struct {
    void *first, *other;
    int64_t channels;
} Stack;

/* Powers of two that images and weights are multiplied by, and results by their inverse. */
typedef struct {
    double image, weights;
} Scales;

/* Pixels of an output tile, of an input tile, of a kernel; channels that lie together. */
enum { STEP = 4, SIDE = 6, POINTS = SIDE * SIDE, KERNEL = 3, TAPS = KERNEL * KERNEL, CHUNK = 16 };

/* Elements between blocks that would else lie powers of two apart, and fall into the same few places of the cache. */
enum { GAP = 16 };

/* What is convolved, and how it is divided: how many of all tiles are spread together; and of those tiles, outputs and
 * inputs how many are multiplied at a time. Where `shared`, the matrices of all weights are made first; else, where all
 * tiles are multiplied at a time, each thread makes those that it needs. */
typedef struct {
    int64_t samples, height, width, inputs, outputs, reversed;
    int64_t tiles_together, tiles_at_once, outputs_at_once, inputs_at_once, shared;
} Convolution;

static int64_t across(int64_t length) { return (length + STEP - 1) / STEP; }
static int64_t smaller(int64_t one, int64_t other) { return one < other ? one : other; }
static int64_t parts(int64_t all, int64_t part) { return (all + part - 1) / part; }

#ifdef _OPENMP
extern int omp_get_thread_num(void);
#else
static int omp_get_thread_num(void) { return 0; }
#endif

/* REAL: what tiles are worked out in; PIXEL: what images are stored in; HALF: whether products are of half precision. */
#define REAL float
#define PIXEL float
#define NAME(stem) stem##_float32
#include "winograd.c"
#undef NAME
#undef PIXEL
#define PIXEL uint16_t
#define NAME(stem) stem##_bfloat16
#define BFLOAT16
#ifdef __AVX512FP16__
#define HALF
#endif
#include "winograd.c"
#undef HALF
#undef BFLOAT16
#undef NAME
#undef PIXEL
#undef REAL
#define REAL double
#define PIXEL double
#define NAME(stem) stem##_float64
#include "winograd.c"

#else

typedef REAL NAME(vector) __attribute__((vector_size(BYTES)));
#define VECTOR NAME(vector)
#define LANES (BYTES / (int64_t)sizeof(REAL))

static inline VECTOR NAME(load)(const REAL *from) {
    VECTOR value;
    memcpy(&value, from, BYTES);
    return value;
}

static inline void NAME(store)(REAL *to, VECTOR value) { memcpy(to, &value, BYTES); }

#ifdef BFLOAT16
#include "winograd_bfloat16.h"
#else
#define get_pixels NAME(load)
#define put_pixels NAME(store)
#endif
#ifdef HALF
#include "winograd_half.h"
#else
#include "winograd_products.h"
#endif
#include "winograd_tiles.h"

/* Multiply `count` tiles (winograd_products.h), in groups as even as can be of what the registers hold. */
static void NAME(multiply)(int64_t count, const REAL *tiles, int64_t apart, const WEIGHT *matrix, REAL *products,
                           int64_t products_apart, int64_t chunks, int more) {
    for (int64_t groups = (count + MOST_TILES - 1) / MOST_TILES; groups; groups--) {
        int64_t some = (count + groups - 1) / groups;
        switch (some) {
#define KERNEL(N) \
    case N: NAME(multiply_##N)(tiles, apart, matrix, products, products_apart, chunks, more); break;
            KERNELS(KERNEL)
#undef KERNEL
        }
        tiles += some * CHUNK, products += some * CHUNK, count -= some;
    }
}

/* Elements between the 36 blocks: of tiles, of one thread's products and matrices, of all matrices. */
static int64_t NAME(tiles_step)(const Convolution *its) { return its->tiles_together * its->inputs + GAP; }
static int64_t NAME(products_step)(const Convolution *its) { return its->tiles_at_once * its->outputs_at_once + GAP; }
static int64_t NAME(matrices_step)(const Convolution *its) {
    return its->shared ? parts(its->outputs, PANEL) * PANEL * its->inputs + GAP
                       : its->outputs_at_once * its->inputs_at_once + GAP;
}

/* Bytes that `convolve` needs to work in. */
int64_t NAME(space)(const Convolution *its, int64_t threads) {
    int64_t matrices = NAME(matrices_step)(its) * (its->shared ? 1 : threads);
    int64_t reals = NAME(tiles_step)(its) + NAME(products_step)(its) * threads;
    return POINTS * (reals * (int64_t)sizeof(REAL) + matrices * (int64_t)sizeof(WEIGHT));
}

/* Multiply `count` spread tiles from `from` on, of which the first belongs to the result's tile `first`, by the matrices
 * of outputs from `output` on, and gather the result. */
static void NAME(convolve_part)(const REAL *weights, const REAL *tiles, WEIGHT *matrices, REAL *products, const Stack *result,
                                int64_t first, int64_t from, int64_t count, int64_t output, const Scales *scales, const Convolution *its) {
    int64_t step = NAME(tiles_step)(its), matrix_step = NAME(matrices_step)(its), product_step = NAME(products_step)(its);
    int64_t outputs = smaller(its->outputs_at_once, its->outputs - output), apart = its->tiles_at_once * CHUNK;
    int64_t most = its->shared ? its->inputs : its->inputs_at_once;
    for (int64_t input = 0; input < its->inputs; input += most) {
        int64_t inputs = smaller(most, its->inputs - input);
        for (int64_t panel = 0; panel < outputs && !its->shared; panel += PANEL)
            NAME(spread_weights)(weights, matrices + panel * inputs, matrix_step, output + panel, input, inputs, scales,
                                 its);
        for (int64_t k = 0; k < POINTS; k++)
            for (int64_t panel = 0; panel < outputs; panel += PANEL)
                NAME(multiply)(count, tiles + k * step + input * its->tiles_together + from * CHUNK,
                               its->tiles_together * CHUNK,
                               matrices + k * matrix_step + (its->shared ? output + panel : panel) * inputs,
                               products + k * product_step + panel / CHUNK * apart + panel % CHUNK, apart, inputs / CHUNK,
                               input > 0);
    }
    for (int64_t tile = 0; tile < count; tile++)
        NAME(gather_tile)(products + tile * CHUNK, result, product_step, apart, first + from + tile, output, outputs, scales,
                          its);
}

/* `result` [samples][height][width][outputs] = convolution of `image` [samples][height][width][inputs] with the weights. */
void NAME(convolve)(const Stack *image, const REAL *weights, const Stack *result, void *space, const Convolution *its,
                    int64_t threads) {
    Scales scales = NAME(scales)(image, weights, its, threads);
    int64_t all = its->samples * across(its->height) * across(its->width), step = NAME(tiles_step)(its);
    int64_t matrix_step = NAME(matrices_step)(its), product_step = NAME(products_step)(its);
    REAL *tiles = space, *products = tiles + POINTS * step;
    WEIGHT *matrices = (WEIGHT *)(products + POINTS * product_step * threads);
#pragma omp parallel num_threads(threads)
    {
        int64_t thread = omp_get_thread_num();
        if (its->shared) {
#pragma omp for schedule(static)
            for (int64_t output = 0; output < its->outputs; output += PANEL)
                NAME(spread_weights)(weights, matrices + output * its->inputs, matrix_step, output, 0, its->inputs,
                                     &scales, its);
        }
        for (int64_t first = 0; first < all; first += its->tiles_together) {
            int64_t count = smaller(its->tiles_together, all - first), pieces = parts(count, its->tiles_at_once);
#pragma omp for schedule(static)
            for (int64_t tile = 0; tile < count; tile++)
                NAME(spread_tile)(image, tiles + tile * CHUNK, step, its->tiles_together * CHUNK, first + tile, &scales, its);
#pragma omp for schedule(dynamic)
            for (int64_t part = 0; part < parts(its->outputs, its->outputs_at_once) * pieces; part++) {
                int64_t from = part % pieces * its->tiles_at_once, output = part / pieces * its->outputs_at_once;
                NAME(convolve_part)(weights, tiles, matrices + (its->shared ? 0 : POINTS * matrix_step * thread),
                                    products + POINTS * product_step * thread, result, first, from,
                                    smaller(its->tiles_at_once, count - from), output, &scales, its);
            }
        }
    }
}

#undef WEIGHT
#undef PANEL
#undef get_pixels
#undef put_pixels
#undef put_tile
#undef put_weight
#undef VECTOR
#undef LANES
#endif
