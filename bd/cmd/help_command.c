/* bd help [command…]: the same text as `bd command --help`. */
#include "bd/cmd/commands.h"
#include "bd/cmd/parse.h"

#include <string.h>

static int run(struct bd *bd, const struct cmd_call *call) {
    struct cmd_call of;
    struct err err = ERR_INIT;
    size_t n = cmd_arg_count(call);
    char **words = arena_alloc(&bd->arena, (n + 3) * sizeof *words);
    words[0] = arena_strdup(&bd->arena, "bd");
    for (size_t i = 0; i < n; i++)
        words[i + 1] = arena_strdup(&bd->arena, cmd_arg(call, i));
    words[n + 1] = NULL;
    if (cmd_parse(&bd->arena, &cmd_root, (int)n + 1, words, &of, &err))
        return cmd_fail(bd, "%s", err.msg);
    if (of.arg_count)
        return cmd_fail_hint(bd, "run 'bd help' for the list of commands", "no help for %s: there is no such command",
                             cmd_quote(&bd->arena, of.args[0]));
    struct buf text = BUF_INIT;
    cmd_help(&text, &of);
    fwrite(buf_str(&text), 1, text.size, bd->out);
    buf_release(&text);
    return 0;
}

const struct cmd cmd_help_command = {
    .name = "help",
    .use = "help [command…]",
    .summary = "Explain a command",
    .args_max = -1,
    .cls = CMD_NO_STORE,
    .run = run,
};
