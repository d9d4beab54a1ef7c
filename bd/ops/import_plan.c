/* What all parts of an import ask of its plan. */
#include "bd/ops/import_plan.h"

#include <string.h>

struct known *plan_known(const struct plan *p, const char *id) {
    return strmap_get(&p->known, id);
}

bool plan_is_ephemeral(const struct plan *p, const struct import_issue *i) {
    return i->ephemeral || text_list_has(&p->context.infra_types, i->issue_type);
}

void plan_complete(const struct plan *p, struct issue *i, const struct known *k) {
    i->id = k->id;
    i->ephemeral = plan_is_ephemeral(p, k->incoming);
    i->is_wisp = k->is_wisp;
    if (p->whole)
        i->is_blocked = k->will_block;
    if (i->created_at == ISSUE_NO_TIME)
        i->created_at = p->now;
    if (i->updated_at == ISSUE_NO_TIME)
        i->updated_at = p->now;
    bool closed = strcmp(i->status, "closed") == 0;
    if (closed && i->closed_at == ISSUE_NO_TIME)
        i->closed_at =
            (i->updated_at > i->created_at ? i->updated_at : i->created_at) + MICROS_PER_SECOND;
}

static void keep_texts(const char **list, size_t count, struct arena *a) {
    for (size_t i = 0; i < count; i++)
        list[i] = arena_strdup(a, list[i]);
}

void plan_forget(struct plan *p) {
    struct import_result *out = p->out;
    if (!p->options->forget || !p->whole)
        return;
    keep_texts(out->ids, out->id_count, p->a);
    keep_texts(out->stale_ids, out->stale_count, p->a);
    for (size_t i = 0; i < out->unknown_type_count; i++)
        out->unknown_types[i].name = arena_strdup(p->a, out->unknown_types[i].name);
    for (size_t n = 0; n < p->count; n++)
        p->knowns[n]->incoming = NULL;
    p->issues = NULL;
    p->count = 0;
    p->edges = NULL;
    p->edge_count = 0;
    p->options->forget(p->options->reload_ctx);
    p->forgotten = true;
}
