/*
 * Routing. A command works on one database; routing replaces that database before the command's
 * transaction starts. Without routes.jsonl and without routing.* settings this costs one failing open.
 */
#include "bd/cmd/route.h"

#include "base/json_value.h"
#include "base/os.h"
#include "bd/ops/db_config.h"
#include "bd/ops/resolve.h"
#include "bd/ops/uuid.h"
#include "bd/workspace/git.h"
#include "bd/workspace/setup.h"
#include "schema/schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROUTES_MAX ((size_t)1 << 22)

/* ---- databases of other projects ---- */

static const char *expand(struct bd *bd, const char *path) {
    const char *home = getenv("HOME");
    if (strncmp(path, "~/", 2) == 0 && home && *home)
        path = arena_printf(&bd->arena, "%s/%s", home, path + 2);
    return workspace_real_path(path, &bd->arena);
}

static int open_project(struct bd *bd, const char *project, bool read_only, struct tables **out,
                        struct err *err) {
    struct workspace w;
    struct workspace_request rq = {.start_dir = project,
                                   .beads_dir = arena_printf(&bd->arena, "%s/.beads", project)};
    *out = NULL;
    int rc = workspace_find(&rq, &bd->arena, &w, err);
    if (rc != BD_OK)
        return rc;
    if (!w.has_database)
        return err_set(err, BD_NOT_FOUND, "no beads database found in %s", rq.beads_dir);
    struct tables_open open = {.dir = w.database_dir, .flags = read_only ? TABLES_READ_ONLY : 0};
    return tables_open_embedded(out, &open, err);
}

static void replace_store(struct bd *bd, struct tables *t) {
    if (bd->ops.tables)
        tables_close(bd->ops.tables);
    bd->ops.tables = t;
}

static int own_prefix(struct bd *bd, const char **prefix, struct err *err) {
    struct tables_txn *x;
    int rc = tables_read_begin(bd->ops.tables, &x, err);
    if (rc != BD_OK)
        return rc;
    rc = db_config_prefix(x, &bd->arena, prefix, err);
    tables_read_end(x);
    return rc;
}

/* A database like ours in a project that has none: same prefix, an identity of its own. */
static int make_project(struct bd *bd, const char *project, struct err *err) {
    static const struct tables_identity author = {"beads", "beads@local"};
    struct arena *a = &bd->arena;
    const char *beads_dir = arena_printf(a, "%s/.beads", project), *prefix;
    char id[UUID_TEXT_SIZE];
    bool tightened;
    int rc = own_prefix(bd, &prefix, err);
    if (rc == BD_OK)
        rc = setup_directory(beads_dir, &tightened, err);
    if (rc != BD_OK)
        return rc;
    uuid_v4(id);
    char *name = arena_strdup(a, prefix);
    for (char *s = name; *s; s++)
        *s = *s == '-' ? '_' : *s;
    const char *parent = arena_printf(a, "%s/embeddeddolt", beads_dir),
               *dir = arena_printf(a, "%s/%s", parent, name);
    if (os_mkdir_p(parent, 0700) != 0)
        return err_errno(err, "cannot create %s", parent);
    struct tables *t;
    struct tables_open open = {.dir = dir};
    const struct schema_pair metadata = {"_project_id", id};
    struct schema_init init = {
        .issue_prefix = prefix, .metadata = &metadata, .metadata_count = 1, .message = "bd init"};
    rc = tables_create_embedded(dir, "main", &author, err);
    if (rc == BD_OK)
        rc = tables_open_embedded(&t, &open, err);
    if (rc != BD_OK)
        return rc;
    rc = schema_create(t, &init, err);
    tables_close(t);
    struct metadata m = {.database = "dolt",
                         .backend = "dolt",
                         .dolt_mode = "embedded",
                         .dolt_database = name,
                         .project_id = id,
                         .dolt_data_dir = "",
                         .dolt_server_host = "",
                         .dolt_server_user = "",
                         .dolt_server_socket = ""};
    return rc == BD_OK ? metadata_save(beads_dir, &m, err) : rc;
}

/* ---- where new issues go ---- */

/* A setting of the files or the environment, else of the database, else NULL. */
static const char *setting(struct bd *bd, const char *key) {
    enum config_source source = config_source_of(&bd->config, key);
    const char *value = source > CONFIG_DEFAULT ? config_get(&bd->config, key) : NULL;
    struct tables_txn *x;
    if (value && *value)
        return value;
    if (tables_read_again(bd->ops.tables, &x, NULL) != BD_OK)
        return NULL;
    if (db_config_get(x, key, &bd->arena, &value, NULL) != BD_OK)
        value = NULL;
    tables_read_end(x);
    return value && *value ? value : NULL;
}

static bool same_repository(const char *x, const char *y) {
    size_t n = strlen(x), m = strlen(y);
    n -= n > 4 && strcmp(x + n - 4, ".git") == 0 ? 4 : 0;
    m -= m > 4 && strcmp(y + m - 4, ".git") == 0 ? 4 : 0;
    return n == m && strncmp(x, y, n) == 0;
}

/* beads.role says it; without it the remotes do: whoever can push over ssh maintains. */
static bool is_contributor(struct bd *bd) {
    const char *here = workspace_real_path(".", &bd->arena),
               *role = git_setting(here, "beads.role", &bd->arena);
    if (role && *role)
        return strcmp(role, "contributor") == 0;
    const char *origin = git_setting(here, "remote.origin.url", &bd->arena);
    const char *upstream = git_setting(here, "remote.upstream.url", &bd->arena);
    if (!origin || !*origin)
        return false;
    if (upstream && *upstream && !same_repository(origin, upstream))
        return true;
    return strncmp(origin, "ssh://", 6) != 0 && !strchr(origin, '@');
}

static const char *target_of(struct bd *bd) {
    const char *mode = setting(bd, "routing.mode"), *legacy;
    if (!mode && (legacy = setting(bd, "contributor.auto_route")) && strcmp(legacy, "true") == 0)
        mode = "auto";
    if (mode && strcmp(mode, "auto") == 0) {
        const char *path;
        if (is_contributor(bd)) {
            path = setting(bd, "routing.contributor");
            path = path ? path : setting(bd, "contributor.planning_repo");
        } else {
            path = setting(bd, "routing.maintainer");
        }
        if (path)
            return path;
    }
    const char *fallback = setting(bd, "routing.default");
    return fallback ? fallback : ".";
}

static bool is_url(const char *path) {
    const char *colon = strchr(path, ':');
    return strstr(path, "://") || (colon && strchr(path, '@') && !strchr(path, '/')) ||
           (colon && strchr(path, '@') && strchr(path, '@') < colon);
}

int route_create(struct bd *bd, const char *repo_flag, bool repo_given, bool preview,
                 bool preview_reads) {
    struct err err = ERR_INIT;
    struct tables *t;
    const char *path = repo_given ? repo_flag : target_of(bd);
    if (!*path || strcmp(path, ".") == 0 || (preview && !preview_reads))
        return 0;
    if (is_url(path))
        return cmd_fail(
            bd,
            "failed to open remote store: %s: creating issues in a remote is not supported by this bd; "
            "clone it and name the clone",
            path);
    const char *project = expand(bd, path);
    bool known = os_exists(arena_printf(&bd->arena, "%s/.beads/metadata.json", project));
    if (!known && preview)
        return cmd_fail(
            bd, "target repo %s is not initialized; refusing to initialize it during dry-run", project);
    if (!known && make_project(bd, project, &err) != BD_OK)
        return cmd_fail(bd, "failed to initialize target repo: %s", err.msg);
    if (open_project(bd, project, preview, &t, &err) != BD_OK)
        return cmd_fail(bd, "failed to open target store: %s", err.msg);
    replace_store(bd, t);
    return 0;
}

void route_read(struct bd *bd) {
    struct tables *t;
    if (bd->ws.direct || bd->ws.database_given || !bd->ops.tables)
        return;
    const char *path = target_of(bd);
    if (*path && strcmp(path, ".") != 0 && !is_url(path) &&
        open_project(bd, expand(bd, path), true, &t, NULL) == BD_OK)
        replace_store(bd, t);
}

/* ---- where known issues are ---- */

static bool knows(struct bd *bd, struct tables *t, const char *typed) {
    struct tables_txn *x;
    const char *id;
    if (tables_read_begin(t, &x, NULL) != BD_OK)
        return false;
    int rc = issue_resolve(x, typed, &bd->arena, &id, NULL);
    tables_read_end(x);
    return rc == BD_OK;
}

/* Path that routes.jsonl gives for the id's prefix (with its '-'), NULL without one. */
static const char *route_of(struct bd *bd, const char *typed) {
    size_t prefix = strcspn(typed, "-"), size;
    char *text;
    const char *found = NULL;
    if (!bd->ws.beads_dir || !typed[prefix] || prefix == 0 ||
        os_read_file(arena_printf(&bd->arena, "%s/routes.jsonl", bd->ws.beads_dir), ROUTES_MAX, &text,
                     &size) != 0)
        return NULL;
    for (char *line = text, *next; !found && line && *line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        const struct json_value *o = json_value_parse(line, strlen(line), &bd->arena, NULL);
        const char *p = json_value_get_text(o, "prefix"), *to = json_value_get_text(o, "path");
        if (p && to && strlen(p) == prefix + 1 && strncmp(p, typed, prefix + 1) == 0 &&
            strcmp(to, ".") != 0)
            found = to;
    }
    free(text);
    if (found && *found != '/' && *found != '~')
        found = arena_printf(&bd->arena, "%s/%s", bd->ws.project_dir ? bd->ws.project_dir : ".", found);
    return found;
}

static struct tables *open_if_known(struct bd *bd, const char *project, const char *typed) {
    struct tables *t;
    if (open_project(bd, expand(bd, project), bd->read_only, &t, NULL) != BD_OK)
        return NULL;
    if (knows(bd, t, typed))
        return t;
    tables_close(t);
    return NULL;
}

/* The database of the project to which the id's prefix, or the role's routing, leads and that knows the
 * id; NULL when there is none. The caller closes it. */
static struct tables *route_find(struct bd *bd, const char *typed) {
    const char *route = route_of(bd, typed);
    struct tables *t = route ? open_if_known(bd, route, typed) : NULL;
    if (t || bd->ws.direct)
        return t;
    const char *path = target_of(bd);
    return strcmp(path, ".") == 0 ? NULL : open_if_known(bd, path, typed);
}

void route_ids(struct bd *bd, const char *const *ids, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (knows(bd, bd->ops.tables, ids[i]))
            return;
    struct tables *t = count ? route_find(bd, ids[0]) : NULL;
    if (t)
        replace_store(bd, t);
}
