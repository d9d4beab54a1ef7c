/*
 * Messages, byte for byte: what the builder writes against messages that Dolt wrote, what the walker
 * finds in them, and what damaged bytes give.
 */
#include "tests/unit/prolly_help.h"

#include "store/prolly/node.h"

static void expect_message(struct chunk c, const char *hash, const char *hex) {
    assert_hash_text(hash_of(c.data, c.size), hash);
    if (hex) {
        uint8_t bytes[2048];
        assert_true(strlen(hex) / 2 <= sizeof bytes);
        assert_int_equal(c.size, from_hex(hex, bytes));
        assert_memory_equal(c.data, bytes, c.size);
    }
}

static void expect_empty(const struct tree_type *type, const char *hash, const char *hex) {
    struct node_store *ns = node_store_new(NULL);
    struct tree t;
    CHECK(tree_empty(&t, ns, type, &help_err));
    expect_message(t.root, hash, hex);
    assert_int_equal(tree_count(&t), 0);
    node_store_free(ns);
}

static size_t no_addresses(const void *ctx, struct bytes v, uint16_t *offsets, size_t max) {
    (void)ctx, (void)v, (void)offsets, (void)max;
    return 0;
}

static void empty_trees_have_dolts_bytes(void **state) {
    (void)state;
    expect_empty(&tree_type_addresses, "o0te4bsh307ieff51bhqo7omuobm5cdc",
                 "1b000034140000004144524d00000a0010000c00080004000a0000000c0000000c0000001000000000000"
                 "00001000000"
                 "0000000000000000");
    struct tree_type rows = int_rows;
    expect_empty(&rows, "52qkcc17dcqtblc9aml4so2jrooun338",
                 "1b000048180000005455504d100018001400100007000c000800060010000000000001011000000014000"
                 "00014000000"
                 "18000000010000000000000000000000010000000000000000000000");
    rows.addresses = no_addresses;
    expect_empty(&rows, "52qkcc17dcqtblc9aml4so2jrooun338", NULL);
    rows.write_empty_addresses = true;
    expect_empty(&rows, "0jk3p0sq4pabpaol66jmtvauncl8e1oj",
                 "1b0000541c0000005455504d000012001c0018001400070010000c0006000800120000000000010114000"
                 "00014000000"
                 "18000000180000001c00000000000000010000000000000000000000010000000000000000000000");
    expect_empty(&tree_type_closure, "ors33cm97i640t2rs60olpf1nvc30lei",
                 "1b00001c10000000434d434c0000060008000400060000000400000000000000");
    struct tree_type artifacts = {.kind = TREE_ARTIFACTS,
                                  .compare = compare_ints,
                                  .addresses = no_addresses,
                                  .write_empty_addresses = true};
    expect_empty(&artifacts, "3eg5efqvta7khv8m4fkc4401nfe29mms",
                 "1b00004c180000004152544d00000e0018001400100004000c0008000e000000140000001400000018000"
                 "00018000000"
                 "1c00000000000000010000000000000000000000010000000000000000000000");
}

static void blobs_have_dolts_addresses(void **state) {
    (void)state;
    static const struct {
        const char *text, *hash;
    } cases[] = {{"{}", "e6sucun84ck3bgc1p9lorkibp30mvd2f"},
                 {"[]", "8arugs9qup4pvpmqbf64lpkm9f6cdv74"},
                 {"Hello", "0isi5776c0lu0d7rvsnfl80gsdisilsa"},
                 {"World", "8scr7d6rtnafqovoa7d06em7jkpil9gg"},
                 {"{\"CreatedAt\":0}", "53drvdrsgbvfhtnd03tlgbm1ngm72dp4"},
                 {"null", "jk96jfdnp36l1aok70pbmh2m3e3sfklt"},
                 {"\"a\"", "l5ivlunndf7sri8oedpe43fk1pgig39k"}};
    struct flatbuf fb;
    flatbuf_init(&fb);
    const uint8_t *empty;
    size_t empty_size;
    node_serialize_blob_leaf(&fb, "", 0, &empty,
                             &empty_size); /* into a buffer that has no memory yet */
    assert_true(empty_size > 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint8_t *data;
        size_t size;
        node_serialize_blob_leaf(&fb, cases[i].text, strlen(cases[i].text), &data, &size);
        assert_hash_text(hash_of(data, size), cases[i].hash);
    }
    flatbuf_release(&fb);
}

static void closures_have_dolts_bytes(void **state) {
    (void)state;
    struct node_store *ns = node_store_new(NULL);
    struct hash first = parse_hash("0595ptjlbmrmmt9nd9g3i2h2g81lobvu");
    struct hash second = parse_hash("fr118ubvdsd5abfbir7731ducqlsnieq");
    uint8_t keys[2][TREE_CLOSURE_KEY_SIZE];
    closure_key(1, &first, keys[0]);
    closure_key(2, &second, keys[1]);
    struct tree t;
    CHECK(tree_empty(&t, ns, &tree_type_closure, &help_err));
    struct tree_edit edit = {.key = {keys[0], sizeof keys[0]}};
    CHECK(tree_apply(&t, &edit, 1, &t, &help_err));
    expect_message(t.root, "hc4cnirool1ugrp62gmuoj54jl55nlqp",
                   "1b00004814000000434d434c0c00140010000000000004000c000000010000000000000000000000040"
                   "000001c000000"
                   "010000000000000001525cf6755db76b75376a60390a2282035c2ffe");
    edit.key.data = keys[1];
    CHECK(tree_apply(&t, &edit, 1, &t, &help_err));
    expect_message(t.root, "521tf8ujmvs0omech86hjo82jbp9dq9u", NULL);
    node_store_free(ns);
}

/* Tables with scalars of all widths, strings, tables in vectors: a schema message rebuilt by hand. */
static void builder_writes_a_schema_message_as_dolt_does(void **state) {
    (void)state;
    struct flatbuf fb;
    flatbuf_init(&fb);
    flatbuf_ref comment = flatbuf_string(&fb, "", 0);
    flatbuf_ref dflt = flatbuf_string(&fb, "", 0);
    flatbuf_string(&fb, "", 0);
    flatbuf_ref type = flatbuf_string(&fb, "int", 3);
    flatbuf_ref name = flatbuf_string(&fb, "pk", 2);
    flatbuf_table_begin(&fb, 17);
    flatbuf_add_ref(&fb, 0, name);
    flatbuf_add_ref(&fb, 1, type);
    flatbuf_add_ref(&fb, 2, dflt);
    flatbuf_add_ref(&fb, 3, comment);
    flatbuf_add_u16(&fb, 4, 0, 0);
    flatbuf_add_u64(&fb, 5, 3228, 0);
    flatbuf_add_u8(&fb, 6, 7, 0);
    flatbuf_add_u8(&fb, 7, 1, 0);
    flatbuf_ref column = flatbuf_table_end(&fb);
    flatbuf_ref columns = flatbuf_refs(&fb, &column, 1);
    uint16_t zero = 0;
    flatbuf_ref key = flatbuf_u16s(&fb, &zero, 1);
    flatbuf_ref values = flatbuf_u16s(&fb, NULL, 0);
    flatbuf_table_begin(&fb, 15);
    flatbuf_add_ref(&fb, 2, key);
    flatbuf_add_ref(&fb, 3, key);
    flatbuf_add_ref(&fb, 4, values);
    flatbuf_add_u8(&fb, 5, 1, 0);
    flatbuf_add_u8(&fb, 6, 1, 0);
    flatbuf_ref clustered = flatbuf_table_end(&fb);
    flatbuf_ref indexes = flatbuf_refs(&fb, NULL, 0);
    flatbuf_ref checks = flatbuf_refs(&fb, NULL, 0);
    flatbuf_string(&fb, "", 0);
    flatbuf_table_begin(&fb, 8);
    flatbuf_add_ref(&fb, 1, clustered);
    flatbuf_add_ref(&fb, 0, columns);
    flatbuf_add_ref(&fb, 2, indexes);
    flatbuf_add_ref(&fb, 3, checks);
    flatbuf_add_u16(&fb, 4, 309, 0);
    const uint8_t *data;
    size_t size;
    flatbuf_finish_message(&fb, flatbuf_table_end(&fb), "DSCH", &data, &size);
    expect_message((struct chunk){data, size}, "svtgrd12uf2u1q492it1aod9i5cqssv9", NULL);

    bool bad;
    struct fb_table t, c;
    CHECK(fb_open(data, size, "DSCH", &bad, &t, &help_err));
    struct fb_vector v = fb_vector_at(&t, 0, 4);
    assert_int_equal(v.count, 1);
    assert_true(fb_vector_table(&t, &v, 0, &c));
    assert_memory_equal(fb_bytes_at(&c, 1).data, "int", 3);
    assert_int_equal(fb_u64(&c, 5, 0), 3228);
    assert_int_equal(fb_u8(&c, 7, 0), 1);
    assert_int_equal(fb_u8(&c, 8, 0), 0);
    assert_int_equal(fb_u16(&t, 4, 0), 309);
    assert_false(bad);
    assert_int_equal(fb_open(data, size, "DTBL", &bad, &t, &help_err), BD_CORRUPT);
    assert_int_equal(fb_open(data, size - 1, "DSCH", &bad, &t, &help_err), BD_CORRUPT);
    flatbuf_release(&fb);
}

/* --- walking --- */

struct seen {
    size_t count;
    struct hash hashes[16];
};

static int note(void *ctx, const struct hash *h) {
    struct seen *s = ctx;
    assert_true(s->count < 16);
    s->hashes[s->count++] = *h;
    return BD_OK;
}

static const char *const table_hex =
    "1b0001ac1c0000004454424c000012001c0018001400100000000c000800040012000000180000002c0000004c000000bc"
    "000000f4000000600100001400000000000000000000000000000000000000000000001400000000000000000000000000"
    "000000000000000000000c00140010000c00080004000c0000001000000024000000380000004c00000014000000000000"
    "00000000000000000000000000000000001400000000000000000000000000000000000000000000001400000000000000"
    "00000000000000000000000000000000140000000000000000000000000000000000000000000000380000001b00003414"
    "0000004144524d00000a0010000c00080004000a0000000c0000000c000000100000000000000001000000000000000000"
    "00006c0000001b000068200000005455504d1800240020001c000700180014000600000000000000080018000000000001"
    "010100000000000000000000001000000014000000180000001c0000000200000000000200020000000000000002000000"
    "0000060006000000010000000100000014000000a8ee74611a8aec67888b85da516e5e628a75f88f";
static const char *const store_root_hex =
    "1b0000e0100000005354525400000600080004000600000004000000c40000001b0000c01c0000004144524d0000000000"
    "000e001800140010000c00000004000e00000003000000000000000c00000048000000500000003c00000094f1b333aa83"
    "a00bfab3cf75f13ee875ff9fb69001525cf6755db76b75376a60390a2282035c2ffea2aae2f4c697c82f7e627e92462f36"
    "e12e6b28c10400000000000f002300390039000000726566732f68656164732f6d61696e726566732f696e7465726e616c"
    "2f637265617465776f726b696e67536574732f68656164732f6d61696e000000";
static const char *const commit_hex =
    "1b0000d82400000044434d540000000000001600380034002c002800240020001c0018000c00040016000000c9d157849c"
    "010000cbd157849c01000000000000200000003800000040000000480000005c0000000200000000000000680000001400"
    "0000736368656d613a206175746f2d6d6967726174650000000006000000726f6f744025000004000000726f6f74000000"
    "00140000008b08cbcb78c543e86f26142dec4ca49d4a5bd7591400000001525cf6755db76b75376a60390a2282035c2ffe"
    "14000000bbcd9561981d156869ff1ca4d4774abd933d97e7";
static const char *const working_set_hex =
    "1b0000a01c00000057525354000000001000240020001c0018001400100004001000000039b69a69000000000000000014"
    "0000002400000030000000380000004c0000000f00000073716c207472616e73616374696f6e000b000000626561647340"
    "6c6f63616c00050000006265616473000000140000009dc56655e38f04bfe92cbc10d8a3040e002d4773140000009dc566"
    "55e38f04bfe92cbc10d8a3040e002d4773";

static struct seen walk_hex(const char *hex, enum message_kind kind) {
    static uint8_t bytes[2048];
    struct seen s = {0};
    struct chunk c = {bytes, from_hex(hex, bytes)};
    assert_int_equal(message_kind_of(&c), kind);
    CHECK(message_walk(&c, note, &s, &help_err));
    return s;
}

static void walker_finds_the_references_of_real_messages(void **state) {
    (void)state;
    struct seen s = walk_hex(store_root_hex, MESSAGE_STORE_ROOT);
    assert_int_equal(s.count, 3);
    assert_hash_text(s.hashes[1], "0595ptjlbmrmmt9nd9g3i2h2g81lobvu");
    s = walk_hex(commit_hex, MESSAGE_COMMIT);
    assert_int_equal(s.count, 3);
    assert_hash_text(s.hashes[0], "0595ptjlbmrmmt9nd9g3i2h2g81lobvu");
    assert_hash_text(s.hashes[1], "nf6paoco3kamgqfv3iid8tqanm9jr5v7");
    assert_hash_text(s.hashes[2], "hc4cnirool1ugrp62gmuoj54jl55nlqp");
    s = walk_hex(working_set_hex, MESSAGE_WORKING_SET);
    assert_int_equal(s.count, 2);
    /* Zero addresses (conflicts, violations, artifacts) are skipped: only the schema is left. */
    s = walk_hex(table_hex, MESSAGE_TABLE);
    assert_int_equal(s.count, 1);
}

static int stop(void *ctx, const struct hash *h) {
    (void)ctx, (void)h;
    return BD_CANCELLED;
}

static void walker_stops_when_the_callback_says_so(void **state) {
    (void)state;
    uint8_t bytes[2048];
    struct chunk c = {bytes, from_hex(commit_hex, bytes)};
    assert_int_equal(message_walk(&c, stop, NULL, &help_err), BD_CANCELLED);
}

static int ignore(void *ctx, const struct hash *h) {
    (void)ctx, (void)h;
    return BD_OK;
}

/* Every single-byte change of real messages: an answer or an error code, and no access outside. */
static void damaged_messages_give_codes(void **state) {
    (void)state;
    static const char *const all[] = {table_hex, store_root_hex, commit_hex, working_set_hex};
    for (size_t m = 0; m < sizeof all / sizeof all[0]; m++) {
        uint8_t original[2048];
        size_t size = from_hex(all[m], original);
        for (size_t i = 0; i < size; i++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                uint8_t *copy = malloc(size); /* its own allocation: sanitizers see its end */
                memcpy(copy, original, size);
                copy[i] ^= (uint8_t)(1u << bit);
                struct chunk c = {copy, size};
                int rc = message_walk(&c, ignore, NULL, &help_err);
                assert_true(rc == BD_OK || rc == BD_CORRUPT || rc == BD_TOO_NEW);
                free(copy);
            }
        }
    }
}

static void foreign_bytes_are_no_messages(void **state) {
    (void)state;
    static const uint8_t junk[] = "no message at all";
    struct chunk c = {junk, sizeof junk};
    assert_int_equal(message_kind_of(&c), MESSAGE_UNKNOWN);
    assert_int_equal(message_walk(&c, ignore, NULL, &help_err), BD_CORRUPT);
    c.size = 0;
    assert_int_equal(message_walk(&c, ignore, NULL, &help_err), BD_CORRUPT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_trees_have_dolts_bytes),
        cmocka_unit_test(blobs_have_dolts_addresses),
        cmocka_unit_test(closures_have_dolts_bytes),
        cmocka_unit_test(builder_writes_a_schema_message_as_dolt_does),
        cmocka_unit_test(walker_finds_the_references_of_real_messages),
        cmocka_unit_test(walker_stops_when_the_callback_says_so),
        cmocka_unit_test(damaged_messages_give_codes),
        cmocka_unit_test(foreign_bytes_are_no_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
