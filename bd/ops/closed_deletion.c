/* Deletes exactly what was found, so a transaction finds anew before it deletes. */
#include "bd/ops/closed_deletion.h"

#include "base/datetime.h"
#include "bd/ops/search.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

static bool may_go(const struct issue *i, const struct closed_query *q, struct closed_found *out) {
    if (i->pinned)
        out->pinned++;
    else if (!i->status || strcmp(i->status, "closed") != 0)
        out->not_closed++;
    else if (i->closed_at == ISSUE_NO_TIME)
        out->without_time++;
    else if (q->closed_before != ISSUE_NO_TIME && i->closed_at >= q->closed_before)
        out->too_recent++;
    else
        return true;
    return false;
}

int closed_find(struct tables_txn *x, const struct closed_query *q, struct arena *a,
                struct closed_found *out, struct err *err) {
    struct issue_filter f;
    struct issue_list list = {NULL, 0, 0};
    issue_filter_init(&f);
    text_list_add(&f.statuses, a, "closed");
    f.ephemeral = q->ephemeral;
    /* The search compares whole seconds; what was closed within the last one counts too (may_go). */
    f.closed.before =
        q->closed_before == ISSUE_NO_TIME ? ISSUE_NO_TIME : q->closed_before + MICROS_PER_SECOND - 1;
    f.skip_labels = true;
    *out = (struct closed_found){0};
    int rc = search_issues(x, &f, a, &list, err);
    if (rc != BD_OK)
        return rc;
    const char **regular = arena_alloc(a, (list.count + 1) * sizeof *regular);
    size_t regular_count = 0;
    out->ids = arena_alloc(a, (list.count + 1) * sizeof *out->ids);
    for (size_t k = 0; k < list.count; k++) {
        const struct issue *i = &list.items[k];
        if ((q->pattern && fnmatch(q->pattern, i->id, FNM_PATHNAME) != 0) || !may_go(i, q, out))
            continue;
        out->ids[out->count++] = i->id;
        if (i->is_wisp)
            out->wisps++;
        else
            regular[regular_count++] = i->id;
    }
    struct issue_deletion plan = {0};
    if (regular_count)
        rc = issue_deletion_plan(x, regular, regular_count, false, a, &plan, err);
    out->dependencies = plan.dependencies;
    out->labels = plan.labels;
    out->events = plan.events;
    return rc;
}

int closed_delete_in(struct tables_txn *x, const struct closed_found *found, struct err *err) {
    return issue_delete_rows_in(x, found->ids, found->count, err);
}

static bool parse_number(const char *text, size_t size, int64_t *out) {
    char copy[24], *end;
    if (!size || size >= sizeof copy)
        return false;
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (!isdigit((unsigned char)copy[copy[0] == '-' || copy[0] == '+']))
        return false;
    errno = 0;
    *out = strtoll(copy, &end, 10);
    return !*end && !errno;
}

int closed_parse_age(const char *text, int64_t *days, struct err *err) {
    enum { DAYS_MAX = 1000000 };
    while (isspace((unsigned char)*text))
        text++;
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1]))
        n--;
    if (!n)
        return err_set(err, BD_INVALID, "empty duration");
    int64_t value;
    char unit = 'd';
    if (!parse_number(text, n, &value)) {
        unit = (char)tolower((unsigned char)text[n - 1]);
        if (!parse_number(text, n - 1, &value))
            return err_set(err, BD_INVALID, "invalid number \"%.*s\"", (int)(n - 1), text);
    }
    if (value <= 0)
        return err_set(err, BD_INVALID, "duration must be positive");
    if (unit != 'h' && unit != 'd' && unit != 'w')
        return err_set(err, BD_INVALID, "unknown unit \"%c\" (use h, d, or w)", text[n - 1]);
    if (unit == 'h')
        value = value < 24 ? 1 : value / 24;
    if (value > DAYS_MAX)
        return err_set(err, BD_INVALID, "duration must not exceed %d days", DAYS_MAX);
    *days = unit == 'w' ? value * 7 : value;
    return BD_OK;
}

const char *closed_skip_warning(const struct closed_found *found, struct arena *a) {
    uint64_t sum = found->not_closed + found->without_time + found->too_recent;
    if (!sum)
        return NULL;
    return arena_printf(
        a,
        "skipped %llu deletion candidate(s) after closed_at safety recheck (nil=0, non_closed=%llu, "
        "missing_closed_at=%llu, too_recent=%llu)",
        (unsigned long long)sum, (unsigned long long)found->not_closed,
        (unsigned long long)found->without_time, (unsigned long long)found->too_recent);
}
