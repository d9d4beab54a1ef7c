/*
 * What the writing commands share. A command reads and checks in a snapshot, then does everything it
 * changes in one transaction; the transaction's result alone decides what is printed.
 */
#include "bd/cmd/write.h"

#include "bd/cmd/issue_hooks.h"
#include "bd/ops/hydrate.h"
#include "bd/ops/resolve.h"
#include "bd/ui/ink.h"
#include "bd/ui/issue_json.h"
#include "bd/ui/issue_text.h"

#include <string.h>

#define TITLE_LENGTH 255

int write_read_begin(struct bd *bd, struct tables_txn **x, struct err *err) {
    return tables_read_begin(bd->ops.tables, x, err);
}

int write_run(struct bd *bd, const char *command, const char *message, unsigned flags,
              tables_write_fn fn, void *ctx, struct err *err) {
    bd_actor(bd);
    issue_hooks_attach(bd);
    if (command)
        message = bd_auto_commit_message(bd, command, NULL, 0);
    return ops_write(&bd->ops, message, flags, fn, ctx, err);
}

static int load_in(struct bd *bd, struct tables_txn *x, const char *id, struct issue *out,
                   struct err *err) {
    int rc = issue_load(x, id, &bd->arena, out, err);
    return rc == BD_OK ? issues_hydrate(x, out, 1, HYDRATE_LABELS, &bd->arena, err) : rc;
}

int write_resolve_issue(struct bd *bd, const char *typed, struct issue *out, struct err *err) {
    struct tables_txn *x;
    const char *id;
    int rc = write_read_begin(bd, &x, err);
    if (rc != BD_OK)
        return rc;
    rc = issue_resolve(x, typed, &bd->arena, &id, err);
    if (rc == BD_OK)
        rc = load_in(bd, x, id, out, err);
    tables_read_end(x);
    return rc;
}

int write_load(struct bd *bd, const char *id, struct issue *out, struct err *err) {
    struct tables_txn *x;
    int rc = write_read_begin(bd, &x, err);
    if (rc != BD_OK)
        return rc;
    rc = load_in(bd, x, id, out, err);
    tables_read_end(x);
    return rc;
}

static int64_t title_length(struct bd *bd) {
    return config_int(&bd->config, "output.title-length", TITLE_LENGTH);
}

const char *write_feedback(struct bd *bd, const char *id, const char *title) {
    return issue_text_feedback(&bd->arena, id, title ? title : "", title_length(bd));
}

const char *write_feedback_paren(struct bd *bd, const char *id, const char *title) {
    return issue_text_feedback_paren(&bd->arena, id, title ? title : "", title_length(bd));
}

const char *write_title(struct bd *bd, const char *id) {
    struct issue i;
    return write_load(bd, id, &i, NULL) == BD_OK ? i.title : "";
}

void write_success(struct bd *bd, const char *fmt, ...) {
    if (bd->json)
        return;
    va_list ap;
    va_start(ap, fmt);
    fprintf(bd->out, "%s ", ink_text(&bd->arena, bd->color, INK_PASS, "✓"));
    vfprintf(bd->out, fmt, ap);
    fputc('\n', bd->out);
    va_end(ap);
}

void write_complain(struct bd *bd, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fflush(bd->out);
    vfprintf(bd->err, fmt, ap);
    fputc('\n', bd->err);
    va_end(ap);
}

void write_json_issues(struct bd *bd, const struct issue_list *l) {
    struct json_writer w;
    struct buf out = BUF_INIT;
    bd_json_begin(bd, &w, &out, false);
    json_array(&w);
    for (size_t i = 0; i < l->count; i++)
        issue_json(&w, &l->items[i]);
    json_array_end(&w);
    bd_json_end(bd, &w, &out);
}

void write_json_issue(struct bd *bd, const struct issue *i) {
    struct json_writer w;
    struct buf out = BUF_INIT;
    bd_json_begin(bd, &w, &out, true);
    issue_json(&w, i);
    bd_json_end(bd, &w, &out);
}

const char *write_refusal(struct bd *bd, const struct issue *i) {
    if (!i->is_template)
        return NULL;
    return arena_printf(
        &bd->arena,
        "cannot modify template %s: templates are read-only; use 'bd mol pour' to create a work item",
        i->id);
}
