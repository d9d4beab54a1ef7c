/* The file is written when something was committed since the last time, at most once in
 * export.interval. */
#include "bd/cmd/auto_export.h"

#include "base/json_value.h"
#include "base/os.h"
#include "bd/cmd/export_lines.h"
#include "bd/cmd/parse.h"
#include "bd/workspace/git.h"
#include "bd/workspace/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATE_FILE "export-state.json"
#define DEFAULT_INTERVAL_NS INT64_C(60000000000)
#define GIT_TIMEOUT_MS 5000
#define SHOWN_IDS 5

static void warn(struct bd *bd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void warn(struct bd *bd, const char *fmt, ...) {
    va_list ap;
    fflush(bd->out);
    va_start(ap, fmt);
    fprintf(bd->err, "Warning: auto-export ");
    vfprintf(bd->err, fmt, ap);
    fputc('\n', bd->err);
    va_end(ap);
}

/* ---- what was written last ---- */

struct state {
    const char *commit; /* "" when nothing is known */
    int64_t time;       /* micros; ISSUE_NO_TIME */
};

static void state_load(struct bd *bd, struct state *s) {
    char *data;
    size_t size;
    *s = (struct state){"", ISSUE_NO_TIME};
    if (os_read_file(arena_printf(&bd->arena, "%s/" STATE_FILE, bd->ws.beads_dir), 65536, &data, &size))
        return;
    const struct json_value *json = json_value_parse(data, size, &bd->arena, NULL);
    const char *commit = json_value_get_text(json, "last_dolt_commit");
    const char *time = json_value_get_text(json, "timestamp");
    if (commit)
        s->commit = commit;
    if (time && !datetime_parse_rfc3339(time, strlen(time), &s->time))
        s->time = ISSUE_NO_TIME;
    free(data);
}

static void state_save(struct bd *bd, const char *commit, const struct export_counts *n) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    json_begin(&w, &out, JSON_COMPACT);
    json_object(&w);
    json_member_str(&w, "last_dolt_commit", commit);
    json_member_time(&w, "timestamp", datetime_now());
    json_member_int(&w, "issues", (int64_t)n->issues);
    json_member_int(&w, "memories", (int64_t)n->memories);
    json_object_end(&w);
    json_end(&w);
    if (os_write_file_atomic(arena_printf(&bd->arena, "%s/" STATE_FILE, bd->ws.beads_dir), out.data,
                             out.size, 0600))
        warn(bd, "could not save its state: %s", strerror(errno));
    buf_release(&out);
}

static bool is_due(struct bd *bd, const struct state *s) {
    int64_t interval = 0;
    const char *text = config_get(&bd->config, "export.interval");
    if (!text || cmd_parse_duration(text, &interval, NULL) || interval == 0)
        interval = DEFAULT_INTERVAL_NS;
    return s->time == ISSUE_NO_TIME || datetime_now() - s->time >= interval / 1000;
}

/* ---- guards ---- */

static const char *join_ids(struct bd *bd, const char *const *ids, size_t count) {
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < count && i < SHOWN_IDS; i++)
        buf_addf(&b, "%s%s", i ? ", " : "", ids[i]);
    if (count > SHOWN_IDS)
        buf_add_str(&b, ", ...");
    const char *r = arena_strdup(&bd->arena, buf_str(&b));
    buf_release(&b);
    return r;
}

/* Leaves those ids that the database did not have either when the file was written last. */
static void drop_deleted(struct bd *bd, const struct state *s, const char ***ids, size_t *count) {
    struct tables_txn *x;
    struct export_file rest = {0};
    if (!*count || !*s->commit || tables_read_begin_at(bd->ops.tables, s->commit, &x, NULL))
        return;
    for (size_t i = 0; i < *count; i++)
        strmap_put(&rest.ids, (*ids)[i], &rest);
    const char **left;
    size_t n;
    if (export_file_missing(&rest, x, &bd->arena, &left, &n, NULL) == BD_OK) {
        *ids = left;
        *count = n;
    }
    tables_read_end(x);
    export_file_release(&rest);
}

#define ADVICE                                                                                         \
    "; refusing to overwrite. Run 'bd import' to take its records in, or move it aside and retry."

/* May the file be replaced? Says why not. */
static bool may_replace(struct bd *bd, const char *path, const struct state *s,
                        const struct export_file *f, struct tables_txn *x, bool may_shrink) {
    static const struct export_options plain = {0};
    struct err err = ERR_INIT;
    const char **missing;
    size_t ours, count;
    if (f->bad_line) {
        warn(bd,
             "skipped: failed to check existing JSONL: auto-export shrink guard: inspect existing "
             "JSONL line %zu of %s: %s",
             f->bad_line, path, f->bad.msg);
        return false;
    }
    if (export_count(&bd->ops, x, &plain, &ours, &err) ||
        export_file_missing(f, x, &bd->arena, &missing, &count, &err)) {
        warn(bd, "skipped: %s", err.msg);
        return false;
    }
    if (!may_shrink && ours == 0 && f->ids.live) {
        warn(bd,
             "skipped: current database would export 0 issues, but %s already contains %zu "
             "issue(s)" ADVICE,
             path, f->ids.live);
        return false;
    }
    drop_deleted(bd, s, &missing, &count);
    if (!may_shrink && count) {
        warn(bd,
             "skipped: %s contains %zu JSONL-only issue record(s) absent from the local Dolt store "
             "(%s)" ADVICE,
             path, count, join_ids(bd, missing, count));
        return false;
    }
    size_t outside = f->memories + f->filtered + f->unknown;
    if (outside) {
        warn(bd,
             "failed: auto-export shrink guard: refusing to overwrite %s because it contains %zu "
             "record(s) outside "
             "auto-export scope (%zu memories, %zu infra/template/ephemeral issues, %zu unknown); run "
             "an explicit "
             "export if you want to replace it",
             path, outside, f->memories, f->filtered, f->unknown);
        return false;
    }
    return true;
}

static bool look_before(struct bd *bd, const char *path, const struct state *s, bool may_shrink) {
    struct text_list infra;
    struct export_file f = {0};
    struct tables_txn *x;
    struct err err = ERR_INIT;
    if (!os_exists(path))
        return true;
    bool ok = false;
    if (tables_read_begin(bd->ops.tables, &x, &err) == BD_OK) {
        if (db_config_infra_types(&bd->ops, x, &bd->arena, &infra, &err) == BD_OK &&
            export_file_read(path, &infra, &f, &err) == BD_OK)
            ok = may_replace(bd, path, s, &f, x, may_shrink);
        tables_read_end(x);
    }
    if (err.code)
        warn(bd, "skipped: failed to check existing JSONL: %s", err.msg);
    export_file_release(&f);
    return ok;
}

/* ---- git ---- */

static bool is_inside(struct bd *bd, const char *path, const char *dir) {
    const char *slash = strrchr(path, '/');
    const char *parent =
        workspace_real_path(arena_strndup(&bd->arena, path, (size_t)(slash - path)), &bd->arena);
    const char *real = workspace_real_path(dir, &bd->arena);
    size_t n = strlen(real);
    return strncmp(parent, real, n) == 0 && (parent[n] == 0 || parent[n] == '/');
}

/* The working tree of the git hook that this runs in, NULL outside of hooks. */
static const char *hook_work_tree(struct bd *bd) {
    const char *git_dir = getenv("GIT_DIR");
    char *data;
    size_t size;
    if (!git_dir || !*git_dir)
        return NULL;
    if (os_read_file(arena_printf(&bd->arena, "%s/gitdir", git_dir), 65536, &data, &size) == 0) {
        data[strcspn(data, "\r\n")] = 0;
        char *slash = strrchr(data, '/');
        const char *root = slash ? arena_strndup(&bd->arena, data, (size_t)(slash - data)) : NULL;
        free(data);
        if (root)
            return root;
    }
    size_t n = strlen(git_dir);
    if (strcmp(git_dir, ".git") == 0)
        return ".";
    return n > 5 && strcmp(git_dir + n - 5, "/.git") == 0 ? arena_strndup(&bd->arena, git_dir, n - 5)
                                                          : NULL;
}

/* Variables of a surrounding hook must not choose the repository. This process asks git nothing
 * afterwards. */
static void forget_hook(void) {
    static const char *const names[] = {"GIT_DIR",
                                        "GIT_WORK_TREE",
                                        "GIT_INDEX_FILE",
                                        "GIT_COMMON_DIR",
                                        "GIT_PREFIX",
                                        "GIT_OBJECT_DIRECTORY",
                                        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
                                        "GIT_CEILING_DIRECTORIES",
                                        "GIT_DISCOVERY_ACROSS_FILESYSTEM"};
    extern char **environ;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    for (char **e = environ; *e;) {
        char name[256];
        size_t n = strcspn(*e, "=");
        if (strncmp(*e, "GIT_CONFIG", 10) != 0 || n >= sizeof name) {
            e++;
            continue;
        }
        memcpy(name, *e, n);
        name[n] = 0;
        unsetenv(name); /* moves the later ones down */
    }
}

/* Prints unless nobody wants to know. */
static int stage_failed(struct bd *bd, bool silent, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int stage_failed(struct bd *bd, bool silent, const char *fmt, ...) {
    if (silent)
        return 1;
    va_list ap;
    va_start(ap, fmt);
    struct buf text = BUF_INIT;
    buf_vaddf(&text, fmt, ap);
    va_end(ap);
    int rc = cmd_fail(bd, "auto-export: git add failed: %s", buf_str(&text));
    buf_release(&text);
    return rc;
}

int auto_export_stage(struct bd *bd, const char *path, bool silent) {
    const char *tree = hook_work_tree(bd);
    struct git_repo repo;
    if (tree && !is_inside(bd, path, tree))
        return 0;
    if (git_find(bd->ws.beads_dir, &bd->arena, &repo)) {
        const char *lock = arena_printf(&bd->arena, "%s/index.lock", repo.git_dir);
        if (os_exists(lock))
            return stage_failed(bd, silent, "git index is locked at %s; skipping auto-stage", lock);
    }
    forget_hook();
    const char *argv[] = {"git", "add", path, NULL};
    struct buf said = BUF_INIT;
    struct process p = {
        .argv = argv, .directory = bd->ws.beads_dir, .error = &said, .timeout_ms = GIT_TIMEOUT_MS};
    int status = process_run(&p), rc = 0;
    while (said.size && said.data[said.size - 1] == '\n')
        said.data[--said.size] = 0;
    if (status)
        rc = stage_failed(bd, silent, "exit status %d: %s", status,
                          said.size    ? buf_str(&said)
                          : status < 0 ? strerror(errno)
                                       : "no message");
    buf_release(&said);
    return rc;
}

void auto_export_warn_without_remote(struct bd *bd, const char *what) {
    const char *remote = config_get(&bd->config, "sync.remote");
    struct git_repo repo;
    if ((remote && *remote) || config_bool(&bd->config, "no-git-ops") ||
        !git_find(bd->ws.beads_dir, &bd->arena, &repo))
        return;
    const char *origin = git_setting(repo.root, "remote.origin.url", &bd->arena);
    fprintf(bd->err,
            "beads: %s warning: no Dolt remote configured.\n"
            "beads: %s is only an export: other machines do not get their issues from it.\n",
            what, config_get(&bd->config, "export.path"));
    if (origin && *origin)
        fprintf(bd->err, "beads: repair: bd dolt remote add origin %s && bd dolt push\n", origin);
    else
        fprintf(bd->err, "beads: repair: add a git origin, then run 'bd dolt remote add origin "
                         "<git-remote-url>' and "
                         "'bd dolt push'.\n");
}

/* ---- the step ---- */

static int write_file(struct bd *bd, const char *path, const char *commit) {
    static const struct export_options plain = {0};
    struct export_counts n;
    struct err err = ERR_INIT;
    struct git_repo repo;
    if (export_lines(bd, path, &plain, false, &n, &err)) {
        warn(bd, "failed: %s", err.msg);
        return 0;
    }
    if (n.issues == 0) {
        os_unlink(path);
        state_save(bd, commit, &n);
        return 0;
    }
    if (git_find(bd->ws.beads_dir, &bd->arena, &repo) && !config_bool(&bd->config, "no-git-ops")) {
        auto_export_warn_without_remote(bd, "auto-export");
        if (config_bool(&bd->config, "export.git-add")) {
            int rc = auto_export_stage(bd, path, false);
            if (rc)
                return rc;
        }
    }
    state_save(bd, commit, &n);
    return 0;
}

int auto_export(struct bd *bd, bool may_shrink) {
    const char *hook = getenv("BD_GIT_HOOK"), *name;
    struct state s;
    struct hash head;
    struct err err = ERR_INIT;
    char commit[HASH_TEXT_SIZE + 1];
    if (!bd->ops.tables || bd->store_read_only || !bd->ws.beads_dir || bd->ws.direct ||
        strcmp(bd->ws.mode, "server") == 0 || (hook && strcmp(hook, "1") == 0) ||
        !config_bool(&bd->config, "export.auto"))
        return 0;
    name = config_get(&bd->config, "export.path");
    if (!name || !*name)
        name = bd->global ? "global-issues.jsonl" : "issues.jsonl";
    const char *path = *name == '/' ? name : arena_printf(&bd->arena, "%s/%s", bd->ws.beads_dir, name);
    if (tables_resolve(bd->ops.tables, "HEAD", &head, &err)) {
        warn(bd, "skipped: failed to get current commit: %s", err.msg);
        return 0;
    }
    hash_format(&head, commit);
    state_load(bd, &s);
    if (strcmp(s.commit, commit) == 0 || !is_due(bd, &s) || !look_before(bd, path, &s, may_shrink))
        return 0;
    return write_file(bd, path, commit);
}
