/* Damages to the packed files of a database, and their repairs: for the tests of repair_chunks and
 * repair_made. */
#ifndef TESTS_UNIT_REPAIR_HELP_H
#define TESTS_UNIT_REPAIR_HELP_H

#include "store/chunk/fsck_scan.h"
#include "store/db/gc.h"
#include "store/db/repair.h"
#include "tests/unit/fsck_help.h"

static inline void run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline void run(const char *fmt, ...) {
    char command[4000];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    assert_int_equal(system(command), 0);
}

static inline void mend(const char *dir, const char *search, bool dry, struct repair_result *r) {
    struct err err = ERR_INIT;
    struct repair_options o = {
        .actions = REPAIR_SAFE, .dry_run = dry, .search = &search, .search_count = search ? 1 : 0};
    *r = (struct repair_result){.arena = ARENA_INIT};
    check(db_repair(dir, &o, r, &err), &err);
}

static inline bool said(const struct repair_result *r, bool done, const char *text) {
    for (size_t i = 0; i < r->count; i++)
        if (r->steps[i].done == done && strstr(r->steps[i].message, text))
            return true;
    return false;
}

static inline size_t damaged_chunks(const char *dir) {
    struct fsck_report r;
    look(dir, FSCK_DEEP, &r);
    size_t n = r.per_code[FSCK_CHUNK_DAMAGED];
    for (size_t i = 0; i < r.count && n == 0; i++)
        if (r.findings[i].severity == FSCK_ERROR)
            fail_msg("%s", r.findings[i].message);
    fsck_report_release(&r);
    return n;
}

static inline void expect_sound(const char *dir) {
    assert_int_equal(damaged_chunks(dir), 0);
    struct tables *t = open_db(dir);
    struct tables_txn *x = begin_read(t);
    assert_int_equal(count_of(x, "t", NULL), ROWS);
    tables_read_end(x);
    tables_close(t);
}

static inline void collect(const char *dir, bool tables) {
    struct err err = ERR_INIT;
    struct db_gc_options o = {.full = true, .table_files = tables};
    struct db_gc_result r;
    check(db_gc(dir, &o, &r, &err), &err);
}

/* One stored copy of a chunk, or the dictionary it needs, in a packed file. */
struct target {
    char file[1100];
    off_t at;
};

static inline struct target *list_targets(const char *dir, size_t *count) {
    struct fsck_report ignored;
    struct fsck_options o = {.level = FSCK_QUICK};
    struct scan *s;
    struct err err = ERR_INIT;
    char noms[700];
    snprintf(noms, sizeof noms, "%s/.dolt/noms", dir);
    fsck_report_init(&ignored);
    check(scan_open(&s, noms, &o, &ignored, &err), &err);
    struct target *list = mem_zalloc(s->count + 1, sizeof *list);
    *count = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct scan_entry *e = &s->entries[i];
        if (s->files[e->file].kind == SCAN_JOURNAL)
            continue;
        struct target *t = &list[(*count)++];
        snprintf(t->file, sizeof t->file, "%s/%s", noms, s->files[e->file].label);
        t->at = (off_t)(e->offset + e->size / 2);
    }
    scan_close(s);
    fsck_report_release(&ignored);
    return list;
}

/* A collected database; beside it, in `before`, what it was before: all chunks in a journal. */
struct packed {
    char dir[512], before[600];
    struct target *list; /* the packed chunks */
    size_t count;
};

static inline void packed_make(struct packed *p, bool tables) {
    make_database(p->dir);
    snprintf(p->before, sizeof p->before, "%s-before", p->dir);
    run("cp -r '%s' '%s'", p->dir, p->before);
    collect(p->dir, tables);
    p->list = list_targets(p->dir, &p->count);
    assert_true(p->count > 10);
}

static inline void packed_release(struct packed *p) { free(p->list); }

/* A repair that gives nothing up; when `done` is given, one of the steps done says that. */
static inline void mends(const char *dir, const char *search, const char *done) {
    struct repair_result r;
    mend(dir, search, false, &r);
    assert_false(r.lost_data);
    if (done && !said(&r, true, done))
        fail_msg("no step says '%s'", done);
    repair_result_release(&r);
}

#endif
