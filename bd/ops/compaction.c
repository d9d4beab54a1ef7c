/* Texts, columns, event and a comment that says how much was saved change in one transaction. */
#include "bd/ops/compaction.h"

#include "base/datetime.h"
#include "bd/ops/comments.h"
#include "bd/ops/db_config.h"
#include "bd/ops/update.h"

#include <stdlib.h>
#include <string.h>

#define MICROS_PER_DAY (INT64_C(86400) * MICROS_PER_SECOND)
#define DAYS_MAX 1000000

/* Days an issue must have been closed: compact_tier1_days (30), compact_tier2_days (90). */
static int compaction_days(struct tables_txn *x, int tier, struct arena *a, int64_t *days,
                           struct err *err) {
    const char *value = NULL;
    int rc = db_config_get(x, tier == 1 ? "compact_tier1_days" : "compact_tier2_days", a, &value, err);
    char *end = NULL;
    *days = value ? strtoll(value, &end, 10) : 0;
    if (!value || !*value || *end || *days <= 0 || *days > DAYS_MAX)
        *days = tier == 1 ? 30 : 90;
    return rc;
}

static int by_closing(const void *x, const void *y) {
    const struct issue *a = x, *b = y;
    if (a->closed_at != b->closed_at)
        return a->closed_at < b->closed_at ? -1 : 1;
    return strcmp(a->id, b->id);
}

int compaction_candidates(struct tables_txn *x, int tier, struct arena *a, struct issue_list *out,
                          struct err *err) {
    int64_t days;
    *out = (struct issue_list){NULL, 0, 0};
    int rc = compaction_days(x, tier, a, &days, err);
    if (rc != BD_OK)
        return rc;
    const struct pred *level = pred_cmp(a, PRED_EQ, "compaction_level", cell_int(tier - 1));
    if (tier == 1)
        level = pred_or(a, level, pred_null(a, "compaction_level", true));
    const struct pred *where = pred_cmp(a, PRED_EQ, "status", cell_text("closed"));
    where = pred_and(a, where, level);
    where = pred_and(
        a, where,
        pred_cmp(a, PRED_LE, "closed_at", issue_time_cell(datetime_now() - days * MICROS_PER_DAY)));
    rc = issue_scan(x, where, false, a, out, err);
    if (out->count > 1)
        qsort(out->items, out->count, sizeof *out->items, by_closing);
    return rc;
}

int compaction_check(struct tables_txn *x, const struct issue *i, int tier, struct arena *a,
                     const char **reason, struct err *err) {
    int64_t days;
    int rc = compaction_days(x, tier, a, &days, err);
    double closed = (double)(datetime_now() - i->closed_at) / (double)MICROS_PER_DAY;
    *reason = NULL;
    if (strcmp(i->status, "closed") != 0)
        *reason = arena_printf(a, "issue is not closed (status: %s)", i->status);
    else if (i->closed_at == ISSUE_NO_TIME)
        *reason = "issue has no closed_at timestamp";
    else if (tier != 1 && tier != 2)
        *reason = arena_printf(a, "unsupported tier: %d", tier);
    else if (tier == 1 && i->compaction_level >= 1)
        *reason = "already compacted at tier 1 or higher";
    else if (tier == 2 && i->compaction_level >= 2)
        *reason = "already compacted at tier 2";
    else if (tier == 2 && i->compaction_level < 1)
        *reason = "must be tier 1 compacted first";
    else if (closed < (double)days)
        *reason = arena_printf(a, "closed only %.0f days ago (need %lld+)", closed, (long long)days);
    return rc;
}

static const char *const replaced[] = {"description", "design", "notes", "acceptance_criteria"};

static const char *text_of(const struct issue *i, size_t k) {
    const char *const texts[] = {i->description, i->design, i->notes, i->acceptance_criteria};
    return texts[k] ? texts[k] : "";
}

size_t compaction_bytes(const struct issue *i) {
    size_t n = 0;
    for (size_t k = 0; k < 4; k++)
        n += strlen(text_of(i, k));
    return n;
}

size_t compaction_chars(const struct issue *i) {
    size_t n = 0;
    for (size_t k = 0; k < 4; k++)
        for (const char *p = text_of(i, k); *p; p++)
            n += ((unsigned char)*p & 0xc0) != 0x80;
    return n;
}

int compaction_apply_in(struct ops *o, struct tables_txn *x, struct compaction *c, struct arena *a,
                        struct err *err) {
    struct issue i;
    const char *reason = NULL;
    struct issue_changes changes = ISSUE_CHANGES_INIT;
    int rc = issue_load(x, c->id, a, &i, err);
    if (rc != BD_OK)
        return rc;
    size_t after = strlen(c->summary);
    c->bytes_before = compaction_bytes(&i);
    if (i.is_wisp)
        return err_set(err, BD_INVALID, "%s is a wisp; only lasting issues are compacted", c->id);
    if (!c->force) {
        rc = compaction_check(x, &i, c->tier, a, &reason, err);
        if (rc == BD_OK && reason)
            rc = err_set(err, BD_INVALID, "%s is not eligible for Tier %d compaction: %s", c->id,
                         c->tier, reason);
        if (rc == BD_OK && after >= c->bytes_before)
            rc =
                err_set(err, BD_INVALID, "summary (%zu bytes) is not shorter than original (%zu bytes)",
                        after, c->bytes_before);
        if (rc != BD_OK)
            return rc;
    }
    for (size_t k = 0; k < 4; k++)
        issue_change_text(&changes, replaced[k], k ? "" : c->summary);
    issue_change(&changes, "compaction_level", cell_int(c->tier));
    issue_change_time(&changes, "compacted_at", datetime_now());
    issue_change_text(&changes, "compacted_at_commit", c->git_commit);
    issue_change(&changes, "original_size", cell_int((int64_t)c->bytes_before));
    rc = issue_update_in(o, x, c->id, &changes, a, NULL, err);
    int64_t saved = (int64_t)c->bytes_before - (int64_t)after;
    struct comment note = {
        .issue_id = c->id,
        .author = c->author,
        .created_at = ISSUE_NO_TIME,
        .text = arena_printf(a, "Tier %d compaction: %zu → %zu bytes (saved %lld, %.1f%%)", c->tier,
                             c->bytes_before, after, (long long)saved,
                             c->bytes_before ? (double)saved * 100 / (double)c->bytes_before : 0.0),
    };
    return rc == BD_OK ? comment_add_in(o, x, &note, a, err) : rc;
}
