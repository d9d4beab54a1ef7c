/* bd compact: commits older than some days become one snapshot; the later ones stand on it as they
 * were. */
#include "bd/cmd/commands.h"
#include "bd/cmd/squash.h"
#include "bd/ops/history.h"

#include "base/datetime.h"

#define MICROS_PER_DAY (INT64_C(86400) * MICROS_PER_SECOND)
#define DAYS_MAX 1000000

static unsigned long long number(uint64_t n) { return (unsigned long long)n; }
static uint64_t recent(const struct history_summary *h) { return h->commits - h->old; }
static uint64_t after(const struct history_summary *h) { return h->commits - h->gone - 1; }

/* Snapshots that stand for the old commits. */
static uint64_t bases(const struct history_summary *h) { return after(h) - recent(h); }

static void nothing(struct bd *bd, const struct squash_job *j) {
    const struct history_summary *h = &j->result.history;
    struct json_writer w;
    struct buf out = BUF_INIT;
    bool single = h->commits <= 1;
    if (!bd->json) {
        fprintf(bd->out, "Only %llu %scommit(s). Nothing to compact.\n",
                number(single ? h->commits : h->old), single ? "" : "old ");
        return;
    }
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_bool(&w, "success", true);
    json_member_str(&w, "message", "nothing to compact");
    json_member_int(&w, "total_commits", (int64_t)h->commits);
    if (!single)
        json_member_int(&w, "old_commits", (int64_t)h->old);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static void preview(struct bd *bd, const struct squash_job *j) {
    const struct history_summary *h = &j->result.history;
    struct arena *a = &bd->arena;
    struct json_writer w;
    struct buf out = BUF_INIT;
    char date[40];
    if (h->commits <= 1) {
        nothing(bd, j);
        return;
    }
    datetime_format_rfc3339_local(j->rewrite.keep_since, date, sizeof date);
    date[10] = '\0'; /* the day */
    if (bd->json) {
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_bool(&w, "dry_run", true);
        json_member_int(&w, "total_commits", (int64_t)h->commits);
        json_member_int(&w, "old_commits", (int64_t)h->old);
        json_member_int(&w, "recent_commits", (int64_t)recent(h));
        json_member_int(&w, "cutoff_days", j->days);
        json_member_str(&w, "cutoff_date", date);
        json_member_str(&w, "initial_hash", history_hash(&h->first, a));
        json_member_str(&w, "boundary_hash", h->old ? history_hash(&h->boundary, a) : "");
        squash_json_holders(&w, h);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
        return;
    }
    fputs("DRY RUN — Compact preview\n\n", bd->out);
    fprintf(bd->out, "  Total commits:  %llu\n", number(h->commits));
    fprintf(bd->out, "  Old (>%lld days): %llu (would be squashed into 1)\n", (long long)j->days,
            number(h->old));
    fprintf(bd->out, "  Recent:         %llu (preserved)\n", number(recent(h)));
    fprintf(bd->out, "  Cutoff date:    %s\n", date);
    if (!h->changed) {
        fprintf(bd->out, "\n  Nothing to compact (%s).\n",
                h->old < 2 ? "0-1 old commits" : "the old ones are a snapshot");
        return;
    }
    fprintf(bd->out, "\n  Result: %llu commits → %llu commits\n", number(h->commits), number(after(h)));
    squash_print_proceed(bd, h);
}

static const char *refusal(struct bd *bd, const struct squash_job *j) {
    const struct history_summary *h = &j->result.history;
    return arena_printf(&bd->arena,
                        "would squash %llu old commits into 1, preserving %llu recent commits",
                        number(h->old), number(recent(h)));
}

static const char *begin(struct bd *bd, const struct squash_job *j) {
    const struct history_summary *h = &j->result.history;
    return arena_printf(&bd->arena, "Compacting: %llu old commits → 1, preserving %llu recent",
                        number(h->old), number(recent(h)));
}

static void print(struct bd *bd, const struct squash_job *j) {
    const struct history_summary *h = &j->result.history;
    fprintf(bd->out, "  Squashed: %llu old commits → %llu base%s\n", number(h->old), number(bases(h)),
            bases(h) == 1 ? "" : "s");
    fprintf(bd->out, "  Preserved: %llu recent commits\n", number(recent(h)));
}

static void members(struct json_writer *w, const struct squash_job *j) {
    json_member_int(w, "old_squashed", (int64_t)j->result.history.old);
    json_member_int(w, "recent_kept", (int64_t)recent(&j->result.history));
}

static const struct squash_command command = {.name = "compact",
                                              .done = "Compacted",
                                              .after = after,
                                              .preview = preview,
                                              .nothing = nothing,
                                              .refusal = refusal,
                                              .begin = begin,
                                              .print = print,
                                              .members = members};

static int run(struct bd *bd, const struct cmd_call *c) {
    int64_t days = cmd_int(c, "days");
    if (days < 0)
        return cmd_fail(bd, "--days must be non-negative");
    if (days > DAYS_MAX)
        return cmd_fail(bd, "--days must not exceed %d", DAYS_MAX);
    if (cmd_int(c, "per-day") < 0)
        return cmd_fail(bd, "--per-day must not be negative");
    struct squash_job j = {.rewrite = {.keep_since = datetime_now() - days * MICROS_PER_DAY,
                                       .keep_per_day = (uint64_t)cmd_int(c, "per-day"),
                                       .all_branches = cmd_bool(c, "all-branches"),
                                       .message = "compact: squash ",
                                       .message_tail = " commits into base snapshot"},
                           .days = days};
    return squash_command_run(bd, c, &command, &j);
}

static const struct cmd_flag flags[] = {
    {.name = "dry-run", .kind = FLAG_BOOL, .help = "Only tell what would go"},
    {.name = "force",
     .shorthand = 'f',
     .kind = FLAG_BOOL,
     .help = "Squash; without it nothing is done"},
    {.name = "days",
     .kind = FLAG_INT,
     .default_text = "30",
     .help = "Leave commits of that many days as they are"},
    {.name = "per-day", .kind = FLAG_INT, .help = "Leave that many snapshots of each older day"},
    {.name = "all-branches",
     .kind = FLAG_BOOL,
     .help = "Squash every branch, so that they still merge"},
    {.name = "force-federated", .kind = FLAG_BOOL, .help = "Squash although the database has a remote"},
    {0},
};

const struct cmd cmd_compact = {
    .name = "compact",
    .use = "compact",
    .summary = "Squash old commits into one",
    .details = "Commits older than --days become one snapshot; the later ones keep content, author, "
               "message and time,\n"
               "merges included. The space of the older states is given back. Tags and other branches "
               "stay as they are.\n\n"
               "bd flatten squashes everything; the setting history.keep does the same by itself. For "
               "the texts of closed\n"
               "issues see bd admin compact.",
    .examples = "  bd compact --dry-run\n  bd compact --days 7 --force\n  bd compact --days 30 "
                "--per-day 1 --force",
    .group = "Maintenance",
    .args_max = -1,
    .flags = flags,
    .readonly_label = "compact",
    .run = run,
};
