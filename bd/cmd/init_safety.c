/*
 * What bd init refuses. A workspace that holds issues, and a remote that holds a database, are never
 * replaced by accident: the messages say what is there and name the harmless ways on. How to insist is
 * explained by `bd help init-safety` alone.
 */
#include "bd/cmd/commands.h"
#include "bd/cmd/init.h"

#include "base/os.h"
#include "bd/ui/ink.h"
#include "bd/workspace/git.h"
#include "bd/workspace/process.h"
#include "bd/workspace/setup.h"
#include "store/remote/interrupted.h"
#include "store/remote/remote.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#define LS_REMOTE_MS 10000

static const char *ink(struct bd *bd, enum ink i, const char *text) {
    return ink_text(&bd->arena, bd->color, i, text);
}

/* ---- flags ---- */

static const char *environment(const char *name) {
    const char *v = getenv(name);
    return v && *v ? v : NULL;
}

static bool is_on(const char *name) {
    const char *v = environment(name);
    return v && (strcmp(v, "1") == 0 || strcasecmp(v, "true") == 0);
}

static int not_built(struct bd *bd, const char *what) {
    return cmd_fail(bd, "%s is not built into this bd yet", what);
}

static int check_backend(struct init_job *j) {
    const char *backend = cmd_str(j->call, "backend");
    if (strcmp(backend, "sqlite") == 0) {
        fprintf(j->bd->err,
                "%s The SQLite backend has been removed.\n\n"
                "bd keeps issues in a versioned Dolt database; 'bd init' creates one. Issues of a "
                "JSONL export come in with\n"
                "'bd init --from-jsonl' or 'bd import'.\n",
                ink(j->bd, INK_WARN, "⚠ DEPRECATED:"));
        return 1;
    }
    if (*backend && strcmp(backend, "dolt") != 0)
        return cmd_fail(j->bd, "unknown backend %s: only \"dolt\" is supported",
                        cmd_quote(&j->bd->arena, backend));
    return 0;
}

static bool valid_database_name(const char *name) {
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '_' && *p != '-')
            return false;
    return strlen(name) <= 64;
}

static int check_database_name(struct init_job *j) {
    const char *name = cmd_str(j->call, "database");
    struct arena *a = &j->bd->arena;
    if (!cmd_given(j->call, "database") || !*name)
        return 0;
    if (!valid_database_name(name))
        return cmd_fail(
            j->bd,
            "invalid database name %s: it must start with a letter or underscore and have letters, "
            "digits and underscores, at most 64",
            cmd_quote(a, name));
    if (strchr(name, '-')) {
        char *better = arena_strdup(a, name);
        for (char *p = better; *p; p++)
            *p = *p == '-' ? '_' : *p;
        return cmd_fail(
            j->bd,
            "database name %s contains hyphens which are invalid in embedded mode; use underscores "
            "instead (e.g. %s)",
            cmd_quote(a, name), cmd_quote(a, better));
    }
    return 0;
}

/* A database server elsewhere is configured, but an embedded database would be made. */
static int check_host(struct init_job *j) {
    struct bd *bd = j->bd;
    const char *env = environment("BEADS_DOLT_SERVER_HOST"),
               *host = env ? env : config_get(&bd->config, "dolt.host");
    const char *port = config_get(&bd->config, "dolt.port");
    if (!host || !*host || strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 ||
        strcmp(host, "::1") == 0)
        return 0;
    bool with_port = (port && *port) || environment("BEADS_DOLT_SERVER_PORT");
    return cmd_fail(bd,
                    "dolt.host (%s) %s set via %s but server mode is not enabled.\n"
                    "  An embedded database has no host; these settings are for server mode.\n"
                    "  Set dolt.mode: server in ~/.config/bd/config.yaml, or remove them.",
                    host, with_port ? "and dolt.port are" : "is", env ? "environment" : "config.yaml");
}

int init_check_flags(struct init_job *j) {
    static const char *const proxied[] = {
        "proxied-server",
        "proxied-server-config-path",
        "proxied-server-log-path",
        "proxied-server-root-path",
        "proxied-server-external-host",
        "proxied-server-external-port",
        "proxied-server-external-socket-path",
        "proxied-server-external-user",
        "proxied-server-external-tls",
        "proxied-server-external-tls-cert-path",
        "proxied-server-external-tls-key-path",
        "proxied-server-external-keep-alive",
    };
    const struct cmd_call *c = j->call;
    struct bd *bd = j->bd;
    const char *role = cmd_str(c, "role"), *mode = config_get(&bd->config, "dolt.mode");
    for (size_t i = 0; i < sizeof proxied / sizeof *proxied; i++)
        if (cmd_given(c, proxied[i]) || (i == 0 && is_on("BEADS_DOLT_PROXIED_SERVER")))
            return cmd_fail(bd, "--proxied-server is not yet implemented");
    int status = check_backend(j);
    if (status)
        return status;
    if (*role && strcmp(role, "maintainer") != 0 && strcmp(role, "contributor") != 0)
        return cmd_fail(bd, "invalid --role %s: must be \"maintainer\" or \"contributor\"",
                        cmd_quote(&bd->arena, role));
    if (cmd_bool(c, "contributor") && !j->interactive)
        return cmd_fail(
            bd, "--contributor requires interactive prompts and cannot be used with --non-interactive");
    if (cmd_bool(c, "team") && !j->interactive)
        return cmd_fail(
            bd, "--team requires interactive prompts and cannot be used with --non-interactive");
    if (cmd_bool(c, "contributor") && cmd_bool(c, "team"))
        return cmd_fail(bd, "--contributor and --team exclude each other");
    if (cmd_bool(c, "server") || cmd_bool(c, "shared-server") || cmd_bool(c, "external") ||
        is_on("BEADS_DOLT_SERVER_MODE") || is_on("BEADS_DOLT_SHARED_SERVER") ||
        (mode && strcasecmp(mode, "server") == 0))
        return not_built(bd, "connecting to a Dolt server");
    if ((status = check_database_name(j)))
        return status;
    return check_host(j);
}

/* ---- prompts ---- */

static volatile sig_atomic_t interrupted;
static void on_signal(int signal_number) {
    (void)signal_number;
    interrupted = 1;
}

/* The signals are held back from before the question is seen until we wait: none comes unnoticed. */
bool init_ask(struct init_job *j, const char *question, char *answer, size_t size) {
    struct sigaction stop = {.sa_handler = on_signal}, old_int, old_term;
    sigset_t held, before;
    size_t n = 0;
    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigprocmask(SIG_BLOCK, &held, &before);
    interrupted = 0;
    sigaction(SIGINT, &stop, &old_int);
    sigaction(SIGTERM, &stop, &old_term);
    fputs(question, j->bd->out);
    fflush(j->bd->out);
    while (!interrupted) {
        char c;
        fd_set in;
        FD_ZERO(&in);
        FD_SET(STDIN_FILENO, &in);
        int ready = pselect(STDIN_FILENO + 1, &in, NULL, NULL, NULL, &before);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready < 0 || read(STDIN_FILENO, &c, 1) <= 0 || c == '\n')
            break;
        if (n + 1 < size && c != '\r')
            answer[n++] = c;
    }
    answer[n] = 0;
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return !interrupted;
}

/* ---- what is there ---- */

/* Some database below embeddeddolt/ (or one an older release left as a SQLite file). */
static const char *existing_data(struct init_job *j) {
    struct arena *a = &j->bd->arena;
    const char *root = arena_printf(a, "%s/embeddeddolt", j->beads_dir), *found = NULL;
    DIR *d = opendir(root);
    for (struct dirent *e; d && !found && (e = readdir(d));) {
        const char *dir = arena_printf(a, "%s/%s", root, e->d_name);
        if (e->d_name[0] != '.' && os_is_dir(arena_printf(a, "%s/.dolt", dir)))
            found = dir;
    }
    if (d)
        closedir(d);
    struct metadata m;
    const char *sqlite = arena_printf(a, "%s/beads.db", j->beads_dir);
    if (!found && metadata_load(j->beads_dir, a, &m, NULL) && os_exists(sqlite))
        found = sqlite;
    return found;
}

static int count_issues(struct init_job *j, uint64_t *count) {
    struct tables_open open = {.dir = j->database_dir, .flags = TABLES_READ_ONLY};
    struct tables *t;
    struct tables_txn *x;
    *count = 0;
    if (!os_is_dir(arena_printf(&j->bd->arena, "%s/.dolt", j->database_dir)))
        return BD_OK;
    int rc = tables_open_embedded(&t, &open, NULL);
    if (rc)
        return rc;
    rc = tables_read_begin(t, &x, NULL);
    if (rc == BD_OK) {
        if (tables_has_table(x, "issues"))
            rc = tables_count_all(x, "issues", NULL, count, NULL);
        tables_read_end(x);
    }
    tables_close(t);
    return rc;
}

static const char *destroy_token(struct init_job *j) {
    return arena_printf(&j->bd->arena, "DESTROY-%s", j->prefix);
}

static int confirm_reinit(struct init_job *j, uint64_t count) {
    struct bd *bd = j->bd;
    char answer[128], expected[64];
    fprintf(bd->err,
            "\n%s This workspace already holds a database.\n\n"
            "  Existing issues: %" PRIu64 "\n\n"
            "  Re-initializing keeps the database and writes the settings of the workspace anew.\n"
            "  Before you go on, consider:\n"
            "    bd export > issue-export.jsonl    # a copy of the issues\n"
            "    bd where                          # is this the workspace you mean?\n\n",
            ink(bd, INK_WARN, "WARNING:"), count);
    if (isatty(STDIN_FILENO)) {
        snprintf(expected, sizeof expected, "destroy %" PRIu64 " issues", count);
        bool answered = init_ask(j, arena_printf(&bd->arena, "Type '%s' to confirm: ", expected),
                                 answer, sizeof answer);
        if (answered && strcmp(answer, expected) == 0)
            return 0;
        fprintf(bd->err, "\nAborted. Nothing was changed.\n");
        return INIT_DECLINED;
    }
    if (strcmp(cmd_str(j->call, "destroy-token"), destroy_token(j)) == 0) {
        fprintf(bd->err, "Destroy token accepted. Proceeding with re-initialization.\n");
        return 0;
    }
    fprintf(bd->err,
            "Refusing to re-initialize over %" PRIu64 " issues in non-interactive mode.\n"
            "  See 'bd help init-safety' for the required --destroy-token format.\n"
            "  Or export the issues first: bd export > issue-export.jsonl\n",
            count);
    return INIT_TOKEN_MISSING;
}

int init_check_existing(struct init_job *j) {
    struct bd *bd = j->bd;
    const char *found = existing_data(j);
    uint64_t count;
    if (!j->reinit && found)
        return cmd_fail(
            bd,
            "\n%s Found existing %s: %s\n\n"
            "This workspace is already initialized.\n\n"
            "To use it, just run bd commands (e.g., %s). 'bd where' shows which workspace is in use.\n"
            "If the database is damaged: 'bd doctor' examines it, and 'bd help init-safety' explains "
            "how to start\n"
            "over.\n\n"
            "Aborting.",
            ink(bd, INK_WARN, "⚠"), strstr(found, "/embeddeddolt/") ? "Dolt database" : "database",
            found, ink(bd, INK_ACCENT, "bd list"));
    struct interrupted half;
    if (interrupted_find_in(arena_printf(&bd->arena, "%s/embeddeddolt", j->beads_dir), &bd->arena,
                            &half))
        return cmd_fail_hint(bd, "'bd doctor --fix' puts it in its place; nothing is removed by that",
                             "this workspace has a database: it was being replaced when that was "
                             "interrupted, and lies, complete, in %s",
                             half.ready);
    if (j->reinit && count_issues(j, &count) == BD_OK && count > 0)
        return confirm_reinit(j, count);
    return 0;
}

/* ---- remotes ---- */

static bool origin_has_database(struct init_job *j) {
    static const char *const argv[] = {"git", "ls-remote", "origin", "refs/dolt/data", NULL};
    struct buf out = BUF_INIT;
    struct process p = {.argv = argv, .directory = j->cwd, .output = &out, .timeout_ms = LS_REMOTE_MS};
    setenv("GIT_TERMINAL_PROMPT", "0", 1);
    bool any = process_run(&p) == 0 && out.size > 0;
    buf_release(&out);
    return any;
}

static int refuse_divergence(struct init_job *j) {
    fprintf(j->bd->err,
            "\nbd init refuses: remote 'origin' already holds a database of this project "
            "(refs/dolt/data).\n\n"
            "  Why: a new database here would have another identity, and the first push would collide "
            "with what the\n"
            "       team has. --reinit-local speaks of the local database only.\n\n"
            "  Next:\n"
            "    Take over the remote's database (what you want in nearly every case):\n"
            "      bd bootstrap\n"
            "    Look first:\n"
            "      bd doctor\n"
            "    If the remote's database really is to be given up: bd help init-safety\n\n");
    return INIT_REMOTE_REFUSED;
}

static int refuse_token(struct init_job *j) {
    fprintf(j->bd->err, "\nbd init refuses: --discard-remote needs an explicit destroy token in "
                        "non-interactive mode.\n\n"
                        "  Why: remote 'origin' holds a database; giving it up must be a deliberate "
                        "choice for this project.\n\n"
                        "  Next: 'bd bootstrap' takes the remote's database over; 'bd help "
                        "init-safety' explains the token.\n\n");
    return INIT_TOKEN_MISSING;
}

static int confirm_discard(struct init_job *j) {
    struct bd *bd = j->bd;
    char answer[128];
    if (!isatty(STDIN_FILENO))
        return strcmp(cmd_str(j->call, "destroy-token"), destroy_token(j)) == 0 ? 0 : refuse_token(j);
    fprintf(bd->err,
            "\n%s The history of the remote's database is about to be given up.\n\n  Remote: %s\n",
            ink(bd, INK_WARN, "WARNING:"), remote_shown_url(j->sync_url, &bd->arena));
    bool answered =
        init_ask(j, arena_printf(&bd->arena, "  Type \"%s\" to confirm: ", destroy_token(j)), answer,
                 sizeof answer);
    if (!answered || strcmp(answer, destroy_token(j)) != 0) {
        fprintf(bd->err, "\nAborted. See 'bd help init-safety' for details.\n");
        return INIT_TOKEN_MISSING;
    }
    if (!origin_has_database(j)) {
        fprintf(bd->err,
                "\nAborted: the remote changed in the meantime. Run the command again to look anew.\n");
        return INIT_REMOTE_REFUSED;
    }
    return 0;
}

int init_check_remote(struct init_job *j) {
    struct bd *bd = j->bd;
    const char *configured = config_get(&bd->config, "sync.remote");
    if (!configured || !*configured)
        configured = config_get(&bd->config, "sync.git-remote");
    if (cmd_given(j->call, "remote"))
        return *cmd_str(j->call, "remote") ? init_remote_look(j, cmd_str(j->call, "remote")) : 0;
    if (configured && *configured) {
        if ((j->reinit || cmd_bool(j->call, "discard-remote")) && !cmd_bool(j->call, "discard-remote"))
            return refuse_divergence(j);
        j->sync_url = configured;
        if (cmd_bool(j->call, "discard-remote"))
            return confirm_discard(j);
        return init_remote_look(j, configured);
    }
    struct git_repo repo;
    if (j->stealth || !git_find(j->cwd, &bd->arena, &repo))
        return 0;
    const char *url = git_setting(j->cwd, "remote.origin.url", &bd->arena);
    if (!url || !*url)
        return 0;
    j->sync_url = setup_dolt_url(url, &bd->arena);
    if (!origin_has_database(j))
        return 0;
    if (cmd_bool(j->call, "discard-remote"))
        return confirm_discard(j);
    if (j->reinit)
        return refuse_divergence(j);
    return init_remote_look(j, j->sync_url);
}

/* ---- bd init-safety ---- */

static const char safety_text[] =
    "A workspace gets its identity from exactly one source: a new one (bd init), a remote (bd "
    "bootstrap), or the\n"
    "database that is already here. Where more than one is possible, bd init refuses and says so.\n"
    "\n"
    "  bd init                    a new database; refuses where one exists\n"
    "  bd init --reinit-local     over an existing local database: it is kept, the settings are "
    "written anew. It does\n"
    "                             not speak of remotes: if 'origin' holds a database, bd init still "
    "refuses\n"
    "  --discard-remote           the remote's database may be given up; the next push will replace "
    "its history\n"
    "  --force                    old name of --reinit-local\n"
    "\n"
    "On a terminal you confirm by typing. Without one, a workspace that holds issues, and "
    "--discard-remote, need\n"
    "--destroy-token with the value\n"
    "\n"
    "  DESTROY-<issue prefix>\n"
    "\n"
    "Exit statuses: 10 a remote holds a database and nothing was said about it; 11 the confirmation "
    "was declined;\n"
    "12 the token is missing or wrong.\n"
    "\n"
    "To take over what a remote has: bd bootstrap. To keep a copy first: bd export > issues.jsonl, bd "
    "backup sync.\n";

static int run_safety(struct bd *bd, const struct cmd_call *call) {
    (void)call;
    fputs(safety_text, bd->out);
    return 0;
}

const struct cmd cmd_init_safety = {
    .name = "init-safety",
    .use = "init-safety",
    .summary = "Explain what bd init refuses, and how to insist",
    .details = safety_text,
    .args_max = -1,
    .cls = CMD_NO_STORE,
    .run = run_safety,
};
