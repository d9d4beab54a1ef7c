/*
 * ALTER TABLE: each action makes a copy of the schema, changes it and hands it to ddl_change_table.
 * A key or index that a column definition carries comes as an action of its own.
 */
#include "store/db/ddl_exec.h"
#include "store/db/row_write.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct alter {
    struct embedded_txn *x;
    struct table *t;
    const struct ddl_action *action;
    struct err *err;
};

static struct schema *copy_schema(struct alter *a) {
    struct schema *s = arena_zalloc(&a->x->arena, sizeof *s);
    schema_copy(&a->t->ts->schema, &a->x->arena, s);
    return s;
}

/* Puts a schema whose columns are the old ones into force. */
static int apply(struct alter *a, struct schema *s) {
    schema_derive(s, &a->x->arena);
    return ddl_change_table(a->x, a->t, s, ddl_same_columns(a->x, s, 0), &a->t, a->err);
}

static int find_column(struct alter *a, const char *name, size_t *at) {
    int i = schema_column(&a->t->ts->schema, name);
    if (i < 0)
        return err_set(a->err, BD_NOT_FOUND, "table \"%s\" does not have column \"%s\"", a->t->name,
                       name);
    *at = (size_t)i;
    return BD_OK;
}

/* ---- the order of columns ---- */

/* s with its columns in the order given by old ordinals; DDL_NEW_COLUMN takes *added. */
static void rearrange(struct schema *s, const int *order, size_t count, const struct column *added,
                      struct arena *a) {
    struct column *columns = arena_alloc(a, (count + 1) * sizeof *columns);
    uint16_t *at = arena_zalloc(a, (s->column_count + 1) * sizeof *at); /* old → new */
    bool *kept = arena_zalloc(a, s->column_count + 1);
    for (size_t i = 0; i < count; i++) {
        columns[i] = order[i] < 0 ? *added : s->columns[order[i]];
        if (order[i] >= 0) {
            at[order[i]] = (uint16_t)i;
            kept[order[i]] = true;
        }
    }
    s->columns = columns;
    s->column_count = count;
    size_t n = 0;
    for (size_t i = 0; i < s->pk_count; i++)
        if (kept[s->pk[i]])
            s->pk[n++] = at[s->pk[i]];
    s->pk_count = n;
    n = 0;
    for (size_t i = 0; i < s->index_count; i++) {
        struct index *ix = &s->indexes[i];
        bool whole = true;
        for (size_t k = 0; k < ix->column_count; k++) {
            whole = whole && kept[ix->columns[k]];
            ix->columns[k] = at[ix->columns[k]];
        }
        if (whole) /* an index loses its life with any of its columns */
            s->indexes[n++] = *ix;
    }
    s->index_count = n;
}

/* Order of `count` old columns with one moved or added behind `after` (or first, or last). */
static int place(struct alter *a, int *order, size_t *count, int what, const char *own_name) {
    size_t at = *count;
    if (a->action->first) {
        at = 0;
    } else if (a->action->after) {
        size_t behind = 0;
        int rc = find_column(a, a->action->after, &behind);
        if (rc)
            return rc;
        if (own_name && !strcasecmp(own_name, a->action->after))
            return err_set(a->err, BD_INVALID, "column \"%s\" cannot stand after itself", own_name);
        for (size_t i = 0; i < *count; i++)
            if (order[i] == (int)behind)
                at = i + 1;
    }
    memmove(order + at + 1, order + at, (*count - at) * sizeof *order);
    order[at] = what;
    (*count)++;
    return BD_OK;
}

/* ---- columns ---- */

static int add_column(struct alter *a) {
    const struct ddl_column *c = a->action->column;
    const struct schema *old = &a->t->ts->schema;
    struct arena *arena = &a->x->arena;
    if (schema_column(old, c->name) >= 0) {
        if (a->action->if_not_exists)
            return BD_OK;
        return err_set(a->err, BD_EXISTS, "column \"%s\" already exists in table \"%s\"", c->name,
                       a->t->name);
    }
    bool rewrites = c->nullability == DDL_NOT_NULL || c->generated || c->auto_increment ||
                    c->primary_key || (c->default_text && c->default_text[0]);
    struct ddl_tag_request tag = {c->name, sql_type_tag_kind(&c->type), 0};
    int rc = ddl_tags(a->x, a->t->name, old, rewrites, &tag, 1, a->err);
    if (rc)
        return rc;
    struct schema *s = copy_schema(a);
    struct column added = ddl_column(c, tag.tag, s->collation, arena);
    size_t count = schema_visible_count(s);
    int *order = ddl_same_columns(a->x, s, 1);
    rc = place(a, order, &count, DDL_NEW_COLUMN, NULL);
    if (rc)
        return rc;
    rearrange(s, order, count, &added, arena);
    schema_derive(s, arena);
    return ddl_change_table(a->x, a->t, s, order, &a->t, a->err);
}

static bool mentions(const char *expression, const char *column) {
    size_t n = strlen(column);
    for (const char *p = expression; (p = strchr(p, '`')); p++)
        if (!strncasecmp(p + 1, column, n) && p[1 + n] == '`')
            return true;
    return false;
}

static int drop_column(struct alter *a) {
    size_t at = 0;
    int rc = find_column(a, a->action->name, &at);
    if (rc == BD_NOT_FOUND && a->action->if_exists) {
        err_clear(a->err);
        return BD_OK;
    }
    if (rc)
        return rc;
    const struct schema *old = &a->t->ts->schema;
    const struct column *c = &old->columns[at];
    rc = ddl_keys_check_column(a->x, a->t->name, c, "drop", a->err);
    if (rc)
        return rc;
    if (c->primary_key)
        return err_set(a->err, BD_INVALID,
                       "cannot drop column `%s`: it is part of the primary key of %s", c->name,
                       a->t->name);
    for (size_t i = 0; i < old->check_count; i++)
        if (mentions(old->checks[i].expression, c->name))
            return err_set(a->err, BD_CONSTRAINT, "cannot drop column `%s`: check `%s` uses it",
                           c->name, old->checks[i].name);
    if (schema_visible_count(old) == 1)
        return err_set(a->err, BD_INVALID, "cannot drop the only column of table %s", a->t->name);
    struct schema *s = copy_schema(a);
    size_t n = schema_visible_count(s), count = 0;
    int *order = ddl_same_columns(a->x, s, 0);
    for (size_t i = 0; i < n; i++)
        if (i != at)
            order[count++] = (int)i;
    rearrange(s, order, count, NULL, &a->x->arena);
    schema_derive(s, &a->x->arena);
    return ddl_change_table(a->x, a->t, s, order, &a->t, a->err);
}

static char *rename_in_expression(struct arena *arena, const char *text, const char *from,
                                  const char *to) {
    struct buf b = BUF_INIT;
    size_t n = strlen(from);
    while (*text) {
        if (*text == '`' && !strncasecmp(text + 1, from, n) && text[1 + n] == '`') {
            buf_addf(&b, "`%s`", to);
            text += n + 2;
        } else {
            buf_add_char(&b, *text++);
        }
    }
    char *out = arena_strdup(arena, buf_str(&b));
    buf_release(&b);
    return out;
}

static int rename_column_in(struct alter *a, struct schema *s, size_t at, const char *to) {
    const char *from = s->columns[at].name;
    if (!strcmp(from, to))
        return BD_OK;
    int other = schema_column(s, to);
    if (other >= 0 && (size_t)other != at)
        return err_set(a->err, BD_EXISTS, "column \"%s\" already exists in table \"%s\"", to,
                       a->t->name);
    for (size_t i = 0; i < s->check_count; i++)
        s->checks[i].expression = rename_in_expression(&a->x->arena, s->checks[i].expression, from, to);
    for (size_t i = 0; i < s->column_count; i++)
        if (s->columns[i].default_text[0] == '(')
            s->columns[i].default_text =
                rename_in_expression(&a->x->arena, s->columns[i].default_text, from, to);
    int rc = ddl_keys_rename_column(a->x, a->t->name, s->columns[at].tag, from, to, a->err);
    s->columns[at].name = arena_strdup(&a->x->arena, to);
    return rc;
}

/* CHANGE that renames a column and rewrites rows makes a new column in Dolt's eyes, unless a key needs
 * it. */
static int renew_tag(struct alter *a, const struct column *old, struct column *changed) {
    struct ddl_tag_request tag = {changed->name, sql_type_tag_kind(&changed->type), 0};
    if (ddl_keys_check_column(a->x, a->t->name, old, "change", NULL) == BD_CONSTRAINT)
        return BD_OK;
    int rc = ddl_tags(a->x, a->t->name, &a->t->ts->schema, true, &tag, 1, a->err);
    changed->tag = tag.tag;
    return rc;
}

static int modify_column(struct alter *a) {
    size_t at = 0;
    int rc = find_column(a, a->action->name, &at);
    if (rc)
        return rc;
    const struct ddl_column *c = a->action->column;
    struct schema *s = copy_schema(a);
    const struct column old = s->columns[at];
    rc = rename_column_in(a, s, at, c->name);
    if (rc)
        return rc;
    struct column changed = ddl_column(c, old.tag, s->collation, &a->x->arena);
    changed.primary_key = old.primary_key;
    changed.nullable = changed.nullable && !old.primary_key;
    changed.hidden = old.hidden;
    changed.hidden_system = old.hidden_system;
    s->columns[at] = changed;
    size_t n = schema_visible_count(s), count = n;
    int *order = ddl_same_columns(a->x, s, 1);
    if (a->action->first || a->action->after) {
        memmove(order + at, order + at + 1, (n - at - 1) * sizeof *order);
        count--;
        rc = place(a, order, &count, (int)at, a->action->name);
        if (rc)
            return rc;
        rearrange(s, order, count, NULL, &a->x->arena);
    }
    size_t now = 0;
    while (order[now] != (int)at)
        now++;
    bool rewritten =
        now != at || (old.nullable && !changed.nullable) ||
        (strcmp(old.type_text, changed.type_text) && !ddl_type_widens(&old.type, &changed.type));
    if (rewritten && strcasecmp(old.name, c->name)) {
        rc = renew_tag(a, &old, &s->columns[now]);
        if (rc)
            return rc;
    }
    schema_derive(s, &a->x->arena);
    return ddl_change_table(a->x, a->t, s, order, &a->t, a->err);
}

static int rename_column(struct alter *a) {
    size_t at = 0;
    int rc = find_column(a, a->action->name, &at);
    struct schema *s = copy_schema(a);
    if (rc == BD_OK)
        rc = rename_column_in(a, s, at, a->action->new_name);
    return rc ? rc : apply(a, s);
}

static int set_default(struct alter *a, const char *text) {
    size_t at = 0;
    int rc = find_column(a, a->action->name, &at);
    if (rc)
        return rc;
    struct schema *s = copy_schema(a);
    s->columns[at].default_text = text ? arena_strdup(&a->x->arena, text) : "";
    return apply(a, s);
}

/* ---- indexes ---- */

/* The implicit index that the new one replaces: exactly the same columns, made for a foreign key. */
static const struct index *replaced_index(const struct schema *s, const struct ddl_index *ix) {
    for (size_t i = 0; i < s->index_count; i++) {
        const struct index *old = &s->indexes[i];
        bool same = old->system_defined && old->column_count == ix->part_count;
        for (size_t k = 0; same && k < ix->part_count; k++)
            same = !strcasecmp(s->columns[old->columns[k]].name, ix->parts[k].column);
        if (same)
            return old;
    }
    return NULL;
}

static void remove_index(struct schema *s, const char *name) {
    size_t n = 0;
    for (size_t i = 0; i < s->index_count; i++)
        if (strcasecmp(s->indexes[i].name, name))
            s->indexes[n++] = s->indexes[i];
    s->index_count = n;
}

static int add_index(struct alter *a, const struct ddl_index *ix, bool if_not_exists) {
    struct schema *s = copy_schema(a);
    if (if_not_exists && ix->name && schema_index(s, ix->name))
        return BD_OK;
    const struct index *old = replaced_index(s, ix);
    const char *old_name = old ? arena_strdup(&a->x->arena, old->name) : NULL, *name;
    if (old_name)
        remove_index(s, old_name);
    int rc = ddl_schema_add_index(s, ix, false, &a->x->arena, &name, a->err);
    if (rc == BD_OK)
        rc = apply(a, s);
    if (rc == BD_OK && old_name)
        rc = ddl_keys_index_gone(a->x, &a->t->ts->schema, a->t->name, old_name, name, a->err);
    return rc;
}

static int drop_index(struct alter *a) {
    const struct index *ix = schema_index(&a->t->ts->schema, a->action->name);
    if (!ix) {
        if (a->action->if_exists)
            return BD_OK;
        return err_set(a->err, BD_NOT_FOUND, "can't drop '%s'; check that it exists in table %s",
                       a->action->name, a->t->name);
    }
    struct schema *s = copy_schema(a);
    remove_index(s, a->action->name);
    int rc = ddl_keys_index_gone(a->x, s, a->t->name, ix->name, NULL, a->err);
    return rc ? rc : apply(a, s);
}

static int rename_index(struct alter *a) {
    struct schema *s = copy_schema(a);
    struct index *ix = NULL;
    for (size_t i = 0; i < s->index_count; i++)
        if (!strcasecmp(s->indexes[i].name, a->action->name))
            ix = &s->indexes[i];
    if (!ix)
        return err_set(a->err, BD_NOT_FOUND, "key '%s' doesn't exist in table '%s'", a->action->name,
                       a->t->name);
    if (schema_index(s, a->action->new_name) && strcasecmp(a->action->name, a->action->new_name))
        return err_set(a->err, BD_EXISTS, "duplicate key name '%s'", a->action->new_name);
    const char *old = ix->name;
    ix->name = arena_strdup(&a->x->arena, a->action->new_name);
    int rc = apply(a, s);
    if (rc == BD_OK)
        rc = ddl_keys_index_gone(a->x, s, a->t->name, old, a->action->new_name, a->err);
    return rc;
}

/* ---- primary key ---- */

static int add_primary_key(struct alter *a) {
    struct schema *s = copy_schema(a);
    if (s->pk_count)
        return err_set(a->err, BD_INVALID, "table %s has a primary key already", a->t->name);
    s->column_count = schema_visible_count(s);
    s->keyless = false;
    int rc = ddl_schema_set_key(s, a->action->index->parts, a->action->index->part_count, &a->x->arena,
                                a->err);
    return rc ? rc : apply(a, s);
}

static int drop_primary_key(struct alter *a) {
    struct schema *s = copy_schema(a);
    if (!s->pk_count)
        return err_set(a->err, BD_NOT_FOUND, "table %s has no primary key", a->t->name);
    for (size_t i = 0; i < s->pk_count; i++)
        s->columns[s->pk[i]].primary_key = false;
    s->pk_count = 0;
    int rc = ddl_keys_index_gone(a->x, s, a->t->name, "", NULL, a->err);
    return rc ? rc : apply(a, s);
}

/* ---- checks ---- */

/* The rows that are there must satisfy a new check. */
static int check_rows(struct alter *a) {
    const struct table_schema *ts = a->t->ts;
    size_t n = schema_visible_count(&ts->schema);
    struct arena scratch = ARENA_INIT;
    struct map_cursor cursor;
    int rc = map_cursor_first(&cursor, &a->t->rows, a->err);
    if (rc)
        return rc;
    while (rc == BD_OK && cursor.valid) {
        struct cell *row = arena_zalloc(&scratch, (ts->schema.column_count + 1) * sizeof *row);
        for (size_t i = 0; rc == BD_OK && i < n; i++)
            rc = table_cell(ts, i, cursor.key, cursor.value, a->x->ns, &scratch, &row[i], a->err);
        if (rc == BD_OK)
            rc = checks_run(a->x, a->t, row, NULL, a->err);
        arena_reset(&scratch);
        if (rc == BD_OK)
            rc = map_cursor_next(&cursor, a->err);
    }
    map_cursor_release(&cursor);
    arena_release(&scratch);
    return rc;
}

static int add_check(struct alter *a) {
    struct schema *s = copy_schema(a);
    int rc = ddl_schema_add_check(s, a->t->name, a->action->check, &a->x->arena, a->err);
    if (rc == BD_OK)
        rc = apply(a, s);
    if (rc == BD_OK && !a->action->check->not_enforced)
        rc = check_rows(a);
    return rc;
}

static int drop_check(struct alter *a, bool *dropped) {
    struct schema *s = copy_schema(a);
    size_t n = 0;
    for (size_t i = 0; i < s->check_count; i++)
        if (strcasecmp(s->checks[i].name, a->action->name))
            s->checks[n++] = s->checks[i];
    *dropped = n < s->check_count;
    s->check_count = n;
    return *dropped ? apply(a, s) : BD_OK;
}

static int not_there(struct alter *a, const char *what) {
    if (a->action->if_exists)
        return BD_OK;
    return err_set(a->err, BD_NOT_FOUND, "%s \"%s\" was not found on the table \"%s\"", what,
                   a->action->name, a->t->name);
}

static int drop_constraint(struct alter *a) {
    bool dropped;
    int rc = ddl_drop_foreign_key(a->x, a->t->name, a->action->name, &dropped, a->err);
    if (rc || dropped)
        return rc;
    rc = drop_check(a, &dropped);
    if (rc || dropped)
        return rc;
    const struct index *ix = schema_index(&a->t->ts->schema, a->action->name);
    return ix && ix->unique ? drop_index(a) : not_there(a, "constraint");
}

/* ---- the table itself ---- */

static int rename_table(struct alter *a) {
    struct embedded_txn *x = a->x;
    struct table *other;
    int rc = embedded_table(x, a->action->new_name, &other, NULL);
    if (rc == BD_OK)
        return err_set(a->err, BD_EXISTS, "table with name %s already exists", a->action->new_name);
    if (rc != BD_NOT_FOUND)
        return err_set(a->err, rc, "table %s cannot be read", a->action->new_name);
    rc = table_flush(a->t, a->err); /* the bytes stay, whatever the name */
    if (rc)
        return rc;
    struct table *n = arena_dup(&x->arena, a->t, sizeof *n);
    n->name = arena_strdup(&x->arena, a->action->new_name);
    n->changed = true;
    rc = ddl_keys_rename_table(x, a->t->name, n->name, a->err);
    if (rc == BD_OK)
        rc = embedded_drop_table(x, a->t);
    if (rc == BD_OK) {
        embedded_put_table(x, n);
        a->t = n;
    }
    return rc;
}

static int set_on_schema(struct alter *a) {
    struct schema *s = copy_schema(a);
    if (a->action->kind == DDL_SET_COLLATION)
        s->collation = a->action->collation;
    else
        s->comment = arena_strdup(&a->x->arena, a->action->new_name);
    return apply(a, s);
}

static int run_action(struct alter *a) {
    bool dropped = true;
    int rc;
    switch (a->action->kind) {
    case DDL_ADD_COLUMN: return add_column(a);
    case DDL_DROP_COLUMN: return drop_column(a);
    case DDL_MODIFY_COLUMN: return modify_column(a);
    case DDL_RENAME_COLUMN: return rename_column(a);
    case DDL_SET_DEFAULT: return set_default(a, a->action->column->default_text);
    case DDL_DROP_DEFAULT: return set_default(a, NULL);
    case DDL_ADD_INDEX: return add_index(a, a->action->index, a->action->if_not_exists);
    case DDL_DROP_INDEX: return drop_index(a);
    case DDL_RENAME_INDEX: return rename_index(a);
    case DDL_ADD_PRIMARY_KEY: return add_primary_key(a);
    case DDL_DROP_PRIMARY_KEY: return drop_primary_key(a);
    case DDL_ADD_FOREIGN_KEY: return ddl_add_foreign_key(a->x, &a->t, a->action->foreign_key, a->err);
    case DDL_DROP_FOREIGN_KEY:
        rc = ddl_drop_foreign_key(a->x, a->t->name, a->action->name, &dropped, a->err);
        return rc || dropped ? rc : not_there(a, "foreign key");
    case DDL_ADD_CHECK: return add_check(a);
    case DDL_DROP_CHECK:
        rc = drop_check(a, &dropped);
        return rc || dropped ? rc : not_there(a, "check constraint");
    case DDL_DROP_CONSTRAINT: return drop_constraint(a);
    case DDL_RENAME_TABLE: return rename_table(a);
    case DDL_SET_AUTO_INCREMENT:
        a->t->auto_increment = a->action->auto_increment;
        a->t->changed = true;
        return BD_OK;
    case DDL_SET_COLLATION:
    case DDL_SET_COMMENT: return set_on_schema(a);
    }
    return err_set(a->err, BD_UNSUPPORTED, "unknown action %d of ALTER TABLE", (int)a->action->kind);
}

int ddl_alter(struct embedded_txn *x, const struct ddl *d, struct err *err) {
    struct alter a = {.x = x, .err = err};
    int rc = embedded_table_for_write(x, d->table, &a.t, err);
    for (size_t i = 0; rc == BD_OK && i < d->action_count; i++) {
        a.action = &d->actions[i];
        rc = run_action(&a);
    }
    return rc ? rc : ddl_check_auto_increment(&a.t->ts->schema, err);
}
