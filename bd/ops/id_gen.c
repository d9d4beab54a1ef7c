/*
 * Id generation. A hash id depends on the issue's text, creator and time, so a transaction that is run
 * again proposes the same id and only moves on when it is taken.
 *
 * The length follows the number of ids in use. Counting them exactly means reading every key, so the
 * size of the table, which is known at once, decides as long as it is clearly away from a threshold.
 */
#include "bd/ops/id_gen.h"

#include "bd/ops/db_config.h"
#include "bd/ops/issue_rows.h"

#include <math.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_COUNT_MAX 2000 /* tables up to this size are always counted exactly */
#define NONCES 10
#define LENGTH_MAX 8
#define LENGTH_MIN 1

const char *id_hash(const char *prefix, const char *title, const char *description, const char *creator,
                    int64_t unix_nanos, int length, int nonce, struct arena *a) {
    static const int bytes_of_length[] = {3, 3, 3, 2, 3, 4, 4, 5, 5};
    char tail[64];
    snprintf(tail, sizeof tail, "|%lld|%d", (long long)unix_nanos, nonce);
    SHA256_CTX h;
    SHA256_Init(&h);
    SHA256_Update(&h, title, strlen(title));
    SHA256_Update(&h, "|", 1);
    SHA256_Update(&h, description, strlen(description));
    SHA256_Update(&h, "|", 1);
    SHA256_Update(&h, creator, strlen(creator));
    SHA256_Update(&h, tail, strlen(tail));
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256_Final(digest, &h);

    if (length < LENGTH_MIN || length > LENGTH_MAX)
        length = 6;
    uint64_t value = 0;
    for (int i = 0; i < bytes_of_length[length]; i++)
        value = value << 8 | digest[i];
    char digits[LENGTH_MAX + 1];
    digits[length] = '\0';
    for (int i = length; i-- > 0; value /= 36)
        digits[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[value % 36];
    return arena_printf(a, "%s-%s", prefix, digits);
}

int id_length_for(uint64_t count, const struct id_limits *limits) {
    double n = (double)count;
    for (int length = limits->min_length; length <= limits->max_length; length++)
        if (1.0 - exp(-n * n / (2.0 * pow(36, length))) <= limits->max_collision_probability)
            return length;
    return limits->max_length;
}

static void read_limits(struct tables_txn *x, struct arena *a, struct id_limits *limits) {
    const char *value;
    char *end;
    if (db_config_get(x, "max_collision_prob", a, &value, NULL) == BD_OK && value && *value) {
        double p = strtod(value, &end);
        if (!*end)
            limits->max_collision_probability = p;
    }
    if (db_config_get(x, "min_hash_length", a, &value, NULL) == BD_OK && value && *value) {
        long n = strtol(value, &end, 10);
        if (!*end && n >= LENGTH_MIN && n <= LENGTH_MAX)
            limits->min_length = (int)n;
    }
    if (db_config_get(x, "max_hash_length", a, &value, NULL) == BD_OK && value && *value) {
        long n = strtol(value, &end, 10);
        if (!*end && n >= LENGTH_MIN && n <= LENGTH_MAX)
            limits->max_length = (int)n;
    }
}

struct counter {
    size_t prefix_size;
    uint64_t count;
};

static int count_top_level(void *ctx, const struct cell *row) {
    struct counter *c = ctx;
    if (row->s.size > c->prefix_size &&
        !memchr(row->s.data + c->prefix_size, '.', row->s.size - c->prefix_size))
        c->count++;
    return BD_OK;
}

static int scan_ids(struct tables_txn *x, const char *table, const char *start, struct arena *a,
                    tables_row_fn fn, void *ctx, struct err *err) {
    static const char *const columns[] = {"id"};
    struct tables_query q = {.table = table,
                             .columns = columns,
                             .column_count = 1,
                             .where = pred_cmp(a, PRED_PREFIX, "id", cell_text(start)),
                             .any_order = true};
    return tables_scan(x, &q, NULL, fn, ctx, err);
}

static int take_census(struct tables_txn *x, bool is_wisp, const char *prefix, struct arena *a,
                       struct id_census *c, struct err *err) {
    const char *table = issue_families[is_wisp].issues;
    *c = (struct id_census){.is_wisp = is_wisp, .prefix = prefix, .limits = ID_LIMITS_DEFAULT};
    read_limits(x, a, &c->limits);
    int rc = tables_count_all(x, table, NULL, &c->count, err);
    if (rc != BD_OK)
        return rc;
    int length = id_length_for(c->count, &c->limits);
    bool clear =
        c->count > EXACT_COUNT_MAX && id_length_for(c->count - c->count / 10, &c->limits) == length;
    if (!clear && length > c->limits.min_length) {
        const char *start = arena_printf(a, "%s-", prefix);
        struct counter exact = {strlen(start), 0};
        rc = scan_ids(x, table, start, a, count_top_level, &exact, err);
        c->count = exact.count;
    }
    c->counted = rc == BD_OK;
    return rc;
}

/* ---- counter mode ---- */

struct maximum {
    size_t prefix_size;
    int64_t value;
};

/* Largest number directly behind the prefix, ids with anything else behind it left out. */
static int find_maximum(void *ctx, const struct cell *row) {
    struct maximum *m = ctx;
    const char *s = row->s.data + m->prefix_size;
    size_t n = row->s.size - m->prefix_size;
    int64_t value = 0;
    if (n == 0 || n > 15)
        return BD_OK;
    for (size_t i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return BD_OK;
        value = value * 10 + (s[i] - '0');
    }
    if (value > m->value)
        m->value = value;
    return BD_OK;
}

static int next_counter(struct tables_txn *x, const char *prefix, struct arena *a, const char **id,
                        struct err *err) {
    static const char *const columns[] = {"prefix", "last_id"};
    static const char *const last_id[] = {"last_id"};
    struct cell key = cell_text(prefix), last;
    struct maximum m = {strlen(prefix) + 1, 0};
    int rc = tables_get(x, "issue_counter", &key, 1, last_id, 1, a, &last, err);
    if (rc == BD_OK) {
        m.value = last.i;
    } else if (rc == BD_NOT_FOUND) {
        err_clear(err);
        rc = scan_ids(x, "issues", arena_printf(a, "%s-", prefix), a, find_maximum, &m, err);
    }
    if (rc != BD_OK)
        return rc;
    struct cell row[] = {key, cell_int(m.value + 1)};
    *id = arena_printf(a, "%s-%lld", prefix, (long long)m.value + 1);
    return tables_insert(x, "issue_counter", columns, row, 2, TABLES_INSERT_REPLACE, NULL, err);
}

int id_generate(struct tables_txn *x, bool is_wisp, const char *prefix, const struct issue *i,
                const char *actor, struct id_census *census, struct arena *a, const char **id,
                struct err *err) {
    static const char *const columns[] = {"id"};
    const char *mode;
    int length, first, rc = BD_OK;
    if (!is_wisp) {
        rc = db_config_get(x, "issue_id_mode", a, &mode, err);
        if (rc != BD_OK)
            return rc;
        if (mode && strcmp(mode, "counter") == 0)
            return next_counter(x, prefix, a, id, err);
    }
    if (!census->counted || census->is_wisp != is_wisp || strcmp(census->prefix, prefix) != 0)
        rc = take_census(x, is_wisp, prefix, a, census, err);
    if (rc != BD_OK)
        return rc;
    first = id_length_for(census->count++, &census->limits);
    for (length = first; length <= LENGTH_MAX; length++)
        for (int nonce = 0; nonce < NONCES; nonce++) {
            struct cell ignored;
            *id = id_hash(prefix, i->title, i->description ? i->description : "", actor,
                          i->created_at * 1000, length, nonce, a);
            rc = issue_get_columns(x, *id, is_wisp, columns, 1, a, &ignored, err);
            if (rc != BD_OK)
                return rc == BD_NOT_FOUND ? BD_OK : rc;
        }
    return err_set(err, BD_EXISTS,
                   "failed to generate unique ID after trying lengths %d-%d with 10 nonces each", first,
                   LENGTH_MAX);
}

/* ---- children ---- */

bool id_split_child(const char *id, struct arena *a, const char **parent, int64_t *number) {
    const char *dot = strrchr(id, '.');
    if (!dot || dot[1] < '0' || dot[1] > '9')
        return false;
    *number = strtoll(dot + 1, NULL, 10);
    *parent = arena_strndup(a, id, (size_t)(dot - id));
    return true;
}

static int read_child_counter(struct tables_txn *x, const char *table, const char *parent,
                              struct arena *a, int64_t *last, struct err *err) {
    static const char *const columns[] = {"last_child"};
    struct cell key = cell_text(parent), value;
    *last = 0;
    int rc = tables_get(x, table, &key, 1, columns, 1, a, &value, err);
    if (rc == BD_OK)
        *last = value.i;
    else if (rc == BD_NOT_FOUND)
        err_clear(err);
    return rc == BD_NOT_FOUND ? BD_OK : rc;
}

static int write_child_counter(struct tables_txn *x, const char *table, const char *parent,
                               int64_t last, struct err *err) {
    static const char *const columns[] = {"parent_id", "last_child"};
    struct cell row[] = {cell_text(parent), cell_int(last)};
    return tables_insert(x, table, columns, row, 2, TABLES_INSERT_REPLACE, NULL, err);
}

/* Older databases count the children of wisps with all others. */
static const char *counter_table(struct tables_txn *x, bool parent_is_wisp) {
    const char *table = issue_families[parent_is_wisp].child_counters;
    return tables_has_table(x, table) ? table : issue_families[0].child_counters;
}

int id_next_child(struct tables_txn *x, const char *parent, bool parent_is_wisp, struct arena *a,
                  const char **id, struct err *err) {
    const char *table = counter_table(x, parent_is_wisp), *start = arena_printf(a, "%s.", parent);
    struct maximum m = {strlen(start), 0};
    int rc = read_child_counter(x, table, parent, a, &m.value, err);
    if (rc == BD_OK)
        rc = scan_ids(x, issue_families[parent_is_wisp].issues, start, a, find_maximum, &m, err);
    if (rc != BD_OK)
        return rc;
    *id = arena_printf(a, "%s.%lld", parent, (long long)m.value + 1);
    return write_child_counter(x, table, parent, m.value + 1, err);
}

int id_reconcile_child(struct tables_txn *x, const char *id, struct err *err) {
    struct arena a = ARENA_INIT;
    const char *parent;
    int64_t number, last;
    bool is_wisp;
    int rc = BD_OK;
    if (id_split_child(id, &a, &parent, &number)) {
        rc = issue_locate(x, parent, &is_wisp, err);
        if (rc == BD_OK) {
            const char *table = counter_table(x, is_wisp);
            rc = read_child_counter(x, table, parent, &a, &last, err);
            if (rc == BD_OK && last < number)
                rc = write_child_counter(x, table, parent, number, err);
        } else if (rc == BD_NOT_FOUND) {
            rc = BD_OK;
        }
    }
    arena_release(&a);
    return rc;
}

/* ---- explicit ids ---- */

int id_check_format(const char *id, struct err *err) {
    if (strchr(id, '-'))
        return BD_OK;
    return err_set(err, BD_INVALID,
                   "invalid ID format '%s' (expected format: prefix-hash or prefix-hash.number, e.g., "
                   "'bd-a3f8e9' or 'bd-a3f8e9.1')",
                   id);
}

static bool starts_with_prefix(const char *id, const char *prefix) {
    size_t n = strlen(prefix);
    if (n && prefix[n - 1] == '-')
        n--;
    return n && strncmp(id, prefix, n) == 0 && id[n] == '-';
}

int id_check_prefix(const char *id, const char *prefix, const char *allowed, struct err *err) {
    if (!prefix || !*prefix || starts_with_prefix(id, prefix))
        return BD_OK;
    struct arena a = ARENA_INIT;
    struct text_list list;
    text_list_split(allowed, &a, &list);
    int rc = BD_INVALID;
    for (size_t i = 0; i < list.count; i++)
        if (starts_with_prefix(id, list.items[i]))
            rc = BD_OK;
    int size = (int)strlen(prefix);
    if (size && prefix[size - 1] == '-')
        size--;
    if (rc != BD_OK && list.count)
        err_set(err, rc,
                "prefix mismatch: database uses '%.*s-' (allowed: %s) but ID '%s' doesn't match any "
                "allowed "
                "prefix (use --force to override)",
                size, prefix, allowed, id);
    else if (rc != BD_OK)
        err_set(err, rc,
                "prefix mismatch: database uses '%.*s-' but ID '%s' doesn't match (use --force to "
                "override)",
                size, prefix, id);
    arena_release(&a);
    return rc;
}
