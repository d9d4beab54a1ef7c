/*
 * The quick check: what every command that opens the database relies on, read through the store as a
 * command reads it. Whatever looks wrong is then looked at in full.
 */
#include "store/db/fsck_check.h"

#include "base/os.h"
#include "store/db/commit.h"
#include "store/db/root_value.h"
#include "store/db/store_root.h"
#include "store/db/working_set.h"
#include "store/value/json_edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REFS_MAX 200u /* read in full; of more, only the existence is looked at */
#define STATE_SIZE_MAX (4u << 20)
#define TAIL_PAUSE_NS 20000000L

void check_repo_state(const struct check_place *p, bool (*has_branch)(void *ctx, const char *ref),
                      void *ctx, struct fsck_report *r) {
    if (!p->dot)
        return;
    struct buf path = BUF_INIT;
    char *data;
    size_t size;
    static const char file[] = "../repo_state.json";
    buf_addf(&path, "%s/repo_state.json", p->dot);
    if (os_read_file(path.data, STATE_SIZE_MAX, &data, &size) < 0) {
        if (errno == ENOENT)
            fsck_add(r, FSCK_WARNING, FSCK_REPO_STATE, REPAIR_REPO_STATE, NULL, NULL, file,
                     "repo_state.json is missing: other programs cannot tell the current branch");
        else
            fsck_add(r, FSCK_ERROR, FSCK_REPO_STATE, REPAIR_NONE, NULL, NULL, file,
                     "repo_state.json cannot be read: %s", strerror(errno));
        buf_release(&path);
        return;
    }
    struct arena a = ARENA_INIT;
    struct json_value *json = json_value_parse(data, size, &a, NULL);
    const char *head = json_value_is(json, JSON_OBJECT) ? json_value_get_text(json, "head") : NULL;
    if (!head)
        fsck_add(r, FSCK_ERROR, FSCK_REPO_STATE, REPAIR_REPO_STATE, NULL, NULL, file,
                 "repo_state.json names no current branch");
    else if (has_branch && !has_branch(ctx, head))
        fsck_add(r, FSCK_ERROR, FSCK_REPO_STATE, REPAIR_REPO_STATE, NULL, NULL, file,
                 "repo_state.json: the current branch %s does not exist", head);
    arena_release(&a);
    free(data);
    buf_release(&path);
}

struct quick {
    struct node_store *ns;
    struct chunk_store *cs;
    struct fsck_report *r;
    struct arena arena;
    struct tree datasets;
    struct strmap schemas; /* read already */
};

static bool has_ref(void *ctx, const char *ref) {
    struct quick *q = ctx;
    struct hash h;
    return store_root_get(&q->datasets, ref, &h, NULL) == BD_OK;
}

/* A root value with the messages of its tables. */
static int quick_root(struct quick *q, const struct hash *h, struct err *err) {
    struct root_value rv;
    struct tree_cursor cur;
    int rc = root_value_read(&rv, q->ns, h, err);
    if (rc == BD_OK && rv.feature_version > FEATURE_VERSION)
        rc = err_set(err, BD_TOO_NEW, "feature version %lld, this program knows up to %d",
                     (long long)rv.feature_version, FEATURE_VERSION);
    if (rc == BD_OK)
        rc = tree_cursor_first(&cur, &rv.tables, err);
    while (rc == BD_OK && cur.valid) {
        struct bytes k = tree_cursor_key(&cur), v = tree_cursor_value(&cur);
        struct hash table, schema;
        if (v.size != HASH_SIZE)
            return err_set(err, BD_CORRUPT, "a table has no address");
        memcpy(table.b, v.data, HASH_SIZE);
        rc = table_schema_address(q->ns, &table, &schema, err);
        if (rc == BD_OK && !strmap_get_n(&q->schemas, (const char *)schema.b, HASH_SIZE)) {
            struct chunk bytes;
            struct schema s;
            rc = node_store_read(q->ns, &schema, &bytes, err);
            if (rc == BD_OK)
                rc = schema_parse(&bytes, &q->arena, &s, err);
            strmap_put_n(&q->schemas, (const char *)schema.b, HASH_SIZE, q);
        }
        if (rc != BD_OK) {
            err_prefix(err, "table %.*s", (int)k.size, (const char *)k.data);
            break;
        }
        rc = tree_cursor_next(&cur, err);
    }
    return rc;
}

static int quick_dataset(void *ctx, struct bytes key, const struct hash *h) {
    struct quick *q = ctx;
    struct err err = ERR_INIT;
    char *name = arena_strndup(&q->arena, (const char *)key.data, key.size);
    int rc = BD_OK;
    if (++q->r->summary.refs > REFS_MAX) {
        rc = chunk_store_has(q->cs, h, &err);
        if (rc == BD_NOT_FOUND)
            err_set(&err, rc, "what it names is missing");
    } else if (!strncmp(name, "refs/heads/", 11) || !strncmp(name, "refs/remotes/", 13)) {
        struct commit m;
        rc = commit_read(q->ns, h, &q->arena, &m, &err);
        if (rc == BD_OK)
            rc = quick_root(q, &m.root, &err);
    } else if (!strncmp(name, "workingSets/", 12)) {
        struct working_set ws;
        rc = working_set_read(q->ns, h, &q->arena, &ws, &err);
        if (rc == BD_OK)
            rc = quick_root(q, &ws.working, &err);
        if (rc == BD_OK && !hash_is_zero(&ws.staged) && !hash_eq(&ws.staged, &ws.working))
            rc = quick_root(q, &ws.staged, &err);
    } else if (!strncmp(name, "refs/tags/", 10)) {
        struct tag tag;
        rc = tag_read(q->ns, h, &q->arena, &tag, &err);
    }
    if (rc != BD_OK)
        fsck_add(q->r, FSCK_ERROR, FSCK_REF_DAMAGED, REPAIR_RESET, h, NULL, NULL, "%s: %s", name,
                 err.msg);
    return BD_OK;
}

/* Does the journal end in bytes that are no record, and stay so? A writer at work leaves such for
 * moments. */
static bool has_lasting_tail(struct chunk_store *cs, const char *noms) {
    struct buf path = BUF_INIT;
    struct chunk_store_stats before, after;
    struct stat a, b;
    struct err err = ERR_INIT;
    bool tail = false;
    buf_addf(&path, "%s/" JOURNAL_FILE, noms);
    chunk_store_get_stats(cs, &before);
    if (before.has_journal && os_stat(path.data, &a) == 0 &&
        (uint64_t)a.st_size > before.journal_bytes) {
        nanosleep(&(struct timespec){0, TAIL_PAUSE_NS}, NULL);
        tail = chunk_store_refresh(cs, &err) == BD_OK && os_stat(path.data, &b) == 0;
        chunk_store_get_stats(cs, &after);
        tail = tail && after.journal_bytes == before.journal_bytes && b.st_size == a.st_size &&
               b.st_ino == a.st_ino;
    }
    buf_release(&path);
    return tail;
}

int check_quick(const struct check_place *p, const struct fsck_options *o, struct fsck_report *r,
                struct err *err) {
    struct chunk_store *cs;
    struct err why = ERR_INIT;
    int rc = chunk_store_open(&cs, p->noms, CHUNK_STORE_READ_ONLY, &why);
    if (rc != BD_OK) {
        rc = chunk_fsck_files(p->noms, o, r, err);
        if (rc == BD_OK && !r->errors)
            fsck_add(r, FSCK_ERROR, FSCK_FILE_DAMAGED, REPAIR_NONE, NULL, NULL, NULL, "%s", why.msg);
        check_repo_state(p, NULL, NULL, r);
        return rc;
    }
    if (has_lasting_tail(cs, p->noms))
        rc = chunk_fsck_files(p->noms, o, r, err);
    struct quick q = {.cs = cs, .ns = node_store_new(cs), .r = r};
    struct hash root = r->summary.root = chunk_store_root(cs);
    struct chunk_store_stats stats;
    chunk_store_get_stats(cs, &stats);
    r->summary.files = stats.table_files + stats.archive_files + stats.has_journal;
    if (hash_is_zero(&root)) {
        fsck_add(r, FSCK_NOTE, FSCK_STORE_EMPTY, REPAIR_NOT_NEEDED, NULL, NULL, NULL,
                 "the store is empty");
        check_repo_state(p, NULL, NULL, r);
    } else {
        int read = store_root_open(&q.datasets, q.ns, &root, &why);
        if (read == BD_OK)
            read = store_root_each(&q.datasets, quick_dataset, &q, &why);
        if (read != BD_OK)
            fsck_add(r, FSCK_ERROR, FSCK_ROOT_MISSING, REPAIR_RESET, &root, NULL, NULL, "%s", why.msg);
        check_repo_state(p, read == BD_OK ? has_ref : NULL, &q, r);
    }
    strmap_release(&q.schemas);
    arena_release(&q.arena);
    node_store_free(q.ns);
    chunk_store_close(cs);
    return rc;
}
