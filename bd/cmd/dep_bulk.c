/*
 * bd dep add --file: edges from JSON lines. All lines are read and resolved first and every mistake is
 * told at once; then all edges go in one transaction, or none.
 */
#include "bd/cmd/dep.h"

#include "base/json_value.h"
#include "base/os.h"
#include "bd/cmd/issue_flags.h"
#include "bd/ops/dependencies.h"
#include "bd/ops/validate.h"
#include "bd/ui/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES ((size_t)1 << 20)

struct edge {
    int line;
    const char *from, *to, *type, *from_id, *to_id;
};

struct work {
    struct bd *bd;
    struct edge *edges;
    size_t count, capacity;
    struct buf mistakes;
    bool no_cycle_check;
};

static void mistake(struct work *w, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void mistake(struct work *w, int line, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    buf_addf(&w->mistakes, "\n  line %d: ", line);
    buf_vaddf(&w->mistakes, fmt, ap);
    va_end(ap);
}

static const char *member(struct work *w, const struct json_value *o, const char *name,
                          const char *other) {
    for (int i = 0; i < 2; i++) {
        const char *value = i == 0 || other ? json_value_get_text(o, i ? other : name) : NULL;
        const char *text = value ? text_trim(&w->bd->arena, value) : "";
        if (*text)
            return text;
    }
    return "";
}

static void read_line(struct work *w, int number, const char *line, const char *default_type) {
    struct err err = ERR_INIT;
    const struct json_value *o = json_value_parse(line, strlen(line), &w->bd->arena, &err);
    if (!json_value_is(o, JSON_OBJECT)) {
        mistake(w, number, "invalid JSON: %s", o ? "not an object" : err.msg);
        return;
    }
    struct edge e = {.line = number,
                     .from = member(w, o, "from", "issue_id"),
                     .to = member(w, o, "to", "depends_on_id"),
                     .type = member(w, o, "type", NULL)};
    if (!*e.type)
        e.type = default_type;
    if (!*e.from)
        mistake(w, number, "missing from");
    if (!*e.to)
        mistake(w, number, "missing to");
    if (!dependency_type_is_valid(e.type))
        mistake(w, number, "invalid dependency type %s: must be non-empty and at most 50 characters",
                cmd_quote(&w->bd->arena, e.type));
    MEM_GROW(w->edges, w->capacity, w->count + 1);
    w->edges[w->count++] = e;
}

static int read_edges(struct work *w, const char *path, const char *default_type) {
    const char *text;
    struct err err = ERR_INIT;
    if (text_from(w->bd, path, &text, &err) != BD_OK) {
        const char *why = strncmp(err.msg, "failed to open file: ", 21) == 0 ? err.msg + 21 : err.msg;
        return cmd_fail_json_stdout(w->bd, "open dependency file: %s", why);
    }
    for (int number = 1; *text; number++) {
        size_t n = strcspn(text, "\n");
        if (n > LINE_MAX_BYTES)
            return cmd_fail_json_stdout(w->bd, "read dependency file: line %d is longer than 1 MiB",
                                        number);
        const char *line = text_trim(&w->bd->arena, arena_strndup(&w->bd->arena, text, n));
        if (*line)
            read_line(w, number, line, default_type);
        text += n;
        text += *text == '\n';
    }
    return 0;
}

static int add_all(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    buf_clear(&w->mistakes);
    for (size_t i = 0; i < w->count; i++) {
        struct edge *e = &w->edges[i];
        int rc = dep_resolve_ends(w->bd, x, e->from, e->to, &e->from_id, &e->to_id, err);
        if (rc == BD_OK && id_is_descendant(e->from_id, e->to_id))
            rc = err_set(err, BD_INVALID, "cannot add dependency: %s is already a child of %s",
                         e->from_id, e->to_id);
        if (rc != BD_OK && rc != BD_NOT_FOUND && rc != BD_INVALID)
            return rc;
        if (rc != BD_OK)
            mistake(w, e->line, "%s", err->msg);
        err_clear(err);
    }
    if (w->mistakes.size)
        return err_set(err, BD_INVALID, "bulk dependency validation failed:");
    for (size_t i = 0; i < w->count; i++) {
        const struct edge *e = &w->edges[i];
        struct dependency d = {.issue_id = e->from_id,
                               .depends_on_id = e->to_id,
                               .type = e->type,
                               .created_at = ISSUE_NO_TIME};
        int rc = dependency_add_in(&w->bd->ops, x, &d,
                                   w->no_cycle_check ? DEPENDENCY_NO_CYCLE_CHECK : 0, err);
        if (rc != BD_OK)
            return err_prefix(err, "line %d", e->line);
    }
    return BD_OK;
}

static int refuse(struct work *w) {
    return cmd_fail_json_stdout(w->bd, "bulk dependency validation failed:%s", buf_str(&w->mistakes));
}

static void answer_json(struct work *w) {
    struct json_writer j;
    struct buf out = BUF_INIT;
    bd_json_begin(w->bd, &j, &out, true);
    json_object(&j);
    json_member_str(&j, "status", "added");
    json_member_int(&j, "count", (int64_t)w->count);
    json_key(&j, "dependencies");
    json_array(&j);
    for (size_t i = 0; i < w->count; i++) {
        json_object(&j);
        json_member_str(&j, "issue_id", w->edges[i].from_id);
        json_member_str(&j, "depends_on_id", w->edges[i].to_id);
        json_member_str(&j, "type", w->edges[i].type);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_end(&j);
    bd_json_end(w->bd, &j, &out);
}

static int add_bulk(struct work *w, const char *path, const char *default_type) {
    struct bd *bd = w->bd;
    struct err err = ERR_INIT;
    int rc = read_edges(w, path, default_type);
    if (rc)
        return rc;
    if (w->mistakes.size)
        return refuse(w);
    if (w->count == 0)
        return cmd_fail_json_stdout(bd, "no dependency edges found");
    const char *message = arena_printf(&bd->arena, "dependency: add %zu edges", w->count);
    if (write_run(bd, NULL, message, OPS_TRANSACTION, add_all, w, &err) != BD_OK)
        return w->mistakes.size ? refuse(w) : cmd_fail_json_stdout(bd, "%s", err.msg);
    if (!w->no_cycle_check)
        dep_warn_cycles(bd);
    if (bd->json)
        answer_json(w);
    write_success(bd, "Added %zu dependencies", w->count);
    return 0;
}

int dep_add_bulk(struct bd *bd, const char *path, const char *default_type, bool no_cycle_check) {
    struct work w = {.bd = bd, .no_cycle_check = no_cycle_check};
    int rc = add_bulk(&w, path, default_type);
    buf_release(&w.mistakes);
    free(w.edges);
    return rc;
}
