/*
 * bd config: settings, each where it belongs: config.yaml, git (beads.role), or the database.
 */
#include "bd/cmd/config.h"

#include "bd/cmd/commands.h"
#include "bd/cmd/retention.h"
#include "bd/ops/db_config.h"
#include "bd/workspace/git.h"
#include "bd/workspace/process.h"

#include <stdlib.h>
#include <string.h>

enum place { IN_DATABASE, IN_YAML, IN_GIT };

static const char *const place_names[] = {"database", "config.yaml", "git config"};

struct setting {
    const char *key, *value;
    enum place place;
};

static enum place place_of(const char *key) {
    return strcmp(key, "beads.role") == 0 ? IN_GIT : config_key_is_yaml(key) ? IN_YAML : IN_DATABASE;
}

/* ---- keys ---- */

static const char *const known_prefixes[] = {
    "export.",     "import.",    "dolt.",      "jira.",   "linear.",
    "github.",     "custom.",    "status.",    "doctor.", "routing.",
    "sync.",       "git.",       "directory.", "repos.",  "external_projects.",
    "validation.", "hierarchy.", "ai.",        "backup.", "federation.",
    "types.",      "output.",    "history.",   "gc.",     NULL,
};
static const char *const known_keys[] = {
    "no-db",
    "json",
    "db",
    "actor",
    "identity",
    "no-push",
    "no-git-ops",
    "no-hooks",
    "create.require-description",
    "beads.role",
    "auto_compact_enabled",
    "schema_version",
    "allowed_prefixes",
    "issue_id_mode",
    "max_collision_prob",
    "min_hash_length",
    "max_hash_length",
    "mail.delegate",
    "agents.file",
    NULL,
};

static bool is_known(const char *key) {
    for (size_t i = 0; known_keys[i]; i++)
        if (strcmp(key, known_keys[i]) == 0)
            return true;
    for (size_t i = 0; known_prefixes[i]; i++)
        if (strncmp(key, known_prefixes[i], strlen(known_prefixes[i])) == 0)
            return true;
    return false;
}

static size_t distance(const char *x, size_t n, const char *y, size_t m) {
    size_t row[65];
    if (m > 64)
        return m;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t above = row[j], best = diagonal + (x[i - 1] != y[j - 1]);
            best = above + 1 < best ? above + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = above;
            row[j] = best;
        }
    }
    return row[m];
}

static void warn_unknown(struct bd *bd, const char *key) {
    const char *dot = strchr(key, '.'), *best = NULL;
    size_t nearest = 3;
    if (is_known(key))
        return;
    for (size_t i = 0; dot && known_prefixes[i]; i++) {
        size_t d = distance(key, (size_t)(dot - key), known_prefixes[i], strlen(known_prefixes[i]) - 1);
        if (d && d < nearest) {
            nearest = d;
            best = known_prefixes[i];
        }
    }
    if (best)
        cmd_warn(bd, "%s is not a recognized config key. Did you mean \"%s%s\"?",
                 cmd_quote(&bd->arena, key), best, dot + 1);
    else
        cmd_warn(bd, "%s is not a recognized config key. Use 'custom.*' for user-defined keys.",
                 cmd_quote(&bd->arena, key));
    fprintf(bd->err, "Run 'bd config --help' for valid namespaces.\n");
}

/* Plain text on standard error also with --json, as scripts around upstream expect of this command. */
static int refuse(struct bd *bd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int refuse(struct bd *bd, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    vfprintf(bd->err, fmt, ap);
    va_end(ap);
    fputc('\n', bd->err);
    return 1;
}

/* ---- checks before anything is written ---- */

static bool is_secret(const char *key) {
    static const char *const parts[] = {"api_key", "api-key", "secret", "token", "password"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcasestr(key, parts[i]))
            return true;
    return false;
}

static int check_secret(struct bd *bd, const char *key) {
    if (!is_secret(key) || !bd->ws.beads_dir)
        return 0;
    char *tracked = process_git(
        bd->ws.beads_dir, (const char *const[]){"ls-files", "--error-unmatch", "config.yaml", NULL});
    if (!tracked)
        return 0;
    free(tracked);
    return refuse(
        bd,
        "Error: refusing to write secret key \"%s\" to git-tracked config file %s/config.yaml\n\n"
        "It would become part of the git history. Put it into the environment instead:\n"
        "  export %s=…\n"
        "or take the file out of git (git rm --cached %s/config.yaml, and a line in .gitignore).\n"
        "--force-git-tracked writes it nevertheless.",
        key, bd->ws.beads_dir, config_variable(&bd->config, key), bd->ws.beads_dir);
}

static int check(struct bd *bd, const struct cmd_call *call, const struct setting *s) {
    struct err err = ERR_INIT;
    struct custom_statuses parsed;
    if (s->place == IN_GIT && strcmp(s->value, "maintainer") != 0 &&
        strcmp(s->value, "contributor") != 0)
        return refuse(bd, "Error: invalid role %s (valid values: maintainer, contributor)",
                      cmd_quote(&bd->arena, s->value));
    if (strcmp(s->key, "status.custom") == 0 && *s->value &&
        custom_statuses_parse(s->value, &bd->arena, &parsed, &err))
        return refuse(bd, "Error: invalid status.custom value: %s", err.msg);
    struct retention keep;
    if (strcmp(s->key, "history.keep") == 0 && retention_parse(s->value, &keep, &err))
        return refuse(bd, "Error: %s", err.msg);
    return s->place == IN_YAML && !cmd_bool(call, "force-git-tracked") ? check_secret(bd, s->key) : 0;
}

static int reject_protected(struct bd *bd, const char *key) {
    if (strcmp(key, "issue_prefix") == 0 || strcmp(key, "issue-prefix") == 0)
        return refuse(bd, "Error: issue_prefix cannot be set via 'bd config set'.\n"
                          "  - New project:       bd init --prefix <prefix>\n"
                          "  - Fresh clone:       bd bootstrap\n"
                          "  - Rename existing:   bd rename-prefix <new-prefix>");
    if (strcmp(key, "dolt.debug") == 0 && strcmp(bd->ws.mode, "server") != 0)
        return refuse(bd,
                      "Error: dolt.debug requires a sql-server-backed project (embedded mode has no "
                      "managed server).\n"
                      "  To migrate: re-init with 'bd init --server' or 'bd init --shared-server'.");
    return 0;
}

/* ---- writing ---- */

struct rows_change {
    const struct setting *items;
    size_t count;
    bool unset;
};

static int change_rows(struct tables_txn *x, void *ctx, struct err *err) {
    const struct rows_change *c = ctx;
    for (size_t i = 0; i < c->count; i++) {
        bool existed;
        if (c->items[i].place != IN_DATABASE)
            continue;
        int rc = c->unset ? db_config_unset(x, c->items[i].key, &existed, err)
                          : db_config_set(x, c->items[i].key, c->items[i].value, err);
        if (rc)
            return rc;
    }
    return BD_OK;
}

static int write_rows(struct bd *bd, const struct cmd_call *call, struct rows_change *c) {
    struct err err = ERR_INIT;
    bool any = false;
    for (size_t i = 0; i < c->count; i++)
        any = any || c->items[i].place == IN_DATABASE;
    if (!any)
        return 0;
    int status = bd_open_store(bd);
    if (status)
        return status;
    struct tables_write w = {.mode = bd->ops.commit_mode,
                             .message = bd_auto_commit_message(bd, cmd_of(call)->name, NULL, 0)};
    if (tables_write(bd->ops.tables, &w, change_rows, c, NULL, &err))
        return refuse(bd, "Error %s config: %s", c->unset ? "deleting" : "setting", err.msg);
    return 0;
}

static int set_git(struct bd *bd, const char *key, const char *value) {
    char *out = process_git(NULL, value ? (const char *const[]){"config", key, value, NULL}
                                        : (const char *const[]){"config", "--unset", key, NULL});
    if (!out)
        return refuse(bd, "Error %s %s in git config: git failed (is this a git repository?)",
                      value ? "setting" : "unsetting", key);
    free(out);
    return 0;
}

/* What a person should know or do after a change. */
static void hint(struct bd *bd, const char *key, const char *value) {
    bool on = value && strcasecmp(value, "true") == 0;
    const char *text = NULL, *command = NULL;
    if (strcmp(key, "federation.remote") == 0) {
        text =
            value ? arena_printf(&bd->arena, "To activate, ensure a Dolt remote matches this URL: %s",
                                 value)
                  : "The Dolt remote of that name still exists; remove it by hand if it is not needed.";
        command = value ? arena_printf(&bd->arena, "bd dolt remote add origin %s", value)
                        : "bd dolt remote remove origin";
    } else if (strcmp(key, "dolt.shared-server") == 0) {
        text = on ? "Shared server mode enabled. Start the server to activate."
                  : "Shared server mode is off. Stop a running server if nobody needs it.";
        command = on ? "bd dolt start" : "bd dolt stop";
    } else if (strcmp(key, "dolt.debug") == 0) {
        text = "It applies from the next start of the server on.";
        command = "bd dolt stop && bd dolt start";
    } else if (strcmp(key, "history.keep") == 0 && value && strcmp(value, "all") != 0) {
        text = "Commands that write let go of older history from now on. To keep a copy of it first: "
               "bd backup";
        command = "bd compact --dry-run";
    } else if (strcmp(key, "routing.mode") == 0 && value && strcmp(value, "auto") != 0 &&
               strcmp(value, "maintainer") != 0 && strcmp(value, "contributor") != 0 &&
               strcmp(value, "explicit") != 0) {
        text = arena_printf(
            &bd->arena,
            "Unknown routing mode %s. Valid values: auto, maintainer, contributor, explicit",
            cmd_quote(&bd->arena, value));
    } else if (strcmp(key, "backup.enabled") == 0 && (on || !value)) {
        text = on ? "Backups enabled. They run after commands that change issues."
                  : "No more backups are made by themselves.";
    } else if (strcmp(key, "sync.git-remote") == 0 && value) {
        text = arena_printf(&bd->arena, "Git sync remote set to %s. Ensure this git remote exists.",
                            cmd_quote(&bd->arena, value));
        command = "git remote -v";
    }
    if (text)
        fprintf(bd->err, "\nHint: %s\n", text);
    if (text && command)
        fprintf(bd->err, "  → %s\n", command);
}

static void print_change(struct bd *bd, const char *verb, const struct setting *s) {
    if (bd->json) {
        struct buf out = BUF_INIT;
        struct json_writer w;
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_str(&w, "key", s->key);
        if (s->value)
            json_member_str(&w, "value", s->value);
        if (s->place != IN_DATABASE)
            json_member_str(&w, "location", place_names[s->place]);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
        return;
    }
    fprintf(bd->out, "%s %s", verb, s->key);
    if (s->value)
        fprintf(bd->out, " = %s", s->value);
    if (s->place != IN_DATABASE)
        fprintf(bd->out, " (in %s)", place_names[s->place]);
    fputc('\n', bd->out);
}

static int write_settings(struct bd *bd, const struct cmd_call *call, const struct setting *items,
                          size_t count) {
    struct err err = ERR_INIT;
    for (size_t i = 0; i < count; i++) {
        const struct setting *s = &items[i];
        if (s->place == IN_YAML && config_file_set(bd->ws.beads_dir, s->key, s->value, &err))
            return refuse(bd, "Error setting config%s%s: %s", count > 1 ? " " : "",
                          count > 1 ? s->key : "", err.msg);
        int status = s->place == IN_GIT ? set_git(bd, s->key, s->value) : 0;
        if (status)
            return status;
    }
    return write_rows(bd, call, &(struct rows_change){items, count, false});
}

static int run_set(struct bd *bd, const struct cmd_call *call) {
    struct setting s = {cmd_arg(call, 0), cmd_arg(call, 1), place_of(cmd_arg(call, 0))};
    int status = reject_protected(bd, s.key);
    if (status)
        return status;
    warn_unknown(bd, s.key);
    if ((status = check(bd, call, &s)) || (status = write_settings(bd, call, &s, 1)))
        return status;
    print_change(bd, "Set", &s);
    hint(bd, s.key, s.value);
    struct err none = ERR_INIT;
    if (strncmp(s.key, "export.", 7) == 0)
        bd_try_open_store(bd, &none); /* so that an automatic export that is due is made */
    return 0;
}

static int run_set_many(struct bd *bd, const struct cmd_call *call) {
    size_t n = cmd_arg_count(call);
    struct setting *items = arena_zalloc(&bd->arena, n * sizeof *items);
    int status;
    for (size_t i = 0; i < n; i++) {
        const char *arg = cmd_arg(call, i), *equals = strchr(arg, '=');
        if (!equals || equals == arg)
            return refuse(bd, "Error: invalid argument %s (expected key=value format)",
                          cmd_quote(&bd->arena, arg));
        items[i].key = arena_strndup(&bd->arena, arg, (size_t)(equals - arg));
        items[i].value = equals + 1;
        items[i].place = place_of(items[i].key);
    }
    for (size_t i = 0; i < n; i++)
        if ((status = reject_protected(bd, items[i].key)) || (status = check(bd, call, &items[i])))
            return status;
    if ((status = write_settings(bd, call, items, n)))
        return status;
    if (!bd->json) {
        for (size_t i = 0; i < n; i++)
            print_change(bd, "Set", &items[i]);
        return 0;
    }
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, false);
    json_array(&w);
    for (size_t i = 0; i < n; i++) {
        json_object(&w);
        json_member_str(&w, "key", items[i].key);
        json_member_str(&w, "location", place_names[items[i].place]);
        json_member_str(&w, "value", items[i].value);
        json_object_end(&w);
    }
    json_array_end(&w);
    bd_json_end(bd, &w, &out);
    return 0;
}

static int run_unset(struct bd *bd, const struct cmd_call *call) {
    struct err err = ERR_INIT;
    struct setting s = {cmd_arg(call, 0), NULL, place_of(cmd_arg(call, 0))};
    int status = 0;
    if (s.place == IN_YAML && config_file_unset(bd->ws.beads_dir, s.key, &err))
        return refuse(bd, "Error unsetting config: %s", err.msg);
    if (s.place == IN_GIT)
        status = set_git(bd, s.key, NULL);
    else if (s.place == IN_DATABASE)
        status = write_rows(bd, call, &(struct rows_change){&s, 1, true});
    if (status)
        return status;
    print_change(bd, "Unset", &s);
    hint(bd, s.key, NULL);
    return 0;
}

/* ---- reading ---- */

const char *config_git(struct bd *bd, const char *key) {
    return git_setting(workspace_real_path(".", &bd->arena), key, &bd->arena);
}

static int row_value(struct bd *bd, const char *key, const char **value) {
    struct err err = ERR_INIT;
    struct tables_txn *x;
    bd->store_read_only = true;
    int status = bd_open_store(bd);
    if (status)
        return status;
    int rc = tables_read_begin(bd->ops.tables, &x, &err);
    if (rc == BD_OK) {
        rc = db_config_get(x, key, &bd->arena, value, &err);
        tables_read_end(x);
    }
    return rc ? refuse(bd, "Error getting config: %s", err.msg) : 0;
}

static int run_get(struct bd *bd, const struct cmd_call *call) {
    struct setting s = {cmd_arg(call, 0), NULL, place_of(cmd_arg(call, 0))};
    if (s.place == IN_YAML)
        s.value = config_get(&bd->config, s.key);
    else if (s.place == IN_GIT)
        s.value = config_git(bd, s.key);
    else if (row_value(bd, s.key, &s.value))
        return 1;
    if (!s.value)
        s.value = "";
    if (bd->json)
        print_change(bd, "", &s);
    else if (*s.value)
        fprintf(bd->out, "%s\n", s.value);
    else if (s.place == IN_DATABASE)
        fprintf(bd->out, "%s (not set)\n", s.key);
    else
        fprintf(bd->out, "%s (not set in %s)\n", s.key, place_names[s.place]);
    return 0;
}

struct row_list {
    struct arena *arena;
    struct config_row *rows;
    size_t count, capacity;
};

static int add_row(void *ctx, const struct cell *row) {
    struct row_list *l = ctx;
    MEM_GROW(l->rows, l->capacity, l->count + 1);
    l->rows[l->count].key = cell_format(&row[0], l->arena);
    l->rows[l->count].value = cell_is_null(&row[1]) ? "" : cell_format(&row[1], l->arena);
    l->count++;
    return BD_OK;
}

int config_rows(struct bd *bd, struct config_row **rows, size_t *count, struct err *err) {
    static const char *const columns[] = {"key", "value"};
    struct tables_query q = {.table = "config", .columns = columns, .column_count = 2};
    struct row_list l = {.arena = &bd->arena};
    struct tables_txn *x;
    int rc = tables_read_begin(bd->ops.tables, &x, err);
    if (rc)
        return rc;
    rc = tables_scan(x, &q, &bd->arena, add_row, &l, err);
    tables_read_end(x);
    if (rc == BD_OK && l.count)
        *rows = arena_dup(&bd->arena, l.rows, l.count * sizeof *l.rows);
    *count = l.count;
    free(l.rows);
    return rc;
}

static bool in_rows(const struct config_row *rows, size_t count, const char *key) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].key, key) == 0)
            return true;
    return false;
}

static void print_overrides(struct bd *bd, const struct config_row *rows, size_t count) {
    const char *const *keys = config_keys(&bd->config);
    bool any = false;
    for (size_t i = 0; keys[i]; i++) {
        if (in_rows(rows, count, keys[i]) || !config_key_is_yaml(keys[i]) ||
            config_source_of(&bd->config, keys[i]) != CONFIG_FILE || !*config_get(&bd->config, keys[i]))
            continue;
        if (!any)
            fprintf(bd->out, "\nAlso set in config.yaml (not shown above):\n");
        any = true;
        fprintf(bd->out, "  %s = %s\n", keys[i], config_get(&bd->config, keys[i]));
    }
    any = false;
    for (size_t pass = 0; pass < 2; pass++)
        for (size_t i = 0; pass ? keys[i] != NULL : i < count; i++) {
            const char *key = pass ? keys[i] : rows[i].key;
            if ((pass && in_rows(rows, count, key)) ||
                config_source_of(&bd->config, key) != CONFIG_ENVIRONMENT)
                continue;
            const char *value = config_get(&bd->config, key);
            if (!pass && strcmp(value, rows[i].value) == 0)
                continue;
            if (!any)
                fprintf(bd->out, "\n⚠ Environment variable overrides detected:\n");
            any = true;
            if (pass)
                fprintf(bd->out, "  %s: env %s=\"%s\" overrides config\n", key,
                        config_variable(&bd->config, key), value);
            else
                fprintf(bd->out, "  %s: DB has \"%s\", but env %s=\"%s\" takes precedence\n", key,
                        rows[i].value, config_variable(&bd->config, key), value);
        }
    fprintf(bd->out, "\nTip: Run 'bd config show' for all effective config with provenance.\n");
}

static int run_list(struct bd *bd, const struct cmd_call *call) {
    struct err err = ERR_INIT;
    struct config_row *rows = NULL;
    size_t count = 0;
    (void)call;
    if (config_rows(bd, &rows, &count, &err))
        return refuse(bd, "Error listing config: %s", err.msg);
    if (bd->json) {
        struct buf out = BUF_INIT;
        struct json_writer w;
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        for (size_t i = 0; i < count; i++)
            json_member_str(&w, rows[i].key, rows[i].value);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
        return 0;
    }
    if (!count) {
        fprintf(bd->out, "No configuration set\n");
        return 0;
    }
    fprintf(bd->out, "\nConfiguration:\n");
    for (size_t i = 0; i < count; i++)
        fprintf(bd->out, "  %s = %s\n", rows[i].key, rows[i].value);
    print_overrides(bd, rows, count);
    return 0;
}

static const struct cmd_flag write_flags[] = {
    {.name = "force-git-tracked",
     .kind = FLAG_BOOL,
     .help = "Write secrets even to a config.yaml that git tracks"},
    {0},
};
static const struct cmd set_command = {
    .name = "set",
    .use = "set <key> <value>",
    .summary = "Set a value",
    .args_min = 2,
    .args_max = 2,
    .flags = write_flags,
    .cls = CMD_NO_STORE | CMD_WRITES,
    .readonly_label = "config set",
    .run = run_set,
};
static const struct cmd set_many_command = {
    .name = "set-many",
    .use = "set-many <key=value>...",
    .summary = "Set several values at once",
    .details = "Checks all values, then writes them; those of the database become one commit.",
    .args_min = 1,
    .args_max = -1,
    .flags = write_flags,
    .cls = CMD_NO_STORE | CMD_WRITES,
    .readonly_label = "config set-many",
    .run = run_set_many,
};
static const struct cmd get_command = {
    .name = "get",
    .use = "get <key>",
    .summary = "Print a value",
    .args_min = 1,
    .args_max = 1,
    .cls = CMD_NO_STORE,
    .run = run_get,
};
static const struct cmd list_command = {
    .name = "list",
    .use = "list",
    .summary = "Print all values of the database",
    .args_max = -1,
    .cls = CMD_READ_ONLY,
    .run = run_list,
};
static const struct cmd unset_command = {
    .name = "unset",
    .use = "unset <key>",
    .summary = "Remove a value",
    .args_min = 1,
    .args_max = 1,
    .cls = CMD_NO_STORE | CMD_WRITES,
    .readonly_label = "config unset",
    .run = run_unset,
};

const struct cmd cmd_config = {
    .name = "config",
    .use = "config",
    .summary = "Read and change settings",
    .group = "Setup & Configuration",
    .details =
        "Settings live in three places, and bd config knows which key belongs where:\n\n"
        "  .beads/config.yaml   how bd itself works: export.*, import.path, backup.*, dolt.*, "
        "routing.*, sync.*,\n"
        "                       history.keep, federation.*, validation.*, hierarchy.*, ai.*, git.*, "
        "actor, "
        "json, tokens\n"
        "  the database         what the project agrees on: status.custom, types.custom, "
        "jira.*, linear.*,\n"
        "                       doctor.suppress.*, custom.* and all other keys\n"
        "  git                  beads.role (maintainer or contributor)\n\n"
        "history.keep says how much history the database keeps by itself: all (unless set), a time\n"
        "(30d, 12 weeks) or a number (500 commits). What is older becomes one commit, as by bd "
        "compact, or\n"
        "so many of each day: \"30d, 1 per day\".\n\n"
        "An environment variable BD_<KEY> (dots and dashes as underscores) beats config.yaml.",
    .examples = "  bd config set export.auto true\n"
                "  bd config set status.custom \"in_review:wip,shipped:done\"\n"
                "  bd config set-many jira.url=https://jira.example.com jira.project=PROJ\n"
                "  bd config get export.path\n"
                "  bd config show --source config.yaml\n",
    .children =
        (const struct cmd *const[]){
            &set_command,
            &set_many_command,
            &get_command,
            &list_command,
            &unset_command,
            &cmd_config_show,
            &cmd_config_validate,
            &cmd_config_drift,
            &cmd_config_apply,
            NULL,
        },
};
