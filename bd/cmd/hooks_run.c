/*
 * What the hooks do. A hook must never keep git from its work because of bd: everything but a failing
 * hook of the user's is at most a warning.
 */
#include "bd/cmd/hooks.h"

#include "base/os.h"
#include "bd/cmd/auto_export.h"
#include "bd/ui/text.h"
#include "bd/workspace/git.h"
#include "bd/workspace/git_hooks.h"
#include "bd/workspace/process.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_MAX ((size_t)4 << 20)
#define TRAILER "Executed-By:"

/* The program that runs now, whatever PATH says. */
static const char *this_program(struct bd *bd) {
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    return n > 0 ? arena_strndup(&bd->arena, path, (size_t)n) : "bd";
}

/* ---- <hook>.old ---- */

/* One of bd's own would call us again. */
static bool is_ours(struct bd *bd, const char *path) {
    char *text;
    size_t size;
    struct git_hook hook = {0};
    if (os_read_file(path, MESSAGE_MAX, &text, &size))
        return false;
    git_hook_classify(text, &bd->arena, &hook);
    free(text);
    return hook.is_bd;
}

static int run_old(struct bd *bd, const char *hook, const char *const *args, size_t count) {
    const char *dir = git_hooks_dir(workspace_real_path(".", &bd->arena), &bd->arena);
    const char *path = dir ? arena_printf(&bd->arena, "%s/%s.old", dir, hook) : NULL;
    struct stat st;
    if (!path || os_stat(path, &st) || !S_ISREG(st.st_mode) || !(st.st_mode & 0111) ||
        is_ours(bd, path))
        return 0;
    const char **argv = mem_zalloc(count + 2, sizeof *argv);
    argv[0] = path;
    for (size_t i = 0; i < count; i++)
        argv[i + 1] = args[i];
    fflush(bd->out);
    int status = process_run(&(struct process){
        .argv = argv, .inherit_input = true, .inherit_output = true, .inherit_error = true});
    free(argv);
    if (status >= 0)
        return status;
    fprintf(bd->err, "Warning: chained hook %s failed: %s\n", hook, strerror(errno));
    return 1;
}

/* ---- the export before a commit ---- */

static const char *setting(struct bd *bd, const char *key, const char *fallback) {
    const char *v = config_get(&bd->config, key);
    return v && *v ? v : fallback;
}

static const char *in_beads(struct bd *bd, const char *name) {
    return *name == '/' ? name : arena_printf(&bd->arena, "%s/%s", bd->ws.beads_dir, name);
}

static const char *parent_of(struct bd *bd, const char *path) {
    const char *slash = strrchr(path, '/');
    return arena_strndup(&bd->arena, path, slash > path ? (size_t)(slash - path) : 1);
}

/* Asked with the variables that git gave the hook: they name the index of this very commit. */
static bool beads_is_staged(void) {
    char *out = process_git(
        NULL, (const char *const[]){"diff", "--cached", "--name-only", "--", ":/.beads", NULL});
    bool yes = out && *out;
    free(out);
    return yes;
}

static void export_for_commit(struct bd *bd) {
    if (!config_bool(&bd->config, "export.auto") || !bd->ws.beads_dir || !beads_is_staged())
        return;
    const char *path = in_beads(bd, setting(bd, "export.path", "issues.jsonl"));
    auto_export_warn_without_remote(bd, "pre-commit auto-export");
    fflush(bd->err);
    unsetenv("BD_GIT_HOOK"); /* for the program that is started, and so that it stages nothing itself */
    const char *argv[] = {this_program(bd), "export", "-o", path, NULL};
    int status = process_run(&(struct process){
        .argv = argv, .directory = parent_of(bd, bd->ws.beads_dir), .inherit_error = true});
    if (status)
        fprintf(bd->err, "beads: pre-commit export warning: bd export ended with status %d\n", status);
    else if (config_bool(&bd->config, "export.git-add") && !config_bool(&bd->config, "no-git-ops"))
        auto_export_stage(bd, path, true);
}

/* ---- the import after a merge or a change of branch ---- */

static void import_for_sync(struct bd *bd, const char *hook) {
    const char *remote = config_get(&bd->config, "sync.remote"), *name;
    struct buf said = BUF_INIT;
    struct stat st;
    if (!config_bool(&bd->config, "import.auto") || (remote && *remote) || !bd->ws.beads_dir)
        return;
    bool given = config_source_of(&bd->config, "import.path") > CONFIG_DEFAULT;
    name =
        given ? setting(bd, "import.path", "issues.jsonl") : setting(bd, "export.path", "issues.jsonl");
    const char *path = in_beads(bd, name);
    if (os_stat(path, &st) || st.st_size == 0)
        return;
    auto_export_warn_without_remote(bd, arena_printf(&bd->arena, "%s JSONL import", hook));
    fflush(bd->err);
    unsetenv("BD_GIT_HOOK");
    const char *argv[] = {this_program(bd), "import", "--quiet", path, NULL};
    int status = process_run(&(struct process){
        .argv = argv, .directory = parent_of(bd, bd->ws.beads_dir), .output = &said, .error = &said});
    if (status && !strstr(buf_str(&said), "nothing to commit"))
        fprintf(bd->err, "beads: %s import warning: bd import ended with status %d\n%s", hook, status,
                buf_str(&said));
    buf_release(&said);
}

/* ---- the trailer in commit messages ---- */

static void add_trailer(struct bd *bd, const char *const *args, size_t count) {
    const char *actor = getenv("BD_ACTOR");
    char *text;
    size_t size;
    if (count < 1 || (count > 1 && strcmp(args[1], "merge") == 0) || !actor || !*actor)
        return;
    if (os_read_file(args[0], MESSAGE_MAX, &text, &size)) {
        fprintf(bd->err, "Warning: could not read commit message: %s\n", strerror(errno));
        return;
    }
    bool there = strncmp(text, TRAILER, sizeof TRAILER - 1) == 0 || strstr(text, "\n" TRAILER);
    while (size && isspace((unsigned char)text[size - 1]))
        size--;
    struct buf out = BUF_INIT;
    buf_add(&out, text, size);
    buf_addf(&out, "\n\n" TRAILER " %.*s\n", (int)strcspn(actor, "\r\n"), actor);
    free(text);
    struct stat st;
    mode_t mode = os_stat(args[0], &st) == 0 ? st.st_mode & 0777 : 0600;
    if (!there && os_write_file_atomic(args[0], out.data, out.size, mode))
        fprintf(bd->err, "Warning: could not write commit message: %s\n", strerror(errno));
    buf_release(&out);
}

int hooks_run_hook(struct bd *bd, const struct cmd_call *c) {
    const char *hook = cmd_arg(c, 0);
    const char *const *args = cmd_args(c) + 1;
    size_t count = cmd_arg_count(c) - 1;
    bool known = false;
    for (size_t i = 0; i < GIT_HOOK_COUNT; i++)
        known = known || strcmp(hook, git_hook_names[i]) == 0;
    if (!known)
        return cmd_fail(bd, "unknown hook: %s", hook);
    setenv("BD_GIT_HOOK", "1", 1); /* for what the user's hook calls */
    bd->color = false;
    int status = run_old(bd, hook, args, count);
    if (status || bd_find_workspace(bd))
        return status;
    if (strcmp(hook, "pre-commit") == 0)
        export_for_commit(bd);
    else if (strcmp(hook, "post-merge") == 0 ||
             (strcmp(hook, "post-checkout") == 0 && count >= 3 && strcmp(args[2], "1") == 0))
        import_for_sync(bd, hook);
    else if (strcmp(hook, "prepare-commit-msg") == 0)
        add_trailer(bd, args, count);
    return 0;
}
