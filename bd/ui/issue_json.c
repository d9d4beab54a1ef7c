/*
 * Issues as JSON. The order of the members is the contract; readers of the arrays depend on it.
 */
#include "bd/ui/issue_json.h"

#include <string.h>

static bool set(const char *s) { return s && *s; }

static void issue_json_time(struct json_writer *w, const char *key, int64_t micros) {
    if (micros == ISSUE_NO_TIME)
        json_member_str(w, key, "0001-01-01T00:00:00Z");
    else
        json_member_time(w, key, micros);
}

/* A time member; ISSUE_NO_TIME prints the zero time of Go. The _opt form leaves it out. */
static void issue_json_time_opt(struct json_writer *w, const char *key, int64_t micros) {
    if (micros != ISSUE_NO_TIME)
        json_member_time(w, key, micros);
}

void issue_json_strings(struct json_writer *w, const char *key, const char *const *items, size_t count,
                        bool opt) {
    if (opt && !count)
        return;
    json_key(w, key);
    json_array(w);
    for (size_t i = 0; i < count; i++)
        json_str(w, items[i]);
    json_array_end(w);
}

/* JSON text stored in a column, when it says more than "nothing". */
static void member_raw(struct json_writer *w, const char *key, const char *text, const char *nothing) {
    if (!set(text) || strcmp(text, nothing) == 0)
        return;
    json_key(w, key);
    json_raw(w, text, strlen(text));
}

static void relations(struct json_writer *w, const struct issue *i, unsigned flags) {
    issue_json_strings(w, "labels", i->labels, i->label_count, !(flags & ISSUE_JSON_EMPTY_LABELS));
    if (i->dependency_row_count) {
        json_key(w, "dependencies");
        json_array(w);
        for (size_t n = 0; n < i->dependency_row_count; n++)
            issue_json_dependency(w, &i->dependencies[n]);
        json_array_end(w);
    }
    if (i->comment_row_count) {
        json_key(w, "comments");
        json_array(w);
        for (size_t n = 0; n < i->comment_row_count; n++)
            issue_json_comment(w, &i->comments[n]);
        json_array_end(w);
    }
}

void issue_json_members(struct json_writer *w, const struct issue *i, unsigned flags) {
    json_member_str(w, "id", i->id ? i->id : "");
    json_member_str(w, "title", i->title ? i->title : "");
    json_member_str_opt(w, "description", i->description);
    json_member_str_opt(w, "design", i->design);
    json_member_str_opt(w, "acceptance_criteria", i->acceptance_criteria);
    json_member_str_opt(w, "notes", i->notes);
    json_member_str_opt(w, "spec_id", i->spec_id);
    json_member_str_opt(w, "status", i->status);
    json_member_int(w, "priority", i->priority);
    json_member_str_opt(w, "issue_type", i->issue_type);
    json_member_str_opt(w, "assignee", i->assignee);
    json_member_str_opt(w, "owner", i->owner);
    if (i->estimated_minutes != ISSUE_NO_INT)
        json_member_int(w, "estimated_minutes", i->estimated_minutes);
    issue_json_time(w, "created_at", i->created_at);
    json_member_str_opt(w, "created_by", i->created_by);
    issue_json_time(w, "updated_at", i->updated_at);
    issue_json_time_opt(w, "started_at", i->started_at);
    issue_json_time_opt(w, "closed_at", i->closed_at);
    json_member_str_opt(w, "close_reason", i->close_reason);
    issue_json_time_opt(w, "due_at", i->due_at);
    issue_json_time_opt(w, "defer_until", i->defer_until);
    if (i->external_ref)
        json_member_str(w, "external_ref", i->external_ref);
    json_member_str_opt(w, "source_system", i->source_system);
    member_raw(w, "metadata", i->metadata, "{}");
    json_member_int_opt(w, "compaction_level", i->compaction_level);
    issue_json_time_opt(w, "compacted_at", i->compacted_at);
    json_member_str_opt(w, "compacted_at_commit", i->compacted_at_commit);
    json_member_int_opt(w, "original_size", i->original_size);
    if (!(flags & ISSUE_JSON_NO_RELATIONS))
        relations(w, i, flags);
    json_member_str_opt(w, "sender", i->sender);
    json_member_bool_opt(w, "ephemeral", i->ephemeral);
    json_member_bool_opt(w, "no_history", i->no_history);
    json_member_str_opt(w, "wisp_type", i->wisp_type);
    json_member_bool_opt(w, "pinned", i->pinned);
    json_member_bool_opt(w, "is_template", i->is_template);
    json_member_str_opt(w, "await_type", i->await_type);
    json_member_str_opt(w, "await_id", i->await_id);
    json_member_int_opt(w, "timeout", i->timeout_ns);
    member_raw(w, "waiters", i->waiters, "[]");
    json_member_str_opt(w, "mol_type", i->mol_type);
    json_member_str_opt(w, "work_type", i->work_type);
    json_member_str_opt(w, "event_kind", i->event_kind);
    json_member_str_opt(w, "actor", i->actor);
    json_member_str_opt(w, "target", i->target);
    json_member_str_opt(w, "payload", i->payload);
}

void issue_json(struct json_writer *w, const struct issue *i) {
    json_object(w);
    issue_json_members(w, i, 0);
    json_object_end(w);
}

void issue_json_with_counts(struct json_writer *w, const struct issue *i, unsigned flags) {
    json_object(w);
    issue_json_members(w, i, flags);
    json_member_int(w, "dependency_count", i->dependency_count);
    json_member_int(w, "dependent_count", i->dependent_count);
    json_member_int(w, "comment_count", i->comment_count);
    json_member_str_opt(w, "parent", i->parent);
    json_object_end(w);
}

void issue_json_link(struct json_writer *w, const struct issue_link *l) {
    json_object(w);
    issue_json_members(w, &l->issue, 0);
    json_member_str(w, "dependency_type", l->type);
    json_object_end(w);
}

void issue_json_link_shallow(struct json_writer *w, const struct issue_link *l) {
    json_object(w);
    json_member_str(w, "id", l->issue.id);
    json_member_str(w, "title", l->issue.title);
    json_member_str_opt(w, "status", l->issue.status);
    json_member_int(w, "priority", l->issue.priority);
    json_member_str_opt(w, "issue_type", l->issue.issue_type);
    issue_json_time(w, "created_at", ISSUE_NO_TIME);
    issue_json_time(w, "updated_at", ISSUE_NO_TIME);
    json_member_str(w, "dependency_type", l->type);
    json_object_end(w);
}

void issue_json_blocked(struct json_writer *w, const struct issue *i, const char *const *blocked_by,
                        size_t count) {
    json_object(w);
    issue_json_members(w, i, 0);
    json_member_int(w, "blocked_by_count", (int64_t)count);
    issue_json_strings(w, "blocked_by", blocked_by, count, false);
    json_object_end(w);
}

void issue_json_tree_node(struct json_writer *w, const struct issue *i, int64_t depth,
                          const char *parent_id, const char *edge, bool truncated) {
    json_object(w);
    issue_json_members(w, i, 0);
    json_member_int(w, "depth", depth);
    json_member_str(w, "parent_id", parent_id ? parent_id : "");
    json_member_str_opt(w, "edge_from_parent", edge);
    json_member_bool(w, "truncated", truncated);
    json_object_end(w);
}

static const char *parent_of(const struct issue_details *d) {
    for (size_t i = 0; i < d->dependency_count; i++)
        if (strcmp(d->dependencies[i].type, "parent-child") == 0)
            return d->dependencies[i].issue.id;
    return NULL;
}

static void epic_progress(struct json_writer *w, const struct issue_details *d) {
    int64_t total = 0, closed = 0;
    for (size_t i = 0; i < d->dependent_count; i++) {
        if (strcmp(d->dependents[i].type, "parent-child") != 0)
            continue;
        total++;
        closed += strcmp(d->dependents[i].issue.status, "closed") == 0;
    }
    if (!total)
        return;
    json_member_int(w, "epic_total_children", total);
    json_member_int(w, "epic_closed_children", closed);
    json_member_bool(w, "epic_closeable", total == closed);
}

void issue_json_details(struct json_writer *w, const struct issue_details *d) {
    json_object(w);
    issue_json_members(w, d->issue, ISSUE_JSON_NO_RELATIONS);
    issue_json_strings(w, "labels", d->issue->labels, d->issue->label_count, true);
    if (d->dependency_count) {
        json_key(w, "dependencies");
        json_array(w);
        for (size_t i = 0; i < d->dependency_count; i++)
            issue_json_link(w, &d->dependencies[i]);
        json_array_end(w);
    }
    if (d->with_dependents && d->dependent_count) {
        json_key(w, "dependents");
        json_array(w);
        for (size_t i = 0; i < d->dependent_count; i++)
            issue_json_link_shallow(w, &d->dependents[i]);
        json_array_end(w);
    }
    if (d->with_comments && d->comment_count) {
        json_key(w, "comments");
        json_array(w);
        for (size_t i = 0; i < d->comment_count; i++)
            issue_json_comment(w, &d->comments[i]);
        json_array_end(w);
    }
    json_member_str_opt(w, "parent", parent_of(d));
    json_member_int(w, "dependent_count", d->counts.dependents);
    json_member_int(w, "dependency_count", d->counts.dependencies);
    json_member_int(w, "comment_count", d->counts.comments);
    if (d->with_dependents && strcmp(d->issue->issue_type, "epic") == 0)
        epic_progress(w, d);
    json_object_end(w);
}

/* JSON text with one space behind ':' and ',' outside of strings and no other white space: the form in
 * which the reference shows JSON columns as text. */
static void member_spaced(struct json_writer *w, const char *key, const char *text) {
    struct buf b = BUF_INIT;
    bool in_string = false;
    if (!set(text))
        return;
    for (const char *p = text; *p; p++) {
        if (!in_string && strchr(" \t\r\n", *p))
            continue;
        if (*p == '"')
            in_string = !in_string;
        buf_add_char(&b, *p);
        if (in_string && *p == '\\' && p[1])
            buf_add_char(&b, *++p);
        if (!in_string && (*p == ':' || *p == ','))
            buf_add_char(&b, ' ');
    }
    json_member_str(w, key, buf_str(&b));
    buf_release(&b);
}

void issue_json_dependency(struct json_writer *w, const struct dependency *d) {
    json_object(w);
    json_member_str(w, "issue_id", d->issue_id);
    json_member_str(w, "depends_on_id", d->depends_on_id);
    json_member_str(w, "type", d->type);
    issue_json_time(w, "created_at", d->created_at);
    json_member_str_opt(w, "created_by", d->created_by);
    member_spaced(w, "metadata", d->metadata);
    json_member_str_opt(w, "thread_id", d->thread_id);
    json_object_end(w);
}

void issue_json_comment(struct json_writer *w, const struct comment *c) {
    json_object(w);
    json_member_str(w, "id", c->id);
    json_member_str(w, "issue_id", c->issue_id);
    json_member_str(w, "author", c->author);
    json_member_str(w, "text", c->text);
    issue_json_time(w, "created_at", c->created_at);
    json_object_end(w);
}
