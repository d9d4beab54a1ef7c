/* The stamp holds size and time of change of the file that was looked at; it is written after every
 * attempt. */
#include "bd/cmd/auto_export.h"

#include "base/os.h"
#include "bd/cmd/parse.h"
#include "bd/ops/import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STAMP_FILE ".auto-import-issues.jsonl"

static const char *stamp_path(struct bd *bd) {
    return arena_printf(&bd->arena, "%s/" STAMP_FILE, bd->ws.beads_dir);
}

static int64_t changed_at(const struct stat *st) {
    return (int64_t)st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec;
}

/* Nanoseconds do not fit into the doubles of a JSON reader, so the text itself is compared. */
static const char *stamp_text(struct bd *bd, const struct stat *st) {
    return arena_printf(&bd->arena, "{\"size\":%lld,\"mtime_ns\":%lld}", (long long)st->st_size,
                        (long long)changed_at(st));
}

static bool stamp_matches(struct bd *bd, const struct stat *st) {
    char *data;
    size_t size;
    if (os_read_file(stamp_path(bd), 4096, &data, &size))
        return false;
    const char *text = stamp_text(bd, st);
    bool same = strcmp(data, text) == 0;
    free(data);
    return same;
}

static void stamp_write(struct bd *bd, const struct stat *st) {
    const char *text = stamp_text(bd, st);
    os_write_file_atomic(stamp_path(bd), text, strlen(text),
                         0600); /* without it the file is looked at again */
}

/* The file, when there is one that nobody has looked at. */
static const char *new_file(struct bd *bd, struct stat *st) {
    if (!bd->ops.tables || bd->global || !bd->ws.beads_dir || bd->ws.direct)
        return NULL;
    const char *name = config_get(&bd->config, "import.path");
    if (!name || !*name)
        name = "issues.jsonl";
    const char *path = *name == '/' ? name : arena_printf(&bd->arena, "%s/%s", bd->ws.beads_dir, name);
    if (os_stat(path, st) || !S_ISREG(st->st_mode) || st->st_size == 0 || stamp_matches(bd, st))
        return NULL;
    return path;
}

static bool has_rows(struct tables_txn *x, const char *table) {
    bool any = false;
    return tables_has_table(x, table) && (tables_any(x, table, "id", NULL, &any, NULL) || any);
}

/* No issue and no wisp. What cannot be read is not empty. */
static bool is_empty(struct bd *bd) {
    struct tables_txn *x;
    if (tables_read_begin(bd->ops.tables, &x, NULL))
        return false;
    bool empty = !has_rows(x, "issues") && !has_rows(x, "wisps");
    tables_read_end(x);
    return empty;
}

static void put_in(struct bd *bd, const char *path, const struct stat *st, struct import_data *d) {
    static const struct import_options options = {
        .actor = "auto-import", .keep_existing = true, .only_if_empty = true};
    struct import_result r;
    struct err err = ERR_INIT;
    if (import_run(&bd->ops, d, &options, &bd->arena, &r, &err)) {
        stamp_write(bd, st);
        fprintf(bd->err,
                "warning: auto-import from %s failed: %s\n\nYour issues are still safe in that file; "
                "'bd import %s' "
                "tries again.\n",
                path, err.msg, path);
        return;
    }
    if (!r.imported)
        return;
    stamp_write(bd, st);
    bd->did_write = true;
    fprintf(bd->err, "auto-imported %zu issues", r.imported);
    if (r.memories)
        fprintf(bd->err, " and %zu config entries", r.memories);
    fprintf(bd->err, " from %s\n", path);
}

void auto_import(struct bd *bd) {
    struct stat st;
    struct err err = ERR_INIT;
    struct import_text text;
    const char *path = bd->store_read_only || bd->read_only ? NULL : new_file(bd, &st);
    if (!path || !is_empty(bd))
        return;
    if (import_text_open(&text, path, &err)) {
        fprintf(bd->err, "warning: auto-import: %s\n", err.msg);
        import_text_release(&text);
        return;
    }
    struct import_data d = IMPORT_DATA_INIT;
    if (import_data_add(&d, &text, &bd->arena, &err)) {
        stamp_write(bd, &st);
        fprintf(bd->err, "warning: auto-import: failed to parse %s: %s\n", path, err.msg);
    } else if (d.count) {
        put_in(bd, path, &st, &d);
    }
    import_data_release(&d);
}

void auto_import_hint(struct bd *bd) {
    struct stat st;
    const char *path = bd->quiet ? NULL : new_file(bd, &st);
    if (path && is_empty(bd))
        fprintf(bd->err,
                "warning: the database is empty, but %s holds data that nobody imported. 'bd import' "
                "imports it; so "
                "does the next command that writes.\n",
                path);
}

void auto_import_settle(struct bd *bd) {
    struct stat st;
    if (!bd->store_read_only && !bd->read_only && new_file(bd, &st) && is_empty(bd))
        stamp_write(bd, &st);
}
