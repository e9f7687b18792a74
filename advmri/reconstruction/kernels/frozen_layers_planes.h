/* How planes of images are read and written by vectors, with what is done to numbers on the way: for one REAL. */

typedef REAL NAME(vector) __attribute__((vector_size(BYTES)));
typedef INTEGER NAME(mask) __attribute__((vector_size(BYTES)));
#define VECTOR NAME(vector)
#define MASK NAME(mask)
#define LANES ((int64_t)(BYTES / sizeof(REAL)))

/* What is added up of one channel of a strip; `pivot`: about its values, lest the variance be lost in the mean. */
typedef struct {
    VECTOR first, second, pivot;
} NAME(Sums);
#define SUMS NAME(Sums)

/* One plane of a sink. */
typedef struct {
    REAL *values;
    const REAL *raw;
    REAL scale, shift, slope;
    int64_t pixels, sums;
} NAME(Plane);
#define PLANE NAME(Plane)

static inline VECTOR NAME(load)(const REAL *from) {
    VECTOR value;
    memcpy(&value, from, BYTES);
    return value;
}

/* Lanes below `count`. */
static inline MASK NAME(lanes_below)(int64_t count) {
    MASK lanes;
    for (int lane = 0; lane < LANES; lane++) lanes[lane] = lane;
    return lanes < (INTEGER)(count < LANES ? count : LANES);
}

/* Read a vector of a row that ends after `count`, and its memory after `room`: beyond the row lies anything, or 0. */
static inline VECTOR NAME(load_end)(const REAL *from, int64_t count, int64_t room) {
    if (count >= LANES || room >= LANES) return NAME(load)(from);
    VECTOR value = {0};
    memcpy(&value, from, sizeof(REAL) * count);
    return value;
}

static inline void NAME(store_end)(REAL *to, VECTOR value, int64_t count) {
    if (count >= LANES) {
        memcpy(to, &value, BYTES);
        return;
    }
    const REAL *from = (const REAL *)&value;
    for (int64_t part = LANES / 2; part > 0; part /= 2)
        if (count & part) {
            memcpy(to, from, sizeof(REAL) * part);
            to += part;
            from += part;
        }
}

static inline VECTOR NAME(spread_value)(REAL value) { return value - (VECTOR){0}; }

static inline VECTOR NAME(choose)(MASK which, VECTOR yes, VECTOR no) {
    return (VECTOR)(((MASK)yes & which) | ((MASK)no & ~which));
}

/* a0 b0 a1 b1 ... */
static inline void NAME(interleave)(VECTOR even, VECTOR odd, VECTOR *parts) {
    REAL mixed[2 * LANES];
    for (int lane = 0; lane < LANES; lane++) {
        mixed[2 * lane] = even[lane];
        mixed[2 * lane + 1] = odd[lane];
    }
    memcpy(parts, mixed, 2 * BYTES);
}

/* One plane of a source. */
typedef struct {
    const REAL *values, *raw;
    REAL scale, shift, mean, slant, slope;
    int64_t pixels, kind;
} NAME(Input);
#define INPUT NAME(Input)

/* The plane of an input channel of stacked sources, whose images have this many pixels. */
static INPUT NAME(input_of)(const Layer *layer, int64_t sample, int64_t input, int64_t pixels) {
    Place place = place_of(layer->sources[0].channels, layer->sources[1].channels, sample, input);
    const Source *source = &layer->sources[place.part];
    int64_t number = place.plane;
    INPUT plane = {.values = (const REAL *)source->values + number * pixels, .pixels = pixels, .kind = source->kind};
    plane.slope = (REAL)layer->slope;
    if (source->kind != PLAIN) {
        const REAL *coefficients = (const REAL *)source->coefficients + number * COEFFICIENTS;
        plane.scale = coefficients[SCALE], plane.shift = coefficients[SHIFT];
        plane.mean = coefficients[MEAN], plane.slant = coefficients[SLANT];
    }
    if (source->kind == DIFFERENTIATED) plane.raw = (const REAL *)source->raw + number * pixels;
    return plane;
}

/* Read a vector at `place`, of which `count` lanes are in the image; `kind`: a constant, the plane's. */
ALWAYS_INLINE VECTOR NAME(read_kind)(int64_t kind, const INPUT *input, int64_t place, int64_t count) {
    int64_t room = input->pixels - place;
    VECTOR value = NAME(load_end)(input->values + place, count, room);
    if (kind == ACTIVATED) {
        VECTOR normalised = value * input->scale + input->shift;
        value = NAME(choose)(normalised > 0, normalised, normalised * input->slope);
    } else if (kind == DIFFERENTIATED) {
        VECTOR normalised = NAME(load_end)(input->raw + place, count, room) * input->scale + input->shift;
        VECTOR before = NAME(choose)(normalised > 0, value, value * input->slope);
        value = (before - input->mean - normalised * input->slant) * input->scale;
    }
    return value;
}

/* Read a row; beyond its end `out` gets anything up to a whole vector. What lies `ahead` is asked for already. */
ALWAYS_INLINE void NAME(read_row_kind)(int64_t kind, const INPUT *input, int64_t row, int64_t width, int64_t ahead,
                                       REAL *out) {
    for (int64_t x = 0; x < width; x += LANES) {
        int64_t place = row * width + x;
        VECTOR value = NAME(read_kind)(kind, input, place, width - x);
        memcpy(out + x, &value, BYTES);
        __builtin_prefetch(input->values + place + ahead, 0, 2);
        if (kind == DIFFERENTIATED) __builtin_prefetch(input->raw + place + ahead, 0, 2);
    }
}

static void NAME(read_row)(const INPUT *input, int64_t row, int64_t width, int64_t ahead, REAL *out) {
    if (input->kind == PLAIN) NAME(read_row_kind)(PLAIN, input, row, width, ahead, out);
    else if (input->kind == ACTIVATED) NAME(read_row_kind)(ACTIVATED, input, row, width, ahead, out);
    else NAME(read_row_kind)(DIFFERENTIATED, input, row, width, ahead, out);
}

/* The plane of an output channel of stacked sinks, whose images have this many pixels. */
static PLANE NAME(plane_of)(const Layer *layer, int64_t sample, int64_t output, int64_t pixels) {
    Place place = place_of(layer->sinks[0].channels, layer->sinks[1].channels, sample, output);
    const Sink *sink = &layer->sinks[place.part];
    int64_t number = place.plane;
    PLANE plane = {.values = (REAL *)sink->values + number * pixels, .pixels = pixels, .sums = sink->sums};
    plane.slope = (REAL)layer->slope;
    if (sink->sums == SLOPES) {
        const REAL *coefficients = (const REAL *)sink->coefficients + number * COEFFICIENTS;
        plane.raw = (const REAL *)sink->raw + number * pixels;
        plane.scale = coefficients[SCALE];
        plane.shift = coefficients[SHIFT];
    }
    return plane;
}

/* Write a vector of which `count` lanes are in the image, and add to the sums; `kind`: a constant, the plane's sums. */
ALWAYS_INLINE void NAME(emit_kind)(int64_t kind, const PLANE *plane, int64_t place, VECTOR value, int64_t count,
                                   SUMS *sums) {
    MASK inside = NAME(lanes_below)(count);
    NAME(store_end)(plane->values + place, value, count);
    if (kind == MOMENTS) {
        VECTOR difference = (VECTOR)((MASK)(value - sums->pivot) & inside);
        sums->first += difference;
        sums->second += difference * difference;
    } else if (kind == SLOPES) {
        VECTOR raw = NAME(load_end)(plane->raw + place, count, plane->pixels - place);
        VECTOR normalised = raw * plane->scale + plane->shift;
        VECTOR before = NAME(choose)(normalised > 0, value, value * plane->slope);
        sums->first += (VECTOR)((MASK)before & inside);
        sums->second += (VECTOR)((MASK)(before * normalised) & inside);
    }
}

static void NAME(emit)(const PLANE *plane, int64_t place, VECTOR value, int64_t count, SUMS *sums) {
    if (plane->sums == NOTHING) NAME(emit_kind)(NOTHING, plane, place, value, count, sums);
    else if (plane->sums == MOMENTS) NAME(emit_kind)(MOMENTS, plane, place, value, count, sums);
    else NAME(emit_kind)(SLOPES, plane, place, value, count, sums);
}

/* Keep a strip's sums: [strips][channels][3]. */
static void NAME(keep)(const SUMS *sums, int64_t channels, double *kept) {
    for (int64_t channel = 0; channel < channels; channel++) {
        double first = 0, second = 0;
        for (int lane = 0; lane < LANES; lane++) {
            first += sums[channel].first[lane];
            second += sums[channel].second[lane];
        }
        kept[3 * channel] = sums[channel].pivot[0];
        kept[3 * channel + 1] = first;
        kept[3 * channel + 2] = second;
    }
}

/* Turn the strips' sums [samples][strips][outputs][3] of images of this size into coefficients. */
static void NAME(finish)(const Layer *layer, const double *sums, int64_t height, int64_t width) {
    int64_t outputs = outputs_of(layer), strips = strips_of(height);
    for (int64_t i = 0; i < layer->samples * outputs; i++) {
        int64_t sample = i / outputs, channel = i % outputs;
        Place place = place_of(layer->sinks[0].channels, layer->sinks[1].channels, sample, channel);
        const Sink *sink = &layer->sinks[place.part];
        if (sink->sums == NOTHING) continue;
        REAL *coefficients = (REAL *)sink->coefficients + place.plane * COEFFICIENTS;
        double mean = 0, spread = 0, slant = 0, number = 0;
        for (int64_t strip = 0; strip < strips; strip++) {
            const double *of_strip = sums + ((sample * strips + strip) * outputs + channel) * 3;
            double pixels = (double)(least(STRIP, height - strip * STRIP) * width);
            if (sink->sums == MOMENTS) {
                double from_pivot = of_strip[1] / pixels, difference = of_strip[0] + from_pivot - mean;
                double both = number + pixels;
                spread += of_strip[2] - of_strip[1] * from_pivot + difference * difference * number * pixels / both;
                mean += difference * pixels / both;
                number = both;
            } else {
                mean += of_strip[1];
                slant += of_strip[2];
                number += pixels;
            }
        }
        if (sink->sums == MOMENTS) {
            double scale = 1 / sqrt((spread < 0 ? 0 : spread) / number + layer->epsilon);
            coefficients[SCALE] = (REAL)scale;
            coefficients[SHIFT] = (REAL)(-mean * scale);
        } else {
            coefficients[MEAN] = (REAL)(mean / number);
            coefficients[SLANT] = (REAL)(slant / number);
        }
    }
}

/* Memory for numbers. */
static void *NAME(room)(int64_t numbers) {
    return aligned_alloc(BYTES, (sizeof(REAL) * numbers + BYTES - 1) / BYTES * BYTES);
}
