/* Looking at an old file, and at the difference between it and a database. Nothing is changed. */
#include "migrate/legacy.h"
#include "migrate/migrate.h"

#include "base/datetime.h"
#include "base/os.h"

#include <string.h>

int legacy_summarize(const char *path, struct arena *a, struct legacy_summary *out, struct err *err) {
    struct legacy l;
    struct stat st;
    *out = (struct legacy_summary){.path = path, .prefix = "", .bd_version = ""};
    if (os_stat(path, &st))
        return err_errno(err, "cannot read %s", path);
    out->bytes = (uint64_t)st.st_size;
    if (os_stat(arena_printf(a, "%s-wal", path), &st) == 0)
        out->wal_bytes = (uint64_t)st.st_size;
    struct err why = ERR_INIT;
    int rc = legacy_open(&l, path, a, &why);
    if (rc) {
        out->problem = arena_strdup(a, why.msg);
        return err_set(err, rc, "%s", why.msg);
    }
    const struct {
        const char *table;
        uint64_t *count;
    } counts[] = {{"labels", &out->labels},
                  {"dependencies", &out->dependencies},
                  {"comments", &out->comments},
                  {"events", &out->events},
                  {"config", &out->config}};
    for (size_t i = 0; rc == BD_OK && i < sizeof counts / sizeof *counts; i++)
        if (legacy_has_table(&l, counts[i].table))
            rc = legacy_number(&l, arena_printf(a, "SELECT count(*) FROM %s", counts[i].table),
                               counts[i].count, err);
    out->prefix = legacy_value(&l, "config", "issue_prefix");
    out->bd_version = legacy_value(&l, "metadata", "bd_version");
    out->beads_rust = l.beads_rust;
    out->columns = l.columns;
    out->issues = l.kinds[LEGACY_ISSUE];
    out->wisps = l.kinds[LEGACY_WISP];
    out->tombstones = l.kinds[LEGACY_TOMBSTONE];
    legacy_close(&l);
    return rc;
}

/* ---- the difference ---- */

static bool marked(struct tables_txn *x, struct arena *a) {
    static const char *const columns[] = {"value"};
    struct cell key = cell_text("migrated_from_sqlite"), value;
    return tables_has_table(x, "local_metadata") &&
           tables_get(x, "local_metadata", &key, 1, columns, 1, a, &value, NULL) == BD_OK;
}

static int updated_at(struct tables_txn *x, const char *id, struct arena *a, int64_t *micros,
                      struct err *err) {
    static const char *const columns[] = {"updated_at"}, *const tables[] = {"issues", "wisps"};
    struct cell key = cell_text(id), value = cell_null();
    int rc = BD_NOT_FOUND;
    for (size_t i = 0; rc == BD_NOT_FOUND && i < 2; i++)
        if (tables_has_table(x, tables[i]))
            rc = tables_get(x, tables[i], &key, 1, columns, 1, a, &value, err);
    *micros = rc == BD_OK && value.kind == CELL_DATETIME ? value.i : INT64_MIN;
    return rc;
}

static int compare(struct legacy *l, struct tables_txn *x, struct arena *a,
                   struct legacy_difference *out, struct err *err) {
    const char *newer[5] = {NULL};
    size_t newer_count = 0;
    struct arena scratch = ARENA_INIT;
    sqlite3_stmt *s;
    int rc = sqlite_file_prepare(
        l->db, l->path,
        legacy_has_column(l, "issues", "updated_at")
            ? "SELECT id, updated_at FROM issues NOT INDEXED WHERE status <> 'tombstone'"
            : "SELECT id, NULL FROM issues NOT INDEXED WHERE status <> 'tombstone'",
        &s, err);
    while (rc == BD_OK) {
        int step = sqlite3_step(s);
        if (step == SQLITE_DONE)
            break;
        if (step != SQLITE_ROW) {
            rc = sqlite_file_error(l->db, l->path, err);
            break;
        }
        arena_reset(&scratch);
        const char *id = (const char *)sqlite3_column_text(s, 0);
        const char *time = (const char *)sqlite3_column_text(s, 1);
        int64_t here, there = 0;
        out->old_issues++;
        rc = updated_at(x, id, &scratch, &here, err);
        if (rc == BD_NOT_FOUND) {
            rc = BD_OK;
            if (out->missing++ < 5)
                out->samples[out->sample_count++] = arena_strdup(a, id);
        } else if (rc == BD_OK && time && legacy_time(time, strlen(time), &there) &&
                   there >= here + MICROS_PER_SECOND) {
            if (out->newer++ < 5)
                newer[newer_count++] = arena_strdup(a, id);
        }
    }
    for (size_t i = 0; i < newer_count && out->sample_count < 5; i++)
        out->samples[out->sample_count++] = newer[i];
    sqlite3_finalize(s);
    arena_release(&scratch);
    return rc;
}

int legacy_compare(const char *path, const char *database_dir, struct arena *a,
                   struct legacy_difference *out, struct err *err) {
    struct legacy l;
    struct tables *t;
    struct tables_txn *x;
    memset(out, 0, sizeof *out);
    int rc = tables_open_embedded(
        &t, &(struct tables_open){.dir = database_dir, .flags = TABLES_READ_ONLY}, err);
    if (rc)
        return rc;
    rc = tables_read_begin(t, &x, err);
    if (rc == BD_OK) {
        static const char *const tables[] = {"issues", "wisps"};
        for (size_t i = 0; rc == BD_OK && i < 2; i++) {
            uint64_t n = 0;
            if (tables_has_table(x, tables[i]))
                rc = tables_count_all(x, tables[i], NULL, &n, err);
            out->new_issues += n;
        }
        out->migrated = marked(x, a);
        if (rc == BD_OK)
            rc = legacy_open(&l, path, a, err);
        if (rc == BD_OK) {
            rc = compare(&l, x, a, out, err);
            legacy_close(&l);
        }
        tables_read_end(x);
    }
    tables_close(t);
    return rc;
}
