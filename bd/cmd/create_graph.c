/* bd create --graph: a plan of issues and dependencies in one transaction. */
#include "bd/cmd/create.h"

#include "base/os.h"
#include "bd/cmd/write.h"
#include "bd/ops/graph_apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PLAN_MAX ((size_t)256 << 20)
#define PREVIEW_NOTE                                                                                   \
    "dry-run validates the graph structure only; live create may still reject parent-child blocking "  \
    "paths after resolving stored dependencies"

static void preview_json(struct bd *bd, const struct graph_plan *p, size_t parents) {
    struct json_writer j;
    struct buf out = BUF_INIT;
    bd_json_begin(bd, &j, &out, true);
    json_object(&j);
    json_member_bool(&j, "dry_run", true);
    json_member_int(&j, "node_count", (int64_t)p->node_count);
    json_member_int(&j, "edge_count", (int64_t)p->edge_count);
    json_member_int(&j, "parent_deps", (int64_t)parents);
    json_key(&j, "validation_notes");
    json_array(&j);
    json_str(&j, PREVIEW_NOTE);
    json_array_end(&j);
    json_key(&j, "nodes");
    json_array(&j);
    for (size_t i = 0; i < p->node_count; i++) {
        const struct graph_node *n = &p->nodes[i];
        json_object(&j);
        json_member_str(&j, "key", n->key);
        json_member_str(&j, "title", n->title);
        json_member_str(&j, "type", *n->type ? n->type : "task");
        json_member_int(&j, "priority", n->priority);
        json_member_str_opt(&j, "parent_key", n->parent_key);
        json_member_str_opt(&j, "parent_id", n->parent_id);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_end(&j);
    bd_json_end(bd, &j, &out);
}

static int preview(struct bd *bd, const struct graph_plan *p) {
    size_t parents = 0;
    for (size_t i = 0; i < p->node_count; i++)
        parents += *p->nodes[i].parent_key || *p->nodes[i].parent_id;
    if (bd->json) {
        preview_json(bd, p, parents);
        return 0;
    }
    fprintf(bd->out, "Dry run: would create %zu issue(s) and %zu edge(s) (%zu parent-child link(s))\n",
            p->node_count, p->edge_count, parents);
    fprintf(bd->out, "Note: " PREVIEW_NOTE ".\n");
    for (size_t i = 0; i < p->node_count; i++) {
        const struct graph_node *n = &p->nodes[i];
        fprintf(bd->out, "  %s [%s] P%lld %s", n->key, *n->type ? n->type : "task",
                (long long)n->priority, cmd_quote(&bd->arena, n->title));
        if (*n->parent_key)
            fprintf(bd->out, " parent_key=%s", n->parent_key);
        else if (*n->parent_id)
            fprintf(bd->out, " parent_id=%s", n->parent_id);
        fputc('\n', bd->out);
    }
    return 0;
}

struct work {
    struct bd *bd;
    struct graph_plan *plan;
    bool ephemeral, no_history;
};

static int apply_in(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    return graph_apply_in(&w->bd->ops, x, w->plan, w->ephemeral, w->no_history, &w->bd->arena, err);
}

static int by_key(const void *x, const void *y) {
    return strcmp(((const struct graph_node *)x)->key, ((const struct graph_node *)y)->key);
}

static void answer(struct bd *bd, struct graph_plan *p) {
    qsort(p->nodes, p->node_count, sizeof *p->nodes, by_key);
    if (!bd->json) {
        fprintf(bd->out, "Created %zu issues\n", p->node_count);
        for (size_t i = 0; i < p->node_count; i++)
            fprintf(bd->out, "  %s -> %s\n", p->nodes[i].key, p->nodes[i].id);
        return;
    }
    struct json_writer j;
    struct buf out = BUF_INIT;
    bd_json_begin(bd, &j, &out, true);
    json_object(&j);
    json_key(&j, "ids");
    json_object(&j);
    for (size_t i = 0; i < p->node_count; i++)
        json_member_str(&j, p->nodes[i].key, p->nodes[i].id);
    json_object_end(&j);
    json_object_end(&j);
    bd_json_end(bd, &j, &out);
}

static int read_plan(struct bd *bd, const char *path, struct graph_plan *plan) {
    struct err err = ERR_INIT;
    struct text_list types = {NULL, 0};
    struct tables_txn *x;
    char *text;
    size_t size;
    if (os_read_file(path, PLAN_MAX, &text, &size) != 0)
        return cmd_fail(bd, "reading graph plan: open %s: %s", path,
                        errno == ENOENT ? "no such file or directory" : strerror(errno));
    int rc = graph_plan_parse(text, &bd->arena, plan, &err);
    free(text);
    for (size_t i = 0; i < plan->warning_count; i++)
        write_complain(bd, "%s", plan->warnings[i]);
    if (rc != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    if (write_read_begin(bd, &x, &err) == BD_OK) {
        db_config_types(&bd->ops, x, &bd->arena, &types, NULL);
        tables_read_end(x);
    }
    return graph_plan_check(plan, &types, &err) == BD_OK
               ? 0
               : cmd_fail(bd, "invalid graph plan: %s", err.msg);
}

int create_from_graph(struct bd *bd, const char *path, bool dry_run, bool ephemeral, bool no_history) {
    struct err err = ERR_INIT;
    struct graph_plan plan;
    if (ephemeral && no_history)
        return cmd_fail(bd, "invalid graph options: ephemeral and no_history are mutually exclusive");
    int rc = read_plan(bd, path, &plan);
    if (rc)
        return rc;
    if (dry_run)
        return preview(bd, &plan);
    struct work w = {bd, &plan, ephemeral, no_history};
    const char *message = *plan.commit_message
                              ? plan.commit_message
                              : arena_printf(&bd->arena, "bd: graph-apply %zu nodes", plan.node_count);
    if (write_run(bd, NULL, message, OPS_TRANSACTION, apply_in, &w, &err) != BD_OK)
        return cmd_fail(bd, "graph create: %s", err.msg);
    answer(bd, &plan);
    return 0;
}
