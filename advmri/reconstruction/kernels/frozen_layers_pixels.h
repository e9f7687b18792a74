/* Layers that go from pixel to pixel, to 2 x 2 pixels, or from them: for one REAL. */

/* Read what one row of pixels is multiplied from: [inputs][stride]; 2 x 2 pixels are four inputs. */
static void NAME(read_pixels)(const Layer *layer, int64_t sample, int64_t row, int64_t stride, REAL *numbers, REAL *wide) {
    int64_t width = layer->width, contract = layer->mode == CONTRACT, pixels = layer->height * width << (2 * contract);
    for (int64_t channel = 0; channel < inputs_of(layer); channel++) {
        INPUT input = NAME(input_of)(layer, sample, channel, pixels);
        if (!contract) {
            NAME(read_row)(&input, row, width, width, numbers + channel * stride);
            continue;
        }
        for (int64_t below = 0; below < 2; below++) {
            REAL *restrict to = numbers + (4 * channel + 2 * below) * stride;
            NAME(read_row)(&input, 2 * row + below, 2 * width, 4 * width, wide);
            for (int64_t x = 0; x < width; x++) {
                to[x] = wide[2 * x];
                to[stride + x] = wide[2 * x + 1];
            }
        }
    }
}

/* Write products [block][vectors] of one row of pixels; four of them are 2 x 2 pixels. `begins`: a strip. */
static void NAME(write_pixels)(const Layer *layer, int64_t sample, int64_t row, int begins, int64_t first, int64_t block,
                               int64_t left, int64_t vectors, const VECTOR *products, SUMS *sums) {
    int64_t expand = layer->mode == EXPAND, height = layer->height << expand, width = layer->width << expand;
    for (int64_t c = 0; c < block; c += 1 + expand) {
        int64_t channel = expand ? (first + c) / 4 : first + c, below = expand ? (first + c) % 4 / 2 : 0;
        int64_t place = ((row << expand) + below) * width;
        PLANE plane = NAME(plane_of)(layer, sample, channel, height * width);
        REAL bias = layer->bias == NULL ? 0 : ((const REAL *)layer->bias)[channel];
        for (int64_t v = 0; v < vectors; v++) {
            VECTOR parts[2] = {products[c * vectors + v] + bias};
            if (expand) NAME(interleave)(parts[0], products[(c + 1) * vectors + v], parts);
            for (int64_t part = 0; part <= expand; part++) {
                int64_t x = ((left + v * LANES) << expand) + part * LANES;
                if (begins && x == 0 && below == 0) sums[channel].pivot = NAME(spread_value)(parts[0][0]);
                if (x < width) NAME(emit)(&plane, place + x, parts[part], width - x, &sums[channel]);
            }
        }
    }
}

/* 1 x 1 products of pixels, as `mode` says. Returns 1 without memory. */
int NAME(mix)(const Layer *layer) {
    int expand = layer->mode == EXPAND, contract = layer->mode == CONTRACT;
    int64_t inputs = inputs_of(layer) << (2 * contract), outputs = outputs_of(layer), all = outputs << (2 * expand);
    int64_t rows = STRIP >> expand, strips = (layer->height + rows - 1) / rows;
    int64_t vectors = (layer->width + LANES - 1) / LANES, stride = vectors * LANES, block;
    REAL *weights = NAME(room)(all * inputs);
    double *kept = malloc(sizeof(double) * layer->samples * strips * outputs * 3);
    int failed = weights == NULL || kept == NULL;
    if (!failed) {
        for (int64_t first = 0; first < all; first += block) {
            block = block_of(all - first, expand);
            for (int64_t input = 0; input < inputs; input++)
                for (int64_t c = 0; c < block; c++)
                    weights[first * inputs + input * block + c] =
                        ((const REAL *)layer->weights)[(first + c) * layer->output_stride + input * layer->input_stride];
        }
#pragma omp parallel num_threads(layer->threads) reduction(| : failed) private(block)
        {
            REAL *numbers = NAME(room)((inputs + 2) * stride), *wide = numbers + inputs * stride;
            VECTOR products[LARGEST_PRODUCT];
            SUMS *sums = aligned_alloc(BYTES, sizeof(SUMS) * outputs);
            failed = numbers == NULL || sums == NULL;
            if (!failed) memset(numbers, 0, sizeof(REAL) * (inputs + 2) * stride);
#pragma omp for schedule(static)
            for (int64_t i = 0; i < layer->samples * strips; i++) {
                if (failed) continue;
                int64_t sample = i / strips, top = i % strips * rows, together;
                memset(sums, 0, sizeof(SUMS) * outputs);
                for (int64_t row = top; row < least(top + rows, layer->height); row++) {
                    NAME(read_pixels)(layer, sample, row, stride, numbers, wide);
                    for (int64_t first = 0; first < all; first += block) {
                        block = block_of(all - first, expand);
                        for (int64_t x = 0; x < vectors; x += together) {
                            together = vectors_of(vectors - x, block);
                            NAME(multiply)(block, together, numbers + x * LANES, stride, weights + first * inputs, inputs,
                                           1, products);
                            NAME(write_pixels)(layer, sample, row, row == top, first, block, x * LANES, together, products, sums);
                        }
                    }
                }
                NAME(keep)(sums, outputs, kept + i * outputs * 3);
            }
            free(numbers);
            free(sums);
        }
        if (!failed) NAME(finish)(layer, kept, layer->height << expand, layer->width << expand);
    }
    free(weights);
    free(kept);
    return failed;
}

/* Means of 2 x 2 pixels. Returns 1 without memory. */
int NAME(pool)(const Layer *layer) {
    int64_t channels = layer->sources[0].channels, width = layer->width;
    int failed = 0;
#pragma omp parallel num_threads(layer->threads) reduction(| : failed)
    {
        int64_t room = (2 * width + LANES - 1) / LANES * LANES;
        REAL *above = NAME(room)(2 * room), *below = above + room;
        failed = above == NULL;
#pragma omp for schedule(static)
        for (int64_t i = 0; i < layer->samples * channels * layer->height; i++) {
            if (failed) continue;
            int64_t plane = i / layer->height, row = i % layer->height;
            REAL *restrict to = (REAL *)layer->sinks[0].values + i * width;
            INPUT input = NAME(input_of)(layer, plane / channels, plane % channels, 4 * layer->height * width);
            NAME(read_row)(&input, 2 * row, 2 * width, 4 * width, above);
            NAME(read_row)(&input, 2 * row + 1, 2 * width, 4 * width, below);
            for (int64_t x = 0; x < width; x++)
                to[x] = (above[2 * x] + above[2 * x + 1] + below[2 * x] + below[2 * x + 1]) / 4;
        }
        free(above);
    }
    return failed;
}

/* Add the gradient of means of 2 x 2 pixels to that of the pixels. Returns 1 without memory. */
int NAME(unpool)(const Layer *layer) {
    int64_t channels = layer->sinks[0].channels, height = 2 * layer->height, width = 2 * layer->width, strips = strips_of(height);
    double *kept = malloc(sizeof(double) * layer->samples * strips * channels * 3);
    if (kept == NULL) return 1;
    int failed = 0;
#pragma omp parallel num_threads(layer->threads) reduction(| : failed)
    {
        REAL *wide = NAME(room)(width + LANES);
        failed = wide == NULL;
#pragma omp for schedule(static)
        for (int64_t i = 0; i < layer->samples * strips; i++) {
            if (failed) continue;
            int64_t sample = i / strips, top = i % strips * STRIP;
            for (int64_t channel = 0; channel < channels; channel++) {
                const REAL *small = (const REAL *)layer->sources[0].values +
                                    (sample * channels + channel) * layer->height * layer->width;
                PLANE plane = NAME(plane_of)(layer, sample, channel, height * width);
                SUMS sums;
                memset(&sums, 0, sizeof sums);
                for (int64_t row = top; row < least(top + STRIP, height); row++) {
                    const REAL *from = small + row / 2 * layer->width;
                    const REAL *to = plane.values + row * width;
                    for (int64_t x = 0; x < layer->width; x++) wide[2 * x] = wide[2 * x + 1] = from[x] / 4;
                    for (int64_t x = 0; x < width; x++) wide[x] += to[x];
                    for (int64_t x = 0; x < width; x += LANES)
                        NAME(emit)(&plane, row * width + x, NAME(load)(wide + x), width - x, &sums);
                }
                NAME(keep)(&sums, 1, kept + (i * channels + channel) * 3);
            }
        }
        free(wide);
    }
    if (!failed) NAME(finish)(layer, kept, height, width);
    free(kept);
    return failed;
}
