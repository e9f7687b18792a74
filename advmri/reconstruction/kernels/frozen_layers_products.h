/* Products of weights and rows, worked out in registers: for one REAL. */

/* products[CO][NV] = sum over inputs and taps of weights[inputs][taps][CO] and vectors of `rows`, `stride` apart. */
#define KERNEL(CO, NV)                                                                                              \
    static void NAME(multiply_##CO##_##NV)(const REAL *restrict rows, int64_t stride, const REAL *restrict weights,  \
                                           int64_t inputs, int64_t taps, VECTOR *restrict products) {               \
        VECTOR sums[CO][NV];                                                                                        \
        _Pragma("GCC unroll 16") for (int c = 0; c < CO; c++)                                                       \
            _Pragma("GCC unroll 16") for (int v = 0; v < NV; v++) sums[c][v] = (VECTOR){0};                         \
        for (int64_t input = 0; input < inputs; input++)                                                            \
            for (int64_t tap = 0; tap < taps; tap++) {                                                              \
                const REAL *row = rows + input * stride + tap;                                                      \
                VECTOR x[NV];                                                                                       \
                _Pragma("GCC unroll 16") for (int v = 0; v < NV; v++) x[v] = NAME(load)(row + v * LANES);           \
                _Pragma("GCC unroll 16") for (int c = 0; c < CO; c++)                                               \
                    _Pragma("GCC unroll 16") for (int v = 0; v < NV; v++) sums[c][v] += weights[c] * x[v];          \
                weights += CO;                                                                                      \
            }                                                                                                       \
        _Pragma("GCC unroll 16") for (int c = 0; c < CO; c++)                                                       \
            _Pragma("GCC unroll 16") for (int v = 0; v < NV; v++) products[c * NV + v] = sums[c][v];                \
    }
KERNELS(KERNEL)
#undef KERNEL

static void NAME(multiply)(int64_t block, int64_t vectors, const REAL *rows, int64_t stride, const REAL *weights,
                           int64_t inputs, int64_t taps, VECTOR *products) {
    switch (block * 8 + vectors) {
#define KERNEL(CO, NV) \
    case CO * 8 + NV: NAME(multiply_##CO##_##NV)(rows, stride, weights, inputs, taps, products); break;
        KERNELS(KERNEL)
#undef KERNEL
    }
}
