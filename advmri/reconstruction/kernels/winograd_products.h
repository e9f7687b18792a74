/* Products of tiles and matrices of weights, worked out in registers: for one REAL. */

#define WEIGHT REAL
#define PANEL (VECTORS * LANES)

#define put_tile NAME(store)
#define put_weight NAME(store)

static Scales NAME(scales)(const Stack *image, const REAL *weights, const Convolution *its, int64_t threads) {
    (void)image, (void)weights, (void)its, (void)threads;
    return (Scales){1, 1};
}

/* products[N tiles][PANEL outputs] (+)= sum over `chunks` x CHUNK inputs of tiles[N][inputs] and matrix[inputs][PANEL].
 *
 * A tile's next CHUNK inputs lie `apart` elements further on, its next CHUNK products `products_apart`.
 * A sum goes on from what is there: it is the same whether its inputs come at once or in parts.
 */
#define KERNEL(N)                                                                                                     \
    static void NAME(multiply_##N)(const REAL *restrict tiles, int64_t apart, const REAL *restrict matrix,            \
                                   REAL *restrict products, int64_t products_apart, int64_t chunks, int more) {       \
        VECTOR sums[N][VECTORS];                                                                                      \
        _Pragma("GCC unroll 16") for (int n = 0; n < N; n++)                                                          \
            _Pragma("GCC unroll 16") for (int v = 0; v < VECTORS; v++)                                                \
                sums[n][v] = more ? NAME(load)(products + NAME(place)(v, products_apart) + n * CHUNK) : (VECTOR){0};  \
        for (int64_t chunk = 0; chunk < chunks; chunk++, tiles += apart)                                              \
            for (int input = 0; input < CHUNK; input++, matrix += PANEL) {                                            \
                VECTOR weights[VECTORS];                                                                              \
                _Pragma("GCC unroll 16") for (int v = 0; v < VECTORS; v++) weights[v] =                               \
                    NAME(load)(matrix + v * LANES);                                                                   \
                _Pragma("GCC unroll 16") for (int n = 0; n < N; n++)                                                  \
                    _Pragma("GCC unroll 16") for (int v = 0; v < VECTORS; v++) sums[n][v] +=                          \
                    tiles[n * CHUNK + input] * weights[v];                                                            \
            }                                                                                                         \
        _Pragma("GCC unroll 16") for (int n = 0; n < N; n++)                                                          \
            _Pragma("GCC unroll 16") for (int v = 0; v < VECTORS; v++)                                                \
                NAME(store)(products + NAME(place)(v, products_apart) + n * CHUNK, sums[n][v]);                       \
    }

static inline int64_t NAME(place)(int v, int64_t apart) { return v * LANES / CHUNK * apart + v * LANES % CHUNK; }

KERNELS(KERNEL)
#undef KERNEL
