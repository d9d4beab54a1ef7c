/*
 * One write operation: a transaction function that can be run again, one commit, and then the news.
 */
#include "bd/ops/ops.h"

#include "bd/ops/hydrate.h"

#include <stdlib.h>
#include <string.h>

struct ops_note {
    char *issue_id;
    const char *event;
};

void ops_note(struct ops *o, const char *issue_id, const char *event) {
    if (!o->changed)
        return;
    MEM_GROW(o->notes, o->note_capacity, o->note_count + 1);
    o->notes[o->note_count++] = (struct ops_note){mem_strdup(issue_id), event};
}

static void drop_notes(struct ops *o) {
    for (size_t i = 0; i < o->note_count; i++)
        free(o->notes[i].issue_id);
    o->note_count = 0;
}

struct run {
    struct ops *o;
    tables_write_fn fn;
    void *ctx;
};

static int run_again(struct tables_txn *x, void *ctx, struct err *err) {
    struct run *r = ctx;
    drop_notes(r->o);
    return r->fn(x, r->ctx, err);
}

/* A reader that fails here changes nothing: the write is already durable. */
static void tell(struct ops *o) {
    struct tables_txn *x;
    if (o->note_count == 0 || tables_read_begin(o->tables, &x, NULL) != BD_OK)
        return;
    struct arena a = ARENA_INIT;
    for (size_t i = 0; i < o->note_count; i++) {
        struct issue issue;
        if (issue_load(x, o->notes[i].issue_id, &a, &issue, NULL) == BD_OK &&
            issues_hydrate(x, &issue, 1, HYDRATE_LABELS | HYDRATE_DEPENDENCIES, &a, NULL) == BD_OK)
            o->changed(o->changed_ctx, &issue, o->notes[i].event);
    }
    arena_release(&a);
    tables_read_end(x);
}

int ops_write(struct ops *o, const char *message, unsigned flags, tables_write_fn fn, void *ctx,
              struct err *err) {
    struct run r = {o, fn, ctx};
    struct tables_write w = {.mode = o->commit_mode, .message = message};
    if (flags & OPS_COMMIT_ALWAYS)
        w.mode = TABLES_COMMIT;
    if (flags & OPS_TRANSACTION) {
        w.mode = TABLES_COMMIT_TABLES;
        w.author = (struct tables_identity){"beads", "beads@local"};
    }
    int rc = tables_write(o->tables, &w, run_again, &r, NULL, err);
    if (rc == BD_OK && o->changed)
        tell(o);
    drop_notes(o);
    free(o->notes);
    o->notes = NULL;
    o->note_capacity = 0;
    return rc;
}
