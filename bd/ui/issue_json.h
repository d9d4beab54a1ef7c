/*
 * Issues and what belongs to them as JSON, with the field order and the omission rules of upstream's
 * structures. The functions ending in _members write the members of an object that the caller opened.
 */
#ifndef BD_UI_ISSUE_JSON_H
#define BD_UI_ISSUE_JSON_H

#include "bd/ops/related.h"
#include "bd/ui/json.h"

enum issue_json_flags {
    ISSUE_JSON_NO_RELATIONS = 1, /* leave labels, dependencies and comments to the caller */
    ISSUE_JSON_EMPTY_LABELS = 2, /* labels is there even when empty */
};

void issue_json_members(struct json_writer *w, const struct issue *i, unsigned flags);
void issue_json(struct json_writer *w, const struct issue *i);

/* IssueWithCounts: Issue, dependency_count, dependent_count, comment_count, parent? */
void issue_json_with_counts(struct json_writer *w, const struct issue *i, unsigned flags);
/* IssueWithDependencyMetadata: Issue, dependency_type */
void issue_json_link(struct json_writer *w, const struct issue_link *l);
/* The same with only id, title, status, priority, issue_type and zero times of the issue. */
void issue_json_link_shallow(struct json_writer *w, const struct issue_link *l);
/* BlockedIssue: Issue, blocked_by_count, blocked_by */
void issue_json_blocked(struct json_writer *w, const struct issue *i, const char *const *blocked_by,
                        size_t count);
/* TreeNode: Issue, depth, parent_id, edge_from_parent?, truncated */
void issue_json_tree_node(struct json_writer *w, const struct issue *i, int64_t depth,
                          const char *parent_id, const char *edge, bool truncated);

/* IssueDetails of `show`. Labels are those of the issue. */
struct issue_details {
    const struct issue *issue;
    const struct issue_link *dependencies;
    size_t dependency_count;
    const struct issue_link *dependents; /* printed (shallow) when with_dependents */
    size_t dependent_count;
    bool with_dependents;
    const struct comment *comments;
    size_t comment_count;
    bool with_comments;
    struct related_counts counts; /* the three _count members */
};
void issue_json_details(struct json_writer *w, const struct issue_details *d);

void issue_json_dependency(struct json_writer *w, const struct dependency *d);
void issue_json_comment(struct json_writer *w, const struct comment *c);
/* key and array of strings; with `opt` left out when empty */
void issue_json_strings(struct json_writer *w, const char *key, const char *const *items, size_t count,
                        bool opt);

#endif
