/*
 * bd admin: maintenance that upstream keeps for servers. On an embedded database it refuses what
 * upstream refuses there (cleanup, reset, compaction by an AI service) and names the command that does
 * it; the reading modes of compact work, and so does --apply, with a summary that somebody else wrote.
 */
#include "bd/cmd/commands.h"
#include "bd/cmd/issue_flags.h"
#include "bd/cmd/write.h"
#include "bd/ops/compaction.h"
#include "bd/ops/resolve.h"
#include "bd/ui/text.h"
#include "bd/workspace/process.h"
#include "store/db/gc.h"

#include <stdlib.h>
#include <string.h>

#define MICROS_PER_DAY (INT64_C(86400) * MICROS_PER_SECOND)

static int refuse(struct bd *bd, const char *name, const char *instead) {
    return cmd_fail_hint(bd, instead, "'bd admin %s' is not yet supported in embedded mode", name);
}

/* ---- what can be read ---- */

struct candidates {
    struct issue_list list;
    int tier;
    size_t total; /* of their sizes */
};

static size_t size_of(const struct issue *i, bool exact) {
    return exact ? compaction_bytes(i) : compaction_chars(i);
}

static int64_t age_days(const struct issue *i) {
    return i->closed_at == ISSUE_NO_TIME ? 0 : (datetime_now() - i->closed_at) / MICROS_PER_DAY;
}

/* All of a tier, or the one of --id; `exact`: sizes in bytes, else in characters, as upstream has it.
 */
static int load(struct bd *bd, const struct cmd_call *c, bool exact, struct candidates *out,
                struct err *err) {
    const char *id = cmd_str(c, "id");
    struct tables_txn *x;
    out->tier = (int)cmd_int(c, "tier");
    int rc = write_read_begin(bd, &x, err);
    if (rc != BD_OK)
        return rc;
    if (*id) {
        struct issue one;
        rc = issue_resolve(x, id, &bd->arena, &id, err);
        if (rc == BD_OK)
            rc = issue_load(x, id, &bd->arena, &one, err);
        if (rc == BD_OK) {
            out->list = (struct issue_list){NULL, 0, 0};
            *issue_list_add(&out->list, &bd->arena) = one;
        }
    } else {
        rc = compaction_candidates(x, out->tier, &bd->arena, &out->list, err);
    }
    tables_read_end(x);
    size_t limit = (size_t)cmd_int(c, "limit");
    if (rc == BD_OK && cmd_int(c, "limit") > 0 && out->list.count > limit)
        out->list.count = limit;
    for (size_t i = 0; rc == BD_OK && i < out->list.count; i++)
        out->total += size_of(&out->list.items[i], exact);
    return rc;
}

static void print_table(struct bd *bd, const struct candidates *k, bool exact, bool stars) {
    fprintf(bd->out, "  %-12s %-40s %8s %10s\n", "ID", "TITLE", "AGE", "SIZE");
    for (size_t n = 0; n < k->list.count; n++) {
        const struct issue *i = &k->list.items[n];
        fprintf(bd->out, "  %-12s %-40s %5lldd %10zu B%s\n", i->id,
                text_truncate_bytes(&bd->arena, i->title, 40), (long long)age_days(i),
                size_of(i, exact), stars && i->compaction_level > 0 ? " *" : "");
    }
    fprintf(bd->out, "\nSummary: %zu candidate%s, %zu bytes total content\n", k->list.count,
            exact && !stars ? "" : "s", k->total);
}

static void json_summary(struct json_writer *w, const struct candidates *k) {
    json_key(w, "summary");
    json_object(w);
    json_member_int(w, "total_candidates", (int64_t)k->list.count);
    json_member_int(w, "total_content_bytes", (int64_t)k->total);
    json_object_end(w);
}

static int run_analyze(struct bd *bd, const struct cmd_call *c) {
    struct candidates k = {0};
    struct err err = ERR_INIT;
    struct json_writer w;
    struct buf out = BUF_INIT;
    bool exact = *cmd_str(c, "id");
    if (load(bd, c, exact, &k, &err) != BD_OK)
        return cmd_fail(bd, "failed to get %s: %s", exact ? "issue" : "candidates", err.msg);
    if (!bd->json) {
        fprintf(bd->out, "Compaction Candidates (Tier %d)\n\n", k.tier);
        print_table(bd, &k, exact, true);
        return 0;
    }
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_key(&w, "candidates");
    if (k.list.count)
        json_array(&w);
    else
        json_null(&w);
    for (size_t n = 0; n < k.list.count; n++) {
        const struct issue *i = &k.list.items[n];
        json_object(&w);
        json_member_str(&w, "id", i->id);
        json_member_str(&w, "title", i->title);
        json_member_str(&w, "description", i->description ? i->description : "");
        json_member_str(&w, "design", i->design ? i->design : "");
        json_member_str(&w, "notes", i->notes ? i->notes : "");
        json_member_str(&w, "acceptance_criteria",
                        i->acceptance_criteria ? i->acceptance_criteria : "");
        json_member_int(&w, "size_bytes", (int64_t)size_of(i, exact));
        json_member_int(&w, "age_days", age_days(i));
        json_member_int(&w, "tier", k.tier);
        json_member_bool(&w, "compacted", i->compaction_level > 0);
        json_object_end(&w);
    }
    if (k.list.count)
        json_array_end(&w);
    json_summary(&w, &k);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 0;
}

/* --auto --dry-run */
static int run_preview(struct bd *bd, const struct cmd_call *c) {
    struct candidates k = {0};
    struct err err = ERR_INIT;
    struct json_writer w;
    struct buf out = BUF_INIT;
    const char *reason = NULL;
    bool exact = *cmd_str(c, "id");
    if (load(bd, c, true, &k, &err) != BD_OK)
        return cmd_fail(bd, "failed to get %s: %s", exact ? "issue" : "candidates", err.msg);
    if (exact && !cmd_bool(c, "force")) {
        struct tables_txn *x;
        int rc = write_read_begin(bd, &x, &err);
        if (rc == BD_OK) {
            rc = compaction_check(x, &k.list.items[0], k.tier, &bd->arena, &reason, &err);
            tables_read_end(x);
        }
        if (rc != BD_OK)
            return cmd_fail(bd, "failed to check eligibility: %s", err.msg);
        if (reason)
            return cmd_fail(bd, "%s is not eligible for Tier %d compaction: %s", k.list.items[0].id,
                            k.tier, reason);
    }
    if (!bd->json) {
        if (!k.list.count) {
            fputs("No eligible candidates for compaction\n", bd->out);
            return 0;
        }
        fprintf(bd->out, "DRY RUN - Tier %d compaction\n\n", k.tier);
        print_table(bd, &k, true, false);
        return 0;
    }
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    if (!k.list.count) {
        json_member_bool(&w, "success", true);
        json_member_int(&w, "count", 0);
        json_member_str(&w, "message", "No eligible candidates");
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
        return 0;
    }
    json_member_bool(&w, "dry_run", true);
    json_member_int(&w, "tier", k.tier);
    json_key(&w, "candidates");
    json_array(&w);
    for (size_t n = 0; n < k.list.count; n++) {
        const struct issue *i = &k.list.items[n];
        char closed[40] = "";
        if (i->closed_at != ISSUE_NO_TIME)
            datetime_format_rfc3339(i->closed_at, closed, sizeof closed);
        json_object(&w);
        json_member_str(&w, "id", i->id);
        json_member_str(&w, "title", i->title);
        json_member_str(&w, "closed_at", closed);
        json_member_int(&w, "age_days", age_days(i));
        json_member_int(&w, "content_size", (int64_t)compaction_bytes(i));
        json_object_end(&w);
    }
    json_array_end(&w);
    json_summary(&w, &k);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 0;
}

static int run_stats(struct bd *bd) {
    struct tables_txn *x;
    struct err err = ERR_INIT;
    struct issue_list tiers[2];
    size_t sizes[2] = {0, 0};
    int rc = write_read_begin(bd, &x, &err);
    if (rc == BD_OK) {
        for (int t = 0; t < 2 && rc == BD_OK; t++) {
            rc = compaction_candidates(x, t + 1, &bd->arena, &tiers[t], &err);
            for (size_t i = 0; rc == BD_OK && i < tiers[t].count; i++)
                sizes[t] += compaction_chars(&tiers[t].items[i]);
        }
        tables_read_end(x);
    }
    if (rc != BD_OK)
        return cmd_fail(bd, "failed to get candidates: %s", err.msg);
    if (bd->json) {
        struct json_writer w;
        struct buf out = BUF_INIT;
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        for (int t = 0; t < 2; t++) {
            json_key(&w, t ? "tier2" : "tier1");
            json_object(&w);
            json_member_int(&w, "candidates", (int64_t)tiers[t].count);
            json_member_int(&w, "total_size", (int64_t)sizes[t]);
            json_object_end(&w);
        }
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
        return 0;
    }
    static const struct {
        const char *head;
        size_t percent;
    } text[2] = {{"Tier 1 (30+ days closed)", 70}, {"Tier 2 (90+ days closed, Tier 1 compacted)", 95}};
    fputs("Compaction Statistics\n", bd->out);
    for (int t = 0; t < 2; t++) {
        fprintf(bd->out, "%s:\n  Candidates: %zu\n  Total size: %zu bytes\n", text[t].head,
                tiers[t].count, sizes[t]);
        if (sizes[t])
            fprintf(bd->out, "  Estimated savings: %zu bytes (%zu%%)\n%s",
                    sizes[t] * text[t].percent / 100, text[t].percent, t ? "" : "\n");
    }
    return 0;
}

/* --dolt --dry-run */
static int run_sizes(struct bd *bd) {
    struct db_gc_sizes sizes;
    struct err err = ERR_INIT;
    if (db_gc_sizes(bd->ws.database_dir, &sizes, &err) != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    const char *shown = text_bytes(&bd->arena, sizes.total);
    if (bd->json) {
        struct json_writer w;
        struct buf out = BUF_INIT;
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_bool(&w, "dry_run", true);
        json_member_str(&w, "dolt_path", bd->ws.database_dir);
        json_member_int(&w, "size_before", (int64_t)sizes.total);
        json_member_str(&w, "size_display", shown);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
        return 0;
    }
    fprintf(bd->out,
            "DRY RUN - Dolt garbage collection\n\nDolt directory: %s\nCurrent size: %s\n\nbd gc "
            "collects.\n",
            bd->ws.database_dir, shown);
    return 0;
}

/* ---- compact --apply ---- */

struct applying {
    struct bd *bd;
    struct compaction c;
    const char *typed;
};

static int apply(struct tables_txn *x, void *ctx, struct err *err) {
    struct applying *w = ctx;
    int rc = issue_resolve(x, w->typed, &w->bd->arena, &w->c.id, err);
    return rc == BD_OK ? compaction_apply_in(&w->bd->ops, x, &w->c, &w->bd->arena, err) : rc;
}

static int run_apply(struct bd *bd, const struct cmd_call *c) {
    struct applying w = {.bd = bd, .typed = cmd_str(c, "id")};
    const char *path = cmd_str(c, "summary");
    struct err err = ERR_INIT;
    int64_t start = datetime_now();
    if (!*w.typed)
        return cmd_fail(bd, "--apply requires --id");
    if (!*path)
        return cmd_fail(bd, "--apply requires --summary");
    if (bd->read_only)
        return cmd_fail(bd, "operation 'compact' is not allowed in read-only mode");
    if (text_from(bd, path, &w.c.summary, &err) != BD_OK)
        return cmd_fail(bd, "failed to read summary: %s", err.msg);
    static const char *const head[] = {"rev-parse", "HEAD", NULL};
    char *commit = bd->ws.beads_dir ? process_git(bd->ws.beads_dir, head) : NULL;
    w.c.git_commit = commit ? arena_strdup(&bd->arena, commit) : "";
    free(commit);
    w.c.tier = (int)cmd_int(c, "tier");
    w.c.author = bd->actor_flag ? bd->actor_flag : "agent";
    w.c.force = cmd_bool(c, "force");
    int rc = write_run(bd, "compact", NULL, 0, apply, &w, &err);
    if (rc == BD_INVALID && !w.c.force)
        return cmd_fail_hint(bd, "use --force to bypass the checks", "%s", err.msg);
    if (rc != BD_OK)
        return cmd_fail(bd, "failed to apply compaction: %s", err.msg);
    size_t before = w.c.bytes_before, after = strlen(w.c.summary);
    int64_t saved = (int64_t)before - (int64_t)after, took = (datetime_now() - start) / 1000;
    double percent = before ? (double)saved * 100 / (double)before : 0;
    if (!bd->json) {
        write_success(bd, "Compacted %s (Tier %d)", w.c.id, w.c.tier);
        fprintf(bd->out, "  %zu → %zu bytes (saved %lld, %.1f%%)\n  Time: %lldms\n", before, after,
                (long long)saved, percent, (long long)took);
        return 0;
    }
    struct json_writer j;
    struct buf out = BUF_INIT;
    bd_json_begin(bd, &j, &out, true);
    json_object(&j);
    json_member_bool(&j, "success", true);
    json_member_str(&j, "issue_id", w.c.id);
    json_member_int(&j, "tier", w.c.tier);
    json_member_int(&j, "original_size", (int64_t)before);
    json_member_int(&j, "compacted_size", (int64_t)after);
    json_member_int(&j, "saved_bytes", saved);
    json_key(&j, "reduction_pct");
    json_float(&j, percent);
    json_member_int(&j, "elapsed_ms", took);
    json_object_end(&j);
    bd_json_end(bd, &j, &out);
    return 0;
}

static int run_compact(struct bd *bd, const struct cmd_call *c) {
    bool dry_run = cmd_bool(c, "dry-run"), analyze = cmd_bool(c, "analyze"),
         applies = cmd_bool(c, "apply"), automatic = cmd_bool(c, "auto");
    if (cmd_bool(c, "stats"))
        return run_stats(bd);
    if (cmd_bool(c, "dolt"))
        return dry_run ? run_sizes(bd) : refuse(bd, "compact", "bd gc gives back the space");
    if (analyze + applies + automatic > 1)
        return cmd_fail(
            bd,
            "cannot use multiple modes together (--analyze, --apply, --auto are mutually exclusive)");
    if (cmd_int(c, "tier") != 1 && cmd_int(c, "tier") != 2)
        return cmd_fail(bd, "--tier must be 1 or 2");
    if (analyze)
        return run_analyze(bd, c);
    if (applies)
        return run_apply(bd, c);
    if (!dry_run)
        return refuse(bd, "compact",
                      "write the summary yourself and use --apply --id ID --summary FILE");
    if (!automatic)
        return cmd_fail(bd, "must specify one mode: --analyze, --apply, or --auto");
    if (*cmd_str(c, "id") && cmd_bool(c, "all"))
        return cmd_fail(bd, "cannot use --id and --all together");
    if (cmd_bool(c, "force") && !*cmd_str(c, "id"))
        return cmd_fail(bd, "--force requires --id");
    return run_preview(bd, c);
}

static const struct cmd_flag compact_flags[] = {
    {.name = "dry-run", .kind = FLAG_BOOL, .help = "Only tell what would be compacted"},
    {.name = "tier",
     .kind = FLAG_INT,
     .default_text = "1",
     .help = "1: closed 30 days, never compacted; 2: 90 days, tier 1"},
    {.name = "all", .kind = FLAG_BOOL, .help = "All candidates"},
    {.name = "id", .kind = FLAG_STRING, .help = "One issue"},
    {.name = "force", .kind = FLAG_BOOL, .help = "Whatever the checks say (with --id)"},
    {.name = "batch-size",
     .kind = FLAG_INT,
     .default_text = "10",
     .help = "Issues in one batch of --auto"},
    {.name = "workers", .kind = FLAG_INT, .default_text = "5", .help = "Workers of --auto"},
    {.name = "stats", .kind = FLAG_BOOL, .help = "Numbers and sizes of the candidates"},
    {.name = "analyze",
     .kind = FLAG_BOOL,
     .help = "The candidates with their texts, for whoever writes the summaries"},
    {.name = "apply", .kind = FLAG_BOOL, .help = "Put a summary in place of the texts of --id"},
    {.name = "auto", .kind = FLAG_BOOL, .help = "Summaries by an AI service (only with --dry-run)"},
    {.name = "summary", .kind = FLAG_STRING, .help = "File with the summary, - for standard input"},
    {.name = "limit", .kind = FLAG_INT, .help = "At most that many candidates (0: all)"},
    {.name = "dolt", .kind = FLAG_BOOL, .help = "With --dry-run: the size of the database"},
    {0},
};
static const struct cmd cmd_admin_compact = {
    .name = "compact",
    .use = "compact",
    .summary = "Replace the texts of old closed issues by a summary",
    .details = "Lists closed issues whose texts may give way to a summary (--analyze, --stats), and "
               "puts a summary in\n"
               "their place (--apply). bd history still shows the full texts.\n\n"
               "To squash the history of the database see bd compact and bd flatten.",
    .examples = "  bd admin compact --analyze --json\n  bd admin compact --apply --id web-4 --summary "
                "summary.txt",
    .args_max = -1,
    .flags = compact_flags,
    .run = run_compact,
};

/* ---- cleanup, reset ---- */

static int run_cleanup(struct bd *bd, const struct cmd_call *c) {
    (void)c;
    return refuse(bd, "cleanup", "bd prune and bd purge delete closed issues");
}

static int run_reset(struct bd *bd, const struct cmd_call *c) {
    (void)c;
    return refuse(bd, "reset", "to start anew, move the .beads directory aside and run bd init");
}

static const struct cmd_flag cleanup_flags[] = {
    {.name = "force", .shorthand = 'f', .kind = FLAG_BOOL, .help = "Delete"},
    {.name = "dry-run", .kind = FLAG_BOOL, .help = "Only tell what would go"},
    {.name = "cascade", .kind = FLAG_BOOL, .help = "Delete dependents too"},
    {.name = "older-than", .kind = FLAG_INT, .help = "Only what was closed that many days ago"},
    {.name = "ephemeral", .kind = FLAG_BOOL, .help = "Only closed wisps"},
    {0},
};
static const struct cmd cmd_admin_cleanup = {
    .name = "cleanup",
    .use = "cleanup",
    .summary = "Delete closed issues (servers only; see bd prune)",
    .args_max = -1,
    .flags = cleanup_flags,
    .run = run_cleanup,
};

static const struct cmd_flag reset_flags[] = {
    {.name = "force", .kind = FLAG_BOOL, .help = "Remove"},
    {0},
};
static const struct cmd cmd_admin_reset = {
    .name = "reset",
    .use = "reset",
    .summary = "Remove the workspace's data (servers only)",
    .args_max = -1,
    .flags = reset_flags,
    .run = run_reset,
};

static const struct cmd *const children[] = {&cmd_admin_cleanup, &cmd_admin_compact, &cmd_admin_reset,
                                             NULL};

const struct cmd cmd_admin = {
    .name = "admin",
    .use = "admin",
    .summary = "Rare maintenance of the database",
    .group = "Integrations & Advanced",
    .args_max = -1,
    .children = children,
};
