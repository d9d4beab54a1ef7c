/*
 * bd init in a fork (a git remote named `upstream` exists): new issues of a contributor go to a
 * planning repository of their own, ~/.beads-planning, so that the project's workspace stays as its
 * maintainers have it.
 */
#include "bd/cmd/init.h"

#include "base/os.h"
#include "bd/ui/ink.h"
#include "bd/workspace/git.h"
#include "bd/workspace/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void init_fork_prepare(struct init_job *j) {
    struct bd *bd = j->bd;
    struct arena *a = &bd->arena;
    const char *home = getenv("HOME"), *upstream = git_setting(j->cwd, "remote.upstream.url", a);
    if (!upstream || !*upstream || !home || !*home ||
        strcmp(cmd_str(j->call, "role"), "maintainer") == 0 || cmd_bool(j->call, "contributor"))
        return;
    const char *planning = arena_printf(a, "%s/.beads-planning", home);
    if (!os_exists(planning)) {
        static const char *const argv[] = {"git", "init", NULL};
        if (os_mkdir_p(planning, 0750) ||
            process_run(&(struct process){.argv = argv, .directory = planning}) != 0 ||
            os_mkdir_p(arena_printf(a, "%s/.beads", planning), 0750)) {
            cmd_warn(bd, "failed to set up the planning repository %s: %s", planning, strerror(errno));
            return;
        }
    }
    j->upstream_url = upstream;
    j->planning_dir = planning;
    init_set(j, "routing.contributor", planning);
    init_set(j, "routing.mode", "auto");
    init_set(j, "sync.remote", "upstream");
}

/* The planning repository joins the ones that are read, unless the file lists repositories already. */
static void add_repository(struct init_job *j) {
    struct arena *a = &j->bd->arena;
    const char *path = arena_printf(a, "%s/config.yaml", j->beads_dir);
    char *text;
    size_t size;
    if (config_read_file(path, "repos.additional", a) || config_read_file(path, "repos.primary", a) ||
        os_read_file(path, (size_t)1 << 22, &text, &size))
        return;
    const char *added =
        arena_printf(a, "%s%s\nrepos:\n  primary: \".\"\n  additional:\n    - %s\n", text,
                     size && text[size - 1] != '\n' ? "\n" : "", cmd_quote(a, j->planning_dir));
    free(text);
    if (os_write_file_atomic(path, added, strlen(added), 0600))
        cmd_warn(j->bd, "failed to write %s: %s", path, strerror(errno));
}

void init_fork_finish(struct init_job *j) {
    struct bd *bd = j->bd;
    if (!j->planning_dir)
        return;
    free(process_git(j->cwd, (const char *const[]){"config", "beads.role", "contributor", NULL}));
    add_repository(j);
    if (j->quiet || !j->interactive || cmd_bool(j->call, "contributor"))
        return;
    fprintf(bd->out,
            "\n%s Fork detected — configuring contributor routing\n"
            "  upstream: %s\n\n"
            "  Issues you create go to the planning repository %s.\n"
            "  To work as a maintainer instead: bd init --role=maintainer\n",
            ink_text(&bd->arena, bd->color, INK_ACCENT, "▶"), j->upstream_url, j->planning_dir);
}
