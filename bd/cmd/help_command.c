/* bd help [command…]: the text of `bd command --help`; for all commands in one document with --all. */
#include "bd/cmd/commands.h"
#include "bd/cmd/parse.h"

#include <ctype.h>
#include <string.h>

/* The call that stands for a command itself: its chain and path, without arguments. */
static void call_of(struct arena *a, const struct cmd *const *chain, size_t depth,
                    struct cmd_call *out) {
    char *words[CMD_DEPTH_MAX + 1];
    for (size_t i = 0; i < depth; i++)
        words[i] = arena_strdup(a, chain[i]->name);
    words[depth] = NULL;
    cmd_parse(a, &cmd_root, (int)depth, words, out, NULL);
}

static void add_document(struct buf *out, struct arena *a, const struct cmd **chain, size_t depth,
                         unsigned level) {
    struct cmd_call call;
    call_of(a, chain, depth, &call);
    for (unsigned i = 0; i < level; i++)
        buf_add_char(out, '#');
    buf_addf(out, " %s\n\n```\n", call.path);
    cmd_help(out, &call);
    buf_add_str(out, "```\n\n");
    const struct cmd *const *kids = cmd_sorted_children(a, chain[depth - 1]);
    for (size_t i = 0; kids[i] && depth < CMD_DEPTH_MAX; i++) {
        chain[depth] = kids[i];
        add_document(out, a, chain, depth + 1, level + 1);
    }
}

static void add_everything(struct buf *out, struct arena *a) {
    const struct cmd *chain[CMD_DEPTH_MAX] = {&cmd_root};
    const struct cmd *const *all = cmd_sorted_children(a, &cmd_root);
    buf_add_str(out, "# bd — Complete Command Reference\n\n## Table of Contents\n\n");
    for (size_t i = 0; all[i]; i++)
        buf_addf(out, "- [bd %s](#bd-%s) — %s\n", all[i]->name, all[i]->name,
                 all[i]->summary ? all[i]->summary : "");
    buf_add_char(out, '\n');
    for (size_t i = 0; all[i]; i++) {
        chain[1] = all[i];
        add_document(out, a, chain, 2, 2);
    }
}

static void add_names(struct buf *out, struct arena *a) {
    const struct cmd *const *all = cmd_sorted_children(a, &cmd_root);
    for (size_t i = 0; all[i]; i++)
        buf_addf(out, "%s\n", all[i]->name);
}

/* Reads "mol pour" and further words as one command; *of is then its call. 1 when there is no such
 * command. */
static int find(struct bd *bd, const char *path, const struct cmd_call *call, struct cmd_call *of) {
    char *words[CMD_DEPTH_MAX + 2], *rest = arena_strdup(&bd->arena, path ? path : ""), *word;
    struct err err = ERR_INIT;
    size_t n = 0;
    words[n++] = arena_strdup(&bd->arena, "bd");
    while ((word = strsep(&rest, " ")) && n <= CMD_DEPTH_MAX)
        if (*word)
            words[n++] = word;
    for (size_t i = 0; i < cmd_arg_count(call) && n <= CMD_DEPTH_MAX; i++)
        words[n++] = arena_strdup(&bd->arena, cmd_arg(call, i));
    words[n] = NULL;
    if (cmd_parse(&bd->arena, &cmd_root, (int)n, words, of, &err))
        return cmd_fail(bd, "%s", err.msg);
    if (of->arg_count)
        return cmd_fail_hint(bd, "run 'bd help' for the list of commands",
                             "no help for %s: there is no such command",
                             cmd_quote(&bd->arena, of->args[0]));
    return 0;
}

static void add_page(struct buf *out, struct arena *a, const struct cmd_call *of) {
    const struct cmd *chain[CMD_DEPTH_MAX];
    memcpy(chain, of->chain, of->depth * sizeof *chain);
    const char *name = strchr(of->path, ' ') ? strchr(of->path, ' ') + 1 : of->path;
    char *id = arena_strdup(a, name);
    for (char *p = id; *p; p++)
        *p = isalnum((unsigned char)*p) ? (char)tolower((unsigned char)*p) : '-';
    buf_addf(out,
             "---\nid: %s\ntitle: bd %s\nslug: /cli-reference/%s\n---\n\nGenerated from `bd help --doc "
             "%s`\n\n",
             id, name, id, name);
    add_document(out, a, chain, of->depth, 2);
}

static int run(struct bd *bd, const struct cmd_call *call) {
    struct cmd_call of;
    struct buf text = BUF_INIT;
    const char *page = cmd_given(call, "doc") ? cmd_str(call, "doc") : NULL;
    if (cmd_bool(call, "list")) {
        add_names(&text, &bd->arena);
    } else if (cmd_bool(call, "all") && !page) {
        add_everything(&text, &bd->arena);
    } else {
        if (find(bd, page, call, &of))
            return 1;
        if (page && of.depth < 2)
            return cmd_fail(bd, "--doc needs the name of a command");
        if (page)
            add_page(&text, &bd->arena, &of);
        else
            cmd_help(&text, &of);
    }
    fwrite(buf_str(&text), 1, text.size, bd->out);
    buf_release(&text);
    return 0;
}

const struct cmd cmd_help_command = {
    .name = "help",
    .use = "help [command]",
    .summary = "Explain a command",
    .args_max = -1,
    .flags =
        (const struct cmd_flag[]){
            {.name = "all", .kind = FLAG_BOOL, .help = "All commands in one document"},
            {.name = "list", .kind = FLAG_BOOL, .help = "Names of all commands"},
            {.name = "doc",
             .kind = FLAG_STRING,
             .help = "One command as a page in Markdown",
             .value_name = "command"},
            {0},
        },
    .cls = CMD_NO_STORE,
    .run = run,
};
