/*
 * Schema changes give the root hash that Dolt 1.88 gives for the same statements: tags, schemas, rows,
 * indexes, foreign keys.
 */
#include "store/db/embedded.h"
#include "tests/run_ddl.h"
#include "tests/unit/db_help.h"

#include <ctype.h>
#include <strings.h>

/* `insert into t (a,b) values (1,'x'),(null,'y')` with plain literals. */
static int insert(struct tables_txn *x, const char *s, struct arena *a, struct err *err) {
    const char *columns[16], *open = strchr(s, '(');
    struct cell cells[16];
    size_t columns_count = 0;
    const char *table = arena_strndup(a, s + 12, (size_t)(open - s) - 13);
    const char *p = open + 1;
    while (p[-1] != ')') {
        size_t n = strcspn(p, ",)");
        columns[columns_count++] = arena_strndup(a, p, n);
        p += n + 1;
    }
    int rc = BD_OK;
    while (rc == BD_OK && (p = strchr(p, '('))) {
        bool inserted;
        for (size_t i = 0; i < columns_count; i++) {
            p++;
            size_t n = *p == '\'' ? strcspn(p + 1, "'") + 2 : strcspn(p, ",)");
            cells[i] = *p == '\''  ? cell_text_n(p + 1, n - 2)
                       : *p == 'n' ? cell_null()
                                   : cell_int(strtoll(p, NULL, 10));
            p += n;
        }
        rc = tables_insert(x, table, columns, cells, columns_count, 0, &inserted, err);
    }
    return rc;
}

static int run_all(struct tables_txn *x, void *ctx, struct err *err) {
    struct arena a = ARENA_INIT;
    int rc = BD_OK;
    for (const char *const *s = ctx; rc == BD_OK && *s; s++) {
        if (!strncmp(*s, "insert into ", 12)) {
            rc = insert(x, *s, &a, err);
            continue;
        }
        rc = run_ddl(x, *s, err);
        if (rc)
            err_prefix(err, "%s", *s);
    }
    arena_release(&a);
    return rc;
}

static struct tables *fresh(void) {
    static int n;
    char dir[300];
    struct err err = ERR_INIT;
    snprintf(dir, sizeof dir, "%s/ddl%d", scratch, n++);
    check(tables_create_embedded(dir, "main", NULL, &err), &err);
    return open_db(dir);
}

static void assert_root(const char *const *statements, const char *expected) {
    struct err err = ERR_INIT;
    struct tables *t = fresh();
    struct tables_write w = {.mode = TABLES_WORKING};
    check(tables_write(t, &w, run_all, (void *)statements, NULL, &err), &err);
    struct embedded *e = embedded_of(t);
    struct hash root;
    char text[HASH_TEXT_SIZE + 1];
    check(embedded_refresh(e, &err), &err);
    check(embedded_resolve_root(e, e->ns, NULL, &root, &err), &err);
    hash_format(&root, text);
    assert_string_equal(text, expected);
    tables_close(t);
}

static void assert_refused(const char *const *statements, int code, const char *part) {
    struct err err = ERR_INIT;
    struct tables *t = fresh();
    struct tables_write w = {.mode = TABLES_WORKING};
    assert_int_equal(tables_write(t, &w, run_all, (void *)statements, NULL, &err), code);
    if (!strstr(err.msg, part))
        fail_msg("message \"%s\" does not say \"%s\"", err.msg, part);
    tables_close(t);
}

static void columns_come_and_go(void **state) {
    (void)state;
    static const char *const statements[] = {
        "create table t (id int primary key, a varchar(20), b text, c int not null default 5)",
        "insert into t (id,a,b,c) values (1,'x','long text',1),(2,null,'y',2),(3,'z',null,3)",
        "alter table t add column d varchar(10) default 'dd'",
        "alter table t add column e datetime",
        "alter table t add column f int not null first",
        "alter table t add column g json default (json_object()) after a",
        "create index ia on t (a)",
        "create unique index ub on t (c, a)",
        "alter table t drop column e",
        "alter table t modify column c bigint not null default 7",
        "alter table t rename column a to aa",
        "alter table t add constraint ck check (c > 0)",
        NULL,
    };
    assert_root(statements, "4u8rk92e0fjo2h4fcknahp2grp8d6fpo");
}

static void foreign_keys_and_their_indexes(void **state) {
    (void)state;
    static const char *const statements[] = {
        "create table p (id varchar(20) primary key, n int, key kn (n))",
        "create table c (id int primary key auto_increment, pid varchar(20), q int, constraint "
        "fk1 foreign key (pid) references p (id) on delete cascade, foreign key (q) references p "
        "(n) on delete set null)",
        "insert into p (id,n) values ('a',1),('b',2)",
        "insert into c (id,pid,q) values (1,'a',1),(2,'b',null),(3,null,2)",
        "alter table c add index ipid (pid)",
        NULL,
    };
    assert_root(statements, "9t915132iehnlo91he7vgsavni2s9l2g");
}

static void tables_without_a_primary_key(void **state) {
    (void)state;
    static const char *const statements[] = {
        "create table k (a int, b varchar(10))",
        "insert into k (a,b) values (1,'x'),(1,'x'),(2,'y')",
        "alter table k add column z int default 3",
        "create index kb on k (b)",
        "alter table k add column id int not null default 9",
        "create table m (id int primary key, v varchar(10), w text)",
        "insert into m (id,v,w) values (1,'x','t'),(2,'y',null)",
        "create index mv on m (v)",
        "alter table m drop primary key",
        "alter table m rename to m2",
        "create table n (id int, v varchar(10))",
        "insert into n (id,v) values (1,'x'),(2,'y')",
        "alter table n add primary key (id, v)",
        NULL,
    };
    assert_root(statements, "ntmtfqll0sne2un5c2g2tkqjhmui21tt");
}

static void keys_counters_and_renames(void **state) {
    (void)state;
    static const char *const statements[] = {
        "create table a1 (v int, w varchar(10) not null)",
        "insert into a1 (v,w) values (5,'x'),(6,'y')",
        "alter table a1 add column id int auto_increment primary key first",
        "insert into a1 (v,w) values (7,'z')",
        "create table a2 (id int primary key auto_increment, v int)",
        "insert into a2 (v) values (1),(2)",
        "alter table a2 auto_increment = 50",
        "insert into a2 (v) values (3)",
        "alter table a2 modify id int not null",
        "create table p1 (a int, b int, c varchar(20), primary key (b, a), unique (c))",
        "insert into p1 (a,b,c) values (1,2,'x'),(3,1,'y')",
        "alter table p1 add index pc (c, a), add column d int default 4 after a, drop index c",
        "alter table p1 drop primary key",
        "alter table p1 add primary key (a)",
        "create table f1 (id int primary key, x int, index fx (x))",
        "create table f2 (id int primary key, fid int, constraint ff foreign key (fid) "
        "references f1 (id))",
        "alter table f2 drop foreign key ff",
        "alter table f2 drop index ff",
        "alter table f2 add foreign key (fid) references f1 (x) on update cascade on delete set "
        "null",
        "alter table f1 rename to f3",
        "alter table f3 rename column x to xx",
        NULL,
    };
    assert_root(statements, "6ig9hktjpmdrq665hn7nunm7d4qgl9di");
}

static void prefix_indexes(void **state) {
    (void)state;
    static const char *const statements[] = {
        "create table t (id int primary key, cc varchar(20), tx text)",
        "insert into t (id,cc,tx) values (9,'abcdef','qwerty')",
        "create unique index u1 on t (cc(3))",
        "create index u2 on t (tx(4))",
        NULL,
    };
    assert_root(statements, "avkhg47vsapin27an8spmfuqosck4v2t");
}

static void rewritten_rows(void **state) {
    (void)state;
    static const char *const statements[] = {
        "create table t (id int primary key, a varchar(20), b varchar(20), c int)",
        "insert into t (id,a,b,c) values (1,'5','q',1),(2,'6','w',2),(3,'7','e',3)",
        "create index i3 on t (c)",
        "alter table t modify a int",
        "alter table t modify c varchar(10) first",
        "alter table t change c cc varchar(12) not null after a",
        "alter table t rename index i3 to i4",
        "alter table t drop index i4",
        "create unique index u1 on t (cc(1))",
        "truncate table t",
        "insert into t (id,a,cc) values (9,1,'abcdef')",
        NULL,
    };
    assert_root(statements, "ac3n1fklv4soh9rgm7teh5aasivki2af");
}

static void generated_columns_views_checks(void **state) {
    (void)state;
    static const char *const statements[] = {
        "create table g (id int primary key, a int, b int generated always as (a + 1) stored, c "
        "int as (a * 2))",
        "insert into g (id,a) values (1,5),(2,6)",
        "create index gc on g (a)",
        "alter table g add column d int as (a + 10) stored",
        "create table h like g",
        "create view v as select id from g",
        "create or replace view v as select id, a from g",
        "create table u (id char(36) primary key default (uuid()), n varchar(255) collate "
        "utf8mb4_0900_ai_ci, t timestamp default current_timestamp on update current_timestamp, "
        "dcm decimal(10,2) default 1.5, e enum('a','b') default 'b')",
        "alter table u modify n varchar(300) collate utf8mb4_0900_ai_ci not null default 'q' "
        "comment 'cc'",
        "alter table u alter column e set default 'a'",
        "alter table u alter column dcm drop default",
        "drop table h",
        "alter table u add check (n <> 'x')",
        NULL,
    };
    assert_root(statements, "fc7oom0nvaivdqvtg1o0cvkeq9srsd10");
}

static void what_rows_or_keys_contradict_is_refused(void **state) {
    (void)state;
    assert_refused((const char *const[]){"create table t (id int primary key, a int)",
                                         "insert into t (id,a) values (1,5),(2,5)",
                                         "create unique index u on t (a)", NULL},
                   BD_CONSTRAINT, "duplicate");
    assert_refused((const char *const[]){"create table t (a int, b int)",
                                         "insert into t (a,b) values (1,1),(1,2)",
                                         "alter table t add primary key (a)", NULL},
                   BD_CONSTRAINT, "duplicate primary key");
    assert_refused((const char *const[]){"create table t (id int primary key, a int)",
                                         "insert into t (id,a) values (1,null)",
                                         "alter table t modify a int not null", NULL},
                   BD_CONSTRAINT, "cannot be NULL");
    assert_refused(
        (const char *const[]){
            "create table p (id int primary key)", "create table c (id int primary key, p int)",
            "insert into c (id,p) values (1,9)",
            "alter table c add constraint fk foreign key (p) references p (id)", NULL},
        BD_CONSTRAINT, "fk");
    assert_refused(
        (const char *const[]){
            "create table p (id int primary key)",
            "create table c (id int primary key, p int, foreign key (p) references p (id))",
            "drop table p", NULL},
        BD_CONSTRAINT, "cannot drop table p");
    assert_refused(
        (const char *const[]){
            "create table p (id int primary key)",
            "create table c (id int primary key, p int, foreign key (p) references p (id))",
            "alter table c drop column p", NULL},
        BD_CONSTRAINT, "foreign key");
    assert_refused((const char *const[]){"create table t (id int primary key, a int)",
                                         "insert into t (id,a) values (1,5)",
                                         "alter table t add check (a > 7)", NULL},
                   BD_CONSTRAINT, "violated");
}

static void names_are_checked(void **state) {
    (void)state;
    assert_refused((const char *const[]){"create table t (id int primary key)",
                                         "create table T (id int primary key)", NULL},
                   BD_EXISTS, "already exists");
    assert_refused((const char *const[]){"alter table nothing add column a int", NULL}, BD_NOT_FOUND,
                   "nothing");
    assert_refused((const char *const[]){"create table t (id int primary key)",
                                         "alter table t add column ID int", NULL},
                   BD_EXISTS, "already exists");
    assert_refused((const char *const[]){"create table t (id int primary key)",
                                         "alter table t drop column x", NULL},
                   BD_NOT_FOUND, "does not have column");
    assert_refused(
        (const char *const[]){"create table t (id int primary key, a int auto_increment)", NULL},
        BD_INVALID, "auto_increment");
    assert_refused((const char *const[]){"create table t (id int primary key, b text)",
                                         "create index i on t (b)", NULL},
                   BD_INVALID, "without a key length");
}

static void if_clauses_are_quiet(void **state) {
    (void)state;
    static const char *const once[] = {"create table t (id int primary key, a int)",
                                       "create index i on t (a)", "alter table t add column b int",
                                       NULL};
    static const char *const twice[] = {"create table t (id int primary key, a int)",
                                        "create index i on t (a)",
                                        "alter table t add column b int",
                                        "create table if not exists t (id int)",
                                        "create index if not exists i on t (a)",
                                        "alter table t add column if not exists b int",
                                        "alter table t drop column if exists z",
                                        "drop table if exists nothing",
                                        NULL};
    struct err err = ERR_INIT;
    char text[2][HASH_TEXT_SIZE + 1];
    for (int i = 0; i < 2; i++) {
        struct tables *t = fresh();
        struct tables_write w = {.mode = TABLES_WORKING};
        struct hash root;
        check(tables_write(t, &w, run_all, (void *)(i ? twice : once), NULL, &err), &err);
        struct embedded *e = embedded_of(t);
        check(embedded_refresh(e, &err), &err);
        check(embedded_resolve_root(e, e->ns, NULL, &root, &err), &err);
        hash_format(&root, text[i]);
        tables_close(t);
    }
    assert_string_equal(text[0], text[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_come_and_go),
        cmocka_unit_test(foreign_keys_and_their_indexes),
        cmocka_unit_test(tables_without_a_primary_key),
        cmocka_unit_test(keys_counters_and_renames),
        cmocka_unit_test(prefix_indexes),
        cmocka_unit_test(rewritten_rows),
        cmocka_unit_test(generated_columns_views_checks),
        cmocka_unit_test(what_rows_or_keys_contradict_is_refused),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(if_clauses_are_quiet),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
