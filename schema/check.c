/*
 * Which schema a database has: a look at the ends of two small tables.
 */
#include "schema/run.h"

#include <string.h>

static int note_highest(void *ctx, const struct cell *row) {
    int *highest = ctx;
    if (row[0].kind == CELL_INT && row[0].i > *highest && row[0].i < 1000000000)
        *highest = (int)row[0].i;
    return BD_OK;
}

/* MAX(version); 0 without the table. The usual case is one look at the table's end. */
static int version_of(struct tables_txn *x, const char *table, int latest, struct arena *a,
                      int *version, struct err *err) {
    static const char *const column = "version";
    *version = 0;
    if (!tables_has_table(x, table))
        return BD_OK;
    struct tables_query newest = {.table = table,
                                  .columns = &column,
                                  .column_count = 1,
                                  .where = pred_cmp(a, PRED_GE, column, cell_int(latest))};
    int rc = tables_scan(x, &newest, a, note_highest, version, err);
    if (rc != BD_OK || *version > 0)
        return rc;
    struct tables_query q = {.table = table, .columns = &column, .column_count = 1};
    return tables_scan(x, &q, a, note_highest, version, err);
}

/* No table `issues`, or one that cannot be read? The second is a damaged database, and an error. */
static int issues_unreadable(struct tables_txn *x, struct arena *a, struct err *err) {
    const char **names;
    const struct schema *s;
    size_t count;
    int rc = tables_list(x, a, &names, &count, err);
    for (size_t i = 0; rc == BD_OK && i < count; i++)
        if (strcmp(names[i], "issues") == 0)
            return tables_schema(x, "issues", &s, err);
    return rc;
}

/* What the committed tables say: a tracker or not, and its version. */
static int read_main(struct tables_txn *x, struct arena *a, struct schema_state *out, struct err *err) {
    memset(out, 0, sizeof *out);
    out->is_tracker = tables_has_table(x, "issues");
    int rc = out->is_tracker ? BD_OK : issues_unreadable(x, a, err);
    if (rc == BD_OK)
        rc = version_of(x, "schema_migrations", SCHEMA_MAIN_VERSION, a, &out->main_version, err);
    out->too_new = out->is_tracker && out->main_version > SCHEMA_MAIN_VERSION;
    return rc;
}

int schema_state_read(struct tables_txn *x, struct arena *a, struct schema_state *out,
                      struct err *err) {
    int rc = read_main(x, a, out, err);
    if (rc == BD_OK)
        rc = version_of(x, "ignored_schema_migrations", SCHEMA_IGNORED_VERSION, a,
                        &out->ignored_version, err);
    if (rc || !out->is_tracker)
        return rc;
    bool main_old = out->main_version < SCHEMA_MAIN_VERSION;
    bool local_old = out->ignored_version < SCHEMA_IGNORED_VERSION;
    bool unfilled = false;
    if (!main_old && !out->too_new)
        rc = schema_backfill_custom(x, a, true, &unfilled, err);
    out->needs_migration = !out->too_new && (main_old || local_old || unfilled);
    out->local_only = !out->too_new && !main_old && local_old && !unfilled;
    return rc;
}

static int state_for_use(struct tables_txn *x, bool writes, struct arena *a, struct schema_state *out,
                         struct err *err) {
    int rc = read_main(x, a, out, err);
    if (rc || !writes)
        return rc;
    rc = version_of(x, "ignored_schema_migrations", SCHEMA_IGNORED_VERSION, a, &out->ignored_version,
                    err);
    return rc || out->ignored_version >= SCHEMA_IGNORED_VERSION ? rc
                                                                : schema_state_read(x, a, out, err);
}

int schema_check_use(struct tables *t, bool writes, struct schema_state *out, struct err *err) {
    struct tables_txn *x;
    struct arena a = ARENA_INIT;
    memset(out, 0, sizeof *out);
    int rc = tables_read_begin(t, &x, err);
    if (rc)
        return rc;
    rc = state_for_use(x, writes, &a, out, err);
    tables_read_end(x);
    arena_release(&a);
    return rc;
}

int schema_check(struct tables *t, struct schema_state *out, struct err *err) {
    struct tables_txn *x;
    struct arena a = ARENA_INIT;
    memset(out, 0, sizeof *out);
    int rc = tables_read_begin(t, &x, err);
    if (rc)
        return rc;
    rc = schema_state_read(x, &a, out, err);
    tables_read_end(x);
    arena_release(&a);
    return rc;
}

int schema_explain(const struct schema_state *s, struct err *err) {
    if (!s->is_tracker)
        return err_set(err, BD_INVALID, "this database holds no issues table: it is not a tracker's");
    int ahead = s->main_version - SCHEMA_MAIN_VERSION;
    if (s->too_new)
        return err_set(err, BD_TOO_NEW,
                       "schema version mismatch: database is at v%d, binary knows up to v%d (%d "
                       "migration%s ahead)",
                       s->main_version, SCHEMA_MAIN_VERSION, ahead, ahead == 1 ? "" : "s");
    if (s->needs_migration && s->local_only)
        return err_set(err, BD_INVALID,
                       "the tables that this clone keeps for itself are at v%d of %d; `bd migrate "
                       "schema` makes them",
                       s->ignored_version, SCHEMA_IGNORED_VERSION);
    if (s->needs_migration)
        return err_set(
            err, BD_INVALID,
            "the database schema is at v%d, this program writes v%d; `bd migrate schema` upgrades it",
            s->main_version, SCHEMA_MAIN_VERSION);
    return BD_OK;
}
