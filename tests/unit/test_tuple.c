/* Tuples: bytes of rows, their order, hostile ones. */
#include "store/value/tuple.h"

#include "base/datetime.h"
#include "store/prolly/blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS 8

struct fixture {
    struct arena a;
    struct node_store *ns;
    struct sql_type types[FIELDS];
    struct tuple_field fields[FIELDS];
    struct tuple_desc d;
    struct err e;
};

static int set_up(void **state) {
    struct fixture *f = mem_zalloc(1, sizeof *f);
    f->ns = node_store_new(NULL);
    *state = f;
    return 0;
}
static int tear_down(void **state) {
    struct fixture *f = *state;
    arena_release(&f->a);
    node_store_free(f->ns);
    free(f);
    return 0;
}

/* A descriptor of fields with these type texts; encoding 0 = the type's default. */
static void describe(struct fixture *f, size_t n, const char *const *types,
                     const enum encoding *encodings) {
    f->d = (struct tuple_desc){.fields = f->fields, .count = n, .target_row_size = 2048, .ns = f->ns};
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(sql_type_parse(types[i], &f->a, &f->types[i], &f->e), BD_OK);
        f->fields[i] = (struct tuple_field){
            .encoding = encodings && encodings[i] ? encodings[i] : sql_type_encoding(&f->types[i]),
            .nullable = true,
            .collation = f->types[i].collation,
            .type = &f->types[i],
            .name = "c"};
    }
    tuple_desc_seal(&f->d);
}

static struct bytes build(struct fixture *f, const struct cell *cells) {
    struct bytes t;
    int rc = tuple_build(&f->d, cells, f->ns, &f->a, &t, &f->e);
    if (rc != BD_OK)
        print_error("%s\n", f->e.msg);
    assert_int_equal(rc, BD_OK);
    assert_true(tuple_is_valid(t));
    return t;
}

static void expect_bytes(struct bytes t, const char *want, size_t size) {
    assert_int_equal(t.size, size);
    assert_memory_equal(t.data, want, size);
}
#define EXPECT(t, literal) expect_bytes(t, literal, sizeof(literal) - 1)

static struct cell get(struct fixture *f, struct bytes t, size_t i) {
    struct cell c;
    int rc = tuple_get_cell(&f->d, t, i, f->ns, &f->a, &c, &f->e);
    if (rc != BD_OK)
        print_error("%s\n", f->e.msg);
    assert_int_equal(rc, BD_OK);
    return c;
}
static void expect_text(struct fixture *f, struct bytes t, size_t i, const char *want) {
    struct cell c = get(f, t, i);
    char *text = cell_format(&c, &f->a);
    if (!want) {
        assert_null(text);
        return;
    }
    assert_non_null(text);
    assert_string_equal(text, want);
}

/* Bytes of rows that Dolt wrote. */
static void tuples_of_a_real_store(void **state) {
    struct fixture *f = *state;
    describe(f, 1, (const char *[]){"varchar(255)"}, NULL);
    struct cell key = cell_text("compact_batch_size");
    EXPECT(build(f, &key), "compact_batch_size\0\1\0");
    struct cell null = cell_null();
    EXPECT(build(f, &null), "\0\0");

    describe(f, 1, (const char *[]){"text"}, NULL);
    struct cell fifty = cell_text("50");
    struct bytes t = build(f, &fifty);
    EXPECT(t, "\x2d\xf4\x8a\x7e\x66\x88\x1a\xf7\x99\xc4\xce\xe2\x67\x64\x7d\x81\x84\xe6\xb4\x6a\1\0");
    expect_text(f, t, 0, "50");

    describe(f, 2,
             (const char *[]){"varchar(64) collate utf8mb4_0900_ai_ci",
                              "varchar(64) collate utf8mb4_0900_ai_ci"},
             NULL);
    struct cell view[] = {cell_text("view"), cell_text("ready_issues")};
    EXPECT(build(f, view), "view\0ready_issues\0\5\0\2\0");

    describe(f, 5, (const char *[]){"varchar(32)", "datetime", "varchar(255)", "json", "varchar(255)"},
             NULL);
    struct cell dep[] = {cell_text("parent-child"), cell_null(), cell_text("bootstrap"),
                         cell_json("{}"), cell_text("")};
    static const uint8_t stored[] = {0x80, 0x82, 0x0e, 0xf7, 0x64, 0x4b, 0x06, 0x00};
    int64_t v = 0;
    for (int i = 8; i-- > 0;)
        v = v << 8 | stored[i];
    dep[1] = cell_datetime(v);
    t = build(f, dep);
    assert_int_equal(t.size, 0x33 + 1 + 4 * 2 + 2);
    assert_memory_equal(t.data, "parent-child\0\x80\x82\x0e\xf7\x64\x4b\x06\0bootstrap\0", 31);
    assert_memory_equal(t.data + 0x33, "\0\x0d\0\x15\0\x1f\0\x33\0\5\0", 11);
    char text[33];
    hash_format((const struct hash *)(const void *)(t.data + 31), text);
    assert_string_equal(text, "e6sucun84ck3bgc1p9lorkibp30mvd2f");
}

static void trailing_nulls_are_dropped(void **state) {
    struct fixture *f = *state;
    describe(f, 3, (const char *[]){"varchar(5)", "int", "int"}, NULL);
    struct cell c[] = {cell_null(), cell_int(7), cell_null()};
    struct bytes t = build(f, c);
    EXPECT(t, "\7\0\0\0\0\0\2\0");
    expect_text(f, t, 0, NULL);
    expect_text(f, t, 1, "7");
    expect_text(f, t, 2, NULL);
    expect_text(f, t, 99, NULL);
}

static void every_type_comes_back(void **state) {
    struct fixture *f = *state;
    static const char *const cases[][4] = {
        /* type, in, stored and read back, refused (or NULL) */
        {"tinyint", "-128", "-128", "128"},
        {"tinyint unsigned", "255", "255", "-1"},
        {"smallint", "32767", "32767", "32768"},
        {"mediumint", "-8388608", "-8388608", "8388608"},
        {"int", "2147483647", "2147483647", "2147483648"},
        {"int", "1.5", "2", "abc"},
        {"int unsigned", "4294967295", "4294967295", "4294967296"},
        {"bigint", "-9223372036854775808", "-9223372036854775808", "9223372036854775808"},
        {"bigint unsigned", "18446744073709551615", "18446744073709551615", "18446744073709551616"},
        {"float", "0.1", "0.1", "1e39"},
        {"double", "1e300", "1e+300", "x"},
        {"decimal(10,2)", "-1.005", "-1.01", "123456789"},
        {"decimal(65,30)", "1.5", "1.500000000000000000000000000000", "abc"},
        {"varchar(3)", "\xc3\xa4\xc3\xb6\xc3\xbc", "\xc3\xa4\xc3\xb6\xc3\xbc", "abcd"},
        {"varchar(3)", "", "", "\xff"},
        {"char(2)", "ab", "ab", "abc"},
        {"varbinary(2)", "\xff", "\xff", "abc"},
        {"tinytext", "hello", "hello", NULL},
        {"longtext", "", "", "\xed\xa0\x80"},
        {"blob", "\xff\xfe", "\xff\xfe", NULL},
        {"json", "{\"b\":1, \"a\":[1.0]}", "{\"a\":[1],\"b\":1}", "{"},
        {"date", "2026-02-28", "2026-02-28", "2026-13-01"},
        {"date", "0000-00-00", "0000-00-00", "yesterday"},
        {"datetime", "2026-01-02 03:04:05.5", "2026-01-02 03:04:06", "12"},
        {"datetime", "2026-01-02T03:04:05Z", "2026-01-02 03:04:05", "2026-01-02 25:00:00"},
        {"datetime", "20260102030405", "2026-01-02 03:04:05", ""},
        {"datetime", "2026-1-2 3:04", "2026-01-02 03:04:00", "2026-1"},
        {"datetime(6)", "2026-01-02 03:04:05.123456", "2026-01-02 03:04:05.123456", NULL},
        {"datetime(3)", "2026-01-02 03:04:05.123456", "2026-01-02 03:04:05.123000", NULL},
        {"datetime", "0000-00-00 00:00:00", "0000-00-00 00:00:00", NULL},
        {"datetime", "1969-12-31 23:59:59.4", "1969-12-31 23:59:59", NULL},
        {"timestamp", "2038-01-19 03:14:07", "2038-01-19 03:14:07", "2038-01-19 03:14:08"},
        {"time", "-12:34:56.5", "-12:34:56.500000", "1:99:00"},
        {"time", "900:00:00", "838:59:59", "a"},
        {"year", "26", "2026", "1800"},
        {"year", "0000", "0", "2156"},
        {"enum('a','b')", "B", "B", "c"},
        {"set('a','b','c')", "c,a", "5", "d"},
        {"bit(9)", "\1\1", "257", "\3\1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const *k = cases[i];
        describe(f, 1, k, NULL);
        struct cell c = cell_text(k[1]);
        if (strstr(k[0], "binary") || strstr(k[0], "blob"))
            c.kind = CELL_BYTES;
        if (strncmp(k[0], "enum", 4) ==
            0) { /* equality follows the collation: 0900_bin tells B from b */
            struct bytes ignored;
            assert_int_equal(tuple_build(&f->d, &c, f->ns, &f->a, &ignored, &f->e), BD_CONSTRAINT);
            c = cell_text("b");
            expect_text(f, build(f, &c), 0, "2");
            continue;
        }
        struct bytes t = build(f, &c);
        expect_text(f, t, 0, k[2]);
        struct cell back = get(f, t, 0), same;
        assert_int_equal(cell_convert(&f->types[0], &back, &f->a, &same, &f->e), BD_OK);
        assert_true(cell_eq(&back, &same));
        if (k[3]) {
            c = cell_text(k[3]);
            int rc = tuple_build(&f->d, &c, f->ns, &f->a, &t, &f->e);
            if (rc != BD_CONSTRAINT)
                print_error("%s takes '%s'\n", k[0], k[3]);
            assert_int_equal(rc, BD_CONSTRAINT);
            assert_non_null(strstr(f->e.msg, "for column 'c'"));
        }
    }
}

static void not_null_is_enforced(void **state) {
    struct fixture *f = *state;
    describe(f, 1, (const char *[]){"int"}, NULL);
    f->fields[0].nullable = false;
    struct cell c = cell_null();
    struct bytes t;
    assert_int_equal(tuple_build(&f->d, &c, f->ns, &f->a, &t, &f->e), BD_CONSTRAINT);
    assert_string_equal(f->e.msg, "Column 'c' cannot be null");
}

static void empty_text_is_not_null(void **state) {
    struct fixture *f = *state;
    static const uint8_t zero[HASH_SIZE];
    describe(f, 1, (const char *[]){"text"}, NULL);
    struct cell c = cell_text("");
    struct bytes t = build(f, &c);
    assert_int_equal(t.size, HASH_SIZE + 2);
    assert_memory_equal(t.data, zero, HASH_SIZE);
    expect_text(f, t, 0, "");
    uint16_t offsets[4];
    assert_int_equal(tuple_addresses(&f->d, t, offsets, 4), 0);
}

static void adaptive_values(void **state) {
    struct fixture *f = *state;
    static const enum encoding enc[] = {ENC_STRING, ENC_STRING_ADAPTIVE, ENC_JSON_ADAPTIVE,
                                        ENC_STRING_ADAPTIVE, ENC_STRING_ADDR};
    describe(f, 5, (const char *[]){"varchar(20)", "text", "json", "longtext", "text"}, enc);
    char big[3000], mid[1200];
    memset(big, 'x', sizeof big);
    memset(mid, 'y', sizeof mid);
    struct cell c[] = {cell_text("k"), cell_text("hi"), cell_json("{\"a\":1}"), cell_text(""),
                       cell_text("z")};
    struct bytes t = build(f, c);
    expect_bytes(tuple_field(t, 1), "\0hi", 3);
    expect_bytes(tuple_field(t, 2), "\0{\"a\":1}", 8);
    expect_bytes(tuple_field(t, 3), "\0", 1);
    expect_text(f, t, 1, "hi");
    expect_text(f, t, 2, "{\"a\":1}");
    expect_text(f, t, 3, "");
    uint16_t offsets[8];
    assert_int_equal(tuple_addresses(&f->d, t, offsets, 8), 1);

    /* longer than the target: out of line; length 3000 as varint is 249, (3000 - 2288) / 256, % 256 */
    c[1] = cell_text_n(big, sizeof big);
    t = build(f, c);
    struct bytes out = tuple_field(t, 1);
    assert_int_equal(out.size, 3 + HASH_SIZE);
    assert_memory_equal(out.data, "\xf9\x02\xc8", 3);
    expect_bytes(tuple_field(t, 2), "\0{\"a\":1}", 8);
    struct cell back = get(f, t, 1);
    assert_true(cell_eq(&back, &c[1]));
    /* stored order: adaptive fields from last to first, then plain addresses from last to first */
    size_t n = tuple_addresses(&f->d, t, offsets, 8);
    assert_int_equal(n, 2);
    assert_ptr_equal(t.data + offsets[0], out.data + 3);
    assert_ptr_equal(t.data + offsets[1], tuple_field(t, 4).data);

    /* each fits, the row does not: the largest goes out, of equals the first */
    c[1] = cell_text_n(mid, sizeof mid);
    c[3] = cell_text_n(mid, sizeof mid);
    t = build(f, c);
    assert_int_equal(tuple_field(t, 1).size, 2 + HASH_SIZE);
    assert_int_equal(tuple_field(t, 3).size, 1 + sizeof mid);
    assert_int_equal(tuple_addresses(&f->d, t, offsets, 8), 2);
    expect_text(f, t, 2, "{\"a\":1}");
    back = get(f, t, 3);
    assert_true(cell_eq(&back, &c[3]));
}

static void varints_at_their_borders(void **state) {
    struct fixture *f = *state;
    static const enum encoding enc[] = {ENC_STRING_ADAPTIVE};
    static const struct {
        size_t length, head;
    } cases[] = {{240, 1}, {241, 2}, {2287, 2}, {2288, 3}, {67823, 3}, {67824, 4}, {70000, 4}};
    describe(f, 1, (const char *[]){"longtext"}, enc);
    f->d.target_row_size = 100;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = arena_alloc(&f->a, cases[i].length);
        memset(text, 'a', cases[i].length);
        struct cell c = cell_text_n(text, cases[i].length);
        struct bytes t = build(f, &c);
        assert_int_equal(tuple_field(t, 0).size, cases[i].head + HASH_SIZE);
        struct cell back = get(f, t, 0);
        assert_true(cell_eq(&back, &c));
    }
}

static int sign(int v) { return v < 0 ? -1 : v > 0; }

static void expect_order(struct fixture *f, const struct cell *ascending, size_t n) {
    struct bytes *t = arena_alloc(&f->a, n * sizeof *t);
    for (size_t i = 0; i < n; i++)
        t[i] = build(f, &ascending[i]);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            assert_int_equal(tuple_compare(&f->d, t[i], t[k]), sign((int)i - (int)k));
            assert_int_equal(tuple_compare_prefix(&f->d, 1, t[i], t[k]), sign((int)i - (int)k));
        }
}

static void order_of_single_fields(void **state) {
    struct fixture *f = *state;
    describe(f, 1, (const char *[]){"bigint"}, NULL);
    expect_order(f,
                 (struct cell[]){cell_null(), cell_int(INT64_MIN), cell_int(-1), cell_int(0),
                                 cell_int(256), cell_int(257)},
                 6);
    describe(f, 1, (const char *[]){"int unsigned"}, NULL);
    expect_order(
        f,
        (struct cell[]){cell_null(), cell_int(0), cell_int(255), cell_int(256), cell_int(4294967295)},
        5);
    describe(f, 1, (const char *[]){"double"}, NULL);
    expect_order(f,
                 (struct cell[]){cell_null(), cell_float(-1e300), cell_float(-0.5), cell_float(0),
                                 cell_float(2)},
                 5);
    describe(f, 1, (const char *[]){"varchar(9)"}, NULL);
    expect_order(f,
                 (struct cell[]){cell_null(), cell_text(""), cell_text("A"), cell_text("a"),
                                 cell_text("a\1"), cell_text("ab"), cell_text("b")},
                 7);
    describe(f, 1, (const char *[]){"varchar(9) collate utf8mb4_0900_ai_ci"}, NULL);
    expect_order(f,
                 (struct cell[]){cell_null(), cell_text(""), cell_text("_"), cell_text("1"),
                                 cell_text("a"), cell_text("AB"), cell_text("b")},
                 7);
    describe(f, 1, (const char *[]){"decimal(10,2)"}, NULL);
    expect_order(f,
                 (struct cell[]){cell_null(), cell_text("-10"), cell_text("-9.99"), cell_text("0"),
                                 cell_text("0.01"), cell_text("99")},
                 6);
    describe(f, 1, (const char *[]){"year"}, NULL);
    expect_order(f, (struct cell[]){cell_null(), cell_int(0), cell_int(1901), cell_int(2155)}, 4);
    describe(f, 1, (const char *[]){"date"}, NULL);
    expect_order(f,
                 (struct cell[]){cell_null(), cell_text("0000-00-00"), cell_text("1999-12-31"),
                                 cell_text("2000-01-01")},
                 4);
    describe(f, 1, (const char *[]){"datetime(6)"}, NULL);
    expect_order(f,
                 (struct cell[]){cell_null(), cell_text("0000-00-00"),
                                 cell_text("1969-12-31 23:59:59.999999"), cell_text("1970-01-01"),
                                 cell_text("2026-01-01")},
                 5);
    static const enum encoding enc[] = {ENC_STRING_ADAPTIVE};
    describe(f, 1, (const char *[]){"text"}, enc);
    f->d.target_row_size = 10; /* the longer ones are out of line */
    expect_order(f,
                 (struct cell[]){cell_null(), cell_text(""),
                                 cell_text("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), cell_text("ab"),
                                 cell_text("abbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"), cell_text("b")},
                 6);
}

static void later_fields_decide_ties(void **state) {
    struct fixture *f = *state;
    describe(f, 3, (const char *[]){"varchar(9)", "int", "varchar(9)"}, NULL);
    assert_int_equal(f->d.bytewise, 1);
    struct cell a[] = {cell_text("x"), cell_int(2), cell_text("p")};
    struct cell b[] = {cell_text("x"), cell_int(10), cell_text("a")};
    struct cell c[] = {cell_text("x"), cell_int(10), cell_null()};
    struct bytes ta = build(f, a), tb = build(f, b), tc = build(f, c);
    assert_int_equal(tuple_compare(&f->d, ta, tb), -1);
    assert_int_equal(tuple_compare(&f->d, tb, tc), 1);
    assert_int_equal(tuple_compare(&f->d, tb, tb), 0);
    assert_int_equal(tuple_compare_prefix(&f->d, 2, tb, tc), 0);
    assert_int_equal(tuple_compare_prefix(&f->d, 1, ta, tc), 0);
}

static void hostile_tuples_are_harmless(void **state) {
    struct fixture *f = *state;
    static const enum encoding enc[] = {0, 0, ENC_STRING_ADAPTIVE, ENC_DECIMAL, 0, 0, 0, 0};
    describe(
        f, 8,
        (const char *[]){"varchar(9)", "int", "text", "decimal(5,2)", "text", "json", "date", "year"},
        enc);
    unsigned seed = 4711;
    uint16_t offsets[16];
    for (int round = 0; round < 20000; round++) {
        uint8_t raw[2][64];
        struct bytes t[2];
        for (int k = 0; k < 2; k++) {
            size_t n = (size_t)(rand_r(&seed) % 64);
            for (size_t i = 0; i < n; i++)
                raw[k][i] = (uint8_t)(rand_r(&seed) % 5 ? rand_r(&seed) % 12 : rand_r(&seed));
            if (n >= 2 && rand_r(&seed) % 4) {
                raw[k][n - 2] = (uint8_t)(rand_r(&seed) % 9);
                raw[k][n - 1] = 0;
            }
            uint8_t *exact = mem_dup(raw[k], n); /* for the sanitizer: no byte beyond */
            t[k] = (struct bytes){exact, n};
        }
        tuple_is_valid(t[0]);
        assert_int_equal(tuple_compare(&f->d, t[0], t[1]), -tuple_compare(&f->d, t[1], t[0]));
        tuple_addresses(&f->d, t[0], offsets, 16);
        for (size_t i = 0; i < 9; i++) {
            struct cell c;
            int rc = tuple_get_cell(&f->d, t[0], i, f->ns, &f->a, &c, &f->e);
            if (rc == BD_OK)
                cell_format(&c, &f->a);
        }
        arena_reset(&f->a);
        describe(f, 8,
                 (const char *[]){"varchar(9)", "int", "text", "decimal(5,2)", "text", "json", "date",
                                  "year"},
                 enc);
        free((void *)(uintptr_t)t[0].data);
        free((void *)(uintptr_t)t[1].data);
    }
}

static void a_row_may_not_be_too_long(void **state) {
    struct fixture *f = *state;
    describe(f, 2, (const char *[]){"varchar(16383)", "varbinary(60000)"}, NULL);
    char *text = arena_alloc(&f->a, 60000);
    memset(text, 'a', 60000);
    struct cell c[] = {cell_text_n(text, 16383), cell_text_n(text, 60000)};
    struct bytes t;
    assert_int_equal(tuple_build(&f->d, c, f->ns, &f->a, &t, &f->e), BD_CONSTRAINT);
    c[1].s.size = 40000;
    assert_int_equal(tuple_build(&f->d, c, f->ns, &f->a, &t, &f->e), BD_OK);
}

static void stored_json_keeps_its_numbers(void **state) {
    struct fixture *f = *state;
    describe(f, 1, (const char *[]){"json"}, NULL);
    struct cell c = cell_json("{\"n\":9007199254740993}");
    expect_text(f, build(f, &c), 0, "{\"n\":9007199254740993}");
    c = cell_text("{\"n\":9007199254740993}");
    expect_text(f, build(f, &c), 0, "{\"n\":9007199254740992}");
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(tuples_of_a_real_store),      T(trailing_nulls_are_dropped), T(every_type_comes_back),
        T(not_null_is_enforced),        T(empty_text_is_not_null),     T(adaptive_values),
        T(varints_at_their_borders),    T(order_of_single_fields),     T(later_fields_decide_ties),
        T(hostile_tuples_are_harmless), T(a_row_may_not_be_too_long),  T(stored_json_keeps_its_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
