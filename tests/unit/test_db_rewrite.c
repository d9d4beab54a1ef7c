/*
 * Squashing history: what stays, what goes, and that nothing else changes. Every commit that can still
 * be reached is read back, with its height and closure.
 */
#include "tests/run_ddl.h"
#include "tests/unit/db_help.h"

#include "store/db/branches.h"
#include "store/db/rewrite.h"

#include <sys/file.h>

#define DAY (INT64_C(86400) * 1000000)
#define START (INT64_C(1700000000) * 1000000)

static const char *fresh_path(void) {
    static char path[400];
    static int count;
    snprintf(path, sizeof path, "%s/rewrite%d", scratch, count++);
    return path;
}

static struct tables *new_db(void) {
    struct err err = ERR_INIT;
    const char *dir = fresh_path();
    check(tables_create_embedded(dir, "main", NULL, &err), &err);
    return open_db(dir);
}

static int put(struct tables_txn *x, void *ctx, struct err *err) {
    static const char create[] = "create table t (k int primary key, v int not null)";
    static const char *const columns[] = {"k", "v"};
    const int *kv = ctx;
    int rc = tables_has_table(x, "t") ? BD_OK : run_ddl(x, create, err);
    struct cell cells[] = {cell_int(kv[0]), cell_int(kv[1])};
    return rc != BD_OK ? rc
                       : tables_insert(x, "t", columns, cells, 2, TABLES_INSERT_REPLACE, NULL, err);
}

/* A commit "n" of day n that sets row k to n; not committed when n < 0. */
static struct hash set(struct tables *t, int k, int n) {
    struct err err = ERR_INIT;
    char message[20];
    snprintf(message, sizeof message, "%d", n);
    int kv[] = {k, n};
    struct tables_write w = {.mode = n < 0 ? TABLES_WORKING : TABLES_COMMIT,
                             .message = message,
                             .author = {"ann", "ann@example.org"},
                             .author_time_micros = START + n * DAY};
    struct hash h;
    check(tables_write(t, &w, put, kv, &h, &err), &err);
    return h;
}

static void branch(struct tables *t, const char *name) {
    struct err err = ERR_INIT;
    check(tables_branch_create(t, name, NULL, &err), &err);
}

static void on(struct tables *t, const char *name) {
    struct err err = ERR_INIT;
    check(tables_checkout(t, name, &err), &err);
}

static struct hash merge(struct tables *t, const char *name, int n) {
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    char message[20];
    snprintf(message, sizeof message, "%d", n);
    struct tables_write w = {
        .mode = TABLES_COMMIT, .message = message, .author_time_micros = START + n * DAY};
    struct tables_merge_result r;
    check(tables_merge(t, name, &w, &a, &r, &err), &err);
    assert_false(r.fast_forward || r.up_to_date || r.conflicts);
    arena_release(&a);
    return r.commit;
}

/* ---- looking ---- */

static struct commit read_commit(struct tables *t, const struct hash *h, struct arena *a) {
    struct err err = ERR_INIT;
    struct commit c;
    check(commit_read(embedded_of(t)->ns, h, a, &c, &err), &err);
    return c;
}

static struct hash resolve(struct tables *t, const char *ref) {
    struct err err = ERR_INIT;
    struct hash h;
    check(tables_resolve(t, ref, &h, &err), &err);
    return h;
}

static void ancestors(struct tables *t, const struct commit *c, struct strmap *into, struct arena *a) {
    for (size_t i = 0; i < c->parent_count; i++) {
        struct commit p = read_commit(t, &c->parents[i], a);
        assert_true(p.height < c->height);
        uint8_t key[TREE_CLOSURE_KEY_SIZE];
        closure_key(p.height, &p.hash, key);
        if (!strmap_put_n(into, (char *)key, sizeof key, into))
            ancestors(t, &p, into, a);
    }
}

/* The closure lists exactly the proper ancestors. */
static int check_closure(void *ctx, const struct tables_commit_info *info) {
    struct tables *t = ctx;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct strmap want = STRMAP_INIT;
    struct commit c = read_commit(t, &info->hash, &a);
    struct tree closure;
    ancestors(t, &c, &want, &a);
    if (hash_is_zero(&c.closure)) {
        assert_int_equal(want.live, 0);
        assert_int_equal(c.height, 1);
    } else {
        check(tree_open(&closure, embedded_of(t)->ns, &tree_type_closure, &c.closure, &err), &err);
        assert_int_equal(tree_count(&closure), want.live);
        struct bytes value;
        for (struct strmap_entry *e = NULL; (e = strmap_next(&want, e));)
            check(tree_get(&closure, (struct bytes){(uint8_t *)e->key, e->key_size}, &value, &err),
                  &err);
    }
    strmap_release(&want);
    arena_release(&a);
    return BD_OK;
}

static int add_message(void *ctx, const struct tables_commit_info *c) {
    buf_addf(ctx, "%s%s", ((struct buf *)ctx)->size ? "," : "", c->message);
    return BD_OK;
}

static void log_is(struct tables *t, const char *ref, const char *messages) {
    struct err err = ERR_INIT;
    struct arena a = ARENA_INIT;
    struct buf text = BUF_INIT;
    uint64_t count, expected = 1;
    check(tables_log(t, ref, &a, add_message, &text, &err), &err);
    assert_string_equal(buf_str(&text), messages);
    for (const char *c = messages; *c; c++)
        expected += *c == ',';
    check(tables_log_count(t, ref, &count, &err), &err);
    assert_int_equal(count, expected);
    buf_release(&text);
    check(tables_log(t, ref, &a, check_closure, t, &err), &err);
    arena_release(&a);
}

static int value_at(struct tables *t, const char *ref, int k) {
    struct err err = ERR_INIT;
    struct tables_txn *x;
    static const char *const column[] = {"v"};
    struct cell key = cell_int(k), v;
    struct arena a = ARENA_INIT;
    check(ref ? tables_read_begin_at(t, ref, &x, &err) : tables_read_begin(t, &x, &err), &err);
    int rc = tables_get(x, "t", &key, 1, column, 1, &a, &v, &err);
    int n = rc == BD_OK ? (int)v.i : 0;
    tables_read_end(x);
    arena_release(&a);
    return n;
}

/* "squash" for the snapshot; the summary's lists are in `a`. */
static struct history_summary rewrite(struct tables *t, int64_t since, uint64_t newest, bool all,
                                      struct arena *a) {
    struct err err = ERR_INIT;
    struct history_rewrite r = {
        .keep_since = since, .keep_newest = newest, .all_branches = all, .message = "squash"};
    struct history_summary plan, out;
    struct hash root = chunk_store_root(embedded_of(t)->cs);
    check(history_plan(t, &r, a, &plan, &err), &err);
    struct hash after = chunk_store_root(embedded_of(t)->cs);
    assert_true(hash_eq(&root, &after));
    check(history_rewrite(t, &r, a, &out, &err), &err);
    assert_int_equal(plan.commits, out.commits);
    assert_int_equal(plan.gone, out.gone);
    assert_int_equal(plan.old, out.old);
    assert_int_equal(plan.changed, out.changed);
    assert_int_equal(plan.holder_count, out.holder_count);
    return out;
}

#define EVERYTHING INT64_MAX

/* ---- tests ---- */

static void linear_history_becomes_one_snapshot(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct tables *t = new_db();
    for (int n = 1; n <= 9; n++)
        set(t, n % 3, n);
    set(t, 7, -7); /* not committed */
    struct commit head = read_commit(t, (struct hash[]){resolve(t, "HEAD")}, &a);
    struct history_summary s = rewrite(t, EVERYTHING, 0, false, &a);
    assert_int_equal(s.commits, 10);
    assert_int_equal(s.old, 10);
    assert_int_equal(s.gone, 8);
    assert_true(hash_eq(&s.boundary, &head.hash));
    log_is(t, NULL, "squash,Initialize data repository");
    struct commit now = read_commit(t, &s.head, &a);
    assert_true(hash_eq(&now.root, &head.root));
    assert_int_equal(now.author_millis, head.author_millis);
    assert_string_equal(now.author, "root");
    assert_true(hash_eq(&now.parents[0], &s.first));
    assert_int_equal(value_at(t, NULL, 7), -7);
    assert_int_equal(value_at(t, "HEAD", 7), 0);
    assert_int_equal(value_at(t, "HEAD", 0), 9);
    struct tables_status *list;
    size_t count;
    struct err err = ERR_INIT;
    check(tables_status(t, &a, &list, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].change, TABLES_STATUS_MODIFIED);
    /* a second time there is nothing to do, and nothing is written */
    struct hash root = chunk_store_root(embedded_of(t)->cs);
    s = rewrite(t, EVERYTHING, 0, false, &a);
    assert_false(s.changed);
    assert_int_equal(s.gone, 0);
    struct hash after = chunk_store_root(embedded_of(t)->cs);
    assert_true(hash_eq(&root, &after));
    /* and work goes on */
    set(t, 1, 10);
    log_is(t, NULL, "10,squash,Initialize data repository");
    tables_close(t);
    arena_release(&a);
}

static void young_commits_stay_as_they_are(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct tables *t = new_db();
    struct commit made[10];
    for (int n = 1; n <= 9; n++)
        made[n] = read_commit(t, (struct hash[]){set(t, 1, n)}, &a);
    struct history_summary s = rewrite(t, START + 7 * DAY, 0, false, &a);
    assert_int_equal(s.old, 6);
    assert_int_equal(s.gone, 5);
    assert_true(hash_eq(&s.boundary, &made[6].hash));
    log_is(t, NULL, "9,8,7,squash,Initialize data repository");
    char ref[] = "HEAD~0";
    for (int n = 9; n >= 6; n--, ref[5]++) {
        struct commit c = read_commit(t, (struct hash[]){resolve(t, ref)}, &a);
        assert_true(hash_eq(&c.root, &made[n].root));
        assert_int_equal(c.author_millis, made[n].author_millis);
        assert_int_equal(value_at(t, ref, 1), n);
        if (n > 6) {
            assert_int_equal(c.committer_millis, made[n].committer_millis);
            assert_string_equal(c.author, made[n].author);
            assert_string_equal(c.email, made[n].email);
        }
    }
    assert_false(rewrite(t, START + 7 * DAY, 0, false, &a).changed);
    /* by number, from there: the snapshot counts as one, the first commit as another */
    assert_false(rewrite(t, EVERYTHING, 4, false, &a).changed);
    assert_false(rewrite(t, EVERYTHING, 3, false, &a).changed);
    s = rewrite(t, EVERYTHING, 2, false, &a);
    assert_int_equal(s.gone, 1);
    log_is(t, NULL, "9,8,squash,Initialize data repository");
    /* whichever keeps more decides */
    assert_false(rewrite(t, START + 8 * DAY, 1, false, &a).changed);
    tables_close(t);
    arena_release(&a);
}

static void some_of_each_old_day_may_stay(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct tables *t = new_db();
    for (int n = 1; n <= 9; n++) { /* three a day */
        char message[20];
        snprintf(message, sizeof message, "%d", n);
        int kv[] = {1, n};
        struct tables_write w = {.mode = TABLES_COMMIT,
                                 .message = message,
                                 .author_time_micros =
                                     START / DAY * DAY + (n - 1) / 3 * DAY + n * 1000000};
        check(tables_write(t, &w, put, kv, NULL, &err), &err);
    }
    struct history_rewrite r = {
        .keep_since = INT64_MAX, .keep_newest = 1, .keep_per_day = 2, .message = "squash"};
    struct history_summary s;
    for (int again = 0; again < 2; again++) {
        check(history_rewrite(t, &r, &a, &s, &err), &err);
        assert_int_equal(s.gone,
                         again ? 0 : 2); /* 1 and 4; of the last day 7 and 8 are old, 9 is the newest */
        assert_int_equal(s.changed, !again);
        log_is(t, NULL, "9,8,7,6,squash,3,squash,Initialize data repository");
    }
    assert_int_equal(value_at(t, "HEAD~4", 1), 5);
    assert_int_equal(value_at(t, "HEAD~6", 1), 2);
    r.keep_per_day = 1;
    check(history_rewrite(t, &r, &a, &s, &err), &err);
    log_is(t, NULL, "9,squash,squash,squash,Initialize data repository");
    assert_int_equal(value_at(t, "HEAD~1", 1), 8);
    assert_int_equal(value_at(t, "HEAD~2", 1), 6);
    assert_int_equal(value_at(t, "HEAD~3", 1), 3);
    tables_close(t);
    arena_release(&a);
}

static void a_side_branch_over_the_boundary_leaves_a_snapshot_of_its_own(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct tables *t = new_db();
    set(t, 1, 1);
    set(t, 1, 2);
    branch(t, "side");
    set(t, 1, 3);
    set(t, 1, 4);
    on(t, "side");
    set(t, 2, 5);
    set(t, 2, 6);
    set(t, 2, 8);
    on(t, "main");
    set(t, 1, 7);
    merge(t, "side", 9);
    set(t, 1, 10);
    struct history_summary s = rewrite(t, START + 7 * DAY, 0, false, &a);
    assert_int_equal(s.commits, 11);
    assert_int_equal(s.old, 6);
    /* 4 and 6 are what 7 and 8 stand on; 1 to 3 and 5 are gone, the branch itself keeps its own */
    assert_int_equal(s.gone, 4);
    assert_int_equal(s.holder_count, 1);
    assert_string_equal(s.holders[0], "refs/heads/side");
    log_is(t, NULL, "10,9,8,7,squash,squash,Initialize data repository");
    log_is(t, "side", "8,6,5,2,1,Initialize data repository");
    struct commit m = read_commit(t, (struct hash[]){resolve(t, "HEAD~1")}, &a);
    assert_int_equal(m.parent_count, 2);
    assert_int_equal(value_at(t, "HEAD~1^1", 1), 7);
    assert_int_equal(value_at(t, "HEAD~1^2", 2), 8);
    assert_int_equal(value_at(t, "HEAD~1^1~1", 1), 4);
    assert_int_equal(value_at(t, "HEAD~1^2~1", 2), 6);
    assert_int_equal(value_at(t, "HEAD~1^2~1", 1), 2);
    assert_false(rewrite(t, START + 7 * DAY, 0, false, &a).changed);
    tables_close(t);
    arena_release(&a);
}

static void snapshots_keep_their_order(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct tables *t = new_db();
    set(t, 1, 1);
    set(t, 1, 2);
    branch(t, "side"); /* at 2; its work is young */
    set(t, 1, 3);
    set(t, 1, 4);
    on(t, "side");
    set(t, 2, 8);
    on(t, "main");
    merge(t, "side", 9);
    rewrite(t, START + 7 * DAY, 0, false, &a);
    /* the snapshot of 4 stands on that of 2, where the side branch left */
    log_is(t, NULL, "9,8,squash,squash,Initialize data repository");
    assert_int_equal(value_at(t, "HEAD^1", 1), 4);
    assert_int_equal(value_at(t, "HEAD^1~1", 1), 2);
    struct hash x = resolve(t, "HEAD^1~1"), y = resolve(t, "HEAD^2~1");
    assert_true(hash_eq(&x, &y));
    tables_close(t);
    arena_release(&a);
}

static int add_tag(struct ref_change *c, void *ctx, struct err *err) {
    struct tag tag = {
        .commit = *(struct hash *)ctx, .name = "ann", .email = "ann@example.org", .description = "v1"};
    struct hash h;
    int rc = tag_write(c->ns, &tag, &h, err);
    c->edits[0] = (struct store_root_edit){"refs/tags/v1", h};
    c->edits[1] = (struct store_root_edit){"refs/remotes/origin/main", *(struct hash *)ctx};
    c->edit_count = 2;
    return rc;
}

static void other_refs_are_left_alone_and_named(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct tables *t = new_db();
    branch(t, "at-first");
    struct hash third = HASH_ZERO;
    for (int n = 1; n <= 6; n++) {
        struct hash h = set(t, 1, n);
        if (n == 3)
            third = h;
        if (n == 4)
            branch(t, "old");
    }
    check(embedded_change_refs(embedded_of(t), add_tag, &third, &err), &err);
    on(t, "at-first");
    set(t, 9, 5);
    on(t, "main");
    struct history_summary s = rewrite(t, EVERYTHING, 0, false, &a);
    assert_int_equal(s.holder_count, 3);
    assert_string_equal(s.holders[0], "refs/heads/old");
    assert_string_equal(s.holders[1], "refs/remotes/origin/main");
    assert_string_equal(s.holders[2], "refs/tags/v1");
    log_is(t, NULL, "squash,Initialize data repository");
    log_is(t, "old", "4,3,2,1,Initialize data repository");
    log_is(t, "v1", "3,2,1,Initialize data repository");
    log_is(t, "at-first", "5,Initialize data repository");
    tables_close(t);
    arena_release(&a);
}

static void all_branches_shrink_together_and_still_merge(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct tables *t = new_db();
    for (int n = 1; n <= 3; n++)
        set(t, n, n);
    branch(t, "work");
    set(t, 1, 4);
    set(t, 1, 5);
    on(t, "work");
    set(t, 2, 6);
    set(t, 2, 7);
    set(t, 8, -1);
    on(t, "main");
    struct history_summary s = rewrite(t, EVERYTHING, 0, true, &a);
    assert_int_equal(s.heads, 2);
    assert_int_equal(s.holder_count, 0);
    log_is(t, "main", "squash,squash,Initialize data repository");
    log_is(t, "work", "squash,squash,Initialize data repository");
    on(t, "work");
    assert_int_equal(value_at(t, NULL, 8), -1);
    on(t, "main");
    merge(t, "work", 8); /* from the snapshot of 3: no conflict */
    assert_int_equal(value_at(t, NULL, 1), 5);
    assert_int_equal(value_at(t, NULL, 2), 7);
    assert_int_equal(value_at(t, NULL, 3), 3);
    log_is(t, NULL, "8,squash,squash,squash,Initialize data repository");
    tables_close(t);
    arena_release(&a);
}

static void a_branch_left_behind_does_not_keep_the_others_history(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct tables *t = new_db();
    for (int n = 1; n <= 4; n++)
        set(t, 1, n);
    branch(t, "work");
    for (int n = 5; n <= 9; n++)
        set(t, 1, n);
    on(t, "work");
    for (int n = 20; n <= 23; n++)
        set(t, 2, n);
    on(t, "main");
    struct history_summary s = rewrite(t, EVERYTHING, 2, true, &a);
    assert_int_equal(s.heads, 2);
    log_is(t, "main", "9,8,squash,squash,Initialize data repository");
    log_is(t, "work", "23,22,squash,squash,Initialize data repository");
    merge(t, "work", 30);
    assert_int_equal(value_at(t, NULL, 1), 9);
    assert_int_equal(value_at(t, NULL, 2), 23);
    tables_close(t);
    arena_release(&a);
}

/* ---- somebody else is faster ---- */

static struct {
    struct tables *other;
    int n, left;
} rival;

static int rival_flock(int fd, int operation) {
    if (rival.left > 0 && rival.other && !(operation & LOCK_UN)) {
        struct tables *t = rival.other;
        rival.other = NULL; /* its own locking goes straight through */
        set(t, 5, rival.n++);
        rival.left--;
        rival.other = t;
    }
    return os_system_ops.flock(fd, operation);
}

static void a_commit_made_meanwhile_is_put_on_top(void **state) {
    (void)state;
    for (int keep = 0; keep < 3; keep++) {
        struct arena a = ARENA_INIT;
        struct err err = ERR_INIT;
        struct tables *t = new_db();
        for (int n = 1; n <= 5; n++)
            set(t, 1, n);
        struct os_ops ops = os_system_ops;
        ops.flock = rival_flock;
        rival.other = open_db(embedded_of(t)->dir);
        rival.n = 6;
        rival.left = 2; /* before the first try, and again before the lock is had */
        struct history_rewrite r = {
            .keep_since = INT64_MAX, .keep_newest = (uint64_t)keep, .message = "squash"};
        struct history_summary s;
        os_set_ops(&ops);
        check(history_rewrite(t, &r, &a, &s, &err), &err);
        os_set_ops(NULL);
        assert_int_equal(rival.left, 0);
        tables_close(rival.other);
        static const char *const logs[] = {"7,6,squash,Initialize data repository",
                                           "7,6,5,squash,Initialize data repository",
                                           "7,6,5,4,squash,Initialize data repository"};
        log_is(t, NULL, logs[keep]);
        assert_int_equal(value_at(t, NULL, 5), 7);
        assert_int_equal(value_at(t, NULL, 1), 5);
        assert_int_equal(s.commits, 8);
        tables_close(t);
        arena_release(&a);
    }
}

/* ---- refusals ---- */

static int begin_merge(struct ref_change *c, void *ctx, struct err *err) {
    struct working_set ws;
    struct hash h;
    int rc = store_root_get(&c->datasets, "workingSets/heads/main", &h, err);
    if (rc == BD_OK)
        rc = working_set_read(c->ns, &h, &c->arena, &ws, err);
    if (rc)
        return rc;
    ws.merge.active = true;
    ws.merge.pre_working_root = ws.working;
    ws.merge.from_commit = *(struct hash *)ctx;
    ws.merge.from_spec = "side";
    rc = working_set_write(c->ns, &ws, err);
    c->edits[c->edit_count++] = (struct store_root_edit){"workingSets/heads/main", ws.hash};
    return rc;
}

static void an_unfinished_merge_is_left_alone(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct tables *t = new_db();
    for (int n = 1; n <= 3; n++)
        set(t, 1, n);
    struct hash head = resolve(t, "HEAD");
    check(embedded_change_refs(embedded_of(t), begin_merge, &head, &err), &err);
    struct history_rewrite r = {.keep_since = INT64_MAX, .message = "squash"};
    struct history_summary s;
    assert_int_equal(history_rewrite(t, &r, &a, &s, &err), BD_CONFLICT);
    assert_non_null(strstr(err.msg, "merge"));
    struct hash after = resolve(t, "HEAD");
    assert_true(hash_eq(&head, &after));
    tables_close(t);
    arena_release(&a);
}

static void other_content_is_noticed(void **state) {
    (void)state;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct tables *t = new_db();
    struct commit one = read_commit(t, (struct hash[]){set(t, 1, 1)}, &a);
    struct commit two = read_commit(t, (struct hash[]){set(t, 1, 2)}, &a);
    struct commit three = read_commit(t, (struct hash[]){set(t, 2, 3)}, &a);
    struct node_store *ns = embedded_of(t)->ns;
    check(history_compare_roots(ns, &one.root, &one.root, &err), &err);
    assert_int_equal(history_compare_roots(ns, &one.root, &two.root, &err), BD_CORRUPT);
    assert_non_null(strstr(err.msg, "table t differs after the rewrite: 1 rows before, 1 after"));
    assert_int_equal(history_compare_roots(ns, &two.root, &three.root, &err), BD_CORRUPT);
    assert_non_null(strstr(err.msg, "1 rows before, 2 after"));
    struct commit first = read_commit(t, (struct hash[]){resolve(t, "HEAD~3")}, &a);
    assert_int_equal(history_compare_roots(ns, &first.root, &one.root, &err), BD_CORRUPT);
    tables_close(t);
    arena_release(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_history_becomes_one_snapshot),
        cmocka_unit_test(young_commits_stay_as_they_are),
        cmocka_unit_test(some_of_each_old_day_may_stay),
        cmocka_unit_test(a_side_branch_over_the_boundary_leaves_a_snapshot_of_its_own),
        cmocka_unit_test(snapshots_keep_their_order),
        cmocka_unit_test(other_refs_are_left_alone_and_named),
        cmocka_unit_test(all_branches_shrink_together_and_still_merge),
        cmocka_unit_test(a_branch_left_behind_does_not_keep_the_others_history),
        cmocka_unit_test(a_commit_made_meanwhile_is_put_on_top),
        cmocka_unit_test(an_unfinished_merge_is_left_alone),
        cmocka_unit_test(other_content_is_noticed),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
