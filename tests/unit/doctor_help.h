/* What tests of the doctor share: a workspace in a scratch folder, its rows, and examining it. */
#ifndef TESTS_UNIT_DOCTOR_HELP_H
#define TESTS_UNIT_DOCTOR_HELP_H

#include "base/datetime.h"
#include "base/os.h"
#include "base/version.h"
#include "doctor/doctor.h"
#include "schema/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DOCTOR_PROJECT "6a0e3f7e-0000-4000-8000-000000000001"

struct clinic {
    char project[320], beads[340], database[400];
    struct arena arena;
    struct workspace ws;
    struct config config;
    struct tables *tables;
    struct doctor d;
};

/* Two hours later, so that files made now are old. */
static int64_t doctor_later(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return ((int64_t)t.tv_sec + 7200) * MICROS_PER_SECOND;
}

static int doctor_put_file(const struct clinic *c, const char *name, const char *text) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", c->beads, name);
    return os_write_file_atomic(path, text, strlen(text), 0600);
}

static inline bool doctor_has_file(const struct clinic *c, const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", c->beads, name);
    return os_exists(path);
}

/* A healthy workspace without git: settings, database, no issues. */
static int doctor_make(struct clinic *c, const char *project, struct err *err) {
    static const struct tables_identity author = {"beads", "beads@local"};
    static const struct schema_pair metadata[] = {{"_project_id", DOCTOR_PROJECT}};
    static const struct schema_pair local[] = {{"bd_version", BD_VERSION}};
    struct metadata m = {"dolt", "dolt", "embedded", "t", DOCTOR_PROJECT, "", "", "", "", 0};
    char data[380];
    bool tightened;
    *c = (struct clinic){.arena = ARENA_INIT};
    snprintf(c->project, sizeof c->project, "%s", project);
    snprintf(c->beads, sizeof c->beads, "%s/.beads", project);
    snprintf(data, sizeof data, "%s/embeddeddolt", c->beads);
    snprintf(c->database, sizeof c->database, "%s/t", data);
    (void)tightened;
    if (os_mkdir(c->beads, 0700) || os_mkdir(data, 0700) || os_fsync_dir(project) ||
        os_fsync_dir(c->beads))
        return err_errno(err, "cannot make %s", c->beads);
    int rc = tables_create_embedded(c->database, "main", &author, err);
    struct tables_open o = {.dir = c->database};
    struct tables *t = NULL;
    if (rc == BD_OK)
        rc = tables_open_embedded(&t, &o, err);
    struct schema_init init = {.issue_prefix = "t",
                               .metadata = metadata,
                               .metadata_count = 1,
                               .local_metadata = local,
                               .local_metadata_count = 1};
    if (rc == BD_OK)
        rc = schema_create(t, &init, err);
    if (t)
        tables_close(t);
    return rc == BD_OK ? metadata_save(c->beads, &m, err) : rc;
}

static int doctor_start(struct clinic *c, struct err *err) {
    struct workspace_request rq = {.start_dir = c->project};
    struct tables_open o = {.dir = c->database};
    int rc = workspace_find(&rq, &c->arena, &c->ws, err);
    if (rc)
        return rc;
    config_init(&c->config, &c->arena, c->ws.beads_dir);
    c->tables = NULL;
    c->d = (struct doctor){.arena = &c->arena,
                           .options = {.actor = "tester", .commit_mode = TABLES_COMMIT},
                           .path = c->project,
                           .ws = &c->ws,
                           .config = &c->config};
    if (c->ws.has_database)
        rc = tables_open_embedded(&c->tables, &o, &c->d.open_error);
    c->d.tables = rc == BD_OK ? c->tables : NULL;
    doctor_begin(&c->d);
    return BD_OK;
}

static void doctor_stop(struct clinic *c) {
    doctor_end(&c->d);
    if (c->tables)
        tables_close(c->tables);
    c->tables = NULL;
    config_release(&c->config);
}

static void doctor_free(struct clinic *c) { arena_release(&c->arena); }

static inline const struct doctor_result *doctor_result_of(const struct clinic *c, const char *name) {
    for (size_t i = 0; i < c->d.count; i++)
        if (strcmp(c->d.results[i].name, name) == 0)
            return &c->d.results[i];
    return NULL;
}

/* Fixes everything that the last run would. */
static int doctor_fix_all(struct clinic *c, struct doctor_repair *rp) {
    const struct doctor_result **chosen = arena_alloc(&c->arena, (c->d.count + 1) * sizeof *chosen);
    size_t n = 0;
    for (size_t i = 0; i < c->d.count; i++)
        if (c->d.results[i].fixable)
            chosen[n++] = &c->d.results[i];
    return doctor_repair(&c->d, chosen, n, rp);
}

/* ---- rows, past all rules ---- */

struct doctor_rows {
    int (*fill)(struct tables_txn *x, void *ctx, struct err *err);
    void *ctx;
};

static int doctor_rows_in(struct tables_txn *x, void *ctx, struct err *err) {
    struct doctor_rows *w = ctx;
    tables_set_foreign_key_checks(x, false);
    return w->fill(x, w->ctx, err);
}

static int doctor_write(struct clinic *c, int (*fill)(struct tables_txn *, void *, struct err *),
                        void *ctx, struct err *err) {
    struct doctor_rows w = {fill, ctx};
    struct tables_write how = {.mode = TABLES_COMMIT, .message = "test"};
    struct tables_open o = {.dir = c->database};
    struct tables *t;
    int rc = tables_open_embedded(&t, &o, err);
    if (rc == BD_OK) {
        rc = tables_write(t, &how, doctor_rows_in, &w, NULL, err);
        tables_close(t);
    }
    return rc;
}

static int put_issue(struct tables_txn *x, const char *table, const char *id, const char *title,
                     const char *status, bool blocked, struct err *err) {
    static const char *const columns[] = {
        "id",     "title",    "description", "design",     "acceptance_criteria", "notes",
        "status", "priority", "issue_type",  "created_at", "updated_at",          "is_blocked"};
    struct cell cells[] = {cell_text(id),
                           cell_text(title),
                           cell_text(""),
                           cell_text(""),
                           cell_text(""),
                           cell_text(""),
                           cell_text(status),
                           cell_int(2),
                           cell_text("task"),
                           cell_datetime(INT64_C(1767323045000000)),
                           cell_datetime(INT64_C(1767323046000000)),
                           cell_bool(blocked)};
    return tables_insert(x, table, columns, cells, 12, 0, NULL, err);
}

static int put_edge(struct tables_txn *x, const char *from, const char *to, const char *type,
                    struct err *err) {
    static const char *const columns[] = {"id", "issue_id", "depends_on_issue_id", "type",
                                          "created_by"};
    char id[64];
    snprintf(id, sizeof id, "%.12s-%.12s-%.8s", from, to, type);
    struct cell cells[] = {cell_text(id), cell_text(from), cell_text(to), cell_text(type),
                           cell_text("tester")};
    return tables_insert(x, "dependencies", columns, cells, 5, 0, NULL, err);
}

#endif
