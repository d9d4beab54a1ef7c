/*
 * The DDL parser. The stored forms of expressions were read off tables in which Dolt 1.88 had checks of
 * the same text.
 */
#include "tests/unit/ddl_help.h"

static struct ddl *parse(struct arena *a, const char *sql, size_t *count) {
    struct ddl *d;
    struct err e = ERR_INIT;
    if (sql_ddl_parse(sql, strlen(sql), a, &d, count, &e) != BD_OK)
        fail_msg("%s: %s", sql, e.msg);
    return d;
}

static struct ddl *parse_one(struct arena *a, const char *sql) {
    size_t n;
    struct ddl *d = parse(a, sql, &n);
    assert_int_equal(n, 1);
    return d;
}

static void expressions_are_stored_as_dolt_prints_them(void **state) {
    (void)state;
    static const struct {
        const char *sql, *stored;
    } cases[] = {
        {"a > 1 and b = 'x'", "((`a` > 1) AND (`b` = 'x'))"},
        {"a is not null or b is null", "((NOT(`a` IS NULL)) OR `b` IS NULL)"},
        {"not a = 1", "(NOT((`a` = 1)))"},
        {"a in (1,2,3)", "(`a` IN (1, 2, 3))"},
        {"a not in (1,2)", "(NOT((`a` IN (1, 2))))"},
        {"a between 1 and 5", "(`a` BETWEEN 1 AND 5)"},
        {"a not between 1 and 5", "(NOT((`a` BETWEEN 1 AND 5)))"},
        {"b like 'x%'", "`b` LIKE 'x%'"},
        {"b not like 'x_y' escape '!'", "(NOT(`b` LIKE 'x_y'))"},
        {"-a < 3", "(-`a` < 3)"},
        {"a + b * c - d / 2 > 0", "(((`a` + (`b` * `c`)) - (`d` / 2)) > 0)"},
        {"a % 2 = 0", "((`a` % 2) = 0)"},
        {"a div 2 = 1", "((`a` div 2) = 1)"},
        {"a mod 3 = 0", "((`a` % 3) = 0)"},
        {"mod(a,3) = 0", "((`a` % 3) = 0)"},
        {"a <=> 1", "(`a` <=> 1)"},
        {"a <> 2", "(NOT((`a` = 2)))"},
        {"a != 3", "(NOT((`a` = 3)))"},
        {"a xor b", "(`a` XOR `b`)"},
        {"a || b", "(`a` OR `b`)"},
        {"a && b", "(`a` AND `b`)"},
        {"length(b) < 10", "(length(`b`) < 10)"},
        {"coalesce(a,b,c) is not null", "(NOT(coalesce(`a`,`b`,`c`) IS NULL))"},
        {"concat(b,'''q',\"dq\",'\\n\\\\z','%_') > ''", "(concat(`b`,'''q','dq','\n\\\\z','%_') > '')"},
        {"case when a=1 then 2 else 3 end = 2", "(CASE  WHEN (`a` = 1) THEN 2 ELSE 3 END = 2)"},
        {"case a when 1 then 2 end = 2", "(CASE `a` WHEN 1 THEN 2 END = 2)"},
        {"if(a>1,1,0) = 1", "(if((`a` > 1),1,0) = 1)"},
        {"ifnull(a,0) = 0", "(ifnull(`a`, 0) = 0)"},
        {"cast(a as char) = '1'", "(convert(`a`, char) = '1')"},
        {"cast(a as signed) = 1", "(convert(`a`, signed) = 1)"},
        {"convert(a, char(5)) = '1'", "(convert(`a`, char(5)) = '1')"},
        {"a is true", "`a` IS TRUE"},
        {"a is not false", "(NOT(`a` IS FALSE))"},
        {"a = true", "(`a` = 1)"},
        {"g", "`g`"},
        {"b regexp '^x'", "regexp_like(`b`,'^x')"},
        {"b rlike 'x'", "regexp_like(`b`,'x')"},
        {"a & 1", "(`a` & 1)"},
        {"a | 1", "(`a` | 1)"},
        {"a ^ 1", "(`a` ^ 1)"},
        {"a << 1", "(`a` << 1)"},
        {"a >> 1", "(`a` >> 1)"},
        {"!g", "(NOT(`g`))"},
        {"upper(b) = UPPER('x')", "(upper(`b`) = upper('x'))"},
        {"j->'$.a' = 1", "(json_extract(`j`, '$.a') = 1)"},
        {"j->>'$.a' = 'x'", "(json_unquote(json_extract(`j`, '$.a')) = 'x')"},
        {"json_valid(c)", "json_valid(`c`)"},
        {"date_add(d, interval 1 day) > '2020-01-01'", "(date_add(`d`,INTERVAL 1 DAY) > '2020-01-01')"},
        {"d + interval 1 day > d", "((`d` + INTERVAL 1 DAY) > `d`)"},
        {"b collate utf8mb4_general_ci = 'x'", "(`b` COLLATE utf8mb4_general_ci = 'x')"},
        {"binary b = 'x'", "(BINARY(`b`) = 'x')"},
        {"a = 1.50", "(`a` = 1.50)"},
        {"a = 1e3", "(`a` = 1000)"},
        {"a = -5", "(`a` = -5)"},
        {"a = 0x1F", "(`a` = 0x1F)"},
        {"a > 3000000000", "(`a` > 3000000000)"},
        {"a > 99999999999999999999", "(`a` > 99999999999999999999)"},
        {"(a,b) = (1,2)", "((`a`, `b`) = (1, 2))"},
        {"isnull(a)", "isnull(`a`)"},
        {"char_length(b) > 0", "(char_length(`b`) > 0)"},
        {"substring(b,1,2) = 'x'", "(SUBSTRING(`b`, 1, 2) = 'x')"},
        {"left(b,1) = 'x'", "(LEFT(`b`, 1) = 'x')"},
        {"trim(b) = 'x'", "(trim(both ' ' from `b`) = 'x')"},
        {"a = null", "(`a` = NULL)"},
        {"((((a))) = 1)", "(`a` = 1)"},
        {"greatest(a,1,2) = 1", "(greatest(`a`,1,2) = 1)"},
        {"nullif(a,1) = 1", "(nullif(`a`,1) = 1)"},
        {"abs(a) > 0", "(abs(`a`) > 0)"},
        {"round(e,1) > 0", "(round(`e`,1) > 0)"},
        {"d > date '2020-01-01'", "(`d` > '2020-01-01')"},
        {"d > timestamp '2020-01-01 00:00:00'", "(`d` > '2020-01-01 00:00:00')"},
        {"year(d) > 2000", "(year(`d`) > 2000)"},
        {"a <= 1 or a >= 2 and b < 'c' or not (a = 3 and b = 'd')",
         "(((`a` <= 1) OR ((`a` >= 2) AND (`b` < 'c'))) OR (NOT(((`a` = 3) AND (`b` = 'd')))))"},
        {"replace(b,'x','y') = 'z'", "(replace(`b`, 'x', 'y') = 'z')"},
        {"a not in (1) and not b in ('x')", "((NOT((`a` IN (1)))) AND (NOT((`b` IN ('x')))))"},
        {"+a > 1", "(`a` > 1)"},
        {"a - -1 > 2", "((`a` - -1) > 2)"},
        {"(depends is not null) = 1", "((NOT(`depends` IS NULL)) = 1)"},
        {"not (a is null)", "(NOT(`a` IS NULL))"},
        {"not not a", "(NOT((NOT(`a`))))"},
        {"f > 1.0", "(`f` > 1.0)"},
        {"a > 1 and b = 'x' and c = 'y'", "(((`a` > 1) AND (`b` = 'x')) AND (`c` = 'y'))"},
        {"json_extract(j,'$.a') = 1", "(json_extract(`j`, '$.a') = 1)"},
        {"instr(b,'x') > 0", "(INSTR(`b`, 'x') > 0)"},
        {"lower(b) like 'x'", "lower(`b`) LIKE 'x'"},
        {"regexp_like(b,'x')", "regexp_like(`b`,'x')"},
        {"b in ('it''s','q\"q')", "(`b` IN ('it''s', 'q\"q'))"},
        {"a = 'a\\\\b'", "(`a` = 'a\\\\b')"},
        {"`a` = 1", "(`a` = 1)"},
        {"locate('x',b) > 0", "(locate('x',`b`) > 0)"},
        {"substr(b,2) = 'x'", "(SUBSTRING(`b`, 2) = 'x')"},
        {"right(b,1)='x'", "(RIGHT(`b`, 1) = 'x')"},
        {"floor(f)=1", "(floor(`f`) = 1)"},
        {"ceiling(f)=1", "(ceil(`f`) = 1)"},
        {"json_type(j)='OBJECT'", "(json_type(`j`) = 'OBJECT')"},
        {"strcmp(a,b)=0", "(strcmp(`a`,`b`) = 0)"},
        {"date(d) = '2020-01-01'", "(DATE(`d`) = '2020-01-01')"},
        {"a * (b + c) = 3", "((`a` * (`b` + `c`)) = 3)"},
        {"(a and b) or c", "((`a` AND `b`) OR `c`)"},
        {"a and (b or c)", "(`a` AND (`b` OR `c`))"},
        {"a is not true", "(NOT(`a` IS TRUE))"},
        {"false", "false"},
        {"a = b'101'", "(`a` = 5)"},
        {"a = x'4D'", "(`a` = 0x4D)"},
        {"b = _utf8mb4'x'", "(`b` = 'x')"},
        {"length(c) between 1 and 10 and a in (1,2)",
         "((length(`c`) BETWEEN 1 AND 10) AND (`a` IN (1, 2)))"},
        {"char(65) = b", "(char(65) = `b`)"},
        {"length(trim(b)) > 0", "(length(trim(both ' ' from `b`)) > 0)"},
    };
    struct arena a = ARENA_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *sql = arena_printf(&a, "create table t (a int, constraint k check (%s))", cases[i].sql);
        struct ddl *d = parse_one(&a, sql);
        assert_int_equal(d->check_count, 1);
        assert_string_equal(d->checks[0].name, "k");
        assert_string_equal(d->checks[0].expression, cases[i].stored);
    }
    arena_release(&a);
}

static void defaults_are_stored_as_dolt_stores_them(void **state) {
    (void)state;
    static const struct {
        const char *definition, *type, *stored, *on_update;
        bool generated, is_virtual;
    } cases[] = {
        {"varchar(20) default 'open'", "varchar(20)", "'open'", "", false, false},
        {"varchar(20) default \"dq\"", "varchar(20)", "'dq'", "", false, false},
        {"varchar(50) default 'it''s \"x\" \\\\ \\n %'", "varchar(50)", "'it''s \"x\" \\\\ \n %'", "",
         false, false},
        {"int default 2", "int", "2", "", false, false},
        {"int default -2", "int", "-2", "", false, false},
        {"int default 007", "int", "7", "", false, false},
        {"int default '5'", "int", "5", "", false, false},
        {"tinyint(1) default true", "tinyint(1)", "1", "", false, false},
        {"tinyint(1) default false", "tinyint(1)", "0", "", false, false},
        {"tinyint(1) default 1", "tinyint(1)", "1", "", false, false},
        {"double default 1.50", "double", "1.5", "", false, false},
        {"double default 1e3", "double", "1000", "", false, false},
        {"decimal(10,2) default 1.5", "decimal(10,2)", "1.50", "", false, false},
        {"bigint default 9223372036854775807", "bigint", "9223372036854775807", "", false, false},
        {"datetime default current_timestamp", "datetime(0)", "CURRENT_TIMESTAMP", "", false, false},
        {"datetime default current_timestamp()", "datetime(0)", "CURRENT_TIMESTAMP", "", false, false},
        {"datetime(6) default current_timestamp(6)", "datetime(6)", "CURRENT_TIMESTAMP(6)", "", false,
         false},
        {"datetime default now()", "datetime(0)", "CURRENT_TIMESTAMP", "", false, false},
        {"datetime(6) default now(6)", "datetime(6)", "CURRENT_TIMESTAMP(6)", "", false, false},
        {"datetime default localtimestamp", "datetime(0)", "CURRENT_TIMESTAMP", "", false, false},
        {"datetime default (now())", "datetime(0)", "CURRENT_TIMESTAMP", "", false, false},
        {"datetime default (current_timestamp)", "datetime(0)", "CURRENT_TIMESTAMP", "", false, false},
        {"datetime default '2020-01-01 00:00:00'", "datetime(0)", "'2020-01-01 00:00:00'", "", false,
         false},
        {"datetime default '2020-01-01'", "datetime(0)", "'2020-01-01'", "", false, false},
        {"timestamp default current_timestamp on update current_timestamp", "timestamp(0)",
         "CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP", false, false},
        {"datetime(6) default current_timestamp(6) on update current_timestamp(6)", "datetime(6)",
         "CURRENT_TIMESTAMP(6)", "CURRENT_TIMESTAMP(6)", false, false},
        {"datetime default now() on update now()", "datetime(0)", "CURRENT_TIMESTAMP",
         "CURRENT_TIMESTAMP", false, false},
        {"date default (current_date)", "date", "(current_date())", "", false, false},
        {"date default (curdate())", "date", "(curdate())", "", false, false},
        {"json default (json_object())", "json", "(json_object())", "", false, false},
        {"json default (JSON_ARRAY())", "json", "(json_array())", "", false, false},
        {"json default ('{}')", "json", "('{}')", "", false, false},
        {"json default (json_object('a', 1))", "json", "(json_object('a',1))", "", false, false},
        {"char(36) default (uuid())", "char(36)", "(uuid())", "", false, false},
        {"char(36) default (UUID())", "char(36)", "(uuid())", "", false, false},
        {"text default ''", "text", "''", "", false, false},
        {"text default ('')", "text", "('')", "", false, false},
        {"text default ('x')", "text", "('x')", "", false, false},
        {"int default (1+2)", "int", "((1 + 2))", "", false, false},
        {"int default (-1)", "int", "(-1)", "", false, false},
        {"int default ((3))", "int", "(3)", "", false, false},
        {"varchar(20) default (concat('a','b'))", "varchar(20)", "(concat('a','b'))", "", false, false},
        {"varchar(20) default null", "varchar(20)", "NULL", "", false, false},
        {"varchar(20) default (null)", "varchar(20)", "(NULL)", "", false, false},
        {"varchar(20) default (lower('X'))", "varchar(20)", "(lower('X'))", "", false, false},
        {"int default (rand()*10)", "int", "((rand() * 10))", "", false, false},
        {"bit(4) default b'101'", "bit(4)", "5", "", false, false},
        {"varbinary(4) default x'4D'", "varbinary(4)", "0x4D", "", false, false},
        {"int default 0x1F", "int", "31", "", false, false},
        {"enum('a','b') default 'b'", "enum('a','b')", "'b'", "", false, false},
        {"set('a','b') default 'a,b'", "set('a','b')", "'a,b'", "", false, false},
        {"varchar(20) default ''", "varchar(20)", "''", "", false, false},
        {"varchar(20) default 'a' not null", "varchar(20)", "'a'", "", false, false},
        {"blob default ('x')", "blob", "('x')", "", false, false},
        {"datetime default (now() + interval 1 day)", "datetime(0)", "((NOW() + INTERVAL 1 DAY))", "",
         false, false},
        {"int default (if(1>0,1,2))", "int", "(if((1 > 0),1,2))", "", false, false},
        {"int default (length('abc'))", "int", "(length('abc'))", "", false, false},
        {"char(36) default (replace(uuid(),'-',''))", "char(36)", "(replace(uuid(), '-', ''))", "",
         false, false},
        {"varchar(20) default (cast(5 as char))", "varchar(20)", "(convert(5, char))", "", false,
         false},
        {"int as (a+1)", "int", "((`a` + 1))", "", true, true},
        {"int as (a+1) stored", "int", "((`a` + 1))", "", true, false},
        {"int generated always as (a + 1) virtual", "int", "((`a` + 1))", "", true, true},
        {"varchar(50) generated always as (coalesce(b, 'x')) stored", "varchar(50)",
         "(coalesce(`b`,'x'))", "", true, false},
        {"varchar(50) as (concat(b,'-',a))", "varchar(50)", "(concat(`b`,'-',`a`))", "", true, true},
        {"int default (case when 1=1 then 2 else 3 end)", "int",
         "(CASE  WHEN (1 = 1) THEN 2 ELSE 3 END)", "", false, false},
        {"int comment 'hello ''w''' default 3", "int", "3", "", false, false},
        {"bigint unsigned default 18446744073709551615", "bigint unsigned", "18446744073709551615", "",
         false, false},
        {"double default .5", "double", "0.5", "", false, false},
        {"double default -1.5e-3", "double", "-0.0015", "", false, false},
        {"varchar(20) default 5", "varchar(20)", "'5'", "", false, false},
        {"varchar(20) collate utf8mb4_0900_ai_ci default 'x'", "varchar(20) COLLATE utf8mb4_0900_ai_ci",
         "'x'", "", false, false},
        {"varchar(20) character set latin1 default 'x'",
         "varchar(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci", "'x'", "", false, false},
        {"time default '10:00:00'", "time(6)", "'10:00:00'", "", false, false},
        {"year default 2020", "year", "2020", "", false, false},
        {"int default (a)", "int", "(`a`)", "", false, false},
        {"datetime default (utc_timestamp())", "datetime(0)", "(UTC_TIMESTAMP(0))", "", false, false},
        {"date default '2020-01-01'", "date", "'2020-01-01'", "", false, false},
        {"float default 0.1", "float", "0.1", "", false, false},
        {"varchar(20) default (upper(b))", "varchar(20)", "(upper(`b`))", "", false, false},
    };
    struct arena a = ARENA_INIT;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *sql = arena_printf(&a, "create table t (id int primary key, a int, b varchar(20), x %s)",
                                 cases[i].definition);
        const struct ddl_column *c = &parse_one(&a, sql)->columns[3];
        assert_string_equal(c->type_text, cases[i].type);
        assert_string_equal(c->default_text, cases[i].stored);
        assert_string_equal(c->on_update, cases[i].on_update);
        assert_int_equal(c->generated, cases[i].generated);
        assert_int_equal(c->is_virtual, cases[i].is_virtual);
    }
    arena_release(&a);
}

static void create_table_in_all_its_parts(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct ddl *d =
        parse_one(&a, "CREATE TABLE IF NOT EXISTS `db`.`t` ( -- a comment\n"
                      " id CHAR(36) NOT NULL DEFAULT (UUID()) PRIMARY KEY /* another */,\n"
                      " `key` VARCHAR(10) COLLATE utf8mb4_0900_ai_ci UNIQUE COMMENT 'c',\n"
                      " n INT NULL AUTO_INCREMENT REFERENCES other(id) ON DELETE SET NULL,\n"
                      " CONSTRAINT pk_ignored PRIMARY KEY USING BTREE (id),\n"
                      " UNIQUE KEY u1 (`key`(5) ASC, n DESC) COMMENT 'x' USING HASH, INDEX (n), KEY k2 "
                      "USING BTREE (n),\n"
                      " CONSTRAINT fk FOREIGN KEY fki (n, id) REFERENCES p (x, y) ON UPDATE CASCADE ON "
                      "DELETE NO ACTION,\n"
                      " FOREIGN KEY (n) REFERENCES q (x),\n"
                      " CONSTRAINT CHECK (n > 0), CHECK (n < 9) NOT ENFORCED\n"
                      ") ENGINE = InnoDB, AUTO_INCREMENT=7 DEFAULT CHARSET utf8mb4 COLLATE = "
                      "utf8mb4_bin COMMENT 'table';");
    assert_int_equal(d->kind, DDL_CREATE_TABLE);
    assert_true(d->if_not_exists);
    assert_string_equal(d->database, "db");
    assert_string_equal(d->table, "t");
    assert_int_equal(d->column_count, 3);
    assert_int_equal(d->columns[0].nullability, DDL_NOT_NULL);
    assert_true(d->columns[0].primary_key);
    assert_string_equal(d->columns[1].name, "key");
    assert_true(d->columns[1].unique && d->columns[1].collation_given);
    assert_string_equal(d->columns[1].comment, "c");
    assert_string_equal(d->columns[1].type_text, "varchar(10) COLLATE utf8mb4_0900_ai_ci");
    assert_true(d->columns[2].auto_increment);
    assert_int_equal(d->columns[2].nullability, DDL_NULL);

    assert_int_equal(d->index_count, 6);
    assert_true(d->indexes[0].primary && d->indexes[1].unique && d->indexes[2].primary);
    assert_string_equal(d->indexes[3].name, "u1");
    assert_true(d->indexes[3].unique);
    assert_int_equal(d->indexes[3].parts[0].prefix_length, 5);
    assert_false(d->indexes[3].parts[0].descending);
    assert_true(d->indexes[3].parts[1].descending);
    assert_string_equal(d->indexes[3].comment, "x");
    assert_null(d->indexes[4].name);
    assert_string_equal(d->indexes[5].name, "k2");

    assert_int_equal(d->foreign_key_count, 3);
    assert_null(d->foreign_keys[0].name);
    assert_string_equal(d->foreign_keys[0].parent_table, "other");
    assert_int_equal(d->foreign_keys[0].on_delete, DDL_FK_SET_NULL);
    assert_string_equal(d->foreign_keys[1].name, "fk");
    assert_string_equal(d->foreign_keys[1].index_name, "fki");
    assert_string_equal(d->foreign_keys[1].parent_columns[1], "y");
    assert_int_equal(d->foreign_keys[1].on_update, DDL_FK_CASCADE);
    assert_int_equal(d->foreign_keys[1].on_delete, DDL_FK_NO_ACTION);
    assert_null(d->foreign_keys[2].name);
    assert_int_equal(d->foreign_keys[2].on_delete, DDL_FK_DEFAULT);

    assert_int_equal(d->check_count, 2);
    assert_null(d->checks[0].name);
    assert_false(d->checks[0].not_enforced);
    assert_true(d->checks[1].not_enforced);
    assert_int_equal(d->auto_increment, 7);
    assert_int_equal(d->collation, 46);
    assert_string_equal(d->comment, "table");
    arena_release(&a);
}

static void columns_take_the_tables_collation(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct ddl *d =
        parse_one(&a, "create table t (a varchar(5), b int, c text collate utf8mb4_bin, d text) "
                      "collate utf8mb4_0900_ai_ci");
    assert_string_equal(d->columns[0].type_text, "varchar(5) COLLATE utf8mb4_0900_ai_ci");
    assert_string_equal(d->columns[1].type_text, "int");
    assert_string_equal(d->columns[2].type_text, "text COLLATE utf8mb4_bin");
    assert_string_equal(d->columns[3].type_text, "text COLLATE utf8mb4_0900_ai_ci");
    arena_release(&a);
}

static void alter_table_in_all_its_parts(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct ddl *d = parse_one(
        &a,
        "ALTER TABLE t ADD COLUMN a INT FIRST, ADD b TEXT AFTER a, ADD COLUMN IF NOT EXISTS c INT "
        "DEFAULT 3,"
        " ADD COLUMN id CHAR(36) DEFAULT (UUID()) PRIMARY KEY FIRST, DROP COLUMN IF EXISTS d, DROP e,"
        " MODIFY COLUMN f BIGINT NOT NULL AFTER g, CHANGE h i VARCHAR(5), RENAME COLUMN j TO k,"
        " ADD INDEX l (a), ADD UNIQUE (b(3)), ADD UNIQUE INDEX m (a, b), ADD KEY n (a), ADD PRIMARY "
        "KEY (a, b),"
        " ADD CONSTRAINT o FOREIGN KEY (a) REFERENCES p(q) ON DELETE CASCADE ON UPDATE CASCADE,"
        " ADD FOREIGN KEY (a) REFERENCES p(q), ADD CONSTRAINT r CHECK (a > 0), ADD CONSTRAINT s UNIQUE "
        "(a),"
        " DROP INDEX u, DROP KEY v, DROP PRIMARY KEY, DROP FOREIGN KEY w, DROP CONSTRAINT x, DROP "
        "CHECK y,"
        " RENAME INDEX z TO aa, ALTER COLUMN a SET DEFAULT 'q', ALTER b DROP DEFAULT, RENAME TO other,"
        " COMMENT = 'new', AUTO_INCREMENT 5, COLLATE utf8mb4_bin");
    static const enum ddl_action_kind kinds[] = {
        DDL_ADD_COLUMN,      DDL_ADD_COLUMN,       DDL_ADD_COLUMN,         DDL_ADD_COLUMN,
        DDL_ADD_PRIMARY_KEY, DDL_DROP_COLUMN,      DDL_DROP_COLUMN,        DDL_MODIFY_COLUMN,
        DDL_MODIFY_COLUMN,   DDL_RENAME_COLUMN,    DDL_ADD_INDEX,          DDL_ADD_INDEX,
        DDL_ADD_INDEX,       DDL_ADD_INDEX,        DDL_ADD_PRIMARY_KEY,    DDL_ADD_FOREIGN_KEY,
        DDL_ADD_FOREIGN_KEY, DDL_ADD_CHECK,        DDL_ADD_INDEX,          DDL_DROP_INDEX,
        DDL_DROP_INDEX,      DDL_DROP_PRIMARY_KEY, DDL_DROP_FOREIGN_KEY,   DDL_DROP_CONSTRAINT,
        DDL_DROP_CHECK,      DDL_RENAME_INDEX,     DDL_SET_DEFAULT,        DDL_DROP_DEFAULT,
        DDL_RENAME_TABLE,    DDL_SET_COMMENT,      DDL_SET_AUTO_INCREMENT, DDL_SET_COLLATION};
    const struct ddl_action *x = d->actions;
    assert_int_equal(d->kind, DDL_ALTER_TABLE);
    assert_int_equal(d->action_count, sizeof kinds / sizeof *kinds);
    for (size_t i = 0; i < d->action_count; i++)
        assert_int_equal(x[i].kind, kinds[i]);
    assert_true(x[0].first);
    assert_string_equal(x[1].after, "a");
    assert_true(x[2].if_not_exists);
    assert_string_equal(x[2].column->default_text, "3");
    assert_true(x[3].first && x[3].column->primary_key);
    assert_string_equal(x[4].index->parts[0].column, "id");
    assert_true(x[5].if_exists);
    assert_string_equal(x[6].name, "e");
    assert_string_equal(x[7].name, "f");
    assert_string_equal(x[7].after, "g");
    assert_string_equal(x[8].name, "h");
    assert_string_equal(x[8].column->name, "i");
    assert_string_equal(x[9].name, "j");
    assert_string_equal(x[9].new_name, "k");
    assert_string_equal(x[10].index->name, "l");
    assert_true(x[11].index->unique && !x[11].index->name);
    assert_int_equal(x[14].index->part_count, 2);
    assert_string_equal(x[15].foreign_key->name, "o");
    assert_string_equal(x[17].check->expression, "(`a` > 0)");
    assert_string_equal(x[18].index->name, "s");
    assert_string_equal(x[23].name, "x");
    assert_string_equal(x[25].new_name, "aa");
    assert_string_equal(x[26].column->default_text, "'q'");
    assert_string_equal(x[28].new_name, "other");
    assert_string_equal(x[29].new_name, "new");
    assert_int_equal(x[30].auto_increment, 5);
    assert_int_equal(x[31].collation, 46);
    arena_release(&a);
}

static void several_statements(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    size_t n;
    struct ddl *d = parse(&a,
                          ";; -- nothing\n DROP TABLE IF EXISTS a, b CASCADE; CREATE UNIQUE INDEX IF "
                          "NOT EXISTS i ON t (a, b DESC);\n"
                          "DROP INDEX i ON t; RENAME TABLE a TO b, c TO d; DROP VIEW v; TRUNCATE TABLE "
                          "t; CREATE TABLE x LIKE y; # end",
                          &n);
    assert_int_equal(n, 8);
    assert_int_equal(d[0].kind, DDL_DROP_TABLE);
    assert_true(d[0].if_exists);
    assert_int_equal(d[0].name_count, 2);
    assert_string_equal(d[0].names[1], "b");
    assert_int_equal(d[1].kind, DDL_ALTER_TABLE);
    assert_string_equal(d[1].table, "t");
    assert_true(d[1].actions[0].if_not_exists && d[1].actions[0].index->unique);
    assert_string_equal(d[1].actions[0].index->name, "i");
    assert_int_equal(d[2].actions[0].kind, DDL_DROP_INDEX);
    assert_string_equal(d[3].table, "a");
    assert_string_equal(d[4].actions[0].new_name, "d");
    assert_int_equal(d[5].kind, DDL_DROP_VIEW);
    assert_int_equal(d[6].kind, DDL_TRUNCATE);
    assert_string_equal(d[7].like, "y");
    assert_null(parse(&a, "  /* only this */ ", &n));
    assert_int_equal(n, 0);
    arena_release(&a);
}

static void views_keep_their_text(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    size_t n;
    struct ddl *d = parse(
        &a,
        "  CREATE OR REPLACE VIEW v AS\nWITH x AS (\n  SELECT ';' AS q -- c;\n)\nSELECT * FROM x ;\n"
        "create view w (a, b) as select 1, 2",
        &n);
    assert_int_equal(n, 2);
    assert_int_equal(d[0].kind, DDL_CREATE_VIEW);
    assert_true(d[0].or_replace);
    assert_string_equal(d[0].table, "v");
    assert_string_equal(
        d[0].text,
        "CREATE OR REPLACE VIEW v AS\nWITH x AS (\n  SELECT ';' AS q -- c;\n)\nSELECT * FROM x");
    assert_string_equal(d[0].select_text, "WITH x AS (\n  SELECT ';' AS q -- c;\n)\nSELECT * FROM x");
    assert_string_equal(d[1].text, "create view w (a, b) as select 1, 2");
    assert_string_equal(d[1].select_text, "select 1, 2");
    arena_release(&a);
}

static void executable_comments_are_read(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct ddl *d = parse_one(
        &a, "create table t (a int /*!50100 not null */, b int /* not null */) /*!40101 engine=x */");
    assert_int_equal(d->columns[0].nullability, DDL_NOT_NULL);
    assert_int_equal(d->columns[1].nullability, DDL_NULL_UNSAID);
    arena_release(&a);
}

static void expect_error(const char *sql, int code, const char *part) {
    struct arena a = ARENA_INIT;
    struct ddl *d;
    size_t n;
    struct err e = ERR_INIT;
    int rc = sql_ddl_parse(sql, strlen(sql), &a, &d, &n, &e);
    if (rc != code || !strstr(e.msg, part))
        print_error("%s: %d %s\n", sql, rc, e.msg);
    assert_int_equal(rc, code);
    assert_non_null(strstr(e.msg, part));
    assert_null(d);
    arena_release(&a);
}

static void errors_say_where(void **state) {
    (void)state;
    expect_error("create table t (a int,\n b strange)", BD_INVALID, "strange");
    expect_error("create table t (\na int b)", BD_INVALID, "line 2 near 'b'");
    expect_error("create table t ()", BD_INVALID, "near ')'");
    expect_error("create table t (a int", BD_INVALID, "at the end");
    expect_error("create table t (a int) x", BD_INVALID, "option");
    expect_error("create table t (primary key (a))", BD_INVALID, "at least one column");
    expect_error("alter table t", BD_INVALID, "ADD");
    expect_error("alter table t add", BD_INVALID, "name");
    expect_error("create table t (a int default 'x')", BD_INVALID, "Invalid default value");
    expect_error("create table t (a int default uuid())", BD_INVALID, "parentheses");
    expect_error("create table t (a int check (a > ?))", BD_UNSUPPORTED, "parameter");
    expect_error("create table t (a int check (a in (select 1)))", BD_UNSUPPORTED, "subqueries");
    expect_error("create table t (a varchar(5) 'x", BD_INVALID, "not closed");
    expect_error("create table `t (a int)", BD_INVALID, "not closed");
    expect_error("create /* table t (a int)", BD_INVALID, "not closed");
    expect_error("create table t (a int collate utf8mb4_bin)", BD_INVALID, "collation");
    expect_error("create table t (a text collate nope)", BD_INVALID, "unknown collation");
    expect_error("select 1", BD_UNSUPPORTED, "near 'select'");
    expect_error("42", BD_INVALID, "near '42'");
    expect_error("create table t (a int); \x01", BD_INVALID, "unexpected character");
    expect_error("create procedure p() select 1", BD_UNSUPPORTED, "procedure");
    expect_error("create index i on t ((a + 1))", BD_UNSUPPORTED, "expressions");
    expect_error("create table t (a int, key k (a(0)))", BD_INVALID, "prefix");
}

static void depth_and_length_are_bounded(void **state) {
    (void)state;
    struct buf b = BUF_INIT;
    buf_add_str(&b, "create table t (a int check (");
    for (int i = 0; i < 100000; i++)
        buf_add_char(&b, '(');
    expect_error(buf_str(&b), BD_INVALID, "deeply");
    buf_clear(&b);
    buf_add_str(&b, "create table t (a int check (a");
    for (int i = 0; i < 100000; i++)
        buf_add_str(&b, "+1");
    buf_add_str(&b, "))");
    expect_error(buf_str(&b), BD_INVALID, "too long");
    buf_clear(&b);
    buf_add_str(&b, "create table t (a int check (");
    for (int i = 0; i < 100000; i++)
        buf_add_str(&b, "not ");
    expect_error(buf_str(&b), BD_INVALID, "deeply");
    buf_clear(&b);
    buf_add_str(&b, "create table t (a int check (");
    for (int i = 0; i < 100000; i++)
        buf_add_str(&b, "- ");
    expect_error(buf_str(&b), BD_INVALID, "deeply");
    buf_release(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_are_stored_as_dolt_prints_them),
        cmocka_unit_test(defaults_are_stored_as_dolt_stores_them),
        cmocka_unit_test(create_table_in_all_its_parts),
        cmocka_unit_test(columns_take_the_tables_collation),
        cmocka_unit_test(alter_table_in_all_its_parts),
        cmocka_unit_test(several_statements),
        cmocka_unit_test(views_keep_their_text),
        cmocka_unit_test(executable_comments_are_read),
        cmocka_unit_test(errors_say_where),
        cmocka_unit_test(depth_and_length_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
