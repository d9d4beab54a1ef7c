/* bd config show: every effective setting with its source. bd config validate: are the values possible?
 */
#include "bd/cmd/config.h"

#include "base/os.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    const char *key, *value, *source;
};
struct entries {
    struct entry *items;
    size_t count, capacity;
};

static void add(struct entries *l, const char *key, const char *value, const char *source) {
    MEM_GROW(l->items, l->capacity, l->count + 1);
    l->items[l->count++] = (struct entry){key, value, source};
}

static void add_settings(struct bd *bd, struct entries *l) {
    const char *const *keys = config_keys(&bd->config);
    for (size_t i = 0; keys[i]; i++) {
        const char *value = config_get(&bd->config, keys[i]);
        switch (config_source_of(&bd->config, keys[i])) {
        case CONFIG_ENVIRONMENT:
            add(l, keys[i], value,
                arena_printf(&bd->arena, "env: %s", config_variable(&bd->config, keys[i])));
            break;
        case CONFIG_FILE: add(l, keys[i], value, "config.yaml"); break;
        default:
            if (value && *value &&
                strcmp(keys[i], "federation.exclude_types") != 0) /* upstream: no default lists */
                add(l, keys[i], value, "default");
        }
    }
}

static void add_metadata(struct bd *bd, struct entries *l) {
    struct metadata m;
    if (!bd->ws.beads_dir || metadata_load(bd->ws.beads_dir, &bd->arena, &m, NULL))
        return;
    const struct {
        const char *key, *value;
    } fields[] = {
        {"dolt_mode", m.dolt_mode},
        {"dolt_server_host", m.dolt_server_host},
        {"dolt_server_port",
         m.dolt_server_port ? arena_printf(&bd->arena, "%ld", m.dolt_server_port) : ""},
        {"dolt_server_user", m.dolt_server_user},
        {"dolt_database", m.dolt_database},
        {"dolt_data_dir", m.dolt_data_dir},
        {"project_id", m.project_id},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (*fields[i].value)
            add(l, fields[i].key, fields[i].value, "metadata");
}

static void add_database(struct bd *bd, struct entries *l) {
    struct err err = ERR_INIT;
    struct config_row *rows = NULL;
    size_t count = 0;
    bd->store_read_only = true;
    if (bd_try_open_store(bd, &err) || config_rows(bd, &rows, &count, &err))
        return; /* what else is known is shown */
    for (size_t i = 0; i < count; i++)
        add(l, rows[i].key, rows[i].value, "database");
}

static int compare_entries(const void *x, const void *y) {
    return strcmp(((const struct entry *)x)->key, ((const struct entry *)y)->key);
}

static void print_text(struct bd *bd, const struct entries *l) {
    enum { VALUE_MAX = 60 };
    size_t key_width = 0, value_width = 0;
    for (size_t i = 0; i < l->count; i++) {
        size_t k = strlen(l->items[i].key), v = strlen(l->items[i].value);
        key_width = k > key_width ? k : key_width;
        value_width = v > value_width ? v : value_width;
    }
    value_width = value_width > VALUE_MAX ? VALUE_MAX : value_width;
    for (size_t i = 0; i < l->count; i++) {
        const struct entry *e = &l->items[i];
        const char *value = e->value;
        if (strlen(value) > VALUE_MAX)
            value = arena_printf(&bd->arena, "%.*s...", VALUE_MAX - 3, value);
        fprintf(bd->out, "  %-*s = %-*s  (%s)\n", (int)key_width, e->key, (int)value_width, value,
                e->source);
    }
}

static int run_show(struct bd *bd, const struct cmd_call *call) {
    struct entries l = {NULL, 0, 0};
    const char *source = cmd_str(call, "source");
    add_settings(bd, &l);
    add_metadata(bd, &l);
    add_database(bd, &l);
    const char *role = config_git(bd, "beads.role");
    if (role && *role)
        add(&l, "beads.role", role, "git");
    qsort(l.items, l.count, sizeof *l.items, compare_entries);
    size_t kept = 0;
    for (size_t i = 0; i < l.count; i++)
        if (strncmp(l.items[i].source, source, strlen(source)) == 0)
            l.items[kept++] = l.items[i];
    l.count = kept;
    if (bd->json) {
        struct buf out = BUF_INIT;
        struct json_writer w;
        bd_json_begin(bd, &w, &out, false);
        if (l.count)
            json_array(&w);
        else
            json_null(&w);
        for (size_t i = 0; i < l.count; i++) {
            json_object(&w);
            json_member_str(&w, "key", l.items[i].key);
            json_member_str(&w, "value", l.items[i].value);
            json_member_str(&w, "source", l.items[i].source);
            json_object_end(&w);
        }
        if (l.count)
            json_array_end(&w);
        bd_json_end(bd, &w, &out);
    } else if (l.count) {
        print_text(bd, &l);
    } else {
        fprintf(bd->out, "No configuration found\n");
    }
    free(l.items);
    return 0;
}

/* ---- validate ---- */

struct issues {
    struct bd *bd;
    const char *file; /* config.yaml of the workspace */
    const char **items;
    size_t count, capacity;
};

static void complain(struct issues *l, const char *text) {
    MEM_GROW(l->items, l->capacity, l->count + 1);
    l->items[l->count++] = text;
}

static const char *in_file(struct issues *l, const char *key) {
    const char *v = config_read_file(l->file, key, &l->bd->arena);
    return v ? v : "";
}

static bool one_of(const char *value, const char *const *values) {
    for (size_t i = 0; values[i]; i++)
        if (strcasecmp(value, values[i]) == 0)
            return true;
    return false;
}

static bool is_name(const char *s, const char *more) {
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr(more, *s))
            return false;
    return true;
}

static void check_paths(struct issues *l) {
    static const char *const keys[] = {"routing.default", "routing.maintainer", "routing.contributor"};
    struct arena *a = &l->bd->arena;
    const char *home = getenv("HOME");
    for (size_t i = 0; i < 3; i++) {
        const char *path = in_file(l, keys[i]);
        const char *real = path[0] == '~' && home ? arena_printf(a, "%s%s", home, path + 1) : path;
        if (*path && strcmp(path, ".") != 0 && !os_exists(real))
            complain(l, arena_printf(a, "%s: path %s does not exist", keys[i], cmd_quote(a, path)));
    }
}

static void check_file(struct issues *l) {
    static const char *const modes[] = {"auto", "maintainer", "contributor", "explicit", NULL};
    static const char *const truths[] = {"true", "false", "yes", "no", "1", "0", "on",
                                         "off",  "t",     "f",   "y",  "n", NULL};
    static const char *const booleans[] = {"json", "no-db", "sync.require_confirmation_on_mass_delete"};
    struct arena *a = &l->bd->arena;
    const char *prefix = in_file(l, "issue-prefix"), *mode = in_file(l, "routing.mode"),
               *actor = in_file(l, "actor");
    if (strlen(prefix) > 20)
        complain(l, arena_printf(a, "issue-prefix: %s is too long (max 20 characters)",
                                 cmd_quote(a, prefix)));
    if (*prefix && (!isalpha((unsigned char)*prefix) || !is_name(prefix, "_-")))
        complain(
            l,
            arena_printf(
                a,
                "issue-prefix: %s is invalid (must start with letter, contain only letters, numbers, "
                "dashes, underscores)",
                cmd_quote(a, prefix)));
    if (*mode && !one_of(mode, modes))
        complain(
            l,
            arena_printf(
                a,
                "routing.mode: %s is invalid (valid values: auto, maintainer, contributor, explicit)",
                cmd_quote(a, mode)));
    check_paths(l);
    if (*actor && (!isalnum((unsigned char)*actor) || !is_name(actor, "._@-")))
        complain(
            l,
            arena_printf(
                a,
                "actor: %s is invalid (must start with letter/number, contain only letters, numbers, "
                "dashes, underscores, dots, or @)",
                cmd_quote(a, actor)));
    for (size_t i = 0; i < 3; i++) {
        const char *v = in_file(l, booleans[i]);
        if (*v && !one_of(v, truths))
            complain(
                l,
                arena_printf(
                    a, "%s: %s is not a valid boolean value (expected true/false, yes/no, 1/0, on/off)",
                    booleans[i], cmd_quote(a, v)));
    }
}

static void check_metadata(struct issues *l) {
    struct bd *bd = l->bd;
    struct arena *a = &bd->arena;
    struct metadata m;
    struct err err = ERR_INIT;
    int rc = metadata_load(bd->ws.beads_dir, a, &m, &err);
    if (rc == BD_NOT_FOUND)
        return;
    if (rc) {
        complain(l, arena_printf(a, "metadata.json: failed to load: %s", err.msg));
        return;
    }
    if (strchr(m.database, '/'))
        complain(l, arena_printf(a, "metadata.json database: %s should be a filename, not a path",
                                 cmd_quote(a, m.database)));
    if (strcmp(m.database, "beads.db") == 0 || strstr(m.database, ".sqlite"))
        complain(
            l,
            arena_printf(
                a,
                "metadata.json database: %s looks like a SQLite file, but backend is dolt (expected a "
                "directory like \"dolt\")",
                cmd_quote(a, m.database)));
    if (strcasecmp(m.dolt_mode, "server") != 0 && strpbrk(m.dolt_database, "-."))
        complain(
            l, arena_printf(
                   a,
                   "metadata.json dolt_database: %s contains characters invalid in embedded mode — use "
                   "letters, digits and underscores, or set dolt_mode to \"server\"",
                   cmd_quote(a, m.dolt_database)));
}

static void check_federation(struct issues *l) {
    static const char *const tiers[] = {"T1", "T2", "T3", "T4", NULL};
    struct arena *a = &l->bd->arena;
    if (!os_exists(l->file))
        return;
    const char *tier = in_file(l, "federation.sovereignty"), *remote = in_file(l, "federation.remote");
    if (*tier && !one_of(tier, tiers))
        complain(
            l,
            arena_printf(
                a,
                "federation.sovereignty: %s is invalid (valid values: T1, T2, T3, T4, or empty for no "
                "restriction)",
                cmd_quote(a, tier)));
    if (!*remote) {
        complain(l, "federation.remote: required for Dolt sync");
        return;
    }
    for (const char *p = remote; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F) {
            complain(
                l,
                arena_printf(
                    a,
                    "federation.remote: remote URL contains control character at position %zu (0x%02x)",
                    (size_t)(p - remote), (unsigned char)*p));
            return;
        }
    const char *at = strchr(remote, '@'), *colon = at ? strchr(at, ':') : NULL;
    if (*remote == '-')
        complain(l, "federation.remote: remote URL must not start with a dash");
    else if (!strstr(remote, "://") && !(colon && colon[1]))
        complain(l,
                 arena_printf(
                     a, "federation.remote: %s is not a URL (dolthub://, https://, file://, s3:// …)",
                     cmd_quote(a, remote)));
}

static int run_validate(struct bd *bd, const struct cmd_call *call) {
    (void)call;
    if (!bd->ws.beads_dir)
        return cmd_fail_hint_json_stdout(bd, cmd_hint_no_workspace, "no active beads workspace found");
    struct issues l = {.bd = bd, .file = arena_printf(&bd->arena, "%s/config.yaml", bd->ws.beads_dir)};
    if (config_warning(&bd->config))
        complain(&l, arena_printf(&bd->arena, "config.yaml: failed to parse: %s",
                                  config_warning(&bd->config)));
    check_file(&l);
    check_metadata(&l);
    check_federation(&l);
    int status = 0;
    if (bd->json) {
        struct buf out = BUF_INIT;
        struct json_writer w;
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_bool(&w, "valid", l.count == 0);
        json_key(&w, "issues");
        json_array(&w);
        for (size_t i = 0; i < l.count; i++)
            json_str(&w, l.items[i]);
        json_array_end(&w);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
    } else if (l.count) {
        fprintf(bd->out, "Configuration validation found issues:\n");
        for (size_t i = 0; i < l.count; i++)
            fprintf(bd->out, "  • %s\n", l.items[i]);
        fprintf(bd->out, "\nRun 'bd config set <key> <value>' to fix configuration issues.\n");
        status = 1;
    } else {
        fprintf(bd->out, "✓ All sync-related configuration is valid\n");
    }
    free(l.items);
    return status;
}

const struct cmd cmd_config_show = {
    .name = "show",
    .use = "show",
    .summary = "Print every effective setting and where it comes from",
    .details = "Sources: env (variable BD_<KEY>), config.yaml, default, metadata "
               "(.beads/metadata.json), database, git.",
    .args_max = -1,
    .flags =
        (const struct cmd_flag[]){
            {.name = "source", .kind = FLAG_STRING, .help = "Only settings of this source"},
            {0},
        },
    .cls = CMD_NO_STORE,
    .run = run_show,
};

const struct cmd cmd_config_validate = {
    .name = "validate",
    .use = "validate",
    .summary = "Check that the settings are possible",
    .args_max = -1,
    .cls = CMD_NO_STORE,
    .run = run_validate,
};
