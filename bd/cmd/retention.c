/*
 * What is remembered between commands is in `.beads/compact/compact-last/<database>`: the height of the
 * head at the last look, and how many commits stayed. A look that led to nothing is remembered too.
 */
#include "bd/cmd/retention.h"

#include "base/datetime.h"
#include "base/os.h"
#include "bd/cmd/squash.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MICROS_PER_DAY (INT64_C(86400) * MICROS_PER_SECOND)
#define STEP_MIN 128   /* commits between two looks, at least */
#define KEPT_MAX 20000 /* commits that one command puts on a new base, at most (about 0.1 ms each) */
#define STATE_MAX 4096
#define AMOUNT_MAX 1000000

/* "NUMBER[ ]WORD" with one of the words; where it ends. NULL when it is not that. */
static const char *take_amount(const char *text, long long *n, const char *const *words,
                               size_t *which) {
    char *end;
    errno = 0;
    *n = isdigit((unsigned char)*text) ? strtoll(text, &end, 10) : 0;
    if (*n <= 0 || *n > AMOUNT_MAX || errno)
        return NULL;
    while (*end == ' ')
        end++;
    for (*which = 0; words[*which]; ++*which) {
        size_t size = strlen(words[*which]);
        if (strncmp(end, words[*which], size) == 0 && (!end[size] || end[size] == ','))
            return end + size;
    }
    return NULL;
}

int retention_parse(const char *text, struct retention *out, struct err *err) {
    static const char *const units[] = {"d",     "day",    "days",    "w", "week",
                                        "weeks", "commit", "commits", NULL};
    static const char *const daily[] = {"per day", NULL};
    enum { WEEKS = 3, COMMITS = 6 };
    *out = (struct retention){.all = true};
    if (!text || !*text || strcmp(text, "all") == 0)
        return BD_OK;
    long long n, per_day = 0;
    size_t unit, ignored;
    const char *rest = take_amount(text, &n, units, &unit);
    if (rest && *rest == ',') {
        rest++;
        while (*rest == ' ')
            rest++;
        rest = take_amount(rest, &per_day, daily, &ignored);
    }
    if (!rest || *rest)
        return err_set(err, BD_INVALID,
                       "history.keep is \"all\", a time (\"30d\", \"12 weeks\") or a number (\"500 "
                       "commits\"), and behind "
                       "one of these perhaps \", 1 per day\"; not \"%s\"",
                       text);
    *out = (struct retention){.per_day = (uint64_t)per_day};
    if (unit >= COMMITS)
        out->commits = (uint64_t)n;
    else
        out->days = n * (unit >= WEEKS ? 7 : 1);
    return BD_OK;
}

/* ---- what the last look left ---- */

struct last_look {
    uint64_t height, kept;
    bool here; /* of the branch we are on */
};

static const char *state_path(struct bd *bd) {
    const char *slash = strrchr(bd->ws.database_dir, '/');
    return arena_printf(&bd->arena, "%s/compact/compact-last/%s", bd->ws.beads_dir,
                        slash ? slash + 1 : bd->ws.database_dir);
}

static uint64_t number_of(const char *text, const char *key) {
    const char *at = strstr(text, key);
    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static struct last_look look_back(struct bd *bd) {
    struct last_look l = {0, 0, true};
    char *text;
    size_t size;
    if (os_read_file(state_path(bd), STATE_MAX, &text, &size))
        return l;
    l.height = number_of(text, "height=");
    l.kept = number_of(text, "kept=");
    l.here =
        strstr(text, arena_printf(&bd->arena, "branch=%s\n", tables_branch(bd->ops.tables))) != NULL;
    free(text);
    return l;
}

static void remember(struct bd *bd, uint64_t height, uint64_t kept) {
    const char *path = state_path(bd);
    const char *text =
        arena_printf(&bd->arena, "branch=%s\nheight=%llu\nkept=%llu\ncreated_at=%lld\n",
                     tables_branch(bd->ops.tables), (unsigned long long)height,
                     (unsigned long long)kept, (long long)(datetime_now() / MICROS_PER_SECOND));
    const char *folder = arena_strndup(&bd->arena, path, (size_t)(strrchr(path, '/') - path));
    if (os_mkdir_p(folder, 0700) || os_write_file_atomic(path, text, strlen(text), 0600))
        cmd_warn(bd, "history.keep: cannot write %s: %s", path, strerror(errno));
}

/* ---- the step ---- */

static int first_height(void *ctx, const struct tables_commit_info *c) {
    *(uint64_t *)ctx = c->height;
    return BD_DONE;
}

static uint64_t head_height(struct bd *bd) {
    uint64_t height = 0;
    struct err none = ERR_INIT;
    tables_log(bd->ops.tables, NULL, &bd->arena, first_height, &height, &none);
    return height;
}

static void squash(struct bd *bd, const struct retention *keep, uint64_t height) {
    struct history_rewrite r = {
        .keep_since = keep->days ? datetime_now() - keep->days * MICROS_PER_DAY : INT64_MAX,
        .keep_newest = keep->commits,
        .keep_per_day = keep->per_day,
        .all_branches = true,
        .message = "compact: squash ",
        .message_tail = " commits into base snapshot",
    };
    struct history_summary plan;
    struct squash_result done;
    struct err err = ERR_INIT;
    fflush(bd->out);
    remember(bd, height, 0); /* whatever comes: not by every command */
    int rc = squash_check(bd, false, &err);
    if (rc == BD_OK)
        rc = history_plan(bd->ops.tables, &r, &bd->arena, &plan, &err);
    if (rc != BD_OK) {
        cmd_warn(bd, "history.keep has no effect: %s", err.msg);
        return;
    }
    uint64_t kept = plan.commits - plan.gone;
    if (kept > KEPT_MAX) {
        remember(bd, height, kept);
        cmd_warn(bd,
                 "history.keep leaves %llu commits, too many to be moved by the way; 'bd compact' "
                 "squashes the %llu old "
                 "ones when there is time for it",
                 (unsigned long long)kept, (unsigned long long)plan.old);
        return;
    }
    if (plan.gone) {
        if (squash_run(bd, &r, SQUASH_BY_THE_WAY, &done, &err) != BD_OK) {
            cmd_warn(bd, "history.keep: nothing was squashed: %s", err.msg);
            return;
        }
        height = head_height(bd);
    }
    remember(bd, height, kept);
}

void auto_retention(struct bd *bd) {
    struct retention keep;
    struct err err = ERR_INIT;
    if (!bd->command_writes || !bd->ops.tables || bd->schema_too_new || !bd->ws.beads_dir ||
        bd->ws.direct || tables_is_read_only(bd->ops.tables))
        return;
    if (retention_parse(config_get(&bd->config, "history.keep"), &keep, &err) != BD_OK) {
        cmd_warn(bd, "%s; everything is kept", err.msg);
        return;
    }
    if (keep.all)
        return;
    struct last_look last = look_back(bd);
    uint64_t height = head_height(bd), step = last.kept > STEP_MIN ? last.kept : STEP_MIN;
    /* lower than it was: somebody else squashed or restored */
    if (height >= last.height + step || (last.here && height < last.height && height >= step))
        squash(bd, &keep, height);
    else
        squash_settle_by_the_way(bd);
}
