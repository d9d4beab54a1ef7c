/* The recipes as a table, and one walker for each of install, check and remove. */
#include "bd/workspace/recipes.h"

#include "base/os.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define FILE_MAX_SIZE ((size_t)16 << 20)

enum part_kind {
    PART_FILE,    /* a file that is ours: `text` */
    PART_SECTION, /* the marked section in an instruction file, with `profile` */
    PART_CODEX,   /* Codex' own section there */
    PART_HOOKS,   /* `hooks` in a JSON settings file */
    PART_TOML,    /* Codex' feature switch */
    PART_OLD,     /* settings from which our hooks are only ever removed */
};

struct recipe_part {
    enum part_kind kind;
    const char *path;   /* in the project; with --global below home */
    const char *global; /* another path below home; NULL: the same */
    const char *text;   /* of PART_FILE */
    enum agents_profile profile;
    const struct agents_hooks *hooks, *stealth_hooks;
    bool project_only;
};

/* ---- the table ---- */

static const struct agents_hook prime[] = {{"SessionStart", "", "bd prime --hook-json", NULL}};
static const struct agents_hook prime_stealth[] = {
    {"SessionStart", "", "bd prime --stealth --hook-json", NULL}};
static const struct agents_hook codex[] = {
    {"SessionStart", "startup|resume|clear", "bd codex-hook SessionStart", "Loading bd's rules"},
    {"PreCompact", "manual|auto", "bd codex-hook PreCompact", "Checking bd"},
    {"PostCompact", "manual|auto", "bd codex-hook PostCompact",
     "Noting that bd's rules are to be loaded again"},
    {"UserPromptSubmit", NULL, "bd codex-hook UserPromptSubmit", "Loading bd's rules again"},
};
static const struct agents_hooks prime_hooks = {agents_is_prime_command, prime, 1};
static const struct agents_hooks prime_stealth_hooks = {agents_is_prime_command, prime_stealth, 1};
static const struct agents_hooks codex_hooks = {agents_is_codex_command, codex, 4};
static const struct agents_hooks no_prime = {agents_is_prime_command, NULL, 0};
static const struct agents_hooks no_codex = {agents_is_codex_command, NULL, 0};

static const char cursor_head[] = "---\nalwaysApply: true\n---\n\n";
static const char aider_conf[] = "# Made by 'bd setup aider'\nread:\n  - .aider/BEADS.md\n";
static const char aider_readme[] = "# Aider and bd\n\n.aider.conf.yml lets aider read .aider/BEADS.md. "
                                   "Aider runs no commands by itself: use\n"
                                   "`/run bd ready` and the like, or let it suggest them.\n";
static const char junie_mcp[] =
    "{\n  \"mcpServers\": {\n    \"beads\": {\n      \"command\": \"beads-mcp\"\n    }\n  }\n}\n";
static const char copilot_plugin[] =
    "{\n  \"name\": \"beads\",\n  \"description\": \"Issues of this project, with bd\",\n"
    "  \"version\": \"1.0.0\"\n}\n";

static const struct recipe_part cursor_parts[] = {
    {.kind = PART_FILE, .path = ".cursor/rules/beads.mdc", .text = cursor_head}};
static const struct recipe_part windsurf_parts[] = {
    {.kind = PART_FILE, .path = ".windsurf/rules/beads.md"}};
static const struct recipe_part cody_parts[] = {{.kind = PART_FILE, .path = ".cody/rules/beads.md"}};
static const struct recipe_part kilocode_parts[] = {
    {.kind = PART_FILE, .path = ".kilocode/rules/beads.md"}};
static const struct recipe_part claude_parts[] = {
    {.kind = PART_HOOKS,
     .path = ".claude/settings.json",
     .hooks = &prime_hooks,
     .stealth_hooks = &prime_stealth_hooks},
    {.kind = PART_OLD, .path = ".claude/settings.local.json", .hooks = &no_prime, .project_only = true},
    {.kind = PART_SECTION, .path = "CLAUDE.md", .profile = AGENTS_MINIMAL, .project_only = true},
};
static const struct recipe_part gemini_parts[] = {
    {.kind = PART_HOOKS,
     .path = ".gemini/settings.json",
     .hooks = &prime_hooks,
     .stealth_hooks = &prime_stealth_hooks},
    {.kind = PART_SECTION, .path = "GEMINI.md", .profile = AGENTS_MINIMAL, .project_only = true},
};
static const struct recipe_part codex_parts[] = {
    {.kind = PART_FILE, .path = ".agents/skills/beads/SKILL.md", .text = agents_skill},
    {.kind = PART_FILE, .path = ".agents/skills/beads/agents/openai.yaml", .text = agents_skill_yaml},
    {.kind = PART_TOML, .path = ".codex/config.toml"},
    {.kind = PART_HOOKS, .path = ".codex/hooks.json", .hooks = &codex_hooks},
    {.kind = PART_CODEX, .path = "AGENTS.md", .global = ".codex/AGENTS.md"},
};
static const struct recipe_part factory_parts[] = {
    {.kind = PART_SECTION, .path = "AGENTS.md", .profile = AGENTS_FULL}};
static const struct recipe_part mux_parts[] = {
    {.kind = PART_SECTION, .path = "AGENTS.md", .global = ".mux/AGENTS.md", .profile = AGENTS_FULL}};
static const struct recipe_part aider_parts[] = {
    {.kind = PART_FILE, .path = ".aider.conf.yml", .text = aider_conf},
    {.kind = PART_FILE, .path = ".aider/BEADS.md"},
    {.kind = PART_FILE, .path = ".aider/README.md", .text = aider_readme},
};
static const struct recipe_part junie_parts[] = {
    {.kind = PART_SECTION, .path = ".junie/guidelines.md", .profile = AGENTS_FULL},
    {.kind = PART_FILE, .path = ".junie/mcp/mcp.json", .text = junie_mcp},
};
static const struct recipe_part copilot_parts[] = {
    {.kind = PART_FILE, .path = ".copilot-plugin/plugin.json", .text = copilot_plugin},
    {.kind = PART_SECTION, .path = ".github/copilot-instructions.md", .profile = AGENTS_FULL},
};

#define PARTS(p) p, sizeof(p) / sizeof *(p), false
static const struct recipe built_in[] = {
    {"aider", "Aider", "Aider config and instruction files", PARTS(aider_parts)},
    {"claude", "Claude Code", "Claude Code hooks (SessionStart)", PARTS(claude_parts)},
    {"codex", "Codex", "Codex CLI skill guidance", PARTS(codex_parts)},
    {"cody", "Cody", "Cody AI rules file", PARTS(cody_parts)},
    {"copilot", "Copilot CLI", "Copilot CLI plugin manifest + instructions", PARTS(copilot_parts)},
    {"cursor", "Cursor", "Cursor IDE rules file", PARTS(cursor_parts)},
    {"factory", "Factory Droid", "Factory Droid AGENTS.md section", PARTS(factory_parts)},
    {"gemini", "Gemini CLI", "Gemini CLI hooks (SessionStart)", PARTS(gemini_parts)},
    {"junie", "Junie", "Junie guidelines and MCP configuration", PARTS(junie_parts)},
    {"kilocode", "Kilo Code", "Kilo Code rules file", PARTS(kilocode_parts)},
    {"mux", "Mux", "Mux AGENTS.md section", PARTS(mux_parts)},
    {"opencode", "OpenCode", "OpenCode AGENTS.md section", PARTS(factory_parts)},
    {"windsurf", "Windsurf", "Windsurf editor rules file", PARTS(windsurf_parts)},
};
enum { BUILT_IN = sizeof built_in / sizeof *built_in };

/* ---- files ---- */

/* NULL when there is no such file; other failures are in *rc. */
static const char *read_text(const char *path, struct arena *a, int *rc, struct err *err) {
    char *data;
    size_t size;
    if (os_read_file(path, FILE_MAX_SIZE, &data, &size)) {
        if (errno != ENOENT && errno != ENOTDIR)
            *rc = err_errno(err, "failed to read %s", path);
        return NULL;
    }
    const char *text = arena_strndup(a, data, size);
    free(data);
    return text;
}

static int write_text(const char *path, const char *text, struct arena *a, struct err *err) {
    struct stat st;
    mode_t mode = os_stat(path, &st) == 0 ? st.st_mode & 0777 : 0644;
    const char *slash = strrchr(path, '/');
    if (slash && slash > path && os_mkdir_p(arena_strndup(a, path, (size_t)(slash - path)), 0755) &&
        errno != EEXIST)
        return err_errno(err, "failed to create the folder of %s", path);
    return os_write_file_atomic(path, text, strlen(text), mode)
               ? err_errno(err, "failed to write %s", path)
               : BD_OK;
}

static bool is_link(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static const char *path_of(const struct recipe_part *p, const struct recipe_call *c, struct arena *a) {
    const char *codex_home = getenv("CODEX_HOME"), *path = c->global && p->global ? p->global : p->path;
    if (*path == '/')
        return path;
    if (c->global && codex_home && *codex_home && strncmp(path, ".codex/", 7) == 0)
        return arena_printf(a, "%s/%s", codex_home, path + 7);
    return arena_printf(a, "%s/%s", c->global && c->home ? c->home : c->project, path);
}

static const char *content_of(const struct recipe_part *p, struct arena *a) {
    if (p->text == cursor_head)
        return arena_printf(a, "%s%s", cursor_head, agents_rules);
    return p->text ? p->text : agents_rules;
}

static bool applies(const struct recipe_part *p, const struct recipe_call *c) {
    return !(c->global && p->project_only);
}

/* The plugin of bd for Claude brings the hook along; with two of them every session would begin twice.
 */
static bool has_plugin(const struct recipe_call *c, struct arena *a) {
    static const char *const names[] = {".claude/settings.json", ".claude/settings.local.json"};
    int rc = BD_OK;
    for (size_t i = 0; i < 2; i++) {
        const char *text = read_text(arena_printf(a, "%s/%s", c->project, names[i]), a, &rc, NULL);
        if (text && agents_settings_have_plugin(text, a))
            return true;
    }
    const char *text =
        c->home ? read_text(arena_printf(a, "%s/%s", c->home, names[0]), a, &rc, NULL) : NULL;
    return text && agents_settings_have_plugin(text, a);
}

static const struct agents_hooks *hooks_of(const struct recipe_part *p, const struct recipe_call *c,
                                           struct arena *a) {
    if (p->hooks->is_ours == agents_is_prime_command && strncmp(p->path, ".claude/", 8) == 0 &&
        has_plugin(c, a))
        return &no_prime;
    return c->stealth && p->stealth_hooks ? p->stealth_hooks : p->hooks;
}

/* ---- what a file should hold ---- */

int recipe_instructions(const char *path, const char *template_text, struct agents_text t,
                        const struct recipe_call *c, struct arena *a, struct err *err) {
    int rc = BD_OK;
    if (is_link(path)) {
        buf_addf(c->warnings,
                 "Warning: %s is a symbolic link; its target is left alone, edit that file directly\n",
                 path);
        return BD_OK;
    }
    const char *old = read_text(path, a, &rc, err), *text;
    if (rc != BD_OK)
        return rc;
    const char *base = old ? old : template_text ? template_text : NULL;
    if (old && agents_is_full(old))
        t.profile = AGENTS_FULL;
    if (!base)
        text = agents_new_file(t, a);
    else if (!old && !agents_has_section(base))
        text = base; /* a template stands for itself */
    else if ((rc = agents_with_section(base, t, a, &text, err)) != BD_OK)
        return err_prefix(err, "%s", path);
    if (old == text) {
        buf_addf(c->notes, "%s is up to date\n", path);
        return BD_OK;
    }
    rc = write_text(path, text, a, err);
    if (rc == BD_OK)
        buf_addf(c->notes, "%s %s\n",
                 !old                      ? "Created"
                 : agents_has_section(old) ? "Updated bd's section in"
                                           : "Added a section to",
                 path);
    return rc;
}

/* The file as it should be; the same pointer when it is so, NULL for "no such file". */
static int wanted_text(const struct recipe_part *p, const struct recipe_call *c, const char *path,
                       const char *old, bool remove, struct arena *a, const char **out,
                       struct err *err) {
    struct agents_text t = {p->profile, c->has_remote};
    int rc = BD_OK;
    *out = old;
    switch (p->kind) {
    case PART_FILE:
        *out = remove ? NULL : content_of(p, a);
        if (old && *out && strcmp(old, *out) == 0)
            *out = old;
        break;
    case PART_SECTION:
        if (old && agents_is_full(old))
            t.profile = AGENTS_FULL;
        if (remove)
            *out = old ? agents_without_section(old, a) : NULL;
        else if (old)
            rc = agents_with_section(old, t, a, out, err);
        else
            *out = agents_new_file(t, a);
        break;
    case PART_CODEX:
        if (remove)
            *out = old ? agents_without_codex_section(old, a) : NULL;
        else if (!old || !agents_codex_section_is_current(old, a))
            *out = agents_with_codex_section(old ? old : "", a);
        break;
    case PART_HOOKS:
    case PART_OLD: {
        const struct agents_hooks *hooks = hooks_of(p, c, a);
        if (remove)
            hooks = hooks->is_ours == agents_is_codex_command ? &no_codex : &no_prime;
        if (old || hooks->count)
            rc = agents_settings(old, hooks, a, out, err);
        break;
    }
    case PART_TOML:
        if (old || !remove)
            *out = agents_toml(old, !remove, a);
        break;
    }
    return rc == BD_OK ? BD_OK : err_prefix(err, "%s", path);
}

/* ---- the walkers ---- */

static int set_aside(const char *path, const struct recipe_call *c, struct arena *a, struct err *err) {
    const char *aside = arena_printf(a, "%s.orig", path);
    for (int i = 1; os_exists(aside); i++)
        aside = arena_printf(a, "%s.orig.%d", path, i);
    if (os_rename(path, aside))
        return err_errno(err, "failed to move %s aside", path);
    buf_addf(c->notes, "%s is not as bd wrote it: kept as %s\n", path, aside);
    return BD_OK;
}

int recipe_install(const struct recipe *r, const struct recipe_call *c, struct arena *a,
                   struct err *err) {
    int rc = BD_OK;
    for (size_t i = 0; i < r->count && rc == BD_OK; i++) {
        const struct recipe_part *p = &r->parts[i];
        const char *path = path_of(p, c, a), *text;
        if (!applies(p, c))
            continue;
        if ((p->kind == PART_SECTION || p->kind == PART_CODEX) && is_link(path)) {
            buf_addf(
                c->warnings,
                "Warning: %s is a symbolic link; its target is left alone, edit that file directly\n",
                path);
            continue;
        }
        const char *old = read_text(path, a, &rc, err);
        if (rc == BD_OK)
            rc = wanted_text(p, c, path, old, false, a, &text, err);
        if (rc != BD_OK || text == old)
            continue;
        if (p->kind == PART_FILE && old && !strcasestr(p->path, "beads"))
            rc = set_aside(path, c, a, err); /* a name that others use, too */
        if (rc == BD_OK)
            rc = write_text(path, text, a, err);
        if (rc == BD_OK && p->kind != PART_OLD)
            buf_addf(c->notes, "%s %s\n", old ? "Updated" : "Created", path);
    }
    return rc;
}

int recipe_check(const struct recipe *r, const struct recipe_call *c, struct arena *a,
                 struct err *err) {
    int rc = BD_OK;
    bool complete = true;
    for (size_t i = 0; i < r->count && rc == BD_OK; i++) {
        const struct recipe_part *p = &r->parts[i];
        const char *path = path_of(p, c, a), *text;
        if (!applies(p, c) || is_link(path))
            continue;
        const char *old = read_text(path, a, &rc, err);
        if (rc == BD_OK)
            rc = wanted_text(p, c, path, old, false, a, &text, err);
        if (rc != BD_OK || text == old)
            continue;
        if (p->kind == PART_FILE && old && r->by_user)
            continue; /* such files may be edited */
        complete = false;
        buf_addf(c->notes, "  %s: %s\n", old ? "Outdated" : "Missing", path);
    }
    return rc != BD_OK ? rc : complete ? BD_OK : BD_NOT_FOUND;
}

static bool is_empty_text(const char *text) { return text[strspn(text, " \t\r\n")] == 0; }

static bool is_empty_settings(const char *text) {
    for (; *text; text++)
        if (!isspace((unsigned char)*text) && *text != '{' && *text != '}' && *text != '"' &&
            *text != ':' && !strchr("hooks", *text))
            return false;
    return true;
}

static int remove_part(const struct recipe_part *p, const char *path, const char *old, const char *text,
                       const struct recipe_call *c, struct arena *a, struct err *err) {
    bool whole = !text || is_empty_text(text) || (p->kind == PART_HOOKS && is_empty_settings(text)) ||
                 (p->kind == PART_TOML && strcmp(text, "[features]\n") == 0);
    if (p->kind == PART_FILE && strcmp(old, content_of(p, a)) != 0)
        return set_aside(path, c, a, err); /* changed by hand */
    if (!whole)
        return write_text(path, text, a, err);
    if (os_unlink(path))
        return err_errno(err, "failed to remove %s", path);
    for (char *dir = arena_strdup(a, path), *slash;
         (slash = strrchr(dir, '/')) && slash - dir > (long)strlen(c->project);) {
        *slash = 0;
        if (os_rmdir(dir)) /* only while they are empty */
            break;
    }
    return BD_OK;
}

int recipe_remove(const struct recipe *r, const struct recipe_call *c, struct arena *a,
                  struct err *err) {
    int rc = BD_OK;
    bool found = false;
    for (size_t i = 0; i < r->count && rc == BD_OK; i++) {
        const struct recipe_part *p = &r->parts[i];
        const char *path = path_of(p, c, a), *text;
        if (!applies(p, c) || ((p->kind == PART_SECTION || p->kind == PART_CODEX) && is_link(path)))
            continue;
        const char *old = read_text(path, a, &rc, err);
        if (rc == BD_OK && old)
            rc = wanted_text(p, c, path, old, true, a, &text, err);
        if (rc != BD_OK || !old || text == old)
            continue;
        found = true;
        rc = remove_part(p, path, old, text, c, a, err);
    }
    return rc != BD_OK ? rc : found ? BD_OK : BD_NOT_FOUND;
}

/* ---- recipes of the workspace ---- */

/* Sections [recipes.NAME] with a line path = "…"; name = "…" is a title. */
static struct recipe *read_user(const char *beads_dir, struct arena *a, size_t *count) {
    struct recipe *list = arena_zalloc(a, 256 * sizeof *list);
    int rc = BD_OK;
    *count = 0;
    const char *text =
        beads_dir ? read_text(arena_printf(a, "%s/recipes.toml", beads_dir), a, &rc, NULL) : NULL;
    struct recipe *now = NULL;
    for (const char *p = text; p && *p; p += strcspn(p, "\n"), p += *p == '\n') {
        const char *w = p + strspn(p, " \t");
        if (*w == '[') {
            size_t n = strcspn(w, "]\n");
            now = NULL;
            if (strncmp(w, "[recipes.", 9) == 0 && w[n] == ']' && n > 9 && *count < 256) {
                now = &list[(*count)++];
                *now = (struct recipe){
                    .name = arena_strndup(a, w + 9, n - 9), .summary = "", .by_user = true};
                now->title = now->name;
            }
            continue;
        }
        size_t key = strcspn(w, " \t=\n");
        const char *open = w + strcspn(w, "\"\n");
        if (!now || *open != '"')
            continue;
        const char *value = arena_strndup(a, open + 1, strcspn(open + 1, "\"\n"));
        if (key == 4 && strncmp(w, "path", 4) == 0) {
            struct recipe_part *part = arena_zalloc(a, sizeof *part);
            *part = (struct recipe_part){.kind = PART_FILE, .path = value};
            now->parts = part;
            now->count = 1;
        } else if (key == 4 && strncmp(w, "name", 4) == 0) {
            now->title = value;
        } else if (key == 11 && strncmp(w, "description", 11) == 0) {
            now->summary = value;
        }
    }
    return list;
}

static int by_name(const void *x, const void *y) {
    return strcmp(((const struct recipe *)x)->name, ((const struct recipe *)y)->name);
}

const struct recipe *recipes_all(const char *beads_dir, struct arena *a, size_t *count) {
    size_t users;
    struct recipe *own = read_user(beads_dir, a, &users),
                  *all = arena_alloc(a, (BUILT_IN + users) * sizeof *all);
    memcpy(all, built_in, sizeof built_in);
    memcpy(all + BUILT_IN, own, users * sizeof *all);
    qsort(all, BUILT_IN + users, sizeof *all, by_name);
    *count = BUILT_IN + users;
    return all;
}

const struct recipe *recipes_find(const char *name, const char *beads_dir, struct arena *a) {
    size_t count;
    const struct recipe *all = recipes_all(beads_dir, a, &count);
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(all[i].name, name) == 0 && all[i].count)
            return &all[i];
    return NULL;
}

int recipes_add(const char *beads_dir, const char *name, const char *path, struct err *err) {
    struct arena a = ARENA_INIT;
    int rc = BD_OK;
    for (size_t i = 0; i < BUILT_IN; i++)
        if (strcasecmp(built_in[i].name, name) == 0)
            return err_set(err, BD_EXISTS, "cannot override built-in recipe %s", name);
    if (!*name || name[strcspn(name, "]\"\n. ")] || !*path || path[strcspn(path, "\"\n")])
        return err_set(err, BD_INVALID,
                       "name and path of a recipe must not be empty nor hold quotes or line feeds");
    const char *file = arena_printf(&a, "%s/recipes.toml", beads_dir),
               *old = read_text(file, &a, &rc, err);
    struct buf out = BUF_INIT;
    const char *heading = arena_printf(&a, "[recipes.%s]", name);
    bool skip = false;
    for (const char *p = old; p && *p;) {
        size_t n = strcspn(p, "\n");
        if (p[strspn(p, " \t")] == '[')
            skip = strncmp(p + strspn(p, " \t"), heading, strlen(heading)) == 0;
        if (!skip) {
            buf_add(&out, p, n);
            buf_add_char(&out, '\n');
        }
        p += n;
        p += *p == '\n';
    }
    buf_addf(&out, "%s%s\n  name = \"%s\"\n  path = \"%s\"\n  type = \"file\"\n", out.size ? "\n" : "",
             heading, name, path);
    if (rc == BD_OK && os_write_file_atomic(file, out.data, out.size, 0600))
        rc = err_errno(err, "failed to write %s", file);
    buf_release(&out);
    arena_release(&a);
    return rc;
}
