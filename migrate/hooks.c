/* What a hook file is can be seen in its text: markers, or the comments of old installers. */
#include "migrate/hooks.h"

#include "base/os.h"
#include "bd/workspace/git.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HOOK_MAX ((size_t)1 << 20)

static const char *read_text(const char *path, struct arena *a) {
    char *data;
    size_t size;
    if (os_read_file(path, HOOK_MAX, &data, &size))
        return NULL;
    const char *text = arena_strndup(a, data, size);
    free(data);
    return text;
}

static size_t occurrences(const char *text, const char *what) {
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

static const char *marker_state(const char *text) {
    static const char *const begin = "BEGIN BEADS INTEGRATION", *const end = "END BEADS INTEGRATION";
    size_t begins = occurrences(text, begin), ends = occurrences(text, end);
    if (!begins && !ends)
        return "none";
    return begins == 1 && ends == 1 && strstr(text, begin) < strstr(text, end) ? "valid" : "broken";
}

static bool is_legacy(const char *text) {
    return strstr(text, "# bd-shim") || strstr(text, "bd-hooks-version:") ||
           strstr(text, "# bd (beads)");
}

/* ---- did anybody add to a hook that an old installer wrote? ---- */

static bool starts(const char *line, const char *const *list) {
    for (; *list; list++)
        if (strncmp(line, *list, strlen(*list)) == 0)
            return true;
    return false;
}

static bool has_word(const char *line, const char *const *list) {
    for (; *list; list++)
        if (strcasestr(line, *list))
            return true;
    return false;
}

static bool is_installers_line(const char *line) {
    static const char *const shell[] = {"fi", "then", "else", "exit 0", "exit 1", NULL};
    static const char *const commands[] = {"exec bd hook",
                                           "bd hooks run",
                                           "export BD_GIT_HOOK",
                                           "if ! command -v bd",
                                           "if command -v bd",
                                           "_bd_exit=$?",
                                           NULL};
    static const char *const ours[] = {"bd", "beads", NULL}, *const about[] = {
                                                                 "bd",   "beads",   "hook",    "shim",
                                                                 "PATH", "Install", "Warning", NULL};
    if (!*line || strncmp(line, "#!", 2) == 0)
        return true;
    for (const char *const *s = shell; *s; s++)
        if (strcmp(line, *s) == 0)
            return true;
    if (*line == '#')
        return has_word(line, about);
    return starts(line, commands) || (strncmp(line, "echo", 4) == 0 && has_word(line, ours));
}

static bool is_untouched(const char *text, struct arena *a) {
    char *rest = arena_strdup(a, text), *line;
    while ((line = strsep(&rest, "\n"))) {
        while (isspace((unsigned char)*line))
            line++;
        size_t n = strlen(line);
        while (n && isspace((unsigned char)line[n - 1]))
            line[--n] = 0;
        if (!is_installers_line(line))
            return false;
    }
    return true;
}

/* ---- one hook ---- */

static void set(struct hook_plan *h, const char *state, enum hook_source source, const char *advice) {
    h->state = state;
    h->source = source;
    h->advice = advice;
    h->needs_migration = source != HOOK_KEEP;
}

static void classify(struct hook_plan *h) {
    static const char *const back = "The text kept aside comes back, with bd's section in it.";
    bool both = h->has_old && h->has_backup;
    if (strcmp(h->marker_state, "valid") == 0)
        set(h, "marker_managed", HOOK_KEEP, "");
    else if (strcmp(h->marker_state, "broken") == 0)
        set(h, "marker_broken", HOOK_FROM_FILE,
            "The markers do not match: the section is written anew.");
    else if (h->legacy && h->has_old)
        set(h, both ? "legacy_with_both_sidecars" : "legacy_with_old_sidecar", HOOK_FROM_OLD, back);
    else if (h->legacy && h->has_backup)
        set(h, "legacy_with_backup_sidecar", HOOK_FROM_BACKUP, back);
    else if (h->legacy)
        set(h, "legacy_only", HOOK_FRESH, "The old hook is replaced by the section.");
    else if (!h->exists && h->has_old)
        set(h, both ? "missing_with_both_sidecars" : "missing_with_old_sidecar", HOOK_FROM_OLD, back);
    else if (!h->exists && h->has_backup)
        set(h, "missing_with_backup_sidecar", HOOK_FROM_BACKUP, back);
    else if (!h->exists)
        set(h, "missing_no_artifacts", HOOK_KEEP, "");
    else if (h->has_old || h->has_backup)
        set(h, "custom_with_sidecars", HOOK_FROM_FILE, "The hook stays, with bd's section in it.");
    else
        set(h, "unmanaged_custom", HOOK_KEEP, "");
}

static void inspect(struct hook_plan *h, const char *dir, const char *name, struct arena *a) {
    *h = (struct hook_plan){.name = name,
                            .path = arena_printf(a, "%s/%s", dir, name),
                            .marker_state = "none",
                            .advice = "",
                            .read_error = "",
                            .blocked = ""};
    h->has_old = os_exists(arena_printf(a, "%s.old", h->path));
    h->has_backup = os_exists(arena_printf(a, "%s.backup", h->path));
    const char *text = read_text(h->path, a);
    if (!text && errno != ENOENT) {
        h->read_error = arena_printf(a, "cannot read %s: %s", h->path, strerror(errno));
        h->state = "read_error";
        h->advice = "Look at the file and its permissions first.";
        h->blocked = arena_printf(a, "%s (%s): %s", name, h->state, h->read_error);
        return;
    }
    h->exists = text != NULL;
    if (text) {
        h->marker_state = marker_state(text);
        h->legacy = is_legacy(text);
    }
    classify(h);
    if (h->legacy && h->needs_migration && h->source != HOOK_FROM_FILE && !is_untouched(text, a))
        h->blocked = arena_printf(a,
                                  "%s: somebody added to the hook that an old version installed; move "
                                  "these lines out of the way first (state: %s)",
                                  name, h->state);
}

int hooks_plan(const char *path, struct arena *a, struct hooks_plan *out, struct err *err) {
    struct git_repo repo;
    (void)err;
    *out = (struct hooks_plan){.path = path};
    if (!git_find(path, a, &repo) || !repo.root)
        return BD_OK;
    out->repo_root = repo.root;
    out->hooks_dir = git_hooks_dir(path, a);
    if (!out->hooks_dir) {
        out->repo_root = NULL;
        return BD_OK;
    }
    for (size_t i = 0; i < HOOK_COUNT; i++) {
        struct hook_plan *h = &out->hooks[out->count++];
        inspect(h, out->hooks_dir, git_hook_names[i], a);
        out->needs_migration += h->needs_migration;
        out->broken += strcmp(h->marker_state, "broken") == 0;
        out->blocked += *h->blocked != 0;
        bool writes = h->source != HOOK_KEEP && !*h->blocked;
        out->writes += writes;
        if (writes && strcmp(h->marker_state, "broken") != 0)
            out->retires += (size_t)h->has_old + (size_t)h->has_backup;
    }
    return BD_OK;
}

/* ---- doing it ---- */

static const char *const suffixes[] = {".old", ".backup"};

static bool retires(const struct hook_plan *h, size_t k) {
    return h->needs_migration && strcmp(h->marker_state, "broken") != 0 &&
           (k ? h->has_backup : h->has_old);
}

static int check_way(const struct hook_plan *h, struct arena *a, struct err *err) {
    for (size_t k = 0; k < 2; k++) {
        const char *from = arena_printf(a, "%s%s", h->path, suffixes[k]);
        const char *to = arena_printf(a, "%s.migrated", from), *x, *y;
        if (!retires(h, k) || !os_exists(to))
            continue;
        if (!(x = read_text(from, a)) || !(y = read_text(to, a)) || strcmp(x, y) != 0)
            return err_set(
                err, BD_CONFLICT,
                "%s is there already with another content than %s; nothing was changed. Look at "
                "both, move one away, then run this again",
                to, from);
    }
    return BD_OK;
}

static int retire(const struct hook_plan *h, struct arena *a, struct hooks_result *out,
                  struct err *err) {
    for (size_t k = 0; k < 2; k++) {
        const char *from = arena_printf(a, "%s%s", h->path, suffixes[k]);
        const char *to = arena_printf(a, "%s.migrated", from);
        if (!retires(h, k))
            continue;
        if (!os_exists(from)) {
            out->skipped[out->skipped_count++] = from;
            continue;
        }
        if (os_rename(from, to)) /* over a file of the same content, or a new name */
            return err_errno(err, "cannot rename %s to %s", from, to);
        out->retired[out->retired_count++] = arena_printf(a, "%s -> %s", from, to);
    }
    return BD_OK;
}

/* The text that was kept, with bd's section in it. */
static const char *render(const char *hook, const char *text, struct arena *a) {
    struct buf b = BUF_INIT;
    for (const char *s = text; *s; s++)
        if (!(s[0] == '\r' && s[1] == '\n'))
            buf_add_char(&b, *s);
    const char *body = buf_str(&b);
    if (strncmp(body, "#!", 2) != 0) {
        while (*body == '\n')
            body++;
        body = arena_printf(a, "#!/usr/bin/env sh\n%s", body);
    } else {
        body = arena_strdup(a, body);
    }
    buf_release(&b);
    const char *out = git_hook_with_section(body, git_hook_section(hook, a), a);
    size_t n = strlen(out);
    return n && out[n - 1] == '\n' ? out : arena_printf(a, "%s\n", out);
}

int hooks_migrate(const struct hooks_plan *p, struct arena *a, struct hooks_result *out,
                  struct err *err) {
    const char *texts[HOOK_COUNT] = {NULL};
    int rc = BD_OK;
    memset(out, 0, sizeof *out);
    for (size_t i = 0; rc == BD_OK && i < p->count; i++) {
        const struct hook_plan *h = &p->hooks[i];
        if (*h->blocked)
            return err_set(err, BD_CONFLICT, "hook migration is blocked: %s", h->blocked);
        if (h->source == HOOK_KEEP)
            continue;
        const char *from = h->source == HOOK_FROM_OLD      ? arena_printf(a, "%s.old", h->path)
                           : h->source == HOOK_FROM_BACKUP ? arena_printf(a, "%s.backup", h->path)
                                                           : h->path;
        const char *text = h->source == HOOK_FRESH ? "" : read_text(from, a);
        if (!text)
            return err_errno(err, "cannot read %s", from);
        texts[i] = render(h->name, text, a);
        rc = check_way(h, a, err);
    }
    for (size_t i = 0; rc == BD_OK && i < p->count; i++) {
        const struct hook_plan *h = &p->hooks[i];
        if (!texts[i])
            continue;
        if (os_write_file_atomic(h->path, texts[i], strlen(texts[i]), 0755))
            return err_errno(err, "cannot write %s", h->path);
        out->written[out->written_count++] = h->name;
    }
    for (size_t i = 0; rc == BD_OK && i < p->count; i++)
        if (texts[i])
            rc = retire(&p->hooks[i], a, out, err);
    return rc;
}
