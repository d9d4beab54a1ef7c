/*
 * Reading a plan from JSON. Fields that the schema does not know are named in a warning, so that a plan
 * written for another tool does not lose half of itself silently.
 */
#include "bd/ops/graph_apply.h"

#include "base/json_value.h"
#include "bd/ops/event_json.h"

#include <stdlib.h>
#include <string.h>

static const char *const plan_fields[] = {"commit_message", "nodes", "edges", NULL};
static const char *const node_fields[] = {
    "key",      "title",  "type",     "description",   "assignee",   "assign_after_create",
    "priority", "labels", "metadata", "metadata_refs", "parent_key", "parent_id",
    NULL,
};
static const char *const edge_fields[] = {"from_key", "from_id", "to_key", "to_id", "type", NULL};

static const struct {
    const char *field, *hint;
} hints[] = {
    {"blocks", "use the top-level 'edges' array, e.g. {\"from_key\": \"a\", \"to_key\": \"b\", "
               "\"type\": \"blocks\"}"},
    {"children", "set 'parent_key' on each child instead of listing children on the parent"},
    {"depends", "use the top-level 'edges' array with type 'blocks'"},
    {"parent",
     "use 'parent_key' (referencing another node's 'key') or 'parent_id' (an existing issue ID)"},
};

struct reader {
    struct arena *a;
    struct graph_plan *p;
    bool hinted[sizeof hints / sizeof hints[0]];
    struct err *err;
};

static void warn(struct reader *r, const char *text) {
    struct graph_plan *p = r->p;
    if (p->warning_count == p->warning_capacity) {
        p->warning_capacity = p->warning_capacity ? p->warning_capacity * 2 : 8;
        const char **grown = arena_alloc(r->a, p->warning_capacity * sizeof *grown);
        if (p->warning_count)
            memcpy(grown, p->warnings, p->warning_count * sizeof *grown);
        p->warnings = grown;
    }
    p->warnings[p->warning_count++] = text;
}

static int by_text(const void *x, const void *y) {
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static void note_unknown(struct reader *r, const struct json_value *object, const char *const *known,
                         const char *where) {
    const char *names[64];
    size_t n = 0;
    JSON_EACH(m, object) {
        const char *const *k = known;
        while (*k && strcmp(*k, m->key) != 0)
            k++;
        if (!*k && n < sizeof names / sizeof names[0])
            names[n++] = m->key;
    }
    if (n == 0)
        return;
    qsort(names, n, sizeof *names, by_text);
    struct buf list = BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        buf_addf(&list, "%s%s", i ? " " : "", names[i]);
        for (size_t h = 0; h < sizeof hints / sizeof hints[0]; h++)
            r->hinted[h] = r->hinted[h] || strcmp(hints[h].field, names[i]) == 0;
    }
    warn(r, arena_printf(
                r->a,
                "warning: graph plan %s has unknown field(s): [%s] (silently dropped — see 'bd create "
                "--graph' schema)",
                where, buf_str(&list)));
    buf_release(&list);
}

static int wrong_kind(struct reader *r, const char *field, const char *kind) {
    return err_set(r->err, BD_INVALID, "parsing graph plan: field \"%s\" must be %s", field, kind);
}

static bool is_absent(const struct json_value *v) { return !v || v->kind == JSON_NULL; }

static int take_text(struct reader *r, const struct json_value *object, const char *field,
                     const char **out) {
    const struct json_value *v = json_value_get(object, field);
    *out = "";
    if (is_absent(v))
        return BD_OK;
    if (!v->text)
        return wrong_kind(r, field, "a string");
    *out = v->text;
    return BD_OK;
}

static int take_pairs(struct reader *r, const struct json_value *object, const char *field,
                      struct graph_pair **out, size_t *count) {
    const struct json_value *v = json_value_get(object, field);
    *count = 0;
    if (is_absent(v))
        return BD_OK;
    if (v->kind != JSON_OBJECT)
        return wrong_kind(r, field, "an object of strings");
    *out = arena_alloc(r->a, (v->count + 1) * sizeof **out);
    JSON_EACH(m, v) {
        if (!m->text)
            return wrong_kind(r, field, "an object of strings");
        (*out)[(*count)++] = (struct graph_pair){m->key, m->text};
    }
    return BD_OK;
}

static int take_labels(struct reader *r, const struct json_value *object, struct graph_node *n) {
    const struct json_value *v = json_value_get(object, "labels");
    if (is_absent(v))
        return BD_OK;
    if (v->kind != JSON_ARRAY)
        return wrong_kind(r, "labels", "an array of strings");
    n->labels = arena_alloc(r->a, (v->count + 1) * sizeof *n->labels);
    JSON_EACH(m, v) {
        if (!m->text)
            return wrong_kind(r, "labels", "an array of strings");
        n->labels[n->label_count++] = m->text;
    }
    return BD_OK;
}

static int read_node(struct reader *r, const struct json_value *object, size_t index,
                     struct graph_node *n) {
    const struct {
        const char *field, **to;
    } texts[] = {{"key", &n->key},
                 {"title", &n->title},
                 {"type", &n->type},
                 {"description", &n->description},
                 {"assignee", &n->assignee},
                 {"parent_key", &n->parent_key},
                 {"parent_id", &n->parent_id}};
    int rc = object->kind == JSON_OBJECT ? BD_OK : wrong_kind(r, "nodes", "an array of objects");
    for (size_t i = 0; rc == BD_OK && i < sizeof texts / sizeof texts[0]; i++)
        rc = take_text(r, object, texts[i].field, texts[i].to);
    if (rc == BD_OK)
        rc = take_pairs(r, object, "metadata", &n->metadata, &n->metadata_count);
    if (rc == BD_OK)
        rc = take_pairs(r, object, "metadata_refs", &n->metadata_refs, &n->metadata_ref_count);
    if (rc == BD_OK)
        rc = take_labels(r, object, n);
    if (rc != BD_OK)
        return rc;
    const struct json_value *priority = json_value_get(object, "priority");
    n->priority = 2;
    if (!is_absent(priority) && !json_value_int(priority, &n->priority))
        return wrong_kind(r, "priority", "an integer");
    n->assign_after_create = json_value_is(json_value_get(object, "assign_after_create"), JSON_TRUE);
    struct buf where = BUF_INIT;
    buf_add_str(&where, "node[");
    if (*n->key)
        event_json_string(&where, n->key);
    else
        buf_addf(&where, "%zu", index);
    buf_add_char(&where, ']');
    note_unknown(r, object, node_fields, buf_str(&where));
    buf_release(&where);
    return BD_OK;
}

static int read_edge(struct reader *r, const struct json_value *object, size_t index,
                     struct graph_edge *e) {
    const struct {
        const char *field, **to;
    } texts[] = {{"from_key", &e->from_key},
                 {"from_id", &e->from_id},
                 {"to_key", &e->to_key},
                 {"to_id", &e->to_id},
                 {"type", &e->type}};
    int rc = object->kind == JSON_OBJECT ? BD_OK : wrong_kind(r, "edges", "an array of objects");
    for (size_t i = 0; rc == BD_OK && i < sizeof texts / sizeof texts[0]; i++)
        rc = take_text(r, object, texts[i].field, texts[i].to);
    if (rc == BD_OK)
        note_unknown(r, object, edge_fields, arena_printf(r->a, "edge[%zu]", index));
    return rc;
}

static int read_plan(struct reader *r, const struct json_value *json) {
    struct graph_plan *p = r->p;
    if (json->kind != JSON_OBJECT)
        return err_set(r->err, BD_INVALID, "parsing graph plan: the file holds no JSON object");
    const struct json_value *nodes = json_value_get(json, "nodes");
    const struct json_value *edges = json_value_get(json, "edges");
    int rc = take_text(r, json, "commit_message", &p->commit_message);
    if (rc == BD_OK && !is_absent(nodes) && nodes->kind != JSON_ARRAY)
        rc = wrong_kind(r, "nodes", "an array");
    if (rc == BD_OK && !is_absent(edges) && edges->kind != JSON_ARRAY)
        rc = wrong_kind(r, "edges", "an array");
    p->nodes = arena_zalloc(r->a, ((nodes ? nodes->count : 0) + 1) * sizeof *p->nodes);
    p->edges = arena_zalloc(r->a, ((edges ? edges->count : 0) + 1) * sizeof *p->edges);
    JSON_EACH(m, edges) {
        if (rc == BD_OK)
            rc = read_edge(r, m, p->edge_count, &p->edges[p->edge_count]);
        p->edge_count++;
    }
    JSON_EACH(m, nodes) {
        if (rc == BD_OK)
            rc = read_node(r, m, p->node_count, &p->nodes[p->node_count]);
        p->node_count++;
    }
    note_unknown(r, json, plan_fields, "plan");
    return rc;
}

int graph_plan_parse(const char *text, struct arena *a, struct graph_plan *out, struct err *err) {
    memset(out, 0, sizeof *out);
    struct reader r = {.a = a, .p = out, .err = err};
    const struct json_value *json = json_value_parse(text, strlen(text), a, err);
    if (!json)
        return err_prefix(err, "parsing graph plan");
    int rc = read_plan(&r, json);
    if (out->warning_count > 1) /* by place */
        qsort(out->warnings, out->warning_count, sizeof *out->warnings, by_text);
    for (size_t h = 0; h < sizeof hints / sizeof hints[0]; h++)
        if (r.hinted[h])
            warn(&r, arena_printf(a, "  hint: \"%s\" is not part of the schema; %s", hints[h].field,
                                  hints[h].hint));
    return rc;
}
