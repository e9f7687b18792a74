/* Transforms of Winograd's convolution F(4 x 4, 3 x 3) between channels-last images and tiles: [36][tiles][channels].
 *
 * An output tile of 4 x 4 pixels takes 36 products per pair of channels in place of 144 (Lavin and Gray 2016,
 * arXiv:1509.09308, section 4.2, whose matrices A, B and G these are). The products are matrix products, made elsewhere.
 * An image has a border of one zero; its tiles lie side by side, row after row, one sample after the other.
 */
#ifndef REAL

#include <stdint.h>
#include <string.h>

/* Pixels of an output tile, of an input tile, and bytes of a vector of channels. */
enum { STEP = 4, SIDE = 6, KERNEL = 3, BYTES = 64 };

/* Images [height][width], pixels `stride` elements apart, and their `rows` rows of tiles from `first` on.
 *
 * What belongs to one of a tile's 36 numbers begins `step` elements after the one before, not a power of two, lest all
 * 36 fall into the same few places of the cache.
 */
typedef struct {
    int64_t height, width, channels, stride, first, rows, step;
} Block;

static int64_t across(int64_t length) { return (length + STEP - 1) / STEP; }

#define REAL float
#define NAME(stem) stem##_float32
#include "winograd.c"
#undef NAME
#undef REAL
#define REAL double
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

/* o = B^T x */
static inline void NAME(spread_input)(const VECTOR *x, VECTOR *o, int step) {
    VECTOR a = x[4 * step] - 4 * x[2 * step], b = x[3 * step] - 4 * x[step];
    VECTOR c = x[4 * step] - x[2 * step], d = 2 * (x[3 * step] - x[step]);
    o[0] = 4 * x[0] - 5 * x[2 * step] + x[4 * step];
    o[step] = a + b;
    o[2 * step] = a - b;
    o[3 * step] = c + d;
    o[4 * step] = c - d;
    o[5 * step] = 4 * x[step] - 5 * x[3 * step] + x[5 * step];
}

/* x = B o, the transposed */
static inline void NAME(gather_input)(const VECTOR *o, VECTOR *x, int step) {
    VECTOR a = o[step] + o[2 * step], b = o[step] - o[2 * step];
    VECTOR c = o[3 * step] + o[4 * step], d = 2 * (o[3 * step] - o[4 * step]);
    x[0] = 4 * o[0];
    x[step] = 4 * o[5 * step] - 4 * b - d;
    x[2 * step] = -5 * o[0] - 4 * a - c;
    x[3 * step] = b + d - 5 * o[5 * step];
    x[4 * step] = o[0] + a + c;
    x[5 * step] = o[5 * step];
}

/* y = A^T m */
static inline void NAME(gather_output)(const VECTOR *m, VECTOR *y, int step) {
    VECTOR a = m[step] + m[2 * step], b = m[step] - m[2 * step];
    VECTOR c = m[3 * step] + m[4 * step], d = 2 * (m[3 * step] - m[4 * step]);
    y[0] = m[0] + a + c;
    y[step] = b + d;
    y[2 * step] = a + 4 * c;
    y[3 * step] = b + 4 * d + m[5 * step];
}

/* m = A y, the transposed */
static inline void NAME(spread_output)(const VECTOR *y, VECTOR *m, int step) {
    VECTOR a = y[0] + y[2 * step], b = y[step] + y[3 * step];
    VECTOR c = y[0] + 4 * y[2 * step], d = 2 * y[step] + 8 * y[3 * step];
    m[0] = y[0];
    m[step] = a + b;
    m[2 * step] = a - b;
    m[3 * step] = c + d;
    m[4 * step] = c - d;
    m[5 * step] = y[3 * step];
}

/* o = G w */
static inline void NAME(spread_weight)(const VECTOR *w, VECTOR *o, int step) {
    VECTOR a = (w[0] + w[2 * step]) / 6, b = w[step] / 6, c = w[0] / 24 + w[2 * step] / 6, d = w[step] / 12;
    o[0] = w[0] / 4;
    o[step] = -a - b;
    o[2 * step] = b - a;
    o[3 * step] = c + d;
    o[4 * step] = c - d;
    o[5 * step] = w[2 * step];
}

/* Matrices [36][outputs][inputs] of the weights [outputs][all inputs][3][3] whose first one is given. */
void NAME(spread_weights)(const REAL *weights, REAL *matrices, int64_t outputs, int64_t inputs, int64_t all_inputs,
                          int64_t step, int64_t threads) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t output = 0; output < outputs; output++)
        for (int64_t input = 0; input < inputs; input += LANES) {
            const REAL *first = weights + (output * all_inputs + input) * KERNEL * KERNEL;
            VECTOR w[KERNEL * SIDE], x[SIDE * SIDE], y[SIDE * SIDE];
            for (int i = 0; i < KERNEL * KERNEL; i++)
                for (int lane = 0; lane < LANES; lane++) w[i][lane] = first[lane * KERNEL * KERNEL + i];
            for (int j = 0; j < KERNEL; j++) NAME(spread_weight)(w + j, x + j, KERNEL);
            for (int i = 0; i < SIDE; i++) NAME(spread_weight)(x + i * KERNEL, y + i * SIDE, 1);
            for (int k = 0; k < SIDE * SIDE; k++) memcpy(matrices + k * step + output * inputs + input, &y[k], BYTES);
        }
}

/* Read the tiles of `side` x `side` pixels that begin `border` before each output tile, and spread them to 36 numbers. */
static inline void NAME(spread)(const REAL *image, REAL *tiles, const Block *block, int side, int border,
                                int64_t threads, void (*transform)(const VECTOR *, VECTOR *, int)) {
    int64_t columns = across(block->width), per_sample = across(block->height), count = block->rows * columns;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t tile = 0; tile < count; tile++) {
        int64_t row = block->first + tile / columns, sample = row / per_sample;
        int64_t top = row % per_sample * STEP - border, left = tile % columns * STEP - border;
        const REAL *first = image + sample * block->height * block->width * block->stride;
        for (int64_t channel = 0; channel < block->channels; channel += LANES) {
            VECTOR x[SIDE * SIDE], y[SIDE * SIDE];
            for (int i = 0; i < side; i++)
                for (int j = 0; j < side; j++) {
                    int64_t v = top + i, u = left + j;
                    int inside = v >= 0 && v < block->height && u >= 0 && u < block->width;
                    x[i * SIDE + j] =
                        inside ? NAME(load)(first + (v * block->width + u) * block->stride + channel) : (VECTOR){0};
                }
            for (int j = 0; j < side; j++) transform(x + j, y + j, SIDE);
            for (int i = 0; i < SIDE; i++) transform(y + i * SIDE, x + i * SIDE, 1);
            for (int k = 0; k < SIDE * SIDE; k++)
                memcpy(tiles + k * block->step + tile * block->channels + channel, &x[k], BYTES);
        }
    }
}

/* Tiles of an image, for its convolution. */
void NAME(spread_image)(const REAL *image, REAL *tiles, const Block *block, int64_t threads) {
    NAME(spread)(image, tiles, block, SIDE, 1, threads, NAME(spread_input));
}

/* Tiles of an output's gradient, for the transposed convolution. */
void NAME(spread_gradient)(const REAL *image, REAL *tiles, const Block *block, int64_t threads) {
    NAME(spread)(image, tiles, block, STEP, 0, threads, NAME(spread_output));
}

/* The convolution's output from its tiles. */
void NAME(gather_image)(const REAL *tiles, REAL *image, const Block *block, int64_t threads) {
    int64_t columns = across(block->width), per_sample = across(block->height), count = block->rows * columns;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t tile = 0; tile < count; tile++) {
        int64_t row = block->first + tile / columns, sample = row / per_sample;
        int64_t top = row % per_sample * STEP, left = tile % columns * STEP;
        REAL *first = image + sample * block->height * block->width * block->stride;
        for (int64_t channel = 0; channel < block->channels; channel += LANES) {
            VECTOR x[SIDE * SIDE], y[SIDE * SIDE];
            for (int k = 0; k < SIDE * SIDE; k++)
                x[k] = NAME(load)(tiles + k * block->step + tile * block->channels + channel);
            for (int j = 0; j < SIDE; j++) NAME(gather_output)(x + j, y + j, SIDE);
            for (int i = 0; i < STEP; i++) NAME(gather_output)(y + i * SIDE, x + i * SIDE, 1);
            for (int i = 0; i < STEP && top + i < block->height; i++)
                for (int j = 0; j < STEP && left + j < block->width; j++)
                    memcpy(first + ((top + i) * block->width + left + j) * block->stride + channel, &x[i * SIDE + j],
                           BYTES);
        }
    }
}

/* Add the input's gradient from its tiles, which overlap: each thread has channels of its own. */
void NAME(add_gradient)(const REAL *tiles, REAL *image, const Block *block, int64_t threads) {
    int64_t columns = across(block->width), per_sample = across(block->height), count = block->rows * columns;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int64_t channel = 0; channel < block->channels; channel += LANES)
        for (int64_t tile = 0; tile < count; tile++) {
            int64_t row = block->first + tile / columns, sample = row / per_sample;
            int64_t top = row % per_sample * STEP - 1, left = tile % columns * STEP - 1;
            REAL *first = image + sample * block->height * block->width * block->stride;
            VECTOR x[SIDE * SIDE], y[SIDE * SIDE];
            for (int k = 0; k < SIDE * SIDE; k++)
                x[k] = NAME(load)(tiles + k * block->step + tile * block->channels + channel);
            for (int j = 0; j < SIDE; j++) NAME(gather_input)(x + j, y + j, SIDE);
            for (int i = 0; i < SIDE; i++) NAME(gather_input)(y + i * SIDE, x + i * SIDE, 1);
            for (int i = 0; i < SIDE; i++)
                for (int j = 0; j < SIDE; j++) {
                    int64_t v = top + i, u = left + j;
                    if (v < 0 || v >= block->height || u < 0 || u >= block->width) continue;
                    REAL *at = first + (v * block->width + u) * block->stride + channel;
                    VECTOR sum = NAME(load)(at) + x[i * SIDE + j];
                    memcpy(at, &sum, BYTES);
                }
        }
}

#undef VECTOR
#undef LANES
#endif
