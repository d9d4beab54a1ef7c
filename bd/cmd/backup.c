/*
 * bd backup: the database as a whole (every branch, the history, what is not committed) copied into a
 * folder that any Dolt can restore. Each sync brings only what is new, and is complete or not there.
 */
#include "bd/cmd/backup.h"

#include "base/datetime.h"
#include "base/json_value.h"
#include "base/os.h"
#include "bd/cmd/commands.h"
#include "bd/cmd/parse.h"
#include "bd/ui/text.h"
#include "store/db/repo_state.h"
#include "store/remote/refs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define CONFIG_FILE "dolt-backup.json"
#define STATE_FILE "dolt-backup-state.json"
#define FILE_MAX_SIZE 65536u

/* ---- addresses ---- */

static const char *expand(struct bd *bd, const char *path) {
    const char *home = getenv("HOME");
    return strncmp(path, "~/", 2) == 0 && home ? arena_printf(&bd->arena, "%s/%s", home, path + 2)
                                               : path;
}

const char *backup_url(struct bd *bd, const char *typed) {
    if (strstr(typed, "://"))
        return typed;
    return arena_printf(&bd->arena, "file://%s", workspace_real_path(expand(bd, typed), &bd->arena));
}

const char *backup_default_dir(struct bd *bd) {
    const char *repo = config_get(&bd->config, "backup.git-repo");
    if (repo && *repo) {
        repo = expand(bd, repo);
        if (os_exists(arena_printf(&bd->arena, "%s/.git", repo)))
            return arena_printf(&bd->arena, "%s/backup", repo);
        cmd_warn(bd, "backup.git-repo %s is not a git repository; .beads/backup is used", repo);
    }
    return arena_printf(&bd->arena, "%s/backup", bd->ws.beads_dir);
}

/* ---- the small files ---- */

static const char *file(struct bd *bd, const char *name) {
    return arena_printf(&bd->arena, "%s/%s", bd->ws.beads_dir, name);
}

/* A text member of a JSON file, in the arena; NULL without. */
static const char *member(struct bd *bd, const char *path, const char *key) {
    char *text;
    size_t size;
    if (os_read_file(path, FILE_MAX_SIZE, &text, &size))
        return NULL;
    const struct json_value *json = json_value_parse(text, size, &bd->arena, NULL);
    const char *found = arena_strdup(&bd->arena, json_value_get_text(json, key));
    free(text);
    return found;
}

struct pair {
    const char *key, *value;
};
static int write_pairs(const char *path, const struct pair *pairs, size_t count, struct err *err) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    json_begin(&w, &out, 0);
    json_object(&w);
    for (size_t i = 0; i < count; i++)
        json_member_str(&w, pairs[i].key, pairs[i].value);
    json_object_end(&w);
    json_end(&w);
    int rc = os_write_file_atomic(path, out.data, out.size, 0600)
                 ? err_errno(err, "cannot write %s", path)
                 : BD_OK;
    buf_release(&out);
    return rc;
}

static const char *now_text(struct bd *bd) {
    char text[40];
    datetime_format_rfc3339(datetime_now(), text, sizeof text);
    return arena_strdup(&bd->arena, text);
}

/* The time without its fraction, as answers show it. */
static const char *whole_seconds(struct bd *bd, const char *time) {
    const char *dot = time ? strchr(time, '.') : NULL;
    if (!dot)
        return time;
    return arena_printf(&bd->arena, "%.*s%s", (int)(dot - time), time,
                        dot + 1 + strspn(dot + 1, "0123456789"));
}

/* The address that dolt-backup.json and the database's repo_state.json know. BD_NOT_FOUND. */
static int backup_configured(struct bd *bd, const char **url, struct err *err) {
    struct repo_address *list;
    size_t count;
    int rc = repo_state_list(bd->ws.database_dir, REPO_BACKUPS, &bd->arena, &list, &count, err);
    for (size_t i = 0; rc == BD_OK && i < count; i++)
        if (strcmp(list[i].name, BACKUP_NAME) == 0) {
            *url = list[i].url;
            return BD_OK;
        }
    return rc == BD_OK ? err_set(err, BD_NOT_FOUND, "no backup destination configured") : rc;
}

/* The name of another backup with this URL, told by Dolt's words for it. */
static const char *conflict_name(struct bd *bd, const struct err *err) {
    const char *start = strchr(err->msg, '\''), *end = start ? strchr(start + 1, '\'') : NULL;
    return end ? arena_strndup(&bd->arena, start + 1, (size_t)(end - start - 1)) : NULL;
}

int backup_register(struct bd *bd, const char *url, struct err *err) {
    const struct repo_address entry = {BACKUP_NAME, url};
    const char *dir = bd->ws.database_dir;
    int rc = repo_state_put(dir, REPO_BACKUPS, &entry, err);
    const char *other = rc == BD_CONFLICT ? conflict_name(bd, err) : NULL;
    if (other && repo_state_remove(dir, REPO_BACKUPS, other, NULL) == BD_OK)
        rc = repo_state_put(dir, REPO_BACKUPS, &entry, err);
    const struct pair pairs[] = {
        {"backup_url", url}, {"backup_name", BACKUP_NAME}, {"created_at", now_text(bd)}};
    return rc == BD_OK ? write_pairs(file(bd, CONFIG_FILE), pairs, 3, err) : rc;
}

int backup_lock(struct bd *bd, int *fd) {
    struct arena *a = &bd->arena;
    const char *dir = arena_printf(a, "%s/embeddeddolt", bd->ws.beads_dir);
    *fd = -1;
    if (os_mkdir_p(dir, 0700) ||
        (*fd = os_open(arena_printf(a, "%s/.lock", dir), O_RDWR | O_CREAT, 0600)) < 0)
        return cmd_fail(bd, "cannot create %s: %s", dir, strerror(errno));
    if (os_flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    os_close(*fd);
    *fd = -1;
    return cmd_fail(
        bd,
        "embeddeddolt: another process holds the exclusive lock on %s; databases are made there "
        "by one writer at a time. Try again in a moment.",
        dir);
}

/* ---- progress ---- */

static int show(void *ctx, const struct pull_stats *s) {
    progress_at(ctx, s->chunks, s->chunks + s->waiting);
    return BD_OK;
}

struct pull_options backup_progress(struct progress *p) {
    return (struct pull_options){.progress = show, .ctx = p};
}

/* ---- init, remove ---- */

static int run_init(struct bd *bd, const struct cmd_call *call) {
    const char *url = backup_url(bd, cmd_arg(call, 0));
    struct buf out = BUF_INIT;
    struct json_writer w;
    struct err err = ERR_INIT;
    struct remote *r;
    enum remote_kind kind = remote_kind_of(url);
    if (kind == REMOTE_UNKNOWN)
        return cmd_fail_usage(bd, call, "%s is neither a path nor the URL of a place for backups", url);
    if (kind == REMOTE_FILE) { /* what can never work is said now */
        int rc = remote_open(&r, url, REMOTE_WRITE, &err);
        if (rc == BD_OK)
            remote_close(r);
        else if (rc != BD_NOT_FOUND)
            return cmd_fail_usage(bd, call, "failed to add backup destination: %s", err.msg);
    }
    if (backup_register(bd, url, &err))
        return cmd_fail_usage(bd, call, "failed to add backup destination: %s", err.msg);
    if (bd->json) {
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_str(&w, "backup_url", url);
        json_member_str(&w, "backup_name", BACKUP_NAME);
        json_member_bool(&w, "initialized", true);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
        return 0;
    }
    fprintf(bd->out, "Backup destination configured: %s\n", url);
    if (kind == REMOTE_FILE)
        fprintf(bd->out, "Run 'bd backup sync' to push your data.\n");
    else
        cmd_warn(bd, "this bd copies into folders only so far; 'bd backup sync' will say so too");
    return 0;
}

static int run_remove(struct bd *bd, const struct cmd_call *call) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    struct err err = ERR_INIT;
    int rc = repo_state_remove(bd->ws.database_dir, REPO_BACKUPS, BACKUP_NAME, &err);
    if (rc == BD_NOT_FOUND)
        return cmd_fail_usage(bd, call, "no backup destination configured");
    if (rc != BD_OK)
        return cmd_fail_usage(bd, call, "failed to remove backup: %s", err.msg);
    repo_state_remove(bd->ws.database_dir, REPO_BACKUPS, "backup_export", NULL);
    os_unlink(file(bd, CONFIG_FILE));
    os_unlink(file(bd, STATE_FILE));
    if (bd->json) {
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_bool(&w, "removed", true);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
        return 0;
    }
    fprintf(bd->out, "Backup destination removed.\nThe copies that were made stay where they are.\n");
    return 0;
}

/* ---- sync ---- */

static int nothing(struct tables_txn *x, void *ctx, struct err *err) {
    (void)x, (void)ctx, (void)err;
    return BD_OK;
}

static int copy_to(struct bd *bd, const char *url, struct pull_stats *stats, struct err *err) {
    struct remote *source = NULL, *sink = NULL;
    struct progress p;
    progress_begin(&p, bd->err, bd->stderr_tty && !bd->quiet, "Backing up");
    struct pull_options options = backup_progress(&p);
    int rc = remote_open(&sink, url, REMOTE_WRITE | REMOTE_CREATE, err);
    if (rc == BD_OK)
        rc = remote_open_dir(&source, bd->ws.database_dir, 0, err);
    if (rc == BD_OK)
        rc = pull_root(source, sink, &options, stats, NULL, err);
    remote_close(source);
    remote_close(sink);
    progress_end(&p);
    return rc;
}

static int run_sync(struct bd *bd, const struct cmd_call *call) {
    struct buf out = BUF_INIT, took = BUF_INIT;
    struct json_writer w;
    struct err err = ERR_INIT;
    struct pull_stats stats;
    const char *url = NULL;
    int rc = backup_configured(bd, &url, &err);
    if (rc == BD_NOT_FOUND)
        return cmd_fail_usage(bd, call, "%s. Run 'bd backup init <path>' first", err.msg);
    if (rc != BD_OK)
        return cmd_fail_usage(bd, call, "backup sync failed: %s", err.msg);
    struct tables_write write = {.mode = TABLES_COMMIT, .message = "bd: pre-backup commit"};
    if (bd->ops.commit_mode == TABLES_COMMIT && !tables_is_read_only(bd->ops.tables) &&
        tables_write(bd->ops.tables, &write, nothing, NULL, NULL, &err))
        cmd_warn(bd, "failed to commit pending changes: %s; they are copied uncommitted", err.msg);
    int64_t start = datetime_now();
    if (copy_to(bd, url, &stats, &err))
        return cmd_fail_usage(bd, call, "backup sync failed: %s. The copy made before is unchanged",
                              err.msg);
    int64_t nanos = (datetime_now() - start) * 1000;
    text_add_duration(&took, nanos);
    const struct pair pairs[] = {{"last_sync", now_text(bd)}, {"duration", buf_str(&took)}};
    if (write_pairs(file(bd, STATE_FILE), pairs, 2, &err))
        cmd_warn(bd, "backup synced, but its time could not be noted: %s", err.msg);
    if (bd->json) {
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_bool(&w, "synced", true);
        json_member_str(&w, "duration", buf_str(&took));
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
    } else {
        buf_clear(&took);
        text_add_duration(&took, (nanos + 500000) / 1000000 * 1000000);
        fprintf(bd->out, "Backup synced in %s (%" PRIu64 " new chunks, %.1f MB)\n", buf_str(&took),
                stats.chunks, (double)stats.file_bytes / 1e6);
    }
    buf_release(&took);
    return 0;
}

/* ---- by itself ---- */

static bool is_due(struct bd *bd, const char *state) {
    const char *interval = config_get(&bd->config, "backup.interval"),
               *last = member(bd, state, "timestamp");
    int64_t nanos = INT64_C(900000000000), micros;
    if (interval && *interval && cmd_parse_duration(interval, &nanos, NULL))
        nanos = INT64_C(900000000000);
    if (!last || !datetime_parse_rfc3339(last, strlen(last), &micros))
        return true;
    int64_t passed = datetime_now() - micros;
    return passed < 0 || passed >= nanos / 1000;
}

void backup_auto(struct bd *bd) {
    const char *hook = getenv("BD_GIT_HOOK");
    struct pull_stats stats;
    struct err err = ERR_INIT;
    struct hash head;
    char commit[HASH_TEXT_SIZE + 1];
    if (!bd->ops.tables || bd->store_read_only || bd->read_only || !bd->ws.beads_dir || bd->ws.direct ||
        (hook && strcmp(hook, "1") == 0) || !config_bool(&bd->config, "backup.enabled"))
        return;
    const char *dir = backup_default_dir(bd),
               *state = arena_printf(&bd->arena, "%s/backup_state.json", dir);
    if (!is_due(bd, state) || tables_resolve(bd->ops.tables, "HEAD", &head, NULL))
        return;
    hash_format(&head, commit);
    const char *known = member(bd, state, "last_dolt_commit");
    if (known && strcmp(known, commit) == 0)
        return;
    int rc = os_mkdir_p(dir, 0700)
                 ? err_errno(&err, "cannot create %s", dir)
                 : copy_to(bd, arena_printf(&bd->arena, "file://%s", dir), &stats, &err);
    const struct pair pairs[] = {{"last_dolt_commit", commit}, {"timestamp", now_text(bd)}};
    if (rc == BD_OK)
        rc = write_pairs(state, pairs, 2, &err);
    if (rc != BD_OK && !bd->quiet && !bd->json)
        cmd_warn(bd, "auto-backup failed: %s", err.msg);
}

/* ---- status ---- */

#define NEVER "0001-01-01T00:00:00Z"

static void status_json(struct bd *bd, const char *commit, const char *time, const char *url,
                        uint64_t bytes) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    const char *synced = member(bd, file(bd, STATE_FILE), "last_sync");
    json_begin(&w, &out, 0);
    json_object(&w);
    json_key(&w, "backup");
    json_object(&w);
    json_member_str(&w, "last_dolt_commit", commit ? commit : "");
    json_member_str(&w, "timestamp", time ? time : NEVER);
    json_object_end(&w);
    json_key(&w, "database_size");
    json_object(&w);
    json_member_int(&w, "bytes", (int64_t)bytes);
    json_member_str(&w, "human", text_bytes(&bd->arena, bytes));
    json_object_end(&w);
    json_key(&w, "dolt");
    json_object(&w);
    if (url) {
        json_member_str(&w, "backup_name", BACKUP_NAME);
        json_member_str(&w, "backup_url", url);
    }
    json_member_bool(&w, "configured", url != NULL);
    if (url)
        json_member_str_opt(&w, "created_at",
                            whole_seconds(bd, member(bd, file(bd, CONFIG_FILE), "created_at")));
    if (url && synced) {
        json_member_str(&w, "last_sync", whole_seconds(bd, synced));
        json_member_str_opt(&w, "sync_duration", member(bd, file(bd, STATE_FILE), "duration"));
    }
    json_object_end(&w);
    json_object_end(&w);
    json_end(&w);
    buf_add_char(&out, '\n');
    fwrite(out.data, 1, out.size, bd->out);
    buf_release(&out);
}

static const char *ago(struct bd *bd, const char *time) {
    int64_t micros;
    struct buf b = BUF_INIT;
    if (!datetime_parse_rfc3339(time, strlen(time), &micros))
        return "";
    buf_add_str(&b, " (");
    text_add_duration(&b, (datetime_now() - micros) / MICROS_PER_SECOND * INT64_C(1000000000));
    buf_add_str(&b, " ago");
    const char *text = arena_strdup(&bd->arena, buf_str(&b));
    buf_release(&b);
    return text;
}

/* How many of our branches and working sets the backup does not have yet. */
static void report_missing(struct bd *bd, const char *url) {
    struct remote *ours = NULL, *theirs = NULL;
    const char **names;
    size_t count;
    if (remote_kind_of(url) != REMOTE_FILE)
        return;
    if (remote_open(&theirs, url, 0, NULL) == BD_OK &&
        remote_open_dir(&ours, bd->ws.database_dir, 0, NULL) == BD_OK &&
        remote_newer(ours, theirs, &bd->arena, &names, &count, NULL) == BD_OK)
        fprintf(bd->out,
                count ? "  State:       changes since the last sync\n" : "  State:       up to date\n");
    remote_close(ours);
    remote_close(theirs);
}

static void status_text(struct bd *bd, const char *commit, const char *time, const char *url) {
    const char *synced = member(bd, file(bd, STATE_FILE), "last_sync");
    if (!commit && !url) {
        fprintf(bd->out, "No backup has been performed yet.\n\nSetup:\n"
                         "  bd backup init <path>    Set up a backup destination\n"
                         "  bd backup sync           Push to backup destination\n");
    }
    if (commit)
        fprintf(bd->out, "Backup:\n  Last backup: %s%s)\n  Dolt commit: %s\n\n",
                whole_seconds(bd, time), ago(bd, time), commit);
    if (url) {
        const char *created = member(bd, file(bd, CONFIG_FILE), "created_at");
        fprintf(bd->out, "Dolt Backup:\n  Destination: %s\n", url);
        if (created)
            fprintf(bd->out, "  Configured:  %s\n", whole_seconds(bd, created));
        if (synced)
            fprintf(bd->out, "  Last sync:   %s%s, took %s)\n", whole_seconds(bd, synced),
                    ago(bd, synced), member(bd, file(bd, STATE_FILE), "duration"));
        else
            fprintf(bd->out, "  Last sync:   never\n");
        report_missing(bd, url);
    }
    fprintf(bd->out, "  Database size: %s\n",
            text_bytes(&bd->arena, os_tree_size(bd->ws.database_dir)));
}

static int run_status(struct bd *bd, const struct cmd_call *call) {
    struct err err = ERR_INIT;
    const char *url = NULL;
    (void)call;
    const char *state = arena_printf(&bd->arena, "%s/backup_state.json", backup_default_dir(bd));
    const char *commit = member(bd, state, "last_dolt_commit"), *time = member(bd, state, "timestamp");
    if (commit && !*commit)
        commit = NULL;
    backup_configured(bd, &url, &err);
    if (bd->json) /* as upstream: the size of a server's data directory, which embedded mode lacks */
        status_json(bd, commit, time, url, os_tree_size(file(bd, "dolt")));
    else
        status_text(bd, commit, time, url);
    return 0;
}

/* ---- the commands ---- */

static const struct cmd cmd_backup_init = {
    .name = "init",
    .aliases = (const char *const[]){"add", NULL},
    .use = "init <path>",
    .summary = "Set the place that backups go to",
    .details =
        "Remembers a folder (another disk, a network drive, a synchronized folder) as the place for "
        "backups. A place that\n"
        "was set before is given up; the copies there stay.",
    .examples = "  bd backup init /mnt/usb/beads-backup\n  bd backup add ~/Dropbox/beads-backup",
    .args_min = 1,
    .args_max = 1,
    .cls = CMD_WRITES,
    .readonly_label = "backup init",
    .run = run_init,
};

static const struct cmd cmd_backup_sync = {
    .name = "sync",
    .use = "sync",
    .summary = "Copy what is new to the backup",
    .details =
        "Brings the backup up to the present state: all branches, the whole history and what is not "
        "committed. Every\n"
        "piece is checked before it is written. The backup is complete at any time: until the sync is "
        "done it shows the\n"
        "state before.",
    .args_max = 0,
    .cls = CMD_WRITES,
    .readonly_label = "backup sync",
    .run = run_sync,
};

static const struct cmd cmd_backup_remove = {
    .name = "remove",
    .aliases = (const char *const[]){"rm", NULL},
    .use = "remove",
    .summary = "Forget the place for backups",
    .details = "Forgets the place for backups. The copies that were made are not touched.",
    .args_max = 0,
    .cls = CMD_WRITES,
    .readonly_label = "backup remove",
    .run = run_remove,
};

static const struct cmd cmd_backup_status = {
    .name = "status",
    .use = "status",
    .summary = "Show where backups go and when the last one was made",
    .args_max = 0,
    .cls = CMD_READ_ONLY,
    .run = run_status,
};

static const struct cmd *const children[] = {
    &cmd_backup_export_git, &cmd_backup_fetch_git, &cmd_backup_init, &cmd_backup_remove,
    &cmd_backup_restore,    &cmd_backup_status,    &cmd_backup_sync, NULL};

const struct cmd cmd_backup = {
    .name = "backup",
    .use = "backup",
    .summary = "Copy the database to a safe place, and restore it",
    .details = "A backup is the whole database: all tables and branches, the history, and what is not "
               "committed yet, in a form\n"
               "that any Dolt can restore. 'bd export' writes issues only, for other programs to read.",
    .group = "Sync & Data",
    .args_max = -1,
    .children = children,
};
