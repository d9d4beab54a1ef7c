/* bd hooks: the git hooks of this repository. What a hook does is in hooks_run.c. */
#include "bd/cmd/hooks.h"

#include "base/version.h"
#include "bd/cmd/commands.h"
#include "bd/workspace/git_hooks.h"

#include <string.h>

/* Lines for both streams, then the answer. */
static void tell(struct bd *bd, struct buf *notes, struct buf *warnings) {
    fputs(buf_str(warnings), bd->err);
    if (!bd->json && !bd->quiet)
        fputs(buf_str(notes), bd->out);
    buf_release(notes);
    buf_release(warnings);
}

/* Upstream prints these answers without schema_version. */
static void answer_begin(struct json_writer *w, struct buf *out) {
    json_begin(w, out, JSON_SORT_KEYS);
    json_object(w);
}

static void answer_end(struct bd *bd, struct json_writer *w, struct buf *out) {
    json_object_end(w);
    json_end(w);
    fprintf(bd->out, "%s\n", buf_str(out));
    buf_release(out);
}

static int run_install(struct bd *bd, const struct cmd_call *c) {
    struct buf notes = BUF_INIT, warnings = BUF_INIT, out = BUF_INIT;
    struct err err = ERR_INIT;
    struct json_writer w;
    bool beads = cmd_bool(c, "beads"), shared = cmd_bool(c, "shared") && !beads;
    struct git_hooks_request rq = {
        .directory = workspace_real_path(".", &bd->arena),
        .place = beads    ? GIT_HOOKS_BEADS
                 : shared ? GIT_HOOKS_SHARED
                          : GIT_HOOKS_GIT,
        .notes = &notes,
        .warnings = &warnings,
    };
    if (bd_find_workspace(bd))
        return 1;
    rq.beads_dir = bd->ws.beads_dir;
    if (beads && !rq.beads_dir)
        return cmd_fail_json_stdout(
            bd, "installing hooks: no beads workspace found here; run 'bd init' first");
    int rc = git_hooks_install(&rq, &err);
    tell(bd, &notes, &warnings);
    if (rc)
        return cmd_fail_json_stdout(bd, "installing hooks: %s", err.msg);
    if (bd->json) {
        answer_begin(&w, &out);
        json_member_bool(&w, "success", true);
        json_member_str(&w, "message", "Git hooks installed successfully");
        json_member_bool(&w, "shared", cmd_bool(c, "shared"));
        json_member_bool(&w, "chained", cmd_bool(c, "chain"));
        json_member_bool(&w, "beadsHooks", beads);
        answer_end(bd, &w, &out);
        return 0;
    }
    fprintf(bd->out, "✓ Git hooks installed successfully\n\n");
    if (beads)
        fprintf(bd->out,
                "Hooks installed to: .beads/hooks/\nGit config set: core.hooksPath=.beads/hooks\n\n");
    else if (shared)
        fprintf(bd->out,
                "Hooks installed to: .beads-hooks/\nGit config set: core.hooksPath=.beads-hooks\n\n"
                "⚠️  Others get them once .beads-hooks/ is committed.\n\n");
    fprintf(bd->out, "Installed hooks:\n");
    for (const char *const *name = git_hook_names; *name; name++)
        fprintf(bd->out, "  - %s\n", *name);
    return 0;
}

static int run_uninstall(struct bd *bd, const struct cmd_call *c) {
    struct buf notes = BUF_INIT, warnings = BUF_INIT, out = BUF_INIT;
    struct err err = ERR_INIT;
    struct json_writer w;
    (void)c;
    if (bd_find_workspace(bd))
        return 1;
    struct git_hooks_request rq = {.directory = workspace_real_path(".", &bd->arena),
                                   .beads_dir = bd->ws.beads_dir,
                                   .notes = &notes,
                                   .warnings = &warnings};
    int rc = git_hooks_uninstall(&rq, &err);
    tell(bd, &notes, &warnings);
    if (rc)
        return cmd_fail_json_stdout(bd, "uninstalling hooks: %s", err.msg);
    if (bd->json) {
        answer_begin(&w, &out);
        json_member_bool(&w, "success", true);
        json_member_str(&w, "message", "Git hooks uninstalled successfully");
        answer_end(bd, &w, &out);
    } else {
        fprintf(bd->out, "✓ Git hooks uninstalled successfully\n");
    }
    return 0;
}

static int run_list(struct bd *bd, const struct cmd_call *c) {
    struct git_hook hooks[GIT_HOOK_COUNT];
    struct buf out = BUF_INIT;
    struct json_writer w;
    (void)c;
    git_hooks_list(workspace_real_path(".", &bd->arena), &bd->arena, hooks);
    if (bd->json) {
        json_begin(&w, &out, 0);
        json_object(&w);
        json_key(&w, "hooks");
        json_array(&w);
        for (size_t i = 0; i < GIT_HOOK_COUNT; i++) {
            json_object(&w);
            json_member_str(&w, "Name", hooks[i].name);
            json_member_bool(&w, "Installed", hooks[i].installed);
            json_member_str(&w, "Version", hooks[i].version);
            json_member_bool(&w, "IsShim", hooks[i].is_shim);
            json_member_bool(&w, "Outdated", hooks[i].outdated);
            json_object_end(&w);
        }
        json_array_end(&w);
        answer_end(bd, &w, &out);
        return 0;
    }
    fprintf(bd->out, "Git hooks status:\n");
    for (size_t i = 0; i < GIT_HOOK_COUNT; i++) {
        const struct git_hook *h = &hooks[i];
        if (!h->installed)
            fprintf(bd->out, "  ✗ %s: not installed\n", h->name);
        else if (h->is_shim)
            fprintf(bd->out, "  ✓ %s: installed (shim %s)\n", h->name, h->version);
        else if (h->outdated)
            fprintf(bd->out, "  ⚠ %s: installed (version %s, current: %s) - outdated\n", h->name,
                    h->version, BD_VERSION);
        else
            fprintf(bd->out, "  ✓ %s: installed (version %s)\n", h->name, h->version);
    }
    return 0;
}

static const struct cmd_flag install_flags[] = {
    {.name = "force",
     .kind = FLAG_BOOL,
     .help = "Accepted for old scripts: foreign hooks are always kept"},
    {.name = "shared",
     .kind = FLAG_BOOL,
     .help = "Put them into .beads-hooks/, which can be committed"},
    {.name = "chain",
     .kind = FLAG_BOOL,
     .help = "Accepted for old scripts: hooks that are there run too"},
    {.name = "beads", .kind = FLAG_BOOL, .help = "Put them into .beads/hooks/, as bd init does"},
    {0},
};

static const struct cmd hooks_install = {
    .name = "install",
    .use = "install [flags]",
    .summary = "Install or renew the hooks",
    .details = "Adds a marked section to each hook where git looks for hooks now. What is in the files "
               "already stays "
               "and still runs.\n"
               "With --beads or --shared git is told to look elsewhere, and the present hooks are "
               "copied there.",
    .flags = install_flags,
    .cls = CMD_NO_STORE | CMD_WRITES,
    .readonly_label = "hooks install",
    .run = run_install,
};
static const struct cmd hooks_uninstall = {
    .name = "uninstall",
    .use = "uninstall",
    .summary = "Take bd's section out of the hooks",
    .details = "Takes bd's section out of each hook and deletes hooks that held nothing else. "
               "core.hooksPath is unset "
               "when bd had set it.",
    .cls = CMD_NO_STORE | CMD_WRITES,
    .readonly_label = "hooks uninstall",
    .run = run_uninstall,
};
static const struct cmd hooks_list = {
    .name = "list",
    .use = "list",
    .summary = "Show which hooks are installed",
    .cls = CMD_NO_STORE,
    .run = run_list,
};
static const struct cmd hooks_run = {
    .name = "run",
    .use = "run <hook-name> [args...]",
    .summary = "Do what a hook is for (the hooks call this)",
    .details = "First the hook named <hook-name>.old beside the hook runs, if there is one; when it "
               "fails, so does this.\n\n"
               "  pre-commit          writes the export if export.auto is on and something in .beads "
               "is staged\n"
               "  post-merge          imports the JSONL file if import.auto is on and there is no "
               "sync.remote\n"
               "  post-checkout       the same after a change of branch\n"
               "  prepare-commit-msg  adds 'Executed-By: $BD_ACTOR' where BD_ACTOR is set\n"
               "  pre-push            nothing more",
    .args_min = 1,
    .args_max = -1,
    .cls = CMD_NO_STORE,
    .run = hooks_run_hook,
};
static const struct cmd *const children[] = {&hooks_install, &hooks_list, &hooks_run, &hooks_uninstall,
                                             NULL};

const struct cmd cmd_hooks = {
    .name = "hooks",
    .use = "hooks",
    .summary = "Manage the git hooks that call bd",
    .examples = "  bd hooks install\n  bd hooks list --json",
    .group = "Setup & Configuration",
    .children = children,
    .cls = CMD_NO_STORE,
};
