/* Settings whose value bd cannot use, and files of settings that contradict each other. */
#include "doctor/families.h"

#include "base/os.h"
#include "bd/ops/db_config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- metadata.json ---- */

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

static bool names_sqlite(const char *database) {
    return ends_with(database, ".db") || ends_with(database, ".sqlite") ||
           ends_with(database, ".sqlite3");
}

static bool load(struct doctor *d, struct metadata *m) {
    return d->ws->beads_dir && !d->ws->database_given &&
           metadata_load(d->ws->beads_dir, d->arena, m, NULL) == BD_OK;
}

/* The only database there is, when metadata.json names another one that is not there; else NULL. */
static const char *misnamed(struct doctor *d, const struct metadata *m, const char ***names,
                            size_t *n) {
    *n = 0;
    if (d->ws->has_database || !d->ws->data_dir || !*d->ws->data_dir || !*m->dolt_database)
        return NULL;
    *n = doctor_databases(d, d->ws->data_dir, names);
    return *n == 1 ? (*names)[0] : NULL;
}

/* Does the database prove that it is this workspace's? */
static bool has_project(struct doctor *d, const char *name, const char *project_id) {
    struct tables_open open = {.dir = arena_printf(d->arena, "%s/%s", d->ws->data_dir, name),
                               .flags = TABLES_READ_ONLY};
    struct tables *t;
    struct tables_txn *x;
    bool same = false;
    if (!*project_id || tables_open_embedded(&t, &open, NULL))
        return false;
    if (tables_read_begin(t, &x, NULL) == BD_OK) {
        same = strcmp(doctor_meta(d, x, "metadata", "_project_id"), project_id) == 0;
        tables_read_end(x);
    }
    tables_close(t);
    return same;
}

void settings_files(struct doctor *d, struct doctor_result *r) {
    struct metadata m;
    const char **names, *other;
    size_t n;
    if (!load(d, &m)) {
        doctor_ok(d, r, "Using default configuration");
    } else if (names_sqlite(m.database) && d->ws->has_database) {
        doctor_warn(d, r, "Configuration mismatch detected");
        doctor_detail(d, r,
                      "metadata.json names the SQLite file \"%s\" as database, but the data is in %s",
                      m.database, d->ws->database_dir);
        doctor_offer(d, r, "write \"dolt\" there");
    } else if ((other = misnamed(d, &m, &names, &n)) || n) {
        doctor_bad(d, r, "metadata.json names the database \"%s\", which is not there",
                   m.dolt_database);
        doctor_detail(d, r, "In %s: %s", d->ws->data_dir, doctor_sample(d, names, n));
        if (other && has_project(d, other, m.project_id))
            doctor_offer(d, r, "write \"%s\" there, which has the same project id", other);
        else
            doctor_hint(d, r,
                        "'bd --db %s/%s list' shows whether it is the right one; then correct "
                        "dolt_database in .beads/metadata.json, or restore that file from git",
                        d->ws->data_dir, names[0]);
    } else {
        doctor_ok(d, r, "Configuration matches existing files");
    }
}

int settings_files_fix(struct doctor *d, struct doctor_repair *rp, struct err *err) {
    struct metadata m;
    const char **names, *other;
    size_t n;
    int rc;
    if (!load(d, &m))
        return BD_OK;
    if ((other = misnamed(d, &m, &names, &n)) && has_project(d, other, m.project_id)) {
        rc = doctor_set_metadata(rp, "dolt_database", other, err);
        if (rc == BD_OK)
            doctor_did(rp, "metadata.json: dolt_database \"%s\" → \"%s\"", m.dolt_database, other);
        return rc;
    }
    if (!names_sqlite(m.database) || !d->ws->has_database)
        return BD_OK;
    rc = doctor_set_metadata(rp, "database", "dolt", err);
    if (rc == BD_OK)
        doctor_did(rp, "metadata.json: database \"%s\" → \"dolt\"", m.database);
    return rc;
}

/* ---- values ---- */

struct complaints {
    struct doctor *d;
    struct buf text;
    size_t count;
};

__attribute__((format(printf, 2, 3))) static void complain(struct complaints *c, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    if (c->count++)
        buf_add_char(&c->text, '\n');
    buf_vaddf(&c->text, fmt, ap);
    va_end(ap);
}

static bool one_of(const char *v, const char *const *list) {
    for (size_t i = 0; list[i]; i++)
        if (strcasecmp(v, list[i]) == 0)
            return true;
    return false;
}

static const char *from_file(struct doctor *d, const char *key) {
    if (config_source_of(d->config, key) != CONFIG_FILE)
        return NULL;
    const char *v = config_get(d->config, key);
    return v && *v ? v : NULL;
}

static bool matches(const char *s, bool letter_first, const char *more) {
    if (letter_first ? !isalpha((unsigned char)*s) : !isalnum((unsigned char)*s))
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr(more, *s))
            return false;
    return true;
}

/* A key and what its value must be. */
static const struct {
    const char *key;
    const char *const *values;
} choices[] = {
    {"routing.mode", (const char *const[]){"auto", "maintainer", "contributor", "explicit", NULL}},
    {"dolt.auto-commit", (const char *const[]){"on", "off", "batch", NULL}},
    {"dolt.mode", (const char *const[]){"embedded", "server", NULL}},
    {"validation.on-create", (const char *const[]){"none", "warn", "error", NULL}},
    {"validation.on-close", (const char *const[]){"none", "warn", "error", NULL}},
    {"validation.metadata.mode", (const char *const[]){"none", "warn", "error", NULL}},
};
static const char *const truths[] = {"true", "false", "yes", "no", "1", "0", "on",
                                     "off",  "t",     "f",   "y",  "n", NULL};
static const char *const switches[] = {"json",
                                       "no-db",
                                       "no-hooks",
                                       "readonly",
                                       "export.auto",
                                       "export.git-add",
                                       "backup.enabled",
                                       "dolt.local-only",
                                       "import.auto",
                                       "no-push",
                                       "no-git-ops",
                                       "create.require-description",
                                       "dolt.shared-server",
                                       NULL};

static void check_yaml(struct complaints *c) {
    struct doctor *d = c->d;
    const char *warning = config_warning(d->config), *v = from_file(d, "issue-prefix");
    if (warning)
        complain(c, "%s", warning);
    if (v && strlen(v) > 20)
        complain(c, "issue-prefix: \"%s\" is too long (at most 20 characters)", v);
    if (v && !matches(v, true, "-_"))
        complain(c,
                 "issue-prefix: \"%s\" must start with a letter and have letters, digits, - and _ only",
                 v);
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        struct buf list = BUF_INIT;
        if (!(v = from_file(d, choices[i].key)) || one_of(v, choices[i].values))
            continue;
        for (size_t k = 0; choices[i].values[k]; k++)
            buf_addf(&list, "%s%s", k ? ", " : "", choices[i].values[k]);
        complain(c, "%s: \"%s\" is none of %s", choices[i].key, v, buf_str(&list));
        buf_release(&list);
    }
    for (size_t i = 0; switches[i]; i++)
        if ((v = from_file(d, switches[i])) && !one_of(v, truths))
            complain(c, "%s: \"%s\" is neither true nor false", switches[i], v);
    if ((v = from_file(d, "actor")) && strchr(v, '\n'))
        complain(c, "actor: has a line break");
    for (size_t i = 0; i < 3; i++) {
        static const char *const paths[] = {"routing.default", "routing.maintainer",
                                            "routing.contributor"};
        const char *home = getenv("HOME");
        if (!(v = from_file(d, paths[i])) || strcmp(v, ".") == 0)
            continue;
        const char *path = v[0] == '~' && home ? arena_printf(d->arena, "%s%s", home, v + 1)
                           : v[0] == '/'       ? v
                                               : arena_printf(d->arena, "%s/%s", d->ws->project_dir, v);
        if (!os_exists(path))
            complain(c, "%s: \"%s\" does not exist", paths[i], v);
    }
}

static void check_metadata(struct complaints *c) {
    struct metadata m;
    if (!load(c->d, &m))
        return;
    if (strchr(m.database, '/'))
        complain(c, "metadata.json database: \"%s\" is a path, not a name", m.database);
    if (*m.dolt_mode && strcasecmp(m.dolt_mode, "embedded") != 0 &&
        strcasecmp(m.dolt_mode, "server") != 0 && strcasecmp(m.dolt_mode, "proxied-server") != 0)
        complain(c, "metadata.json dolt_mode: \"%s\" is none of embedded, server, proxied-server",
                 m.dolt_mode);
    if (strchr(m.dolt_database, '/'))
        complain(c, "metadata.json dolt_database: \"%s\" is a path, not a name", m.dolt_database);
}

static void check_database(struct complaints *c) {
    struct doctor *d = c->d;
    struct custom_statuses s;
    struct err err = ERR_INIT;
    const char *v = doctor_setting(d, "status.custom");
    if (!d->x)
        return;
    if (v && custom_statuses_parse(v, d->arena, &s, &err))
        complain(c, "status.custom: %s", err.msg);
    static const char *const sizes[] = {"doctor.noms-warn", "doctor.noms-error"};
    for (size_t i = 0; i < 2; i++)
        if ((v = doctor_setting(d, sizes[i])) && !doctor_setting_bytes(d, sizes[i], 0))
            complain(c, "%s: \"%s\" is no size (such as 500MB or 2GiB)", sizes[i], v);
    if ((v = doctor_setting(d, "doctor.suggest_pruning_issue_count")) && v[strspn(v, "0123456789")])
        complain(c, "doctor.suggest_pruning_issue_count: \"%s\" is no number", v);
    if (!(v = doctor_setting(d, "issue_prefix")) && d->ws->has_database &&
        tables_has_table(d->x, "issues"))
        complain(
            c,
            "issue_prefix: not set; 'bd create' cannot make ids ('bd config set issue_prefix NAME')");
}

void settings_values(struct doctor *d, struct doctor_result *r) {
    struct complaints c = {.d = d, .text = BUF_INIT};
    if (d->config)
        check_yaml(&c);
    check_metadata(&c);
    check_database(&c);
    if (!c.count) {
        doctor_ok(d, r, "All configuration values are valid");
    } else {
        doctor_warn(d, r, "Found %zu configuration issue(s)", c.count);
        doctor_detail(d, r, "%s", c.text.data);
        doctor_hint(d, r,
                    "Correct them with 'bd config set KEY VALUE' or 'bd config unset KEY'; 'bd config "
                    "show' lists "
                    "where each comes from");
    }
    buf_release(&c.text);
}

/* ---- who ---- */

void settings_role(struct doctor *d, struct doctor_result *r) {
    const char *start = d->ws->project_dir && *d->ws->project_dir ? d->ws->project_dir : d->path, *role;
    struct git_repo repo;
    if (!git_find(start, d->arena, &repo)) {
        doctor_ok(d, r, "N/A (not a git repository)");
        return;
    }
    role = git_setting(start, "beads.role", d->arena);
    if (!role || !*role)
        role = doctor_setting(d, "beads.role");
    if (!role || !*role) {
        doctor_ok(d, r, "Not set (maintainer)");
    } else if (strcmp(role, "maintainer") != 0 && strcmp(role, "contributor") != 0) {
        doctor_warn(d, r, "Invalid beads.role value: \"%s\"", role);
        doctor_hint(d, r, "Run: git config beads.role maintainer (or contributor)");
    } else {
        doctor_ok(d, r, "Configured as %s", role);
    }
}

/* ---- several repositories ---- */

void settings_repositories(struct doctor *d, struct doctor_result *r) {
    const char *list = d->config ? config_get(d->config, "repos.additional") : NULL;
    struct text_list paths;
    struct buf missing = BUF_INIT;
    if (!list || !*list) {
        doctor_ok(d, r, "N/A (single-repo mode)");
        return;
    }
    text_list_split(list, d->arena, &paths);
    const char *home = getenv("HOME");
    for (size_t i = 0; i < paths.count; i++) {
        const char *p = paths.items[i];
        const char *full = p[0] == '~' && home ? arena_printf(d->arena, "%s%s", home, p + 1)
                           : p[0] == '/'       ? p
                                               : arena_printf(d->arena, "%s/%s", d->ws->project_dir, p);
        if (!os_is_dir(arena_printf(d->arena, "%s/.beads", full)))
            buf_addf(&missing, "%s%s", missing.size ? ", " : "", p);
    }
    if (missing.size) {
        doctor_warn(d, r, "No workspace in: %s", missing.data);
        doctor_hint(d, r, "Correct repos.additional in config.yaml, or make a workspace there");
    } else {
        doctor_ok(d, r, "%zu more repositories", paths.count);
    }
    buf_release(&missing);
}

void settings_port(struct doctor *d, struct doctor_result *r) {
    static const char *const variables[] = {"BEADS_DOLT_SERVER_PORT", "BEADS_DOLT_PORT"};
    char *port = doctor_read(d, doctor_path(d, "dolt-server.port"), NULL);
    if (port)
        port[strcspn(port, "\r\n \t")] = 0;
    for (size_t i = 0; port && i < 2; i++) {
        const char *v = getenv(variables[i]);
        if (!v || !*v || strcmp(v, port) == 0)
            continue;
        doctor_warn(d, r, "managed Dolt port override differs from local standalone port file");
        doctor_detail(d, r, "%s=%s, dolt-server.port says %s", variables[i], v, port);
        doctor_hint(d, r, "Unset %s, or stop the server of the file", variables[i]);
        return;
    }
    doctor_ok(d, r, port ? "One port" : "N/A (no server)");
}
