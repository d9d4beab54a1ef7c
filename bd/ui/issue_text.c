/*
 * Issues as text. Active issues are styled part by part, closed ones as a whole line in a faded ink.
 */
#include "bd/ui/issue_text.h"

#include "base/datetime.h"
#include "base/json_value.h"
#include "bd/ui/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool set(const char *s) { return s && *s; }
static bool is(const char *s, const char *what) { return s && strcmp(s, what) == 0; }
static const char *or_empty(const char *s) { return s ? s : ""; }

const char *issue_status_icon_of(const char *status, const char *category) {
    static const char *const table[][2] = {
        {"open", "○"},   {"in_progress", "◐"}, {"blocked", "●"},
        {"closed", "✓"}, {"deferred", "❄"},    {"pinned", "📌"},
    };
    static const char *const categories[][2] = {
        {"active", "○"}, {"wip", "◐"}, {"done", "✓"}, {"frozen", "❄"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (is(status, table[i][0]))
            return table[i][1];
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
        if (is(category, categories[i][0]))
            return categories[i][1];
    return "◇";
}

const char *issue_status_icon(const char *status) { return issue_status_icon_of(status, NULL); }

void issue_text_icon(struct buf *out, bool color, const char *status) {
    enum ink ink = is(status, "hooked") ? INK_PLAIN : ink_of_status(status);
    ink_add(out, color, ink, issue_status_icon(status));
}

/* "● P2" or with `plain` "P2" in any ink */
static void priority(struct buf *out, bool color, enum ink ink, const char *before, int64_t value) {
    char text[40];
    snprintf(text, sizeof text, "%sP%lld", before, (long long)value);
    ink_add(out, color, ink, text);
}

void issue_text_priority(struct buf *out, bool color, int64_t value) {
    priority(out, color, ink_of_priority(value), "● ", value);
}

/* "[epic] " and "[bug] ", nothing for other types */
static void badge(struct buf *out, bool color, const char *type, const char *epic, const char *bug,
                  const char *before, const char *behind) {
    const char *text = is(type, "epic") ? epic : is(type, "bug") ? bug : NULL;
    if (!text)
        return;
    buf_add_str(out, before);
    ink_add(out, color, ink_of_type(type), text);
    buf_add_str(out, behind);
}

void issue_text_pretty(struct buf *out, bool color, const struct issue *i) {
    bool closed = is(i->status, "closed");
    issue_text_icon(out, color, i->status);
    buf_add_char(out, ' ');
    ink_add(out, color, closed ? INK_MUTED : INK_PLAIN, i->id);
    buf_add_char(out, ' ');
    priority(out, color, closed ? INK_MUTED : ink_of_priority(i->priority), "● ", i->priority);
    buf_add_char(out, ' ');
    if (closed) {
        ink_add(out, color, INK_MUTED, or_empty(i->issue_type));
        buf_add_char(out, ' ');
        ink_add(out, color, INK_MUTED, i->title);
    } else {
        badge(out, color, i->issue_type, "[epic]", "[bug]", "", " ");
        buf_add_str(out, i->title);
    }
}

static void dep_info(struct buf *out, const struct issue_dep_info *d) {
    const char *separator = "";
    if (!d || (!set(d->parent) && !d->blocked_by_count && !d->blocks_count))
        return;
    buf_add_str(out, " (");
    if (set(d->parent)) {
        buf_addf(out, "parent: %s", d->parent);
        separator = ", ";
    }
    if (d->blocked_by_count) {
        buf_addf(out, "%sblocked by: ", separator);
        text_add_joined(out, d->blocked_by, d->blocked_by_count, ", ");
        separator = ", ";
    }
    if (d->blocks_count) {
        buf_addf(out, "%sblocks: ", separator);
        text_add_joined(out, d->blocks, d->blocks_count, ", ");
    }
    buf_add_char(out, ')');
}

static void who_and_labels(struct buf *out, const struct issue *i) {
    if (set(i->assignee))
        buf_addf(out, " @%s", i->assignee);
    if (i->label_count) {
        buf_add_char(out, ' ');
        text_add_list(out, i->labels, i->label_count);
    }
}

void issue_text_compact(struct buf *out, bool color, const struct issue *i,
                        const struct issue_dep_info *deps) {
    bool blocked = deps && deps->blocked_by_count && is(i->status, "open");
    const char *pin = i->pinned ? "📌 " : "";
    if (is(i->status, "closed")) {
        struct buf line = BUF_INIT;
        buf_addf(&line, "%s %s%s [P%lld] [%s]", issue_status_icon(i->status), pin, i->id,
                 (long long)i->priority, or_empty(i->issue_type));
        who_and_labels(&line, i);
        buf_addf(&line, " - %s", i->title);
        dep_info(&line, deps);
        ink_add(out, color, INK_CLOSED, buf_str(&line));
        buf_release(&line);
        return;
    }
    issue_text_icon(out, color, blocked ? "blocked" : i->status);
    buf_addf(out, " %s%s [", pin, i->id);
    issue_text_priority(out, color, i->priority);
    buf_add_str(out, "] [");
    ink_add(out, color, ink_of_type(i->issue_type), or_empty(i->issue_type));
    buf_add_char(out, ']');
    who_and_labels(out, i);
    buf_addf(out, " - %s", i->title);
    dep_info(out, deps);
}

void issue_text_search_line(struct buf *out, bool color, const struct issue *i) {
    struct buf line = BUF_INIT;
    buf_addf(&line, "%s [P%lld] [%s] %s", i->id, (long long)i->priority, or_empty(i->issue_type),
             or_empty(i->status));
    who_and_labels(&line, i);
    buf_addf(&line, " - %s", i->title);
    ink_add(out, color, is(i->status, "closed") ? INK_CLOSED : INK_PLAIN, buf_str(&line));
    buf_release(&line);
}

void issue_text_agent(struct buf *out, const struct issue *i, const struct issue_dep_info *deps) {
    buf_addf(out, "%s: %s", i->id, i->title);
    dep_info(out, deps);
}

/* The issue's metadata as a parsed object; NULL when there is none or it is no object. */
static const struct json_value *metadata_object(const struct issue *i, struct arena *a) {
    const struct json_value *value =
        set(i->metadata) ? json_value_parse(i->metadata, strlen(i->metadata), a, NULL) : NULL;
    return json_value_is(value, JSON_OBJECT) ? value : NULL;
}

static bool has_metadata(const struct issue *i) {
    return set(i->metadata) && !is(i->metadata, "{}") && !is(i->metadata, "null");
}

void issue_text_long(struct buf *out, bool color, const struct issue *i, bool labels_skipped) {
    const char *pin = i->pinned ? "📌 " : "";
    if (is(i->status, "closed")) {
        struct buf block = BUF_INIT;
        buf_addf(&block, "%s%s [P%lld] [%s] %s\n  %s", pin, i->id, (long long)i->priority,
                 or_empty(i->issue_type), i->status, i->title);
        ink_add(out, color, INK_CLOSED, buf_str(&block));
        buf_add_char(out, '\n');
        buf_release(&block);
    } else {
        buf_addf(out, "%s%s [", pin, i->id);
        issue_text_priority(out, color, i->priority);
        buf_add_str(out, "] [");
        ink_add(out, color, ink_of_type(i->issue_type), or_empty(i->issue_type));
        buf_add_str(out, "] ");
        ink_add(out, color, ink_of_status(i->status), or_empty(i->status));
        buf_addf(out, "\n  %s\n", i->title);
    }
    if (set(i->assignee))
        buf_addf(out, "  Assignee: %s\n", i->assignee);
    struct arena a = ARENA_INIT;
    const char *description = text_trim(&a, i->description);
    if (*description) {
        buf_add_str(out, "  Description:\n");
        text_add_indented(out, "    ", description);
    }
    if (labels_skipped) {
        buf_add_str(out, "  Labels: (suppressed by --skip-labels)\n");
    } else if (i->label_count) {
        buf_add_str(out, "  Labels: ");
        text_add_list(out, i->labels, i->label_count);
        buf_add_char(out, '\n');
    }
    if (has_metadata(i)) {
        const struct json_value *object = metadata_object(i, &a);
        if (object && object->count)
            buf_addf(out, "  Metadata: %zu keys\n", object->count);
        else
            buf_add_str(out, "  Metadata: set\n");
    }
    buf_add_char(out, '\n');
    arena_release(&a);
}

void issue_text_dependency(struct buf *out, bool color, const char *arrow, const struct issue *i) {
    bool closed = is(i->status, "closed");
    buf_addf(out, "  %s %s ", arrow, issue_status_icon(i->status));
    ink_add(out, color, closed ? INK_MUTED : ink_of_status(i->status), i->id);
    buf_add_str(out, ": ");
    if (!closed)
        badge(out, color, i->issue_type, "(EPIC)", "(BUG)", "", " ");
    ink_add(out, color, closed ? INK_MUTED : INK_PLAIN, i->title);
    buf_add_char(out, ' ');
    priority(out, color, closed ? INK_MUTED : ink_of_priority(i->priority), "● ", i->priority);
}

void issue_text_header(struct buf *out, bool color, const struct issue *i) {
    struct arena a = ARENA_INIT;
    issue_text_icon(out, color, i->status);
    buf_add_char(out, ' ');
    ink_add(out, color, INK_ACCENT, i->id);
    badge(out, color, i->issue_type, "[EPIC]", "[BUG]", " ", "");
    buf_addf(out, " · %s%s   [", i->title,
             i->compaction_level == 1   ? " 🗜️"
             : i->compaction_level == 2 ? " 📦"
                                        : "");
    issue_text_priority(out, color, i->priority);
    buf_add_str(out, " · ");
    ink_add(out, color, ink_of_status(i->status), text_upper(&a, i->status));
    buf_add_char(out, ']');
    arena_release(&a);
}

static void issue_text_date(struct buf *out, int64_t micros) {
    char text[40] = "0001-01-01";
    if (micros != ISSUE_NO_TIME)
        datetime_format_sql(micros, 0, text, sizeof text);
    buf_add(out, text, 10);
}

void issue_text_minute(struct buf *out, int64_t micros, bool local_time) {
    char text[40] = "0001-01-01 00:00";
    if (micros != ISSUE_NO_TIME) {
        if (local_time)
            micros += datetime_local_offset(micros) * MICROS_PER_SECOND;
        datetime_format_sql(micros, 0, text, sizeof text);
    }
    buf_add(out, text, 16);
}

static void date_part(struct buf *out, const char *label, int64_t micros) {
    if (micros == ISSUE_NO_TIME)
        return;
    buf_add_str(out, label);
    issue_text_date(out, micros);
}

void issue_text_summary(struct buf *out, bool color, const struct issue *i) {
    if (set(i->created_by))
        buf_addf(out, "Owner: %s · ", i->created_by);
    if (set(i->assignee))
        buf_addf(out, "Assignee: %s · ", i->assignee);
    buf_add_str(out, "Type: ");
    ink_add(out, color, ink_of_type(i->issue_type), or_empty(i->issue_type));
    buf_add_str(out, "\nCreated: ");
    issue_text_date(out, i->created_at);
    date_part(out, " · Started: ", i->started_at);
    buf_add_str(out, " · Updated: ");
    issue_text_date(out, i->updated_at);
    date_part(out, " · Due: ", i->due_at);
    date_part(out, " · Deferred: ", i->defer_until);
    buf_add_char(out, '\n');
    if (is(i->status, "closed") && set(i->close_reason)) {
        ink_add(out, color, INK_MUTED, "Close reason: ");
        ink_add(out, color, INK_MUTED, i->close_reason);
        buf_add_char(out, '\n');
    }
    if (set(i->external_ref))
        buf_addf(out, "External: %s\n", i->external_ref);
    if (set(i->spec_id))
        buf_addf(out, "Spec: %s\n", i->spec_id);
    if (i->ephemeral && set(i->wisp_type)) {
        buf_add_str(out, "Wisp type: ");
        ink_add(out, color, INK_MUTED, i->wisp_type);
        buf_add_char(out, '\n');
    }
}

static int compare_members(const void *a, const void *b) {
    return strcmp((*(const struct json_value *const *)a)->key,
                  (*(const struct json_value *const *)b)->key);
}

static void metadata_value(struct buf *out, const struct json_value *v) {
    int64_t whole;
    double number = json_value_double(v);
    if (v->text) {
        buf_add_str(out, v->text);
    } else if (v->kind != JSON_NUMBER || json_value_int(v, &whole)) {
        struct json_writer w;
        json_begin(&w, out, JSON_COMPACT | JSON_NO_HTML);
        json_raw(&w, v->raw, v->raw_size);
        json_end(&w);
    } else if (floor(number) == number && fabs(number) < 9e18) {
        buf_addf(out, "%lld", (long long)number);
    } else {
        buf_addf(out, "%.15g", number);
    }
}

void issue_text_custom_metadata(struct buf *out, bool color, const struct issue *i) {
    if (!has_metadata(i))
        return;
    struct arena a = ARENA_INIT;
    const struct json_value *object = metadata_object(i, &a), **members;
    size_t n = 0;
    if (object && !object->count) {
        arena_release(&a);
        return;
    }
    ink_add(out, color, INK_BOLD, "METADATA");
    buf_add_char(out, '\n');
    if (!object) {
        buf_addf(out, "  %s\n", i->metadata);
        arena_release(&a);
        return;
    }
    members = arena_alloc(&a, object->count * sizeof *members);
    JSON_EACH(m, object) members[n++] = m;
    qsort(members, n, sizeof *members, compare_members);
    for (size_t k = 0; k < n; k++) {
        buf_addf(out, "  %s: ", members[k]->key);
        metadata_value(out, members[k]);
        buf_add_char(out, '\n');
    }
    arena_release(&a);
}

/* A titled block that opens with its first line. */
struct block {
    struct buf *out;
    bool color;
    const char *title;
    bool open;
};

static void block_line(struct block *b, const char *label, const char *value) {
    if (!b->open) {
        buf_add_char(b->out, '\n');
        ink_add(b->out, b->color, INK_BOLD, b->title);
        buf_add_char(b->out, '\n');
        b->open = true;
    }
    buf_addf(b->out, "  %s: %s\n", label, value);
}

static void block_text(struct block *b, const char *label, const char *value) {
    if (set(value))
        block_line(b, label, value);
}

static void block_time(struct block *b, const char *label, int64_t micros, bool local_time) {
    struct buf text = BUF_INIT;
    if (micros == ISSUE_NO_TIME)
        return;
    issue_text_minute(&text, micros, local_time);
    block_line(b, label, buf_str(&text));
    buf_release(&text);
}

static void block_number(struct block *b, const char *label, int64_t value, const char *unit) {
    char text[64];
    snprintf(text, sizeof text, "%lld%s", (long long)value, unit);
    block_line(b, label, text);
}

static void gate_block(struct block *b, const struct issue *i) {
    struct buf text = BUF_INIT;
    block_text(b, "Await type", i->await_type);
    block_text(b, "Await ID", i->await_id);
    if (i->timeout_ns > 0) {
        text_add_duration(&text, i->timeout_ns);
        block_line(b, "Timeout", buf_str(&text));
    }
    buf_clear(&text);
    struct arena a = ARENA_INIT;
    const struct json_value *waiters =
        set(i->waiters) ? json_value_parse(i->waiters, strlen(i->waiters), &a, NULL) : NULL;
    JSON_EACH(w, json_value_is(waiters, JSON_ARRAY) ? waiters : NULL) {
        if (w->text)
            buf_addf(&text, "%s%s", text.size ? ", " : "", w->text);
    }
    block_text(b, "Waiters", buf_str(&text));
    arena_release(&a);
    buf_release(&text);
}

void issue_text_extras(struct buf *out, bool color, const struct issue *i, bool local_time) {
    struct block b = {out, color, "EXTENDED DETAILS", false};
    block_time(&b, "Closed at", i->closed_at, local_time);
    block_text(&b, "Closed by session", i->closed_by_session);
    if (i->estimated_minutes != ISSUE_NO_INT)
        block_number(&b, "Estimated", i->estimated_minutes, " minutes");
    block_text(&b, "Source system", i->source_system);
    block_text(&b, "Sender", i->sender);
    block_text(&b, "Ephemeral", i->ephemeral ? "yes" : NULL);
    block_text(&b, "Pinned", i->pinned ? "yes" : NULL);
    block_text(&b, "Template", i->is_template ? "yes" : NULL);
    block_text(&b, "Mol type", i->mol_type);
    block_text(&b, "Work type", i->work_type);
    if (i->compaction_level > 0) {
        b = (struct block){out, color, "COMPACTION", false};
        block_number(&b, "Level", i->compaction_level, "");
        block_time(&b, "Compacted at", i->compacted_at, local_time);
        block_text(&b, "Compacted at commit", i->compacted_at_commit);
        if (i->original_size > 0)
            block_number(&b, "Original size", i->original_size, " bytes");
    }
    b = (struct block){out, color, "GATE", false};
    gate_block(&b, i);
    b = (struct block){out, color, "EVENT", false};
    block_text(&b, "Kind", i->event_kind);
    block_text(&b, "Actor", i->actor);
    block_text(&b, "Target", i->target);
    block_text(&b, "Payload", i->payload);
}

const char *issue_text_feedback(struct arena *a, const char *id, const char *title, int64_t max_title) {
    if (!set(title) || max_title <= 0)
        return id;
    return arena_printf(a, "%s — %s", id, text_truncate(a, title, (size_t)max_title));
}

const char *issue_text_feedback_paren(struct arena *a, const char *id, const char *title,
                                      int64_t max_title) {
    if (!set(title) || max_title <= 0)
        return id;
    return arena_printf(a, "%s (%s)", id, text_truncate(a, title, (size_t)max_title));
}
