/* bd link: bd dep add under a shorter name. */
#include "bd/cmd/commands.h"
#include "bd/cmd/dep.h"

static int run(struct bd *bd, const struct cmd_call *c) {
    struct dep_edge e = {
        .from = cmd_arg(c, 0), .to = cmd_arg(c, 1), .type = cmd_str(c, "type"), .command = "link"};
    int status = dep_add_edge(bd, &e);
    if (status)
        return status;
    bd_touch(bd, e.from_id);
    if (bd->json)
        dep_json_edge(bd, "added", e.from_id, e.to_id, e.type);
    else
        write_success(bd, "Linked: %s depends on %s (%s)",
                      write_feedback_paren(bd, e.from_id, write_title(bd, e.from_id)),
                      write_feedback_paren(bd, e.to_id, write_title(bd, e.to_id)), e.type);
    return 0;
}

static const struct cmd_flag flags[] = {
    {.name = "type",
     .shorthand = 't',
     .kind = FLAG_STRING,
     .default_text = "blocks",
     .help = "Kind of the dependency (blocks, tracks, related, parent-child, discovered-from …)"},
    {0},
};

const struct cmd cmd_link = {
    .name = "link",
    .use = "link <id1> <id2>",
    .summary = "Make an issue depend on another",
    .details = "The same as 'bd dep add <id1> <id2>': the second blocks the first, unless --type says "
               "otherwise.",
    .examples = "  bd link bd-1 bd-2\n  bd link bd-1 bd-2 --type related",
    .group = "Working With Issues",
    .args_min = 2,
    .args_max = 2,
    .flags = flags,
    .cls = CMD_WRITES | CMD_BRIEF,
    .run = run,
};
