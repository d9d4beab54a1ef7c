/*
 * Judging conflicts row by row. The engine has merged the cells that only one side changed; what is
 * left are the clashing ones, and rows that one side deleted.
 */
#include "bd/ops/merge_rules.h"

#include "bd/ops/content_hash.h"
#include "bd/ops/issue.h"
#include "store/value/json.h"
#include "store/value/json_edit.h"

#include <stdlib.h>
#include <string.h>

bool merge_strategy_parse(const char *text, enum merge_strategy *out) {
    static const char *const names[] = {"newest", "ours", "theirs"};
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum merge_strategy)i;
            return true;
        }
    }
    return false;
}

/* ---- which side is newer ---- */

static const struct cell *cell_of(const struct tables_conflict *c, const struct cell *row,
                                  const char *column) {
    int at = row ? schema_column(c->schema, column) : -1;
    return at < 0 ? NULL : &row[at];
}

/* <0, 0, >0 by a column; a missing or NULL cell is the smallest */
static int compare_by(const struct tables_conflict *c, const char *column) {
    const struct cell *ours = cell_of(c, c->ours, column), *theirs = cell_of(c, c->theirs, column);
    return ours && theirs ? cell_cmp(ours, theirs) : 0;
}

static bool theirs_is_newer(const struct tables_conflict *c) {
    static const char *const times[] = {"updated_at", "sent_at", "created_at"};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        if (schema_column(c->schema, times[i]) < 0)
            continue;
        int order = compare_by(c, times[i]);
        if (order)
            return order < 0;
        break;
    }
    /* a completion is never lost to an edit in the same second */
    const struct cell *ours = cell_of(c, c->ours, "closed_at"),
                      *theirs = cell_of(c, c->theirs, "closed_at");
    if (ours && theirs && cell_is_null(ours) != cell_is_null(theirs))
        return cell_is_null(ours);
    for (size_t i = 0; i < c->schema->column_count; i++) {
        int order = cell_cmp(&c->ours[i], &c->theirs[i]);
        if (order)
            return order < 0;
    }
    return false;
}

/* ---- classes of columns ---- */

enum column_class { CLASS_NEWEST, CLASS_MAX, CLASS_MIN, CLASS_SET, CLASS_JSON, CLASS_OURS };

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static bool one_of(const char *text, const char *const *list) {
    for (; *list; list++)
        if (strcmp(text, *list) == 0)
            return true;
    return false;
}

static bool key_is(const struct tables_conflict *c, const char *const *keys) {
    const struct cell *key = cell_of(c, c->ours, "key");
    for (; key && cell_has_text(key) && *keys; keys++)
        if (key->s.size == strlen(*keys) && memcmp(key->s.data, *keys, key->s.size) == 0)
            return true;
    return false;
}

static enum column_class class_of(const struct tables_conflict *c, const struct column *column) {
    static const char *const largest[] = {
        "updated_at", "compaction_level", "last_activity", "last_child", "last_id", "last_sync", NULL};
    static const char *const smallest[] = {"created_at", "started_at", "read_at", NULL};
    static const char *const sets[] = {"waiters", "to_addrs", "subscribers", NULL};
    static const char *const comma_lists[] = {"types.custom", "status.custom", "allowed_prefixes",
                                              NULL};
    static const char *const our_own[] = {"issue_prefix", NULL};
    if (one_of(column->name, largest) || ends_with(column->name, "_count") ||
        ends_with(column->name, "_counter"))
        return CLASS_MAX;
    if (one_of(column->name, smallest))
        return CLASS_MIN;
    if (one_of(column->name, sets))
        return CLASS_SET;
    if (strcmp(c->table, "config") == 0 && strcmp(column->name, "value") == 0)
        return key_is(c, our_own) ? CLASS_OURS : key_is(c, comma_lists) ? CLASS_SET : CLASS_NEWEST;
    return column->type.base == SQL_JSON ? CLASS_JSON : CLASS_NEWEST;
}

/* ---- JSON and sets ---- */

/* The printed value, its objects' members in order. */
static const char *canonical(const struct json_value *v, struct arena *a) {
    struct buf text = BUF_INIT, normal = BUF_INIT;
    json_value_print(&text, v);
    bool good = json_renormalize(text.data, text.size, &normal, NULL) == BD_OK;
    const char *result = arena_strdup(a, buf_str(good ? &normal : &text));
    buf_release(&text);
    buf_release(&normal);
    return result;
}

static bool holds(const struct json_value *array, const struct json_value *item) {
    JSON_EACH(v, array) {
        if (json_value_equal(v, item))
            return true;
    }
    return false;
}

struct set_item {
    const char *text;
    struct json_value *v;
};

static int compare_items(const void *x, const void *y) {
    return strcmp(((const struct set_item *)x)->text, ((const struct set_item *)y)->text);
}

/* (ours ∪ theirs) without what either side took out of the base, sorted */
static struct json_value *merge_sets(const struct json_value *base, const struct json_value *ours,
                                     const struct json_value *theirs, struct arena *a) {
    const struct json_value *sides[] = {ours, theirs};
    struct json_value *out = json_value_array(a);
    for (int s = 0; s < 2; s++) {
        JSON_EACH(v, sides[s]) {
            bool removed = json_value_is(base, JSON_ARRAY) && holds(base, v) && !holds(sides[1 - s], v);
            if (!removed && !holds(out, v))
                json_value_append(out, NULL, v, a);
        }
    }
    struct set_item *items = arena_alloc(a, (out->count + 1) * sizeof *items);
    size_t n = 0;
    for (struct json_value *v = out->child; v; v = v->next)
        items[n++] = (struct set_item){canonical(v, a), v};
    qsort(items, n, sizeof *items, compare_items);
    struct json_value **tail = &out->child;
    for (size_t i = 0; i < n; i++) {
        *tail = items[i].v;
        tail = &items[i].v->next;
    }
    *tail = NULL;
    return out;
}

struct json_merge {
    bool theirs_newer;
    struct arena *a;
};

static const struct json_value *merge_values(const struct json_merge *m, const struct json_value *base,
                                             const struct json_value *ours,
                                             const struct json_value *theirs);

static void merge_member(const struct json_merge *m, struct json_value *out, const char *key,
                         const struct json_value *base, const struct json_value *ours,
                         const struct json_value *theirs) {
    const struct json_value *b = json_value_get(base, key);
    const struct json_value *o = json_value_get(ours, key), *t = json_value_get(theirs, key);
    const struct json_value *v = json_value_equal(o, t) || json_value_equal(t, b) ? o
                                 : json_value_equal(o, b)                         ? t
                                 : o && t ? merge_values(m, b, o, t)
                                 : o      ? o
                                          : t;
    if (v)
        json_value_append(out, key, v, m->a);
}

static const struct json_value *merge_values(const struct json_merge *m, const struct json_value *base,
                                             const struct json_value *ours,
                                             const struct json_value *theirs) {
    if (ours->kind == JSON_ARRAY && theirs->kind == JSON_ARRAY)
        return merge_sets(base, ours, theirs, m->a);
    if (ours->kind != JSON_OBJECT || theirs->kind != JSON_OBJECT)
        return m->theirs_newer ? theirs : ours;
    struct json_value *out = json_value_object(m->a);
    JSON_EACH(v, ours) {
        if (json_value_get(ours, v->key) == v)
            merge_member(m, out, v->key, base, ours, theirs);
    }
    JSON_EACH(v, theirs) {
        if (json_value_get(theirs, v->key) == v && !json_value_get(ours, v->key))
            merge_member(m, out, v->key, base, ours, theirs);
    }
    return out;
}

static const struct json_value *parse(const char *text, struct arena *a) {
    return text ? json_value_parse(text, strlen(text), a, NULL) : NULL;
}

const char *merge_rules_json(const char *base, const char *ours, const char *theirs, bool theirs_newer,
                             struct arena *a) {
    const struct json_merge m = {theirs_newer, a};
    const struct json_value *o = parse(ours, a), *t = parse(theirs, a);
    const char *result = theirs_newer ? theirs : ours;
    if (!o || !t)
        return result;
    struct buf text = BUF_INIT, normal = BUF_INIT;
    json_value_print(&text, merge_values(&m, parse(base, a), o, t));
    if (json_renormalize(text.data, text.size, &normal, NULL) == BD_OK)
        result = arena_strdup(a, buf_str(&normal));
    buf_release(&text);
    buf_release(&normal);
    return result;
}

/* A comma list as a JSON array of its parts. */
static struct json_value *split_list(const char *text, struct arena *a) {
    struct json_value *out = json_value_array(a);
    for (const char *p = text ? text : ""; *p;) {
        size_t n = strcspn(p, ","), size = n;
        const char *start = p;
        for (; size && *start == ' '; start++)
            size--;
        while (size && start[size - 1] == ' ')
            size--;
        if (size)
            json_value_append(out, NULL, json_value_string(a, start, size), a);
        p += n + (p[n] == ',');
    }
    return out;
}

static const char *merge_list(const char *base, const char *ours, const char *theirs, struct arena *a) {
    struct buf out = BUF_INIT;
    JSON_EACH(v, merge_sets(split_list(base, a), split_list(ours, a), split_list(theirs, a), a))
    buf_addf(&out, "%s%s", out.size ? "," : "", v->text);
    const char *text = arena_strdup(a, buf_str(&out));
    buf_release(&out);
    return text;
}

static const char *text_of(const struct cell *row, size_t column, struct arena *a) {
    return row && !cell_is_null(&row[column]) ? cell_format(&row[column], a) : NULL;
}

static struct cell merge_text(const struct tables_conflict *c, size_t column, enum column_class class,
                              bool theirs_newer, struct arena *a) {
    const char *base = text_of(c->base, column, a), *ours = text_of(c->ours, column, a);
    const char *theirs = text_of(c->theirs, column, a);
    bool list = class == CLASS_SET && !(ours && *ours == '[') && !(theirs && *theirs == '[');
    const char *text = list ? merge_list(base, ours, theirs, a)
                            : merge_rules_json(base, ours && *ours ? ours : NULL,
                                               theirs && *theirs ? theirs : NULL, theirs_newer, a);
    if (!text)
        text = ours ? ours : theirs;
    return c->schema->columns[column].type.base == SQL_JSON ? cell_json(text) : cell_text(text);
}

/* ---- columns that belong together ---- */

static const char *const groups[][6] = {
    {"status", "closed_at", "close_reason", "closed_by_session", "defer_until", NULL},
    {"assignee", "owner", NULL},
    {"compaction_level", "compacted_at", "compacted_at_commit", "original_size", NULL},
    {"await_type", "await_id", "timeout_ns", NULL},
};

/* When one of a group clashes the whole group comes from one row. */
static void take_groups(const struct tables_conflict *c, bool theirs_newer, struct cell *merged) {
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
        bool clash = false;
        for (const char *const *name = groups[g]; *name; name++) {
            int at = schema_column(c->schema, *name);
            clash = clash || (at >= 0 && c->clashing[at]);
        }
        if (!clash)
            continue;
        bool theirs = theirs_newer;
        if (g == 2 && compare_by(c, "compaction_level"))
            theirs = compare_by(c, "compaction_level") < 0;
        for (const char *const *name = groups[g]; *name; name++) {
            int at = schema_column(c->schema, *name);
            if (at >= 0)
                merged[at] = theirs ? c->theirs[at] : c->ours[at];
        }
    }
}

/* ---- the judge ---- */

static bool is_issue_table(const char *table) {
    return strcmp(table, "issues") == 0 || strcmp(table, "wisps") == 0;
}

/* The fingerprint follows the merged texts. */
static void refresh_hash(const struct tables_conflict *c, struct cell *merged, struct arena *a) {
    struct cell row[ISSUE_COLUMN_COUNT];
    struct issue i;
    int at = schema_column(c->schema, "content_hash");
    if (at < 0)
        return;
    for (size_t k = 0; k < issue_column_count; k++) {
        int column = schema_column(c->schema, issue_columns[k]);
        row[k] = column < 0 ? cell_null() : merged[column];
    }
    issue_init(&i);
    issue_from_row(&i, row, a);
    merged[at] = cell_text(issue_content_hash(&i, a));
}

/* Both created a row with this key: the same issue, or two different ones? */
static bool are_strangers(const struct tables_conflict *c) {
    return is_issue_table(c->table) && !c->base &&
           (compare_by(c, "created_at") || compare_by(c, "created_by") || compare_by(c, "title"));
}

static void merge_cells(const struct tables_conflict *c, struct cell *merged, struct arena *a) {
    bool newer = theirs_is_newer(c);
    for (size_t i = 0; i < c->schema->column_count; i++) {
        if (!c->clashing[i])
            continue;
        enum column_class class = class_of(c, &c->schema->columns[i]);
        const struct cell *o = &c->ours[i], *t = &c->theirs[i];
        switch (class) {
        case CLASS_MAX: merged[i] = cell_cmp(o, t) >= 0 ? *o : *t; break;
        case CLASS_MIN:
            merged[i] = cell_is_null(o) || (!cell_is_null(t) && cell_cmp(t, o) < 0) ? *t : *o;
            break;
        case CLASS_SET:
        case CLASS_JSON: merged[i] = merge_text(c, i, class, newer, a); break;
        case CLASS_OURS: merged[i] = *o; break;
        case CLASS_NEWEST: merged[i] = newer ? *t : *o; break;
        }
    }
    take_groups(c, newer, merged);
    if (is_issue_table(c->table))
        refresh_hash(c, merged, a);
}

int merge_rules_resolve(void *judge, const struct tables_conflict *c, struct cell *merged,
                        bool *removed, struct arena *a) {
    struct merge_judge *j = judge;
    *removed = false;
    if (!c->ours || !c->theirs) {
        const struct cell *kept = c->ours ? c->ours : c->theirs;
        /* an edit beats a deletion unless one side was asked to win */
        *removed = (j->strategy == MERGE_OURS && !c->ours) ||
                   (j->strategy == MERGE_THEIRS && !c->theirs) || !kept;
        for (size_t i = 0; i < c->schema->column_count && !*removed; i++)
            merged[i] = kept[i];
    } else if (j->strategy == MERGE_NEWEST) {
        if (are_strangers(c))
            return BD_CONFLICT;
        merge_cells(c, merged, a);
    } else {
        for (size_t i = 0; i < c->schema->column_count; i++)
            if (c->clashing[i])
                merged[i] = j->strategy == MERGE_OURS ? c->ours[i] : c->theirs[i];
    }
    j->resolved++;
    return BD_OK;
}
