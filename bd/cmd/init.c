/*
 * bd init: a new workspace. The order is the one that survives a crash at any point: checks, files,
 * then the database, which is built under another name and appears complete by a rename, then what git
 * is told.
 */
#include "bd/cmd/init.h"

#include "base/datetime.h"
#include "base/os.h"
#include "base/version.h"
#include "bd/cmd/commands.h"
#include "bd/ops/db_config.h"
#include "bd/ops/uuid.h"
#include "bd/ui/ink.h"
#include "bd/workspace/git.h"
#include "bd/workspace/git_hooks.h"
#include "bd/workspace/process.h"
#include "bd/workspace/setup.h"
#include "migrate/migrate.h"
#include "schema/schema.h"
#include "store/remote/remote.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define COMMIT_SUBJECT "bd init: initialize beads issue tracking"

static const char *ink(struct bd *bd, enum ink i, const char *text) {
    return ink_text(&bd->arena, bd->color, i, text);
}

/* A line of the report, unless quiet. */
static void done(struct init_job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void done(struct init_job *j, const char *fmt, ...) {
    if (j->quiet)
        return;
    va_list ap;
    va_start(ap, fmt);
    fprintf(j->bd->out, "  %s ", ink(j->bd, INK_PASS, "✓"));
    vfprintf(j->bd->out, fmt, ap);
    fputc('\n', j->bd->out);
    va_end(ap);
}

/* ---- names ---- */

static bool is_interactive(const struct cmd_call *call) {
    const char *v = getenv("BD_NON_INTERACTIVE"), *ci = getenv("CI");
    if (cmd_bool(call, "non-interactive"))
        return false;
    if (v && *v)
        return strcmp(v, "1") != 0 && strcmp(v, "true") != 0;
    if (ci && (strcmp(ci, "true") == 0 || strcmp(ci, "1") == 0))
        return false;
    return isatty(STDIN_FILENO) != 0;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void choose_prefix(struct init_job *j) {
    struct bd *bd = j->bd;
    const char *given = cmd_str(j->call, "prefix");
    if (!*given)
        given = config_get(&bd->config, "issue-prefix");
    if (!given || !*given)
        given = base_name(j->cwd);
    while (*given == '.')
        given++;
    size_t n = strlen(given);
    while (n && given[n - 1] == '-')
        n--;
    char *prefix = arena_strndup(&bd->arena, given, n);
    for (char *p = prefix; *p; p++)
        *p = *p == '.' ? '_' : *p;
    bool letter = isalpha((unsigned char)*prefix) || *prefix == '_';
    j->prefix = *prefix && !letter ? arena_printf(&bd->arena, "bd_%s", prefix) : prefix;
}

static int choose_database(struct init_job *j) {
    struct bd *bd = j->bd;
    struct metadata m;
    const char *given = cmd_str(j->call, "database");
    bool known = metadata_load(j->beads_dir, &bd->arena, &m, NULL) == BD_OK && *m.dolt_database;
    char *derived = arena_strdup(&bd->arena, j->prefix);
    for (char *p = derived; *p; p++)
        *p = *p == '-' ? '_' : *p;
    j->database = *given ? given : known ? m.dolt_database : *derived ? derived : "beads";
    j->database_dir = arena_printf(&bd->arena, "%s/embeddeddolt/%s", j->beads_dir, j->database);
    bool valid =
        strlen(j->database) <= 64 && (isalpha((unsigned char)*j->database) || *j->database == '_');
    for (const char *p = j->database; *p; p++)
        valid = valid && (isalnum((unsigned char)*p) || *p == '_' || *p == '-');
    if (valid || (known && !*given && !strchr(j->database, '/')))
        return 0;
    fprintf(bd->err,
            "Error: directory name %s produces an invalid database name %s.\n"
            "Re-run with a valid prefix: bd init --prefix <name>\n"
            "(Database names must start with a letter or underscore and contain only letters, digits, "
            "underscores, or "
            "hyphens.)\n",
            cmd_quote(&bd->arena, base_name(j->cwd)), cmd_quote(&bd->arena, j->database));
    return 1;
}

static void choose_directory(struct init_job *j) {
    struct bd *bd = j->bd;
    struct git_repo repo;
    const char *given = getenv("BEADS_DIR");
    j->explicit_dir = (given && *given) || bd->ws.beads_dir;
    if (given && *given && !bd->ws.beads_dir) {
        j->beads_dir = workspace_real_path(given, &bd->arena);
    } else if (bd->ws.beads_dir) {
        j->beads_dir = bd->ws.beads_dir;
    } else if (git_find(j->cwd, &bd->arena, &repo) && repo.linked) {
        const char *slash = strrchr(repo.common_dir, '/');
        j->beads_dir = slash && strcmp(slash, "/.git") == 0
                           ? arena_printf(&bd->arena, "%.*s/.beads", (int)(slash - repo.common_dir),
                                          repo.common_dir)
                           : arena_printf(&bd->arena, "%s/.beads", repo.common_dir);
    } else {
        j->beads_dir = arena_printf(&bd->arena, "%s/.beads", j->cwd[1] ? j->cwd : "");
    }
}

static bool in_git(struct init_job *j) {
    struct git_repo repo;
    if (git_find(j->cwd, &j->bd->arena, &repo))
        return true;
    char *dir = process_git(j->cwd, (const char *const[]){"rev-parse", "--git-dir", NULL});
    bool yes = dir != NULL;
    free(dir);
    return yes;
}

static bool has_work_tree(struct init_job *j) {
    struct git_repo repo;
    return git_find(j->cwd, &j->bd->arena, &repo);
}

/* ---- files ---- */

static bool below(const char *path, const char *dir) {
    size_t n = strlen(dir);
    return strncmp(path, dir, n) == 0 && path[n] == '/';
}

static void warn_unless(struct init_job *j, int rc, const struct err *err) {
    if (rc)
        cmd_warn(j->bd, "%s", err->msg);
}

static int make_directory(struct init_job *j) {
    struct err err = ERR_INIT;
    bool tightened;
    if (setup_directory(j->beads_dir, &tightened, &err))
        return cmd_fail(j->bd, "%s", err.msg);
    if (tightened && !j->quiet)
        fprintf(j->bd->err, "Fixed .beads permissions to 0700\n");
    warn_unless(j, setup_gitignore(j->beads_dir, &err), &err);
    if (below(j->beads_dir, j->cwd))
        warn_unless(j, setup_project_gitignore(j->cwd, &err), &err);
    warn_unless(j, setup_interactions(j->beads_dir, &err), &err);
    if (j->explicit_dir || in_git(j))
        return 0;
    struct buf out = BUF_INIT;
    static const char *const argv[] = {"git", "init", NULL};
    int status = process_run(
        &(struct process){.argv = argv, .directory = j->cwd, .output = &out, .error = &out});
    if (status < 0 && errno == ENOENT) {
        buf_release(&out);
        cmd_warn(j->bd, "git is not installed here; the workspace is made without a repository");
        return 0;
    }
    int failed = status ? cmd_fail(j->bd, "failed to initialize git repository: %s",
                                   status < 0 ? strerror(errno) : buf_str(&out))
                        : 0;
    buf_release(&out);
    if (!failed)
        done(j, "Initialized git repository");
    return failed;
}

static void exclude_from_git(struct init_job *j) {
    static const char *const stealth[] = {".beads/", ".claude/settings.local.json", NULL};
    static const char *const fork[] = {".beads/", "**/RECOVERY*.md", "**/SESSION*.md", NULL};
    struct err err = ERR_INIT;
    struct git_repo repo;
    bool changed;
    if (!git_find(j->cwd, &j->bd->arena, &repo))
        return;
    if (!j->stealth && !cmd_bool(j->call, "setup-exclude")) {
        const char *upstream = git_setting(j->cwd, "remote.upstream.url", &j->bd->arena);
        if (!upstream || !*upstream || j->interactive)
            return;
    }
    const char *info = arena_printf(&j->bd->arena, "%s/info", repo.common_dir);
    os_mkdir_p(info, 0755);
    int rc = setup_append_lines(arena_printf(&j->bd->arena, "%s/exclude", info),
                                j->stealth ? "# Beads stealth mode (added by bd init --stealth)"
                                           : "# Beads fork protection (bd init)",
                                j->stealth ? stealth : fork, 0644, &changed, &err);
    warn_unless(j, rc, &err);
    if (!rc && changed)
        done(j, "Configured .git/info/exclude");
}

int init_write_metadata(struct init_job *j) {
    struct err err = ERR_INIT;
    struct metadata m;
    char id[UUID_TEXT_SIZE];
    struct arena *a = &j->bd->arena;
    int rc = metadata_load(j->beads_dir, a, &m, &err);
    if (rc && rc != BD_NOT_FOUND)
        cmd_warn(j->bd, "failed to load existing metadata.json: %s", err.msg);
    if (!*m.project_id && j->project_id)
        m.project_id = j->project_id;
    if (!*m.project_id) {
        uuid_v4(id);
        m.project_id = arena_strdup(a, id);
    }
    if (!*m.database || strcmp(m.database, "beads.db") == 0)
        m.database = "dolt";
    m.backend = "dolt";
    m.dolt_mode = "embedded";
    m.dolt_database = j->database;
    if (*cmd_str(j->call, "server-host"))
        m.dolt_server_host = cmd_str(j->call, "server-host");
    if (cmd_int(j->call, "server-port"))
        m.dolt_server_port = (long)cmd_int(j->call, "server-port");
    if (*cmd_str(j->call, "server-user"))
        m.dolt_server_user = cmd_str(j->call, "server-user");
    if (*cmd_str(j->call, "server-socket"))
        m.dolt_server_socket = cmd_str(j->call, "server-socket");
    j->project_id = m.project_id;
    if (metadata_save(j->beads_dir, &m, &err))
        return cmd_fail(j->bd, "%s", err.msg);
    return 0;
}

static void write_settings(struct init_job *j) {
    struct err err = ERR_INIT;
    warn_unless(j, setup_config(j->beads_dir, &err), &err);
    const char *known = config_read_file(arena_printf(&j->bd->arena, "%s/config.yaml", j->beads_dir),
                                         "sync.remote", &j->bd->arena);
    if (j->sync_url && !(known && *known))
        warn_unless(j,
                    config_file_set(j->beads_dir, "sync.remote",
                                    remote_shown_url(j->sync_url, &j->bd->arena), &err),
                    &err);
    if (cmd_bool(j->call, "debug"))
        warn_unless(j, config_file_set(j->beads_dir, "dolt.debug", "true", &err), &err);
    if (j->stealth)
        warn_unless(j, config_file_set(j->beads_dir, "no-git-ops", "true", &err), &err);
    warn_unless(j, setup_readme(j->beads_dir, &err), &err);
}

/* ---- database ---- */

static int lock_data(struct init_job *j) {
    struct arena *a = &j->bd->arena;
    const char *dir = arena_printf(a, "%s/embeddeddolt", j->beads_dir);
    if (os_mkdir_p(dir, 0700) ||
        (j->lock_fd = os_open(arena_printf(a, "%s/.lock", dir), O_RDWR | O_CREAT, 0600)) < 0)
        return cmd_fail(j->bd, "cannot create %s: %s", dir, strerror(errno));
    if (os_flock(j->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    fprintf(j->bd->err,
            "Error: embeddeddolt: another process holds the exclusive lock on %s; it is being "
            "initialized by one writer at "
            "a time. Try again in a moment.\n",
            dir);
    return 1;
}

/* What an init that was killed left behind. Nobody else makes such names, and the lock is ours. */
static void remove_leftovers(struct init_job *j) {
    struct arena *a = &j->bd->arena;
    const char *dir = arena_printf(a, "%s/embeddeddolt", j->beads_dir);
    char **names;
    size_t count;
    if (os_list_dir(dir, &names, &count))
        return;
    for (size_t i = 0; i < count; i++)
        if (strncmp(names[i], ".bd-init-", 9) == 0)
            os_remove_tree(arena_printf(a, "%s/%s", dir, names[i]));
    os_free_list(names, count);
}

static const char *import_time(struct arena *a) {
    char text[40];
    datetime_format_rfc3339_local(datetime_now() / MICROS_PER_SECOND * MICROS_PER_SECOND, text,
                                  sizeof text);
    return arena_strdup(a, text);
}

static int fill_new(struct init_job *j, const char *dir, struct err *err) {
    struct tables_open open = {.dir = dir};
    struct tables *t;
    struct schema_pair metadata[4], local[] = {{"bd_version", BD_VERSION}};
    size_t n = 0;
    if (j->project_id)
        metadata[n++] = (struct schema_pair){"_project_id", j->project_id};
    metadata[n++] = (struct schema_pair){"last_import_time", import_time(&j->bd->arena)};
    if (j->repo_id)
        metadata[n++] = (struct schema_pair){"repo_id", j->repo_id};
    if (j->clone_id)
        metadata[n++] = (struct schema_pair){"clone_id", j->clone_id};
    struct schema_pair settings[INIT_SETTINGS_MAX];
    for (size_t i = 0; i < j->setting_count; i++)
        settings[i] = (struct schema_pair){j->settings[i].key, j->settings[i].value};
    struct schema_init init = {
        .issue_prefix = j->prefix,
        .config = j->setting_count ? settings : NULL,
        .config_count = j->setting_count,
        .metadata = metadata,
        .metadata_count = n,
        .local_metadata = local,
        .local_metadata_count = 1,
        .message = j->message,
    };
    int rc = tables_open_embedded(&t, &open, err);
    if (rc)
        return rc;
    rc = schema_create(t, &init, err);
    tables_close(t);
    return rc;
}

static int create_new(struct init_job *j, struct err *err) {
    static const struct tables_identity author = {"beads", "beads@local"};
    struct arena *a = &j->bd->arena;
    const char *parent = arena_printf(a, "%s/embeddeddolt", j->beads_dir);
    const char *building = arena_printf(a, "%s/.bd-init-%ld", parent, (long)getpid());
    remove_leftovers(j);
    int rc = tables_create_embedded(building, "main", &author, err);
    if (!rc)
        rc = fill_new(j, building, err);
    if (!rc && j->import)
        rc = init_import_into(j, building, err);
    if (rc)
        remove_leftovers(j);
    else if (os_rename(building, j->database_dir) || os_fsync_dir(parent))
        rc = err_errno(err, "cannot put the new database in its place %s", j->database_dir);
    return rc;
}

struct update {
    struct init_job *j;
    const char *time;
};

static int put_metadata(struct tables_txn *x, const char *key, const char *value, struct err *err) {
    static const char *const columns[] = {"key", "value"};
    struct cell cells[] = {cell_text(key), cell_text(value)};
    return value ? tables_insert(x, "metadata", columns, cells, 2, TABLES_INSERT_REPLACE, NULL, err)
                 : BD_OK;
}

static int update_rows(struct tables_txn *x, void *ctx, struct err *err) {
    const struct update *u = ctx;
    const struct init_job *j = u->j;
    const char *prefix = NULL;
    int rc = db_config_get(x, "issue_prefix", &u->j->bd->arena, &prefix, err);
    if (!rc && (!prefix || !*prefix))
        rc = db_config_set(x, "issue_prefix", u->j->prefix, err);
    const char *known = NULL; /* a fork that was set up already stays as it is */
    if (!rc && j->setting_count && !j->settings_replace)
        rc = db_config_get(x, j->settings[0].key, &j->bd->arena, &known, err);
    for (size_t i = 0; !rc && i < j->setting_count && !(known && *known); i++)
        rc = db_config_set(x, j->settings[i].key, j->settings[i].value, err);
    if (!rc)
        rc = put_metadata(x, "repo_id", u->j->repo_id, err);
    if (!rc)
        rc = put_metadata(x, "clone_id", u->j->clone_id, err);
    if (!rc)
        rc = put_metadata(x, "_project_id", u->j->project_id, err);
    return rc ? rc : put_metadata(x, "last_import_time", u->time, err);
}

/* The database stays; what init writes into one is written again. */
static int update_existing(struct init_job *j, struct err *err) {
    struct tables_open open = {.dir = j->database_dir};
    struct tables *t;
    struct tables_txn *x;
    struct update u = {j, import_time(&j->bd->arena)};
    struct tables_write w = {.mode = TABLES_COMMIT, .message = j->message};
    int rc = tables_open_embedded(&t, &open, err);
    if (rc)
        return rc;
    bool empty = false;
    if (!(rc = tables_read_begin(t, &x, err))) {
        empty = !tables_has_table(x, "issues");
        tables_read_end(x);
    }
    if (!rc && !empty)
        rc = tables_write(t, &w, update_rows, &u, NULL, err);
    tables_close(t);
    if (!rc && empty)
        rc = fill_new(j, j->database_dir, err);
    return !rc && j->import ? init_import_into(j, j->database_dir, err) : rc;
}

int init_database(struct init_job *j) {
    struct err err = ERR_INIT;
    j->exists = os_is_dir(arena_printf(&j->bd->arena, "%s/.dolt", j->database_dir));
    int rc = j->exists ? update_existing(j, &err) : create_new(j, &err);
    if (rc && strncmp(err.msg, "failed to import", 16) == 0)
        return cmd_fail(j->bd, "%s; no database was made", err.msg);
    if (rc) {
        fprintf(j->bd->err, "Error: failed to open Dolt store: %s\n", err.msg);
        return 1;
    }
    return 0;
}

/* Identity of an existing database that a new metadata.json must take over. */
void init_adopt_identity(struct init_job *j) {
    struct tables_open open = {.dir = j->database_dir, .flags = TABLES_READ_ONLY};
    static const char *const columns[] = {"value"};
    struct cell key = cell_text("_project_id"), value = cell_null();
    struct tables *t;
    struct tables_txn *x;
    if (!os_is_dir(arena_printf(&j->bd->arena, "%s/.dolt", j->database_dir)) ||
        tables_open_embedded(&t, &open, NULL))
        return;
    if (tables_read_begin(t, &x, NULL) == BD_OK) {
        if (tables_has_table(x, "metadata") &&
            tables_get(x, "metadata", &key, 1, columns, 1, &j->bd->arena, &value, NULL) == BD_OK &&
            cell_has_text(&value))
            j->project_id = cell_format(&value, &j->bd->arena);
        tables_read_end(x);
    }
    tables_close(t);
}

/* ---- git ---- */

static void set_role(struct init_job *j) {
    struct bd *bd = j->bd;
    const char *given = cmd_str(j->call, "role"),
               *known = git_setting(j->cwd, "beads.role", &bd->arena);
    if ((known && *known && !*given) || !in_git(j))
        return;
    char *out = process_git(
        j->cwd, (const char *const[]){"config", "beads.role", *given ? given : "maintainer", NULL});
    if (!out && !j->quiet)
        cmd_warn(bd, "failed to set beads.role in git config");
    free(out);
}

/* False when the person ended the dialogue. */
static bool ask_role(struct init_job *j) {
    char answer[64];
    const char *known = git_setting(j->cwd, "beads.role", &j->bd->arena);
    if (!j->interactive || !isatty(STDIN_FILENO) || *cmd_str(j->call, "role") || (known && *known) ||
        !has_work_tree(j))
        return true;
    if (!init_ask(j, "Contributing to someone else's repo? [y/N]: ", answer, sizeof answer))
        return false;
    if (*answer == 'y' || *answer == 'Y')
        free(process_git(j->cwd, (const char *const[]){"config", "beads.role", "contributor", NULL}));
    return true;
}

static bool ask_export(struct init_job *j) {
    char answer[64];
    struct err err = ERR_INIT;
    if (!j->interactive || j->quiet)
        return true;
    if (!init_ask(j,
                  "\nAfter every change bd can write a JSONL copy of all issues to "
                  ".beads/issues.jsonl, for viewers and\n"
                  "exchange. It is not needed for sync or backup.\n\nEnable auto-export? [y/N]: ",
                  answer, sizeof answer))
        return false;
    if (*answer != 'y' && *answer != 'Y') {
        done(j, "Auto-export disabled (enable later with: bd config set export.auto true)");
        return true;
    }
    int rc = config_file_set(j->beads_dir, "export.auto", "true", &err);
    warn_unless(j, rc, &err);
    if (!rc)
        done(j, "Auto-export enabled -> .beads/issues.jsonl");
    return true;
}

static bool hooks_are_current(struct init_job *j) {
    struct git_hook hooks[GIT_HOOK_COUNT];
    git_hooks_list(j->cwd, &j->bd->arena, hooks);
    for (size_t i = 0; i < GIT_HOOK_COUNT; i++)
        if (hooks[i].outdated || (i < 2 && !hooks[i].is_bd))
            return false;
    return true;
}

/* Jujutsu runs git's hooks only in repositories that are both, and knows two of them. */
static void install_hooks(struct init_job *j) {
    struct buf notes = BUF_INIT, warnings = BUF_INIT;
    struct err err = ERR_INIT;
    bool jujutsu = os_is_dir(arena_printf(&j->bd->arena, "%s/.jj", j->cwd));
    struct git_hooks_request rq = {.directory = j->cwd,
                                   .beads_dir = j->beads_dir,
                                   .place = jujutsu ? GIT_HOOKS_GIT : GIT_HOOKS_BEADS,
                                   .two_only = jujutsu,
                                   .notes = &notes,
                                   .warnings = &warnings};
    if (j->stealth || cmd_bool(j->call, "skip-hooks") || !in_git(j) || hooks_are_current(j))
        return;
    int rc = git_hooks_install(&rq, &err);
    if (!j->quiet) {
        fputs(buf_str(&notes), j->bd->out);
        fflush(j->bd->out);
        fputs(buf_str(&warnings), j->bd->err);
        if (rc)
            fprintf(j->bd->err, "\n%s Failed to install git hooks: %s\nYou can try again with: %s\n\n",
                    ink(j->bd, INK_WARN, "⚠"), err.msg,
                    ink(j->bd, INK_ACCENT, "bd hooks install --beads"));
        else
            fprintf(j->bd->out, "  Hooks installed to: %s\n",
                    jujutsu ? "git's hooks (pre-commit, post-merge)" : ".beads/hooks/");
    }
    buf_release(&notes);
    buf_release(&warnings);
}

/* Commits what init wrote, and only that, whatever else is staged. Hooks do not run. */
static void commit_files(struct init_job *j) {
    struct bd *bd = j->bd;
    struct buf out = BUF_INIT;
    if (j->stealth || !has_work_tree(j) || !below(j->beads_dir, j->cwd))
        return;
    /* git leaves no background process behind either */
    const char *add[16] = {"git", "add", "--"};
    const char *commit[24] = {
        "git",    "-c",          "gc.auto=0", "-c",           "maintenance.auto=false",
        "commit", "--no-verify", "-m",        COMMIT_SUBJECT, "--"};
    const char *paths[] = {
        ".beads/", ".gitignore", init_agents_file(j), ".claude/settings.json", "CLAUDE.md",
        ".agents", ".codex"};
    bool agents = !cmd_bool(j->call, "skip-agents");
    for (size_t i = 0, n = 3, m = 10; i < sizeof paths / sizeof *paths; i++)
        if ((i < 2 || agents) && os_exists(arena_printf(&bd->arena, "%s/%s", j->cwd, paths[i])))
            add[n++] = commit[m++] = paths[i];
    if (process_run(&(struct process){.argv = add, .directory = j->cwd}) == 0) {
        int status = process_run(
            &(struct process){.argv = commit, .directory = j->cwd, .output = &out, .error = &out});
        if (status == 0)
            done(j, "Committed beads files to git");
        else if (!j->quiet && !strstr(buf_str(&out), "nothing to commit") &&
                 !strstr(buf_str(&out), "added to commit"))
            cmd_warn(bd, "failed to commit beads files: git exited with %d", status);
    }
    buf_release(&out);
}

/* ---- report ---- */

static void report_sync(struct init_job *j) {
    if (j->stealth || cmd_given(j->call, "remote") || j->sync_url)
        return;
    fprintf(j->bd->err,
            "\n%s No Dolt remote configured\n"
            "  Issues are stored in the local database only. .beads/issues.jsonl is an export, no way "
            "to sync.\n"
            "  To share them, add a git origin and then run:\n"
            "    %s\n",
            ink(j->bd, INK_WARN, "⚠"), ink(j->bd, INK_ACCENT, "bd dolt push"));
}

static void report(struct init_job *j) {
    struct bd *bd = j->bd;
    fflush(bd->out);
    report_sync(j);
    fprintf(bd->out, "\n%s bd initialized %s!\n\n", ink(bd, INK_PASS, "✓"),
            j->clone ? "from remote" : "successfully");
    fprintf(bd->out, "  Backend: %s\n", ink(bd, INK_ACCENT, "dolt"));
    fprintf(bd->out, "  Mode: %s\n", ink(bd, INK_ACCENT, "embedded"));
    fprintf(bd->out, "  Database: %s\n", ink(bd, INK_ACCENT, j->database));
    fprintf(bd->out, "  Issue prefix: %s\n", ink(bd, INK_ACCENT, j->prefix));
    fprintf(bd->out, "  Issues will be named: %s\n\n",
            ink(bd, INK_ACCENT,
                arena_printf(&bd->arena, "%s-<hash> (e.g., %s-a3f2dd)", j->prefix, j->prefix)));
    fprintf(bd->out, "Run %s to get started.\n\n", ink(bd, INK_ACCENT, "bd quickstart"));
}

/* ---- the command ---- */

static int in_beads_dir(struct init_job *j) {
    size_t n = strlen(j->cwd);
    if (!strstr(j->cwd, "/.beads/") && !(n >= 7 && strcmp(j->cwd + n - 7, "/.beads") == 0))
        return 0;
    fprintf(j->bd->err,
            "Error: cannot initialize bd inside a .beads directory\n"
            "Current directory: %s\n"
            "Please run 'bd init' from outside the .beads directory.\n",
            j->cwd);
    return 1;
}

static int check_all(struct init_job *j) {
    int status = init_check_flags(j);
    if (status || (status = init_check_agents_flags(j)))
        return status;
    choose_directory(j);
    choose_prefix(j);
    struct metadata m;
    bool known = metadata_load(j->beads_dir, &j->bd->arena, &m, NULL) == BD_OK && *m.dolt_database;
    j->database_dir = arena_printf(&j->bd->arena, "%s/embeddeddolt/%s", j->beads_dir,
                                   known ? m.dolt_database : "beads");
    if ((status = init_check_existing(j)) || (status = init_check_remote(j)) ||
        (status = in_beads_dir(j)) || (status = init_import_read(j)))
        return status;
    return choose_database(j);
}

static int cancelled(struct init_job *j) {
    fprintf(j->bd->err, "Setup canceled.\n");
    return INIT_CANCELLED;
}

static int run_job(struct init_job *j) {
    struct bd *bd = j->bd;
    struct err err = ERR_INIT;
    const char *old;
    int status = check_all(j);
    if (status || (status = make_directory(j)) || (status = lock_data(j)))
        return status;
    j->repo_id = setup_repo_id(j->cwd, &bd->arena);
    j->clone_id = setup_clone_id(j->cwd, &bd->arena);
    if ((status = init_remote_clone(j)))
        return status;
    init_adopt_identity(j);
    if ((status = init_wizard(j)) == INIT_CANCELLED)
        return cancelled(j);
    if (status)
        return status;
    init_fork_prepare(j);
    if ((status = init_write_metadata(j)) || (status = init_database(j)))
        return status;
    if (j->repo_id && !j->quiet)
        fprintf(bd->out, "  Repository ID: %.8s\n", j->repo_id);
    if (j->clone_id && !j->quiet)
        fprintf(bd->out, "  Clone ID: %s\n", j->clone_id);
    init_remote_register(j);
    write_settings(j);
    if (j->import && !j->quiet)
        init_import_report(j, bd->out, "  ");
    if (!ask_role(j))
        return cancelled(j);
    set_role(j);
    init_fork_finish(j);
    init_wizard_finish(j);
    exclude_from_git(j);
    if (!ask_export(j))
        return cancelled(j);
    install_hooks(j);
    const char *version = arena_printf(&bd->arena, "%s/.local_version", j->beads_dir);
    if (os_write_file_atomic(version, BD_VERSION "\n", strlen(BD_VERSION) + 1, 0600)) {
        err_errno(&err, "failed to write %s", version);
        warn_unless(j, err.code, &err);
    }
    init_agents(j);
    commit_files(j);
    if (!j->quiet)
        report(j);
    if (!j->exists && legacy_find(j->beads_dir, &bd->arena, &old, NULL) == BD_OK)
        cmd_warn(
            bd,
            "%s is the SQLite database of an older bd; 'bd migrate --to-dolt' brings its issues in (do "
            "that before you make new ones)",
            old);
    return 0;
}

static int run(struct bd *bd, const struct cmd_call *call) {
    struct init_job j = {
        .bd = bd,
        .call = call,
        .quiet = cmd_bool(call, "quiet"),
        .interactive = is_interactive(call),
        .stealth = cmd_bool(call, "stealth"),
        .reinit = cmd_bool(call, "reinit-local") || cmd_bool(call, "force"),
        .cwd = workspace_real_path(".", &bd->arena),
        .lock_fd = -1,
        .message = "bd init",
    };
    if (cmd_bool(call, "force") && !cmd_bool(call, "reinit-local"))
        fprintf(bd->err,
                "%s --force is deprecated; use --reinit-local instead.\n"
                "  See 'bd help init-safety' for what it does.\n\n",
                ink(bd, INK_WARN, "DeprecationWarning:"));
    int status = run_job(&j);
    init_import_free(j.import);
    if (j.lock_fd >= 0)
        os_close(j.lock_fd);
    return status;
}

static const struct cmd_flag flags[] = {
    {.name = "prefix",
     .shorthand = 'p',
     .kind = FLAG_STRING,
     .help = "Prefix of issue ids (else the directory's name)"},
    {.name = "quiet", .shorthand = 'q', .kind = FLAG_BOOL, .help = "Print errors only"},
    {.name = "contributor",
     .kind = FLAG_BOOL,
     .help = "Ask what a contributor to someone else's project needs"},
    {.name = "team", .kind = FLAG_BOOL, .help = "Ask what a team needs"},
    {.name = "stealth", .kind = FLAG_BOOL, .help = "Keep everything out of git"},
    {.name = "setup-exclude",
     .kind = FLAG_BOOL,
     .help = "Name bd's files in .git/info/exclude (for forks)"},
    {.name = "skip-hooks", .kind = FLAG_BOOL, .help = "Install no git hooks"},
    {.name = "skip-agents",
     .kind = FLAG_BOOL,
     .help = "Write no AGENTS.md and no settings of coding agents"},
    {.name = "force", .kind = FLAG_BOOL, .help = "Old name of --reinit-local"},
    {.name = "reinit-local",
     .kind = FLAG_BOOL,
     .help = "Go on although there is a local database (see 'bd help init-safety')"},
    {.name = "discard-remote",
     .kind = FLAG_BOOL,
     .help = "The remote's database may be given up (see 'bd help init-safety')"},
    {.name = "destroy-token", .kind = FLAG_STRING, .help = "Confirmation where nobody can be asked"},
    {.name = "from-jsonl",
     .kind = FLAG_BOOL,
     .help = "Import the issues of the JSONL file (import.path)"},
    {.name = "agents-template", .kind = FLAG_STRING, .help = "Text to build AGENTS.md from"},
    {.name = "agents-profile", .kind = FLAG_STRING, .help = "minimal or full"},
    {.name = "agents-file", .kind = FLAG_STRING, .help = "Another name for AGENTS.md"},
    {.name = "remote",
     .kind = FLAG_STRING,
     .help = "Dolt remote to clone from, kept as sync.remote (\"\": none)"},
    {.name = "non-interactive", .kind = FLAG_BOOL, .help = "Ask nothing"},
    {.name = "role", .kind = FLAG_STRING, .help = "maintainer or contributor"},
    {.name = "backend", .kind = FLAG_STRING, .help = "dolt, the only one"},
    {.name = "server", .kind = FLAG_BOOL, .help = "Keep the database in a Dolt server"},
    {.name = "server-host", .kind = FLAG_STRING, .help = "Host of the server"},
    {.name = "server-port", .kind = FLAG_INT, .help = "Port of the server"},
    {.name = "server-socket", .kind = FLAG_STRING, .help = "Unix socket of the server"},
    {.name = "server-user", .kind = FLAG_STRING, .help = "User at the server"},
    {.name = "database", .kind = FLAG_STRING, .help = "Name of the database (else from the prefix)"},
    {.name = "shared-server", .kind = FLAG_BOOL, .help = "One server for all projects of this machine"},
    {.name = "external", .kind = FLAG_BOOL, .help = "Somebody else runs the server"},
    {.name = "debug", .kind = FLAG_BOOL, .help = "Run the managed server in debug mode"},
    {.name = "proxied-server", .kind = FLAG_BOOL, .hidden = true},
    {.name = "proxied-server-config-path", .kind = FLAG_STRING, .hidden = true},
    {.name = "proxied-server-log-path", .kind = FLAG_STRING, .hidden = true},
    {.name = "proxied-server-root-path", .kind = FLAG_STRING, .hidden = true},
    {.name = "proxied-server-external-host", .kind = FLAG_STRING, .hidden = true},
    {.name = "proxied-server-external-port", .kind = FLAG_INT, .hidden = true},
    {.name = "proxied-server-external-socket-path", .kind = FLAG_STRING, .hidden = true},
    {.name = "proxied-server-external-user", .kind = FLAG_STRING, .hidden = true},
    {.name = "proxied-server-external-tls", .kind = FLAG_BOOL, .hidden = true},
    {.name = "proxied-server-external-tls-cert-path", .kind = FLAG_STRING, .hidden = true},
    {.name = "proxied-server-external-tls-key-path", .kind = FLAG_STRING, .hidden = true},
    {.name = "proxied-server-external-keep-alive", .kind = FLAG_DURATION, .hidden = true},
    {0},
};

const struct cmd cmd_init = {
    .name = "init",
    .use = "init",
    .summary = "Make a workspace in the current directory",
    .group = "Setup & Configuration",
    .details =
        "Creates .beads/ with a new database, the settings file and what git needs to know, and "
        "commits these files.\n"
        "Outside a git repository it makes one first. A database that exists already is never "
        "replaced: see\n"
        "'bd help init-safety'.\n\n"
        "Without a terminal, with --non-interactive, BD_NON_INTERACTIVE=1 or CI=true nothing is asked.",
    .examples = "  bd init\n"
                "  bd init --prefix api --quiet\n"
                "  bd init --stealth\n",
    .args_max = -1,
    .flags = flags,
    .cls = CMD_NO_STORE | CMD_WRITES,
    .run = run,
};
