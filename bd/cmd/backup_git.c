/*
 * bd backup export-git: everything an export holds as one commit on a branch of the project's git
 * repository, pushed to a remote. Neither the work tree nor the index is touched: the commit is made
 * from the objects themselves, and the branch moves only from where it was seen.
 *
 * bd backup fetch-git: the way back, an import of what that branch holds.
 */
#include "base/os.h"
#include "bd/cmd/backup.h"
#include "bd/cmd/export_lines.h"
#include "bd/cmd/import_source.h"
#include "bd/workspace/git.h"
#include "bd/workspace/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BRANCH "beads-backup"
#define REMOTE "origin"
#define MESSAGE "bd backup export-git"
#define TREE_FOLDER ".beads/backup"
#define TREE_PATH TREE_FOLDER "/issues.jsonl"
#define NETWORK_MS 120000

struct job {
    struct bd *bd;
    const char *branch, *remote, *root, *ref;
    const char *file, *index; /* scratch files */
    const char *parent;       /* commit the branch is at, NULL for none */
    struct export_counts counts;
    bool changed, committed, pushed;
    struct err *err;
};

/* Output of a git command without its trailing line feeds, in the arena; NULL after filling err. */
static const char *git(struct job *j, int timeout_ms, const char *const *arguments) {
    struct buf out = BUF_INIT, error = BUF_INIT;
    const char *argv[24] = {"git"}, *result = NULL;
    for (size_t i = 0; i < 22 && arguments[i]; i++)
        argv[i + 1] = arguments[i];
    int status = process_run(&(struct process){
        .argv = argv, .directory = j->root, .output = &out, .error = &error, .timeout_ms = timeout_ms});
    while (out.size && out.data[out.size - 1] == '\n')
        out.data[--out.size] = '\0';
    while (error.size && error.data[error.size - 1] == '\n')
        error.data[--error.size] = '\0';
    if (status == 0)
        result = arena_strdup(&j->bd->arena, buf_str(&out));
    else
        err_set(j->err, BD_IO, "git %s: %s", arguments[0],
                error.size   ? buf_str(&error)
                : status < 0 ? strerror(errno)
                             : "failed");
    buf_release(&out);
    buf_release(&error);
    return result;
}
#define GIT(j, ...) git(j, 0, (const char *const[]){__VA_ARGS__, NULL})

static bool valid_branch(const char *name) {
    return *name && *name != '-' && !strstr(name, "..") && !strpbrk(name, " ~^:?*[\\\t\n");
}

/* Brings the branch here. *there is its commit at the remote, NULL when the remote has none. */
static int fetch(struct job *j, const char **there) {
    struct arena *a = &j->bd->arena;
    const char *tracking = arena_printf(a, "refs/remotes/%s/%s", j->remote, j->branch);
    const char *spec = arena_printf(a, "+refs/heads/%s:%s", j->branch, tracking);
    *there = NULL;
    const char *listed =
        git(j, NETWORK_MS, (const char *const[]){"ls-remote", "--", j->remote, j->ref, NULL});
    if (!listed) {
        struct err ignored = ERR_INIT, *err = j->err;
        j->err = &ignored;
        bool known = strpbrk(j->remote, "/:") || GIT(j, "remote", "get-url", j->remote);
        j->err = err;
        return known ? err->code
                     : err_set(err, BD_NOT_FOUND,
                               "git knows no remote %s here; add one with 'git remote add %s URL', or "
                               "name another with --remote",
                               j->remote, j->remote);
    }
    if (!*listed)
        return BD_OK;
    if (!git(j, NETWORK_MS, (const char *const[]){"fetch", "--quiet", "--", j->remote, spec, NULL}))
        return j->err->code;
    *there = GIT(j, "rev-parse", "--verify", "--quiet", tracking);
    return *there ? BD_OK : j->err->code;
}

/* Where the branch stands: at the remote if it can be asked, else here. */
static int find_parent(struct job *j) {
    struct err ignored = ERR_INIT, *err = j->err;
    const char *there;
    int rc = fetch(j, &there);
    if (rc)
        return rc;
    j->err = &ignored;
    const char *here = GIT(j, "rev-parse", "--verify", "--quiet", j->ref);
    bool ahead = here && (!there || GIT(j, "merge-base", "--is-ancestor", there, here));
    j->err = err;
    j->parent = ahead ? here : there; /* ours holds a snapshot that could not be pushed */
    return BD_OK;
}

/* The tree with our one file in it; the rest of the branch stays. */
static const char *make_tree(struct job *j) {
    const char *blob = GIT(j, "hash-object", "-w", "--no-filters", "--", j->file);
    const char *tree = NULL;
    if (!blob)
        return NULL;
    setenv("GIT_INDEX_FILE", j->index, 1);
    if ((!j->parent || GIT(j, "read-tree", j->parent)) &&
        GIT(j, "update-index", "--add", "--cacheinfo",
            arena_printf(&j->bd->arena, "100644,%s,%s", blob, TREE_PATH)))
        tree = GIT(j, "write-tree");
    unsetenv("GIT_INDEX_FILE");
    return tree;
}

static int make_commit(struct job *j) {
    struct arena *a = &j->bd->arena;
    static const char none[] = "0000000000000000000000000000000000000000";
    const char *tree = make_tree(j);
    if (!tree)
        return j->err->code;
    const char *before =
        j->parent ? GIT(j, "rev-parse", arena_printf(a, "%s^{tree}", j->parent)) : NULL;
    j->changed = !before || strcmp(before, tree) != 0;
    const char *commit = j->parent;
    if (j->changed) {
        commit = j->parent ? GIT(j, "commit-tree", "-m", MESSAGE, "-p", j->parent, tree)
                           : GIT(j, "commit-tree", "-m", MESSAGE, tree);
        if (!commit)
            return j->err->code;
    }
    struct err *err = j->err, ignored = ERR_INIT;
    j->err = &ignored;
    const char *here = GIT(j, "rev-parse", "--verify", "--quiet", j->ref);
    j->err = err;
    if (!GIT(j, "update-ref", "-m", MESSAGE, j->ref, commit, here ? here : none))
        return err->code;
    j->committed = j->changed;
    const char *spec = arena_printf(a, "%s:%s", j->ref, j->ref);
    if (!git(j, NETWORK_MS,
             (const char *const[]){"push", "--quiet", "--no-verify", "--", j->remote, spec, NULL})) {
        err_prefix(err, "the snapshot is on branch %s here, but was not pushed", j->branch);
        return err->code;
    }
    j->pushed = j->changed;
    return BD_OK;
}

/* An export that would take most issues out of the snapshot is refused. */
static int check_size(struct job *j) {
    size_t before = 0;
    if (!j->parent)
        return BD_OK;
    struct err *err = j->err, ignored = ERR_INIT;
    j->err = &ignored;
    const char *old = GIT(j, "show", arena_printf(&j->bd->arena, "%s:%s", j->parent, TREE_PATH));
    j->err = err;
    for (const char *at = old; at && *at; at++)
        before += (at == old || at[-1] == '\n') && strncmp(at, "{\"_type\":\"memory\"", 17) != 0;
    if (before >= 10 && j->counts.issues < before / 2)
        return err_set(
            j->err, BD_CONFLICT,
            "the snapshot on %s holds %zu issues, this database %zu; nothing was written. If so "
            "many were deleted on purpose, give --force",
            j->branch, before, j->counts.issues);
    return BD_OK;
}

static int export_file(struct job *j) {
    struct export_options all = {.all = true};
    return export_lines(j->bd, j->file, &all, true, &j->counts, j->err);
}

static int answer(struct job *j, bool dry_run) {
    struct bd *bd = j->bd;
    struct buf out = BUF_INIT;
    struct json_writer w;
    if (bd->json) {
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_str(&w, "branch", j->branch);
        json_member_str(&w, "remote", j->remote);
        json_member_str(&w, "path", TREE_PATH);
        json_member_bool_opt(&w, "dry_run", dry_run);
        if (!dry_run) {
            json_member_bool(&w, "exported", true);
            json_member_bool(&w, "changed", j->changed);
            json_member_bool(&w, "committed", j->committed);
            json_member_bool(&w, "pushed", j->pushed);
            json_member_int(&w, "issues", (int64_t)j->counts.issues);
            json_member_int(&w, "memories", (int64_t)j->counts.memories);
        }
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
    } else if (dry_run) {
        fprintf(bd->out, "Would commit %s to branch %s and push it to %s\n", TREE_PATH, j->branch,
                j->remote);
    } else if (!j->changed) {
        fprintf(bd->out, "Nothing changed since the last snapshot on branch %s\n", j->branch);
    } else {
        fprintf(bd->out, "Exported %zu issues and %zu memories to branch %s, pushed to %s\n",
                j->counts.issues, j->counts.memories, j->branch, j->remote);
    }
    return 0;
}

/* What was asked for. 0 or an exit status (reported). */
static int take_request(struct job *j, const struct cmd_call *call) {
    struct bd *bd = j->bd;
    struct arena *a = &bd->arena;
    struct git_repo repo;
    j->branch = *cmd_str(call, "branch") ? cmd_str(call, "branch") : BRANCH;
    j->remote = *cmd_str(call, "remote") ? cmd_str(call, "remote") : REMOTE;
    if (!valid_branch(j->branch))
        return cmd_fail_usage(bd, call, "%s is no name for a branch", cmd_quote(a, j->branch));
    if (*j->remote == '-')
        return cmd_fail_usage(bd, call, "%s is no name for a remote", cmd_quote(a, j->remote));
    if (!bd->ws.project_dir || !git_find(bd->ws.project_dir, a, &repo))
        return cmd_fail_usage(bd, call, "not in a git repository");
    j->root = repo.root;
    j->ref = arena_printf(a, "refs/heads/%s", j->branch);
    setenv("GIT_TERMINAL_PROMPT", "0", 1);
    return 0;
}

static int run(struct bd *bd, const struct cmd_call *call) {
    struct err err = ERR_INIT;
    struct job j = {.bd = bd, .err = &err};
    struct arena *a = &bd->arena;
    int status = take_request(&j, call);
    if (status)
        return status;
    const char *on = GIT(&j, "symbolic-ref", "--quiet", "HEAD");
    if (on && strcmp(on, j.ref) == 0)
        return cmd_fail_usage(bd, call, "branch %s is checked out here; name another one with --branch",
                              j.branch);
    err_clear(&err);
    if (cmd_bool(call, "dry-run"))
        return answer(&j, true);
    j.file = arena_printf(a, "%s/.backup-tmp-%ld.jsonl", bd->ws.beads_dir, (long)getpid());
    j.index = arena_printf(a, "%s/.backup-tmp-%ld.index", bd->ws.beads_dir, (long)getpid());
    int rc = export_file(&j);
    if (rc == BD_OK)
        rc = find_parent(&j);
    if (rc == BD_OK && !cmd_bool(call, "force"))
        rc = check_size(&j);
    if (rc == BD_OK)
        rc = make_commit(&j);
    os_unlink(j.file);
    os_unlink(j.index);
    if (rc != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    return answer(&j, false);
}

/* ---- the way back ---- */

/* One file of the snapshot into a folder; *found says whether the snapshot has it. */
static int unpack(struct job *j, const char *commit, const char *name, const char *folder,
                  bool *found) {
    struct arena *a = &j->bd->arena;
    const char *object = arena_printf(a, "%s:" TREE_FOLDER "/%s", commit, name);
    const char *argv[] = {"git", "cat-file", "blob", object, NULL};
    struct buf out = BUF_INIT;
    int rc = BD_OK;
    int status = process_run(&(struct process){.argv = argv, .directory = j->root, .output = &out});
    *found = status == 0;
    if (status < 0)
        rc = err_set(j->err, BD_IO, "git cat-file: %s", strerror(errno));
    else if (*found &&
             os_write_file_atomic(arena_printf(a, "%s/%s", folder, name), out.data, out.size, 0600))
        rc = err_errno(j->err, "cannot write %s/%s", folder, name);
    buf_release(&out);
    return rc;
}

static int unpack_all(struct job *j, const char *commit, const char *folder) {
    static const char *const names[] = {"issues.jsonl",       "labels.jsonl", "comments.jsonl",
                                        "dependencies.jsonl", "events.jsonl", "config.jsonl"};
    bool found, issues = false;
    int rc = os_mkdir(folder, 0700) ? err_errno(j->err, "cannot create %s", folder) : BD_OK;
    for (size_t i = 0; rc == BD_OK && i < sizeof names / sizeof *names; i++) {
        rc = unpack(j, commit, names[i], folder, &found);
        issues = issues || (found && i == 0);
    }
    if (rc == BD_OK && !issues)
        rc = err_set(j->err, BD_NOT_FOUND, "branch %s of %s has no " TREE_PATH ": it is no snapshot",
                     j->branch, j->remote);
    return rc;
}

static int answer_fetch(struct job *j, const char *commit, const struct import_source *s,
                        const struct import_result *r, bool dry_run) {
    struct bd *bd = j->bd;
    struct buf out = BUF_INIT;
    struct json_writer w;
    size_t memories = dry_run ? s->data.memory_count : r->memories;
    size_t issues = dry_run ? s->data.count : r->imported;
    if (!bd->json) {
        fprintf(bd->out, "%s %zu issues and %zu memories from branch %s of %s (%.8s)",
                dry_run ? "Would import" : "Imported", issues, memories, j->branch, j->remote, commit);
        if (r->stale)
            fprintf(bd->out, "; %zu are newer here", r->stale);
        fputc('\n', bd->out);
        if (!dry_run)
            import_source_report(s, r);
        return 0;
    }
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "branch", j->branch);
    json_member_str(&w, "remote", j->remote);
    json_member_str(&w, "commit", commit);
    json_member_bool_opt(&w, "dry_run", dry_run);
    json_member_int(&w, "issues", (int64_t)issues);
    json_member_int(&w, "memories", (int64_t)memories);
    if (!dry_run)
        json_member_int(&w, "skipped", (int64_t)r->stale);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 0;
}

static int import_snapshot(struct job *j, const struct cmd_call *call, const char *commit,
                           const char *folder) {
    struct bd *bd = j->bd;
    struct import_source source;
    struct import_result result = {0};
    struct import_options options = {
        .source = j->branch,
        .message =
            arena_printf(&bd->arena, "bd backup fetch-git: branch %s at %.8s", j->branch, commit)};
    bool dry_run = cmd_bool(call, "dry-run");
    int rc = import_source_read(bd, folder, &source, j->err);
    if (rc == BD_OK && !dry_run) {
        import_source_show(&source, &options);
        rc = import_run(&bd->ops, &source.data, &options, &bd->arena, &result, j->err);
        progress_end(&source.progress);
    }
    int status = rc == BD_OK ? answer_fetch(j, commit, &source, &result, dry_run)
                             : cmd_fail(bd, "the snapshot on %s: %s. Nothing was changed", j->branch,
                                        j->err->msg);
    import_source_release(&source);
    return status;
}

static int run_fetch(struct bd *bd, const struct cmd_call *call) {
    struct err err = ERR_INIT;
    struct job j = {.bd = bd, .err = &err};
    const char *commit;
    int status = take_request(&j, call);
    if (status)
        return status;
    if (fetch(&j, &commit))
        return cmd_fail(bd, "%s", err.msg);
    if (!commit)
        return cmd_fail_hint(bd, "'bd backup export-git' publishes one from where the issues are",
                             "%s has no branch %s", j.remote, j.branch);
    const char *folder =
        arena_printf(&bd->arena, "%s/.backup-tmp-%ld", bd->ws.beads_dir, (long)getpid());
    status = unpack_all(&j, commit, folder) ? cmd_fail(bd, "%s", err.msg)
                                            : import_snapshot(&j, call, commit, folder);
    os_remove_tree(folder);
    return status;
}

const struct cmd cmd_backup_fetch_git = {
    .name = "fetch-git",
    .use = "fetch-git",
    .summary = "Bring in what 'bd backup export-git' published",
    .details =
        "Fetches the branch of snapshots and imports its newest one, as 'bd import' does: new issues "
        "come in, older\n"
        "ones are refreshed, nothing is removed, and what is newer here stays. The work tree and "
        "the current branch\n"
        "stay as they are.",
    .examples =
        "  bd backup fetch-git\n  bd backup fetch-git --dry-run\n  bd backup fetch-git --branch "
        "tracker --remote upstream",
    .args_max = 0,
    .flags =
        (const struct cmd_flag[]){
            {.name = "branch",
             .kind = FLAG_STRING,
             .default_text = BRANCH,
             .help = "Branch with the snapshots"},
            {.name = "remote",
             .kind = FLAG_STRING,
             .default_text = REMOTE,
             .help = "Git remote to fetch from"},
            {.name = "dry-run", .kind = FLAG_BOOL, .help = "Fetch, and show what would be imported"},
            {0},
        },
    .cls = CMD_WRITES,
    .run = run_fetch,
};

const struct cmd cmd_backup_export_git = {
    .name = "export-git",
    .use = "export-git",
    .summary = "Commit an export of everything to a git branch and push it",
    .details =
        "Writes every issue (wisps, templates and memories too) as JSON lines to " TREE_PATH "\n"
        "on a branch of its own and pushes that branch. The work tree, the index and the current "
        "branch "
        "stay as they are.\n"
        "Where the branch is checked out, 'bd bootstrap' sets a workspace up from the file. An export "
        "without most of the\n"
        "issues that the last one had is refused.",
    .examples = "  bd backup export-git\n  bd backup export-git --branch tracker --remote upstream",
    .args_max = 0,
    .flags =
        (const struct cmd_flag[]){
            {.name = "branch",
             .kind = FLAG_STRING,
             .default_text = BRANCH,
             .help = "Branch for the snapshots"},
            {.name = "remote",
             .kind = FLAG_STRING,
             .default_text = REMOTE,
             .help = "Git remote to push to"},
            {.name = "dry-run", .kind = FLAG_BOOL, .help = "Show what would be done"},
            {.name = "force", .kind = FLAG_BOOL, .help = "Also when most issues are gone"},
            {0},
        },
    .cls = CMD_READ_ONLY,
    .run = run,
};
