/* bd flatten: the whole history becomes one snapshot on the first commit. */
#include "bd/cmd/commands.h"
#include "bd/cmd/squash.h"
#include "bd/cmd/squash_push.h"
#include "bd/ops/history.h"

static unsigned long long number(uint64_t n) { return (unsigned long long)n; }
static uint64_t after(const struct history_summary *h) {
    return h->commits - h->gone - (h->commits > 1);
}

static const char *why_nothing(struct bd *bd, const struct history_summary *h) {
    if (h->commits > 2)
        return arena_printf(&bd->arena, "Nothing to squash: all %llu commits stay.",
                            number(h->commits));
    return h->commits > 1 ? "Already flat (1 commit on the first one). Nothing to do."
                          : "Already flat (1 commit). Nothing to do.";
}

static void preview(struct bd *bd, const struct squash_job *j) {
    const struct history_summary *h = &j->result.history;
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
    fprintf(bd->out, "  Commits:        %llu\n", number(h->commits));
    fprintf(bd->out, "  Initial commit: %s\n", first);
    if (!h->changed) {
        fprintf(bd->out, "\n  %s\n", why_nothing(bd, h));
        return;
    }
    fprintf(bd->out, "\n  Would squash %llu commits into %llu.\n", number(h->commits),
            number(after(h)));
    squash_print_proceed(bd, h);
}

static void nothing(struct bd *bd, const struct squash_job *j) {
    const struct history_summary *h = &j->result.history;
    struct json_writer w;
    struct buf out = BUF_INIT;
    if (!bd->json) {
        fprintf(bd->out, "%s\n", why_nothing(bd, h));
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

static const char *refusal(struct bd *bd, const struct squash_job *j) {
    const struct history_summary *h = &j->result.history;
    return arena_printf(&bd->arena, "would squash %llu commits into %llu (irreversible)",
                        number(h->commits), number(after(h)));
}

static const char *begin(struct bd *bd, const struct squash_job *j) {
    return arena_printf(&bd->arena, "Flattening %llu commits...", number(j->result.history.commits));
}

static const struct squash_command command = {.name = "flatten",
                                              .done = "Flattened",
                                              .after = after,
                                              .preview = preview,
                                              .nothing = nothing,
                                              .refusal = refusal,
                                              .begin = begin};

static int run(struct bd *bd, const struct cmd_call *c) {
    int64_t keep = cmd_int(c, "keep-recent");
    if (keep < 0)
        return cmd_fail(bd, "--keep-recent must not be negative");
    struct squash_job j = {.rewrite = {.keep_since = INT64_MAX,
                                       .keep_newest = (uint64_t)keep,
                                       .all_branches = cmd_bool(c, "all-branches"),
                                       .message = "flatten: squash all history into single commit"}};
    struct squash_push to;
    struct err ignored = ERR_INIT;
    bool push = cmd_bool(c, "push") && cmd_bool(c, "force") && !cmd_bool(c, "dry-run") &&
                !bd->read_only && squash_check(bd, cmd_bool(c, "force-federated"), &ignored) == BD_OK;
    int status = push ? squash_push_prepare(bd, c, &to) : 0;
    if (status == 0)
        status = squash_command_run(bd, c, &command, &j);
    return status == 0 && push && j.result.history.changed ? squash_push_finish(bd, &to) : status;
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
    {.name = "push",
     .kind = FLAG_BOOL,
     .help = "Then replace the remote's branch, if nobody pushed to it meanwhile"},
    {.name = "remote", .kind = FLAG_STRING, .help = "Remote for --push (else the only one, or origin)"},
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
