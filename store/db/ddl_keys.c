/*
 * Foreign keys in schema changes.
 *
 * A key declared while foreign_key_checks is on is resolved: rows are checked and it names column tags
 * and the child's index. Declared while it is off it is stored with column names only.
 */
#include "store/db/ddl_exec.h"
#include "store/db/row_write.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int find_columns(const struct schema *s, const char *table, const char *const *names,
                        size_t count, struct arena *a, uint16_t **ordinals, uint64_t **tags,
                        const char ***stored, struct err *err) {
    *ordinals = arena_alloc(a, (count + 1) * sizeof **ordinals);
    *tags = arena_alloc(a, (count + 1) * sizeof **tags);
    *stored = arena_alloc(a, (count + 1) * sizeof **stored);
    for (size_t i = 0; i < count; i++) {
        int at = schema_column(s, names[i]);
        if (at < 0)
            return err_set(err, BD_NOT_FOUND, "table `%s` does not have column `%s`", table, names[i]);
        if (schema_lists(*ordinals, i, (uint16_t)at))
            return err_set(err, BD_INVALID, "column `%s` is named twice in a foreign key", names[i]);
        (*ordinals)[i] = (uint16_t)at;
        (*tags)[i] = s->columns[at].tag;
        (*stored)[i] = s->columns[at].name;
    }
    return BD_OK;
}

static int unique_name(struct embedded_txn *x, const struct foreign_keys *all, const char *table,
                       const char *wanted, const char **name, struct err *err) {
    if (wanted) {
        const struct foreign_key *k = foreign_keys_find(all, table, wanted);
        if (k)
            return err_set(err, BD_EXISTS, "duplicate foreign key constraint name `%s` (on table %s)",
                           wanted, k->child_table);
        *name = arena_strdup(&x->arena, wanted);
        return BD_OK;
    }
    char *prefix = arena_printf(&x->arena, "%s_ibfk_", table);
    for (char *p = prefix; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    unsigned long highest = 0;
    for (size_t i = 0; i < all->count; i++) {
        const char *n = all->keys[i].name;
        if (!strncmp(n, prefix, strlen(prefix))) {
            char *end;
            unsigned long v = strtoul(n + strlen(prefix), &end, 10);
            if (!*end && v > highest)
                highest = v;
        }
    }
    *name = arena_printf(&x->arena, "%s%lu", prefix, highest + 1);
    return BD_OK;
}

static int make_index(struct embedded_txn *x, struct table **t, const struct ddl_foreign_key *fk,
                      struct err *err) {
    struct schema *s = arena_zalloc(&x->arena, sizeof *s);
    schema_copy(&(*t)->ts->schema, &x->arena, s);
    struct ddl_index_part *parts = arena_zalloc(&x->arena, fk->column_count * sizeof *parts);
    for (size_t i = 0; i < fk->column_count; i++)
        parts[i].column = fk->columns[i];
    const char *name = fk->index_name ? fk->index_name : fk->name;
    struct ddl_index ix = {.name = name, .parts = parts, .part_count = fk->column_count, .comment = ""};
    int rc = ddl_schema_add_index(s, &ix, true, &x->arena, NULL, err);
    if (rc)
        return rc;
    schema_derive(s, &x->arena);
    return ddl_change_table(x, *t, s, ddl_same_columns(x, s, 0), t, err);
}

int ddl_add_foreign_key(struct embedded_txn *x, struct table **t, const struct ddl_foreign_key *fk,
                        struct err *err) {
    struct foreign_keys *all;
    struct arena *a = &x->arena;
    int rc = embedded_foreign_keys(x, &all, err);
    if (rc)
        return rc;
    if (fk->column_count == 0 || fk->column_count != fk->parent_column_count)
        return err_set(err, BD_INVALID, "a foreign key of table %s has %zu columns and refers to %zu",
                       (*t)->name, fk->column_count, fk->parent_column_count);
    size_t n = fk->column_count;
    struct foreign_key k = {.child_table = (*t)->name, .child_index = "", .parent_index = ""};
    uint16_t *columns, *parent_columns = NULL;
    uint64_t *tags, *parent_tags = NULL;
    const char **names, **parent_names = NULL;
    rc = find_columns(&(*t)->ts->schema, (*t)->name, fk->columns, n, a, &columns, &tags, &names, err);
    struct table *parent = NULL;
    if (rc == BD_OK && x->foreign_key_checks)
        rc = embedded_table(x, fk->parent_table, &parent, err);
    if (rc == BD_OK && parent)
        rc = find_columns(&parent->ts->schema, parent->name, fk->parent_columns, n, a, &parent_columns,
                          &parent_tags, &parent_names, err);
    if (rc == BD_OK && parent && !ddl_schema_covers(&parent->ts->schema, parent_columns, n) &&
        !ddl_key_index(&parent->ts->schema, parent_columns, n, NULL))
        rc = err_set(err, BD_CONSTRAINT, "missing index for foreign key %s on the referenced table %s",
                     fk->name ? fk->name : "", parent->name);
    if (rc == BD_OK)
        rc = unique_name(x, all, (*t)->name, fk->name, &k.name, err);
    if (rc == BD_OK && !ddl_schema_covers(&(*t)->ts->schema, columns, n))
        rc = make_index(x, t, fk, err);
    if (rc)
        return rc;
    if (!parent) {
        parent_names = arena_alloc(a, n * sizeof *parent_names);
        for (size_t i = 0; i < n; i++)
            parent_names[i] = arena_strdup(a, fk->parent_columns[i]);
    } else {
        if (parent->name == (*t)->name || !strcmp(parent->name, (*t)->name))
            parent = *t; /* it may have got an index just now */
        const struct index *ix = ddl_key_index(&(*t)->ts->schema, columns, n, NULL);
        const struct index *parent_ix = ddl_key_index(&parent->ts->schema, parent_columns, n, NULL);
        k.child_index = ix ? arena_strdup(a, ix->name) : "";
        k.parent_index = parent_ix ? arena_strdup(a, parent_ix->name) : "";
        k.child_tags = tags;
        k.parent_tags = parent_tags;
        k.child_tag_count = k.parent_tag_count = n;
    }
    k.parent_table = parent ? parent->name : arena_strdup(a, fk->parent_table);
    k.child_names = names;
    k.parent_names = parent_names;
    k.child_name_count = k.parent_name_count = n;
    k.on_update = (uint8_t)fk->on_update;
    k.on_delete = (uint8_t)fk->on_delete;
    if (parent) {
        rc = fk_check_table(x, *t, &k, err);
        if (rc)
            return rc;
    }
    foreign_keys_put(all, a, &k);
    x->foreign_keys_changed = true;
    return BD_OK;
}

int ddl_drop_foreign_key(struct embedded_txn *x, const char *table, const char *name, bool *dropped,
                         struct err *err) {
    struct foreign_keys *all;
    *dropped = false;
    int rc = embedded_foreign_keys(x, &all, err);
    if (rc)
        return rc;
    *dropped = foreign_keys_remove(all, table, name);
    if (*dropped)
        x->foreign_keys_changed = true;
    return BD_OK;
}

static size_t ordinals_of(const struct schema *s, const uint64_t *tags, size_t count, uint16_t *out) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < s->column_count; c++)
            if (s->columns[c].tag == tags[i])
                out[n++] = (uint16_t)c;
    return n;
}

int ddl_keys_index_gone(struct embedded_txn *x, const struct schema *s, const char *table,
                        const char *index, const char *to, struct err *err) {
    struct foreign_keys *all;
    int rc = embedded_foreign_keys(x, &all, err);
    for (size_t i = 0; rc == BD_OK && i < all->count; i++) {
        struct foreign_key *k = &all->keys[i];
        for (int side = 0; side < 2; side++) {
            const char *of = side ? k->parent_table : k->child_table;
            const char **named = side ? &k->parent_index : &k->child_index;
            if (strcasecmp(of, table) || strcasecmp(*named, index))
                continue;
            const char *next = to;
            if (!next) {
                size_t n = side ? k->parent_tag_count : k->child_tag_count;
                uint16_t *columns = arena_alloc(&x->arena, (n * s->column_count + 1) * sizeof *columns);
                size_t found = ordinals_of(s, side ? k->parent_tags : k->child_tags, n, columns);
                const struct index *other = ddl_key_index(s, columns, found, index);
                if (!other && !ddl_schema_covers(s, columns, found))
                    return err_set(err, BD_CONSTRAINT,
                                   "cannot drop index `%s`: foreign key `%s` needs it", index, k->name);
                next = other ? arena_strdup(&x->arena, other->name) : "";
            }
            *named = next;
            x->foreign_keys_changed = true;
        }
    }
    return rc;
}

static bool uses(const uint64_t *tags, size_t count, const char **names, size_t name_count,
                 const struct column *c) {
    for (size_t i = 0; i < count; i++)
        if (tags[i] == c->tag)
            return true;
    for (size_t i = 0; count == 0 && i < name_count; i++)
        if (!strcasecmp(names[i], c->name))
            return true;
    return false;
}

int ddl_keys_check_column(struct embedded_txn *x, const char *table, const struct column *c,
                          const char *verb, struct err *err) {
    struct foreign_keys *all;
    int rc = embedded_foreign_keys(x, &all, err);
    for (size_t i = 0; rc == BD_OK && i < all->count; i++) {
        const struct foreign_key *k = &all->keys[i];
        if ((!strcasecmp(k->child_table, table) &&
             uses(k->child_tags, k->child_tag_count, k->child_names, k->child_name_count, c)) ||
            (!strcasecmp(k->parent_table, table) &&
             uses(k->parent_tags, k->parent_tag_count, k->parent_names, k->parent_name_count, c)))
            return err_set(err, BD_CONSTRAINT, "cannot %s column `%s`: foreign key `%s` uses it", verb,
                           c->name, k->name);
    }
    return rc;
}

static bool rename_in(struct arena *a, const char ***names, size_t count, const char *from,
                      const char *to) {
    bool changed = false;
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp((*names)[i], from))
            continue;
        if (!changed)
            *names = arena_dup(a, *names, count * sizeof **names);
        (*names)[i] = arena_strdup(a, to);
        changed = true;
    }
    return changed;
}

int ddl_keys_rename_column(struct embedded_txn *x, const char *table, uint64_t tag, const char *from,
                           const char *to, struct err *err) {
    (void)tag;
    struct foreign_keys *all;
    int rc = embedded_foreign_keys(x, &all, err);
    for (size_t i = 0; rc == BD_OK && i < all->count; i++) {
        struct foreign_key *k = &all->keys[i];
        bool changed = false;
        if (!strcasecmp(k->child_table, table))
            changed = rename_in(&x->arena, &k->child_names, k->child_name_count, from, to);
        if (!strcasecmp(k->parent_table, table))
            changed = rename_in(&x->arena, &k->parent_names, k->parent_name_count, from, to) || changed;
        x->foreign_keys_changed = x->foreign_keys_changed || changed;
    }
    return rc;
}

int ddl_keys_rename_table(struct embedded_txn *x, const char *from, const char *to, struct err *err) {
    struct foreign_keys *all;
    int rc = embedded_foreign_keys(x, &all, err);
    for (size_t i = 0; rc == BD_OK && i < all->count; i++) {
        struct foreign_key *k = &all->keys[i];
        if (!strcasecmp(k->child_table, from)) {
            k->child_table = arena_strdup(&x->arena, to);
            x->foreign_keys_changed = true;
        }
        if (!strcasecmp(k->parent_table, from)) {
            k->parent_table = arena_strdup(&x->arena, to);
            x->foreign_keys_changed = true;
        }
    }
    return rc;
}

int ddl_keys_drop_table(struct embedded_txn *x, const char *table, struct err *err) {
    struct foreign_keys *all;
    int rc = embedded_foreign_keys(x, &all, err);
    for (size_t i = rc ? 0 : all->count; i-- > 0;) {
        struct foreign_key *k = &all->keys[i];
        if (!strcasecmp(k->child_table, table)) {
            foreign_keys_remove(all, k->child_table, k->name);
            x->foreign_keys_changed = true;
        } else if (!strcasecmp(k->parent_table, table)) {
            if (x->foreign_key_checks)
                return err_set(err, BD_CONSTRAINT,
                               "cannot drop table %s: foreign key `%s` of table %s refers to it", table,
                               k->name, k->child_table);
            k->child_tag_count = k->parent_tag_count = 0;
            k->child_index = k->parent_index = "";
            x->foreign_keys_changed = true;
        }
    }
    return rc;
}
