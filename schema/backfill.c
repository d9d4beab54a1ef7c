/*
 * custom_types and custom_statuses repeat what config says in types.custom and status.custom; they are
 * filled from there while they are empty.
 */
#include "schema/run.h"

#include "store/value/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct names {
    char **names, **categories;
    size_t count, capacity;
};

static char *trimmed(struct arena *a, const char *s, size_t n) {
    while (n && isspace((unsigned char)*s)) {
        s++;
        n--;
    }
    while (n && isspace((unsigned char)s[n - 1]))
        n--;
    return arena_strndup(a, s, n);
}

static void add_name(struct names *out, struct arena *a, char *name, char *category) {
    if (out->count == out->capacity) {
        size_t capacity = out->capacity ? 2 * out->capacity : 16;
        char **names = arena_alloc(a, capacity * sizeof *names);
        char **categories = arena_alloc(a, capacity * sizeof *categories);
        if (out->count) {
            memcpy(names, out->names, out->count * sizeof *names);
            memcpy(categories, out->categories, out->count * sizeof *categories);
        }
        out->names = names;
        out->categories = categories;
        out->capacity = capacity;
    }
    out->names[out->count] = name;
    out->categories[out->count++] = category;
}

/* A JSON array of strings, else a comma list. */
static void parse_types(const char *text, struct arena *a, struct names *out) {
    struct buf normal = BUF_INIT;
    char *all = trimmed(a, text, strlen(text));
    if (*all == '[' && json_normalize(all, strlen(all), &normal, NULL) == BD_OK) {
        struct json_slice item;
        for (size_t i = 0; (item = json_element(normal.data, normal.size, i)).data; i++) {
            struct buf name = BUF_INIT;
            json_unquote(item, &name);
            char *clean = trimmed(a, buf_str(&name), name.size);
            if (*clean)
                add_name(out, a, clean, NULL);
            buf_release(&name);
        }
        buf_release(&normal);
        return;
    }
    buf_release(&normal);
    for (const char *p = all; *p;) {
        size_t n = strcspn(p, ",");
        char *clean = trimmed(a, p, n);
        if (*clean)
            add_name(out, a, clean, NULL);
        p += n + (p[n] == ',');
    }
}

static bool listed(const char *const *list, const char *s) {
    for (; *list; list++)
        if (!strcmp(*list, s))
            return true;
    return false;
}

static bool good_status(const char *name) {
    static const char *const taken[] = {"open",   "in_progress", "blocked", "deferred",
                                        "closed", "pinned",      "hooked",  NULL};
    if (!(*name >= 'a' && *name <= 'z') || listed(taken, name))
        return false;
    for (const char *p = name; *p; p++)
        if (!(*p >= 'a' && *p <= 'z') && !(*p >= '0' && *p <= '9') && *p != '_' && *p != '-')
            return false;
    return true;
}

/* `name[:category]`, comma separated. One bad entry spoils the whole list, as upstream has it. */
static void parse_statuses(const char *text, struct arena *a, struct names *out) {
    static const char *const categories[] = {"active", "wip", "done", "frozen", NULL};
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, ",");
        char *name = trimmed(a, p, n), *colon = strchr(name, ':');
        char *category = colon ? colon + 1 : "unspecified";
        if (colon)
            *colon = 0;
        p += n + (p[n] == ',');
        if (!*name && !colon)
            continue;
        bool twice = false;
        for (size_t i = 0; i < out->count; i++)
            twice = twice || !strcmp(out->names[i], name);
        if ((colon && !listed(categories, category)) || !good_status(name) || twice ||
            out->count == 50) {
            out->count = 0;
            return;
        }
        add_name(out, a, name, category);
    }
}

static int backfill_one(struct tables_txn *x, struct arena *a, bool dry_run, const char *table,
                        const char *key, bool statuses, bool *wrote, struct err *err) {
    if (!tables_has_table(x, table) || !tables_has_table(x, "config"))
        return BD_OK;
    static const char *const value = "value";
    struct cell id = cell_text(key), text;
    int rc = tables_get(x, "config", &id, 1, &value, 1, a, &text, err);
    if (rc == BD_NOT_FOUND) {
        err_clear(err);
        return BD_OK;
    }
    if (rc || !cell_has_text(&text))
        return rc;
    bool filled;
    if ((rc = tables_any(x, table, "name", NULL, &filled, err)) || filled)
        return rc;
    struct names list = {NULL, NULL, 0, 0};
    const char *all = arena_strndup(a, text.s.data, text.s.size);
    if (statuses)
        parse_statuses(all, a, &list);
    else
        parse_types(all, a, &list);
    static const char *const columns[] = {"name", "category"};
    rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < list.count; i++) {
        struct cell row[] = {cell_text(list.names[i]), cell_text(list.categories[i])};
        bool inserted = dry_run;
        if (!dry_run)
            rc = tables_insert(x, table, columns, row, statuses ? 2 : 1, TABLES_INSERT_IGNORE,
                               &inserted, err);
        *wrote = *wrote || inserted;
    }
    return rc;
}

int schema_backfill_custom(struct tables_txn *x, struct arena *a, bool dry_run, bool *wrote,
                           struct err *err) {
    *wrote = false;
    int rc = backfill_one(x, a, dry_run, "custom_types", "types.custom", false, wrote, err);
    if (rc == BD_OK)
        rc = backfill_one(x, a, dry_run, "custom_statuses", "status.custom", true, wrote, err);
    return rc;
}
