/* bd flatten: the whole history becomes one snapshot on the first commit. */
#include "bd/cmd/commands.h"
#include "bd/cmd/squash.h"
#include "bd/ops/history.h"

static uint64_t after(const struct history_summary *h) {
    return h->commits - h->gone - (h->commits > 1); /* as upstream, the first commit is not counted */
}

static const char *nothing(struct bd *bd, const struct history_summary *h) {
    if (h->commits > 2)
        return arena_printf(&bd->arena, "Nothing to squash: all %llu commits stay.",
                            (unsigned long long)h->commits);
    return h->commits > 1 ? "Already flat (1 commit on the first one). Nothing to do."
                          : "Already flat (1 commit). Nothing to do.";
}

static void preview(struct bd *bd, const struct history_summary *h) {
    const char *first = history_hash(&h->first, &bd->arena);
    struct json_writer w;
    struct buf out = BUF_INIT;
    if (bd->json) {
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_bool(&w, "dry_run", true);
        json_member_int(&w, "commit_count", (int64_t)h->commits);
        json_member_str(&w, "initial_hash", first);
        json_member_bool(&w, "would_flatten", h->changed);
        squash_json_holders(&w, h);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
        return;
    }
    fputs("DRY RUN — Flatten preview\n\n", bd->out);
    fprintf(bd->out, "  Commits:        %llu\n", (unsigned long long)h->commits);
    fprintf(bd->out, "  Initial commit: %s\n", first);
    if (!h->changed) {
        fprintf(bd->out, "\n  %s\n", nothing(bd, h));
        return;
    }
    fprintf(bd->out, "\n  Would squash %llu commits into %llu.\n", (unsigned long long)h->commits,
            (unsigned long long)after(h));
    squash_print_holders(bd, h);
    fprintf(bd->out, "  %s\n  Run with --force to proceed.\n", squash_copy_hint(bd));
}

static void answer_flat(struct bd *bd, const struct history_summary *h) {
    struct json_writer w;
    struct buf out = BUF_INIT;
    if (!bd->json) {
        fprintf(bd->out, "%s\n", nothing(bd, h));
        return;
    }
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_bool(&w, "success", true);
    json_member_str(&w, "message", "already flat");
    json_member_int(&w, "commit_count", (int64_t)h->commits);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static void answer(struct bd *bd, const struct squash_result *r) {
    const struct history_summary *h = &r->history;
    struct json_writer w;
    struct buf out = BUF_INIT;
    if (!bd->json) {
        fprintf(bd->out, "✓ Flattened %llu commits → %llu\n", (unsigned long long)h->commits,
                (unsigned long long)after(h));
        squash_print_facts(bd, r);
        return;
    }
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_bool(&w, "success", true);
    json_member_int(&w, "commits_before", (int64_t)h->commits);
    json_member_int(&w, "commits_after", (int64_t)after(h));
    json_member_int(&w, "elapsed_ms", r->elapsed_micros / 1000);
    squash_json_holders(&w, h);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static int run(struct bd *bd, const struct cmd_call *c) {
    struct err err = ERR_INIT;
    bool dry_run = cmd_bool(c, "dry-run");
    int64_t keep = cmd_int(c, "keep-recent");
    struct squash_result done = {0};
    if (bd->read_only && !dry_run)
        return cmd_fail(bd, "operation 'flatten' is not allowed in read-only mode");
    if (cmd_bool(c, "push"))
        return cmd_fail(bd, "--push is not built into this bd yet; nothing was done");
    if (keep < 0)
        return cmd_fail(bd, "--keep-recent must not be negative");
    struct history_rewrite r = {.keep_since = INT64_MAX,
                                .keep_newest = (uint64_t)keep,
                                .all_branches = cmd_bool(c, "all-branches"),
                                .message = "flatten: squash all history into single commit"};
    int rc = history_plan(bd->ops.tables, &r, &bd->arena, &done.history, &err);
    if (rc == BD_CONFLICT || rc == BD_UNSUPPORTED)
        return cmd_fail(bd, "%s", err.msg);
    if (rc != BD_OK)
        return cmd_fail(bd, "failed to read commit log: %s", err.msg);
    if (dry_run) {
        preview(bd, &done.history);
        return 0;
    }
    if (!done.history.changed) {
        squash_settle(bd);
        answer_flat(bd, &done.history);
        return 0;
    }
    if (squash_check(bd, cmd_bool(c, "force-federated"), &err) != BD_OK)
        return cmd_fail_hint(bd, "bd gc gives back space without touching history", "%s", err.msg);
    if (!cmd_bool(c, "force"))
        return cmd_fail_hint(
            bd,
            arena_printf(&bd->arena, "Use --force to confirm or --dry-run to preview.\n  %s",
                         squash_copy_hint(bd)),
            "would squash %llu commits into %llu (irreversible)",
            (unsigned long long)done.history.commits, (unsigned long long)after(&done.history));
    if (!bd->json)
        fprintf(bd->out, "Flattening %llu commits...\n", (unsigned long long)done.history.commits);
    if (squash_run(bd, &r, SQUASH_COLLECT, &done, &err) != BD_OK)
        return cmd_fail(bd, "flatten failed: %s", err.msg);
    answer(bd, &done);
    return 0;
}

static const struct cmd_flag flags[] = {
    {.name = "dry-run", .kind = FLAG_BOOL, .help = "Only tell what would go"},
    {.name = "force",
     .shorthand = 'f',
     .kind = FLAG_BOOL,
     .help = "Squash; without it nothing is done"},
    {.name = "keep-recent",
     .kind = FLAG_INT,
     .help = "Leave that many of the newest commits as they are"},
    {.name = "all-branches",
     .kind = FLAG_BOOL,
     .help = "Squash every branch, so that they still merge"},
    {.name = "force-federated", .kind = FLAG_BOOL, .help = "Squash although the database has a remote"},
    {.name = "push", .kind = FLAG_BOOL, .help = "Push the squashed branch to the remote"},
    {0},
};

const struct cmd cmd_flatten = {
    .name = "flatten",
    .use = "flatten",
    .summary = "Squash the whole history into one commit",
    .details = "The newest state becomes one commit on the first one, and the space of all older "
               "states is given back.\n"
               "Issues, changes that are not committed, tags and other branches stay as they are; who "
               "changed what and\n"
               "when is gone for good. A commit that somebody makes meanwhile is put on top.\n\n"
               "bd compact squashes only what is older than some days; the setting history.keep does "
               "that by itself.",
    .examples = "  bd flatten --dry-run\n  bd flatten --force\n  bd flatten --force --keep-recent 100",
    .group = "Maintenance",
    .args_max = -1,
    .flags = flags,
    .readonly_label = "flatten",
    .run = run,
};
