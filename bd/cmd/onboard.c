/* bd onboard and bd quickstart: texts for somebody who is new. */
#include "bd/cmd/commands.h"
#include "bd/workspace/agents.h"

static int run_onboard(struct bd *bd, const struct cmd_call *c) {
    (void)c;
    if (bd_find_workspace(bd))
        return 1;
    const char *remote = config_get(&bd->config, "sync.remote");
    struct agents_text text = {AGENTS_MINIMAL, remote && *remote};
    fprintf(bd->out,
            "Put this into AGENTS.md (or what your agent reads), so that it knows of bd:\n\n"
            "--- BEGIN AGENTS.MD CONTENT ---\n"
            "%s\n"
            "--- END AGENTS.MD CONTENT ---\n\n"
            "'bd setup <agent>' does that for you, 'bd setup --list' names the agents, and 'bd prime' "
            "prints what they\n"
            "read at the start of a session.\n",
            agents_body(text, &bd->arena));
    return 0;
}

const struct cmd cmd_onboard = {
    .name = "onboard",
    .use = "onboard",
    .summary = "Print the lines about bd for AGENTS.md",
    .group = "Setup & Configuration",
    .cls = CMD_NO_STORE | CMD_READ_ONLY,
    .run = run_onboard,
};

static const char quickstart[] =
    "bd - Dependency-Aware Issue Tracker\n"
    "\n"
    "Issues live beside the code, in a database with a history. Each may wait for others.\n"
    "\n"
    "START\n"
    "  bd init                          a workspace in this directory\n"
    "  bd init --prefix api             ids like api-a3f2\n"
    "\n"
    "ISSUES\n"
    "  bd create \"Fix login bug\"\n"
    "  bd create \"Add sign-in\" -p 0 -t feature -d \"With passkeys\"\n"
    "  bd list --status open            also --priority, --type, --assignee\n"
    "  bd show api-a3f2\n"
    "  bd update api-a3f2 --claim       it is yours and in progress\n"
    "  bd close api-a3f2 --reason \"Released\"\n"
    "\n"
    "DEPENDENCIES\n"
    "  bd dep add api-1 api-2           api-1 waits for api-2\n"
    "  bd dep tree api-1\n"
    "  bd ready                         what waits for nothing: pick from here\n"
    "  bd blocked                       what waits, and for what\n"
    "\n"
    "  Kinds: blocks (waits), parent-child (part of), discovered-from (found on the way), related.\n"
    "  Only the first two keep an issue out of 'bd ready'.\n"
    "\n"
    "AGENTS\n"
    "  bd prime                         what an agent should know at the start of a session\n"
    "  bd setup --list                  agents and editors that bd can be made known to\n"
    "  --json                           data instead of text, with every command\n"
    "\n"
    "THE DATABASE\n"
    "  .beads/embeddeddolt holds it; 'bd export' writes JSONL, 'bd import' reads it, 'bd dolt push' "
    "publishes it.\n";

static int run_quickstart(struct bd *bd, const struct cmd_call *c) {
    (void)c;
    fputs(quickstart, bd->out);
    return 0;
}

const struct cmd cmd_quickstart = {
    .name = "quickstart",
    .use = "quickstart",
    .summary = "The first steps, on one page",
    .group = "Setup & Configuration",
    .cls = CMD_NO_STORE | CMD_READ_ONLY,
    .run = run_quickstart,
};
