/* bd dolt: the commit point of batch mode, and what a server would do in the other modes. */
#include "base/os.h"
#include "bd/cmd/commands.h"
#include "bd/cmd/dolt_remote.h"
#include "bd/cmd/dolt_sync.h"
#include "bd/ops/history.h"
#include "store/db/repo_state.h"
#include "store/remote/remote.h"

#include <string.h>

/* ---- commit ---- */

static int nothing(struct tables_txn *x, void *ctx, struct err *err) {
    (void)x, (void)ctx, (void)err;
    return BD_OK;
}

static int run_commit(struct bd *bd, const struct cmd_call *c) {
    const char *message = cmd_str(c, "message");
    struct err err = ERR_INIT;
    struct hash commit = HASH_ZERO;
    struct json_writer w;
    struct buf out = BUF_INIT;
    if (!*message)
        message = bd_auto_commit_message(bd, "dolt commit", NULL, 0);
    struct tables_write write = {.mode = TABLES_COMMIT, .message = message};
    if (tables_write(bd->ops.tables, &write, nothing, NULL, &commit, &err) != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    bool made = !hash_is_zero(&commit);
    if (!bd->json) {
        fputs(made ? "Committed.\n" : "Nothing to commit.\n", bd->out);
        return 0;
    }
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_bool(&w, "committed", made);
    if (made)
        json_member_str(&w, "hash", history_hash(&commit, &bd->arena));
    json_member_str(&w, "message", made ? message : "nothing to commit");
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 0;
}

static const struct cmd_flag commit_flags[] = {
    {.name = "message", .shorthand = 'm', .kind = FLAG_STRING, .help = "The commit message"},
    {0},
};
static const struct cmd cmd_dolt_commit = {
    .name = "commit",
    .use = "commit [flags]",
    .summary = "Commit what earlier commands left uncommitted",
    .details = "The commit point where dolt.auto-commit is off or batch. 'bd vc commit' is the same "
               "with a message that\n"
               "must be given.",
    .examples = "  bd dolt commit\n  bd dolt commit -m \"Plan the release\"",
    .args_max = -1,
    .flags = commit_flags,
    .cls = CMD_WRITES,
    .readonly_label = "dolt commit",
    .run = run_commit,
};

/* ---- status ---- */

static bool is_server(const struct bd *bd) {
    return strcmp(bd->ws.mode ? bd->ws.mode : "", "server") == 0;
}

static int run_status(struct bd *bd, const struct cmd_call *c) {
    struct json_writer w;
    struct buf out = BUF_INIT;
    (void)c;
    if (!bd->ws.beads_dir)
        return cmd_fail_hint(bd, cmd_hint_no_workspace, "no active beads workspace found");
    if (is_server(bd))
        return cmd_fail(bd,
                        "'bd dolt status' of a workspace with a server is not built into this bd yet");
    const char *dir = arena_printf(&bd->arena, "%s/embeddeddolt", bd->ws.beads_dir);
    bool exists = os_is_dir(dir);
    if (!bd->json) {
        fprintf(bd->out, "Dolt engine: embedded (in-process, no server)\n  Data: %s\n", dir);
        if (!exists)
            fputs("  There is no such directory yet: 'bd init' makes it\n", bd->out);
        return 0;
    }
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "mode", "embedded");
    json_member_bool(&w, "server_running", false);
    json_member_str(&w, "data_dir", dir);
    json_member_bool(&w, "data_dir_exists", exists);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 0;
}

static const struct cmd cmd_dolt_status = {
    .name = "status",
    .use = "status",
    .summary = "Say how the database is served",
    .args_max = -1,
    .cls = CMD_NO_STORE,
    .run = run_status,
};

/* ---- show ---- */

static int run_show(struct bd *bd, const struct cmd_call *c) {
    struct json_writer w;
    struct buf out = BUF_INIT;
    struct repo_address *list = NULL;
    struct err err = ERR_INIT;
    size_t count = 0;
    (void)c;
    if (!bd->ws.beads_dir)
        return cmd_fail_hint(bd, cmd_hint_no_workspace, "no active beads workspace found");
    if (is_server(bd))
        return cmd_fail(bd,
                        "'bd dolt show' of a workspace with a server is not built into this bd yet");
    const char *dir = arena_printf(&bd->arena, "%s/embeddeddolt", bd->ws.beads_dir);
    const char *database = bd->ws.database_name ? bd->ws.database_name : "beads";
    if (bd->json) {
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_str(&w, "backend", "dolt");
        json_member_str(&w, "database", database);
        json_member_bool(&w, "embedded", true);
        json_member_str(&w, "data_dir", dir);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
        return 0;
    }
    fprintf(bd->out,
            "Dolt Configuration\n==================\n  Database: %s\n  Mode:     embedded (in-process "
            "Dolt engine)\n"
            "  Data:     %s\n\nRemotes:\n",
            database, dir);
    if (bd->ws.database_dir &&
        repo_state_list(bd->ws.database_dir, REPO_REMOTES, &bd->arena, &list, &count, &err))
        cmd_warn(bd, "%s", err.msg);
    for (size_t i = 0; i < count; i++)
        fprintf(bd->out, "  %-16s %s\n", list[i].name, remote_shown_url(list[i].url, &bd->arena));
    fprintf(bd->out,
            "%s\nConfig sources (priority order):\n  1. Environment variables (BEADS_DOLT_*)\n"
            "  2. metadata.json (local)\n  3. config.yaml (shared)\n",
            count ? "" : "  (none)\n");
    return 0;
}

static const struct cmd cmd_dolt_show = {
    .name = "show",
    .use = "show",
    .summary = "Show where the database is and which remotes it knows",
    .args_max = -1,
    .cls = CMD_NO_STORE,
    .run = run_show,
};

/* ---- what only a server has ---- */

static int run_server_only(struct bd *bd, const struct cmd_call *c) {
    if (is_server(bd))
        return cmd_fail(bd, "'%s' is not built into this bd yet", cmd_path(c));
    return cmd_fail(bd, "'%s' is not supported in embedded mode (no Dolt server)", cmd_path(c));
}

static const struct cmd_flag force_flags[] = {
    {.name = "force", .kind = FLAG_BOOL, .help = "Without asking"},
    {0},
};
static const struct cmd_flag dry_run_flags[] = {
    {.name = "dry-run", .kind = FLAG_BOOL, .help = "Only tell what would be done"},
    {0},
};
static const struct cmd_flag set_flags[] = {
    {.name = "update-config", .kind = FLAG_BOOL, .help = "Write config.yaml too"},
    {0},
};

#define SERVER_ONLY(id, title, text, flag_list)                                                        \
    static const struct cmd id = {.name = title,                                                       \
                                  .use = title,                                                        \
                                  .summary = text,                                                     \
                                  .args_max = -1,                                                      \
                                  .flags = flag_list,                                                  \
                                  .cls = CMD_NO_STORE,                                                 \
                                  .run = run_server_only}
SERVER_ONLY(cmd_dolt_start, "start", "Start the server of a workspace that has one", NULL);
SERVER_ONLY(cmd_dolt_stop, "stop", "Stop that server", force_flags);
SERVER_ONLY(cmd_dolt_test, "test", "Try to connect to the server", NULL);
SERVER_ONLY(cmd_dolt_set, "set", "Change a setting of the server", set_flags);
SERVER_ONLY(cmd_dolt_killall, "killall", "End servers that nobody uses", NULL);
SERVER_ONLY(cmd_dolt_clean, "clean-databases", "Drop what tests left on the server", dry_run_flags);

static const struct cmd *const children[] = {
    &cmd_dolt_clean, &cmd_dolt_commit, &cmd_dolt_fetch,  &cmd_fsck,      &cmd_dolt_killall,
    &cmd_dolt_pull,  &cmd_dolt_push,   &cmd_dolt_remote, &cmd_dolt_set,  &cmd_dolt_show,
    &cmd_dolt_start, &cmd_dolt_status, &cmd_dolt_stop,   &cmd_dolt_test, NULL,
};

const struct cmd cmd_dolt = {
    .name = "dolt",
    .use = "dolt",
    .summary = "Commit point, remotes and server of the issue database",
    .group = "Setup & Configuration",
    .args_max = -1,
    .children = children,
};
