/* Column tags against those that Dolt gave. */
#include "store/value/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

enum { FLOAT_KIND = 1, STRING_KIND = 2, BLOB_KIND = 3, INT_KIND = 15, TIME_KIND = 20, JSON_KIND = 22 };

struct tagged {
    const char *name;
    uint8_t kind;
    uint64_t tag;
};

/* Tags of a CREATE TABLE, column by column, on top of `used`. */
static void check_table(const char *table, const struct tagged *columns, size_t count, uint64_t *used,
                        size_t *used_count) {
    uint8_t kinds[64];
    for (size_t i = 0; i < count; i++) {
        uint64_t tag = column_tag(table, kinds, i, columns[i].name, columns[i].kind, used, *used_count);
        if (tag != columns[i].tag)
            print_error("%s.%s\n", table, columns[i].name);
        assert_int_equal(tag, columns[i].tag);
        kinds[i] = columns[i].kind;
        used[(*used_count)++] = tag;
    }
}
#define CHECK(table, used, n, ...)                                                                     \
    do {                                                                                               \
        const struct tagged list[] = {__VA_ARGS__};                                                    \
        check_table(table, list, sizeof list / sizeof *list, used, n);                                 \
    } while (0)

static void known_tables_of_dolt(void **state) {
    (void)state;
    uint64_t used[64];
    size_t n = 0;
    CHECK("test", used, &n, {"pk", INT_KIND, 3228}, {"c1", INT_KIND, 8201});
    n = 0;
    CHECK("test1", used, &n, {"pk1", INT_KIND, 10458}, {"c1", INT_KIND, 5951},
          {"c2", FLOAT_KIND, 10358}, {"c3", BLOB_KIND, 16293});
    n = 0;
    CHECK("t", used, &n, {"pk", INT_KIND, 15476}, {"col1", INT_KIND, 10878});
    n = 0;
    CHECK("t", used, &n, {"pk", INT_KIND, 15476}, {"col1", STRING_KIND, 16050});
    n = 0;
    CHECK("ints_table", used, &n, {"pk", STRING_KIND, 6302}, {"c1", STRING_KIND, 12880},
          {"c2", STRING_KIND, 15463}, {"c3", STRING_KIND, 14526}, {"c4", STRING_KIND, 5634},
          {"c5", STRING_KIND, 12796});
}

static void a_used_tag_takes_the_next_draw(void **state) {
    (void)state;
    const uint64_t used[] = {7, 3228};
    assert_int_equal(column_tag("test", NULL, 0, "pk", INT_KIND, used, 2), 12260);
}

static void names_are_simplified(void **state) {
    (void)state;
    assert_int_equal(column_tag("T-est `", NULL, 0, "P_K", INT_KIND, NULL, 0), 3228);
}

static void tables_of_the_tracker(void **state) {
    (void)state;
    uint64_t used[256];
    size_t n = 0;
    CHECK("config", used, &n, {"key", STRING_KIND, 4237}, {"value", BLOB_KIND, 4660});
    CHECK("labels", used, &n, {"issue_id", STRING_KIND, 12164}, {"label", STRING_KIND, 5746});
    CHECK("comments", used, &n, {"id", STRING_KIND, 8109}, {"issue_id", STRING_KIND, 13623},
          {"author", STRING_KIND, 165}, {"text", BLOB_KIND, 1690}, {"created_at", TIME_KIND, 15812});
    CHECK("dependencies", used, &n, {"issue_id", STRING_KIND, 663},
          {"depends_on_id", STRING_KIND, 2487}, {"type", STRING_KIND, 7750},
          {"created_at", TIME_KIND, 15593}, {"created_by", STRING_KIND, 3154},
          {"metadata", JSON_KIND, 2268}, {"thread_id", STRING_KIND, 16381});
    CHECK("compaction_snapshots", used, &n, {"id", STRING_KIND, 3321}, {"issue_id", STRING_KIND, 3877},
          {"compaction_level", INT_KIND, 13185}, {"snapshot_json", BLOB_KIND, 8288},
          {"created_at", TIME_KIND, 642});
    /* its first draw, 642, is taken */
    CHECK("interactions", used, &n, {"id", STRING_KIND, 1476}, {"kind", STRING_KIND, 13432});
}

static void many_columns_widen_the_range(void **state) {
    (void)state;
    static uint64_t used[9000];
    for (size_t i = 0; i < 9000; i++)
        used[i] = i;
    uint64_t tag = column_tag("test", NULL, 0, "pk", INT_KIND, used, 9000);
    assert_true(tag >= 9000 && tag < 128 * 16384);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_tables_of_dolt),
        cmocka_unit_test(a_used_tag_takes_the_next_draw),
        cmocka_unit_test(names_are_simplified),
        cmocka_unit_test(tables_of_the_tracker),
        cmocka_unit_test(many_columns_widen_the_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
