/*
 * The one table that maps the members of struct issue to the columns of `issues` and `wisps`.
 *
 * Invariant: issue_columns, issue_from_row and issue_to_row walk the same table, so they cannot
 * disagree. Databases of older schema levels lack some columns; tables_* reads those as NULL, which
 * every kind here turns into its "not set" value, and writers leave them out (issue_rows.c).
 */
#include "bd/ops/issue.h"

#include <stddef.h>
#include <string.h>

enum field_kind {
    FIELD_TEXT,         /* NULL and "" read as ""; NULL writes '' */
    FIELD_TEXT_OR_NULL, /* "" writes NULL */
    FIELD_TEXT_POINTER, /* NULL and "" are different values */
    FIELD_INT,
    FIELD_INT_OR_NULL,   /* ISSUE_NO_INT is NULL */
    FIELD_INT_ZERO_NULL, /* 0 writes NULL */
    FIELD_BOOL,
    FIELD_TIME, /* ISSUE_NO_TIME is NULL; stored in whole seconds, cut down */
    FIELD_JSON, /* NULL writes {}; {} reads as NULL */
};

#define ISSUE_FIELDS(X)                                                                                \
    X(id, FIELD_TEXT)                                                                                  \
    X(content_hash, FIELD_TEXT)                                                                        \
    X(title, FIELD_TEXT)                                                                               \
    X(description, FIELD_TEXT)                                                                         \
    X(design, FIELD_TEXT)                                                                              \
    X(acceptance_criteria, FIELD_TEXT)                                                                 \
    X(notes, FIELD_TEXT)                                                                               \
    X(status, FIELD_TEXT)                                                                              \
    X(priority, FIELD_INT)                                                                             \
    X(issue_type, FIELD_TEXT)                                                                          \
    X(assignee, FIELD_TEXT_OR_NULL)                                                                    \
    X(estimated_minutes, FIELD_INT_OR_NULL)                                                            \
    X(created_at, FIELD_TIME)                                                                          \
    X(created_by, FIELD_TEXT)                                                                          \
    X(owner, FIELD_TEXT)                                                                               \
    X(updated_at, FIELD_TIME)                                                                          \
    X(closed_at, FIELD_TIME)                                                                           \
    X(closed_by_session, FIELD_TEXT)                                                                   \
    X(external_ref, FIELD_TEXT_POINTER)                                                                \
    X(spec_id, FIELD_TEXT)                                                                             \
    X(compaction_level, FIELD_INT)                                                                     \
    X(compacted_at, FIELD_TIME)                                                                        \
    X(compacted_at_commit, FIELD_TEXT_POINTER)                                                         \
    X(original_size, FIELD_INT_ZERO_NULL)                                                              \
    X(sender, FIELD_TEXT)                                                                              \
    X(ephemeral, FIELD_BOOL)                                                                           \
    X(wisp_type, FIELD_TEXT)                                                                           \
    X(pinned, FIELD_BOOL)                                                                              \
    X(is_template, FIELD_BOOL)                                                                         \
    X(mol_type, FIELD_TEXT)                                                                            \
    X(work_type, FIELD_TEXT)                                                                           \
    X(source_system, FIELD_TEXT)                                                                       \
    X(metadata, FIELD_JSON)                                                                            \
    X(source_repo, FIELD_TEXT)                                                                         \
    X(close_reason, FIELD_TEXT)                                                                        \
    X(event_kind, FIELD_TEXT)                                                                          \
    X(actor, FIELD_TEXT)                                                                               \
    X(target, FIELD_TEXT)                                                                              \
    X(payload, FIELD_TEXT)                                                                             \
    X(await_type, FIELD_TEXT)                                                                          \
    X(await_id, FIELD_TEXT)                                                                            \
    X(timeout_ns, FIELD_INT)                                                                           \
    X(waiters, FIELD_TEXT)                                                                             \
    X(due_at, FIELD_TIME)                                                                              \
    X(defer_until, FIELD_TIME)                                                                         \
    X(no_history, FIELD_BOOL)                                                                          \
    X(started_at, FIELD_TIME)                                                                          \
    X(is_blocked, FIELD_BOOL)

struct field {
    size_t offset;
    enum field_kind kind;
};
#define FIELD_ROW(name, kind) {offsetof(struct issue, name), kind},
static const struct field fields[] = {ISSUE_FIELDS(FIELD_ROW)};

#define FIELD_NAME(name, kind) #name,
const char *const issue_columns[] = {ISSUE_FIELDS(FIELD_NAME)};

#define FIELD_COUNT (sizeof fields / sizeof fields[0])
const size_t issue_column_count = FIELD_COUNT;

_Static_assert(FIELD_COUNT == ISSUE_COLUMN_COUNT, "ISSUE_COLUMN_COUNT must match the field table");

static void init_fields(struct issue *i) {
    memset(i, 0, sizeof *i);
    for (size_t f = 0; f < FIELD_COUNT; f++) {
        char *member = (char *)i + fields[f].offset;
        switch (fields[f].kind) {
        case FIELD_TEXT:
        case FIELD_TEXT_OR_NULL: *(const char **)(void *)member = ""; break;
        case FIELD_INT_OR_NULL: *(int64_t *)(void *)member = ISSUE_NO_INT; break;
        case FIELD_TIME: *(int64_t *)(void *)member = ISSUE_NO_TIME; break;
        case FIELD_TEXT_POINTER:
        case FIELD_JSON:
        case FIELD_INT:
        case FIELD_INT_ZERO_NULL:
        case FIELD_BOOL: break;
        }
    }
    i->status = "open";
    i->issue_type = "task";
    i->priority = 2;
}

bool issue_has_label(const struct issue *i, const char *label) {
    for (size_t n = 0; n < i->label_count; n++)
        if (strcmp(i->labels[n], label) == 0)
            return true;
    return false;
}

void issue_init(struct issue *i) {
    static _Thread_local struct issue blank; /* made once: lists of issues ask for many */
    if (!blank.status)
        init_fields(&blank);
    *i = blank;
}

static int64_t cell_integer(const struct cell *c) {
    switch (c->kind) {
    case CELL_INT: return c->i;
    case CELL_UINT: return (int64_t)c->u;
    case CELL_FLOAT: return (int64_t)c->f;
    default: return 0;
    }
}

void issue_from_row(struct issue *i, const struct cell *row, struct arena *a) {
    memset(i, 0, sizeof *i);
    for (size_t f = 0; f < FIELD_COUNT; f++) {
        char *member = (char *)i + fields[f].offset;
        const struct cell *c = &row[f];
        switch (fields[f].kind) {
        case FIELD_TEXT:
        case FIELD_TEXT_OR_NULL:
            *(const char **)(void *)member =
                cell_has_text(c) && c->s.size ? arena_strndup(a, c->s.data, c->s.size) : "";
            break;
        case FIELD_TEXT_POINTER:
            *(const char **)(void *)member =
                cell_has_text(c) ? arena_strndup(a, c->s.data, c->s.size) : NULL;
            break;
        case FIELD_JSON:
            if (cell_has_text(c) && c->s.size && !(c->s.size == 2 && memcmp(c->s.data, "{}", 2) == 0) &&
                !(c->s.size == 4 && memcmp(c->s.data, "null", 4) == 0))
                *(const char **)(void *)member = arena_strndup(a, c->s.data, c->s.size);
            break;
        case FIELD_INT_OR_NULL:
            *(int64_t *)(void *)member = cell_is_null(c) ? ISSUE_NO_INT : cell_integer(c);
            break;
        case FIELD_INT:
        case FIELD_INT_ZERO_NULL: *(int64_t *)(void *)member = cell_integer(c); break;
        case FIELD_BOOL: *(bool *)(void *)member = cell_integer(c) != 0; break;
        case FIELD_TIME:
            *(int64_t *)(void *)member = c->kind == CELL_DATETIME ? c->i : ISSUE_NO_TIME;
            break;
        }
    }
}

int64_t issue_whole_second(int64_t micros) {
    int64_t rest = micros % MICROS_PER_SECOND;
    return micros - (rest < 0 ? rest + MICROS_PER_SECOND : rest);
}

struct cell issue_time_cell(int64_t micros) {
    return micros == ISSUE_NO_TIME ? cell_null() : cell_datetime(issue_whole_second(micros));
}

void issue_to_row(const struct issue *i, struct cell *row, struct arena *a) {
    (void)a;
    for (size_t f = 0; f < FIELD_COUNT; f++) {
        const char *member = (const char *)i + fields[f].offset;
        const char *text;
        int64_t number;
        switch (fields[f].kind) {
        case FIELD_TEXT:
            text = *(const char *const *)(const void *)member;
            row[f] = cell_text(text ? text : "");
            break;
        case FIELD_TEXT_OR_NULL:
            text = *(const char *const *)(const void *)member;
            row[f] = text && *text ? cell_text(text) : cell_null();
            break;
        case FIELD_TEXT_POINTER: row[f] = cell_text(*(const char *const *)(const void *)member); break;
        case FIELD_JSON:
            text = *(const char *const *)(const void *)member;
            row[f] = cell_json(text && *text ? text : "{}");
            break;
        case FIELD_INT_OR_NULL:
        case FIELD_INT_ZERO_NULL:
            number = *(const int64_t *)(const void *)member;
            row[f] = number == (fields[f].kind == FIELD_INT_OR_NULL ? ISSUE_NO_INT : 0)
                         ? cell_null()
                         : cell_int(number);
            break;
        case FIELD_INT: row[f] = cell_int(*(const int64_t *)(const void *)member); break;
        case FIELD_BOOL: row[f] = cell_bool(*(const bool *)(const void *)member); break;
        case FIELD_TIME: row[f] = issue_time_cell(*(const int64_t *)(const void *)member); break;
        }
    }
}

static bool is_digits(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return n > 0;
}

/* Numbers by value (leading zeros cut, then by length), so that no width limit exists. */
static int compare_segments(const char *x, size_t nx, const char *y, size_t ny) {
    if (is_digits(x, nx) && is_digits(y, ny)) {
        while (nx > 1 && *x == '0')
            x++, nx--;
        while (ny > 1 && *y == '0')
            y++, ny--;
        if (nx != ny)
            return nx < ny ? -1 : 1;
    }
    int order = memcmp(x, y, nx < ny ? nx : ny);
    return order ? order : (nx > ny) - (nx < ny);
}

int issue_id_compare(const char *x, const char *y) {
    for (;;) {
        size_t nx = strcspn(x, ".-"), ny = strcspn(y, ".-");
        int order = compare_segments(x, nx, y, ny);
        if (order)
            return order;
        x += nx;
        y += ny;
        if (!*x || !*y)
            return (*x != 0) - (*y != 0);
        x++;
        y++;
    }
}
