/*
 * bd dolt remote: names for the places a database is exchanged with, kept where Dolt keeps them. The
 * one called `origin` is also sync.remote of the workspace, so that fresh clones find it.
 */
#include "bd/cmd/cmd.h"
#include "bd/cmd/dolt_remote.h"
#include "bd/cmd/dolt_sync.h"
#include "store/db/repo_state.h"
#include "store/remote/remote.h"

#include <string.h>

static int list_all(struct bd *bd, struct repo_address **list, size_t *count, struct err *err) {
    return repo_state_list(bd->ws.database_dir, REPO_REMOTES, &bd->arena, list, count, err);
}

static const struct repo_address *find(const struct repo_address *list, size_t count,
                                       const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

static bool bad_url(const char *url) {
    if (!*url || *url == '-')
        return true;
    for (const char *c = url; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return true;
    return false;
}

/* `origin` and sync.remote are the same place. */
static void forget_setting(struct bd *bd, const char *name) {
    struct err err = ERR_INIT;
    if (strcmp(name, "origin") != 0 || !bd->ws.beads_dir)
        return;
    int rc = config_file_unset(bd->ws.beads_dir, "sync.remote", &err);
    if (rc != BD_OK && rc != BD_NOT_FOUND)
        cmd_warn(bd, "sync.remote in config.yaml could not be changed: %s", err.msg);
}

static const char *shown(struct bd *bd, const char *url) { return remote_shown_url(url, &bd->arena); }

static int run_add(struct bd *bd, const struct cmd_call *call) {
    const struct repo_address entry = {cmd_arg(call, 0), cmd_arg(call, 1)};
    struct repo_address *list;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    struct json_writer w;
    size_t count;
    if (bad_url(entry.url))
        return cmd_fail(bd, "%s is not the URL of a remote", cmd_quote(&bd->arena, entry.url));
    if (list_all(bd, &list, &count, &err))
        return cmd_fail(bd, "%s", err.msg);
    const struct repo_address *before = find(list, count, entry.name);
    if (dolt_remote_register(bd, entry.name, entry.url, &err))
        return cmd_fail(bd, "failed to add remote: %s", err.msg);
    if (before && strcmp(before->url, entry.url) != 0)
        fprintf(bd->err, "Remote %s was %s\n", cmd_quote(&bd->arena, entry.name),
                shown(bd, before->url));
    if (!bd->json) {
        fprintf(bd->out, "Added remote %s → %s\n", cmd_quote(&bd->arena, entry.name),
                shown(bd, entry.url));
        return 0;
    }
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "name", entry.name);
    json_member_str(&w, "url", shown(bd, entry.url));
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 0;
}

static int run_list(struct bd *bd, const struct cmd_call *call) {
    struct repo_address *list;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    struct json_writer w;
    size_t count;
    (void)call;
    if (list_all(bd, &list, &count, &err))
        return cmd_fail(bd, "%s", err.msg);
    if (!bd->json) {
        for (size_t i = 0; i < count; i++)
            fprintf(bd->out, "%-20s %s\n", list[i].name, shown(bd, list[i].url));
        if (!count)
            fputs("No remotes configured.\n", bd->out);
        return 0;
    }
    bd_json_begin(bd, &w, &out, false);
    json_array(&w);
    for (size_t i = 0; i < count; i++) {
        json_object(&w);
        json_member_str(&w, "name", list[i].name);
        json_member_str(&w, "sql_url", shown(bd, list[i].url));
        json_member_str(&w, "cli_url", shown(bd, list[i].url));
        json_member_str(&w, "status", "ok");
        json_object_end(&w);
    }
    json_array_end(&w);
    bd_json_end(bd, &w, &out);
    return 0;
}

static int run_remove(struct bd *bd, const struct cmd_call *call) {
    const char *name = cmd_arg(call, 0);
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT;
    struct json_writer w;
    int rc = repo_state_remove(bd->ws.database_dir, REPO_REMOTES, name, &err);
    if (rc == BD_NOT_FOUND)
        return cmd_fail(bd, "remote %s not found on either surface", cmd_quote(&bd->arena, name));
    if (rc != BD_OK)
        return cmd_fail(bd, "failed to remove remote: %s", err.msg);
    forget_setting(bd, name);
    if (!bd->json) {
        fprintf(bd->out, "Removed remote %s\n", cmd_quote(&bd->arena, name));
        return 0;
    }
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "name", name);
    json_member_bool(&w, "removed", true);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 0;
}

static const struct cmd cmd_remote_add = {
    .name = "add",
    .use = "add <name> <url>",
    .summary = "Name a remote",
    .details = "Keeps the address of a remote under a name, in place of what had the name before. The "
               "remote called "
               "origin becomes\nsync.remote in config.yaml too.",
    .examples = "  bd dolt remote add origin file:///mnt/share/beads",
    .args_min = 2,
    .args_max = 2,
    .cls = CMD_WRITES,
    .readonly_label = "dolt remote add",
    .run = run_add,
};
static const struct cmd cmd_remote_list = {
    .name = "list", .use = "list", .summary = "List the remotes", .args_max = -1, .run = run_list};
static const struct cmd cmd_remote_remove = {
    .name = "remove",
    .use = "remove <name>",
    .summary = "Forget a remote",
    .details = "Forgets the name and address. What the remote holds is not touched.",
    .args_min = 1,
    .args_max = 1,
    .flags =
        (const struct cmd_flag[]){{.name = "force", .kind = FLAG_BOOL, .help = "Accepted, not needed"},
                                  {0}},
    .cls = CMD_WRITES,
    .readonly_label = "dolt remote remove",
    .run = run_remove,
};
static const struct cmd *const children[] = {&cmd_remote_add, &cmd_remote_list, &cmd_remote_remove,
                                             NULL};

const struct cmd cmd_dolt_remote = {
    .name = "remote",
    .use = "remote",
    .summary = "Names of the places the database is exchanged with",
    .args_max = -1,
    .children = children,
};
