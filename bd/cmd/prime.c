/*
 * bd prime: rules and memories for the start of an agent's session. It runs in hooks, so it never
 * fails, writes nothing to standard error, and says nothing where there is no workspace.
 */
#include "bd/cmd/prime.h"

#include "base/json_value.h"
#include "base/os.h"
#include "bd/cmd/commands.h"
#include "bd/cmd/config.h"
#include "bd/workspace/git.h"
#include "bd/workspace/process.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX ((size_t)4 << 20)
#define MEMORY_PREFIX "kv.memory."
#define BRIEF_MEMORY 150u /* bytes of a memory on one line */

static const char notice[] =
    "[bd prime] If this output is truncated by the program you run in, read the whole of it "
    "before you go on: memories and rules may stand behind the cut.\n\n";

static const char commands[] =
    "## Essential Commands\n"
    "\n"
    "Add `--json` for data instead of text.\n"
    "\n"
    "| What you want | Command |\n"
    "|---|---|\n"
    "| Work that nothing blocks | `bd ready` |\n"
    "| All open issues, or some | `bd list --status=open`, `bd search \"words\"` |\n"
    "| One issue | `bd show <id>` |\n"
    "| Take it, before you start | `bd update <id> --claim` |\n"
    "| Write down what turns up | `bd create \"Title\" -t task -p 2 -d \"why and how\"` |\n"
    "| … found while working on another | `bd create \"Title\" --deps discovered-from:<id>` |\n"
    "| One waits for another | `bd dep add <id> <other>`; `bd blocked` |\n"
    "| Done | `bd close <id> --reason \"...\"` (several ids at once are fine) |\n"
    "| Where things stand | `bd status`, `bd stale` |\n"
    "\n"
    "Types: bug, feature, task, epic, chore. Priorities: 0 (drop everything) to 4 (some day); never "
    "words.\n";

static const char rules[] =
    "## Rules\n"
    "\n"
    "- Issues are the record of the work. Do not keep task lists in files or in a tool of your own.\n"
    "- Claim an issue before you work on it, close it when the work is done and checked.\n"
    "- What you find on the way becomes an issue, linked to where you found it.\n"
    "- What should be known in later sessions: `bd remember \"...\"` (`bd memories`, `bd forget "
    "<key>`).\n"
    "- Give every issue a description that somebody who was not here understands.\n";

/* ---- where we are ---- */

static bool has_git_remote(struct bd *bd) {
    struct git_repo repo;
    if (!git_find(workspace_real_path(".", &bd->arena), &bd->arena, &repo))
        return false;
    char *out = process_git(repo.root, (const char *const[]){"remote", NULL});
    bool yes = out && *out;
    free(out);
    return yes;
}

static bool has_dolt_remote(struct bd *bd) {
    const char *remote = config_get(&bd->config, "sync.remote");
    return remote && *remote;
}

/* The MCP server of bd is set up for Claude: it explains its tools itself. */
static bool has_mcp(struct bd *bd) {
    const char *home = getenv("HOME");
    char *data;
    size_t size;
    bool yes = false;
    if (!home || os_read_file(arena_printf(&bd->arena, "%s/.claude/settings.json", home), TEXT_MAX,
                              &data, &size))
        return false;
    const struct json_value *servers =
        json_value_get(json_value_parse(data, size, &bd->arena, NULL), "mcpServers");
    if (json_value_is(servers, JSON_OBJECT))
        JSON_EACH(server, servers)
    yes = yes || strcasestr(server->key, "beads");
    free(data);
    return yes;
}

/* ---- memories ---- */

static void add_memories(struct bd *bd, bool brief, struct buf *out) {
    struct config_row *rows;
    size_t count, found = 0;
    struct err err = ERR_INIT;
    if (bd_try_open_store(bd, &err) || config_rows(bd, &rows, &count, &err))
        return;
    for (size_t i = 0; i < count; i++)
        found += strncmp(rows[i].key, MEMORY_PREFIX, sizeof MEMORY_PREFIX - 1) == 0;
    if (!found)
        return;
    if (brief)
        buf_add_str(out, "\n## Memories\n");
    else
        buf_addf(out, "\n## Persistent Memories (%zu)\n\n", found);
    for (size_t i = 0; i < count; i++) {
        const char *key = rows[i].key + sizeof MEMORY_PREFIX - 1;
        if (strncmp(rows[i].key, MEMORY_PREFIX, sizeof MEMORY_PREFIX - 1) != 0)
            continue;
        if (!brief) {
            buf_addf(out, "### %s\n%s\n\n", key, rows[i].value);
            continue;
        }
        char *line = arena_strdup(&bd->arena, rows[i].value);
        for (char *p = line; *p; p++)
            *p = *p == '\n' ? ' ' : *p;
        size_t n = strlen(line);
        if (n > BRIEF_MEMORY)
            for (n = BRIEF_MEMORY - 3;
                 n && ((unsigned char)line[n] & 0xc0) == 0x80;) /* no character is cut */
                n--;
        buf_addf(out, "- **%s**: %.*s%s\n", key, (int)n, line, line[n] ? "..." : "");
    }
}

/* ---- the end of a session ---- */

static void add_ending(struct bd *bd, struct prime_options o, struct buf *out) {
    buf_add_str(out, "\n## SESSION CLOSE PROTOCOL\n\nBefore you say that you are done:\n\n"
                     "1. `bd close <id>` for what is finished; `bd create` for what is left.\n");
    if (o.stealth)
        return;
    int n = 2;
    buf_addf(out, "%d. `git status`: know what you changed.\n", n++);
    buf_addf(out,
             "%d. Commit and publish only if you were told to, or if this project's instructions say "
             "so%s.\n",
             n++,
             has_git_remote(bd) && !config_bool(&bd->config, "no-push")
                 ? ": `git commit`, `git pull --rebase`, `git push`"
                 : ": `git commit`");
    if (has_dolt_remote(bd))
        buf_addf(out, "%d. `bd dolt push` publishes the issues, under the same condition.\n", n);
}

/* ---- the whole ---- */

static bool add_file(const char *path, struct buf *out) {
    char *data;
    size_t size;
    if (os_read_file(path, TEXT_MAX, &data, &size))
        return false;
    buf_add(out, data, size);
    free(data);
    return true;
}

/* A text of the user's: beside us, in the workspace, for all workspaces. */
static bool add_override(struct bd *bd, struct buf *out) {
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    const char *global = xdg && *xdg ? arena_printf(&bd->arena, "%s/beads/PRIME.md", xdg)
                         : home      ? arena_printf(&bd->arena, "%s/.config/beads/PRIME.md", home)
                                     : NULL;
    return add_file(".beads/PRIME.md", out) ||
           add_file(arena_printf(&bd->arena, "%s/PRIME.md", bd->ws.beads_dir), out) ||
           (global && add_file(global, out));
}

void prime_text(struct bd *bd, struct prime_options o, struct buf *out) {
    if (bd_find_workspace(bd) || !bd->ws.beads_dir || (!o.built_in && add_override(bd, out)))
        return;
    o.stealth = o.stealth || config_bool(&bd->config, "no-git-ops");
    buf_add_str(out, notice);
    if (o.part == PRIME_MEMORIES) {
        size_t before = out->size;
        add_memories(bd, false, out);
        if (out->size == before)
            buf_add_str(
                out,
                "# Beads Persistent Memories\n\nThere are none yet; `bd remember \"...\"` adds one.\n");
        return;
    }
    buf_add_str(out, "# Beads\n\nThe work of this project is tracked with bd (beads): issues with "
                     "dependencies, in a "
                     "versioned database.\n");
    if (bd->ws.redirected_from)
        buf_addf(out, "\nThe issues are those of %s, which other clones use too.\n", bd->ws.beads_dir);
    add_memories(bd, o.part == PRIME_BRIEF, out);
    if (o.part == PRIME_BRIEF) {
        buf_add_str(out, "\nStart with `ready`, claim what you take, `create` what turns up, `bd "
                         "close` what is done. No "
                         "task lists anywhere else.\n");
    } else {
        buf_add_char(out, '\n');
        buf_add_str(out, rules);
        buf_add_char(out, '\n');
        buf_add_str(out, commands);
    }
    add_ending(bd, o, out);
}

static int run(struct bd *bd, const struct cmd_call *c) {
    struct buf text = BUF_INIT, out = BUF_INIT;
    struct json_writer w;
    bool brief = cmd_bool(c, "mcp") || (!cmd_bool(c, "full") && has_mcp(bd));
    struct prime_options o = {.part = cmd_bool(c, "memories-only") ? PRIME_MEMORIES
                                      : brief                      ? PRIME_BRIEF
                                                                   : PRIME_ALL,
                              .stealth = cmd_bool(c, "stealth"),
                              .built_in = cmd_bool(c, "export")};
    prime_text(bd, o, &text);
    if (cmd_bool(c, "hook-json")) {
        json_begin(&w, &out, JSON_COMPACT);
        json_object(&w);
        json_key(&w, "hookSpecificOutput");
        json_object(&w);
        json_member_str(&w, "hookEventName", "SessionStart");
        json_member_str(&w, "additionalContext", buf_str(&text));
        json_object_end(&w);
        json_object_end(&w);
        json_end(&w);
        fprintf(bd->out, "%s\n", buf_str(&out));
    } else {
        fputs(buf_str(&text), bd->out);
    }
    buf_release(&text);
    buf_release(&out);
    return 0;
}

static const struct cmd_flag flags[] = {
    {.name = "full", .kind = FLAG_BOOL, .help = "Everything, also where bd's MCP server is set up"},
    {.name = "mcp", .kind = FLAG_BOOL, .help = "The short form, as where bd's MCP server is set up"},
    {.name = "stealth", .kind = FLAG_BOOL, .help = "Nothing about git"},
    {.name = "export", .kind = FLAG_BOOL, .help = "The built-in text, whatever PRIME.md says"},
    {.name = "memories-only", .kind = FLAG_BOOL, .help = "What was remembered, and nothing else"},
    {.name = "hook-json",
     .kind = FLAG_BOOL,
     .help = "As the answer that SessionStart hooks of agents expect"},
    {0},
};

const struct cmd cmd_prime = {
    .name = "prime",
    .use = "prime",
    .summary = "Print what an agent should know at the start of a session",
    .details =
        "Prints the rules of work with bd, what was remembered, and how a session ends. Hooks of "
        "agents run this\n"
        "(bd setup installs them). Where there is no workspace it prints nothing and succeeds.\n\n"
        "A file PRIME.md takes the place of the text: in .beads here, in the workspace's .beads, or in "
        "beads/ of the\n"
        "user's configuration folder.",
    .examples = "  bd prime\n  bd prime --export > .beads/PRIME.md",
    .group = "Setup & Configuration",
    .flags = flags,
    .cls = CMD_NO_STORE | CMD_READ_ONLY,
    .run = run,
};
