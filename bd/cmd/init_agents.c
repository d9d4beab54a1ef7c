/* What bd init tells coding agents: the instruction file, Claude's and Codex' hooks. Nothing of it may
 * fail init. */
#include "bd/cmd/init.h"

#include "base/os.h"
#include "bd/workspace/process.h"
#include "bd/workspace/recipes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int init_check_agents_flags(struct init_job *j) {
    const char *name = cmd_str(j->call, "agents-file"), *profile = cmd_str(j->call, "agents-profile");
    size_t n = strlen(name);
    struct bd *bd = j->bd;
    if (*profile && strcmp(profile, "full") != 0 && strcmp(profile, "minimal") != 0)
        return cmd_fail(bd, "invalid --agents-profile %s: must be \"minimal\" or \"full\"",
                        cmd_quote(&bd->arena, profile));
    if (!cmd_given(j->call, "agents-file"))
        return 0;
    if (!n || n > 255)
        return cmd_fail(bd, "invalid --agents-file: the name must have 1 to 255 characters");
    if (strpbrk(name, "/\\"))
        return cmd_fail(bd,
                        "invalid --agents-file: agents file must be a simple filename without path "
                        "separators, got %s",
                        cmd_quote(&bd->arena, name));
    if (n < 4 || strcasecmp(name + n - 3, ".md") != 0)
        return cmd_fail(bd, "invalid --agents-file: agents file must have .md extension, got %s",
                        cmd_quote(&bd->arena, name));
    return 0;
}

const char *init_agents_file(struct init_job *j) {
    const char *given = cmd_str(j->call, "agents-file");
    const char *known =
        *given ? given
               : config_read_file(arena_printf(&j->bd->arena, "%s/config.yaml", j->beads_dir),
                                  "agents.file", &j->bd->arena);
    return known && *known && !strpbrk(known, "/\\") ? known : "AGENTS.md";
}

static void print(struct init_job *j, struct buf *notes, struct buf *warnings) {
    size_t cwd = strlen(j->cwd);
    fputs(buf_str(warnings), j->bd->err);
    for (const char *p = buf_str(notes); *p && !j->quiet;) {
        size_t n = strcspn(p, "\n");
        const char *at = strstr(p, j->cwd); /* paths are shown as seen from here */
        if (at && at < p + n && at[cwd] == '/')
            fprintf(j->bd->out, "  ✓ %.*s%.*s\n", (int)(at - p), p, (int)(p + n - at - (long)cwd - 1),
                    at + cwd + 1);
        else
            fprintf(j->bd->out, "  ✓ %.*s\n", (int)n, p);
        p += n;
        p += *p == '\n';
    }
    buf_clear(notes);
    buf_clear(warnings);
}

static const char *template_text(struct init_job *j, struct err *err) {
    const char *path = cmd_str(j->call, "agents-template");
    char *data;
    size_t size;
    if (!*path)
        return NULL;
    if (os_read_file(path, (size_t)1 << 20, &data, &size)) {
        err_errno(err, "failed to read template %s", path);
        return NULL;
    }
    const char *text = arena_strndup(&j->bd->arena, data, size);
    free(data);
    return text;
}

static bool is_bare(struct init_job *j) {
    char *text = process_git(j->cwd, (const char *const[]){"rev-parse", "--is-bare-repository", NULL});
    bool yes = text && strcmp(text, "true") == 0;
    free(text);
    return yes;
}

void init_agents(struct init_job *j) {
    static const char *const recipes[] = {"claude", "codex"};
    struct arena *a = &j->bd->arena;
    struct buf notes = BUF_INIT, warnings = BUF_INIT;
    struct err err = ERR_INIT;
    if (j->stealth || cmd_bool(j->call, "skip-agents"))
        return;
    const char *file = init_agents_file(j);
    if (is_bare(j)) {
        if (!j->quiet)
            fprintf(j->bd->out, "  Skipping %s generation in bare repository\n", file);
        return;
    }
    if (*cmd_str(j->call, "agents-file") &&
        config_file_set(j->beads_dir, "agents.file", cmd_str(j->call, "agents-file"), &err))
        cmd_warn(j->bd, "failed to persist agents.file to config: %s", err.msg);
    struct recipe_call call = {.project = j->cwd,
                               .home = getenv("HOME"),
                               .has_remote = j->sync_url != NULL,
                               .notes = &notes,
                               .warnings = &warnings};
    struct agents_text text = {strcmp(cmd_str(j->call, "agents-profile"), "full") == 0 ? AGENTS_FULL
                                                                                       : AGENTS_MINIMAL,
                               call.has_remote};
    err_clear(&err);
    const char *template = template_text(j, &err);
    if (err.code ||
        recipe_instructions(arena_printf(a, "%s/%s", j->cwd, file), template, text, &call, a, &err))
        cmd_warn(j->bd, "failed to update %s: %s", file, err.msg);
    print(j, &notes, &warnings);
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
        const struct recipe *r = recipes_find(recipes[i], NULL, a);
        if (r && recipe_install(r, &call, a, &err))
            cmd_warn(j->bd, "failed to set %s up: %s", r->title, err.msg);
        print(j, &notes, &warnings);
    }
    buf_release(&notes);
    buf_release(&warnings);
}
