/* Snappy and zstd bodies of chunks; every claimed size is checked before memory is taken. */
#include "store/chunk/codec.h"

#include "store/chunk/bytes.h"
#include "store/chunk/crc32c.h"
#include "store/chunk/snappy.h"

#include <stdlib.h>
#include <zstd.h>

void codec_append_snappy(struct buf *out, const uint8_t *data, size_t size) {
    buf_reserve(out, snappy_room(size) + 4);
    size_t used = snappy_encode(data, size, (uint8_t *)out->data + out->size);
    uint8_t *body = (uint8_t *)out->data + out->size;
    write_u32(body + used, crc32c(body, used));
    out->size += used + 4;
}

bool codec_snappy_size(const uint8_t *record, size_t record_size, size_t *size) {
    *size = 0;
    /* Snappy's densest element makes 64 bytes of three; more is a lie that would only cost memory. */
    return record_size >= 5 && snappy_length(record, record_size - 4, size) && *size > 0 &&
           *size <= CODEC_CHUNK_MAX && *size / 22 <= record_size - 4;
}

static bool sum_is_right(const uint8_t *record, size_t body_size) {
    return crc32c(record, body_size) == read_u32(record + body_size);
}

bool codec_decode_snappy_to(const uint8_t *record, size_t record_size, uint8_t *out, size_t size) {
    size_t body_size = record_size - 4;
    return sum_is_right(record, body_size) && snappy_decode(record, body_size, out, size);
}

int codec_decode_snappy(const uint8_t *record, size_t record_size, uint8_t **data, size_t *size,
                        struct err *err) {
    size_t length;
    if (record_size < 5)
        return err_set(err, BD_CORRUPT, "a chunk record of %zu bytes is too short", record_size);
    if (!sum_is_right(record, record_size - 4))
        return err_set(err, BD_CORRUPT, "checksum error");
    if (!codec_snappy_size(record, record_size, &length))
        return err_set(err, BD_CORRUPT, "not a snappy block of a possible size");
    uint8_t *bytes = mem_alloc(length + SNAPPY_SLACK);
    if (!snappy_decode(record, record_size - 4, bytes, length)) {
        free(bytes);
        return err_set(err, BD_CORRUPT, "damaged snappy block");
    }
    *data = bytes;
    *size = length;
    return BD_OK;
}

struct codec_decoder {
    ZSTD_DCtx *context;
};

/* Raw content is used where it lies; only a trained dictionary has tables that are worth preparing. */
struct codec_dictionary {
    uint8_t *raw;
    size_t raw_size;
    ZSTD_DDict *trained; /* NULL for raw content; else raw is NULL */
};

struct codec_decoder *codec_decoder_new(void) {
    struct codec_decoder *d = mem_zalloc(1, sizeof *d);
    d->context = ZSTD_createDCtx();
    return d;
}

void codec_decoder_free(struct codec_decoder *d) {
    if (!d)
        return;
    ZSTD_freeDCtx(d->context);
    free(d);
}

static int bad_frame(size_t code, struct err *err) {
    return err_set(err, BD_CORRUPT, "damaged zstd frame (%s)",
                   ZSTD_isError(code) ? ZSTD_getErrorName(code) : "empty");
}

/* A frame that does not tell its size: decoded piece by piece into growing memory. */
static int decode_unsized(struct codec_decoder *d, const struct codec_dictionary *dictionary,
                          const uint8_t *frame, size_t frame_size, uint8_t **data, size_t *size,
                          struct err *err) {
    struct buf out = BUF_INIT;
    ZSTD_inBuffer input = {frame, frame_size, 0};
    size_t left;
    ZSTD_DCtx_reset(d->context, ZSTD_reset_session_and_parameters);
    if (dictionary && dictionary->trained)
        ZSTD_DCtx_refDDict(d->context, dictionary->trained);
    else if (dictionary)
        ZSTD_DCtx_refPrefix(d->context, dictionary->raw, dictionary->raw_size);
    do {
        buf_reserve(&out, ZSTD_DStreamOutSize());
        ZSTD_outBuffer output = {out.data + out.size, out.capacity - out.size - 1, 0};
        size_t before = input.pos;
        left = ZSTD_decompressStream(d->context, &output, &input);
        out.size += output.pos;
        if (!ZSTD_isError(left) && left != 0 && input.pos == before && output.pos == 0)
            left = (size_t)-1; /* it wants more than there is */
    } while (!ZSTD_isError(left) && left != 0 && out.size <= CODEC_CHUNK_MAX);
    ZSTD_DCtx_reset(d->context, ZSTD_reset_session_and_parameters);
    if (left != 0 || out.size == 0 || out.size > CODEC_CHUNK_MAX) {
        buf_release(&out);
        return bad_frame(left, err);
    }
    *size = out.size;
    *data = (uint8_t *)buf_detach(&out);
    return BD_OK;
}

static size_t decode_sized(struct codec_decoder *d, const struct codec_dictionary *dictionary,
                           uint8_t *out, size_t size, const uint8_t *frame, size_t frame_size) {
    if (!dictionary)
        return ZSTD_decompressDCtx(d->context, out, size, frame, frame_size);
    if (dictionary->trained)
        return ZSTD_decompress_usingDDict(d->context, out, size, frame, frame_size,
                                          dictionary->trained);
    return ZSTD_decompress_usingDict(d->context, out, size, frame, frame_size, dictionary->raw,
                                     dictionary->raw_size);
}

int codec_decode_zstd(struct codec_decoder *d, const struct codec_dictionary *dictionary,
                      const uint8_t *frame, size_t frame_size, uint8_t **data, size_t *size,
                      struct err *err) {
    if (!d->context)
        return err_set(err, BD_IO, "no memory for a zstd decoder");
    unsigned long long claimed = ZSTD_getFrameContentSize(frame, frame_size);
    if (claimed == ZSTD_CONTENTSIZE_ERROR)
        return err_set(err, BD_CORRUPT, "not a zstd frame");
    if (claimed == ZSTD_CONTENTSIZE_UNKNOWN)
        return decode_unsized(d, dictionary, frame, frame_size, data, size, err);
    if (claimed == 0 || claimed > CODEC_CHUNK_MAX)
        return err_set(err, BD_CORRUPT, "a zstd frame of an impossible size");
    uint8_t *bytes = mem_alloc((size_t)claimed);
    size_t got = decode_sized(d, dictionary, bytes, (size_t)claimed, frame, frame_size);
    if (ZSTD_isError(got) || got == 0) {
        free(bytes);
        return bad_frame(got, err);
    }
    *data = bytes;
    *size = got;
    return BD_OK;
}

int codec_dictionary_open(struct codec_dictionary **out, struct codec_decoder *d, const uint8_t *frame,
                          size_t frame_size, struct err *err) {
    uint8_t *raw;
    size_t raw_size;
    int rc = codec_decode_zstd(d, NULL, frame, frame_size, &raw, &raw_size, err);
    if (rc != BD_OK)
        return rc;
    struct codec_dictionary *dictionary = mem_zalloc(1, sizeof *dictionary);
    dictionary->raw_size = raw_size;
    static const uint8_t magic[] = {0x37, 0xa4, 0x30, 0xec}; /* ZSTD_MAGIC_DICTIONARY */
    if (raw_size >= 8 && memcmp(raw, magic, sizeof magic) == 0) {
        dictionary->trained = ZSTD_createDDict(raw, raw_size);
        free(raw);
        if (!dictionary->trained)
            rc = err_set(err, BD_CORRUPT, "not a usable zstd dictionary");
    } else {
        dictionary->raw = raw;
    }
    if (rc != BD_OK) {
        codec_dictionary_close(dictionary);
        return rc;
    }
    *out = dictionary;
    return BD_OK;
}

void codec_dictionary_close(struct codec_dictionary *d) {
    if (!d)
        return;
    ZSTD_freeDDict(d->trained);
    free(d->raw);
    free(d);
}

size_t codec_dictionary_memory(const struct codec_dictionary *d) {
    return d->trained ? ZSTD_sizeof_DDict(d->trained) : d->raw_size;
}
