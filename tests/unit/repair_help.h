/* Damages to the packed files of a database, and their repairs: for the tests of repair_chunks and
 * repair_made. */
#ifndef TESTS_UNIT_REPAIR_HELP_H
#define TESTS_UNIT_REPAIR_HELP_H

#include "store/chunk/bytes.h"
#include "store/chunk/fsck_scan.h"
#include "store/chunk/repair.h"
#include "store/db/gc.h"
#include "store/db/repair.h"
#include "tests/unit/fsck_help.h"

#include <zstd.h>

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
    expect_rows(dir);
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

/* The files of a database as the check reads them; report is the caller's to release. */
static inline struct scan *scan_files(const char *dir, struct fsck_report *report) {
    struct fsck_options o = {.level = FSCK_QUICK};
    struct err err = ERR_INIT;
    struct scan *s;
    fsck_report_init(report);
    check(scan_open(&s, noms_file(dir, ""), &o, report, &err), &err);
    return s;
}

static inline struct target *list_targets(const char *dir, size_t *count) {
    struct fsck_report ignored;
    struct scan *s = scan_files(dir, &ignored);
    struct target *list = mem_zalloc(s->count + 1, sizeof *list);
    *count = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct scan_entry *e = &s->entries[i];
        if (s->files[e->file].kind == SCAN_JOURNAL)
            continue;
        struct target *t = &list[(*count)++];
        snprintf(t->file, sizeof t->file, "%s/%s", noms_file(dir, ""), s->files[e->file].label);
        t->at = (off_t)(e->offset + e->size / 2);
    }
    scan_close(s);
    fsck_report_release(&ignored);
    return list;
}

/* ---- archives of version 1, as early releases wrote them ---- */

static inline int by_scan_address(const void *a, const void *b) {
    return hash_cmp(&((const struct scan_entry *)a)->address, &((const struct scan_entry *)b)->address);
}

static inline void add_number(struct buf *b, uint64_t value, size_t bytes) {
    uint8_t number[8];
    write_u64(number, value);
    buf_add(b, number + 8 - bytes, bytes);
}

/* One frame, with the dictionary if there is one; the end of the span behind it. */
static inline void add_frame(struct buf *out, struct buf *ends, const void *data, size_t size,
                             const struct buf *dictionary) {
    ZSTD_CCtx *c = ZSTD_createCCtx();
    size_t room = ZSTD_compressBound(size);
    buf_reserve(out, room);
    size_t n = ZSTD_compress_usingDict(c, out->data + out->size, room, data, size,
                                       dictionary ? dictionary->data : NULL,
                                       dictionary ? dictionary->size : 0, 3);
    assert_false(ZSTD_isError(n));
    ZSTD_freeCCtx(c);
    out->size += n;
    add_number(ends, out->size, 8);
}

/* The chunks of one file of the scan as an archive of version 1: all of them zstd with one dictionary,
 * a length of four bytes in the footer. */
static inline void archive_of_version_1(const struct scan *s, uint32_t file, struct buf *out,
                                        uint32_t *count) {
    struct err err = ERR_INIT;
    struct buf ends = BUF_INIT, prefixes = BUF_INIT, refs = BUF_INIT, suffixes = BUF_INIT,
               dictionary = BUF_INIT;
    struct scan_entry *list = mem_zalloc(s->count, sizeof *list);
    struct scan_reader *reader = scan_reader_new(s);
    *count = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->entries[i].file == file)
            list[(*count)++] = s->entries[i];
    qsort(list, *count, sizeof *list, by_scan_address);
    for (size_t i = 0; i < 200; i++)
        buf_addf(&dictionary, "a text that row %zu keeps elsewhere", i);
    add_frame(out, &ends, dictionary.data, dictionary.size, NULL);
    for (uint32_t i = 0; i < *count; i++) {
        struct chunk bytes;
        check(scan_reader_get(reader, &list[i].address, &bytes, &err), &err);
        add_frame(out, &ends, bytes.data, bytes.size, &dictionary);
        buf_add(&prefixes, list[i].address.b, 8);
        add_number(&refs, 1, 4);
        add_number(&refs, i + 2, 4);
        buf_add(&suffixes, list[i].address.b + 8, 12);
    }
    uint64_t index = ends.size + prefixes.size + refs.size + suffixes.size;
    struct buf *const parts[] = {&ends, &prefixes, &refs, &suffixes};
    for (size_t i = 0; i < 4; i++) {
        buf_add(out, parts[i]->data, parts[i]->size);
        buf_release(parts[i]);
    }
    uint8_t sums[192] = {0};
    add_number(out, index, 4);
    add_number(out, *count + 1, 4);
    add_number(out, *count, 4);
    add_number(out, 0, 4);
    buf_add(out, sums, sizeof sums);
    buf_add(out, "\1DOLTARC", 8);
    buf_release(&dictionary);
    scan_reader_free(reader);
    free(list);
}

/* Every archive of the database becomes one of version 1. */
static inline void make_version_1(const char *dir) {
    struct fsck_report ignored;
    struct err err = ERR_INIT;
    struct scan *s = scan_files(dir, &ignored);
    for (uint32_t i = 0; i < s->file_count; i++) {
        struct hash before;
        bool is_archive, old = strncmp(s->files[i].label, "oldgen/", 7) == 0;
        if (s->files[i].kind != SCAN_ARCHIVE)
            continue;
        assert_true(scan_is_file_name(s->files[i].label + (old ? 7 : 0), &before, &is_archive));
        struct buf bytes = BUF_INIT;
        char text[HASH_TEXT_SIZE + 1], path[1500], folder[1300];
        uint32_t count;
        archive_of_version_1(s, i, &bytes, &count);
        struct hash name = hash_of(bytes.data, bytes.size);
        hash_format(&name, text);
        snprintf(folder, sizeof folder, "%s", noms_file(dir, old ? "oldgen" : ""));
        snprintf(path, sizeof path, "%s/%s.darc", folder, text);
        assert_int_equal(os_write_file_atomic(path, bytes.data, bytes.size, 0600), 0);
        check(repair_swap_file(folder, &before, &name, count, &err), &err);
        snprintf(path, sizeof path, "%s/%s", s->dir, s->files[i].label);
        assert_int_equal(unlink(path), 0);
        buf_release(&bytes);
    }
    scan_close(s);
    fsck_report_release(&ignored);
}

/* A collected database; beside it, in `before`, what it was before: all chunks in a journal. */
struct packed {
    char dir[512], before[600];
    struct target *list; /* the packed chunks */
    size_t count;
};

enum packing { ARCHIVES, TABLE_FILES, OLD_ARCHIVES };

static inline void packed_make(struct packed *p, enum packing how) {
    make_database(p->dir);
    snprintf(p->before, sizeof p->before, "%s-before", p->dir);
    run("cp -r '%s' '%s'", p->dir, p->before);
    collect(p->dir, how == TABLE_FILES);
    if (how == OLD_ARCHIVES)
        make_version_1(p->dir);
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
