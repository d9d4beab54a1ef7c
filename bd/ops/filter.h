/*
 * Which issues are wanted. A filter turns into one predicate per table family, pushed down to the
 * tables; conditions on labels and parents are first resolved to sets of ids by index.
 */
#ifndef BD_OPS_FILTER_H
#define BD_OPS_FILTER_H

#include "bd/ops/edges.h"
#include "bd/ops/issue_rows.h"
#include "bd/ops/text_list.h"

enum filter_flag { FILTER_ANY, FILTER_NO, FILTER_YES };

struct filter_time { /* exclusive bounds in micros, ISSUE_NO_TIME = open; cut to whole seconds */
    int64_t after, before;
};
/* A member of metadata and the text it must have. */
struct filter_pair {
    const char *key, *value;
};

struct issue_filter {
    const char *query; /* free text of `search`; an id-like text also matches ids and external refs */
    struct text_list statuses, exclude_statuses, exclude_types, ids;
    struct text_list labels, labels_any, exclude_labels; /* all of, one of, none of */
    const char *issue_type, *assignee;
    const char *title, *title_contains, *description_contains, *notes_contains, *external_contains;
    const char *id_prefix, *spec_prefix, *parent, *mol_type, *wisp_type, *has_metadata_key;
    int64_t priority, priority_min, priority_max; /* ISSUE_NO_INT = any */
    bool no_assignee, no_labels, no_parent, empty_description, deferred, overdue;
    enum filter_flag pinned, ephemeral, is_template;
    struct filter_time created, updated, closed, started, defer, due;
    const struct filter_pair *metadata;
    size_t metadata_count;

    uint64_t limit;                  /* 0 = all */
    const struct tables_order *lead; /* with a limit: orders before priority; NULL = none */
    bool skip_wisps, skip_labels;
    const struct pred *more; /* a further condition, or NULL */
};

/* A filter that every issue passes. */
void issue_filter_init(struct issue_filter *f);

/*
 * The predicate for one family; NULL means every row. *nothing says that no row can match, whatever the
 * predicate. Sets of ids live in the arena. BD_INVALID for a bad metadata key.
 */
int issue_filter_pred(const struct issue_filter *f, struct tables_txn *x,
                      const struct issue_family *family, struct arena *a, const struct pred **out,
                      bool *nothing, struct err *err);

/* Has a '-' inside and only id characters. */
bool filter_looks_like_id(const char *text);

/* column = text, column is one of / none of the texts, column is unset or '' */
const struct pred *filter_text_is(struct arena *a, const char *column, const char *text);
const struct pred *filter_text_in(struct arena *a, const char *column, const struct text_list *t,
                                  bool negated);
const struct pred *filter_text_empty(struct arena *a, const char *column);
/* column starts with the text; with an upper bound too, so that an index range is closed. */
const struct pred *filter_prefix(struct arena *a, const char *column, const char *text);
/* A TINYINT column that may be NULL. */
const struct pred *filter_bool(struct arena *a, const char *column, bool value);
/* "parent-child below parent, or dotted below it without any parent-child row" (direct children). */
int filter_children_of(struct tables_txn *x, const struct issue_family *family, const char *parent,
                       struct arena *a, const struct pred **out, struct err *err);

#endif
