/* 3 x 3 convolutions: for one REAL. */

/* Weights [outputs][inputs][3][3] in the order of products, blocks of outputs one after the other: o = G w of a column. */
static void NAME(pack_columns)(const Layer *layer, REAL *packed) {
    int64_t inputs = inputs_of(layer), outputs = outputs_of(layer), block;
    for (int64_t first = 0; first < outputs; first += block) {
        block = block_of(outputs - first, 0);
        REAL *of_block = packed + first * inputs * ROWS * TAPS;
#pragma omp parallel for schedule(static) num_threads(layer->threads) if (block * inputs > 1024)
        for (int64_t input = 0; input < inputs; input++)
            for (int64_t c = 0; c < block; c++) {
                const REAL *w = (const REAL *)layer->weights + (first + c) * layer->output_stride + input * layer->input_stride;
                for (int64_t tap = 0; tap < TAPS; tap++) {
                    int64_t place = layer->flipped ? 8 - tap : tap, step = layer->flipped ? -TAPS : TAPS;
                    REAL above = w[place], here = w[place + step], below = w[place + 2 * step];
                    REAL a = (above + below) / 6, b = here / 6, c24 = above / 24 + below / 6, d = here / 12;
                    REAL numbers[ROWS] = {above / 4, -a - b, b - a, c24 + d, c24 - d, below};
                    for (int64_t k = 0; k < ROWS; k++)
                        of_block[((k * inputs + input) * TAPS + tap) * block + c] = numbers[k];
                }
            }
    }
}

/* Read vectors `from` to `end` of the rows around a strip of one channel and turn each six pixels into v = B^T x.
 *
 * `kind`, the source's, and `whole`, that all of them are in the image, are constants. What the next strip needs besides
 * is asked for already.
 */
ALWAYS_INLINE void NAME(spread_kind)(int64_t kind, int whole, const INPUT *input, const Layer *layer, int64_t top,
                                     int64_t from, int64_t end, REAL *numbers, int64_t step) {
    int64_t height = layer->height, width = layer->width;
    for (int64_t x = from * LANES; x < end * LANES; x += LANES) {
        VECTOR r[ROWS];
        int64_t count = whole ? LANES : width - x;
        _Pragma("GCC unroll 6") for (int i = 0; i < ROWS; i++) {
            int64_t row = top - 1 + i, place = row * width + x;
            if (whole) {
                r[i] = NAME(read_kind)(kind, input, place, LANES);
            } else {
                r[i] = (VECTOR){0};
                if (row < 0 || row >= height) continue;
                VECTOR value = NAME(read_kind)(kind, input, place, count);
                r[i] = (VECTOR)((MASK)value & NAME(lanes_below)(count));
            }
            if (i > 1) __builtin_prefetch(input->values + place + STRIP * width, 0, 2);
            if (i > 1 && kind == DIFFERENTIATED) __builtin_prefetch(input->raw + place + STRIP * width, 0, 2);
        }
        VECTOR a = r[4] - 4 * r[2], b = r[3] - 4 * r[1], c = r[4] - r[2], d = 2 * (r[3] - r[1]);
        VECTOR v[ROWS] = {4 * r[0] - 5 * r[2] + r[4], a + b, a - b, c + d, c - d, 4 * r[1] - 5 * r[3] + r[5]};
        _Pragma("GCC unroll 6") for (int k = 0; k < ROWS; k++) memcpy(numbers + k * step + x, &v[k], BYTES);
    }
}

/* Read vectors of all inputs: numbers [6][inputs][stride]. */
static void NAME(spread_strip)(const Layer *layer, int64_t sample, int64_t top, int64_t from, int64_t end, int64_t stride,
                               REAL *numbers) {
    int64_t inputs = inputs_of(layer), step = inputs * stride, pixels = layer->height * layer->width;
    int whole = top > 0 && top + STRIP < layer->height && end * LANES <= layer->width;
    for (int64_t number = 0; number < inputs; number++) {
        INPUT input = NAME(input_of)(layer, sample, number, pixels);
        REAL *to = numbers + number * stride + LANES;
#define SPREAD(KIND)                                                                                              \
    if (input.kind == KIND && whole) NAME(spread_kind)(KIND, 1, &input, layer, top, from, end, to, step);        \
    else if (input.kind == KIND) NAME(spread_kind)(KIND, 0, &input, layer, top, from, end, to, step);
        SPREAD(PLAIN)
        SPREAD(ACTIVATED)
        SPREAD(DIFFERENTIATED)
#undef SPREAD
    }
}

/* Write one channel of a strip from its products [6][...], `step` apart: y = A^T m; `kind` and `whole` are constants. */
ALWAYS_INLINE void NAME(gather_kind)(int64_t kind, int whole, const Layer *layer, const PLANE *plane, int64_t top,
                                     int64_t left, int64_t vectors, const VECTOR *m, int64_t step, SUMS *kept) {
    int64_t rows = whole ? STRIP : least(STRIP, layer->height - top), width = layer->width, place = top * width + left;
    SUMS sums = *kept;
    if (left == 0) sums.pivot = NAME(spread_value)(m[0][0] + m[step][0] + m[2 * step][0] + m[3 * step][0] + m[4 * step][0]);
    for (int64_t v = 0; v < vectors; v++, m++) {
        int64_t count = whole ? LANES : width - left - v * LANES;
        VECTOR a = m[step] + m[2 * step], b = m[step] - m[2 * step];
        VECTOR c = m[3 * step] + m[4 * step], d = 2 * (m[3 * step] - m[4 * step]);
        VECTOR y[STRIP] = {m[0] + a + c, b + d, a + 4 * c, b + 4 * d + m[5 * step]};
        _Pragma("GCC unroll 4") for (int row = 0; row < STRIP; row++)
            if (row < rows) NAME(emit_kind)(kind, plane, place + row * width + v * LANES, y[row], count, &sums);
    }
    *kept = sums;
}

static void NAME(gather_strip)(const Layer *layer, const PLANE *plane, int64_t top, int64_t left, int64_t vectors,
                               const VECTOR *m, int64_t step, SUMS *sums) {
    int whole = top + STRIP <= layer->height && left + vectors * LANES <= layer->width;
#define GATHER(KIND)                                                                                        \
    if (plane->sums == KIND && whole) NAME(gather_kind)(KIND, 1, layer, plane, top, left, vectors, m, step, sums); \
    else if (plane->sums == KIND) NAME(gather_kind)(KIND, 0, layer, plane, top, left, vectors, m, step, sums);
    GATHER(NOTHING)
    GATHER(MOMENTS)
    GATHER(SLOPES)
#undef GATHER
}

/* 3 x 3 convolution with a border of one zero. Returns 1 without memory. */
int NAME(convolve)(const Layer *layer) {
    int64_t inputs = inputs_of(layer), outputs = outputs_of(layer), strips = strips_of(layer->height);
    int64_t vectors = (layer->width + LANES - 1) / LANES, stride = (vectors + 2) * LANES;
    REAL *weights = NAME(room)(outputs * inputs * ROWS * TAPS);
    double *kept = malloc(sizeof(double) * layer->samples * strips * outputs * 3);
    int failed = weights == NULL || kept == NULL;
    if (!failed) {
        NAME(pack_columns)(layer, weights);
#pragma omp parallel num_threads(layer->threads) reduction(| : failed)
        {
            REAL *numbers = NAME(room)(ROWS * inputs * stride);
            PLANE *planes = malloc(sizeof(PLANE) * outputs);
            VECTOR products[ROWS * LARGEST_PRODUCT];
            SUMS *sums = aligned_alloc(BYTES, sizeof(SUMS) * outputs);
            failed = numbers == NULL || planes == NULL || sums == NULL;
            if (!failed) memset(numbers, 0, sizeof(REAL) * ROWS * inputs * stride);
#pragma omp for schedule(static)
            for (int64_t i = 0; i < layer->samples * strips; i++) {
                if (failed) continue;
                int64_t sample = i / strips, top = i % strips * STRIP, block, together;
                memset(sums, 0, sizeof(SUMS) * outputs);
                for (int64_t output = 0; output < outputs; output++)
                    planes[output] = NAME(plane_of)(layer, sample, output, layer->height * layer->width);
                for (int64_t from = 0; from < vectors; from += SEGMENT) {
                    int64_t end = least(from + SEGMENT, vectors), ready = from == 0 ? 0 : from + 1;
                    NAME(spread_strip)(layer, sample, top, ready, least(end + 1, vectors), stride, numbers);
                    for (int64_t first = 0; first < outputs; first += block) {
                        block = block_of(outputs - first, 0);
                        const REAL *of_block = weights + first * inputs * ROWS * TAPS;
                        for (int64_t x = from; x < end; x += together) {
                            together = vectors_of(end - x, block);
                            for (int64_t k = 0; k < ROWS; k++)
                                NAME(multiply)(block, together, numbers + k * inputs * stride + (x + 1) * LANES - 1, stride,
                                               of_block + k * inputs * TAPS * block, inputs, TAPS,
                                               products + k * block * together);
                            for (int64_t c = 0; c < block; c++)
                                NAME(gather_strip)(layer, &planes[first + c], top, x * LANES, together,
                                                   products + c * together, block * together, &sums[first + c]);
                        }
                    }
                }
                NAME(keep)(sums, outputs, kept + i * outputs * 3);
            }
            free(numbers);
            free(planes);
            free(sums);
        }
        if (!failed) NAME(finish)(layer, kept, layer->height, layer->width);
    }
    free(weights);
    free(kept);
    return failed;
}
