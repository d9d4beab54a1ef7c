/* Git hooks that call bd: complete, current, and none that harm. They are optional. */
#include "doctor/families.h"

#include "base/os.h"
#include "base/version.h"
#include "bd/workspace/git_hooks.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTION "# --- BEGIN BEADS INTEGRATION"

static const char *const names[] = {"pre-commit", "post-merge", "pre-push", "post-checkout",
                                    "prepare-commit-msg"};
enum { NAME_COUNT = sizeof names / sizeof *names, RECOMMENDED = 3 };

static const char *project_of(const struct doctor *d) {
    return d->ws->project_dir && *d->ws->project_dir ? d->ws->project_dir : d->path;
}

static const char *hooks_dir(struct doctor *d) {
    return d->ws->direct ? NULL : git_hooks_dir(project_of(d), d->arena);
}

static bool calls_bd(const char *text) {
    return strstr(text, SECTION) || strstr(text, "# bd-shim") || strstr(text, "# bd (beads)") ||
           strstr(text, "bd hooks run") || strstr(text, "bd hook ");
}

/* The version that wrote the hook, NULL when it does not say. */
static const char *version_of(struct doctor *d, const char *text) {
    const char *at = strstr(text, SECTION);
    int skip = (int)strlen(SECTION);
    if (!at) {
        at = strstr(text, "bd-hooks-version:");
        skip = 17;
    }
    if (!at)
        return NULL;
    at += skip;
    at += strspn(at, " \tv");
    size_t n = strspn(at, "0123456789.");
    return n ? arena_strndup(d->arena, at, n) : NULL;
}

static bool older(const char *v) {
    int a[3] = {0}, b[3] = {0};
    sscanf(v, "%d.%d.%d", &a[0], &a[1], &a[2]);
    sscanf(BD_VERSION, "%d.%d.%d", &b[0], &b[1], &b[2]);
    for (int i = 0; i < 3; i++)
        if (a[i] != b[i])
            return a[i] < b[i];
    return false;
}

static const char *manager(struct doctor *d) {
    static const struct {
        const char *name, *file;
    } known[] = {
        {"lefthook", "lefthook.yml"},
        {"lefthook", ".lefthook.yml"},
        {"lefthook", "lefthook.yaml"},
        {"lefthook", "lefthook.toml"},
        {"husky", ".husky"},
        {"pre-commit", ".pre-commit-config.yaml"},
        {"pre-commit", ".pre-commit-config.yml"},
        {"overcommit", ".overcommit.yml"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (os_exists(arena_printf(d->arena, "%s/%s", project_of(d), known[i].file)))
            return known[i].name;
    return NULL;
}

void hooks_installed(struct doctor *d, struct doctor_result *r) {
    const char *dir = hooks_dir(d), *outdated[NAME_COUNT], *present[NAME_COUNT], *missing[NAME_COUNT];
    size_t old = 0, have = 0, lack = 0;
    if (!dir) {
        doctor_ok(d, r, "N/A (not a git repository)");
        return;
    }
    for (size_t i = 0; i < NAME_COUNT; i++) {
        char *text = doctor_read(d, arena_printf(d->arena, "%s/%s", dir, names[i]), NULL);
        bool ours = text && calls_bd(text);
        if (ours)
            present[have++] = names[i];
        else if (i < RECOMMENDED)
            missing[lack++] = names[i];
        const char *v = ours ? version_of(d, text) : NULL;
        if (v && older(v))
            outdated[old++] = arena_printf(d->arena, "%s@%s", names[i], v);
    }
    const char *other = manager(d);
    if (old) {
        doctor_warn(d, r, "Installed bd hooks are outdated");
        doctor_detail(d, r, "Outdated: %s (current: %s)", doctor_sample(d, outdated, old), BD_VERSION);
        doctor_hint(d, r, "Run 'bd hooks install'");
    } else if (have && lack) {
        doctor_warn(d, r, "Missing %zu recommended hook(s)", lack);
        doctor_detail(d, r, "Missing: %s", doctor_sample(d, missing, lack));
        doctor_hint(d, r, "Run 'bd hooks install'");
    } else if (have) {
        doctor_ok(d, r, "All recommended hooks installed");
        doctor_detail(d, r, "Installed: %s", doctor_sample(d, present, have));
    } else if (other) {
        doctor_ok(d, r, "%s manages the hooks; they do not call bd (optional: 'bd hooks run <hook>')",
                  other);
    } else {
        doctor_ok(d, r, "None installed (optional: 'bd hooks install')");
    }
}

/* Does a line of the hook run such a command, as old releases had it? */
static bool runs(const char *text, const char *command) {
    size_t n = strlen(command);
    for (const char *p = text; (p = strstr(p, command)); p += n) {
        const char *line = p;
        while (line > text && line[-1] != '\n')
            line--;
        bool word = (p == text || strchr(" \t\n;&|(/`\"'", p[-1])) && !isalnum((unsigned char)p[n]) &&
                    p[n] != '-' && p[n] != '_';
        if (word && line[strspn(line, " \t")] != '#')
            return true;
    }
    return false;
}

/* Hooks that call a command which is gone: git runs them and they fail. */
static size_t dead_calls(struct doctor *d, const char *dir, const char *out[NAME_COUNT]) {
    size_t found = 0;
    for (size_t i = 0; i < NAME_COUNT; i++) {
        char *text = doctor_read(d, arena_printf(d->arena, "%s/%s", dir, names[i]), NULL);
        if (text && !strstr(text, SECTION) && (runs(text, "bd sync") || runs(text, "bd daemon")))
            out[found++] = names[i];
    }
    return found;
}

/* Hooks set aside by an installer that still call a command which is gone. */
void hooks_legacy(struct doctor *d, struct doctor_result *r) {
    const char *dir = hooks_dir(d), **list, *stale[DOCTOR_SAMPLE];
    size_t found = 0;
    if (!dir) {
        doctor_ok(d, r, "N/A (not a git repository)");
        return;
    }
    size_t n = doctor_list(d, dir, &list);
    for (size_t i = 0; i < n; i++) {
        size_t size = strlen(list[i]);
        if (size < 8 || strcmp(list[i] + size - 7, ".legacy") != 0)
            continue;
        char *text = doctor_read(d, arena_printf(d->arena, "%s/%s", dir, list[i]), NULL);
        bool calls = false;
        for (size_t k = 0; text && k < NAME_COUNT; k++)
            calls = calls || strstr(text, arena_printf(d->arena, "bd hook %s", names[k]));
        if (!calls)
            continue;
        if (found < DOCTOR_SAMPLE)
            stale[found] = list[i];
        found++;
    }
    const char *dead[NAME_COUNT];
    size_t gone = dead_calls(d, dir, dead);
    if (gone && !found) {
        doctor_warn(d, r, "%zu hook(s) call bd sync or bd daemon, which are gone", gone);
        doctor_detail(d, r, "In %s: %s", dir, doctor_sample(d, dead, gone));
        doctor_hint(d, r, "Take these lines out; 'bd hooks install' adds what is needed today");
        return;
    }
    if (!found) {
        doctor_ok(d, r, "No stale legacy hook sidecars");
        return;
    }
    doctor_warn(d, r, "%zu stale .legacy hook(s) calling removed 'bd hook' command", found);
    doctor_detail(d, r, "Files: %s", doctor_sample(d, stale, found));
    doctor_hint(d, r, "Take the lines with 'bd hook' out of these files in %s", dir);
}

void hooks_old_inline(struct doctor *d, struct doctor_result *r) {
    const char *dir = hooks_dir(d);
    char *text = dir ? doctor_read(d, arena_printf(d->arena, "%s/post-merge", dir), NULL) : NULL;
    if (!dir) {
        doctor_ok(d, r, "N/A (not a git repository)");
    } else if (!text) {
        doctor_ok(d, r, "N/A (no post-merge hook installed)");
    } else if (strstr(text, SECTION) || strstr(text, "# bd-shim") || strstr(text, "bd hooks run")) {
        doctor_ok(d, r, "Hooks hand over to bd");
    } else if (!strstr(text, "# bd (beads)") ||
               (strstr(text, "\"backend\"") && strstr(text, "\"dolt\""))) {
        doctor_ok(d, r,
                  strstr(text, "# bd (beads)") ? "Inline hooks have Dolt backend check"
                                               : "N/A (not a bd hook)");
    } else {
        doctor_bad(d, r, "Git hooks incompatible with Dolt backend");
        doctor_detail(d, r,
                      "The post-merge hook of an old release imports a JSONL file after every merge");
        doctor_hint(d, r, "Run 'bd hooks install --force'");
    }
}
