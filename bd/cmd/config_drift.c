/* bd config drift: does the machine look as the settings say? bd config apply: make it so where
 * possible. */
#include "bd/cmd/config.h"

#include "base/json_value.h"
#include "base/os.h"
#include "base/version.h"
#include "bd/workspace/git.h"
#include "bd/workspace/git_hooks.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_FILE_MAX ((size_t)1 << 20)

struct drift {
    const char *check, *status, *message, *expected, *actual;
};
struct drifts {
    struct drift items[8];
    size_t count;
};

static void add(struct drifts *l, struct drift d) {
    if (l->count < sizeof l->items / sizeof *l->items)
        l->items[l->count++] = d;
}

/* ---- git hooks ---- */

/* A hook with a marked section or a shim calls whatever bd is installed; a whole script carries a
 * version. */
static bool is_outdated(const char *text) {
    const char *version = strstr(text, "# bd-hooks-version: ");
    if (strstr(text, "# --- BEGIN BEADS INTEGRATION") || strstr(text, "# bd-shim "))
        return false;
    if (!version)
        return strstr(text, "# bd (beads)") != NULL;
    version += strlen("# bd-hooks-version: ");
    size_t n = strcspn(version, " \r\n");
    return n != strlen(BD_VERSION) || strncmp(version, BD_VERSION, n) != 0;
}

static void check_hooks(struct bd *bd, struct drifts *l) {
    static const char *const names[] = {"pre-commit", "post-merge", "pre-push", "post-checkout",
                                        "prepare-commit-msg"};
    const char *dir = git_hooks_dir(workspace_real_path(".", &bd->arena), &bd->arena);
    struct buf missing = BUF_INIT, outdated = BUF_INIT;
    if (!dir) {
        add(l, (struct drift){"hooks", "skipped", "Not a git repository", NULL, NULL});
        return;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *text = NULL;
        size_t size;
        if (os_read_file(arena_printf(&bd->arena, "%s/%s", dir, names[i]), SMALL_FILE_MAX, &text,
                         &size))
            buf_addf(&missing, "%s%s", missing.size ? ", " : "", names[i]);
        else if (is_outdated(text))
            buf_addf(&outdated, "%s%s", outdated.size ? ", " : "", names[i]);
        free(text);
    }
    if (missing.size)
        add(l, (struct drift){"hooks.missing", "drift",
                              arena_printf(&bd->arena, "Git hooks not installed: %s", missing.data),
                              "installed", "missing"});
    if (outdated.size)
        add(l, (struct drift){"hooks.outdated", "drift",
                              arena_printf(&bd->arena, "Git hooks outdated: %s", outdated.data),
                              "v" BD_VERSION, "outdated"});
    if (!missing.size && !outdated.size)
        add(l, (struct drift){"hooks", "ok", "Git hooks installed and current", NULL, NULL});
    buf_release(&missing);
    buf_release(&outdated);
}

/* ---- Dolt remote ---- */

/* URL of the remote `origin`, and the names of all remotes, from the database's repo_state.json. */
static bool read_remotes(struct bd *bd, const char **origin, const char **names) {
    char *text;
    size_t size;
    *origin = *names = NULL;
    const char *path = arena_printf(&bd->arena, "%s/.dolt/repo_state.json", bd->ws.database_dir);
    if (os_read_file(path, SMALL_FILE_MAX, &text, &size))
        return false;
    const struct json_value *state = json_value_parse(text, size, &bd->arena, NULL);
    struct buf list = BUF_INIT;
    const struct json_value *remotes = json_value_get(state, "remotes");
    JSON_EACH(r, json_value_is(remotes, JSON_OBJECT) ? remotes : NULL) {
        const char *url = json_value_get_text(r, "url");
        buf_addf(&list, "%s%s", list.size ? ", " : "", r->key);
        if (strcmp(r->key, "origin") == 0 && url)
            *origin = url;
    }
    if (list.size)
        *names = arena_strdup(&bd->arena, list.data);
    buf_release(&list);
    free(text);
    return true;
}

static void check_remote(struct bd *bd, struct drifts *l) {
    const char *wanted = config_get(&bd->config, "federation.remote"), *origin, *names;
    struct drift d = {"remote", "skipped", "No active beads workspace found", NULL, NULL};
    if (bd->ws.beads_dir && !read_remotes(bd, &origin, &names)) {
        d.message = "Cannot list remotes: there is no database";
    } else if (bd->ws.beads_dir && *wanted && !origin) {
        d = (struct drift){"remote", "drift",
                           "federation.remote is configured but no Dolt 'origin' remote exists", wanted,
                           "(no origin remote)"};
    } else if (bd->ws.beads_dir && *wanted && strcmp(origin, wanted) != 0) {
        d = (struct drift){"remote", "drift", "Dolt origin remote URL does not match federation.remote",
                           wanted, origin};
    } else if (bd->ws.beads_dir && *wanted) {
        d = (struct drift){"remote", "ok", "Dolt origin remote matches federation.remote", NULL, NULL};
    } else if (bd->ws.beads_dir && names) {
        d.status = "info";
        d.message = arena_printf(
            &bd->arena, "Dolt remotes configured (%s) but federation.remote is not set", names);
    } else if (bd->ws.beads_dir) {
        d.status = "info";
        d.message = "No federation.remote configured and no Dolt remotes found";
    }
    add(l, d);
}

/* ---- server ---- */

static bool server_runs(struct bd *bd) {
    char *text;
    size_t size;
    if (os_read_file(arena_printf(&bd->arena, "%s/dolt-server.pid", bd->ws.beads_dir), 64, &text,
                     &size))
        return false;
    long pid = strtol(text, NULL, 10);
    free(text);
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

static void check_server(struct bd *bd, struct drifts *l) {
    struct drift d = {"server", "skipped", "No active beads workspace found", NULL, NULL};
    if (bd->ws.beads_dir) {
        const char *setting = config_get(&bd->config, "dolt.shared-server");
        bool wanted = setting && strcasecmp(setting, "true") == 0, runs = server_runs(bd);
        if (wanted && !runs)
            d = (struct drift){"server", "drift",
                               "dolt.shared-server is enabled but no server appears to be running",
                               "running", "not running"};
        else if (wanted)
            d = (struct drift){"server", "ok",
                               "Server running, consistent with dolt.shared-server config", NULL, NULL};
        else if (runs)
            d = (struct drift){"server", "info",
                               "Dolt server is running but dolt.shared-server is not enabled in config",
                               NULL, NULL};
        else
            d = (struct drift){"server", "ok", "No shared server configured or running", NULL, NULL};
    }
    add(l, d);
}

static void check_all(struct bd *bd, struct drifts *l) {
    l->count = 0;
    check_hooks(bd, l);
    check_remote(bd, l);
    check_server(bd, l);
}

static const char *icon(const char *status) {
    static const struct {
        const char *status, *icon;
    } icons[] = {{"ok", "✓"},   {"applied", "✓"}, {"drift", "✗"},  {"error", "✗"},
                 {"info", "ℹ"}, {"dry_run", "~"}, {"skipped", "–"}};
    for (size_t i = 0; i < sizeof icons / sizeof *icons; i++)
        if (strcmp(icons[i].status, status) == 0)
            return icons[i].icon;
    return "?";
}

static int run_drift(struct bd *bd, const struct cmd_call *call) {
    struct drifts l;
    int status = 0;
    (void)call;
    check_all(bd, &l);
    for (size_t i = 0; i < l.count; i++)
        status = strcmp(l.items[i].status, "drift") == 0 ? 1 : status;
    if (bd->json) {
        struct buf out = BUF_INIT;
        struct json_writer w;
        bd_json_begin(bd, &w, &out, false);
        json_array(&w);
        for (size_t i = 0; i < l.count; i++) {
            json_object(&w);
            json_member_str(&w, "check", l.items[i].check);
            json_member_str(&w, "status", l.items[i].status);
            json_member_str(&w, "message", l.items[i].message);
            json_member_str_opt(&w, "expected", l.items[i].expected);
            json_member_str_opt(&w, "actual", l.items[i].actual);
            json_object_end(&w);
        }
        json_array_end(&w);
        bd_json_end(bd, &w, &out);
        return status;
    }
    for (size_t i = 0; i < l.count; i++) {
        const struct drift *d = &l.items[i];
        fprintf(bd->out, "  %s %s: %s\n", icon(d->status), d->check, d->message);
        if (d->expected)
            fprintf(bd->out, "      expected: %s\n      actual:   %s\n", d->expected, d->actual);
    }
    return status;
}

/* ---- apply ---- */

struct applied {
    const char *check, *action, *status, *message, *error;
};

static const struct drift *drifted(const struct drifts *l, const char *check) {
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].check, check) == 0 && strcmp(l->items[i].status, "drift") == 0)
            return &l->items[i];
    return NULL;
}

static struct applied apply_remote(struct bd *bd, const struct drift *d, bool dry_run) {
    if (!d)
        return (struct applied){"remote", "none", "ok", "Dolt remote configuration is consistent",
                                NULL};
    bool exists = strcmp(d->actual, "(no origin remote)") != 0;
    const char *action = exists ? "update_remote" : "add_remote";
    if (dry_run)
        return (struct applied){
            "remote", action, "dry_run",
            exists ? arena_printf(&bd->arena, "Would update Dolt origin remote from %s to %s",
                                  d->actual, d->expected)
                   : arena_printf(&bd->arena, "Would add Dolt origin remote: %s", d->expected),
            NULL};
    return (struct applied){"remote", action, "error", "Failed to change the Dolt origin remote",
                            "changing remotes is not built into this bd yet"};
}

static struct applied apply_server(const struct drift *d, bool dry_run) {
    if (!d)
        return (struct applied){"server", "none", "ok", "Server state is consistent with config", NULL};
    if (dry_run)
        return (struct applied){"server", "start", "dry_run", "Would start Dolt shared server", NULL};
    return (struct applied){"server", "start", "error", "Failed to start Dolt server",
                            "starting servers is not built into this bd yet"};
}

static int run_apply(struct bd *bd, const struct cmd_call *call) {
    struct drifts l;
    bool dry_run = cmd_bool(call, "dry-run");
    int status = 0;
    check_all(bd, &l);
    const struct applied results[] = {
        {"hooks", "none", "ok", "Git hooks are up to date",
         NULL}, /* as upstream: hooks are never reinstalled here */
        apply_remote(bd, drifted(&l, "remote"), dry_run),
        apply_server(drifted(&l, "server"), dry_run),
    };
    size_t n = sizeof results / sizeof *results;
    for (size_t i = 0; i < n; i++)
        status = strcmp(results[i].status, "error") == 0 ? 1 : status;
    if (bd->json) {
        struct buf out = BUF_INIT;
        struct json_writer w;
        bd_json_begin(bd, &w, &out, false);
        json_array(&w);
        for (size_t i = 0; i < n; i++) {
            json_object(&w);
            json_member_str(&w, "check", results[i].check);
            json_member_str(&w, "action", results[i].action);
            json_member_str(&w, "status", results[i].status);
            json_member_str(&w, "message", results[i].message);
            json_member_str_opt(&w, "error", results[i].error);
            json_object_end(&w);
        }
        json_array_end(&w);
        bd_json_end(bd, &w, &out);
        return status;
    }
    for (size_t i = 0; i < n; i++) {
        fprintf(bd->out, "  %s %s: %s\n", icon(results[i].status), results[i].check,
                results[i].message);
        if (results[i].error)
            fprintf(bd->out, "      error: %s\n", results[i].error);
    }
    return status;
}

const struct cmd cmd_config_drift = {
    .name = "drift",
    .use = "drift",
    .summary = "Compare the settings with the machine",
    .details = "Looks at git hooks, the Dolt remote 'origin' and the shared server; changes nothing. "
               "Exit status 1 when\n"
               "something differs.",
    .args_max = -1,
    .cls = CMD_NO_STORE,
    .run = run_drift,
};

const struct cmd cmd_config_apply = {
    .name = "apply",
    .use = "apply",
    .summary = "Bring the machine in line with the settings",
    .args_max = -1,
    .flags =
        (const struct cmd_flag[]){
            {.name = "dry-run", .kind = FLAG_BOOL, .help = "Only say what would be done"},
            {0},
        },
    .cls = CMD_NO_STORE,
    .run = run_apply,
};
