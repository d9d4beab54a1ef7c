/* Pushing to and fetching from a remote: what moves, what is refused, what races do. */
#include "tests/unit/remote_help.h"

#include "store/db/gc.h"
#include "store/remote/refs.h"
#include "store/remote/restore.h"
#include "store/remote/sync.h"

static int put_row(struct tables_txn *x, void *ctx, struct err *e) {
    static const char *const columns[] = {"key", "value"};
    struct cell cells[] = {cell_text(ctx), cell_text("v")};
    return tables_insert(x, "config", columns, cells, 2, 0, NULL, e);
}

static void write_row(const char *dir, const char *key) {
    struct tables *t = open_db(dir);
    struct tables_write w = {.mode = TABLES_COMMIT, .message = key};
    char copy[40];
    snprintf(copy, sizeof copy, "%s", key);
    check(tables_write(t, &w, put_row, copy, NULL, &err), &err);
    tables_close(t);
}

static const char *make_db(const char *name) {
    const char *dir = make_table(name);
    write_row(dir, "first");
    return dir;
}

static struct hash resolve(const char *dir, const char *ref) {
    struct tables *t = open_db(dir);
    struct hash h;
    check(tables_resolve(t, ref, &h, &err), &err);
    tables_close(t);
    return h;
}

static struct hash remote_head(const char *dir, const char *dataset) {
    struct arena a = ARENA_INIT;
    struct remote *r;
    struct remote_ref *refs;
    struct hash out = HASH_ZERO;
    size_t count;
    check(remote_open_dir(&r, dir, 0, &err), &err);
    check(remote_refs(r, &a, &refs, &count, &err), &err);
    for (size_t i = 0; i < count; i++)
        if (strcmp(refs[i].dataset, dataset) == 0)
            out = refs[i].address;
    remote_close(r);
    arena_release(&a);
    return out;
}

static int push(const char *db, const char *to, bool force, struct push_result *out) {
    struct sync_place place = {db, "origin"};
    struct remote *r;
    check(remote_open_dir(&r, to, REMOTE_WRITE | REMOTE_CREATE, &err), &err);
    int rc = sync_push(&place, r, "main", force, NULL, out, &err);
    remote_close(r);
    return rc;
}

static int fetch(const char *db, const char *from, const char *branch, struct fetch_result *out) {
    struct sync_place place = {db, "origin"};
    struct remote *r;
    check(remote_open_dir(&r, from, 0, &err), &err);
    int rc = sync_fetch(&place, r, branch, NULL, out, &err);
    remote_close(r);
    return rc;
}

static void clone_to(const char *from, const char *dir) {
    struct arena a = ARENA_INIT;
    struct restore r;
    struct remote *source;
    const char *aside;
    char url[500];
    snprintf(url, sizeof url, "file://%s", from);
    check(remote_open_dir(&source, from, 0, &err), &err);
    check(restore_clone(&r, source, dir, url, "origin", NULL, NULL, NULL, &err), &err);
    check(restore_publish(&r, false, &a, &aside, &err), &err);
    restore_release(&r);
    remote_close(source);
    arena_release(&a);
}

static void first_push_makes_the_branch_and_the_next_sends_what_is_new(void **state) {
    (void)state;
    const char *db = make_db("one-db"), *to = path_of("one-remote");
    struct push_result p;
    check(push(db, to, false, &p), &err);
    assert_true(p.created && !p.up_to_date && p.stats.chunks > 5);
    uint64_t all = p.stats.chunks;
    struct hash head = resolve(db, "HEAD"), there = remote_head(to, "refs/heads/main"),
                tracked = resolve(db, "origin/main");
    assert_true(hash_eq(&head, &there) && hash_eq(&head, &tracked));
    check(push(db, to, false, &p), &err);
    assert_true(p.up_to_date);
    write_row(db, "second");
    check(push(db, to, false, &p), &err);
    assert_true(!p.created && p.stats.chunks > 0 && p.stats.chunks < all);
    head = resolve(db, "HEAD");
    there = remote_head(to, "refs/heads/main");
    assert_true(hash_eq(&head, &there));
}

static void push_goes_forward_only(void **state) {
    (void)state;
    const char *db = make_db("ff-db"), *to = path_of("ff-remote"), *other = path_of("ff-other");
    struct push_result p;
    check(push(db, to, false, &p), &err);
    clone_to(to, other);
    write_row(other, "theirs");
    check(push(other, to, false, &p), &err);
    struct hash theirs = resolve(other, "HEAD"), there;
    assert_int_equal(push(db, to, false, &p), BD_CONFLICT); /* behind */
    write_row(db, "ours");
    assert_int_equal(push(db, to, false, &p), BD_CONFLICT); /* apart */
    assert_non_null(strstr(err.msg, "non-fast-forward"));
    there = remote_head(to, "refs/heads/main");
    assert_true(hash_eq(&there, &theirs));
    check(push(db, to, true, &p), &err);
    assert_true(hash_eq(&p.before, &theirs));
    struct hash ours = resolve(db, "HEAD"), ws = remote_head(to, "workingSets/heads/main");
    there = remote_head(to, "refs/heads/main");
    assert_true(hash_eq(&there, &ours) && !hash_is_zero(&ws));
    assert_int_equal(rows_of(to), 2);
}

static int push_lease(const char *db, const char *to, const struct hash *expected) {
    struct sync_place place = {db, "origin"};
    struct push_result out;
    struct remote *r;
    check(remote_open_dir(&r, to, REMOTE_WRITE | REMOTE_CREATE, &err), &err);
    int rc = sync_push_lease(&place, r, "main", expected, NULL, &out, &err);
    remote_close(r);
    return rc;
}

static void lease_replaces_one_commit_only(void **state) {
    (void)state;
    const char *db = make_db("lease-db"), *to = path_of("lease-remote"),
               *other = path_of("lease-other");
    struct push_result p;
    struct hash none = HASH_ZERO, first = resolve(db, "HEAD"), there;
    assert_int_equal(push_lease(db, to, &none), BD_CONFLICT); /* no such branch there */
    check(push(db, to, false, &p), &err);
    clone_to(to, other);
    write_row(other, "theirs");
    check(push(other, to, false, &p), &err);
    struct hash theirs = resolve(other, "HEAD");
    write_row(db, "ours");
    assert_int_equal(push_lease(db, to, &first), BD_CONFLICT); /* they pushed meanwhile */
    there = remote_head(to, "refs/heads/main");
    assert_true(hash_eq(&theirs, &there));
    check(push_lease(db, to, &theirs), &err);
    struct hash ours = resolve(db, "HEAD");
    there = remote_head(to, "refs/heads/main");
    assert_true(hash_eq(&ours, &there));
    check(push_lease(db, to, &first), &err); /* it is there already */
}

static void histories_without_a_common_start_are_told_apart(void **state) {
    (void)state;
    const char *db = make_db("un-db"), *other = path_of("un-other"), *to = path_of("un-remote");
    static const struct tables_identity author = {"somebody", "else@example.com"};
    struct push_result p;
    check(push(db, to, false, &p), &err);
    check(tables_create_embedded(other, "main", &author, &err), &err);
    assert_int_equal(push(other, to, false, &p), BD_CONFLICT);
    assert_int_equal(strncmp(err.msg, "no common ancestor", 18), 0);
}

static void fetched_branch_merges(void **state) {
    (void)state;
    const char *db = make_db("fetch-db"), *to = path_of("fetch-remote"),
               *other = path_of("fetch-other");
    struct push_result p;
    struct fetch_result f;
    struct arena a = ARENA_INIT;
    struct tables_merge_result m;
    check(push(db, to, false, &p), &err);
    clone_to(to, other);
    write_row(other, "theirs");
    check(push(other, to, false, &p), &err);
    write_row(db, "ours");
    check(fetch(db, to, "main", &f), &err);
    assert_int_equal(f.moved, 1);
    assert_int_equal(rows_of(db), 2); /* nothing merged yet */
    struct tables *t = open_db(db);
    struct tables_write w = {.mode = TABLES_COMMIT};
    check(tables_merge(t, "origin/main", &w, &a, &m, &err), &err);
    tables_close(t);
    assert_int_equal(rows_of(db), 3);
    check(push(db, to, false, &p), &err);
    check(fetch(db, to, NULL, &f), &err);
    assert_int_equal(f.moved, 0);
    assert_int_equal(f.stats.chunks, 0);
    assert_int_equal(fetch(db, to, "nope", &f), BD_NOT_FOUND);
    arena_release(&a);
}

/* ---- races ---- */

/* A remote whose root is moved by somebody else just before ours would be. */
struct racing {
    struct remote base;
    struct remote *real;
    const char *other, *to;
    int moves;
};
static struct racing *racing_of(struct remote *r) { return (struct racing *)r; }
static int race_root(struct remote *r, struct hash *h, struct err *e) {
    return racing_of(r)->real->driver->root(racing_of(r)->real, h, e);
}
static int race_has(struct remote *r, const struct hash *h, size_t n, bool *present, struct err *e) {
    return racing_of(r)->real->driver->has_many(racing_of(r)->real, h, n, present, e);
}
static int race_get(struct remote *r, const struct hash *h, size_t n, remote_chunk_fn fn, void *ctx,
                    struct err *e) {
    return racing_of(r)->real->driver->get_many(racing_of(r)->real, h, n, fn, ctx, e);
}
static int race_list(struct remote *r, struct arena *a, struct manifest_spec **f, size_t *n,
                     struct err *e) {
    return racing_of(r)->real->driver->list_files(racing_of(r)->real, a, f, n, e);
}
static const char *race_staging(struct remote *r) {
    return racing_of(r)->real->driver->staging(racing_of(r)->real);
}
static int race_put(struct remote *r, const struct manifest_spec *f, struct err *e) {
    return racing_of(r)->real->driver->put_file(racing_of(r)->real, f, e);
}
static int race_add(struct remote *r, const struct manifest_spec *f, size_t n, struct err *e) {
    return racing_of(r)->real->driver->add_files(racing_of(r)->real, f, n, e);
}
static int race_commit(struct remote *r, const struct hash *expected, const struct hash *root,
                       struct err *e) {
    struct racing *x = racing_of(r);
    struct sync_place place = {x->other, "origin"};
    struct push_result p;
    struct remote *theirs;
    if (x->moves-- > 0) {
        struct tables *t = open_db(x->other);
        if (x->moves == 0)
            check(tables_branch_create(t, "side", NULL, &err), &err);
        tables_close(t);
        check(remote_open_dir(&theirs, x->to, REMOTE_WRITE, &err), &err);
        check(sync_push(&place, theirs, x->moves == 0 ? "side" : "main", false, NULL, &p, &err), &err);
        remote_close(theirs);
    }
    return x->real->driver->commit_root(x->real, expected, root, e);
}
static const struct remote_driver race_driver = {.root = race_root,
                                                 .has_many = race_has,
                                                 .get_many = race_get,
                                                 .list_files = race_list,
                                                 .staging = race_staging,
                                                 .put_file = race_put,
                                                 .add_files = race_add,
                                                 .commit_root = race_commit};

static void lost_race_is_run_again_on_what_won(void **state) {
    (void)state;
    const char *db = make_db("race-db"), *to = path_of("race-remote"), *other = path_of("race-other");
    struct push_result p;
    check(push(db, to, false, &p), &err);
    clone_to(to, other);
    write_row(db, "ours");
    struct racing x = {.base = {&race_driver}, .other = other, .to = to, .moves = 1};
    struct sync_place place = {db, "origin"};
    check(remote_open_dir(&x.real, to, REMOTE_WRITE, &err), &err);
    check(sync_push(&place, &x.base, "main", false, NULL, &p, &err),
          &err); /* another branch won: both are there */
    struct hash side = remote_head(to, "refs/heads/side"), main = remote_head(to, "refs/heads/main"),
                ours = resolve(db, "HEAD");
    assert_true(!hash_is_zero(&side) && hash_eq(&main, &ours));
    remote_close(x.real);

    struct fetch_result f;
    struct arena a = ARENA_INIT;
    struct tables_merge_result m;
    check(fetch(other, to, NULL, &f), &err);
    struct tables *t = open_db(other);
    struct tables_write w = {.mode = TABLES_COMMIT};
    check(tables_merge(t, "origin/main", &w, &a, &m, &err), &err);
    tables_close(t);
    arena_release(&a);
    write_row(other, "theirs");
    write_row(db, "ours 2");
    struct racing y = {.base = {&race_driver}, .other = other, .to = to, .moves = 2};
    check(remote_open_dir(&y.real, to, REMOTE_WRITE, &err), &err);
    assert_int_equal(sync_push(&place, &y.base, "main", false, NULL, &p, &err),
                     BD_CONFLICT); /* the same branch won */
    remote_close(y.real);
    main = remote_head(to, "refs/heads/main");
    struct hash theirs = resolve(other, "HEAD");
    assert_true(hash_eq(&main, &theirs));
}

/* A collection of the database in the middle of a fetch drops what is not referred to yet. */
static int collect_once(void *ctx, const struct pull_stats *s) {
    const char **dir = ctx;
    if (*dir && s->files) {
        const char *d = *dir;
        struct db_gc_options o = {.full = true, .ignore_space = true};
        struct db_gc_result r;
        *dir = NULL;
        check(db_gc(d, &o, &r, &err), &err);
    }
    return BD_OK;
}

static void collection_during_a_fetch_takes_nothing_from_it(void **state) {
    (void)state;
    const char *db = make_db("gc-db"), *to = path_of("gc-remote"), *other = path_of("gc-other"),
               *collect = db;
    struct push_result p;
    struct fetch_result f;
    check(push(db, to, false, &p), &err);
    clone_to(to, other);
    write_row(other, "theirs");
    check(push(other, to, false, &p), &err);
    struct sync_place place = {db, "origin"};
    struct pull_options o = {.progress = collect_once, .ctx = &collect, .file_bytes = 200};
    struct remote *r;
    check(remote_open_dir(&r, to, 0, &err), &err);
    check(sync_fetch(&place, r, NULL, &o, &f, &err), &err);
    assert_null(collect);
    remote_close(r);
    struct arena a = ARENA_INIT;
    struct tables_merge_result m;
    struct tables *t = open_db(db);
    struct tables_write w = {.mode = TABLES_COMMIT};
    check(tables_merge(t, "origin/main", &w, &a, &m, &err), &err);
    tables_close(t);
    arena_release(&a);
    assert_int_equal(rows_of(db), 2);
}

static void addresses_get_the_form_that_dolt_keeps(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"file:///x/y.git", "git+file:///x/y.git"},
        {"https://h/o/r.git", "git+https://h/o/r.git"},
        {"git+https://h/r.git", "git+https://h/r.git"},
        {"file:///x/y", "file:///x/y"},
        {"https://h/o/r", "https://h/o/r"},
        {"git@h.com:o/r.git", "git+ssh://git@h.com/./o/r.git"},
        {"git@h.com:/o/r.git", "git+ssh://git@h.com/o/r.git"},
        {"/x/y.git", "git+file:///x/y.git"},
    };
    struct arena a = ARENA_INIT;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_string_equal(remote_normal_url(pairs[i][0], &a), pairs[i][1]);
    arena_release(&a);
}

static void passwords_are_not_shown(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"https://me:secret@h/x", "https://me@h/x"},
        {"git+ssh://git@h/./x.git", "git+ssh://git@h/./x.git"},
        {"http://me:se@cret@h:80/x", "http://me@h:80/x"},
        {"http://h:80/x@y:z", "http://h:80/x@y:z"},
        {"file:///a:b@c/d", "file:///a:b@c/d"},
        {"git@h:x.git", "git@h:x.git"},
    };
    struct arena a = ARENA_INIT;
    struct remote *r;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_string_equal(remote_shown_url(pairs[i][0], &a), pairs[i][1]);
    assert_int_equal(remote_open(&r, "https://me:secret@h/x", 0, &err), BD_UNSUPPORTED);
    assert_null(strstr(err.msg, "secret"));
    arena_release(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_push_makes_the_branch_and_the_next_sends_what_is_new),
        cmocka_unit_test(push_goes_forward_only),
        cmocka_unit_test(lease_replaces_one_commit_only),
        cmocka_unit_test(histories_without_a_common_start_are_told_apart),
        cmocka_unit_test(fetched_branch_merges),
        cmocka_unit_test(lost_race_is_run_again_on_what_won),
        cmocka_unit_test(collection_during_a_fetch_takes_nothing_from_it),
        cmocka_unit_test(passwords_are_not_shown),
        cmocka_unit_test(addresses_get_the_form_that_dolt_keeps),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
