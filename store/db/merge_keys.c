/*
 * Foreign keys in a merge: the keys of three roots into one set, then the rows that the merge left
 * without parents.
 */
#include "store/db/merge.h"
#include "store/db/row_write.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- the keys ---- */

static const struct foreign_key *same_name(const struct foreign_keys *fks,
                                           const struct foreign_key *k) {
    return foreign_keys_find(fks, k->child_table, k->name);
}

static bool same_key(const struct foreign_key *a, const struct foreign_key *b) {
    return !a == !b && (!a || foreign_key_equal(a, b));
}

static int key_conflict(struct merge *m, const struct foreign_key *k) {
    return err_set(m->err, BD_CONFLICT, "both branches changed foreign key %s of table %s differently",
                   k->name, k->child_table);
}

static bool table_exists(struct merge *m, const char *table) {
    struct table *t;
    return embedded_table(&m->ours, table, &t, NULL) == BD_OK;
}

int merge_foreign_keys(struct merge *m) {
    if (hash_eq(&m->ours.root.foreign_keys, &m->theirs.root.foreign_keys) ||
        hash_eq(&m->base.root.foreign_keys, &m->theirs.root.foreign_keys)) {
        if (hash_eq(&m->ours.root.foreign_keys, &m->base.root.foreign_keys))
            return BD_OK;
    }
    struct foreign_keys *ours, *theirs, *base;
    int rc = embedded_foreign_keys(&m->ours, &ours, m->err);
    if (rc == BD_OK)
        rc = embedded_foreign_keys(&m->theirs, &theirs, m->err);
    if (rc == BD_OK)
        rc = embedded_foreign_keys(&m->base, &base, m->err);
    for (size_t i = 0; rc == BD_OK && i < theirs->count; i++) {
        const struct foreign_key *t = &theirs->keys[i], *o = same_name(ours, t),
                                 *b = same_name(base, t);
        if (same_key(o, t) || same_key(b, t))
            continue;
        if (!same_key(o, b))
            return key_conflict(m, t);
        foreign_keys_put(ours, &m->ours.arena, t);
        m->ours.foreign_keys_changed = true;
    }
    for (size_t i = base->count; rc == BD_OK && i-- > 0;) {
        const struct foreign_key *b = &base->keys[i], *o = same_name(ours, b);
        if (same_name(theirs, b) || !o)
            continue;
        if (!same_key(o, b))
            return key_conflict(m, b);
        foreign_keys_remove(ours, b->child_table, b->name);
        m->ours.foreign_keys_changed = true;
    }
    for (size_t i = ours->count; rc == BD_OK && i-- > 0;) {
        if (table_exists(m, ours->keys[i].child_table) && table_exists(m, ours->keys[i].parent_table))
            continue;
        foreign_keys_remove(ours, ours->keys[i].child_table, ours->keys[i].name);
        m->ours.foreign_keys_changed = true;
    }
    return rc;
}

/* ---- the rows ---- */

struct key_check {
    struct merge *m;
    const struct foreign_key *fk;
    struct table *child, *parent;         /* merged */
    struct table *old_child, *old_parent; /* base; NULL: not there */
    struct artifacts *artifacts;
    const char *info;
};

static void json_string(struct buf *out, const char *s) {
    buf_add_char(out, '"');
    for (; *s; s++)
        buf_addf(out, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
    buf_add_char(out, '"');
}

static void json_columns(struct buf *out, const char *name, const struct table *t, const uint64_t *tags,
                         size_t n) {
    buf_addf(out, "\"%s\":[", name);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_add_char(out, ',');
        for (size_t c = 0; c < t->ts->schema.column_count; c++)
            if (t->ts->schema.columns[c].tag == tags[i])
                json_string(out, t->ts->schema.columns[c].name);
    }
    buf_add_str(out, "],");
}

static const char *action_name(uint8_t action) {
    static const char *const names[] = {"RESTRICT", "CASCADE",  "NO ACTION",
                                        "RESTRICT", "SET NULL", "SET DEFAULT"};
    return action < 6 ? names[action] : "RESTRICT";
}

static const char *describe(struct key_check *k) {
    const struct foreign_key *fk = k->fk;
    struct buf b = BUF_INIT;
    buf_add_char(&b, '{');
    json_columns(&b, "Columns", k->child, fk->child_tags, fk->child_tag_count);
    buf_add_str(&b, "\"ForeignKey\":");
    json_string(&b, fk->name);
    buf_add_str(&b, ",\"Index\":");
    json_string(&b, fk->child_index);
    buf_addf(&b, ",\"OnDelete\":\"%s\",\"OnUpdate\":\"%s\",", action_name(fk->on_delete),
             action_name(fk->on_update));
    json_columns(&b, "ReferencedColumns", k->parent, fk->parent_tags, fk->parent_tag_count);
    buf_add_str(&b, "\"ReferencedIndex\":");
    json_string(&b, fk->parent_index);
    buf_add_str(&b, ",\"ReferencedTable\":");
    json_string(&b, fk->parent_table);
    buf_add_str(&b, ",\"Table\":");
    json_string(&b, fk->child_table);
    buf_add_char(&b, '}');
    const char *text = arena_strndup(k->m->a, buf_str(&b), b.size);
    buf_release(&b);
    return text;
}

static int violation(struct key_check *k, struct bytes key) {
    struct bytes value;
    int rc = edit_map_get(&k->child->rows, key, &value, k->m->err);
    if (rc == BD_NOT_FOUND)
        return BD_OK;
    return rc ? rc : artifacts_add(k->m, k->artifacts, key, ARTIFACT_FOREIGN_KEY, k->info, value);
}

static int child_changed(void *ctx, const struct tree_diff *d) {
    struct key_check *k = ctx;
    if (d->change == TREE_REMOVED)
        return BD_OK;
    struct bytes key = d->change == TREE_MODIFIED ? d->to_key : d->key;
    bool ok;
    int rc = fk_has_parent(&k->m->ours, k->fk, k->child, k->parent, key, d->to, &ok, k->m->err);
    return rc || ok ? rc : violation(k, key);
}

static int parent_changed(void *ctx, const struct tree_diff *d) {
    struct key_check *k = ctx;
    if (d->change == TREE_ADDED)
        return BD_OK;
    struct bytes *keys = NULL;
    size_t count = 0;
    int rc = fk_orphans(&k->m->ours, k->fk, k->child, k->parent, k->old_parent, d->key, d->from, &keys,
                        &count, k->m->err);
    for (size_t i = 0; rc == BD_OK && i < count; i++)
        rc = violation(k, keys[i]);
    free(keys);
    return rc;
}

static int base_table(struct merge *m, const char *name, struct table **out) {
    int rc = embedded_table(&m->base, name, out, m->err);
    if (rc == BD_NOT_FOUND) {
        *out = NULL;
        err_clear(m->err);
        return BD_OK;
    }
    return rc;
}

static bool keys_differ(const struct table *a, const struct table *b) {
    if (a->ts->keys.count != b->ts->keys.count)
        return true;
    for (size_t i = 0; i < a->ts->keys.count; i++)
        if (a->ts->keys.fields[i].encoding != b->ts->keys.fields[i].encoding)
            return true;
    return false;
}

static int check_key(struct key_check *k) {
    struct merge *m = k->m;
    const struct foreign_key *fk = k->fk;
    int rc = embedded_table(&m->ours, fk->child_table, &k->child, m->err);
    if (rc == BD_OK)
        rc = embedded_table(&m->ours, fk->parent_table, &k->parent, m->err);
    if (rc == BD_OK)
        rc = base_table(m, fk->child_table, &k->old_child);
    if (rc == BD_OK)
        rc = base_table(m, fk->parent_table, &k->old_parent);
    if (rc)
        return rc;
    bool child_same = k->old_child && hash_eq(&k->old_child->hash, &k->child->hash);
    bool parent_same = k->old_parent && hash_eq(&k->old_parent->hash, &k->parent->hash);
    if (child_same && parent_same)
        return BD_OK;
    k->info = describe(k);
    struct tree empty;
    rc = tree_empty(&empty, m->ns, &k->child->ts->row_type, m->err);
    if (rc == BD_OK && !child_same) {
        bool usable = k->old_child && !keys_differ(k->old_child, k->child);
        rc = tree_diff_walk(usable ? &k->old_child->rows.tree : &empty, &k->child->rows.tree,
                            child_changed, k, m->err);
    }
    if (rc == BD_OK && !parent_same && k->old_parent && !keys_differ(k->old_parent, k->parent))
        rc =
            tree_diff_walk(&k->old_parent->rows.tree, &k->parent->rows.tree, parent_changed, k, m->err);
    return rc;
}

int merge_check_keys(struct merge *m) {
    struct foreign_keys *fks;
    int rc = embedded_foreign_keys(&m->ours, &fks, m->err);
    struct artifacts *all = arena_zalloc(m->a, ((rc ? 0 : fks->count) + 1) * sizeof *all);
    size_t open = 0;
    for (size_t i = 0; rc == BD_OK && i < fks->count; i++) {
        const struct foreign_key *fk = &fks->keys[i];
        struct table *child;
        if (!foreign_key_resolved(fk) || embedded_table(&m->ours, fk->child_table, &child, NULL))
            continue;
        if (child->ts->schema.keyless)
            continue;
        struct artifacts *f = NULL;
        for (size_t j = 0; j < open; j++)
            if (all[j].t == child)
                f = &all[j];
        if (!f) {
            f = &all[open++];
            f->t = child;
        }
        struct key_check k = {.m = m, .fk = fk, .artifacts = f};
        rc = check_key(&k);
    }
    for (size_t j = 0; rc == BD_OK && j < open; j++)
        rc = artifacts_flush(m, &all[j]);
    return rc;
}
