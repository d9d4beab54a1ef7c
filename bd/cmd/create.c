/*
 * bd create: flags to one request, one transaction, and the answer. The batch forms (--file, --graph)
 * have files of their own.
 */
#include "bd/cmd/create.h"

#include "bd/cmd/commands.h"
#include "bd/cmd/issue_flags.h"
#include "bd/cmd/route.h"
#include "bd/cmd/write.h"
#include "bd/ops/create.h"
#include "bd/ops/id_gen.h"
#include "bd/ops/labels.h"
#include "bd/ops/validate.h"
#include "bd/ui/ink.h"
#include "bd/ui/issue_json.h"
#include "bd/ui/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEST_WARNING_MIN 5 /* issues a database must have before a test title looks out of place */

/* ---- titles ---- */

/* "test thing", "Tmp-1": such titles usually come from experiments. */
static bool is_test_title(const char *title) {
    static const char *const words[] = {"test", "benchmark", "sample", "tmp", "temp", "debug", "dummy"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t n = strlen(words[i]);
        if (strncasecmp(title, words[i], n) == 0 &&
            (title[n] == '-' || title[n] == '_' || isspace((unsigned char)title[n])))
            return true;
    }
    return false;
}

static int take_title(struct bd *bd, const struct cmd_call *c, const char **out) {
    const char *flag = cmd_str(c, "title");
    const char *argument = cmd_arg_count(c) ? cmd_arg(c, 0) : NULL;
    *out = argument ? argument : flag;
    if (argument && *flag && strcmp(argument, flag) != 0)
        return cmd_fail(bd,
                        "cannot specify different titles as both positional argument and --title flag\n"
                        "  Positional: %s\n  --title:    %s",
                        cmd_quote(&bd->arena, argument), cmd_quote(&bd->arena, flag));
    if (argument && argument[0] == '-' && !*flag)
        return cmd_fail(
            bd,
            "title %s looks like a flag (starts with '-').\n  Run 'bd create --help' for available "
            "options.\n  To use this title anyway, pass it explicitly: bd create --title=%s",
            cmd_quote(&bd->arena, argument), cmd_quote(&bd->arena, argument));
    if (!argument && !*flag)
        return cmd_fail(bd, "title required (or use --file to create from markdown)");
    return 0;
}

static void warn_test_title(struct bd *bd, const char *title) {
    struct tables_txn *x;
    uint64_t count = 0;
    if (write_read_begin(bd, &x, NULL) != BD_OK)
        return;
    int rc = tables_count_all(x, "issues", NULL, &count, NULL);
    tables_read_end(x);
    if (rc != BD_OK || count < TEST_WARNING_MIN)
        return;
    const char *quoted = cmd_quote(&bd->arena, title);
    write_complain(bd, "%s Creating test issue in production database",
                   ink_text(&bd->arena, bd->color, INK_WARN, "⚠"));
    write_complain(bd, "  Title: %s appears to be test data", quoted);
    write_complain(bd, "  Recommendation: Use isolated test database with --db");
    write_complain(bd, "    bd --db /tmp/test-beads create %s", quoted);
}

/* ---- fields ---- */

static const char *with_section(struct bd *bd, const char *description, const char *heading,
                                const char *text) {
    if (!*text)
        return description;
    return arena_printf(&bd->arena, "%s%s## %s\n%s", description, *description ? "\n\n" : "", heading,
                        text);
}

static int take_description(struct bd *bd, const struct cmd_call *c, struct issue *i) {
    bool given;
    const char *text;
    int rc = flag_description(bd, c, &text, &given);
    if (rc)
        return rc;
    text = with_section(bd, text, "Required Skills", cmd_str(c, "skills"));
    i->description = with_section(bd, text, "Context", cmd_str(c, "context"));
    if (!*i->description && !is_test_title(i->title) &&
        config_bool(&bd->config, "create.require-description"))
        return cmd_fail(
            bd, "description is required (set create.require-description: false in config.yaml to "
                "disable)");
    return flag_design(bd, c, &i->design, &given);
}

static int take_kinds(struct bd *bd, const struct cmd_call *c, struct issue *i) {
    i->ephemeral = cmd_bool(c, "ephemeral");
    i->no_history = cmd_bool(c, "no-history");
    if (i->ephemeral && i->no_history)
        return cmd_fail(bd, "--ephemeral and --no-history are mutually exclusive");
    i->mol_type = cmd_str(c, "mol-type");
    if (*i->mol_type && !mol_type_is_valid(i->mol_type))
        return cmd_fail(bd, "invalid mol-type %s (must be swarm, patrol, or work)",
                        cmd_quote(&bd->arena, i->mol_type));
    i->wisp_type = cmd_str(c, "wisp-type");
    if (*i->wisp_type && !wisp_type_is_valid(i->wisp_type))
        return cmd_fail(
            bd,
            "invalid wisp-type %s (must be heartbeat, ping, patrol, gc_report, recovery, error, or "
            "escalation)",
            cmd_quote(&bd->arena, i->wisp_type));
    i->event_kind = cmd_str(c, "event-category");
    i->actor = cmd_str(c, "event-actor");
    i->target = cmd_str(c, "event-target");
    i->payload = cmd_str(c, "event-payload");
    if ((*i->event_kind || *i->actor || *i->target || *i->payload) &&
        strcmp(cmd_str(c, "type"), "event") != 0)
        return cmd_fail(
            bd, "--event-category, --event-actor, --event-target, and --event-payload flags require "
                "--type=event");
    return 0;
}

static int take_times(struct bd *bd, const struct cmd_call *c, struct issue *i) {
    int rc = flag_time(bd, c, "due", false, &i->due_at);
    if (!rc)
        rc = flag_time(bd, c, "defer", false, &i->defer_until);
    if (rc || i->defer_until == ISSUE_NO_TIME)
        return rc;
    if (i->defer_until > datetime_now())
        i->status = "deferred";
    else if (!cmd_bool(c, "silent") && !bd->quiet)
        warn_past_defer(bd, "defer", i->defer_until);
    return 0;
}

static int check_template(struct bd *bd, const struct cmd_call *c, const struct issue *i) {
    const char *mode = config_get(&bd->config, "validation.on-create");
    bool fatal = cmd_bool(c, "validate") || (mode && strcmp(mode, "error") == 0);
    if (!fatal && !(mode && strcmp(mode, "warn") == 0))
        return 0;
    const struct required_section *missing;
    size_t n = type_missing_sections(i->issue_type, i->description, i->acceptance_criteria, &bd->arena,
                                     &missing);
    if (n == 0)
        return 0;
    struct buf text = BUF_INIT;
    buf_addf(&text, "missing required sections for %s:", i->issue_type);
    for (size_t k = 0; k < n; k++)
        buf_addf(&text, "\n  - ## %s (%s)", missing[k].heading, missing[k].hint);
    int rc = 0;
    if (fatal)
        rc = cmd_fail(bd, "%s", buf_str(&text));
    else
        write_complain(bd, "%s %s", ink_text(&bd->arena, bd->color, INK_WARN, "⚠"), buf_str(&text));
    buf_release(&text);
    return rc;
}

static void take_labels(struct bd *bd, const struct cmd_call *c, struct issue *i) {
    size_t count, more_count;
    const char *const *labels = cmd_list(c, "labels", &count);
    const char *const *more = cmd_list(c, "label", &more_count);
    i->labels = labels_merge(labels, count, more, more_count, &bd->arena, &i->label_count);
}

static int take_fields(struct bd *bd, const struct cmd_call *c, struct issue *i) {
    struct err err = ERR_INIT;
    int rc = take_title(bd, c, &i->title);
    if (rc)
        return rc;
    if (is_test_title(i->title) && !cmd_bool(c, "silent") && !bd->quiet)
        warn_test_title(bd, i->title);
    if ((rc = take_description(bd, c, i)))
        return rc;
    if (priority_check(cmd_str(c, "priority"), &i->priority, &err) != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    i->acceptance_criteria = cmd_str(c, "acceptance");
    i->notes = cmd_str(c, "notes");
    i->spec_id = cmd_str(c, "spec-id");
    i->issue_type = type_normalize_create(cmd_str(c, "type"));
    i->assignee = cmd_str(c, "assignee");
    i->external_ref = *cmd_str(c, "external-ref") ? cmd_str(c, "external-ref") : NULL;
    take_labels(bd, c, i);
    if ((rc = take_kinds(bd, c, i)) || (rc = take_times(bd, c, i)) ||
        (rc = flag_metadata(bd, c, false, &i->metadata)) || (rc = check_template(bd, c, i)))
        return rc;
    if (cmd_given(c, "estimate")) {
        i->estimated_minutes = cmd_int(c, "estimate");
        if (i->estimated_minutes < 0)
            return cmd_fail(bd, "estimate must be a non-negative number of minutes");
    }
    i->created_by = bd_actor(bd);
    i->owner = bd_owner(bd);
    return 0;
}

/* ---- dependencies ---- */

static int compare_texts(const void *x, const void *y) {
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static int unknown_type(struct bd *bd, const char *type) {
    const char *names[32] = {"blocked-by", "depends-on"};
    size_t n = 2;
    for (const char *const *t = dependency_types; *t; t++)
        names[n++] = *t;
    qsort(names, n, sizeof *names, compare_texts);
    struct buf list = BUF_INIT;
    text_add_joined(&list, names, n, ", ");
    int rc = cmd_fail_json_stdout(
        bd, "%s dependency type %s%s; valid types: %s",
        dependency_type_is_valid(type) ? "unknown" : "invalid", cmd_quote(&bd->arena, type),
        dependency_type_is_valid(type) ? "" : " (must be non-empty, max 50 chars)", buf_str(&list));
    buf_release(&list);
    return rc;
}

/* "ID", "type:ID"; `blocks:ID` means that the new issue blocks ID. */
static int take_wish(struct bd *bd, const char *spec, struct dependency_wish *w) {
    const char *colon = strchr(spec, ':');
    *w = (struct dependency_wish){.type = "blocks", .target = spec};
    if (!colon)
        return 0;
    const char *type = text_trim(&bd->arena, arena_strndup(&bd->arena, spec, (size_t)(colon - spec)));
    w->target = text_trim(&bd->arena, colon + 1);
    if (strcmp(type, "depends-on") == 0 || strcmp(type, "blocked-by") == 0)
        return 0;
    w->reversed = strcmp(type, "blocks") == 0;
    w->type = type;
    return dependency_type_is_well_known(type) ? 0 : unknown_type(bd, type);
}

static int take_wishes(struct bd *bd, const struct cmd_call *c, struct create_request *r) {
    size_t count;
    const char *const *specs = cmd_list(c, "deps", &count);
    struct dependency_wish *wishes = arena_zalloc(&bd->arena, (count + 1) * sizeof *wishes);
    r->wishes = wishes;
    for (size_t i = 0; i < count; i++) {
        const char *spec = text_trim(&bd->arena, specs[i]);
        if (!*spec)
            continue;
        int rc = take_wish(bd, spec, &wishes[r->wish_count++]);
        if (rc)
            return rc;
    }
    const char *spawner = cmd_str(c, "waits-for"), *gate = cmd_str(c, "waits-for-gate");
    if (!*spawner)
        return 0;
    if (!*gate)
        gate = "all-children";
    if (strcmp(gate, "all-children") != 0 && strcmp(gate, "any-children") != 0)
        return cmd_fail(bd, "invalid --waits-for-gate value '%s' (valid: all-children, any-children)",
                        gate);
    wishes[r->wish_count++] =
        (struct dependency_wish){.type = "waits-for",
                                 .target = spawner,
                                 .metadata = arena_printf(&bd->arena, "{\"gate\":\"%s\"}", gate)};
    return 0;
}

/* ---- ids ---- */

static int take_id(struct bd *bd, const struct cmd_call *c, struct create_request *r) {
    const char *id = cmd_str(c, "id"), *parent = cmd_str(c, "parent");
    struct err err = ERR_INIT;
    struct tables_txn *x;
    if (*id && *parent)
        return cmd_fail(bd, "cannot specify both --id and --parent flags");
    r->parent = *parent ? parent : NULL;
    r->inherit_labels = !cmd_bool(c, "no-inherit-labels");
    r->issue.id = *id ? id : NULL;
    if (!*id)
        return 0;
    if (id_check_format(id, &err) != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    if (cmd_bool(c, "force"))
        return 0;
    const char *prefix = config_get(&bd->config, "issue-prefix"), *allowed = NULL;
    int rc = write_read_begin(bd, &x, &err);
    if (rc == BD_OK) {
        if (!prefix || !*prefix)
            rc = db_config_get(x, "issue_prefix", &bd->arena, &prefix, &err);
        if (rc == BD_OK)
            rc = db_config_get(x, "allowed_prefixes", &bd->arena, &allowed, &err);
        tables_read_end(x);
    }
    if (rc == BD_OK)
        rc = id_check_prefix(id, prefix, allowed, &err);
    return rc == BD_OK ? 0 : cmd_fail(bd, "%s", err.msg);
}

/* ---- the preview ---- */

static int preview_parent(struct bd *bd, struct create_request *r) {
    struct issue parent;
    struct err err = ERR_INIT;
    int rc = write_load(bd, r->parent, &parent, &err);
    if (rc == BD_NOT_FOUND)
        return cmd_fail(bd, "parent issue %s not found", r->parent);
    if (rc != BD_OK)
        return cmd_fail(bd, "failed to check parent issue: %s", err.msg);
    if (r->inherit_labels)
        r->issue.labels = labels_merge(r->issue.labels, r->issue.label_count, parent.labels,
                                       parent.label_count, &bd->arena, &r->issue.label_count);
    return 0;
}

static int preview(struct bd *bd, const struct cmd_call *c, struct create_request *r) {
    const struct issue *i = &r->issue;
    int rc = r->parent ? preview_parent(bd, r) : 0;
    if (rc)
        return rc;
    if (bd->json) {
        write_json_issue(bd, i);
        return 0;
    }
    struct buf b = BUF_INIT;
    size_t dep_count;
    const char *const *deps = cmd_list(c, "deps", &dep_count);
    buf_addf(&b, "%s [DRY RUN] Would create issue:\n", ink_text(&bd->arena, bd->color, INK_WARN, "⚠"));
    buf_addf(&b, "  ID: %s\n  Title: %s\n  Type: %s\n  Priority: P%lld\n  Status: %s\n",
             i->id ? i->id : "(will be generated)", i->title, i->issue_type, (long long)i->priority,
             i->status);
    if (*i->assignee)
        buf_addf(&b, "  Assignee: %s\n", i->assignee);
    if (*i->description)
        buf_addf(&b, "  Description: %s\n", i->description);
    if (i->label_count) {
        buf_add_str(&b, "  Labels: ");
        text_add_joined(&b, i->labels, i->label_count, ", ");
        buf_add_char(&b, '\n');
    }
    if (dep_count) {
        buf_add_str(&b, "  Dependencies: ");
        text_add_joined(&b, deps, dep_count, ", ");
        buf_add_char(&b, '\n');
    }
    if (*i->event_kind)
        buf_addf(&b, "  Event category: %s\n", i->event_kind);
    fputs(buf_str(&b), bd->out);
    buf_release(&b);
    return 0;
}

/* ---- creating ---- */

struct work {
    struct bd *bd;
    struct create_request *request;
};

static int create_in(struct tables_txn *x, void *ctx, struct err *err) {
    struct work *w = ctx;
    int rc = create_request_in(&w->bd->ops, x, w->request, &w->bd->arena, err);
    if (rc == BD_OK)
        tables_set_message(x, arena_printf(&w->bd->arena, "bd: create %s", w->request->issue.id));
    return rc;
}

static void answer(struct bd *bd, const struct cmd_call *c, const struct issue *i) {
    if (bd->json) {
        struct issue shown = *i; /* dependencies are not part of the answer */
        shown.dependency_row_count = 0;
        write_json_issue(bd, &shown);
    } else if (cmd_bool(c, "silent")) {
        fprintf(bd->out, "%s\n", i->id);
    } else {
        write_success(bd, "Created issue: %s", write_feedback(bd, i->id, i->title));
        fprintf(bd->out, "  Priority: P%lld\n  Status: %s\n", (long long)i->priority, i->status);
    }
}

static int create_one(struct bd *bd, const struct cmd_call *c) {
    struct create_request r = {.wish_count = 0};
    issue_init(&r.issue);
    int rc = take_fields(bd, c, &r.issue);
    if (!rc)
        rc = take_wishes(bd, c, &r);
    if (!rc)
        rc = route_create(bd, cmd_str(c, "repo"), cmd_given(c, "repo"), cmd_bool(c, "dry-run"),
                          *cmd_str(c, "parent"));
    if (!rc)
        rc = take_id(bd, c, &r);
    if (rc)
        return rc;
    if (cmd_bool(c, "dry-run"))
        return preview(bd, c, &r);
    struct err err = ERR_INIT;
    struct work w = {bd, &r};
    if (write_run(bd, NULL, "bd: create", OPS_COMMIT_ALWAYS, create_in, &w, &err) != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    for (size_t i = 0; i < r.warning_count; i++)
        cmd_warn(bd, "%s", r.warnings[i]);
    answer(bd, c, &r.issue);
    bd_touch(bd, r.issue.id);
    return 0;
}

static int run(struct bd *bd, const struct cmd_call *c) {
    const char *file = cmd_str(c, "file"), *graph = cmd_str(c, "graph");
    if (*file) {
        if (*graph)
            return cmd_fail(bd, "cannot specify both --file and --graph");
        if (cmd_arg_count(c))
            return cmd_fail(bd, "cannot specify both title and --file flag");
        if (cmd_bool(c, "dry-run"))
            return cmd_fail(bd, "--dry-run is not supported with --file flag");
        return create_from_markdown(bd, file);
    }
    if (*graph) {
        if (cmd_arg_count(c))
            return cmd_fail(bd, "cannot specify both title and --graph flag");
        return create_from_graph(bd, graph, cmd_bool(c, "dry-run"), cmd_bool(c, "ephemeral"),
                                 cmd_bool(c, "no-history"));
    }
    return create_one(bd, c);
}

static const struct cmd_flag flags[] = {
    {.name = "file",
     .shorthand = 'f',
     .kind = FLAG_STRING,
     .help = "Create the issues of a markdown file"},
    {.name = "graph", .kind = FLAG_STRING, .help = "Create issues and dependencies from a JSON plan"},
    {.name = "title", .kind = FLAG_STRING, .help = "Title (instead of the argument)"},
    {.name = "silent", .kind = FLAG_BOOL, .help = "Print the new id and nothing else"},
    {.name = "dry-run", .kind = FLAG_BOOL, .help = "Show what would be created, create nothing"},
    {.name = "type",
     .shorthand = 't',
     .kind = FLAG_STRING,
     .default_text = "task",
     .help = "Issue type: bug, feature, task, epic, chore, decision, … or one of types.custom"},
    ISSUE_FLAGS("2"),
    {.name = "spec-id", .kind = FLAG_STRING, .help = "Specification document it belongs to"},
    {.name = "labels", .shorthand = 'l', .kind = FLAG_STRINGS, .help = "Labels, separated by commas"},
    {.name = "skills", .kind = FLAG_STRING, .help = "Skills the work needs (added to the description)"},
    {.name = "context", .kind = FLAG_STRING, .help = "Context of the work (added to the description)"},
    {.name = "label", .kind = FLAG_STRINGS, .help = "Same as --labels", .hidden = true},
    {.name = "id", .kind = FLAG_STRING, .help = "Use this id instead of a generated one"},
    {.name = "parent",
     .kind = FLAG_STRING,
     .help = "Full id of the parent; the new id becomes PARENT.N"},
    {.name = "no-inherit-labels",
     .kind = FLAG_BOOL,
     .help = "Do not take over the labels of the parent"},
    {.name = "deps", .kind = FLAG_STRINGS, .help = "Dependencies: ID or type:ID, separated by commas"},
    {.name = "waits-for", .kind = FLAG_STRING, .help = "Wait for the children of this issue"},
    {.name = "waits-for-gate",
     .kind = FLAG_STRING,
     .default_text = "all-children",
     .help = "all-children or any-children"},
    {.name = "force", .kind = FLAG_BOOL, .help = "Accept an id with another prefix"},
    {.name = "repo", .kind = FLAG_STRING, .help = "Create in the project at this path"},
    {.name = "estimate", .shorthand = 'e', .kind = FLAG_INT, .help = "Estimate in minutes"},
    {.name = "ephemeral",
     .kind = FLAG_BOOL,
     .help = "A short-lived issue outside the versioned history"},
    {.name = "no-history", .kind = FLAG_BOOL, .help = "A lasting issue outside the versioned history"},
    {.name = "mol-type", .kind = FLAG_STRING, .help = "Molecule type: swarm, patrol, work"},
    {.name = "wisp-type",
     .kind = FLAG_STRING,
     .help =
         "Kind of an ephemeral issue: heartbeat, ping, patrol, gc_report, recovery, error, escalation"},
    {.name = "validate",
     .kind = FLAG_BOOL,
     .help = "Refuse a description without the sections of its type"},
    {.name = "event-category", .kind = FLAG_STRING, .help = "Category of an event (with --type=event)"},
    {.name = "event-actor", .kind = FLAG_STRING, .help = "Who caused the event (with --type=event)"},
    {.name = "event-target",
     .kind = FLAG_STRING,
     .help = "What the event is about (with --type=event)"},
    {.name = "event-payload",
     .kind = FLAG_STRING,
     .help = "JSON data of the event (with --type=event)"},
    {.name = "due", .kind = FLAG_STRING, .help = "Due: +6h, +1d, tomorrow, next monday, 2025-01-15"},
    {.name = "defer", .kind = FLAG_STRING, .help = "Keep out of ready work until then (as --due)"},
    {.name = "metadata", .kind = FLAG_STRING, .help = "Custom metadata: JSON, or @FILE"},
    {0},
};
static const char *const aliases[] = {"new", NULL};

const struct cmd cmd_create = {
    .name = "create",
    .aliases = aliases,
    .use = "create [title]",
    .summary = "Create an issue, or several from a file",
    .details = "Creates one issue from a title and flags, many from a markdown file (--file), or a "
               "whole graph of "
               "issues and dependencies from a JSON plan (--graph).",
    .examples = "  bd create \"Fix login\" -t bug -p 1\n"
                "  bd create \"Write the tests\" --parent bd-a3f8\n"
                "  bd create \"Found on the way\" --deps discovered-from:bd-a3f8",
    .group = "Working With Issues",
    .args_max = -1,
    .flags = flags,
    .cls = CMD_WRITES | CMD_BRIEF,
    .exclusive = issue_flags_exclusive,
    .run = run,
};
