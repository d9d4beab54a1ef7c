/*
 * Long values: blob trees of every size around their edges, and indexed JSON documents.
 */
#include "tests/unit/prolly_help.h"

static void fill(char *p, size_t n) {
    uint64_t seed = n;
    for (size_t i = 0; i < n; i++)
        p[i] = (char)('a' + splitmix(&seed) % 26);
}

static void blobs_come_back_at_every_edge(void **state) {
    (void)state;
    static const size_t sizes[] = {1,      2,      3999,   4000,   4001,    7999,   8000,
                                   799999, 800000, 800001, 803999, 1600000, 1600001};
    struct node_store *ns = node_store_new(NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *data = malloc(sizes[i]);
        fill(data, sizes[i]);
        struct hash h;
        uint64_t size;
        struct buf out = BUF_INIT;
        CHECK(blob_write(ns, data, sizes[i], &h, &help_err));
        CHECK(blob_size(ns, &h, &size, &help_err));
        assert_int_equal(size, sizes[i]);
        CHECK(blob_read(ns, &h, &out, &help_err));
        assert_int_equal(out.size, sizes[i]);
        assert_memory_equal(out.data, data, out.size);
        buf_release(&out);
        free(data);
        node_store_reset(ns);
    }
    node_store_free(ns);
}

static unsigned root_level(struct node_store *ns, const struct hash *h, size_t *children) {
    struct chunk c;
    struct fb_table t;
    bool bad;
    CHECK(node_store_read(ns, h, &c, &help_err));
    CHECK(fb_open(c.data, c.size, "BLOB", &bad, &t, &help_err));
    *children = fb_bytes_at(&t, 1).size / HASH_SIZE;
    return fb_u8(&t, 4, 0);
}

static void levels_follow_dolts_count(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    static const struct {
        size_t size, children;
        unsigned level;
    } cases[] = {{4000, 0, 0}, {4001, 2, 1}, {799999, 200, 1}, {800000, 1, 2}, {800001, 2, 2}};
    char *data = malloc(800001);
    fill(data, 800001);
    for (size_t i = 0; i < 5; i++) {
        struct hash h;
        size_t children;
        CHECK(blob_write(ns, data, cases[i].size, &h, &help_err));
        assert_int_equal(root_level(ns, &h, &children), cases[i].level);
        assert_int_equal(children, cases[i].children);
    }
    free(data);
    node_store_free(ns);
}

static void the_empty_value_is_no_chunk(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    struct hash h;
    uint64_t size = 9;
    struct buf out = BUF_INIT;
    CHECK(blob_write(ns, "", 0, &h, &help_err));
    assert_true(hash_is_zero(&h));
    CHECK(blob_size(ns, &h, &size, &help_err));
    assert_int_equal(size, 0);
    CHECK(blob_read(ns, &h, &out, &help_err));
    assert_int_equal(out.size, 0);
    node_store_free(ns);
}

static void json_round_trip(struct node_store *ns, const struct buf *text, struct hash *h) {
    struct buf out = BUF_INIT;
    uint64_t size;
    CHECK(blob_write_json(ns, text->data, text->size, h, &help_err));
    CHECK(blob_read(ns, h, &out, &help_err));
    assert_int_equal(out.size, text->size);
    assert_memory_equal(out.data, text->data, out.size);
    CHECK(blob_size(ns, h, &size, &help_err));
    assert_int_equal(size, text->size);
    buf_release(&out);
}

static void objects_are_cut_between_their_members(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    struct buf text = BUF_INIT;
    for (int i = 0; i < 200; i++)
        buf_addf(&text, "%s\"key%03d\":\"vvvvvvvvvvvvvvvvvvvv\"", i ? "," : "{", i);
    buf_add_str(&text, "}");
    struct hash h;
    json_round_trip(ns, &text, &h);
    assert_hash_text(h, "6p6n3v676qkhjimp1qklcjpqfghkhtpp");

    static const size_t segments[] = {1386, 1760, 1846, 1409};
    static const char *const keys[] = {"\0\xffkey043", "\0\xffkey098", "\3\xffkey155", "\3"};
    static const size_t key_sizes[] = {8, 8, 8, 1};
    struct chunk c;
    bool bad;
    struct fb_table t;
    CHECK(node_store_read(ns, &h, &c, &help_err));
    CHECK(fb_open(c.data, c.size, "ADRM", &bad, &t, &help_err));
    struct fb_bytes all = fb_bytes_at(&t, 0), addresses = fb_bytes_at(&t, 2);
    size_t at = 0;
    assert_int_equal(addresses.size, 4 * HASH_SIZE);
    for (size_t i = 0; i < 4; i++) {
        struct hash child;
        uint64_t size;
        memcpy(child.b, addresses.data + i * HASH_SIZE, HASH_SIZE);
        CHECK(blob_size(ns, &child, &size, &help_err));
        assert_int_equal(size, segments[i]);
        assert_memory_equal(all.data + at, keys[i], key_sizes[i]);
        at += key_sizes[i];
    }
    assert_int_equal(at, all.size);
    buf_release(&text);
    node_store_free(ns);
}

static void arrays_are_cut_between_their_elements(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    struct buf text = BUF_INIT;
    for (int i = 0; i < 3000; i++)
        buf_addf(&text, "%s%d", i ? "," : "[", i);
    buf_add_str(&text, "]");
    struct hash h;
    json_round_trip(ns, &text, &h);
    assert_hash_text(h, "nfmrlrhqhndpd2htsr8ecm5mr61gbrt5");
    buf_release(&text);
    node_store_free(ns);
}

static void documents_of_all_shapes_come_back(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    static const char *const small[] = {"null",
                                        "1",
                                        "-1.5e-9",
                                        "\"a\"",
                                        "\"a\\\"b\\\\\"",
                                        "[]",
                                        "{}",
                                        "[[]]",
                                        "[{}]",
                                        "{\"a\":{}}",
                                        "{\"a\":[1,[2,{\"b\\\"c\":null}],3],\"d\":\"}],\"}"};
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
        struct buf text = BUF_INIT;
        struct hash h, plain;
        buf_add_str(&text, small[i]);
        json_round_trip(ns, &text, &h);
        CHECK(blob_write(ns, text.data, text.size, &plain, &help_err));
        assert_true(hash_eq(&h, &plain)); /* one segment is a plain blob */
        buf_release(&text);
    }
    struct buf deep = BUF_INIT;
    for (int i = 0; i < 2000; i++)
        buf_add_str(&deep, i % 2 ? "{\"level\":" : "[");
    buf_add_str(&deep, "0");
    for (int i = 2000; i-- > 0;)
        buf_add_str(&deep, i % 2 ? "}" : "]");
    struct hash h;
    json_round_trip(ns, &deep, &h);
    buf_release(&deep);
    node_store_free(ns);
}

static void broken_json_is_refused(void **state) {
    (void)state;
    static const char *const broken[] = {"\"abc", "{a:1}",      "{\"a\"1}", "[1}",
                                         "1]",    "{\"a\":1,}", "\"\\"};
    struct node_store *ns = node_store_new(NULL);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct hash h;
        assert_int_equal(blob_write_json(ns, broken[i], strlen(broken[i]), &h, &help_err), BD_INVALID);
    }
    node_store_free(ns);
}

static void damaged_values_give_codes(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    char *data = malloc(9000);
    fill(data, 9000);
    struct hash h, missing = parse_hash("0595ptjlbmrmmt9nd9g3i2h2g81lobvu"), bad;
    struct buf out = BUF_INIT;
    CHECK(blob_write(ns, data, 9000, &h, &help_err));
    assert_int_equal(blob_read(ns, &missing, &out, &help_err), BD_CORRUPT);
    struct chunk c;
    CHECK(node_store_read(ns, &h, &c, &help_err));
    uint8_t *copy = malloc(c.size);
    for (size_t i = 0; i < c.size; i++) {
        memcpy(copy, c.data, c.size);
        copy[i] ^= 1;
        CHECK(node_store_write(ns, copy, c.size, &bad, &help_err));
        uint64_t size;
        int rc = blob_read(ns, &bad, &out, &help_err);
        assert_true(rc == BD_OK || rc == BD_CORRUPT);
        rc = blob_size(ns, &bad, &size, &help_err);
        assert_true(rc == BD_OK || rc == BD_CORRUPT);
        buf_clear(&out);
    }
    buf_release(&out);
    free(copy);
    free(data);
    node_store_free(ns);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blobs_come_back_at_every_edge),
        cmocka_unit_test(levels_follow_dolts_count),
        cmocka_unit_test(the_empty_value_is_no_chunk),
        cmocka_unit_test(objects_are_cut_between_their_members),
        cmocka_unit_test(arrays_are_cut_between_their_elements),
        cmocka_unit_test(documents_of_all_shapes_come_back),
        cmocka_unit_test(broken_json_is_refused),
        cmocka_unit_test(damaged_values_give_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
