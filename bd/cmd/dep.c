/*
 * bd dep: edges between issues. Adding and removing are here; dep_bulk.c reads edges from a file,
 * dep_view.c shows them, dep_relate.c makes the two-way kind.
 */
#include "bd/cmd/dep.h"

#include "bd/cmd/commands.h"
#include "bd/cmd/parse.h"
#include "bd/cmd/route.h"
#include "bd/ops/dependencies.h"
#include "bd/ops/resolve.h"
#include "bd/ops/validate.h"
#include "bd/ui/ink.h"

#include <string.h>

/* A child waits for its parent anyway: `cannot add dependency: …`. */
static int dep_check_descendant(const char *from, const char *to, struct err *err) {
    if (!id_is_descendant(from, to))
        return BD_OK;
    return err_set(
        err, BD_INVALID,
        "cannot add dependency: %s is already a child of %s. Children inherit dependency on parent "
        "completion via hierarchy. Adding an explicit dependency would create a deadlock",
        from, to);
}

struct edge_work {
    struct bd *bd;
    struct dep_edge *e;
};

static int add_in(struct tables_txn *x, void *ctx, struct err *err) {
    struct edge_work *w = ctx;
    struct dep_edge *e = w->e;
    int rc = dep_resolve_ends(w->bd, x, e->from, e->to, &e->from_id, &e->to_id, err);
    if (rc == BD_OK)
        rc = dep_check_descendant(e->from_id, e->to_id, err);
    if (rc == BD_OK && !dependency_type_is_valid(e->type))
        rc = err_set(err, BD_INVALID,
                     "invalid dependency type %s: must be non-empty and at most 50 characters",
                     cmd_quote(&w->bd->arena, e->type));
    struct dependency d = {.issue_id = e->from_id,
                           .depends_on_id = e->to_id,
                           .type = e->type,
                           .created_at = ISSUE_NO_TIME};
    return rc == BD_OK ? dependency_add_in(&w->bd->ops, x, &d, 0, err) : rc;
}

int dep_add_edge(struct bd *bd, struct dep_edge *e) {
    struct edge_work w = {bd, e};
    struct err err = ERR_INIT;
    route_ids(bd, &e->from, 1);
    if (write_run(bd, e->command, NULL, 0, add_in, &w, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    if (!e->no_cycle_check)
        dep_warn_cycles(bd);
    return 0;
}

void dep_json_edge(struct bd *bd, const char *status, const char *from, const char *to,
                   const char *type) {
    struct json_writer w;
    struct buf out = BUF_INIT;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "status", status);
    json_member_str(&w, "issue_id", from);
    json_member_str(&w, "depends_on_id", to);
    if (type)
        json_member_str(&w, "type", type);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static const char *named(struct bd *bd, const char *id) {
    return write_feedback_paren(bd, id, write_title(bd, id));
}

/* ---- dep A --blocks B ---- */

static int run_dep(struct bd *bd, const struct cmd_call *c) {
    const char *blocked = cmd_str(c, "blocks");
    if (!*blocked) {
        struct buf help = BUF_INIT;
        cmd_help(&help, c);
        fputs(buf_str(&help), bd->out);
        buf_release(&help);
        return 0;
    }
    if (cmd_arg_count(c) != 1)
        return cmd_fail_json_stdout(bd, "--blocks requires exactly one issue ID argument");
    if (bd->read_only)
        return cmd_fail(bd, "operation 'dep --blocks' is not allowed in read-only mode");
    struct dep_edge e = {.from = blocked,
                         .to = cmd_arg(c, 0),
                         .type = "blocks",
                         .command = "dep add",
                         .no_cycle_check = cmd_bool(c, "no-cycle-check")};
    int rc = dep_add_edge(bd, &e);
    if (rc)
        return rc;
    if (bd->json) {
        struct json_writer w;
        struct buf out = BUF_INIT;
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_str(&w, "status", "added");
        json_member_str(&w, "blocker_id", e.to_id);
        json_member_str(&w, "blocked_id", e.from_id);
        json_member_str(&w, "type", "blocks");
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
    }
    write_success(bd, "Added dependency: %s blocks %s", named(bd, e.to_id), named(bd, e.from_id));
    return 0;
}

/* ---- dep add ---- */

static int check_add_arguments(struct bd *bd, const struct cmd_call *c, const char *flag_target) {
    size_t n = cmd_arg_count(c);
    if (*cmd_str(c, "file")) {
        if (n)
            return cmd_fail_usage(bd, c, "--file cannot be used with positional issue IDs");
        if (*flag_target)
            return cmd_fail_usage(bd, c, "--file cannot be used with --blocked-by or --depends-on");
        return 0;
    }
    if (*flag_target) {
        if (n < 1)
            return cmd_fail_usage(bd, c, "requires at least 1 arg(s), only received %zu", n);
        if (n > 1)
            return cmd_fail_usage(
                bd, c, "cannot use both positional depends-on-id and --blocked-by/--depends-on flag");
        return 0;
    }
    if (n != 2)
        return cmd_fail_usage(
            bd, c, "requires 2 arg(s), only received %zu (or use --blocked-by/--depends-on flag)", n);
    return 0;
}

static int run_add(struct bd *bd, const struct cmd_call *c) {
    const char *target =
        *cmd_str(c, "blocked-by") ? cmd_str(c, "blocked-by") : cmd_str(c, "depends-on");
    int rc = check_add_arguments(bd, c, target);
    if (rc)
        return rc;
    if (*cmd_str(c, "file"))
        return dep_add_bulk(bd, cmd_str(c, "file"), cmd_str(c, "type"), cmd_bool(c, "no-cycle-check"));
    struct dep_edge e = {.from = cmd_arg(c, 0),
                         .to = *target ? target : cmd_arg(c, 1),
                         .type = cmd_str(c, "type"),
                         .command = "dep add",
                         .no_cycle_check = cmd_bool(c, "no-cycle-check")};
    if ((rc = dep_add_edge(bd, &e)))
        return rc;
    if (bd->json)
        dep_json_edge(bd, "added", e.from_id, e.to_id, e.type);
    write_success(bd, "Added dependency: %s depends on %s (%s)", named(bd, e.from_id),
                  named(bd, e.to_id), e.type);
    return 0;
}

/* ---- dep remove ---- */

struct remove_work {
    struct bd *bd;
    const char *from, *to, *from_id, *to_id;
};

static int remove_in(struct tables_txn *x, void *ctx, struct err *err) {
    struct remove_work *w = ctx;
    int rc = dep_resolve_ends(w->bd, x, w->from, w->to, &w->from_id, &w->to_id, err);
    return rc == BD_OK ? dependency_remove_in(&w->bd->ops, x, w->from_id, w->to_id, NULL, err) : rc;
}

static int run_remove(struct bd *bd, const struct cmd_call *c) {
    struct remove_work w = {.bd = bd, .from = cmd_arg(c, 0), .to = cmd_arg(c, 1)};
    struct err err = ERR_INIT;
    route_ids(bd, &w.from, 1);
    if (write_run(bd, "dep remove", NULL, 0, remove_in, &w, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "%s", err.msg);
    if (bd->json)
        dep_json_edge(bd, "removed", w.from_id, w.to_id, NULL);
    write_success(bd, "Removed dependency: %s no longer depends on %s", named(bd, w.from_id),
                  named(bd, w.to_id));
    return 0;
}

/* ---- the table ---- */

static const struct cmd_flag add_flags[] = {
    {.name = "type",
     .shorthand = 't',
     .kind = FLAG_STRING,
     .default_text = "blocks",
     .help = "Dependency type: blocks, tracks, related, parent-child, discovered-from, … or any other "
             "word"},
    {.name = "blocked-by",
     .kind = FLAG_STRING,
     .help = "What the issue depends on (instead of the second argument)"},
    {.name = "depends-on", .kind = FLAG_STRING, .help = "Same as --blocked-by"},
    {.name = "file",
     .kind = FLAG_STRING,
     .help = "Read edges from a JSONL file (- for standard input)"},
    {.name = "no-cycle-check",
     .kind = FLAG_BOOL,
     .help = "Do not look for cycles ('bd dep cycles' does)"},
    {0},
};

static const struct cmd cmd_dep_add = {
    .name = "add",
    .use = "add [issue-id] [depends-on-id]",
    .summary = "Add a dependency",
    .details = "Makes the first issue depend on the second. The second may be "
               "external:<project>:<capability>. "
               "With --file every line is an object with from, to and an optional type.",
    .examples = "  bd dep add bd-42 bd-41\n  bd dep add bd-42 --blocked-by bd-41\n  bd dep add --file "
                "deps.jsonl",
    .args_max = -1,
    .flags = add_flags,
    .cls = CMD_WRITES | CMD_BRIEF,
    .readonly_label = "dep add",
    .run = run_add,
};

static const char *const remove_aliases[] = {"rm", NULL};
static const struct cmd cmd_dep_remove = {
    .name = "remove",
    .aliases = remove_aliases,
    .use = "remove [issue-id] [depends-on-id]",
    .summary = "Remove a dependency",
    .args_min = 2,
    .args_max = 2,
    .cls = CMD_WRITES | CMD_BRIEF,
    .readonly_label = "dep remove",
    .run = run_remove,
};

static const struct cmd_flag dep_flags[] = {
    {.name = "blocks",
     .shorthand = 'b',
     .kind = FLAG_STRING,
     .help = "The issue that the argument blocks"},
    {.name = "no-cycle-check",
     .kind = FLAG_BOOL,
     .help = "Do not look for cycles ('bd dep cycles' does)"},
    {0},
};
static const struct cmd *const children[] = {
    &cmd_dep_add,    &cmd_dep_remove, &cmd_dep_list,     &cmd_dep_tree,
    &cmd_dep_cycles, &cmd_dep_relate, &cmd_dep_unrelate, NULL,
};

const struct cmd cmd_dep = {
    .name = "dep",
    .use = "dep [issue-id]",
    .summary = "Manage dependencies",
    .details = "Dependencies between issues. 'bd dep A --blocks B' is short for 'bd dep add B A'.",
    .group = "Dependencies & Structure",
    .args_max = 1,
    .flags = dep_flags,
    .children = children,
    .run = run_dep,
};
