/*
 * bd dolt push, fetch and pull: the current branch exchanged with a remote. A pull merges by cells and
 * decides by the rules of bd/ops/merge_rules.h where both sides changed the same cell, so that two
 * people who work on the same issues need not.
 */
#include "bd/cmd/dolt_sync.h"

#include "bd/cmd/backup.h"
#include "bd/ops/after_merge.h"
#include "bd/ops/history.h"
#include "bd/ops/merge_rules.h"
#include "bd/workspace/git.h"
#include "bd/workspace/setup.h"
#include "store/db/repo_state.h"
#include "store/remote/sync.h"

#include <inttypes.h>
#include <string.h>

#define DEFAULT_REMOTE "origin"

/* ---- which remote ---- */

struct exchange {
    struct bd *bd;
    const char *name, *url, *branch;
    bool named; /* by --remote */
    struct sync_place place;
    struct progress progress;
    struct pull_options options;
    struct remote *r;
};

static void no_remote(struct bd *bd) {
    fputs("No remote is configured — skipping.\n\n"
          "Issues are kept in .beads/ with their whole history; a remote is needed to share them or to "
          "have a\n"
          "copy elsewhere:\n"
          "  bd dolt remote add origin <url>\n"
          "  bd dolt push\n\n"
          "A remote can be a folder (file:///mnt/share/beads).\n",
          bd->out);
}

/* What makes histories that share nothing, and how to get out of it without losing either. */
static void diverged(struct bd *bd) {
    fputs("\nLocal and remote histories have nothing in common: both were started with 'bd init'.\n\n"
          "  To go on with what the remote has, and bring the issues from here over:\n"
          "    bd export -o local-issues.jsonl     # a copy of the issues here\n"
          "    in a fresh clone of the project: bd bootstrap, then bd import local-issues.jsonl\n"
          "  To go on with what is here: push to an empty remote (bd dolt remote add NAME URL, bd dolt "
          "push --remote "
          "NAME).\n\n"
          "  'bd bootstrap' instead of 'bd init' in a new clone avoids this.\n",
          bd->err);
}

static void announce(const struct exchange *x, const char *what) {
    if (x->named)
        fprintf(x->bd->out, "%s Dolt remote %s...\n", what, cmd_quote(&x->bd->arena, x->name));
    else
        fprintf(x->bd->out, "%s Dolt remote...\n", what);
    fflush(x->bd->out);
}

/* Finds the remote's address. 0 go on, else an exit status; *skip: there is none, which is no failure.
 */
static int find_remote(struct exchange *x, const struct cmd_call *call, const char *verb,
                       const char *doing, bool *skip) {
    struct bd *bd = x->bd;
    struct repo_address *list;
    struct err err = ERR_INIT;
    size_t count;
    *skip = false;
    x->named = *cmd_str(call, "remote") != '\0';
    x->name = x->named ? cmd_str(call, "remote") : DEFAULT_REMOTE;
    x->branch = tables_branch(bd->ops.tables);
    x->place = (struct sync_place){bd->ws.database_dir, x->name};
    if (repo_state_list(bd->ws.database_dir, REPO_REMOTES, &bd->arena, &list, &count, &err))
        return cmd_fail(bd, "%s", err.msg);
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, x->name) == 0)
            x->url = list[i].url;
    if (x->url || x->named)
        announce(x, doing);
    if (x->url)
        return 0;
    if (!x->named && !count) {
        *skip = true;
        no_remote(bd);
        return 0;
    }
    if (!x->named)
        return cmd_fail(bd, "there is no remote called origin; 'bd dolt remote list' shows which there "
                            "are, and --remote "
                            "takes one of them");
    return cmd_fail(bd,
                    "%s %s/%s: fatal: remote '%s' not found.\n\nRemote %s is not configured.\n"
                    "Use 'bd dolt remote add <name> <url>' to add it.\n"
                    "Use 'bd dolt remote list' to see configured remotes.",
                    verb, x->name, x->branch, x->name, cmd_quote(&bd->arena, x->name));
}

static int open_remote(struct exchange *x, unsigned flags, struct err *err) {
    struct bd *bd = x->bd;
    progress_begin(&x->progress, bd->err, bd->stderr_tty && !bd->quiet, flags ? "Pushing" : "Fetching");
    x->options = backup_progress(&x->progress);
    return remote_open_for(&x->r, x->url, flags, bd->ws.database_dir, err);
}

static void close_remote(struct exchange *x) {
    remote_close(x->r);
    x->r = NULL;
    progress_end(&x->progress);
}

int dolt_remote_register(struct bd *bd, const char *name, const char *url, struct err *err) {
    struct repo_address entry = {name, remote_normal_url(url, &bd->arena)};
    int rc = repo_state_put(bd->ws.database_dir, REPO_REMOTES, &entry, err);
    if (rc != BD_OK || strcmp(name, DEFAULT_REMOTE) != 0 || !bd->ws.beads_dir)
        return rc;
    struct err setting = ERR_INIT;
    if (config_file_set(bd->ws.beads_dir, "sync.remote", remote_shown_url(url, &bd->arena), &setting))
        cmd_warn(bd, "sync.remote in config.yaml could not be changed: %s", setting.msg);
    return BD_OK;
}

/* ---- push ---- */

/* The origin of git, where the database knows no remote at all. */
static int adopt_git_origin(struct bd *bd) {
    struct repo_address *list;
    struct err err = ERR_INIT;
    struct git_repo repo;
    size_t count;
    const char *dir = bd->ws.project_dir;
    if (config_bool(&bd->config, "dolt.local-only") || !dir || !git_find(dir, &bd->arena, &repo) ||
        repo_state_list(bd->ws.database_dir, REPO_REMOTES, &bd->arena, &list, &count, &err) || count)
        return 0;
    const char *origin = git_setting(dir, "remote.origin.url", &bd->arena);
    if (!origin || !*origin)
        return 0;
    if (dolt_remote_register(bd, DEFAULT_REMOTE, setup_dolt_url(origin, &bd->arena), &err))
        return cmd_fail(bd, "failed to adopt git origin as Dolt remote: %s", err.msg);
    fputs("Configured Dolt remote origin from git origin.\n", bd->out);
    return 0;
}

static int push_failed(struct exchange *x, bool force, const struct err *err) {
    struct bd *bd = x->bd;
    const char *what =
        arena_printf(&bd->arena, "%s to %s/%s", force ? "force push" : "push", x->name, x->branch);
    if (err->code != BD_CONFLICT)
        return cmd_fail(bd, "%s: %s", what, err->msg);
    if (strncmp(err->msg, "no common ancestor", 18) == 0) {
        int status = cmd_fail(bd, "%s: %s", what, err->msg);
        diverged(bd);
        return status;
    }
    return cmd_fail_hint(bd,
                         x->named
                             ? arena_printf(&bd->arena,
                                            "'bd dolt pull --remote %s' brings them and merges; then "
                                            "push again",
                                            x->name)
                             : "'bd dolt pull' brings them and merges; then push again",
                         "%s: %s", what, err->msg);
}

static int run_push(struct bd *bd, const struct cmd_call *call) {
    struct exchange x = {.bd = bd};
    struct push_result done;
    struct err err = ERR_INIT;
    bool skip, force = cmd_bool(call, "force");
    int status = *cmd_str(call, "remote") ? 0 : adopt_git_origin(bd);
    if (status || (status = find_remote(&x, call, "push to", "Pushing to", &skip)) || skip)
        return status;
    int rc = open_remote(&x, REMOTE_WRITE | REMOTE_CREATE, &err);
    if (rc == BD_OK)
        rc = sync_push(&x.place, x.r, x.branch, force, &x.options, &done, &err);
    close_remote(&x);
    if (rc != BD_OK)
        return push_failed(&x, force, &err);
    if (force && !done.created && !done.up_to_date)
        fprintf(bd->err, "%s/%s was %s\n", x.name, x.branch, history_hash(&done.before, &bd->arena));
    fputs("Push complete.\n", bd->out);
    return 0;
}

/* ---- fetch, pull ---- */

static int fetch_failed(struct exchange *x, const char *what, const struct err *err) {
    return cmd_fail(x->bd, "%s %s: %s", what,
                    x->branch ? arena_printf(&x->bd->arena, "%s/%s", x->name, x->branch) : x->name,
                    err->msg);
}

static int run_fetch(struct bd *bd, const struct cmd_call *call) {
    struct exchange x = {.bd = bd};
    struct fetch_result done;
    struct err err = ERR_INIT;
    bool skip;
    int status = find_remote(&x, call, "fetch from", "Fetching from", &skip);
    if (status || skip)
        return status;
    x.branch = NULL;
    int rc = open_remote(&x, 0, &err);
    if (rc == BD_OK)
        rc = sync_fetch(&x.place, x.r, NULL, &x.options, &done, &err);
    close_remote(&x);
    if (rc != BD_OK)
        return fetch_failed(&x, "fetch from", &err);
    fprintf(bd->out, "Fetch complete: %zu of %zu branches moved.\n", done.moved, done.branches);
    return 0;
}

static int merge_failed(struct exchange *x, const struct tables_merge_result *m,
                        const struct err *err) {
    struct bd *bd = x->bd;
    const char *from = arena_printf(&bd->arena, "%s/%s", x->name, x->branch);
    if (err->code == BD_NOT_FOUND && strstr(err->msg, "no common ancestor")) {
        int status = cmd_fail(bd, "merge %s: %s", from, err->msg);
        diverged(bd);
        return status;
    }
    if (!m->conflicts)
        return cmd_fail(bd, "merge %s: %s; nothing was merged", from, err->msg);
    struct buf tables = BUF_INIT;
    for (size_t i = 0; i < m->conflict_table_count; i++)
        buf_addf(&tables, "%s%s", i ? ", " : "", m->conflict_tables[i]);
    int status = cmd_fail_hint(
        bd,
        arena_printf(&bd->arena, "'bd vc merge %s --strategy ours' (or theirs) decides for one side",
                     from),
        "merge %s: both sides changed what cannot be united, in %s; nothing was merged", from,
        buf_str(&tables));
    buf_release(&tables);
    return status;
}

/* Counts the rows where people wrote the same field: each edit sets updated_at and what is computed. */
struct decision {
    struct merge_judge judge;
    uint64_t told;
};
static bool by_people(const struct tables_conflict *c) {
    static const char *const computed[] = {"updated_at", "content_hash", "is_blocked"};
    if (!c->ours || !c->theirs || !c->clashing)
        return true;
    for (size_t i = 0, n = schema_visible_count(c->schema); i < n; i++) {
        bool own = c->clashing[i];
        for (size_t k = 0; k < 3 && own; k++)
            own = strcmp(c->schema->columns[i].name, computed[k]) != 0;
        if (own)
            return true;
    }
    return false;
}
static int decide(void *ctx, const struct tables_conflict *c, struct cell *merged, bool *removed,
                  struct arena *a) {
    struct decision *d = ctx;
    int rc = merge_rules_resolve(&d->judge, c, merged, removed, a);
    d->told += rc == BD_OK && by_people(c);
    return rc;
}

static int run_pull(struct bd *bd, const struct cmd_call *call) {
    struct exchange x = {.bd = bd};
    struct fetch_result done;
    struct tables_merge_result m = {0};
    struct decision decision = {{MERGE_NEWEST, 0}, 0};
    struct hash before = HASH_ZERO;
    struct err err = ERR_INIT;
    bool skip;
    int status = find_remote(&x, call, "pull from", "Pulling from", &skip);
    if (status || skip)
        return status;
    int rc = open_remote(&x, 0, &err);
    if (rc == BD_OK)
        rc = sync_fetch(&x.place, x.r, x.branch, &x.options, &done, &err);
    close_remote(&x);
    if (rc != BD_OK)
        return fetch_failed(&x, "fetch from", &err);
    struct tables_write write = {.mode = TABLES_COMMIT, .author = {"beads", "beads@local"}};
    rc = tables_resolve(bd->ops.tables, "HEAD", &before, &err);
    if (rc == BD_OK)
        rc = tables_merge_resolving(bd->ops.tables, arena_printf(&bd->arena, "%s/%s", x.name, x.branch),
                                    &write, decide, &decision, &bd->arena, &m, &err);
    if (rc != BD_OK || m.conflicts)
        return merge_failed(&x, &m, &err);
    if (!m.up_to_date && !m.fast_forward &&
        after_merge(bd->ops.tables, history_hash(&before, &bd->arena), &err))
        cmd_warn(bd,
                 "merged, but which issues are blocked could not be computed anew: %s; 'bd doctor "
                 "--fix' does",
                 err.msg);
    if (decision.told)
        fprintf(bd->out,
                "Both sides had changed the same %" PRIu64
                " row(s): the newer value of each field was kept.\n",
                decision.told);
    fputs("Pull complete.\n", bd->out);
    return 0;
}

/* ---- the commands ---- */

#define REMOTE_FLAG                                                                                    \
    { .name = "remote", .kind = FLAG_STRING, .help = "Name of the remote (else origin)" }

const struct cmd cmd_dolt_push = {
    .name = "push",
    .use = "push [flags]",
    .summary = "Send the current branch to a remote",
    .details = "Sends what the remote lacks and moves its branch forward. Where the remote has commits "
               "that are not here\n"
               "it refuses: pull first. Without any remote the origin of git becomes one.\n\n"
               "--force replaces the remote's branch by the one here: commits that only the remote had "
               "are no longer\n"
               "reachable there. The address of the last of them is printed.",
    .examples = "  bd dolt push\n  bd dolt push --remote share",
    .args_max = -1,
    .flags =
        (const struct cmd_flag[]){
            {.name = "force", .kind = FLAG_BOOL, .help = "Replace the remote's branch"},
            REMOTE_FLAG,
            {0}},
    .cls = CMD_WRITES,
    .readonly_label = "dolt push",
    .run = run_push,
};
const struct cmd cmd_dolt_fetch = {
    .name = "fetch",
    .use = "fetch [flags]",
    .summary = "Bring branches of a remote, merge nothing",
    .details =
        "Afterwards 'bd vc log' and 'bd vc diff' know the remote's branches as <remote>/<branch>.",
    .args_max = -1,
    .flags = (const struct cmd_flag[]){REMOTE_FLAG, {0}},
    .cls = CMD_WRITES,
    .readonly_label = "dolt fetch",
    .run = run_fetch,
};
const struct cmd cmd_dolt_pull = {
    .name = "pull",
    .use = "pull [flags]",
    .summary = "Bring the remote's branch and merge it",
    .details = "Fields that one side changed are taken from that side. Where both changed the same "
               "field the newer edit\n"
               "wins, lists are united and counters keep the larger value; what was there before stays "
               "in the history.",
    .examples = "  bd dolt pull\n  bd dolt pull --remote share",
    .args_max = -1,
    .flags = (const struct cmd_flag[]){REMOTE_FLAG, {0}},
    .cls = CMD_WRITES,
    .readonly_label = "dolt pull",
    .run = run_pull,
};
