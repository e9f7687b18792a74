/* Instance normalisation without weights, then leaky ReLU, of images in channels-last memory: [samples][pixels][channels].
 *
 * Forward reads the image twice and writes it once, in place; backward needs the output and 1 / SD only, since a leaky
 * ReLU can be undone. Sums run over blocks of a fixed number of pixels that are added in order, so that the result does
 * not depend on the number of threads.
 */
#ifndef REAL

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Elements of a block (whole pixels), of one pass of an inner loop, and of an image below which one thread is faster. */
enum { BLOCK = 16384, LANES = 256, SMALL = 65536 };

typedef struct {
    const void *gradient, *output, *inverse_deviation;
    void *result;
    double *sums;        /* [samples][blocks][2][channels] */
    double *moments;     /* [samples][2][channels] */
    int64_t samples, pixels, channels, gradient_stride, block_pixels, blocks;
    double slope;
} Task;

typedef void (*Stage)(const Task *, int64_t sample, int64_t block, void *scratch);

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Do a stage for every block; returns 0, or 1 without memory. */
static int for_every_block(const Task *task, Stage stage, int64_t threads) {
    int64_t count = task->samples * task->blocks;
    int failed = 0;
    threads = count * task->block_pixels * task->channels < SMALL ? 1 : least(threads, count);
#pragma omp parallel num_threads(threads) reduction(| : failed)
    {
        void *scratch = malloc(4 * sizeof(double) * (LANES + task->channels));
        failed = scratch == NULL;
#pragma omp for schedule(static)
        for (int64_t i = 0; i < count; i++)
            if (scratch != NULL) stage(task, i / task->blocks, i % task->blocks, scratch);
        free(scratch);
    }
    return failed;
}

/* Choose the blocks and make room for their sums; returns 1 without memory. */
static int prepare(Task *task) {
    task->block_pixels = BLOCK / task->channels > 0 ? BLOCK / task->channels : 1;
    task->blocks = (task->pixels + task->block_pixels - 1) / task->block_pixels;
    task->sums = malloc(sizeof(double) * 2 * task->channels * task->samples * task->blocks);
    task->moments = malloc(sizeof(double) * 2 * task->channels * task->samples);
    return task->sums == NULL || task->moments == NULL;
}

static void release(Task *task) {
    free(task->sums);
    free(task->moments);
}

/* Add the blocks' two sums per channel and divide by the number of pixels. */
static void take_means(Task *task) {
    int64_t width = 2 * task->channels;
    for (int64_t sample = 0; sample < task->samples; sample++) {
        double *means = task->moments + sample * width;
        memset(means, 0, sizeof(double) * width);
        for (int64_t block = 0; block < task->blocks; block++)
            for (int64_t i = 0; i < width; i++) means[i] += task->sums[(sample * task->blocks + block) * width + i];
        for (int64_t i = 0; i < width; i++) means[i] /= (double)task->pixels;
    }
}

/* bfloat16 is the upper half of a float; rounded to nearest, ties to even, NaN kept. */
static inline float widen(uint16_t value) {
    uint32_t bits = (uint32_t)value << 16;
    float wide;
    memcpy(&wide, &bits, sizeof wide);
    return wide;
}

static inline uint16_t narrow(float wide) {
    uint32_t bits;
    memcpy(&bits, &wide, sizeof bits);
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return (uint16_t)(wide != wide ? 0x7fc0 : rounded);
}

/* REAL: what is computed in; ELEMENT: what images are stored in, with GET and PUT between the two. */
#define REAL float
#define ELEMENT float
#define GET(value) (value)
#define PUT(value) (value)
#define NAME(stem) stem##_float32
#include "normalise_activate.c"
#undef NAME
#undef ELEMENT
#undef GET
#undef PUT
#define ELEMENT uint16_t
#define GET(value) widen(value)
#define PUT(value) narrow(value)
#define NAME(stem) stem##_bfloat16
#include "normalise_activate.c"
#undef NAME
#undef ELEMENT
#undef GET
#undef PUT
#undef REAL
#define REAL double
#define ELEMENT double
#define GET(value) (value)
#define PUT(value) (value)
#define NAME(stem) stem##_float64
#include "normalise_activate.c"

#else

/* Sum what is in `a` and `b` [repeats][channels] into `sums` [2][channels]. */
static void NAME(collect)(const REAL *a, const REAL *b, double *sums, int64_t repeats, int64_t channels) {
    for (int64_t r = 0; r < repeats; r++)
        for (int64_t c = 0; c < channels; c++) {
            sums[c] += a[r * channels + c];
            sums[channels + c] += b[r * channels + c];
        }
}

/* Sums of x - pivot and its square, the pivot being the sample's first pixel: no cancellation where the mean is large. */
static void NAME(sum_image)(const Task *task, int64_t sample, int64_t block, void *scratch) {
    int64_t channels = task->channels, repeats = LANES / channels > 0 ? LANES / channels : 1, width = repeats * channels;
    const ELEMENT *image = (const ELEMENT *)task->result + sample * task->pixels * channels;
    REAL *restrict first = scratch, *restrict second = first + width, *restrict pivot = second + width;
    double *sums = task->sums + (sample * task->blocks + block) * 2 * channels;
    int64_t pixel = block * task->block_pixels, end = least(pixel + task->block_pixels, task->pixels);
    for (int64_t i = 0; i < width; i++) {
        pivot[i] = GET(image[i % channels]);
        first[i] = second[i] = 0;
    }
    for (; pixel + repeats <= end; pixel += repeats) {
        const ELEMENT *restrict x = image + pixel * channels;
        for (int64_t i = 0; i < width; i++) {
            REAL difference = GET(x[i]) - pivot[i];
            first[i] += difference;
            second[i] += difference * difference;
        }
    }
    for (int64_t i = 0; i < (end - pixel) * channels; i++) {
        REAL difference = GET(image[pixel * channels + i]) - pivot[i];
        first[i] += difference;
        second[i] += difference * difference;
    }
    memset(sums, 0, sizeof(double) * 2 * channels);
    NAME(collect)(first, second, sums, repeats, channels);
}

/* y = leaky_relu(x * scale + shift). */
static void NAME(apply)(const Task *task, int64_t sample, int64_t block, void *scratch) {
    int64_t channels = task->channels, repeats = LANES / channels > 0 ? LANES / channels : 1, width = repeats * channels;
    ELEMENT *image = (ELEMENT *)task->result + sample * task->pixels * channels;
    REAL *restrict scale = scratch, *restrict shift = scale + width, slope = (REAL)task->slope;
    const double *moments = task->moments + sample * 2 * channels;
    int64_t pixel = block * task->block_pixels, end = least(pixel + task->block_pixels, task->pixels);
    for (int64_t i = 0; i < width; i++) {
        scale[i] = (REAL)moments[i % channels];
        shift[i] = (REAL)moments[channels + i % channels];
    }
    for (; pixel < end; pixel += repeats) {
        ELEMENT *restrict x = image + pixel * channels;
        int64_t count = least(end - pixel, repeats) * channels;
        for (int64_t i = 0; i < count; i++) {
            REAL normalised = GET(x[i]) * scale[i] + shift[i];
            x[i] = PUT(normalised > 0 ? normalised : normalised * slope);
        }
    }
}

/* Normalise and activate `image` in place; `inverse_deviation` [samples][channels] gets 1 / sqrt(variance + epsilon). */
int NAME(forward)(ELEMENT *image, REAL *inverse_deviation, int64_t samples, int64_t pixels, int64_t channels, double slope,
                  double epsilon, int64_t threads) {
    Task task = {.result = image, .samples = samples, .pixels = pixels, .channels = channels, .slope = slope};
    REAL *pivots = malloc(sizeof(REAL) * samples * channels);
    int failed = pivots == NULL || prepare(&task);
    if (!failed) {
        for (int64_t sample = 0; sample < samples; sample++)
            for (int64_t c = 0; c < channels; c++)
                pivots[sample * channels + c] = GET(image[sample * pixels * channels + c]);
        failed = for_every_block(&task, NAME(sum_image), threads);
        take_means(&task);
        for (int64_t i = 0; i < samples * channels; i++) {
            double *mean = task.moments + i / channels * 2 * channels + i % channels, *square = mean + channels;
            double variance = *square - *mean * *mean;
            double inverse = 1 / sqrt((variance < 0 ? 0 : variance) + epsilon);
            inverse_deviation[i] = (REAL)inverse;
            *square = -(*mean + pivots[i]) * inverse;
            *mean = inverse;
        }
        failed |= for_every_block(&task, NAME(apply), threads);
    }
    free(pivots);
    release(&task);
    return failed;
}

/* Sums of the gradient before the activation and of its product with the normalised image. */
static void NAME(sum_gradient)(const Task *task, int64_t sample, int64_t block, void *scratch) {
    int64_t channels = task->channels, stride = task->gradient_stride;
    int64_t repeats = stride == channels && LANES / channels > 0 ? LANES / channels : 1, width = repeats * channels;
    const ELEMENT *gradient = (const ELEMENT *)task->gradient + sample * task->pixels * stride;
    const ELEMENT *output = (const ELEMENT *)task->output + sample * task->pixels * channels;
    REAL *restrict first = scratch, *restrict second = first + width;
    REAL slope = (REAL)task->slope, undo = (REAL)(1 / task->slope);
    double *sums = task->sums + (sample * task->blocks + block) * 2 * channels;
    int64_t pixel = block * task->block_pixels, end = least(pixel + task->block_pixels, task->pixels);
    for (int64_t i = 0; i < width; i++) first[i] = second[i] = 0;
    for (; pixel < end; pixel += repeats) {
        const ELEMENT *restrict g = gradient + pixel * stride, *restrict y = output + pixel * channels;
        int64_t count = least(end - pixel, repeats) * channels;
        for (int64_t i = 0; i < count; i++) {
            REAL value = GET(y[i]), incoming = GET(g[i]);
            REAL before = value > 0 ? incoming : incoming * slope, normalised = value > 0 ? value : value * undo;
            first[i] += before;
            second[i] += before * normalised;
        }
    }
    memset(sums, 0, sizeof(double) * 2 * channels);
    NAME(collect)(first, second, sums, repeats, channels);
}

/* dx = (dn - mean(dn) - n mean(dn n)) / SD, with n the normalised image and dn its gradient. */
static void NAME(differentiate)(const Task *task, int64_t sample, int64_t block, void *scratch) {
    int64_t channels = task->channels, stride = task->gradient_stride;
    int64_t repeats = stride == channels && LANES / channels > 0 ? LANES / channels : 1, width = repeats * channels;
    const ELEMENT *gradient = (const ELEMENT *)task->gradient + sample * task->pixels * stride;
    const ELEMENT *output = (const ELEMENT *)task->output + sample * task->pixels * channels;
    const REAL *inverse_deviation = (const REAL *)task->inverse_deviation + sample * channels;
    ELEMENT *result = (ELEMENT *)task->result + sample * task->pixels * channels;
    REAL *restrict mean = scratch, *restrict slant = mean + width, *restrict scale = slant + width;
    REAL slope = (REAL)task->slope, undo = (REAL)(1 / task->slope);
    const double *moments = task->moments + sample * 2 * channels;
    int64_t pixel = block * task->block_pixels, end = least(pixel + task->block_pixels, task->pixels);
    for (int64_t i = 0; i < width; i++) {
        mean[i] = (REAL)moments[i % channels];
        slant[i] = (REAL)moments[channels + i % channels];
        scale[i] = inverse_deviation[i % channels];
    }
    for (; pixel < end; pixel += repeats) {
        const ELEMENT *restrict g = gradient + pixel * stride, *restrict y = output + pixel * channels;
        ELEMENT *restrict x = result + pixel * channels;
        int64_t count = least(end - pixel, repeats) * channels;
        for (int64_t i = 0; i < count; i++) {
            REAL value = GET(y[i]), incoming = GET(g[i]);
            REAL before = value > 0 ? incoming : incoming * slope, normalised = value > 0 ? value : value * undo;
            x[i] = PUT((before - mean[i] - normalised * slant[i]) * scale[i]);
        }
    }
}

/* The input's gradient from the output's; pixels of `gradient` are `gradient_stride` elements apart (a part of a stack). */
int NAME(backward)(const ELEMENT *gradient, int64_t gradient_stride, const ELEMENT *output,
                   const REAL *inverse_deviation, ELEMENT *result, int64_t samples, int64_t pixels, int64_t channels, double slope, int64_t threads) {
    Task task = {.gradient = gradient, .gradient_stride = gradient_stride, .output = output, .result = result,
                 .inverse_deviation = inverse_deviation, .samples = samples, .pixels = pixels, .channels = channels,
                 .slope = slope};
    int failed = prepare(&task);
    if (!failed) {
        failed = for_every_block(&task, NAME(sum_gradient), threads);
        take_means(&task);
        failed |= for_every_block(&task, NAME(differentiate), threads);
    }
    release(&task);
    return failed;
}

#endif
