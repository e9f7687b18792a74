/* Products of tiles and weights of half precision (AVX512-FP16), which are worked out twice as fast as those of floats.
 *
 * Each number of a tile is kept twice, in the place of a float: so it is read into all of a vector at no cost. Sums of
 * DEPTH inputs are of half precision too, and are added up in floats.
 */

#include <immintrin.h>
#include <math.h>

#define WEIGHT _Float16
#define PANEL (VECTORS * HALVES)

enum { HALVES = 32, DEPTH = 2 * CHUNK, LARGEST_PIXEL = 4, LARGEST_WEIGHT = 1, BLOCK = 4096 };

typedef _Float16 halves __attribute__((vector_size(BYTES)));
typedef uint32_t anything __attribute__((may_alias));
typedef uint32_t pairs __attribute__((vector_size(BYTES)));

static inline void put_tile(float *to, VECTOR value) {
    __m512i wide = _mm512_cvtepu16_epi32(_mm512_cvtps_ph((__m512)value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    _mm512_storeu_si512(to, _mm512_or_si512(wide, _mm512_slli_epi32(wide, 16)));
}

static inline void put_weight(WEIGHT *to, VECTOR value) {
    __m256i narrow = _mm512_cvtps_ph((__m512)value, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm256_storeu_si256((__m256i *)to, narrow);
}

/* The power of two that brings the largest of numbers near another, 1 where they are all zero or not finite. */
static double scale(float largest, double wanted) {
    return largest > 0 && largest <= __FLT_MAX__ ? exp2(floor(log2(wanted / largest))) : 1;
}

/* Scales for which sums of DEPTH products stay a fifth below the largest number of half precision. Bits of positive
 * floats are in the order of their values. */
static Scales NAME(scales)(const Stack *image, const float *weights, const Convolution *its, int64_t threads) {
    int64_t pixels = its->samples * its->height * its->width, taps = its->inputs * its->outputs * TAPS;
    int64_t ends[] = {pixels * image->channels, pixels * (its->inputs - image->channels)};
    uint32_t largest_pixel = 0, largest_weight = 0;
    for (int one = 0; one < 2; one++) {
        const uint16_t *from = one ? image->other : image->first;
#pragma omp parallel for schedule(static) num_threads(threads) reduction(max : largest_pixel)
        for (int64_t block = 0; block < ends[one]; block += BLOCK) {
            uint16_t largest = 0;
            for (int64_t i = block; i < smaller(block + BLOCK, ends[one]); i++) {
                uint16_t bits = from[i] & 0x7fff;
                largest = bits > largest ? bits : largest;
            }
            largest_pixel = largest > largest_pixel ? largest : largest_pixel;
        }
    }
    const anything *bits_of_weights = (const anything *)weights;
#pragma omp parallel for schedule(static) num_threads(threads) reduction(max : largest_weight)
    for (int64_t block = 0; block < taps; block += BLOCK) {
        uint32_t largest = 0;
        for (int64_t i = block; i < smaller(block + BLOCK, taps); i++) {
            uint32_t bits = bits_of_weights[i] & 0x7fffffff;
            largest = bits > largest ? bits : largest;
        }
        largest_weight = largest > largest_weight ? largest : largest_weight;
    }
    float largest[2];
    largest_pixel <<= 16;
    memcpy(largest, &largest_pixel, sizeof *largest);
    memcpy(largest + 1, &largest_weight, sizeof *largest);
    return (Scales){scale(largest[0], LARGEST_PIXEL), scale(largest[1], LARGEST_WEIGHT)};
}

/* Add the sums of 32 outputs to the floats of two chunks. */
static inline void add_halves(float *products, int64_t apart, halves sums, int more) {
    __m512i all = (__m512i)sums;
    __m512 low = _mm512_cvtph_ps(_mm512_castsi512_si256(all)), high = _mm512_cvtph_ps(_mm512_extracti64x4_epi64(all, 1));
    _mm512_storeu_ps(products, more ? _mm512_add_ps(_mm512_loadu_ps(products), low) : low);
    _mm512_storeu_ps(products + apart, more ? _mm512_add_ps(_mm512_loadu_ps(products + apart), high) : high);
}

/* products[N tiles][PANEL outputs] (+)= sum over `chunks` x CHUNK inputs, as in winograd_products.h. */
#define KERNEL(N)                                                                                                     \
    static void NAME(multiply_##N)(const float *restrict tiles, int64_t apart, const WEIGHT *restrict matrix,         \
                                   float *restrict products, int64_t products_apart, int64_t chunks, int more) {     \
        while (chunks > 0) {                                                                                          \
            halves sums[N][VECTORS];                                                                                  \
            _Pragma("GCC unroll 16") for (int n = 0; n < N; n++)                                                      \
                _Pragma("GCC unroll 16") for (int v = 0; v < VECTORS; v++) sums[n][v] = (halves){0};                  \
            for (int depth = 0; depth < DEPTH && chunks > 0; depth += CHUNK, tiles += apart, chunks--)                \
                for (int input = 0; input < CHUNK; input++, matrix += PANEL) {                                        \
                    halves weights[VECTORS];                                                                          \
                    memcpy(weights, matrix, sizeof weights);                                                          \
                    _Pragma("GCC unroll 16") for (int n = 0; n < N; n++) {                                            \
                        uint32_t pair;                                                                                \
                        memcpy(&pair, tiles + n * CHUNK + input, sizeof pair);                                        \
                        halves both = (halves)((pairs){0} + pair);                                                    \
                        _Pragma("GCC unroll 16") for (int v = 0; v < VECTORS; v++) sums[n][v] += both * weights[v];   \
                    }                                                                                                 \
                }                                                                                                     \
            _Pragma("GCC unroll 16") for (int n = 0; n < N; n++)                                                      \
                _Pragma("GCC unroll 16") for (int v = 0; v < VECTORS; v++)                                            \
                    add_halves(products + 2 * v * products_apart + n * CHUNK, products_apart, sums[n][v], more);      \
            more = 1;                                                                                                 \
        }                                                                                                             \
    }
KERNELS(KERNEL)
#undef KERNEL
