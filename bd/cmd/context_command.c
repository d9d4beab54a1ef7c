/* bd context: backend and repository in use, from the files alone; works when the database does not
 * open. */
#include "bd/cmd/commands.h"

#include "base/os.h"
#include "base/version.h"
#include "bd/workspace/git.h"

#include <stdlib.h>
#include <string.h>

#define SERVER_PORT_DEFAULT 3307

static long server_port(struct bd *bd, const struct metadata *m) {
    const char *env = getenv("BEADS_DOLT_SERVER_PORT");
    char *text;
    size_t size;
    if (env && atol(env) > 0)
        return atol(env);
    if (os_read_file(arena_printf(&bd->arena, "%s/dolt-server.port", bd->ws.beads_dir), 64, &text,
                     &size) == 0) {
        long port = strtol(text, NULL, 10);
        free(text);
        if (port > 0)
            return port;
    }
    int64_t port = config_int(&bd->config, "dolt.port", 0);
    return port > 0 ? (long)port : m->dolt_server_port ? m->dolt_server_port : SERVER_PORT_DEFAULT;
}

struct facts {
    const char *repo_root, *cwd_root, *role, *remote, *host, *mode, *data_dir;
    bool redirected, worktree;
    long port;
};

static void print_json(struct bd *bd, const struct facts *f) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "beads_dir", bd->ws.beads_dir);
    json_member_str(&w, "repo_root", f->repo_root);
    json_member_str_opt(&w, "cwd_repo_root", f->cwd_root);
    json_member_bool(&w, "is_redirected", f->redirected);
    json_member_bool(&w, "is_worktree", f->worktree);
    json_member_str(&w, "backend", "dolt");
    json_member_str(&w, "dolt_mode", f->mode);
    json_member_str_opt(&w, "server_host", f->host);
    json_member_int_opt(&w, "server_port", f->port);
    json_member_str(&w, "database", bd->ws.database_name);
    json_member_str_opt(&w, "data_dir", f->data_dir);
    json_member_str_opt(&w, "project_id", bd->ws.project_id);
    json_member_str_opt(&w, "sync_remote", f->remote);
    json_member_str_opt(&w, "sync_git_remote", f->remote);
    json_member_str_opt(&w, "role", f->role);
    json_member_str(&w, "bd_version", BD_VERSION);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static void line(struct bd *bd, const char *name, const char *value) {
    if (value && *value)
        fprintf(bd->out, "  %-13s %s\n", name, value);
}

static void print_text(struct bd *bd, const struct facts *f) {
    fprintf(bd->out, "bd version:     %s\n\nRepository:\n", BD_VERSION);
    line(bd, "beads dir:", bd->ws.beads_dir);
    line(bd, "repo root:", f->repo_root);
    if (f->cwd_root && strcmp(f->cwd_root, f->repo_root) != 0)
        line(bd, "cwd repo:", f->cwd_root);
    line(bd, "redirected:", f->redirected ? "yes" : NULL);
    line(bd, "worktree:", f->worktree ? "yes" : NULL);
    line(bd, "role:", f->role);
    fprintf(bd->out, "\nBackend:\n");
    line(bd, "type:", "dolt");
    line(bd, "mode:", f->mode);
    line(bd, "database:", bd->ws.database_name);
    if (f->host)
        line(bd, "server:", arena_printf(&bd->arena, "%s:%ld", f->host, f->port));
    line(bd, "data dir:", f->data_dir);
    line(bd, "project id:", bd->ws.project_id);
    if (f->remote && *f->remote) {
        fprintf(bd->out, "\nSync:\n");
        line(bd, "remote:", f->remote);
    }
}

static int run(struct bd *bd, const struct cmd_call *call) {
    (void)call;
    if (!bd->ws.beads_dir) {
        static const char reason[] = "cannot resolve repo context: no .beads directory found";
        return cmd_fail_json_stdout(bd, "%s", reason);
    }
    struct git_repo repo;
    struct metadata m;
    struct facts f = {.repo_root = bd->ws.project_dir,
                      .redirected = bd->ws.redirected_from != NULL,
                      .mode = bd->ws.mode};
    metadata_load(bd->ws.beads_dir, &bd->arena, &m, NULL);
    if (git_find(bd->ws.project_dir, &bd->arena, &repo))
        f.repo_root = repo.root;
    if (git_find(workspace_real_path(".", &bd->arena), &bd->arena, &repo)) {
        f.cwd_root = repo.root;
        f.worktree = repo.linked;
    }
    f.role = git_setting(f.repo_root, "beads.role", &bd->arena);
    f.remote = config_get(&bd->config, "sync.remote");
    if (!f.remote || !*f.remote)
        f.remote = config_get(&bd->config, "sync.git-remote");
    f.data_dir = m.dolt_data_dir;
    if (strcmp(bd->ws.mode, "server") == 0) {
        const char *env = getenv("BEADS_DOLT_SERVER_HOST"),
                   *host = config_get(&bd->config, "dolt.host");
        f.host = env && *env           ? env
                 : *m.dolt_server_host ? m.dolt_server_host
                 : host && *host       ? host
                                       : "127.0.0.1";
        f.port = server_port(bd, &m);
    }
    if (bd->json)
        print_json(bd, &f);
    else
        print_text(bd, &f);
    return 0;
}

const struct cmd cmd_context = {
    .name = "context",
    .use = "context",
    .summary = "Print backend and repository in use",
    .group = "Setup & Configuration",
    .details = "Reads files only, so it also works when the database cannot be opened.",
    .args_max = -1,
    .cls = CMD_NO_STORE,
    .run = run,
};
