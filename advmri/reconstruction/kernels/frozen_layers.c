/* Layers of fastMRI's Unet with few channels and frozen weights, images in planes: [samples][channels][height][width].
 *
 * Between layers lie convolutions' outputs alone. Instance normalisation and leaky ReLU are done to a row when the next
 * layer reads it, and their derivatives likewise; the sums that they need are taken while a row is written. So each image
 * is written once and read once or twice. Vectors run along rows: no channel is padded.
 *
 * 3 x 3 convolutions are Winograd's F(4, 3) down the columns (Lavin and Gray 2016, arXiv:1509.09308, section 4.1): strips
 * of four rows take 6 products per tap of a row in place of 12.
 *
 * Sums of strips are added in order: results do not depend on the number of threads.
 */
#ifndef REAL

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__AVX512F__)
enum { BYTES = 64 };
#elif defined(__AVX__)
enum { BYTES = 32 };
#else
enum { BYTES = 16 };
#endif

/* Output channels x vectors that a product is worked out for at a time: what the registers hold. */
#if defined(__AVX512F__) || defined(__aarch64__)
enum { MOST_VECTORS_9 = 3, MOST_VECTORS_8 = 3, MOST_VECTORS_6 = 4, MOST_VECTORS = 4 };
#define KERNELS(K)                                                                                         \
    K(9, 3) K(9, 2) K(9, 1) K(8, 3) K(8, 2) K(8, 1) K(6, 4) K(6, 2) K(6, 1) K(4, 4) K(4, 2) K(4, 1) K(2, 4) \
    K(2, 2) K(2, 1) K(1, 4) K(1, 2) K(1, 1)
#else
enum { MOST_VECTORS_9 = 1, MOST_VECTORS_8 = 1, MOST_VECTORS_6 = 2, MOST_VECTORS = 2 };
#define KERNELS(K) K(9, 1) K(8, 1) K(6, 2) K(6, 1) K(4, 2) K(4, 1) K(2, 2) K(2, 1) K(1, 2) K(1, 1)
#endif
enum { LARGEST_PRODUCT = 27 };

/* Rows of a strip, of what it is read from, and taps of a row. */
enum { STRIP = 4, ROWS = 6, TAPS = 3 };

/* Vectors of a row that go through together: what is between reading and writing stays in the nearest cache. */
enum { SEGMENT = 6 };

/* How a row is read: as it is; normalised and activated; or as the gradient before normalisation and activation. */
enum { PLAIN, ACTIVATED, DIFFERENTIATED };

/* What is added up while writing: nothing; moments of the image; sums of its gradient for that of the normalisation. */
enum { NOTHING, MOMENTS, SLOPES };

/* How 1 x 1 products are used: for each pixel; each pixel becoming 2 x 2; or 2 x 2 pixels becoming one. */
enum { EQUAL, EXPAND, CONTRACT };

/* Of each sample and channel: 1 / SD, -mean / SD; mean of the gradient, and of its product with the normalised image. */
enum { SCALE, SHIFT, MEAN, SLANT, COEFFICIENTS };

typedef struct {
    const void *values, *raw; /* `raw`: the image that a gradient, `values`, belongs to */
    const void *coefficients;
    int64_t channels, kind;
} Source;

typedef struct {
    void *values;
    const void *raw;
    void *coefficients;
    int64_t channels, sums;
} Sink;

/* One layer; the second source and sink, for stacked channels, may have none. Sizes are those of the smaller images. */
typedef struct {
    Source sources[2];
    Sink sinks[2];
    const void *weights, *bias;
    int64_t output_stride, input_stride, flipped; /* of the weights */
    int64_t samples, height, width, mode, threads;
    double slope, epsilon;
} Layer;

#define ALWAYS_INLINE static inline __attribute__((always_inline))

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t strips_of(int64_t height) { return (height + STRIP - 1) / STRIP; }

static int64_t inputs_of(const Layer *layer) { return layer->sources[0].channels + layer->sources[1].channels; }

static int64_t outputs_of(const Layer *layer) { return layer->sinks[0].channels + layer->sinks[1].channels; }

/* Which of two stacked images, of `first` and `second` channels, a channel belongs to, and its plane there. */
typedef struct {
    int part;
    int64_t plane;
} Place;

static Place place_of(int64_t first, int64_t second, int64_t sample, int64_t channel) {
    int part = channel >= first;
    return (Place){part, sample * (part ? second : first) + channel - part * first};
}

/* Output channels that are worked out together, of those left; an even number where `even`. */
static int64_t block_of(int64_t left, int even) {
    if (even) return left >= 8 ? 8 : 4;
    if (left % 9 == 0) return 9;
    if (left % 8 == 0) return 8;
    if (left % 6 == 0) return 6;
    return left >= 8 ? 8 : left >= 6 ? 6 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

/* Vectors that are worked out together, of those left of a row. */
static int64_t vectors_of(int64_t left, int64_t block) {
    int64_t most = block == 9 ? MOST_VECTORS_9 : block == 8 ? MOST_VECTORS_8 : block == 6 ? MOST_VECTORS_6 : MOST_VECTORS;
    return left >= most ? most : left >= 2 && most >= 2 ? 2 : 1;
}

#define REAL float
#define INTEGER int32_t
#define NAME(stem) stem##_float32
#include "frozen_layers.c"
#undef NAME
#undef INTEGER
#undef REAL
#define REAL double
#define INTEGER int64_t
#define NAME(stem) stem##_float64
#include "frozen_layers.c"

#else

#include "frozen_layers_planes.h"
#include "frozen_layers_products.h"
#include "frozen_layers_convolve.h"
#include "frozen_layers_pixels.h"
#undef VECTOR
#undef MASK
#undef LANES
#undef SUMS
#undef PLANE
#undef INPUT

#endif
