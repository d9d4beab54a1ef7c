/*
 * The migration itself, in the order that survives a kill at any moment: lock, check the old file,
 * backup, build aside, compare, publish by rename, and metadata.json last.
 */
#include "migrate/legacy.h"
#include "migrate/migrate.h"
#include "migrate/source.h"

#include "base/os.h"
#include "base/version.h"
#include "bd/ops/db_config.h"
#include "bd/ops/uuid.h"
#include "bd/workspace/setup.h"
#include "bd/workspace/workspace.h"
#include "schema/schema.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <unistd.h>

#define BUILDING_PREFIX ".bd-migrate-"
#define MARK_KEY "migrated_from_sqlite"

struct job {
    const struct migrate_request *rq;
    struct arena *a;
    struct migrate_result *out;
    struct err *err;
    struct metadata metadata;
    bool has_metadata;
    struct legacy legacy;
    const char *data_dir, *building, *project_id;
    const char *aside; /* an empty database to be put out of the way, or NULL */
    int lock_fd, source_fd;
    struct schema schemas[LEGACY_TARGETS]; /* of the new tables */
    const struct schema *schema_of[LEGACY_TARGETS];
    struct legacy_cursor *rows;
    bool batch_begun, at_end;
    uint64_t written[LEGACY_TARGETS];
};

/* What a transaction shall take in memory, about a third of what it does; and an entry of one of its
 * trees. */
#define BATCH_BYTES ((size_t)64 << 20)
#define ENTRY_BYTES ((size_t)120)
/* Rows compared through one connection, which keeps what it has read. */
#define COMPARED_AT_ONCE 20000

/* ---- directories ---- */

/* Removes a directory that an interrupted run left behind, or this one after an error. */
static int remove_tree(const char *path, struct arena *a) {
    DIR *d = opendir(path);
    int rc = d ? 0 : -1;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        const char *p = arena_printf(a, "%s/%s", path, e->d_name);
        struct stat st;
        bool link = lstat(p, &st) == 0 && S_ISLNK(st.st_mode);
        rc |= !link && os_is_dir(p) ? remove_tree(p, a) : os_unlink(p);
    }
    if (d)
        closedir(d);
    return os_rmdir(path) || rc ? -1 : 0;
}

/* What a run that was killed left behind. The lock is ours, and nobody else makes such names. */
static void remove_leftovers(struct job *j) {
    const char *dirs[] = {j->data_dir, j->rq->beads_dir};
    for (size_t i = 0; i < 2; i++) {
        DIR *d = opendir(dirs[i]);
        for (struct dirent *e; d && (e = readdir(d));) {
            if (strncmp(e->d_name, BUILDING_PREFIX, sizeof BUILDING_PREFIX - 1) != 0)
                continue;
            const char *p = arena_printf(j->a, "%s/%s", dirs[i], e->d_name);
            if (os_is_dir(p))
                remove_tree(p, j->a);
            else
                os_unlink(p);
        }
        if (d)
            closedir(d);
    }
}

static int lock_data(struct job *j) {
    if (os_mkdir(j->data_dir, 0700) && errno != EEXIST)
        return err_errno(j->err, "cannot create %s", j->data_dir);
    if (os_fsync_dir(j->rq->beads_dir)) /* a run that was killed may not have come so far */
        return err_errno(j->err, "cannot sync %s", j->rq->beads_dir);
    j->lock_fd = os_open(arena_printf(j->a, "%s/.lock", j->data_dir), O_RDWR | O_CREAT, 0600);
    if (j->lock_fd < 0)
        return err_errno(j->err, "cannot create the lock in %s", j->data_dir);
    if (os_flock(j->lock_fd, LOCK_EX | LOCK_NB))
        return err_set(j->err, BD_BUSY,
                       "another process is making a database in %s; wait for it, then run this again",
                       j->data_dir);
    return BD_OK;
}

static int choose_name(struct job *j, const char *prefix) {
    const char *given = j->rq->database;
    if (!given || !*given)
        given = j->has_metadata ? j->metadata.dolt_database : "";
    if (!*given) {
        bool letter = isalpha((unsigned char)*prefix) || *prefix == '_';
        char *name =
            arena_printf(j->a, "%s%.60s", *prefix && !letter ? "bd_" : "", *prefix ? prefix : "beads");
        for (char *p = name; *p; p++)
            *p = isalnum((unsigned char)*p) ? *p : '_';
        given = name;
    }
    j->out->database = given;
    j->out->database_dir = arena_printf(j->a, "%s/%s", j->data_dir, given);
    if (strchr(given, '/') || *given == '.')
        return err_set(
            j->err, BD_INVALID,
            "%s/metadata.json names the database \"%s\", which is no name of a directory; nothing "
            "was changed. Put it right and run this again",
            j->rq->beads_dir, given);
    return BD_OK;
}

/* ---- writing ---- */

struct writer {
    struct job *j;
    struct tables_txn *x;
    struct tables_bulk *bulks[LEGACY_TARGETS];
};

/* Few rows, some of which are there already. */
static bool goes_alone(enum legacy_target t) { return t >= LEGACY_REPO_MTIMES; }

static int put_alone(struct tables_txn *x, const char *table, const struct schema *s,
                     const struct cell *cells, struct err *err) {
    const char *columns[64];
    bool inserted;
    if (s->column_count > 64)
        return err_set(err, BD_UNSUPPORTED, "table %s has too many columns", table);
    for (size_t i = 0; i < s->column_count; i++)
        columns[i] = s->columns[i].name;
    return tables_insert(x, table, columns, cells, s->column_count, TABLES_INSERT_REPLACE, &inserted,
                         err);
}

/* Settings that fill tables of their own are set, the others only stored. */
static int put_config(struct writer *w, const struct schema *s, const struct cell *cells,
                      struct err *err) {
    struct arena a = ARENA_INIT;
    const char *key = cell_format(&cells[schema_column(s, "key")], &a),
               *value = cell_format(&cells[schema_column(s, "value")], &a);
    int rc = BD_INVALID;
    if (key && value && (strcmp(key, "status.custom") == 0 || strcmp(key, "types.custom") == 0))
        rc = db_config_set(w->x, key, value, NULL);
    if (rc)
        rc = put_alone(w->x, "config", s, cells, err);
    arena_release(&a);
    return rc;
}

static int write_row(struct writer *w, enum legacy_target t, const struct cell *cells,
                     struct err *err) {
    struct job *j = w->j;
    const char *name = legacy_target_names[t];
    int rc = t == LEGACY_CONFIG ? put_config(w, j->schema_of[t], cells, err)
             : goes_alone(t)    ? put_alone(w->x, name, j->schema_of[t], cells, err)
                                : tables_bulk_add(w->bulks[t], cells, err);
    j->written[t]++;
    return rc == BD_OK ? BD_OK : err_prefix(err, "table %s", name);
}

static size_t row_size(const struct schema *s, const struct cell *cells) {
    size_t size = s->column_count * sizeof(uint64_t) + (1 + s->index_count) * ENTRY_BYTES;
    for (size_t i = 0; i < s->column_count; i++)
        size += cell_has_text(&cells[i]) ? cells[i].s.size : 0;
    return size;
}

static int put_pair(struct tables_txn *x, const char *table, const char *key, const char *value,
                    struct err *err) {
    static const char *const columns[] = {"key", "value"};
    struct cell row[] = {cell_text(key), cell_text(value)};
    bool inserted;
    return tables_insert(x, table, columns, row, 2, TABLES_INSERT_REPLACE, &inserted, err);
}

static int find_schemas(struct job *j, struct tables *t) {
    struct tables_txn *x;
    int rc = tables_read_begin(t, &x, j->err);
    if (rc)
        return rc;
    for (int i = 0; rc == BD_OK && i < LEGACY_TARGETS; i++) {
        const struct schema *s;
        rc = tables_schema(x, legacy_target_names[i], &s, j->err);
        if (rc == BD_OK)
            schema_copy(s, j->a, &j->schemas[i]);
        j->schema_of[i] = &j->schemas[i];
    }
    tables_read_end(x);
    return rc;
}

static int begin_bulks(struct writer *w, struct err *err) {
    int rc = BD_OK;
    for (int t = 0; rc == BD_OK && t < LEGACY_TARGETS; t++) {
        const char *columns[256];
        const struct schema *s = w->j->schema_of[t];
        for (size_t i = 0; i < s->column_count && i < 256; i++)
            columns[i] = s->columns[i].name;
        if (!goes_alone((enum legacy_target)t))
            rc = tables_bulk_begin(w->x, legacy_target_names[t], columns, s->column_count, 0,
                                   &w->bulks[t], err);
    }
    return rc;
}

/* The next rows of the file, as many as a transaction shall have. */
static int write_batch(struct tables_txn *x, void *ctx, struct err *err) {
    struct job *j = ctx;
    struct writer w = {.j = j, .x = x};
    size_t most = j->rq->batch_bytes ? (size_t)j->rq->batch_bytes : BATCH_BYTES;
    if (j->batch_begun) /* it would run again only if somebody else had written */
        return err_set(err, BD_BUSY, "another program writes in %s; run this again", j->building);
    j->batch_begun = true;
    tables_set_foreign_key_checks(x, false); /* the cursor gives rows of known issues only */
    int rc = begin_bulks(&w, err);
    for (size_t size = 0; rc == BD_OK && size < most;) {
        enum legacy_target t;
        const struct cell *cells;
        rc = legacy_cursor_next(j->rows, &t, &cells, err);
        if (rc == BD_OK)
            rc = write_row(&w, t, cells, err);
        if (rc == BD_OK)
            size += row_size(j->schema_of[t], cells);
    }
    j->at_end = rc == BD_DONE;
    rc = rc == BD_DONE ? BD_OK : rc;
    for (int t = 0; t < LEGACY_TARGETS; t++) {
        struct tables_bulk *b = w.bulks[t];
        if (rc == BD_OK && b) {
            rc = tables_bulk_end(b, NULL, err);
            if (rc)
                err_prefix(err, "table %s", legacy_target_names[t]);
        } else {
            tables_bulk_drop(b);
        }
    }
    tables_set_foreign_key_checks(x, true);
    return rc;
}

static int write_end(struct tables_txn *x, void *ctx, struct err *err) {
    struct job *j = ctx;
    tables_set_message(x, arena_printf(j->a, "Migrate from SQLite: %" PRIu64 " issues imported",
                                       j->written[LEGACY_ISSUES] + j->written[LEGACY_WISPS]));
    return put_pair(x, "config", "sync.mode", "dolt-native", err);
}

/* One transaction in a connection of its own, which keeps nothing of it in memory. */
static int in_transaction(struct job *j, enum tables_commit_mode mode, tables_write_fn fn) {
    struct tables *t;
    struct tables_write w = {.mode = mode, .author = {j->rq->author, j->rq->email}};
    int rc = tables_open_embedded(&t, &(struct tables_open){.dir = j->building}, j->err);
    if (rc)
        return rc;
    j->batch_begun = false;
    rc = tables_write(t, &w, fn, j, NULL, j->err);
    tables_close(t);
    mem_give_back();
    return rc;
}

static int build(struct job *j) {
    static const struct tables_identity maker = {"beads", "beads@local"};
    struct tables_identity author = {j->rq->author, j->rq->email};
    struct schema_pair metadata[3], local[] = {{"bd_version", BD_VERSION}, {MARK_KEY, "1"}};
    size_t n = 0;
    struct tables *t;
    const char *slash = strrchr(j->out->source, '/');
    local[1].value = slash ? slash + 1 : j->out->source;
    metadata[n++] = (struct schema_pair){"_project_id", j->project_id};
    if (j->rq->repo_id)
        metadata[n++] = (struct schema_pair){"repo_id", j->rq->repo_id};
    if (j->rq->clone_id)
        metadata[n++] = (struct schema_pair){"clone_id", j->rq->clone_id};
    struct schema_init init = {.metadata = metadata,
                               .metadata_count = n,
                               .local_metadata = local,
                               .local_metadata_count = 2,
                               .author = author};
    int rc = tables_create_embedded(j->building, "main", &maker, j->err);
    if (rc)
        return rc;
    rc = tables_open_embedded(&t, &(struct tables_open){.dir = j->building}, j->err);
    if (rc)
        return rc;
    rc = schema_create(t, &init, j->err);
    if (rc == BD_OK)
        rc = find_schemas(j, t);
    tables_close(t);
    if (rc)
        return rc;
    j->rows = legacy_cursor_new(&j->legacy, j->schema_of);
    while (rc == BD_OK && !j->at_end)
        rc = in_transaction(j, TABLES_WORKING, write_batch);
    legacy_cursor_free(j->rows);
    j->rows = NULL;
    return rc ? rc : in_transaction(j, TABLES_COMMIT, write_end);
}

/* ---- comparing ---- */

struct verifier {
    struct job *j;
    struct tables *t;
    struct tables_txn *x;
    struct arena scratch;
    uint64_t rows[LEGACY_TARGETS];
};

static bool equal(const struct cell *x, const struct cell *y) {
    if (cell_has_text(x) && cell_has_text(y))
        return x->s.size == y->s.size && memcmp(x->s.data, y->s.data, x->s.size) == 0;
    return cell_eq(x, y);
}

static int verify_row(struct verifier *v, enum legacy_target t, const struct cell *cells,
                      struct err *err) {
    const struct schema *s = v->j->schema_of[t];
    struct cell key[8], got[256];
    arena_reset(&v->scratch);
    v->rows[t]++;
    for (size_t i = 0; i < s->pk_count && i < 8; i++)
        key[i] = cells[s->pk[i]];
    int rc = tables_get(v->x, legacy_target_names[t], key, s->pk_count, NULL, 0, &v->scratch, got, err);
    if (rc && rc != BD_NOT_FOUND)
        return rc;
    const char *name = cell_format(&key[0], &v->scratch);
    if (rc == BD_NOT_FOUND)
        return err_set(err, BD_CORRUPT,
                       "the new database lacks row %s of table %s; it was not put in place", name,
                       legacy_target_names[t]);
    for (size_t i = 0; i < s->column_count; i++)
        if (!equal(&cells[i], &got[i]) && !(t == LEGACY_CONFIG && strcmp(name, "sync.mode") == 0))
            return err_set(
                err, BD_CORRUPT,
                "column %s of row %s of table %s is not what the old file says; the new database "
                "was not put in place",
                s->columns[i].name, name, legacy_target_names[t]);
    return BD_OK;
}

static int verifier_open(struct verifier *v) {
    struct tables_open open = {.dir = v->j->building, .flags = TABLES_READ_ONLY};
    int rc = tables_open_embedded(&v->t, &open, v->j->err);
    if (rc == BD_OK && (rc = tables_read_begin(v->t, &v->x, v->j->err))) {
        tables_close(v->t);
        v->t = NULL;
    }
    return rc;
}

static void verifier_close(struct verifier *v) {
    if (!v->t)
        return;
    tables_read_end(v->x);
    tables_close(v->t);
    v->t = NULL;
    mem_give_back();
}

static int verify_counts(struct verifier *v) {
    struct err *err = v->j->err;
    int rc = BD_OK;
    for (int i = 0; rc == BD_OK && i < LEGACY_TARGETS; i++) {
        uint64_t count;
        if (i == LEGACY_CONFIG || i == LEGACY_METADATA)
            continue; /* hold rows of a new database too */
        rc = tables_count_all(v->x, legacy_target_names[i], NULL, &count, err);
        if (rc == BD_OK && (count != v->rows[i] || count != v->j->written[i]))
            rc = err_set(err, BD_CORRUPT,
                         "table %s has %" PRIu64 " rows in the new database, the old file %" PRIu64
                         "; it was not put in place",
                         legacy_target_names[i], count, v->rows[i]);
    }
    return rc;
}

static int verify(struct job *j) {
    struct verifier v = {.j = j};
    int rc = verifier_open(&v);
    j->legacy.progress_what = "Comparing";
    struct legacy_cursor *rows = legacy_cursor_new(&j->legacy, j->schema_of);
    for (uint64_t n = 1; rc == BD_OK; n++) {
        enum legacy_target target;
        const struct cell *cells;
        rc = legacy_cursor_next(rows, &target, &cells, j->err);
        if (rc == BD_OK)
            rc = verify_row(&v, target, cells, j->err);
        if (rc == BD_OK && n % COMPARED_AT_ONCE == 0) {
            verifier_close(&v);
            rc = verifier_open(&v);
        }
    }
    legacy_cursor_free(rows);
    rc = rc == BD_DONE ? verify_counts(&v) : rc;
    verifier_close(&v);
    arena_release(&v.scratch);
    return rc;
}

/* ---- publishing ---- */

static int publish(struct job *j) {
    const char *to = j->out->database_dir;
    if (j->aside) {
        const char *slash = strrchr(j->aside, '/');
        const char *old =
            arena_printf(j->a, "%s/.empty-%s-%s", j->data_dir, source_stamp(j->a), slash + 1);
        if (os_rename(j->aside, old) || os_fsync_dir(source_directory(j->aside, j->a)))
            return err_errno(j->err, "cannot move the empty database %s aside", j->aside);
        j->out->set_aside = old;
    }
    if (os_exists(to))
        return err_set(j->err, BD_EXISTS, "%s exists already; nothing was put there", to);
    if (os_rename(j->building, to))
        return err_errno(j->err, "cannot put the new database in its place %s", to);
    if (os_fsync_dir(j->data_dir))
        return err_errno(j->err, "cannot sync %s", j->data_dir);
    return BD_OK;
}

static void add_note(struct job *j, const char *text) {
    struct migrate_result *out = j->out;
    const char **list = arena_alloc(j->a, (out->note_count + 1) * sizeof *list);
    for (size_t i = 0; i < out->note_count; i++)
        list[i] = out->notes[i];
    list[out->note_count++] = text;
    out->notes = list;
}

static int write_metadata(struct job *j) {
    struct metadata *m = &j->metadata;
    if (strcasecmp(m->dolt_mode, "server") == 0)
        add_note(
            j,
            "metadata.json named a local Dolt server that has no data here; it names the new database "
            "now");
    m->database = "dolt";
    m->backend = "dolt";
    m->dolt_mode = "embedded";
    m->dolt_database = j->out->database;
    m->project_id = j->project_id;
    int rc = setup_gitignore(j->rq->beads_dir, j->err);
    return rc ? rc : metadata_save(j->rq->beads_dir, m, j->err);
}

/* ---- a database that is there ---- */

static bool names_database(const struct job *j) {
    return j->has_metadata && strcmp(j->metadata.backend, "dolt") == 0 &&
           strcmp(j->metadata.database, "dolt") == 0 && *j->metadata.dolt_database &&
           strcasecmp(j->metadata.dolt_mode, "server") != 0;
}

static const char *project_of(const char *dir, struct arena *a) {
    static const char *const columns[] = {"value"};
    struct cell key = cell_text("_project_id"), value = cell_null();
    struct tables *t;
    struct tables_txn *x;
    const char *r = "";
    if (tables_open_embedded(&t, &(struct tables_open){.dir = dir, .flags = TABLES_READ_ONLY}, NULL))
        return r;
    if (tables_read_begin(t, &x, NULL) == BD_OK) {
        if (tables_has_table(x, "metadata") &&
            tables_get(x, "metadata", &key, 1, columns, 1, a, &value, NULL) == BD_OK &&
            cell_has_text(&value))
            r = cell_format(&value, a);
        tables_read_end(x);
    }
    tables_close(t);
    return r;
}

static const char *sample_list(const struct legacy_difference *d, struct arena *a) {
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < d->sample_count; i++)
        buf_addf(&b, "%s%s", i ? ", " : "", d->samples[i]);
    const char *r = arena_strdup(a, buf_str(&b));
    buf_release(&b);
    return r;
}

/* BD_DONE: nothing is to be built. BD_OK: it is empty and goes aside. */
static int meet_existing(struct job *j, const char *dir) {
    struct legacy_difference d;
    const char *slash = strrchr(dir, '/');
    int rc = legacy_compare(j->out->source, dir, j->a, &d, j->err);
    if (rc)
        return err_prefix(j->err, "there is a database already (%s)", dir);
    j->out->database = slash ? slash + 1 : dir;
    j->out->database_dir = dir;
    j->out->issues = d.old_issues;
    /* In use for long, an issue or two may have been deleted here since. */
    bool in_use = names_database(j) && d.new_issues && d.missing < d.old_issues;
    if (d.migrated || in_use || (!d.missing && !d.newer && d.new_issues)) {
        j->out->state = names_database(j) ? MIGRATE_CURRENT : MIGRATE_COMPLETED;
        if (d.missing || d.newer)
            add_note(j, arena_printf(j->a,
                                     "%s has %" PRIu64
                                     " issues that the database does not have and %" PRIu64
                                     " that changed there later (%s)",
                                     j->out->source, d.missing, d.newer, sample_list(&d, j->a)));
        if (j->out->state == MIGRATE_CURRENT)
            return BD_DONE;
        const char *id = project_of(dir, j->a);
        j->project_id = *id ? id : j->project_id;
        /* The run that put it there may have been killed before this. */
        if (os_fsync_dir(source_directory(dir, j->a)))
            return err_errno(j->err, "cannot sync %s", source_directory(dir, j->a));
        rc = write_metadata(j);
        return rc ? rc : BD_DONE;
    }
    if (d.new_issues)
        return err_set(
            j->err, BD_EXISTS,
            "%s holds %" PRIu64 " issues already; %s holds %" PRIu64 ", of which %" PRIu64
            " are not there and %" PRIu64 " are newer (%s). Nothing was changed. To join them, "
            "export from the old file with the old bd ('bd export -o old.jsonl') and run 'bd "
            "import old.jsonl'",
            dir, d.new_issues, j->out->source, d.old_issues, d.missing, d.newer, sample_list(&d, j->a));
    j->aside = dir;
    return BD_OK;
}

/* ---- all of it ---- */

static void describe(struct job *j) {
    struct migrate_result *out = j->out;
    out->issues = j->written[LEGACY_ISSUES];
    out->wisps = j->written[LEGACY_WISPS];
    out->tombstones = j->legacy.kinds[LEGACY_TOMBSTONE];
    out->tables = arena_alloc(j->a, LEGACY_TARGETS * sizeof *out->tables);
    for (int t = 0; t < LEGACY_TARGETS; t++)
        if (j->written[t])
            out->tables[out->table_count++] =
                (struct migrate_table){legacy_target_names[t], j->written[t]};
    out->notes = legacy_note_texts(&j->legacy, j->a, &out->note_count);
}

static int make(struct job *j) {
    int rc = source_backup(j->out->source, j->a, &j->out->backup, j->err);
    if (rc)
        return rc;
    j->building = arena_printf(j->a, "%s/" BUILDING_PREFIX "%ld", j->data_dir, (long)getpid());
    /* The empty database in the way may have had another name. */
    rc = choose_name(j, legacy_value(&j->legacy, "config", "issue_prefix"));
    if (rc)
        return rc;
    if (!j->aside && os_exists(j->out->database_dir))
        return err_set(
            j->err, BD_EXISTS,
            "%s exists but holds no database that can be opened; nothing was changed. Look at it "
            "with 'bd doctor', or move it away, then run this again",
            j->out->database_dir);
    j->legacy.progress_what = "Importing";
    rc = build(j);
    if (rc == BD_OK)
        rc = verify(j);
    if (rc == BD_OK)
        rc = publish(j);
    if (rc) {
        if (os_is_dir(j->building))
            remove_tree(j->building, j->a);
        return rc;
    }
    describe(j);
    j->out->state = MIGRATE_DONE;
    return write_metadata(j);
}

static int run(struct job *j) {
    struct err ignored = ERR_INIT;
    char id[UUID_TEXT_SIZE];
    int rc = legacy_find(j->rq->beads_dir, j->a, &j->out->source, j->err);
    if (rc == BD_NOT_FOUND)
        return err_set(j->err, BD_NOT_FOUND, "no SQLite database found in %s", j->rq->beads_dir);
    if (rc)
        return rc;
    rc = metadata_load(j->rq->beads_dir, j->a, &j->metadata, &ignored);
    if (rc && rc != BD_NOT_FOUND)
        return err_set(j->err, rc, "%s", ignored.msg);
    j->has_metadata = rc == BD_OK;
    j->project_id = j->metadata.project_id;
    if (!*j->project_id) {
        uuid_v4(id);
        j->project_id = arena_strdup(j->a, id);
    }
    rc = source_lock(j->out->source, &j->source_fd, j->err);
    if (rc == BD_OK)
        rc = legacy_open(&j->legacy, j->out->source, j->a, j->err);
    if (rc)
        return rc;
    j->legacy.progress = j->rq->progress;
    j->legacy.progress_ctx = j->rq->progress_ctx;
    j->data_dir = arena_printf(j->a, "%s/embeddeddolt", j->rq->beads_dir);
    rc = choose_name(j, legacy_value(&j->legacy, "config", "issue_prefix"));
    if (rc == BD_OK)
        rc = lock_data(j);
    if (rc)
        return rc;
    remove_leftovers(j);
    /* Another run may have finished while this one waited. */
    const char *existing = j->rq->existing;
    if (!existing && os_is_dir(arena_printf(j->a, "%s/.dolt", j->out->database_dir)))
        existing = j->out->database_dir;
    if (existing)
        rc = meet_existing(j, existing);
    return rc == BD_OK ? make(j) : rc == BD_DONE ? BD_OK : rc;
}

int migrate_to_dolt(const struct migrate_request *rq, struct arena *a, struct migrate_result *out,
                    struct err *err) {
    struct job *j = mem_zalloc(1, sizeof *j);
    *j = (struct job){.rq = rq, .a = a, .out = out, .err = err, .lock_fd = -1, .source_fd = -1};
    memset(out, 0, sizeof *out);
    int rc = run(j);
    legacy_cursor_free(j->rows);
    legacy_close(&j->legacy);
    source_unlock(j->source_fd);
    if (j->lock_fd >= 0)
        os_close(j->lock_fd);
    free(j);
    return rc;
}
