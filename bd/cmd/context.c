/* One invocation: the workspace, who acts, the commit policy, and the small files beside the database.
 */
#include "bd/cmd/cmd.h"

#include "base/os.h"
#include "bd/workspace/git.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* ---- workspace ---- */

static bool selected_by_environment(void) {
    static const char *const names[] = {"BEADS_DIR", "BEADS_DB", "BD_DB"};
    for (size_t i = 0; i < 3; i++) {
        const char *v = getenv(names[i]);
        if (v && *v)
            return true;
    }
    return false;
}

static void find(struct bd *bd, const struct workspace_request *rq) {
    err_clear(&bd->ws_error);
    workspace_find(rq, &bd->arena, &bd->ws, &bd->ws_error);
    config_release(&bd->config);
    config_init(&bd->config, &bd->arena, bd->ws.beads_dir);
}

int bd_find_workspace(struct bd *bd) {
    struct workspace_request rq = {.db_flag = bd->db_flag};
    if (bd->directory_flag && *bd->directory_flag) {
        struct err err = ERR_INIT;
        if (workspace_find_directory(bd->directory_flag, &bd->arena, &rq.beads_dir, &err))
            return cmd_fail(bd, "%s", err.msg);
    }
    bool chosen = rq.beads_dir || selected_by_environment();
    find(bd, &rq);
    const char *env_file =
        bd->ws.beads_dir ? arena_printf(&bd->arena, "%s/.env", bd->ws.beads_dir) : NULL;
    if (env_file && !chosen && config_load_env_file(env_file, true)) {
        find(bd, &rq);
        chosen = selected_by_environment();
    }
    if (!chosen && !bd->db_flag) {
        rq.db_setting = config_get(&bd->config, "db");
        if (rq.db_setting && *rq.db_setting)
            find(bd, &rq);
    }
    if (bd->ws.beads_dir)
        config_load_env_file(arena_printf(&bd->arena, "%s/.env", bd->ws.beads_dir), false);
    fputs(bd->ws.warnings ? bd->ws.warnings : "", bd->err);
    return 0;
}

/* ---- who ---- */

static const char *environment(const char *name) {
    const char *v = getenv(name);
    return v && *v ? v : NULL;
}

const char *bd_actor(struct bd *bd) {
    if (bd->ops.actor)
        return bd->ops.actor;
    const char *who = bd->actor_flag && *bd->actor_flag ? bd->actor_flag : NULL;
    if (!who)
        who = config_get(&bd->config, "actor");
    if (!who || !*who)
        who = environment("BEADS_ACTOR");
    if (!who)
        who = environment("BD_ACTOR");
    if (!who)
        who = git_setting(workspace_real_path(".", &bd->arena), "user.name", &bd->arena);
    if (!who || !*who)
        who = environment("USER");
    return bd->ops.actor = who ? who : "unknown";
}

const char *bd_owner(struct bd *bd) {
    if (bd->ops.owner)
        return bd->ops.owner;
    const char *mail = environment("GIT_AUTHOR_EMAIL");
    if (!mail)
        mail = git_setting(workspace_real_path(".", &bd->arena), "user.email", &bd->arena);
    return bd->ops.owner = mail ? mail : "";
}

/* ---- commits ---- */

int bd_auto_commit(struct bd *bd, enum auto_commit *out, struct err *err) {
    const char *text =
        bd->auto_commit_flag ? bd->auto_commit_flag : config_get(&bd->config, "dolt.auto-commit");
    while (text && (*text == ' ' || *text == '\t'))
        text++;
    *out = AUTO_COMMIT_ON;
    if (!text || !*text || strcasecmp(text, "on") == 0)
        return BD_OK;
    *out = strcasecmp(text, "batch") == 0 ? AUTO_COMMIT_BATCH : AUTO_COMMIT_OFF;
    if (*out == AUTO_COMMIT_BATCH || strcasecmp(text, "off") == 0)
        return BD_OK;
    return err_set(err, BD_INVALID, "invalid --dolt-auto-commit=%s (valid: off, on, batch)",
                   cmd_quote(&bd->arena, text));
}

static int compare_ids(const void *x, const void *y) {
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

char *bd_auto_commit_message(struct bd *bd, const char *command, const char *const *ids,
                             size_t id_count) {
    enum { SHOWN_MAX = 5 };
    struct buf b = BUF_INIT;
    buf_addf(&b, "bd: %s (auto-commit) by %s", command, bd_actor(bd));
    const char **sorted = arena_alloc(&bd->arena, (id_count + 1) * sizeof *sorted);
    size_t n = 0;
    for (size_t i = 0; i < id_count; i++)
        if (ids[i] && *ids[i])
            sorted[n++] = ids[i];
    qsort(sorted, n, sizeof *sorted, compare_ids);
    size_t shown = 0;
    for (size_t i = 0; i < n && shown < SHOWN_MAX; i++)
        if (i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0)
            buf_addf(&b, "%s%s", shown++ ? ", " : " [", sorted[i]);
    if (shown)
        buf_add_char(&b, ']');
    char *r = arena_strndup(&bd->arena, buf_str(&b), b.size);
    buf_release(&b);
    return r;
}

/* ---- small files ---- */

#define LAST_TOUCHED "last-touched"

const char *bd_last_touched(struct bd *bd) {
    char *data;
    size_t size;
    if (!bd->ws.beads_dir ||
        os_read_file(arena_printf(&bd->arena, "%s/" LAST_TOUCHED, bd->ws.beads_dir), 4096, &data,
                     &size))
        return NULL;
    size = strcspn(data, "\r\n");
    const char *id = size ? arena_strndup(&bd->arena, data, size) : NULL;
    free(data);
    return id;
}

void bd_touch(struct bd *bd, const char *issue_id) {
    if (!bd->ws.beads_dir || !issue_id || !*issue_id)
        return;
    if (bd->ws.database_given && !bd->command_writes)
        return; /* looking at a database that --db names leaves no trace */
    const char *before = bd_last_touched(bd);
    if (before && strcmp(before, issue_id) == 0)
        return;
    /* Written over in place: a file that is cut to nothing first makes the file system allocate and
     * start writing at once. What a longer id leaves behind is cut off afterwards. */
    const char *path = arena_printf(&bd->arena, "%s/" LAST_TOUCHED, bd->ws.beads_dir);
    const char *line = arena_printf(&bd->arena, "%s\n", issue_id);
    int fd = os_open(path, O_WRONLY | O_CREAT, 0600);
    if (fd < 0)
        return; /* a convenience: without it the next command asks for an id */
    struct stat st;
    off_t size = (off_t)strlen(line);
    if (os_pwrite_all(fd, line, (size_t)size, 0) == 0 && os_fstat(fd, &st) == 0 && st.st_size > size)
        os_ftruncate(fd, size);
    os_close(fd);
}
