/* Types from and to their texts in schemas. */
#include "store/value/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static void types_have_dolts_text_encoding_and_kind(void **state) {
    (void)state;
    static const struct {
        const char *in, *text;
        enum encoding encoding;
        unsigned kind;
    } cases[] = {
        {"VARCHAR(255)", "varchar(255)", ENC_STRING, 2},
        {"character varying ( 7 )", "varchar(7)", ENC_STRING, 2},
        {"char(36)", "char(36)", ENC_STRING, 2},
        {"CHAR", "char(1)", ENC_STRING, 2},
        {"TEXT", "text", ENC_STRING_ADDR, 3},
        {"text(10)", "tinytext", ENC_STRING_ADDR, 3},
        {"LongText", "longtext", ENC_STRING_ADDR, 3},
        {"blob", "blob", ENC_BYTES_ADDR, 3},
        {"varbinary(20)", "varbinary(20)", ENC_BYTES, 19},
        {"binary", "binary(1)", ENC_BYTES, 19},
        {"char(5) character set binary", "binary(5)", ENC_BYTES, 19},
        {"json", "json", ENC_JSON_ADDR, 22},
        {"int", "int", ENC_INT32, 15},
        {"INTEGER(11) UNSIGNED ZEROFILL", "int unsigned", ENC_UINT32, 16},
        {"tinyint(1)", "tinyint(1)", ENC_INT8, 15},
        {"BOOLEAN", "tinyint(1)", ENC_INT8, 15},
        {"tinyint(4)", "tinyint", ENC_INT8, 15},
        {"tinyint(1) unsigned", "tinyint unsigned", ENC_UINT8, 16},
        {"smallint", "smallint", ENC_INT16, 15},
        {"mediumint unsigned", "mediumint unsigned", ENC_UINT32, 16},
        {"bigint", "bigint", ENC_INT64, 15},
        {"float", "float", ENC_FLOAT32, 1},
        {"float(30)", "double", ENC_FLOAT64, 1},
        {"double precision", "double", ENC_FLOAT64, 1},
        {"decimal(10,2)", "decimal(10,2)", ENC_DECIMAL, 21},
        {"numeric", "decimal(10,0)", ENC_DECIMAL, 21},
        {"date", "date", ENC_DATE, 20},
        {"datetime", "datetime(0)", ENC_DATETIME, 20},
        {"datetime(6)", "datetime(6)", ENC_DATETIME, 20},
        {"TIMESTAMP", "timestamp(0)", ENC_DATETIME, 20},
        {"time", "time(6)", ENC_TIME, 15},
        {"year", "year", ENC_YEAR, 15},
        {"enum('a','it''s', \"x\")", "enum('a','it''s','x')", ENC_ENUM, 16},
        {"set('a','b')", "set('a','b')", ENC_SET, 16},
        {"bit(8)", "bit(8)", ENC_UINT64, 16},
        {"point", "point", ENC_GEOM_ADDR, 24},
        {"POINT SRID 4326", "point SRID 4326", ENC_GEOM_ADDR, 24},
        {"varchar(64) COLLATE utf8mb4_0900_ai_ci", "varchar(64) COLLATE utf8mb4_0900_ai_ci", ENC_STRING,
         2},
        {"varchar(40) CHARACTER SET latin1 COLLATE latin1_swedish_ci",
         "varchar(40) CHARACTER SET latin1 COLLATE latin1_swedish_ci", ENC_STRING, 2},
        {"varchar(40) charset latin1", "varchar(40) CHARACTER SET latin1 COLLATE latin1_swedish_ci",
         ENC_STRING, 2},
        {"text collate utf8mb4_0900_bin", "text", ENC_STRING_ADDR, 3},
    };
    struct arena a = ARENA_INIT;
    struct err e = ERR_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sql_type t, again;
        int rc = sql_type_parse(cases[i].in, &a, &t, &e);
        if (rc != BD_OK)
            print_error("%s\n", e.msg);
        assert_int_equal(rc, BD_OK);
        char *text = sql_type_format(&t, &a);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(sql_type_encoding(&t), cases[i].encoding);
        assert_int_equal(sql_type_tag_kind(&t), cases[i].kind);
        assert_int_equal(sql_type_parse(text, &a, &again, &e), BD_OK);
        assert_string_equal(sql_type_format(&again, &a), text);
    }
    arena_release(&a);
}

static void nonsense_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "varchar",
                                      "varchar(",
                                      "varchar()",
                                      "varchar(x)",
                                      "varchar(99999)",
                                      "strange",
                                      "int foo",
                                      "decimal(70)",
                                      "decimal(5,6)",
                                      "enum",
                                      "enum()",
                                      "enum('a'",
                                      "bit(65)",
                                      "datetime(7)",
                                      "varchar(5) collate nope",
                                      "varchar(5) character set nope",
                                      "intx",
                                      "varchar(99999999999999)"};
    struct arena a = ARENA_INIT;
    struct sql_type t;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(sql_type_parse(bad[i], &a, &t, NULL), BD_INVALID);
    arena_release(&a);
}

static void a_type_is_cut_from_a_column_definition(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct sql_type t;
    size_t used;
    bool given;
    const char *def = "varchar(20) collate utf8mb4_bin NOT NULL";
    assert_int_equal(sql_type_scan(def, strlen(def), &a, &t, &given, &used, NULL), BD_OK);
    assert_int_equal(used, strlen("varchar(20) collate utf8mb4_bin"));
    assert_true(given);
    assert_int_equal(t.collation, 46);
    def = "int primary key";
    assert_int_equal(sql_type_scan(def, strlen(def), &a, &t, &given, &used, NULL), BD_OK);
    assert_int_equal(used, 3);
    assert_false(given);
    arena_release(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_have_dolts_text_encoding_and_kind),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(a_type_is_cut_from_a_column_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
