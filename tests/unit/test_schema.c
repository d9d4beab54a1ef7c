/*
 * The tracker's schema: a new database has the hashes that upstream's program produces, whatever the
 * day; checks tell states apart; old databases are upgraded without loss.
 */
#include "schema/schema.h"
#include "store/db/ddl.h"
#include "store/db/embedded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char root[256], dir[300];
    struct tables *t;
};

static void fail_err(const struct err *err, const char *what) { fail_msg("%s: %s", what, err->msg); }

static void remove_tree(const char *root) {
    char command[400];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    assert_int_equal(system(command), 0);
}

static void place_make(struct place *p) {
    const char *tmp = getenv("TMPDIR");
    struct err err = ERR_INIT;
    snprintf(p->root, sizeof p->root, "%s/bd-schema-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(p->root));
    snprintf(p->dir, sizeof p->dir, "%s/db", p->root);
    struct tables_identity author = {"beads", "beads@local"};
    if (tables_create_embedded(p->dir, "main", &author, &err))
        fail_err(&err, "create");
    struct tables_open o = {.dir = p->dir};
    if (tables_open_embedded(&p->t, &o, &err))
        fail_err(&err, "open");
}

static void place_remove(struct place *p) {
    tables_close(p->t);
    remove_tree(p->root);
}

static void create(struct place *p) {
    struct err err = ERR_INIT;
    struct schema_pair metadata[] = {{"_project_id", "p-1"}}, local[] = {{"bd_version", "1.0.5"}};
    struct schema_init init = {.issue_prefix = "gold",
                               .metadata = metadata,
                               .metadata_count = 1,
                               .local_metadata = local,
                               .local_metadata_count = 1};
    if (schema_create(p->t, &init, &err))
        fail_err(&err, "schema_create");
}

static void root_of(struct place *p, const char *ref, struct root_value *rv) {
    struct err err = ERR_INIT;
    struct embedded *e = embedded_of(p->t);
    struct hash h;
    if (embedded_refresh(e, &err) || embedded_resolve_root(e, e->ns, ref, &h, &err) ||
        root_value_read(rv, e->ns, &h, &err))
        fail_err(&err, ref ? ref : "WORKING");
}

static void assert_hash(const struct hash *h, const char *expected, const char *what) {
    char text[HASH_TEXT_SIZE + 1];
    hash_format(h, text);
    if (strcmp(text, expected))
        fail_msg("%s: %s, expected %s", what, text, expected);
}

/* ---- a new database ---- */

static const struct {
    const char *ref, *message, *root;
} history[] = {
    {"HEAD~7", "Initialize data repository", "vt5n73lho7q40t91ucetlr9qv4eqhasl"},
    {"HEAD~6", "create nonlocal table wisps", "6mghb6vjahc6ps3hnac4vocco81sm8hl"},
    {"HEAD~5", "create nonlocal table wisp_*", "l3o1ukq6s0v2ofi4upfr3ap23vq222lu"},
    {"HEAD~4", "create nonlocal table repo_mtimes", "g5f992itpa2kmmije3gc8l7015af737r"},
    {"HEAD~3", "create nonlocal table local_metadata", "p9mc06vf662b52kbmjumnbdg6bsbafmh"},
    {"HEAD~2", "disable nonlocal tables for fk migrations", "07h907k68bqeqsufqim0rl34b1mevhbe"},
    {"HEAD~1", "schema: apply migrations", "c0uptv3mn121525dd62h0qd4bnrhobgl"},
    {"HEAD", "bd init", NULL},
};

/* Tables of commit 7 (schema hash NULL: any), and those of the working set. */
struct golden_table {
    const char *name, *table, *schema;
};
static const struct golden_table committed[] = {
    {"child_counters", "9tbgre1hm98cqpdfjjkkj25ith2gkho9", "khhvpfdi633otl2u8k0ng55et7f25k23"},
    {"comments", "n00gsofe3bvu3lmjfr1epdi4ut814hah", "35etmus2muoms9m5bnctmqtun61o569k"},
    {"compaction_snapshots", "n9bre4bcbnkaq90ulr3pc6bla7dpb09m", "u8eupthu3q48id69rs1r7uchrutcp3uv"},
    {"config", "sfkq4km2picjomjdk2j0skonfdi54hi3", "3gmsv836e82au61gu7c0esd3vfjimbk8"},
    {"custom_statuses", "iamjj626vuk9ke4cus9cugkl9lkp4313", "9ggk8dsmomc8rjematjd05p25ehhbso7"},
    {"custom_types", "ufu06r0tnuaim50se4vb9d2pon5m6h6l", "b5oam55j01tsomqla78hpl3t3gg5tm4o"},
    {"dependencies", "tbl5v10ge7nvoajb0rriddc16ej8so0g", "pcsq2olsa0222dt2rqn6mo29he9n1jfs"},
    {"dolt_ignore", "rr5ah6vmd0oorkphkqvl2oqqgmej6l1p", "v6uc2k8dlckhi44ih7ojg5pcect3ptqb"},
    {"dolt_nonlocal_tables", "ohoebkb57f9584e290onpdtlt2jp4bc3", "qg73sqkmsvl77he6naggksbmqu6vhrp7"},
    {"dolt_schemas", "jns52kaqr7bmrv58mh2q6o4qtv9mvrbf", "q3kfuk6atrj3b6e46ultp97f86gh9crk"},
    {"events", "oduk9eqab41ki8qapqr2l93qkqbuae56", "eepic8abm5mndvqbi58m1up07ckcpmfl"},
    {"federation_peers", "pu8o7jj8orebs2mgb2nf4re265eggbld", "dvlqo4jd9fh6lj13nkjoqk51bc9fissc"},
    {"interactions", "ulo8rn743q10mmn3ttnlnt6381rko4eq", "en929tsk4998317m2p3kn5gcvg8ltr7a"},
    {"issue_counter", "vr1pr6m27te93agoqmo8mv9gk2hih4vk", "v7dvv2nscubf3pfbjk1t7906klkkde51"},
    {"issue_snapshots", "ie8ds4uu30s4upsssq8rso3f20191ein", "fdu2gclo8a8aa26lvgejk21rspouo68a"},
    {"issues", "l8v8i8qkvlcbh8vn2ei7ojsqh4aub51e", "grn4kme2ik3inhdpidncnnf9lvgk2kkm"},
    {"labels", "o1vpi49i7mnv9mgfo1rqkm3j4lik1lfv", "2609vh6eub45is0ans77et252vl6fduj"},
    {"metadata", "lqb0m65bb0u74349g2d9rlv4mk0voqjt", "h881c8ffih9jj7asd5mds45dkms7nrih"},
    {"routes", "5nvekrvs0fsq5jdgdvv789r7vucjp596", "ffflsbedsvoijanj9nt89m5b3kd4l9ph"},
    {"schema_migrations", "80q1kbtssmbb7rqofa3s75umtc0810mq", "04jlefh813c23e63nr1ib8a7684h2th5"},
};
static const struct golden_table working[] = {
    {"ignored_schema_migrations", NULL, "4ss31m2qo7muil3c2hu21s90l2m3f68h"},
    {"local_metadata", NULL, "pfsd9u4amosvbeo3iatanami026j49s0"},
    {"repo_mtimes", "njh1851spprv9am65fc7c7fsqc3j54uf", "b7qjpd2os489lqq14ttc1a83lufguslt"},
    {"wisp_child_counters", "83p0qciqlti1gkhueqn4k30g4s9b2a17", "5qqq0doqlcommvltsbntnnek4e8jtr72"},
    {"wisp_comments", "g03sgt3o8bdercqpp8ltfq6vtml5148f", "ka9u77tlov4lo7tv641gjambrqiq4035"},
    {"wisp_dependencies", "kdnpn14vlrqr6gj08cb47ad2oh9o6j2t", "kettj0bfe0vh0l0fk7mg8le5vdn2fcjh"},
    {"wisp_events", "uer0gpjc7gqrr7fs9o734d90i9m9oia7", "u0bj9gsjr92k78uokkt21tb0a2p2rnlu"},
    {"wisp_labels", "psoaf5d844ibpi91pm50vnr0a1kobu60", "bed6olrh5vqnjp9pdejisv62g3a3cjp4"},
    {"wisps", "27jnmcjhmb9vqktouj1c95cmq09ibrda", "qonvi7uc7ilatf3eqi6ho21baq7kgkvh"},
};

static void assert_tables(struct place *p, const char *ref, const struct golden_table *list,
                          size_t count) {
    struct arena a = ARENA_INIT;
    struct root_value rv;
    root_of(p, ref, &rv);
    unsigned wrong = 0;
    for (size_t i = 0; i < count; i++) {
        struct hash table, schema;
        struct err err = ERR_INIT;
        char text[HASH_TEXT_SIZE + 1];
        if (root_value_table(&rv, list[i].name, &a, NULL, &table, &err) ||
            table_schema_address(rv.ns, &table, &schema, &err))
            fail_err(&err, list[i].name);
        hash_format(&schema, text);
        if (strcmp(text, list[i].schema)) {
            print_error("%s: schema %s, expected %s\n", list[i].name, text, list[i].schema);
            wrong++;
        }
        hash_format(&table, text);
        if (list[i].table && strcmp(text, list[i].table)) {
            print_error("%s: table %s, expected %s\n", list[i].name, text, list[i].table);
            wrong++;
        }
    }
    arena_release(&a);
    assert_int_equal(wrong, 0);
}

static void new_database_has_golden_tables(void **state) {
    (void)state;
    struct place p;
    place_make(&p);
    create(&p);
    assert_tables(&p, "HEAD~1", committed, sizeof committed / sizeof *committed);
    assert_tables(&p, NULL, working, sizeof working / sizeof *working);
    struct root_value rv;
    root_of(&p, "HEAD~1", &rv);
    assert_hash(&rv.foreign_keys, "5m5s4h528koadfqanj51g7pijp8ttj9p", "foreign keys of commit 7");
    root_of(&p, "HEAD~6", &rv);
    assert_hash(&rv.foreign_keys, "o12cuv1elml2rrjioj2455geumgi658l", "foreign keys of commit 2");
    root_of(&p, NULL, &rv);
    assert_hash(&rv.foreign_keys, "27se9jogj4i5q70c48no5cdcfphs43l4",
                "foreign keys of the working root");
    place_remove(&p);
}

struct log_check {
    size_t at;
};

static int check_commit(void *ctx, const struct tables_commit_info *c) {
    struct log_check *l = ctx;
    assert_true(l->at > 0);
    l->at--;
    assert_string_equal(c->message, history[l->at].message);
    assert_string_equal(c->author, l->at ? "root" : "beads");
    assert_string_equal(c->email, l->at ? "root@%" : "beads@local");
    assert_int_equal(c->height, l->at + 1);
    return BD_OK;
}

static void new_database_has_upstreams_history(void **state) {
    (void)state;
    struct place p;
    place_make(&p);
    create(&p);
    for (size_t i = 0; i < sizeof history / sizeof *history; i++) {
        struct root_value rv;
        root_of(&p, history[i].ref, &rv);
        if (history[i].root)
            assert_hash(&rv.hash, history[i].root, history[i].message);
    }
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct log_check l = {sizeof history / sizeof *history};
    assert_int_equal(tables_log(p.t, NULL, &a, check_commit, &l, &err), BD_OK);
    assert_int_equal(l.at, 0);
    arena_release(&a);
    place_remove(&p);
}

static void new_database_holds_what_init_gives(void **state) {
    (void)state;
    struct place p;
    place_make(&p);
    create(&p);
    struct tables_txn *x;
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    static const char *const value = "value";
    struct cell got, key = cell_text("issue_prefix");
    assert_int_equal(tables_read_begin_at(p.t, "HEAD", &x, &err), BD_OK);
    assert_int_equal(tables_get(x, "config", &key, 1, &value, 1, &a, &got, &err), BD_OK);
    assert_string_equal(cell_format(&got, &a), "gold");
    key = cell_text("_project_id");
    assert_int_equal(tables_get(x, "metadata", &key, 1, &value, 1, &a, &got, &err), BD_OK);
    assert_string_equal(cell_format(&got, &a), "p-1");
    assert_true(tables_has_table(x, "mail"));
    assert_true(tables_has_column(x, "channels", "config"));
    assert_false(tables_has_table(x, "wisps"));
    assert_false(tables_has_table(x, "local_metadata"));
    tables_read_end(x);
    assert_int_equal(tables_read_begin(p.t, &x, &err), BD_OK);
    key = cell_text("bd_version");
    assert_int_equal(tables_get(x, "local_metadata", &key, 1, &value, 1, &a, &got, &err), BD_OK);
    assert_string_equal(cell_format(&got, &a), "1.0.5");
    tables_read_end(x);
    arena_release(&a);
    place_remove(&p);
}

static void creating_twice_is_refused(void **state) {
    (void)state;
    struct place p;
    struct err err = ERR_INIT;
    place_make(&p);
    create(&p);
    struct schema_init init = {.issue_prefix = "other"};
    assert_int_equal(schema_create(p.t, &init, &err), BD_EXISTS);
    place_remove(&p);
}

/* ---- states ---- */

static void new_database_is_up_to_date(void **state) {
    (void)state;
    struct place p;
    struct err err = ERR_INIT;
    struct schema_state s;
    place_make(&p);
    assert_int_equal(schema_check(p.t, &s, &err), BD_OK);
    assert_false(s.is_tracker);
    assert_int_equal(schema_explain(&s, &err), BD_INVALID);
    create(&p);
    assert_int_equal(schema_check(p.t, &s, &err), BD_OK);
    assert_true(s.is_tracker);
    assert_int_equal(s.main_version, SCHEMA_MAIN_VERSION);
    assert_int_equal(s.ignored_version, SCHEMA_IGNORED_VERSION);
    assert_false(s.needs_migration);
    assert_false(s.too_new);
    assert_int_equal(schema_explain(&s, &err), BD_OK);
    place_remove(&p);
}

struct change {
    const char *table;
    const char *columns[3];
    struct cell cells[3];
    size_t count;
};

static int insert_row(struct tables_txn *x, void *ctx, struct err *err) {
    const struct change *c = ctx;
    bool inserted;
    return tables_insert(x, c->table, c->columns, c->cells, c->count, TABLES_INSERT_REPLACE, &inserted,
                         err);
}

static void insert(struct place *p, struct change c) {
    struct err err = ERR_INIT;
    struct tables_write w = {.mode = TABLES_COMMIT, .message = "change"};
    if (tables_write(p->t, &w, insert_row, &c, NULL, &err))
        fail_err(&err, c.table);
}

static void newer_schema_is_told(void **state) {
    (void)state;
    struct place p;
    struct err err = ERR_INIT;
    struct schema_state s;
    place_make(&p);
    create(&p);
    insert(&p,
           (struct change){"schema_migrations", {"version"}, {cell_int(SCHEMA_MAIN_VERSION + 2)}, 1});
    assert_int_equal(schema_check(p.t, &s, &err), BD_OK);
    assert_true(s.too_new);
    assert_int_equal(s.main_version, SCHEMA_MAIN_VERSION + 2);
    assert_false(s.needs_migration);
    assert_int_equal(schema_explain(&s, &err), BD_TOO_NEW);
    assert_non_null(strstr(err.msg, "2 migrations ahead"));
    struct schema_migrated m;
    struct schema_migration options = {.dry_run = false};
    assert_int_equal(schema_migrate(p.t, &options, &m, &err), BD_TOO_NEW);
    place_remove(&p);
}

static void custom_statuses_are_filled_from_config(void **state) {
    (void)state;
    struct place p;
    struct err err = ERR_INIT;
    struct schema_state s;
    struct schema_migrated m;
    place_make(&p);
    create(&p);
    insert(&p, (struct change){"config",
                               {"key", "value"},
                               {cell_text("status.custom"), cell_text("review:wip, parked")},
                               2});
    insert(&p, (struct change){"config",
                               {"key", "value"},
                               {cell_text("types.custom"), cell_text("[\"spike\",\"gate\"]")},
                               2});
    assert_int_equal(schema_check(p.t, &s, &err), BD_OK);
    assert_true(s.needs_migration);
    struct schema_migration options = {.dry_run = false};
    assert_int_equal(schema_migrate(p.t, &options, &m, &err), BD_OK);
    assert_true(m.backfilled);
    assert_false(hash_is_zero(&m.commit));
    struct tables_txn *x;
    uint64_t n;
    assert_int_equal(tables_read_begin_at(p.t, "HEAD", &x, &err), BD_OK);
    assert_int_equal(tables_count_all(x, "custom_types", NULL, &n, &err), BD_OK);
    assert_int_equal(n, 2);
    struct arena a = ARENA_INIT;
    static const char *const category = "category";
    struct cell key = cell_text("review"), got;
    assert_int_equal(tables_get(x, "custom_statuses", &key, 1, &category, 1, &a, &got, &err), BD_OK);
    assert_string_equal(cell_format(&got, &a), "wip");
    tables_read_end(x);
    arena_release(&a);
    assert_int_equal(schema_check(p.t, &s, &err), BD_OK);
    assert_false(s.needs_migration);
    place_remove(&p);
}

/* As after a clone: nothing that dolt_ignore names is there. */
static int drop_local_tables(struct tables_txn *x, void *ctx, struct err *err) {
    (void)ctx;
    static const char *const names[] = {"wisp_labels",
                                        "wisp_dependencies",
                                        "wisp_events",
                                        "wisp_comments",
                                        "wisp_child_counters",
                                        "wisps",
                                        "ignored_schema_migrations",
                                        "local_metadata",
                                        "repo_mtimes"};
    struct ddl d = {.kind = DDL_DROP_TABLE, .names = names, .name_count = sizeof names / sizeof *names};
    return tables_ddl(x, &d, err);
}

static void a_clone_gets_its_local_tables(void **state) {
    (void)state;
    struct place p;
    struct err err = ERR_INIT;
    struct schema_state s;
    struct schema_migrated m;
    place_make(&p);
    create(&p);
    struct tables_write w = {.mode = TABLES_WORKING};
    if (tables_write(p.t, &w, drop_local_tables, NULL, NULL, &err))
        fail_err(&err, "drop");
    assert_int_equal(schema_check(p.t, &s, &err), BD_OK);
    assert_true(s.needs_migration);
    assert_true(s.local_only);
    struct hash before, after;
    assert_int_equal(tables_resolve(p.t, "HEAD", &before, &err), BD_OK);
    struct schema_migration options = {.dry_run = false};
    if (schema_migrate(p.t, &options, &m, &err))
        fail_err(&err, "schema_migrate");
    assert_int_equal(m.main_applied, 0);
    assert_int_equal(m.ignored_applied, SCHEMA_IGNORED_VERSION);
    assert_int_equal(tables_resolve(p.t, "HEAD", &after, &err), BD_OK);
    assert_true(hash_eq(&before, &after));
    assert_tables(&p, NULL, working, sizeof working / sizeof *working);
    assert_int_equal(schema_check(p.t, &s, &err), BD_OK);
    assert_false(s.needs_migration);
    place_remove(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_database_has_golden_tables),
        cmocka_unit_test(new_database_has_upstreams_history),
        cmocka_unit_test(new_database_holds_what_init_gives),
        cmocka_unit_test(creating_twice_is_refused),
        cmocka_unit_test(new_database_is_up_to_date),
        cmocka_unit_test(newer_schema_is_told),
        cmocka_unit_test(custom_statuses_are_filled_from_config),
        cmocka_unit_test(a_clone_gets_its_local_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
