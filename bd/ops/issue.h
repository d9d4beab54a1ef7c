/*
 * The tracker's objects in memory, and the one table that maps them to columns.
 * Texts are NUL-terminated and live in the arena of whoever loaded them; "" and NULL both mean "not
 * set" unless said otherwise. Times are micros since 1970 UTC; ISSUE_NO_TIME means NULL.
 */
#ifndef BD_OPS_ISSUE_H
#define BD_OPS_ISSUE_H

#include "base/datetime.h"
#include "base/err.h"
#include "base/mem.h"
#include "store/db/tables.h"

#include <stdbool.h>
#include <stdint.h>

#define ISSUE_NO_TIME INT64_MIN
#define ISSUE_NO_INT INT64_MIN

/* Which of the three target columns a dependency row fills. */
enum dependency_target { DEP_TARGET_ISSUE, DEP_TARGET_WISP, DEP_TARGET_EXTERNAL };

/* A row of `dependencies` or `wisp_dependencies`: issue_id waits for, belongs to … depends_on_id. */
struct dependency {
    const char *id; /* row uuid; NULL while new */
    const char *issue_id;
    const char *depends_on_id; /* whichever of the three target columns is set */
    enum dependency_target target;
    const char *type; /* "blocks", "parent-child", … */
    int64_t created_at;
    const char *created_by, *metadata, *thread_id;
};

/* A row of `comments` or `wisp_comments`. */
struct comment {
    const char *id, *issue_id, *author, *text;
    int64_t created_at;
};

/* A row of `issues` or `wisps`. */
struct issue {
    const char *id, *content_hash, *title, *description, *design, *acceptance_criteria, *notes;
    const char *status, *issue_type, *assignee, *owner, *created_by;
    int64_t priority;
    int64_t estimated_minutes; /* ISSUE_NO_INT = NULL */
    int64_t created_at, updated_at, started_at, closed_at, due_at, defer_until, compacted_at;
    const char *close_reason, *closed_by_session;
    const char *external_ref; /* NULL = NULL, "" = empty text */
    const char *spec_id, *source_system, *source_repo;
    const char *metadata; /* JSON text; NULL or "{}" = none */
    int64_t compaction_level, original_size;
    const char *compacted_at_commit;
    const char *sender, *wisp_type, *mol_type, *work_type;
    bool ephemeral, no_history, pinned, is_template, is_blocked;
    const char *event_kind, *actor, *target, *payload;
    const char *await_type, *await_id;
    int64_t timeout_ns;
    const char *waiters; /* JSON array text or "" */
    bool is_wisp;        /* the row lives in the wisps tables */

    /* filled only by those who ask for it */
    const char **labels;
    size_t label_count;
    struct dependency *dependencies;
    size_t dependency_row_count;
    struct comment *comments;
    size_t comment_row_count;
    int64_t dependency_count, dependent_count, comment_count; /* of IssueWithCounts */
    const char *parent;
};

/* Whether that is one of its labels, which must have been loaded (HYDRATE_LABELS). */
bool issue_has_label(const struct issue *i, const char *label);

void issue_init(struct issue *i); /* open, task, priority 2, no times, all texts "" or NULL */

/* Columns of issues/wisps that the loader reads, in the order issue_from_row expects. */
extern const char *const issue_columns[];
extern const size_t issue_column_count;
#define ISSUE_COLUMN_COUNT 48 /* the same number, for arrays */
/* Row in that order → issue; texts are NUL-terminated copies in `a`. */
void issue_from_row(struct issue *i, const struct cell *row, struct arena *a);
/* All columns of an issue as cells in the order of issue_columns, for an insert. */
void issue_to_row(const struct issue *i, struct cell *row, struct arena *a);

/* Stored times have whole seconds; they are cut down, never rounded up into the future. */
int64_t issue_whole_second(int64_t micros);
struct cell issue_time_cell(int64_t micros); /* ISSUE_NO_TIME gives NULL */

/* Natural order of ids: segments between '.' and '-' compare as numbers where both are numbers. */
int issue_id_compare(const char *x, const char *y);

#endif
