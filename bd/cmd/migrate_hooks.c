/* bd migrate hooks: shows or does what migrate/hooks.h plans. */
#include "bd/cmd/migrate.h"

#include "migrate/hooks.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *action_source(const struct hook_plan *h, struct arena *a) {
    return h->source == HOOK_FROM_OLD      ? arena_printf(a, "%s.old", h->path)
           : h->source == HOOK_FROM_BACKUP ? arena_printf(a, "%s.backup", h->path)
           : h->source == HOOK_FROM_FILE   ? h->path
                                           : "";
}

/* ---- JSON ---- */

static void plan_json(struct json_writer *w, const struct hooks_plan *p) {
    json_key(w, "plan");
    json_object(w);
    json_member_str(w, "path", p->path);
    if (p->repo_root) {
        json_member_str(w, "repo_root", p->repo_root);
        json_member_str(w, "hooks_dir", p->hooks_dir);
    }
    json_member_bool(w, "is_git_repo", p->repo_root != NULL);
    json_key(w, "hooks");
    json_array(w);
    for (size_t i = 0; i < p->count; i++) {
        const struct hook_plan *h = &p->hooks[i];
        json_object(w);
        json_member_str(w, "name", h->name);
        json_member_str(w, "hook_path", h->path);
        json_member_bool(w, "exists", h->exists);
        json_member_str(w, "marker_state", h->marker_state);
        json_member_bool(w, "legacy_bd_hook", h->legacy);
        json_member_bool(w, "has_old_sidecar", h->has_old);
        json_member_bool(w, "has_backup_sidecar", h->has_backup);
        json_member_str(w, "state", h->state);
        json_member_bool(w, "needs_migration", h->needs_migration);
        json_member_str_opt(w, "suggested_action", h->advice);
        json_member_str_opt(w, "read_error", h->read_error);
        json_object_end(w);
    }
    json_array_end(w);
    json_member_int(w, "total_hooks", HOOK_COUNT);
    json_member_int(w, "needs_migration_count", (int64_t)p->needs_migration);
    json_member_int(w, "broken_marker_count", (int64_t)p->broken);
    json_object_end(w);
}

static void operations_json(struct bd *bd, struct json_writer *w, const struct hooks_plan *p) {
    static const char *const suffixes[] = {".old", ".backup"};
    json_key(w, "operations");
    json_array(w);
    for (size_t i = 0; i < p->count; i++) {
        const struct hook_plan *h = &p->hooks[i];
        if (h->source == HOOK_KEEP || *h->blocked)
            continue;
        json_object(w);
        json_member_str(w, "action", "write_hook");
        json_member_str(w, "hook_name", h->name);
        json_member_str(w, "path", h->path);
        json_member_str_opt(w, "source_path", action_source(h, &bd->arena));
        json_member_str(w, "state", h->state);
        json_object_end(w);
    }
    for (size_t i = 0; i < p->count; i++) {
        const struct hook_plan *h = &p->hooks[i];
        if (h->source == HOOK_KEEP || *h->blocked || strcmp(h->marker_state, "broken") == 0)
            continue;
        for (size_t k = 0; k < 2; k++) {
            if (!(k ? h->has_backup : h->has_old))
                continue;
            const char *from = arena_printf(&bd->arena, "%s%s", h->path, suffixes[k]);
            json_object(w);
            json_member_str(w, "action", "retire_sidecar");
            json_member_str(w, "hook_name", h->name);
            json_member_str(w, "path", from);
            json_member_str(w, "source_path", from);
            json_member_str(w, "destination_path", arena_printf(&bd->arena, "%s.migrated", from));
            json_object_end(w);
        }
    }
    json_array_end(w);
    json_member_int(w, "operation_count", (int64_t)(p->writes + p->retires));
    json_key(w, "blocking_errors");
    json_array(w);
    for (size_t i = 0; i < p->count; i++)
        if (*p->hooks[i].blocked)
            json_str(w, p->hooks[i].blocked);
    json_array_end(w);
    json_member_int(w, "blocking_error_count", (int64_t)p->blocked);
}

static void list_json(struct json_writer *w, const char *key, const char *const *list, size_t count) {
    json_key(w, key);
    json_array(w);
    for (size_t i = 0; i < count; i++)
        json_str(w, list[i]);
    json_array_end(w);
}

static void answer_json(struct bd *bd, const struct hooks_plan *p, const struct hooks_result *r) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "status", r ? "applied" : "preview");
    json_member_bool(&w, "dry_run", !r);
    json_member_bool(&w, "apply", r != NULL);
    plan_json(&w, p);
    operations_json(bd, &w, p);
    if (r) {
        json_key(&w, "result");
        json_object(&w);
        list_json(&w, "written_hooks", r->written, r->written_count);
        list_json(&w, "retired_artifacts", r->retired, r->retired_count);
        list_json(&w, "skipped_artifacts", r->skipped, r->skipped_count);
        json_member_int(&w, "written_hook_count", (int64_t)r->written_count);
        json_member_int(&w, "retired_count", (int64_t)r->retired_count);
        json_member_int(&w, "skipped_count", (int64_t)r->skipped_count);
        json_object_end(&w);
    }
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

/* ---- text ---- */

static void say_plan(struct bd *bd, const struct hooks_plan *p, bool dry) {
    bd_say(bd, "Hook migration plan\nMode: %s\n", dry ? "dry-run" : "apply");
    if (!p->repo_root) {
        bd_say(bd, "Path: %s\nResult: not a git repository (no hook migration needed).\n", p->path);
        return;
    }
    bd_say(bd, "Repository: %s\nHooks dir: %s\nNeeds migration: %zu/%d\n", p->repo_root, p->hooks_dir,
           p->needs_migration, HOOK_COUNT);
    if (p->broken)
        bd_say(bd, "Broken markers detected: %zu\n", p->broken);
    for (size_t i = 0; i < p->count; i++) {
        const struct hook_plan *h = &p->hooks[i];
        bd_say(bd, "- %s: %s [%s]\n", h->name, h->state, h->needs_migration ? "migrate" : "no action");
        if (*h->advice)
            bd_say(bd, "  %s\n", h->advice);
        if (*h->blocked)
            bd_say(bd, "  blocked: %s\n", h->blocked);
    }
    if (!p->needs_migration)
        bd_say(bd, "No hook migration is required.\n");
    else if (dry)
        bd_say(bd, "Next: 'bd migrate hooks --apply' does it.\n");
}

static void say_result(struct bd *bd, const struct hooks_result *r) {
    bd_say(bd, "\nHook migration apply summary\n- hooks written: %zu\n- artifacts retired: %zu\n",
           r->written_count, r->retired_count);
    for (size_t i = 0; i < r->written_count; i++)
        bd_say(bd, "  %s\n", r->written[i]);
    for (size_t i = 0; i < r->retired_count; i++)
        bd_say(bd, "  %s\n", r->retired[i]);
}

static bool confirmed(struct bd *bd, const struct hooks_plan *p) {
    char answer[16] = "";
    fprintf(bd->out, "\nThis will apply %zu hook migration operation(s). Continue? (Y/n): ",
            p->writes + p->retires);
    fflush(bd->out);
    return fgets(answer, sizeof answer, stdin) && (*answer == '\n' || *answer == 'y' || *answer == 'Y');
}

/* ---- the command ---- */

static int run(struct bd *bd, const struct cmd_call *c) {
    struct err err = ERR_INIT;
    struct hooks_plan p;
    struct hooks_result r = {.written_count = 0};
    bool dry = cmd_bool(c, "dry-run"), yes = cmd_bool(c, "yes"), apply = cmd_bool(c, "apply");
    if (dry && apply)
        return cmd_fail_json_stdout(bd, "cannot use --dry-run and --apply together");
    if (yes && !apply)
        return cmd_fail_json_stdout(bd, "--yes requires --apply");
    if (!dry && !apply)
        return cmd_fail_json_stdout(bd, "must specify exactly one mode: --dry-run or --apply");
    int status = apply ? migrate_refuse_read_only(bd, "migrate hooks") : 0;
    if (status)
        return status;
    const char *path = workspace_real_path(cmd_arg_count(c) ? cmd_arg(c, 0) : ".", &bd->arena);
    if (hooks_plan(path, &bd->arena, &p, &err))
        return cmd_fail_json_stdout(bd, "building hook migration plan: %s", err.msg);
    bool works = p.writes + p.retires > 0;
    if (apply && p.blocked) {
        struct buf list = BUF_INIT;
        for (size_t i = 0; i < p.count; i++)
            if (*p.hooks[i].blocked)
                buf_addf(&list, "\n- %s", p.hooks[i].blocked);
        status = cmd_fail_json_stdout(bd, "hook migration is blocked:%s", buf_str(&list));
        buf_release(&list);
        return status;
    }
    if (apply && works && !yes && bd->json)
        return cmd_fail_json_stdout(bd, "--json with --apply requires --yes");
    if (apply && works && !yes && !isatty(STDIN_FILENO))
        return cmd_fail_json_stdout(
            bd, "--apply requires confirmation; rerun with --yes in non-interactive mode");
    if (!bd->json)
        say_plan(bd, &p, dry);
    if (apply && works && !yes && !confirmed(bd, &p)) {
        bd_say(bd, "\nMigration canceled.\n");
        return 0;
    }
    if (apply && hooks_migrate(&p, &bd->arena, &r, &err))
        return cmd_fail_json_stdout(bd, "applying hook migration: %s", err.msg);
    if (bd->json)
        answer_json(bd, &p, apply ? &r : NULL);
    else if (apply)
        say_result(bd, &r);
    return 0;
}

static const struct cmd_flag flags[] = {
    {.name = "apply", .kind = FLAG_BOOL, .help = "Do it"},
    {.name = "dry-run", .kind = FLAG_BOOL, .help = "Show what would be done, change nothing"},
    {.name = "yes", .kind = FLAG_BOOL, .help = "Ask nothing (with --apply)"},
    {0},
};

const struct cmd cmd_migrate_hooks = {
    .name = "hooks",
    .use = "hooks [path]",
    .summary = "Bring git hooks of older versions to the present form",
    .details =
        "Hooks that older versions installed become a section between two markers; what they had put "
        "aside as\n"
        "NAME.old or NAME.backup comes back around it, and the copies are kept as NAME.old.migrated. "
        "Hooks to which\n"
        "somebody added lines are named and left alone.",
    .examples = "  bd migrate hooks --dry-run\n  bd migrate hooks --apply",
    .args_max = 1,
    .flags = flags,
    .cls = CMD_NO_STORE,
    .run = run,
};
