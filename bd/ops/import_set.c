/* Rows get ids made from their content, so that a set that is imported twice is there once. */
#include "bd/ops/import_set.h"

#include "base/json_value.h"
#include "bd/ops/db_config.h"
#include "bd/ops/events.h"
#include "bd/ops/import_plan.h"
#include "bd/ops/issue_rows.h"
#include "bd/ops/uuid.h"

#include <openssl/sha.h>
#include <string.h>

static const char *text_of(const struct json_value *row, const char *key) {
    const char *text = json_value_get_text(row, key);
    return text ? text : "";
}

static int add_setting(struct import_data *d, const struct json_value *row, struct arena *a,
                       struct err *err) {
    const char *key = text_of(row, "key");
    if (!*key)
        return err_set(err, BD_INVALID, "a setting without a key");
    MEM_GROW(d->settings, d->setting_capacity, d->setting_count + 1);
    d->settings[d->setting_count++] =
        (struct import_setting){arena_strdup(a, key), arena_strdup(a, text_of(row, "value"))};
    return BD_OK;
}

static int add_event(struct import_data *d, const struct json_value *row, struct arena *a,
                     struct err *err) {
    struct import_event e = {.issue_id = arena_strdup(a, text_of(row, "issue_id")),
                             .type = arena_strdup(a, text_of(row, "event_type")),
                             .actor = arena_strdup(a, text_of(row, "actor")),
                             .old_value = arena_strdup(a, json_value_get_text(row, "old_value")),
                             .new_value = arena_strdup(a, json_value_get_text(row, "new_value")),
                             .comment = arena_strdup(a, json_value_get_text(row, "comment")),
                             .id = arena_strdup(a, json_value_get_text(row, "id"))};
    const char *time = text_of(row, "created_at");
    if (!*e.issue_id || !*e.type)
        return err_set(err, BD_INVALID, "an event without issue_id or event_type");
    if (!datetime_parse_rfc3339(time, strlen(time), &e.created_at) &&
        !datetime_parse_sql(time, strlen(time), &e.created_at))
        return err_set(err, BD_INVALID, "an event whose created_at is no time");
    json_value_int(json_value_get(row, "id"), &e.number);
    if (strcmp(e.type, "created") == 0)
        strmap_put(&d->created, e.issue_id, d);
    MEM_GROW(d->events, d->event_capacity, d->event_count + 1);
    d->events[d->event_count++] = e;
    return BD_OK;
}

int import_set_add(struct import_data *d, enum import_set_part part, const char *text, size_t size,
                   struct arena *a, struct err *err) {
    struct arena passing = ARENA_INIT;
    int rc = BD_OK;
    size_t number = 0;
    for (size_t at = 0; rc == BD_OK && at < size;) {
        const char *line = text + at, *end = memchr(line, '\n', size - at);
        size_t n = end ? (size_t)(end - line) : size - at;
        at += n + 1;
        number++;
        while (n && (line[n - 1] == '\r' || line[n - 1] == ' '))
            n--;
        if (!n)
            continue;
        struct err why = ERR_INIT;
        const struct json_value *row = json_value_parse(line, n, &passing, &why);
        if (strncmp(line, "<<<<<<<", n < 7 ? n : 7) == 0)
            rc = err_set(err, BD_INVALID,
                         "a git conflict marker; resolve the conflict in the file first");
        else if (!json_value_is(row, JSON_OBJECT))
            rc = err_set(err, BD_INVALID, "%s", why.code ? why.msg : "a JSON object is expected");
        else
            rc = part == IMPORT_SET_EVENTS ? add_event(d, row, a, err) : add_setting(d, row, a, err);
        if (rc)
            err_prefix(err, "line %zu", number);
        arena_reset(&passing);
    }
    arena_release(&passing);
    return rc;
}

bool import_set_knows_creation(const struct import_data *d, const char *id) {
    return strmap_has(&d->created, id);
}

/* ---- writing ---- */

/* What belongs to the database the set was taken from, not to its issues. */
static bool is_foreign(const char *key) {
    return strcmp(key, "schema_version") == 0 || strncmp(key, "last_import", 11) == 0 || *key == '_';
}

int import_set_put_settings(struct plan *p) {
    int rc = BD_OK;
    p->out->settings = 0;
    for (size_t i = 0; rc == BD_OK && i < p->data->setting_count; i++) {
        const struct import_setting *s = &p->data->settings[i];
        const char *now = NULL;
        if (is_foreign(s->key) || !*s->value)
            continue;
        rc = db_config_get(p->x, s->key, &p->work, &now, p->err);
        if (rc != BD_OK || now)
            continue;
        rc = db_config_set(p->x, s->key, s->value, p->err);
        if (rc != BD_OK)
            return err_prefix(p->err, "failed to import setting %s", s->key);
        p->out->settings++;
    }
    return rc;
}

static void id_of(const struct import_event *e, char uuid[UUID_TEXT_SIZE]) {
    const char *const parts[] = {e->issue_id,  e->type,      e->actor,
                                 e->old_value, e->new_value, e->comment};
    unsigned char h[SHA256_DIGEST_LENGTH];
    SHA256_CTX c;
    SHA256_Init(&c);
    SHA256_Update(&c, &e->number, sizeof e->number);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        SHA256_Update(&c, parts[i] ? parts[i] : "", parts[i] ? strlen(parts[i]) + 1 : 0);
    SHA256_Final(h, &c);
    h[0] = (unsigned char)(e->number >> 8 & 0x0f); /* rows of one moment keep their order */
    h[1] = (unsigned char)e->number;
    uuid_from_hash(e->created_at, h, uuid);
}

static int put_event(struct plan *p, const struct import_event *e) {
    bool wisp, inserted = false;
    int rc = issue_locate(p->x, e->issue_id, &wisp, p->err);
    if (rc == BD_NOT_FOUND) {
        p->out->lost_events++;
        return BD_OK;
    }
    const char *table = issue_families[wisp].events;
    if (rc != BD_OK || !tables_has_table(p->x, table) || !table_has_uuid_ids(p->x, table))
        return rc;
    static const char *const columns[] = {"id",        "issue_id",  "event_type", "actor",
                                          "old_value", "new_value", "comment",    "created_at"};
    char uuid[UUID_TEXT_SIZE];
    id_of(e, uuid);
    const struct cell cells[] = {cell_text(e->id && strlen(e->id) == UUID_TEXT_SIZE - 1 ? e->id : uuid),
                                 cell_text(e->issue_id),
                                 cell_text(e->type),
                                 cell_text(e->actor),
                                 e->old_value ? cell_text(e->old_value) : cell_null(),
                                 e->new_value ? cell_text(e->new_value) : cell_null(),
                                 e->comment ? cell_text(e->comment) : cell_null(),
                                 issue_time_cell(e->created_at)};
    rc = tables_insert(p->x, table, columns, cells, sizeof cells / sizeof *cells, TABLES_INSERT_IGNORE,
                       &inserted, p->err);
    p->out->events += inserted;
    return rc == BD_OK ? rc : err_prefix(p->err, "failed to import an event of %s", e->issue_id);
}

int import_set_put_events(struct plan *p) {
    int rc = BD_OK;
    p->out->events = p->out->lost_events = 0;
    for (size_t i = 0; rc == BD_OK && i < p->data->event_count; i++)
        rc = put_event(p, &p->data->events[i]);
    return rc;
}
