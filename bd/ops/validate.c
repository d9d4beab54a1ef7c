/*
 * The vocabulary of the tracker as constant tables, and the checks that use them.
 */
#include "bd/ops/validate.h"

#include "base/json_value.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_any(const char *text, const char *const *list) {
    for (; *list; list++)
        if (strcmp(text, *list) == 0)
            return true;
    return false;
}

/* --- statuses --- */

static const struct custom_status builtin_statuses[] = {
    {"open", "active"}, {"in_progress", "wip"}, {"blocked", "wip"}, {"deferred", "frozen"},
    {"closed", "done"}, {"pinned", "frozen"},   {"hooked", "wip"},
};

static const struct custom_status *builtin_status(const char *status) {
    for (size_t i = 0; i < sizeof builtin_statuses / sizeof builtin_statuses[0]; i++)
        if (strcmp(builtin_statuses[i].name, status) == 0)
            return &builtin_statuses[i];
    return NULL;
}

bool status_is_builtin(const char *status) { return builtin_status(status) != NULL; }

static const struct custom_status *custom_status(const char *status,
                                                 const struct custom_statuses *custom) {
    for (size_t i = 0; custom && i < custom->count; i++)
        if (strcmp(custom->items[i].name, status) == 0)
            return &custom->items[i];
    return NULL;
}

bool status_is_valid(const char *status, const struct custom_statuses *custom) {
    return builtin_status(status) || custom_status(status, custom);
}

const char *status_category(const char *status, const struct custom_statuses *custom) {
    const struct custom_status *s = builtin_status(status);
    if (!s)
        s = custom_status(status, custom);
    return s ? s->category : "unspecified";
}

bool status_is_active(const char *status) {
    return strcmp(status, "closed") != 0 && strcmp(status, "pinned") != 0;
}

/* --- types --- */

const char *const builtin_types[] = {"bug",      "feature",   "task",     "epic", "chore",
                                     "decision", "message",   "molecule", "gate", "spike",
                                     "story",    "milestone", NULL};

bool type_is_builtin(const char *type) { return is_any(type, builtin_types); }

bool type_is_valid(const char *type, const struct text_list *custom) {
    return type_is_builtin(type) || strcmp(type, "event") == 0 ||
           (custom && text_list_has(custom, type));
}

struct alias {
    const char *alias, *type;
};
static const struct alias create_aliases[] = {
    {"enhancement", "feature"}, {"feat", "feature"},  {"dec", "decision"},     {"adr", "decision"},
    {"investigation", "spike"}, {"timebox", "spike"}, {"user-story", "story"}, {"user_story", "story"},
    {"ms", "milestone"},        {NULL, NULL},
};
static const struct alias filter_aliases[] = {
    {"mr", "merge-request"}, {"feat", "feature"}, {"mol", "molecule"}, {"enhancement", "feature"},
    {"dec", "decision"},     {"adr", "decision"}, {NULL, NULL},
};

static const char *resolve_alias(const char *type, const struct alias *aliases) {
    for (; aliases->alias; aliases++)
        if (strcasecmp(type, aliases->alias) == 0)
            return aliases->type;
    return type;
}

const char *type_normalize_create(const char *type) { return resolve_alias(type, create_aliases); }

const char *type_normalize(const char *type) { return resolve_alias(type, filter_aliases); }

static const struct required_section bug_sections[] = {
    {"Steps to Reproduce", "Describe how to reproduce the bug"},
    {"Acceptance Criteria", "Define criteria to verify the fix"},
};
static const struct required_section task_sections[] = {
    {"Acceptance Criteria", "Define criteria to verify completion"},
};
static const struct required_section epic_sections[] = {
    {"Success Criteria", "Define high-level success criteria"},
};
static const struct required_section decision_sections[] = {
    {"Decision", "Summarize what was decided"},
    {"Rationale", "Explain why this option was chosen"},
    {"Alternatives Considered", "List alternatives and why they were rejected"},
};
static const struct required_section spike_sections[] = {
    {"Goal", "What question does this spike answer?"},
    {"Findings", "What was learned? (fill in when complete)"},
};

#define SECTIONS(list) (*count = sizeof(list) / sizeof((list)[0]), (list))
static const struct required_section *type_required_sections(const char *type, size_t *count) {
    static const char *const task_like[] = {"task", "feature", "story", NULL};
    if (strcmp(type, "bug") == 0)
        return SECTIONS(bug_sections);
    if (is_any(type, task_like))
        return SECTIONS(task_sections);
    if (strcmp(type, "epic") == 0)
        return SECTIONS(epic_sections);
    if (strcmp(type, "decision") == 0)
        return SECTIONS(decision_sections);
    if (strcmp(type, "spike") == 0)
        return SECTIONS(spike_sections);
    *count = 0;
    return NULL;
}

static bool contains_fold(const char *text, const char *part) {
    size_t n = strlen(part);
    for (; *text; text++)
        if (strncasecmp(text, part, n) == 0)
            return true;
    return false;
}

size_t type_missing_sections(const char *type, const char *description, const char *acceptance,
                             struct arena *a, const struct required_section **missing) {
    size_t count, found = 0;
    const struct required_section *wanted = type_required_sections(type, &count);
    struct required_section *list = arena_alloc(a, (count + 1) * sizeof *list);
    bool has_criteria = acceptance && acceptance[strspn(acceptance, " \t\r\n")] != '\0';
    for (size_t i = 0; i < count; i++) {
        bool is_criteria = strcmp(wanted[i].heading, "Acceptance Criteria") == 0 ||
                           strcmp(wanted[i].heading, "Success Criteria") == 0;
        if ((is_criteria && has_criteria) ||
            (description && contains_fold(description, wanted[i].heading)))
            continue;
        list[found++] = wanted[i];
    }
    *missing = list;
    return found;
}

/* --- priority --- */

bool priority_parse(const char *text, int64_t *out) {
    while (isspace((unsigned char)*text))
        text++;
    if (*text == 'p' || *text == 'P')
        text++;
    while (*text == ' ' || *text == '\t')
        text++;
    char *end;
    if (!isdigit((unsigned char)*text) && *text != '-' && *text != '+')
        return false;
    long value = strtol(text, &end, 10);
    if (end == text || value < 0 || value > 4)
        return false;
    *out = value;
    return true;
}

int priority_check(const char *text, int64_t *out, struct err *err) {
    if (priority_parse(text, out))
        return BD_OK;
    return err_set(err, BD_INVALID,
                   "invalid priority \"%s\" (expected 0-4 or P0-P4, not words like high/medium/low)",
                   text);
}

/* --- dependency types --- */

const char *const dependency_types[] = {
    "blocks",          "parent-child", "conditional-blocks", "waits-for",      "related",
    "discovered-from", "replies-to",   "relates-to",         "duplicates",     "supersedes",
    "authored-by",     "assigned-to",  "approved-by",        "attests",        "tracks",
    "until",           "caused-by",    "validates",          "delegated-from", NULL,
};

bool dependency_type_is_well_known(const char *type) { return is_any(type, dependency_types); }

bool dependency_type_is_valid(const char *type) {
    size_t n = strlen(type);
    return n >= 1 && n <= 50;
}

bool dependency_type_blocks(const char *type) {
    return strcmp(type, "blocks") == 0 || strcmp(type, "conditional-blocks") == 0;
}

bool dependency_type_affects_ready(const char *type) {
    return dependency_type_blocks(type) || strcmp(type, "waits-for") == 0 ||
           strcmp(type, "parent-child") == 0;
}

/* --- the rest --- */

bool mol_type_is_valid(const char *type) {
    static const char *const list[] = {"swarm", "patrol", "work", NULL};
    return is_any(type, list);
}

bool wisp_type_is_valid(const char *type) {
    static const char *const list[] = {"heartbeat", "ping",  "patrol",     "gc_report",
                                       "recovery",  "error", "escalation", NULL};
    return is_any(type, list);
}

bool metadata_key_is_valid(const char *key) {
    if (!isalpha((unsigned char)*key) && *key != '_')
        return false;
    for (key++; *key; key++)
        if (!isalnum((unsigned char)*key) && *key != '_' && *key != '.')
            return false;
    return true;
}

bool external_ref_is_dependency(const char *id) { return strncmp(id, "external:", 9) == 0; }

int external_dependency_check(const char *id, struct err *err) {
    const char *project = id + 9, *colon = strchr(project, ':');
    if (!colon)
        return err_set(
            err, BD_INVALID,
            "invalid external reference format: expected 'external:<project>:<capability>', got '%s'",
            id);
    if (colon == project)
        return err_set(err, BD_INVALID, "external reference missing project name");
    if (!colon[1])
        return err_set(err, BD_INVALID, "external reference missing capability name");
    return BD_OK;
}

bool json_text_is_valid(const char *text) { return json_text_is_value(text, strlen(text)); }

int issue_check_content(const struct issue *i, struct err *err) {
    size_t title = i->title ? strlen(i->title) : 0;
    if (title == 0)
        return err_set(err, BD_INVALID, "title is required");
    if (title > 500)
        return err_set(err, BD_INVALID, "title must be 500 characters or less (got %zu)", title);
    if (i->priority < 0 || i->priority > 4)
        return err_set(err, BD_INVALID, "priority must be between 0 and 4 (got %lld)",
                       (long long)i->priority);
    if (i->estimated_minutes != ISSUE_NO_INT && i->estimated_minutes < 0)
        return err_set(err, BD_INVALID, "estimated_minutes cannot be negative");
    if (i->metadata && *i->metadata && !json_text_is_valid(i->metadata))
        return err_set(err, BD_INVALID, "metadata must be valid JSON");
    return BD_OK;
}

int issue_check_state(const struct issue *i, const struct custom_statuses *statuses,
                      const struct text_list *types, struct err *err) {
    if (!status_is_valid(i->status, statuses))
        return err_set(err, BD_INVALID, "invalid status: %s", i->status);
    if (!type_is_valid(i->issue_type, types))
        return err_set(err, BD_INVALID, "invalid issue type: %s", i->issue_type);
    bool closed = strcmp(i->status, "closed") == 0;
    if (closed && i->closed_at == ISSUE_NO_TIME)
        return err_set(err, BD_INVALID, "closed issues must have closed_at timestamp");
    if (!closed && i->closed_at != ISSUE_NO_TIME)
        return err_set(err, BD_INVALID, "non-closed issues cannot have closed_at timestamp");
    if (i->ephemeral && i->no_history)
        return err_set(err, BD_INVALID, "ephemeral and no_history are mutually exclusive");
    return BD_OK;
}

int issue_check(const struct issue *i, const struct custom_statuses *statuses,
                const struct text_list *types, struct err *err) {
    int rc = issue_check_content(i, err);
    return rc == BD_OK ? issue_check_state(i, statuses, types, err) : rc;
}
