/*
 * What a transaction of the embedded driver sees: a root value, and the tables opened on it. A table is
 * opened when it is named.
 */
#include "store/db/embedded.h"

#include "base/datetime.h"
#include "store/db/ddl_exec.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- which root ---- */

int embedded_refresh(struct embedded *e, struct err *err) {
    if (e->fresh) {
        e->fresh = false;
        return BD_OK;
    }
    return chunk_store_refresh(e->cs, err);
}

static int branch_missing(const char *branch, struct err *err) {
    return err_set(err, BD_NOT_FOUND, "branch not found: %s", branch);
}

/* Root of WORKING, STAGED (both maybe @branch), or of a commit. */
int embedded_resolve_root(struct embedded *e, struct node_store *ns, const char *ref, struct hash *root,
                          struct err *err) {
    struct hash store = chunk_store_root(e->cs), h;
    struct tree datasets;
    int rc = store_root_open(&datasets, ns, &store, err);
    if (rc)
        return rc;
    struct arena a = ARENA_INIT;
    bool staged = ref && !strncmp(ref, "STAGED", 6) && (!ref[6] || ref[6] == '@');
    bool working = !ref || (!strncmp(ref, "WORKING", 7) && (!ref[7] || ref[7] == '@'));
    if (staged || working) {
        const char *at = ref ? strchr(ref, '@') : NULL;
        const char *branch = at ? at + 1 : e->branch;
        rc = store_root_get(&datasets, arena_printf(&a, "workingSets/heads/%s", branch), &h, err);
        if (rc == BD_OK) {
            struct working_set ws;
            rc = working_set_read(ns, &h, &a, &ws, err);
            if (rc == BD_OK)
                *root = staged && !hash_is_zero(&ws.staged) ? ws.staged : ws.working;
        } else if (rc == BD_NOT_FOUND) {
            rc = store_root_get(&datasets, arena_printf(&a, "refs/heads/%s", branch), &h, err);
            if (rc == BD_NOT_FOUND)
                rc = branch_missing(branch, err);
            struct commit c;
            if (rc == BD_OK)
                rc = commit_read(ns, &h, &a, &c, err);
            if (rc == BD_OK)
                *root = c.root;
        }
    } else {
        rc = ref_resolve(ns, &datasets, e->branch, ref, &h, err);
        struct commit c;
        if (rc == BD_OK)
            rc = commit_read(ns, &h, &a, &c, err);
        if (rc == BD_OK)
            *root = c.root;
    }
    arena_release(&a);
    return rc;
}

/* ---- beginning and ending ---- */

void embedded_txn_init(struct embedded_txn *x, struct embedded *e, struct node_store *ns) {
    memset(x, 0, sizeof *x);
    x->base.driver = e->base.driver;
    x->e = e;
    x->ns = ns;
    x->foreign_key_checks = true;
}

void embedded_txn_release(struct embedded_txn *x) {
    strmap_release(&x->tables);
    strmap_release(&x->written);
    strmap_release(&x->removed);
    strmap_release(&x->expressions);
    arena_release(&x->arena);
}

int embedded_txn_at_root(struct embedded *e, const struct hash *root, struct embedded_txn **out,
                         struct err *err) {
    struct embedded_txn *x = mem_zalloc(1, sizeof *x);
    embedded_txn_init(x, e, e->ns);
    int rc = root_value_read(&x->root, x->ns, root, err);
    if (rc) {
        embedded_txn_release(x);
        free(x);
        return rc;
    }
    *out = x;
    return BD_OK;
}

/* ---- tables ---- */

static const char *lowered(struct arena *a, const char *s) {
    char *copy = arena_strdup(a, s);
    for (char *p = copy; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return copy;
}

static void stamp_now(struct embedded_txn *x) {
    if (x->now_utc)
        return;
    int64_t now = datetime_now();
    x->now_utc = now - (now % MICROS_PER_SECOND + MICROS_PER_SECOND) % MICROS_PER_SECOND;
}

int embedded_schema(struct node_store *ns, struct embedded *e, const struct hash *h,
                    const struct table_schema **out, struct err *err) {
    struct table_schema *ts = strmap_get_n(&e->schemas, (const char *)h->b, HASH_SIZE);
    if (!ts) {
        ts = arena_zalloc(&e->arena, sizeof *ts);
        int rc = table_schema_read(ns, h, &e->arena, ts, err);
        if (rc)
            return rc;
        strmap_put_n(&e->schemas, (const char *)h->b, HASH_SIZE, ts);
    }
    *out = ts;
    return BD_OK;
}

struct schema_source {
    struct embedded *e;
    struct node_store *ns;
};

static int schema_for(void *ctx, const struct hash *h, const struct table_schema **out,
                      struct err *err) {
    struct schema_source *s = ctx;
    return embedded_schema(s->ns, s->e, h, out, err);
}

int embedded_table(struct embedded_txn *x, const char *name, struct table **out, struct err *err) {
    char folded[128];
    size_t n = strlen(name);
    const char *key = folded;
    if (n < sizeof folded)
        for (size_t i = 0; i <= n; i++)
            folded[i] = (char)tolower((unsigned char)name[i]);
    else
        key = lowered(&x->arena, name);
    struct table *t = strmap_get(&x->tables, key);
    if (!t) {
        struct hash h;
        const char *stored;
        int rc = root_value_table(&x->root, name, &x->arena, &stored, &h, err);
        if (rc == BD_OK && strmap_has(&x->removed, stored))
            rc = err_set(err, BD_NOT_FOUND, "table not found: %s", name);
        if (rc)
            return rc;
        t = arena_zalloc(&x->arena, sizeof *t);
        struct schema_source source = {x->e, x->ns};
        rc = table_open(t, x->ns, stored, &h, schema_for, &source, &x->arena, err);
        if (rc)
            return rc;
        strmap_put(&x->tables, key, t);
    }
    *out = t;
    return BD_OK;
}

int embedded_table_for_write(struct embedded_txn *x, const char *name, struct table **out,
                             struct err *err) {
    if (!x->writing)
        return err_set(err, BD_READ_ONLY, "table %s cannot be changed: this is a snapshot for reading",
                       name);
    stamp_now(x);
    int rc = embedded_table(x, name, out, err);
    if (rc == BD_NOT_FOUND && !strncasecmp(name, "dolt_", 5)) {
        err_clear(err);
        rc = ddl_system_table(x, name, out, err); /* made on first use */
    }
    if (rc)
        return rc;
    const char *key = (*out)->name;
    if (!strmap_has(&x->written, key))
        strmap_put(&x->written, key, *out);
    return BD_OK;
}

void embedded_put_table(struct embedded_txn *x, struct table *t) {
    strmap_put(&x->tables, lowered(&x->arena, t->name), t);
    strmap_remove(&x->removed, t->name);
    strmap_put(&x->written, t->name, t);
}

int embedded_drop_table(struct embedded_txn *x, struct table *t) {
    strmap_remove(&x->tables, lowered(&x->arena, t->name));
    strmap_put(&x->removed, t->name, t);
    strmap_put(&x->written, t->name, t);
    return BD_OK;
}

int embedded_foreign_keys(struct embedded_txn *x, struct foreign_keys **out, struct err *err) {
    if (!x->foreign_keys_loaded) {
        int rc = foreign_keys_read(x->ns, &x->root.foreign_keys, &x->arena, &x->foreign_keys, err);
        if (rc)
            return rc;
        x->foreign_keys_loaded = true;
    }
    *out = &x->foreign_keys;
    return BD_OK;
}

static int name_order(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int embedded_list(struct embedded_txn *x, struct arena *a, const char ***names, size_t *count,
                  struct err *err) {
    const char **stored;
    size_t n;
    int rc = root_value_names(&x->root, a, &stored, &n, err);
    if (rc)
        return rc;
    const char **list = arena_alloc(a, (n + x->tables.live + 1) * sizeof *list);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!strmap_has(&x->removed, stored[i]))
            list[kept++] = stored[i];
    size_t old = kept;
    for (struct strmap_entry *e = NULL; (e = strmap_next(&x->tables, e));) {
        const struct table *t = e->value;
        if (!bsearch(&t->name, list, old, sizeof *list, name_order))
            list[kept++] = arena_strdup(a, t->name);
    }
    qsort(list, kept, sizeof *list, name_order);
    *names = list;
    *count = kept;
    return BD_OK;
}
