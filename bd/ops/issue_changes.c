/* A set of columns to be changed: a short array, searched from the front. */
#include "bd/ops/issue_changes.h"

#include <string.h>

void issue_change(struct issue_changes *c, const char *column, struct cell value) {
    size_t i = 0;
    while (i < c->count && strcmp(c->items[i].column, column) != 0)
        i++;
    if (i == ISSUE_CHANGES_MAX)
        return; /* there are fewer columns than that */
    c->items[i] = (struct issue_change){column, value};
    if (i == c->count)
        c->count++;
}

void issue_change_text(struct issue_changes *c, const char *column, const char *text) {
    issue_change(c, column, cell_text(text));
}

void issue_change_time(struct issue_changes *c, const char *column, int64_t micros) {
    issue_change(c, column, issue_time_cell(micros));
}

const struct cell *issue_change_of(const struct issue_changes *c, const char *column) {
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->items[i].column, column) == 0)
            return &c->items[i].value;
    return NULL;
}

bool issue_column_is_bool(const char *column) {
    return strcmp(column, "ephemeral") == 0 || strcmp(column, "no_history") == 0 ||
           strcmp(column, "pinned") == 0 || strcmp(column, "is_template") == 0;
}
