/* Questions to an old file that may lack any table and any column: what is missing is no error. */
#include "migrate/legacy.h"

#include "migrate/sqlite_file.h"

static bool has_row(struct legacy *l, const char *sql, const char *x, const char *y) {
    sqlite3_stmt *s;
    if (sqlite_file_prepare(l->db, l->path, sql, &s, NULL))
        return false;
    sqlite3_bind_text(s, 1, x, -1, SQLITE_STATIC);
    if (y)
        sqlite3_bind_text(s, 2, y, -1, SQLITE_STATIC);
    bool found = sqlite3_step(s) == SQLITE_ROW;
    sqlite3_finalize(s);
    return found;
}

bool legacy_has_table(struct legacy *l, const char *table) {
    return has_row(l,
                   "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1 COLLATE NOCASE AND "
                   "rootpage > 0",
                   table, NULL);
}

bool legacy_has_rowid(struct legacy *l, const char *table) {
    uint64_t ignored;
    return legacy_number(l, arena_printf(l->a, "SELECT rowid FROM %s NOT INDEXED LIMIT 1", table),
                         &ignored, NULL) == BD_OK;
}

bool legacy_has_column(struct legacy *l, const char *table, const char *column) {
    return has_row(l, "SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2 COLLATE NOCASE", table,
                   column);
}

int legacy_number(struct legacy *l, const char *sql, uint64_t *out, struct err *err) {
    sqlite3_stmt *s;
    *out = 0;
    int rc = sqlite_file_prepare(l->db, l->path, sql, &s, err);
    if (rc)
        return rc;
    int step = sqlite3_step(s);
    if (step == SQLITE_ROW)
        *out = (uint64_t)sqlite3_column_int64(s, 0);
    else if (step != SQLITE_DONE)
        rc = sqlite_file_error(l->db, l->path, err);
    sqlite3_finalize(s);
    return rc;
}

const char *legacy_value(struct legacy *l, const char *table, const char *key) {
    sqlite3_stmt *s;
    const char *r = "";
    const char *sql = arena_printf(l->a, "SELECT value FROM %s WHERE key = ?1%s", table,
                                   legacy_has_rowid(l, table) ? " ORDER BY rowid DESC" : "");
    if (!legacy_has_table(l, table) || sqlite_file_prepare(l->db, l->path, sql, &s, NULL))
        return r;
    sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
    if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_text(s, 0))
        r = arena_strdup(l->a, (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    return r;
}
