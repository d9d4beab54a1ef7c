/* Does the database open, is its schema known, and does it belong to this project? */
#include "doctor/families.h"

#include "base/os.h"
#include "base/version.h"
#include "bd/ops/uuid.h"
#include "bd/workspace/setup.h"
#include "schema/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_server(const struct doctor *d) {
    return d->ws->mode && strcmp(d->ws->mode, "server") == 0;
}

/* ---- opening ---- */

static int compare_versions(const char *x, const char *y) {
    for (int i = 0; i < 3; i++) {
        char *xe, *ye;
        long a = strtol(x, &xe, 10), b = strtol(y, &ye, 10);
        if (a != b)
            return a < b ? -1 : 1;
        x = *xe == '.' ? xe + 1 : xe;
        y = *ye == '.' ? ye + 1 : ye;
    }
    return 0;
}

void database_opens(struct doctor *d, struct doctor_result *r) {
    if (!d->x) {
        const char *old[DOCTOR_SAMPLE];
        size_t sqlite = d->open_error.code ? 0 : doctor_sqlite_files(d, old);
        if (sqlite) {
            doctor_bad(d, r, "Still in the SQLite form of an old release: %s",
                       doctor_sample(d, old, sqlite));
            doctor_hint(d, r,
                        "Run 'bd migrate --to-dolt --dry-run', then 'bd migrate --to-dolt'; the old "
                        "file is kept");
        } else if (d->open_error.code == BD_OK) {
            const char **others;
            bool misnamed = d->ws->data_dir && *d->ws->data_dir &&
                            doctor_databases(d, d->ws->data_dir, &others) > 0;
            doctor_bad(d, r, "No dolt database found");
            doctor_detail(d, r, "Looked for %s", d->ws->database_dir ? d->ws->database_dir : "(none)");
            doctor_hint(d, r,
                        misnamed ? "There is another one: see the check Database Config below"
                                 : "Run 'bd bootstrap --dry-run' to see from where the data can be "
                                   "brought back, then 'bd "
                                   "bootstrap'. 'bd init' is for new projects only");
        } else {
            doctor_bad(d, r, is_server(d) ? "Server mode" : "Unable to open database");
            doctor_detail(d, r, "%s", d->open_error.msg);
            if (d->open_error.code == BD_CORRUPT)
                doctor_hint(d, r, "See the check Database Integrity below");
            else if (d->open_error.code == BD_TOO_NEW)
                doctor_hint(d, r, "Install a newer bd");
            else if (!is_server(d))
                doctor_hint(d, r, "Run 'bd where' to see which database is meant");
        }
        return;
    }
    const char *v = doctor_meta(d, d->x, "local_metadata", "bd_version");
    r->detail = arena_printf(d->arena, "Storage: Dolt (%s)", d->ws->database_dir);
    if (!*v) {
        doctor_ok(d, r, "bd_version not yet stamped");
    } else if (compare_versions(v, BD_VERSION) == 0) {
        doctor_ok(d, r, "version %s", v);
    } else if (compare_versions(v, BD_VERSION) > 0) {
        doctor_warn(d, r, "version %s (CLI: %s)", v, BD_VERSION);
        doctor_hint(d, r, "A newer bd wrote here: install it, so that all use the same");
    } else {
        doctor_warn(d, r, "version %s (CLI: %s)", v, BD_VERSION);
        doctor_offer(d, r, "note the new version in this clone");
    }
}

int database_version_fix(struct doctor *d, struct tables_txn *x, struct doctor_repair *rp,
                         struct err *err) {
    static const char *const columns[] = {"key", "value"};
    struct cell cells[] = {cell_text("bd_version"), cell_text(BD_VERSION)};
    const char *v = doctor_meta(d, x, "local_metadata", "bd_version");
    if (!tables_has_table(x, "local_metadata") || compare_versions(v, BD_VERSION) >= 0)
        return BD_OK;
    int rc = tables_insert(x, "local_metadata", columns, cells, 2, TABLES_INSERT_REPLACE, NULL, err);
    if (rc == BD_OK)
        doctor_did(rp, "Noted version %s", BD_VERSION);
    return rc;
}

void database_connection(struct doctor *d, struct doctor_result *r) {
    if (is_server(d)) {
        doctor_bad(d, r, "This bd cannot talk to a Dolt server yet");
        doctor_detail(d, r, "%s", d->open_error.msg);
        doctor_hint(d, r,
                    "Use the bd that set the server up, or open its database directly: bd --db DIR …");
        return;
    }
    if (d->x)
        doctor_ok(d, r, "Opened in this process, no server needed");
    else
        doctor_ok(d, r, "N/A (see Database)");
}

void database_format(struct doctor *d, struct doctor_result *r) {
    const char *dir = doctor_path(d, "dolt/.dolt");
    if (os_is_dir(dir) && !os_exists(doctor_path(d, "dolt/.bd-dolt-ok")) &&
        strstr(d->ws->data_dir ? d->ws->data_dir : "", "/dolt")) {
        doctor_warn(d, r, "Dolt database from pre-0.56 bd version (missing .bd-dolt-ok marker)");
        doctor_detail(d, r, "Path: %s", dir);
        doctor_hint(d, r, "Run 'bd migrate' to bring it up to date");
        return;
    }
    doctor_ok(d, r, d->ws->has_database ? "Compatible dolt database" : "N/A (no dolt database)");
}

/* ---- schema ---- */

static const char *const required[] = {"issues", "dependencies", "labels", "comments",
                                       "events", "config",       NULL};
static const char *const local[] = {"local_metadata",    "repo_mtimes", "wisps",         "wisp_labels",
                                    "wisp_dependencies", "wisp_events", "wisp_comments", NULL};

static const char *missing(struct doctor *d, const char *const *names) {
    struct buf b = BUF_INIT;
    for (size_t i = 0; names[i]; i++)
        if (!tables_has_table(d->x, names[i]))
            buf_addf(&b, "%s%s", b.size ? ", " : "", names[i]);
    const char *text = b.size ? arena_strndup(d->arena, b.data, b.size) : NULL;
    buf_release(&b);
    return text;
}

void database_schema(struct doctor *d, struct doctor_result *r) {
    struct schema_state s;
    struct err err = ERR_INIT;
    if (doctor_no_store(d, r))
        return;
    if (schema_check(d->tables, &s, &err)) {
        doctor_bad(d, r, "Database schema is incomplete or incompatible");
        doctor_detail(d, r, "%s", err.msg);
        doctor_hint(d, r, "Run 'bd doctor --deep' to see what is damaged");
    } else if (!s.is_tracker) {
        doctor_bad(d, r, "Not a tracker's database: it has no table of issues");
        doctor_detail(d, r, "%s", d->ws->database_dir);
        doctor_hint(d, r,
                    "Run 'bd where' to see which database is meant, 'bd vc log' to see what it holds");
    } else if (s.too_new) {
        doctor_warn(d, r, "Schema %d is newer than this bd knows (%d): reading only", s.main_version,
                    SCHEMA_MAIN_VERSION);
        doctor_hint(d, r, "Install the bd that your colleagues use");
    } else if (s.needs_migration && s.local_only) {
        doctor_warn(d, r, "The tables that every clone keeps for itself are missing or old (%d of %d)",
                    s.ignored_version, SCHEMA_IGNORED_VERSION);
        doctor_offer(d, r, "make them");
    } else if (s.needs_migration) {
        doctor_ok(d, r, "Schema %d (this bd knows %d; works as it is)", s.main_version,
                  SCHEMA_MAIN_VERSION);
        doctor_detail(
            d, r,
            "'bd migrate' brings it up to date; colleagues with an older bd could then only read it");
    } else {
        doctor_ok(d, r, "Schema %d, up to date", s.main_version);
    }
}

int database_schema_fix(struct doctor *d, struct doctor_repair *rp, struct err *err) {
    struct schema_state s;
    struct schema_migration options = {.dry_run = false};
    struct schema_migrated done;
    if (!d->tables)
        return BD_OK;
    int rc = schema_check(d->tables, &s, err);
    if (rc || !s.is_tracker || s.too_new || !s.needs_migration || !s.local_only)
        return rc; /* a committed schema changes only through bd migrate */
    rc = schema_migrate(d->tables, &options, &done, err);
    if (rc == BD_OK && done.ignored_applied)
        doctor_did(rp, "Made the clone's own tables (%d steps)", done.ignored_applied);
    return rc;
}

void database_tables(struct doctor *d, struct doctor_result *r) {
    if (doctor_no_store(d, r))
        return;
    const char *gone = missing(d, required), *own = missing(d, local);
    if (gone) {
        doctor_bad(d, r, "Missing tables: [%s]", gone);
        doctor_hint(d, r,
                    "Run 'bd vc log' to see when they went; 'bd where' shows whether this is the right "
                    "database");
    } else if (own && tables_has_column(d->x, "issues", "is_blocked")) {
        doctor_warn(d, r, "Missing local tables: [%s]", own);
        doctor_hint(d, r, "Run 'bd migrate schema'");
    } else {
        doctor_ok(d, r, "All required tables present");
    }
}

/* ---- identity ---- */

void database_identity(struct doctor *d, struct doctor_result *r) {
    const char *ours = d->ws->project_id ? d->ws->project_id : "";
    if (doctor_no_store(d, r))
        return;
    if (d->ws->direct || d->ws->database_given) {
        doctor_ok(d, r, "N/A (--db names the database)");
        return;
    }
    const char *theirs = doctor_meta(d, d->x, "metadata", "_project_id");
    if (*ours && *theirs && strcmp(ours, theirs) != 0) {
        doctor_bad(d, r, "Project ID mismatch: metadata.json=%s, database=%s", ours, theirs);
        doctor_detail(d, r,
                      "The settings and the database belong to different projects; nothing is written");
        doctor_hint(d, r,
                    "Run 'bd where': do BEADS_DIR, --db or a redirect lead into another project? If "
                    "the database is the "
                    "right one, restore metadata.json from git");
        return;
    }
    if (*ours && *theirs) {
        doctor_ok(d, r, "project_id: %s", ours);
        return;
    }
    doctor_warn(d, r, "Missing project_id in: %s%s%s", *ours ? "" : "metadata.json",
                *ours || *theirs ? "" : ", ", *theirs ? "" : "database");
    doctor_detail(d, r, "Without it a database of another project cannot be told from this one");
    if (d->ws->has_metadata)
        doctor_offer(d, r, "write it to both");
    else
        doctor_hint(d, r, "First mend metadata.json (see Metadata Config)");
}

/* metadata.json gets the database's id, or a fresh one; then the database gets that of metadata.json.
 */
int database_identity_fix(struct doctor *d, struct doctor_repair *rp, struct err *err) {
    struct metadata m;
    char fresh[UUID_TEXT_SIZE];
    int rc = d->x ? metadata_load(d->ws->beads_dir, d->arena, &m, err) : BD_OK;
    if (rc || !d->x || *m.project_id)
        return rc;
    const char *id = doctor_meta(d, d->x, "metadata", "_project_id");
    uuid_v4(fresh);
    if (!*id)
        id = fresh;
    rc = doctor_set_metadata(rp, "project_id", id, err);
    if (rc == BD_OK)
        doctor_did(rp, "Wrote project_id %s to metadata.json", id);
    return rc;
}

int database_identity_fix_rows(struct doctor *d, struct tables_txn *x, struct doctor_repair *rp,
                               struct err *err) {
    static const char *const columns[] = {"key", "value"};
    struct metadata m;
    int rc = metadata_load(d->ws->beads_dir, d->arena, &m, err);
    if (rc || !*m.project_id || *doctor_meta(d, x, "metadata", "_project_id"))
        return rc;
    struct cell cells[] = {cell_text("_project_id"), cell_text(m.project_id)};
    rc = tables_insert(x, "metadata", columns, cells, 2, TABLES_INSERT_IGNORE, NULL, err);
    if (rc == BD_OK)
        doctor_did(rp, "Wrote project_id %s to the database", m.project_id);
    return rc;
}

/* ---- which repository ---- */

static const char *project_of(const struct doctor *d) {
    return d->ws->project_dir && *d->ws->project_dir ? d->ws->project_dir : d->path;
}

void database_fingerprint(struct doctor *d, struct doctor_result *r) {
    if (doctor_no_store(d, r))
        return;
    const char *current = d->ws->direct ? NULL : setup_repo_id(project_of(d), d->arena);
    const char *stored = doctor_meta(d, d->x, "metadata", "repo_id");
    if (!current) {
        doctor_ok(d, r, "N/A (not a git repository)");
    } else if (!*stored) {
        doctor_warn(d, r, "Missing repo fingerprint metadata");
        doctor_offer(d, r, "write it");
    } else if (strcmp(stored, current) == 0) {
        doctor_ok(d, r, "Verified (%.8s)", current);
    } else if (*d->ws->project_id &&
               strcmp(d->ws->project_id, doctor_meta(d, d->x, "metadata", "_project_id")) == 0) {
        /* the project's id proves that they belong together */
        doctor_ok(d, r,
                  "Made before the repository moved or got its remote (stored %.8s, current %.8s)",
                  stored, current);
        doctor_detail(d, r, "'bd migrate --update-repo-id' writes the present one");
    } else {
        doctor_bad(d, r, "Database belongs to different repository");
        doctor_detail(d, r, "stored: %.8s, current: %.8s", stored, current);
        doctor_hint(
            d, r,
            "Run 'bd where'. If the repository only moved or changed its URL: 'bd migrate "
            "--update-repo-id'. If "
            "the database came from another project, move it out of the way and run 'bd bootstrap'");
    }
}

int database_fingerprint_fix(struct doctor *d, struct tables_txn *x, struct doctor_repair *rp,
                             struct err *err) {
    static const char *const columns[] = {"key", "value"};
    const char *current = setup_repo_id(project_of(d), d->arena);
    if (!current || *doctor_meta(d, x, "metadata", "repo_id"))
        return BD_OK;
    struct cell cells[] = {cell_text("repo_id"), cell_text(current)};
    int rc = tables_insert(x, "metadata", columns, cells, 2, TABLES_INSERT_IGNORE, NULL, err);
    if (rc == BD_OK)
        doctor_did(rp, "Wrote repo_id %.8s…", current);
    return rc;
}

/* ---- content ---- */

void database_count(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    if (!s)
        return;
    if (s->wisp_count)
        doctor_ok(d, r, "%zu issues, %zu wisps", s->issue_count, s->wisp_count);
    else
        doctor_ok(d, r, "%zu issues", s->issue_count);
}

void database_status(struct doctor *d, struct doctor_result *r) {
    struct tables_status *list;
    struct err err = ERR_INIT;
    size_t n, shown = 0;
    if (doctor_no_store(d, r))
        return;
    if (tables_status(d->tables, d->arena, &list, &n, &err)) {
        doctor_warn(d, r, "Could not read what is uncommitted");
        doctor_detail(d, r, "%s", err.msg);
        return;
    }
    const char **names = arena_alloc(d->arena, (n + 1) * sizeof *names);
    bool issues = false;
    for (size_t i = 0; i < n; i++) {
        if (list[i].ignored)
            continue;
        issues = issues || strcmp(list[i].table, "config") != 0;
        names[shown++] = list[i].table;
    }
    if (!shown) {
        doctor_ok(d, r, "Clean working set");
    } else if (d->options.commit_mode != TABLES_COMMIT || !issues) {
        doctor_ok(d, r, "%zu uncommitted change(s): %s", shown, doctor_sample(d, names, shown));
        doctor_detail(d, r, "They go into the next commit ('bd dolt commit' makes one now)");
    } else {
        doctor_warn(d, r, "%zu uncommitted change(s)", shown);
        doctor_detail(d, r, "Changed: %s", doctor_sample(d, names, shown));
        doctor_hint(d, r, "Run 'bd dolt commit'; otherwise they go into the next commit");
    }
}

void database_locks(struct doctor *d, struct doctor_result *r) {
    doctor_ok(d, r, "See Dolt Status and File Locking");
}

void database_phantoms(struct doctor *d, struct doctor_result *r) {
    const char **names, *broken[DOCTOR_SAMPLE];
    size_t found = 0;
    if (d->ws->direct || !d->ws->data_dir || !*d->ws->data_dir) {
        doctor_ok(d, r, "N/A (one database)");
        return;
    }
    size_t n = doctor_databases(d, d->ws->data_dir, &names);
    for (size_t i = 0; i < n; i++) {
        if (os_exists(arena_printf(d->arena, "%s/%s/.dolt/noms/manifest", d->ws->data_dir, names[i])))
            continue;
        if (found < DOCTOR_SAMPLE)
            broken[found] = names[i];
        found++;
    }
    if (!found) {
        doctor_ok(d, r, n > 1 ? "%zu databases, none empty" : "No phantom databases detected", n);
        return;
    }
    doctor_warn(d, r, "%zu directory(ies) that look like a database and hold none: %s", found,
                doctor_sample(d, broken, found));
    doctor_detail(d, r, "In %s", d->ws->data_dir);
    doctor_hint(d, r, "Look into them; an interrupted creation or copy leaves such a directory behind");
}
