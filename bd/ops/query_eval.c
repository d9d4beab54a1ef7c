/*
 * Meaning of queries. Comparisons joined by AND (and OR of labels, NOT of status or type) become a
 * filter; anything else keeps a test, and the filter then holds what every match must satisfy.
 */
#include "base/datetime.h"
#include "base/json_value.h"
#include "bd/ops/query.h"
#include "bd/ops/time_parse.h"
#include "bd/ops/validate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum field_id {
    F_STATUS,
    F_PRIORITY,
    F_TYPE,
    F_ASSIGNEE,
    F_OWNER,
    F_LABEL,
    F_TITLE,
    F_DESCRIPTION,
    F_NOTES,
    F_CREATED,
    F_UPDATED,
    F_CLOSED,
    F_STARTED,
    F_ID,
    F_SPEC,
    F_PARENT,
    F_PINNED,
    F_EPHEMERAL,
    F_TEMPLATE,
    F_MOL_TYPE,
    F_HAS_METADATA_KEY,
    F_METADATA,
    F_UNKNOWN,
};

static const struct {
    const char *name;
    enum field_id id;
} fields[] = {
    {"status", F_STATUS},
    {"priority", F_PRIORITY},
    {"type", F_TYPE},
    {"assignee", F_ASSIGNEE},
    {"owner", F_OWNER},
    {"label", F_LABEL},
    {"labels", F_LABEL},
    {"title", F_TITLE},
    {"description", F_DESCRIPTION},
    {"desc", F_DESCRIPTION},
    {"notes", F_NOTES},
    {"created", F_CREATED},
    {"created_at", F_CREATED},
    {"updated", F_UPDATED},
    {"updated_at", F_UPDATED},
    {"closed", F_CLOSED},
    {"closed_at", F_CLOSED},
    {"started", F_STARTED},
    {"started_at", F_STARTED},
    {"id", F_ID},
    {"spec", F_SPEC},
    {"spec_id", F_SPEC},
    {"parent", F_PARENT},
    {"pinned", F_PINNED},
    {"ephemeral", F_EPHEMERAL},
    {"template", F_TEMPLATE},
    {"mol_type", F_MOL_TYPE},
    {"has_metadata_key", F_HAS_METADATA_KEY},
};

static enum field_id field_of(const struct query_node *n) {
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(n->field, fields[i].name) == 0)
            return fields[i].id;
    return strncmp(n->field, "metadata.", 9) == 0 ? F_METADATA : F_UNKNOWN;
}

static bool is_time(enum field_id f) { return f >= F_CREATED && f <= F_STARTED; }

static bool is_none(const char *value) {
    return !*value || strcasecmp(value, "none") == 0 || strcasecmp(value, "null") == 0;
}

static const char *lower(struct arena *a, const char *s) {
    char *out = arena_strdup(a, s);
    for (char *p = out; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return out;
}

static int parse_bool(const char *value, bool *out) {
    static const char *const yes[] = {"true", "yes", "1"}, *const no[] = {"false", "no", "0"};
    for (int i = 0; i < 3; i++) {
        if (strcasecmp(value, yes[i]) == 0 || strcasecmp(value, no[i]) == 0) {
            *out = strcasecmp(value, yes[i]) == 0;
            return BD_OK;
        }
    }
    return BD_INVALID;
}

static bool parse_int(const char *value, int64_t *out) {
    char *end;
    *out = strtoll(value, &end, 10);
    return *value && !*end;
}

static const char *without_star(struct arena *a, const char *value, bool *star) {
    size_t n = strlen(value);
    *star = n && value[n - 1] == '*';
    return *star ? arena_strndup(a, value, n - 1) : value;
}

/* The instant a time comparison refers to: a duration means that long ago. */
static int parse_time(const struct query_node *n, int64_t now, int64_t *out, struct arena *a,
                      struct err *err) {
    if (!n->is_duration)
        return time_parse(n->value, now, out, err);
    const char *text = arena_printf(a, "-%s", lower(a, n->value + (*n->value == '+')));
    if (time_parse_compact(text, now, out))
        return BD_OK;
    return err_set(err, BD_INVALID, "not a compact duration: \"%s\"", text);
}

/* ---- filter mode ---- */

struct compiler {
    struct arena *a;
    struct issue_filter *f;
    int64_t now;
    struct err *err;
};

static int only_equals(const struct query_node *n, struct compiler *c, const char *what) {
    if (n->op == QUERY_EQ)
        return BD_OK;
    return err_set(c->err, BD_INVALID, "%s only support%s = operator", what,
                   strcmp(what, "metadata fields") == 0 ? "" : "s");
}

static int apply_status(const struct query_node *n, struct compiler *c) {
    const char *status = lower(c->a, n->value);
    if (n->op > QUERY_NE)
        return err_set(c->err, BD_INVALID, "status only supports = and != operators");
    if (!status_is_builtin(status))
        return err_set(c->err, BD_INVALID, "invalid status: %s", n->value);
    if (n->op == QUERY_EQ)
        c->f->statuses.count = 0;
    text_list_add(n->op == QUERY_EQ ? &c->f->statuses : &c->f->exclude_statuses, c->a, status);
    return BD_OK;
}

static int apply_priority(const struct query_node *n, struct compiler *c) {
    int64_t v;
    if (!parse_int(n->value, &v))
        return err_set(c->err, BD_INVALID, "invalid priority value: %s", n->value);
    if (v < 0 || v > 4)
        return err_set(c->err, BD_INVALID, "priority must be between 0 and 4");
    if (n->op == QUERY_NE)
        return err_set(c->err, BD_INVALID, "priority != requires predicate filtering");
    if ((n->op == QUERY_LT && v == 0) || (n->op == QUERY_GT && v == 4))
        return err_set(c->err, BD_INVALID, "priority %c %lld matches nothing",
                       n->op == QUERY_LT ? '<' : '>', (long long)v);
    if (n->op == QUERY_EQ)
        c->f->priority = v;
    else if (n->op == QUERY_LT || n->op == QUERY_LE)
        c->f->priority_max = v - (n->op == QUERY_LT);
    else
        c->f->priority_min = v + (n->op == QUERY_GT);
    return BD_OK;
}

static int apply_type(const struct query_node *n, struct compiler *c) {
    if (n->op > QUERY_NE)
        return err_set(c->err, BD_INVALID, "type only supports = and != operators");
    if (n->op == QUERY_EQ)
        c->f->issue_type = lower(c->a, n->value);
    else
        text_list_add(&c->f->exclude_types, c->a, lower(c->a, n->value));
    return BD_OK;
}

static int64_t local_day(int64_t t, int add_days) {
    struct civil day;
    time_to_local(t, &day);
    day = (struct civil){day.year, day.month, day.day + add_days, 0, 0, 0, 0};
    return time_from_local(&day);
}

static int apply_time(const struct query_node *n, struct compiler *c, enum field_id field) {
    static const char *const names[] = {"created", "updated", "closed", "started"};
    struct filter_time *ranges[] = {&c->f->created, &c->f->updated, &c->f->closed, &c->f->started};
    const char *name = names[field - F_CREATED];
    struct filter_time *range = ranges[field - F_CREATED];
    int64_t t;
    if (parse_time(n, c->now, &t, c->a, c->err) != BD_OK)
        return err_prefix(c->err, "invalid %s time", name);
    if (n->op == QUERY_NE || (n->op == QUERY_EQ && field >= F_CLOSED))
        return err_set(c->err, BD_INVALID, "%s does not support %s operator", name,
                       n->op == QUERY_NE ? "!=" : "=");
    if (n->op == QUERY_EQ) {
        range->after = local_day(t, 0);
        range->before = range->after + INT64_C(86400) * MICROS_PER_SECOND;
    } else if (n->op == QUERY_GT || n->op == QUERY_GE) {
        range->after = t;
    } else {
        range->before = n->op == QUERY_LT ? t : local_day(t, 1) - 1;
    }
    return BD_OK;
}

static int apply_flag(const struct query_node *n, struct compiler *c, enum filter_flag *flag) {
    bool value;
    int rc = only_equals(n, c, n->field);
    if (rc != BD_OK)
        return rc;
    if (parse_bool(n->value, &value) != BD_OK)
        return err_set(c->err, BD_INVALID, "invalid boolean value for %s: %s", n->field, n->value);
    *flag = value ? FILTER_YES : FILTER_NO;
    return BD_OK;
}

static int check_metadata_key(const char *key, struct compiler *c) {
    return metadata_key_is_valid(key) ? BD_OK
                                      : err_set(c->err, BD_INVALID, "invalid metadata key \"%s\"", key);
}

static int apply_metadata(const struct query_node *n, struct compiler *c) {
    const char *key = n->field + 9;
    int rc = only_equals(n, c, "metadata fields");
    if (rc == BD_OK)
        rc = check_metadata_key(key, c);
    if (rc != BD_OK)
        return rc;
    struct filter_pair *pairs = arena_alloc(c->a, (c->f->metadata_count + 1) * sizeof *pairs);
    if (c->f->metadata_count)
        memcpy(pairs, c->f->metadata, c->f->metadata_count * sizeof *pairs);
    pairs[c->f->metadata_count++] = (struct filter_pair){key, n->value};
    c->f->metadata = pairs;
    return BD_OK;
}

/* Text fields: name for messages, and where the value goes. */
static int apply_text(const struct query_node *n, struct compiler *c, enum field_id field) {
    struct issue_filter *f = c->f;
    bool star, none = is_none(n->value);
    const char *stem = without_star(c->a, n->value, &star);
    if (field == F_TITLE && n->op != QUERY_EQ)
        return err_set(c->err, BD_INVALID,
                       "title only supports = operator (use title contains pattern)");
    if (field == F_DESCRIPTION && n->op != QUERY_EQ)
        return err_set(c->err, BD_INVALID,
                       "description only supports = operator (use desc contains pattern)");
    static const char *const names[] = {[F_ASSIGNEE] = "assignee", [F_LABEL] = "label",
                                        [F_NOTES] = "notes",       [F_ID] = "id",
                                        [F_SPEC] = "spec",         [F_PARENT] = "parent",
                                        [F_TITLE] = "title",       [F_DESCRIPTION] = "description"};
    int rc = only_equals(n, c, names[field]);
    if (rc != BD_OK)
        return rc;
    switch (field) {
    case F_ASSIGNEE:
        if (none)
            f->no_assignee = true;
        else
            f->assignee = n->value;
        break;
    case F_LABEL:
        if (none)
            f->no_labels = true;
        else
            text_list_add(&f->labels, c->a, n->value);
        break;
    case F_TITLE: f->title_contains = n->value; break;
    case F_DESCRIPTION:
        if (none)
            f->empty_description = true;
        else
            f->description_contains = n->value;
        break;
    case F_NOTES: f->notes_contains = n->value; break;
    case F_ID:
        if (star)
            f->id_prefix = stem;
        else
            text_list_add(&f->ids, c->a, n->value);
        break;
    case F_SPEC: f->spec_prefix = stem; break;
    default: f->parent = n->value; break;
    }
    return BD_OK;
}

static int apply_comparison(const struct query_node *n, struct compiler *c) {
    enum field_id field = field_of(n);
    int rc;
    if (is_time(field))
        return apply_time(n, c, field);
    switch (field) {
    case F_STATUS: return apply_status(n, c);
    case F_PRIORITY: return apply_priority(n, c);
    case F_TYPE: return apply_type(n, c);
    case F_OWNER: return err_set(c->err, BD_INVALID, "owner filtering requires predicate mode");
    case F_PINNED: return apply_flag(n, c, &c->f->pinned);
    case F_EPHEMERAL: return apply_flag(n, c, &c->f->ephemeral);
    case F_TEMPLATE: return apply_flag(n, c, &c->f->is_template);
    case F_MOL_TYPE:
        rc = only_equals(n, c, "mol_type");
        if (rc == BD_OK && !mol_type_is_valid(lower(c->a, n->value)))
            rc = err_set(c->err, BD_INVALID, "invalid mol_type: %s", n->value);
        if (rc == BD_OK)
            c->f->mol_type = lower(c->a, n->value);
        return rc;
    case F_HAS_METADATA_KEY:
        rc = only_equals(n, c, "has_metadata_key");
        if (rc == BD_OK)
            rc = check_metadata_key(n->value, c);
        if (rc == BD_OK)
            c->f->has_metadata_key = n->value;
        return rc;
    case F_METADATA: return apply_metadata(n, c);
    case F_UNKNOWN: return err_set(c->err, BD_INVALID, "unknown field: %s", n->field);
    default: return apply_text(n, c, field);
    }
}

static bool negatable(const struct query_node *n) {
    return n->kind == QUERY_COMPARE && n->op == QUERY_EQ &&
           (strcmp(n->field, "status") == 0 || strcmp(n->field, "type") == 0);
}

static void apply_not(const struct query_node *n, struct compiler *c) {
    bool status = strcmp(n->left->field, "status") == 0;
    text_list_add(status ? &c->f->exclude_statuses : &c->f->exclude_types, c->a,
                  lower(c->a, n->left->value));
}

static bool only_labels(const struct query_node *n) {
    if (n->kind == QUERY_COMPARE)
        return field_of(n) == F_LABEL && n->op == QUERY_EQ;
    return n->kind == QUERY_OR && only_labels(n->left) && only_labels(n->right);
}

static void add_labels_any(const struct query_node *n, struct compiler *c) {
    if (n->kind == QUERY_COMPARE) {
        text_list_add(&c->f->labels_any, c->a, n->value);
        return;
    }
    add_labels_any(n->left, c);
    add_labels_any(n->right, c);
}

static bool filter_suffices(const struct query_node *n) {
    switch (n->kind) {
    case QUERY_COMPARE: return true;
    case QUERY_AND: return filter_suffices(n->left) && filter_suffices(n->right);
    case QUERY_NOT: return negatable(n->left);
    case QUERY_OR: return only_labels(n);
    }
    return false;
}

/* `lenient`: parts that a filter cannot say are left to the test. */
static int build_filter(const struct query_node *n, struct compiler *c, bool lenient) {
    struct err ignored = ERR_INIT, *err = c->err;
    int rc = BD_OK;
    switch (n->kind) {
    case QUERY_COMPARE:
        c->err = lenient ? &ignored : err;
        rc = apply_comparison(n, c);
        c->err = err;
        return lenient ? BD_OK : rc;
    case QUERY_AND:
        rc = build_filter(n->left, c, lenient);
        return rc == BD_OK ? build_filter(n->right, c, lenient) : rc;
    case QUERY_NOT:
        if (negatable(n->left))
            apply_not(n, c);
        return BD_OK;
    case QUERY_OR:
        if (!lenient)
            add_labels_any(n, c);
        return BD_OK;
    }
    return rc;
}

/* ---- test mode ---- */

static int check_ops(const struct query_node *n, struct compiler *c, const char *name) {
    static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">="};
    if (n->op <= QUERY_NE)
        return BD_OK;
    return err_set(c->err, BD_INVALID, "%s does not support %s operator", name, ops[n->op]);
}

static int check_comparison(struct query_node *n, struct compiler *c) {
    enum field_id field = field_of(n);
    int64_t priority;
    bool flag;
    int rc;
    if (is_time(field)) {
        static const char *const names[] = {"created", "updated", "closed", "started"};
        rc = parse_time(n, c->now, &n->time, c->a, c->err);
        return rc == BD_OK ? BD_OK : err_prefix(c->err, "invalid %s time", names[field - F_CREATED]);
    }
    switch (field) {
    case F_PRIORITY:
        return parse_int(n->value, &priority)
                   ? BD_OK
                   : err_set(c->err, BD_INVALID, "invalid priority: %s", n->value);
    case F_PINNED:
    case F_EPHEMERAL:
    case F_TEMPLATE:
        if (parse_bool(n->value, &flag) != BD_OK)
            return err_set(c->err, BD_INVALID, "invalid boolean value: %s", n->value);
        return check_ops(n, c, "boolean field");
    case F_HAS_METADATA_KEY:
        rc = only_equals(n, c, "has_metadata_key");
        return rc == BD_OK ? check_metadata_key(n->value, c) : rc;
    case F_METADATA:
        rc = only_equals(n, c, "metadata fields");
        return rc == BD_OK ? check_metadata_key(n->field + 9, c) : rc;
    case F_PARENT:
    case F_MOL_TYPE:
    case F_UNKNOWN: return err_set(c->err, BD_INVALID, "unknown field: %s", n->field);
    case F_DESCRIPTION: return check_ops(n, c, "description");
    case F_SPEC: return check_ops(n, c, "spec");
    case F_LABEL: return check_ops(n, c, "label");
    default: return check_ops(n, c, n->field);
    }
}

/* Also fills in the times. */
static int check_tree(struct query_node *n, struct compiler *c) {
    if (n->kind == QUERY_COMPARE)
        return check_comparison(n, c);
    int rc = check_tree(n->left, c);
    return rc == BD_OK && n->right ? check_tree(n->right, c) : rc;
}

int query_compile(struct query_node *n, int64_t now, struct arena *a, struct query_plan *out,
                  struct err *err) {
    struct compiler c = {a, &out->filter, now, err};
    issue_filter_init(&out->filter);
    out->test = NULL;
    if (filter_suffices(n))
        return build_filter(n, &c, false);
    int rc = check_tree(n, &c);
    if (rc == BD_OK)
        rc = build_filter(n, &c, true);
    out->test = n;
    return rc;
}

/* ---- what of a test the tables can evaluate ---- */

static const struct pred *pred_if(struct arena *a, bool positive, const struct pred *p) {
    return positive ? p : pred_not(a, p);
}

static const struct pred *time_pred(struct arena *a, const char *column, enum query_op op, int64_t t) {
    static const enum pred_op ops[] = {
        [QUERY_LT] = PRED_LT, [QUERY_LE] = PRED_LE, [QUERY_GT] = PRED_GT, [QUERY_GE] = PRED_GE};
    return op <= QUERY_NE ? NULL : pred_cmp(a, ops[op], column, cell_datetime(t));
}

static const struct pred *number_pred(struct arena *a, const char *column, enum query_op op,
                                      int64_t v) {
    static const enum pred_op ops[] = {PRED_EQ, PRED_NE, PRED_LT, PRED_LE, PRED_GT, PRED_GE};
    return pred_cmp(a, ops[op], column, cell_int(v));
}

/* Texts: only = can be said, for the tables know more letters of both cases than the test. */
static const struct pred *contains_pred(struct arena *a, const char *column, const struct query_node *n,
                                        bool none_is_empty, bool equal) {
    if (none_is_empty && is_none(n->value))
        return pred_if(a, equal, filter_text_empty(a, column));
    return equal ? pred_cmp(a, PRED_CONTAINS_FOLD, column, cell_text(n->value)) : NULL;
}

static const struct pred *id_pred(struct arena *a, const struct query_node *n, bool equal) {
    bool star;
    const char *stem = without_star(a, n->value, &star);
    return pred_if(a, equal,
                   star ? pred_cmp(a, PRED_PREFIX, "id", cell_text(stem))
                        : filter_text_is(a, "id", stem));
}

static const struct pred *flag_pred(struct arena *a, const char *column, const char *value,
                                    bool equal) {
    bool flag = false;
    return parse_bool(value, &flag) == BD_OK ? filter_bool(a, column, flag == equal) : NULL;
}

static enum query_op opposite(enum query_op op) {
    static const enum query_op opposites[] = {
        [QUERY_EQ] = QUERY_NE, [QUERY_NE] = QUERY_EQ, [QUERY_LT] = QUERY_GE,
        [QUERY_LE] = QUERY_GT, [QUERY_GT] = QUERY_LE, [QUERY_GE] = QUERY_LT};
    return opposites[op];
}

static const struct pred *comparison_pred(const struct query_node *n, bool negated, struct arena *a) {
    enum query_op op = negated ? opposite(n->op) : n->op;
    bool equal = op == QUERY_EQ;
    switch (field_of(n)) {
    case F_STATUS: return pred_if(a, equal, filter_text_is(a, "status", lower(a, n->value)));
    case F_TYPE: return pred_if(a, equal, filter_text_is(a, "issue_type", lower(a, n->value)));
    case F_PRIORITY: return number_pred(a, "priority", op, strtoll(n->value, NULL, 10));
    case F_CREATED: return time_pred(a, "created_at", op, n->time);
    case F_UPDATED: return time_pred(a, "updated_at", op, n->time);
    case F_CLOSED: /* unset times fail the test but pass its negation */
        return negated ? NULL : time_pred(a, "closed_at", op, n->time);
    case F_STARTED: return negated ? NULL : time_pred(a, "started_at", op, n->time);
    case F_ASSIGNEE: return contains_pred(a, "assignee", n, true, equal);
    case F_TITLE: return contains_pred(a, "title", n, false, equal);
    case F_DESCRIPTION: return contains_pred(a, "description", n, true, equal);
    case F_NOTES: return contains_pred(a, "notes", n, false, equal);
    case F_ID: return id_pred(a, n, equal);
    case F_PINNED: return flag_pred(a, "pinned", n->value, equal);
    case F_EPHEMERAL: return flag_pred(a, "ephemeral", n->value, equal);
    case F_TEMPLATE: return flag_pred(a, "is_template", n->value, equal);
    default: return NULL;
    }
}

static const struct pred *tree_pred(const struct query_node *n, bool negated, struct arena *a) {
    if (n->kind == QUERY_COMPARE)
        return comparison_pred(n, negated, a);
    if (n->kind == QUERY_NOT)
        return tree_pred(n->left, !negated, a);
    const struct pred *left = tree_pred(n->left, negated, a), *right = tree_pred(n->right, negated, a);
    if ((n->kind == QUERY_AND) != negated)
        return pred_and(a, left, right);
    return left && right ? pred_or(a, left, right) : NULL;
}

const struct pred *query_pred(const struct query_node *n, struct arena *a) {
    return tree_pred(n, false, a);
}

/* ---- the test ---- */

static bool contains_fold(const char *text, const char *part) {
    return strcasestr(text ? text : "", part) != NULL;
}

static bool same_day(int64_t stored, int64_t target) {
    struct civil x, y;
    datetime_to_civil(stored, &x);
    time_to_local(target, &y);
    return x.year == y.year && x.month == y.month && x.day == y.day;
}

static bool compare_number(enum query_op op, int64_t x, int64_t y) {
    switch (op) {
    case QUERY_EQ: return x == y;
    case QUERY_NE: return x != y;
    case QUERY_LT: return x < y;
    case QUERY_LE: return x <= y;
    case QUERY_GT: return x > y;
    default: return x >= y;
    }
}

static bool time_matches(const struct query_node *n, int64_t stored) {
    if (stored == ISSUE_NO_TIME)
        return false;
    if (n->op <= QUERY_NE)
        return same_day(stored, n->time) == (n->op == QUERY_EQ);
    return compare_number(n->op, stored, n->time);
}

/* The value of a metadata key equals the text (strings), or prints as it (numbers, booleans). */
static bool metadata_matches(const struct query_node *n, const struct issue *i, const char *key) {
    struct arena a = ARENA_INIT;
    const struct json_value *object =
        i->metadata ? json_value_parse(i->metadata, strlen(i->metadata), &a, NULL) : NULL;
    const struct json_value *value = json_value_get(object, key);
    bool result = value && field_of(n) == F_HAS_METADATA_KEY;
    if (value && !result)
        result = value->text ? strcmp(value->text, n->value) == 0
                             : strlen(n->value) == value->raw_size &&
                                   memcmp(n->value, value->raw, value->raw_size) == 0;
    arena_release(&a);
    return result;
}

static bool has_label_fold(const struct issue *i, const char *label) {
    for (size_t k = 0; k < i->label_count; k++)
        if (strcasecmp(i->labels[k], label) == 0)
            return true;
    return false;
}

static bool id_like(const char *text, const char *pattern) {
    size_t n = strlen(pattern);
    if (n && pattern[n - 1] == '*')
        return strncmp(text ? text : "", pattern, n - 1) == 0;
    return strcmp(text ? text : "", pattern) == 0;
}

/* The positive form of = on texts; != is its opposite. */
static bool equals(const struct query_node *n, const struct issue *i) {
    const char *v = n->value;
    bool none = is_none(v), flag = false;
    switch (field_of(n)) {
    case F_STATUS: return strcasecmp(i->status, v) == 0;
    case F_TYPE: return strcasecmp(i->issue_type, v) == 0;
    case F_ASSIGNEE:
        return none ? !i->assignee || !*i->assignee
                    : strcasecmp(i->assignee ? i->assignee : "", v) == 0;
    case F_OWNER: return strcasecmp(i->owner ? i->owner : "", v) == 0;
    case F_LABEL: return none ? !i->label_count : has_label_fold(i, v);
    case F_TITLE: return contains_fold(i->title, v);
    case F_DESCRIPTION:
        return none ? !i->description || !*i->description : contains_fold(i->description, v);
    case F_NOTES: return contains_fold(i->notes, v);
    case F_ID: return id_like(i->id, v);
    case F_SPEC: return id_like(i->spec_id, v);
    case F_PINNED: return parse_bool(v, &flag) == BD_OK && i->pinned == flag;
    case F_EPHEMERAL: return parse_bool(v, &flag) == BD_OK && i->ephemeral == flag;
    case F_TEMPLATE: return parse_bool(v, &flag) == BD_OK && i->is_template == flag;
    case F_HAS_METADATA_KEY: return metadata_matches(n, i, v);
    case F_METADATA: return metadata_matches(n, i, n->field + 9);
    default: return false;
    }
}

static bool comparison_matches(const struct query_node *n, const struct issue *i) {
    switch (field_of(n)) {
    case F_PRIORITY: return compare_number(n->op, i->priority, strtoll(n->value, NULL, 10));
    case F_CREATED: return time_matches(n, i->created_at);
    case F_UPDATED: return time_matches(n, i->updated_at);
    case F_CLOSED: return time_matches(n, i->closed_at);
    case F_STARTED: return time_matches(n, i->started_at);
    default: return equals(n, i) == (n->op == QUERY_EQ);
    }
}

bool query_matches(const struct query_node *n, const struct issue *i) {
    switch (n->kind) {
    case QUERY_AND: return query_matches(n->left, i) && query_matches(n->right, i);
    case QUERY_OR: return query_matches(n->left, i) || query_matches(n->right, i);
    case QUERY_NOT: return !query_matches(n->left, i);
    default: return comparison_matches(n, i);
    }
}
