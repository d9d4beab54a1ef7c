/*
 * JSON texts inside event rows. They are written once and only shown to people later, but other
 * programs read them too, so members, their order and the escapes are upstream's.
 */
#include "bd/ops/event_json.h"

#include "base/utf8.h"
#include "store/value/json.h"

#include <stdlib.h>
#include <string.h>

void event_json_string(struct buf *out, const char *text) {
    buf_add_char(out, '"');
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        size_t n = utf8_length(s, strnlen((const char *)s, 4));
        if (n == 0) {
            buf_add_str(out, "\\ufffd");
            n = 1;
        } else if (n == 3 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9)) {
            buf_addf(out, "\\u20%02x", s[2] - 0x80);
        } else if (n > 1) {
            buf_add(out, s, n);
        } else if (*s == '"' || *s == '\\') {
            buf_addf(out, "\\%c", *s);
        } else if (*s == '\n' || *s == '\r' || *s == '\t' || *s == '\b' || *s == '\f') {
            buf_addf(out, "\\%c",
                     *s == '\n'   ? 'n'
                     : *s == '\r' ? 'r'
                     : *s == '\t' ? 't'
                     : *s == '\b' ? 'b'
                                  : 'f');
        } else if (*s < 0x20 || *s == '<' || *s == '>' || *s == '&' || *s == 0x7f) {
            if (*s == 0x7f)
                buf_add_char(out, 0x7f);
            else
                buf_addf(out, "\\u%04x", *s);
        } else {
            buf_add_char(out, (char)*s);
        }
        s += n;
    }
    buf_add_char(out, '"');
}

static void key(struct buf *out, const char *name) {
    buf_addf(out, "%s\"%s\":", out->size && out->data[out->size - 1] != '{' ? "," : "", name);
}

static void text(struct buf *out, const char *name, const char *value) {
    if (!value || !*value)
        return;
    key(out, name);
    event_json_string(out, value);
}

static void number(struct buf *out, const char *name, int64_t value) {
    key(out, name);
    buf_addf(out, "%lld", (long long)value);
}

static void number_opt(struct buf *out, const char *name, int64_t value) {
    if (value)
        number(out, name, value);
}

static void truth(struct buf *out, const char *name, bool value) {
    if (!value)
        return;
    key(out, name);
    buf_add_str(out, "true");
}

static void add_time(struct buf *out, int64_t micros) {
    char t[48] = "0001-01-01T00:00:00Z";
    if (micros != ISSUE_NO_TIME)
        datetime_format_rfc3339(micros, t, sizeof t);
    buf_addf(out, "\"%s\"", t);
}

static void time_opt(struct buf *out, const char *name, int64_t micros) {
    if (micros == ISSUE_NO_TIME)
        return;
    key(out, name);
    add_time(out, micros);
}

static void add_json(struct buf *out, const char *value) {
    if (json_normalize(value, strlen(value), out, NULL) != BD_OK)
        event_json_string(out, value);
}

void event_json_issue(struct buf *out, const struct issue *i) {
    buf_add_char(out, '{');
    key(out, "id");
    event_json_string(out, i->id);
    key(out, "title");
    event_json_string(out, i->title);
    text(out, "description", i->description);
    text(out, "design", i->design);
    text(out, "acceptance_criteria", i->acceptance_criteria);
    text(out, "notes", i->notes);
    text(out, "spec_id", i->spec_id);
    text(out, "status", i->status);
    number(out, "priority", i->priority);
    text(out, "issue_type", i->issue_type);
    text(out, "assignee", i->assignee);
    text(out, "owner", i->owner);
    if (i->estimated_minutes != ISSUE_NO_INT)
        number(out, "estimated_minutes", i->estimated_minutes);
    key(out, "created_at");
    add_time(out, i->created_at);
    text(out, "created_by", i->created_by);
    key(out, "updated_at");
    add_time(out, i->updated_at);
    time_opt(out, "started_at", i->started_at);
    time_opt(out, "closed_at", i->closed_at);
    text(out, "close_reason", i->close_reason);
    time_opt(out, "due_at", i->due_at);
    time_opt(out, "defer_until", i->defer_until);
    if (i->external_ref) {
        key(out, "external_ref");
        event_json_string(out, i->external_ref);
    }
    text(out, "source_system", i->source_system);
    if (i->metadata && *i->metadata) {
        key(out, "metadata");
        add_json(out, i->metadata);
    }
    number_opt(out, "compaction_level", i->compaction_level);
    time_opt(out, "compacted_at", i->compacted_at);
    text(out, "compacted_at_commit", i->compacted_at_commit);
    number_opt(out, "original_size", i->original_size);
    if (i->label_count) {
        key(out, "labels");
        for (size_t l = 0; l < i->label_count; l++) {
            buf_add_char(out, l ? ',' : '[');
            event_json_string(out, i->labels[l]);
        }
        buf_add_char(out, ']');
    }
    text(out, "sender", i->sender);
    truth(out, "ephemeral", i->ephemeral);
    truth(out, "no_history", i->no_history);
    text(out, "wisp_type", i->wisp_type);
    truth(out, "pinned", i->pinned);
    truth(out, "is_template", i->is_template);
    text(out, "await_type", i->await_type);
    text(out, "await_id", i->await_id);
    number_opt(out, "timeout", i->timeout_ns);
    if (i->waiters && i->waiters[0] == '[') {
        key(out, "waiters");
        add_json(out, i->waiters);
    }
    text(out, "mol_type", i->mol_type);
    text(out, "work_type", i->work_type);
    text(out, "event_kind", i->event_kind);
    text(out, "actor", i->actor);
    text(out, "target", i->target);
    text(out, "payload", i->payload);
    buf_add_char(out, '}');
}

static int by_column(const void *x, const void *y) {
    return strcmp(((const struct issue_change *)x)->column, ((const struct issue_change *)y)->column);
}

void event_json_changes(struct buf *out, const struct issue_changes *changes) {
    struct issue_changes sorted = *changes;
    struct arena a = ARENA_INIT;
    qsort(sorted.items, sorted.count, sizeof sorted.items[0], by_column);
    buf_add_char(out, '{');
    for (size_t i = 0; i < sorted.count; i++) {
        const struct issue_change *c = &sorted.items[i];
        key(out, strcmp(c->column, "ephemeral") == 0 ? "wisp" : c->column);
        switch (c->value.kind) {
        case CELL_NULL: buf_add_str(out, "null"); break;
        case CELL_INT:
            if (issue_column_is_bool(c->column))
                buf_add_str(out, c->value.i ? "true" : "false");
            else
                buf_addf(out, "%lld", (long long)c->value.i);
            break;
        case CELL_DATETIME: add_time(out, c->value.i); break;
        case CELL_JSON: add_json(out, cell_format(&c->value, &a)); break;
        default: event_json_string(out, cell_format(&c->value, &a));
        }
    }
    buf_add_char(out, '}');
    arena_release(&a);
}
