/* bd where: which workspace is in use, and how it was found. */
#include "bd/cmd/commands.h"
#include "bd/ops/db_config.h"

#include <string.h>

/* From the workspace's own config.yaml, else from its database (never from a server). */
static const char *find_prefix(struct bd *bd) {
    static const char *const keys[] = {"issue-prefix", "issue_prefix"};
    const char *file = arena_printf(&bd->arena, "%s/config.yaml", bd->ws.beads_dir), *prefix = NULL;
    struct tables_txn *x;
    for (size_t i = 0; i < 2; i++) {
        prefix = config_read_file(file, keys[i], &bd->arena);
        if (prefix && *prefix)
            return prefix;
    }
    prefix = NULL;
    bd->store_read_only = true;
    if (strcmp(bd->ws.mode, "server") == 0 || bd_try_open_store(bd, NULL) ||
        tables_read_begin(bd->ops.tables, &x, NULL))
        return NULL;
    if (db_config_get(x, "issue_prefix", &bd->arena, &prefix, NULL))
        prefix = NULL;
    tables_read_end(x);
    return prefix;
}

static int not_found(struct bd *bd) {
    static const char message[] = "No active beads workspace found.";
    static const char hint[] =
        "check BEADS_DIR/worktree setup, or run 'bd init' to create a new database";
    if (!bd->json) {
        fprintf(bd->err, "Error: %s\nHint: %s\n", message, hint);
        return 1;
    }
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "error", "no_beads_directory");
    json_member_str(&w, "message", message);
    json_member_str(&w, "hint", hint);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 1;
}

static int run(struct bd *bd, const struct cmd_call *call) {
    const struct workspace *ws = &bd->ws;
    (void)call;
    if (!ws->beads_dir && !ws->direct)
        return not_found(bd);
    const char *path = ws->direct ? ws->database_dir : ws->beads_dir;
    const char *prefix = ws->direct ? NULL : find_prefix(bd);
    const char *database = ws->direct                             ? ws->database_dir
                           : ws->has_database || *ws->mode == 's' ? ws->data_dir
                                                                  : NULL;
    if (bd->json) {
        struct buf out = BUF_INIT;
        struct json_writer w;
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_str(&w, "path", path);
        json_member_str_opt(&w, "redirected_from", ws->redirected_from);
        json_member_str_opt(&w, "prefix", prefix);
        json_member_str_opt(&w, "database_path", database);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
        return 0;
    }
    fprintf(bd->out, "%s\n", path);
    if (ws->redirected_from)
        fprintf(bd->out, "  (via redirect from %s)\n", ws->redirected_from);
    if (prefix && *prefix)
        fprintf(bd->out, "  prefix: %s\n", prefix);
    if (database)
        fprintf(bd->out, "  database: %s\n", database);
    return 0;
}

const struct cmd cmd_where = {
    .name = "where",
    .use = "where",
    .summary = "Print which workspace is in use",
    .group = "Setup & Configuration",
    .details = "Prints the .beads directory in use, the redirect that led to it, its issue prefix and "
               "its database.",
    .args_max = -1,
    .cls = CMD_NO_STORE,
    .run = run,
};
