/*
 * bd vc: commit, status and merge of the issue database; bd branch.
 */
#include "bd/cmd/vc.h"

#include "bd/cmd/commands.h"
#include "bd/ops/history.h"
#include "bd/ops/merge_rules.h"
#include "bd/ui/issue_text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- commit ---- */

static int nothing(struct tables_txn *x, void *ctx, struct err *err) {
    (void)x;
    (void)ctx;
    (void)err;
    return BD_OK;
}

/* Standard input as a message, without the line feeds at its end. */
static const char *read_message(struct bd *bd) {
    struct buf b = BUF_INIT;
    char piece[4096];
    for (ssize_t n; (n = read(0, piece, sizeof piece)) > 0;)
        buf_add(&b, piece, (size_t)n);
    while (b.size && b.data[b.size - 1] == '\n')
        b.data[--b.size] = '\0';
    const char *text = arena_strdup(&bd->arena, buf_str(&b));
    buf_release(&b);
    return text;
}

static void commit_result(struct bd *bd, bool made, const char *hash, const char *message) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    if (!bd->json && made) {
        fprintf(bd->out, "Created commit %s\n",
                ink_text(&bd->arena, bd->color, INK_MUTED, arena_strndup(&bd->arena, hash, 8)));
        return;
    }
    if (!bd->json) {
        fprintf(bd->out, "Nothing to commit\n");
        return;
    }
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_bool(&w, "committed", made);
    if (made)
        json_member_str(&w, "hash", hash);
    json_member_str(&w, "message", made ? message : "nothing to commit");
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static int run_commit(struct bd *bd, const struct cmd_call *c) {
    const char *message = cmd_str(c, "message");
    struct err err = ERR_INIT;
    struct hash commit = HASH_ZERO;
    if (cmd_bool(c, "stdin")) {
        if (*message)
            return cmd_fail_json_stdout(bd, "cannot specify both --stdin and -m/--message");
        message = read_message(bd);
    }
    if (!*message)
        return cmd_fail_json_stdout(bd, "commit message is required (use -m, --message, or --stdin)");
    int status = bd_open_store(bd);
    if (status)
        return status;
    struct tables_write write = {.mode = TABLES_COMMIT, .message = message};
    if (tables_write(bd->ops.tables, &write, nothing, NULL, &commit, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "failed to commit: %s", err.msg);
    commit_result(bd, !hash_is_zero(&commit), history_hash(&commit, &bd->arena), message);
    return 0;
}

static const struct cmd_flag commit_flags[] = {
    {.name = "message", .shorthand = 'm', .kind = FLAG_STRING, .help = "The commit message"},
    {.name = "stdin", .kind = FLAG_BOOL, .help = "Read the message from standard input"},
    {0},
};
static const struct cmd cmd_vc_commit = {
    .name = "commit",
    .use = "commit [flags]",
    .summary = "Commit all changes of the issue database",
    .examples =
        "  bd vc commit -m \"Plan the release\"\n  git log -1 --format=%B | bd vc commit --stdin",
    .args_max = -1,
    .flags = commit_flags,
    .cls = CMD_WRITES,
    .readonly_label = "vc commit",
    .run = run_commit,
};

/* ---- status ---- */

static int run_status(struct bd *bd, const struct cmd_call *c) {
    struct hash head;
    struct err err = ERR_INIT;
    struct tables_status *changes = NULL;
    struct buf out = BUF_INIT;
    struct json_writer w;
    size_t count = 0;
    (void)c;
    int status = bd_open_store(bd);
    if (status)
        return status;
    int rc = tables_resolve(bd->ops.tables, "HEAD", &head, &err);
    if (rc == BD_OK && !bd->json)
        rc = tables_status(bd->ops.tables, &bd->arena, &changes, &count, &err);
    if (rc != BD_OK && rc != BD_UNSUPPORTED)
        return cmd_fail_json_stdout(bd, "failed to get current commit: %s", err.msg);
    const char *branch = tables_branch(bd->ops.tables), *commit = history_hash(&head, &bd->arena);
    if (bd->json) {
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_str(&w, "branch", branch);
        json_member_str(&w, "commit", commit);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
        return 0;
    }
    buf_add_char(&out, '\n');
    ink_add(&out, bd->color, INK_ACCENT, "📊");
    buf_add_str(&out, " Version Control Status\n\n  Branch: ");
    ink_add(&out, bd->color, INK_IN_PROGRESS, branch);
    buf_add_str(&out, "\n  Commit: ");
    ink_add(&out, bd->color, INK_MUTED, arena_strndup(&bd->arena, commit, 8));
    buf_add_str(&out, "\n\n");
    size_t shown = 0;
    for (size_t i = 0; i < count; i++) {
        static const char *const names[] = {"new", "modified", "deleted"};
        if (changes[i].ignored)
            continue;
        if (!shown++)
            buf_add_str(&out, "  Not committed (bd vc diff shows it):\n");
        buf_addf(&out, "    %-9s %s\n", names[changes[i].change], changes[i].table);
    }
    if (shown)
        buf_add_char(&out, '\n');
    view_print(bd, &out);
    return 0;
}

static const struct cmd cmd_vc_status = {
    .name = "status",
    .use = "status",
    .summary = "Show the current branch, commit and uncommitted changes",
    .args_max = -1,
    .run = run_status,
};

/* ---- merge ---- */

static void merge_json(struct bd *bd, const char *branch, const struct tables_merge_result *r,
                       const struct merge_judge *judge, const char *strategy) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "merged", branch);
    json_key(&w, "conflicts");
    if (!r->conflicts) {
        json_int(&w, (int64_t)judge->resolved);
        if (judge->resolved)
            json_member_str(&w, "resolved_with", strategy);
    } else {
        json_array(&w);
        for (size_t i = 0; i < r->conflict_table_count; i++) {
            json_object(&w);
            json_member_str(&w, "IssueID", "");
            json_member_str(&w, "Field", r->conflict_tables[i]);
            json_key(&w, "OursValue");
            json_null(&w);
            json_key(&w, "TheirsValue");
            json_null(&w);
            json_object_end(&w);
        }
        json_array_end(&w);
    }
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static void merge_text(struct bd *bd, const char *branch, const struct tables_merge_result *r,
                       const struct merge_judge *judge, const char *strategy) {
    const char *name = ink_text(&bd->arena, bd->color, INK_ACCENT, branch);
    if (!r->conflicts && !judge->resolved) {
        fprintf(bd->out, "Successfully merged %s\n", name);
        return;
    }
    if (!r->conflicts) {
        fprintf(bd->out, "Merged %s with %llu conflicts resolved using '%s' strategy\n", name,
                (unsigned long long)judge->resolved, strategy);
        return;
    }
    fprintf(bd->out,
            "\n%s Merge stopped, nothing was changed: both sides changed the same rows of:\n\n",
            ink_text(&bd->arena, bd->color, INK_ACCENT, "!!"));
    for (size_t i = 0; i < r->conflict_table_count; i++)
        fprintf(bd->out, "  - %s\n", r->conflict_tables[i]);
    fprintf(bd->out, "\nResolve conflicts with: bd vc merge %s --strategy [newest|ours|theirs]\n\n",
            branch);
}

static int run_merge(struct bd *bd, const struct cmd_call *c) {
    const char *branch = cmd_arg(c, 0), *strategy = view_text(c, "strategy");
    struct tables_merge_result r = {0};
    struct merge_judge judge = {MERGE_NEWEST, 0};
    struct err err = ERR_INIT;
    struct hash commit;
    int status = bd_open_store(bd);
    if (status)
        return status;
    if (tables_resolve(bd->ops.tables, branch, &commit, &err) == BD_NOT_FOUND)
        return cmd_fail_json_stdout(
            bd, "failed to merge branch: merge branch %s: Error 1105: branch not found: %s", branch,
            branch);
    /* a strategy is looked at only when there is a conflict */
    bool known = strategy && merge_strategy_parse(strategy, &judge.strategy);
    struct tables_write write = {.mode = TABLES_COMMIT, .author = {"beads", "beads@local"}};
    int rc = known ? tables_merge_resolving(bd->ops.tables, branch, &write, merge_rules_resolve, &judge,
                                            &bd->arena, &r, &err)
                   : tables_merge(bd->ops.tables, branch, &write, &bd->arena, &r, &err);
    if (rc != BD_OK && !r.conflicts)
        return cmd_fail_json_stdout(bd, "failed to merge branch: %s", err.msg);
    if (r.conflicts && strategy && !known)
        return cmd_fail_json_stdout(
            bd,
            "failed to resolve conflicts: unknown strategy %s (newest, ours or theirs); nothing "
            "was merged",
            strategy);
    if (bd->json)
        merge_json(bd, branch, &r, &judge, strategy);
    else
        merge_text(bd, branch, &r, &judge, strategy);
    return 0;
}

static const struct cmd_flag merge_flags[] = {
    {.name = "strategy",
     .kind = FLAG_STRING,
     .help = "Where both sides changed a row: newest decides per cell, ours or theirs takes one side"},
    {0},
};
static const struct cmd cmd_vc_merge = {
    .name = "merge",
    .use = "merge <branch>",
    .summary = "Merge a branch into the current one",
    .details = "Merge the changes of a branch. Cells that only one side changed are taken from that "
               "side. Where both sides "
               "changed the same row nothing is merged unless a strategy is given: newest takes each "
               "cell from the row "
               "updated last, unites lists and keeps the larger counters; ours and theirs take one "
               "side's cells.",
    .args_min = 1,
    .args_max = 1,
    .flags = merge_flags,
    .cls = CMD_WRITES,
    .readonly_label = "vc merge",
    .run = run_merge,
};

static const struct cmd *const children[] = {
    &cmd_vc_commit, &cmd_vc_diff, &cmd_vc_log, &cmd_vc_merge, &cmd_vc_show, &cmd_vc_status, NULL,
};

const struct cmd cmd_vc = {
    .name = "vc",
    .use = "vc",
    .summary = "Commits, history and branches of the issue database",
    .group = "Sync & Data",
    .args_max = -1,
    .children = children,
};

/* ---- bd branch ---- */

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_branches(struct bd *bd) {
    struct tables_ref *refs = NULL;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    struct json_writer w;
    size_t count = 0, n = 0;
    if (tables_refs(bd->ops.tables, &bd->arena, &refs, &count, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "failed to list branches: %s", err.msg);
    const char *current = tables_branch(bd->ops.tables);
    const char **names = arena_alloc(&bd->arena, (count + 1) * sizeof *names);
    for (size_t i = 0; i < count; i++)
        if (refs[i].kind == TABLES_REF_BRANCH)
            names[n++] = refs[i].name;
    qsort(names, n, sizeof *names, compare_texts);
    if (bd->json) {
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_str(&w, "current", current);
        json_key(&w, "branches");
        json_array(&w);
        for (size_t i = 0; i < n; i++)
            json_str(&w, names[i]);
        json_array_end(&w);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
        return 0;
    }
    buf_add_char(&out, '\n');
    ink_add(&out, bd->color, INK_ACCENT, "🌿");
    buf_add_str(&out, " Branches:\n\n");
    for (size_t i = 0; i < n; i++) {
        bool here = strcmp(names[i], current) == 0;
        buf_add_str(&out, here ? "  * " : "    ");
        ink_add(&out, bd->color, here ? INK_IN_PROGRESS : INK_PLAIN, names[i]);
        buf_add_char(&out, '\n');
    }
    buf_add_char(&out, '\n');
    view_print(bd, &out);
    return 0;
}

static int run_branch(struct bd *bd, const struct cmd_call *c) {
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    struct json_writer w;
    int status = bd_open_store(bd);
    if (status)
        return status;
    if (!cmd_arg_count(c))
        return list_branches(bd);
    const char *name = cmd_arg(c, 0);
    if (bd->read_only)
        return cmd_fail(bd, "operation 'branch' is not allowed in read-only mode");
    if (tables_branch_create(bd->ops.tables, name, NULL, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "failed to create branch: create branch %s: %s", name, err.msg);
    if (bd->json) {
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_str(&w, "created", name);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
    } else {
        fprintf(bd->out, "Created branch: %s\n", ink_text(&bd->arena, bd->color, INK_ACCENT, name));
    }
    return 0;
}

const struct cmd cmd_branch = {
    .name = "branch",
    .use = "branch [name]",
    .summary = "List branches of the issue database, or create one",
    .examples = "  bd branch\n  bd branch feature",
    .group = "Sync & Data",
    .args_max = 1,
    .run = run_branch,
};
