/*
 * After a migration from SQLite: does the JSONL file beside the database say more? In the SQLite era
 * the file went through git, so a clone's database was often behind it, or empty.
 */
#include "bd/cmd/import_source.h"
#include "bd/cmd/migrate.h"

#include "base/os.h"
#include "bd/ops/issue.h"

#include <string.h>

static int64_t changed_at(struct tables_txn *x, const char *id, bool *found) {
    static const char *const columns[] = {"updated_at"}, *const tables[] = {"issues", "wisps"};
    struct arena a = ARENA_INIT;
    struct cell key = cell_text(id), value = cell_null();
    *found = false;
    for (size_t i = 0; i < 2 && !*found; i++)
        *found = tables_has_table(x, tables[i]) &&
                 tables_get(x, tables[i], &key, 1, columns, 1, &a, &value, NULL) == BD_OK;
    arena_release(&a);
    return *found && value.kind == CELL_DATETIME ? value.i : INT64_MIN;
}

static void count(struct tables_txn *x, const struct import_data *d, size_t *missing, size_t *newer) {
    *missing = *newer = 0;
    for (size_t i = 0; i < d->count; i++) {
        const struct import_issue *n = &d->issues[i];
        bool found;
        int64_t here = changed_at(x, n->id, &found);
        *missing += !found;
        *newer += found && n->updated_at != ISSUE_NO_TIME && issue_whole_second(n->updated_at) > here;
    }
}

const char *migrate_jsonl_note(struct bd *bd, const char *database_dir) {
    struct import_source s;
    struct tables *t;
    struct tables_txn *x;
    const char *path = import_source_default(bd), *note = NULL;
    size_t missing = 0, newer = 0;
    struct stat st;
    if (os_stat(path, &st) || !S_ISREG(st.st_mode) || !st.st_size)
        return NULL;
    if (import_source_read(bd, path, &s, NULL)) {
        import_source_release(&s);
        return arena_printf(&bd->arena, "%s cannot be read as an export; it was not looked at", path);
    }
    if (tables_open_embedded(&t, &(struct tables_open){.dir = database_dir, .flags = TABLES_READ_ONLY},
                             NULL) == BD_OK) {
        if (tables_read_begin(t, &x, NULL) == BD_OK) {
            count(x, &s.data, &missing, &newer);
            tables_read_end(x);
        }
        tables_close(t);
    }
    if (missing || newer)
        note =
            arena_printf(&bd->arena,
                         "%s has %zu issues that the SQLite database did not have and %zu that changed "
                         "there later; 'bd import' brings them in",
                         import_source_name(path), missing, newer);
    import_source_release(&s);
    return note;
}
