/*
 * Resolution of partial ids. Exact look-ups come first and cost one key each; only then is the id
 * column scanned for the part.
 */
#include "bd/ops/resolve.h"

#include "bd/ops/issue_rows.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool all_digits(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isdigit((unsigned char)s[i]))
            return false;
    return n > 0;
}

/* 3 to 8 letters and digits; from 4 on at least one digit, so that English words are no hashes. */
static bool is_hash_like(const char *s, size_t n) {
    bool digit = n == 3;
    if (n < 3 || n > 8)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!isalnum((unsigned char)s[i]))
            return false;
        digit = digit || isdigit((unsigned char)s[i]);
    }
    return digit;
}

const char *id_prefix_guess(const char *id, struct arena *a) {
    const char *last = strrchr(id, '-');
    if (!last || last == id)
        return "";
    size_t base = strcspn(last + 1, ".");
    if (base == 0 && last[1])
        base = strlen(last + 1);
    if (!last[1] || all_digits(last + 1, base) || is_hash_like(last + 1, base))
        return arena_strndup(a, id, (size_t)(last - id));
    const char *first = strchr(id, '-');
    return first == id ? "" : arena_strndup(a, id, (size_t)(first - id));
}

static bool has_prefix(const char *id, const char *prefix) {
    size_t n = strlen(prefix);
    return n && strncmp(id, prefix, n) == 0 && id[n] == '-';
}

const char *id_prefix(const char *id, const struct text_list *known, struct arena *a) {
    const char *best = NULL;
    for (size_t i = 0; i < known->count; i++)
        if (has_prefix(id, known->items[i]) && (!best || strlen(known->items[i]) > strlen(best)))
            best = known->items[i];
    return best ? best : id_prefix_guess(id, a);
}

/* "aap-4ar": a short lower-case word, a dash, something behind it. */
static bool looks_prefixed(const char *s) {
    size_t dash = strcspn(s, "-");
    if (!s[dash] || dash == 0 || dash > 8)
        return false;
    for (size_t i = 0; i < dash; i++)
        if (!islower((unsigned char)s[i]) && !isdigit((unsigned char)s[i]))
            return false;
    return islower((unsigned char)s[dash + 1]) || isdigit((unsigned char)s[dash + 1]);
}

static bool is_id_text(const char *s) {
    if (!*s)
        return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && *s != '-' && *s != '.')
            return false;
    return true;
}

struct candidate {
    const char *id;
    int64_t priority, created_at;
};
struct search {
    const char *part;
    const struct text_list *known;
    struct arena *a;
    const char *exact;
    struct candidate *found;
    size_t count, capacity;
};

static int consider(void *ctx, const struct cell *row) {
    struct search *s = ctx;
    if (!cell_has_text(&row[0]))
        return BD_OK;
    const char *id = arena_strndup(s->a, row[0].s.data, row[0].s.size);
    const char *prefix = id_prefix(id, s->known, s->a);
    const char *hash = has_prefix(id, prefix) ? id + strlen(prefix) + 1 : id;
    if (!strstr(hash, s->part))
        return BD_OK;
    if (strcmp(hash, s->part) == 0)
        s->exact = id;
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? s->capacity * 2 : 8;
        struct candidate *grown = arena_alloc(s->a, s->capacity * sizeof *grown);
        if (s->count)
            memcpy(grown, s->found, s->count * sizeof *grown);
        s->found = grown;
    }
    s->found[s->count++] = (struct candidate){id, row[1].kind == CELL_INT ? row[1].i : 0,
                                              row[2].kind == CELL_DATETIME ? row[2].i : 0};
    return BD_OK;
}

static int compare(const void *x, const void *y) {
    const struct candidate *c = x, *d = y;
    if (c->priority != d->priority)
        return c->priority < d->priority ? -1 : 1;
    if (c->created_at != d->created_at)
        return c->created_at > d->created_at ? -1 : 1;
    return strcmp(c->id, d->id);
}

static int ambiguous(const char *input, struct search *s, struct err *err) {
    struct buf list = BUF_INIT;
    qsort(s->found, s->count, sizeof *s->found, compare);
    for (size_t i = 0; i < s->count && list.size < ERR_MESSAGE_MAX / 2; i++) {
        if (i)
            buf_add_char(&list, ' ');
        buf_add_str(&list, s->found[i].id);
    }
    int rc =
        err_set(err, BD_INVALID,
                "ambiguous ID \"%s\" matches %zu issues: [%s]\nUse more characters to disambiguate",
                input, s->count, buf_str(&list));
    buf_release(&list);
    return rc;
}

int issue_resolve(struct tables_txn *x, const char *input, struct arena *a, const char **id,
                  struct err *err) {
    static const char *const columns[] = {"id", "priority", "created_at"};
    int rc = issue_locate(x, input, NULL, err);
    if (rc != BD_NOT_FOUND) {
        *id = arena_strdup(a, input);
        return rc;
    }
    if (!is_id_text(input))
        return err_set(err, BD_NOT_FOUND, "no issue found matching \"%s\"", input);
    struct text_list known;
    rc = db_config_known_prefixes(x, a, &known, err);
    if (rc != BD_OK)
        return rc;
    const char *prefix = known.count ? known.items[0] : "bd", *full = input;
    bool prefixed = looks_prefixed(input);
    for (size_t i = 0; i < known.count; i++)
        prefixed = prefixed || has_prefix(input, known.items[i]);
    if (!prefixed) {
        full = arena_printf(a, "%s-%s", prefix, input);
        rc = issue_locate(x, full, NULL, err);
        if (rc != BD_NOT_FOUND) {
            *id = full;
            return rc;
        }
    }
    struct search s = {.known = &known, .a = a};
    s.part = has_prefix(full, prefix) ? full + strlen(prefix) + 1 : full;
    if (!*s.part)
        return err_set(err, BD_NOT_FOUND, "no issue found matching \"%s\"", input);
    for (int wisp = 0; wisp < 2; wisp++) {
        struct tables_query q = {
            .table = issue_families[wisp].issues,
            .columns = columns,
            .column_count = 3,
            .where = pred_cmp(a, PRED_CONTAINS, "id", cell_text(s.part)),
        };
        if (!tables_has_table(x, q.table))
            continue;
        rc = tables_scan(x, &q, NULL, consider, &s, err);
        if (rc != BD_OK)
            return rc;
    }
    if (s.exact)
        *id = s.exact;
    else if (s.count == 1)
        *id = s.found[0].id;
    else if (s.count > 1)
        return ambiguous(input, &s, err);
    else
        return err_set(err, BD_NOT_FOUND, "no issue found matching \"%s\"", input);
    return BD_OK;
}
