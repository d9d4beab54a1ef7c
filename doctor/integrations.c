/* Files through which coding agents learn of bd. All of them are optional; only what is broken is
 * reported. */
#include "doctor/families.h"

#include "base/os.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *project_of(const struct doctor *d) {
    return d->ws->project_dir && *d->ws->project_dir ? d->ws->project_dir : d->path;
}

/* ---- Claude's settings files ---- */

enum { SETTINGS = 3 };
static size_t settings_paths(struct doctor *d, const char *out[SETTINGS]) {
    const char *home = getenv("HOME");
    size_t n = 0;
    if (home && *home)
        out[n++] = arena_printf(d->arena, "%s/.claude/settings.json", home);
    out[n++] = arena_printf(d->arena, "%s/.claude/settings.json", project_of(d));
    out[n++] = arena_printf(d->arena, "%s/.claude/settings.local.json", project_of(d));
    return n;
}

static bool names_beads(const struct json_value *object, bool must_be_true) {
    JSON_EACH(item, json_value_is(object, JSON_OBJECT) ? object : NULL) {
        for (const char *p = item->key; *p; p++)
            if (strncasecmp(p, "beads", 5) == 0 && (!must_be_true || item->kind == JSON_TRUE))
                return true;
    }
    return false;
}

/* A hook of this event whose command is bd prime. */
static bool primes(const struct json_value *settings, const char *event) {
    JSON_EACH(group, json_value_get(json_value_get(settings, "hooks"), event)) {
        JSON_EACH(hook, json_value_get(group, "hooks")) {
            const char *command = json_value_get_text(hook, "command");
            if (command && strstr(command, "bd prime"))
                return true;
        }
    }
    return false;
}

struct claude {
    bool plugin, mcp, session_start, pre_compact;
    size_t files;
    struct buf malformed;
};

static struct claude look(struct doctor *d) {
    struct claude c = {.malformed = BUF_INIT};
    const char *paths[SETTINGS];
    size_t n = settings_paths(d, paths);
    for (size_t i = 0; i < n; i++) {
        if (!os_exists(paths[i]))
            continue;
        const struct json_value *o = doctor_json(d, paths[i]);
        c.files++;
        if (!json_value_is(o, JSON_OBJECT))
            buf_addf(&c.malformed, "%s%s", c.malformed.size ? "\n" : "", paths[i]);
        c.plugin = c.plugin || names_beads(json_value_get(o, "enabledPlugins"), true);
        c.mcp = c.mcp || names_beads(json_value_get(o, "mcpServers"), false);
        c.session_start = c.session_start || primes(o, "SessionStart");
        c.pre_compact = c.pre_compact || primes(o, "PreCompact");
    }
    return c;
}

void integrations_claude(struct doctor *d, struct doctor_result *r) {
    struct claude c = look(d);
    bool hooks = c.session_start || c.pre_compact;
    if (c.plugin)
        doctor_ok(d, r, "Plugin installed");
    else if (c.mcp && hooks)
        doctor_ok(d, r, "MCP server and hooks installed");
    else if (c.mcp)
        doctor_ok(d, r, "MCP server installed ('bd setup claude' adds hooks, which need fewer tokens)");
    else if (hooks)
        doctor_ok(d, r, "Hooks installed (CLI mode)");
    else
        doctor_ok(d, r, "Not configured (optional: 'bd setup claude')");
    buf_release(&c.malformed);
}

void integrations_settings(struct doctor *d, struct doctor_result *r) {
    struct claude c = look(d);
    if (!c.files) {
        doctor_ok(d, r, "No Claude Code settings files found");
    } else if (c.malformed.size) {
        doctor_warn(d, r, "Malformed settings file(s)");
        doctor_detail(d, r, "%s", c.malformed.data);
        doctor_hint(d, r, "Correct the JSON there; until then hooks and plugins do not run");
    } else {
        doctor_ok(d, r, "%zu settings file(s) valid", c.files);
    }
    buf_release(&c.malformed);
}

void integrations_hooks(struct doctor *d, struct doctor_result *r) {
    struct claude c = look(d);
    if (c.session_start) {
        doctor_ok(d, r, "SessionStart hook present");
    } else if (!c.pre_compact) {
        doctor_ok(d, r, "N/A (no hooks installed)");
    } else {
        doctor_warn(d, r, "Missing hook event(s): SessionStart");
        doctor_detail(d, r, "It gives a new session its context, also after compaction");
        doctor_hint(d, r, "Run 'bd setup claude'");
    }
    buf_release(&c.malformed);
}

void integrations_prime(struct doctor *d, struct doctor_result *r) {
    struct claude c = look(d);
    doctor_ok(d, r, c.mcp ? "MCP mode" : "CLI mode");
    buf_release(&c.malformed);
}

void integrations_plugin(struct doctor *d, struct doctor_result *r) {
    struct claude c = look(d);
    doctor_ok(d, r,
              c.plugin ? "Enabled (doctor asks no network for its version)"
                       : "Not installed (optional)");
    buf_release(&c.malformed);
}

void integrations_path(struct doctor *d, struct doctor_result *r) {
    const char *path = getenv("PATH");
    struct claude c = look(d);
    bool found = false;
    for (const char *p = path; p && *p && !found;) {
        size_t n = strcspn(p, ":");
        found = n && access(arena_printf(d->arena, "%.*s/bd", (int)n, p), X_OK) == 0;
        p += n + (p[n] == ':');
    }
    if (found) {
        doctor_ok(d, r, "'bd' command available in PATH");
    } else if (!c.session_start && !c.pre_compact) {
        doctor_ok(d, r, "'bd' is not in PATH (nothing here calls it by name)");
    } else {
        doctor_warn(d, r, "'bd' command not found in PATH");
        doctor_detail(d, r, "The hooks of Claude Code call 'bd prime'");
        doctor_hint(d, r, "Put the directory of bd into PATH");
    }
    buf_release(&c.malformed);
}

/* ---- documents for agents ---- */

static const char *agents_file(struct doctor *d) {
    const char *v = d->config ? config_get(d->config, "agents.file") : NULL;
    return v && *v && !strchr(v, '/') ? v : "AGENTS.md";
}

static size_t documents(struct doctor *d, const char *out[4]) {
    const char *names[4] = {agents_file(d), "CLAUDE.md", ".claude/CLAUDE.md", "AGENTS.md"};
    size_t n = 0, count = strcmp(names[0], "AGENTS.md") == 0 ? 3 : 4;
    for (size_t i = 0; i < count; i++)
        if (os_exists(arena_printf(d->arena, "%s/%s", project_of(d), names[i])))
            out[n++] = names[i];
    return n;
}

void integrations_documents(struct doctor *d, struct doctor_result *r) {
    const char *names[4];
    size_t n = documents(d, names);
    if (n)
        doctor_ok(d, r, "Documentation found: %s", doctor_sample(d, names, n));
    else
        doctor_ok(d, r, "No agent documentation found (optional: 'bd onboard')");
}

static size_t with_text(struct doctor *d, const char *const *texts, const char *out[4]) {
    const char *names[4];
    size_t n = documents(d, names), found = 0;
    for (size_t i = 0; i < n; i++) {
        char *content = doctor_read(d, arena_printf(d->arena, "%s/%s", project_of(d), names[i]), NULL);
        bool any = false;
        for (size_t k = 0; content && texts[k]; k++)
            any = any || strstr(content, texts[k]);
        if (any)
            out[found++] = names[i];
    }
    return found;
}

void integrations_legacy_commands(struct doctor *d, struct doctor_result *r) {
    const char *names[4];
    size_t n = with_text(d, (const char *const[]){"/beads:", NULL}, names);
    if (!n) {
        doctor_ok(d, r, "No legacy beads slash commands detected");
        return;
    }
    doctor_warn(d, r, "Old beads integration detected in %s", doctor_sample(d, names, n));
    doctor_detail(d, r, "The /beads:* commands are gone");
    doctor_hint(d, r, "Take them out of the file; 'bd setup claude' installs hooks in their place");
}

void integrations_legacy_tools(struct doctor *d, struct doctor_result *r) {
    const char *names[4];
    size_t n = with_text(
        d, (const char *const[]){"mcp__beads_beads__", "mcp__plugin_beads_beads__", "mcp_beads_", NULL},
        names);
    if (!n) {
        doctor_ok(d, r, "No MCP tool references in documentation");
        return;
    }
    doctor_warn(d, r, "MCP tool references found in %s", doctor_sample(d, names, n));
    doctor_hint(d, r, "Name the commands instead: bd list, bd show ID, bd ready");
}

void integrations_prime_documents(struct doctor *d, struct doctor_result *r) {
    const char *names[4];
    size_t n = with_text(d, (const char *const[]){"bd prime", NULL}, names);
    if (n)
        doctor_ok(d, r, "'bd prime' is named in: %s", doctor_sample(d, names, n));
    else
        doctor_ok(d, r, "No bd prime references in documentation");
}

/* What people wrote: without the sections that bd manages, line ends and outer white space aside. */
static char *own_text(struct doctor *d, const char *path) {
    size_t size;
    char *text = doctor_read(d, path, &size);
    if (!text)
        return NULL;
    for (char *begin = text; (begin = strstr(begin, "<!-- BEGIN BEADS"));) {
        char *end = strstr(begin, "<!-- END BEADS");
        end = end ? strstr(end, "-->") : NULL;
        if (!end)
            break;
        end += 3;
        end += *end == '\n';
        memmove(begin, end, strlen(end) + 1);
    }
    char *to = text;
    for (char *p = text; *p; p++) {
        if (*p == '\n')
            while (to > text && (to[-1] == ' ' || to[-1] == '\t' || to[-1] == '\r'))
                to--;
        *to++ = *p;
    }
    while (to > text && isspace((unsigned char)to[-1]))
        to--;
    *to = 0;
    while (isspace((unsigned char)*text))
        text++;
    return text;
}

void integrations_divergence(struct doctor *d, struct doctor_result *r) {
    static const char marker[] = "<!-- bd-doctor-divergence: ok -->";
    const char *name = agents_file(d), *a = arena_printf(d->arena, "%s/%s", project_of(d), name);
    const char *b = arena_printf(d->arena, "%s/CLAUDE.md", project_of(d));
    struct stat sa, sb;
    if (lstat(a, &sa) || lstat(b, &sb)) {
        doctor_ok(d, r, "N/A (one or both files missing)");
        return;
    }
    if (S_ISLNK(sa.st_mode) || S_ISLNK(sb.st_mode) ||
        (sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino)) {
        doctor_ok(d, r, "%s and CLAUDE.md are linked", name);
        return;
    }
    const char *x = own_text(d, a), *y = own_text(d, b);
    if (!x || !y) {
        doctor_ok(d, r, "N/A (one of the files cannot be read)");
    } else if (strstr(x, marker) || strstr(y, marker)) {
        doctor_ok(d, r, "Divergence check opted out via marker");
    } else if (strcmp(x, y) == 0) {
        doctor_ok(d, r, "%s and CLAUDE.md user-authored content matches", name);
    } else if (!*x || !*y) {
        doctor_ok(d, r, "%s has no text of its own", *x ? "CLAUDE.md" : name);
    } else {
        doctor_warn(d, r, "%s and CLAUDE.md user-authored content has diverged", name);
        doctor_detail(d, r, "Two separate files that differ outside the sections bd manages");
        doctor_hint(d, r,
                    "Run 'diff %s CLAUDE.md' and bring them together, link one to the other, or write "
                    "%s into one if "
                    "they are meant to differ",
                    name, marker);
    }
}
