/* Frames made of given matches: the library decodes them to what the matches mean. */
#include "store/chunk/codec.h"
#include "store/chunk/zstd_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zstd.h>

static struct err err;
static uint64_t random_state;
static uint32_t next_random(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}

enum { DICTIONARY = 300000 };
static uint8_t dictionary[DICTIONARY];
static struct codec_decoder *decoder;
static struct codec_dictionary *opened;

static int set_up(void **state) {
    (void)state;
    random_state = 3;
    for (size_t i = 0; i < DICTIONARY; i++)
        dictionary[i] = (uint8_t)(next_random() >> 7);
    size_t room = ZSTD_compressBound(DICTIONARY);
    uint8_t *frame = mem_alloc(room);
    size_t size = ZSTD_compress(frame, room, dictionary, DICTIONARY, 1);
    decoder = codec_decoder_new();
    int rc = codec_dictionary_open(&opened, decoder, frame, size, &err);
    free(frame);
    return rc;
}

static int tear_down(void **state) {
    (void)state;
    codec_dictionary_close(opened);
    codec_decoder_free(decoder);
    return 0;
}

struct made {
    struct zstd_sequence *sequences;
    size_t count, capacity;
    struct buf content, literals;
};

static void add_literals(struct made *m, size_t size) {
    for (size_t i = 0; i < size; i++) {
        char c = (char)next_random();
        buf_add_char(&m->content, c);
        buf_add_char(&m->literals, c);
    }
}

/* A match at `from` of the dictionary. */
static void add_match(struct made *m, size_t literals, size_t size, size_t from) {
    add_literals(m, literals);
    MEM_GROW(m->sequences, m->capacity, m->count + 1);
    m->sequences[m->count++] = (struct zstd_sequence){(uint32_t)literals, (uint32_t)size,
                                                      (uint32_t)(DICTIONARY + m->content.size - from)};
    buf_add(&m->content, dictionary + from, size);
}

static bool encode(const struct made *m, struct buf *frame) {
    return zstd_frame_append(frame, m->sequences, m->count, (const uint8_t *)m->literals.data,
                             m->literals.size, m->content.size);
}

/* Encodes, decodes, compares, empties. */
static void check(struct made *m) {
    struct buf frame = BUF_INIT;
    assert_true(m->content.size <= ZSTD_FRAME_CONTENT_MAX);
    assert_true(encode(m, &frame));
    uint8_t *data;
    size_t size;
    assert_int_equal(
        codec_decode_zstd(decoder, opened, (uint8_t *)frame.data, frame.size, &data, &size, &err),
        BD_OK);
    assert_int_equal(size, m->content.size);
    assert_memory_equal(data, m->content.data, size);
    free(data);
    buf_release(&frame);
    buf_release(&m->content);
    buf_release(&m->literals);
    free(m->sequences);
    *m = (struct made){0};
}

static void every_match_length(void **state) {
    (void)state;
    struct made m = {0};
    for (size_t size = 3; size < 1000; size++) {
        if (m.content.size + size > ZSTD_FRAME_CONTENT_MAX)
            check(&m);
        add_match(&m, 0, size, (size * 37) % (DICTIONARY - size));
    }
    check(&m);
    for (size_t size = 1000; size <= ZSTD_FRAME_CONTENT_MAX; size += size < 70000 ? 911 : 7) {
        add_match(&m, 0, size, size % 100);
        check(&m);
    }
    add_match(&m, 0, ZSTD_FRAME_CONTENT_MAX, DICTIONARY - ZSTD_FRAME_CONTENT_MAX);
    check(&m);
}

static void every_literal_length(void **state) {
    (void)state;
    struct made m = {0};
    for (size_t size = 0; size < 400; size++) {
        add_match(&m, size, 300, size * 3);
        add_match(&m, 0, 3, size);
        if (size % 2)
            add_literals(&m, size);
        check(&m);
    }
    for (size_t size = 400; size < 100000; size = size * 3 / 2) {
        add_match(&m, size, 100, 7);
        check(&m);
    }
}

/* Offsets that come again have short codes, other ones after literals than without. */
static void repeated_offsets(void **state) {
    (void)state;
    random_state = 5;
    for (unsigned round = 0; round < 2000; round++) {
        struct made m = {0};
        uint32_t recent[4] = {1, 4, 8, 1000};
        unsigned count = 1 + next_random() % 40;
        add_match(&m, 0, 200, 5);
        for (unsigned i = 0; i < count; i++) {
            size_t literals = next_random() % 3 ? 0 : next_random() % 9, size = 3 + next_random() % 50;
            size_t at = DICTIONARY + m.content.size + literals, offset = recent[next_random() % 4];
            if (next_random() % 8 == 0)
                offset--; /* one less than the last has a code, too */
            /* only matches that lie in the dictionary wholly are made */
            if (offset > at || at - offset + size > DICTIONARY)
                offset = at - next_random() % (DICTIONARY - size);
            add_match(&m, literals, size, at - offset);
            recent[next_random() % 4] = (uint32_t)offset;
        }
        check(&m);
    }
}

static void many_sequences(void **state) {
    (void)state;
    static const size_t counts[] = {1,   2,   3,   4,   63,     64,     65,     126,  127,
                                    128, 129, 255, 256, 0x7eff, 0x7f00, 0x7f01, 43000};
    struct made m = {0};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (size_t k = 0; k < counts[i]; k++)
            add_match(&m, 0, 3, (k * 7919) % (DICTIONARY - 3));
        struct buf frame = BUF_INIT;
        if (encode(&m, &frame))
            check(&m); /* three bytes each hardly ever pay; the frame is right all the same */
        buf_release(&frame);
        buf_release(&m.content);
        m.count = 0;
        for (size_t k = 0; k < counts[i] && m.content.size + 20 < ZSTD_FRAME_CONTENT_MAX; k++)
            add_match(&m, k == counts[i] / 2, 20, (k * 7919) % (DICTIONARY - 20));
        check(&m);
    }
}

static void refuses_what_grows(void **state) {
    (void)state;
    struct made m = {0};
    struct buf frame = BUF_INIT;
    buf_add_str(&frame, "before");
    add_match(&m, 0, 4, 9);
    assert_false(encode(&m, &frame));
    assert_int_equal(frame.size, 6);
    buf_release(&frame);
    add_match(&m, 0, 60, 19);
    check(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_match_length), cmocka_unit_test(every_literal_length),
        cmocka_unit_test(repeated_offsets),   cmocka_unit_test(many_sequences),
        cmocka_unit_test(refuses_what_grows),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
