/* An empty tracker for tests of what commands do to issues. */
#ifndef TESTS_UNIT_TRACKER_HELP_H
#define TESTS_UNIT_TRACKER_HELP_H

#include "schema/schema.h"
#include "tests/unit/scratch.h"

/* A new database below the scratch folder, open; ids begin with the prefix. */
static inline struct tables *tracker_make(const char *prefix) {
    static const struct tables_identity author = {"beads", "beads@local"};
    struct err err = ERR_INIT;
    struct tables *t;
    char dir[300];
    snprintf(dir, sizeof dir, "%s/db", scratch);
    struct schema_init init = {.issue_prefix = prefix};
    struct tables_open open = {.dir = dir};
    if (tables_create_embedded(dir, "main", &author, &err) != BD_OK ||
        tables_open_embedded(&t, &open, &err) != BD_OK || schema_create(t, &init, &err) != BD_OK)
        fail_msg("%s", err.msg);
    return t;
}

#endif
