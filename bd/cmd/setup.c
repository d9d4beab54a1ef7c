/* bd setup: tells coding agents and editors of bd, by recipes (bd/workspace/recipes.h). */
#include "bd/cmd/commands.h"
#include "bd/workspace/recipes.h"

#include "base/os.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int list(struct bd *bd) {
    size_t count;
    const struct recipe *all = recipes_all(bd->ws.beads_dir, &bd->arena, &count);
    fprintf(bd->out, "Available recipes:\n\n");
    for (size_t i = 0; i < count; i++)
        fprintf(bd->out, "  %-12s  %-25s  (%s)\n", all[i].name, all[i].summary,
                all[i].by_user ? "user" : "built-in");
    fprintf(bd->out, "\n");
    if (!bd->ws.beads_dir)
        fprintf(bd->out, "There is no workspace here, so recipes of a workspace are not listed.\n\n");
    fprintf(bd->out, "Use 'bd setup <recipe>' to install.\nUse 'bd setup --add <name> <path>' to add a "
                     "custom recipe.\n");
    return 0;
}

static int write_rules(struct bd *bd, const char *path) {
    const char *slash = strrchr(path, '/');
    if (os_exists(path))
        return cmd_fail(bd, "%s exists already; nothing was written", path);
    if (slash && slash > path &&
        os_mkdir_p(arena_strndup(&bd->arena, path, (size_t)(slash - path)), 0755) && errno != EEXIST)
        return cmd_fail(bd, "create directory: %s", strerror(errno));
    if (os_write_file_through(path, agents_rules, strlen(agents_rules), 0644))
        return cmd_fail(bd, "write file: %s", strerror(errno));
    fprintf(bd->out, "✓ Wrote template to %s\n", path);
    return 0;
}

static int add(struct bd *bd, const struct cmd_call *c) {
    const char *name = cmd_str(c, "add");
    struct err err = ERR_INIT;
    if (cmd_arg_count(c) != 1)
        return cmd_fail_hint(bd, "Usage: bd setup --add <name> <path>",
                             "--add requires a path argument");
    if (!bd->ws.beads_dir)
        return cmd_fail(bd, "no beads workspace found here; run 'bd init' first");
    if (recipes_add(bd->ws.beads_dir, name, cmd_arg(c, 0), &err))
        return cmd_fail(bd, "%s", err.msg);
    fprintf(bd->out,
            "✓ Added recipe '%s' → %s\n  Config: %s/recipes.toml\n\nInstall with: bd setup %s\n", name,
            cmd_arg(c, 0), bd->ws.beads_dir, name);
    return 0;
}

/* The lines of *text, indented, for people. */
static void print_lines(FILE *out, struct buf *text, const char *indent) {
    for (const char *p = buf_str(text); *p;) {
        size_t n = strcspn(p, "\n");
        fprintf(out, "%s%.*s\n", indent, (int)n, p);
        p += n;
        p += *p == '\n';
    }
}

static int walk(struct bd *bd, const struct cmd_call *c, const struct recipe *r, bool global) {
    struct buf notes = BUF_INIT, warnings = BUF_INIT;
    struct err err = ERR_INIT;
    const char *remote = config_get(&bd->config, "sync.remote");
    struct recipe_call call = {.project = workspace_real_path(".", &bd->arena),
                               .home = getenv("HOME"),
                               .global = global,
                               .stealth = cmd_bool(c, "stealth"),
                               .has_remote = remote && *remote,
                               .notes = &notes,
                               .warnings = &warnings};
    bool check = cmd_bool(c, "check"), remove = cmd_bool(c, "remove");
    int status = 0, rc = check    ? recipe_check(r, &call, &bd->arena, &err)
                         : remove ? recipe_remove(r, &call, &bd->arena, &err)
                                  : recipe_install(r, &call, &bd->arena, &err);
    fputs(buf_str(&warnings), bd->err);
    if (check && rc == BD_NOT_FOUND) {
        if (r->count > 1) /* which of its files it is */
            print_lines(bd->out, &notes, "");
        status = cmd_fail_hint(
            bd, arena_printf(&bd->arena, "Run: bd setup %s%s", r->name, global ? " --global" : ""),
            "%s integration not installed", r->title);
    } else if (remove && rc == BD_NOT_FOUND) {
        fprintf(bd->out, "No integration files found\n");
    } else if (rc) {
        status = cmd_fail(bd, "%s", err.msg);
    } else {
        fprintf(bd->out, "✓ %s integration %s\n", r->title, remove ? "removed" : "installed");
        print_lines(bd->out, &notes, "  ");
    }
    buf_release(&notes);
    buf_release(&warnings);
    return status;
}

static int run(struct bd *bd, const struct cmd_call *c) {
    if (bd_find_workspace(bd))
        return 1;
    if (cmd_bool(c, "list"))
        return list(bd);
    if (cmd_bool(c, "print")) {
        fputs(agents_rules, bd->out);
        return 0;
    }
    if (*cmd_str(c, "output"))
        return write_rules(bd, cmd_str(c, "output"));
    if (*cmd_str(c, "add"))
        return add(bd, c);
    if (cmd_arg_count(c) == 0)
        return list(bd);
    const struct recipe *r = recipes_find(cmd_arg(c, 0), bd->ws.beads_dir, &bd->arena);
    if (!r)
        return cmd_fail_hint(
            bd, "Use 'bd setup --list' to see available recipes.", "unknown recipe: %s%s",
            cmd_arg(c, 0),
            bd->ws.beads_dir ? "" : " (recipes of a workspace are known only inside of one)");
    if (!cmd_bool(c, "global"))
        return walk(bd, c, r, false);
    int status = cmd_bool(c, "project") ? walk(bd, c, r, false) : 0;
    return status ? status : walk(bd, c, r, true);
}

static const struct cmd_flag flags[] = {
    {.name = "list", .kind = FLAG_BOOL, .help = "Show all recipes"},
    {.name = "print", .kind = FLAG_BOOL, .help = "Print the rules that files of a recipe hold"},
    {.name = "output", .shorthand = 'o', .kind = FLAG_STRING, .help = "Write them to this new file"},
    {.name = "add",
     .kind = FLAG_STRING,
     .help = "Save a recipe of this name in the workspace; the argument is its file"},
    {.name = "check", .kind = FLAG_BOOL, .help = "Is it installed and current? (exit status 1: no)"},
    {.name = "remove", .kind = FLAG_BOOL, .help = "Take out what the recipe put there"},
    {.name = "project", .kind = FLAG_BOOL, .help = "In this project (with --global: too)"},
    {.name = "global", .kind = FLAG_BOOL, .help = "For all projects of this user"},
    {.name = "stealth", .kind = FLAG_BOOL, .help = "Hooks that leave git alone"},
    {0},
};

const struct cmd cmd_setup = {
    .name = "setup",
    .use = "setup [recipe]",
    .summary = "Tell coding agents and editors of bd",
    .details = "A recipe knows which files an agent or editor reads. In files that are yours only a "
               "marked section, or the\n"
               "hooks that call bd, are written; what you wrote stays.",
    .examples = "  bd setup claude\n  bd setup codex --global\n  bd setup cursor --check\n"
                "  bd setup --add myeditor .myeditor/rules.md",
    .group = "Setup & Configuration",
    .args_max = 1,
    .flags = flags,
    .cls = CMD_NO_STORE,
    .run = run,
};
