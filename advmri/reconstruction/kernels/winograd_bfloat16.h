/* Pixels in bfloat16, the upper half of a float; rounded to nearest, ties to even, NaN kept. */

typedef uint16_t NAME(halves) __attribute__((vector_size(BYTES / 2)));
typedef uint32_t NAME(bits) __attribute__((vector_size(BYTES)));

static inline VECTOR NAME(get_pixels)(const PIXEL *from) {
    NAME(halves) value;
    memcpy(&value, from, sizeof value);
    return (VECTOR)(__builtin_convertvector(value, NAME(bits)) << 16);
}

static inline void NAME(put_pixels)(PIXEL *to, VECTOR value) {
    NAME(bits) bits = (NAME(bits))value, lost = (NAME(bits))(value != value);
    NAME(bits) rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    NAME(halves) narrow = __builtin_convertvector((lost & 0x7fc0) | (~lost & rounded), NAME(halves));
    memcpy(to, &narrow, sizeof narrow);
}

#define get_pixels NAME(get_pixels)
#define put_pixels NAME(put_pixels)
