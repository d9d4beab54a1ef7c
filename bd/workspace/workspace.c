/*
 * Finding the workspace. Candidates are tried in a fixed order (flag, environment, directories upwards,
 * the main repository of a linked worktree); the first one with a database wins, else the first one
 * with any project file. A redirect is followed once.
 */
#include "bd/workspace/workspace.h"

#include "base/os.h"
#include "bd/workspace/git.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REDIRECT_MAX ((size_t)1 << 16)

/* Environment: an empty variable counts as none. */
static const char *environment(const char *name) {
    const char *v = getenv(name);
    return v && *v ? v : NULL;
}

/* Takes "//", "." and ".." out of an absolute path, by the text alone. */
static char *plain_path(const char *path, struct arena *a) {
    char *out = arena_alloc(a, strlen(path) + 2);
    size_t n = 0;
    while (*path) {
        size_t size = strcspn(path, "/");
        if (size == 2 && memcmp(path, "..", 2) == 0) {
            while (n && out[--n] != '/') {
            }
        } else if (size && !(size == 1 && *path == '.')) {
            out[n++] = '/';
            memcpy(out + n, path, size);
            n += size;
        }
        path += size + (path[size] == '/');
    }
    if (!n)
        out[n++] = '/';
    out[n] = '\0';
    return out;
}

const char *workspace_real_path(const char *path, struct arena *a) {
    char real[PATH_MAX], cwd[PATH_MAX];
    if (realpath(path, real))
        return arena_strdup(a, real);
    if (path[0] != '/' && !getcwd(cwd, sizeof cwd))
        return arena_strdup(a, path);
    const char *plain = plain_path(path[0] == '/' ? path : arena_printf(a, "%s/%s", cwd, path), a);
    for (size_t n = strlen(plain); n > 1; n--) /* the part of it that is there */
        if (plain[n] == '/' && realpath(arena_strndup(a, plain, n), real))
            return arena_printf(a, "%s%s", strcmp(real, "/") == 0 ? "" : real, plain + n);
    return plain;
}

static const char *in(struct arena *a, const char *dir, const char *name) {
    return arena_printf(a, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir, name);
}

static bool has_legacy_file(const char *beads_dir) {
    DIR *d = opendir(beads_dir);
    bool found = false;
    for (struct dirent *e; d && !found && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        found = n > 3 && strcmp(e->d_name + n - 3, ".db") == 0 && !strstr(e->d_name, ".backup") &&
                strcmp(e->d_name, "vc.db") != 0;
    }
    if (d)
        closedir(d);
    return found;
}

static bool has(const char *beads_dir, const char *name, bool directory) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", beads_dir, name);
    return directory ? os_is_dir(path) : os_exists(path);
}

bool workspace_has_data(const char *beads_dir) {
    return has(beads_dir, "embeddeddolt", true) || has(beads_dir, "dolt", true) ||
           has_legacy_file(beads_dir);
}

bool workspace_has_project(const char *beads_dir) {
    return has(beads_dir, "metadata.json", false) || has(beads_dir, "config.yaml", false) ||
           workspace_has_data(beads_dir);
}

/* ---- redirects ---- */

struct finder {
    struct arena *a;
    struct buf warnings;
    const char *project_only, *project_only_from; /* first candidate without a database */
};

static void warn(struct finder *f, const char *line) {
    if (!f->warnings.data || !strstr(f->warnings.data, line))
        buf_addf(&f->warnings, "%s\n", line);
}

/* The directory a redirect file names, or NULL when there is none that can be followed. */
static const char *redirect_target(struct finder *f, const char *beads_dir) {
    char *data, *line, *rest;
    size_t size;
    const char *target = NULL;
    if (os_read_file(in(f->a, beads_dir, "redirect"), REDIRECT_MAX, &data, &size))
        return NULL;
    rest = data;
    while (!target && (line = strsep(&rest, "\n"))) {
        line += strspn(line, " \t\r");
        size_t n = strlen(line);
        while (n && strchr(" \t\r", line[n - 1]))
            n--;
        if (n && *line != '#')
            target = arena_strndup(f->a, line, n);
    }
    free(data);
    if (!target)
        return NULL;
    if (target[0] != '/') {
        const char *slash = strrchr(beads_dir, '/');
        target = arena_printf(f->a, "%.*s/%s", (int)(slash - beads_dir), beads_dir, target);
    }
    target = workspace_real_path(target, f->a);
    if (!os_is_dir(target)) {
        warn(f, arena_printf(f->a, "Warning: redirect target does not exist or is not a directory: %s",
                             target));
        return NULL;
    }
    if (has(target, "redirect", false))
        warn(f, arena_printf(f->a, "Warning: redirect chains not allowed, ignoring redirect in %s",
                             target));
    return target;
}

/* ---- candidates ---- */

/* True when the search is over: this .beads (or what it redirects to) has a database. */
static bool try_beads_dir(struct finder *f, const char *beads_dir, struct workspace *w) {
    if (!os_is_dir(beads_dir))
        return false;
    const char *target = redirect_target(f, beads_dir);
    const char *dir = target ? target : beads_dir;
    struct metadata m;
    if (has(dir, "embeddeddolt", true) || has(dir, "dolt", true) ||
        (metadata_load(dir, f->a, &m, NULL) == BD_OK && strcasecmp(m.dolt_mode, "server") == 0)) {
        w->beads_dir = dir;
        w->redirected_from = target ? beads_dir : NULL;
        return true;
    }
    if (!f->project_only && workspace_has_project(dir)) {
        f->project_only = dir;
        f->project_only_from = target ? beads_dir : NULL;
    }
    return false;
}

static bool parent_of(char *dir) {
    char *slash = strrchr(dir, '/');
    if (!slash || !dir[1])
        return false;
    slash[slash == dir ? 1 : 0] = 0;
    return true;
}

static const char *main_beads_dir(const struct git_repo *repo, struct arena *a) {
    const char *slash = strrchr(repo->common_dir, '/');
    if (slash && strcmp(slash, "/.git") == 0)
        return arena_printf(a, "%.*s/.beads", (int)(slash - repo->common_dir), repo->common_dir);
    return in(a, repo->common_dir, ".beads");
}

static bool search_upwards(struct finder *f, const char *start, const struct git_repo *repo,
                           struct workspace *w) {
    char *dir = arena_strdup(f->a, start);
    do {
        bool at_root = repo->root && strcmp(dir, repo->root) == 0;
        if (at_root && repo->linked) {
            /* Tracked files of .beads are in every worktree; only a redirect or a database of its own
             * count. */
            const char *own = in(f->a, dir, ".beads");
            if ((has(own, "redirect", false) || workspace_has_data(own)) && try_beads_dir(f, own, w))
                return true;
            if (!f->project_only && workspace_has_project(own))
                f->project_only = own;
            const char *shared = main_beads_dir(repo, f->a);
            const char *local = f->project_only, *local_from = f->project_only_from;
            f->project_only = f->project_only_from = NULL;
            bool found = try_beads_dir(f, shared, w);
            if (local) {
                f->project_only = local;
                f->project_only_from = local_from;
            }
            return found;
        }
        if (try_beads_dir(f, in(f->a, dir, ".beads"), w))
            return true;
        if (at_root)
            return false;
    } while (parent_of(dir));
    return false;
}

static bool is_database(const char *dir) { return has(dir, ".dolt", true); }

static bool is_bare_store(const char *dir) {
    return has(dir, "manifest", false) && !is_database(dir) && !has(dir, "metadata.json", false);
}

/* The .beads directory that owns a path: itself, or the nearest one above it. */
static const char *owner_of(const char *path, struct arena *a) {
    char *dir = arena_strdup(a, path);
    do {
        const char *slash = strrchr(dir, '/');
        if ((slash && strcmp(slash, "/.beads") == 0) || has(dir, "metadata.json", false))
            return arena_strdup(a, dir);
    } while (parent_of(dir) && dir[1]);
    dir = arena_strdup(a, path);
    do {
        const char *inner = in(a, dir, ".beads");
        if (os_is_dir(inner))
            return inner;
    } while (parent_of(dir) && dir[1]);
    return NULL;
}

/* --db, BEADS_DB, BD_DB, configuration key db. */
static int use_database_path(struct finder *f, const char *given, const char *what, struct workspace *w,
                             struct err *err) {
    const char *path = workspace_real_path(given, f->a);
    if (os_is_dir(path) && (is_database(path) || is_bare_store(path))) {
        /* a database that lies in a workspace's data directory belongs to that workspace */
        const char *owner = owner_of(path, f->a);
        size_t n = owner ? strlen(owner) : 0;
        const char *slash = strrchr(path, '/');
        w->database_given = true;
        w->database_dir = path;
        w->database_name = slash ? slash + 1 : path;
        if (owner && strncmp(path, owner, n) == 0 && path[n] == '/') {
            w->beads_dir = owner;
            return BD_OK;
        }
        w->direct = true;
        return BD_OK;
    }
    if (os_is_dir(path) && try_beads_dir(f, path, w))
        return BD_OK;
    f->project_only = NULL;
    const char *owner = owner_of(path, f->a);
    if (owner && try_beads_dir(f, owner, w))
        return BD_OK;
    if (f->project_only) {
        w->beads_dir = f->project_only;
        w->redirected_from = f->project_only_from;
        return BD_OK;
    }
    return err_set(err, BD_NOT_FOUND, "%s: no database at %s", what, path);
}

/* ---- what the workspace says ---- */

static const char *single_database(const char *data_dir, struct arena *a) {
    DIR *d = opendir(data_dir);
    const char *found = NULL;
    size_t n = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.' || !is_database(in(a, data_dir, e->d_name)))
            continue;
        found = arena_strdup(a, e->d_name);
        n++;
    }
    if (d)
        closedir(d);
    return n == 1 ? found : NULL;
}

static void describe(struct finder *f, struct workspace *w) {
    struct arena *a = f->a;
    struct err why = ERR_INIT;
    struct metadata m;
    int rc = metadata_load(w->beads_dir, a, &m, &why);
    w->has_metadata = rc == BD_OK;
    w->metadata_broken = rc != BD_OK && rc != BD_NOT_FOUND;
    const char *slash = strrchr(w->beads_dir, '/');
    w->project_dir =
        slash == w->beads_dir ? "/" : arena_strndup(a, w->beads_dir, (size_t)(slash - w->beads_dir));
    w->project_id = m.project_id;
    w->mode = strcasecmp(m.dolt_mode, "server") == 0 && !w->database_given ? "server" : "embedded";
    if (w->database_dir) {
        w->data_dir = arena_strndup(a, w->database_dir,
                                    (size_t)(strrchr(w->database_dir, '/') - w->database_dir));
        w->has_database = true;
        return;
    }
    const char *name = environment("BEADS_DOLT_SERVER_DATABASE");
    struct metadata source;
    if (!name && w->redirected_from && metadata_load(w->redirected_from, a, &source, NULL) == BD_OK &&
        *source.dolt_database)
        name = source.dolt_database;
    bool named = name || *m.dolt_database;
    w->database_name = name ? name : *m.dolt_database ? m.dolt_database : "beads";
    bool embedded = has(w->beads_dir, "embeddeddolt", true);
    if (strcmp(w->mode, "server") == 0) {
        w->data_dir =
            *m.dolt_data_dir
                ? (m.dolt_data_dir[0] == '/' ? m.dolt_data_dir : in(a, w->beads_dir, m.dolt_data_dir))
                : in(a, w->beads_dir, "dolt");
    } else {
        w->data_dir =
            in(a, w->beads_dir, embedded || !has(w->beads_dir, "dolt", true) ? "embeddeddolt" : "dolt");
    }
    w->database_dir = in(a, w->data_dir, w->database_name);
    w->has_database = is_database(w->database_dir);
    /* Without a metadata.json that names it, the only database there is the one meant. */
    const char *only = w->has_database || named ? NULL : single_database(w->data_dir, a);
    if (only) {
        w->database_name = only;
        w->database_dir = in(a, w->data_dir, only);
        w->has_database = true;
    }
    if (w->metadata_broken)
        warn(f, arena_printf(a, "warning: failed to load beads config from %s: %s", w->beads_dir,
                             why.msg));
}

static void check_permissions(struct finder *f, const char *beads_dir) {
    struct stat st;
    if (os_stat(beads_dir, &st) == 0 && (st.st_mode & 0077))
        warn(f, arena_printf(f->a,
                             "Warning: %s has permissions %04o (recommended: 0700). Run: chmod 700 %s",
                             beads_dir, (unsigned)st.st_mode & 0777, beads_dir));
}

static int find(struct finder *f, const struct workspace_request *rq, const char *start,
                const struct git_repo *repo, struct workspace *w, struct err *err) {
    const char *dir = rq->beads_dir ? rq->beads_dir : environment("BEADS_DIR");
    if (rq->db_flag && *rq->db_flag)
        return use_database_path(f, rq->db_flag, "--db", w, err);
    if (dir && try_beads_dir(f, workspace_real_path(dir, f->a), w))
        return BD_OK;
    if (!dir) {
        const char *name = environment("BEADS_DB") ? "BEADS_DB" : environment("BD_DB") ? "BD_DB" : NULL;
        if (name)
            return use_database_path(f, environment(name), name, w, err);
        if (rq->db_setting && *rq->db_setting)
            return use_database_path(f, rq->db_setting, "configuration key db", w, err);
    }
    if (!(dir && f->project_only) && search_upwards(f, start, repo, w))
        return BD_OK;
    if (!f->project_only)
        return err_set(err, BD_NOT_FOUND, "no workspace in %s or above it", start);
    w->beads_dir = f->project_only;
    w->redirected_from = f->project_only_from;
    return BD_OK;
}

int workspace_find(const struct workspace_request *rq, struct arena *a, struct workspace *out,
                   struct err *err) {
    memset(out, 0, sizeof *out);
    *out = (struct workspace){
        .database_name = "beads", .project_id = "", .mode = "embedded", .data_dir = "", .warnings = ""};
    struct finder f = {.a = a};
    struct git_repo repo = {0};
    const char *start = workspace_real_path(rq->start_dir ? rq->start_dir : ".", a);
    git_find(start, a, &repo);
    out->repo_root = repo.root;
    int rc = find(&f, rq, start, &repo, out, err);
    if (rc == BD_OK && out->beads_dir) {
        describe(&f, out);
        check_permissions(&f, out->beads_dir);
    } else if (rc == BD_OK) {
        out->has_database = true;
    }
    if (f.warnings.size)
        out->warnings = arena_strndup(a, f.warnings.data, f.warnings.size);
    buf_release(&f.warnings);
    return rc;
}

int workspace_find_directory(const char *directory, struct arena *a, const char **beads_dir,
                             struct err *err) {
    struct stat st;
    const char *full = workspace_real_path(directory, a);
    struct buf quoted = BUF_INIT;
    int rc = BD_OK;
    *beads_dir = NULL;
    buf_addf(&quoted, "cannot use -C directory \"%s\"", directory);
    if (os_stat(directory, &st)) {
        rc = err_set(err, BD_INVALID, "%s: stat %s: %s", buf_str(&quoted), full,
                     errno == ENOENT ? "no such file or directory" : strerror(errno));
    } else if (!S_ISDIR(st.st_mode)) {
        rc = err_set(err, BD_INVALID, "%s: not a directory", buf_str(&quoted));
    } else {
        struct finder f = {.a = a};
        struct git_repo repo = {0};
        struct workspace w = {0};
        git_find(full, a, &repo);
        if (search_upwards(&f, full, &repo, &w))
            *beads_dir = w.beads_dir;
        else if (f.project_only)
            *beads_dir = f.project_only;
        else
            rc = err_set(err, BD_INVALID, "%s: no beads project found", buf_str(&quoted));
        buf_release(&f.warnings);
    }
    buf_release(&quoted);
    return rc;
}
