/* Transforms between images, weights and the 36 numbers of each tile: for one REAL. */

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

/* y = A^T m */
static inline void NAME(gather_output)(const VECTOR *m, VECTOR *y, int step) {
    VECTOR a = m[step] + m[2 * step], b = m[step] - m[2 * step];
    VECTOR c = m[3 * step] + m[4 * step], d = 2 * (m[3 * step] - m[4 * step]);
    y[0] = m[0] + a + c;
    y[step] = b + d;
    y[2 * step] = a + 4 * c;
    y[3 * step] = b + 4 * d + m[5 * step];
}

/* o = G w */
static inline void NAME(spread_weight)(const VECTOR *w, VECTOR *o, int step) {
    const REAL sixth = (REAL)1 / 6, twelfth = (REAL)1 / 12, twentyfourth = (REAL)1 / 24;
    VECTOR a = sixth * (w[0] + w[2 * step]), b = sixth * w[step];
    VECTOR c = twentyfourth * w[0] + sixth * w[2 * step], d = twelfth * w[step];
    o[0] = w[0] / 4;
    o[step] = -a - b;
    o[2 * step] = b - a;
    o[3 * step] = c + d;
    o[4 * step] = c - d;
    o[5 * step] = w[2 * step];
}

/* Spread CHUNK x LANES kernels to their places in the matrices: a lane's kernels lie `apart` after the one before. */
static inline __attribute__((always_inline)) void NAME(spread_kernels)(const REAL *copy, int64_t row, int64_t apart,
                                                                       int reversed, WEIGHT *to, int64_t step,
                                                                       REAL scale) {
    for (int64_t i = 0; i < CHUNK; i++) {
        VECTOR w[TAPS] = {0}, x[KERNEL * SIDE], y[POINTS];
        for (int tap = 0; tap < TAPS; tap++) {
            for (int lane = 0; lane < LANES; lane++)
                w[tap][lane] = copy[i * row + lane * apart + (reversed ? TAPS - 1 - tap : tap)];
            w[tap] *= scale;
        }
        for (int j = 0; j < KERNEL; j++) NAME(spread_weight)(w + j, x + j, KERNEL);
        for (int j = 0; j < SIDE; j++) NAME(spread_weight)(x + j * KERNEL, y + j * SIDE, 1);
        for (int k = 0; k < POINTS; k++) put_weight(to + k * step + i * PANEL, y[k]);
    }
}

/* Matrices [36][inputs][PANEL] of the weights of PANEL outputs from `output` on, zero past the last of them.
 *
 * The weights are [outputs][inputs][3][3], or, where `reversed`, those of the gradient's convolution:
 * [inputs][outputs][3][3] and each kernel the other way round. Pieces of them are copied first: rows lie powers of two
 * apart, and fall into the same few places of the cache. */
static void NAME(spread_weights)(const REAL *weights, WEIGHT *matrices, int64_t step, int64_t output, int64_t input,
                                 int64_t inputs, const Scales *scales, const Convolution *its) {
    enum { WIDE = CHUNK * TAPS + GAP, NARROW = LANES * TAPS + GAP };
    const REAL scale = (REAL)scales->weights;
    for (int64_t lane = 0; lane < PANEL; lane += LANES)
        for (int64_t from = 0; from < inputs; from += CHUNK) {
            REAL copy[CHUNK * WIDE];
            WEIGHT *to = matrices + from * PANEL + lane;
            int there = output + lane < its->outputs; /* outputs are a multiple of LANES */
            if (!there) memset(copy, 0, sizeof copy);
            if (its->reversed) {
                const REAL *first = weights + ((input + from) * its->outputs + output + lane) * TAPS;
                for (int64_t i = 0; i < CHUNK && there; i++)
                    memcpy(copy + i * NARROW, first + i * its->outputs * TAPS, LANES * TAPS * sizeof(REAL));
                NAME(spread_kernels)(copy, NARROW, TAPS, 1, to, step, scale);
            } else {
                const REAL *first = weights + ((output + lane) * its->inputs + input + from) * TAPS;
                for (int64_t i = 0; i < LANES && there; i++)
                    memcpy(copy + i * WIDE, first + i * its->inputs * TAPS, CHUNK * TAPS * sizeof(REAL));
                NAME(spread_kernels)(copy, TAPS, WIDE, 0, to, step, scale);
            }
        }
}

/* Spread the input tile that belongs to a tile of the result, counted through all samples, to tiles[36][chunks][CHUNK]. */
static void NAME(spread_tile)(const Stack *image, REAL *tiles, int64_t step, int64_t apart, int64_t tile,
                              const Scales *scales, const Convolution *its) {
    int64_t columns = across(its->width), row = tile / columns, per_sample = across(its->height);
    int64_t top = row % per_sample * STEP - 1, left = tile % columns * STEP - 1;
    int64_t sample = row / per_sample * its->height * its->width;
    for (int64_t channel = 0; channel < its->inputs; channel += LANES) {
        int other = channel >= image->channels;
        int64_t stride = other ? its->inputs - image->channels : image->channels;
        const PIXEL *first = other ? image->other : image->first;
        first += sample * stride + channel - (other ? image->channels : 0);
        VECTOR x[SIDE * SIDE], y[SIDE * SIDE];
        for (int i = 0; i < SIDE; i++)
            for (int j = 0; j < SIDE; j++) {
                int64_t v = top + i, u = left + j;
                int inside = v >= 0 && v < its->height && u >= 0 && u < its->width;
                x[i * SIDE + j] = inside ? get_pixels(first + (v * its->width + u) * stride) : (VECTOR){0};
            }
        for (int j = 0; j < SIDE; j++) NAME(spread_input)(x + j, y + j, SIDE);
        for (int i = 0; i < SIDE; i++) NAME(spread_input)(y + i * SIDE, x + i * SIDE, 1);
        REAL *to = tiles + channel / CHUNK * apart + channel % CHUNK;
        for (int k = 0; k < POINTS; k++) put_tile(to + k * step, x[k] * (REAL)scales->image);
    }
}

/* Gather a tile of the result, `outputs` channels of it from `output` on, from products[36][chunks][CHUNK]. */
static void NAME(gather_tile)(const REAL *products, const Stack *result, int64_t step, int64_t apart, int64_t tile,
                              int64_t output, int64_t outputs, const Scales *scales, const Convolution *its) {
    int64_t columns = across(its->width), row = tile / columns, per_sample = across(its->height);
    int64_t top = row % per_sample * STEP, left = tile % columns * STEP;
    const REAL back = (REAL)(1 / (scales->image * scales->weights));
    int64_t sample = row / per_sample * its->height * its->width;
    for (int64_t channel = 0; channel < outputs; channel += LANES) {
        VECTOR x[SIDE * SIDE], y[SIDE * SIDE];
        int other = output + channel >= result->channels;
        int64_t stride = other ? its->outputs - result->channels : result->channels;
        PIXEL *first = other ? result->other : result->first;
        first += sample * stride + output + channel - (other ? result->channels : 0);
        const REAL *from = products + channel / CHUNK * apart + channel % CHUNK;
        for (int k = 0; k < POINTS; k++) x[k] = NAME(load)(from + k * step);
        for (int j = 0; j < SIDE; j++) NAME(gather_output)(x + j, y + j, SIDE);
        for (int i = 0; i < STEP; i++) NAME(gather_output)(y + i * SIDE, x + i * SIDE, 1);
        for (int i = 0; i < STEP && top + i < its->height; i++)
            for (int j = 0; j < STEP && left + j < its->width; j++)
                put_pixels(first + ((top + i) * its->width + left + j) * stride, x[i * SIDE + j] * back);
    }
}
