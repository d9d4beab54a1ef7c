/*
 * Judging conflicts row by row. The engine has merged the cells that only one side changed; what is
 * left are the clashing ones, and rows that one side deleted.
 */
#include "bd/ops/merge_rules.h"

#include "bd/ops/content_hash.h"
#include "bd/ops/issue.h"
#include "store/value/json.h"

#include <cjson/cJSON.h>
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

static char *canonical(const cJSON *v) {
    char *text = v ? cJSON_PrintUnformatted(v) : NULL;
    return text ? text : mem_strdup("");
}

static bool equal(const cJSON *x, const cJSON *y) {
    return x && y ? cJSON_Compare(x, y, true) : x == y;
}

static bool holds(const cJSON *array, const cJSON *item) {
    const cJSON *v;
    cJSON_ArrayForEach(v, array) if (equal(v, item)) return true;
    return false;
}

static int compare_items(const void *a, const void *b) {
    char *x = canonical(*(cJSON *const *)a), *y = canonical(*(cJSON *const *)b);
    int order = strcmp(x, y);
    free(x);
    free(y);
    return order;
}

/* (ours ∪ theirs) without what either side took out of the base, sorted */
static cJSON *merge_sets(const cJSON *base, const cJSON *ours, const cJSON *theirs) {
    const cJSON *sides[] = {ours, theirs}, *v;
    cJSON *out = cJSON_CreateArray();
    for (int s = 0; s < 2; s++) {
        cJSON_ArrayForEach(v, sides[s]) {
            bool removed = cJSON_IsArray(base) && holds(base, v) && !holds(sides[1 - s], v);
            if (!removed && !holds(out, v))
                cJSON_AddItemToArray(out, cJSON_Duplicate(v, true));
        }
    }
    size_t n = (size_t)cJSON_GetArraySize(out), i = 0;
    cJSON **items = mem_zalloc(n + 1, sizeof *items);
    while (out->child)
        items[i++] = cJSON_DetachItemFromArray(out, 0);
    qsort(items, n, sizeof *items, compare_items);
    for (i = 0; i < n; i++)
        cJSON_AddItemToArray(out, items[i]);
    free(items);
    return out;
}

static cJSON *merge_values(const cJSON *base, const cJSON *ours, const cJSON *theirs,
                           bool theirs_newer);

static void merge_member(cJSON *out, const char *key, const cJSON *base, const cJSON *ours,
                         const cJSON *theirs, bool theirs_newer) {
    const cJSON *b = cJSON_IsObject(base) ? cJSON_GetObjectItemCaseSensitive(base, key) : NULL;
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(ours, key);
    const cJSON *t = cJSON_GetObjectItemCaseSensitive(theirs, key);
    cJSON *v = equal(o, t) || equal(t, b) ? cJSON_Duplicate(o, true)
               : equal(o, b)              ? cJSON_Duplicate(t, true)
               : o && t                   ? merge_values(b, o, t, theirs_newer)
                                          : cJSON_Duplicate(o ? o : t, true);
    if (v)
        cJSON_AddItemToObject(out, key, v);
}

static cJSON *merge_values(const cJSON *base, const cJSON *ours, const cJSON *theirs,
                           bool theirs_newer) {
    if (cJSON_IsArray(ours) && cJSON_IsArray(theirs))
        return merge_sets(base, ours, theirs);
    if (!cJSON_IsObject(ours) || !cJSON_IsObject(theirs))
        return cJSON_Duplicate(theirs_newer ? theirs : ours, true);
    cJSON *out = cJSON_CreateObject();
    const cJSON *v;
    cJSON_ArrayForEach(v, ours) merge_member(out, v->string, base, ours, theirs, theirs_newer);
    cJSON_ArrayForEach(v, theirs) if (!cJSON_GetObjectItemCaseSensitive(ours, v->string))
        merge_member(out, v->string, base, ours, theirs, theirs_newer);
    return out;
}

const char *merge_rules_json(const char *base, const char *ours, const char *theirs, bool theirs_newer,
                             struct arena *a) {
    cJSON *b = base ? cJSON_Parse(base) : NULL, *o = ours ? cJSON_Parse(ours) : NULL;
    cJSON *t = theirs ? cJSON_Parse(theirs) : NULL;
    const char *fallback = theirs_newer ? theirs : ours, *result = fallback;
    cJSON *merged = o && t ? merge_values(b, o, t, theirs_newer) : NULL;
    char *text = merged ? cJSON_PrintUnformatted(merged) : NULL;
    struct buf normal = BUF_INIT;
    if (text && json_normalize(text, strlen(text), &normal, NULL) == BD_OK)
        result = arena_strdup(a, buf_str(&normal));
    buf_release(&normal);
    cJSON_free(text);
    cJSON_Delete(merged);
    cJSON_Delete(b);
    cJSON_Delete(o);
    cJSON_Delete(t);
    return result;
}

/* A comma list as a JSON array of its parts. */
static cJSON *split_list(const char *text) {
    cJSON *out = cJSON_CreateArray();
    for (const char *p = text ? text : ""; *p;) {
        size_t n = strcspn(p, ",");
        char *part = mem_dup(p, n + 1);
        part[n] = '\0';
        char *start = part + strspn(part, " ");
        for (size_t k = strlen(start); k && start[k - 1] == ' '; k--)
            start[k - 1] = '\0';
        if (*start)
            cJSON_AddItemToArray(out, cJSON_CreateString(start));
        free(part);
        p += n + (p[n] == ',');
    }
    return out;
}

static const char *merge_list(const char *base, const char *ours, const char *theirs, struct arena *a) {
    cJSON *b = split_list(base), *o = split_list(ours), *t = split_list(theirs);
    cJSON *merged = merge_sets(b, o, t);
    const cJSON *v;
    struct buf out = BUF_INIT;
    cJSON_ArrayForEach(v, merged) buf_addf(&out, "%s%s", out.size ? "," : "", v->valuestring);
    const char *text = arena_strdup(a, buf_str(&out));
    buf_release(&out);
    cJSON_Delete(b);
    cJSON_Delete(o);
    cJSON_Delete(t);
    cJSON_Delete(merged);
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
