/* Columns of an issue with the values they shall get. */
#ifndef BD_OPS_ISSUE_CHANGES_H
#define BD_OPS_ISSUE_CHANGES_H

#include "bd/ops/issue.h"

/* A set of columns with their new values, at most one value per column. */
#define ISSUE_CHANGES_MAX 40
struct issue_change {
    const char *column; /* of issues/wisps */
    struct cell value;
};
struct issue_changes {
    struct issue_change items[ISSUE_CHANGES_MAX];
    size_t count;
};
#define ISSUE_CHANGES_INIT                                                                             \
    { .count = 0 }
/* Sets a column; replaces what it was set to. */
void issue_change(struct issue_changes *c, const char *column, struct cell value);
void issue_change_text(struct issue_changes *c, const char *column, const char *text);
void issue_change_time(struct issue_changes *c, const char *column, int64_t micros);
/* The new value, NULL when the column is not in the set. */
const struct cell *issue_change_of(const struct issue_changes *c, const char *column);
/* A column of 0 and 1 that JSON shows as false and true. */
bool issue_column_is_bool(const char *column);

#endif
