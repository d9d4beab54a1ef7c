#include "bd/cmd/squash_push.h"

#include "bd/cmd/backup.h"
#include "bd/cmd/collect.h"
#include "bd/ops/history.h"
#include "bd/workspace/compact_marker.h"
#include "store/db/repo_state.h"
#include "store/remote/sync.h"

#include <string.h>

/* The remote that --remote names, else the only one, else origin. */
static int choose(struct bd *bd, const char *named, struct squash_push *out) {
    struct repo_address *list;
    struct err err = ERR_INIT;
    size_t count;
    if (repo_state_list(bd->ws.database_dir, REPO_REMOTES, &bd->arena, &list, &count, &err))
        return cmd_fail(bd, "%s", err.msg);
    if (!count)
        return cmd_fail(bd, "--push: this database has no remote; nothing was done");
    out->remote = *named ? named : count == 1 ? list[0].name : "origin";
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, out->remote) == 0)
            out->url = list[i].url;
    if (!out->url)
        return cmd_fail_hint(bd, "'bd dolt remote list' shows which there are, and --remote takes one",
                             "--push: there is no remote called %s", out->remote);
    out->branch = tables_branch(bd->ops.tables);
    return 0;
}

/* lease NULL: an ordinary push, forward only. */
static int push(struct bd *bd, const struct squash_push *p, const struct hash *lease,
                struct push_result *out, struct err *err) {
    struct sync_place place = {bd->ws.database_dir, p->remote};
    struct progress progress;
    struct remote *r = NULL;
    progress_begin(&progress, bd->err, bd->stderr_tty && !bd->quiet, "Pushing");
    struct pull_options options = backup_progress(&progress);
    int rc = remote_open_for(&r, p->url, REMOTE_WRITE | REMOTE_CREATE, bd->ws.database_dir, err);
    if (rc == BD_OK)
        rc = lease ? sync_push_lease(&place, r, p->branch, lease, &options, out, err)
                   : sync_push(&place, r, p->branch, false, &options, out, err);
    if (r)
        remote_close(r);
    progress_end(&progress);
    return rc;
}

static int lease_failed(struct bd *bd, const struct squash_push *p, const struct err *err) {
    return cmd_fail_hint(
        bd,
        err->code == BD_CONFLICT
            ? "somebody pushed to the old history meanwhile. 'bd dolt fetch' brings that "
              "here; nothing of it is lost there"
            : "the same command again tries once more",
        "the history was squashed here, but not pushed to %s/%s: %s", p->remote, p->branch, err->msg);
}

/* What an earlier run could not push. */
static int settle(struct bd *bd, const struct squash_push *p) {
    struct compact_note note;
    struct err err = ERR_INIT;
    struct hash expected;
    struct push_result done;
    const char *db = bd->ws.database_name;
    if (!bd->ws.beads_dir ||
        compact_marker_get(bd->ws.beads_dir, COMPACT_PENDING_PUSH, db, &bd->arena, &note, &err) ||
        strcmp(note.remote, p->remote) != 0 ||
        !hash_parse(note.expected_head, strlen(note.expected_head), &expected))
        return 0;
    if (push(bd, p, &expected, &done, &err))
        return lease_failed(bd, p, &err);
    compact_marker_remove(bd->ws.beads_dir, COMPACT_PENDING_PUSH, db, &err);
    return 0;
}

/* What is known of the remote held the old commits until now; their space can come back. */
static void let_go(struct bd *bd) {
    struct db_gc_options o = {.full = true};
    struct db_gc_result gone;
    struct err err = ERR_INIT, ignored = ERR_INIT;
    if (collect_run(bd, bd->ws.database_dir, o, &gone, &err) == BD_OK || !bd->ws.beads_dir)
        return;
    struct compact_note note = {.db = bd->ws.database_name,
                                .reason = err.msg,
                                .created_at = datetime_now() / MICROS_PER_SECOND};
    compact_marker_put(bd->ws.beads_dir, COMPACT_PENDING_GC, &note, &ignored);
}

int squash_push_prepare(struct bd *bd, const struct cmd_call *c, struct squash_push *out) {
    struct push_result done;
    struct err err = ERR_INIT;
    *out = (struct squash_push){0};
    int status = choose(bd, cmd_str(c, "remote"), out);
    if (status || (status = settle(bd, out)))
        return status;
    int rc = push(bd, out, NULL, &done, &err);
    if (rc)
        return cmd_fail_hint(bd,
                             rc == BD_CONFLICT ? "'bd dolt pull' brings them and merges; then try again"
                                               : "nothing was squashed",
                             "--push: %s/%s: %s", out->remote, out->branch, err.msg);
    out->expected = done.after;
    return 0;
}

int squash_push_finish(struct bd *bd, const struct squash_push *p) {
    struct push_result done;
    struct err err = ERR_INIT, ignored = ERR_INIT;
    if (push(bd, p, &p->expected, &done, &err) == BD_OK) {
        let_go(bd);
        if (!bd->json)
            fprintf(bd->out, "Pushed to %s/%s, which was %s\n", p->remote, p->branch,
                    history_hash(&done.before, &bd->arena));
        return 0;
    }
    struct compact_note note = {.db = bd->ws.database_name,
                                .reason = err.msg,
                                .remote = p->remote,
                                .expected_head = history_hash(&p->expected, &bd->arena),
                                .created_at = datetime_now() / MICROS_PER_SECOND};
    if (bd->ws.beads_dir)
        compact_marker_put(bd->ws.beads_dir, COMPACT_PENDING_PUSH, &note, &ignored);
    return lease_failed(bd, p, &err);
}
