/* The decision of bd bootstrap: it reads file names, sizes and settings, asks git's origin, and changes
 * nothing. */
#include "bd/cmd/bootstrap.h"

#include "base/os.h"
#include "bd/cmd/backup.h"
#include "bd/workspace/git.h"
#include "bd/workspace/process.h"
#include "bd/workspace/setup.h"
#include "store/remote/remote.h"

#include <stdlib.h>
#include <string.h>

#define LS_REMOTE_MS 10000

static const char *below(struct bd *bd, const char *dir, const char *name) {
    return arena_printf(&bd->arena, "%s/%s", dir, name);
}

static bool has_bytes(const char *path) {
    struct stat st;
    return os_stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

/* Does git's origin keep a database (refs/dolt/data)? *url is then its Dolt URL. */
static bool origin_has_database(struct bd *bd, const char *cwd, const char **url) {
    static const char *const argv[] = {"git", "ls-remote", "origin", "refs/dolt/data", NULL};
    struct git_repo repo;
    struct buf out = BUF_INIT;
    if (!git_find(cwd, &bd->arena, &repo))
        return false;
    const char *origin = git_setting(cwd, "remote.origin.url", &bd->arena);
    if (!origin || !*origin)
        return false;
    struct process p = {.argv = argv, .directory = cwd, .output = &out, .timeout_ms = LS_REMOTE_MS};
    setenv("GIT_TERMINAL_PROMPT", "0", 1);
    bool any = process_run(&p) == 0 && out.size > 0;
    buf_release(&out);
    *url = any ? setup_dolt_url(origin, &bd->arena) : NULL;
    return any;
}

/* ---- the workspace ---- */

/* Where .beads of this place would be: of the main repository for a linked worktree. */
static const char *usual_beads_dir(struct bd *bd, const char *cwd) {
    struct git_repo repo;
    const char *given = getenv("BEADS_DIR");
    if (given && *given)
        return workspace_real_path(given, &bd->arena);
    if (!git_find(cwd, &bd->arena, &repo))
        return below(bd, cwd, ".beads");
    if (!repo.linked)
        return below(bd, repo.root, ".beads");
    const char *slash = strrchr(repo.common_dir, '/');
    return slash && strcmp(slash, "/.git") == 0
               ? arena_printf(&bd->arena, "%.*s/.beads", (int)(slash - repo.common_dir),
                              repo.common_dir)
               : below(bd, repo.common_dir, ".beads");
}

static void place(struct bd *bd, struct bootstrap_plan *p, const char *beads_dir) {
    struct metadata m;
    const char *slash = strrchr(beads_dir, '/');
    p->beads_dir = beads_dir;
    p->project_dir =
        slash > beads_dir ? arena_strndup(&bd->arena, beads_dir, (size_t)(slash - beads_dir)) : "/";
    p->database = metadata_load(beads_dir, &bd->arena, &m, NULL) == BD_OK && *m.dolt_database
                      ? m.dolt_database
                      : "beads";
    if (strchr(p->database, '/') || *p->database == '.')
        p->database = "beads";
    p->data_dir = below(bd, beads_dir, "embeddeddolt");
    p->database_dir = below(bd, p->data_dir, p->database);
}

static bool has_source(struct bd *bd, const char *beads_dir) {
    return has_bytes(below(bd, beads_dir, "issues.jsonl")) ||
           has_bytes(below(bd, beads_dir, "backup/issues.jsonl")) ||
           has_bytes(below(bd, beads_dir, "backup/manifest"));
}

/* In a linked worktree with nothing but checked-out files: the main repository's workspace, if it is
 * one. */
static bool shared_by_worktrees(struct bd *bd, const char *cwd, const char *usual) {
    struct git_repo repo;
    return git_find(cwd, &bd->arena, &repo) && repo.linked &&
           strcmp(bd->ws.beads_dir, below(bd, repo.root, ".beads")) == 0 &&
           !workspace_has_data(bd->ws.beads_dir) && workspace_has_project(usual);
}

bool bootstrap_find(struct bd *bd, struct bootstrap_plan *p) {
    const char *cwd = workspace_real_path(".", &bd->arena), *url = NULL, *usual;
    *p = (struct bootstrap_plan){0};
    usual = usual_beads_dir(bd, cwd);
    if (bd->ws.beads_dir) {
        place(bd, p, shared_by_worktrees(bd, cwd, usual) ? usual : bd->ws.beads_dir);
        return true;
    }
    if (!has_source(bd, usual) && !origin_has_database(bd, cwd, &url))
        return false;
    place(bd, p, usual);
    if (!url) { /* its settings, if there are any */
        config_release(&bd->config);
        config_init(&bd->config, &bd->arena, usual);
    }
    return true;
}

/* ---- what there is ---- */

bool bootstrap_has_database(struct bd *bd, const char *beads_dir) {
    char **names;
    size_t count;
    bool found = false;
    const char *data = below(bd, beads_dir, "embeddeddolt");
    if (os_list_dir(data, &names, &count))
        return false;
    for (size_t i = 0; i < count && !found; i++)
        found =
            names[i][0] != '.' && os_is_dir(arena_printf(&bd->arena, "%s/%s/.dolt", data, names[i]));
    os_free_list(names, count);
    return found;
}

/* An SQLite file of the versions before Dolt, or NULL. */
static const char *old_database(struct bd *bd, const char *beads_dir) {
    char **names, start[16];
    size_t count, size;
    const char *found = NULL;
    if (os_list_dir(beads_dir, &names, &count))
        return NULL;
    for (size_t i = 0; i < count && !found; i++) {
        size = strlen(names[i]);
        if (size < 4 || strcmp(names[i] + size - 3, ".db") != 0 || strstr(names[i], ".backup") ||
            strcmp(names[i], "vc.db") == 0)
            continue;
        const char *path = below(bd, beads_dir, names[i]);
        int fd = os_open(path, 0, 0);
        if (fd >= 0 && os_pread(fd, start, 16, 0) == 16 && memcmp(start, "SQLite format 3", 16) == 0)
            found = path;
        if (fd >= 0)
            os_close(fd);
    }
    os_free_list(names, count);
    return found;
}

/* sync.remote of this workspace, or of one around it up to the home directory. */
static const char *configured_remote(struct bd *bd, const struct bootstrap_plan *p) {
    static const char *const keys[] = {"sync.remote", "sync.git-remote"};
    const char *home = getenv("HOME");
    for (size_t i = 0; i < 2; i++) {
        const char *v = config_get(&bd->config, keys[i]);
        if (v && *v)
            return v;
    }
    char *dir = arena_strdup(&bd->arena, p->project_dir);
    while (!(home && strcmp(dir, home) == 0)) {
        char *slash = strrchr(dir, '/');
        if (!slash || slash == dir)
            break;
        *slash = '\0';
        const char *v =
            config_read_file(below(bd, dir, ".beads/config.yaml"), "sync.remote", &bd->arena);
        if (v && *v)
            return v;
    }
    return NULL;
}

static const char *find_export(struct bd *bd, const struct bootstrap_plan *p) {
    const char *name = config_get(&bd->config, "import.path"), *path;
    if (name && *name && strcmp(name, "issues.jsonl") != 0) {
        path = *name == '/' ? name : below(bd, p->beads_dir, name);
        if (has_bytes(path))
            return path;
    }
    path = below(bd, p->beads_dir, "issues.jsonl");
    return has_bytes(path) ? path : NULL;
}

static const char *find_backup(struct bd *bd, const struct bootstrap_plan *p, bool *dolt) {
    const char *dir = below(bd, p->beads_dir, "backup");
    *dolt = has_bytes(below(bd, dir, "manifest"));
    return *dolt || has_bytes(below(bd, dir, "issues.jsonl")) ? dir : NULL;
}

static void choose(struct bootstrap_plan *p, enum bootstrap_action action, const char *reason) {
    p->action = action;
    p->reason = reason;
}

void bootstrap_detect(struct bd *bd, struct bootstrap_plan *p) {
    struct arena *a = &bd->arena;
    const char *old;
    if (bootstrap_has_database(bd, p->beads_dir)) {
        p->has_existing = true;
        choose(p, BOOTSTRAP_NONE, arena_printf(a, "Database already exists at %s", p->data_dir));
    } else if (bd->ws.mode && strcmp(bd->ws.mode, "server") == 0) {
        choose(p, BOOTSTRAP_NONE,
               arena_printf(a,
                            "%s uses a Dolt server, which this bd cannot talk to yet; nothing was done",
                            p->beads_dir));
    } else if ((old = old_database(bd, p->beads_dir))) {
        choose(
            p, BOOTSTRAP_NONE,
            arena_printf(
                a, "%s is a database of an older version; 'bd migrate --to-dolt' brings it over", old));
    } else if ((p->remote = configured_remote(bd, p))) {
        choose(p, BOOTSTRAP_SYNC,
               arena_printf(a, "sync.remote configured — will clone from %s",
                            remote_shown_url(p->remote, a)));
    } else if (origin_has_database(bd, os_is_dir(p->project_dir) ? p->project_dir : ".", &p->remote)) {
        choose(p, BOOTSTRAP_SYNC,
               arena_printf(a, "Found Dolt data on git origin (refs/dolt/data) — will clone from %s",
                            remote_shown_url(p->remote, a)));
    } else if ((p->backup_dir = find_backup(bd, p, &p->dolt_backup))) {
        choose(p, BOOTSTRAP_RESTORE,
               arena_printf(a, "Backup files found — will restore from %s", p->backup_dir));
        p->jsonl_file = p->dolt_backup ? NULL : find_export(bd, p);
    } else if ((p->jsonl_file = find_export(bd, p))) {
        choose(p, BOOTSTRAP_IMPORT,
               arena_printf(a, "Git-tracked %s found — will import from %s",
                            strrchr(p->jsonl_file, '/') + 1, p->jsonl_file));
    } else {
        choose(p, BOOTSTRAP_INIT,
               "No existing database, remote, or backup — will create fresh database");
    }
}
