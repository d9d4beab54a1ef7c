/*
 * One pass over the issues, the wisps and their edges, shared by all checks that look at the data: ids,
 * statuses, some flags, which text is alike. Long texts are not read.
 */
#ifndef DOCTOR_SURVEY_H
#define DOCTOR_SURVEY_H

#include "base/mem.h"
#include "base/strmap.h"
#include "store/db/tables.h"

struct survey_node {
    const char *id;
    uint64_t title_hash;                       /* of title and status, for likeness */
    int64_t closed_at, created_at, updated_at; /* INT64_MIN: none */
    int64_t highest_child;                     /* N of the highest id "<id>.N"; 0: none */
    bool wisp : 1;                             /* lives in the wisps table */
    bool active : 1, closed : 1, pinned : 1, ephemeral : 1;
    bool stored_blocked : 1, blocked : 1; /* the column, and what the edges say */
    bool child_open : 1, child_closed : 1;
    bool epic : 1, molecule : 1;
    bool test_like : 1, patrol_digest : 1, session_ended : 1;
};

enum survey_kind { EDGE_BLOCKS, EDGE_WAITS_FOR, EDGE_PARENT, EDGE_OTHER };
struct survey_edge {
    struct survey_node *from, *to; /* NULL: no such issue */
    const char *source, *target, *type;
    enum survey_kind kind;
    bool in_wisp_table, any_child;
    bool external;    /* the row says that the target is not an issue of this database */
    bool wisp_target; /* the row says that the target is a wisp */
};

struct survey {
    struct arena arena;
    struct strmap ids; /* id → node; a wisp does not hide an issue of the same id */
    struct survey_node *nodes;
    size_t node_count, node_capacity, issue_count, wisp_count, closed_count;
    struct survey_edge *edges;
    size_t edge_count, edge_capacity;
    bool has_blocked_column;
    uint64_t waits_for;
    const char **both; /* ids that stand in both families */
    size_t both_count, both_capacity;
};

/* Release with survey_free. */
int survey_take(struct tables_txn *x, struct survey **out, struct err *err);
void survey_free(struct survey *s); /* NULL is fine */

/* Parts of an id "<parent>.<N>": the length of the parent and N, false when it has no such end. */
bool survey_child_id(const char *id, size_t *parent_size, int64_t *number);

#endif
