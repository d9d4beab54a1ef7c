/* bd migrate issues: moves issues between the repositories of a workspace (bd/ops/repo_move.h). */
#include "bd/cmd/commands.h"
#include "bd/cmd/migrate.h"
#include "bd/cmd/write.h"

#include "base/os.h"
#include "bd/ops/repo_move.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 20
#define SAMPLES_MAX 10
#define IDS_FILE_MAX ((size_t)16 << 20)

/* One id a line; empty lines and comments do not count. */
static int read_ids(struct bd *bd, const char *path, struct text_list *ids, struct err *err) {
    char *data;
    size_t size, capacity = ids->count;
    if (os_read_file(path, IDS_FILE_MAX, &data, &size))
        return err_errno(err, "cannot read %s", path);
    for (size_t i = 0; i < size; i++)
        capacity += data[i] == '\n';
    const char **items = arena_alloc(&bd->arena, (capacity + 2) * sizeof *items);
    for (size_t i = 0; i < ids->count; i++)
        items[i] = ids->items[i];
    char *rest = data, *line;
    while ((line = strsep(&rest, "\n"))) {
        while (isspace((unsigned char)*line))
            line++;
        size_t n = strlen(line);
        while (n && isspace((unsigned char)line[n - 1]))
            n--;
        if (n && *line != '#')
            items[ids->count++] = arena_strndup(&bd->arena, line, n);
    }
    ids->items = items;
    free(data);
    return BD_OK;
}

static const char *filter(const struct cmd_call *c, const char *flag) {
    const char *v = cmd_str(c, flag);
    return *v && strcmp(v, "all") != 0 ? v : NULL;
}

static void take_list(struct bd *bd, const struct cmd_call *c, const char *flag,
                      struct text_list *out) {
    const char *const *list = cmd_list(c, flag, &out->count);
    out->items = arena_alloc(&bd->arena, (out->count + 1) * sizeof *out->items);
    for (size_t i = 0; i < out->count; i++)
        out->items[i] = list[i];
}

static int read_request(struct bd *bd, const struct cmd_call *c, struct repo_move *m, struct err *err) {
    static const char *const modes[] = {"none", "upstream", "downstream", "closure"};
    const char *include = cmd_str(c, "include");
    size_t mode = 0;
    *m = (struct repo_move){.from = cmd_str(c, "from"),
                            .to = cmd_str(c, "to"),
                            .status = filter(c, "status"),
                            .type = filter(c, "type"),
                            .priority = cmd_int(c, "priority"),
                            .within_from = cmd_bool(c, "within-from-only")};
    while (mode < 4 && strcmp(modes[mode], *include ? include : "none") != 0)
        mode++;
    if (mode == 4)
        return err_set(err, BD_INVALID, "invalid --include %s (none, upstream, downstream, closure)",
                       cmd_quote(&bd->arena, include));
    m->include = (enum repo_move_include)mode;
    take_list(bd, c, "label", &m->labels);
    take_list(bd, c, "id", &m->ids);
    return *cmd_str(c, "ids-file") ? read_ids(bd, cmd_str(c, "ids-file"), &m->ids, err) : BD_OK;
}

/* ---- showing ---- */

static void plan_json(struct json_writer *w, const struct repo_move *m,
                      const struct repo_move_plan *p) {
    json_key(w, "plan");
    json_object(w);
    json_member_int(w, "total_selected", (int64_t)p->selected);
    json_member_int(w, "added_by_dependency", (int64_t)(p->count - p->selected));
    json_member_int(w, "incoming_edges", (int64_t)p->incoming);
    json_member_int(w, "outgoing_edges", (int64_t)p->outgoing);
    json_member_int(w, "orphans", (int64_t)p->orphan_count);
    if (p->orphan_count) {
        json_key(w, "orphan_samples");
        json_array(w);
        for (size_t i = 0; i < p->orphan_count && i < SAMPLES_MAX; i++)
            json_str(w, p->orphans[i]);
        json_array_end(w);
    }
    json_key(w, "issue_ids");
    json_array(w);
    for (size_t i = 0; i < p->count; i++)
        json_str(w, p->ids[i]);
    json_array_end(w);
    json_member_str(w, "from", m->from);
    json_member_str(w, "to", m->to);
    json_object_end(w);
}

static void answer_json(struct bd *bd, const struct repo_move *m, const struct repo_move_plan *p,
                        bool dry) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    if (!p->count) {
        json_member_str(&w, "message", "No issues match the specified filters");
    } else if (dry) {
        json_member_bool(&w, "dry_run", true);
        plan_json(&w, m, p);
    } else {
        json_member_bool(&w, "success", true);
        json_member_str(
            &w, "message",
            arena_printf(&bd->arena, "Migrated %zu issues from %s to %s", p->count, m->from, m->to));
        plan_json(&w, m, p);
    }
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static void say_plan(struct bd *bd, const struct repo_move *m, const struct repo_move_plan *p,
                     bool dry) {
    bd_say(bd, "\n=== Migration Plan ===\nFrom: %s\nTo:   %s\n\n", m->from, m->to);
    bd_say(bd, "Total selected:           %zu issues\n", p->selected);
    if (p->count > p->selected)
        bd_say(bd, "Added by dependencies:    %zu issues\n", p->count - p->selected);
    bd_say(bd, "Total to migrate:         %zu issues\n\n", p->count);
    bd_say(bd, "Cross-repo edges preserved:\n  Incoming:  %zu\n  Outgoing:  %zu\n", p->incoming,
           p->outgoing);
    if (p->orphan_count)
        bd_say(bd, "\n⚠ %zu ids that dependencies name do not exist:\n", p->orphan_count);
    for (size_t i = 0; i < p->orphan_count && i < SAMPLES_MAX; i++)
        bd_say(bd, "  - %s\n", p->orphans[i]);
    if (!dry)
        return;
    bd_say(bd, "\n[DRY RUN] No changes made\n\nIssues to migrate%s:\n",
           p->count > SHOWN_MAX
               ? arena_printf(&bd->arena, " (the first %d of %zu)", SHOWN_MAX, p->count)
               : "");
    for (size_t i = 0; i < p->count && i < SHOWN_MAX; i++)
        bd_say(bd, "  - %s\n", p->ids[i]);
}

/* ---- the command ---- */

struct move {
    struct ops *ops;
    const struct repo_move_plan *plan;
    const char *to;
};

static int apply(struct tables_txn *x, void *ctx, struct err *err) {
    const struct move *m = ctx;
    return repo_move_apply(m->ops, x, m->plan, m->to, err);
}

static bool confirmed(struct bd *bd, const struct repo_move *m, const struct repo_move_plan *p) {
    char answer[16] = "";
    fprintf(bd->out, "\nMigrate %zu issues from %s to %s? [y/N] ", p->count, m->from, m->to);
    fflush(bd->out);
    return fgets(answer, sizeof answer, stdin) && strcasecmp(answer, "y\n") == 0;
}

static int run(struct bd *bd, const struct cmd_call *c) {
    struct err err = ERR_INIT;
    struct repo_move m;
    struct repo_move_plan p;
    struct tables_txn *x;
    bool dry = cmd_bool(c, "dry-run"), strict = cmd_bool(c, "strict");
    int status = dry ? 0 : migrate_refuse_read_only(bd, "migrate-issues");
    if (status)
        return status;
    if (!*cmd_str(c, "from") || !*cmd_str(c, "to"))
        return migrate_fail(bd, "missing_required_flags", "Both --from and --to are required");
    if (strcmp(cmd_str(c, "from"), cmd_str(c, "to")) == 0)
        return migrate_fail(bd, "same_source_and_dest",
                            "Source and destination repositories must be different");
    int rc = read_request(bd, c, &m, &err);
    if (rc)
        return migrate_fail(bd, rc == BD_INVALID ? "invalid_flag" : "ids_file_read_failed", err.msg);
    rc = tables_read_begin(bd->ops.tables, &x, &err);
    if (rc == BD_OK) {
        rc = repo_move_plan(x, &m, &bd->arena, &p, &err);
        tables_read_end(x);
    }
    if (rc == BD_OK && strict && p.from_is_empty)
        rc = err_set(&err, BD_NOT_FOUND, "source repository '%s' has no issues", m.from);
    if (rc == BD_OK && strict && p.orphan_count)
        rc = err_set(&err, BD_INVALID, "strict mode: found %zu orphaned dependencies", p.orphan_count);
    if (rc)
        return migrate_fail(bd, "migration_failed", err.msg);
    if (p.from_is_empty && !bd->json)
        cmd_warn(bd, "source repository '%s' has no issues", m.from);
    if (!p.count && !bd->json)
        bd_say(bd, "Nothing to do: no issues match the specified filters\n");
    if (p.count && !bd->json)
        say_plan(bd, &m, &p, dry);
    if (p.count && !dry) {
        if (!cmd_bool(c, "yes") && !bd->json && !confirmed(bd, &m, &p)) {
            bd_say(bd, "Migration canceled\n");
            return 0;
        }
        struct move move = {&bd->ops, &p, m.to};
        const char *message = arena_printf(&bd->arena, "bd: migrate %zu issues to %s", p.count, m.to);
        if (write_run(bd, NULL, message, OPS_TRANSACTION, apply, &move, &err))
            return migrate_fail(bd, "migration_failed",
                                arena_printf(&bd->arena, "migration failed: %s", err.msg));
        if (!bd->json)
            bd_say(bd, "\n✓ Successfully migrated %zu issues from %s to %s\n", p.count, m.from, m.to);
    }
    if (bd->json)
        answer_json(bd, &m, &p, dry);
    return 0;
}

static const struct cmd_flag flags[] = {
    {.name = "dry-run", .kind = FLAG_BOOL, .help = "Show the plan, change nothing"},
    {.name = "from", .kind = FLAG_STRING, .required = true, .help = "Repository the issues are in"},
    {.name = "id", .kind = FLAG_STRINGS, .help = "Only these issues"},
    {.name = "ids-file", .kind = FLAG_STRING, .help = "Only the issues of this file, one id a line"},
    {.name = "include",
     .kind = FLAG_STRING,
     .default_text = "none",
     .help = "Take along: none, upstream (what they depend on), downstream, closure (both)"},
    {.name = "label", .kind = FLAG_STRINGS, .help = "Only issues with all of these labels"},
    {.name = "priority",
     .kind = FLAG_INT,
     .default_text = "-1",
     .help = "Only issues of this priority"},
    {.name = "status", .kind = FLAG_STRING, .help = "Only issues of this status (all: any)"},
    {.name = "strict",
     .kind = FLAG_BOOL,
     .help = "Fail when dependencies name issues that do not exist"},
    {.name = "to", .kind = FLAG_STRING, .required = true, .help = "Repository they go to"},
    {.name = "type", .kind = FLAG_STRING, .help = "Only issues of this type (all: any)"},
    {.name = "within-from-only",
     .kind = FLAG_BOOL,
     .default_text = "true",
     .help = "Take along only issues of the same repository"},
    {.name = "yes", .kind = FLAG_BOOL, .help = "Ask nothing"},
    {0},
};

const struct cmd cmd_migrate_issues = {
    .name = "issues",
    .use = "issues --from REPO --to REPO [flags]",
    .summary = "Move issues between the repositories of a workspace",
    .details =
        "Rewrites the source repository of the issues that the filters select, and of what their "
        "dependencies reach\n"
        "if --include says so. Ids, dependencies and history stay as they are.",
    .examples = "  bd migrate issues --from ~/planning --to . --dry-run\n"
                "  bd migrate issues --from . --to ~/archive --status closed --include closure",
    .flags = flags,
    .run = run,
};

/* Its old name. */
const struct cmd cmd_migrate_issues_old = {
    .name = "migrate-issues",
    .use = "migrate-issues --from REPO --to REPO [flags]",
    .summary = "Old name of 'bd migrate issues'",
    .flags = flags,
    .cls = CMD_HIDDEN,
    .run = run,
};
