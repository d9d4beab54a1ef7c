/*
 * Settings from files, environment and defaults. Files are read in order of rising precedence into one
 * map of dotted, lower-case keys; the environment is asked at each question; defaults are a constant
 * table.
 */
#include "bd/workspace/config.h"

#include "base/os.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define CONFIG_FILE_MAX ((size_t)1 << 22)
#define CONFIG_DEPTH_MAX 32

static const struct {
    const char *key, *value;
} defaults[] = {
    {"actor", ""},
    {"ai.model", "claude-haiku-4-5-20251001"},
    {"backup.enabled", "false"},
    {"backup.git-push", "false"},
    {"backup.git-repo", ""},
    {"backup.interval", "15m"},
    {"create.require-description", "false"},
    {"db", ""},
    {"dolt.auto-commit", "on"},
    {"events-export", "false"},
    {"export.auto", "false"},
    {"export.git-add", "false"},
    {"export.interval", "60s"},
    {"export.path", "issues.jsonl"},
    {"federation.allowed-remote-patterns", ""},
    {"federation.exclude_types", "wisp"},
    {"federation.remote", ""},
    {"federation.sovereignty", ""},
    {"git.author", ""},
    {"git.no-gpg-sign", "false"},
    {"hierarchy.max-depth", "3"},
    {"identity", ""},
    {"import.auto", "true"},
    {"import.path", "issues.jsonl"},
    {"issue-prefix", ""},
    {"json", "false"},
    {"no-db", "false"},
    {"no-hooks", "false"},
    {"no-push", "false"},
    {"output.title-length", "255"},
    {"routing.contributor", "~/.beads-planning"},
    {"routing.default", "."},
    {"routing.maintainer", "."},
    {"routing.mode", ""},
    {"sync.require_confirmation_on_mass_delete", "false"},
    {"validation.metadata.mode", "none"},
    {"validation.on-close", "none"},
    {"validation.on-create", "none"},
    {"validation.on-sync", "none"},
};

struct config_value {
    const char *text, *file;
};

/* The value a key has when nobody sets it, NULL when there is none. */
static const char *config_default(const char *key) {
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (strcmp(defaults[i].key, key) == 0)
            return defaults[i].value;
    return NULL;
}

void config_init(struct config *c, struct arena *a, const char *beads_dir) {
    *c = (struct config){.arena = a, .values = STRMAP_INIT, .beads_dir = beads_dir};
}

void config_release(struct config *c) {
    strmap_release(&c->values);
    c->loaded = false;
}

/* ---- reading YAML ---- */

struct reader {
    yaml_parser_t parser;
    struct arena *arena;
    void (*put)(void *ctx, const char *key, const char *value);
    void *ctx;
};

static int read_node(struct reader *r, yaml_event_t *event, const char *key, unsigned depth);

static bool next_event(struct reader *r, yaml_event_t *e) {
    return yaml_parser_parse(&r->parser, e) != 0;
}

static bool is_null(const yaml_event_t *e) {
    const char *s = (const char *)e->data.scalar.value;
    return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (!*s || strcmp(s, "~") == 0 || strcasecmp(s, "null") == 0);
}

/* Items of a list, joined by commas; items that are no scalars are left out. */
static int read_sequence(struct reader *r, const char *key, unsigned depth) {
    struct buf list = BUF_INIT;
    int rc = 0;
    for (size_t n = 0;;) {
        yaml_event_t e;
        if (!next_event(r, &e)) {
            rc = -1;
            break;
        }
        bool end = e.type == YAML_SEQUENCE_END_EVENT;
        if (e.type == YAML_SCALAR_EVENT)
            buf_addf(&list, "%s%s", n++ ? "," : "", (const char *)e.data.scalar.value);
        else if (!end)
            rc = read_node(r, &e, NULL, depth + 1);
        yaml_event_delete(&e);
        if (end || rc)
            break;
    }
    if (!rc && key)
        r->put(r->ctx, key, buf_str(&list));
    buf_release(&list);
    return rc;
}

static int read_mapping(struct reader *r, const char *prefix, unsigned depth) {
    for (;;) {
        yaml_event_t k, v;
        if (!next_event(r, &k))
            return -1;
        if (k.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&k);
            return 0;
        }
        const char *key = NULL;
        int rc = 0;
        if (k.type == YAML_SCALAR_EVENT && prefix) {
            char *name =
                *prefix ? arena_printf(r->arena, "%s.%s", prefix, (const char *)k.data.scalar.value)
                        : arena_strdup(r->arena, (const char *)k.data.scalar.value);
            for (char *p = name; *p; p++)
                *p = (char)tolower((unsigned char)*p);
            key = name;
        } else if (k.type != YAML_SCALAR_EVENT) {
            rc = read_node(r, &k, NULL, depth + 1);
        }
        yaml_event_delete(&k);
        if (rc || !next_event(r, &v))
            return -1;
        rc = read_node(r, &v, key, depth + 1);
        yaml_event_delete(&v);
        if (rc)
            return rc;
    }
}

/* key NULL: the node is read over. */
static int read_node(struct reader *r, yaml_event_t *e, const char *key, unsigned depth) {
    if (depth > CONFIG_DEPTH_MAX)
        return -1;
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        if (key && !is_null(e))
            r->put(r->ctx, key, (const char *)e->data.scalar.value);
        return 0;
    case YAML_SEQUENCE_START_EVENT: return read_sequence(r, key, depth);
    case YAML_MAPPING_START_EVENT: return read_mapping(r, key, depth);
    default: return 0; /* an alias */
    }
}

/* A file whose every line is blank or a comment needs no parser. */
static bool has_content(const char *p) {
    while (*p) {
        p += strspn(p, " \t\r");
        if (*p && *p != '#' && *p != '\n')
            return true;
        p += strcspn(p, "\n");
        p += *p == '\n';
    }
    return false;
}

/* NULL, or what is wrong with the text (in the arena). */
static const char *read_yaml(struct reader *r, const char *text, size_t size) {
    const char *problem = NULL;
    if (!has_content(text) || !yaml_parser_initialize(&r->parser))
        return NULL;
    yaml_parser_set_input_string(&r->parser, (const unsigned char *)text, size);
    for (bool end = false; !end && !problem;) {
        yaml_event_t e;
        bool ok = next_event(r, &e);
        if (ok) {
            end = e.type == YAML_STREAM_END_EVENT || e.type == YAML_DOCUMENT_END_EVENT;
            if (e.type == YAML_MAPPING_START_EVENT)
                ok = read_mapping(r, "", 0) == 0;
            else if (e.type == YAML_SCALAR_EVENT || e.type == YAML_SEQUENCE_START_EVENT)
                problem = "it is not a list of `key: value` lines";
            yaml_event_delete(&e);
        }
        if (!ok)
            problem = arena_printf(r->arena, "line %zu: %s", r->parser.problem_mark.line + 1,
                                   r->parser.problem ? r->parser.problem : "nested too deeply");
    }
    yaml_parser_delete(&r->parser);
    return problem;
}

/* ---- files ---- */

struct file_context {
    struct config *config;
    const char *file;
};

static void put_value(void *ctx, const char *key, const char *value) {
    struct file_context *f = ctx;
    struct config_value *v = arena_alloc(f->config->arena, sizeof *v);
    v->text = arena_strdup(f->config->arena, value);
    v->file = f->file;
    strmap_put(&f->config->values, key, v);
}

static void add_warning(struct config *c, const char *text) {
    c->warning = c->warning ? arena_printf(c->arena, "%s; %s", c->warning, text) : text;
}

static void load_file(struct config *c, const char *path) {
    char *data;
    size_t size;
    if (os_read_file(path, CONFIG_FILE_MAX, &data, &size)) {
        if (errno != ENOENT && errno != ENOTDIR)
            add_warning(c, arena_printf(c->arena, "failed to initialize config: cannot read %s: %s",
                                        path, strerror(errno)));
        return;
    }
    struct file_context ctx = {c, arena_strdup(c->arena, path)};
    struct reader r = {.arena = c->arena, .put = put_value, .ctx = &ctx};
    const char *problem = read_yaml(&r, data, size);
    free(data);
    if (problem)
        add_warning(c, arena_printf(c->arena,
                                    "failed to initialize config: error reading config file %s: %s",
                                    path, problem));
}

static const char *variable(const char *name) {
    const char *v = getenv(name);
    return v && *v ? v : NULL;
}

static void load(struct config *c) {
    if (c->loaded)
        return;
    c->loaded = true;
    const char *home = variable("HOME"), *xdg = variable("XDG_CONFIG_HOME");
    struct arena *a = c->arena;
    if (home)
        load_file(c, arena_printf(a, "%s/.beads/config.yaml", home));
    if (xdg)
        load_file(c, arena_printf(a, "%s/bd/config.yaml", xdg));
    if (home)
        load_file(c, arena_printf(a, "%s/.config/bd/config.yaml", home));
    if (!c->beads_dir)
        return;
    if (variable("BEADS_TEST_IGNORE_REPO_CONFIG") &&
        os_exists(arena_printf(a, "%s/../go.mod", c->beads_dir)))
        return;
    load_file(c, arena_printf(a, "%s/config.yaml", c->beads_dir));
    load_file(c, arena_printf(a, "%s/config.local.yaml", c->beads_dir));
}

struct wanted {
    const char *key, *value;
    struct arena *arena;
};

static void keep_wanted(void *ctx, const char *key, const char *value) {
    struct wanted *w = ctx;
    if (strcmp(key, w->key) == 0)
        w->value = arena_strdup(w->arena, value);
}

const char *config_read_file(const char *path, const char *key, struct arena *a) {
    char *data;
    size_t size;
    if (os_read_file(path, CONFIG_FILE_MAX, &data, &size))
        return NULL;
    struct wanted w = {key, NULL, a};
    struct reader r = {.arena = a, .put = keep_wanted, .ctx = &w};
    read_yaml(&r, data, size);
    free(data);
    return w.value;
}

/* ---- questions ---- */

static void variable_name(const char *key, char *out, size_t size) {
    size_t n = (size_t)snprintf(out, size, "BD_%s", key);
    for (size_t i = 3; i < n && i < size; i++)
        out[i] = out[i] == '.' || out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
}

static const char *from_environment(const char *key) {
    char name[160];
    variable_name(key, name, sizeof name);
    const char *v = variable(name);
    return !v && strcmp(key, "identity") == 0 ? variable("BEADS_IDENTITY") : v;
}

const char *config_variable(struct config *c, const char *key) {
    char name[160];
    variable_name(key, name, sizeof name);
    return arena_strdup(c->arena, name);
}

static const struct config_value *from_file(struct config *c, const char *key) {
    load(c);
    const struct config_value *v = strmap_get(&c->values, key);
    if (v)
        return v;
    char lower[160];
    size_t n = strlen(key);
    if (n >= sizeof lower)
        return NULL;
    for (size_t i = 0; i <= n; i++)
        lower[i] = (char)tolower((unsigned char)key[i]);
    return strmap_get(&c->values, lower);
}

const char *config_get(struct config *c, const char *key) {
    const char *v = from_environment(key);
    if (v)
        return v;
    const struct config_value *f = from_file(c, key);
    return f ? f->text : config_default(key);
}

enum config_source config_source_of(struct config *c, const char *key) {
    if (from_environment(key))
        return CONFIG_ENVIRONMENT;
    if (from_file(c, key))
        return CONFIG_FILE;
    return config_default(key) ? CONFIG_DEFAULT : CONFIG_UNSET;
}

bool config_bool(struct config *c, const char *key) {
    static const char *const yes[] = {"1", "t", "T", "TRUE", "true", "True"};
    const char *v = config_get(c, key);
    for (size_t i = 0; v && i < sizeof yes / sizeof *yes; i++)
        if (strcmp(v, yes[i]) == 0)
            return true;
    return false;
}

int64_t config_int(struct config *c, const char *key, int64_t fallback) {
    const char *v = config_get(c, key);
    char *end;
    if (!v || !*v)
        return fallback;
    errno = 0;
    long long n = strtoll(v, &end, 10);
    return *end || errno ? fallback : n;
}

const char *config_warning(struct config *c) {
    load(c);
    return c->warning;
}

static int compare_keys(const void *x, const void *y) {
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

const char *const *config_keys(struct config *c) {
    load(c);
    size_t n = sizeof defaults / sizeof *defaults, k = 0;
    const char **keys = arena_alloc(c->arena, (n + c->values.live + 1) * sizeof *keys);
    for (size_t i = 0; i < n; i++)
        keys[k++] = defaults[i].key;
    for (struct strmap_entry *e = NULL; (e = strmap_next(&c->values, e));)
        if (!config_default(e->key))
            keys[k++] = e->key;
    qsort(keys, k, sizeof *keys, compare_keys);
    keys[k] = NULL;
    return keys;
}
