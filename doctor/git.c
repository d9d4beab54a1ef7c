/*
 * What git knows of the workspace: ignore files, files that should (not) be tracked, redirects, the
 * branch. Two processes answer all of it.
 */
#include "doctor/families.h"

#include "base/os.h"
#include "bd/workspace/process.h"
#include "bd/workspace/setup.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GIT_TIMEOUT_MS 10000

struct git_facts {
    struct git_repo repo;
    bool found, asked;
    const char *branch, *upstream; /* NULL: detached; none */
    long ahead, behind;
    const char **changed;              /* "XY path" of tracked files below .beads */
    const char **untracked, **tracked; /* paths from the top of the repository */
    size_t changed_count, untracked_count, tracked_count;
};

static const char *project_of(const struct doctor *d) {
    return d->ws->project_dir && *d->ws->project_dir ? d->ws->project_dir : d->path;
}

static char *ask(const char *directory, const char *const *argv) {
    struct buf out = BUF_INIT;
    struct process p = {
        .argv = argv, .directory = directory, .output = &out, .timeout_ms = GIT_TIMEOUT_MS};
    if (process_run(&p) != 0) {
        buf_release(&out);
        return NULL;
    }
    buf_add_char(&out, '\n');
    return buf_detach(&out);
}

static void add(struct doctor *d, const char ***list, size_t *count, size_t *capacity,
                const char *text) {
    if (*count + 1 > *capacity) {
        size_t n = *capacity ? *capacity * 2 : 16;
        const char **grown = arena_alloc(d->arena, n * sizeof *grown);
        if (*count)
            memcpy(grown, *list, *count * sizeof *grown);
        *list = grown;
        *capacity = n;
    }
    (*list)[(*count)++] = arena_strdup(d->arena, text);
}

/* git status --porcelain=v2 --branch */
static void read_status(struct doctor *d, struct git_facts *g, char *text) {
    size_t changed = 0, untracked = 0;
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "# branch.head ", 14) == 0 && strcmp(line + 14, "(detached)") != 0)
            g->branch = arena_strdup(d->arena, line + 14);
        else if (strncmp(line, "# branch.upstream ", 18) == 0)
            g->upstream = arena_strdup(d->arena, line + 18);
        else if (strncmp(line, "# branch.ab ", 12) == 0)
            sscanf(line + 12, "+%ld -%ld", &g->ahead, &g->behind);
        else if (strncmp(line, "? ", 2) == 0)
            add(d, &g->untracked, &g->untracked_count, &untracked, line + 2);
        else if ((*line == '1' || *line == 'u') && strlen(line) > 4) {
            const char *path = line;
            for (int fields = *line == '1' ? 8 : 10; path && fields; fields--)
                if ((path = strchr(path, ' ')))
                    path++;
            if (path)
                add(d, &g->changed, &g->changed_count, &changed,
                    arena_printf(d->arena, "%.2s %s", line + 2, path));
        }
    }
}

static struct git_facts *facts(struct doctor *d) {
    if (d->git)
        return d->git;
    struct git_facts *g = d->git = arena_zalloc(d->arena, sizeof *g);
    g->found = !d->ws->direct && git_find(project_of(d), d->arena, &g->repo);
    if (!g->found)
        return g;
    const char *beads = d->ws->beads_dir ? d->ws->beads_dir : ".beads";
    char *text =
        ask(project_of(d), (const char *const[]){"git", "--no-optional-locks", "status",
                                                 "--porcelain=v2", "--branch", "--", beads, NULL});
    g->asked = text != NULL;
    if (text)
        read_status(d, g, text);
    free(text);
    text = g->asked ? ask(project_of(d),
                          (const char *const[]){"git", "ls-files", "--full-name", "--", beads, NULL})
                    : NULL;
    size_t capacity = 0;
    char *save = NULL;
    for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save))
        add(d, &g->tracked, &g->tracked_count, &capacity, line);
    free(text);
    return g;
}

static bool no_git(struct doctor *d, struct doctor_result *r) {
    const struct git_facts *g = facts(d);
    if (!g->found)
        doctor_ok(d, r, "N/A (not a git repository)");
    else if (!g->asked)
        doctor_ok(d, r, "N/A (git does not answer)");
    return !g->asked;
}

/* ---- ignore files ---- */

static const char *missing_patterns(struct doctor *d, const char *path, const char *const *wanted,
                                    size_t *count) {
    char *text = doctor_read(d, path, NULL);
    struct buf b = BUF_INIT;
    *count = 0;
    for (size_t i = 0; wanted[i]; i++)
        if (!text || !strstr(text, wanted[i])) {
            buf_addf(&b, "%s%s", *count ? ", " : "", wanted[i]);
            ++*count;
        }
    const char *list = arena_strdup(d->arena, buf_str(&b));
    buf_release(&b);
    return list;
}

void git_ignore(struct doctor *d, struct doctor_result *r) {
    const char *path = doctor_path(d, ".gitignore");
    size_t n;
    if (d->ws->direct) {
        doctor_ok(d, r, "N/A (no workspace)");
        return;
    }
    const char *list = missing_patterns(d, path, setup_gitignore_patterns, &n);
    if (!os_exists(path)) {
        doctor_warn(d, r, ".beads/.gitignore not found");
        doctor_offer(d, r, "write it");
    } else if (n) {
        doctor_warn(d, r, "Outdated .beads/.gitignore (missing required patterns)");
        doctor_detail(d, r, "Missing: %s", list);
        doctor_offer(d, r, "add them");
    } else {
        doctor_ok(d, r, "Up to date");
    }
}

int git_ignore_fix(struct doctor *d, struct doctor_repair *rp, struct err *err) {
    const char *path = doctor_path(d, ".gitignore");
    bool existed = os_exists(path), changed = false;
    size_t n;
    missing_patterns(d, path, setup_gitignore_patterns, &n);
    if (!n)
        return BD_OK;
    if (!existed) {
        int rc = setup_gitignore(d->ws->beads_dir, err);
        if (rc == BD_OK)
            doctor_did(rp, "Wrote .beads/.gitignore");
        return rc;
    }
    int rc = doctor_copy_aside(rp, path, err);
    if (rc == BD_OK)
        rc = setup_append_lines(path, "# Added by bd doctor", setup_gitignore_patterns, 0600, &changed,
                                err);
    if (rc == BD_OK && changed)
        doctor_did(rp, "Added %zu pattern(s) to .beads/.gitignore", n);
    return rc;
}

static const char *const project_patterns[] = {".dolt/", "*.db", ".beads-credential-key",
                                               ".beads/proxieddb/", NULL};

void git_project_ignore(struct doctor *d, struct doctor_result *r) {
    const struct git_facts *g = facts(d);
    size_t n;
    if (!g->found) {
        doctor_ok(d, r, "N/A (not a git repository)");
        return;
    }
    const char *path = arena_printf(d->arena, "%s/.gitignore", project_of(d));
    char *exclude = doctor_read(d, arena_printf(d->arena, "%s/info/exclude", g->repo.common_dir), NULL);
    if (exclude && strstr(exclude, ".beads/")) {
        doctor_ok(d, r, "All of .beads/ is excluded (stealth)");
        return;
    }
    const char *list = missing_patterns(d, path, project_patterns, &n);
    if (!n) {
        doctor_ok(d, r, "Up to date");
        return;
    }
    doctor_warn(d, r,
                os_exists(path) ? "Project .gitignore missing required exclusion patterns"
                                : "No project .gitignore found");
    doctor_detail(d, r, "Missing: %s", list);
    doctor_offer(d, r, "add them");
}

int git_project_ignore_fix(struct doctor *d, struct doctor_repair *rp, struct err *err) {
    const char *path = arena_printf(d->arena, "%s/.gitignore", project_of(d));
    size_t n;
    const char *list = missing_patterns(d, path, project_patterns, &n);
    if (!n || !facts(d)->found)
        return BD_OK;
    int rc = doctor_copy_aside(rp, path, err);
    if (rc == BD_OK)
        rc = setup_project_gitignore(project_of(d), err);
    if (rc == BD_OK)
        doctor_did(rp, "Added to .gitignore: %s", list);
    return rc;
}

/* ---- tracked, though they are of one clone only ---- */

static const char *below_beads(const char *path) {
    const char *at = strncmp(path, ".beads/", 7) == 0 ? path : strstr(path, "/.beads/");
    return at ? strstr(at, ".beads/") + 7 : path;
}

static const char *base_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_secret(const char *name) {
    return strcmp(name, ".beads-credential-key") == 0 || strcmp(name, "credential-key") == 0 ||
           strcmp(name, ".env") == 0;
}

static bool is_runtime(const char *path) {
    static const char *const names[] = {
        "*.lock",
        "*.pid.lock",
        "daemon.pid",
        "daemon.log",
        "dolt-server.pid",
        "dolt-server.log",
        "dolt-server.port",
        "bd.sock",
        "bd.sock.startlock",
        ".exclusive-lock",
        "push-state.json",
        "export-state.json",
        "sync-state.json",
        "last-touched",
        ".local_version",
        "redirect",
        "ephemeral.sqlite3*",
        "*.startlock",
    };
    static const char *const folders[] = {"dolt/", "embeddeddolt/", "backup/", "export-state/",
                                          "proxieddb/"};
    const char *rel = below_beads(path);
    if (is_secret(base_of(rel)) || strstr(rel, ".corrupt.backup/"))
        return true;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (strncmp(rel, folders[i], strlen(folders[i])) == 0)
            return true;
    for (size_t i = 0; !strchr(rel, '/') && i < sizeof names / sizeof *names; i++)
        if (fnmatch(names[i], rel, 0) == 0)
            return true;
    return false;
}

static size_t tracked_runtime(struct doctor *d, const char **out, bool *secret) {
    const struct git_facts *g = facts(d);
    size_t n = 0;
    *secret = false;
    for (size_t i = 0; i < g->tracked_count; i++) {
        if (!is_runtime(g->tracked[i]))
            continue;
        *secret = *secret || is_secret(base_of(g->tracked[i]));
        out[n++] = g->tracked[i];
    }
    return n;
}

void git_runtime_tracked(struct doctor *d, struct doctor_result *r) {
    bool secret;
    if (no_git(d, r))
        return;
    const char **list = arena_alloc(d->arena, (facts(d)->tracked_count + 1) * sizeof *list);
    size_t n = tracked_runtime(d, list, &secret);
    if (!n) {
        doctor_ok(d, r,
                  facts(d)->tracked_count ? "No runtime/sensitive files tracked"
                                          : "No .beads/ files tracked by git");
        return;
    }
    if (secret)
        doctor_bad(d, r, "%zu tracked file(s) include sensitive data", n);
    else
        doctor_warn(d, r, "%zu runtime/sensitive file(s) tracked by git", n);
    doctor_detail(d, r, "%s%s", doctor_sample(d, list, n),
                  secret ? "\nWhat was committed stays in git's history: replace the key or password"
                         : "");
    doctor_offer(d, r, "untrack them (git rm --cached; the files stay)");
}

int git_untrack_fix(struct doctor *d, struct doctor_repair *rp, struct err *err) {
    bool secret;
    struct buf said = BUF_INIT;
    const char **list = arena_alloc(d->arena, (facts(d)->tracked_count + 1) * sizeof *list);
    size_t n = tracked_runtime(d, list, &secret);
    if (!n)
        return BD_OK;
    const char **argv = arena_alloc(d->arena, (n + 9) * sizeof *argv);
    size_t c = 0;
    argv[c++] = "git";
    argv[c++] = "rm";
    argv[c++] = "--cached";
    argv[c++] = "--quiet";
    argv[c++] = "--ignore-unmatch"; /* what another fix has untracked meanwhile */
    argv[c++] = "--";
    for (size_t i = 0; i < n; i++)
        argv[c++] = list[i];
    argv[c] = NULL;
    struct process p = {
        .argv = argv, .directory = facts(d)->repo.root, .error = &said, .timeout_ms = GIT_TIMEOUT_MS};
    int status = process_run(&p), rc = BD_OK;
    if (status)
        rc = err_set(err, BD_IO, "git rm --cached failed: %s", buf_str(&said));
    else
        doctor_did(rp, "Untracked %zu file(s): %s (commit this with git)", n,
                   doctor_sample(d, list, n));
    buf_release(&said);
    return rc;
}

static void tracked_name(struct doctor *d, struct doctor_result *r, const char *name) {
    const struct git_facts *g = facts(d);
    if (no_git(d, r))
        return;
    for (size_t i = 0; i < g->tracked_count; i++)
        if (strcmp(below_beads(g->tracked[i]), name) == 0) {
            doctor_warn(d, r, "%s is tracked by git", name);
            doctor_detail(d, r, "It holds for this clone alone");
            doctor_offer(d, r, "untrack it (the file stays)");
            return;
        }
    doctor_ok(d, r, "%s not tracked", name);
}

void git_redirect_tracked(struct doctor *d, struct doctor_result *r) { tracked_name(d, r, "redirect"); }
void git_last_touched_tracked(struct doctor *d, struct doctor_result *r) {
    tracked_name(d, r, "last-touched");
}

void git_untracked(struct doctor *d, struct doctor_result *r) {
    const struct git_facts *g = facts(d);
    const char *list[DOCTOR_SAMPLE];
    size_t n = 0;
    if (no_git(d, r))
        return;
    for (size_t i = 0; i < g->untracked_count; i++) {
        const char *rel = below_beads(g->untracked[i]);
        if (strcmp(rel, "metadata.json") != 0 && strcmp(rel, "config.yaml") != 0)
            continue;
        if (n < DOCTOR_SAMPLE)
            list[n] = g->untracked[i];
        n++;
    }
    if (!n || !g->tracked_count) {
        doctor_ok(d, r, "Nothing of the workspace is missing in git");
        return;
    }
    doctor_warn(d, r, "Not in git: %s", doctor_sample(d, list, n));
    doctor_detail(d, r, "Other clones need it to find their database");
    doctor_hint(d, r, "Run: git add %s && git commit", list[0]);
}

/* A password in a file that git has is with everybody who has the repository. */
void git_secrets(struct doctor *d, struct doctor_result *r) {
    static const char *const words[] = {"api_key", "api-key", "secret", "token", "password"};
    const struct git_facts *g = facts(d);
    const char *found[DOCTOR_SAMPLE], *path = d->ws->beads_dir ? doctor_path(d, "config.yaml") : "";
    bool tracked = false;
    size_t n = 0;
    if (no_git(d, r))
        return;
    for (size_t i = 0; i < g->tracked_count; i++)
        tracked = tracked || strcmp(below_beads(g->tracked[i]), "config.yaml") == 0;
    char *text = tracked ? doctor_read(d, path, NULL) : NULL, *save = NULL;
    for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save)) {
        line += strspn(line, " \t");
        size_t key = strcspn(line, ":");
        const char *value = line[key] ? line + key + 1 + strspn(line + key + 1, " \t\"'\r") : "";
        bool secret = false;
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            secret = secret || memmem(line, key, words[w], strlen(words[w]));
        if (*line == '#' || !secret || !*value || *value == '#' || *value == '$')
            continue;
        if (n < DOCTOR_SAMPLE)
            found[n] = arena_strndup(d->arena, line, key);
        n++;
    }
    if (!n) {
        doctor_ok(d, r, tracked ? "No passwords in config.yaml" : "config.yaml is not in git");
        return;
    }
    doctor_bad(d, r, "%zu secret(s) in config.yaml, which git tracks: %s", n,
               doctor_sample(d, found, n));
    doctor_hint(d, r,
                "Move them to config.local.yaml or to the environment, and replace them where they are "
                "used: what "
                "was committed is known");
}

/* ---- redirects ---- */

static const char *redirect_of(struct doctor *d, const char **target) {
    const char *from = d->ws->redirected_from ? d->ws->redirected_from
                                              : arena_printf(d->arena, "%s/.beads", project_of(d));
    char *text = doctor_read(d, arena_printf(d->arena, "%s/redirect", from), NULL), *save = NULL;
    *target = NULL;
    if (!text)
        return NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        while (*line == ' ' || *line == '\t')
            line++;
        line[strcspn(line, "\r")] = 0;
        for (size_t n = strlen(line); n && (line[n - 1] == ' ' || line[n - 1] == '\t'); n--)
            line[n - 1] = 0;
        if (!*line || *line == '#')
            continue;
        const char *slash = strrchr(from, '/');
        *target =
            *line == '/' ? line : arena_printf(d->arena, "%.*s/%s", (int)(slash - from), from, line);
        break;
    }
    return from;
}

void git_redirect_target(struct doctor *d, struct doctor_result *r) {
    const char *target, *from = redirect_of(d, &target);
    if (!from) {
        doctor_ok(d, r, "No redirect configured");
    } else if (!target) {
        doctor_warn(d, r, "Redirect file is empty");
        doctor_hint(d, r, "Write the path of the other .beads into %s/redirect, or remove the file",
                    from);
    } else if (!os_is_dir(target)) {
        doctor_bad(d, r, "Redirect target %s",
                   os_exists(target) ? "is not a directory" : "does not exist");
        doctor_detail(d, r, "Target: %s", target);
        doctor_hint(d, r, "Correct the path in %s/redirect", from);
    } else if (!workspace_has_project(target)) {
        doctor_warn(d, r, "Redirect target has no beads database");
        doctor_detail(d, r, "Target: %s", target);
        doctor_hint(d, r, "Correct the path in %s/redirect", from);
    } else if (os_exists(arena_printf(d->arena, "%s/redirect", target))) {
        doctor_warn(d, r, "Redirect target redirects again; chains are not followed");
        doctor_hint(d, r, "Write the last target into %s/redirect", from);
    } else {
        doctor_ok(d, r, "Redirect target valid: %s", target);
    }
}

void git_redirect_sync(struct doctor *d, struct doctor_result *r) {
    const char *target, *from = redirect_of(d, &target);
    if (!from || !target)
        doctor_ok(d, r, "No redirect configured");
    else if (strstr(target, "/beads-worktrees/"))
        doctor_warn(d, r, "Redirect leads into a sync worktree of an old release: %s", target);
    else
        doctor_ok(d, r, "Not a sync worktree");
    if (r->status != DOCTOR_OK)
        doctor_hint(d, r, "Write the path of the real .beads into %s/redirect", from);
}

void git_vestigial(struct doctor *d, struct doctor_result *r) {
    const struct git_facts *g = facts(d);
    const char **names;
    if (!g->found) {
        doctor_ok(d, r, "N/A (not a git repository)");
        return;
    }
    const char *dir = arena_printf(d->arena, "%s/beads-worktrees", g->repo.common_dir);
    size_t n = doctor_list(d, dir, &names);
    if (!n) {
        doctor_ok(d, r, "No worktrees of old releases");
        return;
    }
    doctor_warn(d, r, "%zu worktree(s) of old releases in %s", n, dir);
    doctor_detail(d, r, "%s", doctor_sample(d, names, n));
    doctor_hint(d, r, "Look into them, then: git worktree remove %s/%s", dir, names[0]);
}

/* ---- branch ---- */

void git_working_tree(struct doctor *d, struct doctor_result *r) {
    const struct git_facts *g = facts(d);
    if (no_git(d, r))
        return;
    size_t n = 0;
    const char **list = arena_alloc(d->arena, (g->changed_count + 1) * sizeof *list);
    for (size_t i = 0; i < g->changed_count; i++)
        if (!d->ws->redirected_from)
            list[n++] = g->changed[i];
    if (!n) {
        doctor_ok(d, r, "Clean below .beads/");
        return;
    }
    /* an export or an audit log that grew is the normal course of things */
    bool only_logs = true;
    for (size_t i = 0; i < n; i++) {
        size_t size = strlen(list[i]);
        only_logs = only_logs && size > 6 && strcmp(list[i] + size - 6, ".jsonl") == 0;
    }
    if (only_logs) {
        doctor_ok(d, r, "Changed below .beads/: %s", doctor_sample(d, list, n));
        return;
    }
    doctor_warn(d, r, "Uncommitted changes below .beads/");
    doctor_detail(d, r, "%s", doctor_sample(d, list, n));
    doctor_hint(d, r, "Run 'git diff .beads/' and commit what is meant");
}

void git_upstream(struct doctor *d, struct doctor_result *r) {
    const struct git_facts *g = facts(d);
    if (no_git(d, r))
        return;
    if (!g->branch)
        doctor_ok(d, r, "Detached HEAD (no branch)");
    else if (!g->upstream)
        doctor_ok(d, r, "N/A (no upstream for %s)", g->branch);
    else if (g->ahead && g->behind)
        doctor_warn(d, r, "Diverged from upstream (ahead %ld, behind %ld)", g->ahead, g->behind);
    else if (g->behind)
        doctor_warn(d, r, "Behind upstream by %ld commit(s)", g->behind);
    else if (g->ahead)
        doctor_ok(d, r, "Ahead of %s by %ld commit(s), to be pushed", g->upstream, g->ahead);
    else
        doctor_ok(d, r, "Up to date (%s)", g->upstream);
    if (r->status == DOCTOR_OK)
        return;
    doctor_detail(d, r, "Branch: %s, upstream: %s (as of the last fetch)", g->branch, g->upstream);
    doctor_hint(d, r, "Run 'git pull --rebase'%s", g->ahead ? ", then 'git push'" : "");
}

void git_orphaned_issues(struct doctor *d, struct doctor_result *r) {
    doctor_ok(d, r, "N/A (run 'bd orphans' for open issues that commits name)");
}
