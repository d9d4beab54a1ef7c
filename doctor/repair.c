/*
 * Making fixes. Files first, each on its own; then all rows in one transaction. What is about to be
 * lost is copied, and the copy synced, before it is touched.
 */
#include "doctor/room.h"

#include "base/os.h"
#include "bd/ui/json.h"
#include "store/value/json_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- copies ---- */

static int make_aside(struct doctor_repair *rp, struct err *err) {
    struct civil c;
    if (rp->aside)
        return BD_OK;
    datetime_to_civil(rp->d->now, &c);
    const char *base =
        arena_printf(rp->d->arena, "%s/doctor-%04d%02d%02d-%02d%02d%02d", doctor_path(rp->d, "backup"),
                     c.year, c.month, c.day, c.hour, c.minute, c.second);
    const char *dir = base;
    for (int n = 2; os_exists(dir); n++)
        dir = arena_printf(rp->d->arena, "%s-%d", base, n);
    const char *home = rp->d->ws->beads_dir ? rp->d->ws->beads_dir : rp->d->ws->database_dir;
    if (os_mkdir_p(dir, 0700) || os_fsync_dir(doctor_path(rp->d, "backup")) || os_fsync_dir(home))
        return err_errno(err, "cannot make the directory for copies %s", dir);
    rp->aside = dir;
    return BD_OK;
}

static const char *aside_name(struct doctor_repair *rp, const char *path) {
    const char *slash = strrchr(path, '/');
    const char *name = arena_printf(rp->d->arena, "%s/%s", rp->aside, slash ? slash + 1 : path),
               *to = name;
    for (int n = 2; os_exists(to); n++)
        to = arena_printf(rp->d->arena, "%s-%d", name, n);
    return to;
}

int doctor_copy_aside(struct doctor_repair *rp, const char *path, struct err *err) {
    char *data;
    size_t size;
    struct stat st;
    if (os_stat(path, &st) || os_read_file(path, (size_t)64 << 20, &data, &size))
        return errno == ENOENT ? BD_OK : err_errno(err, "cannot read %s to copy it", path);
    int rc = make_aside(rp, err);
    if (rc == BD_OK) {
        const char *to = aside_name(rp, path);
        if (os_write_file_atomic(to, data, size, st.st_mode & 0777))
            rc = err_errno(err, "cannot copy %s to %s", path, to);
    }
    free(data);
    return rc;
}

int doctor_move_aside(struct doctor_repair *rp, const char *path, struct err *err) {
    int rc = make_aside(rp, err);
    if (rc)
        return rc;
    const char *to = aside_name(rp, path), *slash = strrchr(path, '/');
    if (os_rename(path, to)) {
        if (errno == ENOENT)
            return BD_OK;
        /* another file system: a file can be copied, then removed */
        if (errno != EXDEV)
            return err_errno(err, "cannot move %s to %s", path, to);
        rc = doctor_copy_aside(rp, path, err);
        if (rc == BD_OK && os_unlink(path))
            rc = err_errno(err, "cannot remove %s (a copy is in %s)", path, rp->aside);
        return rc;
    }
    os_fsync_dir(rp->aside);
    os_fsync_dir(arena_strndup(rp->d->arena, path, slash ? (size_t)(slash - path) : 0));
    return BD_OK;
}

int doctor_set_metadata(struct doctor_repair *rp, const char *key, const char *value, struct err *err) {
    struct arena *a = rp->d->arena;
    const char *path = doctor_path(rp->d, "metadata.json");
    const struct json_value *old = doctor_json(rp->d, path);
    if (!json_value_is(old, JSON_OBJECT))
        return err_set(err, BD_INVALID, "%s is not a JSON object", path);
    struct json_value *changed = json_value_object(a);
    const struct json_value *text = json_value_string(a, value, strlen(value));
    bool placed = false;
    JSON_EACH(v, old) {
        bool same = strcmp(v->key, key) == 0;
        if (!same || !placed)
            json_value_append(changed, v->key, same ? text : v, a);
        placed = placed || same;
    }
    if (!placed)
        json_value_append(changed, key, text, a);
    struct buf out = BUF_INIT;
    json_value_print_indented(&out, changed);
    int rc = doctor_copy_aside(rp, path, err);
    if (rc == BD_OK && os_write_file_atomic(path, buf_str(&out), out.size, 0600))
        rc = err_errno(err, "cannot write %s", path);
    buf_release(&out);
    return rc;
}

void doctor_row_aside(struct doctor_repair *rp, const char *table, const char *const *columns,
                      const struct cell *cells, size_t count) {
    struct json_writer w;
    struct arena a = ARENA_INIT;
    json_begin(&w, &rp->rows, JSON_COMPACT);
    json_object(&w);
    json_member_str(&w, "table", table);
    json_key(&w, "row");
    json_object(&w);
    for (size_t i = 0; i < count; i++)
        json_member_str(&w, columns[i], cells[i].kind == CELL_NULL ? NULL : cell_format(&cells[i], &a));
    json_object_end(&w);
    json_object_end(&w);
    json_end(&w);
    buf_add_char(&rp->rows, '\n');
    arena_release(&a);
}

static int write_rows(struct doctor_repair *rp, struct err *err) {
    if (!rp->rows.size)
        return BD_OK;
    int rc = make_aside(rp, err);
    const char *path = rc ? NULL : arena_printf(rp->d->arena, "%s/rows.jsonl", rp->aside);
    if (rc == BD_OK && os_write_file_atomic(path, rp->rows.data, rp->rows.size, 0600))
        rc = err_errno(err, "cannot write the copy of the rows %s", path);
    return rc;
}

/* ---- outcomes ---- */

void doctor_did(struct doctor_repair *rp, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    if (rp->said.size)
        buf_add_char(&rp->said, '\n');
    buf_vaddf(&rp->said, fmt, ap);
    va_end(ap);
}

static struct doctor_outcome *outcome(struct doctor_repair *rp, const struct doctor_result *r, int code,
                                      const char *text) {
    MEM_GROW(rp->outcomes, rp->capacity, rp->count + 1);
    struct doctor_outcome *o = &rp->outcomes[rp->count++];
    *o = (struct doctor_outcome){r, code, arena_strdup(rp->d->arena, text)};
    rp->failed += code != BD_OK;
    rp->done += code == BD_OK && *text;
    return o;
}

static int by_order(const void *x, const void *y) {
    const struct doctor_result *a = *(const struct doctor_result *const *)x,
                               *b = *(const struct doctor_result *const *)y;
    if (a->check->order != b->check->order)
        return a->check->order < b->check->order ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* ---- rows ---- */

struct row_work {
    struct doctor_repair *rp;
    const struct doctor_result *const *chosen;
    size_t count, outcomes_before, failed_before, done_before;
};

static bool is_row_fix(const struct doctor_result *r) { return r->check->fix_rows != NULL; }

static int run_rows(struct tables_txn *x, void *ctx, struct err *err) {
    struct row_work *w = ctx;
    struct doctor_repair *rp = w->rp;
    int rc = BD_OK;
    rp->count = w->outcomes_before; /* a second run starts afresh */
    rp->failed = w->failed_before;
    rp->done = w->done_before;
    buf_clear(&rp->rows);
    for (size_t i = 0; rc == BD_OK && i < w->count; i++) {
        const struct doctor_result *r = w->chosen[i];
        if (!is_row_fix(r))
            continue;
        buf_clear(&rp->said);
        rc = r->check->fix_rows(rp->d, x, rp, err);
        if (rc == BD_OK)
            outcome(rp, r, BD_OK, buf_str(&rp->said));
        else
            err_prefix(err, "%s", r->name);
    }
    return rc == BD_OK ? write_rows(rp, err) : rc;
}

static void repair_rows(struct doctor_repair *rp, const struct doctor_result *const *chosen,
                        size_t count) {
    struct doctor *d = rp->d;
    struct row_work work = {rp, chosen, count, rp->count, rp->failed, rp->done};
    const struct doctor_result *first = NULL;
    struct buf names = BUF_INIT;
    struct err err = ERR_INIT;
    int rc;
    for (size_t i = 0; i < count; i++)
        if (is_row_fix(chosen[i])) {
            buf_addf(&names, "%s%s", first ? ", " : "", chosen[i]->name);
            first = first ? first : chosen[i];
        }
    if (!first)
        return;
    struct tables_write w = {
        /* what others left uncommitted stays so */
        .mode = d->options.commit_mode == TABLES_COMMIT ? TABLES_COMMIT_TABLES : d->options.commit_mode,
        .message = arena_printf(d->arena, "bd: doctor --fix (%s) by %s", buf_str(&names),
                                d->options.actor ? d->options.actor : "unknown"),
    };
    buf_release(&names);
    if (!d->tables)
        rc = err_set(&err, BD_NOT_FOUND, "the database cannot be opened");
    else if (tables_is_read_only(d->tables))
        rc = err_set(&err, BD_READ_ONLY,
                     "the database is only open for reading (see the check Schema Compatibility)");
    else
        rc = tables_write(d->tables, &w, run_rows, &work, &rp->commit, &err);
    if (rc == BD_OK)
        return;
    /* nothing of it was done */
    rp->count = work.outcomes_before;
    rp->failed = work.failed_before;
    rp->done = work.done_before;
    for (size_t i = 0; i < count; i++)
        if (is_row_fix(chosen[i]))
            outcome(rp, chosen[i], rc, err.msg);
}

/* ---- all ---- */

int doctor_repair(struct doctor *d, const struct doctor_result *const *chosen, size_t count,
                  struct doctor_repair *out) {
    const struct doctor_result **sorted = arena_dup(d->arena, chosen, count * sizeof *sorted);
    *out = (struct doctor_repair){.d = d};
    qsort(sorted, count, sizeof *sorted, by_order);
    for (size_t i = 0; i < count; i++) {
        struct err err = ERR_INIT;
        if (!sorted[i]->check->fix)
            continue;
        buf_clear(&out->said);
        int rc = sorted[i]->check->fix(d, out, &err);
        outcome(out, sorted[i], rc, rc == BD_OK ? buf_str(&out->said) : err.msg);
    }
    repair_rows(out, sorted, count);
    return out->failed ? BD_INVALID : BD_OK;
}

void doctor_repair_release(struct doctor_repair *rp) {
    free(rp->outcomes);
    buf_release(&rp->said);
    buf_release(&rp->rows);
    rp->outcomes = NULL;
    rp->count = rp->capacity = 0;
}
