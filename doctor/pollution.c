/* One pass over titles and descriptions; the score is a sum of hints, as upstream weighs them. */
#include "doctor/pollution.h"

#include "base/datetime.h"
#include "bd/ops/export.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct candidate {
    const char *id, *title;
    size_t description_size;
    bool description_blank;
    int64_t created_at;
};
struct finder {
    struct arena *a;
    struct candidate *items;
    size_t count, capacity;
};

static int take(void *ctx, const struct cell *row) {
    struct finder *f = ctx;
    struct candidate c = {.title = "", .description_blank = true, .created_at = INT64_MIN};
    if (!cell_has_text(&row[0]))
        return BD_OK;
    c.id = arena_strndup(f->a, row[0].s.data, row[0].s.size);
    if (cell_has_text(&row[1]))
        c.title = arena_strndup(f->a, row[1].s.data, row[1].s.size);
    if (cell_has_text(&row[2])) {
        c.description_size = row[2].s.size;
        for (size_t i = 0; i < row[2].s.size && c.description_blank; i++)
            c.description_blank = isspace((unsigned char)row[2].s.data[i]);
    }
    if (row[3].kind == CELL_DATETIME)
        c.created_at = row[3].i;
    MEM_GROW(f->items, f->capacity, f->count + 1);
    f->items[f->count++] = c;
    return BD_OK;
}

static bool is_sequential(const char *id) {
    size_t letters = 0;
    while (islower((unsigned char)id[letters]))
        letters++;
    const char *n = id + letters + 1;
    return letters && id[letters] == '-' && *n && n[strspn(n, "0123456789")] == 0;
}

static bool has_folded(const char *text, const char *part) { return strcasestr(text, part) != NULL; }

static int by_minute(const void *x, const void *y) {
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return a < b ? -1 : a > b;
}

static int64_t minute_of(int64_t micros) {
    return micros == INT64_MIN ? micros : micros / (60 * MICROS_PER_SECOND);
}

static size_t same_minute(const int64_t *minutes, size_t count, int64_t minute) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (minutes[middle] < minute)
            low = middle + 1;
        else
            high = middle;
    }
    size_t n = 0;
    while (low + n < count && minutes[low + n] == minute)
        n++;
    return n;
}

static void add(struct pollution *p, double score, const char *reason) {
    p->score += score;
    if (p->reason_count < POLLUTION_REASONS)
        p->reasons[p->reason_count++] = reason;
}

static struct pollution judge(const struct candidate *c, size_t together, struct arena *a) {
    struct pollution p = {.id = c->id, .title = c->title, .created_at = c->created_at};
    if (export_title_is_test(c->title))
        add(&p, 0.7, "Title starts with test prefix");
    if (is_sequential(c->id) && c->description_size < 20)
        add(&p, 0.4, "Sequential ID with minimal description");
    if (c->description_blank)
        add(&p, 0.2, "No description");
    else if (c->description_size < 20)
        add(&p, 0.1, "Very short description");
    if (together >= 10)
        add(&p, 0.3, arena_printf(a, "Created with %zu other issues in same minute", together - 1));
    if (has_folded(c->title, "issue for testing") || has_folded(c->title, "test issue") ||
        has_folded(c->title, "sample issue"))
        add(&p, 0.5, "Generic test title");
    return p;
}

int pollution_find(struct tables_txn *x, struct arena *a, struct pollution **list, size_t *count,
                   struct err *err) {
    static const char *const columns[] = {"id", "title", "description", "created_at"};
    struct tables_query q = {.table = "issues", .columns = columns, .column_count = 4};
    struct finder f = {.a = a};
    int rc = tables_scan(x, &q, NULL, take, &f, err);
    int64_t *minutes = mem_alloc((f.count + 1) * sizeof *minutes);
    *count = 0;
    *list = arena_alloc(a, (f.count + 1) * sizeof **list);
    for (size_t i = 0; i < f.count; i++)
        minutes[i] = minute_of(f.items[i].created_at);
    qsort(minutes, f.count, sizeof *minutes, by_minute);
    for (size_t i = 0; rc == BD_OK && i < f.count; i++) {
        struct pollution p =
            judge(&f.items[i], same_minute(minutes, f.count, minute_of(f.items[i].created_at)), a);
        if (p.score >= 0.7 - 1e-9)
            (*list)[(*count)++] = p;
    }
    free(minutes);
    free(f.items);
    return rc;
}
