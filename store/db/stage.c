/*
 * Staging and dolt_ignore. A table that HEAD or the staged root has is tracked whatever the patterns
 * say.
 */
#include "store/db/stage.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- patterns ---- */

static bool is_many(char c) { return c == '*' || c == '%'; }

/* Pattern against a name. With `against_pattern`, `?` does not match a wildcard of the other pattern.
 */
static bool pattern_match(const char *p, const char *s, bool against_pattern) {
    const char *star = NULL, *mark = NULL;
    while (*s) {
        if (is_many(*p)) {
            star = ++p;
            mark = s;
        } else if ((*p == '?' && !(against_pattern && is_many(*s))) ||
                   (*p && !is_many(*p) && *p == *s)) {
            p++;
            s++;
        } else if (star) {
            p = star;
            s = ++mark;
        } else {
            return false;
        }
    }
    while (is_many(*p))
        p++;
    return !*p;
}

static bool same_pattern(const char *a, const char *b) {
    for (; *a && *b; a++, b++)
        if (*a != *b && !(is_many(*a) && is_many(*b)))
            return false;
    return *a == *b;
}

int ignore_rules_match(const struct ignore_rules *r, const char *table, bool *ignored,
                       struct err *err) {
    *ignored = false;
    bool any_yes = false, any_no = false;
    for (size_t i = 0; i < r->count; i++) {
        if (!pattern_match(r->list[i].pattern, table, false))
            continue;
        if (r->list[i].ignored)
            any_yes = true;
        else
            any_no = true;
    }
    if (!any_yes || !any_no) {
        *ignored = any_yes;
        return BD_OK;
    }
    /* a pattern loses to a more specific one of the other kind */
    bool yes_left = false, no_left = false;
    const char *yes = "", *no = "";
    for (size_t i = 0; i < r->count; i++) {
        const struct ignore_pattern *p = &r->list[i];
        if (!pattern_match(p->pattern, table, false))
            continue;
        bool beaten = false;
        for (size_t j = 0; j < r->count && !beaten; j++) {
            const struct ignore_pattern *q = &r->list[j];
            if (q->ignored == p->ignored || !pattern_match(q->pattern, table, false))
                continue;
            if (same_pattern(p->pattern, q->pattern))
                return err_set(err, BD_CONFLICT, "dolt_ignore says both of table %s: pattern %s", table,
                               p->pattern);
            beaten = pattern_match(p->pattern, q->pattern, true);
        }
        if (beaten)
            continue;
        if (p->ignored) {
            yes_left = true;
            yes = p->pattern;
        } else {
            no_left = true;
            no = p->pattern;
        }
    }
    if (yes_left && no_left)
        return err_set(err, BD_CONFLICT,
                       "dolt_ignore is in two minds about table %s: patterns %s (ignored) and %s (not)",
                       table, yes, no);
    *ignored = yes_left;
    return BD_OK;
}

struct rules_ctx {
    struct arena *a;
    struct table *t;
    struct ignore_pattern *list;
    size_t count, capacity;
    int pattern, ignored;
    struct err *err;
};

static int rules_add(void *ctx, struct bytes key, struct bytes value) {
    struct rules_ctx *c = ctx;
    struct cell p, i;
    int rc = table_cell(c->t->ts, (size_t)c->pattern, key, value, c->t->ns, c->a, &p, c->err);
    if (rc == BD_OK)
        rc = table_cell(c->t->ts, (size_t)c->ignored, key, value, c->t->ns, c->a, &i, c->err);
    if (rc || !cell_has_text(&p))
        return rc;
    MEM_GROW(c->list, c->capacity, c->count + 1);
    c->list[c->count++] = (struct ignore_pattern){arena_strndup(c->a, p.s.data, p.s.size),
                                                  i.kind == CELL_INT && i.i != 0};
    return BD_OK;
}

int ignore_rules_read(struct embedded_txn *x, struct arena *a, struct ignore_rules *out,
                      struct err *err) {
    memset(out, 0, sizeof *out);
    struct table *t;
    int rc = embedded_table(x, "dolt_ignore", &t, err);
    if (rc == BD_NOT_FOUND) {
        err_clear(err);
        return BD_OK;
    }
    if (rc)
        return rc;
    struct rules_ctx c = {.a = a, .t = t, .err = err};
    c.pattern = schema_column(&t->ts->schema, "pattern");
    c.ignored = schema_column(&t->ts->schema, "ignored");
    if (c.pattern < 0 || c.ignored < 0)
        return BD_OK;
    rc = embedded_match(x, t, NULL, rules_add, &c, err);
    if (rc == BD_OK) {
        out->list = arena_dup(a, c.list, c.count * sizeof *c.list);
        out->count = c.count;
    }
    free(c.list);
    return rc;
}

/* ---- staging ---- */

static int column_names_by_tags(struct embedded_txn *x, const struct root_value *root,
                                const char *table, const uint64_t *tags, size_t count,
                                const char **names, struct err *err) {
    struct hash h, schema;
    const struct table_schema *ts;
    int rc = root_value_table(root, table, &x->arena, NULL, &h, err);
    if (rc == BD_OK)
        rc = table_schema_address(x->ns, &h, &schema, err);
    if (rc == BD_OK)
        rc = embedded_schema(x->ns, x->e, &schema, &ts, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < count; i++) {
        names[i] = "";
        for (size_t c = 0; c < ts->schema.column_count; c++)
            if (ts->schema.columns[c].tag == tags[i])
                names[i] = ts->schema.columns[c].name;
    }
    return BD_OK;
}

/* A resolved key equals an unresolved one when the names of its columns are the same. */
static int keys_equal(struct embedded_txn *x, const struct root_value *ra, const struct foreign_key *a,
                      const struct root_value *rb, const struct foreign_key *b, bool *equal,
                      struct err *err) {
    if (foreign_key_resolved(a) == foreign_key_resolved(b)) {
        *equal = foreign_key_equal(a, b);
        return BD_OK;
    }
    const struct foreign_key *resolved = foreign_key_resolved(a) ? a : b;
    const struct foreign_key *open = resolved == a ? b : a;
    const struct root_value *root = resolved == a ? ra : rb;
    *equal = false;
    if (a->on_update != b->on_update || a->on_delete != b->on_delete)
        return BD_OK;
    size_t n = resolved->child_tag_count;
    if (n != open->child_name_count || n != open->parent_name_count)
        return BD_OK;
    const char **names = arena_alloc(&x->arena, (n + 1) * sizeof *names);
    int rc = column_names_by_tags(x, root, resolved->child_table, resolved->child_tags, n, names, err);
    for (size_t i = 0; rc == BD_OK && i < n; i++)
        if (strcmp(names[i], open->child_names[i]))
            return BD_OK;
    if (rc == BD_OK)
        rc =
            column_names_by_tags(x, root, resolved->parent_table, resolved->parent_tags, n, names, err);
    for (size_t i = 0; rc == BD_OK && i < n; i++)
        if (strcmp(names[i], open->parent_names[i]))
            return BD_OK;
    *equal = rc == BD_OK;
    return rc;
}

static struct foreign_key *same_name(const struct foreign_keys *fks, const struct foreign_key *k) {
    return foreign_keys_find(fks, k->child_table, k->name);
}

static int add_key_changes(struct embedded_txn *x, const struct root_value *staged,
                           const struct root_value *working, const struct foreign_keys *from,
                           const struct foreign_keys *to, struct strmap *moved, struct err *err) {
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < to->count; i++) {
        const struct foreign_key *k = &to->keys[i];
        bool equal = false;
        if (same_name(from, k))
            rc = keys_equal(x, staged, same_name(from, k), working, k, &equal, err);
        if (rc == BD_OK && !equal && !strmap_has(moved, k->child_table))
            strmap_put(moved, k->child_table, (void *)staged);
    }
    for (size_t i = 0; i < from->count; i++)
        if (!same_name(to, &from->keys[i]) && !strmap_has(moved, from->keys[i].child_table))
            strmap_put(moved, from->keys[i].child_table, (void *)staged);
    return rc;
}

int foreign_key_changes(struct embedded_txn *x, const struct root_value *from,
                        const struct root_value *to, struct strmap *tables, struct err *err) {
    struct foreign_keys a, b;
    if (hash_eq(&from->foreign_keys, &to->foreign_keys))
        return BD_OK;
    int rc = foreign_keys_read(x->ns, &from->foreign_keys, &x->arena, &a, err);
    if (rc == BD_OK)
        rc = foreign_keys_read(x->ns, &to->foreign_keys, &x->arena, &b, err);
    return rc ? rc : add_key_changes(x, from, to, &a, &b, tables, err);
}

static bool in_root(const struct root_value *root, const char *table) {
    return root_value_has(root, table);
}

/* Whether a table has the very same keys in both. */
static bool same_keys_of(const struct foreign_keys *from, const struct foreign_keys *to,
                         const char *table) {
    size_t before = 0, now = 0;
    for (size_t i = 0; i < from->count; i++)
        before += strcasecmp(from->keys[i].child_table, table) == 0;
    for (size_t i = 0; i < to->count; i++) {
        const struct foreign_key *k = &to->keys[i];
        if (strcasecmp(k->child_table, table) != 0)
            continue;
        const struct foreign_key *old = same_name(from, k);
        if (!old || !foreign_key_identical(old, k))
            return false;
        now++;
    }
    return before == now;
}

int stage_tables(struct embedded_txn *x, const struct root_value *head, struct root_value *staged,
                 const struct root_value *working, const struct strmap *only, bool with_ignored,
                 struct err *err) {
    struct arena *a = &x->arena;
    struct root_value_change *changes;
    size_t count;
    int rc = root_value_changes(staged, working, a, &changes, &count, err);
    if (rc)
        return rc;
    struct foreign_keys from, to;
    bool keys_differ = !hash_eq(&staged->foreign_keys, &working->foreign_keys);
    struct strmap moved = STRMAP_INIT; /* table → this change, or anything when only keys differ */
    for (size_t i = 0; i < count; i++)
        strmap_put(&moved, changes[i].table, &changes[i]);
    memset(&from, 0, sizeof from);
    memset(&to, 0, sizeof to);
    if (keys_differ) {
        rc = foreign_keys_read(x->ns, &staged->foreign_keys, a, &from, err);
        if (rc == BD_OK && working == &x->root && x->foreign_keys_loaded)
            to = x->foreign_keys;
        else if (rc == BD_OK)
            rc = foreign_keys_read(x->ns, &working->foreign_keys, a, &to, err);
        if (rc == BD_OK)
            rc = add_key_changes(x, staged, working, &from, &to, &moved, err);
    }
    struct ignore_rules rules = {NULL, 0};
    bool rules_read = false;
    struct root_value_edit *edits = arena_alloc(a, (count + 1) * sizeof *edits);
    size_t edit_count = 0;
    bool keys_changed = false;
    for (struct strmap_entry *e = NULL; rc == BD_OK && (e = strmap_next(&moved, e));) {
        const char *table = e->key;
        if (only && !strmap_has(only, table))
            continue;
        if (!with_ignored && !in_root(staged, table) && !in_root(head, table)) {
            bool ignored;
            if (!rules_read)
                rc = ignore_rules_read(x, a, &rules, err);
            rules_read = true;
            if (rc == BD_OK)
                rc = ignore_rules_match(&rules, table, &ignored, err);
            if (rc || ignored)
                continue;
        }
        for (size_t i = 0; i < count; i++)
            if (&changes[i] == e->value)
                edits[edit_count++] = (struct root_value_edit){changes[i].table, changes[i].to};
        if (!keys_differ)
            continue;
        if (same_keys_of(&from, &to, table))
            continue;
        keys_changed = true;
        for (size_t i = from.count; i-- > 0;)
            if (!strcasecmp(from.keys[i].child_table, table))
                foreign_keys_remove(&from, from.keys[i].child_table, from.keys[i].name);
        for (size_t i = 0; i < to.count; i++)
            if (!strcasecmp(to.keys[i].child_table, table))
                foreign_keys_put(&from, a, &to.keys[i]);
    }
    if (rc == BD_OK && edit_count)
        rc = root_value_edit(staged, edits, edit_count, err);
    /* keys of tables that the commit will not hold do not belong into it */
    for (size_t i = from.count; rc == BD_OK && keys_changed && i-- > 0;)
        if (!in_root(staged, from.keys[i].child_table))
            foreign_keys_remove(&from, from.keys[i].child_table, from.keys[i].name);
    if (rc == BD_OK && keys_changed)
        rc = foreign_keys_write(x->ns, &from, &staged->foreign_keys, err);
    if (rc == BD_OK && !only)
        staged->collation = working->collation;
    strmap_release(&moved);
    return rc;
}
