/*
 * Inside an import: what is known of the ids concerned, and what shall happen to each record. Private
 * to import*.c.
 */
#ifndef BD_OPS_IMPORT_PLAN_H
#define BD_OPS_IMPORT_PLAN_H

#include "bd/ops/create.h"
#include "bd/ops/import.h"

/* With more ids than this, whole tables are read instead of asking for each id. */
#define IMPORT_LOOKUP_MAX 400

/* An id that exists, or will after the import. */
struct known {
    const char *id;
    struct import_issue *incoming; /* the record that is put in, or NULL */
    int64_t updated_at;            /* before the import; of a record that is put in: as it will be */
    bool exists, is_wisp, blocked; /* exists, blocked: before the import */
    bool active, closed;           /* what it will be */
    bool was_active, was_closed;   /* what it is */
    bool will_block;               /* is_blocked as it will be (when `whole`) */
    size_t number;                 /* in the order of becoming known */
    size_t open_children, closed_children;
};

/* A dependency with both ends (target NULL: external). */
struct plan_edge {
    struct dependency row;
    struct known *source, *target;
};

struct plan {
    struct ops *o;
    struct tables_txn *x;
    struct import_data *data;
    const struct import_options *options;
    struct import_result *out;
    struct arena *a;   /* the result lives here */
    struct arena work; /* this run of the transaction */
    struct create_context context;
    const char *actor;
    int64_t now;
    bool whole;                   /* whole tables were read */
    struct strmap known;          /* id → struct known */
    struct import_issue **issues; /* what is put in, in file order */
    struct known **knowns;        /* of the same issues */
    size_t count;
    struct plan_edge *old_edges; /* when `whole`: every dependency row there was */
    size_t old_count;
    struct plan_edge *edges; /* what is put in, in file order, complete */
    size_t edge_count;
    bool forgotten; /* the records are released */
    struct err *err;
};

/* What is known of an id, or NULL. */
struct known *plan_known(const struct plan *p, const char *id);

/* Does the record become a wisp: it says so, or its type always is one. */
bool plan_is_ephemeral(const struct plan *p, const struct import_issue *i);
/* What the database and the plan say of an issue that was read again. */
void plan_complete(const struct plan *p, struct issue *i, const struct known *k);

/* Releases the records if they can be read again. What is known of ids, and the result, stay. */
void plan_forget(struct plan *p);

/* import_edges.c: fills p->edges with the dependencies that may be put in, reports the others. */
int plan_edges(struct plan *p);
/* Sets will_block of every known issue from old and new edges. Only when `whole`. */
void plan_blocked(struct plan *p);
/* import_rows.c: writes everything. */
int plan_write(struct plan *p);

#endif
