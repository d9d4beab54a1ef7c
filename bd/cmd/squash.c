/*
 * The course of every squash: may it be, plan, ask, rewrite, collect, tell. Markers beside the database
 * are written before the command ends whenever something is left to do.
 */
#include "bd/cmd/squash.h"

#include "base/datetime.h"
#include "base/os.h"
#include "bd/cmd/collect.h"
#include "bd/ui/text.h"
#include "bd/workspace/compact_marker.h"
#include "store/db/repo_state.h"

#include <string.h>

#define HOLDERS_SHOWN 8
#define RETRY_S 60 /* how often a collection that failed is tried again by the way */
#define QUICK_BYTES (UINT64_C(256) << 20) /* a store of that size is collected in a moment */

static const char *db_name(struct bd *bd) {
    const char *slash = strrchr(bd->ws.database_dir, '/');
    return slash && slash[1] ? slash + 1 : bd->ws.database_dir;
}

/* A database that was opened directly has no place for markers. */
static bool has_markers(const struct bd *bd) { return bd->ws.beads_dir && !bd->ws.direct; }

static int check_remotes(struct bd *bd, struct err *err) {
    struct repo_address *remotes;
    size_t count;
    int rc = repo_state_list(bd->ws.database_dir, REPO_REMOTES, &bd->arena, &remotes, &count, err);
    if (rc == BD_OK && count)
        return err_set(err, BD_CONFLICT,
                       "this database has a remote (%s -> %s): squashed history no longer fits the "
                       "history there, and "
                       "every other clone would have to be made anew",
                       remotes[0].name, remotes[0].url);
    struct tables_ref *refs;
    if (rc == BD_OK)
        rc = tables_refs(bd->ops.tables, &bd->arena, &refs, &count, err);
    for (size_t i = 0; rc == BD_OK && i < count; i++)
        if (refs[i].kind == TABLES_REF_REMOTE)
            rc = err_set(err, BD_CONFLICT,
                         "this database follows a remote (%s): squashed history no longer fits the "
                         "history there",
                         refs[i].name);
    return rc;
}

int squash_check(struct bd *bd, bool federated, struct err *err) {
    struct compact_note note;
    if (has_markers(bd)) {
        const char *dir = bd->ws.beads_dir, *db = db_name(bd);
        int rc = compact_marker_get(dir, COMPACT_QUARANTINE, db, &bd->arena, &note, err);
        if (rc == BD_OK)
            return err_set(err, BD_CONFLICT,
                           "an earlier squash found a difference (%s) and changed nothing; run bd "
                           "doctor --deep, and "
                           "remove %s when the database is in order",
                           note.reason, compact_marker_path(dir, COMPACT_QUARANTINE, db, &bd->arena));
        if (rc != BD_NOT_FOUND)
            return rc;
        err_clear(err);
    }
    return federated ? BD_OK : check_remotes(bd, err);
}

static void mark(struct bd *bd, enum compact_marker kind, const char *reason, const struct hash *from) {
    char head[HASH_TEXT_SIZE + 1] = "";
    struct err err = ERR_INIT;
    if (!has_markers(bd))
        return;
    if (from && !hash_is_zero(from))
        hash_format(from, head);
    struct compact_note note = {.db = db_name(bd),
                                .reason = reason,
                                .from_head = head,
                                .created_at = datetime_now() / MICROS_PER_SECOND};
    if (compact_marker_put(bd->ws.beads_dir, kind, &note, &err) != BD_OK)
        cmd_warn(bd, "%s", err.msg);
}

bool squash_is_pending(struct bd *bd) {
    return has_markers(bd) && os_exists(compact_marker_path(bd->ws.beads_dir, COMPACT_PENDING_GC,
                                                            db_name(bd), &bd->arena));
}

void squash_collected(struct bd *bd) {
    struct err err = ERR_INIT;
    if (squash_is_pending(bd) &&
        compact_marker_remove(bd->ws.beads_dir, COMPACT_PENDING_GC, db_name(bd), &err) != BD_OK)
        cmd_warn(bd, "%s", err.msg);
}

static void collect(struct bd *bd, enum squash_collect how, struct squash_result *out) {
    struct err err = ERR_INIT;
    struct db_gc_result gone;
    struct db_gc_options o = {.full = true, .no_wait = how == SQUASH_BY_THE_WAY};
    int rc;
    if (how == SQUASH_BY_THE_WAY && out->bytes_before > QUICK_BYTES)
        rc = err_set(&err, BD_BUSY, "the store is too large to be collected by the way");
    else
        rc = collect_run(bd, bd->ws.database_dir, o, &gone, &err);
    if (rc != BD_OK) {
        out->collect_error = arena_strdup(&bd->arena, err.msg);
        mark(bd, COMPACT_PENDING_GC, err.msg, &out->history.old_head);
        return;
    }
    squash_collected(bd);
}

static uint64_t bytes_now(struct bd *bd) {
    struct db_gc_sizes sizes = {0};
    return db_gc_sizes(bd->ws.database_dir, &sizes, NULL) == BD_OK ? sizes.total : 0;
}

int squash_run(struct bd *bd, const struct history_rewrite *r, enum squash_collect how,
               struct squash_result *out, struct err *err) {
    int64_t start = datetime_now();
    memset(out, 0, sizeof *out);
    out->bytes_before = bytes_now(bd);
    int rc = history_rewrite(bd->ops.tables, r, &bd->arena, &out->history, err);
    if (rc == BD_CORRUPT)
        mark(bd, COMPACT_QUARANTINE, err->msg, NULL);
    if (rc != BD_OK)
        return rc;
    if (out->history.changed)
        collect(bd, how, out);
    out->bytes_after = bytes_now(bd);
    out->elapsed_micros = datetime_now() - start;
    return BD_OK;
}

/* Collects when an earlier squash could not; says so when it did. */
static void settle(struct bd *bd) {
    struct squash_result r = {0};
    if (!squash_is_pending(bd))
        return;
    r.bytes_before = bytes_now(bd);
    collect(bd, SQUASH_COLLECT, &r);
    r.bytes_after = bytes_now(bd);
    if (r.collect_error)
        cmd_warn(bd, "the space of squashed history could not be given back yet: %s", r.collect_error);
    else if (!bd->json)
        fprintf(bd->out, "Gave back what an earlier squash had to leave: %s → %s\n",
                text_bytes(&bd->arena, r.bytes_before), text_bytes(&bd->arena, r.bytes_after));
}

void squash_settle_by_the_way(struct bd *bd) {
    struct compact_note note;
    struct squash_result r = {0};
    struct err err = ERR_INIT;
    if (!has_markers(bd) || compact_marker_get(bd->ws.beads_dir, COMPACT_PENDING_GC, db_name(bd),
                                               &bd->arena, &note, &err) != BD_OK)
        return;
    int64_t age = datetime_now() / MICROS_PER_SECOND - note.created_at;
    if (age >= 0 && age < RETRY_S)
        return;
    r.bytes_before = bytes_now(bd);
    collect(bd, SQUASH_BY_THE_WAY, &r);
}

/* ---- the commands ---- */

static const char copy_hint[] =
    "What goes for good: who changed what and when, and every older version of an issue.\n"
    "  To keep a copy of it all first: bd backup init <folder> && bd backup sync";

static void print_holders(struct bd *bd, const struct history_summary *h) {
    bool branches = false;
    if (!h->holder_count)
        return;
    fprintf(bd->out, "  Old commits stay where these refs still name them:\n");
    for (size_t i = 0; i < h->holder_count; i++) {
        branches = branches || strncmp(h->holders[i], "refs/heads/", 11) == 0;
        if (i < HOLDERS_SHOWN)
            fprintf(bd->out, "    %s\n", h->holders[i]);
    }
    if (h->holder_count > HOLDERS_SHOWN)
        fprintf(bd->out, "    and %zu more\n", h->holder_count - HOLDERS_SHOWN);
    if (branches)
        fputs(
            "  Branches that stay behind meet every later change as a conflict when they are merged;\n"
            "  --all-branches squashes them along, so that they merge as before.\n",
            bd->out);
}

/* Lines under the human answer: time, sizes, what still holds old commits. */
static void print_facts(struct bd *bd, const struct squash_result *r) {
    struct arena *a = &bd->arena;
    struct buf took = BUF_INIT;
    text_add_duration(&took, r->elapsed_micros / 1000 * 1000000);
    fprintf(bd->out, "  Time: %s\n", buf_str(&took));
    buf_release(&took);
    if (r->bytes_before)
        fprintf(bd->out, "  Size: %s → %s\n", text_bytes(a, r->bytes_before),
                text_bytes(a, r->bytes_after));
    print_holders(bd, &r->history);
    if (r->collect_error)
        cmd_warn(bd,
                 "the history is squashed, but its space was not given back: %s; bd gc does it later",
                 r->collect_error);
}

void squash_json_holders(struct json_writer *w, const struct history_summary *h) {
    if (!h->holder_count)
        return;
    json_key(w, "held_by");
    json_array(w);
    for (size_t i = 0; i < h->holder_count; i++)
        json_str(w, h->holders[i]);
    json_array_end(w);
}

void squash_print_proceed(struct bd *bd, const struct history_summary *h) {
    print_holders(bd, h);
    fprintf(bd->out, "  %s\n  Run with --force to proceed.\n", copy_hint);
}

static void answer(struct bd *bd, const struct squash_command *command, const struct squash_job *j) {
    const struct squash_result *r = &j->result;
    const struct history_summary *h = &r->history;
    struct json_writer w;
    struct buf out = BUF_INIT;
    if (!bd->json) {
        fprintf(bd->out, "✓ %s %llu commits → %llu\n", command->done, (unsigned long long)h->commits,
                (unsigned long long)command->after(h));
        if (command->print)
            command->print(bd, j);
        print_facts(bd, r);
        return;
    }
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_bool(&w, "success", true);
    json_member_int(&w, "commits_before", (int64_t)h->commits);
    json_member_int(&w, "commits_after", (int64_t)command->after(h));
    if (command->members)
        command->members(&w, j);
    json_member_int(&w, "elapsed_ms", r->elapsed_micros / 1000);
    squash_json_holders(&w, h);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

int squash_command_run(struct bd *bd, const struct cmd_call *c, const struct squash_command *command,
                       struct squash_job *j) {
    struct err err = ERR_INIT;
    bool dry_run = cmd_bool(c, "dry-run");
    if (bd->read_only && !dry_run)
        return cmd_fail(bd, "operation '%s' is not allowed in read-only mode", command->name);
    int rc = history_plan(bd->ops.tables, &j->rewrite, &bd->arena, &j->result.history, &err);
    if (rc == BD_CONFLICT || rc == BD_UNSUPPORTED)
        return cmd_fail(bd, "%s", err.msg);
    if (rc != BD_OK)
        return cmd_fail(bd, "failed to read commit log: %s", err.msg);
    if (dry_run) {
        command->preview(bd, j);
        return 0;
    }
    if (!j->result.history.changed) {
        settle(bd);
        command->nothing(bd, j);
        return 0;
    }
    if (squash_check(bd, cmd_bool(c, "force-federated"), &err) != BD_OK)
        return cmd_fail_hint(bd, "bd gc gives back space without touching history", "%s", err.msg);
    if (!cmd_bool(c, "force"))
        return cmd_fail_hint(bd,
                             arena_printf(&bd->arena,
                                          "Use --force to confirm or --dry-run to preview.\n  %s",
                                          copy_hint),
                             "%s", command->refusal(bd, j));
    if (!bd->json)
        fprintf(bd->out, "%s\n", command->begin(bd, j));
    if (squash_run(bd, &j->rewrite, SQUASH_COLLECT, &j->result, &err) != BD_OK)
        return cmd_fail(bd, "%s failed: %s", command->name, err.msg);
    answer(bd, command, j);
    return 0;
}
